/* Keys in byte order: radix sort on eight bytes at a time, so that a million customers
 * take tens of milliseconds where comparing strings takes most of a second. */
#include "base/intern.h"
#include "base/mem.h"

#include <endian.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct item {
	uint64_t word; /* eight bytes of the key, first byte highest */
	uint32_t id;
};

/* The tables: id i of table k goes by the number i * count + k. */
struct keys {
	const struct cdp_intern *const *tables;
	unsigned count;
};

enum { SMALL = 24, DIGIT = 11, BUCKETS = 1 << DIGIT };

static const char *key_of(const struct keys *k, uint32_t id, size_t *n)
{
	return cdp_intern_key(k->tables[id % k->count], id / k->count, n);
}

/* The eight key bytes from `depth` on, zeros after the end. */
static uint64_t word_at(const struct keys *t, uint32_t id, size_t depth)
{
	size_t n;
	const char *p = key_of(t, id, &n);
	uint64_t w = 0;

	if (n > depth)
		memcpy(&w, p + depth, n - depth < 8 ? n - depth : 8);
	return be64toh(w);
}

static int compare_from(const struct keys *t, uint32_t a, uint32_t b, size_t depth)
{
	size_t n, m, k;
	const char *p = key_of(t, a, &n), *q = key_of(t, b, &m);
	int c;

	if (n < depth || m < depth)
		return n < m ? -1 : n > m;
	k = (n < m ? n : m) - depth;
	c = memcmp(p + depth, q + depth, k);
	return c ? c : n < m ? -1 : n > m;
}

static void insertion(const struct keys *t, struct item *v, size_t n, size_t depth)
{
	for (size_t i = 1; i < n; i++) {
		struct item x = v[i];
		size_t j = i;

		for (; j > 0 && compare_from(t, v[j - 1].id, x.id, depth) > 0; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
}

/* Least significant digit first; passes in which all words agree are skipped. */
static void radix(struct item *v, struct item *tmp, size_t n)
{
	for (unsigned shift = 0; shift < 64; shift += DIGIT) {
		size_t count[BUCKETS] = { 0 }, at = 0;

		for (size_t i = 0; i < n; i++)
			count[v[i].word >> shift & (BUCKETS - 1)]++;
		if (count[v[0].word >> shift & (BUCKETS - 1)] == n)
			continue;
		for (size_t b = 0; b < BUCKETS; b++) {
			size_t c = count[b];

			count[b] = at;
			at += c;
		}
		for (size_t i = 0; i < n; i++)
			tmp[count[v[i].word >> shift & (BUCKETS - 1)]++] = v[i];
		memcpy(v, tmp, n * sizeof(*v));
	}
}

static void sort_from(const struct keys *t, struct item *v, struct item *tmp, size_t n,
		      size_t depth);

/* Sorts v, whose keys agree before `depth` and have their words from there. */
static void sort_words(const struct keys *t, struct item *v, struct item *tmp, size_t n,
		       size_t depth)
{
	radix(v, tmp, n);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i + 1; j < n && v[j].word == v[i].word; j++)
			;
		if (j - i > 1)
			sort_from(t, v + i, tmp, j - i, depth + 8);
	}
}

/* The same without words. */
static void sort_from(const struct keys *t, struct item *v, struct item *tmp, size_t n,
		      size_t depth)
{
	bool more = false;

	if (n <= SMALL) {
		insertion(t, v, n, depth);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		size_t len;

		v[i].word = word_at(t, v[i].id, depth);
		key_of(t, v[i].id, &len);
		more |= len > depth;
	}
	if (!more) {
		/* Keys differ, so at most one of them ends here; nothing is left to
		 * compare. */
		insertion(t, v, n, 0);
		return;
	}
	sort_words(t, v, tmp, n, depth);
}

/* --- in parts, each of a range of words --- */

enum { PART_MIN = 1 << 15, JOBS_MAX = 64, SAMPLES = 64 };

struct sorting {
	const struct keys *keys;
	size_t n, depth; /* all keys agree before `depth` */
	struct item *items;
	uint32_t *order;
};

struct part {
	const struct sorting *s;
	pthread_t thread;
	bool threaded;
	const uint64_t *after; /* words above this one, if any, */
	uint64_t to;           /* and up to this one */
	size_t at, end;        /* of the items, then of the order */
};

static bool holds(const struct part *p, uint64_t word)
{
	return (!p->after || word > *p->after) && word <= p->to;
}

static void *add_words(void *arg)
{
	const struct part *p = arg;
	const struct sorting *s = p->s;

	for (size_t i = p->at; i < p->end; i++)
		s->items[i].word = word_at(s->keys, s->items[i].id, s->depth);
	return NULL;
}

static void *count_items(void *arg)
{
	struct part *p = arg;

	p->at = 0;
	p->end = 0;
	for (size_t i = 0; i < p->s->n; i++)
		p->end += holds(p, p->s->items[i].word);
	return NULL;
}

static void *sort_items(void *arg)
{
	const struct part *p = arg;
	const struct sorting *s = p->s;
	size_t n = p->end - p->at, k = 0;
	struct item *tmp = cdp_alloc(n * sizeof(*tmp)), *v = s->items;

	/* All of them, or copies of those that are its own. */
	if (n < s->n) {
		v = cdp_alloc(n * sizeof(*v));
		for (size_t i = 0; i < s->n; i++)
			if (holds(p, s->items[i].word))
				v[k++] = s->items[i];
	}
	if (n)
		sort_words(s->keys, v, tmp, n, s->depth);
	for (size_t i = 0; i < n; i++)
		s->order[p->at + i] = v[i].id;
	if (v != s->items)
		free(v);
	free(tmp);
	return NULL;
}

/* The last part is this thread's, and all for which there is none. */
static void each_part(struct part *p, unsigned parts, void *(*work)(void *))
{
	for (unsigned i = 0; i < parts; i++)
		p[i].threaded = i + 1 < parts &&
				pthread_create(&p[i].thread, NULL, work, &p[i]) == 0;
	for (unsigned i = 0; i < parts; i++)
		if (!p[i].threaded)
			work(&p[i]);
	for (unsigned i = 0; i < parts; i++)
		if (p[i].threaded)
			pthread_join(p[i].thread, NULL);
}

static int by_word(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Ranges with about as many items each, as far as a sample tells. */
static void choose_ranges(const struct sorting *s, struct part *p, unsigned parts)
{
	uint64_t sample[JOBS_MAX * SAMPLES];
	size_t n = (size_t)parts * SAMPLES;

	for (size_t i = 0; i < n; i++)
		sample[i] = s->items[s->n / n * i].word;
	qsort(sample, n, sizeof(*sample), by_word);
	for (unsigned i = 0; i < parts; i++) {
		p[i].after = i ? &p[i - 1].to : NULL;
		p[i].to = i + 1 < parts ? sample[(size_t)(i + 1) * SAMPLES] : UINT64_MAX;
	}
}

static size_t common_prefix(const struct keys *t, const struct item *v, size_t n)
{
	size_t depth, len;
	const char *first = key_of(t, v[0].id, &depth), *p;

	for (size_t i = 1; i < n && depth; i++) {
		p = key_of(t, v[i].id, &len);
		if (len < depth)
			depth = len;
		while (depth && memcmp(first, p, depth) != 0)
			depth--;
	}
	return depth;
}

static void sort_all(const struct sorting *s, unsigned jobs)
{
	struct part p[JOBS_MAX];
	unsigned parts = jobs < JOBS_MAX ? jobs : JOBS_MAX;

	if (parts > s->n / PART_MIN)
		parts = (unsigned)(s->n / PART_MIN);
	parts = parts ? parts : 1;
	for (unsigned i = 0; i < parts; i++)
		p[i] = (struct part){ .s = s,
				      .at = s->n * i / parts,
				      .end = s->n * (i + 1) / parts };
	each_part(p, parts, add_words);
	p[0].to = UINT64_MAX;
	if (parts > 1)
		choose_ranges(s, p, parts);
	each_part(p, parts, count_items);
	for (unsigned i = 1; i < parts; i++) {
		p[i].at = p[i - 1].end;
		p[i].end += p[i].at;
	}
	each_part(p, parts, sort_items);
}

uint32_t *cdp_intern_order_jobs(const struct cdp_intern *const *tables, unsigned count,
				unsigned jobs)
{
	const struct keys t = { tables, count };
	struct sorting s = { .keys = &t };
	size_t n = 0;

	for (unsigned k = 0; k < count; k++)
		s.n += cdp_intern_count(tables[k]);
	s.items = cdp_alloc(s.n * sizeof(*s.items));
	s.order = cdp_alloc(s.n * sizeof(*s.order));
	for (unsigned k = 0; k < count; k++)
		for (uint32_t i = 0; i < cdp_intern_count(tables[k]); i++)
			s.items[n++].id = i * count + k;
	s.depth = n ? common_prefix(&t, s.items, n) : 0;
	sort_all(&s, jobs);
	free(s.items);
	return s.order;
}

uint32_t *cdp_intern_order_all(const struct cdp_intern *const *tables, unsigned count)
{
	return cdp_intern_order_jobs(tables, count, 1);
}

uint32_t *cdp_intern_order(const struct cdp_intern *t)
{
	return cdp_intern_order_all(&t, 1);
}
