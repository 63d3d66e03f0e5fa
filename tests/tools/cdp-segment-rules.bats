# cdp-segment: what definitions say beside rules, --explain, many rules at once.
bats_require_minimum_version 1.5.0
load ../helper

setup() {
  cd "$BATS_TEST_TMPDIR"
  printf '{"one_id":"%s","tags":{%s}}\n' a '"aum":50' b '"aum":200' c '"aum":500' \
    d '"aum":500.0' e '' f '"aum":"x"' >profiles
}

# members DEFINITION-MEMBERS [OPTIONS]: who is in an audience 'x'.
members() {
  echo "{\"segments\":[{\"name\":\"x\",$1}]}" >d.json
  shift
  cdp-segment -d d.json --segment x "$@" profiles 2>err | jq -r .one_id | xargs
}

refused() {
  echo "{\"segments\":[{\"name\":\"x\",$1}]}" >d.json
  run -2 --separate-stderr cdp-segment -d d.json profiles
  echo "${stderr#*d.json: x: }"
}

@test "a top takes those with the greatest numbers, equal ones by key, others last" {
  [ "$(members '"when":"true","top":1,"by":"tags.aum"')" = c ]
  [ "$(members '"when":"true","top":3,"by":"tags.aum"')" = 'b c d' ]
  [ "$(members '"when":"true","top":5,"by":"tags.aum"')" = 'a b c d e' ]
  [ "$(members '"when":"tags.aum < 300","top":10,"by":"-tags.aum"')" = 'a b' ]
  tac profiles >p && mv p profiles
  [ "$(members '"when":"true","top":3,"by":"tags.aum"' -j 3)" = 'b c d' ]
}

@test "who is in a top for the key alone is told of" {
  [ "$(members '"when":"true","top":5,"by":"tags.aum"')" = 'a b c d e' ]
  [ "$(cat err)" = "cdp-segment: audience 'x': 1 of 5 are in it by their key, as 'by' gives no number" ]
  [ "$(members '"when":"true","percent":30,"by":"tags.tier"')" = 'a b' ]
  [ "$(cat err)" = "cdp-segment: audience 'x': 2 of 2 are in it by their key, as 'by' gives no number" ]
  # Where nobody was left out nobody was chosen.
  for cut in '"top":4' '"top":6' '"percent":100'; do
    members '"when":"true","by":"tags.aum",'"$cut" >/dev/null
    [ ! -s err ]
  done
}

@test "a name with a line break or another control character is refused" {
  for name in 'a\\nb' 'a\\u007f' '\\t'; do
    printf '{"segments":[{"name":"%b","when":"true"}]}' "$name" >d.json
    run -2 --separate-stderr cdp-segment -d d.json profiles
    [ "$stderr" = 'cdp-segment: d.json: segments[0].name: holds a control character' ]
  done
}

@test "a percentage is rounded up" {
  [ "$(members '"when":"true","percent":50,"by":"tags.aum"')" = 'b c d' ]
  [ "$(members '"when":"true","percent":"51%","by":"tags.aum"')" = 'a b c d' ]
  [ "$(members '"when":"false","percent":50,"by":"tags.aum"')" = '' ]
}

@test "of several profiles of a customer the greatest value counts for a top" {
  echo '{"one_id":"a","tags":{"aum":900}}' >>profiles
  [ "$(members '"when":"true","top":1,"by":"tags.aum"')" = a ]
}

@test "a sample is the same in any order, grows with its share, and rules see it" {
  jq -nc 'range(2000) | {one_id: "k\(.)", tags: {}}' >profiles
  members '"when":"true","sample":"10%","seed":"s"' >small
  members '"when":"true","sample":30,"seed":"s"' >large
  [ "$(wc -w <small)" -gt 140 ]
  [ "$(wc -w <small)" -lt 260 ]
  [ "$(cat small large | tr ' ' '\n' | sort -u | wc -l)" -eq "$(wc -w <large)" ]
  tac profiles >p && mv p profiles
  members '"when":"true","sample":"10%","seed":"s"' -j 2 | cmp - small
  [ "$(members '"when":"true","sample":"10%","seed":"t"')" != "$(cat small)" ]
  [ "$(members '"when":"true","sample":"100%"' | wc -w)" -eq 2000 ]
  echo '{"segments":[{"name":"s","when":"true","sample":"10%"},{"name":"not","when":"!segments.s"}]}' >d
  [ "$(cdp-segment -d d --count profiles | jq -s 'map(.customers) | add')" -eq 2000 ]
}

@test "an expired audience is not written, and told; rules that refer to it go on" {
  echo '{"segments":[{"name":"old","when":"tags.aum > 100","expires":"2024-05-01"},
    {"name":"x","when":"segments.old"}]}' >d
  run -0 --separate-stderr cdp-segment -d d --as-of 2024-05-01 --count profiles
  [ "$(jq -r '"\(.segment) \(.customers)"' <<<"$output")" = 'x 3' ]
  [ "$stderr" = "cdp-segment: audience 'old' expired: 2024-05-01" ]
  run -0 --separate-stderr cdp-segment -d d --as-of 2024-04-30T15:59:59Z --count profiles
  [ "${#lines[@]}" -eq 2 ]
  [ -z "$stderr" ]
  [ "$(members '"when":"true","expires":"2024-05-01T10:00:00Z"' --as-of 2024-05-01T09:59:59Z | wc -w)" -eq 6 ]
  [ -z "$(members '"when":"true","expires":"2024-05-01T10:00:00Z"' --as-of 2024-05-01T10:00:00Z)" ]
}

@test "what is wrong in a definition is pointed at" {
  [ "$(refused '"when":"true","expires":"soon"')" = \
    "expires: expected a day '2024-05-01' or a time of RFC 3339" ]
  [ "$(refused '"when":"true","readers":"all"')" = 'readers: expected a list of names' ]
  [ "$(refused '"when":"true","top":0,"by":"tags.aum"')" = \
    'top: expected a number of customers from 1 on' ]
  [ "$(refused '"when":"true","top":5')" = 'by: missing' ]
  [ "$(refused '"when":"true","by":"tags.a"')" = 'by: there is neither top nor percent' ]
  [ "$(refused '"when":"true","top":5,"by":"tag.a"')" = \
    "by: 1:1: unknown name 'tag'; did you mean 'tags'?" ]
  [ "$(refused '"when":"true","sample":"0%"')" = \
    'sample: expected more than 0 and at most 100 percent' ]
  [ "$(refused '"when":"true","sample":"5%","top":1')" = \
    'top: one of sample, top and percent is all there can be' ]
  [ "$(refused '"when":"true","seed":"s"')" = 'seed: there is no sample' ]
  [ "$(refused '"when":"true","sampel":1')" = "unknown member 'sampel'; did you mean 'sample'?" ]
  [ "$(refused '"when":"true && 5"')" = 'when: 1:9: expected a condition, not int' ]
  [ "$(refused '"when":"1 + 1"')" = 'when: 1:3: expected a condition, not int' ]
}

@test "an explanation of an audience cut by rank tells the place, the cut and whether one is in it" {
  echo '{"segments":[{"name":"top","when":"tags.t != 9","top":2,"by":"tags.aum"},{"name":"half","when":"tags.t != 9","percent":50,"by":"tags.aum"}]}' >d
  p() { echo '{"one_id":"'"$1"'","tags":{"aum":'"$2"',"t":'"$3"'}}'; }
  { p e 5 1; p d 7.5 1; p c 7.5 1; p b 9 9; p a 9 1; p e 6 1; echo '{"one_id":"f","tags":{"t":1}}'; } >in
  why() { cdp-segment -d d --explain "$1" --segment "${2-top}" in | jq -r '"\(.depth) \(.condition) \(.value) \(.reads)"'; }
  cdp-segment -d d in | jq -r '"\(.one_id) \(.segment)"' >members
  [ "$(why c)" = '0 segments.top true {}
1 tags.t != 9 true {"tags.t":1}
1 among the first 2 of 5 by tags.aum true {"rank":2,"value":7.5,"last":7.5}' ]
  # Of equal ones those come first whose key does.
  [ "$(why d | sed -n '1p;$p')" = '0 segments.top false {}
1 among the first 2 of 5 by tags.aum false {"rank":3,"value":7.5,"last":7.5}' ]
  [ "$(why b | sed -n '1p;$p')" = '0 segments.top false {}
1 among the first 2 of 5 by tags.aum false {"rank":null,"value":9,"last":7.5}' ]
  [ "$(why f half | tail -n 1)" = '1 among the first 3 of 5 by tags.aum false {"rank":5,"value":null,"last":7.5}' ]
  # Two profiles: the greater value counts, and both are explained.
  [ "$(why e half | grep among)" = '1 among the first 3 of 5 by tags.aum false {"rank":4,"value":6,"last":7.5}
1 among the first 3 of 5 by tags.aum false {"rank":4,"value":6,"last":7.5}' ]
  for who in a b c d e f; do
    for set in top half; do
      v=$(why "$who" "$set" | head -n 1)
      grep -qx "$who $set" members && want=true || want=false
      [[ $v == "0 segments.$set $want {}" ]]
    done
  done
  [ "$(sort members | xargs)" = 'a half a top c half c top d half' ]
}

@test "an explanation of an audience that refers to a top is what a run over all finds" {
  echo '{"segments":[{"name":"top","when":"segments.some && !segments.vip","top":2,"by":"tags.aum"},
    {"name":"some","when":"tags.t > 0","sample":"60%","seed":"x"},
    {"name":"rest","when":"segments.some && !segments.top"},
    {"name":"events","when":"segments.top || count(event == \"e\") > 1"},
    {"name":"second","when":"segments.rest","top":1,"by":"tags.aum"},
    {"name":"third","when":"segments.rest && !segments.second"}]}' >d
  for i in 1 2 3 4 5 6 7 8 9; do
    echo '{"one_id":"p'$i'","tags":{"aum":'$i',"t":1}}'
    echo '{"one_id":"p'$i'","time":"2024-01-0'$((i % 3 + 1))'T00:00:00.000Z","event":"e"}'
  done >in
  head -n 6 in | grep time >>in # some do it twice
  echo '{"one_id":"p8","segment":"vip"}' >vip
  cdp-segment -d d --as-of 2024-02-01 --with vip in | jq -r '"\(.one_id) \(.segment)"' | sort >members
  [ "$(grep -c top members)" -eq 2 ]
  [ "$(grep -c second members)" -eq 1 ]
  for i in 1 2 3 4 5 6 7 8 9; do
    cdp-segment -q -d d --as-of 2024-02-01 --with vip --explain p$i in | jq -r 'select(.depth == 0) | "\(.one_id) \(.segment) \(.value)"'
  done >told
  # Who is left of those whom another top left is not found out.
  grep -v ' second \| third ' told | sed -n 's/ true$//p' | sort >in_it
  grep -v ' second$\| third$' members | diff - in_it
  [ "$(grep -c ' rest error\| top error\| events error' told)" -eq 0 ]
  grep ' second error\| third error' told
  [ "$(grep -c ' second true\| third true' told)" -eq 0 ]
}

@test "an explanation has each part with its value, what it read and why it failed" {
  echo '{"segments":[{"name":"rich","when":"tags.aum > 100"},
    {"name":"x","when":"!(segments.rich && tags.t == 1) || segments.vip"}]}' >d
  echo '{"one_id":"c","segment":"vip"}' >vip
  run -0 cdp-segment -d d --with vip --segment x --explain c profiles
  [ "$(jq -r '"\(.depth) \(.condition) \(.value) \(.reads) \(.error)"' <<<"$output")" = \
    "0 segments.x true {} null
1 one of true {} null
2 not error {} null
3 all of error {} null
4 segments.rich true {} null
5 tags.aum > 100 true {\"tags.aum\":500} null
4 tags.t == 1 error {} no such member 'tags.t'
2 segments.vip true {} null" ]
  run -0 --separate-stderr cdp-segment -d d --with vip --explain nobody profiles
  [ -z "$output" ]
  [ "$stderr" = "cdp-segment: 'nobody' has no profile here" ]
  run -2 cdp-segment --explain c profiles
}

# Ten tags of each kind, some missing; rules of up to six of 1200 conditions, some joined
# by || or negated.
make_many() {
  awk 'BEGIN { srand(7)
    for (i = 0; i < 1500; i++) {
      line = ""
      for (t = 0; t < 30; t++) {
        if (rand() < 0.2) continue
        v = int(rand() * 40)
        line = line (line ? "," : "") sprintf("\"t%d\":", t) (t < 10 ? "\"v" v "\"" : \
          t < 20 ? v / 2 : t < 25 ? (v < 20 ? "true" : "false") : "\"2024-05-" 10 + v % 20 "\"")
      }
      printf "{\"one_id\":\"%04d\",\"tags\":{%s}}\n", i, line
    } }' >profiles
  awk 'function one(  t, v) { t = int(rand() * 30); v = int(rand() * 40)
      if (rand() < 0.05) return "has(tags.t" t ")"
      if (t < 10) {
        if (rand() < 0.3) return "tags.t" t " in [\x27v" v "\x27,\x27v" v + 3 "\x27,\x27v" v - 9 "\x27]"
        if (rand() < 0.3) return "tags.t" t ".startsWith(\x27v" int(v / 10) "\x27)"
        if (rand() < 0.2) return "tags.t" t ".endsWith(\x27" v % 10 "\x27)"
        return "tags.t" t (rand() < 0.5 ? " == " : " != ") "\x27v" v "\x27"
      }
      if (t < 20) return "tags.t" t (rand() < 0.5 ? " >= " : " < ") v / 2
      if (t < 25) return "tags.t" t
      return "tags.t" t (rand() < 0.5 ? " >= " : " < ") "\x272024-05-" 10 + v % 20 "\x27" }
    BEGIN { srand(8)
      print "{\"segments\":["
      for (i = 0; i < 1200; i++) pool[i] = one()
      for (i = 0; i < 3000; i++) {
        rule = ""
        for (n = int(rand() * 6); n >= 0; n--) {
          x = pool[int(rand() * 1200)]
          y = pool[int(rand() * 1200)]
          z = rand()
          rule = rule (rule ? " && " : "") (z < 0.4 ? x : z < 0.7 ? "(" x " || " y ")" : \
            z < 0.85 ? "!(" x ")" : "(" x " || !(" y ") || segments.a" int(rand() * i) ")")
        }
        printf "{\"name\":\"a%d\",\"when\":\"%s\"}%s\n", i, i ? rule : "true", i < 2999 ? "," : "]}"
      } }' >d
}

@test "thousands of audiences have the members that each rule alone finds" {
  make_many
  cdp-segment -d d --as-of 2024-05-01 -o members profiles
  cdp-segment -d d --as-of 2024-05-01 -j 3 profiles | cmp - members
  # A rule that refers to others is asked of the conditions and of their members.
  jq -rc '.segments[range(0; 3000; 60)] | select(.when | contains("segments.") | not) |
    [.name, .when] | @tsv' d >sampled
  [ "$(wc -l <sampled)" -gt 10 ]
  while IFS="$(printf '\t')" read -r name when; do
    cdp-filter -e "$when" profiles | jq -r .one_id >want
    grep -F "\"segment\":\"$name\"," members | jq -r .one_id | cmp - want
  done <sampled
}
