#include "cli/tag_sql.h"

#include "base/decimal.h"
#include "base/mem.h"
#include "cli/sql_job.h"
#include "io/sql.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ROW_MAX = 1 << 20 };

struct cdp_tag_sql {
	struct cdp_cli *cli;
	char *connection;
	const char *table;
	char *key;
	const struct cdp_tagset *set;
	/* Of the statement: the key, the tags in their order, as_of if there is one. */
	size_t *columns;
	enum cdp_sql_kind *kinds;
	size_t count;
	bool as_of;
};

static const char *const kind_words[] = { [CDP_SQL_TEXT] = "texts",
					  [CDP_SQL_NUMBER] = "numbers",
					  [CDP_SQL_BOOL] = "truth values",
					  [CDP_SQL_TIME] = "times",
					  [CDP_SQL_DATE] = "dates" };

/* --- columns --- */

static bool find_column(const struct cdp_sql *sql, const char *name, size_t *i)
{
	for (*i = 0; *i < cdp_sql_count(sql); ++*i)
		if (strcmp(cdp_sql_name(sql, *i), name) == 0)
			return true;
	for (*i = 0; *i < cdp_sql_count(sql); ++*i)
		if (strcasecmp(cdp_sql_name(sql, *i), name) == 0)
			return true;
	return false;
}

static bool takes(enum cdp_sql_kind kind, enum cdp_tag_type type)
{
	switch (kind) {
	case CDP_SQL_NUMBER:
		return type != CDP_TAG_STRING && type != CDP_TAG_LIST &&
		       type != CDP_TAG_MAP && type != CDP_TAG_DATE &&
		       type != CDP_TAG_DATETIME;
	case CDP_SQL_BOOL:
		return type == CDP_TAG_ANY || type == CDP_TAG_BOOL;
	case CDP_SQL_TIME:
	case CDP_SQL_DATE:
		return type == CDP_TAG_ANY || type == CDP_TAG_DATE ||
		       type == CDP_TAG_DATETIME;
	default:
		return true;
	}
}

static int add_column(struct cdp_tag_sql *s, const struct cdp_sql *sql, const char *name,
		      struct cdp_err *err)
{
	size_t i;

	if (!find_column(sql, name, &i))
		return cdp_err_set(err, CDP_ERR_USAGE, "table '%s' has no column '%s'",
				   s->table, name);
	for (size_t k = 0; k < s->count; k++)
		if (s->columns[k] == i)
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "column '%s' of table '%s' would take two "
					   "members of a profile",
					   cdp_sql_name(sql, i), s->table);
	s->kinds[s->count] = cdp_sql_kind(sql, i);
	s->columns[s->count++] = i;
	return 0;
}

static int add_columns(struct cdp_tag_sql *s, const struct cdp_sql *sql,
		       struct cdp_err *err)
{
	const struct cdp_tagset *set = s->set;
	size_t ignored;

	s->count = 0;
	if (add_column(s, sql, s->key, err) < 0)
		return -1;
	for (unsigned i = 0; i < set->count; i++) {
		const struct cdp_tag *t = &set->tags[i];

		if (add_column(s, sql, t->name, err) < 0)
			return -1;
		if (!takes(s->kinds[i + 1], t->type))
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "column '%s' of table '%s' takes %s, the tag "
					   "is a %s",
					   t->name, s->table, kind_words[s->kinds[i + 1]],
					   cdp_tag_type_name(t->type));
	}
	s->as_of = find_column(sql, "as_of", &ignored);
	return s->as_of ? add_column(s, sql, "as_of", err) : 0;
}

static struct cdp_sql *open_table(struct cdp_tag_sql *s, struct cdp_err *err)
{
	struct cdp_sql *sql = cdp_sql_open(s->connection, err);
	char *query = cdp_asprintf("SELECT * FROM %s WHERE 1 = 0", s->table);

	if (sql && (cdp_sql_query(sql, query, ROW_MAX, err) < 0 ||
		    add_columns(s, sql, err) < 0)) {
		cdp_sql_close(sql);
		sql = NULL;
	}
	free(query);
	return sql;
}

/* The last member of the path. */
static char *last_of(const char *key)
{
	struct cdp_path path = { 0 };
	struct cdp_err ignored;
	char *name;

	if (cdp_path_parse(&path, key, strlen(key), &ignored) < 0 || !path.count)
		name = cdp_strdup(key);
	else
		name = cdp_strdup(path.keys[path.count - 1]);
	cdp_path_release(&path);
	return name;
}

struct cdp_tag_sql *cdp_tag_sql_new(struct cdp_cli *cli, const char *connection,
				    const char *table, const char *key,
				    const struct cdp_tagset *set, struct cdp_err *err)
{
	struct cdp_tag_sql *s = cdp_calloc(1, sizeof(*s));
	struct cdp_sql *sql = NULL;

	s->cli = cli;
	s->table = table;
	s->set = set;
	s->key = last_of(key);
	s->columns = cdp_calloc(set->count + 2, sizeof(*s->columns));
	s->kinds = cdp_calloc(set->count + 2, sizeof(*s->kinds));
	if (cdp_cli_sql_name("sql-table", table, err) == 0 &&
	    (s->connection = cdp_cli_sql_connection(connection, err)))
		sql = open_table(s, err);
	if (!sql) {
		cdp_tag_sql_free(s);
		return NULL;
	}
	cdp_sql_close(sql);
	return s;
}

void cdp_tag_sql_free(struct cdp_tag_sql *s)
{
	if (!s)
		return;
	free(s->connection);
	free(s->key);
	free(s->columns);
	free(s->kinds);
	free(s);
}

/* --- values --- */

static bool put_number(struct cdp_buf *b, const struct cdp_value *v)
{
	switch (v->type) {
	case CDP_V_BOOL:
		cdp_buf_addc(b, v->b ? '1' : '0');
		return true;
	case CDP_V_DOUBLE:
		if (!isfinite(v->d))
			return false;
		break;
	case CDP_V_INT:
	case CDP_V_UINT:
	case CDP_V_DECIMAL:
		break;
	default:
		return false;
	}
	cdp_value_json(b, v);
	return true;
}

/* Times as the zone's clocks show them, which is how cdp-collect reads them. */
static bool put_time(struct cdp_buf *b, const struct cdp_value *v, bool day,
		     const struct cdp_zone *zone)
{
	struct cdp_time t = v->t;
	struct cdp_civil c;
	struct cdp_err ignored;

	if (v->type == CDP_V_STRING && v->s.n == 10) {
		cdp_buf_add(b, v->s.p, v->s.n);
		cdp_buf_adds(b, day ? "" : " 00:00:00");
		return true;
	}
	if (v->type != CDP_V_TIMESTAMP &&
	    (v->type != CDP_V_STRING || cdp_time_parse(&t, v->s.p, v->s.n, &ignored) < 0))
		return false;
	cdp_zone_civil(zone, t, &c);
	cdp_buf_addf(b, "%04d-%02d-%02d", c.year, c.month, c.day);
	if (!day)
		cdp_buf_addf(b, " %02d:%02d:%02d.%03d", c.hour, c.minute, c.second,
			     t.ns / 1000000);
	return true;
}

static void put_text(struct cdp_buf *b, const struct cdp_value *v)
{
	size_t at = b->n;

	if (v->type == CDP_V_STRING) {
		cdp_buf_add(b, v->s.p, v->s.n);
		return;
	}
	cdp_value_json(b, v);
	if (v->type != CDP_V_LIST && v->type != CDP_V_MAP && b->p[at] == '"') {
		memmove(b->p + at, b->p + at + 1, b->n - at - 2);
		b->n -= 2;
	}
}

/* False: the column cannot take it. */
static bool put_value(struct cdp_buf *b, const struct cdp_value *v,
		      enum cdp_sql_kind kind, const struct cdp_zone *zone)
{
	switch (kind) {
	case CDP_SQL_NUMBER:
		return put_number(b, v);
	case CDP_SQL_BOOL:
		return v->type == CDP_V_BOOL && put_number(b, v);
	case CDP_SQL_TIME:
	case CDP_SQL_DATE:
		return put_time(b, v, kind == CDP_SQL_DATE, zone);
	default:
		put_text(b, v);
		return true;
	}
}

/* --- rows --- */

struct row {
	struct cdp_buf text;
	struct cdp_sql_value *values; /* p: an offset until the row is whole */
	size_t *at;
};

static int put(struct cdp_tag_sql *s, const struct cdp_profile_spec *spec, struct row *r,
	       size_t column, const char *name, const struct cdp_value *v,
	       struct cdp_err *err)
{
	r->at[column] = r->text.n;
	r->values[column].p = v->type == CDP_V_NULL ? NULL : "";
	if (v->type != CDP_V_NULL &&
	    !put_value(&r->text, v, s->kinds[column], spec->run->zone))
		return cdp_err_set(err, CDP_ERR_SYS, "'%s' is a %s, its column takes %s",
				   name, cdp_vtype_name((enum cdp_vtype)v->type),
				   kind_words[s->kinds[column]]);
	r->values[column].n = r->text.n - r->at[column];
	return 0;
}

static int write_row(struct cdp_tag_sql *s, struct cdp_sql *sql,
		     const struct cdp_profile_spec *spec, struct cdp_profiler *p,
		     uint32_t place, struct row *r, struct cdp_err *err)
{
	struct cdp_value key = { .type = CDP_V_STRING };
	struct cdp_value as_of = { .type = CDP_V_TIMESTAMP };
	int ret;

	cdp_buf_reset(&r->text);
	cdp_profiler_turn(p, place);
	key.s.p = cdp_customers_key(spec->customers,
				    cdp_customers_at(spec->customers, place), &key.s.n);
	as_of.t = spec->run->as_of;
	ret = put(s, spec, r, 0, s->key, &key, err);
	for (unsigned k = 0; ret == 0 && k < s->set->count; k++) {
		unsigned i = s->set->order[k];

		ret = put(s, spec, r, i + 1, s->set->tags[i].name, cdp_profiler_tag(p, i),
			  err);
	}
	if (ret == 0 && s->as_of)
		ret = put(s, spec, r, s->count - 1, "as_of", &as_of, err);
	for (size_t i = 0; ret == 0 && i < s->count; i++)
		if (r->values[i].p)
			r->values[i].p = r->text.p + r->at[i];
	if (ret == 0)
		ret = cdp_sql_upsert(sql, r->values, err);
	if (ret < 0)
		cdp_err_prefix(err, "%.*s", key.s.n < 64 ? (int)key.s.n : 64, key.s.p);
	cdp_profiler_done(p);
	return ret;
}

static int write_rows(struct cdp_tag_sql *s, struct cdp_sql *sql,
		      const struct cdp_profile_spec *spec, struct cdp_err *err)
{
	uint32_t customers = cdp_customers_count(spec->customers);
	struct cdp_profiler *p = cdp_profiler_new(spec);
	struct row r = { .values = cdp_calloc(s->count, sizeof(*r.values)),
			 .at = cdp_calloc(s->count, sizeof(*r.at)) };
	int ret = cdp_sql_upsert_begin(sql, s->table, s->columns, s->count, err);

	cdp_buf_init(&r.text, CDP_BUF_NOMAX);
	for (uint32_t i = 0; ret == 0 && i < customers; i++)
		ret = write_row(s, sql, spec, p, i, &r, err);
	if (ret == 0)
		ret = cdp_sql_upsert_end(sql, err);
	if (ret == 0)
		s->cli->counts.out += customers;
	cdp_buf_release(&r.text);
	cdp_profiler_free(p);
	free(r.values);
	free(r.at);
	return ret;
}

void cdp_tag_sql_write(void *sink, const struct cdp_profile_spec *spec)
{
	struct cdp_tag_sql *s = sink;
	struct cdp_err err;
	struct cdp_sql *sql = open_table(s, &err);
	int ret = sql ? write_rows(s, sql, spec, &err) : -1;

	cdp_sql_close(sql);
	if (ret == 0)
		return;
	err.kind = CDP_ERR_SYS; /* also what was fine before the records were read */
	cdp_err_prefix(&err, "table '%s'", s->table);
	cdp_cli_report(s->cli, &err);
}
