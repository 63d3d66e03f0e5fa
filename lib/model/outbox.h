/* An outbox: a file that rows are appended to and that can be asked for what it holds.
 *
 * A row is handed over once it stands in the file and the file is synced.  Who takes the
 * rows moves the file away between two runs.  The first field of a row is the message id:
 * {"message_id":"..." or CSV after a header. */
#ifndef CDP_MODEL_OUTBOX_H
#define CDP_MODEL_OUTBOX_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A place in the file, always the end of a row; kept to find the rows after it again. */
struct cdp_outbox_mark {
	uint64_t device, inode, size; /* all 0: none */
};

struct cdp_outbox;

/* Opens DIR/path (making it and its directories), locks it against other writers and cuts
 * off a torn row after *mark.  An absolute path stands for itself. */
struct cdp_outbox *cdp_outbox_open(const char *dir, const char *path, bool csv,
				   const struct cdp_outbox_mark *mark,
				   struct cdp_err *err);
/* Only to be asked: nothing is made or cut. */
struct cdp_outbox *cdp_outbox_peek(const char *dir, const char *path, bool csv,
				   struct cdp_err *err);
void cdp_outbox_close(struct cdp_outbox *o);

struct cdp_outbox_mark cdp_outbox_end(const struct cdp_outbox *o);
/* Durable when it returns 0.  After -1 it is not known how much of it is there: close,
 * open and ask. */
int cdp_outbox_append(struct cdp_outbox *o, const char *p, size_t n, struct cdp_err *err);
/* `each` gets the id of every whole row after a mark of before this opening.  1; 0: this
 * is not the file that the mark was made in (such as one that was not there when it was
 * opened, whose inode says nothing), or it was cut: nobody knows; -1. */
int cdp_outbox_ids(struct cdp_outbox *o, const struct cdp_outbox_mark *mark,
		   void (*each)(void *ctx, const char *id, size_t n), void *ctx,
		   struct cdp_err *err);

#endif
