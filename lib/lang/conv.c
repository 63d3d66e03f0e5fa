/* Conversions between types. */
#include "base/decimal.h"
#include "base/num.h"
#include "base/text.h"
#include "lang/prog.h"
#include "lang/view.h"

#include <math.h>
#include <string.h>
#include <strings.h>

static int no_overload(struct cdp_eval *ev, const struct cdp_node *n,
		       const struct cdp_value *v)
{
	return cdp_eval_fail(ev, "no such overload: %s(%s)", n->func->name,
			     cdp_type_word(v->type));
}

static int bad_text(struct cdp_eval *ev, const struct cdp_node *n,
		    const struct cdp_value *v)
{
	return cdp_eval_fail(ev, "cannot convert '%.*s' to %s",
			     v->s.n < 60 ? (int)v->s.n : 60, v->s.p, n->func->name);
}

static int range(struct cdp_eval *ev, const struct cdp_node *n)
{
	return cdp_eval_fail(ev, "range error: value does not fit %s", n->func->name);
}

/* The result starts clean, keeping only where it came from. */
static void start(struct cdp_value *out, const struct cdp_value *from, enum cdp_vtype t)
{
	*out = (struct cdp_value){ .type = (uint8_t)t, .from_record = from->from_record };
}

static double as_double(const struct cdp_value *v)
{
	return v->type == CDP_V_DECIMAL ? cdp_decimal_double(*v->dec) : v->d;
}

static int to_int(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
		  struct cdp_value *out)
{
	const struct cdp_value *v = &args[0];
	struct cdp_err err;

	start(out, v, CDP_V_INT);
	switch (v->type) {
	case CDP_V_INT:
		*out = *v;
		return 0;
	case CDP_V_UINT:
		out->i = (int64_t)v->u;
		return v->u > INT64_MAX ? range(ev, n) : 0;
	case CDP_V_DOUBLE:
	case CDP_V_DECIMAL:
		/* The ends are excluded: the suite has them so. */
		if (!(as_double(v) > -0x1p63 && as_double(v) < 0x1p63))
			return range(ev, n);
		out->i = (int64_t)as_double(v);
		return 0;
	case CDP_V_STRING:
		return cdp_num_i64(&out->i, v->s.p, v->s.n, INT64_MIN, INT64_MAX, &err) <
				       0
			       ? bad_text(ev, n, v)
			       : 0;
	case CDP_V_TIMESTAMP:
		out->i = v->t.s;
		return 0;
	default:
		return no_overload(ev, n, v);
	}
}

static int to_uint(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
		   struct cdp_value *out)
{
	const struct cdp_value *v = &args[0];
	struct cdp_err err;

	start(out, v, CDP_V_UINT);
	switch (v->type) {
	case CDP_V_UINT:
		*out = *v;
		return 0;
	case CDP_V_INT:
		out->u = (uint64_t)v->i;
		return v->i < 0 ? range(ev, n) : 0;
	case CDP_V_DOUBLE:
	case CDP_V_DECIMAL:
		if (!(as_double(v) > -1 && as_double(v) < 0x1p64))
			return range(ev, n);
		out->u = (uint64_t)as_double(v);
		return 0;
	case CDP_V_STRING:
		if (v->s.n == 0 || v->s.p[0] == '+' || v->s.p[0] == '-' ||
		    cdp_num_u64(&out->u, v->s.p, v->s.n, UINT64_MAX, &err) < 0)
			return bad_text(ev, n, v);
		return 0;
	default:
		return no_overload(ev, n, v);
	}
}

/* Not only what JSON has: "+1", "007", "1.", ".5", "NaN", "inf". */
static bool double_text(struct cdp_eval *ev, const char *p, size_t n, double *d)
{
	bool neg = n && *p == '-';
	struct cdp_err err;
	char *json;
	size_t k = 0;

	if (n && (*p == '-' || *p == '+')) {
		p++;
		n--;
	}
	if ((n == 3 && strncasecmp(p, "inf", n) == 0) ||
	    (n == 8 && strncasecmp(p, "infinity", n) == 0)) {
		*d = neg ? -INFINITY : INFINITY;
		return true;
	}
	if (n == 3 && strncasecmp(p, "nan", n) == 0) {
		*d = NAN;
		return true;
	}
	for (; n > 1 && *p == '0' && p[1] >= '0' && p[1] <= '9'; n--)
		p++;
	if (n == 0 || (*p == '.' && n == 1) || !(json = cdp_eval_alloc(ev, n + 3)))
		return false;
	if (*p == '.')
		json[k++] = '0';
	for (size_t i = 0; i < n; i++) {
		json[k++] = p[i];
		if (p[i] == '.' && (i + 1 == n || p[i + 1] < '0' || p[i + 1] > '9'))
			json[k++] = '0';
	}
	if (*p == '-' || cdp_num_double(d, json, k, &err) < 0)
		return false;
	if (neg)
		*d = -*d;
	return true;
}

static int to_double(struct cdp_eval *ev, const struct cdp_node *n,
		     struct cdp_value *args, struct cdp_value *out)
{
	const struct cdp_value *v = &args[0];

	start(out, v, CDP_V_DOUBLE);
	switch (v->type) {
	case CDP_V_DOUBLE:
		*out = *v;
		return 0;
	case CDP_V_DECIMAL:
		out->d = as_double(v);
		return 0;
	case CDP_V_INT:
		out->d = (double)v->i;
		return 0;
	case CDP_V_UINT:
		out->d = (double)v->u;
		return 0;
	case CDP_V_STRING:
		return double_text(ev, v->s.p, v->s.n, &out->d) ? 0 : bad_text(ev, n, v);
	default:
		return no_overload(ev, n, v);
	}
}

static int number_text(struct cdp_eval *ev, const struct cdp_value *v,
		       struct cdp_value *out)
{
	char text[128], time[32], *p;
	/* Full size at once, so that it never grows. */
	struct cdp_buf b = { .p = text, .cap = sizeof(text), .max = sizeof(text) };

	if (v->type == CDP_V_INT)
		cdp_buf_addi(&b, v->i);
	else if (v->type == CDP_V_UINT)
		cdp_buf_addu(&b, v->u);
	else if (v->type == CDP_V_DOUBLE)
		cdp_num_add_double(&b, v->d);
	else if (v->type == CDP_V_DECIMAL)
		cdp_decimal_add_text(&b, *v->dec);
	else if (v->type == CDP_V_DURATION)
		cdp_duration_text(&b, v->t);
	else
		cdp_buf_add(&b, time, cdp_time_format_ns(time, v->t));
	p = cdp_eval_alloc(ev, b.n);
	if (!p)
		return -1;
	memcpy(p, b.p, b.n);
	out->s.p = p;
	out->s.n = b.n;
	return 0;
}

static int to_string(struct cdp_eval *ev, const struct cdp_node *n,
		     struct cdp_value *args, struct cdp_value *out)
{
	const struct cdp_value *v = &args[0];

	start(out, v, CDP_V_STRING);
	switch (v->type) {
	case CDP_V_STRING:
		*out = *v;
		return 0;
	case CDP_V_BOOL:
		out->s.p = v->b ? "true" : "false";
		out->s.n = strlen(out->s.p);
		return 0;
	case CDP_V_BYTES:
		if (cdp_utf8_check(v->s.p, v->s.n) < v->s.n)
			return cdp_eval_fail(ev, "invalid UTF-8");
		out->s = v->s;
		return 0;
	case CDP_V_INT:
	case CDP_V_UINT:
	case CDP_V_DOUBLE:
	case CDP_V_DECIMAL:
	case CDP_V_TIMESTAMP:
	case CDP_V_DURATION:
		return number_text(ev, v, out);
	default:
		return no_overload(ev, n, v);
	}
}

static int to_bytes(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
		    struct cdp_value *out)
{
	const struct cdp_value *v = &args[0];

	if (v->type != CDP_V_STRING && v->type != CDP_V_BYTES)
		return no_overload(ev, n, v);
	start(out, v, CDP_V_BYTES);
	out->s = v->s;
	return 0;
}

static int to_bool(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
		   struct cdp_value *out)
{
	static const char *const words[2][5] = { { "0", "f", "false", "FALSE", "False" },
						 { "1", "t", "true", "TRUE", "True" } };
	const struct cdp_value *v = &args[0];

	start(out, v, CDP_V_BOOL);
	if (v->type == CDP_V_BOOL) {
		out->b = v->b;
		return 0;
	}
	if (v->type != CDP_V_STRING)
		return no_overload(ev, n, v);
	for (int b = 0; b < 2; b++)
		for (int i = 0; i < 5; i++)
			if (strlen(words[b][i]) == v->s.n &&
			    memcmp(words[b][i], v->s.p, v->s.n) == 0) {
				out->b = b;
				return 0;
			}
	return bad_text(ev, n, v);
}

static int to_timestamp(struct cdp_eval *ev, const struct cdp_node *n,
			struct cdp_value *args, struct cdp_value *out)
{
	const struct cdp_value *v = &args[0];
	struct cdp_err err;

	start(out, v, CDP_V_TIMESTAMP);
	switch (v->type) {
	case CDP_V_TIMESTAMP:
		out->t = v->t;
		return 0;
	case CDP_V_INT:
		return cdp_timestamp_from_ns(ev, (__int128)v->i * 1000000000, out);
	case CDP_V_STRING:
		if (cdp_time_parse(&out->t, v->s.p, v->s.n, &err) < 0)
			return cdp_eval_fail(ev, "%s", err.msg);
		return 0;
	default:
		return no_overload(ev, n, v);
	}
}

static int to_duration(struct cdp_eval *ev, const struct cdp_node *n,
		       struct cdp_value *args, struct cdp_value *out)
{
	const struct cdp_value *v = &args[0];
	struct cdp_err err;
	int64_t ns;

	start(out, v, CDP_V_DURATION);
	if (v->type == CDP_V_DURATION) {
		out->t = v->t;
		return 0;
	}
	if (v->type != CDP_V_STRING)
		return no_overload(ev, n, v);
	if (cdp_duration_parse(&ns, v->s.p, v->s.n, &err) < 0)
		return cdp_eval_fail(ev, "%s", err.msg);
	return cdp_duration_from_ns(ev, ns, out);
}

static int type_of(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
		   struct cdp_value *out)
{
	uint8_t t = args[0].type;

	(void)ev;
	(void)n;
	*out = (struct cdp_value){ .type = CDP_V_TYPE };
	out->type_of = t;
	return 0;
}

static int to_dyn(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
		  struct cdp_value *out)
{
	(void)ev;
	(void)n;
	*out = args[0];
	return 0;
}

#define G CDP_F_GLOBAL
const struct cdp_func cdp_conv_funcs[] = {
	{ "int",
	  G,
	  1,
	  1,
	  false,
	  CDP_V_INT,
	  to_int,
	  { CDP_TAKES_NUMBER | CDP_TAKES_STRING | CDP_TAKES_TIME } },
	{ "uint",
	  G,
	  1,
	  1,
	  false,
	  CDP_V_UINT,
	  to_uint,
	  { CDP_TAKES_NUMBER | CDP_TAKES_STRING } },
	{ "double",
	  G,
	  1,
	  1,
	  false,
	  CDP_V_DOUBLE,
	  to_double,
	  { CDP_TAKES_NUMBER | CDP_TAKES_STRING } },
	{ "string",
	  G,
	  1,
	  1,
	  false,
	  CDP_V_STRING,
	  to_string,
	  { CDP_TAKES_NUMBER | CDP_TAKES_STRING | CDP_TAKES_BYTES | CDP_TAKES_BOOL |
	    CDP_TAKES_TIME | CDP_TAKES_DURATION } },
	{ "bytes",
	  G,
	  1,
	  1,
	  false,
	  CDP_V_BYTES,
	  to_bytes,
	  { CDP_TAKES_STRING | CDP_TAKES_BYTES } },
	{ "bool",
	  G,
	  1,
	  1,
	  false,
	  CDP_V_BOOL,
	  to_bool,
	  { CDP_TAKES_STRING | CDP_TAKES_BOOL } },
	{ "timestamp",
	  G,
	  1,
	  1,
	  false,
	  CDP_V_TIMESTAMP,
	  to_timestamp,
	  { CDP_TAKES_INT | CDP_TAKES_STRING | CDP_TAKES_TIME } },
	{ "duration",
	  G,
	  1,
	  1,
	  false,
	  CDP_V_DURATION,
	  to_duration,
	  { CDP_TAKES_STRING | CDP_TAKES_DURATION } },
	{ "type", G, 1, 1, false, CDP_V_TYPE, type_of, { 0 } },
	{ "dyn", G, 1, 1, false, CDP_STATIC_ANY, to_dyn, { 0 } },
	{ .name = NULL },
};
