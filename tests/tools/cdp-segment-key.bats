# Audiences and portraits of what is no person: --key names the member that tells profiles apart.
bats_require_minimum_version 1.5.0
load ../helper

setup() {
  cd "$BATS_TEST_TMPDIR"
  profile() { echo '{"product":"'"$1"'","as_of":"2024-04-30T16:00:00.000Z","tags":{"risk":'"$2"',"class":"'"$3"'"}}'; }
  { profile F2 4 bond; profile F1 2 bond; profile F3 5 equity; } >products
  { profile F2 1 bond; profile F3 5 equity; profile F4 4 bond; } >later
  echo '{"segments":[{"name":"risky","when":"tags.risk >= 4"},{"name":"safe_bond","when":"tags.class == '"'bond'"' && !segments.risky"},{"name":"top","when":"true","top":1,"by":"tags.risk"},{"name":"tops","when":"segments.top"}]}' >s.json
  segment=(cdp-segment -q -d s.json --as-of 2024-05-01 --key product)
}

@test "profiles that cdp-tag made of products have audiences" {
  echo '{"tags":[{"name":"views","entity":"product","value":"count()"}]}' >t.json
  event() { echo '{"one_id":"a","time":"2024-04-01T00:00:00.000Z","event":"view","props":{"product":"'"$1"'"}}'; }
  { event F1; event F2; event F2; } | cdp-tag -q -d t.json --entity product --as-of 2024-05-01 >p
  echo '{"segments":[{"name":"seen","when":"tags.views > 1"}]}' >d.json
  cdp-segment -d d.json --key product --as-of 2024-05-01 p >out
  [ "$(cat out)" = '{"product":"F2","segment":"seen","as_of":"2024-04-30T16:00:00.000Z"}' ]
  cdp-portrait --key product --with out --segment seen --drill views=2 --list p >list
  [ "$(jq -r 'select(.product) | .product' list)" = F2 ]
  # Memberships of persons are none of products.
  sed s/product/one_id/ out >persons
  run -2 --separate-stderr cdp-portrait --key product --with persons --segment seen p
  [[ $stderr == *"no membership"* ]]
}

@test "memberships, counts, differences and reasons go by the key" {
  "${segment[@]}" products >members
  [ "$(jq -r '"\(.product)/\(.segment)"' members | xargs)" = 'F1/safe_bond F2/risky F3/risky F3/top F3/tops' ]
  [ "$("${segment[@]}" --count products | jq -c '[.segment, .customers]' | xargs)" = '[risky,2] [safe_bond,1] [top,1] [tops,1]' ]
  [ "$("${segment[@]}" --previous members later | jq -r '"\(.product)/\(.segment)/\(.change)"' | xargs)" = \
    'F1/safe_bond/left F2/risky/left F2/safe_bond/entered F4/risky/entered' ]
  [ "$("${segment[@]}" --explain F2 --segment risky products | jq -c '[.product, .condition, .value]' | tail -n 1)" = \
    '["F2","tags.risk >= 4","true"]' ]
  # As the same of persons would be.
  sed s/product/one_id/ products | cdp-segment -q -d s.json --as-of 2024-05-01 | sed s/one_id/product/ | cmp - members
}

@test "trusted profiles of others are none" {
  sed s/product/one_id/ products >persons
  run -3 --separate-stderr cdp-segment -d s.json --key product --trusted persons
  [[ $stderr == *": no product"* ]]
  run -3 --separate-stderr cdp-segment -d s.json products
  [[ $stderr == *": no one_id"* ]]
  run -3 --separate-stderr cdp-portrait --key product persons
  [[ $stderr == *"not a profile: no product"* ]]
  run -2 --separate-stderr "${segment[@]}" --previous <(cdp-segment -q -d s.json persons) products
  [[ $stderr == *"no membership"* ]]
}

@test "a store remembers its key, answers by it and takes no other" {
  "${segment[@]}" --store st products
  cdp-segment -q -d s.json --as-of 2024-05-02 --key product --store st --changes later >changes
  [ "$(jq -r '"\(.product)/\(.segment)/\(.change)"' changes | sort | xargs)" = \
    'F1/safe_bond/left F2/risky/left F2/safe_bond/entered F4/risky/entered' ]
  [ "$(cdp-segment --store st -e '!segments.risky' | jq -r .product)" = F2 ]
  [ "$(cdp-segment --store st --key product --segment top | jq -r .product)" = F3 ]
  [ "$(cdp-segment --store st --export top | jq -r .product)" = F3 ]
  sed s/product/one_id/ products >persons
  no() { # KEY COMMAND...
    run -2 --separate-stderr "${@:2}"
    [ "$stderr" = "${2}: 'st' has customers by 'product', not by '$1'; see --key" ] || { echo "$stderr"; false; }
  }
  no one_id cdp-segment -q -d s.json --as-of 2024-05-03 --store st persons
  no merchant cdp-segment -q -d s.json --as-of 2024-05-03 --store st --key merchant products
  no one_id cdp-segment --store st --key one_id --segment top
  no one_id cdp-portrait --store st --save persons
  echo x >l.txt
  no one_id cdp-segment --store st --import l.txt --segment new
  cdp-portrait --store st --key product --save --as-of 2024-05-02 later
  no merchant cdp-portrait --store st --key merchant
  cdp-portrait --store st --segment risky --drill class=bond --list >list
  [ "$(jq -r 'select(.product) | .product' list)" = F4 ]
  # One of persons says so, too.
  cdp-segment -q -d s.json --as-of 2024-05-01 --store st2 persons
  run -2 --separate-stderr "${segment[@]}" --store st2 products
  [[ $stderr == *"'st2' has customers by 'one_id', not by 'product'; see --key" ]]
}

# Events, rows and relations of products, and what tags over them are.
make_world() {
  awk 'function pick(n) { return int(rand() * n) }
    BEGIN { srand(7)
      for (i = 0; i < 400; i++) {
        t = sprintf("\"time\":\"2024-04-%02dT%02d:00:00.000Z\"", 1 + i / 15, pick(24)); r = rand(); f = "\"product\":\"F" pick(12) "\""
        if (r < 0.7) print "{\"one_id\":\"" pick(20) "\"," t ",\"event\":\"" (rand() < 0.5 ? "view" : "buy") "\",\"props\":{" \
          (rand() < 0.9 ? f "," : "") "\"n\":" pick(9) "}}"
        else if (r < 0.85) print "{" t ",\"type\":\"detail\",\"detail\":\"price\",\"row\":\"" pick(3) "\",\"props\":{" f ",\"nav\":" pick(9) "}}"
        else print "{" t ",\"type\":\"relation\",\"relation\":\"sells\",\"ids\":{" f "},\"to\":{\"manager\":\"M" pick(3) "\"},\"props\":{\"n\":" pick(5) "}}"
      } }' >events
  for i in 0 1 2 3 4 6 7 8 9 10 11 12 13; do
    echo '{"type":"entity","entity":"product","id":"F'$i'","props":{"class":"'"$([ $((i % 3)) = 0 ] && echo bond || echo equity)"'","risk":'$((i % 6))'}}'
  done >rows
  cat >rules <<'END'
count(event == 'buy') > 12
sum(props.n, event == 'buy') > 50 && count(event == 'buy' && within('10d')) > 2
profile.class == 'bond'
profile.risk >= 3 && count(event == 'view') > 5
profile.class == 'bond' ? count() > 20 : count(event == 'buy' && within('7d')) > 1
details.price.exists(p, p.nav > 6)
'M1' in relations.sells
links.sells.exists(l, l.n > 3)
has(profile.class)
distinct(one_id) >= 10
sequence(['view', 'buy'], '3d')
count() == 0
END
  jq -Rn '{tags: [inputs | {name: "t\(input_line_number)", type: "bool", entity: "product", value: .}]}' <rules >t.json
  jq -Rn '{segments: [inputs | {name: "t\(input_line_number)", when: .}]}' <rules >direct.json
  jq -Rn '{segments: [inputs | {name: "t\(input_line_number)", when: "tags.t\(input_line_number)"}]}' <rules >tags.json
  run=(--tz UTC -q --key product --as-of 2024-04-29)
}

@test "rules over events, rows and relations of a thing say what its tags say" {
  make_world
  cdp-tag --tz UTC -q -d t.json --entity product --as-of 2024-04-29 --entities rows events >p
  cdp-segment "${run[@]}" -d tags.json p >want
  [ "$(wc -l <want)" -gt 60 ]
  # Each rule holds for somebody, and not for all.
  [ "$(cdp-segment "${run[@]}" -d tags.json --count p | jq 'select(.customers > 0 and .customers < 14).segment' | wc -l)" -eq 12 ]
  cdp-segment "${run[@]}" -d direct.json --entities rows events | cmp - want
  # Entity rows may stand among the records, and profiles, too.
  cdp-segment "${run[@]}" -d direct.json p rows events | cmp - want
  [ "$(cdp-segment "${run[@]}" -d direct.json --explain F3 --segment t3 rows events | jq -c '[.product, .value, .reads]' | tail -n 1)" = \
    '["F3","true",{"profile.class":"bond"}]' ]
  [ "$(cdp-segment "${run[@]}" -d direct.json --explain F5 --segment t3 rows events | jq -r .error | tail -n 1)" = \
    'its row has no such member' ]
}

@test "they are followed, kept in a store, and gone on with" {
  make_world
  cdp-segment "${run[@]}" -d direct.json --entities rows events | grep -v '"F1[23]"' |
    jq -r '"\(.product) \(.segment)"' | sort >want
  cdp-segment "${run[@]}" -d direct.json --entities rows --follow events >changes
  jq -r '"\(.change) \(.product) \(.segment)"' changes |
    awk '{ is[$2 " " $3] = $1 == "entered" } END { for (k in is) if (is[k]) print k }' | sort | diff -u want -
  for n in 10 200 400; do
    head -n $n events | cdp-segment "${run[@]}" -d direct.json --entities rows --follow --store st --feed f
  done | cmp - changes
  # Rows of entities are not what a store has history of.
  jq -c '.segments += [{name: "new", when: "profile.risk == 2"}]' direct.json >more.json
  cdp-segment "${run[@]}" -d more.json --entities rows --follow --store st --feed f events
  run -2 --separate-stderr cdp-segment --tz UTC -q -d tags.json --follow --store st /dev/null
  [ "$stderr" = "cdp-segment: 'st/live' has customers by 'product', not by 'one_id'; see --key" ]
  # Profiles alone are followed by it, too.
  [ "$("${segment[@]}" --follow products later | jq -r '"\(.product)/\(.segment)/\(.change)"' | grep risky | xargs)" = \
    'F2/risky/entered F3/risky/entered F2/risky/left F4/risky/entered' ]
  { "${segment[@]}" --follow --store kept products; "${segment[@]}" --follow --store kept later; } >got
  "${segment[@]}" --follow products later | cmp - got
  run -2 --separate-stderr cdp-segment -q -d s.json --follow --store kept later
  [ "$stderr" = "cdp-segment: 'kept/live' has customers by 'product', not by 'one_id'; see --key" ]
  run -3 --separate-stderr cdp-segment -d s.json --follow --key merchant products
  [[ ${stderr_lines[0]} == "cdp-segment: products:1: not a profile: no merchant" ]]
}

@test "a path of events that profiles are told apart by is their key" {
  echo '{"tags":[{"name":"n","value":"count()"},{"name":"city","value":"profile.city"}]}' >t.json
  { for c in A B B; do echo '{"one_id":"'$c$c'","time":"2024-04-01T00:00:00.000Z","event":"view","ids":{"card":"'$c'"}}'; done
    echo '{"type":"profile","time":"2024-04-01T00:00:00.000Z","ids":{"card":"A"},"set":{"city":"SH"}}'; } >in
  cdp-tag -q -d t.json --key ids.card --as-of 2024-05-01 in >p
  [ "$(jq -c 'del(.as_of)' p | xargs)" = '{ids.card:A,tags:{n:1,city:SH}} {ids.card:B,tags:{n:2}}' ]
  echo '{"segments":[{"name":"sh","when":"profile.city == '"'SH'"' && count() == 1 && tags.n == 1"},{"name":"two","when":"count() == tags.n && count() > 1"}]}' >d.json
  [ "$(cdp-segment -q -d d.json --key ids.card --as-of 2024-05-01 p in | jq -c 'del(.as_of)' | xargs)" = \
    '{ids.card:A,segment:sh} {ids.card:B,segment:two}' ]
}

@test "lists are of the things' own ids" {
  printf 'F1\nF2\nF2\nF9\n' >l.txt
  echo '{"segments":[{"name":"l","import":"l.txt"},{"name":"safe","when":"segments.l && tags.risk < 4"}]}' >l.json
  cdp-segment -q -d l.json --key product --as-of 2024-05-01 --report r products >out
  [ "$(jq -r '"\(.product)/\(.segment)"' out | xargs)" = 'F1/l F1/safe F2/l' ]
  [ "$(jq -c '[.kind, .matched, .no_profile, .duplicate]' r)" = '["product",2,1,1]' ]
  printf 'product,x\nF3,1\n' >l.csv
  "${segment[@]}" --store st products
  cdp-segment --store st --key product --segment l --import l.csv >row
  [ "$(jq -c '[.kind, .customers]' row)" = '["product",1]' ]
  [ "$(cdp-segment --store st --segment l | jq -r .product)" = F3 ]
  echo '{"segments":[{"name":"p","import":{"files":["l.txt"],"kind":"phone"}}]}' >l.json
  run -2 --separate-stderr cdp-segment -q -d l.json --key product products
  [ "$stderr" = "cdp-segment: l.json: p: import.kind: 'phone' is looked up in a map, which is of persons: a list of these has ids of 'product'" ]
}

@test "what has no meaning with it is refused, and why" {
  run -2 --separate-stderr "${segment[@]}" --store st --merges x products
  [ "${stderr_lines[0]}" = "cdp-segment: options '--key' and '--merges' exclude each other: only persons become other persons" ]
  run -2 --separate-stderr cdp-segment --store st --key product --batches
  [ "${stderr_lines[0]}" = "cdp-segment: option '--key' goes with no batch: a store knows its own" ]
  for key in time tags segment ''; do
    run -2 --separate-stderr cdp-segment -d s.json --key "$key" products
    [[ ${stderr_lines[0]} == "cdp-segment: --key: '$key' tells no profiles apart" ]]
  done
  # Any other name is that of a member, whatever is in it.
  sed 's/"product"/"a.b"/' products | cdp-segment -q -d s.json --key a.b --segment top --as-of 2024-05-01 >out
  [ "$(cat out)" = '{"a.b":"F3","segment":"top","as_of":"2024-04-30T16:00:00.000Z"}' ]
}
