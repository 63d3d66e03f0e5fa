/* Audiences that are cut to those who rank highest, kept up to date as customers come and
 * go: who enters pushes another one out.
 *
 * What is left is what model/segcut.h leaves.  Memory: for each customer the key, some 16
 * bytes, and 24 for each such audience. */
#ifndef CDP_MODEL_LIVECUT_H
#define CDP_MODEL_LIVECUT_H

#include "model/live.h"
#include "model/liverank.h"

/* Somebody else entered or left, by what one customer did. */
struct cdp_livecut_flip {
	uint32_t customer, cut;
	bool entered;
};

struct cdp_livecuts {
	const struct cdp_segments *s;
	uint32_t *sets, count;   /* each after those that it needs */
	struct cdp_intern *keys; /* of customers */
	struct cdp_liverank **now;
	struct cdp_liverank **before; /* while all are ranked anew; or NULL */
	uint32_t *asks;               /* that values are made of, ascending */
	size_t ask_count, ask_cap;
	struct cdp_livecut_flip *flips;
	size_t flip_count, flip_cap;
};

/* Of the audiences `needed`, a set of bits; NULL: none is cut so. */
struct cdp_livecuts *cdp_livecuts_new(const struct cdp_segments *s,
				      const uint64_t *needed);
void cdp_livecuts_free(struct cdp_livecuts *c); /* NULL is fine */
uint32_t cdp_livecuts_customer(struct cdp_livecuts *c, const char *key, size_t n);
/* Whether the customer is left in the i-th of the sets. */
bool cdp_livecuts_is_in(const struct cdp_livecuts *c, uint32_t i, uint32_t customer);
/* Whether a value may be another one by what was touched. */
bool cdp_livecuts_ask(const struct cdp_livecuts *c, const uint32_t *asks, size_t n);

/* The customer at hand of `live` (NULL: has no profile, or is nobody any more) is ranked
 * anew, and live told what that changes; the others are in c->flips from then on.
 * `told`: flips of this customer itself that were not told yet, a bit a cut, or NULL. */
void cdp_livecuts_rank(struct cdp_livecuts *c, struct cdp_live *live, uint32_t customer,
		       struct cdp_rec *profile, const uint64_t *told);

/* All are ranked anew: begin, each customer in each step, and then live is told for each
 * customer at hand; end. */
void cdp_livecuts_begin(struct cdp_livecuts *c);
void cdp_livecuts_add(struct cdp_livecuts *c, struct cdp_live *live, uint32_t customer,
		      struct cdp_rec *profile, unsigned step);
void cdp_livecuts_tell(struct cdp_livecuts *c, struct cdp_live *live, uint32_t customer);
void cdp_livecuts_end(struct cdp_livecuts *c);

#endif
