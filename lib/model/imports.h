/* What has been imported before: files, known by their content, and how far sources of
 * SQL were read.  Kept in the state of intake (model/intake_state.h).
 *
 * A file is known by the SHA-256 of its content (what it holds when it is not compressed)
 * and by how it was read: the same file read another way is another import.  Nothing is
 * remembered before cdp_imports_commit(), all of it together then; so an import that was
 * cut short is made again in full. */
#ifndef CDP_MODEL_IMPORTS_H
#define CDP_MODEL_IMPORTS_H

#include "io/store.h"

struct cdp_imports;

/* `how`: bytes that say how files are read, compared as a whole.  The store is borrowed.
 */
struct cdp_imports *cdp_imports_new(struct cdp_store *store, const char *how, size_t n);
void cdp_imports_free(struct cdp_imports *im);

/* Reads the regular file PATH to its end and looks for its content among what was
 * imported before and what this run has looked at.  1: known, and *before is the name
 * that it had then; 0: new, and to be remembered; -1: a system error.  *before is valid
 * until the next call. */
int cdp_imports_look(struct cdp_imports *im, const char *path, const char **before,
		     struct cdp_err *err);
/* How far a source was read, as said by the last commit of this name: 1, and *value is
 * valid until the next call; 0: never. */
int cdp_imports_position(struct cdp_imports *im, const char *name, size_t n,
			 struct cdp_bytes *value, struct cdp_err *err);
/* To be remembered instead. */
void cdp_imports_set_position(struct cdp_imports *im, const char *name, size_t n,
			      const void *value, size_t len);

/* Call when all that came of them is safe.  A file that was written to since it was
 * looked at is not remembered; *changed names one (NULL: there is none), borrowed. */
int cdp_imports_commit(struct cdp_imports *im, const char **changed, struct cdp_err *err);

#endif
