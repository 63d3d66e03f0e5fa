/* Aggregates over the different values of an expression, for lib/lang alone: distinct,
 * top, values and top_n keep a bag of them, top_by_sum and top_by_max a tally. */
#ifndef CDP_LANG_AGGBAG_H
#define CDP_LANG_AGGBAG_H

#include "lang/aggstate.h"

/* Whether the count of each value matters. */
bool cdp_agg_counts(const struct cdp_agg *a);
int cdp_agg_add_bag(const struct cdp_agg *a, struct cdp_bag **bag, struct cdp_eval *ev,
		    const struct cdp_value *v, struct cdp_err *err);
void cdp_agg_merge_bags(struct cdp_bag **into, struct cdp_bag **from);
void cdp_agg_bag_result(const struct cdp_agg *a, const struct cdp_bag *bag,
			struct cdp_eval *ev, struct cdp_value *out);

/* Values, and by their place in the bag the sum or the largest number, and how many. */
struct cdp_tally {
	struct cdp_bag *bag;
	uint32_t cap;
	struct cdp_total at[];
};
void cdp_tally_free(struct cdp_tally *t);
size_t cdp_tally_memory(const struct cdp_tally *t);
int cdp_agg_add_tally(const struct cdp_agg *a, struct cdp_tally **t, struct cdp_eval *ev,
		      struct cdp_rec *rec, const struct cdp_value *v,
		      struct cdp_err *err);
/* The tagged text p occurred so many times with this sum or largest number. */
void cdp_tally_put(const struct cdp_agg *a, struct cdp_tally **t, const char *p, size_t n,
		   const struct cdp_total *x);
void cdp_tally_merge(const struct cdp_agg *a, struct cdp_tally **into,
		     struct cdp_tally **from);
void cdp_tally_result(const struct cdp_agg *a, const struct cdp_tally *t,
		      struct cdp_eval *ev, struct cdp_value *out);

#endif
