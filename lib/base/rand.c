#include "base/rand.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>

void cdp_rand_seed(struct cdp_rand *r, uint64_t seed, uint64_t stream)
{
	uint64_t x = cdp_mix64(seed) ^ cdp_mix64(~stream);

	for (int i = 0; i < 4; i++) {
		r->s[i] = cdp_mix64(x);
		x += 0x9e3779b97f4a7c15u;
	}
}

/* Slot i keeps its own number with probability keep / 2^32, else gives `other`. */
struct slot {
	uint32_t keep, other;
};

struct cdp_alias {
	uint32_t n;
	struct slot slots[];
};

/* Vose's two work lists in one array: small slots from the front, large from the back. */
static void fill(struct cdp_alias *a, uint64_t *share, uint64_t full, uint32_t *work)
{
	uint32_t n = a->n, small = 0, large = n;

	for (uint32_t i = 0; i < n; i++)
		if (share[i] < full)
			work[small++] = i;
		else
			work[--large] = i;
	while (small && large < n) {
		uint32_t s = work[--small], l = work[large];

		a->slots[s].keep = (uint32_t)(((unsigned __int128)share[s] << 32) / full);
		a->slots[s].other = l;
		share[l] -= full - share[s];
		if (share[l] < full) {
			large++;
			work[small++] = l;
		}
	}
	/* In integers nothing is left over: the shares add up to n times full exactly. */
	while (small) {
		uint32_t s = work[--small];

		a->slots[s] = (struct slot){ UINT32_MAX, s };
	}
	for (; large < n; large++)
		a->slots[work[large]] = (struct slot){ UINT32_MAX, work[large] };
}

struct cdp_alias *cdp_alias_new(const uint32_t *weights, uint32_t n)
{
	struct cdp_alias *a = cdp_alloc(sizeof(*a) + n * sizeof(a->slots[0]));
	uint64_t *share = cdp_calloc(n, sizeof(*share)), full = 0;
	uint32_t *work = cdp_calloc(n, sizeof(*work));

	a->n = n;
	for (uint32_t i = 0; i < n; i++) {
		share[i] = (uint64_t)weights[i] * n;
		full += weights[i];
	}
	if (!full)
		CDP_BUG("weights without a sum");
	fill(a, share, full, work);
	free(work);
	free(share);
	return a;
}

void cdp_alias_free(struct cdp_alias *a)
{
	free(a);
}

uint32_t cdp_alias_pick(const struct cdp_alias *a, struct cdp_rand *r)
{
	uint64_t x = cdp_rand_next(r);
	uint32_t i = (uint32_t)(((x >> 32) * a->n) >> 32);

	return (uint32_t)x < a->slots[i].keep ? i : a->slots[i].other;
}
