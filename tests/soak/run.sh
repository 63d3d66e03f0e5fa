#!/usr/bin/env bash
# Usage: tests/soak/run.sh [BINDIR]
# Nights that are killed at random instants, for SOAK_SECONDS (default 600): whatever happens,
# nothing half is published, nothing is sent twice, and a night that is let through gives what
# an undisturbed one gives.
set -u
cd "$(dirname "$0")/../.." || exit 1
PATH=$PWD/${1:-build/release}:$PATH
export PATH LC_ALL=C
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
seconds=${SOAK_SECONDS:-600}
kills=0 nights=0 failed=0

night() {
  pipelines/nightly.sh -i "$dir/raw" -w "$dir/cdp" -a 2024-05-01 "$@"
}

complain() {
  echo "soak: after $kills kills: $*"
  failed=1
}

check() {
  local run=$dir/cdp/runs/2024-05-01 twice
  twice=$(cut -d, -f1 "$dir/cdp/outbox/app_push.csv" | sort | uniq -d | wc -l)
  [ "$twice" -eq 0 ] || complain "$twice messages were sent twice"
  for f in map profiles members audiences funnel receipts; do
    cmp -s "$dir/first/$f.ndjson" "$run/$f.ndjson" || complain "$f.ndjson differs"
  done
}

cdp-gen --seed 9 --customers 500 --days 5 --start 2024-04-26 -o "$dir/raw" || exit 1
# The key of the ids stays, so that every later night can give the same bytes.
night || exit 1
cp -rL "$dir/cdp/runs/2024-05-01" "$dir/first"
begin=$(date +%s%N)
night -f
took=$((($(date +%s%N) - begin) / 1000000))
end=$(($(date +%s) + seconds))

while [ "$(date +%s)" -lt "$end" ] && [ $failed -eq 0 ]; do
  rm -rf "$dir/cdp/runs" "$dir/cdp/outbox" "$dir/cdp/state/push"
  for _ in 1 2 3 4; do
    # A session of its own, so that the kill reaches every stage.
    setsid pipelines/nightly.sh -i "$dir/raw" -w "$dir/cdp" -a 2024-05-01 -f 2>"$dir/err" &
    pid=$!
    sleep "$(awk -v ms="$took" -v r="$RANDOM" 'BEGIN { print ms * r / 32768 / 1000 }')"
    if kill -9 -- "-$pid" 2>/dev/null; then kills=$((kills + 1)); fi
    wait "$pid" 2>/dev/null
    for run in "$dir"/cdp/runs/2024-05-01*; do
      [ ! -e "$run" ] || [ -s "$run/receipts.ndjson" ] || complain "$run is half a night"
    done
  done
  night -f 2>"$dir/err" || complain "the night failed: $(cat "$dir/err")"
  nights=$((nights + 1))
  check
done
echo "soak: $kills kills, $nights nights let through, $failed failures"
exit $failed
