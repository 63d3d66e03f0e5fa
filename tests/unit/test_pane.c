/* Panes: whatever day the base time begins, a window is a run of whole panes. */
#include "model/pane.h"

#include "base/rand.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static const char *const zones[] = {
	"UTC",          "Asia/Shanghai", "America/New_York",
	"Pacific/Apia", "Africa/Cairo",  "America/Sao_Paulo"
};
static const char *const windows[] = {
	"'3d'",
	"'1w'",
	"'24h'",
	"'36h'",
	"'90m'",
	"'25h'",
	"'3d', 'America/New_York'",
	"'5d', '2d', 'Pacific/Apia'",
	"'1d', 'Africa/Cairo'",
	"'2d', '+05:30'",
};

static void compile(struct cdp_aggs *aggs, struct cdp_paths *paths)
{
	struct cdp_env events = { .paths = paths, .members = cdp_event_members };
	struct cdp_env env = { .aggs = aggs,
			       .event_env = &events,
			       .roots = (const char *const[]){ "tags", NULL } };

	for (size_t i = 0; i < sizeof(windows) / sizeof(*windows); i++) {
		char *text = cdp_asprintf("count(within(%s))", windows[i]);
		struct cdp_expr *e;
		struct cdp_err err;

		ok(cdp_expr_compile(&e, text, strlen(text), &env, &err) == 0, "%s", text);
		cdp_expr_free(e);
		free(text);
	}
}

/* An instant and its pane are on the same side of the window of every base time. */
static int parted(const struct cdp_aggs *aggs, const struct cdp_zone *zone, int64_t ms,
		  int64_t pane)
{
	struct cdp_run run = { .zone = zone };
	int64_t day = cdp_zone_day(zone, ms / 1000);
	int n = 0;

	for (int64_t d = day - 2; d <= day + 9; d++) {
		run.as_of.s = cdp_zone_day_start(zone, d);
		n += (ms < run.as_of.s * 1000) != (pane < run.as_of.s * 1000);
		for (unsigned i = 0; i < cdp_aggs_count(aggs); i++) {
			int64_t from, to;

			cdp_agg_window(cdp_aggs_at(aggs, i), &run, &from, &to);
			n += (ms < from) != (pane < from);
			n += (ms < to) != (pane < to);
		}
	}
	return n;
}

static void check_zone(const struct cdp_aggs *aggs, const char *name, struct cdp_rand *r)
{
	/* leap day; clocks change in New York, Cairo; a day without one in Apia */
	static const int64_t around[] = { 1709164800, 1710054000, 1730613600, 1682632800,
					  1325203200, 951782400,  515520000 };
	struct cdp_err err;
	struct cdp_zone *zone = cdp_zone_load(name, &err);
	struct cdp_panes *panes = cdp_panes_new(aggs, zone);
	struct cdp_pane at = { 0, 0 };
	int bad = 0, outside = 0;

	for (int i = 0; i < 4000; i++) {
		int64_t ms = around[cdp_rand_below(r, 7)] * 1000 - 4 * 86400000LL +
			     (int64_t)cdp_rand_below(r, 8 * 86400000U),
			pane;

		if (i % 3 == 0)
			ms -= ms % 3600000 - (i % 2); /* on the hour, and just before */
		pane = cdp_pane_of(panes, &at, ms);
		outside += pane > ms || at.to <= ms;
		bad += parted(aggs, zone, ms, pane);
	}
	is_int(outside, 0, "%s: a pane holds its instants", name);
	is_int(bad, 0, "%s: no window parts a pane", name);
	cdp_panes_free(panes);
	cdp_zone_free(zone);
}

static void check_oldest(const struct cdp_aggs *aggs)
{
	struct cdp_err err;
	struct cdp_zone *zone = cdp_zone_load("UTC", &err);
	struct cdp_panes *panes = cdp_panes_new(aggs, zone);
	struct cdp_pane at = { 0, 0 };

	cdp_panes_set_oldest(panes, 1709251200000);
	ok(cdp_pane_of(panes, &at, 1709251199999) == INT64_MIN,
	   "what is old is one pane");
	ok(cdp_pane_of(panes, &at, 0) == INT64_MIN, "however old");
	ok(cdp_pane_of(panes, &at, 1709251200000) == 1709251200000,
	   "what is not has its own");
	cdp_panes_free(panes);
	cdp_zone_free(zone);
}

int main(void)
{
	struct cdp_aggs *aggs = cdp_aggs_new();
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_rand r;

	cdp_rand_seed(&r, 7, 0);
	compile(aggs, paths);
	for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++)
		check_zone(aggs, zones[i], &r);
	check_oldest(aggs);
	cdp_aggs_free(aggs);
	cdp_paths_free(paths);
	return tap_done();
}
