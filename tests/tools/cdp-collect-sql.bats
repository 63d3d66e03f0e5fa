# cdp-collect -f sql, on SQLite and on a PostgreSQL server of its own.  Both are needed:
# without one of them these tests fail.
bats_require_minimum_version 1.5.0
load ../helper
load ../postgres

setup_file() {
  start_postgres 55432
}

teardown_file() {
  stop_postgres
}

setup() {
  cd "$BATS_TEST_TMPDIR"
  echo '{"event":"pay","source":"core","fields":[
    {"column":"no","to":"ids.customer","required":true},
    {"column":"at","to":"time"},{"column":"id","to":"event_id"},
    {"column":"amt","to":"props.amount","type":"decimal"}],"rest":"props"}' >map.json
}

# Each database in turn: DB is its name, CONN how it is reached; then sql does SQL in it.
use() {
  DB=$1
  case $DB in
  sqlite)
    CONN="Driver=SQLite3;Database=$PWD/t.db"
    ;;
  postgresql)
    [ -n "$PGBIN" ]
    CONN="Driver=PostgreSQL Unicode;Server=$PG;Port=55432;Database=postgres;Uid=cdp;Pwd=secret1"
    sql 'DROP SCHEMA public CASCADE; CREATE SCHEMA public'
    ;;
  esac
}

sql() {
  case $DB in
  sqlite) sqlite3 t.db "$1" ;;
  postgresql) "$PGBIN/psql" -q -h "$PG" -p 55432 -U cdp -v ON_ERROR_STOP=1 postgres -c "$1" 2>/dev/null ;;
  esac
}

collect() {
  cdp-collect --sql "$CONN" --columns-map map.json "$@"
}

# A table with what makes trouble, and rows to come.
fill() {
  sql "CREATE TABLE pay (id bigint, no varchar(20), at timestamp, amt numeric(20,4), memo text, grp varchar(10))"
  sql "INSERT INTO pay VALUES (6217000000000000001, '007', '2024-04-25 14:59:46', 5000.1250, '张三,𠮷野 \"q\"', 'a'),
    (6217000000000000002, '008', '2024-04-25 14:59:46', 12345678901.5000, 'two
lines', 'a'),
    (6217000000000000003, '009', '2024-04-25 14:59:47', NULL, NULL, 'b')"
}

add() {
  sql "INSERT INTO pay (id, no, at) VALUES ($1, 'C$1', '$2')"
}

ids() {
  jq -r .event_id "$@" | tr '\n' ' '
}

@test "a table of SQLite and of PostgreSQL gives the records of a clean export" {
  cat >want <<'JSON'
{"time":"2024-04-25T06:59:46.000Z","event":"pay","ids":{"customer":"007"},"event_id":"6217000000000000001","source":"core","props":{"amount":5000.125,"memo":"张三,𠮷野 \"q\"","grp":"a"}}
{"time":"2024-04-25T06:59:46.000Z","event":"pay","ids":{"customer":"008"},"event_id":"6217000000000000002","source":"core","props":{"amount":12345678901.5,"memo":"two\nlines","grp":"a"}}
{"time":"2024-04-25T06:59:47.000Z","event":"pay","ids":{"customer":"009"},"event_id":"6217000000000000003","source":"core","props":{"grp":"b"}}
JSON
  for db in sqlite postgresql; do
    use $db
    fill
    # PostgreSQL keeps the zeros of a numeric, SQLite has none.
    collect --sql-table pay | sort | sed 's/5000.1250/5000.125/; s/01.5000/01.5/' >got
    same want got
    collect -f sql --query "SELECT * FROM pay WHERE grp = 'b';" >got
    sed -n 3p want | same - got
  done
}

@test "a run after another brings only what is new" {
  for db in sqlite postgresql; do
    use $db
    fill
    run() { collect --state "st.$db" --sql-table pay --watermark at "$@"; }
    [ "$(run | ids)" = "6217000000000000001 6217000000000000002 6217000000000000003 " ]
    [ "$(run -q | ids)" = "" ]
    add 4 '2024-04-25 14:59:48'
    [ "$(run | ids)" = "4 " ]
    # Later, with the very time of the last one; and twice the same.
    add 5 '2024-04-25 14:59:48'
    add 5 '2024-04-25 14:59:48'
    run --stats >out 2>stats
    [ "$(ids out)" = "5 5 " ]
    [ "$(jq .known_rows stats)" -eq 1 ]
    [ "$(run | ids)" = "" ]
    # All of it, if asked for.
    [ "$(run --again | wc -l)" -eq 6 ]
    [ "$(run | ids)" = "" ]
    add 6 '2024-04-25 15:00:00'
    [ "$(run | ids)" = "6 " ]
  done
}

@test "numbers are a watermark as well, also of queries" {
  for db in sqlite postgresql; do
    use $db
    fill
    run() {
      collect --state "st.$db" --watermark n \
        --query "SELECT pay.*, id - 6217000000000000000 AS n FROM pay ;"
    }
    [ "$(run | wc -l)" -eq 3 ]
    # 10 is more than 9, and less where they are texts.
    add 6217000000000000009 '2024-04-25 15:00:00'
    [ "$(run | ids)" = "6217000000000000009 " ]
    add 6217000000000000010 '2024-04-25 15:00:00'
    [ "$(run | ids)" = "6217000000000000010 " ]
  done
}

@test "a position belongs to the source, the map and the column, not to the password" {
  use sqlite
  fill
  cp map.json other.json
  [ "$(collect --state st --sql-table pay --watermark id | wc -l)" -eq 3 ]
  [ "$(collect --state st --sql-table pay --watermark at | wc -l)" -eq 3 ]
  [ "$(collect --state st --query 'SELECT * FROM pay' --watermark id | wc -l)" -eq 3 ]
  [ "$(cdp-collect --sql "$CONN" --columns-map other.json --state st --sql-table pay --watermark id | wc -l)" -eq 3 ]
  CONN="$CONN;PWD={new;one};Timeout=1"
  collect --state st --sql-table pay --watermark id >out
  [ "$(wc -l <out)" -eq 3 ] # Timeout is no secret
  CONN="${CONN/new/newer}"
  [ "$(collect --state st --sql-table pay --watermark id | wc -l)" -eq 0 ]
}

@test "what a run brought before it died comes again, and nothing is missed" {
  use sqlite
  sql "CREATE TABLE pay (id integer, no text, at timestamp, amt numeric)"
  awk 'BEGIN { print "BEGIN;"
    for (i = 1; i <= 60000; i++)
      printf "INSERT INTO pay VALUES (%d, %d, \"2024-04-25 14:%02d:00\", %d);\n", i, i, i / 1500, i
    print "COMMIT;" }' | sqlite3 t.db
  for delay in 0.05 0.1 0.15; do
    timeout -s KILL $delay cdp-collect --sql "$CONN" --columns-map map.json --state st \
      --sql-table pay --watermark at >>out || true
    run -4 sh -c 'cdp-collect -q --sql "$1" --columns-map map.json --state st \
      --sql-table pay --watermark at >/dev/full' - "$CONN"
  done
  collect --state st --sql-table pay --watermark at >whole
  [ "$(wc -l <whole)" -eq 60000 ]
  { grep '}$' out; cat whole; } | cdp-collect -q --dedup 9d | sort >got || [ $? -eq 3 ]
  sort whole >want
  cmp want got
  [ "$(collect -q --state st --sql-table pay --watermark at | wc -l)" -eq 0 ]
}

@test "rows that are no good are set aside and read back from there" {
  for db in sqlite postgresql; do
    use $db
    fill
    sql "INSERT INTO pay (id, no, at, memo) VALUES (4, NULL, '2024-04-25 15:00:00', 'a,\"b\"'), (5, 'x', NULL, '')"
    run -3 --separate-stderr collect --state "st.$db" --sql-table pay --watermark at --rejects bad
    [[ $stderr == *"pay:"*"column 'no': empty, and it is required"* ]]
    [[ $stderr == *"column 'at' is empty"* ]]
    jq -e '.reject.row.columns == ["id","no","at","amt","memo","grp"]' bad
    jq -c 'select(.raw | startswith("4,")) | .raw |= sub("4,,"; "4,C4,")' bad |
      cdp-collect --replay --columns-map map.json >got
    [ "$(jq -c '[.event_id, .ids.customer, .props.memo]' got)" = '["4","C4","a,\"b\""]' ]
    # They count as read.
    run -0 --separate-stderr collect --state "st.$db" --sql-table pay --watermark at
    [ -z "$output" ]
  done
}

@test "long values come whole, and rows over the ceiling stay where they are" {
  for db in sqlite postgresql; do
    use $db
    sql "CREATE TABLE pay (id integer, no varchar(10), at timestamp, amt numeric, memo text)"
    long=$(printf '%04095d%s' 7 億)
    sql "INSERT INTO pay VALUES (1, 'a', '2024-04-25 15:00:00', 1, '$long$long$long')"
    collect --sql-table pay >got
    [ "$(jq -r .props.memo got)" = "$long$long$long" ]
    run -3 --separate-stderr collect -q --rejects bad --line-max 8K --sql-table pay
    [ "$(jq -r .raw bad)" = "" ]
    [[ $(jq -r .reject.reason bad) == *"stays in the database"* ]]
  done
}

@test "the connection can stand in a file and is never shown" {
  use postgresql
  fill
  echo "$CONN" >conn
  [ "$(cdp-collect --sql @conn --columns-map map.json --sql-table pay | wc -l)" -eq 3 ]
  CONN=${CONN/55432/1}
  run -4 --separate-stderr collect -v --sql-table pay
  [[ $stderr == *"cannot connect: "* ]]
  [[ $stderr != *secret1* ]]
}

@test "what is wrong is said before anything is written" {
  use sqlite
  fill
  run -2 --separate-stderr collect --query 'SELEC 1'
  [[ $stderr == "cdp-collect: query: "* ]]
  run -2 --separate-stderr collect --sql-table nowhere
  [[ $stderr == *nowhere* ]]
  run -2 --separate-stderr collect --sql-table 'pay; DROP TABLE pay'
  [[ $stderr == *"is no name; a query is for '--query'"* ]]
  run -2 --separate-stderr collect --sql-table pay --state st --watermark nothing
  run -2 --separate-stderr collect --query 'SELECT id FROM pay'
  [[ $stderr == *"no column 'no' in the input"* ]]
  run -2 --separate-stderr cdp-collect --sql 'Driver=Nobody' --columns-map map.json --sql-table pay
  run -4 --separate-stderr cdp-collect --sql @/nonexistent --columns-map map.json --sql-table pay
  for args in '--sql-table pay file' '--sql-table pay --query x' '' '--sql-table pay --replay' \
    '--sql-table pay --watermark id' '--sql-table pay --charset gbk'; do
    # shellcheck disable=SC2086
    run -2 --separate-stderr collect $args
    [ -n "$stderr" ]
  done
  run -2 cdp-collect -f sql --columns-map map.json
  run -2 cdp-collect --sql "$CONN" --sql-table pay
  run -2 cdp-collect --query x
}
