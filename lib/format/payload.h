/* From the bytes of a request to the JSON in them: compression, forms, base64. */
#ifndef CDP_FORMAT_PAYLOAD_H
#define CDP_FORMAT_PAYLOAD_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

/* Bytes that are gzip, zlib or zstd by their magic, unpacked to `out` (reset first); the
 * others are left: *p and *n are what to read then.  What they inflate to may have `max`
 * bytes.  0, or -1 with a data error. */
int cdp_unpack_bytes(const char **p, size_t *n, struct cdp_buf *out, size_t max,
		     struct cdp_err *err);
/* Appends what base64 text holds: the standard or URL-safe alphabet, padded or not; white
 * space is skipped, but a blank is a '+' that a form took for one.  0, or -1 with a data
 * error. */
int cdp_base64_read(struct cdp_buf *out, const char *p, size_t n, struct cdp_err *err);
void cdp_base64_write(struct cdp_buf *out, const char *p, size_t n);

/* application/x-www-form-urlencoded text, which a query is, too.  *at goes on from 0; the
 * key and value of the next pair are decoded into their buffers (reset first).  False: no
 * more. */
bool cdp_form_next(const char *form, size_t n, size_t *at, struct cdp_buf *key,
		   struct cdp_buf *value);
/* The first value of a name, decoded into `value` (reset first); false: not there. */
bool cdp_form_get(const char *form, size_t n, const char *name, struct cdp_buf *value);
/* Appends `"name":"value","name":"value"` of all pairs, preceded by a comma unless `out`
 * ends in '{'.  What is not UTF-8 stays so. */
void cdp_form_json(struct cdp_buf *out, const char *form, size_t n);
/* Appends text with all but letters, digits and "-._~" percent-encoded. */
void cdp_form_put(struct cdp_buf *out, const char *p, size_t n);

#endif
