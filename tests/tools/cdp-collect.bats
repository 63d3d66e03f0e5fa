# cdp-collect: whatever comes in is accounted for, and what goes out is canonical.
bats_require_minimum_version 1.5.0
load ../helper

# One small bank with much dirt for all tests of this file.
setup_file() {
  export BANK=$BATS_FILE_TMPDIR/bank
  cdp-gen --seed 5 --customers 300 --days 8 --events 12000 --late 4% --duplicate 2% \
    --junk 1% --malformed 2% -o "$BANK"
}

setup() {
  cd "$BATS_TEST_TMPDIR"
  AS_OF=$(jq -r .as_of "$BANK/truth.json")
}

# A member of the last line of a file: that of --stats.
stat() {
  tail -n 1 "$1" | jq ".$2"
}

# Records in are records out, rejected or dropped.
conserved() {
  tail -n 1 "$1" | jq -e '.in == .out + .rejected + (.duplicates // 0)' >/dev/null
}

web() {
  cdp-collect -q -f combined --event page_view --event-param e --id-param cid=cookie "$@"
}

# Lines with anything done to them: cut, doubled, with bytes that no text has.
hostile() {
  awk '
    BEGIN { srand(7) }
    { r = rand()
      if (r < .1) print substr($0, 1, int(rand() * length($0)))
      else if (r < .2) print substr($0, int(rand() * length($0)) + 1)
      else if (r < .25) print $0 $0
      else if (r < .3) print substr($0, 1, 20) "\377\376" substr($0, 21)
      else if (r < .35) print ""
      else if (r < .4) print "{\"time\":" int(rand() * 1e13) ",\"event\":\"x\",\"ids\":{\"a\":" rand() "}}"
      else if (r < .45) { print; print }
      else print }' "$@"
}

@test "every line of hostile input is accounted for" {
  hostile "$BANK"/sensors/*.log "$BANK"/segment/*.ndjson "$BANK"/access/*.log "$BANK"/core/*.ndjson >in
  run --separate-stderr cdp-collect -q --stats --rejects bad --dedup 9d --duplicates dup \
    -o out in
  [ "$status" -eq 3 ]
  printf '%s\n' "$stderr" >stats
  conserved stats
  [ "$(stat stats in)" -eq "$(awk '/[^ \t]/' in | wc -l)" ]
  [ "$(stat stats blank)" -eq "$(awk '!/[^ \t]/' in | wc -l)" ]
  [ "$(stat stats out)" -eq "$(wc -l <out)" ]
  [ "$(stat stats rejected)" -eq "$(wc -l <bad)" ]
  [ "$(stat stats duplicates)" -eq "$(wc -l <dup)" ]
  [ "$(stat stats rejected)" -gt 100 ]
  [ "$(stat stats duplicates)" -gt 100 ]
}

# Everything that the suite has of any format, each line with anything done to it, with
# bytes that are no text, a line over the ceiling, and a file that was cut short.
anything() {
  {
    cat "$TOP"/tests/cases/cdp-collect/*/in "$SAMPLES"/raw/* "$SAMPLES"/*.ndjson \
      "$TOP"/tests/fixtures/*.ndjson \
      "$BANK"/sensors/*.log "$BANK"/segment/*.ndjson "$BANK"/access/*.log
    find "$TOP/tests/fuzz/corpus" -type f -path '*/fuzz_[cnrps]*' | sort | xargs -d '\n' cat
  } | hostile
  head -c 100000 "$(command -v cdp-collect)"
  echo
  head -c 3000000 /dev/zero | tr '\0' x
  printf '\n{"time":"2024-04-02T00:00:00Z","event":"last","ids":{"a":"1"}}'
}

@test "whatever comes in is a record, a duplicate or a reject, by any number of jobs" {
  anything >in
  gzip -c in | head -c 20000 >cut.gz
  for format in auto native sensors combined requests; do
    for j in 1 2; do
      run --separate-stderr cdp-collect -q -j$j -f $format --stats --line-max 1M \
        --rejects bad.$j --dedup 9d --duplicates dup.$j in cut.gz
      # The cut one cannot be read to its end.
      [ "$status" -eq 4 ]
      printf '%s\n' "$output" >out.$j
      printf '%s\n' "$stderr" >stats.$j
      conserved stats.$j
      [ "$(stat stats.$j in)" -gt 1000 ]
      [ "$(stat stats.$j rejected)" -eq "$(wc -l <bad.$j)" ]
      [ "$(stat stats.$j rejected)" -gt 100 ]
      [ "$(stat stats.$j duplicates)" -eq "$(wc -l <dup.$j)" ]
      [ "$(stat stats.$j out)" -eq "$(grep -c '^{' out.$j)" ]
    done
    sed -i 's/bad\.[12]\.long/bad.long/' bad.1 bad.2
    for what in out bad dup; do same $what.1 $what.2; done
    same <(tail -n 1 stats.1) <(tail -n 1 stats.2)
  done
}

@test "so it is in every protocol, whoever the payload is from" {
  jq -r '(.body // (.body_base64 // "" | @base64d)) | select(startswith("{") or startswith("[")) |
    gsub("\n"; " ")' "$TOP"/tests/fixtures/*.ndjson | tee whole | hostile >in
  cat whole >>in
  n=0
  for format in auto $(sed -n 's/^const struct cdp_protocol .* = { *"\([^"]*\)".*/\1/p' "$TOP"/lib/format/p_*.c); do
    run --separate-stderr cdp-collect -q -j2 -f "$format" --stats --rejects bad --dedup 9d \
      --duplicates dup -o out in
    [ "$status" -eq 3 ]
    printf '%s\n' "$stderr" >stats
    conserved stats
    [ "$(stat stats rejected)" -eq "$(wc -l <bad)" ]
    [ "$(stat stats duplicates)" -eq "$(wc -l <dup)" ]
    [ "$(stat stats out)" -eq "$(wc -l <out)" ]
    jq -e . out >/dev/null
    n=$((n + 1))
  done
  [ "$n" -gt 15 ]
}

@test "whatever comes in as a table is a record, a duplicate or a reject" {
  { cat "$BANK/core/customers.gb18030.csv"; hostile "$BANK/core/customers.gb18030.csv"
    head -c 50000 "$(command -v cdp-collect)"; } >in
  gzip -c in | head -c 9000 >cut.gz
  run --separate-stderr cdp-collect -q --stats --as-of 2024-05-01 --line-max 64K --rejects bad \
    --dedup 9d --duplicates dup --columns-map "$SAMPLES/bank/maps/customers.json" -o out in cut.gz
  [ "$status" -eq 4 ]
  printf '%s\n' "$stderr" >stats
  conserved stats
  [ "$(stat stats rejected)" -eq "$(wc -l <bad)" ]
  [ "$(stat stats duplicates)" -eq "$(wc -l <dup)" ]
  [ "$(stat stats duplicates)" -gt 0 ]
}

@test "what comes out is valid, canonical, and stays as it is when collected again" {
  hostile "$BANK"/sensors/*.log "$BANK"/segment/*.ndjson "$BANK"/access/*.log "$BANK"/core/*.ndjson |
    cdp-collect -q >out || [ $? -eq 3 ]
  iconv -f UTF-8 -t UTF-8 out >/dev/null
  jq -e '(.time | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[.][0-9]{3}Z$")) and
    ((.ids // {}) | all(.[]; type == "string" and . != ""))' out | grep -c true |
    grep -qx "$(wc -l <out)"
  cdp-collect -f native <out >again
  same out again
}

@test "any number of jobs gives the same records, rejects and duplicates" {
  hostile "$BANK"/sensors/*.log "$BANK"/segment/*.ndjson "$BANK"/access/*.log >in
  for j in 1 3; do
    cdp-collect -q -j$j --rejects bad.$j --dedup 3d --duplicates dup.$j in >out.$j ||
      [ $? -eq 3 ]
  done
  same out.1 out.3
  same bad.1 bad.3
  same dup.1 dup.3
}

@test "rejects given back are rejected as they were, or read when they are mended" {
  hostile "$BANK"/sensors/*.log >in
  cdp-collect -q --rejects bad in >out || [ $? -eq 3 ]
  cdp-collect -q --replay --rejects again bad >none || [ $? -eq 3 ]
  [ ! -s none ]
  jq -c '[.reject.reason, .raw, .raw_b64]' bad >want
  jq -c '[.reject.reason, .raw, .raw_b64]' again >got
  same want got
  printf '{"event":"x","ids":{"a":"1"},"time":"%s"}\n' yesterday 2024-04-01T00:00:00Z |
    cdp-collect -q --rejects bad >out || [ $? -eq 3 ]
  sed 's/\\"yesterday/\\"2024-04-02T00:00:00Z/' bad | cdp-collect -q --replay >got
  echo '{"time":"2024-04-02T00:00:00.000Z","event":"x","ids":{"a":"1"}}' >want
  same want got
}

@test "a line over the ceiling is kept whole and read back under a higher one" {
  awk 'BEGIN { printf "{\"time\":\"2024-04-01T00:00:00.000Z\",\"event\":\"x\",\"ids\":{\"a\":\"1\"},\"props\":{\"x\":\""
    for (i = 0; i < 100000; i++) printf "x"; print "\"}}" }' >in
  run cdp-collect -q --line-max 64K --rejects bad in
  [ "$status" -eq 3 ]
  run cdp-collect -q --line-max 64K --replay bad
  [ "$status" -eq 3 ]
  cdp-collect --line-max 1M --replay bad >out
  same in out
}

@test "the events of a bank's apps are all there, once each, under their names" {
  for kind in sensors segment; do
    cdp-collect -q --stats --as-of "$AS_OF" --dedup 9d "$BANK/$kind"/* >out 2>stats ||
      [ $? -eq 3 ]
    conserved stats
    [ "$(jq -c 'select(.event and .event != "$SignUp")' out | wc -l)" -eq \
      "$(jq ".files.$kind.events" "$BANK/truth.json")" ]
    [ "$(stat stats rejected)" -eq "$(jq ".files.$kind.malformed" "$BANK/truth.json")" ]
  done
}

@test "so are those of its web server" {
  web --stats --as-of "$AS_OF" "$BANK"/access/*.log >out 2>stats || [ $? -eq 3 ]
  conserved stats
  jq -se --slurpfile t "$BANK/truth.json" 'length ==
    ($t[0].files.access | .events + .duplicate)' out >/dev/null
  [ "$(stat stats rejected)" -eq "$(jq .files.access.malformed "$BANK/truth.json")" ]
  jq -r .event out | sort -u >names
  jq -r '.events.by_name | keys[]' "$BANK/truth.json" | sort >all
  [ -z "$(comm -23 names all)" ]
}

@test "tables and back-end events of a bank are read with their broken rows set aside" {
  cdp-collect -q --stats --as-of "$AS_OF" --columns-map "$SAMPLES/bank/maps/customers.json" \
    "$BANK/core/customers.gb18030.csv" >out 2>stats || [ $? -eq 3 ]
  conserved stats
  [ "$(stat stats in)" -eq "$(jq .files.customers.rows "$BANK/truth.json")" ]
  [ "$(stat stats rejected)" -eq "$(jq .files.customers.malformed "$BANK/truth.json")" ]
  jq -e '.ids.customer and .set.name' out >/dev/null
  cdp-collect -q --stats --as-of "$AS_OF" --columns-map "$SAMPLES/bank/maps/accounts.json" \
    "$BANK/core/accounts.utf8.csv" >out 2>stats || [ $? -eq 3 ]
  conserved stats
  [ "$(stat stats in)" -eq "$(jq .files.accounts.rows "$BANK/truth.json")" ]
  [ "$(stat stats rejected)" -eq "$(jq .files.accounts.malformed "$BANK/truth.json")" ]
  cdp-collect -q --stats --as-of "$AS_OF" "$BANK"/core/*.gz >out 2>stats || [ $? -eq 3 ]
  conserved stats
  [ "$(stat stats rejected)" -eq "$(jq .files.core.malformed "$BANK/truth.json")" ]
}

@test "a row of a table is answered while the input stays open" {
  mkfifo pipe
  echo '{"event":"x","columns":["a","t"],"fields":[{"column":"a","to":"ids.a"},{"column":"t","to":"time"}]}' >map
  cdp-collect --columns-map map <pipe >out &
  exec 9>pipe
  echo '1,2024-04-01 00:00:00' >&9
  timeout 10 sh -c 'until [ -s out ]; do :; done'
  exec 9>&-
  wait
  echo '{"time":"2024-03-31T16:00:00.000Z","event":"x","ids":{"a":"1"}}' >want
  same want out
}

@test "a file of duplicates on a full disk ends the run with status 4" {
  [ -c /dev/full ] || skip "no /dev/full"
  awk 'BEGIN { for (i = 0; i < 20000; i++) print "{\"time\":\"2024-04-01T00:00:00.000Z\",\"event\":\"x\",\"ids\":{\"a\":\"1\"}}" }' >in
  run --separate-stderr cdp-collect --dedup 1d --duplicates /dev/full in
  [ "$status" -eq 4 ]
  [[ $stderr == *"/dev/full"*"No space left on device"* ]]
}

@test "options that do not fit are refused before anything is read" {
  for args in '-f csv' '--charset GBK' '--delimiter ;' '--duplicates x' '--dedup 1ms' \
    '--id-param cid' '-f native --columns-map m' '--columns a,b' \
    '--columns-map /nonexistent' '--future maybe'; do
    run --separate-stderr cdp-collect $args </dev/null
    [ "$status" -eq 2 ] || [ "$args$status" = '--columns-map /nonexistent4' ]
    [ -n "$stderr" ]
    [ -z "$output" ]
  done
}

@test "clocks are corrected alike for any number of jobs, and only once" {
  awk 'BEGIN { srand(3); for (i = 0; i < 30000; i++) {
    d = int(rand() * 40); off = d % 3 * 400; t = 36000 + i
    printf "{\"time\":\"2024-04-25T%02d:%02d:%02d.000Z\",\"event\":\"e%d\",\"ids\":{\"device\":\"d%d\"},", \
      t / 3600, t % 3600 / 60, t % 60, i, d
    t += 5; r = t - off + int(rand() * 30)
    printf "\"sent\":\"2024-04-25T%02d:%02d:%02d.000Z\",", t / 3600, t % 3600 / 60, t % 60
    printf "\"received\":\"2024-04-25T%02d:%02d:%02d.000Z\"}\n", r / 3600, r % 3600 / 60, r % 60
  } }' >in
  cdp-collect -q --skew 5m -j1 in >one
  cdp-collect -q --skew 5m -j4 in >four
  same one four
  cdp-collect -q --skew 5m one >again
  same one again
  # two of three devices are off; all their records are shifted, in the order they had
  [ "$(grep -c time_original one)" -gt 15000 ]
  for d in 1 2; do
    grep "\"d$d\"" one >mine
    [ "$(grep -c time_original mine)" -eq "$(wc -l <mine)" ]
    LC_ALL=C sort -c mine
  done
}

@test "what the future holds is rejected, kept or clamped, and counted" {
  printf '%s\n' '{"time":"2024-04-25T09:00:00Z","event":"x","ids":{"a":"1"}}' >in
  for what in reject keep clamp; do
    run --separate-stderr cdp-collect -q --stats --as-of 2024-04-25T07:00:00Z \
      --future $what --rejects bad -o out in
    case $what in
    reject)
      [ "$status" -eq 3 ]
      [ ! -s out ]
      grep -q future-time bad
      ;;
    keep) grep -q '^{"time":"2024-04-25T09:00:00.000Z","event":"x","ids":{"a":"1"}}$' out ;;
    clamp) grep -q '^{"time":"2024-04-25T07:00:00.000Z",.*,"time_original":"2024-04-25T09:00:00.000Z"}$' out ;;
    esac
    [ "$(printf '%s\n' "$stderr" | tail -n 1 | jq .future)" -eq 1 ]
  done
}

# events FROM TO [TIME]: one record a number.
numbered() {
  awk -v a="$1" -v b="$2" -v day="${3-2024-04-01}" 'BEGIN { for (i = a; i < b; i++)
    printf "{\"time\":\"%sT%02d:%02d:%02d.000Z\",\"event\":\"x\",\"ids\":{\"a\":\"%d\"},\"event_id\":\"%d\"}\n",
      day, i / 3600 % 24, i / 60 % 60, i % 60, i, i }'
}

@test "a record that an earlier run has seen is a duplicate, as long as it is in the window" {
  numbered 0 1000 | cdp-collect --dedup 2d --state st >one
  numbered 500 1500 | cdp-collect --dedup 2d --state st --duplicates dup >two
  numbered 500 1000 >want
  same want dup
  numbered 1000 1500 >want
  same want two
  numbered 0 1 2024-04-04 | cdp-collect --dedup 2d --state st >three
  numbered 0 10 | cdp-collect --stats --dedup 2d --state st >four 2>stats
  [ "$(stat stats too_old)" -eq 10 ]
  [ "$(stat stats duplicates)" -eq 0 ]
}

@test "records past the bound of memory are known, and all runs are as one" {
  numbered 0 60000 2024-04-01 >in
  numbered 20000 80000 2024-04-01 >>in
  cdp-collect --dedup 9d --duplicates dup <in >want
  cdp-collect --dedup 9d --dedup-memory 64K --duplicates dup.less -j2 in >less
  same want less
  same dup dup.less
  for part in 1 2 3 4; do
    split -n "l/$part/4" in | cdp-collect --dedup 9d --dedup-memory 64K --state st
  done >parts
  same want parts
  [ "$(find st/seen -name 'run-*' | wc -l)" -gt 0 ]
}

@test "killed at any moment, a run loses no record when it is repeated" {
  numbered 0 400000 >in
  for delay in 0.02 0.05 0.1 0.15 0.2 0.3 0.4; do
    timeout -s KILL "$delay" cdp-collect --dedup 9d --dedup-memory 1M --state st in >"out.$delay" || true
  done
  cdp-collect --dedup 9d --dedup-memory 1M --state st in >out.last
  # What was being written is cut short: a reader of lines drops it.
  grep -h 'event_id":"[0-9]*"}$' out.* | sort -u | cmp - <(sort in)
  cdp-collect --dedup 9d --state st in >none
  [ ! -s none ]
}

@test "an output that did not appear is not remembered" {
  numbered 0 400000 >in
  timeout -s KILL 0.1 cdp-collect --dedup 9d --state st in -o out || true
  [ ! -e out ]
  run -4 cdp-collect -q --dedup 9d --state st in none -o out
  cdp-collect --dedup 9d --state st in -o out
  same in out
}

@test "what was seen is remembered while the input waits" {
  mkfifo pipe
  cdp-collect --dedup 9d --state st <pipe >out &
  pid=$!
  exec 7>pipe
  numbered 0 5 >&7
  until [ "$(command stat -c %s st/seen/journal 2>/dev/null || echo 0)" -gt 90 ]; do :; done
  kill -9 "$pid"
  wait "$pid" || true
  exec 7>&-
  numbered 0 6 | cdp-collect --dedup 9d --state st >>out
  numbered 0 6 >want
  same want out
}

@test "two runs do not share a directory" {
  mkfifo pipe
  cdp-collect --dedup 9d --state st <pipe >out &
  exec 7>pipe
  until [ -e st/seen/journal ]; do :; done
  run -4 cdp-collect --dedup 9d --state st </dev/null
  [[ $output = *"locked by process"* ]]
  exec 7>&-
  wait
}

@test "the plan of the samples fits the samples and what a made-up bank sends" {
  plan=$BATS_TEST_DIRNAME/../../samples/plan.json
  events=$BATS_TEST_DIRNAME/../../samples/events.ndjson
  cdp-collect -d "$plan" "$events" >out
  same "$events" out
  raw=$BATS_TEST_DIRNAME/../../samples/raw/app.log
  cdp-collect -q "$raw" >out || [ $? -eq 3 ]
  cdp-collect -q -d "$plan" out >held
  same out held
  cdp-gen --seed 9 --customers 300 --days 3 --events 6000 -o clean
  cdp-collect -q --stats -d "$plan" --coverage cover -o out clean/sensors/*.log \
    clean/segment/*.ndjson clean/core/*.ndjson.gz 2>stats || [ $? -eq 3 ]
  [ "$(stat stats violations)" -eq 0 ]
  run jq -r 'select(.result == "coverage" and .property == null and .status == "never_planned")' cover
  [ "$output" = "" ]
}

@test "a plan gives the same records, rejects and coverage for any number of jobs" {
  plan=$BATS_TEST_DIRNAME/../../samples/plan.json
  for j in 1 3; do
    cdp-collect -q -j$j -f combined --event page_view --event-param e --id-param cid=cookie \
      -d "$plan" --coverage cover.$j --rejects bad.$j "$BANK"/access/*.log >out.$j || [ $? -eq 3 ]
  done
  same out.1 out.3
  same bad.1 bad.3
  same cover.1 cover.3
  # amounts in the parameters of a request are strings
  grep -q '"violations":\[{"kind":"Datatype-Mismatch","path":"props.amount"' out.1
}

@test "what a plan strips leaves duplicates duplicates" {
  echo '{"version":"1","additional":false,"actions":{"Additional-Properties":"strip"},
    "events":{"e":{"properties":{"a":{}}}}}' >plan.json
  printf '%s\n' \
    '{"time":"2024-04-25T07:00:00.000Z","event":"e","ids":{"a":"1"},"props":{"x":1,"a":1},"sent":"2024-04-25T07:00:01.000Z"}' \
    '{"time":"2024-04-25T07:00:00.000Z","event":"e","ids":{"a":"1"},"props":{"a":1,"long":"er"},"sent":"2024-04-25T07:00:02.000Z"}' \
    '{"time":"2024-04-25T07:00:00.000Z","event":"e","ids":{"a":"1"},"props":{"x":1},"event_id":"i","source":"s"}' \
    '{"time":"2024-04-25T07:00:00.000Z","event":"e","ids":{"a":"1"},"props":{"y":1},"source":"s","event_id":"i"}' |
    cdp-collect -q -d plan.json --dedup 1d --stats >out 2>stats
  [ "$(stat stats duplicates)" -ge 1 ]
  [ "$(stat stats stripped)" -eq 4 ]
  head -n 1 out | grep -qF '"props":{"a":1},"sent":"2024-04-25T07:00:01.000Z"}'
  [ "$(grep -c '"a":1}' out)" -eq 1 ]
}

@test "the days of late records are listed by the zone, for any number of jobs" {
  for t in 04-30T15:59:59 04-30T16:00:00 05-02T10:00:00 05-03T09:00:00; do
    printf '{"time":"2024-%s.000Z","event":"e","ids":{"device":"d"},"received":"2024-05-03T10:00:00.000Z"}\n' $t
  done >late
  for j in 1 2; do
    cdp-collect -q -f native -j $j --tz Asia/Shanghai --late 1d --late-days days.$j late >/dev/null
  done
  [ "$(cat days.1)" = '{"day":"2024-04-30","late":1}
{"day":"2024-05-01","late":1}' ]
  cmp days.1 days.2
  cdp-collect -q -f native --tz UTC --late 1d --late-days days.utc late >/dev/null
  [ "$(cat days.utc)" = '{"day":"2024-04-30","late":2}' ]
  run --separate-stderr cdp-collect --late-days days late
  [ "$status" -eq 2 ]
  [[ $stderr == *"option '--late-days' needs a horizon: '--late'"* ]]
}

@test "a file of coverage on a full disk ends the run with status 4" {
  [ -c /dev/full ] || skip "no /dev/full"
  plan=$BATS_TEST_DIRNAME/../../samples/plan.json
  run --separate-stderr sh -c "printf '' | cdp-collect -d '$plan' --coverage /dev/full"
  [ "$status" -eq 4 ]
  [ "$stderr" = "cdp-collect: /dev/full: No space left on device" ]
}

@test "the plan drafted from a sample accepts that sample, whatever is in it" {
  # properties of all types, names and values that are hard to say
  hostile "$BANK"/sensors/*.log "$BANK"/access/*.log >in
  awk 'BEGIN { srand(4)
    n = split("a|b c|$x|\\\"|\\u0000|\\ud800|一|", names, "|")
    m = split("1|1.5|1e9|-0|true|null|\"\"|\"x\"|\"\\u0000\"|\"\\ud800\"|[1]|{\"a\":1}|\"2024-04-25\"|\"2024-04-25T00:00:00Z\"|123456789012345678901", values, "|")
    for (i = 0; i < 3000; i++) {
      printf "{\"time\":\"2024-04-25T07:00:00Z\",\"event\":\"e%d\",\"ids\":{\"k%d\":\"1\"},\"props\":{", rand() * 4, rand() * 3
      for (k = int(rand() * 4); k > 0; k--)
        printf "\"%s\":%s,", names[int(rand() * n) + 1], values[int(rand() * m) + 1]
      print "\"z\":" int(rand() * 3) "}}"
    } }' >>in
  cdp-collect -q in >records || [ $? -eq 3 ]
  [ "$(wc -l <records)" -gt 5000 ]
  cdp-collect --infer-plan -j1 records >plan.json
  cdp-collect --infer-plan -j3 records >again.json
  same plan.json again.json
  jq -e '.events | length > 20' plan.json >/dev/null
  cdp-collect -d plan.json records >out
  same records out
}

@test "virtual events are the same from raw logs and from history" {
  rules=$BATS_TEST_DIRNAME/../../samples/virtual.json
  cat >>rules.json <<'END'
{"virtual":[
 {"name":"visit","when":"event == 'page_view' && props.page.startsWith('/fund')","set":{"where":"props.title"}},
 {"name":"late_login","when":"event == 'login' && time.getHours('Asia/Shanghai') >= 22"},
 {"name":"look","as":"rename","when":"event == 'view_product' && props.category == 'fund'"}]}
END
  cdp-collect -q --virtual rules.json --stats "$BANK"/sensors/*.log >raw 2>stats || [ $? -eq 3 ]
  cdp-collect -q "$BANK"/sensors/*.log >archive || [ $? -eq 3 ]
  cdp-collect -f native -j3 --virtual rules.json archive >history
  same raw history
  tail -n 1 stats | jq -e '.in + .virtual == .out + .rejected' >/dev/null
  [ "$(stat stats virtual)" -gt 50 ]
  [ "$(stat stats renamed)" -gt 50 ]
  # a second pass repeats what was added, under the same ids
  cdp-collect -q -f native --virtual rules.json --dedup 30d raw >twice
  cdp-collect -q -f native --dedup 30d raw >once
  same once twice
  cdp-collect -q --virtual "$rules" "$BATS_TEST_DIRNAME/../../samples/raw/app.log" |
    grep -q '"event":"visit_fund_channel"'
}
