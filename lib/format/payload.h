/* Compressed bytes, known by their magic. */
#ifndef CDP_FORMAT_PAYLOAD_H
#define CDP_FORMAT_PAYLOAD_H

#include "base/buf.h"
#include "base/err.h"

/* Bytes that are gzip, zlib or zstd by their magic, unpacked to `out` (reset first); the
 * others are left: *p and *n are what to read then.  What they inflate to may have `max`
 * bytes.  0, or -1 with a data error. */
int cdp_unpack_bytes(const char **p, size_t *n, struct cdp_buf *out, size_t max,
		     struct cdp_err *err);
#endif
