/* Links in order of time: which firm ids are one person, and who founded whom.
 *
 * A union-find forest (Galler, Fischer 1964; path halving after van Leeuwen) over all
 * ids. Two groups become one by a link between them, unless both have firm ids; then only
 * by one between two firm ids, and not if the result would pass what a person may have of
 * a kind.  Groups only grow with time, so the name that a group's oldest id gave it stays
 * when later evidence comes, whatever becomes of that id. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/identity_priv.h"

/* --- order --- */

enum { DIGIT = 14, DIGITS = (TIME_BITS + DIGIT - 1) / DIGIT };

static uint64_t time_code(const struct cdp_identity *m, uint32_t i)
{
	int64_t t = idm_link_first(m, &m->links[i]);

	return t == CDP_IDENTITY_NO_TIME ? ((uint64_t)1 << TIME_BITS) - 1 : (uint64_t)t;
}

/* Links of one time go by the bytes of their ids: numbers are given as ids come. */
static int cmp_bytes(const void *pa, const void *pb, void *ctx)
{
	const struct cdp_identity *m = ctx;
	const struct link *a = &m->links[*(const uint32_t *)pa];
	const struct link *b = &m->links[*(const uint32_t *)pb];
	bool fa = idm_cmp(m, a->a, a->b) < 0, fb = idm_cmp(m, b->a, b->b) < 0;
	int c = idm_cmp(m, fa ? a->a : a->b, fb ? b->a : b->b);

	return c ? c : idm_cmp(m, fa ? a->b : a->a, fb ? b->b : b->a);
}

static void sort_ties(const struct cdp_identity *m, uint32_t *v, size_t n)
{
	for (size_t i = 0, k; i < n; i = k) {
		uint64_t t = time_code(m, v[i]);

		for (k = i + 1; k < n && time_code(m, v[k]) == t; k++)
			;
		if (k - i > 1)
			qsort_r(v + i, k - i, sizeof(*v), cmp_bytes, (void *)m);
	}
}

static bool is_sorted(const struct cdp_identity *m, const uint32_t *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (time_code(m, v[i]) < time_code(m, v[i - 1]))
			return false;
	return true;
}

/* Radix sort, the least significant digit first. */
static uint32_t *sort_by_time(const struct cdp_identity *m, uint32_t *v, size_t n)
{
	uint32_t *w, *t;
	size_t *at;

	if (is_sorted(m, v, n))
		return v;
	w = cdp_alloc(n * sizeof(*w));
	at = cdp_alloc(sizeof(*at) << DIGIT);
	for (unsigned d = 0; d < DIGITS; d++) {
		unsigned shift = d * DIGIT;
		size_t sum = 0;

		memset(at, 0, sizeof(*at) << DIGIT);
		for (size_t i = 0; i < n; i++)
			at[time_code(m, v[i]) >> shift & ((1 << DIGIT) - 1)]++;
		for (size_t i = 0; i < (size_t)1 << DIGIT; i++) {
			size_t k = at[i];

			at[i] = sum;
			sum += k;
		}
		for (size_t i = 0; i < n; i++)
			w[at[time_code(m, v[i]) >> shift & ((1 << DIGIT) - 1)]++] = v[i];
		t = v;
		v = w;
		w = t;
	}
	free(w);
	free(at);
	return v;
}

uint32_t *idm_links_in_order(const struct cdp_identity *m,
			     bool (*want)(void *ctx, const struct link *l), void *ctx,
			     size_t *n)
{
	uint32_t *v = cdp_alloc((m->nlinks + 1) * sizeof(*v));

	*n = 0;
	for (size_t i = 0; i < m->nlinks; i++) {
		const struct link *l = &m->links[i];

		idm_fetch_ends(m, i + IDM_AHEAD);
		if (!(l->flags & LINK_CUT) && !idm_is_out(m, l->a) &&
		    !idm_is_out(m, l->b) && (!want || want(ctx, l)))
			v[(*n)++] = (uint32_t)i;
	}
	v = sort_by_time(m, v, *n);
	sort_ties(m, v, *n);
	return v;
}

/* --- ids of too many links --- */

static void mark_crowded(struct cdp_identity *m)
{
	uint32_t n = m->count;
	uint16_t *degree = cdp_calloc((size_t)n + 1, sizeof(*degree));

	for (size_t i = 0; i < m->nlinks; i++) {
		const struct link *l = &m->links[i];

		idm_fetch_ends(m, i + IDM_AHEAD);
		if (l->flags & LINK_CUT || idm_is_out(m, l->a) || idm_is_out(m, l->b))
			continue;
		degree[l->a] += degree[l->a] < UINT16_MAX;
		degree[l->b] += degree[l->b] < UINT16_MAX;
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct cdp_idkind *k = m->kind[m->id[i].kind].def;

		if (k && k->degree && degree[i] > k->degree)
			m->id[i].flags |= ID_CONTESTED | ID_CROWDED;
	}
	free(degree);
}

/* --- joining --- */

struct join {
	struct cdp_identity *m;
	uint32_t *up;
	uint16_t *mask;  /* unique kinds of a root's group */
	uint16_t *have;  /* values of the capped firm kinds, `capped` a root */
	unsigned capped; /* how many such kinds there are */
	uint16_t cap[CDP_IDKINDS_MAX];
};

static void start_caps(struct join *j, uint32_t n)
{
	struct cdp_identity *m = j->m;
	uint8_t column[CDP_IDKINDS_MAX];

	for (unsigned i = 0; i < m->nkinds; i++) {
		const struct cdp_idkind *k = m->kind[i].def;

		column[i] = UINT8_MAX;
		if (m->kind[i].role != KIND_FIRM || !k->max)
			continue;
		column[i] = (uint8_t)j->capped;
		j->cap[j->capped++] = k->max;
	}
	if (!j->capped)
		return;
	j->have = cdp_calloc((size_t)n * j->capped + 1, sizeof(*j->have));
	for (uint32_t i = 0; i < n; i++)
		if (column[m->id[i].kind] != UINT8_MAX)
			j->have[(size_t)i * j->capped + column[m->id[i].kind]] = 1;
}

/* Two persons hold different values of a kind, so a unique kind that both hold is a
 * wall. */
static bool is_walled(const struct join *j, uint32_t a, uint32_t b)
{
	if (j->mask[a] & j->mask[b])
		return true;
	for (unsigned i = 0; i < j->capped; i++) {
		unsigned of_a = j->have[(size_t)a * j->capped + i];
		unsigned of_b = j->have[(size_t)b * j->capped + i];

		if (of_a && of_b && of_a + of_b > j->cap[i])
			return true;
	}
	return false;
}

static void unite(struct join *j, uint32_t a, uint32_t b)
{
	if (idm_stronger(j->m, b, a)) {
		uint32_t t = a;

		a = b;
		b = t;
	}
	j->up[b] = a;
	j->mask[a] |= j->mask[b];
	for (unsigned i = 0; i < j->capped; i++)
		j->have[(size_t)a * j->capped + i] += j->have[(size_t)b * j->capped + i];
}

static void take_link(struct join *j, const struct link *l)
{
	struct cdp_identity *m = j->m;
	uint32_t a = idm_find(j->up, l->a), b = idm_find(j->up, l->b);
	bool end_a = idm_role(m, l->a) == KIND_FIRM,
	     end_b = idm_role(m, l->b) == KIND_FIRM;

	if (a == b || (m->id[l->a].flags | m->id[l->b].flags) & ID_CROWDED)
		return;
	/* A group's strongest id is firm if any is. */
	if (idm_role(m, a) != KIND_FIRM || idm_role(m, b) != KIND_FIRM) {
		if (!((m->id[l->a].flags | m->id[l->b].flags) & ID_SPLIT))
			unite(j, a, b);
	} else if (end_a && end_b) {
		if (!is_walled(j, a, b))
			unite(j, a, b);
	} else if (end_a || end_b) {
		m->id[end_a ? l->b : l->a].flags |= ID_SPLIT;
	}
}

/* What take_link() will touch first. */
static void fetch_groups(const struct join *j, uint32_t link)
{
	const struct link *l = &j->m->links[link];

	idm_fetch_ends(j->m, link);
	idm_fetch(&j->up[l->a]);
	idm_fetch(&j->up[l->b]);
	idm_fetch(&j->mask[l->a]);
	idm_fetch(&j->mask[l->b]);
}

static bool takes_part(void *ctx, const struct link *l)
{
	const struct cdp_identity *m = ctx;
	uint8_t a = idm_role(m, l->a), b = idm_role(m, l->b);

	return (a == KIND_FIRM || a == KIND_SHARED) &&
	       (b == KIND_FIRM || b == KIND_SHARED);
}

uint32_t *idm_join(struct cdp_identity *m)
{
	uint32_t n = m->count, *order;
	struct join j = { .m = m };
	size_t links;

	idm_cut_links(m);
	for (uint32_t i = 0; i < n; i++)
		m->id[i].flags &= (unsigned)~(ID_ASIDE | ID_PENDING | ID_SPLIT);
	mark_crowded(m);
	j.up = cdp_alloc(((size_t)n + 1) * sizeof(*j.up));
	j.mask = cdp_calloc((size_t)n + 1, sizeof(*j.mask));
	for (uint32_t i = 0; i < n; i++) {
		j.up[i] = i;
		if (idm_role(m, i) == KIND_FIRM)
			j.mask[i] = m->kind[m->id[i].kind].bit;
	}
	start_caps(&j, n);
	order = idm_links_in_order(m, takes_part, m, &links);
	for (size_t i = 0; i < links; i++) {
		if (i + IDM_AHEAD < links)
			fetch_groups(&j, order[i + IDM_AHEAD]);
		take_link(&j, &m->links[order[i]]);
	}
	free(order);
	free(j.mask);
	free(j.have);
	return j.up;
}
