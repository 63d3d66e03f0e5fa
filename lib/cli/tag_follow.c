#include "cli/tag_follow_priv.h"

#include "base/mem.h"
#include "io/out.h"
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

enum { NS_MS = 1000000, TOGETHER_MS = 100, LOOK_MS = 1000, CLOCK_MS = 60000 };
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

static int write_changed(struct follow *f)
{
	cdp_tag_reading_share(f->worker);
	f->write_at = NOT_YET;
	if (cdp_taglive_changed(f->live, write_lines, f, f->err) < 0)
		return -1;
	return cdp_cli_flush(f->cli) < 0 ? tf_told(f) : 0;
}

/* --- the state --- */

static void begin_gathering(struct follow *f)
{
	f->t->customers = cdp_taglive_fresh(f->live);
	f->worker = f->job.worker(f->t);
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
	if (cdp_tag_merges_wait(f->merges) && cdp_relations_wanted(f->t->relations))
		f->relations_new = true;
	if (cdp_tag_merges_read(f->merges, f->live, write_lines, f, f->err) < 0)
		return -1;
	if (cdp_cli_flush(f->cli) < 0)
		return tf_told(f);
	cdp_taglive_set_places(f->live, cdp_tag_merges_tail(f->merges));
	return write_changed(f);
}

/* Nothing is gathered for the time being. */
static int end_and_save(struct follow *f)
{
	if (write_changed(f) < 0 || read_merges(f) < 0)
		return -1;
	end_gathering(f);
	cdp_taglive_set_places(f->live, f->tail);
	if (f->relations_new)
		cdp_taglive_set_stamp(f->live, 0);
	f->saves++;
	f->save_at = NOT_YET;
	return cdp_taglive_save(f->live, f->err);
}

/* --- what is read as a whole --- */

/* Profiles that differ once everything beside the state was read again, with nothing new;
 * values that are given are these from then on. */
static int renew(struct follow *f, struct cdp_given *given)
{
	struct cdp_customers *before;
	int rc;

	if (cdp_taglive_note(f->live, f->err) < 0) {
		if (given != f->t->given)
			cdp_given_free(given);
		return -1;
	}
	if (cdp_tag_outside_again(&f->outside, given, &before, f->err) < 0)
		return -1;
	rc = cdp_taglive_renew(f->live, given, f->outside.lore, write_lines, f, f->err);
	cdp_customers_free(before);
	if (rc == 0 && cdp_cli_flush(f->cli) < 0)
		rc = tf_told(f);
	cdp_taglive_set_stamp(f->live, cdp_tag_outside_stamp(&f->outside));
	f->relations_new = false;
	f->survey_due = false;
	return rc;
}

static int save(struct follow *f)
{
	if (end_and_save(f) < 0 || (f->relations_new && renew(f, f->t->given) < 0))
		return -1;
	begin_gathering(f);
	malloc_trim(0);
	f->own = own_memory();
	return 0;
}

/* Of the files outside one is another. */
static int read_again(struct follow *f)
{
	struct cdp_given *given = cdp_tag_outside_given(&f->outside);

	if (!given)
		return 0;
	if (end_and_save(f) < 0) {
		cdp_given_free(given);
		return -1;
	}
	if (renew(f, given) < 0)
		return -1;
	begin_gathering(f);
	f->save_at = 0; /* what was told is to be known */
	return 0;
}

static int survey(struct follow *f)
{
	if (save(f) < 0 || cdp_taglive_note(f->live, f->err) < 0 ||
	    cdp_taglive_renew(f->live, f->t->given, f->outside.lore, write_lines, f,
			      f->err) < 0)
		return -1;
	f->survey_due = false;
	return cdp_cli_flush(f->cli) < 0 ? tf_told(f) : 0;
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
	f->survey_due = false;
	return cdp_cli_flush(f->cli) < 0 ? tf_told(f) : 0;
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

static void heard(void *ctx, const char *key, size_t n)
{
	struct follow *f = ctx;

	cdp_taglive_touch(f->live, key, n);
}

static void heard_relation(void *ctx)
{
	struct follow *f = ctx;

	f->relations_new = true;
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
		rc = tf_told(f);
	cdp_cli_emit_free(f->emit);
	if (rc == 0)
		cdp_tail_take_rest(f->tail);
	return rc;
}

/* --- the loop --- */

static int64_t wait_for(const struct follow *f)
{
	const int64_t at[] = { f->write_at, f->save_at, f->look_at, f->survey_at };
	int64_t now = clock_ms(CLOCK_MONOTONIC), wait = NOT_YET;

	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++)
		if (at[i] != NOT_YET && at[i] - now < wait)
			wait = at[i] - now;
	if (f->by_clock) {
		int64_t day = f->run->as_of.s * 1000 - clock_ms(CLOCK_REALTIME);

		/* The clock may be set. */
		day = day > CLOCK_MS ? CLOCK_MS : day;
		wait = day < wait ? day : wait;
	}
	/* Changes are not held back when there is nothing to be read. */
	if (wait < 0 || (f->write_at != NOT_YET && !f->o->every_ns))
		wait = 0;
	return wait == NOT_YET ? -1 : wait;
}

static void set_alarms(struct follow *f)
{
	int64_t now = clock_ms(CLOCK_MONOTONIC);
	int64_t every = f->o->every_ns ? f->o->every_ns / NS_MS : TOGETHER_MS;

	if (f->write_at == NOT_YET && cdp_taglive_is_changed(f->live))
		f->write_at = now + every;
	if (f->save_at == NOT_YET && (cdp_taglive_is_new(f->live) || f->relations_new))
		f->save_at = now + f->o->save_ns / NS_MS;
	if (f->look_at == NOT_YET && (f->merges || f->watches))
		f->look_at = now + LOOK_MS;
	f->survey_due |= cdp_taglive_is_new(f->live);
	if (f->survey_at == NOT_YET && f->survey_due && f->o->survey_ns)
		f->survey_at = now + f->o->survey_ns / NS_MS;
}

/* At the files that are read beside the input. */
static int look(struct follow *f)
{
	f->look_at = NOT_YET;
	if (cdp_tag_merges_wait(f->merges) &&
	    (write_changed(f) < 0 || read_merges(f) < 0))
		return -1;
	return f->watches && cdp_tag_outside_changed(&f->outside) ? read_again(f) : 0;
}

/* `quiet`: nothing can be read just now. */
static int do_what_is_due(struct follow *f, bool quiet)
{
	int64_t now = clock_ms(CLOCK_MONOTONIC), today = clock_ms(CLOCK_REALTIME);

	if (f->by_clock && is_over(f, today) && next_day(f, cdp_time_from_ms(today)) < 0)
		return -1;
	if (now >= f->look_at && look(f) < 0)
		return -1;
	if (now >= f->survey_at) {
		f->survey_at = NOT_YET;
		if (survey(f) < 0)
			return -1;
	}
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
		set_alarms(f);
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

/* --- all of it --- */

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
	f->t->heard_relation = heard_relation;
	f->t->heard_ctx = f;
	begin_gathering(f);
}

static int follow(struct follow *f)
{
	if (tf_open(f) < 0 || turn(f) < 0)
		return -1;
	open_scan(f);
	f->own = own_memory();
	if (cdp_tag_merges_wait(f->merges) && read_merges(f) < 0)
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
			    .outside = { .cli = cli,
					 .t = t,
					 .definitions = o->definitions,
					 .entities = o->entities,
					 .map = o->map,
					 .nulls = o->nulls },
			    .write_at = NOT_YET,
			    .save_at = NOT_YET,
			    .look_at = NOT_YET,
			    .survey_at = NOT_YET,
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
	cdp_tag_outside_release(&f.outside);
	cdp_tagstate_close(f.state);
	if (f.signals >= 0)
		close(f.signals);
	cdp_cli_stat(cli, "saves", f.saves);
	cdp_cli_stat(cli, "days", f.days);
	return rc;
}
