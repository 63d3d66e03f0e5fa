# Profiles as they change are those of one pass over what was read.
bats_require_minimum_version 1.5.0
load ../helper

# A small bank in order of arrival: one in ten events is a day late, tables come first.
setup_file() {
  export ALL=$BATS_FILE_TMPDIR/all TAGS=$BATS_FILE_TMPDIR/tags.json BANK=$BATS_FILE_TMPDIR/bank
  cdp-gen --seed 4 --customers 80 --days 8 --start 2024-02-25 -o "$BANK"
  for f in "$BANK"/sensors/*.log "$BANK"/core/transactions-*.gz "$BANK/core/holdings.ndjson" "$BANK/core/profiles.ndjson"; do
    cdp-collect -q --max-rejects 5% --rejects /dev/null --dedup 3d "$f"
  done | jq -c 'select(.ids.customer) | {one_id: .ids.customer} + .' |
    awk 'match($0, /"time":"[^"]*/) {
      at = substr($0, RSTART + 8, 24)
      if (NR % 10 == 0 && at < "2024-03-02") at = substr(at, 1, 8) sprintf("%02d", substr(at, 9, 2) + 1) substr(at, 11)
      print (/"event"/ ? at : "0") "\t" $0 }' | sort -s -k 1,1 | cut -f 2- >"$ALL"
  cat >"$TAGS" <<'END_TAGS'
{"tags":[
 {"name":"events","value":"count()"},
 {"name":"starts_3d","value":"count(event == 'app_start' && within('3d'))"},
 {"name":"paid","value":"sum(props.amount, event == 'pay_success')"},
 {"name":"paid_36h","value":"sum(props.amount, event == 'pay_success' && within('36h'))"},
 {"name":"last","value":"last(time)"},
 {"name":"quiet","type":"bool","value":"as_of - last(time) > duration('60h')"},
 {"name":"products","value":"distinct(props.product, within('5d'))"},
 {"name":"days","value":"days(within('1w'))"},
 {"name":"bought","value":"sequence(['view_product','click_buy'], '1d', within('4d'))"},
 {"name":"aum","value":"profile.aum"},
 {"name":"held","value":"size(details.holding)"}]}
END_TAGS
}

setup() {
  cd "$BATS_TEST_TMPDIR"
  tag=(cdp-tag -q --follow --state st -d "$TAGS" --as-of 2024-02-26)
}

follow() {
  "${tag[@]}" "$@"
}

stop() {
  kill "$pid"
  wait "$pid"
  pid=
}

teardown() {
  [ -z "${pid-}" ] || kill -9 "$pid"
}

# The last profile of each, without the base time, that changes for all.
last() {
  jq -cs 'map({key: .one_id, value: del(.as_of)}) | from_entries | .[]' "$@" | sort
}

# What was heard, and the state, are those of one pass over the records.
is_batch_of() { # RECORDS PROFILE...
  as_of=$(jq -r .as_of "${@:2}" | sort | tail -n 1)
  cdp-tag -q -d "$TAGS" --as-of "$as_of" "$1" >batch
  last batch >want
  last "${@:2}" >got
  cmp want got
  cdp-tag -q --state st -d "$TAGS" --as-of "$as_of" /dev/null | cmp - batch
}

# Waits until the command succeeds.
until_ok() {
  for _ in $(seq 200); do
    ! "$@" || return 0
    sleep 0.05
  done
  return 1
}

has_lines() {
  [ "$(wc -l <"$1")" -ge "$2" ]
}

@test "the last profile of each customer is that of a batch run, whatever the days brought" {
  follow --batch all <"$ALL" >out
  is_batch_of "$ALL" out
  [ "$(jq -r .as_of out | sort -u | wc -l)" -ge 8 ]
}

@test "only profiles that changed are written" {
  follow --batch all <"$ALL" >out
  jq -s 'map(del(.as_of)) | group_by(.one_id) | map(. as $p | [range(1; length) | select($p[.] == $p[. - 1])] | length) | add' out >same
  [ "$(cat same)" -eq 0 ]
  # An event that counts nowhere anew.
  printf '%s\n' '{"one_id":"new","time":"2024-03-03T00:00:00.000Z","type":"profile","set":{"x":1}}' >one
  { cat one; cat one; } | follow --batch more >again
  [ "$(wc -l <again)" -eq 1 ]
}

@test "a lone event is answered at once while the input stays open" {
  mkfifo to from
  "${tag[@]}" --batch live <to >from 3>\&- &
  pid=$!
  exec {to}>to {from}<from
  for n in 1 2 3; do
    echo '{"one_id":"a","time":"2024-02-25T01:00:00.000Z","event":"app_start"}' >&"$to"
    IFS= read -r -t 20 line <&"$from"
    [ "$(jq .tags.events <<<"$line")" -eq "$n" ]
  done
  exec {to}>&-
  wait "$pid"
  pid=
}

@test "with --every changes are gathered and written in time" {
  mkfifo to
  "${tag[@]}" --every 1s --batch live <to >out 3>\&- &
  pid=$!
  exec {to}>to
  for _ in 1 2 3 4 5; do
    echo '{"one_id":"a","time":"2024-02-25T01:00:00.000Z","event":"app_start"}' >&"$to"
  done
  sleep 0.4
  [ ! -s out ]
  until_ok has_lines out 1
  [ "$(jq -c .tags.events out)" = 5 ]
  exec {to}>&-
  wait "$pid"
  pid=
  [ "$(wc -l <out)" -eq 1 ]
}

@test "from events to audiences a lone event is answered while the input stays open" {
  echo '{"segments":[{"name":"starters","when":"tags.events >= 2"}]}' >segments.json
  mkfifo to known
  cdp-idmap -q --state map <to >known 3>&- &
  { "${tag[@]}" --batch live <known | cdp-segment -q -d segments.json --follow >out; } 3>&- &
  chain=$!
  exec {to}>to
  event='{"time":"2024-02-25T01:00:00.000Z","event":"app_start","ids":{"customer":"C1"}}'
  echo "$event" >&"$to"
  sleep 0.3
  [ ! -s out ]
  echo "$event" >&"$to"
  until_ok has_lines out 1
  [ "$(jq -r .change out)" = entered ]
  exec {to}>&-
  wait "$chain"
}

@test "a day that ends changes profiles of customers who did nothing" {
  printf '%s\n' '{"one_id":"a","time":"2024-02-25T01:00:00.000Z","event":"app_start"}' \
    '{"one_id":"b","time":"2024-02-28T12:00:00.000Z","event":"x"}' >in
  follow --batch one <in >out
  [ "$(jq -c 'select(.one_id == "a") | [.as_of[:10], .tags.starts_3d, .tags.quiet]' out | paste -sd' ')" = \
    '["2024-02-25",1,false] ["2024-02-28",0,true]' ]
}

@test "without --as-of days end by the clock" {
  today=$(TZ=Asia/Shanghai date +%F)
  echo '{"one_id":"a","time":"2024-02-25T01:00:00.000Z","event":"app_start"}' |
    cdp-tag --follow --state st -d "$TAGS" --batch x >out
  [ "$(jq -r .as_of out)" = "$(date -u -d "TZ=\"Asia/Shanghai\" $today + 1 day" +%FT%T.000Z)" ] ||
    [ "$(TZ=Asia/Shanghai date +%F)" != "$today" ]
}

@test "when midnight passes, what time alone changed is written though nothing happens" {
  [ "$MODE" != asan ] || skip "nothing can be preloaded before the sanitizer"
  # Some seconds before the end of a day in Shanghai.
  late=$(($(date -u -d 2024-02-27T15:59:56Z +%s) - $(date +%s)))
  echo '{"one_id":"a","time":"2024-02-25T01:00:00.000Z","event":"app_start"}' >log
  CDP_INJECT_CLOCK=$late LD_PRELOAD=$TOP/build/$MODE/inject.so \
    cdp-tag -q --follow --state st -d "$TAGS" log >out 3>&- &
  pid=$!
  until_ok has_lines out 2
  stop
  [ "$(jq -c '[.as_of, .tags.starts_3d, .tags.quiet]' out | paste -sd' ')" = \
    '["2024-02-27T16:00:00.000Z",1,true] ["2024-02-28T16:00:00.000Z",0,true]' ]
  # Days in which no process was there.
  CDP_INJECT_CLOCK=$((late + 3 * 86400)) LD_PRELOAD=$TOP/build/$MODE/inject.so \
    cdp-tag -q --follow --state st -d "$TAGS" log >out 3>&- &
  pid=$!
  echo '{"one_id":"a","time":"2024-03-01T00:00:00.000Z","event":"app_start"}' >>log
  until_ok has_lines out 1
  stop
  [ "$(jq -c '[.as_of, .tags.starts_3d]' out)" = '["2024-03-02T16:00:00.000Z",1]' ]
}

@test "SIGTERM saves the state, and the same stream goes on from there" {
  mkfifo to
  "${tag[@]}" --batch all <to >out 3>\&- &
  pid=$!
  exec {to}>to
  head -n 500 "$ALL" >&"$to"
  until_ok has_lines out 50
  sleep 0.3
  stop
  exec {to}>&-
  cp out first
  follow --batch all <"$ALL" >second
  run -0 follow --batch all <"$ALL"
  [ -z "$output" ]
  is_batch_of "$ALL" first second
}

@test "killed at any time, what is said again counts once and nothing is missed" {
  for n in 1 2 3 4 5 6 7 8; do
    rm -f to
    mkfifo to
    : >"out.$n" # it may be killed before it has one
    { split -l 50 --filter 'cat; sleep 0.01' "$ALL" 2>/dev/null >to || true; } 3>&- &
    "${tag[@]}" --batch all --checkpoint "$((n % 3))0ms" <to >"out.$n" 3>\&- &
    pid=$!
    sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
    kill -9 "$pid" || true
    wait "$pid" || true
    pid=
    # A line may have been cut.
    sed -i '${/}$/!d}' "out.$n"
  done
  follow --batch all <"$ALL" >out.9
  cat out.? >out
  is_batch_of "$ALL" out
}

@test "killed before or in any write, sync or rename, the same input again gives the same profiles" {
  [ "$MODE" != asan ] || skip "nothing can be preloaded before the sanitizer"
  head -n 300 "$ALL" >some
  tried=0
  for call in write fsync rename; do
    for n in 1 2 3 5 8 13 21; do
      rm -rf st out mark
      CDP_INJECT=$call:$n:kill CDP_INJECT_MARK=mark LD_PRELOAD=$TOP/build/$MODE/inject.so \
        cdp-tag -q --follow --state st -d "$TAGS" --as-of 2024-02-26 --batch some --checkpoint 0s <some >out 2>/dev/null || true
      [ ! -e mark ] || tried=$((tried + 1))
      sed -i '${/}$/!d}' out
      follow --batch some <some >>out
      is_batch_of some out
    done
  done
  [ "$tried" -ge 6 ]
}

@test "another stream under a name that is known is refused" {
  follow --batch all <"$ALL" >/dev/null
  tail -n +2 "$ALL" >other
  run -2 --separate-stderr follow --batch all <other
  [[ $stderr == "cdp-tag: standard input is not what was read as 'all' before: "* ]]
  head -n 20 "$ALL" >short
  run -2 --separate-stderr follow --batch all <short
}

@test "files are read on as they grow and when they are rotated" {
  sed -n 1,200p "$ALL" >log
  "${tag[@]}" log >out 3>\&- &
  pid=$!
  until_ok has_lines out 20
  sed -n 201,400p "$ALL" >>log
  printf '%s' "$(sed -n 401p "$ALL")" >>log
  sleep 0.2
  echo >>log
  mv log log.1
  sed -n 402,600p "$ALL" >log
  sed -n 1,600p "$ALL" >read
  until_ok complete
  stop
  is_batch_of read out
  sed -n 601,700p "$ALL" >>log
  "${tag[@]}" log >more 3>\&- &
  pid=$!
  until_ok has_lines more 5
  sleep 0.5
  stop
  sed -n 1,700p "$ALL" >read
  is_batch_of read out more
}

complete() {
  last out >now
  cdp-tag -q -d "$TAGS" --as-of "$(jq -r .as_of out | sort | tail -n 1)" read >batch
  last batch | cmp -s - now
}

@test "of a directory every file counts once, also such as come later" {
  mkdir spool
  sed -n 1,200p "$ALL" >spool/1.ndjson
  "${tag[@]}" spool >out 3>\&- &
  pid=$!
  until_ok has_lines out 20
  sed -n 201,300p "$ALL" >spool/.2.ndjson
  echo bad >spool/1.rejects
  sleep 0.2
  mv spool/.2.ndjson spool/2.ndjson
  sed -n 1,300p "$ALL" >read
  until_ok complete
  stop
  rm spool/1.ndjson
  sed -n 301,500p "$ALL" >spool/3.ndjson
  "${tag[@]}" spool >more 3>\&- &
  pid=$!
  until_ok has_lines more 5
  sleep 0.5
  stop
  sed -n 1,500p "$ALL" >read
  is_batch_of read out more
}

@test "persons that became others while they are followed have the history of both" {
  event() {
    echo "{\"one_id\":\"$1\",\"time\":\"2024-02-25T01:00:00.000Z\",\"event\":\"app_start\"}"
  }
  mkfifo to
  : >merges
  "${tag[@]}" --batch live --merges merges <to >out 3>&- &
  pid=$!
  exec {to}>to
  { event a; event a; event b; } >&"$to"
  until_ok has_lines out 2
  echo '{"merge":"link","from":"a","into":"b"}' >>merges
  until_ok has_lines out 4
  event a >&"$to"
  until_ok has_lines out 5
  exec {to}>&-
  wait "$pid"
  pid=
  [ "$(tail -n 3 out | jq -c '[.one_id, .deleted, .tags.events]' | paste -sd' ')" = '["a",true,null] ["b",null,3] ["b",null,4]' ]
  # The log is read on, and what was told is not told again.
  run -0 follow --batch more --merges merges </dev/null
  [ -z "$output" ]
  echo bad >>merges
  run -2 --separate-stderr follow --batch more --merges merges </dev/null
  [ "$stderr" = "cdp-tag: merges:2: not a row of a merge log" ]
}

@test "what is new is saved before it takes more memory than it may" {
  [ "$MODE" != asan ] || skip "the sanitizer keeps memory"
  for n in $(seq 40); do
    sed "s/\"one_id\":\"/&$n/" "$ALL"
  done >many
  run -0 --separate-stderr follow --batch many --memory 256K --stats -o /dev/null <many
  [ "$(jq '.saves - .days' <<<"$stderr")" -gt 3 ]
  cdp-tag -q -d "$TAGS" --as-of 2024-03-04 many >want
  cdp-tag -q --state st -d "$TAGS" --as-of 2024-03-04 /dev/null | cmp - want
}

@test "other definitions over the same aggregates have all profiles written" {
  follow --batch all <"$ALL" >out
  jq '.tags |= map(select(.name != "aum"))' "$TAGS" >fewer.json
  cdp-tag -q --follow --state st -d fewer.json --as-of 2024-02-26 --batch all <"$ALL" >all
  [ "$(wc -l <all)" -eq "$(last out | wc -l)" ]
}

@test "bad records are set aside, and the others count" {
  { sed -n 1,50p "$ALL"; echo bad; sed -n 51,100p "$ALL"; } >in
  run -3 --separate-stderr cdp-tag --follow --state st -d "$TAGS" --as-of 2024-02-26 --batch in --rejects rejects -o /dev/null <in
  [[ $stderr == "cdp-tag: standard input:51: "* ]]
  [ "$(jq -r .raw rejects)" = bad ]
  head -n 100 "$ALL" >good
  cdp-tag -q -d "$TAGS" --as-of 2024-03-04 good >want
  cdp-tag -q --state st -d "$TAGS" --as-of 2024-03-04 /dev/null | cmp - want
}

@test "what cannot be followed is refused by name" {
  echo '{"tags":[{"name":"a","value":"count(time < as_of - duration(\"1d\"))"}]}' >t.json
  run -2 --separate-stderr cdp-tag --follow --state st2 -d t.json --batch x
  [[ $stderr == "cdp-tag: tag 'a': "*" cannot be kept in a state: "* ]]
  run -2 cdp-tag --follow -d "$TAGS"
  run -2 cdp-tag --every 1s -d "$TAGS"
  run -2 --separate-stderr follow
  [[ ${stderr_lines[0]} == *"name what it holds with --batch" ]]
  run -2 follow --batch x -o file
}

@test "a night over a state that was followed reads nothing twice" {
  cp "$ALL" log
  "${tag[@]}" log >out 3>\&- &
  pid=$!
  until_ok has_lines out 80
  sleep 0.5
  stop
  run -2 --separate-stderr cdp-tag --state st -d "$TAGS" --as-of 2024-03-04 log
  [[ $stderr == "cdp-tag: the state has followed 'log', "* ]]
}

@test "what could not be written is not taken for told" {
  run -4 --separate-stderr follow --batch all <"$ALL" -o /dev/full
  [ "$stderr" = "cdp-tag: /dev/full: No space left on device" ]
  follow --batch all <"$ALL" >out
  is_batch_of "$ALL" out
  mkdir new
  cd new
  run -141 bash -c 'cdp-tag -q --follow --state st -d "$TAGS" --as-of 2024-02-26 --batch all <"$ALL" | head -n 1 >/dev/null; exit "${PIPESTATUS[0]}"'
}
