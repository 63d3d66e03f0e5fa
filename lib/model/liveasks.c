#include "model/liveasks.h"

#include "base/mem.h"
#include "model/ruletexts.h"

#include <stdlib.h>
#include <string.h>

/* A condition and something it asks for. */
struct ask {
	uint32_t ask;
	uint32_t leaf; /* number in cols->asked; COLUMN: of a column */
};
#define COLUMN UINT32_MAX

struct cdp_liveasks {
	const struct cdp_livecols *cols;
	struct ask *v; /* by what is asked for, but those that want a text */
	size_t n, cap;
	struct cdp_rule_texts *texts; /* by number in cols->asked */
	uint32_t *always, always_count;
};

struct cdp_liveasking {
	const struct cdp_liveasks *a;
	struct cdp_eval *ev;
	struct cdp_liveknown *known;
	uint64_t *nobody; /* bits of the true ones, then of the false ones */
	uint32_t *seen;   /* by condition: the turn it was evaluated in */
	uint32_t turn;
	uint64_t *planes; /* at hand */
};

static int by_ask(const void *a, const void *b)
{
	const struct ask *x = a, *y = b;

	if (x->ask != y->ask)
		return x->ask < y->ask ? -1 : 1;
	return (x->leaf > y->leaf) - (x->leaf < y->leaf);
}

static void add_leaf(struct cdp_liveasks *a, uint32_t leaf, uint32_t as)
{
	const struct cdp_needs *asks = &a->cols->rules->leaves[leaf].asks;

	for (size_t i = 0; i < asks->n; i++) {
		CDP_GROW(a->v, a->n, a->cap);
		a->v[a->n++] = (struct ask){ asks->v[i], as };
	}
}

static bool asks_for_row(const struct cdp_rule_leaf *l)
{
	for (size_t i = 0; i < l->asks.n; i++)
		if (cdp_rule_ask_kind(l->asks.v[i]) == CDP_TAG_REF_ATTRIBUTE)
			return true;
	return false;
}

struct cdp_liveasks *cdp_liveasks_new(const struct cdp_livecols *c,
				      const struct cdp_tagset *set)
{
	struct cdp_liveasks *a = cdp_calloc(1, sizeof(*a));

	a->cols = c;
	a->texts = cdp_rule_texts_new();
	a->always = cdp_alloc(((size_t)c->asked_count + 1) * sizeof(*a->always));
	for (uint32_t i = 0; set->own && i < c->asked_count; i++)
		if (asks_for_row(&c->rules->leaves[c->asked[i]]))
			a->always[a->always_count++] = i;
	for (uint32_t i = 0; i < c->asked_count; i++)
		if (!cdp_rule_texts_add(a->texts, &c->rules->leaves[c->asked[i]], i))
			add_leaf(a, c->asked[i], i);
	for (uint32_t i = c->rows; i < c->count; i++)
		for (uint32_t k = 0; k < c->v[i].leaf_count; k++)
			add_leaf(a, c->v[i].leaves[k], COLUMN);
	if (a->n)
		qsort(a->v, a->n, sizeof(*a->v), by_ask);
	return a;
}

void cdp_liveasks_free(struct cdp_liveasks *a)
{
	if (!a)
		return;
	cdp_rule_texts_free(a->texts);
	free(a->always);
	free(a->v);
	free(a);
}

static size_t first_of(const struct cdp_liveasks *a, uint32_t ask)
{
	size_t lo = 0, hi = a->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (a->v[mid].ask < ask)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* ---- one evaluator's ---- */

static int evaluate(struct cdp_liveasking *k, uint32_t i)
{
	const struct cdp_livecols *c = k->a->cols;
	struct cdp_err ignored;

	return cdp_expr_match(c->rules->leaves[c->asked[i]].expr, k->ev, NULL, &ignored);
}

/* What was fetched is remembered for a row, its memory is the evaluator's. */
static void reset(struct cdp_liveasking *k)
{
	cdp_eval_reset(k->ev);
	cdp_liveknown_again(k->known);
}

struct cdp_liveasking *cdp_liveasking_new(const struct cdp_liveasks *a,
					  struct cdp_eval *ev,
					  struct cdp_liveknown *known)
{
	struct cdp_liveasking *k = cdp_calloc(1, sizeof(*k));
	size_t words = a->cols->words - a->cols->asked_first;

	k->a = a;
	k->ev = ev;
	k->known = known;
	k->nobody = cdp_calloc(2 * words + 1, sizeof(*k->nobody));
	k->seen = cdp_calloc((size_t)a->cols->asked_count + 1, sizeof(*k->seen));
	return k;
}

void cdp_liveasking_free(struct cdp_liveasking *k)
{
	if (!k)
		return;
	free(k->nobody);
	free(k->seen);
	free(k);
}

static void put_bit(uint64_t *bits, uint32_t i, bool is)
{
	uint64_t bit = (uint64_t)1 << i % 64;

	bits[i / 64] = is ? bits[i / 64] | bit : bits[i / 64] & ~bit;
}

void cdp_liveasking_turn(struct cdp_liveasking *k)
{
	uint32_t words = k->a->cols->words - k->a->cols->asked_first;

	for (uint32_t i = 0; i < k->a->cols->asked_count; i++) {
		int v = evaluate(k, i);

		put_bit(k->nobody, i, v > 0);
		put_bit(k->nobody + words, i, v == 0);
	}
	reset(k);
}

static void fill_leaf(void *ctx, uint32_t leaf)
{
	struct cdp_liveasking *k = ctx;
	const struct cdp_livecols *c = k->a->cols;
	int v;

	if (k->seen[leaf] == k->turn)
		return;
	k->seen[leaf] = k->turn;
	v = evaluate(k, leaf);
	put_bit(k->planes + c->asked_first, leaf, v > 0);
	put_bit(k->planes + c->words + c->asked_first, leaf, v == 0);
}

/* Leaves that want one of the texts there. */
static void each_text(struct cdp_liveasking *k, uint32_t ask,
		      void (*call)(void *ctx, uint32_t leaf), void *ctx)
{
	const struct cdp_liveasks *a = k->a;
	struct cdp_value list;
	struct cdp_err ignored;
	bool fails;

	if (!cdp_rule_texts_ask(a->texts, (int)ask))
		return;
	fails = cdp_liveknown_fetch(k->known, (int)ask, &list, &ignored) < 0;
	cdp_rule_texts_find(a->texts, (int)ask, fails ? NULL : &list, call, ctx);
}

static void fill_ask(void *ctx, uint32_t ask)
{
	struct cdp_liveasking *k = ctx;
	const struct cdp_liveasks *a = k->a;

	for (size_t i = first_of(a, ask); i < a->n && a->v[i].ask == ask; i++)
		if (a->v[i].leaf != COLUMN)
			fill_leaf(k, a->v[i].leaf);
	each_text(k, ask, fill_leaf, k);
}

static void begin_turn(struct cdp_liveasking *k)
{
	if (++k->turn)
		return;
	memset(k->seen, 0, k->a->cols->asked_count * sizeof(*k->seen));
	k->turn = 1;
}

void cdp_liveasking_fill(struct cdp_liveasking *k, uint64_t *planes)
{
	const struct cdp_livecols *c = k->a->cols;
	size_t words = c->words - c->asked_first;

	begin_turn(k);
	k->planes = planes;
	memcpy(planes + c->asked_first, k->nobody, words * sizeof(*planes));
	memcpy(planes + c->words + c->asked_first, k->nobody + words,
	       words * sizeof(*planes));
	for (uint32_t i = 0; i < k->a->always_count; i++)
		fill_leaf(k, k->a->always[i]);
	cdp_liveknown_each(k->known, fill_ask, k);
	reset(k);
}

struct difference {
	struct cdp_liveasking *was, *is;
	bool any;
};

static void look_for_difference(void *ctx, uint32_t leaf)
{
	struct difference *d = ctx;

	d->any = d->any || evaluate(d->was, leaf) != evaluate(d->is, leaf);
}

bool cdp_liveasks_differ(const struct cdp_liveasks *a, const uint32_t *asks, size_t n,
			 struct cdp_liveasking *was, struct cdp_liveasking *is)
{
	struct difference d = { .was = was, .is = is };

	for (size_t k = 0; k < n && !d.any; k++) {
		for (size_t i = first_of(a, asks[k]);
		     i < a->n && a->v[i].ask == asks[k] && !d.any; i++)
			if (a->v[i].leaf == COLUMN)
				d.any = true;
			else
				look_for_difference(&d, a->v[i].leaf);
		each_text(was, asks[k], look_for_difference, &d);
		each_text(is, asks[k], look_for_difference, &d);
	}
	reset(was);
	reset(is);
	return d.any;
}
