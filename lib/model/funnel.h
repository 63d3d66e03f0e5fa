/* Funnel: how far each user gets through ordered steps inside a window.
 *
 * Meaning (PostHog's and ClickHouse's windowFunnel where they agree; man page for the
 * rest):
 * - A chain starts at any event that meets step 1 and takes, step by step, a later event
 * that meets the next step; all of it at most `window_ms` after the start, inclusive.  A
 * user's level is that of the longest chain.
 * - Events of one instant are a set: they may serve consecutive steps in any order, but
 * one event serves one step only.  With `tie_strict` a step must be later than the one
 * before.
 * - `strict`: between two steps of a chain no other event of the user may stand (all
 * events of the user must then be added, those that meet no step with mask 0); inside one
 * instant there is no order and so no "between".
 * - Times of steps are those of one chain that reached the user's level: by default of
 * the latest start (A A B counts from the second A), or of the first one (`first_chain`),
 * taking the earliest event for each step.
 *
 * Results depend neither on the order in which events were added nor on how they were
 * spread over collectors. */
#ifndef CDP_MODEL_FUNNEL_H
#define CDP_MODEL_FUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CDP_FUNNEL_STEPS_MAX = 32 };
#define CDP_FUNNEL_NO_WINDOW INT64_MAX

struct cdp_funnel_spec {
	unsigned steps;    /* 1..CDP_FUNNEL_STEPS_MAX */
	int64_t window_ms; /* CDP_FUNNEL_NO_WINDOW: none */
	bool strict, tie_strict, tie_order, first_chain;
};

struct cdp_funnel_event {
	int64_t ms;
	uint32_t user;
	uint32_t mask; /* bit k: meets step k+1 */
};

struct cdp_funnel_user {
	unsigned level;                   /* 0: never met step 1 */
	int64_t ms[CDP_FUNNEL_STEPS_MAX]; /* when steps 1..level of the chain were met */
};

/* `ev`: the events of one user by ascending ms. */
void cdp_funnel_user(const struct cdp_funnel_spec *spec,
		     const struct cdp_funnel_event *ev, size_t n,
		     struct cdp_funnel_user *out);

#endif
