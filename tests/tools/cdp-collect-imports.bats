# cdp-collect --state on files: what was imported is known by its content.
bats_require_minimum_version 1.5.0
load ../helper

setup() {
  cd "$BATS_TEST_TMPDIR"
  echo '{"event":"pay","source":"core","fields":[{"column":"no","to":"ids.customer"},
    {"column":"at","to":"time"},{"column":"id","to":"event_id"}]}' >map.json
  table 1 100 >a.csv
}

# Rows FROM to TO.
table() {
  awk -v from="$1" -v to="$2" 'BEGIN { print "no,at,id"
    for (i = from; i <= to; i++) printf "C%d,2024-04-25 14:59:46,T%d\n", i % 10, i }'
}

collect() {
  cdp-collect --columns-map map.json --state st "$@"
}

stat() {
  tail -n 1 "$1" | jq ".$2"
}

@test "the same file twice adds nothing, and the run says so" {
  collect a.csv >out
  [ "$(wc -l <out)" -eq 100 ]
  run --separate-stderr collect --stats a.csv
  [ "$status" -eq 0 ]
  [ -z "$output" ]
  [[ $stderr == "cdp-collect: a.csv: imported before; --again reads it"* ]]
  printf '%s\n' "$stderr" >stats
  [ "$(stat stats known_files)" -eq 1 ]
  [ "$(stat stats files)" -eq 0 ]
  [ "$(stat stats in)" -eq 0 ]
}

@test "a file is known by what it holds, not by its name, its age or its compression" {
  collect a.csv >/dev/null
  cp a.csv b.csv
  gzip -k b.csv
  zstd -q b.csv
  touch -d 2001-01-01 b.csv
  run --separate-stderr collect b.csv b.csv.gz b.csv.zst
  [ -z "$output" ]
  [[ $stderr == *"b.csv: imported before, as 'a.csv'; --again reads it"* ]]
  [ "$(wc -l <<<"$stderr")" -eq 3 ]
}

@test "new files are read beside known ones, each once" {
  collect a.csv >/dev/null
  table 101 150 >b.csv
  cp b.csv c.csv
  collect -q --stats a.csv b.csv c.csv >out 2>stats
  [ "$(wc -l <out)" -eq 50 ]
  [ "$(stat stats files)" -eq 1 ]
  [ "$(stat stats known_files)" -eq 2 ]
}

@test "a file that changed is imported in full" {
  collect a.csv >/dev/null
  table 1 101 >a.csv
  [ "$(collect a.csv | wc -l)" -eq 101 ]
}

@test "the same file by another map or in another format is another import" {
  collect a.csv >/dev/null
  sed 's/"pay"/"fee"/' map.json >fee.json
  [ "$(cdp-collect --columns-map fee.json --state st a.csv | wc -l)" -eq 100 ]
  tr -d '\n' <map.json >same.json
  [ "$(cdp-collect -q --columns-map same.json --state st a.csv | wc -l)" -eq 0 ]
  collect -q --again a.csv >events
  [ "$(cdp-collect --state st events | wc -l)" -eq 100 ]
  [ "$(cdp-collect -q --state st events | wc -l)" -eq 0 ]
}

@test "--again reads it all the same" {
  collect a.csv >one
  collect --again a.csv >two
  same one two
}

@test "what is no file is read every time" {
  for i in 1 2; do
    [ "$(collect <a.csv | wc -l)" -eq 100 ]
    [ "$(collect <(cat a.csv) | wc -l)" -eq 100 ]
  done
}

@test "an output file stays as it is when there is nothing new" {
  collect -o out a.csv
  cp out want
  collect -q -o out a.csv
  same want out
  collect -q -o other a.csv
  [ -e other ]
  [ ! -s other ]
}

@test "an import that ended badly is made again in full" {
  run -4 collect -q a.csv none.csv
  [ "$(collect -q a.csv | wc -l)" -eq 100 ]
  sed 's/C7,2024/C7,x/' a.csv >bad.csv
  run -3 collect -q --strict bad.csv
  # Rejects are no failure: they are kept.
  run -3 collect -q --rejects rejects bad.csv
  [ "$(wc -l <rejects)" -eq 10 ]
  [ "$(collect -q bad.csv | wc -l)" -eq 0 ]
  if [ -c /dev/full ]; then
    table 201 250 >c.csv
    run -4 --separate-stderr sh -c 'cdp-collect --columns-map map.json --state st c.csv >/dev/full'
    [ "$(collect -q c.csv | wc -l)" -eq 50 ]
  fi
}

@test "an import that was killed is made again in full, and once by event id" {
  table 1 300000 >big.csv
  for delay in 0.05 0.1 0.2 0.3; do
    # timeout -s KILL would end before what it kills, which may still have the lock.
    for more in "" "-o file"; do
      # shellcheck disable=SC2086 # none or two words
      cdp-collect --columns-map map.json --state st $more big.csv >>out 3>&- &
      pid=$!
      sleep "$delay"
      kill -9 "$pid" || true
      wait "$pid" || true
    done
  done
  [ ! -e file ]
  collect big.csv >whole
  [ "$(wc -l <whole)" -eq 300000 ]
  # A line cut by the kill is the next run's, as what reads behind a pipe would see it.
  { grep '}$' out; cat whole; } | cdp-collect -q --dedup 9d | sort >got || [ $? -eq 3 ]
  sort whole >want
  cmp want got
  [ "$(collect -q big.csv | wc -l)" -eq 0 ]
}

@test "duplicates are remembered beside files" {
  collect --dedup 9d a.csv >/dev/null
  table 51 150 >b.csv
  collect --dedup 9d --stats b.csv >out 2>stats
  [ "$(wc -l <out)" -eq 50 ]
  [ "$(stat stats duplicates)" -eq 50 ]
  collect --dedup 9d -q a.csv b.csv >out
  [ ! -s out ]
  collect --dedup 9d -q --again a.csv b.csv >out
  [ ! -s out ]
}

@test "two runs do not share a state at once, and --again needs one" {
  mkfifo pipe
  collect <pipe >out &
  exec 9>pipe
  table 1 1 >&9
  timeout 10 sh -c 'until [ -s out ]; do :; done'
  run -4 --separate-stderr collect a.csv
  [[ $stderr == *"is locked by process"* ]]
  exec 9>&-
  wait
  run -2 cdp-collect --again a.csv
}
