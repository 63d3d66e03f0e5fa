/* mksegments profiles CUSTOMERS: profiles of 120 tags on standard output, as cdp-tag
 * writes them, about 2 KB each.
 * mksegments changes CUSTOMERS COUNT: such profiles, then COUNT more, each of a customer
 * of whom three tags are drawn again.
 * mksegments rules AUDIENCES [CONDITIONS]: definitions of audiences over them.
 * Sizes fall as rank^-0.444, from 40 % of the customers to a median of 0.2 %; each rule
 * has up to ten sub-conditions of CONDITIONS (20000) distinct ones: tag == text, tag in a
 * list, order of numbers and of dates, has(), string functions, with || and ! among them.
 * The same arguments give the same bytes. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/rand.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAGS = 120, FLUSH_AT = 1 << 18, CONDITIONS_MAX = 10 };
#define LARGEST 0.4 /* of the customers */

/* Tags by their number: six in ten texts, three numbers, every tenth a truth value. */
enum kind { TEXT, NUMBER, DATE, TRUTH };

static enum kind kind_of(unsigned tag)
{
	static const uint8_t kinds[] = { TEXT, NUMBER, TEXT, NUMBER, TEXT,
					 TEXT, NUMBER, DATE, TEXT,   TRUTH };

	return (enum kind)kinds[tag % 10];
}

/* How many values a tag has, and how many in a thousand customers have it. */
static unsigned values_of(unsigned tag)
{
	static const unsigned texts[] = { 5, 20, 50, 120, 400, 1000 };

	switch (kind_of(tag)) {
	case TEXT:
		return texts[tag / 10 % 6];
	case NUMBER:
		return tag % 20 == 1 ? 100 : 1000000;
	case DATE:
		return 1000;
	default:
		return 2;
	}
}

static unsigned have(unsigned tag)
{
	static const unsigned share[] = { 1000, 950, 800, 500 };

	return share[tag / 10 % 4];
}

static void flush(struct cdp_buf *b, size_t least)
{
	if (b->n < least)
		return;
	if (fwrite(b->p, 1, b->n, stdout) != b->n)
		exit(1);
	cdp_buf_reset(b);
}

static void add_date(struct cdp_buf *b, char quote, unsigned v)
{
	cdp_buf_addf(b, "%c20%02u-%02u-%02u%c", quote, 22 + v / 336, v % 336 / 28 + 1,
		     v % 28 + 1, quote);
}

static void add_tag(struct cdp_buf *b, unsigned tag, unsigned v)
{
	cdp_buf_addf(b, "\"t%03u\":", tag);
	switch (kind_of(tag)) {
	case TEXT:
		cdp_buf_addf(b, "\"v%03u\"", v);
		break;
	case NUMBER:
		if (values_of(tag) > 100)
			cdp_buf_addf(b, "%u.%02u", v / 100, v % 100);
		else
			cdp_buf_addu(b, v);
		break;
	case DATE:
		add_date(b, '"', v);
		break;
	case TRUTH:
		cdp_buf_adds(b, v ? "true" : "false");
	}
}

static void make_profiles(uint32_t customers)
{
	struct cdp_rand r;
	struct cdp_buf b;

	cdp_rand_seed(&r, 7, 1);
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (uint32_t i = 0; i < customers; i++) {
		cdp_buf_addf(
			&b,
			"{\"one_id\":\"%016llx\",\"as_of\":\"2024-05-01T00:00:00.000Z\","
			"\"tags\":{",
			(unsigned long long)i * 0x400000003d5ull);
		for (unsigned t = 0; t < TAGS; t++) {
			unsigned v = cdp_rand_below(&r, values_of(t));

			if (cdp_rand_below(&r, 1000) >= have(t))
				continue;
			if (b.p[b.n - 1] != '{')
				cdp_buf_addc(&b, ',');
			add_tag(&b, t, v);
		}
		cdp_buf_adds(&b, "},\"ids\":{}}\n");
		flush(&b, FLUSH_AT);
	}
	flush(&b, 1);
	cdp_buf_release(&b);
}

/* ---- changes ---- */

static uint32_t draw(struct cdp_rand *r, unsigned tag)
{
	uint32_t v = cdp_rand_below(r, values_of(tag));

	return cdp_rand_below(r, 1000) < have(tag) ? v + 1 : 0;
}

static void add_profile(struct cdp_buf *b, uint32_t customer, const uint32_t *values)
{
	cdp_buf_addf(b,
		     "{\"one_id\":\"%016llx\",\"as_of\":\"2024-05-01T00:00:00.000Z\","
		     "\"tags\":{",
		     (unsigned long long)customer * 0x400000003d5ull);
	for (unsigned t = 0; t < TAGS; t++) {
		if (!values[t])
			continue;
		if (b->p[b->n - 1] != '{')
			cdp_buf_addc(b, ',');
		add_tag(b, t, values[t] - 1);
	}
	cdp_buf_adds(b, "},\"ids\":{}}\n");
	flush(b, FLUSH_AT);
}

/* All profiles, then COUNT in which three tags of somebody are drawn again. */
static void make_changes(uint32_t customers, uint32_t count)
{
	uint32_t *values = cdp_alloc((size_t)customers * TAGS * sizeof(*values));
	struct cdp_rand r;
	struct cdp_buf b;

	cdp_rand_seed(&r, 7, 3);
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (uint32_t i = 0; i < customers; i++) {
		for (unsigned t = 0; t < TAGS; t++)
			values[(size_t)i * TAGS + t] = draw(&r, t);
		add_profile(&b, i, values + (size_t)i * TAGS);
	}
	for (uint32_t k = 0; k < count; k++) {
		uint32_t i = cdp_rand_below(&r, customers);
		uint32_t *v = values + (size_t)i * TAGS;

		for (unsigned n = 0; n < 3; n++) {
			unsigned t = cdp_rand_below(&r, TAGS);

			v[t] = draw(&r, t);
		}
		add_profile(&b, i, v);
	}
	flush(&b, 1);
	cdp_buf_release(&b);
	free(values);
}

/* ---- rules ---- */

struct condition {
	char *text;
	double share; /* of customers */
};

static double add_text_condition(struct cdp_buf *b, struct cdp_rand *r, unsigned tag,
				 unsigned v, unsigned values)
{
	unsigned n = 2 + cdp_rand_below(r, 5);
	double one = 1.0 / values;

	switch (cdp_rand_below(r, 10)) {
	case 0:
	case 1:
		cdp_buf_addf(b, "tags.t%03u in [", tag);
		for (unsigned i = 0; i < n; i++)
			cdp_buf_addf(b, "%s'v%03u'", i ? "," : "",
				     (v + i * 7) % (values + 9));
		cdp_buf_addc(b, ']');
		return n * one;
	case 2:
		cdp_buf_addf(b, "tags.t%03u != 'v%03u'", tag, v);
		return 1 - one;
	case 3:
		cdp_buf_addf(b, "tags.t%03u.startsWith('v%02u')", tag, v / 10);
		return 10 * one;
	case 4:
		cdp_buf_addf(b, "tags.t%03u.endsWith('%u')", tag, v % 100);
		return v % 100 < 10 ? 0.1 : 0.01;
	case 5:
		cdp_buf_addf(b, "tags.t%03u.contains('%u')", tag, v % 100);
		return v % 100 < 10 ? 0.25 : 0.02;
	default:
		cdp_buf_addf(b, "tags.t%03u == 'v%03u'", tag, v);
		return one;
	}
}

static double add_condition(struct cdp_buf *b, struct cdp_rand *r)
{
	static const char *const ops[] = { ">=", "<", ">", "<=" };
	unsigned tag = cdp_rand_below(r, TAGS), values = values_of(tag);
	unsigned v = cdp_rand_below(r, values), op = cdp_rand_below(r, 4);
	double there = have(tag) / 1000.0, below = (double)v / values;

	if (cdp_rand_below(r, 200) == 0) {
		cdp_buf_addf(b, "has(tags.t%03u)", tag);
		return there;
	}
	switch (kind_of(tag)) {
	case TEXT:
		return there * add_text_condition(b, r, tag, v, values);
	case NUMBER:
		if (values > 100)
			cdp_buf_addf(b, "tags.t%03u %s %u.%02u", tag, ops[op], v / 100,
				     v % 100);
		else
			cdp_buf_addf(b, "tags.t%03u %s %u", tag, ops[op], v);
		break;
	case DATE:
		cdp_buf_addf(b, "tags.t%03u %s ", tag, ops[op]);
		add_date(b, '\'', v);
		break;
	case TRUTH:
		cdp_buf_addf(b, "tags.t%03u", tag);
		return there / 2;
	}
	return there * (op % 2 ? below : 1 - below);
}

static int by_share(const void *a, const void *b)
{
	double x = ((const struct condition *)a)->share;
	double y = ((const struct condition *)b)->share;

	return x < y ? -1 : x > y;
}

static struct condition *make_conditions(struct cdp_rand *r, uint32_t count)
{
	struct condition *c = cdp_alloc(count * sizeof(*c));
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (uint32_t i = 0; i < count; i++) {
		cdp_buf_reset(&b);
		c[i].share = add_condition(&b, r);
		c[i].text = cdp_strndup(b.p, b.n);
	}
	qsort(c, count, sizeof(*c), by_share);
	cdp_buf_release(&b);
	return c;
}

/* The first condition that no less than `share` of the customers meet. */
static uint32_t at_least(const struct condition *c, uint32_t count, double share)
{
	uint32_t lo = 0;

	while (lo < count) {
		uint32_t mid = lo + (count - lo) / 2;

		if (c[mid].share < share)
			lo = mid + 1;
		else
			count = mid;
	}
	return lo;
}

/* Conditions whose shares multiply to what is wanted, as far as they can: all but the
 * last are some that leave enough.  What they multiply to. */
static double add_rule(struct cdp_buf *b, struct cdp_rand *r, const struct condition *c,
		       uint32_t count, double share)
{
	unsigned n = 1 + cdp_rand_below(r, 7), more = CONDITIONS_MAX - 1 - n;
	double all = 1;

	for (unsigned i = 0; i < n; i++) {
		uint32_t x = at_least(c, count, pow(share, 1.0 / (n - i)) * 0.7), y;
		double one;

		if (x > count - 60)
			x = count - 60;
		x += cdp_rand_below(r, (count - x) / 2);
		if (cdp_rand_below(r, 8) == 0 && more) {
			more--;
			y = at_least(c, count, c[x].share / 8);
			y += cdp_rand_below(r, x - y + 1);
			cdp_buf_addf(b, "(%s || %s) && ", c[x].text, c[y].text);
			one = 1 - (1 - c[x].share) * (1 - c[y].share);
		} else if (cdp_rand_below(r, 12) == 0 && (more || i + 1 < n)) {
			more -= i + 1 == n;
			y = cdp_rand_below(r, count / 4);
			cdp_buf_addf(b, "%s && !(%s) && ", c[x].text, c[y].text);
			one = c[x].share * (1 - c[y].share);
			i++;
		} else {
			cdp_buf_addf(b, "%s && ", c[x].text);
			one = c[x].share;
		}
		all *= one;
		share = one < share ? 1 : share / one;
	}
	n = at_least(c, count, share);
	n = n < 30 ? 0 : n - 30;
	n += cdp_rand_below(r, count - n < 40 ? count - n : 40);
	cdp_buf_adds(b, c[n].text);
	return all * c[n].share;
}

static void make_rules(uint32_t audiences, uint32_t conditions)
{
	struct condition *c;
	struct cdp_rand r;
	struct cdp_buf b;
	size_t mark;

	cdp_rand_seed(&r, 7, 2);
	c = make_conditions(&r, conditions);
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_adds(&b, "{\"segments\":[\n");
	for (uint32_t i = 0; i < audiences; i++) {
		double rank = 1 + cdp_rand_below(&r, audiences);

		cdp_buf_addf(&b, "{\"name\":\"a%06u\",\"when\":\"", i);
		mark = b.n;
		while (add_rule(&b, &r, c, conditions,
				1.09 * LARGEST * pow(rank * 305000 / audiences, -0.444)) >
		       LARGEST)
			b.n = mark;
		if (i == 0) { /* the largest */
			b.n = mark;
			cdp_buf_addf(&b, "tags.t001 < %.0f", 100 * LARGEST);
		}
		cdp_buf_adds(&b, i + 1 < audiences ? "\"},\n" : "\"}\n]}\n");
		flush(&b, FLUSH_AT);
	}
	flush(&b, 1);
	for (uint32_t i = 0; i < conditions; i++)
		free(c[i].text);
	free(c);
	cdp_buf_release(&b);
}

int main(int argc, char **argv)
{
	uint32_t n = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;

	if (n && strcmp(argv[1], "profiles") == 0) {
		make_profiles(n);
	} else if (n && argc > 3 && strcmp(argv[1], "changes") == 0) {
		make_changes(n, (uint32_t)strtoul(argv[3], NULL, 10));
	} else if (n && strcmp(argv[1], "rules") == 0) {
		make_rules(n, argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 20000);
	} else {
		fputs("usage: mksegments profiles CUSTOMERS | "
		      "changes CUSTOMERS COUNT | rules AUDIENCES [CONDITIONS]\n",
		      stderr);
		return 2;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
