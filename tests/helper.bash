# Loaded by every bats file: the build under test first in PATH, a scrubbed environment,
# and what the properties over all tools share.
bats_require_minimum_version 1.5.0

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
MODE=${MODE:-release}
SAMPLES=$TOP/samples
PATH=$TOP/build/$MODE:$PATH
export LC_ALL=C TZ=UTC SAMPLES PATH
for name in $(compgen -v CDP_); do unset "$name"; done
unset CDPATH GREP_OPTIONS NO_COLOR

# A property over all tools is about $TOOL.
if [ -n "${TOOL-}" ]; then
	bats_require_minimum_version 1.5.0
fi

# The table of minimal valid invocations: tool, arguments, a line of input.
invocation() {
	awk -F'\t' -v tool="$TOOL" -v field="$1" '
		$1 == tool { print $field; exit }' "$TOP/tests/suite/invocations"
}

# Sets the array `cmd` to the tool with its arguments, on fresh state.
fresh() {
	T=$(mktemp -d "$BATS_TEST_TMPDIR/state.XXXXXX")
	eval "cmd=(\"\$TOOL\" $(invocation 2))"
}

# Three lines of ordinary input.
sample() {
	local line
	line=$(invocation 3)
	[ -n "$line" ] || line='{"one_id":"5e1c0d9a3b7f2c44","time":"2024-04-25T06:59:46.123Z","event":"buy_fund","ids":{"customer":"C0001"},"props":{"amount":5000.00}}'
	printf '%s\n%s\n%s\n' "$line" "$line" "$line"
}

# The tool's own answer to the input on stdin, as a file.
answer() {
	fresh
	"${cmd[@]}" >"$1"
}

kind() {
	"$TOOL" --dump-options | awk -F'\t' 'NR == 1 { print $3 }'
}

has_option() {
	"$TOOL" --dump-options | awk -F'\t' -v name="$1" '
		NR > 1 && $2 == name { found = 1 } END { exit !found }'
}

# A descriptor to write to whose reader is gone.
dead_pipe() {
	exec {dead}> >(:)
	# Of one that is gone already the shell may have no status.
	wait $! || ! kill -0 $! 2>/dev/null
}

# Both files the same, or the difference is shown.
same() {
	diff -u "$1" "$2"
}

one_message() {
	[ "$(wc -l <"$1")" -eq 1 ] && grep -q "^$TOOL: " "$1"
}
