/* The states of aggregates, for lib/lang alone. */
#ifndef CDP_LANG_AGGSTATE_H
#define CDP_LANG_AGGSTATE_H

#include "base/decimal.h"
#include "lang/agg.h"
#include "lang/held.h"

/* min, max, first, last: the value and what decides ties, in place up to the end of the
 * state: a number, or the id of an event and a short text. */
struct cdp_kept {
	int64_t time_ms;  /* first, last */
	uint32_t id_n, n; /* event_id, then the value's text */
	char tag;         /* enum cdp_held; 0: nothing yet */
	bool far;         /* text is on the heap */
	union {
		char near[14]; /* and more, by the kind of aggregate */
		struct {
			char gap[2];
			uint32_t cap;
			char *heap;
		} __attribute__((packed));
	};
};
enum { CDP_KEPT_VALUE = 40, CDP_KEPT_EVENT = 64 }; /* bytes of the state */

/* first(time), last(time). */
struct cdp_instant {
	int64_t s;
	int32_t ns;
	int32_t known; /* 0: nothing yet */
};

/* sum, avg.  Two halves, because states are aligned to 8 bytes alone. */
struct cdp_total {
	uint64_t low;
	int64_t high;
	uint64_t scale : 8;
	uint64_t failed : 8; /* left the range of decimals */
	uint64_t count : 48; /* avg */
};

const char *cdp_kept_text(const struct cdp_kept *k); /* event_id, then the value */
size_t cdp_kept_size(const struct cdp_agg *a);
/* An event's value: as cdp_agg_take(). */
int cdp_kept_add(const struct cdp_agg *a, struct cdp_kept *k, struct cdp_eval *ev,
		 struct cdp_rec *rec, int64_t time_ms, const struct cdp_value *v,
		 struct cdp_err *err);
void cdp_kept_merge(const struct cdp_agg *a, struct cdp_kept *into,
		    const struct cdp_kept *from);
/* A candidate for it: kept if it is better than what is there. */
void cdp_kept_offer(const struct cdp_agg *a, struct cdp_kept *k, int64_t time_ms,
		    const char *id, size_t id_n, char tag, const char *p, size_t n);
void cdp_instant_offer(const struct cdp_agg *a, struct cdp_instant *k, struct cdp_time t);
/* False if the sum has left the range of decimals, now or before. */
bool cdp_total_add(struct cdp_total *t, struct cdp_decimal x, uint64_t count);
struct cdp_decimal cdp_total_get(const struct cdp_total *t);
void cdp_total_set(struct cdp_total *t, struct cdp_decimal d);
/* days: a set of day numbers in eight bytes, 0 at first, and some memory if they are far
 * apart; asked for in ascending order. */
void cdp_days_add(uint64_t *days, int32_t day);
uint32_t cdp_days_count(const uint64_t *days);
int32_t cdp_days_at(const uint64_t *days, uint32_t i);
size_t cdp_days_memory(const uint64_t *days);
void cdp_days_release(uint64_t *days);
/* A value as an exact decimal; -1: an evaluation error, err may be NULL. */
int cdp_agg_decimal(const struct cdp_agg *a, struct cdp_buf *tmp,
		    const struct cdp_value *v, struct cdp_decimal *d,
		    struct cdp_err *err);
int cdp_agg_fail(const struct cdp_agg *a, struct cdp_err *err, const char *what);
/* Items of a bag by tag and text.  Free with free(). */
struct cdp_bag_item *cdp_bag_sorted(const struct cdp_bag *bag);

#endif
