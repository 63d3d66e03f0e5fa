#include "format/protocol.h"

#include "base/num.h"
#include "base/zone.h"
#include "format/stamp.h"
#include "record/json.h"

#include <math.h>

/* Milliseconds of a value in a unit: times `up`, divided by `down`.  Values whose size
 * is not below `low` and below `high` are of another unit: such times would be wrong in
 * silence. */
static const struct {
	const char *name;
	int64_t up, down;
	double low, high;
} units[] = {
	[CDP_UNIT_MS] = { "milliseconds", 1, 1, 1e11, 1e14 },
	[CDP_UNIT_S] = { "seconds", 1000, 1, 0, 1e11 },
	[CDP_UNIT_S_OR_MS] = { "seconds or milliseconds", 1, 1, 0, 1e14 },
	[CDP_UNIT_US] = { "microseconds", 1, 1000, 1e14, 1e17 },
	[CDP_UNIT_NS] = { "nanoseconds", 1, 1000000, 1e17, 1e19 },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int from_number(int64_t *ms, const char *p, size_t n, enum cdp_unit unit,
		       const char *path, struct cdp_err *err)
{
	struct cdp_err ignored;
	double x, size;
	int64_t i;

	if (cdp_num_double(&x, p, n, &ignored) < 0)
		return cdp_canon_bad(err, path, "'%s' is not a time",
				     cdp_excerpt(p, n).s);
	size = fabs(x);
	if (!(size >= units[unit].low && size < units[unit].high))
		return cdp_canon_bad(err, path, "'%s' is not a time in %s since 1970",
				     cdp_excerpt(p, n).s, units[unit].name);
	if (unit == CDP_UNIT_S_OR_MS)
		unit = size < 1e11 ? CDP_UNIT_S : CDP_UNIT_MS;
	if (cdp_num_json_i64(&i, p, n))
		*ms = floor_div(i * units[unit].up, units[unit].down);
	else
		*ms = (int64_t)floor(x * (double)units[unit].up /
					     (double)units[unit].down +
				     (unit == CDP_UNIT_S ? 0.5 : 0));
	return 0;
}

/* The pattern of a civil time without a zone, NULL of another text. */
static const char *civil_pattern(const char *p, size_t n)
{
	const char *sep = memchr(p, ' ', n), *point = memchr(p, '.', n);

	if (!sep)
		sep = memchr(p, 'T', n);
	if (!sep || n < 5 || !is_digit(p[n - 1]))
		return NULL;
	for (const char *q = sep; q < p + n; q++)
		if (*q == '+' || *q == '-')
			return NULL;
	if (*sep == ' ')
		return point ? "%Y-%m-%d %H:%M:%S.%f" : "%Y-%m-%d %H:%M:%S";
	return point ? "%Y-%m-%dT%H:%M:%S.%f" : "%Y-%m-%dT%H:%M:%S";
}

static int from_text(int64_t *ms, const char *p, size_t n, const struct cdp_clock *clock,
		     const char *path, struct cdp_err *err)
{
	bool fixed = clock->east != CDP_NO_OFFSET;
	const char *pattern;
	struct cdp_err why;
	struct cdp_time t;
	int rc;

	*ms = cdp_time_canon_ms(p, n);
	if (*ms != CDP_NO_TIME)
		return 0;
	pattern = civil_pattern(p, n);
	rc = pattern ? cdp_stamp_parse(&t, p, n, pattern, fixed ? NULL : clock->zone,
				       &why)
		     : cdp_time_parse(&t, p, n, &why);
	if (rc < 0)
		return cdp_canon_bad(err, path, "%s", why.msg);
	*ms = cdp_time_ms(t) - (pattern && fixed ? (int64_t)clock->east * 1000 : 0);
	return 0;
}

static bool is_number(const char *p, size_t n)
{
	size_t i = n && *p == '-';

	if (i == n)
		return false;
	for (; i < n; i++)
		if (!is_digit(p[i]) && p[i] != '.')
			return false;
	return true;
}

int cdp_when(int64_t *ms, const struct cdp_val *v, const struct cdp_clock *clock,
	     const char *path, struct cdp_err *err)
{
	/* An escape stands in no time, so the raw text of a string will do. */
	switch (v->type) {
	case CDP_MISSING:
		return cdp_canon_bad(err, path, "%s is missing", path);
	case CDP_NUMBER:
		return from_number(ms, v->p, v->n, clock->unit, path, err);
	case CDP_STRING:
		return is_number(v->p, v->n)
			       ? from_number(ms, v->p, v->n, clock->unit, path, err)
			       : from_text(ms, v->p, v->n, clock, path, err);
	default:
		return cdp_canon_bad(err, path, "not a time");
	}
}

int cdp_when_any(int64_t *ms, const struct cdp_val *v, const struct cdp_clock *clock,
		 const char *path, struct cdp_err *err)
{
	return v->type <= CDP_NULL ? 0 : cdp_when(ms, v, clock, path, err);
}
