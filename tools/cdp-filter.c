/* cdp-filter: keep, change or count the records that match an expression. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/count_by.h"
#include "cli/entities_job.h"
#include "cli/rows.h"
#include "lang/expr.h"
#include "record/fields.h"
#include "record/json.h"

struct assignment {
	struct cdp_path path;
	struct cdp_expr *expr;
};

struct filter {
	struct cdp_cli cli;
	const char *match_text, *by_text, *keep_text, *omit_text, *eval_text;
	const char *explain_text;
	struct cdp_strs set_texts, bind_texts, entity_files;
	bool count, exit_status;

	struct cdp_paths *paths;
	struct cdp_env env;
	struct cdp_entities *entities;
	struct cdp_eval *binder; /* owns what the bound values point into */
	char **bound_names;
	struct cdp_value *bound_values;
	struct cdp_expr **bound_exprs;
	struct cdp_expr *match, *by;
	int by_slot; /* of a plain member, else -1 */
	struct assignment *sets;
	struct cdp_fields *keep, *omit;

	uint64_t matched, changed;
	struct cdp_count_by *tally;
};

struct worker {
	const struct filter *f;
	struct cdp_eval *eval;
	struct cdp_scan *again; /* for --fields of a record that --set changed */
	struct cdp_buf text[2], value;
	uint64_t matched, changed;
	struct cdp_count_by *tally;
};

/* --- counting by value --- */

static void tally_record(struct worker *w, struct cdp_rec *rec, struct cdp_emit *e)
{
	const struct filter *f = w->f;
	struct cdp_value value;
	struct cdp_err err;

	if (f->by_slot >= 0) {
		const struct cdp_val *v = cdp_rec_get(rec, f->by_slot);

		if (v->type == CDP_STRING && !v->escaped) {
			cdp_count_by_add(w->tally, v->p - 1,
					 v->n + 2); /* with its quotes */
			return;
		}
	}
	cdp_eval_reset(w->eval);
	if (cdp_expr_value(f->by, w->eval, rec, &value, &err) < 0) {
		cdp_count_by_add_missing(w->tally);
		cdp_emit_eval_error(e, rec, &err);
		return;
	}
	cdp_buf_reset(&w->value);
	cdp_value_json(&w->value, &value);
	cdp_count_by_add(w->tally, w->value.p, w->value.n);
}

static void print_counts(struct filter *f)
{
	struct cdp_rows *rows = cdp_rows_new(&f->cli);

	if (f->by) {
		cdp_count_by_write(f->tally, rows, "count",
				   !f->cli.opt.table && !f->cli.opt.csv);
	} else {
		cdp_rows_begin(rows, "count");
		cdp_rows_int(rows, "count", (int64_t)f->matched);
		(void)cdp_rows_end(rows);
	}
	(void)cdp_rows_free(rows);
}

/* --- records --- */

/* The record with what --set says; in *text, borrowed. */
static int assign(struct worker *w, struct cdp_rec *rec, const char **text, size_t *len,
		  struct cdp_emit *e, struct cdp_err *err)
{
	const struct filter *f = w->f;
	int turn = 0;

	for (size_t i = 0; i < f->set_texts.n; i++) {
		struct cdp_buf *to = &w->text[turn];
		struct cdp_value value;
		struct cdp_err why;

		cdp_eval_reset(w->eval);
		if (cdp_expr_value(f->sets[i].expr, w->eval, rec, &value, &why) < 0) {
			cdp_emit_eval_error(e, rec, &why); /* the member stays as it is */
			continue;
		}
		cdp_buf_reset(&w->value);
		cdp_value_json(&w->value, &value);
		cdp_buf_reset(to);
		if (cdp_rec_set(to, *text, *len, &f->sets[i].path, w->value.p, w->value.n,
				err) < 0)
			return -1;
		*text = to->p;
		*len = to->n;
		turn = !turn;
	}
	return 0;
}

static int keep_fields(struct worker *w, struct cdp_rec *rec, const char *text,
		       size_t len, struct cdp_emit *e, struct cdp_err *err)
{
	struct cdp_rec changed;
	struct cdp_buf *from = text == w->text[0].p ? &w->text[0] : &w->text[1];

	if (text != rec->raw) {
		cdp_buf_reserve(from, CDP_IN_PAD);
		memset(from->p + from->n, 0, CDP_IN_PAD);
		cdp_scan_block(w->again, from->p, len);
		if (cdp_scan_next(w->again, &changed, err) != 1)
			CDP_BUG("a changed record is no record");
		rec = &changed;
	}
	cdp_fields_keep(w->f->keep, &e->out, rec);
	cdp_emit_line(e);
	return 0;
}

static int change(struct worker *w, struct cdp_rec *rec, struct cdp_emit *e,
		  struct cdp_err *err)
{
	const struct filter *f = w->f;
	const char *text = rec->raw;
	size_t len = rec->len, mark = e->out.n;

	if (assign(w, rec, &text, &len, e, err) < 0)
		return -1;
	if (f->keep)
		return keep_fields(w, rec, text, len, e, err);
	if (!f->omit || !cdp_fields_omit(f->omit, &e->out, text, len)) {
		e->out.n = mark;
		cdp_buf_add(&e->out, text, len);
	}
	cdp_emit_line(e);
	return 0;
}

/* The same, and whether anything is different is counted. */
static int change_record(struct worker *w, struct cdp_rec *rec, struct cdp_emit *e,
			 struct cdp_err *err)
{
	size_t mark = e->out.n;

	if (change(w, rec, e, err) < 0)
		return -1;
	w->changed += e->out.n - mark != rec->len + 1 ||
		      memcmp(e->out.p + mark, rec->raw, rec->len) != 0;
	return 0;
}

static int filter_record(void *worker, struct cdp_rec *rec, struct cdp_emit *e,
			 struct cdp_err *err)
{
	struct worker *w = worker;
	const struct filter *f = w->f;

	if (f->match) {
		int hit;

		cdp_eval_reset(w->eval);
		hit = cdp_expr_match(f->match, w->eval, rec, err);
		if (hit <= 0)
			return hit;
	}
	w->matched++;
	if (f->by)
		tally_record(w, rec, e);
	else if (!f->count && (f->set_texts.n || f->keep || f->omit))
		return change_record(w, rec, e, err);
	else if (!f->count)
		cdp_emit_rec(e, rec);
	return 0;
}

static void *worker_new(void *ctx)
{
	struct filter *f = ctx;
	struct worker *w = cdp_calloc(1, sizeof(*w));

	w->f = f;
	w->eval = cdp_eval_new(&f->cli.opt.run);
	cdp_eval_set_entities(w->eval, cdp_entities_fetch, f->entities);
	w->again = cdp_scan_new(f->paths);
	cdp_buf_init(&w->text[0], CDP_BUF_NOMAX);
	cdp_buf_init(&w->text[1], CDP_BUF_NOMAX);
	cdp_buf_init(&w->value, CDP_BUF_NOMAX);
	w->tally = cdp_count_by_new();
	return w;
}

static int worker_merge(void *ctx, void *worker, struct cdp_err *err)
{
	struct filter *f = ctx;
	struct worker *w = worker;

	(void)err;
	f->matched += w->matched;
	f->changed += w->changed;
	cdp_count_by_merge(f->tally, w->tally);
	cdp_buf_release(&w->text[0]);
	cdp_buf_release(&w->text[1]);
	cdp_buf_release(&w->value);
	cdp_scan_free(w->again);
	cdp_eval_free(w->eval);
	free(w);
	return 0;
}

/* --- what the options say --- */

/* The '=' between NAME and EXPR: the first that is not in quotes. */
static const char *equals_of(const char *text)
{
	for (bool quoted = false; *text; text++) {
		if (*text == '"')
			quoted = !quoted;
		if (*text == '=' && !quoted)
			return text;
	}
	return NULL;
}

static int compile(struct cdp_expr **out, const char *option, const char *text,
		   const struct cdp_env *env, struct cdp_err *err)
{
	if (cdp_expr_compile(out, text, strlen(text), env, err) == 0)
		return 0;
	cdp_err_prefix(err, "%s", option);
	return -1;
}

static int compile_match(struct filter *f, struct cdp_err *err)
{
	const char *text = f->match_text;

	if (cdp_expr_compile_condition(&f->match, text, strlen(text), &f->env, err) == 0)
		return 0;
	cdp_err_prefix(err, "option '-e'");
	return -1;
}

static int bind_one(struct filter *f, size_t i, struct cdp_err *err)
{
	const char *text = f->bind_texts.v[i], *equals = equals_of(text);
	const struct cdp_env env = { 0 };
	struct cdp_expr *expr;
	int rc;

	if (!equals || equals == text)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "option '--bind': '%s' is not NAME=EXPR", text);
	if (compile(&expr, "option '--bind'", equals + 1, &env, err) < 0)
		return -1;
	rc = cdp_expr_value(expr, f->binder, NULL, &f->bound_values[i], err);
	if (rc < 0) {
		err->kind = CDP_ERR_USAGE;
		cdp_err_prefix(err, "option '--bind'");
	}
	f->bound_names[i] = cdp_strndup(text, (size_t)(equals - text));
	/* The value may point into the program: it lives as long as the tool. */
	f->bound_exprs[i] = expr;
	return rc;
}

static int bind_all(struct filter *f, struct cdp_err *err)
{
	size_t n = f->bind_texts.n;

	f->binder = cdp_eval_new(&f->cli.opt.run);
	f->bound_names = cdp_calloc(n + 1, sizeof(*f->bound_names));
	f->bound_values = cdp_calloc(n + 1, sizeof(*f->bound_values));
	f->bound_exprs = cdp_calloc(n + 1, sizeof(*f->bound_exprs));
	for (size_t i = 0; i < n; i++)
		if (bind_one(f, i, err) < 0)
			return -1;
	f->env.bound_names = (const char *const *)f->bound_names;
	f->env.bound_values = f->bound_values;
	f->env.bound_count = n;
	return 0;
}

static int compile_set(struct filter *f, size_t i, struct cdp_err *err)
{
	const char *text = f->set_texts.v[i], *equals = equals_of(text);

	if (!equals)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "option '--set': '%s' is not NAME=EXPR", text);
	if (cdp_path_parse(&f->sets[i].path, text, (size_t)(equals - text), err) < 0) {
		cdp_err_prefix(err, "option '--set': column %zu", err->column);
		return -1;
	}
	return compile(&f->sets[i].expr, "option '--set'", equals + 1, &f->env, err);
}

/* Members of which a string is its own value: the times are instants to an expression,
 * as_of is the base time. */
static bool is_plain_member(const struct filter *f, const char *text)
{
	static const char *const other[] = { "time", "sent", "received", "as_of",
					     "true", "null", "false",    "in" };

	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		if (strcmp(text, other[i]) == 0)
			return false;
	for (size_t i = 0; i < f->env.bound_count; i++)
		if (strcmp(text, f->bound_names[i]) == 0)
			return false;
	if (!isalpha((unsigned char)*text) && *text != '_')
		return false;
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789_")] == '\0';
}

static int compile_by(struct filter *f, struct cdp_err *err)
{
	if (compile(&f->by, "option '--count-by'", f->by_text, &f->env, err) < 0)
		return -1;
	if (is_plain_member(f, f->by_text))
		f->by_slot = cdp_paths_add(f->paths, f->by_text, strlen(f->by_text), err);
	return 0;
}

static int compile_fields(struct cdp_fields **out, const char *option, const char *list,
			  struct cdp_paths *paths, struct cdp_err *err)
{
	*out = cdp_fields_new(list, paths, err);
	if (*out)
		return 0;
	cdp_err_prefix(err, "%s: column %zu", option, err->column);
	return -1;
}

static int prepare(struct filter *f, struct cdp_err *err)
{
	f->paths = cdp_paths_new();
	f->env.paths = f->eval_text ? NULL : f->paths;
	f->entities = cdp_entities_new();
	f->env.resolve_entity = f->eval_text ? NULL : cdp_entities_resolve;
	f->env.entity_host = f->entities;
	f->by_slot = -1;
	f->sets = cdp_calloc(f->set_texts.n + 1, sizeof(*f->sets));
	f->tally = cdp_count_by_new();
	if (bind_all(f, err) < 0)
		return -1;
	if (f->match_text && compile_match(f, err) < 0)
		return -1;
	for (size_t i = 0; i < f->set_texts.n; i++)
		if (compile_set(f, i, err) < 0)
			return -1;
	if (f->by_text && compile_by(f, err) < 0)
		return -1;
	if (f->keep_text && compile_fields(&f->keep, "option '--fields'", f->keep_text,
					   f->paths, err) < 0)
		return -1;
	if (f->omit_text &&
	    compile_fields(&f->omit, "option '--omit'", f->omit_text, NULL, err) < 0)
		return -1;
	return 0;
}

static void check_usage(struct filter *f)
{
	struct cdp_cli *cli = &f->cli;
	bool counts = f->count || f->by_text;
	bool changes = f->set_texts.n || f->keep_text || f->omit_text;

	if ((f->eval_text || f->explain_text) &&
	    (counts || changes || f->match_text || cli->operands[0]))
		cdp_cli_usage(cli, "option '--%s' reads no records",
			      f->eval_text ? "eval" : "explain");
	if (f->eval_text && f->explain_text)
		cdp_cli_usage(cli, "options '--eval' and '--explain' exclude each other");
	if (f->count && f->by_text)
		cdp_cli_usage(cli,
			      "options '--count' and '--count-by' exclude each other");
	if (f->keep_text && f->omit_text)
		cdp_cli_usage(cli, "options '--fields' and '--omit' exclude each other");
	if (counts && changes)
		cdp_cli_usage(cli, "counted records are not written: options '--set', "
				   "'--fields' and '--omit' have no effect");
	if ((cli->opt.table || cli->opt.csv) && !counts)
		cdp_cli_usage(cli, "option '--%s' requires '--count' or '--count-by'",
			      cli->opt.table ? "table" : "csv");
}

static void filter_release(struct filter *f)
{
	for (size_t i = 0; i < f->set_texts.n && f->sets; i++) {
		cdp_path_release(&f->sets[i].path);
		cdp_expr_free(f->sets[i].expr);
	}
	for (size_t i = 0; i < f->bind_texts.n && f->bound_exprs; i++) {
		cdp_expr_free(f->bound_exprs[i]);
		free(f->bound_names[i]);
	}
	free(f->sets);
	free(f->bound_names);
	free(f->bound_values);
	free(f->bound_exprs);
	cdp_expr_free(f->match);
	cdp_expr_free(f->by);
	cdp_fields_free(f->keep);
	cdp_fields_free(f->omit);
	cdp_eval_free(f->binder);
	cdp_strs_release(&f->entity_files);
	cdp_count_by_free(f->tally);
	cdp_entities_free(f->entities);
	cdp_paths_free(f->paths);
}

/* --- main --- */

/* One line with a value and its type, or with the error. */
static int evaluate(struct filter *f, struct cdp_err *err)
{
	struct cdp_eval *eval;
	struct cdp_expr *expr;
	struct cdp_value value;
	struct cdp_buf line;

	if (compile(&expr, "option '--eval'", f->eval_text, &f->env, err) < 0)
		return -1;
	cdp_buf_init(&line, CDP_BUF_NOMAX);
	eval = cdp_eval_new(&f->cli.opt.run);
	if (cdp_expr_value(expr, eval, NULL, &value, err) == 0) {
		cdp_value_typed_json(&line, &value);
	} else {
		cdp_buf_adds(&line, "{\"type\":\"error\",\"message\":");
		cdp_json_cstr(&line, err->msg);
		cdp_buf_addc(&line, '}');
		cdp_cli_set_status(&f->cli, 1);
	}
	cdp_buf_addc(&line, '\n');
	(void)cdp_out_write(cdp_cli_out(&f->cli), line.p, line.n);
	cdp_buf_release(&line);
	cdp_eval_free(eval);
	cdp_expr_free(expr);
	return 0;
}

/* One line about an expression over records. */
static int explain(struct filter *f, struct cdp_err *err)
{
	struct cdp_expr *expr;
	struct cdp_buf line;

	if (compile(&expr, "option '--explain'", f->explain_text, &f->env, err) < 0)
		return -1;
	cdp_buf_init(&line, CDP_BUF_NOMAX);
	cdp_expr_explain(expr, &line);
	cdp_buf_addc(&line, '\n');
	(void)cdp_out_write(cdp_cli_out(&f->cli), line.p, line.n);
	cdp_buf_release(&line);
	cdp_expr_free(expr);
	return 0;
}

static void filter_records(struct filter *f)
{
	const struct cdp_job job = {
		.ctx = f,
		.paths = f->paths,
		.worker = worker_new,
		.record = filter_record,
		.merge = worker_merge,
	};

	cdp_cli_check_entities(&f->cli, f->entities, &f->entity_files, -1);
	if (cdp_cli_read_entities(&f->cli, f->entities, &f->entity_files, -1, NULL) < 0 ||
	    cdp_cli_run(&f->cli, &job) < 0)
		return;
	if (f->count || f->by)
		print_counts(f);
	else if (f->set_texts.n || f->keep || f->omit)
		cdp_cli_stat(&f->cli, "changed", f->changed);
	if (f->exit_status && !f->matched)
		cdp_cli_set_status(&f->cli, 1);
}

int main(int argc, char **argv)
{
	struct filter f = { 0 };
	const struct cdp_opt opts[] = {
		{ 'e', "expression", CDP_OPT_STR, &f.match_text, "EXPR",
		  "keep the records for which EXPR is true" },
		{ 0, "set", CDP_OPT_LIST, &f.set_texts, "NAME=EXPR",
		  "set member NAME (a.b reaches into objects) to a value" },
		{ 0, "fields", CDP_OPT_STR, &f.keep_text, "LIST",
		  "write only these members, in this order" },
		{ 0, "omit", CDP_OPT_STR, &f.omit_text, "LIST",
		  "write all members but these" },
		{ 0, "count", CDP_OPT_FLAG, &f.count, NULL,
		  "write one row with the number of matching records" },
		{ 0, "count-by", CDP_OPT_STR, &f.by_text, "EXPR",
		  "write one row for each value of EXPR, most frequent first" },
		{ 0, "entities", CDP_OPT_LIST, &f.entity_files, "FILE",
		  "rows that entity('NAME', ID) asks for, repeatable" },
		{ 0, "exit-status", CDP_OPT_FLAG, &f.exit_status, NULL,
		  "exit with status 1 if no record matches" },
		{ 0, "eval", CDP_OPT_STR, &f.eval_text, "EXPR",
		  "read nothing, write the value of EXPR with its type" },
		{ 0, "explain", CDP_OPT_STR, &f.explain_text, "EXPR",
		  "read nothing, write what EXPR needs and its program" },
		{ 0, "bind", CDP_OPT_LIST, &f.bind_texts, "NAME=EXPR",
		  "let NAME stand for a constant value in expressions" },
		{ 0 },
	};
	const struct cdp_tool tool = {
		.name = "cdp-filter",
		.purpose = "keep, change or count the records that match an expression",
		.synopsis =
			"[-e EXPR] [--set NAME=EXPR]... [--fields LIST | --omit LIST] "
			"[--count | --count-by EXPR] [OPTION]... [FILE...]",
		.example =
			"cdp-filter -e \"event == 'buy_fund' && props.amount >= 10000\" "
			"events.ndjson\n"
			"cdp-filter --count-by event --table events.ndjson",
		.opts = opts,
		.common = CDP_COMMON_INPUT | CDP_COMMON_JOBS | CDP_COMMON_TIME |
			  CDP_COMMON_ROWS | CDP_COMMON_OUTPUT,
		.answers = CDP_ANSWERS_AS_IT_GOES,
	};
	struct cdp_err err;
	bool failed;

	cdp_cli_start(&f.cli, &tool, argc, argv);
	check_usage(&f);
	failed = prepare(&f, &err) < 0 || (f.eval_text && evaluate(&f, &err) < 0) ||
		 (f.explain_text && explain(&f, &err) < 0);
	if (!failed && !f.eval_text && !f.explain_text)
		filter_records(&f);
	f.cli.in_vain = f.by ? cdp_count_by_is_empty(f.tally) : f.matched == 0;
	filter_release(&f);
	return failed ? cdp_cli_fail(&f.cli, &err) : cdp_cli_finish(&f.cli);
}
