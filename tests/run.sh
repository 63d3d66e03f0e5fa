#!/usr/bin/env bash
# Usage: tests/run.sh [release|asan]
# Runs every part of the test suite on what was built, a part a core, and sums up their TAP.
# A part is a program that prints TAP; one that ends badly or prints no result has failed.
#
# release: behaviour tests on build/release; units, fuzz replay and golden cases on
#          build/asan as well; lint.
# asan:    all of it on build/asan, but for what preloads a library (tests/inject).
set -u
cd "$(dirname "$0")/.." || exit 1

mode=${1:-release}
logs=build/test-$mode
export LC_ALL=C TZ=UTC

if [ "$mode" = --part ]; then
	# One part, called below: NAME COMMAND.
	name=$2 log=${LOGS:?}/$2
	sh -c "exec timeout -k 5 900 $3" >"$log.tap" 2>&1 </dev/null
	status=$?
	echo "# $SECONDS seconds" >>"$log.tap"
	if ! grep -q '^\(not \)\?ok ' "$log.tap"; then
		echo "not ok 1 - $name gives a result (status $status)" >>"$log.tap"
	elif [ $status -ne 0 ] && ! grep -q '^not ok ' "$log.tap"; then
		echo "not ok 0 - $name ends well (status $status)" >>"$log.tap"
	fi
	exit 0
fi

part() {
	printf '%s\t%s\n' "$1" "$2"
}

# The kind of a tool: as-it-goes, at-end or no-input.
kind() {
	"build/$mode/$1" --dump-options | awk -F'\t' 'NR == 1 { print $3 }'
}

parts() {
	local tool f bin

	for tool in $(tests/tools.sh "$mode"); do
		for f in tests/suite/*.bats; do
			case $(basename "$f" .bats):$(kind "$tool") in
			input:no-input | live:no-input | live:at-end) continue ;;
			esac
			part "$(basename "$f" .bats)-$tool" \
				"env MODE=$mode TOOL=$tool bats --tap $f"
		done
		[ "$mode" = asan ] || part "inject-$tool" \
			"env MODE=$mode TOOL=$tool bats --tap tests/inject/faults.bats"
		if [ -d "tests/cases/$tool" ]; then
			part "cases-$tool" "tests/cases.sh build/$mode $tool"
			[ "$mode" = asan ] || part "cases-asan-$tool" \
				"tests/cases.sh build/asan $tool"
		fi
	done
	for f in tests/tools/*.bats tests/pipelines/*.bats; do
		[ -e "$f" ] && part "$(basename "$f" .bats)" "env MODE=$mode bats --tap $f"
	done
	for bin in build/asan/unit/test_*; do
		[ -x "$bin" ] && part "unit-$(basename "$bin")" "$bin"
	done
	for bin in build/arm/unit/test_*; do
		[ "$mode" = release ] && [ -x "$bin" ] &&
			part "arm-$(basename "$bin")" "qemu-aarch64 $bin"
	done
	for bin in build/asan/fuzz/fuzz_*; do
		[ -x "$bin" ] &&
			part "$(basename "$bin")" "$bin tests/fuzz/corpus/$(basename "$bin")"
	done
	for f in tests/lint/*.sh; do
		part "lint-$(basename "$f" .sh)" "tests/tap.sh $f build/$mode"
	done
}

rm -rf "$logs"
mkdir -p "$logs"
parts >"$logs/parts"
tr '\t\n' '\0\0' <"$logs/parts" |
	LOGS=$logs xargs -0 -n 2 -P "$(nproc)" tests/run.sh --part

awk '
	FNR == 1 { part = FILENAME; sub(/.*\//, "", part); sub(/\.tap$/, "", part); bad = 0 }
	/^ok / { passed++; bad = 0; if (/# [Ss][Kk][Ii][Pp]/) print "skipped: " part ": " $0 }
	/^not ok / { failed++; bad = 1; print "FAILED: " part ": " $0; next }
	bad && /^#/ { print "    " $0 }
	END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || passed == 0 }
' "$logs"/*.tap
