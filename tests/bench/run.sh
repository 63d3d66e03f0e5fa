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
here=$PWD/tests/bench
peers=$here/peers
rounds=${BENCH_ROUNDS:-5}
rows=${BENCH_ROWS:-scan count count-text filter filter-text funnel tag tag20 tags30
	templates nightly live convert
	collect archive chain idmap splice portrait audiences follow http http-batch}
million=$dir/e1m.ndjson
events=$million
[ "${BENCH:-}" = full ] && events=$dir/e10m.ndjson
export LC_ALL=C TZ=UTC MODULES=$dir F=$events THREADS
THREADS=$(nproc)
PATH=$bin:$bin/bench:$PATH
answers=$dir/answers
scratch=$dir/scratch
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

# A command to be measured: ROW.NAME COMMAND.
row() {
	printf '%s\t%s\t%s\n' "$2" "$1" "${3//$'\n'/ }"
}
# Its standard output is an answer to be compared,
run() {
	row "$rounds" "$1" "$2 >$answers/$1"
}
once() {
	row 1 "$1" "$2 >$answers/$1"
}
# or goes to where the command says.
unheard() {
	row "$rounds" "$@"
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
	local r

	for r in count filter funnel tag convert chain none; do
		wants "$r" && break
	done
	[ "$r" = none ] && return
	[ "$canonical" -nt "$events" ] && [ "$canonical" -nt "$bin/cdp-collect" ] && return
	[ -x "$bin/cdp-idmap" ] || return
	say "making $canonical"
	rm -rf "$dir/state"
	mkdir -p "$dir/state"
	cdp-collect "$events" | cdp-idmap --trusted --state "$dir/state" \
		>"$canonical.new" && mv "$canonical.new" "$canonical"
}

# A bank whose customers have profiles, rows and 60 events each, for the shipped tags; its
# records carry the person, as after cdp-idmap.
bank=$dir/bank$((${#events} > ${#million} ? 10 : 1))m
make_bank() {
	local n=1000000

	[ "$events" = "$million" ] || n=10000000
	[ -s "$bank.ndjson" ] && return
	say "making $bank"
	rm -rf "$bank"
	cdp-gen --customers $((n / 60)) --events 0 -o "$bank" || return
	{
		awk 'NR == FNR {
			if (/"kind":"customer"/) { split($0, f, "\""); who[f[8]] = f[16] }
			next
		}
		{
			id = substr($0, index($0, "\"customer\":\"") + 12, 10)
			print "{\"one_id\":\"" who[id] "\"," substr($0, 2)
		}' "$bank/truth-identity.ndjson" "$bank"/core/{profiles,holdings,credit,ledger}.ndjson
		cdp-gen --format events --one-id --customers $((n / 60)) --events "$n"
	} >"$bank.new" && mv "$bank.new" "$bank.ndjson"
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
	unheard count.cat "cat $events | cat >/dev/null"
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

# Measures by itself: see bench_scan.
row_scan() {
	bench_scan "$million" "$rounds" >>"$dir/runs" || status=1
}

row_tag() {
	local what="-d $here/tags3.json --as-of 2024-05-02"

	run tag.cdp "exec cdp-tag $what --key ids.customer $events"
	run tag.cdp-j1 "exec cdp-tag -j 1 $what --key ids.customer $events"
	if [ -s "$canonical" ]; then
		run tag.trusted "exec cdp-tag --trusted $what $canonical"
		run tag.one_id "exec cdp-tag $what $canonical"
	fi
	sql tag duckdb
	sql tag chdb
}

# Counts, sums, distinct values, days, extremes; some of them of a week.
row_tag20() {
	local what="-d $here/tags20.json --as-of 2024-05-02 --key ids.customer $events"

	run tag20.cdp "exec cdp-tag $what"
	run tag20.cdp-j1 "exec cdp-tag -j 1 $what"
	sql tag20 duckdb
	sql tag20 chdb
}

# The shipped tags: 3, 30, 120 of them, and all.
row_templates() {
	local n what="-q --as-of 2024-05-01 --calendar $here/../../samples/calendar.json
		--entities $bank/core/products.ndjson --entities $bank/core/entities.ndjson
		$bank.ndjson"

	has jq && make_bank || return
	for n in 3 30 120 1000; do
		jq -s --argjson n "$n" -f "$here/pick.jq" "$here"/../../samples/tags/*.json \
			>"$scratch/$n.json"
		unheard "templates.tags${n/1000/all}" \
			"exec cdp-tag -d $scratch/$n.json $what >/dev/null"
	done
	once templates.cdp "exec cdp-tag -d $scratch/120.json $what"
	once templates.cdp-j1 "exec cdp-tag -j 1 -d $scratch/120.json $what"
}

row_tags30() {
	local what="--as-of 2024-05-02 --key ids.customer $events >/dev/null"

	unheard tags30.tags3 "exec cdp-tag -d $here/tags3.json $what"
	unheard tags30.tags30 "exec cdp-tag -d $here/tags30.json $what"
}

# Nights after 30, 90 and 300 days of equal volume, beside passes over all of them; 30 tags with
# windows of up to 90 days.  Every night starts from a copy of the state of the day before.
row_nightly() {
	local volume=4000 days=$dir/nights n last base fresh
	local tag="cdp-tag -q --key ids.customer -d $here/tags_nightly.json"

	[ "${BENCH:-}" = full ] && volume=20000
	days=$days-$volume
	if [ ! -s "$days/made" ]; then
		say "making $days"
		rm -rf "$days" && mkdir -p "$days" || return
		mkevents $((300 * volume)) "$volume" 300 | awk -v dir="$days/" '
			match($0, /"time":"[^"]*/) { print >(dir substr($0, RSTART + 8, 10)) }'
		(cd "$days" && printf '%s\n' ????-??-?? >made)
	fi
	for n in 30 90 300; do
		last=$(sed -n "${n}p" "$days/made")
		base=$(date -d "$last + 1 day" +%F)
		if [ ! "$days/state$n/tags" -nt "$bin/cdp-tag" ]; then
			rm -rf "$days/state$n"
			head -n $((n - 1)) "$days/made" | sed "s,^,$days/," |
				xargs cdp-tag -q --key ids.customer \
				-d "$here/tags_nightly.json" --state "$days/state$n" --as-of "$last" \
				--changed >/dev/null
			touch "$days/state$n/tags"
		fi
		fresh="rm -rf $scratch/night; cp -r $days/state$n $scratch/night;"
		run "nightly.night$n" "$fresh exec $tag --state $scratch/night --as-of $base
			--stats $days/$last 2>$scratch/night$n.stats"
		run "nightly.full$n" "exec $tag --as-of $base
			$(head -n "$n" "$days/made" | sed "s,^,$days/," | paste -s -d' ')"
		unheard "nightly.changed$n" "$fresh exec $tag --state $scratch/night
			--as-of $base --changed $days/$last >/dev/null"
	done
}

# What a night's CPU time went into.
shares() {
	local n

	for n in 30 90 300; do
		[ -s "$scratch/night$n.stats" ] && jq -r --arg n $n '"night \($n): " +
			"input \(.input_cpu_ms) ms, state \(.state_cpu_ms) ms, output \(.output_cpu_ms) ms of CPU"' \
			"$scratch/night$n.stats"
	done
}

# The events again as if they came just now: profiles as they change, at once (as fast as
# they can be read, which is the most that there is to be written) and once a minute.
row_live() {
	local what="-q -d $here/tags30.json --key ids.customer --as-of 2024-05-02"
	local live="rm -rf $scratch/live; exec cdp-tag $what --follow --batch day --state"

	unheard live.once "$live $scratch/live <$million >/dev/null"
	unheard live.minute "$live $scratch/live --every 60s <$million >/dev/null"
	unheard live.full "exec cdp-tag -j 1 $what $million >/dev/null"
}

row_convert() {
	unheard convert.collect "exec cdp-collect $events >$scratch/collect.out"
	[ -s "$canonical" ] && unheard convert.idmap "cdp-collect $events |
		cdp-idmap --trusted --state $dir/state >$scratch/idmap.out"
	unheard convert.cat "exec cat $events >$scratch/cat.out"
}

# Beside the strict pass of the same file.
sensors=$dir/sensors.log
make_sensors() {
	[ -s "$sensors" ] && return
	say "making $sensors"
	rm -rf "$scratch/raw"
	cdp-gen -q --customers 30000 --events 900000 --malformed 0% --junk 0% --duplicate 0% \
		-o "$scratch/raw" && cat "$scratch"/raw/sensors/*.log >"$sensors.new" &&
		mv "$sensors.new" "$sensors"
	rm -rf "$scratch/raw"
}
row_collect() {
	make_sensors || return
	unheard collect.pass "exec cdp-filter -e true $events >/dev/null"
	unheard collect.native "exec cdp-collect -f native $events >/dev/null"
	unheard collect.dedup "exec cdp-collect -f native --dedup 2d $events >/dev/null"
	unheard collect.log "exec cdp-filter -e true $sensors >/dev/null"
	unheard collect.sensors "exec cdp-collect -q -f sensors $sensors >/dev/null"
}

# A day as the collector leaves it, read again.
row_archive() {
	local file=$events.collected.zst

	if [ ! "$file" -nt "$events" ] || [ ! "$file" -nt "$bin/cdp-collect" ]; then
		say "making $file"
		cdp-collect -o "$file" "$events" || return
	fi
	unheard archive.collect "exec cdp-collect -f native $file >/dev/null"
	unheard archive.zstd "exec zstd -dc $file >/dev/null"
}

# The state is warm: it knows all ids.
row_chain() {
	local tag="cdp-tag --trusted -d $here/tags_chain.json --as-of 2024-05-02 >/dev/null"

	[ -s "$canonical" ] || return
	unheard chain.raw "rawcopy <$events | rawcopy | rawcopy >/dev/null"
	unheard chain.chain "cdp-collect $events | cdp-idmap --trusted --state $dir/state | $tag"
	unheard chain.dedup "cdp-collect --dedup 2d $events |
		cdp-idmap --trusted --state $dir/state | $tag"
	unheard chain.cold "rm -rf $scratch/state; mkdir $scratch/state; cdp-collect $events |
		cdp-idmap --trusted --state $scratch/state | $tag"
}

# A million pairs; with BENCH=full also how it grows to 30 million ids.  A pair is a record
# with two ids: learned is what the map does with it, reading and persons stand beside it.
identities=$dir/identities
row_idmap() {
	local r n

	[ -s "$dir/pairs.tsv" ] || bench_idmap tsv 500000 >"$dir/pairs.tsv"
	has mawk && unheard idmap.mawk \
		"exec mawk -F'\\t' -f $here/union.awk $dir/pairs.tsv >$scratch/union.out"
	for r in $(seq "$rounds"); do
		bench_idmap build 500000 "$r" >>"$dir/runs" 2>"$identities" || status=1
		bench_idmap presized 500000 "$r" >>"$dir/runs" 2>>"$identities" || status=1
	done
	for n in 333334 1000000 3333334 10000000; do
		[ "${BENCH:-}" = full ] || break
		bench_idmap build "$n" 1 2>>"$identities" >/dev/null || status=1
		bench_idmap presized "$n" 1 2>>"$identities" >/dev/null || status=1
	done
	[ "${BENCH:-}" = full ] && row_known
	[ -s "$canonical" ] || return
	unheard idmap.known "exec cdp-idmap -j 1 --trusted --state $dir/state <$canonical >/dev/null"
	unheard idmap.load "exec cdp-idmap --state $dir/state </dev/null"
	unheard idmap.retro \
		"exec cdp-idmap -j 1 --trusted --retro --state $dir/state <$canonical >/dev/null"
	unheard idmap.pass "exec cdp-filter -j 1 --trusted -e true <$canonical >/dev/null"
}

# Five million ids in the state, all records of known ones; less the time to load it.
row_known() {
	local state=$dir/state5m

	if [ ! -s "$dir/5m.ndjson" ]; then
		say "making $dir/5m.ndjson"
		bench_idmap ndjson 1666667 >"$dir/5m.ndjson"
		rm -rf "$state"
		cdp-idmap --trusted --state "$state" "$dir/5m.ndjson" >/dev/null || status=1
	fi
	unheard idmap.known5m \
		"exec cdp-idmap -j 1 --trusted --state $state <$dir/5m.ndjson >/dev/null"
	unheard idmap.load5m "exec cdp-idmap --state $state </dev/null"
}

row_splice() {
	unheard splice.copy "exec rawcopy <$million >$scratch/copy.out"
	unheard splice.splice "exec bench_splice <$million >$scratch/splice.out"
}

# Audiences of generated rules beside a pass of cdp-filter over the same profiles: 3,000 of
# 2,000 conditions over 20,000 customers, or 305,000 of 20,000 over a million; counted, and
# stored.  Members of 200 of those stored are who `members` finds by brute force, in one pass.
row_audiences() {
	local n=20000 a=3000 c=2000 file rules store=$scratch/audiences

	[ "${BENCH:-}" = full ] && n=1000000 a=305000 c=20000
	file=$dir/profiles$n.ndjson rules=$dir/rules$a.json
	[ -s "$file" ] || {
		say "making $file"
		mksegments profiles "$n" >"$file.new" && mv "$file.new" "$file"
	}
	mksegments rules "$a" "$c" >"$rules"
	run audiences.pass "exec cdp-filter -e \"tags.t000 == 'v001'\" $file"
	run audiences.cdp "exec cdp-segment -q -d $rules --count $file"
	unheard audiences.store "rm -rf $store; exec cdp-segment -q -d $rules --store $store \
		--as-of 2024-05-02 $file"
	has jq || return
	rm -rf "$store"
	cdp-segment -q -d "$rules" --store "$store" --as-of 2024-05-02 "$file"
	tell_audiences "$rules" "$store"
	jq -rc --argjson step $((a / 200)) '.segments | .[range(0; 200 * $step; $step)] |
		[.name, .when] | @tsv' "$rules" >"$scratch/sampled"
	cut -f 1 "$scratch/sampled" | sed 's/^/--segment /' |
		xargs cdp-segment -q --store "$store" -o "$scratch/members"
	members "$scratch/sampled" <"$file" | sort >"$scratch/alone"
	sed 's/{"one_id":"\([^"]*\)","segment":"\([^"]*\)".*/\2 \1/' "$scratch/members" | sort |
		cmp - "$scratch/alone" || {
		say "audiences: members of those sampled are others than brute force finds"
		status=1
	}
	say "audiences: $(wc -l <"$scratch/alone") members of $(wc -l <"$scratch/sampled")" \
		"compared with brute force"
	rm -rf "$store"
}

# What was drawn: sizes, and the sub-conditions of a rule.
tell_audiences() {
	cdp-segment -q --store "$2" --count | jq .customers | sort -n | awk '{ n[NR] = $1; all += $1 }
		END { printf "bench: audiences: %d, of %d to %d members, median %d, in all %.0f\n",
			NR, n[1], n[NR], n[int((NR + 1) / 2)], all }' >&2
	say "audiences: $(cat "$2"/* | wc -c) bytes in the store"
	jq -r '.segments[].when' "$1" | awk -F ' && | \\|\\| ' '{ if (NF > most) most = NF }
		END { printf "bench: audiences: up to %d sub-conditions each\n", most }' >&2
}

# Profiles that change, three tags each, beside the same start without them: 3,000 audiences,
# or 305,000, and 50,000 changes.
row_follow() {
	local n=20000 a=3000 c=2000 count=50000 rules start changes

	[ "${BENCH:-}" = full ] && n=100000 a=305000 c=20000
	start=$dir/start$n.ndjson changes=$dir/changes$n.ndjson rules=$dir/rules$a.json
	[ -s "$changes" ] || {
		say "making $changes"
		mksegments changes "$n" "$count" >"$scratch/changes"
		head -n "$n" "$scratch/changes" >"$start"
		tail -n "$count" "$scratch/changes" >"$changes"
		rm "$scratch/changes"
	}
	mksegments rules "$a" "$c" >"$rules"
	unheard follow.start "exec cdp-segment -q -d $rules --follow --profiles $start \
		/dev/null"
	unheard follow.cdp "exec cdp-segment -q -d $rules --follow --profiles $start \
		$changes >/dev/null"
}

# Four audiences and 120 tags; of 100,000 customers, with BENCH=full of a million.
row_portrait() {
	local n=100000 file names store what

	[ "${BENCH:-}" = full ] && n=1000000
	file=$dir/profiles$n.ndjson
	names="--segment a000000 --segment a000001 --segment a000002 --segment a000003"
	store=$scratch/store
	what="--as-of 2024-05-02 $file"
	if [ ! -s "$file" ]; then
		say "making $file"
		mksegments profiles "$n" >"$file.new" && mv "$file.new" "$file"
	fi
	mksegments rules 4 20 >"$scratch/four.json"
	cdp-segment -q -d "$scratch/four.json" --store "$store" --as-of 2024-05-02 "$file"
	cdp-segment --store "$store" -o "$scratch/four.members"
	cdp-portrait --store "$store" --save --as-of 2024-05-02 "$file"
	say "portrait: $(stat -c %s "$file") bytes of profiles," \
		"$(cat "$store"/*.tags | wc -c) bytes of tags in the store"
	run portrait.store "exec cdp-portrait --store $store $names"
	run portrait.pass "exec cdp-portrait --with $scratch/four.members $names $file"
	unheard portrait.save "exec cdp-portrait --store $store --save $what"
	unheard portrait.filter "exec cdp-filter -e true $file >/dev/null"
}

# Small events, one a request, from 32 clients; beside a server that only reads them, and
# beside as many commits as there would be if all clients shared each.
row_http() {
	local n=50000 server="--listen 127.0.0.1:0 --port-file $scratch/port --spool $scratch/spool"
	local load="exec httpload -c 32 -n $n -p /sa $scratch/port $scratch/one"

	command -v mhd_empty >/dev/null || { say "no libmicrohttpd: left out"; return; }
	# shellcheck disable=SC2016
	printf 'data=%s' "$(printf %s '{"type":"track","event":"buy_fund","time":1714028386123,"distinct_id":"18e9a-c1","_track_id":12345,"properties":{"$lib":"js","$url":"https://bank.example/fund/F001","product":"F001","amount":5000.00,"channel":"app","step":3}}' |
		base64 -w0 | sed 's/+/%2B/g; s/=/%3D/g; s#/#%2F#g')" >"$scratch/one"
	unheard http.empty "$load mhd_empty $scratch/port 1 2>/dev/null"
	unheard http.write "$load cdp-collect -q -j 1 $server 2>/dev/null"
	unheard http.fsync "$load cdp-collect -q $server --ack fsync 2>/dev/null"
	unheard http.commits "exec syncs $scratch/synced $((n / 32)) 16000 2>/dev/null"
}

# A thousand native records a request.
row_http-batch() {
	local server="--listen 127.0.0.1:0 --port-file $scratch/port --spool $scratch/spool"
	local load="exec httpload -c 32 -n 1000 -p /native $scratch/port"

	command -v mhd_empty >/dev/null || return
	head -n 1000 "$million" >"$scratch/thousand"
	gzip -kf "$scratch/thousand"
	unheard http-batch.file "exec cdp-collect -f native $million >$scratch/collect.out"
	unheard http-batch.plain "$load $scratch/thousand cdp-collect -q $server --ack fsync \
		2>/dev/null"
	unheard http-batch.gzip "$load $scratch/thousand.gz cdp-collect -q $server --ack fsync \
		2>/dev/null"
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

# Customer, events, amount, last time: from profiles, and from rows whose times are local.
profiles() {
	sed -E 's/.*"ids.customer":"([^"]*)".*"events":([0-9]+),"amount":([0-9.]+),"last":"([^"]*)".*/\1 \2 \3 \4/' |
		awk '{ printf "%s %d %.2f %s\n", $1, $2, $3, $4 }' | sort
}

customers() {
	tr -d '"' <"$1" | gawk -F, '{
		t = mktime(gensub(/[-T:]/, " ", "g", substr($4, 1, 19)), 1) - 8 * 3600
		printf "%s %d %.2f %s%sZ\n", $1, $2, $3, strftime("%Y-%m-%dT%H:%M:%S", t, 1),
			substr($4, 20, 4)
	}' | sort
}

# The 20 values, sums in cents, means as sums, the last login in UTC: of our profiles,
twenty() {
	jq -r '.["ids.customer"] as $c | .tags | [$c, .pages, .logins_7d, .opens_30d, .big_transfers,
		.ios, .version, .wifi_7d, .pays, .viewed, .pages_7d, .days_open, .days_page,
		(.transferred, .paid_7d, .bought, (.average // 0) * .pays, .largest, .smallest
			| (. // 0) * 100 | round), .city, .last_login // ""] | @tsv' | sort
}

# and of the peers' rows.
twenty_rows() {
	tr -d '"' <"$1" | sed 's/\\N//g' | gawk -F, -v OFS='\t' '{
		$17 *= $9
		for (i = 14; i <= 19; i++) $i = sprintf("%.0f", $i * 100)
		if ($21 != "") {
			t = mktime(gensub(/[-T:]/, " ", "g", substr($21, 1, 19)), 1) - 8 * 3600
			$21 = strftime("%Y-%m-%dT%H:%M:%S", t, 1) substr($21, 20, 4) "Z"
		}
		$1 = $1
		print
	}' | sort
}

compare() {
	same count cdp counts cdp-j1 counts trusted counts duckdb sort chdb sort
	same count-text cdp counts jq sort miller sort gawk sort
	same filter cdp sort cdp-j1 sort duckdb "sort $answers/filter.duckdb.out" \
		chdb "sort $answers/filter.chdb.out"
	same filter-text cdp 'jq -cS .' jq 'jq -cS .' miller 'jq -cS .'
	same funnel cdp steps cdp-j1 steps duckdb cat chdb cat
	same funnel trusted cat one_id cat
	same tag cdp profiles duckdb "customers $answers/tag.duckdb.out" \
		chdb "customers $answers/tag.chdb.out"
	same tag cdp cat cdp-j1 cat
	same tag trusted cat one_id cat
	for n in 30 90 300; do
		same nightly "night$n" cat "full$n" cat
	done
	same tag20 cdp twenty duckdb "twenty_rows $answers/tag20.duckdb.out" \
		chdb "twenty_rows $answers/tag20.chdb.out"
	same tag20 cdp cat cdp-j1 cat
	same templates cdp cat cdp-j1 cat
}

# What a customer takes with 120 tags: the peak above that of 3.
per_customer() {
	[ -s "$answers/templates.cdp" ] || return
	awk -F'\t' -v n="$(wc -l <"$answers/templates.cdp")" '
		$1 == "templates.tags120" && $5 > most { most = $5 }
		$1 == "templates.tags3" && (!least || $5 < least) { least = $5 }
		END { printf "120 shipped tags take %d bytes a customer more than 3, of %d customers\n",
			(most - least) * 1048576 / n, n }' "$dir/runs"
}

# How identities were learned, and how far that is from what is wanted of 30 million; known
# ones beside five million, without loading these.
identities() {
	[ -s "$identities" ] || return
	sort -n "$identities"
	awk '$1 >= 30000000 {
		for (i = 1; i < NF; i++) if ($(i + 1) == "bytes") bytes = $i
		want = $2 == "build" ? 2.5 : 4
		printf "%s: %s M pairs/s, goal >=%s %s; %s bytes an id, goal <=64 %s\n", $2, $3,
			want, $3 >= want ? "met" : "MISSED", bytes,
			bytes <= 64 ? "met" : "MISSED"
	}' "$identities"
	awk -F'\t' '
		$1 == "idmap.known5m" && (!known || $4 < known) { known = $4 }
		$1 == "idmap.load5m" && (!load || $4 < load) { load = $4 }
		END {
			if (!known) exit
			rate = 3333334 / (known - load) / 1e6
			printf "known ids beside 5000001: %.2f M events/s of CPU, goal >=1 %s\n",
				rate, rate >= 1 ? "met" : "MISSED"
		}' "$dir/runs"
}

# --- all of it ---

mkdir -p "$dir"
rm -rf "$answers" "$scratch"
mkdir -p "$answers" "$scratch"
make_events "$million" 1000000
[ "$events" = "$million" ] || make_events "$events" 10000000
make_canonical
: >"$dir/runs"
rm -f "$identities"
for r in $rows; do
	cat "$events" ${canonical:+"$canonical"} >/dev/null 2>&1
	say "row $r"
	"row_$r" >"$dir/commands"
	measure <"$dir/commands" >>"$dir/runs"
done
compare
{
	awk -f tests/bench/report.awk tests/bench/goals "$dir/runs"
	shares
	per_customer
	identities
	[ $status -eq 0 ] && echo "all answers agree" || echo "ANSWERS DIFFER"
} | tee "$dir/report.txt"
exit $status
