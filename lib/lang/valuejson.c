/* Values as JSON text. */
#include "base/decimal.h"
#include "base/num.h"
#include "lang/value.h"
#include "lang/view.h"
#include "record/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void add_double(struct cdp_buf *b, double d)
{
	bool odd = isnan(d) || isinf(d);

	if (odd)
		cdp_buf_addc(b, '"');
	cdp_num_add_double(b, d);
	if (odd)
		cdp_buf_addc(b, '"');
}

static void add_base64(struct cdp_buf *b, const char *p, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *s = (const unsigned char *)p;

	cdp_buf_addc(b, '"');
	for (size_t i = 0; i < n; i += 3) {
		unsigned v = (unsigned)s[i] << 16;

		if (i + 1 < n)
			v |= (unsigned)s[i + 1] << 8;
		if (i + 2 < n)
			v |= s[i + 2];
		cdp_buf_addc(b, digits[v >> 18]);
		cdp_buf_addc(b, digits[v >> 12 & 63]);
		cdp_buf_addc(b, i + 1 < n ? digits[v >> 6 & 63] : '=');
		cdp_buf_addc(b, i + 2 < n ? digits[v & 63] : '=');
	}
	cdp_buf_addc(b, '"');
}

static void add_text(struct cdp_buf *b, const char *p, size_t n)
{
	cdp_buf_addc(b, '"');
	cdp_buf_add(b, p, n);
	cdp_buf_addc(b, '"');
}

void cdp_duration_text(struct cdp_buf *b, struct cdp_time t)
{
	__int128 ns = (__int128)t.s * 1000000000 + t.ns;
	char frac[16];
	int n;

	if (ns < 0) {
		cdp_buf_addc(b, '-');
		ns = -ns;
	}
	cdp_buf_addu(b, (uint64_t)(ns / 1000000000));
	n = snprintf(frac, sizeof(frac), ".%09u", (unsigned)(ns % 1000000000));
	while (n && (frac[n - 1] == '0' || frac[n - 1] == '.'))
		if (frac[--n] == '.')
			break;
	cdp_buf_add(b, frac, (size_t)n);
	cdp_buf_addc(b, 's');
}

/* Scalars whose text is the same in both forms but for the time stamps. */
static void add_scalar(struct cdp_buf *b, const struct cdp_value *v)
{
	switch (v->type) {
	case CDP_V_BOOL:
		cdp_buf_adds(b, v->b ? "true" : "false");
		break;
	case CDP_V_INT:
		cdp_buf_addi(b, v->i);
		break;
	case CDP_V_UINT:
		cdp_buf_addu(b, v->u);
		break;
	case CDP_V_DOUBLE:
		add_double(b, v->d);
		break;
	case CDP_V_DECIMAL:
		cdp_decimal_add_text(b, *v->dec);
		break;
	case CDP_V_STRING:
		cdp_json_str(b, v->s.p, v->s.n);
		break;
	case CDP_V_BYTES:
		add_base64(b, v->s.p, v->s.n);
		break;
	case CDP_V_DURATION:
		cdp_buf_addc(b, '"');
		cdp_duration_text(b, v->t);
		cdp_buf_addc(b, '"');
		break;
	case CDP_V_TYPE:
		cdp_json_cstr(b, cdp_vtype_name(v->type_of));
		break;
	default:
		cdp_buf_adds(b, "null");
	}
}

static void add_time(struct cdp_buf *b, struct cdp_time t, bool typed)
{
	char text[32];
	size_t n = CDP_TIME_CANON;

	if (typed || t.ns % 1000000)
		n = cdp_time_format_ns(text, t);
	else
		cdp_time_format(text, t);
	add_text(b, text, n);
}

static void add_key(struct cdp_buf *b, const struct cdp_value *k)
{
	bool quote = k->type != CDP_V_STRING;

	if (quote)
		cdp_buf_addc(b, '"');
	add_scalar(b, k);
	if (quote)
		cdp_buf_addc(b, '"');
	cdp_buf_addc(b, ':');
}

static void add_map(struct cdp_buf *b, const struct cdp_map *m)
{
	if (cdp_map_raw(m)) {
		cdp_json_val(b, cdp_map_raw(m));
		return;
	}
	cdp_buf_addc(b, '{');
	for (size_t i = 0; i < cdp_map_count(m); i++) {
		const struct cdp_value *k, *v;

		if (i)
			cdp_buf_addc(b, ',');
		cdp_map_at(m, i, &k, &v);
		add_key(b, k);
		cdp_value_json(b, v);
	}
	cdp_buf_addc(b, '}');
}

static void add_list(struct cdp_buf *b, const struct cdp_list *l)
{
	if (cdp_list_raw(l)) {
		cdp_json_val(b, cdp_list_raw(l));
		return;
	}
	cdp_buf_addc(b, '[');
	for (size_t i = 0; i < cdp_list_count(l); i++) {
		if (i)
			cdp_buf_addc(b, ',');
		cdp_value_json(b, cdp_list_at(l, i));
	}
	cdp_buf_addc(b, ']');
}

void cdp_value_json(struct cdp_buf *b, const struct cdp_value *v)
{
	switch (v->type) {
	case CDP_V_INT:
	case CDP_V_DOUBLE:
		if (v->raw_n)
			cdp_buf_add(b, v->raw, v->raw_n);
		else
			add_scalar(b, v);
		break;
	case CDP_V_TIMESTAMP:
		add_time(b, v->t, false);
		break;
	case CDP_V_LIST:
		add_list(b, v->list);
		break;
	case CDP_V_MAP:
		add_map(b, v->map);
		break;
	default:
		add_scalar(b, v);
	}
}

/* ---- the typed form ---- */

static const char *typed_name(const struct cdp_value *v)
{
	switch (v->type) {
	case CDP_V_NULL:
		return "null";
	case CDP_V_TIMESTAMP:
		return "timestamp";
	case CDP_V_DURATION:
		return "duration";
	default:
		return cdp_vtype_name(v->type);
	}
}

static void add_typed_map(struct cdp_buf *b, const struct cdp_map *m)
{
	cdp_buf_addc(b, '[');
	for (size_t i = 0; i < cdp_map_count(m); i++) {
		const struct cdp_value *k, *v;

		cdp_map_at(m, i, &k, &v);
		cdp_buf_adds(b, i ? ",[" : "[");
		cdp_value_typed_json(b, k);
		cdp_buf_addc(b, ',');
		cdp_value_typed_json(b, v);
		cdp_buf_addc(b, ']');
	}
	cdp_buf_addc(b, ']');
}

void cdp_value_typed_json(struct cdp_buf *b, const struct cdp_value *v)
{
	cdp_buf_adds(b, "{\"type\":");
	cdp_json_cstr(b, typed_name(v));
	cdp_buf_adds(b, ",\"value\":");
	switch (v->type) {
	case CDP_V_TIMESTAMP:
		add_time(b, v->t, true);
		break;
	case CDP_V_LIST:
		cdp_buf_addc(b, '[');
		for (size_t i = 0; i < cdp_list_count(v->list); i++) {
			if (i)
				cdp_buf_addc(b, ',');
			cdp_value_typed_json(b, cdp_list_at(v->list, i));
		}
		cdp_buf_addc(b, ']');
		break;
	case CDP_V_MAP:
		add_typed_map(b, v->map);
		break;
	case CDP_V_DOUBLE:
		/* A reader that takes "-0" for an integer would lose the sign. */
		if (v->d == 0 && signbit(v->d)) {
			cdp_buf_adds(b, "-0.0");
			break;
		}
		/* fall through */
	default:
		add_scalar(b, v);
	}
	cdp_buf_addc(b, '}');
}
