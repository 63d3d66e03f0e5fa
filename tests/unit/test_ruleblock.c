/* Rules decided many records at a time: the same as each rule alone on each record, also
 * where members are missing, of other types, or numbers of every kind. */
#include "base/buf.h"
#include "base/mem.h"
#include "io/in.h"
#include "model/audiences.h"
#include "model/segments.h"
#include "rule_world.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RULES = 60, GIVEN = 2, RECORDS = 300 };

/* ---- each rule alone ---- */

struct alone {
	struct cdp_expr *v[RULES];
	bool is[RULES + GIVEN];
};

static int resolve(void *host, const char *const *names, size_t count, size_t *used,
		   struct cdp_err *err)
{
	(void)host;
	(void)count;
	(void)err;
	*used = 2;
	return (names[1][0] == 'g' ? RULES : 0) + atoi(names[1] + 1);
}

static int fetch(void *host, int ref, struct cdp_value *out, struct cdp_err *err)
{
	struct alone *a = host;

	(void)err;
	*out = (struct cdp_value){ .type = CDP_V_BOOL, .b = a->is[ref] };
	return 0;
}

struct found {
	int8_t is[RULES][RECORDS]; /* 1, 0, -1 an error */
	unsigned first, rows;
};

static void note(void *ctx, uint32_t set, struct cdp_rowset *rows)
{
	struct found *f = ctx;

	for (unsigned r = 0; f->first + r < RECORDS && r < f->rows; r++) {
		bool t = rows->t[r / 64] >> r % 64 & 1;
		bool e = rows->e[r / 64] >> r % 64 & 1;

		f->is[set][f->first + r] = t ? 1 : e ? -1 : 0;
	}
}

static bool is_given(unsigned record, unsigned set)
{
	return record % (set + 2) == 0;
}

/* How many answers differ; the first of them is told. */
static int compare(struct cdp_buf *rules, struct cdp_buf *profiles, unsigned words,
		   unsigned *errors)
{
	static const char *const roots[] = { "segments", NULL };
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_env env = { .paths = paths,
			       .members = cdp_profile_members,
			       .roots = roots,
			       .resolve = resolve };
	struct cdp_rules *r = cdp_rules_new();
	struct cdp_eval *ev = cdp_eval_new(&(struct cdp_run){ 0 });
	struct cdp_rule_block *block;
	struct cdp_rule_plan *plan;
	struct alone alone = { 0 };
	static struct found f;
	struct cdp_scan *scan;
	uint32_t nodes[RULES + GIVEN], order[RULES];
	struct cdp_rule_spec spec = { .rules = r,
				      .set_count = RULES + GIVEN,
				      .nodes = nodes,
				      .order = order,
				      .order_count = RULES,
				      .max_words = words };
	struct cdp_rec rec = { 0 };
	struct cdp_err err;
	int bad = 0;

	memset(&f, 0, sizeof(f));
	for (unsigned i = 0; i < RULES; i++) {
		order[i] = i;
		if (cdp_rules_add(r, rules[i].p, rules[i].n, &env, &nodes[i], &err) < 0 ||
		    cdp_expr_compile(&alone.v[i], rules[i].p, rules[i].n, &env, &err) <
			    0) {
			printf("# %.*s: %s\n", (int)rules[i].n, rules[i].p, err.msg);
			return -1;
		}
	}
	nodes[RULES] = nodes[RULES + 1] = CDP_RULE_GIVEN;
	plan = cdp_rule_plan_new(&spec);
	f.rows = cdp_rule_plan_rows(plan);
	block = cdp_rule_block_new(plan, &(struct cdp_run){ 0 }, paths);
	scan = cdp_scan_new(paths);
	cdp_eval_set_host(ev, fetch, &alone);
	for (int pass = 0; pass < 2; pass++) {
		cdp_scan_block(scan, profiles->p, profiles->n);
		for (unsigned k = 0; cdp_scan_next(scan, &rec, &err) > 0; k++) {
			for (unsigned g = 0; g < GIVEN; g++)
				alone.is[RULES + g] = is_given(k, g);
			if (pass == 0) {
				unsigned row = cdp_rule_block_add(block, &rec);

				for (unsigned g = 0; g < GIVEN; g++)
					if (is_given(k, g))
						cdp_rule_block_give(block, row,
								    RULES + g);
				if (row + 1 == cdp_rule_plan_rows(plan) ||
				    k + 1 == RECORDS) {
					cdp_rule_block_decide(block, true, note, &f);
					f.first = k + 1;
				}
				continue;
			}
			for (unsigned i = 0; i < RULES; i++) {
				int v = cdp_expr_match(alone.v[i], ev, &rec, &err);
				int one = cdp_rules_match(r, nodes[i], ev, &rec, &err);

				alone.is[i] = v > 0;
				*errors += v < 0;
				if ((v != f.is[i][k] || v != one) && !bad++)
					printf("# %.*s of %.*s: %d, in a block %d, by "
					       "parts "
					       "%d",
					       (int)rules[i].n, rules[i].p, (int)rec.len,
					       rec.raw, v, f.is[i][k], one);
			}
			cdp_eval_reset(ev);
		}
	}
	for (unsigned i = 0; i < RULES; i++)
		cdp_expr_free(alone.v[i]);
	cdp_scan_free(scan);
	cdp_rule_block_free(block);
	cdp_rule_plan_free(plan);
	cdp_rules_free(r);
	cdp_eval_free(ev);
	cdp_paths_free(paths);
	return bad;
}

static void differential(void)
{
	struct cdp_buf rules[RULES], profiles;
	unsigned errors = 0;
	int bad = 0;

	cdp_buf_init(&profiles, CDP_BUF_NOMAX);
	for (unsigned i = 0; i < RULES; i++)
		cdp_buf_init(&rules[i], CDP_BUF_NOMAX);
	for (unsigned round = 0; round < 40 && bad == 0; round++) {
		cdp_buf_reset(&profiles);
		for (unsigned i = 0; i < RULES; i++) {
			cdp_buf_reset(&rules[i]);
			world_rule(&rules[i], 3, i);
		}
		for (unsigned i = 0; i < RECORDS; i++)
			world_profile(&profiles, i);
		cdp_buf_reserve(&profiles, CDP_IN_PAD);
		memset(profiles.p + profiles.n, 0, CDP_IN_PAD);
		bad = compare(rules, &profiles, round % 3 == 2 ? 8 : round % 3, &errors);
	}
	is_int(bad, 0, "random rules decide random profiles as each does alone");
	ok(errors > 1000, "many of them end in an error");
	cdp_buf_release(&profiles);
	for (unsigned i = 0; i < RULES; i++)
		cdp_buf_release(&rules[i]);
}

/* ---- members ---- */

static int list_one(void *ctx, uint32_t rank, const uint32_t *in, uint32_t n)
{
	struct cdp_buf *b = ctx;

	cdp_buf_addf(b, "%u:", rank);
	for (uint32_t i = 0; i < n; i++)
		cdp_buf_addf(b, "%u,", in[i]);
	return 0;
}

static void add_rows(struct cdp_audience_part *p, uint32_t set, uint64_t bits)
{
	cdp_audience_part_add(p, set, 0, &(struct cdp_rowset){ .t = &bits, .has = 1 });
}

static void members(void)
{
	struct cdp_audience_part *parts[2] = { cdp_audience_part_new(3, NULL),
					       cdp_audience_part_new(3, NULL) };
	struct cdp_intern *more = cdp_intern_new(0);
	static const uint32_t sets[] = { 0, 1, 2 }, fewer[] = { 1 };
	struct cdp_audiences *a;
	struct cdp_buf b;
	uint32_t *v = NULL, cap = 0;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_audience_part_row(parts[0], "d", 1);
	cdp_audience_part_row(parts[0], "a", 1);
	cdp_audience_part_row(parts[1], "c", 1);
	cdp_audience_part_row(parts[1], "a", 1);
	cdp_intern_put(more, "b", 1, NULL);
	add_rows(parts[0], 0, 3);
	add_rows(parts[0], 1, 1);
	add_rows(parts[1], 0, 2);
	add_rows(parts[1], 2, 3);
	a = cdp_audiences_of(parts, 2, more);
	is_int(cdp_audiences_customers(a), 4, "customers of all parts and more");
	is_int(cdp_audiences_members(a, 0, &v, &cap), 2,
	       "one with two profiles is a member once");
	is_int(v[0], 0, "members come by key");
	is_int(cdp_audiences_count(a, 2), 2, "and are counted");
	cdp_audiences_each(a, sets, 3, list_one, &b);
	is_str(cdp_buf_str(&b), "0:0,2,1:2:2,3:0,1,", "audiences of each customer");
	cdp_buf_reset(&b);
	cdp_audiences_set(a, 0, fewer, 1);
	cdp_audiences_each(a, sets, 1, list_one, &b);
	is_str(cdp_buf_str(&b), "0:1:0,2:3:", "an audience that was replaced");
	cdp_audiences_free(a);
	cdp_intern_free(more);
	cdp_buf_release(&b);
	free(v);
}

/* a has two profiles, both in set 0 and one in set 1; b has one. */
static void counting(void)
{
	struct cdp_audience_part *parts[2] = { cdp_audience_part_counting(2, NULL),
					       cdp_audience_part_counting(2, NULL) };
	struct cdp_audience_part *again = cdp_audience_part_new(2, NULL);
	struct cdp_audiences *a;
	struct cdp_intern *twice;
	uint64_t rows;

	cdp_audience_part_row(parts[0], "b", 1);
	cdp_audience_part_row(parts[0], "a", 1);
	cdp_audience_part_row(parts[1], "a", 1);
	add_rows(parts[0], 0, 3);
	add_rows(parts[1], 0, 1);
	add_rows(parts[1], 1, 1);
	a = cdp_audiences_of(parts, 2, NULL);
	twice = cdp_audiences_twice(a, &rows);
	is_int((int64_t)rows, 2, "rows of customers who have several are told");
	is_int(cdp_intern_count(twice), 1, "and those customers");
	is_int(cdp_intern_get(twice, "a", 1), 0, "by key");
	cdp_audience_part_row(again, "a", 1);
	cdp_audience_part_row(again, "a", 1);
	add_rows(again, 0, 3);
	add_rows(again, 1, 2);
	cdp_audiences_count_once(a, cdp_audiences_of(&again, 1, NULL));
	is_int(cdp_audiences_count(a, 0), 2, "who is in by two rows counts once");
	is_int(cdp_audiences_count(a, 1), 1, "as who is in by one of them");
	cdp_intern_free(twice);
	cdp_audiences_free(a);
}

/* ---- values that come again, and those that do not ---- */

enum { MANY = 60000 };

static const char *const value_rules[] = {
	"tags.few == 'v3' && tags.unique >= 500000.5",
	"tags.few in ['v1', 'v7', 'v9'] || tags.unique < 1000",
	"tags.many.endsWith('7') && tags.many > 'w25'",
	"tags.many == 'w4321' || tags.long == 'fourteen bytes and more 3'",
	"tags.long.contains('more 1') && !(tags.few == 'v2')",
	"tags.long >= 'fourteen bytes and more 5' || tags.kind",
	"tags.kind == 5 || tags.kind == '5' || tags.kind == null",
	"(tags.few == 'v1' || tags.kind == true) && tags.unique % 2 == 0",
};
enum { VALUE_RULES = sizeof(value_rules) / sizeof(*value_rules) };

static void add_values(struct cdp_buf *b, unsigned number)
{
	static const char *const kinds[] = { "5",    "\"5\"",       "true", "false",
					     "\"\"", "\"\\u0035\"", "null", "5.0" };

	cdp_buf_addf(b, "{\"one_id\":\"%06u\",\"tags\":{\"few\":\"v%u\"", number,
		     world_pick(11));
	cdp_buf_addf(b, ",\"unique\":%u.%02u", world_pick(1000000), world_pick(100));
	if (world_pick(5))
		cdp_buf_addf(b, ",\"many\":\"w%u\"", world_pick(9000));
	if (world_pick(5))
		cdp_buf_addf(b, ",\"long\":\"fourteen bytes and more %u\"",
			     world_pick(7));
	cdp_buf_addf(b, ",\"kind\":%s}}\n", kinds[world_pick(8)]);
}

struct sums {
	const struct cdp_rules *r;
	uint64_t t[VALUE_RULES], e[VALUE_RULES]; /* sums over rows */
	unsigned first;
};

/* Any row that is elsewhere makes another sum, most likely. */
static uint64_t mark(unsigned row)
{
	uint64_t x = row * 0x9e3779b97f4a7c15u;

	return (x ^ x >> 31) * 0xbf58476d1ce4e5b9u;
}

static void sum_rows(void *ctx, uint32_t set, struct cdp_rowset *rows)
{
	struct sums *s = ctx;
	unsigned errors = 0;

	for (unsigned i = 0; i < 4096; i++) {
		if (rows->has >> i / 64 & 1 && rows->t[i / 64] >> i % 64 & 1)
			s->t[set] += mark(s->first + i);
		if (rows->errors && rows->e[i / 64] >> i % 64 & 1) {
			s->e[set] += mark(s->first + i);
			errors++;
		}
	}
	if (errors != rows->errors)
		s->e[set]++;
}

static void repeated_values(void)
{
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_env env = { .paths = paths, .members = cdp_profile_members };
	struct cdp_rules *r = cdp_rules_new();
	uint32_t nodes[VALUE_RULES], order[VALUE_RULES];
	struct cdp_rule_spec spec = { .rules = r,
				      .set_count = VALUE_RULES,
				      .nodes = nodes,
				      .order = order,
				      .order_count = VALUE_RULES };
	struct sums alone = { .r = r }, block = { .r = r };
	struct cdp_eval *ev = cdp_eval_new(&(struct cdp_run){ 0 });
	struct cdp_rule_block *b;
	struct cdp_rule_plan *plan;
	struct cdp_rec rec = { 0 };
	struct cdp_scan *scan;
	struct cdp_buf profiles;
	struct cdp_err err;
	unsigned row = 0;

	cdp_buf_init(&profiles, CDP_BUF_NOMAX);
	for (unsigned i = 0; i < MANY; i++)
		add_values(&profiles, i);
	cdp_buf_reserve(&profiles, CDP_IN_PAD);
	memset(profiles.p + profiles.n, 0, CDP_IN_PAD);
	for (uint32_t i = 0; i < VALUE_RULES; i++) {
		order[i] = i;
		if (cdp_rules_add(r, value_rules[i], strlen(value_rules[i]), &env,
				  &nodes[i], &err) < 0)
			printf("# %s: %s\n", value_rules[i], err.msg);
	}
	plan = cdp_rule_plan_new(&spec);
	b = cdp_rule_block_new(plan, &(struct cdp_run){ 0 }, paths);
	is_int(cdp_rule_plan_rows(plan), 4096, "a block of few rules has 4096 rows");
	scan = cdp_scan_new(paths);
	cdp_scan_block(scan, profiles.p, profiles.n);
	for (; cdp_scan_next(scan, &rec, &err) > 0; row++) {
		if (cdp_rule_block_add(b, &rec) == 4095) {
			cdp_rule_block_decide(b, true, sum_rows, &block);
			block.first = row + 1;
		}
		for (uint32_t i = 0; i < VALUE_RULES; i++) {
			int v = cdp_rules_match(r, nodes[i], ev, &rec, &err);

			alone.t[i] += v > 0 ? mark(row) : 0;
			alone.e[i] += v < 0 ? mark(row) : 0;
		}
		cdp_eval_reset(ev);
	}
	cdp_rule_block_decide(b, true, sum_rows, &block);
	is_int(row, MANY, "all profiles are read");
	ok(memcmp(alone.t, block.t, sizeof(alone.t)) == 0,
	   "values that come again, and new ones, are decided as each alone");
	ok(memcmp(alone.e, block.e, sizeof(alone.e)) == 0, "so are errors, and counted");
	cdp_buf_release(&profiles);
	cdp_scan_free(scan);
	cdp_rule_block_free(b);
	cdp_rule_plan_free(plan);
	cdp_rules_free(r);
	cdp_eval_free(ev);
	cdp_paths_free(paths);
}

/* Enough for every way of sorting. */
static void many_members(void)
{
	struct cdp_audience_part *parts[2] = { cdp_audience_part_new(2, NULL),
					       cdp_audience_part_new(2, NULL) };
	static uint64_t want[2][40000 / 64];
	static uint32_t to[40000];
	struct cdp_audiences *a;
	uint32_t *v = NULL, cap = 0, bad = 0;
	char key[16];

	for (uint32_t i = 0; i < 40000; i++) {
		uint32_t who = i * 7919 % 40000;
		uint64_t one = 1;
		int n = snprintf(key, sizeof(key), "%05u", who);
		uint32_t row = cdp_audience_part_row(parts[i & 1], key, (size_t)n);

		for (unsigned set = 0; set < 2; set++)
			if (world_pick(set ? 900 : 3) == 0) {
				want[set][who / 64] |= (uint64_t)1 << who % 64;
				cdp_audience_part_add(
					parts[i & 1], set, row,
					&(struct cdp_rowset){ .t = &one, .has = 1 });
			}
	}
	a = cdp_audiences_of(parts, 2, NULL);
	for (unsigned set = 0; set < 2; set++) {
		uint32_t n = cdp_audiences_members(a, set, &v, &cap), k = 0;

		for (uint32_t who = 0; who < 40000; who++)
			if (want[set][who / 64] >> who % 64 & 1)
				bad += k >= n || v[k++] != who;
		bad += k != n;
	}
	is_int(bad, 0, "members of large and small audiences come in order");
	for (uint32_t who = 0; who < 40000; who++)
		to[who] = 50000 - who;
	cdp_audiences_renumber(a, to, 50001);
	for (unsigned set = 0; set < 2; set++) {
		uint32_t n = cdp_audiences_members(a, set, &v, &cap), k = 0;

		for (uint32_t who = 40000; who-- > 0;)
			if (want[set][who / 64] >> who % 64 & 1)
				bad += k >= n || v[k++] != 50000 - who;
		bad += k != n;
	}
	is_int(bad, 0, "by other numbers in their order");
	cdp_audiences_renumber(a, NULL, 0);
	is_int(cdp_audiences_members(a, 0, &v, &cap), (int)cdp_audiences_count(a, 0),
	       "and by ranks again");
	cdp_audiences_free(a);
	free(v);
}

int main(void)
{
	differential();
	repeated_values();
	members();
	counting();
	many_members();
	return tap_done();
}
