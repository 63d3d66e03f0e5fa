#!/usr/bin/env bash
# Usage: tests/soak/endpoint.sh [BINDIR]
# An endpoint that is killed at random instants while clients send, for SOAK_SECONDS (default
# 600): what was acknowledged is in the spool once, and no line is half.  In turns records are
# acknowledged when written and when on disk, and duplicates dropped or not.
set -u
cd "$(dirname "$0")/../.." || exit 1
PATH=$PWD/${1:-build/release}:$PATH
export PATH LC_ALL=C
dir=$(mktemp -d) || exit 1
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$dir"' EXIT
cd "$dir" || exit 1
end=$(($(date +%s) + ${SOAK_SECONDS:-600}))
kills=0 failed=0 n=0

complain() {
  echo "soak: after $kills kills: $*"
  failed=1
}

# listen OPTION...: sets pid and url.
listen() {
  rm -f port
  cdp-collect -q --listen 127.0.0.1:0 --port-file port --spool spool --rotate 20K "$@" &
  pid=$!
  until [ -s port ]; do
    kill -0 "$pid" 2>/dev/null || return 1
    sleep 0.02
  done
  url=http://127.0.0.1:$(cat port)
}

# client FIRST: sends records, one or some a request, and notes what was acknowledged, until
# it is answered no more.
client() {
  local i=$1 last
  while :; do
    last=$((i + RANDOM % 3))
    for ((; i <= last; i++)); do
      echo "{\"time\":\"2024-04-25T06:59:46.123Z\",\"event\":\"e\",\"ids\":{\"a\":\"1\"},\"props\":{\"n\":$i},\"event_id\":\"$i\"}"
    done >"body.$1"
    [ "$(curl -s -o /dev/null -w '%{http_code}' --data-binary "@body.$1" "$url/native")" = 200 ] ||
      return
    jq .props.n "body.$1" >>"acked.$1"
  done
}

while [ "$(date +%s)" -lt "$end" ] && [ $failed -eq 0 ]; do
  rm -rf spool seen acked*
  options=(--ack write)
  ((RANDOM % 2)) && options=(--ack fsync)
  ((RANDOM % 2)) && options+=(--dedup 9d --state seen)
  for _ in 1 2 3 4; do
    listen "${options[@]}" || complain "it did not start"
    clients=()
    for _ in 1 2 3; do
      n=$((n + 100000))
      client "$n" &
      clients+=($!)
    done
    sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
    kill -9 "$pid"
    wait "$pid" "${clients[@]}" 2>/dev/null
    kills=$((kills + 1))
  done
  listen "${options[@]}" || complain "it did not start"
  kill "$pid"
  wait "$pid" || complain "it did not end well"
  cat spool/*.ndjson >all 2>/dev/null
  jq .props.n all | sort >kept || complain "a line is half"
  cat acked.* 2>/dev/null | sort >acked
  lost=$(comm -23 acked kept | wc -l)
  [ "$lost" -eq 0 ] || complain "$lost acknowledged records are gone"
  [ -z "$(uniq -d kept)" ] || complain "some records are there twice"
  [ -z "$(find spool -name '*.part')" ] || complain "a file was left behind"
done
echo "soak: $kills kills of the endpoint, $failed failures"
exit $failed
