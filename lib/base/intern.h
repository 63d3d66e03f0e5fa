/* Strings that repeat become dense integers 0, 1, 2 ... in order of first appearance.
 *
 * Open addressing with 8-byte slots (32 stored hash bits and the id), so growing never
 * touches the keys; these stay valid and unmoved until release.  A key takes 24 bytes
 * and, if it is longer than 20, its bytes. Zero-length keys and NULs are fine.  Not
 * thread-safe: one table a thread, merge afterwards. */
#ifndef CDP_BASE_INTERN_H
#define CDP_BASE_INTERN_H

#include "base/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cdp_intern;

#define CDP_INTERN_NONE UINT32_MAX
enum { CDP_INTERN_NEAR = 20 }; /* longer keys lie apart */

struct cdp_intern *cdp_intern_new(size_t expected);
void cdp_intern_free(struct cdp_intern *t);
/* The id of the key, added if new (*added, may be NULL, says so). */
uint32_t cdp_intern_put(struct cdp_intern *t, const char *p, size_t n, bool *added);
/* The same with the hash at hand, cdp_hash(p, n): for batches that prefetch. */
uint32_t cdp_intern_put_hashed(struct cdp_intern *t, const char *p, size_t n,
			       uint64_t hash, bool *added);
/* Ahead of a lookup: the slot; later, when that is there, the key; later, the rest of one
 * that is long. */
void cdp_intern_prefetch(const struct cdp_intern *t, uint64_t hash);
void cdp_intern_prefetch_where(const struct cdp_intern *t, uint64_t hash);
void cdp_intern_prefetch_key(const struct cdp_intern *t, uint64_t hash);
/* Ahead of cdp_intern_key(): the key; later, the rest of one that is long. */
void cdp_intern_prefetch_where_id(const struct cdp_intern *t, uint32_t id);
void cdp_intern_prefetch_id(const struct cdp_intern *t, uint32_t id);
/* What the id will probably be, told by the slot alone; CDP_INTERN_NONE: a new key. */
uint32_t cdp_intern_guess(const struct cdp_intern *t, uint64_t hash);
/* As cdp_intern_put_hashed(), quicker if such a guess is right. */
uint32_t cdp_intern_put_guessed(struct cdp_intern *t, const char *p, size_t n,
				uint64_t hash, uint32_t guess);
uint32_t cdp_intern_get(const struct cdp_intern *t, const char *p, size_t n);
uint32_t cdp_intern_get_hashed(const struct cdp_intern *t, const char *p, size_t n,
			       uint64_t hash);
const char *cdp_intern_key(const struct cdp_intern *t, uint32_t id, size_t *n);
uint32_t cdp_intern_count(const struct cdp_intern *t);
/* Puts all keys of `from`: its ids as ids of `into`; caller frees. */
uint32_t *cdp_intern_put_all(struct cdp_intern *into, const struct cdp_intern *from);
/* All ids by ascending key bytes (a prefix before what it begins); caller frees. */
uint32_t *cdp_intern_order(const struct cdp_intern *t);
/* The same over `count` tables that share no key; id i of table k is i * count + k. */
uint32_t *cdp_intern_order_all(const struct cdp_intern *const *tables, unsigned count);
/* The same by so many threads. */
uint32_t *cdp_intern_order_jobs(const struct cdp_intern *const *tables, unsigned count,
				unsigned jobs);
/* Nothing is put or looked for any more, keys are asked for alone: frees what only that
 * needs. */
void cdp_intern_seal(struct cdp_intern *t);
size_t cdp_intern_memory(const struct cdp_intern *t); /* bytes, for --stats */

#endif
