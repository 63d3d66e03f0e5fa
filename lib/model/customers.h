/* What is known of customers, collected from events, profile updates, detail rows and the
 * identity map in any order, by any number of collectors that are merged; then asked
 * customer by customer by key.
 *
 * Memory: a customer costs its key and about 16 bytes; for each group of aggregates that
 * share their event names 4 bytes, and its states only where such an event occurred;
 * updates and rows their text. */
#ifndef CDP_MODEL_CUSTOMERS_H
#define CDP_MODEL_CUSTOMERS_H

#include "model/tagset.h"

struct cdp_customers;

/* One collector a thread; the tag set is shared and not changed. */
struct cdp_customers *cdp_customers_new(const struct cdp_tagset *set);
void cdp_customers_free(struct cdp_customers *c);

/* The customer's number in this collector, added if new.  `hash`: cdp_hash of the key, or
 * 0. */
uint32_t cdp_customers_put(struct cdp_customers *c, const char *key, size_t n,
			   uint64_t hash);
/* Fetches what the next two calls for a key touch: steps 0, 1 and 2 of cdp_job. */
void cdp_customers_ahead(const struct cdp_customers *c, uint64_t hash, unsigned step);

/* An event of the customer.  Evaluation errors are added to *eval_errors. */
void cdp_customers_event(struct cdp_customers *c, uint32_t customer, struct cdp_eval *ev,
			 struct cdp_rec *rec, const struct cdp_val *event, int64_t ms,
			 uint64_t *eval_errors);

/* One change of an attribute; only attributes that the tag set names are kept.  `value`
 * is raw JSON.  Changes apply by time; of one instant: deleted, unset, set, set_once,
 * increment, append, then by bytes. */
enum cdp_change { CDP_UNSET, CDP_SET, CDP_SET_ONCE, CDP_INCREMENT, CDP_APPEND };
void cdp_customers_attribute(struct cdp_customers *c, uint32_t customer,
			     enum cdp_change what, const struct cdp_val *name,
			     const struct cdp_val *value, int64_t ms);
/* All attributes are removed at that time. */
void cdp_customers_forget(struct cdp_customers *c, uint32_t customer, int64_t ms);
/* A row of a detail table; `props` raw JSON, or missing for a removed row.  Of one
 * instant the greater bytes win, a removal the least. */
void cdp_customers_detail(struct cdp_customers *c, uint32_t customer,
			  const struct cdp_val *table, const struct cdp_val *row,
			  const struct cdp_val *props, int64_t ms);
/* An id of the customer, for the profile's `ids`. */
void cdp_customers_id(struct cdp_customers *c, uint32_t customer,
		      const struct cdp_val *kind, const struct cdp_val *value);

/* Moves all of `from` into `into`; from is freed. */
void cdp_customers_merge(struct cdp_customers *into, struct cdp_customers *from);

/* After the last record: sorts.  Then only the calls below, from any number of threads.
 */
void cdp_customers_finish(struct cdp_customers *c);
uint32_t cdp_customers_count(const struct cdp_customers *c);
/* The i-th customer by key bytes. */
uint32_t cdp_customers_at(const struct cdp_customers *c, uint32_t i);
const char *cdp_customers_key(const struct cdp_customers *c, uint32_t customer,
			      size_t *n);
/* State of an aggregate; never NULL (zeros: nothing occurred). */
const void *cdp_customers_state(const struct cdp_customers *c, uint32_t customer,
				unsigned agg);
/* Raw JSON of an attribute (index of set->attributes) appended to `out`; false: has none.
 */
bool cdp_customers_get_attribute(const struct cdp_customers *c, uint32_t customer,
				 uint32_t attribute, struct cdp_buf *out);
/* Raw JSON array of the latest rows' props, by row key, appended to `out`. */
void cdp_customers_get_details(const struct cdp_customers *c, uint32_t customer,
			       uint32_t table, struct cdp_buf *out);
/* {"customer":["C1"],"phone":[...]} appended to `out`; false: none known. */
bool cdp_customers_get_ids(const struct cdp_customers *c, uint32_t customer,
			   struct cdp_buf *out);

#endif
