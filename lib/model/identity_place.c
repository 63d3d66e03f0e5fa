/* Steps 1 to 3 of identity.h: which ids are one person.
 *
 * root[id] is a union-find forest (Galler, Fischer 1964; path halving after van Leeuwen)
 * over firm ids, then over those shared ids that reach no firm person. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/identity_priv.h"

enum { UNPLACED = UINT32_MAX - 1 };

struct place {
	struct cdp_identity *m;
	uint32_t n;
	uint32_t *root;
	/* Links among shared ids by id: to[from[i]] .. to[from[i + 1] - 1]. */
	uint32_t *from, *to;
};

static uint8_t role(const struct cdp_identity *m, uint32_t id)
{
	return idm_is_out(m, id) ? KIND_OUT : m->kind[m->kind_of[id]].role;
}

static uint32_t find(uint32_t *root, uint32_t i)
{
	while (root[i] != i) {
		root[i] = root[root[i]];
		i = root[i];
	}
	return i;
}

static int cmp_links(const void *pa, const void *pb, void *ctx)
{
	const struct cdp_identity *m = ctx;
	const struct link *a = &m->links[*(const uint32_t *)pa];
	const struct link *b = &m->links[*(const uint32_t *)pb];
	bool fa, fb;
	int c;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	/* Ids are numbered as they came, so ties go by what they are. */
	fa = idm_cmp(m, a->a, a->b) < 0;
	fb = idm_cmp(m, b->a, b->b) < 0;
	c = idm_cmp(m, fa ? a->a : a->b, fb ? b->a : b->b);
	return c ? c : idm_cmp(m, fa ? a->b : a->a, fb ? b->b : b->a);
}

static void place_firm(struct place *p)
{
	struct cdp_identity *m = p->m;
	uint16_t *mask = cdp_calloc((size_t)p->n + 1, sizeof(*mask));
	uint32_t *order = NULL;
	size_t n = 0, cap = 0;

	for (uint32_t i = 0; i < p->n; i++)
		if (role(m, i) == KIND_FIRM)
			mask[i] = m->kind[m->kind_of[i]].bit;
	for (size_t i = 0; i < m->nlinks; i++) {
		if (role(m, m->links[i].a) != KIND_FIRM ||
		    role(m, m->links[i].b) != KIND_FIRM)
			continue;
		CDP_GROW(order, n, cap);
		order[n++] = (uint32_t)i;
	}
	if (n)
		qsort_r(order, n, sizeof(*order), cmp_links, m);
	for (size_t i = 0; i < n; i++) {
		uint32_t a = find(p->root, m->links[order[i]].a);
		uint32_t b = find(p->root, m->links[order[i]].b);

		/* Two persons hold different values of a kind, so a kind that both hold
		 * is a wall. */
		if (a == b || (mask[a] & mask[b]))
			continue;
		p->root[b] = a;
		mask[a] |= mask[b];
	}
	for (uint32_t i = 0; i < p->n; i++)
		if (role(m, i) == KIND_FIRM)
			p->root[i] = find(p->root, i);
	free(order);
	free(mask);
}

/* Shared ids that were seen with firm ones. */
static size_t place_direct(struct place *p)
{
	struct cdp_identity *m = p->m;
	size_t among = 0;

	for (size_t i = 0; i < m->nlinks; i++) {
		uint32_t a = m->links[i].a, b = m->links[i].b;
		uint8_t ra = role(m, a), rb = role(m, b);

		if (ra == KIND_SHARED && rb == KIND_SHARED)
			among++;
		if (ra == KIND_SHARED && rb == KIND_FIRM) {
			uint32_t t = a;

			a = b;
			b = t;
		} else if (ra != KIND_FIRM || rb != KIND_SHARED) {
			continue;
		}
		if (p->root[b] == UNPLACED)
			p->root[b] = p->root[a];
		else if (p->root[b] != p->root[a])
			m->flags[b] |= ID_CONTESTED;
	}
	return among;
}

static void gather_neighbours(struct place *p, size_t among)
{
	struct cdp_identity *m = p->m;

	if (2 * among > UINT32_MAX)
		CDP_BUG("%zu links among shared ids", among);
	p->from = cdp_calloc((size_t)p->n + 2, sizeof(*p->from));
	p->to = cdp_alloc(2 * among * sizeof(*p->to));
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < m->nlinks; i++) {
			uint32_t a = m->links[i].a, b = m->links[i].b;

			if (role(m, a) != KIND_SHARED || role(m, b) != KIND_SHARED)
				continue;
			if (pass == 0) {
				p->from[a + 2]++;
				p->from[b + 2]++;
			} else {
				p->to[p->from[a + 1]++] = b;
				p->to[p->from[b + 1]++] = a;
			}
		}
		for (uint32_t i = 2; pass == 0 && i < p->n + 2; i++)
			p->from[i] += p->from[i - 1];
	}
}

/* One step outwards from the ids placed in the step before. */
static size_t place_step(struct place *p, const uint32_t *edge, size_t n, uint32_t **next,
			 size_t *cap)
{
	uint8_t *flags = p->m->flags;
	size_t out = 0, kept = 0;

	for (size_t k = 0; k < n; k++) {
		uint32_t i = edge[k];

		for (uint32_t e = p->from[i]; e < p->from[i + 1]; e++) {
			uint32_t j = p->to[e];

			if (p->root[j] == UNPLACED) {
				p->root[j] = p->root[i];
				flags[j] |= ID_PENDING;
				CDP_GROW(*next, out, *cap);
				(*next)[out++] = j;
			} else if ((flags[j] & ID_PENDING) && p->root[j] != p->root[i]) {
				flags[j] |= ID_CONTESTED;
			}
		}
	}
	for (size_t k = 0; k < out; k++) {
		uint32_t i = (*next)[k];

		flags[i] &= (uint8_t)~ID_PENDING;
		if (!(flags[i] & ID_CONTESTED))
			(*next)[kept++] = i;
	}
	return kept;
}

static void place_outwards(struct place *p)
{
	uint32_t *edge = NULL, *next = NULL, *t;
	size_t n = 0, cap = 0, next_cap = 0, t_cap;

	for (uint32_t i = 0; i < p->n; i++) {
		if (p->from[i] == p->from[i + 1] || p->root[i] == UNPLACED ||
		    (p->m->flags[i] & ID_CONTESTED))
			continue;
		CDP_GROW(edge, n, cap);
		edge[n++] = i;
	}
	while (n) {
		n = place_step(p, edge, n, &next, &next_cap);
		t = edge;
		edge = next;
		next = t;
		t_cap = cap;
		cap = next_cap;
		next_cap = t_cap;
	}
	free(edge);
	free(next);
}

/* What is left of the shared ids: persons without a firm id. */
static void place_anonymous(struct place *p, size_t among)
{
	struct cdp_identity *m = p->m;
	uint8_t *flags = m->flags;

	for (uint32_t i = 0; i < p->n; i++) {
		if (p->root[i] == UNPLACED)
			flags[i] |= ID_PENDING;
		if (p->root[i] == UNPLACED || (flags[i] & ID_CONTESTED))
			p->root[i] = i;
	}
	for (size_t i = 0; among && i < m->nlinks; i++) {
		uint32_t a = m->links[i].a, b = m->links[i].b;

		if (!(flags[a] & flags[b] & ID_PENDING))
			continue;
		a = find(p->root, a);
		b = find(p->root, b);
		if (a != b)
			p->root[b] = a;
	}
	for (uint32_t i = 0; i < p->n; i++) {
		if (flags[i] & ID_PENDING)
			p->root[i] = find(p->root, i);
		flags[i] &= (uint8_t)~ID_PENDING;
	}
}

uint32_t *idm_place(struct cdp_identity *m)
{
	struct place p = { .m = m, .n = cdp_intern_count(m->ids) };
	size_t among;

	p.root = cdp_alloc(((size_t)p.n + 1) * sizeof(*p.root));
	for (uint32_t i = 0; i < p.n; i++) {
		uint8_t r = role(m, i);

		m->flags[i] &= (uint8_t) ~(ID_CONTESTED | ID_PENDING);
		p.root[i] = r == KIND_SHARED ? UNPLACED : r == KIND_OUT ? NONE : i;
	}
	place_firm(&p);
	among = place_direct(&p);
	if (among) {
		gather_neighbours(&p, among);
		place_outwards(&p);
	}
	place_anonymous(&p, among);
	free(p.from);
	free(p.to);
	return p.root;
}
