/* Who is in which audience: what a run over profiles found, audience by audience.
 *
 * Each thread gathers its own part: rows (profiles) it saw, the customers they belong to,
 * and for each audience the rows in it.  Put together, customers have ranks by the bytes
 * of their keys, so members come in that order.  Memory: that of model/rowlists for
 * members, and for each customer the key and about 40 bytes.
 *
 * Where numbers are all that is asked for, parts may count rows and keep none: members
 * are not known then.  Rows of customers who have several must be decided once more, into
 * parts that keep them. */
#ifndef CDP_MODEL_AUDIENCES_H
#define CDP_MODEL_AUDIENCES_H

#include "base/intern.h"
#include "model/ruleblock.h"

struct cdp_audience_part;
/* By audience its place in the order in which they are added to, or UINT32_MAX if it is
 * not; NULL: their own order. */
struct cdp_audience_part *cdp_audience_part_new(uint32_t sets, const uint32_t *places);
/* The same, which counts alone; all parts must be alike. */
struct cdp_audience_part *cdp_audience_part_counting(uint32_t sets,
						     const uint32_t *places);
void cdp_audience_part_free(struct cdp_audience_part *p);
/* The next row is a profile of this customer; rows count from 0. */
uint32_t cdp_audience_part_row(struct cdp_audience_part *p, const char *key, size_t n);
/* Whose profile a row is: the key, borrowed. */
const char *cdp_audience_part_key(const struct cdp_audience_part *p, uint32_t row,
				  size_t *n);
/* Rows first + i, for the i in `rows`, are in the audience of that place; rows only
 * ascend. */
void cdp_audience_part_add(struct cdp_audience_part *p, uint32_t place, uint32_t first,
			   const struct cdp_rowset *rows);

/* Of one that counts: by place how many rows, to be added to. */
uint32_t *cdp_audience_part_counts(struct cdp_audience_part *p);

struct cdp_audiences;
/* Takes the parts.  Customers of `more` (may be NULL) that have no row are there too, in
 * no audience. */
struct cdp_audiences *cdp_audiences_of(struct cdp_audience_part **parts, unsigned count,
				       const struct cdp_intern *more);
void cdp_audiences_free(struct cdp_audiences *a);
uint32_t cdp_audiences_customers(const struct cdp_audiences *a);
/* The customer of a rank. */
const char *cdp_audiences_key(const struct cdp_audiences *a, uint32_t rank, size_t *n);
/* CDP_INTERN_NONE: there is no such customer. */
uint32_t cdp_audiences_rank(const struct cdp_audiences *a, const char *key, size_t n);

/* By row of a part, in the order of the parts: the rank of its customer; *rows of them.
 */
const uint32_t *cdp_audiences_rows(const struct cdp_audiences *a, unsigned part,
				   uint32_t *rows);

/* Ranks of an audience's members, ascending, each once, in *v (grown as needed, `cap` its
 * size; start with NULL and 0, free it); how many.  One thread at a time. */
uint32_t cdp_audiences_members(struct cdp_audiences *a, uint32_t set, uint32_t **v,
			       uint32_t *cap);
/* From now on the customer of rank r is told as to[r] there, each another number below
 * `limit`, and members ascend by that; NULL: by ranks again.  `to` is not asked later. */
void cdp_audiences_renumber(struct cdp_audiences *a, const uint32_t *to, uint32_t limit);
/* How many, without looking at them if no customer had two profiles. */
uint32_t cdp_audiences_count(struct cdp_audiences *a, uint32_t set);
/* Of parts that counted: the customers who have several rows, and how many rows they have
 * in all; NULL: there are none.  Caller frees. */
struct cdp_intern *cdp_audiences_twice(const struct cdp_audiences *a, uint64_t *rows);
/* `those` is of all their rows, and taken: they count once from now on. */
void cdp_audiences_count_once(struct cdp_audiences *a, struct cdp_audiences *those);
/* All rows of all parts. */
uint64_t cdp_audiences_row_count(const struct cdp_audiences *a);
/* Replace an audience by these members, ascending ranks. */
void cdp_audiences_set(struct cdp_audiences *a, uint32_t set, const uint32_t *v,
		       uint32_t n);
/* Customer by customer in order of rank: the audiences of `sets` (ascending numbers,
 * `count` of them) that they are in, also if there are none.  each() returns 0, or -1 to
 * stop. */
int cdp_audiences_each(struct cdp_audiences *a, const uint32_t *sets, uint32_t count,
		       int (*each)(void *ctx, uint32_t rank, const uint32_t *in,
				   uint32_t n),
		       void *ctx);

#endif
