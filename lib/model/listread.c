#include "model/listread.h"

#include "base/mem.h"
#include "record/head.h"
#include "record/json.h"

#include <string.h>

/* What no line of text has in it: a line is one field. */
enum { NO_DELIMITER = 0x1f };

struct reader {
	const struct cdp_list_def *d;
	const struct cdp_list_sink *sink;
	const char *names[3]; /* of the column or member, the best first; NULL-ended */
	int slots[2];         /* NDJSON: of the names */
	struct cdp_paths *paths;
	struct cdp_scan *scan;
	struct cdp_buf line, key;
	size_t column; /* CSV */
};

/* --- CSV --- */

static bool is_named(const struct cdp_csv_field *f, const char *name)
{
	return f->n == strlen(name) && memcmp(f->p, name, f->n) == 0;
}

/* Of a file with another delimiter the header is one field as well. */
static bool is_one_name(const struct cdp_csv_field *f)
{
	return !memchr(f->p, ';', f->n) && !memchr(f->p, '\t', f->n) &&
	       !memchr(f->p, '|', f->n) && !memchr(f->p, ',', f->n);
}

static int find_column(struct reader *r, const struct cdp_csv_row *row,
		       struct cdp_err *err)
{
	for (int i = 0; r->names[i]; i++)
		for (size_t k = 0; k < row->count; k++)
			if (is_named(&row->fields[k], r->names[i])) {
				r->column = k;
				return 0;
			}
	r->column = 0;
	if (row->count == 1 && !r->d->key && is_one_name(row->fields))
		return 0;
	return cdp_err_set(err, CDP_ERR_USAGE, "%s: there is no column '%s'%s", row->name,
			   r->names[0], r->names[1] ? " or 'id'" : "");
}

/* --- NDJSON --- */

static int take_record(struct reader *r, const struct cdp_csv_row *row,
		       struct cdp_err *err)
{
	struct cdp_rec rec;
	const char *p;
	size_t n;
	int rc;

	cdp_buf_reset(&r->line);
	cdp_buf_add(&r->line, row->fields[0].p, row->fields[0].n);
	if (row->count > 1)
		cdp_buf_addc(&r->line, NO_DELIMITER); /* no JSON, as it stood there */
	cdp_buf_addc(&r->line, '\n');
	n = r->line.n;
	if (cdp_buf_reserve(&r->line, CDP_IN_PAD) == 0)
		memset(r->line.p + n, 0, CDP_IN_PAD);
	cdp_scan_block(r->scan, r->line.p, n);
	rc = cdp_scan_next(r->scan, &rec, err);
	if (rc <= 0)
		return rc;
	for (int i = 0; r->names[i]; i++) {
		rc = cdp_rec_key(&rec, r->slots[i], &r->key, &p, &n, err);
		if (rc)
			return rc < 0 ? -1 : r->sink->id(r->sink->ctx, p, n, row, err);
	}
	return cdp_err_set(err, CDP_ERR_DATA, "there is no '%s'", r->names[0]);
}

static int init_json(struct reader *r, struct cdp_err *err)
{
	r->paths = cdp_paths_new();
	for (int i = 0; r->names[i]; i++) {
		r->slots[i] =
			cdp_paths_add(r->paths, r->names[i], strlen(r->names[i]), err);
		if (r->slots[i] < 0) {
			cdp_err_prefix(err, "import.key");
			return -1;
		}
	}
	r->scan = cdp_scan_new(r->paths);
	return 0;
}

/* --- all --- */

static int take_row(struct reader *r, const struct cdp_csv_row *row, struct cdp_err *err)
{
	const struct cdp_csv_field *f = row->fields;

	if (r->d->form == CDP_LIST_NDJSON)
		return take_record(r, row, err);
	if (r->d->form == CDP_LIST_LINES && row->count > 1)
		return cdp_err_set(err, CDP_ERR_DATA, "a control character");
	if (row->count <= r->column)
		return cdp_err_set(err, CDP_ERR_DATA, "the row has %zu fields",
				   row->count);
	f += r->column;
	return r->sink->id(r->sink->ctx, f->p, f->n, row, err);
}

/* 0, or -1: stop. */
static int read_rows(struct reader *r, struct cdp_csv *csv, struct cdp_err *err)
{
	struct cdp_csv_row row = { 0 };
	bool first = true;
	unsigned input = 0;
	int rc;

	while ((rc = cdp_csv_next(csv, &row, err)) != 0) {
		if (rc < 0 && err->kind != CDP_ERR_DATA)
			return -1;
		if (first || row.input != input) {
			if (r->sink->file(r->sink->ctx, &row, err) < 0)
				return -1;
			first = false;
			input = row.input;
		}
		if (rc > 0 && row.first && r->d->form == CDP_LIST_CSV) {
			if (find_column(r, &row, err) < 0)
				return -1;
			continue;
		}
		if (rc > 0)
			rc = take_row(r, &row, err);
		if (rc < 0 && err->kind != CDP_ERR_DATA)
			return -1;
		if (rc < 0 && r->sink->bad(r->sink->ctx, &row, err) < 0) {
			err->kind = CDP_ERR_NONE;
			return -1;
		}
	}
	return 0;
}

int cdp_list_read(const struct cdp_list_def *d, struct cdp_in *in,
		  const struct cdp_list_sink *sink, struct cdp_err *err)
{
	struct reader r = { .d = d, .sink = sink };
	struct cdp_csv_opts opts = { .delimiter = d->delimiter,
				     .charset = d->charset,
				     .row_max = sink->row_max,
				     .long_sink = sink->long_sink,
				     .ctx = sink->ctx };
	struct cdp_csv *csv = NULL;
	int rc;

	r.names[0] = d->key ? d->key : d->kind ? d->kind : d->of;
	r.names[1] = d->key ? NULL : "id";
	if (d->form != CDP_LIST_CSV) {
		opts.delimiter = NO_DELIMITER;
		opts.unquoted = true;
	}
	cdp_buf_init(&r.line, CDP_BUF_NOMAX);
	cdp_buf_init(&r.key, CDP_BUF_NOMAX);
	rc = d->form == CDP_LIST_NDJSON ? init_json(&r, err) : 0;
	if (rc == 0)
		csv = cdp_csv_new(in, &opts, err);
	rc = csv ? read_rows(&r, csv, err) : -1;
	cdp_csv_free(csv);
	cdp_scan_free(r.scan);
	cdp_paths_free(r.paths);
	cdp_buf_release(&r.line);
	cdp_buf_release(&r.key);
	return rc;
}
