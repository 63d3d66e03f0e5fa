#include "format/cell.h"

#include "base/text.h"
#include "format/canon.h"
#include "format/stamp.h"
#include "record/json.h"

#include <string.h>

static const char *const type_names[CDP_CELL_TYPES] = {
	[CDP_CELL_STRING] = "string", [CDP_CELL_INT] = "int",
	[CDP_CELL_NUMBER] = "number", [CDP_CELL_DECIMAL] = "decimal",
	[CDP_CELL_TIME] = "time",     [CDP_CELL_DATE] = "date",
	[CDP_CELL_BOOL] = "bool",
};

int cdp_cell_type(const char *name)
{
	for (int i = 0; i < CDP_CELL_TYPES; i++)
		if (strcmp(name, type_names[i]) == 0)
			return i;
	return -1;
}

/* Bytes of the blank that begins at p, 0 if none does. */
static size_t blank(const char *p, size_t n)
{
	if (n && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		return 1;
	/* U+3000, the blank as wide as an ideograph, and U+00A0 */
	if (n >= 3 && memcmp(p, "\xe3\x80\x80", 3) == 0)
		return 3;
	return n >= 2 && memcmp(p, "\xc2\xa0", 2) == 0 ? 2 : 0;
}

void cdp_cell_trim(const char **p, size_t *n)
{
	size_t k;

	while ((k = blank(*p, *n)) > 0) {
		*p += k;
		*n -= k;
	}
	for (;;) {
		const char *end = *p + *n;

		if (*n && blank(end - 1, 1))
			*n -= 1;
		else if (*n >= 3 && blank(end - 3, 3) == 3)
			*n -= 3;
		else if (*n >= 2 && blank(end - 2, 2) == 2)
			*n -= 2;
		else
			return;
	}
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int not_a(const struct cdp_cell *c, const char *p, size_t n, struct cdp_err *err)
{
	return cdp_err_set(err, CDP_ERR_DATA, "'%s' is not %s %s", cdp_excerpt(p, n).s,
			   c->type == CDP_CELL_INT ? "an" : "a", type_names[c->type]);
}

/* Digits, with their commas left out where they are allowed; how many bytes. */
static size_t put_digits(const struct cdp_cell *c, struct cdp_buf *out, const char *p,
			 size_t n, bool *any)
{
	size_t i = 0;

	*any = false;
	for (; i < n; i++) {
		if (is_digit(p[i])) {
			cdp_buf_addc(out, p[i]);
			*any = true;
		} else if (p[i] != ',' || !c->thousands || !*any || i + 1 == n ||
			   !is_digit(p[i + 1])) {
			break;
		}
	}
	return i;
}

/* JSON has no plus sign, no zeros in front and digits on both sides of the point. */
static int put_number(const struct cdp_cell *c, struct cdp_buf *out, const char *p,
		      size_t n, struct cdp_err *err)
{
	size_t start = out->n, at, i = 0, zeros = 0;
	bool whole, fraction = false;

	if (n && (*p == '-' || *p == '+')) {
		if (*p == '-')
			cdp_buf_addc(out, '-');
		i++;
	}
	at = out->n;
	i += put_digits(c, out, p + i, n - i, &whole);
	while (zeros + 1 < out->n - at && out->p[at + zeros] == '0')
		zeros++;
	memmove(out->p + at, out->p + at + zeros, out->n - at - zeros);
	out->n -= zeros;
	if (c->type != CDP_CELL_INT && i < n && p[i] == '.') {
		struct cdp_cell plain = { .type = c->type };

		if (!whole)
			cdp_buf_addc(out, '0');
		cdp_buf_addc(out, '.');
		i++;
		i += put_digits(&plain, out, p + i, n - i, &fraction);
		if (!fraction)
			out->n--;
	}
	if ((whole || fraction) && c->type == CDP_CELL_NUMBER && i + 1 < n &&
	    (p[i] | 0x20) == 'e') {
		cdp_buf_addc(out, 'e');
		i++;
		if (i + 1 < n && (p[i] == '-' || p[i] == '+'))
			cdp_buf_addc(out, p[i++]);
		for (; i < n && is_digit(p[i]); i++)
			cdp_buf_addc(out, p[i]);
	}
	if (i == n && (whole || fraction) && is_digit(out->p[out->n - 1]))
		return 0;
	out->n = start;
	return not_a(c, p, n, err);
}

static int put_time(const struct cdp_cell *c, struct cdp_buf *out, const char *p,
		    size_t n, struct cdp_err *err)
{
	struct cdp_time t;
	int64_t ms;

	if (c->format) {
		if (cdp_stamp_parse(&t, p, n, c->format, c->zone, err) < 0)
			return -1;
		ms = cdp_time_ms(t);
	} else if (cdp_canon_time_text(&ms, p, n, c->zone, err) < 0) {
		return -1;
	}
	cdp_canon_put_time(out, ms);
	return 0;
}

static int put_date(const struct cdp_cell *c, struct cdp_buf *out, const char *p,
		    size_t n, struct cdp_err *err)
{
	char text[CDP_TIME_CANON];
	int64_t day;

	if (cdp_stamp_date(&day, p, n, c->format ? c->format : "%Y-%m-%d", err) < 0)
		return -1;
	cdp_time_format(text, (struct cdp_time){ day * 86400, 0 });
	cdp_json_str(out, text, 10);
	return 0;
}

static int put_bool(const struct cdp_cell *c, struct cdp_buf *out, const char *p,
		    size_t n, struct cdp_err *err)
{
	static const struct {
		const char *text;
		bool value;
	} words[] = {
		{ "1", true },
		{ "0", false },
		{ "true", true },
		{ "false", false },
		{ "y", true },
		{ "n", false },
		{ "yes", true },
		{ "no", false },
		{ "t", true },
		{ "f", false },
		{ "\xe6\x98\xaf", true },
		{ "\xe5\x90\xa6", false }, /* the Chinese for yes and no */
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i].text) == n && strncasecmp(words[i].text, p, n) == 0) {
			cdp_buf_adds(out, words[i].value ? "true" : "false");
			return 0;
		}
	return not_a(c, p, n, err);
}

static bool is_ascii(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] >= 0x80)
			return false;
	return true;
}

int cdp_cell_put(const struct cdp_cell *c, struct cdp_buf *out, struct cdp_buf *tmp,
		 const char *p, size_t n, struct cdp_err *err)
{
	if (c->trim || c->type != CDP_CELL_STRING)
		cdp_cell_trim(&p, &n);
	/* Full-width digits and signs are what people type with a Chinese keyboard. */
	if (c->type != CDP_CELL_STRING && !is_ascii(p, n)) {
		cdp_buf_reset(tmp);
		if (cdp_text_nfkc(tmp, p, n) == 0) {
			p = tmp->p;
			n = tmp->n;
		}
	}
	switch (c->type) {
	case CDP_CELL_INT:
	case CDP_CELL_NUMBER:
	case CDP_CELL_DECIMAL:
		return put_number(c, out, p, n, err);
	case CDP_CELL_TIME:
		return put_time(c, out, p, n, err);
	case CDP_CELL_DATE:
		return put_date(c, out, p, n, err);
	case CDP_CELL_BOOL:
		return put_bool(c, out, p, n, err);
	default:
		cdp_json_str(out, p, n);
		return 0;
	}
}
