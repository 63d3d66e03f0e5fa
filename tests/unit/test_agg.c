/* Aggregates: results over known events, whatever the order and however states were
 * split, merged and written out. */
#include "aggs.h"

static void check(struct fixture *f, const char *text, const char *want)
{
	struct cdp_rand r;
	struct cdp_err err;
	int i = compile(f, text, &err), wrong = 0;
	const struct cdp_agg *a;

	if (i < 0) {
		is_str(err.msg, want, "%s is refused", text);
		return;
	}
	/* New paths want a new scanner. */
	cdp_scan_free(f->scan);
	f->scan = NULL;
	a = cdp_aggs_at(f->env.aggs, (unsigned)i);
	cdp_rand_seed(&r, 42, 0);
	for (int k = 0; k < 50 && !wrong; k++) {
		const char *got = shuffled(f, a, &r);

		wrong = strcmp(got, want) != 0;
		if (wrong)
			is_str(got, want, "%s", text);
	}
	ok(!wrong, "%s is %s in any order and split", text, want);
	cdp_eval_reset(f->ev);
}

/* Base time 2024-05-01 00:00 in Shanghai: complete days up to April 30. */
static void check_values(void)
{
	struct fixture f;

	fixture_init(&f, "Asia/Shanghai", 1714492800);
	event(&f, "2024-04-01T01:00:00.000Z", "buy", "e1", "\"amount\":0.10,\"p\":\"A\"");
	event(&f, "2024-04-02T02:00:00.000Z", "buy", "e2", "\"amount\":0.20,\"p\":\"B\"");
	event(&f, "2024-04-02T03:00:00.000Z", "buy", "e3", "\"amount\":1e2,\"p\":\"B\"");
	event(&f, "2024-04-29T16:00:00.000Z", "buy", "e4", "\"amount\":7,\"p\":\"C\"");
	event(&f, "2024-04-29T16:00:00.000Z", "buy", "e0", "\"amount\":7.0,\"p\":\"A\"");
	event(&f, "2024-04-29T15:59:59.999Z", "open", "e5", "\"p\":null,\"x\":[1,2]");
	event(&f, "2024-04-30T15:59:59.999Z", "open", "e6",
	      "\"p\":\"\\u94f6 a text that is longer than what fits in place\"");
	/* not seen: at and after the base time */
	event(&f, "2024-04-30T16:00:00.000Z", "buy", "e7", "\"amount\":1000,\"p\":\"Z\"");
	event(&f, "2024-06-30T16:00:00.000Z", "open", "e8", "\"p\":\"Z\"");

	check(&f, "count()", "7");
	check(&f, "count(event == 'buy')", "5");
	check(&f, "count(event == 'none')", "0");
	check(&f, "sum(props.amount)", "114.3");
	check(&f, "sum(props.amount, props.p == 'B')", "100.2");
	check(&f, "sum(props.amount, event == 'none')", "0");
	check(&f, "sum(props.amount * 2, event == 'buy')", "228.6");
	check(&f, "sum(props.p)", "0");
	check(&f, "avg(props.amount, props.p == 'B')", "50.1");
	check(&f, "avg(props.amount, event == 'none')", "null");
	check(&f, "avg(0.1, event == 'buy' && within('2d'))", "0.1");
	check(&f, "avg(props.amount, props.amount < 1)", "0.15");
	check(&f, "min(props.amount)", "0.10");
	check(&f, "max(props.amount)", "1e2");
	check(&f, "max(props.amount, props.amount < 50)", "7");
	check(&f, "min(props.p)", "\"A\"");
	check(&f, "min(time)", "\"2024-04-01T01:00:00.000Z\"");
	check(&f, "min(props.x)", "null");
	check(&f, "max(has(props.amount) ? props.amount : 'text')", "\"text\"");
	check(&f, "first(props.p)", "\"A\"");
	check(&f, "last(props.p)",
	      "\"\xe9\x93\xb6 a text that is longer than what fits in place\"");
	/* a tie on time goes by event_id: e0 before e4 */
	check(&f, "first(props.p, event == 'buy' && time >= date('2024-04-30'))",
	      "\"A\"");
	check(&f, "last(props.amount, event == 'buy')", "7");
	check(&f, "first(props.p, event == 'open')", "null");
	check(&f, "last(props.x)", "[1,2]");
	check(&f, "last(time, event == 'open')", "\"2024-04-30T15:59:59.999Z\"");
	check(&f, "first(props.none)", "null");
	check(&f, "distinct(props.p)", "4");
	check(&f, "distinct(props.amount)", "4");
	check(&f, "distinct(event)", "2");
	check(&f, "top(props.p)", "\"A\"");
	check(&f, "top(props.amount)", "7");
	check(&f, "top(event)", "\"buy\"");
	check(&f, "top(props.none)", "null");
	/* an error is no hit, but what decides makes errors vanish */
	check(&f, "count(props.p.startsWith('A'))", "2");
	check(&f, "count(props.p.startsWith('\xe9\x93\xb6'))", "1");
	check(&f, "count(props.p == '\xe9\x93\xb6' || props.p == 'A')", "2");
	check(&f, "count(event == 'buy' && props.amount >= 7)", "3");
	check(&f, "count(event == 'buy' && props.amount > 7.0 && props.p != 'C')", "1");
	check(&f, "count(props.p in ['A', 'C'] && event == 'buy')", "3");
	check(&f, "count(has(props.amount) && props.amount < 1)", "2");
	check(&f, "count(props.p != 'A')", "5");
	check(&f, "count(props.amount == 7)", "2");
	check(&f, "count(props.x != 'A' && props.p.startsWith(''))", "0");
	check(&f, "days()", "4");
	check(&f, "days(event == 'open')", "2");
	fixture_release(&f);
}

/* Texts in place, at its edge, on the heap, there again where they fit and where not. */
static void check_texts(void)
{
	static const char *const texts[] = {
		"b",
		"twenty-two bytes, no m",
		"c: twenty-three bytes, m",
		"forty-four bytes and two more for its id, xx",
		"forty-five bytes and two more for its id, xxy",
		"zz the longest of all of these texts, by far, wherever it lies",
		"fifty bytes and two more, so that it fits there nw",
		"a",
	};
	struct fixture f;

	fixture_init(&f, "UTC", 1714492800);
	for (int i = 0; i < 8; i++) {
		char time[40], id[16], props[100];

		snprintf(time, sizeof(time), "2024-04-0%dT00:00:00.000Z", i + 1);
		snprintf(id, sizeof(id), "e%d", i);
		snprintf(props, sizeof(props), "\"p\":\"%s\",\"n\":%d", texts[i], i);
		event(&f, time, "e", id, props);
	}
	check(&f, "min(props.p)", "\"a\"");
	check(&f, "min(props.p, props.n < 7 && props.n > 2)",
	      "\"fifty bytes and two more, so that it fits there nw\"");
	check(&f, "max(props.p)",
	      "\"zz the longest of all of these texts, by far, wherever it lies\"");
	check(&f, "max(props.p, props.n < 2)", "\"twenty-two bytes, no m\"");
	check(&f, "max(props.p, props.n in [0, 2])", "\"c: twenty-three bytes, m\"");
	check(&f, "last(props.p)", "\"a\"");
	check(&f, "last(props.p, props.n < 7)",
	      "\"fifty bytes and two more, so that it fits there nw\"");
	check(&f, "last(props.p, props.n < 5)",
	      "\"forty-five bytes and two more for its id, xxy\"");
	check(&f, "last(props.p, props.n < 4)",
	      "\"forty-four bytes and two more for its id, xx\"");
	check(&f, "first(props.p, props.n > 4)",
	      "\"zz the longest of all of these texts, by far, wherever it lies\"");
	fixture_release(&f);
}

/* Days of some weeks are kept in another form than others. */
static void check_days(void)
{
	static const char *const days[] = { "1969-12-31", "1970-01-01", "1970-01-20",
					    "2024-03-01", "2024-03-02", "2024-04-12",
					    "2024-04-13", "2024-04-30" };
	struct fixture f;

	fixture_init(&f, "UTC", 1714521600);
	for (int i = 0; i < 16; i++) {
		char time[40], id[16], n[16];

		snprintf(time, sizeof(time), "%sT0%d:00:00.000Z", days[i % 8], i / 8);
		snprintf(id, sizeof(id), "e%d", i);
		snprintf(n, sizeof(n), "\"n\":%d", i % 8);
		event(&f, time, "e", id, n);
	}
	check(&f, "days()", "8");
	check(&f, "days(props.n < 1)", "1");
	check(&f, "days(props.n < 3)", "3");
	check(&f, "days(props.n > 0 && props.n < 3)", "2");
	check(&f, "days(props.n > 2 && props.n < 6)", "3"); /* 43 days */
	check(&f, "days(props.n > 2 && props.n < 7)", "4"); /* 44 */
	check(&f, "days(props.n > 3 && props.n < 7)", "3"); /* 43 */
	check(&f, "days(props.n > 5)", "2");
	check(&f, "days(props.n in [1, 7])", "2");
	fixture_release(&f);
}

static void check_lists(void)
{
	struct fixture f;

	fixture_init(&f, "UTC", 1714492800);
	event(&f, "2024-04-01T00:00:00.000Z", "buy", "1", "\"p\":\"B\",\"m\":0.10");
	event(&f, "2024-04-02T00:00:00.000Z", "buy", "2", "\"p\":\"A\",\"m\":0.20");
	event(&f, "2024-04-03T00:00:00.000Z", "buy", "3", "\"p\":\"B\",\"m\":0.20");
	event(&f, "2024-04-04T00:00:00.000Z", "buy", "4", "\"p\":\"C\",\"m\":0.3");
	event(&f, "2024-04-05T00:00:00.000Z", "buy", "5", "\"p\":10,\"m\":-1");
	event(&f, "2024-04-06T00:00:00.000Z", "buy", "6", "\"p\":9.0,\"m\":\"x\"");
	event(&f, "2024-04-07T00:00:00.000Z", "buy", "7", "\"p\":null,\"m\":99");
	event(&f, "2024-04-08T00:00:00.000Z", "buy", "8", "\"p\":10.0,\"m\":null");
	check(&f, "values(props.p)", "[9,10,\"A\",\"B\",\"C\"]");
	check(&f, "values(props.p, 2)", "[10,\"B\"]");
	check(&f, "values(props.p, 3)", "[]");
	check(&f, "values(props.p, within('27d'))", "[9,10,\"C\"]");
	check(&f, "values(props.p, 2, props.m > 0)", "[\"B\"]");
	check(&f, "values(event == 'buy')", "[true]");
	check(&f, "top_n(props.p, 1)", "[10]");
	check(&f, "top_n(props.p, 3)", "[10,\"B\",9]");
	check(&f, "top_n(props.p, 1000)", "[10,\"B\",9,\"A\",\"C\"]");
	check(&f, "top_n(props.p, 5, 2)", "[10,\"B\"]");
	check(&f, "top_n(props.p, 1, 2, props.m > 0)", "[\"B\"]");
	check(&f, "top_n(props.none, 3)", "[]");
	/* B and C have 0.3 exactly: the smaller text; what is no number is an error */
	check(&f, "top_by_sum(props.p, props.m, 9)", "[\"B\",\"C\",\"A\",10]");
	check(&f, "top_by_sum(props.p, props.m, 1)", "[\"B\"]");
	check(&f, "top_by_sum(props.p, props.m, 9, 2)", "[\"B\"]");
	check(&f, "top_by_sum(props.p, -props.m, 2, event_id != '1')", "[10,\"A\"]");
	check(&f, "top_by_max(props.p, props.m, 9)", "[\"C\",\"A\",\"B\",10]");
	check(&f, "top_by_max(props.p, props.m, 2, 1, props.m < 0.3)", "[\"A\",\"B\"]");
	check(&f, "top_by_sum(props.p, 1e30, 1, props.p == 'A')", "[\"A\"]");
	check(&f, "top_by_sum(props.p, 1e38, 1, props.p == 'B')", "null");
	check(&f, "top_n(props.p)",
	      "1:1: top_n() takes a value, how many, how often they occur at least, and "
	      "an optional condition");
	check(&f, "top_n(props.p, 0)", "1:16: expected a number from 1 to 1000");
	check(&f, "top_n(props.p, 2, 0)", "1:19: expected a number from 1 to 1000000000");
	check(&f, "top_n(props.p, 2, 3, 4)", "1:22: expected a condition, not int");
	check(&f, "top_by_sum(props.p, 3)",
	      "1:1: top_by_sum() takes a value, a number, how many, how often they occur "
	      "at least, and an optional condition");
	check(&f, "values(props.p) + 'a'", "1:17: no such overload: list + string");
	fixture_release(&f);
}

static void check_sequences(void)
{
	struct fixture f;

	fixture_init(&f, "UTC", 1714492800);
	event(&f, "2024-04-01T00:00:00.000Z", "a", "1", "\"n\":1");
	event(&f, "2024-04-02T00:00:00.000Z", "b", "2", "\"n\":2");
	event(&f, "2024-04-03T00:00:00.000Z", "a", "3", "\"n\":3");
	event(&f, "2024-04-09T00:00:00.000Z", "c", "4", "");
	event(&f, "2024-04-09T00:00:00.000Z", "b", "5", "\"n\":5");
	event(&f, "2024-04-20T00:00:00.000Z", "d", "6", "");
	check(&f, "sequence(['a', 'b'])", "true");
	check(&f, "sequence(['b', 'a'])", "true");
	check(&f, "sequence(['c', 'a'])", "false");
	check(&f, "sequence(['a', 'b', 'c', 'd'])", "true");
	check(&f, "sequence(['a', 'b', 'a', 'b', 'd'])", "true");
	check(&f, "sequence(['a', 'a'])", "true");
	check(&f, "sequence(['a', 'a', 'a'])", "false"); /* there are two */
	check(&f, "sequence(['a', 'c'], '6d')", "true"); /* from the later a */
	check(&f, "sequence(['a', 'c'], '143h')", "false");
	check(&f, "sequence(['a', 'b', 'c'], '7d')", "true");
	check(&f, "sequence(['a', 'b', 'c'], '6d')", "true"); /* b, c in one tick */
	check(&f, "sequence(['a', 'b', 'c'], '5d')", "false");
	check(&f, "sequence(['c', 'b'], '1ms')", "true");
	check(&f, "sequence(['b', 'c'], '1ms')", "true");
	check(&f, "sequence([props.n < 3, props.n >= 3 && event != 'a'])", "true");
	check(&f, "sequence([event == 'a', 'b'], '1d', props.n < 3)", "true");
	check(&f, "sequence(['a', 'b'], '1d', props.n > 1)", "false");
	check(&f, "sequence(['a', 'b'], within('28d'))", "true");
	check(&f, "sequence(['a', 'd'], '20d', within('29d') && event != 'c')", "true");
	check(&f, "sequence(['a', 'd'], within('27d'))", "false");
	check(&f, "sequence(['a'])",
	      "1:1: sequence() takes a list of 2 to 16 steps, a window and an optional "
	      "condition");
	check(&f, "sequence('a', 'b')",
	      "1:1: sequence() takes a list of 2 to 16 steps, a window and an optional "
	      "condition");
	check(&f, "sequence(['a', 'b'], '7')",
	      "1:22: invalid duration '7': expected a unit (ns, us, ms, s, m, h, d, w)");
	check(&f, "sequence(['a', 'b'], '7d', true, true)",
	      "1:1: sequence() has too many arguments");
	check(&f, "sequence(['a', 7])", "1:16: expected a condition, not int");
	fixture_release(&f);
}

static void check_windows(void)
{
	struct fixture f;

	fixture_init(&f, "Asia/Shanghai", 1714492800); /* midnight of May 1 */
	event(&f, "2024-03-31T15:59:59.999Z", "a", "1", "");
	event(&f, "2024-03-31T16:00:00.000Z", "a", "2", ""); /* April 1 00:00 */
	event(&f, "2024-04-29T15:59:59.999Z", "a", "3", "");
	event(&f, "2024-04-29T16:00:00.000Z", "a", "4", ""); /* April 30 00:00 */
	event(&f, "2024-04-30T15:59:59.999Z", "a", "5", "");
	event(&f, "2024-04-30T16:00:00.000Z", "a", "6", ""); /* May 1 00:00 */
	event(&f, "2024-05-01T03:59:59.999Z", "a", "7", "");
	check(&f, "count(within('1d'))", "2");
	check(&f, "count(within('30d'))", "4");
	check(&f, "count(within('31d'))", "5");
	check(&f, "count(within('24h'))", "2");
	check(&f, "count(within('24h1ms'))", "3");
	check(&f, "count(event == 'a' && within('1d'))", "2");
	check(&f, "count(within('1d') && event == 'a' && one_id != 'x')", "0");
	check(&f, "last(event_id, (within('2d') && event == 'a') && true)", "\"5\"");
	check(&f, "days(within('30d'))", "3");
	/* The window before another: it ends where that begins. */
	check(&f, "count(within('31d', '30d'))", "1");
	check(&f, "count(within('2d', '1d'))", "1");
	check(&f, "last(event_id, within('2d', '1d') && event == 'a')", "\"3\"");
	check(&f, "count(within('30d', '2d'))", "1");
	check(&f, "count(within('2d'))", "3");
	check(&f, "count(within('5w', '4w'))", "2");
	fixture_release(&f);

	/* Noon of May 1: today counts as one of the days. */
	fixture_init(&f, "Asia/Shanghai", 1714492800 + 12 * 3600);
	event(&f, "2024-04-30T15:59:59.999Z", "a", "5", "");
	event(&f, "2024-04-30T16:00:00.000Z", "a", "6", "");
	event(&f, "2024-05-01T03:59:59.999Z", "a", "7", "");
	event(&f, "2024-05-01T04:00:00.000Z", "a", "8", "");
	check(&f, "count(within('1d'))", "2");
	check(&f, "count(within('2d'))", "3");
	check(&f, "count(within('12h'))", "2");
	check(&f, "count(within('2d', '1d'))", "1");
	fixture_release(&f);

	/* Days are civil: the one that loses an hour is one of them (New York, March
	 * 10). Base time 2024-03-11T00:00-04:00. */
	fixture_init(&f, "America/New_York", 1710129600);
	event(&f, "2024-03-10T04:59:59.999Z", "a", "1", "");
	event(&f, "2024-03-10T05:00:00.000Z", "a", "2", "");
	check(&f, "count(within('1d'))", "1");
	check(&f, "count(within('24h'))", "2");
	fixture_release(&f);
}

/* The value is what orders the events. */
static void check_times(void)
{
	struct fixture f;

	fixture_init(&f, "Asia/Shanghai", 1714492800);
	event(&f, "2024-04-02T10:00:00.120+08:00", "a", "1", "");
	event(&f, "2024-04-02T02:00:00.1201Z", "a", "9", "");
	event(&f, "2024-04-02T02:00:00.120000001Z", "a", "5", "");
	event(&f, "2024-04-02T02:00:00.12Z", "b", "2", "");
	event(&f, "2024-04-03T02:00:00Z", "b", "3", "");
	event(&f, "2024-04-03T04:00:00+02:00", "b", "1", "");
	check(&f, "first(time)", "\"2024-04-02T02:00:00.120Z\"");
	check(&f, "last(time, event == 'a')", "\"2024-04-02T02:00:00.1201Z\"");
	check(&f, "last(time)", "\"2024-04-03T02:00:00.000Z\"");
	check(&f, "last(time, event == 'none')", "null");
	fixture_release(&f);
}

static void check_refused(void)
{
	struct fixture f;

	fixture_init(&f, "UTC", 1714492800);
	check(&f, "count(within('30'))",
	      "1:14: invalid duration '30': expected a unit (ns, us, ms, s, m, h, d, w)");
	check(&f, "count(within(30))",
	      "1:7: within() takes a constant, as in within('30d')");
	check(&f, "count(within('-1d'))", "1:14: within() must be above zero");
	check(&f, "count(within('30d', '60d'))",
	      "1:7: within() of two takes days, the more distant first, as in "
	      "within('60d', '30d')");
	check(&f, "count(within('60d', '24h'))",
	      "1:7: within() of two takes days, the more distant first, as in "
	      "within('60d', '30d')");
	check(&f, "count(within('60d', 30))",
	      "1:7: within() takes a constant, as in within('30d')");
	check(&f, "count(within('1d') && within('2d'))", "1:1: count() has two windows");
	check(&f, "count(within('1d') || true)",
	      "1:7: within() must be one of the conditions that && joins in an "
	      "aggregate, as in count(event == 'a' && within('30d'))");
	check(&f, "sum()", "1:1: sum() takes a value and an optional condition");
	check(&f, "count(true, true)", "1:1: count() takes an optional condition");
	check(&f, "sum(time)", "1:5: expected a number, not timestamp");
	check(&f, "avg(day(time), event == 'a')", "1:5: expected a number, not string");
	check(&f, "top_by_max(event, sent, 1)", "1:19: expected a number, not timestamp");
	check(&f, "count('buy')", "1:7: expected a condition, not string");
	check(&f, "1 +\n sum(props.x, evnt == 'a')",
	      "2:15: unknown name 'evnt'; did you mean 'event'?");
	check(&f, "count(count() > 1)",
	      "1:7: count() needs the events of a customer, which are not at hand here");
	is_int(cdp_aggs_count(f.env.aggs), 0, "what is refused leaves nothing behind");
	fixture_release(&f);
}

static void check_sharing(void)
{
	struct fixture f;
	struct cdp_err err;
	size_t n;

	fixture_init(&f, "UTC", 1714492800);
	compile(&f,
		"count(event=='a'&&within('7d')) > 1 && count( within('1w') &&"
		" event == \"a\" ) < 9",
		&err);
	is_int(cdp_aggs_count(f.env.aggs), 1, "equal aggregates are one");
	compile(&f, "count(event == 'a') > 1 && sum(props.x, event == 'a') > 1", &err);
	is_int(cdp_aggs_count(f.env.aggs), 3, "different ones are not");
	is_str(cdp_aggs_at(f.env.aggs, 0)->text, "count(event == 'a' && within('7d'))",
	       "an aggregate has a canonical text");
	is_str(cdp_agg_events(cdp_aggs_at(f.env.aggs, 2), &n)[0], "a",
	       "an aggregate knows its event");
	is_int((int64_t)n, 1, "and no other");
	compile(&f, "sequence(['b', event in ['c', 'b']], '7d')", &err);
	is_int(cdp_aggs_count(f.env.aggs), 4, "a sequence is one");
	is_str(cdp_agg_events(cdp_aggs_at(f.env.aggs, 3), &n)[1], "c",
	       "a sequence knows the events of its steps");
	is_int((int64_t)n, 2, "each once");
	compile(&f, "sequence(['b', event in ['c', \"b\"]], '1w')", &err);
	is_int(cdp_aggs_count(f.env.aggs), 4, "sequences are shared");
	fixture_release(&f);
}

static int answer(void *host, unsigned agg, struct cdp_value *out, struct cdp_err *err)
{
	struct cdp_value *values = host;

	(void)err;
	*out = values[agg];
	return 0;
}

/* What an expression over the aggregates of two events gives, or its error. */
static void check_whole(const char *text, const char *want)
{
	struct fixture f;
	char state[4][64] = { { 0 } };
	struct cdp_value values[4], v;
	struct cdp_err err;
	struct cdp_buf b;

	fixture_init(&f, "UTC", 1714492800);
	event(&f, "2024-04-01T00:00:00.000Z", "x", "1", "\"a\":0.3,\"b\":0.1");
	event(&f, "2024-04-03T12:00:00.000Z", "x", "2", "\"a\":0.3,\"b\":0.2");
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	if (compile(&f, text, &err) < 0)
		cdp_buf_adds(&b, err.msg);
	for (unsigned i = 0; i < cdp_aggs_count(f.env.aggs) && i < 4; i++) {
		const struct cdp_agg *a = cdp_aggs_at(f.env.aggs, i);

		feed(&f, a, state[i], f.lines[0]);
		feed(&f, a, state[i], f.lines[1]);
		cdp_agg_result(a, state[i], f.ev, &values[i]);
	}
	cdp_eval_set_aggs(f.ev, answer, values);
	if (f.expr && cdp_expr_value(f.expr, f.ev, NULL, &v, &err) == 0)
		cdp_value_json(&b, &v);
	else if (f.expr)
		cdp_buf_adds(&b, err.msg);
	is_str(cdp_buf_str(&b), want, "%s", text);
	cdp_buf_release(&b);
	for (unsigned i = 0; i < cdp_aggs_count(f.env.aggs) && i < 4; i++)
		cdp_agg_release(cdp_aggs_at(f.env.aggs, i), state[i]);
	fixture_release(&f);
}

/* Sums are exact against each other; the expression sees what the tool answers. */
static void check_expressions(void)
{
	check_whole("sum(props.a) - sum(props.b)", "0.3");
	check_whole("sum(props.a) * 3", "1.8");
	check_whole("sum(props.b) * sum(props.b)", "0.09");
	check_whole("sum(props.b) / count()", "0.15");
	check_whole("sum(props.b) / 3", "0.1");
	check_whole("sum(props.b) / count(event == 'none')", "division by zero");
	check_whole("sum(props.b) / 0.0", "division by zero");
	check_whole("count() / sum(props.b, event == 'none')", "division by zero");
	/* two ints divide to an int, as the specification has it */
	check_whole("count(event_id == '1') / count()", "0");
	check_whole("ratio(count(event_id == '1'), count())", "0.5");
	check_whole("ratio(count(), count(event == 'none'))", "division by zero");
	check_whole("ratio(avg(props.a, event == 'none'), 2)",
		    "no such overload: ratio(null, int)");
	check_whole("double(count()) / 4", "0.5");
	check_whole("last(time) - first(time)", "\"216000s\"");
	check_whole("last(props) == first(props) || last(props).b == 0.2", "true");
	check_whole("top_by_sum(props.a, props.b, 1)[0]", "0.3");
	check_whole("top_n(props.b, 1, 2)[0]", "invalid list index");
	check_whole("values(props.b).all(b, b < 1) && size(values(props.b)) == 2",
		    "true");
	check_whole("!sequence(['x', 'y'])", "true");
	check_whole("!sequence(['none', 'nor'])", "true");
	check_whole("!sequence(['x', 'x'], '1d')", "true");
	check_whole("!sequence(['x', 'x'], '3d')", "false");
	/* types that are known are held against each other when compiled */
	check_whole("count() + 'a'", "1:9: no such overload: int + string");
	check_whole("sum(props.a) == 'a'", "1:14: no such overload: double == string");
	check_whole("avg(props.a) && true", "1:1: expected a condition, not double");
	check_whole("values(props.a) > 1", "1:17: no such overload: list > int");
	check_whole("avg(props.a) == null || sum(props.b) > 0.25", "true");
}

static void check_errors(void)
{
	struct fixture f;
	struct cdp_err err;
	const struct cdp_agg *a;
	char state[64] = { 0 };
	static const struct {
		const char *p;
		size_t n;
		const char *what;
	} bad[] = { { "", 0, "nothing" },
		    { "\2", 1, "a scale" },
		    { "\23\1\2", 3, "a scale above 18" },
		    { "\2\1\xff", 3, "a number cut off" },
		    { "\2\1\2\0\0", 5, "more than two halves" } };

	fixture_init(&f, "UTC", 1714492800);
	compile(&f, "sum(props.x)", &err);
	a = cdp_aggs_at(f.env.aggs, 0);
	event(&f, "2024-04-01T00:00:00.000Z", "x", "1", "\"x\":\"12\"");
	event(&f, "2024-04-01T00:00:00.000Z", "x", "2", "\"y\":12");
	event(&f, "2024-04-01T00:00:00.000Z", "x", "3", "\"x\":1e300");
	event(&f, "2024-04-01T00:00:00.000Z", "x", "4", "\"x\":12.50");
	event(&f, "2024-04-01T00:00:00.000Z", "x", "5", "\"x\":null");
	is_int(feed(&f, a, state, f.lines[0]), -1, "a string is no number to add");
	is_int(feed(&f, a, state, f.lines[1]), -1, "a missing member is an error");
	is_int(feed(&f, a, state, f.lines[2]), -1, "1e300 is no decimal");
	is_int(feed(&f, a, state, f.lines[3]), 1, "12.50 counts");
	is_int(feed(&f, a, state, f.lines[4]), -1, "null is no number to add");
	is_str(result_text(&f, a, state), "12.5", "the sum has what counted");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char zero[64] = { 0 };

		is_int(cdp_agg_read(a, zero, bad[i].p, bad[i].n, &err), -1,
		       "%s is no partial of a sum", bad[i].what);
	}
	fixture_release(&f);
}

int main(void)
{
	check_values();
	check_texts();
	check_days();
	check_lists();
	check_sequences();
	check_windows();
	check_times();
	check_refused();
	check_sharing();
	check_expressions();
	check_errors();
	return tap_done();
}
