#include "io/sql.h"

#ifdef CDP_WITH_ODBC

#include <stdlib.h>
#include <string.h>

#include <sql.h>
#include <sqlext.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

struct column {
	char *name;
	SQLSMALLINT type, digits;
	SQLULEN size;
};

/* Where rows go. */
struct target {
	SQLHSTMT update, find, insert;
	struct column *columns; /* the key first */
	SQLLEN *lengths;
	size_t count;
};

struct cdp_sql {
	SQLHENV env;
	SQLHDBC db;
	SQLHSTMT stmt;
	bool connected;
	struct target to;
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

static void free_columns(struct column *columns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(columns[i].name);
	free(columns);
}

static void end_query(struct cdp_sql *s)
{
	if (s->stmt)
		SQLFreeHandle(SQL_HANDLE_STMT, s->stmt);
	s->stmt = NULL;
	free_columns(s->columns, s->count);
	free(s->values);
	s->columns = NULL;
	s->values = NULL;
	s->count = 0;
}

/* What was not committed is taken back. */
static void end_rows(struct cdp_sql *s)
{
	SQLHSTMT stmts[] = { s->to.update, s->to.find, s->to.insert };

	for (size_t i = 0; i < sizeof(stmts) / sizeof(*stmts); i++)
		if (stmts[i])
			SQLFreeHandle(SQL_HANDLE_STMT, stmts[i]);
	if (s->to.columns)
		SQLEndTran(SQL_HANDLE_DBC, s->db, SQL_ROLLBACK);
	free_columns(s->to.columns, s->to.count);
	free(s->to.lengths);
	memset(&s->to, 0, sizeof(s->to));
}

void cdp_sql_close(struct cdp_sql *s)
{
	if (!s)
		return;
	end_query(s);
	end_rows(s);
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
	s->columns[i] = (struct column){ cdp_strdup((char *)name), type, digits, size };
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
	return is_number(s->columns[i].type);
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

/* --- rows into a table --- */

enum cdp_sql_kind cdp_sql_kind(const struct cdp_sql *s, size_t i)
{
	SQLSMALLINT type = s->columns[i].type;

	if (is_number(type))
		return CDP_SQL_NUMBER;
	return type == SQL_BIT                                       ? CDP_SQL_BOOL
	       : type == SQL_TYPE_TIMESTAMP || type == SQL_TIMESTAMP ? CDP_SQL_TIME
	       : type == SQL_TYPE_DATE || type == SQL_DATE           ? CDP_SQL_DATE
								     : CDP_SQL_TEXT;
}

/* A name as it is, whatever it is made of. */
static void put_quoted(struct cdp_buf *b, const char *quote, const char *name)
{
	char q = quote[0];

	if (q == ' ' || q == '\0') { /* the database has no quotes */
		cdp_buf_adds(b, name);
		return;
	}
	cdp_buf_addc(b, q);
	for (; *name; name++) {
		if (*name == q)
			cdp_buf_addc(b, q);
		cdp_buf_addc(b, *name);
	}
	cdp_buf_addc(b, q);
}

static int prepare(struct cdp_sql *s, SQLHSTMT *stmt, struct cdp_buf *text,
		   struct cdp_err *err)
{
	if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, s->db, stmt)))
		return complain(SQL_HANDLE_DBC, s->db, "table", err);
	if (!SQL_SUCCEEDED(
		    SQLPrepare(*stmt, (SQLCHAR *)(uintptr_t)cdp_buf_str(text), SQL_NTS)))
		return complain(SQL_HANDLE_STMT, *stmt, "table", err);
	cdp_buf_reset(text);
	return 0;
}

static int prepare_all(struct cdp_sql *s, const char *table, const char *quote,
		       struct cdp_err *err)
{
	const struct target *to = &s->to;
	struct cdp_buf b, where;
	int ret = 0;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_init(&where, CDP_BUF_NOMAX);
	cdp_buf_adds(&where, " WHERE ");
	put_quoted(&where, quote, to->columns[0].name);
	cdp_buf_adds(&where, " = ?");
	if (to->count > 1) {
		cdp_buf_addf(&b, "UPDATE %s SET ", table);
		for (size_t i = 1; i < to->count; i++) {
			put_quoted(&b, quote, to->columns[i].name);
			cdp_buf_adds(&b, i + 1 < to->count ? " = ?, " : " = ?");
		}
		cdp_buf_add(&b, where.p, where.n);
		ret = prepare(s, &s->to.update, &b, err);
	}
	if (ret == 0) {
		cdp_buf_addf(&b, "SELECT 1 FROM %s", table);
		cdp_buf_add(&b, where.p, where.n);
		ret = prepare(s, &s->to.find, &b, err);
	}
	if (ret == 0) {
		cdp_buf_addf(&b, "INSERT INTO %s (", table);
		for (size_t i = 0; i < to->count; i++) {
			put_quoted(&b, quote, to->columns[i].name);
			cdp_buf_adds(&b, i + 1 < to->count ? ", " : ") VALUES (");
		}
		for (size_t i = 0; i < to->count; i++)
			cdp_buf_adds(&b, i + 1 < to->count ? "?, " : "?)");
		ret = prepare(s, &s->to.insert, &b, err);
	}
	cdp_buf_release(&b);
	cdp_buf_release(&where);
	return ret;
}

int cdp_sql_upsert_begin(struct cdp_sql *s, const char *table, const size_t *columns,
			 size_t n, struct cdp_err *err)
{
	char quote[8] = "\"";
	SQLSMALLINT len;

	end_rows(s);
	s->to.columns = cdp_calloc(n, sizeof(*s->to.columns));
	s->to.lengths = cdp_calloc(n, sizeof(*s->to.lengths));
	s->to.count = n;
	for (size_t i = 0; i < n; i++) {
		s->to.columns[i] = s->columns[columns[i]];
		s->to.columns[i].name = cdp_strdup(s->columns[columns[i]].name);
	}
	end_query(s);
	SQLGetInfo(s->db, SQL_IDENTIFIER_QUOTE_CHAR, quote, sizeof(quote), &len);
	if (!SQL_SUCCEEDED(SQLSetConnectAttr(s->db, SQL_ATTR_AUTOCOMMIT,
					     (SQLPOINTER)SQL_AUTOCOMMIT_OFF, 0)))
		return complain(SQL_HANDLE_DBC, s->db, "transaction", err);
	return prepare_all(s, table, quote, err);
}

static int bind(struct cdp_sql *s, SQLHSTMT stmt, size_t at, size_t i,
		const struct cdp_sql_value *v, struct cdp_err *err)
{
	const struct column *c = &s->to.columns[i];
	SQLULEN size = c->size > v->n ? c->size : v->n + !v->n;

	s->to.lengths[i] = v->p ? (SQLLEN)v->n : SQL_NULL_DATA;
	if (SQL_SUCCEEDED(SQLBindParameter(stmt, (SQLUSMALLINT)at, SQL_PARAM_INPUT,
					   SQL_C_CHAR, c->type, size, c->digits,
					   (SQLPOINTER)(uintptr_t)v->p, (SQLLEN)v->n,
					   &s->to.lengths[i])))
		return 0;
	complain(SQL_HANDLE_STMT, stmt, c->name, err);
	err->kind = CDP_ERR_SYS;
	return -1;
}

static int run(SQLHSTMT stmt, struct cdp_err *err)
{
	SQLRETURN rc = SQLExecute(stmt);

	if (SQL_SUCCEEDED(rc) || rc == SQL_NO_DATA)
		return 0;
	complain(SQL_HANDLE_STMT, stmt, "row", err);
	err->kind = CDP_ERR_SYS;
	return -1;
}

/* 1: there is a row with the key, 0: none, -1. */
static int update(struct cdp_sql *s, const struct cdp_sql_value *values,
		  struct cdp_err *err)
{
	SQLLEN rows = 0;
	SQLRETURN rc;

	for (size_t i = 1; i < s->to.count; i++)
		if (bind(s, s->to.update, i, i, &values[i], err) < 0)
			return -1;
	if (s->to.update) {
		if (bind(s, s->to.update, s->to.count, 0, &values[0], err) < 0 ||
		    run(s->to.update, err) < 0)
			return -1;
		SQLRowCount(s->to.update, &rows);
		if (rows > 1)
			return cdp_err_set(err, CDP_ERR_SYS, "%ld rows have one key",
					   (long)rows);
		if (rows == 1)
			return 1;
	}
	/* Some databases count only what changed. */
	if (bind(s, s->to.find, 1, 0, &values[0], err) < 0 || run(s->to.find, err) < 0)
		return -1;
	rc = SQLFetch(s->to.find);
	SQLFreeStmt(s->to.find, SQL_CLOSE);
	return rc != SQL_NO_DATA;
}

int cdp_sql_upsert(struct cdp_sql *s, const struct cdp_sql_value *values,
		   struct cdp_err *err)
{
	int there = update(s, values, err);

	if (there)
		return there < 0 ? -1 : 0;
	for (size_t i = 0; i < s->to.count; i++)
		if (bind(s, s->to.insert, i + 1, i, &values[i], err) < 0)
			return -1;
	return run(s->to.insert, err);
}

int cdp_sql_upsert_end(struct cdp_sql *s, struct cdp_err *err)
{
	if (!SQL_SUCCEEDED(SQLEndTran(SQL_HANDLE_DBC, s->db, SQL_COMMIT))) {
		complain(SQL_HANDLE_DBC, s->db, "commit", err);
		err->kind = CDP_ERR_SYS;
		return -1;
	}
	end_rows(s);
	return 0;
}

#endif
