# cdp-tag about tags: what is odd, what reads what.
bats_require_minimum_version 1.5.0
load ../helper

setup() {
  cd "$BATS_TEST_TMPDIR"
  cat >t.json <<'END'
{"tags":[
 {"name":"a","value":"count(event == 'open')"},
 {"name":"b","type":"int","value":"( count( event  == \"open\" ) ) // the same"},
 {"name":"m","metric":{"aggregate":"count","event":"open"}},
 {"name":"else","value":"count(event == 'open')","else":0},
 {"name":"never","value":"last(props.zz)"},
 {"name":"bad","value":"profile.x"},
 {"name":"one","value":"1 + 1"},
 {"name":"some","value":"tags.a > 1 ? 'x' : null"},
 {"name":"l1","layers":[{"value":1,"when":"tags.a > 1"}],"else":3},
 {"name":"l2","layers":[{"value":1,"when":"tags.a>1"}],"else":3},
 {"name":"l3","layers":[{"value":2,"when":"tags.a>1"}],"else":3}]}
END
  for i in a a b; do
    echo '{"one_id":"'$i'","time":"2024-04-01T00:00:00.000Z","event":"open"}'
  done >in
}

findings() {
  jq -r '[.finding, .tag, (.why | tostring)] | join(" ")'
}

@test "what is another value for somebody is no duplicate" {
  cat >d.json <<'END'
{"tags":[
 {"name":"n","value":"count()"},{"name":"nullif","value":"count()","nullif":0},
 {"name":"time","type":"datetime","value":"last(time)"},{"name":"day","type":"date","value":"last(time)"},
 {"name":"int","type":"int","value":"profile.x"},{"name":"text","type":"string","value":"profile.x"},
 {"name":"amount","value":"sum(props.x)"},{"name":"whole","type":"int","value":"sum(props.x)"},
 {"name":"again","type":"int","value":"profile . x"}]}
END
  [ "$(cdp-tag -d d.json --lint | findings)" = 'duplicate again int' ]
}

@test "tags that are computed alike are duplicates, whatever their kind; no input is read" {
  cdp-tag -d t.json --lint </dev/full | findings >out
  printf '%s\n' 'duplicate b a' 'duplicate m a' 'duplicate l2 l1' | diff -u - out
}

@test "a tag is used by tags and by words of other definitions" {
  echo '{"segments":[{"name":"s","when":"tags.l1 == 1 && has(tags.some)"},{"name":"l22","when":"tags.onex || x_one"}]}' >s.json
  echo 'strategy: {{tags.never}}' >strategy
  cdp-tag -d t.json --lint --used-in s.json --used-in strategy | findings | sed -n 's/^unused \(.*\) null/\1/p' | tr '\n' ' ' >out
  [ "$(cat out)" = 'b m else bad one l2 l3 ' ]
}

@test "a run tells of tags without values, with errors, with one value" {
  cdp-tag -d t.json --lint --as-of 2024-05-01 in | findings | grep -v duplicate >out
  printf '%s\n' 'no_value never null' 'error bad the profile has no such attribute' 'one_value one 2' | diff -u - out
  cdp-tag -d t.json --lint --as-of 2024-05-01 --csv - <in | sed -n '/no_value/p' >out
  echo 'lint,no_value,never,' | diff -u - out
  echo '{"one_id":"c","time":"2024-04-01T00:00:00.000Z","type":"profile","set":{"x":1}}' >>in
  cdp-tag -d t.json --lint --as-of 2024-05-01 in | findings | grep -v duplicate >out
  printf '%s\n' 'no_value never null' 'one_value one 2' | diff -u - out
}

@test "files and programs are sources of their tags" {
  echo '{"one_id":"a","value":1}' >v.ndjson
  echo '{"tags":[{"name":"i","import":"v.ndjson"},
    {"name":"x","value":"count()"},
    {"name":"p","program":{"run":["./model"],"inputs":{"n":"tags.x","aum":"profile.aum"}}}]}' >t.json
  cdp-tag -d t.json --lineage rows | jq -r '[.tag, .reads, .name] | join(" ")' >out
  printf '%s\n' 'i file v.ndjson' 'x event *' 'p tag x' 'p attribute aum' 'p program ./model' | diff -u - out
}

@test "options that do not go together are refused" {
  run -2 cdp-tag -d t.json --lint --lineage rows
  run -2 cdp-tag -d t.json --used-in t.json in
  run -2 cdp-tag -d t.json --lineage rows in
  run -2 cdp-tag -d t.json --table in
  run -2 cdp-tag -d t.json --table --lineage dot
  run -4 --separate-stderr cdp-tag -d t.json --lint --used-in nowhere
  [[ $stderr == *nowhere* ]]
}

@test "costs add up: an aggregate that two tags read is halved, what is read is no cost" {
  for i in $(seq 300); do
    echo '{"one_id":"p'$((i % 100))'","time":"2024-04-01T00:00:00.000Z","event":"pay","props":{"x":"'$i'"}}'
    echo '{"one_id":"p'$((i % 100))'","time":"2024-04-01T00:00:00.000Z","event":"view"}'
  done >in
  echo '{"tags":[{"name":"n","value":"count(event == '"'pay'"')"},
    {"name":"m","value":"count(event == '"'pay'"') + 1"},
    {"name":"d","value":"distinct(props.x, event == '"'pay'"')"},
    {"name":"slow","value":"[1,2,3,4,5,6,7,8,9].map(a, [1,2,3,4,5,6,7,8,9].map(b, a * b * tags.n)).size()"},
    {"name":"t","value":"tags.d > 2"}]}' >t.json
  cdp-tag -d t.json --cost --as-of 2024-05-01 -j 2 in >all
  grep '"result":"cost",' all >out
  [ "$(jq -r .tag out | tr '\n' ' ')" = "n m d slow t " ]
  # 100 customers: a count of 8 bytes for each, split; "n":3 and a comma
  [ "$(jq -c 'select(.tag == "n") | [.state_bytes, .output_bytes]' out)" = '[400,600]' ]
  [ "$(jq -c 'select(.tag == "m") | .state_bytes' out)" = 400 ]
  [ "$(jq -c 'select(.tag == "t") | [.event_ns, .state_bytes]' out)" = '[0,0]' ]
  jq -se 'map({key: .tag, value: .}) | from_entries | .slow.customer_ns > .n.customer_ns and
    .d.event_ns > .n.event_ns and .d.state_bytes > 800 and (.slow.event_ns == 0)' out
  jq -se 'map(.share) | add | . > 0.999 and . < 1.001' out
  # Beside them what is no tag's; together they are the run.
  grep '"result":"cost_part",' all >parts
  [ "$(jq -r .part parts | xargs)" = 'load read join tags write' ]
  jq -se 'map(.share) | add | . > 0.999 and . < 1.001' parts
  jq -se 'map(.seconds >= 0) | all' parts
  [ "$(cat out parts | jq -s '([.[] | select(.tag) | .seconds] | add) as $tags |
    (.[] | select(.part == "tags") | .seconds) - $tags | fabs < 0.001')" = true ]
  cdp-tag -d t.json --cost --as-of 2024-05-01 --table in | grep -q '^slow '
  run -2 cdp-tag -d t.json --cost --lint in
  run -2 cdp-tag -d t.json --cost --state st in
}

@test "the sample of a long run is spread over all of it" {
  echo '{"tags":[{"name":"late","value":"count(event == '"'late'"' && props.x.matches('"'^a+b+c+$'"'))"}]}' >t.json
  for i in $(seq 30000); do echo '{"one_id":"a","time":"2024-04-01T00:00:00.000Z","event":"early"}'; done >in
  for i in $(seq 10000); do echo '{"one_id":"b","time":"2024-04-01T00:00:00.000Z","event":"late","props":{"x":"aabbcc"}}'; done >>in
  for j in 1 3; do
    cdp-tag -d t.json --cost --as-of 2024-05-01 -j $j in | jq -se '.[0].event_ns > 5 and .[0].event_ns < 3000'
  done
}
