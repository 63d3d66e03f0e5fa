#include "format/form.h"

#include "base/mem.h"
#include "base/swar.h"
#include "base/text.h"
#include "format/canon.h"
#include "record/json.h"

#include <stdlib.h>

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Whether one of eight bytes at p is encoded. */
static inline bool any_encoded(const char *p)
{
	uint64_t w = cdp_load64(p), a = w ^ CDP_ONES * '%', b = w ^ CDP_ONES * '+';

	return (((a - CDP_ONES) & ~a) | ((b - CDP_ONES) & ~b)) & CDP_HIGH;
}

static void decode(struct cdp_buf *b, const char *p, const char *end)
{
	const char *from = p;

	cdp_buf_reset(b);
	for (; p < end; p++) {
		while (end - p > 8 && !any_encoded(p))
			p += 8;
		if (*p != '%' && *p != '+')
			continue;
		cdp_buf_add(b, from, (size_t)(p - from));
		if (*p == '%' && end - p > 2 && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
			cdp_buf_addc(b, (char)(hex(p[1]) << 4 | hex(p[2])));
			p += 2;
		} else {
			cdp_buf_addc(b, *p == '+' ? ' ' : *p);
		}
		from = p + 1;
	}
	cdp_buf_add(b, from, (size_t)(end - from));
}

int cdp_form_next(struct cdp_form *f, struct cdp_buf *key, struct cdp_buf *value)
{
	const char *to, *equals;

	while (f->p < f->end && *f->p == '&')
		f->p++;
	if (f->p >= f->end)
		return 0;
	to = memchr(f->p, '&', (size_t)(f->end - f->p));
	if (!to)
		to = f->end;
	equals = memchr(f->p, '=', (size_t)(to - f->p));
	if (!equals)
		equals = to;
	decode(key, f->p, equals);
	decode(value, equals < to ? equals + 1 : to, to);
	f->p = to;
	return 1;
}

bool cdp_form_get(const char *p, size_t n, const char *name, struct cdp_buf *value)
{
	const char *end = p + n, *to;
	size_t len = strlen(name);

	/* Only the value sought is decoded: others may be megabytes. */
	for (; p < end; p = to + 1) {
		to = memchr(p, '&', (size_t)(end - p));
		if (!to)
			to = end;
		if ((size_t)(to - p) < len || memcmp(p, name, len) != 0 ||
		    (p + len < to && p[len] != '='))
			continue;
		decode(value, p + len < to ? p + len + 1 : to, to);
		return true;
	}
	cdp_buf_reset(value);
	return false;
}

void cdp_form_put(struct cdp_buf *out, const char *p, size_t n)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < n; i++) {
		unsigned c = (unsigned char)p[i];

		if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
		    c == '-' || c == '.' || c == '_' || c == '~') {
			cdp_buf_addc(out, p[i]);
			continue;
		}
		cdp_buf_addc(out, '%');
		cdp_buf_addc(out, digits[c >> 4]);
		cdp_buf_addc(out, digits[c & 15]);
	}
}

/* Pairs of a form, decoded, one after the other in `text`. */
struct pairs {
	struct cdp_buf text;
	struct {
		size_t at, key, value; /* offset, bytes of each */
	} v[CDP_FORM_MAX];
	unsigned n;
};

static bool same_key(const struct pairs *s, unsigned i, unsigned k)
{
	return s->v[i].key == s->v[k].key &&
	       memcmp(s->text.p + s->v[i].at, s->text.p + s->v[k].at, s->v[i].key) == 0;
}

static int collect(struct pairs *s, const char *p, size_t n, struct cdp_err *err)
{
	struct cdp_form f = { p, p + n };
	struct cdp_buf key, value;
	int rc = 0;

	cdp_buf_init(&key, CDP_BUF_NOMAX);
	cdp_buf_init(&value, CDP_BUF_NOMAX);
	while (rc == 0 && cdp_form_next(&f, &key, &value)) {
		if (s->n == CDP_FORM_MAX) {
			rc = cdp_canon_bad(err, "", "a form of more than %d members",
					   CDP_FORM_MAX);
		} else if (cdp_utf8_check(key.p, key.n) < key.n ||
			   cdp_utf8_check(value.p, value.n) < value.n) {
			rc = cdp_canon_bad(err, "",
					   "a form with bytes that are no UTF-8");
		} else {
			s->v[s->n].at = s->text.n;
			s->v[s->n].key = key.n;
			s->v[s->n++].value = value.n;
			cdp_buf_add(&s->text, key.p, key.n);
			cdp_buf_add(&s->text, value.p, value.n);
		}
	}
	cdp_buf_release(&key);
	cdp_buf_release(&value);
	return rc;
}

/* Whether a later pair has the same name. */
static bool is_replaced(const struct pairs *s, unsigned i)
{
	for (unsigned k = i + 1; k < s->n; k++)
		if (same_key(s, i, k))
			return true;
	return false;
}

int cdp_form_json(struct cdp_buf *out, const char *p, size_t n, struct cdp_err *err)
{
	struct pairs *s = cdp_calloc(1, sizeof(*s));
	bool more = false;
	int rc;

	cdp_buf_init(&s->text, CDP_BUF_NOMAX);
	rc = collect(s, p, n, err);
	if (rc == 0)
		cdp_buf_addc(out, '{');
	for (unsigned i = 0; rc == 0 && i < s->n; i++) {
		if (is_replaced(s, i))
			continue;
		if (more)
			cdp_buf_addc(out, ',');
		more = true;
		cdp_json_str(out, s->text.p + s->v[i].at, s->v[i].key);
		cdp_buf_addc(out, ':');
		cdp_json_str(out, s->text.p + s->v[i].at + s->v[i].key, s->v[i].value);
	}
	if (rc == 0)
		cdp_buf_addc(out, '}');
	cdp_buf_release(&s->text);
	free(s);
	return rc;
}
