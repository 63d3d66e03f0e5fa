#!/bin/sh
# Every C file is laid out as .clang-format says, and short enough to have one subject.
set -u
cd "$(dirname "$0")/../.." || exit 1
bad=0
files=$(git ls-files -co --exclude-standard '*.[ch]')
# shellcheck disable=SC2086
clang-format --dry-run -Werror $files 2>&1 | grep error: && bad=1
# shellcheck disable=SC2086
wc -l $files | awk '$2 != "total" && $1 > 700 && $2 ~ /^(lib|tools)\// {
	print $2 " has " $1 " lines: more than one subject?"; bad = 1 } END { exit bad }' || bad=1
exit $bad
