/* Results of queries, through unixODBC: any database that has a driver.
 *
 * Values are text as the driver writes them, UTF-8: whole numbers and decimals with all
 * their digits, times as "2024-04-25 06:59:46.123", binary values as hex digits.
 *
 * Memory: one row here; drivers differ in how much of a result they keep themselves
 * (PostgreSQL's: all of it, without "UseDeclareFetch=1" in the connection string). */
#ifndef CDP_IO_SQL_H
#define CDP_IO_SQL_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct cdp_sql;

struct cdp_sql_value {
	const char *p; /* not terminated; NULL for NULL */
	size_t n;
};

/* False: built without unixODBC, nothing can be opened. */
bool cdp_sql_built(void);

/* Connects, with a connection string ("Driver=PostgreSQL Unicode;Server=...").  NULL with
 * a usage error (no such driver, or one of sql_built) or a system error; what the driver
 * says is in it, never the string. */
struct cdp_sql *cdp_sql_open(const char *connection, struct cdp_err *err);
void cdp_sql_close(struct cdp_sql *s);

/* Starts a query, which must have columns; the one before is over then.  `row_max`: bytes
 * of a row.  A usage error if the database refuses it. */
int cdp_sql_query(struct cdp_sql *s, const char *text, size_t row_max,
		  struct cdp_err *err);
size_t cdp_sql_count(const struct cdp_sql *s);               /* columns */
const char *cdp_sql_name(const struct cdp_sql *s, size_t i); /* of one */
bool cdp_sql_is_number(const struct cdp_sql *s, size_t i);   /* by its type */
/* 1: a row, valid until the next call; 0: the end; -1: *err, of data kind for a row that
 * cannot be given (call again for the next one), of system kind when the result is cut.
 */
int cdp_sql_next(struct cdp_sql *s, const struct cdp_sql_value **values,
		 struct cdp_err *err);

#endif
