#include "io/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What an empty file is, which cannot be mapped. */
static const char nothing[1];

static int map(struct cdp_mapped *m, int fd, const char *path, struct cdp_err *err)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return cdp_err_sys(err, errno, "'%s': cannot read", path);
	if (!S_ISREG(st.st_mode))
		return cdp_err_set(err, CDP_ERR_SYS, "'%s': no regular file", path);
	if (st.st_size == 0) {
		*m = (struct cdp_mapped){ nothing, 0 };
		return 1;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return cdp_err_sys(err, errno, "'%s': cannot map", path);
	*m = (struct cdp_mapped){ p, (size_t)st.st_size };
	return 1;
}

int cdp_mapped_open(struct cdp_mapped *m, const char *path, struct cdp_err *err)
{
	int fd, rc;

	*m = (struct cdp_mapped){ 0 };
	/* Not waiting for the writer of a FIFO that stands in the file's place. */
	do
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return errno == ENOENT
			       ? 0
			       : cdp_err_sys(err, errno, "'%s': cannot read", path);
	rc = map(m, fd, path, err);
	close(fd);
	return rc;
}

void cdp_mapped_close(struct cdp_mapped *m)
{
	if (m->n)
		munmap((void *)m->p, m->n);
	*m = (struct cdp_mapped){ 0 };
}
