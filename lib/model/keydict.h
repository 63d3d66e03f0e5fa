/* The ordinals of customers: key -> 0, 1, 2 ..., kept in a file that only grows.
 *
 * A key that has an ordinal keeps it, also when its customer is gone, so sets of ordinals
 * stay true.  New keys are added in the order of their bytes: the order in which they
 *were met does not show.
 *
 *	head	"cdpkeys1", 24 bytes of zeros
 *	block	one for each time that keys were added: a header with counts and
 *checksums, where each key ends (4 bytes each), the keys; at a multiple of 8
 *
 * A block that was not written whole ends the file; the next writer cuts it off.  Each
 * block carries a fingerprint of all keys up to it, which ties sets to their dictionary.
 *
 * Memory: of a reader what it looks at, through a mapping; to find ordinals by key, about
 * 40 bytes a key beside the key. */
#ifndef CDP_MODEL_KEYDICT_H
#define CDP_MODEL_KEYDICT_H

#include "base/err.h"
#include "base/intern.h"

struct cdp_keydict;

/* For reading; NULL with *err where there is none. */
struct cdp_keydict *cdp_keydict_open(const char *path, struct cdp_err *err);
/* For adding, made if missing.  One writer at a time: the caller holds a lock. */
struct cdp_keydict *cdp_keydict_open_writer(const char *path, struct cdp_err *err);
void cdp_keydict_close(struct cdp_keydict *d); /* NULL is fine */

uint32_t cdp_keydict_count(const struct cdp_keydict *d);
/* Of the block that ends the first `count` keys or goes beyond them, 0 for none; -1:
 * there are not so many. */
int cdp_keydict_fingerprint(const struct cdp_keydict *d, uint32_t count, uint64_t *print);

/* The key of an ordinal, borrowed. */
int cdp_keydict_key(struct cdp_keydict *d, uint32_t ordinal, const char **p, size_t *n,
		    struct cdp_err *err);
/* The ordinal, or CDP_INTERN_NONE.  The first call reads all keys. */
int cdp_keydict_find(struct cdp_keydict *d, const char *p, size_t n, uint32_t *ordinal,
		     struct cdp_err *err);
/* Keys in ascending order of their bytes, each once. */
struct cdp_keylist {
	uint32_t count;
	const char *(*key)(void *ctx, uint32_t i, size_t *n);
	void *ctx;
};
/* Of a writer: the ordinals of all keys, in their order; caller frees.  New ones are
 * added and on disk.  NULL with *err. */
uint32_t *cdp_keydict_put_all(struct cdp_keydict *d, const struct cdp_keylist *keys,
			      struct cdp_err *err);

#endif
