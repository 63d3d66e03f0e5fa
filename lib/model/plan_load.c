/* Reading a plan. */
#include "base/mem.h"
#include "format/canon.h"
#include "model/plan_tree.h"

#include <stdlib.h>
#include <string.h>

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

static int load_actions(const json_t *o, uint8_t *actions, const struct plan_where *w,
			struct cdp_err *err)
{
	struct plan_where at = plan_below(w, "actions");
	const json_t *list;
	const char *name;
	json_t *v;

	if (plan_object(o, "actions", &list, w, err) < 0)
		return -1;
	json_object_foreach((json_t *)list, name, v)
	{
		int kind = plan_one_of(cdp_violation_names, CDP_VIOLATIONS, "violation",
				       name, w, "actions", err);
		int action;

		if (kind < 0)
			return -1;
		if (!json_is_string(v))
			return plan_bad(err, &at, name, "expected a string");
		action = plan_one_of(action_names, PLAN_ACTIONS, "action",
				     json_string_value(v), &at, name, err);
		if (action < 0)
			return -1;
		if (action == PLAN_STRIP && kind != CDP_DATATYPE_MISMATCH &&
		    kind != CDP_INVALID_VALUE && kind != CDP_ADDITIONAL_PROPERTIES)
			return plan_bad(err, &at, name, "there is no property to strip");
		actions[kind] = (uint8_t)action;
	}
	return 0;
}

static int check_scenarios(const struct plan_event *e, const json_t *scenarios,
			   const struct plan_where *w, struct cdp_err *err)
{
	for (size_t i = 0; i < e->scenario_count && scenarios; i++)
		if (!json_object_get(scenarios, e->scenarios[i]))
			return plan_bad(err, w, "scenario",
					"not among the plan's scenarios");
	return 0;
}

static int load_event(struct cdp_plan *plan, struct plan_event *e, const char *name,
		      const json_t *o, const json_t *root, const struct plan_where *w,
		      struct cdp_err *err)
{
	static const char *const known[] = { "properties", "additional", "aliases",
					     "since",      "until",      "owner",
					     "title",      "scenario",   "actions",
					     "note",       NULL };
	struct plan_where at = plan_below(w, "properties");
	const json_t *props, *common, *scenarios = json_object_get(root, "scenarios");
	const char *text = NULL;
	struct cdp_err why;

	e->name = cdp_strdup(name);
	e->name_n = strlen(name);
	e->quoted = plan_quoted(name);
	if (!json_is_object(o))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected an object", w->s);
	if (cdp_canon_event(name, e->name_n, &why) < 0)
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: %s", w->s, why.msg);
	memcpy(e->actions, plan->actions, sizeof(e->actions));
	e->props.additional = true;
	if (cdp_tree_known(o, known, w->s, err) < 0 ||
	    cdp_tree_str(o, "note", &text, false, w->s, err) < 0 ||
	    plan_dup_str(o, "owner", &e->owner, false, w, err) < 0 ||
	    plan_dup_str(o, "title", &e->title, false, w, err) < 0 ||
	    plan_strings(o, "scenario", &e->scenarios, &e->scenario_count, w, err) < 0 ||
	    check_scenarios(e, scenarios, w, err) < 0 ||
	    plan_load_period(o, &e->period, plan->zone, w, err) < 0 ||
	    load_actions(o, e->actions, w, err) < 0 ||
	    cdp_tree_bool(root, "additional", &e->props.additional, false, "", err) < 0 ||
	    cdp_tree_bool(o, "additional", &e->props.additional, false, w->s, err) < 0 ||
	    plan_object(o, "properties", &props, w, err) < 0 ||
	    plan_object(root, "properties", &common, &(struct plan_where){ "" }, err) < 0)
		return -1;
	return plan_load_props(plan, &e->props, props, common, &at, err);
}

static int load_events(struct cdp_plan *plan, const json_t *root, struct cdp_err *err)
{
	const struct plan_where top = { "" }, events = { "events" };
	const json_t *list;
	const char *name;
	json_t *o;

	if (plan_object(root, "events", &list, &top, err) < 0)
		return -1;
	if (!list)
		return plan_bad(err, &top, "events", "missing");
	plan->events = cdp_calloc(json_object_size(list) + 1, sizeof(*plan->events));
	plan->names = cdp_intern_new(json_object_size(list));
	json_object_foreach((json_t *)list, name, o)
	{
		struct plan_where at = plan_below(&events, name);
		unsigned i = plan->event_count++;

		if (load_event(plan, &plan->events[i], name, o, root, &at, err) < 0 ||
		    plan_add_names(plan->names, &plan->alias_of, i, name, o, &at, err) <
			    0)
			return -1;
	}
	return 0;
}

static int load_scenarios(struct cdp_plan *plan, const json_t *root, struct cdp_err *err)
{
	const json_t *list;
	const char *name;
	json_t *o;

	if (plan_object(root, "scenarios", &list, &(struct plan_where){ "" }, err) < 0)
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
	const struct plan_where top = { "" }, metrics = { "metrics" };
	const json_t *list;
	const char *name;
	json_t *o;

	if (plan_object(root, "metrics", &list, &top, err) < 0)
		return -1;
	plan->metrics = cdp_calloc(json_object_size(list) + 1, sizeof(*plan->metrics));
	json_object_foreach((json_t *)list, name, o)
	{
		struct plan_metric *m = &plan->metrics[plan->metric_count++];
		struct plan_where at = plan_below(&metrics, name);

		m->name = cdp_strdup(name);
		if (!json_is_object(o))
			return plan_bad(err, &metrics, name, "expected an object");
		if (cdp_tree_known(o, known, at.s, err) < 0 ||
		    plan_dup_str(o, "title", &m->title, false, &at, err) < 0 ||
		    plan_dup_str(o, "scenario", &m->scenario, false, &at, err) < 0 ||
		    plan_strings(o, "events", &m->events, &m->event_count, &at, err) < 0)
			return -1;
		if (!m->event_count)
			return plan_bad(err, &at, "events", "missing");
	}
	return 0;
}

static int load_ids(struct cdp_plan *plan, const json_t *root, struct cdp_err *err)
{
	char **kinds = NULL;
	size_t n = 0;
	int rc = plan_strings(root, "ids", &kinds, &n, &(struct plan_where){ "" }, err);

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
	const struct plan_where top = { "" };
	const char *text = NULL;

	if (!json_is_object(root))
		return cdp_err_set(err, CDP_ERR_USAGE, "expected an object");
	if (cdp_tree_known(root, known, "", err) < 0 ||
	    plan_dup_str(root, "plan", &plan->name, false, &top, err) < 0 ||
	    plan_dup_str(root, "version", &plan->version, true, &top, err) < 0 ||
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
