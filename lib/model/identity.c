#include "model/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/identity_priv.h"

enum { FIRST_LINK_BITS = 10 };

static void set_role(struct cdp_identity *m, struct kind *k)
{
	k->def = cdp_idkinds_find(m->kinds, k->name, k->len);
	if (!k->def)
		k->role = m->kinds->alone ? KIND_ALONE : KIND_OUT;
	else if (k->def->off)
		k->role = KIND_OUT;
	else
		k->role = k->def->shared ? KIND_SHARED : KIND_FIRM;
	k->rank = k->def ? k->def->rank : UINT16_MAX;
	k->bit = k->def ? k->def->bit : 0;
}

uint32_t idm_kind(struct cdp_identity *m, const char *name, size_t n)
{
	for (unsigned i = 0; i < m->nkinds; i++)
		if (m->kind[i].len == n && memcmp(m->kind[i].name, name, n) == 0)
			return i;
	if (m->nkinds == CDP_IDKINDS_MAX)
		return NONE;
	m->kind[m->nkinds] = (struct kind){ .name = cdp_strndup(name, n), .len = n };
	set_role(m, &m->kind[m->nkinds]);
	if (m->log)
		idm_log_kind(m, &m->kind[m->nkinds]);
	return m->nkinds++;
}

struct cdp_identity *cdp_identity_new(const struct cdp_idkinds *kinds,
				      const uint8_t key[CDP_IDENTITY_KEY])
{
	struct cdp_identity *m = cdp_calloc(1, sizeof(*m));

	m->kinds = kinds;
	memcpy(m->key, key, sizeof(m->key));
	m->ids = cdp_intern_new(0);
	m->junk = cdp_intern_new(0);
	m->sources = cdp_intern_new(0);
	cdp_intern_put(m->sources, "", 0, NULL);
	m->bits = FIRST_LINK_BITS;
	m->slots = cdp_calloc((size_t)1 << m->bits, sizeof(*m->slots));
	m->names = cdp_calloc(1, sizeof(*m->names));
	for (unsigned i = 0; i < kinds->n; i++)
		idm_kind(m, kinds->v[i].name, kinds->v[i].len);
	m->nfixed = m->nkinds;
	return m;
}

void cdp_identity_free(struct cdp_identity *m)
{
	if (!m)
		return;
	for (unsigned i = 0; i < m->nkinds; i++)
		free(m->kind[i].name);
	cdp_intern_free(m->ids);
	cdp_intern_free(m->junk);
	cdp_intern_free(m->sources);
	free(m->kind_of);
	free(m->flags);
	free(m->first);
	free(m->last);
	free(m->source);
	free(m->person);
	free(m->links);
	free(m->dirty_link);
	free(m->slots);
	free(m->names);
	free(m->merges);
	free(m->live);
	free(m->live_of);
	free(m->pick);
	explicit_bzero(m->key, sizeof(m->key));
	free(m);
}

/* --- ids --- */

static void grow_ids(struct cdp_identity *m, uint32_t id)
{
	if (id < m->cap)
		return;
	/* By a half: doubling 26 bytes an id would show at 30 million of them. */
	m->cap = m->cap + m->cap / 2 + 1024;
	m->kind_of = cdp_realloc(m->kind_of, m->cap, sizeof(*m->kind_of));
	m->flags = cdp_realloc(m->flags, m->cap, sizeof(*m->flags));
	m->first = cdp_realloc(m->first, m->cap, sizeof(*m->first));
	m->last = cdp_realloc(m->last, m->cap, sizeof(*m->last));
	m->source = cdp_realloc(m->source, m->cap, sizeof(*m->source));
	m->person = cdp_realloc(m->person, m->cap, sizeof(*m->person));
}

static void init_id(struct cdp_identity *m, uint32_t id, uint8_t kind)
{
	grow_ids(m, id);
	m->kind_of[id] = kind;
	m->flags[id] = ID_DIRTY;
	m->first[id] = CDP_IDENTITY_NO_TIME;
	m->last[id] = INT64_MIN;
	m->source[id] = 0;
	m->person[id] = 0;
	m->changed = true;
}

static bool is_blocked(struct cdp_identity *m, const char *key, size_t n)
{
	const struct kind *k = &m->kind[(uint8_t)key[0]];

	return cdp_idkinds_blocked(m->kinds, k->def, key + 1, n - 1);
}

uint32_t idm_add(struct cdp_identity *m, const char *key, size_t n)
{
	uint32_t id = cdp_intern_put(m->ids, key, n, NULL);

	init_id(m, id, (uint8_t)key[0]);
	if (is_blocked(m, key, n))
		m->flags[id] |= ID_BLOCKED;
	return id;
}

uint32_t idm_put(struct cdp_identity *m, const char *key, size_t n, uint64_t hash)
{
	struct kind *k = &m->kind[(uint8_t)key[0]];
	uint32_t id = cdp_intern_get_hashed(m->ids, key, n, hash);

	if (id != CDP_INTERN_NONE && !(m->flags[id] & ID_BLOCKED))
		return id;
	if (id != CDP_INTERN_NONE ||
	    cdp_intern_get_hashed(m->junk, key, n, hash) != CDP_INTERN_NONE) {
		k->blocked++;
		return NONE;
	}
	if (is_blocked(m, key, n)) {
		cdp_intern_put_hashed(m->junk, key, n, hash, NULL);
		k->blocked++;
		return NONE;
	}
	id = cdp_intern_put_hashed(m->ids, key, n, hash, NULL);
	init_id(m, id, (uint8_t)key[0]);
	if (m->log)
		idm_log_id(m, key, n);
	return id;
}

uint32_t idm_source(struct cdp_identity *m, const char *p, size_t n)
{
	bool added;
	uint32_t s = cdp_intern_put(m->sources, p, n, &added);

	if (added && m->log)
		idm_log_source(m, p, n);
	return s;
}

/* True if the source is nearer to the truth: a smaller one at the same time, so that the
 * order of records does not matter; any is better than none. */
static bool better_source(const struct cdp_identity *m, uint32_t a, uint32_t b)
{
	size_t na, nb, n;
	const char *pa, *pb;
	int c;

	if (a == b || a == 0 || b == 0)
		return a != b && b == 0;
	pa = cdp_intern_key(m->sources, a, &na);
	pb = cdp_intern_key(m->sources, b, &nb);
	n = na < nb ? na : nb;
	c = memcmp(pa, pb, n);
	return c ? c < 0 : na < nb;
}

void idm_see(struct cdp_identity *m, uint32_t id, int64_t ms, uint32_t source)
{
	bool news = false;

	if (ms < m->first[id] ||
	    (ms == m->first[id] && better_source(m, source, m->source[id]))) {
		m->first[id] = ms;
		m->source[id] = source;
		news = true;
	}
	if (ms != CDP_IDENTITY_NO_TIME && ms > m->last[id]) {
		m->last[id] = ms;
		news = true;
	}
	if (!news)
		return;
	m->flags[id] |= ID_DIRTY;
	if (m->log)
		idm_log_seen(m, id, ms, source);
}

int idm_cmp(const struct cdp_identity *m, uint32_t a, uint32_t b)
{
	const struct kind *ka = &m->kind[m->kind_of[a]], *kb = &m->kind[m->kind_of[b]];
	size_t na, nb, n;
	const char *pa, *pb;
	int c;

	if (a == b)
		return 0;
	if (ka != kb)
		return strcmp(ka->name, kb->name);
	pa = idm_value(m, a, &na);
	pb = idm_value(m, b, &nb);
	n = na < nb ? na : nb;
	c = memcmp(pa, pb, n);
	return c ? c : na < nb ? -1 : 1;
}

bool idm_stronger(const struct cdp_identity *m, uint32_t a, uint32_t b)
{
	const struct kind *ka = &m->kind[m->kind_of[a]], *kb = &m->kind[m->kind_of[b]];

	if (ka->rank != kb->rank)
		return ka->rank < kb->rank;
	if (m->first[a] != m->first[b])
		return m->first[a] < m->first[b];
	return idm_cmp(m, a, b) < 0;
}

uint64_t idm_name(const struct cdp_identity *m, uint32_t id, bool contested,
		  unsigned again)
{
	const struct kind *k = &m->kind[m->kind_of[id]];
	char text[CDP_IDKIND_NAME_MAX + CDP_ID_VALUE_MAX + 32];
	size_t n, at = k->len + 1;
	const char *value = idm_value(m, id, &n);

	memcpy(text, k->name, at);
	memcpy(text + at, value, n);
	at += n;
	if (contested || again) {
		text[at++] = '\0';
		if (contested)
			text[at++] = 'c';
	}
	if (again)
		at += (size_t)snprintf(text + at, 16, "%u", again);
	return cdp_siphash(m->key, text, at);
}

/* --- links --- */

static inline size_t link_home(const struct cdp_identity *m, uint32_t a, uint32_t b)
{
	return cdp_hash_u64((uint64_t)a << 32 | b) >> (64 - m->bits);
}

static size_t link_slot(const struct cdp_identity *m, uint32_t a, uint32_t b)
{
	size_t mask = ((size_t)1 << m->bits) - 1;
	size_t i = link_home(m, a, b);

	for (; m->slots[i]; i = (i + 1) & mask) {
		const struct link *l = &m->links[m->slots[i] - 1];

		if (l->a == a && l->b == b)
			break;
	}
	return i;
}

static void grow_links(struct cdp_identity *m)
{
	if (m->nlinks == m->links_cap) {
		m->links_cap = m->links_cap + m->links_cap / 2 + 1024;
		m->links = cdp_realloc(m->links, m->links_cap, sizeof(*m->links));
		m->dirty_link = cdp_realloc(m->dirty_link, m->links_cap, 1);
	}
	if (m->nlinks + 1 < ((size_t)2 << m->bits) / 3)
		return;
	free(m->slots);
	m->slots = cdp_calloc((size_t)1 << ++m->bits, sizeof(*m->slots));
	for (size_t i = 0; i < m->nlinks; i++)
		m->slots[link_slot(m, m->links[i].a, m->links[i].b)] = (uint32_t)i + 1;
}

void idm_link(struct cdp_identity *m, uint32_t a, uint32_t b, int64_t first, int64_t last)
{
	struct link *l;
	size_t i;

	if (a > b) {
		uint32_t t = a;

		a = b;
		b = t;
	}
	i = link_slot(m, a, b);
	if (!m->slots[i]) {
		grow_links(m);
		i = link_slot(m, a, b);
		m->links[m->nlinks] = (struct link){ a, b, first, last };
		m->dirty_link[m->nlinks] = 1;
		m->slots[i] = (uint32_t)++m->nlinks;
		m->changed = true;
	} else {
		l = &m->links[m->slots[i] - 1];
		if (first >= l->first && last <= l->last)
			return;
		if (first < l->first) {
			l->first = first;
			m->changed = true;
		}
		if (last > l->last)
			l->last = last;
		m->dirty_link[m->slots[i] - 1] = 1;
	}
	if (m->log)
		idm_log_link(m, a, b, first);
}

/* --- sightings --- */

static bool may_be_first(const struct cdp_identity *m, const uint32_t *ids, size_t n,
			 int64_t ms)
{
	for (size_t i = 0; i < n; i++)
		if (ms <= m->first[ids[i]])
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
	if (sid->found != NONE && !(m->flags[sid->found] & ID_BLOCKED))
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

static void learn_links(struct cdp_identity *m, const uint32_t *ids, size_t n, int64_t ms)
{
	int64_t last = ms == CDP_IDENTITY_NO_TIME ? INT64_MIN : ms;
	bool firm = n && m->kind[m->kind_of[ids[0]]].role == KIND_FIRM;

	for (size_t i = 0; i < (firm ? 1 : n); i++)
		for (size_t j = i + 1; j < n; j++)
			if (ids[i] != ids[j])
				idm_link(m, ids[i], ids[j], ms, last);
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
	if (at->link)
		learn_links(m, m->pick, n, at->ms);
	m->counts.records++;
	m->counts.identified += n > 0;
	*ids = m->pick;
	return n;
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
		__builtin_prefetch(&m->first[id->found]);
		__builtin_prefetch(&m->last[id->found]);
		__builtin_prefetch(&m->flags[id->found]);
		__builtin_prefetch(&m->kind_of[id->found]);
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
		home = &m->slots[link_home(m, a < b ? a : b, a < b ? b : a)];
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

/* --- persons --- */

void cdp_identity_keep_merges(struct cdp_identity *m)
{
	m->keep_merges = true;
}

void cdp_identity_publish(struct cdp_identity *m)
{
	uint32_t *root, count = cdp_intern_count(m->ids);
	struct naming n;

	m->nmerges = 0;
	if (!m->changed)
		return;
	root = idm_place(m);
	idm_name_all(m, root, &n);
	idm_note_merges(m, &n);
	for (uint32_t i = 0; i < count; i++)
		if (n.names[n.person[i]] != m->names[m->person[i]])
			m->flags[i] |= ID_DIRTY;
	free(n.claim);
	free(m->names);
	if (count)
		memcpy(m->person, n.person, count * sizeof(*m->person));
	free(n.person);
	m->names = n.names;
	m->npersons = n.npersons;
	m->changed = false;
	if (m->streaming)
		idm_note_redirects(m);
}

size_t cdp_identity_deciding(const struct cdp_identity *m, size_t n, const uint32_t *ids)
{
	/* Only shared ids are ever contested. */
	return n && m->kind[m->kind_of[ids[0]]].role != KIND_SHARED ? 1 : n;
}

/* Which of the ids, the strongest first, says whose record it is. */
static uint32_t deciding(const struct cdp_identity *m, const uint32_t *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(m->flags[ids[i]] & ID_CONTESTED))
			return ids[i];
	return ids[0];
}

bool cdp_identity_of(const struct cdp_identity *m, const uint32_t *ids, size_t n,
		     uint64_t *one_id)
{
	if (!n)
		return false;
	*one_id = m->names[m->person[deciding(m, ids, n)]];
	return true;
}

void cdp_identity_count(const struct cdp_identity *m, struct cdp_identity_counts *c)
{
	*c = m->counts;
	for (uint32_t i = 0; i < cdp_intern_count(m->ids); i++)
		c->ids += m->person[i] != 0;
	c->persons = m->npersons;
	c->links = m->nlinks;
	for (unsigned i = 0; i < m->nkinds; i++)
		c->blocked += m->kind[i].blocked;
	c->conflicts = idm_conflicts(m, NULL, NULL);
	for (uint32_t i = 0; i < cdp_intern_count(m->ids); i++)
		c->contested += (m->flags[i] & ID_CONTESTED) != 0;
}
