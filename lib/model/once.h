/* Every record once: blocks of canonical records without those that came before.
 *
 * Workers note the records that they write; the notes of a block are then settled, in
 * input order, against all blocks before it.  A record is known by its source and
 * event_id, or without one by its content (all but `sent`, `received` and corrections of
 * the time, which differ between deliveries).  An id that was used for other content is
 * no duplicate: the record stays, under an id of its own ("<id>~<hash>") and with the old
 * one in `duplicate_of`.
 */
#ifndef CDP_MODEL_ONCE_H
#define CDP_MODEL_ONCE_H

#include "base/buf.h"
#include "format/canon.h"
#include "model/dedup.h"

/* Records of one block.  One a thread. */
struct cdp_once_notes {
	struct cdp_once_note *v;
	size_t n, cap;
	uint64_t seed;
	struct cdp_buf tmp;
};
/* `seed` is that of the records seen (cdp_dedup_seed). */
void cdp_once_init(struct cdp_once_notes *s, uint64_t seed);
void cdp_once_release(struct cdp_once_notes *s);

/* The record at out->p + at, to the end, with its LF, was just written; `info` is what
 * its reader told. */
void cdp_once_note(struct cdp_once_notes *s, const struct cdp_canon *info,
		   const struct cdp_buf *out, size_t at);

/* Notes that are not to be settled. */
void cdp_once_forget(struct cdp_once_notes *s);

struct cdp_once_counts {
	uint64_t duplicates, same_id, too_old;
};
/* Take what came before out of the block (all of whose records were noted) and append it
 * to `dropped` (NULL: nowhere).  The notes are empty then.  -1 when what was seen could
 * not be kept (cdp_dedup_see). */
int cdp_once_settle(struct cdp_once_notes *s, struct cdp_dedup *seen, struct cdp_buf *out,
		    struct cdp_buf *dropped, struct cdp_once_counts *counts,
		    struct cdp_err *err);

#endif
