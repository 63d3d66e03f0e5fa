# cdp-idmap: one person for the ids of one person, whatever the order, the day, the death.
bats_require_minimum_version 1.5.0
load ../helper

# A day of a small bank, shuffled and in order, and its map.
setup_file() {
  cd "$BATS_FILE_TMPDIR"
  cdp-gen --format events --seed 5 --customers 150 --days 6 --events 6000 --late 5% --junk 2% \
    >events
  sort -R --random-source=events events >shuffled
  export KEY=$SAMPLES/ids.key DAY=$BATS_FILE_TMPDIR/events MIXED=$BATS_FILE_TMPDIR/shuffled
  cdp-idmap -r --key-file "$KEY" --map-out map events >identified
  export MAP=$BATS_FILE_TMPDIR/map IDENTIFIED=$BATS_FILE_TMPDIR/identified
}

setup() {
  cd "$BATS_TEST_TMPDIR"
}

idmap() {
  cdp-idmap --key-file "$KEY" "$@"
}

@test "the bank's map has persons of several ids and devices of several persons" {
  jq -r .one_id "$MAP" | sort | uniq -c | awk '$1 > 2 { several++ } END { exit !several }'
  idmap -r --conflicts con "$DAY" >out
  grep -q '"conflict":"contested"' con
}

@test "the map is in the order of sort" {
  sort -c "$MAP"
}

@test "the map does not depend on the order of records" {
  idmap -r --map-out map "$MIXED" >out
  cmp "$MAP" map
  sort "$IDENTIFIED" >want
  sort out | cmp want
}

@test "the map is the same when records stream" {
  idmap --map-out map "$DAY" >out
  cmp "$MAP" map
  idmap --map-out map "$MIXED" >out
  cmp "$MAP" map
}

@test "threads, pipes, compression and trust do not change a byte" {
  for jobs in 1 2 5; do
    idmap -r -j $jobs --map-out map "$DAY" | cmp "$IDENTIFIED"
    cmp "$MAP" map
    idmap -j $jobs "$DAY" >streamed.$jobs
    cmp streamed.1 streamed.$jobs
  done
  idmap -r <"$DAY" | cmp "$IDENTIFIED"
  cat "$DAY" | idmap -r -j 3 | cmp "$IDENTIFIED"
  gzip -c "$DAY" >day.gz
  idmap -r day.gz | cmp "$IDENTIFIED"
  idmap -r --trusted "$DAY" | cmp "$IDENTIFIED"
  idmap --trusted "$DAY" | cmp streamed.1
}

@test "with -r every record bears the one_id that the map gives one of its ids" {
  jq -r '[.one_id, .ids.customer // .ids.device // "-"] | @tsv' "$IDENTIFIED" |
    grep -v -e '-$' | sort -u >records
  jq -r 'select(.kind == "customer" or .kind == "device") | [.one_id, .value] | @tsv' "$MAP" |
    sort -u >rows
  jq -r 'select(.ids.customer) | [.one_id, .ids.customer] | @tsv' "$IDENTIFIED" | sort -u |
    comm -23 - rows >strange
  [ ! -s strange ]
}

@test "ids seen again change nothing" {
  idmap -r --map-out map "$DAY" "$MIXED" "$DAY" >out
  cmp "$MAP" map
}

@test "its own output is read again to the same end" {
  idmap -r "$IDENTIFIED" | cmp "$IDENTIFIED"
}

@test "day by day the persons are the same as in one run" {
  split -n l/4 "$DAY" day.
  for day in day.*; do idmap -r --state map --map-out m "$day" >>out; done
  wc -l <out | diff - <(wc -l <"$DAY")
  # The same partition: each name here is one name there.
  paste <(jq -r .one_id "$MAP") <(jq -r .one_id m) | sort -u >pairs
  [ "$(cut -f1 pairs | uniq -d)" = "" ]
  [ "$(cut -f2 pairs | sort | uniq -d)" = "" ]
  diff <(jq -c 'del(.one_id)' "$MAP") <(jq -c 'del(.one_id)' m)
}

@test "a person keeps the one_id when ids are added" {
  echo '{"time":"2024-04-01T00:00:02.000Z","event":"e","ids":{"customer":"C1"}}' >one
  echo '{"time":"2024-04-01T00:00:01.000Z","event":"e","ids":{"customer":"C1","device":"d"}}' >two
  idmap -r --state map one | jq -r .one_id >first
  idmap -r --state map two | jq -r .one_id | diff first -
  idmap --state map two | jq -r .one_id | diff first -
}

@test "of two persons that become one the older name stays and the merge is told" {
  cat >one <<'END'
{"time":"2024-04-01T00:00:02.000Z","event":"e","ids":{"customer":"C1"}}
{"time":"2024-04-01T00:00:01.000Z","event":"e","ids":{"cookie":"k"}}
END
  echo '{"time":"2024-04-02T00:00:00.000Z","event":"e","ids":{"customer":"C1","cookie":"k"}}' >two
  idmap -r --state map one | jq -r .one_id >names
  idmap -r --state map --merges mer two | jq -r .one_id | diff <(sed -n 2p names) -
  [ "$(jq -r '[.merge, .from, .into] | join(" ")' mer)" = "link $(tr '\n' ' ' <names | sed 's/ $//')" ]
  # A second time there is nothing to tell.
  idmap -r --state map --merges mer two >out
  [ ! -s mer ]
}

@test "the same run again gives the same records and the same map" {
  idmap -r --state map --map-out one "$DAY" >first
  idmap -r --state map --map-out two "$DAY" >second
  cmp first second
  cmp one two
  cmp one "$MAP"
}

@test "a directory makes its own key and keeps it" {
  cdp-idmap --state a "$DAY" | head -n 50 >one || true
  cdp-idmap --state b -r "$DAY" >other
  cdp-idmap --state b -r "$DAY" | cmp other
  run -1 cmp -s other "$IDENTIFIED"
  [ "$(stat -c %a b)" = 700 ]
}

# Streams 3000 records into the state `map`, and kills it when all have left.
killed_stream() {
  rm -f to got
  mkfifo to
  cdp-idmap --key-file "$KEY" --state map --trusted <to >got &
  pid=$!
  exec {to}>to
  head -n 3000 "$DAY" >&"$to"
  until [ "$(wc -l <got)" -ge 3000 ]; do sleep 0.05; done
  kill -9 $pid
  wait $pid || true
  exec {to}>&-
}

@test "what left before kill -9 is in the state" {
  killed_stream
  head -n 3000 "$DAY" | idmap --map-out want >streamed
  cmp streamed got
  idmap --state map --map-out map.killed </dev/null
  cmp want map.killed
}

@test "a second run over everything ends as if there had been no kill -9" {
  killed_stream
  idmap -r --state map --map-out map.again "$DAY" | cmp "$IDENTIFIED"
  cmp "$MAP" map.again
}

@test "kill -9 at any moment of a resolving run leaves a state that a second run completes" {
  for delay in 0.01 0.02 0.03 0.05 0.08; do
    timeout -s KILL $delay cdp-idmap --key-file "$KEY" -r --state map "$DAY" >out || true
  done
  idmap -r --state map --map-out map.again "$DAY" | cmp "$IDENTIFIED"
  cmp "$MAP" map.again
}

@test "a second run on the same state is refused" {
  mkfifo to
  cdp-idmap --state map <to >out &
  exec {to}>to
  sed 1q "$DAY" >&"$to"
  until [ -s out ]; do sleep 0.05; done
  run -4 --separate-stderr cdp-idmap --state map </dev/null
  [[ $stderr == "cdp-idmap: 'map/lock' is locked by process "* ]]
  exec {to}>&-
  wait $!
}

@test "a file that grows between the two readings is told" {
  seq 12000 | sed 's/.*/{"ids":{"device":"d-&"}}/' >day
  mkfifo map
  # The map does not fit into the pipe, and its first byte comes after the first reading.
  { head -c 1 >first; echo '{"ids":{"device":"late"}}' >>day; cat >rest; } <map &
  run -4 --separate-stderr cdp-idmap -r --map-out map -o out day
  [ "$stderr" = "cdp-idmap: the input changed while it was read twice" ]
  [ ! -e out ]
  wait $!
}

@test "no room to put input aside is status 4" {
  run -4 --separate-stderr env TMPDIR=/nonexistent cdp-idmap -r <"$DAY"
  [ "$stderr" = "cdp-idmap: temporary file in /nonexistent: No such file or directory" ]
  [ -z "$output" ]
}

@test "a map that cannot be written fails before anything is read" {
  run -4 --separate-stderr cdp-idmap --map-out /nonexistent/map "$DAY"
  [ -z "$output" ]
}

@test "a missing file is told once, the others are read" {
  run -4 --separate-stderr cdp-idmap -r --key-file "$KEY" none "$DAY"
  [ "$stderr" = "cdp-idmap: none: No such file or directory" ]
  diff <(echo "$output") "$IDENTIFIED"
}

@test "bad lines are set aside once though the input is read twice" {
  { head -n 2 "$DAY"; echo '{"a":'; sed -n 3p "$DAY"; } >day
  run -3 --separate-stderr cdp-idmap -r --rejects bad --stats day
  [ "$(wc -l <bad)" -eq 1 ]
  [ "$(tail -n 1 <<<"$stderr" | jq -c '[.in, .out, .rejected]')" = "[4,3,1]" ]
}

@test "a line beyond the ceiling is set aside once" {
  { head -n 2 "$DAY"; printf '{"a":"%01000d"}\n' 0; } >day
  run -3 --separate-stderr cdp-idmap -r --line-max 900 --rejects bad day
  [ "${#lines[@]}" -eq 2 ]
  [ "$(wc -l <bad)" -eq 1 ]
  [ "$(wc -c <bad.long)" -eq 1008 ]
}

@test "an id card, a telephone and a login are found in every way people write them" {
  cat >in <<'END'
{"ids":{"customer":"C1","idcard":"110105491231002"}}
{"ids":{"idcard":"11010519491231002x"}}
{"ids":{"customer":"C1","phone":"138-1234-5678"}}
{"ids":{"phone":"００８６１３８１２３４５６７８"}}
{"ids":{"customer":"C1","login":" anna"}}
{"ids":{"login":"anna"}}
{"ids":{"login":"Anna"}}
END
  idmap -r in | jq -r .one_id | uniq -c | awk '{ print $1 }' | diff <(printf '6\n1\n') -
}

@test "junk does not link" {
  for junk in null NULL undefined 0 -1 anonymous '[object Object]' 00000000-0000-0000-0000-000000000000; do
    printf '{"ids":{"customer":"C1","device":"%s"}}\n{"ids":{"customer":"C2","device":"%s"}}\n{"ids":{"device":"%s"}}\n' \
      "$junk" "$junk" "$junk"
  done | idmap -r >out
  [ "$(jq -r '.one_id // "none"' out | sort | uniq -c | awk '{ print $1 }' | xargs)" = "8 8 8" ]
  [ "$(grep -vc one_id out)" -eq 8 ]
}
