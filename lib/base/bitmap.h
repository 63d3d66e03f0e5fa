/* Sets of 32-bit numbers, compressed: Roaring bitmaps (Lemire et al., 2018).
 *
 * Memory: about 2 bytes a number, less where they lie close together; never more than
 * n / 8 bytes for numbers below n.  A bitmap has one writer or many readers.  Those that
 * `view` returns read memory of the caller; they may be operands, be copied and freed,
 * but not changed. */
#ifndef CDP_BASE_BITMAP_H
#define CDP_BASE_BITMAP_H

#include "base/buf.h"
#include "base/err.h"

struct cdp_bitmap;

struct cdp_bitmap *cdp_bitmap_new(void);
struct cdp_bitmap *cdp_bitmap_of(const uint32_t *v, size_t n);   /* in any order */
struct cdp_bitmap *cdp_bitmap_range(uint64_t from, uint64_t to); /* from <= x < to */
struct cdp_bitmap *cdp_bitmap_copy(const struct cdp_bitmap *b);
void cdp_bitmap_free(const struct cdp_bitmap *b); /* NULL is fine */

void cdp_bitmap_add(struct cdp_bitmap *b, uint32_t x);
void cdp_bitmap_add_many(struct cdp_bitmap *b, const uint32_t *v, size_t n);
void cdp_bitmap_add_range(struct cdp_bitmap *b, uint64_t from, uint64_t to);
void cdp_bitmap_remove(struct cdp_bitmap *b, uint32_t x);
void cdp_bitmap_clear(struct cdp_bitmap *b);

bool cdp_bitmap_has(const struct cdp_bitmap *b, uint32_t x);
bool cdp_bitmap_is_empty(const struct cdp_bitmap *b);
uint64_t cdp_bitmap_count(const struct cdp_bitmap *b);
bool cdp_bitmap_equals(const struct cdp_bitmap *a, const struct cdp_bitmap *b);
bool cdp_bitmap_is_subset(const struct cdp_bitmap *a, const struct cdp_bitmap *of);
/* How many are smaller than x. */
uint64_t cdp_bitmap_rank(const struct cdp_bitmap *b, uint32_t x);
/* The one before which there are `rank` smaller ones; false: there are not so many. */
bool cdp_bitmap_select(const struct cdp_bitmap *b, uint32_t rank, uint32_t *x);

struct cdp_bitmap *cdp_bitmap_and(const struct cdp_bitmap *a, const struct cdp_bitmap *b);
struct cdp_bitmap *cdp_bitmap_or(const struct cdp_bitmap *a, const struct cdp_bitmap *b);
struct cdp_bitmap *cdp_bitmap_xor(const struct cdp_bitmap *a, const struct cdp_bitmap *b);
struct cdp_bitmap *cdp_bitmap_andnot(const struct cdp_bitmap *a,
				     const struct cdp_bitmap *b);
struct cdp_bitmap *cdp_bitmap_or_all(const struct cdp_bitmap *const *v, size_t n);
/* In place: `into` gets the result. */
void cdp_bitmap_and_with(struct cdp_bitmap *into, const struct cdp_bitmap *b);
void cdp_bitmap_or_with(struct cdp_bitmap *into, const struct cdp_bitmap *b);
void cdp_bitmap_andnot_with(struct cdp_bitmap *into, const struct cdp_bitmap *b);
/* Counts without making the result. */
uint64_t cdp_bitmap_and_count(const struct cdp_bitmap *a, const struct cdp_bitmap *b);
uint64_t cdp_bitmap_andnot_count(const struct cdp_bitmap *a, const struct cdp_bitmap *b);

/* Up to `cap` numbers >= *from in order: how many; *from is what to go on with.  A loop
 * starts with 0 and ends when it gets none. */
size_t cdp_bitmap_next(const struct cdp_bitmap *b, uint64_t *from, uint32_t *v,
		       size_t cap);

/* {to[v[0]], to[v[1]] ...}, all of them below `limit`; each v once. */
struct cdp_bitmap *cdp_bitmap_map(const uint32_t *v, size_t n, const uint32_t *to,
				  uint32_t limit);

/* As small as it can be, in a shape that follows from its numbers alone: equal sets are
 * written as equal bytes. */
void cdp_bitmap_optimise(struct cdp_bitmap *b);
/* Appends the portable form (the Roaring format specification), the same on all machines
 * and in other languages. */
void cdp_bitmap_write(const struct cdp_bitmap *b, struct cdp_buf *out);
/* Exactly one bitmap in n bytes, from anywhere: NULL with CDP_ERR_SYS if it is damaged.
 */
struct cdp_bitmap *cdp_bitmap_read(const void *p, size_t n, struct cdp_err *err);

/* Appends a form that can be used where it lies, of little-endian machines. */
enum { CDP_BITMAP_ALIGN = 32 };
void cdp_bitmap_freeze(const struct cdp_bitmap *b, struct cdp_buf *out);
/* The same of the set of `n` ascending numbers, optimised, without making it. */
void cdp_bitmap_freeze_sorted(const uint32_t *v, size_t n, struct cdp_buf *out);
/* Of exactly n bytes, which are aligned and stay while it is used.  They are checked
 * (time grows with n): whatever they are, it is a set or NULL with CDP_ERR_SYS. */
const struct cdp_bitmap *cdp_bitmap_view(const void *p, size_t n, struct cdp_err *err);

#endif
