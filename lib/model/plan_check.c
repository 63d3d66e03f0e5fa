/* Holding events against a plan. */
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "format/canon.h"
#include "model/coverage.h"
#include "model/plan_priv.h"
#include "record/fields.h"
#include "record/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct violation {
	enum cdp_violation kind;
	enum plan_action action;
	size_t path, message; /* in `text`, NUL-ended */
};

/* What stands from..to gives way to `with`, or if that is NULL is a member to leave out.
 */
struct edit {
	const char *from, *to;
	const char *with;
};

struct cdp_plan_check {
	const struct cdp_plan *plan;
	struct cdp_coverage *seen;
	struct cdp_plan_counts counts;
	struct cdp_regex_work *regex;
	struct cdp_fields *violations;
	/* By property: the object in which it was found last. */
	uint64_t *found_in;
	uint64_t serial;
	/* of the event at hand */
	const struct plan_event *event;
	int64_t ms;
	struct cdp_buf path, key, str, text, marks, edited, tmp;
	struct violation *v;
	size_t n, cap;
	struct edit *edits;
	size_t nedits, edit_cap;
};

struct cdp_plan_check *cdp_plan_check_new(const struct cdp_plan *p,
					  struct cdp_coverage *seen)
{
	struct cdp_plan_check *c = cdp_calloc(1, sizeof(*c));
	struct cdp_err never;

	c->plan = p;
	c->seen = seen;
	c->regex = cdp_regex_work_new();
	c->violations = cdp_fields_new("violations", NULL, &never);
	c->found_in = cdp_calloc(p->prop_ids + 1, sizeof(*c->found_in));
	cdp_buf_init(&c->path, CDP_BUF_NOMAX);
	cdp_buf_init(&c->key, CDP_BUF_NOMAX);
	cdp_buf_init(&c->str, CDP_BUF_NOMAX);
	cdp_buf_init(&c->text, CDP_BUF_NOMAX);
	cdp_buf_init(&c->marks, CDP_BUF_NOMAX);
	cdp_buf_init(&c->edited, CDP_BUF_NOMAX);
	cdp_buf_init(&c->tmp, CDP_BUF_NOMAX);
	return c;
}

void cdp_plan_check_free(struct cdp_plan_check *c)
{
	if (!c)
		return;
	cdp_regex_work_free(c->regex);
	cdp_fields_free(c->violations);
	cdp_buf_release(&c->path);
	cdp_buf_release(&c->key);
	cdp_buf_release(&c->str);
	cdp_buf_release(&c->text);
	cdp_buf_release(&c->marks);
	cdp_buf_release(&c->edited);
	cdp_buf_release(&c->tmp);
	free(c->found_in);
	free(c->v);
	free(c->edits);
	free(c);
}

const struct cdp_plan_counts *cdp_plan_check_counts(const struct cdp_plan_check *c)
{
	return &c->counts;
}

/* --- what was found --- */

/* A violation at c->path; true if the property is to be stripped for it. */
static bool report(struct cdp_plan_check *c, enum cdp_violation kind, const char *fmt,
		   ...) CDP_PRINTF(3, 4);
static bool report(struct cdp_plan_check *c, enum cdp_violation kind, const char *fmt,
		   ...)
{
	const uint8_t *actions = c->event ? c->event->actions : c->plan->actions;
	struct violation v = { .kind = kind,
			       .action = (enum plan_action)actions[kind],
			       .path = c->text.n };
	char message[200];
	va_list ap;

	if (v.action == PLAN_ALLOW)
		return false;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	cdp_buf_add(&c->text, c->path.p, c->path.n);
	cdp_buf_addc(&c->text, '\0');
	v.message = c->text.n;
	/* What a cut in the middle of a character leaves is no text. */
	cdp_buf_add(&c->text, message, cdp_utf8_check(message, strlen(message)));
	cdp_buf_addc(&c->text, '\0');
	CDP_GROW(c->v, c->n, c->cap);
	c->v[c->n++] = v;
	c->counts.violations++;
	if (c->seen)
		cdp_coverage_violation(c->seen, c->event, kind);
	return v.action == PLAN_STRIP;
}

static void add_edit(struct cdp_plan_check *c, const char *from, const char *to,
		     const char *with)
{
	CDP_GROW(c->edits, c->nedits, c->edit_cap);
	c->edits[c->nedits++] = (struct edit){ from, to, with };
}

static bool is_outside(const struct plan_period *p, int64_t ms)
{
	return ms != CDP_NO_TIME && (ms < p->since || ms >= p->until);
}

/* --- values --- */

static const char *kind_of(const struct cdp_val *v)
{
	static const char *const names[] = { "nothing", "null",   "bool", "bool",
					     "number",  "string", "list", "object" };

	return names[v->type];
}

static struct cdp_excerpt shown(struct cdp_plan_check *c, const struct cdp_val *v)
{
	size_t n;
	const char *p;

	if (v->type != CDP_STRING)
		return cdp_excerpt(v->p, v->n);
	p = cdp_val_str(v, &c->str, &n);
	return cdp_excerpt(p, n);
}

static bool has_type(struct cdp_plan_check *c, const struct plan_prop *p,
		     const struct cdp_val *v, int64_t *when)
{
	struct cdp_err why;

	switch (p->type) {
	case PLAN_STRING:
		return v->type == CDP_STRING;
	case PLAN_INT:
		return v->type == CDP_NUMBER && v->integral;
	case PLAN_NUMBER:
		return v->type == CDP_NUMBER;
	case PLAN_DECIMAL:
		return v->type == CDP_NUMBER &&
		       (v->integral ||
			(!memchr(v->p, 'e', v->n) && !memchr(v->p, 'E', v->n)));
	case PLAN_BOOL:
		return v->type == CDP_TRUE || v->type == CDP_FALSE;
	case PLAN_TIME:
	case PLAN_DATE:
		return v->type == CDP_STRING &&
		       plan_when(p->type, v->p, v->n, c->plan->zone, when, &why) == 0;
	case PLAN_LIST:
		return v->type == CDP_ARRAY;
	case PLAN_OBJECT:
		return v->type == CDP_OBJECT;
	default:
		return true;
	}
}

/* Exactly, where both are decimals that we can hold. */
static int compare(const struct cdp_val *v, const struct plan_limit *l)
{
	struct cdp_decimal dec;
	struct cdp_err why;
	double dbl = 0;

	if (cdp_decimal_parse(&dec, v->p, v->n, &why) == 0)
		return cdp_decimal_cmp(dec, l->dec);
	(void)cdp_num_double(&dbl, v->p, v->n, &why);
	return (dbl > l->dbl) - (dbl < l->dbl);
}

static bool check_range(struct cdp_plan_check *c, const struct plan_prop *p,
			const struct cdp_val *v, int64_t when)
{
	bool number = v->type == CDP_NUMBER, strip = false;

	if (p->min.is && (number ? compare(v, &p->min) < 0 : when < p->min.when))
		strip |= report(c, CDP_INVALID_VALUE, "'%s' is below %s", shown(c, v).s,
				p->min.text);
	if (p->max.is && (number ? compare(v, &p->max) > 0 : when > p->max.when))
		strip |= report(c, CDP_INVALID_VALUE, "'%s' is above %s", shown(c, v).s,
				p->max.text);
	return strip;
}

static bool is_allowed_number(const struct plan_prop *p, const struct cdp_val *v)
{
	struct cdp_decimal dec;
	struct cdp_err why;

	if (cdp_decimal_parse(&dec, v->p, v->n, &why) < 0)
		return false;
	for (size_t i = 0; i < p->number_count; i++)
		if (cdp_decimal_cmp(dec, p->numbers[i]) == 0)
			return true;
	return false;
}

static size_t length_of(struct cdp_plan_check *c, const struct cdp_val *v)
{
	struct cdp_iter it = { 0 };
	struct cdp_val item;
	const char *p;
	size_t n = 0;

	if (v->type == CDP_STRING) {
		p = cdp_val_str(v, &c->str, &n);
		return cdp_utf8_count(p, n);
	}
	while (cdp_val_item(v, &it, &item))
		n++;
	return n;
}

static bool check_length(struct cdp_plan_check *c, const struct plan_prop *p,
			 const struct cdp_val *v)
{
	const char *what = v->type == CDP_STRING ? "characters" : "items";
	int64_t n;

	if (p->min_length < 0 && p->max_length < 0)
		return false;
	n = (int64_t)length_of(c, v);
	if (p->min_length >= 0 && n < p->min_length)
		return report(c, CDP_INVALID_VALUE, "%lld %s are fewer than %lld",
			      (long long)n, what, (long long)p->min_length);
	if (p->max_length >= 0 && n > p->max_length)
		return report(c, CDP_INVALID_VALUE, "%lld %s are more than %lld",
			      (long long)n, what, (long long)p->max_length);
	return false;
}

static bool check_text(struct cdp_plan_check *c, const struct plan_prop *p,
		       const struct cdp_val *v)
{
	struct cdp_err why;
	bool strip = false;
	const char *s;
	size_t n;
	int match;

	if (p->texts) {
		s = cdp_val_str(v, &c->str, &n);
		if (cdp_intern_get(p->texts, s, n) == CDP_INTERN_NONE)
			strip |= report(c, CDP_INVALID_VALUE, "'%s' is not in the enum",
					shown(c, v).s);
	}
	if (p->pattern) {
		s = cdp_val_str(v, &c->str, &n);
		match = cdp_regex_match(p->pattern, c->regex, s, n, &why);
		if (match < 0)
			strip |= report(c, CDP_INVALID_VALUE, "pattern: %s", why.msg);
		else if (!match)
			strip |= report(c, CDP_INVALID_VALUE,
					"'%s' does not match the pattern", shown(c, v).s);
	}
	return strip;
}

/* --- objects and lists --- */

static bool check_members(struct cdp_plan_check *c, const struct plan_props *props,
			  const struct cdp_val *object, bool listed);

/* True if the property is to be stripped.  Inside of a list (`listed`) nothing can be
 * taken out alone. */
static bool check_value(struct cdp_plan_check *c, const struct plan_prop *p,
			const struct cdp_val *v, bool listed)
{
	struct cdp_iter it = { 0 };
	struct cdp_val item;
	size_t at = c->path.n, i = 0;
	int64_t when = 0;
	bool strip = false;

	if (!has_type(c, p, v, &when)) {
		if (v->type == CDP_STRING || v->type == CDP_NUMBER)
			return report(
				c, CDP_DATATYPE_MISMATCH, "expected %s, got the %s '%s'",
				plan_type_names[p->type], kind_of(v), shown(c, v).s);
		return report(c, CDP_DATATYPE_MISMATCH, "expected %s, got %s",
			      plan_type_names[p->type], kind_of(v));
	}
	strip |= check_range(c, p, v, when);
	if (p->numbers && !is_allowed_number(p, v))
		strip |= report(c, CDP_INVALID_VALUE, "'%s' is not in the enum",
				shown(c, v).s);
	if (v->type == CDP_STRING)
		strip |= check_text(c, p, v);
	strip |= check_length(c, p, v);
	if (p->below)
		strip |= check_members(c, p->below, v, listed);
	while (p->items && cdp_val_item(v, &it, &item)) {
		cdp_buf_addf(&c->path, "[%zu]", i++);
		strip |= item.type != CDP_NULL && check_value(c, p->items, &item, true);
		c->path.n = at;
	}
	return strip;
}

/* One member; *found: it is there for all that follows. */
static bool check_member(struct cdp_plan_check *c, const struct plan_props *props,
			 uint32_t i, const struct cdp_val *key, const struct cdp_val *v,
			 bool listed, bool twice)
{
	const struct plan_prop *p = &props->v[i];
	size_t edits = c->nedits;
	bool strip = false;

	if (c->seen)
		cdp_coverage_prop(c->seen, c->event, p, NULL, 0, c->ms);
	if (is_outside(&p->period, c->ms))
		strip |= report(c, CDP_OUT_OF_PERIOD, "not planned at this time");
	/* Another name of what is there already stays what it is. */
	if (!twice && !cdp_val_is(key, p->name, p->name_n))
		add_edit(c, key->p - 1, key->p + key->n + 1, p->quoted);
	strip |= check_value(c, p, v, listed);
	if (strip)
		c->nedits = edits;
	return strip;
}

static void check_required(struct cdp_plan_check *c, const struct plan_props *props,
			   uint64_t serial)
{
	size_t at = c->path.n;

	for (unsigned i = 0; i < props->n; i++) {
		const struct plan_prop *p = &props->v[i];

		if (!p->required || c->found_in[p->id] == serial ||
		    is_outside(&p->period, c->ms))
			continue;
		cdp_buf_addc(&c->path, '.');
		cdp_buf_add(&c->path, p->name, p->name_n);
		report(c, CDP_REQUIRED_MISSING, "required, but missing");
		c->path.n = at;
	}
}

/* True if what the object is in must be stripped, as it is listed. */
static bool check_members(struct cdp_plan_check *c, const struct plan_props *props,
			  const struct cdp_val *object, bool listed)
{
	/* "props." is not part of a property's path. */
	const size_t at = c->path.n, top = sizeof("props.") - 1;
	uint64_t serial = ++c->serial;
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;
	bool strip_all = false;

	while (object->type == CDP_OBJECT && cdp_val_member(object, &it, &key, &v)) {
		bool strip = false, twice = false;
		const char *name;
		uint32_t i;
		size_t n;

		name = cdp_val_str(&key, &c->key, &n);
		i = plan_find(props->names, props->alias_of, name, n);
		cdp_buf_addc(&c->path, '.');
		cdp_buf_add(&c->path, name, n);
		if (i == CDP_INTERN_NONE) {
			if (c->seen)
				cdp_coverage_prop(c->seen, c->event, NULL,
						  c->path.p + top, c->path.n - top,
						  c->ms);
			if (!props->additional)
				strip = report(c, CDP_ADDITIONAL_PROPERTIES,
					       "not in the plan");
		} else if (v.type != CDP_NULL) {
			twice = c->found_in[props->v[i].id] == serial;
			strip = check_member(c, props, i, &key, &v, listed, twice);
			if (!strip)
				c->found_in[props->v[i].id] = serial;
		}
		c->path.n = at;
		strip_all |= strip && listed;
		if (strip && !listed)
			add_edit(c, key.p - 1, v.p + v.n + (v.type == CDP_STRING), NULL);
	}
	if (props->required)
		check_required(c, props, serial);
	return strip_all;
}

/* --- the event --- */

static void check_ids(struct cdp_plan_check *c, const struct cdp_val *ids)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;
	const char *p;
	size_t n;

	while (ids->type == CDP_OBJECT && cdp_val_member(ids, &it, &key, &v)) {
		p = cdp_val_str(&key, &c->key, &n);
		if (cdp_intern_get(c->plan->ids, p, n) != CDP_INTERN_NONE)
			continue;
		cdp_buf_reset(&c->path);
		cdp_buf_adds(&c->path, "ids.");
		cdp_buf_add(&c->path, p, n);
		report(c, CDP_UNPLANNED_ID, "a kind of id that is not in the plan");
	}
}

static void check_event(struct cdp_plan_check *c, struct cdp_rec *rec)
{
	const struct cdp_val *event = cdp_rec_get(rec, CDP_SLOT_EVENT);
	const struct cdp_plan *plan = c->plan;
	const char *name;
	uint32_t i;
	size_t n;

	name = cdp_val_str(event, &c->key, &n);
	i = plan_find(plan->names, plan->alias_of, name, n);
	c->event = i == CDP_INTERN_NONE ? NULL : &plan->events[i];
	if (c->seen)
		cdp_coverage_event(c->seen, c->event, name, n, c->ms);
	cdp_buf_adds(&c->path, "event");
	if (!c->event)
		report(c, CDP_UNPLANNED_EVENT, "'%s' is not in the plan",
		       cdp_excerpt(name, n).s);
	else if (!cdp_val_is(event, c->event->name, c->event->name_n))
		add_edit(c, event->p - 1, event->p + event->n + 1, c->event->quoted);
	if (c->event && is_outside(&c->event->period, c->ms))
		report(c, CDP_OUT_OF_PERIOD, "'%s' is not planned at this time",
		       c->event->name);
	if (plan->ids)
		check_ids(c, cdp_rec_get(rec, plan->s_ids));
	cdp_buf_reset(&c->path);
	cdp_buf_adds(&c->path, "props");
	if (c->event)
		check_members(c, &c->event->props, cdp_rec_get(rec, plan->s_props),
			      false);
}

static int refuse(const struct cdp_plan_check *c, struct cdp_err *err)
{
	const struct violation *first = NULL;
	size_t others = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].action == PLAN_REJECT) {
			others += first != NULL;
			if (!first)
				first = &c->v[i];
		}
	if (!first)
		return 0;
	return cdp_canon_bad(err, c->text.p + first->path,
			     others ? "%s: %s (plan %s; %zu more)" : "%s: %s (plan %s)",
			     cdp_violation_names[first->kind], c->text.p + first->message,
			     c->plan->label, others);
}

static void put_marks(struct cdp_plan_check *c)
{
	struct cdp_buf *b = &c->marks;

	cdp_buf_reset(b);
	for (size_t i = 0; i < c->n; i++) {
		if (c->v[i].action != PLAN_MARK)
			continue;
		cdp_buf_adds(b, b->n ? ",{\"kind\":" : "[{\"kind\":");
		cdp_json_cstr(b, cdp_violation_names[c->v[i].kind]);
		cdp_json_key(b, "path");
		cdp_json_cstr(b, c->text.p + c->v[i].path);
		cdp_json_key(b, "message");
		cdp_json_cstr(b, c->text.p + c->v[i].message);
		cdp_json_key(b, "plan");
		cdp_json_cstr(b, c->plan->label);
		cdp_buf_addc(b, '}');
	}
	if (b->n)
		cdp_buf_addc(b, ']');
}

/* The record with its edits, which stand in order and apart. */
static void apply(struct cdp_plan_check *c, const struct cdp_rec *rec)
{
	const char *p = rec->raw, *end = p + rec->len;
	struct cdp_buf *out = &c->edited;

	cdp_buf_reset(out);
	for (size_t i = 0; i < c->nedits; i++) {
		const struct edit *e = &c->edits[i];

		cdp_buf_add(out, p, (size_t)(e->from - p));
		p = e->to;
		if (e->with)
			cdp_buf_adds(out, e->with);
		else if (*p == ',')
			p++;
		else if (out->p[out->n - 1] == ',')
			out->n--;
	}
	cdp_buf_add(out, p, (size_t)(end - p));
}

/* Sets `violations` in the edited record, or takes out what an earlier plan left. */
static void mark(struct cdp_plan_check *c, bool had)
{
	struct cdp_buf swap = c->tmp;

	if (!c->marks.n && !had)
		return;
	cdp_buf_reset(&swap);
	if (c->marks.n)
		cdp_rec_splice(&swap, c->edited.p, c->edited.n, "violations", c->marks.p,
			       c->marks.n, false);
	else
		cdp_fields_omit(c->violations, &swap, c->edited.p, c->edited.n);
	c->tmp = c->edited;
	c->edited = swap;
	c->counts.marked += c->marks.n != 0;
}

int cdp_plan_check(struct cdp_plan_check *c, struct cdp_rec *rec, int64_t ms,
		   const struct cdp_buf **edited, struct cdp_err *err)
{
	bool had = cdp_rec_get(rec, c->plan->s_violations)->type != CDP_MISSING;

	if (cdp_rec_get(rec, CDP_SLOT_EVENT)->type != CDP_STRING ||
	    cdp_rec_get(rec, CDP_SLOT_TYPE)->type != CDP_MISSING)
		return 0;
	c->n = c->nedits = 0;
	c->ms = ms;
	cdp_buf_reset(&c->path);
	cdp_buf_reset(&c->text);
	check_event(c, rec);
	if (refuse(c, err) < 0)
		return -1;
	put_marks(c);
	if (!c->nedits && !c->marks.n && !had)
		return 0;
	apply(c, rec);
	mark(c, had);
	for (size_t i = 0; i < c->nedits; i++)
		c->counts.stripped += !c->edits[i].with;
	*edited = &c->edited;
	return 1;
}

void cdp_plan_check_saw(struct cdp_plan_check *c, struct cdp_rec *rec, int64_t ms)
{
	const struct cdp_val *event = cdp_rec_get(rec, CDP_SLOT_EVENT);
	const char *name;
	uint32_t i;
	size_t n;

	if (!c->seen)
		return;
	name = cdp_val_str(event, &c->key, &n);
	i = plan_find(c->plan->names, c->plan->alias_of, name, n);
	cdp_coverage_event(c->seen, i == CDP_INTERN_NONE ? NULL : &c->plan->events[i],
			   name, n, ms);
}
