#include "io/in_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/mem.h"

enum { PIPE_SIZE = 1024 * 1024, PAGE = 4096 };

static const char bom[3] = { '\xef', '\xbb', '\xbf' };

const char *in_name_of(const struct cdp_in *in, unsigned i)
{
	return strcmp(in->operands[i], "-") == 0 ? "standard input" : in->operands[i];
}

/* What is known before opening: for the default of -j and for progress. */
static void survey(struct cdp_in *in)
{
	unsigned dashes = 0;

	in->all_files = true;
	for (unsigned i = 0; i < in->count; i++) {
		bool dash = strcmp(in->operands[i], "-") == 0;
		struct stat st;
		off_t at = 0;

		dashes += dash;
		if ((dash ? fstat(0, &st) : stat(in->operands[i], &st)) < 0)
			continue; /* will fail without waiting */
		if (!S_ISREG(st.st_mode)) {
			in->all_files = in->all_files && S_ISDIR(st.st_mode);
			continue;
		}
		if (dash)
			at = lseek(0, 0, SEEK_CUR);
		if (at >= 0 && st.st_size > at)
			in->total += (uint64_t)(st.st_size - at);
	}
	if (!in->all_files)
		in->total = 0;
	in->repeated = dashes > 1;
}

struct cdp_in *cdp_in_new(char *const *operands, const struct cdp_in_opts *opts)
{
	static char dash[] = "-";
	struct cdp_in *in = cdp_calloc(1, sizeof(*in));

	while (operands && operands[in->count])
		in->count++;
	in->operands = cdp_calloc(in->count + 1, sizeof(*in->operands));
	for (unsigned i = 0; i < in->count; i++)
		in->operands[i] = operands[i];
	if (in->count == 0)
		in->operands[in->count++] = dash;
	if (opts)
		in->opts = *opts;
	if (in->opts.line_max == 0)
		in->opts.line_max = CDP_IN_LINE_MAX;
	in->fd = -1;
	in->raw = cdp_alloc_aligned(PAGE, CDP_IN_BLOCK);
	in->carry = cdp_alloc(CDP_IN_BLOCK);
	survey(in);
	return in;
}

static void close_input(struct cdp_in *in)
{
	if (in->ranges)
		in_ranges_drop(in->ranges); /* the last holder closes the file */
	else if (in->fd > 0)
		close(in->fd); /* nothing was written: no error to learn */
	in->ranges = NULL;
	in->fd = -1;
	cdp_unpack_free(in->unpack);
	in->unpack = NULL;
	in->raw_at = in->raw_n = in->carry_n = 0;
	in->more = in->failed = false;
}

void cdp_in_free(struct cdp_in *in)
{
	if (!in)
		return;
	close_input(in);
	free(in->operands);
	free(in->raw);
	free(in->carry);
	free(in);
}

void cdp_block_init(struct cdp_block *b)
{
	memset(b, 0, sizeof(*b));
}

void cdp_block_release(struct cdp_block *b)
{
	in_ranges_drop(b->range);
	free(b->room);
	cdp_block_init(b);
}

/* --- bytes as they are --- */

static void announce_wait(struct cdp_in *in)
{
	if (in->opts.before_wait)
		in->opts.before_wait(in->opts.ctx);
}

/* Until there is something to be read, or nothing more to be announced. */
static void wait_for(struct cdp_in *in, struct pollfd *ready)
{
	int ms;

	do {
		announce_wait(in);
		ms = in->opts.wait_ms ? in->opts.wait_ms(in->opts.ctx) : -1;
	} while (ms >= 0 && poll(ready, 1, ms) == 0);
}

/* read(2) that retries; 0 at the end, -1 with in->failure. */
static ssize_t read_raw(struct cdp_in *in, char *p, size_t n)
{
	struct pollfd ready = { in->fd, POLLIN, 0 };
	ssize_t got;

	if (in->waits && poll(&ready, 1, 0) == 0)
		wait_for(in, &ready);
	for (;;) {
		got = read(in->fd, p, n);
		if (got >= 0)
			break;
		if (errno == EAGAIN) {
			/* A descriptor that someone else made non-blocking. */
			poll(&ready, 1, -1);
		} else if (errno != EINTR) {
			in->failed = true;
			return cdp_err_sys(&in->failure, errno, "%s",
					   in_name_of(in, in->next - 1));
		}
	}
	atomic_fetch_add_explicit(&in->done, (uint64_t)got, memory_order_relaxed);
	in->pos += (uint64_t)got;
	return got;
}

/* Read until the first bytes tell the codec. */
static int sniff(struct cdp_in *in)
{
	enum cdp_codec codec = CDP_CODEC_UNSURE;
	ssize_t got = 1;

	while (codec == CDP_CODEC_UNSURE && got > 0) {
		got = read_raw(in, in->raw + in->raw_n, CDP_IN_BLOCK - in->raw_n);
		if (got < 0)
			return -1;
		in->raw_n += (size_t)got;
		codec = cdp_codec_sniff(in->raw, in->raw_n);
	}
	if (codec == CDP_CODEC_GZIP || codec == CDP_CODEC_ZSTD)
		in->unpack = cdp_unpack_new(codec);
	return 0;
}

static void set_read_max(struct cdp_in *in)
{
	int size;

	in->read_max = CDP_IN_BLOCK;
	if (in->waits) {
		fcntl(in->fd, F_SETPIPE_SZ, PIPE_SIZE);
		size = fcntl(in->fd, F_GETPIPE_SZ);
		if (size > 0 && (size_t)size < in->read_max)
			in->read_max = (size_t)size;
	}
	/* So that only the first line of a block can pass the ceiling: every other one
	 * lies within one read. */
	if (in->opts.line_max < in->read_max)
		in->read_max = in->opts.line_max + 1;
}

/* Open the next operand.  0, or -1 with *err (that operand is done with). */
static int open_input(struct cdp_in *in, struct cdp_err *err)
{
	const char *operand = in->operands[in->next];
	const char *name = in_name_of(in, in->next);
	struct stat st;

	in->next++;
	in->waits = true;
	if (strcmp(operand, "-") == 0) {
		in->fd = 0;
	} else {
		/* Opening a FIFO waits for its writer. */
		if (stat(operand, &st) == 0 && S_ISFIFO(st.st_mode))
			announce_wait(in);
		do
			in->fd = open(operand, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		while (in->fd < 0 && errno == EINTR);
	}
	if (in->fd < 0 || fstat(in->fd, &st) < 0) {
		cdp_err_sys(err, errno, "%s", name);
		close_input(in);
		return -1;
	}
	in->pos = 0;
	if (S_ISREG(st.st_mode)) {
		off_t at = lseek(in->fd, 0, SEEK_CUR);

		in->pos = at > 0 ? (uint64_t)at : 0;
		in->waits = false;
		posix_fadvise(in->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	}
	in->eof = false;
	in->fresh = true;
	in->offset = 0;
	set_read_max(in);
	if (sniff(in) < 0) {
		*err = in->failure;
		close_input(in);
		return -1;
	}
	return 0;
}

/* --- decoded bytes --- */

static void fail_unpack(struct cdp_in *in)
{
	cdp_err_prefix(&in->failure, "%s", in_name_of(in, in->next - 1));
	in->failed = true;
}

static ssize_t read_unpacked(struct cdp_in *in, char *p, size_t n)
{
	for (;;) {
		size_t used, made;
		ssize_t got;
		int status;

		if (in->raw_at < in->raw_n || in->more) {
			status = cdp_unpack_run(in->unpack, in->raw + in->raw_at,
						in->raw_n - in->raw_at, &used, p, n,
						&made, &in->failure);
			in->raw_at += used;
			in->more = made == n;
			if (status < 0)
				fail_unpack(in);
			if (made > 0)
				return (ssize_t)made;
			if (status < 0)
				return -1;
		}
		got = read_raw(in, in->raw, CDP_IN_BLOCK);
		if (got == 0 && cdp_unpack_end(in->unpack, &in->failure) < 0) {
			fail_unpack(in);
			return -1;
		}
		if (got <= 0)
			return got;
		in->raw_at = 0;
		in->raw_n = (size_t)got;
	}
}

/* Up to n (> 0) decoded bytes of the current input; 0 at its end, -1 with in->failure. */
static ssize_t read_decoded(struct cdp_in *in, char *p, size_t n)
{
	size_t left = in->raw_n - in->raw_at;

	if (in->failed)
		return -1;
	if (in->unpack)
		return read_unpacked(in, p, n);
	if (left == 0)
		return read_raw(in, p, n);
	if (left < n)
		n = left;
	memcpy(p, in->raw + in->raw_at, n);
	in->raw_at += n;
	return (ssize_t)n;
}

/* --- blocks --- */

void in_make_room(struct cdp_block *b, size_t kept, size_t n)
{
	size_t shift = kept ? (size_t)(b->data - b->room) : 0;
	char *room;

	if (n <= b->cap)
		return;
	room = cdp_alloc_aligned(PAGE, n + PAGE);
	if (kept)
		memcpy(room + shift, b->data, kept);
	free(b->room);
	b->room = room;
	b->data = room + shift;
	b->cap = n;
}

void in_align(struct cdp_block *b, uint64_t pos)
{
	b->data = b->room + pos % PAGE;
}

/* Room in b for at least half a read after n bytes, of which the first `kept` are there,
 * a supplied LF and the padding. */
static size_t make_room(struct cdp_in *in, struct cdp_block *b, size_t kept, size_t n)
{
	size_t spare = 1 + CDP_IN_PAD;

	if (b->cap < n + spare + in->read_max / 2 + 1) {
		size_t cap = n < CDP_IN_BLOCK ? CDP_IN_BLOCK + spare : 2 * n + spare;

		if (cap < n + in->read_max + spare)
			cap = n + in->read_max + spare;
		in_make_room(b, kept, cap);
	}
	return b->cap - spare - n < in->read_max ? b->cap - spare - n : in->read_max;
}

void in_stamp(struct cdp_in *in, struct cdp_block *b)
{
	b->seq = in->seq++;
	b->input = in->next - 1;
	b->name = in_name_of(in, b->input);
	b->offset = in->offset;
	b->first = in->fresh;
	b->overlong = b->long_unread = false;
	b->pending = false;
	in_ranges_drop(b->range);
	b->range = NULL;
	in->fresh = false;
}

/* Give the first `len` of n bytes; the rest is carried over. */
static int give(struct cdp_in *in, struct cdp_block *b, size_t len, size_t n)
{
	in->carry_n = n - len;
	if (in->carry_n)
		memcpy(in->carry, b->data + len, in->carry_n);
	in_stamp(in, b);
	in->offset += len;
	b->len = len;
	memset(b->data + len, 0, CDP_IN_PAD);
	return 1;
}

static int sink(struct cdp_in *in, struct cdp_sha256 *sum, const char *p, size_t n,
		struct cdp_err *err)
{
	cdp_sha256_add(sum, p, n);
	if (n == 0 || !in->opts.long_sink)
		return 0;
	in->long_offset += n;
	return in->opts.long_sink(in->opts.ctx, p, n, err);
}

/* Stream a line away whose first n bytes, without LF, are in b; b is used as the buffer.
 * `nl` is where its LF is, or n. */
static int pass_overlong(struct cdp_in *in, struct cdp_block *b, size_t nl, size_t n,
			 struct cdp_err *err)
{
	struct cdp_sha256 *sum = cdp_sha256_new();
	uint64_t length = nl, start = in->long_offset;
	int status = sink(in, sum, b->data, nl, err);

	while (status == 0 && nl == n) {
		size_t room = make_room(in, b, 0, 0); /* it may move the data */
		ssize_t got = read_decoded(in, b->data, room);
		const char *lf;

		if (got < 0) {
			*err = in->failure;
			status = -1;
		}
		if (got <= 0)
			break;
		n = (size_t)got;
		lf = memchr(b->data, '\n', n);
		nl = lf ? (size_t)(lf - b->data) : n;
		length += nl;
		status = sink(in, sum, b->data, nl, err);
	}
	if (status == 0) {
		/* What follows the LF, possibly whole lines, is for the next call. */
		in->carry_n = n > nl ? n - nl - 1 : 0;
		if (in->carry_n)
			memcpy(in->carry, b->data + nl + 1, in->carry_n);
		in_stamp(in, b);
		in->offset += length + (n > nl);
		b->len = 0;
		memset(b->data, 0, CDP_IN_PAD);
		b->overlong = true;
		b->long_length = length;
		b->long_offset = start;
		cdp_sha256_hex(sum, b->long_sha256);
	}
	cdp_sha256_free(sum);
	return status == 0 ? 1 : -1;
}

/* Skip a BOM at the start of an input: 1 when there was none to wait for, 0 when more
 * bytes are needed to tell. */
static int skip_bom(struct cdp_in *in, struct cdp_block *b, size_t *n)
{
	if (!in->fresh || in->offset > 0)
		return 1;
	if (memcmp(b->data, bom, *n < 3 ? *n : 3) != 0)
		return 1;
	if (*n < 3)
		return 0;
	*n -= 3;
	memmove(b->data, b->data + 3, *n);
	in->offset = 3;
	return 1;
}

/* 1: a block; 0: the input is at its end; -1. */
static int next_lines(struct cdp_in *in, struct cdp_block *b, struct cdp_err *err)
{
	size_t n = in->carry_n, seen = 0;

	make_room(in, b, 0, n);
	in_align(b, in->pos - n);
	if (n)
		memcpy(b->data, in->carry, n);
	for (;;) {
		const char *last = memrchr(b->data + seen, '\n', n - seen);
		ssize_t got;

		if (n > in->opts.line_max) {
			const char *lf = memchr(b->data + seen, '\n', n - seen);
			size_t nl = lf ? (size_t)(lf - b->data) : n;

			if (nl > in->opts.line_max)
				return pass_overlong(in, b, nl, n, err);
		}
		if (last)
			return give(in, b, (size_t)(last - b->data) + 1, n);
		seen = n;
		if (in->eof) {
			if (n == 0)
				return 0;
			b->data[n] = '\n';
			return give(in, b, n + 1, n + 1);
		}
		do {
			size_t room = make_room(in, b, n, n); /* it may move the data */

			got = read_decoded(in, b->data + n, room);
			if (got < 0) {
				*err = in->failure;
				return -1;
			}
			in->eof = got == 0;
			n += (size_t)got;
		} while (!skip_bom(in, b, &n) && !in->eof);
	}
}

static int next_bytes(struct cdp_in *in, struct cdp_block *b, struct cdp_err *err)
{
	size_t room = make_room(in, b, 0, 0);
	ssize_t got;

	in_align(b, in->pos);
	got = read_decoded(in, b->data, room);
	if (got < 0) {
		*err = in->failure;
		return -1;
	}
	if (got == 0)
		return 0;
	return give(in, b, (size_t)got, (size_t)got);
}

static int each_input(struct cdp_in *in, struct cdp_block *b, struct cdp_err *err,
		      int (*next)(struct cdp_in *, struct cdp_block *, struct cdp_err *))
{
	b->len = 0;
	if (in->repeated) {
		in->repeated = false;
		in->next = in->count;
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "standard input ('-') can be given only once");
	}
	for (;;) {
		int status;

		if (in->fd < 0) {
			if (in->next == in->count)
				return 0;
			if (open_input(in, err) < 0)
				break;
		}
		status = next(in, b, err);
		if (status > 0)
			return 1;
		close_input(in);
		if (status < 0)
			break;
	}
	b->input = in->next - 1;
	b->name = in_name_of(in, b->input);
	return -1;
}

static int next_range(struct cdp_in *in, struct cdp_block *b, struct cdp_err *err)
{
	if (in->fresh)
		in->ranges = in_ranges_new(in);
	return in->ranges ? in_ranges_take(in, b) : next_lines(in, b, err);
}

int cdp_in_take(struct cdp_in *in, struct cdp_block *b, struct cdp_err *err)
{
	return each_input(in, b, err, next_range);
}

int cdp_in_block(struct cdp_in *in, struct cdp_block *b, struct cdp_err *err)
{
	return each_input(in, b, err, next_lines);
}

int cdp_in_bytes(struct cdp_in *in, struct cdp_block *b, struct cdp_err *err)
{
	return each_input(in, b, err, next_bytes);
}

void cdp_in_progress(const struct cdp_in *in, uint64_t *done, uint64_t *total)
{
	*done = atomic_load_explicit(&in->done, memory_order_relaxed);
	*total = in->total;
}

bool cdp_in_may_wait(const struct cdp_in *in)
{
	struct stat st;

	if (in->fd >= 0)
		return in->waits;
	if (in->next == in->count)
		return false;
	if ((strcmp(in->operands[in->next], "-") == 0
		     ? fstat(0, &st)
		     : stat(in->operands[in->next], &st)) < 0)
		return false;
	return !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

bool cdp_in_is_files(const struct cdp_in *in)
{
	return in->all_files;
}
