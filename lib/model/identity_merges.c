/* How persons came together since the last publish.
 *
 * The links that hold within persons are replayed in order of their first time, starting
 * from the persons published before.  A link between two that were there before it (were
 * published, or have an id seen earlier) is a merge; the rest is persons growing. */
#include <stdlib.h>

#include "base/mem.h"
#include "model/identity_priv.h"

struct group {
	uint64_t name;
	int64_t first;
	bool published;
};

struct replay {
	struct cdp_identity *m;
	const struct naming *to;
	uint32_t *parent;
	struct group *group; /* of a root of parent */
};

static uint32_t find(uint32_t *parent, uint32_t i)
{
	while (parent[i] != i) {
		parent[i] = parent[parent[i]];
		i = parent[i];
	}
	return i;
}

static struct merge *add_merge(struct cdp_identity *m)
{
	CDP_GROW(m->merges, m->nmerges, m->merges_cap);
	m->merges[m->nmerges] = (struct merge){ .link = NONE, .id = NONE };
	return &m->merges[m->nmerges++];
}

/* True if the id is still with the person it was published in. */
static bool stayed(const struct replay *r, uint32_t i)
{
	uint32_t p = r->m->person[i];

	return p && r->to->claim[p] == r->to->person[i];
}

static void start_groups(struct replay *r, uint32_t n)
{
	struct cdp_identity *m = r->m;
	uint32_t *head = cdp_alloc(((size_t)m->npersons + 1) * sizeof(*head));

	for (uint32_t p = 0; p <= m->npersons; p++)
		head[p] = NONE;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t p = m->person[i];
		struct group *g = &r->group[i];

		r->parent[i] = i;
		*g = (struct group){ 0, m->first[i], false };
		if (!stayed(r, i)) {
			g->name = idm_name(m, i, false, 0);
			continue;
		}
		if (head[p] == NONE) {
			head[p] = i;
			g->name = m->names[p];
			g->published = true;
			continue;
		}
		r->parent[i] = head[p];
		if (g->first < r->group[head[p]].first)
			r->group[head[p]].first = g->first;
	}
	free(head);
}

static bool survives(const struct group *a, const struct group *b)
{
	if (a->published != b->published)
		return a->published;
	return a->first != b->first ? a->first < b->first : a->name < b->name;
}

static void join(struct replay *r, uint32_t index)
{
	struct cdp_identity *m = r->m;
	const struct link *l = &m->links[index];
	uint32_t a = find(r->parent, l->a), b = find(r->parent, l->b), t;
	struct group *ga, *gb;

	if (a == b)
		return;
	if (survives(&r->group[b], &r->group[a])) {
		t = a;
		a = b;
		b = t;
	}
	ga = &r->group[a];
	gb = &r->group[b];
	if ((ga->published || ga->first < l->first) &&
	    (gb->published || gb->first < l->first)) {
		struct merge *g = add_merge(m);

		g->from = gb->name;
		g->into = r->to->names[r->to->person[l->a]];
		g->link = index;
		if (g->from == g->into)
			m->nmerges--;
	}
	r->parent[b] = a;
	if (gb->first < ga->first)
		ga->first = gb->first;
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
	fa = idm_cmp(m, a->a, a->b) < 0;
	fb = idm_cmp(m, b->a, b->b) < 0;
	c = idm_cmp(m, fa ? a->a : a->b, fb ? b->a : b->b);
	return c ? c : idm_cmp(m, fa ? a->b : a->a, fb ? b->b : b->a);
}

static void replay_links(struct replay *r)
{
	struct cdp_identity *m = r->m;
	const uint32_t *person = r->to->person;
	uint32_t *order = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < m->nlinks; i++) {
		const struct link *l = &m->links[i];

		if (!person[l->a] || person[l->a] != person[l->b] ||
		    (m->flags[l->a] | m->flags[l->b]) & ID_CONTESTED ||
		    find(r->parent, l->a) == find(r->parent, l->b))
			continue;
		CDP_GROW(order, n, cap);
		order[n++] = (uint32_t)i;
	}
	if (n)
		qsort_r(order, n, sizeof(*order), cmp_links, m);
	for (size_t i = 0; i < n; i++)
		join(r, order[i]);
	free(order);
}

/* Ids that went from one published person to another without it. */
static void note_moves(struct replay *r, uint32_t n)
{
	struct cdp_identity *m = r->m;

	for (uint32_t i = 0; i < n; i++) {
		struct merge *g;

		if (!m->person[i] || !r->to->person[i] || stayed(r, i))
			continue;
		g = add_merge(m);
		g->from = m->names[m->person[i]];
		g->into = r->to->names[r->to->person[i]];
		g->id = i;
	}
}

static void count_merged(struct cdp_identity *m, const struct naming *to)
{
	m->counts.merged = 0;
	for (uint32_t p = 1; p <= m->npersons; p++) {
		uint32_t q = to->claim[p];

		if (q != NONE && to->names[q] != m->names[p])
			m->counts.merged++;
	}
}

void idm_note_merges(struct cdp_identity *m, const struct naming *to)
{
	uint32_t n = cdp_intern_count(m->ids);
	struct replay r = { .m = m, .to = to };

	count_merged(m, to);
	if (!m->keep_merges)
		return;
	r.parent = cdp_alloc(((size_t)n + 1) * sizeof(*r.parent));
	r.group = cdp_alloc(((size_t)n + 1) * sizeof(*r.group));
	start_groups(&r, n);
	replay_links(&r);
	note_moves(&r, n);
	free(r.parent);
	free(r.group);
}

static int cmp_names(const void *pa, const void *pb)
{
	uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return (a > b) - (a < b);
}

/* Names given while records streamed that are no one's in the end lead to the person
 * that their strongest id is in; unless a merge says so already. */
void idm_note_redirects(struct cdp_identity *m)
{
	size_t known = m->nmerges;
	uint64_t *from = cdp_alloc((known + 1) * sizeof(*from));

	for (size_t i = 0; i < known; i++)
		from[i] = m->merges[i].id == NONE ? m->merges[i].from : 0;
	qsort(from, known, sizeof(*from), cmp_names);
	for (size_t i = 0; m->keep_merges && i < m->nlive; i++) {
		const struct live *l = &m->live[i];
		struct merge *g;

		if (l->strong == NONE || !m->person[l->strong] ||
		    m->names[m->person[l->strong]] == l->name ||
		    bsearch(&l->name, from, known, sizeof(*from), cmp_names))
			continue;
		g = add_merge(m);
		g->from = l->name;
		g->into = m->names[m->person[l->strong]];
	}
	free(from);
}
