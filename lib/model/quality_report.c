/* The rows of cdp-quality(1), whose page says what the figures mean. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/quality_priv.h"

enum { HOURS = 24, ALIKE = 3 };

/* What a source is known to be on the days before. */
struct source {
	const char *name;
	size_t n;
	uint32_t from, to; /* its names, in the order of names */
	/* The days that are alike: those since it was first seen, of the kind of the day
	 * (a weekend or not) if there are ALIKE of them. */
	unsigned alike[CDP_QUALITY_DAYS];
	unsigned nalike;
};

struct report {
	const struct cdp_quality *q;
	uint32_t *order; /* of names */
	struct source *sources;
	size_t nsources, cap;
};

static struct cdp_quality_name split(const char *key, size_t n)
{
	const char *nul = memchr(key, '\0', n);
	size_t source_n = nul ? (size_t)(nul - key) : n;

	return (struct cdp_quality_name){ key, nul ? nul + 1 : key + n, source_n,
					  nul ? n - source_n - 1 : 0 };
}

static struct cdp_quality_name name_at(const struct report *r, uint32_t i)
{
	size_t n;
	const char *key = cdp_intern_key(r->q->names, r->order[i], &n);

	return split(key, n);
}

static const struct quality_cell *cell_at(const struct report *r, uint32_t i)
{
	return &r->q->cells[r->order[i]];
}

static double ratio(double a, double b)
{
	return b > 0 ? a / b : NAN;
}

/* --- the days before --- */

static bool is_weekend(const struct cdp_quality *q, unsigned back)
{
	return cdp_weekday(q->days->day - (int64_t)back) > 5;
}

static void choose_days(const struct report *r, struct source *s)
{
	unsigned first = 0, same = 0;

	for (uint32_t i = s->from; i < s->to; i++)
		for (unsigned d = first + 1; d <= r->q->days->back; d++)
			if (cell_at(r, i)->hours[d])
				first = d;
	for (unsigned d = 1; d <= first; d++)
		same += is_weekend(r->q, d) == is_weekend(r->q, 0);
	for (unsigned d = 1; d <= first; d++)
		if (same < ALIKE || is_weekend(r->q, d) == is_weekend(r->q, 0))
			s->alike[s->nalike++] = d;
}

static void list_sources(struct report *r)
{
	uint32_t n = cdp_intern_count(r->q->names);

	for (uint32_t i = 0; i < n; i++) {
		struct cdp_quality_name name = name_at(r, i);
		struct source *last = r->nsources ? &r->sources[r->nsources - 1] : NULL;

		if (!last || last->n != name.source_n ||
		    memcmp(last->name, name.source, last->n) != 0) {
			CDP_GROW(r->sources, r->nsources, r->cap);
			last = &r->sources[r->nsources++];
			*last = (struct source){ .name = name.source,
						 .n = name.source_n,
						 .from = i };
		}
		last->to = i + 1;
	}
	for (size_t i = 0; i < r->nsources; i++)
		choose_days(r, &r->sources[i]);
}

static uint64_t on_day(const struct quality_cell *c, unsigned back)
{
	uint64_t sum = 0;

	for (unsigned h = 0; c->hours[back] && h < HOURS; h++)
		sum += c->hours[back][h];
	return sum;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Events of names from..to on the median of the days that are alike. */
static double usual_events(const struct report *r, const struct source *s, uint32_t from,
			   uint32_t to)
{
	uint64_t sums[CDP_QUALITY_DAYS] = { 0 };
	unsigned n = s->nalike;

	if (!n)
		return NAN;
	for (unsigned k = 0; k < n; k++)
		for (uint32_t i = from; i < to; i++)
			sums[k] += on_day(cell_at(r, i), s->alike[k]);
	qsort(sums, n, sizeof(*sums), by_value);
	return ((double)sums[(n - 1) / 2] + (double)sums[n / 2]) / 2;
}

static void judge_hours(const struct source *s, const struct quality_cell *c,
			uint32_t *usual, uint32_t *silent)
{
	*usual = *silent = 0;
	for (unsigned h = 0; h < HOURS; h++) {
		unsigned busy = 0;

		for (unsigned k = 0; k < s->nalike; k++) {
			const uint32_t *day = c->hours[s->alike[k]];

			busy += day && day[h] >= CDP_QUALITY_USUAL;
		}
		if (!s->nalike || busy * 2 < s->nalike)
			continue;
		*usual |= 1u << h;
		if (!c->hours[0] || !c->hours[0][h])
			*silent |= 1u << h;
	}
}

/* --- properties --- */

static int main_type(const struct quality_values *v)
{
	int best = -1;

	for (int t = 0; t < QUALITY_TYPES; t++)
		if (v->types[t] && (best < 0 || v->types[t] > v->types[best]))
			best = t;
	return best;
}

/* Values of another type than usual, or, where nothing is usual yet, than most. */
static uint64_t drifted(const struct quality_prop *p)
{
	int usual = main_type(&p->before);
	uint64_t other = 0;

	if (usual < 0)
		usual = main_type(&p->now);
	for (int t = 0; t < QUALITY_TYPES; t++)
		other += t == usual ? 0 : p->now.types[t];
	return other;
}

/* A key that stands twice in a record counts twice. */
static uint64_t missing_of(uint64_t events, uint64_t present)
{
	return present < events ? events - present : 0;
}

struct filling {
	uint64_t possible, missing, null;
	unsigned properties, drifted;
};

static struct filling filling_of(const struct quality_cell *c)
{
	struct filling f = { 0 };

	f.properties = c->keys ? cdp_intern_count(c->keys) : 0;
	for (unsigned i = 0; i < f.properties; i++) {
		f.possible += c->events;
		f.missing += missing_of(c->events, c->props[i].now.n);
		f.null += c->props[i].now.null;
		f.drifted += drifted(&c->props[i]) > 0;
	}
	return f;
}

static const char *type_name(int t)
{
	return t < 0 ? NULL : cdp_quality_types[t];
}

static int report_props(const struct report *r, const struct cdp_quality_sink *sink,
			uint32_t i)
{
	const struct quality_cell *c = cell_at(r, i);
	uint32_t *order = c->keys ? cdp_intern_order(c->keys) : NULL;
	uint32_t n = c->keys ? cdp_intern_count(c->keys) : 0;
	int rc = 0;

	for (uint32_t k = 0; k < n && rc == 0 && c->events; k++) {
		const struct quality_prop *p = &c->props[order[k]];
		struct cdp_quality_prop row = { .name = name_at(r, i) };
		double events = (double)c->events;

		row.key = cdp_intern_key(c->keys, order[k], &row.key_n);
		row.values = p->now.n;
		memcpy(row.types, p->now.types, sizeof(row.types));
		row.missing = ratio((double)missing_of(c->events, p->now.n), events);
		row.null = ratio((double)p->now.null, events);
		row.usual_missing = ratio((double)missing_of(c->before, p->before.n),
					  (double)c->before);
		row.type = type_name(main_type(&p->now));
		row.usual = type_name(main_type(&p->before));
		row.drifted = drifted(p);
		rc = sink->prop(sink->ctx, &row);
	}
	free(order);
	return rc;
}

/* --- a source and event --- */

/* The longest stretch without an event, of several the first; the day's ends bound it. */
static void longest_gap(const struct cdp_quality *q, const struct quality_cell *c,
			struct cdp_quality_row *row)
{
	size_t n, day = quality_day_seconds(q);
	uint32_t *s = quality_seconds_list(q, &c->seconds, &n);
	int64_t from = 0;

	row->gap_s = -1;
	for (size_t i = 0; i <= n; i++) {
		int64_t to = i < n ? s[i] : (int64_t)day;

		if (to - from > row->gap_s) {
			row->gap_s = to - from;
			row->gap_start_s = q->days->start[1] + from;
		}
		from = to;
	}
	free(s);
}

static int report_row(const struct report *r, const struct cdp_quality_sink *sink,
		      const struct source *s, uint32_t i)
{
	const struct quality_cell *c = cell_at(r, i);
	struct filling f = filling_of(c);
	struct cdp_quality_row row = {
		.name = name_at(r, i),
		.events = c->events,
		.duplicates = c->duplicates,
		.rejected = c->rejected,
		.same_id = c->same_id,
		.ahead = c->ahead,
		.violating = c->violating,
		.implausible = c->implausible,
		.no_delay = c->events - c->delays.n,
		.usual_events = usual_events(r, s, i, i + 1),
		.first_ms = c->first_ms,
		.last_ms = c->last_ms,
		.properties = f.properties,
		.drifted = f.drifted,
		.missing = ratio((double)f.missing, (double)f.possible),
		.null = ratio((double)f.null, (double)f.possible),
		.p50 = cdp_delays_at(&c->delays, 500),
		.p90 = cdp_delays_at(&c->delays, 900),
		.p99 = cdp_delays_at(&c->delays, 990),
		.max = c->delays.n ? c->delays.max : -1,
	};

	/* What comes now and then is not missed. */
	if (!c->events && !c->duplicates && !c->rejected && !(row.usual_events > 0))
		return 0;
	judge_hours(s, c, &row.usual_hours, &row.silent_hours);
	longest_gap(r->q, c, &row);
	return sink->row(sink->ctx, &row);
}

/* --- a source --- */

/* 1 less the part of the authority's events that ours are off by. */
static double accuracy(const struct report *r, const struct source *s)
{
	double off = 0, all = 0;

	for (uint32_t k = 0; s->n && k < cdp_intern_count(r->q->checks); k++) {
		size_t n;
		const char *key = cdp_intern_key(r->q->checks, k, &n);
		struct cdp_quality_name name = split(key, n);
		uint32_t id = cdp_intern_get(r->q->names, key, n);
		uint64_t ours = id == CDP_INTERN_NONE ? 0 : r->q->cells[id].events;
		double count = (double)r->q->check_counts[k];

		if (name.source_n != s->n || memcmp(name.source, s->name, s->n) != 0)
			continue;
		off += fabs((double)ours - count);
		all += count;
	}
	return all > 0 ? (off < all ? 1 - off / all : 0) : NAN;
}

static int report_source(const struct report *r, const struct cdp_quality_sink *sink,
			 const struct source *s)
{
	struct cdp_quality_source row = { .name = s->name, .n = s->n };
	uint64_t possible = 0, empty = 0, delays = 0, on_time = 0, wrong = 0;
	unsigned usual = 0, silent = 0;

	for (uint32_t i = s->from; i < s->to; i++) {
		const struct quality_cell *c = cell_at(r, i);
		struct filling f = filling_of(c);
		uint32_t u, q;

		row.events += c->events;
		row.names += c->events > 0;
		row.duplicates += c->duplicates;
		row.rejected += c->rejected;
		wrong += c->rejected + c->implausible;
		possible += f.possible;
		empty += f.missing + f.null;
		delays += c->delays.n;
		on_time += c->on_time;
		judge_hours(s, c, &u, &q);
		usual += (unsigned)__builtin_popcount(u);
		silent += (unsigned)__builtin_popcount(q);
	}
	row.usual_events = usual_events(r, s, s->from, s->to);
	row.plausibility = 1 - ratio((double)wrong, (double)(row.events + row.rejected));
	row.accuracy = accuracy(r, s);
	row.continuity = 1 - ratio((double)silent, (double)usual);
	row.completeness = 1 - ratio((double)empty, (double)possible);
	row.timeliness = ratio((double)on_time, (double)delays);
	return sink->source(sink->ctx, &row);
}

/* --- reasons and checks --- */

static int report_whys(const struct report *r, const struct cdp_quality_sink *sink)
{
	uint32_t n = cdp_intern_count(r->q->reasons);
	uint32_t *order = cdp_intern_order(r->q->reasons);
	int rc = 0;

	for (uint32_t k = 0; k < n && rc == 0; k++) {
		size_t len;
		const char *key = cdp_intern_key(r->q->reasons, order[k], &len);
		struct cdp_quality_why row = { .count = r->q->reason_counts[order[k]] };
		struct cdp_quality_name rest, last;

		row.name = split(key, len);
		rest = split(row.name.event, row.name.event_n);
		row.name.event_n = rest.source_n;
		last = split(rest.event, rest.event_n);
		row.path = last.source;
		row.path_n = last.source_n;
		row.reason = last.event;
		row.reason_n = last.event_n;
		rc = sink->why(sink->ctx, &row);
	}
	free(order);
	return rc;
}

/* Of all sources if the name has none. */
static int64_t ours_of(const struct report *r, const struct cdp_quality_name *name)
{
	int64_t sum = -1;

	for (uint32_t i = 0; i < cdp_intern_count(r->q->names); i++) {
		struct cdp_quality_name n = name_at(r, i);

		if (n.event_n != name->event_n ||
		    memcmp(n.event, name->event, n.event_n) != 0 ||
		    !cell_at(r, i)->events)
			continue;
		if (name->source_n && (name->source_n != n.source_n ||
				       memcmp(name->source, n.source, n.source_n) != 0))
			continue;
		sum = (sum < 0 ? 0 : sum) + (int64_t)cell_at(r, i)->events;
	}
	return sum;
}

/* Ours that no authority has counted join the checks, so that all come in one order. */
static int report_checks(const struct report *r, const struct cdp_quality_sink *sink)
{
	struct cdp_intern *all = cdp_intern_new(0), *any = r->q->checks;
	uint32_t *order, n = cdp_intern_count(any);
	struct cdp_buf sourceless;
	int rc = 0;

	free(cdp_intern_put_all(all, any));
	cdp_buf_init(&sourceless, CDP_BUF_NOMAX);
	for (uint32_t i = 0; n && i < cdp_intern_count(r->q->names); i++) {
		size_t len;
		const char *key = cdp_intern_key(r->q->names, r->order[i], &len);
		struct cdp_quality_name name = split(key, len);

		cdp_buf_reset(&sourceless);
		cdp_buf_addc(&sourceless, '\0');
		cdp_buf_add(&sourceless, name.event, name.event_n);
		if (name.event_n && cell_at(r, i)->events &&
		    cdp_intern_get(any, sourceless.p, sourceless.n) == CDP_INTERN_NONE)
			cdp_intern_put(all, key, len, NULL);
	}
	cdp_buf_release(&sourceless);
	order = cdp_intern_order(all);
	n = cdp_intern_count(all);
	for (uint32_t k = 0; k < n && rc == 0; k++) {
		size_t len;
		const char *key = cdp_intern_key(all, order[k], &len);
		uint32_t id = cdp_intern_get(any, key, len);
		struct cdp_quality_check row = { .name = split(key, len) };

		row.count = id == CDP_INTERN_NONE ? -1 : r->q->check_counts[id];
		row.events = ours_of(r, &row.name);
		rc = sink->check(sink->ctx, &row);
	}
	free(order);
	cdp_intern_free(all);
	return rc;
}

static int report_all(const struct report *r, const struct cdp_quality_sink *sink)
{
	int rc = 0;

	for (size_t k = 0; k < r->nsources && sink->source && rc == 0; k++)
		rc = report_source(r, sink, &r->sources[k]);
	for (size_t k = 0; k < r->nsources && sink->row && rc == 0; k++)
		for (uint32_t i = r->sources[k].from; i < r->sources[k].to && rc == 0;
		     i++)
			rc = report_row(r, sink, &r->sources[k], i);
	for (uint32_t i = 0; i < cdp_intern_count(r->q->names) && sink->prop && rc == 0;
	     i++)
		rc = report_props(r, sink, i);
	if (sink->why && rc == 0)
		rc = report_whys(r, sink);
	if (sink->check && rc == 0)
		rc = report_checks(r, sink);
	return rc;
}

int cdp_quality_report(struct cdp_quality *q, const struct cdp_quality_sink *sink)
{
	struct report r = { .q = q, .order = cdp_intern_order(q->names) };
	int rc;

	list_sources(&r);
	rc = report_all(&r, sink);
	free(r.sources);
	free(r.order);
	return rc;
}
