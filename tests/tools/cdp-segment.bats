# cdp-segment: memberships, differences, algebra.
bats_require_minimum_version 1.5.0
load ../helper
load ../audiences

setup() {
  cd "$BATS_TEST_TMPDIR"
  three_audiences
  printf '%s\n' '{"one_id":"b","tags":{"aum":200,"days":5}}' \
    '{"one_id":"a","tags":{"aum":50,"days":5}}' '{"one_id":"c","tags":{"aum":500}}' >profiles
}

members() {
  jq -r '"\(.one_id)/\(.segment)\(.change // "" | if . == "" then "" else "/" + . end)"' | xargs
}

@test "memberships come by customer, then by definition, whatever the order of profiles" {
  cdp-segment -d s.json --as-of 2024-05-01 profiles >out
  [ "$(members <out)" = 'a/active b/both b/rich b/active c/rich' ]
  tac profiles | cdp-segment -d s.json --as-of 2024-05-01 | cmp out -
  cdp-segment -d s.json --as-of 2024-05-01 -j 3 profiles | cmp out -
}

@test "a difference has who entered and who left, also one without a profile now" {
  printf '%s\n' '{"one_id":"b","segment":"both"}' '{"one_id":"a","segment":"rich"}' \
    '{"one_id":"gone","segment":"rich"}' '{"one_id":"a","segment":"unknown"}' >before
  [ "$(cdp-segment -d s.json --previous before profiles | members)" = \
    'a/rich/left a/active/entered b/rich/entered b/active/entered c/rich/entered gone/rich/left' ]
}

@test "who became another person since the memberships before neither left nor entered" {
  printf '%s\n' '{"one_id":"b1","segment":"both"}' '{"one_id":"b2","segment":"both"}' \
    '{"one_id":"b2","segment":"rich"}' '{"one_id":"x","segment":"active"}' >before
  printf '%s\n' '{"merge":"link","from":"b1","into":"b2"}' '{"merge":"renamed","from":"b2","into":"b"}' \
    '{"merge":"moved","from":"x","into":"a"}' >log
  [ "$(cdp-segment -d s.json --previous before --merges log profiles | members)" = \
    'a/active/entered b/active/entered c/rich/entered x/active/left' ]
  run -2 --separate-stderr cdp-segment -d s.json --merges log profiles
  [[ $stderr == *"--merges needs --previous, or --store and"* ]]
  run -2 --separate-stderr cdp-segment -d s.json --previous before --merges before profiles
  [[ $stderr == *"before: 4 of its records are of no merge log" ]]
}

@test "a run differs from itself in nothing" {
  cdp-segment -d s.json profiles >before
  [ -z "$(cdp-segment -d s.json --previous before profiles)" ]
}

@test "rules may refer to audiences of other streams" {
  printf '%s\n' '{"one_id":"a","segment":"vip"}' '{"one_id":"c","segment":"vip","change":"left"}' >vip
  echo '{"segments":[{"name":"x","when":"segments.vip && !(has(tags.aum) && tags.aum > 100)"}]}' >x.json
  [ "$(cdp-segment -d x.json --with vip profiles | members)" = 'a/x' ]
}

@test "counts agree with memberships" {
  cdp-segment -d s.json --count profiles | jq -c '[.segment,.customers]' >counts
  cdp-segment -d s.json profiles | jq -r .segment | sort | uniq -c | awk '{print $2, $1}' | sort >want
  jq -r '.[0] + " " + (.[1] | tostring)' counts | sort | diff -u want -
}

@test "--segment writes only that audience, and an unknown one is refused" {
  [ "$(cdp-segment -d s.json --segment rich profiles | members)" = 'b/rich c/rich' ]
  run -2 --separate-stderr cdp-segment -d s.json --segment poor profiles
  [[ $stderr == "cdp-segment: --segment: s.json does not define 'poor'"* ]]
}

@test "what is no profile is rejected" {
  echo '{"tags":{}}' >bad
  run -3 --separate-stderr cdp-segment -d s.json bad profiles
  [ "${#lines[@]}" -eq 5 ]
  [ "$stderr" = 'cdp-segment: bad:1: not a profile: no one_id' ]
}

@test "several profiles of one customer count alike in any order" {
  echo '{"segments":[{"name":"y","when":"tags.y"},{"name":"n","when":"!segments.y"}]}' >d
  printf '{"one_id":"a","tags":{"y":%s}}\n' true false >in
  cdp-segment -d d --count in >one
  tac in | cdp-segment -d d --count | diff one -
  [ "$(jq -r .customers one | xargs)" = '1 1' ]
}

@test "--count of files, read again for customers with several profiles, is that of a stream" {
  echo '{"segments":[{"name":"y","when":"tags.y"},{"name":"n","when":"tags.n > 2"},
    {"name":"half","when":"tags.n >= 0","sample":50}]}' >d
  for i in {1..6000}; do
    echo "{\"one_id\":\"$((i % 4999))\",\"tags\":{\"y\":$((i % 3)),\"n\":$((i % 7))}}"
  done | sed 's/"y":0/"y":true/; s/"y":1/"y":false/' >in
  printf '%s\n' '{"one_id":"x"}' 'y{' '{"one_id":"3","tags":{"y":true}}' >>in
  run -3 bash -c 'cat in in | cdp-segment -d d --count --stats 2>said >want'
  [ "$(jq -r .customers want | head -1)" -eq \
    "$(jq -Rr 'fromjson? | select(.tags.y == true).one_id' in | sort -u | wc -l)" ]
  for j in 1 2 5; do
    run -3 bash -c "cdp-segment -d d --count --stats -j $j in in >out 2>told"
    cmp want out
    diff <(tail -1 said) <(tail -1 told)
    [ "$(grep -c ': not a profile' told)" -eq 2 ]
  done
}

@test "an audience that is defined takes nothing from --with" {
  echo '{"segments":[{"name":"y","when":"tags.y"},{"name":"o","when":"segments.old && !segments.y"}]}' >d
  printf '{"one_id":"%s","segment":"%s"}\n' a y a old b y >before
  printf '{"one_id":"%s","tags":{"y":false}}\n' a b >in
  [ "$(cdp-segment -d d --with before --count in | jq -r .customers | xargs)" = '0 1' ]
}

@test "names that are written with escapes are known again" {
  echo '{"segments":[{"name":"a\"b\\","when":"tags.y"}]}' >d
  echo '{"one_id":"a","tags":{"y":true}}' >in
  cdp-segment -d d -o members in
  run -0 cdp-segment -d d --previous members in
  [ -z "$output" ]
}

@test "a rule that fails for everyone is told, one that fails for some is not" {
  echo '{"segments":[{"name":"rich","when":"tags.aum > 5"},{"name":"odd","when":"tags.amu > 5"},{"name":"num","when":"tags.aum"}]}' >d
  printf '%s\n' '{"one_id":"a","tags":{"aum":6}}' '{"one_id":"b","tags":{}}' >in
  run -0 --separate-stderr cdp-segment -d d --count in
  [ "${stderr_lines[0]}" = "cdp-segment: audience 'odd': its rule ended in an error for everyone" ]
  [ "${stderr_lines[1]}" = "cdp-segment: audience 'num': its rule ended in an error for everyone" ]
  [[ ${stderr_lines[2]} == "cdp-segment: 5 expressions ended in an error; the first: in:1: "* ]]
  run -0 --separate-stderr cdp-segment -d d --segment rich in
  [ -z "$stderr" ]
}

@test "of many rules that fail ten are told" {
  jq -nc '{segments: [range(25) | {name: "s\(.)", when: "tags.x > 1"}]}' >d
  echo '{"one_id":"a","tags":{}}' >in
  run -0 --separate-stderr cdp-segment -d d in
  [ "$(grep -c 'for everyone' <<<"$stderr")" -eq 10 ]
  [[ $stderr == *"cdp-segment: so did the rules of 15 other audiences"* ]]
}

@test "a previous file that holds no memberships is refused, and nobody entered" {
  echo '{"segments":[{"name":"y","when":"tags.y"}]}' >d
  echo '{"one_id":"a","tags":{"y":true}}' >in
  run -2 --separate-stderr cdp-segment -d d --previous in in
  [ "${stderr_lines[-1]}" = "cdp-segment: in: 1 of its records is no membership" ]
  [ -z "$output" ]
}

@test "a record without tags is no profile" {
  echo '{"segments":[{"name":"all","when":"true"}]}' >d
  printf '%s\n' '{"one_id":"a","event":"e"}' '{"one_id":"b","tags":{}}' >in
  run -3 --separate-stderr cdp-segment -d d in
  [ "$stderr" = "cdp-segment: in:1: not a profile: no tags" ]
  [ "$(jq -r .one_id <<<"$output")" = b ]
}

@test "--table and --csv need --count" {
  echo '{"segments":[{"name":"y","when":"true"}]}' >d
  run -2 --separate-stderr cdp-segment -d d --csv </dev/null
  [[ $stderr == "cdp-segment: option '--csv' requires '--count'"* ]]
}
