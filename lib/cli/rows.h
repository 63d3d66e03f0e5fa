/* Result rows of analyses: one call a member; printed as NDJSON (default), aligned text
 * (--table) or CSV (--csv).  First member is always "result". */
#ifndef CDP_CLI_ROWS_H
#define CDP_CLI_ROWS_H

#include "cli/cli.h"

struct cdp_rows;
struct cdp_rows *cdp_rows_new(struct cdp_cli *cli);
void cdp_rows_begin(struct cdp_rows *r, const char *result); /* {"result":"funnel", ... */
void cdp_rows_str(struct cdp_rows *r, const char *key, const char *p, size_t n);
void cdp_rows_int(struct cdp_rows *r, const char *key, int64_t v);
void cdp_rows_double(struct cdp_rows *r, const char *key, double v);
/* A share 0..1: a number with four decimals in NDJSON and CSV, "27.4%" and a bar in a
 * table. */
void cdp_rows_share(struct cdp_rows *r, const char *key, double v);
void cdp_rows_null(struct cdp_rows *r, const char *key);
void cdp_rows_json(struct cdp_rows *r, const char *key, const char *raw, size_t n);
int cdp_rows_end(struct cdp_rows *r);  /* the row is complete; -1 if output failed */
int cdp_rows_free(struct cdp_rows *r); /* prints the table if one was asked for */

#endif
