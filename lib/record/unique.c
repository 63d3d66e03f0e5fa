/* Duplicate keys, by sorting each object's keys when it closes: no hashing, so no input
 * can make it slow. */
#include "record/scan_impl.h"

#include "base/mem.h"
#include "record/json.h"

#include <stdlib.h>

struct key {
	const char *p; /* decoded */
	size_t n, at;  /* where the raw key stands */
};

struct keys {
	struct key *k;
	size_t count, cap;
	struct cdp_arena decoded;
	struct cdp_buf tmp;
	const char *begin;
};

static int by_text(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	size_t n = x->n < y->n ? x->n : y->n;
	int c = n ? memcmp(x->p, y->p, n) : 0;

	if (c)
		return c;
	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	return x->at < y->at ? -1 : 1;
}

static void add_key(struct keys *ks, const char *p, size_t n, bool escaped)
{
	struct cdp_val raw = {
		.p = p, .n = (uint32_t)n, .type = CDP_STRING, .escaped = escaped
	};
	struct key *k;

	CDP_GROW(ks->k, ks->count, ks->cap);
	k = &ks->k[ks->count++];
	k->at = (size_t)(p - ks->begin);
	k->p = p;
	k->n = n;
	if (escaped) {
		p = cdp_val_str(&raw, &ks->tmp, &k->n);
		k->p = cdp_arena_strndup(&ks->decoded, p, k->n);
	}
}

/* The keys from number `first` on are those of an object that closes. */
static int close_object(struct keys *ks, size_t first, struct cdp_err *err)
{
	const struct key *dup = NULL;
	struct cdp_buf name;

	if (ks->count - first > 1)
		qsort(ks->k + first, ks->count - first, sizeof(*ks->k), by_text);
	for (size_t i = first + 1; i < ks->count; i++) {
		const struct key *a = &ks->k[i - 1], *b = &ks->k[i];

		if (a->n == b->n && memcmp(a->p, b->p, a->n) == 0 &&
		    (!dup || b->at < dup->at))
			dup = b;
	}
	ks->count = first;
	if (!dup)
		return 0;
	cdp_buf_init(&name, CDP_BUF_NOMAX);
	cdp_json_str(&name, dup->p, dup->n);
	cdp_err_set(err, CDP_ERR_DATA, "duplicate key %.*s",
		    name.n > 200 ? 200 : (int)name.n, name.p);
	err->column = dup->at; /* of the quote before the key */
	cdp_buf_release(&name);
	return -1;
}

/* At a quote; the string is a key if a colon follows.  Returns what follows it. */
static const char *string(struct keys *ks, const char *p, const char *end)
{
	const char *from = ++p;
	bool escaped = false;
	size_t n;

	for (; *p != '"'; p++)
		if (*p == '\\') {
			escaped = true;
			p++;
		}
	n = (size_t)(p++ - from);
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	if (p < end && *p == ':')
		add_key(ks, from, n, escaped);
	return p;
}

int cdp_unique_check(const char *p, size_t n, struct cdp_err *err)
{
	struct keys ks = { .begin = p };
	size_t first[CDP_DEPTH_MAX]; /* key of every open object */
	const char *end = p + n;
	unsigned depth = 0;
	int r = 0;

	cdp_buf_init(&ks.tmp, CDP_BUF_NOMAX);
	cdp_arena_init(&ks.decoded);
	while (p < end && r == 0) {
		switch (*p) {
		case '"':
			p = string(&ks, p, end);
			continue;
		case '{':
			first[depth++] = ks.count;
			break;
		case '}':
			r = close_object(&ks, first[--depth], err);
			break;
		default:
			break;
		}
		p++;
	}
	cdp_arena_release(&ks.decoded);
	cdp_buf_release(&ks.tmp);
	free(ks.k);
	return r;
}
