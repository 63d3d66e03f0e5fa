/* The identity map of a directory: kept in a store, with a journal for what a stream
 * learned since.
 *
 * The directory holds the store, `journal` and `lock`; one process has it at a time (a
 * second one is refused).  In the store: the key, the kinds' and the sources' numbers,
 * one row an id (times, source, published one_id) and one row a link (times).  Rows are
 * numbered in order of appearance and written in place; everything is loaded into memory
 * at the start. */
#ifndef CDP_MODEL_IDENTITY_STATE_H
#define CDP_MODEL_IDENTITY_STATE_H

#include "model/identity.h"

struct cdp_idstate;

/* Opens DIR, made if missing, and fills a new *m.  The key is made from getrandom(2) and
 * kept when the directory is new; `key` (NULL: none) is taken then, and must be the one
 * kept otherwise.  NULL on error (usage for another key). */
struct cdp_idstate *cdp_idstate_open(const char *dir, const uint8_t *key,
				     const struct cdp_idkinds *kinds,
				     struct cdp_identity **m, struct cdp_err *err);
/* What was learned and not committed is lost, unless noted. */
void cdp_idstate_close(struct cdp_idstate *s);

/* All or nothing: everything learned and published is in the store when it returns 0. */
int cdp_idstate_commit(struct cdp_idstate *s, struct cdp_err *err);

/* For streams: from now on evidence is logged; each note() puts what was learned since
 * the last one into the journal, before the records that taught it leave. */
void cdp_idstate_stream(struct cdp_idstate *s);
int cdp_idstate_note(struct cdp_idstate *s, struct cdp_err *err);

/* A key file: 32 hexadecimal digits and white space.  Errors are of usage kind. */
int cdp_idkey_load(uint8_t key[CDP_IDENTITY_KEY], const char *path, struct cdp_err *err);

#endif
