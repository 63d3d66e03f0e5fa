# A tag with a zone of its own has the value that a run in that zone gives.
bats_require_minimum_version 1.5.0
load ../helper

# Events of five weeks at any time of day, in which the clocks of New York and Cairo change.
setup_file() {
  export EVENTS=$BATS_FILE_TMPDIR/events
  awk 'BEGIN {
    srand(11)
    for (i = 0; i < 4000; i++) {
      at = 1709251200 + int(rand() * 35 * 86400)
      if (i % 5 == 0) at -= at % 3600 # on the hour
      print strftime("%FT%T.000Z", at, 1) }
  }' | sort | awk '{ printf "{\"one_id\":\"c%d\",\"time\":\"%s\",\"event\":\"%s\",\"props\":{\"x\":%d}}\n",
    NR * 7 % 31, $1, NR % 3 ? "login" : "buy", NR % 11 }' >"$EVENTS"
}

setup() {
  cd "$BATS_TEST_TMPDIR"
  cat >plain.json <<'END'
{"tags":[
 {"name":"days","value":"days()"},
 {"name":"days_1w","value":"days(event == 'buy' && within('1w'))"},
 {"name":"n3","value":"count(within('3d'))"},
 {"name":"before","value":"sum(props.x, within('9d', '4d'))"},
 {"name":"exact","value":"count(within('36h'))"},
 {"name":"all","value":"count()"},
 {"name":"first","type":"date","first":{"event":"buy"}},
 {"name":"since","type":"date","value":"first(time, event == 'buy')"},
 {"name":"ago","last":{"event":"buy","within":"8d","give":"days"}},
 {"name":"easter","value":"count(day(time) == '2024-03-31' || time < date('2024-03-10'))"},
 {"name":"month","value":"day(addMonths(last(time), -1))"},
 {"name":"place","value":"rank(civilDays(last(time, event == 'buy'), as_of))"},
 {"name":"taste","type":"map","drift":{"property":"props.x","within":"5d"}},
 {"name":"often","value":"tags.n3","buckets":[2,9]}]}
END
}

in_zone() { # ZONE: every tag in it
  jq -c --arg z "$1" '.tags |= map(. + {zone: $z})' plain.json
}

@test "all tags in a zone are those of a run in it, at midnights of either and in between" {
  for zone in America/New_York Africa/Cairo Asia/Tokyo +05:30; do
    in_zone "$zone" >zoned.json
    for as_of in 2024-03-10T16:00:00Z 2024-03-11T04:00:00Z 2024-03-12 2024-04-01T09:30:00Z; do
      cdp-tag -q -d plain.json --tz "$zone" --as-of "$as_of" "$EVENTS" >want
      at=$(head -n 1 want | jq -r .as_of)
      cdp-tag -q -d zoned.json --as-of "$at" "$EVENTS" >got
      cmp want got
    done
  done
  # And those of the run are others.
  cdp-tag -q -d plain.json --as-of "$at" "$EVENTS" >other
  [ "$(cmp -s got other; echo $?)" -eq 1 ]
}

@test "tags of several zones stand side by side, and read each other's values" {
  cat >t.json <<'END'
{"tags":[
 {"name":"here","value":"count(within('3d'))"},
 {"name":"tokyo","zone":"Asia/Tokyo","value":"count(within('3d'))"},
 {"name":"york","zone":"America/New_York","value":"count(within('3d'))"},
 {"name":"named","value":"count(within('3d', 'America/New_York'))"},
 {"name":"more","zone":"America/New_York","value":"tags.tokyo - tags.york"}]}
END
  cdp-tag -q -d t.json --as-of 2024-03-12 "$EVENTS" >got
  for zone in Asia/Tokyo America/New_York; do
    jq '{tags: [.tags[0]]}' t.json >one.json
    cdp-tag -q -d one.json --tz "$zone" --as-of 2024-03-11T16:00:00Z "$EVENTS" | jq .tags.here >"${zone#*/}"
  done
  jq .tags.tokyo got | cmp - Tokyo
  jq .tags.york got | cmp - New_York
  jq -se 'all(.tags.named == .tags.york and .tags.more == .tags.tokyo - .tags.york)' got
  jq -se 'any(.tags.tokyo != .tags.york)' got
}

@test "night by night the state gives what a pass over all history gives, in every zone" {
  for zone in America/New_York Asia/Tokyo Asia/Shanghai; do
    in_zone "$zone" | sed "s,tags\.n3,tags.n3_$zone,; s,/,,g" | jq -c --arg z "${zone/\//}" --arg zone "$zone" \
      '.tags[] | .name += "_" + $z | .zone = $zone'
  done | jq -s '{tags: .}' >t.json
  [ "$(jq '.tags | length' t.json)" -eq 42 ]
  split=1
  for day in 03-05 03-08 03-09 03-10 03-11 03-12 03-13 03-30 04-01 04-02; do
    at=2024-$day
    # What came by then, and an hour of what is to come.
    until=$(date -u -d "2024-$day 1 day ago" +%FT17:00:00)
    awk -v u="$until" 'match($0, /"time":"[^"]*/) && substr($0, RSTART + 8, 20) < u' "$EVENTS" >so_far
    tail -n +"$split" so_far >new
    split=$(($(wc -l <so_far) + 1))
    cdp-tag -q --state st -d t.json --as-of "$at" new >one
    cdp-tag -q -d t.json --as-of "$at" so_far >all
    cmp one all
  done
}

@test "followed, the last profile of each is that of a pass over all" {
  in_zone America/New_York | jq -c '.tags |= map(select(.name != "place"))' >t.json
  head -n 2500 "$EVENTS" >some
  cdp-tag -q --follow --state st -d t.json --as-of 2024-03-02 --batch all <some >out
  as_of=$(jq -r .as_of out | sort | tail -n 1)
  last() { jq -cs 'map({key: .one_id, value: del(.as_of)}) | from_entries | .[]' "$@" | sort; }
  cdp-tag -q -d t.json --as-of "$as_of" some >batch
  last batch >want
  last out | cmp - want
  [ "$(jq -r .as_of out | sort -u | wc -l)" -ge 15 ]
}

@test "the zone of the run by its name is no other one, and its aggregates are shared" {
  cdp-tag -q --state st -d plain.json --as-of 2024-03-12 "$EVENTS" >want
  in_zone Asia/Shanghai >zoned.json
  cdp-tag -q --state st -d zoned.json --as-of 2024-03-12 /dev/null | cmp - want
  run -2 --separate-stderr cdp-tag -q --state st -d <(in_zone Asia/Tokyo) --as-of 2024-03-12 /dev/null
  [[ $stderr == *"within('1w', 'Asia/Tokyo')"* || $stderr == *"days('Asia/Tokyo')"* ]]
}

@test "tags of two zones are no duplicates, and the lineage tells the zone" {
  { cat plain.json; in_zone Asia/Tokyo; } |
    jq -cs '{tags: [.[].tags[] | select(.name | IN("n3", "since", "all"))] | to_entries | map(.value + {name: "\(.value.name)\(.key)"})}' >t.json
  cdp-tag -d t.json --lint | jq -r 'select(.finding == "duplicate") | "\(.tag) \(.why)"' >out
  [ "$(cat out)" = 'all4 all1' ]
  cdp-tag -d t.json --lineage rows >rows
  [ "$(jq -r 'select(.reads == "zone") | "\(.tag) \(.name)"' rows | xargs)" = 'n33 Asia/Tokyo all4 Asia/Tokyo since5 Asia/Tokyo' ]
  cdp-tag -d t.json --lineage dot >dot
  grep -q '"zone Asia/Tokyo" \[label="Asia/Tokyo"' dot
}

@test "a zone that is none is an error where it stands" {
  echo '{"tags":[{"name":"x","zone":"Asia/Shanghia","value":"1"}]}' >bad.json
  run -2 --separate-stderr cdp-tag -d bad.json "$EVENTS"
  [ "$stderr" = "cdp-tag: bad.json: x: zone: unknown time zone 'Asia/Shanghia'" ]
  echo '{"tags":[{"name":"x","zone":8,"value":"1"}]}' >bad.json
  run -2 --separate-stderr cdp-tag -d bad.json "$EVENTS"
  [ "$stderr" = "cdp-tag: bad.json: x: zone: expected a string" ]
  for bad in "count(within('3d', 'Nowhere'))" "days('Nowhere')"; do
    printf '{"tags":[{"name":"x","value":"%s"}]}' "$bad" >bad.json
    run -2 --separate-stderr cdp-tag -d bad.json "$EVENTS"
    [[ $stderr == "cdp-tag: bad.json: x: value: 1:"*"unknown time zone 'Nowhere'" ]]
  done
}
