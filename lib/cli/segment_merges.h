/* The merge log of cdp-idmap where stored audiences of two nights are compared: who
 * became whom neither left nor entered by that. */
#ifndef CDP_CLI_SEGMENT_MERGES_H
#define CDP_CLI_SEGMENT_MERGES_H

#include "base/bitmap.h"
#include "cli/cli.h"
#include "model/keydict.h"

struct cdp_segment_merges;

/* Reads the log: 0, or -1 with *err, or 1 if it could not be read, which was told. */
int cdp_segment_merges_read(struct cdp_cli *cli, struct cdp_segment_merges **m,
			    const char *path, struct cdp_err *err);
void cdp_segment_merges_free(struct cdp_segment_merges *m); /* NULL is fine */
/* Who a customer became, itself if nobody; borrowed. */
const char *cdp_segment_merges_key(struct cdp_segment_merges *m, const char *p, size_t n,
				   size_t *len);
/* Finds the customers by their ordinals. */
int cdp_segment_merges_place(struct cdp_segment_merges *m, struct cdp_keydict *d,
			     struct cdp_err *err);
/* The set with those who became others as these; caller frees. */
struct cdp_bitmap *cdp_segment_merges_apply(const struct cdp_segment_merges *m,
					    const struct cdp_bitmap *b);

#endif
