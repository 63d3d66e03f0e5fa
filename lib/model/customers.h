/* What is known of customers, gathered from events, profile updates, detail rows and the
 * identity map in any order, by any number of threads; then asked customer by customer by
 * key.
 *
 * Customers are shared: they lie in shards by the hash of their key, each with a lock.  A
 * thread puts its events off and settles many at once, shard by shard, so that locks are
 * rarely met and what a shard must fetch from memory is fetched together.
 *
 * Memory: a customer costs about 45 bytes with its key, a key of more than 20 bytes its
 * length more; the states of aggregates that every event concerns; of those for certain
 * events 4 bytes a group of such events, and states only where one occurred; updates and
 * rows their text. */
#ifndef CDP_MODEL_CUSTOMERS_H
#define CDP_MODEL_CUSTOMERS_H

#include "model/tagset.h"

struct cdp_customers;

/* For so many threads.  The tag set is shared and not changed. */
struct cdp_customers *cdp_customers_new(const struct cdp_tagset *set, unsigned threads);
void cdp_customers_free(struct cdp_customers *c);
/* Before anything is gathered: each customer's events are kept apart by pane, for
 * model/tagstate alone, which takes the customers instead of cdp_customers_finish() and
 * asking. */
struct cdp_panes;
void cdp_customers_by_pane(struct cdp_customers *c, const struct cdp_panes *panes);

/* Some aggregate reads more than the head of every event. */
bool cdp_customers_read_all(const struct cdp_customers *c);

/* --- gathering: one gatherer a thread --- */

struct cdp_gather;
struct cdp_gather *cdp_gather_new(struct cdp_customers *c, const struct cdp_run *run);
/* All that was gathered belongs to the customers now.  For one thread at a time. */
void cdp_gather_end(struct cdp_gather *g);

/* The changes of attributes and detail rows so far are the customers' already. */
void cdp_gather_share(struct cdp_gather *g);

/* The customer's number, added if new. */
uint32_t cdp_gather_customer(struct cdp_gather *g, const char *key, size_t n);

/* An event of the customer with this key, put off: record and key stay as they are until
 * cdp_gather_settle(), which must come before CDP_GATHER_MAX more.  Adds evaluation
 * errors to *eval_errors. */
enum { CDP_GATHER_MAX = 256 };
void cdp_gather_event(struct cdp_gather *g, const char *key, size_t n,
		      struct cdp_rec *rec, const struct cdp_val *event, int64_t ms);
void cdp_gather_settle(struct cdp_gather *g, uint64_t *eval_errors);

/* One change of an attribute; only attributes that the tag set names are kept.  `value`
 * is raw JSON.  Changes apply by time; of one instant: deleted, unset, set, set_once,
 * increment, append, then by bytes. */
enum cdp_change { CDP_UNSET, CDP_SET, CDP_SET_ONCE, CDP_INCREMENT, CDP_APPEND };
void cdp_gather_attribute(struct cdp_gather *g, uint32_t customer, enum cdp_change what,
			  const struct cdp_val *name, const struct cdp_val *value,
			  int64_t ms);
/* All attributes are removed at that time. */
void cdp_gather_forget(struct cdp_gather *g, uint32_t customer, int64_t ms);
/* A row of a detail table; `props` raw JSON, or missing for a removed row.  Of one
 * instant the greater bytes win, a removal the least. */
void cdp_gather_detail(struct cdp_gather *g, uint32_t customer,
		       const struct cdp_val *table, const struct cdp_val *row,
		       const struct cdp_val *props, int64_t ms);
/* A relation (number in set->relations) to somebody or something with this id; `props`
 * raw JSON, maybe empty, or NULL: removed. */
void cdp_gather_relation(struct cdp_gather *g, uint32_t customer, uint32_t relation,
			 const char *id, size_t n, const char *props, size_t props_n,
			 int64_t ms);
/* An id of the customer, for the profile's `ids`. */
void cdp_gather_id(struct cdp_gather *g, uint32_t customer, const struct cdp_val *kind,
		   const struct cdp_val *value);

/* --- asking --- */

/* After the last record: sorts.  Then only the calls below, from any number of threads.
 */
void cdp_customers_finish(struct cdp_customers *c);
uint32_t cdp_customers_count(const struct cdp_customers *c);
/* The i-th customer by key bytes; fetches what those after it will need. */
uint32_t cdp_customers_at(const struct cdp_customers *c, uint32_t i);
const char *cdp_customers_key(const struct cdp_customers *c, uint32_t customer,
			      size_t *n);
/* State of an aggregate; never NULL (zeros: nothing occurred). */
const void *cdp_customers_state(const struct cdp_customers *c, uint32_t customer,
				unsigned agg);
/* Calls for every aggregate over certain events of which some concerned the customer. */
void cdp_customers_each_agg(const struct cdp_customers *c, uint32_t customer,
			    void (*call)(void *ctx, unsigned agg), void *ctx);
/* Calls with the reference (enum cdp_tag_ref) of every attribute, table of details and
 * relation of which something is known. */
void cdp_customers_each_fact(const struct cdp_customers *c, uint32_t customer,
			     void (*call)(void *ctx, int ref), void *ctx);
/* Its bytes, with what it has on the heap; 0: nothing occurred. */
size_t cdp_customers_state_bytes(const struct cdp_customers *c, uint32_t customer,
				 unsigned agg);
/* Raw JSON of an attribute (index of set->attributes) appended to `out`; false: has none.
 */
bool cdp_customers_get_attribute(const struct cdp_customers *c, uint32_t customer,
				 uint32_t attribute, struct cdp_buf *out);
/* Raw JSON array of the latest rows' props, by row key, appended to `out`. */
void cdp_customers_get_details(const struct cdp_customers *c, uint32_t customer,
			       uint32_t table, struct cdp_buf *out);
/* Raw JSON array, by id, appended to `out`: of the ids at the other end, or with `props`
 * of those, each with the `id` as its first member. */
void cdp_customers_get_relations(const struct cdp_customers *c, uint32_t customer,
				 uint32_t relation, bool props, struct cdp_buf *out);
/* The ids of one kind, in order of bytes: the next one from *at (0 at first) on, n bytes;
 * NULL: no more. */
const char *cdp_customers_next_id(const struct cdp_customers *c, uint32_t customer,
				  const char *kind, size_t *at, size_t *n);
/* {"customer":["C1"],"phone":[...]} appended to `out`; false: none known. */
bool cdp_customers_get_ids(const struct cdp_customers *c, uint32_t customer,
			   struct cdp_buf *out);

#endif
