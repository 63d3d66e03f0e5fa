/* The states of aggregates, by customer. */
#include "model/aggstore.h"

#include "base/mem.h"
#include "model/aggplan_priv.h"

#include <stdlib.h>
#include <string.h>

enum {
	FIRST = 64, /* blocks of the first segment; growing moves nothing */
	SEGMENTS = 27,
	LINE = 64, /* of a cache */
};

/* Many pieces of memory of one size, zeros at first.  Each segment after the first holds
 * as many as all before it. */
struct blocks {
	char *segments[SEGMENTS]; /* on whole lines */
	void *memory[SEGMENTS];
	unsigned count;
	uint32_t used;
};

struct cdp_aggstore {
	const struct cdp_aggplan *plan;
	/* By customer: the block of the group that every event concerns; then for each
	 * column block number + 1, 0 none, or a list. */
	struct blocks rows;
	struct blocks *blocks; /* by pool, of the other groups */
};

struct cdp_aggstore *cdp_aggstore_new(const struct cdp_aggplan *plan)
{
	struct cdp_aggstore *s = cdp_calloc(1, sizeof(*s));

	s->plan = plan;
	s->blocks = cdp_calloc(plan->pools, sizeof(*s->blocks));
	return s;
}

/* Segment 0 ends at FIRST, each other one at twice where it begins. */
static inline unsigned segment_of(uint32_t i)
{
	return (unsigned)__builtin_clz(FIRST - 1) -
	       (unsigned)__builtin_clz(i | (FIRST - 1));
}

static inline char *at(const struct blocks *b, uint32_t i, size_t size)
{
	unsigned s = segment_of(i);

	return b->segments[s] + (s ? i - (FIRST / 2 << s) : i) * size;
}

static inline char *row_of(const struct cdp_aggstore *s, uint32_t customer)
{
	return at(&s->rows, customer, s->plan->row);
}

static inline struct list *list_in(const struct cdp_aggstore *s, char *row)
{
	return (struct list *)(row + s->plan->columns);
}

static void free_blocks(struct blocks *b)
{
	for (unsigned i = 0; i < b->count; i++)
		free(b->memory[i]);
}

static void release_block(const struct group *g, char *block)
{
	for (size_t k = 0; k < g->count; k++) {
		const struct member *m = &g->members[k];

		if (cdp_agg_uses_heap(m->agg))
			cdp_agg_release(m->agg, block + m->offset);
	}
}

/* All blocks are of this group. */
static void release_all(const struct group *g, const struct blocks *b, size_t size)
{
	for (uint32_t i = 0; g->heap && i < b->used; i++)
		release_block(g, at(b, i, size));
}

static void release_listed(struct cdp_aggstore *s)
{
	const struct cdp_aggplan *p = s->plan;

	for (uint32_t i = 0; i < s->rows.used; i++) {
		struct list *row = list_in(s, row_of(s, i));

		for (uint32_t k = 0; k < row->n; k++) {
			const struct group *g =
				&p->groups[p->other.groups[row->v[k].column]];

			release_block(g, at(&s->blocks[g->pool], row->v[k].number - 1,
					    g->block));
		}
		free(row->v);
	}
}

void cdp_aggstore_free(struct cdp_aggstore *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->plan->count; i++) {
		const struct group *g = &s->plan->groups[i];

		if (!g->event_count)
			release_all(g, &s->rows, s->plan->row);
		else if (!s->plan->sparse)
			release_all(g, &s->blocks[g->pool], g->block);
	}
	if (s->plan->sparse)
		release_listed(s);
	for (unsigned i = 0; i < s->plan->pools; i++)
		free_blocks(&s->blocks[i]);
	free_blocks(&s->rows);
	free(s->blocks);
	free(s);
}

static void add_segment(struct blocks *b, size_t size)
{
	size_t n = b->count ? (size_t)FIRST / 2 << b->count : FIRST;
	char *memory = cdp_calloc(n * size + LINE, 1);

	b->memory[b->count] = memory;
	b->segments[b->count++] = memory + (LINE - (uintptr_t)memory % LINE) % LINE;
}

/* Block i, there from now on. */
static inline char *grown_to(struct blocks *b, uint32_t i, size_t size)
{
	if (i >= b->used) {
		while (segment_of(i) >= b->count)
			add_segment(b, size);
		b->used = i + 1;
	}
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

/* Block of one of the other groups, there from now on. */
static char *other_block(struct cdp_aggstore *s, const struct group *g, char *row)
{
	struct blocks *b = &s->blocks[g->pool];
	uint32_t *number = s->plan->sparse
				   ? listed(list_in(s, row), g->column)
				   : (uint32_t *)(row + s->plan->columns) + g->column;

	if (!*number)
		*number = b->used + 1;
	return grown_to(b, *number - 1, g->block);
}

/* Number of the column's block + 1, 0 if there is none. */
static uint32_t number_in(const struct cdp_aggstore *s, uint32_t customer,
			  uint32_t column)
{
	char *row = row_of(s, customer);
	const struct list *list = list_in(s, row);
	uint32_t i;

	if (!s->plan->sparse)
		return ((const uint32_t *)(row + s->plan->columns))[column];
	i = find(list, column);
	return i < list->n && list->v[i].column == column ? list->v[i].number : 0;
}

/* The block if it is there, else NULL. */
static char *block_there(const struct cdp_aggstore *s, unsigned group, uint32_t customer)
{
	const struct group *g = &s->plan->groups[group];
	uint32_t number;

	if (customer >= s->rows.used)
		return NULL;
	if (!g->event_count)
		return row_of(s, customer);
	number = number_in(s, customer, g->column);
	return number ? at(&s->blocks[g->pool], number - 1, g->block) : NULL;
}

void cdp_aggstore_prefetch(const struct cdp_aggstore *s, uint32_t customer)
{
	const char *row;

	if (customer >= s->rows.used)
		return;
	row = row_of(s, customer);
	for (size_t i = 0; i < s->plan->row && i < 4 * LINE; i += LINE)
		__builtin_prefetch(row + i, 1);
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

static void add_to(const struct group *g, char *block, struct cdp_eval *ev,
		   struct cdp_rec *rec, int64_t ms, uint64_t *eval_errors)
{
	unsigned test = 0; /* the one that was made last, */
	int met = 0;       /* and what came out */

	for (size_t k = 0; k < g->count; k++) {
		const struct cdp_agg *a = g->members[k].agg;
		int ret;

		if (ms < a->from_ms || ms >= a->to_ms)
			continue;
		if (a->test && !a->by_event && a->test != test) {
			test = a->test;
			met = cdp_agg_meets(a, ev, rec);
		}
		ret = !a->test || a->by_event || met > 0
			      ? cdp_agg_take(a, block + g->members[k].offset, ev, rec, ms,
					     NULL)
			      : met;
		*eval_errors += ret < 0;
	}
}

/* Groups that the event's own texts lead to. */
static void add_keyed(struct cdp_aggstore *s, const struct keyed *k, char *row,
		      struct cdp_eval *ev, struct cdp_rec *rec, int64_t ms,
		      uint64_t *eval_errors)
{
	const struct cdp_val *v = cdp_rec_get(rec, k->slot);
	uint32_t id =
		v->type == CDP_STRING ? aggplan_number(k->texts, v) : CDP_INTERN_NONE;
	const struct groups *all;

	if (id == CDP_INTERN_NONE)
		return;
	all = &k->groups[id];
	for (size_t i = 0; i < all->count; i++) {
		const struct group *g = &s->plan->groups[all->v[i]];

		add_to(g, other_block(s, g, row), ev, rec, ms, eval_errors);
	}
}

void cdp_aggstore_add(struct cdp_aggstore *s, uint32_t customer,
		      const struct cdp_aggroute *route, struct cdp_eval *ev,
		      struct cdp_rec *rec, int64_t ms, uint64_t *eval_errors)
{
	const struct cdp_aggplan *p = s->plan;
	char *row;

	if (!p->always.count && !route)
		return;
	row = grown_to(&s->rows, customer, p->row);
	for (size_t i = 0; route && i < route->count; i++) {
		const struct group *g = &p->groups[route->groups[i]];

		add_to(g, other_block(s, g, row), ev, rec, ms, eval_errors);
	}
	for (size_t i = 0; route && i < route->keyed_count; i++)
		add_keyed(s, &route->keyed[i], row, ev, rec, ms, eval_errors);
	if (p->always.count)
		add_to(&p->groups[p->always.groups[0]], row, ev, rec, ms, eval_errors);
}

void *cdp_aggstore_put(struct cdp_aggstore *s, uint32_t customer, unsigned agg)
{
	const struct group *g = &s->plan->groups[s->plan->where[agg].group];
	char *row = grown_to(&s->rows, customer, s->plan->row);

	return (g->event_count ? other_block(s, g, row) : row) +
	       g->members[s->plan->where[agg].member].offset;
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
	list = list_in(s, row_of(s, customer));
	numbers = (const uint32_t *)list;
	if (p->sparse)
		n = list->n;
	for (size_t i = 0; i < n; i++) {
		const struct group *g;

		if (!p->sparse && !numbers[i])
			continue;
		g = &p->groups[p->other.groups[p->sparse ? list->v[i].column : i]];
		for (size_t k = 0; k < g->count; k++)
			call(ctx, g->members[k].number);
	}
}

const void *cdp_aggstore_state(const struct cdp_aggstore *s, uint32_t customer,
			       unsigned agg)
{
	unsigned group = s->plan->where[agg].group;
	const char *block = block_there(s, group, customer);

	if (!block)
		return s->plan->zeros;
	return block + s->plan->groups[group].members[s->plan->where[agg].member].offset;
}

size_t cdp_aggstore_bytes(const struct cdp_aggstore *s, uint32_t customer, unsigned agg)
{
	const struct cdp_agg *a = cdp_aggs_at(s->plan->aggs, agg);
	const void *state = cdp_aggstore_state(s, customer, agg);

	return state == s->plan->zeros ? 0 : cdp_agg_size(a) + cdp_agg_memory(a, state);
}
