#!/usr/bin/env bash
# Usage: tests/clients/run.sh
# Tracking libraries, as their packages are, against the endpoint of cdp-collect; the last line
# says `N passed, N failed`.  The packages go to build/clients.  From the environment:
#   ONLY=TEXT          only tests with this text in their name
#   SHOW=1             show the records that come
#   GROWINGIO_SDK=FILE GrowingIO's library for pages, which no registry has: dist/gdp-full.js
#                      of its repository growingio-sdk-webjs-autotracker (shown with 4.3.1)
set -u
cd "$(dirname "$0")/../.." || exit 1
dir=build/clients

install() {
	cmp -s tests/clients/package.json $dir/installed.json && return
	mkdir -p $dir && cp tests/clients/package.json $dir/ || return
	if ! npm install --prefix $dir --no-audit --no-fund --no-package-lock --ignore-scripts \
		>$dir/npm.log 2>&1; then
		cat $dir/npm.log
		return 1
	fi
	cp tests/clients/package.json $dir/installed.json
}

if build/release/cdp-collect --version | grep -q 'without libmicrohttpd'; then
	echo "ok 1 - clients # SKIP built without libmicrohttpd"
	echo "1 passed, 0 failed"
	exit 0
fi
install || exit 1
export TZ=Asia/Shanghai
for part in node browser; do
	timeout -k 5 300 node tests/clients/$part.mjs >$dir/$part.tap ||
		grep -q '^not ok' $dir/$part.tap || echo "not ok 0 - $part ends well" >>$dir/$part.tap
	cat $dir/$part.tap
done
awk '
	/^ok / { passed++ }
	/^not ok / { failed++ }
	END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || passed == 0 }
' $dir/node.tap $dir/browser.tap
