#!/bin/sh
# Usage: .ci/deps.sh build|test|bench...
# Installs the packages that the lists beside this file name.  Silent and quick when
# nothing is missing.
set -eu

here=$(dirname "$0")
wanted=$(for list in "$@"; do cat "$here/deps.$list"; done | sort -u)

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "no apt here; these Debian packages (or what corresponds to them) are needed:" >&2
	echo "$wanted" | sed 's/^/  /' >&2
	exit 0
fi

missing() {
	# What is not installed, and what provides it neither (pkg-config is pkgconf in places).
	# shellcheck disable=SC2086
	dpkg-query -W -f '${db:Status-Status} ${Package}\n${db:Status-Status} ${Provides}\n' \
		2>/dev/null | awk '$1 == "installed" {
			gsub(/\([^)]*\)|,/, " ")
			for (i = 2; i <= NF; i++) print $i
		}' | sort -u | {
			have=$(cat)
			for p in $wanted; do
				echo "$have" | grep -qxF "$p" || echo "$p"
			done
		}
}

need=$(missing)
[ -n "$need" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "not root, and no sudo; install these first:" >&2
		echo "$need" | sed 's/^/  /' >&2
		exit 1
	fi
	as_root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
install() {
	# shellcheck disable=SC2086
	$as_root apt-get install -q -y --no-install-recommends $need
}

# Without lists, or with stale ones, they are fetched first.
# shellcheck disable=SC2086
if ! apt-cache show $need >/dev/null 2>&1 || ! install; then
	$as_root apt-get update -q
	install
fi
