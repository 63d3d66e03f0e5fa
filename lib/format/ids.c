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
		if (s->v[i].kind_len == n && s->text.p[s->v[i].kind] == *kind &&
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
bool cdp_id_is_spoilt(const char *p, size_t n)
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

/* The value of kind i, or of a new one if i is -1. */
static int put_value(struct cdp_ids *s, int i, const char *kind, size_t kind_len,
		     const char *p, size_t n, struct cdp_err *err)
{
	size_t at = s->text.n;

	if (n == 0)
		return 0;
	if (kind_len == 0)
		return cdp_canon_bad(err, "ids", "an id without a kind");
	if (cdp_id_is_spoilt(p, n))
		return cdp_canon_bad_at(
			err, "ids", kind, kind_len,
			"'%s' has lost its digits, as spreadsheets make of "
			"long numbers",
			cdp_excerpt(p, n).s);
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

int cdp_ids_put(struct cdp_ids *s, const char *kind, size_t kind_len, const char *p,
		size_t n, struct cdp_err *err)
{
	return put_value(s, find(s, kind, kind_len), kind, kind_len, p, n, err);
}

int cdp_ids_add(struct cdp_ids *s, const char *kind, const char *other, size_t other_len,
		const char *p, size_t n, struct cdp_err *err)
{
	size_t kind_len = strlen(kind);
	int i = find(s, kind, kind_len);

	if (i < 0 ||
	    (s->v[i].value_len == n && memcmp(s->text.p + s->v[i].value, p, n) == 0))
		return put_value(s, i, kind, kind_len, p, n, err);
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

/* --- good as they stand --- */

static bool may_be_scientific(const char *p, size_t n)
{
	return (p[1] == '.' || (p[1] | 0x20) == 'e') && cdp_id_is_spoilt(p, n);
}

static bool had_kind(const struct cdp_plain_id *id, unsigned n)
{
	size_t len = (size_t)(id[n].kind_end - id[n].kind);

	for (unsigned i = 0; i < n; i++)
		if ((size_t)(id[i].kind_end - id[i].kind) == len &&
		    memcmp(id[i].kind, id[n].kind, len) == 0)
			return true;
	return false;
}

/* id[n] is the next one.  *seen: a bit for each kind before, which some may share. */
static inline bool good_plain(const struct cdp_plain_id *id, unsigned n, uint64_t *seen)
{
	size_t len = (size_t)(id[n].value_end - id[n].value);
	size_t kind = (size_t)(id[n].kind_end - id[n].kind);
	uint64_t bit = (uint64_t)1 << ((kind * 5 + (unsigned char)*id[n].kind) & 63);

	if (!len || !kind || may_be_scientific(id[n].value, len) ||
	    (*seen & bit && had_kind(id, n)))
		return false;
	*seen |= bit;
	return true;
}

static bool plain_tokens(const struct cdp_tokens *t, struct cdp_plain_id *id,
			 unsigned *count)
{
	const uint32_t *at = t->at;
	uint64_t seen = 0;
	unsigned n = 0;

	do {
		const char *kind = t->base + at[0] + 2, *colon = t->base + at[1];

		if (n == CDP_PLAIN_MAX || colon[1] != '"')
			return false;
		id[n].kind = kind;
		id[n].kind_end = colon - 1;
		id[n].value = colon + 2;
		id[n].value_end = t->base + at[2] - 1;
		if (!good_plain(id, n++, &seen))
			return false;
		at += 2;
	} while (t->base[*at] != '}');
	*count = n;
	return true;
}

static bool plain_members(const struct cdp_val *object, struct cdp_plain_id *id,
			  unsigned *count)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;
	uint64_t seen = 0;
	unsigned n = 0;

	for (; cdp_val_member(object, &it, &key, &v); n++) {
		if (n == CDP_PLAIN_MAX || v.type != CDP_STRING || key.escaped ||
		    v.escaped)
			return false;
		id[n] = (struct cdp_plain_id){ key.p, key.p + key.n, v.p, v.p + v.n };
		if (!good_plain(id, n, &seen))
			return false;
	}
	*count = n;
	return true;
}

bool cdp_ids_plain(const struct cdp_rec *rec, const struct cdp_val *object,
		   struct cdp_plain_id id[CDP_PLAIN_MAX], unsigned *count)
{
	struct cdp_tokens t;

	*count = 0;
	if (object->type != CDP_OBJECT)
		return false;
	if (object->n == 2)
		return true;
	return cdp_rec_tokens(rec, object, &t) ? plain_tokens(&t, id, count)
					       : plain_members(object, id, count);
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

/* Whether nothing of all that was put needs an escape. */
static bool all_plain(struct cdp_ids *s)
{
	const char *end;

	if (cdp_buf_reserve(&s->text, 8) < 0)
		return false;
	memset(s->text.p + s->text.n, 0, 8);
	end = s->text.p + s->text.n;
	/* The zeros behind the last byte are not plain, so there is an end to it. */
	return cdp_plain_end(s->text.p) == end;
}

static void put_plain(struct cdp_buf *out, const char *p, size_t n, char after)
{
	if (cdp_buf_reserve(out, n + 3) < 0)
		return;
	out->p[out->n] = '"';
	memcpy(out->p + out->n + 1, p, n);
	out->p[out->n + n + 1] = '"';
	out->p[out->n + n + 2] = after;
	out->n += n + 3;
}

static void write_plain(struct cdp_ids *s, struct cdp_buf *out)
{
	for (unsigned i = 0; i < s->n; i++) {
		put_plain(out, s->text.p + s->v[i].kind, s->v[i].kind_len, ':');
		put_plain(out, s->text.p + s->v[i].value, s->v[i].value_len,
			  i + 1 < s->n ? ',' : '}');
	}
}

void cdp_ids_write(struct cdp_ids *s, struct cdp_buf *out)
{
	cdp_buf_addc(out, '{');
	if (s->n && all_plain(s)) {
		write_plain(s, out);
		return;
	}
	for (unsigned i = 0; i < s->n; i++) {
		if (i)
			cdp_buf_addc(out, ',');
		cdp_json_str(out, s->text.p + s->v[i].kind, s->v[i].kind_len);
		cdp_buf_addc(out, ':');
		cdp_json_str(out, s->text.p + s->v[i].value, s->v[i].value_len);
	}
	cdp_buf_addc(out, '}');
}
