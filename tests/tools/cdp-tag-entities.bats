# cdp-tag and entities: rows of --entities in expressions over events and customers.
bats_require_minimum_version 1.5.0
load ../helper

setup() {
  cd "$BATS_TEST_TMPDIR"
}

tag_file() { # NAME EXPR ...
  local sep='{"tags":['
  while [ $# -gt 0 ]; do
    printf '%s{"name":"%s","value":"%s"}' "$sep" "$1" "$2"
    sep=,
    shift 2
  done
  echo ']}'
}

buy() { # ONE_ID PRODUCT DAY
  echo '{"one_id":"'"$1"'","time":"2024-04-'"$3"'T00:00:00.000Z","event":"buy","props":{"product":"'"$2"'"}}'
}

product() { # ID DAY CLASS
  echo '{"time":"2024-04-'"$2"'T00:00:00.000Z","type":"entity","entity":"product","id":"'"$1"'","props":{"class":"'"$3"'"}}'
}

@test "conditions over events see the latest row, wherever it stands in the files" {
  { product F1 02 fund; product F2 01 bond; } >a
  { product F1 01 old; product F2 03 fund; } >b
  { buy x F1 05; buy x F2 05; buy y F9 05; buy z F1 05; } >in
  tag_file n "count(entity('product', props.product).class == 'fund')" \
    known "count(has(entity('product', props.product).id))" >t.json
  cdp-tag -d t.json --as-of 2024-05-01 --entities a --entities b in | jq -c '[.one_id, .tags.n, .tags.known]' >out
  printf '%s\n' '["x",2,2]' '["y",0,0]' '["z",1,1]' | diff -u - out
  cdp-tag -d t.json --as-of 2024-05-01 --entities b --entities a -j 3 in | jq -c '[.one_id, .tags.n, .tags.known]' |
    diff -u out -
}

@test "a removed row is missing, and so is what other rows have" {
  { product F1 01 fund; echo '{"time":"2024-04-02T00:00:00.000Z","type":"entity","entity":"product","id":"F1","deleted":true}'
    product F2 01 fund; } >e
  { buy x F1 05; buy x F2 05; } >in
  tag_file has "count(has(entity('product', props.product).class))" risk "entity('product', 'F2').risk" >t.json
  run -0 --separate-stderr cdp-tag -v -d t.json --as-of 2024-05-01 --entities e in
  [ "$(jq -c .tags <<<"$output")" = '{"has":1}' ]
  [[ $stderr == *"tag 'risk' has no value for 1 customers: no such product with a 'risk'"* ]]
}

@test "a customer's attribute leads to an entity, and that to another" {
  printf '%s\n' '{"type":"entity","entity":"manager","id":"M7","props":{"branch":"B1"}}' \
    '{"type":"entity","entity":"branch","id":"B1","props":{"city":"北京"}}' >e
  echo '{"one_id":"x","time":"2024-04-01T00:00:00.000Z","type":"profile","set":{"manager":"M7"}}' >in
  tag_file city "entity('branch', entity('manager', profile.manager).branch).city" >t.json
  cdp-tag -d t.json --as-of 2024-05-01 --entities e in | jq -c .tags >out
  echo '{"city":"北京"}' | diff -u - out
}

@test "profiles are entities by the id that they start with" {
  echo '{"one_id":"p1","as_of":"2024-04-01T00:00:00.000Z","tags":{"tier":"gold"}}' >e
  echo '{"one_id":"x","time":"2024-04-01T00:00:00.000Z","event":"invited","props":{"by":"p1"}}' >in
  tag_file by "last(entity('person', props.by).tags.tier)" >t.json
  cdp-tag -d t.json --as-of 2024-05-01 --entities e in | jq -c .tags >out
  echo '{"by":"gold"}' | diff -u - out
}

@test "cdp-filter asks for entities, too" {
  { product F1 01 fund; product F2 01 bond; } >e
  { buy x F1 05; buy y F2 05; buy z F9 05; } >in
  cdp-filter --entities e -e "entity('product', props.product).class == 'bond'" --fields one_id in >out
  echo '{"one_id":"y"}' | diff -u - out
  cdp-filter --entities e --set "props.class=entity('product', props.product).class" --fields one_id,props.class in >out
  printf '%s\n' '{"one_id":"x","props":{"class":"fund"}}' '{"one_id":"y","props":{"class":"bond"}}' '{"one_id":"z"}' |
    diff -u - out
}

@test "an entity without a file is a usage error, one without a row is told" {
  buy x F1 05 >in
  tag_file n "count(entity('produkt', props.product).class == 'fund')" >t.json
  run -2 --separate-stderr cdp-tag -d t.json in
  [[ $stderr == *"entity('produkt') is asked for: --entities FILE is needed"* ]]
  product F1 01 fund >e
  run -0 --separate-stderr cdp-tag -d t.json --entities e in
  [[ $stderr == *"no row of entity 'produkt' in --entities"* ]]
  run -2 --separate-stderr cdp-filter -e "entity('product', props.product).class == 'bond'" in
}

@test "a bad entity row is rejected and the others count" {
  { product F1 01 fund; echo '{"type":"entity","entity":"product"}'; } >e
  buy x F1 05 >in
  tag_file n "count(entity('product', props.product).class == 'fund')" >t.json
  run -3 --separate-stderr cdp-tag -d t.json --entities e --rejects r in
  [ "$(jq -c .tags <<<"$output")" = '{"n":1}' ]
  [ "$(jq -r .reject.reason r)" = "an entity row needs 'entity' and 'id'" ]
}

@test "entities in parts by the end of their ids are the same as all at once" {
  for i in $(seq 300); do
    echo '{"time":"2024-04-01T00:00:00.000Z","event":"pay","props":{"merchant":"m'$((i * 7 % 97))'","amount":'"$i"'}}'
  done >in
  tag_file n "count()" sum "sum(props.amount)" | jq -c '.tags[].entity = "merchant"' >t.json
  for d in 0 1 2 3 4 5 6 7 8 9; do
    cdp-filter -e "props.merchant.endsWith('$d')" in |
      cdp-tag --entity merchant -d t.json --as-of 2024-05-01
  done | LC_ALL=C sort >parts
  cdp-tag --entity merchant -d t.json --as-of 2024-05-01 in >whole
  [ "$(wc -l <whole)" -eq 97 ]
  diff whole parts
}
