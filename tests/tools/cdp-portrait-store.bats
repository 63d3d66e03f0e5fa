# The store of cdp-portrait: tags kept once, portraits without profiles.
bats_require_minimum_version 1.5.0
load ../helper

# Tags of every kind, with few and with many values, nulls, lists and what is missing.
setup_file() {
  cd "$BATS_FILE_TMPDIR"
  awk 'BEGIN {
    srand(7)
    split("\"none\" \"small\" \"large\" null \"a,b\" \"1\"", tier, " ")
    split("[] [\"x\"] [\"x\",3] [null] [3,\"x\",3,null] \"x\"", list, " ")
    split("1 \"1\" true [1] {\"b\":[1]} []", mixed, " ")
    for (i = 0; i < 2000; i++) {
      t = "\"number\":" i
      if (rand() < .8) t = t ",\"tier\":" tier[1 + int(rand() * 6)]
      if (rand() < .9) t = t ",\"aum\":" (rand() < .5 ? int(rand() * 100) - 50 : sprintf("%.2f", rand() * 900))
      if (rand() < .3) t = t ",\"aum\":1.50,\"aum\":150e-2"
      if (i == 77) t = t ",\"aum\":600" # one that is surely rich
      if (rand() < .5) t = t ",\"list\":" list[1 + int(rand() * 6)]
      if (rand() < .5) t = t sprintf(",\"since\":\"2024-%02d-%02d\"", 1 + rand() * 12, 1 + rand() * 28)
      if (rand() < .3) t = t ",\"mixed\":" mixed[1 + int(rand() * 6)]
      if (rand() < .3) t = t ",\"many\":" (rand() < .5 ? "\"k" int(rand() * 90) "\"" : int(rand() * 90))
      if (rand() < .1) t = t ",\"nil\":null"
      if (rand() < .01) t = t ",\"rare\":" (rand() < .5 ? "\"u\"" : "[\"v\"]")
      printf "{\"one_id\":\"%016d\",\"tags\":{%s}}\n", (i * 7919) % 2000, t
    }
  }' >profiles
  echo '{"segments":[
    {"name":"rich","when":"tags.aum > 500"},
    {"name":"early","when":"tags.since < \"2024-03\""},
    {"name":"tiny","when":"tags.rare == \"u\""},
    {"name":"odd","when":"tags.number % 2 == 1"},
    {"name":"nobody","when":"false"}]}' >s.json
  cdp-segment -q -d s.json --as-of 2024-05-01 profiles >members
  cdp-segment -q -d s.json --as-of 2024-05-01 --store st profiles
  cdp-portrait --store st --save --as-of 2024-05-01 profiles
}

setup() {
  cd "$BATS_FILE_TMPDIR"
}

# The answer from the store, and what it notes, is that of one pass over the profiles.
same() {
  cdp-portrait --with members "$@" profiles >"$BATS_TEST_TMPDIR/want" 2>"$BATS_TEST_TMPDIR/notes"
  cdp-portrait --store st "$@" >"$BATS_TEST_TMPDIR/got" 2>"$BATS_TEST_TMPDIR/said"
  cmp "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/got"
  cmp "$BATS_TEST_TMPDIR/notes" "$BATS_TEST_TMPDIR/said"
  [ -s "$BATS_TEST_TMPDIR/got" ]
}

four=(--segment rich --segment early --segment tiny --segment odd)

@test "a portrait from the store is that of one pass, byte for byte" {
  same
  same "${four[@]}"
  same "${four[@]}" --table
  same "${four[@]}" --rank
  same "${four[@]}" --matrix
}

@test "so it is whatever the rows and bins" {
  same "${four[@]}" --values 1000000
  same "${four[@]}" --values 3
  same "${four[@]}" --bins 7
  same "${four[@]}" --quantile-bins 6
  same "${four[@]}" --tag many --tag unknown --tag nil
}

@test "so it is with small cells" {
  same "${four[@]}" --min-cell 20
  same "${four[@]}" --min-cell 20 --matrix
  same "${four[@]}" --min-cell 5 --drill 'tier=small' --drill 'list=x'
}

@test "so it is for a base that is a part of all, where other tags and values are met" {
  same --base segments.rich --segment tiny
  same --base segments.tiny
  same --base 'segments.tiny && segments.odd' --segment early --values 2
}

@test "an audience without members is known to the store" {
  [ "$(cdp-portrait --store st --segment nobody -q | jq -c 'select(.result == "audience" and .audience == "nobody").customers')" = 0 ]
}

@test "so it is for audiences by conditions over stored ones" {
  same --segment rich --where 'both:=segments.rich && segments.odd' --where '=!segments.early || false'
}

@test "so it is step by step" {
  same "${four[@]}" --drill 'tier=small,null,"a,b"' --drill 'list=x,[]' --drill 'q:=!segments.early'
  same "${four[@]}" --drill 'aum=1.5,3,4,5,6,7' --list
  same --segment rich --drill 'number=1,2,3,4,77,78,79' --list
  same --segment rich --drill 'mixed=1' --list
  same "${four[@]}" --drill 'tier=small,null' --drill 'list=x,[]' --list --from-level 0
  same "${four[@]}" --drill 'tier=small,null' --drill 'list=x,[]' --list --from-level 1
  same --segment rich --drill 'many=k7,8,null'
  same --segment rich --drill 'unknown=1'
  same --segment rich --drill 'unknown=null'
}

@test "the same tags are the same bytes, whatever the order of profiles and the number of jobs" {
  cp -r st "$BATS_TEST_TMPDIR/st"
  tac profiles | cdp-portrait --store "$BATS_TEST_TMPDIR/st" --save --as-of 2024-05-01 -j 3
  diff -r -x lock st "$BATS_TEST_TMPDIR/st"
  tac profiles | cdp-portrait --store "$BATS_TEST_TMPDIR/new" --save --as-of 2024-05-01
  diff -r -x lock -x '*.audiences' st "$BATS_TEST_TMPDIR/new"
}

@test "customers with other numbers than profiles have places give the same answers" {
  cp -r st "$BATS_TEST_TMPDIR/keep"
  rm -r st
  sed -n 700,900p profiles | cdp-portrait --store st --save --as-of 2024-04-01
  cdp-segment -q -d s.json --as-of 2024-05-01 --store st profiles
  cdp-portrait --store st --save --as-of 2024-05-01 profiles
  same "${four[@]}"
  same "${four[@]}" --drill tier=small --list
  rm -r st
  mv "$BATS_TEST_TMPDIR/keep" st
}

@test "a version is chosen by its base time, and audiences must be of the same" {
  cp -r st "$BATS_TEST_TMPDIR/st"
  cd "$BATS_TEST_TMPDIR"
  echo '{"one_id":"x","tags":{"a":1}}' | cdp-portrait --store st --save --as-of 2024-05-02T00:00:00Z
  [ "$(cdp-portrait --store st | jq -r 'select(.result == "audience").customers')" = 1 ]
  [ "$(cdp-portrait --store st --as-of 2024-05-01T12:00:00Z | jq -r 'select(.result == "audience").customers')" = 2000 ]
  run -4 --separate-stderr cdp-portrait --store st --segment rich
  [[ $stderr == *"there are tags of 2024-05-02"*", but no audiences" ]]
  run -4 --separate-stderr cdp-portrait --store st --as-of 2024-01-01
  [[ $stderr == *"there are no tags up to that time" ]]
}

@test "a customer with two profiles is not kept" {
  cd "$BATS_TEST_TMPDIR"
  printf '%s\n' '{"one_id":"x","tags":{}}' '{"one_id":"x","tags":{}}' >twice
  run -2 --separate-stderr cdp-portrait --store st --save twice
  [ "$stderr" = 'cdp-portrait: one profile a customer is needed: 1 are of customers who have another' ]
  [ "$(echo st/*.tags)" = 'st/*.tags' ]
}

@test "what needs profiles is refused" {
  run -2 --separate-stderr cdp-portrait --store st --where '=tags.aum > 5'
  [[ $stderr == *"--where: 1:10: stored audiences answer"* ]]
  run -2 cdp-portrait --store st profiles
  run -2 cdp-portrait --store st --with members
  run -2 cdp-portrait --save profiles
  run -2 cdp-portrait --store st --save --rank --segment rich profiles
  run -2 --separate-stderr cdp-portrait --store st --segment rihc
  [[ $stderr == *"unknown segment 'rihc'; did you mean 'rich'?" ]]
}

@test "a file that was cut short or changed is an error" {
  cp -r st "$BATS_TEST_TMPDIR/st"
  cd "$BATS_TEST_TMPDIR"
  v=$(echo st/*.tags)
  cp "$v" whole
  size=$(stat -c %s whole)
  for n in 0 40 $((size / 2)) $((size - 1)); do
    head -c $n whole >"$v"
    run -4 --separate-stderr cdp-portrait --store st
    [[ $stderr == "cdp-portrait: '$v': "* ]]
  done
  for n in 100 5000 $((size / 2)); do
    { head -c $n whole; head -c 64 whole; tail -c +$((n + 65)) whole; } >"$v"
    run -4 cdp-portrait --store st
  done
}
