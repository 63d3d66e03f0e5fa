#include "cli/segment_ranks.h"

#include "base/intern.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct cdp_segment_ranks {
	const struct cdp_segments *s;
	uint32_t *sets; /* that are cut */
	uint32_t count;
	struct cdp_segcut *cut; /* values by profile */
	struct cdp_intern *keys;
	uint32_t *who; /* by profile, in keys */
	size_t n, cap;
	uint8_t *in; /* by profile, then by audience: meets its rule */
	size_t in_count, in_cap;
};

struct cdp_segment_ranks *cdp_segment_ranks_new(const struct cdp_segments *s,
						const uint32_t *sets, uint32_t count)
{
	struct cdp_segment_ranks *r = cdp_calloc(1, sizeof(*r));

	r->s = s;
	r->sets = cdp_alloc(count * sizeof(*r->sets));
	for (uint32_t i = 0; i < count; i++)
		if (s->v[sets[i]].cut > CDP_CUT_SAMPLE)
			r->sets[r->count++] = sets[i];
	r->cut = cdp_segcut_new(s);
	r->keys = cdp_intern_new(0);
	if (r->count)
		return r;
	cdp_segment_ranks_free(r);
	return NULL;
}

void cdp_segment_ranks_free(struct cdp_segment_ranks *r)
{
	if (!r)
		return;
	cdp_segcut_free(r->cut);
	cdp_intern_free(r->keys);
	free(r->sets);
	free(r->who);
	free(r->in);
	free(r);
}

void cdp_segment_ranks_add(struct cdp_segment_ranks *r, const char *key, size_t n,
			   struct cdp_rec *profile, struct cdp_eval *ev,
			   bool (*meets)(void *ctx, uint32_t set), void *ctx)
{
	CDP_GROW(r->who, r->n, r->cap);
	r->who[r->n++] = cdp_intern_put(r->keys, key, n, NULL);
	for (uint32_t i = 0; i < r->count; i++) {
		CDP_GROW(r->in, r->in_count, r->in_cap);
		r->in[r->in_count++] = meets(ctx, r->sets[i]);
	}
	cdp_segcut_add(r->cut, profile, ev);
}

/* Of several profiles of a customer the greatest value counts, of any of them. */
static double *values_of(const struct cdp_segment_ranks *r, unsigned by)
{
	uint32_t people = cdp_intern_count(r->keys);
	double *v = cdp_alloc((people + 1) * sizeof(*v));

	for (uint32_t i = 0; i < people; i++)
		v[i] = -INFINITY;
	for (size_t i = 0; i < r->n; i++) {
		double x = cdp_segcut_row(r->cut, i, by);

		if (x > v[r->who[i]])
			v[r->who[i]] = x;
	}
	return v;
}

static int descending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x < y) - (x > y);
}

static bool is_before(const char *p, size_t n, const char *q, size_t m)
{
	int c = memcmp(p, q, n < m ? n : m);

	return c ? c < 0 : n < m;
}

/* What remains of the values of those who meet the rule; counts who stands before. */
static void rank(const struct cdp_segment_ranks *r, const bool *in, double *v,
		 uint32_t me, struct cdp_segment_rank *out)
{
	uint32_t people = cdp_intern_count(r->keys), before = 0;
	size_t n = 0, len;
	const char *key = me == CDP_INTERN_NONE ? NULL : cdp_intern_key(r->keys, me, &n);

	out->value = key ? v[me] : -INFINITY;
	for (uint32_t i = 0; i < people; i++) {
		const char *other = cdp_intern_key(r->keys, i, &len);

		if (!in[i])
			continue;
		before += v[i] > out->value ||
			  (key && v[i] == out->value && is_before(other, len, key, n));
	}
	if (key && in[me])
		out->rank = before + 1;
	for (uint32_t i = 0; i < people; i++)
		if (in[i])
			v[out->of++] = v[i];
}

void cdp_segment_ranks_of(const struct cdp_segment_ranks *r, uint32_t set,
			  const char *key, size_t n, struct cdp_segment_rank *out)
{
	const struct cdp_segment *g = &r->s->v[set];
	double *v = values_of(r, g->by);
	bool *in = cdp_calloc(cdp_intern_count(r->keys) + 1, sizeof(*in));
	uint32_t at = 0;

	while (r->sets[at] != set)
		at++;
	for (size_t i = 0; i < r->n; i++)
		in[r->who[i]] |= r->in[i * r->count + at];
	*out = (struct cdp_segment_rank){ 0 };
	rank(r, in, v, cdp_intern_get(r->keys, key, n), out);
	out->left = cdp_segcut_left(g, out->of);
	if (out->of)
		qsort(v, out->of, sizeof(*v), descending);
	out->at_cut = out->left ? v[out->left - 1] : -INFINITY;
	free(v);
	free(in);
}
