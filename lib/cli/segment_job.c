#include "cli/segment_job.h"

#include "base/mem.h"
#include "model/segcut.h"

#include <stdlib.h>
#include <string.h>

/* Where the lines of a block of input stand, once it is committed. */
struct place {
	struct place *next;
	const char *name;
	uint64_t base;
	uint64_t seq;
};

/* The first profile, in order of input, for which a rule ended in an error. */
struct mishap {
	const struct place *place; /* NULL: none */
	uint64_t line;
	struct cdp_err err;
};

struct shared {
	struct cdp_cli *cli;
	struct cdp_segment_job *job;
	struct cdp_segment_plan plan;
	uint64_t *samples; /* audiences that are samples, as bits: close together */
	struct cdp_audience_part **parts;
	unsigned part_count, part_cap;
	struct cdp_segcut **cuts; /* by part */
	unsigned cut_count, cut_cap;
	struct mishap first;
	/* of commits */
	const char *name;
	uint64_t base, seq;
};

struct worker {
	struct shared *s;
	const struct cdp_bits_ops *ops;
	struct cdp_rule_block *block;
	struct cdp_audience_part *part;
	struct cdp_segcut *cut;
	uint64_t *sampled; /* scratch, a bit a row */
	uint32_t first;    /* row of the block's first */
	uint64_t *errors;
	uint64_t failed; /* rules that ended in an error, to be counted */
	uint64_t profiles;
	/* Until a rule ended in an error: the records of the block, and which had one. */
	struct mishap mishap;
	struct place *places;
	struct cdp_buf lines;
	struct kept {
		const struct place *place;
		uint64_t line;
		size_t at, n;
	} * kept;
	uint64_t *odd;
	struct cdp_eval *ev;
};

static void *new_worker(void *ctx)
{
	struct shared *s = ctx;
	struct worker *w = cdp_calloc(1, sizeof(*w));
	unsigned rows = cdp_rule_plan_rows(s->plan.plan);

	w->s = s;
	w->ops = cdp_bits_ops();
	w->block = cdp_rule_block_new(s->plan.plan, &s->cli->opt.run, s->job->paths);
	w->part = cdp_audience_part_new(s->job->set->count);
	w->cut = cdp_segcut_new(s->job->set);
	w->sampled = cdp_calloc(rows / 64, sizeof(*w->sampled));
	w->errors = cdp_calloc(s->job->set->count, sizeof(*w->errors));
	w->kept = cdp_alloc(rows * sizeof(*w->kept));
	w->odd = cdp_calloc(rows / 64, sizeof(*w->odd));
	w->ev = cdp_eval_new(&s->cli->opt.run);
	cdp_buf_init(&w->lines, CDP_BUF_NOMAX);
	return w;
}

/* --- the first error --- */

static void keep_line(struct worker *w, unsigned row, const struct cdp_rec *rec,
		      struct cdp_emit *emit)
{
	struct place *p = emit->user;

	if (!p) {
		p = emit->user = cdp_calloc(1, sizeof(*p));
		p->next = w->places;
		w->places = p;
	}
	w->kept[row] = (struct kept){ p, rec->line, w->lines.n, rec->len };
	cdp_buf_add(&w->lines, rec->raw, rec->len);
	cdp_buf_addc(&w->lines, '\n');
}

static const uint64_t *given_of(const struct worker *w, unsigned row)
{
	size_t n;
	const char *key = cdp_audience_part_key(w->part, w->first + row, &n);

	return cdp_members_get(w->s->job->given, key, n);
}

/* What the last rule to fail for a profile says, as if it were decided alone. */
static void explain_row(struct worker *w, unsigned row)
{
	const struct cdp_segments *set = w->s->job->set;
	const struct kept *k = &w->kept[row];
	const uint64_t *given = given_of(w, row);
	uint64_t *bits = cdp_calloc(cdp_bit_words(set->count), sizeof(*bits));
	uint64_t *errors = cdp_calloc(set->count, sizeof(*errors));
	struct cdp_scan *scan = cdp_scan_new(w->s->job->paths);
	struct cdp_rec rec = { 0 };
	struct cdp_err err;

	for (unsigned i = set->defined; given && i < set->count; i++)
		if (cdp_bit(given, i - set->defined))
			cdp_bit_set(bits, i);
	if (cdp_buf_reserve(&w->lines, CDP_IN_PAD) == 0)
		memset(w->lines.p + w->lines.n, 0, CDP_IN_PAD);
	cdp_scan_block(scan, w->lines.p + k->at, k->n);
	if (cdp_scan_next(scan, &rec, &err) > 0)
		cdp_segments_decide(set, w->ev, &rec, bits, errors, &err);
	w->mishap = (struct mishap){ k->place, k->line, err };
	cdp_scan_free(scan);
	free(bits);
	free(errors);
}

static void find_first(struct worker *w)
{
	unsigned words = cdp_rule_plan_rows(w->s->plan.plan) / 64;

	if (!w->mishap.place)
		for (unsigned i = 0; i < words; i++)
			if (w->odd[i]) {
				explain_row(
					w, i * 64 + (unsigned)__builtin_ctzll(w->odd[i]));
				break;
			}
	memset(w->odd, 0, words * sizeof(*w->odd));
	cdp_buf_reset(&w->lines);
}

static int commit(void *ctx, struct cdp_emit *emit, struct cdp_err *err)
{
	struct shared *s = ctx;
	struct place *p = emit->user;

	(void)err;
	if (s->name != cdp_emit_name(emit)) {
		s->name = cdp_emit_name(emit);
		s->base = 0;
	}
	if (p) {
		p->name = s->name;
		p->base = s->base;
		p->seq = s->seq;
	}
	s->seq++;
	s->base += cdp_emit_lines(emit);
	emit->user = NULL;
	return 0;
}

/* --- deciding --- */

/* Leaves those who are in the sample. */
static void sample(struct worker *w, const struct cdp_segment *g, struct cdp_rowset *rows)
{
	unsigned words = cdp_rule_plan_rows(w->s->plan.plan) / 64;
	uint64_t has = rows->has.t;

	memset(w->sampled, 0, words * sizeof(*w->sampled));
	for (rows->has.t = 0; has; has &= has - 1) {
		unsigned i = (unsigned)__builtin_ctzll(has);

		for (uint64_t x = rows->t[i]; x; x &= x - 1) {
			uint32_t row = w->first + i * 64 + (unsigned)__builtin_ctzll(x);
			size_t n;
			const char *key = cdp_audience_part_key(w->part, row, &n);

			if (cdp_segment_samples(g, key, n))
				w->sampled[i] |= x & -x;
		}
		rows->has.t |= (uint64_t)(w->sampled[i] != 0) << i;
	}
	rows->t = w->sampled;
}

static void each_set(void *ctx, uint32_t set, struct cdp_rowset *rows)
{
	struct worker *w = ctx;
	unsigned failed;

	for (uint64_t h = rows->has.e; h; h &= h - 1) {
		unsigned i = (unsigned)__builtin_ctzll(h);

		w->odd[i] |= rows->e[i];
	}
	if (rows->has.e) {
		failed = w->ops->count(rows->e, rows->has.e);
		w->errors[set] += failed;
		w->failed += failed;
	}
	if (cdp_bit(w->s->samples, set))
		sample(w, &w->s->job->set->v[set], rows);
	if (cdp_bit(w->s->job->wanted, set))
		cdp_audience_part_add(w->part, set, w->first, rows);
}

static void decide_block(struct worker *w)
{
	unsigned rows = cdp_rule_block_count(w->block);

	cdp_rule_block_decide(w->block, each_set, w);
	find_first(w);
	w->first += rows;
}

static int decide(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
		  struct cdp_err *err)
{
	struct worker *w = worker;
	const struct cdp_segment_job *job = w->s->job;
	const struct cdp_val *one_id = cdp_rec_get(rec, CDP_SLOT_ONE_ID);
	const uint64_t *given;
	unsigned row;

	if (one_id->type != CDP_STRING || one_id->escaped || one_id->n == 0)
		return cdp_err_set(err, CDP_ERR_DATA, "not a profile: no one_id");
	if (cdp_rec_get(rec, job->tags_slot)->type != CDP_OBJECT)
		return cdp_err_set(err, CDP_ERR_DATA, "not a profile: no tags");
	w->profiles++;
	cdp_audience_part_row(w->part, one_id->p, one_id->n);
	row = cdp_rule_block_add(w->block, rec);
	cdp_segcut_add(w->cut, rec, w->ev);
	given = given_of(w, row);
	for (unsigned i = job->set->defined; given && i < job->set->count; i++)
		if (cdp_bit(given, i - job->set->defined))
			cdp_rule_block_give(w->block, row, i);
	if (!w->mishap.place)
		keep_line(w, row, rec, emit);
	if (row + 1 == cdp_rule_plan_rows(w->s->plan.plan))
		decide_block(w);
	return 0;
}

static bool is_before(const struct mishap *a, const struct mishap *b)
{
	if (!a->place || !b->place)
		return a->place != NULL;
	return a->place->seq != b->place->seq ? a->place->seq < b->place->seq
					      : a->line < b->line;
}

static int merge_worker(void *ctx, void *worker, struct cdp_err *err)
{
	struct shared *s = ctx;
	struct worker *w = worker;

	(void)err;
	decide_block(w);
	CDP_GROW(s->parts, s->part_count, s->part_cap);
	s->parts[s->part_count++] = w->part;
	CDP_GROW(s->cuts, s->cut_count, s->cut_cap);
	s->cuts[s->cut_count++] = w->cut;
	for (unsigned i = 0; i < s->job->set->count; i++)
		s->job->errors[i] += w->errors[i];
	s->job->profiles += w->profiles;
	s->cli->counts.eval_errors += w->failed;
	if (is_before(&w->mishap, &s->first)) {
		free((void *)s->first.place);
		s->first = w->mishap;
		cdp_cli_eval_first(s->cli, w->mishap.place->name,
				   w->mishap.place->base + w->mishap.line,
				   &w->mishap.err);
	}
	for (struct place *p = w->places, *next; p; p = next) {
		next = p->next;
		if (p != s->first.place)
			free(p);
	}
	cdp_rule_block_free(w->block);
	cdp_eval_free(w->ev);
	cdp_buf_release(&w->lines);
	free(w->errors);
	free(w->sampled);
	free(w->kept);
	free(w->odd);
	free(w);
	return 0;
}

int cdp_segment_job_run(struct cdp_cli *cli, struct cdp_segment_job *job)
{
	struct shared s = { .cli = cli, .job = job };
	const struct cdp_job loop = { .ctx = &s,
				      .paths = job->paths,
				      .worker = new_worker,
				      .record = decide,
				      .commit = commit,
				      .merge = merge_worker };
	int ret;

	job->errors = cdp_calloc(job->set->count, sizeof(*job->errors));
	cdp_segment_plan_init(&s.plan, job->set, job->wanted);
	s.samples = cdp_calloc(cdp_bit_words(job->set->count), sizeof(*s.samples));
	for (unsigned i = 0; i < job->set->defined; i++)
		if (job->set->v[i].cut == CDP_CUT_SAMPLE)
			cdp_bit_set(s.samples, i);
	ret = cdp_cli_run(cli, &loop);
	cdp_segment_plan_release(&s.plan);
	free(s.samples);
	free((void *)s.first.place);
	if (ret == 0) {
		job->members = cdp_audiences_of(s.parts, s.part_count, job->more);
		cdp_segcut_all(job->members, job->set, job->wanted, s.cuts, s.cut_count);
	}
	for (unsigned i = 0; ret < 0 && i < s.part_count; i++)
		cdp_audience_part_free(s.parts[i]);
	for (unsigned i = 0; i < s.cut_count; i++)
		cdp_segcut_free(s.cuts[i]);
	free(s.cuts);
	free(s.parts);
	return ret;
}

void cdp_segment_job_release(struct cdp_segment_job *job)
{
	cdp_audiences_free(job->members);
	free(job->errors);
}
