# cdp-tag: relations, and tags of what is no person.
bats_require_minimum_version 1.5.0
load ../helper

setup() {
  cd "$BATS_TEST_TMPDIR"
  cat >tags.json <<'END'
{"tags":[
 {"name":"owns","value":"relations.owns"},
 {"name":"shares","value":"links.owns.map(l, l.share)"},
 {"name":"rich","value":"relations.owns.exists(e, entity('firm', e).capital > 1000000)"},
 {"name":"serves","value":"relations.serves"},
 {"name":"owners","entity":"firm","value":"relations.owns"},
 {"name":"capital","entity":"firm","value":"profile.capital"},
 {"name":"risk","entity":"product","value":"profile.risk"},
 {"name":"buyers","entity":"product","value":"distinct(one_id, event == 'buy')"}]}
END
}

owns() { # CUSTOMER FIRM DAY REST
  echo '{"one_id":"'"$1"'","time":"2024-04-'"$3"'T00:00:00.000Z","type":"relation","ids":{"customer":"C'"$1"'"},"relation":"owns","to":{"firm":"'"$2"'"}'"$4"'}'
}

firm() { # ID DAY CAPITAL
  echo '{"time":"2024-04-'"$2"'T00:00:00.000Z","type":"entity","entity":"firm","id":"'"$1"'","props":{"capital":'"$3"'}}'
}

relations() {
  owns a E1 01 ',"props":{"share":0.1}'
  owns a E2 01 ',"props":{"share":0.2}'
  owns a E1 03 ',"props":{"share":0.3}'
  owns b E1 01 ''
  owns b E1 02 ',"deleted":true'
  owns c E3 01 ',"deleted":true'
  owns c E3 02 ',"props":{}'
}

@test "the latest of each pair counts, in any order and for any number of threads" {
  { firm E1 01 10; firm E2 01 2000000; firm E3 01 3; } >e
  relations >in
  cdp-tag -d tags.json --as-of 2024-05-01 --entities e in | jq -c '[.one_id, .tags]' >out
  printf '%s\n' '["a",{"owns":["E1","E2"],"shares":[0.3,0.2],"rich":true,"serves":[]}]' \
    '["b",{"owns":[],"shares":[],"rich":false,"serves":[]}]' \
    '["c",{"owns":["E3"],"rich":false,"serves":[]}]' | diff -u - out
  for i in 1 2 3 4 5 6 7 8; do
    sort -R in >mixed
    cdp-tag -d tags.json --as-of 2024-05-01 --entities e -j $((i % 3 + 1)) mixed | jq -c '[.one_id, .tags]' | diff -u out -
  done
}

@test "firms list their owners, and everyone of whom there is a row has a profile" {
  { relations; firm E2 01 5; firm E2 02 7; firm E4 01 9; } >in
  cdp-tag -d tags.json --as-of 2024-05-01 --entity firm in >out
  printf '%s\n' '{"firm":"E1","as_of":"2024-04-30T16:00:00.000Z","tags":{"owners":["a"]}}' \
    '{"firm":"E2","as_of":"2024-04-30T16:00:00.000Z","tags":{"owners":["a"],"capital":7}}' \
    '{"firm":"E3","as_of":"2024-04-30T16:00:00.000Z","tags":{"owners":["c"]}}' \
    '{"firm":"E4","as_of":"2024-04-30T16:00:00.000Z","tags":{"owners":[],"capital":9}}' | diff -u - out
  grep -v entity in >relations
  grep entity in >rows
  cdp-tag -d tags.json --as-of 2024-05-01 --entity firm --entities rows -j 2 relations | diff -u out -
}

@test "relations may stand in --entities, and are no part of a state then" {
  { firm E1 01 10; firm E2 01 2000000; firm E3 01 3; } >e
  relations >rel
  cat e rel >both
  cdp-tag -d tags.json --as-of 2024-05-01 --entities e rel >want
  cdp-tag -d tags.json --as-of 2024-05-01 --entities both -j 2 </dev/null | cmp want -
  cdp-tag -d tags.json --as-of 2024-05-01 --entities e --entities rel </dev/null | cmp want -
  : >none
  cdp-tag -q -d tags.json --as-of 2024-05-01 --state st --entities both none | cmp want -
  owns a E9 04 '' >>both
  cdp-tag -q -d tags.json --as-of 2024-05-02 --state st --entities both none | jq -c 'select(.one_id == "a").tags.owns' >out
  echo '["E1","E2","E9"]' | diff -u - out
  # What is not there any more is no more; what came as input is kept.
  grep -v E9 both >fewer
  owns b E8 04 '' >input
  cdp-tag -q -d tags.json --as-of 2024-05-02 --state st --entities fewer input >/dev/null
  cdp-tag -q -d tags.json --as-of 2024-05-03 --state st --entities fewer none | jq -c '[.one_id, .tags.owns]' >out
  printf '%s\n' '["a",["E1","E2"]]' '["b",["E8"]]' '["c",["E3"]]' | diff -u - out
}

@test "a relation that leads to a customer is told by the identity map" {
  echo '{"type":"relation","ids":{"manager":"M1"},"relation":"serves","to":{"customer":"C1"}}' >in
  echo '{"type":"relation","ids":{"manager":"M1"},"relation":"serves","to":{"customer":"C9"}}' >>in
  echo '{"kind":"customer","value":"C1","one_id":"00000000000000aa"}' >map
  echo '{"tags":[{"name":"by","value":"relations.serves"},
    {"name":"of","entity":"manager","value":"relations.serves"}]}' >t.json
  cdp-tag -d t.json --as-of 2024-05-01 --ids map in | jq -c '[.one_id, .tags]' >out
  echo '["00000000000000aa",{"by":["M1"]}]' | diff -u - out
  cdp-tag -d t.json --as-of 2024-05-01 --entity manager --ids map in | jq -c '[.manager, .tags]' >out
  echo '["M1",{"of":["00000000000000aa","C9"]}]' | diff -u - out
}

@test "between two of the kind only the end in ids lists the other" {
  echo '{"one_id":"a","type":"relation","ids":{"customer":"C1"},"relation":"parent_of","to":{"customer":"C2"}}' >in
  echo '{"tags":[{"name":"children","value":"relations.parent_of"}]}' >t.json
  cdp-tag -d t.json --as-of 2024-05-01 --key ids.customer in | jq -c '[.["ids.customer"], .tags]' >out
  echo '["C1",{"children":["C2"]}]' | diff -u - out
  run -2 --separate-stderr cdp-tag -d t.json --key props.x in
  [[ $stderr == *"--key must be one_id or ids.KIND, or --entity given"* ]]
}

@test "events count for the product that they name, wherever its row stands" {
  for e in 'a F1' 'b F1' 'a F1' 'a F2'; do
    set -- $e
    echo '{"one_id":"'"$1"'","time":"2024-04-01T00:00:00.000Z","event":"buy","props":{"product":"'"$2"'"}}'
  done >in
  echo '{"type":"entity","entity":"product","id":"F1","props":{"risk":3}}' >>in
  echo '{"type":"entity","entity":"product","id":"F3","props":{"risk":1}}' >>in
  echo '{"type":"entity","entity":"product","id":"F3","time":"2024-04-01T00:00:00.000Z","deleted":true}' >>in
  cdp-tag -d tags.json --as-of 2024-05-01 --entity product in | jq -c '[.product, .tags]' >out
  printf '%s\n' '["F1",{"risk":3,"buyers":2}]' '["F2",{"buyers":1}]' | diff -u - out
  jq -c 'if .event then .ids = {product: .props.product} else . end' in |
    cdp-tag -d tags.json --as-of 2024-05-01 --entity product --key ids.product | jq -c '[.product, .tags]' | diff -u out -
}

@test "customers are selected by the tags of their firms" {
  { relations; firm E1 01 10; firm E2 01 2000000; } >in
  cdp-tag -d tags.json --as-of 2024-05-01 --entity firm in >firms
  echo '{"tags":[{"name":"x","value":"relations.owns.exists(e, entity('"'firm'"', e).tags.capital > 1000)"}]}' >t.json
  cdp-tag -d t.json --as-of 2024-05-01 --entities firms in | jq -c 'select(.tags.x) | .one_id' >out
  echo '"a"' | diff -u - out
}

@test "a bad relation is rejected, one without tags of its entity refused" {
  echo '{"one_id":"a","type":"relation","ids":{"customer":"C1"},"relation":"owns","to":{}}' >in
  echo '{"one_id":"a","type":"relation","ids":{"customer":"C1"},"to":{"firm":"E1"}}' >>in
  echo '{"one_id":"a","type":"relation","ids":{"customer":"C1"},"relation":"owns","to":{"firm":"E1"},"time":1}' >>in
  echo '{"tags":[{"name":"x","value":"relations.owns"}]}' >t.json
  run -3 cdp-tag -d t.json --rejects r in
  [ "$(jq -r .reject.reason r | sort)" = "a relation needs 'relation'
a relation needs an id, a string, in 'to'
time is no string" ]
  run -2 --separate-stderr cdp-tag -d t.json --entity firm in
  [[ $stderr == *'no tag has the "entity":"firm"'* ]]
}
