#!/bin/sh
# Usage: tests/tools.sh [MODE]
# The tools built in build/MODE, one a line.
set -eu
cd "$(dirname "$0")/.."
for f in tools/cdp-*.c; do
	tool=$(basename "$f" .c)
	[ -x "build/${1:-release}/$tool" ] && echo "$tool"
done
exit 0
