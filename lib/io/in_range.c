/* A plain file in ranges.  A line belongs to the range that it begins in: whoever has the
 * range passes over what is left of the line before and reads on to the end of its last
 * line.  The file ends where it did when it was opened, and with the line it was in. */
#include "io/in_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/mem.h"

enum { SLACK = 8 * 1024 }; /* read with a range, for the rest of its last line */

struct cdp_range_file {
	int fd;
	atomic_uint holders;
	atomic_bool failed;
	const char *name;
	uint64_t start, end, next;
	size_t line_max;
	_Atomic uint64_t *done; /* of the input, for progress */
};

struct cdp_range_file *in_ranges_new(struct cdp_in *in)
{
	struct cdp_range_file *f;
	struct stat st;
	off_t at;

	/* So that a line over the ceiling is the last one of its range. */
	if (in->waits || in->unpack || in->opts.line_max < CDP_IN_BLOCK ||
	    fstat(in->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	at = lseek(in->fd, 0, SEEK_CUR);
	if (at < (off_t)in->raw_n || st.st_size - at < 2 * CDP_IN_BLOCK)
		return NULL;
	f = cdp_calloc(1, sizeof(*f));
	f->fd = in->fd;
	atomic_init(&f->holders, 1);
	f->name = in_name_of(in, in->next - 1);
	f->start = f->next = (uint64_t)at - in->raw_n;
	f->end = (uint64_t)st.st_size;
	f->line_max = in->opts.line_max;
	f->done = &in->done;
	atomic_fetch_sub(&in->done, in->raw_n); /* they are read again */
	in->raw_n = in->raw_at = 0;
	/* Standard input may be shared: all of it is taken, as by reading. */
	if (in->fd == 0)
		lseek(in->fd, st.st_size, SEEK_SET);
	return f;
}

void in_ranges_drop(struct cdp_range_file *f)
{
	if (!f || atomic_fetch_sub(&f->holders, 1) > 1)
		return;
	if (f->fd > 0)
		close(f->fd);
	free(f);
}

int in_ranges_take(struct cdp_in *in, struct cdp_block *b)
{
	struct cdp_range_file *f = in->ranges;

	if (f->next >= f->end || atomic_load(&f->failed))
		return 0;
	in_stamp(in, b);
	atomic_fetch_add(&f->holders, 1);
	b->range = f;
	b->pending = true;
	b->from = f->next;
	b->to = f->end - f->next < CDP_IN_BLOCK ? f->end : f->next + CDP_IN_BLOCK;
	b->offset = b->from - f->start;
	f->next = b->to;
	return 1;
}

/* All of n bytes, less at the end of the file; -1 with *err. */
static ssize_t read_at(struct cdp_range_file *f, char *p, size_t n, uint64_t at,
		       struct cdp_err *err)
{
	size_t have = 0;

	while (have < n) {
		ssize_t got = pread(f->fd, p + have, n - have, (off_t)(at + have));

		if (got == 0)
			break;
		if (got > 0) {
			have += (size_t)got;
		} else if (errno != EINTR) {
			atomic_store(&f->failed, true);
			return cdp_err_sys(err, errno, "%s", f->name);
		}
	}
	return (ssize_t)have;
}

/* What lies in b->data while lines are sought in it. */
struct view {
	uint64_t pos; /* of its first byte in the file */
	size_t n;
	size_t begin; /* of the first line of the range */
	size_t stop;  /* no line begins here or later */
	bool eof;
};

static int read_on(struct cdp_block *b, struct view *v, size_t more, struct cdp_err *err)
{
	ssize_t got;

	in_make_room(b, v->n, v->n + more + 1 + CDP_IN_PAD); /* LF supplied */
	if (!v->n)
		in_align(b, v->pos);
	got = read_at(b->range, b->data + v->n, more, v->pos + v->n, err);
	if (got < 0)
		return -1;
	v->n += (size_t)got;
	v->eof = (size_t)got < more;
	return 0;
}

static void find_begin(const struct cdp_block *b, struct view *v)
{
	static const char bom[3] = { '\xef', '\xbb', '\xbf' };
	const char *lf;

	if (b->from == b->range->start) {
		v->begin = v->n >= 3 && memcmp(b->data, bom, 3) == 0 ? 3 : 0;
		return;
	}
	lf = memchr(b->data, '\n', v->stop - 1 < v->n ? v->stop - 1 : v->n);
	v->begin = lf ? (size_t)(lf - b->data) + 1 : v->n + 1;
}

/* Where the last line of the range begins. */
static size_t last_line(const struct cdp_block *b, const struct view *v)
{
	size_t n = v->stop - 1 < v->n ? v->stop - 1 : v->n;
	const char *lf =
		n > v->begin ? memrchr(b->data + v->begin, '\n', n - v->begin) : NULL;

	return lf ? (size_t)(lf - b->data) + 1 : v->begin;
}

/* Its bytes are counted and summed, not kept: cdp_in_long() reads them again. */
static int measure_long(struct cdp_block *b, uint64_t at, struct cdp_err *err)
{
	struct cdp_sha256 *sum = cdp_sha256_new();
	char *p = cdp_alloc(CDP_IN_BLOCK);
	const char *lf = NULL;
	ssize_t got = 1;

	b->overlong = b->long_unread = true;
	b->long_at = at;
	b->long_length = 0;
	while (!lf && got > 0) {
		size_t n;

		got = read_at(b->range, p, CDP_IN_BLOCK, at + b->long_length, err);
		if (got <= 0)
			break;
		lf = memchr(p, '\n', (size_t)got);
		n = lf ? (size_t)(lf - p) : (size_t)got;
		cdp_sha256_add(sum, p, n);
		b->long_length += n;
	}
	cdp_sha256_hex(sum, b->long_sha256);
	cdp_sha256_free(sum);
	free(p);
	return got < 0 ? -1 : 0;
}

/* Where the lines of the range end, or its last line, which is over the ceiling,
 * begins. */
static int find_end(struct cdp_block *b, struct view *v, size_t *end, struct cdp_err *err)
{
	size_t seen = v->stop - 1, last = 0;
	bool known = false;

	for (;;) {
		const char *lf =
			seen < v->n ? memchr(b->data + seen, '\n', v->n - seen) : NULL;

		*end = lf ? (size_t)(lf - b->data) + 1 : v->n;
		if (*end - v->begin > b->range->line_max) {
			last = known ? last : last_line(b, v);
			known = true;
			if (*end - (lf != NULL) - last > b->range->line_max) {
				*end = last;
				return measure_long(b, v->pos + last, err);
			}
		}
		if (lf)
			return 0;
		if (v->eof) {
			if (*end > v->begin && b->data[*end - 1] != '\n')
				b->data[(*end)++] = '\n';
			return 0;
		}
		seen = v->n;
		if (read_on(b, v, v->n, err) < 0)
			return -1;
	}
}

static int fetch(struct cdp_block *b, struct cdp_err *err)
{
	struct view v = { .pos = b->from - (b->from > b->range->start) };
	size_t end;

	v.stop = (size_t)(b->to - v.pos);
	if (read_on(b, &v, v.stop + SLACK, err) < 0)
		return -1;
	find_begin(b, &v);
	end = v.begin;
	if (v.begin < v.n && find_end(b, &v, &end, err) < 0)
		return -1;
	if (v.begin > v.n)
		end = v.begin = 0; /* no line begins here */
	b->data += v.begin;
	b->len = end - v.begin;
	memset(b->data + b->len, 0, CDP_IN_PAD);
	atomic_fetch_add_explicit(b->range->done, b->to - b->from, memory_order_relaxed);
	return 0;
}

int cdp_in_fetch(struct cdp_block *b, struct cdp_err *err)
{
	int rc;

	if (!b->pending)
		return 1;
	b->pending = false;
	rc = fetch(b, err);
	if (rc < 0 || !b->long_unread) {
		in_ranges_drop(b->range);
		b->range = NULL;
	}
	return rc < 0 ? -1 : 1;
}

int cdp_in_long(struct cdp_block *b,
		int (*sink)(void *ctx, const char *p, size_t n, struct cdp_err *err),
		void *ctx, struct cdp_err *err)
{
	char *p = cdp_alloc(CDP_IN_BLOCK);
	uint64_t done = 0;
	int rc = 0;

	while (rc == 0 && done < b->long_length) {
		uint64_t left = b->long_length - done;
		size_t n = left < CDP_IN_BLOCK ? (size_t)left : CDP_IN_BLOCK;
		ssize_t got = read_at(b->range, p, n, b->long_at + done, err);

		if (got == 0)
			got = cdp_err_set(err, CDP_ERR_SYS,
					  "%s: it became shorter while it was read",
					  b->name);
		rc = got < 0 ? -1 : sink(ctx, p, (size_t)got, err);
		done += got > 0 ? (uint64_t)got : 0;
	}
	free(p);
	b->long_unread = false;
	return rc;
}
