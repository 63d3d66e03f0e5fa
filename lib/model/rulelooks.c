#include "base/mem.h"
#include "model/rulecache.h"
#include "model/rulefields_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where a remembered value has MEMO_FEW rows or less, they are told one by one. */
enum { NONE = 0, MEMO_VALUES = 4096, MEMO_FEW = 8 };

static double number_of(const struct cdp_value *v)
{
	return v->type == CDP_V_INT ? (double)v->i : v->d;
}

/* What the conditions on a field said of a value. */
struct outcome {
	uint32_t first, trues, errors; /* in looks.outcomes: trues, then errors */
};

struct memory {
	struct cdp_intern *values;
	struct outcome *v;
	uint32_t cap;
	uint32_t *said;
	uint32_t said_count, said_cap;
};

struct cdp_rule_looks {
	const struct cdp_rules *r;
	const struct cdp_rule_fields *f;
	unsigned words;
	struct cdp_rule_cell *cells; /* by field, then by row */
	size_t stride;               /* cells of a field */
	struct memory *memories;
	struct cdp_rule_cache *caches; /* by field */
	struct sought {
		uint64_t key[2];
		bool is;
	} * sought; /* of the record at hand, by field: what to look for in the cache */
	uint64_t *odd;    /* by field: the rows that are errors of a condition */
	uint64_t *places; /* scratch: a plane for each place or constant */
	size_t place_cap;
	uint32_t *value_rows; /* scratch, by remembered value + 1 */
	struct cdp_buf key;
	/* NULL: nobody asks.  What looks took, by field; what all of them took. */
	struct cdp_rule_cost *cost;
	double *spent, spent_all;
};

/* What makes a condition an error: no value, or one that is no number, text, truth value.
 */
enum { ODD_MISSING, ODD_NUMBER, ODD_TEXT, ODD_TRUTH };

static uint64_t *odd_plane(const struct cdp_rule_looks *k, uint32_t field, unsigned kind)
{
	return k->odd + ((size_t)field * CDP_RULE_SHARED + kind) * k->words;
}

uint32_t *cdp_rule_error_planes(const struct cdp_rules *r,
				const struct cdp_rule_fields *f, size_t count)
{
	uint32_t *v = cdp_alloc(r->leaf_count * sizeof(*v));

	for (uint32_t i = 0; i < r->leaf_count; i++)
		v[i] = (uint32_t)count + i;
	for (uint32_t k = 0; k < f->count; k++) {
		const struct cdp_rule_field *x = &f->v[k];
		uint32_t first = (uint32_t)(2 * count) + k * CDP_RULE_SHARED;

		for (uint32_t i = 0; i < x->equal_count; i++)
			v[x->equals[i].leaf] = first + ODD_MISSING;
		for (uint32_t i = 0; i < x->below_number.count; i++)
			v[x->below_number.v[i].leaf] = first + ODD_NUMBER;
		for (uint32_t i = 0; i < x->below_text.count; i++)
			v[x->below_text.v[i].leaf] = first + ODD_TEXT;
		for (uint32_t i = 0; i < x->truth_count; i++)
			v[x->truth[i]] = first + ODD_TRUTH;
	}
	return v;
}

struct cdp_rule_looks *cdp_rule_looks_new(const struct cdp_rules *r,
					  const struct cdp_rule_fields *f,
					  const struct cdp_rule_planes *planes)
{
	struct cdp_rule_looks *k = cdp_calloc(1, sizeof(*k));
	unsigned words = planes->words;

	k->r = r;
	k->f = f;
	k->words = words;
	k->odd = planes->v + 2 * planes->count * words;
	/* Not a power of two, lest the cells of a row share a set of the cache. */
	k->stride = (size_t)words * 64 + 4;
	k->cells = cdp_calloc(f->count * k->stride, sizeof(*k->cells));
	k->caches = cdp_calloc(f->count, sizeof(*k->caches));
	k->sought = cdp_alloc(f->count * sizeof(*k->sought));
	k->memories = cdp_calloc(f->count, sizeof(*k->memories));
	for (uint32_t i = 0; i < f->count; i++) {
		const struct cdp_rule_field *x = &f->v[i];
		size_t need = x->value_count + 1;

		if (need < 2 * (size_t)x->cut_count + 2)
			need = 2 * (size_t)x->cut_count + 2;
		if (need < 2 * (size_t)x->text_count + 2)
			need = 2 * (size_t)x->text_count + 2;
		if (need > k->place_cap)
			k->place_cap = need;
		if (x->memo_count)
			k->memories[i].values = cdp_intern_new(0);
	}
	/* Of values that have many rows there are no more. */
	if (k->place_cap < (size_t)words * 64 / MEMO_FEW)
		k->place_cap = (size_t)words * 64 / MEMO_FEW;
	k->value_rows = cdp_alloc((MEMO_VALUES + 1) * sizeof(*k->value_rows));
	k->places = cdp_alloc(k->place_cap * words * sizeof(*k->places));
	cdp_buf_init(&k->key, CDP_BUF_NOMAX);
	return k;
}

void cdp_rule_looks_free(struct cdp_rule_looks *k)
{
	if (!k)
		return;
	for (uint32_t i = 0; i < k->f->count; i++) {
		cdp_intern_free(k->memories[i].values);
		free(k->memories[i].v);
		free(k->memories[i].said);
		cdp_rule_cache_release(&k->caches[i]);
	}
	free(k->caches);
	free(k->sought);
	free(k->memories);
	free(k->cells);
	free(k->places);
	free(k->value_rows);
	free(k->spent);
	cdp_buf_release(&k->key);
	free(k);
}

size_t cdp_rule_looks_memory(const struct cdp_rule_looks *k)
{
	return k->f->count * k->stride * sizeof(*k->cells) +
	       k->place_cap * k->words * sizeof(*k->places);
}

/* ---- what it costs ---- */

void cdp_rule_looks_charge(struct cdp_rule_looks *k, struct cdp_rule_cost *cost)
{
	k->cost = cost;
	k->spent = cdp_calloc(k->f->count, sizeof(*k->spent));
}

static inline void charge(struct cdp_rule_looks *k, double *to)
{
	if (k->cost)
		cdp_rule_cost_turn(k->cost, to);
}

static inline void charge_leaf(struct cdp_rule_looks *k, uint32_t leaf)
{
	if (k->cost)
		cdp_rule_cost_turn(k->cost, &k->cost->leaves[leaf]);
}

static void share_among(double *to, const uint32_t *leaves, uint32_t n, double each)
{
	for (uint32_t i = 0; i < n; i++)
		to[leaves[i]] += each;
}

static void share_spans(double *to, const struct cdp_rule_spans *s, double each)
{
	for (uint32_t i = 0; i < s->count; i++)
		to[s->v[i].leaf] += each;
}

/* What looks took so far is that of the conditions. */
static void share_looks(struct cdp_rule_looks *k)
{
	double *to = k->cost->leaves;

	for (uint32_t i = 0; i < k->f->count; i++) {
		const struct cdp_rule_field *f = &k->f->v[i];
		uint32_t n = f->has_count + f->truth_count + f->memo_count +
			     f->equal_count + f->below_number.count + f->below_text.count;
		double each = (k->spent[i] + k->spent_all / k->f->count) / n;

		share_among(to, f->has, f->has_count, each);
		share_among(to, f->truth, f->truth_count, each);
		share_among(to, f->memo, f->memo_count, each);
		for (uint32_t e = 0; e < f->equal_count; e++)
			to[f->equals[e].leaf] += each;
		share_spans(to, &f->below_number, each);
		share_spans(to, &f->below_text, each);
		k->spent[i] = 0;
	}
	k->spent_all = 0;
}

/* ---- rows ---- */

static void set_row(const struct cdp_rule_planes *p, uint32_t leaf, unsigned row, int is)
{
	uint64_t bit = (uint64_t)1 << row % 64;

	if (is)
		(is > 0 ? cdp_plane_true : cdp_plane_errors)(p, leaf)[row / 64] |= bit;
}

static void evaluate(struct cdp_rule_looks *k, const uint32_t *leaves, uint32_t count,
		     unsigned row, struct cdp_rec *rec, struct cdp_eval *ev,
		     const struct cdp_rule_planes *planes)
{
	struct cdp_err err;

	for (uint32_t i = 0; i < count; i++) {
		charge_leaf(k, leaves[i]);
		set_row(planes, leaves[i], row,
			cdp_expr_match(k->r->leaves[leaves[i]].expr, ev, rec, &err));
	}
}

/* What the conditions say of a value that is seen first. */
static void learn(struct cdp_rule_looks *k, const struct cdp_rule_field *f,
		  struct memory *m, uint32_t value, struct cdp_rec *rec,
		  struct cdp_eval *ev)
{
	struct outcome o = { .first = m->said_count };
	struct cdp_err err;

	for (int want = 1; want >= -1; want -= 2)
		for (uint32_t i = 0; i < f->memo_count; i++) {
			const struct cdp_rule_leaf *l = &k->r->leaves[f->memo[i]];

			charge_leaf(k, f->memo[i]);
			if (cdp_expr_match(l->expr, ev, rec, &err) != want)
				continue;
			CDP_GROW(m->said, m->said_count, m->said_cap);
			m->said[m->said_count++] = f->memo[i];
			o.trues += want > 0;
			o.errors += want < 0;
		}
	CDP_GROW(m->v, value, m->cap);
	m->v[value] = o;
}

/* Rows of a value that is known stand for others; each is learnt once. */
static void learn_charged(struct cdp_rule_looks *k, const struct cdp_rule_field *f,
			  struct memory *m, uint32_t value, struct cdp_rec *rec,
			  struct cdp_eval *ev)
{
	struct cdp_rule_cost *c = k->cost;
	double *at = c->at, weight = c->weight;

	cdp_rule_cost_turn(c, NULL);
	c->weight = cdp_rule_cost_weight(value);
	learn(k, f, m, value, rec, ev);
	cdp_rule_cost_turn(c, NULL);
	c->weight = weight;
	cdp_rule_cost_turn(c, at);
}

/* The number of the value + 1, or NONE: its conditions were evaluated into the planes. */
static uint32_t remember(struct cdp_rule_looks *k, uint32_t field, unsigned row,
			 const struct cdp_val *v, struct cdp_rec *rec,
			 struct cdp_eval *ev, const struct cdp_rule_planes *planes)
{
	const struct cdp_rule_field *f = &k->f->v[field];
	struct memory *m = &k->memories[field];
	bool added = false;
	uint32_t id;

	cdp_buf_reset(&k->key);
	cdp_buf_addc(&k->key, (char)v->type);
	cdp_buf_add(&k->key, v->p, v->type == CDP_MISSING ? 0 : v->n);
	if (cdp_intern_count(m->values) < MEMO_VALUES)
		id = cdp_intern_put(m->values, k->key.p, k->key.n, &added);
	else
		id = cdp_intern_get(m->values, k->key.p, k->key.n);
	if (added)
		(k->cost ? learn_charged : learn)(k, f, m, id, rec, ev);
	if (id != CDP_INTERN_NONE)
		return id + 1;
	evaluate(k, f->memo, f->memo_count, row, rec, ev, planes);
	return NONE;
}

static uint32_t find_value(const struct cdp_rule_field *f, const struct cdp_value *v)
{
	uint32_t at;

	if (!f->value_count || v->type == CDP_V_LIST || v->type == CDP_V_MAP)
		return NONE;
	at = (uint32_t)cdp_value_hash(v) & f->mask;
	for (; f->table[at]; at = (at + 1) & f->mask)
		if (cdp_value_equal(&f->values[f->table[at] - 1], v))
			return f->table[at];
	return NONE;
}

void cdp_rule_look(const struct cdp_rule_field *f, const struct cdp_val *v,
		   struct cdp_arena *arena, struct cdp_rule_cell *c)
{
	struct cdp_value x;

	*c = (struct cdp_rule_cell){ 0 };
	if (v->type == CDP_MISSING)
		return;
	c->is = CDP_CELL_PRESENT;
	cdp_value_from_json(&x, v, arena);
	switch (x.type) {
	case CDP_V_BOOL:
		c->is |= x.b ? CDP_CELL_TRUE : CDP_CELL_FALSE;
		break;
	case CDP_V_INT:
	case CDP_V_DOUBLE:
		c->is |= isnan(number_of(&x)) ? CDP_CELL_NAN : CDP_CELL_NUMBER;
		c->place = cdp_rule_place_number(f, number_of(&x));
		break;
	case CDP_V_STRING:
		c->is |= CDP_CELL_TEXT;
		c->place = f->text_count ? cdp_rule_place_text(f, &x) : 0;
		break;
	default:
		break;
	}
	c->equal = find_value(f, &x);
}

static void look_at(struct cdp_rule_looks *k, uint32_t field, unsigned row,
		    struct cdp_rec *rec, struct cdp_eval *ev,
		    const struct cdp_rule_planes *planes)
{
	const struct cdp_rule_field *f = &k->f->v[field];
	const struct cdp_val *v = cdp_rec_get(rec, f->slot);
	struct cdp_rule_cell *c = &k->cells[field * k->stride + row];
	struct cdp_rule_cache *cache = &k->caches[field];
	const struct sought *s = &k->sought[field];
	bool keep = s->is;

	if (keep && cdp_rule_cache_get(cache, s->key, c))
		return;
	cdp_rule_look(f, v, cdp_eval_arena(ev), c);
	if (f->memo_count) {
		c->memo = remember(k, field, row, v, rec, ev, planes);
		keep &= c->memo != NONE; /* else it was evaluated for this row alone */
	}
	if (keep)
		cdp_rule_cache_put(cache, s->key, c);
}

void cdp_rule_looks_add(struct cdp_rule_looks *k, unsigned row, struct cdp_rec *rec,
			struct cdp_eval *ev, const struct cdp_rule_planes *planes)
{
	charge(k, &k->spent_all);
	for (uint32_t i = 0; i < k->f->count; i++) {
		struct sought *s = &k->sought[i];

		s->is = cdp_rule_cache_key(&k->caches[i], s->key,
					   cdp_rec_get(rec, k->f->v[i].slot));
	}
	for (uint32_t i = 0; i < k->f->count; i++) {
		charge(k, k->spent ? &k->spent[i] : NULL);
		look_at(k, i, row, rec, ev, planes);
	}
	evaluate(k, k->f->rows, k->f->row_count, row, rec, ev, planes);
	charge(k, NULL);
	cdp_eval_reset(ev);
}

static void clear(const struct cdp_rule_planes *p, const uint32_t *leaves, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		memset(cdp_plane_true(p, leaves[i]), 0, (size_t)p->words * 8);
		memset(cdp_plane_errors(p, leaves[i]), 0, (size_t)p->words * 8);
	}
}

void cdp_rule_looks_clear(const struct cdp_rule_looks *k,
			  const struct cdp_rule_planes *planes)
{
	for (uint32_t i = 0; i < k->f->count; i++)
		clear(planes, k->f->v[i].memo, k->f->v[i].memo_count);
	clear(planes, k->f->rows, k->f->row_count);
}

/* ---- taking the rows ---- */

/* The rows whose values are something. */
struct kinds {
	const uint64_t *all, *present, *number, *nan, *text, *yes, *no;
};

static void take_kinds(const struct cdp_rule_cell *c, unsigned rows,
		       uint64_t planes[7][64], struct kinds *s)
{
	memset(planes, 0, 7 * sizeof(*planes));
	for (unsigned w = 0; w * 64 < rows; w++) {
		unsigned n = rows - w * 64 < 64 ? rows - w * 64 : 64;
		uint64_t bits[6] = { 0 };

		for (unsigned i = n; i-- > 0;)
			for (unsigned b = 0; b < 6; b++)
				bits[b] = bits[b] << 1 | (c[w * 64 + i].is >> b & 1);
		planes[0][w] = ~(uint64_t)0 >> (64 - n);
		for (unsigned b = 0; b < 6; b++)
			planes[b + 1][w] = bits[b];
	}
	*s = (struct kinds){ planes[0], planes[1], planes[2], planes[3],
			     planes[4], planes[5], planes[6] };
}

static void take_odd(const struct cdp_rule_looks *k, uint32_t field,
		     const struct kinds *s)
{
	uint64_t *missing = odd_plane(k, field, ODD_MISSING);
	uint64_t *number = odd_plane(k, field, ODD_NUMBER);
	uint64_t *text = odd_plane(k, field, ODD_TEXT);
	uint64_t *truth = odd_plane(k, field, ODD_TRUTH);

	for (unsigned w = 0; w < k->words; w++) {
		missing[w] = s->all[w] & ~s->present[w];
		number[w] = s->all[w] & ~(s->number[w] | s->nan[w]);
		text[w] = s->all[w] & ~s->text[w];
		truth[w] = s->all[w] & ~(s->yes[w] | s->no[w]);
	}
}

static void take_simple(const struct cdp_rule_looks *k, const struct cdp_rule_field *f,
			const struct kinds *s, const struct cdp_rule_planes *planes)
{
	for (uint32_t i = 0; i < f->has_count; i++) {
		memcpy(cdp_plane_true(planes, f->has[i]), s->present, k->words * 8);
		memset(cdp_plane_errors(planes, f->has[i]), 0, k->words * 8);
	}
	for (uint32_t i = 0; i < f->truth_count; i++)
		memcpy(cdp_plane_true(planes, f->truth[i]), s->yes, k->words * 8);
}

static void take_equal(struct cdp_rule_looks *k, const struct cdp_rule_field *f,
		       const struct cdp_rule_cell *c, unsigned rows,
		       const struct kinds *s, const struct cdp_rule_planes *planes)
{
	unsigned words = k->words;

	if (!f->equal_count)
		return;
	memset(k->places, 0, ((size_t)f->value_count + 1) * words * 8);
	for (unsigned i = 0; i < rows; i++)
		k->places[c[i].equal * words + i / 64] |= (uint64_t)1 << i % 64;
	for (uint32_t i = 0; i < f->equal_count; i++) {
		const struct cdp_rule_equal *e = &f->equals[i];
		uint64_t *t = cdp_plane_true(planes, e->leaf);

		memset(t, 0, words * 8);
		for (uint32_t j = 0; j < e->count; j++) {
			const uint64_t *one =
				k->places + (f->picks[e->first + j] + 1) * words;

			for (unsigned w = 0; w < words; w++)
				t[w] |= one[w];
		}
		for (unsigned w = 0; e->negated && w < words; w++)
			t[w] = s->present[w] & ~t[w];
	}
}

/* `fit` has the rows whose values have a place. */
static void take_spans(struct cdp_rule_looks *k, const struct cdp_rule_spans *s,
		       uint32_t cuts, const struct cdp_rule_cell *c, unsigned rows,
		       const uint64_t *fit, const struct cdp_rule_planes *planes)
{
	unsigned words = k->words;
	uint64_t *below = k->places;

	if (!s->count)
		return;
	/* First who is at each place, then who is below it. */
	memset(below, 0, (2 * (size_t)cuts + 2) * words * 8);
	for (unsigned i = 0; i < rows; i++)
		if (fit[i / 64] >> i % 64 & 1)
			below[(c[i].place + 1) * words + i / 64] |= (uint64_t)1 << i % 64;
	for (size_t i = words; i < (2 * (size_t)cuts + 2) * words; i++)
		below[i] |= below[i - words];
	for (uint32_t i = 0; i < s->count; i++) {
		const struct cdp_rule_span *x = &s->v[i];
		uint64_t *t = cdp_plane_true(planes, x->leaf);
		const uint64_t *to = below + (size_t)x->to * words;
		const uint64_t *from = below + (size_t)x->from * words;

		for (unsigned w = 0; w < words; w++)
			t[w] = to[w] & ~from[w];
	}
}

static void tell_row(const struct memory *m, uint32_t value, unsigned row,
		     const struct cdp_rule_planes *planes)
{
	const struct outcome *o = &m->v[value - 1];
	const uint32_t *said = m->said + o->first;
	uint64_t bit = (uint64_t)1 << row % 64;

	for (uint32_t i = 0; i < o->trues; i++)
		cdp_plane_true(planes, said[i])[row / 64] |= bit;
	for (uint32_t i = o->trues; i < o->trues + o->errors; i++)
		cdp_plane_errors(planes, said[i])[row / 64] |= bit;
}

static void tell_rows(const struct memory *m, uint32_t value, const uint64_t *rows,
		      const struct cdp_rule_planes *planes)
{
	const struct outcome *o = &m->v[value - 1];
	const uint32_t *said = m->said + o->first;

	for (uint32_t i = 0; i < o->trues + o->errors; i++) {
		uint64_t *plane = i < o->trues ? cdp_plane_true(planes, said[i])
					       : cdp_plane_errors(planes, said[i]);

		for (unsigned w = 0; w < planes->words; w++)
			plane[w] |= rows[w];
	}
}

/* What is told of rows with a remembered value: those of a value that has many are told
 * of together. */
static void take_memo(struct cdp_rule_looks *k, uint32_t field,
		      const struct cdp_rule_cell *c, unsigned rows,
		      const struct cdp_rule_planes *planes)
{
	const struct memory *m = &k->memories[field];
	uint32_t count = 0;

	if (!m->values)
		return;
	memset(k->value_rows, 0, (MEMO_VALUES + 1) * sizeof(*k->value_rows));
	for (unsigned i = 0; i < rows; i++)
		k->value_rows[c[i].memo]++;
	k->value_rows[NONE] = 0;
	/* From here on: the number of the value's plane + 1. */
	for (uint32_t v = 1; v <= cdp_intern_count(m->values); v++)
		k->value_rows[v] = k->value_rows[v] > MEMO_FEW ? ++count : 0;
	memset(k->places, 0, (size_t)count * k->words * 8);
	for (unsigned i = 0; i < rows; i++) {
		uint32_t plane = k->value_rows[c[i].memo];

		if (plane)
			k->places[(plane - 1) * k->words + i / 64] |= (uint64_t)1
								      << i % 64;
		else if (c[i].memo != NONE)
			tell_row(m, c[i].memo, i, planes);
	}
	for (uint32_t v = 1; v <= cdp_intern_count(m->values); v++)
		if (k->value_rows[v])
			tell_rows(m, v, k->places + (k->value_rows[v] - 1) * k->words,
				  planes);
}

void cdp_rule_looks_take(struct cdp_rule_looks *k, unsigned rows,
			 const struct cdp_rule_planes *planes)
{
	uint64_t kinds[7][64];

	for (uint32_t i = 0; i < k->f->count; i++) {
		const struct cdp_rule_field *f = &k->f->v[i];
		const struct cdp_rule_cell *c = &k->cells[i * k->stride];
		struct kinds s;

		charge(k, k->spent ? &k->spent[i] : NULL);
		take_kinds(c, rows, kinds, &s);
		take_odd(k, i, &s);
		take_simple(k, f, &s, planes);
		take_equal(k, f, c, rows, &s, planes);
		take_spans(k, &f->below_number, f->cut_count, c, rows, s.number, planes);
		take_spans(k, &f->below_text, f->text_count, c, rows, s.text, planes);
		take_memo(k, i, c, rows, planes);
	}
	charge(k, NULL);
	if (k->cost)
		share_looks(k);
}
