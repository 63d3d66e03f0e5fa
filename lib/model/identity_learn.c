/* From sightings to evidence. */
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "model/identity_priv.h"

static bool may_be_first(const struct cdp_identity *m, const uint32_t *ids, size_t n,
			 int64_t ms)
{
	for (size_t i = 0; i < n; i++)
		if (ms <= idm_first(m, ids[i]))
			return true;
	return false;
}

static uint32_t kind_of_sight(struct cdp_identity *m, const struct cdp_sight_id *s,
			      const char *key, size_t *name)
{
	if (s->kind != CDP_SIGHT_UNDECLARED)
		return s->kind;
	*name = strlen(key);
	return idm_kind(m, key, *name);
}

/* The id's number in the tables, NONE if it does not count. */
static uint32_t resolve_id(struct cdp_identity *m, const struct cdp_sights *s,
			   const struct cdp_sight_id *sid)
{
	const char *key = s->text.p + sid->at;
	char made[1 + CDP_ID_VALUE_MAX];
	size_t name = 0, n;
	uint32_t kind = kind_of_sight(m, sid, key, &name);

	if (kind == NONE || m->kind[kind].role == KIND_OUT)
		return NONE;
	if (sid->found != NONE && !(m->id[sid->found].flags & ID_BLOCKED))
		return sid->found;
	if (sid->kind != CDP_SIGHT_UNDECLARED)
		return idm_put(m, key, sid->n, sid->hash);
	n = sid->n - name - 1;
	made[0] = (char)kind;
	memcpy(made + 1, key + name + 1, n);
	return idm_put(m, made, n + 1, cdp_hash(made, n + 1));
}

/* The ids of a sighting that count: an undeclared one only where nothing else is. */
static size_t pick_ids(struct cdp_identity *m, const struct cdp_sights *s,
		       const struct cdp_sight *at)
{
	size_t n = 0;

	CDP_GROW(m->pick, (size_t)at->n, m->pick_cap);
	for (unsigned i = 0; i < at->n; i++) {
		const struct cdp_sight_id *sid = &s->ids[at->first + i];
		uint32_t id;

		if (sid->rank == UINT16_MAX && n)
			break;
		id = resolve_id(m, s, sid);
		if (id != NONE)
			m->pick[n++] = id;
	}
	return n;
}

static bool is_child(const struct cdp_identity *m, uint32_t child, uint32_t parent)
{
	return m->kind[m->id[child].kind].parent == m->id[parent].kind &&
	       m->id[child].kind != m->id[parent].kind;
}

/* A child is linked to its parent as well, so that it can follow when that is parted. */
static bool are_linked(const struct cdp_identity *m, const uint32_t *ids, size_t i,
		       size_t j, bool firm)
{
	return ids[i] != ids[j] && (!firm || i == 0 || is_child(m, ids[j], ids[i]) ||
				    is_child(m, ids[i], ids[j]));
}

static void learn_links(struct cdp_identity *m, const uint32_t *ids, size_t n, int64_t ms)
{
	int64_t last = ms == CDP_IDENTITY_NO_TIME ? INT64_MIN : ms;
	bool firm = n && m->kind[m->id[ids[0]].kind].role == KIND_FIRM;

	for (size_t i = 0; i + 1 < n; i++) {
		if (i > 0 && firm && !m->kinds->parents)
			break;
		for (size_t j = i + 1; j < n; j++)
			if (are_linked(m, ids, i, j, firm))
				idm_link(m, ids[i], ids[j], ms, last);
	}
}

/* The strongest is parted from each other; a single one from all it was linked to, but
 * not if the record named another that cannot be used. */
static void learn_part(struct cdp_identity *m, const struct cdp_sight *at,
		       const uint32_t *ids, size_t n)
{
	if (n == 1 && at->n + at->lost == 1)
		idm_part(m, ids[0], NONE, at->ms);
	for (size_t i = 1; i < n; i++)
		if (ids[i] != ids[0])
			idm_part(m, ids[0], ids[i], at->ms);
}

size_t cdp_identity_learn(struct cdp_identity *m, const struct cdp_sights *s, size_t i,
			  cdp_source_fn source, void *ctx, const uint32_t **ids)
{
	const struct cdp_sight *at = &s->v[i];
	size_t n = pick_ids(m, s, at), len = 0;
	uint32_t from = 0;

	if (n && may_be_first(m, m->pick, n, at->ms)) {
		const char *p = source ? source(ctx, at, &len) : "";

		from = idm_source(m, p, len);
	}
	for (size_t k = 0; k < n; k++)
		idm_see(m, m->pick[k], at->ms, from);
	if (at->says == CDP_SIGHT_LINKS)
		learn_links(m, m->pick, n, at->ms);
	else if (at->says == CDP_SIGHT_PARTS)
		learn_part(m, at, m->pick, n);
	m->counts.records++;
	m->counts.identified += n > 0;
	*ids = m->pick;
	return n;
}

bool cdp_identity_known(const struct cdp_identity *m, const struct cdp_sights *s,
			size_t i, uint64_t *one_id)
{
	const struct cdp_sight *at = &s->v[i];
	uint32_t ids[CDP_IDKINDS_MAX];
	size_t n = 0;

	for (unsigned k = 0; k < at->n && n < CDP_IDKINDS_MAX; k++) {
		const struct cdp_sight_id *sid = &s->ids[at->first + k];
		uint32_t id;

		if (sid->kind == CDP_SIGHT_UNDECLARED)
			continue;
		id = cdp_intern_get_hashed(m->ids, s->text.p + sid->at, sid->n,
					   sid->hash);
		if (id == NONE || !m->id[id].person || idm_is_out(m, id) ||
		    idm_unknown(m, id))
			continue;
		ids[n++] = id;
		if (!m->kind[m->id[id].kind].may_contest)
			break;
	}
	return cdp_identity_of(m, ids, n, at->ms, one_id);
}

/* Each step touches what the step before fetched: the slot of a key, where the key is,
 * the key, the columns of its id, the slot of a link, the link. */
enum { SLOT = 24, WHERE = 20, KEY = 16, FIND = 12, LINK_SLOT = 6, LINK = 3 };

typedef void prefetch_fn(const struct cdp_intern *t, uint64_t hash);

static inline void prefetch_keys(const struct cdp_identity *m, const struct cdp_sights *s,
				 size_t i, prefetch_fn *fetch)
{
	const struct cdp_sight *at = &s->v[i];

	for (unsigned k = 0; k < at->n; k++)
		fetch(m->ids, s->ids[at->first + k].hash);
}

static void find_ids(const struct cdp_identity *m, struct cdp_sights *s, size_t i)
{
	const struct cdp_sight *at = &s->v[i];

	for (unsigned k = 0; k < at->n; k++) {
		struct cdp_sight_id *id = &s->ids[at->first + k];

		if (id->kind == CDP_SIGHT_UNDECLARED)
			continue;
		id->found = cdp_intern_get_hashed(m->ids, s->text.p + id->at, id->n,
						  id->hash);
		if (id->found == NONE)
			continue;
		__builtin_prefetch(&m->id[id->found]);
		if (id->found < m->live_of_cap)
			__builtin_prefetch(&m->live_of[id->found]);
	}
}

static void prefetch_links(const struct cdp_identity *m, const struct cdp_sights *s,
			   size_t i, bool slot)
{
	const struct cdp_sight *at = &s->v[i];

	for (unsigned k = 1; k < at->n; k++) {
		uint32_t a = s->ids[at->first].found, b = s->ids[at->first + k].found;
		const uint32_t *home;

		if (a == NONE || b == NONE)
			continue;
		home = &m->slots[idm_link_home(m, a < b ? a : b, a < b ? b : a)];
		if (slot)
			__builtin_prefetch(home);
		else if (*home)
			__builtin_prefetch(&m->links[*home - 1]);
	}
}

/* The first sightings of a block are looked up when it is their turn. */
void cdp_identity_prefetch(const struct cdp_identity *m, struct cdp_sights *s, size_t i)
{
	if (i + SLOT < s->n)
		prefetch_keys(m, s, i + SLOT, cdp_intern_prefetch);
	if (i + WHERE < s->n)
		prefetch_keys(m, s, i + WHERE, cdp_intern_prefetch_where);
	if (i + KEY < s->n)
		prefetch_keys(m, s, i + KEY, cdp_intern_prefetch_key);
	if (i + FIND < s->n)
		find_ids(m, s, i + FIND);
	if (i + LINK_SLOT < s->n)
		prefetch_links(m, s, i + LINK_SLOT, true);
	if (i + LINK < s->n)
		prefetch_links(m, s, i + LINK, false);
}

void cdp_identity_add_unusable(struct cdp_identity *m, const struct cdp_sights *s)
{
	m->counts.invalid += s->invalid;
	m->counts.undeclared += s->undeclared;
}
