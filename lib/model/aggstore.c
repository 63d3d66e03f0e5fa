#include "model/aggstore.h"

#include "base/mem.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

/* --- the plan --- */

struct group {
	const char *const *events; /* names that lead here; none: every event does */
	size_t event_count;
	unsigned *aggs;
	size_t *offset; /* of each state in the block */
	size_t count, cap;
	size_t block; /* bytes */
};

struct cdp_aggroute {
	unsigned *groups;
	size_t count, cap;
};

struct cdp_aggplan {
	const struct cdp_aggs *aggs;
	struct group *groups;
	size_t count, cap;
	struct cdp_intern *events; /* names to routes */
	struct cdp_aggroute *routes;
	size_t route_cap;
	struct cdp_aggroute always; /* groups that every event concerns */
	struct {
		unsigned group;
		unsigned member;
	} * where; /* by aggregate */
	char *zeros;
};

static bool same_events(const struct group *g, const char *const *events, size_t n)
{
	if (g->event_count != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(g->events[i], events[i]) != 0)
			return false;
	return true;
}

static void lead(struct cdp_aggroute *r, unsigned group)
{
	CDP_GROW(r->groups, r->count, r->cap);
	r->groups[r->count++] = group;
}

static void lead_event(struct cdp_aggplan *p, const char *name, unsigned group)
{
	bool added;
	uint32_t id = cdp_intern_put(p->events, name, strlen(name), &added);

	if (added) {
		CDP_GROW(p->routes, id, p->route_cap);
		p->routes[id] = (struct cdp_aggroute){ 0 };
	}
	lead(&p->routes[id], group);
}

static unsigned group_for(struct cdp_aggplan *p, const char *const *events, size_t n)
{
	unsigned i;

	for (i = 0; i < p->count; i++)
		if (same_events(&p->groups[i], events, n))
			return i;
	CDP_GROW(p->groups, p->count, p->cap);
	p->groups[p->count++] = (struct group){ .events = events, .event_count = n };
	if (n == 0)
		lead(&p->always, i);
	for (size_t k = 0; k < n; k++)
		lead_event(p, events[k], i);
	return i;
}

static void place(struct cdp_aggplan *p, unsigned a, size_t size)
{
	size_t count = 0, cap;
	const char *const *events = cdp_agg_events(cdp_aggs_at(p->aggs, a), &count);
	unsigned at = group_for(p, events, count);
	struct group *g = &p->groups[at];

	cap = g->cap;
	CDP_GROW(g->aggs, g->count, g->cap);
	CDP_GROW(g->offset, g->count, cap);
	p->where[a].group = at;
	p->where[a].member = (unsigned)g->count;
	g->aggs[g->count] = a;
	g->offset[g->count++] = g->block;
	g->block += (size + 7) & ~(size_t)7;
}

/* Blocks that fit into a cache line do not lie across two. */
static size_t rounded(size_t block)
{
	size_t n = 8;

	if (block > 64)
		return block;
	while (n < block)
		n *= 2;
	return n;
}

struct cdp_aggplan *cdp_aggplan_new(const struct cdp_aggs *aggs)
{
	struct cdp_aggplan *p = cdp_calloc(1, sizeof(*p));
	unsigned n = cdp_aggs_count(aggs);
	size_t largest = 1;

	p->aggs = aggs;
	p->events = cdp_intern_new(0);
	p->where = cdp_calloc(n, sizeof(*p->where));
	for (unsigned a = 0; a < n; a++) {
		size_t size = cdp_agg_size(cdp_aggs_at(aggs, a));

		place(p, a, size);
		largest = size > largest ? size : largest;
	}
	for (size_t i = 0; i < p->count; i++)
		p->groups[i].block = rounded(p->groups[i].block);
	p->zeros = cdp_calloc(largest, 1);
	return p;
}

void cdp_aggplan_free(struct cdp_aggplan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++) {
		free(p->groups[i].aggs);
		free(p->groups[i].offset);
	}
	for (uint32_t i = 0; i < cdp_intern_count(p->events); i++)
		free(p->routes[i].groups);
	free(p->routes);
	free(p->always.groups);
	free(p->groups);
	cdp_intern_free(p->events);
	free(p->where);
	free(p->zeros);
	free(p);
}

const struct cdp_aggroute *cdp_aggplan_route(const struct cdp_aggplan *p,
					     const struct cdp_val *event)
{
	struct cdp_buf name;
	uint32_t id;
	size_t n;

	if (!event->escaped) {
		id = cdp_intern_get(p->events, event->p, event->n);
	} else {
		cdp_buf_init(&name, CDP_BUF_NOMAX);
		id = cdp_intern_get(p->events, cdp_val_str(event, &name, &n), n);
		cdp_buf_release(&name);
	}
	return id == CDP_INTERN_NONE ? NULL : &p->routes[id];
}

/* --- the states --- */

enum {
	PAGE = 256,     /* blocks a page: growing moves nothing */
	SLAB = 8 << 20, /* pages are allocated so many bytes at once, fewer at first */
	LINE = 64,      /* of a cache */
};

struct blocks {
	uint32_t *of; /* by customer: block number + 1, 0 none; unless all have one */
	size_t of_cap;
	char **pages;
	size_t page_count, page_cap;
	char **slabs; /* what pages were allocated as */
	size_t slab_count, slab_cap;
	uint32_t used;
};

struct cdp_aggstore {
	const struct cdp_aggplan *plan;
	struct blocks *blocks; /* by group */
};

struct cdp_aggstore *cdp_aggstore_new(const struct cdp_aggplan *plan)
{
	struct cdp_aggstore *s = cdp_calloc(1, sizeof(*s));

	s->plan = plan;
	s->blocks = cdp_calloc(plan->count, sizeof(*s->blocks));
	return s;
}

static inline char *block_at(const struct group *g, const struct blocks *b, uint32_t i)
{
	return b->pages[i / PAGE] + i % PAGE * g->block;
}

static void free_blocks(const struct cdp_aggplan *p, const struct group *g,
			struct blocks *b)
{
	for (size_t k = 0; k < g->count; k++) {
		const struct cdp_agg *agg = cdp_aggs_at(p->aggs, g->aggs[k]);

		for (uint32_t i = 0; i < b->used && cdp_agg_uses_heap(agg); i++)
			cdp_agg_release(agg, block_at(g, b, i) + g->offset[k]);
	}
	for (size_t i = 0; i < b->slab_count; i++)
		free(b->slabs[i]);
	free(b->slabs);
	free(b->pages);
	free(b->of);
}

void cdp_aggstore_free(struct cdp_aggstore *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->plan->count; i++)
		free_blocks(s->plan, &s->plan->groups[i], &s->blocks[i]);
	free(s->blocks);
	free(s);
}

static void add_pages(const struct group *g, struct blocks *b)
{
	size_t bytes = g->block * PAGE;
	size_t most = SLAB / bytes + 1, half = b->page_count / 2 + 1;
	size_t n = half < most ? half : most;
	char *slab = cdp_calloc(n * bytes + LINE, 1), *first;

	CDP_GROW(b->slabs, b->slab_count, b->slab_cap);
	b->slabs[b->slab_count++] = slab;
	first = slab + (LINE - (uintptr_t)slab % LINE) % LINE;
	for (size_t i = 0; i < n; i++) {
		CDP_GROW(b->pages, b->page_count, b->page_cap);
		b->pages[b->page_count++] = first + i * bytes;
	}
}

static char *block_of(const struct group *g, struct blocks *b, uint32_t customer)
{
	size_t old = b->of_cap;

	if (!g->event_count) { /* the block of every customer, by its number */
		while (customer >= b->page_count * PAGE)
			add_pages(g, b);
		if (customer >= b->used)
			b->used = customer + 1;
		return block_at(g, b, customer);
	}
	CDP_GROW(b->of, customer, b->of_cap);
	if (b->of_cap > old)
		memset(b->of + old, 0, (b->of_cap - old) * sizeof(*b->of));
	if (!b->of[customer]) {
		if (b->used == b->page_count * PAGE)
			add_pages(g, b);
		b->of[customer] = ++b->used;
	}
	return block_at(g, b, b->of[customer] - 1);
}

void cdp_aggstore_prefetch(const struct cdp_aggstore *s, uint32_t customer)
{
	const struct cdp_aggroute *r = &s->plan->always;

	for (size_t i = 0; i < r->count; i++) {
		const struct group *g = &s->plan->groups[r->groups[i]];
		const struct blocks *b = &s->blocks[r->groups[i]];

		if (customer >= b->used)
			continue;
		for (size_t at = 0; at < g->block && at < 4 * LINE; at += LINE)
			__builtin_prefetch(block_at(g, b, customer) + at, 1);
	}
}

static void add_to(struct cdp_aggstore *s, const struct cdp_aggroute *r,
		   uint32_t customer, struct cdp_eval *ev, struct cdp_rec *rec,
		   int64_t ms, uint64_t *eval_errors)
{
	struct cdp_err ignored;

	for (size_t i = 0; i < r->count; i++) {
		const struct group *g = &s->plan->groups[r->groups[i]];
		char *block = block_of(g, &s->blocks[r->groups[i]], customer);

		for (size_t k = 0; k < g->count; k++)
			*eval_errors +=
				cdp_agg_add(cdp_aggs_at(s->plan->aggs, g->aggs[k]),
					    block + g->offset[k], ev, rec, ms,
					    &ignored) < 0;
	}
}

void cdp_aggstore_add(struct cdp_aggstore *s, uint32_t customer,
		      const struct cdp_aggroute *route, struct cdp_eval *ev,
		      struct cdp_rec *rec, int64_t ms, uint64_t *eval_errors)
{
	if (route)
		add_to(s, route, customer, ev, rec, ms, eval_errors);
	add_to(s, &s->plan->always, customer, ev, rec, ms, eval_errors);
}

const void *cdp_aggstore_state(const struct cdp_aggstore *s, uint32_t customer,
			       unsigned agg)
{
	unsigned at = s->plan->where[agg].group;
	const struct group *g = &s->plan->groups[at];
	const struct blocks *b = &s->blocks[at];
	uint32_t i = customer;

	if (g->event_count)
		i = customer < b->of_cap && b->of[customer] ? b->of[customer] - 1
							    : UINT32_MAX;
	if (i >= b->used)
		return s->plan->zeros;
	return block_at(g, b, i) + g->offset[s->plan->where[agg].member];
}
