/* Events that are good as they came, but perhaps for where their head stands, how its
 * time is written, and what of their delivery they do not say: most of them. */
#ifndef CDP_FORMAT_NATIVE_PLAIN_H
#define CDP_FORMAT_NATIVE_PLAIN_H

#include "base/time.h"
#include "format/native.h"

/* Of the last event. */
struct cdp_native_minutes {
	struct cdp_minute time, received;
};

/* As cdp_native_read() would, in fewer steps: true if it is such an event, which is
 * appended then, and *info filled.  False says nothing of the record, and nothing is
 * appended. */
bool cdp_native_plain(const struct cdp_native_slots *slots,
		      const struct cdp_format_opts *opts, struct cdp_native_minutes *m,
		      const struct cdp_rec *rec, struct cdp_buf *out,
		      struct cdp_canon *info);

#endif
