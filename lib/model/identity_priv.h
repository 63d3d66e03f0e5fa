/* What the files of the identity model share; nobody else includes this. */
#ifndef CDP_MODEL_IDENTITY_PRIV_H
#define CDP_MODEL_IDENTITY_PRIV_H

#include "base/hash.h"
#include "base/intern.h"
#include "base/swar.h"
#include "model/identity.h"

enum { NONE = UINT32_MAX }; /* no id, no root */

/* What a kind means, by the kinds of this run. */
enum { KIND_FIRM, KIND_SHARED, KIND_ALONE, KIND_OUT };

struct kind {
	char *name;
	size_t len;
	uint64_t word; /* its first eight bytes, zeros after a shorter one */
	const struct cdp_idkind *def; /* NULL: undeclared */
	uint8_t role;
	bool may_contest; /* ids of it may be contested */
	uint8_t parent;   /* number of that kind, or itself: none */
	uint16_t rank, bit;
	uint64_t blocked; /* values met in this run */
};

enum {
	ID_BLOCKED = 1, /* known from before it was blocked */
	ID_CONTESTED =
		2, /* as of the last publish: joins nothing, being of several persons */
	ID_CROWDED = 4,    /* or, if this is also set, of too many links */
	ID_OVER = 8,       /* or over its kind's cap */
	ID_PENDING = 16,   /* within one step of placing */
	ID_DIRTY = 32,     /* differs from what the store has */
	ID_PARTED = 64,    /* named by an unbind */
	ID_EXCLUDED = 128, /* named by an exclusion */
	ID_SPLIT = 256,    /* within joining: seen with a second person; within naming: a
			      person's strongest id that is not its group's */
	ID_STORED_SHIFT = 8,
	ID_STORED = 512 | 1024 | 2048, /* the three above that the store has */
	ID_ASIDE = ID_CONTESTED | ID_CROWDED | ID_OVER,
};

/* Times are kept in 42 bits of milliseconds since 1970, enough until 2109. */
enum { TIME_BITS = 42 };
#define TIME_MAX (((int64_t)1 << TIME_BITS) - 3)

/* The key of an id, packed: see identity_table.c. */
struct idkey {
	const char *p;
	uint16_t n;              /* bytes at p */
	uint8_t kind, form, len; /* len: bytes of the value */
};

/* An id. */
struct id {
	uint32_t first_low, last_low;
	uint32_t first_high : 10, last_high : 10, flags : 12;
	uint32_t kind : 8, form : 2, freed : 1, source : 21;
	uint32_t key; /* where its text is */
};

/* Numbers by a hash: see identity_slots.c. */
struct slots {
	uint64_t *v; /* upper half of the hash, number + 1; 0: free */
	size_t size; /* places that hashes lead to */
	size_t n;
};

enum {
	LINK_DIRTY = 1, /* differs from what the store has */
	LINK_CUT = 2,   /* does not hold, as of the last publish */
	LINK_LATER = 4, /* holds from a later time than its first: see idm_link_first() */
};

struct link {
	uint32_t a, b; /* ids, a < b */
	uint32_t first_low, last_low;
	uint32_t first_high : 10, last_high : 10, flags : 12;
};

/* Sightings of the two up to ms do not link them; b NONE: a and any other. */
struct part {
	uint32_t a, b;
	int64_t ms;
};

/* A shared id whose links all began after it was parted from others: what was seen of it
 * until then was not who has it now. */
struct freed {
	uint32_t id;
	int64_t until;
};

struct merge {
	uint64_t from, into;
	uint32_t link; /* that joined them, or NONE */
	uint32_t id;   /* that moved, or NONE */
	bool renamed;
};

/* A person while records stream. */
struct live {
	uint64_t name;
	int64_t first;
	uint32_t parent; /* index, itself if it was not joined to another */
	uint32_t strong; /* its strongest id; NONE for one published before */
	uint16_t mask;   /* unique kinds it has */
	bool firm, contested;
};

struct cdp_identity {
	const struct cdp_idkinds *kinds;
	uint8_t key[CDP_IDENTITY_KEY];
	struct kind kind[CDP_IDKINDS_MAX];
	unsigned nkinds, nfixed; /* fixed: known before sightings are read */

	struct cdp_intern *junk; /* blocked values: kind number, value */
	struct cdp_intern *sources;
	struct id *id;
	size_t cap;
	uint32_t count;
	struct slots table; /* ids by key */
	char *text;         /* keys: length of the value, packed value */
	size_t text_n, text_cap;

	/* The first link of an id to an older one (of a smaller number) is found at the
	 * id, which is nearly always the one; the others by a hash of both. */
	struct link *links;
	size_t nlinks, links_cap;
	uint32_t *near;      /* by id, see idm_own(), idm_live() */
	struct slots others; /* for ids */

	struct cdp_intern *parts; /* key: struct part */
	uint32_t stored_parts;    /* of them in the store */
	struct part *later;       /* links that hold from later, by a and b */
	size_t nlater;
	struct freed *freed; /* by id */
	size_t nfreed;
	int64_t known_at; /* what is later is not known */

	struct cdp_intern *excluded; /* keys */
	uint64_t *pairs;             /* of numbers of excluded keys, ascending */
	size_t npairs;
	uint64_t exclude_print;

	uint32_t *person;    /* by id: index of names, 0: not published */
	uint32_t npublished; /* ids in it; those after are not published */
	uint64_t *names;     /* of persons, from 1 */
	uint32_t npersons;
	bool changed;   /* evidence since the last publish */
	uint64_t print; /* of the definitions it was made by */

	bool keep_merges;
	struct merge *merges;
	size_t nmerges, merges_cap;

	bool streaming;
	struct live *live;
	size_t nlive, live_cap;

	struct cdp_buf *log; /* evidence as it comes, for the journal; NULL: not kept */
	int64_t log_time;    /* of the entry before */
	size_t log_start;    /* bytes that say nothing yet */
	uint8_t heard[CDP_IDKINDS_MAX]; /* kinds by their number in a log */
	unsigned nheard;

	uint32_t *pick; /* ids of the sighting at hand */
	size_t pick_cap;
	struct cdp_identity_counts counts;
};

/* --- identity.c --- */
/* Number of a kind, added if new; NONE if there is no room. */
uint32_t idm_kind(struct cdp_identity *m, const char *name, size_t n);

/* Index + 1 of an id's first link to an older one, 0: it has none.  Each id has a word
 * for that, and beside it, while records stream, the one of idm_live(). */
static inline uint32_t *idm_own(const struct cdp_identity *m, uint32_t id)
{
	return &m->near[(size_t)id << m->streaming];
}
/* Index + 1 of its person while records stream, 0: none yet. */
static inline uint32_t *idm_live(const struct cdp_identity *m, uint32_t id)
{
	return &m->near[((size_t)id << 1) + 1];
}

/* Are there other persons now than were published? */
bool idm_changed(const struct cdp_identity *m);

/* The person as published, 0: none. */
static inline uint32_t idm_person(const struct cdp_identity *m, uint32_t id)
{
	return id < m->npublished ? m->person[id] : 0;
}

/* Fetches a line into the cache.  Compilers hold what does nothing else to do nothing,
 * and leave out whole loops of it: not with a statement that they may not judge. */
static inline void idm_fetch(const void *p)
{
	__builtin_prefetch(p);
	__asm__ volatile("");
}
/* Of what may reach into a second line, both. */
static inline void idm_fetch_all(const void *p, size_t n)
{
	idm_fetch(p);
	idm_fetch((const char *)p + n - 1);
}

enum { IDM_AHEAD = 16 };
/* The ids that link i leads to, if there is one: for who goes through all links, so many
 * of them ahead. */
static inline void idm_fetch_ends(const struct cdp_identity *m, size_t i)
{
	if (i >= m->nlinks)
		return;
	idm_fetch_all(&m->id[m->links[i].a], sizeof(*m->id));
	idm_fetch_all(&m->id[m->links[i].b], sizeof(*m->id));
}

/* --- identity_slots.c: tables of numbers --- */
void idm_slots_init(struct slots *s, size_t expected);
void idm_slots_release(struct slots *s);
/* `place`: behind the slots of this hash, where a search for the number ended; it must be
 * larger than those that were added before. */
void idm_slots_add(struct slots *s, const uint64_t *place, uint64_t hash,
		   uint32_t number);
/* The first slot of this hash, if it has one; those after it may be of the same. */
static inline const uint64_t *idm_slots_at(const struct slots *s, uint64_t hash)
{
	const uint64_t *p = s->v + ((hash >> 32) * s->size >> 32);

	hash >>= 32;
	while (*p && *p >> 32 < hash)
		p++;
	return p;
}
static inline bool idm_slot_has(const uint64_t *slot, uint64_t hash)
{
	return *slot && ((*slot ^ hash) >> 32) == 0;
}
static inline uint32_t idm_slot_number(const uint64_t *slot)
{
	return (uint32_t)*slot - 1;
}
static inline void idm_slots_prefetch(const struct slots *s, uint64_t hash)
{
	const uint64_t *p = s->v + ((hash >> 32) * s->size >> 32);

	idm_fetch(p);
	idm_fetch(p + 4);
}

/* --- identity_table.c: keys and numbers --- */
/* The key of a value of 1 to CDP_ID_VALUE_MAX bytes; borrows from p or from `to`, of as
 * many bytes. */
void idm_pack(struct idkey *k, uint8_t kind, const char *p, size_t n, char *to);
uint64_t idm_hash(const struct idkey *k);
/* The same for the normal form of a value where both can be told at a glance: hexadecimal
 * digits, also after one other character, or a mobile number.  False if not; what
 * idm_pack() makes of cdp_idnorm() is the same key. */
bool idm_pack_plain(struct idkey *k, uint8_t kind, enum cdp_idnorm norm, const char *p,
		    size_t n, char to[CDP_ID_VALUE_MAX]);
/* Of packed keys, which are longer than memcmp() is good for. */
static inline bool idm_same(const char *a, const char *b, size_t n)
{
	uint64_t differ = 0;

	if (n < 8)
		return memcmp(a, b, n) == 0;
	for (size_t i = 0; i + 8 < n; i += 8)
		differ |= cdp_load64(a + i) ^ cdp_load64(b + i);
	return !(differ | (cdp_load64(a + n - 8) ^ cdp_load64(b + n - 8)));
}
const char *idm_unpack(const struct idkey *k, char to[CDP_ID_VALUE_MAX]);
/* False: this cannot be cdp_id_is_junk(), as its first characters tell. */
bool idm_may_be_junk(const struct idkey *k);
/* The value of an id; borrows from the map or from `to`. */
const char *idm_value(const struct cdp_identity *m, uint32_t id,
		      char to[CDP_ID_VALUE_MAX], size_t *n);
static inline bool idm_is_key(const struct cdp_identity *m, uint32_t id,
			      const struct idkey *k)
{
	const struct id *at = &m->id[id];
	const char *p = m->text + at->key;

	return at->kind == k->kind && at->form == k->form &&
	       (unsigned char)p[0] == k->len && idm_same(p + 1, k->p, k->n);
}
/* NONE if the map does not have it. */
uint32_t idm_get(const struct cdp_identity *m, const struct idkey *k, uint64_t hash);
/* The same, and where such a key would be put. */
uint32_t idm_seek(const struct cdp_identity *m, const struct idkey *k, uint64_t hash,
		  const uint64_t **place);
/* Room for so many ids, not fewer than there are. */
void idm_ids_room(struct cdp_identity *m, size_t cap);
/* Records stream from now on: ids have a word for their live person, as yet none. */
void idm_widen(struct cdp_identity *m);
void idm_release_near(struct cdp_identity *m);
/* For a key that the map does not have; the rest of the new id is zeros. */
uint32_t idm_new_id(struct cdp_identity *m, const struct idkey *k, uint64_t hash,
		    const uint64_t *place);

/* --- identity_evidence.c --- */
/* An id by key, added if new; NONE if blocked. */
uint32_t idm_put(struct cdp_identity *m, const struct idkey *key, uint64_t hash);
/* An id without further ado (from the store); NONE if it is there already. */
uint32_t idm_add_key(struct cdp_identity *m, const struct idkey *key, uint64_t hash);
uint32_t idm_add(struct cdp_identity *m, uint8_t kind, const char *value, size_t n);
uint32_t idm_source(struct cdp_identity *m, const char *p, size_t n);
/* Seen at ms; `source` counts if this is the first time or as early. */
void idm_see(struct cdp_identity *m, uint32_t id, int64_t ms, uint32_t source);
void idm_link(struct cdp_identity *m, uint32_t a, uint32_t b, int64_t first,
	      int64_t last);
static inline uint64_t idm_link_hash(uint32_t a, uint32_t b)
{
	return cdp_hash_u64((uint64_t)a << 32 | b);
}
/* b NONE: a and any other. */
void idm_part(struct cdp_identity *m, uint32_t a, uint32_t b, int64_t ms);

static inline int64_t idm_first_time(uint32_t low, uint32_t high)
{
	uint64_t t = (uint64_t)high << 32 | low;

	return t > TIME_MAX ? CDP_IDENTITY_NO_TIME : (int64_t)t;
}
static inline int64_t idm_last_time(uint32_t low, uint32_t high)
{
	uint64_t t = (uint64_t)high << 32 | low;

	return t ? (int64_t)t - 1 : INT64_MIN;
}
/* CDP_IDENTITY_NO_TIME if never seen with a time, */
static inline int64_t idm_first(const struct cdp_identity *m, uint32_t id)
{
	return idm_first_time(m->id[id].first_low, m->id[id].first_high);
}
/* and then INT64_MIN. */
static inline int64_t idm_last(const struct cdp_identity *m, uint32_t id)
{
	return idm_last_time(m->id[id].last_low, m->id[id].last_high);
}
static inline int64_t idm_link_seen(const struct link *l)
{
	return idm_first_time(l->first_low, l->first_high);
}
static inline int64_t idm_link_last(const struct link *l)
{
	return idm_last_time(l->last_low, l->last_high);
}
void idm_set_times(struct id *id, int64_t first, int64_t last);
/* Of 0 to TIME_MAX; the id then differs from what the store has. */
static inline void idm_set_last(struct id *id, int64_t last)
{
	id->last_low = (uint32_t)(last + 1);
	id->last_high = (uint32_t)((uint64_t)(last + 1) >> 32) & 0x3ff;
	id->flags |= ID_DIRTY;
}
void idm_set_link_times(struct link *l, int64_t first, int64_t last);
static inline bool idm_is_out(const struct cdp_identity *m, uint32_t id)
{
	return m->kind[m->id[id].kind].role == KIND_OUT || (m->id[id].flags & ID_BLOCKED);
}
/* By bytes of kind, then of value. */
int idm_cmp(const struct cdp_identity *m, uint32_t a, uint32_t b);
/* True if a says more than b about who somebody is: stronger kind, older, smaller. */
bool idm_stronger(const struct cdp_identity *m, uint32_t a, uint32_t b);
/* Not seen by the time that the map is asked for. */
static inline bool idm_unknown(const struct cdp_identity *m, uint32_t id)
{
	return idm_first(m, id) > m->known_at;
}
static inline uint8_t idm_role(const struct cdp_identity *m, uint32_t id)
{
	return m->id[id].flags & ID_BLOCKED ? (uint8_t)KIND_OUT
					    : m->kind[m->id[id].kind].role;
}
/* The name that an id founds: of an ordinary person, of a contested id, of a person that
 * was parted from the one it founded, of an id before it was freed. */
enum { NAME_OF = 0, NAME_CONTESTED = 'c', NAME_PARTED = 'p', NAME_FREED = 'u' };
uint64_t idm_name(const struct cdp_identity *m, uint32_t id, char how, unsigned again);

/* --- identity_journal.c: evidence as text, see there --- */
void idm_log_kind(struct cdp_identity *m, const struct kind *k);
void idm_log_source(struct cdp_identity *m, const char *p, size_t n);
void idm_log_id(struct cdp_identity *m, uint32_t id);
void idm_log_seen(struct cdp_identity *m, uint32_t id, int64_t ms, uint32_t source);
void idm_log_link(struct cdp_identity *m, uint32_t a, uint32_t b, int64_t ms);
void idm_log_part(struct cdp_identity *m, uint32_t a, uint32_t b, int64_t ms);

/* --- identity_cut.c: which links hold --- */
/* Sets LINK_CUT and LINK_LATER by what parts, what is excluded and what is known. */
void idm_cut_links(struct cdp_identity *m);
/* Since when a link that is not cut holds. */
int64_t idm_link_first(const struct cdp_identity *m, const struct link *l);
/* Was the id somebody else's at ms? */
bool idm_was_other(const struct cdp_identity *m, uint32_t id, int64_t ms);
bool idm_excluded(const struct cdp_identity *m, uint32_t a, uint32_t b);
/* Marks a new id. */
void idm_mark_excluded(struct cdp_identity *m, uint32_t id);

/* --- identity_join.c: links in order of time --- */
/* up[id]: a forest over ids, whose roots are the strongest of their groups; firm ids of
 * one group are one person. */
uint32_t *idm_join(struct cdp_identity *m);
/* Indexes of the links that hold, between ids that count, in order of time and bytes;
 * `want` leaves others out (NULL: none). */
uint32_t *idm_links_in_order(const struct cdp_identity *m,
			     bool (*want)(void *ctx, const struct link *l), void *ctx,
			     size_t *n);
static inline uint32_t idm_find(uint32_t *up, uint32_t i)
{
	while (up[i] != i) {
		up[i] = up[up[i]];
		i = up[i];
	}
	return i;
}

/* --- identity_place.c: root[id] for all ids, the strongest of its person; NONE for those
 * that are out --- */
uint32_t *idm_place(struct cdp_identity *m, uint32_t *up);

/* --- identity_caps.c: values over their kind's cap --- */
struct caps;
struct caps *idm_caps_new(const struct cdp_identity *m); /* NULL: no kind has one */
void idm_caps_free(struct caps *c);
/* Of the n ids placed in this step, marks those over the cap of their person. */
void idm_caps_mark(struct caps *c, struct cdp_identity *m, const uint32_t *root,
		   const uint32_t *ids, size_t n);

/* --- identity_names.c --- */
struct naming {
	uint32_t *person; /* by id, 0: none */
	uint64_t *names;  /* of persons, from 1 */
	uint32_t npersons;
	uint32_t *claim; /* by published person: who has its strongest id now, or NONE */
};
/* Persons for roots; root[] becomes out->person. */
void idm_name_all(struct cdp_identity *m, uint32_t *up, uint32_t *root,
		  struct naming *out);

/* --- identity_rows.c --- */
/* Links between two persons, none of their ids contested; both ids firm: a wall. */
uint64_t idm_conflicts(const struct cdp_identity *m,
		       void (*each)(void *ctx, const struct link *l, bool wall),
		       void *ctx);

/* --- identity_bridges.c: caller frees --- */
struct bridge {
	uint32_t link;
	uint32_t smaller, larger; /* ids on its sides */
};
struct bridge *idm_bridges(const struct cdp_identity *m, size_t *n);

/* --- identity_text.c: members of rows --- */
void idm_put_name(struct cdp_buf *b, const char *key, uint64_t name);
void idm_put_time(struct cdp_buf *b, const char *key, int64_t ms);
/* "ids":{...}: two ids in the order of their bytes, or one (j NONE); two of one kind as
 * an array. */
void idm_put_ids(const struct cdp_identity *m, struct cdp_buf *b, uint32_t i, uint32_t j);

/* --- identity_merges.c --- */
void idm_note_merges(struct cdp_identity *m, const struct naming *n);
void idm_note_redirects(struct cdp_identity *m);

#endif
