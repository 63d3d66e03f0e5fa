# cdp-segment: what audiences read, and whom a source concerns.

load ../helper

setup() {
  cd "$BATS_TEST_TMPDIR" || exit
  cat >tags.json <<'X'
{"tags":[
 {"name":"aum","owner":"data","value":"profile.aum"},
 {"name":"tier","value":"tags.aum","buckets":[100]},
 {"name":"visits","value":"count(event == 'open')"},
 {"name":"any","value":"count()"},
 {"name":"a.b","value":"1"},
 {"name":"manager","value":"entity('manager', profile.m).rank"},
 {"name":"old","value":"1","status":"stopped"}]}
X
}

segments() { printf '{"segments":[%s]}' "$1" >s.json; }

refused() {
  segments "$1"
  run -2 --separate-stderr cdp-segment -d s.json --tags tags.json /dev/null
  echo "${stderr#cdp-segment: s.json: }"
}

@test "a rule that reads a tag that there is not is refused when tags are known" {
  [ "$(refused '{"name":"s","when":"has(tags.amu)"}')" = "s: unknown tag 'amu'; did you mean 'aum'?" ]
  [ "$(refused '{"name":"s","when":"true || !(tags.aum > 1 && tags.nothing == 2)"}')" = \
    "s: unknown tag 'nothing'" ]
  [ "$(refused '{"name":"s","when":"true","top":1,"by":"-tags.amu"}')" = \
    "s: unknown tag 'amu'; did you mean 'aum'?" ]
  [ "$(refused '{"name":"s","when":"tags.old == 1"}')" = "s: tag 'old' is not computed, see its status" ]
  segments '{"name":"s","when":"tags.aum.x == 1 && tags[\"a.b\"] == 1 && size(tags) > 1"}'
  run -0 cdp-segment -d s.json --tags tags.json /dev/null
  segments '{"name":"s","when":"tags.amu > 1"}'
  run -0 cdp-segment -d s.json /dev/null
}

@test "tags of the samples are all that audiences of the samples read" {
  for s in "$SAMPLES/bank/segments.json" "$SAMPLES"/segments/*.json; do
    run -0 cdp-segment -d "$s" --tags "$SAMPLES/tags/general.json" --tags "$SAMPLES/tags/finance.json" \
      --calendar "$SAMPLES/calendar.json" /dev/null
  done
}

@test "lineage has what a rule reads wherever it stands, once" {
  segments '{"name":"s","when":"(tags.aum > 1 || !(tags.aum < 0)) ? segments.l : count(event == \"buy\" && props.x > 1) > 0"},
    {"name":"t","when":"\"c\" in ids.customer && profile.m == 1","top":3,"by":"tags.tier"},
    {"name":"l","import":"vip.txt"},{"name":"u","when":"details.holding.exists(h, h.x > 1) || size(tags) > 3"}'
  cdp-segment -d s.json --lineage rows | jq -r '[.segment, .reads, .name] | join(" ")' >got
  cat >want <<'X'
s tag aum
s event buy
s member props.x
s segment l
t tag tier
t attribute m
t id customer
l file vip.txt
u tag *
u detail holding
X
  same want got
}

@test "with tags the lineage is the whole of both, also as a graph" {
  segments '{"name":"s","when":"tags.tier == \"x\""}'
  cdp-segment -d s.json --tags tags.json --lineage rows >got
  { cdp-tag -d tags.json --lineage rows && cdp-segment -d s.json --lineage rows; } >want
  same want got
  cdp-segment -d s.json --tags tags.json --lineage dot >graph
  grep -q '"tag tier" -> "segment s"' graph
  grep -q '"attribute aum" -> "tag aum"' graph
  [ "$(grep -c '"segment s" \[' graph)" = 1 ]
}

affected() { cdp-segment -d s.json --tags tags.json --affected "$@" | jq -r '[.distance, .kind, .name, .owner] | join(" ")'; }

@test "what depends on a source is told, near things first" {
  segments '{"name":"far","owner":"desk","when":"!segments.rich"},{"name":"rich","when":"tags.tier == \"x\""},
    {"name":"busy","when":"tags.visits > 1"},{"name":"all","when":"true"},
    {"name":"did","when":"count(event == \"open\") > 3"}'
  [ "$(affected attribute:aum)" = "1 tag aum data
2 tag tier 
3 segment rich 
4 segment far desk" ]
  [ "$(affected event:open)" = "1 tag visits 
1 tag any 
1 segment did 
2 segment busy " ]
  [ "$(affected event:other)" = "1 tag any " ]
  [ "$(affected entity:manager)" = "1 tag manager " ]
  [ "$(affected entity:manager.rank --affected tag:visits)" = "1 tag manager 
1 segment busy " ]
  [ "$(affected 'event:*')" = "$(affected event:open)" ]
  [ "$(affected segment:rich)" = "1 segment far desk" ]
  [ -z "$(affected detail:holding)" ]
}

@test "sources that are none, and options that do not go together, are refused" {
  segments '{"name":"s","when":"true"}'
  for what in open event: events:open :x; do
    run -2 --separate-stderr cdp-segment -d s.json --affected "$what"
    [[ $stderr == "cdp-segment: --affected: '$what' is no source, such as "* ]]
  done
  run -2 --separate-stderr cdp-segment -d s.json --lineage rows --affected event:a
  [[ $stderr == *"exclude each other"* ]]
  run -2 --separate-stderr cdp-segment -d s.json --lineage rows --count
  [[ $stderr == *"needs -d and nothing else that is written"* ]]
  run -2 --separate-stderr cdp-segment -d s.json --lineage rows profiles
  [[ $stderr == *"--lineage reads no records"* ]]
  run -2 --separate-stderr cdp-segment -d s.json --lineage dot --table
  run -2 --separate-stderr cdp-segment --store x --tags tags.json
  [[ $stderr == *"--tags needs -d"* ]]
}

lint() { cdp-segment -d s.json --lint "$@" | jq -r '[.finding, .segment, .why // empty] | join(" ")'; }

@test "equal rules are duplicates however they are written, other cuts make other audiences" {
  segments '{"name":"a","when":"tags.x > 1 && tags.y == 2"},{"name":"b","when":"((tags.x>1)) && tags.y == 2"},
    {"name":"c","when":"tags.y == 2 && tags.x > 1 && true"},{"name":"s","when":"true","sample":"5%","seed":"q"},
    {"name":"t","when":"true","sample":"5%"},{"name":"u","when":"true","sample":"5%","seed":"q"},
    {"name":"v","when":"true","top":3,"by":"tags.x"},{"name":"w","when":"true","top":3,"by":"tags.y"},
    {"name":"old","when":"segments.a","expires":"2024-01-01"}'
  [ "$(lint --as-of 2024-05-01)" = 'expired old 2024-01-01
duplicate b a
duplicate u s' ]
}

@test "an audience is used by rules and by words of other definitions" {
  segments '{"name":"a","when":"true"},{"name":"b","when":"segments.a && tags.x == 1"},{"name":"vip","when":"tags.x == 2"}'
  echo '{"audience":"b","other":"vips"}' >strategy.json
  [ "$(lint --used-in strategy.json)" = 'unused vip' ]
  run -2 --separate-stderr cdp-segment -d s.json --used-in strategy.json
  run -2 --separate-stderr cdp-segment -d s.json --lint --count
  [[ $stderr == *"--lint needs -d and nothing else that is written"* ]]
}

@test "a run tells of audiences with nobody, everybody, errors or the members of another" {
  printf '{"one_id":"%s","tags":{"x":%s}}\n' 1 1 2 2 3 3 >profiles
  segments '{"name":"none","when":"tags.x > 9"},{"name":"all","when":"has(tags.x)"},{"name":"bad","when":"tags.y > 1"},
    {"name":"a","when":"tags.x > 1"},{"name":"b","when":"!(tags.x == 1)"},{"name":"c","when":"tags.x>1"},{"name":"d","when":"tags.x == 3"}'
  [ "$(lint profiles)" = 'duplicate c a
nobody none
everybody all
error bad
same_members b a' ]
}
