#!/bin/sh
# Usage: tests/lint/manpages.sh BUILD
# Every page is clean mdoc with its sections in order; each tool's page describes exactly
# the options of its table; README.md has the line of each.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${1:-build/release}
bad=0

complain() {
	echo "$*"
	bad=1
}

order="NAME SYNOPSIS DESCRIPTION ENVIRONMENT FILES EXIT_STATUS EXAMPLES DIAGNOSTICS SEE_ALSO STANDARDS CAVEATS"
for page in build/man/*.[1-9]; do
	# The archive of the distribution is no place to look pages up in.
	mandoc -T lint -W warning "$page" | grep -v 'referenced manual not found' && bad=1
	groff -K utf8 -T utf8 -mdoc -ww -z "$page" 2>&1 | grep . && bad=1
	sed -n 's/^\.Sh //p' "$page" | tr ' ' '_' | awk -v page="$page" -v order="$order" '
		BEGIN { n = split(order, o, " "); for (i = 1; i <= n; i++) rank[o[i]] = i }
		$0 in rank { if (rank[$0] < last) { print page ": section " $0 " is out of order"; bad = 1 }
			     last = rank[$0] }
		END { exit bad }' || bad=1
done

for tool in $(tests/tools.sh "$(basename "$build")"); do
	page=build/man/$tool.1
	[ -f "$page" ] || { complain "$tool has no page"; continue; }
	"$build/$tool" --dump-options | awk -F'\t' 'NR > 1 {
		printf "%s--%s%s\n", $1 == "" ? "" : "-" $1 " ", $2, $3 == "" ? "" : " " $3 }' |
		sort >"build/options.table"
	# .It Fl o , Fl -output Ar FILE
	sed -n 's/^\.It \(Fl .*\)$/\1/p' "$page" | sed -e 's/Fl \([^ -]\) , /-\1 /' \
		-e 's/Fl -/--/' -e 's/ Ns = Ns / /' -e 's/ Ar / /' -e 's/ Ns Ar / /' |
		sort >"build/options.page"
	diff build/options.table build/options.page |
		sed -n "s|^<|$page: not described:|p; s|^>|$page: not in the table:|p" | grep . && bad=1
	purpose=$("$build/$tool" --dump-options | head -n 1 | cut -f2)
	[ ! -f README.md ] || grep -qF "$purpose" README.md || complain "README.md has no line '$purpose'"
	grep -q '^\.Sh EXAMPLES' "$page" || complain "$page has no examples"
done
exit $bad
