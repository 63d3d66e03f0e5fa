/* Hashes, each for one purpose. */
#ifndef CDP_BASE_HASH_H
#define CDP_BASE_HASH_H

#include "base/hex.h"

#include <stddef.h>
#include <stdint.h>

/* For tables in memory: fast, seeded per process with a secret (flooding), never stored.
 */
uint64_t cdp_hash(const void *p, size_t n);
uint64_t cdp_hash_u64(uint64_t v);

/* For values that must be the same on every run and machine (samples, splits, message
 * ids' buckets): XXH3 64 with this seed, stable by specification. */
uint64_t cdp_hash_stable(const void *p, size_t n, uint64_t seed);

/* Keyed 64-bit ids (one_id): SipHash-2-4 (Aumasson, Bernstein 2012) under a 128-bit key.
 * Without the key an id can neither be computed nor reversed by enumeration. */
uint64_t cdp_siphash(const uint8_t key[16], const void *p, size_t n);

#endif
