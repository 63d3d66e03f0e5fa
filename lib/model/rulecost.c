#include "model/rulecost.h"

#include "base/mem.h"

#include <stdlib.h>
#include <time.h>

static uint64_t now(bool is_row)
{
	struct timespec t;

	clock_gettime(is_row ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int by_time(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The median of many looks. */
static uint64_t clock_time(bool is_row)
{
	enum { LOOKS = 501 };
	uint64_t took[LOOKS];

	for (int i = 0; i < LOOKS; i++) {
		uint64_t from = now(is_row);

		took[i] = now(is_row) - from;
	}
	qsort(took, LOOKS, sizeof(*took), by_time);
	return took[LOOKS / 2];
}

struct cdp_rule_cost *cdp_rule_cost_new(const struct cdp_rules *r, uint32_t sets)
{
	struct cdp_rule_cost *c = cdp_calloc(1, sizeof(*c));

	c->leaf_count = r->leaf_count;
	c->node_count = r->count;
	c->set_count = sets;
	c->leaves = cdp_calloc(r->leaf_count, sizeof(*c->leaves));
	c->nodes = cdp_calloc(r->count, sizeof(*c->nodes));
	c->sets = cdp_calloc(sets, sizeof(*c->sets));
	c->clock[false] = clock_time(false);
	c->clock[true] = clock_time(true);
	return c;
}

void cdp_rule_cost_free(struct cdp_rule_cost *c)
{
	if (!c)
		return;
	free(c->leaves);
	free(c->nodes);
	free(c->sets);
	free(c);
}

static void add(double *v, const double *more, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		v[i] += more[i];
}

void cdp_rule_cost_add(struct cdp_rule_cost *c, const struct cdp_rule_cost *more)
{
	add(c->leaves, more->leaves, c->leaf_count);
	add(c->nodes, more->nodes, c->node_count);
	add(c->sets, more->sets, c->set_count);
}

void cdp_rule_cost_row(struct cdp_rule_cost *c)
{
	c->is_row = true;
	c->weight = cdp_rule_cost_weight(c->rows++);
}

void cdp_rule_cost_block(struct cdp_rule_cost *c)
{
	uint64_t i = c->blocks++;

	c->is_row = false;
	c->weight = i < 8 ? 1 : i % 8 ? 0 : 8;
}

void cdp_rule_cost_turn(struct cdp_rule_cost *c, double *to)
{
	enum { LONG = 100000 };
	uint64_t t, took;

	if (c->weight == 0)
		return;
	t = now(c->is_row);
	took = t - c->since;
	took = took > c->clock[c->is_row] ? took - c->clock[c->is_row] : 0;
	if (c->at && c->is_row && took > LONG)
		*c->at += LONG;
	else if (c->at)
		*c->at += c->weight * (double)took;
	c->at = to;
	c->since = t;
}
