/* Properties of identity on small random histories: what must not matter does not. */
#include "base/mem.h"
#include "identity_world.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 400 };

static struct cdp_idkinds *kinds;

static void order_does_not_matter(void)
{
	int maps = 0, merges = 0, conflicts = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct record r[RECORDS * 2];
		int n = history_random(r, false, round % 2);
		struct world a, b;
		char *x[3], *y[3];

		world_open(&a, kinds);
		world_open(&b, kinds);
		world_learn(&a, r, n, false);
		for (int i = 0; i < n; i++)
			r[n + i] = r[i]; /* repeated records say nothing new */
		history_shuffle(r, n);
		world_learn(&b, r, n + (int)history_rnd((unsigned)n), false);
		cdp_identity_publish(a.m);
		cdp_identity_publish(b.m);
		x[0] = world_written(&a, cdp_identity_write_map);
		y[0] = world_written(&b, cdp_identity_write_map);
		x[1] = world_written(&a, cdp_identity_write_merges);
		y[1] = world_written(&b, cdp_identity_write_merges);
		x[2] = world_written(&a, cdp_identity_write_conflicts);
		y[2] = world_written(&b, cdp_identity_write_conflicts);
		maps += strcmp(x[0], y[0]) != 0;
		merges += strcmp(x[1], y[1]) != 0;
		conflicts += strcmp(x[2], y[2]) != 0;
		for (int i = 0; i < 3; i++) {
			free(x[i]);
			free(y[i]);
		}
		world_close(&a);
		world_close(&b);
	}
	is_int(maps, 0, "the map has the same bytes for any order of records");
	is_int(merges, 0, "so have the merges");
	is_int(conflicts, 0, "and the conflicts");
}

static void stream_ends_with_the_same_map(void)
{
	int bad = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct record r[RECORDS];
		int n = history_random(r, round % 2, round % 3 == 0), half = n / 2;
		struct world a, b;
		char *x, *y;

		world_open(&a, kinds);
		world_open(&b, kinds);
		for (int day = 0; day < 2; day++) {
			const struct record *of = day ? r + half : r;
			int k = day ? n - half : half;

			world_learn(&a, of, k, false);
			cdp_identity_publish(a.m);
			cdp_identity_live_begin(b.m);
			world_learn(&b, of, k, true);
			cdp_identity_publish(b.m);
		}
		x = world_written(&a, cdp_identity_write_map);
		y = world_written(&b, cdp_identity_write_map);
		bad += strcmp(x, y) != 0;
		free(x);
		free(y);
		world_close(&a);
		world_close(&b);
	}
	is_int(bad, 0, "a stream ends with the map that all its records give at once");
}

/* Days in any order, with publishing in between, of any length. */
static void days_give_the_map_of_one_run(void)
{
	int bad = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct record r[RECORDS];
		int n = history_random(r, round % 2, round % 3 == 0), at = 0;
		char *x = world_map_of(kinds, r, n, NULL), *y;
		struct world w;

		history_shuffle(r, n);
		world_open(&w, kinds);
		while (at < n) {
			int k = 1 + (int)history_rnd((unsigned)(n - at));

			world_learn(&w, r + at, k, false);
			cdp_identity_publish(w.m);
			at += k;
		}
		y = world_written(&w, cdp_identity_write_map);
		bad += strcmp(x, y) != 0;
		free(x);
		free(y);
		world_close(&w);
	}
	is_int(bad, 0, "days give the map of one run, byte for byte, names and all");
}

/* The history in which nothing says that x and y belong together. */
static int without_link(const struct record *r, int n, int x, int y, struct record *out)
{
	int k = 0;

	for (int i = 0; i < n; i++) {
		int has_x = -1, has_y = -1;

		for (int j = 0; j < r[i].n; j++) {
			has_x = r[i].id[j] == x ? j : has_x;
			has_y = r[i].id[j] == y ? j : has_y;
		}
		out[k++] = r[i];
		if (has_x < 0 || has_y < 0 || (is_firm(r[i].id[0]) && has_x && has_y))
			continue;
		/* One record without each; of a firm one and what it is linked to, the
		 * other is only seen. */
		out[k] = r[i];
		for (int which = 0; which < 2; which++) {
			struct record *o = &out[k - 1 + which];
			int drop = which ? x : y, m = 0;

			for (int j = 0; j < r[i].n; j++)
				if (r[i].id[j] != drop)
					o->id[m++] = r[i].id[j];
			o->n = m;
			if (is_firm(r[i].id[0]) && r[i].id[0] == drop) {
				o->id[0] = which ? y : x;
				o->n = 1;
			}
		}
		k++;
	}
	return k;
}

static void same_source(struct record *r, int n)
{
	/* The source follows the first id, which differs in the two histories. */
	for (int i = 0; i < n; i++)
		if (r[i].ms < 0)
			r[i].ms = 7;
}

static char *drop_sources(char *map)
{
	char *w = map;

	for (const char *p = map; *p;) {
		if (strncmp(p, ",\"source\":", 10) == 0)
			p += strcspn(p, "}");
		else
			*w++ = *p++;
	}
	*w = '\0';
	return map;
}

static struct cdp_idexclude *exclude_pair(int x, int y)
{
	struct cdp_idexclude *e = cdp_calloc(1, sizeof(*e));
	const int id[2] = { x, y };
	uint32_t k[2];

	e->keys = cdp_intern_new(0);
	e->print = 1;
	for (int i = 0; i < 2; i++) {
		char text[32];
		int n = snprintf(text, sizeof(text), "%s%cv%d",
				 world_kind_name[id[i] / VALUES], 0, id[i] % VALUES);

		k[i] = cdp_intern_put(e->keys, text, (size_t)n, NULL);
	}
	CDP_GROW(e->v, 0, e->cap);
	e->v[e->n++] = (struct cdp_idpair){ k[0], k[1] };
	return e;
}

static void parted_is_as_never_linked(void)
{
	int bad_part = 0, bad_exclude = 0, told = 0;

	for (int round = 0; round < ROUNDS * 2; round++) {
		struct record r[RECORDS + 1], without[2 * RECORDS + 1];
		int n = history_random(r, round % 2, false), k, x, y;
		struct cdp_idexclude *e;
		char *a, *b, *c, *plain;

		k = (int)history_rnd((unsigned)n);
		x = r[k].id[0];
		y = r[k].n > 1 ? r[k].id[1 + (int)history_rnd((unsigned)r[k].n - 1)]
			       : IDS - 1;
		if (x / VALUES == y / VALUES)
			continue;
		same_source(r, n);
		k = without_link(r, n, x, y, without);
		e = exclude_pair(x, y);
		a = drop_sources(world_map_of(kinds, r, n, e));
		b = drop_sources(world_map_of(kinds, without, k, NULL));
		plain = drop_sources(world_map_of(kinds, r, n, NULL));
		bad_exclude += strcmp(a, b) != 0;
		told += strcmp(a, plain) != 0;
		free(a);
		free(b);
		r[n] = (struct record){
			.ms = 900, .type = "unbind", .n = 2, .id = { x, y }
		};
		without[k] = r[n];
		without[k].type = "relation";
		history_shuffle(r, n + 1);
		a = drop_sources(world_map_of(kinds, r, n + 1, NULL));
		c = drop_sources(world_map_of(kinds, without, k + 1, NULL));
		bad_part += strcmp(a, c) != 0;
		free(a);
		free(c);
		free(plain);
		cdp_idexclude_free(e);
	}
	is_int(bad_part, 0, "an unbind is as if the two had never been linked");
	is_int(bad_exclude, 0, "so is an exclusion");
	ok(told > ROUNDS / 10, "which made a difference %d times", told);
}

static void what_was_known_then(void)
{
	int bad = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct record r[RECORDS], then[RECORDS];
		int n = history_random(r, round % 2, false), k = 0,
		    at = (int)history_rnd(80);
		struct world a, b;

		for (int i = 0; i < n; i++)
			if (r[i].ms >= 0 && r[i].ms <= at)
				then[k++] = r[i];
		world_open(&a, kinds);
		world_open(&b, kinds);
		world_learn(&a, r, n, false);
		cdp_identity_publish(a.m);
		cdp_identity_known_at(a.m, 1704067200000 + at);
		cdp_identity_publish(a.m);
		world_learn(&b, then, k, false);
		cdp_identity_publish(b.m);
		for (int i = 0; i < IDS; i++)
			bad += b.number[i] != UINT32_MAX &&
			       world_name_of(&a, i) != world_name_of(&b, i);
		world_close(&a);
		world_close(&b);
	}
	is_int(bad, 0, "persons as known at a time are those of the records up to it");
}

static void journal_brings_it_back(void)
{
	int bad = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct record r[RECORDS];
		int n = history_random(r, false, round % 2), half = n / 2;
		struct cdp_buf log;
		struct cdp_err err;
		struct world a, b;
		char *x, *y;

		cdp_buf_init(&log, CDP_BUF_NOMAX);
		world_open(&a, kinds);
		world_open(&b, kinds);
		world_learn(&a, r, half, false);
		world_learn(&b, r, half, false);
		cdp_identity_log(a.m, &log);
		world_learn(&a, r + half, n - half, false);
		if (cdp_identity_relearn(b.m, log.p, log.n, &err) < 0)
			bad++;
		cdp_identity_publish(a.m);
		cdp_identity_publish(b.m);
		x = world_written(&a, cdp_identity_write_map);
		y = world_written(&b, cdp_identity_write_map);
		bad += strcmp(x, y) != 0;
		free(x);
		free(y);
		/* Damage is an error, not a crash. */
		if (log.n) {
			log.p[history_rnd((unsigned)log.n)] ^=
				(char)(1 + history_rnd(255));
			cdp_identity_relearn(b.m, log.p, log.n, &err);
		}
		cdp_buf_release(&log);
		world_close(&a);
		world_close(&b);
	}
	is_int(bad, 0, "a log of evidence brings back the same map");
}

int main(void)
{
	kinds = world_kinds();
	order_does_not_matter();
	stream_ends_with_the_same_map();
	days_give_the_map_of_one_run();
	parted_is_as_never_linked();
	what_was_known_then();
	journal_brings_it_back();
	cdp_idkinds_free(kinds);
	return tap_done();
}
