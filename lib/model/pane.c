#include "model/pane.h"

#include <stdlib.h>

/* An end of a window that is not the start of a day of the run's zone. */
struct cut {
	const struct cdp_agg *agg;
	bool to;
};

struct cdp_panes {
	const struct cdp_zone *zone;
	struct cut *cuts; /* one of each kind */
	size_t n, cap;
	int64_t oldest;
};

/* Days of its zone, or 0. */
static int64_t cut_days(const struct cut *c)
{
	if (!c->agg->window_zone)
		return 0;
	return c->to ? c->agg->until_days : c->agg->within_days;
}

static bool same_cut(const struct cut *a, const struct cut *b)
{
	int64_t days = cut_days(a);

	if (days != cut_days(b))
		return false;
	return days ? a->agg->window_zone == b->agg->window_zone
		    : a->agg->within_ns == b->agg->within_ns;
}

static void add_cut(struct cdp_panes *p, struct cut c)
{
	size_t k = 0;

	while (k < p->n && !same_cut(&p->cuts[k], &c))
		k++;
	if (k < p->n)
		return;
	CDP_GROW(p->cuts, p->n, p->cap);
	p->cuts[p->n++] = c;
}

struct cdp_panes *cdp_panes_new(const struct cdp_aggs *aggs, const struct cdp_zone *zone)
{
	struct cdp_panes *p = cdp_calloc(1, sizeof(*p));

	p->zone = zone;
	p->oldest = INT64_MIN;
	for (unsigned i = 0; i < cdp_aggs_count(aggs); i++) {
		const struct cdp_agg *a = cdp_aggs_at(aggs, i);

		if (a->within_ns || a->window_zone)
			add_cut(p, (struct cut){ a, false });
		if (a->window_zone && a->until_days)
			add_cut(p, (struct cut){ a, true });
	}
	return p;
}

void cdp_panes_free(struct cdp_panes *p)
{
	if (!p)
		return;
	free(p->cuts);
	free(p);
}

void cdp_panes_set_oldest(struct cdp_panes *p, int64_t ms)
{
	p->oldest = ms;
}

int64_t cdp_panes_oldest(const struct cdp_panes *p)
{
	return p->oldest;
}

static int64_t floor_s(int64_t ms)
{
	return ms / 1000 - (ms % 1000 < 0);
}

/* Where the window is cut if the base time is the start of the day. */
static int64_t cut_at(const struct cdp_panes *p, const struct cut *c, int64_t day)
{
	struct cdp_run run = { .zone = p->zone };
	int64_t from, to;

	run.as_of.s = cdp_zone_day_start(p->zone, day);
	if (!c)
		return run.as_of.s * 1000;
	cdp_agg_window(c->agg, &run, &from, &to);
	return c->to ? to : from;
}

/* The last cut up to ms, and the one after it, narrow the pane.  Days that were skipped
 * or came twice are why the first guess is not the last. */
static void narrow(const struct cdp_panes *p, const struct cut *c, int64_t day,
		   struct cdp_pane *pane, int64_t ms)
{
	int64_t at;

	while ((at = cut_at(p, c, day)) > ms)
		day--;
	if (at > pane->from)
		pane->from = at;
	for (;;) {
		at = cut_at(p, c, ++day);
		if (at > ms)
			break;
		if (at > pane->from)
			pane->from = at;
	}
	if (at < pane->to)
		pane->to = at;
}

void cdp_pane_seek(const struct cdp_panes *p, struct cdp_pane *pane, int64_t ms)
{
	int64_t day = cdp_zone_day(p->zone, floor_s(ms));

	if (ms < p->oldest) {
		pane->from = INT64_MIN;
		pane->to = p->oldest;
		return;
	}
	pane->from = INT64_MIN;
	pane->to = INT64_MAX;
	narrow(p, NULL, day, pane, ms);
	for (size_t i = 0; i < p->n; i++) {
		const struct cut *c = &p->cuts[i];
		int64_t at = ms + c->agg->within_ns / 1000000 + cut_days(c) * 86400000;

		narrow(p, c, cdp_zone_day(p->zone, floor_s(at)), pane, ms);
	}
}
