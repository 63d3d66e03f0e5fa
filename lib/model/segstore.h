/* Stored audiences: who was in which of them at which base time.
 *
 * A directory of
 *
 *	customers	their ordinals (model/keydict.h)
 *	TIME.audiences	a version: audiences as sets of ordinals (io/bundle.h), each
 *frozen (base/bitmap.h) and named; the one without a name is of all customers who had a
 *profile.  TIME is 20240501T000000.000Z. lock		held by a writer
 *
 * A version is there whole or not at all, and the same results give the same bytes.
 * Readers need no lock and are not disturbed by writers. */
#ifndef CDP_MODEL_SEGSTORE_H
#define CDP_MODEL_SEGSTORE_H

#include "base/bitmap.h"
#include "base/time.h"
#include "model/keydict.h"

struct cdp_segstore;

/* A writer makes DIR if need be, its parent must exist, and waits for nobody: another
 * writer is an error. */
struct cdp_segstore *cdp_segstore_open(const char *dir, bool writable,
				       struct cdp_err *err);
/* Whether there is one to be read. */
bool cdp_segstore_exists(const char *dir);
void cdp_segstore_close(struct cdp_segstore *s); /* NULL is fine */
/* What its customers are told apart by, a member of their profiles: "one_id", or what the
 * file `key` in it says. */
const char *cdp_segstore_key(const struct cdp_segstore *s);
/* Customers to be put or asked for are of this key: a usage error if those of the store
 * are not.  A writer of an empty store makes it one of this key. */
int cdp_segstore_expect(struct cdp_segstore *s, const char *key, struct cdp_err *err);

/* Base times of the versions in milliseconds, the oldest first; caller frees.  `ext` is
 * what they are of: "audiences", "tags". */
int64_t *cdp_segstore_times(const struct cdp_segstore *s, const char *ext, size_t *n,
			    struct cdp_err *err);
/* DIR/TIME.ext; caller frees. */
char *cdp_segstore_path(const struct cdp_segstore *s, int64_t time, const char *ext);
/* Check a file's numbers against the dictionary: `needed` customers of `print`. */
int cdp_segstore_check(struct cdp_segstore *s, uint32_t needed, uint64_t print,
		       struct cdp_err *err);
/* Borrowed; another one after a version was opened. */
struct cdp_keydict *cdp_segstore_dict(struct cdp_segstore *s);

/* --- writing --- */

/* Ordinals of customers; caller frees.  A writer's. */
uint32_t *cdp_segstore_ordinals(struct cdp_segstore *s, const struct cdp_keylist *keys,
				struct cdp_err *err);

struct cdp_segstore_out;
/* `all`: those who had a profile.  Sets are optimised as they are put. */
struct cdp_segstore_out *cdp_segstore_begin(struct cdp_segstore *s, struct cdp_time as_of,
					    struct cdp_bitmap *all, struct cdp_err *err);
/* In ascending order of the bytes of names, which are not empty.  `note`: a JSON object
 * with what the catalogue tells of it ("{}"). */
int cdp_segstore_put(struct cdp_segstore_out *o, const char *name, size_t n,
		     struct cdp_bitmap *members, const char *note, size_t note_n,
		     struct cdp_err *err);
/* The same of `count` ascending ordinals. */
int cdp_segstore_put_sorted(struct cdp_segstore_out *o, const char *name, size_t n,
			    const uint32_t *members, uint32_t count, const char *note,
			    size_t note_n, struct cdp_err *err);
/* Replaces the version of that base time; ends `o` in any case. */
int cdp_segstore_commit(struct cdp_segstore_out *o, struct cdp_err *err);
void cdp_segstore_abandon(struct cdp_segstore_out *o); /* NULL is fine */
/* Removes all but the `keep` versions of the latest base times, but not that of `but`. */
int cdp_segstore_prune(struct cdp_segstore *s, size_t keep, int64_t but,
		       struct cdp_err *err);

/* --- reading --- */

struct cdp_segversion;
struct cdp_segaudience {
	const char *name;
	size_t name_n;
	const char *note;
	size_t note_n;
	uint64_t count;
	uint64_t bytes; /* of the members in the file */
};

/* The version of a base time: 1, or 0 if there is none, or -1. */
int cdp_segversion_open(struct cdp_segversion **v, struct cdp_segstore *s, int64_t time,
			struct cdp_err *err);
/* The latest one whose base time is `limit` or earlier. */
int cdp_segversion_latest(struct cdp_segversion **v, struct cdp_segstore *s,
			  int64_t limit, struct cdp_err *err);
void cdp_segversion_close(struct cdp_segversion *v); /* NULL is fine */

int64_t cdp_segversion_time(const struct cdp_segversion *v);
uint32_t cdp_segversion_count(const struct cdp_segversion *v);
/* By number, in the order of names. */
int cdp_segversion_at(const struct cdp_segversion *v, uint32_t i,
		      struct cdp_segaudience *a, struct cdp_err *err);
int64_t cdp_segversion_find(const struct cdp_segversion *v, const char *name, size_t n);
/* The members, to be freed before the version is closed.  NULL with *err. */
const struct cdp_bitmap *cdp_segversion_load(const struct cdp_segversion *v, uint32_t i,
					     struct cdp_err *err);
/* A print of the members: equal sets have equal ones, others by chance alone, one in
 * 2^128. */
int cdp_segversion_print(const struct cdp_segversion *v, uint32_t i, uint64_t print[2],
			 struct cdp_err *err);
/* All customers, borrowed. */
const struct cdp_bitmap *cdp_segversion_all(const struct cdp_segversion *v);

#endif
