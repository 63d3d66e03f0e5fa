#include "model/ruleasks.h"

#include "base/mem.h"
#include "model/ruletexts.h"

#include <stdlib.h>
#include <string.h>

enum { KINDS = CDP_RULE_ASK_AGG + 1 };

/* By what is asked for, the leaves that do: v[first[i]] to v[first[i + 1]]. */
struct lists {
	uint32_t *first, *v;
	uint32_t count;
};

struct cdp_rule_asks {
	const struct cdp_rules *r;
	uint32_t *leaves, count;
	uint32_t *always, always_count; /* they ask for what every customer has */
	struct lists by[KINDS];
	struct cdp_rule_texts *texts;
	bool *is_keyed; /* by number: it stands there */
};

/* An aggregate that every event concerns, or what an entity's row says. */
static bool is_everybodys(const struct cdp_tagset *set, uint32_t ask)
{
	size_t events;

	if (cdp_rule_ask_kind(ask) == CDP_TAG_REF_ATTRIBUTE)
		return set->own != NULL;
	if (cdp_rule_ask_kind(ask) != CDP_RULE_ASK_AGG)
		return false;
	cdp_agg_events(cdp_aggs_at(set->aggs, cdp_rule_ask_index(ask)), &events);
	return events == 0;
}

static bool is_always(const struct cdp_tagset *set, const struct cdp_rule_leaf *l)
{
	for (size_t i = 0; i < l->asks.n; i++)
		if (is_everybodys(set, l->asks.v[i]))
			return true;
	return false;
}

static uint32_t count_of(const struct cdp_tagset *set, unsigned kind)
{
	switch (kind) {
	case CDP_TAG_REF_ATTRIBUTE:
		return cdp_intern_count(set->attributes);
	case CDP_TAG_REF_DETAIL:
		return cdp_intern_count(set->details);
	case CDP_TAG_REF_RELATION:
	case CDP_TAG_REF_LINK:
		return cdp_intern_count(set->relations);
	case CDP_RULE_ASK_AGG:
		return cdp_aggs_count(set->aggs);
	default:
		return 0;
	}
}

static void list_up(struct cdp_rule_asks *a, unsigned kind, const struct cdp_tagset *set)
{
	struct lists *l = &a->by[kind];
	uint32_t *at;

	l->count = count_of(set, kind);
	l->first = cdp_calloc(l->count + 2, sizeof(*l->first));
	at = l->first + 1;
	for (unsigned pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < a->count; i++) {
			const struct cdp_needs *asks = &a->r->leaves[a->leaves[i]].asks;

			for (size_t k = 0; !a->is_keyed[i] && k < asks->n; k++) {
				uint32_t what = cdp_rule_ask_index(asks->v[k]);

				if (cdp_rule_ask_kind(asks->v[k]) != kind)
					continue;
				if (pass)
					l->v[at[what]] = i;
				at[what + !pass]++;
			}
		}
		for (uint32_t i = 0; !pass && i < l->count; i++)
			at[i + 1] += at[i];
		if (!pass)
			l->v = cdp_alloc((at[l->count] + 1) * sizeof(*l->v));
	}
}

struct cdp_rule_asks *cdp_rule_asks_new(const struct cdp_rules *r,
					const struct cdp_tagset *set)
{
	struct cdp_rule_asks *a = cdp_calloc(1, sizeof(*a));

	a->r = r;
	a->leaves = cdp_alloc(r->leaf_count * sizeof(*a->leaves));
	a->always = cdp_alloc(r->leaf_count * sizeof(*a->always));
	for (uint32_t i = 0; i < r->leaf_count; i++) {
		if (r->leaves[i].form.kind != CDP_FORM_ASKED)
			continue;
		if (is_always(set, &r->leaves[i]))
			a->always[a->always_count++] = a->count;
		a->leaves[a->count++] = i;
	}
	if (!a->count) {
		cdp_rule_asks_free(a);
		return NULL;
	}
	a->texts = cdp_rule_texts_new();
	a->is_keyed = cdp_calloc(a->count, sizeof(*a->is_keyed));
	for (uint32_t i = 0; i < a->count; i++)
		a->is_keyed[i] =
			cdp_rule_texts_add(a->texts, &r->leaves[a->leaves[i]], i);
	for (unsigned k = CDP_TAG_REF_ATTRIBUTE; set && k < KINDS; k++)
		list_up(a, k, set);
	return a;
}

void cdp_rule_asks_free(struct cdp_rule_asks *a)
{
	if (!a)
		return;
	for (unsigned k = 0; k < KINDS; k++) {
		free(a->by[k].first);
		free(a->by[k].v);
	}
	cdp_rule_texts_free(a->texts);
	free(a->is_keyed);
	free(a->leaves);
	free(a->always);
	free(a);
}

/* ---- one thread's ---- */

struct cdp_rule_asking {
	const struct cdp_rule_asks *a;
	const struct cdp_customers *customers;
	struct cdp_eval *ev;
	struct cdp_known *known;
	int8_t *nobody; /* by number in a->leaves: 1, 0, -1 an error */
	uint64_t *seen; /* likewise: the turn it was evaluated in */
	uint64_t turn;
	/* of the row at hand */
	unsigned row;
	const struct cdp_rule_planes *planes;
	struct cdp_rule_cost *cost; /* NULL: nobody asks */
	double spent;               /* by all leaves */
};

static int evaluate(const struct cdp_rule_asking *k, uint32_t i)
{
	const struct cdp_rule_leaf *l = &k->a->r->leaves[k->a->leaves[i]];
	struct cdp_err ignored;

	return cdp_expr_match(l->expr, k->ev, NULL, &ignored);
}

struct cdp_rule_asking *cdp_rule_asking_new(const struct cdp_rule_asks *a,
					    const struct cdp_customers *customers,
					    struct cdp_eval *ev, struct cdp_known *known)
{
	struct cdp_rule_asking *k = cdp_calloc(1, sizeof(*k));

	k->a = a;
	k->customers = customers;
	k->ev = ev;
	k->known = known;
	k->nobody = cdp_alloc(a->count * sizeof(*k->nobody));
	k->seen = cdp_calloc(a->count, sizeof(*k->seen));
	for (uint32_t i = 0; i < a->count; i++)
		k->nobody[i] = (int8_t)evaluate(k, i);
	cdp_eval_reset(ev);
	return k;
}

void cdp_rule_asking_free(struct cdp_rule_asking *k)
{
	if (!k)
		return;
	free(k->nobody);
	free(k->seen);
	free(k);
}

void cdp_rule_asking_charge(struct cdp_rule_asking *k, struct cdp_rule_cost *cost)
{
	k->cost = cost;
}

static inline void charge(struct cdp_rule_asking *k, double *to)
{
	if (k->cost)
		cdp_rule_cost_turn(k->cost, to);
}

void cdp_rule_asking_clear(const struct cdp_rule_asking *k,
			   const struct cdp_rule_planes *p)
{
	size_t size = p->words * sizeof(uint64_t);

	for (uint32_t i = 0; i < k->a->count; i++) {
		uint32_t leaf = k->a->leaves[i];

		memset(cdp_plane_true(p, leaf), k->nobody[i] > 0 ? 0xff : 0, size);
		memset(cdp_plane_errors(p, leaf), k->nobody[i] < 0 ? 0xff : 0, size);
	}
}

static void put_bit(uint64_t *plane, unsigned row, bool is)
{
	uint64_t bit = (uint64_t)1 << row % 64;

	plane[row / 64] = is ? plane[row / 64] | bit : plane[row / 64] & ~bit;
}

static void ask(struct cdp_rule_asking *k, uint32_t i)
{
	uint32_t leaf = k->a->leaves[i];
	int v;

	if (k->seen[i] == k->turn)
		return;
	k->seen[i] = k->turn;
	charge(k, k->cost ? &k->cost->leaves[leaf] : NULL);
	v = evaluate(k, i);
	charge(k, &k->spent);
	if (v == k->nobody[i])
		return;
	put_bit(cdp_plane_true(k->planes, leaf), k->row, v > 0);
	put_bit(cdp_plane_errors(k->planes, leaf), k->row, v < 0);
}

static void ask_all(struct cdp_rule_asking *k, unsigned kind, uint32_t what)
{
	const struct lists *l = &k->a->by[kind];

	for (uint32_t i = l->first[what]; i < l->first[what + 1]; i++)
		ask(k, l->v[i]);
}

static void ask_agg(void *ctx, unsigned agg)
{
	ask_all(ctx, CDP_RULE_ASK_AGG, agg);
}

static void ask_text(void *ctx, uint32_t i)
{
	ask(ctx, i);
}

static void ask_fact(void *ctx, int ref)
{
	struct cdp_rule_asking *k = ctx;
	struct cdp_value list;
	struct cdp_err ignored;

	if (cdp_rule_texts_ask(k->a->texts, ref)) {
		bool fails = cdp_known_fetch(k->known, ref, &list, &ignored) < 0;

		cdp_rule_texts_find(k->a->texts, ref, fails ? NULL : &list, ask_text, k);
	}
	ask_all(ctx, cdp_tag_ref_kind(ref), cdp_tag_ref_index(ref));
}

void cdp_rule_asking_add(struct cdp_rule_asking *k, unsigned row, uint32_t customer,
			 const struct cdp_rule_planes *planes)
{
	if (customer == CDP_NOBODY)
		return;
	k->turn++;
	k->row = row;
	k->planes = planes;
	charge(k, &k->spent);
	for (uint32_t i = 0; i < k->a->always_count; i++)
		ask(k, k->a->always[i]);
	cdp_customers_each_agg(k->customers, customer, ask_agg, k);
	cdp_customers_each_fact(k->customers, customer, ask_fact, k);
	charge(k, NULL);
}

void cdp_rule_asking_take(struct cdp_rule_asking *k, const uint64_t *all,
			  const struct cdp_rule_planes *p)
{
	charge(k, &k->spent);
	for (uint32_t i = 0; i < k->a->count; i++) {
		uint32_t leaf = k->a->leaves[i];
		uint64_t *plane = k->nobody[i] > 0 ? cdp_plane_true(p, leaf)
						   : cdp_plane_errors(p, leaf);

		for (unsigned w = 0; k->nobody[i] && w < p->words; w++)
			plane[w] &= all[w];
	}
	charge(k, NULL);
	for (uint32_t i = 0; k->cost && i < k->a->count; i++)
		k->cost->leaves[k->a->leaves[i]] += k->spent / k->a->count;
	k->spent = 0;
}
