# nightly-tags.sh: reads a day, publishes all or nothing, makes up for nights that were missed, and
# gives the bytes of a pass over all history however often it was killed.
bats_require_minimum_version 1.5.0
load ../helper

# A small bank, what arrived day by day, and versions of five nights in a row.
setup_file() {
  export BANK=$BATS_FILE_TMPDIR/bank DAYS=$BATS_FILE_TMPDIR/days GOOD=$BATS_FILE_TMPDIR/good ENTITIES=$BATS_FILE_TMPDIR/entities
  cdp-gen --seed 4 --customers 60 --days 8 --start 2024-02-24 -o "$BANK"
  mkdir "$DAYS" "$ENTITIES"
  cp "$BANK/core/products.ndjson" "$BANK/core/entities.ndjson" "$ENTITIES"
  for f in "$BANK"/sensors/*.log "$BANK"/core/transactions-*.gz "$BANK"/core/{holdings,profiles,credit,ledger}.ndjson; do
    cdp-collect -q --max-rejects 5% --rejects /dev/null --dedup 3d "$f"
  done | jq -c 'select(.ids.customer) | {one_id: .ids.customer} + .' |
    awk -v dir="$DAYS" 'match($0, /"time":"[^"]*/) {
      day = substr($0, RSTART + 8, 10)
      if (day < "2024-02-24" || !/"event"/) day = "2024-02-24"
      print >(dir "/" day ".ndjson") }'
  gzip "$DAYS/2024-02-27.ndjson"
  jq -r 'select(.event) | .one_id' "$DAYS/2024-02-24.ndjson" | sort -u | head -n 2 |
    paste -s -d' ' | { read -r a b; echo '{"merge":"link","from":"'"$b"'","into":"'"$a"'"}'; } >"$DAYS/2024-02-28.merges"
  for base in 2024-02-26 2024-02-27 2024-02-28 2024-02-29 2024-03-01; do
    "$TOP/pipelines/nightly-tags.sh" -i "$DAYS" -w "$GOOD" -a "$base" -e "$ENTITIES"
  done
}

setup() {
  cd "$BATS_TEST_TMPDIR"
}

nightly() { # BASE ARGUMENT...
  "$TOP/pipelines/nightly-tags.sh" -i "$DAYS" -w work -e "$ENTITIES" -a "$@"
}

versions() {
  find work/versions -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort | paste -s -d' '
}

good() { # VERSION...: as those of five nights in a row
  for v; do
    diff -r -x stages.ndjson "$GOOD/versions/$v" "work/versions/$v"
  done
}

# A wrapper for TOOL: at its COUNT-th call ACTION, before the real one or after it.
sabotage() { # TOOL COUNT before|after ACTION
  mkdir -p bin
  rm -f calls
  cat >"bin/$1" <<END
#!/bin/sh
echo x >>"$PWD/calls"
n=\$(wc -l <"$PWD/calls")
[ "\$n" -ne $2 ] || [ $3 = after ] || $4
"$(command -v "$1")" "\$@"
status=\$?
[ "\$n" -ne $2 ] || [ $3 = before ] || $4
exit \$status
END
  chmod +x "bin/$1"
}

@test "a version has profiles, what changed of them, and audiences with who came and went" {
  run=$GOOD/versions/2024-03-01
  [ "$(wc -l <"$run/profiles.ndjson")" -gt 50 ]
  [ -s "$run/changed.ndjson" ]
  [ "$(wc -l <"$run/audiences.ndjson")" -gt 5 ]
  [ -s "$run/changes.ndjson" ]
  [ ! -e "$GOOD/versions/2024-02-26/changes.ndjson" ]
  [ -z "$(find "$GOOD" -name '.new*')" ]
  # A night reads a day.
  [ "$(jq 'select(.stage == "tags") | .files' "$run/stages.ndjson")" -eq 1 ]
}

@test "the profiles are those of a pass over all history, persons joined" {
  args=()
  for f in "$SAMPLES"/tags/*.json; do args+=(-d "$f"); done
  for f in "$ENTITIES"/*; do args+=(--entities "$f"); done
  from=$(jq -r .from "$DAYS/2024-02-28.merges") into=$(jq -r .into "$DAYS/2024-02-28.merges")
  for day in 24 25 26 27 28 29; do
    gzip -dcf "$DAYS/2024-02-$day".ndjson*
  done | sed "s/\"one_id\":\"$from\"/\"one_id\":\"$into\"/" |
    cdp-tag -q "${args[@]}" --calendar "$SAMPLES/calendar.json" --as-of 2024-03-01 >all
  cmp all "$GOOD/versions/2024-03-01/profiles.ndjson"
}

@test "what changed is what differs between versions" {
  strip() { sed 's/,"as_of":"[^"]*"//' "$1" | sort; }
  strip "$GOOD/versions/2024-02-28/profiles.ndjson" >before
  strip "$GOOD/versions/2024-02-29/profiles.ndjson" >after
  comm -13 before after >want
  strip "$GOOD/versions/2024-02-29/changed.ndjson" | grep -v '"deleted":true' | cmp - want
  from=$(jq -r .from "$DAYS/2024-02-28.merges")
  grep -F "{\"one_id\":\"$from\",\"as_of\":\"2024-02-28T16:00:00.000Z\",\"deleted\":true}" \
    "$GOOD/versions/2024-02-29/changed.ndjson"
}

@test "who became another person left no audience and entered none that one of both was in" {
  from=$(jq -r .from "$DAYS/2024-02-28.merges") into=$(jq -r .into "$DAYS/2024-02-28.merges")
  [ "$(jq -r --arg id "$from" 'select(.one_id == $id)' "$GOOD/versions/2024-02-29/changes.ndjson")" = '' ]
  cdp-segment --store "$GOOD/state/audiences" --as-of 2024-02-28 -o members
  jq -r --arg a "$from" --arg b "$into" 'select(.one_id == $a or .one_id == $b) | .segment' members |
    sort -u >before
  [ -s before ]
  jq -r --arg id "$into" 'select(.one_id == $id and .change == "entered") | .segment' \
    "$GOOD/versions/2024-02-29/changes.ndjson" | sort | comm -12 - before | cmp - /dev/null
}

@test "a weekly tag keeps the value of Monday, also when that night was missed" {
  mkdir tags
  echo '{"tags":[{"name":"n","value":"count()"},{"name":"week","schedule":"weekly","value":"count()"}]}' >tags/t.json
  echo '{"segments":[{"name":"some","when":"tags.week > 0"}]}' >s.json
  week() { jq -c '[.one_id, .tags.week]' "work/versions/$1/profiles.ndjson"; }
  nightly 2024-02-25 -t tags -s s.json
  nightly 2024-02-28 -t tags -s s.json # Monday is the 26th
  [ "$(versions)" = '2024-02-25 2024-02-26 2024-02-27 2024-02-28' ]
  jq -c '[.one_id, .tags.n]' work/versions/2024-02-26/profiles.ndjson >monday
  for base in 2024-02-26 2024-02-27 2024-02-28; do
    week "$base" | grep -v null | cmp - monday
  done
  jq -c '[.one_id, .tags.n]' work/versions/2024-02-28/profiles.ndjson >other
  run -1 cmp -s other monday
  [ "$(week 2024-02-25 | cmp -s - monday; echo $?)" -eq 1 ]
  rm -r work/versions/2024-02-28
  nightly 2024-02-28 -t tags -s s.json
  week 2024-02-28 | grep -v null | cmp - monday
}

@test "nights that were missed are listed and made up for, one by one" {
  nightly 2024-02-26
  nightly 2024-03-01 -l >missing
  [ "$(paste -s -d' ' missing)" = '2024-02-27 2024-02-28 2024-02-29 2024-03-01' ]
  nightly 2024-03-01
  [ "$(versions)" = '2024-02-26 2024-02-27 2024-02-28 2024-02-29 2024-03-01' ]
  good 2024-02-26 2024-02-27 2024-02-28 2024-02-29 2024-03-01
  # A night that is done already is left alone; so is one that is past.
  touch -d 2024-01-01 work/versions/2024-03-01
  nightly 2024-03-01
  nightly 2024-02-28
  [ "$(stat -c %y work/versions/2024-03-01 | cut -c1-10)" = 2024-01-01 ]
}

@test "killed before or after any tool, the same command gives the same bytes" {
  nightly 2024-02-26
  mv work first
  for tool in "cdp-tag 1" "cdp-tag 2" "cdp-segment 1" "cdp-segment 2" "cdp-segment 3" "cdp-tag 3" "cdp-segment 4"; do
    set -- $tool
    for when in before after; do
      rm -rf work bin
      cp -r first work
      sabotage "$1" "$2" "$when" 'kill -9 $PPID $$'
      PATH=$PWD/bin:$PATH run -137 nightly 2024-02-28
      rm -rf bin
      nightly 2024-02-28
      [ "$(versions)" = '2024-02-26 2024-02-27 2024-02-28' ]
      good 2024-02-27 2024-02-28
      [ -z "$(find work -name '.new*')" ]
    done
  done
}

@test "killed in any sync or rename of the state, the same command gives the same bytes" {
  [ -e "$TOP/build/$MODE/inject.so" ] || skip "needs the shim"
  nightly 2024-02-26
  mv work first
  for call in fsync rename; do
    for n in 1 2 3; do
      rm -rf work bin
      cp -r first work
      mkdir bin
      printf '#!/bin/sh\nCDP_INJECT=%s LD_PRELOAD=%s exec %s "$@"\n' "$call:$n:kill" \
        "$TOP/build/$MODE/inject.so" "$(command -v cdp-tag)" >bin/cdp-tag
      chmod +x bin/cdp-tag
      PATH=$PWD/bin:$PATH run nightly 2024-02-27
      rm -rf bin
      nightly 2024-02-27
      good 2024-02-26 2024-02-27
    done
  done
}

@test "a stage that fails publishes nothing; then it is repeated" {
  nightly 2024-02-26
  for tool in "cdp-tag 1" "cdp-tag 2" "cdp-segment 1" "cdp-segment 3"; do
    set -- $tool
    sabotage "$1" "$2" after 'exit 4'
    PATH=$PWD/bin:$PATH run -4 nightly 2024-02-27
    [ "$(versions)" = 2024-02-26 ]
    rm -rf bin
  done
  nightly 2024-02-27
  good 2024-02-27
}

@test "killed before old versions are removed, the same command removes them" {
  nightly 2024-02-26
  mkdir bin
  printf '#!/bin/sh\ncase $2 in */versions/*) kill -9 $PPID $$ ;; esac\nexec %s "$@"\n' "$(command -v mv)" >bin/mv
  chmod +x bin/mv
  PATH=$PWD/bin:$PATH run -137 nightly 2024-02-27 -k 1
  [ "$(versions)" = '2024-02-26 2024-02-27' ]
  rm -r bin
  mkdir work/.new.old # of one that was killed a little later
  nightly 2024-02-27 -k 1
  [ "$(versions)" = 2024-02-27 ]
  [ -z "$(find work -name '.new*')" ]
  good 2024-02-27
}

@test "while a stage of a run that was killed still works, another run does not begin" {
  nightly 2024-02-26
  mkdir bin
  printf '#!/bin/sh\nkill -9 $PPID\ntouch alive\nwhile [ -e alive ]; do sleep 0.1; done\n' >bin/cdp-tag
  chmod +x bin/cdp-tag
  PATH=$PWD/bin:$PATH run -137 nightly 2024-02-27 3>&-
  while [ ! -e alive ]; do sleep 0.1; done
  rm bin/cdp-tag
  run -6 nightly 2024-02-27
  rm alive
  for _ in $(seq 50); do
    nightly 2024-02-27 2>/dev/null && break
    sleep 0.1
  done
  good 2024-02-27
}

@test "input that is missing, empty or of another day is refused before anything is computed" {
  nightly 2024-02-26
  cp -r "$DAYS" days
  rm days/2024-02-27.ndjson.gz
  run -1 --separate-stderr "$TOP/pipelines/nightly-tags.sh" -i days -w work -a 2024-02-29 -e "$ENTITIES"
  [ "$stderr" = 'nightly-tags: input of 2024-02-27 is missing or empty: days/2024-02-27.ndjson' ]
  : >days/2024-02-27.ndjson
  run -1 "$TOP/pipelines/nightly-tags.sh" -i days -w work -a 2024-02-29 -e "$ENTITIES"
  cp days/2024-02-25.ndjson days/2024-02-27.ndjson
  run -1 --separate-stderr "$TOP/pipelines/nightly-tags.sh" -i days -w work -a 2024-02-29 -e "$ENTITIES"
  [ "$stderr" = 'nightly-tags: input of 2024-02-27 has nothing of that day: days/2024-02-27.ndjson' ]
  # Compressed or not, and also where it has a record of the day itself.
  gzip -c days/2024-02-25.ndjson >days/2024-02-27.ndjson.gz
  rm days/2024-02-27.ndjson
  run -1 --separate-stderr "$TOP/pipelines/nightly-tags.sh" -i days -w work -a 2024-02-29 -e "$ENTITIES"
  [ "$stderr" = 'nightly-tags: input of 2024-02-27 has nothing of that day: days/2024-02-27.ndjson.gz' ]
  gzip -dc "$DAYS/2024-02-27.ndjson.gz" >days/2024-02-27.ndjson
  rm days/2024-02-27.ndjson.gz
  (zcat "$DAYS/2024-02-27.ndjson.gz" && head -n 1 days/2024-02-28.ndjson) >both
  cp both days/2024-02-27.ndjson
  gzip -c both >days/2024-02-28.ndjson.gz
  rm days/2024-02-28.ndjson
  run -1 --separate-stderr "$TOP/pipelines/nightly-tags.sh" -i days -w work -a 2024-02-29 -e "$ENTITIES"
  [ "$stderr" = 'nightly-tags: input of 2024-02-28 is that of 2024-02-27: days/2024-02-28.ndjson.gz' ]
  [ "$(versions)" = 2024-02-26 ]
  # What was refused is not held against its day.
  cp "$DAYS/2024-02-27.ndjson.gz" "$DAYS/2024-02-28.ndjson" days
  rm days/2024-02-27.ndjson days/2024-02-28.ndjson.gz
  "$TOP/pipelines/nightly-tags.sh" -i days -w work -a 2024-02-29 -e "$ENTITIES"
  good 2024-02-27 2024-02-28 2024-02-29
}

@test "a copy of an input is known when the first one is long gone" {
  cp -r "$DAYS" days
  nights() { "$TOP/pipelines/nightly-tags.sh" -i days -w work -e "$ENTITIES" -a "$1"; }
  nights 2024-02-26
  zcat "$DAYS/2024-02-27.ndjson.gz" | head -n 1 >>days/2024-02-26.ndjson # of a clock that is fast
  nights 2024-02-27
  rm days/2024-02-27.ndjson.gz
  mv days/2024-02-26.ndjson days/2024-02-27.ndjson
  run -1 --separate-stderr nights 2024-02-28
  [ "$stderr" = 'nightly-tags: input of 2024-02-27 is that of 2024-02-26: days/2024-02-27.ndjson' ]
}

@test "only as many versions are kept as asked for" {
  nightly 2024-02-26
  nightly 2024-02-29 -k 2
  [ "$(versions)" = '2024-02-28 2024-02-29' ]
  good 2024-02-28 2024-02-29
}

@test "an audience of a tag that was removed stops the night" {
  cp -r "$SAMPLES/tags" tags
  sed -i 's/"name": "aum_tier"/"name": "aum_class"/; s/tags\.aum_tier/tags.aum_class/g' tags/*.json
  run -4 --separate-stderr nightly 2024-02-26 -t tags
  [[ $stderr == *"unknown tag 'aum_tier'"* ]]
  [ -z "$(versions)" ]
}

@test "two runs do not overlap" {
  mkdir work
  exec 8>work/lock
  flock -n 8
  run -6 --separate-stderr nightly 2024-02-26
  [ "$stderr" = 'nightly-tags: another run holds work/lock' ]
}

@test "bad use is told" {
  run -2 "$TOP/pipelines/nightly-tags.sh" -i "$DAYS"
  run -2 --separate-stderr nightly yesterday
  [ "$stderr" = "nightly-tags: 'yesterday' is no date" ]
  run -2 --separate-stderr nightly 2024-02-30
  run -2 --separate-stderr nightly 2024-02-26 -k 0
  [ "$stderr" = "nightly-tags: '0' is no number of versions" ]
}
