/* Percentiles of many delays in little memory, the same for any order and any parts.
 *
 * A histogram whose buckets are as wide as their values ask for (as in HdrHistogram):
 * milliseconds below 256 are exact, above a bucket is at most 1/128 of its lower edge
 * wide.  Percentiles are upper edges, at most the largest delay, so they are never below
 * the exact one and less than 0.8 % above it.  1 KiB for each power of two that occurs.
 */
#ifndef CDP_MODEL_DELAYS_H
#define CDP_MODEL_DELAYS_H

#include <stdint.h>

enum { CDP_DELAY_PAGES = 41, CDP_DELAY_PAGE = 128 };

struct cdp_delays {
	uint64_t *page[CDP_DELAY_PAGES]; /* counts, NULL: none */
	uint64_t n;
	int64_t max; /* exact */
};
/* Starts as zeros. */
void cdp_delays_release(struct cdp_delays *d);
/* Negative ones count as 0. */
void cdp_delays_add(struct cdp_delays *d, int64_t ms, uint64_t times);
void cdp_delays_merge(struct cdp_delays *into, const struct cdp_delays *from);
/* The smallest delay that at least `per_mille` of them do not exceed; -1: there are none.
 */
int64_t cdp_delays_at(const struct cdp_delays *d, unsigned per_mille);
/* A delay that falls into the same bucket as every other of that bucket: for writing the
 * histogram down, page by page. */
int64_t cdp_delays_value(unsigned page, unsigned i);

#endif
