#include "cli/tag_cost.h"

#include "base/mem.h"
#include "cli/rows.h"
#include "model/lineage.h"
#include "record/head.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EVENTS_MAX = 4096, CUSTOMERS_MAX = 4096 };

/* --- the sample --- */

struct cdp_tag_sample {
	uint64_t seen, step; /* every step-th is kept */
	size_t n;
	struct cdp_buf lines; /* each with its LF */
	size_t ends[2 * EVENTS_MAX];
};

struct cdp_tag_sample *cdp_tag_sample_new(void)
{
	struct cdp_tag_sample *s = cdp_calloc(1, sizeof(*s));

	s->step = 1;
	cdp_buf_init(&s->lines, CDP_BUF_NOMAX);
	return s;
}

void cdp_tag_sample_free(struct cdp_tag_sample *s)
{
	if (!s)
		return;
	cdp_buf_release(&s->lines);
	free(s);
}

/* Every second line goes. */
static void thin(struct cdp_tag_sample *s)
{
	size_t n = 0, to = 0;

	for (size_t i = 0; i < s->n; i += 2) {
		size_t from = i ? s->ends[i - 1] : 0, len = s->ends[i] - from;

		memmove(s->lines.p + to, s->lines.p + from, len);
		to += len;
		s->ends[n++] = to;
	}
	s->n = n;
	s->lines.n = to;
	s->step *= 2;
}

static void add_line(struct cdp_tag_sample *s, const char *p, size_t n)
{
	cdp_buf_add(&s->lines, p, n);
	s->ends[s->n++] = s->lines.n;
}

void cdp_tag_sample_add(struct cdp_tag_sample *s, const struct cdp_rec *rec)
{
	if (s->seen++ % s->step)
		return;
	cdp_buf_add(&s->lines, rec->raw, rec->len);
	add_line(s, "\n", 1);
	if (s->n == 2 * EVENTS_MAX)
		thin(s);
}

void cdp_tag_sample_take(struct cdp_tag_sample *s, struct cdp_tag_sample *from)
{
	while (s->step < from->step && s->n)
		thin(s);
	while (from->step < s->step && from->n)
		thin(from);
	for (size_t i = 0; i < from->n; i++) {
		size_t at = i ? from->ends[i - 1] : 0;

		if (s->n == 2 * EVENTS_MAX)
			break;
		add_line(s, from->lines.p + at, from->ends[i] - at);
	}
	s->step = s->step > from->step ? s->step : from->step;
	s->seen += from->seen;
	if (s->n == 2 * EVENTS_MAX)
		thin(s);
	cdp_tag_sample_free(from);
}

/* --- the clock --- */

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* What a look at the clock takes. */
static uint64_t clock_time(void)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 1000; i++) {
		uint64_t from = now(), took = now() - from;

		least = took < least ? took : least;
	}
	return least;
}

/* --- aggregates over events --- */

/* Events of the sample as records that stay. */
struct events {
	struct cdp_scan *scan;
	struct cdp_buf block;
	struct cdp_rec *v;
	int64_t *ms;
	size_t n;
};

static void scan_events(struct events *e, const struct cdp_tag_sample *s,
			const struct cdp_paths *paths)
{
	struct cdp_err err;
	unsigned kept = 1;

	while (kept < 2 * s->n + 2)
		kept *= 2;
	e->v = cdp_calloc(s->n + 1, sizeof(*e->v));
	e->ms = cdp_calloc(s->n + 1, sizeof(*e->ms));
	e->scan = cdp_scan_new(paths);
	cdp_scan_set_kept(e->scan, kept);
	cdp_buf_init(&e->block, CDP_BUF_NOMAX);
	cdp_buf_add(&e->block, s->lines.p, s->lines.n);
	cdp_buf_reserve(&e->block, CDP_IN_PAD);
	memset(e->block.p + e->block.n, 0, CDP_IN_PAD);
	cdp_scan_block(e->scan, e->block.p, e->block.n);
	while (e->n < s->n && cdp_scan_next(e->scan, &e->v[e->n], &err) == 1)
		if (cdp_rec_time_ms(&e->v[e->n], &e->ms[e->n], &err) == 0)
			e->n++;
}

static void free_events(struct events *e)
{
	cdp_scan_free(e->scan);
	cdp_buf_release(&e->block);
	free(e->v);
	free(e->ms);
}

static bool concerns(const struct cdp_agg *a, struct cdp_rec *rec)
{
	size_t n;
	const char *const *names = cdp_agg_events(a, &n);
	const struct cdp_val *event = cdp_rec_get(rec, CDP_SLOT_EVENT);

	for (size_t i = 0; i < n; i++)
		if (cdp_val_is(event, names[i], strlen(names[i])))
			return true;
	return n == 0;
}

/* Nanoseconds for an event of the sample; the better of two runs. */
static double time_aggregate(const struct cdp_agg *a, struct events *e,
			     struct cdp_eval *ev)
{
	struct cdp_rec **of = cdp_alloc((e->n + 1) * sizeof(struct cdp_rec *));
	uint64_t best = UINT64_MAX;
	size_t n = 0;

	for (size_t i = 0; i < e->n; i++)
		if (concerns(a, &e->v[i]))
			of[n++] = &e->v[i];
	for (int round = 0; round < 2 && n; round++) {
		void *state = cdp_calloc(1, cdp_agg_size(a) + 8);
		uint64_t from = now(), took;
		struct cdp_err ignored;

		for (size_t i = 0; i < n; i++) {
			(void)cdp_agg_add(a, state, ev, of[i], e->ms[of[i] - e->v],
					  &ignored);
			cdp_eval_reset(ev);
		}
		took = now() - from;
		best = took < best ? took : best;
		cdp_agg_release(a, state);
		free(state);
	}
	free(of);
	return n ? (double)best / (double)e->n : 0;
}

/* --- tags --- */

struct cost {
	double event_ns, customer_ns, state, output; /* of one event or customer */
};

/* Adds to every tag that reads the aggregate its part of it. */
static void share(struct cost *costs, const struct cdp_needs *aggs, unsigned tags,
		  unsigned agg, double event_ns, double state)
{
	unsigned readers = 0;

	for (int round = 0; round < 2; round++)
		for (unsigned t = 0; t < tags; t++)
			for (size_t k = 0; k < aggs[t].n; k++) {
				if (aggs[t].v[k] != agg)
					continue;
				if (round == 0) {
					readers++;
					continue;
				}
				costs[t].event_ns += event_ns / readers;
				costs[t].state += state / readers;
			}
}

/* Place i of `n` of a sample over `all`. */
static uint32_t place_of(uint32_t i, uint32_t n, uint32_t all)
{
	return (uint32_t)((uint64_t)i * all / n);
}

static void cost_aggregates(const struct cdp_tag_cost *c,
			    const struct cdp_profile_spec *spec, struct cost *costs,
			    uint32_t n)
{
	const struct cdp_tagset *set = spec->set;
	uint32_t all = cdp_customers_count(spec->customers);
	struct cdp_needs *aggs = cdp_calloc(set->count, sizeof(*aggs));
	struct cdp_eval *ev = cdp_eval_new(spec->run);
	struct events e = { 0 };

	cdp_eval_set_entities(ev, cdp_entities_fetch, set->entities);
	scan_events(&e, c->events, set->paths);
	for (unsigned t = 0; t < set->count; t++)
		cdp_tag_aggregates(set, t, &aggs[t]);
	for (unsigned a = 0; a < cdp_aggs_count(set->aggs); a++) {
		double state = 0;

		for (uint32_t i = 0; i < n; i++)
			state += (double)cdp_customers_state_bytes(
				spec->customers,
				cdp_customers_at(spec->customers, place_of(i, n, all)),
				a);
		share(costs, aggs, set->count, a,
		      time_aggregate(cdp_aggs_at(set->aggs, a), &e, ev), state / n);
	}
	for (unsigned t = 0; t < set->count; t++)
		free(aggs[t].v);
	free(aggs);
	free_events(&e);
	cdp_eval_free(ev);
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The mean without the slowest hundredth, in which the machine did something else. */
static double typical(uint32_t *v, uint32_t n)
{
	uint32_t kept = n - (n + 99) / 100;
	double sum = 0;

	if (kept == 0)
		kept = n;
	qsort(v, n, sizeof(*v), by_number);
	for (uint32_t i = 0; i < kept; i++)
		sum += v[i];
	return sum / kept;
}

static void cost_values(const struct cdp_profile_spec *spec, struct cost *costs,
			uint32_t n)
{
	const struct cdp_tagset *set = spec->set;
	uint32_t all = cdp_customers_count(spec->customers);
	struct cdp_profiler *p = cdp_profiler_new(spec);
	uint64_t clock = clock_time();
	uint32_t *times = cdp_calloc((size_t)set->count * n, sizeof(*times));
	struct cdp_buf text;

	cdp_buf_init(&text, CDP_BUF_NOMAX);
	for (uint32_t i = 0; i < n; i++) {
		cdp_profiler_turn(p, place_of(i, n, all));
		for (unsigned k = 0; k < set->count; k++) {
			unsigned t = set->order[k];
			uint64_t from = now(), took;
			const struct cdp_value *v = cdp_profiler_tag(p, t);

			took = now() - from;
			took = took > clock ? took - clock : 0;
			times[(size_t)t * n + i] =
				took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
			if (v->type == CDP_V_NULL && !spec->nulls)
				continue;
			cdp_buf_reset(&text);
			cdp_value_json(&text, v);
			costs[t].output += (double)(text.n + strlen(set->tags[t].name)) +
					   4; /* quotes, colon, comma */
		}
		cdp_profiler_done(p);
	}
	for (unsigned t = 0; t < set->count; t++) {
		costs[t].customer_ns = typical(times + (size_t)t * n, n);
		costs[t].output /= n;
	}
	cdp_buf_release(&text);
	cdp_profiler_free(p);
	free(times);
}

/* Nanoseconds that a customer's line takes beside the tags' values. */
static double cost_lines(const struct cdp_profile_spec *spec, const struct cost *costs,
			 uint32_t n)
{
	uint32_t all = cdp_customers_count(spec->customers);
	struct cdp_profiler *p = cdp_profiler_new(spec);
	uint32_t *times = cdp_calloc(n, sizeof(*times));
	struct cdp_buf line;
	double ns;

	cdp_buf_init(&line, CDP_BUF_NOMAX);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t from = now(), took;

		cdp_buf_reset(&line);
		cdp_profiler_line(p, place_of(i, n, all), &line);
		took = now() - from;
		times[i] = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
	}
	ns = typical(times, n);
	for (unsigned t = 0; t < spec->set->count; t++)
		ns -= costs[t].customer_ns;
	cdp_buf_release(&line);
	cdp_profiler_free(p);
	free(times);
	return ns > 0 ? ns : 0;
}

/* What is no tag's. */
static void write_parts(const struct cdp_tag_cost *c, struct cdp_rows *rows,
			double events_ns, double tags_ns, double lines_ns)
{
	double read = (double)c->read_ns - events_ns;
	const struct {
		const char *name;
		double ns;
	} parts[] = { { "load", (double)c->load_ns },
		      { "read", read > 0 ? read : 0 },
		      { "join", (double)c->join_ns },
		      { "tags", tags_ns },
		      { "write", lines_ns } };
	enum { COUNT = sizeof(parts) / sizeof(*parts) };
	double all = 0;

	for (size_t i = 0; i < COUNT; i++)
		all += parts[i].ns;
	for (size_t i = 0; i < COUNT; i++) {
		cdp_rows_begin(rows, "cost_part");
		cdp_rows_cstr(rows, "part", parts[i].name);
		cdp_rows_double(rows, "seconds",
				(double)(int64_t)(parts[i].ns / 1e5) / 1e4);
		cdp_rows_share(rows, "share", all > 0 ? parts[i].ns / all : 0);
		if (cdp_rows_end(rows) < 0)
			break;
	}
}

static double tenths(double v)
{
	return (double)(int64_t)(v * 10 + 0.5) / 10;
}

void cdp_tag_cost_write(void *cost, const struct cdp_profile_spec *spec)
{
	const struct cdp_tag_cost *c = cost;
	const struct cdp_tagset *set = spec->set;
	double events = (double)c->events->seen, total = 0, events_ns = 0, lines_ns = 0;
	uint32_t all = cdp_customers_count(spec->customers);
	uint32_t n = all < CUSTOMERS_MAX ? all : CUSTOMERS_MAX;
	struct cost *costs = cdp_calloc(set->count, sizeof(*costs));
	struct cdp_rows *rows = cdp_rows_new(c->cli);

	c->cli->in_vain = n == 0;
	if (n) {
		cost_aggregates(c, spec, costs, n);
		cost_values(spec, costs, n);
		lines_ns = cost_lines(spec, costs, n) * all;
	}
	for (unsigned t = 0; t < set->count; t++) {
		events_ns += costs[t].event_ns * events;
		total += costs[t].event_ns * events + costs[t].customer_ns * all;
	}
	for (unsigned t = 0; t < set->count && n; t++) {
		const struct cost *k = &costs[t];
		double ns = k->event_ns * events + k->customer_ns * all;

		cdp_rows_begin(rows, "cost");
		cdp_rows_cstr(rows, "tag", set->tags[t].name);
		cdp_rows_double(rows, "event_ns", tenths(k->event_ns));
		cdp_rows_double(rows, "customer_ns", tenths(k->customer_ns));
		cdp_rows_double(rows, "seconds", (double)(int64_t)(ns / 1e5) / 1e4);
		cdp_rows_share(rows, "share", total > 0 ? ns / total : 0);
		cdp_rows_int(rows, "state_bytes", (int64_t)(k->state * all + 0.5));
		cdp_rows_int(rows, "output_bytes", (int64_t)(k->output * all + 0.5));
		if (cdp_rows_end(rows) < 0)
			break;
	}
	if (n)
		write_parts(c, rows, events_ns, total, lines_ns);
	(void)cdp_rows_free(rows); /* finish meets a failed output */
	free(costs);
}
