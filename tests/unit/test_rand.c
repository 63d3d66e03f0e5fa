#include "base/mem.h"
#include "base/rand.h"

#include "tap.h"

#include <stdlib.h>

static void generator(void)
{
	/* First outputs of the authors' xoshiro256** from the state 1 2 3 4. */
	struct cdp_rand r = { { 1, 2, 3, 4 } }, a, b;
	uint32_t max = 0, hits = 0;

	ok(cdp_rand_next(&r) == 11520 && cdp_rand_next(&r) == 0 &&
		   cdp_rand_next(&r) == 1509978240 &&
		   cdp_rand_next(&r) == 1215971899390074240,
	   "the generator gives the published sequence");
	/* splitmix64 from state 0: 0xe220a8397b1dcdaf is its published first output. */
	ok(cdp_mix64(0) == 0xe220a8397b1dcdafu, "the mixer is that of splitmix64");
	cdp_rand_seed(&a, 7, 1);
	cdp_rand_seed(&b, 7, 1);
	ok(cdp_rand_next(&a) == cdp_rand_next(&b), "a seed repeats");
	cdp_rand_seed(&b, 7, 2);
	ok(cdp_rand_next(&a) != cdp_rand_next(&b), "streams differ");
	for (int i = 0; i < 100000; i++) {
		uint32_t v = cdp_rand_below(&a, 10);

		max = v > max ? v : max;
		hits += cdp_rand_ppm(&a, 30000);
	}
	is_int(max, 9, "numbers stay below the bound and reach it");
	ok(hits > 2750 && hits < 3250,
	   "chances come true at their rate, %u of 100000 for 3 percent", hits);
}

static void alias(void)
{
	static const uint32_t weights[5] = { 0, 10, 20, 30, 40 };
	static const uint32_t one[1] = { 7 };
	struct cdp_alias *a = cdp_alias_new(weights, 5);
	uint32_t count[5] = { 0 }, off = 0;
	struct cdp_rand r;

	cdp_rand_seed(&r, 1, 0);
	for (int i = 0; i < 1000000; i++)
		count[cdp_alias_pick(a, &r)]++;
	for (int i = 0; i < 5; i++) {
		uint32_t want = weights[i] * 10000;

		/* five standard deviations of a binomial are below 2,450 */
		off += count[i] > want + 2450 || count[i] + 2450 < want;
	}
	is_int(off, 0, "picks follow the weights");
	ok(count[0] == 0, "a weight of nothing is not picked");
	cdp_alias_free(a);
	a = cdp_alias_new(one, 1);
	is_int(cdp_alias_pick(a, &r), 0, "a single weight is always picked");
	cdp_alias_free(a);
}

int main(void)
{
	generator();
	alias();
	return tap_done();
}
