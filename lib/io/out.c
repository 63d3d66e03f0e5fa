#include "io/out.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "io/compress.h"
#include "io/tempfile.h"

enum {
	BUFFER = 256 * 1024,
	PIPE_SIZE = 1024 * 1024,
	FRAME = 4 * 1024 * 1024, /* of a zstd archive, before compression */
};

struct cdp_out {
	int fd;
	bool borrowed, regular, wrote;
	char *name;   /* for messages */
	char *target; /* where temp goes; NULL: not atomic */
	struct cdp_tempfile *temp;
	struct cdp_buf buf;    /* encoded bytes to be written */
	size_t limit;          /* of buf: at most a pipe's size */
	struct cdp_pack *pack; /* NULL: plain */
	enum cdp_codec codec;
	size_t frame; /* bytes in the open frame, before compression */
	bool framed;  /* a frame was ended */
	bool failed;
	struct cdp_err failure;
};

static int fail(struct cdp_out *o, int errnum)
{
	o->failed = true;
	return cdp_err_sys(&o->failure, errnum, "%s", o->name);
}

struct cdp_out *cdp_out_fd(int fd, const char *name)
{
	struct cdp_out *o = cdp_calloc(1, sizeof(*o));
	struct stat st;
	int size;

	o->fd = fd;
	o->borrowed = true;
	o->name = cdp_strdup(name);
	o->limit = BUFFER;
	if (fstat(fd, &st) == 0) {
		o->regular = S_ISREG(st.st_mode);
		if (S_ISFIFO(st.st_mode)) {
			fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
			size = fcntl(fd, F_GETPIPE_SZ);
			if (size > 0 && (size_t)size < o->limit)
				o->limit = (size_t)size;
		}
	}
	cdp_buf_init(&o->buf, CDP_BUF_NOMAX);
	cdp_buf_reserve(&o->buf, BUFFER);
	return o;
}

/* A device, a FIFO, a socket: written as it is. */
static struct cdp_out *open_direct(const char *path, struct cdp_err *err)
{
	struct cdp_out *o;
	int fd;

	do
		fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	while (fd < 0 && errno == EINTR);
	if (fd < 0) {
		cdp_err_sys(err, errno, "%s", path);
		return NULL;
	}
	o = cdp_out_fd(fd, path);
	o->borrowed = false;
	return o;
}

static struct cdp_out *open_atomic(const char *path, struct cdp_err *err)
{
	struct cdp_tempfile *temp;
	struct cdp_out *o;
	struct stat st;
	bool exists = stat(path, &st) == 0;
	char *target;
	int fd;

	if (exists && !S_ISREG(st.st_mode))
		return open_direct(path, err);
	/* Through a symbolic link the file it names is replaced, not the link. */
	target = exists ? realpath(path, NULL) : NULL;
	if (!target) {
		target = cdp_strdup(path);
		temp = cdp_tempfile_new(target, 0666, &fd, err);
	} else {
		/* Never wider than the file to be replaced, not even for a moment. */
		temp = cdp_tempfile_new(target, st.st_mode & 0777, &fd, err);
		if (temp && fchmod(fd, st.st_mode & 07777) < 0) {
			cdp_err_sys(err, errno, "%s", path);
			close(fd);
			cdp_tempfile_remove(temp);
			temp = NULL;
		}
	}
	if (!temp) {
		free(target);
		return NULL;
	}
	o = cdp_out_fd(fd, path);
	o->borrowed = false;
	o->temp = temp;
	o->target = target;
	return o;
}

struct cdp_out *cdp_out_open(const char *path, struct cdp_err *err)
{
	struct cdp_out *o;

	/* /dev/stdout would open a redirected file anew, and from its start. */
	if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0)
		return cdp_out_fd(1, "standard output");
	o = open_atomic(path, err);
	if (!o)
		return NULL;
	o->codec = cdp_codec_of_name(path);
	if (o->codec != CDP_CODEC_PLAIN)
		o->pack = cdp_pack_new(o->codec);
	return o;
}

static int write_all(struct cdp_out *o, const char *p, size_t n)
{
	while (n) {
		ssize_t did = write(o->fd, p, n);

		if (did >= 0) {
			p += did;
			n -= (size_t)did;
		} else if (errno == EAGAIN) {
			/* A descriptor that someone else made non-blocking. */
			struct pollfd ready = { o->fd, POLLOUT, 0 };

			poll(&ready, 1, -1);
		} else if (errno != EINTR) {
			return fail(o, errno);
		}
		o->wrote = true;
	}
	return 0;
}

static int drain(struct cdp_out *o)
{
	int status = write_all(o, o->buf.p, o->buf.n);

	o->buf.n = 0;
	return status;
}

static void end_frame(struct cdp_out *o)
{
	cdp_pack_end(o->pack, &o->buf);
	o->frame = 0;
	o->framed = true;
}

/* In pieces, so that the encoded bytes waiting in buf stay few. */
static int write_packed(struct cdp_out *o, const char *p, size_t n)
{
	while (n) {
		size_t piece = n < BUFFER ? n : BUFFER;
		bool end = false;

		if (o->codec == CDP_CODEC_ZSTD && o->frame + piece >= FRAME) {
			const char *lf = memrchr(p, '\n', piece);

			if (lf) {
				piece = (size_t)(lf - p) + 1;
				end = true;
			}
		}
		cdp_pack_add(o->pack, p, piece, &o->buf);
		o->frame += piece;
		if (end)
			end_frame(o);
		if (o->buf.n >= o->limit && drain(o) < 0)
			return -1;
		p += piece;
		n -= piece;
	}
	return 0;
}

int cdp_out_write(struct cdp_out *o, const void *p, size_t n)
{
	if (o->failed)
		return -1;
	if (o->pack)
		return write_packed(o, p, n);
	/* What is written is split between calls, not within one: readers of a pipe get
	 * whole lines when callers write whole lines. */
	if (o->buf.n + n > o->limit && drain(o) < 0)
		return -1;
	/* A block is not worth a copy. */
	if (n >= o->limit / 2)
		return drain(o) < 0 ? -1 : write_all(o, p, n);
	cdp_buf_add(&o->buf, p, n);
	return 0;
}

int cdp_out_flush(struct cdp_out *o)
{
	if (o->failed)
		return -1;
	/* Nobody reads a temporary file: no need to spoil its ratio. */
	if (o->pack && !o->temp && o->frame)
		cdp_pack_flush(o->pack, &o->buf);
	return drain(o);
}

int cdp_out_sync(struct cdp_out *o)
{
	if (cdp_out_flush(o) < 0)
		return -1;
	if (!o->regular || o->temp)
		return 0;
	return fdatasync(o->fd) < 0 && errno != EINVAL ? fail(o, errno) : 0;
}

static int sync_directory(struct cdp_out *o)
{
	char *slash = strrchr(o->target, '/');
	int fd, status;

	if (slash)
		slash[slash == o->target] = '\0';
	fd = open(slash ? o->target : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(o, errno);
	/* Some file systems cannot sync a directory; then there is nothing to wait for.
	 */
	status = fsync(fd) < 0 && errno != EINVAL && errno != EROFS ? fail(o, errno) : 0;
	close(fd);
	return status;
}

static int finish(struct cdp_out *o)
{
	int fd = o->fd;

	if (o->failed)
		return -1;
	if (o->pack && (o->frame || !o->framed))
		end_frame(o);
	if (drain(o) < 0)
		return -1;
	if (o->temp && fsync(o->fd) < 0)
		return fail(o, errno);
	if (o->borrowed) {
		/* close(2) may be where a failed write shows; a duplicate tells as well
		 * and leaves the descriptor to its owner. */
		if (o->wrote && ((fd = dup(o->fd)) < 0 || close(fd) < 0))
			return fail(o, errno);
		return 0;
	}
	o->fd = -1;
	if (close(fd) < 0 && errno != EINTR)
		return fail(o, errno);
	if (!o->temp)
		return 0;
	fd = cdp_tempfile_rename(o->temp, o->target);
	o->temp = NULL;
	if (fd < 0)
		return fail(o, errno);
	return sync_directory(o);
}

int cdp_out_close(struct cdp_out *o, struct cdp_err *err)
{
	int status = finish(o);

	if (status < 0)
		*err = o->failure;
	cdp_out_abandon(o);
	return status;
}

void cdp_out_abandon(struct cdp_out *o)
{
	int saved = errno;

	if (!o)
		return;
	if (!o->borrowed && o->fd >= 0)
		close(o->fd);
	if (o->temp)
		cdp_tempfile_remove(o->temp);
	cdp_pack_free(o->pack);
	cdp_buf_release(&o->buf);
	free(o->name);
	free(o->target);
	free(o);
	errno = saved;
}

const struct cdp_err *cdp_out_error(const struct cdp_out *o)
{
	return o->failed ? &o->failure : NULL;
}

bool cdp_out_is_regular(const struct cdp_out *o)
{
	return o->regular;
}

bool cdp_out_is_atomic(const struct cdp_out *o)
{
	return o->temp != NULL;
}

int cdp_file_replace(const char *path, const void *p, size_t n, struct cdp_err *err)
{
	struct cdp_out *o = open_atomic(path, err);

	if (!o)
		return -1;
	cdp_out_write(o, p, n); /* sticky: close reports it */
	return cdp_out_close(o, err);
}

char *cdp_file_read(const char *path, size_t max, size_t *n, struct cdp_err *err)
{
	struct cdp_buf b;
	ssize_t got = 1;
	int fd;

	do
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	while (fd < 0 && errno == EINTR);
	if (fd < 0) {
		cdp_err_sys(err, errno, "%s", path);
		return NULL;
	}
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	while (got != 0 && b.n <= max) {
		cdp_buf_reserve(&b, 64 * 1024);
		got = read(fd, b.p + b.n, b.cap - b.n);
		if (got < 0 && errno != EINTR)
			break;
		b.n += got > 0 ? (size_t)got : 0;
	}
	if (got < 0)
		cdp_err_sys(err, errno, "%s", path);
	else if (b.n > max)
		cdp_err_set(err, CDP_ERR_SYS, "%s: larger than %zu bytes", path, max);
	close(fd);
	if (got < 0 || b.n > max) {
		cdp_buf_release(&b);
		return NULL;
	}
	cdp_buf_str(&b);
	*n = b.n;
	return b.p;
}
