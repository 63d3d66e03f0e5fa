# Audiences that are imported from lists of ids.
bats_require_minimum_version 1.5.0
load ../helper

setup() {
  cd "$BATS_TEST_TMPDIR"
  cat >map <<'END'
{"kind":"customer","value":"C1","one_id":"a"}
{"kind":"customer","value":"C2","one_id":"b"}
{"kind":"phone","value":"+8613612345678","one_id":"gone"}
{"kind":"phone","value":"+8613712345678","one_id":"c"}
{"kind":"phone","value":"+8613812345678","one_id":"a"}
{"kind":"phone","value":"+8613912345678","one_id":"b"}
END
  printf '{"one_id":"%s","tags":{"aum":%d}}\n' a 50 b 200 c 500 d 700 >p
}

# define IMPORT: the audience `l`.
define() {
  echo '{"segments":[{"name":"l","import":'"$1"'}]}' >s.json
}

lists() {
  cdp-segment -q -d s.json --as-of 2024-05-01 --ids map --report report "$@" p
}

who() {
  lists "$@" | jq -r "select(.segment == \"l\").one_id" | xargs
}

# What the report says of a list: rows matched unmatched no_profile blocked duplicate rejected.
counts() {
  jq -r "select(.segment == \"${1-l}\") |
    [.rows,.matched,.unmatched,.no_profile,.blocked,.duplicate,.rejected] | join(\" \")" report
}

@test "a file of one_ids, an id a line, is an audience" {
  printf 'd\na\n\n a \nnobody\n' >l.txt
  define '"l.txt"'
  [ "$(who)" = 'a d' ]
  [ "$(counts)" = '4 2 0 1 0 1 0' ]
}

@test "a telephone number is the same however it is written" {
  printf '%s\n' '+86 138-1234-5678' '１３９１２３４５６７８' '008613712345678' >l.txt
  define '{"files":["l.txt"],"kind":"phone"}'
  [ "$(who)" = 'a b c' ]
}

@test "each row is matched, unmatched, without a profile, a duplicate or rejected" {
  printf '%s\n' 13812345678 +8613812345678 13612345678 13500000000 13512345678 13512345678 12345 '' null >l.txt
  define '{"files":["l.txt"],"kind":"phone"}'
  run -3 --separate-stderr lists --rejects rejects --unmatched unmatched
  [ "$(counts)" = '8 1 2 1 0 2 2' ] || { cat report; false; }
  [ "$(jq -r '[.reject.at,.reject.reason] | join(" ")' rejects)" = "l.txt:7 '12345' is no phone number
l.txt:9 'null' is no phone number" ]
  [ "$(jq -r '[.id,.reason,.line] | join(" ")' unmatched)" = '+8613812345678 duplicate 2
+8613612345678 no profile 3
+8613500000000 unknown 4
+8613512345678 unknown 5
+8613512345678 duplicate 6' ]
}

@test "a number whose digits a spreadsheet took is rejected, not unmatched" {
  printf '%s\n' C1 1.10105E+17 >l.txt
  define '{"files":["l.txt"],"kind":"customer"}'
  run -3 --separate-stderr lists --rejects rejects
  [ "$(jq -r .reject.reason rejects)" = \
    "'1.10105E+17' has lost its digits, as spreadsheets make of long numbers" ]
}

@test "a person who stands there twice, also by another id, is a duplicate of himself" {
  printf '{"customer":"C1"}\n{"customer":"C1"}\n' >l.ndjson
  printf '{"id":"C2"}\n{"customer":"C1"}\n' >m.ndjson
  define '{"files":["l.ndjson","m.ndjson"],"kind":"customer"}'
  [ "$(who)" = 'a b' ]
  [ "$(counts)" = '4 2 0 0 0 2 0' ]
  printf '{"kind":"phone","value":"+8613512345678","one_id":"a"}\n' >>map
  printf '%s\n' 13812345678 13512345678 >l.txt
  define '{"files":["l.txt"],"kind":"phone"}'
  [ "$(who)" = a ]
  [ "$(counts)" = '2 1 0 0 0 1 0' ]
}

@test "a table of GB18030 with CR LF is read by the name of its column" {
  printf '姓名,手机号\r\n"张,三",13812345678\r\n李四,"13912345678"\r\n王五\r\n' | iconv -f UTF-8 -t GB18030 >l.csv
  define '{"files":["l.csv"],"kind":"phone","key":"手机号","charset":"GB18030"}'
  run -3 --separate-stderr lists --rejects rejects
  [ "$(jq -r .one_id <<<"$output" | xargs)" = 'a b' ]
  [ "$(counts)" = '3 2 0 0 0 0 1' ]
  [ "$(jq -r '.reject.at + " " + .reject.reason' rejects)" = 'l.csv:4 the row has 1 fields' ]
  [ "$(jq -r .raw_b64 rejects | base64 -d | iconv -f GB18030 -t UTF-8)" = '王五' ]
}

@test "a byte order mark is no part of the first id or column" {
  printf '\xef\xbb\xbfC1\r\nC2\r\n' >l.txt
  define '{"files":["l.txt"],"kind":"customer"}'
  [ "$(who)" = 'a b' ]
  printf '\xef\xbb\xbfcustomer,x\nC1,1\n' >l.csv
  define '{"files":["l.csv"],"kind":"customer"}'
  [ "$(who)" = a ]
  printf '\xff\xfeC\0002\0\n\0' >l.txt
  define '{"files":["l.txt"],"kind":"customer"}'
  [ "$(who)" = b ]
}

@test "compressed files and tables with tabs are read" {
  printf 'x\tid\n1\tC1\n2\t"C2"\n' | gzip >l.tsv.gz
  define '{"files":["l.tsv.gz"],"kind":"customer"}'
  [ "$(who)" = 'a b' ]
  printf 'x|id\n1|C1\n' | zstd -q >l.out
  define '{"files":["l.out"],"kind":"customer","format":"csv","delimiter":"|"}'
  [ "$(who)" = a ]
}

@test "bytes that are none of the character set are rejected, the rows around them are not" {
  printf 'C1\nC\xff2\nC2\n' >l.txt
  define '{"files":["l.txt"],"kind":"customer"}'
  run -3 --separate-stderr lists
  [ "$(counts)" = '3 2 0 0 0 0 1' ]
}

@test "who stands in a list that is left out is blocked, by any of his ids" {
  printf '%s\n' 13812345678 13912345678 13712345678 13512345678 >l.txt
  printf 'C1\nC9\n' >dnc.txt
  printf '%s\n' 13512345678 >dnc2.txt
  cat >s.json <<'END'
{"segments":[
 {"name":"l","import":{"files":["l.txt"],"kind":"phone","block":["dnc","dnc2"]}},
 {"name":"dnc","import":{"files":["dnc.txt"],"kind":"customer"}},
 {"name":"dnc2","import":{"files":["dnc2.txt"],"kind":"phone"}}]}
END
  [ "$(who)" = 'b c' ]
  [ "$(counts)" = '4 2 0 0 2 0 0' ]
  lists --unmatched unmatched >/dev/null
  [ "$(jq -r 'select(.segment == "l") | .id + " " + .reason' unmatched)" = '+8613812345678 blocked
+8613512345678 blocked' ]
  [ "$(counts dnc)" = '2 1 1 0 0 0 0' ]
}

@test "memberships and stored audiences can be left out, too" {
  printf '%s\n' C1 C2 >l.txt
  printf '{"one_id":"a","segment":"said no"}\n' >with
  define '{"files":["l.txt"],"kind":"customer","block":["said no"]}'
  [ "$(who --with with)" = b ]
  echo '{"segments":[{"name":"said no","when":"tags.aum > 100"}]}' >t.json
  cdp-segment -d t.json --store st --as-of 2024-04-30 p
  lists --store st
  [ "$(cdp-segment --store st | jq -r .one_id)" = a ]
}

@test "rules, samples and tops take an imported audience like any other" {
  printf '%s\n' C1 C2 >l.txt
  cat >s.json <<'END'
{"segments":[
 {"name":"rich","when":"segments.l && tags.aum > 100"},
 {"name":"others","when":"!segments.l"},
 {"name":"l","import":{"files":["l.txt"],"kind":"customer"}},
 {"name":"one","import":{"files":["l.txt"],"kind":"customer"},"top":1,"by":"tags.aum"},
 {"name":"none","import":{"files":["l.txt"],"kind":"customer"},"sample":"0.0001%"}]}
END
  [ "$(lists | jq -r '.segment + "/" + .one_id' | sort | xargs)" = \
    'l/a l/b one/b others/c others/d rich/b' ]
  [ "$(cdp-segment -q -d s.json --ids map --explain b --segment rich p | jq -r 'select(.condition == "in the list").value')" = true ]
}

@test "the result is the same for any order of the rows and any number of jobs" {
  printf '%s\n' 13812345678 13912345678 +8613812345678 13512345678 >l.txt
  define '{"files":["l.txt"],"kind":"phone"}'
  lists >want
  mv report want.report
  tac l.txt >r && mv r l.txt
  tac map >r && mv r map
  lists -j 3 | cmp - want
  cmp report want.report
}

@test "a mode adds to or takes from the members of the version before, once" {
  printf '%s\n' C1 >l.txt
  define '{"files":["l.txt"],"kind":"customer"}'
  cdp-segment -q -d s.json --ids map --store st --as-of 2024-05-01 p
  printf '%s\n' C2 >l.txt
  define '{"files":["l.txt"],"kind":"customer","mode":"add"}'
  for i in 1 2; do
    cdp-segment -q -d s.json --ids map --store st --as-of 2024-05-02 --report report p
    [ "$(cdp-segment --store st | jq -r .one_id | xargs)" = 'a b' ]
    [ "$(jq -r '[.mode,.matched,.customers] | join(" ")' report)" = 'add 1 2' ]
  done
  printf '%s\n' C1 >l.txt
  define '{"files":["l.txt"],"kind":"customer","mode":"remove"}'
  cdp-segment -q -d s.json --ids map --store st --as-of 2024-05-03 --changes p >changes
  [ "$(jq -r '.one_id + " " + .change' changes)" = 'a left' ]
  [ "$(cdp-segment --store st | jq -r .one_id)" = b ]
}

@test "the list of an audience that has expired is not read, unless another one asks for it" {
  echo '{"segments":[{"name":"old","import":"gone.txt","expires":"2024-01-01"},{"name":"x","when":"true"}]}' >s.json
  cdp-segment -q -d s.json p >out
  echo '{"segments":[{"name":"old","import":"gone.txt","expires":"2024-01-01"},{"name":"x","when":"segments.old"}]}' >s.json
  run -4 --separate-stderr cdp-segment -q -d s.json p
  [[ $stderr == *"gone.txt: No such file or directory" ]]
}

@test "an independent join says the same of a list with everything in it" {
  awk 'BEGIN { srand(7); for (i = 0; i < 3000; i++) {
    p = sprintf("138%08d", int(rand() * 4000)); k = int(rand() * 6)
    print k == 0 ? "+86 " p : k == 1 ? "0086" p : k == 2 ? substr(p, 1, 3) "-" substr(p, 4) : k == 3 ? "x" p : p
    if (k == 5) print "" } }' | sed 's/$/\r/' >l.txt
  awk 'BEGIN { srand(8); for (i = 0; i < 4000; i++) if (rand() < .7)
    printf "{\"kind\":\"phone\",\"value\":\"+86138%08d\",\"one_id\":\"%05d\"}\n", i, i / 1.5 }' >map
  awk 'BEGIN { srand(9); for (i = 0; i < 3000; i++) if (rand() < .8)
    printf "{\"one_id\":\"%05d\",\"tags\":{}}\n", i }' | sort -R --random-source=/dev/zero >p
  define '{"files":["l.txt"],"kind":"phone"}'
  lists --max-rejects 3000 2>/dev/null | jq -r .one_id >got
  tr -d '\r' <l.txt | sed 's/[^0-9x]//g; s/^0*86138/138/' | grep . >ids
  jq -r '[.value[3:],.one_id] | @csv' map >map.csv
  jq -r .one_id p >p.csv
  sqlite3 >want <<'END'
create table ids(id text); create table map(id text, one text); create table p(one text);
.import ids ids
.import --csv map.csv map
.import p.csv p
select distinct one from ids join map using (id) join p using (one) order by 1;
END
  cmp got want
  [ "$(counts)" = "$(sqlite3 <<'END'
create table ids(id text); create table map(id text, one text); create table p(one text);
.import ids ids
.import --csv map.csv map
.import p.csv p
create view v as select id, (select one from map where map.id = ids.id) as one from ids where id not like 'x%';
select (select count(*) from ids) || ' ' || m || ' ' || u || ' ' || (n - m) || ' 0 ' || (r - n - u) || ' ' ||
  ((select count(*) from ids) - r) from (select
  (select count(distinct one) from v where one in (select one from p)) m,
  (select count(distinct one) from v) n,
  (select count(distinct id) from v where one is null) u,
  (select count(*) from v) r);
END
)" ]
}

@test "what is wrong with a list is told before profiles are read" {
  wrong() { # IMPORT MESSAGE [OPTION...]
    define "$1"
    local want=$2
    shift 2
    run -2 --separate-stderr cdp-segment -d s.json "$@" /nonexistent
    [[ $stderr == *"l: $want" ]] || { echo "$stderr"; false; }
  }
  wrong 5 'import: expected the name of a file or an object'
  wrong '{"file":"x"}' "import: unknown member 'file'; did you mean 'files'?"
  wrong '{"files":["x"],"mode":"append"}' "import.mode: 'append' is none of overwrite, add and remove"
  wrong '{"files":["x"],"mode":"add"}' 'import.mode: --store is needed, which has who was in it before'
  wrong '{"files":["x"],"kind":"phone"}' "import.kind: 'phone' is looked up in a map: --ids is needed"
  wrong '{"files":["x"],"kind":"phon"}' "import.kind: 'phon' is no kind of id; did you mean 'phone'?" --kinds "$SAMPLES/ids.json"
  wrong '{"files":["x"],"kind":"ip"}' "import.kind: 'ip' is off: it says of nobody who he is"
  wrong '{"files":["x"],"key":"y"}' "import.key: a line is an id; 'format' says if the files are CSV or NDJSON"
  wrong '{"files":["x"],"block":["nobody"]}' "import.block: unknown segment 'nobody'"
  wrong '{"files":["x.csv","y"]}' "import.files: 'x.csv' and 'y' are of different formats; 'format' says which it is"
  echo '{"segments":[{"name":"l","import":"x","when":"true"}]}' >s.json
  run -2 --separate-stderr cdp-segment -d s.json p
  [[ $stderr == *"l: when: it is imported; a rule of another audience may ask for segments.l" ]]
  echo '{"segments":[{"name":"l","import":{"files":["x"],"block":["r"]}},{"name":"r","when":"true"}]}' >s.json
  run -2 --separate-stderr cdp-segment -d s.json p
  [[ $stderr == *"l: import.block: 'r' has a rule, so who is in it is known too late; a rule may say segments.l && !segments.r" ]]
  echo '{"segments":[{"name":"l","import":{"files":["x"],"block":["r"]}},{"name":"r","import":"y","sample":5}]}' >s.json
  run -2 --separate-stderr cdp-segment -d s.json p
  [[ $stderr == *"l: import.block: 'r' has a cut of its own" ]]
  printf 'a,b\n1,2\n' >x.csv
  define '{"files":["x.csv"],"kind":"customer"}'
  run -2 --separate-stderr lists
  [[ $stderr == *"x.csv: there is no column 'customer' or 'id'" ]]
}

@test "a map of something else, and one that is of two minds, are refused" {
  echo C1 >l.txt
  define '{"files":["l.txt"],"kind":"customer"}'
  run -2 --separate-stderr cdp-segment -q -d s.json --ids p p
  [[ $stderr == *"p: 4 of its records are of no identity map" ]]
  echo '{"kind":"customer","value":"C1","one_id":"b"}' >>map
  run -2 --separate-stderr lists
  [[ $stderr == *"map: 'C1' is of two persons" ]]
}

# --- into the store ---

keep() { # a version of 2024-05-01 with `rich` and `zero`
  echo '{"segments":[{"name":"rich","when":"tags.aum > 100","title":"rich ones"},{"name":"zero","when":"false"}]}' >t.json
  cdp-segment -d t.json --store st --as-of 2024-05-01T00:00:00Z p
}

put() {
  cdp-segment --store st --ids map "$@"
}

@test "--import puts a list into the stored version and says what came of it" {
  keep
  cp st/*.audiences before
  printf '%s\n' 13812345678 '138 1234 5678' 13612345678 13512345678 >l.txt
  put --import l.txt --kind phone --segment vip --unmatched unmatched >out
  [ "$(cat out)" = '{"result":"list","segment":"vip","kind":"phone","mode":"overwrite","rows":4,"matched":1,"unmatched":1,"no_profile":1,"blocked":0,"duplicate":1,"rejected":0,"customers":1}' ]
  [ "$(wc -l <unmatched)" = 3 ]
  [ "$(cdp-segment --store st | jq -r '.one_id + "/" + .segment' | xargs)" = 'b/rich c/rich d/rich a/vip' ]
  [ "$(cdp-segment --store st --list --search vip | jq -r '[.segment,.customers,.as_of] | join(" ")')" = 'vip 1 2024-05-01T00:00:00.000Z' ]
  [ "$(cdp-segment --store st --list --search rich | jq -r .title)" = 'rich ones' ]
  [ "$(cdp-segment --store st -e 'segments.vip || segments.rich' --count | jq .customers)" = 4 ]
  [ "$(cdp-segment --store st --export vip | jq -r .one_id)" = a ]
}

@test "what --import puts is what a definition would have given, byte for byte" {
  printf '%s\n' 13812345678 13912345678 >l.txt
  keep
  put --import l.txt --kind phone --segment vip >/dev/null
  mv st first
  echo '{"segments":[{"name":"vip","import":{"files":["l.txt"],"kind":"phone"}},{"name":"rich","when":"tags.aum > 100","title":"rich ones"},{"name":"zero","when":"false"}]}' >t.json
  cdp-segment -q -d t.json --ids map --store st --as-of 2024-05-01T00:00:00Z p
  cmp first/*.audiences st/*.audiences
}

@test "--import again replaces the audience; JSON says what a definition says" {
  keep
  printf '%s\n' C1 >l.csv.txt
  put --import l.csv.txt --kind customer --segment rich >/dev/null
  [ "$(cdp-segment --store st --segment rich | jq -r .one_id)" = a ]
  printf 'id;x\nC2;1\n' >l.txt
  put --import '{"files":["l.txt"],"format":"csv","delimiter":";","kind":"customer","mode":"add"}' --segment rich >/dev/null
  [ "$(cdp-segment --store st --segment rich | jq -r .one_id | xargs)" = 'a b' ]
  put --import '{"files":["l.csv.txt"],"kind":"customer","block":["rich"]}' --segment new | jq -e '.blocked == 1'
  put --import '{"files":["l.csv.txt"],"kind":"customer","mode":"remove"}' --segment rich >/dev/null
  [ "$(cdp-segment --store st --segment rich | jq -r .one_id)" = b ]
  [ "$(cdp-segment --store st --count | jq -r '.segment + "/" + (.customers | tostring)' | xargs)" = 'new/0 rich/1 zero/0' ]
}

@test "--import chooses the version by --as-of, and changes no other one" {
  keep
  cdp-segment -d t.json --store st --as-of 2024-05-03T00:00:00Z p
  cp st/20240503T000000.000Z.audiences latest
  echo a >l.txt
  cdp-segment --store st --import l.txt --segment vip --as-of 2024-05-02 >/dev/null
  cmp st/20240503T000000.000Z.audiences latest
  [ "$(cdp-segment --store st --as-of 2024-05-01T00:00:00Z --segment vip | jq -r .one_id)" = a ]
}

@test "a list that cannot be read leaves the store as it is" {
  keep
  cp st/*.audiences before
  run -4 --separate-stderr put --import gone.txt --segment vip
  [[ $stderr == *"gone.txt: No such file or directory" ]]
  run -2 --separate-stderr put --import '{"files":["x"],"mod":"add"}' --segment vip
  [[ $stderr == *"vip: import: unknown member 'mod'; did you mean 'mode'?" ]] || { echo "$stderr"; false; }
  printf 'a,b\n1,2\n' >x.csv
  run -2 --separate-stderr put --import x.csv --segment vip
  cmp st/*.audiences before
}

@test "options that say nothing together are refused" {
  wrong() {
    local want=$1
    shift
    run -2 --separate-stderr cdp-segment "$@"
    [[ $stderr == *"$want"* ]] || { echo "$stderr"; false; }
  }
  wrong '--import needs --store DIR' --import x
  wrong '--import needs one --segment NAME' --store st --import x
  wrong '--kind needs --import' --store st --kind phone
  wrong '--ids needs -d or --import' --store st --ids map
  wrong '--import excludes -e' --store st --import x --segment y --count
  wrong '--kind: --import says' --store st --import '{}' --segment y --kind phone
}

@test "who became another person is that person in a list of one_ids, and in what a list adds to" {
  printf '%s\n' a b >l.txt
  define '"l.txt"'
  cdp-segment -q -d s.json --store st --as-of 2024-05-01 p
  sed 's/"a"/"a2"/' p >p2
  echo '{"merge":"renamed","from":"a","into":"a2"}' >log
  cdp-segment -q -d s.json --store st --as-of 2024-05-02 --merges log --report report p2
  [ "$(cdp-segment --store st | jq -r .one_id | xargs)" = 'a2 b' ]
  [ "$(counts)" = '2 2 0 0 0 0 0' ]
  printf '%s\n' c >l.txt
  define '{"files":["l.txt"],"mode":"add"}'
  cdp-segment -q -d s.json --store st --as-of 2024-05-02 --merges log p2
  [ "$(cdp-segment --store st | jq -r .one_id | xargs)" = 'a2 b c' ]
  echo a >l.txt
  cdp-segment --store st --import l.txt --segment new --merges log | jq -e '.matched == 1'
}

@test "where there is no list the report is empty, and the map is not read" {
  echo old >report
  echo '{"segments":[{"name":"l","when":"true"}]}' >s.json
  cdp-segment -d s.json --ids /nonexistent --report report --unmatched unmatched --count p
  [ -e report ]
  [ ! -s report ]
  [ -e unmatched ]
  [ ! -s unmatched ]
}

@test "a customer in one of many lists is in that one alone" {
  for i in $(seq 150); do
    echo "nobody $i" >"l$i.txt"
    echo "{\"name\":\"l$i\",\"import\":\"l$i.txt\"}"
  done | jq -cs '{segments:.}' >s.json
  echo a >l70.txt
  echo b >l150.txt
  [ "$(cdp-segment -q -d s.json p | jq -r '.one_id + "/" + .segment' | xargs)" = 'a/l70 b/l150' ]
  run cdp-segment -d s.json --count p
  [[ $output == *"and 140 other lists"* ]]
}
