# What recorded clients sent: tests/fixtures/NAME.ndjson holds their requests, one a line,
# and NAME.want the records that they are, checked by hand against the protocol.  After a
# wanted change:  cdp-collect -f requests NAME.ndjson >NAME.want
bats_require_minimum_version 1.5.0
load ../helper

setup() {
  FIXTURES=$TOP/tests/fixtures
  cd "$BATS_TEST_TMPDIR"
}

# Runs "$@" for each fixture, with its name; says which ones failed.
each_fixture() {
  local f bad=0
  for f in "$FIXTURES"/*.ndjson; do
    "$@" "$(basename "$f" .ndjson)" || { echo "# $f" >&2; bad=1; }
  done
  [ $bad -eq 0 ]
}

same_as_wanted() {
  cdp-collect -f requests "$FIXTURES/$1.ndjson" | diff "$FIXTURES/$1.want" -
}

found_by_looks() {
  cdp-collect "$FIXTURES/$1.ndjson" | diff -q "$FIXTURES/$1.want" - >/dev/null
}

canonical() {
  cdp-collect -f native "$FIXTURES/$1.want" | diff -q "$FIXTURES/$1.want" - >/dev/null
}

# Requests as a collector that can read none of them would have set them aside.
replayed() {
  jq -c '{reject:{reason:"x",at:"x:1",tool:"x"},raw:tojson}' "$FIXTURES/$1.ndjson" |
    cdp-collect --replay | diff -q "$FIXTURES/$1.want" - >/dev/null
}

# Every message turned into a reject and back: what is rejected for its time alone is the
# whole message, with what its envelope says.
survives_rejection() {
  cdp-collect -q --as-of 2001-01-01T00:00:00Z --max-rejects 100% --rejects rejects.ndjson \
    "$FIXTURES/$1.ndjson" >early.ndjson
  cdp-collect --replay rejects.ndjson | cat early.ndjson - | jq -cS . | sort >back
  jq -cS . "$FIXTURES/$1.want" | sort | diff -q - back >/dev/null
}

@test "each recorded request becomes the records that it stands for" {
  each_fixture same_as_wanted
}

@test "requests are known by their looks" {
  each_fixture found_by_looks
}

@test "records of requests are canonical" {
  each_fixture canonical
}

@test "requests that were set aside can be read again" {
  each_fixture replayed
}

@test "a message that was set aside keeps what its envelope says of it" {
  each_fixture survives_rejection
}

@test "several jobs write the same records in the same order" {
  cat "$FIXTURES"/*.ndjson >all
  cdp-collect -j 4 all >four
  cdp-collect -j 1 all | diff -q - four
}
