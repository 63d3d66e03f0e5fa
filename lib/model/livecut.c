#include "model/livecut.h"

#include "base/mem.h"
#include "model/segcut.h"

#include <math.h>
#include <stdlib.h>

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void note_use(void *ctx, enum cdp_use what, int number)
{
	struct cdp_livecuts *c = ctx;
	uint32_t ask = (uint32_t)number;

	if (what == CDP_USE_AGG)
		ask |= (uint32_t)CDP_RULE_ASK_AGG << 24;
	else if (what != CDP_USE_HOST)
		return;
	CDP_GROW(c->asks, c->ask_count, c->ask_cap);
	c->asks[c->ask_count++] = ask;
}

static void find_cuts(struct cdp_livecuts *c, const uint64_t *needed)
{
	const struct cdp_segments *s = c->s;

	c->sets = cdp_alloc(s->count * sizeof(*c->sets));
	for (unsigned i = 0; i < s->count; i++)
		if (s->v[s->order[i]].cut > CDP_CUT_SAMPLE &&
		    cdp_bit(needed, s->order[i]))
			c->sets[c->count++] = s->order[i];
}

static struct cdp_liverank **new_ranks(const struct cdp_livecuts *c)
{
	struct cdp_liverank **v = cdp_calloc(c->count, sizeof(*v));

	for (uint32_t i = 0; i < c->count; i++)
		v[i] = cdp_liverank_new(c->keys);
	return v;
}

static void free_ranks(const struct cdp_livecuts *c, struct cdp_liverank **v)
{
	for (uint32_t i = 0; v && i < c->count; i++)
		cdp_liverank_free(v[i]);
	free(v);
}

struct cdp_livecuts *cdp_livecuts_new(const struct cdp_segments *s,
				      const uint64_t *needed)
{
	struct cdp_livecuts *c = cdp_calloc(1, sizeof(*c));

	c->s = s;
	find_cuts(c, needed);
	if (!c->count) {
		cdp_livecuts_free(c);
		return NULL;
	}
	c->keys = cdp_intern_new(0);
	c->now = new_ranks(c);
	for (uint32_t i = 0; i < c->count; i++)
		cdp_expr_uses(s->by[s->v[c->sets[i]].by], note_use, c);
	if (c->ask_count)
		qsort(c->asks, c->ask_count, sizeof(*c->asks), by_number);
	return c;
}

void cdp_livecuts_free(struct cdp_livecuts *c)
{
	if (!c)
		return;
	free_ranks(c, c->now);
	free_ranks(c, c->before);
	cdp_intern_free(c->keys);
	free(c->sets);
	free(c->asks);
	free(c->flips);
	free(c);
}

uint32_t cdp_livecuts_customer(struct cdp_livecuts *c, const char *key, size_t n)
{
	return cdp_intern_put(c->keys, key, n, NULL);
}

bool cdp_livecuts_ask(const struct cdp_livecuts *c, const uint32_t *asks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c->ask_count &&
		    bsearch(&asks[i], c->asks, c->ask_count, sizeof(*c->asks), by_number))
			return true;
	return false;
}

static const struct cdp_segment *segment_of(const struct cdp_livecuts *c, uint32_t cut)
{
	return &c->s->v[c->sets[cut]];
}

/* How many are left. */
static uint32_t limit_of(const struct cdp_livecuts *c, const struct cdp_liverank *r,
			 uint32_t cut)
{
	return cdp_segcut_left(segment_of(c, cut), cdp_liverank_count(r));
}

static bool is_left(const struct cdp_livecuts *c, const struct cdp_liverank *r,
		    uint32_t cut, uint32_t customer)
{
	double ignored;

	return cdp_liverank_value(r, customer, &ignored) &&
	       cdp_liverank_place(r, customer) < limit_of(c, r, cut);
}

bool cdp_livecuts_is_in(const struct cdp_livecuts *c, uint32_t i, uint32_t customer)
{
	return is_left(c, c->now[i], i, customer);
}

/* The value of one for whom the rule holds; false: it does not. */
static bool value_of(const struct cdp_livecuts *c, struct cdp_live *live, uint32_t cut,
		     struct cdp_rec *profile, double *value)
{
	const struct cdp_segment *g = segment_of(c, cut);
	double v;

	if (!profile || !cdp_live_holds(live, c->sets[cut]))
		return false;
	v = cdp_live_value(live, c->s->by[g->by], profile);
	*value = isnan(v) ? -INFINITY : v;
	return true;
}

/* Others are in the same order with or without the customer, of whom so many were, and
 * are, left. */
static void flip_others(struct cdp_livecuts *c, uint32_t cut, uint32_t customer,
			uint32_t were, uint32_t are)
{
	const struct cdp_liverank *r = c->now[cut];
	uint32_t from = were < are ? were : are, to = were < are ? are : were;
	uint32_t own = UINT32_MAX;
	double ignored;

	if (from == to)
		return;
	if (cdp_liverank_value(r, customer, &ignored))
		own = cdp_liverank_place(r, customer);
	for (uint32_t i = from; i < to; i++) {
		uint32_t place = i + (own <= i);

		CDP_GROW(c->flips, c->flip_count, c->flip_cap);
		c->flips[c->flip_count++] =
			(struct cdp_livecut_flip){ cdp_liverank_at(r, place), cut,
						   were < are };
	}
}

static void rank(struct cdp_livecuts *c, uint32_t cut, uint32_t customer, bool holds,
		 double value)
{
	struct cdp_liverank *r = c->now[cut];
	uint32_t were, are;
	double had = 0;
	bool held = cdp_liverank_value(r, customer, &had);

	if (held == holds && (!holds || had == value))
		return;
	were = limit_of(c, r, cut) - is_left(c, r, cut, customer);
	if (held)
		cdp_liverank_remove(r, customer);
	if (holds)
		cdp_liverank_put(r, customer, value);
	are = limit_of(c, r, cut) - is_left(c, r, cut, customer);
	flip_others(c, cut, customer, were, are);
}

void cdp_livecuts_rank(struct cdp_livecuts *c, struct cdp_live *live, uint32_t customer,
		       struct cdp_rec *profile, const uint64_t *told)
{
	for (uint32_t i = 0; i < c->count; i++) {
		bool was =
			is_left(c, c->now[i], i, customer) ^ (told && cdp_bit(told, i));
		double value = 0;
		bool holds = value_of(c, live, i, profile, &value);

		rank(c, i, customer, holds, value);
		cdp_live_cut(live, c->sets[i], was, is_left(c, c->now[i], i, customer));
	}
}

void cdp_livecuts_begin(struct cdp_livecuts *c)
{
	c->before = c->now;
	c->now = new_ranks(c);
}

void cdp_livecuts_add(struct cdp_livecuts *c, struct cdp_live *live, uint32_t customer,
		      struct cdp_rec *profile, unsigned step)
{
	for (uint32_t i = 0; i < c->count; i++) {
		double value = 0;
		bool is;

		if (segment_of(c, i)->step > step)
			continue;
		if (segment_of(c, i)->step == step &&
		    value_of(c, live, i, profile, &value))
			cdp_liverank_put(c->now[i], customer, value);
		is = segment_of(c, i)->step < step && is_left(c, c->now[i], i, customer);
		cdp_live_cut(live, c->sets[i], is, is);
	}
}

void cdp_livecuts_tell(struct cdp_livecuts *c, struct cdp_live *live, uint32_t customer)
{
	for (uint32_t i = 0; i < c->count; i++)
		cdp_live_cut(live, c->sets[i], is_left(c, c->before[i], i, customer),
			     is_left(c, c->now[i], i, customer));
}

void cdp_livecuts_end(struct cdp_livecuts *c)
{
	free_ranks(c, c->before);
	c->before = NULL;
}
