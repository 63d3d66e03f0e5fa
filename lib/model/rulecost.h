/* What conditions and audiences take of a thread's CPU time.
 *
 * At any time one account is charged, or none.  What comes row after row is charged for
 * the first 1024 rows of a thread, then for every 16th, which stands for 16 then;
 * likewise values whose conditions are remembered; blocks for the first 8, then for every
 * 8th.  Times are nanoseconds, less what looking at the clock takes.  Of blocks it is the
 * CPU time of the thread; to look at that takes longer than most conditions of a row,
 * whose time is that of the wall, where more than 100 us are 100 us and stand for nothing
 * but themselves: the machine did something else. */
#ifndef CDP_MODEL_RULECOST_H
#define CDP_MODEL_RULECOST_H

#include "model/rules.h"

struct cdp_rule_cost {
	double *leaves; /* by leaf: finding out where it is true */
	double *nodes;  /* by node that several rules share: combining its kids */
	double *sets;   /* by set: the rest of its rule, and what each() does */
	uint32_t leaf_count, node_count, set_count;
	/* of the one at hand */
	double *at; /* what is charged; NULL: nothing */
	double weight;
	bool is_row;       /* else a block */
	uint64_t since;    /* when it began */
	uint64_t clock[2]; /* by is_row: what a look at the clock takes */
	uint64_t rows, blocks;
};

struct cdp_rule_cost *cdp_rule_cost_new(const struct cdp_rules *r, uint32_t sets);
void cdp_rule_cost_free(struct cdp_rule_cost *c); /* NULL is fine */
void cdp_rule_cost_add(struct cdp_rule_cost *c, const struct cdp_rule_cost *more);

/* How many the i-th row or value stands for; 0: it is not charged. */
static inline unsigned cdp_rule_cost_weight(uint64_t i)
{
	return i < 1024 ? 1 : i % 16 ? 0 : 16;
}
/* What comes is the next row, or the end of the next block. */
void cdp_rule_cost_row(struct cdp_rule_cost *c);
void cdp_rule_cost_block(struct cdp_rule_cost *c);

/* From now on `to` is charged, NULL for nothing; not what has no weight. */
void cdp_rule_cost_turn(struct cdp_rule_cost *c, double *to);

#endif
