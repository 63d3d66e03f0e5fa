/* Lists of rows, very many of them side by side: of each audience the rows that are in
 * it, as blocks of rows tell of them.
 *
 * What a few blocks tell lies one after the other as it came; then it is put together,
 * list by list, to a pane: 16,384 rows at most, whose places in it take 2 bytes each.
 * Nothing is moved after that.  Memory: 2 bytes a row of a list, and for each pane 4
 * bytes a list, or 8 a list that has rows there if those are few. */
#ifndef CDP_MODEL_ROWLISTS_H
#define CDP_MODEL_ROWLISTS_H

#include "model/ruleblock.h"

struct cdp_rowlists;

struct cdp_rowlists *cdp_rowlists_new(uint32_t lists);
void cdp_rowlists_free(struct cdp_rowlists *p); /* NULL is fine */
/* Rows first + i, for the i in `rows`, are in the list.  `first` only ascends; lists do
 * as long as it is the same. */
void cdp_rowlists_add(struct cdp_rowlists *p, uint32_t list, uint32_t first,
		      const struct cdp_rowset *rows);
/* Nothing will be added; before that nothing can be asked. */
void cdp_rowlists_end(struct cdp_rowlists *p);

uint32_t cdp_rowlists_count(const struct cdp_rowlists *p, uint32_t list);
/* to[row] of the rows of a list, in order of rows; where they end.  There must be room.
 */
uint32_t *cdp_rowlists_rows(const struct cdp_rowlists *p, uint32_t list,
			    const uint32_t *to, uint32_t *out);

#endif
