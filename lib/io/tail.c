#include "io/tail.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/tail_priv.h"

enum {
	LOOK_MS = 50,   /* how often files are looked at */
	TICK_MS = 2000, /* no file system's times are coarser */
};

struct cdp_tail *cdp_tail_new(const struct cdp_tail_opts *opts)
{
	struct cdp_tail *t = cdp_calloc(1, sizeof(*t));

	t->o = *opts;
	if (!t->o.line_max)
		t->o.line_max = CDP_IN_LINE_MAX;
	return t;
}

void cdp_tail_free(struct cdp_tail *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++) {
		for (size_t k = 0; k < t->inputs[i].count; k++)
			tail_source_free(t->inputs[i].sources[k]);
		free(t->inputs[i].sources);
		free(t->inputs[i].dir);
		free(t->inputs[i].name);
	}
	free(t->inputs);
	free(t->data);
	free(t);
}

/* `name` is taken. */
static struct tail_source *add_source(struct tail_input *in, const char *path, char *name)
{
	struct tail_source *s = cdp_calloc(1, sizeof(*s));

	s->path = cdp_strdup(path);
	s->name = name;
	s->fd = -1;
	CDP_GROW(in->sources, in->count, in->cap);
	in->sources[in->count++] = s;
	return s;
}

/* --- places --- */

static struct tail_source *find_source(const struct cdp_tail *t, const char *name)
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
	struct tail_source *s = find_source(t, name);

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
			struct tail_source *s = t->inputs[a].sources[k];

			if ((!s->place.offset && !s->skips) || i--)
				continue;
			*name = s->name;
			tail_seal(s);
			*place = s->skips ? s->want : s->place;
			return true;
		}
	return false;
}

/* --- directories --- */

static int by_name(const void *a, const void *b)
{
	const struct tail_source *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static bool is_meant(const char *name)
{
	size_t n = strlen(name);

	return name[0] != '.' && n > 7 && strcmp(name + n - 7, ".ndjson") == 0;
}

/* Among the first `known`, which are sorted. */
static struct tail_source *find_listed(const struct tail_input *in, size_t known,
				       const char *path)
{
	size_t lo = 0, hi = known;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(in->sources[mid]->path, path);

		if (c == 0)
			return in->sources[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static void list_file(struct tail_input *in, size_t known, const char *file)
{
	char *path = cdp_asprintf("%s/%s", in->dir, file);
	struct tail_source *s = find_listed(in, known, path);

	if (!s) {
		s = add_source(in, path, cdp_asprintf("%s/%s", in->name, file));
		s->once = true;
	}
	s->here = true;
	free(path);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Names can have come within the tick of the time that the directory has, so it is listed
 * once more when that is over. */
static bool is_as_listed(struct tail_input *in, const struct stat *now)
{
	bool same = in->listed.tv_sec == now->st_mtim.tv_sec &&
		    in->listed.tv_nsec == now->st_mtim.tv_nsec;
	int64_t ms = now_ms();

	if (!same) {
		in->listed = now->st_mtim;
		in->listed_ms = ms;
		in->settled = false;
		return false;
	}
	if (in->settled)
		return true;
	in->settled = ms - in->listed_ms > TICK_MS;
	return false;
}

static void forget_gone(struct tail_input *in)
{
	size_t n = 0;

	for (size_t i = 0; i < in->count; i++) {
		struct tail_source *s = in->sources[i];

		if (s->here || s->fd >= 0)
			in->sources[n++] = s;
		else
			tail_source_free(s);
	}
	in->count = n;
}

/* New files are added, those that were read and are gone are forgotten. */
static int list(struct tail_input *in, struct cdp_err *err)
{
	size_t known = in->count;
	struct dirent *e;
	struct stat st;
	DIR *d;

	if (stat(in->dir, &st) == 0 && is_as_listed(in, &st))
		return 0;
	d = opendir(in->dir);
	if (!d)
		return cdp_err_sys(err, errno, "%s", in->dir);
	for (size_t i = 0; i < in->count; i++)
		in->sources[i]->here = false;
	while ((e = readdir(d)) != NULL)
		if (is_meant(e->d_name))
			list_file(in, known, e->d_name);
	closedir(d);
	forget_gone(in);
	if (in->count > 1)
		qsort(in->sources, in->count, sizeof(*in->sources), by_name);
	return 0;
}

static int add_path(struct tail_input *in, const char *path, struct cdp_err *err)
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
	struct tail_input *in;
	struct tail_source *s;

	CDP_GROW(t->inputs, t->count, t->cap);
	in = &t->inputs[t->count++];
	*in = (struct tail_input){ .dir = NULL };
	if (strcmp(path, "-") != 0)
		return add_path(in, path, err);
	s = add_source(in, "standard input", cdp_asprintf("<%s", title));
	s->standard = t->standard = true;
	s->fd = STDIN_FILENO;
	return 0;
}

/* --- reading --- */

static int read_input(struct cdp_tail *t, struct tail_input *in, struct cdp_block *b,
		      struct cdp_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < in->count && rc == 0; i++)
		rc = tail_read(t, in->sources[i], b, err);
	return rc;
}

static int read_any(struct cdp_tail *t, struct cdp_block *b, struct cdp_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < t->count && rc == 0; i++) {
		struct tail_input *in = &t->inputs[t->turn++ % t->count];

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
	tail_advance(t->from, t->at, bytes - (t->supplied && bytes && bytes == t->left));
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
