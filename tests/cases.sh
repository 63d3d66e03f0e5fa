#!/bin/sh
# Usage: tests/cases.sh [--bless] BINDIR TOOL [NAME...]
# Golden cases: tests/cases/TOOL/NAME/cmd is run by sh in a copy of that directory with
# standard input from `in`; what it prints must be `out` and `err`, its exit status
# `status`.  A missing file means no input, no output, status 0.  $SAMPLES is samples/.
# --bless writes what came out instead; read the diff.
set -u

bless=
[ "${1-}" = --bless ] && bless=1 && shift
bin=$(cd "$1" && pwd) || exit 1
tool=$2
shift 2
top=$(cd "$(dirname "$0")/.." && pwd)
cases=$top/tests/cases/$tool
SAMPLES=$top/samples
PATH=$bin:$PATH LC_ALL=C TZ=UTC
export SAMPLES PATH LC_ALL TZ
unset CDPATH
cd "$cases" || exit 1
[ $# -gt 0 ] || set -- *
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0

# keep FILE ACTUAL: the expectation becomes what came out; an empty one is no file.
keep() {
	if [ -s "$2" ]; then cp "$2" "$1"; else rm -f "$1"; fi
}

compare() {
	[ -e "$1" ] || set -- /dev/null "$2"
	diff -u "$1" "$2" >>"$tmp/diff" 2>&1
}

for name in "$@"; do
	dir=$cases/$name
	n=$((n + 1))
	rm -rf "$tmp/run"
	cp -r "$dir" "$tmp/run"
	in=$tmp/run/in
	[ -e "$in" ] || in=/dev/null
	(cd "$tmp/run" && sh ./cmd <"$in" >"$tmp/out" 2>"$tmp/err")
	status=$?
	: >"$tmp/status"
	[ $status -eq 0 ] || echo $status >"$tmp/status"
	if [ "$bless" ]; then
		for f in out err status; do keep "$dir/$f" "$tmp/$f"; done
		continue
	fi
	: >"$tmp/diff"
	good=ok
	for f in out err status; do
		compare "$dir/$f" "$tmp/$f" || good="not ok"
	done
	echo "$good $n - $tool case $name"
	[ "$good" = ok ] || sed 's/^/# /' "$tmp/diff"
done
[ "$bless" ] || echo "1..$n"
