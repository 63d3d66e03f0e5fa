#include "io/keyrun.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/tempfile.h"

enum { BITS = 12, PROBES = 7, WORDS = 8, BUFFER = 256 * 1024 };

/* A line of the filter; which one follows from the high bits of an id, so that a sorted
 * run fills them one after the other. */
struct line {
	uint64_t w[WORDS];
};

/* 64 bytes: the lines after it keep to cache lines. */
struct header {
	char magic[8];
	uint64_t lines, keys;
	int64_t note;
	uint64_t unused[4];
};

static const char magic[8] = "cdpkey1\n";

struct cdp_keyrun {
	void *map;
	size_t size;
	const struct header *header;
	const struct line *lines;
	const struct cdp_key *keys;
};

/* One of two streams into the file: lines and keys. */
struct stream {
	char *buf;
	size_t n;
	uint64_t at;
};

struct cdp_keyrun_out {
	int fd;
	char *path; /* NULL: without a name */
	struct header header;
	struct stream lines, keys;
	struct line line;
	uint64_t line_no;
};

static uint64_t line_of(uint64_t lines, uint64_t id)
{
	return (uint64_t)((unsigned __int128)id * lines >> 64);
}

/* The bits of an id in its line, nine bits of a product for each. */
static bool probe(uint64_t bits, unsigned k, const struct line *line)
{
	unsigned bit = (unsigned)(bits >> (9 * k)) & 511;

	return line->w[bit / 64] >> (bit % 64) & 1;
}

static uint64_t bits_of(uint64_t id)
{
	/* The low half: the high one chose the line. */
	return (id & 0xffffffff) * 0x9e3779b97f4a7c15u;
}

/* --- writing --- */

static const char *temp_dir(void)
{
	const char *dir = getenv("TMPDIR");

	return dir && *dir ? dir : "/tmp";
}

static const char *name_of(const struct cdp_keyrun_out *o)
{
	return o->path ? o->path : "temporary file";
}

static int fail(const struct cdp_keyrun_out *o, struct cdp_err *err)
{
	if (o->path)
		return cdp_err_sys(err, errno, "%s", o->path);
	return cdp_err_sys(err, errno, "temporary file in %s", temp_dir());
}

struct cdp_keyrun_out *cdp_keyrun_create(const char *path, uint64_t most,
					 struct cdp_err *err)
{
	struct cdp_keyrun_out *o = cdp_calloc(1, sizeof(*o));

	o->path = path ? cdp_strdup(path) : NULL;
	o->fd = path ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)
		     : cdp_tempfile_nameless(temp_dir());
	if (o->fd < 0) {
		fail(o, err);
		free(o->path);
		free(o);
		return NULL;
	}
	memcpy(o->header.magic, magic, sizeof(magic));
	o->header.lines = most * BITS / 512 + 1;
	o->lines = (struct stream){ cdp_alloc(BUFFER), 0, sizeof(o->header) };
	o->keys =
		(struct stream){ cdp_alloc(BUFFER), 0,
				 sizeof(o->header) + o->header.lines * sizeof(o->line) };
	return o;
}

static int write_at(struct cdp_keyrun_out *o, const char *p, size_t n, uint64_t at,
		    struct cdp_err *err)
{
	while (n) {
		ssize_t k = pwrite(o->fd, p, n, (off_t)at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return fail(o, err);
		p += k;
		n -= (size_t)k;
		at += (uint64_t)k;
	}
	return 0;
}

static int drain(struct cdp_keyrun_out *o, struct stream *s, struct cdp_err *err)
{
	if (write_at(o, s->buf, s->n, s->at, err) < 0)
		return -1;
	s->at += s->n;
	s->n = 0;
	return 0;
}

static int put(struct cdp_keyrun_out *o, struct stream *s, const void *p, size_t n,
	       struct cdp_err *err)
{
	if (s->n + n > BUFFER && drain(o, s, err) < 0)
		return -1;
	memcpy(s->buf + s->n, p, n);
	s->n += n;
	return 0;
}

static int lines_up_to(struct cdp_keyrun_out *o, uint64_t line_no, struct cdp_err *err)
{
	for (; o->line_no < line_no; o->line_no++) {
		if (put(o, &o->lines, &o->line, sizeof(o->line), err) < 0)
			return -1;
		memset(&o->line, 0, sizeof(o->line));
	}
	return 0;
}

int cdp_keyrun_add(struct cdp_keyrun_out *o, const struct cdp_key *key,
		   struct cdp_err *err)
{
	uint64_t bits = bits_of(key->id);

	if (lines_up_to(o, line_of(o->header.lines, key->id), err) < 0)
		return -1;
	for (unsigned k = 0; k < PROBES; k++) {
		unsigned bit = (unsigned)(bits >> (9 * k)) & 511;

		o->line.w[bit / 64] |= (uint64_t)1 << (bit % 64);
	}
	o->header.keys++;
	return put(o, &o->keys, key, sizeof(*key), err);
}

static void release(struct cdp_keyrun_out *o)
{
	if (o->fd >= 0)
		close(o->fd);
	free(o->lines.buf);
	free(o->keys.buf);
	free(o->path);
	free(o);
}

void cdp_keyrun_abandon(struct cdp_keyrun_out *o)
{
	if (!o)
		return;
	if (o->path)
		unlink(o->path);
	release(o);
}

static struct cdp_keyrun *map_run(int fd, const char *name, struct cdp_err *err)
{
	struct cdp_keyrun *r = cdp_calloc(1, sizeof(*r));
	const struct header *h;
	struct stat st;
	uint64_t room;

	if (fstat(fd, &st) < 0) {
		cdp_err_sys(err, errno, "%s", name);
		goto out;
	}
	r->size = (size_t)st.st_size;
	if (r->size < sizeof(*h))
		goto damaged;
	r->map = mmap(NULL, r->size, PROT_READ, MAP_SHARED, fd, 0);
	if (r->map == MAP_FAILED) {
		cdp_err_sys(err, errno, "%s", name);
		goto out;
	}
	h = r->header = r->map;
	room = r->size - sizeof(*h);
	if (memcmp(h->magic, magic, sizeof(magic)) == 0 && h->lines &&
	    h->lines <= room / sizeof(struct line) &&
	    h->keys == (room - h->lines * sizeof(struct line)) / sizeof(struct cdp_key)) {
		r->lines = (const struct line *)(h + 1);
		r->keys = (const struct cdp_key *)(r->lines + h->lines);
		return r;
	}
	munmap(r->map, r->size);
damaged:
	cdp_err_set(err, CDP_ERR_SYS, "%s: damaged, or no file of keys", name);
out:
	free(r);
	return NULL;
}

struct cdp_keyrun *cdp_keyrun_finish(struct cdp_keyrun_out *o, int64_t note,
				     struct cdp_err *err)
{
	struct cdp_keyrun *r = NULL;

	o->header.note = note;
	if (lines_up_to(o, o->header.lines, err) == 0 && drain(o, &o->lines, err) == 0 &&
	    drain(o, &o->keys, err) == 0 &&
	    write_at(o, (const char *)&o->header, sizeof(o->header), 0, err) == 0) {
		if (o->path && fsync(o->fd) < 0)
			cdp_err_sys(err, errno, "%s", o->path);
		else
			r = map_run(o->fd, name_of(o), err);
	}
	if (r)
		release(o);
	else
		cdp_keyrun_abandon(o);
	return r;
}

/* --- reading --- */

struct cdp_keyrun *cdp_keyrun_open(const char *path, struct cdp_err *err)
{
	struct cdp_keyrun *r;
	int fd;

	do
		fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	if (fd < 0) {
		cdp_err_sys(err, errno, "%s", path);
		return NULL;
	}
	r = map_run(fd, path, err);
	close(fd);
	return r;
}

void cdp_keyrun_close(struct cdp_keyrun *r)
{
	if (!r)
		return;
	munmap(r->map, r->size);
	free(r);
}

int64_t cdp_keyrun_note(const struct cdp_keyrun *r)
{
	return r->header->note;
}

const struct cdp_key *cdp_keyrun_keys(const struct cdp_keyrun *r, uint64_t *n)
{
	*n = r->header->keys;
	return r->keys;
}

void cdp_keyrun_ahead(const struct cdp_keyrun *r, uint64_t id)
{
	__builtin_prefetch(&r->lines[line_of(r->header->lines, id)]);
}

static bool may_have(const struct cdp_keyrun *r, uint64_t id)
{
	const struct line *line = &r->lines[line_of(r->header->lines, id)];
	uint64_t bits = bits_of(id);

	for (unsigned k = 0; k < PROBES; k++)
		if (!probe(bits, k, line))
			return false;
	return true;
}

/* The first key that is not below: around the place where it should be, in growing steps,
 * then by halves. */
static uint64_t lower_bound(const struct cdp_keyrun *r, uint64_t id)
{
	uint64_t n = r->header->keys, step = 16;
	uint64_t lo = line_of(n, id), hi = lo;

	while (lo > 0 && r->keys[lo - 1].id >= id) {
		hi = lo - 1;
		lo = lo > step ? lo - step : 0;
		step *= 2;
	}
	while (hi < n && r->keys[hi].id < id) {
		lo = hi + 1;
		hi = n - hi > step ? hi + step : n;
		step *= 2;
	}
	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;

		if (r->keys[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct cdp_key *cdp_keyrun_find(const struct cdp_keyrun *r, uint64_t id)
{
	uint64_t i;

	if (!r->header->keys || !may_have(r, id))
		return NULL;
	i = lower_bound(r, id);
	return i < r->header->keys && r->keys[i].id == id ? &r->keys[i] : NULL;
}
