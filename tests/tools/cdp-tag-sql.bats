# cdp-tag --sql, on SQLite and on a PostgreSQL server of its own.  Both are needed: without
# one of them these tests fail.
bats_require_minimum_version 1.5.0
load ../helper
load ../postgres

setup_file() {
  start_postgres 55433
}

teardown_file() {
  stop_postgres
}

setup() {
  cd "$BATS_TEST_TMPDIR"
  cat >t.json <<'END'
{"tags":[
 {"name":"n","type":"int","value":"count(event == 'pay')"},
 {"name":"amount","type":"decimal","value":"sum(props.amount)"},
 {"name":"层级","type":"string","value":"profile.tier"},
 {"name":"Last","type":"datetime","value":"last(time)"},
 {"name":"day","type":"date","value":"last(time)"},
 {"name":"good","type":"bool","value":"tags.amount > 100.0"},
 {"name":"list","type":"list","value":"details.h.map(h, h.v)"},
 {"name":"half","type":"number","value":"tags.n / 2.0"}]}
END
  {
    pay a 100.25 01
    pay a 0.05 02
    pay b 12345678901234567.89 01
    echo '{"one_id":"b","time":"2024-04-01T00:00:00.000Z","type":"profile","set":{"tier":"金卡 \"x\" ?"}}'
    echo '{"one_id":"c","time":"2024-04-01T00:00:00.000Z","type":"detail","detail":"h","row":"1","props":{"v":"二"}}'
  } >in
}

pay() {
  echo '{"one_id":"'"$1"'","time":"2024-04-'"$3"'T17:30:00.125Z","event":"pay","props":{"amount":'"$2"'}}'
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
    CONN="Driver=PostgreSQL Unicode;Server=$PG;Port=55433;Database=postgres;Uid=cdp;Pwd=secret1"
    sql 'DROP SCHEMA public CASCADE; CREATE SCHEMA public'
    ;;
  esac
}

sql() {
  case $DB in
  sqlite) sqlite3 t.db "$1" ;;
  postgresql) "$PGBIN/psql" -q -h "$PG" -p 55433 -U cdp -v ON_ERROR_STOP=1 postgres -c "$1" 2>/dev/null ;;
  esac
}

tag() {
  cdp-tag -d t.json --as-of 2024-05-01 --sql "$CONN" --sql-table r "$@"
}

table() {
  sql "CREATE TABLE r (one_id varchar(40) PRIMARY KEY, n integer, amount numeric(30,4), \"层级\" varchar(20),
    last timestamp, day date, good varchar(5), list text, half double precision, as_of timestamp, own varchar(5))"
}

# As text that both print alike.
rows() {
  case $DB in
  sqlite) sqlite3 -separator '|' -nullvalue - t.db "$1" ;;
  postgresql) "$PGBIN/psql" -q -At -P null=- -h "$PG" -p 55433 -U cdp postgres -c "$1" ;;
  esac
}

@test "every customer is a row, every tag a column of the right type" {
  for db in sqlite postgresql; do
    use $db
    table
    tag in
    rows 'select one_id, n, cast(amount as varchar(40)), "层级", good, list, half, cast(last as varchar(30)), cast(day as varchar(30)), substr(cast(as_of as varchar(30)), 1, 19) from r order by one_id' |
      sed -E 's/\.0*\|/|/g; s/(\.[0-9]*[1-9])0*\|/\1|/g' >out
    [ "$(sed -n 's/|.*//p' out | tr '\n' ' ')" = 'a b c ' ]
    grep -qx 'a|2|100.3|-|true|\[\]|1|2024-04-03 01:30:00.125|2024-04-03|2024-05-01 00:00:00' out
    grep -q '^b|1|.*|金卡 "x" ?|true|\[\]|0.5|2024-04-02 01:30:00.125|2024-04-02|' out
    grep -q '^c|0|0|-|false|\["二"\]|0|-|-|' out
  done
  [ "$(rows "select amount from r where one_id = 'b'")" = 12345678901234567.8900 ]
}

@test "a second run replaces values, adds rows and leaves other columns and rows alone" {
  for db in sqlite postgresql; do
    use $db
    table
    sql "INSERT INTO r (one_id, n, own) VALUES ('a', 9, 'mine'), ('z', 7, 'old')"
    tag in
    grep -v '"one_id":"b"' in >less
    pay c 5 03 >>less
    tag less
    rows 'select one_id, n, own, "层级" from r order by one_id' >out
    printf '%s\n' 'a|2|mine|-' 'b|1|-|金卡 "x" ?' 'c|1|-|-' 'z|7|old|-' | diff -u - out
  done
}

@test "a row that fails leaves the table as it was" {
  for db in sqlite postgresql; do
    use $db
    table
    sql "INSERT INTO r (one_id, n) VALUES ('a', 9)"
    echo '{"one_id":"d","time":"2024-04-01T00:00:00.000Z","type":"profile","set":{"x":"no number"}}' >>in
    echo '{"tags":[{"name":"n","value":"has(profile.x) ? profile.x : 1"}]}' >any.json
    run -4 --separate-stderr cdp-tag -d any.json --as-of 2024-05-01 --sql "$CONN" --sql-table r in
    [[ $stderr == *"table 'r': d: 'n' is a string, its column takes numbers"* ]]
    [ "$(rows 'select one_id, n from r')" = 'a|9' ]
    sql 'CREATE TABLE tight (one_id varchar(40), n integer CHECK (n < 2))'
    run -4 --separate-stderr cdp-tag -d <(echo '{"tags":[{"name":"n","value":"count()"}]}') --as-of 2024-05-01 \
      --sql "$CONN" --sql-table tight in
    [[ $stderr == *"table 'tight': a: "* ]]
    [ "$(rows 'select count(*) from tight')" = 0 ]
    sql "INSERT INTO tight VALUES ('b', 0), ('b', 0)"
    run -4 --separate-stderr cdp-tag -d <(echo '{"tags":[{"name":"n","value":"1"}]}') --as-of 2024-05-01 \
      --sql "$CONN" --sql-table tight in
    [ "$(rows 'select one_id, n from tight')" = 'b|0
b|0' ]
  done
}

@test "columns are checked before anything is read" {
  for db in sqlite postgresql; do
    use $db
    sql 'CREATE TABLE few (one_id varchar(40), n integer)'
    run -2 --separate-stderr cdp-tag -d t.json --sql "$CONN" --sql-table few nowhere
    [[ $stderr == *"table 'few' has no column 'amount'"* ]]
    sql 'CREATE TABLE wrong (one_id varchar(40), n timestamp)'
    run -2 --separate-stderr cdp-tag -d <(echo '{"tags":[{"name":"n","type":"string","value":"\"x\""}]}') --sql "$CONN" --sql-table wrong nowhere
    [[ $stderr == *"column 'n' of table 'wrong' takes times, the tag is a string"* ]]
    run -2 --separate-stderr cdp-tag -d t.json --sql "$CONN" --sql-table nothing nowhere
    run -2 --separate-stderr cdp-tag -d t.json --sql "$CONN" --sql-table 'r; drop' nowhere
  done
}

@test "what was killed was never there" {
  use postgresql
  table
  for i in $(seq 20000); do
    echo '{"one_id":"p'"$i"'","time":"2024-04-01T00:00:00.000Z","event":"pay","props":{"amount":1}}'
  done >many
  cdp-tag -d t.json --as-of 2024-05-01 --sql "$CONN" --sql-table r many &
  for _ in $(seq 200); do
    [ "$(rows "select count(*) from pg_stat_activity where state like 'idle in trans%' or query like 'UPDATE%'")" -le 0 ] || break
    sleep 0.02
  done
  kill -9 $!
  wait $! || true
  [ "$(rows 'select count(*) from r')" = 0 ]
  tag many
  [ "$(rows 'select count(*), sum(n) from r')" = '20000|20000' ]
}

@test "products go by their own column, the connection may stand in a file" {
  use sqlite
  sql 'CREATE TABLE p (product text, risk int)'
  echo "$CONN" >conn
  echo '{"type":"entity","entity":"product","id":"F1","props":{"risk":3}}' >in
  echo '{"tags":[{"name":"risk","entity":"product","value":"profile.risk"}]}' >t.json
  cdp-tag -d t.json --entity product --sql @conn --sql-table p in
  [ "$(rows 'select * from p')" = 'F1|3' ]
}

@test "a table is an output of its own" {
  run -2 cdp-tag -d t.json --sql x in
  run -2 cdp-tag -d t.json --sql-table x in
  run -2 cdp-tag -d t.json --sql x --sql-table y -o z in
  run -2 cdp-tag -d t.json --sql x --sql-table y --lineage rows
  run -2 cdp-tag -d t.json --sql x --sql-table y --lint
}
