/* What the files of the HTTP server (httpd*.c) share; nobody else includes this. */
#ifndef CDP_IO_HTTPD_PRIV_H
#define CDP_IO_HTTPD_PRIV_H

#include "base/buf.h"
#include "io/httpd.h"
#include "io/loop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

struct MHD_Connection;
struct httpd_door;
struct httpd_thread;

struct cdp_httpd {
	struct cdp_httpd_opts opts;
	int socket;
	unsigned port;
	atomic_size_t bodies; /* bytes of bodies in memory */
	atomic_uint active;   /* requests */
	atomic_bool draining;
	struct httpd_door *door;
	struct httpd_thread **threads;
};

/* A connection and the one request that it may have.  It belongs to its thread, but for
 * what the door looks at. */
struct httpd_conn {
	struct cdp_httpd_request q; /* first: a request is its connection */
	struct httpd_thread *thread;
	struct MHD_Connection *mhd; /* NULL: closed */
	/* A request that is held is asked for in every turn of its thread.  `lost`: its
	 * client is gone meanwhile. */
	bool asked, held, woken, lost;
	struct cdp_buf uri, body;
	struct httpd_conn *given; /* the next one that its thread gets, or gets back */
	/* the door's */
	struct httpd_door *door;
	int fd;
	struct sockaddr_storage address;
	socklen_t address_n;
	atomic_bool busy;              /* the client is not the one who is waited for */
	atomic_int_least64_t since_ns; /* the client is waited for since */
	struct httpd_conn *next, **link;
};

/* --- httpd_door.c: who is let in, and who is shown out --- */

struct httpd_door_opts {
	int socket; /* listens; stays the caller's */
	unsigned connections, per_client;
	int64_t patience_ms;
	/* A connection that was let in: it is the caller's until it is taken back. */
	void (*let_in)(void *ctx, struct httpd_conn *c);
	void *ctx;
};
struct httpd_door *httpd_door_open(const struct httpd_door_opts *opts,
				   struct cdp_err *err);
/* The connection is about to be closed: its descriptor is not touched any more. */
void httpd_door_out(struct httpd_door *d, struct httpd_conn *c);
unsigned httpd_door_count(const struct httpd_door *d);
/* Nobody is let in any more. */
void httpd_door_shut(struct httpd_door *d);
/* Ends its thread, after all that might show somebody out at the same time; every
 * connection must be out before it is freed.  NULL is fine. */
void httpd_door_stop(struct httpd_door *d);
void httpd_door_free(struct httpd_door *d);

/* --- httpd_thread.c: those that serve connections --- */

struct httpd_thread *httpd_thread_start(struct cdp_httpd *h, struct cdp_err *err);
/* How many connections it has; and one more. */
unsigned httpd_thread_load(const struct httpd_thread *t);
void httpd_thread_give(struct httpd_thread *t, struct httpd_conn *c);
/* How many turns it has done, and it does another one.  What had come to it before has
 * been read when it has done two more. */
unsigned httpd_thread_turns(struct httpd_thread *t);
/* It serves nobody any more; its connections are closed when it is freed, after the door
 * has stopped.  NULL is fine. */
void httpd_thread_stop(struct httpd_thread *t);
void httpd_thread_free(struct httpd_thread *t);

int64_t httpd_now_ns(void); /* CLOCK_MONOTONIC */

#endif
