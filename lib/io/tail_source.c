/* One stream of bytes: its place, its lines, the file behind it. */
#include "io/tail_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "io/compress.h"

static void close_source(struct tail_source *s)
{
	if (s->fd >= 0 && !s->standard)
		close(s->fd);
	s->fd = -1;
}

void tail_source_free(struct tail_source *s)
{
	close_source(s);
	cdp_sha256_free(s->sum);
	free(s->path);
	free(s->name);
	free(s->carry);
	free(s);
}

static void note(const struct cdp_tail *t, const char *path, const char *what)
{
	char *text = cdp_asprintf("%s: %s", path, what);

	if (t->o.note)
		t->o.note(t->o.ctx, text);
	free(text);
}

/* --- places --- */

void tail_advance(struct tail_source *s, const char *p, size_t n)
{
	size_t k = EDGE - s->first_n < n ? EDGE - s->first_n : n;

	memcpy(s->first + s->first_n, p, k);
	s->first_n += k;
	s->place.offset += n;
	if (n >= EDGE) {
		memcpy(s->last, p + n - EDGE, EDGE);
		s->last_n = EDGE;
		return;
	}
	k = s->last_n + n > EDGE ? s->last_n + n - EDGE : 0; /* that go */
	memmove(s->last, s->last + k, s->last_n - k);
	memcpy(s->last + s->last_n - k, p, n);
	s->last_n += n - k;
}

void tail_seal(struct tail_source *s)
{
	s->place.first = cdp_hash_stable(s->first, s->first_n, 0);
	s->place.last = cdp_hash_stable(s->last, s->last_n, 0);
}

static bool is_place(struct tail_source *s, const struct cdp_tail_place *place)
{
	tail_seal(s);
	return s->place.offset == place->offset && s->place.first == place->first &&
	       s->place.last == place->last;
}

static void restart(struct tail_source *s)
{
	s->place = (struct cdp_tail_place){ 0 };
	s->first_n = s->last_n = s->carry_n = 0;
	s->skips = s->ready = false;
	cdp_sha256_free(s->sum);
	s->sum = NULL;
}

/* Whether the open file has that before the place; then it is read on from there. */
static bool find_place(struct tail_source *s)
{
	uint64_t want = s->want.offset;
	size_t n = want < EDGE ? (size_t)want : EDGE;

	restart(s);
	if ((uint64_t)s->st.st_size < want ||
	    pread(s->fd, s->first, n, 0) != (ssize_t)n ||
	    pread(s->fd, s->last, n, (off_t)(want - n)) != (ssize_t)n)
		return false;
	s->first_n = s->last_n = n;
	s->place.offset = want;
	s->place.lines = s->want.lines;
	if (is_place(s, &s->want) && lseek(s->fd, (off_t)want, SEEK_SET) >= 0)
		return true;
	restart(s);
	return false;
}

/* --- reading --- */

static int open_file(struct cdp_tail *t, struct tail_source *s, struct cdp_err *err)
{
	s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0)
		return errno == ENOENT ? 0 : cdp_err_sys(err, errno, "%s", s->path);
	if (fstat(s->fd, &s->st) < 0)
		return cdp_err_sys(err, errno, "%s", s->path);
	if (s->skips && !find_place(s))
		note(t, s->path,
		     "another file than was read before, read from its start");
	s->skips = false;
	return 0;
}

/* At its end: 1 if there may be more by now. */
static int look_again(struct cdp_tail *t, struct tail_source *s, struct cdp_err *err)
{
	struct stat now, mine;

	if (fstat(s->fd, &mine) < 0)
		return cdp_err_sys(err, errno, "%s", s->path);
	if ((uint64_t)mine.st_size < s->place.offset + s->carry_n) {
		note(t, s->path, "became shorter, read from its start");
		restart(s);
		return lseek(s->fd, 0, SEEK_SET) < 0 ? -1 : 1;
	}
	if ((uint64_t)mine.st_size > s->place.offset + s->carry_n)
		return 1;
	if (stat(s->path, &now) < 0 ||
	    (now.st_ino == mine.st_ino && now.st_dev == mine.st_dev))
		return 0;
	if (s->carry_n)
		note(t, s->path, "was replaced in the middle of a line, which is lost");
	close_source(s);
	restart(s);
	if (open_file(t, s, err) < 0)
		return -1;
	return s->fd >= 0;
}

/* What can be read without waiting, after the carry in t->data: 1, 0 nothing, -1. */
static int fill(struct cdp_tail *t, struct tail_source *s, size_t *n, struct cdp_err *err)
{
	size_t need = s->carry_n + CDP_IN_BLOCK + CDP_IN_PAD + 1;
	struct pollfd p = { s->fd, POLLIN, 0 };
	ssize_t got;

	if (!s->ready && s->standard && poll(&p, 1, 0) <= 0)
		return 0;
	if (t->data_cap < need) {
		free(t->data);
		t->data = cdp_alloc(need);
		t->data_cap = need;
	}
	if (s->ready) {
		memcpy(t->data, s->carry, s->carry_n);
		*n = s->carry_n;
		return 1;
	}
	do
		got = read(s->fd, t->data + s->carry_n, CDP_IN_BLOCK);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return 0;
	if (got < 0)
		return cdp_err_sys(err, errno, "%s", s->path);
	if (s->carry_n)
		memcpy(t->data, s->carry, s->carry_n);
	*n = s->carry_n + (size_t)got;
	s->ended = got == 0 && (s->standard || s->once);
	return got > 0 || s->ended;
}

static void keep(struct tail_source *s, const char *p, size_t n)
{
	if (s->carry_cap < n) {
		free(s->carry);
		s->carry_cap = n + CDP_IN_BLOCK;
		s->carry = cdp_alloc(s->carry_cap);
	}
	if (n)
		memcpy(s->carry, p, n);
	s->carry_n = n;
	s->ready = n && memchr(p, '\n', n);
}

/* Bytes that were taken before, by another process: how many of these. */
static int skip(struct tail_source *s, const char *p, size_t n, size_t *used,
		struct cdp_err *err)
{
	uint64_t left = s->want.offset - s->place.offset;

	*used = left < n ? (size_t)left : n;
	tail_advance(s, p, *used);
	if (s->place.offset < s->want.offset && !s->ended)
		return 0;
	if (!is_place(s, &s->want))
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "standard input is not what was read as '%s' before: "
				   "it must begin with the same %llu bytes, or be named "
				   "otherwise",
				   s->name + 1, (unsigned long long)s->want.offset);
	s->place.lines = s->want.lines;
	s->skips = false;
	return 0;
}

/* --- blocks --- */

static void hand_on(struct cdp_tail *t, struct tail_source *s, const char *from,
		    size_t bom, size_t n, uint64_t lines, struct cdp_block *b)
{
	tail_advance(s, from, bom);
	t->from = s;
	t->at = from + bom;
	t->left = n - bom;
	t->left_lines = lines;
	*b = (struct cdp_block){ .data = (char *)t->at,
				 .len = t->left,
				 .name = s->path,
				 .offset = s->place.offset };
}

static int long_bytes(struct cdp_tail *t, struct tail_source *s, const char *p, size_t n,
		      struct cdp_err *err)
{
	cdp_sha256_add(s->sum, p, n);
	s->long_n += n;
	tail_advance(s, p, n);
	return n && t->o.long_sink ? t->o.long_sink(t->o.ctx, p, n, err) : 0;
}

/* An overlong line, or its next part: 1 if it ends here. */
static int read_long(struct cdp_tail *t, struct tail_source *s, const char *p, size_t n,
		     struct cdp_block *b, struct cdp_err *err)
{
	const char *lf = memchr(p, '\n', n);
	size_t mine = lf ? (size_t)(lf - p) : n;

	if (long_bytes(t, s, p, mine, err) < 0)
		return -1;
	keep(s, p + mine, n - mine);
	if (!lf && !s->ended)
		return 0;
	*b = (struct cdp_block){ .data = t->data,
				 .name = s->path,
				 .overlong = true,
				 .long_length = s->long_n };
	cdp_sha256_hex(s->sum, b->long_sha256);
	cdp_sha256_free(s->sum);
	s->sum = NULL;
	t->from = s;
	t->at = "\n";
	t->supplied = false;
	t->left = lf != NULL;
	t->left_lines = 1;
	if (lf)
		keep(s, lf + 1, n - mine - 1);
	return 1;
}

/* The lines up to the first that is too long, or not whole: their bytes. */
static size_t whole_lines(const struct cdp_tail *t, const char *p, size_t n,
			  uint64_t *lines, bool *is_long)
{
	const char *from = p, *end = p + n, *lf;

	for (*lines = 0; (lf = memchr(p, '\n', (size_t)(end - p))); ++*lines) {
		if ((size_t)(lf - p) > t->o.line_max)
			break;
		p = lf + 1;
	}
	*is_long = (size_t)(end - p) > t->o.line_max && (lf || p + t->o.line_max < end);
	return (size_t)(p - from);
}

static int split(struct cdp_tail *t, struct tail_source *s, char *p, size_t n,
		 struct cdp_block *b, struct cdp_err *err)
{
	size_t bom =
		!s->place.offset && n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	enum cdp_codec codec = s->place.offset ? CDP_CODEC_PLAIN : cdp_codec_sniff(p, n);
	uint64_t lines;
	bool is_long;
	size_t whole;

	if (codec != CDP_CODEC_PLAIN && codec != CDP_CODEC_UNSURE)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'%s' is compressed: what is followed is plain text",
				   s->path);
	t->supplied = s->ended && s->once && n && p[n - 1] != '\n';
	if (t->supplied) /* the last line lacks its LF */
		p[n++] = '\n';
	whole = whole_lines(t, p, n, &lines, &is_long);
	if (!whole && is_long) {
		s->sum = cdp_sha256_new();
		s->long_n = 0;
		return read_long(t, s, p, n - t->supplied, b, err);
	}
	keep(s, p + whole, n - whole);
	if (!whole)
		return 0;
	memset(p + whole, 0, CDP_IN_PAD);
	hand_on(t, s, p, bom, whole, lines, b);
	return 1;
}

int tail_read(struct cdp_tail *t, struct tail_source *s, struct cdp_block *b,
	      struct cdp_err *err)
{
	size_t n = 0, used = 0;
	int rc = 0;

	if ((s->ended && !s->ready) || (s->fd < 0 && open_file(t, s, err) < 0))
		return s->ended ? 0 : -1;
	while (s->fd >= 0 && (!s->ended || s->ready)) {
		rc = fill(t, s, &n, err);
		if (rc == 0 && !s->standard)
			rc = look_again(t, s, err);
		else if (rc > 0 && s->skips)
			rc = skip(s, t->data, n, &used, err) < 0 ? -1 : 2;
		else if (rc > 0)
			rc = 2;
		if (rc <= 0)
			break;
		if (rc == 1) /* only looked at */
			continue;
		rc = s->sum ? read_long(t, s, t->data + used, n - used, b, err)
			    : split(t, s, t->data + used, n - used, b, err);
		used = 0;
		if (rc != 0)
			break;
	}
	if (s->ended && s->standard && s->carry_n && !s->ready)
		note(t, s->path, "ended in the middle of a line, which was not read");
	if (s->ended && !s->ready)
		close_source(s);
	return rc;
}
