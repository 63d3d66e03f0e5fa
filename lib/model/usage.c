#include "model/usage.h"

#include "base/mem.h"

#include <stdlib.h>

struct edge {
	uint32_t from, to;
};

struct cdp_usage {
	uint32_t count;
	unsigned files;
	struct edge *edges; /* reader, read */
	size_t n, cap;
	/* Ends of the edges by their first end: those of i from at[i] to at[i + 1]. */
	uint32_t *read, *reader;
	size_t *read_at, *reader_at;
	int64_t *used, *there; /* of itself */
	int64_t *last, *idle;
	uint32_t *by;
	bool *named; /* by file, then by definition */
	/* By definition the last walk that met it; those that were met. */
	uint32_t *met, *stack, walk;
};

struct cdp_usage *cdp_usage_new(uint32_t count, unsigned files)
{
	struct cdp_usage *u = cdp_calloc(1, sizeof(*u));

	u->count = count;
	u->files = files;
	u->used = cdp_alloc(((size_t)count + 1) * sizeof(*u->used));
	u->there = cdp_alloc(((size_t)count + 1) * sizeof(*u->there));
	for (uint32_t i = 0; i < count; i++)
		u->used[i] = u->there[i] = CDP_USAGE_NEVER;
	u->named = cdp_calloc((size_t)count * files + 1, sizeof(*u->named));
	u->met = cdp_calloc((size_t)count + 1, sizeof(*u->met));
	u->stack = cdp_alloc(((size_t)count + 1) * sizeof(*u->stack));
	return u;
}

void cdp_usage_free(struct cdp_usage *u)
{
	if (!u)
		return;
	free(u->edges);
	free(u->read);
	free(u->reader);
	free(u->read_at);
	free(u->reader_at);
	free(u->used);
	free(u->there);
	free(u->last);
	free(u->idle);
	free(u->by);
	free(u->named);
	free(u->met);
	free(u->stack);
	free(u);
}

void cdp_usage_reads(struct cdp_usage *u, uint32_t reader, uint32_t read)
{
	if (reader == read)
		return;
	CDP_GROW(u->edges, u->n, u->cap);
	u->edges[u->n++] = (struct edge){ reader, read };
}

void cdp_usage_at(struct cdp_usage *u, uint32_t i, int64_t used)
{
	u->used[i] = used;
}

void cdp_usage_there(struct cdp_usage *u, uint32_t i, int64_t from)
{
	u->there[i] = from;
}

void cdp_usage_names(struct cdp_usage *u, unsigned file, uint32_t i)
{
	u->named[(size_t)file * u->count + i] = true;
}

/* --- settling --- */

static int compare(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->to > y->to) - (x->to < y->to);
}

/* Edges in order, each once. */
static void put_in_order(struct cdp_usage *u)
{
	size_t n = 0;

	if (u->n)
		qsort(u->edges, u->n, sizeof(*u->edges), compare);
	for (size_t i = 0; i < u->n; i++)
		if (i == 0 || compare(&u->edges[i], &u->edges[n - 1]) != 0)
			u->edges[n++] = u->edges[i];
	u->n = n;
}

/* Ends ascend where the edges do. */
static uint32_t *index_edges(const struct cdp_usage *u, bool by_read, size_t **at)
{
	uint32_t *ends = cdp_alloc((u->n + 1) * sizeof(*ends));
	size_t *v = cdp_calloc((size_t)u->count + 2, sizeof(*v));

	for (size_t i = 0; i < u->n; i++)
		v[(by_read ? u->edges[i].to : u->edges[i].from) + 2]++;
	for (uint32_t i = 1; i < u->count; i++)
		v[i + 1] += v[i];
	for (size_t i = 0; i < u->n; i++) {
		const struct edge *e = &u->edges[i];

		ends[v[(by_read ? e->to : e->from) + 1]++] = by_read ? e->from : e->to;
	}
	*at = v;
	return ends;
}

/* `from` and all that it reads, or with `up` that read it, in however many steps, but for
 * those that were met in this walk before, come into u->stack; how many. */
static uint32_t reach(struct cdp_usage *u, uint32_t from, bool up)
{
	const uint32_t *ends = up ? u->reader : u->read;
	const size_t *at = up ? u->reader_at : u->read_at;
	uint32_t n = 0;

	if (u->met[from] == u->walk)
		return 0;
	u->met[from] = u->walk;
	u->stack[n++] = from;
	for (uint32_t k = 0; k < n; k++)
		for (size_t e = at[u->stack[k]]; e < at[u->stack[k] + 1]; e++)
			if (u->met[ends[e]] != u->walk) {
				u->met[ends[e]] = u->walk;
				u->stack[n++] = ends[e];
			}
	return n;
}

struct dated {
	int64_t time;
	uint32_t i;
};

/* The latest first. */
static int by_time(const void *a, const void *b)
{
	const struct dated *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? 1 : -1;
	return (x->i > y->i) - (x->i < y->i);
}

/* Each gets the latest time of itself and those that read it: once, from the first one
 * that gets there when the latest ones go first.  `by` may be NULL. */
static int64_t *spread(struct cdp_usage *u, const int64_t *own, uint32_t *by)
{
	struct dated *v = cdp_alloc(((size_t)u->count + 1) * sizeof(*v));
	int64_t *best = cdp_alloc(((size_t)u->count + 1) * sizeof(*best));

	for (uint32_t i = 0; i < u->count; i++)
		v[i] = (struct dated){ own[i], i };
	qsort(v, u->count, sizeof(*v), by_time);
	u->walk++;
	for (uint32_t i = 0; i < u->count; i++) {
		uint32_t n = reach(u, v[i].i, false);

		for (uint32_t k = 0; k < n; k++) {
			best[u->stack[k]] = v[i].time;
			if (by)
				by[u->stack[k]] = v[i].i;
		}
	}
	free(v);
	return best;
}

static void spread_names(struct cdp_usage *u, bool *named)
{
	u->walk++;
	for (uint32_t i = 0; i < u->count; i++) {
		uint32_t n = named[i] ? reach(u, i, false) : 0;

		for (uint32_t k = 0; k < n; k++)
			named[u->stack[k]] = true;
	}
}

void cdp_usage_settle(struct cdp_usage *u)
{
	put_in_order(u);
	u->read = index_edges(u, false, &u->read_at);
	u->reader = index_edges(u, true, &u->reader_at);
	u->by = cdp_alloc(((size_t)u->count + 1) * sizeof(*u->by));
	u->last = spread(u, u->used, u->by);
	for (uint32_t i = 0; i < u->count; i++)
		if (u->last[i] != CDP_USAGE_NEVER)
			u->there[i] = u->last[i];
	u->idle = spread(u, u->there, NULL);
	for (unsigned f = 0; f < u->files; f++)
		spread_names(u, u->named + (size_t)f * u->count);
}

/* --- what follows --- */

int64_t cdp_usage_last(const struct cdp_usage *u, uint32_t i, uint32_t *by)
{
	*by = u->by[i];
	return u->last[i];
}

int64_t cdp_usage_idle(const struct cdp_usage *u, uint32_t i)
{
	return u->idle[i];
}

bool cdp_usage_named(const struct cdp_usage *u, unsigned file, uint32_t i)
{
	return u->named[(size_t)file * u->count + i];
}

const uint32_t *cdp_usage_readers(const struct cdp_usage *u, uint32_t i, uint32_t *n)
{
	*n = (uint32_t)(u->reader_at[i + 1] - u->reader_at[i]);
	return u->reader + u->reader_at[i];
}

const uint32_t *cdp_usage_affected(struct cdp_usage *u, uint32_t i, uint32_t *n)
{
	u->walk++;
	*n = reach(u, i, true) - 1;
	return u->stack + 1;
}
