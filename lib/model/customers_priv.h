/* What customers.c and gather.c share. */
#ifndef CDP_MODEL_CUSTOMERS_PRIV_H
#define CDP_MODEL_CUSTOMERS_PRIV_H

#include "base/buf.h"
#include "model/aggstore.h"
#include "model/customers.h"
#include "model/facts.h"

#include <pthread.h>

struct cdp_shard {
	pthread_mutex_t lock;
	struct cdp_intern *keys; /* of the customers, by their number in the shard */
	struct cdp_aggstore *aggs;
} __attribute__((aligned(64))); /* no two threads write to one cache line */

struct cdp_customers {
	struct cdp_shard *shards;
	unsigned shard_count; /* a power of two */
	unsigned threads;
	const struct cdp_tagset *set;
	struct cdp_aggplan *plan;
	struct cdp_intern *kinds; /* of ids */
	struct cdp_facts attributes, forgets, details, relations, ids;
	const struct cdp_panes *panes; /* or NULL, see cdp_customers_by_pane */
	uint32_t *order;               /* all customers by key */
	uint32_t count;
};

/* A key with its pane: the key, then the pane's start as eight bytes. */
enum { CDP_PANE_BYTES = 8 };
#define CDP_PANE_NONE INT64_MAX /* what belongs to no event */

/* Customers are numbered through all shards: shard, then number in it. */
static inline uint32_t cdp_customer_number(const struct cdp_customers *c, unsigned shard,
					   uint32_t local)
{
	return local * c->shard_count + shard;
}

#endif
