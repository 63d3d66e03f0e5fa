/* Records that came twice, within a window of their own time.
 *
 * A record is known by 64 bits of a hash of its id and 32 of a hash of its content.  Both
 * equal: the same record delivered again.  Only the id equal: another record under a used
 * id.  That two different records agree in all 96 bits is less likely than 1 in 10^10 for
 * a thousand million of them.
 *
 * Memory: 16 bytes a record in a table that is a quarter to three quarters full, so 21 to
 * 64 bytes a record in the window, half as much again while the table grows, and never
 * more than asked for.  What does not fit becomes sorted files (io/keyrun.h), 17.5 bytes
 * a record, merged so that there are never more than some twenty of them.  What is older
 * than the window, counted back from the latest time seen in whole seconds, is forgotten.
 *
 * With a directory all of it survives: what was seen until cdp_dedup_commit() is known to
 * whoever opens the directory next, also after kill -9.  Who commits only once the
 * records have left loses none of them: what had not been committed comes again. */
#ifndef CDP_MODEL_DEDUP_H
#define CDP_MODEL_DEDUP_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cdp_dedup;

enum cdp_seen {
	CDP_SEEN_NEW,
	CDP_SEEN_AGAIN,   /* the same record */
	CDP_SEEN_ID_ONLY, /* its id with other content; noted as well */
	CDP_SEEN_TOO_OLD, /* before the window: not looked for, not noted */
};

struct cdp_dedup_opts {
	int64_t window_ms; /* > 0 */
	/* Times after it (INT64_MAX: none) do not move the window: one wrong clock would
	 * make it forget all others. */
	int64_t latest_ms;
	uint64_t memory; /* most bytes of the table; 0: no bound */
	/* Directory of what survives, made if missing (not its parent); NULL: nothing
	 * does, and files have no names.  One process at a time has it open. */
	const char *dir;
};
struct cdp_dedup *cdp_dedup_open(const struct cdp_dedup_opts *opts, struct cdp_err *err);
/* Without a commit; NULL is fine. */
void cdp_dedup_close(struct cdp_dedup *d);

/* What hashes of ids are to be made with: a secret, so that nobody can make them meet. */
uint64_t cdp_dedup_seed(const struct cdp_dedup *d);

/* enum cdp_seen, or -1 when what does not fit into memory could not be written. */
int cdp_dedup_see(struct cdp_dedup *d, uint64_t id, uint32_t content, int64_t ms,
		  struct cdp_err *err);
/* Fetch what seeing it soon will need. */
void cdp_dedup_ahead(const struct cdp_dedup *d, uint64_t id);

/* Records seen since the last commit; a good time for the next is at a hundred thousand.
 */
uint64_t cdp_dedup_uncommitted(const struct cdp_dedup *d);
/* All that was seen so far is in the directory; `last`: on disk, too. */
int cdp_dedup_commit(struct cdp_dedup *d, bool last, struct cdp_err *err);

size_t cdp_dedup_memory(const struct cdp_dedup *d);    /* bytes of the table */
uint64_t cdp_dedup_spilled(const struct cdp_dedup *d); /* records in files */

#endif
