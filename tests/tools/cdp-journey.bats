# cdp-journey: every member of the audience leaves as one line.
bats_require_minimum_version 1.5.0
load ../helper

setup() {
  cd "$BATS_TEST_TMPDIR"
  sed 's/"share": 0.2/"share": 0/' "$SAMPLES/strategy.json" >s.json
  for id in a b c d; do echo "{\"one_id\":\"$id\",\"segment\":\"lookers\"}"; done >members
  printf '%s\n' '{"one_id":"e","segment":"buyers"}' '{"one_id":"f","segment":"lookers","change":"left"}' \
    '{"one_id":"a","segment":"lookers"}' >>members
  printf '%s\n' '{"one_id":"b","tags":{"favourite":"F1"},"ids":{"phone":["1"]}}' \
    '{"one_id":"a","tags":{"favourite":"F1"},"ids":{"device":["d1","d2"]}}' \
    '{"one_id":"c","tags":{},"ids":{"device":["d3"]}}' >profiles
}

journey() {
  cdp-journey -d s.json --profiles profiles --as-of 2024-05-01 "$@"
}

@test "members get a message or the reason why not, once each, by one_id" {
  journey members >out
  [ "$(jq -r '.one_id + ":" + (.to // .suppressed)' out | xargs)" = \
    'a:d1 b:no_address c:no_value d:no_profile' ]
}

@test "the order of memberships and profiles does not matter" {
  journey members >out
  tac profiles >p2 && mv p2 profiles
  tac members | journey | cmp out -
}

@test "of several profiles the latest counts, whatever their order" {
  printf '%s\n' '{"one_id":"a","as_of":"2024-04-02T00:00:00.000Z","tags":{"favourite":"F1"},"ids":{"device":["new"]}}' \
    '{"one_id":"a","as_of":"2024-04-01T00:00:00.000Z","tags":{"favourite":"F1"},"ids":{"device":["old"]}}' \
    '{"one_id":"b","tags":{"favourite":"F1"},"ids":{"device":["x"]}}' \
    '{"one_id":"b","tags":{"favourite":"F1"},"ids":{"device":["y"]}}' >profiles
  run -0 --separate-stderr journey --stats members
  [ "$(jq -c '[.message,.no_profile]' <<<"$stderr")" = '[2,2]' ]
  [ "$(jq -r 'select(.one_id == "a").to' <<<"$output")" = new ]
  journey members >out
  tac profiles >p2 && mv p2 profiles
  journey members | cmp out -
}

@test "another version or wave is another message" {
  first=$(journey members | jq -r .message_id | sed -n 1p)
  sed -i 's/"wave": 1/"wave": 2/' s.json
  second=$(journey members | jq -r .message_id | sed -n 1p)
  [ "${#first}" -eq 32 ]
  [ "$first" != "$second" ]
}

@test "the blank group is about its share and the same on every run" {
  sed -i 's/"share": 0/"share": 0.5/' s.json
  seq -f '{"one_id":"%016.0f","segment":"lookers"}' 1 2000 >members
  journey members >one
  journey members | cmp one -
  n=$(grep -c '"suppressed":"blank_group"' one)
  # 1000 expected, standard deviation 22
  [ "$n" -gt 900 ]
  [ "$n" -lt 1100 ]
}

@test "--stats counts every fate" {
  run -0 --separate-stderr journey --stats members
  [ "$(jq -c '[.message,.blank_group,.no_profile,.no_address,.no_value]' <<<"$stderr")" = '[1,0,1,1,1]' ]
}
