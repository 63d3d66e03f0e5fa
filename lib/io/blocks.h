/* Files of blocks: written once, front to back, then read the same way through a mapping.
 *
 * Every block stands after its length and a hash of it, so that a file that was cut short
 * or damaged is an error and never a shorter answer; the last one is followed by the
 * number of blocks.  A new file takes its name when it is complete and on disk
 * (io/out.h). In the byte order of this machine. */
#ifndef CDP_IO_BLOCKS_H
#define CDP_IO_BLOCKS_H

#include "base/err.h"

#include <stdint.h>

enum { CDP_BLOCKS_MAGIC = 8 }; /* bytes that say what the file is */

struct cdp_blocks_out;
struct cdp_blocks_out *cdp_blocks_create(const char *path,
					 const char magic[CDP_BLOCKS_MAGIC],
					 struct cdp_err *err);
/* n > 0 bytes.  Errors are kept until the end. */
void cdp_blocks_add(struct cdp_blocks_out *o, const void *p, size_t n);
/* Ends and frees it in any case; 0, or -1 with *err and whatever had the name before. */
int cdp_blocks_finish(struct cdp_blocks_out *o, struct cdp_err *err);
void cdp_blocks_abandon(struct cdp_blocks_out *o); /* NULL is fine */

struct cdp_blocks;
/* 1 and *out; 0: no such file; -1: an error, also if it begins with other bytes. */
int cdp_blocks_open(struct cdp_blocks **out, const char *path,
		    const char magic[CDP_BLOCKS_MAGIC], struct cdp_err *err);
void cdp_blocks_close(struct cdp_blocks *b); /* NULL is fine */
/* 1 and the next block, valid until the file is closed; 0: that was the last; -1. */
int cdp_blocks_next(struct cdp_blocks *b, const char **p, size_t *n, struct cdp_err *err);
/* Back to the first. */
void cdp_blocks_rewind(struct cdp_blocks *b);
uint64_t cdp_blocks_size(const struct cdp_blocks *b); /* of the file, in bytes */

#endif
