/* Rows of the identity map's store; for what writes and what reads them. */
#ifndef CDP_MODEL_IDENTITY_ROWS_H
#define CDP_MODEL_IDENTITY_ROWS_H

#include "io/store.h"
#include "model/identity_priv.h"

/* Values are in this machine's byte order, like the store's own pages. */
/* Of an id; its value follows. */
struct id_row {
	int64_t first, last;
	uint64_t one_id; /* 0: not published */
	uint32_t source;
	uint8_t kind, aside;
} __attribute__((packed));

struct link_row {
	int64_t first, last;
};

/* What the store has of the numbers that rows use. */
struct idm_stored {
	uint8_t *runtime_kind; /* by number in the store */
	unsigned kinds, sources;
	uint8_t store_kind[CDP_IDKINDS_MAX]; /* and back */
};

/* Puts all rows into an empty map, and says in *s what is stored. */
int idm_load(struct cdp_identity *m, struct idm_stored *s, struct cdp_txn *t,
	     struct cdp_err *err);
int idm_damaged(struct cdp_err *err);

#endif
