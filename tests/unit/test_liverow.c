/* What is kept of each customer between two records says at any time what one pass over
 * all records says: random histories of every aggregate, with late and early events,
 * updates and rows, and days that end. */
#include "model/liveknown.h"

#include "base/buf.h"
#include "model/known.h"
#include "tag_world.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAYS = 6, SEEDS = 60 };

static const char definitions[] =
	"{\"tags\":[" WORLD_TAGS ",{\"name\":\"w\",\"value\":\"as_of - last(time)\"}]}";

struct follower {
	struct world *w;
	struct cdp_run run;
	struct cdp_paths *paths;
	struct cdp_tagset *set;
	struct cdp_liverows *rows;
	struct cdp_eval *ev;
	struct cdp_liveknown *known;
	struct cdp_liverow row;
	struct cdp_buf bytes[WORLD_PEOPLE];
	unsigned touched;
};

static void check(int rc, const struct cdp_err *err)
{
	if (rc < 0) {
		fprintf(stderr, "%s\n", err->msg);
		abort();
	}
}

static void read_row(struct follower *f, unsigned who, const struct cdp_livewindows *w)
{
	const struct cdp_buf *b = &f->bytes[who];
	struct cdp_err err;

	check(cdp_liverow_read(&f->row, f->rows, w, b->n ? b->p : NULL, b->n, &err),
	      &err);
}

static void touched(void *ctx, uint32_t ask)
{
	(void)ask;
	++*(unsigned *)ctx;
}

static void hear(struct follower *f, const struct thing *t)
{
	struct cdp_customers *c = f->rows->fresh;
	struct cdp_buf new;
	struct cdp_err err;
	char key[8];

	snprintf(key, sizeof(key), "p%u", t->who);
	world_gather(c, f->set, &f->run, t, t->who);
	read_row(f, t->who, &f->rows->now);
	check(cdp_liverow_take(&f->row, f->rows, key, strlen(key), t->ms, touched,
			       &f->touched, &err),
	      &err);
	cdp_buf_init(&new, CDP_BUF_NOMAX);
	cdp_liverow_write(&f->row, f->rows, &new);
	cdp_buf_release(&f->bytes[t->who]);
	f->bytes[t->who] = new;
}

/* All tags of a customer, as the evaluator's host has it. */
static void add_values(const struct cdp_tagset *set, struct cdp_eval *ev,
		       struct cdp_buf *out)
{
	for (unsigned i = 0; i < set->count; i++) {
		struct cdp_value v;
		struct cdp_err err;

		cdp_buf_addc(out, ' ');
		if (cdp_expr_value(set->tags[i].value, ev, NULL, &v, &err) < 0)
			cdp_buf_adds(out, "error");
		else
			cdp_value_json(out, &v);
	}
	cdp_eval_reset(ev);
}

static int fetch_live(void *host, int ref, struct cdp_value *out, struct cdp_err *err)
{
	return cdp_liveknown_fetch(host, ref, out, err);
}

static int fetch_known(void *host, int ref, struct cdp_value *out, struct cdp_err *err)
{
	return cdp_known_fetch(host, ref, out, err);
}

/* By the rows, at this base time. */
static void say(struct follower *f, const struct cdp_livewindows *w, struct cdp_buf *out)
{
	struct cdp_err err;

	cdp_eval_set_base(f->ev, cdp_time_from_ms(w->base_ms));
	for (unsigned i = 0; i < WORLD_PEOPLE; i++) {
		if (!f->bytes[i].n)
			continue;
		read_row(f, i, w);
		check(cdp_liveknown_turn(f->known, &f->row, w, &err), &err);
		cdp_buf_addf(out, "p%u", i);
		add_values(f->set, f->ev, out);
		cdp_buf_addc(out, '\n');
	}
}

/* By one pass over the first n things. */
static void say_all(struct world *w, const struct cdp_run *run, size_t n,
		    struct cdp_buf *out)
{
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_tagset *set = world_load(w, paths, run);
	struct cdp_customers *c = cdp_customers_new(set, 1);
	struct cdp_eval *ev = cdp_eval_new(run);
	struct cdp_known *known;

	for (size_t i = 0; i < n; i++)
		world_gather(c, set, run, &w->things[i], w->things[i].who);
	cdp_customers_finish(c);
	known = cdp_known_new(set, c, ev);
	cdp_eval_set_host(ev, fetch_known, known);
	for (uint32_t i = 0; i < cdp_customers_count(c); i++) {
		uint32_t who = cdp_customers_at(c, i);
		size_t key_n;
		const char *key = cdp_customers_key(c, who, &key_n);

		cdp_known_turn(known, who);
		cdp_buf_add(out, key, key_n);
		add_values(set, ev, out);
		cdp_buf_addc(out, '\n');
	}
	cdp_known_free(known);
	cdp_eval_free(ev);
	cdp_customers_free(c);
	cdp_tagset_free(set);
	cdp_paths_free(paths);
}

static bool is_same(struct follower *f, const struct cdp_livewindows *w, size_t n)
{
	struct cdp_run run = f->run;
	struct cdp_buf got, want;
	bool same;

	cdp_buf_init(&got, CDP_BUF_NOMAX);
	cdp_buf_init(&want, CDP_BUF_NOMAX);
	run.as_of = cdp_time_from_ms(w->base_ms);
	say(f, w, &got);
	say_all(f->w, &run, n, &want);
	same = got.n == want.n && memcmp(got.p, want.p, got.n) == 0;
	if (!same)
		fprintf(stderr, "want\n%sgot\n%s", cdp_buf_str(&want), cdp_buf_str(&got));
	cdp_buf_release(&got);
	cdp_buf_release(&want);
	return same;
}

static bool follow_days(struct follower *f, int64_t day)
{
	struct world *w = f->w;
	size_t read = 0;
	bool same = true;

	for (int n = 0; n < DAYS && same; n++) {
		day += n == 0 ? 0 : world_below(w, 4) ? 1 : 12;
		f->run.as_of.s = cdp_zone_day_start(w->zone, day + 1);
		cdp_liverows_turn(f->rows, f->run.as_of.s * 1000);
		/* What was, and what the night made of it. */
		same = n == 0 || (is_same(f, &f->rows->before, read) &&
				  is_same(f, &f->rows->now, read));
		for (unsigned i = 5 + world_below(w, 12); i > 0; i--)
			world_add(w, day);
		while (read < w->count && same) {
			hear(f, &w->things[read++]);
			if (world_below(w, 6) == 0)
				same = is_same(f, &f->rows->now, read);
			if (world_below(w, 9) == 0)
				cdp_liverows_fresh(f->rows);
		}
		same = same && is_same(f, &f->rows->now, read);
	}
	return same && f->touched > 0;
}

static void check_history(unsigned seed)
{
	int64_t day;
	struct world *w = world_new(definitions, seed, &day);
	struct follower f = { .w = w, .run.zone = w->zone };

	f.run.as_of.s = cdp_zone_day_start(w->zone, day + 1);
	f.paths = cdp_paths_new();
	f.set = world_load(w, f.paths, &f.run);
	f.rows = cdp_liverows_new(f.set, w->zone);
	f.ev = cdp_eval_new(&f.run);
	f.known = cdp_liveknown_new(f.rows, f.ev);
	cdp_eval_set_host(f.ev, fetch_live, f.known);
	cdp_liverow_init(&f.row);
	cdp_liverows_fresh(f.rows);
	for (unsigned i = 0; i < WORLD_PEOPLE; i++)
		cdp_buf_init(&f.bytes[i], CDP_BUF_NOMAX);
	ok(follow_days(&f, day), "history %u in %s: rows say what one pass says", seed,
	   world_zone(seed));
	for (unsigned i = 0; i < WORLD_PEOPLE; i++)
		cdp_buf_release(&f.bytes[i]);
	cdp_liverow_release(&f.row);
	cdp_liveknown_free(f.known);
	cdp_eval_free(f.ev);
	cdp_liverows_free(f.rows);
	cdp_tagset_free(f.set);
	cdp_paths_free(f.paths);
	world_free(w);
}

int main(void)
{
	for (unsigned seed = 1; seed <= SEEDS; seed++)
		check_history(seed);
	return tap_done();
}
