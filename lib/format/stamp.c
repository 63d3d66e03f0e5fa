#include "format/stamp.h"

#include "format/canon.h"

#include <stdbool.h>
#include <string.h>

enum { NS = 1000000000 };

/* What a text said so far. */
struct fields {
	int64_t year, epoch_s;
	int month, day, hour, minute, second;
	int32_t ns, offset_s;
	bool has_epoch, has_offset;
};

static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* Digits of a number, `min` to `max` of them: past it, or NULL. */
static const char *number(const char *p, const char *end, int min, int max, int64_t *v)
{
	const char *from = p;

	for (*v = 0; p < end && is_digit(*p) && p - from < max; p++)
		*v = *v * 10 + (*p - '0');
	return p - from >= min ? p : NULL;
}

/* A field of one or two digits that may not exceed `top`. */
static const char *small(const char *p, const char *end, bool fixed, int low, int top,
			 int *v)
{
	int64_t x;

	p = number(p, end, fixed ? 2 : 1, 2, &x);
	if (!p || x < low || x > top)
		return NULL;
	*v = (int)x;
	return p;
}

static const char *month_name(const char *p, const char *end, int *month)
{
	if (end - p < 3)
		return NULL;
	for (int i = 0; i < 12; i++)
		if ((p[0] | 0x20) == months[3 * i] &&
		    (p[1] | 0x20) == months[3 * i + 1] &&
		    (p[2] | 0x20) == months[3 * i + 2]) {
			*month = i + 1;
			return p + 3;
		}
	return NULL;
}

static const char *fraction(const char *p, const char *end, int32_t *ns)
{
	int32_t unit = NS;

	if (p == end || !is_digit(*p))
		return NULL;
	for (*ns = 0; p < end && is_digit(*p); p++) {
		if (unit == 1)
			return NULL;
		unit /= 10;
		*ns += (*p - '0') * unit;
	}
	return p;
}

static const char *offset(const char *p, const char *end, struct fields *f)
{
	int hours, minutes;
	int sign;

	f->has_offset = true;
	f->offset_s = 0;
	if (p < end && (*p | 0x20) == 'z')
		return p + 1;
	if (p == end || (*p != '+' && *p != '-'))
		return NULL;
	sign = *p++ == '-' ? -1 : 1;
	p = small(p, end, true, 0, 23, &hours);
	if (p && p < end && *p == ':')
		p++;
	p = p ? small(p, end, true, 0, 59, &minutes) : NULL;
	if (p)
		f->offset_s = sign * (hours * 3600 + minutes * 60);
	return p;
}

/* A count of 1/per seconds since 1970. */
static const char *epoch(const char *p, const char *end, int64_t per, struct fields *f)
{
	bool negative = p < end && *p == '-';
	int64_t v, s;

	p = number(p + negative, end, 1, 18, &v);
	if (!p)
		return NULL;
	v = negative ? -v : v;
	s = v / per - (v % per < 0);
	f->epoch_s = s;
	f->ns = (int32_t)((v - s * per) * (NS / per));
	f->has_epoch = true;
	return p;
}

static const char *field(char c, bool fixed, const char *p, const char *end,
			 struct fields *f)
{
	switch (c) {
	case 'Y':
		return number(p, end, 4, 4, &f->year);
	case 'y':
		p = number(p, end, 2, 2, &f->year);
		f->year += f->year < 70 ? 2000 : 1900;
		return p;
	case 'm':
		return small(p, end, fixed, 1, 12, &f->month);
	case 'd':
		return small(p, end, fixed, 1, 31, &f->day);
	case 'H':
		return small(p, end, fixed, 0, 23, &f->hour);
	case 'M':
		return small(p, end, fixed, 0, 59, &f->minute);
	case 'S':
		return small(p, end, fixed, 0, 59, &f->second);
	case 'b':
		return month_name(p, end, &f->month);
	case 'f':
		return fraction(p, end, &f->ns);
	case 'z':
		return offset(p, end, f);
	case 's':
		return epoch(p, end, 1, f);
	case 'L':
		return epoch(p, end, 1000, f);
	case 'U':
		return epoch(p, end, 1000000, f);
	default:
		return NULL;
	}
}

/* Past the text that the pattern describes, or NULL. */
static const char *match(const char *p, const char *end, const char *pattern,
			 struct fields *f)
{
	for (; p && *pattern; pattern++) {
		if (*pattern == '%' && pattern[1] != '%') {
			pattern++;
			/* Two digits are needed to see where a field ends only when
			 * another one follows at once. */
			p = field(*pattern, pattern[1] == '%', p, end, f);
		} else if (is_space(*pattern)) {
			if (p == end || !is_space(*p))
				return NULL;
			while (p < end && is_space(*p))
				p++;
		} else {
			pattern += *pattern == '%';
			p = p < end && *p == *pattern ? p + 1 : NULL;
		}
	}
	return p;
}

static int read_fields(struct fields *f, const char *p, size_t n, const char *pattern,
		       struct cdp_err *err)
{
	const char *from = p, *end = p + n;

	*f = (struct fields){ .year = 1970, .month = 1, .day = 1 };
	while (end > p && is_space(end[-1]))
		end--;
	while (p < end && is_space(*p))
		p++;
	if (match(p, end, pattern, f) != end || (size_t)(end - p) == 0)
		return cdp_err_set(err, CDP_ERR_DATA, "'%s' is not written as '%s'",
				   cdp_excerpt(from, n).s, pattern);
	if ((unsigned)f->day > cdp_days_in_month(f->year, (unsigned)f->month) ||
	    f->year < 1)
		return cdp_err_set(err, CDP_ERR_DATA, "'%s' is no day of the calendar",
				   cdp_excerpt(from, n).s);
	return 0;
}

int cdp_stamp_parse(struct cdp_time *t, const char *p, size_t n, const char *pattern,
		    const struct cdp_zone *zone, struct cdp_err *err)
{
	struct cdp_civil c;
	struct fields f;

	if (read_fields(&f, p, n, pattern, err) < 0)
		return -1;
	if (f.has_epoch) {
		*t = (struct cdp_time){ f.epoch_s, f.ns };
	} else if (f.has_offset || !zone) {
		int64_t day =
			cdp_days_from_civil(f.year, (unsigned)f.month, (unsigned)f.day);

		*t = (struct cdp_time){ day * 86400 + f.hour * 3600 + f.minute * 60 +
						f.second - f.offset_s,
					f.ns };
	} else {
		c = (struct cdp_civil){
			(int32_t)f.year,  (int8_t)f.month,  (int8_t)f.day, (int8_t)f.hour,
			(int8_t)f.minute, (int8_t)f.second, f.ns
		};
		*t = cdp_zone_instant(zone, &c);
	}
	if (t->s < CDP_TIME_MIN_S || t->s > CDP_TIME_MAX_S)
		return cdp_err_set(err, CDP_ERR_DATA,
				   "'%s' is outside of the years 1 to 9999",
				   cdp_excerpt(p, n).s);
	return 0;
}

int cdp_stamp_date(int64_t *day, const char *p, size_t n, const char *pattern,
		   struct cdp_err *err)
{
	struct fields f;

	if (read_fields(&f, p, n, pattern, err) < 0)
		return -1;
	*day = cdp_days_from_civil(f.year, (unsigned)f.month, (unsigned)f.day);
	return 0;
}

int cdp_stamp_check(const char *pattern, struct cdp_err *err, int date)
{
	static const char known[] = "YymdHMSbfzsLU";
	bool seen[128] = { false };

	for (const char *p = pattern; *p; p++) {
		if (*p != '%')
			continue;
		p++;
		if (*p == '%')
			continue;
		if (!*p || !strchr(known, *p))
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "'%s': unknown field '%%%.1s'", pattern, p);
		seen[(unsigned char)*p] = true;
	}
	if (seen['s'] || seen['L'] || seen['U'])
		return date ? cdp_err_set(err, CDP_ERR_USAGE, "'%s' is not a date",
					  pattern)
			    : 0;
	if (!(seen['Y'] || seen['y']) || !(seen['m'] || seen['b']) || !seen['d'])
		return cdp_err_set(err, CDP_ERR_USAGE, "'%s' has no whole date", pattern);
	if (date && (seen['H'] || seen['M'] || seen['S'] || seen['f'] || seen['z']))
		return cdp_err_set(err, CDP_ERR_USAGE, "'%s' is more than a date",
				   pattern);
	return 0;
}
