#include "model/ruleblock.h"

#include "base/mem.h"
#include "io/in.h"
#include "model/ruleplan_priv.h"

#include <stdlib.h>
#include <string.h>

/* Of a node. */
struct partial {
	const uint64_t *t, *e;
	struct cdp_bits has;
};

struct cdp_rule_block {
	const struct cdp_rule_plan *plan;
	const struct cdp_bits_ops *ops;
	struct cdp_rule_looks *looks;
	struct cdp_known *known;        /* or NULL */
	struct cdp_rule_asking *asking; /* or NULL */
	uint32_t *customers;            /* by row */
	uint64_t *copies;               /* of planes, for flat rules */
	struct cdp_rule_planes planes;
	size_t plane_size;    /* bytes */
	struct partial *slot; /* what stands in the planes */
	uint32_t *stamp;      /* by slot: the block it was computed in, + 1 */
	uint32_t block;
	unsigned rows;
	struct cdp_eval *ev;
	uint64_t all[WORDS_MAX]; /* rows there are */
	uint64_t *scratch;       /* planes of nodes that nobody shares, a stack */
	unsigned top;
	/* for leaves over sets: the records as they came */
	struct cdp_buf lines;
	struct cdp_scan *scan;
	unsigned row;               /* at hand */
	struct cdp_rule_cost *cost; /* NULL: nobody asks */
	double group;               /* what the flat rules at hand took */
};

/* ---- blocks ---- */

static int fetch(void *host, int ref, struct cdp_value *out, struct cdp_err *err);
static void start_again(struct cdp_rule_block *b);

struct cdp_rule_block *cdp_rule_block_new(const struct cdp_rule_plan *p,
					  const struct cdp_run *run,
					  const struct cdp_paths *paths)
{
	struct cdp_rule_block *b = cdp_calloc(1, sizeof(*b));
	size_t depth = p->spec.rules->depth + 1, planes;

	b->plan = p;
	b->ops = cdp_bits_ops();
	b->planes.words = p->words;
	b->planes.count = p->slots;
	planes = 2 * (size_t)p->slots + (size_t)p->fields->count * CDP_RULE_SHARED;
	b->plane_size = (planes + 1) * p->words * sizeof(uint64_t);
	b->planes.v = cdp_resize_large(NULL, 0, b->plane_size);
	memset(b->planes.v, 0, b->plane_size);
	b->looks = cdp_rule_looks_new(p->spec.rules, p->fields, &b->planes);
	b->slot = cdp_calloc(p->slots + 1, sizeof(*b->slot));
	b->stamp = cdp_calloc(p->slots + 1, sizeof(*b->stamp));
	/* A conditional holds three kids at once. */
	b->scratch = cdp_alloc((3 * depth + 1) * 2 * p->words * sizeof(uint64_t));
	b->ev = cdp_eval_new(run);
	b->customers = cdp_alloc((size_t)p->words * 64 * sizeof(*b->customers));
	if (p->spec.asked)
		b->known = cdp_known_new(p->spec.asked, p->spec.customers, b->ev);
	cdp_buf_init(&b->lines, CDP_BUF_NOMAX);
	if (p->fields->mixed_count)
		b->scan = cdp_scan_new(paths);
	for (uint32_t i = 0; i < p->slots; i++) {
		uint32_t e = i < p->spec.rules->leaf_count ? p->errors[i] : p->slots + i;

		b->slot[i].t = cdp_plane_true(&b->planes, i);
		b->slot[i].e = cdp_plane_true(&b->planes, e);
	}
	b->copies = cdp_alloc_aligned(64, (size_t)p->flats.copy_count * p->words *
						  sizeof(*b->copies));
	cdp_eval_set_host(b->ev, fetch, b);
	if (p->asks)
		b->asking =
			cdp_rule_asking_new(p->asks, p->spec.customers, b->ev, b->known);
	start_again(b);
	return b;
}

void cdp_rule_block_free(struct cdp_rule_block *b)
{
	if (!b)
		return;
	cdp_rule_looks_free(b->looks);
	free(b->copies);
	cdp_rule_asking_free(b->asking);
	cdp_known_free(b->known);
	free(b->customers);
	cdp_scan_free(b->scan);
	cdp_eval_free(b->ev);
	cdp_buf_release(&b->lines);
	cdp_resize_large(b->planes.v, b->plane_size, 0);
	free(b->slot);
	free(b->stamp);
	free(b->scratch);
	free(b);
}

/* ---- what it costs ---- */

enum { GROUP = 64 }; /* flat rules that are timed together */

void cdp_rule_block_charge(struct cdp_rule_block *b, struct cdp_rule_cost *cost)
{
	b->cost = cost;
	cdp_rule_looks_charge(b->looks, cost);
	if (b->asking)
		cdp_rule_asking_charge(b->asking, cost);
}

static void charge(struct cdp_rule_block *b, double *to)
{
	cdp_rule_cost_turn(b->cost, to);
}

static void charge_slot(struct cdp_rule_block *b, uint32_t slot)
{
	const struct cdp_rule_plan *p = b->plan;
	bool leaf = slot < p->spec.rules->leaf_count;

	charge(b, leaf ? &b->cost->leaves[slot] : &b->cost->nodes[p->slot_node[slot]]);
}

/* Flat rules from number `first` on are decided. */
static void end_group(struct cdp_rule_block *b, uint32_t first, uint32_t last)
{
	const struct cdp_rule_flats *f = &b->plan->flats;
	uint64_t all = 0;

	charge(b, NULL);
	for (uint32_t i = first; i < last; i++)
		all += f->rules[i].count;
	for (uint32_t i = first; i < last; i++)
		b->cost->sets[f->v[i].set] += b->group * f->rules[i].count / (double)all;
	b->group = 0;
}

/* Number i is decided next, or none if all are. */
static void next_flat(struct cdp_rule_block *b, uint32_t i)
{
	uint32_t count = b->plan->flats.count;

	if (i > 0 && (i % GROUP == 0 || i == count))
		end_group(b, (i - 1) / GROUP * GROUP, i);
	if (i < count && i % GROUP == 0)
		charge(b, &b->group);
}

unsigned cdp_rule_block_count(const struct cdp_rule_block *b)
{
	return b->rows;
}

unsigned cdp_rule_block_add(struct cdp_rule_block *b, struct cdp_rec *rec)
{
	return cdp_rule_block_add_of(b, rec, CDP_NOBODY);
}

unsigned cdp_rule_block_add_of(struct cdp_rule_block *b, struct cdp_rec *rec,
			       uint32_t customer)
{
	unsigned row = b->rows++;

	b->customers[row] = customer;
	if (b->cost)
		cdp_rule_cost_row(b->cost);
	if (b->known)
		cdp_known_turn(b->known, customer);
	if (b->asking)
		cdp_rule_asking_add(b->asking, row, customer, &b->planes);
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

/* Room for a result on the stack. */
static struct partial push(struct cdp_rule_block *b, uint64_t **t, uint64_t **e)
{
	unsigned words = b->plan->words;

	*t = b->scratch + (size_t)b->top++ * 2 * words;
	*e = *t + words;
	return (struct partial){ .t = *t, .e = *e };
}

static struct partial decide(struct cdp_rule_block *b, uint32_t node);
static const struct partial *in_slot(struct cdp_rule_block *b, uint32_t slot);

static struct partial kid_of(struct cdp_rule_block *b, uint32_t kid)
{
	return kid & TRANSIENT ? decide(b, kid & ~TRANSIENT) : *in_slot(b, kid);
}

/* Sets that are combined at once. */
enum { AT_ONCE = 16 };

struct operands {
	const uint64_t *t[AT_ONCE], *e[AT_ONCE];
	unsigned n;
	uint64_t may; /* words in which all of them have something */
};

static void add_operand(struct operands *o, const struct partial *r)
{
	o->t[o->n] = r->t;
	o->e[o->n++] = r->e;
	o->may &= r->has.t | r->has.e;
}

/* Word by word where only few can have anything. */
static struct cdp_bits and_few(const struct operands *o, unsigned words, uint64_t *t,
			       uint64_t *e)
{
	struct cdp_bits has = { 0 };
	uint64_t few[2][WORDS_MAX];

	for (uint64_t may = o->may; may; may &= may - 1) {
		unsigned w = (unsigned)__builtin_ctzll(may);
		uint64_t x = o->t[0][w], y = x | o->e[0][w];

		for (unsigned i = 1; i < o->n && y; i++) {
			x &= o->t[i][w];
			y &= o->t[i][w] | o->e[i][w];
		}
		few[0][w] = x;
		few[1][w] = y & ~x;
		has.t |= (uint64_t)(x != 0) << w;
		has.e |= (uint64_t)(few[1][w] != 0) << w;
	}
	memset(t, 0, words * sizeof(*t));
	memset(e, 0, words * sizeof(*e));
	for (uint64_t may = has.t | has.e; may; may &= may - 1) {
		unsigned w = (unsigned)__builtin_ctzll(may);

		t[w] = few[0][w];
		e[w] = few[1][w];
	}
	return has;
}

static struct cdp_bits and_operands(struct cdp_rule_block *b, const struct operands *o,
				    uint64_t *t, uint64_t *e)
{
	enum { FEW = 12 };

	if (__builtin_popcountll(o->may) <= FEW)
		return and_few(o, b->plan->words, t, e);
	return b->ops->and (o->t, o->e, o->n, b->plan->words, t, e);
}

/* First those that stand in slots, as they cost least, then one after the other. */
static struct partial decide_and(struct cdp_rule_block *b, const struct cdp_rule *n)
{
	const uint32_t *kids = b->plan->kids + n->first;
	struct operands o = { .may = ~(uint64_t)0 };
	uint64_t *t, *e;
	struct partial out = push(b, &t, &e);
	unsigned mark = b->top, taken;

	for (uint32_t i = 0; i < n->count && o.n < AT_ONCE; i++)
		if (!(kids[i] & TRANSIENT))
			add_operand(&o, in_slot(b, kids[i]));
	taken = o.n;
	if (taken)
		out.has = and_operands(b, &o, t, e);
	for (uint32_t i = 0, seen = 0; i < n->count; i++) {
		struct partial k;

		if (!(kids[i] & TRANSIENT) && seen++ < taken)
			continue;
		if (o.n && !(out.has.t | out.has.e))
			break;
		k = kid_of(b, kids[i]);
		if (o.n) {
			o = (struct operands){ .may = ~(uint64_t)0 };
			add_operand(&o, &out);
		}
		add_operand(&o, &k);
		out.has = and_operands(b, &o, t, e);
		b->top = mark;
	}
	return out;
}

static struct partial decide_or(struct cdp_rule_block *b, const struct cdp_rule *n)
{
	const uint32_t *kids = b->plan->kids + n->first;
	struct operands o = { 0 };
	uint64_t *t, *e;
	struct partial out = push(b, &t, &e);
	unsigned mark = b->top;

	for (uint32_t i = 0; i < n->count; i++) {
		struct partial k = kid_of(b, kids[i]);

		add_operand(&o, &k);
		if (o.n < AT_ONCE && i + 1 < n->count && !(kids[i + 1] & TRANSIENT) &&
		    b->top == mark)
			continue; /* nothing of this one is on the stack */
		if (out.has.t | out.has.e)
			add_operand(&o, &out);
		out.has = b->ops->or (o.t, o.e, o.n, b->plan->words, t, e);
		o.n = 0;
		b->top = mark;
	}
	return out;
}

static struct partial decide_not(struct cdp_rule_block *b, const struct cdp_rule *n)
{
	unsigned words = b->plan->words, mark;
	uint64_t *t, *e;
	struct partial out = push(b, &t, &e), k;

	mark = b->top;
	k = kid_of(b, b->plan->kids[n->first]);
	for (unsigned w = 0; w < words; w++) {
		t[w] = b->all[w] & ~(k.t[w] | k.e[w]);
		e[w] = k.e[w];
	}
	out.has.t = b->ops->has(t, words);
	out.has.e = k.has.e;
	b->top = mark;
	return out;
}

/* An error of the condition is one of the whole; else the chosen side alone counts. */
static struct partial decide_cond(struct cdp_rule_block *b, const struct cdp_rule *n)
{
	const uint32_t *kids = b->plan->kids + n->first;
	unsigned words = b->plan->words, mark;
	uint64_t *t, *e;
	struct partial out = push(b, &t, &e), k[3];

	mark = b->top;
	for (unsigned i = 0; i < 3; i++)
		k[i] = kid_of(b, kids[i]);
	for (unsigned w = 0; w < words; w++) {
		uint64_t yes = k[0].t[w], no = b->all[w] & ~(yes | k[0].e[w]);

		t[w] = (yes & k[1].t[w]) | (no & k[2].t[w]);
		e[w] = k[0].e[w] | (yes & k[1].e[w]) | (no & k[2].e[w]);
	}
	out.has.t = b->ops->has(t, words);
	out.has.e = b->ops->has(e, words);
	b->top = mark;
	return out;
}

/* ---- what stands in slots ---- */

static void sum_up(struct cdp_rule_block *b, uint32_t slot)
{
	struct partial *s = &b->slot[slot];

	s->has.t = b->ops->has(s->t, b->plan->words);
	s->has.e = b->ops->has(s->e, b->plan->words);
	b->stamp[slot] = b->block + 1;
}

static void store(struct cdp_rule_block *b, uint32_t slot, const struct partial *from)
{
	size_t size = b->plan->words * sizeof(uint64_t);

	memcpy(cdp_plane_true(&b->planes, slot), from->t, size);
	memcpy(cdp_plane_errors(&b->planes, slot), from->e, size);
	b->slot[slot].has = from->has;
	b->stamp[slot] = b->block + 1;
}

static int fetch(void *host, int ref, struct cdp_value *out, struct cdp_err *err)
{
	const struct cdp_rule_block *b = host;
	uint32_t slot;

	if (cdp_rule_ask_kind((uint32_t)ref))
		return cdp_known_fetch(b->known, ref, out, err);
	slot = b->plan->set_slot[ref];
	*out = (struct cdp_value){ .type = CDP_V_BOOL };
	out->b = cdp_plane_true(&b->planes, slot)[b->row / 64] >> b->row % 64 & 1;
	return 0;
}

/* A leaf over the record and sets: the records are read again. */
static void evaluate_mixed(struct cdp_rule_block *b, uint32_t leaf)
{
	uint64_t *t = cdp_plane_true(&b->planes, leaf);
	uint64_t *e = cdp_plane_errors(&b->planes, leaf);
	struct cdp_rec rec = { 0 };
	struct cdp_err err;

	memset(t, 0, b->plan->words * sizeof(*t));
	memset(e, 0, b->plan->words * sizeof(*e));
	if (cdp_buf_reserve(&b->lines, CDP_IN_PAD) < 0)
		return;
	memset(b->lines.p + b->lines.n, 0, CDP_IN_PAD);
	cdp_scan_block(b->scan, b->lines.p, b->lines.n);
	for (b->row = 0; cdp_scan_next(b->scan, &rec, &err) > 0; b->row++) {
		int v;

		if (b->known)
			cdp_known_turn(b->known, b->customers[b->row]);
		v = cdp_expr_match(b->plan->spec.rules->leaves[leaf].expr, b->ev, &rec,
				   &err);
		t[b->row / 64] |= (uint64_t)(v > 0) << b->row % 64;
		e[b->row / 64] |= (uint64_t)(v < 0) << b->row % 64;
		cdp_eval_reset(b->ev);
	}
}

/* What rules share is decided when the first of them asks. */
static const struct partial *in_slot(struct cdp_rule_block *b, uint32_t slot)
{
	const struct cdp_rule_plan *p = b->plan;
	unsigned mark = b->top;
	double *charged = NULL;
	struct partial s;

	if (b->stamp[slot] == b->block + 1)
		return &b->slot[slot];
	if (b->cost) {
		charged = b->cost->at;
		charge_slot(b, slot);
	}
	if (slot < p->spec.rules->leaf_count) {
		if (p->spec.rules->leaves[slot].form.kind == CDP_FORM_MIXED)
			evaluate_mixed(b, slot);
		sum_up(b, slot);
	} else {
		s = decide(b, p->slot_node[slot]);
		store(b, slot, &s);
		b->top = mark;
	}
	if (b->cost)
		charge(b, charged);
	return &b->slot[slot];
}

static struct partial decide(struct cdp_rule_block *b, uint32_t node)
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

static void take_given(struct cdp_rule_block *b)
{
	const struct cdp_rule_plan *p = b->plan;

	for (uint32_t i = 0; i < p->given_count; i++)
		sum_up(b, p->set_slot[p->given[i]]);
}

static void start_again(struct cdp_rule_block *b)
{
	const struct cdp_rule_plan *p = b->plan;

	b->rows = 0;
	b->block++;
	memset(b->all, 0, sizeof(b->all));
	cdp_buf_reset(&b->lines);
	cdp_rule_looks_clear(b->looks, &b->planes);
	if (b->asking)
		cdp_rule_asking_clear(b->asking, &b->planes);
	for (uint32_t i = 0; i < p->given_count; i++)
		memset(cdp_plane_true(&b->planes, p->set_slot[p->given[i]]), 0,
		       p->words * sizeof(uint64_t));
}

static void decide_any(struct cdp_rule_block *b, uint32_t set, struct cdp_rowset *rows)
{
	uint32_t node = b->plan->spec.nodes[set], slot = b->plan->node_slot[node];
	struct partial x = slot == TRANSIENT ? decide(b, node) : *in_slot(b, slot);

	*rows = (struct cdp_rowset){ .t = x.t, .e = x.e, .has = x.has.t };
	if (x.has.e)
		rows->errors = b->ops->count(x.e, b->plan->words);
}

/* An error is no membership, nor one of who asks. */
static void keep(struct cdp_rule_block *b, uint32_t set, const struct cdp_rowset *rows)
{
	static const uint64_t none[WORDS_MAX];
	struct partial x = { .t = rows->t, .e = none, .has.t = rows->has };

	store(b, b->plan->set_slot[set], &x);
}

static void decide_flat(struct cdp_rule_block *b, uint32_t i, bool errors,
			struct cdp_rowset *rows)
{
	const struct cdp_rule_flats *f = &b->plan->flats;
	uint64_t *t, *e;

	push(b, &t, &e);
	rows->t = t;
	rows->e = errors ? e : NULL;
	rows->has = b->ops->conjunction(b->copies, &f->rules[i], f->terms + f->v[i].first,
					b->plan->words, b->all, t, errors ? e : NULL,
					&rows->errors);
}

static void tally_flat(struct cdp_rule_block *b, uint32_t i, struct cdp_rule_tally *tally)
{
	const struct cdp_rule_flats *f = &b->plan->flats;
	unsigned errors;

	tally->members[i] +=
		b->ops->tally(b->copies, &f->rules[i], f->terms + f->v[i].first,
			      b->plan->words, b->all, &errors);
	tally->errors[i] += errors;
	tally->all_errors += errors;
}

/* Whom a block's sets are told to. */
struct teller {
	bool errors;
	struct cdp_rule_tally *tally; /* or NULL */
	void (*each)(void *ctx, uint32_t set, struct cdp_rowset *rows);
	void *ctx;
};

static void decide_flats(struct cdp_rule_block *b, const struct teller *to)
{
	const struct cdp_rule_flats *f = &b->plan->flats;
	struct cdp_rowset rows;

	for (uint32_t i = 0; i < f->count; i++) {
		const struct cdp_rule_flat *v = &f->v[i];

		b->top = 0;
		if (b->cost)
			next_flat(b, i);
		if (to->tally && !v->asked && !(to->tally->told[i / 64] >> i % 64 & 1)) {
			tally_flat(b, i, to->tally);
			continue;
		}
		decide_flat(b, i, to->errors, &rows);
		rows.place = i;
		if (rows.has || rows.errors)
			to->each(to->ctx, v->set, &rows);
		if (v->asked)
			keep(b, v->set, &rows);
	}
	if (b->cost)
		next_flat(b, f->count);
}

static void decide_rest(struct cdp_rule_block *b, const struct teller *to)
{
	const struct cdp_rule_plan *p = b->plan;
	const struct cdp_rule_flats *f = &p->flats;
	struct cdp_rowset rows;

	for (uint32_t i = 0; i < f->rest_count; i++) {
		b->top = 0;
		if (b->cost)
			charge(b, &b->cost->sets[f->rest[i]]);
		decide_any(b, f->rest[i], &rows);
		rows.place = f->count + i;
		if (rows.has || rows.errors)
			to->each(to->ctx, f->rest[i], &rows);
		if (p->set_slot[f->rest[i]] != TRANSIENT)
			keep(b, f->rest[i], &rows);
	}
	if (b->cost)
		charge(b, NULL);
}

static void decide_all(struct cdp_rule_block *b, const struct teller *to)
{
	const struct cdp_rule_plan *p = b->plan;

	if (b->rows == 0)
		return;
	if (b->cost)
		cdp_rule_cost_block(b->cost);
	cdp_rule_looks_take(b->looks, b->rows, &b->planes);
	if (b->asking)
		cdp_rule_asking_take(b->asking, b->all, &b->planes);
	take_given(b);
	cdp_rule_flats_copy(p, b->copies, b->planes.v);
	decide_flats(b, to);
	decide_rest(b, to);
	start_again(b);
}

void cdp_rule_block_decide(struct cdp_rule_block *b, bool errors,
			   void (*each)(void *ctx, uint32_t set, struct cdp_rowset *rows),
			   void *ctx)
{
	decide_all(b, &(struct teller){ .errors = errors, .each = each, .ctx = ctx });
}

void cdp_rule_block_tally(struct cdp_rule_block *b, struct cdp_rule_tally *tally,
			  void (*each)(void *ctx, uint32_t set, struct cdp_rowset *rows),
			  void *ctx)
{
	decide_all(b, &(struct teller){ .tally = tally, .each = each, .ctx = ctx });
}
