/* Profiles of one thread, decided block by block. */
#include "base/mem.h"
#include "cli/segment_job_priv.h"
#include "io/in.h"

#include <stdlib.h>
#include <string.h>

static int fetch(void *host, int ref, struct cdp_value *out, struct cdp_err *err)
{
	struct segment_worker *w = host;

	return cdp_known_fetch(w->known, ref, out, err);
}

void *segment_worker_new(void *ctx)
{
	struct segment_shared *s = ctx;
	struct segment_worker *w = cdp_calloc(1, sizeof(*w));
	unsigned rows = cdp_rule_plan_rows(s->plan.plan);

	w->s = s;
	w->block = cdp_rule_block_new(s->plan.plan, &s->cli->opt.run, s->job->paths);
	if (s->job->cost) {
		w->cost = cdp_rule_cost_new(s->job->set->rules, s->job->set->count);
		cdp_rule_block_charge(w->block, w->cost);
	}
	w->part = (s->counts ? cdp_audience_part_counting : cdp_audience_part_new)(
		s->job->set->count, cdp_rule_plan_places(s->plan.plan));
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

/* For it: it was not met yet, nor in an earlier pass. */
static bool looks_out(const struct segment_worker *w)
{
	return !w->s->twice && !w->mishap.line;
}

static const struct segment_place *place_of(struct segment_worker *w,
					    struct cdp_emit *emit)
{
	struct segment_place *p = emit->user;

	if (!p) {
		p = emit->user = cdp_calloc(1, sizeof(*p));
		p->next = w->places;
		w->places = p;
	}
	return p;
}

static void keep_line(struct segment_worker *w, unsigned row, const struct cdp_rec *rec,
		      const struct segment_place *place, uint64_t line, uint32_t customer)
{
	w->kept[row] =
		(struct segment_kept){ place, line, w->lines.n, rec->len, customer };
	cdp_buf_add(&w->lines, rec->raw, rec->len);
	cdp_buf_addc(&w->lines, '\n');
}

static const uint64_t *given_of(const struct segment_worker *w, unsigned row)
{
	size_t n;
	const char *key = cdp_audience_part_key(w->part, w->first + row, &n);

	return cdp_members_get(w->s->job->given, key, n);
}

/* What the last rule to fail for a profile says, as if it were decided alone. */
static void explain_row(struct segment_worker *w, unsigned row)
{
	const struct cdp_segments *set = w->s->job->set;
	const struct segment_kept *k = &w->kept[row];
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
		w->mishap = (struct segment_mishap){ k->place, k->line, err };
	cdp_eval_set_host(w->ev, fetch, w);
	cdp_scan_free(scan);
	free(bits);
	free(errors);
}

static void find_first(struct segment_worker *w)
{
	unsigned words = cdp_rule_plan_rows(w->s->plan.plan) / 64;

	if (looks_out(w))
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
static void give_row(struct segment_worker *w, unsigned row, const uint64_t *given)
{
	const struct cdp_segments *set = w->s->job->set;

	for (unsigned i = 0; i < cdp_bit_words(set->count - set->defined); i++)
		for (uint64_t x = given[i]; x; x &= x - 1)
			cdp_rule_block_give(w->block, row,
					    set->defined + i * 64 +
						    (unsigned)__builtin_ctzll(x));
}

int segment_worker_commit(void *ctx, struct cdp_emit *emit, struct cdp_err *err)
{
	struct segment_shared *s = ctx;
	struct segment_place *p = emit->user;

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
static void sample(struct segment_worker *w, const struct cdp_segment *g,
		   struct cdp_rowset *rows)
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
	struct segment_worker *w = ctx;

	if (rows->errors && looks_out(w))
		for (unsigned i = 0; i < cdp_rule_plan_rows(w->s->plan.plan) / 64; i++)
			w->odd[i] |= rows->e[i];
	w->errors[rows->place] += rows->errors;
	w->failed += rows->errors;
	if (cdp_bit(w->s->samples, rows->place))
		sample(w, &w->s->job->set->v[set], rows);
	if (cdp_bit(w->s->keeps, rows->place))
		cdp_audience_part_add(w->part, rows->place, w->first, rows);
}

static void decide_block(struct segment_worker *w)
{
	unsigned rows = cdp_rule_block_count(w->block);

	if (w->s->counts && !looks_out(w)) {
		struct cdp_rule_tally t = { .members = cdp_audience_part_counts(w->part),
					    .errors = w->errors,
					    .told = w->s->samples };

		cdp_rule_block_tally(w->block, &t, each_set, w);
		w->failed += t.all_errors;
	} else {
		cdp_rule_block_decide(w->block, looks_out(w), each_set, w);
	}
	find_first(w);
	w->first += rows;
}

/* The next row is this profile of a customer (of what was gathered, or CDP_NOBODY); its
 * number. */
static unsigned add_row(struct segment_worker *w, struct cdp_rec *rec, const char *key,
			size_t n, uint32_t customer)
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

static void end_row(struct segment_worker *w, unsigned row)
{
	if (row + 1 == cdp_rule_plan_rows(w->s->plan.plan))
		decide_block(w);
}

static int check_profile(const struct segment_worker *w, struct cdp_rec *rec,
			 struct cdp_err *err)
{
	const struct cdp_val *one_id = cdp_rec_get(rec, CDP_SLOT_ONE_ID);

	if (one_id->type != CDP_STRING || one_id->escaped || one_id->n == 0)
		return cdp_err_set(err, CDP_ERR_DATA, "not a profile: no %s",
				   cdp_paths_key(w->s->job->paths));
	if (cdp_rec_get(rec, w->s->job->tags_slot)->type != CDP_OBJECT)
		return cdp_err_set(err, CDP_ERR_DATA, "not a profile: no tags");
	return 0;
}

int segment_worker_record(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
			  struct cdp_err *err)
{
	struct segment_worker *w = worker;
	const struct cdp_val *one_id = cdp_rec_get(rec, CDP_SLOT_ONE_ID);
	unsigned row;

	if (check_profile(w, rec, err) < 0)
		return -1;
	row = add_row(w, rec, one_id->p, one_id->n, CDP_NOBODY);
	if (looks_out(w))
		keep_line(w, row, rec, place_of(w, emit), rec->line, CDP_NOBODY);
	end_row(w, row);
	return 0;
}

int segment_worker_again(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
			 struct cdp_err *err)
{
	struct segment_worker *w = worker;
	const struct cdp_val *one_id = cdp_rec_get(rec, CDP_SLOT_ONE_ID);

	(void)emit;
	if (check_profile(w, rec, err) == 0 &&
	    cdp_intern_get(w->s->twice, one_id->p, one_id->n) != CDP_INTERN_NONE)
		end_row(w, add_row(w, rec, one_id->p, one_id->n, CDP_NOBODY));
	return 0;
}

static bool is_before(const struct segment_mishap *a, const struct segment_mishap *b)
{
	if (!a->line || !b->line)
		return a->line != 0;
	if (!a->place)
		return a->line < b->line;
	return a->place->seq != b->place->seq ? a->place->seq < b->place->seq
					      : a->line < b->line;
}

static void tell_first(const struct segment_shared *s, const struct segment_mishap *m)
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

/* What is only counted once, in the first pass. */
static void count_worker(struct segment_shared *s, const struct segment_worker *w)
{
	const uint32_t *places = cdp_rule_plan_places(s->plan.plan);

	if (s->twice)
		return;
	for (unsigned i = 0; i < s->job->set->count; i++)
		if (places[i] != UINT32_MAX)
			s->job->errors[i] += w->errors[places[i]];
	s->job->profiles += s->step ? 0 : w->profiles;
	s->cli->counts.eval_errors += w->failed;
}

int segment_worker_merge(void *ctx, void *worker, struct cdp_err *err)
{
	struct segment_shared *s = ctx;
	struct segment_worker *w = worker;

	(void)err;
	decide_block(w);
	CDP_GROW(s->parts, s->part_count, s->part_cap);
	s->parts[s->part_count++] = w->part;
	CDP_GROW(s->cuts, s->cut_count, s->cut_cap);
	s->cuts[s->cut_count++] = w->cut;
	count_worker(s, w);
	if (is_before(&w->mishap, &s->first)) {
		free((void *)s->first.place);
		s->first = w->mishap;
		tell_first(s, &w->mishap);
	}
	for (struct segment_place *p = w->places, *next; p; p = next) {
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
void segment_worker_gathered(struct segment_worker *w, struct cdp_rec *rec,
			     uint32_t place, uint32_t customer)
{
	size_t n;
	const char *key = cdp_customers_key(w->s->job->set->customers, customer, &n);
	unsigned row = add_row(w, rec, key, n, customer);

	if (looks_out(w))
		keep_line(w, row, rec, NULL, (uint64_t)place + 1, customer);
	end_row(w, row);
}
