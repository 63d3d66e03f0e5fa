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

@test "what is of persons alone does not go with it" {
  for more in --follow '--ids x' '--entities x' '--store st --merges x'; do
    # shellcheck disable=SC2086
    run -2 --separate-stderr "${segment[@]}" $more products
    [[ ${stderr_lines[0]} == "cdp-segment: options '--key' and '--"*" exclude each other" ]]
  done
  echo '{"segments":[{"name":"x","when":"count(event == '"'a'"') > 0"}]}' >e.json
  run -2 --separate-stderr cdp-segment -d e.json --key product products
  [ "$stderr" = "cdp-segment: --key: e.json has rules over events, details, attributes or relations, which are of persons" ]
  for key in time tags segment ''; do
    run -2 --separate-stderr cdp-segment -d s.json --key "$key" products
    [[ ${stderr_lines[0]} == "cdp-segment: --key: '$key' tells no profiles apart" ]]
  done
  # Any other name is that of a member, whatever is in it.
  sed 's/"product"/"a.b"/' products | cdp-segment -q -d s.json --key a.b --segment top --as-of 2024-05-01 >out
  [ "$(cat out)" = '{"a.b":"F3","segment":"top","as_of":"2024-04-30T16:00:00.000Z"}' ]
}
