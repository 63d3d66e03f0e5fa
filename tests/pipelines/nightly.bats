# nightly.sh: publishes all or nothing, repeats to the same bytes, sends nothing twice.
bats_require_minimum_version 1.5.0
load ../helper

# One small bank and one good night for all tests of this file.
setup_file() {
  export RAW=$BATS_FILE_TMPDIR/raw GOOD=$BATS_FILE_TMPDIR/good
  cdp-gen --seed 5 --customers 300 --days 6 --start 2024-04-25 -o "$RAW"
  "$TOP/pipelines/nightly.sh" -i "$RAW" -w "$GOOD" -a 2024-05-01
}

setup() {
  cd "$BATS_TEST_TMPDIR"
}

nightly() {
  "$TOP/pipelines/nightly.sh" -i "$RAW" -w work -a 2024-05-01 "$@"
}

# A wrapper before the real TOOL: when it is the COUNT-th call, ACTION instead.
sabotage() { # TOOL COUNT ACTION
  mkdir -p bin
  rm -f calls
  cat >"bin/$1" <<END
#!/bin/sh
echo x >>"$PWD/calls"
[ "\$(wc -l <"$PWD/calls")" -ne $2 ] || $3
exec "$(command -v "$1")" "\$@"
END
  chmod +x "bin/$1"
}

published() {
  find work -path '*/runs/*' | wc -l
}

@test "a night publishes every result" {
  for f in map profiles members audiences funnel receipts stages; do
    [ -s "$GOOD/runs/2024-05-01/$f.ndjson" ]
  done
  [ -s "$GOOD/outbox/app_push.csv" ]
  [ -z "$(find "$GOOD" -name '.new*')" ]
}

@test "the published figures are those of the planted bank" {
  run=$GOOD/runs/2024-05-01
  customers=$(jq .persons.customers "$RAW/truth.json")
  [ "$(grep -c '"is_customer":true' "$run/profiles.ndjson")" -eq "$customers" ]
  # Every member of a strategy's audience got a message or the reason why not.
  members=$(jq -r 'select(.segment == "maturing" or .segment == "high_intent") | 1' \
    "$run/members.ndjson" | wc -l)
  [ "$(wc -l <"$run/receipts.ndjson")" -eq "$members" ]
}

@test "in each stage of collecting, what came in went out, was a duplicate or set aside" {
  jq 'select(.stage | startswith("collect")) |
    .in == .out + .rejected + (.duplicates // 0)' "$GOOD/runs/2024-05-01/stages.ndjson" >checks
  [ "$(sort -u checks)" = true ]
  [ "$(wc -l <checks)" -eq 8 ]
}

@test "each source is scored, with what was rejected and sent twice on the day" {
  run=$GOOD/runs/2024-05-01
  jq -r 'select(.result == "quality_source") | [.source, .rejected] | @tsv' "$run/quality.ndjson" >scores
  for source in app ios web core; do
    printf '%s\t%d\n' "$source" "$(grep -c '"at":"[^"]*2024-04-30' "$run/rejects/$source.ndjson" || true)"
  done >want
  same want scores
  jq -se 'map(select(.result == "quality_source")) | map(.events) | min > 0' "$run/quality.ndjson"
  jq -se 'map(select(.result == "quality_source") | .duplicates) | add > 0' "$run/quality.ndjson"
}

@test "running it again gives the same bytes and sends nothing" {
  nightly
  cp -rL work/runs/2024-05-01 first
  cp -r work/outbox sent
  for jobs in 1 3; do
    nightly -f -j "$jobs"
    diff -r sent work/outbox
    diff -r -x stages.ndjson -x identity.ndjson first work/runs/2024-05-01
  done
}

@test "a base time that was published is left alone without -f" {
  nightly
  run -0 --separate-stderr nightly
  [ "$stderr" = 'nightly: 2024-05-01 has been published; -f runs it again' ]
}

@test "each stage that fails stops the run and publishes nothing; then it can be repeated" {
  # tool and the number of its call: collect is called eight times, segment twice ...
  for stage in "cdp-collect 1" "cdp-collect 8" "cdp-quality 2" "cdp-idmap 1" "cdp-tag 1" "cdp-segment 1" \
    "cdp-segment 2" "cdp-funnel 1" "cdp-journey 2" "cdp-push 1"; do
    set -- $stage
    for action in 'exit 2' 'exit 3' 'exit 4' 'kill -9 $$'; do
      sabotage "$1" "$2" "$action"
      PATH=$PWD/bin:$PATH run -4 nightly
      [ "$(published)" -eq 0 ] || { echo "$stage, $action: published"; false; }
      rm -rf bin
    done
  done
  nightly
  [ -s work/runs/2024-05-01/receipts.ndjson ]
}

@test "a run that is killed leaves nothing half, and the next one does it all" {
  for stage in "cdp-collect 3" "cdp-idmap 1" "cdp-push 1"; do
    set -- $stage
    sabotage "$1" "$2" 'kill -9 $PPID $$'
    PATH=$PWD/bin:$PATH run -137 nightly
    [ "$(published)" -eq 0 ]
    rm -rf bin
  done
  nightly
  [ -z "$(find work -name '.new*')" ]
  cut -d, -f1 work/outbox/app_push.csv >ids
  [ -z "$(sort ids | uniq -d)" ]
  accepted=$(grep -c '"event":"message_accepted"' work/runs/2024-05-01/receipts.ndjson)
  [ "$(wc -l <ids)" -eq "$((accepted + 1))" ] # and the header
}

@test "merges that a failed run told of are in the next one" {
  sabotage cdp-tag 1 'exit 4'
  PATH=$PWD/bin:$PATH run -4 nightly
  rm -rf bin
  nightly
  [ "$(wc -l <work/runs/2024-05-01/merges.ndjson)" -eq "$(wc -l <"$GOOD/runs/2024-05-01/merges.ndjson")" ]
  [ -s work/runs/2024-05-01/merges.ndjson ]
}

@test "input that is missing, empty or of the day before is refused" {
  run -1 --separate-stderr "$TOP/pipelines/nightly.sh" -i "$RAW" -w work -a 2024-05-02
  [[ $stderr == *"nightly: input of 2024-05-01 is missing or empty: $RAW/sensors/2024-05-01.log" ]]
  cp -r "$RAW" raw
  : >raw/core/profiles.ndjson
  run -1 "$TOP/pipelines/nightly.sh" -i raw -w work -a 2024-05-01
  [ "$(published)" -eq 0 ]
}

@test "what is computed from missing input, and whose it is, is told until the night is done" {
  cp -r "$RAW" raw
  mv raw/core/holdings.ndjson .
  run -1 --separate-stderr "$TOP/pipelines/nightly.sh" -i raw -w work -a 2024-05-01
  [ "$(jq -r 'select(.kind == "segment").name' work/late.ndjson)" = maturing ]
  [ "$(jq -r 'select(.name == "maturing_7d").owner' work/late.ndjson)" = 财富管理部 ]
  [ "$stderr" = "nightly: $(wc -l <work/late.ndjson) tags and audiences are late: work/late.ndjson
nightly: input of 2024-04-30 is missing or empty: raw/core/holdings.ndjson" ]
  mv holdings.ndjson raw/core
  "$TOP/pipelines/nightly.sh" -i raw -w work -a 2024-05-01
  [ ! -e work/late.ndjson ]
}

@test "a source with more bad records than the share allows stops the run" {
  cp -r "$RAW" raw
  yes '{"broken' | head -n 2000 >>raw/sensors/2024-04-30.log
  run -4 --separate-stderr "$TOP/pipelines/nightly.sh" -i raw -w work -a 2024-05-01
  [[ $stderr == *'nightly: collect app rejected more than it may' ]]
  [ "$(published)" -eq 0 ]
  "$TOP/pipelines/nightly.sh" -i raw -w work -a 2024-05-01 -s 60
  [ "$(wc -l <work/runs/2024-05-01/rejects/app.ndjson)" -ge 2000 ]
}

@test "two runs do not overlap" {
  mkdir work
  exec 8>work/lock
  flock -n 8
  run -6 --separate-stderr nightly
  [ "$stderr" = 'nightly: another run holds work/lock' ]
}

@test "bad use is told" {
  run -2 "$TOP/pipelines/nightly.sh" -i "$RAW"
  run -2 --separate-stderr "$TOP/pipelines/nightly.sh" -i "$RAW" -w work -a yesterday
  [ "$stderr" = "nightly: 'yesterday' is no date" ]
}
