/* Named blocks of bytes in one file with an index: written once, then mapped.
 *
 *	head	"cdpsets1", 24 bytes of zeros
 *	blocks	each at a multiple of 32
 *	index	an entry of 48 bytes a block, by the bytes of the names; at a multiple of
 *32 names	each name followed by its note
 *	foot	where the parts lie, the kind of the file and four numbers of its maker;
 *		checksums (XXH3) of itself, of the index and the names
 *
 * Numbers are little-endian, and the file is for such machines alone.  A block has a
 * checksum in its entry.  Opening checks the foot, the index and the names, about 10
 *GB/s; a block is checked when it is asked for.  Whatever the bytes, what is read stays
 *inside the file. */
#ifndef CDP_IO_BUNDLE_H
#define CDP_IO_BUNDLE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { CDP_BUNDLE_ALIGN = 32, CDP_BUNDLE_NUMBERS = 4 };

struct cdp_bundle_item {
	const char *name;
	size_t name_n;
	const char *note; /* what is said of the block */
	size_t note_n;
	uint64_t number; /* of the block, its maker's */
	const void *data;
	size_t n;
};

/* --- writing --- */

struct cdp_bundle_out;
/* Replaced atomically (io/out.h).  `kind` is of up to 16 bytes. */
struct cdp_bundle_out *cdp_bundle_create(const char *path, const char *kind,
					 struct cdp_err *err);
/* Names in ascending byte order, each once, of less than 4 GiB as are the notes. */
int cdp_bundle_add(struct cdp_bundle_out *o, const struct cdp_bundle_item *item,
		   struct cdp_err *err);
/* On disk and in its place when it returns 0.  Ends `o` in any case. */
int cdp_bundle_finish(struct cdp_bundle_out *o,
		      const uint64_t numbers[CDP_BUNDLE_NUMBERS], struct cdp_err *err);
void cdp_bundle_abandon(struct cdp_bundle_out *o); /* NULL is fine */

/* --- reading, by many threads if need be --- */

struct cdp_bundle;
struct cdp_bundle *cdp_bundle_open(const char *path, const char *kind,
				   struct cdp_err *err);
void cdp_bundle_close(struct cdp_bundle *p); /* NULL is fine */
const char *cdp_bundle_path(const struct cdp_bundle *p);
uint64_t cdp_bundle_number(const struct cdp_bundle *p, unsigned i);
uint32_t cdp_bundle_count(const struct cdp_bundle *p);
/* Where the name is, or -1. */
int64_t cdp_bundle_find(const struct cdp_bundle *p, const char *name, size_t n);
/* The first one whose name is not below. */
uint32_t cdp_bundle_lower(const struct cdp_bundle *p, const char *name, size_t n);
/* Block i in the order of names, borrowed.  cdp_bundle_at() leaves `data` unchecked and
 * is for all else. */
int cdp_bundle_at(const struct cdp_bundle *p, uint32_t i, struct cdp_bundle_item *item,
		  struct cdp_err *err);
int cdp_bundle_read(const struct cdp_bundle *p, uint32_t i, struct cdp_bundle_item *item,
		    struct cdp_err *err);

#endif
