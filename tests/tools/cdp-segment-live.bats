# cdp-segment --follow where rules ask for events, updates, details and relations, held
# against runs that read all at once
bats_require_minimum_version 1.5.0
load ../helper

setup() {
  cd "$BATS_TEST_TMPDIR"
  export TZ=UTC
}

changes() {
  jq -r '"\(.one_id)/\(.segment)/\(.change)"' | xargs
}

follow() {
  cdp-segment -d s.json --follow --tz UTC "$@"
}

# Rules over everything, by seed; with CUTS some are cut by rank.
make_rules() {
  awk -v seed="$1" -v cuts="$2" 'BEGIN { srand(seed); srand(seed * 7919 + int(rand() * 1000))
    n = split("count(event == @a@) > 0;count(event == @b@ && within(@3d@)) > 1;" \
      "count(event == @a@ && within(@36h@)) == 0;sum(props.n, event == @b@) > 12;" \
      "last(props.n, event == @a@) >= 5;first(props.n) < 5;days(event == @c@ && within(@7d@)) >= 2;" \
      "sequence([@a@, @b@], @2d@);sequence([@b@, props.n > 5]);" \
      "last(time, event == @c@) < as_of - duration(@2d@);distinct(props.n) > 3;" \
      "count(within(@5d@, @2d@)) > 1;profile.city == @SH@;profile.score > 3;" \
      "profile.city == @SH@ || profile.score > 1;@x@ in profile.likes;" \
      "details.h.exists(x, x.n > 6);details.h.exists(x, x.p == @P1@);" \
      "details.h.exists(x, x.n > 2 && @P2@ == x.p);details.h.size() > 1;@E1@ in relations.owns;" \
      "links.owns.exists(l, l.n > 4);tags.t == @v1@;tags.n > 4;has(tags.t);" \
      "tags.n > count(event == @a@);tags.n + sum(props.n, event == @c@) > 9;" \
      "(segments.s0 ? count(event == @b@) : tags.n) > 2;segments.s1;segments.s2;!segments.s0;" \
      "count() > 6;tags.t == @v1@ ? count(event == @a@) > 1 : count(event == @b@) > 1", part, ";")
    split("tags.n;sum(props.n, event == @b@);count(event == @a@ && within(@4d@));profile.score;" \
      "tags.n + count(event == @c@)", by, ";")
    printf "{\"segments\":["
    for (i = 0; i < 28; i++) {
      rule = part[int(rand() * (i < 3 ? 27 : n)) + 1]
      for (k = 0; i > 2 && k < rand() * 3; k++)
        rule = rule (rand() < 0.7 ? " && " : " || ") (rand() < 0.3 ? "!" : "") \
          "(" part[int(rand() * n) + 1] ")"
      cut = rand() < 0.1 ? ",\"sample\":60" : ""
      if (cuts && i % 4 == 1 && i > 3) {
        cut = (rand() < 0.5 ? ",\"top\":" 1 + int(rand() * 4) : ",\"percent\":" 10 + int(rand() * 60)) \
          ",\"by\":\"" by[int(rand() * 5) + 1] "\""
        if (rand() < 0.3) rule = "true"
        # One of those is cut once more.
        if (i == 17) rule = "segments.s5 || segments.s9"
      } else if (cuts && i > 17 && rand() < 0.7) {
        rule = "(" rule ") " (rand() < 0.5 ? "&& " : "|| ") (rand() < 0.3 ? "!" : "") \
          "segments.s" 5 + 4 * int(rand() * 4)
      }
      rule = "\"when\":\"" rule "\"" cut
      gsub(/@/, "\047", rule)
      printf "%s{\"name\":\"s%d\",%s}\n", i ? "," : "", i, rule
    }
    print "]}" }' >s.json
}

# Days of a bank with few customers: late events, the same one twice, rows removed,
# profiles that go.
make_stream() {
  awk -v seed="$1" 'function pick(n) { return int(rand() * n) }
    function at(hour) { return sprintf("2024-05-%02dT%02d:%02d:00.000Z", 1 + hour / 24, hour % 24, pick(60)) }
    BEGIN { srand(seed); srand(seed * 104729 + int(rand() * 1000))
      for (i = 0; i < 240; i++) {
        hour = i * 1.7; if (rand() < 0.2) hour -= pick(120); if (hour < 0) hour = 0
        id = sprintf("\"one_id\":\"%02d\"", pick(9)); t = ",\"time\":\"" at(hour) "\""; r = rand()
        if (r < 0.5) line = id t ",\"event\":\"" substr("abcd", 1 + pick(4), 1) "\",\"props\":{\"n\":" pick(10) "}"
        else if (r < 0.55 && line ~ /event/) line = line
        else if (r < 0.7) line = id ",\"as_of\":\"" at(i * 1.7) "\"," (rand() < 0.2 ? "\"deleted\":true" : \
          "\"tags\":{" (rand() < 0.8 ? "\"t\":\"v" pick(3) "\"," : "") "\"n\":" pick(9) "}")
        else if (r < 0.8) line = id t ",\"type\":\"detail\",\"detail\":\"h\",\"row\":\"" pick(3) "\"," \
          (rand() < 0.3 ? "\"deleted\":true" : "\"props\":{\"n\":" pick(10) (rand() < 0.9 ? ",\"p\":\"P" pick(3) "\"" : "") "}")
        else if (r < 0.9) line = (rand() < 0.5 ? id : "\"ids\":{\"c\":\"C" pick(9) "\"}") t \
          ",\"type\":\"relation\",\"relation\":\"owns\",\"to\":{\"e\":\"E" pick(3) "\"}," \
          (rand() < 0.3 ? "\"deleted\":true" : "\"props\":{\"n\":" pick(10) "}")
        else { r = pick(7); line = id t ",\"type\":\"profile\"," \
          (r == 0 ? "\"set\":{\"city\":\"" (rand() < 0.5 ? "SH" : "BJ") "\"}" : r == 1 ? "\"set_once\":{\"city\":\"SH\"}" : \
           r == 2 ? "\"increment\":{\"score\":" pick(4) "}" : r == 3 ? "\"append\":{\"likes\":[\"x\"]}" : \
           r == 4 ? "\"unset\":[\"city\",\"likes\"]" : r == 5 ? "\"set\":{\"score\":2}" : "\"deleted\":true") }
        print "{" line "}"
      } }' >stream
  for i in 0 2 4 6 8; do echo "{\"kind\":\"c\",\"value\":\"C$i\",\"one_id\":\"0$i\"}"; done >map
}

# Who is in what by all records of a file at once, at the end of the day of its last event,
# or at BASE.
expected() {
  local base=$2
  [ -n "$base" ] || base=$(grep '"event"' "$1" | grep -o '"time":"[^T]*' | sort | tail -1)
  [ -n "$2" ] || base=$(date -u -d "${base#*:\"} + 1 day" +%F)
  # Of each the last profile, unless it is gone.
  awk -F'"' '/"as_of"/ { if (!($4 in as_of) || $8 >= as_of[$4]) { as_of[$4] = $8; line[$4] = $0 } next }
    { print }
    END { for (k in line) if (line[k] !~ /deleted/) print line[k] }' "$1" >at_once
  # Who stands in the map alone is a customer to a run that reads all at once.
  while read -r row; do grep -q "$(jq .value <<<"$row")" "$1" && echo "$row"; done <map >known
  cdp-segment -d s.json --tz UTC --as-of "$base" --ids known -q at_once 2>/dev/null |
    jq -r '"\(.one_id) \(.segment)"' | sort
}

# Who is in what after all changes; each must make sense.
final() {
  jq -r '"\(.change) \(.one_id) \(.segment)"' | awk '
    { key = $2 " " $3; now = $1 == "entered"
      if (now == is[key] + 0) print "twice: " $0
      is[key] = now }
    END { for (key in is) if (is[key]) print key }' | sort
}

@test "at any time everybody is in what all records so far say, for random rules and histories" {
  local total=0
  for seed in {1..12}; do
    make_rules "$seed"
    make_stream "$seed"
    for n in 40 90 170 240; do
      head -n "$n" stream >some
      expected some >want
      follow --as-of 2024-05-01 --ids map -q some 2>/dev/null | final >got
      diff -u want got || { echo "seed $seed, $n records"; return 1; }
      total=$((total + $(wc -l <want)))
    done
  done
  [ "$total" -gt 1000 ]
}

@test "who ranks highest is known at any time, and whom it pushes out" {
  local total=0
  for seed in {51..62}; do
    make_rules "$seed" 1
    make_stream "$seed"
    for n in 30 110 240; do
      head -n "$n" stream >some
      expected some >want
      follow --as-of 2024-05-01 --ids map -q some 2>/dev/null | final >got
      diff -u want got || { echo "seed $seed, $n records"; return 1; }
      total=$((total + $(wc -l <want)))
    done
  done
  [ "$total" -gt 1000 ]
}

@test "kept in a store and read in pieces, the changes are the same" {
  for seed in 21 22 23; do
    make_rules "$seed" $((seed % 2))
    make_stream "$seed"
    rm -rf kept
    follow --as-of 2024-05-01 --ids map -q stream 2>/dev/null >want
    for n in 1 60 61 150 240; do
      head -n "$n" stream >some
      follow --as-of 2024-05-01 --ids map --store kept --feed day -q some 2>/dev/null
    done >got
    cmp want got
    [ "$(wc -l <want)" -gt 100 ]
  done
}

@test "--profiles is what there was, events among it, and counted once" {
  for seed in 31 32 33; do
    make_rules "$seed"
    make_stream "$seed"
    head -n 100 stream >history
    tail -n 140 stream >rest
    { expected history 2024-05-10 | sed 's/^/entered /'
      follow --as-of 2024-05-10 --ids map --profiles history -q rest 2>/dev/null |
        jq -r '"\(.change) \(.one_id) \(.segment)"'
    } | awk '{ is[$2 " " $3] = $1 == "entered" } END { for (k in is) if (is[k]) print k }' |
      sort >got
    cat history rest >all
    expected all >want
    diff -u want got
    rm -rf kept
    follow --as-of 2024-05-10 --ids map --profiles history -q rest 2>/dev/null >want
    for n in 0 50 140; do
      head -n "$n" rest >some
      follow --as-of 2024-05-10 --ids map --profiles history --store kept --feed day -q some 2>/dev/null
    done | cmp want
  done
}

@test "kill -9 at any moment loses no event and counts none twice" {
  make_rules 41 1
  make_stream 41
  follow --as-of 2024-05-01 --ids map stream 2>/dev/null >want
  for limit in 3 60 140 239; do
    rm -rf kept to
    mkfifo to
    cdp-segment -d s.json --follow --tz UTC --as-of 2024-05-01 --ids map --store kept --feed day \
      <to 2>/dev/null >first &
    pid=$!
    exec {to}>to
    head -n "$limit" stream |
      awk '{ print } NR % 20 == 0 { fflush(); system("sleep 0.005") }' >&"$to"
    kill -9 $pid
    wait $pid || true
    exec {to}>&-
    follow --as-of 2024-05-01 --ids map --store kept --feed day stream 2>/dev/null >second
    cmp -n "$(stat -c %s first)" first want
    tail -c "$(stat -c %s second)" want | cmp - second
    [ "$(($(stat -c %s first) + $(stat -c %s second)))" -ge "$(stat -c %s want)" ]
  done
}

event() {
  printf '{"one_id":"%s","time":"2024-05-%s:00:00.000Z","event":"%s"}\n' "$1" "$2" "$3"
}

@test "a lone event is answered while the input stays open" {
  echo '{"segments":[{"name":"x","when":"count(event == \"a\") > 1"}]}' >s.json
  for store in '' '--store kept'; do
    rm -f to from
    mkfifo to from
    # shellcheck disable=SC2086
    follow --as-of 2024-05-02 $store <to >from &
    exec {to}>to {from}<from
    event p 01T10 a >&"$to"
    event p 01T11 a >&"$to"
    IFS= read -r -t 20 -u "$from" answer
    [ "$answer" = '{"one_id":"p","segment":"x","as_of":"2024-05-02T00:00:00.000Z","change":"entered"}' ]
    exec {to}>&-
    wait $!
    exec {from}<&-
  done
}

@test "who did nothing leaves when the window has moved on, by the first event of a later day" {
  cat >s.json <<'END'
{"segments":[{"name":"two","when":"count(event == 'a' && within('2d')) > 0"},
 {"name":"gone","when":"count(event == 'a') > 0 && !segments.two"},
 {"name":"old","when":"last(time, event == 'a') < as_of - duration('5d')"}]}
END
  { event p 01T10 a; event q 02T10 b; event q 03T10 b; event q 09T10 b; } >in
  follow --as-of 2024-05-01 in | jq -r '"\(.as_of[8:10]) \(.one_id)/\(.segment)/\(.change)"' >out
  diff -u - out <<'END'
02 p/two/entered
04 p/two/left
04 p/gone/entered
10 p/old/entered
END
}

@test "the clock that turned while nobody followed is told of first" {
  echo '{"segments":[{"name":"two","when":"count(event == \"a\" && within(\"2d\")) > 0"}]}' >s.json
  event p 01T10 a | follow --as-of 2024-05-02 --store kept >/dev/null
  [ "$(follow --as-of 2024-05-06 --store kept </dev/null)" = \
    '{"one_id":"p","segment":"two","as_of":"2024-05-06T00:00:00.000Z","change":"left"}' ]
  [ -z "$(follow --as-of 2024-05-06 --store kept </dev/null)" ]
}

@test "a store that has begun has no history of what is asked for anew" {
  echo '{"segments":[{"name":"x","when":"count(event == \"a\") > 0"}]}' >s.json
  event p 01T10 a | follow --as-of 2024-05-02 --store kept >/dev/null
  echo '{"segments":[{"name":"x","when":"count(event == \"a\") > 0 && tags.n > 1"}]}' >s.json
  echo '{"one_id":"p","tags":{"n":2}}' >in
  [ "$(follow --as-of 2024-05-02 --store kept in | changes)" = p/x/entered ]
  echo '{"segments":[{"name":"x","when":"count(event == \"b\") > 0"}]}' >s.json
  run -2 --separate-stderr follow --as-of 2024-05-02 --store kept in
  [ "$stderr" = "cdp-segment: rules ask for count(event == 'b'), of which 'kept/live' has no \
history: --fill reads it from --profiles" ]
  run -2 --separate-stderr follow --as-of 2024-05-02 --tz Asia/Shanghai --store kept in
  [[ $stderr == *"'kept/live' was made in the zone 'UTC', not 'Asia/Shanghai'"* ]]
}

@test "what is new in the rules is filled from all history, as if it had always been there" {
  for seed in 71 72 73 74; do
    make_rules "$seed" $((seed % 2))
    make_stream "$seed"
    head -n 120 stream >history
    tail -n 120 stream >rest
    mv s.json all.json
    jq -c '.segments |= [.[] | select((.name[1:] | tonumber) < 3 or (.name[1:] | tonumber) % 4 == 1)]' all.json >few.json
    rm -rf kept always
    # In the second one all was asked for from the first record on.
    cp all.json s.json
    follow --as-of 2024-05-01 --ids map --store always -q history >/dev/null 2>&1
    follow --as-of 2024-05-01 --ids map --store always -q rest 2>/dev/null >want
    cp few.json s.json
    follow --as-of 2024-05-01 --ids map --store kept -q history >/dev/null 2>&1
    cp all.json s.json
    # A run that fails changes nothing.
    run -2 --separate-stderr follow --as-of 2024-05-01 --ids map --store kept -q rest
    [[ $stderr == *"of which 'kept/live' has no history"* ]]
    follow --as-of 2024-05-01 --ids map --store kept --fill --profiles history -q rest 2>/dev/null | cmp - want
    [ "$(wc -l <want)" -gt 50 ]
    # It is full: the same again reads nothing.
    follow --as-of 2024-05-01 --ids map --store always -q history >want 2>/dev/null
    follow --as-of 2024-05-01 --ids map --store kept --fill --profiles history -q history 2>/dev/null | cmp - want
  done
  run -2 --separate-stderr follow --fill --store kept
  [[ $stderr == *"--fill needs --follow, --store and --profiles"* ]]
}

@test "what no rule asks for any more is forgotten, and all else stays" {
  rule() { # NAME...
    for name; do echo '{"name":"'"$name"'","when":"count(event == \"'"$name"'\") > 1"}'; done | jq -cs '{segments: .}' >s.json
  }
  for left in a b; do
    rm -rf kept
    rule a b
    { event p 01T10 a; event p 01T10 b; } | follow --as-of 2024-05-02 --store kept
    rule $left
    [ "$(event p 01T11 $left | follow --as-of 2024-05-02 --store kept | changes)" = p/$left/entered ]
    rule a b
    run -2 --separate-stderr follow --as-of 2024-05-02 --store kept </dev/null
    [[ $stderr == *"has no history"* ]]
  done
  # Also where profiles are all that is asked for meanwhile.
  echo '{"segments":[{"name":"x","when":"tags.n > 1"}]}' >s.json
  { event p 01T12 b; echo '{"one_id":"p","tags":{"n":2}}'; } >in
  [ "$(follow --as-of 2024-05-02 --store kept in | changes)" = p/x/entered ]
  rule b
  run -2 --separate-stderr follow --as-of 2024-05-02 --store kept </dev/null
  [[ $stderr == *"has no history"* ]]
}

@test "what is of no known kind is rejected, and the others are followed" {
  echo '{"segments":[{"name":"x","when":"count(event == \"a\") > 0 && tags.n > 1"}]}' >s.json
  { echo '{"one_id":"p"}'; echo '{"one_id":"p","event":"a","time":"never"}'
    echo '{"time":"2024-05-01T10:00:00.000Z","event":"a"}'
    event p 01T10 a; echo '{"one_id":"p","tags":{"n":2}}'; } >in
  run -3 --separate-stderr follow --as-of 2024-05-02 --stats in
  [ "$(changes <<<"$output")" = p/x/entered ]
  [[ ${stderr_lines[0]} == 'cdp-segment: in:1: not a profile: no tags' ]]
  [ "$(jq .no_key <<<"${stderr_lines[-1]}")" -eq 1 ]
}

@test "an entity is asked for by events and profiles" {
  echo '{"segments":[{"name":"x","when":"entity(\"f\", tags.f).class == \"bond\""},
    {"name":"y","when":"count(event == \"a\" && entity(\"f\", props.f).class == \"bond\") > 0"}]}' >s.json
  echo '{"type":"entity","entity":"f","id":"F1","props":{"class":"bond"}}' >e
  { echo '{"one_id":"p","tags":{"f":"F1"}}'
    echo '{"one_id":"p","time":"2024-05-01T10:00:00.000Z","event":"a","props":{"f":"F1"}}'; } >in
  [ "$(follow --as-of 2024-05-02 --entities e in | changes)" = 'p/x/entered p/y/entered' ]
  run -2 --separate-stderr follow in
  [[ $stderr == *"entity('f') is asked for: --entities FILE is needed"* ]]
}

@test "at midnight by the clock windows move on, though nothing comes" {
  [ -e "$TOP/build/$MODE/inject.so" ] || skip "needs the shim"
  cat >s.json <<'END'
{"segments":[{"name":"today","when":"count(event == 'a' && within('1d')) > 0"},
 {"name":"best","when":"count(event == 'a') > 0","top":1,"by":"count(event == 'a' && within('1d'))"}]}
END
  now=$(date +%s)
  midnight=$((now / 86400 * 86400 + 86400))
  rm -f to from
  mkfifo to from
  CDP_INJECT_CLOCK=$((midnight - now - 4)) LD_PRELOAD=$TOP/build/$MODE/inject.so \
    cdp-segment -d s.json --follow --tz UTC --store kept --feed day <to >from &
  exec {to}>to {from}<from
  # One of today, one of yesterday.
  for who in p:80000 o:160000; do
    printf '{"one_id":"%s","time":"%s","event":"a"}\n' "${who%:*}" \
      "$(date -u -d "@$((midnight - ${who#*:}))" +%FT%T.000Z)"
  done >&"$to"
  for n in {1..5}; do
    IFS= read -r -t 30 -u "$from" line
    echo "$line"
  done | jq -r '"\(.as_of[0:10]) \(.one_id)/\(.segment)/\(.change)"' >out
  one=$(date -u -d "@$midnight" +%F) two=$(date -u -d "@$((midnight + 86400))" +%F)
  diff -u - out <<END
$one p/today/entered
$one p/best/entered
$two o/best/entered
$two p/today/left
$two p/best/left
END
  exec {to}>&-
  wait $!
  exec {from}<&-
}
