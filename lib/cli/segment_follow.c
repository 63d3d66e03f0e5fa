#include "cli/segment_follow.h"

#include "base/hash.h"
#include "base/mem.h"
#include "model/live.h"
#include "model/livepeople.h"
#include "model/livestore.h"
#include "record/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of profiles that are kept no later than this. */
#define PENDING_MAX ((size_t)16 << 20)
#define NO_TIME INT64_MIN

struct follow {
	struct cdp_cli *cli;
	const struct cdp_segment_follow *f;
	struct cdp_live *live;
	int as_of_slot, deleted_slot;
	char as_of[CDP_TIME_CANON]; /* of the run */
	bool held;                  /* the output is in its place at the end alone */
	bool block_over; /* the lines of all profiles so far are on their way */
	uint64_t stale, entered, left;
	struct cdp_buf names;      /* of audiences, as JSON */
	size_t *name_at;           /* by audience, and where the last one ends */
	struct cdp_livefeed now;   /* `lines`: of all blocks before */
	struct cdp_livefeed known; /* of the feed, in earlier runs */
	/* What there was, in memory: */
	struct cdp_livepeople *people;
	uint32_t *classes;
	/* or in a store: */
	struct cdp_livestore *store;
	struct cdp_scan *scan;
	struct cdp_buf line;
};

/* A profile, or that there is none any more. */
struct sight {
	const struct cdp_val *key;
	bool there;
	int64_t as_of; /* milliseconds, or NO_TIME */
};

/* ---- reading ---- */

static int read_as_of(const struct cdp_val *v, int64_t *ms, struct cdp_err *err)
{
	struct cdp_time t;

	*ms = NO_TIME;
	if (v->type == CDP_MISSING || v->type == CDP_NULL)
		return 0;
	if (v->type == CDP_STRING)
		*ms = cdp_time_canon_ms(v->p, v->n);
	if (*ms != NO_TIME)
		return 0;
	if (v->type != CDP_STRING || cdp_time_parse(&t, v->p, v->n, err) < 0)
		return cdp_err_set(err, CDP_ERR_DATA, "not a profile: as_of is no time");
	*ms = cdp_time_ms(t);
	return 0;
}

static int read_sight(const struct follow *w, struct cdp_rec *rec, struct sight *s,
		      struct cdp_err *err)
{
	s->key = cdp_rec_get(rec, CDP_SLOT_ONE_ID);
	if (s->key->type != CDP_STRING || s->key->escaped || s->key->n == 0)
		return cdp_err_set(err, CDP_ERR_DATA, "not a profile: no one_id");
	s->there = cdp_rec_get(rec, w->deleted_slot)->type != CDP_TRUE;
	if (s->there && cdp_rec_get(rec, w->f->tags_slot)->type != CDP_OBJECT)
		return cdp_err_set(err, CDP_ERR_DATA, "not a profile: no tags");
	return read_as_of(cdp_rec_get(rec, w->as_of_slot), &s->as_of, err);
}

/* ---- what there was ---- */

/* In the store, as it came. */
static int find_line(struct follow *w, const struct cdp_val *key, struct sight *was,
		     struct cdp_rec *rec, struct cdp_err *err)
{
	const char *line;
	size_t n;
	int rc = cdp_livestore_get(w->store, key->p, key->n, &line, &n, err);

	if (rc <= 0)
		return rc;
	cdp_buf_reset(&w->line);
	cdp_buf_add(&w->line, line, n);
	cdp_buf_addc(&w->line, '\n');
	if (cdp_buf_reserve(&w->line, CDP_IN_PAD) < 0)
		cdp_mem_exhausted();
	memset(w->line.p + w->line.n, 0, CDP_IN_PAD);
	cdp_scan_block(w->scan, w->line.p, w->line.n);
	if (cdp_scan_next(w->scan, rec, err) <= 0 || read_sight(w, rec, was, err) < 0)
		return cdp_err_set(err, CDP_ERR_SYS,
				   "'%s': damaged: the profile of '%.*s'", w->f->dir,
				   (int)key->n, key->p);
	return 1;
}

/* 1 and what it was, which is the last one's from now on; 0: not known. */
static int find(struct follow *w, const struct cdp_val *key, struct sight *was,
		struct cdp_err *err)
{
	struct cdp_liveperson who = { .classes = w->classes };
	struct cdp_rec rec = { 0 };
	int rc;

	if (w->store) {
		rc = find_line(w, key, was, &rec, err);
		if (rc > 0 && was->there)
			cdp_live_was(w->live, &rec);
		return rc;
	}
	if (!cdp_livepeople_get(w->people, key->p, key->n, &who))
		return 0;
	was->there = who.there;
	was->as_of = who.as_of;
	if (who.there)
		cdp_live_was_classes(w->live, who.classes);
	return 1;
}

static int keep(struct follow *w, const struct cdp_rec *rec, const struct sight *is,
		struct cdp_err *err)
{
	struct cdp_liveperson who = { is->as_of, is->there, w->classes };
	const struct cdp_val *key = is->key;

	if (w->store)
		return cdp_livestore_put(w->store, key->p, key->n, rec->raw, rec->len,
					 err);
	if (who.there)
		memcpy(w->classes, cdp_live_classes(w->live),
		       cdp_live_columns(w->live) * sizeof(*w->classes));
	cdp_livepeople_put(w->people, key->p, key->n, &who);
	return 0;
}

/* ---- the profiles of the start ---- */

/* They are what there was; what is known of later, or is in the store of the same time,
 * stays. */
static int start(void *ctx, struct cdp_rec *rec, struct cdp_emit *emit,
		 struct cdp_err *err)
{
	struct follow *w = ctx;
	struct sight is, was;
	int rc;

	(void)emit;
	if (read_sight(w, rec, &is, err) < 0)
		return -1;
	cdp_live_begin(w->live, is.key->p, is.key->n);
	rc = find(w, is.key, &was, err);
	if (rc < 0)
		return -1;
	if (rc > 0 && (was.as_of > is.as_of || (w->store && was.as_of == is.as_of)))
		return 0;
	if (is.there && !w->store)
		cdp_live_is(w->live, rec);
	return keep(w, rec, &is, err);
}

static int keep_some(void *ctx, struct cdp_emit *emit, struct cdp_err *err)
{
	struct follow *w = ctx;

	(void)emit;
	if (!w->store || cdp_livestore_pending(w->store) < PENDING_MAX)
		return 0;
	return cdp_livestore_commit(w->store, err);
}

static int read_start(struct follow *w, struct cdp_err *err)
{
	const struct cdp_job loop = { .ctx = w,
				      .paths = w->f->paths,
				      .record = start,
				      .commit = keep_some,
				      .serial = true };
	char *path[] = { (char *)w->f->profiles, NULL };

	if (cdp_cli_run_files(w->cli, &loop, path) < 0)
		return 1;
	return w->store ? cdp_livestore_commit(w->store, err) : 0;
}

/* ---- the profiles that come ---- */

static void write_changes(struct follow *w, const struct sight *is,
			  const struct cdp_live_change *v, size_t n,
			  struct cdp_emit *emit)
{
	struct cdp_buf *b = &emit->out;
	char as_of[CDP_TIME_CANON];

	memcpy(as_of, w->as_of, sizeof(as_of));
	if (is->as_of != NO_TIME)
		cdp_time_format(as_of, cdp_time_from_ms(is->as_of));
	for (size_t i = 0; i < n; i++) {
		const size_t *name = &w->name_at[v[i].set];

		cdp_buf_adds(b, "{\"one_id\":");
		cdp_json_str(b, is->key->p, is->key->n);
		cdp_json_key(b, "segment");
		cdp_buf_add(b, w->names.p + name[0], name[1] - name[0]);
		cdp_json_key(b, "as_of");
		cdp_json_str(b, as_of, sizeof(as_of));
		cdp_json_key(b, "change");
		cdp_json_cstr(b, v[i].entered ? "entered" : "left");
		cdp_buf_addc(b, '}');
		cdp_emit_line(emit);
		*(v[i].entered ? &w->entered : &w->left) += 1;
	}
}

/* What was written has left: it need not be told again. */
static int keep_all(struct follow *w, struct cdp_err *err)
{
	if (!w->store || cdp_livestore_pending(w->store) == 0)
		return 0;
	if (w->f->feed && cdp_livestore_set_feed(w->store, w->f->feed, &w->now, err) < 0)
		return -1;
	return cdp_livestore_commit(w->store, err);
}

static int flushed(void *ctx, struct cdp_err *err)
{
	struct follow *w = ctx;

	return w->held ? 0 : keep_all(w, err);
}

/* Between two blocks, where the input never waits.  There is one thread. */
static int keep_up(struct follow *w, struct cdp_err *err)
{
	if (!w->block_over || !w->store || w->held ||
	    cdp_livestore_pending(w->store) < PENDING_MAX)
		return 0;
	if (cdp_cli_flush(w->cli) < 0)
		return cdp_err_set(err, CDP_ERR_SYS, "the output cannot be written");
	return keep_all(w, err);
}

static int not_the_feed(const struct follow *w, struct cdp_err *err)
{
	return cdp_err_set(err, CDP_ERR_USAGE,
			   "--feed: of '%s' %" PRIu64 " lines were dealt with, and these "
			   "are others",
			   w->f->feed, w->known.lines);
}

/* A line that was dealt with before; the last of them must be what it was. */
static int pass_over(struct follow *w, const struct cdp_rec *rec, struct cdp_err *err)
{
	if (w->now.lines + rec->line == w->known.line &&
	    cdp_hash_stable(rec->raw, rec->len, 0) != w->known.hash)
		return not_the_feed(w, err);
	return 0;
}

static int follow(void *ctx, struct cdp_rec *rec, struct cdp_emit *emit,
		  struct cdp_err *err)
{
	struct follow *w = ctx;
	const struct cdp_live_change *v;
	struct sight is, was;
	size_t n;
	int rc;

	if (w->now.lines + rec->line <= w->known.lines)
		return pass_over(w, rec, err);
	if (keep_up(w, err) < 0 || read_sight(w, rec, &is, err) < 0)
		return -1;
	w->block_over = false;
	cdp_live_begin(w->live, is.key->p, is.key->n);
	rc = find(w, is.key, &was, err);
	if (rc < 0)
		return -1;
	if (rc > 0 && is.as_of != NO_TIME && is.as_of < was.as_of) {
		w->stale++;
		return 0;
	}
	if (is.there)
		cdp_live_is(w->live, rec);
	if (w->f->feed) {
		w->now.line = w->now.lines + rec->line;
		w->now.hash = cdp_hash_stable(rec->raw, rec->len, 0);
	}
	n = cdp_live_decide(w->live, &v);
	if (keep(w, rec, &is, err) < 0)
		return -1;
	write_changes(w, &is, v, n, emit);
	return 0;
}

static int end_block(void *ctx, struct cdp_emit *emit, struct cdp_err *err)
{
	struct follow *w = ctx;

	(void)err;
	w->block_over = true;
	w->now.lines += cdp_emit_lines(emit);
	return 0;
}

static int read_changes(struct follow *w, struct cdp_err *err)
{
	const struct cdp_job loop = { .ctx = w,
				      .paths = w->f->paths,
				      .record = follow,
				      .commit = end_block,
				      .flushed = flushed,
				      .serial = true };

	if (w->f->feed && cdp_livestore_feed(w->store, w->f->feed, &w->known, err) < 0)
		return -1;
	if (cdp_cli_run(w->cli, &loop) < 0)
		return 1;
	if (w->now.lines < w->known.lines)
		return not_the_feed(w, err);
	return cdp_cli_close_out(w->cli) < 0 ? 1 : keep_all(w, err);
}

/* ---- the audiences ---- */

/* Why one is not followed. */
enum { FOLLOWED, BY_RANK, BY_EVENTS };
static const char *const reasons[] = {
	[BY_RANK] = "it is cut by rank, or refers to one that is",
	[BY_EVENTS] = "it asks for more than profiles, or refers to one that does"
};

static void note_entity(void *ctx, enum cdp_use what, int number)
{
	(void)number;
	*(bool *)ctx |= what == CDP_USE_ENTITY;
}

/* By node: whether it asks for what stands in no profile. */
static bool *find_asking(const struct cdp_rules *r)
{
	bool *asks = cdp_calloc((size_t)r->count + 1, sizeof(*asks));

	for (uint32_t i = 0; i < r->count; i++) {
		const struct cdp_rule *n = &r->v[i];
		const uint32_t *kids = cdp_rule_kids(r, n);

		if (n->kind == CDP_RULE_LEAF) {
			asks[i] = r->leaves[kids[0]].asks.n > 0;
			cdp_expr_uses(r->leaves[kids[0]].expr, note_entity, &asks[i]);
		}
		for (uint32_t k = 0; n->kind > CDP_RULE_SET && k < n->count; k++)
			asks[i] |= asks[kids[k]];
	}
	return asks;
}

/* By audience. */
static uint8_t *find_reasons(const struct cdp_segments *s)
{
	uint8_t *why = cdp_calloc((size_t)s->count + 1, sizeof(*why));
	bool *asks = find_asking(s->rules);

	for (unsigned i = 0; i < s->count; i++) {
		unsigned at = s->order[i];
		const struct cdp_segment *g = &s->v[at];

		if (g->cut > CDP_CUT_SAMPLE)
			why[at] = BY_RANK;
		else if (g->rule != CDP_RULE_GIVEN && asks[g->rule])
			why[at] = BY_EVENTS;
		for (size_t k = 0; k < g->needs.n && !why[at]; k++)
			why[at] = why[g->needs.v[k]];
	}
	free(asks);
	return why;
}

/* Leaves those of `wanted` that a profile alone decides. */
static int leave_others(struct cdp_cli *cli, const struct cdp_segment_follow *f,
			uint64_t *wanted, struct cdp_err *err)
{
	enum { SHOWN = 10 };
	uint8_t *why = find_reasons(f->set);
	unsigned n = 0;
	int rc = 0;

	for (unsigned i = 0; i < f->set->defined && rc == 0; i++) {
		const char *name = f->set->v[i].name;

		if (!cdp_bit(wanted, i) || !why[i])
			continue;
		if (f->chosen)
			rc = cdp_err_set(err, CDP_ERR_USAGE,
					 "--follow: audience '%s': %s", name,
					 reasons[why[i]]);
		wanted[i / 64] &= ~((uint64_t)1 << i % 64);
		if (rc == 0 && n++ < SHOWN)
			cdp_cli_note(cli, "audience '%s' is not followed: %s", name,
				     reasons[why[i]]);
	}
	if (n > SHOWN)
		cdp_cli_note(cli, "nor are %u other audiences", n - SHOWN);
	free(why);
	return rc;
}

static void tell(struct follow *w)
{
	cdp_cli_stat(w->cli, "entered", w->entered);
	cdp_cli_stat(w->cli, "left", w->left);
	cdp_cli_stat(w->cli, "stale", w->stale);
}

static void write_names(struct follow *w)
{
	const struct cdp_segments *s = w->f->set;

	w->name_at = cdp_calloc((size_t)s->defined + 1, sizeof(*w->name_at));
	cdp_buf_init(&w->names, CDP_BUF_NOMAX);
	for (unsigned i = 0; i < s->defined; i++) {
		cdp_json_cstr(&w->names, s->v[i].name);
		w->name_at[i + 1] = w->names.n;
	}
}

static int begin(struct follow *w, const uint64_t *wanted, struct cdp_err *err)
{
	const struct cdp_segment_follow *f = w->f;
	const char *output = w->cli->opt.output;

	w->held = output && strcmp(output, "-") != 0;
	w->as_of_slot = cdp_paths_add(f->paths, "as_of", 5, err);
	w->deleted_slot = cdp_paths_add(f->paths, "deleted", 7, err);
	w->live = cdp_live_new(f->set, wanted, f->given, &w->cli->opt.run);
	w->classes =
		cdp_calloc((size_t)cdp_live_columns(w->live) + 1, sizeof(*w->classes));
	cdp_buf_init(&w->line, CDP_BUF_NOMAX);
	write_names(w);
	if (!f->dir) {
		w->people = cdp_livepeople_new(cdp_live_columns(w->live));
		return 0;
	}
	w->scan = cdp_scan_new(f->paths);
	w->store = cdp_livestore_open(f->dir, err);
	return w->store ? 0 : -1;
}

static void release(struct follow *w)
{
	cdp_live_free(w->live);
	cdp_livepeople_free(w->people);
	cdp_livestore_close(w->store);
	cdp_scan_free(w->scan);
	cdp_buf_release(&w->line);
	cdp_buf_release(&w->names);
	free(w->name_at);
	free(w->classes);
}

static int run(struct follow *w, const uint64_t *wanted, struct cdp_err *err)
{
	int rc = begin(w, wanted, err);

	if (rc == 0 && w->f->profiles)
		rc = read_start(w, err);
	if (rc == 0) {
		rc = read_changes(w, err);
		tell(w);
	}
	release(w);
	return rc;
}

int cdp_segment_follow(struct cdp_cli *cli, const struct cdp_segment_follow *f,
		       struct cdp_err *err)
{
	struct follow w = { .cli = cli, .f = f };
	uint64_t *wanted =
		cdp_memdup(f->wanted, cdp_bit_words(f->set->count) * sizeof(*wanted));
	int rc = leave_others(cli, f, wanted, err);

	cdp_time_format(w.as_of, cli->opt.run.as_of);
	if (rc == 0)
		rc = run(&w, wanted, err);
	free(wanted);
	return rc < 0 ? -1 : 0;
}
