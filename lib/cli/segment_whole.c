/* Following where rules ask for more than profiles say: events, updates, rows of details
 * and relations come with profiles, in any order.  A record is gathered as in every run
 * (cli/tag_reading.h), alone, and added to what is known of its customer. */
#include "base/mem.h"
#include "cli/entities_job.h"
#include "cli/segment_gather.h"
#include "cli/segment_whole_priv.h"
#include "record/head.h"
#include "record/json.h"

#include <stdlib.h>

enum { RENEW = 4096 }; /* records after which what gathers them is made anew */

/* ---- the customer at hand ---- */

/* *was: by the windows of then, or NULL. */
int segment_whole_row(struct segment_following *w, const struct cdp_livewindows *was,
		      struct cdp_err *err)
{
	struct segment_whole *o = w->whole;
	const char *p = NULL;
	size_t n = 0;
	int rc = cdp_livekeep_find(o->keep, CDP_LIVE_ROWS, o->key, o->key_n, &p, &n, err);

	if (rc < 0)
		return -1;
	o->known = rc > 0;
	cdp_buf_reset(&o->bytes);
	if (o->known)
		cdp_buf_add(&o->bytes, p, n);
	p = o->known ? o->bytes.p : NULL;
	return cdp_liverow_read(&o->was, o->rows, was, p, n, err) < 0 ||
			       cdp_liverow_read(&o->is, o->rows, &o->rows->now, p, n,
						err) < 0
		       ? -1
		       : 0;
}

/* The customer is decided as one without tags. */
static int read_blank(struct segment_following *w, struct segment_line *line,
		      struct cdp_rec *rec, struct cdp_err *err)
{
	struct segment_whole *o = w->whole;
	const struct cdp_paths *paths = w->f->paths;

	cdp_segment_no_profile(&o->blank, paths, o->key, o->key_n);
	return segment_line_read(line, o->blank.p, o->blank.n - 1, rec, err);
}

int segment_whole_profile(struct segment_following *w, struct cdp_err *err)
{
	struct segment_whole *o = w->whole;
	struct segment_sight was;
	const char *p;
	size_t n;
	int rc = cdp_livekeep_find(o->keep, CDP_LIVE_PROFILES, o->key, o->key_n, &p, &n,
				   err);

	o->profiled = false;
	o->as_of = SEGMENT_NO_TIME;
	if (rc < 0)
		return -1;
	if (rc > 0) {
		if (segment_line_read(&w->line, p, n, &o->profile, err) < 0 ||
		    segment_follow_sight(w, &o->profile, &was, err) < 0)
			return cdp_err_set(err, CDP_ERR_SYS,
					   "'%s': damaged: the profile of '%.*s'",
					   w->f->dir, (int)o->key_n, o->key);
		o->as_of = was.as_of;
		o->profiled = was.there;
	}
	return o->profiled ? 0 : read_blank(w, &w->line, &o->profile, err);
}

static int keep_row(struct segment_whole *o, struct cdp_err *err)
{
	cdp_buf_reset(&o->out);
	cdp_liverow_write(&o->is, o->rows, &o->out);
	return cdp_livekeep_put(o->keep, CDP_LIVE_ROWS, o->key, o->key_n, o->out.p,
				o->out.n, err);
}

int segment_whole_decide(struct segment_following *w, struct cdp_rec *was,
			 struct cdp_rec *is, int64_t as_of, struct cdp_buf *out,
			 uint64_t *lines, struct cdp_err *err)
{
	struct segment_whole *o = w->whole;
	const struct cdp_live_change *v;
	size_t n;

	cdp_live_begin(w->live, o->key, o->key_n);
	if (cdp_live_rows(w->live, &o->was, &o->is, err) < 0)
		return -1;
	if (was)
		cdp_live_was(w->live, was);
	if (is)
		cdp_live_is(w->live, is);
	if (o->cuts)
		segment_cuts_rank(w, is);
	n = cdp_live_decide(w->live, &v);
	*lines += segment_follow_write(w, o->key, o->key_n, as_of, v, n, out);
	return 0;
}

/* ---- profiles ---- */

static void set_key(struct segment_whole *o, const char *key, size_t n)
{
	cdp_buf_reset(&o->name);
	cdp_buf_add(&o->name, key, n);
	o->key = o->name.p;
	o->key_n = n;
}

/* A line as a profile, and what is known of its customer. */
static int see_profile(struct segment_following *w, const struct cdp_rec *line,
		       struct cdp_rec *rec, struct segment_sight *is, struct cdp_err *err)
{
	struct segment_whole *o = w->whole;

	if (segment_line_read(&o->new, line->raw, line->len, rec, err) < 0 ||
	    segment_follow_sight(w, rec, is, err) < 0)
		return -1;
	set_key(o, is->key->p, is->key->n);
	return segment_whole_row(w, &o->rows->now, err) < 0 ||
			       segment_whole_profile(w, err) < 0
		       ? -1
		       : 0;
}

static int keep_profile(struct segment_whole *o, const struct cdp_rec *line,
			struct cdp_err *err)
{
	if (!o->known && keep_row(o, err) < 0)
		return -1;
	return cdp_livekeep_put(o->keep, CDP_LIVE_PROFILES, o->key, o->key_n, line->raw,
				line->len, err);
}

static int profile_comes(struct segment_following *w, const struct cdp_rec *line,
			 struct cdp_emit *emit, struct cdp_err *err)
{
	struct segment_whole *o = w->whole;
	struct cdp_rec rec = { 0 };
	struct segment_sight is;

	if (see_profile(w, line, &rec, &is, err) < 0)
		return -1;
	if (is.as_of != SEGMENT_NO_TIME && is.as_of < o->as_of) {
		w->stale++;
		return 0;
	}
	if (!is.there && read_blank(w, &o->new, &rec, err) < 0)
		return -1;
	if (segment_whole_decide(w, o->profiled || o->was.gathered ? &o->profile : NULL,
				 is.there || o->is.gathered ? &rec : NULL, is.as_of,
				 &emit->out, &emit->counts.out, err) < 0 ||
	    keep_profile(o, line, err) < 0)
		return -1;
	return segment_cuts_others(w, is.as_of, &emit->out, &emit->counts.out, err);
}

/* ---- all other records ---- */

static void heard(void *ctx, const char *key, size_t n)
{
	set_key(ctx, key, n);
}

static void begin_gathering(struct segment_whole *o)
{
	o->t->customers = cdp_liverows_fresh(o->rows);
	o->worker = o->job.worker(o->t);
	o->gathered = 0;
}

static void end_gathering(struct segment_whole *o)
{
	struct cdp_err ignored;

	if (o->worker)
		o->job.merge(o->t, o->worker, &ignored);
	o->worker = NULL;
	o->t->customers = NULL;
}

/* 1 and the customer's key: something of it was gathered; 0: of nobody. */
static int gather(struct segment_whole *o, struct cdp_rec *rec, struct cdp_emit *emit,
		  struct cdp_err *err)
{
	int rc;

	if (++o->gathered > RENEW) {
		end_gathering(o);
		begin_gathering(o);
	}
	o->key_n = 0;
	if (o->ties && cdp_val_is(cdp_rec_get(rec, CDP_SLOT_TYPE), "relation", 8)) {
		rc = segment_ties_gather(o->ties, rec, o->t->customers, err);
		if (rc > 0)
			o->key = segment_ties_key(o->ties, &o->key_n);
		return rc;
	}
	rc = o->job.record(o->worker, rec, emit, err);
	o->job.settle(o->worker, emit);
	cdp_tag_reading_share(o->worker);
	return rc < 0 ? -1 : o->key_n > 0;
}

static void touched(void *ctx, uint32_t ask)
{
	struct segment_whole *o = ctx;

	CDP_GROW(o->asks, o->ask_count, o->ask_cap);
	o->asks[o->ask_count++] = ask;
}

static int take(struct segment_following *w, struct cdp_rec *rec, struct cdp_err *err)
{
	struct segment_whole *o = w->whole;
	struct cdp_err ignored;
	int64_t ms = 0;

	if (cdp_rec_get(rec, CDP_SLOT_EVENT)->type == CDP_STRING)
		cdp_rec_time_ms(rec, &ms, &ignored);
	o->ask_count = 0;
	return cdp_liverow_take(&o->is, o->rows, o->key, o->key_n, ms, touched, o, err);
}

static bool is_profile(struct cdp_rec *rec)
{
	return cdp_rec_get(rec, CDP_SLOT_EVENT)->type != CDP_STRING &&
	       cdp_rec_get(rec, CDP_SLOT_TYPE)->type == CDP_MISSING;
}

/* What the record added may be of no consequence: then nothing else is looked at. */
static int other_comes(struct segment_following *w, struct cdp_rec *rec,
		       struct cdp_emit *emit, struct cdp_err *err)
{
	struct segment_whole *o = w->whole;
	bool differ;
	int rc = gather(o, rec, emit, err);

	if (rc <= 0)
		return rc;
	if (segment_whole_row(w, &o->rows->now, err) < 0 || take(w, rec, err) < 0)
		return -1;
	if (o->was.gathered && o->ask_count == 0)
		return 0;
	cdp_live_begin(w->live, o->key, o->key_n);
	if (cdp_live_rows(w->live, &o->was, &o->is, err) < 0)
		return -1;
	differ = cdp_live_may_differ(w->live, o->asks, o->ask_count) ||
		 (o->cuts && cdp_livecuts_ask(o->cuts, o->asks, o->ask_count));
	if (o->was.gathered && !differ)
		return keep_row(o, err);
	if (segment_whole_profile(w, err) < 0 ||
	    segment_whole_decide(w, o->profiled || o->was.gathered ? &o->profile : NULL,
				 &o->profile, SEGMENT_NO_TIME, &emit->out,
				 &emit->counts.out, err) < 0 ||
	    keep_row(o, err) < 0)
		return -1;
	return segment_cuts_others(w, SEGMENT_NO_TIME, &emit->out, &emit->counts.out,
				   err);
}

int segment_whole_record(struct segment_following *w, struct cdp_rec *rec,
			 struct cdp_emit *emit, struct cdp_err *err)
{
	struct cdp_err ignored;
	int64_t ms;

	if (is_profile(rec))
		return profile_comes(w, rec, emit, err);
	if (cdp_rec_get(rec, CDP_SLOT_EVENT)->type == CDP_STRING &&
	    cdp_rec_time_ms(rec, &ms, &ignored) == 0 &&
	    segment_days_event(w, ms, emit, err) < 0)
		return -1;
	return other_comes(w, rec, emit, err);
}

/* ---- the start ---- */

static int profile_was(struct segment_following *w, const struct cdp_rec *line,
		       struct cdp_err *err)
{
	struct segment_whole *o = w->whole;
	struct cdp_rec rec = { 0 };
	struct segment_sight is;

	if (see_profile(w, line, &rec, &is, err) < 0)
		return -1;
	if (o->as_of > is.as_of ||
	    (w->store && o->as_of == is.as_of && o->as_of != SEGMENT_NO_TIME))
		return 0;
	return keep_profile(o, line, err);
}

static int record_was(void *ctx, struct cdp_rec *rec, struct cdp_emit *emit,
		      struct cdp_err *err)
{
	struct segment_following *w = ctx;
	struct segment_whole *o = w->whole;
	int rc;

	if (is_profile(rec))
		return profile_was(w, rec, err);
	if (o->kept.begun && !o->kept.fills)
		return 0;
	rc = gather(o, rec, emit, err);
	if (rc <= 0)
		return rc;
	if (segment_whole_row(w, &o->rows->now, err) < 0 || take(w, rec, err) < 0)
		return -1;
	return o->known && o->was.gathered && o->ask_count == 0 ? 0 : keep_row(o, err);
}

/* In one step with what says that it is there: events would be counted twice. */
static int read_start(struct segment_following *w)
{
	const struct cdp_job loop = { .ctx = w,
				      .paths = w->f->reading->paths,
				      .record = record_was,
				      .serial = true };
	char *path[] = { (char *)w->f->profiles, NULL };

	return w->f->profiles && cdp_cli_run_files(w->cli, &loop, path) < 0 ? 1 : 0;
}

int segment_whole_start(struct segment_following *w, struct cdp_err *err)
{
	struct segment_whole *o = w->whole;
	int64_t base =
		segment_days_end(&w->cli->opt.run, w->cli->opt.run.as_of, !o->by_clock);
	int64_t before = o->kept.base_ms;
	int rc;

	segment_days_set(w, before == INT64_MIN ? base : before);
	cdp_live_turn(w->live, false);
	begin_gathering(o);
	cdp_liverows_fill(o->rows, o->kept.fills);
	rc = read_start(w);
	if (rc != 0)
		return rc;
	cdp_liverows_fill(o->rows, false);
	o->kept.fills = false;
	o->kept.begun = true;
	if (cdp_livekeep_know(o->keep, &o->kept, err) < 0)
		return -1;
	if (w->store && cdp_livestore_commit(w->store, err) < 0)
		return -1;
	if (o->cuts && segment_cuts_rank_all(w, err) < 0)
		return -1;
	segment_cuts_ranked(w);
	if (base <= o->kept.base_ms)
		return 0;
	return segment_days_turn(w, base, err) < 0 ||
			       (!w->held && segment_follow_keep(w, err) < 0)
		       ? -1
		       : 0;
}

/* ---- beginning and end ---- */

/* What rules ask for is all there, though not yet bound to a base time. */
static int begin_reading(struct segment_following *w, struct cdp_err *err)
{
	const struct cdp_segment_follow *f = w->f;
	struct segment_whole *o = w->whole;
	struct cdp_tag_reading *t = o->t = f->reading;
	int own;

	t->set->links = true; /* rules of a later run may ask for them */
	if (cdp_segment_gather_bind(t, err) < 0)
		return -1;
	own = t->set->own ? (int)t->set->own_table : -1;
	cdp_cli_check_entities(w->cli, t->set->entities, f->entities, own);
	if (cdp_cli_read_entities(w->cli, t->set->entities, f->entities, own, NULL) < 0)
		return 1;
	o->job = cdp_tag_reading_job(t);
	t->heard = heard;
	t->heard_ctx = o;
	if (cdp_intern_count(t->set->relations) == 0)
		return 0;
	o->ties = segment_ties_new(t);
	return segment_ties_read_map(o->ties, w->cli, f->map);
}

int segment_whole_begin(struct segment_following *w, const uint64_t *wanted,
			struct cdp_err *err)
{
	struct segment_whole *o = w->whole = cdp_calloc(1, sizeof(*o));
	int rc;

	o->by_clock = !w->cli->opt.as_of_given;
	cdp_buf_init(&o->name, CDP_BUF_NOMAX);
	cdp_buf_init(&o->bytes, CDP_BUF_NOMAX);
	cdp_buf_init(&o->blank, CDP_BUF_NOMAX);
	cdp_buf_init(&o->out, CDP_BUF_NOMAX);
	cdp_liverow_init(&o->was);
	cdp_liverow_init(&o->is);
	segment_line_init(&o->new, w->f->paths);
	o->keep = cdp_livekeep_new(w->store);
	rc = begin_reading(w, err);
	if (rc != 0)
		return rc;
	o->rows = cdp_liverows_new(o->t->set, w->cli->opt.run.zone);
	o->kept.fills = w->f->fills;
	if (cdp_livekeep_begin(o->keep, o->rows, w->f->dir, &o->kept, err) < 0)
		return -1;
	cdp_live_gather(w->live, o->rows);
	segment_cuts_begin(w, wanted);
	return 0;
}

void segment_whole_end(struct segment_following *w)
{
	struct segment_whole *o = w->whole;

	if (!o)
		return;
	end_gathering(o);
	cdp_cli_stat(w->cli, "days", o->days);
	cdp_cli_stat(w->cli, "no_key", o->t->no_key);
	cdp_cli_stat(w->cli, "other", o->t->other);
	segment_ties_free(o->ties);
	cdp_livekeep_free(o->keep);
	cdp_liverow_release(&o->was);
	cdp_liverow_release(&o->is);
	segment_line_release(&o->new);
	cdp_buf_release(&o->name);
	cdp_buf_release(&o->bytes);
	cdp_buf_release(&o->blank);
	cdp_buf_release(&o->out);
	segment_cuts_end(o);
	free(o->asks);
}

/* Of what the rules' evaluators asked to their end. */
void segment_whole_free(struct segment_following *w)
{
	if (w->whole)
		cdp_liverows_free(w->whole->rows);
	free(w->whole);
}
