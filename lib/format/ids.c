#include "format/ids.h"

#include "base/swar.h"
#include "format/canon.h"
#include "record/json.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

/* Bit i: byte i of the 64 at p is c. */
static uint64_t bytes_equal(const char *p, char c)
{
	uint64_t bits = 0;

#ifdef __SSE2__
	const __m128i all = _mm_set1_epi8(c);

	for (unsigned i = 0; i < 64; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(p + i));
		unsigned m = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, all));

		bits |= (uint64_t)m << i;
	}
#else
	const uint64_t low = ~CDP_HIGH;

	for (unsigned i = 0; i < 64; i += 8) {
		uint64_t x = cdp_load64(p + i) ^ CDP_ONES * (unsigned char)c;
		uint64_t zero = ~(((x & low) + low) | x | low); /* high bits, exactly */

		bits |= (zero >> 7) * 0x0102040810204080 >> 56 << i;
	}
#endif
	return bits;
}

/* The quotes of a text, from the first to the last. */
struct quotes {
	const char *base, *end;
	uint64_t bits; /* of the 64 bytes at base, those not given yet */
};

/* False if there is a backslash among the bytes at base. */
static bool quotes_here(struct quotes *q)
{
	size_t left = (size_t)(q->end - q->base);
	uint64_t in = left < 64 ? ((uint64_t)1 << left) - 1 : ~(uint64_t)0;

	q->bits = bytes_equal(q->base, '"') & in;
	return !(bytes_equal(q->base, '\\') & in);
}

/* NULL: no more, or a backslash comes first. */
static inline const char *quotes_next(struct quotes *q)
{
	const char *p;

	while (!q->bits) {
		q->base += 64;
		if (q->base >= q->end || !quotes_here(q))
			return NULL;
	}
	p = q->base + __builtin_ctzll(q->bits);
	q->bits &= q->bits - 1;
	return p;
}

static bool may_be_scientific(const char *p, size_t n)
{
	return (p[1] == '.' || (p[1] | 0x20) == 'e') && cdp_id_is_spoilt(p, n);
}

/* Strings both, and not empty.  A key stands before a colon, a string right after it. */
static bool next_plain(struct quotes *q, struct cdp_plain_id *id)
{
	const char *a = quotes_next(q), *b = a ? quotes_next(q) : NULL,
		   *c = b ? quotes_next(q) : NULL, *d = c ? quotes_next(q) : NULL;

	if (!d || b == a + 1 || c != b + 2 || d == c + 1)
		return false;
	*id = (struct cdp_plain_id){ a + 1, b, c + 1, d };
	return !may_be_scientific(c + 1, (size_t)(d - c) - 1);
}

static bool same_kind(const struct cdp_plain_id *a, const struct cdp_plain_id *b)
{
	size_t n = (size_t)(a->kind_end - a->kind);

	return n == (size_t)(b->kind_end - b->kind) && memcmp(a->kind, b->kind, n) == 0;
}

bool cdp_ids_plain(const struct cdp_val *object, struct cdp_plain_id id[CDP_PLAIN_MAX],
		   unsigned *count)
{
	struct quotes q = { object->p, object->p + object->n, 0 };
	unsigned n = 0;

	*count = 0;
	if (object->type != CDP_OBJECT)
		return false;
	if (object->n == 2)
		return true;
	if (!quotes_here(&q))
		return false;
	do {
		if (n == CDP_PLAIN_MAX || !next_plain(&q, &id[n]))
			return false;
		for (unsigned i = 0; i < n; i++)
			if (same_kind(&id[i], &id[n]))
				return false;
	} while (id[n++].value_end + 2 < q.end);
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
