#include "model/aggstore.h"

#include "base/mem.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

/* A customer's row of very many columns: those that there are, by column. */
struct item {
	uint32_t column, number; /* of the block, + 1 */
};
struct list {
	struct item *v;
	uint32_t n, cap;
};

/* --- the plan --- */

struct group {
	const char *const *events; /* names that lead here; none: every event does */
	size_t event_count;
	unsigned *aggs;
	size_t *offset; /* of each state in the block */
	size_t count, cap;
	size_t block;    /* bytes */
	unsigned column; /* in a customer's row, if it is not for every event */
	unsigned pool;   /* where its blocks are */
};

struct cdp_aggroute {
	unsigned *groups;
	size_t count, cap;
};

struct cdp_aggplan {
	const struct cdp_aggs *aggs;
	struct group *groups;
	size_t count, cap;
	struct cdp_intern *by_events; /* names, each with its NUL, to groups */
	struct cdp_intern *events;    /* names to routes */
	struct cdp_aggroute *routes;
	size_t route_cap;
	struct cdp_aggroute always; /* groups that every event concerns */
	struct cdp_aggroute other;  /* the others, by column */
	size_t row;                 /* bytes of a customer's row */
	bool sparse;                /* it lists the columns that there are */
	unsigned pools;
	struct {
		unsigned group;
		unsigned member;
	} * where; /* by aggregate */
	char *zeros;
};

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
	struct cdp_buf key;
	bool added;
	unsigned i;

	cdp_buf_init(&key, CDP_BUF_NOMAX);
	for (size_t k = 0; k < n; k++)
		cdp_buf_add(&key, events[k], strlen(events[k]) + 1);
	i = cdp_intern_put(p->by_events, key.p, key.n, &added);
	cdp_buf_release(&key);
	if (!added)
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

struct turn {
	unsigned test, agg;
};

static int compare_turns(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	if (x->test != y->test)
		return x->test < y->test ? -1 : 1;
	return x->agg < y->agg ? -1 : 1;
}

/* Aggregates with equal conditions side by side, so that these are tested once. */
static struct turn *by_test(const struct cdp_aggs *aggs)
{
	unsigned n = cdp_aggs_count(aggs);
	struct turn *order = cdp_calloc(n, sizeof(*order));

	for (unsigned a = 0; a < n; a++)
		order[a] = (struct turn){ cdp_aggs_at(aggs, a)->test, a };
	if (n)
		qsort(order, n, sizeof(*order), compare_turns);
	return order;
}

/* Of very many groups a customer has few: then rows are lists, and blocks of one size
 * come from one pool, since each pool takes pages of its own. */
static void choose_pools(struct cdp_aggplan *p)
{
	enum { DENSE_MAX = 256 };
	struct cdp_intern *sizes = cdp_intern_new(0);

	p->sparse = p->other.count > DENSE_MAX;
	p->row = p->sparse ? sizeof(struct list)
			   : rounded(p->other.count * sizeof(uint32_t));
	for (unsigned i = 0; i < p->count; i++) {
		struct group *g = &p->groups[i];
		/* Its own pool, or that of its size. */
		size_t key[2] = { g->block, p->sparse && g->event_count ? 0 : i + 1 };

		g->pool = cdp_intern_put(sizes, (const char *)key, sizeof(key), NULL);
	}
	p->pools = cdp_intern_count(sizes);
	cdp_intern_free(sizes);
}

struct cdp_aggplan *cdp_aggplan_new(const struct cdp_aggs *aggs)
{
	struct cdp_aggplan *p = cdp_calloc(1, sizeof(*p));
	unsigned n = cdp_aggs_count(aggs);
	struct turn *order;
	size_t largest = 1;

	p->aggs = aggs;
	p->by_events = cdp_intern_new(0);
	p->events = cdp_intern_new(0);
	p->where = cdp_calloc(n, sizeof(*p->where));
	order = by_test(aggs);
	for (unsigned i = 0; i < n; i++) {
		size_t size = cdp_agg_size(cdp_aggs_at(aggs, order[i].agg));

		place(p, order[i].agg, size);
		largest = size > largest ? size : largest;
	}
	free(order);
	for (unsigned i = 0; i < p->count; i++) {
		struct group *g = &p->groups[i];

		g->block = rounded(g->block);
		g->column = (unsigned)p->other.count;
		if (g->event_count)
			lead(&p->other, i);
	}
	choose_pools(p);
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
	free(p->other.groups);
	free(p->groups);
	cdp_intern_free(p->by_events);
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

/* Many pieces of memory of one size, zeros at first. */
struct blocks {
	char **pages;
	size_t page_count, page_cap;
	char **slabs; /* what pages were allocated as */
	size_t slab_count, slab_cap;
	uint32_t used;
};

struct cdp_aggstore {
	const struct cdp_aggplan *plan;
	/* By pool.  Groups that every event concerns have a block for each customer, by
	 * its number; of the others a customer has those that its row names. */
	struct blocks *blocks;
	/* By customer: for each column block number + 1, 0 none; or a list. */
	struct blocks rows;
};

struct cdp_aggstore *cdp_aggstore_new(const struct cdp_aggplan *plan)
{
	struct cdp_aggstore *s = cdp_calloc(1, sizeof(*s));

	s->plan = plan;
	s->blocks = cdp_calloc(plan->pools, sizeof(*s->blocks));
	return s;
}

static inline char *at(const struct blocks *b, uint32_t i, size_t size)
{
	return b->pages[i / PAGE] + i % PAGE * size;
}

static void free_blocks(struct blocks *b)
{
	for (size_t i = 0; i < b->slab_count; i++)
		free(b->slabs[i]);
	free(b->slabs);
	free(b->pages);
}

static void release_block(const struct cdp_aggplan *p, const struct group *g, char *block)
{
	for (size_t k = 0; k < g->count; k++) {
		const struct cdp_agg *agg = cdp_aggs_at(p->aggs, g->aggs[k]);

		if (cdp_agg_uses_heap(agg))
			cdp_agg_release(agg, block + g->offset[k]);
	}
}

/* Blocks of a pool that is one group's. */
static void release_all(struct cdp_aggstore *s, const struct group *g)
{
	struct blocks *b = &s->blocks[g->pool];

	for (uint32_t i = 0; i < b->used; i++)
		release_block(s->plan, g, at(b, i, g->block));
}

static void release_listed(struct cdp_aggstore *s)
{
	const struct cdp_aggplan *p = s->plan;

	for (uint32_t i = 0; i < s->rows.used; i++) {
		struct list *row = (struct list *)at(&s->rows, i, p->row);

		for (uint32_t k = 0; k < row->n; k++) {
			const struct group *g =
				&p->groups[p->other.groups[row->v[k].column]];

			release_block(
				p, g,
				at(&s->blocks[g->pool], row->v[k].number - 1, g->block));
		}
		free(row->v);
	}
}

static bool any_heap(const struct cdp_aggplan *p, const struct group *g)
{
	for (size_t k = 0; k < g->count; k++)
		if (cdp_agg_uses_heap(cdp_aggs_at(p->aggs, g->aggs[k])))
			return true;
	return false;
}

void cdp_aggstore_free(struct cdp_aggstore *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->plan->count; i++) {
		const struct group *g = &s->plan->groups[i];

		if (!(s->plan->sparse && g->event_count) && any_heap(s->plan, g))
			release_all(s, g);
	}
	if (s->plan->sparse)
		release_listed(s);
	for (unsigned i = 0; i < s->plan->pools; i++)
		free_blocks(&s->blocks[i]);
	free_blocks(&s->rows);
	free(s->blocks);
	free(s);
}

static void add_pages(struct blocks *b, size_t size)
{
	size_t bytes = size * PAGE;
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

/* Block i, there from now on. */
static char *grown_to(struct blocks *b, uint32_t i, size_t size)
{
	while (i >= b->page_count * PAGE)
		add_pages(b, size);
	if (i >= b->used)
		b->used = i + 1;
	return at(b, i, size);
}

/* Where the column is in the list, or would be. */
static uint32_t find(const struct list *row, uint32_t column)
{
	uint32_t lo = 0, hi = row->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (row->v[mid].column < column)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static uint32_t *listed(struct list *row, uint32_t column)
{
	uint32_t i = find(row, column);

	if (i < row->n && row->v[i].column == column)
		return &row->v[i].number;
	if (row->n == row->cap) {
		row->cap = row->cap ? row->cap * 2 : 4;
		row->v = cdp_realloc(row->v, row->cap, sizeof(*row->v));
	}
	memmove(row->v + i + 1, row->v + i, (row->n++ - i) * sizeof(*row->v));
	row->v[i] = (struct item){ .column = column };
	return &row->v[i].number;
}

static char *block_of(struct cdp_aggstore *s, unsigned group, uint32_t customer)
{
	const struct group *g = &s->plan->groups[group];
	struct blocks *b = &s->blocks[g->pool];
	uint32_t *number;
	char *row;

	if (!g->event_count)
		return grown_to(b, customer, g->block);
	row = grown_to(&s->rows, customer, s->plan->row);
	number = s->plan->sparse ? listed((struct list *)row, g->column)
				 : (uint32_t *)row + g->column;
	if (!*number)
		*number = b->used + 1;
	return grown_to(b, *number - 1, g->block);
}

/* Number of the column's block + 1, 0 if there is none. */
static uint32_t number_in(const struct cdp_aggstore *s, uint32_t customer,
			  uint32_t column)
{
	const char *row = at(&s->rows, customer, s->plan->row);
	const struct list *list = (const struct list *)row;
	uint32_t i;

	if (!s->plan->sparse)
		return ((const uint32_t *)row)[column];
	i = find(list, column);
	return i < list->n && list->v[i].column == column ? list->v[i].number : 0;
}

/* The block if it is there, else NULL. */
static char *block_there(const struct cdp_aggstore *s, unsigned group, uint32_t customer)
{
	const struct group *g = &s->plan->groups[group];
	const struct blocks *b = &s->blocks[g->pool];
	uint32_t number = customer;

	if (g->event_count) {
		if (customer >= s->rows.used)
			return NULL;
		number = number_in(s, customer, g->column) - 1;
	}
	return number < b->used ? at(b, number, g->block) : NULL;
}

static void prefetch(const char *p, size_t n)
{
	for (size_t i = 0; i < n && i < 4 * LINE; i += LINE)
		__builtin_prefetch(p + i, 1);
}

void cdp_aggstore_prefetch(const struct cdp_aggstore *s, uint32_t customer)
{
	const struct cdp_aggroute *r = &s->plan->always;

	if (customer < s->rows.used)
		prefetch(at(&s->rows, customer, s->plan->row), s->plan->row);
	for (size_t i = 0; i < r->count; i++)
		if (customer < s->blocks[s->plan->groups[r->groups[i]].pool].used)
			prefetch(block_there(s, r->groups[i], customer),
				 s->plan->groups[r->groups[i]].block);
}

void cdp_aggstore_prefetch_states(const struct cdp_aggstore *s, uint32_t customer,
				  const struct cdp_aggroute *route)
{
	enum { FEW = 16 };
	const struct cdp_aggroute *r = route ? route : &s->plan->other;

	for (size_t i = 0; i < r->count && i < FEW; i++) {
		const char *block = block_there(s, r->groups[i], customer);

		if (block)
			__builtin_prefetch(block, 1);
	}
}

static void add_to(struct cdp_aggstore *s, const struct cdp_aggroute *r,
		   uint32_t customer, struct cdp_eval *ev, struct cdp_rec *rec,
		   int64_t ms, uint64_t *eval_errors)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct group *g = &s->plan->groups[r->groups[i]];
		char *block = block_of(s, r->groups[i], customer);
		unsigned test = 0; /* the one that was made last, */
		int met = 0;       /* and what came out */

		for (size_t k = 0; k < g->count; k++) {
			const struct cdp_agg *a = cdp_aggs_at(s->plan->aggs, g->aggs[k]);
			int ret;

			if (ms < a->from_ms || ms >= a->to_ms)
				continue;
			if (a->test && !a->by_event && a->test != test) {
				test = a->test;
				met = cdp_expr_match(a->cond, ev, rec, NULL);
			}
			ret = !a->test || a->by_event || met > 0
				      ? cdp_agg_take(a, block + g->offset[k], ev, rec, ms,
						     NULL)
				      : met;
			*eval_errors += ret < 0;
		}
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

void *cdp_aggstore_put(struct cdp_aggstore *s, uint32_t customer, unsigned agg)
{
	unsigned group = s->plan->where[agg].group;

	return block_of(s, group, customer) +
	       s->plan->groups[group].offset[s->plan->where[agg].member];
}

void cdp_aggstore_each(const struct cdp_aggstore *s, uint32_t customer,
		       void (*call)(void *ctx, unsigned agg), void *ctx)
{
	const struct cdp_aggplan *p = s->plan;
	const uint32_t *numbers;
	const struct list *list;
	size_t n = p->other.count;

	if (customer >= s->rows.used)
		return;
	numbers = (const uint32_t *)at(&s->rows, customer, p->row);
	list = (const struct list *)numbers;
	if (p->sparse)
		n = list->n;
	for (size_t i = 0; i < n; i++) {
		const struct group *g;

		if (!p->sparse && !numbers[i])
			continue;
		g = &p->groups[p->other.groups[p->sparse ? list->v[i].column : i]];
		for (size_t k = 0; k < g->count; k++)
			call(ctx, g->aggs[k]);
	}
}

const void *cdp_aggstore_state(const struct cdp_aggstore *s, uint32_t customer,
			       unsigned agg)
{
	unsigned group = s->plan->where[agg].group;
	const char *block = block_there(s, group, customer);

	if (!block)
		return s->plan->zeros;
	return block + s->plan->groups[group].offset[s->plan->where[agg].member];
}

size_t cdp_aggstore_bytes(const struct cdp_aggstore *s, uint32_t customer, unsigned agg)
{
	const struct cdp_agg *a = cdp_aggs_at(s->plan->aggs, agg);
	const void *state = cdp_aggstore_state(s, customer, agg);

	return state == s->plan->zeros ? 0 : cdp_agg_size(a) + cdp_agg_memory(a, state);
}
