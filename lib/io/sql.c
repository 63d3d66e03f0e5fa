#include "io/sql.h"

#ifndef CDP_WITH_ODBC

bool cdp_sql_built(void)
{
	return false;
}

struct cdp_sql *cdp_sql_open(const char *connection, struct cdp_err *err)
{
	(void)connection;
	cdp_err_set(err, CDP_ERR_USAGE, "built without unixODBC: cannot read SQL");
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
	return cdp_err_set(err, CDP_ERR_USAGE, "built without unixODBC: cannot read SQL");
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

#else

#include <stdlib.h>
#include <string.h>

#include <sql.h>
#include <sqlext.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

struct column {
	char *name;
	bool is_number;
};

struct cdp_sql {
	SQLHENV env;
	SQLHDBC db;
	SQLHSTMT stmt;
	bool connected;
	struct column *columns;
	size_t count, row_max;
	struct cdp_sql_value *values; /* p is an offset in text until the row is read */
	struct cdp_buf text;
};

bool cdp_sql_built(void)
{
	return true;
}

/* --- what drivers say --- */

/* One line, without the tags of those who passed it on: "[unixODBC][SQLite]". */
static const char *tidy(char *msg)
{
	char *p = msg;

	while (*p == '[') {
		char *end = strchr(p, ']');

		if (!end)
			break;
		p = end + 1;
		while (*p == ' ')
			p++;
	}
	for (char *q = p; *q; q++)
		if ((unsigned char)*q < ' ')
			*q = ' ';
	for (size_t n = strlen(p); n && (p[n - 1] == ' ' || p[n - 1] == ';'); n--)
		p[n - 1] = '\0';
	return p;
}

/* By the class of the state. */
static bool is_one(const char *state, const char *const *classes)
{
	for (; *classes; classes++)
		if (strncmp(state, *classes, strlen(*classes)) == 0)
			return true;
	return false;
}

/* Always -1.  `what`: "cannot connect", "query" ... */
static int complain(SQLSMALLINT type, SQLHANDLE h, const char *what, struct cdp_err *err)
{
	/* There is no such driver; and what is out there fails, whatever it is asked. */
	static const char *const wrong[] = { "IM", "01000", NULL };
	static const char *const failed[] = { "08", "40",  "53", "57",
					      "58", "HYT", "XX", NULL };
	SQLCHAR state[6] = "", msg[600] = "no reason given";
	SQLINTEGER native;
	SQLSMALLINT n;

	SQLGetDiagRec(type, h, 1, state, &native, msg, sizeof(msg), &n);
	cdp_err_set(err, CDP_ERR_SYS, "%s: %s", what, tidy((char *)msg));
	if (is_one((char *)state, wrong) ||
	    (type == SQL_HANDLE_STMT && !is_one((char *)state, failed)))
		err->kind = CDP_ERR_USAGE;
	return -1;
}

/* --- connecting --- */

static int connect(struct cdp_sql *s, const char *connection, struct cdp_err *err)
{
	SQLRETURN rc;

	if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &s->env)))
		return cdp_err_set(err, CDP_ERR_SYS, "unixODBC cannot be used");
	SQLSetEnvAttr(s->env, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)SQL_OV_ODBC3, 0);
	if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_DBC, s->env, &s->db)))
		return complain(SQL_HANDLE_ENV, s->env, "unixODBC", err);
	rc = SQLDriverConnect(s->db, NULL, (SQLCHAR *)(uintptr_t)connection, SQL_NTS,
			      NULL, 0, NULL, SQL_DRIVER_NOPROMPT);
	if (!SQL_SUCCEEDED(rc))
		return complain(SQL_HANDLE_DBC, s->db, "cannot connect", err);
	s->connected = true;
	return 0;
}

struct cdp_sql *cdp_sql_open(const char *connection, struct cdp_err *err)
{
	struct cdp_sql *s = cdp_calloc(1, sizeof(*s));

	cdp_buf_init(&s->text, CDP_BUF_NOMAX);
	if (connect(s, connection, err) == 0)
		return s;
	cdp_sql_close(s);
	return NULL;
}

static void end_query(struct cdp_sql *s)
{
	if (s->stmt)
		SQLFreeHandle(SQL_HANDLE_STMT, s->stmt);
	s->stmt = NULL;
	for (size_t i = 0; i < s->count; i++)
		free(s->columns[i].name);
	free(s->columns);
	free(s->values);
	s->columns = NULL;
	s->values = NULL;
	s->count = 0;
}

void cdp_sql_close(struct cdp_sql *s)
{
	if (!s)
		return;
	end_query(s);
	if (s->connected)
		SQLDisconnect(s->db);
	if (s->db)
		SQLFreeHandle(SQL_HANDLE_DBC, s->db);
	if (s->env)
		SQLFreeHandle(SQL_HANDLE_ENV, s->env);
	cdp_buf_release(&s->text);
	free(s);
}

/* --- a query --- */

static bool is_number(SQLSMALLINT type)
{
	static const SQLSMALLINT types[] = { SQL_NUMERIC,  SQL_DECIMAL, SQL_INTEGER,
					     SQL_SMALLINT, SQL_FLOAT,   SQL_REAL,
					     SQL_DOUBLE,   SQL_BIGINT,  SQL_TINYINT };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (types[i] == type)
			return true;
	return false;
}

static int describe(struct cdp_sql *s, size_t i, struct cdp_err *err)
{
	SQLCHAR name[1024] = "";
	SQLSMALLINT len, type, digits, nullable;
	SQLULEN size;

	if (!SQL_SUCCEEDED(SQLDescribeCol(s->stmt, (SQLUSMALLINT)(i + 1), name,
					  sizeof(name), &len, &type, &size, &digits,
					  &nullable)))
		return complain(SQL_HANDLE_STMT, s->stmt, "result", err);
	s->columns[i].name = cdp_strdup((char *)name);
	s->columns[i].is_number = is_number(type);
	return 0;
}

int cdp_sql_query(struct cdp_sql *s, const char *text, size_t row_max,
		  struct cdp_err *err)
{
	SQLSMALLINT n = 0;
	SQLRETURN rc;

	end_query(s);
	s->row_max = row_max;
	if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, s->db, &s->stmt)))
		return complain(SQL_HANDLE_DBC, s->db, "query", err);
	rc = SQLExecDirect(s->stmt, (SQLCHAR *)(uintptr_t)text, SQL_NTS);
	if (!SQL_SUCCEEDED(rc) && rc != SQL_NO_DATA)
		return complain(SQL_HANDLE_STMT, s->stmt, "query", err);
	SQLNumResultCols(s->stmt, &n);
	if (n < 1)
		return cdp_err_set(err, CDP_ERR_USAGE, "query: it has no result");
	s->columns = cdp_calloc((size_t)n, sizeof(*s->columns));
	s->values = cdp_calloc((size_t)n, sizeof(*s->values));
	s->count = (size_t)n;
	for (size_t i = 0; i < s->count; i++)
		if (describe(s, i, err) < 0)
			return -1;
	return 0;
}

size_t cdp_sql_count(const struct cdp_sql *s)
{
	return s->count;
}

const char *cdp_sql_name(const struct cdp_sql *s, size_t i)
{
	return s->columns[i].name;
}

bool cdp_sql_is_number(const struct cdp_sql *s, size_t i)
{
	return s->columns[i].is_number;
}

/* --- rows --- */

/* A value in pieces, as long as the driver has more.  1: all of it is in text; 0: NULL;
 * -1 with a data error if it is over the ceiling, or a system one. */
static int get_value(struct cdp_sql *s, size_t i, struct cdp_err *err)
{
	enum { PIECE = 4096 };

	for (;;) {
		SQLLEN left = 0;
		SQLRETURN rc;
		char *to;

		if (s->text.n > s->row_max || cdp_buf_reserve(&s->text, PIECE) < 0)
			return cdp_err_set(err, CDP_ERR_DATA,
					   "row of more than %zu bytes, which stays in "
					   "the database",
					   s->row_max);
		to = s->text.p + s->text.n;
		rc = SQLGetData(s->stmt, (SQLUSMALLINT)(i + 1), SQL_C_CHAR, to, PIECE,
				&left);
		if (rc == SQL_NO_DATA)
			return 1;
		if (!SQL_SUCCEEDED(rc))
			return complain(SQL_HANDLE_STMT, s->stmt, s->columns[i].name,
					err);
		if (left == SQL_NULL_DATA)
			return 0;
		if (rc == SQL_SUCCESS || (left >= 0 && left < PIECE)) {
			s->text.n += left >= 0 ? (size_t)left : strlen(to);
			return 1;
		}
		s->text.n += PIECE - 1; /* and a NUL */
	}
}

static int read_row(struct cdp_sql *s, struct cdp_err *err)
{
	cdp_buf_reset(&s->text);
	for (size_t i = 0; i < s->count; i++) {
		size_t at = s->text.n;
		int rc = get_value(s, i, err);

		if (rc < 0)
			return -1;
		s->values[i].n = s->text.n - at;
		s->values[i].p = rc ? "" : NULL;
		if (cdp_utf8_check(s->text.p + at, s->values[i].n) != s->values[i].n)
			return cdp_err_set(err, CDP_ERR_DATA,
					   "column '%s': the driver gives no UTF-8",
					   s->columns[i].name);
	}
	return 0;
}

int cdp_sql_next(struct cdp_sql *s, const struct cdp_sql_value **values,
		 struct cdp_err *err)
{
	SQLRETURN rc = SQLFetch(s->stmt);
	size_t at = 0;

	if (rc == SQL_NO_DATA)
		return 0;
	if (!SQL_SUCCEEDED(rc)) {
		complain(SQL_HANDLE_STMT, s->stmt, "result", err);
		err->kind = CDP_ERR_SYS;
		return -1;
	}
	if (read_row(s, err) < 0) {
		if (err->kind != CDP_ERR_DATA)
			err->kind = CDP_ERR_SYS;
		return -1;
	}
	for (size_t i = 0; i < s->count; i++) {
		if (s->values[i].p)
			s->values[i].p = s->text.p + at;
		at += s->values[i].n;
	}
	*values = s->values;
	return 1;
}

#endif
