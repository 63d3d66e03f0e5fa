#include "lang/value.h"

#include "base/decimal.h"
#include "base/hash.h"
#include <string.h>

const char *cdp_vtype_name(enum cdp_vtype t)
{
	static const char *const names[] = {
		[CDP_V_NULL] = "null_type",
		[CDP_V_BOOL] = "bool",
		[CDP_V_INT] = "int",
		[CDP_V_UINT] = "uint",
		[CDP_V_DOUBLE] = "double",
		[CDP_V_STRING] = "string",
		[CDP_V_BYTES] = "bytes",
		[CDP_V_TIMESTAMP] = "google.protobuf.Timestamp",
		[CDP_V_DURATION] = "google.protobuf.Duration",
		[CDP_V_LIST] = "list",
		[CDP_V_MAP] = "map",
		[CDP_V_TYPE] = "type",
		[CDP_V_DECIMAL] = "double",
	};

	return names[t];
}

/* ---- order and equality ---- */

enum { NO_ORDER = 2 };

static int cmp_i64(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int cmp_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int cmp_double(double a, double b)
{
	return a < b ? -1 : a > b ? 1 : a == b ? 0 : NO_ORDER;
}

/* The conformance suite compares an int with a double as doubles, not exactly, once the
 * double is in range. */
static int cmp_int_double(int64_t a, double b)
{
	if (b < -0x1p63)
		return 1;
	if (b > 0x1p63)
		return -1;
	return cmp_double((double)a, b);
}

static int cmp_uint_double(uint64_t a, double b)
{
	if (b < 0)
		return 1;
	if (b > 0x1p64)
		return -1;
	return cmp_double((double)a, b);
}

static int cmp_int_uint(int64_t a, uint64_t b)
{
	return a < 0 ? -1 : cmp_u64((uint64_t)a, b);
}

static int flip(int c)
{
	return c == NO_ORDER ? c : -c;
}

static bool is_number(const struct cdp_value *v)
{
	return v->type == CDP_V_INT || v->type == CDP_V_UINT || v->type == CDP_V_DOUBLE ||
	       v->type == CDP_V_DECIMAL;
}

/* A sum meets an integer exactly and a double as the nearest double. */
static int cmp_decimal(const struct cdp_value *a, const struct cdp_value *b)
{
	struct cdp_decimal d = CDP_DECIMAL_ZERO;

	if (b->type == CDP_V_DOUBLE)
		return cmp_double(cdp_decimal_double(*a->dec), b->d);
	if (b->type == CDP_V_DECIMAL)
		d = *b->dec;
	else
		d.unscaled = b->type == CDP_V_INT ? (__int128)b->i : (__int128)b->u;
	return cdp_decimal_cmp(*a->dec, d);
}

static int cmp_numbers(const struct cdp_value *a, const struct cdp_value *b)
{
	if (a->type == CDP_V_DECIMAL)
		return cmp_decimal(a, b);
	if (b->type == CDP_V_DECIMAL)
		return flip(cmp_decimal(b, a));
	switch (a->type) {
	case CDP_V_INT:
		return b->type == CDP_V_INT    ? cmp_i64(a->i, b->i)
		       : b->type == CDP_V_UINT ? cmp_int_uint(a->i, b->u)
					       : cmp_int_double(a->i, b->d);
	case CDP_V_UINT:
		return b->type == CDP_V_UINT  ? cmp_u64(a->u, b->u)
		       : b->type == CDP_V_INT ? flip(cmp_int_uint(b->i, a->u))
					      : cmp_uint_double(a->u, b->d);
	default:
		return b->type == CDP_V_DOUBLE ? cmp_double(a->d, b->d)
		       : b->type == CDP_V_INT  ? flip(cmp_int_double(b->i, a->d))
					       : flip(cmp_uint_double(b->u, a->d));
	}
}

static int cmp_text(const struct cdp_value *a, const struct cdp_value *b)
{
	size_t n = a->s.n < b->s.n ? a->s.n : b->s.n;
	int c = n ? memcmp(a->s.p, b->s.p, n) : 0;

	return c ? (c < 0 ? -1 : 1) : cmp_u64(a->s.n, b->s.n);
}

int cdp_value_cmp(const struct cdp_value *a, const struct cdp_value *b)
{
	if (is_number(a) && is_number(b))
		return cmp_numbers(a, b);
	if (a->type != b->type)
		return NO_ORDER;
	switch (a->type) {
	case CDP_V_BOOL:
		return (int)a->b - (int)b->b;
	case CDP_V_STRING:
	case CDP_V_BYTES:
		return cmp_text(a, b);
	case CDP_V_TIMESTAMP:
	case CDP_V_DURATION:
		return cdp_time_cmp(a->t, b->t);
	default:
		return NO_ORDER;
	}
}

static bool lists_equal(const struct cdp_list *a, const struct cdp_list *b)
{
	size_t n = cdp_list_count(a);

	if (n != cdp_list_count(b))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!cdp_value_equal(cdp_list_at(a, i), cdp_list_at(b, i)))
			return false;
	return true;
}

static bool maps_equal(const struct cdp_map *a, const struct cdp_map *b)
{
	size_t n = cdp_map_count(a);

	if (n != cdp_map_count(b))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct cdp_value *k, *v;
		struct cdp_value other;

		cdp_map_at(a, i, &k, &v);
		if (!cdp_map_get(b, k, &other) || !cdp_value_equal(v, &other))
			return false;
	}
	return true;
}

bool cdp_value_equal(const struct cdp_value *a, const struct cdp_value *b)
{
	if (is_number(a) && is_number(b))
		return cmp_numbers(a, b) == 0;
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case CDP_V_NULL:
		return true;
	case CDP_V_STRING:
	case CDP_V_BYTES:
		return a->s.n == b->s.n &&
		       (a->s.n == 0 || memcmp(a->s.p, b->s.p, a->s.n) == 0);
	case CDP_V_LIST:
		return lists_equal(a->list, b->list);
	case CDP_V_MAP:
		return maps_equal(a->map, b->map);
	case CDP_V_TYPE:
		return strcmp(cdp_vtype_name(a->type_of), cdp_vtype_name(b->type_of)) ==
		       0;
	default:
		return cdp_value_cmp(a, b) == 0;
	}
}

static uint64_t hash_number(double d)
{
	uint64_t bits;

	d += 0.0; /* -0 and 0 are equal */
	memcpy(&bits, &d, sizeof(bits));
	return cdp_hash_u64(bits);
}

uint64_t cdp_value_hash(const struct cdp_value *v)
{
	uint64_t h = v->type;

	switch (v->type) {
	case CDP_V_BOOL:
		return cdp_hash_u64(2 + v->b);
	case CDP_V_INT:
		return hash_number((double)v->i);
	case CDP_V_UINT:
		return hash_number((double)v->u);
	case CDP_V_DOUBLE:
		return hash_number(v->d);
	case CDP_V_DECIMAL:
		return hash_number(cdp_decimal_double(*v->dec));
	case CDP_V_STRING:
	case CDP_V_BYTES:
		return cdp_hash(v->s.p, v->s.n) + h;
	case CDP_V_TIMESTAMP:
	case CDP_V_DURATION:
		return cdp_hash_u64((uint64_t)v->t.s * 1000003 + (uint64_t)v->t.ns) + h;
	case CDP_V_LIST:
		for (size_t i = 0; i < cdp_list_count(v->list); i++)
			h = h * 31 + cdp_value_hash(cdp_list_at(v->list, i));
		return h;
	case CDP_V_MAP:
		/* In any order. */
		for (size_t i = 0; i < cdp_map_count(v->map); i++) {
			const struct cdp_value *key, *value;

			cdp_map_at(v->map, i, &key, &value);
			h += cdp_hash_u64(cdp_value_hash(key) * 31 +
					  cdp_value_hash(value));
		}
		return h;
	default:
		return h;
	}
}
