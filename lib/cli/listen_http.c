/* Requests at the endpoint, and their answers. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/listen_priv.h"
#include "record/json.h"

/* What a thread reads requests with. */
struct listen_worker {
	struct listen_worker *next;
	struct endpoint *endpoint;
	struct cdp_requests *requests;
	struct listen_native *native;
	void *stage;
	struct cdp_sink sink;
	struct cdp_buf records, rejects;
	uint64_t nrecords, nrejects;
	struct cdp_answer answer;
	struct cdp_httpd_request *q;
};

/* An answer that waits for the disk. */
struct held {
	struct listen_waiter waiter;
	struct cdp_httpd_request *q;
	bool ok;
	unsigned status;
	char *type, *body;
	size_t body_n;
	uint64_t records, taken, rejects;
};

/* --- answers --- */

enum { FIELDS = 14 };

struct fields {
	struct cdp_httpd_field v[FIELDS];
	size_t n;
};

static void field(struct fields *f, const char *name, const char *value)
{
	if (f->n + 1 < FIELDS)
		f->v[f->n++] = (struct cdp_httpd_field){ name, value };
}

static bool origin_allowed(const struct endpoint *e, const char *origin)
{
	const struct cdp_strs *list = &e->listen->origins;

	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i], origin) == 0 || strcmp(list->v[i], "*") == 0)
			return true;
	return list->n == 0;
}

/* What a browser must see on every answer, or it hides the answer from its page and the
 * library there sends all again. */
static void cors(const struct endpoint *e, const struct cdp_httpd_request *q,
		 struct fields *f)
{
	const char *origin = cdp_httpd_header(q, "Origin");
	const char *asked;

	field(f, "Cache-Control", "no-store");
	field(f, "Vary", "Origin");
	if (!origin) {
		/* No page asks; but answers may be looked at by one that a proxy helped.
		 */
		field(f, "Access-Control-Allow-Origin", "*");
		return;
	}
	if (!origin_allowed(e, origin))
		return;
	asked = cdp_httpd_header(q, "Access-Control-Request-Headers");
	field(f, "Access-Control-Allow-Origin", origin);
	field(f, "Access-Control-Allow-Credentials", "true");
	field(f, "Access-Control-Allow-Methods", "GET, POST, OPTIONS");
	field(f, "Access-Control-Allow-Headers",
	      asked ? asked
		    : "content-type, authorization, anonymousid, sentat, x-write-key");
	field(f, "Access-Control-Max-Age", "86400");
}

static void answer(struct endpoint *e, struct cdp_httpd_request *q, unsigned status,
		   const char *type, const char *body, size_t n)
{
	struct fields f = { 0 };
	int64_t came = q->came_ns;

	cors(e, q, &f);
	if (type)
		field(&f, "Content-Type", type);
	if (status == 503)
		field(&f, "Retry-After", "1");
	if (status == 405)
		field(&f, "Allow", "GET, HEAD, POST, OPTIONS");
	if (status == 503)
		atomic_fetch_add(&e->metrics.refused, 1);
	listen_metrics_answered(&e->metrics, status, listen_now_ns() - came);
	cdp_httpd_answer(q, status, f.v, body, n);
}

static void say(struct endpoint *e, struct cdp_httpd_request *q, unsigned status,
		const char *text)
{
	answer(e, q, status, "text/plain; charset=utf-8", text, strlen(text));
}

/* --- reading --- */

static int on_record(void *ctx, size_t at, const struct cdp_canon *info,
		     struct cdp_err *err)
{
	struct listen_worker *w = ctx;
	int n = w->endpoint->listen->stages.record(w->stage, &w->records, at, info, err);

	if (n < 0) {
		w->records.n = at;
		return -1;
	}
	w->nrecords += (unsigned)n;
	return 0;
}

static void on_reject(void *ctx, const char *raw, size_t n, const struct cdp_err *err)
{
	struct listen_worker *w = ctx;
	struct cdp_buf at;

	cdp_buf_init(&at, CDP_BUF_NOMAX);
	cdp_buf_addf(&at, "%s %s %s", w->q->ip, w->q->method, w->q->path);
	cli_reject_put(&w->rejects, w->endpoint->cli, err, cdp_buf_str(&at), raw, n);
	cdp_buf_release(&at);
	w->nrejects++;
}

static const char *request_header(void *ctx, const char *name)
{
	return cdp_httpd_header(ctx, name);
}

static struct listen_worker *worker_new(struct endpoint *e)
{
	const struct cdp_listen_stages *st = &e->listen->stages;
	struct listen_worker *w = cdp_calloc(1, sizeof(*w));

	w->endpoint = e;
	w->requests = cdp_requests_new(e->listen->format, e->limits.inflated);
	w->native = listen_native_new(e->listen->format);
	w->stage = st->worker(st->ctx);
	cdp_buf_init(&w->records, CDP_BUF_NOMAX);
	cdp_buf_init(&w->rejects, CDP_BUF_NOMAX);
	cdp_buf_init(&w->answer.body, CDP_BUF_NOMAX);
	w->sink = (struct cdp_sink){ &w->records, w, on_record, on_reject };
	return w;
}

void listen_workers_free(struct endpoint *e)
{
	const struct cdp_listen_stages *st = &e->listen->stages;

	while (e->idle) {
		struct listen_worker *w = e->idle;

		e->idle = w->next;
		cdp_requests_free(w->requests);
		listen_native_free(w->native);
		st->worker_free(st->ctx, w->stage);
		cdp_buf_release(&w->records);
		cdp_buf_release(&w->rejects);
		cdp_buf_release(&w->answer.body);
		free(w);
	}
}

/* As many come to be as there are threads of the server. */
static struct listen_worker *worker_take(struct endpoint *e)
{
	struct listen_worker *w;

	pthread_mutex_lock(&e->lock);
	w = e->idle;
	if (w)
		e->idle = w->next;
	else
		w = worker_new(e);
	pthread_mutex_unlock(&e->lock);
	return w;
}

static void worker_return(struct endpoint *e, struct listen_worker *w)
{
	pthread_mutex_lock(&e->lock);
	w->next = e->idle;
	e->idle = w;
	pthread_mutex_unlock(&e->lock);
}

static int read_request(struct listen_worker *w, struct cdp_httpd_request *q,
			struct cdp_err *err)
{
	const struct cdp_format_opts *format = w->endpoint->listen->format;
	struct cdp_request r = {
		.method = q->method,
		.path = q->path,
		.query = q->query,
		.body = q->body,
		.body_n = q->body_n,
		.header = request_header,
		.header_ctx = q,
		.ip = q->ip,
		.received = format->received != CDP_NO_TIME ? format->received
							    : listen_now_ms(),
	};

	w->q = q;
	w->nrecords = w->nrejects = 0;
	cdp_buf_reset(&w->records);
	cdp_buf_reset(&w->rejects);
	cdp_buf_reset(&w->answer.body);
	w->answer.nothing = false;
	w->endpoint->listen->stages.begin(w->stage);
	if (strcmp(q->path, "/native") != 0 || strcmp(q->method, "POST") != 0)
		return cdp_requests_read(w->requests, &r, &w->sink, &w->answer, err);
	w->answer.status = 200;
	w->answer.type = NULL;
	return listen_native_read(w->native, &r, w->endpoint->limits.inflated, &w->sink,
				  err);
}

/* --- keeping --- */

static void count(struct endpoint *e, uint64_t records, uint64_t duplicates,
		  uint64_t rejects)
{
	atomic_fetch_add(&e->metrics.records, records);
	atomic_fetch_add(&e->metrics.duplicates, duplicates);
	atomic_fetch_add(&e->metrics.rejects, rejects);
}

/* Not on its thread, which it is sent back to. */
static void decided(struct listen_waiter *waiter, bool ok)
{
	struct held *h = (struct held *)waiter;

	h->ok = ok;
	cdp_httpd_wake(h->q);
}

static void held_free(struct held *h)
{
	free(h->type);
	free(h->body);
	free(h);
}

void listen_safe(void *endpoint, struct cdp_httpd_request *q)
{
	struct endpoint *e = endpoint;
	struct held *h = q->user;

	if (h->ok) {
		count(e, h->records - h->taken, h->taken, h->rejects);
		answer(e, q, h->status, h->type, h->body, h->body_n);
	} else {
		say(e, q, 503, "not on disk\n");
	}
	held_free(h);
}

static struct held *held_new(struct listen_worker *w)
{
	struct held *h = cdp_calloc(1, sizeof(*h));

	h->waiter.safe = decided;
	h->q = w->q;
	h->status = w->answer.status;
	h->type = w->answer.type ? cdp_strdup(w->answer.type) : NULL;
	h->body_n = w->answer.body.n;
	h->body = cdp_memdup(w->answer.body.p, h->body_n);
	h->records = w->nrecords;
	h->rejects = w->nrejects;
	w->q->user = h;
	return h;
}

static void hold(struct listen_worker *w)
{
	struct endpoint *e = w->endpoint;
	struct held *h = held_new(w);
	struct cdp_err err;

	if (listen_store_put(e->store, w->stage, &w->records, &w->rejects, &h->taken,
			     &h->waiter, &err) == 0) {
		cdp_httpd_hold(h->q);
		return;
	}
	say(e, h->q, 503, "no room\n");
	held_free(h);
}

static void take(struct endpoint *e, struct cdp_httpd_request *q)
{
	struct listen_worker *w = worker_take(e);
	struct cdp_err err;
	uint64_t taken = 0;
	bool any;

	atomic_fetch_add(&e->metrics.body_bytes, q->body_n);
	if (read_request(w, q, &err) < 0) {
		say(e, q, 503, "not now\n");
		worker_return(e, w);
		return;
	}
	any = w->nrecords || w->nrejects;
	if (any && e->listen->ack == CDP_ACK_FSYNC) {
		hold(w);
	} else if (any && listen_store_put(e->store, w->stage, &w->records, &w->rejects,
					   &taken, NULL, &err) < 0) {
		say(e, q, 503, "no room\n");
	} else {
		count(e, w->nrecords - taken, taken, w->nrejects);
		answer(e, q, w->answer.status, w->answer.type, w->answer.body.p,
		       w->answer.body.n);
	}
	worker_return(e, w);
}

/* --- what is no delivery --- */

static void tell_health(struct endpoint *e, struct cdp_httpd_request *q)
{
	if (e->leaving || !listen_store_healthy(e->store))
		say(e, q, 503, e->leaving ? "leaving\n" : "cannot keep records\n");
	else
		say(e, q, 200, "ok\n");
}

static void tell_metrics(struct endpoint *e, struct cdp_httpd_request *q)
{
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	listen_metrics_put(&e->metrics, &b, cdp_httpd_connections(q),
			   listen_store_age_ms(e->store));
	answer(e, q, 200, "text/plain; version=0.0.4; charset=utf-8", b.p, b.n);
	cdp_buf_release(&b);
}

static void refuse_excess(struct endpoint *e, struct cdp_httpd_request *q)
{
	if (q->excess == CDP_HTTPD_HEAD)
		say(e, q, 431, "headers too large\n");
	else if (q->excess == CDP_HTTPD_BODY)
		say(e, q, 413, "body too large\n");
	else if (q->excess == CDP_HTTPD_UNCLEAR)
		say(e, q, 400, "two lengths of a body\n");
	else
		say(e, q, 503, "too many at once\n");
}

static bool is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static bool forbidden(struct endpoint *e, const struct cdp_httpd_request *q)
{
	const char *origin = cdp_httpd_header(q, "Origin");

	return (origin && !origin_allowed(e, origin)) ||
	       (e->listen->format->projects &&
		!listen_keys_fit(e->listen->format->projects, q));
}

void listen_handle(void *endpoint, struct cdp_httpd_request *q)
{
	struct endpoint *e = endpoint;
	bool get = is(q->method, "GET") || is(q->method, "HEAD");

	atomic_fetch_add(&e->metrics.in_flight, 1);
	if (q->excess) {
		refuse_excess(e, q);
	} else if (is(q->method, "OPTIONS")) {
		answer(e, q, 204, NULL, "", 0);
	} else if (!get && !is(q->method, "POST")) {
		say(e, q, 405, "GET or POST\n");
	} else if (get && is(q->path, "/healthz")) {
		tell_health(e, q);
	} else if (get && is(q->path, "/metrics")) {
		tell_metrics(e, q);
	} else if (forbidden(e, q)) {
		atomic_fetch_add(&e->metrics.forbidden, 1);
		say(e, q, 403, "not for you\n");
	} else if (e->leaving) {
		say(e, q, 503, "leaving\n");
	} else {
		take(e, q);
	}
}
