#include "io/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/tempfile.h"

enum { BUFFER = 256 * 1024 };

struct cdp_spool {
	int fd;
	const char *dir;
	char path[32];
	size_t at, n; /* writing: n bytes wait; reading: at..n are left */
	char buf[BUFFER];
};

static int fail(const struct cdp_spool *s, struct cdp_err *err)
{
	return cdp_err_sys(err, errno, "temporary file in %s", s->dir);
}

struct cdp_spool *cdp_spool_new(struct cdp_err *err)
{
	struct cdp_spool *s = cdp_alloc(sizeof(*s));

	s->dir = getenv("TMPDIR");
	if (!s->dir || !*s->dir)
		s->dir = "/tmp";
	s->at = s->n = 0;
	s->fd = cdp_tempfile_nameless(s->dir);
	if (s->fd < 0) {
		fail(s, err);
		free(s);
		return NULL;
	}
	snprintf(s->path, sizeof(s->path), "/proc/self/fd/%d", s->fd);
	return s;
}

void cdp_spool_free(struct cdp_spool *s)
{
	if (!s)
		return;
	close(s->fd);
	free(s);
}

static int write_out(struct cdp_spool *s, const char *p, size_t n, struct cdp_err *err)
{
	while (n) {
		ssize_t k = write(s->fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return fail(s, err);
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

int cdp_spool_write(struct cdp_spool *s, const void *p, size_t n, struct cdp_err *err)
{
	if (n <= BUFFER - s->n) {
		memcpy(s->buf + s->n, p, n);
		s->n += n;
		return 0;
	}
	if (write_out(s, s->buf, s->n, err) < 0)
		return -1;
	s->n = 0;
	if (n >= BUFFER)
		return write_out(s, p, n, err);
	memcpy(s->buf, p, n);
	s->n = n;
	return 0;
}

int cdp_spool_rewind(struct cdp_spool *s, struct cdp_err *err)
{
	if (write_out(s, s->buf, s->n, err) < 0)
		return -1;
	s->at = s->n = 0;
	return lseek(s->fd, 0, SEEK_SET) < 0 ? fail(s, err) : 0;
}

int cdp_spool_read(struct cdp_spool *s, void *p, size_t n, struct cdp_err *err)
{
	char *to = p;

	while (n) {
		size_t k = s->n - s->at < n ? s->n - s->at : n;
		ssize_t got;

		memcpy(to, s->buf + s->at, k);
		s->at += k;
		to += k;
		n -= k;
		if (!n)
			return 1;
		do
			got = read(s->fd, s->buf, BUFFER);
		while (got < 0 && errno == EINTR);
		if (got < 0)
			return fail(s, err);
		s->at = 0;
		s->n = (size_t)got;
		if (!got)
			return 0;
	}
	return 1;
}

const char *cdp_spool_path(const struct cdp_spool *s)
{
	return s->path;
}
