# Live profiles of what is not heard of but read: imports, programs, entity tables, the map
# of ids, relations, the population; and of other things than persons.
bats_require_minimum_version 1.5.0
load ../helper

# Days of random events, details and updates of a few persons; relations to firms.
history() { # SEED
  awk -v seed="$1" 'BEGIN {
    srand(seed)
    for (i = 0; i < 400; i++) {
      day = 1 + int(i / 70)
      if (rand() < 0.1) day = 1 + int(rand() * 6)
      at = sprintf("2024-03-%02dT%02d:%02d:00.000Z", day, int(rand() * 24), int(rand() * 60))
      who = "p" int(rand() * 9)
      head = "{\"one_id\":\"" who "\",\"time\":\"" at "\","
      r = rand()
      if (r < 0.8) printf "%s\"event\":\"%s\",\"props\":{\"product\":\"F%d\",\"x\":%d}}\n", head, rand() < 0.5 ? "buy" : "view", int(rand() * 5), int(rand() * 100)
      else if (r < 0.9) printf "%s\"type\":\"profile\",\"set\":{\"level\":%d}}\n", head, int(rand() * 4)
      else printf "%s\"type\":\"relation\",\"relation\":\"owns\",\"to\":{\"enterprise\":\"E%d\"}%s}\n", head, int(rand() * 3), rand() < 0.3 ? ",\"deleted\":true" : ""
    } }'
}

outside() { # N: what else is known by then
  local n=$1 p f
  printf 'one_id,value\n' >seg.csv
  for p in 0 2 4 7 x; do echo "p$p,s$(((n * 7 + ${p/x/3}) % 3))"; done >>seg.csv
  printf 'phone,value\n13%s,%s\n132,9\n' "$n" "$n" >phones.csv
  for p in 0 1 2 3; do
    echo "{\"one_id\":\"p$p\",\"kind\":\"phone\",\"value\":\"13$(((n + p) % 5))\"}"
  done >map
  for f in 0 1 2 3 4; do
    [ $(((f + n) % 4)) -eq 0 ] ||
      echo "{\"type\":\"entity\",\"entity\":\"product\",\"id\":\"F$f\",\"props\":{\"risk\":$(((f * n) % 5)),\"maker\":\"m$n\"}}"
  done >entities
  echo "{\"type\":\"entity\",\"entity\":\"product\",\"id\":\"G$n\",\"props\":{\"risk\":1}}" >>entities
  echo "{\"type\":\"entity\",\"entity\":\"enterprise\",\"id\":\"E1\",\"props\":{\"capital\":$n}}" >>entities
  echo "{\"type\":\"relation\",\"relation\":\"owns\",\"one_id\":\"p8\",\"time\":\"2024-01-01T00:00:00.000Z\",\"to\":{\"enterprise\":\"E$n\"}}" >>entities
}

setup() {
  cd "$BATS_TEST_TMPDIR"
  history "$RANDOM" >all
  outside 1
  cat >tags.json <<'END_TAGS'
{"tags":[
 {"name":"events","value":"count()"},
 {"name":"recent","value":"sum(props.x, event == 'buy' && within('2d'))"},
 {"name":"level","value":"profile.level"},
 {"name":"seg","type":"string","import":{"files":["seg.csv"],"unknown":"add"},"else":"none"},
 {"name":"phone","type":"int","import":{"files":["phones.csv"],"key":"phone"}},
 {"name":"score","type":"int","program":{"run":["jq","-c","{one_id, value: (.n * 2 + (.seg | length))}"],"inputs":{"n":"tags.events","seg":"tags.seg"},"among":"tags.events > 3"}},
 {"name":"firms","value":"relations.owns"},
 {"name":"capital","value":"relations.owns.exists(e, entity('enterprise', e).capital > 1)"},
 {"name":"risk","value":"entity('product', last(props.product)).risk"}]}
END_TAGS
  args=(-d tags.json --ids map --entities entities)
  base=2024-03-01
}

stop() {
  kill "$pid"
  wait "$pid"
  pid=
}

teardown() {
  [ -z "${pid-}" ] || kill -9 "$pid"
}

# The last profile of each who is, without the base time.
last() {
  jq -cs 'map({key: (.one_id // .product), value: del(.as_of)}) | from_entries | .[] | select(.deleted | not)' "$@" | sort
}

until_ok() {
  for _ in $(seq 300); do
    ! "$@" || return 0
    sleep 0.05
  done
  return 1
}

complete() { # what was heard in out is that of one pass over what was read
  last out >now
  cdp-tag -q "${args[@]}" --as-of "$(jq -r .as_of out | sort | tail -n 1)" read >batch
  last batch | cmp -s - now
}

is_complete() {
  until_ok complete || { diff <(last batch) now >&2; false; }
}

follow() {
  : >log
  # shellcheck disable=SC2094
  cdp-tag -q --follow --state st "${args[@]}" --as-of "$base" --checkpoint 200ms log >out 2>err 3>&- &
  pid=$!
}

has_open() {
  find "/proc/$pid/fd" -lname "*/$1" | grep -q .
}

# In slices, with what else is known changing between them; killed in the midst of it.
in_slices() {
  follow
  for n in 1 2 3 4; do
    sed -n "$(((n - 1) * 100 + 1)),$((n * 100))p" all >>log
    cp log read
    is_complete
    if [ "$n" -eq 2 ]; then
      kill -9 "$pid"
      wait "$pid" || true
      cp out before
      sed '${/}$/!d}' before >out
      # shellcheck disable=SC2094
      cdp-tag -q --follow --state st "${args[@]}" --as-of "$base" --checkpoint 200ms log >>out 2>err 3>&- &
      pid=$!
      until_ok has_open log
    fi
    outside "$((n + 1))"
    is_complete
  done
  stop
  [ ! -s err ]
  cdp-tag -q --state st "${args[@]}" --as-of "$(jq -r .as_of out | sort | tail -n 1)" /dev/null | cmp - batch
}

@test "profiles are those of one pass, whatever is imported, answered, related or known of things meanwhile" {
  in_slices
}

@test "so are those of things that are no persons" {
  cat >tags.json <<'END_TAGS'
{"tags":[
 {"name":"sold","entity":"product","value":"count(event == 'buy')"},
 {"name":"recent","entity":"product","value":"sum(props.x, within('3d'))"},
 {"name":"risk","entity":"product","value":"profile.risk"},
 {"name":"maker","entity":"product","value":"profile.maker"}]}
END_TAGS
  args=(-d tags.json --entity product --entities entities)
  in_slices
  # A thing that is no more, and of which nothing was heard.
  grep -q '^{"product":"G1","as_of":"[^"]*","deleted":true}$' out
}

@test "functions over the population say what it was when the day began, or at the last survey" {
  event() {
    echo "{\"one_id\":\"$1\",\"time\":\"2024-03-0$2T01:00:00.000Z\",\"event\":\"buy\"}"
  }
  says() { # the last line
    [ "$(tail -n 1 out | jq -c '[.one_id, .as_of[:10], .tags.n, .tags.place, .tags.best]')" = "$1" ]
  }
  cat >tags.json <<'END_TAGS'
{"tags":[{"name":"n","value":"count()"},{"name":"place","value":"rank(tags.n)"},{"name":"best","value":"tags.place == 1"}]}
END_TAGS
  { event a 1; event a 1; event b 1; } >first
  cdp-tag -q --state st -d tags.json --as-of 2024-03-02 first >/dev/null
  mkfifo to
  cdp-tag --follow --state st -d tags.json --as-of 2024-03-03 --batch live <to >out 2>err 3>&- &
  pid=$!
  exec {to}>to
  until_ok says '["b","2024-03-02",1,2,false]'
  [ "$(cat err)" = "cdp-tag: not live, but of the population as it was when the day began: 'place', 'best'" ]
  { event b 2; event b 2; } >&"$to"
  until_ok says '["b","2024-03-02",3,2,false]'
  event c 2 >&"$to"
  until_ok says '["c","2024-03-02",1,null,false]'
  event c 3 >&"$to"
  until_ok says '["c","2024-03-03",2,3,false]'
  exec {to}>&-
  wait "$pid"
  pid=
  [ "$(jq -c 'select(.as_of[:10] == "2024-03-03") | [.one_id, .tags.n, .tags.place]' out | paste -sd' ')" = \
    '["a",2,2] ["b",3,1] ["c",1,3] ["c",2,3]' ]
  # A process that is started again has the population of then.
  rm to
  mkfifo to
  cdp-tag -q --follow --survey 200ms --state st -d tags.json --as-of 2024-03-03 --batch more <to >out 3>&- &
  pid=$!
  exec {to}>to
  until_ok says '["c","2024-03-03",2,2,false]'
  { event c 3; event c 3; } >&"$to"
  until_ok says '["c","2024-03-03",4,1,true]'
  exec {to}>&-
  wait "$pid"
  pid=
  [ "$(jq -c 'select(.one_id == "b") | .tags.place' out | paste -sd' ')" = '1 2' ]
}
