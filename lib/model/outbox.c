#include "model/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { PIECE = 64 * 1024, HEAD = 256 /* of a row: holds the id */ };

struct cdp_outbox {
	int fd; /* -1: a peek at what is not there */
	char *name;
	bool csv, made;
	struct cdp_outbox_mark end;
};

static int fail(struct cdp_outbox *o, struct cdp_err *err)
{
	return cdp_err_sys(err, errno, "%s", o->name);
}

/* --- opening --- */

/* A new name is durable only once its directory is. */
static int sync_parent(const char *path, struct cdp_err *err)
{
	char *dir = cdp_strdup(path);
	char *slash = strrchr(dir, '/');
	int fd, rc = 0;

	if (slash)
		slash[slash == dir] = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL && errno != EROFS))
		rc = cdp_err_sys(err, errno, "%s", dir);
	if (fd >= 0)
		close(fd);
	free(dir);
	return rc;
}

/* Each directory on the way to `path`, as mkdir -p. */
static int make_parents(const char *path, struct cdp_err *err)
{
	char *copy = cdp_strdup(path);
	int rc = 0;

	for (char *s = copy; rc == 0 && (s = strchr(s + 1, '/'));) {
		*s = '\0';
		if (mkdir(copy, 0777) == 0)
			rc = sync_parent(copy, err);
		else if (errno != EEXIST)
			rc = cdp_err_sys(err, errno, "%s", copy);
		*s = '/';
	}
	free(copy);
	return rc;
}

/* The lock is on the file itself: it goes with it when it is moved away. */
static int lock(struct cdp_outbox *o, struct cdp_err *err)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(o->fd, F_OFD_SETLK, &whole) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return cdp_err_set(err, CDP_ERR_SYS, "%s: in use by another process",
				   o->name);
	return fail(o, err);
}

static int note_end(struct cdp_outbox *o, struct cdp_err *err)
{
	struct stat st;

	if (fstat(o->fd, &st) < 0)
		return fail(o, err);
	if (!S_ISREG(st.st_mode))
		return cdp_err_set(err, CDP_ERR_SYS, "%s: not a regular file", o->name);
	o->end = (struct cdp_outbox_mark){ (uint64_t)st.st_dev, (uint64_t)st.st_ino,
					   (uint64_t)st.st_size };
	return 0;
}

static int open_file(struct cdp_outbox *o, struct cdp_err *err)
{
	const int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY;

	if (make_parents(o->name, err) < 0)
		return -1;
	o->fd = open(o->name, flags);
	if (o->fd < 0 && errno == ENOENT) {
		o->fd = open(o->name, flags | O_CREAT | O_EXCL, 0666);
		o->made = true;
	}
	if (o->fd < 0)
		return fail(o, err);
	if (lock(o, err) < 0 || note_end(o, err) < 0)
		return -1;
	return o->made ? sync_parent(o->name, err) : 0;
}

static struct cdp_outbox *outbox_new(const char *dir, const char *path, bool csv)
{
	struct cdp_outbox *o = cdp_calloc(1, sizeof(*o));

	o->fd = -1;
	o->csv = csv;
	o->name = path[0] == '/' ? cdp_strdup(path) : cdp_asprintf("%s/%s", dir, path);
	return o;
}

void cdp_outbox_close(struct cdp_outbox *o)
{
	if (!o)
		return;
	if (o->fd >= 0)
		close(o->fd);
	free(o->name);
	free(o);
}

/* --- reading rows --- */

struct reader {
	bool csv, quoted;
	uint64_t at, row; /* where we are, where the row began */
	char head[HEAD];
	size_t n;
	void (*each)(void *ctx, const char *id, size_t n);
	void *ctx;
};

static void end_row(struct reader *r)
{
	static const char start[] = "{\"message_id\":\"";
	const size_t skip = r->csv ? 0 : sizeof(start) - 1;
	const char *id = r->head + skip, *end = NULL;

	if (r->each && r->n > skip && memcmp(r->head, start, skip) == 0)
		end = memchr(id, r->csv ? ',' : '"', r->n - skip);
	if (end)
		r->each(r->ctx, id, (size_t)(end - id));
	r->row = r->at;
	r->n = 0;
}

/* A line feed ends a row unless it stands in a quoted field. */
static void read_bytes(struct reader *r, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		r->at++;
		if (r->csv && p[i] == '"')
			r->quoted = !r->quoted;
		if (p[i] == '\n' && !r->quoted)
			end_row(r);
		else if (r->n < HEAD)
			r->head[r->n++] = p[i];
	}
}

/* All whole rows from byte `from`; *whole is where the last one ends. */
static int read_rows(struct cdp_outbox *o, struct reader *r, uint64_t from,
		     uint64_t *whole, struct cdp_err *err)
{
	char *piece = cdp_alloc(PIECE);
	ssize_t got;

	r->csv = o->csv;
	r->at = r->row = from;
	for (;;) {
		got = pread(o->fd, piece, PIECE, (off_t)r->at);
		if (got > 0)
			read_bytes(r, piece, (size_t)got);
		else if (got == 0 || errno != EINTR)
			break;
	}
	free(piece);
	*whole = r->row;
	return got < 0 ? fail(o, err) : 0;
}

static bool is_in(const struct cdp_outbox_mark *mark, const struct cdp_outbox *o)
{
	return !o->made && mark->inode == o->end.inode && mark->device == o->end.device &&
	       mark->size <= o->end.size;
}

static int cut(struct cdp_outbox *o, const struct cdp_outbox_mark *mark,
	       struct cdp_err *err)
{
	struct reader r = { 0 };
	uint64_t whole;

	if (read_rows(o, &r, is_in(mark, o) ? mark->size : 0, &whole, err) < 0)
		return -1;
	if (whole == o->end.size)
		return 0;
	o->end.size = whole;
	if (ftruncate(o->fd, (off_t)whole) < 0 || fsync(o->fd) < 0)
		return fail(o, err);
	return 0;
}

struct cdp_outbox *cdp_outbox_open(const char *dir, const char *path, bool csv,
				   const struct cdp_outbox_mark *mark,
				   struct cdp_err *err)
{
	struct cdp_outbox *o = outbox_new(dir, path, csv);

	if (open_file(o, err) == 0 && cut(o, mark, err) == 0)
		return o;
	cdp_outbox_close(o);
	return NULL;
}

struct cdp_outbox *cdp_outbox_peek(const char *dir, const char *path, bool csv,
				   struct cdp_err *err)
{
	struct cdp_outbox *o = outbox_new(dir, path, csv);

	o->fd = open(o->name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	o->made = o->fd < 0 && errno == ENOENT;
	if (o->made || (o->fd >= 0 && note_end(o, err) == 0))
		return o;
	if (o->fd < 0)
		fail(o, err);
	cdp_outbox_close(o);
	return NULL;
}

/* --- use --- */

struct cdp_outbox_mark cdp_outbox_end(const struct cdp_outbox *o)
{
	return o->end;
}

int cdp_outbox_append(struct cdp_outbox *o, const char *p, size_t n, struct cdp_err *err)
{
	while (n) {
		ssize_t did = write(o->fd, p, n);

		if (did < 0 && errno != EINTR)
			return fail(o, err);
		if (did > 0) {
			p += did;
			n -= (size_t)did;
			o->end.size += (uint64_t)did;
		}
	}
	return fdatasync(o->fd) < 0 ? fail(o, err) : 0;
}

int cdp_outbox_ids(struct cdp_outbox *o, const struct cdp_outbox_mark *mark,
		   void (*each)(void *ctx, const char *id, size_t n), void *ctx,
		   struct cdp_err *err)
{
	struct reader r = { .each = each, .ctx = ctx };
	uint64_t whole;

	if (!is_in(mark, o))
		return 0;
	/* What is found counts as handed over, so it must be as durable as that. */
	if (fsync(o->fd) < 0 && errno != EINVAL)
		return fail(o, err);
	return read_rows(o, &r, mark->size, &whole, err) < 0 ? -1 : 1;
}
