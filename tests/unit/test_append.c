#include "io/append.h"
#include "tap.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static struct cdp_err err;
static char text[20001];

static void limit(rlim_t bytes)
{
	struct rlimit l;

	getrlimit(RLIMIT_FSIZE, &l);
	l.rlim_cur = bytes;
	setrlimit(RLIMIT_FSIZE, &l);
}

static void files_that_fill_up(void)
{
	char path[] = "/tmp/cdp-append.XXXXXX", got[32];
	int fd = mkstemp(path);
	struct cdp_append a;

	(void)!write(fd, "old\n", 4);
	lseek(fd, 0, SEEK_SET);
	cdp_append_init(&a, fd, path, &err);
	is_int(cdp_append(&a, "one\n", 4, 0, &err), 0, "a line is taken");
	limit(10);
	is_int(cdp_append(&a, "three\n", 6, 0, &err), -1, "not one that has no room");
	is_int(err.kind, CDP_ERR_SYS, "which is an error of the system");
	is_int(cdp_append(&a, "2\n", 2, 0, &err), 0, "a shorter one has room");
	limit(RLIM_INFINITY);
	is_int(cdp_append(&a, "three\n", 6, 0, &err), 0, "it has, once there is");
	is_int(pread(fd, got, sizeof(got), 0), 16, "nothing else is in the file");
	ok(memcmp(got, "old\none\n2\nthree\n", 16) == 0,
	   "but whole lines, after what was there");
	cdp_append_release(&a);
	close(fd);
	unlink(path);
}

static size_t drain(int fd, char *to)
{
	size_t n = 0;
	ssize_t got;
	struct pollfd f = { .fd = fd, .events = POLLIN };

	while (poll(&f, 1, 0) == 1 && (got = read(fd, to + n, 65536)) > 0)
		n += (size_t)got;
	return n;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void slow_readers(void)
{
	static char got[200000];
	struct cdp_append a;
	int64_t begun;
	int p[2];
	size_t n;

	(void)!pipe(p);
	fcntl(p[1], F_SETPIPE_SZ, 8192);
	cdp_append_init(&a, p[1], "pipe", &err);
	begun = now_ms();
	is_int(cdp_append(&a, text, sizeof(text) - 1, 100, &err), -1,
	       "a pipe that does not take all in time is a failure");
	ok(now_ms() - begun >= 100 && err.kind == CDP_ERR_SYS,
	   "after the time that it was given");
	begun = now_ms();
	is_int(cdp_append(&a, "x\n", 2, 5000, &err), -1, "so is the next");
	ok(now_ms() - begun < 2500, "which does not wait again");
	n = drain(p[0], got);
	is_int((int64_t)n, 8192, "the pipe has what it took");
	is_int(cdp_append(&a, "y\n", 2, 0, &err), -1,
	       "what is left goes before all else");
	n += drain(p[0], got + n);
	is_int(cdp_append(&a, "z\n", 2, 0, &err), 0, "then others are taken again");
	n += drain(p[0], got + n);
	is_int((int64_t)n, (int64_t)sizeof(text) - 1 + 2, "nothing was lost or doubled");
	ok(memcmp(got, text, sizeof(text) - 1) == 0 && memcmp(got + n - 2, "z\n", 2) == 0,
	   "and no line is half");
	ok(!a.slow, "and it would wait again");
	close(p[0]);
	is_int(cdp_append(&a, "q\n", 2, 100, &err), -1, "a reader that is gone");
	is_int(err.kind, CDP_ERR_PIPE, "is a closed pipe");
	close(p[1]);
	cdp_append_release(&a);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < sizeof(text) - 2; i++)
		text[i] = (char)('a' + i % 23);
	text[sizeof(text) - 2] = '\n';
	files_that_fill_up();
	slow_readers();
	return tap_done();
}
