/* Portraits: what is counted, which rows come of it, quantiles and bins. */
#include "model/portrait_stat.h"
#include "model/portrait_table.h"
#include "record/json.h"
#include "tap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A customer: groups (bit 0 the base) and tags. */
struct customer {
	unsigned mask;
	const char *tags;
};

static struct cdp_err table_err;

static void add(struct cdp_portrait *p, const struct customer *c)
{
	static char text[4096];
	struct cdp_val v;
	size_t n = strlen(c->tags);

	memset(text, 0, sizeof(text));
	memcpy(text, c->tags, n);
	cdp_val_at(&v, text, n);
	cdp_portrait_add(p, &v, c->mask);
}

static struct cdp_portrait *collect(const struct customer *c, size_t n, unsigned groups)
{
	struct cdp_portrait *p = cdp_portrait_new(groups, NULL);

	for (size_t i = 0; i < n; i++)
		add(p, &c[i]);
	return p;
}

static void put_counts(struct cdp_buf *b, const uint64_t *counts, unsigned groups)
{
	for (unsigned g = 0; g < groups; g++)
		cdp_buf_addf(b, "%s%llu", g ? "/" : "", (unsigned long long)counts[g]);
}

/* The rows of every tag: "tag: value=base/audience ...". */
static const char *shown(const struct cdp_portrait *p,
			 const struct cdp_portrait_spec *spec)
{
	static const char *const kinds[] = { "", "", "other", "missing" };
	static struct cdp_buf b;
	struct cdp_portrait_tables *t = cdp_portrait_tables_new(p, spec, &table_err);

	if (!b.p)
		cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_reset(&b);
	for (unsigned i = 0; i < t->count; i++) {
		cdp_buf_addf(&b, "%s%.*s:", i ? "; " : "", (int)t->v[i].name_n,
			     t->v[i].name);
		for (size_t k = 0; k < t->v[i].count; k++) {
			const struct cdp_portrait_row *r = &t->v[i].rows[k];

			cdp_buf_addf(&b, " %s=",
				     r->kind < CDP_PORTRAIT_OTHER ? r->text
								  : kinds[r->kind]);
			if (r->hidden)
				cdp_buf_addc(&b, '*');
			else
				put_counts(&b, r->counts, t->groups);
		}
	}
	cdp_portrait_tables_free(t);
	return cdp_buf_str(&b);
}

#define SHOWN(c, groups, ...)                                                            \
	show(c, sizeof(c) / sizeof(*(c)), groups,                                        \
	     &(struct cdp_portrait_spec){ .values = 20, __VA_ARGS__ })

static const char *show(const struct customer *c, size_t n, unsigned groups,
			const struct cdp_portrait_spec *spec)
{
	struct cdp_portrait *p = collect(c, n, groups);
	const char *text = shown(p, spec);

	cdp_portrait_free(p);
	return text;
}

static void counting(void)
{
	static const struct customer values[] = {
		{ 3, "{\"t\":\"a\"}" },
		{ 1, "{\"t\":\"b\"}" },
		{ 3, "{\"t\":\"\\u0061\"}" },
		{ 1, "{\"t\":null}" },
		{ 3, "{}" },
		{ 0, "{\"t\":\"z\"}" },
	};
	static const struct customer types[] = {
		{ 1, "{\"t\":1}" },    { 1, "{\"t\":\"1\"}" },
		{ 1, "{\"t\":1.0}" },  { 1, "{\"t\":10e-1}" },
		{ 1, "{\"t\":true}" }, { 1, "{\"t\":{\"a\": 1}}" },
	};
	static const struct customer lists[] = {
		{ 1, "{\"t\":[\"a\",\"b\",\"a\"]}" },
		{ 1, "{\"t\":[]}" },
		{ 1, "{\"t\":[null]}" },
		{ 1, "{\"t\":\"a\"}" },
		{ 1, "{\"t\":[1,1.0]}" },
		{ 1, "{}" },
	};
	static const struct customer twice[] = { { 1, "{\"t\":\"a\",\"t\":\"b\"}" } };
	static const struct customer audience[] = { { 2, "{\"t\":\"a\"}" },
						    { 1, "{\"t\":\"b\"}" } };

	is_str(SHOWN(values, 2), "t: \"a\"=2/2 \"b\"=1/0 missing=2/1",
	       "null and no member are missing; who is in no group counts nowhere");
	is_str(SHOWN(types, 1), "t: 1=3 true=1 {\"a\":1}=1 \"1\"=1",
	       "types are told apart, spellings are not");
	is_str(SHOWN(lists, 1), "t: []=2 \"a\"=2 1=1 \"b\"=1 missing=1",
	       "each different item counts once, a list without items is []");
	is_str(SHOWN(twice, 1), "t: \"b\"=1",
	       "of members that come twice the last counts");
	is_str(SHOWN(audience, 2), "t: \"a\"=0/1 \"b\"=1/0",
	       "an audience may lie outside of the base");
}

static void selection(void)
{
	static const struct customer c[] = {
		{ 1, "{\"t\":\"a\"}" }, { 1, "{\"t\":\"a\"}" }, { 1, "{\"t\":\"b\"}" },
		{ 1, "{\"t\":\"b\"}" }, { 3, "{\"t\":\"c\"}" }, { 1, "{\"t\":\"d\"}" },
	};
	static const struct customer numbers[] = { { 1, "{\"t\":10}" },
						   { 1, "{\"t\":9.5}" },
						   { 1, "{\"t\":-1}" },
						   { 1, "{\"t\":10}" } };
	struct cdp_intern *only = cdp_intern_new(0);
	struct cdp_portrait *p;

	is_str(show(c, 6, 2, &(struct cdp_portrait_spec){ .values = 2 }),
	       "t: \"c\"=1/1 \"a\"=2/0 other=3/0",
	       "the value that is rare in the base and all of the audience has its row");
	is_str(SHOWN(numbers, 1), "t: -1=1 9.5=1 10=2", "numbers come in their order");
	cdp_intern_put(only, "t", 1, NULL);
	cdp_intern_put(only, "none", 4, NULL);
	p = cdp_portrait_new(1, only);
	add(p, &(struct customer){ 1, "{\"t\":1,\"u\":2}" });
	is_str(shown(p, &(struct cdp_portrait_spec){ .values = 9 }),
	       "none: missing=1; t: 1=1", "tags may be chosen, and need not occur");
	cdp_portrait_free(p);
	cdp_intern_free(only);
}

static void bins(void)
{
	static const struct customer c[] = {
		{ 1, "{\"t\":0}" },  { 1, "{\"t\":10}" },   { 1, "{\"t\":10}" },
		{ 3, "{\"t\":10}" }, { 1, "{\"t\":20.5}" }, { 3, "{\"t\":39.99}" },
		{ 1, "{\"t\":40}" }, { 2, "{\"t\":-3}" },   { 2, "{\"t\":1000}" },
	};
	static const struct customer cents[] = { { 1, "{\"t\":0.1}" },
						 { 1, "{\"t\":0.3}" },
						 { 1, "{\"t\":0.7}" } };
	static const struct customer close[] = { { 1, "{\"t\":9007199254740993}" },
						 { 1, "{\"t\":9007199254740994}" },
						 { 1, "{\"t\":9007199254740995}" } };
	static const struct customer days[] = { { 1, "{\"t\":\"2024-01-05\"}" },
						{ 1, "{\"t\":\"2024-01-01\"}" },
						{ 1, "{\"t\":\"2023-12-31\"}" },
						{ 1, "{\"t\":\"2024-02-29\"}" } };
	static const struct customer mixed[] = { { 1, "{\"t\":1}" },
						 { 1, "{\"t\":2}" },
						 { 1, "{\"t\":\"x\"}" } };

	is_str(SHOWN(c, 2, .bins = 2), "t: \"[-3,10)\"=1/1 \"[10,1000]\"=6/3",
	       "bins of equal count are those of the base and reach over all values");
	is_str(SHOWN(c, 2, .bins = 4),
	       "t: \"[-3,10)\"=1/1 \"[10,39.99)\"=4/1 \"[39.99,1000]\"=2/2",
	       "equal values stay in one bin");
	is_str(SHOWN(c, 2, .bins = 6, .equal_width = true),
	       "t: \"[-300,0)\"=0/1 \"[0,300)\"=7/2 \"[300,600)\"=0/0 "
	       "\"[600,900)\"=0/0 \"[900,1200)\"=0/1",
	       "bins of equal width are round and may be empty");
	is_str(SHOWN(cents, 1, .bins = 2, .equal_width = true),
	       "t: \"[0,0.4)\"=2 \"[0.4,0.8)\"=1", "edges are exact decimals");
	is_str(SHOWN(close, 1, .bins = 2, .equal_width = true),
	       "t: \"[9007199254740993,9007199254740994)\"=1 "
	       "\"[9007199254740994,9007199254740995]\"=2",
	       "numbers alike in 15 digits get bins of equal count");
	is_str(SHOWN(days, 1, .bins = 2, .equal_width = true),
	       "t: \"[2023-12-31,2024-01-05)\"=2 \"[2024-01-05,2024-02-29]\"=2",
	       "times get bins of equal count");
	is_str(SHOWN(mixed, 1, .bins = 2), "t: 1=1 2=1 \"x\"=1",
	       "what is not all numbers gets none");
	is_str(SHOWN(c, 2, .bins = 7),
	       "t: -3=0/1 0=1/0 10=3/1 20.5=1/0 39.99=1/1 40=1/0 1000=0/1",
	       "nor does a tag with so few values");
}

static void quantiles(void)
{
	static const struct customer c[] = {
		{ 1, "{\"t\":0.1,\"d\":\"2024-01-01\"}" },
		{ 3, "{\"t\":0.2,\"d\":\"2024-01-03\"}" },
		{ 1, "{\"t\":0.30,\"d\":\"2024-01-02\"}" },
		{ 1, "{\"t\":1e30}" },
		{ 1, "{\"s\":\"x\"}" },
	};
	static const char *const want[] = { "0.1", "0.1", "0.2", "0.3", "1e+30" };
	struct cdp_portrait *p = collect(c, 5, 2);
	struct cdp_portrait_tables *t = cdp_portrait_tables_new(
		p, &(struct cdp_portrait_spec){ .values = 20 }, &table_err);

	for (unsigned i = 0; i < t->count; i++) {
		const struct cdp_portrait_table *x = &t->v[i];

		if (*x->name == 's') {
			ok(!x->ordered, "text has no quantiles");
		} else if (*x->name == 'd') {
			is_str(x->summary[0].quantiles[2], "\"2024-01-02\"",
			       "dates have a median");
			ok(!x->summary[0].mean, "and no mean");
		} else {
			for (int q = 0; q < CDP_PORTRAIT_QUANTILES; q++)
				is_str(x->summary[0].quantiles[q], want[q],
				       "quartile %d is the value of a customer", q);
			is_str(x->summary[0].mean, "250000000000000000000000000000.15",
			       "the mean is exact, whatever the sizes");
			is_str(x->summary[1].mean, "0.2", "and of each group");
			is_int((int64_t)x->summary[1].count, 1, "as is the count");
		}
	}
	cdp_portrait_tables_free(t);
	cdp_portrait_free(p);
}

static void statistics(void)
{
	double low, high;

	/* Newcombe (1998), table I, method 3. */
	cdp_wilson(81, 263, &low, &high);
	ok(fabs(low - 0.2553) < 0.00005 && fabs(high - 0.3662) < 0.00005,
	   "81 of 263: 0.2553 to 0.3662");
	cdp_wilson(15, 148, &low, &high);
	ok(fabs(low - 0.0624) < 0.00005 && fabs(high - 0.1605) < 0.00005,
	   "15 of 148: 0.0624 to 0.1605");
	cdp_wilson(0, 20, &low, &high);
	ok(low == 0 && fabs(high - 0.1611) < 0.00005, "0 of 20: 0 to 0.1611");
	cdp_wilson(29, 29, &low, &high);
	ok(high == 1 && fabs(low - 0.8830) < 0.00005, "29 of 29: 0.8830 to 1");
	ok(cdp_divergence(0.5, 0.5) == 0, "equal shares do not diverge");
	ok(fabs(cdp_divergence(1, 0) + cdp_divergence(0, 1) - 1) < 1e-12,
	   "distributions with nothing in common diverge by one bit");
}

static void ranking(void)
{
	static const struct customer c[] = {
		{ 3, "{\"same\":1,\"tells\":\"x\",\"some\":1,\"list\":[\"p\",\"q\"]}" },
		{ 3, "{\"same\":2,\"tells\":\"x\",\"some\":2,\"list\":[\"p\"]}" },
		{ 1, "{\"same\":1,\"tells\":\"y\",\"some\":2,\"list\":[\"q\"]}" },
		{ 1, "{\"same\":2,\"tells\":\"z\",\"some\":2,\"list\":[]}" },
	};
	struct cdp_portrait *p = collect(c, 4, 2);
	struct cdp_portrait_tables *t = cdp_portrait_tables_new(
		p, &(struct cdp_portrait_spec){ .values = 20 }, &table_err);
	double want = cdp_divergence(1, 0.5) + cdp_divergence(0, 0.25) * 2;

	ok(memcmp(t->v[0].name, "list", 4) == 0 &&
		   memcmp(t->v[1].name, "tells", 5) == 0 &&
		   memcmp(t->v[2].name, "some", 4) == 0 && t->v[3].power[1] == 0,
	   "tags are ranked by how far the audience is from the base");
	ok(fabs(t->v[1].power[1] - want) < 1e-6, "which is the divergence of all rows");
	ok(fabs(t->v[0].power[1] - want) < 1e-6,
	   "and of the item of a list that tells most");
	is_str(t->v[1].rows[t->v[1].trait[1]].text, "\"x\"",
	       "the trait is what is more frequent there");
	is_int(t->v[3].trait[1], -1, "there need be none");
	cdp_portrait_tables_free(t);
	cdp_portrait_free(p);
}

/* The same customers, dealt to three collectors from the last on. */
static void merging(void)
{
	static const char *const tags[] = {
		"{\"a\":1,\"b\":[\"x\",\"y\"]}",
		"{\"a\":2.50,\"c\":\"t\"}",
		"{}",
		"{\"a\":null,\"b\":[]}",
		"{\"b\":[\"y\",\"y\"],\"a\":25e-1}",
	};
	struct cdp_portrait *one = cdp_portrait_new(3, NULL), *part[3];
	struct cdp_portrait_spec spec = { .values = 2 };
	char *want;

	for (int k = 0; k < 3; k++)
		part[k] = cdp_portrait_new(3, NULL);
	for (int i = 0; i < 60; i++)
		add(one, &(struct customer){ (unsigned)i % 7, tags[i % 5] });
	for (int i = 59; i >= 0; i--)
		add(part[i % 3], &(struct customer){ (unsigned)i % 7, tags[i % 5] });
	cdp_portrait_merge(part[2], part[0]);
	cdp_portrait_merge(part[2], part[1]);
	want = cdp_strdup(shown(one, &spec));
	is_str(shown(part[2], &spec), want, "order and spread do not matter");
	is_int((int64_t)cdp_portrait_size(part[2], 1), (int64_t)cdp_portrait_size(one, 1),
	       "nor for sizes");
	free(want);
	cdp_portrait_free(one);
	cdp_portrait_free(part[2]);
}

int main(void)
{
	counting();
	selection();
	bins();
	quantiles();
	statistics();
	ranking();
	merging();
	return tap_done();
}
