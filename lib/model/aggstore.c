#include "model/aggstore.h"

#include "base/mem.h"
#include "model/aggkeys.h"
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

struct member {
	const struct cdp_agg *agg;
	unsigned number;
	size_t offset; /* of its state in the block */
};

struct group {
	const char *const *events; /* names that lead here; none: every event does */
	size_t event_count;
	struct member *members;
	size_t count, cap;
	size_t block;    /* bytes */
	unsigned column; /* in a customer's row, if it is not for every event */
	unsigned pool;   /* where its blocks are */
	bool heap;       /* some state may have memory of its own */
};

struct groups {
	unsigned *v;
	size_t count, cap;
};

/* Groups that events with a certain text in a member concern. */
struct keyed {
	int slot;
	struct cdp_intern *texts; /* to `groups` */
	struct groups *groups;
	size_t cap;
};

struct cdp_aggroute {
	unsigned *groups;
	size_t count, cap;
	struct keyed *keyed;
	size_t keyed_count, keyed_cap;
};

struct cdp_aggplan {
	const struct cdp_aggs *aggs;
	struct group *groups;
	size_t count, cap;
	struct cdp_intern *by_events; /* names, each with its NUL, to groups */
	struct cdp_intern *events;    /* names to routes */
	uint64_t lengths[256];        /* of the names, bit 63: or more, by first byte */
	struct cdp_aggroute *routes;
	size_t route_cap;
	struct cdp_aggroute always; /* the group that every event concerns, if any */
	struct cdp_aggroute other;  /* the others, by column */
	/* Of a customer's row: bytes, and after the block of `always` where its columns
	 * begin, or the list of those that there are. */
	size_t row, columns;
	bool sparse;
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

static uint64_t length_bit(size_t n)
{
	return (uint64_t)1 << (n < 63 ? n : 63);
}

static void lead_key(struct cdp_aggroute *r, const struct cdp_aggkey *key, unsigned group)
{
	struct keyed *k = r->keyed;
	struct groups *g;
	uint32_t id;
	bool added;

	while (k < r->keyed + r->keyed_count && k->slot != key->slot)
		k++;
	if (k == r->keyed + r->keyed_count) {
		CDP_GROW(r->keyed, r->keyed_count, r->keyed_cap);
		k = &r->keyed[r->keyed_count++];
		*k = (struct keyed){ .slot = key->slot, .texts = cdp_intern_new(0) };
	}
	id = cdp_intern_put(k->texts, key->p, key->n, &added);
	if (added) {
		CDP_GROW(k->groups, id, k->cap);
		k->groups[id] = (struct groups){ 0 };
	}
	g = &k->groups[id];
	CDP_GROW(g->v, g->count, g->cap);
	g->v[g->count++] = group;
}

static void lead_event(struct cdp_aggplan *p, const char *name,
		       const struct cdp_aggkey *key, unsigned group)
{
	size_t n = strlen(name);
	bool added;
	uint32_t id = cdp_intern_put(p->events, name, n, &added);

	p->lengths[(unsigned char)*name] |= length_bit(n);
	if (added) {
		CDP_GROW(p->routes, id, p->route_cap);
		p->routes[id] = (struct cdp_aggroute){ 0 };
	}
	if (key->slot < 0)
		lead(&p->routes[id], group);
	else
		lead_key(&p->routes[id], key, group);
}

static void free_route(struct cdp_aggroute *r)
{
	for (size_t i = 0; i < r->keyed_count; i++) {
		for (uint32_t t = 0; t < cdp_intern_count(r->keyed[i].texts); t++)
			free(r->keyed[i].groups[t].v);
		free(r->keyed[i].groups);
		cdp_intern_free(r->keyed[i].texts);
	}
	free(r->keyed);
	free(r->groups);
}

static unsigned group_for(struct cdp_aggplan *p, const char *const *events, size_t n,
			  const struct cdp_aggkey *key)
{
	struct cdp_buf id;
	bool added;
	unsigned i;

	cdp_buf_init(&id, CDP_BUF_NOMAX);
	for (size_t k = 0; k < n; k++)
		cdp_buf_add(&id, events[k], strlen(events[k]) + 1);
	if (key->slot >= 0) { /* an empty name is none of an event */
		cdp_buf_addc(&id, '\0');
		cdp_buf_add(&id, &key->slot, sizeof(key->slot));
		cdp_buf_add(&id, key->p, key->n);
	}
	i = cdp_intern_put(p->by_events, id.p, id.n, &added);
	cdp_buf_release(&id);
	if (!added)
		return i;
	CDP_GROW(p->groups, p->count, p->cap);
	p->groups[p->count++] = (struct group){ .events = events, .event_count = n };
	if (n == 0)
		lead(&p->always, i);
	for (size_t k = 0; k < n; k++)
		lead_event(p, events[k], key, i);
	return i;
}

static void place(struct cdp_aggplan *p, unsigned a, size_t size,
		  const struct cdp_aggkey *key)
{
	const struct cdp_agg *agg = cdp_aggs_at(p->aggs, a);
	size_t count = 0;
	const char *const *events = cdp_agg_events(agg, &count);
	unsigned at = group_for(p, events, count, key);
	struct group *g = &p->groups[at];

	p->where[a].group = at;
	p->where[a].member = (unsigned)g->count;
	CDP_GROW(g->members, g->count, g->cap);
	g->members[g->count++] = (struct member){ agg, a, g->block };
	g->block += (size + 7) & ~(size_t)7;
	g->heap |= cdp_agg_uses_heap(agg);
}

/* Blocks that fit into a cache line do not lie across two, larger ones not across one
 * more than they must. */
static size_t rounded(size_t block)
{
	size_t n = 8;

	if (block > 64)
		return (block + 31) & ~(size_t)31;
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
	if (p->always.count)
		p->columns = p->groups[p->always.groups[0]].block;
	p->row = rounded(p->columns + (p->sparse ? sizeof(struct list)
						 : p->other.count * sizeof(uint32_t)));
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
	struct cdp_aggkey *keys = cdp_aggkeys_choose(aggs);
	struct turn *order;
	size_t largest = 1;

	p->aggs = aggs;
	p->by_events = cdp_intern_new(0);
	p->events = cdp_intern_new(0);
	p->where = cdp_calloc(n, sizeof(*p->where));
	order = by_test(aggs);
	for (unsigned i = 0; i < n; i++) {
		size_t size = cdp_agg_size(cdp_aggs_at(aggs, order[i].agg));

		place(p, order[i].agg, size, &keys[order[i].agg]);
		largest = size > largest ? size : largest;
	}
	free(order);
	free(keys);
	for (unsigned i = 0; i < p->count; i++) {
		struct group *g = &p->groups[i];

		g->column = (unsigned)p->other.count;
		if (g->event_count) {
			g->block = rounded(g->block);
			lead(&p->other, i);
		}
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
		free(p->groups[i].members);
	}
	for (uint32_t i = 0; i < cdp_intern_count(p->events); i++)
		free_route(&p->routes[i]);
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

/* The text of a string, decoded. */
static uint32_t number_of(const struct cdp_intern *texts, const struct cdp_val *v)
{
	struct cdp_buf decoded;
	const char *p;
	uint32_t id;
	size_t n;

	if (!v->escaped)
		return cdp_intern_get(texts, v->p, v->n);
	cdp_buf_init(&decoded, CDP_BUF_NOMAX);
	p = cdp_val_str(v, &decoded, &n);
	id = cdp_intern_get(texts, p, n);
	cdp_buf_release(&decoded);
	return id;
}

const struct cdp_aggroute *cdp_aggplan_route(const struct cdp_aggplan *p,
					     const struct cdp_val *event)
{
	uint32_t id;

	if (!event->escaped &&
	    !(p->lengths[event->n ? (unsigned char)*event->p : 0] & length_bit(event->n)))
		return NULL;
	id = number_of(p->events, event);
	return id == CDP_INTERN_NONE ? NULL : &p->routes[id];
}

/* --- the states --- */

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
			met = cdp_expr_match(a->cond, ev, rec, NULL);
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
	uint32_t id = v->type == CDP_STRING ? number_of(k->texts, v) : CDP_INTERN_NONE;
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
