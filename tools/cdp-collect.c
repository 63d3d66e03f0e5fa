/* cdp-collect: anything that a bank has as clean, canonical records. */
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/import_job.h"
#include "cli/intake_job.h"
#include "cli/listen.h"
#include "cli/log_opts.h"
#include "cli/once_job.h"
#include "cli/sql_job.h"
#include "cli/table_opts.h"
#include "cli/tables.h"
#include "format/projects.h"
#include "format/reader.h"
#include "format/reject.h"
#include "model/intake_state.h"

#include <stdlib.h>
#include <string.h>

/* Choices of -f: these, then the names of the protocols. */
enum { FORMAT_CSV = CDP_FORMAT_REQUESTS + 1, FORMAT_SQL, FORMAT_FIXED, FORMATS_MAX = 64 };
static const char *const fixed_formats[FORMAT_FIXED] = {
	[CDP_FORMAT_AUTO] = "auto",
	[CDP_FORMAT_NATIVE] = "native",
	[CDP_FORMAT_SENSORS] = "sensors",
	[CDP_FORMAT_COMBINED] = "combined",
	[CDP_FORMAT_REQUESTS] = "requests",
	[FORMAT_CSV] = "csv",
	[FORMAT_SQL] = "sql",
};

struct collect {
	struct cdp_cli cli;
	/* options */
	int format;
	struct cdp_table_opts table;
	const char *state_dir, *keys;
	bool replay, again;
	struct cdp_once_job_opts dedup;
	struct cdp_opt_time received;
	struct cdp_log_opts log;
	const char *formats[FORMATS_MAX];
	struct cdp_listen listen;
	/* what follows from them */
	struct cdp_format_opts opts;
	struct cdp_format_plan *plan, *row_plan;
	struct cdp_intake_job intake;
	struct cdp_intake_state *state;
	struct cdp_once_job *once;
	struct cdp_import_job *imports;
	struct cdp_sql_job_opts sql;
	struct cdp_sql_job *sql_job;
	struct cdp_paths *replay_paths;
	struct cdp_projects *projects;
	struct cdp_reject_slots reject;
	size_t line_max; /* of lines in rejects */
};

struct worker {
	struct collect *c;
	struct cdp_reader *reader;
	struct cdp_reader *rows; /* of what rows of tables become */
	struct cdp_tables *tables;
	struct cdp_tables_job job;
	struct cdp_intake *intake;
	struct cdp_once_notes notes;
	struct cdp_buf raw;
};

/* --- duplicates --- */

static int commit(void *ctx, struct cdp_emit *e, struct cdp_err *err)
{
	struct collect *c = ctx;

	return cdp_once_job_settle(c->once, e->user, e, err);
}

static int flushed(void *ctx, struct cdp_err *err)
{
	struct collect *c = ctx;

	return cdp_once_job_flushed(c->once, err);
}

/* --- records --- */

/* All that is done to a record between its reader and the output, from wherever it came.
 * How many records there are in its place, or -1. */
static inline int keep(void *worker, struct cdp_buf *out, size_t at,
		       const struct cdp_canon *info, struct cdp_err *err)
{
	struct worker *w = worker;
	struct cdp_canon mine;
	int n;

	if (!w->intake) {
		cdp_buf_addc(out, '\n');
		if (w->c->once)
			cdp_once_note(&w->notes, info, out, at);
		return 1;
	}
	mine = *info;
	n = cdp_intake_record(w->intake, out, at, &mine, err);
	if (n <= 0)
		return n;
	for (;; n++) {
		cdp_buf_addc(out, '\n');
		if (w->c->once)
			cdp_once_note(&w->notes, &mine, out, at);
		at = out->n;
		if (!cdp_intake_more(w->intake, out, &mine))
			return n;
	}
}

/* --- lines --- */

/* Where the records of one line go; the line itself was counted by the driver. */
struct line {
	struct worker *w;
	struct cdp_emit *e;
	uint64_t line, found;
};

static int take_record(void *ctx, size_t at, const struct cdp_canon *info,
		       struct cdp_err *err)
{
	struct line *l = ctx;
	int n = keep(l->w, &l->e->out, at, info, err);

	if (n < 0) {
		l->e->out.n = at;
		return -1;
	}
	l->found++;
	l->e->counts.out += (unsigned)n;
	if (l->w->c->once)
		l->e->user = &l->w->notes;
	return 0;
}

static void take_reject(void *ctx, const char *raw, size_t n, const struct cdp_err *err)
{
	struct line *l = ctx;
	struct cdp_rec rec = { .raw = raw, .len = n, .line = l->line };

	l->found++;
	cdp_emit_reject(l->e, &rec, err);
}

/* 0, and what was found is counted; or -1, as the line itself is bad.  One that turned
 * out bad after it gave records is a reject beside them. */
static int counted(struct line *l, int rc, const char *raw, size_t n, struct cdp_err *err)
{
	if (rc < 0 && (err->kind != CDP_ERR_DATA || !l->found))
		return -1;
	if (rc < 0)
		take_reject(l, raw, n, err);
	l->e->counts.in += l->found - 1;
	return 0;
}

static int read_record(void *worker, struct cdp_rec *rec, struct cdp_emit *e,
		       struct cdp_err *err)
{
	struct worker *w = worker;
	struct line l = { w, e, rec->line, 0 };
	struct cdp_sink sink = { &e->out, &l, take_record, take_reject };

	return counted(&l, cdp_reader_record(w->reader, rec, &sink, err), rec->raw,
		       rec->len, err);
}

static int read_other(void *worker, struct cdp_rec *rec, struct cdp_emit *e,
		      struct cdp_err *err)
{
	struct worker *w = worker;
	struct line l = { w, e, rec->line, 0 };
	struct cdp_sink sink = { &e->out, &l, take_record, take_reject };

	return counted(&l, cdp_reader_other(w->reader, rec, &sink, err), rec->raw,
		       rec->len, err);
}

static int read_text(struct worker *w, struct cdp_reader *reader, const char *p, size_t n,
		     uint64_t line, struct cdp_emit *e, struct cdp_err *err)
{
	struct line l = { w, e, line, 0 };
	struct cdp_sink sink = { &e->out, &l, take_record, take_reject };

	return counted(&l, cdp_reader_line(reader, p, n, &sink, err), p, n, err);
}

/* --- tables --- */

static int commit_row(void *worker, struct cdp_emit *e, struct cdp_err *err)
{
	struct worker *w = worker;

	return commit(w->c, e, err);
}

/* A record made of a row. */
static int read_row(void *worker, const char *p, size_t n, struct cdp_emit *e,
		    struct cdp_err *err)
{
	struct worker *w = worker;

	return read_text(w, w->rows, p, n, 0, e, err);
}

/* --- replay of rejects --- */

static int replay_row(struct worker *w, struct cdp_rec *rec, const struct cdp_rec *inner,
		      struct cdp_emit *e, struct cdp_err *err)
{
	const struct cdp_reject_slots *s = &w->c->reject;
	const struct cdp_val *row = cdp_rec_get(rec, s->row);

	if (!w->tables)
		return cdp_err_set(err, CDP_ERR_DATA,
				   "a row of a table, which needs its '--columns-map'");
	return cdp_tables_again(w->tables, inner,
				cdp_rec_get(rec, s->raw)->type == CDP_STRING, row->p,
				row->n, e, err);
}

/* A reject line: what it holds is read as if it had just come, and set aside as such if
 * it is still bad. */
static int replay_record(void *worker, struct cdp_rec *rec, struct cdp_emit *e,
			 struct cdp_err *err)
{
	struct worker *w = worker;
	size_t at = e->out.n;
	struct cdp_rec inner = *rec;

	if (cdp_reject_raw(&w->c->reject, rec, w->c->line_max, &w->raw, &inner.raw,
			   &inner.len, err) < 0)
		return -1;
	if (cdp_rec_get(rec, w->c->reject.row)->type == CDP_OBJECT)
		return replay_row(w, rec, &inner, e, err);
	if (read_text(w, w->reader, inner.raw, inner.len, rec->line, e, err) == 0)
		return 0;
	e->out.n = at;
	if (err->kind != CDP_ERR_DATA)
		return -1;
	cdp_emit_reject(e, &inner, err);
	return 0;
}

/* --- the run --- */

static void *worker_new(void *ctx)
{
	struct collect *c = ctx;
	struct worker *w = cdp_calloc(1, sizeof(*w));

	w->c = c;
	w->reader = cdp_reader_new(c->plan);
	if (c->table.map) {
		w->rows = cdp_reader_new(c->row_plan);
		w->job = (struct cdp_tables_job){ w, read_row,
						  c->once ? commit_row : NULL };
		w->tables = cdp_tables_new(&c->cli, c->table.map, c->table.charset,
					   cdp_table_opts_delimiter(&c->table), &w->job);
	}
	w->intake = c->intake.conf ? cdp_intake_new(c->intake.conf) : NULL;
	cdp_once_init(&w->notes, c->once ? cdp_once_job_seed(c->once) : 0);
	cdp_buf_init(&w->raw, CDP_BUF_NOMAX);
	return w;
}

static int worker_free(void *ctx, void *worker, struct cdp_err *err)
{
	struct worker *w = worker;

	(void)ctx;
	(void)err;
	cdp_tables_free(w->tables);
	cdp_reader_free(w->reader);
	cdp_reader_free(w->rows);
	if (w->intake)
		cdp_intake_merge(w->intake);
	cdp_once_release(&w->notes);
	cdp_buf_release(&w->raw);
	free(w);
	return 0;
}

/* --- the endpoint --- */

static void endpoint_begin(void *worker)
{
	struct worker *w = worker;

	cdp_once_forget(&w->notes);
}

static int endpoint_settle(void *ctx, void *worker, struct cdp_buf *out, uint64_t *taken,
			   struct cdp_err *err)
{
	struct collect *c = ctx;
	struct worker *w = worker;

	return cdp_once_job_take(c->once, &w->notes, out, taken, err);
}

static int endpoint_remember(void *ctx, struct cdp_err *err)
{
	struct collect *c = ctx;

	return cdp_once_job_remember(c->once, err);
}

static void endpoint_worker_free(void *ctx, void *worker)
{
	struct cdp_err ignored;

	worker_free(ctx, worker, &ignored);
}

static void run_endpoint(struct collect *c)
{
	c->listen.format = &c->opts;
	c->listen.stages = (struct cdp_listen_stages){
		.ctx = c,
		.worker = worker_new,
		.worker_free = endpoint_worker_free,
		.begin = endpoint_begin,
		.serial = c->intake.conf && cdp_intake_conf_is_ordered(c->intake.conf),
		.record = keep,
		.settle = c->once ? endpoint_settle : NULL,
		.remember = c->once ? endpoint_remember : NULL,
	};
	if (cdp_cli_listen(&c->cli, &c->listen) == 0)
		return;
	/* What was not written must not be known. */
	cdp_once_job_abandon(c->once);
	c->once = NULL;
}

/* --- files --- */

static int run_lines(struct collect *c)
{
	struct cdp_job job = {
		.ctx = c,
		.paths = cdp_format_plan_paths(c->plan),
		.worker = worker_new,
		.record = read_record,
		.refused = read_other,
		.commit = c->once ? commit : NULL,
		.flushed = c->once ? flushed : NULL,
		.merge = worker_free,
		.serial = c->intake.conf && cdp_intake_conf_is_ordered(c->intake.conf),
	};

	if (c->replay) {
		c->replay_paths = cdp_paths_new();
		cdp_reject_paths(&c->reject, c->replay_paths);
		job.paths = c->replay_paths;
		job.record = replay_record;
		job.refused = NULL;
		job.serial = job.serial || c->table.map;
		/* A byte of a line may be six in a reject, and there is more to it. */
		c->line_max = c->cli.opt.line_max;
		c->cli.opt.line_max = c->cli.opt.line_max * 6 + 4096;
	}
	return cdp_cli_run(&c->cli, &job);
}

static int run_tables(struct collect *c)
{
	struct cdp_err ignored;
	struct worker *w = worker_new(c);
	int rc = c->sql_job ? cdp_sql_job_run(c->sql_job, w->tables)
			    : cdp_tables_read(w->tables, c->cli.operands);

	worker_free(c, w, &ignored);
	return rc;
}

static struct cdp_format_plan *make_plan(struct collect *c)
{
	if (c->format == FORMAT_CSV || c->format == FORMAT_SQL)
		return cdp_format_plan_new(CDP_FORMAT_AUTO, &c->opts);
	if (c->format < FORMAT_FIXED)
		return cdp_format_plan_new((enum cdp_format)c->format, &c->opts);
	return cdp_format_plan_protocol(cdp_protocol_find(c->formats[c->format]),
					&c->opts);
}

static int run_files(struct collect *c)
{
	if (c->imports && !cdp_import_job_choose(c->imports))
		return 0;
	return c->table.map && !c->replay ? run_tables(c) : run_lines(c);
}

/* 0, or -1 when the inputs were not read to their ends. */
static int run(struct collect *c)
{
	int rc = 0;

	c->plan = make_plan(c);
	c->row_plan = cdp_format_plan_new(CDP_FORMAT_NATIVE, &c->opts);
	if (c->listen.address)
		run_endpoint(c);
	else
		rc = run_files(c);
	cdp_intake_job_finish(&c->cli, &c->intake);
	return rc;
}

/* --- options --- */

/* Sensors has a reader of lines among the fixed ones. */
static void list_formats(struct collect *c)
{
	const struct cdp_protocol *const *p = cdp_protocols;
	int n = 0;

	for (; n < FORMAT_FIXED; n++)
		c->formats[n] = fixed_formats[n];
	for (; *p && n < FORMATS_MAX - 1; p++)
		if (strcmp((*p)->name, "sensors") != 0)
			c->formats[n++] = (*p)->name;
}

/* A file that is read another way is another import. */
static void load_imports(struct collect *c)
{
	const char *const how[] = { c->table.map ? "csv" : c->formats[c->format],
				    c->replay ? "replay" : "" };
	struct cdp_import_job_opts opts = { .state = c->state, .again = c->again };
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (size_t i = 0; i < sizeof(how) / sizeof(*how); i++)
		cdp_buf_add(&b, how[i], strlen(how[i]) + 1);
	cdp_table_opts_tell(&c->table, &b);
	opts.how = b.p;
	opts.how_n = b.n;
	c->imports = cdp_import_job_new(&c->cli, &opts);
	cdp_buf_release(&b);
}

static int load_state(struct collect *c, struct cdp_err *err)
{
	if (!c->state_dir)
		return 0;
	c->state = cdp_intake_open(c->state_dir, err);
	if (!c->state)
		return -1;
	if (!c->listen.address)
		load_imports(c);
	return 0;
}

static int load_sql(struct collect *c, struct cdp_err *err)
{
	c->sql.imports = c->imports;
	c->sql.again = c->again;
	c->sql_job = cdp_sql_job_new(&c->cli, &c->sql, err);
	return c->sql_job ? 0 : -1;
}

static int load(struct collect *c, struct cdp_err *err)
{
	const struct cdp_common *o = &c->cli.opt;
	int64_t as_of = o->as_of_given ? cdp_time_ms(o->run.as_of) : CDP_NO_TIME;

	c->opts.zone = o->run.zone;
	if (c->keys && !(c->projects = cdp_projects_load(c->keys, err)))
		return -1;
	c->opts.projects = c->projects;
	if (cdp_intake_job_load(&c->cli, &c->intake, err) < 0)
		return -1;
	c->opts.future_keep = c->intake.conf;
	c->opts.future_ms = o->as_of_given ? as_of + CDP_FUTURE_SLACK_MS : CDP_NO_TIME;
	c->opts.received = c->received.text ? cdp_time_ms(c->received.t) : CDP_NO_TIME;
	cdp_log_opts_read(&c->cli, &c->log, &c->opts);
	if (cdp_table_opts_load(&c->cli, &c->table, err) < 0 || load_state(c, err) < 0 ||
	    (c->sql.connection && load_sql(c, err) < 0))
		return -1;
	if (!c->dedup.window_ns)
		return 0;
	c->once =
		cdp_once_job_new(&c->cli, &c->dedup, c->state ? c->state_dir : NULL, err);
	return c->once ? 0 : -1;
}

static void check_options(struct collect *c)
{
	struct cdp_cli *cli = &c->cli;

	c->sql.wanted = c->format == FORMAT_SQL;
	c->sql.map_name = c->table.map_file;
	c->sql.has_state = c->state_dir != NULL;
	c->sql.has_others = c->replay || c->listen.address;
	cdp_sql_job_check(cli, &c->sql);
	if (c->table.map_file && c->format != CDP_FORMAT_AUTO &&
	    c->format != FORMAT_CSV && c->format != FORMAT_SQL)
		cdp_cli_usage(cli, "option '--columns-map' is for '-f csv' and '-f sql'");
	if (c->format == FORMAT_CSV && !c->table.map_file)
		cdp_cli_usage(cli, "'-f csv' needs '--columns-map'");
	cdp_table_opts_check(cli, &c->table, !c->sql.connection);
	cdp_once_job_check(cli, &c->dedup);
	if (c->again && !c->state_dir)
		cdp_cli_usage(cli, "option '--again' needs '--state'");
	if (c->listen.address && c->intake.infer)
		cdp_cli_usage(cli, "option '--infer-plan' is for files");
	if (c->listen.address && (c->table.map_file || c->replay || c->format))
		cdp_cli_usage(cli, "'--listen' is told the format by each request");
	cdp_listen_check(cli, &c->listen);
	cdp_intake_job_check(cli, &c->intake);
}

static void release(struct collect *c)
{
	cdp_intake_job_release(&c->intake);
	cdp_once_job_abandon(c->once);
	cdp_import_job_abandon(c->imports);
	cdp_sql_job_free(c->sql_job);
	cdp_intake_close(c->state);
	cdp_table_opts_release(&c->table);
	cdp_format_plan_free(c->plan);
	cdp_format_plan_free(c->row_plan);
	cdp_paths_free(c->replay_paths);
	cdp_log_opts_release(&c->log);
	cdp_projects_free(c->projects);
	cdp_listen_release(&c->listen);
}

int main(int argc, char **argv)
{
	struct collect c = { .intake.future = -1,
			     .opts = { .login_kind = "customer",
				       .distinct_kind = "anonymous",
				       .event = "page_request" },
			     .dedup.memory = 512 << 20 };
	const struct cdp_opt opts[] = {
		{ 'f', "format", CDP_OPT_CHOICE, &c.format, "FORMAT",
		  "auto (default), native, combined, csv, sql, requests or a protocol",
		  c.formats },
		CDP_TABLE_OPTIONS(c.table),
		CDP_SQL_OPTIONS(c.sql),
		{ 0, "received", CDP_OPT_TIME, &c.received, "TIME",
		  "when the input was received, added to records that do "
		  "not say" },
		CDP_INTAKE_OPTIONS(c.intake),
		{ 0, "source", CDP_OPT_STR, &c.opts.source, "TEXT",
		  "source of records that name none" },
		{ 0, "event", CDP_OPT_STR, &c.opts.event, "NAME",
		  "combined: name of the events (page_request)" },
		{ 0, "event-param", CDP_OPT_STR, &c.opts.event_param, "NAME",
		  "combined: query parameter that names its event" },
		CDP_LOG_OPTIONS(c.log),
		{ 0, "login-kind", CDP_OPT_STR, &c.opts.login_kind, "KIND",
		  "kind of login ids and users of servers (customer)" },
		{ 0, "distinct-kind", CDP_OPT_STR, &c.opts.distinct_kind, "KIND",
		  "sensors: kind of an unmarked distinct_id (anonymous)" },
		{ 0, "keys", CDP_OPT_STR, &c.keys, "FILE",
		  "projects and their write keys; listen: requests need one" },
		CDP_ONCE_OPTIONS(c.dedup),
		{ 0, "state", CDP_OPT_STR, &c.state_dir, "DIR",
		  "remember in this directory what was imported and what "
		  "--dedup has seen" },
		{ 0, "again", CDP_OPT_FLAG, &c.again, NULL,
		  "import what was imported before once more" },
		CDP_LISTEN_OPTIONS(c.listen),
		{ 0, "replay", CDP_OPT_FLAG, &c.replay, NULL,
		  "the inputs are rejects: read what they hold" },
		{ 0 },
	};
	const struct cdp_tool tool = {
		.name = "cdp-collect",
		.purpose = "turn logs, tables and tracking records into clean records",
		.synopsis = "[-f FORMAT] [OPTION...] [FILE...]",
		.example = "cdp-collect --rejects bad.ndjson app.log access.log\n"
			   "cdp-collect --columns-map customers.json customers.csv\n"
			   "cdp-collect --replay bad.ndjson",
		.opts = opts,
		.common = CDP_COMMON_INPUT | CDP_COMMON_JOBS | CDP_COMMON_TIME |
			  CDP_COMMON_OUTPUT,
		.answers = CDP_ANSWERS_AS_IT_GOES,
	};
	struct cdp_err err;
	int rc;

	list_formats(&c);
	cdp_cli_start(&c.cli, &tool, argc, argv);
	check_options(&c);
	if (load(&c, &err) < 0) {
		release(&c);
		return cdp_cli_fail(&c.cli, &err);
	}
	rc = run(&c);
	cdp_once_job_finish(c.once);
	cdp_import_job_finish(c.imports, rc == 0);
	c.once = NULL;
	c.imports = NULL;
	release(&c);
	return cdp_cli_finish(&c.cli);
}
