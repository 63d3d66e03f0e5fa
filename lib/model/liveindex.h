/* Which audiences a changed condition concerns.
 *
 * Rules are conjunctions of literals (a condition that must be true, or one that must be
 * false) and of whatever else, but that is no less monotone: a literal that became true
 * lets nobody leave, one that ceased to be lets nobody enter.  An audience stands below
 * each of its literals with three others that are rarely true: where they are not,
 * nothing else of the rule is looked at.
 *
 * For lib/model/live*.c alone. */
#ifndef CDP_MODEL_LIVEINDEX_H
#define CDP_MODEL_LIVEINDEX_H

#include "model/livecols.h"
#include "model/segments.h"

/* A literal is the number of a bit in the planes: of a leaf's true or its false one; the
 * first one after them is always true. */
struct cdp_live_rule {
	uint32_t first; /* of its terms: literals, the rarest first, groups, nodes */
	uint32_t literals, grouped, nodes;
};
/* Of a group, of which one must hold: its last literal.  Of a node: it must be false. */
#define CDP_LIVE_MARK 0x80000000u

enum { CDP_LIVE_WATCHES = 3 };
struct cdp_live_post {
	uint32_t set;
	uint32_t watch[CDP_LIVE_WATCHES]; /* literals that hold where it does */
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
	/* By twice the audience: who wants one to be in it; and one more: not to be. */
	struct cdp_live_posts users;
	struct cdp_live_posts rarest; /* by literal: whose rarest it is */
	uint32_t *always;             /* audiences without a literal */
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
