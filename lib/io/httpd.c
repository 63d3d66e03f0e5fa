/* The life of the HTTP server. */
#include "io/httpd_priv.h"

#ifdef CDP_WITH_MICROHTTPD

#include "base/mem.h"
#include "io/tcp.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
	BACKLOG = 1024,
	QUIET_MS = 50, /* without a request: the drain is over */
};

/* In the door's thread: the one with the fewest gets it. */
static void on_let_in(void *ctx, struct httpd_conn *c)
{
	struct cdp_httpd *h = ctx;
	struct httpd_thread *t = h->threads[0];

	for (unsigned i = 1; i < h->opts.threads; i++)
		if (httpd_thread_load(h->threads[i]) < httpd_thread_load(t))
			t = h->threads[i];
	httpd_thread_give(t, c);
}

bool cdp_httpd_built(void)
{
	return true;
}

static int start(struct cdp_httpd *h, struct cdp_err *err)
{
	const struct httpd_door_opts door = {
		.socket = h->socket,
		.connections = h->opts.connections,
		.per_client = h->opts.per_client,
		.patience_ms = h->opts.patience_ms,
		.let_in = on_let_in,
		.ctx = h,
	};

	for (unsigned i = 0; i < h->opts.threads; i++) {
		h->threads[i] = httpd_thread_start(h, err);
		if (!h->threads[i])
			return -1;
	}
	h->door = httpd_door_open(&door, err);
	return h->door ? 0 : -1;
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
	h->port = cdp_tcp_port(fd);
	h->threads = cdp_calloc(opts->threads, sizeof(*h->threads));
	if (start(h, err) == 0)
		return h;
	cdp_httpd_stop(h);
	return NULL;
}

unsigned cdp_httpd_port(const struct cdp_httpd *h)
{
	return h->port;
}

/* Whoever has sent something by now is under way, though it may not be read yet. */
static bool see_all(struct cdp_httpd *h, int64_t end)
{
	const struct timespec step = { .tv_nsec = 1000000 };

	for (unsigned i = 0; i < h->opts.threads; i++) {
		unsigned begun = httpd_thread_turns(h->threads[i]);

		while (httpd_thread_turns(h->threads[i]) - begun < 2) {
			if (httpd_now_ns() > end)
				return false;
			nanosleep(&step, NULL);
		}
	}
	return true;
}

bool cdp_httpd_drain(struct cdp_httpd *h, int64_t ms)
{
	const struct timespec step = { .tv_nsec = 5000000 };
	int64_t end = httpd_now_ns() + ms * 1000000, quiet;

	h->draining = true;
	httpd_door_shut(h->door);
	/* Who connects is refused rather than left waiting. */
	shutdown(h->socket, SHUT_RDWR);
	if (!see_all(h, end))
		return false;
	quiet = httpd_now_ns();
	while (httpd_now_ns() - quiet < (int64_t)QUIET_MS * 1000000) {
		if (h->active)
			quiet = httpd_now_ns();
		if (httpd_now_ns() > end)
			return h->active == 0;
		nanosleep(&step, NULL);
	}
	return true;
}

void cdp_httpd_stop(struct cdp_httpd *h)
{
	if (!h)
		return;
	if (h->door)
		httpd_door_shut(h->door);
	for (unsigned i = 0; i < h->opts.threads; i++)
		httpd_thread_stop(h->threads[i]);
	httpd_door_stop(h->door);
	for (unsigned i = 0; i < h->opts.threads; i++)
		httpd_thread_free(h->threads[i]);
	httpd_door_free(h->door);
	close(h->socket);
	free(h->threads);
	free(h);
}

#endif
