/* A table or a query of a database as the input of a run (cdp-collect -f sql): each row,
 * as the map says, to the tool; with a column that only grows, from where the run before
 * came to. */
#ifndef CDP_CLI_SQL_JOB_H
#define CDP_CLI_SQL_JOB_H

#include "cli/import_job.h"
#include "cli/tables.h"

/* What --sql gives: a connection string, or that of the file behind '@'; a copy, or NULL.
 */
char *cdp_cli_sql_connection(const char *given, struct cdp_err *err);
/* What may stand in a statement as a name of a table or column as it is. */
int cdp_cli_sql_name(const char *option, const char *name, struct cdp_err *err);

struct cdp_sql_job_opts {
	/* A connection string, or '@' and the name of a file that holds it. */
	const char *connection;
	const char *query, *table;      /* one of them */
	const char *watermark;          /* name of the column, or NULL */
	const char *map_name;           /* positions of maps are their own */
	struct cdp_import_job *imports; /* NULL without a watermark */
	bool again;                     /* from the start, whatever was read before */
	/* For the check: what else was asked for. */
	bool wanted, has_state, has_others;
};

/* Rows of the option table. */
/* clang-format off */
#define CDP_SQL_OPTIONS(o)                                                               \
	{ 0, "sql", CDP_OPT_STR, &(o).connection, "CONNECTION",                          \
	  "read a database (implies -f sql); @FILE: what FILE holds" },                  \
	{ 0, "query", CDP_OPT_STR, &(o).query, "SQL", "sql: the rows to read" },         \
	{ 0, "sql-table", CDP_OPT_STR, &(o).table, "NAME",                               \
	  "sql: read all of this table" },                                               \
	{ 0, "watermark", CDP_OPT_STR, &(o).watermark, "COLUMN",                         \
	  "sql: go on where the run before came to in this column" }
/* clang-format on */

/* Usage errors of the options; the process ends there. */
void cdp_sql_job_check(struct cdp_cli *cli, const struct cdp_sql_job_opts *opts);

struct cdp_sql_job;

/* Connects and starts the query.  All is borrowed. */
struct cdp_sql_job *cdp_sql_job_new(struct cdp_cli *cli,
				    const struct cdp_sql_job_opts *opts,
				    struct cdp_err *err);
void cdp_sql_job_free(struct cdp_sql_job *j);

/* All rows.  0, and the position is what the imports will remember; or -1 when the run
 * ended early (reported). */
int cdp_sql_job_run(struct cdp_sql_job *j, struct cdp_tables *t);

#endif
