#include "io/tail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/hash.h"
#include "base/mem.h"
#include "io/compress.h"

enum { EDGE = 1024, LOOK_MS = 50 }; /* how often files are looked at */

/* A stream of bytes with a place. */
struct source {
	char *path, *name;
	int fd; /* -1: not open */
	bool standard, ended;
	bool once;  /* to its end, not on and on */
	bool here;  /* in the last listing of its directory */
	bool skips; /* bytes up to the place come again */
	struct stat st;
	struct cdp_tail_place place, want;
	char first[EDGE], last[EDGE];
	size_t first_n, last_n;
	char *carry; /* the line that is not whole yet */
	size_t carry_n, carry_cap;
	bool ready;             /* the carry has whole lines */
	struct cdp_sha256 *sum; /* of an overlong line, while it lasts */
	uint64_t long_n;
};

/* An operand: one source, or a directory of them. */
struct input {
	char *dir, *name; /* NULL: sources[0] it is */
	struct source **sources;
	size_t count, cap;
};

struct cdp_tail {
	struct cdp_tail_opts o;
	struct input *inputs;
	size_t count, cap, turn;
	char *data; /* of the last block */
	size_t data_cap;
	struct source *from; /* of the last block: what is left to be taken */
	const char *at;
	size_t left;
	uint64_t left_lines;
	bool supplied; /* its last LF is none of the input's */
	bool standard; /* is one of the inputs */
};

struct cdp_tail *cdp_tail_new(const struct cdp_tail_opts *opts)
{
	struct cdp_tail *t = cdp_calloc(1, sizeof(*t));

	t->o = *opts;
	if (!t->o.line_max)
		t->o.line_max = CDP_IN_LINE_MAX;
	return t;
}

static void close_source(struct source *s)
{
	if (s->fd >= 0 && !s->standard)
		close(s->fd);
	s->fd = -1;
}

static void free_source(struct source *s)
{
	close_source(s);
	cdp_sha256_free(s->sum);
	free(s->path);
	free(s->name);
	free(s->carry);
	free(s);
}

void cdp_tail_free(struct cdp_tail *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++) {
		for (size_t k = 0; k < t->inputs[i].count; k++)
			free_source(t->inputs[i].sources[k]);
		free(t->inputs[i].sources);
		free(t->inputs[i].dir);
		free(t->inputs[i].name);
	}
	free(t->inputs);
	free(t->data);
	free(t);
}

/* `name` is taken. */
static struct source *add_source(struct input *in, const char *path, char *name)
{
	struct source *s = cdp_calloc(1, sizeof(*s));

	s->path = cdp_strdup(path);
	s->name = name;
	s->fd = -1;
	CDP_GROW(in->sources, in->count, in->cap);
	in->sources[in->count++] = s;
	return s;
}

static void note(const struct cdp_tail *t, const char *path, const char *what)
{
	char *text = cdp_asprintf("%s: %s", path, what);

	if (t->o.note)
		t->o.note(t->o.ctx, text);
	free(text);
}

/* --- places --- */

/* Bytes that come next belong to what is before the place. */
static void advance(struct source *s, const char *p, size_t n)
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

static void seal(struct source *s)
{
	s->place.first = cdp_hash_stable(s->first, s->first_n, 0);
	s->place.last = cdp_hash_stable(s->last, s->last_n, 0);
}

static bool is_place(struct source *s, const struct cdp_tail_place *place)
{
	seal(s);
	return s->place.offset == place->offset && s->place.first == place->first &&
	       s->place.last == place->last;
}

static void restart(struct source *s)
{
	s->place = (struct cdp_tail_place){ 0 };
	s->first_n = s->last_n = s->carry_n = 0;
	s->skips = s->ready = false;
	cdp_sha256_free(s->sum);
	s->sum = NULL;
}

/* Whether the open file has that before the place; then it is read on from there. */
static bool find_place(struct source *s)
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

static struct source *find_source(const struct cdp_tail *t, const char *name)
{
	for (size_t i = 0; i < t->count; i++)
		for (size_t k = 0; k < t->inputs[i].count; k++)
			if (strcmp(t->inputs[i].sources[k]->name, name) == 0)
				return t->inputs[i].sources[k];
	return NULL;
}

void cdp_tail_go_on(struct cdp_tail *t, const char *name,
		    const struct cdp_tail_place *place)
{
	struct source *s = find_source(t, name);

	if (!s)
		return;
	s->want = *place;
	s->skips = place->offset > 0;
}

bool cdp_tail_place(const struct cdp_tail *t, size_t i, const char **name,
		    struct cdp_tail_place *place)
{
	for (size_t a = 0; a < t->count; a++)
		for (size_t k = 0; k < t->inputs[a].count; k++) {
			struct source *s = t->inputs[a].sources[k];

			if ((!s->place.offset && !s->skips) || i--)
				continue;
			*name = s->name;
			seal(s);
			*place = s->skips ? s->want : s->place;
			return true;
		}
	return false;
}

/* --- directories --- */

static int by_name(const void *a, const void *b)
{
	const struct source *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static bool is_meant(const char *name)
{
	size_t n = strlen(name);

	return name[0] != '.' && n > 7 && strcmp(name + n - 7, ".ndjson") == 0;
}

static void list_file(struct input *in, const char *file)
{
	char *path = cdp_asprintf("%s/%s", in->dir, file);
	struct source *s = NULL;

	for (size_t i = 0; i < in->count && !s; i++)
		if (strcmp(in->sources[i]->path, path) == 0)
			s = in->sources[i];
	if (!s) {
		s = add_source(in, path, cdp_asprintf("%s/%s", in->name, file));
		s->once = true;
	}
	s->here = true;
	free(path);
}

/* New files are added, those that were read and are gone are forgotten. */
static int list(struct input *in, struct cdp_err *err)
{
	DIR *d = opendir(in->dir);
	struct dirent *e;
	size_t n = 0;

	if (!d)
		return cdp_err_sys(err, errno, "%s", in->dir);
	for (size_t i = 0; i < in->count; i++)
		in->sources[i]->here = false;
	while ((e = readdir(d)) != NULL)
		if (is_meant(e->d_name))
			list_file(in, e->d_name);
	closedir(d);
	for (size_t i = 0; i < in->count; i++) {
		struct source *s = in->sources[i];

		if (s->here || s->fd >= 0)
			in->sources[n++] = s;
		else
			free_source(s);
	}
	in->count = n;
	if (n > 1)
		qsort(in->sources, n, sizeof(*in->sources), by_name);
	return 0;
}

static int add_path(struct input *in, const char *path, struct cdp_err *err)
{
	char *name = realpath(path, NULL);
	struct stat st;

	if (!name || stat(path, &st) < 0) {
		free(name);
		return cdp_err_sys(err, errno, "%s", path);
	}
	if (S_ISREG(st.st_mode)) {
		add_source(in, path, name);
		return 0;
	}
	if (S_ISDIR(st.st_mode)) {
		in->dir = cdp_strdup(path);
		in->name = name;
		return list(in, err);
	}
	free(name);
	return cdp_err_set(err, CDP_ERR_USAGE, "'%s' is neither a file nor a directory",
			   path);
}

int cdp_tail_add(struct cdp_tail *t, const char *path, const char *title,
		 struct cdp_err *err)
{
	struct input *in;
	struct source *s;

	CDP_GROW(t->inputs, t->count, t->cap);
	in = &t->inputs[t->count++];
	*in = (struct input){ .dir = NULL };
	if (strcmp(path, "-") != 0)
		return add_path(in, path, err);
	s = add_source(in, "standard input", cdp_asprintf("<%s", title));
	s->standard = t->standard = true;
	s->fd = STDIN_FILENO;
	return 0;
}

/* --- reading --- */

static int open_file(struct cdp_tail *t, struct source *s, struct cdp_err *err)
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
static int look_again(struct cdp_tail *t, struct source *s, struct cdp_err *err)
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
static int fill(struct cdp_tail *t, struct source *s, size_t *n, struct cdp_err *err)
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

static void keep(struct source *s, const char *p, size_t n)
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
static int skip(struct source *s, const char *p, size_t n, size_t *used,
		struct cdp_err *err)
{
	uint64_t left = s->want.offset - s->place.offset;

	*used = left < n ? (size_t)left : n;
	advance(s, p, *used);
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

static void hand_on(struct cdp_tail *t, struct source *s, const char *from, size_t bom,
		    size_t n, uint64_t lines, struct cdp_block *b)
{
	advance(s, from, bom);
	t->from = s;
	t->at = from + bom;
	t->left = n - bom;
	t->left_lines = lines;
	*b = (struct cdp_block){ .data = (char *)t->at,
				 .len = t->left,
				 .name = s->path,
				 .offset = s->place.offset };
}

static int long_bytes(struct cdp_tail *t, struct source *s, const char *p, size_t n,
		      struct cdp_err *err)
{
	cdp_sha256_add(s->sum, p, n);
	s->long_n += n;
	advance(s, p, n);
	return n && t->o.long_sink ? t->o.long_sink(t->o.ctx, p, n, err) : 0;
}

/* An overlong line, or its next part: 1 if it ends here. */
static int read_long(struct cdp_tail *t, struct source *s, const char *p, size_t n,
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

static int split(struct cdp_tail *t, struct source *s, char *p, size_t n,
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

/* 1: a block; 0: nothing for now; -1. */
static int read_source(struct cdp_tail *t, struct source *s, struct cdp_block *b,
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

static int read_input(struct cdp_tail *t, struct input *in, struct cdp_block *b,
		      struct cdp_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < in->count && rc == 0; i++)
		rc = read_source(t, in->sources[i], b, err);
	return rc;
}

static int read_any(struct cdp_tail *t, struct cdp_block *b, struct cdp_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < t->count && rc == 0; i++) {
		struct input *in = &t->inputs[t->turn++ % t->count];

		rc = read_input(t, in, b, err);
		if (rc == 0 && in->dir)
			rc = list(in, err) < 0 ? -1 : read_input(t, in, b, err);
	}
	return rc;
}

/* Standard input is the only one that ends. */
static bool has_ended(const struct cdp_tail *t)
{
	return t->count == 1 && t->standard && t->inputs[0].sources[0]->ended &&
	       !t->inputs[0].sources[0]->ready;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* True if it was woken. */
static bool wait_for(struct cdp_tail *t, int64_t ms)
{
	struct pollfd p[2] = { { t->o.wake, POLLIN, 0 }, { -1, POLLIN, 0 } };

	for (size_t i = 0; i < t->count && t->standard; i++)
		if (!t->inputs[i].dir && t->inputs[i].sources[0]->standard &&
		    !t->inputs[i].sources[0]->ended)
			p[1].fd = STDIN_FILENO;
	if (t->count > t->standard && (ms < 0 || ms > LOOK_MS))
		ms = LOOK_MS;
	poll(p, 2, ms > INT32_MAX ? INT32_MAX : (int)ms);
	return p[0].revents != 0;
}

void cdp_tail_take(struct cdp_tail *t, size_t bytes, uint64_t lines)
{
	advance(t->from, t->at, bytes - (t->supplied && bytes && bytes == t->left));
	t->from->place.lines += lines;
	t->at += bytes;
	t->left -= bytes;
	t->left_lines -= lines;
}

void cdp_tail_take_rest(struct cdp_tail *t)
{
	cdp_tail_take(t, t->left, t->left_lines);
}

uint64_t cdp_tail_lines(const struct cdp_tail *t)
{
	return t->from->place.lines;
}

int cdp_tail_next(struct cdp_tail *t, int64_t wait_ms, struct cdp_block *b,
		  struct cdp_err *err)
{
	int64_t until = wait_ms < 0 ? INT64_MAX : now_ms() + wait_ms;

	for (;;) {
		int64_t left;
		int rc = read_any(t, b, err);

		if (rc != 0)
			return rc < 0 ? -1 : CDP_TAIL_BLOCK;
		if (has_ended(t))
			return CDP_TAIL_END;
		left = until == INT64_MAX ? -1 : until - now_ms();
		if (left <= 0 && until != INT64_MAX)
			return CDP_TAIL_QUIET;
		if (wait_for(t, left))
			return CDP_TAIL_QUIET;
	}
}
