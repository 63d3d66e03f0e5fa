# cdp-tag: each kind of tag, with values worked out by hand.
bats_require_minimum_version 1.5.0
load ../helper

setup() {
  cd "$BATS_TEST_TMPDIR"
}

# One tag t: its values by customer, "a=1 b=null".
value_of() {
  echo "{\"tags\":[{\"name\":\"t\",$1}]}" >t.json
  cdp-tag --nulls --as-of 2024-05-01 -d t.json "${@:2}" in |
    jq -rs 'map("\(.one_id)=\(.tags.t | tojson | ltrimstr("\"") | rtrimstr("\""))") | join(" ")'
}

# Customers a, b, c ... with one event "pay" of these amounts each.
people_with() {
  local id amount
  for id in a b c d e f g h; do
    amount=$1
    shift
    printf '{"one_id":"%s","time":"2024-04-10T00:00:00.000Z","event":"pay","props":{"x":%s}}\n' $id "$amount"
    [ $# -gt 0 ] || break
  done >in
}

sum='"metric":{"aggregate":"sum","of":"props.x","event":"pay"}'

@test "a metric takes events by name, condition and window" {
  printf '{"one_id":"a","time":"%s","event":"%s","props":{"x":%s}}\n' 2024-03-31T15:59:59.999Z pay 1 \
    2024-03-31T16:00:00.000Z pay 2 2024-04-02T00:00:00.000Z view 4 2024-04-03T00:00:00.000Z pay 8 \
    2024-04-03T01:00:00.000Z buy 16 >in
  [ "$(value_of "$sum")" = a=11 ]
  [ "$(value_of '"metric":{"aggregate":"sum","of":"props.x","event":"pay","within":"30d"}')" = a=10 ]
  [ "$(value_of '"metric":{"aggregate":"sum","of":"props.x","event":["pay","buy"],"where":"props.x > 2"}')" = a=24 ]
  [ "$(value_of '"metric":{"aggregate":"count"}')" = a=5 ]
  [ "$(value_of '"metric":{"aggregate":"days","event":["pay","buy"]}')" = a=3 ]
  [ "$(value_of '"distribution":{"within":"30d"}')" = a=3 ]
  [ "$(value_of '"metric":{"aggregate":"count","where":"event == '"'pay' \/\/ or not"'"}')" = a=3 ]
  [ "$(value_of '"metric":{"aggregate":"avg","of":"props.x","event":"none"}')" = a=null ]
}

@test "a bound of buckets belongs to the range on its closed side" {
  people_with 9 10 10.5 20 21
  [ "$(value_of "$sum"',"buckets":[10,20]')" = 'a=<10 b=10..20 c=10..20 d=>=20 e=>=20' ]
  [ "$(value_of "$sum"',"buckets":{"at":[10,20],"closed":"right"}')" = 'a=<=10 b=<=10 c=10..20 d=10..20 e=>20' ]
  [ "$(value_of "$sum"',"buckets":{"at":[10,20],"labels":["low",2,null]},"else":"top"')" = 'a=low b=2 c=2 d=top e=top' ]
  [ "$(value_of '"value":"max(props.x, event == '"'none'"')","buckets":[10]')" = 'a=null b=null c=null d=null e=null' ]
}

@test "percent of the people: ties are together, the filter comes before the ranks or after" {
  people_with 1 2 3 4 5 5 7 8
  # Ranks from the largest: 8 7 5 5 4 3 2 1 -> 0 1 2 2 4 5 6 7 sevenths: below 0.3 are 4.
  [ "$(value_of "$sum"',"percent":[30]')" = \
    'a=30..100% b=30..100% c=30..100% d=30..100% e=0..30% f=0..30% g=0..30% h=0..30%' ]
  # From the smallest: 1 2 3 4 5 5 7 8 -> 0 1 2 3 4 4 6 7: below 0.25 are 2.
  [ "$(value_of "$sum"',"percent":{"at":[25],"labels":["low","high"],"order":"ascending"}')" = \
    'a=low b=low c=high d=high e=high f=high g=high h=high' ]
  # Among 1 2 3 4: 4 3 2 1 -> 0 1/3 2/3 1; among all, 4 is 4/7 and 3 is 5/7.
  among='"among":"sum(props.x) < 5.0"'
  [ "$(value_of "$sum"',"percent":{"at":[60],"labels":["up","low"],'"$among"'}')" = \
    'a=low b=low c=up d=up e=null f=null g=null h=null' ]
  [ "$(value_of "$sum"',"percent":{"at":[60],"labels":["up","low"],"filter":"after",'"$among"'}')" = \
    'a=low b=low c=low d=up e=null f=null g=null h=null' ]
}

@test "first and last give the time, civil days since, or a property" {
  printf '{"one_id":"a","time":"%s","event":"pay","props":{"x":%s}}\n' 2024-03-09T12:00:00.000Z 1 2024-04-30T15:59:59.999Z 2 >in
  [ "$(value_of '"first":{"event":"pay"}')" = 'a=2024-03-09T12:00:00.000Z' ]
  [ "$(value_of '"type":"date","last":{"event":"pay"}')" = 'a=2024-04-30' ]
  [ "$(value_of '"last":{"give":"days"}')" = a=1 ]
  [ "$(value_of '"first":{"give":"props.x * 10"}')" = a=10 ]
  [ "$(value_of '"first":{"give":"days","event":"none"}')" = a=null ]
  # March 9 in Shanghai is 53 days before May 1; in New York a day of 23 hours is between.
  [ "$(value_of '"first":{"give":"days"}')" = a=53 ]
  [ "$(value_of '"first":{"give":"days"}' --tz America/New_York)" = a=53 ]
}

@test "a matrix has no cell where an axis is null" {
  people_with 1 2
  echo '{"one_id":"c","time":"2024-04-10T00:00:00.000Z","type":"profile","set":{"city":"x"}}' >>in
  axes='"axes":["max(props.x)","count() > 0"]'
  [ "$(value_of '"matrix":{'"$axes"'}')" = 'a=1/true b=2/true c=null' ]
  [ "$(value_of '"matrix":{'"$axes"',"between":" and ","names":{"2 and true":"it'"'"'s"}}')" = "a=1 and true b=it's c=null" ]
}

@test "preference is by count, sum or maximum, with a number of occurrences at least" {
  printf '{"one_id":"a","time":"2024-04-1%d","event":"buy","props":{"p":"%s","x":%s}}\n' 1 red 10 2 red 10 3 blue 50 \
    4 green 24 5 green 25 6 red 1 7 white 49 | sed 's/"2024-04-1./&T00:00:00.000Z/' >in
  # red: 3, 21, 10; blue: 1, 50, 50; green: 2, 49, 25; white: 1, 49, 49.
  [ "$(value_of '"preference":{"property":"props.p"}')" = a=red ]
  [ "$(value_of '"preference":{"property":"props.p","top":3}')" = 'a=["red","green","blue"]' ]
  [ "$(value_of '"preference":{"property":"props.p","top":3,"at_least":2}')" = 'a=["red","green"]' ]
  [ "$(value_of '"preference":{"property":"props.p","by":"sum","of":"props.x","top":4}')" = 'a=["blue","green","white","red"]' ]
  [ "$(value_of '"preference":{"property":"props.p","by":"max","of":"props.x","top":2}')" = 'a=["blue","white"]' ]
  [ "$(value_of '"preference":{"property":"props.p","by":"max","of":"props.x","at_least":2}')" = a=green ]
  [ "$(value_of '"preference":{"property":"props.p","where":"props.x < 10"}')" = a=red ]
  [ "$(value_of '"preference":{"property":"props.p","event":"sell"}')" = a=null ]
}

@test "drift holds one period against the one before" {
  see() { printf '{"one_id":"%s","time":"2024-04-%sT00:00:00.000Z","event":"see","props":{"p":"%s"}}\n' "$@"; }
  # Periods of 10 days before May 1: from April 21, 11 and 1.
  see a 22 x a 12 y b 22 x b 12 x c 22 x d 12 x d 11 z d 13 z e 02 y f 21 x f 20 y f 20 y >in
  drift='"drift":{"property":"props.p","within":"10d"}'
  [ "$(value_of "$drift" | sed 's/{"periods"://g; s/"change"://g')" = \
    'a=["x","y"],"moved"} b=["x","x"],"same"} c=["x",null],"new"} d=[null,"z"],"gone"} e=null f=["x","y"],"moved"}' ]
  [ "$(value_of '"type":"map","drift":{"aggregate":"count","within":"10d","periods":3}' | sed 's/{"periods"://g; s/"change"://g')" = \
    'a=[1,1,0],0} b=[1,1,0],0} c=[1,0,0],1} d=[0,3,0],-3} e=[0,0,1],0} f=[1,2,0],-1}' ]
}

@test "RFM: what equals the cut is high, recency is high when it is low" {
  cat >t.json <<'END'
{"tags":[{"name":"t","rfm":{"r":{"value":"min(props.x)","cut":2},"f":{"value":"max(props.x)","cut":3},
  "m":{"value":"sum(props.x)","cut":{"top":2}},"names":{"HHH":"best"}}},
 {"name":"mean","rfm":{"r":"min(props.x)","f":"max(props.x)","m":"sum(props.x)"}},
 {"name":"part","rfm":{"r":{"value":"min(props.x)","high":"above"},"f":"max(props.x)","m":{"value":"sum(props.x)","cut":{"top_percent":50}},
  "among":"max(props.x) > 1"}}]}
END
  people_with 1 2 3 4
  cdp-tag --as-of 2024-05-01 -d t.json in | jq -r '[.tags.t, .tags.mean, .tags.part] | @tsv' >out
  # t: R high 1 2, F high 3 4, M high 4 3.  mean 2.5: R high 1 2, F high 3 4, M likewise.
  # part, among 2 3 4: mean 3: R and F high 3 4; M 4 -> 0, 3 -> 0.5: high is 4 alone.
  printf '%s\t%s\t%s\n' 'general growth' 'general growth' '' 'general growth' 'general growth' 'general win-back' \
    'important keep' 'important keep' 'general value' 'important keep' 'important keep' 'important value' | diff -u - out
}

@test "values are imported from NDJSON and CSV, by one_id or another id" {
  people_with 1 2 3
  printf '%s\n' '{"one_id":"a","value":0.50}' '{"id":"c","value":null}' '{"one_id":"z","value":9}' >v.ndjson
  [ "$(value_of '"type":"number","import":"v.ndjson"')" = 'a=0.5 b=null c=null' ]
  grep -q '"t":0.50}' <<<"$(cdp-tag --as-of 2024-05-01 -d t.json in)"
  printf 'one_id,level\r\na,"1"\r\nb,\r\n' >v.csv
  [ "$(value_of '"type":"int","import":{"files":["v.csv"],"value":"level"}')" = 'a=1 b=null c=null' ]
  [ "$(value_of '"type":"string","import":{"files":["v.csv"],"value":"level"},"else":"?"')" = 'a=1 b=? c=?' ]
  printf '{"kind":"phone","value":"%s","one_id":"%s"}\n' 2 a 1 a 3 b >map
  printf 'phone,value\n2,second\n1,first\n3,third\n4,fourth\n' >v.csv
  [ "$(value_of '"import":{"files":["v.csv"],"key":"phone"}' --ids map)" = 'a=first b=third c=null' ]
  run -0 --separate-stderr cdp-tag -v --ids map --as-of 2024-05-01 -d t.json in
  [[ $stderr == *"tag 't' was imported from 4 rows: 3 ids of customers, 1 of nobody, 0 rows of ids repeated"* ]]
}

@test "an import without a row is told" {
  echo '{"tags":[{"name":"t","import":"v.csv"}]}' >t.json
  for text in '' 'id,value\n' '\xef\xbb\xbfid,value\r\n'; do
    printf "$text" >v.csv
    run -0 --separate-stderr cdp-tag -d t.json --as-of 2024-05-01 "$SAMPLES/events.ndjson"
    [ "$stderr" = "cdp-tag: tag 't' was imported from no rows" ]
  done
}

@test "files of an import overwrite, fill up or do both; unknown ids may be added" {
  people_with 1 2 3
  printf '{"one_id":"%s","value":"%s"}\n' a one b one >1
  printf '{"one_id":"%s","value":"%s"}\n' b two c two z two >2
  files='"files":["1","2"]'
  [ "$(value_of '"import":{'"$files"'}')" = 'a=null b=two c=two' ]
  [ "$(value_of '"import":{'"$files"',"mode":"increment"}')" = 'a=one b=one c=two' ]
  [ "$(value_of '"import":{'"$files"',"mode":"increment-and-overwrite"}')" = 'a=one b=two c=two' ]
  [ "$(value_of '"import":{'"$files"',"unknown":"add"}')" = 'a=null b=two c=two z=two' ]
}

@test "a row that is none is told with file and line before anything is read" {
  bad() {
    printf "$2" >"$1"
    echo "{\"tags\":[{\"name\":\"t\",\"type\":\"int\",\"import\":\"$1\"}]}" >t.json
    run -"$4" --separate-stderr cdp-tag -d t.json nowhere
    [ "$stderr" = "cdp-tag: tag 't': $3" ]
  }
  bad v '{"one_id":"a","value":1}\n{"one_id":"b"}\n' "v:2: there is no 'value'" 2
  bad v '{"value":1}\n' "v:1: there is no 'one_id'" 2
  bad v '{"one_id":"a","value":1\n' "v:1: unexpected end of line" 2
  bad v.csv 'id,valeu\na,1\n' "v.csv:1: there is no column 'value'" 2
  bad v.csv 'id,value\na,1\nb\n' "v.csv:3: the row has 1 fields" 2
  bad v.csv 'id,value\na,one\n' "v.csv:2: unexpected 'o'" 2
  bad v.csv 'id,value\n1.10105E+17,1\n' \
    "v.csv:2: the id '1.10105E+17' has lost its digits, as spreadsheets make of long numbers" 2
  echo '{"tags":[{"name":"t","import":"nothing"}]}' >t.json
  run -4 --separate-stderr cdp-tag -d t.json nowhere
  [ "$stderr" = "cdp-tag: tag 't': nothing: No such file or directory" ]
}

@test "a program is told of customers and answers in any order" {
  people_with 1 2 3
  cat >score.sh <<'END'
#!/bin/sh
tee asked | jq -c '{one_id, value: (.x * 10)}' | tac
END
  chmod +x score.sh
  [ "$(value_of '"program":{"run":["./score.sh"],"inputs":{"x":"max(props.x)","city":"profile.city"}}')" = 'a=10 b=20 c=30' ]
  printf '{"one_id":"%s","x":%d}\n' a 1 b 2 c 3 | diff -u - asked
  [ "$(value_of '"program":{"run":["./score.sh"],"inputs":{"x":"max(props.x)"},"among":"max(props.x) > 1"}')" = \
    'a=null b=20 c=30' ]
  echo '{"tags":[{"name":"r","value":"rank(tags.p)"},{"name":"q","type":"int","program":{"run":["./score.sh"],"inputs":{"x":"tags.r"}}},
    {"name":"p","program":{"run":["./score.sh"],"inputs":{"x":"max(props.x)"}},"model":{"name":"m","version":"2"}}]}' >t.json
  cdp-tag --as-of 2024-05-01 -d t.json in | jq -c '[.tags, .models]' >out
  printf '[{"r":%d,"q":%d,"p":%d},{"p":{"name":"m","version":"2"}}]\n' 3 30 10 2 20 20 1 10 30 | diff -u - out
}

@test "a program that dies, is silent or answers nonsense ends the run and leaves the output alone" {
  people_with 1 2 3
  bad() {
    jq -nc --arg run "$1" --arg timeout "${3:-20s}" \
      '{tags:[{name:"t",program:{run:["sh","-c",$run],timeout:$timeout}}]}' >t.json
    run -4 --separate-stderr cdp-tag --as-of 2024-05-01 -d t.json -o out in
    [ "$stderr" = "cdp-tag: tag 't': $2" ]
    [ ! -e out ]
  }
  bad 'cat >/dev/null; exit 3' "'sh' ended with status 3"
  bad 'kill -9 $$' "'sh' was ended by signal 9"
  bad 'exec sleep 9' "'sh' did nothing for 300 ms" 300ms
  bad 'echo hello; cat >/dev/null' "'sh': answer 1: unexpected 'h'"
  bad 'cat' "'sh': answer 1: there is no 'value'"
  bad 'head -n 1 | jq -c ".value = 1"' "'sh' left 2 of 3 customers without an answer"
  bad 'jq -c ".value = 1 | ., ."' "'sh': answer 2: 'a' was answered before"
  bad 'cat >/dev/null; echo "{\"one_id\":\"x\",\"value\":1}"' "'sh': answer 1: it was not told of 'x'"
  bad 'cat >/dev/null' "'sh' left 3 of 3 customers without an answer"
  echo '{"tags":[{"name":"t","program":["./nothing"]}]}' >t.json
  run -4 --separate-stderr cdp-tag -d t.json in
  [ "$stderr" = "cdp-tag: tag 't': cannot run './nothing': No such file or directory" ]
}

@test "an answer of another type is no value, and told" {
  people_with 1
  echo '{"tags":[{"name":"t","type":"number","program":["jq","-c",".value = \"high\""]}]}' >t.json
  run -0 --separate-stderr cdp-tag --as-of 2024-05-01 -d t.json in
  [ "$(jq -c .tags <<<"$output")" = '{}' ]
  [ "$stderr" = "cdp-tag: tag 't' has no value for 1 customers: the value is no number" ]
}

@test "a share of customers that is not expected is told" {
  people_with 1 2 3 4
  echo '{"tags":[{"name":"t","value":"max(props.x)","nullif":4,"alarm":{"min":0.5,"max":0.7}},
    {"name":"u","value":"max(props.x)","nullif":4,"alarm":{"min":0.8}},{"name":"v","value":"1","alarm":{"min":1}}]}' >t.json
  run -0 --separate-stderr cdp-tag --as-of 2024-05-01 -d t.json in
  [ "$stderr" = "cdp-tag: alarm: tag 't' has a value for 3 of 4 customers, more than the share of 0.7
cdp-tag: alarm: tag 'u' has a value for 3 of 4 customers, less than the share of 0.8" ]
}

@test "a tag that is stopped is in no profile" {
  people_with 1
  [ "$(value_of '"status":"stopped","value":"1"},{"name":"u","value":"2"')" = a=null ]
  [ "$(value_of '"status":"active","value":"1"},{"name":"u","value":"2"')" = a=1 ]
}

@test "tags of very many event codes are those of a few at a time" {
  awk 'BEGIN { srand(7); for (i = 0; i < 4000; i++)
    printf "{\"one_id\":\"u%d\",\"time\":\"2024-04-%02dT00:00:%02d.000Z\",\"event\":\"code%d\",\"props\":{\"p\":\"some text of number %d\"}}\n",
      rand() * rand() * 40, 1 + rand() * 29, rand() * 60, rand() * 600, rand() * 5 }' >in
  define() {
    awk -v from="$1" -v to="$2" 'BEGIN { printf "{\"tags\":["; for (i = from; i < to; i++)
      printf "%s\n{\"name\":\"n%d\",\"value\":\"count(event == \047code%d\047)\"},\n" \
        "{\"name\":\"t%d\",\"preference\":{\"property\":\"props.p\",\"top\":5,\"event\":[\"code%d\",\"code%d\"]}}",
        (i > from ? "," : ""), i, i, i, i, i + 1; print "]}" }'
  }
  define 0 600 >all
  cdp-tag -d all --as-of 2024-05-01 in >together
  for from in $(seq 0 60 599); do
    define "$from" $((from + 60)) >part
    cdp-tag -d part --as-of 2024-05-01 in
  done | jq -cn 'reduce inputs as $p ({}; .[$p.one_id].tags += $p.tags) | to_entries | sort_by(.key)[] |
    {one_id: .key, as_of: "2024-04-30T16:00:00.000Z", tags: .value.tags}' >apart
  jq -c '{one_id, as_of, tags}' together | cmp - apart
  [ "$(jq -n '[inputs.tags | to_entries[] | select(.key < "t") | .value] | add' together)" -eq 4000 ]
  cdp-tag -j 3 -d all --as-of 2024-05-01 in | cmp - together
}

@test "a tag whose events did not occur is what it is for everybody, also for tags that need it" {
  printf '{"one_id":"%s","time":"2024-04-01T00:00:00.000Z","event":"%s","props":{"x":%d}}\n' a pay 2 a see 1 b see 1 c pay 5 d see 3 >in
  cat >t.json <<'END'
{"tags":[{"name":"twice","value":"tags.n * 2"},
 {"name":"n","value":"count(event == 'pay')","nullif":7},
 {"name":"sum","type":"decimal","value":"sum(props.x, event == 'pay')","nullif":0},
 {"name":"word","layers":[{"value":"payer","when":"count(event == 'pay') > 0"}],"else":"other"},
 {"name":"text","value":"'paid ' + string(count(event == 'pay'))"},
 {"name":"mean","value":"avg(props.x, event == 'pay')"},
 {"name":"per","value":"10 / count(event == 'pay')"},
 {"name":"seen","value":"count(event == 'see')","nullif":1},
 {"name":"any","value":"count()"}]}
END
  cdp-tag -j 1 --as-of 2024-05-01 -d t.json in | jq -c .tags >out
  printf '%s\n' '{"twice":2,"n":1,"sum":2,"word":"payer","text":"paid 1","mean":2,"per":10,"any":2}' \
    '{"twice":0,"n":0,"word":"other","text":"paid 0","any":1}' \
    '{"twice":2,"n":1,"sum":5,"word":"payer","text":"paid 1","mean":5,"per":10,"seen":0,"any":1}' \
    '{"twice":0,"n":0,"word":"other","text":"paid 0","any":1}' | diff -u - out
  cdp-tag -v --nulls --as-of 2024-05-01 -d t.json in 2>err | jq -c .tags | sed -n 2p >out
  echo '{"twice":0,"n":0,"sum":null,"word":"other","text":"paid 0","mean":null,"per":null,"seen":null,"any":1}' | diff -u - out
  grep -q "tag 'per' has no value for 2 customers: division by zero" err
}
