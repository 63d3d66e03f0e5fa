#include "base/hash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/num.h"

/* The process's secret.  Written once, before main, so that no caller pays for a check
 * and threads only ever read it. */
static uint64_t seed;

__attribute__((constructor)) static void choose_seed(void)
{
	const char *fixed = getenv("CDP_HASH_SEED");
	struct cdp_err ignored;

	if (fixed && cdp_num_u64(&seed, fixed, strlen(fixed), UINT64_MAX, &ignored) == 0)
		return;
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == (ssize_t)sizeof(seed))
		return;
	/* Early boot or a sandbox without the call: the kernel gave 16 bytes at exec. */
	const void *at_exec = (const void *)getauxval(AT_RANDOM);

	if (at_exec)
		seed = XXH3_64bits(at_exec, 16);
}

uint64_t cdp_hash(const void *p, size_t n)
{
	return XXH3_64bits_withSeed(p, n, seed);
}

uint64_t cdp_hash_u64(uint64_t v)
{
	return XXH3_64bits_withSeed(&v, sizeof(v), seed);
}

uint64_t cdp_hash_stable(const void *p, size_t n, uint64_t stable_seed)
{
	return XXH3_64bits_withSeed(p, n, stable_seed);
}

static uint64_t load64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

static uint64_t rotl(uint64_t v, int n)
{
	return v << n | v >> (64 - n);
}

static inline void sip_rounds(uint64_t v[4], int rounds)
{
	for (int i = 0; i < rounds; i++) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotl(v[1], 13) ^ v[0];
		v[3] = rotl(v[3], 16) ^ v[2];
		v[0] = rotl(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotl(v[1], 17) ^ v[2];
		v[3] = rotl(v[3], 21) ^ v[0];
		v[2] = rotl(v[2], 32);
	}
}

uint64_t cdp_siphash(const uint8_t key[16], const void *p, size_t n)
{
	uint64_t k0 = load64(key), k1 = load64(key + 8);
	uint64_t v[4] = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
			  k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573 };
	const uint8_t *m = p;
	uint8_t last[8] = { 0 };
	uint64_t word;

	for (size_t left = n; left >= 8; left -= 8, m += 8) {
		word = load64(m);
		v[3] ^= word;
		sip_rounds(v, 2);
		v[0] ^= word;
	}
	if (n % 8)
		memcpy(last, m, n % 8);
	last[7] = (uint8_t)n;
	word = load64(last);
	v[3] ^= word;
	sip_rounds(v, 2);
	v[0] ^= word;
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
