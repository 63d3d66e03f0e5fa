#include "model/infer.h"

#include "base/mem.h"
#include "model/plan_priv.h"
#include "record/json.h"

#include <stdlib.h>

/* What values looked like; a set of bits. */
enum look {
	IS_BOOL = 1,
	IS_INT = 2,
	IS_DECIMAL = 4,
	IS_NUMBER = 8,
	IS_STRING = 16,
	IS_DATE = 32,
	IS_TIME = 64,
	IS_LIST = 128,
	IS_OBJECT = 256,
};

enum { VALUE_MAX = 60 }; /* bytes of a value of an enum */

struct prop {
	unsigned looks;
	uint64_t count;            /* events that have it, not null */
	uint64_t last;             /* the event in which it was seen last */
	struct cdp_intern *values; /* of strings; NULL: too many */
	bool over;
};

struct event {
	uint64_t count;
	struct cdp_intern *names;
	struct prop *v;
	size_t cap;
	bool unspeakable; /* has properties whose names no plan can hold */
};

struct cdp_infer {
	const struct cdp_zone *zone;
	uint64_t serial;
	struct cdp_intern *names, *ids;
	struct event *v;
	size_t cap;
	bool unspeakable_ids;
	struct cdp_buf name, key, str;
};

struct cdp_infer *cdp_infer_new(const struct cdp_zone *zone)
{
	struct cdp_infer *f = cdp_calloc(1, sizeof(*f));

	f->zone = zone;
	f->names = cdp_intern_new(0);
	f->ids = cdp_intern_new(0);
	cdp_buf_init(&f->name, CDP_BUF_NOMAX);
	cdp_buf_init(&f->key, CDP_BUF_NOMAX);
	cdp_buf_init(&f->str, CDP_BUF_NOMAX);
	return f;
}

static void release_event(struct event *e)
{
	for (uint32_t i = 0; i < cdp_intern_count(e->names); i++)
		cdp_intern_free(e->v[i].values);
	cdp_intern_free(e->names);
	free(e->v);
}

void cdp_infer_free(struct cdp_infer *f)
{
	if (!f)
		return;
	for (uint32_t i = 0; i < cdp_intern_count(f->names); i++)
		release_event(&f->v[i]);
	free(f->v);
	cdp_intern_free(f->names);
	cdp_intern_free(f->ids);
	cdp_buf_release(&f->name);
	cdp_buf_release(&f->key);
	cdp_buf_release(&f->str);
	free(f);
}

/* --- looking --- */

static struct event *event_of(struct cdp_infer *f, const char *p, size_t n)
{
	bool added;
	uint32_t i = cdp_intern_put(f->names, p, n, &added);

	if (added) {
		CDP_GROW(f->v, i, f->cap);
		f->v[i] = (struct event){ .names = cdp_intern_new(0) };
	}
	return &f->v[i];
}

static struct prop *prop_of(struct event *e, const char *p, size_t n)
{
	bool added;
	uint32_t i = cdp_intern_put(e->names, p, n, &added);

	if (added) {
		CDP_GROW(e->v, i, e->cap);
		e->v[i] = (struct prop){ 0 };
	}
	return &e->v[i];
}

/* JSON with a NUL in it can be read, but not held by a plan. */
static bool can_be_said(const char *p, size_t n)
{
	return memchr(p, '\0', n) == NULL;
}

static void add_value(struct prop *p, const char *s, size_t n)
{
	if (p->over)
		return;
	if (!p->values)
		p->values = cdp_intern_new(CDP_INFER_VALUES);
	p->over = n > VALUE_MAX || !can_be_said(s, n);
	if (!p->over) {
		cdp_intern_put(p->values, s, n, NULL);
		p->over = cdp_intern_count(p->values) > CDP_INFER_VALUES;
	}
	if (p->over) {
		cdp_intern_free(p->values);
		p->values = NULL;
	}
}

static unsigned look_of_text(const struct cdp_infer *f, const struct cdp_val *v)
{
	struct cdp_err why;
	int64_t when;

	if (v->n < 10 || v->n > 40 || v->p[0] < '0' || v->p[0] > '9')
		return IS_STRING;
	if (plan_when(PLAN_DATE, v->p, v->n, f->zone, &when, &why) == 0)
		return IS_DATE;
	if (plan_when(PLAN_TIME, v->p, v->n, f->zone, &when, &why) == 0)
		return IS_TIME;
	return IS_STRING;
}

static unsigned look_of(const struct cdp_infer *f, const struct cdp_val *v)
{
	switch (v->type) {
	case CDP_TRUE:
	case CDP_FALSE:
		return IS_BOOL;
	case CDP_NUMBER:
		if (v->integral)
			return IS_INT;
		return memchr(v->p, 'e', v->n) || memchr(v->p, 'E', v->n) ? IS_NUMBER
									  : IS_DECIMAL;
	case CDP_STRING:
		return look_of_text(f, v);
	case CDP_ARRAY:
		return IS_LIST;
	default:
		return IS_OBJECT;
	}
}

static void add_prop(struct cdp_infer *f, struct event *e, const struct cdp_val *key,
		     const struct cdp_val *v)
{
	struct prop *p;
	const char *s;
	size_t n;

	s = cdp_val_str(key, &f->key, &n);
	if (!can_be_said(s, n)) {
		e->unspeakable = true;
		return;
	}
	p = prop_of(e, s, n);
	if (v->type == CDP_NULL)
		return;
	p->count += p->last != f->serial;
	p->last = f->serial;
	p->looks |= look_of(f, v);
	if (v->type == CDP_STRING) {
		s = cdp_val_str(v, &f->str, &n);
		add_value(p, s, n);
	}
}

void cdp_infer_add(struct cdp_infer *f, struct cdp_rec *rec, int s_ids, int s_props)
{
	const struct cdp_val *event = cdp_rec_get(rec, CDP_SLOT_EVENT),
			     *ids = cdp_rec_get(rec, s_ids),
			     *props = cdp_rec_get(rec, s_props);
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;
	struct event *e;
	const char *s;
	size_t n;

	if (event->type != CDP_STRING ||
	    cdp_rec_get(rec, CDP_SLOT_TYPE)->type != CDP_MISSING)
		return;
	s = cdp_val_str(event, &f->name, &n);
	e = event_of(f, s, n);
	e->count++;
	f->serial++;
	while (ids->type == CDP_OBJECT && cdp_val_member(ids, &it, &key, &v)) {
		s = cdp_val_str(&key, &f->key, &n);
		if (can_be_said(s, n))
			cdp_intern_put(f->ids, s, n, NULL);
		else
			f->unspeakable_ids = true;
	}
	it = (struct cdp_iter){ 0 };
	while (props->type == CDP_OBJECT && cdp_val_member(props, &it, &key, &v))
		add_prop(f, e, &key, &v);
}

/* --- adding up --- */

static void merge_prop(struct prop *p, const struct prop *other)
{
	p->looks |= other->looks;
	p->count += other->count;
	if (other->over) {
		cdp_intern_free(p->values);
		p->values = NULL;
		p->over = true;
	}
	for (uint32_t i = 0; other->values && i < cdp_intern_count(other->values); i++) {
		size_t n;
		const char *s = cdp_intern_key(other->values, i, &n);

		add_value(p, s, n);
	}
}

static void merge_event(struct event *e, const struct event *other)
{
	e->count += other->count;
	e->unspeakable |= other->unspeakable;
	for (uint32_t i = 0; i < cdp_intern_count(other->names); i++) {
		size_t n;
		const char *s = cdp_intern_key(other->names, i, &n);

		merge_prop(prop_of(e, s, n), &other->v[i]);
	}
}

void cdp_infer_merge(struct cdp_infer *f, const struct cdp_infer *other)
{
	size_t n;

	for (uint32_t i = 0; i < cdp_intern_count(other->names); i++) {
		const char *s = cdp_intern_key(other->names, i, &n);

		merge_event(event_of(f, s, n), &other->v[i]);
	}
	for (uint32_t i = 0; i < cdp_intern_count(other->ids); i++) {
		const char *s = cdp_intern_key(other->ids, i, &n);

		cdp_intern_put(f->ids, s, n, NULL);
	}
	f->unspeakable_ids |= other->unspeakable_ids;
}

/* --- the draft --- */

static enum plan_type type_of(unsigned looks)
{
	const unsigned numbers = IS_INT | IS_DECIMAL | IS_NUMBER;
	const unsigned texts = IS_STRING | IS_DATE | IS_TIME;

	switch (looks) {
	case IS_BOOL:
		return PLAN_BOOL;
	case IS_INT:
		return PLAN_INT;
	case IS_DATE:
		return PLAN_DATE;
	case IS_TIME:
		return PLAN_TIME;
	case IS_LIST:
		return PLAN_LIST;
	case IS_OBJECT:
		return PLAN_OBJECT;
	default:
		break;
	}
	if (!looks)
		return PLAN_ANY;
	if (!(looks & ~texts))
		return PLAN_STRING;
	if (!(looks & ~(unsigned)(IS_INT | IS_DECIMAL)))
		return PLAN_DECIMAL;
	return looks & ~numbers ? PLAN_ANY : PLAN_NUMBER;
}

/* Names in order, as a JSON list. */
static void put_names(struct cdp_buf *out, const struct cdp_intern *names)
{
	uint32_t *order = cdp_intern_order(names);

	cdp_buf_addc(out, '[');
	for (uint32_t i = 0; i < cdp_intern_count(names); i++) {
		size_t n;
		const char *s = cdp_intern_key(names, order[i], &n);

		cdp_buf_adds(out, i ? ", " : "");
		cdp_json_str(out, s, n);
	}
	cdp_buf_addc(out, ']');
	free(order);
}

static void put_prop(struct cdp_buf *out, const struct prop *p, bool required)
{
	enum plan_type type = type_of(p->looks);

	cdp_buf_addf(out, "{\"type\": \"%s\"", plan_type_names[type]);
	if (required)
		cdp_buf_adds(out, ", \"required\": true");
	if (type == PLAN_STRING && p->values &&
	    p->count >= (uint64_t)CDP_INFER_OFTEN * cdp_intern_count(p->values)) {
		cdp_buf_adds(out, ", \"enum\": ");
		put_names(out, p->values);
	}
	cdp_buf_addc(out, '}');
}

/* Names that tracking libraries give of themselves: the same for all events. */
static bool is_preset(const char *name, size_t n)
{
	return n && *name == '$';
}

/* The properties of an event, those of libraries or the others. */
static void put_props(struct cdp_buf *out, const struct event *e, bool presets,
		      const char *indent)
{
	uint32_t *order = cdp_intern_order(e->names);
	bool any = false;

	for (uint32_t i = 0; i < cdp_intern_count(e->names); i++) {
		const struct prop *p = &e->v[order[i]];
		size_t n;
		const char *s = cdp_intern_key(e->names, order[i], &n);

		if (is_preset(s, n) != presets)
			continue;
		cdp_buf_addf(out, "%s\n%s", any ? "," : "", indent);
		any = true;
		cdp_json_str(out, s, n);
		cdp_buf_adds(out, ": ");
		put_prop(out, p, !presets && p->count == e->count);
	}
	free(order);
}

static void put_event(struct cdp_buf *out, const struct event *e)
{
	cdp_buf_addc(out, '{');
	if (e->unspeakable)
		cdp_buf_adds(out, "\"additional\": true, ");
	cdp_buf_adds(out, "\"properties\": {");
	put_props(out, e, false, "   ");
	cdp_buf_adds(out, "}}");
}

void cdp_infer_write(const struct cdp_infer *f, struct cdp_buf *out)
{
	struct event all = { .names = cdp_intern_new(0) };
	uint32_t *order = cdp_intern_order(f->names);
	uint32_t count = cdp_intern_count(f->names);

	for (uint32_t i = 0; i < count; i++)
		merge_event(&all, &f->v[i]);
	cdp_buf_adds(out, "{\n \"plan\": \"draft\",\n \"version\": \"1-0-0\",\n"
			  " \"additional\": false,\n \"actions\": {"
			  "\"Unplanned-Event\": \"mark\", "
			  "\"Additional-Properties\": \"mark\"},\n");
	if (!f->unspeakable_ids && cdp_intern_count(f->ids)) {
		cdp_buf_adds(out, " \"ids\": ");
		put_names(out, f->ids);
		cdp_buf_adds(out, ",\n");
	}
	cdp_buf_adds(out, " \"properties\": {");
	put_props(out, &all, true, "  ");
	cdp_buf_adds(out, "},\n \"events\": {");
	for (uint32_t i = 0; i < count; i++) {
		size_t n;
		const char *s = cdp_intern_key(f->names, order[i], &n);

		cdp_buf_adds(out, i ? ",\n  " : "\n  ");
		cdp_json_str(out, s, n);
		cdp_buf_adds(out, ": ");
		put_event(out, &f->v[order[i]]);
	}
	cdp_buf_adds(out, "}\n}\n");
	release_event(&all);
	free(order);
}
