/* What writer and reader of stored tags share. */
#ifndef CDP_MODEL_TAGSTORE_PRIV_H
#define CDP_MODEL_TAGSTORE_PRIV_H

#include "base/buf.h"
#include "io/bundle.h"
#include "model/portrait.h"

/* Numbers of the file. */
enum { CDP_TAGS_TIME, CDP_TAGS_NEEDED, CDP_TAGS_PRINT };

/* What an entry is, in the order in which those of a tag stand.  The first one is there
 * for every tag. */
enum cdp_tags_entry {
	CDP_TAGS_NAMED = 'a',   /* bitmap: who has the tag, be it null */
	CDP_TAGS_PRESENT = 'b', /* bitmap: with a value; not there: all who have it */
	CDP_TAGS_LISTS = 'c',   /* bitmap: with a list; not there: nobody */
	CDP_TAGS_KEYS =
		'd', /* a column's keys: their count, where each ends, the texts */
	CDP_TAGS_CELLS = 'e', /* a column: 1 + the number of the value, or 0 */
	CDP_TAGS_VALUE = 'f', /* bitmap: with this value */
	/* Of a column of numbers that fit: each times 10^scale, 8 bytes. */
	CDP_TAGS_SCALED = 'g',
};

#define CDP_TAGS_KIND "tags"

static inline void cdp_tags_name(struct cdp_buf *b, const char *tag, size_t n,
				 enum cdp_tags_entry what)
{
	const unsigned char len[4] = { (unsigned char)(n >> 24), (unsigned char)(n >> 16),
				       (unsigned char)(n >> 8), (unsigned char)n };

	cdp_buf_reset(b);
	cdp_buf_add(b, len, sizeof(len));
	cdp_buf_add(b, tag, n);
	cdp_buf_addc(b, (char)what);
}

/* Where the entry of a tag is, or -1; `key` is that of a value. */
int64_t cdp_tags_find(const struct cdp_bundle *file, const char *tag, size_t n,
		      enum cdp_tags_entry what, const char *key, size_t key_n);
int cdp_tags_damaged(const struct cdp_bundle *file, struct cdp_err *err); /* -1 */

/* --- columns --- */

/* The values in the order of portraits: number[1 + id] is 1 + the place of a value,
 * `keys` the entry CDP_TAGS_KEYS, and `scaled` that of CDP_TAGS_SCALED, empty if there is
 * none. */
void cdp_tags_make_column(const struct cdp_intern *values, uint32_t *number,
			  struct cdp_buf *keys, struct cdp_buf *scaled, unsigned *scale);

struct cdp_tags_column {
	struct cdp_portrait_keys keys;
	const void *cells;
	unsigned width;
	const int64_t *scaled; /* may be NULL */
	unsigned scale;
};
/* 1, or 0 if the tag is no column, or -1.  Cells are not checked. */
int cdp_tags_read_column(const struct cdp_bundle *file, uint32_t limit, const char *tag,
			 size_t n, struct cdp_tags_column *c, struct cdp_err *err);
static inline uint32_t cdp_tags_cell(const struct cdp_tags_column *c, uint32_t i)
{
	return c->width == 1   ? ((const uint8_t *)c->cells)[i]
	       : c->width == 2 ? ((const uint16_t *)c->cells)[i]
			       : ((const uint32_t *)c->cells)[i];
}

#endif
