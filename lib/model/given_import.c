/* Reading the files of imported tags. */
#include "base/mem.h"
#include "format/ids.h"
#include "io/csv.h"
#include "model/given_priv.h"
#include "record/head.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

/* Default names of the member or column that holds the id. */
static const char *const id_names[] = { "one_id", "id" };

static bool is_csv(const char *file)
{
	static const char *const ends[] = { ".csv", ".csv.gz", ".csv.zst" };
	size_t n = strlen(file);

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (n >= strlen(ends[i]) &&
		    strcmp(file + n - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

/* A value, JSON text; "null" is that there is none. */
static int take(struct cdp_column *c, const struct cdp_tag_import *im, const char *id,
		size_t n, const struct cdp_buf *value, struct cdp_err *err)
{
	bool none = value->n == 4 && memcmp(value->p, "null", 4) == 0, added;
	uint32_t at;

	if (cdp_id_is_spoilt(id, n))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "the id '%.*s' has lost its digits, as spreadsheets "
				   "make of long numbers",
				   n < 40 ? (int)n : 40, id);
	at = cdp_intern_put(c->ids, id, n, &added);
	c->counts.rows++;
	c->counts.repeated += !added;
	CDP_GROW(c->value, at, c->value_cap);
	if (added || im->mode != CDP_IMPORT_INCREMENT)
		c->value[at] =
			none ? 0 : cdp_intern_put(c->texts, value->p, value->n, NULL) + 1;
	return 0;
}

/* "FILE:17: cause", as an error of the definition. */
static int bad_row(struct cdp_err *err, const char *file, uint64_t line)
{
	err->kind = CDP_ERR_USAGE;
	cdp_err_prefix(err, "%s:%llu", file, (unsigned long long)line);
	return -1;
}

/* --- NDJSON --- */

struct rows {
	struct cdp_column *column;
	const struct cdp_tag_import *im;
	const char *file;
	struct cdp_paths *paths;
	int id[2], value;
	uint64_t lines; /* of the blocks before */
	struct cdp_buf key, text;
};

static int take_record(struct rows *r, struct cdp_rec *rec, struct cdp_err *err)
{
	const struct cdp_val *v = cdp_rec_get(rec, r->value);
	const char *p;
	size_t n;
	int rc = cdp_rec_key(rec, r->id[0], &r->key, &p, &n, err);

	if (rc == 0 && !r->im->key)
		rc = cdp_rec_key(rec, r->id[1], &r->key, &p, &n, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return cdp_err_set(err, CDP_ERR_USAGE, "there is no '%s'",
				   r->im->key ? r->im->key : id_names[0]);
	if (v->type == CDP_MISSING)
		return cdp_err_set(err, CDP_ERR_USAGE, "there is no '%s'", r->im->value);
	cdp_buf_reset(&r->text);
	cdp_json_val(&r->text, v);
	return take(r->column, r->im, p, n, &r->text, err);
}

static int take_block(struct rows *r, struct cdp_scan *scan, const struct cdp_block *b,
		      struct cdp_err *err)
{
	struct cdp_rec rec;
	int rc;

	if (b->overlong)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: a line is too long", r->file);
	cdp_scan_block(scan, b->data, b->len);
	while ((rc = cdp_scan_next(scan, &rec, err)) != 0)
		if (rc < 0 || take_record(r, &rec, err) < 0)
			return bad_row(err, r->file, r->lines + rec.line);
	r->lines += cdp_scan_lines(scan);
	return 0;
}

static int read_records(struct rows *r, struct cdp_err *err)
{
	char *files[] = { (char *)r->file, NULL };
	struct cdp_in_opts opts = { 0 };
	struct cdp_in *in = cdp_in_new(files, &opts);
	struct cdp_scan *scan = cdp_scan_new(r->paths);
	struct cdp_block block;
	int rc;

	cdp_block_init(&block);
	while ((rc = cdp_in_block(in, &block, err)) > 0 &&
	       (rc = take_block(r, scan, &block, err)) == 0)
		;
	cdp_block_release(&block);
	cdp_scan_free(scan);
	cdp_in_free(in);
	return rc;
}

static int read_ndjson(struct cdp_column *c, const struct cdp_tag_import *im,
		       const char *file, struct cdp_err *err)
{
	struct rows r = { .column = c, .im = im, .file = file, .paths = cdp_paths_new() };
	const char *key = im->key ? im->key : id_names[0];
	int ret = -1;

	cdp_buf_init(&r.key, CDP_BUF_NOMAX);
	cdp_buf_init(&r.text, CDP_BUF_NOMAX);
	r.id[0] = cdp_paths_add(r.paths, key, strlen(key), err);
	r.id[1] = cdp_paths_add(r.paths, id_names[1], strlen(id_names[1]), err);
	r.value = cdp_paths_add(r.paths, im->value, strlen(im->value), err);
	if (r.id[0] >= 0 && r.id[1] >= 0 && r.value >= 0)
		ret = read_records(&r, err);
	cdp_buf_release(&r.key);
	cdp_buf_release(&r.text);
	cdp_paths_free(r.paths);
	return ret;
}

/* --- CSV --- */

struct table {
	struct cdp_column *column;
	const struct cdp_tag_import *im;
	enum cdp_tag_type type;
	size_t id, value; /* columns */
	struct cdp_buf text;
};

static bool is_field(const struct cdp_csv_field *f, const char *name)
{
	return f->n == strlen(name) && memcmp(f->p, name, f->n) == 0;
}

static int find_columns(struct table *t, const struct cdp_csv_row *row,
			struct cdp_err *err)
{
	const char *key = t->im->key ? t->im->key : id_names[0];
	const size_t none = row->count;

	t->id = t->value = none;
	for (size_t i = row->count; i-- > 0;) {
		if (is_field(&row->fields[i], key) ||
		    (!t->im->key && t->id == none &&
		     is_field(&row->fields[i], id_names[1])))
			t->id = i;
		if (is_field(&row->fields[i], t->im->value))
			t->value = i;
	}
	if (t->id < none && t->value < none)
		return 0;
	return cdp_err_set(err, CDP_ERR_USAGE, "there is no column '%s'",
			   t->id < none ? t->im->value : key);
}

static bool is_text(enum cdp_tag_type type)
{
	return type == CDP_TAG_ANY || type == CDP_TAG_STRING || type == CDP_TAG_DATE ||
	       type == CDP_TAG_DATETIME;
}

static int take_row(struct table *t, const struct cdp_csv_row *row, struct cdp_err *err)
{
	const struct cdp_csv_field *f;

	if (row->count <= t->id || row->count <= t->value)
		return cdp_err_set(err, CDP_ERR_USAGE, "the row has %zu fields",
				   row->count);
	f = &row->fields[t->value];
	if (row->fields[t->id].n == 0)
		return cdp_err_set(err, CDP_ERR_USAGE, "the id is empty");
	cdp_buf_reset(&t->text);
	if (f->n == 0)
		cdp_buf_adds(&t->text, "null");
	else if (is_text(t->type))
		cdp_json_str(&t->text, f->p, f->n);
	else if (cdp_json_check(f->p, f->n, err) < 0)
		return -1;
	else
		cdp_buf_add(&t->text, f->p, f->n);
	return take(t->column, t->im, row->fields[t->id].p, row->fields[t->id].n,
		    &t->text, err);
}

static int read_rows(struct table *t, struct cdp_csv *csv, const char *file,
		     struct cdp_err *err)
{
	struct cdp_csv_row row;
	int rc;

	while ((rc = cdp_csv_next(csv, &row, err)) > 0)
		if ((row.first ? find_columns : take_row)(t, &row, err) < 0)
			return bad_row(err, file, row.line);
	return rc < 0 && err->kind == CDP_ERR_DATA ? bad_row(err, file, row.line) : rc;
}

static int read_csv(struct cdp_column *c, const struct cdp_tag_import *im,
		    enum cdp_tag_type type, const char *file, struct cdp_err *err)
{
	char *files[] = { (char *)file, NULL };
	struct cdp_in_opts in_opts = { 0 };
	struct cdp_csv_opts opts = { 0 };
	struct table t = { .column = c, .im = im, .type = type };
	struct cdp_in *in = cdp_in_new(files, &in_opts);
	struct cdp_csv *csv = cdp_csv_new(in, &opts, err);
	int ret = -1;

	cdp_buf_init(&t.text, CDP_BUF_NOMAX);
	if (csv)
		ret = read_rows(&t, csv, file, err);
	cdp_buf_release(&t.text);
	cdp_csv_free(csv);
	cdp_in_free(in);
	return ret;
}

int cdp_import_read(struct cdp_column *c, const struct cdp_tag_import *im,
		    enum cdp_tag_type type, struct cdp_err *err)
{
	size_t first = im->mode == CDP_IMPORT_OVERWRITE ? im->count - 1 : 0;

	for (size_t i = first; i < im->count; i++)
		if ((is_csv(im->files[i]) ? read_csv(c, im, type, im->files[i], err)
					  : read_ndjson(c, im, im->files[i], err)) < 0)
			return -1;
	return 0;
}
