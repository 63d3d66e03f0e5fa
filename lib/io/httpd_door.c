/* The door of the HTTP server: one thread that takes connections in, as many as there may
 * be, and ends those whose clients let themselves be waited for. */
#include "io/httpd_priv.h"

#ifdef CDP_WITH_MICROHTTPD

#include "base/hash.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	PEERS = 1024,   /* chains */
	SCARCE_MS = 10, /* then descriptors may be there again */
};

/* How many connections an address has. */
struct peer {
	struct peer *next;
	unsigned n;
	char ip[48];
};

struct httpd_door {
	struct httpd_door_opts o;
	struct cdp_loop *loop;
	atomic_uint count;
	atomic_bool full, shut;
	int64_t swept_ns;
	pthread_mutex_t lock; /* guards: conns, peers */
	struct httpd_conn *conns;
	struct peer *peers[PEERS];
};

int64_t httpd_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void put_address(char *to, const struct sockaddr_storage *a)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;

	*to = '\0';
	if (a->ss_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, to, 48);
	else if (a->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, to, 48);
	else if (a->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &v6->sin6_addr, to, 48);
}

/* --- the list; its lock is held --- */

/* The place of an address, or where its chain ends. */
static struct peer **peer_find(struct httpd_door *d, const char *ip)
{
	struct peer **p = &d->peers[cdp_hash(ip, strlen(ip)) % PEERS];

	while (*p && strcmp((*p)->ip, ip) != 0)
		p = &(*p)->next;
	return p;
}

static bool peer_add(struct httpd_door *d, const char *ip)
{
	struct peer **p = peer_find(d, ip);

	if (!*p) {
		*p = cdp_calloc(1, sizeof(**p));
		memcpy((*p)->ip, ip, strlen(ip) + 1);
	}
	if (d->o.per_client && (*p)->n >= d->o.per_client)
		return false;
	(*p)->n++;
	return true;
}

static void peer_remove(struct httpd_door *d, const char *ip)
{
	struct peer **p = peer_find(d, ip), *gone = *p;

	if (--gone->n)
		return;
	*p = gone->next;
	free(gone);
}

static bool conn_add(struct httpd_door *d, struct httpd_conn *c)
{
	bool fits;

	c->door = d;
	c->busy = true; /* until the library has it */
	pthread_mutex_lock(&d->lock);
	fits = peer_add(d, c->q.ip);
	if (fits) {
		c->next = d->conns;
		c->link = &d->conns;
		if (c->next)
			c->next->link = &c->next;
		d->conns = c;
	}
	pthread_mutex_unlock(&d->lock);
	return fits;
}

void httpd_door_out(struct httpd_door *d, struct httpd_conn *c)
{
	pthread_mutex_lock(&d->lock);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	peer_remove(d, c->q.ip);
	pthread_mutex_unlock(&d->lock);
	atomic_fetch_sub(&d->count, 1);
	if (d->full)
		cdp_loop_call(d->loop);
}

/* --- in and out --- */

static void let_in(struct httpd_door *d, int fd, const struct sockaddr_storage *a,
		   socklen_t n)
{
	struct httpd_conn *c = cdp_calloc(1, sizeof(*c));

	c->fd = fd;
	c->address = *a;
	c->address_n = n;
	put_address(c->q.ip, a);
	c->since_ns = httpd_now_ns();
	if (!conn_add(d, c)) {
		close(fd);
		free(c);
		return;
	}
	atomic_fetch_add(&d->count, 1);
	d->o.let_in(d->o.ctx, c);
}

/* Whoever finds no room waits in the system's queue. */
static bool has_room(struct httpd_door *d)
{
	if (d->count < d->o.connections)
		return true;
	d->full = true;
	return d->count < d->o.connections;
}

/* False: somebody waits who cannot be taken in as the system has no room. */
static bool take_in(struct httpd_door *d)
{
	while (!d->shut && has_room(d)) {
		struct sockaddr_storage a = { 0 };
		socklen_t n = sizeof(a);
		int fd = accept4(d->o.socket, (struct sockaddr *)&a, &n,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		d->full = false;
		if (fd >= 0)
			let_in(d, fd, &a, n);
		else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			 errno == ENOMEM)
			return false;
		else if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO)
			return true;
	}
	return true;
}

/* Closing is the library's; it sees the end of a connection that was shut down.  A
 * connection is taken off the list before its descriptor is closed. */
static void sweep(struct httpd_door *d, int64_t now)
{
	int64_t patience = d->o.patience_ms * 1000000;

	pthread_mutex_lock(&d->lock);
	for (struct httpd_conn *c = d->conns; c; c = c->next)
		if (!c->busy && now - c->since_ns > patience)
			shutdown(c->fd, SHUT_RDWR);
	pthread_mutex_unlock(&d->lock);
	d->swept_ns = now;
}

static int work(void *ctx)
{
	struct httpd_door *d = ctx;
	int64_t step = d->o.patience_ms / 8 < 1000 ? d->o.patience_ms / 8 : 1000;
	bool scarce = !take_in(d);
	int64_t now = httpd_now_ns();

	if (now - d->swept_ns >= step * 1000000)
		sweep(d, now);
	if (scarce && step > SCARCE_MS)
		return SCARCE_MS;
	return step < 1 ? 1 : (int)step;
}

/* --- life --- */

struct httpd_door *httpd_door_open(const struct httpd_door_opts *opts,
				   struct cdp_err *err)
{
	struct httpd_door *d = cdp_calloc(1, sizeof(*d));

	d->o = *opts;
	pthread_mutex_init(&d->lock, NULL);
	/* Whom it lets in at once must find it: the list is only opened then. */
	pthread_mutex_lock(&d->lock);
	d->loop = cdp_loop_start(d->o.socket, work, d, err);
	pthread_mutex_unlock(&d->lock);
	if (d->loop)
		return d;
	httpd_door_free(d);
	return NULL;
}

unsigned httpd_door_count(const struct httpd_door *d)
{
	return d->count;
}

void httpd_door_shut(struct httpd_door *d)
{
	d->shut = true;
}

void httpd_door_stop(struct httpd_door *d)
{
	if (!d)
		return;
	cdp_loop_stop(d->loop);
}

void httpd_door_free(struct httpd_door *d)
{
	if (!d)
		return;
	cdp_loop_free(d->loop);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

#endif
