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

static struct idkey key_of(const struct cdp_sights *s, const struct cdp_sight_id *sid)
{
	return (struct idkey){ .p = s->text.p + sid->at,
			       .n = sid->n,
			       .kind = sid->kind,
			       .form = sid->form,
			       .len = sid->len };
}

/* The id's number in the tables, NONE if it does not count. */
static uint32_t resolve_id(struct cdp_identity *m, const struct cdp_sights *s,
			   const struct cdp_sight_id *sid)
{
	const char *text = s->text.p + sid->at;
	char packed[CDP_ID_VALUE_MAX];
	struct idkey key = key_of(s, sid);
	size_t name = 0;
	uint32_t kind = kind_of_sight(m, sid, text, &name), id;

	if (kind == NONE || m->kind[kind].role == KIND_OUT)
		return NONE;
	if (sid->found != NONE && !(m->id[sid->found].flags & ID_BLOCKED))
		return sid->found;
	if (sid->kind != CDP_SIGHT_UNDECLARED) {
		id = idm_put(m, &key, sid->hash);
	} else {
		idm_pack(&key, (uint8_t)kind, text + name + 1, sid->n - name - 1, packed);
		id = idm_put(m, &key, idm_hash(&key));
	}
	m->kind[kind].blocked += id == NONE;
	return id;
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
		struct idkey key;
		uint32_t id;

		if (sid->kind == CDP_SIGHT_UNDECLARED)
			continue;
		key = key_of(s, sid);
		id = idm_get(m, &key, sid->hash);
		if (id == NONE || !m->id[id].person || idm_is_out(m, id) ||
		    idm_unknown(m, id))
			continue;
		ids[n++] = id;
		if (!m->kind[m->id[id].kind].may_contest)
			break;
	}
	return cdp_identity_of(m, ids, n, at->ms, one_id);
}

/* Each step touches what the step before fetched: the slot of a key, its id, the text of
 * the key, the person, the slot of a link, the link. */
enum { SLOT = 24, GUESS = 18, KEY = 12, FIND = 8, LINK_SLOT = 5, LINK = 2 };

static void guess_ids(const struct cdp_identity *m, struct cdp_sights *s, size_t i)
{
	const struct cdp_sight *at = &s->v[i];

	for (unsigned k = 0; k < at->n; k++) {
		struct cdp_sight_id *id = &s->ids[at->first + k];

		if (id->kind == CDP_SIGHT_UNDECLARED)
			continue;
		id->found = idm_guess(m, id->hash);
		if (id->found != NONE)
			__builtin_prefetch(&m->id[id->found]);
	}
}

static void prefetch_texts(const struct cdp_identity *m, const struct cdp_sights *s,
			   size_t i)
{
	const struct cdp_sight *at = &s->v[i];

	for (unsigned k = 0; k < at->n; k++) {
		uint32_t found = s->ids[at->first + k].found;

		if (found == NONE)
			continue;
		__builtin_prefetch(m->text + m->id[found].key);
		if (found < m->live_of_cap)
			__builtin_prefetch(&m->live_of[found]);
	}
}

/* New ids are added here already, so that their links can be fetched as well; but not
 * undeclared ones, of which it is not yet known whether they count. */
static void find_ids(struct cdp_identity *m, struct cdp_sights *s, size_t i)
{
	const struct cdp_sight *at = &s->v[i];

	for (unsigned k = 0; k < at->n; k++) {
		struct cdp_sight_id *id = &s->ids[at->first + k];
		struct idkey key = key_of(s, id);

		if (id->rank == UINT16_MAX)
			continue;
		if (id->found == NONE || !idm_is_key(m, id->found, &key))
			id->found = idm_put(m, &key, id->hash);
		if (id->found < m->live_of_cap && m->live_of[id->found])
			__builtin_prefetch(&m->live[m->live_of[id->found] - 1]);
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

void cdp_identity_prefetch(struct cdp_identity *m, struct cdp_sights *s, size_t i)
{
	if (i + SLOT < s->n) {
		const struct cdp_sight *at = &s->v[i + SLOT];

		for (unsigned k = 0; k < at->n; k++)
			idm_table_prefetch(m, s->ids[at->first + k].hash);
	}
	if (i + GUESS < s->n)
		guess_ids(m, s, i + GUESS);
	if (i + KEY < s->n)
		prefetch_texts(m, s, i + KEY);
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
