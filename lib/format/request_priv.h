/* Inside of the reader of requests: what its parts share. */
#ifndef CDP_FORMAT_REQUEST_PRIV_H
#define CDP_FORMAT_REQUEST_PRIV_H

#include "format/request.h"
#include "format/route.h"

/* Bytes of a path, parameter or header that the records of a request, or its rejects,
 * repeat: one request may hold a million. */
enum { REQUEST_REPEATED_MAX = 255 };

struct cdp_requests {
	struct cdp_format_opts opts; /* `received` is that of the request at hand */
	int64_t received;            /* of requests that do not say */
	struct cdp_decoder decoder;
	size_t inflated_max;
	uint64_t ids; /* given out so far */
	struct cdp_paths *paths;
	struct cdp_scan *scan; /* of payloads, as the member of a record */
	int payload_slot;

	/* the request at hand */
	const struct cdp_request *q;
	const struct cdp_protocol *forced; /* named by the path */
	const struct cdp_route *route;     /* NULL: the path means nothing */
	const struct cdp_protocol *reader; /* of the payload */
	const char *body;                  /* unpacked */
	size_t body_n;
	bool protobuf; /* it was, and so must be the answer */
	struct cdp_val payload;
	struct cdp_sink *outer;
	/* The payload may stand in any of the first four. */
	struct cdp_buf unpacked, text, param, tmp, line, scratch;
	struct cdp_buf project, token;

	/* a request that stands in a line */
	struct cdp_val headers;
	struct cdp_buf method, path, query, content, header, ip;
};

/* Fills r->payload from the request.  0, or -1 with a data error. */
int request_payload(struct cdp_requests *r, struct cdp_err *err);
/* Appends the request as a line; with `body`, `path` and what else is known of the
 * delivery, instead of all of it, if `body` is not NULL. */
void request_write(struct cdp_requests *r, struct cdp_buf *out, const char *path,
		   const char *body, size_t n);

#endif
