#include "model/aggkeys.h"

#include "base/intern.h"

#include <stdlib.h>
#include <string.h>

/* How many texts there are, by events and member. */
struct counts {
	struct cdp_intern *texts, *members;
	uint32_t *v;
	size_t cap;
	struct cdp_buf key;
};

/* The number of the aggregate's events with this member. */
static uint32_t number(struct counts *c, const struct cdp_agg *a, int slot)
{
	size_t n;
	const char *const *events = cdp_agg_events(a, &n);
	uint32_t id;
	bool added;

	cdp_buf_reset(&c->key);
	cdp_buf_add(&c->key, &slot, sizeof(slot));
	for (size_t i = 0; i < n; i++)
		cdp_buf_add(&c->key, events[i], strlen(events[i]) + 1);
	id = cdp_intern_put(c->members, c->key.p, c->key.n, &added);
	if (added) {
		CDP_GROW(c->v, id, c->cap);
		c->v[id] = 0;
	}
	return id;
}

static bool key_at(const struct cdp_agg *a, unsigned i, struct cdp_aggkey *k)
{
	size_t events;

	cdp_agg_events(a, &events);
	return events && cdp_expr_key(a->cond, i, &k->slot, &k->p, &k->n);
}

static void count(struct counts *c, const struct cdp_agg *a)
{
	struct cdp_aggkey k;

	for (unsigned i = 0; key_at(a, i, &k); i++) {
		uint32_t id = number(c, a, k.slot);
		bool added;

		cdp_buf_reset(&c->key);
		cdp_buf_add(&c->key, &id, sizeof(id));
		cdp_buf_add(&c->key, k.p, k.n);
		cdp_intern_put(c->texts, c->key.p, c->key.n, &added);
		c->v[id] += added;
	}
}

struct cdp_aggkey *cdp_aggkeys_choose(const struct cdp_aggs *aggs)
{
	unsigned n = cdp_aggs_count(aggs);
	struct cdp_aggkey *keys = cdp_alloc(n * sizeof(*keys)), k;
	struct counts c = { .texts = cdp_intern_new(0), .members = cdp_intern_new(0) };

	cdp_buf_init(&c.key, CDP_BUF_NOMAX);
	for (unsigned i = 0; i < n; i++)
		count(&c, cdp_aggs_at(aggs, i));
	for (unsigned i = 0; i < n; i++) {
		const struct cdp_agg *a = cdp_aggs_at(aggs, i);
		uint32_t most = CDP_AGGKEYS_MIN - 1;

		keys[i] = (struct cdp_aggkey){ .slot = -1 };
		for (unsigned at = 0; key_at(a, at, &k); at++)
			if (c.v[number(&c, a, k.slot)] > most) {
				most = c.v[number(&c, a, k.slot)];
				keys[i] = k;
			}
	}
	cdp_intern_free(c.texts);
	cdp_intern_free(c.members);
	cdp_buf_release(&c.key);
	free(c.v);
	return keys;
}
