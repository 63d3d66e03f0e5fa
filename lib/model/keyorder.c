#include "model/keyorder.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct cdp_keyorder {
	struct cdp_keydict *dict;
	uint32_t count;
	uint32_t *order; /* ordinals by their keys */
	uint32_t *rank;  /* where each ordinal stands in that */
};

/* A key's first bytes tell most keys apart. */
struct head {
	uint64_t first;
	uint32_t ordinal;
};

static int by_key(const void *x, const void *y, void *ctx)
{
	const struct head *a = x, *b = y;
	struct cdp_err ignored;
	const char *p, *q;
	size_t n, m;
	int diff;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	cdp_keydict_key(ctx, a->ordinal, &p, &n, &ignored);
	cdp_keydict_key(ctx, b->ordinal, &q, &m, &ignored);
	diff = memcmp(p, q, n < m ? n : m);
	return diff ? diff : (n > m) - (n < m);
}

static int fill(struct head *v, struct cdp_keydict *d, uint32_t count,
		struct cdp_err *err)
{
	for (uint32_t i = 0; i < count; i++) {
		const char *p;
		size_t n;

		if (cdp_keydict_key(d, i, &p, &n, err) < 0)
			return -1;
		v[i] = (struct head){ .ordinal = i };
		memcpy(&v[i].first, p, n < 8 ? n : 8);
		v[i].first = be64toh(v[i].first);
	}
	return 0;
}

struct cdp_keyorder *cdp_keyorder_new(struct cdp_keydict *d, struct cdp_err *err)
{
	struct cdp_keyorder *o = cdp_calloc(1, sizeof(*o));
	struct head *v;

	o->dict = d;
	o->count = cdp_keydict_count(d);
	v = cdp_alloc(((size_t)o->count + 1) * sizeof(*v));
	if (fill(v, d, o->count, err) < 0) {
		free(v);
		cdp_keyorder_free(o);
		return NULL;
	}
	qsort_r(v, o->count, sizeof(*v), by_key, d);
	o->order = cdp_alloc(((size_t)o->count + 1) * sizeof(*o->order));
	o->rank = cdp_alloc(((size_t)o->count + 1) * sizeof(*o->rank));
	for (uint32_t i = 0; i < o->count; i++) {
		o->order[i] = v[i].ordinal;
		o->rank[v[i].ordinal] = i;
	}
	free(v);
	return o;
}

void cdp_keyorder_free(struct cdp_keyorder *o)
{
	if (!o)
		return;
	free(o->order);
	free(o->rank);
	free(o);
}

static int hand_over(struct cdp_keyorder *o, const struct cdp_bitmap *ranks,
		     int (*each)(void *ctx, uint32_t ordinal, const char *key, size_t n),
		     void *ctx, struct cdp_err *err)
{
	uint32_t v[1024];
	uint64_t from = 0;
	size_t got;

	while ((got = cdp_bitmap_next(ranks, &from, v, 1024)))
		for (size_t i = 0; i < got; i++) {
			const char *p;
			size_t n;

			if (cdp_keydict_key(o->dict, o->order[v[i]], &p, &n, err) < 0 ||
			    each(ctx, o->order[v[i]], p, n) < 0)
				return -1;
		}
	return 0;
}

int cdp_keyorder_each(struct cdp_keyorder *o, const struct cdp_bitmap *b,
		      int (*each)(void *ctx, uint32_t ordinal, const char *key, size_t n),
		      void *ctx, struct cdp_err *err)
{
	size_t count = cdp_bitmap_count(b);
	uint32_t *v = cdp_alloc((count + 1) * sizeof(*v));
	struct cdp_bitmap *ranks;
	uint64_t from = 0;
	int rc;

	count = cdp_bitmap_next(b, &from, v, count);
	if (count && v[count - 1] >= o->count) {
		free(v);
		return cdp_err_set(err, CDP_ERR_SYS,
				   "damaged: an audience has a customer who is not in "
				   "the dictionary");
	}
	ranks = cdp_bitmap_map(v, count, o->rank, o->count);
	free(v);
	rc = hand_over(o, ranks, each, ctx, err);
	cdp_bitmap_free(ranks);
	return rc;
}
