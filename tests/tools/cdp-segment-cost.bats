# Costs of audiences: whose time it was.
bats_require_minimum_version 1.5.0
load ../helper

setup() {
  cd "$BATS_TEST_TMPDIR"
  seq 5000 | jq -c '{one_id: "p\(10000 + .)", tags: {n: (. % 100), m: (. % 7),
    text: "\(. * 7919 % 5003)abcabcabcabcabcabcabcabc"}}' >in
}

segments() {
  echo '{"segments":['"$1"']}' >s.json
}

rows() {
  cdp-segment -d s.json --cost "$@" in >all
  grep '"result":"cost",' all >out
  grep '"result":"cost_part",' all >parts
}

@test "a dear condition is dear to who has it, by halves if two have, and rows add up to the run" {
  segments '{"name":"cheap","when":"tags.n > 50"},
    {"name":"one","when":"tags.n > 50 && tags.text.matches('"'(a|b)*c[0-9]*(abc)+x|(b|a)*c+a+d|(c|b)*a+b+e'"')"},
    {"name":"two","when":"tags.n < 9 && tags.text.matches('"'(a|b)*c[0-9]*(abc)+x|(b|a)*c+a+d|(c|b)*a+b+e'"')"},
    {"name":"alone","when":"tags.text.matches('"'(a|b)*c[0-9]*(abc)+x|(b|a)*c+a+d|(c|b)*a+b+f'"') || tags.m == 1"}'
  for j in 1 2; do
    rows -j $j
    [ "$(jq -r .segment out | sed -n '1p;4p' | xargs)" = 'alone cheap' ]
    jq -se '(map({key: .segment, value: .seconds}) | from_entries) |
      .one > 5 * .cheap and .two > 5 * .cheap and
      (.one / .two | . > 0.8 and . < 1.25) and .one / .alone < 0.7' out
    jq -se 'map(.seconds) | . == (sort | reverse)' out
    jq -se 'map(.seconds) | . == (sort | reverse)' parts
    jq -se 'map(.share) | add | . > 0.999 and . < 1.001' out
    jq -se 'map(.share) | add | . > 0.999 and . < 1.001' parts
    [ "$(jq -r .part parts | sort | xargs)" = 'audiences join load read' ]
    cat out parts | jq -se '(map(select(.segment).seconds) | add) as $sum |
      (.[] | select(.part == "audiences").seconds) - $sum | fabs < 0.000001'
  done
}

@test "members are those of --count, conditions count once and audiences referred to as one" {
  segments '{"name":"a","when":"tags.n > 50"},{"name":"nobody","when":"tags.n > 5000"},
    {"name":"b","when":"(tags.n > 50 && tags.m == 1) || (tags.n > 50 && tags.m == 2)"},
    {"name":"c","when":"segments.b && !(tags.m == 1)"},
    {"name":"d","when":"true","top":10,"by":"tags.n"},
    {"name":"e","when":"segments.d && tags.m != 3"}'
  rows
  [ "$(jq -r '[.segment, .conditions, .shared] | join(" ")' out | sort)" = 'a 1 1
b 3 2
c 2 1
d 1 0
e 2 0
nobody 1 0' ]
  [ "$(jq -c '[.segment, .customers]' out | sort)" = \
    "$(cdp-segment -d s.json --count in | jq -c '[.segment, .customers]' | sort)" ]
  # 50 stretches of 4 bytes, ten numbers of 2, and 9 around them.
  [ "$(jq -r '[.segment, .bytes] | join(" ")' out | grep '^[and]' | sort | xargs)" = 'a 209 d 29 nobody 4' ]
  rows --segment c
  [ "$(jq -r '[.segment, .conditions, .shared] | join(" ")' out)" = 'c 2 0' ]
}

@test "rules over events have their costs, what it takes to gather them is read" {
  jq -c '{one_id, time: "2024-04-01T00:00:00.000Z", event: "buy", props: {x: .tags.n}}' in >events
  cat events >>in
  segments '{"name":"few","when":"tags.m == 1"},
    {"name":"buyers","when":"count(event == '"'buy'"') > 0 && [1,2,3,4,5,6,7].map(a, [1,2,3,4,5,6].map(b, a * b * sum(props.x, event == '"'buy'"'))).size() > 3"}'
  rows --as-of 2024-05-01
  [ "$(jq -r .segment out | xargs)" = 'buyers few' ]
  [ "$(jq -r 'select(.segment == "buyers").customers' out)" = 5000 ]
  jq -se '.[0].seconds > 3 * .[1].seconds' out
  jq -se 'map(.seconds >= 0) | all' parts
}

@test "costs are of a run over profiles alone" {
  segments '{"name":"a","when":"tags.n > 50"}'
  cdp-segment -d s.json --cost --table in | grep -q '^a '
  for other in --count --lint '--store st' '--previous in' '--explain p1' '--lineage rows'; do
    # shellcheck disable=SC2086 # options and their values
    run -2 --separate-stderr cdp-segment -d s.json --cost $other in
    [[ $stderr == *"--cost needs -d and nothing else that is written"* || $other == --lint ]]
  done
  run -2 cdp-segment --store st --cost
}
