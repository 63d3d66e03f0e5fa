/* Which links hold.
 *
 * A link is a set of sightings, of which the first and the last are kept.  An unbind at t
 * undoes those up to t: the link holds if it was seen later, from its first sighting if
 * that is later than t, else from t on.  This is a function of the set, so the order in
 * which sightings and unbinds come does not matter. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/identity_priv.h"

/* --- exclusions --- */

/* The number of an id among the excluded ones, or NONE. */
static uint32_t excluded_number(const struct cdp_identity *m, uint32_t id)
{
	char text[CDP_ID_VALUE_MAX], key[1 + CDP_ID_VALUE_MAX];
	size_t n;
	const char *value = idm_value(m, id, text, &n);

	key[0] = (char)m->id[id].kind;
	memcpy(key + 1, value, n);
	return cdp_intern_get(m->excluded, key, n + 1);
}

void idm_mark_excluded(struct cdp_identity *m, uint32_t id)
{
	if (excluded_number(m, id) != NONE)
		m->id[id].flags |= ID_EXCLUDED;
}

static uint64_t pair_of(uint32_t a, uint32_t b)
{
	return a < b ? (uint64_t)a << 32 | b : (uint64_t)b << 32 | a;
}

static int cmp_u64(const void *pa, const void *pb)
{
	uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return (a > b) - (a < b);
}

bool idm_excluded(const struct cdp_identity *m, uint32_t a, uint32_t b)
{
	uint64_t pair;

	if (!(m->id[a].flags & m->id[b].flags & ID_EXCLUDED))
		return false;
	pair = pair_of(excluded_number(m, a), excluded_number(m, b));
	return bsearch(&pair, m->pairs, m->npairs, sizeof(pair), cmp_u64) != NULL;
}

/* The key of an id of an exclusion by the numbers of this map. */
static uint32_t exclude_key(struct cdp_identity *m, const char *key, size_t n)
{
	size_t name = strlen(key);
	uint32_t kind = idm_kind(m, key, name), id;
	char made[1 + CDP_ID_VALUE_MAX], packed[CDP_ID_VALUE_MAX];
	struct idkey k;

	if (kind == NONE)
		return NONE;
	n -= name + 1;
	made[0] = (char)kind;
	memcpy(made + 1, key + name + 1, n);
	idm_pack(&k, (uint8_t)kind, made + 1, n, packed);
	id = idm_get(m, &k, idm_hash(&k));
	if (id != NONE)
		m->id[id].flags |= ID_EXCLUDED;
	return cdp_intern_put(m->excluded, made, n + 1, NULL);
}

void cdp_identity_exclude(struct cdp_identity *m, const struct cdp_idexclude *x)
{
	size_t na, nb;

	m->excluded = cdp_intern_new(0);
	m->pairs = cdp_alloc((x->n + 1) * sizeof(*m->pairs));
	for (size_t i = 0; i < x->n; i++) {
		const char *a = cdp_intern_key(x->keys, x->v[i].a, &na);
		const char *b = cdp_intern_key(x->keys, x->v[i].b, &nb);

		m->pairs[m->npairs++] =
			pair_of(exclude_key(m, a, na), exclude_key(m, b, nb));
	}
	m->exclude_print = x->print;
	if (m->npairs)
		qsort(m->pairs, m->npairs, sizeof(*m->pairs), cmp_u64);
}

/* --- unbinds --- */

struct parts {
	struct part *v;
	size_t n, cap;
};

static int cmp_parts(const void *pa, const void *pb)
{
	const struct part *a = pa, *b = pb;

	if (a->a != b->a)
		return a->a < b->a ? -1 : 1;
	if (a->b != b->b)
		return a->b < b->b ? -1 : 1;
	return (a->ms > b->ms) - (a->ms < b->ms);
}

static void add_part(struct parts *p, uint32_t a, uint32_t b, int64_t ms)
{
	CDP_GROW(p->v, p->n, p->cap);
	p->v[p->n++] = a < b ? (struct part){ a, b, ms } : (struct part){ b, a, ms };
}

/* Sorted; of several of one pair the last one. */
static void tidy(struct parts *p)
{
	size_t n = 0;

	if (p->n)
		qsort(p->v, p->n, sizeof(*p->v), cmp_parts);
	for (size_t i = 0; i < p->n; i++) {
		if (n && p->v[n - 1].a == p->v[i].a && p->v[n - 1].b == p->v[i].b)
			n--;
		p->v[n++] = p->v[i];
	}
	p->n = n;
}

static const struct part *find_part(const struct parts *p, uint32_t a, uint32_t b)
{
	size_t lo = 0, hi = p->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct part *at = &p->v[mid];

		if (at->a == a && at->b == b)
			return at;
		if (at->a < a || (at->a == a && at->b < b))
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static bool is_child(const struct cdp_identity *m, uint32_t child, uint32_t parent)
{
	return m->kind[m->id[child].kind].parent == m->id[parent].kind &&
	       m->id[child].kind != m->id[parent].kind;
}

/* An unbind of one id parts it from each that it is linked to, except its children. */
static void part_from_all(const struct cdp_identity *m, const struct parts *single,
			  struct parts *p)
{
	for (size_t i = 0; i < m->nlinks && single->n; i++) {
		const struct link *l = &m->links[i];
		const struct part *s;

		if (!((m->id[l->a].flags | m->id[l->b].flags) & ID_PARTED))
			continue;
		s = find_part(single, l->a, NONE);
		if (s && !is_child(m, l->b, l->a))
			add_part(p, l->a, l->b, s->ms);
		s = find_part(single, l->b, NONE);
		if (s && !is_child(m, l->a, l->b))
			add_part(p, l->a, l->b, s->ms);
	}
}

/* What a parent is parted from, its children are parted from. */
static void part_children(const struct cdp_identity *m, struct parts *p)
{
	struct parts by = { 0 };

	for (size_t i = 0; i < p->n; i++) {
		CDP_GROW(by.v, by.n + 1, by.cap);
		by.v[by.n++] = p->v[i];
		by.v[by.n++] = (struct part){ p->v[i].b, p->v[i].a, p->v[i].ms };
	}
	if (by.n)
		qsort(by.v, by.n, sizeof(*by.v), cmp_parts);
	for (size_t i = 0; i < m->nlinks; i++) {
		uint32_t a = m->links[i].a, b = m->links[i].b, parent, child;
		size_t lo = 0, hi = by.n;

		if (!is_child(m, a, b) && !is_child(m, b, a))
			continue;
		parent = is_child(m, a, b) ? b : a;
		child = parent == b ? a : b;
		while (lo < hi) {
			size_t mid = (lo + hi) / 2;

			if (by.v[mid].a < parent)
				lo = mid + 1;
			else
				hi = mid;
		}
		for (; lo < by.n && by.v[lo].a == parent; lo++)
			if (by.v[lo].b != child &&
			    idm_link_seen(&m->links[i]) <= by.v[lo].ms)
				add_part(p, child, by.v[lo].b, by.v[lo].ms);
	}
	free(by.v);
}

/* All pairs that are parted, each with the last time of that. */
static struct parts gather_parts(const struct cdp_identity *m)
{
	struct parts p = { 0 }, single = { 0 };

	for (uint32_t i = 0; i < cdp_intern_count(m->parts); i++) {
		size_t n;
		struct part at;

		memcpy(&at, cdp_intern_key(m->parts, i, &n), sizeof(at));
		if (at.ms <= m->known_at)
			add_part(at.b == NONE ? &single : &p, at.a, at.b, at.ms);
	}
	tidy(&single);
	part_from_all(m, &single, &p);
	free(single.v);
	tidy(&p);
	/* A step a generation: kinds are no cycle. */
	for (unsigned i = 0; i < m->kinds->parents && p.n; i++) {
		part_children(m, &p);
		tidy(&p);
	}
	return p;
}

/* --- */

static void cut_link(struct cdp_identity *m, const struct parts *p, struct link *l)
{
	int64_t first = idm_link_seen(l), last = idm_link_last(l);
	const struct part *at = p->n ? find_part(p, l->a, l->b) : NULL;

	l->flags &= LINK_DIRTY;
	if (first > m->known_at || idm_excluded(m, l->a, l->b))
		l->flags |= LINK_CUT;
	else if (at && (last <= at->ms || (first <= at->ms && last > m->known_at)))
		l->flags |= LINK_CUT;
	else if (at && first <= at->ms)
		l->flags |= LINK_LATER;
}

/* --- ids that changed hands --- */

static struct freed *find_freed(const struct cdp_identity *m, uint32_t id)
{
	size_t lo = 0, hi = m->nfreed;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (m->freed[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < m->nfreed && m->freed[lo].id == id ? &m->freed[lo] : NULL;
}

static int cmp_freed(const void *pa, const void *pb)
{
	const struct freed *a = pa, *b = pb;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return (a->until < b->until) - (a->until > b->until);
}

static void may_be_freed(struct cdp_identity *m, uint32_t id, int64_t until, size_t *cap)
{
	if (idm_role(m, id) != KIND_SHARED)
		return;
	CDP_GROW(m->freed, m->nfreed, *cap);
	m->freed[m->nfreed++] = (struct freed){ id, until };
}

/* Every shared id that was parted, with the last time of that. */
static void gather_freed(struct cdp_identity *m, const struct parts *p)
{
	size_t cap = 0, n = 0;

	for (size_t i = 0; i < m->nfreed; i++)
		m->id[m->freed[i].id].freed = 0;
	free(m->freed);
	m->freed = NULL;
	m->nfreed = 0;
	for (size_t i = 0; i < p->n; i++) {
		may_be_freed(m, p->v[i].a, p->v[i].ms, &cap);
		may_be_freed(m, p->v[i].b, p->v[i].ms, &cap);
	}
	if (m->nfreed)
		qsort(m->freed, m->nfreed, sizeof(*m->freed), cmp_freed);
	for (size_t i = 0; i < m->nfreed; i++)
		if (!n || m->freed[n - 1].id != m->freed[i].id)
			m->freed[n++] = m->freed[i];
	m->nfreed = n;
}

/* An end of a link that holds: freed if it and all others began after the parting. */
static void ask_freed(struct cdp_identity *m, uint32_t id, int64_t first)
{
	struct freed *f = find_freed(m, id);

	if (!f || f->until == INT64_MIN)
		return;
	m->id[id].freed = first > f->until;
	if (first <= f->until)
		f->until = INT64_MIN;
}

static void find_all_freed(struct cdp_identity *m, const struct parts *p)
{
	gather_freed(m, p);
	for (size_t i = 0; i < m->nlinks && m->nfreed; i++) {
		const struct link *l = &m->links[i];

		if (l->flags & LINK_CUT)
			continue;
		ask_freed(m, l->a, idm_link_first(m, l));
		ask_freed(m, l->b, idm_link_first(m, l));
	}
}

bool idm_was_other(const struct cdp_identity *m, uint32_t id, int64_t ms)
{
	return m->id[id].freed && ms <= find_freed(m, id)->until;
}

/* --- */

void idm_cut_links(struct cdp_identity *m)
{
	struct parts p = gather_parts(m);

	for (size_t i = 0; i < m->nlinks; i++) {
		idm_fetch_ends(m, i + IDM_AHEAD);
		cut_link(m, &p, &m->links[i]);
	}
	free(m->later);
	m->later = p.v;
	m->nlater = p.n;
	find_all_freed(m, &p);
}

int64_t idm_link_first(const struct cdp_identity *m, const struct link *l)
{
	struct parts p = { .v = m->later, .n = m->nlater };

	return l->flags & LINK_LATER ? find_part(&p, l->a, l->b)->ms : idm_link_seen(l);
}
