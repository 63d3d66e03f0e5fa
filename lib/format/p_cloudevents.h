/* CloudEvents that came in the binary form of HTTP: attributes in headers `ce-<name>`,
 * the data as body. */
#ifndef CDP_FORMAT_P_CLOUDEVENTS_H
#define CDP_FORMAT_P_CLOUDEVENTS_H

#include "base/buf.h"
#include "base/err.h"

/* `header` as in format/request.h. */
bool cdp_cloudevents_is_binary(const char *(*header)(void *ctx, const char *name),
			       void *ctx);
/* Appends the event in the structured form: all attributes of the specification and those
 * extensions that are ids or of its own documents.  -1 with a data error if it is bad;
 * what was appended is of no use then. */
int cdp_cloudevents_json(struct cdp_buf *out,
			 const char *(*header)(void *ctx, const char *name), void *ctx,
			 const char *body, size_t n, struct cdp_err *err);

#endif
