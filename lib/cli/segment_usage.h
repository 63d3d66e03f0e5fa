/* What became of audiences and tags: cdp-segment --usage.  When each was last used, what
 * it takes in the store, what reads it, and whether it can go. */
#ifndef CDP_CLI_SEGMENT_USAGE_H
#define CDP_CLI_SEGMENT_USAGE_H

#include "cli/segment_lineage.h"
#include "cli/segment_store.h"

struct cdp_segment_usage_opts {
	bool on;                /* --usage */
	struct cdp_strs costs;  /* files of rows of --cost */
	struct cdp_strs retire; /* "tag:aum": these alone, as if all of them were gone */
};

struct cdp_segment_usage {
	const struct cdp_segment_usage_opts *o;
	const struct cdp_segment_store_opts *store; /* it is open */
	const struct cdp_strs *used_in;             /* files that may name them */
	const struct cdp_segments *set;
	struct cdp_segment_lineage *lineage;
};
/* A row for each audience, and for each tag where these are known, the longest unused
 * first.  With `retire` the status is 1 if one of them cannot go. */
int cdp_segment_usage(struct cdp_cli *cli, const struct cdp_segment_usage *q,
		      struct cdp_err *err);

#endif
