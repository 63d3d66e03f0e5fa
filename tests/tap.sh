#!/bin/sh
# Usage: tests/tap.sh COMMAND [ARG...]
# One TAP result for a command that prints what is wrong and fails.
if out=$("$@" 2>&1); then
	echo "ok 1 - $*"
else
	echo "not ok 1 - $*"
	echo "$out" | sed 's/^/# /'
fi
echo 1..1
