#include "model/pane.h"

#include <stdlib.h>

struct cdp_panes {
	const struct cdp_zone *zone;
	const struct cdp_agg **exact; /* one of each length */
	size_t n, cap;
	int64_t oldest;
};

struct cdp_panes *cdp_panes_new(const struct cdp_aggs *aggs, const struct cdp_zone *zone)
{
	struct cdp_panes *p = cdp_calloc(1, sizeof(*p));

	p->zone = zone;
	p->oldest = INT64_MIN;
	for (unsigned i = 0; i < cdp_aggs_count(aggs); i++) {
		const struct cdp_agg *a = cdp_aggs_at(aggs, i);
		size_t k = 0;

		while (k < p->n && p->exact[k]->within_ns != a->within_ns)
			k++;
		if (!a->within_ns || k < p->n)
			continue;
		CDP_GROW(p->exact, p->n, p->cap);
		p->exact[p->n++] = a;
	}
	return p;
}

void cdp_panes_free(struct cdp_panes *p)
{
	if (!p)
		return;
	free(p->exact);
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

/* Where the window begins if the base time is the start of the day. */
static int64_t cut(const struct cdp_panes *p, const struct cdp_agg *a, int64_t day)
{
	struct cdp_run run = { .zone = p->zone };
	int64_t from, to;

	run.as_of.s = cdp_zone_day_start(p->zone, day);
	if (!a)
		return run.as_of.s * 1000;
	cdp_agg_window(a, &run, &from, &to);
	return from;
}

/* The last cut up to ms, and the one after it, narrow the pane.  Days that were skipped
 * or came twice are why the first guess is not the last. */
static void narrow(const struct cdp_panes *p, const struct cdp_agg *a, int64_t day,
		   struct cdp_pane *pane, int64_t ms)
{
	int64_t at;

	while ((at = cut(p, a, day)) > ms)
		day--;
	if (at > pane->from)
		pane->from = at;
	for (;;) {
		at = cut(p, a, ++day);
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
		int64_t at = ms + p->exact[i]->within_ns / 1000000;

		narrow(p, p->exact[i], cdp_zone_day(p->zone, floor_s(at)), pane, ms);
	}
}
