#include "io/loop.h"

#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct cdp_loop {
	int (*work)(void *ctx);
	void *ctx;
	int epoll, bell;
	/* Who calls sets `called`, then looks whether the thread is asleep; the thread
	 * says that it is about to be, then looks whether it was called. */
	atomic_bool called, asleep, stopped;
	pthread_t thread;
};

static void nap(struct cdp_loop *l, int ms)
{
	struct epoll_event event[2];

	l->asleep = true;
	if (!l->called)
		(void)epoll_wait(l->epoll, event, 2, ms);
	l->asleep = false;
	l->called = false;
}

static void *run(void *ctx)
{
	struct cdp_loop *l = ctx;

	while (!l->stopped) {
		int ms = l->work(l->ctx);

		if (ms != CDP_LOOP_AGAIN)
			nap(l, ms);
	}
	return NULL;
}

/* Events are edges, so the bell need not be read: each stroke is one. */
static int watch(struct cdp_loop *l, int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->epoll < 0 || l->bell < 0 ||
	    epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return -1;
	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->bell, &event);
}

static void release(struct cdp_loop *l)
{
	if (l->bell >= 0)
		close(l->bell);
	if (l->epoll >= 0)
		close(l->epoll);
	free(l);
}

struct cdp_loop *cdp_loop_start(int fd, int (*work)(void *ctx), void *ctx,
				struct cdp_err *err)
{
	struct cdp_loop *l = cdp_calloc(1, sizeof(*l));
	int e;

	l->work = work;
	l->ctx = ctx;
	l->epoll = l->bell = -1;
	e = watch(l, fd) < 0 ? errno : pthread_create(&l->thread, NULL, run, l);
	if (!e)
		return l;
	cdp_err_sys(err, e, "cannot start a thread");
	release(l);
	return NULL;
}

void cdp_loop_call(struct cdp_loop *l)
{
	const uint64_t one = 1;

	if (!atomic_exchange(&l->called, true) && l->asleep)
		(void)!write(l->bell, &one, sizeof(one));
}

void cdp_loop_stop(struct cdp_loop *l)
{
	if (!l || l->stopped)
		return;
	l->stopped = true;
	cdp_loop_call(l);
	pthread_join(l->thread, NULL);
}

void cdp_loop_free(struct cdp_loop *l)
{
	if (!l)
		return;
	cdp_loop_stop(l);
	release(l);
}
