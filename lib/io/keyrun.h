/* Sorted files of keys that are looked up one by one: what a set of hashes becomes when
 * it outgrows its memory, or its process.
 *
 * A run is written once, in the order of its ids, and then only read, through a mapping:
 * the kernel keeps what is used of it in memory and drops it under pressure.  A filter of
 * 12 bits a key before the keys (a Bloom filter whose bits for one key stand in one cache
 * line: Putze, Sanders, Singler, "Cache-, hash- and space-efficient Bloom filters", 2007)
 * answers for most keys that are not there, wrongly for about one in a hundred; those
 * that are left are searched for from where a uniform distribution would have them.  17.5
 * bytes a key on disk.
 *
 * In the byte order of this machine, which a run never leaves. */
#ifndef CDP_IO_KEYRUN_H
#define CDP_IO_KEYRUN_H

#include "base/err.h"

#include <stdint.h>

struct cdp_key {
	uint64_t id; /* uniformly distributed */
	uint32_t content, at;
};

struct cdp_keyrun;
struct cdp_keyrun_out;

/* A new file (NULL: one without a name, in $TMPDIR, else /tmp) for at most `most` keys.
 */
struct cdp_keyrun_out *cdp_keyrun_create(const char *path, uint64_t most,
					 struct cdp_err *err);
/* Ids in ascending order, each once. */
int cdp_keyrun_add(struct cdp_keyrun_out *o, const struct cdp_key *key,
		   struct cdp_err *err);
/* The run of what was added, with a number of the caller's; a file with a name is on disk
 * then.  Ends `o` in any case; NULL with *err, the file removed. */
struct cdp_keyrun *cdp_keyrun_finish(struct cdp_keyrun_out *o, int64_t note,
				     struct cdp_err *err);
void cdp_keyrun_abandon(struct cdp_keyrun_out *o); /* removes the file; NULL is fine */

struct cdp_keyrun *cdp_keyrun_open(const char *path, struct cdp_err *err);
void cdp_keyrun_close(struct cdp_keyrun *r); /* NULL is fine; a named file stays */
int64_t cdp_keyrun_note(const struct cdp_keyrun *r);
/* All of them, in order. */
const struct cdp_key *cdp_keyrun_keys(const struct cdp_keyrun *r, uint64_t *n);

/* The key of this id, borrowed, or NULL. */
const struct cdp_key *cdp_keyrun_find(const struct cdp_keyrun *r, uint64_t id);
/* Fetch what finding it will need first. */
void cdp_keyrun_ahead(const struct cdp_keyrun *r, uint64_t id);

#endif
