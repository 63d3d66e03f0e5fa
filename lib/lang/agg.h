/* Aggregates over one customer's events: count, sum, avg, min, max, first, last,
 * distinct, top, days, sequence, values, top_n, top_by_sum, top_by_max; each with an
 * optional condition and, by within(), a window before the base time.
 *
 * The compiler collects them in a set (equal ones once); a tool keeps one state for each
 * customer and aggregate, feeds events in any order and asks for results.  Results do not
 * depend on the order of events nor on how partial states were merged: ties of first/last
 * on time are decided by event_id bytes, then by the value's text (those of first(time)
 * and last(time) by the time below a millisecond alone); sums of record numbers are exact
 * decimals. */
#ifndef CDP_LANG_AGG_H
#define CDP_LANG_AGG_H

#include "base/mem.h"
#include "lang/brief.h"
#include "lang/expr.h"

enum cdp_agg_kind {
	CDP_AGG_COUNT,
	CDP_AGG_SUM,
	CDP_AGG_AVG,
	CDP_AGG_MIN, /* of numbers, strings, bools, timestamps, durations: in this order
			where kinds mix; of equal ones the smaller text */
	CDP_AGG_MAX,
	CDP_AGG_FIRST,
	CDP_AGG_LAST,
	CDP_AGG_DISTINCT, /* number of different values, null left out; 5 and 5.0 are one
			   */
	CDP_AGG_TOP,  /* the most frequent value, null left out; ties: the smaller text */
	CDP_AGG_DAYS, /* civil days (run zone) with such an event */
	/* sequence(['a', 'b', props.n > 1], '7d'): true if there were such events in this
	 * order, the last at most that long (exactly) after the first.  A step is an
	 * event name or a condition; one event is one step; of events at the same time
	 * the one of an earlier step comes first.  Without a window any time may pass. */
	CDP_AGG_SEQUENCE,
	/* Lists of values, null left out, 5 and 5.0 one.  `least`, a number before the
	 * condition, leaves out those that occurred less often; default 1. */
	CDP_AGG_VALUES, /* values(x, least, c): all different ones; numbers by size, then
			   the others by kind and text */
	CDP_AGG_TOP_N,  /* top_n(x, n, least, c): the n most frequent, those first; ties:
			   the smaller text */
	CDP_AGG_TOP_BY_SUM, /* top_by_sum(x, y, n, least, c): the n values of x with the
			       largest sum of the number y, exact */
	CDP_AGG_TOP_BY_MAX, /* the same with the largest y */
};

struct cdp_agg {
	enum cdp_agg_kind kind;
	struct cdp_expr *arg;  /* NULL for count, days, sequence */
	struct cdp_expr *by;   /* top_by_sum, top_by_max: y */
	struct cdp_expr *cond; /* NULL: every event; without the within() part */
	/* Conditions of one set that read alike have one number, from 1; 0: none. */
	unsigned test;
	bool by_event; /* the names of cdp_agg_events() are all of the condition */
	struct cdp_brief brief; /* of cond */
	int64_t from_ms,
		to_ms;    /* window [from, to) in epoch ms, resolved by cdp_aggs_bind */
	const char *text; /* canonical text, the key for sharing */
	/* within(): whole civil days, or else an exact time; both 0: none.  until_days:
	 * the window ends where one of so many days begins; 0: at the base time. */
	int64_t within_days, within_ns, until_days;
	/* Of the days of within() and of days(); NULL: the run's. */
	const struct cdp_zone *window_zone, *days_zone;
	struct cdp_expr **steps; /* sequence */
	unsigned step_count;
	int64_t span_ms;
	uint32_t limit, least; /* of lists of values */
	int id_slot;           /* first, last: the event_id; else -1 */
	int arg_slot;          /* the member that arg is; -1: no member, or a time */
	bool of_time;          /* first(time), last(time) */
};

struct cdp_aggs *cdp_aggs_new(void);
void cdp_aggs_free(struct cdp_aggs *a);
unsigned cdp_aggs_count(const struct cdp_aggs *a);
const struct cdp_agg *cdp_aggs_at(const struct cdp_aggs *a, unsigned i);
/* Resolve windows against the base time and zone: within('30d') is the 30 civil days up
 * to and including the last complete day before the day of as_of when as_of is a
 * midnight, else including today up to as_of (semantics 2.0 rule 2).  Weeks are 7 days;
 * other units are exact: within('24h') is from as_of - 24h.  within('60d', '30d') are the
 * 30 days before those of within('30d').  No aggregate sees events at
 * or after as_of, so that an old base time gives its old result. */
int cdp_aggs_bind(struct cdp_aggs *a, const struct cdp_run *run, struct cdp_err *err);
/* The window [from, to) for this run alone, in epoch ms; from INT64_MIN: all before. */
void cdp_agg_window(const struct cdp_agg *a, const struct cdp_run *run, int64_t *from_ms,
		    int64_t *to_ms);
/* Windows bound before are as wide as time: for partials of pieces of time, of which
 * those in the window are merged later. */
void cdp_aggs_open(struct cdp_aggs *a);
/* NULL if events counted on one day count the same on any later; else why not: for an
 * error message. */
const char *cdp_agg_fickle(const struct cdp_agg *a);
/* Events count by what entity tables say of them when they are read. */
bool cdp_agg_asks_entities(const struct cdp_agg *a);
/* The head of a record (record/head.h) is all it reads of an event. */
bool cdp_agg_head_only(const struct cdp_agg *a);
/* Event names that an event must have to count; 0: any (cdp_expr_events of cond). */
const char *const *cdp_agg_events(const struct cdp_agg *a, size_t *count);

/* State: cdp_agg_size() zeroed bytes, 8-aligned, relocatable by memcpy; overflow data
 * (distinct sets, texts) is held in heap memory released by cdp_agg_release. */
size_t cdp_agg_size(const struct cdp_agg *a);
void cdp_agg_release(const struct cdp_agg *a, void *state);
/* False if no state of this aggregate ever needs to be released. */
bool cdp_agg_uses_heap(const struct cdp_agg *a);
/* Bytes on the heap, for memory bounds. */
size_t cdp_agg_memory(const struct cdp_agg *a, const void *state);
/* Feed one event: tests window and condition, evaluates the argument.  1 counted, 0 not,
 * -1 evaluation error (event skipped; the caller counts).  `time_ms` is the event's time.
 * A sum that leaves the range of decimals is such an error, and its result null from
 * then on.  err may be NULL: nobody asks why. */
int cdp_agg_add(const struct cdp_agg *a, void *state, struct cdp_eval *ev,
		struct cdp_rec *rec, int64_t time_ms, struct cdp_err *err);
/* Whether an event with one of the names of cdp_agg_events() meets the condition, which
 * there is: 1, 0, -1 evaluation error. */
int cdp_agg_meets(const struct cdp_agg *a, struct cdp_eval *ev, struct cdp_rec *rec);
/* The same as cdp_agg_add() of an event within the window that meets the condition. */
int cdp_agg_take(const struct cdp_agg *a, void *state, struct cdp_eval *ev,
		 struct cdp_rec *rec, int64_t time_ms, struct cdp_err *err);
void cdp_agg_merge(const struct cdp_agg *a, void *into,
		   void *from); /* from is consumed */
/* The value (borrowed from state and ev); an aggregate over no events: count, sum,
 * distinct, days are 0, sequence is false, lists are empty, the others null. */
void cdp_agg_result(const struct cdp_agg *a, const void *state, struct cdp_eval *ev,
		    struct cdp_value *out);
/* The result as cdp_value_json() writes it, straight from the state: 1; or 0, nothing is
 * written: it is null, or some other value than most are of that kind. */
int cdp_agg_json(const struct cdp_agg *a, const void *state, struct cdp_buf *out);
/* A partial as bytes, the same for equal states; and merged into a state (-1: a data
 * error, the state is then worth nothing). */
void cdp_agg_write(const struct cdp_agg *a, const void *state, struct cdp_buf *b);
int cdp_agg_read(const struct cdp_agg *a, void *state, const char *p, size_t n,
		 struct cdp_err *err);

#endif
