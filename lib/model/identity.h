/* Who is who: from identifiers seen together to persons.
 *
 * Evidence.  A record with ids is a sighting.  It leaves two kinds of evidence: for each
 * id when it was first and last seen (and by which source first), and links between ids
 * seen on one record, each with the time it was first and last seen.  If the strongest id
 * of the record is of a firm kind, it is linked to each other id; if all are shared, all
 * are linked to one another.  Evidence is a set: the order and the repetition of records
 * do not matter, and evidence of several days adds up.
 *
 * Persons are a function of all the evidence (and the kinds), nothing else:
 *
 *  1. Firm ids.  Links between two firm ids are taken in order of their first time (tie:
 *     the bytes of kind and value).  A link joins the persons of its ids unless the
 *     result would have two values of one unique kind; then it is refused and is a
 *     conflict ("wall").
 *  2. Shared ids.  One that is linked to firm ids of exactly one person belongs to that
 *     person; of several persons: to none of them, it is contested.  An id not yet placed
 *     that is linked to shared ids placed in the step before belongs to their person if
 *     that is one, else it is contested; and so on until nothing changes.  A contested id
 *     is a person of its own and joins nothing.
 *  3. Shared ids that reach no firm person: those linked to one another (not through a
 *     contested one) are one anonymous person.
 *
 * So no chain of shared devices and phones ever joins two customers.
 *
 * The person of a record is that of its strongest id that is not contested, if there is
 * one, else of its strongest id.
 *
 * Names.  A person's one_id is the keyed SipHash-2-4 of `kind NUL value` of the id that
 * founded it: the one seen first, of equally old ones the one whose hash is smallest
 * (ids never seen with a time are younger than all others).  The founder of a contested
 * person is hashed as `kind NUL value NUL c`, so that it never takes the name under which
 * the id may have been known before.  A name that another person has already is hashed
 * again with a number appended.
 *
 * Publishing gives persons their names for good.  A published name stays with the
 * strongest id it was published for (firm before shared, then by priority, then the
 * oldest); where several names meet in one person, that whose ids were seen first stays,
 * of equally old ones the smaller name.  So a person keeps its one_id when ids are added,
 * and evidence that arrives in several runs gives the same persons as in one run; it
 * gives the same names too if the runs are in order of time and no id changes hands.
 *
 * Not thread-safe, except for cdp_sight_read(). */
#ifndef CDP_MODEL_IDENTITY_H
#define CDP_MODEL_IDENTITY_H

#include "base/buf.h"
#include "base/err.h"
#include "io/out.h"
#include "model/identity_kinds.h"
#include "record/scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CDP_IDENTITY_NO_TIME INT64_MAX /* milliseconds of a record without a time */

enum { CDP_IDENTITY_KEY = 16 };

struct cdp_identity;

/* `kinds` is borrowed and must outlive it. */
struct cdp_identity *cdp_identity_new(const struct cdp_idkinds *kinds,
				      const uint8_t key[CDP_IDENTITY_KEY]);
void cdp_identity_free(struct cdp_identity *m);

/* --- sightings: read from records in any thread, learned in one --- */

enum { CDP_SIGHT_UNDECLARED = 255 };

struct cdp_sight_id {
	uint64_t hash;  /* of the key, if the kind has a number */
	size_t at;      /* of the key in `text`: kind number, value */
	uint32_t found; /* id, as far as looked up ahead */
	uint16_t n;     /* bytes of the key */
	uint16_t rank;  /* of the kind */
	uint8_t kind;   /* number; CDP_SIGHT_UNDECLARED: the key is kind NUL value */
};

struct cdp_sight {
	int64_t ms;     /* or CDP_IDENTITY_NO_TIME */
	uint32_t first; /* index of its first id, the strongest */
	uint16_t n;     /* ids */
	bool link;      /* false: relation and unbind records, which join nobody */
	size_t at;      /* for the caller: place of the record in its own buffer */
};

/* What a block of records says, in order; reused after reset. */
struct cdp_sights {
	struct cdp_sight *v;
	size_t n, cap;
	struct cdp_sight_id *ids;
	size_t nids, ids_cap;
	struct cdp_buf text;      /* keys of the ids */
	struct cdp_buf tmp, norm; /* of one value */
	uint64_t invalid;         /* values that have no normal form */
	uint64_t undeclared;      /* values of kinds that are not declared */
};

void cdp_sights_init(struct cdp_sights *s);
void cdp_sights_reset(struct cdp_sights *s);
void cdp_sights_release(struct cdp_sights *s);

/* Slots of the path set that cdp_sight_read() looks into. */
struct cdp_sight_slots {
	int ids;
};
int cdp_sight_slots(struct cdp_sight_slots *slots, struct cdp_paths *paths,
		    struct cdp_err *err);

/* Appends the sighting of one record, with n = 0 if it has no id that can be used.  Of a
 * trusted record only the head and the ids are looked at. */
void cdp_sight_read(struct cdp_sights *s, const struct cdp_identity *m,
		    const struct cdp_sight_slots *slots, struct cdp_rec *rec);

/* Decoded `source` of the raw record, borrowed from it or from tmp; "" if it has none. */
const char *cdp_sight_source(const char *raw, size_t len, struct cdp_buf *tmp, size_t *n);

/* Asked for the source of a sighting when that may be the first one of an id. */
typedef const char *(*cdp_source_fn)(void *ctx, const struct cdp_sight *sight, size_t *n);

/* Adds the evidence of sighting i.  Returns how many ids can be used and *ids, the
 * strongest first, borrowed until the next call. */
size_t cdp_identity_learn(struct cdp_identity *m, const struct cdp_sights *s, size_t i,
			  cdp_source_fn source, void *ctx, const uint32_t **ids);
/* Before learning sighting i: fetches into the cache what this one and those after it
 * will touch. */
void cdp_identity_prefetch(const struct cdp_identity *m, struct cdp_sights *s, size_t i);
/* Adds the block's values that could not be used to the counts. */
void cdp_identity_add_unusable(struct cdp_identity *m, const struct cdp_sights *s);

/* From now on every change of the evidence is also appended to `log` (NULL: no more), in
 * a form that cdp_identity_relearn() takes back: for a journal.  Say when the log was
 * emptied.  Relearn pieces in order, into the evidence that was there before. */
void cdp_identity_log(struct cdp_identity *m, struct cdp_buf *log);
void cdp_identity_log_emptied(struct cdp_identity *m);
bool cdp_identity_logged(const struct cdp_identity *m); /* anything since? */
int cdp_identity_relearn(struct cdp_identity *m, const char *p, size_t n,
			 struct cdp_err *err);

/* --- persons --- */

/* Remember how persons came together, for cdp_identity_write_merges(). */
void cdp_identity_keep_merges(struct cdp_identity *m);

/* Computes persons and names from all the evidence and publishes them, if there is any
 * evidence since the last time. */
void cdp_identity_publish(struct cdp_identity *m);

/* How many of a record's n ids are enough to know its person later. */
size_t cdp_identity_deciding(const struct cdp_identity *m, size_t n, const uint32_t *ids);

/* One_id of the record with these ids (as cdp_identity_learn() gave them), as published;
 * false if there are none. */
bool cdp_identity_of(const struct cdp_identity *m, const uint32_t *ids, size_t n,
		     uint64_t *one_id);

/* While records stream: persons as far as known at each of them, which may differ from
 * what all the evidence says in the end (names given meanwhile are redirected in the
 * merges).  Begin once before learning; then after learning sighting i ask for it. */
void cdp_identity_live_begin(struct cdp_identity *m);
bool cdp_identity_live_of(struct cdp_identity *m, const struct cdp_sight *sight,
			  const uint32_t *ids, size_t n, uint64_t *one_id);

/* --- what came of it --- */

struct cdp_identity_counts {
	uint64_t records;    /* learned in this run */
	uint64_t identified; /* of them with an id that counts */
	uint64_t blocked;    /* values that do not link */
	uint64_t invalid;    /* values without a normal form */
	uint64_t undeclared; /* values of kinds not declared */
	uint64_t ids, persons, links;
	uint64_t contested; /* ids */
	uint64_t conflicts; /* links between two persons, contested ids apart */
	uint64_t merged;    /* names that went into another by the last publish */
};
void cdp_identity_count(const struct cdp_identity *m, struct cdp_identity_counts *c);

/* Rows as NDJSON, in an order that depends on nothing but their content; 0 or -1 (the
 * output's sticky error).  All describe the state after the last publish. */
int cdp_identity_write_map(const struct cdp_identity *m, struct cdp_out *o);
int cdp_identity_write_merges(const struct cdp_identity *m, struct cdp_out *o);
int cdp_identity_write_conflicts(const struct cdp_identity *m, struct cdp_out *o);
int cdp_identity_write_report(const struct cdp_identity *m, struct cdp_out *o);

#endif
