#!/usr/bin/env bash
# Usage: tests/bench/run.sh
# Measures the tools beside their limits (cat, wc) and peers, in interleaved rounds of one
# run, checks that all give the same answers, and writes one table to standard output and to
# build/bench/report.txt.  From the environment:
#   BENCH=full        10 million events instead of 1 million
#   BENCH_ROUNDS=5    rounds
#   BENCH_ROWS=...    only these rows (names of the table's first column)
# The exit status tells of answers that differ, not of goals that are missed.
# shellcheck disable=SC2317 # functions are called by name
set -u
cd "$(dirname "$0")/../.." || exit 1

bin=$PWD/build/release
dir=$PWD/build/bench
peers=$PWD/tests/bench/peers
rounds=${BENCH_ROUNDS:-5}
rows=${BENCH_ROWS:-scan count count-text filter filter-text funnel tag tags30 chain}
million=$dir/e1m.ndjson
events=$million
[ "${BENCH:-}" = full ] && events=$dir/e10m.ndjson
export LC_ALL=C TZ=UTC MODULES=$dir F=$events THREADS
THREADS=$(nproc)
PATH=$bin:$bin/bench:$PATH
answers=$dir/answers
status=0

say() {
	echo "bench: $*" >&2
}

wants() {
	case " $rows " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

# has PROGRAM PEER: says once what is missing.
declare -A told
has() {
	case $1 in
	duckdb) [ -d "$dir/node_modules/@duckdb/node-api" ] && return 0 ;;
	chdb) [ -d "$dir/node_modules/chdb" ] && return 0 ;;
	*) command -v "$1" >/dev/null && return 0 ;;
	esac
	[ -n "${told[$1]:-}" ] || say "$1 is not installed: left out (make bench-deps)"
	told[$1]=1
	return 1
}

# A command to be measured.  Its standard output is the answer to be compared.
# run ROW.NAME COMMAND; once ROW.NAME COMMAND
row() {
	printf '%s\t%s\t%s\n' "$2" "$1" "${3//$'\n'/ } >$answers/$2"
}
run() {
	row "$rounds" "$@"
}
once() {
	row 1 "$@"
}

# sql ROW PEER: the peer's query, whose answer is what it prints or writes to $O.
sql() {
	local q=$1
	case $2 in
	duckdb) has duckdb && run "$1.duckdb" \
		"O=$answers/$1.duckdb.out exec node $peers/duck.mjs $peers/$q.duck.sql" ;;
	chdb) has chdb && run "$1.chdb" \
		"O=$answers/$1.chdb.out exec node $peers/chdb.mjs $peers/$q.ch.sql" ;;
	esac
}

# --- data ---

make_events() {
	[ -s "$1" ] && return
	say "making $1"
	mkevents "$2" >"$1.new" && mv "$1.new" "$1"
}

# The events as our own pipelines keep them; the key of --trusted rows is one_id.
canonical=$events.canonical
make_canonical() {
	[ "$canonical" -nt "$events" ] && [ "$canonical" -nt "$bin/cdp-collect" ] && return
	[ -x "$bin/cdp-idmap" ] || return
	say "making $canonical"
	rm -rf "$dir/state"
	mkdir -p "$dir/state"
	cdp-collect "$events" | cdp-idmap --trusted --state "$dir/state" \
		>"$canonical.new" && mv "$canonical.new" "$canonical"
}

# --- rows ---

row_count() {
	run count.cdp "exec cdp-filter --count-by event $events"
	run count.cdp-j1 "exec cdp-filter -j 1 --count-by event $events"
	[ -s "$canonical" ] &&
		run count.trusted "exec cdp-filter --trusted --count-by event $canonical"
	sql count duckdb
	sql count chdb
	run count.wc "exec wc -l $events"
	run count.cat "exec cat $events | cat"
}

row_count-text() {
	run count-text.cdp "exec cdp-filter --count-by event $million"
	has jq && once count-text.jq "exec jq -nr 'reduce inputs as \$e ({}; .[\$e.event] += 1) |
		to_entries[] | \"\(.key)\t\(.value)\"' $million"
	has mlr && once count-text.miller "exec mlr --ijsonl --otsv --headerless-csv-output \
		count-distinct -f event $million"
	has gawk && once count-text.gawk "exec gawk '
		match(\$0, /\"event\":\"[^\"]*/) { n[substr(\$0, RSTART + 9, RLENGTH - 9)]++ }
		END { for (e in n) print e \"\t\" n[e] }' $million"
}

row_filter() {
	local what="\"event == 'transfer' && props.amount >= 50000\""

	run filter.cdp "exec cdp-filter -e $what $events"
	run filter.cdp-j1 "exec cdp-filter -j 1 -e $what $events"
	[ -s "$canonical" ] && run filter.trusted "exec cdp-filter --trusted -e $what $canonical"
	sql filter duckdb
	sql filter chdb
	run filter.wc "exec wc -l $events"
}

row_filter-text() {
	run filter-text.cdp \
		"exec cdp-filter -e \"event == 'transfer' && props.amount >= 50000\" $million"
	has jq && once filter-text.jq \
		"exec jq -c 'select(.event == \"transfer\" and .props.amount >= 50000)' $million"
	has mlr && [ "${BENCH:-}" = full ] && once filter-text.miller \
		"exec mlr --ijsonl --ojsonl filter '\$event == \"transfer\" && \
		\$props.amount >= 50000' $million"
}

row_funnel() {
	local what='-s view_product -s click_product -s submit_order -s pay_success -w 7d'

	run funnel.cdp "exec cdp-funnel $what --key ids.customer $events"
	run funnel.cdp-j1 "exec cdp-funnel $what -j 1 --key ids.customer $events"
	if [ -s "$canonical" ]; then
		run funnel.trusted "exec cdp-funnel $what --trusted $canonical"
		once funnel.one_id "exec cdp-funnel $what $canonical"
	fi
	sql funnel duckdb
	sql funnel chdb
}

# Everything happens before this base time.
as_of=2025-01-01

row_tag() {
	local what="-d tests/bench/tags3.json --as-of $as_of"

	run tag.cdp "exec cdp-tag $what --key ids.customer $events"
	run tag.cdp-j1 "exec cdp-tag $what -j 1 --key ids.customer $events"
	[ -s "$canonical" ] && run tag.trusted "exec cdp-tag $what --trusted $canonical"
	sql tag duckdb
	sql tag chdb
}

row_tags30() {
	run tags30.tags3 "exec cdp-tag -d tests/bench/tags3.json --as-of $as_of \
		--key ids.customer -o /dev/null $events"
	run tags30.tags30 "exec cdp-tag -d tests/bench/tags30.json --as-of $as_of \
		--key ids.customer -o /dev/null $events"
}

# The map is loaded (make_canonical), but for chain-cold.
row_chain() {
	local tag="cdp-tag --trusted -d tests/bench/tags3.json --as-of $as_of"

	[ -s "$canonical" ] || return
	run chain.raw "cat $events | cat | cat >/dev/null"
	run chain.chain "cdp-collect $events | cdp-idmap --trusted --state $dir/state | $tag"
	run chain.chain-dedup "cdp-collect --dedup 2d $events |
		cdp-idmap --trusted --state $dir/state | $tag"
	run chain.chain-cold "rm -rf $dir/cold; cdp-collect $events |
		cdp-idmap --trusted --state $dir/cold | $tag"
}

# Measures by itself: see bench_scan.
row_scan() {
	bench_scan "$million" "$rounds" >>"$dir/runs" || status=1
}

# --- answers ---

# same ROW NAME FILTER...: the answers of commands NAME, each through its FILTER, are equal.
same() {
	local row=$1 first='' sum name

	shift
	while [ $# -gt 0 ]; do
		name=$1
		sum=
		if [ -e "$answers/$row.$name" ]; then
			sum=$(eval "$2" <"$answers/$row.$name" | sha256sum)
			if [ -z "$first" ]; then
				first="$name $sum"
			elif [ "${first#* }" != "$sum" ]; then
				say "$row: $name answers otherwise than ${first%% *}"
				status=1
			fi
		fi
		shift 2
	done
}

counts() {
	jq -r '"\(.by)\t\(.count)"' | sort
}

steps() {
	jq -r .users | paste -s -
}

compare() {
	same count cdp counts cdp-j1 counts trusted counts duckdb sort chdb sort
	same count-text cdp counts jq sort miller sort gawk sort
	same filter cdp sort cdp-j1 sort duckdb "sort $answers/filter.duckdb.out" \
		chdb "sort $answers/filter.chdb.out"
	same filter-text cdp 'jq -cS .' jq 'jq -cS .' miller 'jq -cS .'
	same funnel cdp steps cdp-j1 steps duckdb cat chdb cat
	same funnel trusted cat one_id cat
	same tag cdp customers cdp-j1 customers duckdb "rows_of $answers/tag.duckdb.out" \
		chdb "rows_of $answers/tag.chdb.out"
	same chain chain cat chain-dedup cat
}

# Customers and their counts; the databases write them to a file.
customers() {
	jq -r '"\(.["ids.customer"]),\(.tags.n)"' | sort
}

rows_of() {
	tr -d '"' <"$1" | cut -d, -f1,2 | sort
}

# --- all of it ---

mkdir -p "$dir"
rm -rf "$answers"
mkdir -p "$answers"
make_events "$million" 1000000
[ "$events" = "$million" ] || make_events "$events" 10000000
make_canonical
: >"$dir/runs"
for r in $rows; do
	cat "$events" ${canonical:+"$canonical"} >/dev/null 2>&1
	say "row $r"
	"row_$r" >"$dir/commands"
	measure <"$dir/commands" >>"$dir/runs"
done
compare
{
	awk -f tests/bench/report.awk tests/bench/goals "$dir/runs"
	[ $status -eq 0 ] && echo "all answers agree" || echo "ANSWERS DIFFER"
} | tee "$dir/report.txt"
exit $status
