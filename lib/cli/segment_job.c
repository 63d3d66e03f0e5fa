#include "cli/segment_job.h"

#include "base/mem.h"
#include "cli/ordered.h"
#include "io/in.h"
#include "model/segcut.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Where the lines of a block of input stand, once it is committed. */
struct place {
	struct place *next;
	const char *name;
	uint64_t base;
	uint64_t seq;
};

/* The first profile, in order of input, for which a rule ended in an error.  Of what was
 * gathered the first customer: by place from 1 on. */
struct mishap {
	const struct place *place; /* NULL: gathered */
	uint64_t line;             /* 0: none */
	struct cdp_err err;
};

struct shared {
	struct cdp_cli *cli;
	struct cdp_segment_job *job;
	struct cdp_segment_plan plan;
	const uint64_t *wanted; /* audiences whose members are kept */
	unsigned step;
	/* Who is in those that earlier steps have decided and this one needs: bit i is
	 * audience earlier_sets[i]. */
	struct cdp_members *earlier;
	uint32_t *earlier_sets, earlier_count;
	/* By place in the step, as bits: audiences that are samples, those that are kept.
	 */
	uint64_t *samples, *keeps;
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
	struct cdp_rule_block *block;
	struct cdp_rule_cost *cost; /* or NULL */
	struct cdp_audience_part *part;
	struct cdp_segcut *cut;
	struct cdp_known *known; /* of w->ev; or NULL */
	uint64_t *sampled;       /* scratch, a bit a row */
	uint32_t first;          /* row of the block's first */
	uint64_t *errors;        /* by place */
	uint64_t failed;         /* rules that ended in an error, to be counted */
	uint64_t profiles;
	/* Until a rule ended in an error: the records of the block, and which had one. */
	struct mishap mishap;
	struct place *places;
	struct cdp_buf lines;
	struct kept {
		const struct place *place;
		uint64_t line;
		size_t at, n;
		uint32_t customer;
	} * kept;
	uint64_t *odd;
	struct cdp_eval *ev;
	/* of what was gathered */
	struct cdp_scan *scan;
	struct cdp_buf no_profile;
};

static int fetch(void *host, int ref, struct cdp_value *out, struct cdp_err *err)
{
	struct worker *w = host;

	return cdp_known_fetch(w->known, ref, out, err);
}

static void *new_worker(void *ctx)
{
	struct shared *s = ctx;
	struct worker *w = cdp_calloc(1, sizeof(*w));
	unsigned rows = cdp_rule_plan_rows(s->plan.plan);

	w->s = s;
	w->block = cdp_rule_block_new(s->plan.plan, &s->cli->opt.run, s->job->paths);
	if (s->job->cost) {
		w->cost = cdp_rule_cost_new(s->job->set->rules, s->job->set->count);
		cdp_rule_block_charge(w->block, w->cost);
	}
	w->part = cdp_audience_part_new(s->job->set->count,
					cdp_rule_plan_places(s->plan.plan));
	w->cut = cdp_segcut_new(s->job->set);
	w->sampled = cdp_calloc(rows / 64, sizeof(*w->sampled));
	w->errors = cdp_calloc(s->job->set->count, sizeof(*w->errors));
	w->kept = cdp_alloc(rows * sizeof(*w->kept));
	w->odd = cdp_calloc(rows / 64, sizeof(*w->odd));
	w->ev = cdp_eval_new(&s->cli->opt.run);
	if (s->job->set->asked)
		w->known =
			cdp_known_new(s->job->set->asked, s->job->set->customers, w->ev);
	cdp_eval_set_host(w->ev, fetch, w);
	cdp_buf_init(&w->lines, CDP_BUF_NOMAX);
	cdp_buf_init(&w->no_profile, CDP_BUF_NOMAX);
	return w;
}

/* --- the first error --- */

static const struct place *place_of(struct worker *w, struct cdp_emit *emit)
{
	struct place *p = emit->user;

	if (!p) {
		p = emit->user = cdp_calloc(1, sizeof(*p));
		p->next = w->places;
		w->places = p;
	}
	return p;
}

static void keep_line(struct worker *w, unsigned row, const struct cdp_rec *rec,
		      const struct place *place, uint64_t line, uint32_t customer)
{
	w->kept[row] = (struct kept){ place, line, w->lines.n, rec->len, customer };
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
	if (w->known)
		cdp_known_turn(w->known, k->customer);
	if (cdp_scan_next(scan, &rec, &err) > 0 &&
	    cdp_segments_decide(set, w->ev, w->known, &rec, bits, errors, &err))
		w->mishap = (struct mishap){ k->place, k->line, err };
	cdp_eval_set_host(w->ev, fetch, w);
	cdp_scan_free(scan);
	free(bits);
	free(errors);
}

static void find_first(struct worker *w)
{
	unsigned words = cdp_rule_plan_rows(w->s->plan.plan) / 64;

	if (!w->mishap.line)
		for (unsigned i = 0; i < words; i++)
			if (w->odd[i]) {
				explain_row(
					w, i * 64 + (unsigned)__builtin_ctzll(w->odd[i]));
				break;
			}
	memset(w->odd, 0, words * sizeof(*w->odd));
	cdp_buf_reset(&w->lines);
}

/* There may be many lists, and one customer in few of them. */
static void give_row(struct worker *w, unsigned row, const uint64_t *given)
{
	const struct cdp_segments *set = w->s->job->set;

	for (unsigned i = 0; i < cdp_bit_words(set->count - set->defined); i++)
		for (uint64_t x = given[i]; x; x &= x - 1)
			cdp_rule_block_give(w->block, row,
					    set->defined + i * 64 +
						    (unsigned)__builtin_ctzll(x));
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
	uint64_t has = rows->has;

	memset(w->sampled, 0, words * sizeof(*w->sampled));
	for (rows->has = 0; has; has &= has - 1) {
		unsigned i = (unsigned)__builtin_ctzll(has);

		for (uint64_t x = rows->t[i]; x; x &= x - 1) {
			uint32_t row = w->first + i * 64 + (unsigned)__builtin_ctzll(x);
			size_t n;
			const char *key = cdp_audience_part_key(w->part, row, &n);

			if (cdp_segment_samples(g, key, n))
				w->sampled[i] |= x & -x;
		}
		rows->has |= (uint64_t)(w->sampled[i] != 0) << i;
	}
	rows->t = w->sampled;
}

static void each_set(void *ctx, uint32_t set, struct cdp_rowset *rows)
{
	struct worker *w = ctx;

	if (rows->errors && !w->mishap.line)
		for (unsigned i = 0; i < cdp_rule_plan_rows(w->s->plan.plan) / 64; i++)
			w->odd[i] |= rows->e[i];
	w->errors[rows->place] += rows->errors;
	w->failed += rows->errors;
	if (cdp_bit(w->s->samples, rows->place))
		sample(w, &w->s->job->set->v[set], rows);
	if (cdp_bit(w->s->keeps, rows->place))
		cdp_audience_part_add(w->part, rows->place, w->first, rows);
}

static void decide_block(struct worker *w)
{
	unsigned rows = cdp_rule_block_count(w->block);

	cdp_rule_block_decide(w->block, !w->mishap.line, each_set, w);
	find_first(w);
	w->first += rows;
}

/* The next row is this profile of a customer (of what was gathered, or CDP_NOBODY); its
 * number. */
static unsigned add_row(struct worker *w, struct cdp_rec *rec, const char *key, size_t n,
			uint32_t customer)
{
	const uint64_t *given;
	unsigned row;

	w->profiles++;
	cdp_audience_part_row(w->part, key, n);
	row = cdp_rule_block_add_of(w->block, rec, customer);
	if (w->known)
		cdp_known_turn(w->known, customer);
	cdp_segcut_add(w->cut, rec, w->ev);
	given = given_of(w, row);
	if (given)
		give_row(w, row, given);
	given = w->s->earlier ? cdp_members_get(w->s->earlier, key, n) : NULL;
	for (uint32_t i = 0; given && i < w->s->earlier_count; i++)
		if (cdp_bit(given, i))
			cdp_rule_block_give(w->block, row, w->s->earlier_sets[i]);
	return row;
}

static void end_row(struct worker *w, unsigned row)
{
	if (row + 1 == cdp_rule_plan_rows(w->s->plan.plan))
		decide_block(w);
}

static int decide(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
		  struct cdp_err *err)
{
	struct worker *w = worker;
	const struct cdp_val *one_id = cdp_rec_get(rec, CDP_SLOT_ONE_ID);
	unsigned row;

	if (one_id->type != CDP_STRING || one_id->escaped || one_id->n == 0)
		return cdp_err_set(err, CDP_ERR_DATA, "not a profile: no %s",
				   cdp_paths_key(w->s->job->paths));
	if (cdp_rec_get(rec, w->s->job->tags_slot)->type != CDP_OBJECT)
		return cdp_err_set(err, CDP_ERR_DATA, "not a profile: no tags");
	row = add_row(w, rec, one_id->p, one_id->n, CDP_NOBODY);
	if (!w->mishap.line)
		keep_line(w, row, rec, place_of(w, emit), rec->line, CDP_NOBODY);
	end_row(w, row);
	return 0;
}

static bool is_before(const struct mishap *a, const struct mishap *b)
{
	if (!a->line || !b->line)
		return a->line != 0;
	if (!a->place)
		return a->line < b->line;
	return a->place->seq != b->place->seq ? a->place->seq < b->place->seq
					      : a->line < b->line;
}

static void tell_first(const struct shared *s, const struct mishap *m)
{
	const struct cdp_customers *c = s->job->set->customers;
	const char *key;
	char *who;
	size_t n;

	if (m->place) {
		cdp_cli_eval_first(s->cli, m->place->name, m->place->base + m->line,
				   &m->err);
		return;
	}
	key = cdp_customers_key(c, cdp_customers_at(c, (uint32_t)m->line - 1), &n);
	who = cdp_asprintf("customer '%.*s'", (int)n, key);
	cdp_cli_eval_first(s->cli, who, 0, &m->err);
	free(who);
}

static int merge_worker(void *ctx, void *worker, struct cdp_err *err)
{
	struct shared *s = ctx;
	struct worker *w = worker;
	const uint32_t *places = cdp_rule_plan_places(s->plan.plan);

	(void)err;
	decide_block(w);
	CDP_GROW(s->parts, s->part_count, s->part_cap);
	s->parts[s->part_count++] = w->part;
	CDP_GROW(s->cuts, s->cut_count, s->cut_cap);
	s->cuts[s->cut_count++] = w->cut;
	for (unsigned i = 0; i < s->job->set->count; i++)
		if (places[i] != UINT32_MAX)
			s->job->errors[i] += w->errors[places[i]];
	s->job->profiles += s->step ? 0 : w->profiles;
	s->cli->counts.eval_errors += w->failed;
	if (is_before(&w->mishap, &s->first)) {
		free((void *)s->first.place);
		s->first = w->mishap;
		tell_first(s, &w->mishap);
	}
	for (struct place *p = w->places, *next; p; p = next) {
		next = p->next;
		if (p != s->first.place)
			free(p);
	}
	cdp_rule_block_free(w->block);
	if (w->cost)
		cdp_rule_cost_add(s->job->cost, w->cost);
	cdp_rule_cost_free(w->cost);
	cdp_known_free(w->known);
	cdp_eval_free(w->ev);
	cdp_scan_free(w->scan);
	cdp_buf_release(&w->lines);
	cdp_buf_release(&w->no_profile);
	free(w->errors);
	free(w->sampled);
	free(w->kept);
	free(w->odd);
	free(w);
	return 0;
}

/* --- what was gathered, customer by customer --- */

enum { CHUNK = 1024 };

void cdp_segment_no_profile(struct cdp_buf *line, const struct cdp_paths *paths,
			    const char *key, size_t n)
{
	static const char end[CDP_IN_PAD];

	cdp_buf_reset(line);
	cdp_buf_addc(line, '{');
	cdp_json_key(line, cdp_paths_key(paths));
	cdp_json_str(line, key, n);
	cdp_buf_adds(line, ",\"tags\":{}}\n");
	cdp_buf_add(line, end, sizeof(end));
	line->n -= sizeof(end);
}

static void *new_gathered_worker(void *ctx)
{
	struct shared *s = ctx;
	struct worker *w = new_worker(s);

	w->scan = cdp_scan_new(s->job->paths);
	return w;
}

static void decide_line(struct worker *w, uint32_t place, uint32_t customer,
			const char *line, size_t n)
{
	struct cdp_rec rec = { 0 };
	struct cdp_err err;
	const char *key;
	unsigned row;

	cdp_scan_block(w->scan, line, n + 1);
	if (cdp_scan_next(w->scan, &rec, &err) <= 0)
		return; /* it was read before */
	key = cdp_customers_key(w->s->job->set->customers, customer, &n);
	row = add_row(w, &rec, key, n, customer);
	if (!w->mishap.line)
		keep_line(w, row, &rec, NULL, (uint64_t)place + 1, customer);
	end_row(w, row);
}

static uint64_t decide_chunk(void *worker, uint64_t chunk, struct cdp_buf *out)
{
	struct worker *w = worker;
	const struct cdp_customers *c = w->s->job->set->customers;
	const struct cdp_shelf *shelf = w->s->job->gathered->shelf;
	uint64_t to = (chunk + 1) * CHUNK;

	(void)out;
	if (to > cdp_customers_count(c))
		to = cdp_customers_count(c);
	for (uint32_t i = (uint32_t)(chunk * CHUNK); i < to; i++) {
		uint32_t customer = cdp_customers_at(c, i);
		uint32_t profiles = cdp_shelf_count(shelf, customer);
		const char *text;
		size_t n;

		for (uint32_t k = 0; k < profiles; k++) {
			text = cdp_shelf_line(shelf, customer, k, &n);
			decide_line(w, i, customer, text, n);
		}
		if (profiles)
			continue;
		text = cdp_customers_key(c, customer, &n);
		cdp_segment_no_profile(&w->no_profile, w->s->job->paths, text, n);
		decide_line(w, i, customer, w->no_profile.p, w->no_profile.n - 1);
	}
	return 0;
}

static void end_gathered(void *ctx, void *worker)
{
	struct cdp_err ignored;

	merge_worker(ctx, worker, &ignored);
}

static void run_gathered(struct shared *s)
{
	uint64_t n = cdp_customers_count(s->job->set->customers);
	const struct cdp_ordered o = { .ctx = s,
				       .chunks = (n + CHUNK - 1) / CHUNK,
				       .worker = new_gathered_worker,
				       .make = decide_chunk,
				       .done = end_gathered };

	cdp_cli_write_ordered(s->cli, &o);
}

/* --- steps --- */

static void place_bits(struct shared *s)
{
	const struct cdp_segments *set = s->job->set;
	const uint32_t *places = cdp_rule_plan_places(s->plan.plan);

	s->samples = cdp_calloc(cdp_bit_words(set->count), sizeof(*s->samples));
	s->keeps = cdp_calloc(cdp_bit_words(set->count), sizeof(*s->keeps));
	for (unsigned i = 0; i < set->defined; i++) {
		if (places[i] == UINT32_MAX)
			continue;
		if (set->v[i].cut == CDP_CUT_SAMPLE)
			cdp_bit_set(s->samples, places[i]);
		if (cdp_bit(s->wanted, i))
			cdp_bit_set(s->keeps, places[i]);
	}
}

/* Everything is decided that belongs to the step: who is in what, or NULL if it ended
 * early (told). */
static struct cdp_audiences *run_step(struct shared *s)
{
	struct cdp_segment_job *job = s->job;
	const struct cdp_job loop = { .ctx = s,
				      .paths = job->paths,
				      .worker = new_worker,
				      .record = decide,
				      .commit = commit,
				      .merge = merge_worker };
	struct cdp_audiences *members = NULL;
	int ret = 0;

	cdp_segment_plan_init(&s->plan, job->set, s->wanted, s->step);
	place_bits(s);
	if (job->gathered)
		run_gathered(s);
	else
		ret = cdp_cli_run(s->cli, &loop);
	cdp_segment_plan_release(&s->plan);
	free(s->samples);
	free(s->keeps);
	if (ret == 0) {
		double from = cdp_segment_job_clock();

		members = cdp_audiences_of(s->parts, s->part_count, job->more);
		cdp_segcut_all(members, job->set, s->step, s->wanted, s->cuts,
			       s->cut_count);
		job->join_ns += cdp_segment_job_clock() - from;
	}
	for (unsigned i = 0; ret < 0 && i < s->part_count; i++)
		cdp_audience_part_free(s->parts[i]);
	for (unsigned i = 0; i < s->cut_count; i++)
		cdp_segcut_free(s->cuts[i]);
	s->part_count = s->cut_count = 0;
	return members;
}

/* Whether a later step needs it. */
static uint64_t *asked_for(const struct shared *s)
{
	const struct cdp_segments *set = s->job->set;
	uint64_t *asked = cdp_calloc(cdp_bit_words(set->count), sizeof(*asked));

	for (unsigned i = 0; i < set->defined; i++)
		for (size_t k = 0; cdp_bit(s->wanted, i) && k < set->v[i].needs.n; k++) {
			uint32_t need = set->v[i].needs.v[k];

			if (need < set->defined && set->v[i].step > s->step &&
			    set->v[need].step <= s->step)
				cdp_bit_set(asked, need);
		}
	return asked;
}

/* What was found so far is given to the next step. */
static void give_on(struct shared *s)
{
	const struct cdp_segments *set = s->job->set;
	uint64_t *asked = asked_for(s);
	uint32_t *v = NULL, cap = 0;

	s->earlier_count = 0;
	for (unsigned i = 0; i < set->defined; i++)
		if (cdp_bit(asked, i))
			s->earlier_sets[s->earlier_count++] = i;
	cdp_members_free(s->earlier);
	s->earlier = cdp_members_new(s->earlier_count);
	for (uint32_t i = 0; i < s->earlier_count; i++) {
		uint32_t n = cdp_audiences_members(s->job->members, s->earlier_sets[i],
						   &v, &cap);

		for (uint32_t k = 0; k < n; k++) {
			size_t len;
			const char *key = cdp_audiences_key(s->job->members, v[k], &len);

			cdp_bit_set(cdp_members_put(s->earlier, key, len), i);
		}
	}
	free(v);
	free(asked);
}

/* The step's audiences join the others: customers have the same ranks in all steps. */
static void join(struct shared *s, struct cdp_audiences *members)
{
	const struct cdp_segments *set = s->job->set;
	uint32_t *v = NULL, cap = 0;

	for (unsigned i = 0; i < set->defined; i++)
		if (set->v[i].step == s->step && cdp_bit(s->wanted, i)) {
			uint32_t n = cdp_audiences_members(members, i, &v, &cap);

			cdp_audiences_set(s->job->members, i, v, n);
		}
	free(v);
	cdp_audiences_free(members);
}

double cdp_segment_job_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int cdp_segment_job_run(struct cdp_cli *cli, struct cdp_segment_job *job)
{
	const struct cdp_segments *set = job->set;
	struct shared s = { .cli = cli, .job = job, .wanted = job->wanted };
	uint64_t *all = NULL;

	job->errors = cdp_calloc(set->count, sizeof(*job->errors));
	if (set->steps > 1) {
		s.wanted = all = cdp_segments_needed(set, job->wanted);
		s.earlier_sets = cdp_alloc(set->defined * sizeof(*s.earlier_sets));
	}
	job->members = run_step(&s);
	while (job->members && s.step + 1 < set->steps) {
		give_on(&s);
		s.step++;
		join(&s, run_step(&s));
	}
	free(all);
	free((void *)s.first.place);
	cdp_members_free(s.earlier);
	free(s.earlier_sets);
	free(s.cuts);
	free(s.parts);
	job->all_ns = cdp_segment_job_clock();
	return job->members ? 0 : -1;
}

void cdp_segment_job_release(struct cdp_segment_job *job)
{
	cdp_audiences_free(job->members);
	free(job->errors);
	cdp_rule_cost_free(job->cost);
}
