/* Messages as the libraries of Segment write them: one JSON object a line. */
#ifndef CDP_FORMAT_SEGMENT_WRITE_H
#define CDP_FORMAT_SEGMENT_WRITE_H

#include "base/buf.h"

#include <stdint.h>

/* Strings are UTF-8 and end in NUL; NULL leaves a member out. */
struct cdp_segment_rec {
	const char *type, *event; /* "track"; event NULL for others */
	const char *user, *anonymous, *device, *phone;
	const char *lib, *lib_version;
	char message_id[16];
	int64_t time_ms, sent_ms; /* since the epoch */
	const char *props;        /* ready members of `properties`, without braces */
	size_t nprops;
};

/* Append the message and LF.  The phone is a trait: of an identify, else of the context.
 */
void cdp_segment_write(struct cdp_buf *out, const struct cdp_segment_rec *r);

#endif
