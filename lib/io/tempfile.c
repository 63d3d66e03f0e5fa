#include "io/tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/mem.h"

enum { SLOTS = 64 };

/* The handler reads this list without locks: a path is owned by whoever takes it out of
 * its slot with an exchange, and chunks are never freed. */
struct chunk {
	_Atomic(char *) slot[SLOTS];
	_Atomic(struct chunk *) next;
};

static struct chunk list;
static pid_t owner; /* a forked child must not remove its parent's files */
static pthread_once_t installed = PTHREAD_ONCE_INIT;

struct cdp_tempfile {
	_Atomic(char *) *slot;
	char *path; /* the same string as in the slot */
};

void cdp_tempfile_remove_all(void)
{
	if (getpid() != owner)
		return;
	for (struct chunk *c = &list; c; c = atomic_load(&c->next)) {
		for (int i = 0; i < SLOTS; i++) {
			char *path = atomic_exchange(&c->slot[i], NULL);

			if (path)
				unlink(path);
		}
	}
}

static void on_signal(int sig)
{
	cdp_tempfile_remove_all();
	/* SA_RESETHAND restored the default; it acts when this handler returns. */
	raise(sig);
}

static void install(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ };
	struct sigaction act, old;

	owner = getpid();
	memset(&act, 0, sizeof(act));
	act.sa_handler = on_signal;
	act.sa_flags = (int)SA_RESETHAND;
	sigfillset(&act.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(signals[i], &act, NULL);
	}
}

static _Atomic(char *) *take_slot(char *path)
{
	struct chunk *c = &list;

	for (;;) {
		struct chunk *next, *none = NULL;

		for (int i = 0; i < SLOTS; i++) {
			char *empty = NULL;

			if (atomic_compare_exchange_strong(&c->slot[i], &empty, path))
				return &c->slot[i];
		}
		next = atomic_load(&c->next);
		if (!next) {
			next = cdp_calloc(1, sizeof(*next));
			if (!atomic_compare_exchange_strong(&c->next, &none, next)) {
				free(next);
				next = none;
			}
		}
		c = next;
	}
}

/* Take the path back; if a signal handler has it, the process is about to end. */
static void drop(struct cdp_tempfile *t)
{
	free(atomic_exchange(t->slot, NULL));
	free(t);
}

struct cdp_tempfile *cdp_tempfile_new(const char *beside, mode_t mode, int *fd,
				      struct cdp_err *err)
{
	const char *slash = strrchr(beside, '/');
	int dir = slash ? (int)(slash - beside) + 1 : 0;
	struct cdp_tempfile *t = cdp_calloc(1, sizeof(*t));

	pthread_once(&installed, install);
	do {
		uint64_t salt = 0;

		if (getrandom(&salt, sizeof(salt), 0) < 0)
			salt = (uint64_t)getpid();
		t->path = cdp_asprintf("%.*s.cdp-%016llx.tmp", dir, beside,
				       (unsigned long long)salt);
		/* Registered first: a signal between the two finds nothing to unlink. */
		t->slot = take_slot(t->path);
		*fd = open(t->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
		if (*fd >= 0)
			return t;
		free(atomic_exchange(t->slot, NULL));
	} while (errno == EEXIST || errno == EINTR);
	cdp_err_sys(err, errno, "%s: cannot make a temporary file beside it", beside);
	free(t);
	return NULL;
}

int cdp_tempfile_rename(struct cdp_tempfile *t, const char *path)
{
	int saved = 0;

	if (rename(t->path, path) < 0) {
		saved = errno;
		unlink(t->path);
	}
	drop(t);
	errno = saved;
	return saved ? -1 : 0;
}

void cdp_tempfile_remove(struct cdp_tempfile *t)
{
	int saved = errno;

	unlink(t->path);
	drop(t);
	errno = saved;
}

int cdp_tempfile_nameless(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char *name;

	/* Not every file system has nameless files. */
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	name = cdp_asprintf("%s/cdp.XXXXXX", dir);
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		unlink(name);
	free(name);
	return fd;
}
