#include "format/native.h"

#include "base/hash.h"
#include "base/mem.h"
#include "format/ids.h"
#include "format/native_plain.h"
#include "record/json.h"

#include <stdlib.h>

enum kind { EVENT, PROFILE, DETAIL, ENTITY, RELATION, BIND, UNBIND, KINDS };

static const struct {
	const char *name;
	bool needs_time;
	unsigned ids; /* at least so many */
} kinds[KINDS] = {
	[EVENT] = { "event", true, 1 },        [PROFILE] = { "profile", true, 1 },
	[DETAIL] = { "detail", true, 1 },      [ENTITY] = { "entity", false, 0 },
	[RELATION] = { "relation", false, 1 }, [BIND] = { "bind", true, 2 },
	[UNBIND] = { "unbind", true, 1 },
};

struct cdp_native {
	const struct cdp_format_opts *opts;
	const struct cdp_native_slots *slots;
	struct cdp_ids ids, to;
	struct cdp_buf event, key, text;
	struct cdp_native_minutes minutes;
};

/* What was learned of a record before anything is written. */
struct facts {
	enum kind kind;
	int64_t ms, sent, received;
	const char *event;
	size_t event_len;
	bool plain_ids;
};

void cdp_native_paths(struct cdp_native_slots *slots, struct cdp_paths *paths)
{
	static const char *const names[] = {
		"ids",     "props", "sent",     "received",  "event_id", "source",
		"detail",  "row",   "entity",   "id",        "relation", "to",
		"deleted", "set",   "set_once", "increment", "append",   "unset",
	};
	int *slot = &slots->ids;

	_Static_assert(sizeof(*slots) == sizeof(names) / sizeof(*names) * sizeof(int),
		       "a slot for each name");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t n = strlen(names[i]);

		slot[i] = cdp_paths_add_keys(paths, &names[i], &n, 1);
	}
}

struct cdp_native *cdp_native_new(const struct cdp_format_opts *opts,
				  const struct cdp_native_slots *slots)
{
	struct cdp_native *r = cdp_calloc(1, sizeof(*r));

	r->opts = opts;
	r->slots = slots;
	cdp_ids_init(&r->ids);
	cdp_ids_init(&r->to);
	cdp_buf_init(&r->event, CDP_BUF_NOMAX);
	cdp_buf_init(&r->key, CDP_BUF_NOMAX);
	cdp_buf_init(&r->text, CDP_BUF_NOMAX);
	return r;
}

void cdp_native_free(struct cdp_native *r)
{
	if (!r)
		return;
	cdp_ids_release(&r->ids);
	cdp_ids_release(&r->to);
	cdp_buf_release(&r->event);
	cdp_buf_release(&r->key);
	cdp_buf_release(&r->text);
	free(r);
}

static int find_kind(const struct cdp_val *type)
{
	if (type->type == CDP_MISSING)
		return EVENT;
	for (int k = 0; k < KINDS; k++)
		if (cdp_val_is(type, kinds[k].name, strlen(kinds[k].name)))
			return k;
	return -1;
}

bool cdp_native_knows(const struct cdp_val *type)
{
	return find_kind(type) >= 0;
}

/* --- checks --- */

/* null says nothing: it is left out. */
static int check_object(const struct cdp_val *v, const char *path, struct cdp_err *err)
{
	if (v->type > CDP_NULL && v->type != CDP_OBJECT)
		return cdp_canon_bad(err, path, "not an object");
	return 0;
}

/* A name of a table, row, entity: a string, or digits that become one. */
static int check_name(struct cdp_native *r, const struct cdp_val *v, const char *path,
		      struct cdp_err *err)
{
	const char *p;
	size_t n;

	if (cdp_id_text(v, &r->text, &p, &n, path, NULL, 0, err) < 0)
		return -1;
	return n ? 0 : cdp_canon_bad(err, path, "%s is missing", path);
}

static int check_profile(struct cdp_rec *rec, const struct cdp_native_slots *s,
			 struct cdp_err *err)
{
	const struct cdp_val *set = cdp_rec_get(rec, s->set),
			     *once = cdp_rec_get(rec, s->set_once),
			     *increment = cdp_rec_get(rec, s->increment),
			     *append = cdp_rec_get(rec, s->append),
			     *unset = cdp_rec_get(rec, s->unset);

	if (check_object(set, "set", err) < 0 ||
	    check_object(once, "set_once", err) < 0 ||
	    check_object(increment, "increment", err) < 0 ||
	    check_object(append, "append", err) < 0 ||
	    cdp_canon_check_members(increment, "increment", CDP_NUMBER, "a number", err) <
		    0 ||
	    cdp_canon_check_members(append, "append", CDP_ARRAY, "an array", err) < 0)
		return -1;
	if (unset->type > CDP_NULL && unset->type != CDP_ARRAY &&
	    unset->type != CDP_OBJECT)
		return cdp_canon_bad(err, "unset", "not an array of names");
	if (set->type <= CDP_NULL && once->type <= CDP_NULL &&
	    increment->type <= CDP_NULL && append->type <= CDP_NULL &&
	    unset->type <= CDP_NULL && cdp_rec_get(rec, s->deleted)->type != CDP_TRUE)
		return cdp_canon_bad(err, "set",
				     "an update of nothing: no set, set_once, increment, "
				     "append, unset or deleted");
	return 0;
}

static int check_kind(struct cdp_native *r, struct cdp_rec *rec, struct facts *f,
		      struct cdp_err *err)
{
	const struct cdp_native_slots *s = r->slots;
	const struct cdp_val *deleted = cdp_rec_get(rec, s->deleted);

	switch (f->kind) {
	case PROFILE:
		if (check_profile(rec, s, err) < 0)
			return -1;
		break;
	case DETAIL:
		if (check_name(r, cdp_rec_get(rec, s->detail), "detail", err) < 0 ||
		    check_name(r, cdp_rec_get(rec, s->row), "row", err) < 0)
			return -1;
		break;
	case ENTITY:
		if (check_name(r, cdp_rec_get(rec, s->entity), "entity", err) < 0 ||
		    check_name(r, cdp_rec_get(rec, s->id), "id", err) < 0)
			return -1;
		break;
	case RELATION:
		cdp_ids_reset(&r->to);
		if (check_name(r, cdp_rec_get(rec, s->relation), "relation", err) < 0)
			return -1;
		if (cdp_rec_get(rec, s->to)->type == CDP_MISSING)
			return cdp_canon_bad(err, "to", "to is missing");
		if (cdp_ids_read(&r->to, cdp_rec_get(rec, s->to), "to", NULL, err) < 0)
			return -1;
		if (!r->to.n)
			return cdp_canon_bad(err, "to", "no usable id");
		break;
	default:
		return 0;
	}
	if (deleted->type != CDP_MISSING && deleted->type != CDP_TRUE &&
	    deleted->type != CDP_FALSE)
		return cdp_canon_bad(err, "deleted", "not true or false");
	return 0;
}

static int check_ids(struct cdp_native *r, struct cdp_rec *rec, struct facts *f,
		     struct cdp_err *err)
{
	const struct cdp_val *ids = cdp_rec_get(rec, r->slots->ids);
	unsigned least = kinds[f->kind].ids, count;
	struct cdp_plain_id plain[CDP_PLAIN_MAX];

	cdp_ids_reset(&r->ids);
	f->plain_ids = rec->compact && cdp_ids_plain(rec, ids, plain, &count) && count &&
		       count >= least;
	if (f->plain_ids)
		return 0;
	if (ids->type != CDP_MISSING &&
	    cdp_ids_read(&r->ids, ids, "ids", &f->plain_ids, err) < 0)
		return -1;
	if (r->ids.n >= least)
		return 0;
	if (ids->type == CDP_MISSING)
		return cdp_canon_bad(err, "ids", "ids is missing");
	return cdp_canon_bad(
		err, "ids", least == 1 ? "no usable id" : "a bind of fewer than two ids");
}

/* `sent` and `received`: wrong ones cost no event, as nothing but corrections of skewed
 * clocks reads them; they would cost a tool that trusts them, so they are errors. */
static int check_delivery(struct cdp_native *r, struct cdp_rec *rec, int slot,
			  const char *path, int64_t *ms, struct cdp_err *err)
{
	const struct cdp_val *v = cdp_rec_get(rec, slot);

	*ms = CDP_NO_TIME;
	return v->type > CDP_NULL ? cdp_canon_time(ms, v, r->opts->zone, path, err) : 0;
}

static int check_texts(struct cdp_native *r, struct cdp_rec *rec, struct cdp_err *err)
{
	const struct cdp_val *id = cdp_rec_get(rec, r->slots->event_id),
			     *source = cdp_rec_get(rec, r->slots->source),
			     *one_id = cdp_rec_get(rec, CDP_SLOT_ONE_ID);
	const char *p;
	uint64_t ignored;
	size_t n;

	if (cdp_id_text(id, &r->text, &p, &n, "event_id", NULL, 0, err) < 0)
		return -1;
	if (source->type > CDP_NULL && source->type != CDP_STRING)
		return cdp_canon_bad(err, "source", "not a string");
	if (one_id->type != CDP_MISSING &&
	    (one_id->type != CDP_STRING || !cdp_unhex16(&ignored, one_id->p, one_id->n)))
		return cdp_canon_bad(err, "one_id", "not 16 lower-case hex digits");
	return 0;
}

static int check_head(struct cdp_native *r, struct cdp_rec *rec, struct facts *f,
		      struct cdp_err *err)
{
	const struct cdp_val *time = cdp_rec_get(rec, CDP_SLOT_TIME),
			     *event = cdp_rec_get(rec, CDP_SLOT_EVENT);

	f->ms = time->type == CDP_STRING
			? cdp_minute_ms(&r->minutes.time, time->p, time->n)
			: CDP_NO_TIME;
	if (f->ms == CDP_NO_TIME &&
	    (time->type > CDP_NULL || kinds[f->kind].needs_time) &&
	    cdp_canon_time(&f->ms, time, r->opts->zone, "time", err) < 0)
		return -1;
	if (f->kind != EVENT)
		return 0;
	if (event->type == CDP_MISSING)
		return cdp_canon_bad(err, "event", "event is missing");
	if (event->type != CDP_STRING)
		return cdp_canon_bad(err, "event", "not a string");
	if (!cdp_canon_is_text(event))
		return cdp_canon_bad(err, "event", "event has half a surrogate pair");
	f->event = cdp_val_str(event, &r->event, &f->event_len);
	return cdp_canon_event(f->event, f->event_len, err);
}

static int check(struct cdp_native *r, struct cdp_rec *rec, struct facts *f,
		 struct cdp_err *err)
{
	const struct cdp_val *type = cdp_rec_get(rec, CDP_SLOT_TYPE);
	const struct cdp_native_slots *s = r->slots;
	int kind = find_kind(type);

	if (kind < 0)
		return type->type == CDP_STRING
			       ? cdp_canon_bad(err, "type", "unknown type '%s'",
					       cdp_excerpt(type->p, type->n).s)
			       : cdp_canon_bad(err, "type", "not a string");
	*f = (struct facts){ .kind = (enum kind)kind };
	if (check_head(r, rec, f, err) < 0 || check_ids(r, rec, f, err) < 0 ||
	    check_object(cdp_rec_get(rec, s->props), "props", err) < 0 ||
	    check_kind(r, rec, f, err) < 0 || check_texts(r, rec, err) < 0 ||
	    check_delivery(r, rec, s->sent, "sent", &f->sent, err) < 0 ||
	    check_delivery(r, rec, s->received, "received", &f->received, err) < 0)
		return -1;
	return f->ms == CDP_NO_TIME ? 0
				    : cdp_canon_future(r->opts, f->ms, f->received, err);
}

/* --- writing --- */

/* `,"key":"text"` of a name that may have come as a number; an empty one is left out. */
static struct cdp_span put_name(struct cdp_native *r, struct cdp_buf *out, size_t start,
				const char *key, const struct cdp_val *v)
{
	struct cdp_err never;
	const char *p;
	size_t n;

	if (cdp_id_text(v, &r->text, &p, &n, key, NULL, 0, &never) < 0 || !n)
		return (struct cdp_span){ 0, 0 };
	return cdp_canon_add_str(out, start, key, p, n);
}

/* One that is no text stays as it is written. */
static struct cdp_span put_source(struct cdp_native *r, struct cdp_buf *out, size_t start,
				  const struct cdp_val *v)
{
	const char *p;
	size_t n;

	if (v->escaped && cdp_canon_is_text(v)) {
		p = cdp_val_str(v, &r->text, &n);
		return cdp_canon_add_str(out, start, "source", p, n);
	}
	cdp_buf_adds(out, ",\"source\":");
	cdp_json_val(out, v);
	return (struct cdp_span){ out->n - v->n - 2 - start, v->n + 2 };
}

/* Members that are written otherwise than as they came. */
enum member {
	M_OTHER,
	M_HEAD, /* done already */
	M_SENT,
	M_RECEIVED,
	M_EVENT_ID,
	M_SOURCE,
	M_NAME, /* detail, row, entity, id, relation */
	M_TO,
	M_UNSET,
	M_OBJECT, /* may be null */
};

static enum member member(const char *p, size_t n, enum kind kind, const char **name)
{
#define NAME(text) text, sizeof(text) - 1
	static const struct {
		const char *name;
		size_t len;
		enum member member;
		unsigned kinds; /* bits; 0: all */
	} table[] = {
		{ NAME("one_id"), M_HEAD, 0 },
		{ NAME("time"), M_HEAD, 0 },
		{ NAME("event"), M_HEAD, 1 << EVENT },
		{ NAME("type"), M_HEAD, 0 },
		{ NAME("ids"), M_HEAD, 0 },
		{ NAME("sent"), M_SENT, 0 },
		{ NAME("received"), M_RECEIVED, 0 },
		{ NAME("event_id"), M_EVENT_ID, 0 },
		{ NAME("source"), M_SOURCE, 0 },
		{ NAME("props"), M_OBJECT, 0 },
		{ NAME("detail"), M_NAME, 1 << DETAIL },
		{ NAME("row"), M_NAME, 1 << DETAIL },
		{ NAME("entity"), M_NAME, 1 << ENTITY },
		{ NAME("id"), M_NAME, 1 << ENTITY },
		{ NAME("relation"), M_NAME, 1 << RELATION },
		{ NAME("to"), M_TO, 1 << RELATION },
		{ NAME("set"), M_OBJECT, 1 << PROFILE },
		{ NAME("set_once"), M_OBJECT, 1 << PROFILE },
		{ NAME("increment"), M_OBJECT, 1 << PROFILE },
		{ NAME("append"), M_OBJECT, 1 << PROFILE },
		{ NAME("unset"), M_UNSET, 1 << PROFILE },
	};

#undef NAME

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (table[i].len == n && *table[i].name == *p &&
		    memcmp(table[i].name, p, n) == 0 &&
		    (!table[i].kinds || table[i].kinds >> kind & 1)) {
			*name = table[i].name;
			return table[i].member;
		}
	return M_OTHER;
}

static void put_head(struct cdp_native *r, struct cdp_rec *rec, const struct facts *f,
		     struct cdp_buf *out)
{
	const struct cdp_val *one_id = &rec->slots[CDP_SLOT_ONE_ID];
	size_t start = out->n;

	cdp_canon_open(out, f->ms, f->event, f->event_len,
		       f->kind == EVENT ? NULL : kinds[f->kind].name);
	if (one_id->type == CDP_STRING) {
		cdp_buf_reset(&r->text);
		cdp_buf_add(&r->text, out->p + start + 1, out->n - start - 1);
		out->n = start;
		cdp_buf_adds(out, "{\"one_id\":");
		cdp_json_val(out, one_id);
		cdp_buf_addc(out, ',');
		cdp_buf_add(out, r->text.p, r->text.n);
	}
	if (f->plain_ids || r->ids.n || f->kind != ENTITY) {
		cdp_buf_adds(out, ",\"ids\":");
		if (f->plain_ids && rec->compact)
			cdp_json_val(out, &rec->slots[r->slots->ids]);
		else
			cdp_ids_write(&r->ids, out);
	}
}

/* One member after the head, by its last value where it came twice. */
static void put_member(struct cdp_native *r, struct cdp_rec *rec, const struct facts *f,
		       const struct cdp_val *key, const struct cdp_val *v, unsigned *done,
		       struct cdp_buf *out, size_t start, struct cdp_canon *info)
{
	const struct cdp_native_slots *s = r->slots;
	const char *name, *p;
	enum member m;
	size_t n;

	p = cdp_val_str(key, &r->key, &n);
	m = member(p, n, f->kind, &name);
	if (m == M_HEAD ||
	    (m != M_OTHER && m != M_NAME && m != M_OBJECT && *done >> m & 1))
		return;
	*done |= 1u << m;
	switch (m) {
	case M_SENT:
		if (f->sent != CDP_NO_TIME)
			info->sent = cdp_canon_add_time(out, start, name, f->sent);
		break;
	case M_RECEIVED:
		if (f->received != CDP_NO_TIME)
			info->received =
				cdp_canon_add_time(out, start, name, f->received);
		break;
	case M_EVENT_ID:
		info->event_id = put_name(r, out, start, name, &rec->slots[s->event_id]);
		break;
	case M_SOURCE:
		if (rec->slots[s->source].type == CDP_STRING)
			info->source = put_source(r, out, start, &rec->slots[s->source]);
		break;
	case M_NAME:
		put_name(r, out, start, name, v);
		break;
	case M_TO:
		cdp_buf_adds(out, ",\"to\":");
		cdp_ids_write(&r->to, out);
		break;
	case M_UNSET:
		if (rec->slots[s->unset].type > CDP_NULL)
			cdp_canon_put_unset(out, &rec->slots[s->unset]);
		break;
	case M_OBJECT:
		if (v->type == CDP_NULL)
			break;
		/* fall through */
	default:
		cdp_buf_addc(out, ',');
		cdp_json_val(out, key);
		cdp_buf_addc(out, ':');
		if (rec->compact)
			cdp_json_val(out, v);
		else
			cdp_canon_put_val(out, v);
		break;
	}
}

static void rewrite(struct cdp_native *r, struct cdp_rec *rec, const struct facts *f,
		    struct cdp_buf *out, struct cdp_canon *info)
{
	struct cdp_val key, v,
		all = { .p = rec->raw, .n = (uint32_t)rec->len, .type = CDP_OBJECT };
	struct cdp_iter it = { .known = &rec->slots[r->slots->props] };
	size_t start = out->n;
	unsigned done = 0;

	put_head(r, rec, f, out);
	if (!rec->compact)
		cdp_val_at(&all, rec->raw, rec->len);
	while (cdp_val_member(&all, &it, &key, &v))
		put_member(r, rec, f, &key, &v, &done, out, start, info);
	if (!info->source.n && r->opts->source)
		info->source = cdp_canon_add_str(out, start, "source", r->opts->source,
						 strlen(r->opts->source));
	if (f->received == CDP_NO_TIME && r->opts->received != CDP_NO_TIME)
		info->received =
			cdp_canon_add_time(out, start, "received", r->opts->received);
	cdp_buf_addc(out, '}');
}

/* Apart, so that the others need not save what it uses. */
__attribute__((noinline)) static int read_any(struct cdp_native *r, struct cdp_rec *rec,
					      struct cdp_buf *out, struct cdp_canon *info,
					      struct cdp_err *err)
{
	struct facts f;

	if (check(r, rec, &f, err) < 0)
		return -1;
	cdp_canon_begin(info, f.ms);
	rewrite(r, rec, &f, out, info);
	return 0;
}

int cdp_native_read(struct cdp_native *r, struct cdp_rec *rec, struct cdp_buf *out,
		    struct cdp_canon *info, struct cdp_err *err)
{
	if (cdp_native_plain(r->slots, r->opts, &r->minutes, rec, out, info))
		return 0;
	return read_any(r, rec, out, info, err);
}
