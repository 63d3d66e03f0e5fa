#include "model/portrait_bins.h"

#include "base/decimal.h"
#include "base/num.h"
#include "base/numtext.h"
#include "record/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EDGE_DIGITS = 2, DAY = 10 /* bytes of 2024-04-25 */ };

/* --- sorting --- */

struct entry {
	double v; /* nearest to it: decides but for the closest of numbers */
	const char *p;
	size_t n;
	uint32_t id;
};

static int by_number(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->v != y->v)
		return x->v < y->v ? -1 : 1;
	return cdp_numtext_cmp(x->p, x->n, y->p, y->n);
}

/* "2024-04-25" or "2024-04-25T06:59:46.123Z", in which the order of bytes is that of
 * time. */
static bool is_time(const char *p, size_t n)
{
	static const char shape[] = "0000-00-00T00:00:00.000Z";

	if (n != DAY && n != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; i < n; i++)
		if (shape[i] == '0' ? p[i] < '0' || p[i] > '9' : p[i] != shape[i])
			return false;
	return true;
}

static enum cdp_portrait_order order_of(const struct cdp_portrait_tag *t)
{
	uint32_t count = cdp_portrait_values(t);
	bool numbers = count > 0 && !t->list, times = numbers;
	size_t first;

	if (count)
		cdp_portrait_value(t, 0, &first);
	for (uint32_t i = 0; i < count && (numbers || times); i++) {
		size_t n;
		const char *key = cdp_portrait_value(t, i, &n);

		numbers = numbers && *key == CDP_PORTRAIT_NUMBER;
		times = times && *key == CDP_PORTRAIT_STRING && n == first &&
			is_time(key + 1, n - 1);
	}
	return numbers ? CDP_PORTRAIT_NUMBERS
	       : times ? CDP_PORTRAIT_TIMES
		       : CDP_PORTRAIT_TEXT;
}

static void sort_numbers(struct cdp_portrait_sorted *s)
{
	struct entry *e = cdp_alloc((s->count ? s->count : 1) * sizeof(*e));
	struct cdp_err ignored;

	for (uint32_t i = 0; i < s->count; i++) {
		e[i].id = s->ids[i];
		e[i].p = cdp_portrait_value(s->tag, e[i].id, &e[i].n) + 1;
		e[i].n--;
		cdp_num_double(&e[i].v, e[i].p, e[i].n, &ignored);
	}
	qsort(e, s->count, sizeof(*e), by_number);
	for (uint32_t i = 0; i < s->count; i++)
		s->ids[i] = e[i].id;
	free(e);
}

static uint32_t *in_order(const struct cdp_portrait_tag *t)
{
	uint32_t count = cdp_portrait_values(t), *ids;

	if (!t->keys.text)
		return cdp_intern_order(t->values);
	ids = cdp_alloc(((size_t)count + 1) * sizeof(*ids));
	for (uint32_t i = 0; i < count; i++)
		ids[i] = i;
	return ids;
}

/* Stored keys have their order already, unless what was more than numbers has become
 * numbers by what was chosen of it. */
static bool are_numbers(const struct cdp_portrait_keys *keys)
{
	for (uint32_t i = 0; i < keys->count; i++)
		if (keys->text[i ? keys->ends[i - 1] : 0] != CDP_PORTRAIT_NUMBER)
			return false;
	return keys->text != NULL;
}

void cdp_portrait_sort(struct cdp_portrait_sorted *s, const struct cdp_portrait_tag *tag,
		       unsigned groups)
{
	*s = (struct cdp_portrait_sorted){ .tag = tag,
					   .groups = groups,
					   .order = order_of(tag),
					   .ids = in_order(tag),
					   .count = cdp_portrait_values(tag) };
	if (s->order == CDP_PORTRAIT_NUMBERS && !are_numbers(&tag->keys))
		sort_numbers(s);
}

void cdp_portrait_sorted_release(struct cdp_portrait_sorted *s)
{
	free(s->ids);
}

const char *cdp_portrait_text(const struct cdp_portrait_sorted *s, uint32_t i, size_t *n)
{
	const char *key = cdp_portrait_value(s->tag, s->ids[i], n);

	--*n;
	return key + 1;
}

static const char *keep(struct cdp_arena *text, struct cdp_buf *b, size_t *len)
{
	const char *p = cdp_arena_strndup(text, b->p, b->n);

	if (len)
		*len = b->n;
	cdp_buf_release(b);
	return p;
}

const char *cdp_portrait_json(struct cdp_arena *text, char kind, const char *p, size_t n,
			      size_t *len)
{
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	if (kind == CDP_PORTRAIT_STRING)
		cdp_json_str(&b, p, n);
	else
		cdp_buf_add(&b, p, n);
	return keep(text, &b, len);
}

/* --- edges --- */

/* Where bins begin, but for the first. */
struct edges {
	const struct cdp_portrait_sorted *s;
	struct cdp_arena *text;
	struct edge {
		const char *p;
		size_t n;
	} * v;
	size_t count, cap;
	struct edge low, high; /* ends of the first and the last bin */
	bool closed;           /* the last bin has its end */
};

static int cmp(const struct cdp_portrait_sorted *s, struct edge a, struct edge b)
{
	int c;

	if (s->order == CDP_PORTRAIT_NUMBERS)
		return cdp_numtext_cmp(a.p, a.n, b.p, b.n);
	c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static struct edge value(const struct cdp_portrait_sorted *s, uint32_t i)
{
	struct edge e;

	e.p = cdp_portrait_text(s, i, &e.n);
	return e;
}

/* Edges that leave nothing below them are none. */
static void add_edge(struct edges *e, struct edge x)
{
	if (cmp(e->s, x, value(e->s, 0)) <= 0 ||
	    (e->count && cmp(e->s, x, e->v[e->count - 1]) <= 0))
		return;
	CDP_GROW(e->v, e->count, e->cap);
	e->v[e->count++] = x;
}

static struct edge coarse(const struct edges *e, struct edge x)
{
	struct cdp_buf b;

	if (e->s->order == CDP_PORTRAIT_TIMES)
		return (struct edge){ x.p, DAY };
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_numtext_add_cut(&b, x.p, x.n, EDGE_DIGITS);
	x.p = keep(e->text, &b, &x.n);
	return x;
}

/* Customers with value i: of the base, or where none of them has any, of all groups. */
static uint64_t weight(const struct cdp_portrait_sorted *s, uint32_t i)
{
	uint64_t w = 0;

	if (s->tag->present[0])
		return cdp_portrait_count(s, i, 0);
	for (unsigned g = 1; g < s->groups; g++)
		w += cdp_portrait_count(s, i, g);
	return w;
}

static void edges_by_count(struct edges *e, unsigned bins, bool rough)
{
	const struct cdp_portrait_sorted *s = e->s;
	uint64_t all = 0, below = 0;
	unsigned k = 1;

	for (uint32_t i = 0; i < s->count; i++)
		all += weight(s, i);
	for (uint32_t i = 0; i < s->count; i++) {
		below += weight(s, i);
		for (; k < bins && (unsigned __int128)all * k / bins < below; k++)
			add_edge(e, rough ? coarse(e, value(s, i)) : value(s, i));
	}
	e->low = value(s, 0);
	e->high = value(s, s->count - 1);
	e->closed = true;
}

/* The number m * 10^exp. */
static struct edge multiple(const struct edges *e, int64_t m, int exp)
{
	char number[48];
	int n = snprintf(number, sizeof(number), "%" PRId64 "e%d", m, exp);
	struct edge x;
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_numtext_add(&b, number, (size_t)n);
	x.p = keep(e->text, &b, &x.n);
	return x;
}

/* The largest j for which j * digit * 10^exp is at most x: 1, or 0 if that is too large
 * to be sure of. */
static int floor_of(const struct edges *e, struct edge x, int digit, int exp, int64_t *j)
{
	struct cdp_err ignored;
	double v, q;

	cdp_num_double(&v, x.p, x.n, &ignored);
	q = floor(v / (digit * pow(10, exp)));
	if (!(fabs(q) < 1e15))
		return 0;
	*j = (int64_t)q;
	while (cmp(e->s, multiple(e, *j * digit, exp), x) > 0)
		--*j;
	while (cmp(e->s, multiple(e, (*j + 1) * digit, exp), x) <= 0)
		++*j;
	return 1;
}

/* 0 if there is no such width. */
static int edges_by_width(struct edges *e, unsigned bins)
{
	struct edge min = value(e->s, 0), max = value(e->s, e->s->count - 1);
	struct cdp_err ignored;
	double low, high, start;

	cdp_num_double(&low, min.p, min.n, &ignored);
	cdp_num_double(&high, max.p, max.n, &ignored);
	if (!(high > low) || !isfinite(high - low))
		return 0;
	start = floor(log10((high - low) / bins)) - 1;
	if (start < -300)
		return 0;
	for (int exp = (int)start;; exp++)
		for (int digit = 1; digit <= 9; digit++) {
			int64_t first, last;

			if (!floor_of(e, min, digit, exp, &first) ||
			    !floor_of(e, max, digit, exp, &last))
				return 0;
			if (last - first >= (int64_t)bins)
				continue;
			e->low = multiple(e, first * digit, exp);
			e->high = multiple(e, (last + 1) * digit, exp);
			for (int64_t j = first + 1; j <= last; j++)
				add_edge(e, multiple(e, j * digit, exp));
			return 1;
		}
}

/* --- rows --- */

/* `[a,b)`; with open ends `<b` and `>=a`. */
static const char *label(const struct edges *e, size_t bin, bool open, size_t *len)
{
	bool first = bin == 0, last = bin == e->count;
	struct edge from = first ? e->low : e->v[bin - 1];
	struct edge to = last ? e->high : e->v[bin];
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_addc(&b, '"');
	if (open && first && last) {
		cdp_buf_adds(&b, "all");
	} else if (open && first) {
		cdp_buf_addc(&b, '<');
		cdp_buf_add(&b, to.p, to.n);
	} else if (open && last) {
		cdp_buf_adds(&b, ">=");
		cdp_buf_add(&b, from.p, from.n);
	} else {
		cdp_buf_addc(&b, '[');
		cdp_buf_add(&b, from.p, from.n);
		cdp_buf_addc(&b, ',');
		cdp_buf_add(&b, to.p, to.n);
		cdp_buf_addc(&b, last && e->closed ? ']' : ')');
	}
	cdp_buf_addc(&b, '"');
	return keep(e->text, &b, len);
}

static struct cdp_portrait_row *new_row(struct cdp_portrait_table *t)
{
	CDP_GROW(t->rows, t->count, t->cap);
	t->rows[t->count] = (struct cdp_portrait_row){ .kind = CDP_PORTRAIT_BIN };
	return &t->rows[t->count++];
}

/* The first value from number i on that is not below x. */
static uint32_t first_from(const struct cdp_portrait_sorted *s, uint32_t i, struct edge x)
{
	uint32_t end = s->count;

	while (i < end) {
		uint32_t mid = i + (end - i) / 2;

		if (cmp(s, value(s, mid), x) < 0)
			i = mid + 1;
		else
			end = mid;
	}
	return i;
}

void cdp_portrait_add_bins(struct cdp_portrait_table *t,
			   const struct cdp_portrait_sorted *s,
			   const struct cdp_portrait_spec *spec, unsigned bins,
			   struct cdp_arena *text)
{
	struct edges e = { .s = s, .text = text };
	bool open = spec->min_cell > 0;
	uint32_t i = 0, end;

	if (!spec->equal_width || s->order != CDP_PORTRAIT_NUMBERS ||
	    !edges_by_width(&e, bins))
		edges_by_count(&e, bins, open);
	for (size_t bin = 0; bin <= e.count; bin++) {
		struct cdp_portrait_row *r = new_row(t);

		r->text = label(&e, bin, open, &r->n);
		end = bin < e.count ? first_from(s, i, e.v[bin]) : s->count;
		for (; i < end; i++)
			for (unsigned g = 0; g < s->groups; g++)
				r->counts[g] += cdp_portrait_count(s, i, g);
	}
	free(e.v);
}

/* --- quantiles --- */

static bool add_times(struct cdp_decimal *sum, struct cdp_decimal x, uint64_t times)
{
	return !__builtin_mul_overflow(x.unscaled, (__int128)times, &x.unscaled) &&
	       cdp_decimal_add(sum, x) == 0;
}

/* Of all groups at once: a value is read once. */
static void sum_texts(const struct cdp_portrait_sorted *s, struct cdp_decimal *sums,
		      bool *bad)
{
	struct cdp_decimal x;
	struct cdp_err ignored;

	for (uint32_t i = 0; i < s->count; i++) {
		struct edge v = value(s, i);
		bool good = cdp_decimal_parse(&x, v.p, v.n, &ignored) == 0;

		for (unsigned g = 0; g < s->groups; g++) {
			uint64_t times = cdp_portrait_count(s, i, g);

			if (times && !(good && add_times(&sums[g], x, times)))
				bad[g] = true;
		}
	}
}

/* The sum of 2^32 such products fits. */
static void sum_scaled(const struct cdp_portrait_sorted *s, struct cdp_decimal *sums)
{
	const struct cdp_portrait_tag *t = s->tag;

	for (unsigned g = 0; g < s->groups; g++)
		sums[g].scale = t->scale;
	for (uint32_t i = 0; i < s->count; i++) {
		uint32_t id = s->ids[i];
		__int128 x = t->scaled[t->chosen[id]];

		for (unsigned g = 0; g < s->groups; g++)
			sums[g].unscaled +=
				x * (__int128)t->counts[(size_t)id * s->groups + g];
	}
}

static void add_means(struct cdp_portrait_table *t, const struct cdp_portrait_sorted *s,
		      struct cdp_arena *text)
{
	struct cdp_decimal sums[CDP_PORTRAIT_GROUPS], x;
	bool bad[CDP_PORTRAIT_GROUPS] = { false };

	for (unsigned g = 0; g < s->groups; g++)
		sums[g] = CDP_DECIMAL_ZERO;
	if (s->tag->scaled)
		sum_scaled(s, sums);
	else
		sum_texts(s, sums, bad);
	for (unsigned g = 0; g < s->groups; g++) {
		struct cdp_decimal n = { (__int128)t->summary[g].count, 0 };
		struct cdp_buf b;

		if (bad[g] || !t->summary[g].count ||
		    cdp_decimal_div(&x, sums[g], n, 6) < 0)
			continue;
		cdp_buf_init(&b, CDP_BUF_NOMAX);
		cdp_decimal_add_text(&b, x);
		t->summary[g].mean = keep(text, &b, NULL);
	}
}

static void summarise(struct cdp_portrait_summary *u, const struct cdp_portrait_sorted *s,
		      unsigned group, struct cdp_arena *text)
{
	char kind = s->order == CDP_PORTRAIT_NUMBERS ? CDP_PORTRAIT_NUMBER
						     : CDP_PORTRAIT_STRING;
	uint64_t upto = 0;
	unsigned q = 0;

	u->count = s->tag->present[group];
	for (uint32_t i = 0; i < s->count && u->count; i++) {
		upto += cdp_portrait_count(s, i, group);
		for (; q < CDP_PORTRAIT_QUANTILES; q++) {
			uint64_t rank = (u->count * q + 3) / 4;
			struct edge v;

			if (upto < (rank ? rank : 1))
				break;
			v = value(s, i);
			u->quantiles[q] = cdp_portrait_json(text, kind, v.p, v.n, NULL);
		}
	}
}

void cdp_portrait_summarise(struct cdp_portrait_table *t,
			    const struct cdp_portrait_sorted *s, struct cdp_arena *text)
{
	for (unsigned g = 0; g < s->groups; g++)
		summarise(&t->summary[g], s, g, text);
	if (s->order == CDP_PORTRAIT_NUMBERS)
		add_means(t, s, text);
	t->ordered = true;
}
