#include "io/httpd.h"

#ifdef CDP_WITH_MICROHTTPD

#include "base/buf.h"
#include "base/mem.h"
#include "io/in.h"
#include "io/tcp.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	BACKLOG = 1024,
	KEPT_BODY = 64 << 10, /* memory that a connection keeps between its requests */
	KEPT_URI = 4 << 10,
	QUIET_MS = 50, /* without a request: the drain is over */
	ANSWERS = 8,
	ANSWER_MAX = 256, /* bytes of an answer's body that may be kept */
};

/* An answer that was given before: most are one of a few. */
struct kept {
	struct MHD_Response *response;
	char *key;
	size_t key_n;
	uint64_t last;
	unsigned users; /* who have it but did not give it yet */
};

struct cdp_httpd {
	struct cdp_httpd_opts opts;
	struct MHD_Daemon *daemon;
	int socket, quiesced;
	unsigned port;
	atomic_size_t bodies; /* bytes of bodies in memory */
	atomic_uint active, count;
	atomic_bool draining;
	pthread_mutex_t lock; /* guards: conns, stopped */
	pthread_cond_t changed;
	struct conn *conns;
	bool stopped;
	pthread_t watch;
	pthread_mutex_t kept_lock; /* guards: kept, answers */
	struct kept kept[ANSWERS];
	uint64_t answers;
};

/* A connection and the one request that it may have. */
struct conn {
	struct cdp_httpd_request q; /* first: a request is its connection */
	struct cdp_httpd *server;
	struct MHD_Connection *mhd;
	struct MHD_Response *response;
	struct kept *kept; /* whose response it is; NULL: our own */
	unsigned status;
	bool asked, held;
	struct cdp_buf uri, body, key;
	int fd;
	atomic_bool busy;              /* the client is not the one who is waited for */
	atomic_int_least64_t since_ns; /* the client is waited for since */
	struct conn *next, **link;
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* --- connections --- */

static void put_address(char *to, const struct sockaddr *a)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;

	*to = '\0';
	if (a->sa_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, to, 48);
	else if (a->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, to, 48);
	else if (a->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &v6->sin6_addr, to, 48);
}

static struct conn *conn_new(struct cdp_httpd *h, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info;
	struct conn *c = cdp_calloc(1, sizeof(*c));

	c->server = h;
	c->mhd = mhd;
	cdp_buf_init(&c->uri, CDP_BUF_NOMAX);
	cdp_buf_init(&c->body, CDP_BUF_NOMAX);
	cdp_buf_init(&c->key, CDP_BUF_NOMAX);
	c->since_ns = now_ns();
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	c->fd = info ? info->connect_fd : -1;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (info)
		put_address(c->q.ip, info->client_addr);
	atomic_fetch_add(&h->count, 1);
	pthread_mutex_lock(&h->lock);
	c->next = h->conns;
	c->link = &h->conns;
	if (c->next)
		c->next->link = &c->next;
	h->conns = c;
	pthread_mutex_unlock(&h->lock);
	return c;
}

static void conn_free(struct conn *c)
{
	struct cdp_httpd *h = c->server;

	pthread_mutex_lock(&h->lock);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	pthread_mutex_unlock(&h->lock);
	atomic_fetch_sub(&h->count, 1);
	cdp_buf_release(&c->uri);
	cdp_buf_release(&c->body);
	cdp_buf_release(&c->key);
	free(c);
}

static void on_connection(void *ctx, struct MHD_Connection *mhd, void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_context = conn_new(ctx, mhd);
	} else if (*socket_context) {
		conn_free(*socket_context);
		*socket_context = NULL;
	}
}

/* Closing is the library's; it sees the end of a connection that was shut down.  A
 * connection is taken off the list before its descriptor is closed. */
static void *watch(void *ctx)
{
	struct cdp_httpd *h = ctx;
	int64_t patience = h->opts.patience_ms * 1000000;
	int64_t step = patience / 8 < 1000000000 ? patience / 8 : 1000000000;
	struct timespec t;

	pthread_mutex_lock(&h->lock);
	while (!h->stopped) {
		int64_t now = now_ns();

		for (struct conn *c = h->conns; c; c = c->next)
			if (!c->busy && now - c->since_ns > patience)
				shutdown(c->fd, SHUT_RDWR);
		now += step;
		t.tv_sec = now / 1000000000;
		t.tv_nsec = now % 1000000000;
		pthread_cond_timedwait(&h->changed, &h->lock, &t);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
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

/* The one of this key, or else the one that was not asked for longest and is free. */
static struct kept *kept_find(struct cdp_httpd *h, const struct cdp_buf *key)
{
	struct kept *oldest = NULL;

	for (struct kept *k = h->kept; k < h->kept + ANSWERS; k++) {
		if (k->key_n == key->n && memcmp(k->key, key->p, key->n) == 0)
			return k;
		if (!k->users && (!oldest || k->last < oldest->last))
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

static bool response_kept(struct conn *c, const struct cdp_httpd_field *fields,
			  const void *body, size_t n)
{
	struct cdp_httpd *h = c->server;
	struct kept *k;

	make_key(&c->key, fields, body, n);
	pthread_mutex_lock(&h->kept_lock);
	k = kept_find(h, &c->key);
	if (k && (k->key_n != c->key.n || memcmp(k->key, c->key.p, c->key.n) != 0)) {
		kept_release(k);
		k->response = response_new(fields, body, n);
		k->key = cdp_memdup(c->key.p, c->key.n);
		k->key_n = c->key.n;
	}
	if (k) {
		k->last = ++h->answers;
		k->users++;
		c->response = k->response;
	}
	c->kept = k;
	pthread_mutex_unlock(&h->kept_lock);
	return k;
}

static void response_drop(struct conn *c)
{
	struct cdp_httpd *h = c->server;

	if (c->response && c->kept) {
		pthread_mutex_lock(&h->kept_lock);
		c->kept->users--;
		pthread_mutex_unlock(&h->kept_lock);
	} else if (c->response) {
		MHD_destroy_response(c->response);
	}
	c->response = NULL;
	c->kept = NULL;
}

/* --- requests --- */

/* The request line is there: the library is about to take it apart in place. */
static void *on_uri(void *ctx, const char *uri, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct conn *c = info ? info->socket_context : NULL;
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
	c->q.came_ns = now_ns();
	c->since_ns = c->q.came_ns;
	c->asked = c->held = false;
	atomic_fetch_add(&c->server->active, 1);
	return c;
}

static void body_drop(struct conn *c)
{
	atomic_fetch_sub(&c->server->bodies, c->body.n);
	cdp_buf_reset(&c->body);
}

static void on_completed(void *ctx, struct MHD_Connection *mhd, void **con_cls,
			 enum MHD_RequestTerminationCode code)
{
	struct conn *c = *con_cls;

	(void)ctx;
	(void)mhd;
	(void)code;
	*con_cls = NULL;
	if (!c)
		return;
	response_drop(c);
	body_drop(c);
	if (c->body.cap > KEPT_BODY) {
		cdp_buf_release(&c->body);
		cdp_buf_init(&c->body, CDP_BUF_NOMAX);
	}
	if (c->uri.cap > KEPT_URI) {
		cdp_buf_release(&c->uri);
		cdp_buf_init(&c->uri, CDP_BUF_NOMAX);
	}
	c->since_ns = now_ns();
	c->busy = false;
	atomic_fetch_sub(&c->server->active, 1);
}

static void body_add(struct conn *c, const char *p, size_t n)
{
	struct cdp_httpd *h = c->server;

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

static const char *body_end(struct conn *c)
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
static void check_head(struct conn *c)
{
	const struct cdp_httpd_opts *o = &c->server->opts;
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

static enum MHD_Result answer_queue(struct conn *c)
{
	enum MHD_Result rc = MHD_queue_response(c->mhd, c->status, c->response);

	response_drop(c);
	return rc;
}

static enum MHD_Result on_access(void *ctx, struct MHD_Connection *mhd, const char *url,
				 const char *method, const char *version,
				 const char *data, size_t *n, void **con_cls)
{
	struct cdp_httpd *h = ctx;
	struct conn *c = *con_cls;
	bool first;

	(void)mhd;
	(void)url;
	(void)version;
	if (!c)
		return MHD_NO;
	if (c->response)
		return answer_queue(c);
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
	h->opts.handle(h->opts.ctx, &c->q);
	/* Held, it may be answered and gone by now, but then *con_cls was left alone. */
	return MHD_YES;
}

const char *cdp_httpd_header(const struct cdp_httpd_request *q, const char *name)
{
	const struct conn *c = (const struct conn *)q;

	return MHD_lookup_connection_value(c->mhd, MHD_HEADER_KIND, name);
}

unsigned cdp_httpd_connections(const struct cdp_httpd_request *q)
{
	return ((const struct conn *)q)->server->count;
}

void cdp_httpd_hold(struct cdp_httpd_request *q)
{
	struct conn *c = (struct conn *)q;

	c->held = true;
	MHD_suspend_connection(c->mhd);
}

void cdp_httpd_answer(struct cdp_httpd_request *q, unsigned status,
		      const struct cdp_httpd_field *fields, const void *body, size_t n)
{
	struct conn *c = (struct conn *)q;
	bool draining = c->server->draining;

	c->status = status;
	if (draining || n > ANSWER_MAX || !response_kept(c, fields, body, n))
		c->response = response_new(fields, body, n);
	if (draining)
		MHD_add_response_header(c->response, "Connection", "close");
	if (c->held)
		MHD_resume_connection(c->mhd);
	else
		answer_queue(c);
}

/* --- life --- */

bool cdp_httpd_built(void)
{
	return true;
}

static void locks_init(struct cdp_httpd *h)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&h->lock, NULL);
	pthread_mutex_init(&h->kept_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h->changed, &attr);
	pthread_condattr_destroy(&attr);
}

static void server_free(struct cdp_httpd *h)
{
	for (struct kept *k = h->kept; k < h->kept + ANSWERS; k++)
		kept_release(k);
	pthread_mutex_destroy(&h->lock);
	pthread_mutex_destroy(&h->kept_lock);
	pthread_cond_destroy(&h->changed);
	free(h);
}

static struct MHD_Daemon *start_daemon(struct cdp_httpd *h)
{
	const struct cdp_httpd_opts *o = &h->opts;
	struct MHD_OptionItem more[3] = { { 0 } };
	unsigned n = 0;

	if (o->threads > 1)
		more[n++] = (struct MHD_OptionItem){ MHD_OPTION_THREAD_POOL_SIZE,
						     (intptr_t)o->threads, NULL };
	more[n++] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
	return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME,
				0, NULL, NULL, on_access, h, MHD_OPTION_LISTEN_SOCKET,
				h->socket, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				o->head_max * 2, MHD_OPTION_CONNECTION_LIMIT,
				o->connections < o->threads ? o->threads : o->connections,
				MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->per_client,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
				MHD_OPTION_URI_LOG_CALLBACK, on_uri, h,
				MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
				MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_ARRAY,
				more, MHD_OPTION_END);
}

struct cdp_httpd *cdp_httpd_start(const struct cdp_httpd_opts *opts, struct cdp_err *err)
{
	int fd = cdp_tcp_listen(opts->listen, BACKLOG, err);
	struct cdp_httpd *h;

	if (fd < 0)
		return NULL;
	h = cdp_calloc(1, sizeof(*h));
	h->opts = *opts;
	h->socket = fd;
	h->quiesced = -1;
	h->port = cdp_tcp_port(fd);
	locks_init(h);
	h->daemon = start_daemon(h);
	if (h->daemon && pthread_create(&h->watch, NULL, watch, h) == 0)
		return h;
	cdp_err_set(err, CDP_ERR_SYS, "cannot serve '%s'", opts->listen);
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	else
		close(fd);
	server_free(h);
	return NULL;
}

unsigned cdp_httpd_port(const struct cdp_httpd *h)
{
	return h->port;
}

bool cdp_httpd_drain(struct cdp_httpd *h, int64_t ms)
{
	const struct timespec step = { .tv_nsec = 5000000 };
	int64_t end = now_ns() + ms * 1000000, quiet = now_ns();

	h->draining = true;
	if (h->quiesced < 0) {
		h->quiesced = MHD_quiesce_daemon(h->daemon);
		/* Who connects is refused rather than left waiting. */
		shutdown(h->quiesced, SHUT_RDWR);
	}
	while (now_ns() - quiet < (int64_t)QUIET_MS * 1000000) {
		if (h->active)
			quiet = now_ns();
		if (now_ns() > end)
			return h->active == 0;
		nanosleep(&step, NULL);
	}
	return true;
}

void cdp_httpd_stop(struct cdp_httpd *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	h->stopped = true;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->watch, NULL);
	MHD_stop_daemon(h->daemon);
	if (h->quiesced >= 0)
		close(h->quiesced);
	server_free(h);
}

#endif
