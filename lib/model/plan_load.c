/* Reading a plan. */
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "format/canon.h"
#include "format/stamp.h"
#include "model/plan_priv.h"
#include "record/json.h"
#include "record/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const plan_type_names[PLAN_TYPES + 1] = {
	"any",  "string", "int",  "number", "decimal", "bool",
	"time", "date",   "list", "object", NULL,
};
static const char *const action_names[PLAN_ACTIONS + 1] = { "reject", "strip", "mark",
							    "allow", NULL };
const char *const cdp_violation_names[CDP_VIOLATIONS] = {
	[CDP_UNPLANNED_EVENT] = "Unplanned-Event",
	[CDP_OUT_OF_PERIOD] = "Out-Of-Period",
	[CDP_REQUIRED_MISSING] = "Required-Missing",
	[CDP_DATATYPE_MISMATCH] = "Datatype-Mismatch",
	[CDP_INVALID_VALUE] = "Invalid-Value",
	[CDP_ADDITIONAL_PROPERTIES] = "Additional-Properties",
	[CDP_UNPLANNED_ID] = "Unplanned-Id",
};

/* Where in the plan we are: "events.buy_fund.properties.amount". */
struct where {
	char s[240];
};

static struct where below(const struct where *w, const char *key)
{
	struct where out;

	snprintf(out.s, sizeof(out.s), "%.*s%s%.*s", 160, w->s, *w->s ? "." : "", 70,
		 key);
	return out;
}

static int bad(struct cdp_err *err, const struct where *w, const char *key,
	       const char *what)
{
	struct where at = below(w, key);

	return cdp_err_set(err, CDP_ERR_USAGE, "%s: %s", at.s, what);
}

static int one_of(const char *const *names, size_t count, const char *what,
		  const char *text, const struct where *w, const char *key,
		  struct cdp_err *err)
{
	struct where at = below(w, key);
	const char *near;

	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], text) == 0)
			return (int)i;
	near = cdp_text_suggest(text, strlen(text), names, count);
	return cdp_err_set(err, CDP_ERR_USAGE, "%s: unknown %s '%s'%s%s%s", at.s, what,
			   text, near ? "; did you mean '" : "", near ? near : "",
			   near ? "'?" : "");
}

static int dup_str(const json_t *o, const char *key, char **out, bool required,
		   const struct where *w, struct cdp_err *err)
{
	const char *s = NULL;

	if (cdp_tree_str(o, key, &s, required, w->s, err) < 0)
		return -1;
	*out = s ? cdp_strdup(s) : NULL;
	return 0;
}

static char *quoted(const char *s)
{
	struct cdp_buf b;
	char *text;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_json_cstr(&b, s);
	text = cdp_strndup(b.p, b.n);
	cdp_buf_release(&b);
	return text;
}

/* A string, or a list of them. */
static int strings(const json_t *o, const char *key, char ***out, size_t *n,
		   const struct where *w, struct cdp_err *err)
{
	const json_t *v = json_object_get(o, key);
	size_t count = json_is_array(v) ? json_array_size(v) : v != NULL;

	*out = cdp_calloc(count + 1, sizeof(**out));
	for (size_t i = 0; i < count; i++) {
		const json_t *s = json_is_array(v) ? json_array_get(v, i) : v;

		if (!json_is_string(s) || !*json_string_value(s))
			return bad(err, w, key, "expected a string or a list of strings");
		(*out)[i] = cdp_strdup(json_string_value(s));
		*n = i + 1;
	}
	return 0;
}

/* An object, or nothing. */
static int object(const json_t *o, const char *key, const json_t **out,
		  const struct where *w, struct cdp_err *err)
{
	*out = json_object_get(o, key);
	if (*out && !json_is_object(*out))
		return bad(err, w, key, "expected an object");
	return 0;
}

/* --- periods, ranges, values --- */

int plan_when(enum plan_type type, const char *p, size_t n, const struct cdp_zone *zone,
	      int64_t *when, struct cdp_err *err)
{
	if (type == PLAN_DATE)
		return cdp_stamp_date(when, p, n, "%Y-%m-%d", err);
	return cdp_canon_time_text(when, p, n, zone, err);
}

/* An instant, or the beginning of a day. */
static int instant(const json_t *o, const char *key, int64_t *ms,
		   const struct cdp_zone *zone, const struct where *w,
		   struct cdp_err *err)
{
	struct cdp_err why;
	const char *s = NULL;
	int64_t day;

	if (cdp_tree_str(o, key, &s, false, w->s, err) < 0)
		return -1;
	if (!s)
		return 0;
	if (plan_when(PLAN_DATE, s, strlen(s), zone, &day, &why) == 0) {
		*ms = cdp_zone_day_start(zone, day) * 1000;
		return 0;
	}
	if (plan_when(PLAN_TIME, s, strlen(s), zone, ms, &why) == 0)
		return 0;
	return bad(err, w, key, "expected a date or a time, such as '2024-04-25'");
}

static int period(const json_t *o, struct plan_period *p, const struct cdp_zone *zone,
		  const struct where *w, struct cdp_err *err)
{
	*p = (struct plan_period){ INT64_MIN, INT64_MAX };
	if (instant(o, "since", &p->since, zone, w, err) < 0 ||
	    instant(o, "until", &p->until, zone, w, err) < 0)
		return -1;
	return p->since < p->until ? 0 : bad(err, w, "until", "not after 'since'");
}

static bool is_numeric(enum plan_type t)
{
	return t == PLAN_INT || t == PLAN_NUMBER || t == PLAN_DECIMAL;
}

/* The text of a number of the plan: as short as reads back the same. */
static void number_text(const json_t *v, struct cdp_buf *b)
{
	cdp_buf_reset(b);
	if (json_is_integer(v))
		cdp_buf_addi(b, json_integer_value(v));
	else
		cdp_num_add_double(b, json_real_value(v));
}

static int limit(const json_t *o, const char *key, const struct plan_prop *p,
		 struct plan_limit *l, const struct cdp_zone *zone, const struct where *w,
		 struct cdp_err *err)
{
	const json_t *v = json_object_get(o, key);
	struct cdp_err why;
	struct cdp_buf b;

	if (!v)
		return 0;
	if (p->type == PLAN_TIME || p->type == PLAN_DATE) {
		if (!json_is_string(v) ||
		    plan_when(p->type, json_string_value(v), json_string_length(v), zone,
			      &l->when, &why) < 0)
			return bad(err, w, key, "expected a value of the type");
		l->text = cdp_strdup(json_string_value(v));
		l->is = true;
		return 0;
	}
	if (!is_numeric(p->type))
		return bad(err, w, key, "only numbers, times and dates have a range");
	if (!json_is_number(v))
		return bad(err, w, key, "expected a number");
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	number_text(v, &b);
	l->dbl = json_number_value(v);
	l->is = true;
	if (cdp_decimal_parse(&l->dec, b.p, b.n, &why) < 0)
		l->is = false;
	l->text = cdp_strndup(b.p, b.n);
	cdp_buf_release(&b);
	return l->is ? 0 : bad(err, w, key, "too large or too fine a number");
}

static int lengths(const json_t *o, struct plan_prop *p, const struct where *w,
		   struct cdp_err *err)
{
	p->min_length = p->max_length = -1;
	if (cdp_tree_int(o, "min_length", &p->min_length, false, w->s, err) < 0 ||
	    cdp_tree_int(o, "max_length", &p->max_length, false, w->s, err) < 0)
		return -1;
	if ((p->min_length >= 0 || p->max_length >= 0) && p->type != PLAN_STRING &&
	    p->type != PLAN_LIST)
		return bad(err, w, p->min_length >= 0 ? "min_length" : "max_length",
			   "only strings and lists have a length");
	return 0;
}

static int allowed_number(struct plan_prop *p, const json_t *v, struct cdp_buf *b)
{
	struct cdp_err why;

	if (!json_is_number(v))
		return -1;
	number_text(v, b);
	return cdp_decimal_parse(&p->numbers[p->number_count++], b->p, b->n, &why);
}

static int allowed(const json_t *o, struct plan_prop *p, const struct where *w,
		   struct cdp_err *err)
{
	const json_t *list = json_object_get(o, "enum");
	bool numeric = is_numeric(p->type);
	struct cdp_buf b;
	int rc = 0;

	if (!list)
		return 0;
	if (!numeric && p->type != PLAN_STRING && p->type != PLAN_DATE)
		return bad(err, w, "enum", "only of strings, dates and numbers");
	if (!json_is_array(list) || !json_array_size(list))
		return bad(err, w, "enum", "expected a list of values");
	if (numeric)
		p->numbers = cdp_calloc(json_array_size(list), sizeof(*p->numbers));
	else
		p->texts = cdp_intern_new(json_array_size(list));
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (size_t i = 0; i < json_array_size(list) && rc == 0; i++) {
		const json_t *v = json_array_get(list, i);

		if (numeric)
			rc = allowed_number(p, v, &b);
		else if (json_is_string(v))
			cdp_intern_put(p->texts, json_string_value(v),
				       json_string_length(v), NULL);
		else
			rc = -1;
	}
	cdp_buf_release(&b);
	return rc < 0 ? bad(err, w, "enum", "a value that is not of the type") : 0;
}

static int pattern(const json_t *o, struct plan_prop *p, const struct where *w,
		   struct cdp_err *err)
{
	struct where at = below(w, "pattern");

	if (dup_str(o, "pattern", &p->pattern_text, false, w, err) < 0)
		return -1;
	if (!p->pattern_text)
		return 0;
	if (p->type != PLAN_STRING)
		return bad(err, w, "pattern", "only strings have one");
	p->pattern = cdp_regex_new(p->pattern_text, strlen(p->pattern_text), err);
	if (p->pattern)
		return 0;
	cdp_err_prefix(err, "%s", at.s);
	return -1;
}

/* --- properties --- */

static int load_props(struct cdp_plan *plan, struct plan_props *props, const json_t *list,
		      const json_t *common, const struct where *w, struct cdp_err *err);

static int load_below(struct cdp_plan *plan, struct plan_prop *p, const json_t *o,
		      const struct where *w, struct cdp_err *err)
{
	const json_t *list;
	struct where at = below(w, "properties");

	if (object(o, "properties", &list, w, err) < 0)
		return -1;
	if (!list && !json_object_get(o, "additional"))
		return 0;
	if (p->type != PLAN_OBJECT)
		return bad(err, w, list ? "properties" : "additional",
			   "only objects have properties");
	p->below = cdp_calloc(1, sizeof(*p->below));
	p->below->additional = true;
	if (cdp_tree_bool(o, "additional", &p->below->additional, false, w->s, err) < 0)
		return -1;
	return load_props(plan, p->below, list, NULL, &at, err);
}

static int load_prop(struct cdp_plan *plan, struct plan_prop *p, const char *name,
		     const json_t *o, const struct where *w, struct cdp_err *err);

static int load_items(struct cdp_plan *plan, struct plan_prop *p, const json_t *o,
		      const struct where *w, struct cdp_err *err)
{
	struct where at = below(w, "items");
	const json_t *items;

	if (object(o, "items", &items, w, err) < 0)
		return -1;
	if (!items)
		return 0;
	if (p->type != PLAN_LIST)
		return bad(err, w, "items", "only lists have items");
	p->items = cdp_calloc(1, sizeof(*p->items));
	return load_prop(plan, p->items, "items", items, &at, err);
}

static int load_prop(struct cdp_plan *plan, struct plan_prop *p, const char *name,
		     const json_t *o, const struct where *w, struct cdp_err *err)
{
	static const char *const known[] = { "type",       "required",   "enum",
					     "pattern",    "min",        "max",
					     "min_length", "max_length", "since",
					     "until",      "properties", "additional",
					     "items",      "aliases",    "title",
					     "owner",      "note",       NULL };
	const char *type = "any", *text = NULL;
	int t;

	*p = (struct plan_prop){ .name = cdp_strdup(name),
				 .name_n = strlen(name),
				 .quoted = quoted(name),
				 .id = plan->prop_ids++ };
	if (!json_is_object(o))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected an object", w->s);
	if (cdp_tree_known(o, known, w->s, err) < 0 ||
	    cdp_tree_str(o, "type", &type, false, w->s, err) < 0)
		return -1;
	t = one_of(plan_type_names, PLAN_TYPES, "type", type, w, "type", err);
	if (t < 0)
		return -1;
	p->type = (enum plan_type)t;
	if (cdp_tree_bool(o, "required", &p->required, false, w->s, err) < 0 ||
	    cdp_tree_str(o, "title", &text, false, w->s, err) < 0 ||
	    cdp_tree_str(o, "owner", &text, false, w->s, err) < 0 ||
	    cdp_tree_str(o, "note", &text, false, w->s, err) < 0 ||
	    period(o, &p->period, plan->zone, w, err) < 0 ||
	    limit(o, "min", p, &p->min, plan->zone, w, err) < 0 ||
	    limit(o, "max", p, &p->max, plan->zone, w, err) < 0 ||
	    lengths(o, p, w, err) < 0 || allowed(o, p, w, err) < 0 ||
	    pattern(o, p, w, err) < 0 || load_items(plan, p, o, w, err) < 0)
		return -1;
	return load_below(plan, p, o, w, err);
}

/* Names an event or property and its aliases; none may stand for two. */
static int add_names(struct cdp_intern *names, unsigned **alias_of, unsigned i,
		     const char *name, const json_t *o, const struct where *w,
		     struct cdp_err *err)
{
	size_t count = 0;
	char **aliases = NULL;
	bool added = true;
	int rc = strings(o, "aliases", &aliases, &count, w, err);

	for (size_t k = 0; k <= count && rc == 0; k++) {
		const char *s = k ? aliases[k - 1] : name;
		uint32_t id = cdp_intern_put(names, s, strlen(s), &added);

		if (!added) {
			rc = cdp_err_set(err, CDP_ERR_USAGE, "%s: '%s' is taken", w->s,
					 s);
			break;
		}
		*alias_of = cdp_realloc(*alias_of, id + 1, sizeof(**alias_of));
		(*alias_of)[id] = i;
	}
	for (size_t k = 0; k < count; k++)
		free(aliases[k]);
	free(aliases);
	return rc;
}

static int add_prop(struct cdp_plan *plan, struct plan_props *props, const char *name,
		    const json_t *o, const struct where *w, struct cdp_err *err)
{
	struct where at = below(w, name);
	unsigned i = props->n++;

	if (load_prop(plan, &props->v[i], name, o, &at, err) < 0)
		return -1;
	props->required += props->v[i].required;
	return add_names(props->names, &props->alias_of, i, name, o, &at, err);
}

/* Those of the list, then common ones that the list does not have. */
static int load_props(struct cdp_plan *plan, struct plan_props *props, const json_t *list,
		      const json_t *common, const struct where *w, struct cdp_err *err)
{
	static const struct where shared = { "properties" };
	size_t n = json_object_size(list) + json_object_size(common);
	const char *name;
	json_t *o;

	props->v = cdp_calloc(n + 1, sizeof(*props->v));
	props->names = cdp_intern_new(n);
	json_object_foreach((json_t *)list, name, o)
	{
		if (add_prop(plan, props, name, o, w, err) < 0)
			return -1;
	}
	json_object_foreach((json_t *)common, name, o)
	{
		if (json_object_get(list, name))
			continue;
		if (add_prop(plan, props, name, o, &shared, err) < 0)
			return -1;
		props->v[props->n - 1].common = true;
	}
	return 0;
}

/* --- events --- */

static int load_actions(const json_t *o, uint8_t *actions, const struct where *w,
			struct cdp_err *err)
{
	struct where at = below(w, "actions");
	const json_t *list;
	const char *name;
	json_t *v;

	if (object(o, "actions", &list, w, err) < 0)
		return -1;
	json_object_foreach((json_t *)list, name, v)
	{
		int kind = one_of(cdp_violation_names, CDP_VIOLATIONS, "violation", name,
				  w, "actions", err);
		int action;

		if (kind < 0)
			return -1;
		if (!json_is_string(v))
			return bad(err, &at, name, "expected a string");
		action = one_of(action_names, PLAN_ACTIONS, "action",
				json_string_value(v), &at, name, err);
		if (action < 0)
			return -1;
		if (action == PLAN_STRIP && kind != CDP_DATATYPE_MISMATCH &&
		    kind != CDP_INVALID_VALUE && kind != CDP_ADDITIONAL_PROPERTIES)
			return bad(err, &at, name, "there is no property to strip");
		actions[kind] = (uint8_t)action;
	}
	return 0;
}

static int check_scenarios(const struct plan_event *e, const json_t *scenarios,
			   const struct where *w, struct cdp_err *err)
{
	for (size_t i = 0; i < e->scenario_count && scenarios; i++)
		if (!json_object_get(scenarios, e->scenarios[i]))
			return bad(err, w, "scenario", "not among the plan's scenarios");
	return 0;
}

static int load_event(struct cdp_plan *plan, struct plan_event *e, const char *name,
		      const json_t *o, const json_t *root, const struct where *w,
		      struct cdp_err *err)
{
	static const char *const known[] = { "properties", "additional", "aliases",
					     "since",      "until",      "owner",
					     "title",      "scenario",   "actions",
					     "note",       NULL };
	struct where at = below(w, "properties");
	const json_t *props, *common, *scenarios = json_object_get(root, "scenarios");
	const char *text = NULL;
	struct cdp_err why;

	e->name = cdp_strdup(name);
	e->name_n = strlen(name);
	e->quoted = quoted(name);
	if (!json_is_object(o))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected an object", w->s);
	if (cdp_canon_event(name, e->name_n, &why) < 0)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: %s", w->s, why.msg);
	memcpy(e->actions, plan->actions, sizeof(e->actions));
	e->props.additional = true;
	if (cdp_tree_known(o, known, w->s, err) < 0 ||
	    cdp_tree_str(o, "note", &text, false, w->s, err) < 0 ||
	    dup_str(o, "owner", &e->owner, false, w, err) < 0 ||
	    dup_str(o, "title", &e->title, false, w, err) < 0 ||
	    strings(o, "scenario", &e->scenarios, &e->scenario_count, w, err) < 0 ||
	    check_scenarios(e, scenarios, w, err) < 0 ||
	    period(o, &e->period, plan->zone, w, err) < 0 ||
	    load_actions(o, e->actions, w, err) < 0 ||
	    cdp_tree_bool(root, "additional", &e->props.additional, false, "", err) < 0 ||
	    cdp_tree_bool(o, "additional", &e->props.additional, false, w->s, err) < 0 ||
	    object(o, "properties", &props, w, err) < 0 ||
	    object(root, "properties", &common, &(struct where){ "" }, err) < 0)
		return -1;
	return load_props(plan, &e->props, props, common, &at, err);
}

static int load_events(struct cdp_plan *plan, const json_t *root, struct cdp_err *err)
{
	const struct where top = { "" }, events = { "events" };
	const json_t *list;
	const char *name;
	json_t *o;

	if (object(root, "events", &list, &top, err) < 0)
		return -1;
	if (!list)
		return bad(err, &top, "events", "missing");
	plan->events = cdp_calloc(json_object_size(list) + 1, sizeof(*plan->events));
	plan->names = cdp_intern_new(json_object_size(list));
	json_object_foreach((json_t *)list, name, o)
	{
		struct where at = below(&events, name);
		unsigned i = plan->event_count++;

		if (load_event(plan, &plan->events[i], name, o, root, &at, err) < 0 ||
		    add_names(plan->names, &plan->alias_of, i, name, o, &at, err) < 0)
			return -1;
	}
	return 0;
}

static int load_scenarios(struct cdp_plan *plan, const json_t *root, struct cdp_err *err)
{
	const json_t *list;
	const char *name;
	json_t *o;

	if (object(root, "scenarios", &list, &(struct where){ "" }, err) < 0)
		return -1;
	plan->scenarios =
		cdp_calloc(json_object_size(list) + 1, sizeof(*plan->scenarios));
	json_object_foreach((json_t *)list, name, o)
	{
		plan->scenarios[plan->scenario_count++] = cdp_strdup(name);
	}
	return 0;
}

static int load_metrics(struct cdp_plan *plan, const json_t *root, struct cdp_err *err)
{
	static const char *const known[] = { "title", "scenario", "events",
					     "owner", "note",     NULL };
	const struct where top = { "" }, metrics = { "metrics" };
	const json_t *list;
	const char *name;
	json_t *o;

	if (object(root, "metrics", &list, &top, err) < 0)
		return -1;
	plan->metrics = cdp_calloc(json_object_size(list) + 1, sizeof(*plan->metrics));
	json_object_foreach((json_t *)list, name, o)
	{
		struct plan_metric *m = &plan->metrics[plan->metric_count++];
		struct where at = below(&metrics, name);

		m->name = cdp_strdup(name);
		if (!json_is_object(o))
			return bad(err, &metrics, name, "expected an object");
		if (cdp_tree_known(o, known, at.s, err) < 0 ||
		    dup_str(o, "title", &m->title, false, &at, err) < 0 ||
		    dup_str(o, "scenario", &m->scenario, false, &at, err) < 0 ||
		    strings(o, "events", &m->events, &m->event_count, &at, err) < 0)
			return -1;
		if (!m->event_count)
			return bad(err, &at, "events", "missing");
	}
	return 0;
}

static int load_ids(struct cdp_plan *plan, const json_t *root, struct cdp_err *err)
{
	char **kinds = NULL;
	size_t n = 0;
	int rc = strings(root, "ids", &kinds, &n, &(struct where){ "" }, err);

	if (n)
		plan->ids = cdp_intern_new(n);
	for (size_t i = 0; i < n; i++) {
		cdp_intern_put(plan->ids, kinds[i], strlen(kinds[i]), NULL);
		free(kinds[i]);
	}
	free(kinds);
	return rc;
}

static int load_plan(struct cdp_plan *plan, const json_t *root, struct cdp_err *err)
{
	static const char *const known[] = { "plan",       "version",    "title",
					     "note",       "ids",        "actions",
					     "additional", "properties", "scenarios",
					     "metrics",    "events",     NULL };
	const struct where top = { "" };
	const char *text = NULL;

	if (!json_is_object(root))
		return cdp_err_set(err, CDP_ERR_USAGE, "expected an object");
	if (cdp_tree_known(root, known, "", err) < 0 ||
	    dup_str(root, "plan", &plan->name, false, &top, err) < 0 ||
	    dup_str(root, "version", &plan->version, true, &top, err) < 0 ||
	    cdp_tree_str(root, "title", &text, false, "", err) < 0 ||
	    cdp_tree_str(root, "note", &text, false, "", err) < 0 ||
	    load_scenarios(plan, root, err) < 0 || load_ids(plan, root, err) < 0 ||
	    load_actions(root, plan->actions, &top, err) < 0 ||
	    load_events(plan, root, err) < 0)
		return -1;
	plan->label = plan->name ? cdp_asprintf("%s %s", plan->name, plan->version)
				 : cdp_strdup(plan->version);
	return load_metrics(plan, root, err);
}

/* Takes `root`, which may be NULL. */
static struct cdp_plan *take(json_t *root, const char *name, const struct cdp_zone *zone,
			     struct cdp_err *err)
{
	struct cdp_plan *plan;

	if (!root)
		return NULL;
	plan = cdp_calloc(1, sizeof(*plan));
	plan->zone = zone;
	if (load_plan(plan, root, err) < 0) {
		cdp_err_prefix(err, "%s", name);
		cdp_plan_free(plan);
		plan = NULL;
	}
	json_decref(root);
	return plan;
}

struct cdp_plan *cdp_plan_load(const char *path, const struct cdp_zone *zone,
			       struct cdp_err *err)
{
	return take(cdp_tree_load(path, err), path, zone, err);
}

struct cdp_plan *cdp_plan_parse(const char *text, size_t n, const char *name,
				const struct cdp_zone *zone, struct cdp_err *err)
{
	return take(cdp_tree_parse(text, n, name, err), name, zone, err);
}
