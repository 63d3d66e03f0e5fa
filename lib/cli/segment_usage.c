#include "cli/segment_usage.h"

#include "base/mem.h"
#include "cli/rows.h"
#include "cli/used_in.h"
#include "model/meaning.h"
#include "model/past.h"
#include "model/usage.h"
#include "record/json.h"
#include "record/tree.h"

#include <stdlib.h>
#include <string.h>

enum standing { CURRENT, EXPIRED, STOPPED, GONE };
static const char *const standings[] = { "current", "expired", "stopped", "none" };

enum { KINDS = 2 }; /* enum cdp_past_kind */
static const enum cdp_source sources[KINDS] = { CDP_SOURCE_SEGMENT, CDP_SOURCE_TAG };

/* A definition, or what is stored without one. */
struct item {
	enum cdp_past_kind kind;
	enum standing standing;
	uint32_t at; /* in its set, if it is defined */
	const char *name;
	const struct cdp_past_of *past; /* or NULL */
	uint32_t duplicate;             /* CDP_INTERN_NONE: it is the first of its kind */
	int64_t from;                   /* since when it is unused */
	bool going, shown;
};

struct usage {
	struct cdp_cli *cli;
	const struct cdp_segment_usage *q;
	const struct cdp_segments *set;
	const struct cdp_tagset *tags; /* NULL: not known */
	struct cdp_past *past;
	struct item *v;
	uint32_t n;
	struct cdp_intern *names[KINDS];
	uint32_t *number[KINDS]; /* by name, the item */
	struct cdp_usage *graph;
	struct cdp_rows *rows;
	struct cdp_buf text;
	uint32_t stuck; /* of those to be retired, that cannot go */
};

/* --- items --- */

static struct item *add_item(struct usage *u, enum cdp_past_kind kind, const char *name,
			     enum standing standing, uint32_t at)
{
	struct item *i = &u->v[u->n];

	u->number[kind][cdp_intern_put(u->names[kind], name, strlen(name), NULL)] = u->n;
	*i = (struct item){ .kind = kind,
			    .standing = standing,
			    .at = at,
			    .name = name,
			    .past = cdp_past_find(u->past, kind, name),
			    .duplicate = CDP_INTERN_NONE };
	u->n++;
	return i;
}

static uint32_t find_item(const struct usage *u, enum cdp_past_kind kind,
			  const char *name, size_t n)
{
	uint32_t i = cdp_intern_get(u->names[kind], name, n);

	return i == CDP_INTERN_NONE ? i : u->number[kind][i];
}

static void add_stored(struct usage *u, enum cdp_past_kind kind)
{
	for (uint32_t i = 0; i < cdp_past_count(u->past, kind); i++) {
		const struct cdp_past_of *o = cdp_past_at(u->past, kind, i);
		bool stopped;

		if (!o->versions ||
		    find_item(u, kind, o->name, strlen(o->name)) != CDP_INTERN_NONE)
			continue;
		stopped = kind == CDP_PAST_TAGS &&
			  cdp_intern_get(u->tags->stopped, o->name, strlen(o->name)) !=
				  CDP_INTERN_NONE;
		add_item(u, kind, o->name, stopped ? STOPPED : GONE, 0);
	}
}

/* Tags, audiences, and what is stored and is neither. */
static void add_items(struct usage *u)
{
	uint32_t tags = u->tags ? u->tags->count : 0, most = tags + u->set->defined;

	for (int k = 0; k < KINDS; k++)
		most += cdp_past_count(u->past, (enum cdp_past_kind)k);
	u->v = cdp_alloc(((size_t)most + 1) * sizeof(*u->v));
	for (int k = 0; k < KINDS; k++) {
		u->names[k] = cdp_intern_new(0);
		u->number[k] = cdp_alloc(((size_t)most + 1) * sizeof(**u->number));
	}
	for (uint32_t i = 0; i < tags; i++)
		add_item(u, CDP_PAST_TAGS, u->tags->tags[i].name, CURRENT, i);
	for (uint32_t i = 0; i < u->set->defined; i++)
		add_item(u, CDP_PAST_AUDIENCES, u->set->v[i].name,
			 cdp_segment_has_expired(&u->set->v[i], &u->cli->opt.run)
				 ? EXPIRED
				 : CURRENT,
			 i);
	add_stored(u, CDP_PAST_AUDIENCES);
	if (u->tags)
		add_stored(u, CDP_PAST_TAGS);
}

static void find_duplicates(struct usage *u)
{
	struct cdp_intern *meanings[KINDS] = { cdp_intern_new(0), cdp_intern_new(0) };
	uint32_t *first[KINDS];

	for (int k = 0; k < KINDS; k++)
		first[k] = cdp_alloc(((size_t)u->n + 1) * sizeof(**first));
	for (uint32_t i = 0; i < u->n; i++) {
		struct item *t = &u->v[i];
		bool known, added;
		uint32_t m;

		if (t->standing > EXPIRED)
			continue;
		known = t->kind == CDP_PAST_TAGS
				? cdp_tag_meaning(&u->tags->tags[t->at], &u->text)
				: cdp_segment_meaning(u->set, t->at, &u->text);
		if (!known)
			continue;
		m = cdp_intern_put(meanings[t->kind], u->text.p, u->text.n, &added);
		if (added)
			first[t->kind][m] = i;
		else
			t->duplicate = first[t->kind][m];
	}
	for (int k = 0; k < KINDS; k++) {
		free(first[k]);
		cdp_intern_free(meanings[k]);
	}
}

/* --- what reads what --- */

static void add_edge(struct usage *u, uint32_t reader, enum cdp_past_kind kind,
		     const char *name)
{
	uint32_t to = find_item(u, kind, name, strlen(name));

	if (to != CDP_INTERN_NONE)
		cdp_usage_reads(u->graph, reader, to);
	else if (kind == CDP_PAST_TAGS && strcmp(name, "*") == 0)
		for (uint32_t i = 0; u->tags && i < u->tags->count; i++)
			cdp_usage_reads(u->graph, reader, i);
}

static void add_edges(struct usage *u, const struct cdp_lineage *l, uint32_t first)
{
	for (size_t i = 0; l && i < cdp_lineage_count(l); i++) {
		const struct cdp_lineage_edge *e = cdp_lineage_at(l, i);

		for (int k = 0; k < KINDS; k++)
			if (e->source == sources[k])
				add_edge(u, first + e->reader, (enum cdp_past_kind)k,
					 e->name);
	}
}

/* What was handed over was used.  What has expired was there before, what no version has
 * is younger than all of them. */
static void add_past(struct usage *u, uint32_t i)
{
	const struct item *t = &u->v[i];
	const struct cdp_past_of *o = t->past;
	int64_t there = t->kind == CDP_PAST_TAGS ? CDP_USAGE_NEVER : CDP_USAGE_YOUNG;
	struct cdp_time end;

	if (o && o->batch)
		cdp_usage_at(u->graph, i,
			     cdp_time_canon_ms(o->batch->as_of, CDP_TIME_CANON));
	if (o && o->versions) {
		there = o->first;
	} else if (t->standing == EXPIRED) {
		cdp_segment_expiry(&u->set->v[t->at], u->cli->opt.run.zone, &end);
		there = cdp_time_ms(end);
	}
	cdp_usage_there(u->graph, i, there);
}

static const char *name_of(const void *items, unsigned i)
{
	return ((const struct item *)items)[i].name;
}

static int add_files(struct usage *u)
{
	const struct cdp_strs *files = u->q->used_in;
	bool *used = cdp_alloc((size_t)u->n + 1);
	int rc = 0;

	for (size_t f = 0; f < files->n && rc == 0; f++) {
		const struct cdp_strs one = { .v = &files->v[f], .n = 1 };

		memset(used, 0, u->n);
		rc = cdp_cli_used_in(u->cli, &one, u->n, name_of, u->v, used);
		for (uint32_t i = 0; rc == 0 && i < u->n; i++)
			if (used[i])
				cdp_usage_names(u->graph, (unsigned)f, i);
	}
	free(used);
	return rc;
}

/* 1: a file could not be read, which was told. */
static int connect(struct usage *u)
{
	const struct cdp_segment_lineage *l = u->q->lineage;
	uint32_t tags = u->tags ? u->tags->count : 0;

	u->graph = cdp_usage_new(u->n, (unsigned)u->q->used_in->n);
	add_edges(u, cdp_segment_lineage_of_tags(l), 0);
	add_edges(u, cdp_segment_lineage_of_segments(l), tags);
	for (uint32_t i = 0; i < u->n; i++)
		add_past(u, i);
	if (add_files(u) < 0)
		return 1;
	cdp_usage_settle(u->graph);
	for (uint32_t i = 0; i < u->n; i++)
		u->v[i].from = cdp_usage_idle(u->graph, i);
	return 0;
}

/* --- which of them --- */

static int choose_retired(struct usage *u, struct cdp_err *err)
{
	const struct cdp_strs *retire = &u->q->o->retire;

	for (size_t i = 0; i < retire->n; i++) {
		uint32_t at = CDP_INTERN_NONE;

		for (int k = 0; k < KINDS; k++) {
			const char *kind = cdp_source_name(sources[k]),
				   *what = retire->v[i];
			size_t n = strlen(kind);

			if (strncmp(what, kind, n) == 0 && what[n] == ':')
				at = find_item(u, (enum cdp_past_kind)k, what + n + 1,
					       strlen(what + n + 1));
		}
		if (at == CDP_INTERN_NONE)
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "--retire: there is no '%s', such as "
					   "'segment:buyers' or 'tag:tier'",
					   retire->v[i]);
		u->v[at].going = u->v[at].shown = true;
	}
	return 0;
}

static int choose_segments(struct usage *u, struct cdp_err *err)
{
	const struct cdp_strs *only = &u->q->store->only;

	for (size_t i = 0; i < only->n; i++) {
		uint32_t at =
			find_item(u, CDP_PAST_AUDIENCES, only->v[i], strlen(only->v[i]));

		if (at == CDP_INTERN_NONE)
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "--segment: neither defined nor stored is "
					   "'%s'",
					   only->v[i]);
		u->v[at].shown = true;
	}
	return 0;
}

static int choose(struct usage *u, struct cdp_err *err)
{
	bool all = u->q->o->retire.n + u->q->store->only.n == 0;

	for (uint32_t i = 0; i < u->n; i++)
		u->v[i].shown = all;
	return choose_retired(u, err) < 0 ? -1 : choose_segments(u, err);
}

/* --- rows --- */

static void put_text(struct usage *u, const char *key, const char *text)
{
	if (text)
		cdp_rows_cstr(u->rows, key, text);
	else
		cdp_rows_null(u->rows, key);
}

static void put_time(struct usage *u, const char *key, bool known, int64_t ms)
{
	char text[CDP_TIME_CANON];

	cdp_time_format(text, cdp_time_from_ms(known ? ms : 0));
	if (known)
		cdp_rows_str(u->rows, key, text, sizeof(text));
	else
		cdp_rows_null(u->rows, key);
}

/* What people say of it. */
static int put_about(struct usage *u, const struct item *t, struct cdp_err *err)
{
	static const char *const keys[] = { "title", "owner", "class", "expires" };
	const char *v[4] = { 0 }, *note = NULL;
	json_t *o = NULL;

	if (t->kind == CDP_PAST_TAGS && t->standing == CURRENT) {
		const struct cdp_tag_about *a = &u->tags->tags[t->at].about;

		v[0] = a->title;
		v[1] = a->owner;
		v[2] = a->class;
	} else if (t->kind == CDP_PAST_AUDIENCES) {
		note = t->standing <= EXPIRED ? u->set->v[t->at].note : t->past->note;
		o = cdp_tree_parse(note, strlen(note), "note", err);
		if (!o)
			return cdp_err_set(err, CDP_ERR_SYS,
					   "'%s': damaged: what it tells of '%s'",
					   u->q->store->dir, t->name);
	}
	for (int k = 0; k < 4; k++) {
		if (o)
			v[k] = json_string_value(json_object_get(o, keys[k]));
		put_text(u, keys[k], v[k]);
	}
	json_decref(o);
	return 0;
}

/* What the store has. */
static void put_past(struct usage *u, const struct item *t)
{
	static const struct cdp_past_of none;
	const struct cdp_past_of *o = t->past ? t->past : &none;
	const struct cdp_batch *b = o->batch;

	if (o->versions)
		cdp_rows_int(u->rows, "customers", (int64_t)o->customers);
	else
		cdp_rows_null(u->rows, "customers");
	cdp_rows_int(u->rows, "versions", o->versions);
	cdp_rows_int(u->rows, "bytes", (int64_t)o->bytes);
	put_time(u, "last_version", o->versions > 0, o->last);
	if (b)
		cdp_rows_str(u->rows, "last_export", b->as_of, sizeof(b->as_of));
	else
		cdp_rows_null(u->rows, "last_export");
	put_text(u, "batch", b ? b->id : NULL);
	put_text(u, "state", b ? cdp_batch_state_name(b->state) : NULL);
}

static void put_use(struct usage *u, const struct item *t)
{
	const struct cdp_run *run = &u->cli->opt.run;
	uint32_t by;
	int64_t last = cdp_usage_last(u->graph, (uint32_t)(t - u->v), &by);
	bool used = last != CDP_USAGE_NEVER;

	put_time(u, "last_use", used, last);
	put_text(u, "last_user", used ? u->v[by].name : NULL);
	if (t->from == CDP_USAGE_NEVER || t->from == CDP_USAGE_YOUNG)
		cdp_rows_null(u->rows, "unused_days");
	else
		cdp_rows_int(
			u->rows, "unused_days",
			cdp_zone_day(run->zone, run->as_of.s) -
				cdp_zone_day(run->zone, cdp_time_from_ms(t->from).s));
}

static void put_alike(struct usage *u, const struct item *t)
{
	const struct cdp_past_of *o = t->past;

	put_text(u, "duplicate_of",
		 t->duplicate == CDP_INTERN_NONE ? NULL : u->v[t->duplicate].name);
	put_text(u, "same_members",
		 o && o->alike != CDP_INTERN_NONE
			 ? cdp_past_at(u->past, t->kind, o->alike)->name
			 : NULL);
}

static void put_element(struct cdp_buf *list, const char *kind, const char *name)
{
	struct cdp_buf text;

	cdp_buf_init(&text, CDP_BUF_NOMAX);
	cdp_buf_addf(&text, "%s%s%s", kind ? kind : "", kind ? ":" : "", name);
	cdp_buf_addc(list, list->n ? ',' : '[');
	cdp_json_str(list, text.p, text.n);
	cdp_buf_release(&text);
}

static void put_list(struct usage *u, const char *key)
{
	cdp_buf_adds(&u->text, u->text.n ? "]" : "[]");
	cdp_rows_json(u->rows, key, u->text.p, u->text.n);
}

/* Those that stay; whether none of them, near or far, is concerned. */
static bool put_readers(struct usage *u, uint32_t i)
{
	enum { SHOWN = 10 };
	uint32_t n, stay = 0, affected = 0;
	const uint32_t *v = cdp_usage_readers(u->graph, i, &n);

	cdp_buf_reset(&u->text);
	for (uint32_t k = 0; k < n; k++)
		if (!u->v[v[k]].going && stay++ < SHOWN)
			put_element(&u->text, cdp_source_name(sources[u->v[v[k]].kind]),
				    u->v[v[k]].name);
	cdp_rows_int(u->rows, "readers", stay);
	put_list(u, "read_by");
	v = cdp_usage_affected(u->graph, i, &n);
	for (uint32_t k = 0; k < n; k++)
		affected += !u->v[v[k]].going;
	cdp_rows_int(u->rows, "affects", affected);
	return affected == 0;
}

static bool put_files(struct usage *u, uint32_t i)
{
	const struct cdp_strs *files = u->q->used_in;
	bool none = true;

	cdp_buf_reset(&u->text);
	for (size_t f = 0; f < files->n; f++)
		if (cdp_usage_named(u->graph, (unsigned)f, i)) {
			none = false;
			put_element(&u->text, NULL, files->v[f]);
		}
	put_list(u, "used_in");
	return none;
}

/* 0, 1 to stop, -1. */
static int write_item(struct usage *u, const struct item *t, struct cdp_err *err)
{
	uint32_t i = (uint32_t)(t - u->v);
	bool free;

	cdp_rows_begin(u->rows, "usage");
	cdp_rows_cstr(u->rows, "kind", cdp_source_name(sources[t->kind]));
	cdp_rows_cstr(u->rows, "name", t->name);
	if (put_about(u, t, err) < 0)
		return -1;
	cdp_rows_cstr(u->rows, "definition", standings[t->standing]);
	put_time(u, "as_of", true, cdp_time_ms(u->cli->opt.run.as_of));
	put_past(u, t);
	put_use(u, t);
	put_alike(u, t);
	free = put_readers(u, i);
	free = put_files(u, i) && free;
	cdp_rows_bool(u->rows, "retirable", free);
	u->stuck += t->going && !free;
	return cdp_rows_end(u->rows) < 0;
}

/* The longest unused first; those of which it is not known come last. */
static int by_use(const void *x, const void *y)
{
	const struct item *a = *(const struct item *const *)x,
			  *b = *(const struct item *const *)y;
	int64_t from = a->from == CDP_USAGE_NEVER ? CDP_USAGE_YOUNG : a->from,
		other = b->from == CDP_USAGE_NEVER ? CDP_USAGE_YOUNG : b->from;

	if (from != other)
		return from < other ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind == CDP_PAST_TAGS ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int write_all(struct usage *u, struct cdp_err *err)
{
	const struct item **order = cdp_alloc(((size_t)u->n + 1) * sizeof(*order));
	uint32_t shown = 0;
	int rc = 0;

	for (uint32_t i = 0; i < u->n; i++)
		if (u->v[i].shown)
			order[shown++] = &u->v[i];
	qsort(order, shown, sizeof(*order), by_use);
	u->rows = cdp_rows_new(u->cli);
	for (uint32_t i = 0; i < shown && rc == 0; i++)
		rc = write_item(u, order[i], err);
	(void)cdp_rows_free(u->rows); /* finish meets a failed output */
	free(order);
	if (rc == 0 && u->stuck) {
		cdp_cli_warn(u->cli,
			     "%u of %u cannot go: others read them, or files name them",
			     u->stuck, shown);
		cdp_cli_set_status(u->cli, 1);
	}
	return rc < 0 ? -1 : 0;
}

/* --- all --- */

int cdp_segment_usage(struct cdp_cli *cli, const struct cdp_segment_usage *q,
		      struct cdp_err *err)
{
	struct usage u = { .cli = cli,
			   .q = q,
			   .set = q->set,
			   .tags = cdp_segment_lineage_tags(q->lineage) };
	int rc = -1;

	cdp_buf_init(&u.text, CDP_BUF_NOMAX);
	u.past = cdp_past_read(q->store->store, q->store->dir,
			       cdp_time_ms(cli->opt.run.as_of), err);
	if (u.past) {
		add_items(&u);
		find_duplicates(&u);
		rc = choose(&u, err);
	}
	if (rc == 0)
		rc = connect(&u);
	if (rc == 0)
		rc = write_all(&u, err);
	for (int k = 0; k < KINDS; k++) {
		cdp_intern_free(u.names[k]);
		free(u.number[k]);
	}
	free(u.v);
	cdp_usage_free(u.graph);
	cdp_past_free(u.past);
	cdp_buf_release(&u.text);
	return rc < 0 ? -1 : 0;
}
