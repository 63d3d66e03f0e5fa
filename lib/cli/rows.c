#include "cli/rows.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "cli/table.h"
#include "record/json.h"

struct cdp_rows {
	struct cdp_cli *cli;
	struct cdp_buf line; /* the row as JSON */
	/* The row, and for a table all rows of it, as cells. */
	bool cells_wanted;
	struct cdp_arena arena;
	struct cdp_cell *header, *cells;
	size_t nheader,
		header_cap; /* columns of the present table, with "result" first */
	size_t ncells, cells_cap;
	size_t at; /* columns of the row so far */
	const char *result;
	char *owned; /* `result`, where the arena is reset */
	struct cdp_cell *row;
	const char **keys;
	size_t row_cap, keys_cap;
	bool printed; /* a table or header was */
};

struct cdp_rows *cdp_rows_new(struct cdp_cli *cli)
{
	struct cdp_rows *r = cdp_calloc(1, sizeof(*r));

	r->cli = cli;
	r->cells_wanted = cli->opt.table || cli->opt.csv;
	cdp_buf_init(&r->line, CDP_BUF_NOMAX);
	cdp_arena_init(&r->arena);
	return r;
}

static void add_cell(struct cdp_rows *r, const char *key, struct cdp_cell cell)
{
	CDP_GROW(r->row, r->at, r->row_cap);
	CDP_GROW(r->keys, r->at, r->keys_cap);
	cell.text = cdp_arena_strndup(&r->arena, cell.text, cell.n);
	r->row[r->at] = cell;
	r->keys[r->at++] = key;
}

static void add(struct cdp_rows *r, const char *key, enum cdp_cell_kind kind,
		const char *text, size_t n)
{
	if (r->cells_wanted) {
		add_cell(r, key, (struct cdp_cell){ kind, text, n, 0 });
		return;
	}
	cdp_json_key(&r->line, key);
	if (kind == CDP_CELL_TEXT)
		cdp_json_str(&r->line, text, n);
	else
		cdp_buf_add(&r->line, text, n);
}

void cdp_rows_begin(struct cdp_rows *r, const char *result)
{
	cdp_buf_reset(&r->line);
	cdp_buf_addc(&r->line, '{');
	r->at = 0;
	add(r, "result", CDP_CELL_TEXT, result, strlen(result));
}

void cdp_rows_str(struct cdp_rows *r, const char *key, const char *p, size_t n)
{
	add(r, key, CDP_CELL_TEXT, p, n);
}

void cdp_rows_cstr(struct cdp_rows *r, const char *key, const char *s)
{
	add(r, key, CDP_CELL_TEXT, s, strlen(s));
}

void cdp_rows_int(struct cdp_rows *r, const char *key, int64_t v)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%" PRId64, v);

	add(r, key, CDP_CELL_NUMBER, text, (size_t)n);
}

/* JSON has neither infinities nor NaN. */
void cdp_rows_double(struct cdp_rows *r, const char *key, double v)
{
	struct cdp_buf b;

	if (!isfinite(v)) {
		cdp_rows_null(r, key);
		return;
	}
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_num_add_double(&b, v);
	add(r, key, CDP_CELL_NUMBER, b.p, b.n);
	cdp_buf_release(&b);
}

void cdp_rows_share(struct cdp_rows *r, const char *key, double v)
{
	char text[64];
	int n;

	if (!isfinite(v)) {
		cdp_rows_null(r, key);
		return;
	}
	n = snprintf(text, sizeof(text), "%.4f", v);
	if (r->cells_wanted)
		add_cell(r, key, (struct cdp_cell){ CDP_CELL_SHARE, text, (size_t)n, v });
	else
		add(r, key, CDP_CELL_NUMBER, text, (size_t)n);
}

void cdp_rows_bool(struct cdp_rows *r, const char *key, bool v)
{
	cdp_rows_json(r, key, v ? "true" : "false", v ? 4 : 5);
}

void cdp_rows_null(struct cdp_rows *r, const char *key)
{
	if (r->cells_wanted)
		add_cell(r, key, (struct cdp_cell){ CDP_CELL_EMPTY, "", 0, 0 });
	else
		add(r, key, CDP_CELL_EMPTY, "null", 4);
}

void cdp_rows_json(struct cdp_rows *r, const char *key, const char *raw, size_t n)
{
	struct cdp_val v;
	struct cdp_buf tmp;
	const char *text = raw;
	enum cdp_cell_kind kind = CDP_CELL_TEXT;

	if (!r->cells_wanted) {
		cdp_json_key(&r->line, key);
		cdp_buf_add(&r->line, raw, n);
		return;
	}
	cdp_val_at(&v, raw, n);
	if (v.type == CDP_NULL) {
		cdp_rows_null(r, key);
		return;
	}
	cdp_buf_init(&tmp, CDP_BUF_NOMAX);
	if (v.type == CDP_STRING)
		text = cdp_val_str(&v, &tmp, &n);
	else if (v.type == CDP_NUMBER)
		kind = CDP_CELL_NUMBER;
	add(r, key, kind, text, n);
	cdp_buf_release(&tmp);
}

/* --- ends of rows --- */

static bool same_columns(const struct cdp_rows *r)
{
	if (r->at != r->nheader || strcmp(r->row[0].text, r->result) != 0)
		return false;
	for (size_t i = 0; i < r->at; i++)
		if (strcmp(r->keys[i], r->header[i].text) != 0)
			return false;
	return true;
}

static int print(struct cdp_rows *r, struct cdp_buf *b)
{
	return cdp_out_write(cdp_cli_out(r->cli), b->p, b->n);
}

/* The table held, without its first column, which is the title. */
static int print_table(struct cdp_rows *r)
{
	struct cdp_buf b;
	size_t columns = r->nheader - 1;
	int rc;

	if (!r->ncells)
		return 0;
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	if (r->printed)
		cdp_buf_addc(&b, '\n');
	cdp_table_text(&b, r->result, r->header + 1, columns, r->cells,
		       columns ? r->ncells / columns : 0);
	rc = print(r, &b);
	cdp_buf_release(&b);
	r->printed = true;
	r->ncells = 0;
	return rc;
}

static void new_header(struct cdp_rows *r)
{
	r->nheader = 0;
	for (size_t i = 0; i < r->at; i++) {
		CDP_GROW(r->header, r->nheader, r->header_cap);
		r->header[r->nheader++] = (struct cdp_cell){ CDP_CELL_TEXT, r->keys[i],
							     strlen(r->keys[i]), 0 };
	}
	r->result = r->row[0].text;
}

static int end_table_row(struct cdp_rows *r)
{
	int rc = 0;

	if (!r->result || !same_columns(r)) {
		rc = print_table(r);
		new_header(r);
	}
	for (size_t i = 1; i < r->at; i++) {
		CDP_GROW(r->cells, r->ncells, r->cells_cap);
		r->cells[r->ncells++] = r->row[i];
	}
	return rc;
}

static int end_csv_row(struct cdp_rows *r)
{
	struct cdp_buf b;
	int rc;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	if (!r->result || !same_columns(r)) {
		if (r->printed)
			cdp_buf_addc(&b, '\n');
		new_header(r);
		free(r->owned);
		r->result = r->owned = cdp_strdup(r->result);
		cdp_table_csv(&b, r->header, r->nheader);
		r->printed = true;
	}
	cdp_table_csv(&b, r->row, r->at);
	rc = print(r, &b);
	cdp_buf_release(&b);
	cdp_arena_reset(&r->arena); /* nothing but the result outlives a row */
	return rc;
}

int cdp_rows_end(struct cdp_rows *r)
{
	r->cli->counts.out++;
	if (r->cli->opt.table)
		return end_table_row(r);
	if (r->cli->opt.csv)
		return end_csv_row(r);
	cdp_buf_adds(&r->line, "}\n");
	return print(r, &r->line);
}

int cdp_rows_free(struct cdp_rows *r)
{
	int rc = r->cli->opt.table ? print_table(r) : 0;

	cdp_arena_release(&r->arena);
	cdp_buf_release(&r->line);
	free(r->header);
	free(r->cells);
	free(r->row);
	free(r->keys);
	free(r->owned);
	free(r);
	return rc;
}
