# Usage: awk -f report.awk GOALS RUNS: one line a comparison of GOALS of which both sides
# were run.  RUNS are lines of measure; what failed (status above 0) does not count.
# Exit status 1 if a goal was missed.

function median(list, n,    i, j, t, v) {
	for (i = 1; i <= n; i++)
		v[i] = list[i] + 0
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j - 1] > v[j]; j--) {
			t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
		}
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

function med(cmd, what,    i, list) {
	for (i = 1; i <= runs[cmd]; i++)
		list[i] = value[cmd, i, what]
	return median(list, runs[cmd])
}

# Of pairs where both ran as often, else of the medians.
function ratio(a, b, what,    i, list, theirs) {
	if (runs[a] != runs[b]) {
		theirs = med(b, what)
		return theirs ? med(a, what) / theirs : 0
	}
	for (i = 1; i <= runs[a]; i++)
		list[i] = value[b, i, what] ? value[a, i, what] / value[b, i, what] : 0
	return median(list, runs[a])
}

function verdict(r, goal) {
	if (goal == "-")
		return ""
	if (substr(goal, 1, 2) == "<=")
		return r <= substr(goal, 3) + 0 ? "met" : "MISSED"
	return r >= substr(goal, 3) + 0 ? "met" : "MISSED"
}

BEGIN {
	line = "%-12s %-12s %-9s %8s %8s %8s %8s %7s %7s  %-6s %8s %7s  %s\n"
	printf line, "row", "a", "b", "wall a", "wall b", "CPU a", "CPU b", "MiB a", "MiB b",
		"of", "a / b", "goal", ""
}
FNR == NR {
	if (!/^#/ && NF) {
		goal[++goals] = $0
	}
	next
}
{
	if ($6 != 0) {
		failed[$1] = $6
		next
	}
	i = ++runs[$1]
	value[$1, i, "wall"] = $3
	value[$1, i, "cpu"] = $4
	value[$1, i, "memory"] = $5
}
END {
	for (g = 1; g <= goals; g++) {
		split(goal[g], f, /[ \t]+/)
		a = f[1] "." f[2]
		b = f[1] "." f[3]
		if (!runs[a] || !runs[b])
			continue
		r = ratio(a, b, f[4])
		v = verdict(r, f[5])
		missed += v == "MISSED"
		met += v == "met"
		printf line, f[1], f[2], f[3], sprintf("%.3f", med(a, "wall")),
			sprintf("%.3f", med(b, "wall")), sprintf("%.2f", med(a, "cpu")),
			sprintf("%.2f", med(b, "cpu")), sprintf("%.0f", med(a, "memory")),
			sprintf("%.0f", med(b, "memory")), f[4],
			sprintf(r < 0.1 ? "%.4f" : "%.3f", r), f[5], v
	}
	for (c in failed)
		printf "%s failed with status %s\n", c, failed[c]
	printf "%d goals met, %d missed\n", met, missed
	exit missed > 0
}
