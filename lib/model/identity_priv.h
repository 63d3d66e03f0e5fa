/* What the files of the identity model share; nobody else includes this. */
#ifndef CDP_MODEL_IDENTITY_PRIV_H
#define CDP_MODEL_IDENTITY_PRIV_H

#include "base/intern.h"
#include "model/identity.h"

enum { NONE = UINT32_MAX }; /* no id, no root */

/* What a kind means, by the kinds of this run. */
enum { KIND_FIRM, KIND_SHARED, KIND_ALONE, KIND_OUT };

struct kind {
	char *name;
	size_t len;
	const struct cdp_idkind *def; /* NULL: undeclared */
	uint8_t role;
	uint16_t rank, bit;
	uint64_t blocked; /* values met in this run */
};

enum {
	ID_BLOCKED = 1,   /* known from before it was blocked */
	ID_CONTESTED = 2, /* as of the last publish */
	ID_PENDING = 4,   /* within one step of placing */
	ID_DIRTY = 8,     /* differs from what the store has */
	ID_STORED_CONTESTED = 16,
};

struct link {
	uint32_t a, b;       /* ids, a < b */
	int64_t first, last; /* CDP_IDENTITY_NO_TIME and INT64_MIN if never with a time */
};

struct merge {
	uint64_t from, into;
	uint32_t link; /* that joined them, or NONE */
	uint32_t id;   /* that moved, or NONE */
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

	struct cdp_intern *ids;  /* key: kind number, value */
	struct cdp_intern *junk; /* the same for blocked values */
	struct cdp_intern *sources;
	uint8_t *kind_of, *flags; /* by id, from here to person */
	int64_t *first, *last;
	uint32_t *source, *person; /* person: index of names, 0: not published */
	size_t cap;

	struct link *links;
	size_t nlinks, links_cap;
	uint32_t *slots; /* of links: index + 1, 0: free */
	unsigned bits;   /* 1 << bits slots */

	uint64_t *names; /* of persons, from 1 */
	uint32_t npersons;
	bool changed; /* evidence since the last publish */

	bool keep_merges;
	struct merge *merges;
	size_t nmerges, merges_cap;

	bool streaming;
	struct live *live;
	size_t nlive, live_cap;
	uint32_t *live_of; /* by id, index + 1, 0: none yet */
	size_t live_of_cap;

	struct cdp_buf *log; /* evidence as it comes, for the journal; NULL: not kept */
	int64_t log_time;    /* of the entry before */
	size_t log_start;    /* bytes that say nothing yet */
	uint8_t heard[CDP_IDKINDS_MAX]; /* kinds by their number in a log */
	unsigned nheard;
	uint8_t *dirty_link; /* by link: differs from what the store has */

	uint32_t *pick; /* ids of the sighting at hand */
	size_t pick_cap;
	struct cdp_identity_counts counts;
};

/* --- identity.c --- */
/* Number of a kind, added if new; NONE if there is no room. */
uint32_t idm_kind(struct cdp_identity *m, const char *name, size_t n);
/* An id by key, added if new; NONE if blocked. */
uint32_t idm_put(struct cdp_identity *m, const char *key, size_t n, uint64_t hash);
/* An id without further ado (from the store). */
uint32_t idm_add(struct cdp_identity *m, const char *key, size_t n);
uint32_t idm_source(struct cdp_identity *m, const char *p, size_t n);
/* Seen at ms; `source` counts if this is the first time or as early. */
void idm_see(struct cdp_identity *m, uint32_t id, int64_t ms, uint32_t source);
void idm_link(struct cdp_identity *m, uint32_t a, uint32_t b, int64_t first,
	      int64_t last);
static inline const char *idm_value(const struct cdp_identity *m, uint32_t id, size_t *n)
{
	const char *key = cdp_intern_key(m->ids, id, n);

	--*n;
	return key + 1;
}
static inline bool idm_is_out(const struct cdp_identity *m, uint32_t id)
{
	return m->kind[m->kind_of[id]].role == KIND_OUT || (m->flags[id] & ID_BLOCKED);
}
/* By bytes of kind, then of value. */
int idm_cmp(const struct cdp_identity *m, uint32_t a, uint32_t b);
/* True if a says more than b about who somebody is: stronger kind, older, smaller. */
bool idm_stronger(const struct cdp_identity *m, uint32_t a, uint32_t b);
/* The name that an id founds. */
uint64_t idm_name(const struct cdp_identity *m, uint32_t id, bool contested,
		  unsigned again);

/* --- identity_journal.c: evidence as text, see there --- */
void idm_log_kind(struct cdp_identity *m, const struct kind *k);
void idm_log_source(struct cdp_identity *m, const char *p, size_t n);
void idm_log_id(struct cdp_identity *m, const char *key, size_t n);
void idm_log_seen(struct cdp_identity *m, uint32_t id, int64_t ms, uint32_t source);
void idm_log_link(struct cdp_identity *m, uint32_t a, uint32_t b, int64_t ms);

/* --- identity_place.c: root[id] for all ids, NONE for those that are out --- */
uint32_t *idm_place(struct cdp_identity *m);

/* --- identity_names.c --- */
struct naming {
	uint32_t *person; /* by id, 0: none */
	uint64_t *names;  /* of persons, from 1 */
	uint32_t npersons;
	uint32_t *claim; /* by published person: who has its name now, or NONE */
};
/* Persons for roots; root[] becomes out->person. */
void idm_name_all(struct cdp_identity *m, uint32_t *root, struct naming *out);

/* --- identity_rows.c --- */
/* Links between two persons, none of their ids contested; both ids firm: a wall. */
uint64_t idm_conflicts(const struct cdp_identity *m,
		       void (*each)(void *ctx, const struct link *l, bool wall),
		       void *ctx);

/* --- identity_merges.c --- */
void idm_note_merges(struct cdp_identity *m, const struct naming *n);
void idm_note_redirects(struct cdp_identity *m);

#endif
