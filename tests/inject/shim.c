/* Preloaded into a tool under test: makes calls fail or come up short.
 *
 * CDP_INJECT=CALL:N:WHAT   the N-th CALL (0: every one) gets WHAT, which is the name of
 *                          an error (ENOSPC, EIO, ENOMEM), "short": at most one byte,
 *                          "kill": the process is killed before it, or "tear": it is
 *                          killed when a write has done its first half.
 * CDP_INJECT_MARK=PATH     is made when that happened.
 * CDP_INJECT_CLOCK=SECONDS the time of day is so much later.
 *
 * CALL: read write close fsync rename open malloc.  Calls before main and writes to
 * standard error do not count: they are how a tool tells. */
/* Tools call open64, libraries may call open: both are replaced. */
#undef _FILE_OFFSET_BITS

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static char call[16];
static unsigned long target;
static int error;
static bool shorten, deadly, tearing;
static const char *mark;
static atomic_bool armed;
static atomic_ulong calls;

static void *(*real_malloc)(size_t);
static void *(*real_realloc)(void *, size_t);
static void *(*real_calloc)(size_t, size_t);

static int error_named(const char *name)
{
	return strcmp(name, "ENOSPC") == 0   ? ENOSPC
	       : strcmp(name, "ENOMEM") == 0 ? ENOMEM
					     : EIO;
}

/* Called by the C library's start, which this replaces, before main. */
static void arm(void)
{
	const char *spec = getenv("CDP_INJECT");
	const char *colon = spec ? strchr(spec, ':') : NULL;
	char *end;

	mark = getenv("CDP_INJECT_MARK");
	if (!colon || (size_t)(colon - spec) >= sizeof(call))
		return;
	memcpy(call, spec, (size_t)(colon - spec));
	target = strtoul(colon + 1, &end, 10);
	shorten = strcmp(end, ":short") == 0;
	tearing = strcmp(end, ":tear") == 0;
	deadly = tearing || strcmp(end, ":kill") == 0;
	error = *end ? error_named(end + 1) : EIO;
	atomic_store(&armed, true);
}

/* True if this call of `name` is the one. */
static bool hit(const char *name)
{
	int fd;

	if (!atomic_load(&armed) || strcmp(name, call) != 0)
		return false;
	if (target && atomic_fetch_add(&calls, 1) + 1 != target)
		return false;
	if (mark) {
		fd = (int)syscall(SYS_openat, AT_FDCWD, mark, O_WRONLY | O_CREAT, 0666);
		if (fd >= 0)
			syscall(SYS_close, fd);
	}
	if (deadly && !tearing)
		raise(SIGKILL);
	errno = error;
	return true;
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	const char *later = getenv("CDP_INJECT_CLOCK");
	int rc = (int)syscall(SYS_clock_gettime, clock, t);

	if (clock == CLOCK_REALTIME && later)
		t->tv_sec += atoll(later);
	return rc;
}

ssize_t read(int fd, void *p, size_t n)
{
	if (hit("read")) {
		if (!shorten)
			return -1;
		n = n ? 1 : 0;
	}
	return syscall(SYS_read, fd, p, n);
}

ssize_t write(int fd, const void *p, size_t n)
{
	if (fd != STDERR_FILENO && hit("write")) {
		if (tearing) {
			syscall(SYS_write, fd, p, n / 2);
			raise(SIGKILL);
		}
		if (!shorten)
			return -1;
		n = n ? 1 : 0;
	}
	return syscall(SYS_write, fd, p, n);
}

int close(int fd)
{
	bool fails = hit("close");
	int rc = (int)syscall(SYS_close, fd);

	if (!fails)
		return rc;
	errno = error;
	return -1;
}

int fsync(int fd)
{
	return hit("fsync") ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return hit("fsync") ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int rename(const char *from, const char *to)
{
	return hit("rename")
		       ? -1
		       : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return hit("open") ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

void *malloc(size_t n)
{
	if (!real_malloc)
		real_malloc = dlsym(RTLD_NEXT, "malloc");
	return hit("malloc") ? NULL : real_malloc(n);
}

void *realloc(void *p, size_t n)
{
	if (!real_realloc)
		real_realloc = dlsym(RTLD_NEXT, "realloc");
	return hit("malloc") ? NULL : real_realloc(p, n);
}

void *calloc(size_t count, size_t size)
{
	/* dlsym itself may ask for a little zeroed memory. */
	static char first[4096];
	static size_t used;

	if (!real_calloc) {
		static bool asking;

		if (asking) {
			char *p = first + used;

			used += (count * size + 15) & ~(size_t)15;
			return used <= sizeof(first) ? p : NULL;
		}
		asking = true;
		real_calloc = dlsym(RTLD_NEXT, "calloc");
	}
	return hit("malloc") ? NULL : real_calloc(count, size);
}

int __libc_start_main(int (*main_)(int, char **, char **), int argc, char **argv,
		      void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
		      void *stack_end);

static int (*real_main)(int, char **, char **);

static int armed_main(int argc, char **argv, char **envp)
{
	arm();
	return real_main(argc, argv, envp);
}

int __libc_start_main(int (*main_)(int, char **, char **), int argc, char **argv,
		      void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
		      void *stack_end)
{
	int (*start)(int (*)(int, char **, char **), int, char **, void (*)(void),
		     void (*)(void), void (*)(void), void *) =
		dlsym(RTLD_NEXT, "__libc_start_main");

	real_main = main_;
	return start(armed_main, argc, argv, init, fini, rtld_fini, stack_end);
}
