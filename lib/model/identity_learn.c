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
static uint32_t look_up(struct cdp_identity *m, const struct cdp_sights *s,
			const struct cdp_sight_id *sid)
{
	const char *text = s->text.p + sid->at;
	char packed[CDP_ID_VALUE_MAX];
	struct idkey key = key_of(s, sid);
	size_t name = 0;
	uint32_t kind = kind_of_sight(m, sid, text, &name), id;

	if (kind == NONE || m->kind[kind].role == KIND_OUT)
		return NONE;
	if (sid->kind != CDP_SIGHT_UNDECLARED) {
		id = idm_put(m, &key, sid->hash);
	} else {
		idm_pack(&key, (uint8_t)kind, text + name + 1, sid->n - name - 1, packed);
		id = idm_put(m, &key, idm_hash(&key));
	}
	m->kind[kind].blocked += id == NONE;
	return id;
}

static inline uint32_t resolve_id(struct cdp_identity *m, const struct cdp_sights *s,
				  const struct cdp_sight_id *sid)
{
	if (sid->found != NONE && !(m->id[sid->found].flags & ID_BLOCKED) &&
	    m->kind[sid->kind].role != KIND_OUT)
		return sid->found;
	return look_up(m, s, sid);
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

/* Mostly of an id that was seen before and is seen for the last time now. */
static inline void see(struct cdp_identity *m, uint32_t id, int64_t ms, uint32_t source)
{
	if (m->log || ms <= idm_first(m, id) || ms > TIME_MAX)
		idm_see(m, id, ms, source);
	else if (ms > idm_last(m, id))
		idm_set_last(&m->id[id], ms);
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
		see(m, m->pick[k], at->ms, from);
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
		if (id == NONE || !idm_person(m, id) || idm_is_out(m, id) ||
		    idm_unknown(m, id))
			continue;
		ids[n++] = id;
		if (!m->kind[m->id[id].kind].may_contest)
			break;
	}
	return cdp_identity_of(m, ids, n, at->ms, one_id);
}

/* Each step touches what the steps before fetched: the slot of a key, its id and its
 * first link's number, the text of the key and that link, the person, the slot of another
 * link.  A step is done for AT_ONCE ids in a row, so that many of their misses, also
 * those of the tables of pages, are under way at the same time; LINK: sightings ahead. */
enum { AT_ONCE = 32, LINK = 2 };

/* What the id will probably be, told by the slots alone. */
static inline void guess_id(const struct cdp_identity *m, struct cdp_sight_id *v)
{
	const uint64_t *slot;

	if (v->rank == UINT16_MAX)
		return;
	slot = idm_slots_at(&m->table, v->hash);
	if (!idm_slot_has(slot, v->hash)) {
		/* A new one: those after it will be moved. */
		idm_fetch(slot + 8);
		idm_fetch(slot + 16);
		idm_fetch(slot + 24);
		return;
	}
	v->found = idm_slot_number(slot);
	idm_fetch_all(&m->id[v->found], sizeof(*m->id));
	idm_fetch(idm_own(m, v->found));
}

static inline void fetch_text(const struct cdp_identity *m, const struct cdp_sight_id *v)
{
	uint32_t found = v->found, own;

	if (found == NONE)
		return;
	own = *idm_own(m, found);
	idm_fetch_all(m->text + m->id[found].key, v->n + 1u);
	if (own)
		idm_fetch_all(&m->links[own - 1], sizeof(*m->links));
	if (m->streaming && *idm_live(m, found))
		idm_fetch(&m->live[*idm_live(m, found) - 1]);
}

/* New ids are added here already, so that the number of each is known; but not undeclared
 * ones, of which it is not yet known whether they count. */
static inline void find_id(struct cdp_identity *m, const struct cdp_sights *s,
			   struct cdp_sight_id *v)
{
	struct idkey key;

	if (v->rank == UINT16_MAX)
		return;
	key = key_of(s, v);
	if (v->found == NONE || !idm_is_key(m, v->found, &key))
		v->found = idm_put(m, &key, v->hash);
}

static void fetch_others(const struct cdp_identity *m, const struct cdp_sight_id *v,
			 unsigned n)
{
	for (unsigned k = 1; k < n; k++) {
		uint32_t a = v[0].found, b = v[k].found, t, own;

		if (a == NONE || b == NONE)
			continue;
		t = a > b ? a : b;
		a = a > b ? b : a;
		own = *idm_own(m, t);
		if (own && m->links[own - 1].a != a)
			idm_slots_prefetch(&m->others, idm_link_hash(a, t));
	}
}

static inline size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The next ids are found; those after them are one step further. */
static void advance(struct cdp_identity *m, struct cdp_sights *s)
{
	struct cdp_sight_id *v = s->ids;
	size_t all = s->nids, to;

	for (to = least(s->found + 4 * AT_ONCE, all); s->slots < to; s->slots++)
		idm_slots_prefetch(&m->table, v[s->slots].hash);
	for (to = least(s->found + 3 * AT_ONCE, all); s->guessed < to; s->guessed++)
		guess_id(m, &v[s->guessed]);
	for (to = least(s->found + 2 * AT_ONCE, all); s->fetched < to; s->fetched++)
		fetch_text(m, &v[s->fetched]);
	for (to = least(s->found + AT_ONCE, all); s->found < to; s->found++)
		find_id(m, s, &v[s->found]);
}

void cdp_identity_prefetch(struct cdp_identity *m, struct cdp_sights *s, size_t i)
{
	const struct cdp_sight *at = &s->v[i];
	size_t last = i + LINK < s->n ? LINK : s->n - 1 - i;

	/* What was only guessed must not be learned. */
	while (s->found < at[last].first + at[last].n)
		advance(m, s);
	if (last == LINK)
		fetch_others(m, s->ids + at[LINK].first, at[LINK].n);
}

void cdp_identity_add_unusable(struct cdp_identity *m, const struct cdp_sights *s)
{
	m->counts.invalid += s->invalid;
	m->counts.undeclared += s->undeclared;
}
