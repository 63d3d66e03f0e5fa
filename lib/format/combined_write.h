/* Lines of the `combined` access log, as nginx writes it. */
#ifndef CDP_FORMAT_COMBINED_WRITE_H
#define CDP_FORMAT_COMBINED_WRITE_H

#include "base/buf.h"

#include <stdint.h>

struct cdp_combined_rec {
	uint8_t ip[4];
	const char *user;   /* NULL: "-" */
	int64_t epoch_s;    /* written in the server's zone ... */
	int32_t utc_offset; /* ... so many seconds east */
	const char *method, *target;
	size_t ntarget;
	unsigned status, bytes;
	const char *referer, *agent; /* NULL: "-" */
	size_t nreferer;
};

/* Append the line and LF.  What nginx escapes is escaped: bytes below 32, from 127 on,
 * quotes and backslashes become \xHH. */
void cdp_combined_write(struct cdp_buf *out, const struct cdp_combined_rec *r);

/* Append text percent-encoded as a value of a query: all but unreserved characters (RFC
 * 3986) become %HH. */
void cdp_percent_add(struct cdp_buf *out, const char *p, size_t n);

#endif
