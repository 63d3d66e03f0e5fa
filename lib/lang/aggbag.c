#include "lang/aggbag.h"

#include "lang/prog.h"

#include <stdlib.h>
#include <string.h>

bool cdp_agg_counts(const struct cdp_agg *a)
{
	return a->kind == CDP_AGG_TOP || a->kind == CDP_AGG_TOP_N ||
	       (a->kind == CDP_AGG_VALUES && a->least > 1);
}

/* ---- events ---- */

/* Tag and text of a value in ev->text: 1, 0 (null), -1. */
static int put_text(const struct cdp_agg *a, struct cdp_eval *ev,
		    const struct cdp_value *v, struct cdp_err *err)
{
	struct cdp_buf *b = &ev->text;
	char tag;

	if (v->type == CDP_V_NULL)
		return 0;
	cdp_buf_reset(b);
	cdp_buf_addc(b, ' ');
	tag = cdp_held_put_canonical(b, v);
	if (!tag)
		return cdp_agg_fail(a, err, "value of this type cannot be kept");
	b->p[0] = tag;
	return 1;
}

int cdp_agg_add_bag(const struct cdp_agg *a, struct cdp_bag **bag, struct cdp_eval *ev,
		    const struct cdp_value *v, struct cdp_err *err)
{
	int r = put_text(a, ev, v, err);

	if (r > 0)
		cdp_bag_add(bag, ev->text.p, ev->text.n, 1);
	return r;
}

int cdp_agg_add_tally(const struct cdp_agg *a, struct cdp_tally **t, struct cdp_eval *ev,
		      struct cdp_rec *rec, const struct cdp_value *v, struct cdp_err *err)
{
	struct cdp_total one = { .count = 1 };
	struct cdp_decimal d;
	struct cdp_value y;
	int r;

	if (v->type == CDP_V_NULL)
		return 0;
	if (cdp_expr_value(a->by, ev, rec, &y, err) < 0 ||
	    cdp_agg_decimal(a, &ev->text, &y, &d, err) < 0)
		return -1;
	r = put_text(a, ev, v, err);
	if (r <= 0)
		return r;
	cdp_total_set(&one, d);
	cdp_tally_put(a, t, ev->text.p, ev->text.n, &one);
	return 1;
}

/* ---- bags ---- */

void cdp_agg_merge_bags(struct cdp_bag **into, struct cdp_bag **from)
{
	struct cdp_bag_item it;

	if (!*into) {
		*into = *from;
		*from = NULL;
		return;
	}
	for (size_t i = 0; i < cdp_bag_size(*from); i++) {
		cdp_bag_at(*from, i, &it);
		cdp_bag_add(into, it.p, it.n, it.count);
	}
}

static int cmp_text(const struct cdp_bag_item *a, const struct cdp_bag_item *b)
{
	size_t n = a->n < b->n ? a->n : b->n;
	int c = memcmp(a->p, b->p, n);

	return c ? c : (a->n > b->n) - (a->n < b->n);
}

/* Numbers by size; the others by kind and text. */
static int by_value(const void *x, const void *y)
{
	const struct cdp_bag_item *a = x, *b = y;
	struct cdp_value u, v;
	int c;

	if (a->p[0] != CDP_H_NUMBER || b->p[0] != CDP_H_NUMBER ||
	    cdp_held_get(&u, a->p[0], a->p + 1, a->n - 1, NULL) < 0 ||
	    cdp_held_get(&v, b->p[0], b->p + 1, b->n - 1, NULL) < 0)
		return cmp_text(a, b);
	c = cdp_value_cmp(&u, &v);
	return c == -1 || c == 1 ? c : cmp_text(a, b);
}

static int by_count(const void *x, const void *y)
{
	const struct cdp_bag_item *a = x, *b = y;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return cmp_text(a, b);
}

static void get(const struct cdp_bag_item *it, struct cdp_eval *ev, struct cdp_value *out)
{
	cdp_held_get(out, it->p[0], it->p + 1, it->n - 1, ev->arena);
}

static void make_list(const struct cdp_bag_item *items, size_t n, struct cdp_eval *ev,
		      struct cdp_value *out)
{
	struct cdp_value *v = cdp_arena_alloc(ev->arena, n * sizeof(*v));

	for (size_t i = 0; i < n; i++)
		get(&items[i], ev, &v[i]);
	out->type = CDP_V_LIST;
	out->list = cdp_list_new(ev->arena, v, n);
}

/* The most frequent; of equals the smaller kind and text. */
static void top_result(const struct cdp_bag *bag, struct cdp_eval *ev,
		       struct cdp_value *out)
{
	struct cdp_bag_item best = { .count = 0 }, it;

	for (size_t i = 0; i < cdp_bag_size(bag); i++) {
		cdp_bag_at(bag, i, &it);
		if (best.count == 0 || by_count(&it, &best) < 0)
			best = it;
	}
	if (best.count)
		get(&best, ev, out);
}

static void list_result(const struct cdp_agg *a, const struct cdp_bag *bag,
			struct cdp_eval *ev, struct cdp_value *out)
{
	size_t size = cdp_bag_size(bag), n = 0;
	struct cdp_bag_item *items = cdp_alloc(size * sizeof(*items));

	for (size_t i = 0; i < size; i++) {
		cdp_bag_at(bag, i, &items[n]);
		n += !cdp_agg_counts(a) || items[n].count >= a->least;
	}
	qsort(items, n, sizeof(*items), a->kind == CDP_AGG_VALUES ? by_value : by_count);
	if (a->limit && n > a->limit)
		n = a->limit;
	make_list(items, n, ev, out);
	free(items);
}

void cdp_agg_bag_result(const struct cdp_agg *a, const struct cdp_bag *bag,
			struct cdp_eval *ev, struct cdp_value *out)
{
	switch (a->kind) {
	case CDP_AGG_DISTINCT:
		out->type = CDP_V_INT;
		out->i = (int64_t)cdp_bag_size(bag);
		break;
	case CDP_AGG_TOP:
		top_result(bag, ev, out);
		break;
	default:
		list_result(a, bag, ev, out);
	}
}

/* ---- tallies ---- */

void cdp_tally_free(struct cdp_tally *t)
{
	if (t)
		cdp_bag_free(t->bag);
	free(t);
}

size_t cdp_tally_memory(const struct cdp_tally *t)
{
	return t ? sizeof(*t) + t->cap * sizeof(*t->at) + cdp_bag_memory(t->bag) : 0;
}

void cdp_tally_put(const struct cdp_agg *a, struct cdp_tally **tally, const char *p,
		   size_t n, const struct cdp_total *x)
{
	struct cdp_tally *t = *tally;
	struct cdp_total *to;
	uint32_t i, size;

	if (!t)
		t = *tally = cdp_calloc(1, sizeof(*t));
	size = (uint32_t)cdp_bag_size(t->bag);
	i = cdp_bag_add(&t->bag, p, n, x->count);
	if (i == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 2;
		t = *tally = cdp_realloc(t, 1, sizeof(*t) + t->cap * sizeof(*t->at));
	}
	to = &t->at[i];
	if (i == size) {
		*to = *x;
	} else if (a->kind == CDP_AGG_TOP_BY_SUM) {
		to->failed |= x->failed;
		cdp_total_add(to, cdp_total_get(x), x->count);
	} else if (cdp_decimal_cmp(cdp_total_get(x), cdp_total_get(to)) > 0) {
		cdp_total_set(to, cdp_total_get(x));
	}
}

void cdp_tally_merge(const struct cdp_agg *a, struct cdp_tally **into,
		     struct cdp_tally **from)
{
	struct cdp_bag_item it;

	if (!*into) {
		*into = *from;
		*from = NULL;
		return;
	}
	for (size_t i = 0; *from && i < cdp_bag_size((*from)->bag); i++) {
		struct cdp_total x = (*from)->at[i];

		cdp_bag_at((*from)->bag, i, &it);
		x.count = it.count;
		cdp_tally_put(a, into, it.p, it.n, &x);
	}
}

struct ranked {
	struct cdp_bag_item item;
	const struct cdp_total *total;
};

static int by_total(const void *x, const void *y)
{
	const struct ranked *a = x, *b = y;
	int c = cdp_decimal_cmp(cdp_total_get(b->total), cdp_total_get(a->total));

	return c ? c : cmp_text(&a->item, &b->item);
}

void cdp_tally_result(const struct cdp_agg *a, const struct cdp_tally *t,
		      struct cdp_eval *ev, struct cdp_value *out)
{
	size_t size = t ? cdp_bag_size(t->bag) : 0, n = 0;
	struct ranked *all = cdp_alloc(size * sizeof(*all));
	struct cdp_bag_item *items = cdp_alloc(size * sizeof(*items));
	bool failed = false;

	for (size_t i = 0; i < size; i++) {
		cdp_bag_at(t->bag, i, &all[n].item);
		all[n].total = &t->at[i];
		failed |= t->at[i].failed;
		n += all[n].item.count >= a->least;
	}
	qsort(all, n, sizeof(*all), by_total);
	if (n > a->limit)
		n = a->limit;
	for (size_t i = 0; i < n; i++)
		items[i] = all[i].item;
	if (!failed)
		make_list(items, n, ev, out);
	free(items);
	free(all);
}
