/* Links that alone hold a person together.
 *
 * Bridges of the graph of each person's links by a depth-first search (Tarjan 1974): the
 * link to an id is one if nothing below it reaches above it.  Those count that leave two
 * ids or more on either side: a single id that hangs on a link is no news. */
#include <stdlib.h>

#include "base/mem.h"
#include "model/identity_priv.h"

struct search {
	const struct cdp_identity *m;
	uint32_t n;
	uint32_t *from, *edge; /* links of id i: edge[from[i]] .. edge[from[i + 1] - 1] */
	uint32_t *next;        /* the edge to look at */
	uint32_t *order, *low; /* of ids, from 1; 0: not met */
	uint32_t *below;       /* ids reached through it, itself included */
	uint32_t *via;         /* link that led to it, or NONE */
	uint32_t *path;
	struct bridge *v; /* of the person at hand: sides not yet known */
	size_t count, cap;
};

static bool holds(const struct cdp_identity *m, const struct link *l)
{
	return !(l->flags & LINK_CUT) && idm_person(m, l->a) &&
	       idm_person(m, l->a) == idm_person(m, l->b) &&
	       !((m->id[l->a].flags | m->id[l->b].flags) & ID_CONTESTED);
}

static void gather(struct search *s)
{
	const struct cdp_identity *m = s->m;

	s->from = cdp_calloc((size_t)s->n + 2, sizeof(*s->from));
	for (size_t i = 0; i < m->nlinks; i++) {
		if (!holds(m, &m->links[i]))
			continue;
		s->from[m->links[i].a + 2]++;
		s->from[m->links[i].b + 2]++;
	}
	for (uint32_t i = 2; i < s->n + 2; i++)
		s->from[i] += s->from[i - 1];
	s->edge = cdp_alloc(((size_t)s->from[s->n + 1] + 1) * sizeof(*s->edge));
	for (size_t i = 0; i < m->nlinks; i++) {
		if (!holds(m, &m->links[i]))
			continue;
		s->edge[s->from[m->links[i].a + 1]++] = (uint32_t)i;
		s->edge[s->from[m->links[i].b + 1]++] = (uint32_t)i;
	}
	s->next = cdp_memdup(s->from, ((size_t)s->n + 2) * sizeof(*s->from));
}

static uint32_t step_down(struct search *s, uint32_t at, uint32_t link, uint32_t order)
{
	s->order[at] = s->low[at] = order;
	s->below[at] = 1;
	s->via[at] = link;
	return at;
}

static void step_up(struct search *s, uint32_t at, uint32_t parent)
{
	s->below[parent] += s->below[at];
	if (s->low[at] < s->low[parent])
		s->low[parent] = s->low[at];
	if (s->low[at] < s->order[at] || s->below[at] < 2)
		return;
	CDP_GROW(s->v, s->count, s->cap);
	s->v[s->count++] = (struct bridge){ s->via[at], s->below[at], 0 };
}

/* All ids that `start` is linked with. */
static void search_from(struct search *s, uint32_t start)
{
	uint32_t depth = 0, met = 0;

	s->path[0] = step_down(s, start, NONE, ++met);
	for (;;) {
		uint32_t at = s->path[depth], link, to;

		if (s->next[at] == s->from[at + 1]) {
			if (depth == 0)
				return;
			step_up(s, at, s->path[--depth]);
			continue;
		}
		link = s->edge[s->next[at]++];
		if (link == s->via[at])
			continue;
		to = s->m->links[link].a == at ? s->m->links[link].b
					       : s->m->links[link].a;
		if (!s->order[to])
			s->path[++depth] = step_down(s, to, link, ++met);
		else if (s->order[to] < s->low[at])
			s->low[at] = s->order[to];
	}
}

struct bridge *idm_bridges(const struct cdp_identity *m, size_t *n)
{
	struct search s = { .m = m, .n = m->count };
	size_t size = ((size_t)s.n + 1) * sizeof(uint32_t), kept = 0;

	gather(&s);
	s.order = cdp_calloc((size_t)s.n + 1, sizeof(*s.order));
	s.low = cdp_alloc(size);
	s.below = cdp_alloc(size);
	s.via = cdp_alloc(size);
	s.path = cdp_alloc(size);
	for (uint32_t i = 0; i < s.n; i++) {
		uint32_t all;

		if (s.order[i] || s.from[i] == s.from[i + 1])
			continue;
		search_from(&s, i);
		all = s.below[i];
		for (size_t k = kept; k < s.count; k++) {
			struct bridge *b = &s.v[k];
			uint32_t rest = all - b->smaller;

			if (rest < 2)
				continue;
			b->larger = rest > b->smaller ? rest : b->smaller;
			b->smaller = all - b->larger;
			s.v[kept++] = *b;
		}
		s.count = kept;
	}
	free(s.from);
	free(s.edge);
	free(s.next);
	free(s.order);
	free(s.low);
	free(s.below);
	free(s.via);
	free(s.path);
	*n = s.count;
	return s.v;
}
