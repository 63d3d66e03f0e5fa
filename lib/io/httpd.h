/* An HTTP/1.1 server on libmicrohttpd (httpd_thread.c alone includes it): requests come
 * in whole, with bounds on all of their parts, and are answered now or later.  It knows
 * nothing of what they say.
 *
 * Bodies are collected as they arrive, chunked or not, and connections are kept alive.
 * What is too large is not kept: the handler gets such a request without its body and
 * says what is answered.  A request line and headers of more than twice `head_max` are
 * answered by the library itself, and so is what is no HTTP.
 *
 * A connection whose client takes longer than `patience_ms` for a request line, for the
 * rest of a request, or to ask again, is closed, however busily it sends. */
#ifndef CDP_IO_HTTPD_H
#define CDP_IO_HTTPD_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cdp_httpd;

enum cdp_httpd_excess {
	CDP_HTTPD_FITS,
	CDP_HTTPD_HEAD,   /* request line and headers: head_max */
	CDP_HTTPD_BODY,   /* body_max */
	CDP_HTTPD_BODIES, /* of all requests together: bodies_max */
	/* Its head tells two lengths of its body: a proxy may have passed on another
	 * request than the one that would be read (RFC 9112, 6.3). */
	CDP_HTTPD_UNCLEAR,
};

struct cdp_httpd_request {
	const char *method, *path, *query; /* as they came; query without '?', or "" */
	/* After its body_n bytes are CDP_IN_PAD bytes of zeros. */
	const char *body;
	size_t body_n;
	char ip[48];     /* of the client */
	int64_t came_ns; /* the request line was there; CLOCK_MONOTONIC */
	enum cdp_httpd_excess excess;
	void *user; /* the handler's, NULL at first */
};

struct cdp_httpd_opts {
	const char *listen; /* "127.0.0.1:8106", "[::1]:0", ":8106" (every address) */
	unsigned threads, connections;
	unsigned per_client; /* connections of one address; 0: no bound */
	size_t head_max, body_max, bodies_max;
	int64_t patience_ms;
	/* Called on one of the threads, by several at once.  It answers, or holds the
	 * request; nothing of it may be looked at after its answer. */
	void (*handle)(void *ctx, struct cdp_httpd_request *q);
	/* Called on the same thread for a request that was held, once it was woken: it
	 * answers.  The client may be gone, then the answer goes nowhere. */
	void (*again)(void *ctx, struct cdp_httpd_request *q);
	void *ctx;
};

/* Whether this build has a server; without one, start fails with a usage error. */
bool cdp_httpd_built(void);
/* Listens and serves from now on.  Signals that are not for its threads are blocked by
 * the caller beforehand. */
struct cdp_httpd *cdp_httpd_start(const struct cdp_httpd_opts *opts, struct cdp_err *err);
unsigned cdp_httpd_port(const struct cdp_httpd *h);

/* Header by its name, any case; NULL: not there.  Lives as long as the request. */
const char *cdp_httpd_header(const struct cdp_httpd_request *q, const char *name);
/* How many connections its server has.  A request may come before cdp_httpd_start() has
 * told its caller of the server, hence by the request. */
unsigned cdp_httpd_connections(const struct cdp_httpd_request *q);

struct cdp_httpd_field {
	const char *name, *value;
};
/* `fields` end with one without a name; everything is copied. */
void cdp_httpd_answer(struct cdp_httpd_request *q, unsigned status,
		      const struct cdp_httpd_field *fields, const void *body, size_t n);
/* In the handler: the answer is given later, when some thread has woken the request. What
 * the handler does after it may be woken must not depend on the request being there. */
void cdp_httpd_hold(struct cdp_httpd_request *q);
void cdp_httpd_wake(struct cdp_httpd_request *q);

/* No new connection, and those that there are end with their next answer; waits until no
 * request is under way, at most `ms`.  False if some still are. */
bool cdp_httpd_drain(struct cdp_httpd *h, int64_t ms);
/* Ends all connections; no request may be held any more.  NULL is fine. */
void cdp_httpd_stop(struct cdp_httpd *h);

#endif
