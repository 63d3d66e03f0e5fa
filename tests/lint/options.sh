#!/bin/sh
# Usage: tests/lint/options.sh BUILD
# Long options named after a tool in pages, pipelines, README and tests are in that tool's
# table: no abbreviation, no option that is gone.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${1:-build/release}

for tool in $(tests/tools.sh "$(basename "$build")"); do
	"$build/$tool" --dump-options | awk -F'\t' -v tool="$tool" '
		NR > 1 { print tool, "--" $2 }'
done >build/options.known

# shellcheck disable=SC2016
git ls-files -co --exclude-standard 'man/*.[1-9]' 'pipelines/*' README.md CONTRIBUTING.md \
	'tests/tools/*' 'tests/pipelines/*' 'tests/cases/*/cmd' | tr '\n' '\0' | xargs -0 awk '
FILENAME == "build/options.known" { known[$1, $2] = 1; tools[$1] = 1; next }
{
	# A line may hold several tools; an option belongs to the last one before it.
	text = line $0
	if (text ~ /\\$/) { line = substr(text, 1, length(text) - 1) " "; next }
	line = ""
	if (text ~ /no-such-option/) next
	gsub(/\\-/, "-", text)
	# Words inside quotes are arguments.
	gsub(/\047[^\047]*\047/, "", text)
	n = split(text, word, /[ \t|;&()`"]+/)
	tool = ""
	for (i = 1; i <= n; i++) {
		if (word[i] in tools) tool = word[i]
		else if (word[i] ~ /^\|/) tool = ""
		if (tool != "" && word[i] ~ /^--[a-z]/) {
			option = word[i]
			sub(/[=,.].*/, "", option)
			if (option != "--dump-options" && !((tool, option) in known)) {
				print FILENAME ":" FNR ": " tool " has no " option
				bad = 1
			}
		}
		if (word[i] ~ /[|;]$/) tool = ""
	}
}
END { exit bad }' build/options.known
