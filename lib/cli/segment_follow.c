#include "cli/segment_follow_priv.h"

#include "base/hash.h"
#include "base/mem.h"
#include "model/livekeep.h"
#include "record/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of profiles that are kept no later than this. */
#define PENDING_MAX ((size_t)16 << 20)
/* ---- reading ---- */

static int read_as_of(const struct cdp_val *v, int64_t *ms, struct cdp_err *err)
{
	struct cdp_time t;

	*ms = SEGMENT_NO_TIME;
	if (v->type == CDP_MISSING || v->type == CDP_NULL)
		return 0;
	if (v->type == CDP_STRING)
		*ms = cdp_time_canon_ms(v->p, v->n);
	if (*ms != SEGMENT_NO_TIME)
		return 0;
	if (v->type != CDP_STRING || cdp_time_parse(&t, v->p, v->n, err) < 0)
		return cdp_err_set(err, CDP_ERR_DATA, "not a profile: as_of is no time");
	*ms = cdp_time_ms(t);
	return 0;
}

int segment_follow_sight(const struct segment_following *w, struct cdp_rec *rec,
			 struct segment_sight *s, struct cdp_err *err)
{
	s->key = cdp_rec_get(rec, CDP_SLOT_ONE_ID);
	if (s->key->type != CDP_STRING || s->key->escaped || s->key->n == 0)
		return cdp_err_set(err, CDP_ERR_DATA, "not a profile: no %s",
				   cdp_paths_key(w->f->paths));
	s->there = cdp_rec_get(rec, w->deleted_slot)->type != CDP_TRUE;
	if (s->there && cdp_rec_get(rec, w->f->tags_slot)->type != CDP_OBJECT)
		return cdp_err_set(err, CDP_ERR_DATA, "not a profile: no tags");
	return read_as_of(cdp_rec_get(rec, w->as_of_slot), &s->as_of, err);
}

/* ---- what there was ---- */

void segment_line_init(struct segment_line *l, const struct cdp_paths *paths)
{
	l->scan = cdp_scan_new(paths);
	cdp_buf_init(&l->text, CDP_BUF_NOMAX);
}

void segment_line_release(struct segment_line *l)
{
	cdp_scan_free(l->scan);
	cdp_buf_release(&l->text);
}

int segment_line_read(struct segment_line *l, const char *line, size_t n,
		      struct cdp_rec *rec, struct cdp_err *err)
{
	cdp_buf_reset(&l->text);
	cdp_buf_add(&l->text, line, n);
	cdp_buf_addc(&l->text, '\n');
	if (cdp_buf_reserve(&l->text, CDP_IN_PAD) < 0)
		cdp_mem_exhausted();
	memset(l->text.p + l->text.n, 0, CDP_IN_PAD);
	cdp_scan_block(l->scan, l->text.p, l->text.n);
	return cdp_scan_next(l->scan, rec, err) > 0 ? 0 : -1;
}

/* In the store, as it came. */
static int find_line(struct segment_following *w, const struct cdp_val *key,
		     struct segment_sight *was, struct cdp_rec *rec, struct cdp_err *err)
{
	const char *line;
	size_t n;
	int rc = cdp_livestore_get(w->store, key->p, key->n, &line, &n, err);

	if (rc <= 0)
		return rc;
	if (segment_line_read(&w->line, line, n, rec, err) < 0 ||
	    segment_follow_sight(w, rec, was, err) < 0)
		return cdp_err_set(err, CDP_ERR_SYS,
				   "'%s': damaged: the profile of '%.*s'", w->f->dir,
				   (int)key->n, key->p);
	return 1;
}

/* 1 and what it was, which is the last one's from now on; 0: not known. */
static int find(struct segment_following *w, const struct cdp_val *key,
		struct segment_sight *was, struct cdp_err *err)
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

static int keep(struct segment_following *w, const struct cdp_rec *rec,
		const struct segment_sight *is, struct cdp_err *err)
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
	struct segment_following *w = ctx;
	struct segment_sight is, was;
	int rc;

	(void)emit;
	if (segment_follow_sight(w, rec, &is, err) < 0)
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
	struct segment_following *w = ctx;

	(void)emit;
	if (!w->store || cdp_livestore_pending(w->store) < PENDING_MAX)
		return 0;
	return cdp_livestore_commit(w->store, err);
}

static int read_start(struct segment_following *w, struct cdp_err *err)
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

size_t segment_follow_write(struct segment_following *w, const char *key, size_t n,
			    int64_t as_of, const struct cdp_live_change *v, size_t count,
			    struct cdp_buf *b)
{
	char text[CDP_TIME_CANON];

	memcpy(text, w->as_of, sizeof(text));
	if (as_of != SEGMENT_NO_TIME)
		cdp_time_format(text, cdp_time_from_ms(as_of));
	for (size_t i = 0; i < count; i++) {
		const size_t *name = &w->name_at[v[i].set];

		cdp_buf_addc(b, '{');
		cdp_json_key(b, cdp_paths_key(w->f->paths));
		cdp_json_str(b, key, n);
		cdp_json_key(b, "segment");
		cdp_buf_add(b, w->names.p + name[0], name[1] - name[0]);
		cdp_json_key(b, "as_of");
		cdp_json_str(b, text, sizeof(text));
		cdp_json_key(b, "change");
		cdp_json_cstr(b, v[i].entered ? "entered" : "left");
		cdp_buf_adds(b, "}\n");
		*(v[i].entered ? &w->entered : &w->left) += 1;
	}
	return count;
}

/* What was written has left: it need not be told again. */
static int keep_all(struct segment_following *w, struct cdp_err *err)
{
	if (!w->store || cdp_livestore_pending(w->store) == 0)
		return 0;
	if (w->f->feed && cdp_livestore_set_feed(w->store, w->f->feed, &w->now, err) < 0)
		return -1;
	return cdp_livestore_commit(w->store, err);
}

int segment_follow_keep(struct segment_following *w, struct cdp_err *err)
{
	if (cdp_cli_flush(w->cli) < 0)
		return cdp_err_set(err, CDP_ERR_SYS, "the output cannot be written");
	return keep_all(w, err);
}

/* The day may have ended by the clock. */
static int turn_if_due(struct segment_following *w, struct cdp_err *err)
{
	if (!w->whole || !segment_whole_is_due(w))
		return 0;
	return segment_whole_turn(w, err) < 0 || segment_follow_keep(w, err) < 0 ? -1 : 0;
}

static int flushed(void *ctx, struct cdp_err *err)
{
	struct segment_following *w = ctx;

	if (w->held)
		return 0;
	return keep_all(w, err) < 0 || turn_if_due(w, err) < 0 ? -1 : 0;
}

static int wait_ms(void *ctx)
{
	const struct segment_following *w = ctx;

	return w->whole && !w->held ? segment_whole_wait_ms(w) : -1;
}

/* Between two blocks, where the input never waits.  There is one thread. */
static int keep_up(struct segment_following *w, struct cdp_err *err)
{
	bool due = w->whole && segment_whole_is_due(w);

	if (!w->block_over || w->held ||
	    (!due && (!w->store || cdp_livestore_pending(w->store) < PENDING_MAX)))
		return 0;
	return segment_follow_keep(w, err) < 0 || turn_if_due(w, err) < 0 ? -1 : 0;
}

static int not_the_feed(const struct segment_following *w, struct cdp_err *err)
{
	return cdp_err_set(err, CDP_ERR_USAGE,
			   "--feed: of '%s' %" PRIu64 " lines were dealt with, and these "
			   "are others",
			   w->f->feed, w->known.lines);
}

/* A line that was dealt with before; the last of them must be what it was. */
static int pass_over(struct segment_following *w, const struct cdp_rec *rec,
		     struct cdp_err *err)
{
	if (w->now.lines + rec->line == w->known.line &&
	    cdp_hash_stable(rec->raw, rec->len, 0) != w->known.hash)
		return not_the_feed(w, err);
	return 0;
}

static int follow_profile(struct segment_following *w, struct cdp_rec *rec,
			  struct cdp_emit *emit, struct cdp_err *err)
{
	const struct cdp_live_change *v;
	struct segment_sight is, was;
	size_t n;
	int rc;

	if (segment_follow_sight(w, rec, &is, err) < 0)
		return -1;
	cdp_live_begin(w->live, is.key->p, is.key->n);
	rc = find(w, is.key, &was, err);
	if (rc < 0)
		return -1;
	if (rc > 0 && is.as_of != SEGMENT_NO_TIME && is.as_of < was.as_of) {
		w->stale++;
		return 0;
	}
	if (is.there)
		cdp_live_is(w->live, rec);
	n = cdp_live_decide(w->live, &v);
	if (keep(w, rec, &is, err) < 0)
		return -1;
	emit->counts.out +=
		segment_follow_write(w, is.key->p, is.key->n, is.as_of, v, n, &emit->out);
	return 0;
}

static int follow(void *ctx, struct cdp_rec *rec, struct cdp_emit *emit,
		  struct cdp_err *err)
{
	struct segment_following *w = ctx;

	if (w->now.lines + rec->line <= w->known.lines)
		return pass_over(w, rec, err);
	if (keep_up(w, err) < 0)
		return -1;
	w->block_over = false;
	if ((w->whole ? segment_whole_record : follow_profile)(w, rec, emit, err) < 0)
		return -1;
	if (w->f->feed) {
		w->now.line = w->now.lines + rec->line;
		w->now.hash = cdp_hash_stable(rec->raw, rec->len, 0);
	}
	return 0;
}

static int end_block(void *ctx, struct cdp_emit *emit, struct cdp_err *err)
{
	struct segment_following *w = ctx;

	(void)err;
	w->block_over = true;
	w->now.lines += cdp_emit_lines(emit);
	return 0;
}

static int read_changes(struct segment_following *w, struct cdp_err *err)
{
	const struct cdp_job loop = { .ctx = w,
				      .paths = w->whole ? w->f->reading->paths
							: w->f->paths,
				      .record = follow,
				      .commit = end_block,
				      .flushed = flushed,
				      .wait_ms = wait_ms,
				      .serial = true };

	if (w->f->feed && cdp_livestore_feed(w->store, w->f->feed, &w->known, err) < 0)
		return -1;
	if (cdp_cli_run(w->cli, &loop) < 0)
		return 1;
	if (w->now.lines < w->known.lines)
		return not_the_feed(w, err);
	return cdp_cli_close_out(w->cli) < 0 ? 1 : keep_all(w, err);
}

static void tell(struct segment_following *w)
{
	cdp_cli_stat(w->cli, "entered", w->entered);
	cdp_cli_stat(w->cli, "left", w->left);
	cdp_cli_stat(w->cli, "stale", w->stale);
}

static void write_names(struct segment_following *w)
{
	const struct cdp_segments *s = w->f->set;

	w->name_at = cdp_calloc((size_t)s->defined + 1, sizeof(*w->name_at));
	cdp_buf_init(&w->names, CDP_BUF_NOMAX);
	for (unsigned i = 0; i < s->defined; i++) {
		cdp_json_cstr(&w->names, s->v[i].name);
		w->name_at[i + 1] = w->names.n;
	}
}

/* With the store, in which records that came are counted on, whoever asks for them. */
static int open_store(struct segment_following *w, bool *more, struct cdp_err *err)
{
	int rc;

	w->store = cdp_livestore_open(w->f->dir, cdp_paths_key(w->f->paths), err);
	if (!w->store)
		return -1;
	rc = cdp_livekeep_has_begun(w->store, err);
	*more |= rc > 0;
	return rc < 0 ? -1 : 0;
}

static int begin(struct segment_following *w, const uint64_t *wanted, bool *more,
		 struct cdp_err *err)
{
	const struct cdp_segment_follow *f = w->f;
	const char *output = w->cli->opt.output;

	w->held = output && strcmp(output, "-") != 0;
	w->as_of_slot = cdp_paths_add(f->paths, "as_of", 5, err);
	w->deleted_slot = cdp_paths_add(f->paths, "deleted", 7, err);
	w->live = cdp_live_new(f->set, wanted, f->given, &w->cli->opt.run);
	w->classes =
		cdp_calloc((size_t)cdp_live_columns(w->live) + 1, sizeof(*w->classes));
	segment_line_init(&w->line, f->paths);
	write_names(w);
	if (f->dir && open_store(w, more, err) < 0)
		return -1;
	if (*more)
		return segment_whole_begin(w, wanted, err);
	if (!f->dir)
		w->people = cdp_livepeople_new(cdp_live_columns(w->live));
	return 0;
}

static void release(struct segment_following *w)
{
	segment_whole_end(w);
	cdp_live_free(w->live);
	segment_whole_free(w);
	cdp_livepeople_free(w->people);
	cdp_livestore_close(w->store);
	segment_line_release(&w->line);
	cdp_buf_release(&w->names);
	free(w->name_at);
	free(w->classes);
}

static int run(struct segment_following *w, const uint64_t *wanted, bool more,
	       struct cdp_err *err)
{
	int rc = begin(w, wanted, &more, err);

	if (rc == 0 && more)
		rc = segment_whole_start(w, err);
	else if (rc == 0 && w->f->profiles)
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
	struct segment_following w = { .cli = cli, .f = f };
	uint64_t *wanted =
		cdp_memdup(f->wanted, cdp_bit_words(f->set->count) * sizeof(*wanted));
	bool more = false;
	int rc = segment_followed(cli, f, wanted, &more, err);

	cdp_time_format(w.as_of, cli->opt.run.as_of);
	if (rc == 0)
		rc = run(&w, wanted, more, err);
	free(wanted);
	return rc < 0 ? -1 : 0;
}
