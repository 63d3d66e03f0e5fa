#include "cli/segment_usage_priv.h"

#include "base/mem.h"
#include "record/json.h"
#include "record/tree.h"

#include <stdlib.h>
#include <string.h>

static const char *const standings[] = { "current", "expired", "stopped", "none" };

struct writing {
	struct cdp_usage_view *u;
	struct cdp_rows *rows;
	struct cdp_buf text;
	uint32_t stuck; /* of those to be retired, that cannot go */
};

static void put_text(struct writing *w, const char *key, const char *text)
{
	if (text)
		cdp_rows_cstr(w->rows, key, text);
	else
		cdp_rows_null(w->rows, key);
}

static void put_time(struct writing *w, const char *key, bool known, int64_t ms)
{
	char text[CDP_TIME_CANON];

	cdp_time_format(text, cdp_time_from_ms(known ? ms : 0));
	if (known)
		cdp_rows_str(w->rows, key, text, sizeof(text));
	else
		cdp_rows_null(w->rows, key);
}

/* What people say of it. */
static int put_about(struct writing *w, const struct cdp_usage_item *t,
		     struct cdp_err *err)
{
	static const char *const keys[] = { "title", "owner", "class", "expires" };
	const char *v[4] = { 0 }, *note = NULL;
	json_t *o = NULL;

	if (t->kind == CDP_USAGE_TAG && t->standing == CDP_STANDING_CURRENT) {
		const struct cdp_tag_about *a = &w->u->tags->tags[t->at].about;

		v[0] = a->title;
		v[1] = a->owner;
		v[2] = a->class;
	} else if (t->kind == CDP_USAGE_SEGMENT) {
		note = t->standing <= CDP_STANDING_EXPIRED ? w->u->set->v[t->at].note
							   : t->past->note;
		o = cdp_tree_parse(note, strlen(note), "note", err);
		if (!o)
			return cdp_err_set(err, CDP_ERR_SYS,
					   "'%s': damaged: what it tells of '%s'",
					   w->u->q->store->dir, t->name);
	}
	for (int k = 0; k < 4; k++) {
		if (o)
			v[k] = json_string_value(json_object_get(o, keys[k]));
		put_text(w, keys[k], v[k]);
	}
	json_decref(o);
	return 0;
}

/* What the store has. */
static void put_past(struct writing *w, const struct cdp_usage_item *t)
{
	static const struct cdp_past_of none;
	const struct cdp_past_of *o = t->past ? t->past : &none;
	const struct cdp_batch *b = o->batch;

	if (o->versions)
		cdp_rows_int(w->rows, "customers", (int64_t)o->customers);
	else
		cdp_rows_null(w->rows, "customers");
	cdp_rows_int(w->rows, "versions", o->versions);
	cdp_rows_int(w->rows, "bytes", (int64_t)o->bytes);
	if (t->seconds >= 0)
		cdp_rows_double(w->rows, "seconds", t->seconds);
	else
		cdp_rows_null(w->rows, "seconds");
	put_time(w, "last_version", o->versions > 0, o->last);
	if (b)
		cdp_rows_str(w->rows, "last_export", b->as_of, sizeof(b->as_of));
	else
		cdp_rows_null(w->rows, "last_export");
	put_text(w, "batch", b ? b->id : NULL);
	put_text(w, "state", b ? cdp_batch_state_name(b->state) : NULL);
}

static void put_use(struct writing *w, const struct cdp_usage_item *t)
{
	const struct cdp_run *run = &w->u->cli->opt.run;
	uint32_t by;
	int64_t last = cdp_usage_last(w->u->graph, (uint32_t)(t - w->u->v), &by);
	bool used = last != CDP_USAGE_NEVER;

	put_time(w, "last_use", used, last);
	put_text(w, "last_user", used ? w->u->v[by].name : NULL);
	if (t->from == CDP_USAGE_NEVER || t->from == CDP_USAGE_YOUNG)
		cdp_rows_null(w->rows, "unused_days");
	else
		cdp_rows_int(
			w->rows, "unused_days",
			cdp_zone_day(run->zone, run->as_of.s) -
				cdp_zone_day(run->zone, cdp_time_from_ms(t->from).s));
}

static void put_alike(struct writing *w, const struct cdp_usage_item *t)
{
	const struct cdp_past_of *o = t->past;

	put_text(w, "duplicate_of",
		 t->duplicate == CDP_INTERN_NONE ? NULL : w->u->v[t->duplicate].name);
	put_text(w, "same_members",
		 o && o->alike != CDP_INTERN_NONE
			 ? cdp_past_at(w->u->past, CDP_PAST_AUDIENCES, o->alike)->name
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

static void put_list(struct writing *w, const char *key)
{
	cdp_buf_adds(&w->text, w->text.n ? "]" : "[]");
	cdp_rows_json(w->rows, key, w->text.p, w->text.n);
}

/* Those that stay; whether none of them, near or far, is concerned. */
static bool put_readers(struct writing *w, uint32_t i)
{
	enum { SHOWN = 10 };
	uint32_t n, stay = 0, affected = 0;
	const uint32_t *v = cdp_usage_readers(w->u->graph, i, &n);

	cdp_buf_reset(&w->text);
	for (uint32_t k = 0; k < n; k++)
		if (!w->u->v[v[k]].going && stay++ < SHOWN)
			put_element(&w->text, cdp_usage_kind_name(w->u->v[v[k]].kind),
				    w->u->v[v[k]].name);
	cdp_rows_int(w->rows, "readers", stay);
	put_list(w, "read_by");
	v = cdp_usage_affected(w->u->graph, i, &n);
	for (uint32_t k = 0; k < n; k++)
		affected += !w->u->v[v[k]].going;
	cdp_rows_int(w->rows, "affects", affected);
	return affected == 0;
}

static bool put_files(struct writing *w, uint32_t i)
{
	const struct cdp_strs *files = w->u->q->used_in;
	bool none = true;

	cdp_buf_reset(&w->text);
	for (size_t f = 0; f < files->n; f++)
		if (cdp_usage_named(w->u->graph, (unsigned)f, i)) {
			none = false;
			put_element(&w->text, NULL, files->v[f]);
		}
	put_list(w, "used_in");
	return none;
}

/* 0, 1 to stop, -1. */
static int write_item(struct writing *w, const struct cdp_usage_item *t,
		      struct cdp_err *err)
{
	uint32_t i = (uint32_t)(t - w->u->v);
	bool can_go;

	cdp_rows_begin(w->rows, "usage");
	cdp_rows_cstr(w->rows, "kind", cdp_usage_kind_name(t->kind));
	cdp_rows_cstr(w->rows, "name", t->name);
	if (put_about(w, t, err) < 0)
		return -1;
	cdp_rows_cstr(w->rows, "definition", standings[t->standing]);
	put_time(w, "as_of", true, cdp_time_ms(w->u->cli->opt.run.as_of));
	put_past(w, t);
	put_use(w, t);
	put_alike(w, t);
	can_go = put_readers(w, i);
	can_go = put_files(w, i) && can_go;
	cdp_rows_bool(w->rows, "retirable", can_go);
	w->stuck += t->going && !can_go;
	return cdp_rows_end(w->rows) < 0;
}

/* The longest unused first; those of which it is not known come last. */
static int by_use(const void *x, const void *y)
{
	const struct cdp_usage_item *a = *(const struct cdp_usage_item *const *)x,
				    *b = *(const struct cdp_usage_item *const *)y;
	int64_t from = a->from == CDP_USAGE_NEVER ? CDP_USAGE_YOUNG : a->from,
		other = b->from == CDP_USAGE_NEVER ? CDP_USAGE_YOUNG : b->from;

	if (from != other)
		return from < other ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind == CDP_USAGE_TAG ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int write_all(struct writing *w, struct cdp_err *err)
{
	const struct cdp_usage_view *u = w->u;
	const struct cdp_usage_item **order =
		cdp_alloc(((size_t)u->n + 1) * sizeof(*order));
	uint32_t shown = 0;
	int rc = 0;

	for (uint32_t i = 0; i < u->n; i++)
		if (u->v[i].shown)
			order[shown++] = &u->v[i];
	qsort(order, shown, sizeof(*order), by_use);
	for (uint32_t i = 0; i < shown && rc == 0; i++)
		rc = write_item(w, order[i], err);
	free(order);
	if (rc == 0 && w->stuck) {
		cdp_cli_warn(u->cli,
			     "%u of %u cannot go: others read them, or files name them",
			     w->stuck, shown);
		cdp_cli_set_status(u->cli, 1);
	}
	return rc < 0 ? -1 : 0;
}

int cdp_usage_write(struct cdp_usage_view *u, struct cdp_err *err)
{
	struct writing w = { .u = u, .rows = cdp_rows_new(u->cli) };
	int rc;

	cdp_buf_init(&w.text, CDP_BUF_NOMAX);
	rc = write_all(&w, err);
	(void)cdp_rows_free(w.rows); /* finish meets a failed output */
	cdp_buf_release(&w.text);
	return rc;
}
