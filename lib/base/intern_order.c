/* Keys in byte order: radix sort on eight bytes at a time, so that a million customers
 * take tens of milliseconds where comparing strings takes most of a second. */
#include "base/intern.h"
#include "base/mem.h"

#include <endian.h>
#include <pthread.h>
#include <stdatomic.h>
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

/* --- in parts, each of a range of words, so that little more than the order itself is in
 * memory at a time --- */

enum {
	PART = 1 << 14, /* keys, about */
	PARTS_MAX = 1 << 12,
	SAMPLES = 16, /* for each part */
	JOBS_MAX = 64,
};

struct sorting {
	struct keys keys;
	size_t n, depth; /* all keys agree before `depth` */
	unsigned jobs, parts;
	uint64_t *to;      /* the last word of each part but the last */
	uint16_t **part;   /* of each key, by table */
	size_t *at;        /* by job and part: where its keys go */
	size_t *begin;     /* of the parts, and the end */
	atomic_uint taken; /* parts that some job has */
	uint32_t *order;
};

struct job {
	struct sorting *s;
	unsigned number;
	pthread_t thread;
	bool threaded;
};

/* The last job is this thread's, and all for which there is none. */
static void each_job(struct sorting *s, void *(*work)(void *))
{
	struct job j[JOBS_MAX];

	for (unsigned i = 0; i < s->jobs; i++) {
		j[i] = (struct job){ .s = s, .number = i };
		j[i].threaded = i + 1 < s->jobs &&
				pthread_create(&j[i].thread, NULL, work, &j[i]) == 0;
	}
	for (unsigned i = 0; i < s->jobs; i++)
		if (!j[i].threaded)
			work(&j[i]);
	for (unsigned i = 0; i < s->jobs; i++)
		if (j[i].threaded)
			pthread_join(j[i].thread, NULL);
}

/* The number of the words that are less: of the part, as they are the ends of parts. */
static unsigned part_of(const struct sorting *s, uint64_t word)
{
	const uint64_t *to = s->to;
	unsigned n = s->parts - 1;

	while (n > 1) {
		unsigned half = n / 2;

		to += to[half - 1] < word ? half : 0;
		n -= half;
	}
	return (unsigned)(to - s->to) + (n && *to < word);
}

/* Of the tables that are the job's. */
static void *count_keys(void *arg)
{
	const struct job *j = arg;
	struct sorting *s = j->s;
	size_t *count = s->at + (size_t)j->number * s->parts;

	for (unsigned k = j->number; k < s->keys.count; k += s->jobs)
		for (uint32_t i = 0; i < cdp_intern_count(s->keys.tables[k]); i++) {
			uint64_t w = word_at(&s->keys, i * s->keys.count + k, s->depth);

			s->part[k][i] = (uint16_t)part_of(s, w);
			count[s->part[k][i]]++;
		}
	return NULL;
}

static void *place_keys(void *arg)
{
	const struct job *j = arg;
	struct sorting *s = j->s;
	size_t *at = s->at + (size_t)j->number * s->parts;

	for (unsigned k = j->number; k < s->keys.count; k += s->jobs) {
		for (uint32_t i = 0; i < cdp_intern_count(s->keys.tables[k]); i++)
			s->order[at[s->part[k][i]]++] = i * s->keys.count + k;
		free(s->part[k]);
	}
	return NULL;
}

static void sort_part(const struct sorting *s, uint32_t *order, struct item *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		v[i] = (struct item){ word_at(&s->keys, order[i], s->depth), order[i] };
	if (n)
		sort_words(&s->keys, v, v + n, n, s->depth);
	for (size_t i = 0; i < n; i++)
		order[i] = v[i].id;
}

static void *sort_parts(void *arg)
{
	struct sorting *s = ((const struct job *)arg)->s;
	struct item *v = NULL;
	size_t cap = 0;
	unsigned p;

	while ((p = atomic_fetch_add(&s->taken, 1)) < s->parts) {
		size_t n = s->begin[p + 1] - s->begin[p];

		if (cap < 2 * n) {
			free(v);
			cap = 2 * n;
			v = cdp_alloc(cap * sizeof(*v));
		}
		sort_part(s, s->order + s->begin[p], v, n);
	}
	free(v);
	return NULL;
}

static int by_word(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Ranges with about as many keys each, as far as a sample tells. */
static void choose_ranges(struct sorting *s)
{
	size_t n = (size_t)s->parts * SAMPLES, step = s->n / n, skip = 0, at = 0;
	uint64_t *sample = cdp_alloc(n * sizeof(*sample));

	for (unsigned k = 0; k < s->keys.count; k++) {
		size_t keys = cdp_intern_count(s->keys.tables[k]);

		for (; skip < keys && at < n; skip += step)
			sample[at++] = word_at(
				&s->keys, (uint32_t)skip * s->keys.count + k, s->depth);
		skip -= skip < keys ? skip : keys;
	}
	qsort(sample, at, sizeof(*sample), by_word);
	for (unsigned i = 0; i + 1 < s->parts; i++)
		s->to[i] = sample[(size_t)(i + 1) * at / s->parts];
	free(sample);
}

static size_t common_prefix(const struct keys *t)
{
	const char *first = NULL, *p;
	size_t depth = 0, len;

	for (unsigned k = 0; k < t->count; k++)
		for (uint32_t i = 0; i < cdp_intern_count(t->tables[k]); i++) {
			p = cdp_intern_key(t->tables[k], i, &len);
			if (!first) {
				first = p;
				depth = len;
			}
			if (len < depth)
				depth = len;
			while (depth && memcmp(first, p, depth) != 0)
				depth--;
			if (!depth)
				return 0;
		}
	return depth;
}

static void begin_parts(struct sorting *s)
{
	size_t at = 0;

	for (unsigned p = 0; p < s->parts; p++) {
		s->begin[p] = at;
		for (unsigned j = 0; j < s->jobs; j++) {
			size_t *place = &s->at[(size_t)j * s->parts + p], n = *place;

			*place = at;
			at += n;
		}
	}
	s->begin[s->parts] = at;
}

static void sort_all(struct sorting *s)
{
	unsigned tables = s->keys.count;

	s->to = cdp_alloc(s->parts * sizeof(*s->to));
	s->at = cdp_calloc((size_t)s->jobs * s->parts, sizeof(*s->at));
	s->begin = cdp_alloc((s->parts + (size_t)1) * sizeof(*s->begin));
	s->part = cdp_alloc(tables * sizeof(*s->part));
	for (unsigned k = 0; k < tables; k++)
		s->part[k] = cdp_alloc(cdp_intern_count(s->keys.tables[k]) *
				       sizeof(**s->part));
	s->depth = common_prefix(&s->keys);
	if (s->parts > 1)
		choose_ranges(s);
	each_job(s, count_keys);
	begin_parts(s);
	each_job(s, place_keys);
	each_job(s, sort_parts);
	free(s->part);
	free(s->begin);
	free(s->at);
	free(s->to);
}

uint32_t *cdp_intern_order_jobs(const struct cdp_intern *const *tables, unsigned count,
				unsigned jobs)
{
	struct sorting s = { .keys = { tables, count } };

	for (unsigned k = 0; k < count; k++)
		s.n += cdp_intern_count(tables[k]);
	s.jobs = jobs < 1 ? 1 : jobs < JOBS_MAX ? jobs : JOBS_MAX;
	s.parts = s.n / PART < PARTS_MAX ? (unsigned)(s.n / PART) + 1 : PARTS_MAX;
	s.order = cdp_alloc(s.n * sizeof(*s.order));
	if (s.parts == 1)
		s.jobs = 1;
	if (s.n)
		sort_all(&s);
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
