/* A state that is brought up to date night by night gives the bytes of one pass over all
 * history: random histories of every aggregate, with late events, missed nights, base
 * times that jump, persons that become others, in zones whose days are not all alike. */
#include "model/tagstate.h"

#include "base/buf.h"
#include "io/out.h"
#include "tag_world.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NIGHTS = 9, EACH = 10, SEEDS = 150 };

static const char definitions[] =
	"{\"tags\":[" WORLD_TAGS ",{\"name\":\"w\",\"value\":\"rank(tags.a)\"}]}";

/* Of these a state is made, and filled to those above. */
static const char fewer[] =
	"{\"tags\":[{\"name\":\"a\",\"value\":\"count()\"},"
	"{\"name\":\"d\",\"value\":\"sum(props.x, within('5d', '2d'))\"},"
	"{\"name\":\"s\",\"value\":\"sequence(['a','b'], '20h', within('3d'))\"},"
	"{\"name\":\"gone\",\"value\":\"count(event == 'c')\"},"
	"{\"name\":\"u\",\"value\":\"profile.v\"}]}";

/* The night: things from `from` up to w->count are new, under the names of their time. */
static int night(struct world *w, const struct cdp_run *run, size_t from, int joined,
		 enum cdp_tagstate_new new, struct cdp_buf *out, struct cdp_err *err)
{
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_tagset *set = world_load(w, paths, run);
	struct cdp_tagstate_opts o = { w->dir,   set,  run,  "one_id",
				       "person", NULL, NULL, new };
	struct cdp_tagstate *s = cdp_tagstate_open(&o, err);
	struct cdp_customers *c = NULL;
	char a[16], b[16];

	if (s) {
		if (joined >= 0) {
			snprintf(a, sizeof(a), "p%d", joined);
			snprintf(b, sizeof(b), "p%u", w->into[joined]);
			cdp_tagstate_join(s, a, 2, b, 2);
		}
		c = cdp_tagstate_fresh(s, 2);
		for (size_t i = from; i < w->count; i++)
			world_gather(c, set, run, &w->things[i], w->things[i].who);
		c = cdp_tagstate_merge(s, c, err);
	}
	if (c && cdp_tagstate_commit(s, err) < 0) {
		cdp_customers_free(c);
		c = NULL;
	}
	if (c)
		world_write(c, set, run, out);
	cdp_tagstate_close(s);
	cdp_tagset_free(set);
	cdp_paths_free(paths);
	return c ? 0 : -1;
}

/* --- histories --- */

static bool nights(struct world *w, int64_t day)
{
	struct cdp_run run = { .zone = w->zone };
	struct cdp_buf one, all;
	struct cdp_err err;
	size_t from = 0;
	int64_t latest = day;
	bool same = true;

	cdp_buf_init(&one, CDP_BUF_NOMAX);
	cdp_buf_init(&all, CDP_BUF_NOMAX);
	for (int n = 0; n < NIGHTS && same; n++) {
		int64_t as_of = ++day;

		for (int i = 0; i < EACH; i++)
			world_add(w, day - 1);
		if (world_below(w, 5) == 0)
			continue; /* a night that is missed */
		if (world_below(w, 8) == 0)
			as_of = latest - world_below(w, CDP_TAGSTATE_BACK + 1);
		else if (world_below(w, 8) == 0)
			as_of += world_below(w, 3);
		latest = as_of > latest ? as_of : latest;
		run.as_of.s = cdp_zone_day_start(w->zone, as_of);
		cdp_buf_reset(&one);
		cdp_buf_reset(&all);
		same = night(w, &run, from, world_join(w), CDP_TAGSTATE_REFUSE, &one,
			     &err) == 0;
		if (!same)
			fprintf(stderr, "%s\n", err.msg);
		from = w->count;
		world_full(w, &run, &all);
		same = same && one.n == all.n && memcmp(one.p, all.p, one.n) == 0;
		if (!same)
			fprintf(stderr, "night %d\n%.*s---\n%.*s", n, (int)one.n, one.p,
				(int)all.n, all.p);
	}
	cdp_buf_release(&one);
	cdp_buf_release(&all);
	return same;
}

/* Profiles of the night, whose new things are those from `from` on, are those of one pass
 * over all things up to w->count. */
static bool is_full(struct world *w, const struct cdp_run *run, size_t from, int joined,
		    enum cdp_tagstate_new new)
{
	struct cdp_buf one, all;
	struct cdp_err err;
	bool same;

	cdp_buf_init(&one, CDP_BUF_NOMAX);
	cdp_buf_init(&all, CDP_BUF_NOMAX);
	same = night(w, run, from, joined, new, &one, &err) == 0;
	if (!same)
		fprintf(stderr, "%s\n", err.msg);
	world_full(w, run, &all);
	same = same && one.n == all.n && memcmp(one.p, all.p, one.n) == 0;
	if (!same)
		fprintf(stderr, "%.*s---\n%.*s", (int)one.n, one.p, (int)all.n, all.p);
	cdp_buf_release(&one);
	cdp_buf_release(&all);
	return same;
}

static void put_definitions(const struct world *w, const char *text)
{
	struct cdp_err err;

	if (cdp_file_replace(w->file, text, strlen(text), &err) < 0)
		abort();
}

/* After some nights definitions are others: `begins`, what is new has at first no
 * history, which differs; then it is given all of it. */
static bool fills(struct world *w, int64_t day, bool begins)
{
	struct cdp_run run = { .zone = w->zone };
	int switched = (int)(2 + world_below(w, 3)), filled = switched + 2 * begins;
	struct cdp_buf ignored;
	struct cdp_err err;
	bool same = true;

	cdp_buf_init(&ignored, CDP_BUF_NOMAX);
	for (int n = 0; n < NIGHTS && same; n++) {
		size_t before = w->count;

		day++;
		run.as_of.s = cdp_zone_day_start(w->zone, day);
		if (n == switched) {
			put_definitions(w, definitions);
			same = night(w, &run, w->count, -1, CDP_TAGSTATE_REFUSE, &ignored,
				     &err) < 0;
		}
		if (n == filled)
			same = same && is_full(w, &run, 0, -1, CDP_TAGSTATE_FILL);
		for (int i = 0; i < EACH; i++)
			world_add(w, day - 1);
		if (begins && n >= switched && n < filled)
			same = same && night(w, &run, before, world_join(w),
					     CDP_TAGSTATE_BEGIN, &ignored, &err) == 0;
		else
			same = same && is_full(w, &run, before, world_join(w),
					       CDP_TAGSTATE_REFUSE);
	}
	cdp_buf_release(&ignored);
	return same;
}

static void check_fills(void)
{
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		int64_t day;
		struct world *w = world_new(fewer, seed, &day);
		bool begins = seed % 2;

		ok(fills(w, day, begins),
		   "history %u in %s: what is new%s is filled in as if it always was",
		   seed, world_zone(seed), begins ? " and began without history" : "");
		world_free(w);
	}
}

int main(void)
{
	check_fills();

	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		int64_t day;
		struct world *w = world_new(definitions, seed, &day);

		ok(nights(w, day), "history %u in %s: nights give what one pass does",
		   seed, world_zone(seed));
		world_free(w);
	}
	return tap_done();
}
