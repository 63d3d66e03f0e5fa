/* What was gathered of one customer, as values for expressions: attributes, rows of
 * details and relations (enum cdp_tag_ref but for tags), aggregates, and entities.  Many
 * expressions ask for the same, which is made and taken apart once. */
#ifndef CDP_MODEL_KNOWN_H
#define CDP_MODEL_KNOWN_H

#include "model/customers.h"

/* One for each evaluator, whose aggregates and entities it answers from now on. */
struct cdp_known;
/* `customers` is finished, or NULL: there is nobody. */
struct cdp_known *cdp_known_new(const struct cdp_tagset *set,
				const struct cdp_customers *customers,
				struct cdp_eval *ev);
void cdp_known_free(struct cdp_known *a); /* NULL is fine */
/* From now on it is this customer of whom is asked; of nobody nothing was gathered.
 * After the evaluator was reset it must be told anew. */
#define CDP_NOBODY UINT32_MAX
void cdp_known_turn(struct cdp_known *a, uint32_t customer);
/* Where customers have no keys: this is its key, of which an entity's row is asked for;
 * NULL: nobody's. */
void cdp_known_name(struct cdp_known *a, const char *key, size_t n);
/* For the host of the evaluator: 0 and *out, or -1 with an evaluation error. */
int cdp_known_fetch(struct cdp_known *a, int ref, struct cdp_value *out,
		    struct cdp_err *err);
/* The value of an aggregate. */
void cdp_known_agg(struct cdp_known *a, unsigned agg, struct cdp_value *out);

#endif
