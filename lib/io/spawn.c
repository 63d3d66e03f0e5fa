#include "io/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

extern char **environ;

struct cdp_spawn {
	char *name;
	pid_t pid;
	int to, from; /* our ends of its input and output; -1: closed */
	int idle_ms;
	bool deaf; /* it closed its input before it had everything */
};

static int spawn(struct cdp_spawn *s, char *const *argv, int in, int out)
{
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	sigset_t none, pipe;
	int rc;

	sigemptyset(&none);
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	posix_spawn_file_actions_init(&acts);
	posix_spawn_file_actions_adddup2(&acts, in, 0);
	posix_spawn_file_actions_adddup2(&acts, out, 1);
	posix_spawnattr_init(&attr);
	/* An ignored SIGPIPE or a blocked signal would be inherited. */
	posix_spawnattr_setsigdefault(&attr, &pipe);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	rc = posix_spawnp(&s->pid, argv[0], &acts, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&acts);
	posix_spawnattr_destroy(&attr);
	return rc;
}

struct cdp_spawn *cdp_spawn_start(char *const *argv, int idle_ms, struct cdp_err *err)
{
	struct cdp_spawn *s;
	int in[2], out[2], rc;

	if (pipe2(in, O_CLOEXEC) < 0) {
		cdp_err_sys(err, errno, "'%s'", argv[0]);
		return NULL;
	}
	if (pipe2(out, O_CLOEXEC) < 0) {
		cdp_err_sys(err, errno, "'%s'", argv[0]);
		close(in[0]);
		close(in[1]);
		return NULL;
	}
	s = cdp_calloc(1, sizeof(*s));
	s->name = cdp_strdup(argv[0]);
	s->to = in[1];
	s->from = out[0];
	s->idle_ms = idle_ms;
	fcntl(s->to, F_SETFL, O_NONBLOCK);
	rc = spawn(s, argv, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	if (rc) {
		cdp_err_sys(err, rc, "cannot run '%s'", argv[0]);
		s->pid = 0;
		cdp_spawn_kill(s);
		return NULL;
	}
	return s;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* write(2) whose SIGPIPE, if it raises one, is taken away again. */
static ssize_t write_quietly(int fd, const char *p, size_t n)
{
	static const struct timespec now;
	sigset_t pipe, old, waiting;
	ssize_t did;
	int saved;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigpending(&waiting);
	pthread_sigmask(SIG_BLOCK, &pipe, &old);
	did = write(fd, p, n);
	saved = errno;
	if (did < 0 && saved == EPIPE && !sigismember(&waiting, SIGPIPE))
		while (sigtimedwait(&pipe, NULL, &now) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return did;
}

/* Wait until one of the descriptors is ready. */
static int await(struct cdp_spawn *s, struct pollfd *fds, nfds_t count,
		 struct cdp_err *err)
{
	for (;;) {
		int n = poll(fds, count, s->idle_ms < 0 ? -1 : s->idle_ms);

		if (n > 0)
			return 0;
		if (n == 0)
			return cdp_err_set(err, CDP_ERR_SYS, "'%s' did nothing for %d ms",
					   s->name, s->idle_ms);
		if (errno != EINTR)
			return cdp_err_sys(err, errno, "'%s'", s->name);
	}
}

static int read_some(struct cdp_spawn *s, struct cdp_buf *out, struct cdp_err *err)
{
	char piece[16 * 1024];
	ssize_t got = read(s->from, piece, sizeof(piece));

	if (got < 0)
		return errno == EINTR ? 0 : cdp_err_sys(err, errno, "'%s'", s->name);
	if (got == 0)
		close_end(&s->from);
	cdp_buf_add(out, piece, (size_t)got);
	if (out->over)
		return cdp_err_set(err, CDP_ERR_SYS, "'%s' wrote more than %zu bytes",
				   s->name, out->max);
	return 0;
}

int cdp_spawn_talk(struct cdp_spawn *s, const void *p, size_t n, struct cdp_buf *out,
		   struct cdp_err *err)
{
	const char *at = p, *end = at + n;

	while (at < end && !s->deaf) {
		/* poll(2) passes over negative descriptors. */
		struct pollfd fds[2] = { { s->to, POLLOUT, 0 }, { s->from, POLLIN, 0 } };
		ssize_t did;

		if (await(s, fds, 2, err) < 0)
			return -1;
		if (fds[1].revents && read_some(s, out, err) < 0)
			return -1;
		if (!fds[0].revents)
			continue;
		did = write_quietly(s->to, at, (size_t)(end - at));
		if (did > 0)
			at += did;
		else if (did < 0 && errno == EPIPE)
			s->deaf = true;
		else if (did < 0 && errno != EINTR && errno != EAGAIN)
			return cdp_err_sys(err, errno, "'%s'", s->name);
	}
	return 0;
}

static void release(struct cdp_spawn *s)
{
	close_end(&s->to);
	close_end(&s->from);
	free(s->name);
	free(s);
}

static int reap(struct cdp_spawn *s)
{
	int status;

	while (waitpid(s->pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127; /* someone else waited for it */
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* A program may close its output and yet not end. */
static int await_end(struct cdp_spawn *s, struct cdp_err *err)
{
	int fd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	struct pollfd end = { fd, POLLIN, 0 };
	int status;

	if (fd < 0)
		return 0; /* an old kernel: waitpid(2) waits as long as it takes */
	status = await(s, &end, 1, err);
	close(fd);
	return status;
}

int cdp_spawn_finish(struct cdp_spawn *s, struct cdp_buf *out, int *status,
		     struct cdp_err *err)
{
	int rc = 0;

	close_end(&s->to);
	while (rc == 0 && s->from >= 0) {
		struct pollfd fd = { s->from, POLLIN, 0 };

		rc = await(s, &fd, 1, err);
		if (rc == 0)
			rc = read_some(s, out, err);
	}
	if (rc == 0)
		rc = await_end(s, err);
	if (rc < 0) {
		cdp_spawn_kill(s);
		return -1;
	}
	*status = reap(s);
	if (*status == 0 && s->deaf)
		rc = cdp_err_set(err, CDP_ERR_SYS,
				 "'%s' ended without reading all of its input", s->name);
	release(s);
	return rc;
}

void cdp_spawn_kill(struct cdp_spawn *s)
{
	int saved = errno;

	if (!s)
		return;
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		reap(s);
	}
	release(s);
	errno = saved;
}
