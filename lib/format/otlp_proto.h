/* OTLP logs in protocol buffers. */
#ifndef CDP_FORMAT_OTLP_PROTO_H
#define CDP_FORMAT_OTLP_PROTO_H

#include "base/buf.h"
#include "base/err.h"

/* Appends an ExportLogsServiceRequest as the JSON of OTLP.  Fields that the version of
 * the protocol known here does not have are left out.  -1 with a data error, and nothing
 * is appended, if the bytes are none. */
int cdp_otlp_json(struct cdp_buf *out, const char *p, size_t n, struct cdp_err *err);

#endif
