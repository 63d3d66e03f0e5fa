/* What the files of the endpoint (listen*.c) share; nobody else includes this. */
#ifndef CDP_CLI_LISTEN_PRIV_H
#define CDP_CLI_LISTEN_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "cli/listen.h"
#include "cli/priv.h"
#include "format/request.h"
#include "io/httpd.h"

/* --- listen_limits.c: what options with a syntax of their own say --- */

struct listen_limits {
	uint64_t head, body, bodies, inflated, connections, per_client, wait_ms,
		patience_ms;
	uint64_t rotate_size;
	int64_t rotate_ms;
};
int listen_limits_read(struct listen_limits *m, const struct cdp_listen *l,
		       struct cdp_err *err);

/* --- listen_keys.c: write keys --- */

struct cdp_projects;
/* Whether a request carries a key (of the project that it names, if it does). */
bool listen_keys_fit(const struct cdp_projects *p, const struct cdp_httpd_request *q);

/* --- listen_metrics.c --- */

enum { LISTEN_BUCKETS = 12, LISTEN_STATUSES = 600 };

struct listen_metrics {
	atomic_uint_least64_t status[LISTEN_STATUSES];
	atomic_uint_least64_t records, rejects, duplicates, body_bytes, written_bytes,
		refused, forbidden;
	atomic_uint_least64_t bucket[LISTEN_BUCKETS + 1], seconds_ns;
	atomic_uint_least64_t syncs, synced, files;
	atomic_int in_flight;
};
void listen_metrics_answered(struct listen_metrics *m, unsigned status, int64_t took_ns);
/* Prometheus text; `age_ms` of the oldest record that is in no finished file. */
void listen_metrics_put(struct listen_metrics *m, struct cdp_buf *b, unsigned connections,
			int64_t age_ms);

/* --- listen_store.c: where records and rejects go --- */

struct listen_store;

/* A request that waits for the disk. */
struct listen_waiter {
	struct listen_waiter *next;
	void (*safe)(struct listen_waiter *w, bool ok); /* its turn */
};

struct listen_store_opts {
	const char *spool;   /* NULL: standard output */
	const char *rejects; /* NULL: beside the records, or not kept without a spool */
	bool fsync;
	const struct listen_limits *limits;
	const struct cdp_listen_stages *stages;
	struct listen_metrics *metrics;
	struct cdp_cli *cli;
};
struct listen_store *listen_store_open(const struct listen_store_opts *opts,
				       struct cdp_err *err);
/* The records (settled first, with the worker's notes) and rejects of a request.  0: they
 * are written or, with `waiter`, will be: it is told when they are on disk, or that they
 * cannot be brought there.  -1: they are not, and the client must send them again.
 * *taken: how many of the records were settled to be none. */
int listen_store_put(struct listen_store *s, void *worker, struct cdp_buf *records,
		     const struct cdp_buf *rejects, uint64_t *taken,
		     struct listen_waiter *waiter, struct cdp_err *err);
/* Begin other files. */
void listen_store_rotate(struct listen_store *s);
int64_t listen_store_age_ms(struct listen_store *s);
/* Whether the last thing that was put could be. */
bool listen_store_healthy(struct listen_store *s);
/* The reader is gone for good. */
bool listen_store_broken(struct listen_store *s);
/* Everything onto disk, files under their names, who waits is answered; what fails is
 * reported.  Nothing can be put afterwards.  -1: something settled was not written. */
int listen_store_finish(struct listen_store *s);
void listen_store_free(struct listen_store *s); /* NULL is fine */

/* --- listen_native.c: bodies of native records --- */

struct listen_native; /* one a thread */
struct listen_native *listen_native_new(const struct cdp_format_opts *opts);
void listen_native_free(struct listen_native *n);
/* As cdp_requests_read(), without an answer; CDP_IN_PAD readable bytes follow the body.
 * `max`: bytes that a body may inflate to. */
int listen_native_read(struct listen_native *n, const struct cdp_request *q, size_t max,
		       struct cdp_sink *sink, struct cdp_err *err);

/* --- listen_http.c: requests and answers --- */

struct endpoint {
	struct cdp_cli *cli;
	const struct cdp_listen *listen;
	struct listen_limits limits;
	struct listen_store *store;
	struct listen_metrics metrics;
	struct cdp_httpd *httpd;
	atomic_bool leaving;  /* nothing more is taken */
	pthread_mutex_t lock; /* guards: idle */
	struct listen_worker *idle;
};
void listen_handle(void *endpoint, struct cdp_httpd_request *q);
void listen_safe(void *endpoint, struct cdp_httpd_request *q); /* what it held */
void listen_workers_free(struct endpoint *e);

int64_t listen_now_ms(void); /* since 1970 */
int64_t listen_now_ns(void); /* CLOCK_MONOTONIC */

#endif
