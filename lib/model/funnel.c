/* The engine of one user: dynamic programming over instants.
 *
 * slot[k] holds the latest start of a chain that has met steps 1..k+1, with the times of
 * its steps.  A later start only widens what the window still allows, so one slot a step
 * is enough to find the deepest level. */
#include "model/funnel.h"

#include <string.h>

struct chain {
	bool live;
	int64_t ms[CDP_FUNNEL_STEPS_MAX];
};

/* The events of one millisecond; with tie_order one event. */
struct instant {
	const struct cdp_funnel_event *ev;
	size_t n;
	uint32_t any;     /* union of masks */
	bool overlapping; /* some event meets more than one step */
};

static struct instant instant_at(const struct cdp_funnel_spec *spec,
				 const struct cdp_funnel_event *ev, size_t i, size_t n)
{
	struct instant g = { .ev = ev + i };

	do {
		uint32_t m = ev[i].mask;

		g.any |= m;
		g.overlapping |= (m & (m - 1)) != 0;
		g.n++;
		i++;
	} while (i < n && ev[i].ms == g.ev->ms && !spec->tie_order);
	return g;
}

/* Kuhn's augmenting path: give `step` an event, moving others if need be. */
static bool match_step(const struct instant *g, unsigned step, int *owner, bool *seen)
{
	for (size_t i = 0; i < g->n; i++) {
		if (!(g->ev[i].mask >> step & 1) || seen[i])
			continue;
		seen[i] = true;
		if (owner[i] < 0 || match_step(g, (unsigned)owner[i], owner, seen)) {
			owner[i] = (int)step;
			return true;
		}
	}
	return false;
}

/* Events that meet several steps may serve only one: a bipartite matching.  A step with
 * as many candidates as there are steps can always be served last, so more of them need
 * not be kept. */
static unsigned reach_overlapping(const struct instant *g, unsigned from, unsigned steps)
{
	enum { KEEP = CDP_FUNNEL_STEPS_MAX * CDP_FUNNEL_STEPS_MAX };
	struct cdp_funnel_event kept[KEEP];
	unsigned candidates[CDP_FUNNEL_STEPS_MAX] = { 0 };
	struct instant few = { .ev = kept };
	int owner[KEEP];
	bool seen[KEEP];
	unsigned k;

	for (size_t i = 0; i < g->n; i++) {
		bool wanted = false;

		for (k = from; k < steps; k++)
			if (g->ev[i].mask >> k & 1 && candidates[k] < steps)
				wanted = true;
		if (!wanted)
			continue;
		for (k = from; k < steps; k++)
			candidates[k] += g->ev[i].mask >> k & 1;
		kept[few.n++] = g->ev[i];
	}
	memset(owner, 0xff, few.n * sizeof(*owner));
	for (k = from; k < steps; k++) {
		memset(seen, 0, few.n * sizeof(*seen));
		if (!match_step(&few, k, owner, seen))
			break;
	}
	return k;
}

/* Steps from+1, from+2 ... that this instant can serve with distinct events: returns the
 * number of steps met afterwards. */
static unsigned reach(const struct cdp_funnel_spec *spec, const struct instant *g,
		      unsigned from)
{
	unsigned k = from;

	if (k >= spec->steps || !(g->any >> k & 1))
		return from;
	if (g->n == 1 || spec->tie_strict)
		return from + 1;
	if (g->overlapping)
		return reach_overlapping(g, from, spec->steps);
	while (k < spec->steps && g->any >> k & 1)
		k++;
	return k;
}

static bool in_window(const struct cdp_funnel_spec *spec, int64_t start, int64_t now)
{
	return spec->window_ms == CDP_FUNNEL_NO_WINDOW || now - start <= spec->window_ms;
}

/* Let the chain `from` of n steps (NULL: a new one, n = 0) meet steps up to `to` at time
 * ms. */
static void advance(struct chain *slot, const struct chain *from, unsigned n, unsigned to,
		    int64_t ms)
{
	int64_t start = from ? from->ms[0] : ms;

	for (unsigned k = n; k < to; k++) {
		struct chain *c = &slot[k];

		if (c->live && c->ms[0] >= start)
			continue; /* filled from this start already, or from a later one
				   */
		c->live = true;
		if (from)
			memcpy(c->ms, from->ms, n * sizeof(c->ms[0]));
		for (unsigned j = n; j <= k; j++)
			c->ms[j] = ms;
	}
}

/* Carry all chains over one instant; `start`: it may also start one. */
static void step_instant(const struct cdp_funnel_spec *spec, const struct instant *g,
			 bool start, struct chain *slot)
{
	int64_t now = g->ev->ms;
	unsigned to[CDP_FUNNEL_STEPS_MAX];
	struct chain old[CDP_FUNNEL_STEPS_MAX];
	const struct chain *from = slot;

	for (unsigned k = 0; k < spec->steps; k++)
		to[k] = slot[k].live && in_window(spec, slot[k].ms[0], now)
				? reach(spec, g, k + 1)
				: 0;
	if (spec->strict) {
		/* Only chains that this instant carries on, or starts, go on living. */
		memcpy(old, slot, spec->steps * sizeof(*slot));
		for (unsigned k = 0; k < spec->steps; k++)
			slot[k].live = false;
		from = old;
	}
	/* From the deepest chain down, so that none is carried twice by the same events.
	 */
	for (unsigned k = spec->steps; k-- > 0;)
		if (to[k] > k + 1)
			advance(slot, &from[k], k + 1, to[k], now);
	if (start)
		advance(slot, NULL, 0, reach(spec, g, 0), now);
}

/* The deepest level, and the chain that reached it first. */
static void latest_start(const struct cdp_funnel_spec *spec,
			 const struct cdp_funnel_event *ev, size_t n,
			 struct cdp_funnel_user *out)
{
	struct chain slot[CDP_FUNNEL_STEPS_MAX];

	for (unsigned k = 0; k < spec->steps; k++)
		slot[k].live = false;
	out->level = 0;
	for (size_t i = 0; i < n && out->level < spec->steps;) {
		struct instant g = instant_at(spec, ev, i, n);

		i += g.n;
		step_instant(spec, &g, true, slot);
		for (unsigned k = spec->steps; k-- > out->level;)
			if (slot[k].live) {
				out->level = k + 1;
				memcpy(out->ms, slot[k].ms,
				       out->level * sizeof(out->ms[0]));
				break;
			}
	}
}

struct cursor {
	const struct cdp_funnel_event *ev;
	size_t n;
	size_t next[CDP_FUNNEL_STEPS_MAX]; /* next event that meets step k+1; only moves
					      forward */
};

/* The instant from event `end` on that serves step k+1; n == 0: none. */
static struct instant next_instant(const struct cdp_funnel_spec *spec, struct cursor *c,
				   unsigned k, size_t end)
{
	size_t at;

	if (c->next[k] < end)
		c->next[k] = end;
	while (c->next[k] < c->n && !(c->ev[c->next[k]].mask >> k & 1))
		c->next[k]++;
	at = c->next[k];
	if (at >= c->n)
		return (struct instant){ 0 };
	while (at > 0 && c->ev[at - 1].ms == c->ev[at].ms && !spec->tie_order)
		at--; /* the pointer may stand inside its instant: all of it counts */
	return instant_at(spec, c->ev, at, c->n);
}

/* The chain that starts in instant g and takes the earliest event for each step.  Taking
 * as many steps as an instant serves never hurts here, and the cursors make all starts
 * together linear in events times steps. */
static void chain_from(const struct cdp_funnel_spec *spec, struct cursor *c,
		       struct instant g, unsigned level, struct cdp_funnel_user *u)
{
	unsigned to = reach(spec, &g, 0);

	u->level = 0;
	while (to > u->level) {
		for (; u->level < to; u->level++)
			u->ms[u->level] = g.ev->ms;
		if (u->level >= level)
			return;
		g = next_instant(spec, c, u->level, (size_t)(g.ev - c->ev) + g.n);
		if (g.n == 0 || !in_window(spec, u->ms[0], g.ev->ms))
			return;
		to = reach(spec, &g, u->level);
	}
}

/* The same in strict order, where stopping early in an instant may be what lets the next
 * one carry on: all chains of this one start live side by side.  They end after `level`
 * instants at the latest. */
static void strict_chain_from(const struct cdp_funnel_spec *spec, const struct cursor *c,
			      struct instant g, unsigned level, struct cdp_funnel_user *u)
{
	struct chain slot[CDP_FUNNEL_STEPS_MAX];
	size_t end = (size_t)(g.ev - c->ev) + g.n;

	for (unsigned k = 0; k < spec->steps; k++)
		slot[k].live = false;
	step_instant(spec, &g, true, slot);
	for (unsigned i = 1; i < level && !slot[level - 1].live && end < c->n; i++) {
		g = instant_at(spec, c->ev, end, c->n);
		end += g.n;
		step_instant(spec, &g, false, slot);
	}
	u->level = slot[level - 1].live ? level : 0;
	memcpy(u->ms, slot[level - 1].ms, level * sizeof(u->ms[0]));
}

/* The first start whose chain reaches the level that latest_start() found. */
static void first_start(const struct cdp_funnel_spec *spec,
			const struct cdp_funnel_event *ev, size_t n,
			struct cdp_funnel_user *out)
{
	struct cursor c = { .ev = ev, .n = n };
	struct cdp_funnel_user u;

	for (size_t s = 0; s < n && out->level > 0;) {
		struct instant g = instant_at(spec, ev, s, n);

		s += g.n;
		if (!(g.any & 1))
			continue;
		if (spec->strict)
			strict_chain_from(spec, &c, g, out->level, &u);
		else
			chain_from(spec, &c, g, out->level, &u);
		if (u.level >= out->level) {
			u.level = out->level;
			*out = u;
			return;
		}
	}
}

void cdp_funnel_user(const struct cdp_funnel_spec *spec,
		     const struct cdp_funnel_event *ev, size_t n,
		     struct cdp_funnel_user *out)
{
	latest_start(spec, ev, n, out);
	if (spec->first_chain)
		first_start(spec, ev, n, out);
}
