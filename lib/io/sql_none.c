/* Databases in a build without unixODBC. */
#include "io/sql.h"

#ifndef CDP_WITH_ODBC

bool cdp_sql_built(void)
{
	return false;
}

struct cdp_sql *cdp_sql_open(const char *connection, struct cdp_err *err)
{
	(void)connection;
	cdp_err_set(err, CDP_ERR_USAGE, "built without unixODBC: cannot use SQL");
	return NULL;
}

void cdp_sql_close(struct cdp_sql *s)
{
	(void)s;
}

int cdp_sql_query(struct cdp_sql *s, const char *text, size_t row_max,
		  struct cdp_err *err)
{
	(void)s;
	(void)text;
	(void)row_max;
	return cdp_err_set(err, CDP_ERR_USAGE, "built without unixODBC: cannot use SQL");
}

size_t cdp_sql_count(const struct cdp_sql *s)
{
	(void)s;
	return 0;
}

const char *cdp_sql_name(const struct cdp_sql *s, size_t i)
{
	(void)s;
	(void)i;
	return "";
}

bool cdp_sql_is_number(const struct cdp_sql *s, size_t i)
{
	(void)s;
	(void)i;
	return false;
}

int cdp_sql_next(struct cdp_sql *s, const struct cdp_sql_value **values,
		 struct cdp_err *err)
{
	(void)s;
	(void)values;
	(void)err;
	return 0;
}

enum cdp_sql_kind cdp_sql_kind(const struct cdp_sql *s, size_t i)
{
	(void)s;
	(void)i;
	return CDP_SQL_TEXT;
}

int cdp_sql_upsert_begin(struct cdp_sql *s, const char *table, const size_t *columns,
			 size_t n, struct cdp_err *err)
{
	(void)s;
	(void)table;
	(void)columns;
	(void)n;
	return cdp_err_set(err, CDP_ERR_USAGE, "built without unixODBC: cannot use SQL");
}

int cdp_sql_upsert(struct cdp_sql *s, const struct cdp_sql_value *values,
		   struct cdp_err *err)
{
	(void)s;
	(void)values;
	return cdp_err_set(err, CDP_ERR_USAGE, "built without unixODBC: cannot use SQL");
}

int cdp_sql_upsert_end(struct cdp_sql *s, struct cdp_err *err)
{
	(void)s;
	return cdp_err_set(err, CDP_ERR_USAGE, "built without unixODBC: cannot use SQL");
}

#endif
