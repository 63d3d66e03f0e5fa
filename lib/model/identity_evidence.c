/* The evidence: ids, links and what parts them.  See identity.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "model/identity_priv.h"

/* --- times --- */

static void put_times(int64_t first, int64_t last, uint64_t *f, uint64_t *l)
{
	*f = first > TIME_MAX || first < 0 ? ((uint64_t)1 << TIME_BITS) - 1
					   : (uint64_t)first;
	*l = last > TIME_MAX || last < 0 ? 0 : (uint64_t)last + 1;
}

void idm_set_times(struct id *id, int64_t first, int64_t last)
{
	uint64_t f, l;

	put_times(first, last, &f, &l);
	id->first_low = (uint32_t)f;
	id->first_high = (uint32_t)(f >> 32) & 0x3ff;
	id->last_low = (uint32_t)l;
	id->last_high = (uint32_t)(l >> 32) & 0x3ff;
}

void idm_set_link_times(struct link *to, int64_t first, int64_t last)
{
	uint64_t f, l;

	put_times(first, last, &f, &l);
	to->first_low = (uint32_t)f;
	to->first_high = (uint32_t)(f >> 32) & 0x3ff;
	to->last_low = (uint32_t)l;
	to->last_high = (uint32_t)(l >> 32) & 0x3ff;
}

/* --- ids --- */

static void init_id(struct cdp_identity *m, uint32_t id)
{
	m->id[id].flags = ID_DIRTY;
	idm_set_times(&m->id[id], CDP_IDENTITY_NO_TIME, INT64_MIN);
	if (m->excluded)
		idm_mark_excluded(m, id);
	m->changed = true;
}

static bool may_be_blocked(const struct cdp_identity *m, const struct idkey *key)
{
	return cdp_idkinds_blocks(m->kinds, m->kind[key->kind].def) ||
	       (m->kinds->junk && idm_may_be_junk(key));
}

static bool is_blocked(struct cdp_identity *m, const struct idkey *key)
{
	const struct cdp_idkind *def = m->kind[key->kind].def;
	char text[CDP_ID_VALUE_MAX];

	if (!may_be_blocked(m, key))
		return false;
	return cdp_idkinds_blocked(m->kinds, def, idm_unpack(key, text), key->len);
}

uint32_t idm_add_key(struct cdp_identity *m, const struct idkey *key, uint64_t hash)
{
	const uint64_t *place;
	uint32_t id;

	if (idm_seek(m, key, hash, &place) != NONE)
		return NONE;
	id = idm_new_id(m, key, hash, place);
	init_id(m, id);
	if (is_blocked(m, key))
		m->id[id].flags |= ID_BLOCKED;
	return id;
}

uint32_t idm_add(struct cdp_identity *m, uint8_t kind, const char *value, size_t n)
{
	char packed[CDP_ID_VALUE_MAX];
	struct idkey key;

	idm_pack(&key, kind, value, n, packed);
	return idm_add_key(m, &key, idm_hash(&key));
}

/* Blocked values are kept aside, so that patterns are asked once for each. */
static bool is_junk(struct cdp_identity *m, const struct idkey *key)
{
	char text[CDP_ID_VALUE_MAX + 3];
	size_t n = (size_t)key->n + 3;

	if (!may_be_blocked(m, key))
		return false;
	text[0] = (char)key->kind;
	text[1] = (char)key->form;
	text[2] = (char)key->len;
	memcpy(text + 3, key->p, key->n);
	if (cdp_intern_count(m->junk) && cdp_intern_get(m->junk, text, n) != NONE)
		return true;
	if (!is_blocked(m, key))
		return false;
	cdp_intern_put(m->junk, text, n, NULL);
	return true;
}

uint32_t idm_put(struct cdp_identity *m, const struct idkey *key, uint64_t hash)
{
	const uint64_t *place;
	uint32_t id = idm_seek(m, key, hash, &place);

	if (id != NONE && !(m->id[id].flags & ID_BLOCKED))
		return id;
	if (id != NONE || is_junk(m, key))
		return NONE;
	id = idm_new_id(m, key, hash, place);
	init_id(m, id);
	if (m->log)
		idm_log_id(m, id);
	return id;
}

uint32_t idm_source(struct cdp_identity *m, const char *p, size_t n)
{
	bool added;
	uint32_t s;

	if (!n)
		return 0;
	s = cdp_intern_get(m->sources, p, n);
	if (s != CDP_INTERN_NONE || cdp_intern_count(m->sources) > 0x1fffff)
		return s == CDP_INTERN_NONE ? 0 : s;
	s = cdp_intern_put(m->sources, p, n, &added);
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
	struct id *at = &m->id[id];
	int64_t first = idm_first(m, id), last = idm_last(m, id);
	bool news = false;

	if (ms < first || (ms == first && better_source(m, source, at->source))) {
		/* Names depend on who was first. */
		m->changed |= ms < first;
		first = ms;
		at->source = source & 0x1fffff;
		news = true;
	}
	if (ms != CDP_IDENTITY_NO_TIME && ms > last) {
		last = ms;
		news = true;
	}
	if (!news)
		return;
	idm_set_times(at, first, last);
	at->flags |= ID_DIRTY;
	if (m->log)
		idm_log_seen(m, id, ms, source);
}

int idm_cmp(const struct cdp_identity *m, uint32_t a, uint32_t b)
{
	const struct kind *ka = &m->kind[m->id[a].kind], *kb = &m->kind[m->id[b].kind];
	char ta[CDP_ID_VALUE_MAX], tb[CDP_ID_VALUE_MAX];
	size_t na, nb, n;
	const char *pa, *pb;
	int c;

	if (a == b)
		return 0;
	if (ka != kb)
		return strcmp(ka->name, kb->name);
	pa = idm_value(m, a, ta, &na);
	pb = idm_value(m, b, tb, &nb);
	n = na < nb ? na : nb;
	c = memcmp(pa, pb, n);
	return c ? c : na < nb ? -1 : 1;
}

bool idm_stronger(const struct cdp_identity *m, uint32_t a, uint32_t b)
{
	uint16_t ra = m->kind[m->id[a].kind].rank, rb = m->kind[m->id[b].kind].rank;
	int64_t fa, fb;

	if (ra != rb)
		return ra < rb;
	fa = idm_first(m, a);
	fb = idm_first(m, b);
	return fa != fb ? fa < fb : idm_cmp(m, a, b) < 0;
}

uint64_t idm_name(const struct cdp_identity *m, uint32_t id, char how, unsigned again)
{
	const struct kind *k = &m->kind[m->id[id].kind];
	char text[CDP_IDKIND_NAME_MAX + CDP_ID_VALUE_MAX + 32];
	size_t n, at = k->len + 1;
	const char *value = idm_value(m, id, text + at, &n);

	memcpy(text, k->name, at);
	if (value != text + at)
		memcpy(text + at, value, n);
	at += n;
	if (how || again) {
		text[at++] = '\0';
		if (how)
			text[at++] = how;
	}
	if (again)
		at += (size_t)snprintf(text + at, 16, "%u", again);
	return cdp_siphash(m->key, text, at);
}

/* --- links --- */

/* Of ids a < b; NONE if there is none.  *place is NULL if it would be b's own, else where
 * it would be among the others. */
static uint32_t find_link(const struct cdp_identity *m, uint32_t a, uint32_t b,
			  const uint64_t **place)
{
	uint32_t i = *idm_own(m, b) - 1;
	const uint64_t *p;
	uint64_t hash;

	*place = NULL;
	if (i == NONE || m->links[i].a == a)
		return i;
	hash = idm_link_hash(a, b);
	for (p = idm_slots_at(&m->others, hash); idm_slot_has(p, hash); p++) {
		const struct link *l = &m->links[idm_slot_number(p)];

		if (l->a == a && l->b == b)
			return idm_slot_number(p);
	}
	*place = p;
	return NONE;
}

static void links_room(struct cdp_identity *m, size_t cap)
{
	m->links = cdp_resize_large(m->links, m->links_cap * sizeof(*m->links),
				    cap * sizeof(*m->links));
	m->links_cap = cap;
}

static struct link *add_link(struct cdp_identity *m, uint32_t a, uint32_t b,
			     const uint64_t *place)
{
	if (m->nlinks == m->links_cap)
		links_room(m, m->links_cap + m->links_cap / 4 + 1024);
	if (m->nlinks == NONE - 1)
		CDP_BUG("more than %zu links", m->nlinks);
	if (!place)
		*idm_own(m, b) = (uint32_t)m->nlinks + 1;
	else
		idm_slots_add(&m->others, place, idm_link_hash(a, b),
			      (uint32_t)m->nlinks);
	m->links[m->nlinks] = (struct link){ .a = a, .b = b, .flags = LINK_DIRTY };
	return &m->links[m->nlinks++];
}

static void swap(uint32_t *a, uint32_t *b)
{
	uint32_t t = *a;

	*a = *b;
	*b = t;
}

void idm_link(struct cdp_identity *m, uint32_t a, uint32_t b, int64_t first, int64_t last)
{
	const uint64_t *place;
	struct link *l;
	uint32_t i;

	if (a > b)
		swap(&a, &b);
	i = find_link(m, a, b, &place);
	if (i == NONE) {
		idm_set_link_times(add_link(m, a, b, place), first, last);
		m->changed = true;
	} else {
		int64_t was_first, was_last;

		l = &m->links[i];
		was_first = idm_link_seen(l);
		was_last = idm_link_last(l);
		if (first >= was_first && last <= was_last)
			return;
		m->changed |= first < was_first;
		/* A link that was undone may hold again. */
		m->changed |= (m->id[a].flags | m->id[b].flags) & ID_PARTED;
		idm_set_link_times(l, first < was_first ? first : was_first,
				   last > was_last ? last : was_last);
		l->flags |= LINK_DIRTY;
	}
	if (m->log)
		idm_log_link(m, a, b, first);
}

void cdp_identity_expect(struct cdp_identity *m, size_t ids, size_t links)
{
	idm_slots_init(&m->table, ids);
	idm_ids_room(m, ids);
	links_room(m, links);
}

void idm_part(struct cdp_identity *m, uint32_t a, uint32_t b, int64_t ms)
{
	struct part p;
	bool added;

	if (b != NONE && a > b)
		swap(&a, &b);
	memset(&p, 0, sizeof(p));
	p.a = a;
	p.b = b;
	p.ms = ms;
	cdp_intern_put(m->parts, (const char *)&p, sizeof(p), &added);
	m->id[a].flags |= ID_PARTED;
	if (b != NONE)
		m->id[b].flags |= ID_PARTED;
	if (!added)
		return;
	m->changed = true;
	if (m->log)
		idm_log_part(m, a, b, ms);
}
