/* The catalogue of stored audiences: cdp-segment --list. */
#ifndef CDP_CLI_SEGMENT_LIST_H
#define CDP_CLI_SEGMENT_LIST_H

#include "cli/rows.h"
#include "model/segstore.h"

struct cdp_segment_list {
	struct cdp_rows *rows;
	const struct cdp_segversion *v;
	const char *as_of;  /* of the version, CDP_TIME_CANON bytes */
	const char *dir;    /* of the store, for messages */
	const char *search; /* what a row must tell of; NULL: anything */
};
/* The row of an audience, if it is searched for.  0, 1: the output failed, -1 with *err.
 */
int cdp_segment_list_entry(const struct cdp_segment_list *l,
			   const struct cdp_segaudience *au, struct cdp_err *err);

#endif
