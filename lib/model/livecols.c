#include "model/livecols.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
	GROUP = 5,         /* evaluated conditions of a column: 3^5 classes are a byte */
	MEMO_CELLS = 4096, /* values that are remembered where conditions are evaluated */
	FEW_WORDS = 4,     /* rows of a column that are always written in full */
};
#define IN_FULL UINT32_MAX

/* ---- columns ---- */

static struct cdp_livecol *add_column(struct cdp_livecols *c, uint32_t leaves)
{
	struct cdp_livecol *x;

	CDP_GROW(c->v, c->count, c->cap);
	x = &c->v[c->count++];
	*x = (struct cdp_livecol){ .first = c->words, .words = (leaves + 63) / 64 };
	x->rows = cdp_intern_new(0);
	c->words += x->words;
	return x;
}

static uint32_t place_leaves(struct cdp_livecols *c, const uint32_t *leaves, uint32_t n,
			     uint32_t at)
{
	for (uint32_t i = 0; i < n; i++)
		c->bit[leaves[i]] = at++;
	return at;
}

static void place_field(struct cdp_livecols *c, const struct cdp_rule_field *f)
{
	uint32_t n = f->has_count + f->truth_count + f->memo_count + f->equal_count +
		     f->below_number.count + f->below_text.count;
	struct cdp_livecol *x = add_column(c, n);
	uint32_t at = x->first * 64;

	x->field = f;
	x->cells = cdp_intern_new(0);
	at = place_leaves(c, f->has, f->has_count, at);
	at = place_leaves(c, f->truth, f->truth_count, at);
	at = place_leaves(c, f->memo, f->memo_count, at);
	for (uint32_t i = 0; i < f->equal_count; i++)
		c->bit[f->equals[i].leaf] = at++;
	for (uint32_t i = 0; i < f->below_number.count; i++)
		c->bit[f->below_number.v[i].leaf] = at++;
	for (uint32_t i = 0; i < f->below_text.count; i++)
		c->bit[f->below_text.v[i].leaf] = at++;
}

/* By constant: which equalities turn over where a value is it; `next` begins as how many
 * there are, or where they stand.  A list may name a constant twice. */
static void walk_equals(const struct cdp_livecols *c, struct cdp_livecol *x,
			uint32_t *next, uint32_t *last, bool put)
{
	const struct cdp_rule_field *f = x->field;

	memset(last, 0, (f->value_count + 1) * sizeof(*last));
	for (uint32_t i = 0; i < f->equal_count; i++) {
		const struct cdp_rule_equal *e = &f->equals[i];

		for (uint32_t k = 0; k < e->count; k++) {
			uint32_t v = f->picks[e->first + k];

			if (last[v] == i + 1)
				continue;
			last[v] = i + 1;
			if (put)
				x->equal_bits[next[v]] = c->bit[e->leaf];
			next[v]++;
		}
	}
}

static void invert_equals(const struct cdp_livecols *c, struct cdp_livecol *x)
{
	uint32_t values = x->field->value_count;
	uint32_t *first = cdp_calloc((size_t)values + 2, sizeof(*first));
	uint32_t *last = cdp_calloc((size_t)values + 1, sizeof(*last));

	walk_equals(c, x, first + 2, last, false);
	for (uint32_t i = 0; i < values; i++)
		first[i + 2] += first[i + 1];
	x->equal_bits = cdp_alloc(first[values + 1] * sizeof(*x->equal_bits));
	walk_equals(c, x, first + 1, last, true);
	x->equal_first = first;
	free(last);
}

/* A group's leaves are evaluated in this order. */
static void place_groups(struct cdp_livecols *c, const uint32_t *leaves, uint32_t count)
{
	for (uint32_t i = 0; i < count; i += GROUP) {
		uint32_t n = count - i < GROUP ? count - i : GROUP;
		struct cdp_livecol *x = add_column(c, n);

		x->leaves = leaves + i;
		x->leaf_count = n;
		place_leaves(c, x->leaves, n, x->first * 64);
	}
}

struct late {
	uint32_t leaf, place;
};

static int by_place(const void *a, const void *b)
{
	const struct late *x = a, *y = b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	return x->leaf < y->leaf ? -1 : x->leaf > y->leaf;
}

/* So that what a condition asks of an audience is known by then. */
static void sort_mixed(struct cdp_livecols *c, const uint32_t *place)
{
	struct cdp_rule_fields *f = c->fields;
	struct late *v = cdp_calloc((size_t)f->mixed_count + 1, sizeof(*v));

	for (uint32_t i = 0; i < f->mixed_count; i++) {
		const struct cdp_needs *sets = &c->rules->leaves[f->mixed[i]].sets;

		v[i].leaf = f->mixed[i];
		for (size_t k = 0; k < sets->n; k++)
			if (place[sets->v[k]] > v[i].place)
				v[i].place = place[sets->v[k]];
	}
	qsort(v, f->mixed_count, sizeof(*v), by_place);
	for (uint32_t i = 0; i < f->mixed_count; i++)
		f->mixed[i] = v[i].leaf;
	free(v);
}

static uint32_t leave(uint32_t *leaves, uint32_t count, const bool *wanted)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		if (wanted[leaves[i]])
			leaves[n++] = leaves[i];
	return n;
}

/* Of those that would be evaluated. */
static void leave_wanted(struct cdp_rule_fields *f, const bool *wanted)
{
	for (uint32_t i = 0; i < f->count; i++)
		f->v[i].memo_count = leave(f->v[i].memo, f->v[i].memo_count, wanted);
	f->row_count = leave(f->rows, f->row_count, wanted);
	f->mixed_count = leave(f->mixed, f->mixed_count, wanted);
}

static void place_asked(struct cdp_livecols *c, const bool *wanted)
{
	const struct cdp_rules *r = c->rules;

	c->asked_first = c->words;
	c->asked = cdp_alloc(((size_t)r->leaf_count + 1) * sizeof(*c->asked));
	for (uint32_t i = 0; i < r->leaf_count; i++)
		if (wanted[i] && r->leaves[i].form.kind == CDP_FORM_ASKED)
			c->asked[c->asked_count++] = i;
	place_leaves(c, c->asked, c->asked_count, c->words * 64);
	c->words += (c->asked_count + 63) / 64;
}

struct cdp_livecols *cdp_livecols_new(const struct cdp_rules *r, const bool *wanted,
				      const uint32_t *place)
{
	struct cdp_livecols *c = cdp_calloc(1, sizeof(*c));
	uint32_t most = 1;

	c->rules = r;
	c->fields = cdp_rule_fields_new(r);
	leave_wanted(c->fields, wanted);
	c->bit = cdp_calloc((size_t)r->leaf_count + 1, sizeof(*c->bit));
	for (uint32_t i = 0; i < c->fields->count; i++)
		place_field(c, &c->fields->v[i]);
	for (uint32_t i = 0; i < c->count; i++)
		invert_equals(c, &c->v[i]);
	c->rows = c->count;
	place_groups(c, c->fields->rows, c->fields->row_count);
	c->mixed = c->count;
	sort_mixed(c, place);
	place_groups(c, c->fields->mixed, c->fields->mixed_count);
	place_asked(c, wanted);
	for (uint32_t i = 0; i < c->count; i++)
		if (c->v[i].words > most)
			most = c->v[i].words;
	c->row = cdp_alloc(2 * (size_t)most * sizeof(*c->row));
	cdp_buf_init(&c->key, CDP_BUF_NOMAX);
	return c;
}

void cdp_livecols_free(struct cdp_livecols *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; i < c->count; i++) {
		cdp_intern_free(c->v[i].cells);
		cdp_intern_free(c->v[i].rows);
		free(c->v[i].class_of);
		free(c->v[i].equal_first);
		free(c->v[i].equal_bits);
	}
	cdp_rule_fields_free(c->fields);
	free(c->v);
	free(c->bit);
	free(c->asked);
	free(c->row);
	cdp_buf_release(&c->key);
	free(c);
}

/* ---- rows ---- */

/* Into the scratch row of a column: true, false, or neither (an error). */
static void set_row(struct cdp_livecols *c, const struct cdp_livecol *x, uint32_t leaf,
		    int is)
{
	uint32_t at = c->bit[leaf] - x->first * 64;

	if (is >= 0)
		c->row[(is ? 0 : x->words) + at / 64] |= (uint64_t)1 << at % 64;
}

static void fill_spans(struct cdp_livecols *c, const struct cdp_livecol *x,
		       const struct cdp_rule_spans *s, const struct cdp_rule_cell *cell,
		       bool fits)
{
	for (uint32_t i = 0; i < s->count; i++)
		set_row(c, x, s->v[i].leaf,
			fits && cell->place >= s->v[i].from && cell->place < s->v[i].to);
}

static bool picks_it(const struct cdp_rule_field *f, const struct cdp_rule_equal *e,
		     uint32_t equal)
{
	for (uint32_t i = 0; equal && i < e->count; i++)
		if (f->picks[e->first + i] + 1 == equal)
			return true;
	return false;
}

static void fill_row(struct cdp_livecols *c, const struct cdp_livecol *x,
		     const struct cdp_rule_cell *cell, struct cdp_rec *rec,
		     struct cdp_eval *ev)
{
	const struct cdp_rule_field *f = x->field;
	bool there = cell->is & CDP_CELL_PRESENT;
	struct cdp_err err;

	memset(c->row, 0, 2 * (size_t)x->words * sizeof(*c->row));
	for (uint32_t i = 0; i < f->has_count; i++)
		set_row(c, x, f->has[i], there);
	for (uint32_t i = 0; i < f->truth_count; i++)
		if (cell->is & (CDP_CELL_TRUE | CDP_CELL_FALSE))
			set_row(c, x, f->truth[i], (cell->is & CDP_CELL_TRUE) != 0);
	for (uint32_t i = 0; there && i < f->equal_count; i++)
		set_row(c, x, f->equals[i].leaf,
			picks_it(f, &f->equals[i], cell->equal) != f->equals[i].negated);
	if (cell->is & (CDP_CELL_NUMBER | CDP_CELL_NAN))
		fill_spans(c, x, &f->below_number, cell, cell->is & CDP_CELL_NUMBER);
	if (cell->is & CDP_CELL_TEXT)
		fill_spans(c, x, &f->below_text, cell, true);
	for (uint32_t i = 0; i < f->memo_count; i++)
		set_row(c, x, f->memo[i],
			cdp_expr_match(c->rules->leaves[f->memo[i]].expr, ev, rec, &err));
}

static uint32_t put_row(struct cdp_livecols *c, const struct cdp_livecol *x,
			const uint64_t *row)
{
	uint32_t how = IN_FULL;

	cdp_buf_reset(&c->key);
	cdp_buf_add(&c->key, &how, sizeof(how));
	cdp_buf_add(&c->key, row, 2 * (size_t)x->words * sizeof(*row));
	return cdp_intern_put(x->rows, c->key.p, c->key.n, NULL);
}

/* ---- classes ---- */

static uint32_t class_of(struct cdp_livecols *c, struct cdp_livecol *x,
			 const struct cdp_rule_cell *cell, const struct cdp_val *v,
			 struct cdp_rec *rec, struct cdp_eval *ev);

/* Of a value that is a constant of some: the row of one that is none, and what turns
 * over.
 */
static uint32_t put_equal(struct cdp_livecols *c, struct cdp_livecol *x,
			  const struct cdp_rule_cell *cell, const struct cdp_val *v,
			  struct cdp_rec *rec, struct cdp_eval *ev)
{
	struct cdp_rule_cell other = *cell;
	uint32_t base, from = x->equal_first[cell->equal - 1];

	other.equal = 0;
	base = class_of(c, x, &other, v, rec, ev);
	cdp_buf_reset(&c->key);
	cdp_buf_add(&c->key, &base, sizeof(base));
	cdp_buf_add(&c->key, x->equal_bits + from,
		    (x->equal_first[cell->equal] - from) * sizeof(*x->equal_bits));
	return cdp_intern_put(x->rows, c->key.p, c->key.n, NULL);
}

/* What is told of the value, and itself where conditions are evaluated. */
static void make_key(struct cdp_buf *b, const struct cdp_livecol *x,
		     const struct cdp_rule_cell *cell, const struct cdp_val *v)
{
	const uint32_t told[] = { cell->equal, cell->place, cell->is };

	cdp_buf_reset(b);
	cdp_buf_add(b, told, sizeof(told));
	if (x->field->memo_count == 0 || v->type == CDP_MISSING)
		return;
	cdp_buf_addc(b, (char)v->type);
	cdp_buf_add(b, v->p, v->n);
}

static uint32_t class_of(struct cdp_livecols *c, struct cdp_livecol *x,
			 const struct cdp_rule_cell *cell, const struct cdp_val *v,
			 struct cdp_rec *rec, struct cdp_eval *ev)
{
	uint32_t id, class;

	make_key(&c->key, x, cell, v);
	id = cdp_intern_get(x->cells, c->key.p, c->key.n);
	if (id != CDP_INTERN_NONE)
		return x->class_of[id];
	if (x->field->memo_count == 0 || cdp_intern_count(x->cells) < MEMO_CELLS)
		id = cdp_intern_put(x->cells, c->key.p, c->key.n, NULL);
	if (cell->equal && x->words > FEW_WORDS && x->field->memo_count == 0) {
		class = put_equal(c, x, cell, v, rec, ev);
	} else {
		fill_row(c, x, cell, rec, ev);
		class = put_row(c, x, c->row);
	}
	if (id != CDP_INTERN_NONE) {
		CDP_GROW(x->class_of, id, x->class_cap);
		x->class_of[id] = class;
	}
	return class;
}

void cdp_livecols_look(struct cdp_livecols *c, struct cdp_rec *rec, struct cdp_eval *ev,
		       uint32_t *classes)
{
	struct cdp_rule_cell cell;
	struct cdp_err err;

	for (uint32_t i = 0; i < c->rows; i++) {
		struct cdp_livecol *x = &c->v[i];
		const struct cdp_val *v = cdp_rec_get(rec, x->field->slot);

		cdp_rule_look(x->field, v, cdp_eval_arena(ev), &cell);
		classes[i] = class_of(c, x, &cell, v, rec, ev);
	}
	for (uint32_t i = c->rows; i < c->mixed; i++) {
		const struct cdp_livecol *x = &c->v[i];

		memset(c->row, 0, 2 * (size_t)x->words * sizeof(*c->row));
		for (uint32_t k = 0; k < x->leaf_count; k++)
			set_row(c, x, x->leaves[k],
				cdp_expr_match(c->rules->leaves[x->leaves[k]].expr, ev,
					       rec, &err));
		classes[i] = put_row(c, x, c->row);
	}
	cdp_eval_reset(ev);
}

void cdp_livecols_look_mixed(struct cdp_livecols *c, struct cdp_rec *rec,
			     struct cdp_eval *ev, uint32_t *classes, uint64_t *planes)
{
	struct cdp_err err;

	for (uint32_t i = c->mixed; i < c->count; i++) {
		const struct cdp_livecol *x = &c->v[i];
		uint64_t row[2] = { 0 };

		planes[x->first] = planes[c->words + x->first] = 0;
		for (uint32_t k = 0; k < x->leaf_count; k++) {
			int is = cdp_expr_match(c->rules->leaves[x->leaves[k]].expr, ev,
						rec, &err);

			if (is < 0)
				continue;
			row[!is] |= (uint64_t)1 << k;
			planes[x->first] = row[0];
			planes[c->words + x->first] = row[1];
		}
		classes[i] = put_row(c, x, row);
	}
	cdp_eval_reset(ev);
}

static void spread(const struct cdp_livecols *c, const struct cdp_livecol *x,
		   uint32_t class, uint64_t *planes)
{
	uint64_t *yes = planes + x->first, *no = yes + c->words;
	size_t n, size = x->words * sizeof(*planes);
	const char *row = cdp_intern_key(x->rows, class, &n);
	uint32_t how, bit;

	memcpy(&how, row, sizeof(how));
	row += sizeof(how);
	if (how == IN_FULL) {
		memcpy(yes, row, size);
		memcpy(no, row + size, size);
		return;
	}
	spread(c, x, how, planes);
	for (n = (n - sizeof(how)) / sizeof(bit); n > 0; n--, row += sizeof(bit)) {
		memcpy(&bit, row, sizeof(bit));
		planes[bit / 64] ^= (uint64_t)1 << bit % 64;
		planes[c->words + bit / 64] ^= (uint64_t)1 << bit % 64;
	}
}

void cdp_livecols_spread(const struct cdp_livecols *c, const uint32_t *classes,
			 uint32_t from, uint32_t to, uint64_t *planes)
{
	for (uint32_t i = from; i < to; i++)
		spread(c, &c->v[i], classes[i], planes);
}
