#!/bin/sh
# Usage: tests/lint/examples.sh BUILD
# What pages and README show is what happens.  In a page, a display after `.\" test: NAME`
# is a session: lines that start with `$ ` are commands,
# with `> ` they go on, the rest is what they print.  In README.md it is a ```sh block after <!-- test: NAME -->.
# Commands run in a copy of samples/; sessions of one file follow each other there.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$PWD
PATH=$top/${1:-build/release}:$PATH
export PATH LC_ALL=C TZ=UTC
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
bad=0

# Sessions of a page as: "# NAME" lines, then the text with roff taken out.
of_page() {
	awk '
	/^\.\\" test: / { name = $3; next }
	/^\.Bd/ && name != "" { on = 1; print "# " name; next }
	/^\.Ed/ { on = 0; name = ""; next }
	on { gsub(/\\e/, "\\"); gsub(/\\&/, ""); gsub(/\\-/, "-"); print }' "$1"
}

of_readme() {
	awk '
	/^<!-- test: / { name = $3; next }
	/^```sh/ && name != "" { on = 1; print "# " name; next }
	/^```/ { on = 0; name = ""; next }
	on' "$1"
}

# Runs the sessions on stdin; prints them with what really came out.
replay() {
	cmd=
	while IFS= read -r line; do
		case $line in
		'> '*)
			cmd="$cmd
${line#??}"
			;;
		*)
			run
			case $line in
			'# '*) echo "$line" ;;
			'$ '*) cmd=${line#??} ;;
			esac
			;;
		esac
	done
	run
}

run() {
	[ "$cmd" ] || return 0
	echo "$cmd" | sed -e '1s/^/$ /' -e '2,$s/^/> /'
	sh -c "$cmd" </dev/null 2>&1
	cmd=
}

for file in man/*.[1-9] README.md; do
	[ -f "$file" ] || continue
	rm -rf "$tmp/run"
	cp -r samples "$tmp/run"
	case $file in
	README.md) of_readme "$file" ;;
	*) of_page "$file" ;;
	esac >"$tmp/shown"
	[ -s "$tmp/shown" ] || continue
	(cd "$tmp/run" && replay <"$tmp/shown") >"$tmp/real"
	if ! diff -u "$tmp/shown" "$tmp/real" >"$tmp/diff"; then
		echo "$file shows something else than what happens:"
		cat "$tmp/diff"
		bad=1
	fi
done
exit $bad
