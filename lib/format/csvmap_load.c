/* Maps of tables: reading them. */
#include "format/csvmap_priv.h"

#include "format/canon.h"
#include "format/stamp.h"
#include "record/json.h"
#include "record/tree.h"

#include <stdlib.h>

const struct csv_target csv_targets[CSV_TARGETS] = {
	[CSV_TIME] = { "time", false },
	[CSV_EVENT] = { "event", false },
	[CSV_TYPE] = { "type", false },
	[CSV_IDS] = { "ids", true },
	[CSV_EVENT_ID] = { "event_id", false },
	[CSV_SOURCE] = { "source", false },
	[CSV_SENT] = { "sent", false },
	[CSV_RECEIVED] = { "received", false },
	[CSV_DETAIL] = { "detail", false },
	[CSV_ROW] = { "row", false },
	[CSV_ENTITY] = { "entity", false },
	[CSV_ID] = { "id", false },
	[CSV_RELATION] = { "relation", false },
	[CSV_TO] = { "to", true },
	[CSV_SET] = { "set", true },
	[CSV_SET_ONCE] = { "set_once", true },
	[CSV_INCREMENT] = { "increment", true },
	[CSV_APPEND] = { "append", true },
	[CSV_UNSET] = { "unset", true },
	[CSV_DELETED] = { "deleted", false },
	[CSV_PROPS] = { "props", true },
};

/* --- the map --- */

static const char *keep(struct cdp_csvmap *m, const char *s)
{
	return cdp_arena_strndup(&m->arena, s, strlen(s));
}

static int find_target(const char *p, size_t n)
{
	for (int i = 0; i < CSV_TARGETS; i++)
		if (strlen(csv_targets[i].name) == n &&
		    memcmp(csv_targets[i].name, p, n) == 0)
			return i;
	return -1;
}

static int read_target(struct cdp_csvmap *m, struct csv_field *f, const char *to,
		       const char *where, struct cdp_err *err)
{
	const char *dot = strchr(to, '.');
	size_t n = dot ? (size_t)(dot - to) : strlen(to);

	f->target = find_target(to, n);
	if (f->target < 0 || strcmp(to, "type") == 0)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s.to: no member '%s'", where,
				   to);
	if (csv_targets[f->target].object != (dot && dot[1]))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   csv_targets[f->target].object
					   ? "%s.to: '%s' needs a member, as in '%s.name'"
					   : "%s.to: '%s' has no members",
				   where, to, to);
	if (dot)
		f->key = keep(m, dot + 1);
	return 0;
}

/* A real number as jansson has it would not be the one in the file. */
static int read_constant(struct cdp_csvmap *m, struct csv_field *f, const json_t *v,
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

static int read_cell(struct cdp_csvmap *m, struct csv_field *f, const json_t *o,
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
	    : !f->key && (f->target == CSV_TIME || f->target == CSV_SENT ||
			  f->target == CSV_RECEIVED)
		    ? CDP_CELL_TIME
		    : CDP_CELL_STRING;
	if (t < 0)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s.type: unknown type '%s'",
				   where, type);
	f->cell.type = (enum cdp_cell_type)t;
	f->cell.trim = f->cell.trim || f->target == CSV_IDS || f->target == CSV_TO;
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

/* Lists, and what an empty cell says. */
static int read_ways(struct cdp_csvmap *m, struct csv_field *f, const json_t *o,
		     const char *where, struct cdp_err *err)
{
	const char *split = NULL, *empty = NULL;

	if (cdp_tree_str(o, "split", &split, false, where, err) < 0 ||
	    cdp_tree_str(o, "empty", &empty, false, where, err) < 0)
		return -1;
	if (split && (!*split || f->target == CSV_IDS || f->target == CSV_TO ||
		      f->target == CSV_INCREMENT || f->target == CSV_UNSET || !f->key))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   !*split ? "%s.split: empty"
					   : "%s.split: '%s' takes no list",
				   where, csv_targets[f->target].name);
	f->split = split ? keep(m, split) : NULL;
	if (!empty || strcmp(empty, "leave") == 0)
		return 0;
	if (strcmp(empty, "unset") != 0)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s.empty: expected 'leave' or 'unset', not '%s'",
				   where, empty);
	if (f->target != CSV_SET)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "%s.empty: only what is set can be unset", where);
	f->if_empty = true;
	return 0;
}

static int read_field(struct cdp_csvmap *m, struct csv_field *f, const json_t *o,
		      const struct cdp_zone *zone, const char *where, struct cdp_err *err)
{
	static const char *const known[] = { "column", "to",    "type",      "format",
					     "zone",   "trim",  "thousands", "required",
					     "value",  "split", "empty",     NULL };
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
	if (read_cell(m, f, o, zone, where, err) < 0)
		return -1;
	return read_ways(m, f, o, where, err);
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
	struct csv_field *f = &m->fields[m->field_count++];

	*f = (struct csv_field){ .target = find_target(target, strlen(target)) };
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
	if (rest && (m->rest < 0 || !csv_targets[m->rest].object))
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

static int bind_columns(struct cdp_csvmap *m, struct cdp_err *err)
{
	struct cdp_csv_field *names = cdp_calloc(m->column_count, sizeof(*names));
	int rc;

	for (size_t i = 0; i < m->column_count; i++)
		names[i] = (struct cdp_csv_field){ m->columns[i], strlen(m->columns[i]) };
	rc = cdp_csvmap_bind(m, names, m->column_count, err);
	free(names);
	return rc;
}

int cdp_csvmap_set_columns(struct cdp_csvmap *m, const char *list, struct cdp_err *err)
{
	size_t n = 1;

	for (const char *p = list; *p; p++)
		n += *p == ',';
	free(m->columns);
	m->columns = cdp_calloc(n, sizeof(*m->columns));
	m->column_count = n;
	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(list, ",");

		m->columns[i] = cdp_arena_strndup(&m->arena, list, len);
		list += len + 1;
	}
	return bind_columns(m, err);
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
	cdp_buf_init(&m->header, CDP_BUF_NOMAX);
	cdp_buf_init(&m->tmp, CDP_BUF_NOMAX);
	m->text = json_dumps(tree, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	rc = read_map(m, tree, zone, as_of_ms, err);
	json_decref(tree);
	if (rc == 0 && m->columns) {
		rc = bind_columns(m, err);
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
