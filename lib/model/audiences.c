#include "model/audiences.h"

#include "base/mem.h"
#include "model/rowlists.h"

#include <stdlib.h>
#include <string.h>

struct cdp_audience_part {
	struct cdp_rowlists *lists; /* by place; NULL: it counts */
	uint32_t *counts;           /* by place; NULL: it keeps lists */
	const struct cdp_bits_ops *ops;
	uint32_t sets;
	uint32_t *places; /* by audience; NULL: its number */
	struct cdp_intern *keys;
	uint32_t *customer; /* by row; later its rank */
	uint32_t *numbers;  /* by row: what members are told as; NULL: the rank */
	uint32_t rows, cap;
};

/* ---- a thread's part ---- */

static struct cdp_audience_part *new_part(uint32_t sets, const uint32_t *places)
{
	struct cdp_audience_part *p = cdp_calloc(1, sizeof(*p));

	p->sets = sets;
	if (places)
		p->places = cdp_memdup(places, sets * sizeof(*places));
	p->keys = cdp_intern_new(0);
	return p;
}

struct cdp_audience_part *cdp_audience_part_new(uint32_t sets, const uint32_t *places)
{
	struct cdp_audience_part *p = new_part(sets, places);

	p->lists = cdp_rowlists_new(sets);
	return p;
}

struct cdp_audience_part *cdp_audience_part_counting(uint32_t sets,
						     const uint32_t *places)
{
	struct cdp_audience_part *p = new_part(sets, places);

	p->counts = cdp_calloc(sets, sizeof(*p->counts));
	p->ops = cdp_bits_ops();
	return p;
}

void cdp_audience_part_free(struct cdp_audience_part *p)
{
	if (!p)
		return;
	cdp_rowlists_free(p->lists);
	free(p->counts);
	cdp_intern_free(p->keys);
	free(p->places);
	free(p->customer);
	free(p->numbers);
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

void cdp_audience_part_add(struct cdp_audience_part *p, uint32_t place, uint32_t first,
			   const struct cdp_rowset *rows)
{
	if (p->lists)
		cdp_rowlists_add(p->lists, place, first, rows);
	else
		p->counts[place] += p->ops->count(
			rows->t, 64 - (unsigned)__builtin_clzll(rows->has | 1));
}

uint32_t *cdp_audience_part_counts(struct cdp_audience_part *p)
{
	return p->counts;
}

/* ---- all parts ---- */

struct cdp_audiences {
	struct cdp_audience_part **parts;
	unsigned count;
	struct cdp_intern *keys;
	uint32_t *order;   /* customers by rank */
	uint32_t *rank;    /* by customer */
	bool twice;        /* a customer had several profiles */
	uint32_t limit;    /* numbers that members are told as are less */
	uint32_t *numbers; /* by rank; NULL: it */
	uint64_t *marks;   /* scratch, a bit a number */
	uint64_t *marked;  /* scratch, a bit a word of it */
	uint32_t *scratch; /* for sorting */
	uint32_t scratch_cap;
	struct cdp_audiences *several; /* whose rows are counted too often; or NULL */
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

static void set_limit(struct cdp_audiences *a, uint32_t limit)
{
	a->limit = limit;
	free(a->marks);
	free(a->marked);
	a->marks = cdp_calloc(limit / 64 + 1, sizeof(*a->marks));
	a->marked = cdp_calloc(limit / 4096 + 1, sizeof(*a->marked));
}

/* Where customers only count nobody asks for their order, unless one has several rows. */
static bool is_ranked(const struct cdp_audiences *a)
{
	return a->twice || !a->count || a->parts[0]->lists;
}

static void rank_customers(struct cdp_audiences *a)
{
	uint32_t n = cdp_intern_count(a->keys);

	a->order = cdp_intern_order(a->keys);
	a->rank = cdp_alloc(n * sizeof(*a->rank));
	for (uint32_t i = 0; i < n; i++)
		a->rank[a->order[i]] = i;
}

struct cdp_audiences *cdp_audiences_of(struct cdp_audience_part **parts, unsigned count,
				       const struct cdp_intern *more)
{
	struct cdp_audiences *a = cdp_calloc(1, sizeof(*a));
	uint32_t **ids = cdp_alloc(count * sizeof(*ids)), rows = 0;

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
	if (is_ranked(a))
		rank_customers(a);
	for (unsigned i = 0; i < count; i++) {
		if (parts[i]->lists)
			cdp_rowlists_end(parts[i]->lists);
		if (a->rank)
			rank_rows(a, parts[i], ids[i]);
		free(ids[i]);
	}
	free(ids);
	set_limit(a, cdp_intern_count(a->keys));
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
	free(a->numbers);
	free(a->marks);
	free(a->marked);
	free(a->scratch);
	cdp_audiences_free(a->several);
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

	return id == CDP_INTERN_NONE || !a->rank ? id : a->rank[id];
}

const uint32_t *cdp_audiences_rows(const struct cdp_audiences *a, unsigned part,
				   uint32_t *rows)
{
	*rows = a->parts[part]->rows;
	return a->parts[part]->customer;
}

/* ---- members ---- */

static uint32_t count_of(const struct cdp_audience_part *p, uint32_t set)
{
	uint32_t place = p->places ? p->places[set] : set;

	return place == UINT32_MAX ? 0
	       : p->lists          ? cdp_rowlists_count(p->lists, place)
				   : p->counts[place];
}

static uint32_t count_rows(const struct cdp_audiences *a, uint32_t set)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < a->count; i++)
		n += count_of(a->parts[i], set);
	return n;
}

static uint32_t *tell(const struct cdp_audience_part *p, uint32_t set, uint32_t *out)
{
	uint32_t place = p->places ? p->places[set] : set;

	return count_of(p, set)
		       ? cdp_rowlists_rows(p->lists, place,
					   p->numbers ? p->numbers : p->customer, out)
		       : out;
}

static bool ascends(const uint32_t *v, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (v[i] <= v[i - 1])
			return false;
	return true;
}

/* In order and once, by way of a bit a number. */
static uint32_t sort_dense(struct cdp_audiences *a, uint32_t *v, uint32_t n)
{
	size_t words = a->limit / 4096 + 1;
	uint32_t left = 0;

	for (uint32_t i = 0; i < n; i++) {
		a->marks[v[i] / 64] |= (uint64_t)1 << v[i] % 64;
		a->marked[v[i] / 4096] |= (uint64_t)1 << v[i] / 64 % 64;
	}
	for (size_t s = 0; s < words; s++) {
		for (uint64_t y = a->marked[s]; y; y &= y - 1) {
			size_t w = s * 64 + (unsigned)__builtin_ctzll(y);

			for (uint64_t x = a->marks[w]; x; x &= x - 1)
				v[left++] =
					(uint32_t)(w * 64 + (unsigned)__builtin_ctzll(x));
			a->marks[w] = 0;
		}
		a->marked[s] = 0;
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
	if (n > a->limit / 4096)
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

	if (!r)
		n = count_rows(a, set);
	if (n > *cap) {
		*cap = n + n / 2;
		free(*v);
		*v = cdp_alloc(*cap * sizeof(**v));
	}
	end = *v;
	for (uint32_t i = 0; r && i < n; i++)
		*end++ = a->numbers ? a->numbers[r->v[i]] : r->v[i];
	for (unsigned i = 0; !r && i < a->count; i++)
		end = tell(a->parts[i], set, end);
	return sort_members(a, *v, n);
}

static void renumber_part(struct cdp_audience_part *p, const uint32_t *to)
{
	free(p->numbers);
	p->numbers = to ? cdp_alloc(p->rows * sizeof(*p->numbers)) : NULL;
	for (uint32_t i = 0; to && i < p->rows; i++)
		p->numbers[i] = to[p->customer[i]];
}

void cdp_audiences_renumber(struct cdp_audiences *a, const uint32_t *to, uint32_t limit)
{
	uint32_t n = cdp_intern_count(a->keys);

	for (unsigned i = 0; i < a->count; i++)
		renumber_part(a->parts[i], to);
	free(a->numbers);
	a->numbers = to ? cdp_memdup(to, n * sizeof(*to)) : NULL;
	set_limit(a, to ? limit : n);
}

uint32_t cdp_audiences_count(struct cdp_audiences *a, uint32_t set)
{
	const struct replaced *r = replaced(a, set);
	uint32_t n = 0, cap = 0, *v = NULL;

	if (r)
		return r->n;
	if (a->several)
		n = cdp_audiences_count(a->several, set) - count_rows(a->several, set);
	else if (a->twice) {
		n = cdp_audiences_members(a, set, &v, &cap);
		free(v);
		return n;
	}
	return n + count_rows(a, set);
}

uint64_t cdp_audiences_row_count(const struct cdp_audiences *a)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < a->count; i++)
		n += a->parts[i]->rows;
	return n;
}

struct cdp_intern *cdp_audiences_twice(const struct cdp_audiences *a, uint64_t *rows)
{
	uint32_t *count;
	struct cdp_intern *who;

	*rows = 0;
	if (!a->twice)
		return NULL;
	count = cdp_calloc(cdp_intern_count(a->keys), sizeof(*count));
	who = cdp_intern_new(0);
	for (unsigned i = 0; i < a->count; i++)
		for (uint32_t k = 0; k < a->parts[i]->rows; k++)
			count[a->parts[i]->customer[k]]++;
	for (uint32_t rank = 0; rank < cdp_intern_count(a->keys); rank++) {
		size_t n;
		const char *key = cdp_audiences_key(a, rank, &n);

		if (count[rank] < 2)
			continue;
		cdp_intern_put(who, key, n, NULL);
		*rows += count[rank];
	}
	free(count);
	return who;
}

void cdp_audiences_count_once(struct cdp_audiences *a, struct cdp_audiences *those)
{
	a->several = those;
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
