/* Where one customer ranks in audiences that are cut, for --explain. */
#ifndef CDP_CLI_SEGMENT_RANKS_H
#define CDP_CLI_SEGMENT_RANKS_H

#include "model/segcut.h"

struct cdp_segment_ranks;

/* Of those of these audiences that are cut by rank; NULL if none is.  Memory: each
 * customer's key and some 50 bytes, and 8 for each value that audiences are cut by. */
struct cdp_segment_ranks *cdp_segment_ranks_new(const struct cdp_segments *s,
						const uint32_t *sets, uint32_t count);
void cdp_segment_ranks_free(struct cdp_segment_ranks *r); /* NULL is fine */

/* A profile; `meets` tells whether it meets the rule of an audience.  The evaluator is
 * reset. */
void cdp_segment_ranks_add(struct cdp_segment_ranks *r, const char *key, size_t n,
			   struct cdp_rec *profile, struct cdp_eval *ev,
			   bool (*meets)(void *ctx, uint32_t set), void *ctx);

struct cdp_segment_rank {
	uint32_t of;   /* how many meet the rule */
	uint32_t left; /* how many of them are left */
	uint32_t rank; /* from 1 on; 0: is not among them */
	double value;  /* what they are ranked by; -INFINITY: has none */
	double at_cut; /* that of the last one left, if there is one */
};
/* After the last profile. */
void cdp_segment_ranks_of(const struct cdp_segment_ranks *r, uint32_t set,
			  const char *key, size_t n, struct cdp_segment_rank *out);

#endif
