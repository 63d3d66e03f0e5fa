/* Where records and rejects of the endpoint go: standard output or spool files.
 *
 * Threads that serve requests write under one lock.  A thread of its own brings what they
 * wrote to disk, for all that wait at once, and finishes files.
 *
 * Stages that remember records (de-duplication) have done so when a write fails.  What
 * they let through is then owed: it is written before anything else, so that a client
 * that sends it again is told of success only when the first one is there. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/listen_priv.h"
#include "io/append.h"
#include "io/lock.h"
#include "io/rotate.h"

enum {
	TICK_MS = 100,
	REMEMBER_MS = 1000,
	ILL_MS = 5000,
	GATHER_MAX_NS = 5000000,
	WORK_NS = 27000, /* what a request takes from one answer to the next sync */
	STEP_MIN_NS = 100000,
	GROUP_MAX = 256 << 10 /* bytes that are kept back to be written at once */
};

/* One of two: a descriptor, or files. */
struct sink {
	struct cdp_append to;
	struct cdp_rotate *files;
	struct cdp_buf group; /* what is written before the next sync */
	int fd;               /* -1: files */
	bool dirty;
};

struct listen_store {
	struct listen_store_opts o;
	int dir_lock;
	pthread_mutex_t lock; /* guards all below, but for what the syncer has taken */
	pthread_cond_t work;
	struct sink records, rejects;
	struct cdp_buf owed;
	struct listen_waiter *first, **last;
	size_t waiting, target;
	int64_t oldest_ms; /* what came first of all that is in no finished file; 0: none
			    */
	bool rotate, stop, broken, failing;
	bool settled;      /* something that is not remembered yet */
	bool spoiled;      /* what some of those who wait for was not written */
	int64_t failed_ns; /* when something was not kept last */
	pthread_t syncer;
	/* the syncer's */
	int64_t sync_ns, remembered_ns;
};

/* --- writing --- */

static int sink_put(struct listen_store *s, struct sink *k, const struct cdp_buf *b,
		    struct cdp_err *err)
{
	int64_t now;
	int rc;

	if (!b->n)
		return 0;
	if (k->fd >= 0) {
		rc = cdp_append(&k->to, b->p, b->n, (int64_t)s->o.limits->wait_ms, err);
	} else if (k->files) {
		now = listen_now_ms();
		rc = cdp_rotate_add(k->files, b->p, b->n, now, err);
		if (rc == 0 && !s->oldest_ms)
			s->oldest_ms = now;
		if (rc == 0 && cdp_rotate_size(k->files) >= s->o.limits->rotate_size)
			pthread_cond_signal(&s->work);
	} else {
		return 0;
	}
	if (rc < 0 && err->kind == CDP_ERR_PIPE)
		s->broken = true;
	k->dirty |= rc == 0;
	return rc;
}

/* What a slow reader has not taken yet goes out before anything is decided. */
static int sink_clear(struct listen_store *s, struct sink *k, struct cdp_err *err)
{
	int rc = 0;

	if (k->fd >= 0 && k->to.debt.n)
		rc = cdp_append(&k->to, "", 0, 0, err);
	if (rc < 0 && err->kind == CDP_ERR_PIPE)
		s->broken = true;
	return rc;
}

/* One message when it begins, one when it is over.  The lock is held. */
static void note_health(struct listen_store *s, bool ok, const struct cdp_err *err)
{
	if (!ok)
		s->failed_ns = listen_now_ns();
	if (ok == !s->failing)
		return;
	s->failing = !ok;
	if (ok)
		cdp_cli_note(s->o.cli, "records are kept again");
	else if (err->kind != CDP_ERR_PIPE)
		cdp_cli_warn(s->o.cli, "%s: clients are told to come again", err->msg);
}

/* What a pipe took a part of goes out before all else anyway. */
static void owe(struct listen_store *s, const struct cdp_buf *records)
{
	if (s->o.stages->settle && !(s->records.fd >= 0 && s->records.to.debt.n))
		cdp_buf_add(&s->owed, records->p, records->n);
}

/* The requests of a group share its fate. */
static void group_write(struct listen_store *s)
{
	struct cdp_buf *records = &s->records.group, *rejects = &s->rejects.group;
	struct cdp_err err;

	if (!records->n && !rejects->n)
		return;
	if (sink_put(s, &s->rejects, rejects, &err) < 0 ||
	    sink_put(s, &s->records, records, &err) < 0) {
		owe(s, records);
		s->spoiled = true;
		note_health(s, false, &err);
	}
	cdp_buf_reset(records);
	cdp_buf_reset(rejects);
}

static bool group_fits(const struct listen_store *s, const struct cdp_buf *records,
		       const struct cdp_buf *rejects)
{
	return s->records.group.n + s->rejects.group.n + records->n + rejects->n <=
	       GROUP_MAX;
}

static int put(struct listen_store *s, void *worker, struct cdp_buf *records,
	       const struct cdp_buf *rejects, uint64_t *taken, bool later,
	       struct cdp_err *err)
{
	const struct cdp_listen_stages *st = s->o.stages;

	*taken = 0;
	if (sink_clear(s, &s->records, err) < 0 || sink_clear(s, &s->rejects, err) < 0 ||
	    sink_put(s, &s->records, &s->owed, err) < 0)
		return -1;
	cdp_buf_reset(&s->owed);
	later = later && group_fits(s, records, rejects);
	if (!later) {
		group_write(s);
		if (sink_put(s, &s->rejects, rejects, err) < 0)
			return -1;
	}
	if (st->settle && st->settle(st->ctx, worker, records, taken, err) < 0)
		return -1;
	s->settled = st->settle != NULL;
	if (later) {
		cdp_buf_add(&s->rejects.group, rejects->p, rejects->n);
		cdp_buf_add(&s->records.group, records->p, records->n);
		return 0;
	}
	if (sink_put(s, &s->records, records, err) == 0)
		return 0;
	owe(s, records);
	return -1;
}

static void wait(struct listen_store *s, struct listen_waiter *w)
{
	w->next = NULL;
	*s->last = w;
	s->last = &w->next;
	s->waiting++;
	/* The syncer sleeps on through all but the first and the last. */
	if (s->waiting == 1 || s->waiting == s->target)
		pthread_cond_signal(&s->work);
}

int listen_store_put(struct listen_store *s, void *worker, struct cdp_buf *records,
		     const struct cdp_buf *rejects, uint64_t *taken,
		     struct listen_waiter *waiter, struct cdp_err *err)
{
	int rc;

	pthread_mutex_lock(&s->lock);
	if (s->broken || s->stop)
		rc = cdp_err_set(err, CDP_ERR_PIPE, "nobody reads");
	else
		rc = put(s, worker, records, rejects, taken, waiter != NULL, err);
	if (rc < 0 || !waiter)
		note_health(s, rc == 0, err);
	else
		wait(s, waiter);
	pthread_mutex_unlock(&s->lock);
	if (rc == 0)
		atomic_fetch_add(&s->o.metrics->written_bytes, records->n);
	return rc;
}

/* --- the disk --- */

/* A file of the future, as the clock was put back, must not wait until it comes. */
static bool is_old(const struct listen_store *s, int64_t begun_ms)
{
	int64_t age = listen_now_ms() - begun_ms;

	return age < 0 || age >= s->o.limits->rotate_ms;
}

static bool is_due(const struct listen_store *s, const struct sink *k)
{
	if (!k->files || !cdp_rotate_current(k->files))
		return false;
	return s->rotate || s->stop ||
	       cdp_rotate_size(k->files) >= s->o.limits->rotate_size ||
	       is_old(s, cdp_rotate_begun(k->files));
}

static void wait_until(struct listen_store *s, int64_t ns)
{
	struct timespec t = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	pthread_cond_timedwait(&s->work, &s->lock, &t);
}

/* Clients that were answered together come back together.  Waiting for one more delays
 * the n that are there already, and spares it a turn of its own: it is done for as long
 * as the disk takes, and on while the next comes in less than the n-th part of what the
 * turn takes.  A disk that is quicker than the clients is not kept waiting for more than
 * half of them: one half is served while the other is brought to disk. */
static void gather(struct listen_store *s)
{
	int64_t begun = listen_now_ns(), now = begun;

	while (!s->stop && s->waiting < s->target && now - begun < GATHER_MAX_NS) {
		size_t n = s->waiting;
		int64_t share = (now - begun + s->sync_ns) / (int64_t)n;
		int64_t end = now + (share < STEP_MIN_NS ? STEP_MIN_NS : share);

		if (end > begun + GATHER_MAX_NS)
			end = begun + GATHER_MAX_NS;
		while (!s->stop && s->waiting < s->target && now < end) {
			wait_until(s, end);
			now = listen_now_ns();
		}
		if (s->waiting == n && now - begun >= s->sync_ns)
			return;
	}
}

/* What the syncer does in one turn. */
struct turn {
	struct listen_waiter *waiters;
	size_t n;
	struct cdp_rotate_file *sync[2], *finish[2];
	int fd[2];
	bool spoiled;
};

static void take_sink(struct listen_store *s, struct sink *k, struct turn *t, int i)
{
	bool sync = t->waiters && k->dirty;

	t->fd[i] = -1;
	if (is_due(s, k)) {
		t->finish[i] = cdp_rotate_cut(k->files);
		k->dirty = false;
	} else if (sync && k->files) {
		t->sync[i] = cdp_rotate_current(k->files);
		k->dirty = false;
	} else if (sync && k->to.regular) {
		t->fd[i] = k->fd;
		k->dirty = false;
	}
}

static void take_turn(struct listen_store *s, struct turn *t)
{
	if (s->o.fsync && s->waiting)
		gather(s);
	group_write(s);
	t->spoiled = s->spoiled;
	s->spoiled = false;
	t->waiters = s->first;
	t->n = s->waiting;
	s->first = NULL;
	s->last = &s->first;
	s->waiting = 0;
	take_sink(s, &s->records, t, 0);
	take_sink(s, &s->rejects, t, 1);
	s->rotate = false;
	if (t->finish[0])
		s->oldest_ms = 0;
}

static bool do_sync(struct listen_store *s, struct turn *t, struct cdp_err *err)
{
	int64_t begun = listen_now_ns(), took;
	bool ok = true;

	for (int i = 0; i < 2; i++) {
		if (t->sync[i])
			ok &= cdp_rotate_sync(t->sync[i], err) == 0;
		if (t->fd[i] >= 0 && fdatasync(t->fd[i]) < 0)
			ok = cdp_err_sys(err, errno, "cannot sync") == 0;
		if (t->finish[i]) {
			ok &= cdp_rotate_finish(t->finish[i], err) == 0;
			atomic_fetch_add(&s->o.metrics->files, 1);
		}
	}
	if (t->waiters) {
		took = listen_now_ns() - begun;
		s->sync_ns = s->sync_ns ? (s->sync_ns * 7 + took) / 8 : took;
		atomic_fetch_add(&s->o.metrics->syncs, 1);
	}
	return ok;
}

static void answer_all(struct listen_waiter *w, bool ok)
{
	while (w) {
		struct listen_waiter *next = w->next;

		w->safe(w, ok);
		w = next;
	}
}

static bool unwritten(const struct listen_store *s)
{
	return s->owed.n || s->records.group.n ||
	       (s->records.fd >= 0 && s->records.to.debt.n);
}

/* The lock is held, so nothing is settled meanwhile; and nothing is remembered that is
 * less safe than the memory of it. */
static void remember(struct listen_store *s)
{
	const struct cdp_listen_stages *st = s->o.stages;
	struct cdp_rotate_file *f;
	struct cdp_err err;
	bool ok = true;

	if (!s->settled || s->failing ||
	    listen_now_ns() - s->remembered_ns < (int64_t)REMEMBER_MS * 1000000)
		return;
	group_write(s);
	if (unwritten(s))
		return;
	f = s->records.files ? cdp_rotate_current(s->records.files) : NULL;
	if (f)
		ok = cdp_rotate_sync(f, &err) == 0;
	else if (s->records.fd >= 0 && s->records.to.regular)
		ok = fdatasync(s->records.fd) == 0 ||
		     cdp_err_sys(&err, errno, "%s", s->records.to.name) == 0;
	ok = ok && st->remember(st->ctx, &err) == 0;
	s->settled = !ok;
	s->remembered_ns = listen_now_ns();
	if (!ok)
		note_health(s, false, &err);
}

static void expect(struct listen_store *s, size_t clients)
{
	bool quick = s->sync_ns < (int64_t)clients * WORK_NS;

	s->target = quick ? (clients + 1) / 2 : clients;
}

static void *syncer(void *ctx)
{
	struct listen_store *s = ctx;
	struct cdp_err err;
	bool more = true;

	pthread_mutex_lock(&s->lock);
	while (more) {
		struct turn t = { 0 };
		bool ok;

		if (!s->stop && !s->waiting && !s->rotate && !is_due(s, &s->records) &&
		    !is_due(s, &s->rejects))
			wait_until(s, listen_now_ns() + (int64_t)TICK_MS * 1000000);
		take_turn(s, &t);
		pthread_mutex_unlock(&s->lock);
		ok = do_sync(s, &t, &err);
		pthread_mutex_lock(&s->lock);
		if (t.n)
			expect(s, t.n + s->waiting);
		pthread_mutex_unlock(&s->lock);
		answer_all(t.waiters, ok && !t.spoiled);
		pthread_mutex_lock(&s->lock);
		/* If not, the system has forgotten which bytes are not on disk. */
		s->rotate |= !ok;
		if (!ok || (t.n && !t.spoiled))
			note_health(s, ok, &err);
		remember(s);
		more = !s->stop || s->waiting || is_due(s, &s->records) ||
		       is_due(s, &s->rejects);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* --- questions --- */

void listen_store_rotate(struct listen_store *s)
{
	pthread_mutex_lock(&s->lock);
	s->rotate = true;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
}

int64_t listen_store_age_ms(struct listen_store *s)
{
	int64_t age;

	pthread_mutex_lock(&s->lock);
	age = s->oldest_ms ? listen_now_ms() - s->oldest_ms : 0;
	pthread_mutex_unlock(&s->lock);
	return age < 0 ? 0 : age;
}

/* Who sends nothing while it is ill never cures it, as only a record shows that there is
 * room again: so the illness ends by itself. */
bool listen_store_healthy(struct listen_store *s)
{
	bool ok;

	pthread_mutex_lock(&s->lock);
	ok = !s->broken &&
	     (!s->failing || listen_now_ns() - s->failed_ns > (int64_t)ILL_MS * 1000000);
	pthread_mutex_unlock(&s->lock);
	return ok;
}

bool listen_store_broken(struct listen_store *s)
{
	bool broken;

	pthread_mutex_lock(&s->lock);
	broken = s->broken;
	pthread_mutex_unlock(&s->lock);
	return broken;
}

/* --- life --- */

static int sink_fd(struct sink *k, int fd, const char *name, struct cdp_err *err)
{
	k->fd = fd;
	return cdp_append_init(&k->to, fd, name, err);
}

/* Goes on with the rejects of earlier runs; a half line that one left is cut off. */
static int open_rejects(struct sink *k, const char *path, struct cdp_err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	struct stat st;
	int64_t whole;

	if (fd < 0)
		return cdp_err_sys(err, errno, "%s", path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		whole = cdp_append_whole(fd, st.st_size);
		if (whole < 0 || (whole < st.st_size && ftruncate(fd, whole) < 0)) {
			cdp_err_sys(err, errno, "%s", path);
			close(fd);
			return -1;
		}
	}
	return sink_fd(k, fd, path, err);
}

static int open_spool(struct listen_store *s, struct cdp_err *err)
{
	const char *dir = s->o.spool;
	char *lock = cdp_asprintf("%s/.lock", dir);
	uint64_t lost;
	size_t files;

	if (mkdir(dir, 0777) < 0 && errno != EEXIST) {
		cdp_err_sys(err, errno, "%s", dir);
		free(lock);
		return -1;
	}
	s->dir_lock = cdp_lock_take(lock, err);
	free(lock);
	if (s->dir_lock < 0 || cdp_rotate_recover(dir, &files, &lost, err) < 0)
		return -1;
	if (files || lost)
		cdp_cli_note(s->o.cli,
			     "%s: finished %zu files of a run that was killed, without "
			     "%llu bytes of half lines",
			     dir, files, (unsigned long long)lost);
	s->records.files = cdp_rotate_new(dir, ".ndjson", s->o.fsync);
	if (!s->o.rejects)
		s->rejects.files = cdp_rotate_new(dir, ".rejects", s->o.fsync);
	return 0;
}

static int open_sinks(struct listen_store *s, struct cdp_err *err)
{
	if (s->o.spool) {
		if (open_spool(s, err) < 0)
			return -1;
	} else {
		if (sink_fd(&s->records, STDOUT_FILENO, "standard output", err) < 0)
			return -1;
		if (s->o.fsync && !s->records.to.regular)
			return cdp_err_set(err, CDP_ERR_USAGE,
					   "option '--ack': 'fsync' needs '--spool', or "
					   "a file as standard output");
	}
	return s->o.rejects ? open_rejects(&s->rejects, s->o.rejects, err) : 0;
}

void listen_store_free(struct listen_store *s)
{
	if (!s)
		return;
	cdp_rotate_free(s->records.files);
	cdp_rotate_free(s->rejects.files);
	if (s->records.fd >= 0)
		cdp_append_release(&s->records.to);
	if (s->rejects.fd >= 0) {
		cdp_append_release(&s->rejects.to);
		close(s->rejects.fd);
	}
	if (s->dir_lock >= 0)
		cdp_lock_release(s->dir_lock);
	cdp_buf_release(&s->owed);
	cdp_buf_release(&s->records.group);
	cdp_buf_release(&s->rejects.group);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->work);
	free(s);
}

struct listen_store *listen_store_open(const struct listen_store_opts *opts,
				       struct cdp_err *err)
{
	struct listen_store *s = cdp_calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	s->o = *opts;
	s->dir_lock = s->records.fd = s->rejects.fd = -1;
	s->last = &s->first;
	cdp_buf_init(&s->owed, CDP_BUF_NOMAX);
	cdp_buf_init(&s->records.group, CDP_BUF_NOMAX);
	cdp_buf_init(&s->rejects.group, CDP_BUF_NOMAX);
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->work, &attr);
	pthread_condattr_destroy(&attr);
	if (open_sinks(s, err) == 0) {
		if (pthread_create(&s->syncer, NULL, syncer, s) == 0)
			return s;
		cdp_err_set(err, CDP_ERR_SYS, "cannot start a thread");
	}
	listen_store_free(s);
	return NULL;
}

int listen_store_finish(struct listen_store *s)
{
	struct cdp_err err;

	pthread_mutex_lock(&s->lock);
	if (sink_clear(s, &s->records, &err) < 0 ||
	    sink_put(s, &s->records, &s->owed, &err) < 0) {
		if (!s->broken)
			cdp_cli_report(s->o.cli, &err);
	} else {
		cdp_buf_reset(&s->owed);
	}
	s->stop = true;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->syncer, NULL);
	if (s->failing && !s->broken)
		cdp_cli_set_status(s->o.cli, 4);
	return unwritten(s) ? -1 : 0;
}
