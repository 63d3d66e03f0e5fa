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

@test "day by day the map is that of one run, byte for byte" {
  split -n l/4 "$DAY" day.
  for day in day.*; do
    sort -R --random-source="$DAY" "$day" | idmap -r --state map --map-out m >>out
  done
  wc -l <out | diff - <(wc -l <"$DAY")
  cmp "$MAP" m
  # Late days too, half of them as a stream.
  for day in day.ad day.ab; do idmap -r --state late "$day" >out; done
  for day in day.ac day.aa; do idmap --state late --map-out m "$day" >out; done
  cmp "$MAP" m
}

@test "a person keeps the one_id when ids are added" {
  echo '{"time":"2024-04-01T00:00:01.000Z","event":"e","ids":{"customer":"C1"}}' >one
  echo '{"time":"2024-04-01T00:00:02.000Z","event":"e","ids":{"customer":"C1","device":"d"}}' >two
  idmap -r --state map one | jq -r .one_id >first
  idmap -r --state map two | jq -r .one_id | diff first -
  idmap --state map two | jq -r .one_id | diff first -
}

@test "who turns out to have been seen earlier has the older name, which is told" {
  echo '{"time":"2024-04-01T00:00:02.000Z","event":"e","ids":{"customer":"C1"}}' >one
  echo '{"time":"2024-04-01T00:00:01.000Z","event":"e","ids":{"customer":"C1","device":"d"}}' >two
  idmap -r --state map one | jq -r .one_id >first
  idmap -r --state map --merges mer two | jq -r .one_id >second
  jq -r '"\(.merge) \(.from) \(.into)"' mer |
    diff - <(echo "renamed $(cat first) $(cat second)")
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

# event ID... : a record of that minute, of customer (C...), phone (1...), device (d...), login (l...).
event() {
  minute=$1
  shift
  ids=
  for id; do
    case $id in
    C*) kind=customer ;;
    1*) kind=phone ;;
    d*) kind=device ;;
    l*) kind=login ;;
    o*) kind=openid ;;
    *) kind=cookie ;;
    esac
    ids=$ids${ids:+,}'"'$kind'":"'$id'"'
  done
  printf '{"time":"2024-04-01T%02d:%02d:00.000Z",%s"ids":{%s},"source":"%s"}\n' \
    $((minute / 60)) $((minute % 60)) "${type:+\"type\":\"$type\",}" "$ids" "${source:-app}"
}

# person MAP VALUE
person() {
  jq -r --arg v "$2" 'select(.value == $v) | .one_id' "$1"
}

@test "a telephone of 10,000 customers is nobody's and joins none of them" {
  seq 10000 | sed 's/.*/{"ids":{"customer":"C&","phone":"13912345678"}}/' >in
  echo '{"ids":{"phone":"13912345678"}}' >>in
  idmap -r --map-out map --conflicts con in >out
  [ "$(jq -r 'select(.kind == "customer") | .one_id' map | sort -u | wc -l)" -eq 10000 ]
  [ "$(grep -c "$(person map +8613912345678)" map)" -eq 1 ]
  tail -n 1 out | grep -q "$(person map +8613912345678)"
  [ "$(jq -c '[.conflict, .persons]' con)" = '["degree",10000]' ]
}

@test "a branch tablet that two customers used brings no stranger's visits to either" {
  { event 1 dTab; event 2 C1 dTab; event 3 dTab kOne; event 4 C2 dTab; event 5 dTab kTwo; } >in
  idmap -r --map-out map in >out
  for value in C1 C2 dTab; do person map $value; done | sort -u | wc -l | grep -qx 3
  for cookie in kOne kTwo; do
    for other in C1 C2 dTab; do [ "$(person map $cookie)" != "$(person map $other)" ]; done
  done
}

@test "a household shares telephone and tablet and stays of several persons" {
  {
    event 1 C1 13912345678 dPad; event 2 C2 13912345678 dPad; event 3 C3 dPad
    event 4 13912345678 dPad; event 5 C1 lAnna dAnna; event 6 dAnna; event 7 C2 lBob
  } >in
  idmap -r --map-out map in >out
  for value in C1 C2 C3; do person map $value; done | sort -u | wc -l | grep -qx 3
  [ "$(person map C1)" = "$(person map dAnna)" ]
  [ "$(person map C2)" = "$(person map lBob)" ]
}

@test "two customers are never one person, by any chain of ids" {
  {
    event 1 C1 lOne 13900000001 dOne kOne; event 2 C2 lOne 13900000001; event 3 C2 dOne kTwo
    event 4 kOne kTwo; event 5 lOne dOne; event 6 C1 lTwo; event 7 C2 lTwo kOne
  } >in
  idmap -r --map-out map in >out
  idmap -r --map-out mixed <(tac in) >out
  cmp map mixed
  [ "$(person map C1)" != "$(person map C2)" ]
}

@test "a recycled telephone number goes to its new owner and leaves the old one" {
  {
    event 1 C1 13912345678; event 2 13912345678
    type=unbind event 10 C1 13912345678
    event 20 C2 13912345678; event 21 13912345678
  } >in
  idmap -r --map-out map --conflicts con in >out
  [ ! -s con ]
  [ "$(person map +8613912345678)" = "$(person map C2)" ]
  [ "$(person map C1)" != "$(person map C2)" ]
  # The click of the old owner is not the new one's.
  run -1 grep -q "$(person map C2)" <(sed -n 2p out)
  sed -n 5p out | grep -q "$(person map C2)"
  # In any order, in runs of a line each.
  while IFS= read -r line; do
    echo "$line" | idmap -r --state state --map-out m >>out2
  done < <(tac in)
  cmp map m
}

@test "an unbind equals a replay without the link, whenever it is learned" {
  {
    event 1 C1 lAnna; event 2 C1 dOne; event 3 lAnna dTwo; event 4 C2 dThree
  } >rest
  event 5 C1 lAnna kOne >link
  { cat rest; event 5 C1 kOne; event 9 C1; event 9 lAnna; } | sed 1d >without
  { event 1 C1; event 1 lAnna; } >>without
  type=unbind event 9 C1 lAnna >unbind
  idmap -r --map-out want without >out
  cat unbind rest link | idmap -r --map-out one >out
  cat rest link | idmap --state state >out
  idmap --state state --map-out two unbind >out
  idmap --state state --map-out three </dev/null
  for map in one two three; do cmp want $map; done
}

@test "an unbind of one id parts it from all" {
  { event 1 C1 dOne; event 2 lAnna dOne; type=unbind event 5 dOne; event 6 C3 dOne; } |
    idmap -r --map-out map >out
  [ "$(person map dOne)" = "$(person map C3)" ]
}

@test "an unbind with an id that cannot be used parts nothing else" {
  {
    event 1 C1 dOne
    echo '{"time":"2024-04-02T00:00:00Z","type":"unbind","ids":{"customer":"C1","phone":"12"}}'
  } | idmap -r --map-out map >out
  [ "$(person map dOne)" = "$(person map C1)" ]
}

@test "an exclusion holds as long as it is given" {
  event 1 C1 13912345678 >in
  echo '{"ids":{"phone":"139 1234 5678","customer":"C1"},"why":"ticket 7"}' >never
  idmap -r --state state --exclude never --map-out map in >out
  [ "$(person map C1)" != "$(person map +8613912345678)" ]
  idmap --state state --exclude never in | jq -r .one_id | diff - <(person map C1)
  idmap --state state --map-out map </dev/null
  [ "$(person map C1)" = "$(person map +8613912345678)" ]
  idmap --state state --exclude never --map-out map --stats </dev/null 2>stats
  [ "$(person map C1)" != "$(person map +8613912345678)" ]
  [ "$(jq .parted stats)" = 1 ]
}

@test "an exclusion of two ids of one kind is an array" {
  { event 1 lAnna lAnne; event 1 C1 lAnna; event 2 C1 lAnne; } >in
  echo '{"ids":{"login":["lAnna","lAnne"]}}' >never
  idmap -r --exclude never --map-out map in >out
  [ "$(person map lAnne)" = "$(person map C1)" ] # not linked to one another
}

@test "a bad exclusion is told with its line" {
  printf '{"ids":{"phone":"13912345678","customer":"C1"}}\n\n{"ids":{"phone":"12","customer":"C1"}}\n' >never
  run -2 --separate-stderr cdp-idmap --exclude never </dev/null
  [ "$stderr" = "cdp-idmap: never:3: ids.phone: '12' has no normal form" ]
  echo '{"ids":{"customer":"C1"}}' >never
  run -2 --separate-stderr cdp-idmap --exclude never </dev/null
  [ "$stderr" = "cdp-idmap: never:1: ids: expected two" ]
}

@test "as known at a time is the map of the records up to it" {
  awk -F'"' '$4 < "2024-04-04"' "$DAY" >until
  [ -s until ]
  [ "$(wc -l <until)" -lt "$(wc -l <"$DAY")" ]
  idmap -r --map-out want until >records
  idmap -r --state state "$DAY" >out
  cp -r state before
  idmap --state state --as-known-at 2024-04-03T23:59:59.999Z --map-out got </dev/null
  diff <(jq -c 'del(.last_seen)' want) <(jq -c 'del(.last_seen)' got)
  jq -c 'select(.last_seen > "2024-04-04")' got | (! grep .)
  idmap -r --as-known-at 2024-04-03T23:59:59.999Z "$DAY" >got
  grep -F -x -f got records | sort >both
  sort records | cmp both
  # The state is as it was.
  cmp state/data.mdb before/data.mdb
  run -2 --separate-stderr cdp-idmap --as-known-at yesterday </dev/null
  [[ $stderr == "cdp-idmap: option '--as-known-at': "* ]]
}

@test "retro gives history the persons of today, with any number of threads, and learns nothing" {
  idmap --state state "$DAY" >streamed
  run -1 cmp -s streamed "$IDENTIFIED"
  cp -r state before
  for jobs in 1 3; do
    idmap --retro --state state -j $jobs streamed | cmp "$IDENTIFIED"
    idmap --retro --state state -j $jobs --trusted "$DAY" | cmp "$IDENTIFIED"
  done
  echo '{"ids":{"device":"never seen"},"one_id":"0000000000000001"}' >strange
  idmap --retro --state state --stats strange 2>stats | cmp strange
  [ "$(jq .identified stats)" = 0 ]
  cmp state/data.mdb before/data.mdb
  run -2 --separate-stderr cdp-idmap --retro </dev/null
  [[ $stderr == "cdp-idmap: option '--retro' needs '--state'"* ]]
}

@test "a cap leaves out new values, old ones or all" {
  for i in 1 2 3; do event $i C1 1390000000$i; done >in
  for over in new old all; do
    echo '{"kinds":[{"name":"customer","unique":true},{"name":"phone","shared":true,
      "normalise":"phone","max":2,"over":"'$over'"}]}' >kinds
    idmap -r -d kinds --map-out map --conflicts con <(tac in) >out
    for i in 1 2 3; do
      [ "$(person map "+861390000000$i")" = "$(person map C1)" ] && echo "$over $i"
    done >>left
    jq -r .conflict con >>conflicts
  done || true
  diff left - <<END
new 1
new 2
old 2
old 3
END
  [ "$(sort conflicts | uniq -c | xargs)" = "5 over" ]
}

@test "a cap on a firm kind refuses the later value" {
  echo '{"kinds":[{"name":"customer","unique":true},{"name":"login","max":2}]}' >kinds
  for i in 1 2 3; do event $i C1 l$i; done | tac | idmap -r -d kinds --map-out map --conflicts con >out
  [ "$(person map l2)" = "$(person map C1)" ]
  [ "$(person map l3)" != "$(person map C1)" ]
  [ "$(jq -r .conflict con)" = wall ]
}

@test "an anonymous id of too many links joins nothing" {
  echo '{"kinds":[{"name":"device","shared":true,"degree":3},{"name":"cookie","shared":true}]}' >kinds
  for i in 1 2 3; do event $i dHub k$i; done >in
  idmap -r -d kinds --map-out map in >out
  [ "$(jq -r .one_id map | sort -u | wc -l)" -eq 1 ]
  event 4 dHub k4 >>in
  idmap -r -d kinds --map-out map --conflicts con in >out
  [ "$(jq -r .one_id map | sort -u | wc -l)" -eq 5 ]
  [ "$(jq -c '[.conflict, .persons]' con)" = '["degree",4]' ]
}

@test "a source that may not link only tells who exists" {
  echo '{"kinds":[{"name":"customer","unique":true},{"name":"device","shared":true}],
    "sources":[{"name":"old/core","link":true},{"name":"old/*","link":false}]}' >kinds
  {
    source=old/crm event 1 C1 dOne
    source=old/core event 2 C2 dTwo
    source=app event 3 C3 dThree
  } >in
  for way in -r --trusted; do
    idmap $way -d kinds --map-out map in >out
    [ "$(person map C1)" != "$(person map dOne)" ]
    [ "$(person map C2)" = "$(person map dTwo)" ]
    [ "$(person map C3)" = "$(person map dThree)" ]
    [ "$(jq -r .one_id out | tail -n 1)" = "$(person map C3)" ]
  done
}

@test "a record comes out within its moment while input stays open" {
  mkfifo to
  cdp-idmap --state map <to >out &
  exec {to}>to
  for i in 1 2 3; do
    event $i C$i d$i >&"$to"
    until [ "$(wc -l <out)" -eq $i ]; do :; done
  done
  exec {to}>&-
  wait $!
}

@test "a link that alone holds two parts of a person together is reported" {
  { event 1 C1 lAnna; event 2 C1 d1; event 3 lAnna k2; event 4 lAnna k3; } >in
  idmap -r --report rep in >out
  jq -c 'select(.of == "bridge") | [.ids, .smaller, .larger]' rep |
    diff - <(echo '[{"customer":"C1","login":"lAnna"},2,3]')
  [ "$(jq -r 'select(.bridges == 1) | .kind // .of' rep | xargs)" = "map customer login" ]
  # A second way from one part to the other, and it is none.
  event 5 d1 k3 >>in
  idmap -r --report rep in >out
  jq -c 'select(.of == "bridge")' rep | (! grep .)
}

@test "a state that was cut short is told, and nothing half is left" {
  for i in {1..500}; do event $i C$i d$i; done >in
  idmap --state map in >out
  truncate -s 8192 map/data.mdb
  run -4 --separate-stderr cdp-idmap --state map -o out2 in
  [ "$stderr" = "cdp-idmap: $PWD/map/data.mdb: it was cut short, or the disk cannot read it" ]
  [ -z "$(find . -name 'out2*' -o -name '*.tmp')" ]
}
