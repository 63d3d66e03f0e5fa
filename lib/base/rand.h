/* Repeatable random numbers: the same seed gives the same numbers on every machine.
 *
 * xoshiro256** (Blackman, Vigna 2018), seeded through splitmix64 (Steele, Lea, Flood
 * 2014).  Integers only, so that nothing depends on a machine's floating point.  Not for
 * secrets. */
#ifndef CDP_BASE_RAND_H
#define CDP_BASE_RAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cdp_rand {
	uint64_t s[4];
};

/* Streams of one seed are independent of each other. */
void cdp_rand_seed(struct cdp_rand *r, uint64_t seed, uint64_t stream);

/* The finaliser of splitmix64: a bijection of 64 bits, so distinct inputs stay distinct.
 */
static inline uint64_t cdp_mix64(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static inline uint64_t cdp_rand_next(struct cdp_rand *r)
{
	uint64_t *s = r->s, m = s[1] * 5, t = s[1] << 17;
	uint64_t result = ((m << 7) | (m >> 57)) * 9;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = (s[3] << 45) | (s[3] >> 19);
	return result;
}

/* 0 .. n-1, n > 0; the bias is below n / 2^32. */
static inline uint32_t cdp_rand_below(struct cdp_rand *r, uint32_t n)
{
	return (uint32_t)(((cdp_rand_next(r) >> 32) * n) >> 32);
}

/* True `ppm` times in a million. */
static inline bool cdp_rand_ppm(struct cdp_rand *r, uint32_t ppm)
{
	return cdp_rand_below(r, 1000000) < ppm;
}

/* Picking by weight in constant time (Walker 1977, Vose 1991), in integers. */
struct cdp_alias;
/* n > 0 weights below 2^32 with a sum above 0. */
struct cdp_alias *cdp_alias_new(const uint32_t *weights, uint32_t n);
void cdp_alias_free(struct cdp_alias *a);
uint32_t cdp_alias_pick(const struct cdp_alias *a, struct cdp_rand *r);

#endif
