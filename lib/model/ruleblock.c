#include "model/ruleblock.h"

#include "base/mem.h"
#include "io/in.h"
#include "model/rulefields.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 64, TRANSIENT = 0x80000000u };
#define PLANES_MAX ((size_t)48 << 20) /* bytes, of a thread, while rows can be fewer */

struct cdp_rule_plan {
	struct cdp_rule_spec spec;
	struct cdp_rule_fields *fields;
	unsigned words;
	uint32_t slots; /* leaves, then shared nodes, then sets that rules refer to */
	uint32_t *node_slot; /* by node: its slot, or TRANSIENT */
	uint32_t *set_slot;  /* by set, likewise */
	uint32_t *slot_node; /* by slot of a shared node: it */
	uint32_t *kids;      /* as rules->kids: the kid's slot, or TRANSIENT | node */
	uint32_t *given;     /* sets that rules refer to and that are given */
	uint32_t given_count;
};

struct cdp_rule_block {
	const struct cdp_rule_plan *plan;
	struct cdp_rule_looks *looks;
	struct cdp_rule_planes planes;
	struct cdp_rowset *slot; /* what stands in the planes */
	uint32_t *stamp;         /* by slot: the block it was computed in, + 1 */
	uint32_t block;
	unsigned rows;
	struct cdp_eval *ev;
	uint64_t all[WORDS_MAX]; /* rows there are */
	uint64_t *scratch;       /* planes of nodes that nobody shares, a stack */
	unsigned top;
	/* for leaves over sets: the records as they came */
	struct cdp_buf lines;
	struct cdp_scan *scan;
	unsigned row; /* at hand */
};

/* ---- the plan ---- */

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
			p->node_slot[i] = n->uses > 1 ? p->slots++ : TRANSIENT;
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
	p->slots = spec->rules->leaf_count;
	place_sets(p);
	place_nodes(p);
	words = PLANES_MAX / (2 * sizeof(uint64_t)) / (p->slots + 1);
	if (words > WORDS_MAX)
		words = WORDS_MAX;
	if (spec->max_words && words > spec->max_words)
		words = spec->max_words;
	p->words = words ? (unsigned)words : 1;
	return p;
}

void cdp_rule_plan_free(struct cdp_rule_plan *p)
{
	if (!p)
		return;
	cdp_rule_fields_free(p->fields);
	free(p->node_slot);
	free(p->slot_node);
	free(p->given);
	free(p->set_slot);
	free(p->kids);
	free(p);
}

unsigned cdp_rule_plan_rows(const struct cdp_rule_plan *p)
{
	return p->words * 64;
}

/* ---- blocks ---- */

static int fetch_set(void *host, int ref, struct cdp_value *out, struct cdp_err *err);
static void start_again(struct cdp_rule_block *b);

struct cdp_rule_block *cdp_rule_block_new(const struct cdp_rule_plan *p,
					  const struct cdp_run *run,
					  const struct cdp_paths *paths)
{
	struct cdp_rule_block *b = cdp_calloc(1, sizeof(*b));
	size_t depth = p->spec.rules->depth + 1;

	b->plan = p;
	b->looks = cdp_rule_looks_new(p->spec.rules, p->fields, p->words);
	b->planes.words = p->words;
	b->planes.v = cdp_alloc(((size_t)p->slots + 1) * 2 * p->words * sizeof(uint64_t));
	b->slot = cdp_calloc(p->slots + 1, sizeof(*b->slot));
	b->stamp = cdp_calloc(p->slots + 1, sizeof(*b->stamp));
	/* A conditional holds three kids at once. */
	b->scratch = cdp_alloc((3 * depth + 1) * 2 * p->words * sizeof(uint64_t));
	b->ev = cdp_eval_new(run);
	cdp_buf_init(&b->lines, CDP_BUF_NOMAX);
	if (p->fields->mixed_count)
		b->scan = cdp_scan_new(paths);
	cdp_eval_set_host(b->ev, fetch_set, b);
	start_again(b);
	return b;
}

void cdp_rule_block_free(struct cdp_rule_block *b)
{
	if (!b)
		return;
	cdp_rule_looks_free(b->looks);
	cdp_scan_free(b->scan);
	cdp_eval_free(b->ev);
	cdp_buf_release(&b->lines);
	free(b->planes.v);
	free(b->slot);
	free(b->stamp);
	free(b->scratch);
	free(b);
}

unsigned cdp_rule_block_count(const struct cdp_rule_block *b)
{
	return b->rows;
}

unsigned cdp_rule_block_add(struct cdp_rule_block *b, struct cdp_rec *rec)
{
	unsigned row = b->rows++;

	cdp_rule_looks_add(b->looks, row, rec, b->ev, &b->planes);
	b->all[row / 64] |= (uint64_t)1 << row % 64;
	if (b->scan) {
		cdp_buf_add(&b->lines, rec->raw, rec->len);
		cdp_buf_addc(&b->lines, '\n');
	}
	return row;
}

void cdp_rule_block_give(struct cdp_rule_block *b, unsigned row, uint32_t set)
{
	uint32_t slot = b->plan->set_slot[set];

	if (slot != TRANSIENT)
		cdp_plane_true(&b->planes, slot)[row / 64] |= (uint64_t)1 << row % 64;
}

/* ---- the algebra ---- */

static uint64_t words_of(const uint64_t *v, unsigned words)
{
	uint64_t has = 0;

	for (unsigned w = 0; w < words; w++)
		has |= (uint64_t)(v[w] != 0) << w;
	return has;
}

static uint64_t word(const uint64_t *v, uint64_t has, unsigned w)
{
	return has >> w & 1 ? v[w] : 0;
}

/* Room for a result on the stack. */
static struct cdp_rowset push(struct cdp_rule_block *b, uint64_t **t, uint64_t **m)
{
	unsigned words = b->plan->words;

	*t = b->scratch + (size_t)b->top++ * 2 * words;
	*m = *t + words;
	return (struct cdp_rowset){ .t = *t, .m = *m };
}

static struct cdp_rowset decide(struct cdp_rule_block *b, uint32_t node);
static const struct cdp_rowset *in_slot(struct cdp_rule_block *b, uint32_t slot);

static struct cdp_rowset kid_of(struct cdp_rule_block *b, uint32_t kid)
{
	return kid & TRANSIENT ? decide(b, kid & ~TRANSIENT) : *in_slot(b, kid);
}

/* Words of `v` are ANDed with those of `with`; what is left. */
static uint64_t and_words(uint64_t *v, uint64_t has, const uint64_t *with)
{
	uint64_t left = has;

	for (uint64_t h = has; h; h &= h - 1) {
		unsigned w = (unsigned)__builtin_ctzll(h);

		v[w] &= with[w];
		if (!v[w])
			left &= ~((uint64_t)1 << w);
	}
	return left;
}

enum { AT_ONCE = 16 };

/* The words in which all of `n` sets may have rows, ANDed. */
static uint64_t and_all(uint64_t *out, uint64_t has, const uint64_t *const *v, unsigned n)
{
	uint64_t left = 0;

	for (uint64_t h = has; h; h &= h - 1) {
		unsigned w = (unsigned)__builtin_ctzll(h);
		uint64_t x = v[0][w];

		for (unsigned i = 1; i < n && x; i++)
			x &= v[i][w];
		out[w] = x;
		left |= (uint64_t)(x != 0) << w;
	}
	return left;
}

/* Up to AT_ONCE kids that stand in slots; the others one after the other. */
static struct cdp_rowset decide_and(struct cdp_rule_block *b, const struct cdp_rule *n)
{
	const uint32_t *kids = b->plan->kids + n->first;
	const uint64_t *t[AT_ONCE], *m[AT_ONCE];
	uint64_t *out_t, *out_m, has_t = ~(uint64_t)0, has_m = ~(uint64_t)0;
	struct cdp_rowset out = push(b, &out_t, &out_m);
	unsigned mark = b->top, taken = 0;
	bool same = true;

	for (uint32_t i = 0; i < n->count && taken < AT_ONCE; i++) {
		const struct cdp_rowset *k;

		if (kids[i] & TRANSIENT)
			continue;
		k = in_slot(b, kids[i]);
		has_t &= k->has_t;
		has_m &= k->has_m;
		same &= k->t == k->m;
		t[taken] = k->t;
		m[taken++] = k->m;
		if (!has_m)
			return out;
	}
	if (taken) {
		out.has_m = and_all(out_m, has_m, m, taken);
		if (same)
			memcpy(out_t, out_m, b->plan->words * sizeof(*out_t));
		out.has_t = same ? out.has_m : and_all(out_t, has_t, t, taken);
	} else {
		memcpy(out_t, b->all, b->plan->words * sizeof(*out_t));
		memcpy(out_m, b->all, b->plan->words * sizeof(*out_m));
		out.has_t = out.has_m = words_of(b->all, b->plan->words);
	}
	for (uint32_t i = 0, seen = 0; i < n->count && out.has_m; i++) {
		struct cdp_rowset k;

		if (!(kids[i] & TRANSIENT) && seen++ < taken)
			continue;
		k = kid_of(b, kids[i]);
		out.has_m = and_words(out_m, out.has_m & k.has_m, k.m);
		out.has_t = and_words(out_t, out.has_t & k.has_t & out.has_m, k.t);
		b->top = mark;
	}
	return out;
}

static uint64_t or_words(uint64_t *v, uint64_t has, const uint64_t *with, uint64_t other)
{
	for (uint64_t h = other; h; h &= h - 1) {
		unsigned w = (unsigned)__builtin_ctzll(h);

		v[w] = word(v, has, w) | with[w];
	}
	return has | other;
}

static struct cdp_rowset decide_or(struct cdp_rule_block *b, const struct cdp_rule *n)
{
	const uint32_t *kids = b->plan->kids + n->first;
	uint64_t *t, *m;
	struct cdp_rowset out = push(b, &t, &m);
	unsigned mark = b->top;

	for (uint32_t i = 0; i < n->count; i++) {
		struct cdp_rowset k = kid_of(b, kids[i]);

		out.has_t = or_words(t, out.has_t, k.t, k.has_t);
		out.has_m = or_words(m, out.has_m, k.m, k.has_m);
		b->top = mark;
	}
	return out;
}

static struct cdp_rowset decide_not(struct cdp_rule_block *b, const struct cdp_rule *n)
{
	unsigned words = b->plan->words, mark;
	uint64_t *t, *m;
	struct cdp_rowset out = push(b, &t, &m), k;

	mark = b->top;
	k = kid_of(b, b->plan->kids[n->first]);
	for (unsigned w = 0; w < words; w++) {
		t[w] = b->all[w] & ~word(k.m, k.has_m, w);
		m[w] = b->all[w] & ~word(k.t, k.has_t, w);
	}
	out.has_t = words_of(t, words);
	out.has_m = words_of(m, words);
	b->top = mark;
	return out;
}

/* An error of the condition is one of the whole; else the chosen side alone counts. */
static struct cdp_rowset decide_cond(struct cdp_rule_block *b, const struct cdp_rule *n)
{
	const uint32_t *kids = b->plan->kids + n->first;
	unsigned words = b->plan->words, mark;
	uint64_t *t, *m;
	struct cdp_rowset out = push(b, &t, &m), k[3];

	mark = b->top;
	for (unsigned i = 0; i < 3; i++)
		k[i] = kid_of(b, kids[i]);
	for (unsigned w = 0; w < words; w++) {
		uint64_t yes = word(k[0].t, k[0].has_t, w);
		uint64_t maybe = word(k[0].m, k[0].has_m, w);
		uint64_t no = b->all[w] & ~maybe;

		t[w] = (yes & word(k[1].t, k[1].has_t, w)) |
		       (no & word(k[2].t, k[2].has_t, w));
		m[w] = (maybe & ~yes) | (yes & word(k[1].m, k[1].has_m, w)) |
		       (no & word(k[2].m, k[2].has_m, w));
	}
	out.has_t = words_of(t, words);
	out.has_m = words_of(m, words);
	b->top = mark;
	return out;
}

/* ---- what stands in slots ---- */

static void sum_up(struct cdp_rule_block *b, uint32_t slot)
{
	struct cdp_rowset *s = &b->slot[slot];
	uint64_t *t = cdp_plane_true(&b->planes, slot);
	uint64_t *m = cdp_plane_maybe(&b->planes, slot);
	unsigned words = b->plan->words;
	bool same = memcmp(t, m, words * sizeof(*t)) == 0;

	s->t = t;
	s->m = same ? t : m;
	s->has_t = words_of(t, words);
	s->has_m = same ? s->has_t : words_of(m, words);
	b->stamp[slot] = b->block + 1;
}

/* The whole of what `from` means. */
static void store(struct cdp_rule_block *b, uint32_t slot, const struct cdp_rowset *from)
{
	uint64_t *t = cdp_plane_true(&b->planes, slot);
	uint64_t *m = cdp_plane_maybe(&b->planes, slot);

	for (unsigned w = 0; w < b->plan->words; w++) {
		t[w] = word(from->t, from->has_t, w);
		m[w] = word(from->m, from->has_m, w);
	}
	sum_up(b, slot);
}

static int fetch_set(void *host, int ref, struct cdp_value *out, struct cdp_err *err)
{
	const struct cdp_rule_block *b = host;
	uint32_t slot = b->plan->set_slot[ref];

	(void)err;
	*out = (struct cdp_value){ .type = CDP_V_BOOL };
	out->b = cdp_plane_true(&b->planes, slot)[b->row / 64] >> b->row % 64 & 1;
	return 0;
}

/* A leaf over the record and sets: the records are read again. */
static void evaluate_mixed(struct cdp_rule_block *b, uint32_t leaf)
{
	uint64_t *t = cdp_plane_true(&b->planes, leaf);
	uint64_t *m = cdp_plane_maybe(&b->planes, leaf);
	struct cdp_rec rec = { 0 };
	struct cdp_err err;

	memset(t, 0, b->plan->words * 2 * sizeof(*t));
	if (cdp_buf_reserve(&b->lines, CDP_IN_PAD) < 0)
		return;
	memset(b->lines.p + b->lines.n, 0, CDP_IN_PAD);
	cdp_scan_block(b->scan, b->lines.p, b->lines.n);
	for (b->row = 0; cdp_scan_next(b->scan, &rec, &err) > 0; b->row++) {
		int v = cdp_expr_match(b->plan->spec.rules->leaves[leaf].expr, b->ev,
				       &rec, &err);

		t[b->row / 64] |= (uint64_t)(v > 0) << b->row % 64;
		m[b->row / 64] |= (uint64_t)(v != 0) << b->row % 64;
		cdp_eval_reset(b->ev);
	}
	sum_up(b, leaf);
}

/* What several rules share is decided when the first of them asks. */
static const struct cdp_rowset *in_slot(struct cdp_rule_block *b, uint32_t slot)
{
	const struct cdp_rule_plan *p = b->plan;
	unsigned mark = b->top;
	struct cdp_rowset s;

	if (b->stamp[slot] == b->block + 1)
		return &b->slot[slot];
	if (slot < p->spec.rules->leaf_count) {
		evaluate_mixed(b, slot);
	} else {
		s = decide(b, p->slot_node[slot]);
		store(b, slot, &s);
		b->top = mark;
	}
	return &b->slot[slot];
}

static struct cdp_rowset decide(struct cdp_rule_block *b, uint32_t node)
{
	const struct cdp_rule *n = &b->plan->spec.rules->v[node];

	switch ((enum cdp_rule_kind)n->kind) {
	case CDP_RULE_AND:
		return decide_and(b, n);
	case CDP_RULE_OR:
		return decide_or(b, n);
	case CDP_RULE_NOT:
		return decide_not(b, n);
	case CDP_RULE_COND:
		return decide_cond(b, n);
	default:
		return *in_slot(b, b->plan->node_slot[node]);
	}
}

/* ---- a block ---- */

static void take_leaves(struct cdp_rule_block *b)
{
	const struct cdp_rules *r = b->plan->spec.rules;

	cdp_rule_looks_take(b->looks, b->rows, &b->planes);
	for (uint32_t i = 0; i < r->leaf_count; i++)
		if (r->leaves[i].form.kind != CDP_FORM_MIXED &&
		    r->leaves[i].form.kind != CDP_FORM_HOST)
			sum_up(b, i);
}

static void take_given(struct cdp_rule_block *b)
{
	const struct cdp_rule_plan *p = b->plan;

	for (uint32_t i = 0; i < p->given_count; i++) {
		uint32_t slot = p->set_slot[p->given[i]];

		memcpy(cdp_plane_maybe(&b->planes, slot),
		       cdp_plane_true(&b->planes, slot), p->words * sizeof(uint64_t));
		sum_up(b, slot);
	}
}

static void start_again(struct cdp_rule_block *b)
{
	const struct cdp_rule_plan *p = b->plan;

	b->rows = 0;
	b->block++;
	memset(b->all, 0, sizeof(b->all));
	cdp_buf_reset(&b->lines);
	cdp_rule_looks_clear(b->looks, &b->planes);
	for (uint32_t i = 0; i < p->given_count; i++)
		memset(cdp_plane_true(&b->planes, p->set_slot[p->given[i]]), 0,
		       p->words * sizeof(uint64_t));
}

void cdp_rule_block_decide(struct cdp_rule_block *b,
			   void (*each)(void *ctx, uint32_t set, struct cdp_rowset *rows),
			   void *ctx)
{
	const struct cdp_rule_plan *p = b->plan;

	if (b->rows == 0)
		return;
	take_leaves(b);
	take_given(b);
	for (uint32_t i = 0; i < p->spec.order_count; i++) {
		uint32_t set = p->spec.order[i], node = p->spec.nodes[set];
		uint32_t slot = p->node_slot[node];
		struct cdp_rowset rows;

		b->top = 0;
		rows = slot == TRANSIENT ? decide(b, node) : *in_slot(b, slot);
		each(ctx, set, &rows);
		if (p->set_slot[set] == TRANSIENT)
			continue;
		rows.m = rows.t; /* an error is no membership, nor one of who asks */
		rows.has_m = rows.has_t;
		store(b, p->set_slot[set], &rows);
	}
	start_again(b);
}
