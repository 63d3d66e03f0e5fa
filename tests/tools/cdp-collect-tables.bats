# cdp-collect on tables: what files from anywhere look like, and what rows become.
bats_require_minimum_version 1.5.0
load ../helper

setup() {
  cd "$BATS_TEST_TMPDIR"
  cat >map.json <<'JSON'
{"type":"profile","fields":[
 {"column":"客户号","to":"ids.customer","required":true},
 {"column":"姓名","to":"set.name"},
 {"column":"手机号","to":"ids.phone"},
 {"column":"备注","to":"set.note"}]}
JSON
  # A comma, quotes and a line break in a field; a surname beyond GBK and the BMP.
  printf '%s\r\n' 客户号,姓名,手机号,备注 'C0001,张三,13800000000,"含,逗号与""引号"""' \
    'C0002,𠮷野,13900000001,"第一行' '第二行"' C0003,喆堃,, >table.csv
  cat >want <<'JSON'
{"time":"2024-04-30T16:00:00.000Z","type":"profile","ids":{"customer":"C0001","phone":"13800000000"},"set":{"name":"张三","note":"含,逗号与\"引号\""}}
{"time":"2024-04-30T16:00:00.000Z","type":"profile","ids":{"customer":"C0002","phone":"13900000001"},"set":{"name":"𠮷野","note":"第一行\r\n第二行"}}
{"time":"2024-04-30T16:00:00.000Z","type":"profile","ids":{"customer":"C0003"},"set":{"name":"喆堃"}}
JSON
}

collect() {
  cdp-collect --as-of 2024-05-01 "$@"
}

# One row of a table, given its header, through a map without its columns.
becomes() {
  printf '%s\n' "$2" "$3" | collect --columns-map <(echo "$1") >got
  printf '%s\n' "$4" >expected
  same expected got
}

@test "a table reads the same in any character set, with its byte order mark or without" {
  for cs in UTF-16LE UTF-16BE UTF-8 GB18030; do
    { printf '\357\273\277'; cat table.csv; } | iconv -f UTF-8 -t $cs >marked
    iconv -f UTF-8 -t $cs table.csv >bare
    collect --columns-map map.json marked >got
    same want got
    collect --columns-map map.json --charset $cs bare >got
    same want got
  done
  collect --columns-map map.json --charset GBK bare >got
  same want got
}

@test "character sets other than those known by name are those of iconv" {
  iconv -f UTF-8 -t BIG5-HKSCS <<<$'id,name\n1,冧譚' |
    collect --charset big5-hkscs --columns-map \
      <(echo '{"type":"profile","fields":[{"column":"id","to":"ids.c"}],"rest":"set"}') >got
  [ "$(jq -r .set.name got)" = 冧譚 ]
  run --separate-stderr collect --columns-map map.json --charset klingon table.csv
  [ "$status" -eq 2 ]
  [[ $stderr == *"unknown character set 'klingon'"* ]]
  run --separate-stderr collect --columns-map map.json --charset utf-7 table.csv
  [ "$status" -eq 2 ]
}

@test "lines may end with LF, CR LF or CR" {
  tr -d '\r' <table.csv | collect --columns-map map.json | sed 's/\\n/\\r\\n/' >got
  same want got
  tr -d '\n' <table.csv | collect --columns-map map.json | sed 's/\\r/\\r\\n/' >got
  same want got
  tr -d '\n' <table.csv | iconv -f UTF-8 -t UTF-16 | collect --columns-map map.json |
    sed 's/\\r/\\r\\n/' >got
  same want got
}

@test "a bar inside a character of GB18030 divides no fields" {
  # 億 is 83 7C in GBK, and 7C is the bar.
  printf 'id|name|x\n1|億萬|y\n' | iconv -f UTF-8 -t GB18030 >in
  grep -q $'\203|' in
  collect --charset gbk --delimiter '|' --columns-map \
    <(echo '{"type":"profile","fields":[{"column":"id","to":"ids.c"}],"rest":"set"}') in >got
  [ "$(jq -c .set got)" = '{"name":"億萬","x":"y"}' ]
}

@test "names of columns can be given where there is no header" {
  sed 1d table.csv | collect --columns-map map.json --columns 客户号,姓名,手机号,备注 >got
  same want got
  printf 'C1\tA\t\t\n' |
    collect --columns-map map.json --columns 客户号,姓名,手机号,备注 --delimiter '\t' >got
  [ "$(jq -c '[.ids.customer, .set.name]' got)" = '["C1","A"]' ]
  run --separate-stderr collect --columns-map map.json --columns 客户,姓名 table.csv
  [ "$status" -eq 2 ]
  [[ $stderr == *"no column '客户号' in the input; did you mean '客户'?"* ]]
}

@test "a row with a byte that is no character is set aside whole, byte for byte" {
  printf '1,\377\376\n2,b\n' >in
  run --separate-stderr collect -q --rejects bad --columns id,name --columns-map \
    <(echo '{"type":"profile","fields":[{"column":"id","to":"ids.c"}],"rest":"set"}') in
  [ "$status" -eq 3 ]
  [ "$(jq -r .set.name <<<"$output")" = b ]
  jq -r .raw_b64 bad | base64 -d | cmp - <(printf '1,\377\376')
}

@test "UTF-16 without a mark and without its name is told, not guessed" {
  for ends in cat 'sed s/$/\r/'; do
    for cs in UTF-16LE UTF-16BE; do
      run --separate-stderr collect --columns-map map.json < <($ends table.csv | iconv -f UTF-8 -t $cs)
      [ "$status" -eq 2 ]
      [[ $stderr == *"NUL bytes, as UTF-16 without a byte order mark has" ]]
    done
  done
}

@test "UTF-16 and lone carriage returns outside of tables are rejected for what they are" {
  printf '{"event":"x","ids":{"a":"1"},"time":"2024-04-01T00:00:00Z"}\n' >in
  for cs in UTF-16 UTF-16LE UTF-16BE; do
    run --separate-stderr cdp-collect -q --rejects bad < <(iconv -f UTF-8 -t $cs in)
    [ "$status" -eq 3 ]
    jq -e '.reject.reason | startswith("this is UTF-16")' bad
    run --separate-stderr cdp-collect -q -f native --rejects bad < <(iconv -f UTF-8 -t $cs in)
    [ "$status" -eq 3 ]
    jq -e '.reject.reason | startswith("this is UTF-16")' bad
  done
  cat in in | tr '\n' '\r' >cr
  for f in auto native combined; do
    run --separate-stderr cdp-collect -q -f $f --rejects bad cr
    [ "$status" -eq 3 ]
    jq -e '.reject.reason | startswith("a carriage return without")' bad
    jq -r .raw bad | cmp - <(head -c -1 cr; echo)
  done
}

@test "rows become events" {
  becomes '{"event":"pay","source":"core","fields":[{"column":"no","to":"ids.customer"},
      {"column":"at","to":"time"},{"column":"id","to":"event_id"},
      {"column":"amt","to":"props.amount","type":"decimal"}]}' \
    no,at,id,amt '007,2024-04-25 14:59:46,T1,"5000.00"' \
    '{"time":"2024-04-25T06:59:46.000Z","event":"pay","ids":{"customer":"007"},"event_id":"T1","source":"core","props":{"amount":5000.00}}'
}

@test "rows become profile updates of every sort" {
  becomes '{"type":"profile","fields":[{"column":"no","to":"ids.customer"},
      {"column":"nick","to":"set.nick","empty":"unset"},
      {"column":"born","to":"set_once.born"},
      {"column":"n","to":"increment.visits","type":"int"},
      {"column":"funds","to":"append.funds","split":";"},
      {"column":"gone","to":"unset.branch"}]}' \
    no,nick,born,n,funds,gone '7,,1988-02-29,2,F1;F2,x' \
    '{"time":"2024-04-30T16:00:00.000Z","type":"profile","ids":{"customer":"7"},"set_once":{"born":"1988-02-29"},"increment":{"visits":2},"append":{"funds":["F1","F2"]},"unset":["branch","nick"]}'
}

@test "rows become detail rows, entity rows and relations, and take them away" {
  becomes '{"type":"detail","detail":"holding","fields":[{"column":"no","to":"ids.customer"},
      {"column":"h","to":"row"},{"column":"share","to":"props.share","type":"decimal"}]}' \
    no,h,share 7,H-77,1200.50 \
    '{"time":"2024-04-30T16:00:00.000Z","type":"detail","ids":{"customer":"7"},"detail":"holding","row":"H-77","props":{"share":1200.50}}'
  becomes '{"type":"entity","entity":"product","fields":[{"column":"id","to":"id"},
      {"column":"risk","to":"props.risk","type":"int"}]}' \
    id,risk F001,1 \
    '{"type":"entity","entity":"product","id":"F001","props":{"risk":1}}'
  becomes '{"type":"relation","relation":"legal_person_of","fields":[
      {"column":"no","to":"ids.customer"},{"column":"ent","to":"to.enterprise"},
      {"column":"since","to":"props.since"}]}' \
    no,ent,since C0001,E9,2020 \
    '{"type":"relation","ids":{"customer":"C0001"},"relation":"legal_person_of","to":{"enterprise":"E9"},"props":{"since":"2020"}}'
  becomes '{"type":"detail","detail":"holding","fields":[{"column":"no","to":"ids.customer"},
      {"column":"h","to":"row"},{"column":"gone","to":"deleted","type":"bool"}]}' \
    no,h,gone 7,H-77,是 \
    '{"time":"2024-04-30T16:00:00.000Z","type":"detail","ids":{"customer":"7"},"detail":"holding","row":"H-77","deleted":true}'
}

@test "rows become binds and unbinds" {
  for type in bind unbind; do
    becomes '{"type":"'$type'","source":"core","fields":[{"column":"no","to":"ids.customer"},
        {"column":"tel","to":"ids.phone"},{"column":"at","to":"time","format":"%Y%m%d"}]}' \
      no,tel,at C0001,13800000000,20240425 \
      '{"time":"2024-04-24T16:00:00.000Z","type":"'$type'","ids":{"customer":"C0001","phone":"13800000000"},"source":"core"}'
  done
}

@test "records of every type pass as they are when they are canonical" {
  cat >in <<'JSON'
{"time":"2024-04-25T06:59:46.123Z","event":"x","ids":{"customer":"1"},"props":{"a":1.50}}
{"time":"2024-04-25T06:59:46.123Z","type":"profile","ids":{"customer":"1"},"set":{"a":1},"set_once":{"b":1},"increment":{"n":1},"append":{"l":["x"]},"unset":["c"]}
{"time":"2024-04-25T06:59:46.123Z","type":"detail","ids":{"customer":"1"},"detail":"holding","row":"H-77","props":{"share":1200.50}}
{"type":"entity","entity":"product","id":"F001","props":{"risk":1}}
{"type":"relation","ids":{"customer":"1"},"relation":"legal_person_of","to":{"enterprise":"E9"}}
{"time":"2024-04-25T06:59:46.123Z","type":"bind","ids":{"customer":"1","phone":"2"}}
{"time":"2024-04-25T06:59:46.123Z","type":"unbind","ids":{"customer":"1","phone":"2"},"source":"core"}
JSON
  cdp-collect -f native in >got
  same in got
}

# A table with every trap: commas, quotes and line breaks in fields, characters of four
# bytes, and bars inside characters.
traps() {
  awk -v n="${1:-200}" 'BEGIN {
    rows = n; srand(3); split("张三|億萬|𠮷野|O\"Neil|a,b|x\ny|  pad |喆堃|", name, "|")
    print "号,姓名,开户,余额"
    for (i = 1; i <= rows; i++) {
      n = name[int(rand() * 9) + 1]; gsub(/"/, "\"\"", n)
      printf "%d,\"%s\",%04d-%02d-%02d,%d.%02d\n", i, n, 2000 + int(rand() * 24),
        1 + int(rand() * 12), 1 + int(rand() * 28), rand() * 1e6, rand() * 100
    }
  }'
}

trap_map() {
  echo '{"type":"profile","fields":[{"column":"号","to":"ids.customer"},
    {"column":"姓名","to":"set.name"},{"column":"余额","to":"set.aum","type":"decimal"},
    {"column":"开户","to":"set.opened","type":"date","format":"'"$1"'"}]}'
}

# Each way in which a table may come: what iconv makes of it, and the options that read it.
ways() {
  cat <<'EOT'
UTF-8	,	
GB18030	,	--charset gbk
GB18030	|	--charset gbk --delimiter |
UTF-16	,	
UTF-16BE	;	--charset utf-16be --delimiter ;
EOT
}

@test "rows rejected because of the map are read from their rejects by a better one" {
  trap_map %Y-%m-%d >good.json
  # Days are months there: good for some rows only, and those are wrong.
  trap_map %Y-%d-%m | sed 's/set.aum"/set.aum","required":true/' >bad.json
  traps | sed '17s/"[^"]*"/""/; 100,140s/,[0-9.]*$/,/' >in.csv
  while IFS=$'\t' read -r cs delim opts; do
    # Fields hold commas, so the delimiter is changed where it is one.
    awk -v FS='"' -v OFS='"' -v d="$delim" '
      { for (i = q + 1; i <= NF; i += 2) gsub(/,/, d, $i); if (NF % 2 == 0) q = !q; print }' in.csv |
      iconv -f UTF-8 -t $cs >in
    # shellcheck disable=SC2086
    collect -q $opts --columns-map good.json in >want
    # shellcheck disable=SC2086
    collect -q $opts --rejects bad --columns-map bad.json in >first || [ $? -eq 3 ]
    [ "$(wc -l <bad)" -gt 100 ]
    # The manner of reading is in the rejects: no options are needed.
    collect -q --stats --replay --columns-map good.json bad >second 2>stats
    jq -e --argjson n "$(wc -l <bad)" '.in == $n and .out == $n and .rejected == 0' stats
    [ "$(cat first second | wc -l)" -eq 200 ]
    # Rows that the first map took are those with its dates; all others must agree.
    grep -o '"customer":"[0-9]*"' second >ids
    grep -F -f ids want | sort >want.second
    sort second >second.sorted
    same want.second second.sorted
  done < <(ways)
}

@test "rows that were bad themselves are read from their rejects once they are mended" {
  trap_map %Y-%m-%d >map.json
  traps 50 >good.csv
  collect -q --columns-map map.json good.csv | sort >want
  # Some dates and amounts are none, some rows lack a field.
  sed -E '/^[0-9]+,.*[05]$/s/,([0-9]{4})-/,\1?/; /^[0-9]+,.*[16]$/s/([.][0-9]+)$/\1@@/' good.csv >in.csv
  for cs in UTF-8 GB18030 UTF-16; do
    iconv -f UTF-8 -t $cs in.csv >in
    opts=
    [ $cs != GB18030 ] || opts='--charset gbk'
    collect -q $opts --rejects bad --columns-map map.json in >first || [ $? -eq 3 ]
    [ "$(wc -l <bad)" -gt 15 ]
    # As text, whatever the bytes were.
    while IFS= read -r line; do
      jq -r '.raw_b64 // (.raw | @base64)' <<<"$line" | base64 -d >bytes
      if jq -e .raw_b64 <<<"$line" >/dev/null; then
        from=$(jq -r .reject.row.charset <<<"$line")
      else
        from=UTF-8
      fi
      jq -c --arg raw "$(iconv -f "$from" -t UTF-8 bytes | sed 's/?/-/; s/@@$//')" \
        'del(.raw_b64) + {raw: $raw}' <<<"$line"
    done <bad >mended
    collect -q --replay --columns-map map.json mended >second
    cat first second | sort >got
    same want got
  done
}

@test "rejected rows that are still bad are rejected as they were" {
  trap_map %d.%m.%Y >map.json
  for cs in UTF-8 GB18030 UTF-16; do
    traps | iconv -f UTF-8 -t $cs >in
    printf '\377\376\n' >>in
    opts=
    [ $cs != GB18030 ] || opts='--charset gbk'
    collect -q $opts --rejects bad --columns-map map.json in >first || [ $? -eq 3 ]
    collect -q --replay --rejects again --columns-map map.json bad >none || [ $? -eq 3 ]
    [ ! -s none ]
    jq -c 'del(.reject.at)' bad | sed 's/, offset [0-9]*//; s/ in line [0-9]*//; s/ (column.*)//' >want
    jq -c 'del(.reject.at)' again | sed 's/, offset [0-9]*//; s/ in line [0-9]*//; s/ (column.*)//' >got
    same want got
  done
  # Without a map, and with one that has other columns, they stay what they are.
  run --separate-stderr collect -q --replay --rejects again bad
  [ "$status" -eq 3 ]
  [[ $(head -n 1 again) == *"needs its '--columns-map'"* ]]
  run --separate-stderr collect -q --replay --rejects again --columns-map \
    <(echo '{"type":"profile","fields":[{"column":"no","to":"ids.x"}]}') bad
  [ "$status" -eq 3 ]
  [[ $(jq -r .reject.reason again | sort -u) == *"no column 'no' in the input"* ]]
  jq -c '[.reject.row, .raw, .raw_b64]' bad >want
  jq -c '[.reject.row, .raw, .raw_b64]' again >got
  same want got
}

@test "a row over the ceiling is kept whole and read back under a higher one" {
  trap_map %Y-%m-%d >map.json
  { traps 2; printf '9,%0100000d,2024-01-01,1\r\n8,x,2024-01-02,2\r\n' 7; } |
    iconv -f UTF-8 -t UTF-16 >in
  run --separate-stderr collect -q --line-max 64K --rejects bad --columns-map map.json in
  [ "$status" -eq 3 ]
  [ "$(wc -l <<<"$output")" -eq 3 ]
  [ "$(jq .length bad)" -eq "$(stat -c %s bad.long)" ]
  [ "$(jq -r .sha256 bad)" = "$(sha256sum <bad.long | cut -d' ' -f1)" ]
  run --separate-stderr collect -q --line-max 64K --replay --columns-map map.json bad
  [ "$status" -eq 3 ]
  collect --line-max 1M --replay --columns-map map.json bad >got
  collect --columns-map map.json in | sed -n 3p >want
  same want got
}

@test "rows and lines can be replayed together" {
  trap_map %Y-%m-%d >map.json
  traps | sed '5s/-/x/; s/,,/,/' | collect -q --rejects bad --columns-map map.json >/dev/null || [ $? -eq 3 ]
  echo '{"event":"x","ids":{"a":"1"}' | cdp-collect -q --rejects lines || [ $? -eq 3 ]
  sed 's/}",/}}",/; s/}"}$/}},\\"time\\":\\"2024-04-01T00:00:00Z\\"}"}/; s/\\"1\\"}}}/\\"1\\"}}/; s/}},/},/' lines >mended
  cat bad mended | collect -q --stats --replay --columns-map map.json >out 2>stats || [ $? -eq 3 ]
  tail -n 1 stats | jq -e '.in == .out + .rejected'
  jq -e 'select(.event == "x")' out
}
