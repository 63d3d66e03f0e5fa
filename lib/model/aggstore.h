/* States of aggregates by customer, stored only where an event occurred.
 *
 * Aggregates whose conditions need the same event names form a group: an event is led by
 * its name to the groups that it concerns, and a customer has a block of a group's states
 * from the first such event on.  Inside of lib/model/customers alone. */
#ifndef CDP_MODEL_AGGSTORE_H
#define CDP_MODEL_AGGSTORE_H

#include "base/intern.h"
#include "lang/agg.h"

struct cdp_aggstore;

struct cdp_aggstore *cdp_aggstore_new(const struct cdp_aggs *aggs);
void cdp_aggstore_free(struct cdp_aggstore *s);
void cdp_aggstore_add(struct cdp_aggstore *s, uint32_t customer, struct cdp_eval *ev,
		      struct cdp_rec *rec, const struct cdp_val *event, int64_t ms,
		      uint64_t *eval_errors);
/* Fetches states that every event changes: step 1, where they are; 2, themselves. */
void cdp_aggstore_ahead(const struct cdp_aggstore *s, uint32_t customer, unsigned step);
/* Adds all of `from`, customers renumbered by `map` (`count` of them); `from` is freed.
 */
void cdp_aggstore_merge(struct cdp_aggstore *s, struct cdp_aggstore *from,
			const uint32_t *map, uint32_t count);
const void *cdp_aggstore_state(const struct cdp_aggstore *s, uint32_t customer,
			       unsigned agg);

#endif
