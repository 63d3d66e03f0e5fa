/* Events of many users collected for a funnel, then evaluated user by user.
 *
 * Memory: 16 bytes an event that meets a step (every event in strict order; 20 with a
 * breakdown) and about 20 bytes plus its key a user; while evaluating the events once
 * more. */
#ifndef CDP_MODEL_FUNNEL_SET_H
#define CDP_MODEL_FUNNEL_SET_H

#include "model/funnel.h"

struct cdp_funnel_set;

/* One set a thread; `by` when there is a breakdown. */
struct cdp_funnel_set *cdp_funnel_set_new(const struct cdp_funnel_spec *spec, bool by);
void cdp_funnel_set_free(struct cdp_funnel_set *s);
/* `key`: the user's bytes; `group`: the breakdown value's bytes, used only for events
 * that meet step 1.  Both are copied. */
void cdp_funnel_set_add(struct cdp_funnel_set *s, const char *key, size_t key_len,
			int64_t ms, uint32_t mask, const char *group, size_t group_len);
/* Moves all of `from` into `into`; `from` is freed. */
void cdp_funnel_set_merge(struct cdp_funnel_set *into, struct cdp_funnel_set *from);

struct cdp_funnel_result {
	const char *key,
		*group; /* group: of the user's first step-1 event (of several at that
			   instant the smallest bytes); NULL without a breakdown */
	size_t key_len, group_len;
	struct cdp_funnel_user user;
};

/* Calls each() for every user whose level is at least 1, by ascending key bytes if
 * `sorted`, in any order otherwise.  It returns 0, or -1 to stop (returned).  The events
 * are gone after. */
int cdp_funnel_set_each(struct cdp_funnel_set *s, bool sorted,
			int (*each)(void *ctx, const struct cdp_funnel_result *r),
			void *ctx);

#endif
