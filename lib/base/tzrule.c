#include "base/tzrule.h"

#include <string.h>

#include "base/time.h"

struct text {
	const char *p, *end;
};

static bool take(struct text *t, char c)
{
	if (t->p == t->end || *t->p != c)
		return false;
	t->p++;
	return true;
}

static bool take_int(struct text *t, int max, int *v)
{
	const char *start = t->p;
	int r = 0;

	for (; t->p < t->end && *t->p >= '0' && *t->p <= '9'; t->p++) {
		r = r * 10 + (*t->p - '0');
		if (r > max)
			return false;
	}
	*v = r;
	return t->p > start;
}

static bool is_alpha(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* "EST" or "<+03>": at least three characters, whose meaning is nobody's business here.
 */
static bool take_name(struct text *t)
{
	const char *start;

	if (take(t, '<')) {
		start = t->p;
		while (t->p < t->end && *t->p != '>')
			t->p++;
		return t->p - start >= 3 && take(t, '>');
	}
	start = t->p;
	while (t->p < t->end && is_alpha(*t->p))
		t->p++;
	return t->p - start >= 3;
}

/* "[+-]h[:mm[:ss]]" in seconds. */
static bool take_hms(struct text *t, int max_hours, int32_t *seconds)
{
	bool neg = t->p < t->end && *t->p == '-';
	int h, m = 0, s = 0;

	if (!take(t, '-'))
		take(t, '+');
	if (!take_int(t, max_hours, &h))
		return false;
	if (take(t, ':')) {
		if (!take_int(t, 59, &m))
			return false;
		if (take(t, ':') && !take_int(t, 59, &s))
			return false;
	}
	*seconds = (h * 3600 + m * 60 + s) * (neg ? -1 : 1);
	return true;
}

/* ",M3.2.0/2", ",J60" or ",59/-1". */
static bool take_date(struct text *t, struct cdp_tzdate *d)
{
	*d = (struct cdp_tzdate){ .seconds = 2 * 3600 };
	if (!take(t, ','))
		return false;
	if (take(t, 'M')) {
		d->kind = CDP_TZDATE_WEEK;
		if (!take_int(t, 12, &d->month) || d->month < 1 || !take(t, '.') ||
		    !take_int(t, 5, &d->week) || d->week < 1 || !take(t, '.') ||
		    !take_int(t, 6, &d->day))
			return false;
	} else if (take(t, 'J')) {
		d->kind = CDP_TZDATE_JULIAN;
		if (!take_int(t, 365, &d->day) || d->day < 1)
			return false;
	} else {
		d->kind = CDP_TZDATE_ZERO;
		if (!take_int(t, 365, &d->day))
			return false;
	}
	return !take(t, '/') || take_hms(t, 167, &d->seconds);
}

int cdp_tzrule_parse(struct cdp_tzrule *r, const char *p, size_t n)
{
	struct text t = { p, p + n };
	struct cdp_tzrule x = { 0 };

	if (!take_name(&t) || !take_hms(&t, 24, &x.std))
		return 0;
	x.std = -x.std; /* POSIX counts west of Greenwich */
	if (t.p < t.end) {
		x.has_dst = true;
		if (!take_name(&t))
			return 0;
		if (t.p < t.end && *t.p != ',') {
			if (!take_hms(&t, 24, &x.dst))
				return 0;
			x.dst = -x.dst;
		} else {
			x.dst = x.std + 3600;
		}
		if (!take_date(&t, &x.start) || !take_date(&t, &x.end) || t.p != t.end)
			return 0;
	}
	*r = x;
	return 1;
}

static int64_t seconds_of(const struct cdp_tzdate *d, int year)
{
	int64_t first = cdp_days_from_civil(year, 1, 1), day = first + d->day;

	if (d->kind == CDP_TZDATE_JULIAN) {
		/* J60 is March 1 in every year. */
		day = first + d->day - 1 +
		      (d->day >= 60 && cdp_days_in_month(year, 2) == 29);
	} else if (d->kind == CDP_TZDATE_WEEK) {
		unsigned month = (unsigned)d->month;
		int64_t last;

		first = cdp_days_from_civil(year, month, 1);
		last = first + cdp_days_in_month(year, month) - 1;
		/* cdp_weekday has Sunday as 7. */
		day = first + (d->day + 7 - (int)cdp_weekday(first) % 7) % 7;
		day += 7 * (d->week - 1);
		if (day > last)
			day -= 7;
	}
	return day * 86400 + d->seconds;
}

void cdp_tzrule_year(const struct cdp_tzrule *r, int year, int64_t *start, int64_t *end)
{
	*start = seconds_of(&r->start, year) - r->std;
	*end = seconds_of(&r->end, year) - r->dst;
}
