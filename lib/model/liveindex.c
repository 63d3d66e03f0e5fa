#include "model/liveindex.h"

#include "base/mem.h"

#include <stdlib.h>

/* ---- rules as terms ---- */

static uint32_t literal_of(const struct cdp_livecols *c, uint32_t leaf, bool negated)
{
	return c->bit[leaf] + (negated ? c->words * 64 : 0);
}

static void add_term(struct cdp_liveindex *x, uint32_t term)
{
	CDP_GROW(x->terms, x->term_count, x->term_cap);
	x->terms[x->term_count++] = term;
}

/* Whether a node is that all of its kids, or one of them, are what is wanted of it. */
static bool wants_all(const struct cdp_rule *n, bool want)
{
	return n->kind == (want ? CDP_RULE_AND : CDP_RULE_OR);
}
static bool wants_one(const struct cdp_rule *n, bool want)
{
	return n->kind == (want ? CDP_RULE_OR : CDP_RULE_AND);
}

/* The literals of which one must hold; false: it is not so simple. */
static bool add_group(struct cdp_liveindex *x, uint32_t node, bool want)
{
	const struct cdp_rules *r = x->s->rules;
	const struct cdp_rule *n = &r->v[node];
	const uint32_t *kids = cdp_rule_kids(r, n);
	bool fine = true;

	if (n->kind == CDP_RULE_NOT)
		return add_group(x, kids[0], !want);
	if (n->kind == CDP_RULE_LEAF)
		add_term(x, literal_of(x->cols, kids[0], !want));
	for (uint32_t i = 0; wants_one(n, want) && i < n->count && fine; i++)
		fine = add_group(x, kids[i], want);
	return fine && (n->kind == CDP_RULE_LEAF || wants_one(n, want));
}

enum part { LITERALS, GROUPS, NODES };

/* The parts of a conjunction of one kind. */
static void add_terms(struct cdp_liveindex *x, uint32_t node, bool want, enum part part)
{
	const struct cdp_rules *r = x->s->rules;
	const struct cdp_rule *n = &r->v[node];
	const uint32_t *kids = cdp_rule_kids(r, n);
	size_t mark = x->term_count;

	if (n->kind == CDP_RULE_NOT) {
		add_terms(x, kids[0], !want, part);
	} else if (wants_all(n, want)) {
		for (uint32_t i = 0; i < n->count; i++)
			add_terms(x, kids[i], want, part);
	} else if (n->kind == CDP_RULE_LEAF) {
		if (part == LITERALS)
			add_term(x, literal_of(x->cols, kids[0], !want));
	} else if (!add_group(x, node, want)) {
		x->term_count = mark;
		if (part == NODES)
			add_term(x, want ? node : node | CDP_LIVE_MARK);
	} else if (part == GROUPS) {
		x->terms[x->term_count - 1] |= CDP_LIVE_MARK;
	} else {
		x->term_count = mark;
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
	add_terms(x, node, true, LITERALS);
	l->literals = (uint32_t)x->term_count - l->first;
	add_terms(x, node, true, GROUPS);
	l->grouped = (uint32_t)x->term_count - l->first - l->literals;
	add_terms(x, node, true, NODES);
	l->nodes = (uint32_t)x->term_count - l->first - l->literals - l->grouped;
	sort_literals(x->terms + l->first, l->literals, weight);
}

/* ---- lists ---- */

/* Lists are walked twice: to count, then to put. */
struct walk {
	struct cdp_liveindex *x;
	bool put;
	uint32_t *seen, stamp; /* by twice the node, of nodes below rules */
	uint32_t set;
};

/* The rarest literals but `but`. */
static struct cdp_live_post post_of(const struct walk *w, uint32_t but)
{
	const struct cdp_live_rule *l = &w->x->rules[w->set];
	uint32_t always = 2 * 64 * w->x->cols->words, n = 0;
	struct cdp_live_post p = { w->set, { always, always, always } };

	for (uint32_t i = 0; i < l->literals && n < CDP_LIVE_WATCHES; i++)
		if (w->x->terms[l->first + i] != but)
			p.watch[n++] = w->x->terms[l->first + i];
	return p;
}

/* While counting, first[i + 2] is how many i has; while putting, first[i + 1] is where
 * its next one goes. */
static void post(const struct walk *w, struct cdp_live_posts *p, uint32_t i, uint32_t but)
{
	if (w->put)
		p->v[p->first[i + 1]++] = post_of(w, but);
	else
		p->first[i + 2]++;
}

/* What makes a node true, or false. */
static void post_node(struct walk *w, uint32_t node, bool want)
{
	const struct cdp_rules *r = w->x->s->rules;
	const struct cdp_rule *n = &r->v[node];
	const uint32_t *kids = cdp_rule_kids(r, n);
	uint32_t *seen = &w->seen[2 * (size_t)node + want], literal;

	if (*seen == w->stamp)
		return;
	*seen = w->stamp;
	if (n->kind == CDP_RULE_LEAF) {
		literal = literal_of(w->x->cols, kids[0], !want);
		post(w, &w->x->inner, literal, literal);
		return;
	}
	if (n->kind == CDP_RULE_SET) {
		post(w, &w->x->users, 2 * kids[0] + !want, UINT32_MAX);
		return;
	}
	for (uint32_t i = 0; i < n->count; i++)
		post_node(w, kids[i], (n->kind == CDP_RULE_NOT) != want);
	if (n->kind == CDP_RULE_COND)
		post_node(w, kids[0], !want);
}

static void post_rule(struct walk *w, uint32_t set)
{
	struct cdp_liveindex *x = w->x;
	const struct cdp_live_rule *l = &x->rules[set];
	const uint32_t *terms = x->terms + l->first;

	w->set = set;
	w->stamp++;
	for (uint32_t i = 0; i < l->literals; i++)
		post(w, &x->plain, terms[i], terms[i]);
	terms += l->literals;
	for (uint32_t i = 0; i < l->grouped; i++)
		post(w, &x->inner, terms[i] & ~CDP_LIVE_MARK, UINT32_MAX);
	terms += l->grouped;
	for (uint32_t i = 0; i < l->nodes; i++)
		post_node(w, terms[i] & ~CDP_LIVE_MARK, !(terms[i] & CDP_LIVE_MARK));
	if (l->literals)
		post(w, &x->rarest, x->terms[l->first], x->terms[l->first]);
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
	begin_posts(&x->rarest, literals);
	begin_posts(&x->users, 2 * sets);
	x->always = cdp_alloc(sets * sizeof(*x->always));
	for (unsigned pass = 0; pass < 2; pass++) {
		w.put = pass;
		w.seen = cdp_calloc(2 * (size_t)x->s->rules->count + 1, sizeof(*w.seen));
		w.stamp = 0;
		for (uint32_t i = 0; i < sets; i++)
			if (cdp_bit(needed, i) && x->s->v[i].rule != CDP_RULE_GIVEN &&
			    x->s->v[i].cut <= CDP_CUT_SAMPLE)
				post_rule(&w, i);
		free(w.seen);
		if (pass)
			break;
		place_posts(&x->plain, literals);
		place_posts(&x->inner, literals);
		place_posts(&x->rarest, literals);
		place_posts(&x->users, 2 * sets);
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
	struct cdp_live_posts *all[] = { &x->plain, &x->inner, &x->rarest, &x->users };

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
