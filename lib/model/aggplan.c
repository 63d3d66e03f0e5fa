/* Which groups of aggregates an event concerns: by its name, then by a member's text. */
#include "model/aggplan_priv.h"

#include "base/buf.h"
#include "base/mem.h"
#include "model/aggkeys.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

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
	g->reads_on |= !cdp_agg_head_only(agg);
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

/* Those by key read the member of the key. */
static void find_reading_on(const struct cdp_aggplan *p, struct cdp_aggroute *r)
{
	r->reads_on = r->keyed_count > 0;
	for (size_t i = 0; i < r->count; i++)
		r->reads_on |= p->groups[r->groups[i]].reads_on;
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
	for (uint32_t i = 0; i < cdp_intern_count(p->events); i++)
		find_reading_on(p, &p->routes[i]);
	find_reading_on(p, &p->always);
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

uint32_t aggplan_number(const struct cdp_intern *texts, const struct cdp_val *v)
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
	id = aggplan_number(p->events, event);
	return id == CDP_INTERN_NONE ? NULL : &p->routes[id];
}

bool cdp_aggplan_reads_on(const struct cdp_aggplan *p, const struct cdp_aggroute *route)
{
	return p->always.reads_on || (route && route->reads_on);
}
