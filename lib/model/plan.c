#include "base/mem.h"
#include "model/plan_priv.h"

#include <stdlib.h>
#include <string.h>

static void free_props(struct plan_props *props);

static void free_prop(struct plan_prop *p)
{
	free(p->name);
	free(p->quoted);
	free(p->pattern_text);
	cdp_regex_free(p->pattern);
	free(p->min.text);
	free(p->max.text);
	cdp_intern_free(p->texts);
	free(p->numbers);
	if (p->below)
		free_props(p->below);
	free(p->below);
	if (p->items)
		free_prop(p->items);
	free(p->items);
}

static void free_props(struct plan_props *props)
{
	for (unsigned i = 0; i < props->n; i++)
		free_prop(&props->v[i]);
	free(props->v);
	free(props->alias_of);
	cdp_intern_free(props->names);
}

static void free_event(struct plan_event *e)
{
	free(e->name);
	free(e->quoted);
	free(e->owner);
	free(e->title);
	for (size_t i = 0; i < e->scenario_count; i++)
		free(e->scenarios[i]);
	free(e->scenarios);
	free_props(&e->props);
}

static void free_metric(struct plan_metric *m)
{
	free(m->name);
	free(m->scenario);
	free(m->title);
	for (size_t i = 0; i < m->event_count; i++)
		free(m->events[i]);
	free(m->events);
}

void cdp_plan_free(struct cdp_plan *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->event_count; i++)
		free_event(&p->events[i]);
	for (unsigned i = 0; i < p->metric_count; i++)
		free_metric(&p->metrics[i]);
	for (unsigned i = 0; i < p->scenario_count; i++)
		free(p->scenarios[i]);
	free(p->scenarios);
	free(p->events);
	free(p->metrics);
	free(p->alias_of);
	cdp_intern_free(p->names);
	cdp_intern_free(p->ids);
	free(p->name);
	free(p->version);
	free(p->label);
	free(p);
}

const char *cdp_plan_title(const struct cdp_plan *p)
{
	return p->label;
}

void cdp_plan_paths(struct cdp_plan *p, struct cdp_paths *paths)
{
	static const char *const names[] = { "ids", "props", "violations" };
	int *const slots[] = { &p->s_ids, &p->s_props, &p->s_violations };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t n = strlen(names[i]);

		*slots[i] = cdp_paths_add_keys(paths, &names[i], &n, 1);
	}
}
