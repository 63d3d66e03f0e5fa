/* Keys in byte order: radix sort on eight bytes at a time, so that a million customers
 * take tens of milliseconds where comparing strings takes most of a second. */
#include "base/intern.h"
#include "base/mem.h"

#include <endian.h>
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

/* Sorts v, whose keys agree before `depth`. */
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
	radix(v, tmp, n);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i + 1; j < n && v[j].word == v[i].word; j++)
			;
		if (j - i > 1)
			sort_from(t, v + i, tmp, j - i, depth + 8);
	}
}

uint32_t *cdp_intern_order_all(const struct cdp_intern *const *tables, unsigned count)
{
	const struct keys t = { tables, count };
	struct item *v, *tmp;
	uint32_t *order;
	size_t n = 0;

	for (unsigned k = 0; k < count; k++)
		n += cdp_intern_count(tables[k]);
	v = cdp_alloc(n * sizeof(*v));
	tmp = cdp_alloc(n * sizeof(*tmp));
	order = cdp_alloc(n * sizeof(*order));
	n = 0;
	for (unsigned k = 0; k < count; k++)
		for (uint32_t i = 0; i < cdp_intern_count(tables[k]); i++)
			v[n++].id = i * count + k;
	sort_from(&t, v, tmp, n, 0);
	for (size_t i = 0; i < n; i++)
		order[i] = v[i].id;
	free(v);
	free(tmp);
	return order;
}

uint32_t *cdp_intern_order(const struct cdp_intern *t)
{
	return cdp_intern_order_all(&t, 1);
}
