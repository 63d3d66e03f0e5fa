/* The record loop.
 *
 * A worker takes the next block under the input lock (of a plain file that several
 * workers read only a range, which it then reads alone), works on it alone, and parks it.
 * Parked blocks are committed in block order, by whichever worker finds the next one
 * there: everything about the whole run (counts, line numbers, messages, output) is
 * touched by one thread at a time and in an order that does not depend on the number of
 * workers, and nobody waits for a slower neighbour.  An input that cannot be read takes
 * its turn like a block.
 *
 * A reader that is about to wait marks the run as waiting: from then on each commit
 * flushes, so a lone line is answered while the input stays open.  When the run must end
 * early, a reader that waits for a producer is cancelled there. */
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/run_priv.h"

struct run {
	struct cdp_cli *cli;
	const struct cdp_job *job;
	struct cdp_in *in;
	bool ranges;           /* several workers: files are read in ranges */
	pthread_mutex_t input; /* guards: in, next_read, ended */
	uint64_t next_read;
	bool ended;
	pthread_mutex_t turn;  /* guards: the rest; the cli is the committer's */
	pthread_cond_t turned; /* something was committed, or the run stops */
	pthread_cond_t left;   /* a worker has returned, or the run stops */
	struct piece *pieces;
	struct piece **parked; /* by seq, modulo their number */
	struct piece *free;
	unsigned piece_count;
	uint64_t next_commit;
	bool committing;     /* someone does, without the lock */
	unsigned running;    /* workers that have not returned */
	unsigned last_input; /* index of the input of the last commit */
	uint64_t base;       /* lines of that input committed so far */
	bool failed;
	atomic_bool waiting; /* a reader may wait: flush after each commit */
	atomic_bool stop;
};

/* With the turn lock held. */
static void stop(struct run *r)
{
	r->failed = true;
	atomic_store(&r->stop, true);
	pthread_cond_broadcast(&r->turned);
	pthread_cond_broadcast(&r->left);
}

/* --- taking a block --- */

static int flush(struct run *r)
{
	struct cdp_err err;

	if (cdp_cli_flush(r->cli) < 0)
		return -1;
	if (!r->job->flushed || r->job->flushed(r->job->ctx, &err) == 0)
		return 0;
	cdp_cli_report(r->cli, &err);
	return -1;
}

static void before_wait(void *ctx)
{
	struct run *r = ctx;
	int old;

	/* A cancelled reader must not leave the turn locked. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	pthread_mutex_lock(&r->turn);
	while (r->committing)
		pthread_cond_wait(&r->turned, &r->turn);
	atomic_store(&r->waiting, true);
	if (flush(r) < 0)
		stop(r);
	pthread_mutex_unlock(&r->turn);
	pthread_setcancelstate(old, NULL);
}

static int wait_ms(void *ctx)
{
	struct run *r = ctx;

	/* What cannot go on need not be woken. */
	return r->job->wait_ms && !r->failed ? r->job->wait_ms(r->job->ctx) : -1;
}

static void unlock(void *mutex)
{
	pthread_mutex_unlock(mutex);
}

static int take_locked(struct worker *w)
{
	struct run *r = w->run;
	struct piece *p = w->piece;
	int rc;

	if (r->ended || atomic_load(&r->stop))
		return 0;
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	rc = (r->ranges ? cdp_in_take : cdp_in_block)(r->in, &p->block, &p->err);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	r->ended = rc == 0;
	p->seq = r->next_read++;
	cli_progress(r->cli, r->in);
	if (atomic_load(&r->waiting))
		atomic_store(&r->waiting, false);
	return rc;
}

/* Where a thread that is cancelled unwinds, AddressSanitizer looks at the frames that
 * were left and takes its own reading of them for an error. */
#define UNWINDS __attribute__((no_sanitize("address")))

/* False: there is no more. */
UNWINDS static bool take(struct worker *w)
{
	volatile int rc;

	pthread_mutex_lock(&w->run->input);
	pthread_cleanup_push(unlock, &w->run->input);
	rc = take_locked(w);
	pthread_cleanup_pop(1);
	if (rc > 0)
		rc = cdp_in_fetch(&w->piece->block, &w->piece->err);
	w->piece->unread = rc < 0;
	return rc != 0;
}

/* Lines over the ceiling are kept in block order, too: what comes before is committed
 * first. */
static int sink(void *ctx, const char *p, size_t n, struct cdp_err *err)
{
	struct run *r = ctx;
	int old, rc = 0;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	pthread_mutex_lock(&r->turn);
	while ((r->next_commit != r->next_read || r->committing) &&
	       !atomic_load(&r->stop))
		pthread_cond_wait(&r->turned, &r->turn);
	if (!atomic_load(&r->stop))
		rc = cdp_cli_keep_long(r->cli, p, n, err);
	pthread_mutex_unlock(&r->turn);
	pthread_setcancelstate(old, NULL);
	return rc;
}

/* --- committing --- */

static int sink_now(void *ctx, const char *p, size_t n, struct cdp_err *err)
{
	return cdp_cli_keep_long(ctx, p, n, err);
}

/* The overlong line at the end of a block: where its bytes are kept. */
static int place_long(struct run *r, struct cdp_block *b, struct cdp_err *err)
{
	if (b->long_unread && r->cli->opt.rejects && !r->job->again &&
	    cdp_in_long(b, sink_now, r->cli, err) < 0)
		return -1;
	b->long_offset = r->cli->priv->longs_size - b->long_length;
	return 0;
}

static int commit_block(struct run *r, struct piece *p)
{
	struct cdp_emit_priv *e = p->emit.priv;
	int rc;

	if (p->block.input != r->last_input) {
		r->last_input = p->block.input;
		r->base = 0;
	}
	if (p->block.overlong && !e->failed)
		e->failed = place_long(r, &p->block, &e->fatal) < 0;
	if (r->job->commit && !e->failed)
		e->failed = r->job->commit(r->job->ctx, &p->emit, &e->fatal) < 0;
	rc = cli_emit_commit(&p->emit, r->base);
	r->base += e->lines;
	return rc;
}

static int commit(struct run *r, struct piece *p)
{
	int rc = 0;

	if (!p->unread)
		rc = commit_block(r, p);
	else if (!r->job->again)
		cdp_cli_report(r->cli, &p->err);
	if (rc == 0 && atomic_load(&r->waiting))
		rc = flush(r);
	cli_emit_reset(&p->emit);
	return rc;
}

/* Commits what is there in order; with the turn lock held, which is left meanwhile. */
static void drain(struct run *r)
{
	struct piece *p;

	r->committing = true;
	while (!atomic_load(&r->stop) &&
	       (p = r->parked[r->next_commit % r->piece_count])) {
		int rc;

		r->parked[r->next_commit % r->piece_count] = NULL;
		pthread_mutex_unlock(&r->turn);
		rc = commit(r, p);
		pthread_mutex_lock(&r->turn);
		r->next_commit++;
		p->next = r->free;
		r->free = p;
		if (rc < 0)
			stop(r);
		pthread_cond_broadcast(&r->turned);
	}
	r->committing = false;
	pthread_cond_broadcast(&r->turned);
}

/* The worker's piece is done, and gets another one; false if the run stops.  Where a job
 * commits, what it needs for that may be the worker's: it waits until that is over. */
static bool park(struct worker *w)
{
	struct run *r = w->run;
	uint64_t seq = w->piece->seq;
	bool waits = r->job->commit && !r->job->ahead;

	pthread_mutex_lock(&r->turn);
	r->parked[seq % r->piece_count] = w->piece;
	if (!r->committing)
		drain(r);
	while (!atomic_load(&r->stop) && (!r->free || (waits && r->next_commit <= seq)))
		pthread_cond_wait(&r->turned, &r->turn);
	w->piece = r->free;
	if (w->piece)
		r->free = w->piece->next;
	pthread_mutex_unlock(&r->turn);
	return w->piece && !atomic_load(&r->stop);
}

static void loop(struct worker *w)
{
	do {
		if (!take(w))
			break;
		if (!w->piece->unread)
			cli_run_block(w);
	} while (park(w));
}

/* --- threads --- */

static void leave(void *ctx)
{
	struct run *r = ctx;

	pthread_mutex_lock(&r->turn);
	r->running--;
	pthread_cond_broadcast(&r->left);
	pthread_mutex_unlock(&r->turn);
}

UNWINDS static void *thread_main(void *arg)
{
	struct worker *w = arg;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_cleanup_push(leave, w->run);
	loop(w);
	pthread_cleanup_pop(1);
	return NULL;
}

/* Runs n workers on threads of their own; those that could not be started are missed by
 * nobody as long as there is one. */
static void run_threads(struct run *r, struct worker *workers, unsigned n)
{
	unsigned started = 0;
	bool cancelled = false;

	pthread_mutex_lock(&r->turn);
	while (started < n && pthread_create(&workers[started].thread, NULL, thread_main,
					     &workers[started]) == 0)
		started++;
	r->running = started;
	while (r->running) {
		if (atomic_load(&r->stop) && !cancelled) {
			for (unsigned i = 0; i < started; i++)
				pthread_cancel(workers[i].thread);
			cancelled = true;
		}
		pthread_cond_wait(&r->left, &r->turn);
	}
	pthread_mutex_unlock(&r->turn);
	for (unsigned i = 0; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	if (!started)
		loop(&workers[0]);
}

static unsigned cores(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n > 0 ? (unsigned)n : 1;
}

unsigned cdp_cli_jobs(const struct cdp_cli *cli)
{
	return cli->opt.jobs ? (unsigned)cli->opt.jobs : cores();
}

static unsigned job_count(const struct cdp_cli *cli, const struct cdp_job *job,
			  const struct cdp_in *in)
{
	uint64_t done, total;
	unsigned n;

	if (job->serial || !(cli->tool->common & CDP_COMMON_JOBS))
		return 1;
	if (cli->opt.jobs)
		return (unsigned)cli->opt.jobs;
	if (!cdp_in_is_files(in))
		return 1;
	n = cores();
	cdp_in_progress(in, &done, &total);
	if (total && total / CDP_IN_BLOCK + 1 < n)
		n = (unsigned)(total / CDP_IN_BLOCK + 1);
	return n;
}

/* --- a run --- */

/* A few for each worker, so that none has to wait for the order of the output; the last
 * one used is the next one taken, as its memory is near. */
static void pieces_new(struct run *r, unsigned workers)
{
	enum { AHEAD = 4 };
	unsigned ahead = !r->job->commit ? AHEAD : r->job->ahead ? r->job->ahead : 1;

	r->piece_count = workers == 1 ? 1 : ahead * workers;
	r->pieces = cdp_calloc(r->piece_count, sizeof(*r->pieces));
	r->parked = cdp_calloc(r->piece_count, sizeof(*r->parked));
	for (unsigned i = 0; i < r->piece_count; i++) {
		struct piece *p = &r->pieces[i];

		cdp_block_init(&p->block);
		cli_emit_init(&p->emit, r->cli, "");
		p->next = r->free;
		r->free = p;
	}
}

static void pieces_free(struct run *r)
{
	for (unsigned i = 0; i < r->piece_count; i++) {
		cli_emit_release(&r->pieces[i].emit);
		cdp_block_release(&r->pieces[i].block);
	}
	free(r->pieces);
	free(r->parked);
}

static struct worker *workers_new(struct run *r, const struct cdp_paths *paths,
				  unsigned n)
{
	const struct cdp_job *job = r->job;
	const struct cdp_common *opt = &r->cli->opt;
	struct worker *all = cdp_calloc(n, sizeof(*all));

	for (unsigned i = 0; i < n; i++) {
		struct worker *w = &all[i];

		w->run = r;
		w->job = job;
		w->piece = r->free;
		r->free = w->piece->next;
		w->state = job->worker ? job->worker(job->ctx) : job->ctx;
		if (job->lines)
			continue;
		w->scan = cdp_scan_new(paths);
		if (job->settle) {
			w->kept = cdp_calloc(CDP_JOB_BATCH, sizeof(*w->kept));
			cdp_scan_set_kept(w->scan, CDP_JOB_BATCH);
		}
		cdp_scan_set_trusted(w->scan, opt->trusted && !job->whole);
		cdp_scan_set_unique_keys(w->scan, opt->unique_keys);
	}
	return all;
}

/* 0, or -1 if a state could not be added to the whole. */
static int workers_free(struct run *r, struct worker *all, unsigned n)
{
	const struct cdp_job *job = r->job;
	struct cdp_err err;
	int rc = 0;

	for (unsigned i = 0; i < n; i++) {
		struct worker *w = &all[i];

		if (job->worker && job->merge &&
		    job->merge(job->ctx, w->state, &err) < 0) {
			cdp_cli_report(r->cli, &err);
			rc = -1;
		} else if (job->worker && !job->merge) {
			free(w->state);
		}
		cdp_scan_free(w->scan);
		free(w->kept);
	}
	free(all);
	return rc;
}

static void run_all(struct run *r)
{
	struct cdp_paths *none = r->job->paths ? NULL : cdp_paths_new();
	unsigned n = job_count(r->cli, r->job, r->in);
	struct worker *all;

	r->ranges = n > 1;
	pieces_new(r, n);
	all = workers_new(r, r->job->paths ? r->job->paths : none, n);
	if (n > 1)
		run_threads(r, all, n);
	else
		loop(&all[0]);
	if (workers_free(r, all, n) < 0)
		r->failed = true;
	pieces_free(r);
	cdp_paths_free(none);
}

int cdp_cli_run_files(struct cdp_cli *cli, const struct cdp_job *job,
		      char *const *operands)
{
	struct run r = {
		.cli = cli,
		.job = job,
		.input = PTHREAD_MUTEX_INITIALIZER,
		.turn = PTHREAD_MUTEX_INITIALIZER,
		.turned = PTHREAD_COND_INITIALIZER,
		.left = PTHREAD_COND_INITIALIZER,
		.last_input = UINT_MAX,
	};
	struct cdp_in_opts opts = {
		.line_max = cli->opt.line_max,
		.before_wait = before_wait,
		.wait_ms = wait_ms,
		.long_sink = cli->opt.rejects && !job->again ? sink : NULL,
		.ctx = &r,
	};
	struct cdp_err err;

	if (cli_rejects_open(cli, &err) < 0) {
		cdp_cli_report(cli, &err);
		return -1;
	}
	r.in = cdp_in_new(operands, &opts);
	run_all(&r);
	cdp_in_free(r.in);
	return r.failed ? -1 : 0;
}

int cdp_cli_run(struct cdp_cli *cli, const struct cdp_job *job)
{
	return cdp_cli_run_files(cli, job, cli->operands);
}

int cdp_cli_run_whole(struct cdp_cli *cli, const struct cdp_job *job, const char *path,
		      const char *what, struct cdp_err *err)
{
	uint64_t rejected = cli->counts.rejected;
	char *files[] = { (char *)path, NULL };

	if (cdp_cli_run_files(cli, job, files) < 0)
		return 1;
	rejected = cli->counts.rejected - rejected;
	if (!rejected)
		return 0;
	return cdp_err_set(err, CDP_ERR_USAGE, "%s: %llu of its records %s %s", path,
			   (unsigned long long)rejected, rejected == 1 ? "is" : "are",
			   what);
}

/* --- loops of a tool's own --- */

static void own_wait(void *ctx)
{
	(void)cdp_cli_flush(ctx); /* the next commit meets the sticky error */
}

static int own_sink(void *ctx, const char *p, size_t n, struct cdp_err *err)
{
	return cdp_cli_keep_long(ctx, p, n, err);
}

struct cdp_in *cdp_cli_in_new(struct cdp_cli *cli, char *const *operands)
{
	struct cdp_in_opts opts = {
		.line_max = cli->opt.line_max,
		.before_wait = own_wait,
		.long_sink = cli->opt.rejects ? own_sink : NULL,
		.ctx = cli,
	};
	struct cdp_err err;

	if (cli_rejects_open(cli, &err) < 0) {
		cdp_cli_report(cli, &err);
		return NULL;
	}
	return cdp_in_new(operands, &opts);
}
