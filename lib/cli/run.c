/* The record loop.
 *
 * A worker takes the next block under the input lock, works on it alone, and commits it
 * when its turn comes: commits happen in block order under the turn lock, so everything
 * about the whole run (counts, line numbers, messages, output) is touched by one thread
 * at a time and in an order that does not depend on the number of workers.  An input that
 * cannot be read takes its turn like a block.
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
#include "cli/priv.h"

struct run {
	struct cdp_cli *cli;
	const struct cdp_job *job;
	struct cdp_in *in;
	pthread_mutex_t input; /* guards: in, next_read, ended */
	uint64_t next_read;
	bool ended;
	pthread_mutex_t turn; /* guards: the rest, and the cli */
	pthread_cond_t turned;
	uint64_t next_commit;
	bool waiting;        /* a reader may wait: flush after each commit */
	unsigned running;    /* workers that have not returned */
	unsigned last_input; /* index of the input of the last commit */
	uint64_t base;       /* lines of that input committed so far */
	uint64_t long_base;  /* bytes of overlong lines kept before this run */
	bool failed;
	atomic_bool stop;
};

struct worker {
	struct run *run;
	pthread_t thread;
	struct cdp_scan *scan;
	struct cdp_rec *kept; /* if the job settles: those since it last did */
	struct cdp_block block;
	struct cdp_emit emit;
	void *state;
	uint64_t seq;
};

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
	r->waiting = true;
	if (flush(r) < 0) {
		r->failed = true;
		atomic_store(&r->stop, true);
		pthread_cond_broadcast(&r->turned);
	}
	pthread_mutex_unlock(&r->turn);
	pthread_setcancelstate(old, NULL);
}

static void done_waiting(struct run *r)
{
	pthread_mutex_lock(&r->turn);
	r->waiting = false;
	pthread_mutex_unlock(&r->turn);
}

static void unlock(void *mutex)
{
	pthread_mutex_unlock(mutex);
}

static int take_locked(struct worker *w, struct cdp_err *err)
{
	struct run *r = w->run;
	int rc;

	if (r->ended || atomic_load(&r->stop))
		return 0;
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	rc = cdp_in_block(r->in, &w->block, err);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	r->ended = rc == 0;
	w->seq = r->next_read++;
	cli_progress(r->cli, r->in);
	done_waiting(r);
	return rc;
}

/* Where a thread that is cancelled unwinds, AddressSanitizer looks at the frames that
 * were left and takes its own reading of them for an error. */
#define UNWINDS __attribute__((no_sanitize("address")))

/* 1: a block; 0: no more; -1: an input failed, *err (it has a turn as well). */
UNWINDS static int take(struct worker *w, struct cdp_err *err)
{
	volatile int rc;

	pthread_mutex_lock(&w->run->input);
	pthread_cleanup_push(unlock, &w->run->input);
	rc = take_locked(w, err);
	pthread_cleanup_pop(1);
	return rc;
}

/* --- working on it --- */

/* What a record that could not be handled means; true if the block ends there. */
static bool mishandled(struct cdp_emit *e, const struct cdp_rec *rec,
		       const struct cdp_err *err)
{
	switch (err->kind) {
	case CDP_ERR_DATA:
		cdp_emit_reject(e, rec, err);
		return e->priv->cli->opt.strict;
	case CDP_ERR_EVAL:
		cdp_emit_eval_error(e, rec, err);
		return false;
	default:
		e->priv->fatal = *err;
		e->priv->failed = true;
		return true;
	}
}

typedef int handler(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
		    struct cdp_err *err);

/* True if the block ends here. */
static bool handle(struct worker *w, struct cdp_rec *rec, handler *how,
		   struct cdp_err *err)
{
	struct cdp_emit *e = &w->emit;
	size_t mark = e->out.n;
	struct cdp_counts before = e->counts;

	if (how(w->state, rec, e, err) == 0)
		return e->counts.rejected > before.rejected && e->priv->cli->opt.strict;
	e->out.n = mark;
	e->counts.out = before.out;
	return mishandled(e, rec, err);
}

static bool one_record(struct worker *w, struct cdp_rec *rec)
{
	struct cdp_err err;

	w->emit.counts.in += !w->run->job->again;
	return handle(w, rec, w->run->job->record, &err);
}

/* A line that is no record was read all the same. */
static bool refused(struct worker *w, struct cdp_rec *rec, struct cdp_err *err)
{
	if (w->run->job->again)
		return false;
	w->emit.counts.in++;
	return w->run->job->refused ? handle(w, rec, w->run->job->refused, err)
				    : mishandled(&w->emit, rec, err);
}

static void each_record(struct worker *w)
{
	struct cdp_rec rec = { 0 };
	struct cdp_err err;
	int rc;

	while ((rc = cdp_scan_next(w->scan, &rec, &err)) != 0)
		if (rc > 0 ? one_record(w, &rec) : refused(w, &rec, &err))
			break;
}

static void each_batch(struct worker *w)
{
	struct cdp_rec *kept = w->kept;
	struct cdp_err err;
	bool ended = false;
	unsigned n = 0;
	int rc;

	do {
		rc = cdp_scan_next(w->scan, &kept[n], &err);
		if (rc > 0)
			ended = one_record(w, &kept[n++]);
		else if (rc < 0)
			ended = refused(w, &kept[n++], &err);
		if (n == CDP_JOB_BATCH || rc == 0 || ended) {
			w->run->job->settle(w->state, &w->emit);
			n = 0;
		}
	} while (rc != 0 && !ended);
}

static void scan_records(struct worker *w)
{
	cdp_scan_block(w->scan, w->block.data, w->block.len);
	if (w->run->job->settle)
		each_batch(w);
	else
		each_record(w);
	w->emit.priv->lines = cdp_scan_lines(w->scan);
	w->emit.counts.blank = w->run->job->again ? 0 : cdp_scan_blanks(w->scan);
}

static bool is_blank(const char *p, size_t n)
{
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	return n == 0;
}

static void split_lines(struct worker *w)
{
	const char *p = w->block.data, *end = p + w->block.len;
	struct cdp_emit *e = &w->emit;
	struct cdp_rec rec = { 0 };

	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));

		rec.raw = p;
		rec.len = (size_t)((lf ? lf : end) - p);
		rec.line = ++e->priv->lines;
		p = lf ? lf + 1 : end;
		if (rec.len && rec.raw[rec.len - 1] == '\r')
			rec.len--;
		if (is_blank(rec.raw, rec.len))
			e->counts.blank++;
		else if (one_record(w, &rec))
			break;
	}
}

static void work(struct worker *w)
{
	w->emit.priv->name = w->block.name;
	if (w->block.overlong && w->run->job->again)
		return;
	if (w->block.overlong)
		cli_emit_overlong(&w->emit, &w->block);
	else if (w->run->job->lines)
		split_lines(w);
	else
		scan_records(w);
}

/* --- committing it --- */

static int commit_block(struct worker *w)
{
	struct run *r = w->run;
	struct cdp_emit_priv *p = w->emit.priv;
	int rc;

	if (w->block.input != r->last_input) {
		r->last_input = w->block.input;
		r->base = 0;
	}
	if (w->block.overlong)
		w->block.long_offset += r->long_base;
	if (r->job->commit && !p->failed)
		p->failed = r->job->commit(r->job->ctx, &w->emit, &p->fatal) < 0;
	rc = cli_emit_commit(&w->emit, r->base);
	r->base += p->lines;
	return rc;
}

/* Waits for this worker's turn; then `err` is reported or the block written. */
static void commit(struct worker *w, const struct cdp_err *err)
{
	struct run *r = w->run;
	int rc = 0;

	pthread_mutex_lock(&r->turn);
	while (r->next_commit != w->seq && !atomic_load(&r->stop))
		pthread_cond_wait(&r->turned, &r->turn);
	if (!atomic_load(&r->stop)) {
		if (!err)
			rc = commit_block(w);
		else if (!r->job->again)
			cdp_cli_report(r->cli, err);
		if (rc == 0 && r->waiting)
			rc = flush(r);
		if (rc < 0) {
			r->failed = true;
			atomic_store(&r->stop, true);
		}
	}
	r->next_commit++;
	pthread_cond_broadcast(&r->turned);
	pthread_mutex_unlock(&r->turn);
	cli_emit_reset(&w->emit);
}

static void loop(struct worker *w)
{
	struct cdp_err err;
	int rc;

	while ((rc = take(w, &err)) != 0) {
		if (rc > 0)
			work(w);
		commit(w, rc < 0 ? &err : NULL);
	}
}

/* --- threads --- */

static void leave(void *ctx)
{
	struct run *r = ctx;

	pthread_mutex_lock(&r->turn);
	r->running--;
	pthread_cond_broadcast(&r->turned);
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
		pthread_cond_wait(&r->turned, &r->turn);
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

static int sink(void *ctx, const char *p, size_t n, struct cdp_err *err)
{
	struct run *r = ctx;
	int old, rc;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	pthread_mutex_lock(&r->turn);
	rc = cdp_cli_keep_long(r->cli, p, n, err);
	pthread_mutex_unlock(&r->turn);
	pthread_setcancelstate(old, NULL);
	return rc;
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
		cdp_block_init(&w->block);
		cli_emit_init(&w->emit, r->cli, "");
		w->state = job->worker ? job->worker(job->ctx) : job->ctx;
		if (job->lines)
			continue;
		w->scan = cdp_scan_new(paths);
		if (job->settle) {
			w->kept = cdp_calloc(CDP_JOB_BATCH, sizeof(*w->kept));
			cdp_scan_set_kept(w->scan, CDP_JOB_BATCH);
		}
		cdp_scan_set_trusted(w->scan, opt->trusted);
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
		cli_emit_release(&w->emit);
		cdp_block_release(&w->block);
	}
	free(all);
	return rc;
}

static void run_all(struct run *r)
{
	struct cdp_paths *none = r->job->paths ? NULL : cdp_paths_new();
	unsigned n = job_count(r->cli, r->job, r->in);
	struct worker *all = workers_new(r, r->job->paths ? r->job->paths : none, n);

	if (n > 1)
		run_threads(r, all, n);
	else
		loop(&all[0]);
	if (workers_free(r, all, n) < 0)
		r->failed = true;
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
		.last_input = UINT_MAX,
		.long_base = cli->priv->longs_size,
	};
	struct cdp_in_opts opts = {
		.line_max = cli->opt.line_max,
		.before_wait = before_wait,
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
