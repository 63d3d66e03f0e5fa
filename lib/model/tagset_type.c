/* Types of tags. */
#include "base/decimal.h"
#include "model/tagset.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
	[CDP_TAG_ANY] = "any",           [CDP_TAG_BOOL] = "bool",
	[CDP_TAG_INT] = "int",           [CDP_TAG_BIGINT] = "bigint",
	[CDP_TAG_NUMBER] = "number",     [CDP_TAG_DECIMAL] = "decimal",
	[CDP_TAG_STRING] = "string",     [CDP_TAG_LIST] = "list",
	[CDP_TAG_MAP] = "map",           [CDP_TAG_DATE] = "date",
	[CDP_TAG_DATETIME] = "datetime",
};

const char *cdp_tag_type_name(enum cdp_tag_type type)
{
	return names[type];
}

static bool is_number(const struct cdp_value *v)
{
	return v->type == CDP_V_INT || v->type == CDP_V_UINT ||
	       v->type == CDP_V_DECIMAL || (v->type == CDP_V_DOUBLE && isfinite(v->d));
}

/* Neither fraction nor exponent: a record's number of too many digits for 64 bits. */
static bool is_digits(const struct cdp_value *v)
{
	uint32_t i = v->raw_n && v->raw[0] == '-';

	if (v->raw_n == i)
		return false;
	for (; i < v->raw_n; i++)
		if (v->raw[i] < '0' || v->raw[i] > '9')
			return false;
	return true;
}

/* 12.00 is a whole number. */
static bool whole(const struct cdp_decimal *d, __int128 *out)
{
	__int128 n = d->unscaled;

	for (uint32_t i = 0; i < d->scale; i++) {
		if (n % 10)
			return false;
		n /= 10;
	}
	*out = n;
	return true;
}

static bool fit_int(struct cdp_value *v, bool big)
{
	__int128 n;

	switch (v->type) {
	case CDP_V_INT:
	case CDP_V_UINT:
		return true;
	case CDP_V_DECIMAL:
		return whole(v->dec, &n) &&
		       (big || (n >= INT64_MIN && n <= (__int128)UINT64_MAX));
	case CDP_V_DOUBLE:
		if (is_digits(v))
			return big && v->raw_n <= 39;
		if (!(v->d >= -0x1p63 && v->d < 0x1p63) || v->d != floor(v->d))
			return false;
		v->type = CDP_V_INT;
		v->raw_n = 0;
		v->i = (int64_t)v->d;
		return true;
	default:
		return false;
	}
}

static bool is_day(const char *p, size_t n)
{
	unsigned year = 0, month = 0, day = 0;

	if (n != 10 || p[4] != '-' || p[7] != '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (i != 4 && i != 7 && (p[i] < '0' || p[i] > '9'))
			return false;
	for (size_t i = 0; i < 4; i++)
		year = year * 10 + (unsigned)(p[i] - '0');
	month = (unsigned)(p[5] - '0') * 10 + (unsigned)(p[6] - '0');
	day = (unsigned)(p[8] - '0') * 10 + (unsigned)(p[9] - '0');
	return month >= 1 && month <= 12 && day >= 1 &&
	       day <= cdp_days_in_month(year, month);
}

static bool fit_date(struct cdp_value *v, const struct cdp_zone *zone,
		     struct cdp_arena *arena)
{
	enum { ROOM = 32 };
	struct cdp_civil c;
	char *day;

	if (v->type != CDP_V_TIMESTAMP)
		return v->type == CDP_V_STRING && is_day(v->s.p, v->s.n);
	day = cdp_arena_alloc(arena, ROOM);
	cdp_zone_civil(zone, v->t, &c);
	v->type = CDP_V_STRING;
	v->s.p = day;
	v->s.n = (size_t)snprintf(day, ROOM, "%04d-%02d-%02d", c.year, c.month, c.day);
	return true;
}

static bool fit_datetime(struct cdp_value *v)
{
	struct cdp_err ignored;
	struct cdp_time t;

	if (v->type != CDP_V_STRING)
		return v->type == CDP_V_TIMESTAMP;
	if (cdp_time_parse(&t, v->s.p, v->s.n, &ignored) < 0)
		return false;
	*v = (struct cdp_value){ .type = CDP_V_TIMESTAMP, .t = t };
	return true;
}

bool cdp_tag_type_may_fit(enum cdp_tag_type type, enum cdp_vtype value)
{
	struct cdp_value v = { .type = value };

	switch (type) {
	case CDP_TAG_INT:
	case CDP_TAG_BIGINT:
	case CDP_TAG_NUMBER:
	case CDP_TAG_DECIMAL:
		return is_number(&v) || value == CDP_V_NULL;
	case CDP_TAG_DATE:
	case CDP_TAG_DATETIME:
		return value == CDP_V_STRING || value == CDP_V_TIMESTAMP ||
		       value == CDP_V_NULL;
	default:
		return cdp_tag_type_fit(type, &v, NULL, NULL);
	}
}

bool cdp_tag_type_fit(enum cdp_tag_type type, struct cdp_value *v,
		      const struct cdp_zone *zone, struct cdp_arena *arena)
{
	if (v->type == CDP_V_NULL)
		return true;
	switch (type) {
	case CDP_TAG_ANY:
		return true;
	case CDP_TAG_BOOL:
		return v->type == CDP_V_BOOL;
	case CDP_TAG_INT:
		return fit_int(v, false);
	case CDP_TAG_BIGINT:
		return fit_int(v, true);
	case CDP_TAG_NUMBER:
	case CDP_TAG_DECIMAL:
		return is_number(v);
	case CDP_TAG_STRING:
		return v->type == CDP_V_STRING;
	case CDP_TAG_LIST:
		return v->type == CDP_V_LIST;
	case CDP_TAG_MAP:
		return v->type == CDP_V_MAP;
	case CDP_TAG_DATE:
		return fit_date(v, zone, arena);
	case CDP_TAG_DATETIME:
		return fit_datetime(v);
	}
	return false;
}
