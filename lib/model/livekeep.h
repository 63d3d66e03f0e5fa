/* What is kept of each customer between two records, where more than profiles is
 * followed: the last profile as it came and the row (model/liverow.h); in a store, or in
 * memory for as long as it lasts. */
#ifndef CDP_MODEL_LIVEKEEP_H
#define CDP_MODEL_LIVEKEEP_H

#include "model/liverow.h"
#include "model/livestore.h"

struct cdp_livekeep;
/* `store` is borrowed; NULL: in memory. */
struct cdp_livekeep *cdp_livekeep_new(struct cdp_livestore *store);
void cdp_livekeep_free(struct cdp_livekeep *k); /* NULL is fine */

/* As cdp_livestore_find() and cdp_livestore_keep(), of profiles and rows. */
int cdp_livekeep_find(struct cdp_livekeep *k, enum cdp_livetable table, const char *key,
		      size_t n, const char **p, size_t *len, struct cdp_err *err);
int cdp_livekeep_put(struct cdp_livekeep *k, enum cdp_livetable table, const char *key,
		     size_t n, const char *p, size_t len, struct cdp_err *err);
/* Calls for everybody who has a row, by bytes of the key. */
int cdp_livekeep_each(struct cdp_livekeep *k,
		      int (*call)(void *ctx, const char *key, size_t n,
				  struct cdp_err *err),
		      void *ctx, struct cdp_err *err);

/* What a store knows of rows besides. */
struct cdp_livekept {
	int64_t base_ms; /* the last base time, INT64_MIN: none */
	bool begun;      /* the records of the start are in the rows */
	/* Given: what is new to a store that has begun is filled from records of the
	 * start; then: whether there is such a store. */
	bool fills;
};
/* Numbers names as the store does, and makes a row for each customer who has none yet.
 * A usage error if rules ask for what there is no history of in a store that has begun,
 * unless it is filled.  What no rule asks for is forgotten. */
int cdp_livekeep_begin(struct cdp_livekeep *k, struct cdp_liverows *rows, const char *dir,
		       struct cdp_livekept *kept, struct cdp_err *err);
/* Whether records of the start are in its rows; 1, 0, -1. */
int cdp_livekeep_has_begun(struct cdp_livestore *store, struct cdp_err *err);
int cdp_livekeep_know(struct cdp_livekeep *k, const struct cdp_livekept *kept,
		      struct cdp_err *err);

#endif
