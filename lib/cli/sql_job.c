#include "cli/sql_job.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "io/out.h"
#include "io/sql.h"
#include "model/watermark.h"

struct cdp_sql_job {
	struct cdp_cli *cli;
	struct cdp_sql_job_opts opts;
	struct cdp_sql *sql;
	struct cdp_watermark *watermark;
	size_t column; /* that of the watermark */
	struct cdp_buf key, raw;
	struct cdp_csv_field *fields;
	uint64_t known;
};

void cdp_sql_job_check(struct cdp_cli *cli, const struct cdp_sql_job_opts *o)
{
	if (!o->connection && o->wanted)
		cdp_cli_usage(cli, "'-f sql' needs '--sql'");
	if (!o->connection && (o->query || o->table || o->watermark))
		cdp_cli_usage(cli, "options '--query', '--sql-table' and '--watermark' "
				   "need '--sql'");
	if (!o->connection)
		return;
	if (!o->map_name)
		cdp_cli_usage(cli, "option '--sql' needs '--columns-map'");
	if (!o->query == !o->table)
		cdp_cli_usage(cli, "option '--sql' needs either '--query' or "
				   "'--sql-table'");
	if (o->watermark && !o->has_state)
		cdp_cli_usage(cli, "option '--watermark' needs '--state'");
	if (*cli->operands || o->has_others)
		cdp_cli_usage(cli, "option '--sql' is an input of its own");
}

/* --- names --- */

/* What may stand in a query as it is: letters, digits, points, quotes. */
int cdp_cli_sql_name(const char *option, const char *name, struct cdp_err *err)
{
	for (const char *p = name; *p; p++)
		if (strchr(" \t\r\n;()'-,", *p))
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "option '--%s': '%s' is no name%s", option,
					   name,
					   strcmp(option, "sql-table") == 0
						   ? "; a query is for '--query'"
						   : "");
	return *name ? 0
		     : cdp_err_set(err, CDP_ERR_USAGE, "option '--%s': empty", option);
}

/* The connection without what is secret and may change: "key=value;" or "key={value};".
 */
static void put_public(struct cdp_buf *b, const char *p)
{
	while (*p) {
		size_t key = strcspn(p, "=;"), n = key;

		if (p[n] == '=')
			n += p[n + 1] == '{' ? strcspn(p + n, "}") : strcspn(p + n, ";");
		n += strcspn(p + n, ";");
		if (!(key == 3 && strncasecmp(p, "pwd", 3) == 0) &&
		    !(key == 8 && strncasecmp(p, "password", 8) == 0)) {
			cdp_buf_add(b, p, n);
			cdp_buf_addc(b, ';');
		}
		p += n + (p[n] == ';');
	}
}

char *cdp_cli_sql_connection(const char *given, struct cdp_err *err)
{
	char *text;
	size_t n;

	if (*given != '@')
		return cdp_strdup(given);
	text = cdp_file_read(given + 1, 64 * 1024, &n, err);
	while (text && n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		text[--n] = '\0';
	return text;
}

/* What a position belongs to. */
static void make_key(struct cdp_sql_job *j, const char *connection)
{
	const char *map = strrchr(j->opts.map_name, '/');

	put_public(&j->key, connection);
	cdp_buf_addc(&j->key, '\0');
	cdp_buf_adds(&j->key, j->opts.table ? j->opts.table : j->opts.query);
	cdp_buf_addc(&j->key, '\0');
	cdp_buf_adds(&j->key, j->opts.watermark);
	cdp_buf_addc(&j->key, '\0');
	cdp_buf_adds(&j->key, map ? map + 1 : j->opts.map_name);
}

/* --- the query --- */

static int load_position(struct cdp_sql_job *j, struct cdp_err *err)
{
	struct cdp_bytes saved;
	int rc = cdp_imports_position(cdp_import_job_imports(j->opts.imports), j->key.p,
				      j->key.n, &saved, err);

	if (rc <= 0 || j->opts.again)
		return rc < 0 ? -1 : 0;
	return cdp_watermark_load(j->watermark, saved.p, saved.n, err);
}

static void put_from(const struct cdp_sql_job *j, struct cdp_buf *b)
{
	size_t n;

	if (j->opts.table) {
		cdp_buf_adds(b, j->opts.table);
		return;
	}
	n = strlen(j->opts.query);
	while (n && strchr("; \t\r\n", j->opts.query[n - 1]))
		n--;
	cdp_buf_addc(b, '(');
	cdp_buf_add(b, j->opts.query, n);
	cdp_buf_adds(b, ") cdp");
}

static int start_query(struct cdp_sql_job *j, struct cdp_err *err)
{
	struct cdp_buf from, text;
	const char *query = j->opts.query;
	int rc;

	cdp_buf_init(&from, CDP_BUF_NOMAX);
	cdp_buf_init(&text, CDP_BUF_NOMAX);
	put_from(j, &from);
	if (j->watermark) {
		cdp_watermark_query(j->watermark, cdp_buf_str(&from), j->opts.watermark,
				    &text);
		query = cdp_buf_str(&text);
	} else if (!query) {
		cdp_buf_addf(&text, "SELECT * FROM %s", j->opts.table);
		query = cdp_buf_str(&text);
	}
	cdp_cli_verbose(j->cli, "query: %s", query);
	rc = cdp_sql_query(j->sql, query, j->cli->opt.line_max, err);
	cdp_buf_release(&from);
	cdp_buf_release(&text);
	return rc;
}

/* The column of the result: by its name without quotes and what qualifies it, as
 * databases do not agree on its case. */
static int find_column(struct cdp_sql_job *j, struct cdp_err *err)
{
	const char *dot = strrchr(j->opts.watermark, '.');
	const char *name = dot ? dot + 1 : j->opts.watermark;
	size_t n = strlen(name);

	if (n >= 2 && strchr("\"`[", *name)) {
		name++;
		n -= 2;
	}
	for (size_t i = 0; i < cdp_sql_count(j->sql); i++) {
		const char *is = cdp_sql_name(j->sql, i);

		if (strlen(is) == n && strncasecmp(is, name, n) == 0) {
			j->column = i;
			return 0;
		}
	}
	return cdp_err_set(err, CDP_ERR_USAGE,
			   "option '--watermark': no column '%s' in the result",
			   j->opts.watermark);
}

static int start(struct cdp_sql_job *j, struct cdp_err *err)
{
	char *connection;
	int rc = 0;

	if ((j->opts.table && cdp_cli_sql_name("sql-table", j->opts.table, err) < 0) ||
	    (j->opts.watermark &&
	     cdp_cli_sql_name("watermark", j->opts.watermark, err) < 0))
		return -1;
	connection = cdp_cli_sql_connection(j->opts.connection, err);
	if (!connection)
		return -1;
	if (j->opts.watermark) {
		j->watermark = cdp_watermark_new();
		make_key(j, connection);
		rc = load_position(j, err);
	}
	if (rc == 0)
		j->sql = cdp_sql_open(connection, err);
	explicit_bzero(connection, strlen(connection));
	free(connection);
	if (!j->sql || start_query(j, err) < 0)
		return -1;
	j->fields = cdp_calloc(cdp_sql_count(j->sql), sizeof(*j->fields));
	return j->watermark ? find_column(j, err) : 0;
}

struct cdp_sql_job *cdp_sql_job_new(struct cdp_cli *cli,
				    const struct cdp_sql_job_opts *opts,
				    struct cdp_err *err)
{
	struct cdp_sql_job *j = cdp_calloc(1, sizeof(*j));

	j->cli = cli;
	j->opts = *opts;
	cdp_buf_init(&j->key, CDP_BUF_NOMAX);
	cdp_buf_init(&j->raw, CDP_BUF_NOMAX);
	if (start(j, err) == 0)
		return j;
	cdp_sql_job_free(j);
	return NULL;
}

void cdp_sql_job_free(struct cdp_sql_job *j)
{
	if (!j)
		return;
	cdp_sql_close(j->sql);
	cdp_watermark_free(j->watermark);
	cdp_buf_release(&j->key);
	cdp_buf_release(&j->raw);
	free(j->fields);
	free(j);
}

/* --- rows --- */

static int bind(struct cdp_sql_job *j, struct cdp_tables *t, struct cdp_err *err)
{
	for (size_t i = 0; i < cdp_sql_count(j->sql); i++) {
		const char *name = cdp_sql_name(j->sql, i);

		j->fields[i] = (struct cdp_csv_field){ name, strlen(name) };
	}
	return cdp_tables_bind(t, j->fields, cdp_sql_count(j->sql), err);
}

/* The row as fields and as a line. */
static void set_row(struct cdp_sql_job *j, const struct cdp_sql_value *values,
		    struct cdp_csv_row *row)
{
	size_t n = cdp_sql_count(j->sql);

	cdp_buf_reset(&j->raw);
	for (size_t i = 0; i < n; i++) {
		struct cdp_sql_value v = values[i];

		j->fields[i] = (struct cdp_csv_field){ v.p ? v.p : "", v.n };
		cdp_csv_add_field(&j->raw, ',', i, v.p, v.n);
	}
	row->fields = j->fields;
	row->count = n;
	row->raw = j->raw.p;
	row->raw_len = j->raw.n;
}

/* 1: to be dealt with; 0: read by an earlier run; -1: without a value there is no telling
 * whether it was. */
static int check_watermark(struct cdp_sql_job *j, const struct cdp_sql_value *values,
			   struct cdp_err *err)
{
	const struct cdp_sql_value *v = &values[j->column];

	if (!j->watermark)
		return 1;
	if (!v->p)
		return cdp_err_set(err, CDP_ERR_DATA, "column '%s' is empty",
				   j->opts.watermark);
	if (!cdp_watermark_pass(j->watermark, v->p, v->n,
				cdp_sql_is_number(j->sql, j->column), j->raw.p, j->raw.n))
		return 1;
	j->known++;
	return 0;
}

static bool take(struct cdp_sql_job *j, struct cdp_tables *t, int rc,
		 const struct cdp_sql_value *values, struct cdp_csv_row *row,
		 struct cdp_emit *e, struct cdp_err *err)
{
	row->line++;
	row->raw = "";
	row->raw_len = 0;
	if (rc > 0) {
		set_row(j, values, row);
		rc = check_watermark(j, values, err);
		if (rc == 0)
			return true;
		if (rc > 0)
			rc = cdp_tables_convert(t, row, e, err);
	}
	if (rc < 0 && err->kind != CDP_ERR_DATA) {
		cdp_cli_report(j->cli, err);
		return false;
	}
	e->counts.in++;
	if (rc < 0)
		cdp_tables_reject(t, row, e, err);
	return cdp_tables_commit(t, e);
}

static void remember(struct cdp_sql_job *j)
{
	cdp_cli_stat(j->cli, "known_rows", j->known);
	if (!cdp_watermark_is_set(j->watermark))
		return;
	cdp_buf_reset(&j->raw);
	cdp_watermark_save(j->watermark, &j->raw);
	cdp_imports_set_position(cdp_import_job_imports(j->opts.imports), j->key.p,
				 j->key.n, j->raw.p, j->raw.n);
}

int cdp_sql_job_run(struct cdp_sql_job *j, struct cdp_tables *t)
{
	struct cdp_csv_row row = { 0 };
	const struct cdp_sql_value *values = NULL;
	struct cdp_emit *e;
	struct cdp_err err;
	bool go_on = true;
	int rc;

	if (bind(j, t, &err) < 0) {
		cdp_cli_report(j->cli, &err);
		return -1;
	}
	if (cdp_cli_open_rejects(j->cli) < 0)
		return -1;
	e = cdp_cli_emit_new(j->cli, j->opts.table ? j->opts.table : "query");
	while (go_on && (rc = cdp_sql_next(j->sql, &values, &err)) != 0)
		go_on = take(j, t, rc, values, &row, e, &err);
	cdp_cli_emit_free(e);
	if (go_on && j->watermark)
		remember(j);
	return go_on ? 0 : -1;
}
