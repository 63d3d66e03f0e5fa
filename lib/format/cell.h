/* One cell of a table as a JSON value. */
#ifndef CDP_FORMAT_CELL_H
#define CDP_FORMAT_CELL_H

#include "base/buf.h"
#include "base/zone.h"

#include <stdbool.h>

enum cdp_cell_type {
	CDP_CELL_STRING,
	CDP_CELL_INT,
	CDP_CELL_NUMBER,
	CDP_CELL_DECIMAL, /* no exponent: keeps every digit of the fraction */
	CDP_CELL_TIME,
	CDP_CELL_DATE,
	CDP_CELL_BOOL,
	CDP_CELL_TYPES,
};

struct cdp_cell {
	enum cdp_cell_type type;
	const char *format; /* of times and dates (format/stamp.h); NULL: ISO 8601 */
	const struct cdp_zone *zone;
	bool trim;      /* strings, too, lose blanks at their ends */
	bool thousands; /* digits may be grouped by commas */
};

/* The type of a name ("int"), or -1. */
int cdp_cell_type(const char *name);
/* The text without blanks (also full-width ones) at its ends. */
void cdp_cell_trim(const char **p, size_t *n);
/* Append the value.  `tmp` is scratch.  0, or -1 with a data error. */
int cdp_cell_put(const struct cdp_cell *c, struct cdp_buf *out, struct cdp_buf *tmp,
		 const char *p, size_t n, struct cdp_err *err);

#endif
