#!/bin/sh
# Usage: man/completion.sh bash|zsh TOOL
# A completion made from the tool's own table of options.
set -eu
tool=$(basename "$2")

case $1 in
bash)
	words=$("$2" --dump-options | awk -F'\t' 'NR > 1 {
		if ($1 != "") printf "-%s ", $1
		printf "--%s ", $2 }')
	name=_$(echo "$tool" | tr - _)
	cat <<END
$name() {
	local cur=\${COMP_WORDS[COMP_CWORD]}
	case \$cur in
	-*) mapfile -t COMPREPLY < <(compgen -W '$words' -- "\$cur") ;;
	*) mapfile -t COMPREPLY < <(compgen -f -- "\$cur") ;;
	esac
}
complete -o filenames -F $name $tool
END
	;;
zsh)
	echo "#compdef $tool"
	echo "_arguments -s -S \\"
	"$2" --dump-options | awk -F'\t' -v q="'" 'NR > 1 {
		gsub(/\[/, "\\[", $4)
		gsub(/\]/, "\\]", $4)
		gsub(/:/, "\\:", $4)
		gsub(q, q "\\" q q, $4)
		value = $3 == "" ? "" : ":" $3 ":_files"
		eq = $3 == "" ? "" : "="
		if ($1 != "")
			printf "\t%s(-%s --%s)%s{-%s,--%s%s}%s[%s]%s%s \\\n", q, $1, $2, q, $1, $2, eq, q, $4, value, q
		else
			printf "\t%s--%s%s[%s]%s%s \\\n", q, $2, eq, $4, value, q
	}'
	echo "	'*:file:_files'"
	;;
esac
