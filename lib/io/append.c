#include "io/append.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { AHEAD_MIN = 64 << 10, AHEAD_MAX = 1 << 20, PAGE = 4096 };

int cdp_append_init(struct cdp_append *a, int fd, const char *name, struct cdp_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return cdp_err_sys(err, errno, "%s", name);
	*a = (struct cdp_append){ .fd = fd, .name = name };
	a->regular = S_ISREG(st.st_mode);
	if (a->regular)
		a->end = lseek(fd, 0, SEEK_END);
	cdp_buf_init(&a->debt, CDP_BUF_NOMAX);
	return 0;
}

void cdp_append_release(struct cdp_append *a)
{
	cdp_buf_release(&a->debt);
}

/* --- files --- */

/* What a failed call left is in the way until it is cut off: nothing may follow it. */
static int cut_off(struct cdp_append *a)
{
	a->ready = 0;
	if (lseek(a->fd, 0, SEEK_END) == a->end)
		return 0;
	if (ftruncate(a->fd, a->end) < 0)
		return -1;
	return lseek(a->fd, a->end, SEEK_SET) < 0 ? -1 : 0;
}

static int to_file(struct cdp_append *a, const char *p, size_t n, struct cdp_err *err)
{
	size_t done = 0;
	int e = 0;

	if (a->slow && cut_off(a) < 0)
		return cdp_err_sys(err, errno, "%s", a->name);
	a->slow = false;
	while (done < n) {
		ssize_t w = write(a->fd, p + done, n - done);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			e = w < 0 ? errno : ENOSPC;
			break;
		}
		done += (size_t)w;
	}
	if (done == n) {
		a->end += (int64_t)n;
		return 0;
	}
	a->slow = cut_off(a) < 0;
	return cdp_err_sys(err, e, "%s", a->name);
}

/* As much as there is already, so that small files stay small. */
void cdp_append_ahead(struct cdp_append *a, size_t n)
{
	static const char zeros[AHEAD_MIN];
	int64_t more = a->end < AHEAD_MAX ? a->end : AHEAD_MAX;
	int64_t from = a->ready > a->end ? a->ready : a->end, to;

	if (!a->regular || a->slow || a->end < AHEAD_MIN ||
	    a->end + (int64_t)n <= a->ready)
		return;
	to = (a->end + (int64_t)n + more) / PAGE * PAGE;
	while (from < to) {
		size_t piece = to - from < AHEAD_MIN ? (size_t)(to - from) : AHEAD_MIN;
		ssize_t w = pwrite(a->fd, zeros, piece, from);

		if (w <= 0)
			break;
		from += w;
	}
	a->ready = from;
}

/* --- pipes --- */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A pipe that has room at all has room for PIPE_BUF, so that write(2) does not wait.
 * Bytes that it took, or -1. */
static ssize_t pour(struct cdp_append *a, const char *p, size_t n, int64_t until,
		    struct cdp_err *err)
{
	struct pollfd f = { .fd = a->fd, .events = POLLOUT };
	size_t done = 0;

	while (done < n) {
		int64_t left = until - now_ms();
		size_t piece = n - done < PIPE_BUF ? n - done : PIPE_BUF;
		ssize_t w;
		int rc = poll(&f, 1, left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left);

		if (rc == 0)
			break;
		w = rc < 0 ? -1 : write(a->fd, p + done, piece);
		if (w < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (w < 0)
			return cdp_err_sys(err, errno, "%s", a->name);
		done += (size_t)w;
	}
	return (ssize_t)done;
}

static int to_pipe(struct cdp_append *a, const char *p, size_t n, int64_t wait_ms,
		   struct cdp_err *err)
{
	int64_t until = a->slow ? 0 : now_ms() + wait_ms;
	size_t owed = a->debt.n;
	ssize_t done = pour(a, a->debt.p, owed, until, err);

	if (done < 0)
		return -1;
	memmove(a->debt.p, a->debt.p + done, owed - (size_t)done);
	a->debt.n = owed - (size_t)done;
	if (!a->debt.n) {
		done = pour(a, p, n, until, err);
		if (done < 0)
			return -1;
		a->slow = (size_t)done < n;
		if (!a->slow)
			return 0;
		if (done)
			cdp_buf_add(&a->debt, p + done, n - (size_t)done);
	}
	a->slow = true;
	return cdp_err_set(err, CDP_ERR_SYS, "%s: the reader is too slow", a->name);
}

int cdp_append(struct cdp_append *a, const void *p, size_t n, int64_t wait_ms,
	       struct cdp_err *err)
{
	return a->regular ? to_file(a, p, n, err) : to_pipe(a, p, n, wait_ms, err);
}

int64_t cdp_append_whole(int fd, int64_t size)
{
	char block[64 << 10];

	while (size > 0) {
		int64_t at =
			size > (int64_t)sizeof(block) ? size - (int64_t)sizeof(block) : 0;
		ssize_t n = pread(fd, block, (size_t)(size - at), at);
		const char *lf;

		if (n < 0)
			return -1;
		lf = memrchr(block, '\n', (size_t)n);
		if (lf)
			return at + (lf - block) + 1;
		size = at;
	}
	return 0;
}

int64_t cdp_append_text(int fd, int64_t size)
{
	char block[64 << 10];

	for (int64_t at = 0; at < size;) {
		ssize_t n = pread(fd, block, sizeof(block), at);
		const char *zero = n > 0 ? memchr(block, '\0', (size_t)n) : NULL;

		if (n < 0)
			return -1;
		if (zero)
			return at + (zero - block);
		if (!n)
			return at;
		at += n;
	}
	return size;
}
