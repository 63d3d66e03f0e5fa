#include "model/rowlists.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
	PANE_ROWS = 16384,
	BLOCK_ROWS = 4096, /* at most */
	BLOCKS = 16,       /* of a pane, at most */
	HEAD = 3,          /* of a list in a block: its number in two halves, and how
			    * many rows follow */
	STEP = 8,          /* rows that are copied at once */
};

/* What a block of rows told, list after list. */
struct block {
	uint16_t *v, *at, *end; /* `end` of what was allocated, less room for a list */
};

struct pane {
	uint32_t first;   /* row */
	uint32_t *lists;  /* that have rows here, ascending; NULL: all of them */
	uint32_t count;   /* of those */
	uint32_t *starts; /* of each in `rows`, and the end */
	uint16_t *rows;   /* less `first` */
};

struct cdp_rowlists {
	uint32_t lists;
	struct pane *v;
	size_t count, cap;
	uint32_t *counts; /* by list */
	struct block blocks[BLOCKS];
	unsigned used;        /* blocks */
	uint32_t first, last; /* rows of the pane and of the last block */
};

struct cdp_rowlists *cdp_rowlists_new(uint32_t lists)
{
	struct cdp_rowlists *p = cdp_calloc(1, sizeof(*p));

	p->lists = lists;
	p->counts = cdp_calloc(lists, sizeof(*p->counts));
	return p;
}

static void free_blocks(struct cdp_rowlists *p)
{
	for (unsigned i = 0; i < BLOCKS; i++) {
		free(p->blocks[i].v);
		p->blocks[i] = (struct block){ 0 };
	}
}

void cdp_rowlists_free(struct cdp_rowlists *p)
{
	if (!p)
		return;
	free_blocks(p);
	for (size_t i = 0; i < p->count; i++) {
		free(p->v[i].lists);
		free(p->v[i].starts);
		free(p->v[i].rows);
	}
	free(p->v);
	free(p->counts);
	free(p);
}

/* ---- a pane out of its blocks ---- */

/* A list as a block has it. */
struct cursor {
	const uint16_t *at, *end;
	uint32_t list; /* UINT32_MAX: no more */
};

static void look(struct cursor *c)
{
	c->list = c->at < c->end ? (uint32_t)c->at[0] | (uint32_t)c->at[1] << 16
				 : UINT32_MAX;
}

static uint32_t next_list(const struct cursor *c, unsigned n)
{
	uint32_t list = c[0].list;

	for (unsigned i = 1; i < n; i++)
		list = c[i].list < list ? c[i].list : list;
	return list;
}

/* How many lists there are, and rows in all. */
static uint32_t measure(struct cursor *c, unsigned n, size_t *rows)
{
	uint32_t count = 0, list;

	*rows = 0;
	for (; (list = next_list(c, n)) != UINT32_MAX; count++)
		for (unsigned i = 0; i < n; i++)
			if (c[i].list == list) {
				*rows += c[i].at[2];
				c[i].at += HEAD + c[i].at[2];
				look(&c[i]);
			}
	return count;
}

/* Most lists have few rows: a step too far costs less than to end in time. */
static uint16_t *take(struct cursor *c, uint16_t *out)
{
	unsigned n = c->at[2];
	const uint16_t *from = c->at + HEAD;

	for (unsigned i = 0; i < n; i += STEP)
		memcpy(out + i, from + i, STEP * sizeof(*out));
	c->at = from + n;
	look(c);
	return out + n;
}

static void start_cursors(const struct cdp_rowlists *p, struct cursor *c)
{
	for (unsigned i = 0; i < p->used; i++) {
		c[i] = (struct cursor){ p->blocks[i].v, p->blocks[i].at, 0 };
		look(&c[i]);
	}
}

static void end_pane(struct cdp_rowlists *p)
{
	struct cursor c[BLOCKS];
	struct pane x = { .first = p->first };
	uint32_t at = 0;
	uint16_t *out;
	size_t rows;

	if (!p->used)
		return;
	start_cursors(p, c);
	x.count = measure(c, p->used, &rows);
	if (x.count < p->lists / 2)
		x.lists = cdp_alloc(x.count * sizeof(*x.lists));
	else
		x.count = p->lists;
	x.starts = cdp_alloc(((size_t)x.count + 1) * sizeof(*x.starts));
	x.rows = out = cdp_alloc((rows + STEP) * sizeof(*x.rows));
	start_cursors(p, c);
	for (uint32_t list; (list = next_list(c, p->used)) != UINT32_MAX; at++) {
		const uint16_t *before = out;

		if (x.lists)
			x.lists[at] = list;
		for (; !x.lists && at < list; at++)
			x.starts[at] = (uint32_t)(out - x.rows);
		x.starts[at] = (uint32_t)(out - x.rows);
		for (unsigned i = 0; i < p->used; i++)
			if (c[i].list == list)
				out = take(&c[i], out);
		p->counts[list] += (uint32_t)(out - before);
	}
	for (; at <= x.count; at++)
		x.starts[at] = (uint32_t)rows;
	CDP_GROW(p->v, p->count, p->cap);
	p->v[p->count++] = x;
	p->used = 0;
}

/* ---- blocks ---- */

static void start_block(struct cdp_rowlists *p, uint32_t first)
{
	if (p->used == BLOCKS || first - p->first > PANE_ROWS - BLOCK_ROWS)
		end_pane(p);
	if (!p->used)
		p->first = first;
	p->last = first;
	p->blocks[p->used].at = p->blocks[p->used].v;
	p->used++;
}

/* Room for a list more. */
static void grow(struct block *b)
{
	size_t used = (size_t)(b->at - b->v), cap = (used + BLOCK_ROWS) * 2;

	b->v = cdp_realloc(b->v, cap, sizeof(*b->v));
	b->at = b->v + used;
	b->end = b->v + cap - (HEAD + BLOCK_ROWS + STEP);
}

void cdp_rowlists_add(struct cdp_rowlists *p, uint32_t list, uint32_t first,
		      const struct cdp_rowset *rows)
{
	struct block *b;
	uint16_t *head, *at;

	if (!p->used || first != p->last)
		start_block(p, first);
	b = &p->blocks[p->used - 1];
	if (b->at >= b->end)
		grow(b);
	head = b->at;
	at = head + HEAD;
	first -= p->first;
	for (uint64_t h = rows->has; h; h &= h - 1) {
		unsigned w = (unsigned)__builtin_ctzll(h);
		uint64_t x = rows->t[w];

		for (; x; x &= x - 1)
			*at++ = (uint16_t)(first + w * 64 + (unsigned)__builtin_ctzll(x));
	}
	head[0] = (uint16_t)list;
	head[1] = (uint16_t)(list >> 16);
	head[2] = (uint16_t)(at - head - HEAD);
	b->at = at;
}

void cdp_rowlists_end(struct cdp_rowlists *p)
{
	end_pane(p);
	free_blocks(p);
}

/* ---- lists ---- */

uint32_t cdp_rowlists_count(const struct cdp_rowlists *p, uint32_t list)
{
	return p->counts[list];
}

/* The place of a list among those that a pane has; its count: it is not there. */
static uint32_t place_of(const struct pane *x, uint32_t list)
{
	uint32_t lo = 0, n = x->count;

	if (!x->lists)
		return list;
	while (lo < n) {
		uint32_t mid = lo + (n - lo) / 2;

		if (x->lists[mid] < list)
			lo = mid + 1;
		else
			n = mid;
	}
	return lo < x->count && x->lists[lo] == list ? lo : x->count;
}

uint32_t *cdp_rowlists_rows(const struct cdp_rowlists *p, uint32_t list,
			    const uint32_t *to, uint32_t *out)
{
	enum { AHEAD = 8 };

	for (size_t i = 0; p->counts[list] && i < p->count; i++) {
		const struct pane *x = &p->v[i];
		uint32_t at = place_of(x, list), n;
		const uint16_t *rows;
		const uint32_t *map = to + x->first;

		if (i + AHEAD < p->count && !x[AHEAD].lists)
			__builtin_prefetch(x[AHEAD].starts + list);
		if (i + AHEAD / 2 < p->count && !x[AHEAD / 2].lists)
			__builtin_prefetch(x[AHEAD / 2].rows + x[AHEAD / 2].starts[list]);
		if (at == x->count)
			continue;
		rows = x->rows + x->starts[at];
		n = x->starts[at + 1] - x->starts[at];
		for (uint32_t k = 0; k < n; k++)
			out[k] = map[rows[k]];
		out += n;
	}
	return out;
}
