# The store of cdp-segment: versions, differences, algebra without profiles.
bats_require_minimum_version 1.5.0
load ../helper
load ../audiences

setup() {
  cd "$BATS_TEST_TMPDIR"
  three_audiences
  printf '%s\n' '{"one_id":"b","tags":{"aum":200,"days":5}}' \
    '{"one_id":"a","tags":{"aum":50,"days":5}}' '{"one_id":"c","tags":{"aum":500}}' >monday
  printf '%s\n' '{"one_id":"b","tags":{"aum":20,"days":5}}' \
    '{"one_id":"0","tags":{"aum":500,"days":3}}' '{"one_id":"c","tags":{"aum":500}}' >tuesday
}

keep() { # DAY FILE [OPTION...]
  local day=$1 file=$2
  shift 2
  cdp-segment -d s.json --store st --as-of "2024-05-${day}T00:00:00Z" "$@" "$file"
}

members() {
  jq -r '"\(.one_id)/\(.segment)\(.change // "" | if . == "" then "" else "/" + . end)"' | xargs
}

@test "a run keeps its results and writes no memberships" {
  [ -z "$(keep 01 monday)" ]
  [ "$(cdp-segment --store st | members)" = 'a/active b/active b/both b/rich c/rich' ]
}

@test "what is stored is what a stream would have said" {
  keep 01 monday
  cdp-segment -d s.json --as-of 2024-05-01T00:00:00Z monday | LC_ALL=C sort >want
  cdp-segment --store st | LC_ALL=C sort | cmp - want
}

@test "the same results are the same bytes, whatever the order of profiles and the number of jobs" {
  keep 01 monday
  cp -r st first
  keep 01 monday
  diff -r -x lock st first
  rm -r st
  tac monday | keep 01 - -j 3
  diff -r -x lock st first
}

@test "customers keep their numbers: a later version changes nothing of an earlier one" {
  keep 01 monday
  cp st/20240501T000000.000Z.audiences first
  keep 02 tuesday
  cmp st/20240501T000000.000Z.audiences first
  keep 01 monday
  cmp st/20240501T000000.000Z.audiences first
}

@test "changes are those since the last version that there is" {
  keep 01 monday
  [ "$(keep 04 tuesday --changes | members)" = \
    '0/active/entered a/active/left 0/both/entered b/both/left 0/rich/entered b/rich/left' ]
  [ "$(cdp-segment --store st --changes --segment rich | members)" = '0/rich/entered b/rich/left' ]
}

@test "changes of a base time are the same again" {
  keep 01 monday
  keep 02 tuesday --changes >want
  keep 03 monday
  keep 02 tuesday --changes | cmp - want
  cdp-segment --store st --as-of 2024-05-02T00:00:00Z --changes | cmp - want
}

@test "changes agree with --previous" {
  cdp-segment -d s.json --as-of 2024-05-01T00:00:00Z monday >before
  keep 01 monday
  cdp-segment -d s.json --as-of 2024-05-02T00:00:00Z --previous before tuesday | LC_ALL=C sort >want
  keep 02 tuesday --changes | LC_ALL=C sort | cmp - want
}

@test "everyone enters where there is no version before, which is told" {
  keep 01 monday --changes 2>notes | members >out
  [ "$(cat out)" = 'a/active/entered b/active/entered b/both/entered b/rich/entered c/rich/entered' ]
  grep -q 'there is no version before' notes
}

@test "an audience that is new has everyone entered, one that is gone is not told of" {
  keep 01 monday
  echo '{"segments":[{"name":"poor","when":"tags.aum < 100"}]}' >s.json
  [ "$(keep 02 tuesday --changes | members)" = 'b/poor/entered' ]
}

@test "--as-of chooses the version of that time or the last one before" {
  keep 01 monday
  keep 03 tuesday
  [ "$(cdp-segment --store st --segment rich | members)" = '0/rich c/rich' ]
  [ "$(cdp-segment --store st --segment rich --as-of 2024-05-02T23:00:00Z | members)" = 'b/rich c/rich' ]
  run -4 --separate-stderr cdp-segment --store st --as-of 2024-04-01
  [ "$stderr" = "cdp-segment: 'st': there is no version up to that time" ]
}

@test "stored audiences are combined without profiles" {
  keep 01 monday
  [ "$(cdp-segment --store st -e 'segments.rich && !segments.active' | jq -r .one_id)" = c ]
  [ "$(cdp-segment --store st -e 'x:=!segments["rich"]' -e 'segments.both' | members)" = 'a/x b/both' ]
  [ "$(cdp-segment --store st --count -e 'segments.rich || segments.active' | jq .customers)" = 3 ]
  run -2 --separate-stderr cdp-segment --store st -e 'tags.aum > 5'
  [[ $stderr == *"-e: 1:10: stored audiences answer"* ]]
  run -2 --separate-stderr cdp-segment --store st -e 'segments.rihc'
  [[ $stderr == *"unknown segment 'rihc'; did you mean 'rich'?" ]]
}

@test "who became another person neither left nor entered" {
  keep 01 monday
  printf '%s\n' '{"one_id":"b2","tags":{"aum":200,"days":5}}' '{"one_id":"c","tags":{"aum":500}}' >tuesday
  keep 02 tuesday
  [ "$(cdp-segment --store st --changes --segment active | members)" = 'a/active/left b/active/left b2/active/entered' ]
  printf '%s\n' '{"result":"merge","merge":"renamed","from":"b","into":"b1"}' \
    '{"merge":"link","from":"b1","into":"b2"}' '{"merge":"moved","from":"a","into":"c"}' \
    '{"merge":"link","from":"unknown","into":"c"}' >log
  [ "$(cdp-segment --store st --changes --merges log | members)" = 'a/active/left' ]
  [ "$(keep 02 tuesday --changes --merges log | members)" = 'a/active/left' ]
  echo '{"merge":"link","from":"a","into":"c"}' >log
  [ "$(cdp-segment --store st --changes --merges log --segment active | members)" = 'b/active/left b2/active/entered c/active/left' ]
  run -2 --separate-stderr cdp-segment --store st --changes --merges monday
  [[ $stderr == *"monday: 3 of its records are of no merge log" ]]
  run -4 cdp-segment --store st --changes --merges missing
}

@test "not an audience is who had a profile at that time and is not in it" {
  keep 01 monday
  keep 02 tuesday
  [ "$(cdp-segment --store st -e '!segments.both' | jq -r .one_id | xargs)" = 'b c' ]
}

@test "counts are those of the stored version" {
  keep 01 monday
  cdp-segment -d s.json --count monday | LC_ALL=C sort >want
  cdp-segment --store st --count | LC_ALL=C sort | cmp - want
}

@test "the catalogue is searched by a word" {
  keep 01 monday
  [ "$(cdp-segment --store st --list | jq -r '"\(.segment) \(.customers)"' | xargs)" = 'active 2 both 1 rich 2' ]
  [ "$(cdp-segment --store st --list --search RIC | jq -r .segment)" = rich ]
}

@test "the catalogue tells what definitions say" {
  echo '{"segments":[{"name":"x","title":"甲","owner":"ann","class":"scene","when":"true"},{"name":"y","when":"false"}]}' >s.json
  keep 01 monday
  [ "$(cdp-segment --store st --list --search ANN | jq -c '[.segment,.title,.owner,.class,.expires]')" = '["x","甲","ann","scene",null]' ]
  [ "$(cdp-segment --store st --list --search 甲 | jq -r .segment)" = x ]
}

@test "the catalogue shows who may see and change an audience, and the store has what umask leaves" {
  echo '{"segments":[{"name":"a","when":"true","readers":["desk","财富"],"editors":["me"]},{"name":"b","when":"true"}]}' >s.json
  echo '{"one_id":"c","tags":{}}' >p
  (umask 027 && cdp-segment -d s.json --as-of 2024-05-01 --store shared p)
  [ "$(cdp-segment --store shared --list | jq -c '[.readers,.editors]')" = '[["desk","财富"],["me"]]
[null,null]' ]
  [ "$(stat -c %a shared shared/customers shared/*.audiences | sort -u)" = '640
750' ]
}

@test "rules may refer to audiences of the version before" {
  keep 01 monday
  echo '{"segments":[{"name":"stay","when":"segments.rich && tags.aum > 100"},
    {"name":"active","when":"segments.both"}]}' >s.json
  [ -z "$(keep 02 tuesday)" ]
  [ "$(cdp-segment --store st | members)" = 'b/active c/stay' ]
  keep 02 tuesday
  [ "$(cdp-segment --store st | members)" = 'b/active c/stay' ]
  echo '{"one_id":"0","segment":"rich"}' >list
  keep 02 tuesday --with list
  [ "$(cdp-segment --store st --segment stay | members)" = '0/stay' ]
  echo '{"segments":[{"name":"x","when":"segments.rihc"}]}' >s.json
  run -2 --separate-stderr keep 02 tuesday
  [[ $stderr == *"unknown segment 'rihc'"* ]]
}

@test "--keep removes all but the latest versions" {
  keep 01 monday
  keep 02 tuesday
  keep 03 monday --keep 2
  run -0 ls st
  [ "$(echo $output)" = '20240502T000000.000Z.audiences 20240503T000000.000Z.audiences customers lock' ]
}

@test "a file that was cut short or changed is an error, not an answer" {
  keep 01 monday
  v=st/20240501T000000.000Z.audiences
  cp $v whole
  size=$(stat -c %s whole)
  for n in 0 1 31 32 100 $((size / 2)) $((size - 1)); do
    head -c $n whole >$v
    run -4 --separate-stderr cdp-segment --store st
    [[ $stderr == "cdp-segment: '$v': "* ]]
  done
  { head -c 40 whole; printf '\377'; tail -c +42 whole; } >$v
  run -4 cdp-segment --store st
}

@test "half a write of customers is cut off by the next run" {
  keep 01 monday
  cp -r st first
  printf 'torn' >>st/customers
  cdp-segment --store st >/dev/null
  keep 02 tuesday
  keep 01 monday
  cmp first/20240501T000000.000Z.audiences st/20240501T000000.000Z.audiences
  [ "$(cdp-segment --store st --segment rich | members)" = '0/rich c/rich' ]
}

@test "a run that is killed at any instant leaves what was, and the next one gives the same bytes" {
  keep 01 monday
  awk 'BEGIN { for (i = 0; i < 20000; i++)
    printf "{\"one_id\":\"%05d\",\"tags\":{\"aum\":%d,\"days\":%d}}\n", i * 7 % 20000, i % 300, i % 70 }' >many
  cp -r st first
  keep 02 many
  cp -r st want
  for pause in 0.001 0.005 0.01 0.02 0.03 0.04 0.05 0.06 0.08 0.1 0.15; do
    rm -rf st
    cp -r first st
    cdp-segment -d s.json --store st --as-of 2024-05-02T00:00:00Z many &
    sleep $pause
    kill -9 $! 2>/dev/null || true
    wait $! || true
    cmp st/20240501T000000.000Z.audiences first/20240501T000000.000Z.audiences
    [ -n "$(cdp-segment --store st --as-of 2024-05-01T00:00:00Z)" ]
    keep 02 many
    rm -f st/.cdp-*.tmp
    diff -r -x lock st want
  done
}

@test "two runs cannot write at once" {
  keep 01 monday
  mkfifo fifo
  keep 02 fifo &
  exec 9>fifo
  run -4 --separate-stderr keep 03 monday
  [[ $stderr == "cdp-segment: 'st/lock' is locked by process "* ]]
  cdp-segment --store st >/dev/null
  cat tuesday >&9
  exec 9>&-
  wait $!
  [ "$(cdp-segment --store st --segment both | members)" = '0/both' ]
}

batch() {
  jq -r .batch | sort -u
}

@test "a list is handed over once, with its batch" {
  keep 01 monday
  cdp-segment --store st --export rich 2>notes >list
  [ "$(jq -r '"\(.result) \(.one_id) \(.segment) \(.as_of)"' list | xargs)" = \
    'handover b rich 2024-05-01T00:00:00.000Z handover c rich 2024-05-01T00:00:00.000Z' ]
  b=$(batch <list)
  [ "$(cat notes)" = "cdp-segment: batch $b: 2 customers of 'rich'" ]
  run -1 --separate-stderr cdp-segment --store st --export rich
  [ -z "$output" ]
  [ "$stderr" = "cdp-segment: batch $b of 'rich' was handed over before" ]
  cdp-segment --store st --export rich --again | cmp - list
}

@test "a batch that was handed over is not written over" {
  keep 01 monday
  cdp-segment -q --store st --export rich --csv -o list.csv
  [ "$(head -n 1 list.csv)" = 'result,one_id,segment,as_of,batch' ]
  echo mine >list.csv
  run -1 cdp-segment --store st --export rich --csv -o list.csv
  [ "$(cat list.csv)" = mine ]
}

@test "a batch is acknowledged, and stays so" {
  keep 01 monday
  b=$(cdp-segment -q --store st --export rich | batch)
  [ "$(cdp-segment --store st --batches | jq -r '"\(.batch) \(.segment) \(.customers) \(.state)"')" = "$b rich 2 exported" ]
  cdp-segment --store st --ack "$b"
  cdp-segment --store st --ack "$b"
  [ "$(cdp-segment --store st --batches | jq -r .state)" = acknowledged ]
  run -1 --separate-stderr cdp-segment --store st --export rich
  [[ $stderr == *"was handed over before, and acknowledged" ]]
  cdp-segment -q --store st --export rich --again >/dev/null
  [ "$(cdp-segment --store st --batches | jq -r .state)" = acknowledged ]
  for id in 0123456789abcdef nonsense ../customers ''; do
    run -2 --separate-stderr cdp-segment --store st --ack "$id"
    [[ $stderr == *"there is no batch '$id'"* ]]
  done
}

@test "another night, another result or another audience is another batch" {
  keep 01 monday
  cdp-segment -q --store st --export rich | batch >ids
  keep 02 monday
  cdp-segment -q --store st --export rich | batch >>ids
  cdp-segment -q --store st --export active | batch >>ids
  keep 02 tuesday
  cdp-segment -q --store st --export rich | batch >>ids
  run -1 cdp-segment --store st --as-of 2024-05-01T00:00:00Z --export rich
  keep 01 monday
  run -1 cdp-segment --store st --as-of 2024-05-01T00:00:00Z --export rich
  [ "$(sort -u ids | wc -l)" = 4 ]
  [ "$(cdp-segment --store st --batches | jq -r .batch | sort)" = "$(sort ids)" ]
}

@test "a list that did not reach its reader was not handed over" {
  keep 01 monday
  run -4 cdp-segment --store st --export rich -o nowhere/list
  run -4 bash -c 'cdp-segment --store st --export rich >/dev/full'
  [ -z "$(cdp-segment --store st --batches)" ]
  cdp-segment -q --store st --export rich >/dev/null
}

@test "an audience without members is a batch, too" {
  keep 01 monday
  echo '{"segments":[{"name":"none","when":"false"}]}' >s.json
  keep 01 monday
  [ -z "$(cdp-segment -q --store st --export none)" ]
  [ "$(cdp-segment --store st --batches | jq -r .customers)" = 0 ]
  run -2 --separate-stderr cdp-segment --store st --export non
  [[ $stderr == *"--export: unknown segment 'non'; did you mean 'none'?" ]]
}

@test "options that have no store, or nothing to do with it, are refused" {
  for o in '-e segments.a' --changes --list --batches '--export a' '--ack b'; do
    run -2 --separate-stderr cdp-segment $o
    [[ $stderr == *"needs --store DIR"* ]]
  done
  run -2 cdp-segment --store st --list -d s.json monday
  run -2 cdp-segment --store st monday
  run -2 cdp-segment --store st --search x
  run -2 cdp-segment --store st --keep 3
  run -2 cdp-segment --store st --again
  run -2 cdp-segment --store st --export a --count
  run -2 cdp-segment --store st --export a --batches
  run -4 --separate-stderr cdp-segment --store nowhere
  [ "$stderr" = "cdp-segment: 'nowhere': no store of audiences" ]
}
