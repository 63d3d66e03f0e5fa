# Last use of audiences and tags, and whether they can go: --usage.

load ../helper

# Three nights: `old` is in the first alone, `late` in the last alone.
setup() {
  cd "$BATS_TEST_TMPDIR" || exit
  cat >tags.json <<'X'
{"tags":[
 {"name":"aum","title":"assets","owner":"data","class":"value","value":"profile.aum"},
 {"name":"tier","value":"tags.aum > 1 ? 'rich' : 'poor'"},
 {"name":"level","value":"tags.aum>1?'rich':'poor'"},
 {"name":"visits","value":"count(event == 'open')"},
 {"name":"gone","value":"1","status":"stopped"}]}
X
  printf '{"one_id":"%s","tags":{"aum":%s,"visits":%s,"gone":1,"lost":2}}\n' a 1 0 b 2 0 c 3 1 >profiles
  night 01 '{"name":"rich","when":"tags.tier == \"rich\" || tags.aum > 1"},{"name":"old","owner":"me","when":"tags.visits > 0"}'
  night 02 '{"name":"rich","when":"tags.aum > 1"}'
  night 03 '{"name":"rich","when":"tags.aum > 1"},{"name":"late","when":"tags.visits > 0"}'
  cat >s.json <<'X'
{"segments":[
 {"name":"rich","title":"well off","owner":"wealth","class":"value","when":"tags.aum > 1"},
 {"name":"wealthy","when":"( tags.aum>1 )"},
 {"name":"late","when":"tags.visits > 0"},
 {"name":"guests","import":"guests.txt"},
 {"name":"lapsed","when":"segments.rich && tags.tier == 'rich'","expires":"2024-04-01"},
 {"name":"easter","when":"segments.late","expires":"2024-05-20"}]}
X
}

# night DAY SEGMENTS: a version of that day.
night() {
  echo "{\"segments\":[$2]}" >night.json
  cdp-segment -q -d night.json --as-of "2024-05-$1" --store st profiles
}

usage() { cdp-segment -d s.json --store st --usage --as-of 2024-06-01 "$@"; }

# of NAME MEMBER...: what a row has.
of() {
  local name=$1
  shift
  jq -c --arg name "$name" 'select(.name == $name) | [.[$ARGS.positional[]]]' --args "$@" <rows
}

@test "a row has what the definition says and what the store has" {
  usage >rows
  [ "$(of rich kind title owner class definition customers versions last_version)" = \
    '["segment","well off","wealth","value","current",2,3,"2024-05-02T16:00:00.000Z"]' ]
  [ "$(of old owner definition customers versions last_version)" = \
    '["me","none",1,1,"2024-04-30T16:00:00.000Z"]' ]
  [ "$(of wealthy definition customers versions bytes last_version)" = '["current",null,0,0,null]' ]
  [ "$(of lapsed definition expires)" = '["expired","2024-04-01"]' ]
  [ "$(jq -r .as_of rows | sort -u)" = 2024-05-31T16:00:00.000Z ]
}

@test "bytes are those of the members in all versions" {
  usage >rows
  one=$(of old bytes)
  [ "$(of late bytes)" = "$one" ]
  night 04 '{"name":"late","when":"tags.visits > 0"}'
  usage >rows
  [ "$(of late bytes | jq '.[0]')" = $((2 * $(jq '.[0]' <<<"$one"))) ]
}

@test "the last use is the last version that was handed over, whenever that was done" {
  b=$(cdp-segment -q --store st --export rich --as-of 2024-05-02 | jq -r .batch | sort -u)
  cdp-segment -q --store st --export rich --as-of 2024-05-01 >/dev/null
  cdp-segment --store st --ack "$b"
  usage >rows
  [ "$(of rich last_export batch state last_use last_user unused_days)" = \
    "[\"2024-05-01T16:00:00.000Z\",\"$b\",\"acknowledged\",\"2024-05-01T16:00:00.000Z\",\"rich\",30]" ]
  # Also where no version is kept that has it.
  echo '{"segments":[{"name":"x","when":"true"}]}' >x.json
  cdp-segment -q -d x.json --as-of 2024-05-09 --store st --keep 1 profiles
  usage >rows
  [ "$(of rich versions last_use unused_days)" = '[0,"2024-05-01T16:00:00.000Z",30]' ]
}

@test "what is used uses what it reads, tags among it" {
  cdp-segment -q --store st --export rich --as-of 2024-05-02 >/dev/null
  usage --tags tags.json >rows
  [ "$(of aum kind title owner class last_use last_user unused_days last_export)" = \
    '["tag","assets","data","value","2024-05-01T16:00:00.000Z","rich",null,null]' ]
  [ "$(of tier last_use)" = '[null]' ] # of `lapsed` alone, which was not handed over
  [ "$(of aum readers read_by affects)" = \
    '[4,["tag:tier","tag:level","segment:rich","segment:wealthy"],5]' ]
  [ "$(of rich readers read_by)" = '[1,["segment:lapsed"]]' ]
}

@test "what was never used is unused since a version has it, or it expired" {
  usage --tags tags.json >rows
  [ "$(of old last_use unused_days)" = '[null,31]' ]
  [ "$(of late unused_days)" = '[12]' ] # `easter` reads it
  [ "$(of easter definition unused_days)" = '["expired",12]' ]
  [ "$(of lapsed unused_days)" = '[61]' ]
  [ "$(of wealthy unused_days)" = '[null]' ] # it is new
  [ "$(of aum unused_days)" = '[null]' ] # as what reads it
  [ "$(of level unused_days)" = '[null]' ] # nothing reads it, no version has it
}

@test "tags are those of versions that cdp-portrait has kept, as well" {
  cdp-portrait --store st --save --as-of 2024-05-02 profiles
  cdp-portrait --store st --save --as-of 2024-05-03 profiles
  usage --tags tags.json >rows
  [ "$(of visits customers versions last_version unused_days)" = '[3,2,"2024-05-02T16:00:00.000Z",12]' ]
  [ "$(of visits bytes | jq '.[0] > 0')" = true ]
  [ "$(of gone definition)" = '["stopped"]' ]
  [ "$(of lost definition kind)" = '["none","tag"]' ]
  usage >rows
  [ -z "$(of visits kind)" ]
}

@test "a rule over all tags reads each, and one over what is stored alone reads that" {
  echo '{"segments":[{"name":"any","when":"size(tags) > 1"},{"name":"young","when":"!segments.old"},{"name":"tardy","when":"segments.late"}]}' >s.json
  night 03 '{"name":"late","when":"tags.visits > 0"},{"name":"old","when":"false"}'
  usage --tags tags.json >rows
  [ "$(of level read_by)$(of visits read_by)" = '[["segment:any"]][["segment:any"]]' ]
  usage --as-of 2024-05-03 >rows
  [ "$(of old definition readers read_by)" = '["none",1,["segment:young"]]' ]
  [ "$(of late read_by)" = '[["segment:tardy"]]' ]
}

@test "tags of other entities, and tags that are stopped, are readers" {
  cat >tags.json <<'X'
{"tags":[
 {"name":"a","value":"count()"},{"name":"b","value":"count()"},{"name":"c","value":"count()"},
 {"name":"rank","value":"entity('firm', profile.firm).tags.size"},
 {"name":"peer","value":"entity('person', profile.peer).tags.c"},
 {"name":"size","entity":"firm","value":"tags.weight + 1"},
 {"name":"weight","entity":"firm","value":"relations.owns.map(o, entity('person', o).tags.a)"},
 {"name":"later","status":"stopped","value":"tags.b + 1"}]}
X
  echo '{"segments":[{"name":"rich","when":"tags.rank > 1"},{"name":"near","when":"entity(\"firm\", \"x\").tags.weight > 1"}]}' >s.json
  cdp-segment -q --store st --export rich --as-of 2024-05-03 >/dev/null
  usage --tags tags.json >rows
  [ "$(of a read_by affects last_use last_user retirable)" = \
    '[["entity:firm.tags.weight"],5,"2024-05-02T16:00:00.000Z","rich",false]' ]
  [ "$(of b read_by retirable last_use)" = '[["tag:later"],false,null]' ]
  [ "$(of later definition retirable)" = '["stopped",true]' ]
  [ "$(of c read_by)" = '[["tag:peer"]]' ]
  [ "$(jq -r 'select(.kind == "tag") | .name' rows | sort | tr '\n' ' ')" = 'a b c later peer rank ' ]
  echo size >file
  usage --tags tags.json --used-in file >rows
  [ "$(of a used_in)" = '[["file"]]' ]
}

@test "audiences of things read the tags of these" {
  echo '{"tags":[{"name":"a","value":"count()"},{"name":"views","entity":"product","value":"count()"},{"name":"own","entity":"product","value":"entity(\"person\", profile.owner).tags.a"}]}' >tags.json
  echo '{"segments":[{"name":"hot","when":"tags.views > 0"}]}' >s.json
  echo '{"product":"F1","tags":{"views":2}}' | cdp-segment -d s.json --tags tags.json --key product --store things --as-of 2024-05-01 -
  cdp-segment -d s.json --tags tags.json --key product --store things --usage --as-of 2024-05-11 >rows
  [ "$(of views read_by unused_days)" = '[["segment:hot"],10]' ]
  [ "$(jq -r .name rows | sort | tr '\n' ' ')" = 'hot own views ' ]
  run -2 --separate-stderr cdp-segment -d s.json --tags tags.json --key customer /dev/null
  [[ $stderr == *"unknown tag 'views'"* ]]
}

@test "costs of runs stand with what they are of" {
  cat >costs <<'X'
{"result":"cost","segment":"rich","seconds":0.5,"share":1}
{"result":"cost","tag":"rich","seconds":9}
{"result":"cost","tag":"aum","event_ns":1,"seconds":2e-7}
{"result":"cost","tag":"nothing","seconds":1}
{"result":"cost_part","part":"read","seconds":3}
X
  usage --tags tags.json --costs costs >rows
  [ "$(of rich seconds)$(of aum seconds)$(of tier seconds)" = '[0.5][2e-07][null]' ]
  echo a >guests.txt
  cdp-segment -q -d s.json --cost profiles >one
  usage --costs one | jq -c 'select(.seconds > 0) | [.name, .seconds]' | sort >got
  jq -c 'select(.result == "cost" and .seconds > 0) | [.segment, .seconds]' one | sort >want
  same want got
  run -2 --separate-stderr usage --costs profiles
  [[ $stderr == *'profiles: 3 of its records are no row of --cost'* ]]
  run -4 usage --costs missing
  run -2 cdp-segment -d s.json --costs costs profiles
}

@test "duplicates are told by rule and by members" {
  usage --tags tags.json >rows
  [ "$(of wealthy duplicate_of same_members)" = '["rich",null]' ]
  [ "$(of level duplicate_of)" = '["tier"]' ]
  night 04 '{"name":"b","when":"tags.aum > 2"},{"name":"a","when":"tags.visits == 1"},{"name":"all","when":"true"},{"name":"each","when":"1 == 1"}'
  usage >rows
  [ "$(of a same_members)$(of b same_members)$(of each same_members)" = '[null]["a"][null]' ]
}

@test "files that name something keep it and what it reads" {
  echo '{"audience":"lapsed"}' >strategy.json
  echo 'late, aum_2' >other
  usage --tags tags.json --used-in strategy.json --used-in other >rows
  [ "$(of lapsed used_in retirable)" = '[["strategy.json"],false]' ]
  [ "$(of aum used_in)" = '[["strategy.json"]]' ]
  [ "$(of visits used_in)" = '[["other"]]' ]
  [ "$(of wealthy used_in retirable)" = '[[],true]' ]
  run -4 usage --used-in missing
}

@test "a name stands in a file as a word, whatever it is made of" {
  echo '{"segments":[{"name":"vip","when":"true"},{"name":"a-b","when":"true"},{"name":"大客户","when":"true"},{"name":"two words","when":"true"}]}' >s.json
  named() { printf '%s' "$1" >f; usage --used-in f | jq -r 'select(.used_in != []) | .name' | sort | tr '\n' ' '; }
  [ "$(named 'vip')$(named 'x:vip;')" = 'vip vip ' ]
  [ -z "$(named 'vips svip vip_ _vip vip大 a-bc aa-b two  words a b 大客 大客户们')" ]
  [ "$(named 'x.a-b-c (大客户),two words')" = 'a-b two words 大客户 ' ]
  [ "$(named '{"entry":{"audience":"\u5927\u5ba2\u6237"}}')" = '大客户 ' ]
  [ -z "$(named '\u5927\u5ba2\u6237')" ]
  [ -z "$(named '')" ]
}

@test "what can go together is told, and what cannot ends with status 1" {
  run -0 --separate-stderr usage --tags tags.json --retire segment:lapsed --retire tag:tier
  [ "$(jq -c '[.name, .readers, .affects, .retirable]' <<<"$output")" = '["tier",0,0,true]
["lapsed",0,0,true]' ]
  run -1 --separate-stderr usage --tags tags.json --retire tag:aum --retire segment:rich --retire segment:wealthy
  [ "$stderr" = 'cdp-segment: 2 of 3 cannot go: others read them, or files name them' ]
  [ "$(jq -c '[.name, .readers, .read_by, .affects, .retirable]' <<<"$output")" = '["rich",1,["segment:lapsed"],1,false]
["aum",2,["tag:tier","tag:level"],3,false]
["wealthy",0,[],0,true]' ]
  # It stays because of one that is read by something that stays.
  run -1 --separate-stderr usage --tags tags.json --retire segment:late --retire tag:visits
  [[ $stderr == *'2 of 2 cannot go'* ]]
  [ "$(jq -c 'select(.kind == "tag") | [.readers, .affects, .retirable]' <<<"$output")" = '[0,1,false]' ]
  echo lapsed >strategy
  run -1 usage --retire segment:lapsed --retire segment:rich --used-in strategy
  run -2 --separate-stderr usage --retire segment:riches
  [[ $stderr == "cdp-segment: --retire: there is no 'segment:riches'"* ]]
  run -2 usage --retire rich
}

@test "rows come the longest unused first, those of which it is not known last" {
  cdp-segment -q --store st --export rich --as-of 2024-05-02 >/dev/null
  usage --tags tags.json | jq -r '"\(.unused_days) \(.kind) \(.name)"' >got
  cat >want <<'X'
61 tag tier
61 segment lapsed
31 segment old
30 segment rich
X
  head -n 4 got >head
  same want head
  tac got | sed '/null/!q' | head -n -1 | tac >unknown
  [ "$(head -n 1 unknown | cut -d' ' -f2)" = tag ]
}

@test "later versions and batches are not looked at" {
  cdp-segment -q --store st --export late >/dev/null
  usage --as-of 2024-05-02 >rows
  [ "$(of rich versions last_version)" = '[2,"2024-05-01T16:00:00.000Z"]' ]
  [ "$(of late versions last_use definition)" = '[0,null,"current"]' ]
}

@test "the store is only read" {
  find st -type f -exec sha256sum {} + | sort >before
  usage >/dev/null
  cdp-segment --store st --batches
  find st -type f -exec sha256sum {} + | sort >after
  same before after
  run -4 --separate-stderr cdp-segment -d s.json --store none --usage
  [ "$stderr" = "cdp-segment: 'none': no store of audiences" ]
  [ ! -e none ]
}

@test "what does not go with it is refused" {
  run -2 cdp-segment -d s.json --usage
  run -2 cdp-segment --store st --usage
  run -2 usage profiles
  for o in --lint --cost --count --changes --follow '--lineage rows' '--keep 1' '--affected tag:aum'; do
    run -2 usage $o
  done
  run -2 --separate-stderr cdp-segment -d s.json --store st --retire tag:aum profiles
  [[ $stderr == *'--retire needs --usage'* ]]
  run -2 usage --segment nobody
  [ "$(usage --segment rich | jq -r .name)" = rich ]
}
