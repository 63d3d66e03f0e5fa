# cdp-tag: definitions, independence of order, agreement with SQL and with a bank's truth.
bats_require_minimum_version 1.5.0
load ../helper

# One small bank for all tests of this file: clean events, profiles and rows.
setup_file() {
  export BANK=$BATS_FILE_TMPDIR/bank CLEAN=$BATS_FILE_TMPDIR/clean.ndjson
  cdp-gen --seed 3 --customers 600 --days 14 --start 2024-04-17 -o "$BANK"
  for f in "$BANK"/sensors/*.log "$BANK"/segment/*.ndjson "$BANK"/core/transactions-*.gz "$BANK/core/holdings.ndjson" \
    "$BANK/core/profiles.ndjson"; do
    cdp-collect -q --max-rejects 5% --rejects /dev/null --dedup 3d "$f"
  done >"$CLEAN"
}

setup() {
  cd "$BATS_TEST_TMPDIR"
}

tags() {
  cdp-tag --key ids.customer --as-of 2024-05-01 -d "$1" "${@:2}"
}

@test "neither order of lines nor number of threads changes a byte" {
  set -- "$SAMPLES/tags/general.json" -d "$SAMPLES/tags/finance.json" --calendar "$SAMPLES/calendar.json" \
    --entities "$BANK/core/products.ndjson"
  tags "$@" -j 1 "$CLEAN" >one
  tags "$@" -j 3 "$CLEAN" >three
  cmp one three
  sort -R --random-source=<(yes) "$CLEAN" | tags "$@" >shuffled
  cmp one shuffled
  [ "$(wc -l <one)" -gt 500 ]
}

@test "count, sum, max, distinct and days agree with SQL" {
  echo '{"tags":[{"name":"n","value":"count(event == '"'pay_success'"')"},
    {"name":"s","value":"sum(props.amount, event == '"'pay_success'"')"},
    {"name":"m","value":"max(props.amount, event == '"'pay_success'"')"},
    {"name":"p","value":"distinct(props.product, event == '"'view_product'"' && within('"'7d'"'))"},
    {"name":"d","value":"days(event == '"'app_start'"')"}]}' >t.json
  tags t.json "$CLEAN" |
    jq -r '[.["ids.customer"], .tags.n, .tags.s, .tags.m // 0, .tags.p, .tags.d] | @tsv' |
    awk -F'\t' '$2 || $5 || $6 { printf "%s|%d|%.2f|%.2f|%d|%d\n", $1, $2, $3, $4, $5, $6 }' >ours
  jq -r 'select(.event and .ids.customer) | [.ids.customer, .event, .time,
    (.props.amount // 0), (.props.product // "")] | @tsv' "$CLEAN" >events.tsv
  sqlite3 :memory: 'create table e(c text, event text, time text, amount real, product text);' \
    '.mode tabs' '.import events.tsv e' '.mode list' "
    select * from (select c, sum(event = 'pay_success') n,
      printf('%.2f', sum(case when event = 'pay_success' then amount else 0 end)),
      printf('%.2f', coalesce(max(case when event = 'pay_success' then amount end), 0)),
      count(distinct case when event = 'view_product' and time >= '2024-04-23T16:00:00.000Z'
        then product end) p,
      count(distinct case when event = 'app_start' then date(time, '+8 hours') end) d
      from e where time < '2024-04-30T16:00:00.000Z' group by c)
    where n or p or d order by c" >theirs
  [ -s theirs ]
  diff -u theirs ours
}

@test "ranks over the population are those of SQL's window functions" {
  echo '{"tags":[{"name":"a","value":"sum(props.amount, event == '"'pay_success'"')"},
    {"name":"n","value":"count(event == '"'view_product'"')"},
    {"name":"rank","value":"rank(tags.n)"},{"name":"up","value":"rank(tags.n, '"'asc'"', tags.a > 0)"},
    {"name":"percent","value":"percent_rank(tags.n)"},{"name":"group","value":"ntile(7, tags.n)"},
    {"name":"money","value":"ntile(10, tags.a, tags.a > 0)"},
    {"name":"over","value":"rank(tags.rank, '"'asc'"')"},
    {"name":"mean","value":"population_mean(tags.a, tags.a > 0)"}]}' >t.json
  tags t.json "$CLEAN" >profiles
  tags t.json -j 3 <(sort -R --random-source=<(yes) "$CLEAN") | cmp profiles -
  jq -r '[.["ids.customer"], .tags.a, .tags.n] | @tsv' profiles >in.tsv
  sqlite3 :memory: 'create table p(c text, a real, n int);' '.mode tabs' '.import in.tsv p' '.mode list' "
    with buyers as (select c, rank() over (order by n) up, ntile(10) over (order by a desc, c) money
      from p where a > 0)
    select p.c, rank() over (order by n desc), coalesce(up, ''),
      printf('%.6f', percent_rank() over (order by n desc)), ntile(7) over (order by n desc, p.c),
      coalesce(money, ''), rank() over (order by n desc),
      (select printf('%.4f', avg(a)) from p where a > 0)
    from p left join buyers using (c) order by p.c" >theirs
  jq -r '[.["ids.customer"], .tags.rank, .tags.up, .tags.percent, .tags.group, .tags.money, .tags.over,
    .tags.mean] | @tsv' profiles |
    awk -F'\t' '{ printf "%s|%s|%s|%.6f|%s|%s|%s|%.4f\n", $1, $2, $3, $4, $5, $6, $7, $8 }' >ours
  [ "$(wc -l <theirs)" -gt 500 ]
  diff -u theirs ours
}

@test "who has no value has no place in the population, and what ranks nobody is told" {
  printf '{"one_id":"%s","time":"2024-04-01T00:00:00.000Z","type":"profile","set":{%s}}\n' \
    a '"x":1' b '"x":null' c '"y":1' d '"x":2.5' e '"x":"3"' >in
  echo '{"tags":[{"name":"r","value":"rank(profile.x)"},{"name":"m","value":"population_mean(profile.x)"},
    {"name":"s","value":"rank(profile.z)"}]}' >t.json
  run -0 --separate-stderr cdp-tag -d t.json --as-of 2024-05-01 in
  [ "$(jq -c '.tags | [.r, .m, .s]' <<<"$output" | tr '\n' ' ')" = \
    '[2,1.75,null] [null,1.75,null] [null,1.75,null] [1,1.75,null] [null,1.75,null] ' ]
  [ "$stderr" = "cdp-tag: function 'rank(profile.z)' has no place for 5 customers: the profile has no such attribute" ]
}

@test "tiers of assets and maturing holdings are those that were planted" {
  tags "$SAMPLES/tags/finance.json" -d "$SAMPLES/tags/general.json" --entities "$BANK/core/products.ndjson" \
    "$CLEAN" >profiles
  jq -r '.aum_tiers[] | select(.customers > 0) | "\(.tier) \(.customers)"' "$BANK/truth.json" |
    sort >planted
  jq -r '.tags.aum_tier // empty' profiles | sort | uniq -c | awk '{ print $2, $1 }' | sort >ours
  diff -u planted ours
  [ "$(grep -c '"maturing_7d":true' profiles)" -gt 0 ]
}

@test "a row that was removed is no holding any more" {
  printf '%s\n' \
    '{"one_id":"a","time":"2024-04-01T00:00:00.000Z","type":"detail","detail":"holding","row":"1","props":{"v":1}}' \
    '{"one_id":"a","time":"2024-04-02T00:00:00.000Z","type":"detail","detail":"holding","row":"2","props":{"v":2}}' \
    '{"one_id":"a","time":"2024-04-03T00:00:00.000Z","type":"detail","detail":"holding","row":"1","deleted":true}' >in
  echo '{"tags":[{"name":"v","value":"details.holding.map(h, h.v)"}]}' >t.json
  cdp-tag -d t.json --as-of 2024-05-01 in >out
  echo '{"one_id":"a","as_of":"2024-04-30T16:00:00.000Z","tags":{"v":[2]}}' | diff -u - out
}

@test "sums of money are exact" {
  for i in 1 2 3; do
    echo '{"one_id":"a","time":"2024-04-01T00:00:0'$i'.000Z","event":"e","props":{"x":0.1}}'
  done >in
  echo '{"tags":[{"name":"s","value":"sum(props.x)"}]}' >t.json
  [ "$(cdp-tag -d t.json --as-of 2024-05-01 in | jq -c .tags)" = '{"s":0.3}' ]
}

@test "events at or after the base time do not count" {
  echo '{"one_id":"a","time":"2024-04-30T16:00:00.000Z","event":"e"}' >in
  echo '{"tags":[{"name":"n","value":"count()"}]}' >t.json
  [ "$(cdp-tag -d t.json --as-of 2024-05-01 in | jq .tags.n)" -eq 0 ]
  [ "$(cdp-tag -d t.json --as-of 2024-05-02 in | jq .tags.n)" -eq 1 ]
}

@test "a result of another type is no value, and -v says why" {
  echo '{"one_id":"a","time":"2024-04-01T00:00:00.000Z","event":"e"}' >in
  echo '{"tags":[{"name":"x","type":"int","value":"last(event)"}]}' >t.json
  run -0 --separate-stderr cdp-tag -v -d t.json --as-of 2024-05-01 in
  [ "$output" = '{"one_id":"a","as_of":"2024-04-30T16:00:00.000Z","tags":{}}' ]
  [[ $stderr == *"tag 'x' has no value for 1 customers: the value is no int"* ]]
}

@test "what is wrong in a definition is shown with its place" {
  bad() {
    echo "$1" >t.json
    run -2 --separate-stderr cdp-tag -d t.json /dev/null
    [ "$stderr" = "cdp-tag: t.json: $2" ]
  }
  bad '{"tags":[]}' 'tags: expected a list of tags'
  bad '{"tags":[{"name":"a"}]}' 'a: nothing says how it is made: value, layers, metric ...'
  bad '{"tags":[{"name":"a","value":"1","valeu":2}]}' "a: unknown member 'valeu'; did you mean 'value'?"
  bad '{"tags":[{"name":"a","value":"tags.b"},{"name":"b","value":"tags.a"}]}' 'a: depends on itself: a -> b -> a'
  bad '{"tags":[{"name":"a","value":"tags.a"}]}' 'a: depends on itself'
  bad '{"tags":[{"name":"a","value":"1"},{"name":"a","value":"2"}]}' "tags[1].name: 'a' stands twice"
  bad '{"tags":[{"name":"a","value":"count(evnt == 1)"}]}' \
    "a: value: 1:7: unknown name 'evnt'; did you mean 'event'?"
  bad '{"tags":[{"name":"a","type":"bool","value":"count()"}]}' 'a: value: gives int, which is no bool'
  bad '{"tags":[{"name":"a","type":"date","metric":{"aggregate":"days"}}]}' \
    'a: metric: gives int, which is no date'
  bad '{"tags":[{"name":"a","layers":[{"value":1,"when":"count() + 1"}]}]}' \
    'a: layers[0].when: 1:9: expected a condition, not int'
}

@test "definitions of several files are one set, and a mistake is told with its own file" {
  echo '{"tags":[{"name":"a","value":"tags.b + 1"}]}' >one
  echo '{"tags":[{"name":"b","value":"count(event == '"'A'"')"}]}' >two
  echo '{"one_id":"u","time":"2024-04-01T00:00:00.000Z","event":"A"}' >in
  run -0 cdp-tag -d one -d two --as-of 2024-05-01 in
  [ "$output" = '{"one_id":"u","as_of":"2024-04-30T16:00:00.000Z","tags":{"a":2,"b":1}}' ]
  run -2 --separate-stderr cdp-tag -d one -d two -d one /dev/null
  [ "$stderr" = "cdp-tag: one: tags[0].name: 'a' stands twice" ]
  echo '{"tags":[{"name":"b","value":"tags.c"},{"name":"c","value":"tags.b"}]}' >two
  run -2 --separate-stderr cdp-tag -d one -d two /dev/null
  [ "$stderr" = "cdp-tag: two: b: depends on itself: b -> c -> b" ]
}

@test "a tag that nobody has because of errors is told, so are records that say nothing" {
  echo '{"tags":[{"name":"t","type":"bool","value":"last(props.x)"},{"name":"p","type":"int","value":"profile.x"}]}' >d
  printf '%s\n' '{"one_id":"u","time":"2024-04-01T00:00:00.000Z","event":"a","props":{"x":1}}' \
    '{"one_id":"v","time":"2024-04-01T00:00:00.000Z","event":"a","props":{"x":2}}' \
    '{"one_id":"v","time":"2024-04-01T00:00:00.000Z","type":"profile","set":{"x":1}}' >in
  run -0 --separate-stderr cdp-tag -d d in
  [ "$stderr" = "cdp-tag: tag 't' has no value for 2 customers: the value is no bool" ]
  run -0 --separate-stderr cdp-tag -d d --key customer in
  [ "$stderr" = "cdp-tag: no record is an event, profile update or detail row with a 'customer'" ]
}

@test "an empty key is nobody's" {
  printf '{"one_id":%s,"time":"2024-04-01T00:00:00.000Z","event":"A"}\n' '""' null >in
  run -0 --separate-stderr cdp-tag -d "$SAMPLES/tags.json" --as-of 2024-05-01 --stats -q in
  [ "$(jq .no_key <<<"$stderr")" -eq 2 ]
  [ -z "$output" ]
}

@test "trusted lines are checked where tags read more than the head of all of them" {
  local line='{"one_id":"00000000000000a1","time":"2024-04-30T00:00:00.000Z","event":"a","ids":{}'
  printf '%s\n' "$line,\"props\":{\"x\":1}}" "$line,\"props\":{\"x\":2y}}" >in
  echo '{"tags":[{"name":"n","value":"count(event == '"'a'"')"}]}' >head.json
  echo '{"tags":[{"name":"s","value":"sum(props.x)"}]}' >all.json
  cdp-tag --trusted -d head.json --as-of 2024-05-01 in | grep -q '"tags":{"n":2}'
  run -3 --separate-stderr cdp-tag --trusted -d all.json --as-of 2024-05-01 in
  grep -q '"tags":{"s":1}' <<<"$output"
  grep -q "in:2: props.x: " <<<"$stderr"
}

@test "a key is a string or a whole number" {
  printf '{"k":%s,"time":"2024-04-01T00:00:00.000Z","event":"A"}\n' '"7"' 7 '"\u0037"' 7.5 '[7]' true >in
  echo '{"tags":[{"name":"n","value":"count()"}]}' >d
  run -3 --separate-stderr cdp-tag -d d --key k --as-of 2024-05-01 in
  [ "${#stderr_lines[@]}" -eq 3 ]
  [ "${stderr_lines[0]}" = "cdp-tag: in:4: the key is no string or whole number" ]
  [ "$output" = '{"k":"7","as_of":"2024-04-30T16:00:00.000Z","tags":{"n":3}}' ]
}
