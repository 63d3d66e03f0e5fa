#include "format/csvmap_priv.h"

#include "base/text.h"
#include "format/canon.h"
#include "record/json.h"

#include <stdlib.h>

void cdp_csvmap_free(struct cdp_csvmap *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->zone_count; i++)
		cdp_zone_free(m->zones[i]);
	free(m->zones);
	cdp_arena_release(&m->arena);
	cdp_buf_release(&m->header);
	cdp_buf_release(&m->tmp);
	free(m->columns);
	free(m->nulls);
	free(m->fields);
	free(m->bound);
	free(m->name);
	free(m->text);
	free(m);
}

const char *cdp_csvmap_text(const struct cdp_csvmap *m)
{
	return m->text;
}

void cdp_csvmap_csv_opts(const struct cdp_csvmap *m, struct cdp_csv_opts *opts)
{
	*opts = (struct cdp_csv_opts){ .delimiter = m->delimiter,
				       .unquoted = !m->quoted,
				       .charset = m->charset };
}

bool cdp_csvmap_has_header(const struct cdp_csvmap *m)
{
	return !m->columns;
}

/* --- columns --- */

static struct cdp_csv_field trimmed(struct cdp_csv_field f)
{
	cdp_cell_trim(&f.p, &f.n);
	return f;
}

static bool is_column(const struct csv_field *f, struct cdp_csv_field name)
{
	return f->column && strlen(f->column) == name.n &&
	       memcmp(f->column, name.p, name.n) == 0;
}

static int missing_column(const struct cdp_csvmap *m, const struct csv_field *f,
			  const struct cdp_csv_field *names, size_t count,
			  struct cdp_err *err)
{
	const char **all = cdp_calloc(count, sizeof(*all)), *near;

	for (size_t i = 0; i < count; i++)
		all[i] = cdp_strndup(trimmed(names[i]).p, trimmed(names[i]).n);
	near = cdp_text_suggest(f->column, strlen(f->column), all, count);
	cdp_err_set(err, CDP_ERR_USAGE, "%s: no column '%s' in the input%s%s%s", m->name,
		    f->column, near ? "; did you mean '" : "", near ? near : "",
		    near ? "'?" : "");
	for (size_t i = 0; i < count; i++)
		free((char *)all[i]);
	free(all);
	return -1;
}

static int odd_column(const struct cdp_csvmap *m, const struct cdp_csv_field *names,
		      size_t count, struct cdp_err *err)
{
	for (size_t i = 0; i < count; i++)
		if (memchr(names[i].p, '\0', names[i].n))
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "%s: the header has NUL bytes, as UTF-16 "
					   "without a byte order mark has",
					   m->name);
	return 0;
}

static int bind_field(const struct cdp_csvmap *m, struct csv_field *f,
		      const struct cdp_csv_field *names, size_t count,
		      struct cdp_err *err)
{
	bool found = false;

	if (!f->column)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (!is_column(f, trimmed(names[i])))
			continue;
		if (found)
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "%s: column '%s' stands twice in the input",
					   m->name, f->column);
		found = true;
		f->index = i;
	}
	return found ? 0 : missing_column(m, f, names, count, err);
}

static void add_rest(struct cdp_csvmap *m, const struct cdp_csv_field *names,
		     size_t count)
{
	for (size_t i = 0; m->rest >= 0 && i < count; i++) {
		struct cdp_csv_field name = trimmed(names[i]);
		bool mapped = name.n == 0;

		for (size_t k = 0; k < m->field_count && !mapped; k++)
			mapped = is_column(&m->fields[k], name);
		if (mapped)
			continue;
		m->bound[m->bound_count] = (struct csv_field){
			.column = cdp_arena_strndup(&m->arena, name.p, name.n),
			.index = i,
			.target = m->rest,
		};
		m->bound[m->bound_count].key = m->bound[m->bound_count].column;
		m->bound_count++;
	}
}

/* What is set by a cell and unset by an empty one is two fields. */
static void add_unsets(struct cdp_csvmap *m)
{
	size_t n = m->bound_count;

	for (size_t i = 0; i < n; i++) {
		if (!m->bound[i].if_empty)
			continue;
		m->bound[m->bound_count] = m->bound[i];
		m->bound[m->bound_count++].target = CSV_UNSET;
		m->bound[i].if_empty = false;
	}
}

/* By target; within one in the order of the map.  Insertion sort: it is stable. */
static void sort_bound(struct cdp_csvmap *m)
{
	for (size_t i = 1; i < m->bound_count; i++) {
		struct csv_field f = m->bound[i];
		size_t k = i;

		for (; k && m->bound[k - 1].target > f.target; k--)
			m->bound[k] = m->bound[k - 1];
		m->bound[k] = f;
	}
}

static void put_header(struct cdp_csvmap *m, const struct cdp_csv_field *names,
		       size_t count)
{
	cdp_buf_reset(&m->header);
	for (size_t i = 0; i < count; i++) {
		cdp_buf_addc(&m->header, i ? ',' : '[');
		cdp_json_str(&m->header, names[i].p, names[i].n);
	}
	cdp_buf_addc(&m->header, ']');
}

const char *cdp_csvmap_header(struct cdp_csvmap *m)
{
	return cdp_buf_str(&m->header);
}

int cdp_csvmap_bind(struct cdp_csvmap *m, const struct cdp_csv_field *names, size_t count,
		    struct cdp_err *err)
{
	if (odd_column(m, names, count, err) < 0)
		return -1;
	free(m->bound);
	m->bound = cdp_calloc(2 * m->field_count + count, sizeof(*m->bound));
	memcpy(m->bound, m->fields, m->field_count * sizeof(*m->bound));
	m->bound_count = m->field_count;
	m->width = count;
	put_header(m, names, count);
	for (size_t i = 0; i < m->field_count; i++)
		if (bind_field(m, &m->bound[i], names, count, err) < 0)
			return -1;
	add_rest(m, names, count);
	add_unsets(m);
	sort_bound(m);
	return 0;
}

/* --- rows --- */

static bool is_null(const struct cdp_csvmap *m, const struct csv_field *f,
		    struct cdp_csv_field v)
{
	if (f->cell.trim || f->cell.type != CDP_CELL_STRING)
		v = trimmed(v);
	for (size_t i = 0; i < m->null_count; i++)
		if (strlen(m->nulls[i]) == v.n && memcmp(m->nulls[i], v.p, v.n) == 0)
			return true;
	return v.n == 0;
}

static int bad_cell(const struct csv_field *f, struct cdp_err *err)
{
	struct cdp_err why = *err;
	const char *target = csv_targets[f->target].name;

	if (f->key)
		return cdp_canon_bad_at(err, target, f->key, strlen(f->key),
					"column '%s': %s", f->column, why.msg);
	return cdp_canon_bad(err, target, "column '%s': %s", f->column, why.msg);
}

/* The items between the separators, empty ones left out; a single one without. */
static int put_list(struct cdp_csvmap *m, const struct csv_field *f,
		    struct cdp_csv_field v, struct cdp_buf *out, struct cdp_err *err)
{
	const char *p = v.p, *end = v.p + v.n;
	size_t k = f->split ? strlen(f->split) : 0;
	bool first = true;

	cdp_buf_addc(out, '[');
	while (p <= end) {
		const char *sep = k ? memmem(p, (size_t)(end - p), f->split, k) : NULL;
		const char *to = sep ? sep : end;
		struct cdp_csv_field item = { p, (size_t)(to - p) };

		p = sep ? sep + k : end + 1;
		if (!trimmed(item).n)
			continue;
		if (!first)
			cdp_buf_addc(out, ',');
		first = false;
		if (k)
			item = trimmed(item);
		if (cdp_cell_put(&f->cell, out, &m->tmp, item.p, item.n, err) < 0)
			return -1;
	}
	cdp_buf_addc(out, ']');
	return 0;
}

/* Whether a member is to be unset: by an empty cell, or by one that is not, nor false. */
static int is_unset(struct cdp_csvmap *m, const struct csv_field *f,
		    struct cdp_csv_field v, struct cdp_buf *out, struct cdp_err *err)
{
	size_t at = out->n;
	bool no;

	if (f->if_empty || is_null(m, f, v))
		return f->if_empty == is_null(m, f, v);
	if (cdp_cell_put(&f->cell, out, &m->tmp, v.p, v.n, err) < 0)
		return bad_cell(f, err);
	no = f->cell.type == CDP_CELL_BOOL && out->p[at] == 'f';
	out->n = at;
	return !no;
}

/* Whether there is something to write. */
static int is_said(struct cdp_csvmap *m, const struct csv_field *f,
		   struct cdp_csv_field v, struct cdp_buf *out, struct cdp_err *err)
{
	if (!f->column)
		return 1;
	if (f->target == CSV_UNSET)
		return is_unset(m, f, v, out, err);
	if (!is_null(m, f, v))
		return 1;
	if (!f->required)
		return 0;
	cdp_err_set(err, CDP_ERR_DATA, "empty, and it is required");
	return bad_cell(f, err);
}

/* 1: written; 0: the cell is empty. */
static int put_field(struct cdp_csvmap *m, const struct csv_field *f,
		     const struct cdp_csv_field *fields, struct cdp_buf *out, bool open,
		     struct cdp_err *err)
{
	struct cdp_csv_field v = { 0 };
	int rc;

	if (f->column)
		v = fields[f->index];
	rc = is_said(m, f, v, out, err);
	if (rc <= 0)
		return rc;
	if (!open) {
		cdp_json_key(out, csv_targets[f->target].name);
		if (f->key)
			cdp_buf_addc(out, '{');
	}
	if (f->key)
		cdp_json_key(out, f->key);
	if (!f->column)
		cdp_buf_adds(out, f->value);
	else if (f->target == CSV_UNSET)
		cdp_buf_adds(out, "true");
	else if (f->target == CSV_APPEND || f->split)
		rc = put_list(m, f, v, out, err);
	else
		rc = cdp_cell_put(&f->cell, out, &m->tmp, v.p, v.n, err);
	return rc < 0 ? bad_cell(f, err) : 1;
}

int cdp_csvmap_row(struct cdp_csvmap *m, const struct cdp_csv_field *fields, size_t count,
		   struct cdp_buf *out, struct cdp_err *err)
{
	size_t start = out->n;
	int open = -1; /* the target whose object is open */

	if (count != m->width)
		return cdp_canon_bad(err, "", "%zu fields, but %zu columns", count,
				     m->width);
	cdp_buf_addc(out, '{');
	for (size_t i = 0; i < m->bound_count; i++) {
		const struct csv_field *f = &m->bound[i];
		int rc;

		if (open >= 0 && open != f->target) {
			cdp_buf_addc(out, '}');
			open = -1;
		}
		rc = put_field(m, f, fields, out, open == f->target, err);
		if (rc < 0) {
			out->n = start;
			return -1;
		}
		if (rc && f->key)
			open = f->target;
	}
	if (open >= 0)
		cdp_buf_addc(out, '}');
	cdp_buf_addc(out, '}');
	return 0;
}
