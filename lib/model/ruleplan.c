#include "base/mem.h"
#include "model/ruleplan_priv.h"

#include <stdlib.h>

enum { MANY = 1000 };                 /* slots */
#define PLANES_MAX ((size_t)48 << 20) /* bytes, of a thread, while rows can be fewer */

static void place_sets(struct cdp_rule_plan *p)
{
	const struct cdp_rules *r = p->spec.rules;

	p->set_slot = cdp_alloc(p->spec.set_count * sizeof(*p->set_slot));
	p->given = cdp_alloc(p->spec.set_count * sizeof(*p->given));
	for (uint32_t i = 0; i < p->spec.set_count; i++)
		p->set_slot[i] = TRANSIENT;
	for (uint32_t i = 0; i < r->leaf_count; i++)
		for (size_t k = 0; k < r->leaves[i].sets.n; k++) {
			uint32_t *slot = &p->set_slot[r->leaves[i].sets.v[k]];

			if (*slot != TRANSIENT)
				continue;
			*slot = p->slots++;
			if (p->spec.nodes[r->leaves[i].sets.v[k]] == CDP_RULE_GIVEN)
				p->given[p->given_count++] = r->leaves[i].sets.v[k];
		}
}

/* Better decided again than looked up. */
static bool is_cheap(const struct cdp_rule *n)
{
	return n->kind == CDP_RULE_NOT || (n->kind == CDP_RULE_OR && n->count <= 4);
}

static void place_nodes(struct cdp_rule_plan *p)
{
	const struct cdp_rules *r = p->spec.rules;

	p->node_slot = cdp_alloc(r->count * sizeof(*p->node_slot));
	for (uint32_t i = 0; i < r->count; i++) {
		const struct cdp_rule *n = &r->v[i];
		uint32_t kid = cdp_rule_kids(r, n)[0];

		if (n->kind == CDP_RULE_LEAF)
			p->node_slot[i] = kid;
		else if (n->kind == CDP_RULE_SET)
			p->node_slot[i] = p->set_slot[kid];
		else
			p->node_slot[i] =
				n->uses > 1 && !is_cheap(n) ? p->slots++ : TRANSIENT;
	}
	p->slot_node = cdp_alloc((p->slots + 1) * sizeof(*p->slot_node));
	for (uint32_t i = 0; i < r->count; i++)
		if (r->v[i].kind > CDP_RULE_SET && p->node_slot[i] != TRANSIENT)
			p->slot_node[p->node_slot[i]] = i;
	p->kids = cdp_alloc(r->kid_count * sizeof(*p->kids));
	for (uint32_t i = 0; i < r->count; i++)
		for (uint32_t k = 0; r->v[i].kind > CDP_RULE_SET && k < r->v[i].count;
		     k++) {
			uint32_t kid = r->kids[r->v[i].first + k];
			uint32_t slot = p->node_slot[kid];

			p->kids[r->v[i].first + k] =
				slot == TRANSIENT ? TRANSIENT | kid : slot;
		}
}

struct cdp_rule_plan *cdp_rule_plan_new(const struct cdp_rule_spec *spec)
{
	struct cdp_rule_plan *p = cdp_calloc(1, sizeof(*p));
	size_t words;

	p->spec = *spec;
	p->fields = cdp_rule_fields_new(spec->rules);
	p->asks = cdp_rule_asks_new(spec->rules, spec->asked);
	p->slots = spec->rules->leaf_count;
	place_sets(p);
	place_nodes(p);
	words = PLANES_MAX / (2 * sizeof(uint64_t)) / (p->slots + 1);
	if (words > WORDS_FLAT && p->slots > MANY)
		words = WORDS_FLAT;
	if (words > WORDS_MAX)
		words = WORDS_MAX;
	if (spec->max_words && words > spec->max_words)
		words = spec->max_words;
	if (words > CDP_BITS_STRIP)
		words -= words % CDP_BITS_STRIP;
	else if (words >= CDP_BITS_STRIP / 2 && !spec->max_words)
		words = CDP_BITS_STRIP; /* less would be no whole one */
	p->words = words ? (unsigned)words : 1;
	p->errors = cdp_rule_error_planes(spec->rules, p->fields, p->slots);
	cdp_rule_flats_init(&p->flats, p);
	return p;
}

void cdp_rule_plan_free(struct cdp_rule_plan *p)
{
	if (!p)
		return;
	cdp_rule_fields_free(p->fields);
	cdp_rule_asks_free(p->asks);
	free(p->node_slot);
	free(p->slot_node);
	free(p->given);
	free(p->set_slot);
	free(p->kids);
	free(p->errors);
	cdp_rule_flats_release(&p->flats);
	free(p);
}

const uint32_t *cdp_rule_plan_places(const struct cdp_rule_plan *p)
{
	return p->flats.places;
}

unsigned cdp_rule_plan_rows(const struct cdp_rule_plan *p)
{
	return p->words * 64;
}
