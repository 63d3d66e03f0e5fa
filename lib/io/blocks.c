#include "io/blocks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "io/out.h"

/* Before each block; the last one has no length, and the number of blocks for a hash. */
struct mark {
	uint64_t length, hash;
};

struct cdp_blocks_out {
	struct cdp_out *out;
	uint64_t count;
};

struct cdp_blocks {
	char *name;
	const char *map;
	size_t size, at;
	uint64_t count;
};

struct cdp_blocks_out *cdp_blocks_create(const char *path,
					 const char magic[CDP_BLOCKS_MAGIC],
					 struct cdp_err *err)
{
	struct cdp_out *out = cdp_out_open(path, err);
	struct cdp_blocks_out *o;

	if (!out)
		return NULL;
	o = cdp_calloc(1, sizeof(*o));
	o->out = out;
	cdp_out_write(out, magic, CDP_BLOCKS_MAGIC);
	return o;
}

static void put_mark(struct cdp_blocks_out *o, uint64_t length, uint64_t hash)
{
	struct mark m = { length, hash };

	cdp_out_write(o->out, &m, sizeof(m));
}

void cdp_blocks_add(struct cdp_blocks_out *o, const void *p, size_t n)
{
	put_mark(o, n, cdp_hash_stable(p, n, o->count));
	cdp_out_write(o->out, p, n);
	o->count++;
}

int cdp_blocks_finish(struct cdp_blocks_out *o, struct cdp_err *err)
{
	int rc;

	put_mark(o, 0, o->count);
	rc = cdp_out_close(o->out, err);
	free(o);
	return rc;
}

void cdp_blocks_abandon(struct cdp_blocks_out *o)
{
	if (!o)
		return;
	cdp_out_abandon(o->out);
	free(o);
}

static int damaged(const struct cdp_blocks *b, struct cdp_err *err)
{
	return cdp_err_set(err, CDP_ERR_SYS, "'%s' is damaged at byte %zu", b->name,
			   b->at);
}

static int map_file(struct cdp_blocks *b, int fd, struct cdp_err *err)
{
	struct stat st;
	void *map;

	if (fstat(fd, &st) < 0)
		return cdp_err_sys(err, errno, "%s", b->name);
	if (st.st_size == 0)
		return 0;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return cdp_err_sys(err, errno, "%s", b->name);
	b->map = map;
	b->size = (size_t)st.st_size;
	madvise(map, b->size, MADV_SEQUENTIAL);
	return 0;
}

int cdp_blocks_open(struct cdp_blocks **out, const char *path,
		    const char magic[CDP_BLOCKS_MAGIC], struct cdp_err *err)
{
	struct cdp_blocks *b;
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return cdp_err_sys(err, errno, "%s", path);
	b = cdp_calloc(1, sizeof(*b));
	b->name = cdp_strdup(path);
	rc = map_file(b, fd, err);
	close(fd);
	if (rc == 0 &&
	    (b->size < CDP_BLOCKS_MAGIC || memcmp(b->map, magic, CDP_BLOCKS_MAGIC) != 0))
		rc = cdp_err_set(err, CDP_ERR_SYS, "'%s' was not written by this version",
				 path);
	if (rc < 0) {
		cdp_blocks_close(b);
		return -1;
	}
	cdp_blocks_rewind(b);
	*out = b;
	return 1;
}

void cdp_blocks_close(struct cdp_blocks *b)
{
	if (!b)
		return;
	if (b->map)
		munmap((void *)b->map, b->size);
	free(b->name);
	free(b);
}

void cdp_blocks_rewind(struct cdp_blocks *b)
{
	b->at = CDP_BLOCKS_MAGIC;
	b->count = 0;
}

int cdp_blocks_next(struct cdp_blocks *b, const char **p, size_t *n, struct cdp_err *err)
{
	size_t left = b->size - b->at;
	struct mark m;

	if (left < sizeof(m))
		return damaged(b, err);
	memcpy(&m, b->map + b->at, sizeof(m));
	left -= sizeof(m);
	if (m.length == 0)
		return m.hash == b->count && left == 0 ? 0 : damaged(b, err);
	if (m.length > left ||
	    cdp_hash_stable(b->map + b->at + sizeof(m), m.length, b->count) != m.hash)
		return damaged(b, err);
	*p = b->map + b->at + sizeof(m);
	*n = m.length;
	b->at += sizeof(m) + m.length;
	b->count++;
	return 1;
}

uint64_t cdp_blocks_size(const struct cdp_blocks *b)
{
	return b->size;
}
