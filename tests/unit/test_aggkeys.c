/* Aggregates told apart by a member's text: who has a key, and that a store with keys
 * counts as each aggregate alone. */
#include "base/buf.h"
#include "io/in.h"
#include "model/aggkeys.h"
#include "model/aggstore.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CODES = 50, EVENTS = 4000, PEOPLE = 5 };

static uint32_t seed = 1;

static uint32_t dice(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* `N` in the text is the number. */
static void add(struct cdp_aggs *aggs, struct cdp_paths *paths, const char *pattern,
		unsigned i)
{
	static const char *const none[] = { NULL };
	struct cdp_env events = { .paths = paths, .members = cdp_event_members };
	struct cdp_env env = {
		.paths = paths, .members = none, .aggs = aggs, .event_env = &events
	};
	char text[256];
	struct cdp_expr *e;
	struct cdp_err err;
	size_t n;

	n = strcspn(pattern, "N");
	snprintf(text, sizeof(text), "%.*s", (int)n, pattern);
	if (pattern[n])
		snprintf(text + n, sizeof(text) - n, "%u%s", i, pattern + n + 1);
	if (cdp_expr_compile(&e, text, strlen(text), &env, &err) < 0)
		ok(false, "%s: %s", text, err.msg);
	else
		cdp_expr_free(e);
}

static void add_all(struct cdp_aggs *aggs, struct cdp_paths *paths)
{
	for (unsigned i = 0; i < CODES; i++) {
		add(aggs, paths, "count(event == 'buy' && props.p == 'FN')", i);
		add(aggs, paths,
		    "sum(props.n, props.p == 'FN' && event in ['buy','sell'])", i);
		add(aggs, paths,
		    "last(props.n, event == 'buy' && props.c == 'app' && props.p == "
		    "'FN')",
		    i);
	}
	add(aggs, paths, "count(event == 'buy')", 0);
	add(aggs, paths, "count(event == 'sell' && props.p == 'F1')", 0);
	add(aggs, paths, "count(props.p == 'F1')", 0);
	add(aggs, paths, "count(event == 'buy' && (props.p == 'F2' || props.n > 5))", 0);
}

static void choice(void)
{
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_aggs *aggs = cdp_aggs_new();
	struct cdp_aggkey *keys;
	struct cdp_err err;
	unsigned n;
	int p;

	add_all(aggs, paths);
	p = cdp_paths_add(paths, "props.p", 7, &err);
	keys = cdp_aggkeys_choose(aggs);
	n = cdp_aggs_count(aggs);
	is_int(keys[0].slot, p, "one of many texts on the same event is a key");
	ok(keys[0].n == 2 && memcmp(keys[0].p, "F0", 2) == 0, "and is that text");
	is_int(keys[2].slot, p, "of two members it is the one with more texts");
	is_int(keys[n - 4].slot, -1, "an event's name is none");
	is_int(keys[n - 3].slot, -1, "nor is one of few texts");
	is_int(keys[n - 2].slot, -1, "nor one without an event");
	is_int(keys[n - 1].slot, -1, "nor what may be otherwise");
	free(keys);
	cdp_aggs_free(aggs);
	cdp_paths_free(paths);
}

static size_t make_event(char *line, size_t size)
{
	static const char *const names[] = { "buy", "s\\u0065ll", "sell", "look" };
	static const char *const from[] = { "\"p\":\"F", "\"p\":\"\\u0046",
					    "\"p\":", "\"q\":\"F" };
	static const char *const to[] = { "\",", "\",", ",", "\"," };
	unsigned form = dice(8) < 5 ? 0 : dice(4);
	char p[32];
	int n;

	snprintf(p, sizeof(p), "%s%u%s", from[form], dice(CODES + 5), to[form]);
	n = snprintf(line, size, "{\"event\":\"%s\",\"props\":{%s\"c\":\"%s\",\"n\":%u}}",
		     names[dice(4)], p, dice(2) ? "app" : "web", dice(100));
	memset(line + n, 0, CDP_IN_PAD);
	return (size_t)n;
}

static char *result(const struct cdp_aggs *aggs, unsigned i, const void *state,
		    struct cdp_eval *ev)
{
	struct cdp_value v;
	struct cdp_buf b;
	char *text;
	size_t n;

	cdp_agg_result(cdp_aggs_at(aggs, i), state, ev, &v);
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_value_json(&b, &v);
	cdp_buf_str(&b);
	text = cdp_buf_detach(&b, &n);
	cdp_buf_release(&b);
	return text;
}

static void counting(void)
{
	struct cdp_run run = { .as_of = { 1714521600, 0 } };
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_aggs *aggs = cdp_aggs_new();
	struct cdp_eval *ev = cdp_eval_new(&run);
	struct cdp_aggplan *plan;
	struct cdp_aggstore *store;
	struct cdp_scan *scan;
	unsigned n, bad = 0, some = 0;
	void **alone;
	struct cdp_err err;

	add_all(aggs, paths);
	cdp_aggs_open(aggs);
	n = cdp_aggs_count(aggs);
	plan = cdp_aggplan_new(aggs);
	store = cdp_aggstore_new(plan);
	scan = cdp_scan_new(paths);
	alone = cdp_calloc((size_t)n * PEOPLE, sizeof(*alone));
	for (unsigned i = 0; i < n * PEOPLE; i++)
		alone[i] = cdp_calloc(1, cdp_agg_size(cdp_aggs_at(aggs, i % n)));
	for (unsigned k = 0; k < EVENTS; k++) {
		char line[256 + CDP_IN_PAD];
		struct cdp_rec rec = { 0 };
		uint32_t who = dice(PEOPLE);
		uint64_t errors = 0;

		cdp_scan_block(scan, line, make_event(line, 256));
		if (cdp_scan_next(scan, &rec, &err) != 1)
			ok(false, "%s", err.msg);
		cdp_aggstore_add(
			store, who,
			cdp_aggplan_route(plan, cdp_rec_get(&rec, CDP_SLOT_EVENT)), ev,
			&rec, k, &errors);
		for (unsigned i = 0; i < n; i++)
			cdp_agg_add(cdp_aggs_at(aggs, i), alone[who * n + i], ev, &rec, k,
				    &err);
		cdp_eval_reset(ev);
	}
	for (unsigned i = 0; i < n * PEOPLE; i++) {
		char *want = result(aggs, i % n, alone[i], ev);
		char *got =
			result(aggs, i % n, cdp_aggstore_state(store, i / n, i % n), ev);

		bad += strcmp(want, got) != 0;
		some += strcmp(want, "0") != 0 && strcmp(want, "null") != 0;
		free(want);
		free(got);
		cdp_agg_release(cdp_aggs_at(aggs, i % n), alone[i]);
		free(alone[i]);
	}
	is_int(bad, 0, "with keys the results are those of each aggregate alone");
	ok(some > n * PEOPLE / 2, "and most are something");
	free(alone);
	cdp_scan_free(scan);
	cdp_aggstore_free(store);
	cdp_aggplan_free(plan);
	cdp_eval_free(ev);
	cdp_aggs_free(aggs);
	cdp_paths_free(paths);
}

/* What is asked of events with this name by one aggregate alone. */
static bool reads_on(const char *text, const char *event)
{
	struct cdp_val v = { .p = event,
			     .n = (uint32_t)strlen(event),
			     .type = CDP_STRING };
	struct cdp_aggs *aggs = cdp_aggs_new();
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_aggplan *plan;
	bool on;

	add(aggs, paths, text, 0);
	plan = cdp_aggplan_new(aggs);
	on = cdp_aggplan_reads_on(plan, cdp_aggplan_route(plan, &v));
	cdp_aggplan_free(plan);
	cdp_aggs_free(aggs);
	cdp_paths_free(paths);
	return on;
}

static void heads(void)
{
	ok(!reads_on("count()", "a"), "a count reads heads alone");
	ok(!reads_on("count(event in ['a','b'])", "a"), "so it does of some names");
	ok(!reads_on("days(event == 'a')", "a"), "and days");
	ok(reads_on("sum(props.n)", "a"), "a sum reads on");
	ok(reads_on("sum(props.n, event == 'a')", "a"), "of the events that it is of");
	ok(!reads_on("sum(props.n, event == 'a')", "b"), "but not of others");
	ok(reads_on("count(event == 'a' && props.p == 'F')", "a"), "conditions may, too");
	ok(reads_on("top_by_sum(event, props.n, 3, 1)", "a"), "and what ranks");
	ok(!reads_on("sequence(['a', 'b'], '7d')", "a"), "steps of names do not");
	ok(reads_on("sequence(['a', props.n > 1], '7d')", "a"), "others do");
}

int main(void)
{
	choice();
	counting();
	heads();
	return tap_done();
}
