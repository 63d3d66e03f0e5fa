/* Rules that are conjunctions of leaves, of their negations and of groups of those: most
 * of many rules.  They need nothing but the planes of leaves, so they are decided first,
 * those of the same shape one after the other.
 *
 * For lib/model/rule*.c alone. */
#ifndef CDP_MODEL_RULEFLAT_H
#define CDP_MODEL_RULEFLAT_H

#include "base/bits.h"
#include "model/ruleblock.h"

struct cdp_rule_flat {
	uint32_t set, first; /* of its terms */
	bool asked;          /* other rules refer to the set */
};

struct cdp_rule_flats {
	/* Of copies of planes, those most asked for first: of leaf copies[i] with its
	 * errors, or of the plane copies[i] of errors. */
	uint32_t *copies, copy_count;
	struct cdp_bits_term *terms;
	struct cdp_conjunction *rules;
	struct cdp_rule_flat *v; /* what else is of them */
	uint32_t count;
	uint32_t *rest; /* the other sets, in the order of the plan */
	uint32_t rest_count;
	uint32_t *places; /* by set: its number in v, or v's count and that in rest */
};

/* Of a plan that is all but this.  Without whole strips there are none. */
void cdp_rule_flats_init(struct cdp_rule_flats *f, const struct cdp_rule_plan *p);
/* Of a block's planes the copies that terms are of. */
void cdp_rule_flats_copy(const struct cdp_rule_plan *p, uint64_t *copies,
			 const uint64_t *planes);
void cdp_rule_flats_release(struct cdp_rule_flats *f);

#endif
