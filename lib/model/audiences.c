#include "model/audiences.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Gaps between rows in order, seven bits a byte, the last byte below 128. */
struct chunk {
	struct chunk *next;
	uint8_t *end; /* of what is in it */
	uint8_t bytes[];
};

struct list {
	struct chunk *first, *last;
	uint8_t *at, *end; /* where the next goes in the last chunk; its end */
	uint32_t after;    /* the last row + 1 */
	uint32_t count;
};

struct cdp_audience_part {
	struct cdp_arena chunks;
	struct list *lists; /* by place */
	uint32_t sets;
	uint32_t *places; /* by audience; NULL: its number */
	struct cdp_intern *keys;
	uint32_t *customer; /* by row; later its rank */
	uint32_t rows, cap;
};

/* ---- a thread's part ---- */

struct cdp_audience_part *cdp_audience_part_new(uint32_t sets, const uint32_t *places)
{
	struct cdp_audience_part *p = cdp_calloc(1, sizeof(*p));

	p->sets = sets;
	if (places)
		p->places = cdp_memdup(places, sets * sizeof(*places));
	p->lists = cdp_calloc(sets, sizeof(*p->lists));
	p->keys = cdp_intern_new(0);
	cdp_arena_init(&p->chunks);
	return p;
}

void cdp_audience_part_free(struct cdp_audience_part *p)
{
	if (!p)
		return;
	cdp_arena_release(&p->chunks);
	cdp_intern_free(p->keys);
	free(p->lists);
	free(p->places);
	free(p->customer);
	free(p);
}

uint32_t cdp_audience_part_row(struct cdp_audience_part *p, const char *key, size_t n)
{
	CDP_GROW(p->customer, p->rows, p->cap);
	p->customer[p->rows] = cdp_intern_put(p->keys, key, n, NULL);
	return p->rows++;
}

const char *cdp_audience_part_key(const struct cdp_audience_part *p, uint32_t row,
				  size_t *n)
{
	return cdp_intern_key(p->keys, p->customer[row], n);
}

/* Chunks grow with their list, so that a quarter of it at most is not used. */
static void add_chunk(struct cdp_audience_part *p, struct list *l)
{
	uint32_t cap = l->count / 4;
	struct chunk *c;

	cap = cap < 16 ? 16 : cap > 16384 ? 16384 : cap;
	c = cdp_arena_alloc(&p->chunks, sizeof(*c) + cap);
	*c = (struct chunk){ 0 };
	if (l->last) {
		l->last->next = c;
		l->last->end = l->at;
	} else {
		l->first = c;
	}
	l->last = c;
	l->at = c->bytes;
	l->end = c->bytes + cap;
}

/* Where rows go, at hand while some are added. */
struct tail {
	uint8_t *at, *end;
	uint32_t after;
};

static void add_row(struct cdp_audience_part *p, struct list *l, struct tail *t,
		    uint32_t row)
{
	uint32_t gap = row - t->after;

	if (t->end - t->at < 5) {
		l->at = t->at;
		add_chunk(p, l);
		t->at = l->at;
		t->end = l->end;
	}
	for (; gap >> 14; gap >>= 7)
		*t->at++ = (uint8_t)(gap | 128);
	/* Which of the two it is cannot be foretold. */
	t->at[0] = (uint8_t)(gap | (gap > 127) << 7);
	t->at[1] = (uint8_t)(gap >> 7);
	t->at += 1 + (gap > 127);
	t->after = row + 1;
	l->count++;
}

void cdp_audience_part_add(struct cdp_audience_part *p, uint32_t place, uint32_t first,
			   const struct cdp_rowset *rows)
{
	enum { AHEAD = 4 };
	struct list *l = &p->lists[place];
	struct tail t = { l->at, l->end, l->after };

	/* Others are next. */
	if (place + 2 * AHEAD < p->sets) {
		__builtin_prefetch(&p->lists[place + 2 * AHEAD], 1);
		__builtin_prefetch(p->lists[place + AHEAD].at, 1);
	}
	for (uint64_t h = rows->has; h; h &= h - 1) {
		unsigned w = (unsigned)__builtin_ctzll(h);

		for (uint64_t x = rows->t[w]; x; x &= x - 1)
			add_row(p, l, &t, first + w * 64 + (unsigned)__builtin_ctzll(x));
	}
	l->at = t.at;
	l->after = t.after;
}

/* ---- all parts ---- */

struct cdp_audiences {
	struct cdp_audience_part **parts;
	unsigned count;
	struct cdp_intern *keys;
	uint32_t *order;   /* customers by rank */
	uint32_t *rank;    /* by customer */
	bool twice;        /* a customer had several profiles */
	uint64_t *marks;   /* scratch, a bit a customer */
	uint32_t *scratch; /* for sorting */
	uint32_t scratch_cap;
	struct replaced {
		uint32_t *v;
		uint32_t n;
		bool is;
	} * replaced; /* by set; NULL: none */
};

static void rank_rows(struct cdp_audiences *a, struct cdp_audience_part *p,
		      const uint32_t *ids)
{
	for (uint32_t i = 0; i < p->rows; i++)
		p->customer[i] = a->rank[ids[p->customer[i]]];
}

struct cdp_audiences *cdp_audiences_of(struct cdp_audience_part **parts, unsigned count,
				       const struct cdp_intern *more)
{
	struct cdp_audiences *a = cdp_calloc(1, sizeof(*a));
	uint32_t **ids = cdp_alloc(count * sizeof(*ids)), rows = 0, n;

	a->parts = cdp_memdup(parts, count * sizeof(*parts));
	a->count = count;
	a->keys = cdp_intern_new(count ? cdp_intern_count(parts[0]->keys) : 0);
	for (unsigned i = 0; i < count; i++) {
		ids[i] = cdp_intern_put_all(a->keys, parts[i]->keys);
		cdp_intern_free(parts[i]->keys);
		parts[i]->keys = NULL;
		rows += parts[i]->rows;
	}
	a->twice = rows != cdp_intern_count(a->keys);
	if (more)
		free(cdp_intern_put_all(a->keys, more));
	n = cdp_intern_count(a->keys);
	a->order = cdp_intern_order(a->keys);
	a->rank = cdp_alloc(n * sizeof(*a->rank));
	for (uint32_t i = 0; i < n; i++)
		a->rank[a->order[i]] = i;
	for (unsigned i = 0; i < count; i++) {
		rank_rows(a, parts[i], ids[i]);
		free(ids[i]);
	}
	free(ids);
	a->marks = cdp_calloc(n / 64 + 1, sizeof(*a->marks));
	return a;
}

void cdp_audiences_free(struct cdp_audiences *a)
{
	if (!a)
		return;
	for (uint32_t i = 0; a->replaced && i < a->parts[0]->sets; i++)
		free(a->replaced[i].v);
	free(a->replaced);
	for (unsigned i = 0; i < a->count; i++)
		cdp_audience_part_free(a->parts[i]);
	free(a->parts);
	cdp_intern_free(a->keys);
	free(a->order);
	free(a->rank);
	free(a->marks);
	free(a->scratch);
	free(a);
}

uint32_t cdp_audiences_customers(const struct cdp_audiences *a)
{
	return cdp_intern_count(a->keys);
}

const char *cdp_audiences_key(const struct cdp_audiences *a, uint32_t rank, size_t *n)
{
	return cdp_intern_key(a->keys, a->order[rank], n);
}

uint32_t cdp_audiences_rank(const struct cdp_audiences *a, const char *key, size_t n)
{
	uint32_t id = cdp_intern_get(a->keys, key, n);

	return id == CDP_INTERN_NONE ? id : a->rank[id];
}

const uint32_t *cdp_audiences_rows(const struct cdp_audiences *a, unsigned part,
				   uint32_t *rows)
{
	*rows = a->parts[part]->rows;
	return a->parts[part]->customer;
}

/* ---- members ---- */

static const struct list *list_of(const struct cdp_audience_part *p, uint32_t set)
{
	static const struct list none;
	uint32_t place = p->places ? p->places[set] : set;

	return place == UINT32_MAX ? &none : &p->lists[place];
}

static uint32_t *decode(const struct cdp_audience_part *p, uint32_t set, uint32_t *out)
{
	const struct list *l = list_of(p, set);
	uint32_t row = 0;

	for (const struct chunk *c = l->first; c; c = c->next) {
		const uint8_t *at = c->bytes;
		const uint8_t *end = c->next ? c->end : l->at;

		while (at < end) {
			uint32_t gap = 0, shift = 0;

			for (; *at > 127; at++, shift += 7)
				gap |= (uint32_t)(*at & 127) << shift;
			row += gap | (uint32_t)*at++ << shift;
			*out++ = p->customer[row++];
		}
	}
	return out;
}

static bool ascends(const uint32_t *v, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (v[i] <= v[i - 1])
			return false;
	return true;
}

/* In order and once, by way of a bit a customer. */
static uint32_t sort_dense(struct cdp_audiences *a, uint32_t *v, uint32_t n)
{
	size_t words = cdp_intern_count(a->keys) / 64 + 1;
	uint32_t left = 0;

	for (uint32_t i = 0; i < n; i++)
		a->marks[v[i] / 64] |= (uint64_t)1 << v[i] % 64;
	for (size_t w = 0; w < words; w++) {
		for (uint64_t x = a->marks[w]; x; x &= x - 1)
			v[left++] = (uint32_t)(w * 64 + (unsigned)__builtin_ctzll(x));
		a->marks[w] = 0;
	}
	return left;
}

/* By digits of 11 bits, the lowest first; counts of all digits in one pass. */
static void sort_sparse(struct cdp_audiences *a, uint32_t *v, uint32_t n)
{
	uint32_t at[3][2048] = { 0 }, *from = v, *to;

	if (n > a->scratch_cap) {
		a->scratch_cap = n;
		free(a->scratch);
		a->scratch = cdp_alloc(n * sizeof(*a->scratch));
	}
	to = a->scratch;
	for (uint32_t i = 0; i < n; i++)
		for (unsigned d = 0; d < 3; d++)
			at[d][v[i] >> 11 * d & 2047]++;
	for (unsigned d = 0; d < 3; d++) {
		uint32_t sum = 0, *other = from;

		if (at[d][v[0] >> 11 * d & 2047] == n)
			continue; /* the same for all */
		for (unsigned i = 0; i < 2048; i++) {
			uint32_t c = at[d][i];

			at[d][i] = sum;
			sum += c;
		}
		for (uint32_t i = 0; i < n; i++)
			to[at[d][from[i] >> 11 * d & 2047]++] = from[i];
		from = to;
		to = other;
	}
	if (from != v)
		memcpy(v, from, n * sizeof(*v));
}

static uint32_t sort_members(struct cdp_audiences *a, uint32_t *v, uint32_t n)
{
	uint32_t left = 0;

	if (ascends(v, n))
		return n;
	if (n > cdp_intern_count(a->keys) / 128)
		return sort_dense(a, v, n);
	sort_sparse(a, v, n);
	for (uint32_t i = 0; i < n; i++)
		if (left == 0 || v[left - 1] != v[i])
			v[left++] = v[i];
	return left;
}

static const struct replaced *replaced(const struct cdp_audiences *a, uint32_t set)
{
	return a->replaced && a->replaced[set].is ? &a->replaced[set] : NULL;
}

uint32_t cdp_audiences_members(struct cdp_audiences *a, uint32_t set, uint32_t **v,
			       uint32_t *cap)
{
	const struct replaced *r = replaced(a, set);
	uint32_t n = r ? r->n : 0, *end;

	for (unsigned i = 0; !r && i < a->count; i++)
		n += list_of(a->parts[i], set)->count;
	if (n > *cap) {
		*cap = n + n / 2;
		free(*v);
		*v = cdp_alloc(*cap * sizeof(**v));
	}
	if (r) {
		if (n)
			memcpy(*v, r->v, n * sizeof(**v));
		return n;
	}
	end = *v;
	for (unsigned i = 0; i < a->count; i++)
		end = decode(a->parts[i], set, end);
	return sort_members(a, *v, n);
}

uint32_t cdp_audiences_count(struct cdp_audiences *a, uint32_t set)
{
	const struct replaced *r = replaced(a, set);
	uint32_t n = 0, cap = 0, *v = NULL;

	if (r)
		return r->n;
	if (a->twice) {
		n = cdp_audiences_members(a, set, &v, &cap);
		free(v);
		return n;
	}
	for (unsigned i = 0; i < a->count; i++)
		n += list_of(a->parts[i], set)->count;
	return n;
}

void cdp_audiences_set(struct cdp_audiences *a, uint32_t set, const uint32_t *v,
		       uint32_t n)
{
	if (!a->replaced)
		a->replaced = cdp_calloc(a->parts[0]->sets, sizeof(*a->replaced));
	free(a->replaced[set].v);
	a->replaced[set] = (struct replaced){ .n = n, .is = true };
	a->replaced[set].v = cdp_memdup(v, n * sizeof(*v));
}

/* ---- customer by customer ---- */

enum { BATCH = 1 << 25 }; /* memberships turned around at once */

struct turn {
	struct cdp_audiences *a;
	const uint32_t *sets;
	uint32_t count;
	uint32_t *degree; /* by customer */
	uint32_t *v, cap;
	uint32_t *in; /* of the customers at hand, one after the other */
	uint64_t *at; /* by customer at hand: where its next goes */
};

static void count_degrees(struct turn *t)
{
	for (uint32_t i = 0; i < t->count; i++) {
		uint32_t n = cdp_audiences_members(t->a, t->sets[i], &t->v, &t->cap);

		for (uint32_t k = 0; k < n; k++)
			t->degree[t->v[k]]++;
	}
}

/* The members among ranks first..last-1, found by bisection. */
static uint32_t lower(const uint32_t *v, uint32_t n, uint32_t rank)
{
	uint32_t lo = 0;

	while (lo < n) {
		uint32_t mid = lo + (n - lo) / 2;

		if (v[mid] < rank)
			lo = mid + 1;
		else
			n = mid;
	}
	return lo;
}

static void turn_around(struct turn *t, uint32_t first, uint32_t last)
{
	uint64_t sum = 0;

	for (uint32_t r = first; r < last; r++) {
		t->at[r - first] = sum;
		sum += t->degree[r];
	}
	for (uint32_t i = 0; i < t->count; i++) {
		uint32_t n = cdp_audiences_members(t->a, t->sets[i], &t->v, &t->cap);
		uint32_t k = lower(t->v, n, first);

		for (; k < n && t->v[k] < last; k++)
			t->in[t->at[t->v[k] - first]++] = t->sets[i];
	}
}

int cdp_audiences_each(struct cdp_audiences *a, const uint32_t *sets, uint32_t count,
		       int (*each)(void *ctx, uint32_t rank, const uint32_t *in,
				   uint32_t n),
		       void *ctx)
{
	uint32_t customers = cdp_intern_count(a->keys), last;
	struct turn t = { .a = a, .sets = sets, .count = count };
	size_t room = BATCH > count ? BATCH : count;
	uint64_t all = 0;
	int ret = 0;

	t.degree = cdp_calloc(customers, sizeof(*t.degree));
	t.at = cdp_alloc(customers * sizeof(*t.at));
	count_degrees(&t);
	for (uint32_t i = 0; i < customers; i++)
		all += t.degree[i];
	t.in = cdp_alloc((all < room ? all : room) * sizeof(*t.in));
	for (uint32_t first = 0; first < customers && ret == 0; first = last) {
		const uint32_t *in = t.in;
		uint64_t sum = 0;

		for (last = first; last < customers && sum + t.degree[last] <= room;)
			sum += t.degree[last++];
		turn_around(&t, first, last);
		for (uint32_t r = first; r < last && ret == 0; r++) {
			ret = each(ctx, r, in, t.degree[r]);
			in += t.degree[r];
		}
	}
	free(t.degree);
	free(t.at);
	free(t.in);
	free(t.v);
	return ret;
}
