#!/bin/sh
# A file includes its own layer or lower ones, headers of one layer do not include each
# other in a circle, and each third-party header is seen by one pair of files only.
set -u
cd "$(dirname "$0")/../.." || exit 1

awk '
BEGIN {
	n = split("base io record format lang model cli", order)
	for (i = 1; i <= n; i++)
		rank[order[i]] = i
	rank["tools"] = n + 1
}
FNR == 1 {
	me = FILENAME
	sub(/^lib\//, "", me)
	layer = me
	sub(/\/.*/, "", layer)
	pair = me
	sub(/\.[ch]$/, "", pair)
}
match($0, /^#[ \t]*include[ \t]+"[^"]+"/) {
	dep = $0
	sub(/^[^"]*"/, "", dep)
	sub(/".*/, "", dep)
	other = dep
	sub(/\/.*/, "", other)
	if (!(other in rank) || rank[other] > rank[layer]) {
		printf "%s:%d: layer %s may not include %s\n", FILENAME, FNR, layer, dep
		bad = 1
	}
	if (me ~ /\.h$/ && dep != me)
		edge[me] = edge[me] " " dep
}
match($0, /^#[ \t]*include[ \t]+<[^>]+>/) {
	dep = $0
	sub(/^[^<]*</, "", dep)
	sub(/>.*/, "", dep)
	if (dep !~ /^(jansson|csv|zlib|zstd|lmdb|roaring\/|pcre2|utf8proc|xxhash|microhttpd|curl\/|sql|openssl\/)/)
		next
	sub(/\/.*/, "", dep)
	sub(/^(sql|curl|openssl|zstd).*/, "&", dep)
	if ((dep in owner) && owner[dep] != pair) {
		printf "%s:%d: <%s> belongs to %s alone\n", FILENAME, FNR, dep, owner[dep]
		bad = 1
	}
	owner[dep] = pair
}
# Depth first; state 1 is on the way, 2 is done.
function visit(h, path,   deps, i, k) {
	if (state[h] == 1) {
		print "headers include each other: " path " " h
		bad = 1
		return
	}
	if (state[h] == 2)
		return
	state[h] = 1
	k = split(edge[h], deps, " ")
	for (i = 1; i <= k; i++)
		visit(deps[i], path " " h)
	state[h] = 2
}
END {
	for (h in edge)
		visit(h, "")
	exit bad
}' lib/*/*.[ch] tools/*.[ch]
