/* Durations as people write them. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/time.h"

#define NS 1000000000ll

struct text {
	const char *p, *end;
};

static bool take_unit(struct text *t, int64_t *ns)
{
	static const struct {
		char name[4];
		int64_t ns;
	} units[] = {
		{ "ns", 1 },           { "us", 1000 },         { "ms", 1000000 },
		{ "s", NS },           { "m", 60ll * NS },     { "h", 3600ll * NS },
		{ "d", 86400ll * NS }, { "w", 604800ll * NS },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		size_t n = strlen(units[i].name);

		if ((size_t)(t->end - t->p) >= n && memcmp(t->p, units[i].name, n) == 0) {
			t->p += n;
			*ns = units[i].ns;
			return true;
		}
	}
	return false;
}

/* "1.5h" in nanoseconds, truncated; digits past the 18th after the point cannot matter.
 */
static const char *take_term(struct text *t, __int128 *sum)
{
	__int128 whole = 0, frac = 0, scale = 1;
	const char *start = t->p;
	int64_t unit;

	for (; t->p < t->end && *t->p >= '0' && *t->p <= '9'; t->p++)
		if (whole <= INT64_MAX)
			whole = whole * 10 + (*t->p - '0');
	if (t->p == start)
		return "expected digits and a unit (ns, us, ms, s, m, h, d, w)";
	if (t->p < t->end && *t->p == '.') {
		start = ++t->p;
		for (; t->p < t->end && *t->p >= '0' && *t->p <= '9'; t->p++) {
			if (scale >= 1000000000000000000)
				continue;
			frac = frac * 10 + (*t->p - '0');
			scale *= 10;
		}
		if (t->p == start)
			return "expected digits after the decimal point";
	}
	if (!take_unit(t, &unit))
		return "expected a unit (ns, us, ms, s, m, h, d, w)";
	*sum += whole * unit + frac * unit / scale;
	return *sum > INT64_MAX ? "longer than 292 years" : NULL;
}

int cdp_duration_parse(int64_t *ns, const char *p, size_t n, struct cdp_err *err)
{
	struct text x = { p, p + n };
	bool neg = n && *p == '-';
	const char *why = NULL;
	__int128 sum = 0;

	if (x.p < x.end && (*x.p == '-' || *x.p == '+'))
		x.p++;
	if (x.end - x.p == 1 && *x.p == '0')
		x.p++; /* zero needs no unit */
	else
		do
			why = take_term(&x, &sum);
		while (!why && x.p < x.end);
	if (why)
		return cdp_err_set(err, CDP_ERR_USAGE, "invalid duration '%.*s': %s",
				   n < 40 ? (int)n : 40, p, why);
	*ns = neg ? -(int64_t)sum : (int64_t)sum;
	return 0;
}
