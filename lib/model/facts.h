/* A log of small facts about customers, kept as they come and sorted once at the end:
 * changes of attributes, detail rows, ids.  Inside of lib/model/customers alone. */
#ifndef CDP_MODEL_FACTS_H
#define CDP_MODEL_FACTS_H

#include "base/mem.h"

#include <stdint.h>

struct cdp_fact {
	uint32_t customer;
	uint32_t subject; /* attribute, table or kind of id */
	int64_t ms;
	const char *key; /* row key; "" where there is none; lives in the log's arena */
	const char *text;
	uint32_t key_len, text_len;
	uint8_t what;
};

struct cdp_facts {
	struct cdp_fact *v;
	size_t n, cap;
	uint32_t *first; /* sorted: of each customer; NULL if there are too many facts */
	uint32_t customers;
	struct cdp_arena **arenas; /* the texts; [0] is the one being filled */
	size_t arena_count, arena_cap;
};

void cdp_facts_init(struct cdp_facts *f);
void cdp_facts_release(struct cdp_facts *f);
/* Copies the fact and its texts. */
void cdp_facts_add(struct cdp_facts *f, const struct cdp_fact *fact);
/* Takes all facts of `from`, which is released. */
void cdp_facts_take(struct cdp_facts *f, struct cdp_facts *from);
/* By customer, subject, key, time, what, text: nothing depends on the order of arrival.
 */
void cdp_facts_sort(struct cdp_facts *f);
int cdp_fact_cmp(const void *a, const void *b); /* in that order */
/* The run of facts of (customer, subject) in sorted order; *n of them. */
const struct cdp_fact *cdp_facts_of(const struct cdp_facts *f, uint32_t customer,
				    uint32_t subject, size_t *n);
/* The run of all facts of a customer. */
const struct cdp_fact *cdp_facts_of_customer(const struct cdp_facts *f, uint32_t customer,
					     size_t *n);

#endif
