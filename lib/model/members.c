#include "base/mem.h"
#include "model/segments.h"

#include <stdlib.h>
#include <string.h>

struct cdp_members {
	struct cdp_intern *keys;
	size_t words; /* of a row */
	uint64_t *bits;
	size_t cap; /* rows */
};

struct cdp_members *cdp_members_new(unsigned segments)
{
	struct cdp_members *m = cdp_calloc(1, sizeof(*m));

	m->keys = cdp_intern_new(0);
	m->words = cdp_bit_words(segments);
	return m;
}

void cdp_members_free(struct cdp_members *m)
{
	if (!m)
		return;
	cdp_intern_free(m->keys);
	free(m->bits);
	free(m);
}

uint32_t cdp_members_number(struct cdp_members *m, const char *key, size_t n)
{
	bool added;
	uint32_t id = cdp_intern_put(m->keys, key, n, &added);

	if (id >= m->cap) {
		m->cap = m->cap ? m->cap * 2 : 1024;
		m->bits = cdp_realloc(m->bits, m->cap, m->words * sizeof(*m->bits));
	}
	if (added)
		memset(m->bits + id * m->words, 0, m->words * sizeof(*m->bits));
	return id;
}

uint64_t *cdp_members_row(const struct cdp_members *m, uint32_t number)
{
	return m->bits + number * m->words;
}

const char *cdp_members_key(const struct cdp_members *m, uint32_t number, size_t *n)
{
	return cdp_intern_key(m->keys, number, n);
}

uint64_t *cdp_members_put(struct cdp_members *m, const char *key, size_t n)
{
	return cdp_members_row(m, cdp_members_number(m, key, n));
}

const uint64_t *cdp_members_get(const struct cdp_members *m, const char *key, size_t n)
{
	uint32_t id = cdp_intern_get(m->keys, key, n);

	return id == CDP_INTERN_NONE ? NULL : m->bits + id * m->words;
}

void cdp_members_merge(struct cdp_members *into, struct cdp_members *from)
{
	for (uint32_t i = 0; i < cdp_intern_count(from->keys); i++) {
		size_t n;
		const char *key = cdp_intern_key(from->keys, i, &n);
		uint64_t *bits = cdp_members_put(into, key, n);

		for (size_t w = 0; w < into->words; w++)
			bits[w] |= from->bits[i * from->words + w];
	}
	cdp_members_free(from);
}

int cdp_members_each(const struct cdp_members *m,
		     int (*each)(void *ctx, const char *key, size_t n,
				 const uint64_t *bits),
		     void *ctx)
{
	uint32_t count = cdp_intern_count(m->keys);
	uint32_t *order = cdp_intern_order(m->keys);
	int ret = 0;

	for (uint32_t i = 0; i < count && ret == 0; i++) {
		size_t n;
		const char *key = cdp_intern_key(m->keys, order[i], &n);

		ret = each(ctx, key, n, m->bits + order[i] * m->words);
	}
	free(order);
	return ret;
}

uint32_t cdp_members_count(const struct cdp_members *m)
{
	return cdp_intern_count(m->keys);
}
