load ../helper

setup() {
  cd "$BATS_TEST_TMPDIR"
}

@test "a record that matches leaves byte for byte, whatever it looks like" {
  cat >in <<'END'
{ "a" : 1.10 , "b":1e2, "c":-0 ,"d":"\u00e9\/é", "a" :2 }
{"big":123456789012345678901234567890,"e":1e999,"s":"\ud800"}
END
  cdp-filter -e 'true' in >out
  cmp in out
}

@test "of duplicate members the last one counts" {
  run -0 cdp-filter --count -e 'a == 2' <<<'{"a":1,"a":2}'
  [ "$output" = '{"result":"count","count":1}' ]
}

@test "--unique-keys rejects a record with duplicate members" {
  run -3 --separate-stderr cdp-filter --unique-keys <<<'{"a":1,"a":2}'
  [ -z "$output" ]
}

@test "counts are the same for any number of jobs" {
  seq 30000 | awk '{ printf "{\"event\":\"e%d\",\"n\":%d}\n", $1 % 7, $1 % 1000 }' >in
  cdp-filter -j 1 --count-by event in >want
  cdp-filter -j 1 --count-by n in >>want
  [ "$(wc -l <want)" -eq 1007 ]
  for jobs in 2 4; do
    cdp-filter -j $jobs --count-by event in >got
    cdp-filter -j $jobs --count-by n in >>got
    same want got
  done
}

@test "overlong lines are kept in input order for any number of jobs" {
  lines() { seq "$1" 7 $(($1 + 200000)) | awk '{ printf "{\"n\":%d}\n", $1 }'; }
  long() { printf '{"a":"'; head -c 20000000 /dev/zero | tr '\0' "$1"; printf '"}\n'; }
  { lines 1; long a; lines 2; lines 3; } >first
  { lines 4; long b; } | gzip -1 >second.gz
  { long c; lines 5; long d; printf '{"n":6}'; } >third
  for jobs in 1 2 4; do
    status=0
    cdp-filter -j $jobs --rejects bad$jobs first second.gz third >out$jobs 2>err || status=$?
    [ "$status" -eq 3 ]
  done
  [ "$(grep -c raw_file bad1)" -eq 4 ]
  [ "$(tr -s a-d <bad1.long)" = '{"a":"a"}{"a":"b"}{"a":"c"}{"a":"d"}' ]
  for jobs in 2 4; do
    same out1 out$jobs
    cmp <(sed 's/bad1/bad/' bad1) <(sed "s/bad$jobs/bad/" bad$jobs)
    cmp bad1.long bad$jobs.long
  done
}

@test "--trusted gives the same answers on canonical records" {
  for args in "-e event=='buy_fund'" "--count-by event" "--count-by props.product" \
    "--fields time,props.amount" "-e one_id=='fa70449406c92031'"; do
    # shellcheck disable=SC2086
    cdp-filter $args "$SAMPLES/events.ndjson" >want
    # shellcheck disable=SC2086
    cdp-filter $args --trusted "$SAMPLES/events.ndjson" >got
    [ -s want ]
    same want got
  done
}

@test "nothing counted after --strict met a bad record" {
  run -3 --separate-stderr cdp-filter --strict --count < <(printf '{"a":1}\nbad\n')
  [ -z "$output" ]
}

@test "-o keeps the old file when the input cannot be read" {
  echo old >out
  echo '{"a":1}' >in
  run -4 cdp-filter -o out missing in
  [ "$(cat out)" = old ]
  cdp-filter -o out in
  same in out
}

@test "-o may be one of the inputs" {
  printf '{"a":1}\n{"a":2}\n' >file
  cdp-filter -e 'a == 2' -o file file
  [ "$(cat file)" = '{"a":2}' ]
}

@test "-o x.gz is compressed and can be read back" {
  cdp-filter -o x.gz "$SAMPLES/events.ndjson"
  gzip -t x.gz
  cdp-filter x.gz >got
  same "$SAMPLES/events.ndjson" got
}

@test "--set of time takes an instant and writes it canonically" {
  run -0 cdp-filter --set "time=timestamp('2024-04-25T14:59:46.1+08:00')" <<<'{"time":"x","a":1}'
  [ "$output" = '{"time":"2024-04-25T06:59:46.100Z","a":1}' ]
}

@test "--fields sees what --set has set" {
  run -0 cdp-filter --set 'b=a + 1' --fields b <<<'{"a":1}'
  [ "$output" = '{"b":2}' ]
}

@test "-e sees bound names before members" {
  run -0 cdp-filter --bind 'a=5' -e 'a == 5' <<<'{"a":1}'
  [ "$output" = '{"a":1}' ]
}

@test "lines beyond --line-max are rejected" {
  run -3 --separate-stderr cdp-filter --line-max 1K < <(printf '{"a":"%02000d"}\n{"b":1}\n' 0)
  [ "$output" = '{"b":1}' ]
  [ "$stderr" = "cdp-filter: standard input:1: line is longer than 1024 bytes" ]
}

@test "a FIFO operand is read like a pipe" {
  mkfifo f
  echo '{"a":1}' >f &
  run -0 cdp-filter f
  [ "$output" = '{"a":1}' ]
}

@test "--progress draws on a terminal and only there" {
  run -0 --separate-stderr cdp-filter --progress --count "$SAMPLES/events.ndjson"
  [ -z "$stderr" ]
  mkfifo slow never
  exec {wait}<>never
  # A producer that pauses, so that there is something to draw.
  { echo '{"a":1}'; read -r -t 0.5 -u "$wait" || echo '{"a":2}'; } >slow &
  script -qec 'cdp-filter --progress --count slow' /dev/null >drawn </dev/null
  grep -q 'MB/s' drawn
  grep -q '"count":2}' drawn
}

@test "a misspelt name is told also where only counts come out" {
  printf '%s\n' '{"event":"a","props":{"n":1}}' '{"event":"b"}' >in
  for args in '--count -e prop.n==1' "--count -e event=='a'&&props.m==1" '--count-by props.m'; do
    run -0 --separate-stderr cdp-filter $args in
    [[ $stderr == "cdp-filter: "?" expressions ended in an error; the first: in:1: no such member 'prop"* ]]
  done
  run -0 --separate-stderr cdp-filter --count -e 'props.n == 1' in
  [ -z "$stderr" ]
  run -0 --separate-stderr cdp-filter --count-by props.n in
  [ -z "$stderr" ]
}

@test "--explain shows what an expression reads and became" {
  run -0 cdp-filter --explain "event == 'transfer' && props.amount >= 10000 * 5"
  [ "$(jq -c '[.type,.reads,.fields,.events]' <<<"$output")" = \
    '["bool","record",["event","props.amount"],["transfer"]]' ]
  [ "$(jq -r '.program[]' <<<"$output")" = "$(printf '%s\n' and \
    '  member event == "transfer"' '  member props.amount >= 50000')" ]
  run -0 cdp-filter --explain "event.startsWith('buy') || time < date('2024-01-01')"
  [ "$(jq -c '[.reads,.fields,.events]' <<<"$output")" = '["head",["event","time"],null]' ]
  run -2 --separate-stderr cdp-filter --explain 'props.'
  [[ $stderr == "cdp-filter: option '--explain': 1:7: "* ]]
  run -2 cdp-filter --explain true in.ndjson
}

@test "what cannot be a condition is no condition" {
  run -2 --separate-stderr cdp-filter -e 'size(event)' "$SAMPLES/events.ndjson"
  [ "$stderr" = "cdp-filter: option '-e': 1:1: expected a condition, not int" ]
  run -2 --separate-stderr cdp-funnel --step '=time' --step a "$SAMPLES/events.ndjson"
  [ "$stderr" = "cdp-funnel: --step: 1:1: expected a condition, not timestamp" ]
  run -2 --separate-stderr cdp-portrait --where 'x:=[1]' /dev/null
  [[ $stderr == *"1:1: expected a condition, not list" ]]
}
