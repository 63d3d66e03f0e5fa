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

static struct merge *add_merge(struct cdp_identity *m)
{
	CDP_GROW(m->merges, m->nmerges, m->merges_cap);
	m->merges[m->nmerges] = (struct merge){ .link = NONE, .id = NONE };
	return &m->merges[m->nmerges++];
}

/* True if the id is still with the person it was published in. */
static bool stayed(const struct replay *r, uint32_t i)
{
	uint32_t p = idm_person(r->m, i);

	return p && r->to->claim[p] == r->to->person[i];
}

static void start_groups(struct replay *r, uint32_t n)
{
	struct cdp_identity *m = r->m;
	uint32_t *head = cdp_alloc(((size_t)m->npersons + 1) * sizeof(*head));

	for (uint32_t p = 0; p <= m->npersons; p++)
		head[p] = NONE;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t p = idm_person(m, i);
		struct group *g = &r->group[i];

		r->parent[i] = i;
		*g = (struct group){ 0, idm_first(m, i), false };
		if (!stayed(r, i)) {
			g->name = idm_name(m, i, NAME_OF, 0);
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
	return a->first != b->first ? a->first < b->first : a->name < b->name;
}

static void join(struct replay *r, uint32_t index)
{
	struct cdp_identity *m = r->m;
	const struct link *l = &m->links[index];
	uint32_t a = idm_find(r->parent, l->a), b = idm_find(r->parent, l->b), t;
	struct group *ga, *gb;
	int64_t first;

	if (a == b)
		return;
	if (survives(&r->group[b], &r->group[a])) {
		t = a;
		a = b;
		b = t;
	}
	ga = &r->group[a];
	gb = &r->group[b];
	first = idm_link_first(m, l);
	if ((ga->published || ga->first < first) &&
	    (gb->published || gb->first < first)) {
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

/* Links within persons that may join two groups. */
static bool may_join(void *ctx, const struct link *l)
{
	struct replay *r = ctx;
	const struct id *id = r->m->id;
	const uint32_t *person = r->to->person;

	return person[l->a] && person[l->a] == person[l->b] &&
	       !((id[l->a].flags | id[l->b].flags) & ID_CONTESTED) &&
	       idm_find(r->parent, l->a) != idm_find(r->parent, l->b);
}

static void replay_links(struct replay *r)
{
	size_t n;
	uint32_t *order = idm_links_in_order(r->m, may_join, r, &n);

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

		if (!idm_person(m, i) || !r->to->person[i] || stayed(r, i))
			continue;
		g = add_merge(m);
		g->from = m->names[idm_person(m, i)];
		g->into = r->to->names[r->to->person[i]];
		g->id = i;
	}
}

static int cmp_names(const void *pa, const void *pb)
{
	uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return (a > b) - (a < b);
}

/* Names that the rows so far lead away from, in order; caller frees. */
static uint64_t *told_names(const struct cdp_identity *m, size_t *n)
{
	uint64_t *v = cdp_alloc((m->nmerges + 1) * sizeof(*v));

	*n = 0;
	for (size_t i = 0; i < m->nmerges; i++)
		if (m->merges[i].id == NONE)
			v[(*n)++] = m->merges[i].from;
	qsort(v, *n, sizeof(*v), cmp_names);
	return v;
}

/* Persons that have another name since evidence came late or was taken back. */
static void note_renames(struct replay *r)
{
	struct cdp_identity *m = r->m;
	size_t n;
	uint64_t *told = told_names(m, &n);

	for (uint32_t p = 1; p <= m->npersons; p++) {
		uint32_t q = r->to->claim[p];
		struct merge *g;

		if (q == NONE || !q || r->to->names[q] == m->names[p] ||
		    bsearch(&m->names[p], told, n, sizeof(*told), cmp_names))
			continue;
		g = add_merge(m);
		g->from = m->names[p];
		g->into = r->to->names[q];
		g->renamed = true;
	}
	free(told);
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
	uint32_t n = m->count;
	struct replay r = { .m = m, .to = to };

	count_merged(m, to);
	if (!m->keep_merges)
		return;
	r.parent = cdp_alloc(((size_t)n + 1) * sizeof(*r.parent));
	r.group = cdp_alloc(((size_t)n + 1) * sizeof(*r.group));
	start_groups(&r, n);
	replay_links(&r);
	note_renames(&r);
	note_moves(&r, n);
	free(r.parent);
	free(r.group);
}

/* Names given while records streamed that are no one's in the end lead to the person
 * that their strongest id is in; unless a merge says so already. */
void idm_note_redirects(struct cdp_identity *m)
{
	size_t known;
	uint64_t *told = told_names(m, &known);

	for (size_t i = 0; m->keep_merges && i < m->nlive; i++) {
		const struct live *l = &m->live[i];
		uint32_t person = l->strong == NONE ? 0 : idm_person(m, l->strong);
		struct merge *g;

		if (!person || m->names[person] == l->name ||
		    bsearch(&l->name, told, known, sizeof(*told), cmp_names))
			continue;
		g = add_merge(m);
		g->from = l->name;
		g->into = m->names[person];
	}
	free(told);
}
