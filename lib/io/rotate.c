#include "io/rotate.h"

#include "base/mem.h"
#include "base/time.h"
#include "io/append.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char part[] = ".part";

struct cdp_rotate_file {
	struct cdp_append to;
	char *hidden, *name;
	const char *dir;
	int64_t begun;
	atomic_bool named; /* its hidden name is on disk */
};

struct cdp_rotate {
	const char *dir, *suffix;
	bool often;
	struct cdp_rotate_file *file;
};

struct cdp_rotate *cdp_rotate_new(const char *dir, const char *suffix, bool often)
{
	struct cdp_rotate *r = cdp_calloc(1, sizeof(*r));

	r->dir = dir;
	r->suffix = suffix;
	r->often = often;
	return r;
}

static void file_free(struct cdp_rotate_file *f)
{
	if (!f)
		return;
	if (f->to.fd >= 0)
		close(f->to.fd);
	cdp_append_release(&f->to);
	free(f->hidden);
	free(f->name);
	free(f);
}

void cdp_rotate_free(struct cdp_rotate *r)
{
	if (!r)
		return;
	file_free(r->file);
	free(r);
}

static int sync_dir(const char *dir, struct cdp_err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = -1;

	if (fd >= 0)
		rc = fsync(fd);
	if (rc < 0)
		cdp_err_sys(err, errno, "%s", dir);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* --- files --- */

/* 20240425T065946.123Z: sorts as its time does. */
static void put_stamp(char out[CDP_TIME_CANON + 1], int64_t ms)
{
	char text[CDP_TIME_CANON];
	size_t n = 0;

	cdp_time_format(text, cdp_time_from_ms(ms));
	for (size_t i = 0; i < sizeof(text); i++)
		if (text[i] != '-' && text[i] != ':')
			out[n++] = text[i];
	out[n] = '\0';
}

/* A name that neither stands there nor is about to. */
static void choose_name(struct cdp_rotate_file *f, const struct cdp_rotate *r,
			int64_t now_ms)
{
	for (unsigned i = 0;; i++) {
		char stamp[CDP_TIME_CANON + 1], more[16] = "";

		put_stamp(stamp, now_ms);
		if (i)
			snprintf(more, sizeof(more), "-%u", i);
		free(f->name);
		free(f->hidden);
		f->name = cdp_asprintf("%s/%s%s%s", r->dir, stamp, more, r->suffix);
		f->hidden = cdp_asprintf("%s/.%s%s%s%s", r->dir, stamp, more, r->suffix,
					 part);
		if (access(f->name, F_OK) < 0 && access(f->hidden, F_OK) < 0)
			return;
	}
}

static struct cdp_rotate_file *file_new(const struct cdp_rotate *r, int64_t now_ms,
					struct cdp_err *err)
{
	struct cdp_rotate_file *f = cdp_calloc(1, sizeof(*f));
	int fd;

	f->dir = r->dir;
	f->begun = now_ms;
	choose_name(f, r, now_ms);
	fd = open(f->hidden, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd >= 0 && cdp_append_init(&f->to, fd, f->name, err) == 0)
		return f;
	if (fd < 0)
		cdp_err_sys(err, errno, "%s", f->name);
	f->to.fd = fd;
	file_free(f);
	return NULL;
}

int cdp_rotate_add(struct cdp_rotate *r, const void *p, size_t n, int64_t now_ms,
		   struct cdp_err *err)
{
	if (!r->file)
		r->file = file_new(r, now_ms, err);
	if (!r->file)
		return -1;
	if (r->often)
		cdp_append_ahead(&r->file->to, n);
	return cdp_append(&r->file->to, p, n, 0, err);
}

uint64_t cdp_rotate_size(const struct cdp_rotate *r)
{
	return r->file ? (uint64_t)r->file->to.end : 0;
}

int64_t cdp_rotate_begun(const struct cdp_rotate *r)
{
	return r->file ? r->file->begun : 0;
}

struct cdp_rotate_file *cdp_rotate_current(const struct cdp_rotate *r)
{
	return r->file;
}

int cdp_rotate_sync(struct cdp_rotate_file *f, struct cdp_err *err)
{
	if (!f->named && sync_dir(f->dir, err) < 0)
		return -1;
	f->named = true;
	if (fdatasync(f->to.fd) < 0)
		return cdp_err_sys(err, errno, "%s", f->name);
	return 0;
}

struct cdp_rotate_file *cdp_rotate_cut(struct cdp_rotate *r)
{
	struct cdp_rotate_file *f = r->file;

	r->file = NULL;
	return f;
}

/* The first `size` bytes of an open file onto disk and under its name; nothing is left of
 * an empty one. */
static int publish(int fd, int64_t size, const char *hidden, const char *name,
		   const char *dir, struct cdp_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || (st.st_size > size && ftruncate(fd, size) < 0))
		return cdp_err_sys(err, errno, "%s", name);
	if (!size)
		return unlink(hidden) < 0 ? cdp_err_sys(err, errno, "%s", hidden) : 0;
	if (fsync(fd) < 0 || rename(hidden, name) < 0)
		return cdp_err_sys(err, errno, "%s", name);
	return sync_dir(dir, err);
}

int cdp_rotate_finish(struct cdp_rotate_file *f, struct cdp_err *err)
{
	int rc = publish(f->to.fd, f->to.end, f->hidden, f->name, f->dir, err);

	file_free(f);
	return rc;
}

/* --- what was left behind --- */

static int recover(const char *dir, const char *entry, size_t *files, uint64_t *lost,
		   struct cdp_err *err)
{
	size_t n = strlen(entry) - strlen(part);
	char *hidden = cdp_asprintf("%s/%s", dir, entry);
	char *name = cdp_asprintf("%s/%.*s", dir, (int)(n - 1), entry + 1);
	int fd = open(hidden, O_RDWR | O_CLOEXEC), rc = -1;
	int64_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END), whole;

	/* After a power cut, too, what comes after zeros was never said to be there. */
	size = size < 0 ? -1 : cdp_append_text(fd, size);
	whole = size < 0 ? -1 : cdp_append_whole(fd, size);
	if (whole < 0) {
		cdp_err_sys(err, errno, "%s", hidden);
	} else {
		rc = publish(fd, whole, hidden, name, dir, err);
		*files += whole > 0;
		*lost += (uint64_t)(size - whole);
	}
	if (fd >= 0)
		close(fd);
	free(hidden);
	free(name);
	return rc;
}

int cdp_rotate_recover(const char *dir, size_t *files, uint64_t *lost,
		       struct cdp_err *err)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int rc = 0;

	*files = 0;
	*lost = 0;
	if (!d)
		return cdp_err_sys(err, errno, "%s", dir);
	while (rc == 0 && (e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name);

		if (e->d_name[0] == '.' && n > strlen(part) + 1 &&
		    strcmp(e->d_name + n - strlen(part), part) == 0)
			rc = recover(dir, e->d_name, files, lost, err);
	}
	closedir(d);
	return rc;
}
