/* How far a table was read by a column that only grows: the last value of it, and which
 * rows with just that value were read.  The next run asks for rows from that value on and
 * passes over those; so rows that came later with the same value are not missed, and no
 * row is brought twice as long as it stays what it was.
 *
 * Memory: 16 bytes for each row with the last value. */
#ifndef CDP_MODEL_WATERMARK_H
#define CDP_MODEL_WATERMARK_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct cdp_watermark;

struct cdp_watermark *cdp_watermark_new(void);
void cdp_watermark_free(struct cdp_watermark *w);

/* What cdp_watermark_save() wrote; -1 with a system error if it did not. */
int cdp_watermark_load(struct cdp_watermark *w, const void *p, size_t n,
		       struct cdp_err *err);
void cdp_watermark_save(const struct cdp_watermark *w, struct cdp_buf *out);

/* The query: all of `from` (a table, or a query in parentheses with a name) in the order
 * of the column, from the position on if there is one.  The value is written as a number
 * where the column was one, else as a text, which databases turn into its type. */
void cdp_watermark_query(const struct cdp_watermark *w, const char *from,
			 const char *column, struct cdp_buf *out);

/* A row, as it comes in that order: its value, and all of it.  True if it is one of those
 * that were read before. */
bool cdp_watermark_pass(struct cdp_watermark *w, const char *value, size_t n,
			bool is_number, const char *row, size_t row_n);

/* Whether a position was saved, or passed since. */
bool cdp_watermark_is_set(const struct cdp_watermark *w);

#endif
