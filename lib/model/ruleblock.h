/* Sets defined by rules, decided for up to 4096 records at a time, 2048 where there are
 * thousands of conditions.
 *
 * A set of rows is a bit a row.  Leaves become such sets once, by what they read
 * (model/rulefields), and everything above them is algebra over them (base/bits): where a
 * rule is true, and where it is an error.
 *
 * Memory of a block: 1 KiB for each leaf and for each part that several rules share, less
 * rows at a time where that would be more than 48 MiB; half of that again for leaves of
 * conjunctions; 64 KiB for each member that leaves read, and up to 256 KiB for its
 * values. */
#ifndef CDP_MODEL_RULEBLOCK_H
#define CDP_MODEL_RULEBLOCK_H

#include "base/bits.h"
#include "model/customers.h"
#include "model/rulecost.h"

#define CDP_RULE_GIVEN UINT32_MAX

/* What is to be decided; shared and read-only. */
struct cdp_rule_plan;
struct cdp_rule_spec {
	const struct cdp_rules *rules;
	uint32_t set_count;
	const uint32_t *nodes; /* by set: its rule, or CDP_RULE_GIVEN */
	const uint32_t *order; /* sets to be decided, each after those that it needs */
	uint32_t order_count;
	unsigned max_words; /* of 64 rows in a block; 0: as many as are good */
	/* What leaves ask for besides records, and of whom it was gathered; may be NULL.
	 */
	const struct cdp_tagset *asked;
	const struct cdp_customers *customers;
};
/* What `spec` points to must stay. */
struct cdp_rule_plan *cdp_rule_plan_new(const struct cdp_rule_spec *spec);
void cdp_rule_plan_free(struct cdp_rule_plan *p);
/* By set its place in the order in which they are decided, which is another one than
 * that of the spec; UINT32_MAX: it is not decided. */
const uint32_t *cdp_rule_plan_places(const struct cdp_rule_plan *p);
/* Rows of a block. */
unsigned cdp_rule_plan_rows(const struct cdp_rule_plan *p);

/* Bit i of word w is row 64 * w + i: true in `t`, an error in `e`, never both. */
struct cdp_rowset {
	const uint64_t *t, *e; /* `e` NULL: not told */
	uint64_t has;          /* words of `t` that are not 0 */
	unsigned errors;       /* bits of `e` */
	uint32_t place;        /* of the set */
};

struct cdp_rule_block; /* one a thread */
struct cdp_rule_block *cdp_rule_block_new(const struct cdp_rule_plan *p,
					  const struct cdp_run *run,
					  const struct cdp_paths *paths);
void cdp_rule_block_free(struct cdp_rule_block *b);
/* Before the first row: charges what it takes to decide (model/rulecost) until the block
 * is freed.  Rules that are conjunctions of conditions are charged by groups of 64, whose
 * time is split by their numbers of conditions. */
void cdp_rule_block_charge(struct cdp_rule_block *b, struct cdp_rule_cost *cost);
/* The next row is this record; its number.  The block must not be full. */
unsigned cdp_rule_block_add(struct cdp_rule_block *b, struct cdp_rec *rec);
/* The same, and the record is of this customer of spec.customers. */
unsigned cdp_rule_block_add_of(struct cdp_rule_block *b, struct cdp_rec *rec,
			       uint32_t customer);
/* A row is in a set that is given. */
void cdp_rule_block_give(struct cdp_rule_block *b, unsigned row, uint32_t set);
/* Rows so far. */
unsigned cdp_rule_block_count(const struct cdp_rule_block *b);
/* Sets of which numbers are all that is asked for: how many rows are in them, and how
 * many are errors, are added up by place, and each() is not told of them. */
struct cdp_rule_tally {
	uint32_t *members;
	uint64_t *errors, all_errors;
	const uint64_t *told; /* as bits by place: those of which each() is told */
};

/* Decide all sets of spec.order; each() gets those that have a row or an error, each
 * after those that it needs, and may put fewer rows in place of `t` and `has`: those are
 * what later rules see.  Without `errors` it may not be told which rows they are, only
 * how many.  The block is empty then. */
void cdp_rule_block_decide(struct cdp_rule_block *b, bool errors,
			   void (*each)(void *ctx, uint32_t set, struct cdp_rowset *rows),
			   void *ctx);
/* The same without `errors`, and with a tally: of any set, each() may be told of it
 * instead. */
void cdp_rule_block_tally(struct cdp_rule_block *b, struct cdp_rule_tally *tally,
			  void (*each)(void *ctx, uint32_t set, struct cdp_rowset *rows),
			  void *ctx);

#endif
