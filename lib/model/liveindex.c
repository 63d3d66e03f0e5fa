#include "model/liveindex.h"

#include "base/mem.h"

#include <stdlib.h>

/* ---- rules as terms ---- */

static uint32_t literal_of(const struct cdp_livecols *c, uint32_t leaf, bool negated)
{
	return c->bit[leaf] + (negated ? c->words * 64 : 0);
}

/* Whether a node is a condition or the negation of one. */
static bool is_literal(const struct cdp_liveindex *x, uint32_t node, uint32_t *literal)
{
	const struct cdp_rules *r = x->s->rules;
	const struct cdp_rule *n = &r->v[node];
	bool negated = n->kind == CDP_RULE_NOT;

	if (negated)
		n = &r->v[cdp_rule_kids(r, n)[0]];
	if (n->kind != CDP_RULE_LEAF)
		return false;
	*literal = literal_of(x->cols, cdp_rule_kids(r, n)[0], negated);
	return true;
}

static void add_term(struct cdp_liveindex *x, uint32_t term)
{
	CDP_GROW(x->terms, x->term_count, x->term_cap);
	x->terms[x->term_count++] = term;
}

/* The literals of a conjunction, or its other nodes. */
static void add_terms(struct cdp_liveindex *x, uint32_t node, bool literals,
		      uint32_t *count)
{
	const struct cdp_rules *r = x->s->rules;
	const struct cdp_rule *n = &r->v[node];
	uint32_t literal;

	if (n->kind == CDP_RULE_AND) {
		for (uint32_t i = 0; i < n->count; i++)
			add_terms(x, cdp_rule_kids(r, n)[i], literals, count);
	} else if (is_literal(x, node, &literal) == literals) {
		add_term(x, literals ? literal : node);
		++*count;
	}
}

/* The rarest first; few. */
static void sort_literals(uint32_t *v, uint32_t n, const uint32_t *weight)
{
	for (uint32_t i = 1; i < n; i++) {
		uint32_t x = v[i], k = i;

		for (; k > 0 && weight[v[k - 1]] > weight[x]; k--)
			v[k] = v[k - 1];
		v[k] = x;
	}
}

static void add_rule(struct cdp_liveindex *x, uint32_t set, const uint32_t *weight)
{
	struct cdp_live_rule *l = &x->rules[set];
	uint32_t node = x->s->v[set].rule;

	l->first = (uint32_t)x->term_count;
	add_terms(x, node, true, &l->literals);
	add_terms(x, node, false, &l->nodes);
	sort_literals(x->terms + l->first, l->literals, weight);
}

/* ---- lists ---- */

/* Lists are walked twice: to count, then to put. */
struct walk {
	struct cdp_liveindex *x;
	bool put;
	uint32_t *seen, stamp; /* by node, of nodes below rules */
	uint32_t set;
};

static uint32_t watch_of(const struct cdp_liveindex *x, uint32_t set)
{
	const struct cdp_live_rule *l = &x->rules[set];

	return l->literals ? x->terms[l->first] : CDP_LIVE_ALWAYS;
}

/* While counting, first[i + 2] is how many i has; while putting, first[i + 1] is where
 * its next one goes. */
static void post(const struct walk *w, struct cdp_live_posts *p, uint32_t i)
{
	if (!w->put) {
		p->first[i + 2]++;
		return;
	}
	p->v[p->first[i + 1]++] =
		(struct cdp_live_post){ w->set, watch_of(w->x, w->set) };
}

static void post_set(const struct walk *w, uint32_t set)
{
	if (w->x->s->v[set].rule != CDP_RULE_GIVEN)
		post(w, &w->x->users, set);
}

/* Either side of what is in a node may turn it. */
static void post_node(struct walk *w, uint32_t node)
{
	const struct cdp_rules *r = w->x->s->rules;
	const struct cdp_rule *n = &r->v[node];
	const uint32_t *kids = cdp_rule_kids(r, n);

	if (w->seen[node] == w->stamp)
		return;
	w->seen[node] = w->stamp;
	if (n->kind == CDP_RULE_LEAF) {
		post(w, &w->x->inner, literal_of(w->x->cols, kids[0], false));
		post(w, &w->x->inner, literal_of(w->x->cols, kids[0], true));
	} else if (n->kind == CDP_RULE_SET) {
		post_set(w, kids[0]);
	} else {
		for (uint32_t i = 0; i < n->count; i++)
			post_node(w, kids[i]);
	}
}

static void post_rule(struct walk *w, uint32_t set)
{
	struct cdp_liveindex *x = w->x;
	const struct cdp_live_rule *l = &x->rules[set];
	const uint32_t *terms = x->terms + l->first;

	w->set = set;
	w->stamp++;
	for (uint32_t i = 0; i < l->literals; i++)
		post(w, &x->plain, terms[i]);
	for (uint32_t i = 0; i < l->nodes; i++)
		post_node(w, terms[l->literals + i]);
	if (l->literals)
		post(w, &x->watch, terms[0]);
	else if (w->put)
		x->always[x->always_count++] = set;
}

static void begin_posts(struct cdp_live_posts *p, uint32_t count)
{
	p->first = cdp_calloc((size_t)count + 2, sizeof(*p->first));
}

static void place_posts(struct cdp_live_posts *p, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		p->first[i + 2] += p->first[i + 1];
	p->v = cdp_alloc((size_t)p->first[count + 1] * sizeof(*p->v));
}

static void fill(struct cdp_liveindex *x, const uint64_t *needed)
{
	uint32_t literals = 2 * 64 * x->cols->words, sets = x->s->count;
	struct walk w = { .x = x };

	begin_posts(&x->plain, literals);
	begin_posts(&x->inner, literals);
	begin_posts(&x->watch, literals);
	begin_posts(&x->users, sets);
	x->always = cdp_alloc(sets * sizeof(*x->always));
	for (unsigned pass = 0; pass < 2; pass++) {
		w.put = pass;
		w.seen = cdp_calloc((size_t)x->s->rules->count + 1, sizeof(*w.seen));
		w.stamp = 0;
		for (uint32_t i = 0; i < sets; i++)
			if (cdp_bit(needed, i) && x->s->v[i].rule != CDP_RULE_GIVEN)
				post_rule(&w, i);
		free(w.seen);
		if (pass)
			break;
		place_posts(&x->plain, literals);
		place_posts(&x->inner, literals);
		place_posts(&x->watch, literals);
		place_posts(&x->users, sets);
	}
}

struct cdp_liveindex *cdp_liveindex_new(const struct cdp_segments *s,
					const struct cdp_livecols *cols,
					const uint64_t *needed, const uint32_t *weight)
{
	struct cdp_liveindex *x = cdp_calloc(1, sizeof(*x));

	x->s = s;
	x->cols = cols;
	x->rules = cdp_calloc((size_t)s->count + 1, sizeof(*x->rules));
	for (uint32_t i = 0; i < s->count; i++)
		if (cdp_bit(needed, i) && s->v[i].rule != CDP_RULE_GIVEN)
			add_rule(x, i, weight);
	fill(x, needed);
	return x;
}

void cdp_liveindex_free(struct cdp_liveindex *x)
{
	struct cdp_live_posts *all[] = { &x->plain, &x->inner, &x->watch, &x->users };

	for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++) {
		free(all[i]->first);
		free(all[i]->v);
	}
	free(x->rules);
	free(x->terms);
	free(x->always);
	free(x);
}

/* ---- weights ---- */

static uint32_t guess(const struct cdp_form *m)
{
	switch (m->kind) {
	case CDP_FORM_EQUAL:
		return m->negated ? 90 : 1;
	case CDP_FORM_IN:
		return 5;
	case CDP_FORM_PREFIX:
		return 10;
	case CDP_FORM_HAS:
		return 95;
	default:
		return 50;
	}
}

uint32_t *cdp_liveindex_guess(const struct cdp_livecols *c)
{
	uint32_t *weight = cdp_calloc(2 * 64 * (size_t)c->words + 1, sizeof(*weight));

	for (uint32_t i = 0; i < c->rules->leaf_count; i++) {
		const struct cdp_form *m = &c->rules->leaves[i].form;

		if (m->kind == CDP_FORM_HOST)
			continue;
		weight[literal_of(c, i, false)] = guess(m);
		weight[literal_of(c, i, true)] = 100 - guess(m);
	}
	return weight;
}
