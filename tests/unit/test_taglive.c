/* Tags that are followed are at any time those of one pass over all that was read: random
 * histories of every aggregate, with late and early events, days that end, states that
 * are saved, persons that become others, and processes that die and begin again from what
 * was saved last. */
#include "model/taglive.h"

#include "base/buf.h"
#include "tag_world.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAYS = 6, SEEDS = 90, KEY = 2 };

#define TAGS                                                                             \
	"{\"tags\":[" WORLD_TAGS                                                         \
	",{\"name\":\"w\",\"value\":\"as_of - tags.k < duration('60h')\"}"
static const char definitions[] = TAGS "]}";
/* Functions over the population, one of them in a second pass. */
static const char with_population[] =
	TAGS ",{\"name\":\"x\",\"value\":\"rank(tags.a)\"}"
	     ",{\"name\":\"y\",\"value\":\"ntile(3, tags.x, 'asc', tags.a > 1)\"}"
	     ",{\"name\":\"z\",\"value\":\"population_mean(tags.p)\"}"
	     ",{\"name\":\"zz\",\"value\":\"tags.a > tags.z || tags.y == 1\"}]}";

/* A process that follows. */
struct process {
	struct world *w;
	struct cdp_run run;
	struct cdp_paths *paths;
	struct cdp_tagset *set;
	struct cdp_tagstate *state;
	struct cdp_taglive *live;
	size_t read;  /* things */
	size_t saved; /* of them in the state */
	/* Who became whom: the log, how much of it was read, and is in the state. */
	struct {
		char from[16], into[16];
	} joins[WORLD_THINGS];
	size_t join_count, joined, joins_saved;
	bool failed, surveys;
	char *last[WORLD_PEOPLE]; /* profile that was written last, without as_of */
};

/* A line without what is told of the base time. */
static char *bare(const char *line, size_t n)
{
	const char *as_of = memmem(line, n, ",\"as_of\":\"", 10);

	return cdp_strndup(as_of + 36, n - (size_t)(as_of + 36 - line));
}

static unsigned person(const char *line)
{
	return (unsigned)(line[strlen("{\"one_id\":\"p")] - '0');
}

static void hear(void *ctx, const char *p, size_t n, uint64_t lines)
{
	struct process *x = ctx;

	for (const char *end = p + n; p < end; lines--) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		char **last = &x->last[person(p)], *now = bare(p, (size_t)(lf - p));

		if (strcmp(now, "\"deleted\":true}") == 0) {
			free(now);
			now = NULL;
		}
		x->failed |= *last && now && strcmp(*last, now) == 0;
		free(*last);
		*last = now;
		p = lf + 1;
	}
	x->failed |= lines != 0;
}

static void check(int rc, const struct cdp_err *err)
{
	if (rc < 0) {
		fprintf(stderr, "%s\n", err->msg);
		abort();
	}
}

static void start(struct process *x)
{
	struct cdp_tagstate_opts s = { .dir = x->w->dir,
				       .run = &x->run,
				       .key = "one_id",
				       .entity = "person",
				       .followed = &x->run };
	struct cdp_taglive_opts l = { .run = &x->run, .key = "one_id", .stamp = 7 };
	struct cdp_err err;

	x->paths = cdp_paths_new();
	s.set = l.set = x->set = world_load(x->w, x->paths, &x->run);
	l.state = x->state = cdp_tagstate_open(&s, &err);
	check(x->state ? 0 : -1, &err);
	x->live = cdp_taglive_new(&l, &err);
	check(x->live ? 0 : -1, &err);
	check(cdp_taglive_turn(x->live, hear, x, &err), &err);
}

static void stop(struct process *x)
{
	cdp_taglive_free(x->live);
	cdp_tagstate_close(x->state);
	cdp_tagset_free(x->set);
	cdp_paths_free(x->paths);
}

static void read_next(struct process *x)
{
	const struct thing *t = &x->w->things[x->read++];
	char key[8];

	snprintf(key, sizeof(key), "p%u", t->who);
	cdp_taglive_touch(x->live, key, KEY);
	world_gather(cdp_taglive_fresh(x->live), x->set, &x->run, t, t->who);
}

static void tell(struct process *x)
{
	struct cdp_err err;

	check(cdp_taglive_changed(x->live, hear, x, &err), &err);
}

static void save(struct process *x)
{
	struct cdp_err err;

	tell(x);
	check(cdp_taglive_save(x->live, &err), &err);
	x->saved = x->read;
	x->joins_saved = x->joined;
}

static void read_joins(struct process *x)
{
	tell(x);
	for (; x->joined < x->join_count; x->joined++)
		cdp_taglive_join(x->live, x->joins[x->joined].from, KEY,
				 x->joins[x->joined].into, KEY, hear, x);
}

/* The population is as of now. */
static void survey(struct process *x)
{
	struct cdp_err err;

	save(x);
	check(cdp_taglive_note(x->live, &err), &err);
	check(cdp_taglive_renew(x->live, NULL, NULL, hear, x, &err), &err);
}

static void join(struct process *x)
{
	int who = world_join(x->w);

	if (who < 0)
		return;
	snprintf(x->joins[x->join_count].from, 16, "p%d", who);
	snprintf(x->joins[x->join_count++].into, 16, "p%u", x->w->into[who]);
	read_joins(x);
}

/* What is written anew after a death is written whether it changed or not. */
static void die(struct process *x)
{
	stop(x);
	x->read = x->saved;
	for (unsigned i = 0; i < WORLD_PEOPLE; i++) {
		free(x->last[i]);
		x->last[i] = NULL;
	}
	start(x);
	x->joined = x->joins_saved;
	read_joins(x);
}

static void next_day(struct process *x, int64_t day)
{
	struct cdp_err err;

	save(x);
	x->run.as_of.s = cdp_zone_day_start(x->w->zone, day + 1);
	check(cdp_taglive_turn(x->live, hear, x, &err), &err);
}

/* Everybody's last profile is that of one pass over what was read.  Of those who were
 * not heard of since a death it is not known. */
static bool is_full(struct process *x, bool all)
{
	struct world *w = x->w;
	size_t count = w->count;
	struct cdp_buf out;
	unsigned n = 0, known = 0;

	if (x->surveys)
		survey(x);
	else
		tell(x);
	cdp_buf_init(&out, CDP_BUF_NOMAX);
	w->count = x->read;
	world_full(w, &x->run, &out);
	w->count = count;
	for (const char *p = out.p, *end = out.p + out.n; p < end; n++) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		char *want = bare(p, (size_t)(lf - p)), *got = x->last[person(p)];

		x->failed |= got ? strcmp(want, got) != 0 : all;
		if (x->failed)
			fprintf(stderr, "want %s\n got %s\n", want, got ? got : "");
		known += got != NULL;
		free(want);
		p = lf + 1;
	}
	for (unsigned i = 0; i < WORLD_PEOPLE && all; i++)
		known -= x->last[i] != NULL;
	cdp_buf_release(&out);
	return !x->failed && (!all || known == 0);
}

static bool follow(struct world *w, int64_t day, bool dies, bool surveys)
{
	struct process x = { .w = w, .run.zone = w->zone, .surveys = surveys };
	bool same = true;

	x.run.as_of.s = cdp_zone_day_start(w->zone, day + 1);
	start(&x);
	for (int n = 0; n < DAYS && same; n++) {
		if (n) {
			day += world_below(w, 4) ? 1 : 12;
			next_day(&x, day);
		}
		for (unsigned i = 5 + world_below(w, 12); i > 0; i--)
			world_add(w, day);
		while (x.read < w->count && same) {
			read_next(&x);
			if (world_below(w, 6) == 0)
				same = is_full(&x, !dies);
			if (world_below(w, 8) == 0)
				save(&x);
			if (world_below(w, 12) == 0)
				join(&x);
			if (dies && world_below(w, 8) == 0)
				die(&x);
		}
		same = same && is_full(&x, !dies);
	}
	stop(&x);
	for (unsigned i = 0; i < WORLD_PEOPLE; i++)
		free(x.last[i]);
	return same;
}

static void check_histories(bool surveys)
{
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		int64_t day;
		struct world *w =
			world_new(surveys ? with_population : definitions, seed, &day);
		bool dies = seed % 2;

		ok(follow(w, day, dies, surveys),
		   "history %u in %s: profiles %s%sare those of one pass, and no other "
		   "is written",
		   seed, world_zone(seed), dies ? "after deaths " : "",
		   surveys ? "when the population was surveyed " : "");
		world_free(w);
	}
}

int main(void)
{
	check_histories(false);
	check_histories(true);
	return tap_done();
}
