/* What rulefields.c finds out for rulelooks.c. */
#ifndef CDP_MODEL_RULEFIELDS_PRIV_H
#define CDP_MODEL_RULEFIELDS_PRIV_H

#include "model/rulefields.h"

/* A leaf ordered against constants: true in [from, to) of the places.  Place 2i is below
 * cut i, 2i + 1 at it. */
struct cdp_rule_span {
	uint32_t leaf, from, to;
};

struct cdp_rule_spans {
	struct cdp_rule_span *v;
	uint32_t count, cap;
};

struct cdp_rule_equal {
	uint32_t leaf, first, count; /* of its constants in `picks` */
	bool negated;
};

struct cdp_rule_field {
	int slot;
	uint32_t *has, has_count, has_cap;
	uint32_t *truth, truth_count, truth_cap;
	uint32_t *memo, memo_count, memo_cap; /* any other condition */
	/* equality */
	struct cdp_rule_equal *equals;
	uint32_t equal_count, equal_cap;
	uint32_t *picks, pick_count, pick_cap; /* numbers of constants */
	struct cdp_value *values;
	uint32_t value_count, value_cap;
	uint32_t *table, mask; /* number + 1 by hash */
	/* order */
	double *cuts;
	uint32_t cut_count, cut_cap;
	/* A number's bucket is (it - cuts[0]) * scale; by bucket the first cut there. */
	uint32_t *buckets;
	double scale;
	struct cdp_value *texts;
	uint32_t text_count, text_cap;
	struct cdp_rule_spans below_number, below_text;
};

enum {
	CDP_CELL_PRESENT = 1,
	CDP_CELL_NUMBER = 2,
	CDP_CELL_NAN = 4,
	CDP_CELL_TEXT = 8,
	CDP_CELL_TRUE = 16,
	CDP_CELL_FALSE = 32
};

/* What all conditions on a field but the `memo` ones need to know of a value. */
struct cdp_rule_cell {
	uint32_t equal; /* number of the constant + 1 */
	uint32_t place; /* among the cuts */
	uint32_t memo;  /* rulelooks.c: number of the remembered value + 1 */
	uint32_t is;
};
void cdp_rule_look(const struct cdp_rule_field *f, const struct cdp_val *v,
		   struct cdp_arena *arena, struct cdp_rule_cell *c);

/* The place of a number or text among the cuts. */
uint32_t cdp_rule_place_number(const struct cdp_rule_field *f, double d);
uint32_t cdp_rule_place_text(const struct cdp_rule_field *f, const struct cdp_value *v);

#endif
