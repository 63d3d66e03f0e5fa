/* Who is who: from identifiers seen together to persons.
 *
 * Evidence.  A record with ids is a sighting.  It leaves two kinds of evidence: for each
 * id when it was first and last seen (and by which source first), and links between ids
 * seen on one record, each with the time it was first and last seen.  If the strongest id
 * of the record is of a firm kind, it is linked to each other id; if all are shared, all
 * are linked to one another.  Evidence is a set: the order and the repetition of records
 * do not matter, and evidence of several days adds up.
 *
 * An unbind at t undoes the sightings of a link up to t.  The link holds if it was seen
 * later; from then on, or, if the two were seen together before as well, from t on.  An
 * unbind of two ids parts these, one of a single id parts it from all it was linked to;
 * what parts a parent from an id parts the parent's children from it.  Unbinds are
 * evidence like links.  Exclusions are not: they are given with each run, like the kinds.
 *
 * Persons are a function of all the evidence (kinds, exclusions), nothing else:
 *
 *  1. Firm ids.  Links between two firm ids are taken in order of their first time (tie:
 *     the bytes of kind and value).  A link joins the persons of its ids unless the
 *     result would have two values of one unique kind, or more of a kind than its max;
 *     then it is refused and is a conflict ("wall").
 *  2. Shared ids.  One that is linked to firm ids of exactly one person belongs to that
 *     person; of several persons: to none of them, it is contested.  An id not yet placed
 *     that is linked to shared ids placed in the step before belongs to their person if
 *     that is one, else it is contested; and so on until nothing changes.  Of the ids
 *     placed in one step, those over their kind's max for the person are put aside.
 *  3. Shared ids that reach no firm person: those linked to one another (not through one
 *     put aside) are one anonymous person.
 *
 * An id put aside - contested, over a cap, or linked to more ids than its kind's degree -
 * is a person of its own and joins nothing.  So no chain of shared devices and phones
 * ever joins two customers.
 *
 * The person of a record is that of its strongest id that is not put aside, if there is
 * one, else of its strongest id.
 *
 * Names are a function of the evidence as well.  Imagine all links, shared ones too,
 * joining groups in order of their first time, except that a group has the firm ids of
 * one person only, and that a shared id seen with a second person conducts no more.
 * Groups only grow, so each has a founder for good: its oldest id, of equally old ones
 * that with the smallest hash (ids never seen with a time are younger than all others).
 * A person has the name of the group of its strongest id, if that is the group's
 * strongest id too: the keyed SipHash-2-4 of the founder's `kind NUL value`.  An id put
 * aside is hashed as `kind NUL value NUL c`, the oldest id of a person that was parted
 * from the group it grew up in as `kind NUL value NUL p`.  Should two hashes be equal, a
 * number is appended for the second.
 *
 * A shared id whose links all began after it was parted from others changed hands.  It
 * founds nothing, if another id can, and a record from before the parting for which it
 * would have to decide is nobody's: its one_id is the hash of `kind NUL value NUL u`.
 *
 * So evidence that arrives in several runs gives the map of one run, byte for byte.  As
 * long as it arrives in order of time, a person keeps its name when ids are added; where
 * two become one, the name of the older stays.  Evidence that comes late can show that a
 * person was there before its founder, and then its name changes, which the merges tell.
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
/* Room for so many ids and links at once; only an empty one. */
void cdp_identity_expect(struct cdp_identity *m, size_t ids, size_t links);

/* Pairs that never link; once, before sightings are learned. */
void cdp_identity_exclude(struct cdp_identity *m, const struct cdp_idexclude *x);
/* From now on only evidence up to `ms` counts: for asking, not for a state that is kept.
 */
void cdp_identity_known_at(struct cdp_identity *m, int64_t ms);

/* --- sightings: read from records in any thread, learned in one --- */

enum { CDP_SIGHT_UNDECLARED = 255 };

struct cdp_sight_id {
	uint64_t hash;  /* of the key, if the kind has a number */
	size_t at;      /* of the key in `text`: the value, packed */
	uint32_t found; /* id, as far as looked up ahead */
	uint16_t n;     /* bytes of the key */
	uint16_t rank;  /* of the kind */
	uint8_t kind;   /* number; CDP_SIGHT_UNDECLARED: the key is kind NUL value */
	uint8_t form, len;
};

/* What a record says of its ids. */
enum {
	CDP_SIGHT_SEES,  /* that they exist: relations, sources that may not link */
	CDP_SIGHT_LINKS, /* that they are of one person */
	CDP_SIGHT_PARTS, /* that they are so no more: unbind */
};

struct cdp_sight {
	int64_t ms;     /* or CDP_IDENTITY_NO_TIME */
	uint32_t first; /* index of its first id, the strongest */
	uint16_t n;     /* ids */
	uint16_t lost;  /* ids that cannot be used */
	uint8_t says;
	size_t at; /* for the caller: place of the record in its own buffer */
};

/* What a block of records says, in order; reused after reset. */
struct cdp_sights {
	struct cdp_sight *v;
	size_t n, cap;
	struct cdp_sight_id *ids;
	size_t nids, ids_cap;
	size_t slots, guessed, fetched, found; /* ids as far as looked up ahead */
	struct cdp_buf text;                   /* keys of the ids */
	struct cdp_buf tmp, norm;              /* of one value */
	uint64_t invalid;                      /* values that have no normal form */
	uint64_t undeclared;                   /* values of kinds that are not declared */
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
 * will touch, which then must be learned. */
void cdp_identity_prefetch(struct cdp_identity *m, struct cdp_sights *s, size_t i);
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

/* Computes persons and names from all the evidence, if there is any since the last time
 * or definitions are other ones. */
void cdp_identity_publish(struct cdp_identity *m);
/* The same for the last time: what finds ids and links by their keys is given up before,
 * so that the memory serves the computation.  Nothing can be learned or looked up by
 * sightings any more; ids that were learned can. */
void cdp_identity_finish(struct cdp_identity *m);

/* How many of a record's n ids are enough to know its person later. */
size_t cdp_identity_deciding(const struct cdp_identity *m, size_t n, const uint32_t *ids);

/* One_id of the record of that time with these ids (as cdp_identity_learn() gave them),
 * as published; false if there are none. */
bool cdp_identity_of(const struct cdp_identity *m, const uint32_t *ids, size_t n,
		     int64_t ms, uint64_t *one_id);

/* The same of sighting i as read, with nothing learned; false if the map has none of its
 * ids.  For any thread while nothing is learned. */
bool cdp_identity_known(const struct cdp_identity *m, const struct cdp_sights *s,
			size_t i, uint64_t *one_id);

/* While records stream: persons as far as known at each of them, which may differ from
 * what all the evidence says in the end (names given meanwhile are redirected in the
 * merges; caps and degrees count from the last publish).  Begin once before learning;
 * then after learning sighting i ask for it. */
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
	uint64_t contested; /* ids that join nothing */
	uint64_t parted;    /* links that do not hold: unbound, excluded, not known yet */
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
