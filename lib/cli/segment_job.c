#include "cli/segment_job.h"

#include "base/mem.h"
#include "cli/ordered.h"
#include "cli/segment_job_priv.h"
#include "io/in.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

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
	struct segment_shared *s = ctx;
	struct segment_worker *w = segment_worker_new(s);

	w->scan = cdp_scan_new(s->job->paths);
	return w;
}

static void decide_line(struct segment_worker *w, uint32_t place, uint32_t customer,
			const char *line, size_t n)
{
	struct cdp_rec rec = { 0 };
	struct cdp_err err;

	cdp_scan_block(w->scan, line, n + 1);
	if (cdp_scan_next(w->scan, &rec, &err) <= 0)
		return; /* it was read before */
	segment_worker_gathered(w, &rec, place, customer);
}

static uint64_t decide_chunk(void *worker, uint64_t chunk, struct cdp_buf *out)
{
	struct segment_worker *w = worker;
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

	segment_worker_merge(ctx, worker, &ignored);
}

static void run_gathered(struct segment_shared *s)
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

static void place_bits(struct segment_shared *s)
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

static void tell_unranked(void *ctx, uint32_t set, uint32_t without, uint32_t left)
{
	const struct segment_shared *s = ctx;

	cdp_cli_note(
		s->cli,
		"audience '%s': %u of %u are in it by their key, as 'by' gives no number",
		s->job->set->v[set].name, without, left);
}

/* Everything is decided that belongs to the step: who is in what, or NULL if it ended
 * early (told). */
static struct cdp_audiences *run_step(struct segment_shared *s)
{
	/* Thousands of profiles are decided together, the work of many blocks of input:
	 * meanwhile the others read on. */
	enum { AHEAD = 32 };
	struct cdp_segment_job *job = s->job;
	const struct cdp_job loop = { .ctx = s,
				      .paths = job->paths,
				      .worker = segment_worker_new,
				      .record = s->twice ? segment_worker_again
							 : segment_worker_record,
				      .commit = segment_worker_commit,
				      .ahead = AHEAD,
				      .merge = segment_worker_merge,
				      .again = s->twice };
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
			       s->cut_count, tell_unranked, s);
		job->join_ns += cdp_segment_job_clock() - from;
	}
	for (unsigned i = 0; ret < 0 && i < s->part_count; i++)
		cdp_audience_part_free(s->parts[i]);
	for (unsigned i = 0; i < s->cut_count; i++)
		cdp_segcut_free(s->cuts[i]);
	s->part_count = s->cut_count = 0;
	return members;
}

/* --- numbers alone --- */

static bool can_be_read_twice(char *const *operands)
{
	struct stat st;

	if (!*operands)
		return false;
	for (; *operands; operands++)
		if (strcmp(*operands, "-") == 0 || stat(*operands, &st) < 0 ||
		    !S_ISREG(st.st_mode))
			return false;
	return true;
}

/* Members need not be kept: those of customers with several profiles, which may be in an
 * audience by more than one of them, can be found by reading again. */
static bool can_count(const struct segment_shared *s)
{
	const struct cdp_segments *set = s->job->set;

	return s->job->counts && !s->job->gathered && set->steps == 1 && !set->by_count &&
	       can_be_read_twice(s->cli->operands);
}

/* Customers with several profiles count once. */
static int count_once(struct segment_shared *s, struct cdp_audiences *members)
{
	uint64_t rows;
	struct cdp_intern *twice = cdp_audiences_twice(members, &rows);
	struct cdp_audiences *those;
	struct cdp_err err;
	int ret = 0;

	if (!twice)
		return 0;
	s->counts = false;
	s->twice = twice;
	those = run_step(s);
	if (!those)
		ret = -1;
	else
		cdp_audiences_count_once(members, those);
	if (those && cdp_audiences_row_count(those) != rows) {
		cdp_err_set(&err, CDP_ERR_SYS,
			    "the profiles changed while they were read twice");
		cdp_cli_report(s->cli, &err);
		ret = -1;
	}
	s->twice = NULL;
	cdp_intern_free(twice);
	return ret;
}

/* Whether a later step needs it. */
static uint64_t *asked_for(const struct segment_shared *s)
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
static void give_on(struct segment_shared *s)
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
static void join(struct segment_shared *s, struct cdp_audiences *members)
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
	struct segment_shared s = { .cli = cli, .job = job, .wanted = job->wanted };
	uint64_t *all = NULL;

	job->errors = cdp_calloc(set->count, sizeof(*job->errors));
	if (set->steps > 1) {
		s.wanted = all = cdp_segments_needed(set, job->wanted);
		s.earlier_sets = cdp_alloc(set->defined * sizeof(*s.earlier_sets));
	}
	s.counts = can_count(&s);
	job->members = run_step(&s);
	if (s.counts && job->members && count_once(&s, job->members) < 0) {
		cdp_audiences_free(job->members);
		job->members = NULL;
	}
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
