# Who enters and leaves with each profile that comes, by cdp-segment --follow
bats_require_minimum_version 1.5.0
load ../helper
load ../audiences

setup() {
  cd "$BATS_TEST_TMPDIR"
  three_audiences
}

# ONE_ID HOUR TAGS
profile() {
  printf '{"one_id":"%s","as_of":"2024-05-01T%s:00:00.000Z","tags":{%s}}\n' "$1" "$2" "$3"
}

changes() {
  jq -r '"\(.one_id)/\(.segment)/\(.change)"' | xargs
}

follow() {
  cdp-segment -d s.json --follow "$@"
}

# Random rules and a stream of profiles, of which some are gone again.
make_random() {
  awk 'BEGIN { srand(11)
    for (i = 0; i < 4000; i++) {
      line = ""
      for (t = 0; t < 12; t++) {
        if (rand() < 0.2) continue
        v = int(rand() * 12)
        line = line (line ? "," : "") sprintf("\"t%d\":", t) (t < 5 ? "\"v" v "\"" : v / 2)
      }
      who = sprintf("\"one_id\":\"%03d\",\"as_of\":\"2024-05-01T00:00:00.000Z\"", rand() * 150)
      if (rand() < 0.05) printf "{%s,\"deleted\":true}\n", who
      else printf "{%s,\"tags\":{%s}}\n", who, line
    } }' >stream
  awk 'function one(  t, v) { t = int(rand() * 12); v = int(rand() * 12)
      if (rand() < 0.1) return "has(tags.t" t ")"
      if (rand() < 0.1) return "segments.s" int(rand() * 20)
      if (t < 5) return rand() < 0.3 ? "tags.t" t ".endsWith(\x27" v % 10 "\x27)" : \
        "tags.t" t (rand() < 0.3 ? " != " : " == ") "\x27v" v "\x27"
      if (rand() < 0.2) return "tags.t" t " < tags.t" 5 + v % 7
      return "tags.t" t (rand() < 0.5 ? " >= " : " < ") v / 2 }
    BEGIN { srand(12); printf "{\"segments\":["
      for (i = 0; i < 300; i++) {
        rule = i < 20 ? "tags.t5 > " i / 4 : one()
        for (k = 0; i >= 20 && k < rand() * 4; k++)
          rule = rule (rand() < 0.8 ? " && " : " || ") (rand() < 0.2 ? "!(" one() ")" : one())
        printf "%s{\"name\":\"s%d\",\"when\":\"%s\"%s}\n", i ? "," : "", i, rule, \
          i % 7 == 3 ? ",\"sample\":40" : ""
      }
      print "]}" }' >s.json
  # The last profile of each.
  tac stream | awk -F'"' '!seen[$4]++ && !/deleted/' >last
}

# Who is in what after all changes; each must make sense.
final() {
  jq -r '"\(.change) \(.one_id) \(.segment)"' | awk '
    { key = $2 " " $3; now = $1 == "entered"
      if (now == is[key] + 0) print "twice: " $0
      is[key] = now }
    END { for (key in is) if (is[key]) print key }' | sort
}

@test "each profile tells who entered and left, in the order of the definitions" {
  { profile b 00 '"aum":200,"days":5'
    profile a 00 '"aum":50,"days":5'
    profile b 01 '"aum":20,"days":5'
    profile b 02 '"aum":20,"days":5'
    profile a 03 '"aum":500,"days":50'
    echo '{"one_id":"a","as_of":"2024-05-01T04:00:00.000Z","deleted":true}'
  } | follow >out
  [ "$(changes <out)" = 'b/both/entered b/rich/entered b/active/entered a/active/entered '\
'b/both/left b/rich/left a/rich/entered a/active/left a/rich/left' ]
  [ "$(sed -n 5p out)" = '{"one_id":"b","segment":"both","as_of":"2024-05-01T01:00:00.000Z","change":"left"}' ]
}

@test "a profile without a base time has that of the run" {
  [ "$(echo '{"one_id":"a","tags":{"aum":500}}' | follow --as-of 2024-05-02)" = \
    '{"one_id":"a","segment":"rich","as_of":"2024-05-01T16:00:00.000Z","change":"entered"}' ]
}

@test "a lone profile is answered while the input stays open" {
  for store in '' '--store kept'; do
    rm -f to from
    mkfifo to from
    # shellcheck disable=SC2086
    follow $store <to >from &
    exec {to}>to {from}<from
    profile a 00 '"aum":500' >&"$to"
    IFS= read -r -t 20 -u "$from" answer
    [[ $answer == *'"entered"}' ]]
    profile a 01 '"aum":5' >&"$to"
    IFS= read -r -t 20 -u "$from" answer
    [[ $answer == *'"left"}' ]]
    exec {to}>&-
    wait $!
    exec {from}<&-
  done
}

@test "an older profile than the last one is passed over" {
  { profile a 05 '"aum":500'; profile a 04 '"aum":5'; profile a 05 '"aum":6'; } >in
  follow --stats in >out 2>err
  [ "$(changes <out)" = 'a/rich/entered a/rich/left' ]
  [ "$(jq .stale err)" -eq 1 ]
  follow --store kept in | cmp out
}

@test "after any stream everybody is in what the last profiles say" {
  make_random
  cdp-segment -d s.json last 2>/dev/null | jq -r '"\(.one_id) \(.segment)"' | sort >want
  [ "$(wc -l <want)" -gt 3000 ]
  follow stream 2>/dev/null >out
  final <out | diff -u want -
  follow --store kept stream 2>/dev/null | cmp out
  split -l 1000 stream part.
  for part in part.*; do follow --store other "$part" 2>/dev/null; done | cmp out
}

@test "each rule alone holds for those whom the stream left in it" {
  make_random
  follow stream 2>/dev/null | final >found
  jq -r '.segments[] | select(.sample | not) | select(.when | contains("segments.") | not) |
    "\(.name)\t\(.when)"' s.json | awk 'NR % 8 == 0' >rules
  [ "$(wc -l <rules)" -gt 10 ]
  while IFS=$'\t' read -r name rule; do
    cdp-filter -e "$rule" last 2>/dev/null | jq -r ".one_id + \" $name\"" | sort >alone
    awk -v name="$name" '$2 == name' found | diff -u alone -
  done <rules
}

@test "--profiles is what there was: nobody enters by it" {
  { profile a 00 '"aum":500'; profile b 00 '"aum":5,"days":30'; } >start
  { profile a 01 '"aum":5'; profile b 01 '"aum":600,"days":3'; profile c 01 '"aum":600'; } >in
  want='a/rich/left b/both/entered b/rich/entered b/active/entered c/rich/entered'
  [ "$(follow --profiles start in | changes)" = "$want" ]
  [ "$(follow --profiles start --store kept in | changes)" = "$want" ]
  # What was kept is later than the start, and stays.
  [ -z "$(follow --profiles start --store kept in)" ]
  profile a 02 '"aum":500' >in
  [ "$(follow --profiles start --store kept in | changes)" = 'a/rich/entered' ]
}

@test "a feed that comes again is passed over as far as it was dealt with" {
  { profile a 00 '"aum":500'; profile a 00 '"aum":5'; } >feed
  [ "$(follow --store kept --feed day feed | changes)" = 'a/rich/entered a/rich/left' ]
  [ -z "$(follow --store kept --feed day feed)" ]
  profile a 00 '"aum":500' >>feed
  [ "$(follow --store kept --feed day feed | changes)" = 'a/rich/entered' ]
  head -n 1 feed >shorter
  { head -n 2 feed; profile b 00 '"aum":5'; profile b 00 '"aum":500'; } >other
  for again in shorter other; do
    run -2 --separate-stderr follow --store kept --feed day $again
    [ -z "$output" ]
    [ "$stderr" = "cdp-segment: --feed: of 'day' 3 lines were dealt with, and these are others" ]
  done
  [ "$(follow --store kept --feed morning other | changes)" = 'a/rich/left b/rich/entered' ]
}

@test "what cdp-tag follows is followed on, and ends as a run over all does" {
  # Day by day, so that profiles change.
  cdp-tag -d "$SAMPLES/tags.json" --follow --state tags --batch live --as-of 2024-04-05 \
    <"$SAMPLES/events.ndjson" >stream
  cdp-segment -d "$SAMPLES/segments.json" --follow stream >out
  [ "$(grep -c '"left"' out)" -gt 0 ]
  tac stream | awk -F'"' '!seen[$4]++' | cdp-segment -d "$SAMPLES/segments.json" |
    jq -r '"\(.one_id) \(.segment)"' | sort >want
  final <out | diff -u want -
}

@test "kill -9 at any moment loses no change and makes none up" {
  make_random
  follow stream 2>/dev/null >want
  for limit in 1 40 900 2100 3999; do
    rm -rf kept to
    mkfifo to
    cdp-segment -d s.json --follow --store kept --feed day <to 2>/dev/null >first &
    pid=$!
    exec {to}>to
    # In steps, so that some of it is kept.
    head -n "$limit" stream |
      awk '{ print } NR % 100 == 0 { fflush(); system("sleep 0.005") }' >&"$to"
    kill -9 $pid
    wait $pid || true
    exec {to}>&-
    follow --store kept --feed day stream 2>/dev/null >second
    # The first run told a beginning; the second goes on where that ends, or before.
    cmp -n "$(stat -c %s first)" first want
    tail -c "$(stat -c %s second)" want | cmp - second
    [ "$(($(stat -c %s first) + $(stat -c %s second)))" -ge "$(stat -c %s want)" ]
  done
}

@test "what left is kept before the input is waited for" {
  mkfifo to
  cdp-segment -d s.json --follow --store kept --feed day <to >out &
  pid=$!
  exec {to}>to
  profile a 00 '"aum":500' >&"$to"
  until [ -s out ]; do sleep 0.02; done
  # That it waited again is seen by the next answer.
  profile b 00 '"aum":500' >&"$to"
  until [ "$(wc -l <out)" -eq 2 ]; do sleep 0.02; done
  kill -9 $pid
  wait $pid || true
  exec {to}>&-
  { profile a 00 '"aum":500'; profile b 00 '"aum":500'; profile c 00 '"aum":500'; } >feed
  follow --store kept --feed day feed | changes >second
  [[ $(<second) == *'c/rich/entered' && $(<second) != a/* ]]
}

@test "a reader that leaves ends it, and what it missed comes again" {
  make_random
  follow stream 2>/dev/null >want
  follow --store kept --feed day stream 2>/dev/null | head -n 5 >few || true
  follow --store kept --feed day stream 2>/dev/null >rest
  tail -c "$(stat -c %s rest)" want | cmp - rest
  [ "$(wc -l <rest)" -ge "$(($(wc -l <want) - 5))" ]
}

@test "with -o all is kept once the output is in its place" {
  profile a 00 '"aum":500' >in
  run -3 bash -c '{ cat in; echo bad; } | cdp-segment -d s.json --follow --strict --store kept -o out'
  follow --store kept -o out in
  [ "$(changes <out)" = 'a/rich/entered' ]
  profile a 01 '"aum":5' >in
  [ "$(follow --store kept in | changes)" = 'a/rich/left' ]
}

@test "who enters a top pushes another one out, who refers to it follows" {
  cat >s.json <<'END'
{"segments":[{"name":"rest","when":"segments.rich && !segments.best"},
 {"name":"rich","when":"tags.aum > 100"},
 {"name":"best","when":"segments.rich","top":1,"by":"tags.aum"},
 {"name":"half","when":"true","percent":50,"by":"tags.aum"}]}
END
  { profile a 00 '"aum":500'; profile b 01 '"aum":500'; profile c 02 '"aum":600'
    profile c 03 '"aum":5'; profile a 04 '"x":1'
    echo '{"one_id":"b","as_of":"2024-05-01T05:00:00.000Z","deleted":true}'; } >in
  follow in | jq -r '"\(.as_of[11:13]) \(.one_id)/\(.segment)/\(.change)"' | awk '
    { at = "t" $1; line = at == was ? line " " $2 : (line ? line "\n" : "") $0; was = at }
    END { print line }' >out
  diff -u - out <<'END'
00 a/rich/entered a/best/entered a/half/entered
01 b/rest/entered b/rich/entered
02 c/rich/entered c/best/entered c/half/entered a/rest/entered a/best/left
03 c/rich/left c/best/left c/half/left a/rest/left a/best/entered b/half/entered
04 a/rich/left a/best/left a/half/left b/rest/left b/best/entered c/half/entered
05 b/rich/left b/best/left b/half/left
END
  follow --store kept in | cmp - <(follow in)
}

@test "who computes with a top, or holds events against the base time, is not followed" {
  cat >s.json <<'END'
{"segments":[{"name":"rich","when":"tags.aum > 100"},
 {"name":"best","when":"segments.rich","top":1,"by":"tags.aum"},
 {"name":"odd","when":"(segments.best ? 1 : 2) > tags.x"},
 {"name":"late","when":"tags.aum > 1 && count(time > as_of - duration('2d')) > 0"},
 {"name":"sad","when":"!segments.late || segments.rich"}]}
END
  profile a 00 '"aum":500,"x":1' >in
  run -0 --separate-stderr follow in
  [ "$(changes <<<"$output")" = 'a/rich/entered a/best/entered' ]
  by_rank="it computes with an audience that is cut by rank, or refers to one that does"
  by_as_of="it holds events against as_of, which within() would do by days, or refers to one that does"
  [ "$stderr" = "cdp-segment: audience 'odd' is not followed: $by_rank
cdp-segment: audience 'late' is not followed: $by_as_of
cdp-segment: audience 'sad' is not followed: $by_as_of" ]
  run -2 --separate-stderr follow --segment odd in
  [ "$stderr" = "cdp-segment: --follow: audience 'odd': $by_rank" ]
}

@test "--segment follows that audience alone, and --with gives others" {
  { profile a 00 '"aum":500,"days":1'; profile b 00 '"aum":500,"days":1'; } >in
  [ "$(follow --segment both in | changes)" = 'a/both/entered b/both/entered' ]
  echo '{"one_id":"b","segment":"vip"}' >vip
  echo '{"segments":[{"name":"x","when":"!segments.vip && tags.aum > 5"}]}' >s.json
  [ "$(follow --with vip in | changes)" = 'a/x/entered' ]
}

@test "who stands in a list is in its audience once there is a profile" {
  printf '%s\n' a c >list
  echo '{"segments":[{"name":"l","import":{"files":["list"]}},{"name":"x","when":"segments.l && tags.aum > 5"}]}' >s.json
  { profile a 00 '"aum":500'; profile b 00 '"aum":500'; profile a 01 '"aum":5'; } >in
  [ "$(follow in | changes)" = 'a/l/entered a/x/entered a/x/left' ]
}

@test "rules may refer to what a store has, and a version can be made meanwhile" {
  { profile a 00 '"aum":500,"days":1'; profile b 00 '"aum":5,"days":1'; } >in
  cdp-segment -d s.json --store kept --as-of 2024-04-30 in
  echo '{"segments":[{"name":"x","when":"segments.rich && tags.days < 5"}]}' >x.json
  mkfifo to
  cdp-segment -d x.json --follow --store kept <to >out &
  exec {to}>to
  cat in >&"$to"
  until [ -s out ]; do sleep 0.02; done
  cdp-segment -d s.json --store kept --as-of 2024-05-01 in
  exec {to}>&-
  wait $!
  [ "$(changes <out)" = 'a/x/entered' ]
}

@test "a second one on the same store is refused" {
  mkfifo to
  cdp-segment -d s.json --follow --store kept <to >out &
  exec {to}>to
  profile a 00 '"aum":500' >&"$to"
  until [ -s out ]; do sleep 0.02; done
  run -4 --separate-stderr follow --store kept /dev/null
  [[ $stderr == "cdp-segment: 'kept/live.lock' is locked by process "* ]]
  exec {to}>&-
  wait $!
}

@test "what is no profile is rejected, and the others are followed" {
  { echo '{"one_id":"a"}'; echo '{"one_id":"a","as_of":"soon","tags":{}}'
    profile a 00 '"aum":500'; } >in
  run -3 --separate-stderr follow in
  [ "$(changes <<<"$output")" = a/rich/entered ]
  [ "${stderr_lines[0]}" = 'cdp-segment: in:1: not a profile: no tags' ]
  [ "${stderr_lines[1]}" = 'cdp-segment: in:2: not a profile: as_of is no time' ]
}

@test "--follow goes with nothing else that is written" {
  for more in --count '--explain a' '--previous in' '--store k --changes' '--store k --keep 2' \
    '--report r' '--unmatched u'; do
    # shellcheck disable=SC2086
    run -2 --separate-stderr follow $more /dev/null
    [[ $stderr == "cdp-segment: --follow needs -d and nothing else that is written"* ]]
  done
  run -2 --separate-stderr cdp-segment -d s.json --profiles in /dev/null
  [[ $stderr == 'cdp-segment: --profiles needs --follow'* ]]
  run -2 --separate-stderr follow --feed x /dev/null
  [[ $stderr == 'cdp-segment: --feed needs --follow and --store'* ]]
}
