# cdp-segment: rules over events, details and entities, held against sqlite and cdp-tag.
bats_require_minimum_version 1.5.0
load ../helper

setup() {
  cd "$BATS_TEST_TMPDIR"
}

members() {
  jq -r '"\(.one_id)/\(.segment)"' | xargs
}

# One audience 'x' over the file `in`: who is in it.
who() {
  jq -nc --arg when "$1" '{segments: [{name: "x", when: $when}]}' >x.json
  cdp-segment -d x.json --as-of 2024-05-01 "${@:2}" in 2>err | jq -r .one_id | xargs
}

refused() {
  jq -nc --arg when "$1" '{segments: [{name: "x", when: $when}]}' >x.json
  run -2 --separate-stderr cdp-segment -d x.json in
  echo "${stderr#*x.json: x: }"
}

few() {
  cat >in <<'END'
{"one_id":"a","tags":{"tier":"gold","n":3}}
{"one_id":"a","time":"2024-01-04T00:00:00.000Z","event":"look"}
{"one_id":"a","time":"2024-01-05T00:00:00.000Z","event":"buy","props":{"product":"F1","amount":5}}
{"one_id":"a","time":"2024-02-04T00:00:00.000Z","event":"app_open"}
{"one_id":"b","time":"2024-04-20T00:00:00.000Z","event":"app_open"}
{"one_id":"b","time":"2024-04-20T00:00:00.000Z","event":"buy","props":{"product":"F2","amount":50.5}}
{"one_id":"c","tags":{"tier":"gold","n":1}}
{"one_id":"d","time":"2024-04-20T00:00:00.000Z","type":"detail","detail":"holding","row":"1","props":{"amount":500}}
{"one_id":"d","time":"2024-04-20T00:00:00.000Z","type":"profile","set":{"city":"SH"}}
END
}

@test "who did this ever and not that in 30 days is one rule, with and without a profile" {
  few
  [ "$(who 'count(event == "buy") > 0 && count(event == "app_open" && within("30d")) == 0')" = a ]
  [ "$(who 'count(event == "buy") > 0')" = 'a b' ]
  [ "$(who 'count(event == "buy") == 0')" = 'c d' ]
  [ "$(who 'count(event == "buy") == 0 && tags.tier == "gold"')" = c ]
  [ "$(who '!(count(event == "buy") > 0 || tags.tier == "gold")')" = '' ]
  [ "$(who '!(count(event == "buy") > 0 || has(tags.tier))')" = d ]
}

@test "sequences, details, attributes, times and entities stand in rules as in tags" {
  few
  echo '{"type":"entity","entity":"product","id":"F1","props":{"class":"bond"}}' >e
  [ "$(who 'sequence(["look", "buy"], "7d")')" = a ]
  [ "$(who 'details.holding.exists(h, h.amount > 100)')" = d ]
  [ "$(who 'profile.city == "SH" || tags.n > 2')" = 'a d' ]
  [ "$(who 'last(time, event == "app_open") < as_of - duration("30d")')" = a ]
  [ "$(who 'entity("product", last(props.product, event == "buy")).class == "bond"' --entities e)" = a ]
  [ "$(who 'count(event == "buy" && entity("product", props.product).class == "bond") > 0' --entities e)" = a ]
  [ "$(who 'tags.n > count(event == "buy")')" = 'a c' ]
}

@test "who is of whom is a condition beside what they hold, by the map" {
  few
  printf '{"time":"2024-04-01T00:00:00.000Z","type":"relation",%s}\n' \
    '"one_id":"d","relation":"owns","to":{"enterprise":"E9"},"props":{"share":0.6}' \
    '"ids":{"customer":"C1"},"relation":"owns","to":{"enterprise":"E8"}' \
    '"one_id":"b","relation":"owns","to":{"enterprise":"E9"}' >>in
  echo '{"kind":"customer","value":"C1","one_id":"c"}' >map
  [ "$(who '"E9" in relations.owns && details.holding.exists(h, h.amount > 1)')" = d ]
  [ "$(who '"E9" in relations.owns')" = 'b d' ]
  [ "$(who 'relations.owns.exists(e, e == "E8")' --ids map)" = c ]
  [ "$(who 'links.owns.exists(l, l.id == "E9" && has(l.share) && l.share > 0.5)')" = d ]
}

@test "an entity is asked for by what a profile says, without events" {
  printf '%s\n' '{"one_id":"a","tags":{"f":"F1"}}' '{"one_id":"b","tags":{"f":"F2"}}' >in
  echo '{"type":"entity","entity":"product","id":"F1","props":{"class":"bond"}}' >e
  [ "$(who 'entity("product", tags.f).class == "bond"' --entities e)" = a ]
  [[ "$(refused 'entity("product", tags.f).class == "bond"')" == \
    *"entity('product') is asked for: --entities FILE is needed"* ]]
}

@test "conditions over other audiences, the profile and events at once" {
  few
  echo '{"segments":[{"name":"buyers","when":"count(event == \"buy\") > 0"},
    {"name":"x","when":"(segments.buyers ? count(event == \"buy\") : 5) + tags.n > 3"}]}' >s.json
  [ "$(cdp-segment -d s.json --as-of 2024-05-01 -q in | members)" = 'a/buyers a/x b/buyers c/x' ]
}

@test "a top goes by an aggregate" {
  few
  jq -nc '{segments: [{name: "x", when: "true", top: 1, by: "sum(props.amount, event == \"buy\")"}]}' >s.json
  [ "$(cdp-segment -d s.json --as-of 2024-05-01 in | members)" = b/x ]
}

@test "--explain says what was counted, found and missing" {
  few
  echo '{"segments":[{"name":"x","when":"count(event == \"buy\") > 1 || profile.city == \"SH\""}]}' >s.json
  cdp-segment -d s.json --as-of 2024-05-01 --explain a in | jq -c '[.condition,.value,.reads,.error]' >out
  diff -u - out <<'END'
["segments.x","error",{},null]
["one of","error",{},null]
["count(event == 'buy') > 1","false",{"count(event == 'buy')":1},null]
["profile.city == 'SH'","error",{},"the profile has no such attribute"]
END
  [ "$(cdp-segment -d s.json --explain d in | jq -c '[.value,.reads]' | tail -1)" = \
    '["true",{"profile.city":"SH"}]' ]
  run -0 --separate-stderr cdp-segment -d s.json --explain nobody in
  [ "$stderr" = "cdp-segment: nothing is known of 'nobody' here" ]
}

@test "the first error is told of the first customer, whatever the order and the threads" {
  few
  jq -nc '{segments: [{name: "x", when: "tags.n > count(event == \"buy\")"}]}' >s.json
  want="cdp-segment: 2 expressions ended in an error; the first: customer 'b': no such member 'tags.n'"
  for j in 1 3; do
    shuf --random-source=in in >other
    run -0 --separate-stderr cdp-segment -v -d s.json -j $j --count other
    [[ $stderr == *"$want"* ]]
  done
}

@test "what cannot be is found when rules are loaded, and pointed at" {
  : >in
  [ "$(refused 'count(event == "buy") > "a"')" = 'when: 1:23: no such overload: int > string' ]
  [ "$(refused 'count(evnt == "buy") > 0')" = \
    "when: 1:7: unknown name 'evnt'; did you mean 'event'?" ]
  [ "$(refused 'tags.a > 0 && count(event == "buy")')" = 'when: 1:15: expected a condition, not int' ]
  [ "$(refused 'details.holding > 3')" = 'when: 1:17: no such overload: list > int' ]
  [[ "$(refused 'count(event == "buy" && within(30)) > 0')" == *'within() takes a constant'* ]]
  [ "$(refused 'profile == 1')" = "when: 1:1: 'profile' needs a name: 'profile.NAME'" ]
}

@test "what is of no known kind is rejected, what is of a kind of no use is passed over" {
  few
  jq -nc '{segments: [{name: "x", when: "count(event == \"buy\") > 0"}]}' >s.json
  printf '%s\n' '{"one_id":"z"}' '{"tags":{}}' '{"one_id":"a","event":"buy","time":"never"}' '{' >bad
  run -3 --separate-stderr cdp-segment -d s.json --as-of 2024-05-01 in bad
  [ "$(members <<<"$output")" = 'a/x b/x' ]
  [[ $stderr == *'bad:1: neither a profile nor an event: no tags'* ]]
  [ "$(wc -l <<<"$stderr")" -eq 4 ]
  printf '%s\n' '{"type":"entity","entity":"product","id":"F9"}' \
    '{"time":"2024-04-20T00:00:00.000Z","event":"buy"}' >other
  run -0 --separate-stderr cdp-segment -d s.json --as-of 2024-05-01 --stats in other
  [ "$(jq -c '[.no_key,.other]' <<<"$stderr")" = '[1,1]' ]
}

@test "the store and its differences hold such audiences as others" {
  few
  jq -nc '{segments: [{name: "x", when: "count(event == \"buy\" && within(\"30d\")) > 0"}]}' >s.json
  cdp-segment -d s.json --as-of 2024-02-01 --store st in
  cdp-segment -d s.json --as-of 2024-05-01 --store st --changes in | jq -r '.one_id + .change' >out
  [ "$(xargs <out)" = 'aleft bentered' ]
  [ "$(cdp-segment --store st --count | jq -c '[.customers,.share]')" = '[1,0.25]' ]
}

# --- oracles ---

# People's events with ties, disorder, duplicates and late ones; details with changes.
many() {
  awk 'BEGIN {
    srand(7)
    for (i = 0; i < 6000; i++) {
      who = sprintf("p%03d", int(rand() * 300)); d = int(rand() * 150); h = int(rand() * 4) * 6
      t = sprintf("%s %02d:00:00", d, h)
      e = substr("looklooklookbuy_openopen", int(rand() * 6) * 4 + 1, 4)
      id = rand() < 0.3 ? "" : sprintf("e%d", int(rand() * 40))
      print who "\t" d "\t" h "\t" e "\t" id "\t" int(rand() * 900) / (rand() < .5 ? 1 : 100) "\tF" int(rand() * 9)
      if (rand() < .03) print who "\t" d "\t" h "\t" e "\t" id "\t" 7 "\tF1"
    }
  }' | while IFS=$'\t' read -r who d h e id amount f; do
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$who" "$d" "$h" "$e" "$id" "$amount" "$f"
  done >rows
  # Day 0 is 2024-01-01; as_of 2024-05-01 in UTC+8 is day 120, 16:00 of the day before.
  jq -Rc 'split("\t") | (1704067200 + (.[1] | tonumber) * 86400 + (.[2] | tonumber) * 3600) as $t |
    {one_id: .[0], time: ($t | todate | sub("Z$"; ".000Z")), event: .[3]} +
    (if .[4] != "" then {event_id: .[4]} else {} end) +
    {props: {amount: (.[5] | tonumber), product: .[6]}}' rows >events
  jq -nc 'range(0; 330; 3) | tostring | ("000" + .)[-3:] | {one_id: ("p" + .), tags: {odd: (tonumber % 2 == 1)}}' >profiles
  awk 'BEGIN { srand(3); for (i = 0; i < 900; i++) printf "{\"one_id\":\"p%03d\",\"time\":\"2024-0%d-01T00:00:00.000Z\",\"type\":\"detail\",\"detail\":\"holding\",\"row\":\"r%d\",%s}\n",
    rand() * 300, 1 + rand() * 4, rand() * 3, rand() < .2 ? "\"deleted\":true" : sprintf("\"props\":{\"amount\":%d}", rand() * 100) }' >details
}

# sql NAME QUERY: what sqlite finds, as memberships.
sql() {
  sqlite3 db "select distinct one_id || '/$1' from ($2)"
}

@test "aggregates, windows, sequences and rows decide as sqlite does" {
  many
  jq -r '[.one_id,.time,.event,.event_id // "",.props.amount,.props.product] | @csv' events >events.csv
  jq -r '[.one_id,.row,.time,(if .deleted then "" else .props.amount end)] | @csv' details >details.csv
  jq -r '[.one_id,.tags.odd] | @csv' profiles >profiles.csv
  sqlite3 db 'create table e (one_id, time, event, event_id, amount real, product);
    create table d (one_id, row, time, amount); create table p (one_id, odd);' \
    '.mode csv' '.import events.csv e' '.import details.csv d' '.import profiles.csv p' \
    "delete from e where time >= '2024-04-30T16:00:00.000Z'"
  jq -r .one_id events profiles details | sort -u >everybody
  sqlite3 db 'create table everybody (one_id)' '.mode csv' '.import everybody everybody'
  last="select one_id, row, amount, row_number() over (partition by one_id, row
    order by time desc, amount = '', '{\"amount\":' || amount || '}' desc) n from d where time < '2024-04-30T16'"
  w30="time >= '2024-03-31T16:00:00.000Z'"
  cat >s.json <<'END'
{"segments":[
 {"name":"lapsed","when":"count(event == 'buy_') > 0 && count(event == 'open' && within('30d')) == 0"},
 {"name":"often","when":"count(event == 'look' && within('30d')) >= 3 || sum(props.amount, event == 'buy_') > 900"},
 {"name":"seq","when":"sequence(['look', 'buy_'], '2d')"},
 {"name":"days","when":"days(event in ['open', 'look']) > 9"},
 {"name":"odd","when":"tags.odd && count(event == 'buy_' && props.product == 'F1') == 0"},
 {"name":"rows","when":"details.holding.exists(h, h.amount > 80)"},
 {"name":"none","when":"size(details.holding) == 0 && !segments.lapsed"},
 {"name":"kinds","when":"distinct(props.product, within('60d', '30d')) >= 4"}]}
END
  {
    sql lapsed "select one_id from e where event = 'buy_' except
      select one_id from e where event = 'open' and $w30"
    sql often "select one_id from e where event = 'look' and $w30 group by 1 having count(*) >= 3 union
      select one_id from e where event = 'buy_' group by 1 having round(sum(amount), 2) > 900"
    sql seq "select a.one_id from e a join e b on a.one_id = b.one_id where a.event = 'look' and b.event = 'buy_'
      and b.time >= a.time and julianday(b.time) - julianday(a.time) <= 2.0001"
    sql days "select one_id from e where event in ('open', 'look') group by 1
      having count(distinct date(time, '+8 hours')) > 9"
    sql odd "select one_id from p where odd = 'true' except select one_id from e where event = 'buy_' and product = 'F1'"
    sql rows "select one_id from ($last) where n = 1 and amount <> '' and amount + 0 > 80"
    sql none "select one_id from everybody except select one_id from ($last) where n = 1 and amount <> ''"
    sql kinds "select one_id from e where time >= '2024-03-01T16:00:00.000Z' and not $w30 group by 1
      having count(distinct product) >= 4"
  } >all
  # `none` takes another audience away.
  sed -n 's,/lapsed,/none,p' all | grep -vxFf - all | sort >want
  cdp-segment -d s.json --as-of 2024-05-01 events profiles details >a
  jq -r '"\(.one_id)/\(.segment)"' a | sort >got
  diff -u want got
  # Every audience has somebody and lacks somebody.
  [ "$(cut -d/ -f2 got | sort | uniq -c | awk '$1 > 3 && $1 < 320' | wc -l)" -eq 8 ]
  cat events profiles details | shuf --random-source=events >in
  cdp-segment -d s.json --as-of 2024-05-01 -j 3 in | cmp a -
  split -n l/3 in part.
  cdp-segment -d s.json --as-of 2024-05-01 -j 2 part.* | cmp a -
}

@test "a rule decides as a tag of the same expression does" {
  many
  cat >exprs <<'END'
count(event == 'look') > 12
count(event == 'look' && props.amount > 100 && within('60d', '30d')) in [1, 2]
sum(props.amount, event == 'buy_') / count(event == 'buy_') > 200.0
avg(props.amount, event == 'open') < 150
last(props.product, event == 'buy_') == 'F3'
first(props.product) in ['F1', 'F2']
last(time, event == 'open') - first(time) > duration('90d')
top(props.product, event == 'look') == 'F5'
'F8' in values(props.product, event == 'buy_')
top_n(props.product, 2, event == 'look')[0] == 'F2'
size(top_by_sum(props.product, props.amount, 3, event == 'buy_')) == 3
days(within('90d')) > 6
max(props.amount, event == 'buy_') > 800 && min(props.amount) < 1
sequence(['open', 'look', 'buy_'])
!sequence(['look', props.amount > 800], '3d')
has(details.holding) && details.holding.all(h, h.amount < 50)
distinct(props.product, event == 'buy_') > 3 ? days(event == 'look') > 4 : count() < 9
END
  jq -Rnc '{segments: [inputs | {name: "s\(input_line_number)", when: .}]}' exprs >s.json
  jq -Rnc '{tags: [inputs | {name: "s\(input_line_number)", type: "bool", value: .}]}' exprs >t.json
  jq -c '{segments: [.segments[] | {name, when: "tags.\(.name)"}]}' s.json >st.json
  cdp-tag -d t.json --as-of 2024-05-01 events details | cdp-segment -d st.json --as-of 2024-05-01 >want
  cdp-segment -d s.json --as-of 2024-05-01 events details >got
  cmp want got
  [ "$(jq -r .segment got | sort -u | wc -l)" -ge 15 ]
}

# --- audiences that are cut by rank, in rules of others ---

@test "a rule may refer to those who rank highest, and others to that one" {
  jq -nc 'range(1000) | {one_id: "k\(. * 7919 % 1000)", tags: {n: (. * 31 % 97), m: (. % 13)}}' >in
  echo '{"segments":[
    {"name":"rest","when":"!segments.best && tags.m > 3","top":50,"by":"tags.n"},
    {"name":"best","when":"tags.m > 1","top":100,"by":"tags.n"},
    {"name":"last","when":"(segments.rest || segments.half) && tags.m != 5"},
    {"name":"half","when":"segments.best && tags.m < 9","percent":50,"by":"-tags.m"},
    {"name":"plain","when":"tags.m == 0"},
    {"name":"both","when":"segments.plain || segments.best ? segments.last : tags.n > 90"}]}' >s.json
  cdp-segment -d s.json --as-of 2024-05-01 -j 1 in >got
  # The same in steps, each with what the one before wrote.
  : >known
  for step in 'best plain' 'rest half' last both; do
    jq -c --arg step "$step" '{segments: [.segments[] | select(.name as $n | $step | split(" ") | index($n))]}' s.json >part.json
    cdp-segment -d part.json --as-of 2024-05-01 --with known in >found
    cat found >>known
  done
  jq -r '[.one_id, .segment] | @tsv' known | sort >want
  jq -r '[.one_id, .segment] | @tsv' got | sort | diff -u want -
  [ "$(grep -c '"best"' got)/$(grep -c '"rest"' got)" = 100/50 ]
  shuf --random-source=got in | cdp-segment -d s.json --as-of 2024-05-01 -j 3 | cmp got -
  cdp-segment -d s.json --as-of 2024-05-01 --segment both in | cmp - <(grep '"both"' got)
  cdp-segment -d s.json --as-of 2024-05-01 --store st in
  cdp-segment --store st --count | jq -r '[.segment, .customers] | @tsv' | sort >stored
  cdp-segment -d s.json --as-of 2024-05-01 --count in | jq -r '[.segment, .customers] | @tsv' | sort | cmp stored -
  [ -z "$(cdp-segment -d s.json --as-of 2024-05-01 --previous got in)" ]
}

@test "a top by events is referred to by a rule over events" {
  few
  echo '{"segments":[{"name":"t","when":"count(event == \"buy\") > 0","top":1,"by":"sum(props.amount, event == \"buy\")"},
    {"name":"x","when":"!segments.t && count() > 0"}]}' >s.json
  [ "$(cdp-segment -d s.json --as-of 2024-05-01 in | members)" = 'a/x b/t' ]
}

@test "very many product codes are conditions on the same event" {
  many
  awk 'BEGIN { srand(5); for (i = 0; i < 4000; i++) printf "{\"one_id\":\"p%03d\",\"time\":\"2024-04-%02dT00:00:00.000Z\",\"event\":\"pay\",\"props\":{\"product\":\"G%d\",\"amount\":%d}}\n",
    rand() * 300, 1 + rand() * 29, rand() * 500, rand() * 100 }' >pays
  jq -nc '{segments: [range(500) | {name: "g\(.)", when: "sum(props.amount, event == \"pay\" && props.product == \"G\(.)\" && within(\"20d\")) > 40"}]}' >s.json
  cdp-segment -d s.json --as-of 2024-05-01 events pays profiles | members | tr ' ' '\n' | sort >got
  jq -r 'select(.time > "2024-04-10T16") | [.one_id, .props.product[1:], .props.amount] | @tsv' pays |
    awk '{ sum[$1 "/g" $2] += $3 } END { for (k in sum) if (sum[k] > 40) print k }' | sort | diff -u - got
  [ "$(wc -l <got)" -gt 500 ]
}

@test "very many codes are conditions on rows of details" {
  awk 'BEGIN { srand(6); for (i = 0; i < 700; i++) printf "{\"one_id\":\"p%03d\",\"time\":\"2024-04-01T00:00:00.000Z\",\"type\":\"detail\",\"detail\":\"holding\",\"row\":\"r%d\",\"props\":{\"product\":%s,\"n\":%d}}\n",
    rand() * 300, i, rand() < .1 ? int(rand() * 90) : sprintf("\"G%d\"", rand() * 90), rand() * 9 }' >in
  jq -nc '{segments: [range(100) | {name: "g\(.)", when: "details.holding.exists(h, h.product == \"G\(.)\" && h.n > 3)"},
    {name: "not\(.)", when: "!details.holding.exists(h, \"G\(.)\" == h.product)"}]}' >s.json
  cdp-segment -d s.json --as-of 2024-05-01 in | members | tr ' ' '\n' | sort >got
  {
    jq -r 'select(.props.n > 3 and (.props.product | type) == "string") | "\(.one_id)/g\(.props.product[1:])"' in | sort -u
    jq -r .one_id in | sort -u | while read -r who; do seq -f "$who/not%.0f" 0 99; done | sort |
      comm -23 - <(jq -r 'select(.props.product | type == "string") | "\(.one_id)/not\(.props.product[1:])"' in | sort -u)
  } | sort | diff -u - got
  printf '%s\n' '{"one_id":"a","time":"2024-04-01T00:00:00.000Z","type":"detail","detail":"holding","row":"1","props":{"n":9}}' \
    '{"one_id":"a","time":"2024-04-01T00:00:00.000Z","type":"detail","detail":"holding","row":"2","props":{"product":"G1","n":9}}' >in
  [ "$(cdp-segment -d s.json --as-of 2024-05-01 in | members)" = a/g1 ]
}
