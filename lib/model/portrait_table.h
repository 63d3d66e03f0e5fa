/* Portraits as tables: for each tag rows of values or bins with a count by group, what
 * may not be told left out, and how far each audience is from the base.
 *
 * A tag is ordered if all its values are numbers, or all are times of one shape (dates,
 * canonical times); a list is not.
 *
 * Quantiles are order statistics, exact and never interpolated: the p-quantile of n
 * customers is the value at rank ceil(p * n) (the inverse of the distribution function;
 * type 1 of Hyndman and Fan, 1996). */
#ifndef CDP_MODEL_PORTRAIT_TABLE_H
#define CDP_MODEL_PORTRAIT_TABLE_H

#include "base/mem.h"
#include "model/portrait.h"
#include "model/portrait_guard.h"

struct cdp_portrait_spec {
	unsigned values; /* rows of values at most; the rest is one row */
	/* Ordered tags with more different values are put into bins.  0: with more than
	 * `values`, into 5. */
	unsigned bins;
	bool equal_width;  /* bins of equal width (numbers only), else of equal count */
	uint64_t min_cell; /* 0: everything may be told */
};

enum cdp_portrait_row_kind {
	CDP_PORTRAIT_VALUE,
	CDP_PORTRAIT_BIN,
	CDP_PORTRAIT_OTHER,  /* values without a row of their own */
	CDP_PORTRAIT_MISSING /* customers without the tag */
};

struct cdp_portrait_row {
	enum cdp_portrait_row_kind kind;
	const char *text; /* JSON: the value, or a bin as a string; "null" if neither */
	size_t n;
	uint64_t counts[CDP_PORTRAIT_GROUPS];
	/* No share of customers: mentions of items of lists that have no row. */
	bool mentions;
	bool hidden;
};

enum { CDP_PORTRAIT_QUANTILES = 5 }; /* 0, 1/4, 1/2, 3/4, 1 */

struct cdp_portrait_summary {
	uint64_t count; /* customers with a value; 0: nothing else is set */
	const char *quantiles[CDP_PORTRAIT_QUANTILES]; /* JSON */
	const char *mean; /* to 6 digits, half to even; NULL: no numbers, or too large */
};

struct cdp_portrait_table {
	const char *name;
	size_t name_n;
	bool list;                     /* a customer may stand in several rows */
	bool ordered;                  /* and may be told: `summary` is set */
	struct cdp_portrait_row *rows; /* values or bins, other, missing */
	size_t count, cap;
	struct cdp_portrait_summary summary[CDP_PORTRAIT_GROUPS];
	/* Distance from the base, 0..1, and the row that tells most of it: the largest
	 * share above that of the base, -1 if there is none. */
	double power[CDP_PORTRAIT_GROUPS];
	int trait[CDP_PORTRAIT_GROUPS];
};

struct cdp_portrait_tables {
	struct cdp_portrait_table *v; /* the one with the largest distance first */
	unsigned count, groups;
	uint64_t size[CDP_PORTRAIT_GROUPS];
	struct cdp_guard_sums guard;
	struct cdp_arena text;
};

/* `p` must outlive them.  NULL with *err if a tag cannot be counted. */
struct cdp_portrait_tables *cdp_portrait_tables_new(const struct cdp_portrait *p,
						    const struct cdp_portrait_spec *spec,
						    struct cdp_err *err);
void cdp_portrait_tables_free(struct cdp_portrait_tables *t);

#endif
