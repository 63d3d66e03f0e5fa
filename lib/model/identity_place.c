/* Steps 2 and 3 of identity.h: whom shared ids belong to. */
#include <stdlib.h>

#include "base/mem.h"
#include "model/identity_priv.h"

enum { UNPLACED = UINT32_MAX - 1 };

struct place {
	struct cdp_identity *m;
	uint32_t n;
	uint32_t *root;
	struct caps *caps;
	/* Links among shared ids by id: to[from[i]] .. to[from[i + 1] - 1]. */
	uint32_t *from, *to;
};

/* An id of too many links conducts none of them. */
static bool conducts(const struct cdp_identity *m, const struct link *l)
{
	return !(l->flags & LINK_CUT) &&
	       !((m->id[l->a].flags | m->id[l->b].flags) & ID_CROWDED);
}

static bool is_candidate(const struct place *p, uint32_t i)
{
	return idm_role(p->m, i) == KIND_SHARED && p->root[i] != UNPLACED &&
	       !(p->m->id[i].flags & ID_CONTESTED);
}

static void cap_direct(struct place *p)
{
	uint32_t *ids = NULL;
	size_t n = 0, cap = 0;

	for (uint32_t i = 0; i < p->n; i++) {
		if (!is_candidate(p, i))
			continue;
		CDP_GROW(ids, n, cap);
		ids[n++] = i;
	}
	idm_caps_mark(p->caps, p->m, p->root, ids, n);
	free(ids);
}

/* Shared ids that were seen with firm ones. */
static size_t place_direct(struct place *p)
{
	struct cdp_identity *m = p->m;
	size_t among = 0;

	for (size_t i = 0; i < m->nlinks; i++) {
		uint32_t a = m->links[i].a, b = m->links[i].b;
		uint8_t ra = idm_role(m, a), rb = idm_role(m, b);

		idm_fetch_ends(m, i + IDM_AHEAD);
		if (!conducts(m, &m->links[i]))
			continue;
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
			m->id[b].flags |= ID_CONTESTED;
	}
	if (p->caps)
		cap_direct(p);
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

			if (idm_role(m, a) != KIND_SHARED ||
			    idm_role(m, b) != KIND_SHARED || !conducts(m, &m->links[i]))
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
	struct id *id = p->m->id;
	size_t out = 0, kept = 0;

	for (size_t k = 0; k < n; k++) {
		uint32_t i = edge[k];

		for (uint32_t e = p->from[i]; e < p->from[i + 1]; e++) {
			uint32_t j = p->to[e];

			if (p->root[j] == UNPLACED) {
				p->root[j] = p->root[i];
				id[j].flags |= ID_PENDING;
				CDP_GROW(*next, out, *cap);
				(*next)[out++] = j;
			} else if ((id[j].flags & ID_PENDING) &&
				   p->root[j] != p->root[i]) {
				id[j].flags |= ID_CONTESTED;
			}
		}
	}
	for (size_t k = 0; k < out; k++) {
		uint32_t i = (*next)[k];

		id[i].flags &= (unsigned)~ID_PENDING;
		if (!(id[i].flags & ID_CONTESTED))
			(*next)[kept++] = i;
	}
	if (!p->caps)
		return kept;
	idm_caps_mark(p->caps, p->m, p->root, *next, kept);
	out = kept;
	kept = 0;
	for (size_t k = 0; k < out; k++)
		if (!(id[(*next)[k]].flags & ID_CONTESTED))
			(*next)[kept++] = (*next)[k];
	return kept;
}

static void place_outwards(struct place *p)
{
	uint32_t *edge = NULL, *next = NULL, *t;
	size_t n = 0, cap = 0, next_cap = 0, t_cap;

	for (uint32_t i = 0; i < p->n; i++) {
		if (p->from[i] == p->from[i + 1] || p->root[i] == UNPLACED ||
		    (p->m->id[i].flags & ID_CONTESTED))
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
	struct id *id = m->id;

	for (uint32_t i = 0; i < p->n; i++) {
		bool aside = id[i].flags & ID_CONTESTED;

		if (p->root[i] == UNPLACED && !aside)
			id[i].flags |= ID_PENDING;
		if (p->root[i] == UNPLACED || aside)
			p->root[i] = i;
	}
	for (size_t i = 0; among && i < m->nlinks; i++) {
		uint32_t a = m->links[i].a, b = m->links[i].b;

		if (!(id[a].flags & id[b].flags & ID_PENDING) ||
		    m->links[i].flags & LINK_CUT)
			continue;
		a = idm_find(p->root, a);
		b = idm_find(p->root, b);
		if (a != b && idm_stronger(m, a, b))
			p->root[b] = a;
		else
			p->root[a] = b;
	}
	for (uint32_t i = 0; i < p->n; i++) {
		if (id[i].flags & ID_PENDING)
			p->root[i] = idm_find(p->root, i);
		id[i].flags &= (unsigned)~ID_PENDING;
	}
}

uint32_t *idm_place(struct cdp_identity *m, uint32_t *up)
{
	struct place p = { .m = m, .n = m->count };
	size_t among;

	p.root = cdp_alloc(((size_t)p.n + 1) * sizeof(*p.root));
	p.caps = idm_caps_new(m);
	for (uint32_t i = 0; i < p.n; i++) {
		uint8_t r = idm_role(m, i);

		if (r == KIND_FIRM)
			p.root[i] = idm_find(up, i);
		else
			p.root[i] = r == KIND_SHARED ? UNPLACED
				    : r == KIND_OUT  ? NONE
						     : i;
	}
	among = place_direct(&p);
	if (among) {
		gather_neighbours(&p, among);
		place_outwards(&p);
	}
	place_anonymous(&p, among);
	idm_caps_free(p.caps);
	free(p.from);
	free(p.to);
	return p.root;
}
