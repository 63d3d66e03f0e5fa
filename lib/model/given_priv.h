/* What given.c and given_import.c share. */
#ifndef CDP_MODEL_GIVEN_PRIV_H
#define CDP_MODEL_GIVEN_PRIV_H

#include "base/intern.h"
#include "model/given.h"

/* The values of one tag. */
struct cdp_column {
	struct cdp_intern *texts; /* different values, JSON */
	uint32_t *of;             /* by place: number of the text + 1; 0: none */
	uint32_t places;
	struct cdp_intern *ids; /* imports: to `value` */
	uint32_t *value;        /* number of the text + 1 */
	size_t value_cap;
	struct cdp_given_counts counts;
};

/* Reads all files of an import into the column. */
int cdp_import_read(struct cdp_column *c, const struct cdp_tag_import *im,
		    enum cdp_tag_type type, struct cdp_err *err);

#endif
