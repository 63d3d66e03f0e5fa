#include "model/coverage.h"

#include "base/mem.h"
#include "format/canon.h"
#include "model/plan_priv.h"
#include "record/json.h"

#include <stdlib.h>

struct tally {
	uint64_t n;
	int64_t first, last; /* of those that have a time */
};

/* Names that nobody planned. */
struct strangers {
	struct cdp_intern *names; /* events; events, NUL and path of properties */
	struct tally *v;
	size_t cap;
	bool over;
	uint64_t n; /* all that came */
};

struct cdp_coverage {
	const struct cdp_plan *plan;
	struct tally *events, *props;
	uint64_t (*violations)[CDP_VIOLATIONS];
	struct strangers other_events, other_props;
	int64_t latest;
	struct cdp_buf key;
};

struct cdp_coverage *cdp_coverage_new(const struct cdp_plan *p)
{
	struct cdp_coverage *c = cdp_calloc(1, sizeof(*c));

	c->plan = p;
	c->events = cdp_calloc(p->event_count + 1, sizeof(*c->events));
	c->props = cdp_calloc(p->prop_ids + 1, sizeof(*c->props));
	c->violations = cdp_calloc(p->event_count + 1, sizeof(*c->violations));
	c->other_events.names = cdp_intern_new(0);
	c->other_props.names = cdp_intern_new(0);
	c->latest = CDP_NO_TIME;
	cdp_buf_init(&c->key, CDP_BUF_NOMAX);
	return c;
}

void cdp_coverage_free(struct cdp_coverage *c)
{
	if (!c)
		return;
	free(c->events);
	free(c->props);
	free(c->violations);
	cdp_intern_free(c->other_events.names);
	cdp_intern_free(c->other_props.names);
	free(c->other_events.v);
	free(c->other_props.v);
	cdp_buf_release(&c->key);
	free(c);
}

/* --- counting --- */

static void add(struct tally *to, struct tally t)
{
	if (!t.n)
		return;
	if (t.first != CDP_NO_TIME) {
		if (!to->n || to->first == CDP_NO_TIME || t.first < to->first)
			to->first = t.first;
		if (!to->n || to->last == CDP_NO_TIME || t.last > to->last)
			to->last = t.last;
	} else if (!to->n) {
		to->first = to->last = CDP_NO_TIME;
	}
	to->n += t.n;
}

static void add_stranger(struct strangers *s, const char *p, size_t n, struct tally t)
{
	uint32_t id = cdp_intern_get(s->names, p, n);
	bool added;

	s->n += t.n;
	if (id == CDP_INTERN_NONE) {
		s->over |= cdp_intern_count(s->names) == CDP_COVERAGE_NAMES;
		if (s->over)
			return;
		id = cdp_intern_put(s->names, p, n, &added);
		CDP_GROW(s->v, id, s->cap);
		s->v[id] = (struct tally){ 0 };
	}
	add(&s->v[id], t);
}

static struct tally once(int64_t ms)
{
	return (struct tally){ 1, ms, ms };
}

void cdp_coverage_event(struct cdp_coverage *c, const struct plan_event *e,
			const char *name, size_t n, int64_t ms)
{
	if (ms > c->latest)
		c->latest = ms;
	if (e)
		add(&c->events[e - c->plan->events], once(ms));
	else
		add_stranger(&c->other_events, name, n, once(ms));
}

void cdp_coverage_prop(struct cdp_coverage *c, const struct plan_event *e,
		       const struct plan_prop *p, const char *path, size_t n, int64_t ms)
{
	if (p) {
		add(&c->props[p->id], once(ms));
		return;
	}
	cdp_buf_reset(&c->key);
	cdp_buf_add(&c->key, e->name, e->name_n + 1);
	cdp_buf_add(&c->key, path, n);
	add_stranger(&c->other_props, c->key.p, c->key.n, once(ms));
}

void cdp_coverage_violation(struct cdp_coverage *c, const struct plan_event *e,
			    enum cdp_violation kind)
{
	c->violations[e ? (size_t)(e - c->plan->events) : c->plan->event_count][kind]++;
}

static void add_strangers(struct strangers *to, const struct strangers *from)
{
	for (uint32_t i = 0; i < cdp_intern_count(from->names); i++) {
		size_t n;
		const char *p = cdp_intern_key(from->names, i, &n);
		uint64_t before = to->n;

		add_stranger(to, p, n, from->v[i]);
		to->n = before;
	}
	to->n += from->n;
	to->over |= from->over;
}

void cdp_coverage_add(struct cdp_coverage *c, const struct cdp_coverage *other)
{
	for (unsigned i = 0; i < c->plan->event_count; i++)
		add(&c->events[i], other->events[i]);
	for (unsigned i = 0; i < c->plan->prop_ids; i++)
		add(&c->props[i], other->props[i]);
	for (unsigned i = 0; i <= c->plan->event_count; i++)
		for (unsigned k = 0; k < CDP_VIOLATIONS; k++)
			c->violations[i][k] += other->violations[i][k];
	add_strangers(&c->other_events, &other->other_events);
	add_strangers(&c->other_props, &other->other_props);
	if (other->latest > c->latest)
		c->latest = other->latest;
}

/* --- rows --- */

static void open_row(const struct cdp_coverage *c, struct cdp_buf *out,
		     const char *result)
{
	cdp_buf_adds(out, "{\"result\":");
	cdp_json_cstr(out, result);
	cdp_buf_adds(out, ",\"plan\":");
	cdp_json_cstr(out, c->plan->label);
}

static void put_str(struct cdp_buf *out, const char *key, const char *p, size_t n)
{
	cdp_json_key(out, key);
	if (p)
		cdp_json_str(out, p, n);
	else
		cdp_buf_adds(out, "null");
}

static void put_cstr(struct cdp_buf *out, const char *key, const char *s)
{
	put_str(out, key, s, s ? strlen(s) : 0);
}

static void put_num(struct cdp_buf *out, const char *key, uint64_t v)
{
	cdp_json_key(out, key);
	cdp_buf_addu(out, v);
}

static void put_ms(struct cdp_buf *out, const char *key, int64_t ms)
{
	cdp_json_key(out, key);
	if (ms == CDP_NO_TIME)
		cdp_buf_adds(out, "null");
	else
		cdp_canon_put_time(out, ms);
}

static void coverage_row(const struct cdp_coverage *c, struct cdp_buf *out,
			 const char *event, size_t event_n, const char *prop,
			 size_t prop_n, const char *status, const struct tally *t)
{
	open_row(c, out, "coverage");
	put_str(out, "event", event, event_n);
	put_str(out, "property", prop, prop_n);
	put_cstr(out, "status", status);
	put_num(out, "count", t->n);
	put_ms(out, "first", t->n ? t->first : CDP_NO_TIME);
	put_ms(out, "last", t->n ? t->last : CDP_NO_TIME);
	cdp_buf_adds(out, "}\n");
}

/* By the latest time that was seen, not by a clock. */
static const char *status(const struct cdp_coverage *c, const struct plan_period *p,
			  const struct tally *t)
{
	if (t->n)
		return "seen";
	if (c->latest != CDP_NO_TIME && c->latest >= p->until)
		return "retired";
	if (c->latest != CDP_NO_TIME && c->latest < p->since)
		return "not_yet";
	return "never_seen";
}

/* Properties of an object and those below, by their paths. */
static void prop_rows(const struct cdp_coverage *c, struct cdp_buf *out,
		      const struct plan_event *e, const struct plan_props *props,
		      struct cdp_buf *path)
{
	size_t n = path->n;

	for (unsigned i = 0; i < props->n; i++) {
		const struct plan_prop *p = &props->v[i];
		const struct tally *t = &c->props[p->id];

		if (p->common && !t->n)
			continue;
		if (n)
			cdp_buf_addc(path, '.');
		cdp_buf_add(path, p->name, p->name_n);
		coverage_row(c, out, e->name, e->name_n, path->p, path->n,
			     status(c, &p->period, t), t);
		if (p->below)
			prop_rows(c, out, e, p->below, path);
		path->n = n;
	}
}

static void stranger_rows(const struct cdp_coverage *c, struct cdp_buf *out,
			  const struct strangers *s, bool props)
{
	static const char never[] = "never_planned";
	const struct tally all = { s->n, CDP_NO_TIME, CDP_NO_TIME };
	uint32_t *order;

	if (s->over) {
		coverage_row(c, out, NULL, 0, NULL, 0, never, &all);
		return;
	}
	order = cdp_intern_order(s->names);
	for (uint32_t i = 0; i < cdp_intern_count(s->names); i++) {
		size_t n, cut;
		const char *p = cdp_intern_key(s->names, order[i], &n);

		cut = props ? strlen(p) : n;
		coverage_row(c, out, p, cut, props ? p + cut + 1 : NULL,
			     props ? n - cut - 1 : 0, never, &s->v[order[i]]);
	}
	free(order);
}

static void violation_rows(const struct cdp_coverage *c, struct cdp_buf *out)
{
	for (unsigned i = 0; i <= c->plan->event_count; i++)
		for (unsigned k = 0; k < CDP_VIOLATIONS; k++) {
			const char *name =
				i < c->plan->event_count ? c->plan->events[i].name : NULL;

			if (!c->violations[i][k])
				continue;
			open_row(c, out, "violation");
			put_cstr(out, "event", name);
			put_cstr(out, "kind", cdp_violation_names[k]);
			put_num(out, "count", c->violations[i][k]);
			cdp_buf_adds(out, "}\n");
		}
}

static bool is_of(const struct plan_event *e, const char *scenario)
{
	for (size_t i = 0; i < e->scenario_count; i++)
		if (strcmp(e->scenarios[i], scenario) == 0)
			return true;
	return false;
}

static void scenario_row(const struct cdp_coverage *c, struct cdp_buf *out,
			 const char *scenario)
{
	uint64_t planned = 0;

	for (unsigned i = 0; i < c->plan->event_count; i++)
		planned += is_of(&c->plan->events[i], scenario);
	open_row(c, out, "scenario");
	put_cstr(out, "scenario", scenario);
	put_num(out, "events", planned);
	cdp_json_key(out, "never_seen");
	cdp_buf_addc(out, '[');
	for (unsigned i = 0; i < c->plan->event_count; i++) {
		const struct plan_event *e = &c->plan->events[i];

		if (c->events[i].n || !is_of(e, scenario))
			continue;
		cdp_buf_adds(out, out->p[out->n - 1] == '[' ? "" : ",");
		cdp_json_cstr(out, e->name);
	}
	cdp_buf_adds(out, "]}\n");
}

/* Whether the event came; *planned: at all a planned one. */
static bool came(const struct cdp_coverage *c, const char *event, bool *planned)
{
	uint32_t i = plan_find(c->plan->names, c->plan->alias_of, event, strlen(event));

	*planned = i != CDP_INTERN_NONE;
	return *planned && c->events[i].n;
}

static void metric_rows(const struct cdp_coverage *c, struct cdp_buf *out)
{
	for (unsigned i = 0; i < c->plan->metric_count; i++) {
		const struct plan_metric *m = &c->plan->metrics[i];
		bool planned;

		open_row(c, out, "metric");
		put_cstr(out, "metric", m->name);
		put_cstr(out, "scenario", m->scenario);
		put_num(out, "events", m->event_count);
		cdp_json_key(out, "never_seen");
		cdp_buf_addc(out, '[');
		for (size_t k = 0; k < m->event_count; k++)
			if (!came(c, m->events[k], &planned) && planned) {
				cdp_buf_adds(out, out->p[out->n - 1] == '[' ? "" : ",");
				cdp_json_cstr(out, m->events[k]);
			}
		cdp_buf_adds(out, "]");
		cdp_json_key(out, "never_planned");
		cdp_buf_addc(out, '[');
		for (size_t k = 0; k < m->event_count; k++)
			if (!came(c, m->events[k], &planned) && !planned) {
				cdp_buf_adds(out, out->p[out->n - 1] == '[' ? "" : ",");
				cdp_json_cstr(out, m->events[k]);
			}
		cdp_buf_adds(out, "]}\n");
	}
}

void cdp_coverage_write(const struct cdp_coverage *c, struct cdp_buf *out)
{
	struct cdp_buf path;

	cdp_buf_init(&path, CDP_BUF_NOMAX);
	for (unsigned i = 0; i < c->plan->event_count; i++) {
		const struct plan_event *e = &c->plan->events[i];

		coverage_row(c, out, e->name, e->name_n, NULL, 0,
			     status(c, &e->period, &c->events[i]), &c->events[i]);
		if (c->events[i].n)
			prop_rows(c, out, e, &e->props, &path);
	}
	stranger_rows(c, out, &c->other_events, false);
	stranger_rows(c, out, &c->other_props, true);
	violation_rows(c, out);
	for (unsigned i = 0; i < c->plan->scenario_count; i++)
		scenario_row(c, out, c->plan->scenarios[i]);
	metric_rows(c, out);
	cdp_buf_release(&path);
}
