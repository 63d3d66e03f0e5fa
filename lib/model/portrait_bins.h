/* Ordered values of a tag, put into bins.  Inside of lib/model/portrait_table alone. */
#ifndef CDP_MODEL_PORTRAIT_BINS_H
#define CDP_MODEL_PORTRAIT_BINS_H

#include "model/portrait_table.h"

enum cdp_portrait_order { CDP_PORTRAIT_TEXT, CDP_PORTRAIT_NUMBERS, CDP_PORTRAIT_TIMES };

/* The values of a tag, sorted: numbers by value, all else by the bytes of their keys. */
struct cdp_portrait_sorted {
	const struct cdp_portrait_tag *tag;
	unsigned groups;
	enum cdp_portrait_order order;
	uint32_t *ids;
	uint32_t count;
};

void cdp_portrait_sort(struct cdp_portrait_sorted *s, const struct cdp_portrait_tag *tag,
		       unsigned groups);
void cdp_portrait_sorted_release(struct cdp_portrait_sorted *s);
/* The text of value number i in that order, without the kind. */
const char *cdp_portrait_text(const struct cdp_portrait_sorted *s, uint32_t i, size_t *n);
static inline uint64_t cdp_portrait_count(const struct cdp_portrait_sorted *s, uint32_t i,
					  unsigned group)
{
	return s->tag->counts[(size_t)s->ids[i] * s->groups + group];
}
/* A value as JSON text, kept in `text`. */
const char *cdp_portrait_json(struct cdp_arena *text, char kind, const char *p, size_t n,
			      size_t *len);

/* Appends rows for at most `bins` bins.
 *
 * Of equal count: the values at the ranks k/bins of the base begin new bins; equal values
 * stay together, so there may be fewer bins.  Of equal width: the width is the smallest
 * one of one digit and zeros for which the bins, at multiples of it, are not too many;
 * values that differ only beyond the 15th digit get bins of equal count.  With a minimum
 * for cells the edges tell of no one: the outer ones are open, those from ranks are cut
 * to two digits, or to days. */
void cdp_portrait_add_bins(struct cdp_portrait_table *t,
			   const struct cdp_portrait_sorted *s,
			   const struct cdp_portrait_spec *spec, unsigned bins,
			   struct cdp_arena *text);
/* Fills the summaries of all groups. */
void cdp_portrait_summarise(struct cdp_portrait_table *t,
			    const struct cdp_portrait_sorted *s, struct cdp_arena *text);

#endif
