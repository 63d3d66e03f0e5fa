#include "tag_world.h"

#include "io/out.h"
#include "record/head.h"
#include "record/json.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DAY_MS = 86400000 };

unsigned world_below(struct world *w, unsigned n)
{
	return cdp_rand_below(&w->rand, n);
}

void world_add(struct world *w, int64_t day)
{
	static const char *const xs[] = { "1",     "2.50", "-3", "0.25",
					  "\"s\"", "null", "1.0" };
	struct thing *t = &w->things[w->count++];
	char time[CDP_TIME_CANON];
	int64_t start;

	if (world_below(w, 6) == 0)
		day -= world_below(w, 14); /* late */
	else if (world_below(w, 25) == 0)
		day += world_below(w, 4); /* a clock that is wrong */
	start = cdp_zone_day_start(w->zone, day) * 1000;
	t->ms = start + (world_below(w, 3) ? (int64_t)world_below(w, DAY_MS)
					   : (int64_t)world_below(w, 24) * 3600000 -
						     world_below(w, 2));
	t->who = world_below(w, WORLD_PEOPLE);
	t->kind = world_below(w, 4) ? EVENT : (int)(1 + world_below(w, 3));
	cdp_time_format(time, cdp_time_from_ms(t->ms));
	snprintf(t->name, sizeof(t->name), "\"%c\"",
		 t->kind == ROW ? '1' + (int)world_below(w, 2)
				: 'u' + (int)world_below(w, 2));
	t->what = (enum cdp_change)world_below(w, CDP_APPEND + 1);
	if (t->kind == EVENT)
		snprintf(t->text, sizeof(t->text),
			 "{\"time\":\"%.24s\",\"event\":\"%c\",\"event_id\":\"%u\","
			 "\"props\":{\"x\":%s}}\n",
			 time, 'a' + (int)world_below(w, 3), world_below(w, 4),
			 xs[world_below(w, 7)]);
	else if (t->kind == ROW)
		snprintf(t->text, sizeof(t->text), "{\"v\":%u}", world_below(w, 9));
	else
		snprintf(t->text, sizeof(t->text), t->what == CDP_APPEND ? "[%u]" : "%u",
			 world_below(w, 5));
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

void world_gather(struct cdp_customers *c, const struct cdp_tagset *set,
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

void world_write(struct cdp_customers *c, const struct cdp_tagset *set,
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

struct cdp_tagset *world_load(struct world *w, struct cdp_paths *paths,
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

void world_full(struct world *w, const struct cdp_run *run, struct cdp_buf *out)
{
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_tagset *set = world_load(w, paths, run);
	struct cdp_customers *c = cdp_customers_new(set, 1);

	for (size_t i = 0; i < w->count; i++)
		world_gather(c, set, run, &w->things[i], w->into[w->things[i].who]);
	world_write(c, set, run, out);
	cdp_tagset_free(set);
	cdp_paths_free(paths);
}

int world_join(struct world *w)
{
	unsigned a = world_below(w, WORLD_PEOPLE), b = world_below(w, WORLD_PEOPLE);

	if (world_below(w, 3) || a == b || w->into[a] != a ||
	    (w->into[b] != b && w->into[b] != a))
		return -1;
	for (unsigned i = 0; i < WORLD_PEOPLE; i++)
		if (w->into[i] == a)
			w->into[i] = b;
	return (int)a;
}

/* --- worlds --- */

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

const char *world_zone(unsigned seed)
{
	return places[seed % (sizeof(places) / sizeof(*places))].zone;
}

struct world *world_new(const char *definitions, unsigned seed, int64_t *day)
{
	struct world *w = cdp_calloc(1, sizeof(*w));
	unsigned p = seed % (sizeof(places) / sizeof(*places));
	struct cdp_err err;

	strcpy(w->dir, "/tmp/test_tags.XXXXXX");
	if (!mkdtemp(w->dir))
		abort();
	snprintf(w->file, sizeof(w->file), "%s.json", w->dir);
	if (cdp_file_replace(w->file, definitions, strlen(definitions), &err) < 0)
		abort();
	w->zone = cdp_zone_load(places[p].zone, &err);
	for (unsigned i = 0; i < WORLD_PEOPLE; i++)
		w->into[i] = i;
	cdp_rand_seed(&w->rand, seed, 0);
	*day = cdp_days_from_civil(places[p].year, places[p].month, places[p].day);
	return w;
}

static void remove_files(const struct world *w)
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

void world_free(struct world *w)
{
	remove_files(w);
	cdp_zone_free(w->zone);
	free(w);
}
