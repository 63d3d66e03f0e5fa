/* What is kept in memory of each customer between two profiles: the base time of the last
 * one and its classes (model/live.h), in as few bytes as the classes seen so far take: 1,
 * 2 or 4 each. */
#ifndef CDP_MODEL_LIVEPEOPLE_H
#define CDP_MODEL_LIVEPEOPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cdp_livepeople;

struct cdp_liveperson {
	int64_t as_of;     /* milliseconds; INT64_MIN: none was told */
	bool there;        /* the last one had a profile */
	uint32_t *classes; /* the caller's, of all columns */
};

struct cdp_livepeople *cdp_livepeople_new(uint32_t columns);
void cdp_livepeople_free(struct cdp_livepeople *p); /* NULL is fine */
/* False: nothing is known.  Classes are given where there is a profile. */
bool cdp_livepeople_get(const struct cdp_livepeople *p, const char *key, size_t n,
			struct cdp_liveperson *who);
void cdp_livepeople_put(struct cdp_livepeople *p, const char *key, size_t n,
			const struct cdp_liveperson *who);
uint32_t cdp_livepeople_count(const struct cdp_livepeople *p);

#endif
