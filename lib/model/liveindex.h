/* Which audiences a changed condition concerns.
 *
 * Rules are conjunctions of literals (a condition that must be true, or one that must be
 * false) and of whatever else.  An audience stands below each of its literals with
 * another one, its watch, which is rarely true: where that is not, nothing else of the
 * rule is looked at.
 *
 * For lib/model/live*.c alone. */
#ifndef CDP_MODEL_LIVEINDEX_H
#define CDP_MODEL_LIVEINDEX_H

#include "model/livecols.h"
#include "model/segments.h"

#define CDP_LIVE_ALWAYS UINT32_MAX /* the watch of who has no literal */

/* A literal is the number of a bit in the planes: of a leaf's true or its false one. */
struct cdp_live_rule {
	uint32_t first; /* of its terms: literals, the watch first, then nodes */
	uint32_t literals, nodes;
};

struct cdp_live_post {
	uint32_t set;
	uint32_t watch;
};

/* Lists by number: those of i are from first[i] to first[i + 1]. */
struct cdp_live_posts {
	uint32_t *first;
	struct cdp_live_post *v;
};

struct cdp_liveindex {
	const struct cdp_segments *s;
	const struct cdp_livecols *cols;
	struct cdp_live_rule *rules; /* by audience */
	uint32_t *terms;
	size_t term_count, term_cap;
	struct cdp_live_posts plain; /* by literal: who has it as one */
	struct cdp_live_posts inner; /* by literal: who has it in a node */
	struct cdp_live_posts users; /* by audience: who refers to it */
	struct cdp_live_posts watch; /* by literal: whose watch it is */
	uint32_t *always;            /* audiences without a literal */
	uint32_t always_count;
};

/* Of the audiences `needed` (a set of bits).  `weight`: by literal, how often it is true,
 * as far as that is known. */
struct cdp_liveindex *cdp_liveindex_new(const struct cdp_segments *s,
					const struct cdp_livecols *cols,
					const uint64_t *needed, const uint32_t *weight);
void cdp_liveindex_free(struct cdp_liveindex *x);
/* What to think of literals before any profile was seen; caller frees. */
uint32_t *cdp_liveindex_guess(const struct cdp_livecols *cols);

#endif
