/* Records of our own kinds (cdp-record(5)): checked and made canonical.
 *
 * A canonical event leaves byte for byte.  All others get the head first and no white
 * space; times are converted, ids become strings; the rest stays as and where it was. */
#ifndef CDP_FORMAT_NATIVE_H
#define CDP_FORMAT_NATIVE_H

#include "format/canon.h"

struct cdp_native;

/* Slots of the members that the reader looks at. */
struct cdp_native_slots {
	int ids, props, sent, received, event_id, source;
	int detail, row, entity, id, relation, to, deleted;
	int set, set_once, increment, append, unset;
};
void cdp_native_paths(struct cdp_native_slots *slots, struct cdp_paths *paths);

/* One a thread; `opts` and `slots` outlive it. */
struct cdp_native *cdp_native_new(const struct cdp_format_opts *opts,
				  const struct cdp_native_slots *slots);
void cdp_native_free(struct cdp_native *r);

/* Whether a record's `type` is one of ours; a missing one is. */
bool cdp_native_knows(const struct cdp_val *type);

int cdp_native_read(struct cdp_native *r, struct cdp_rec *rec, struct cdp_buf *out,
		    struct cdp_canon *info, struct cdp_err *err);

#endif
