/* What the conditions of many rules say of one profile, in few numbers: those that read
 * the same member are a column, and what they all say of a value is its class there.
 * Profiles that agree in their classes agree in every condition.
 *
 * Conditions over several members, or over audiences, are columns of five, evaluated for
 * each profile.  Those over what was gathered alone are no columns: they have bits of
 * their own (model/liveasks.h).
 *
 * For lib/model/live*.c alone. */
#ifndef CDP_MODEL_LIVECOLS_H
#define CDP_MODEL_LIVECOLS_H

#include "model/rulefields_priv.h"

/* Columns of members, then those that are evaluated, then those over audiences. */
struct cdp_livecol {
	uint32_t first, words;              /* where its conditions stand in a plane */
	const struct cdp_rule_field *field; /* NULL: `leaves` are evaluated */
	const uint32_t *leaves;
	uint32_t leaf_count;
	/* By constant: bits of the leaves that are equalities with it. */
	uint32_t *equal_first, *equal_bits;
	struct cdp_intern *cells; /* what is told of a value */
	uint32_t *class_of;       /* by cell */
	uint32_t class_cap;
	struct cdp_intern *rows; /* by class */
};

struct cdp_livecols {
	const struct cdp_rules *rules;
	struct cdp_rule_fields *fields;
	struct cdp_livecol *v;
	uint32_t count, cap;
	uint32_t rows, mixed; /* the first column of several members, and of audiences */
	uint32_t words;       /* of a plane: true ones, then as many: false ones */
	/* After all columns: conditions over what was gathered, from this word on. */
	uint32_t asked_first, *asked, asked_count;
	uint32_t *bit; /* by leaf: its bit in a plane */
	uint64_t *row; /* scratch */
	struct cdp_buf key;
};

/* `wanted`: by leaf, whether it is of a rule that will be asked for.  `place`: by set,
 * its place in an order in which each stands after those it needs. */
struct cdp_livecols *cdp_livecols_new(const struct cdp_rules *r, const bool *wanted,
				      const uint32_t *place);
void cdp_livecols_free(struct cdp_livecols *c);

/* The classes of a profile in all columns before `mixed`.  The evaluator is reset. */
void cdp_livecols_look(struct cdp_livecols *c, struct cdp_rec *rec, struct cdp_eval *ev,
		       uint32_t *classes);
/* The planes of such classes, from one column up to another. */
void cdp_livecols_spread(const struct cdp_livecols *c, const uint32_t *classes,
			 uint32_t from, uint32_t to, uint64_t *planes);
/* The columns from `mixed` on, one condition after the other, which the evaluator's host
 * may ask the planes for meanwhile; they get them, too. */
void cdp_livecols_look_mixed(struct cdp_livecols *c, struct cdp_rec *rec,
			     struct cdp_eval *ev, uint32_t *classes, uint64_t *planes);

static inline bool cdp_live_bit(const uint64_t *planes, uint32_t bit)
{
	return planes[bit / 64] >> bit % 64 & 1;
}

#endif
