/* Pieces of time that no window of an aggregate cuts, whatever day the base time begins.
 *
 * A pane begins where a civil day of the run's zone does, and where an exact window
 * (within('36h')), or one by days of another zone, begins or ends at some base time.  So
 * a window before a base time, which is the start of a civil day, is a run of whole
 * panes, and what is known of each pane (partials of aggregates) gives the result of any
 * base time without its events. */
#ifndef CDP_MODEL_PANE_H
#define CDP_MODEL_PANE_H

#include "base/zone.h"
#include "lang/agg.h"

struct cdp_panes;

/* For these aggregates; both are borrowed. */
struct cdp_panes *cdp_panes_new(const struct cdp_aggs *aggs, const struct cdp_zone *zone);
void cdp_panes_free(struct cdp_panes *p);

/* Nothing parts what is older than this (at first: everything is parted): one pane from
 * INT64_MIN on. */
void cdp_panes_set_oldest(struct cdp_panes *p, int64_t ms);
int64_t cdp_panes_oldest(const struct cdp_panes *p);

/* [from, to) in epoch milliseconds; start from { 0 }. */
struct cdp_pane {
	int64_t from, to;
};
/* Makes *pane the one that holds ms; quick while it is the same. */
void cdp_pane_seek(const struct cdp_panes *p, struct cdp_pane *pane, int64_t ms);
static inline int64_t cdp_pane_of(const struct cdp_panes *p, struct cdp_pane *pane,
				  int64_t ms)
{
	if (ms < pane->from || ms >= pane->to)
		cdp_pane_seek(p, pane, ms);
	return pane->from;
}

#endif
