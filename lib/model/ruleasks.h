/* Leaves of rules over what was gathered of a customer alone (CDP_FORM_ASKED):
 * aggregates, attributes, details, relations.  Most customers have nothing of what most
 * leaves ask for.  So it is found out once what a leaf says of nobody, which is what it
 * says of every row but of those whose customer has something that it asks for; only
 * these are evaluated.  Of those that want a text in a list (cdp_part_key) only the ones
 * whose text is there.
 *
 * For lib/model/rule*.c alone. */
#ifndef CDP_MODEL_RULEASKS_H
#define CDP_MODEL_RULEASKS_H

#include "model/known.h"
#include "model/rulefields.h"

/* Which leaves ask for what; shared and read-only. */
struct cdp_rule_asks;
/* NULL: there are no such leaves.  `set` may be NULL if no leaf asks for anything. */
struct cdp_rule_asks *cdp_rule_asks_new(const struct cdp_rules *r,
					const struct cdp_tagset *set);
void cdp_rule_asks_free(struct cdp_rule_asks *a); /* NULL is fine */

/* One thread's.  What the evaluator is told by `known` (or NULL) is of nobody; it is
 * reset. */
struct cdp_rule_asking;
struct cdp_rule_asking *cdp_rule_asking_new(const struct cdp_rule_asks *a,
					    const struct cdp_customers *customers,
					    struct cdp_eval *ev, struct cdp_known *known);
void cdp_rule_asking_free(struct cdp_rule_asking *k); /* NULL is fine */
/* Before the first row: what the leaves say of nobody. */
void cdp_rule_asking_clear(const struct cdp_rule_asking *k,
			   const struct cdp_rule_planes *planes);
/* Charges what leaves take from now on; what is not of one alone they share evenly. */
void cdp_rule_asking_charge(struct cdp_rule_asking *k, struct cdp_rule_cost *cost);
/* Row `row` is of this customer (or CDP_NOBODY), of whom the evaluator's answers
 * are already. */
void cdp_rule_asking_add(struct cdp_rule_asking *k, unsigned row, uint32_t customer,
			 const struct cdp_rule_planes *planes);
/* After the last row; `all` are the rows there are. */
void cdp_rule_asking_take(struct cdp_rule_asking *k, const uint64_t *all,
			  const struct cdp_rule_planes *planes);

#endif
