#include "cli/tag_follow.h"

#include "base/hash.h"
#include "base/mem.h"
#include "cli/entities_job.h"
#include "cli/tag_merges.h"
#include "io/out.h"
#include "model/taglive.h"
#include "record/head.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NS_MS = 1000000, TOGETHER_MS = 100, LOOK_MS = 1000 };
#define NOT_YET INT64_MAX

struct follow {
	struct cdp_cli *cli;
	struct cdp_tag_reading *t;
	const struct cdp_tag_follow_opts *o;
	struct cdp_run *run;
	bool by_clock; /* days end by the clock, else by the times of events */
	struct cdp_tagstate *state;
	struct cdp_taglive *live;
	struct cdp_tail *tail;
	struct cdp_tag_merges *merges; /* or NULL */
	struct cdp_job job;
	void *worker;
	struct cdp_scan *scan;
	struct cdp_rec *kept;
	struct cdp_emit *emit;
	/* Of the block at hand, up to where it is taken. */
	const char *taken;
	uint64_t taken_lines;
	int signals;
	/* When something is due, on the clock that only goes forward; NOT_YET. */
	int64_t write_at, save_at;
	uint64_t own, saves, days; /* own: bytes of memory after the last save */
	struct cdp_err *err;
};

static int64_t clock_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000 + t.tv_nsec / NS_MS;
}

/* Memory that is nobody else's. */
static uint64_t own_memory(void)
{
	long long size, resident = 0, shared = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f) {
		if (fscanf(f, "%lld %lld %lld", &size, &resident, &shared) != 3)
			resident = shared = 0;
		fclose(f);
	}
	return (uint64_t)(resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* --- output --- */

static void write_lines(void *ctx, const char *p, size_t n, uint64_t lines)
{
	struct follow *f = ctx;

	cdp_out_write(cdp_cli_out(f->cli), p, n); /* its errors stay */
	f->cli->counts.out += lines;
}

static int told(struct follow *f)
{
	f->err->kind = CDP_ERR_NONE;
	return -1;
}

static int write_changed(struct follow *f)
{
	cdp_tag_reading_share(f->worker);
	f->write_at = NOT_YET;
	if (cdp_taglive_changed(f->live, write_lines, f, f->err) < 0)
		return -1;
	return cdp_cli_flush(f->cli) < 0 ? told(f) : 0;
}

/* --- the state --- */

static void begin_gathering(struct follow *f)
{
	f->t->customers = cdp_taglive_fresh(f->live);
	f->worker = f->job.worker(f->t);
	f->save_at = NOT_YET;
}

static void end_gathering(struct follow *f)
{
	struct cdp_err ignored;

	if (f->worker)
		f->job.merge(f->t, f->worker, &ignored);
	f->worker = NULL;
	f->t->customers = NULL;
}

/* Persons that became others are told to be gone before the state knows of it. */
static int read_merges(struct follow *f)
{
	if (!f->merges)
		return 0;
	if (cdp_tag_merges_read(f->merges, f->live, write_lines, f, f->err) < 0)
		return -1;
	if (cdp_cli_flush(f->cli) < 0)
		return told(f);
	cdp_taglive_set_places(f->live, cdp_tag_merges_tail(f->merges));
	return 0;
}

static int save(struct follow *f)
{
	if (write_changed(f) < 0 || read_merges(f) < 0)
		return -1;
	end_gathering(f);
	cdp_taglive_set_places(f->live, f->tail);
	if (cdp_taglive_save(f->live, f->err) < 0)
		return -1;
	begin_gathering(f);
	malloc_trim(0);
	f->own = own_memory();
	f->saves++;
	return cdp_taglive_is_changed(f->live) ? write_changed(f) : 0;
}

/* --- days --- */

/* The base time is the end of the day of this instant, or the instant if a day begins
 * there and it is meant as one. */
static void set_base(struct follow *f, struct cdp_time at, bool is_end)
{
	const struct cdp_zone *zone = f->run->zone;
	int64_t day = cdp_zone_day(zone, at.s);

	if (is_end && cdp_zone_day_start(zone, day) == at.s && !at.ns)
		day--;
	f->run->as_of = (struct cdp_time){ .s = cdp_zone_day_start(zone, day + 1) };
}

static int turn(struct follow *f)
{
	if (cdp_taglive_turn(f->live, write_lines, f, f->err) < 0)
		return -1;
	return cdp_cli_flush(f->cli) < 0 ? told(f) : 0;
}

/* The day is over: all that came before belongs to it. */
static int next_day(struct follow *f, struct cdp_time at)
{
	f->days++;
	if (save(f) < 0)
		return -1;
	set_base(f, at, false);
	return turn(f);
}

static bool is_over(const struct follow *f, int64_t ms)
{
	return ms >= f->run->as_of.s * 1000;
}

/* --- records --- */

static void heard(void *live, const char *key, size_t n)
{
	cdp_taglive_touch(live, key, n);
}

static int mishandled(struct follow *f, const struct cdp_rec *rec,
		      const struct cdp_err *err)
{
	if (err->kind == CDP_ERR_EVAL) {
		cdp_emit_eval_error(f->emit, rec, err);
	} else if (err->kind == CDP_ERR_DATA) {
		cdp_emit_reject(f->emit, rec, err);
	} else {
		*f->err = *err;
		return -1;
	}
	return 0;
}

/* An event after the end of the day ends it. */
static int look_at_time(struct follow *f, struct cdp_rec *rec, unsigned *n)
{
	struct cdp_err ignored;
	int64_t ms;

	if (f->by_clock || cdp_rec_get(rec, CDP_SLOT_EVENT)->type != CDP_STRING ||
	    cdp_rec_time_ms(rec, &ms, &ignored) < 0 || !is_over(f, ms))
		return 0;
	f->job.settle(f->worker, f->emit);
	cdp_tail_take(f->tail, (size_t)(rec->raw - f->taken),
		      rec->line - 1 - f->taken_lines);
	f->taken = rec->raw;
	f->taken_lines = rec->line - 1;
	if (next_day(f, cdp_time_from_ms(ms)) < 0)
		return -1;
	f->kept[0] = *rec;
	*n = 0;
	return 0;
}

static int each_record(struct follow *f)
{
	uint64_t base = f->taken_lines;
	struct cdp_err err;
	unsigned n = 0;
	int rc;

	while ((rc = cdp_scan_next(f->scan, &f->kept[n], &err)) != 0) {
		struct cdp_rec *rec = &f->kept[n];

		rec->line += base;
		f->emit->counts.in++;
		if (rc > 0 && look_at_time(f, rec, &n) < 0)
			return -1;
		rec = &f->kept[n];
		if (rc > 0)
			rc = f->job.record(f->worker, rec, f->emit, &err) < 0 ? -1 : 1;
		if (rc < 0 && mishandled(f, rec, &err) < 0)
			return -1;
		if (++n == CDP_JOB_BATCH) {
			f->job.settle(f->worker, f->emit);
			n = 0;
		}
	}
	f->job.settle(f->worker, f->emit);
	return 0;
}

static int take_block(struct follow *f, struct cdp_block *b)
{
	int rc = 0;

	f->emit = cdp_cli_emit_new(f->cli, b->name);
	f->taken = b->data;
	f->taken_lines = cdp_tail_lines(f->tail);
	if (b->overlong) {
		struct cdp_err err;

		b->long_offset = cdp_cli_long_size(f->cli) - b->long_length;
		cdp_err_set(&err, CDP_ERR_DATA, "line is longer than %llu bytes",
			    (unsigned long long)f->cli->opt.line_max);
		cdp_emit_reject_long(f->emit, f->taken_lines + 1, b, &err,
				     &(struct cdp_reject_form){ 0 });
		f->emit->counts.in++;
	} else {
		cdp_scan_block(f->scan, b->data, b->len);
		rc = each_record(f);
		f->emit->counts.blank = cdp_scan_blanks(f->scan);
	}
	if (cdp_cli_emit_commit(f->emit) < 0 && rc == 0)
		rc = told(f);
	cdp_cli_emit_free(f->emit);
	if (rc == 0)
		cdp_tail_take_rest(f->tail);
	return rc;
}

/* --- the loop --- */

static int64_t wait_for(const struct follow *f)
{
	int64_t now = clock_ms(CLOCK_MONOTONIC), until = f->save_at, wait;

	if (f->write_at < until)
		until = f->write_at;
	wait = until == NOT_YET ? -1 : until > now ? until - now : 0;
	if (f->by_clock) {
		int64_t day = f->run->as_of.s * 1000 - clock_ms(CLOCK_REALTIME);

		day = day < 0 ? 0 : day;
		if (wait < 0 || day < wait)
			wait = day;
	}
	if (f->merges && (wait < 0 || wait > LOOK_MS))
		wait = LOOK_MS;
	/* Changes are not held back when there is nothing to be read. */
	return f->write_at != NOT_YET && !f->o->every_ns ? 0 : wait;
}

static void set_alarms(struct follow *f)
{
	int64_t now = clock_ms(CLOCK_MONOTONIC);
	int64_t every = f->o->every_ns ? f->o->every_ns / NS_MS : TOGETHER_MS;

	if (f->write_at == NOT_YET && cdp_taglive_is_changed(f->live))
		f->write_at = now + every;
	if (f->save_at == NOT_YET &&
	    (cdp_taglive_is_new(f->live) || cdp_tag_merges_wait(f->merges)))
		f->save_at = now + f->o->save_ns / NS_MS;
}

/* `quiet`: nothing can be read just now. */
static int do_what_is_due(struct follow *f, bool quiet)
{
	int64_t now = clock_ms(CLOCK_MONOTONIC), today = clock_ms(CLOCK_REALTIME);

	if (f->by_clock && is_over(f, today) && next_day(f, cdp_time_from_ms(today)) < 0)
		return -1;
	if ((now >= f->write_at ||
	     (quiet && !f->o->every_ns && f->write_at != NOT_YET)) &&
	    write_changed(f) < 0)
		return -1;
	if (now >= f->save_at ||
	    (cdp_taglive_is_new(f->live) && own_memory() > f->own + f->o->memory))
		return save(f);
	return 0;
}

static bool is_to_end(const struct follow *f)
{
	struct signalfd_siginfo s;

	return read(f->signals, &s, sizeof(s)) > 0;
}

static int loop(struct follow *f)
{
	struct cdp_block b;
	int rc;

	for (;;) {
		rc = cdp_tail_next(f->tail, wait_for(f), &b, f->err);
		if (rc < 0)
			return -1;
		if (rc == CDP_TAIL_END || is_to_end(f))
			break;
		if (rc == CDP_TAIL_BLOCK && take_block(f, &b) < 0)
			return -1;
		set_alarms(f);
		if (do_what_is_due(f, rc == CDP_TAIL_QUIET) < 0)
			return -1;
	}
	return save(f);
}

/* --- opening --- */

static void note(void *ctx, const char *text)
{
	cdp_cli_note(ctx, "%s", text);
}

static int keep_long(void *ctx, const char *p, size_t n, struct cdp_err *err)
{
	return cdp_cli_keep_long(ctx, p, n, err);
}

static int add_input(struct follow *f, const char *path)
{
	bool standard = strcmp(path, "-") == 0;

	if (standard && !f->o->batch)
		cdp_cli_usage(f->cli, "standard input can be read only once: name what "
				      "it holds with --batch");
	return cdp_tail_add(f->tail, path, f->o->batch, f->err);
}

static int open_inputs(struct follow *f)
{
	struct cdp_tail_opts opts = {
		.line_max = f->cli->opt.line_max,
		.wake = f->signals,
		.note = note,
		.long_sink = f->cli->opt.rejects ? keep_long : NULL,
		.ctx = f->cli,
	};
	const struct cdp_tail_place *place;
	const char *name;

	if (f->o->merges) {
		f->merges = cdp_tag_merges_open(f->cli, f->o->merges, f->err);
		if (!f->merges)
			return -1;
	}
	f->tail = cdp_tail_new(&opts);
	if (!f->cli->operands[0] && add_input(f, "-") < 0)
		return -1;
	for (char **p = f->cli->operands; *p; p++)
		if (add_input(f, *p) < 0)
			return -1;
	if (f->o->batch && cdp_tagstate_has_batch(f->state, f->o->batch))
		return cdp_err_set(f->err, CDP_ERR_USAGE,
				   "the state has batch '%s' as a whole: there is "
				   "nothing more to come of it",
				   f->o->batch);
	for (size_t i = 0; (place = cdp_taglive_place(f->live, i, &name)); i++) {
		cdp_tail_go_on(f->tail, name, place);
		if (f->merges)
			cdp_tail_go_on(cdp_tag_merges_tail(f->merges), name, place);
	}
	return 0;
}

static uint64_t stamp_file(uint64_t h, const char *path)
{
	struct stat st;

	h = cdp_hash_stable(path, strlen(path), h);
	if (stat(path, &st) < 0)
		return h;
	h = cdp_hash_stable(&st.st_size, sizeof(st.st_size), h);
	return cdp_hash_stable(&st.st_mtim, sizeof(st.st_mtim), h);
}

/* Of what profiles depend on beside what is in the state. */
static uint64_t stamp(const struct follow *f)
{
	uint64_t h = f->o->nulls;

	for (size_t i = 0; i < f->o->definitions->n; i++)
		h = stamp_file(h, f->o->definitions->v[i]);
	for (size_t i = 0; i < f->o->entities->n; i++)
		h = stamp_file(h, f->o->entities->v[i]);
	if (f->cli->opt.calendar)
		h = stamp_file(h, f->cli->opt.calendar);
	return h ? h : 1;
}

static int open_state(struct follow *f)
{
	struct cdp_tag_reading *t = f->t;
	struct cdp_tagstate_opts s = { .dir = f->o->dir,
				       .set = t->set,
				       .run = f->run,
				       .key = t->key,
				       .entity = "person",
				       .relations = t->relations,
				       .followed = f->run };
	struct cdp_taglive_opts l = { .set = t->set,
				      .run = f->run,
				      .key = t->key,
				      .nulls = f->o->nulls,
				      .stamp = stamp(f) };

	l.state = f->state = cdp_tagstate_open(&s, f->err);
	if (f->state)
		f->live = cdp_taglive_new(&l, f->err);
	return f->live ? 0 : -1;
}

/* SIGTERM and SIGINT are read like an input, between two blocks. */
static int open_signals(struct follow *f)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	f->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return f->signals < 0 ? cdp_err_sys(f->err, errno, "signals") : 0;
}

static void open_scan(struct follow *f)
{
	const struct cdp_common *opt = &f->cli->opt;

	f->job = cdp_tag_reading_job(f->t);
	f->scan = cdp_scan_new(f->t->paths);
	f->kept = cdp_calloc(CDP_JOB_BATCH, sizeof(*f->kept));
	cdp_scan_set_kept(f->scan, CDP_JOB_BATCH);
	cdp_scan_set_trusted(f->scan, opt->trusted);
	cdp_scan_set_unique_keys(f->scan, opt->unique_keys);
	f->t->heard = heard;
	f->t->heard_ctx = f->live;
	begin_gathering(f);
}

static int follow(struct follow *f)
{
	struct cdp_tag_reading *t = f->t;

	if (open_signals(f) < 0 || open_state(f) < 0 || open_inputs(f) < 0)
		return -1;
	cdp_cli_check_entities(f->cli, t->set->entities, f->o->entities, -1);
	if (cdp_cli_read_entities(f->cli, t->set->entities, f->o->entities, -1,
				  t->relations) < 0 ||
	    cdp_cli_open_rejects(f->cli) < 0)
		return told(f);
	cdp_relations_pass(t->relations);
	if (turn(f) < 0)
		return -1;
	open_scan(f);
	f->own = own_memory();
	if (cdp_tag_merges_wait(f->merges) && save(f) < 0)
		return -1;
	return loop(f);
}

int cdp_tag_follow(struct cdp_cli *cli, struct cdp_tag_reading *t,
		   const struct cdp_tag_follow_opts *o, struct cdp_err *err)
{
	struct follow f = { .cli = cli,
			    .t = t,
			    .o = o,
			    .run = &cli->opt.run,
			    .by_clock = !cli->opt.as_of_given,
			    .signals = -1,
			    .write_at = NOT_YET,
			    .save_at = NOT_YET,
			    .err = err };
	int rc;

	if (cdp_out_is_atomic(cdp_cli_out(cli)))
		cdp_cli_usage(cli, "option '--follow' writes as it goes: '--output' "
				   "takes no file that is seen at the end alone");
	set_base(&f, f.run->as_of, !f.by_clock);
	rc = follow(&f);
	end_gathering(&f);
	cdp_scan_free(f.scan);
	free(f.kept);
	cdp_tail_free(f.tail);
	cdp_tag_merges_close(f.merges);
	cdp_taglive_free(f.live);
	cdp_tagstate_close(f.state);
	if (f.signals >= 0)
		close(f.signals);
	cdp_cli_stat(cli, "saves", f.saves);
	cdp_cli_stat(cli, "days", f.days);
	return rc;
}
