/* The ids of records between two passes over them: put aside as they are learned, asked
 * for their persons once those are published. */
#ifndef CDP_MODEL_IDENTITY_REFS_H
#define CDP_MODEL_IDENTITY_REFS_H

#include "model/identity.h"

struct cdp_idrefs;

/* In a file without a name; NULL on error. */
struct cdp_idrefs *cdp_idrefs_new(struct cdp_err *err);
void cdp_idrefs_free(struct cdp_idrefs *r);

/* The next record: its time and its ids as cdp_identity_learn() gave them. */
int cdp_idrefs_add(struct cdp_idrefs *r, const struct cdp_identity *m, int64_t ms,
		   const uint32_t *ids, size_t n, struct cdp_err *err);
/* All were added; now they are asked for in that order. */
int cdp_idrefs_rewind(struct cdp_idrefs *r, struct cdp_err *err);
/* 1 and the one_id of the next record, *known false if it has none; 0 after the last; -1
 * on error. */
int cdp_idrefs_next(struct cdp_idrefs *r, const struct cdp_identity *m, uint64_t *one_id,
		    bool *known, struct cdp_err *err);

#endif
