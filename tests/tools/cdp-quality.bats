# cdp-quality: the figures of a day agree with SQL, for any order and division of the input.
bats_require_minimum_version 1.5.0
load ../helper

setup() {
  cd "$BATS_TEST_TMPDIR"
}

# Twelve days of three sources: ties, disorder, late and lost events, an hour of silence,
# delays known or not, values of all types, records that are none.
generate() {
  awk 'BEGIN { srand(11)
    split("app web core", source, " "); split("open view pay rare", event, " ")
    for (i = 0; i < 12000; i++) {
      s = source[1 + int(rand() * 3)]; e = event[1 + int(rand() * rand() * 4)]
      day = 19 + int(rand() * 13); h = 8 + int(rand() * 12); m = int(rand() * 60)
      if (day == 30 && s == "app" && h == 10) continue
      if (day < 25 && s == "web") continue
      sec = int(rand() * 6) * 10; ms = int(rand() * 3) * 400
      m = day > 30 ? "05-01" : "04-" day
      mi = int(rand() * 60)
      t = sprintf("2024-%sT%02d:%02d:%02d.%03dZ", m, h, mi, sec, ms)
      printf "{\"time\":\"%s\",\"event\":\"%s\",\"ids\":{\"a\":\"%d\"},\"props\":{", t, e, i
      c = ""
      if (rand() < .9) { r = rand()
        printf "\"amount\":%s", r < .8 ? int(rand() * 99) : r < .9 ? "\"12\"" : r < .95 ? "null" : "\"\""
        c = "," }
      if (day < 30 || s != "core") { printf "%s\"city\":%s", c, rand() < .5 ? "\"B\"" : rand() < .5 ? "[1]" : "true" }
      printf "},\"source\":\"%s\"", s
      if (rand() < .9) { d = int(exp(rand() * 16)) - 90000
        n = ((h * 60 + mi) * 60 + sec) * 1000 + ms + d
        if (n >= 0 && n < 86400000)
          printf ",\"received\":\"2024-%sT%02d:%02d:%02d.%03dZ\"", m, n / 3600000, n / 60000 % 60, n / 1000 % 60, n % 1000 }
      if (rand() < .01) printf ",\"event_id\":\"a~b\",\"duplicate_of\":\"a\""
      print "}"
    }
    print "{\"time\":\"2024-04-30T09:00:00.000Z\",\"type\":\"profile\",\"ids\":{\"a\":\"1\"},\"set\":{}}"
    print "{\"time\":" }'
}

quality() {
  cdp-quality -q --max-rejects 9 --tz UTC --as-of 2024-05-01 "$@"
}

# The events as a table e(id, day, source, event, ms of the day, delay, same) and their
# properties p(id, key, type).
sql() {
  sqlite3 -tabs :memory: 'create table e(id int, day text, source text, event text, ms int, delay int, same int)' \
    'create table p(id int, key text, type text)' '.import e.tsv e' '.import p.tsv p' \
    "create view d as select * from e where day = '2024-04-30'" "$1"
}

load_tables() {
  grep -v '"type":"profile"\|:$' "$1" >events
  jq -r 'def ms: (.[11:13] | tonumber) * 3600000 + (.[14:16] | tonumber) * 60000 +
      (.[17:19] | tonumber) * 1000 + (.[20:23] | tonumber);
    [input_line_number, .time[0:10], .source, .event, (.time | ms),
    (if .received then (.received | ms) - (.time | ms) else "" end),
    (if .duplicate_of then 1 else 0 end)] | @tsv' events >e.tsv
  jq -r 'input_line_number as $n | .props | to_entries[] | [$n, .key, (.value | if . == "" or . == null
    then "null" else type end)] | @tsv' events >p.tsv
}

@test "counts, gaps, filling and drift agree with SQL" {
  generate >in
  load_tables in
  quality in >rows
  jq -r 'select(.result == "quality") | [.source, .event, .events, .same_id, .ahead, .no_delay, .gap_s,
    .missing_rate * 1e4, .null_rate * 1e4, .type_drift] | map(if type == "number" then round else . end) | @tsv' rows >ours
  sql "with gaps as (select source, event, max(gap) gap from (
        select source, event, ms / 1000 - lag(ms / 1000, 1, 0) over w gap from d window w as (partition by source, event order by ms)
        union all select source, event, 86400 - max(ms / 1000) from d group by 1, 2) group by 1, 2),
      keys as (select distinct source, event, key from e join p using (id)),
      main as (select source, event, key, type usual from (select source, event, key, type,
          row_number() over (partition by source, event, key order by count(*) desc) r
        from e join p using (id) where day between '2024-04-19' and '2024-04-29' and type != 'null' group by 1, 2, 3, 4) where r = 1),
      props as (select source, event, count(*) keys,
          sum((select count(*) from d join p using (id) where d.source = k.source and d.event = k.event and p.key = k.key)) present,
          sum((select count(*) from d join p using (id) where d.source = k.source and d.event = k.event and p.key = k.key and type = 'null')) empty,
          sum(exists (select 1 from d join p using (id) where d.source = k.source and d.event = k.event and p.key = k.key
            and type not in ('null', (select usual from main m where m.source = k.source and m.event = k.event and m.key = k.key)))) drift
        from keys k group by 1, 2)
    select source, event, count(*) n, sum(same), sum(delay != '' and delay < -60000), sum(delay = ''), gap,
      cast(round(1e4 * (count(*) * keys - present) / (count(*) * keys)) as int),
      cast(round(1e4 * empty / (count(*) * keys)) as int), drift
    from d join gaps using (source, event) join props using (source, event) group by 1, 2 order by 1, 2" >theirs
  same theirs ours
  [ "$(wc -l <ours)" -eq 12 ]
  # Of each kind of figure something is there to agree on.
  for column in 4 5 6 7 8 9 10; do
    [ "$(cut -f$column ours | grep -vc '^0$')" -gt 2 ]
  done
}

@test "percentiles are those of SQL or less than a hundredth above, the maximum is exact" {
  generate >in
  load_tables in
  quality in | jq -r 'select(.result == "quality") | [.source, .event, .delay_p50_s, .delay_p90_s,
    .delay_p99_s, .delay_max_s] | @tsv' >ours
  sql "with r as (select source, event, max(delay + 0, 0) delay, row_number() over (partition by source, event order by delay + 0) k,
      count(*) over (partition by source, event) n from d where delay != '')
    select source, event, min(delay) filter (where k * 1000 >= n * 500) / 1000.0, min(delay) filter (where k * 1000 >= n * 900) / 1000.0,
      min(delay) filter (where k * 1000 >= n * 990) / 1000.0, max(delay) / 1000.0 from r group by 1, 2 order by 1, 2" >theirs
  paste theirs ours | awk -F'\t' '
    { for (i = 3; i <= 5; i++) if ($(i + 6) < $i || $(i + 6) > $i * 1.008) { print; exit 1 } }
    $1 != $7 || $2 != $8 || $6 != $12 { print; exit 1 }'
  [ "$(wc -l <ours)" -eq 12 ]
}

@test "what is usual agrees with SQL: medians and silent hours of days alike" {
  generate >in
  load_tables in
  quality in | jq -r 'select(.result == "quality") | [.source, .event, .usual_events, .usual_hours,
    (.silent_hours | map(tostring) | join(","))] | @tsv' >ours
  # 2024-04-30 is a Tuesday; web was first seen on the 25th, so its weekdays are 25, 26, 29.
  sql "with recursive days(source, day) as (
        select s, d from (select 'app' s union select 'core' union select 'web'),
          (select '2024-04-19' d union select '2024-04-22' union select '2024-04-23' union select '2024-04-24'
            union select '2024-04-25' union select '2024-04-26' union select '2024-04-29') where s != 'web' or d >= '2024-04-25'),
      names as (select distinct source, event from e where day between '2024-04-19' and '2024-04-30'),
      daily as (select source, event, day, (select count(*) from e where e.source = n.source and e.event = n.event and e.day = days.day) c
        from names n join days using (source)),
      ranked as (select source, event, c, row_number() over (partition by source, event order by c) k,
        count(*) over (partition by source, event) n from daily),
      medians as (select source, event, avg(c) m from ranked where k in ((n + 1) / 2, n / 2 + 1) group by 1, 2),
      hours(h) as (select 0 union all select h + 1 from hours where h < 23),
      busy as (select source, event, h, sum((select count(*) from e where e.source = n.source and e.event = n.event
          and e.day = days.day and ms / 3600000 = h) >= 5) * 2 >= count(*) usual,
          (select count(*) from d where d.source = n.source and d.event = n.event and ms / 3600000 = h) now
        from names n join days using (source) join hours group by 1, 2, 3)
    select source, event, case when m = cast(m as int) then cast(m as int) else m end, sum(usual),
      coalesce(group_concat(case when usual and now = 0 then h end), '')
    from medians join busy using (source, event) group by 1, 2 order by 1, 2" >theirs
  same theirs ours
  grep -q '	10$' ours
}

@test "neither the order of the input nor the number of jobs nor files change a byte" {
  generate >in
  quality --properties in >want
  [ "$(grep -c quality_property want)" -eq 24 ]
  for seed in 1 2; do
    sort -R --random-source=<(yes "$seed") in >shuffled
    same want <(quality --properties -j$((seed + 1)) shuffled)
  done
  split -n l/3 in part.
  same want <(quality --properties part.ac part.aa part.ab)
}

@test "parts computed apart and merged are the whole" {
  generate >in
  printf '%s\n' '{"time":"2024-04-30T01:00:00.000Z","event":"a\u0000b","ids":{"a":"1"},"props":{"k\u0000":1},"source":"x\"y"}' >>in
  quality --rejects-in "$TOP/tests/cases/cdp-quality/rejects/rejects" --properties \
    --counts "$TOP/tests/cases/cdp-quality/counts/counts" -o want in
  split -n l/3 in part.
  quality --partial --counts "$TOP/tests/cases/cdp-quality/counts/counts" part.aa >p1
  quality --partial part.ab part.ac >p2
  quality --partial --rejects-in "$TOP/tests/cases/cdp-quality/rejects/rejects" </dev/null >p3
  same want <(quality --merge --properties p3 p1 p2)
  quality --merge --partial p1 p3 | quality --merge --properties - p2 >got
  same want got
  # A partial of a partial is itself.
  quality --merge --partial p1 p2 p3 >all
  same all <(quality --merge --partial all)
}

@test "partials that do not fit, or are damaged, are rejected" {
  generate | head -n 500 >in
  quality --partial in >p
  run -3 quality --merge --days 9 p
  run -3 quality --merge --on-time 9m p
  run -3 cdp-quality --merge --tz Asia/Shanghai --as-of 2024-05-01 p
  [[ $output = *"made with another --as-of, --tz, --days or --on-time"* ]]
  run -3 quality --merge in
  # Whatever is done to a line, it is read or rejected.
  for ((i = 1; i < 200; i += 7)); do
    awk -v i="$i" '{ print substr($0, 1, i * 13) "9" substr($0, i * 13 + 2) }' p
    sed "s/\[/{/$i; s/[0-9]\+,/-1,/$i" p
  done >bad
  run -3 cdp-quality -q --merge --tz UTC --as-of 2024-05-01 bad
}

@test "scores follow from the rows by the formulas of the page" {
  generate >in
  printf '%s\n' '{"day":"2024-04-30","event":"view","count":200,"source":"app"}' \
    '{"day":"2024-04-30","event":"open","count":600,"source":"app"}' >counts
  { quality --counts counts in; } >rows
  jq -s '(map(select(.result == "quality" and .source == "app"))) as $r |
    (map(select(.result == "quality_count" and .source == "app" and .count))) as $c |
    map(select(.result == "quality_source" and .source == "app"))[0] as $s |
    def near($x; $y): ($x - $y) | . * . < 1e-7;
    def total(f): map(f) | add;
    ($r | total(.events)) as $n |
    near($s.plausibility; 1 - ($r | total(.implausible)) / $n),
    near($s.accuracy; 1 - ($c | total(.difference | fabs)) / ($c | total(.count))),
    near($s.continuity; 1 - ($r | total(.silent_hours | length)) / ($r | total(.usual_hours))),
    near($s.completeness; 1 - ($r | total((.missing_rate + .null_rate) * .events * .properties)) / ($r | total(.events * .properties))),
    $s.events == $n' rows >checks
  [ "$(sort -u checks)" = true ]
  [ "$(wc -l <checks)" -eq 5 ]
  load_tables in
  [ "$(sql "select sum(same or (delay != '' and delay < -60000)) from d where source = 'app'")" = \
    "$(jq -s 'map(select(.result == "quality" and .source == "app").implausible) | add' rows)" ]
  [ "$(sql "select round(sum(delay <= 300000) * 1.0 / count(*), 4) from d where source = 'app' and delay != ''")" = \
    "$(jq 'select(.result == "quality_source" and .source == "app").timeliness' rows)" ]
}

@test "all that cdp-collect was given is in one of the counts" {
  cdp-gen --seed 3 --customers 200 --days 1 --start 2024-04-30 --duplicate 5% --malformed 3% --late 0% -o bank
  cdp-collect -q --as-of 2024-05-01 --stats --rejects bad --dedup 2d --duplicates dup -f sensors \
    bank/sensors/*.log >clean 2>stats || [ $? -eq 3 ]
  cdp-quality --as-of 2024-05-01 --source app --rejects-in bad --duplicates-in dup clean |
    jq -c 'select(.result == "quality_source") | [.events, .rejected]' >ours
  events=$(grep -c '"event":' clean)
  [ "$(cat ours)" = "[$events,$(tail -n 1 stats | jq .rejected)]" ]
  cdp-quality --as-of 2024-05-01 --source app --duplicates-in dup clean |
    jq -s 'map(select(.result == "quality") | .duplicates) | add' >ours
  [ "$(cat ours)" -eq "$(grep -c '"event":' dup)" ]
  [ "$(cat ours)" -gt 0 ]
}

@test "an hour that the clock passes twice is one hour of the day" {
  printf '{"time":"2024-11-03T%s:30:00.000Z","event":"x","ids":{"a":"1"}}\n' 04 05 06 07 >in
  printf '{"time":"2024-11-04T%s:30:00.000Z","event":"x","ids":{"a":"1"}}\n' 04 05 >>in
  run -0 cdp-quality --as-of 2024-11-04 --tz America/New_York in
  [ "$(jq -s -c 'map(select(.result == "quality"))[0] | [.events, .gap_s, .gap_start]' <<<"$output")" = \
    '[5,75600,"2024-11-03T07:30:00.000Z"]' ]
}

@test "a day without events is told, and files that cannot be read are a failure" {
  echo '{"time":"2024-04-29T01:00:00.000Z","event":"x","ids":{"a":"1"}}' >in
  run -0 --separate-stderr cdp-quality --as-of 2024-06-01 in
  [ "$stderr" = "cdp-quality: no event lies in 2024-05-31 (Asia/Shanghai), the day before --as-of" ]
  for option in counts rejects-in duplicates-in; do
    run -4 cdp-quality --as-of 2024-05-01 --$option none in
  done
  run -2 cdp-quality --source $'\xff' in
  run -2 cdp-quality --days 61 in
}
