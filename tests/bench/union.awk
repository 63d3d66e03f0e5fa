# Union-find over pairs of ids, TAB-separated; prints how many groups there are.
function find(x,  r, n) {
	for (r = x; up[r] != r;)
		r = up[r]
	while (up[x] != r) {
		n = up[x]
		up[x] = r
		x = n
	}
	return r
}
{
	for (i = 1; i <= 2; i++)
		if (!($i in up)) {
			up[$i] = $i
			groups++
		}
	a = find($1)
	b = find($2)
	if (a != b) {
		up[b] = a
		groups--
	}
}
END { print groups }
