/* Records that were set aside (cdp-record(5), "Reject"), taken back. */
#ifndef CDP_FORMAT_REJECT_H
#define CDP_FORMAT_REJECT_H

#include "base/buf.h"
#include "record/scan.h"

struct cdp_reject_slots {
	int raw, raw_b64, raw_file, offset, length;
	int row; /* of the reject: how a row of a table was read (cli/tables.h) */
};
void cdp_reject_paths(struct cdp_reject_slots *slots, struct cdp_paths *paths);

/* The bytes that were rejected, in `tmp` or the record itself.  A line that stands in a
 * file of its own is read from there if it has at most `max` bytes.  0, or -1 with a data
 * error (the record is no reject) or a system error. */
int cdp_reject_raw(const struct cdp_reject_slots *slots, struct cdp_rec *rec, size_t max,
		   struct cdp_buf *tmp, const char **p, size_t *n, struct cdp_err *err);

#endif
