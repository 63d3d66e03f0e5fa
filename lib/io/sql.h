/* Results of queries, and rows into tables, through unixODBC: any database that has a
 * driver.
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

/* --- rows into a table ---
 *
 *	cdp_sql_query(s, "SELECT * FROM t WHERE 1 = 0", ...)	what columns there are
 *	cdp_sql_upsert_begin(s, "t", columns, n, &err)
 *	cdp_sql_upsert(s, values, &err)				for every row
 *	cdp_sql_upsert_end(s, &err)
 *
 * All rows are one transaction: whatever ends it before cdp_sql_upsert_end() has
 * returned 0, an error, cdp_sql_close() or death, nothing was written. */

/* What a column takes, as text. */
enum cdp_sql_kind {
	CDP_SQL_TEXT,
	CDP_SQL_NUMBER,
	CDP_SQL_BOOL, /* 1 or 0 */
	CDP_SQL_TIME, /* "2024-04-25 06:59:46.123", without a zone */
	CDP_SQL_DATE, /* "2024-04-25" */
};
enum cdp_sql_kind cdp_sql_kind(const struct cdp_sql *s, size_t i);

/* Rows will have these columns (numbers of the query at hand, which is over then); the
 * first is the key, whose value stands in one row of the table at most. */
int cdp_sql_upsert_begin(struct cdp_sql *s, const char *table, const size_t *columns,
			 size_t n, struct cdp_err *err);
/* Puts the values over those of the row with this key; other columns of it stay as they
 * are.  Without such a row it is inserted. */
int cdp_sql_upsert(struct cdp_sql *s, const struct cdp_sql_value *values,
		   struct cdp_err *err);
int cdp_sql_upsert_end(struct cdp_sql *s, struct cdp_err *err);

#endif
