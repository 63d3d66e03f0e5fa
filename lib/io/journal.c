#include "io/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"

struct cdp_journal {
	int fd;
	char *path;
	uint64_t size; /* header included */
};

/* In the byte order of this machine: a journal never leaves it. */
struct header {
	char magic[8];
	uint64_t generation;
};

struct chunk {
	uint64_t n, sum;
};

static const char magic[8] = "cdpjrn1\n";

static int fail(const struct cdp_journal *j, struct cdp_err *err)
{
	return cdp_err_sys(err, errno, "%s", j->path);
}

static int write_at_end(struct cdp_journal *j, const char *p, size_t n,
			struct cdp_err *err)
{
	while (n) {
		ssize_t k = pwrite(j->fd, p, n, (off_t)j->size);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return fail(j, err);
		j->size += (uint64_t)k;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

int cdp_journal_restart(struct cdp_journal *j, uint64_t generation, struct cdp_err *err)
{
	struct header h = { .generation = generation };

	memcpy(h.magic, magic, sizeof(magic));
	if (ftruncate(j->fd, 0) < 0)
		return fail(j, err);
	j->size = 0;
	return write_at_end(j, (const char *)&h, sizeof(h), err);
}

int cdp_journal_add(struct cdp_journal *j, const char *p, size_t n, struct cdp_err *err)
{
	struct chunk c = { n, cdp_hash_stable(p, n, n) };

	/* In two writes: a death between them leaves a chunk cut short. */
	if (write_at_end(j, (const char *)&c, sizeof(c), err) < 0)
		return -1;
	return write_at_end(j, p, n, err);
}

int cdp_journal_sync(struct cdp_journal *j, struct cdp_err *err)
{
	return fdatasync(j->fd) < 0 ? fail(j, err) : 0;
}

uint64_t cdp_journal_size(const struct cdp_journal *j)
{
	return j->size - sizeof(struct header);
}

/* Fills p; 1, or 0 if the file ends before. */
static int read_all(struct cdp_journal *j, void *p, size_t n, uint64_t at,
		    struct cdp_err *err)
{
	char *to = p;

	while (n) {
		ssize_t k = pread(j->fd, to, n, (off_t)at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return fail(j, err);
		if (k == 0)
			return 0;
		to += k;
		at += (uint64_t)k;
		n -= (size_t)k;
	}
	return 1;
}

static int replay(struct cdp_journal *j, uint64_t end,
		  int (*each)(void *ctx, const char *p, size_t n, struct cdp_err *err),
		  void *ctx, struct cdp_err *err)
{
	char *p = NULL;
	int rc = 0;

	for (;;) {
		struct chunk c;
		uint64_t at = j->size + sizeof(c);

		rc = read_all(j, &c, sizeof(c), j->size, err);
		if (rc <= 0 || c.n > end - at)
			break;
		p = cdp_realloc(p, c.n + 1, 1);
		rc = read_all(j, p, c.n, at, err);
		if (rc <= 0 || cdp_hash_stable(p, c.n, c.n) != c.sum)
			break;
		rc = each(ctx, p, c.n, err);
		if (rc < 0)
			break;
		j->size = at + c.n;
	}
	free(p);
	return rc < 0 ? -1 : 0;
}

static int open_file(struct cdp_journal *j, uint64_t generation,
		     int (*each)(void *ctx, const char *p, size_t n, struct cdp_err *err),
		     void *ctx, struct cdp_err *err)
{
	struct header h;
	struct stat st;
	int rc;

	do
		j->fd = open(j->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	while (j->fd < 0 && errno == EINTR);
	if (j->fd < 0 || fstat(j->fd, &st) < 0)
		return fail(j, err);
	rc = read_all(j, &h, sizeof(h), 0, err);
	if (rc < 0)
		return -1;
	if (rc == 0 || memcmp(h.magic, magic, sizeof(magic)) != 0 ||
	    h.generation != generation)
		return cdp_journal_restart(j, generation, err);
	j->size = sizeof(h);
	if (replay(j, (uint64_t)st.st_size, each, ctx, err) < 0)
		return -1;
	return ftruncate(j->fd, (off_t)j->size) < 0 ? fail(j, err) : 0;
}

struct cdp_journal *cdp_journal_open(const char *path, uint64_t generation,
				     int (*each)(void *ctx, const char *p, size_t n,
						 struct cdp_err *err),
				     void *ctx, struct cdp_err *err)
{
	struct cdp_journal *j = cdp_calloc(1, sizeof(*j));

	j->fd = -1;
	j->path = cdp_strdup(path);
	if (open_file(j, generation, each, ctx, err) == 0)
		return j;
	cdp_journal_close(j);
	return NULL;
}

void cdp_journal_close(struct cdp_journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	free(j->path);
	free(j);
}
