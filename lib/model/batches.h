/* What was handed over of the stored audiences: a file BATCH.batch in the store for each,
 * replaced whole.
 *
 *	{"batch":"…","segment":"…","as_of":"…","customers":3,"state":"exported"}
 *
 * A batch is told by 16 hex digits that follow from the audience's name, the base time,
 *what its definition says and its members, as they are numbered here: the same list of a
 *store is the same batch. */
#ifndef CDP_MODEL_BATCHES_H
#define CDP_MODEL_BATCHES_H

#include "model/segstore.h"

enum { CDP_BATCH_ID = 16 };

enum cdp_batch_state { CDP_BATCH_NEW, CDP_BATCH_EXPORTED, CDP_BATCH_ACKNOWLEDGED };

struct cdp_batch {
	char id[CDP_BATCH_ID + 1];
	char *segment;
	char as_of[CDP_TIME_CANON];
	uint64_t customers;
	enum cdp_batch_state state;
};
void cdp_batch_release(struct cdp_batch *b);
const char *cdp_batch_state_name(enum cdp_batch_state s);

/* The ledger of a store, held by one process at a time. */
struct cdp_batches;
struct cdp_batches *cdp_batches_open(const char *dir, struct cdp_err *err);
/* To read it alone, without waiting for anybody. */
struct cdp_batches *cdp_batches_view(const char *dir);
void cdp_batches_close(struct cdp_batches *l); /* NULL is fine */

/* The batch of a version's audience; its state is what the ledger has. */
int cdp_batches_of(struct cdp_batches *l, struct cdp_batch *b,
		   const struct cdp_segversion *v, uint32_t audience,
		   struct cdp_err *err);
/* By its id: 1, or 0 if the ledger has no such batch, or -1. */
int cdp_batches_get(struct cdp_batches *l, struct cdp_batch *b, const char *id,
		    struct cdp_err *err);
int cdp_batches_put(struct cdp_batches *l, const struct cdp_batch *b,
		    struct cdp_err *err);
/* All, by base time, then audience, then id; caller releases each and frees. */
struct cdp_batch *cdp_batches_all(struct cdp_batches *l, size_t *n, struct cdp_err *err);

#endif
