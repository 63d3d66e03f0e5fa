/* Base times of what is followed: ends of days, by the clock or by events. */
#include "cli/segment_whole_priv.h"
#include "io/out.h"

#include <limits.h>
#include <time.h>

static int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The base time is the end of the day of this instant, or the instant if a day begins
 * there and it is meant as one. */
int64_t segment_days_end(const struct cdp_run *run, struct cdp_time at, bool is_end)
{
	int64_t day = cdp_zone_day(run->zone, at.s);

	if (is_end && cdp_zone_day_start(run->zone, day) == at.s && !at.ns)
		day--;
	return cdp_zone_day_start(run->zone, day + 1) * 1000;
}

void segment_days_set(struct segment_following *w, int64_t base_ms)
{
	struct cdp_run *run = &w->cli->opt.run;

	run->as_of = cdp_time_from_ms(base_ms);
	cdp_time_format(w->as_of, run->as_of);
	cdp_liverows_turn(w->whole->rows, base_ms);
	w->whole->kept.base_ms = base_ms;
}

struct turning {
	struct segment_following *w;
	struct cdp_buf *out;
	uint64_t lines;
};

static int turn_customer(void *ctx, const char *key, size_t n, struct cdp_err *err)
{
	struct turning *t = ctx;
	struct segment_following *w = t->w;
	struct segment_whole *o = w->whole;
	struct cdp_rec *rec = &o->profile;

	o->key = key;
	o->key_n = n;
	if (segment_whole_row(w, &o->rows->before, err) < 0 ||
	    segment_whole_profile(w, err) < 0)
		return -1;
	if (!o->profiled && !o->is.gathered)
		return 0;
	return segment_whole_decide(w, rec, rec, SEGMENT_NO_TIME, t->out, &t->lines, err);
}

/* Another base time: what it changes, as lines. */
static int turn(struct segment_following *w, int64_t base_ms, struct cdp_buf *out,
		uint64_t *lines, struct cdp_err *err)
{
	struct segment_whole *o = w->whole;
	struct turning t = { .w = w, .out = out };
	int rc;

	o->days++;
	segment_days_set(w, base_ms);
	cdp_live_turn(w->live, true);
	o->turning = true;
	rc = o->cuts ? segment_cuts_rank_all(w, err) : 0;
	if (rc == 0)
		rc = cdp_livekeep_each(o->keep, turn_customer, &t, err);
	segment_cuts_ranked(w);
	o->turning = false;
	cdp_live_turn(w->live, false);
	*lines = t.lines;
	return rc < 0 ? -1 : cdp_livekeep_know(o->keep, &o->kept, err);
}

/* Outside of records. */
int segment_days_turn(struct segment_following *w, int64_t base_ms, struct cdp_err *err)
{
	struct cdp_buf out;
	uint64_t lines;
	int rc;

	cdp_buf_init(&out, CDP_BUF_NOMAX);
	rc = turn(w, base_ms, &out, &lines, err);
	if (rc == 0 && out.n) {
		cdp_out_write(cdp_cli_out(w->cli), out.p, out.n); /* its errors stay */
		w->cli->counts.out += lines;
	}
	cdp_buf_release(&out);
	return rc;
}

bool segment_whole_is_due(const struct segment_following *w)
{
	return w->whole->by_clock && clock_ms() >= w->whole->kept.base_ms;
}

int segment_whole_wait_ms(const struct segment_following *w)
{
	int64_t ms = w->whole->kept.base_ms - clock_ms();

	if (!w->whole->by_clock)
		return -1;
	return ms < 0 ? 0 : ms > INT_MAX ? INT_MAX : (int)ms;
}

int segment_whole_turn(struct segment_following *w, struct cdp_err *err)
{
	struct cdp_time now = cdp_time_from_ms(clock_ms());

	return segment_days_turn(w, segment_days_end(&w->cli->opt.run, now, false), err);
}

/* An event after the end of the day ends it. */
int segment_days_event(struct segment_following *w, int64_t ms, struct cdp_emit *emit,
		       struct cdp_err *err)
{
	const struct cdp_run *run = &w->cli->opt.run;
	uint64_t lines;

	if (w->whole->by_clock || ms < w->whole->kept.base_ms)
		return 0;
	if (turn(w, segment_days_end(run, cdp_time_from_ms(ms), false), &emit->out,
		 &lines, err) < 0)
		return -1;
	emit->counts.out += lines;
	return 0;
}
