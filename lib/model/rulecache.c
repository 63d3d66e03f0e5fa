#include "model/rulecache.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 14, FIRST = 64, MAX = 8192, TRIAL = 16384 };

/* Open addressing, at most half full.  A place does not cross lines of the cache. */
struct cdp_rule_known {
	uint64_t key[2]; /* 0, 0: free */
	struct cdp_rule_cell cell;
};

void cdp_rule_cache_release(struct cdp_rule_cache *c)
{
	free(c->v);
}

static uint32_t first_place(const struct cdp_rule_cache *c, const uint64_t key[2])
{
	uint64_t h = (key[0] ^ (key[1] << 29 | key[1] >> 35)) * 0x9e3779b97f4a7c15u;

	return (uint32_t)((h ^ h >> 29) >> 20) & c->mask;
}

/* The text with its length and type, which is never 0. */
static void make_key(uint64_t key[2], const struct cdp_val *v)
{
	uint64_t head, tail;

	memcpy(&head, v->p, 8);
	memcpy(&tail, v->p + 8, 8);
	if (v->n < 8) {
		head &= ((uint64_t)1 << 8 * v->n) - 1;
		tail = 0;
	} else {
		tail &= ((uint64_t)1 << 8 * (v->n - 8)) - 1;
	}
	key[0] = head;
	key[1] =
		tail | (uint64_t)(v->n << 4 | v->type) << 48 | (uint64_t)v->escaped << 63;
}

bool cdp_rule_cache_key(const struct cdp_rule_cache *c, uint64_t key[2],
			const struct cdp_val *v)
{
	if (c->off)
		return false;
	if (v->type == CDP_MISSING) {
		key[0] = 0;
		key[1] = (uint64_t)1 << 62; /* no other has that length */
	} else if (v->n <= TEXT_MAX) {
		make_key(key, v);
	} else {
		return false;
	}
	if (c->v)
		__builtin_prefetch(&c->v[first_place(c, key)]);
	return true;
}

static bool is_free(const struct cdp_rule_known *at)
{
	return !(at->key[0] | at->key[1]);
}

/* Where it is or would be. */
static struct cdp_rule_known *place_of(const struct cdp_rule_cache *c,
				       const uint64_t key[2])
{
	uint32_t at = first_place(c, key);

	while (!is_free(&c->v[at]) &&
	       (c->v[at].key[0] != key[0] || c->v[at].key[1] != key[1]))
		at = (at + 1) & c->mask;
	return &c->v[at];
}

bool cdp_rule_cache_get(struct cdp_rule_cache *c, const uint64_t key[2],
			struct cdp_rule_cell *cell)
{
	const struct cdp_rule_known *at = c->v ? place_of(c, key) : NULL;

	c->asked++;
	if (!at || is_free(at))
		return false;
	c->found++;
	*cell = at->cell;
	return true;
}

static void grow(struct cdp_rule_cache *c)
{
	struct cdp_rule_cache old = *c;

	c->mask = old.v ? old.mask * 2 + 1 : FIRST - 1;
	c->v = cdp_alloc_aligned(64, ((size_t)c->mask + 1) * sizeof(*c->v));
	memset(c->v, 0, ((size_t)c->mask + 1) * sizeof(*c->v));
	for (uint32_t i = 0; old.v && i <= old.mask; i++)
		if (!is_free(&old.v[i]))
			*place_of(c, old.v[i].key) = old.v[i];
	free(old.v);
}

/* Where most values are new, looking for them costs more than it spares. */
static void judge(struct cdp_rule_cache *c)
{
	if (c->asked < TRIAL)
		return;
	if (c->found < c->asked / 4) {
		free(c->v);
		*c = (struct cdp_rule_cache){ .off = true };
	}
	c->asked = c->found = 0;
}

void cdp_rule_cache_put(struct cdp_rule_cache *c, const uint64_t key[2],
			const struct cdp_rule_cell *cell)
{
	judge(c);
	if (c->off || (c->count * 2 > c->mask && c->mask + 1 == MAX))
		return;
	if (c->count * 2 >= c->mask)
		grow(c);
	*place_of(c, key) = (struct cdp_rule_known){ { key[0], key[1] }, *cell };
	c->count++;
}
