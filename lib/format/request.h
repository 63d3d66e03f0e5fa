/* Requests of tracking libraries: which protocol a request speaks, its payloads, and the
 * answer that its library waits for.
 *
 * Dispatch is by path, then by bytes, never by Content-Type.  Compression is known by its
 * magic, and what it inflates to is bounded.  A request can also stand in a line of a
 * file, as it is recorded by test tools and kept in rejects:
 *
 *	{"method":"POST","path":"/sa","query":"project=p","headers":{"user-agent":"..."},
 *	 "body_base64":"...","received":"2024-04-25T06:59:46.123Z","ip":"10.0.0.1"}
 *
 * All members but `path` may be missing; `body` is a body that is text. */
#ifndef CDP_FORMAT_REQUEST_H
#define CDP_FORMAT_REQUEST_H

#include "format/protocol.h"

struct cdp_request {
	const char *method; /* "GET", "POST", "OPTIONS" */
	const char *path;
	const char *query; /* as it came, without '?'; "" */
	const char *body;
	size_t body_n;
	/* A header by its name in lower case, until the next call; NULL: not there.  May
	 * be NULL itself. */
	const char *(*header)(void *ctx, const char *lower_case_name);
	void *header_ctx;
	const char *ip;   /* or NULL */
	int64_t received; /* or CDP_NO_TIME */
};

/* What the library is to be told; the same whether records were good or set aside. */
struct cdp_answer {
	unsigned status;
	const char *type;    /* Content-Type, or NULL */
	struct cdp_buf body; /* initialised by the caller, reset by the reader */
	bool nothing;        /* a preflight or configuration: there was nothing to keep */
};

struct cdp_requests;
/* One a thread.  `inflated_max`: bytes that a compressed body may inflate to. */
struct cdp_requests *cdp_requests_new(const struct cdp_format_opts *opts,
				      size_t inflated_max);
void cdp_requests_free(struct cdp_requests *r);

/* 0: every record of the request went to the sink, or to its rejects (a request that is
 * not understood goes there whole, as a line of the form above), and *answer is filled.
 * -1 with *err: the sink failed; nothing must be acknowledged (503). */
int cdp_requests_read(struct cdp_requests *r, const struct cdp_request *q,
		      struct cdp_sink *sink, struct cdp_answer *answer,
		      struct cdp_err *err);
/* Whether an object looks like a line of the form above. */
bool cdp_requests_knows(const struct cdp_val *line);
/* A line of that form, as scanned.  -1 with a data error: nothing was written, the line
 * is bad. */
int cdp_requests_line(struct cdp_requests *r, const struct cdp_rec *rec,
		      struct cdp_sink *sink, struct cdp_err *err);

#endif
