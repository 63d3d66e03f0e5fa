/* What a running tool has learned and not yet put into its store: a file that is only
 * ever appended to.
 *
 * A chunk is on its way to disk when cdp_journal_add() returns: it survives the death of
 * the process (kill -9) at once, that of the machine after cdp_journal_sync().  A chunk
 * that was cut short or damaged ends the journal; it and what follows are dropped when
 * the file is opened again.
 *
 * The generation ties the journal to a state of the store: the store counts its commits,
 * the journal carries the count it continues, and one of another generation is empty
 * (its chunks went into the store already). */
#ifndef CDP_IO_JOURNAL_H
#define CDP_IO_JOURNAL_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct cdp_journal;

/* Opens or makes PATH and hands its chunks over in order; `each` returns 0, or -1 with
 * *err. */
struct cdp_journal *cdp_journal_open(const char *path, uint64_t generation,
				     int (*each)(void *ctx, const char *p, size_t n,
						 struct cdp_err *err),
				     void *ctx, struct cdp_err *err);
void cdp_journal_close(struct cdp_journal *j);
int cdp_journal_add(struct cdp_journal *j, const char *p, size_t n, struct cdp_err *err);
int cdp_journal_sync(struct cdp_journal *j, struct cdp_err *err);
/* Empty again, continuing `generation`: after the store's commit. */
int cdp_journal_restart(struct cdp_journal *j, uint64_t generation, struct cdp_err *err);
uint64_t cdp_journal_size(const struct cdp_journal *j); /* bytes of chunks */

#endif
