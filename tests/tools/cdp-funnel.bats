# cdp-funnel: vectors, agreement with SQL, lists that agree with counts.
bats_require_minimum_version 1.5.0
load ../helper

setup() {
  cd "$BATS_TEST_TMPDIR"
}

# history USER "100:A 200:B": events of one user, seconds after an instant.
history() {
  local pair
  for pair in $2; do
    printf '{"one_id":"%s","time":"2024-04-01T%02d:%02d:%02d.000Z","event":"%s","props":{"n":%d}}\n' \
      "$1" $((${pair%%:*} / 3600)) $((${pair%%:*} / 60 % 60)) $((${pair%%:*} % 60)) \
      "${pair#*:}" "${pair%%:*}"
  done
}

users() {
  jq -r .users | tr '\n' ' '
}

@test "counts agree with SQL over disordered events with ties" {
  # At most one event of each step a user, so that SQL can say it by comparing times.
  awk 'BEGIN { srand(5); for (u = 0; u < 500; u++) for (s = 0; s < 4; s++)
    if (rand() < 0.8) { t = int(rand() * 6) * 600
      printf "{\"one_id\":\"%04d\",\"time\":\"2024-04-01T%02d:%02d:00.000Z\",\"event\":\"%s\"}\n",
        u, t / 3600, t / 60 % 60, substr("ABCD", s + 1, 1) } }' | sort -R --random-source=<(yes) >in
  cdp-funnel --window 40m -s A -s B -s C -s D in | users >ours
  jq -r '[.one_id, .event, .time] | @tsv' in >e.tsv
  sqlite3 :memory: 'create table e(u text, s text, t text);' '.mode tabs' '.import e.tsv e' "
    with w as (select u, max(case s when 'A' then strftime('%s', t) end) + 0 a,
      max(case s when 'B' then strftime('%s', t) end) + 0 b,
      max(case s when 'C' then strftime('%s', t) end) + 0 c,
      max(case s when 'D' then strftime('%s', t) end) + 0 d from e group by u)
    select count(a), sum(a <= b and b <= a + 2400),
      sum(a <= b and b <= c and c <= a + 2400),
      sum(a <= b and b <= c and c <= d and d <= a + 2400) from w" | tr '\t|' '  ' >theirs
  [ "$(xargs <ours)" = "$(xargs <theirs)" ]
  [ "$(cut -d' ' -f4 ours)" -gt 0 ]
}

@test "the list of users at a step is as long as its count, lost ones are the rest" {
  { history u1 '0:A 10:B 20:C'; history u2 '0:A 10:B'; history u3 '0:A'; history u4 '0:B'; } >in
  [ "$(cdp-funnel -s A -s B -s C in | users)" = '3 2 1 ' ]
  [ "$(cdp-funnel -s A -s B -s C --users 2 in | jq -r .one_id | xargs)" = 'u1 u2' ]
  [ "$(cdp-funnel -s A -s B -s C --lost 2 in | jq -r .one_id | xargs)" = 'u3' ]
  [ "$(cdp-funnel -s A -s B -s C --lost 3 in | jq -r '.one_id + .time')" = 'u22024-04-01T00:00:10.000Z' ]
}

@test "a breakdown takes the value of the user's first step 1" {
  { history u1 '0:A 5:A 10:B'; history u2 '5:A'; } >in
  run -0 cdp-funnel -s A -s B --by 'props.n' in
  [ "$(jq -c '[.by,.step,.users]' <<<"$output" | xargs)" = '[0,1,1] [0,2,1] [5,1,1] [5,2,0]' ]
}

@test "median is the middle one, or the mean of the two" {
  { history u1 '0:A 10:B'; history u2 '0:A 20:B'; history u3 '0:A 60:B'; } >in
  [ "$(cdp-funnel -s A -s B in | jq .median_s | xargs)" = 'null 20' ]
  history u4 '0:A 31:B' >>in
  [ "$(cdp-funnel -s A -s B in | jq .median_s | xargs)" = 'null 25.5' ]
}

@test "trusted input, threads and order of lines give the same" {
  cdp-gen --format events --one-id --customers 500 --events 30000 -o in
  args=(-s view_product -s click_buy -s submit_order -s pay_success --by props.channel)
  cdp-funnel "${args[@]}" in >plain
  cdp-funnel "${args[@]}" --trusted in | diff -u plain -
  cdp-funnel "${args[@]}" -j 4 in | diff -u plain -
  sort -R --random-source=<(yes) in | cdp-funnel "${args[@]}" | diff -u plain -
  [ "$(wc -l <plain)" -ge 8 ]
}

@test "events without the key are passed over and counted" {
  echo '{"time":"2024-04-01T00:00:00.000Z","event":"A"}' >in
  run -0 --separate-stderr cdp-funnel -q -s A --stats in
  [ "$(jq .users <<<"$output")" -eq 0 ]
  [ "$(jq .no_key <<<"$stderr")" -eq 1 ]
}

@test "an event without a time is rejected" {
  echo '{"one_id":"u","event":"A"}' >in
  run -3 --separate-stderr cdp-funnel -s A in
  [ "$stderr" = 'cdp-funnel: in:1: time: time is missing' ]
}

@test "bad use is told before anything is read" {
  run -2 --separate-stderr cdp-funnel
  [[ $stderr == 'cdp-funnel: at least one --step is needed'* ]]
  run -2 --separate-stderr cdp-funnel -s 'buy fund'
  [[ $stderr == "cdp-funnel: --step: 'buy fund' is no event name; a condition is written =EXPR or LABEL:=EXPR"* ]]
  run -2 --separate-stderr cdp-funnel -s a --users 2
  [[ $stderr == 'cdp-funnel: there are only 1 steps'* ]]
  run -2 --separate-stderr cdp-funnel -s a --window 7q
  [[ $stderr == 'cdp-funnel: --window: '* ]]
}

@test "what explains an empty funnel is told: steps nobody met, names that nothing has" {
  history u1 '0:A 10:B' >in
  run -0 --separate-stderr cdp-funnel -s Bee in
  [ "$stderr" = "cdp-funnel: no event meets step 1, 'Bee'" ]
  run -0 --separate-stderr cdp-funnel -v -s A -s Bee in
  [[ $stderr == *"cdp-funnel: no event meets step 2, 'Bee'"* ]]
  run -0 --separate-stderr cdp-funnel -s '=event == C' in
  [[ $stderr == *"2 expressions ended in an error; the first: in:1: no such member 'C'" ]]
  run -0 --separate-stderr cdp-funnel -s A --where 'prop.n == 0' in
  [[ $stderr == *"1 expressions ended in an error; the first: in:1: no such member 'prop.n'" ]]
  run -0 --separate-stderr cdp-funnel -s A --by 'prop.n' in
  [[ $stderr == *"1 expressions ended in an error; the first: in:1: no such member 'prop.n'" ]]
  run -0 --separate-stderr cdp-funnel -s A --key customer in
  [ "$stderr" = "cdp-funnel: no event of the steps has a member 'customer'" ]
  run -0 --separate-stderr cdp-funnel -s A -s B --by props.n in
  [ -z "$stderr" ]
  run -2 --separate-stderr cdp-funnel -s A --window=-7d in
  [[ $stderr == "cdp-funnel: --window: '-7d' is negative"* ]]
}

@test "an empty key is nobody's" {
  printf '{"one_id":%s,"time":"2024-04-01T00:00:00.000Z","event":"A"}\n' '""' null >in
  run -0 --separate-stderr cdp-funnel -q -s A --stats -q in
  [ "$(jq .no_key <<<"$stderr")" -eq 2 ]
  [ "$(jq .users <<<"$output")" -eq 0 ]
}
