/* Values of tags that are given from outside, by files or by programs, customer by
 * customer.
 *
 *	g = cdp_given_new(set);
 *	cdp_given_read(g, &err);             the files
 *	cdp_given_add_customers(g, gather);  before cdp_customers_finish()
 *	cdp_given_place(g, customers);       after it
 *
 * Then values are there by place; those of programs come in the passes of the population
 * (model/population.h).
 *
 * Memory: each different value once; an id of an import 24 bytes and its text; 4 bytes a
 * customer and tag. */
#ifndef CDP_MODEL_GIVEN_H
#define CDP_MODEL_GIVEN_H

#include "model/customers.h"

struct cdp_given;

struct cdp_given *cdp_given_new(const struct cdp_tagset *set);
void cdp_given_free(struct cdp_given *g);

/* Reads the files of all imports.  NDJSON: {"one_id":"...","value":...}; CSV, if the name
 * ends in .csv (before .gz or .zst), with a header.  -1: a file cannot be read (system
 * kind), or what stands in it is no row (usage kind). */
int cdp_given_read(struct cdp_given *g, struct cdp_err *err);
void cdp_given_add_customers(const struct cdp_given *g, struct cdp_gather *gather);
void cdp_given_place(struct cdp_given *g, const struct cdp_customers *c);
/* The same for some customers of many, as often as they are others: nothing is counted,
 * and what programs said is forgotten. */
void cdp_given_view(struct cdp_given *g, const struct cdp_customers *c);

/* Of an import: rows, ids that are a customer's, ids that are nobody's, and rows whose id
 * had come before. */
struct cdp_given_counts {
	uint64_t rows, matched, unknown, repeated;
};
const struct cdp_given_counts *cdp_given_counts(const struct cdp_given *g, unsigned tag);

/* JSON text of the value of a tag by place; NULL: there is none. */
const char *cdp_given_get(const struct cdp_given *g, unsigned tag, uint32_t place,
			  size_t *n);
/* The value of a tag that has none yet there.  For one thread. */
void cdp_given_put(struct cdp_given *g, unsigned tag, uint32_t place, const char *json,
		   size_t n);

#endif
