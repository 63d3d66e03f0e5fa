#include "model/portrait_table.h"

#include "model/portrait_bins.h"
#include "model/portrait_stat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BINS = 5 };

/* A tag on its way to a table. */
struct build {
	const struct cdp_portrait_spec *spec;
	struct cdp_portrait_tables *all;
	struct cdp_portrait_table *t;
	struct cdp_portrait_sorted s;
	const struct cdp_portrait_tag *tag;
};

static struct cdp_portrait_row *add_row(struct build *b, enum cdp_portrait_row_kind kind)
{
	struct cdp_portrait_table *t = b->t;

	CDP_GROW(t->rows, t->count, t->cap);
	t->rows[t->count] =
		(struct cdp_portrait_row){ .kind = kind, .text = "null", .n = 4 };
	return &t->rows[t->count++];
}

/* --- values --- */

/* A value that may get a row; `share` is its largest one of any group. */
struct candidate {
	uint64_t count, size;
	uint32_t at; /* in the sorted values */
};

static int by_share(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	unsigned __int128 p = (unsigned __int128)x->count * y->size;
	unsigned __int128 q = (unsigned __int128)y->count * x->size;

	if (p != q)
		return p > q ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* The largest share among the groups; false if the value is too rare to be named. */
static bool weigh(const struct build *b, uint32_t at, struct candidate *c)
{
	uint64_t most = 0;

	*c = (struct candidate){ 0, 1, at };
	for (unsigned g = 0; g < b->all->groups; g++) {
		struct candidate x = { cdp_portrait_count(&b->s, at, g), b->all->size[g],
				       at };

		if (!cdp_guard_shows(&b->all->guard, g) || !x.size)
			continue;
		if (x.count > most)
			most = x.count;
		if (by_share(&x, c) < 0)
			*c = x;
	}
	return most >= b->spec->min_cell && most > 0;
}

static void add_counts(const struct build *b, struct cdp_portrait_row *r, uint32_t at)
{
	for (unsigned g = 0; g < b->all->groups; g++)
		r->counts[g] += cdp_portrait_count(&b->s, at, g);
}

static int by_place(const void *a, const void *b)
{
	uint32_t x = ((const struct candidate *)a)->at;
	uint32_t y = ((const struct candidate *)b)->at;

	return x < y ? -1 : x > y;
}

static void add_values(struct build *b)
{
	struct candidate *c = cdp_alloc((b->s.count ? b->s.count : 1) * sizeof(*c)), x;
	struct cdp_portrait_row other = {
		.kind = CDP_PORTRAIT_OTHER, .text = "null", .n = 4, .mentions = b->t->list
	};
	uint32_t n = 0, left = 0;

	for (uint32_t i = 0; i < b->s.count; i++) {
		if (weigh(b, i, &x)) {
			c[n++] = x;
		} else {
			left++;
			add_counts(b, &other, i);
		}
	}
	qsort(c, n, sizeof(*c), by_share);
	for (; n > b->spec->values; left++)
		add_counts(b, &other, c[--n].at);
	if (b->s.order != CDP_PORTRAIT_TEXT)
		qsort(c, n, sizeof(*c), by_place);
	for (uint32_t i = 0; i < n; i++) {
		struct cdp_portrait_row *r = add_row(b, CDP_PORTRAIT_VALUE);
		const char *text;
		size_t len;

		text = cdp_portrait_text(&b->s, c[i].at, &len);
		r->text = cdp_portrait_json(&b->all->text, text[-1], text, len, &r->n);
		add_counts(b, r, c[i].at);
	}
	if (left)
		*add_row(b, CDP_PORTRAIT_OTHER) = other;
	free(c);
}

static void add_missing(struct build *b)
{
	uint64_t counts[CDP_PORTRAIT_GROUPS] = { 0 }, any = 0;

	for (unsigned g = 0; g < b->all->groups; g++)
		any |= counts[g] = b->all->size[g] - b->tag->present[g];
	if (any)
		memcpy(add_row(b, CDP_PORTRAIT_MISSING)->counts, counts, sizeof(counts));
}

/* --- suppression --- */

/* In a list's table the customers without the value are known, too. */
static bool is_safe(const struct build *b, const struct cdp_portrait_row *r)
{
	uint64_t without[CDP_PORTRAIT_GROUPS];

	if (r->mentions)
		return false; /* of how many people? */
	if (!cdp_guard_is_safe(&b->all->guard, r->counts))
		return false;
	if (!b->t->list)
		return true;
	for (unsigned g = 0; g < b->all->groups; g++)
		without[g] = b->all->size[g] - r->counts[g];
	return cdp_guard_is_safe(&b->all->guard, without);
}

/* The counts of all hidden rows, which follow from those that are seen. */
static unsigned add_hidden(const struct cdp_portrait_table *t,
			   uint64_t sum[CDP_PORTRAIT_GROUPS])
{
	unsigned n = 0;

	memset(sum, 0, CDP_PORTRAIT_GROUPS * sizeof(*sum));
	for (size_t i = 0; i < t->count; i++)
		if (t->rows[i].hidden) {
			n++;
			for (unsigned g = 0; g < CDP_PORTRAIT_GROUPS; g++)
				sum[g] += t->rows[i].counts[g];
		}
	return n;
}

/* The seen row that tells least. */
static struct cdp_portrait_row *smallest(struct cdp_portrait_table *t)
{
	struct cdp_portrait_row *best = NULL;

	for (size_t i = 0; i < t->count; i++) {
		struct cdp_portrait_row *r = &t->rows[i];

		if (!r->hidden && (!best || r->counts[0] <= best->counts[0]))
			best = r;
	}
	return best;
}

static void suppress(struct build *b)
{
	struct cdp_portrait_table *t = b->t;
	uint64_t sum[CDP_PORTRAIT_GROUPS];

	for (size_t i = 0; i < t->count; i++)
		t->rows[i].hidden = !is_safe(b, &t->rows[i]);
	while (!t->list) {
		unsigned n = add_hidden(t, sum);
		struct cdp_portrait_row *r = smallest(t);

		if (n == 0 || !r || (n > 1 && cdp_guard_is_safe(&b->all->guard, sum)))
			break;
		r->hidden = true;
	}
}

/* The place among the values would tell of a count. */
static int by_hidden(const void *a, const void *b)
{
	const struct cdp_portrait_row *x = a, *y = b;
	int c;

	if (x->hidden != y->hidden)
		return x->hidden - y->hidden;
	if (!x->hidden)
		return 0;
	c = memcmp(x->text, y->text, x->n < y->n ? x->n : y->n);
	return c ? c : (x->n > y->n) - (x->n < y->n);
}

static void move_hidden(struct cdp_portrait_table *t)
{
	struct cdp_portrait_row *rows = cdp_alloc((t->count + 1) * sizeof(*rows));
	size_t values = 0, n = 0;

	while (values < t->count && t->rows[values].kind == CDP_PORTRAIT_VALUE)
		values++;
	for (int hidden = 0; hidden < 2; hidden++) {
		size_t from = n;

		for (size_t i = 0; i < values; i++)
			if (t->rows[i].hidden == hidden)
				rows[n++] = t->rows[i];
		if (hidden)
			qsort(rows + from, n - from, sizeof(*rows), by_hidden);
	}
	memcpy(t->rows, rows, n * sizeof(*rows));
	free(rows);
}

/* --- distance --- */

static double share(const struct build *b, const uint64_t *counts, unsigned g)
{
	return (double)counts[g] / (double)b->all->size[g];
}

/* The sum over rows; hidden ones are one outcome.  In a list's table, where rows are not
 * outcomes of one draw, that of the row that tells most, seen as "has it or not": less
 * than the whole, never more. */
static double distance(const struct build *b, unsigned g)
{
	const struct cdp_portrait_table *t = b->t;
	uint64_t hidden[CDP_PORTRAIT_GROUPS];
	double sum = 0;

	for (size_t i = 0; i < t->count; i++) {
		const struct cdp_portrait_row *r = &t->rows[i];
		double p, q, d;

		if (r->hidden || r->mentions)
			continue;
		p = share(b, r->counts, g);
		q = share(b, r->counts, 0);
		d = cdp_divergence(p, q);
		if (!t->list)
			sum += d;
		else if (d + cdp_divergence(1 - p, 1 - q) > sum)
			sum = d + cdp_divergence(1 - p, 1 - q);
	}
	if (!t->list && add_hidden(t, hidden))
		sum += cdp_divergence(share(b, hidden, g), share(b, hidden, 0));
	/* So that the last bit of a logarithm does not decide about an order. */
	return rint(sum * 1e6) / 1e6;
}

static void compare(struct build *b, unsigned g)
{
	struct cdp_portrait_table *t = b->t;
	double best = 0;

	t->trait[g] = -1;
	if (!b->all->size[g] || !b->all->size[0] || !cdp_guard_shows(&b->all->guard, g) ||
	    !cdp_guard_shows(&b->all->guard, 0))
		return;
	t->power[g] = distance(b, g);
	for (size_t i = 0; i < t->count; i++) {
		const struct cdp_portrait_row *r = &t->rows[i];
		double d = share(b, r->counts, g) - share(b, r->counts, 0);

		if (r->kind > CDP_PORTRAIT_BIN || r->hidden || !(d > best))
			continue;
		best = d;
		t->trait[g] = (int)i;
	}
}

/* --- all tags --- */

static unsigned bins_for(const struct build *b)
{
	const struct cdp_portrait_spec *spec = b->spec;

	if (b->s.order == CDP_PORTRAIT_TEXT ||
	    b->s.count <= (spec->bins ? spec->bins : spec->values))
		return 0;
	return spec->bins ? spec->bins : BINS;
}

static void build_table(struct build *b)
{
	unsigned bins;

	b->t->list = b->tag->list;
	cdp_portrait_sort(&b->s, b->tag, b->all->groups);
	bins = bins_for(b);
	if (bins)
		cdp_portrait_add_bins(b->t, &b->s, b->spec, bins, &b->all->text);
	else
		add_values(b);
	add_missing(b);
	if (b->spec->min_cell)
		suppress(b);
	else if (b->s.order != CDP_PORTRAIT_TEXT)
		cdp_portrait_summarise(b->t, &b->s, &b->all->text);
	if (b->s.order == CDP_PORTRAIT_TEXT)
		move_hidden(b->t);
	for (unsigned g = 1; g < b->all->groups; g++)
		compare(b, g);
	cdp_portrait_sorted_release(&b->s);
}

static double most(const struct cdp_portrait_table *t)
{
	double m = 0;

	for (unsigned g = 1; g < CDP_PORTRAIT_GROUPS; g++)
		m = t->power[g] > m ? t->power[g] : m;
	return m;
}

static int by_power(const void *a, const void *b)
{
	const struct cdp_portrait_table *x = a, *y = b;
	double p = most(x), q = most(y);
	int c;

	if (p != q)
		return p > q ? -1 : 1;
	c = memcmp(x->name, y->name, x->name_n < y->name_n ? x->name_n : y->name_n);
	return c ? c : (x->name_n > y->name_n) - (x->name_n < y->name_n);
}

struct cdp_portrait_tables *cdp_portrait_tables_new(const struct cdp_portrait *p,
						    const struct cdp_portrait_spec *spec,
						    struct cdp_err *err)
{
	struct cdp_portrait_tables *all = cdp_calloc(1, sizeof(*all));

	cdp_arena_init(&all->text);
	all->groups = cdp_portrait_groups(p);
	all->count = cdp_portrait_tags(p);
	all->v = cdp_calloc(all->count ? all->count : 1, sizeof(*all->v));
	for (unsigned g = 0; g < all->groups; g++)
		all->size[g] = cdp_portrait_size(p, g);
	cdp_guard_sums_init(&all->guard, spec->min_cell, cdp_portrait_regions(p),
			    all->groups);
	for (unsigned i = 0; i < all->count; i++) {
		struct build b = { .spec = spec, .all = all, .t = &all->v[i] };

		b.tag = cdp_portrait_load(p, i, &b.t->name, &b.t->name_n, err);
		if (!b.tag) {
			cdp_portrait_tables_free(all);
			return NULL;
		}
		build_table(&b);
	}
	if (all->count)
		qsort(all->v, all->count, sizeof(*all->v), by_power);
	return all;
}

void cdp_portrait_tables_free(struct cdp_portrait_tables *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->count; i++)
		free(t->v[i].rows);
	free(t->v);
	cdp_arena_release(&t->text);
	free(t);
}
