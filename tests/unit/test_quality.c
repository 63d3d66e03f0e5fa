/* A day's quality: percentiles against sorted values, reasons, sums of parts. */
#include "base/mem.h"
#include "base/rand.h"
#include "model/quality.h"
#include "model/quality_in.h"
#include "tap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void percentiles(void)
{
	enum { N = 20000 };
	static int64_t v[N];
	struct cdp_delays all = { 0 }, parts[3] = { { { 0 } } };
	struct cdp_rand r;
	bool close = true, same = true, edges = true;

	cdp_rand_seed(&r, 9, 0);
	for (int i = 0; i < N; i++) {
		v[i] = (int64_t)(cdp_rand_next(&r) >> (18 + cdp_rand_below(&r, 45)));
		cdp_delays_add(&all, v[i], 1);
		cdp_delays_add(&parts[i % 3], v[i], 1);
	}
	qsort(v, N, sizeof(*v), by_number);
	cdp_delays_merge(&parts[0], &parts[1]);
	cdp_delays_merge(&parts[0], &parts[2]);
	for (unsigned k = 1; k <= 1000; k++) {
		int64_t exact = v[(N * k + 999) / 1000 - 1], got = cdp_delays_at(&all, k);

		close = close && got >= exact &&
			(exact < 256 ? got == exact : got - exact <= exact / 128);
		same = same && got == cdp_delays_at(&parts[0], k);
	}
	ok(close, "percentiles are exact below 256 ms and at most 1/128 too large above");
	ok(same, "parts make the same whole");
	is_int(cdp_delays_at(&all, 1000), v[N - 1], "the last one is the maximum");
	for (unsigned p = 0; p < CDP_DELAY_PAGES; p++)
		for (unsigned i = 0; i < CDP_DELAY_PAGE; i++) {
			struct cdp_delays one = { 0 };

			cdp_delays_add(&one, cdp_delays_value(p, i), 1);
			edges = edges && one.page[p] && one.page[p][i] == 1;
			cdp_delays_release(&one);
		}
	ok(edges, "each bucket has a value of its own");
	cdp_delays_release(&all);
	for (int i = 0; i < 3; i++)
		cdp_delays_release(&parts[i]);
	is_int(cdp_delays_at(&all, 500), -1, "of nothing there is none");
	cdp_delays_add(&all, -5, 1);
	is_int(cdp_delays_at(&all, 500), 0, "a negative delay is none");
	cdp_delays_add(&all, INT64_MAX, 1);
	ok(cdp_delays_at(&all, 1000) > (int64_t)1 << 46 && all.max == INT64_MAX,
	   "and no delay is too long");
	cdp_delays_release(&all);
}

static void reason(const char *text, const char *want)
{
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_quality_reason(&b, text, strlen(text));
	is_str(cdp_buf_str(&b), want, "a reason: %s", text);
	cdp_buf_release(&b);
}

static void reasons(void)
{
	reason("", "");
	reason("unexpected end of line (column 129)", "unexpected end of line");
	reason("a (column of numbers) is none", "a (column of numbers) is none");
	reason("'x' is no time", "'*' is no time");
	reason("'it's' is no time", "'*' is no time");
	reason("column 'b': 'a b', then 'c'", "column '*': '*', then '*'");
	reason("it isn't one", "it isn't one");
	reason("'open", "'open");
	reason("''", "'*'");
}

struct seen {
	struct cdp_quality_row row;
	unsigned rows;
};

static int keep(void *ctx, const struct cdp_quality_row *row)
{
	struct seen *s = ctx;

	s->row = *row;
	s->rows++;
	return 0;
}

static bool at(struct cdp_quality *q, const struct cdp_quality_name *name, int64_t ms)
{
	struct cdp_quality_facts facts = { .ms = ms,
					   .sent_ms = CDP_QUALITY_NO_TIME,
					   .received_ms = CDP_QUALITY_NO_TIME };

	return cdp_quality_event(q, name, &facts);
}

/* The same seconds, one by one and again and again, in any order, in parts. */
static void gaps(void)
{
	struct cdp_err err;
	struct cdp_zone *zone = cdp_zone_load("UTC", &err);
	struct cdp_quality_name name = { "s", "e", 1, 1 };
	struct cdp_quality_days days;
	struct cdp_quality *q[2];
	struct seen seen = { 0 };
	struct cdp_quality_sink sink = { .ctx = &seen, .row = keep };
	struct cdp_rand r;

	cdp_quality_days_init(&days, zone, 10 * 86400 + 5, 2);
	is_int(days.day, 9, "the day is the last whole one");
	for (int i = 0; i < 2; i++)
		q[i] = cdp_quality_new(&days);
	cdp_rand_seed(&r, 4, 0);
	for (int i = 0; i < 200000; i++) {
		int64_t s = cdp_rand_below(&r, 80000);

		if (s >= 30000 && s < 42000)
			s = 29999;
		at(q[i % 2], &name, (days.start[1] + s) * 1000 + 999);
	}
	ok(!at(q[0], &name, days.start[0] * 1000) &&
		   !at(q[0], &name, days.start[3] * 1000 - 1),
	   "what lies outside is not counted");
	ok(at(q[0], &name, days.start[3] * 1000),
	   "the first instant of the first day is");
	cdp_quality_merge(q[0], q[1]);
	cdp_quality_report(q[0], &sink);
	is_int(seen.rows, 1, "one name, one row");
	is_int((int64_t)seen.row.events, 200000, "with all events of the day");
	ok(seen.row.gap_s >= 12000 && seen.row.gap_s < 12020 &&
		   seen.row.gap_start_s == days.start[1] + 29999,
	   "the longest gap is found: %d", (int)seen.row.gap_s);
	ok(seen.row.usual_events == 0.5, "and the days before: %g",
	   seen.row.usual_events);
	cdp_quality_free(q[0]);
	cdp_zone_free(zone);
}

int main(void)
{
	percentiles();
	reasons();
	gaps();
	return tap_done();
}
