# cdp-tag: what a period is, at its edges; what negation and absence mean.

load ../helper

setup() { cd "$BATS_TEST_TMPDIR" || exit; }

# An event of each customer at a time; the customers whose tag is true.
events() { # CUSTOMER TIME ...
  while [ $# -gt 0 ]; do
    printf '{"one_id":"%s","time":"%s","event":"e"}\n' "$1" "$2"
    shift 2
  done >events
}

who() { # CONDITION AS_OF [ZONE]
  jq -n --arg v "$1" '{tags: [{name: "t", type: "bool", value: $v}]}' >t.json
  cdp-tag -d t.json --as-of "$2" --tz "${3:-Asia/Shanghai}" events |
    jq -r 'select(.tags.t).one_id' | paste -s -d' '
}

@test "the past 7 days of a base time are the seven civil days before it" {
  events a 2024-02-10T15:59:59.999Z b 2024-02-10T16:00:00.000Z c 2024-02-17T15:59:59.999Z d 2024-02-17T16:00:00.000Z
  [ "$(who "count(within('7d')) > 0" 2024-02-18)" = 'b c' ]
  [ "$(who "count(within('14d', '7d')) > 0" 2024-02-18)" = a ]
}

@test "within a day is today alone, two days up to one day ago is yesterday, a day ago is up to yesterday" {
  events a 2024-02-15T15:59:59.999Z b 2024-02-15T16:00:00.000Z c 2024-02-16T15:59:59.999Z d 2024-02-16T16:00:00.000Z
  [ "$(who "count(within('1d')) > 0" 2024-02-17T12:00:00+08:00)" = d ]
  [ "$(who "count(within('2d', '1d')) > 0" 2024-02-17T12:00:00+08:00)" = 'b c' ]
  [ "$(who "first(time) < date(day(as_of))" 2024-02-17T12:00:00+08:00)" = 'a b c' ]
  [ "$(who "count() > 0" 2024-02-17T12:00:00+08:00)" = 'a b c d' ]
}

@test "a day is a civil one where clocks change, at midnight or elsewhere" {
  # Shanghai 1986-05-04 had 23 hours, from 16:00Z of the day before.
  events a 1986-05-03T15:59:59.999Z b 1986-05-03T16:30:00.000Z c 1986-05-04T14:59:59.999Z d 1986-05-04T15:00:00.000Z
  [ "$(who "count(within('1d')) > 0" 1986-05-05)" = 'b c' ]
  # Cairo 2025-04-25 began at 01:00.
  events a 2025-04-24T21:59:59.999Z b 2025-04-24T22:00:00.000Z c 2025-04-25T20:59:59.999Z d 2025-04-25T21:00:00.000Z
  [ "$(who "count(within('1d')) > 0" 2025-04-26 Africa/Cairo)" = 'b c' ]
  events a 2024-02-28T15:59:59.999Z b 2024-02-28T16:00:00.000Z c 2024-02-29T15:59:59.999Z d 2024-02-29T16:00:00.000Z
  [ "$(who "count(within('1d')) > 0" 2024-03-01)" = 'b c' ]
  [ "$(who "count(within('1d')) > 0" 2024-03-01 UTC)" = 'c d' ]
}

@test "days since an event are those of the calendar, also over a day that there was not" {
  # Apia had no 2011-12-30.
  events a 2011-12-29T12:00:00.000Z b 2011-12-30T12:00:00.000Z
  echo '{"tags":[{"name":"ago","last":{"event":"e","give":"days"}}]}' >t.json
  [ "$(cdp-tag -d t.json --tz Pacific/Apia --as-of 2012-01-02 events | jq -c .tags.ago | paste -s -d' ')" = '4 2' ]
}

@test "three trading days before the end of the Spring Festival lie before it" {
  run -0 cdp-filter --calendar "$SAMPLES/calendar.json" --as-of 2024-02-19 \
    --eval "[day(addTradingDays(as_of, -1)), day(addTradingDays(as_of, -3)), day(addDays(as_of, -3)), day(tradingDay(date('2024-02-10')))]"
  [ "$(jq -c '[.value[].value]' <<<"$output")" = '["2024-02-08","2024-02-06","2024-02-16","2024-02-19"]' ]
}

@test "who did not do it are all others, also those of whom there is no event" {
  events a 2024-02-10T00:00:00.000Z
  printf '{"one_id":"b","type":"profile","time":"2024-02-10T00:00:00.000Z","set":{"city":"x"}}\n' >>events
  printf '{"one_id":"c","type":"profile","time":"2024-02-10T00:00:00.000Z","set":{"level":"x"}}\n' >>events
  [ "$(who "count(event == 'e') == 0" 2024-02-18)" = 'b c' ]
  # But what is not equal has a value.
  [ "$(who "profile.city != 'y'" 2024-02-18)" = b ]
  [ "$(who "!profile.city.contains('y')" 2024-02-18)" = b ]
  [ "$(who "!(has(profile.city) && profile.city == 'x')" 2024-02-18)" = 'a c' ]
}

@test "a condition filters events before they are counted" {
  events a 2024-02-10T00:00:00.000Z a 2024-02-17T00:00:00.000Z b 2024-02-10T00:00:00.000Z b 2024-02-11T00:00:00.000Z
  [ "$(who "count(within('7d')) == 2" 2024-02-18)" = '' ]
  [ "$(who "count(within('8d')) == 2" 2024-02-18)" = 'a b' ]
  [ "$(who "count(event == 'other') + 1 == 1" 2024-02-18)" = 'a b' ]
}

@test "windows slide and ranks move for people who did nothing" {
  events a 2024-02-10T00:00:00.000Z b 2024-02-16T00:00:00.000Z b 2024-02-16T01:00:00.000Z
  [ "$(who "count(within('7d')) > 0" 2024-02-17)" = 'a b' ]
  [ "$(who "count(within('7d')) > 0" 2024-02-18)" = b ]
  [ "$(who "rank(count()) == 1" 2024-02-16)" = a ]
  [ "$(who "rank(count()) == 1" 2024-02-17)" = b ]
}
