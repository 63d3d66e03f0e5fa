/* Which audiences can be followed. */
#include "cli/segment_follow_priv.h"

#include "base/mem.h"

#include <stdlib.h>

/* Why one is not followed. */
enum { FOLLOWED, BY_RANK, BY_AS_OF };
static const char *const reasons[] = {
	[BY_RANK] = "it computes with an audience that is cut by rank, or refers to one "
		    "that does",
	[BY_AS_OF] = "it holds events against as_of, which within() would do by days, or "
		     "refers to one that does"
};

/* What is known of a node. */
enum { ASKS = 1, FICKLE = 2, RANKED = 4 };

static void note_entity(void *ctx, enum cdp_use what, int number)
{
	(void)number;
	if (what == CDP_USE_ENTITY)
		*(uint8_t *)ctx |= ASKS;
}

/* By audience: it is cut by rank, or refers to one that is. */
static bool *find_ranked(const struct cdp_segments *s)
{
	bool *ranked = cdp_calloc((size_t)s->count + 1, sizeof(*ranked));

	for (unsigned i = 0; i < s->count; i++) {
		const struct cdp_segment *g = &s->v[s->order[i]];

		ranked[s->order[i]] = g->cut > CDP_CUT_SAMPLE;
		for (size_t k = 0; k < g->needs.n; k++)
			ranked[s->order[i]] |= ranked[g->needs.v[k]];
	}
	return ranked;
}

static uint8_t look_at_leaf(const struct cdp_segments *s, const struct cdp_rule_leaf *l,
			    const bool *ranked)
{
	uint8_t is = l->asks.n || l->form.kind == CDP_FORM_ASKED ? ASKS : 0;

	cdp_expr_uses(l->expr, note_entity, &is);
	for (size_t i = 0; l->form.kind != CDP_FORM_HOST && i < l->sets.n; i++)
		is |= ranked[l->sets.v[i]] ? RANKED : 0;
	for (size_t i = 0; i < l->asks.n; i++) {
		uint32_t ask = l->asks.v[i];

		if (cdp_rule_ask_kind(ask) == CDP_RULE_ASK_AGG &&
		    cdp_agg_fickle(cdp_aggs_at(s->asked->aggs, cdp_rule_ask_index(ask))))
			is |= FICKLE;
	}
	return is;
}

/* By node. */
static uint8_t *look_at_nodes(const struct cdp_segments *s)
{
	const struct cdp_rules *r = s->rules;
	uint8_t *is = cdp_calloc((size_t)r->count + 1, sizeof(*is));
	bool *ranked = find_ranked(s);

	for (uint32_t i = 0; i < r->count; i++) {
		const struct cdp_rule *n = &r->v[i];
		const uint32_t *kids = cdp_rule_kids(r, n);

		if (n->kind == CDP_RULE_LEAF)
			is[i] = look_at_leaf(s, &r->leaves[kids[0]], ranked);
		for (uint32_t k = 0; n->kind > CDP_RULE_SET && k < n->count; k++)
			is[i] |= is[kids[k]];
	}
	free(ranked);
	return is;
}

struct search {
	const struct cdp_segments *s;
	bool fickle;
};

static void note_fickle(void *ctx, enum cdp_use what, int number)
{
	struct search *k = ctx;

	k->fickle |= what == CDP_USE_AGG &&
		     cdp_agg_fickle(cdp_aggs_at(k->s->asked->aggs, (unsigned)number));
}

/* What it is cut by. */
static bool by_fickle(const struct cdp_segments *s, const struct cdp_expr *by)
{
	struct search k = { .s = s };

	cdp_expr_uses(by, note_fickle, &k);
	return k.fickle;
}

/* By audience. */
static uint8_t *find_reasons(const struct cdp_segments *s, const uint8_t *is)
{
	uint8_t *why = cdp_calloc((size_t)s->count + 1, sizeof(*why));

	for (unsigned i = 0; i < s->count; i++) {
		unsigned at = s->order[i];
		const struct cdp_segment *g = &s->v[at];

		if (g->rule != CDP_RULE_GIVEN && is[g->rule] & FICKLE)
			why[at] = BY_AS_OF;
		else if (g->rule != CDP_RULE_GIVEN && is[g->rule] & RANKED)
			why[at] = BY_RANK;
		else if (g->cut > CDP_CUT_SAMPLE && by_fickle(s, s->by[g->by]))
			why[at] = BY_AS_OF;
		for (size_t k = 0; k < g->needs.n && !why[at]; k++)
			why[at] = why[g->needs.v[k]];
	}
	return why;
}

static bool asks_more(const struct cdp_segments *s, const uint64_t *wanted,
		      const uint8_t *is)
{
	uint64_t *needed = cdp_segments_needed(s, wanted);
	bool more = false;

	for (unsigned i = 0; i < s->count; i++)
		more |= cdp_bit(needed, i) && s->v[i].rule != CDP_RULE_GIVEN &&
			(is[s->v[i].rule] & ASKS || s->v[i].cut > CDP_CUT_SAMPLE);
	free(needed);
	return more;
}

int segment_followed(struct cdp_cli *cli, const struct cdp_segment_follow *f,
		     uint64_t *wanted, bool *more, struct cdp_err *err)
{
	enum { SHOWN = 10 };
	uint8_t *is = look_at_nodes(f->set), *why = find_reasons(f->set, is);
	unsigned n = 0;
	int rc = 0;

	for (unsigned i = 0; i < f->set->defined && rc == 0; i++) {
		const char *name = f->set->v[i].name;

		if (!cdp_bit(wanted, i) || !why[i])
			continue;
		if (f->chosen)
			rc = cdp_err_set(err, CDP_ERR_USAGE,
					 "--follow: audience '%s': %s", name,
					 reasons[why[i]]);
		wanted[i / 64] &= ~((uint64_t)1 << i % 64);
		if (rc == 0 && n++ < SHOWN)
			cdp_cli_note(cli, "audience '%s' is not followed: %s", name,
				     reasons[why[i]]);
	}
	if (n > SHOWN)
		cdp_cli_note(cli, "nor are %u other audiences", n - SHOWN);
	*more = asks_more(f->set, wanted, is);
	free(is);
	free(why);
	return rc;
}
