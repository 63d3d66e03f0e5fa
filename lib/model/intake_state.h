/* What intake remembers between runs: one LMDB environment in a directory (cdp-collect
 * --state DIR), shared by all that has something to remember.  Everybody has tables of
 * their own in it, by name:
 *
 *	files      imported files, by content (model/imports)
 *	positions  how far sources of SQL were read (model/imports)
 *
 * Records that came before (model/dedup) are too many for tables that are updated in
 * place; they have the directory DIR/seen.
 *
 * A run has the directory alone, by a lock that its death releases: two that go on from
 * the same state would both bring what is new. */
#ifndef CDP_MODEL_INTAKE_STATE_H
#define CDP_MODEL_INTAKE_STATE_H

#include "io/store.h"

struct cdp_intake_state;

/* Makes the directory if it is missing; its parent must exist.  NULL with a system error
 * that names the process which has it. */
struct cdp_intake_state *cdp_intake_open(const char *dir, struct cdp_err *err);
void cdp_intake_close(struct cdp_intake_state *s); /* end transactions first */
/* For transactions; belongs to `s`. */
struct cdp_store *cdp_intake_store(struct cdp_intake_state *s);

#endif
