# The state of cdp-tag: nights give the bytes of a pass over all history, however they go.
bats_require_minimum_version 1.5.0
load ../helper

# A small bank, a file a day; one_id is the customer's number, so that persons can be joined.
setup_file() {
  export BANK=$BATS_FILE_TMPDIR/bank DAYS=$BATS_FILE_TMPDIR/days TAGS=$BATS_FILE_TMPDIR/tags.json
  cdp-gen --seed 4 --customers 80 --days 12 --start 2024-02-22 -o "$BANK"
  for f in "$BANK"/sensors/*.log "$BANK"/core/transactions-*.gz "$BANK/core/holdings.ndjson" "$BANK/core/profiles.ndjson"; do
    cdp-collect -q --max-rejects 5% --rejects /dev/null --dedup 3d "$f"
  done | jq -c 'select(.ids.customer) | {one_id: .ids.customer} + .' >"$BATS_FILE_TMPDIR/all"
  mkdir "$DAYS"
  # By day of arrival: one in ten events a day late; tables come with the first day.
  awk -v dir="$DAYS" 'match($0, /"time":"[^"]*/) {
      day = substr($0, RSTART + 8, 10)
      if (NR % 10 == 0) { split(day, d, "-"); day = strftime("%F", mktime(d[1] " " d[2] " " d[3] " 12 0 0") + 86400) }
      if (day < "2024-02-22" || !/"event"/) day = "2024-02-22"
      print >(dir "/" day) }' "$BATS_FILE_TMPDIR/all"
  cat >"$TAGS" <<'END'
{"tags":[
 {"name":"events","value":"count()"},
 {"name":"starts_3d","value":"count(event == 'app_start' && within('3d'))"},
 {"name":"paid","value":"sum(props.amount, event == 'pay_success')"},
 {"name":"paid_36h","value":"sum(props.amount, event == 'pay_success' && within('36h'))"},
 {"name":"last","value":"last(time)"},
 {"name":"first","value":"first(event)"},
 {"name":"products","value":"distinct(props.product, within('5d'))"},
 {"name":"favourite","value":"top(props.product)"},
 {"name":"days","value":"days(within('1w'))"},
 {"name":"bought","value":"sequence(['view_product','click_buy'], '1d', within('4d'))"},
 {"name":"place","value":"rank(tags.events)"},
 {"name":"aum","value":"profile.aum"},
 {"name":"held","value":"size(details.holding)"}]}
END
}

setup() {
  cd "$BATS_TEST_TMPDIR"
  for f in "$DAYS"/2024-0[23]-??; do echo "${f##*/}"; done >days
}

after() { # the base time that ends a day
  date -u -d "$1 + 1 day" +%F
}

night() { # DAY ARGUMENT...
  cdp-tag -q --state st -d "$TAGS" --as-of "$(after "$1")" "${@:2}"
}

full() { # BASE-TIME FILE...
  cdp-tag -d "$TAGS" --as-of "$1" "${@:2}"
}

@test "night by night the profiles are those of a pass over all history" {
  n=0
  while read -r day; do
    night "$day" "$DAYS/$day" >one
    # shellcheck disable=SC2046
    full "$(after "$day")" $(sed "/$day/q" days | sed "s,^,$DAYS/,") >all
    cmp one all
    n=$((n + 1))
  done <days
  [ "$n" -ge 12 ]
  [ "$(wc -l <all)" -gt 60 ]
}

@test "so they are with several threads, several files a night and input that came compressed" {
  night 2024-02-25 -j 3 "$DAYS"/2024-02-2[2-5] >/dev/null
  zstd -q "$DAYS/2024-02-26" -o six.zst
  night 2024-02-27 -j 2 six.zst "$DAYS/2024-02-27" >one
  full 2024-02-28 "$DAYS"/2024-02-2[2-7] >all
  cmp one all
}

@test "a file counts once, whatever it is called and however it is packed" {
  night 2024-02-22 "$DAYS/2024-02-22" >first
  cp "$DAYS/2024-02-22" other
  gzip -k other
  run -0 --separate-stderr cdp-tag --state st -d "$TAGS" --as-of 2024-02-23 --stats other other.gz "$DAYS/2024-02-22"
  [ "$output" = "$(cat first)" ]
  [ "${stderr_lines[0]}" = "cdp-tag: other: the state has it, as '$DAYS/2024-02-22'" ]
  [ "${stderr_lines[2]}" = "cdp-tag: $DAYS/2024-02-22: the state has it" ]
  [ "$(jq .known_files <<<"${stderr_lines[3]}")" -eq 3 ]
}

@test "what can be read only once is known by the name that it is given" {
  run -2 --separate-stderr cdp-tag --state st -d "$TAGS" --as-of 2024-02-23 <"$DAYS/2024-02-22"
  [[ ${stderr_lines[0]} == *"standard input can be read only once: name what it holds with --batch" ]]
  night 2024-02-22 --batch 22 <"$DAYS/2024-02-22" >first
  night 2024-02-22 --batch 22 <"$DAYS/2024-02-23" >again
  cmp first again
  full 2024-02-23 "$DAYS/2024-02-22" | cmp - first
}

@test "killed before or in any write, sync or rename, the same night again gives the same bytes" {
  [ "$MODE" != asan ] || skip "nothing can be preloaded before the sanitizer"
  night 2024-02-22 "$DAYS/2024-02-22" >/dev/null
  night 2024-02-23 --changed "$DAYS/2024-02-23" >/dev/null
  cp -r st before
  night 2024-02-24 "$DAYS/2024-02-24" -o want
  cp -r before st2
  cdp-tag -q --state st2 -d "$TAGS" --as-of 2024-02-25 --changed "$DAYS/2024-02-24" -o want.changed
  tried=0
  for call in write fsync rename; do
    for how in kill tear; do
      [ "$how $call" != "tear fsync" ] && [ "$how $call" != "tear rename" ] || continue
      for n in $(seq 12); do
        rm -rf st got mark
        cp -r before st
        CDP_INJECT=$call:$n:$how CDP_INJECT_MARK=mark LD_PRELOAD=$TOP/build/$MODE/inject.so \
          cdp-tag -q -j 1 --state st -d "$TAGS" --as-of 2024-02-25 --changed "$DAYS/2024-02-24" -o got 2>/dev/null || true
        [ -e mark ] || break
        tried=$((tried + 1))
        night 2024-02-24 --changed "$DAYS/2024-02-24" -o got
        cmp got want.changed
        night 2024-02-24 -o got "$DAYS/2024-02-24"
        cmp got want
      done
    done
  done
  [ "$tried" -ge 6 ]
}

@test "persons that became others have the history of both" {
  night 2024-02-23 "$DAYS"/2024-02-2[23] >/dev/null
  jq -r .one_id "$DAYS"/2024-02-2[23] | sort | uniq -c | sort -rn | awk '{ print $2 }' | head -n 4 >who
  { read -r a; read -r b; read -r c; read -r d; } <who
  printf '{"merge":"%s","from":"%s","into":"%s"}\n' link "$a" "$b" renamed "$c" zz stream "$b" "$d" >merges
  night 2024-02-24 --merges merges "$DAYS/2024-02-24" >one
  sed "s/\"one_id\":\"$a\"/\"one_id\":\"$d\"/; s/\"one_id\":\"$b\"/\"one_id\":\"$d\"/; s/\"one_id\":\"$c\"/\"one_id\":\"zz\"/" \
    "$DAYS"/2024-02-2[2-4] >merged
  full 2024-02-25 merged | cmp - one
  # The log again, and events that still bear the old name.
  night 2024-02-25 --merges merges "$DAYS/2024-02-25" >one
  sed "s/\"one_id\":\"$a\"/\"one_id\":\"$d\"/; s/\"one_id\":\"$b\"/\"one_id\":\"$d\"/; s/\"one_id\":\"$c\"/\"one_id\":\"zz\"/" \
    "$DAYS"/2024-02-2[2-5] >merged
  full 2024-02-26 merged | cmp - one
  echo '{"merge":"moved","from":"a","into":"b"}' >merges
  run -0 --separate-stderr cdp-tag --state st -d "$TAGS" --as-of 2024-02-26 --merges merges /dev/null
  [ "$stderr" = "cdp-tag: 1 ids moved to another person; what was counted before stays with the one who had them" ]
}

@test "a base time may be asked for again up to seven days later, as seen from now" {
  night 2024-03-02 "$DAYS"/2024-0* >/dev/null
  night 2024-02-24 /dev/null >one
  full 2024-02-25 "$DAYS"/2024-0* | cmp - one
  run -2 --separate-stderr cdp-tag --state st -d "$TAGS" --as-of 2024-02-24 /dev/null
  [ "$stderr" = "cdp-tag: 'st/tags' goes back to 2024-02-24T16:00:00.000Z: an earlier base time needs a pass over all history" ]
  run -2 --separate-stderr cdp-tag --state st -d "$TAGS" --as-of 2024-03-03T12:00:00Z /dev/null
  [ "$stderr" = "cdp-tag: a state knows whole days: the base time must be the start of one in 'Asia/Shanghai'" ]
}

@test "a range of base times takes one pass over the events" {
  cdp-tag -q --state st -d "$TAGS" --as-of 2024-02-24 "$DAYS"/2024-0* >one
  full 2024-02-24 "$DAYS"/2024-0* | cmp - one
  for base in 2024-02-25 2024-02-28 2024-03-01 2024-03-04; do
    cdp-tag -q --state st -d "$TAGS" --as-of "$base" /dev/null >one
    full "$base" "$DAYS"/2024-0* | cmp - one
  done
}

@test "--changed writes what is not as it was, and who is gone" {
  night 2024-02-22 --changed "$DAYS/2024-02-22" >one
  full 2024-02-23 "$DAYS/2024-02-22" | cmp - one
  who=$(jq -r 'select(.event) | .one_id' "$DAYS/2024-02-22" | sort | tail -n 1)
  echo '{"merge":"link","from":"'"$who"'","into":"'"$(jq -r .one_id one | head -n 1)"'"}' >merges
  night 2024-02-24 --changed --merges merges "$DAYS/2024-02-23" >two
  night 2024-02-24 >now /dev/null
  grep -F '{"one_id":"'"$who"'","as_of":"2024-02-24T16:00:00.000Z","deleted":true}' two
  # What changed, and nothing else.
  strip() { sed 's/,"as_of":"[^"]*"//' | sort; }
  strip <one >one.s
  strip <now >now.s
  comm -13 one.s now.s >want
  grep -v deleted two | strip | cmp - want
  [ -s want ]
  # The same night again says the same.
  night 2024-02-24 --changed /dev/null | cmp - two
  ls st >files
  [ "$(grep -c profiles files)" -eq 2 ]
}

@test "definitions that the state has no history of are refused by name" {
  night 2024-02-22 "$DAYS/2024-02-22" >first
  sed "s/'3d'/'4d'/" "$TAGS" >new.json
  run -2 --separate-stderr cdp-tag --state st -d new.json --as-of 2024-02-24 "$DAYS/2024-02-23"
  [[ $stderr == "cdp-tag: tag 'starts_3d': count("*"within('4d')) is not in 'st/tags', which has no history of it: give all of it with --fill, or begin without by --start-empty" ]]
  sed 's/profile.aum/profile.level/' "$TAGS" >new.json
  run -2 --separate-stderr cdp-tag --state st -d new.json --as-of 2024-02-24 "$DAYS/2024-02-23"
  [[ $stderr == "cdp-tag: profile.level is not in 'st/tags', which has no history of it: give all of it with --fill, or begin without by --start-empty" ]]
  # What only holds known aggregates otherwise is no news.
  sed 's/"value":"count()"/"value":"count() * 2"/' "$TAGS" >new.json
  cdp-tag --state st -d new.json --as-of 2024-02-23 /dev/null | jq -c '.tags.events / 2' >twice
  jq -c .tags.events first | cmp - twice
}

@test "what is new is filled in from history, and the state is as if it always had been there" {
  sed "s/'3d'/'4d'/; s/profile.aum/profile.level/; s/props.product, within('5d')/props.product, within('100h')/" "$TAGS" >new.json
  for day in 2024-02-22 2024-02-23 2024-02-24; do night "$day" "$DAYS/$day" >/dev/null; done
  run -0 --separate-stderr cdp-tag --state st -d new.json --as-of 2024-02-25 --fill -o filled "$DAYS"/2024-02-2[234]
  [ "${#stderr_lines[@]}" -eq 3 ] # what goes
  cdp-tag -q -d new.json --as-of 2024-02-25 "$DAYS"/2024-02-2[234] | cmp - filled
  # Again nothing is read.
  run -0 --separate-stderr cdp-tag --state st -d new.json --as-of 2024-02-25 --fill -o again nothing
  [ "$stderr" = "cdp-tag: nothing is new to the state: nothing is read" ]
  cmp again filled
  cdp-tag -q --state st -d new.json --as-of 2024-02-26 "$DAYS/2024-02-25" >one
  cdp-tag -q -d new.json --as-of 2024-02-26 "$DAYS"/2024-02-2[2345] | cmp - one
  cdp-tag -q --state anew -d new.json --as-of 2024-02-26 "$DAYS"/2024-02-2[2345] | cmp - one
}

@test "history that is not what the state has is told" {
  night 2024-02-23 "$DAYS"/2024-02-2[23] >/dev/null
  sed "s/'3d'/'4d'/" "$TAGS" >new.json
  cat "$DAYS"/2024-02-23 "$DAYS"/2024-02-24 >two
  gzip -k two
  cp -r st st2
  run -0 --separate-stderr cdp-tag --state st -d new.json --as-of 2024-02-24 --fill -o /dev/null "$DAYS/2024-02-22" two two.gz
  [ "${stderr_lines[0]}" = "cdp-tag: two: the state does not have it as such; it counts for what is new alone" ]
  [ "${stderr_lines[1]}" = "cdp-tag: two.gz: it was among the files before" ]
  [ "${stderr_lines[2]}" = "cdp-tag: 1 inputs of the state were not among the files as such, as '$DAYS/2024-02-23': what was only in them is not filled in" ]
  run -2 cdp-tag --state st2 -d new.json --as-of 2024-02-24 --fill
  run -2 --separate-stderr cdp-tag --state st3 -d new.json --as-of 2024-02-24 --fill two
  [ "$stderr" = "cdp-tag: 'st3/tags' is not there to be filled: a first run without --fill reads all history" ]
  run -2 cdp-tag --state st2 -d new.json --as-of 2024-02-24 --fill --start-empty two
  run -2 cdp-tag -d new.json --fill two
}

@test "what is new begins without history if that is said, and every run tells until it is filled" {
  night 2024-02-22 "$DAYS/2024-02-22" >/dev/null
  sed "s/'3d'/'4d'/" "$TAGS" >new.json
  cdp-tag -q --state st -d new.json --as-of 2024-02-24 --start-empty "$DAYS/2024-02-23" | jq -c '[.one_id, .tags.starts_3d]' >one
  cdp-tag -q -d new.json --as-of 2024-02-24 "$DAYS/2024-02-23" | jq -c '[.one_id, .tags.starts_3d]' >since
  grep -Fxf since one >both # others are of the day before alone
  cmp both since
  run -0 --separate-stderr cdp-tag --state st -d new.json --as-of 2024-02-25 -o /dev/null "$DAYS/2024-02-24"
  [[ $stderr == "cdp-tag: count("*"within('4d')) began with the run as of 2024-02-23T16:00:00.000Z: give all history with --fill for more" ]]
  run -0 --separate-stderr cdp-tag --state st -d new.json --as-of 2024-02-25 --fill -o filled "$DAYS"/2024-02-2[234]
  [ -z "$stderr" ]
  cdp-tag -q -d new.json --as-of 2024-02-25 "$DAYS"/2024-02-2[234] | cmp - filled
}

@test "an aggregate that is no more is forgotten, and that is told" {
  night 2024-02-22 "$DAYS/2024-02-22" >/dev/null
  grep -v '"last"' "$TAGS" >less.json
  run -0 --separate-stderr cdp-tag --state st -d less.json --as-of 2024-02-23 -o /dev/null /dev/null
  [ "$stderr" = "cdp-tag: last(time) is in no definition any more: its history goes" ]
  run -2 cdp-tag -q --state st -d "$TAGS" --as-of 2024-02-23 /dev/null
}

@test "another zone or key is refused" {
  night 2024-02-22 "$DAYS/2024-02-22" >/dev/null
  run -2 --separate-stderr cdp-tag --state st -d "$TAGS" --tz UTC --as-of 2024-02-24 /dev/null
  [ "$stderr" = "cdp-tag: 'st/tags' was made in the zone 'Asia/Shanghai', not 'UTC': it must be made anew from all history" ]
  run -2 --separate-stderr cdp-tag --state st -d "$TAGS" --key ids.customer --as-of 2024-02-24 /dev/null
  [ "$stderr" = "cdp-tag: 'st/tags' tells customers apart by 'one_id', not 'ids.customer'" ]
}

@test "aggregates that change with the base time are refused, those over entities told" {
  echo '{"tags":[{"name":"old","value":"count(time < as_of - duration('"'30d'"'))"}]}' >t.json
  run -2 --separate-stderr cdp-tag --state st -d t.json --as-of 2024-02-23 /dev/null
  [[ $stderr == "cdp-tag: tag 'old': count("*" cannot be kept in a state: events are held against as_of, which within() would do by days" ]]
  echo '{"tags":[{"name":"c","value":"top(entity('"'product'"', props.product).class)"}]}' >t.json
  run -0 --separate-stderr cdp-tag --state st -d t.json --entities /dev/null --as-of 2024-02-23 -o /dev/null /dev/null
  [[ ${stderr_lines[0]} == *": events keep what entity tables say of them on the night they are read" ]]
}

@test "a damaged state is an error, a file that cannot be read changes nothing" {
  night 2024-02-22 "$DAYS/2024-02-22" >/dev/null
  cp st/tags was
  run -4 cdp-tag -q --state st -d "$TAGS" --as-of 2024-02-24 "$DAYS/2024-02-23" missing
  cmp st/tags was
  printf x | dd of=st/tags bs=1 seek=3000 conv=notrunc status=none
  run -4 --separate-stderr cdp-tag -q --state st -d "$TAGS" --as-of 2024-02-24 "$DAYS/2024-02-23"
  [[ $stderr == "cdp-tag: 'st/tags' is damaged at byte "* ]]
}

@test "options of states need one" {
  for option in --changed "--batch x" "--merges x"; do
    # shellcheck disable=SC2086
    run -2 --separate-stderr cdp-tag -d "$TAGS" $option /dev/null
    [ "${stderr_lines[0]}" = "cdp-tag: option '${option%% *}' requires '--state'" ]
  done
}

@test "relations are kept, follow joined persons, and are the latest of each pair" {
  echo '{"tags":[{"name":"owns","value":"relations.owns"},{"name":"shares","value":"links.owns.map(l, l.share)"}]}' >t.json
  owns() { # CUSTOMER FIRM DAY REST
    echo '{"one_id":"'"$1"'","time":"2024-04-'"$3"'T00:00:00.000Z","type":"relation","ids":{"customer":"C'"$1"'"},"relation":"owns","to":{"firm":"'"$2"'"}'"$4"'}'
  }
  { owns a E1 01 ',"props":{"share":0.1}'; owns a E2 03 ',"props":{"share":0.2}'; owns b E3 01 ''; owns c E9 02 ''; } >1
  { owns a E1 02 ',"props":{"share":0.3}'; owns a E2 02 ',"deleted":true'; owns b E3 02 ',"deleted":true'; owns d E4 01 ''; } >2
  owns b E5 01 ',"props":{"share":0.5}' >3
  echo '{"merge":"link","from":"d","into":"c"}' >merges
  cdp-tag -q --state st -d t.json --as-of 2024-04-10 1 >/dev/null
  cdp-tag -q --state st -d t.json --as-of 2024-04-11 2 >/dev/null
  cdp-tag -q --state st -d t.json --as-of 2024-04-12 --merges merges 3 >one
  sed 's/"one_id":"d"/"one_id":"c"/' 1 2 3 | cdp-tag -d t.json --as-of 2024-04-12 >all
  cmp one all
  grep -F '{"one_id":"a","as_of":"2024-04-11T16:00:00.000Z","tags":{"owns":["E1","E2"],"shares":[0.3,0.2]}}' one
  run -2 --separate-stderr cdp-tag --state st -d <(sed s/owns/serves/g t.json) --as-of 2024-04-12 /dev/null
  [ "$stderr" = "cdp-tag: relations.serves is not in 'st/tags', which has no history of it: give all of it with --fill, or begin without by --start-empty" ]
  echo '{"tags":[{"name":"owns","value":"relations.owns"}]}' >t.json
  cdp-tag -q --state st2 -d t.json --as-of 2024-04-10 1 >/dev/null
  run -2 --separate-stderr cdp-tag --state st2 -d <(echo '{"tags":[{"name":"n","value":"size(links.owns)"}]}') --as-of 2024-04-12 /dev/null
  [ "$stderr" = "cdp-tag: 'st2/tags' has relations without their props, which links ask for: give all history with --fill" ]
}

@test "relations that are new, and props of those that are not, are filled in" {
  relation() { # CUSTOMER FIRM DAY NAME REST
    echo '{"one_id":"'"$1"'","time":"2024-04-'"$3"'T00:00:00.000Z","type":"relation","ids":{"customer":"C'"$1"'"},"relation":"'"$4"'","to":{"firm":"'"$2"'"}'"$5"'}'
  }
  { relation a E1 01 owns ',"props":{"share":0.1}'; relation a E2 03 serves ''; relation c E9 02 owns ''
    relation b E3 01 serves ',"props":{"share":0.7}'; echo '{"one_id":"d","time":"2024-04-02T00:00:00.000Z","event":"x"}'; } >1
  # A removal that is older than what it would remove, one that is not, one who joined.
  { relation a E2 02 serves ',"deleted":true'; relation b E3 02 serves ',"deleted":true'; relation d E4 01 serves ',"props":{"share":0.4}'
    relation e E9 01 serves ',"props":{"share":0.5}'; relation a E1 01 owns ',"props":{"share":0.05}'; relation e E8 03 owns ',"props":{"share":0.6}'; } >2
  echo '{"merge":"link","from":"d","into":"c"}' >merges
  relation c E5 05 serves '' >3
  n='{"name":"n","value":"count()"}' owns='{"name":"owns","value":"relations.owns"}'
  serves='{"name":"serves","value":"relations.serves"}' shares='{"name":"shares","value":"links.owns.map(l, has(l.share) ? l.share : -1.0)"}'
  for new in "$serves" "$shares" "$serves,$shares"; do
    rm -rf st
    echo '{"tags":['"$n,$owns"']}' >t.json
    cdp-tag -q --state st -d t.json --as-of 2024-04-10 1 >/dev/null
    cdp-tag -q --state st -d t.json --as-of 2024-04-11 --merges merges 2 >/dev/null
    echo '{"tags":['"$n,$owns,$new"']}' >t.json
    run -2 cdp-tag --state st -d t.json --as-of 2024-04-12 3
    cdp-tag -q --state st -d t.json --as-of 2024-04-12 --fill -o filled 1 2
    sed 's/"one_id":"d"/"one_id":"c"/' 1 2 | cdp-tag -q -d t.json --as-of 2024-04-12 | cmp - filled
    cdp-tag -q --state st -d t.json --as-of 2024-04-13 3 >next
    sed 's/"one_id":"d"/"one_id":"c"/' 1 2 3 | cdp-tag -q -d t.json --as-of 2024-04-13 | cmp - next
  done
  grep -F '"one_id":"a"' next | grep -qF '"owns":["E1"],"serves":["E2"],"shares":[0.1]'
}

@test "tags of entities go from night to night, too" {
  echo '{"tags":[{"name":"buyers","entity":"product","value":"distinct(one_id, event == '"'pay_success'"')"},
    {"name":"risk","entity":"product","value":"profile.risk"}]}' >t.json
  for day in 22 23 24; do
    cdp-tag -q --state st --entity product -d t.json --entities "$BANK/core/products.ndjson" \
      --as-of "$(after 2024-02-$day)" "$DAYS/2024-02-$day" >one
  done
  cdp-tag -q --entity product -d t.json --entities "$BANK/core/products.ndjson" --as-of 2024-02-25 \
    "$DAYS"/2024-02-2[2-4] | cmp - one
  [ "$(wc -l <one)" -gt 5 ]
  run -2 --separate-stderr cdp-tag --state st -d "$TAGS" --key props.ENTITY --as-of 2024-02-25 /dev/null
  [ "$stderr" = "cdp-tag: 'st/tags' is of 'product', not 'person'" ]
}
