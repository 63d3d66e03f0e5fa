/* What may be told: small cells, and that none follows from what is told. */
#include "base/rand.h"
#include "model/portrait_drill.h"
#include "model/portrait_table.h"
#include "record/json.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct cdp_err table_err;

static void sizes(void)
{
	/* By mask, of the base and two audiences. */
	static const uint64_t apart[8] = { 0, 50, 0, 30, 0, 20 };
	static const uint64_t nearly[8] = { 0, 3, 0, 97 };
	static const uint64_t nested[8] = { 0, 50, 0, 4, 0, 0, 0, 30 };
	static const uint64_t tiny[8] = { 0, 50, 0, 30, 0, 4 };
	static const uint64_t crossing[8] = { 0, 50, 0, 30, 0, 20, 0, 4 };
	struct cdp_guard_sums s;

	cdp_guard_sums_init(&s, 5, apart, 3);
	is_int(s.shown, 7, "audiences of enough people are shown");
	cdp_guard_sums_init(&s, 5, nearly, 2);
	is_int(s.shown, 1, "one that is nearly the base is not");
	cdp_guard_sums_init(&s, 3, nearly, 2);
	is_int(s.shown, 3, "a minimum is enough");
	cdp_guard_sums_init(&s, 5, nested, 3);
	is_int(s.shown, 3, "nor is one that is nearly all of an audience before it");
	cdp_guard_sums_init(&s, 5, tiny, 3);
	is_int(s.shown, 3, "nor one that is small");
	cdp_guard_sums_init(&s, 5, crossing, 3);
	is_int(s.shown, 7, "that a few are in both does not follow from the sizes");
	cdp_guard_sums_init(&s, 0, tiny, 3);
	is_int(s.shown, 7, "without a minimum everything is shown");
}

static void counts(void)
{
	static const uint64_t apart[8] = { 0, 0, 0, 60, 0, 40 };
	struct cdp_guard_sums s;

	cdp_guard_sums_init(&s, 5, apart, 3);
	ok(cdp_guard_is_safe(&s, (uint64_t[]){ 10, 5, 5, 0, 0 }), "enough is safe");
	ok(cdp_guard_is_safe(&s, (uint64_t[]){ 10, 10, 0, 0, 0 }), "nobody is safe");
	ok(!cdp_guard_is_safe(&s, (uint64_t[]){ 10, 4, 6, 0, 0 }), "a few are not");
	ok(!cdp_guard_is_safe(&s, (uint64_t[]){ 4, 0, 4, 0, 0 }), "nor of the base");
	cdp_guard_sums_init(&s, 5, (const uint64_t[4]){ 0, 50, 0, 50 }, 2);
	ok(!cdp_guard_is_safe(&s, (uint64_t[]){ 20, 18, 0, 0, 0 }),
	   "nor those of the base who are not in the audience");
}

static void overlaps(void)
{
	static const uint64_t regions[8] = { 0, 50, 0, 30, 0, 20, 0, 4 };
	struct cdp_guard g;

	cdp_guard_init(&g, 5, regions, 8);
	ok(cdp_guard_publish(&g, cdp_guard_group(0)) &&
		   cdp_guard_publish(&g, cdp_guard_group(1)) &&
		   cdp_guard_publish(&g, cdp_guard_group(2)),
	   "sizes may be told");
	ok(!cdp_guard_publish(&g, cdp_guard_overlap(1, 2)), "a small overlap may not");
}

/* --- an attacker --- */

enum { PRIME = 1000003, VALUES = 6, REGIONS = 8, UNKNOWNS = VALUES * REGIONS };

static int64_t power_mod(int64_t x, int64_t e)
{
	int64_t r = 1;

	for (; e; e >>= 1, x = x * x % PRIME)
		if (e & 1)
			r = r * x % PRIME;
	return r;
}

/* What is told, as equations of the customers by value and region, in echelon form. */
struct system {
	int64_t row[UNKNOWNS][UNKNOWNS];
	bool used[UNKNOWNS]; /* by first unknown of the row */
};

/* Takes from x what follows; true if nothing is left. */
static bool follows(const struct system *s, int64_t *x)
{
	for (int c = 0; c < UNKNOWNS; c++) {
		int64_t f = x[c];

		if (!f)
			continue;
		if (!s->used[c])
			return false;
		for (int k = c; k < UNKNOWNS; k++)
			x[k] = (x[k] + (PRIME - f) * s->row[c][k]) % PRIME;
	}
	return true;
}

static void tell(struct system *s, int64_t *x)
{
	int c = 0;

	if (follows(s, x))
		return;
	while (!x[c] || s->used[c])
		c++;
	/* follows() stops at the first unknown without a row. */
	for (int64_t k = UNKNOWNS - 1, inverse = power_mod(x[c], PRIME - 2); k >= 0; k--)
		s->row[c][k] = x[k] * inverse % PRIME;
	s->used[c] = true;
}

/* Those in group g with value v (-1: any), as an equation over regions with people. */
static void equation(int64_t *x, int v, unsigned g, const uint64_t *regions)
{
	memset(x, 0, UNKNOWNS * sizeof(*x));
	for (int k = 0; k < VALUES; k++)
		for (unsigned m = 0; m < REGIONS; m++)
			if ((v < 0 || k == v) && m >> g & 1 && regions[m])
				x[k * REGIONS + (int)m] = 1;
}

/* Random customers of the base and two audiences with one tag: is a suppressed small
 * count determined by what is told? */
static bool attack(struct cdp_rand *r, uint64_t min, unsigned *suppressed)
{
	static struct system s;
	struct cdp_portrait *p = cdp_portrait_new(3, NULL);
	struct cdp_portrait_spec spec = { .values = 20, .min_cell = min };
	struct cdp_portrait_tables *t;
	int64_t x[UNKNOWNS];
	bool good = true;
	unsigned kinds = 1 + cdp_rand_below(r, 7);

	memset(&s, 0, sizeof(s));
	for (unsigned i = 0, n = 20 + cdp_rand_below(r, 200); i < n; i++) {
		/* Values in the base by far more than `min`, so that they keep their
		 * names. */
		char tags[64] = "{}";
		struct cdp_val v;
		unsigned value = cdp_rand_below(r, 4) ? 0 : cdp_rand_below(r, VALUES);

		snprintf(tags, sizeof(tags), "{\"t\":%u}", value);
		cdp_val_at(&v, tags, strlen(tags));
		cdp_portrait_add(p, &v, 1 | cdp_rand_below(r, 8) % kinds << 1);
	}
	t = cdp_portrait_tables_new(p, &spec, &table_err);
	for (unsigned g = 0; g < 3; g++) {
		if (!cdp_guard_shows(&t->guard, g))
			continue;
		equation(x, -1, g, cdp_portrait_regions(p));
		tell(&s, x);
	}
	for (int pass = 0; pass < 2; pass++)
		for (size_t k = 0; k < t->v[0].count; k++) {
			const struct cdp_portrait_row *row = &t->v[0].rows[k];

			if (row->kind != CDP_PORTRAIT_VALUE)
				continue;
			for (unsigned g = 0; g < 3; g++) {
				if (!cdp_guard_shows(&t->guard, g) || row->hidden != pass)
					continue;
				equation(x, row->text[0] - '0', g,
					 cdp_portrait_regions(p));
				if (pass == 0) {
					tell(&s, x);
					good = good && (row->counts[g] == 0 ||
							row->counts[g] >= min);
				} else if (row->counts[g] > 0 && row->counts[g] < min) {
					++*suppressed;
					good = good && !follows(&s, x);
				}
			}
		}
	cdp_portrait_tables_free(t);
	cdp_portrait_free(p);
	return good;
}

static void attacks(void)
{
	unsigned suppressed = 0;
	struct cdp_rand r;
	bool good = true;

	cdp_rand_seed(&r, 7, 0);
	for (int i = 0; i < 3000 && good; i++)
		good = attack(&r, 2 + cdp_rand_below(&r, 9), &suppressed);
	ok(good, "no suppressed count follows from those that are told");
	ok(suppressed > 1000, "and many were suppressed");
}

/* --- tables --- */

static void fill(struct cdp_portrait *p, unsigned n, unsigned mask, const char *tags)
{
	struct cdp_val v;

	cdp_val_at(&v, tags, strlen(tags));
	while (n-- > 0)
		cdp_portrait_add(p, &v, mask);
}

/* "value=count" of the base, * where suppressed. */
static const char *told(struct cdp_portrait *p, unsigned bins)
{
	static char text[512];
	struct cdp_portrait_spec spec = { .values = 20, .bins = bins, .min_cell = 5 };
	struct cdp_portrait_tables *t = cdp_portrait_tables_new(p, &spec, &table_err);
	int n = 0;

	*text = '\0';
	for (size_t k = 0; k < t->v[0].count; k++) {
		const struct cdp_portrait_row *r = &t->v[0].rows[k];

		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s%s=", k ? " " : "",
			      r->kind == CDP_PORTRAIT_OTHER     ? "other"
			      : r->kind == CDP_PORTRAIT_MISSING ? "missing"
								: r->text);
		n += r->hidden ? snprintf(text + n, sizeof(text) - (size_t)n, "*")
			       : snprintf(text + n, sizeof(text) - (size_t)n, "%u",
					  (unsigned)r->counts[0]);
	}
	if (t->v[0].ordered)
		snprintf(text + n, sizeof(text) - (size_t)n, " and quantiles");
	cdp_portrait_tables_free(t);
	cdp_portrait_free(p);
	return text;
}

static void tables(void)
{
	struct cdp_portrait *p = cdp_portrait_new(1, NULL);

	fill(p, 20, 1, "{\"t\":\"a\"}");
	fill(p, 9, 1, "{\"t\":\"b\"}");
	fill(p, 4, 1, "{}");
	is_str(told(p, 0), "\"a\"=20 \"b\"=* missing=*",
	       "the next smallest value hides the one that is small");
	p = cdp_portrait_new(1, NULL);
	fill(p, 20, 1, "{\"t\":\"a\"}");
	fill(p, 4, 1, "{\"t\":\"b\"}");
	fill(p, 3, 1, "{\"t\":\"c\"}");
	is_str(told(p, 0), "\"a\"=20 other=7", "rare values are not named but as one");
	p = cdp_portrait_new(1, NULL);
	fill(p, 20, 1, "{\"t\":[\"a\"]}");
	fill(p, 9, 1, "{\"t\":[\"b\",\"c\"]}");
	fill(p, 2, 1, "{\"t\":[\"a\",\"d\"]}");
	is_str(told(p, 0), "\"a\"=22 \"b\"=9 \"c\"=9 other=*",
	       "mentions of rare items are of nobody knows how many");
	p = cdp_portrait_new(1, NULL);
	fill(p, 20, 1, "{\"t\":[\"a\"]}");
	fill(p, 9, 1, "{\"t\":[\"a\",\"b\"]}");
	fill(p, 2, 1, "{\"t\":[\"b\"]}");
	is_str(told(p, 0), "\"b\"=11 \"a\"=*", "few who lack an item are few, too");
	p = cdp_portrait_new(1, NULL);
	fill(p, 7, 1, "{\"t\":1234.56}");
	fill(p, 7, 1, "{\"t\":2345.67}");
	fill(p, 7, 1, "{\"t\":3456.78}");
	is_str(told(p, 2), "\"<2300\"=7 \">=2300\"=14",
	       "bins tell of no customer's value, nor do quantiles");
}

static void levels(void)
{
	static const uint64_t regions[4] = { 0, 60, 0, 40 };
	static const struct cdp_drill_level level[] = {
		{ { 100, 40 } }, { { 97, 40 } }, { { 90, 40 } },
		{ { 50, 3 } },   { { 40, 20 } }, { { 0, 0 } },
	};
	struct cdp_guard_sums s;
	bool hidden[6];

	cdp_guard_sums_init(&s, 5, regions, 2);
	cdp_drill_hide(&s, level, 6, hidden);
	ok(!hidden[0] && hidden[1], "a step that leaves few behind is not told");
	ok(!hidden[2], "a later one that leaves enough is");
	ok(hidden[3] && !hidden[4] && !hidden[5], "nor is one that few pass");
}

int main(void)
{
	sizes();
	counts();
	overlaps();
	attacks();
	tables();
	levels();
	return tap_done();
}
