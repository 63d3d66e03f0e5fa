# A PostgreSQL server for one file of tests: $PG is where it listens, $PGBIN its programs, empty
# if it is not installed.

# start_postgres PORT
start_postgres() {
  local bin as=
  # The server runs as nobody in particular, who must be able to reach its files.
  PG=$(mktemp -d /tmp/cdp-pg.XXXXXX)
  export PG
  bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
  export PGBIN=$bin
  [ -n "$bin" ] || return 0 # said by the tests
  if [ "$(id -u)" -eq 0 ]; then
    chown postgres "$PG"
    as="runuser -u postgres --"
  fi
  chmod 755 "$PG"
  $as "$bin/initdb" -D "$PG/data" -A trust -U cdp -E UTF8 --locale=C.UTF-8 >"$BATS_FILE_TMPDIR/pg.log" 2>&1
  $as "$bin/pg_ctl" -D "$PG/data" -l "$PG/log" -w \
    -o "-p $1 -k $PG -c listen_addresses= -c fsync=off" start >>"$BATS_FILE_TMPDIR/pg.log" 2>&1
}

stop_postgres() {
  local as=
  [ "$(id -u)" -ne 0 ] || as="runuser -u postgres --"
  [ -z "$PGBIN" ] || $as "$PGBIN/pg_ctl" -D "$PG/data" -m immediate stop >/dev/null 2>&1
  rm -rf "$PG"
}
