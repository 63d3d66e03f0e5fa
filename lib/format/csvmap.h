/* Rows of tables (CSV) as records, by a map: a JSON file that says which column is what.
 *
 *	{"type": "profile", "charset": "GB18030",
 *	 "fields": [
 *	   {"column": "cust_no", "to": "ids.customer", "required": true},
 *	   {"column": "opened", "to": "set.opened", "type": "date", "format": "%Y%m%d"},
 *	   {"to": "set.bank", "value": "0102"}],
 *	 "rest": "set"}
 *
 * cdp-collect(1) describes all members.  A row becomes the text of a record, members in
 * canonical order, which the reader of native records then checks. */
#ifndef CDP_FORMAT_CSVMAP_H
#define CDP_FORMAT_CSVMAP_H

#include "base/buf.h"
#include "base/zone.h"
#include "io/csv.h"

#include <stdbool.h>

struct cdp_csvmap;

/* `zone`: of times without an offset in columns that name none.  `as_of_ms`: the time of
 * records without a column for it, CDP_NO_TIME if there is none to give (then such a map
 * is an error, unless its records need no time). */
struct cdp_csvmap *cdp_csvmap_load(const char *path, const struct cdp_zone *zone,
				   int64_t as_of_ms, struct cdp_err *err);
struct cdp_csvmap *cdp_csvmap_parse(const char *text, size_t n, const char *name,
				    const struct cdp_zone *zone, int64_t as_of_ms,
				    struct cdp_err *err);
void cdp_csvmap_free(struct cdp_csvmap *m);

/* What it says, in one form however it is laid out: JSON. */
const char *cdp_csvmap_text(const struct cdp_csvmap *m);
/* How the map says its files are to be read; names borrowed from it. */
void cdp_csvmap_csv_opts(const struct cdp_csvmap *m, struct cdp_csv_opts *opts);
/* False: the map itself names the columns, the first row is data. */
bool cdp_csvmap_has_header(const struct cdp_csvmap *m);

/* The names of the columns, commas between, instead of those of the map or of a header
 * row, which there is none then. */
int cdp_csvmap_set_columns(struct cdp_csvmap *m, const char *list, struct cdp_err *err);

/* Find the map's columns in a header row.  A usage error names one that is missing or
 * stands twice. */
int cdp_csvmap_bind(struct cdp_csvmap *m, const struct cdp_csv_field *names, size_t count,
		    struct cdp_err *err);
/* The names bound last as a JSON array; until the next bind. */
const char *cdp_csvmap_header(struct cdp_csvmap *m);
/* A row as a record, appended to `out` without LF; -1 with a data error and nothing
 * appended. */
int cdp_csvmap_row(struct cdp_csvmap *m, const struct cdp_csv_field *fields, size_t count,
		   struct cdp_buf *out, struct cdp_err *err);

#endif
