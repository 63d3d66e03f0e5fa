/* Aggregates over one customer's events: count, sum, avg, min, max, first, last,
 * distinct, top, days; each with an optional condition and, by within(), a window before
 * the base time.
 *
 * The compiler collects them in a set (equal ones once); a tool keeps one state for each
 * customer and aggregate, feeds events in any order and asks for results.  Results do not
 * depend on the order of events nor on how partial states were merged: ties of first/last
 * on time are decided by event_id bytes, then by the value's text; sums of record numbers
 * are exact decimals. */
#ifndef CDP_LANG_AGG_H
#define CDP_LANG_AGG_H

#include "base/mem.h"
#include "lang/expr.h"

enum cdp_agg_kind {
	CDP_AGG_COUNT,
	CDP_AGG_SUM,
	CDP_AGG_AVG,
	CDP_AGG_MIN,
	CDP_AGG_MAX,
	CDP_AGG_FIRST,
	CDP_AGG_LAST,
	CDP_AGG_DISTINCT, /* number of different values */
	CDP_AGG_TOP,      /* the most frequent value; ties: the smaller text */
	CDP_AGG_DAYS,     /* civil days (run zone) with such an event */
};

struct cdp_agg {
	enum cdp_agg_kind kind;
	struct cdp_expr *arg;  /* NULL for count, days */
	struct cdp_expr *cond; /* NULL: every event; without the within() part */
	int64_t from_ms,
		to_ms;    /* window [from, to) in epoch ms, resolved by cdp_aggs_bind */
	const char *text; /* canonical text, the key for sharing */
};

struct cdp_aggs *cdp_aggs_new(void);
void cdp_aggs_free(struct cdp_aggs *a);
unsigned cdp_aggs_count(const struct cdp_aggs *a);
const struct cdp_agg *cdp_aggs_at(const struct cdp_aggs *a, unsigned i);
/* Resolve windows against the base time and zone: within('30d') is the 30 civil days up
 * to and including the last complete day before the day of as_of when as_of is a
 * midnight, else including today up to as_of (semantics 2.0 rule 2). */
int cdp_aggs_bind(struct cdp_aggs *a, const struct cdp_run *run, struct cdp_err *err);

/* State: cdp_agg_size() zeroed bytes, 8-aligned, relocatable by memcpy; overflow data
 * (distinct sets, texts) is held in `arena`-independent heap memory released by
 * cdp_agg_release. */
size_t cdp_agg_size(const struct cdp_agg *a);
void cdp_agg_release(const struct cdp_agg *a, void *state);
/* Feed one event: tests window and condition, evaluates the argument.  1 counted, 0 not,
 * -1 evaluation error (event skipped; the caller counts).  `time_ms` is the event's time.
 */
int cdp_agg_add(const struct cdp_agg *a, void *state, struct cdp_eval *ev,
		struct cdp_rec *rec, int64_t time_ms, struct cdp_err *err);
void cdp_agg_merge(const struct cdp_agg *a, void *into,
		   void *from); /* from is consumed */
/* The value (borrowed from state and ev); an aggregate over no events: count, sum,
 * distinct, days are 0, the others null. */
void cdp_agg_result(const struct cdp_agg *a, const void *state, struct cdp_eval *ev,
		    struct cdp_value *out);

#endif
