/* The states of all aggregates, customer by customer: flat blocks, only where something
 * occurred.
 *
 * Aggregates are grouped by the event names that their conditions ask for, so that an
 * event touches only the groups it can concern: 120 tags on 60 events cost little more
 * than three.  Where very many on the same events differ by the text that they ask a
 * member for (model/aggkeys.h), they are grouped by it as well; an event without that
 * member is then no error of theirs.  What is the same for all stores (groups, which
 * event concerns which) is the plan, shared and not changed; a store belongs to one
 * thread at a time. */
#ifndef CDP_MODEL_AGGSTORE_H
#define CDP_MODEL_AGGSTORE_H

#include "base/intern.h"
#include "lang/agg.h"

struct cdp_aggplan;
struct cdp_aggplan *cdp_aggplan_new(const struct cdp_aggs *aggs);
void cdp_aggplan_free(struct cdp_aggplan *p);
/* The groups that events of a name concern besides those that every event does: NULL if
 * there are none. */
struct cdp_aggroute;
const struct cdp_aggroute *cdp_aggplan_route(const struct cdp_aggplan *p,
					     const struct cdp_val *event);
/* Whether more than the head of such an event will be read (route: NULL is fine). */
bool cdp_aggplan_reads_on(const struct cdp_aggplan *p, const struct cdp_aggroute *route);

struct cdp_aggstore;
struct cdp_aggstore *cdp_aggstore_new(const struct cdp_aggplan *plan);
void cdp_aggstore_free(struct cdp_aggstore *s);
/* Fetches what an event of this customer, or asking for its states, will touch; later,
 * when that is there, the states of the route's groups (NULL: of all). */
void cdp_aggstore_prefetch(const struct cdp_aggstore *s, uint32_t customer);
void cdp_aggstore_prefetch_states(const struct cdp_aggstore *s, uint32_t customer,
				  const struct cdp_aggroute *route);
/* Customers are numbered from 0 without gaps: there is room for all up to this one. */
void cdp_aggstore_add(struct cdp_aggstore *s, uint32_t customer,
		      const struct cdp_aggroute *route, struct cdp_eval *ev,
		      struct cdp_rec *rec, int64_t ms, uint64_t *eval_errors);
/* The state, there from now on, to be written to. */
void *cdp_aggstore_put(struct cdp_aggstore *s, uint32_t customer, unsigned agg);
/* Calls for every aggregate over certain events whose state is there. */
void cdp_aggstore_each(const struct cdp_aggstore *s, uint32_t customer,
		       void (*call)(void *ctx, unsigned agg), void *ctx);
/* Bytes of the state, with what it has on the heap; 0: nothing occurred. */
size_t cdp_aggstore_bytes(const struct cdp_aggstore *s, uint32_t customer, unsigned agg);
const void *cdp_aggstore_state(const struct cdp_aggstore *s, uint32_t customer,
			       unsigned agg);

#endif
