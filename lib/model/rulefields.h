/* Leaves of rules, not one by one: those that read the same member of a record share one
 * look at its value.  Constants it is compared with for equality are found by hash, those
 * it is ordered against by bisection, other conditions on it are remembered by value.
 *
 * For lib/model/rule*.c alone. */
#ifndef CDP_MODEL_RULEFIELDS_H
#define CDP_MODEL_RULEFIELDS_H

#include "model/rulecost.h"

/* What leaves ask of one slot; shared and read-only. */
struct cdp_rule_field;

struct cdp_rule_fields {
	struct cdp_rule_field *v;
	uint32_t count, cap;
	uint32_t *rows; /* leaves over several slots or none: one by one */
	uint32_t row_count, row_cap;
	uint32_t *mixed; /* leaves over sets as well */
	uint32_t mixed_count, mixed_cap;
};

struct cdp_rule_fields *cdp_rule_fields_new(const struct cdp_rules *r);
void cdp_rule_fields_free(struct cdp_rule_fields *f);

/* Where it is found out for many records, row by row: a plane of `words` words for each
 * leaf says for which rows it is true, and one that it may share with others for which it
 * is an error. */
enum { CDP_RULE_SHARED = 4 };

struct cdp_rule_planes {
	/* Of `count` leaves (and more) the true ones, then their errors, then those that
	 * are shared: CDP_RULE_SHARED a field. */
	uint64_t *v;
	size_t count;
	unsigned words;
};
static inline uint64_t *cdp_plane_true(const struct cdp_rule_planes *p, uint32_t l)
{
	return p->v + (size_t)l * p->words;
}
/* Of its own. */
static inline uint64_t *cdp_plane_errors(const struct cdp_rule_planes *p, uint32_t l)
{
	return p->v + (p->count + l) * p->words;
}

/* By leaf the number of the plane with its errors, of planes that count so many; caller
 * frees. */
uint32_t *cdp_rule_error_planes(const struct cdp_rules *r,
				const struct cdp_rule_fields *f, size_t count);

/* One thread's looks at records. */
struct cdp_rule_looks;
struct cdp_rule_looks *cdp_rule_looks_new(const struct cdp_rules *r,
					  const struct cdp_rule_fields *f,
					  const struct cdp_rule_planes *planes);
void cdp_rule_looks_free(struct cdp_rule_looks *k);
/* Charges what conditions take from now on; those on a member share its looks evenly. */
void cdp_rule_looks_charge(struct cdp_rule_looks *k, struct cdp_rule_cost *cost);
/* Row `row` is this record.  Leaves that must be evaluated are, into `planes`.  The
 * evaluator is reset. */
void cdp_rule_looks_add(struct cdp_rule_looks *k, unsigned row, struct cdp_rec *rec,
			struct cdp_eval *ev, const struct cdp_rule_planes *planes);
/* The planes of all other leaves but the mixed ones, for rows 0..rows-1, and start
 * again. */
void cdp_rule_looks_take(struct cdp_rule_looks *k, unsigned rows,
			 const struct cdp_rule_planes *planes);
/* Empty the planes of leaves that are evaluated, before the first row. */
void cdp_rule_looks_clear(const struct cdp_rule_looks *k,
			  const struct cdp_rule_planes *planes);
size_t cdp_rule_looks_memory(const struct cdp_rule_looks *k);

#endif
