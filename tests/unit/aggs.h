/* One customer's events for the tests of aggregates, fed in any order and split. */
#ifndef CDP_TESTS_AGGS_H
#define CDP_TESTS_AGGS_H

#include "tap.h"

#include "base/rand.h"
#include "lang/agg.h"
#include "record/head.h"
#include "record/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_MAX = 64 };

struct fixture {
	struct cdp_run run;
	struct cdp_env event_env, env;
	struct cdp_scan *scan;
	struct cdp_eval *ev;
	struct cdp_expr *expr; /* the last one compiled */
	char block[1 << 14];
	char *lines[EVENTS_MAX];
	size_t n;
};

static inline void fixture_init(struct fixture *f, const char *zone, int64_t as_of)
{
	struct cdp_err err;

	memset(f, 0, sizeof(*f));
	f->run.zone = cdp_zone_load(zone, &err);
	f->run.as_of.s = as_of;
	f->event_env.paths = cdp_paths_new();
	f->event_env.members = cdp_event_members;
	f->env.aggs = cdp_aggs_new();
	f->env.event_env = &f->event_env;
	f->env.roots = (const char *const[]){ "tags", NULL };
	f->ev = cdp_eval_new(&f->run);
}

static inline void fixture_release(struct fixture *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->lines[i]);
	cdp_expr_free(f->expr);
	cdp_aggs_free(f->env.aggs);
	cdp_eval_free(f->ev);
	cdp_scan_free(f->scan);
	cdp_paths_free(f->event_env.paths);
	cdp_zone_free((struct cdp_zone *)f->run.zone);
}

static inline void event(struct fixture *f, const char *time, const char *name,
			 const char *id, const char *props)
{
	f->lines[f->n++] =
		cdp_asprintf("{\"time\":\"%s\",\"event\":\"%s\",\"event_id\":\"%s\","
			     "\"props\":{%s}}\n",
			     time, name, id, props);
}

/* Compile; the aggregate's index, or -1 with the message. */
static inline int compile(struct fixture *f, const char *text, struct cdp_err *err)
{
	cdp_expr_free(f->expr);
	f->expr = NULL;
	if (cdp_expr_compile(&f->expr, text, strlen(text), &f->env, err) < 0)
		return -1;
	return cdp_aggs_bind(f->env.aggs, &f->run, err) < 0
		       ? -1
		       : (int)cdp_aggs_count(f->env.aggs) - 1;
}

/* Events that have a name by which the aggregate is found need no evaluator for most
 * conditions. */
static inline void check_meets(struct fixture *f, const struct cdp_agg *a,
			       struct cdp_rec *rec)
{
	size_t names;
	const char *const *name = cdp_agg_events(a, &names);
	bool found = names == 0;
	int want, got;

	for (size_t i = 0; i < names; i++)
		found |= cdp_val_is(cdp_rec_get(rec, CDP_SLOT_EVENT), name[i],
				    strlen(name[i]));
	if (!a->cond || !found)
		return;
	want = cdp_expr_match(a->cond, f->ev, rec, NULL);
	got = cdp_agg_meets(a, f->ev, rec);
	if (got != want)
		ok(false, "%s: %d, not %d for %.*s", a->text, want, got, (int)rec->len,
		   rec->raw);
}

/* 1, 0, -1 as cdp_agg_add. */
static inline int feed(struct fixture *f, const struct cdp_agg *a, void *state,
		       const char *line)
{
	struct cdp_err err;
	struct cdp_rec rec;
	size_t n = strlen(line);
	int64_t ms;

	if (!f->scan)
		f->scan = cdp_scan_new(f->event_env.paths);
	memset(f->block, 0, sizeof(f->block));
	memcpy(f->block, line, n);
	cdp_scan_block(f->scan, f->block, n);
	if (cdp_scan_next(f->scan, &rec, &err) != 1)
		return -2;
	if (cdp_rec_time_ms(&rec, &ms, &err) < 0)
		return -2;
	check_meets(f, a, &rec);
	/* Whether the reason is asked for or not. */
	return cdp_agg_add(a, state, f->ev, &rec, ms, n % 2 ? &err : NULL);
}

static inline const char *result_text(struct fixture *f, const struct cdp_agg *a,
				      const void *state)
{
	static char text[2000];
	struct cdp_value v;
	struct cdp_buf b, plain;

	cdp_buf_init(&b, sizeof(text) - 1);
	cdp_buf_init(&plain, sizeof(text) - 1);
	cdp_agg_result(a, state, f->ev, &v);
	cdp_value_json(&b, &v);
	if (cdp_agg_json(a, state, &plain) > 0 &&
	    (plain.n != b.n || memcmp(plain.p, b.p, b.n) != 0))
		ok(false, "%s: %.*s, but from its state %.*s", a->text, (int)b.n, b.p,
		   (int)plain.n, plain.p);
	cdp_buf_release(&plain);
	memcpy(text, b.p, b.n);
	text[b.n] = '\0';
	cdp_buf_release(&b);
	return text;
}

/* Through bytes and back, as a partial file does. */
static inline bool rewrite(const struct cdp_agg *a, void *state)
{
	struct cdp_buf one, two;
	struct cdp_err err;
	bool same;

	cdp_buf_init(&one, CDP_BUF_NOMAX);
	cdp_buf_init(&two, CDP_BUF_NOMAX);
	cdp_agg_write(a, state, &one);
	cdp_agg_release(a, state);
	same = cdp_agg_read(a, state, one.p, one.n, &err) == 0;
	cdp_agg_write(a, state, &two);
	same = same && one.n == two.n && memcmp(one.p, two.p, one.n) == 0;
	cdp_buf_release(&one);
	cdp_buf_release(&two);
	return same;
}

/* All events in a random order, split over some states, some of them written out, merged
 * in a random order. */
static inline const char *shuffled(struct fixture *f, const struct cdp_agg *a,
				   struct cdp_rand *r)
{
	size_t size = cdp_agg_size(a), parts = 1 + cdp_rand_below(r, 5);
	char *states = cdp_calloc(parts, size);
	const char *text;
	size_t order[EVENTS_MAX];

	for (size_t i = 0; i < f->n; i++) {
		size_t j = cdp_rand_below(r, i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	for (size_t i = 0; i < f->n; i++)
		feed(f, a, states + size * cdp_rand_below(r, parts), f->lines[order[i]]);
	for (size_t p = parts - 1; p > 0; p--) {
		if (cdp_rand_below(r, 2) && !rewrite(a, states + size * p))
			ok(false, "a partial of %s survives being written", a->text);
		cdp_agg_merge(a, states + size * cdp_rand_below(r, p), states + size * p);
	}
	text = result_text(f, a, states);
	cdp_agg_release(a, states);
	free(states);
	return text;
}

#endif
