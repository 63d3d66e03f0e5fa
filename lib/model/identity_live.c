/* Persons while records stream: the rules of identity.h applied to one record after the
 * other, with what is known by then.
 *
 * Differs from the computation over all evidence where that needs to look ahead: an
 * anonymous person joined to a firm one stays so even if its ids are contested later,
 * except the id itself. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/identity_priv.h"

static struct live *root_of(struct cdp_identity *m, uint32_t index)
{
	struct live *v = m->live;

	while (v[index].parent != index) {
		v[index].parent = v[v[index].parent].parent;
		index = v[index].parent;
	}
	return &v[index];
}

/* The person of an id; NULL: none yet. */
static struct live *live_person(struct cdp_identity *m, uint32_t id)
{
	uint32_t i = *idm_live(m, id);

	return i ? root_of(m, i - 1) : NULL;
}

static void live_room(struct cdp_identity *m, size_t cap)
{
	m->live = cdp_resize_large(m->live, m->live_cap * sizeof(*m->live),
				   cap * sizeof(*m->live));
	m->live_cap = cap;
}

static struct live *add_live(struct cdp_identity *m, uint64_t name, uint32_t strong)
{
	struct live *p;

	if (m->nlive == m->live_cap)
		live_room(m, m->live_cap + m->live_cap / 4 + 1024);
	p = &m->live[m->nlive];
	*p = (struct live){ .name = name,
			    .first = CDP_IDENTITY_NO_TIME,
			    .parent = (uint32_t)m->nlive,
			    .strong = strong };
	m->nlive++;
	return p;
}

static void attach(struct cdp_identity *m, struct live *p, uint32_t id)
{
	const struct kind *k = &m->kind[m->id[id].kind];

	*idm_live(m, id) = (uint32_t)(p - m->live) + 1;
	p->mask |= k->bit;
	p->firm |= k->role == KIND_FIRM;
	if (idm_first(m, id) < p->first)
		p->first = idm_first(m, id);
	if (p->strong != NONE && idm_stronger(m, id, p->strong))
		p->strong = id;
}

/* The older, of equals the one with the smaller name, as in the end. */
static bool survives(const struct live *a, const struct live *b)
{
	return a->first != b->first ? a->first < b->first : a->name < b->name;
}

static struct live *join(struct live *all, struct live *a, struct live *b)
{
	struct live *t;

	if (a == b)
		return a;
	if (survives(b, a)) {
		t = a;
		a = b;
		b = t;
	}
	b->parent = (uint32_t)(a - all);
	a->mask |= b->mask;
	a->firm |= b->firm;
	if (b->first < a->first)
		a->first = b->first;
	return a;
}

/* A new person of the ids that have none; founded by the one with the smallest hash among
 * the oldest, as in the end. */
static struct live *create(struct cdp_identity *m, const uint32_t *ids, size_t n)
{
	uint64_t best = 0, name;
	uint32_t f = NONE;

	for (size_t i = 0; i < n; i++) {
		if (live_person(m, ids[i]))
			continue;
		name = idm_name(m, ids[i], NAME_OF, 0);
		if (f == NONE || idm_first(m, ids[i]) < idm_first(m, f) ||
		    (idm_first(m, ids[i]) == idm_first(m, f) && name < best)) {
			f = ids[i];
			best = name;
		}
	}
	return add_live(m, best, f);
}

/* A shared id that was seen with a second person. */
static void contest(struct cdp_identity *m, uint32_t id)
{
	struct live *p = add_live(m, idm_name(m, id, NAME_CONTESTED, 0), id);

	p->contested = true;
	attach(m, p, id);
}

/* The person of the strongest firm id, with those of the record's firm ids that no wall
 * keeps out. */
static struct live *live_firm(struct cdp_identity *m, const uint32_t *ids, size_t firm,
			      size_t n)
{
	struct live *p = live_person(m, ids[0]), *q;

	for (size_t i = 1; i < firm && !p; i++) {
		q = live_person(m, ids[i]);
		if (q && !(q->mask & m->kind[m->id[ids[0]].kind].bit))
			p = q;
	}
	for (size_t i = firm; i < n && !p; i++) {
		q = live_person(m, ids[i]);
		if (q && !q->firm && !q->contested)
			p = q;
	}
	if (!p)
		p = create(m, ids, n);
	for (size_t i = 0; i < firm; i++) {
		q = live_person(m, ids[i]);
		if (!q && !(p->mask & m->kind[m->id[ids[i]].kind].bit))
			attach(m, p, ids[i]);
		else if (q && q != p && !(p->mask & q->mask))
			p = join(m->live, p, q);
	}
	return p;
}

static void live_shared_with_firm(struct cdp_identity *m, struct live *p, uint32_t id)
{
	struct live *q = live_person(m, id);

	if (!q)
		attach(m, p, id);
	else if (q != p && !q->contested && !q->firm)
		join(m->live, p, q);
	else if (q != p && !q->contested)
		contest(m, id);
}

static struct live *live_shared(struct cdp_identity *m, const uint32_t *ids, size_t n)
{
	struct live *p = NULL, *q;
	bool fresh = false;

	for (size_t i = 0; i < n; i++) {
		q = live_person(m, ids[i]);
		fresh |= !q;
		if (!q || q->contested)
			continue;
		if (!p)
			p = q;
		else if (!p->firm || !q->firm)
			p = join(m->live, p, q);
	}
	if (!p && !fresh)
		return live_person(m, ids[0]);
	if (!p)
		p = create(m, ids, n);
	for (size_t i = 0; i < n; i++)
		if (!live_person(m, ids[i]))
			attach(m, p, ids[i]);
	return p;
}

static struct live *live_learn(struct cdp_identity *m, const uint32_t *ids, size_t n)
{
	size_t firm = 0;
	struct live *p;
	uint32_t id;

	while (firm < n && m->kind[m->id[ids[firm]].kind].role == KIND_FIRM)
		firm++;
	if (!firm)
		return live_shared(m, ids, n);
	live_firm(m, ids, firm, n);
	id = ids[0];
	for (size_t i = firm; i < n; i++) {
		p = live_person(m, id);
		live_shared_with_firm(m, p, ids[i]);
	}
	return live_person(m, id);
}

void cdp_identity_live_begin(struct cdp_identity *m)
{
	uint32_t n = m->count;
	struct naming now = { .names = m->names, .npersons = m->npersons };

	idm_widen(m);
	if (idm_changed(m)) {
		/* Evidence that no run published yet: known, but not for good. */
		uint32_t *up = idm_join(m);

		idm_name_all(m, up, idm_place(m, up), &now);
	} else {
		idm_cut_links(m);
	}
	live_room(m, (size_t)now.npersons + now.npersons / 4 + 1024);
	for (uint32_t p = 1; p <= now.npersons; p++)
		add_live(m, now.names[p], NONE);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t person = now.person ? now.person[i] : idm_person(m, i);
		struct live *p;

		if (!person)
			continue;
		p = &m->live[person - 1];
		attach(m, p, i);
		p->contested |= (m->id[i].flags & ID_CONTESTED) != 0;
	}
	if (!now.person)
		return;
	free(now.claim);
	free(now.person);
	free(now.names);
}

/* The weaker of two ids that are parted becomes a person of its own. */
static void live_part(struct cdp_identity *m, const uint32_t *ids, size_t n)
{
	struct live *p, *q;
	uint64_t name;

	for (size_t i = n > 1; i < n; i++) {
		p = live_person(m, ids[0]);
		q = live_person(m, ids[i]);
		if (!q || q->contested || (p != q && n > 1))
			continue;
		name = idm_name(m, ids[i], NAME_OF, 0);
		if (name == q->name)
			name = idm_name(m, ids[i], NAME_PARTED, 0);
		q = add_live(m, name, ids[i]);
		attach(m, q, ids[i]);
	}
}

static const struct live *live_see(struct cdp_identity *m, const uint32_t *ids, size_t n)
{
	const struct live *p = NULL;

	for (size_t i = 0; i < n; i++)
		if (!live_person(m, ids[i]))
			live_learn(m, &ids[i], 1);
	for (size_t i = 0; i < n && (!p || p->contested); i++)
		p = live_person(m, ids[i]);
	return p->contested ? live_person(m, ids[0]) : p;
}

/* The ids of a record without those that an exclusion keeps from its strongest; n of
 * them, in m->pick. */
static size_t live_admit(struct cdp_identity *m, size_t n)
{
	size_t kept = 1;

	for (size_t i = 1; i < n; i++) {
		if (idm_excluded(m, m->pick[0], m->pick[i]))
			live_see(m, &m->pick[i], 1);
		else
			m->pick[kept++] = m->pick[i];
	}
	return kept;
}

bool cdp_identity_live_of(struct cdp_identity *m, const struct cdp_sight *sight,
			  const uint32_t *ids, size_t n, uint64_t *one_id)
{
	const struct live *p;

	if (!n)
		return false;
	if (sight->says == CDP_SIGHT_PARTS)
		live_part(m, ids, n);
	if (sight->says == CDP_SIGHT_LINKS && sight->ms <= m->known_at) {
		if (m->excluded)
			n = live_admit(m, n);
		p = live_learn(m, m->pick, n);
	} else {
		p = live_see(m, ids, n);
	}
	*one_id = p->name;
	return true;
}
