/* Single customers of a state, as they are by now: their rows of the file, found by key,
 * and what is new of them. */
#ifndef CDP_MODEL_TAGSTATE_VIEW_H
#define CDP_MODEL_TAGSTATE_VIEW_H

#include "model/tagstate_priv.h"

/* Where rows are: one entry every few KiB of the file.  Keys stay where they are. */
struct tst_index {
	struct tst_range {
		const char *p, *end; /* whole rows */
	} * ranges;
	size_t n, cap;
};
/* Checks all of the file, once it was opened. */
int tst_index_make(struct tst_index *x, struct cdp_tagstate *s, struct cdp_err *err);
void tst_index_release(struct tst_index *x);
bool tst_index_find(const struct tst_index *x, struct tst_text key,
		    struct tst_old_row *row);
/* All rows in order: *at and *p start with 0 and NULL.  False at the end. */
bool tst_index_next(const struct tst_index *x, size_t *at, const char **p,
		    struct tst_old_row *row);

/* What was gathered, findable by customer: chains of numbers, each + 1, 0 the end. */
struct tst_new {
	const struct cdp_customers *fresh;
	uint32_t *next; /* by number in fresh: the next one of the same customer */
	uint32_t next_cap;
	uint32_t count; /* numbers that are in chains */
	struct {
		uint32_t *next; /* by place in the log */
		size_t cap, count;
	} facts[TST_FACT_KINDS];
};
/* Starts of the chains of one customer. */
struct tst_chains {
	uint32_t number, facts[TST_FACT_KINDS];
};
struct cdp_facts *tst_facts_of(struct cdp_customers *c, enum tst_fact_kind kind);
void tst_new_release(struct tst_new *n);
/* Adds what is of the customer in `n` to the parts and facts at hand. */
void tst_take_new(struct tst_merger *m, const struct tst_new *n,
		  const struct tst_chains *c);

#endif
