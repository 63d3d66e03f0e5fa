#include "io/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The pid is only for the message: the kernel does not tell who holds such a lock. */
static int refuse(int fd, const char *path, struct cdp_err *err)
{
	char pid[16];
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? n : 0] = '\0';
	pid[strspn(pid, "0123456789")] = '\0';
	if (pid[0])
		return cdp_err_set(err, CDP_ERR_SYS, "'%s' is locked by process %s", path,
				   pid);
	return cdp_err_set(err, CDP_ERR_SYS, "'%s' is locked by another process", path);
}

int cdp_lock_take(const char *path, struct cdp_err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char pid[16];
	int fd, n;

	do
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return cdp_err_sys(err, errno, "'%s': cannot lock", path);
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		if (errno == EAGAIN || errno == EACCES)
			refuse(fd, path, err);
		else
			cdp_err_sys(err, errno, "'%s': cannot lock", path);
		close(fd);
		return -1;
	}
	n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (pwrite(fd, pid, (size_t)n, 0) != n || ftruncate(fd, n) < 0) {
		cdp_err_sys(err, errno, "'%s': cannot lock", path);
		close(fd);
		return -1;
	}
	return fd;
}

void cdp_lock_release(int fd)
{
	close(fd);
}
