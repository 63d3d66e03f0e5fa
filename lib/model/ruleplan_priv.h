/* A plan as ruleblock.c follows it. */
#ifndef CDP_MODEL_RULEPLAN_PRIV_H
#define CDP_MODEL_RULEPLAN_PRIV_H

#include "model/ruleasks.h"
#include "model/ruleblock.h"
#include "model/rulefields.h"
#include "model/ruleflat.h"

/* WORDS_FLAT where there are thousands of leaves: less is more time for each rule, more
 * is more that does not fit the cache. */
enum { WORDS_MAX = 64, WORDS_FLAT = 32, TRANSIENT = 0x80000000u };

struct cdp_rule_plan {
	struct cdp_rule_spec spec;
	struct cdp_rule_fields *fields;
	struct cdp_rule_asks *asks; /* or NULL */
	unsigned words;
	uint32_t slots; /* leaves, then shared nodes, then sets that rules refer to */
	uint32_t *node_slot; /* by node: its slot, or TRANSIENT */
	uint32_t *set_slot;  /* by set, likewise */
	uint32_t *slot_node; /* by slot of a shared node: it */
	uint32_t *kids;      /* as rules->kids: the kid's slot, or TRANSIENT | node */
	uint32_t *given;     /* sets that rules refer to and that are given */
	uint32_t given_count;
	uint32_t *errors; /* by leaf: the plane of its errors */
	struct cdp_rule_flats flats;
};

#endif
