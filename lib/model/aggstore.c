#include "model/aggstore.h"

#include "base/mem.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

enum {
	PAGE = 1024,        /* blocks a page: growing moves nothing */
	SINGLE_PAGES = 16,  /* the first ones are allocated each on its own */
	SLAB_MIN = 4 << 20, /* the others, so many bytes at once */
};

struct group {
	const char *const *events; /* names that lead here; none: every event does */
	size_t event_count;
	unsigned *aggs;
	size_t *offset; /* of each state in the block */
	size_t count, cap;
	size_t block; /* bytes */
	uint32_t *of; /* by customer: block number + 1, 0 none */
	size_t of_cap;
	char **pages;
	size_t page_count, page_cap;
	char **slabs; /* what pages were allocated as */
	size_t slab_count, slab_cap;
	uint32_t blocks;
};

struct route {
	unsigned *groups;
	size_t count, cap;
};

struct cdp_aggstore {
	const struct cdp_aggs *aggs;
	struct group *groups;
	size_t count, cap;
	struct cdp_intern *events; /* names to routes */
	struct route *routes;
	size_t route_cap;
	struct route always; /* groups that every event concerns */
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

static void lead(struct route *r, unsigned group)
{
	CDP_GROW(r->groups, r->count, r->cap);
	r->groups[r->count++] = group;
}

static void lead_event(struct cdp_aggstore *s, const char *name, unsigned group)
{
	bool added;
	uint32_t id = cdp_intern_put(s->events, name, strlen(name), &added);

	if (added) {
		CDP_GROW(s->routes, id, s->route_cap);
		s->routes[id] = (struct route){ 0 };
	}
	lead(&s->routes[id], group);
}

static unsigned group_for(struct cdp_aggstore *s, const char *const *events, size_t n)
{
	unsigned i;

	for (i = 0; i < s->count; i++)
		if (same_events(&s->groups[i], events, n))
			return i;
	CDP_GROW(s->groups, s->count, s->cap);
	s->groups[s->count++] = (struct group){ .events = events, .event_count = n };
	if (n == 0)
		lead(&s->always, i);
	for (size_t k = 0; k < n; k++)
		lead_event(s, events[k], i);
	return i;
}

struct cdp_aggstore *cdp_aggstore_new(const struct cdp_aggs *aggs)
{
	struct cdp_aggstore *s = cdp_calloc(1, sizeof(*s));
	unsigned n = cdp_aggs_count(aggs);
	size_t largest = 0;

	s->aggs = aggs;
	s->events = cdp_intern_new(0);
	s->where = cdp_calloc(n, sizeof(*s->where));
	for (unsigned a = 0; a < n; a++) {
		const struct cdp_agg *agg = cdp_aggs_at(aggs, a);
		size_t count = 0, size = cdp_agg_size(agg);
		const char *const *events = cdp_agg_events(agg, &count);
		unsigned at = group_for(s, events, count);
		struct group *g = &s->groups[at];
		size_t cap = g->cap;

		CDP_GROW(g->aggs, g->count, g->cap);
		CDP_GROW(g->offset, g->count, cap);
		s->where[a].group = at;
		s->where[a].member = (unsigned)g->count;
		g->aggs[g->count] = a;
		g->offset[g->count++] = g->block;
		g->block += (size + 7) & ~(size_t)7;
		largest = size > largest ? size : largest;
	}
	s->zeros = cdp_calloc(largest ? largest : 1, 1);
	return s;
}

static char *block_at(const struct group *g, uint32_t number)
{
	return g->pages[(number - 1) / PAGE] + (number - 1) % PAGE * g->block;
}

static void free_group(const struct cdp_aggstore *s, struct group *g)
{
	for (size_t k = 0; k < g->count; k++) {
		const struct cdp_agg *agg = cdp_aggs_at(s->aggs, g->aggs[k]);

		for (uint32_t b = 1; b <= g->blocks && cdp_agg_uses_heap(agg); b++)
			cdp_agg_release(agg, block_at(g, b) + g->offset[k]);
	}
	for (size_t i = 0; i < g->slab_count; i++)
		free(g->slabs[i]);
	free(g->slabs);
	free(g->pages);
	free(g->of);
	free(g->aggs);
	free(g->offset);
}

void cdp_aggstore_free(struct cdp_aggstore *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		free_group(s, &s->groups[i]);
	for (uint32_t i = 0; i < cdp_intern_count(s->events); i++)
		free(s->routes[i].groups);
	free(s->routes);
	free(s->always.groups);
	free(s->groups);
	cdp_intern_free(s->events);
	free(s->where);
	free(s->zeros);
	free(s);
}

/* The number's place, the table grown so that it exists. */
static uint32_t *number_of(struct group *g, uint32_t customer)
{
	size_t old = g->of_cap;

	CDP_GROW(g->of, customer, g->of_cap);
	if (g->of_cap > old)
		memset(g->of + old, 0, (g->of_cap - old) * sizeof(*g->of));
	return &g->of[customer];
}

static void add_pages(struct group *g)
{
	size_t bytes = g->block * PAGE;
	size_t n = g->page_count < SINGLE_PAGES ? 1 : SLAB_MIN / bytes + 1;

	CDP_GROW(g->slabs, g->slab_count, g->slab_cap);
	g->slabs[g->slab_count] = cdp_calloc(n, bytes);
	for (size_t i = 0; i < n; i++) {
		CDP_GROW(g->pages, g->page_count, g->page_cap);
		g->pages[g->page_count++] = g->slabs[g->slab_count] + i * bytes;
	}
	g->slab_count++;
}

static char *new_block(struct group *g, uint32_t *number)
{
	if (g->blocks == g->page_count * PAGE)
		add_pages(g);
	*number = ++g->blocks;
	return block_at(g, *number);
}

static void add_to(struct cdp_aggstore *s, const struct route *r, uint32_t customer,
		   struct cdp_eval *ev, struct cdp_rec *rec, int64_t ms,
		   uint64_t *eval_errors)
{
	struct cdp_err ignored;

	for (size_t i = 0; i < r->count; i++) {
		struct group *g = &s->groups[r->groups[i]];
		uint32_t *number = number_of(g, customer);
		char *block = *number ? block_at(g, *number) : new_block(g, number);

		for (size_t k = 0; k < g->count; k++)
			*eval_errors += cdp_agg_add(cdp_aggs_at(s->aggs, g->aggs[k]),
						    block + g->offset[k], ev, rec, ms,
						    &ignored) < 0;
	}
}

void cdp_aggstore_ahead(const struct cdp_aggstore *s, uint32_t customer, unsigned step)
{
	for (size_t i = 0; i < s->always.count; i++) {
		const struct group *g = &s->groups[s->always.groups[i]];
		const char *block;

		if (customer >= g->of_cap)
			continue;
		if (step == 1) {
			__builtin_prefetch(&g->of[customer]);
		} else if (g->of[customer]) {
			block = block_at(g, g->of[customer]);
			for (size_t at = 0; at < g->block && at < 256; at += 64)
				__builtin_prefetch(block + at);
		}
	}
}

void cdp_aggstore_add(struct cdp_aggstore *s, uint32_t customer, struct cdp_eval *ev,
		      struct cdp_rec *rec, const struct cdp_val *event, int64_t ms,
		      uint64_t *eval_errors)
{
	uint32_t id;

	if (event->escaped) {
		struct cdp_buf name;
		const char *p;
		size_t n;

		cdp_buf_init(&name, CDP_BUF_NOMAX);
		p = cdp_val_str(event, &name, &n);
		id = cdp_intern_get(s->events, p, n);
		cdp_buf_release(&name);
	} else {
		id = cdp_intern_get(s->events, event->p, event->n);
	}
	if (id != CDP_INTERN_NONE)
		add_to(s, &s->routes[id], customer, ev, rec, ms, eval_errors);
	add_to(s, &s->always, customer, ev, rec, ms, eval_errors);
}

static void merge_group(struct cdp_aggstore *s, struct group *g, struct group *from,
			const uint32_t *map, uint32_t count)
{
	for (uint32_t c = 0; c < count && c < from->of_cap; c++) {
		uint32_t *number;
		char *theirs;

		if (!from->of[c])
			continue;
		theirs = block_at(from, from->of[c]);
		number = number_of(g, map[c]);
		if (!*number)
			memcpy(new_block(g, number), theirs, g->block);
		else
			for (size_t k = 0; k < g->count; k++)
				cdp_agg_merge(cdp_aggs_at(s->aggs, g->aggs[k]),
					      block_at(g, *number) + g->offset[k],
					      theirs + g->offset[k]);
		memset(theirs, 0, g->block); /* what it held belongs to g now */
	}
}

void cdp_aggstore_merge(struct cdp_aggstore *s, struct cdp_aggstore *from,
			const uint32_t *map, uint32_t count)
{
	for (size_t i = 0; i < s->count; i++)
		merge_group(s, &s->groups[i], &from->groups[i], map, count);
	cdp_aggstore_free(from);
}

const void *cdp_aggstore_state(const struct cdp_aggstore *s, uint32_t customer,
			       unsigned agg)
{
	const struct group *g = &s->groups[s->where[agg].group];

	if (customer >= g->of_cap || !g->of[customer])
		return s->zeros;
	return block_at(g, g->of[customer]) + g->offset[s->where[agg].member];
}
