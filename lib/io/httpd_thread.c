/* The threads of the HTTP server and what they do with the library. */
#include "io/httpd_priv.h"

#ifdef CDP_WITH_MICROHTTPD

#include "base/mem.h"
#include "io/in.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
	KEPT_BODY = 64 << 10, /* memory that a connection keeps between its requests */
	KEPT_URI = 4 << 10,
	ANSWERS = 8,
	ANSWER_MAX = 256, /* bytes of an answer's body that may be kept */
	HELD_MS = 2,
};

/* An answer that was given before: most are one of a few. */
struct kept {
	struct MHD_Response *response;
	char *key;
	size_t key_n;
	uint64_t last;
};

/* A thread of the server turns the library's wheel itself, so that requests that are held
 * need not be told to the library, nor be given back to it one by one: it asks for their
 * answers in every turn, and turns are cheap.  (This also keeps clear of two faults of
 * its own threads, seen in 0.9.75: they may wait without end when exactly 128 events come
 * at once, and end the process when they are quiesced.) */
struct httpd_thread {
	struct cdp_httpd *server;
	struct MHD_Daemon *daemon;
	struct cdp_loop *loop;
	atomic_uint conns, turns;
	pthread_mutex_t lock; /* guards: in, woken */
	struct httpd_conn *in;
	struct httpd_conn *woken;
	/* the thread's */
	struct httpd_conn *adding;
	unsigned held;
	bool moved; /* something happened in this turn */
	struct cdp_buf key;
	struct kept kept[ANSWERS];
	uint64_t answers;
};

/* --- connections --- */

void httpd_thread_give(struct httpd_thread *t, struct httpd_conn *c)
{
	c->thread = t;
	cdp_buf_init(&c->uri, CDP_BUF_NOMAX);
	cdp_buf_init(&c->body, CDP_BUF_NOMAX);
	atomic_fetch_add(&t->conns, 1);
	pthread_mutex_lock(&t->lock);
	c->given = t->in;
	t->in = c;
	pthread_mutex_unlock(&t->lock);
	cdp_loop_call(t->loop);
}

unsigned httpd_thread_load(const struct httpd_thread *t)
{
	return t->conns;
}

unsigned httpd_thread_turns(struct httpd_thread *t)
{
	cdp_loop_call(t->loop);
	return t->turns;
}

static void conn_free(struct httpd_conn *c)
{
	cdp_buf_release(&c->uri);
	cdp_buf_release(&c->body);
	free(c);
}

static void conn_closed(struct httpd_conn *c)
{
	httpd_door_out(c->door, c);
	atomic_fetch_sub(&c->thread->conns, 1);
	c->mhd = NULL;
	if (!c->held)
		conn_free(c);
}

static void on_connection(void *ctx, struct MHD_Connection *mhd, void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct httpd_thread *t = ctx;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_context = t->adding;
		t->adding->mhd = mhd;
		t->adding = NULL;
	} else if (*socket_context) {
		conn_closed(*socket_context);
		*socket_context = NULL;
	}
}

static void conn_start(struct httpd_thread *t, struct httpd_conn *c)
{
	t->adding = c;
	c->since_ns = httpd_now_ns();
	if (MHD_add_connection(t->daemon, c->fd, (const struct sockaddr *)&c->address,
			       c->address_n) == MHD_YES)
		c->busy = false;
	else if (t->adding) /* else the library has told of its end already */
		conn_closed(c);
	t->adding = NULL;
}

/* --- answers --- */

static struct MHD_Response *response_new(const struct cdp_httpd_field *fields,
					 const void *body, size_t n)
{
	struct MHD_Response *r =
		MHD_create_response_from_buffer(n, (void *)body, MHD_RESPMEM_MUST_COPY);

	if (!r)
		cdp_mem_exhausted();
	for (; fields->name; fields++)
		MHD_add_response_header(r, fields->name, fields->value);
	return r;
}

/* What makes an answer the same as another. */
static void make_key(struct cdp_buf *key, const struct cdp_httpd_field *fields,
		     const void *body, size_t n)
{
	cdp_buf_reset(key);
	for (; fields->name; fields++) {
		cdp_buf_add(key, fields->name, strlen(fields->name) + 1);
		cdp_buf_add(key, fields->value, strlen(fields->value) + 1);
	}
	cdp_buf_addc(key, '\0');
	cdp_buf_add(key, body, n);
}

/* The one of this key, or else the one that was not asked for longest. */
static struct kept *kept_find(struct httpd_thread *t)
{
	struct kept *oldest = t->kept;

	for (struct kept *k = t->kept; k < t->kept + ANSWERS; k++) {
		if (k->key_n == t->key.n && memcmp(k->key, t->key.p, t->key.n) == 0)
			return k;
		if (k->last < oldest->last)
			oldest = k;
	}
	return oldest;
}

static void kept_release(struct kept *k)
{
	if (k->response)
		MHD_destroy_response(k->response);
	free(k->key);
	*k = (struct kept){ 0 };
}

static struct MHD_Response *response_kept(struct httpd_thread *t,
					  const struct cdp_httpd_field *fields,
					  const void *body, size_t n)
{
	struct kept *k;

	make_key(&t->key, fields, body, n);
	k = kept_find(t);
	if (k->key_n != t->key.n || memcmp(k->key, t->key.p, t->key.n) != 0) {
		kept_release(k);
		k->response = response_new(fields, body, n);
		k->key = cdp_memdup(t->key.p, t->key.n);
		k->key_n = t->key.n;
	}
	k->last = ++t->answers;
	return k->response;
}

/* --- requests --- */

/* The request line is there: the library is about to take it apart in place. */
static void *on_uri(void *ctx, const char *uri, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct httpd_conn *c = info ? info->socket_context : NULL;
	char *mark;

	(void)ctx;
	if (!c)
		return NULL;
	cdp_buf_reset(&c->uri);
	cdp_buf_add(&c->uri, uri, strlen(uri) + 1);
	c->q.path = c->uri.p;
	mark = strchr(c->uri.p, '?');
	if (mark)
		*mark++ = '\0';
	c->q.query = mark ? mark : "";
	c->q.excess = CDP_HTTPD_FITS;
	c->q.user = NULL;
	c->q.came_ns = httpd_now_ns();
	c->since_ns = c->q.came_ns;
	c->asked = c->lost = false;
	c->thread->moved = true;
	atomic_fetch_add(&c->thread->server->active, 1);
	return c;
}

static void body_drop(struct httpd_conn *c)
{
	atomic_fetch_sub(&c->thread->server->bodies, c->body.n);
	cdp_buf_reset(&c->body);
}

/* The request is over, and nobody has it any more. */
static void request_end(struct httpd_conn *c)
{
	body_drop(c);
	if (c->body.cap > KEPT_BODY) {
		cdp_buf_release(&c->body);
		cdp_buf_init(&c->body, CDP_BUF_NOMAX);
	}
	if (c->uri.cap > KEPT_URI) {
		cdp_buf_release(&c->uri);
		cdp_buf_init(&c->uri, CDP_BUF_NOMAX);
	}
	c->since_ns = httpd_now_ns();
	c->busy = false;
	atomic_fetch_sub(&c->thread->server->active, 1);
}

/* It was held and may be answered now. */
static void release(struct httpd_conn *c)
{
	const struct cdp_httpd_opts *o = &c->thread->server->opts;

	c->held = c->woken = false;
	c->thread->held--;
	o->again(o->ctx, &c->q);
}

static void on_completed(void *ctx, struct MHD_Connection *mhd, void **con_cls,
			 enum MHD_RequestTerminationCode code)
{
	struct httpd_conn *c = *con_cls;

	(void)ctx;
	(void)mhd;
	(void)code;
	*con_cls = NULL;
	if (!c)
		return;
	c->thread->moved = true;
	if (c->held) {
		c->lost = true;
		c->q.method = "";
		if (!c->woken)
			return;
		release(c);
	}
	request_end(c);
}

static void body_add(struct httpd_conn *c, const char *p, size_t n)
{
	struct cdp_httpd *h = c->thread->server;

	if (c->q.excess)
		return;
	if (n > h->opts.body_max - c->body.n)
		c->q.excess = CDP_HTTPD_BODY;
	else if (atomic_fetch_add(&h->bodies, n) + n > h->opts.bodies_max) {
		atomic_fetch_sub(&h->bodies, n);
		c->q.excess = CDP_HTTPD_BODIES;
	}
	if (c->q.excess)
		body_drop(c);
	else
		cdp_buf_add(&c->body, p, n);
}

static const char *body_end(struct httpd_conn *c)
{
	cdp_buf_reserve(&c->body, CDP_IN_PAD);
	memset(c->body.p + c->body.n, 0, CDP_IN_PAD);
	return c->body.p;
}

/* What the head says of the body's length. */
struct lengths {
	const char *first;
	bool chunked, differ;
};

static enum MHD_Result see_length(void *ctx, enum MHD_ValueKind kind, const char *name,
				  const char *value)
{
	struct lengths *l = ctx;

	(void)kind;
	if (strcasecmp(name, "Transfer-Encoding") == 0)
		l->chunked = true;
	if (strcasecmp(name, "Content-Length") != 0)
		return MHD_YES;
	if (l->first && (!value || strcmp(l->first, value) != 0))
		l->differ = true;
	l->first = value ? value : "";
	return MHD_YES;
}

/* Before anything of the body is read: what is announced to be too large need not be. */
static void check_head(struct httpd_conn *c)
{
	const struct cdp_httpd_opts *o = &c->thread->server->opts;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	struct lengths l = { 0 };
	const char *length;
	size_t n = 0;

	MHD_get_connection_values(c->mhd, MHD_HEADER_KIND, see_length, &l);
	length = l.first;
	for (; length && *length >= '0' && *length <= '9' && n <= o->body_max; length++)
		n = n * 10 + (size_t)(*length - '0');
	if (info && info->header_size > o->head_max)
		c->q.excess = CDP_HTTPD_HEAD;
	else if (l.differ || (l.first && l.chunked))
		c->q.excess = CDP_HTTPD_UNCLEAR;
	else if (n > o->body_max)
		c->q.excess = CDP_HTTPD_BODY;
	else
		cdp_buf_reserve(&c->body,
				n + CDP_IN_PAD); /* costs no memory until it comes */
}

static enum MHD_Result on_access(void *ctx, struct MHD_Connection *mhd, const char *url,
				 const char *method, const char *version,
				 const char *data, size_t *n, void **con_cls)
{
	struct httpd_thread *t = ctx;
	struct httpd_conn *c = *con_cls;
	bool first;

	(void)mhd;
	(void)url;
	(void)version;
	if (!c)
		return MHD_NO;
	if (c->held && !c->woken)
		return MHD_YES;
	t->moved = true;
	if (c->held) {
		release(c);
		return MHD_YES;
	}
	if (*n) {
		body_add(c, data, *n);
		*n = 0;
		return MHD_YES;
	}
	first = !c->asked;
	c->asked = true;
	c->q.method = method;
	if (first)
		check_head(c);
	if (first && !c->q.excess)
		return MHD_YES;
	c->busy = true;
	c->q.body_n = c->body.n;
	c->q.body = body_end(c);
	t->server->opts.handle(t->server->opts.ctx, &c->q);
	return MHD_YES;
}

const char *cdp_httpd_header(const struct cdp_httpd_request *q, const char *name)
{
	const struct httpd_conn *c = (const struct httpd_conn *)q;

	return c->lost ? NULL
		       : MHD_lookup_connection_value(c->mhd, MHD_HEADER_KIND, name);
}

unsigned cdp_httpd_connections(const struct cdp_httpd_request *q)
{
	return httpd_door_count(((const struct httpd_conn *)q)->door);
}

void cdp_httpd_hold(struct cdp_httpd_request *q)
{
	struct httpd_conn *c = (struct httpd_conn *)q;

	c->held = true;
	c->thread->held++;
}

void cdp_httpd_wake(struct cdp_httpd_request *q)
{
	struct httpd_conn *c = (struct httpd_conn *)q;
	struct httpd_thread *t = c->thread;

	pthread_mutex_lock(&t->lock);
	c->given = t->woken;
	t->woken = c;
	pthread_mutex_unlock(&t->lock);
	cdp_loop_call(t->loop);
}

void cdp_httpd_answer(struct cdp_httpd_request *q, unsigned status,
		      const struct cdp_httpd_field *fields, const void *body, size_t n)
{
	struct httpd_conn *c = (struct httpd_conn *)q;
	struct MHD_Response *r;

	if (c->lost)
		return;
	if (!c->thread->server->draining && n <= ANSWER_MAX) {
		MHD_queue_response(c->mhd, status,
				   response_kept(c->thread, fields, body, n));
		return;
	}
	r = response_new(fields, body, n);
	if (c->thread->server->draining)
		MHD_add_response_header(r, "Connection", "close");
	MHD_queue_response(c->mhd, status, r);
	MHD_destroy_response(r);
}

/* --- threads --- */

static void take_woken(struct httpd_conn *c)
{
	while (c) {
		struct httpd_conn *next = c->given;

		c->woken = true;
		if (c->lost) {
			release(c);
			request_end(c);
			if (!c->mhd)
				conn_free(c);
		}
		c = next;
	}
}

static void take_in(struct httpd_thread *t, struct httpd_conn *c)
{
	while (c) {
		struct httpd_conn *next = c->given;

		conn_start(t, c);
		c = next;
	}
}

/* One turn: what came to its connections, and to itself.  Held requests look to the
 * library as if there was something to do at once, so while there are some it cannot say
 * whether there is: if nothing happened in the last turn it is asked again soon. */
static int turn(void *ctx)
{
	struct httpd_thread *t = ctx;
	MHD_UNSIGNED_LONG_LONG ms;
	struct httpd_conn *in, *woken;

	pthread_mutex_lock(&t->lock);
	in = t->in;
	woken = t->woken;
	t->in = t->woken = NULL;
	pthread_mutex_unlock(&t->lock);
	take_woken(woken);
	take_in(t, in);
	t->moved = false;
	MHD_run(t->daemon);
	atomic_fetch_add(&t->turns, 1);
	if (t->held)
		return t->moved ? CDP_LOOP_AGAIN : HELD_MS;
	return MHD_get_timeout(t->daemon, &ms) == MHD_YES ? CDP_LOOP_AGAIN
							  : CDP_LOOP_SLEEP;
}

struct httpd_thread *httpd_thread_start(struct cdp_httpd *h, struct cdp_err *err)
{
	const struct cdp_httpd_opts *o = &h->opts;
	struct httpd_thread *t = cdp_calloc(1, sizeof(*t));
	const union MHD_DaemonInfo *info = NULL;

	t->server = h;
	pthread_mutex_init(&t->lock, NULL);
	cdp_buf_init(&t->key, CDP_BUF_NOMAX);
	t->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, on_access, t,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, o->head_max * 2,
		MHD_OPTION_CONNECTION_LIMIT, o->connections, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, t, MHD_OPTION_URI_LOG_CALLBACK, on_uri, t,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, t,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
	if (t->daemon)
		info = MHD_get_daemon_info(t->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (info)
		t->loop = cdp_loop_start(info->epoll_fd, turn, t, err);
	else
		cdp_err_set(err, CDP_ERR_SYS, "cannot serve '%s'", o->listen);
	if (t->loop)
		return t;
	httpd_thread_free(t);
	return NULL;
}

void httpd_thread_stop(struct httpd_thread *t)
{
	if (t)
		cdp_loop_stop(t->loop);
}

void httpd_thread_free(struct httpd_thread *t)
{
	if (!t)
		return;
	for (struct httpd_conn *c = t->in, *next; c; c = next) {
		next = c->given;
		close(c->fd);
		conn_closed(c);
	}
	if (t->daemon)
		MHD_stop_daemon(t->daemon);
	take_woken(t->woken);
	for (struct kept *k = t->kept; k < t->kept + ANSWERS; k++)
		kept_release(k);
	cdp_buf_release(&t->key);
	cdp_loop_free(t->loop);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

#endif
