#!/bin/sh
# Words that have no place in the sources.
set -u
cd "$(dirname "$0")/../.." || exit 1
bad=0

# ban REASON PATTERN FILE...
ban() {
	reason=$1 pattern=$2
	shift 2
	# Comments may name what the code must not use.
	if grep -nE "$pattern" "$@" /dev/null | grep -vE '^[^:]*\.[ch]:[0-9]+:[[:space:]]*(/?\*|//)'; then
		echo "  ^ $reason"
		bad=1
	fi
}

c=$(git ls-files -co --exclude-standard 'lib/*.[ch]' 'tools/*.[ch]')
all=$(git ls-files -co --exclude-standard 'lib/*.[ch]' 'tools/*.[ch]' 'tests/*' 'pipelines/*' \
	Makefile '*.md' | grep -v -e '^tests/lint/banned.sh$' -e '^tests/fuzz/corpus/')
# shellcheck disable=SC2086,SC2046
{
	ban "no ceiling: snprintf, struct cdp_buf" \
		'(^|[^_[:alnum:]])(strcpy|strcat|sprintf|vsprintf|gets)[[:space:]]*\(' $c
	ban "no error: lib/base/num" \
		'(^|[^_[:alnum:]])(atoi|atol|atoll|atof|strtod|strtol|strtoul)[[:space:]]*\(' \
		$(echo "$c" | grep -v '^lib/base/num\.')
	ban "a shell between: lib/io/spawn" '(^|[^_[:alnum:]])(system|popen)[[:space:]]*\(' $c
	ban "state of the process: locale and zone come from options" \
		'(^|[^_[:alnum:]])(setlocale|setenv|putenv|tzset|localtime|mktime|strtok|rand)[[:space:]]*\(' $c
	ban "only lib/base/mem allocates" \
		'(^|[^_[:alnum:]])(malloc|calloc|realloc|strdup|strndup|asprintf)[[:space:]]*\(' \
		$(echo "$c" | grep -v '^lib/base/mem\.')
	ban "tools write through lib/cli" \
		'(^|[^_[:alnum:]])(printf|fprintf|puts|fputs|putchar|fwrite|perror|fopen)[[:space:]]*\(|<stdio\.h>' \
		$(echo "$c" | grep '^tools/')
	ban "only lib/cli prints or exits" \
		'(^|[^_[:alnum:]])(printf|puts|putchar|perror|exit)[[:space:]]*\(' \
		$(echo "$c" | grep '^lib/' | grep -v -e '^lib/cli/')
	ban "the clock is read in lib/cli alone" \
		'(^|[^_[:alnum:]])(time|gettimeofday)[[:space:]]*\(NULL|CLOCK_REALTIME' \
		$(echo "$c" | grep -v -e '^lib/cli/')
	ban "finish it, or leave it out" '(TODO|FIXME)' $all
}
exit $bad
