/* Operators over values. */
#include "base/decimal.h"
#include "lang/prog.h"
#include "lang/view.h"

#include <math.h>
#include <string.h>

const char *cdp_type_word(unsigned type)
{
	switch (type) {
	case CDP_V_NULL:
		return "null";
	case CDP_V_TIMESTAMP:
		return "timestamp";
	case CDP_V_DURATION:
		return "duration";
	default:
		return cdp_vtype_name((enum cdp_vtype)type);
	}
}

static bool is_text(const struct cdp_value *v)
{
	return v->type == CDP_V_STRING;
}

static bool is_time(const struct cdp_value *v)
{
	return v->type == CDP_V_TIMESTAMP || v->type == CDP_V_DURATION;
}

static int no_overload(struct cdp_eval *ev, enum cdp_op op, const struct cdp_value *a,
		       const struct cdp_value *b)
{
	const char *part[] = {
		"no such overload: ",  cdp_type_word(a->type), " ", cdp_op_text(op), " ",
		cdp_type_word(b->type)
	};
	char *to = ev->msg;

	/* Comparisons with null are many: no printf here. */
	for (size_t i = 0; i < sizeof(part) / sizeof(*part); i++)
		to = stpcpy(to, part[i]);
	if ((is_text(a) && is_time(b)) || (is_time(a) && is_text(b)))
		stpcpy(to, "; timestamp(), date() and duration() read texts");
	ev->why = ev->msg;
	ev->where = NULL;
	return -1;
}

static int overflow(struct cdp_eval *ev, const char *type)
{
	return cdp_eval_fail(ev, "%s overflow", type);
}

/* ---- arithmetic ---- */

static int arith_int(struct cdp_eval *ev, enum cdp_op op, int64_t a, int64_t b,
		     struct cdp_value *out)
{
	bool over = false;

	if ((op == CDP_OP_DIV || op == CDP_OP_MOD) && b == 0)
		return cdp_eval_fail(ev, op == CDP_OP_DIV ? "division by zero"
							  : "modulus by zero");
	switch (op) {
	case CDP_OP_ADD:
		over = __builtin_add_overflow(a, b, &out->i);
		break;
	case CDP_OP_SUB:
		over = __builtin_sub_overflow(a, b, &out->i);
		break;
	case CDP_OP_MUL:
		over = __builtin_mul_overflow(a, b, &out->i);
		break;
	default:
		over = a == INT64_MIN && b == -1;
		if (!over)
			out->i = op == CDP_OP_DIV ? a / b : a % b;
	}
	out->type = CDP_V_INT;
	return over ? overflow(ev, "integer") : 0;
}

static int arith_uint(struct cdp_eval *ev, enum cdp_op op, uint64_t a, uint64_t b,
		      struct cdp_value *out)
{
	bool over = false;

	if ((op == CDP_OP_DIV || op == CDP_OP_MOD) && b == 0)
		return cdp_eval_fail(ev, op == CDP_OP_DIV ? "division by zero"
							  : "modulus by zero");
	switch (op) {
	case CDP_OP_ADD:
		over = __builtin_add_overflow(a, b, &out->u);
		break;
	case CDP_OP_SUB:
		over = __builtin_sub_overflow(a, b, &out->u);
		break;
	case CDP_OP_MUL:
		over = __builtin_mul_overflow(a, b, &out->u);
		break;
	default:
		out->u = op == CDP_OP_DIV ? a / b : a % b;
	}
	out->type = CDP_V_UINT;
	return over ? overflow(ev, "unsigned integer") : 0;
}

static void arith_double(enum cdp_op op, double a, double b, struct cdp_value *out)
{
	out->type = CDP_V_DOUBLE;
	out->d = op == CDP_OP_ADD   ? a + b
		 : op == CDP_OP_SUB ? a - b
		 : op == CDP_OP_MUL ? a * b
				    : a / b;
}

static double to_double(const struct cdp_value *v)
{
	return v->type == CDP_V_INT       ? (double)v->i
	       : v->type == CDP_V_DECIMAL ? cdp_decimal_double(*v->dec)
					  : v->d;
}

static bool is_real(const struct cdp_value *v)
{
	return v->type == CDP_V_INT || v->type == CDP_V_DOUBLE ||
	       v->type == CDP_V_DECIMAL;
}

static struct cdp_decimal to_decimal(const struct cdp_value *v)
{
	struct cdp_decimal d = CDP_DECIMAL_ZERO;

	if (v->type == CDP_V_DECIMAL)
		return *v->dec;
	d.unscaled = v->i;
	return d;
}

/* Sums stay exact against each other and against integers: sum(a) - sum(b) is money.
 * Their quotient is the nearest double. */
static bool arith_decimal(struct cdp_eval *ev, enum cdp_op op, const struct cdp_value *a,
			  const struct cdp_value *b, struct cdp_value *out)
{
	struct cdp_decimal x, y, *d;
	int r;

	if (a->type == CDP_V_DOUBLE || b->type == CDP_V_DOUBLE)
		return false;
	x = to_decimal(a);
	y = to_decimal(b);
	if (op == CDP_OP_DIV) {
		out->type = CDP_V_DOUBLE;
		out->d = cdp_decimal_ratio(x, y);
		return true;
	}
	r = op == CDP_OP_ADD   ? cdp_decimal_add(&x, y)
	    : op == CDP_OP_SUB ? cdp_decimal_sub(&x, y)
			       : cdp_decimal_mul(&x, y);
	if (r < 0)
		return false;
	d = cdp_eval_alloc(ev, sizeof(*d));
	if (!d)
		return false;
	*d = x;
	*out = (struct cdp_value){ .type = CDP_V_DECIMAL, .from_record = true, .dec = d };
	return true;
}

static int concat_text(struct cdp_eval *ev, const struct cdp_value *a,
		       const struct cdp_value *b, struct cdp_value *out)
{
	char *p = cdp_eval_alloc(ev, a->s.n + b->s.n);

	if (!p)
		return -1;
	if (a->s.n)
		memcpy(p, a->s.p, a->s.n);
	if (b->s.n)
		memcpy(p + a->s.n, b->s.p, b->s.n);
	out->type = a->type;
	out->s.n = a->s.n + b->s.n;
	out->s.p = p;
	return 0;
}

static int concat_lists(struct cdp_eval *ev, const struct cdp_value *a,
			const struct cdp_value *b, struct cdp_value *out)
{
	size_t n = cdp_list_count(a->list), m = cdp_list_count(b->list);
	struct cdp_value *items = cdp_eval_alloc(ev, (n + m) * 2 * sizeof(*items));

	if (!items)
		return -1;
	for (size_t i = 0; i < n; i++)
		items[i] = *cdp_list_at(a->list, i);
	for (size_t i = 0; i < m; i++)
		items[n + i] = *cdp_list_at(b->list, i);
	out->type = CDP_V_LIST;
	out->list = cdp_list_new(ev->arena, items, n + m);
	return cdp_eval_made(ev, out);
}

/* Timestamps and durations.  1 done, 0 no such overload, -1 out of range. */
static int arith_time(struct cdp_eval *ev, enum cdp_op op, const struct cdp_value *a,
		      const struct cdp_value *b, struct cdp_value *out)
{
	bool ts_a = a->type == CDP_V_TIMESTAMP, ts_b = b->type == CDP_V_TIMESTAMP;
	__int128 x, y;
	int r;

	if ((!ts_a && a->type != CDP_V_DURATION) || (!ts_b && b->type != CDP_V_DURATION))
		return 0;
	x = cdp_time_ns(a->t);
	y = cdp_time_ns(b->t);
	if (op == CDP_OP_ADD && ts_a + ts_b == 1)
		r = cdp_timestamp_from_ns(ev, x + y, out);
	else if (op == CDP_OP_ADD && !ts_a)
		r = cdp_duration_from_ns(ev, x + y, out);
	else if (op == CDP_OP_SUB && ts_a && !ts_b)
		r = cdp_timestamp_from_ns(ev, x - y, out);
	else if (op == CDP_OP_SUB && ts_a == ts_b)
		r = cdp_duration_from_ns(ev, x - y, out);
	else
		return 0;
	return r < 0 ? -1 : 1;
}

static int arith_other(struct cdp_eval *ev, enum cdp_op op, const struct cdp_value *a,
		       const struct cdp_value *b, struct cdp_value *out)
{
	int r;

	if (op == CDP_OP_ADD && a->type == b->type) {
		if (a->type == CDP_V_STRING || a->type == CDP_V_BYTES)
			return concat_text(ev, a, b, out);
		if (a->type == CDP_V_LIST)
			return concat_lists(ev, a, b, out);
	}
	r = arith_time(ev, op, a, b, out);
	return r ? (r < 0 ? -1 : 0) : no_overload(ev, op, a, b);
}

int cdp_op_arith(struct cdp_eval *ev, enum cdp_op op, const struct cdp_value *a,
		 const struct cdp_value *b, struct cdp_value *out)
{
	struct cdp_value r = { .from_record = a->from_record || b->from_record };
	int status = 0;

	if (a->type == CDP_V_INT && b->type == CDP_V_INT) {
		status = arith_int(ev, op, a->i, b->i, &r);
	} else if (a->type == CDP_V_UINT && b->type == CDP_V_UINT) {
		status = arith_uint(ev, op, a->u, b->u, &r);
	} else if (is_real(a) && is_real(b) && (a->type == b->type || r.from_record)) {
		bool exact = a->type == CDP_V_DECIMAL || b->type == CDP_V_DECIMAL;

		if (op == CDP_OP_MOD)
			return no_overload(ev, op, a, b);
		if (exact && op == CDP_OP_DIV && to_double(b) == 0)
			return cdp_eval_fail(ev, "division by zero");
		if (!exact || !arith_decimal(ev, op, a, b, &r))
			arith_double(op, to_double(a), to_double(b), &r);
	} else {
		status = arith_other(ev, op, a, b, &r);
	}
	*out = r;
	return status;
}

int cdp_op_neg(struct cdp_eval *ev, const struct cdp_value *a, struct cdp_value *out)
{
	struct cdp_value zero = { .type = CDP_V_INT };

	switch (a->type) {
	case CDP_V_INT:
		return cdp_op_arith(ev, CDP_OP_SUB, &zero, a, out);
	case CDP_V_DECIMAL:
		zero.from_record = true;
		return cdp_op_arith(ev, CDP_OP_SUB, &zero, a, out);
	case CDP_V_DOUBLE: {
		double d = -a->d;

		*out = (struct cdp_value){ .type = CDP_V_DOUBLE,
					   .from_record = a->from_record };
		out->d = d;
		return 0;
	}
	default:
		return cdp_eval_fail(ev, "no such overload: -%s", cdp_type_word(a->type));
	}
}

/* ---- order, membership, lookup ---- */

bool cdp_op_holds(enum cdp_op op, int cmp)
{
	switch (op) {
	case CDP_OP_LT:
		return cmp == -1;
	case CDP_OP_LE:
		return cmp == -1 || cmp == 0;
	case CDP_OP_GT:
		return cmp == 1;
	case CDP_OP_GE:
		return cmp == 1 || cmp == 0;
	case CDP_OP_EQ:
		return cmp == 0;
	default:
		return cmp != 0;
	}
}

int cdp_op_order(struct cdp_eval *ev, enum cdp_op op, const struct cdp_value *a,
		 const struct cdp_value *b)
{
	bool numbers;
	int c;

	if (cdp_eval_compare(ev, a, b) < 0)
		return -1;
	c = cdp_value_cmp(a, b);
	if (c != 2)
		return cdp_op_holds(op, c);
	/* Numbers without an order are NaNs: every comparison is false. */
	numbers = (is_real(a) || a->type == CDP_V_UINT) &&
		  (is_real(b) || b->type == CDP_V_UINT);
	return numbers ? 0 : no_overload(ev, op, a, b);
}

int cdp_op_in(struct cdp_eval *ev, const struct cdp_value *a, const struct cdp_value *b)
{
	struct cdp_value ignored;

	if (b->type == CDP_V_LIST)
		return cdp_eval_walk(ev, cdp_list_indexed(b->list) ? a : b) < 0
			       ? -1
			       : cdp_list_has(b->list, a);
	if (b->type == CDP_V_MAP)
		return cdp_eval_walk(ev, a) < 0 ? -1 : cdp_map_get(b->map, a, &ignored);
	return no_overload(ev, CDP_OP_IN, a, b);
}

/* The whole number a list index stands for, or -1. */
static int64_t whole(const struct cdp_value *v)
{
	if (v->type == CDP_V_INT)
		return v->i < 0 ? -1 : v->i;
	if (v->type == CDP_V_UINT)
		return v->u > INT64_MAX ? -1 : (int64_t)v->u;
	if (v->type == CDP_V_DOUBLE && v->d >= 0 && v->d < 0x1p53 && floor(v->d) == v->d)
		return (int64_t)v->d;
	return -1;
}

int cdp_op_index(struct cdp_eval *ev, const struct cdp_value *a,
		 const struct cdp_value *key, struct cdp_value *out)
{
	int64_t i;

	if (a->type == CDP_V_MAP) {
		if (cdp_eval_walk(ev, key) < 0)
			return -1;
		if (cdp_map_get(a->map, key, out))
			return 0;
		if (key->type == CDP_V_STRING)
			return cdp_eval_fail(ev, "no such key: '%.*s'",
					     key->s.n < 80 ? (int)key->s.n : 80,
					     key->s.p);
		return cdp_eval_fail(ev, "no such key");
	}
	if (a->type != CDP_V_LIST)
		return cdp_eval_fail(ev, "no such overload: %s[%s]",
				     cdp_type_word(a->type), cdp_type_word(key->type));
	i = whole(key);
	if (i < 0 || (uint64_t)i >= cdp_list_count(a->list))
		return cdp_eval_fail(ev, "invalid list index");
	*out = *cdp_list_at(a->list, (size_t)i);
	return 0;
}

int cdp_op_map(struct cdp_eval *ev, const struct cdp_value *pairs, size_t n,
	       struct cdp_value *out)
{
	const struct cdp_value *repeated;
	const struct cdp_map *m;

	for (size_t i = 0; i < n; i++) {
		uint8_t t = pairs[2 * i].type;

		if (t != CDP_V_STRING && t != CDP_V_INT && t != CDP_V_UINT &&
		    t != CDP_V_BOOL)
			return cdp_eval_fail(ev, "unsupported key type: %s",
					     cdp_type_word(t));
	}
	m = cdp_map_new(ev->arena, pairs, n, &repeated);
	if (!m)
		return cdp_eval_fail(ev, "repeated key in a map");
	*out = (struct cdp_value){ .type = CDP_V_MAP, .map = m };
	return cdp_eval_made(ev, out);
}
