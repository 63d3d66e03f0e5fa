#include "cli/tables.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/charset.h"
#include "record/json.h"
#include "record/tree.h"

struct cdp_tables {
	struct cdp_cli *cli;
	struct cdp_csvmap *map;
	const char *charset;
	char delimiter;
	const struct cdp_tables_job *job;
	struct cdp_buf text; /* of a record */
	struct cdp_buf form; /* members for rejects, made when one is needed */
	struct cdp_block overlong;
	uint64_t long_offset;
	/* rows given again: how the last one was read, and who reads them so */
	struct cdp_buf again;
	char *again_charset;
	char again_delimiter;
	struct cdp_csv *bytes, *utf8;
};

struct cdp_tables *cdp_tables_new(struct cdp_cli *cli, struct cdp_csvmap *map,
				  const char *charset, char delimiter,
				  const struct cdp_tables_job *job)
{
	struct cdp_tables *t = cdp_calloc(1, sizeof(*t));

	t->cli = cli;
	t->map = map;
	t->charset = charset;
	t->delimiter = delimiter;
	t->job = job;
	cdp_buf_init(&t->text, CDP_BUF_NOMAX);
	cdp_buf_init(&t->form, CDP_BUF_NOMAX);
	cdp_buf_init(&t->again, CDP_BUF_NOMAX);
	return t;
}

void cdp_tables_free(struct cdp_tables *t)
{
	if (!t)
		return;
	cdp_buf_release(&t->text);
	cdp_buf_release(&t->form);
	cdp_buf_release(&t->again);
	cdp_csv_free(t->bytes);
	cdp_csv_free(t->utf8);
	free(t->again_charset);
	free(t);
}

static int sink(void *ctx, const char *p, size_t n, struct cdp_err *err)
{
	struct cdp_tables *t = ctx;

	return cdp_cli_keep_long(t->cli, p, n, err);
}

static void csv_opts(struct cdp_tables *t, struct cdp_csv_opts *opts)
{
	cdp_csvmap_csv_opts(t->map, opts);
	opts->row_max = t->cli->opt.line_max;
	opts->long_sink = sink;
	opts->ctx = t;
	if (t->charset)
		opts->charset = t->charset;
	if (t->delimiter)
		opts->delimiter = t->delimiter;
}

/* --- rejects --- */

/* How a row was read. */
struct manner {
	const char *charset;
	char delimiter;
	bool is_text; /* its bytes are UTF-8, whatever the character set was */
};

static const char *form_of(struct cdp_tables *t, const struct manner *m)
{
	cdp_buf_reset(&t->form);
	cdp_buf_adds(&t->form, "\"row\":{\"columns\":");
	cdp_buf_adds(&t->form, cdp_csvmap_header(t->map));
	if (m->charset && strcmp(m->charset, "UTF-8") != 0) {
		cdp_json_key(&t->form, "charset");
		cdp_json_cstr(&t->form, m->charset);
	}
	if (m->delimiter != ',') {
		cdp_json_key(&t->form, "delimiter");
		cdp_json_str(&t->form, &m->delimiter, 1);
	}
	cdp_buf_addc(&t->form, '}');
	return cdp_buf_str(&t->form);
}

/* Bytes that look like UTF-8 but are text of another kind must stay bytes. */
static bool needs_bytes(const struct manner *m, const char *p, size_t n)
{
	if (m->is_text || !m->charset || strcmp(m->charset, "UTF-8") == 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!p[i] || (unsigned char)p[i] >= 0x80)
			return true;
	return false;
}

static void reject(struct cdp_tables *t, const struct cdp_csv_row *row, uint64_t line,
		   const struct manner *m, struct cdp_emit *e, const struct cdp_err *err)
{
	struct cdp_reject_form form = { .more = form_of(t, m) };
	struct cdp_rec rec = { .raw = row->raw, .len = row->raw_len, .line = line };

	if (row->raw) {
		form.bytes = needs_bytes(m, row->raw, row->raw_len);
		cdp_emit_reject_as(e, &rec, err, &form);
		return;
	}
	t->overlong = (struct cdp_block){ .overlong = true,
					  .long_length = row->raw_len,
					  .long_offset = t->long_offset };
	memcpy(t->overlong.long_sha256, row->long_sha256, sizeof(row->long_sha256));
	t->long_offset += row->raw_len;
	cdp_emit_reject_long(e, line, &t->overlong, err, &form);
}

/* --- a row --- */

/* 0, or -1 with *err: a data error is about this row. */
int cdp_tables_convert(struct cdp_tables *t, const struct cdp_csv_row *row,
		       struct cdp_emit *e, struct cdp_err *err)
{
	struct cdp_counts before = e->counts;
	size_t at = e->out.n;

	cdp_buf_reset(&t->text);
	if (cdp_csvmap_row(t->map, row->fields, row->count, &t->text, err) == 0 &&
	    t->job->record(t->job->ctx, t->text.p, t->text.n, e, err) == 0)
		return 0;
	e->out.n = at;
	e->counts.out = before.out;
	return -1;
}

void cdp_tables_reject(struct cdp_tables *t, const struct cdp_csv_row *row,
		       struct cdp_emit *e, const struct cdp_err *err)
{
	const struct manner m = { NULL, ',', true };

	reject(t, row, row->line, &m, e, err);
}

bool cdp_tables_commit(struct cdp_tables *t, struct cdp_emit *e)
{
	struct cdp_err err;

	if (!t->job->commit || t->job->commit(t->job->ctx, e, &err) == 0)
		return cdp_cli_emit_commit(e) == 0;
	cdp_cli_report(t->cli, &err);
	return false;
}

int cdp_tables_bind(struct cdp_tables *t, const struct cdp_csv_field *names, size_t n,
		    struct cdp_err *err)
{
	return cdp_csvmap_bind(t->map, names, n, err);
}

/* What the reader of rows answered; false ends the run. */
static bool take(struct cdp_tables *t, int rc, const struct cdp_csv_row *row,
		 char delimiter, struct cdp_emit *e, struct cdp_err *err)
{
	struct manner m = { row->charset, delimiter, false };

	e->counts.in++;
	if (rc > 0)
		rc = cdp_tables_convert(t, row, e, err);
	if (rc < 0 && err->kind != CDP_ERR_DATA) {
		cdp_cli_report(t->cli, err);
		return false;
	}
	if (rc < 0)
		reject(t, row, row->line, &m, e, err);
	return cdp_tables_commit(t, e);
}

/* --- files --- */

/* The row names the columns. */
static bool bind(struct cdp_tables *t, int rc, const struct cdp_csv_row *row,
		 struct cdp_err *err)
{
	if (rc > 0)
		rc = cdp_csvmap_bind(t->map, row->fields, row->count, err);
	if (rc > 0 || rc == 0)
		return true;
	err->kind = CDP_ERR_USAGE;
	cdp_err_prefix(err, "%s", row->name);
	cdp_cli_report(t->cli, err);
	return false;
}

static bool read_rows(struct cdp_tables *t, struct cdp_csv *csv, char delimiter)
{
	struct cdp_emit *e = NULL;
	struct cdp_csv_row row = { 0 };
	struct cdp_err err;
	unsigned input = 0;
	bool go_on = true;
	int rc;

	while (go_on && (rc = cdp_csv_next(csv, &row, &err)) != 0) {
		if (rc < 0 && err.kind != CDP_ERR_DATA) {
			cdp_cli_report(t->cli, &err);
			continue;
		}
		if (!e || row.input != input) {
			if (e)
				cdp_cli_emit_free(e);
			input = row.input;
			e = cdp_cli_emit_new(t->cli, row.name);
		}
		if (row.first && cdp_csvmap_has_header(t->map))
			go_on = bind(t, rc, &row, &err);
		else
			go_on = take(t, rc, &row, delimiter, e, &err);
	}
	if (e)
		cdp_cli_emit_free(e);
	return go_on;
}

int cdp_tables_read(struct cdp_tables *t, char *const *operands)
{
	struct cdp_in *in = cdp_cli_in_new(t->cli, operands);
	struct cdp_csv_opts opts;
	struct cdp_csv *csv;
	struct cdp_err err;
	bool whole = false;

	if (!in)
		return -1;
	csv_opts(t, &opts);
	t->long_offset = cdp_cli_long_size(t->cli);
	csv = cdp_csv_new(in, &opts, &err);
	if (csv)
		whole = read_rows(t, csv, opts.delimiter ? opts.delimiter : ',');
	else
		cdp_cli_report(t->cli, &err);
	cdp_csv_free(csv);
	cdp_in_free(in);
	return whole ? 0 : -1;
}

/* --- rows given again --- */

static int bind_columns(struct cdp_tables *t, const json_t *columns, struct cdp_err *err)
{
	size_t n = json_array_size(columns);
	struct cdp_csv_field *names = cdp_calloc(n + 1, sizeof(*names));
	int rc = n ? 0
		   : cdp_err_set(err, CDP_ERR_DATA,
				 "reject.row.columns: no names of columns");

	for (size_t i = 0; i < n && rc == 0; i++) {
		const json_t *s = json_array_get(columns, i);

		names[i].p = json_string_value(s);
		names[i].n = json_string_length(s);
		if (!names[i].p)
			rc = cdp_err_set(err, CDP_ERR_DATA,
					 "reject.row.columns[%zu]: not a string", i);
	}
	if (rc == 0)
		rc = cdp_csvmap_bind(t->map, names, n, err);
	free(names);
	return rc;
}

/* The two readers: of bytes as they were, and of text. */
static int make_readers(struct cdp_tables *t, const char *charset, const char *delimiter,
			struct cdp_err *err)
{
	struct cdp_csv_opts opts;

	csv_opts(t, &opts);
	/* What is at hand has been under a ceiling. */
	opts.row_max = SIZE_MAX / 4;
	if (!opts.charset)
		opts.charset = charset;
	if (!opts.delimiter && delimiter)
		opts.delimiter = *delimiter;
	cdp_csv_free(t->bytes);
	cdp_csv_free(t->utf8);
	t->utf8 = NULL;
	t->bytes = cdp_csv_new(NULL, &opts, err);
	if (!t->bytes)
		return -1;
	free(t->again_charset);
	t->again_charset = opts.charset ? cdp_strdup(opts.charset) : NULL;
	t->again_delimiter = opts.delimiter ? opts.delimiter : ',';
	opts.charset = NULL;
	t->utf8 = cdp_csv_new(NULL, &opts, err);
	return t->utf8 ? 0 : -1;
}

static int use_row(struct cdp_tables *t, const json_t *row, struct cdp_err *err)
{
	const char *charset = NULL, *delimiter = NULL;

	if (cdp_tree_str(row, "charset", &charset, false, "reject.row", err) < 0 ||
	    cdp_tree_str(row, "delimiter", &delimiter, false, "reject.row", err) < 0 ||
	    make_readers(t, charset, delimiter, err) < 0)
		return -1;
	if (!cdp_csvmap_has_header(t->map))
		return 0;
	return bind_columns(t, json_object_get(row, "columns"), err);
}

/* Read rows as this one was; most are like the one before. */
static int set_manner(struct cdp_tables *t, const char *row, size_t n,
		      struct cdp_err *err)
{
	json_t *tree;
	int rc = -1;

	if (t->utf8 && t->again.n == n && memcmp(t->again.p, row, n) == 0)
		return 0;
	cdp_buf_reset(&t->again);
	tree = cdp_tree_parse(row, n, "reject.row", err);
	if (tree)
		rc = use_row(t, tree, err);
	json_decref(tree);
	if (rc == 0)
		cdp_buf_add(&t->again, row, n);
	else if (err->kind != CDP_ERR_SYS)
		err->kind = CDP_ERR_DATA;
	return rc;
}

/* Not even looked at: it stays what it was. */
static void reject_same(struct cdp_tables *t, const struct cdp_rec *rec, bool is_text,
			const char *row, size_t n, struct cdp_emit *e,
			const struct cdp_err *err)
{
	struct cdp_reject_form form = { .bytes = !is_text };

	cdp_buf_reset(&t->form);
	cdp_buf_adds(&t->form, "\"row\":");
	cdp_buf_add(&t->form, row, n);
	form.more = cdp_buf_str(&t->form);
	cdp_emit_reject_as(e, rec, err, &form);
}

int cdp_tables_again(struct cdp_tables *t, const struct cdp_rec *rec, bool is_text,
		     const char *row, size_t row_n, struct cdp_emit *e,
		     struct cdp_err *err)
{
	struct manner m = { .is_text = is_text };
	struct cdp_csv_row r = { 0 };
	struct cdp_csv *csv;
	unsigned rows = 0;
	int rc;

	if (set_manner(t, row, row_n, err) < 0) {
		if (err->kind != CDP_ERR_DATA)
			return -1;
		reject_same(t, rec, is_text, row, row_n, e, err);
		return 0;
	}
	m.charset = t->again_charset;
	m.delimiter = t->again_delimiter;
	csv = is_text ? t->utf8 : t->bytes;
	cdp_csv_give(csv, rec->raw, rec->len);
	while ((rc = cdp_csv_next(csv, &r, err)) != 0) {
		if (rc > 0)
			rc = cdp_tables_convert(t, &r, e, err);
		if (rc < 0 && err->kind != CDP_ERR_DATA)
			return -1;
		if (rc < 0)
			reject(t, &r, rec->line, &m, e, err);
		rows++;
	}
	if (!rows) {
		cdp_err_set(err, CDP_ERR_DATA, "blank row");
		reject_same(t, rec, is_text, row, row_n, e, err);
		rows = 1;
	}
	e->counts.in += rows - 1;
	return 0;
}
