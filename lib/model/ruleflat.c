#include "model/ruleflat.h"

#include "base/mem.h"
#include "model/ruleplan_priv.h"

#include <stdlib.h>
#include <string.h>

struct maker {
	const struct cdp_rule_plan *p;
	struct cdp_bits_term *terms;
	size_t term_count, term_cap;
	struct cdp_rule_flat *v;
	struct cdp_conjunction *rules;
};

/* ---- one rule ---- */

static bool is_leaf(const struct cdp_rule_plan *p, uint32_t kid)
{
	return kid < p->spec.rules->leaf_count &&
	       p->spec.rules->leaves[kid].form.kind != CDP_FORM_MIXED;
}

static void add_term(struct maker *m, uint32_t leaf, uint32_t marks)
{
	CDP_GROW(m->terms, m->term_count, m->term_cap);
	m->terms[m->term_count].u = leaf | marks;
	m->terms[m->term_count++].e = m->p->errors[leaf];
}

/* The leaf that a kid is the negation of. */
static bool is_negated(const struct cdp_rule_plan *p, uint32_t kid, uint32_t *leaf)
{
	const struct cdp_rule *n;

	if (!(kid & TRANSIENT))
		return false;
	n = &p->spec.rules->v[kid & ~TRANSIENT];
	*leaf = p->kids[n->first];
	return n->kind == CDP_RULE_NOT && is_leaf(p, *leaf);
}

/* A leaf or the negation of one, in a group. */
static bool add_literal(struct maker *m, uint32_t kid, uint32_t marks)
{
	uint32_t leaf = kid;

	if (is_leaf(m->p, kid))
		add_term(m, kid, marks);
	else if (is_negated(m->p, kid, &leaf))
		add_term(m, leaf, marks | CDP_BITS_NOT);
	else
		return false;
	return true;
}

static bool add_group(struct maker *m, uint32_t kid)
{
	const struct cdp_rule_plan *p = m->p;
	const struct cdp_rule *n = &p->spec.rules->v[kid & ~TRANSIENT];
	bool fine = true;

	if (!(kid & TRANSIENT) || n->kind != CDP_RULE_OR)
		return add_literal(m, kid, CDP_BITS_END);
	for (uint32_t i = 0; i < n->count && fine; i++)
		fine = add_literal(m, p->kids[n->first + i],
				   i + 1 == n->count ? CDP_BITS_END : 0);
	return fine;
}

/* By their numbers of terms: plain, and up to the last negated one. */
static bool add_conjunction(struct maker *m, const struct cdp_rule *n, size_t *plain,
			    size_t *negated)
{
	const struct cdp_rule_plan *p = m->p;
	const uint32_t *kids = p->kids + n->first;
	size_t first = m->term_count;
	uint32_t leaf;
	bool fine = true;

	for (uint32_t i = 0; i < n->count; i++)
		if (is_leaf(p, kids[i]))
			add_term(m, kids[i], 0);
	*plain = m->term_count - first;
	for (uint32_t i = 0; i < n->count; i++)
		if (is_negated(p, kids[i], &leaf))
			add_term(m, leaf, 0);
	*negated = m->term_count - first;
	for (uint32_t i = 0; i < n->count && fine; i++)
		fine = is_leaf(p, kids[i]) || is_negated(p, kids[i], &leaf) ||
		       add_group(m, kids[i]);
	return fine;
}

/* False: the set's rule is none of these. */
static bool add_flat(struct maker *m, uint32_t set, uint32_t at)
{
	const struct cdp_rule_plan *p = m->p;
	uint32_t node = p->spec.nodes[set], slot = p->node_slot[node];
	const struct cdp_rule *n = &p->spec.rules->v[node];
	size_t first = m->term_count, plain = 0, negated = 0, count;
	bool fine = slot != TRANSIENT         ? add_group(m, slot)
		    : n->kind == CDP_RULE_AND ? add_conjunction(m, n, &plain, &negated)
					      : add_group(m, TRANSIENT | node);

	count = m->term_count - first;
	if (!fine || count > UINT16_MAX || m->term_count > UINT32_MAX) {
		m->term_count = first;
		return false;
	}
	m->v[at] = (struct cdp_rule_flat){ .set = set,
					   .first = (uint32_t)first,
					   .asked = p->set_slot[set] != TRANSIENT };
	m->rules[at] = (struct cdp_conjunction){ (uint16_t)plain, (uint16_t)negated,
						 (uint16_t)count };
	return true;
}

/* ---- their order ---- */

struct ranked {
	uint64_t shape; /* rules alike take turns that can be foretold */
	uint64_t rank;  /* of a plane: how often it is asked for */
	uint32_t at;
};

static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->shape != y->shape)
		return x->shape < y->shape ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank > y->rank ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static uint32_t plane_of(const struct cdp_bits_term *t)
{
	return t->u & ~(CDP_BITS_NOT | CDP_BITS_END);
}

/* By plane its new number. */
static uint32_t *number_planes(struct cdp_rule_flats *f, const struct maker *m)
{
	const struct cdp_rule_plan *p = m->p;
	size_t count = 2 * (size_t)p->slots + (size_t)p->fields->count * CDP_RULE_SHARED;
	uint32_t *uses = cdp_calloc(count + 1, sizeof(*uses)), n = 0;
	struct ranked *v;

	for (size_t i = 0; i < m->term_count; i++) {
		uses[plane_of(&m->terms[i])]++;
		uses[m->terms[i].e]++;
	}
	v = cdp_alloc(count * sizeof(*v));
	for (uint32_t i = 0; i < count; i++)
		if (uses[i])
			v[n++] = (struct ranked){ .rank = uses[i], .at = i };
	if (n)
		qsort(v, n, sizeof(*v), by_rank);
	f->copy_count = n;
	f->copies = cdp_alloc(n * sizeof(*f->copies));
	for (uint32_t i = 0; i < n; i++) {
		f->copies[i] = v[i].at;
		uses[v[i].at] = i;
	}
	free(v);
	return uses;
}

/* Of one shape in the order of the plan: whoever asks for audience after audience later
 * goes through what they found, not to and fro. */
static struct ranked *rank(const struct maker *m, uint32_t count)
{
	struct ranked *v = cdp_alloc(count * sizeof(*v));

	for (uint32_t i = 0; i < count; i++) {
		const struct cdp_conjunction *c = &m->rules[i];

		v[i] = (struct ranked){ .at = i };
		v[i].shape =
			(uint64_t)c->plain << 32 | (uint64_t)c->negated << 16 | c->count;
	}
	if (count)
		qsort(v, count, sizeof(*v), by_rank);
	return v;
}

/* Rules and their terms as they will be asked for. */
static void put_in_order(struct cdp_rule_flats *f, const struct maker *m)
{
	uint32_t *numbers = number_planes(f, m);
	struct ranked *order = rank(m, f->count);
	size_t n = 0;

	f->v = cdp_alloc(f->count * sizeof(*f->v));
	f->rules = cdp_alloc(f->count * sizeof(*f->rules));
	f->terms = cdp_calloc(m->term_count + CDP_BITS_AHEAD, sizeof(*f->terms));
	for (uint32_t i = 0; i < f->count; i++) {
		uint32_t from = order[i].at;

		f->v[i] = m->v[from];
		f->v[i].first = (uint32_t)n;
		f->rules[i] = m->rules[from];
		f->places[f->v[i].set] = i;
		for (uint32_t k = 0; k < f->rules[i].count; k++, n++) {
			const struct cdp_bits_term *t = &m->terms[m->v[from].first + k];
			uint32_t marks = t->u & (CDP_BITS_NOT | CDP_BITS_END);

			f->terms[n].u = numbers[plane_of(t)] * m->p->words | marks;
			f->terms[n].e = numbers[t->e] * m->p->words;
		}
	}
	free(order);
	free(numbers);
}

void cdp_rule_flats_init(struct cdp_rule_flats *f, const struct cdp_rule_plan *p)
{
	struct maker m = { .p = p };
	uint32_t n = p->spec.order_count;
	bool strips = p->words % CDP_BITS_STRIP == 0;

	*f = (struct cdp_rule_flats){ 0 };
	m.v = cdp_alloc(n * sizeof(*m.v));
	m.rules = cdp_alloc(n * sizeof(*m.rules));
	f->rest = cdp_alloc(n * sizeof(*f->rest));
	for (uint32_t i = 0; i < n; i++)
		if (strips && add_flat(&m, p->spec.order[i], f->count))
			f->count++;
		else
			f->rest[f->rest_count++] = p->spec.order[i];
	f->places = cdp_alloc(p->spec.set_count * sizeof(*f->places));
	for (uint32_t i = 0; i < p->spec.set_count; i++)
		f->places[i] = UINT32_MAX;
	put_in_order(f, &m);
	for (uint32_t i = 0; i < f->rest_count; i++)
		f->places[f->rest[i]] = f->count + i;
	free(m.terms);
	free(m.rules);
	free(m.v);
}

void cdp_rule_flats_copy(const struct cdp_rule_plan *p, uint64_t *copies,
			 const uint64_t *planes)
{
	const struct cdp_rule_flats *f = &p->flats;
	unsigned words = p->words;

	for (uint32_t i = 0; i < f->copy_count; i++) {
		uint32_t at = f->copies[i];
		const uint64_t *from = planes + (size_t)at * words;
		const uint64_t *errors = from;
		uint64_t *to = copies + (size_t)i * words;

		if (at < p->spec.rules->leaf_count)
			errors = planes + (size_t)p->errors[at] * words;
		for (unsigned w = 0; w < words; w++)
			to[w] = from[w] | errors[w];
	}
}

void cdp_rule_flats_release(struct cdp_rule_flats *f)
{
	free(f->terms);
	free(f->rules);
	free(f->copies);
	free(f->v);
	free(f->rest);
	free(f->places);
}
