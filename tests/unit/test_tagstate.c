/* A state that is brought up to date night by night gives the bytes of one pass over all
 * history: random histories of every aggregate, with late events, missed nights, base
 * times that jump, persons that become others, in zones whose days are not all alike. */
#include "model/tagstate.h"

#include "base/buf.h"
#include "base/rand.h"
#include "io/out.h"
#include "model/profile.h"
#include "record/head.h"
#include "record/json.h"
#include "tap.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PEOPLE = 5, NIGHTS = 9, EACH = 10, SEEDS = 150, DAY_MS = 86400000 };

static const char definitions[] =
	"{\"tags\":["
	"{\"name\":\"a\",\"value\":\"count()\"},"
	"{\"name\":\"b\",\"value\":\"count(event == 'a' && within('3d'))\"},"
	"{\"name\":\"c\",\"value\":\"sum(props.x)\"},"
	"{\"name\":\"d\",\"value\":\"sum(props.x, within('5d', '2d'))\"},"
	"{\"name\":\"e\",\"value\":\"avg(props.x, within('36h'))\"},"
	"{\"name\":\"f\",\"value\":\"min(props.x, within('1w'))\"},"
	"{\"name\":\"g\",\"value\":\"max(props.x)\"},"
	"{\"name\":\"h\",\"value\":\"first(props.x)\"},"
	"{\"name\":\"i\",\"value\":\"last(props.x, event == 'b' && within('4d'))\"},"
	"{\"name\":\"j\",\"value\":\"first(time, within('25h'))\"},"
	"{\"name\":\"k\",\"value\":\"last(time)\"},"
	"{\"name\":\"l\",\"value\":\"distinct(props.x)\"},"
	"{\"name\":\"m\",\"value\":\"distinct(event, within('2d'))\"},"
	"{\"name\":\"n\",\"value\":\"top(event)\"},"
	"{\"name\":\"o\",\"value\":\"top(props.x, within('6d'))\"},"
	"{\"name\":\"p\",\"value\":\"days()\"},"
	"{\"name\":\"q\",\"value\":\"days(event == 'c' && within('5d'))\"},"
	"{\"name\":\"r\",\"value\":\"sequence(['a','b','c'], '2d')\"},"
	"{\"name\":\"s\",\"value\":\"sequence(['a','b'], '20h', within('3d'))\"},"
	"{\"name\":\"aa\",\"value\":\"values(props.x)\"},"
	"{\"name\":\"ab\",\"value\":\"values(event, within('3d'))\"},"
	"{\"name\":\"ac\",\"value\":\"top_n(event, 2)\"},"
	"{\"name\":\"ad\",\"value\":\"top_n(props.x, 2, within('4d'))\"},"
	"{\"name\":\"ae\",\"value\":\"top_by_sum(event, props.x, 2)\"},"
	"{\"name\":\"af\",\"value\":\"top_by_max(event, props.x, 1, within('6d'))\"},"
	"{\"name\":\"ag\",\"value\":\"ratio(count(event == 'a'), count(event == 'b'))\"},"
	"{\"name\":\"t\",\"value\":\"profile.u\"},"
	"{\"name\":\"u\",\"value\":\"profile.v\"},"
	"{\"name\":\"v\",\"value\":\"details.w.map(r, r.v)\"},"
	"{\"name\":\"w\",\"value\":\"rank(tags.a)\"}]}";

/* One thing that was heard of somebody. */
struct thing {
	unsigned who;
	int64_t ms;
	enum { EVENT, CHANGE, FORGET, ROW } kind;
	enum cdp_change what;
	char name[8], text[160];
};

struct world {
	char dir[64], file[96];
	struct cdp_zone *zone;
	struct cdp_rand rand;
	struct thing things[NIGHTS * EACH];
	size_t count;
	unsigned into[PEOPLE]; /* whom each is by now */
};

static unsigned below(struct world *w, unsigned n)
{
	return cdp_rand_below(&w->rand, n);
}

static void make_thing(struct world *w, int64_t day)
{
	static const char *const xs[] = { "1",     "2.50", "-3", "0.25",
					  "\"s\"", "null", "1.0" };
	struct thing *t = &w->things[w->count++];
	char time[CDP_TIME_CANON];
	int64_t start;

	if (below(w, 6) == 0)
		day -= below(w, 14); /* late */
	else if (below(w, 25) == 0)
		day += below(w, 4); /* a clock that is wrong */
	start = cdp_zone_day_start(w->zone, day) * 1000;
	t->ms = start + (below(w, 3) ? (int64_t)below(w, DAY_MS)
				     : (int64_t)below(w, 24) * 3600000 - below(w, 2));
	t->who = below(w, PEOPLE);
	t->kind = below(w, 4) ? EVENT : (int)(1 + below(w, 3));
	cdp_time_format(time, cdp_time_from_ms(t->ms));
	snprintf(t->name, sizeof(t->name), "\"%c\"",
		 t->kind == ROW ? '1' + (int)below(w, 2) : 'u' + (int)below(w, 2));
	t->what = (enum cdp_change)below(w, CDP_APPEND + 1);
	if (t->kind == EVENT)
		snprintf(t->text, sizeof(t->text),
			 "{\"time\":\"%.24s\",\"event\":\"%c\",\"event_id\":\"%u\","
			 "\"props\":{\"x\":%s}}\n",
			 time, 'a' + (int)below(w, 3), below(w, 4), xs[below(w, 7)]);
	else if (t->kind == ROW)
		snprintf(t->text, sizeof(t->text), "{\"v\":%u}", below(w, 9));
	else
		snprintf(t->text, sizeof(t->text), t->what == CDP_APPEND ? "[%u]" : "%u",
			 below(w, 5));
}

/* --- gathering --- */

static void gather_event(struct cdp_gather *g, struct cdp_scan *scan, const char *key,
			 const struct thing *t)
{
	char block[512] = { 0 };
	uint64_t errors = 0;
	struct cdp_rec rec;
	struct cdp_err err;
	size_t n = strlen(t->text);

	memcpy(block, t->text, n);
	cdp_scan_block(scan, block, n);
	if (cdp_scan_next(scan, &rec, &err) != 1)
		abort();
	cdp_gather_event(g, key, strlen(key), &rec, cdp_rec_get(&rec, CDP_SLOT_EVENT),
			 t->ms);
	cdp_gather_settle(g, &errors);
}

static struct cdp_val val(const char *text)
{
	struct cdp_val v;

	cdp_val_at(&v, text, strlen(text));
	return v;
}

static void gather(struct cdp_customers *c, const struct cdp_tagset *set,
		   const struct cdp_run *run, const struct thing *t, unsigned who)
{
	static const struct cdp_val removed = { .type = CDP_MISSING };
	struct cdp_gather *g = cdp_gather_new(c, run);
	struct cdp_scan *scan = cdp_scan_new(set->paths);
	struct cdp_val name = val(t->name), text = val(t->text), table = val("\"w\"");
	char key[8];
	uint32_t number;

	snprintf(key, sizeof(key), "p%u", who);
	if (t->kind == EVENT) {
		gather_event(g, scan, key, t);
	} else {
		number = cdp_gather_customer(g, key, strlen(key));
		if (t->kind == CHANGE)
			cdp_gather_attribute(g, number, t->what, &name,
					     t->what == CDP_UNSET ? NULL : &text, t->ms);
		else if (t->kind == FORGET)
			cdp_gather_forget(g, number, t->ms);
		else
			cdp_gather_detail(g, number, &table, &name,
					  t->what ? &text : &removed, t->ms);
	}
	cdp_gather_end(g);
	cdp_scan_free(scan);
}

static void write_profiles(struct cdp_customers *c, const struct cdp_tagset *set,
			   const struct cdp_run *run, struct cdp_buf *out)
{
	struct cdp_profile_spec spec = {
		.set = set, .customers = c, .run = run, .key = "one_id"
	};
	struct cdp_profiler *p;
	uint32_t n;

	cdp_customers_finish(c);
	n = cdp_customers_count(c);
	spec.population = cdp_population_new(set, n);
	p = cdp_profiler_new(&spec);
	for (unsigned k = 0; k < cdp_population_passes(spec.population); k++) {
		cdp_population_begin(spec.population, k);
		for (uint32_t i = 0; i < n; i++)
			cdp_profiler_survey(p, k, i);
		cdp_population_end(spec.population, k);
	}
	for (uint32_t i = 0; i < n; i++)
		cdp_profiler_line(p, i, out);
	cdp_profiler_free(p);
	cdp_population_free(spec.population);
	cdp_customers_free(c);
}

static struct cdp_tagset *load(struct world *w, struct cdp_paths *paths,
			       const struct cdp_run *run)
{
	const char *files[] = { w->file };
	struct cdp_err err;
	struct cdp_tagset *set = cdp_tagset_load(files, 1, NULL, paths, run, &err);

	if (!set) {
		fprintf(stderr, "%s\n", err.msg);
		abort();
	}
	return set;
}

static void full(struct world *w, const struct cdp_run *run, struct cdp_buf *out)
{
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_tagset *set = load(w, paths, run);
	struct cdp_customers *c = cdp_customers_new(set, 1);

	for (size_t i = 0; i < w->count; i++)
		gather(c, set, run, &w->things[i], w->into[w->things[i].who]);
	write_profiles(c, set, run, out);
	cdp_tagset_free(set);
	cdp_paths_free(paths);
}

/* The night: things from `from` on are new, under the names of their time. */
static int night(struct world *w, const struct cdp_run *run, size_t from, int joined,
		 struct cdp_buf *out, struct cdp_err *err)
{
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_tagset *set = load(w, paths, run);
	struct cdp_tagstate_opts o = { w->dir, set, run, "one_id", "person", NULL };
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
			gather(c, set, run, &w->things[i], w->things[i].who);
		c = cdp_tagstate_merge(s, c, err);
	}
	if (c && cdp_tagstate_commit(s, err) < 0) {
		cdp_customers_free(c);
		c = NULL;
	}
	if (c)
		write_profiles(c, set, run, out);
	cdp_tagstate_close(s);
	cdp_tagset_free(set);
	cdp_paths_free(paths);
	return c ? 0 : -1;
}

/* --- histories --- */

/* Somebody becomes somebody else, who may have become this one before: -1 or who. */
static int join(struct world *w)
{
	unsigned a = below(w, PEOPLE), b = below(w, PEOPLE);

	if (below(w, 3) || a == b || w->into[a] != a ||
	    (w->into[b] != b && w->into[b] != a))
		return -1;
	for (unsigned i = 0; i < PEOPLE; i++)
		if (w->into[i] == a)
			w->into[i] = b;
	return (int)a;
}

static void clear(const struct world *w)
{
	DIR *d = opendir(w->dir);
	struct dirent *e;
	char path[400];

	while (d && (e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", w->dir, e->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
	unlink(w->file);
	rmdir(w->dir);
}

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
			make_thing(w, day - 1);
		if (below(w, 5) == 0)
			continue; /* a night that is missed */
		if (below(w, 8) == 0)
			as_of = latest - below(w, CDP_TAGSTATE_BACK + 1);
		else if (below(w, 8) == 0)
			as_of += below(w, 3);
		latest = as_of > latest ? as_of : latest;
		run.as_of.s = cdp_zone_day_start(w->zone, as_of);
		cdp_buf_reset(&one);
		cdp_buf_reset(&all);
		same = night(w, &run, from, join(w), &one, &err) == 0;
		if (!same)
			fprintf(stderr, "%s\n", err.msg);
		from = w->count;
		full(w, &run, &all);
		same = same && one.n == all.n && memcmp(one.p, all.p, one.n) == 0;
		if (!same)
			fprintf(stderr, "night %d\n%.*s---\n%.*s", n, (int)one.n, one.p,
				(int)all.n, all.p);
	}
	cdp_buf_release(&one);
	cdp_buf_release(&all);
	return same;
}

static void check_histories(void)
{
	static const struct {
		const char *zone;
		int64_t year;
		unsigned month, day;
	} places[] = {
		{ "Asia/Shanghai", 2024, 2, 24 },     /* leap day */
		{ "America/New_York", 2024, 3, 5 },   /* 23 hours */
		{ "America/New_York", 2024, 10, 29 }, /* 25 hours */
		{ "Pacific/Apia", 2011, 12, 26 },     /* no 30th */
		{ "Africa/Cairo", 2025, 4, 20 },      /* no midnight */
		{ "Asia/Shanghai", 1986, 4, 29 },     /* summer time */
	};
	struct cdp_err err;

	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct world *w = cdp_calloc(1, sizeof(*w));
		unsigned p = seed % (sizeof(places) / sizeof(*places));

		strcpy(w->dir, "/tmp/test_tagstate.XXXXXX");
		if (!mkdtemp(w->dir))
			abort();
		snprintf(w->file, sizeof(w->file), "%s.json", w->dir);
		if (cdp_file_replace(w->file, definitions, sizeof(definitions) - 1,
				     &err) < 0)
			abort();
		w->zone = cdp_zone_load(places[p].zone, &err);
		for (unsigned i = 0; i < PEOPLE; i++)
			w->into[i] = i;
		cdp_rand_seed(&w->rand, seed, 0);
		ok(nights(w, cdp_days_from_civil(places[p].year, places[p].month,
						 places[p].day)),
		   "history %u in %s: nights give what one pass does", seed,
		   places[p].zone);
		clear(w);
		cdp_zone_free(w->zone);
		free(w);
	}
}

int main(void)
{
	check_histories();
	return tap_done();
}
