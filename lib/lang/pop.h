/* Functions over the whole population: rank, percent_rank, ntile, population_mean.
 *
 *	rank(X)               1 for the largest X; equal ones share a rank, gaps follow
 *	percent_rank(X)       (rank - 1) / (people - 1), from 0 for the largest to 1; of
 *one alone 0 ntile(N, X)           1..N: N groups of equal size, the first of them one
 *larger where it does not come out even; equal X are parted by customer key
 *	population_mean(X)    the mean of X, the same for everybody
 *
 * as RANK(), PERCENT_RANK() and NTILE() of SQL over (order by X desc).  After X may stand
 * 'asc' (or 'desc'): the smallest first; last a condition: only people for whom it holds
 * are in the population.  X is an expression over one customer (aggregates, profile, tags
 * ...) and gives a number, a timestamp or a duration; where kinds mix, timestamps are
 * above durations above numbers.  Numbers are compared as doubles; -0 is 0.  People whose
 * X is null, an error or no such value are not in the population and have the result
 * null; population_mean (of numbers alone, an exact sum of decimals) is null only where
 * the population is empty.
 *
 * The compiler collects the functions in a set (equal ones once).  A tool makes a census
 * of each: it puts every customer's value by the customer's place in the order of keys,
 * finishes, and from then on answers the evaluator (cdp_eval_set_pops) from it.  Results
 * do not depend on the order of input nor on the number of threads.  A function cannot
 * stand directly in another one: X may name a tag that has one, which is then computed in
 * an earlier pass (model/population.h). */
#ifndef CDP_LANG_POP_H
#define CDP_LANG_POP_H

#include "lang/expr.h"

enum cdp_pop_kind {
	CDP_POP_RANK,
	CDP_POP_PERCENT_RANK,
	CDP_POP_NTILE,
	CDP_POP_MEAN,
};

struct cdp_pop {
	enum cdp_pop_kind kind;
	struct cdp_expr *arg;  /* X */
	struct cdp_expr *cond; /* NULL: everybody */
	bool ascending;
	uint32_t tiles;   /* ntile */
	const char *text; /* canonical text, the key for sharing */
};

struct cdp_pops *cdp_pops_new(void);
void cdp_pops_free(struct cdp_pops *p);
unsigned cdp_pops_count(const struct cdp_pops *p); /* of NULL 0 */
const struct cdp_pop *cdp_pops_at(const struct cdp_pops *p, unsigned i);

/* The values of all people for one function.  Memory: 16 bytes a place until it is
 * finished (32 while it sorts), then 4; population_mean none. */
struct cdp_census;
struct cdp_census *cdp_census_new(const struct cdp_pop *p, uint32_t places);
void cdp_census_free(struct cdp_census *c);
/* Evaluate the function for the customer at hand, whose place this is: 1 in the
 * population, 0 not, -1 not because of an error.  From any thread, each place once. `rec`
 * may be NULL if no record is read. */
int cdp_census_ask(struct cdp_census *c, uint32_t place, struct cdp_eval *ev,
		   struct cdp_rec *rec, struct cdp_err *err);
/* The same for a value that is known: 1, 0 (null), or -1 with an evaluation error. */
int cdp_census_put(struct cdp_census *c, uint32_t place, const struct cdp_value *v,
		   struct cdp_err *err);
/* After the last one. */
void cdp_census_finish(struct cdp_census *c);
/* People in the population. */
uint32_t cdp_census_size(const struct cdp_census *c);
/* CDP_NOT_SURVEYED: of somebody who came later. */
#define CDP_NOT_SURVEYED UINT32_MAX
void cdp_census_result(const struct cdp_census *c, uint32_t place, struct cdp_value *out);

#endif
