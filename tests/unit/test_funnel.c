/* The funnel engine against an oracle that enumerates chains, and the published vectors.
 */
#include "model/funnel_set.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct oracle {
	const struct cdp_funnel_spec *spec;
	const struct cdp_funnel_event *ev;
	size_t n;
	bool used[16];
	int64_t ms[CDP_FUNNEL_STEPS_MAX];
	struct cdp_funnel_user best;
};

/* Whether chain a is preferred to b, both of the same level. */
static bool better(const struct oracle *o, const int64_t *a, const int64_t *b,
		   unsigned level)
{
	unsigned k;

	if (o->spec->first_chain) {
		for (k = 0; k < level; k++)
			if (a[k] != b[k])
				return a[k] < b[k];
		return false;
	}
	if (a[level - 1] != b[level - 1])
		return a[level - 1] < b[level - 1];
	if (a[0] != b[0])
		return a[0] > b[0];
	for (k = 1; k < level; k++)
		if (a[k] != b[k])
			return a[k] < b[k];
	return false;
}

static bool may_follow(const struct oracle *o, int64_t prev, int64_t ms)
{
	if (ms < prev || (o->spec->tie_strict && ms == prev))
		return false;
	if (o->spec->strict)
		for (size_t i = 0; i < o->n; i++)
			if (o->ev[i].ms > prev && o->ev[i].ms < ms)
				return false;
	return true;
}

static void extend(struct oracle *o, unsigned k)
{
	if (k > o->best.level ||
	    (k == o->best.level && k > 0 && better(o, o->ms, o->best.ms, k))) {
		o->best.level = k;
		memcpy(o->best.ms, o->ms, sizeof(o->ms));
	}
	if (k == o->spec->steps)
		return;
	for (size_t i = 0; i < o->n; i++) {
		if (o->used[i] || !(o->ev[i].mask >> k & 1))
			continue;
		if (k > 0 && !may_follow(o, o->ms[k - 1], o->ev[i].ms))
			continue;
		if (k > 0 && o->spec->window_ms != CDP_FUNNEL_NO_WINDOW &&
		    o->ev[i].ms - o->ms[0] > o->spec->window_ms)
			continue;
		o->used[i] = true;
		o->ms[k] = o->ev[i].ms;
		extend(o, k + 1);
		o->used[i] = false;
	}
}

static uint64_t rng = 88172645463325252ULL;
static unsigned rnd(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned)(rng % n);
}

static int cmp_ms(const void *a, const void *b)
{
	const struct cdp_funnel_event *x = a, *y = b;

	return x->ms < y->ms ? -1 : x->ms > y->ms;
}

static bool agrees(const struct cdp_funnel_spec *spec, const struct cdp_funnel_event *ev,
		   size_t n)
{
	struct oracle o = { .spec = spec, .ev = ev, .n = n };
	struct cdp_funnel_user u;

	extend(&o, 0);
	cdp_funnel_user(spec, ev, n, &u);
	if (u.level == o.best.level &&
	    memcmp(u.ms, o.best.ms, u.level * sizeof(*u.ms)) == 0)
		return true;
	printf("# steps %u window %lld strict %d tie_strict %d first %d: level %u, want "
	       "%u\n",
	       spec->steps, (long long)spec->window_ms, spec->strict, spec->tie_strict,
	       spec->first_chain, u.level, o.best.level);
	for (size_t i = 0; i < n; i++)
		printf("#   %lld mask %x\n", (long long)ev[i].ms, ev[i].mask);
	for (unsigned k = 0; k < u.level; k++)
		printf("#   step %u at %lld, want %lld\n", k + 1, (long long)u.ms[k],
		       (long long)o.best.ms[k]);
	return false;
}

/* With tie_order, ties are what they are without them when time is the position.  (Latest
 * starts of one instant differ by position only, so their times may.) */
static bool agrees_in_order(struct cdp_funnel_spec spec,
			    const struct cdp_funnel_event *ev, size_t n)
{
	struct cdp_funnel_event apart[8];
	struct cdp_funnel_user u, v;

	spec.window_ms = CDP_FUNNEL_NO_WINDOW;
	spec.tie_strict = false;
	memcpy(apart, ev, n * sizeof(*ev));
	for (size_t i = 0; i < n; i++)
		apart[i].ms = (int64_t)i;
	cdp_funnel_user(&spec, apart, n, &v);
	spec.tie_order = true;
	cdp_funnel_user(&spec, ev, n, &u);
	for (unsigned k = 0; spec.first_chain && k < u.level && k < v.level; k++)
		if (u.ms[k] != ev[v.ms[k]].ms)
			return false;
	return u.level == v.level;
}

static void random_histories(void)
{
	unsigned bad = 0, disordered = 0;

	for (unsigned round = 0; round < 60000 && bad < 3; round++) {
		struct cdp_funnel_event ev[8];
		size_t n = rnd(9);
		struct cdp_funnel_spec spec = {
			.steps = 1 + rnd(4),
			.window_ms = rnd(3) ? (int64_t)rnd(8) : CDP_FUNNEL_NO_WINDOW,
			.strict = rnd(3) == 0,
			.tie_strict = rnd(3) == 0,
			.first_chain = rnd(2),
		};
		unsigned span = 2 + rnd(12), overlap = rnd(2);

		for (size_t i = 0; i < n; i++)
			ev[i] = (struct cdp_funnel_event){
				.ms = (int64_t)rnd(span) - 3,
				.mask = overlap ? rnd(16) : 1u << rnd(5),
			};
		qsort(ev, n, sizeof(*ev), cmp_ms);
		for (size_t i = 0; i < n; i++)
			ev[i].mask &= (1u << spec.steps) - 1;
		bad += !agrees(&spec, ev, n);
		disordered += !agrees_in_order(spec, ev, n);
	}
	is_int(bad, 0, "level and times agree with an enumeration of all chains");
	is_int(disordered, 0, "in order of arrival ties are events one after another");
}

/* A history as text: "100:A 210:B"; without times one second apart. */
static unsigned level_of(const char *steps, const char *history,
			 struct cdp_funnel_spec spec, int64_t *seconds)
{
	struct cdp_funnel_event ev[32];
	struct cdp_funnel_user u;
	size_t n = 0;
	long at = 0;

	spec.steps = (unsigned)strlen(steps);
	for (const char *p = history; *p; p++) {
		if (*p == ' ')
			continue;
		if (*p >= '0' && *p <= '9') {
			char *end;

			at = strtol(p, &end, 10);
			p = end + 1;
		} else {
			at++;
		}
		ev[n] = (struct cdp_funnel_event){ .ms = at * 1000 };
		for (unsigned k = 0; k < spec.steps; k++)
			ev[n].mask |= (uint32_t)(steps[k] == *p) << k;
		n++;
	}
	qsort(ev, n, sizeof(*ev), cmp_ms);
	cdp_funnel_user(&spec, ev, n, &u);
	if (seconds)
		*seconds = (u.ms[u.level - 1] - u.ms[0]) / 1000;
	return u.level;
}

static void vectors(void)
{
	struct cdp_funnel_spec any = { .window_ms = CDP_FUNNEL_NO_WINDOW };
	struct cdp_funnel_spec w50 = { .window_ms = 50000 };
	struct cdp_funnel_spec strict = { .window_ms = CDP_FUNNEL_NO_WINDOW,
					  .strict = true };
	struct cdp_funnel_spec tie = { .window_ms = CDP_FUNNEL_NO_WINDOW,
				       .tie_strict = true };
	struct cdp_funnel_spec first = { .window_ms = CDP_FUNNEL_NO_WINDOW,
					 .first_chain = true };
	int64_t s = 0;

	is_int(level_of("AB", "100:A 200:A 210:B", w50, &s), 2,
	       "V1 a later start converts");
	is_int(s, 10, "V1 time counts from the A that converts");
	level_of("AB", "100:A 200:A 210:B", any, &s);
	is_int(s, 10, "A A B counts from the latest A");
	level_of("AB", "100:A 200:A 210:B", first, &s);
	is_int(s, 110, "A A B counts from the first A when asked");
	is_int(level_of("AB", "100:A 99:B", w50, NULL), 1,
	       "V2 a step before the start is none");
	is_int(level_of("AB", "230:B", w50, NULL), 0, "V3 step 2 alone is level 0");
	is_int(level_of("ABC", "A D B C", any, NULL), 3, "V4 others may stand between");
	is_int(level_of("ABC", "A D B C", strict, NULL), 1, "V4 not in strict order");
	is_int(level_of("ABC", "A A B B C C", any, NULL), 3, "V5 repeats do not hinder");
	is_int(level_of("ABC", "A A B B D C C", any, NULL), 3, "V6 repeats and others");
	is_int(level_of("ABC", "A A B B D C C", strict, NULL), 2,
	       "V6 strict stops before D");
	is_int(level_of("ABC", "B B C C A A", any, NULL), 1,
	       "V7 reversed order is level 1");
	is_int(level_of("ABC", "A B A C", any, NULL), 3,
	       "V9 a repeated start does not reset");
	is_int(level_of("ABC", "A B A C", strict, NULL), 2, "V9 strict");
	is_int(level_of("ABAC", "A B A C", strict, NULL), 4,
	       "V9b a step may occur twice");
	is_int(level_of("AB", "100:A 100:B", any, NULL), 2,
	       "V10 steps of one instant count");
	is_int(level_of("AB", "100:A 100:B", tie, NULL), 1, "V10 unless ties are strict");
	is_int(level_of("AA", "100:A", any, NULL), 1, "V11 one event is not two steps");
	is_int(level_of("AA", "100:A 100:A", any, NULL), 2,
	       "two events of one instant are");
	is_int(level_of("AB", "0:A 50:B", w50, NULL), 2,
	       "V12 the window includes its edge");
	is_int(level_of("AB", "0:A 51:B", w50, NULL), 1, "V12 and nothing after it");
}

struct tally {
	unsigned level[3], users, group_x, order_breaks;
	char last[16];
};

static int tally_one(void *ctx, const struct cdp_funnel_result *r)
{
	struct tally *t = ctx;
	char key[16] = "";

	snprintf(key, sizeof(key), "%.*s", (int)r->key_len, r->key);
	t->order_breaks += strcmp(t->last, key) >= 0;
	memcpy(t->last, key, sizeof(key));
	t->users++;
	t->level[r->user.level]++;
	t->group_x += r->group && r->group_len == 1 && r->group[0] == 'x';
	return 0;
}

static void sets(void)
{
	struct cdp_funnel_spec spec = { .steps = 2, .window_ms = 1000 };
	struct cdp_funnel_set *whole = cdp_funnel_set_new(&spec, true);
	struct cdp_funnel_set *part[2] = { cdp_funnel_set_new(&spec, true),
					   cdp_funnel_set_new(&spec, true) };
	struct tally a = { .last = "" }, b = { .last = "" };

	/* 20,000 users u0..: A at 0 with group x or y, a second A with z, B in time for
	 * one in three; added newest first. */
	for (unsigned i = 20000; i-- > 0;) {
		char key[16];
		size_t n = (size_t)snprintf(key, sizeof(key), "u%u", i);
		struct cdp_funnel_set *p = part[i % 7 == 0];

		for (unsigned j = 0; j < 2; j++) {
			struct cdp_funnel_set *s = j ? p : whole;

			cdp_funnel_set_add(s, key, n, i % 3 ? 2000 : 900, 2, NULL, 0);
			cdp_funnel_set_add(s, key, n, 500, 1, "z", 1);
			cdp_funnel_set_add(j ? part[0] : whole, key, n, 0, 1,
					   i % 2 ? "x" : "y", 1);
		}
	}
	cdp_funnel_set_merge(part[0], part[1]);
	cdp_funnel_set_each(whole, true, tally_one, &a);
	cdp_funnel_set_each(part[0], true, tally_one, &b);
	is_int(a.users, 20000, "every user with step 1 is given");
	is_int(a.level[2], 6667, "those with B in the window convert");
	is_int(a.group_x, 10000, "the breakdown is that of the first step-1 event");
	is_int(a.order_breaks, 0, "users come by key bytes");
	ok(memcmp(&a, &b, sizeof(a)) == 0, "two merged sets give what one gives");
	cdp_funnel_set_free(whole);
	cdp_funnel_set_free(part[0]);
}

int main(void)
{
	vectors();
	random_histories();
	sets();
	return tap_done();
}
