# Tags with a schedule keep the value of the last due base time.
bats_require_minimum_version 1.5.0
load ../helper

# Events of 26 days in files by day; customers come in the course of them.
setup_file() {
  export DAYS=$BATS_FILE_TMPDIR/days
  mkdir "$DAYS"
  awk -v dir="$DAYS" 'BEGIN {
    srand(5)
    for (day = 0; day < 26; day++)
      for (i = 0; i < 60; i++) {
        at = 1711900800 + day * 86400 + int(rand() * 86400) # 2024-04-01 in Shanghai
        file = dir "/" strftime("%F", at + 8 * 3600, 1)
        printf "{\"one_id\":\"c%02d\",\"time\":\"%s\",\"event\":\"%s\",\"props\":{\"x\":%d.50}}\n",
          int(rand() * (10 + day)), strftime("%FT%T.000Z", at, 1), rand() < 0.5 ? "a" : "b", rand() * 9 >file
      } }'
  cat >"$BATS_FILE_TMPDIR/t.json" <<'END_TAGS'
{"tags":[
 {"name":"n","value":"count()"},
 {"name":"week","schedule":"weekly","value":"count(within('7d'))"},
 {"name":"sum","schedule":{"weekly":["wednesday","sunday"]},"type":"decimal","value":"sum(props.x)"},
 {"name":"last","schedule":{"monthly":[10,"last"]},"type":"datetime","value":"last(time, event == 'a')"},
 {"name":"place","schedule":{"dates":["2024-04-09"]},"value":"rank(tags.n)","else":-1},
 {"name":"taste","schedule":"weekly","type":"map","drift":{"property":"props.x","within":"3d"}},
 {"name":"late","schedule":"weekly","zone":"America/New_York","value":"days()"},
 {"name":"twice","value":"tags.week * 2"}]}
END_TAGS
  export TAGS=$BATS_FILE_TMPDIR/t.json
}

setup() {
  cd "$BATS_TEST_TMPDIR"
  carry=()
}

before() { # DATE: the day before, and files up to it
  date -u -d "$1 1 day ago" +%F
}

so_far() { # BASE-TIME
  for f in "$DAYS"/*; do
    [[ ${f##*/} > $(before "$1") ]] || echo "$f"
  done
}

value() { # TAG BASE-TIME: of each customer by a run at this time alone
  # shellcheck disable=SC2046
  cdp-tag -q -d "$TAGS" --as-of "$2" -o once $(so_far "$2")
  jq -c --arg t "$1" '[.one_id, .tags[$t]]' once
}

night() { # BASE-TIME ARGUMENT...: one version after the other
  cdp-tag -q -d "$TAGS" --as-of "$1" "${carry[@]}" -o "v$1" "${@:2}"
  carry=(--carry "v$1")
}

# Each tag in version $1 is that of a run at the base time $3; who came later has none.
was() { # BASE-TIME TAG DUE
  jq -c --arg t "$2" 'select(.tags[$t] != null and .tags[$t] != -1) | [.one_id, .tags[$t]]' "v$1" >got
  value "$2" "$3" | jq -c 'select(.[1] != null and .[1] != -1)' | cmp - got
  [ -s got ]
  [ "$(jq -r --arg t "$2" '.computed[$t]' "v$1" | sort -u)" = "$(before "$3")T16:00:00.000Z" ]
}

@test "through three weeks of nights a tag has the value of a run at the time it was due" {
  day=2024-04-05
  while [[ $day < 2024-04-27 ]]; do
    # shellcheck disable=SC2046
    night "$day" $(so_far "$day")
    day=$(date -u -d "$day 1 day" +%F)
  done
  for day in 15 16 17 18 19 20 21; do
    was "2024-04-$day" week 2024-04-15
    was "2024-04-$day" taste 2024-04-15
    was "2024-04-$day" n "2024-04-$day" || [ $? -eq 1 ] # it has no schedule
    jq -se 'all(.tags.twice == (if .tags.week then .tags.week * 2 else null end))' "v2024-04-$day"
    was "2024-04-$day" last 2024-04-10
    was "2024-04-$day" place 2024-04-09
  done
  was 2024-04-14 week 2024-04-08
  was 2024-04-22 week 2024-04-22
  was 2024-04-16 sum 2024-04-14
  was 2024-04-17 sum 2024-04-17
  was 2024-04-20 sum 2024-04-17
  # The first one had nothing to carry.
  was 2024-04-07 week 2024-04-05
  was 2024-04-09 last 2024-04-05
  # Monday there begins twelve hours later: it has, as of the next night here.
  was 2024-04-15 late 2024-04-09
  was 2024-04-16 late 2024-04-16
  # Who came after a tag was computed has its `else`.
  [ "$(jq -c 'select(.tags.place == -1) | .one_id' v2024-04-20 | wc -l)" -ge 3 ]
}

@test "with a state the versions are the same bytes, and back-filled as well" {
  for day in 05 06 07 08 09 10 11; do
    # shellcheck disable=SC2046
    night "2024-04-$day" $(so_far "2024-04-$day")
    cp "v2024-04-$day" "all$day"
  done
  carry=()
  # shellcheck disable=SC2046
  night 2024-04-05 --state st $(so_far 2024-04-05)
  for day in 06 07 08 09 10 11; do
    night "2024-04-$day" --state st "$DAYS/$(before "2024-04-$day")"
  done
  for day in 05 06 07 08 09 10 11; do cmp "all$day" "v2024-04-$day"; done
  # All at first, then night by night without input.
  for state in '' '--state st2'; do
    carry=()
    for day in 05 06 07 08 09 10 11; do
      files=$(so_far 2024-04-11)
      [ -z "$state" ] || [ "$day" = 05 ] || files=/dev/null
      # shellcheck disable=SC2086
      night "2024-04-$day" $state $files
      [ -n "$state" ] || cp "v2024-04-$day" "all$day"
    done
  done
  for day in 05 06 07 08 09 10 11; do cmp "all$day" "v2024-04-$day"; done
}

@test "a due time that was missed is made up for, and a tag that is new is computed" {
  # shellcheck disable=SC2046
  night 2024-04-06 $(so_far 2024-04-06)
  cp v2024-04-06 first
  # shellcheck disable=SC2046
  night 2024-04-10 $(so_far 2024-04-10)
  was 2024-04-10 week 2024-04-10
  jq '.tags += [{name: "new", schedule: "weekly", value: "count()"}]' "$TAGS" >more.json
  TAGS=more.json
  # shellcheck disable=SC2046
  night 2024-04-11 $(so_far 2024-04-11)
  was 2024-04-11 new 2024-04-11
  was 2024-04-11 week 2024-04-10
  # shellcheck disable=SC2046
  night 2024-04-12 $(so_far 2024-04-12)
  was 2024-04-12 new 2024-04-11
}

@test "what is manual is computed when it is asked for" {
  echo '{"tags":[{"name":"m","schedule":"manual","value":"count()"},{"name":"o","schedule":"manual","value":"count()"}]}' >m.json
  TAGS=m.json
  for day in 05 09; do
    # shellcheck disable=SC2046
    night "2024-04-$day" $(so_far "2024-04-$day")
  done
  # shellcheck disable=SC2046
  night 2024-04-11 --due m $(so_far 2024-04-11)
  was 2024-04-11 m 2024-04-11
  was 2024-04-11 o 2024-04-05
  run -2 --separate-stderr cdp-tag -d m.json --carry v2024-04-11 --due mm --as-of 2024-04-12 "$DAYS"/*
  [[ $stderr == "cdp-tag: --due: unknown tag 'mm'"* ]]
}

@test "a program is not started and a file not read for a tag that is not due" {
  cat >p.json <<'END_TAGS'
{"tags":[{"name":"n","value":"count()"},
 {"name":"i","schedule":"weekly","import":"i.ndjson","model":{"name":"m","version":"1"}},
 {"name":"p","schedule":"weekly","program":{"run":["./p"],"inputs":{"n":"tags.n"}}}]}
END_TAGS
  printf '#!/bin/sh\njq -c "{one_id, value: .n}"\n' >p
  chmod +x p
  echo '{"one_id":"a","value":[1.50,"x"]}' >i.ndjson
  event() { echo '{"one_id":"'"$2"'","time":"2024-04-0'"$1"'T01:00:00.000Z","event":"x"}'; }
  { event 4 a; event 4 b; } >one
  { event 5 b; event 5 c; } >two
  TAGS=p.json
  then=2024-04-04T16:00:00.000Z
  cat >want <<END_PROFILES
{"one_id":"a","as_of":"2024-04-05T16:00:00.000Z","computed":{"i":"$then","p":"$then"},"tags":{"n":1,"i":[1.50,"x"],"p":1},"models":{"i":{"name":"m","version":"1"}}}
{"one_id":"b","as_of":"2024-04-05T16:00:00.000Z","computed":{"i":"$then","p":"$then"},"tags":{"n":2,"p":1}}
{"one_id":"c","as_of":"2024-04-05T16:00:00.000Z","computed":{"i":"$then","p":"$then"},"tags":{"n":1}}
END_PROFILES
  for state in '' '--state st'; do
    carry=()
    # shellcheck disable=SC2086
    night 2024-04-05 $state one
    mv p p.off
    mv i.ndjson i.off
    sed -i 's/"version":"1"/"version":"2"/' p.json
    files='one two'
    [ -z "$state" ] || files=two
    # shellcheck disable=SC2086
    night 2024-04-06 $state $files
    cmp want v2024-04-06
    mv p.off p
    mv i.off i.ndjson
    sed -i 's/"version":"2"/"version":"1"/' p.json
  done
}

@test "that a tag was computed again is no change" {
  echo '{"tags":[{"name":"n","value":"count(event == '"'nothing'"')"},{"name":"m","schedule":"weekly","value":"count(event == '"'nothing'"')"}]}' >m.json
  TAGS=m.json
  night 2024-04-07 --state st --changed "$DAYS/2024-04-05"
  mv v2024-04-07 full
  cdp-tag -q -d m.json --as-of 2024-04-07 "$DAYS/2024-04-05" >v
  cmp full v
  cdp-tag -q -d m.json --state st --changed --carry v --as-of 2024-04-08 /dev/null >changed
  [ ! -s changed ]
}

@test "who became another person keeps the values that this one has not" {
  printf '%s\n' '{"one_id":"a","time":"2024-04-01T00:00:00.000Z","event":"x"}' \
    '{"one_id":"b","time":"2024-04-01T00:00:00.000Z","event":"y"}' '{"one_id":"b","time":"2024-04-01T01:00:00.000Z","event":"y"}' >one
  echo '{"tags":[{"name":"x","schedule":"weekly","nullif":0,"value":"count(event == '"'x'"')"},{"name":"y","schedule":"weekly","nullif":0,"value":"count(event == '"'y'"')"},{"name":"all","schedule":"weekly","value":"count()"}]}' >m.json
  printf '%s\n' '{"merge":"link","from":"b","into":"a"}' '{"merge":"renamed","from":"a","into":"new"}' >log
  cdp-tag -q -d m.json --state st --as-of 2024-04-02 one >v
  echo '{"one_id":"new","time":"2024-04-02T00:00:00.000Z","event":"x"}' >two
  cdp-tag -q -d m.json --state st --merges log --carry v --as-of 2024-04-03 two >w
  [ "$(jq -c '[.one_id, .tags.x, .tags.y]' w)" = '["new",1,2]' ]
  # Also nights after it was told.
  cdp-tag -q -d m.json --state st --carry v --as-of 2024-04-04 /dev/null | jq -c '[.one_id, .tags.x, .tags.y]' >x
  [ "$(cat x)" = '["new",1,2]' ]
}

@test "tags of other entities are carried by the name of their key" {
  echo '{"tags":[{"name":"n","entity":"product","schedule":"weekly","value":"count()"}]}' >m.json
  event() { echo '{"one_id":"a","time":"2024-04-0'"$1"'T00:00:00.000Z","event":"x","props":{"product":"'"$2"'"}}'; }
  event 1 F1 >one
  cdp-tag -q -d m.json --entity product --as-of 2024-04-03 one >v
  event 3 F1 >>one
  cdp-tag -q -d m.json --entity product --carry v --as-of 2024-04-05 one >w
  [ "$(jq -c '[.product, .tags.n]' w)" = '["F1",1]' ]
  sed s/product/one_id/ v >bad
  run -2 --separate-stderr cdp-tag -q -d m.json --entity product --carry bad --as-of 2024-04-05 one
  [[ $stderr == *":1: there is no 'product'" ]]
}

@test "a file that is no version before this one is refused" {
  night 2024-04-05 "$DAYS/2024-04-04"
  fails() { # MESSAGE FILE [BASE-TIME]
    run -2 --separate-stderr cdp-tag -q -d "$TAGS" --carry "$2" --as-of "${3-2024-04-06}" "$DAYS/2024-04-04"
    [[ $stderr == "cdp-tag: --carry: $1"* ]] || { echo "$stderr"; false; }
  }
  fails 'v2024-04-05: is as of 2024-04-04T16:00:00.000Z, which is not before the base time' v2024-04-05 2024-04-05
  fails "$DAYS/2024-04-04:1: not a profile: no as_of, or no tags" "$DAYS/2024-04-04"
  { cat v2024-04-05; sed s/04-04T16/04-03T16/ v2024-04-05; } >both
  fails "both:$(($(wc -l <v2024-04-05) + 1)): its as_of is not that of the first profile" both
  { cat v2024-04-05; echo '{"x'; } >torn
  fails "torn:$(($(wc -l <v2024-04-05) + 1)): unterminated string" torn
  run -4 --separate-stderr cdp-tag -q -d "$TAGS" --carry missing --as-of 2024-04-06 "$DAYS/2024-04-04"
  # One without profiles knows no tag.
  cdp-tag -q -d "$TAGS" --carry /dev/null --as-of 2024-04-05 "$DAYS/2024-04-04" | cmp - v2024-04-05
  run -2 --separate-stderr cdp-tag -q -d "$TAGS" --carry <(cat v2024-04-05) --as-of 2024-04-06 "$DAYS/2024-04-04"
  [[ $stderr == *": is read twice, so it must be a file" ]]
  # Packed, and in another order, it is the same.
  tac v2024-04-05 | zstd -q >packed
  cdp-tag -q -d "$TAGS" --carry packed --as-of 2024-04-06 "$DAYS/2024-04-04" >got
  cdp-tag -q -d "$TAGS" --carry v2024-04-05 --as-of 2024-04-06 "$DAYS/2024-04-04" | cmp - got
}

@test "what does not go together says so" {
  for other in '--lint' '--cost' '--lineage rows' '--state st --follow'; do
    # shellcheck disable=SC2086
    run -2 --separate-stderr cdp-tag -d "$TAGS" --carry x $other
    [[ ${stderr_lines[0]} == "cdp-tag: options '--carry' and '--"*" exclude each other" ]]
  done
  run -2 --separate-stderr cdp-tag -d "$TAGS" --due week
  [[ ${stderr_lines[0]} == *"option '--due' requires '--carry'" ]]
}

@test "the lineage tells schedules, lint what is older than its reader" {
  cdp-tag -d "$TAGS" --lineage rows >rows
  [ "$(jq -r 'select(.reads == "schedule") | "\(.tag): \(.name)"' rows | paste -s -d';')" = \
    'week: weekly monday;sum: weekly wednesday, sunday;last: monthly 10, last;place: dates 2024-04-09;taste: weekly monday;late: weekly monday' ]
  cdp-tag -d "$TAGS" --lint | jq -c 'select(.finding == "older") | [.tag, .why]' >out
  [ "$(cat out)" = '["twice","week"]' ]
  echo '{"tags":[{"name":"a","schedule":"weekly","value":"count()"},{"name":"b","value":"count()"},{"name":"c","schedule":"weekly","value":"tags.a"}]}' >m.json
  [ "$(cdp-tag -d m.json --lint)" = '' ]
}

@test "a schedule that is none is an error where it stands" {
  echo '{"tags":[{"name":"x","schedule":{"weekly":"munday"},"value":"1"}]}' >bad.json
  run -2 --separate-stderr cdp-tag -d bad.json /dev/null
  [ "$stderr" = "cdp-tag: bad.json: x: schedule.weekly: 'munday' is none; did you mean 'monday'?" ]
  # What a tag that is not due asks for is checked as ever.
  echo '{"tags":[{"name":"x","schedule":"manual","value":"count()"}]}' >m.json
  cdp-tag -q -d m.json --as-of 2024-04-05 "$DAYS/2024-04-04" >v
  echo '{"tags":[{"name":"x","schedule":"manual","value":"count(evnt == 1)"}]}' >bad.json
  run -2 --separate-stderr cdp-tag -d bad.json --carry v --as-of 2024-04-06 "$DAYS/2024-04-04"
  [ "$stderr" = "cdp-tag: bad.json: x: value: 1:7: unknown name 'evnt'; did you mean 'event'?" ]
}

# The last profile of each customer up to a base time, but for when it was computed.
lately() { # BASE-TIME
  jq -c --arg b "$(before "$1")T16:00:00.000Z" 'select(.as_of <= $b)' |
    awk -F'"' '{ line[$4] = $0 } END { for (key in line) print line[key] }' | grep -v '"deleted"' |
    jq -c 'del(.as_of, .computed)' | sort
}

@test "followed, a tag has the value of a night at which it was due, from the day after it on" {
  day=2024-04-02
  while [[ $day < 2024-04-27 ]]; do
    # shellcheck disable=SC2046
    night "$day" $(so_far "$day")
    day=$(date -u -d "$day 1 day" +%F)
  done
  cat "$DAYS"/* >all
  run -0 --separate-stderr cdp-tag --follow --state st -d "$TAGS" --as-of 2024-04-02 --batch x -o >(cat >out) <all
  [[ $stderr == *"not live, but as of when they were due last: 'week', 'sum', 'last', 'place', 'taste', 'late'" ]]
  wait
  for day in 04 05 06 11 12 13 18 19 20 25 26; do # none of them is due
    lately "2024-04-$day" <out >got
    jq -c 'del(.as_of, .computed)' "v2024-04-$day" | sort | diff -u - got
  done
  # On Sunday it is that of the Monday before, however much happens: it is due when that day ends.
  [ "$(jq -r 'select(.as_of == "2024-04-14T16:00:00.000Z") | .computed.week' out | sort -u)" = 2024-04-07T16:00:00.000Z ]
  [ "$(jq -r 'select(.as_of == "2024-04-15T16:00:00.000Z") | .computed.week' out | sort -u)" = 2024-04-14T16:00:00.000Z ]
}

@test "followed in pieces, and killed at any moment, it has the same values" {
  cat "$DAYS"/2024-04-0[1-9] "$DAYS"/2024-04-1[0-2] >all
  follow=(cdp-tag -q --follow -d "$TAGS" --as-of 2024-04-02 --batch x)
  "${follow[@]}" --state st <all | lately 2024-05-01 >want
  for kill in 150 300 301 430 555; do
    rm -rf st2 to out
    mkfifo to
    head -n 120 all | "${follow[@]}" --state st2 >out
    "${follow[@]}" --state st2 <to >>out &
    pid=$!
    exec {to}>to
    head -n "$kill" all | awk '{ print } NR % 15 == 0 { fflush(); system("sleep 0.01") }' >&"$to"
    kill -9 $pid
    wait $pid || true
    exec {to}>&-
    # What is written in part is written again.
    grep '}$' out >whole
    "${follow[@]}" --state st2 <all >>whole
    lately 2024-05-01 <whole | diff -u want -
  done
  printf x | dd of=st2/scheduled bs=1 seek=100 conv=notrunc status=none
  run -4 --separate-stderr "${follow[@]}" --state st2 <all
  [ "$stderr" = "cdp-tag: 'st2/scheduled' is damaged" ]
}

@test "followed, what was missed is made up for as of when it was due" {
  echo '{"tags":[{"name":"n","value":"count()"},{"name":"w","schedule":"weekly","value":"count()"},{"name":"m","schedule":"manual","value":"count()"}]}' >m.json
  event() { echo '{"one_id":"'"$2"'","time":"2024-04-'"$1"'T01:00:00.000Z","event":"x"}'; }
  follow() { cdp-tag -q --follow -d m.json --state st --tz UTC --as-of 2024-04-06 --batch "$@" | jq -c '[.as_of[8:10], .one_id, .tags[]]' | xargs; }
  # Friday and Saturday; nobody follows until Tuesday, the ninth.
  [ "$({ event 05 a; event 06 a; } | follow 1)" = '[06,a,1,1,1] [07,a,2,1,1]' ]
  # A day is missing: what was due on Monday has what came before.
  [ "$({ event 09 a; event 09 b; } | follow 2)" = '[10,a,2,2,1] [10,a,3,2,1] [10,b,1]' ]
  [ "$(event 16 a | follow 3)" = '[17,a,3,3,1] [17,b,1,1] [17,a,4,3,1]' ]
  rm st/scheduled
  [ "$({ event 16 a; event 17 a; event 18 b; } | follow 4)" = '[17,a,4,4,4] [17,b,1,1,1] [17,a,5,5,5] [18,a,6,5,5] [19,b,2,1,1]' ]
}

@test "followed, who became another person gives this one what it has not" {
  echo '{"tags":[{"name":"n","value":"count()"},{"name":"w","schedule":"weekly","value":"count()"}]}' >m.json
  event() { echo '{"one_id":"'"$2"'","time":"2024-04-'"$1"'T01:00:00.000Z","event":"x"}'; }
  follow() { cdp-tag -q --follow -d m.json --state st --tz UTC --as-of 2024-04-02 --merges merges --batch "$@" | jq -c '[.one_id, .deleted, .tags[]?]' | xargs; }
  touch merges
  # Both have a value, then one came later.
  { event 01 a; event 01 a; event 01 b; event 02 c; event 02 a; } | follow 1 >/dev/null
  { echo '{"merge":"link","from":"a","into":"c"}'; echo '{"merge":"link","from":"b","into":"a"}'; } >merges
  follow 2 </dev/null >out
  [ "$(grep -o '\[c,[^]]*\]' out | tail -n 1)" = '[c,null,5,2]' ]
  # So it is to the next process.
  [ "$(event 02 c | follow 3)" = '[c,null,6,2]' ]
}
