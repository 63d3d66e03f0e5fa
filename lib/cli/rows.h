/* Result rows of analyses: one call a member; printed as NDJSON (default), aligned text
 * (--table) or CSV (--csv).  The first member is always "result".
 *
 * Rows leave as they end, except for --table, which has to see a column whole: then they
 * are held until cdp_rows_free().  A change of the result or of the members starts a new
 * table, or in CSV a new header line after an empty one. */
#ifndef CDP_CLI_ROWS_H
#define CDP_CLI_ROWS_H

#include "cli/cli.h"

struct cdp_rows;
struct cdp_rows *cdp_rows_new(struct cdp_cli *cli);
void cdp_rows_begin(struct cdp_rows *r, const char *result); /* {"result":"funnel", ... */
/* Text is UTF-8; keys must live as long as `r`. */
void cdp_rows_str(struct cdp_rows *r, const char *key, const char *p, size_t n);
void cdp_rows_cstr(struct cdp_rows *r, const char *key, const char *s);
void cdp_rows_int(struct cdp_rows *r, const char *key, int64_t v);
void cdp_rows_double(struct cdp_rows *r, const char *key, double v);
/* A share 0..1: a number with four decimals in NDJSON and CSV, "27.4%" and a bar in a
 * table. */
void cdp_rows_share(struct cdp_rows *r, const char *key, double v);
void cdp_rows_bool(struct cdp_rows *r, const char *key, bool v);
void cdp_rows_null(struct cdp_rows *r, const char *key);
/* Any JSON text; in tables and CSV a string stands for its decoded text. */
void cdp_rows_json(struct cdp_rows *r, const char *key, const char *raw, size_t n);
int cdp_rows_end(struct cdp_rows *r);  /* the row is complete; -1 if output failed */
int cdp_rows_free(struct cdp_rows *r); /* prints the table if one was asked for */

#endif
