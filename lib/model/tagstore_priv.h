/* What writer and reader of stored tags share. */
#ifndef CDP_MODEL_TAGSTORE_PRIV_H
#define CDP_MODEL_TAGSTORE_PRIV_H

#include "base/buf.h"

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

#endif
