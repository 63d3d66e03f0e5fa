/* The thread that works when something comes, when it wants to, or when it is called. */
#include "io/loop.h"
#include "tap.h"

#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000 };

struct job {
	int fd;
	atomic_uint turns, asked, seen;
	atomic_int next; /* what work() says */
};

static int work(void *ctx)
{
	struct job *j = ctx;

	j->seen = j->asked;
	atomic_fetch_add(&j->turns, 1);
	return j->next;
}

static bool becomes(atomic_uint *value, unsigned least)
{
	for (int i = 0; i < PATIENCE_MS && *value < least; i++)
		usleep(1000);
	return *value >= least;
}

static void test_sleep(void)
{
	struct job j = { .fd = eventfd(0, EFD_NONBLOCK), .next = CDP_LOOP_SLEEP };
	struct cdp_err err;
	struct cdp_loop *l = cdp_loop_start(j.fd, work, &j, &err);
	unsigned before;

	ok(l && becomes(&j.turns, 1), "it works once when it starts");
	usleep(50000);
	before = j.turns;
	usleep(100000);
	is_int(j.turns, before, "then it sleeps while nothing comes");
	ok(eventfd_write(j.fd, 1) == 0 && becomes(&j.turns, before + 1),
	   "it works when something comes");
	usleep(50000);
	before = j.turns;
	usleep(100000);
	is_int(j.turns, before, "but not again for what it has left there");
	cdp_loop_call(l);
	ok(becomes(&j.turns, before + 1), "it works when it is called");
	cdp_loop_free(l);
	close(j.fd);
}

static void test_time(void)
{
	struct job j = { .fd = eventfd(0, EFD_NONBLOCK), .next = 5 };
	struct cdp_err err;
	struct cdp_loop *l = cdp_loop_start(j.fd, work, &j, &err);

	ok(becomes(&j.turns, 5), "it works again after as long as it said");
	j.next = CDP_LOOP_AGAIN;
	ok(becomes(&j.turns, 1000), "or at once");
	cdp_loop_free(l);
	close(j.fd);
}

/* What was asked for before a call is seen by a turn after it, whatever the thread does
 * at that time. */
static void test_calls(void)
{
	struct job j = { .fd = eventfd(0, EFD_NONBLOCK), .next = CDP_LOOP_SLEEP };
	struct cdp_err err;
	struct cdp_loop *l = cdp_loop_start(j.fd, work, &j, &err);
	unsigned lost = 0;

	for (unsigned i = 1; i <= 20000 && !lost; i++) {
		int64_t tries = 0;

		j.asked = i;
		cdp_loop_call(l);
		while (i % 3 == 0 && j.seen < i && !lost)
			lost = ++tries > 100000000;
	}
	ok(!lost && becomes(&j.seen, 20000), "no call is lost");
	cdp_loop_free(l);
	close(j.fd);
}

int main(void)
{
	test_sleep();
	test_time();
	test_calls();
	return tap_done();
}
