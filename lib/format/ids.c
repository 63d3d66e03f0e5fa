#include "format/ids.h"

#include "base/swar.h"
#include "format/canon.h"
#include "record/json.h"

void cdp_ids_init(struct cdp_ids *s)
{
	cdp_buf_init(&s->text, UINT32_MAX);
	cdp_buf_init(&s->tmp, CDP_BUF_NOMAX);
	cdp_buf_init(&s->key, CDP_BUF_NOMAX);
	s->n = 0;
}

void cdp_ids_release(struct cdp_ids *s)
{
	cdp_buf_release(&s->text);
	cdp_buf_release(&s->tmp);
	cdp_buf_release(&s->key);
}

void cdp_ids_reset(struct cdp_ids *s)
{
	cdp_buf_reset(&s->text);
	s->n = 0;
}

static int find(const struct cdp_ids *s, const char *kind, size_t n)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->v[i].kind_len == n &&
		    memcmp(s->text.p + s->v[i].kind, kind, n) == 0)
			return (int)i;
	return -1;
}

static size_t digits(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] >= '0' && p[i] <= '9')
		i++;
	return i;
}

/* d[.ddd]E+dd, as spreadsheets show a number of more than eleven digits.  The sign tells
 * it from a code such as 1E5. */
static bool is_scientific(const char *p, size_t n)
{
	size_t i = 1, k;

	if (n < 5 || digits(p, 1) == 0)
		return false;
	if (p[1] == '.') {
		k = digits(p + 2, n - 2);
		if (k == 0)
			return false;
		i = 2 + k;
	}
	return n - i >= 3 && (p[i] | 0x20) == 'e' && p[i + 1] == '+' &&
	       digits(p + i + 2, n - i - 2) == n - i - 2;
}

int cdp_ids_put(struct cdp_ids *s, const char *kind, size_t kind_len, const char *p,
		size_t n, struct cdp_err *err)
{
	size_t at = s->text.n;
	int i;

	if (n == 0)
		return 0;
	if (kind_len == 0)
		return cdp_canon_bad(err, "ids", "an id without a kind");
	if (is_scientific(p, n))
		return cdp_canon_bad_at(
			err, "ids", kind, kind_len,
			"'%s' has lost its digits, as spreadsheets make of "
			"long numbers",
			cdp_excerpt(p, n).s);
	i = find(s, kind, kind_len);
	if (i < 0) {
		if (s->n == CDP_IDS_MAX)
			return cdp_canon_bad(err, "ids", "more than %d ids", CDP_IDS_MAX);
		i = (int)s->n++;
		s->v[i].kind = (uint32_t)at;
		s->v[i].kind_len = (uint32_t)kind_len;
		cdp_buf_add(&s->text, kind, kind_len);
	}
	s->v[i].value = (uint32_t)s->text.n;
	s->v[i].value_len = (uint32_t)n;
	cdp_buf_add(&s->text, p, n);
	return s->text.over ? cdp_canon_bad(err, "ids", "too long") : 0;
}

int cdp_ids_add(struct cdp_ids *s, const char *kind, const char *other, size_t other_len,
		const char *p, size_t n, struct cdp_err *err)
{
	size_t kind_len = strlen(kind), old_len;
	const char *old = cdp_ids_get(s, kind, kind_len, &old_len);

	if (!old || (old_len == n && memcmp(old, p, n) == 0))
		return cdp_ids_put(s, kind, kind_len, p, n, err);
	return cdp_ids_put(s, other, other_len, p, n, err);
}

int cdp_id_text(const struct cdp_val *v, struct cdp_buf *tmp, const char **p, size_t *n,
		const char *path, const char *key, size_t key_len, struct cdp_err *err)
{
	*p = "";
	*n = 0;
	switch (v->type) {
	case CDP_MISSING:
	case CDP_NULL:
		return 0;
	case CDP_STRING:
		*p = cdp_val_str(v, tmp, n);
		if (cdp_canon_is_text(v))
			return 0;
		return cdp_canon_bad_at(err, path, key, key_len, "half a surrogate pair");
	case CDP_NUMBER:
		*p = v->p;
		*n = v->n;
		if (v->integral)
			return 0;
		return cdp_canon_bad_at(err, path, key, key_len,
					"the number '%s' has a fraction or an exponent: "
					"its digits are not an id's",
					cdp_excerpt(v->p, v->n).s);
	default:
		return cdp_canon_bad_at(err, path, key, key_len,
					"not a string or a whole number");
	}
}

static void drop(struct cdp_ids *s, const char *kind, size_t kind_len)
{
	int i = find(s, kind, kind_len);

	if (i >= 0)
		memmove(&s->v[i], &s->v[i + 1], (--s->n - (unsigned)i) * sizeof(s->v[0]));
}

int cdp_ids_read(struct cdp_ids *s, const struct cdp_val *object, const char *path,
		 bool *plain, struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;
	unsigned members = 0;
	bool simple = true;

	if (object->type != CDP_OBJECT)
		return cdp_canon_bad(err, path, "not an object");
	while (cdp_val_member(object, &it, &key, &v)) {
		const char *kind, *p;
		size_t kind_len, n;

		members++;
		simple = simple && v.type == CDP_STRING && !v.escaped && !key.escaped;
		kind = cdp_val_str(&key, &s->key, &kind_len);
		if (!cdp_canon_is_text(&key))
			return cdp_canon_bad(err, path,
					     "a kind with half a surrogate pair");
		if (cdp_id_text(&v, &s->tmp, &p, &n, path, kind, kind_len, err) < 0)
			return -1;
		if (n == 0)
			drop(s, kind, kind_len); /* of two members the last counts */
		else if (cdp_ids_put(s, kind, kind_len, p, n, err) < 0)
			return -1;
	}
	if (plain)
		*plain = simple && members == s->n;
	return 0;
}

/* `"text"` at p without escapes and not empty; its end, or NULL. */
static const char *plain_text(const char *p)
{
	const char *end;

	if (*p != '"')
		return NULL;
	end = cdp_plain_end(p + 1);
	return *end == '"' && end > p + 1 ? end : NULL;
}

bool cdp_ids_plain(const struct cdp_val *object, unsigned *count)
{
	enum { FEW = 8 };
	struct {
		const char *p;
		size_t n;
	} kind[FEW];
	const char *p = object->p, *end = p + object->n;
	unsigned n = 0;

	if (object->type != CDP_OBJECT)
		return false;
	while (++p < end && *p != '}') {
		const char *key_end = plain_text(p), *value, *value_end;

		if (n == FEW || !key_end)
			return false;
		value = key_end + 2;
		value_end = plain_text(value);
		if (!value_end ||
		    is_scientific(value + 1, (size_t)(value_end - value) - 1))
			return false;
		kind[n].p = p + 1;
		kind[n].n = (size_t)(key_end - p) - 1;
		for (unsigned i = 0; i < n; i++)
			if (kind[i].n == kind[n].n &&
			    memcmp(kind[i].p, kind[n].p, kind[n].n) == 0)
				return false;
		n++;
		p = value_end + 1; /* a comma, or the closing brace */
		if (*p == '}')
			break;
	}
	*count = n;
	return true;
}

const char *cdp_ids_get(const struct cdp_ids *s, const char *kind, size_t kind_len,
			size_t *n)
{
	int i = find(s, kind, kind_len);

	if (i < 0)
		return NULL;
	*n = s->v[i].value_len;
	return s->text.p + s->v[i].value;
}

bool cdp_ids_has_value(const struct cdp_ids *s, const char *p, size_t n)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->v[i].value_len == n &&
		    memcmp(s->text.p + s->v[i].value, p, n) == 0)
			return true;
	return false;
}

void cdp_ids_write(const struct cdp_ids *s, struct cdp_buf *out)
{
	cdp_buf_addc(out, '{');
	for (unsigned i = 0; i < s->n; i++) {
		if (i)
			cdp_buf_addc(out, ',');
		cdp_json_str(out, s->text.p + s->v[i].kind, s->v[i].kind_len);
		cdp_buf_addc(out, ':');
		cdp_json_str(out, s->text.p + s->v[i].value, s->v[i].value_len);
	}
	cdp_buf_addc(out, '}');
}
