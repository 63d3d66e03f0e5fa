#include "format/csvmap.h"

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "format/canon.h"
#include "format/cell.h"
#include "format/stamp.h"
#include "record/json.h"
#include "record/tree.h"

#include <stdlib.h>

/* Where a value goes: a member of the record, or an object whose members take several.
 * Their order is that of the canonical record. */
static const struct target {
	const char *name;
	bool object;
} targets[] = {
	{ "time", false },     { "event", false },    { "type", false },
	{ "ids", true },       { "event_id", false }, { "source", false },
	{ "sent", false },     { "received", false }, { "detail", false },
	{ "row", false },      { "entity", false },   { "id", false },
	{ "relation", false }, { "to", true },        { "set", true },
	{ "set_once", true },  { "increment", true }, { "deleted", false },
	{ "props", true },
};
enum { TARGETS = sizeof(targets) / sizeof(*targets), T_TIME = 0, T_EVENT = 1 };

struct field {
	const char *column; /* NULL: a constant */
	size_t index;       /* of the column in a row */
	int target;
	const char *key; /* member of the target, NULL if that is no object */
	struct cdp_cell cell;
	bool required;
	const char *value; /* JSON text of a constant */
};

struct cdp_csvmap {
	char *name; /* for messages */
	struct cdp_arena arena;
	const char *charset, **columns, **nulls;
	size_t column_count, null_count;
	char delimiter;
	bool quoted;
	const char *type; /* NULL: an event */
	int rest;         /* target of the columns that no field names, -1: none */
	struct field *fields;
	size_t field_count;
	/* after bind: the fields and those of the rest, by target */
	struct field *bound;
	size_t bound_count, width;
	struct cdp_zone **zones;
	size_t zone_count;
	struct cdp_buf tmp;
};

/* --- the map --- */

static const char *keep(struct cdp_csvmap *m, const char *s)
{
	return cdp_arena_strndup(&m->arena, s, strlen(s));
}

static int find_target(const char *p, size_t n)
{
	for (int i = 0; i < TARGETS; i++)
		if (strlen(targets[i].name) == n && memcmp(targets[i].name, p, n) == 0)
			return i;
	return -1;
}

static int read_target(struct cdp_csvmap *m, struct field *f, const char *to,
		       const char *where, struct cdp_err *err)
{
	const char *dot = strchr(to, '.');
	size_t n = dot ? (size_t)(dot - to) : strlen(to);

	f->target = find_target(to, n);
	if (f->target < 0 || strcmp(to, "type") == 0)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s.to: no member '%s'", where,
				   to);
	if (targets[f->target].object != (dot && dot[1]))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   targets[f->target].object
					   ? "%s.to: '%s' needs a member, as in '%s.name'"
					   : "%s.to: '%s' has no members",
				   where, to, to);
	if (dot)
		f->key = keep(m, dot + 1);
	return 0;
}

/* A real number as jansson has it would not be the one in the file. */
static int read_constant(struct cdp_csvmap *m, struct field *f, const json_t *v,
			 const char *where, struct cdp_err *err)
{
	char *text;

	if (json_is_real(v))
		return cdp_err_set(
			err, CDP_ERR_USAGE,
			"%s.value: a number with a fraction is not exact here; "
			"use a string",
			where);
	text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
	f->value = keep(m, text);
	free(text);
	return 0;
}

static const struct cdp_zone *load_zone(struct cdp_csvmap *m, const char *name,
					struct cdp_err *err)
{
	struct cdp_zone *z;

	for (size_t i = 0; i < m->zone_count; i++)
		if (strcmp(cdp_zone_name(m->zones[i]), name) == 0)
			return m->zones[i];
	z = cdp_zone_load(name, err);
	if (!z)
		return NULL;
	m->zones = cdp_realloc(m->zones, m->zone_count + 1, sizeof(struct cdp_zone *));
	m->zones[m->zone_count++] = z;
	return z;
}

static int read_cell(struct cdp_csvmap *m, struct field *f, const json_t *o,
		     const struct cdp_zone *zone, const char *where, struct cdp_err *err)
{
	const char *type = NULL, *format = NULL, *zone_name = NULL;
	bool is_date;
	int t;

	if (cdp_tree_str(o, "type", &type, false, where, err) < 0 ||
	    cdp_tree_str(o, "format", &format, false, where, err) < 0 ||
	    cdp_tree_str(o, "zone", &zone_name, false, where, err) < 0 ||
	    cdp_tree_bool(o, "trim", &f->cell.trim, false, where, err) < 0 ||
	    cdp_tree_bool(o, "thousands", &f->cell.thousands, false, where, err) < 0)
		return -1;
	/* What is a time by its place needs no type. */
	t = type ? cdp_cell_type(type)
	    : !f->key && (f->target == T_TIME ||
			  strcmp(targets[f->target].name, "sent") == 0 ||
			  strcmp(targets[f->target].name, "received") == 0)
		    ? CDP_CELL_TIME
		    : CDP_CELL_STRING;
	if (t < 0)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s.type: unknown type '%s'",
				   where, type);
	f->cell.type = (enum cdp_cell_type)t;
	f->cell.trim =
		f->cell.trim || (f->key && strcmp(targets[f->target].name, "ids") == 0);
	is_date = f->cell.type == CDP_CELL_DATE;
	if (format && !is_date && f->cell.type != CDP_CELL_TIME)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s.format: only times and dates have one", where);
	if (format && cdp_stamp_check(format, err, is_date) < 0) {
		cdp_err_prefix(err, "%s.format", where);
		return -1;
	}
	f->cell.format = format ? keep(m, format) : NULL;
	f->cell.zone = zone_name ? load_zone(m, zone_name, err) : zone;
	return f->cell.zone || !zone_name ? 0 : -1;
}

static int read_field(struct cdp_csvmap *m, struct field *f, const json_t *o,
		      const struct cdp_zone *zone, const char *where, struct cdp_err *err)
{
	static const char *const known[] = { "column", "to",   "type",      "format",
					     "zone",   "trim", "thousands", "required",
					     "value",  NULL };
	const json_t *value = json_object_get(o, "value");
	const char *column = NULL, *to = NULL;

	if (!json_is_object(o))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected an object", where);
	if (cdp_tree_known(o, known, where, err) < 0 ||
	    cdp_tree_str(o, "column", &column, !value, where, err) < 0 ||
	    cdp_tree_str(o, "to", &to, true, where, err) < 0 ||
	    cdp_tree_bool(o, "required", &f->required, false, where, err) < 0 ||
	    read_target(m, f, to, where, err) < 0)
		return -1;
	if (value && column)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: both a column and a value",
				   where);
	if (value)
		return read_constant(m, f, value, where, err);
	f->column = keep(m, column);
	return read_cell(m, f, o, zone, where, err);
}

static int read_strings(struct cdp_csvmap *m, const json_t *list, const char *key,
			const char ***v, size_t *n, struct cdp_err *err)
{
	if (!list)
		return 0;
	if (!json_is_array(list))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected an array", key);
	*n = json_array_size(list);
	*v = cdp_calloc(*n + 1, sizeof(**v));
	for (size_t i = 0; i < *n; i++) {
		const json_t *s = json_array_get(list, i);

		if (!json_is_string(s))
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "%s[%zu]: expected a string", key, i);
		(*v)[i] = keep(m, json_string_value(s));
	}
	return 0;
}

static int read_file_form(struct cdp_csvmap *m, const json_t *o, struct cdp_err *err)
{
	const char *delimiter = NULL, *charset = NULL;

	m->quoted = true;
	if (cdp_tree_str(o, "charset", &charset, false, "", err) < 0 ||
	    cdp_tree_str(o, "delimiter", &delimiter, false, "", err) < 0 ||
	    cdp_tree_bool(o, "quoted", &m->quoted, false, "", err) < 0 ||
	    read_strings(m, json_object_get(o, "columns"), "columns", &m->columns,
			 &m->column_count, err) < 0 ||
	    read_strings(m, json_object_get(o, "nulls"), "nulls", &m->nulls,
			 &m->null_count, err) < 0)
		return -1;
	if (delimiter && strlen(delimiter) != 1)
		return cdp_err_set(err, CDP_ERR_USAGE, "delimiter: expected one byte");
	m->delimiter = delimiter ? *delimiter : 0;
	m->charset = charset ? keep(m, charset) : NULL;
	return 0;
}

static void add_constant(struct cdp_csvmap *m, const char *target, const char *json)
{
	struct field *f = &m->fields[m->field_count++];

	*f = (struct field){ .target = find_target(target, strlen(target)) };
	f->value = keep(m, json);
}

static void add_text(struct cdp_csvmap *m, const char *target, const char *text)
{
	cdp_buf_reset(&m->tmp);
	cdp_json_cstr(&m->tmp, text);
	add_constant(m, target, cdp_buf_str(&m->tmp));
}

static bool has_target(const struct cdp_csvmap *m, const char *name)
{
	int t = find_target(name, strlen(name));

	for (size_t i = 0; i < m->field_count; i++)
		if (m->fields[i].target == t)
			return true;
	return false;
}

/* The members of the map that stand for constants; and the time of a table's rows, which
 * often have none of their own. */
static int read_constants(struct cdp_csvmap *m, const json_t *o, int64_t as_of_ms,
			  struct cdp_err *err)
{
	static const char *const names[] = { "event",  "source",   "detail",
					     "entity", "relation", NULL };
	static const char *const types[] = { "event",    "profile", "detail", "entity",
					     "relation", "bind",    "unbind", NULL };
	const char *type = NULL, *text;
	size_t t = 0;

	if (cdp_tree_str(o, "type", &type, false, "", err) < 0)
		return -1;
	while (type && types[t] && strcmp(types[t], type) != 0)
		t++;
	if (!types[t])
		return cdp_err_set(err, CDP_ERR_USAGE, "type: unknown type '%s'", type);
	if (t)
		add_text(m, "type", type);
	for (size_t i = 0; names[i]; i++) {
		text = NULL;
		if (cdp_tree_str(o, names[i], &text, false, "", err) < 0)
			return -1;
		if (text && has_target(m, names[i]))
			return cdp_err_set(err, CDP_ERR_USAGE, "%s: given twice",
					   names[i]);
		if (text)
			add_text(m, names[i], text);
	}
	if (has_target(m, "time") || strcmp(types[t], "entity") == 0 ||
	    strcmp(types[t], "relation") == 0)
		return 0;
	if (as_of_ms == CDP_NO_TIME)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "fields: none of them is the time; --as-of would give "
				   "one to all rows");
	cdp_buf_reset(&m->tmp);
	cdp_canon_put_time(&m->tmp, as_of_ms);
	add_constant(m, "time", cdp_buf_str(&m->tmp));
	return 0;
}

static int read_fields(struct cdp_csvmap *m, const json_t *o, const struct cdp_zone *zone,
		       struct cdp_err *err)
{
	const json_t *list = json_object_get(o, "fields");
	size_t n = json_array_size(list);
	const char *rest = NULL;
	char where[40];

	if (!json_is_array(list))
		return cdp_err_set(err, CDP_ERR_USAGE, "fields: %s",
				   list ? "expected an array" : "missing");
	if (cdp_tree_str(o, "rest", &rest, false, "", err) < 0)
		return -1;
	m->rest = rest ? find_target(rest, strlen(rest)) : -1;
	if (rest && (m->rest < 0 || !targets[m->rest].object))
		return cdp_err_set(err, CDP_ERR_USAGE, "rest: '%s' takes no members",
				   rest);
	m->fields = cdp_calloc(n + 8, sizeof(*m->fields));
	for (size_t i = 0; i < n; i++) {
		snprintf(where, sizeof(where), "fields[%zu]", i);
		if (read_field(m, &m->fields[i], json_array_get(list, i), zone, where,
			       err) < 0)
			return -1;
		m->field_count++;
	}
	return 0;
}

static int read_map(struct cdp_csvmap *m, const json_t *o, const struct cdp_zone *zone,
		    int64_t as_of_ms, struct cdp_err *err)
{
	static const char *const known[] = {
		"type",      "event",   "source", "detail",  "entity",
		"relation",  "charset", "quoted", "columns", "nulls",
		"delimiter", "fields",  "rest",   NULL,
	};

	if (!json_is_object(o))
		return cdp_err_set(err, CDP_ERR_USAGE, "expected an object");
	if (cdp_tree_known(o, known, "", err) < 0 || read_file_form(m, o, err) < 0 ||
	    read_fields(m, o, zone, err) < 0 || read_constants(m, o, as_of_ms, err) < 0)
		return -1;
	return 0;
}

static struct cdp_csvmap *from_tree(json_t *tree, const char *name,
				    const struct cdp_zone *zone, int64_t as_of_ms,
				    struct cdp_err *err)
{
	struct cdp_csvmap *m;
	int rc;

	if (!tree)
		return NULL;
	m = cdp_calloc(1, sizeof(*m));
	m->name = cdp_strdup(name);
	cdp_arena_init(&m->arena);
	cdp_buf_init(&m->tmp, CDP_BUF_NOMAX);
	rc = read_map(m, tree, zone, as_of_ms, err);
	json_decref(tree);
	if (rc == 0 && m->columns) {
		struct cdp_csv_field *names = cdp_calloc(m->column_count, sizeof(*names));

		for (size_t i = 0; i < m->column_count; i++)
			names[i] = (struct cdp_csv_field){ m->columns[i],
							   strlen(m->columns[i]) };
		rc = cdp_csvmap_bind(m, names, m->column_count, err);
		free(names);
	} else if (rc < 0) {
		cdp_err_prefix(err, "%s", name);
	}
	if (rc == 0)
		return m;
	cdp_csvmap_free(m);
	return NULL;
}

struct cdp_csvmap *cdp_csvmap_load(const char *path, const struct cdp_zone *zone,
				   int64_t as_of_ms, struct cdp_err *err)
{
	return from_tree(cdp_tree_load(path, err), path, zone, as_of_ms, err);
}

struct cdp_csvmap *cdp_csvmap_parse(const char *text, size_t n, const char *name,
				    const struct cdp_zone *zone, int64_t as_of_ms,
				    struct cdp_err *err)
{
	return from_tree(cdp_tree_parse(text, n, name, err), name, zone, as_of_ms, err);
}

void cdp_csvmap_free(struct cdp_csvmap *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->zone_count; i++)
		cdp_zone_free(m->zones[i]);
	free(m->zones);
	cdp_arena_release(&m->arena);
	cdp_buf_release(&m->tmp);
	free(m->columns);
	free(m->nulls);
	free(m->fields);
	free(m->bound);
	free(m->name);
	free(m);
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

static bool is_column(const struct field *f, struct cdp_csv_field name)
{
	return f->column && strlen(f->column) == name.n &&
	       memcmp(f->column, name.p, name.n) == 0;
}

static int missing_column(const struct cdp_csvmap *m, const struct field *f,
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

static int bind_field(const struct cdp_csvmap *m, struct field *f,
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
		m->bound[m->bound_count] = (struct field){
			.column = cdp_arena_strndup(&m->arena, name.p, name.n),
			.index = i,
			.target = m->rest,
		};
		m->bound[m->bound_count].key = m->bound[m->bound_count].column;
		m->bound_count++;
	}
}

/* By target; within one in the order of the map.  Insertion sort: it is stable. */
static void sort_bound(struct cdp_csvmap *m)
{
	for (size_t i = 1; i < m->bound_count; i++) {
		struct field f = m->bound[i];
		size_t k = i;

		for (; k && m->bound[k - 1].target > f.target; k--)
			m->bound[k] = m->bound[k - 1];
		m->bound[k] = f;
	}
}

int cdp_csvmap_bind(struct cdp_csvmap *m, const struct cdp_csv_field *names, size_t count,
		    struct cdp_err *err)
{
	free(m->bound);
	m->bound = cdp_calloc(m->field_count + count, sizeof(*m->bound));
	memcpy(m->bound, m->fields, m->field_count * sizeof(*m->bound));
	m->bound_count = m->field_count;
	m->width = count;
	for (size_t i = 0; i < m->field_count; i++)
		if (bind_field(m, &m->bound[i], names, count, err) < 0)
			return -1;
	add_rest(m, names, count);
	sort_bound(m);
	return 0;
}

/* --- rows --- */

static bool is_null(const struct cdp_csvmap *m, const struct field *f,
		    struct cdp_csv_field v)
{
	if (f->cell.trim || f->cell.type != CDP_CELL_STRING)
		v = trimmed(v);
	for (size_t i = 0; i < m->null_count; i++)
		if (strlen(m->nulls[i]) == v.n && memcmp(m->nulls[i], v.p, v.n) == 0)
			return true;
	return v.n == 0;
}

static int bad_cell(const struct field *f, struct cdp_err *err)
{
	struct cdp_err why = *err;
	const char *target = targets[f->target].name;

	if (f->key)
		return cdp_canon_bad_at(err, target, f->key, strlen(f->key),
					"column '%s': %s", f->column, why.msg);
	return cdp_canon_bad(err, target, "column '%s': %s", f->column, why.msg);
}

/* 1: written; 0: the cell is empty. */
static int put_field(struct cdp_csvmap *m, const struct field *f,
		     const struct cdp_csv_field *fields, struct cdp_buf *out, bool open,
		     struct cdp_err *err)
{
	struct cdp_csv_field v = { 0 };

	if (f->column) {
		v = fields[f->index];
		if (is_null(m, f, v)) {
			if (!f->required)
				return 0;
			cdp_err_set(err, CDP_ERR_DATA, "empty, and it is required");
			return bad_cell(f, err);
		}
	}
	if (!open) {
		cdp_json_key(out, targets[f->target].name);
		if (f->key)
			cdp_buf_addc(out, '{');
	}
	if (f->key)
		cdp_json_key(out, f->key);
	if (!f->column)
		cdp_buf_adds(out, f->value);
	else if (cdp_cell_put(&f->cell, out, &m->tmp, v.p, v.n, err) < 0)
		return bad_cell(f, err);
	return 1;
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
		const struct field *f = &m->bound[i];
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
