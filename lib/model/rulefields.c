#include "model/rulefields_priv.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the leaves ask ---- */

static struct cdp_rule_field *field_of(struct cdp_rule_fields *f, int slot)
{
	for (uint32_t i = 0; i < f->count; i++)
		if (f->v[i].slot == slot)
			return &f->v[i];
	CDP_GROW(f->v, f->count, f->cap);
	f->v[f->count] = (struct cdp_rule_field){ .slot = slot };
	return &f->v[f->count++];
}

static bool is_number(const struct cdp_value *v)
{
	return v->type == CDP_V_INT || v->type == CDP_V_UINT || v->type == CDP_V_DOUBLE;
}

static double number_of(const struct cdp_value *v)
{
	return v->type == CDP_V_INT    ? (double)v->i
	       : v->type == CDP_V_UINT ? (double)v->u
				       : v->d;
}

/* Where int and double mix, large numbers have no order and no equality that is
 * transitive; containers neither. */
static bool is_plain(const struct cdp_value *v)
{
	if (is_number(v))
		return fabs(number_of(v)) < 1e15;
	return v->type != CDP_V_LIST && v->type != CDP_V_MAP;
}

/* The number of a constant, added if new. */
static uint32_t put_value(struct cdp_rule_field *f, const struct cdp_value *v)
{
	uint32_t at;

	if (f->value_count * 2 >= f->mask) {
		f->mask = f->mask ? f->mask * 2 + 1 : 31;
		free(f->table);
		f->table = cdp_calloc(f->mask + 1, sizeof(*f->table));
		for (uint32_t i = 0; i < f->value_count; i++) {
			at = (uint32_t)cdp_value_hash(&f->values[i]) & f->mask;
			while (f->table[at])
				at = (at + 1) & f->mask;
			f->table[at] = i + 1;
		}
	}
	at = (uint32_t)cdp_value_hash(v) & f->mask;
	for (; f->table[at]; at = (at + 1) & f->mask)
		if (cdp_value_equal(&f->values[f->table[at] - 1], v))
			return f->table[at] - 1;
	CDP_GROW(f->values, f->value_count, f->value_cap);
	f->values[f->value_count] = *v;
	f->table[at] = ++f->value_count;
	return f->value_count - 1;
}

static void add_id(uint32_t **v, uint32_t *count, uint32_t *cap, uint32_t id)
{
	CDP_GROW(*v, *count, *cap);
	(*v)[(*count)++] = id;
}

static void add_memo(struct cdp_rule_field *f, uint32_t leaf)
{
	add_id(&f->memo, &f->memo_count, &f->memo_cap, leaf);
}

static void add_equal(struct cdp_rule_field *f, uint32_t leaf, const struct cdp_form *m)
{
	bool list = m->kind == CDP_FORM_IN;
	size_t n = list ? cdp_list_count(m->value.list) : 1;
	struct cdp_rule_equal e = { leaf, f->pick_count, (uint32_t)n, m->negated };

	for (size_t i = 0; i < n; i++)
		if (!is_plain(list ? cdp_list_at(m->value.list, i) : &m->value)) {
			add_memo(f, leaf);
			return;
		}
	for (size_t i = 0; i < n; i++) {
		uint32_t v =
			put_value(f, list ? cdp_list_at(m->value.list, i) : &m->value);

		add_id(&f->picks, &f->pick_count, &f->pick_cap, v);
	}
	CDP_GROW(f->equals, f->equal_count, f->equal_cap);
	f->equals[f->equal_count++] = e;
}

/* The least text that is above all that begin with `p`; false: there is none, as `p` is
 * empty.  UTF-8 has no byte 255. */
static bool text_after(const struct cdp_value *p, struct cdp_value *after)
{
	char *copy;

	if (p->s.n == 0)
		return false;
	copy = cdp_strndup(p->s.p, p->s.n);
	copy[p->s.n - 1]++;
	*after = *p;
	after->s.p = copy;
	return true;
}

static void add_cut(struct cdp_rule_field *f, const struct cdp_value *v)
{
	if (v->type == CDP_V_STRING) {
		CDP_GROW(f->texts, f->text_count, f->text_cap);
		f->texts[f->text_count] = *v;
		f->texts[f->text_count++].s.p = cdp_strndup(v->s.p, v->s.n);
		return;
	}
	CDP_GROW(f->cuts, f->cut_count, f->cut_cap);
	f->cuts[f->cut_count++] = number_of(v);
}

static void add_order(struct cdp_rule_field *f, uint32_t leaf, const struct cdp_form *m)
{
	struct cdp_value after;

	if (!is_plain(&m->value)) {
		add_memo(f, leaf);
		return;
	}
	add_cut(f, &m->value);
	if (m->kind == CDP_FORM_PREFIX && text_after(&m->value, &after)) {
		add_cut(f, &after);
		free((char *)after.s.p);
	}
}

static void add_leaf(struct cdp_rule_fields *f, uint32_t leaf, const struct cdp_form *m)
{
	struct cdp_rule_field *x = m->slot >= 0 ? field_of(f, m->slot) : NULL;

	switch (m->kind) {
	case CDP_FORM_HAS:
		add_id(&x->has, &x->has_count, &x->has_cap, leaf);
		break;
	case CDP_FORM_TRUTH:
		add_id(&x->truth, &x->truth_count, &x->truth_cap, leaf);
		break;
	case CDP_FORM_EQUAL:
	case CDP_FORM_IN:
		add_equal(x, leaf, m);
		break;
	case CDP_FORM_ORDER:
	case CDP_FORM_PREFIX:
		add_order(x, leaf, m);
		break;
	case CDP_FORM_FIELD:
		add_memo(x, leaf);
		break;
	case CDP_FORM_MIXED:
		add_id(&f->mixed, &f->mixed_count, &f->mixed_cap, leaf);
		break;
	case CDP_FORM_CONST:
	case CDP_FORM_ROW:
		add_id(&f->rows, &f->row_count, &f->row_cap, leaf);
		break;
	case CDP_FORM_ASKED: /* model/ruleasks */
	case CDP_FORM_HOST:  /* a node of its own */
		break;
	}
}

static int by_number(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int by_text(const void *a, const void *b)
{
	return cdp_value_cmp(a, b);
}

enum { BUCKETS = 128 };

/* Of two numbers the smaller one has no later bucket. */
static uint32_t bucket_of(const struct cdp_rule_field *f, double d)
{
	double x = (d - f->cuts[0]) * f->scale;

	return x >= BUCKETS ? BUCKETS - 1 : x > 0 ? (uint32_t)x : 0;
}

static void put_in_buckets(struct cdp_rule_field *f)
{
	uint32_t at = 0;

	if (f->cut_count == 0)
		return;
	if (f->cut_count > 1)
		f->scale = BUCKETS / (f->cuts[f->cut_count - 1] - f->cuts[0]);
	f->buckets = cdp_alloc((BUCKETS + 1) * sizeof(*f->buckets));
	for (uint32_t b = 0; b <= BUCKETS; b++) {
		while (at < f->cut_count && bucket_of(f, f->cuts[at]) < b)
			at++;
		f->buckets[b] = at;
	}
}

static void sort_cuts(struct cdp_rule_field *f)
{
	uint32_t n = 0;

	if (f->cut_count)
		qsort(f->cuts, f->cut_count, sizeof(*f->cuts), by_number);
	for (uint32_t i = 0; i < f->cut_count; i++)
		if (n == 0 || f->cuts[n - 1] != f->cuts[i])
			f->cuts[n++] = f->cuts[i];
	f->cut_count = n;
	put_in_buckets(f);
	n = 0;
	if (f->text_count)
		qsort(f->texts, f->text_count, sizeof(*f->texts), by_text);
	for (uint32_t i = 0; i < f->text_count; i++)
		if (n == 0 || !cdp_value_equal(&f->texts[n - 1], &f->texts[i]))
			f->texts[n++] = f->texts[i];
		else
			free((char *)f->texts[i].s.p);
	f->text_count = n;
}

uint32_t cdp_rule_place_number(const struct cdp_rule_field *f, double d)
{
	uint32_t bucket, at, end;

	if (f->cut_count == 0)
		return 0;
	bucket = bucket_of(f, d);
	at = f->buckets[bucket];
	end = f->buckets[bucket + 1];
	while (end - at > 4) {
		uint32_t mid = (at + end) / 2;

		if (f->cuts[mid] < d)
			at = mid + 1;
		else
			end = mid + 1; /* it may be the one */
	}
	while (at < end && f->cuts[at] < d)
		at++;
	return 2 * at + (at < f->cut_count && f->cuts[at] == d);
}

uint32_t cdp_rule_place_text(const struct cdp_rule_field *f, const struct cdp_value *v)
{
	uint32_t lo = 0, hi = f->text_count;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;
		int c = cdp_value_cmp(&f->texts[mid], v);

		if (c == 0)
			return 2 * mid + 1;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 2 * lo;
}

static void add_span(struct cdp_rule_field *f, uint32_t leaf, const struct cdp_form *m)
{
	bool text = m->value.type == CDP_V_STRING;
	struct cdp_rule_spans *s = text ? &f->below_text : &f->below_number;
	uint32_t at = text ? cdp_rule_place_text(f, &m->value)
			   : cdp_rule_place_number(f, number_of(&m->value));
	uint32_t end = 2 * (text ? f->text_count : f->cut_count) + 1;
	struct cdp_rule_span x = { leaf, 0, end };
	struct cdp_value after;

	if (m->kind == CDP_FORM_PREFIX) {
		x.from = at;
		if (text_after(&m->value, &after)) {
			x.to = cdp_rule_place_text(f, &after);
			free((char *)after.s.p);
		}
	} else if (m->op == CDP_OP_LT || m->op == CDP_OP_LE) {
		x.to = at + (m->op == CDP_OP_LE);
	} else {
		x.from = at + (m->op == CDP_OP_GT);
	}
	CDP_GROW(s->v, s->count, s->cap);
	s->v[s->count++] = x;
}

struct cdp_rule_fields *cdp_rule_fields_new(const struct cdp_rules *r)
{
	struct cdp_rule_fields *f = cdp_calloc(1, sizeof(*f));

	for (uint32_t i = 0; i < r->leaf_count; i++)
		add_leaf(f, i, &r->leaves[i].form);
	for (uint32_t i = 0; i < f->count; i++)
		sort_cuts(&f->v[i]);
	for (uint32_t i = 0; i < r->leaf_count; i++) {
		const struct cdp_form *m = &r->leaves[i].form;

		if ((m->kind == CDP_FORM_ORDER || m->kind == CDP_FORM_PREFIX) &&
		    is_plain(&m->value))
			add_span(field_of(f, m->slot), i, m);
	}
	return f;
}

void cdp_rule_fields_free(struct cdp_rule_fields *f)
{
	if (!f)
		return;
	for (uint32_t i = 0; i < f->count; i++) {
		struct cdp_rule_field *x = &f->v[i];

		for (uint32_t t = 0; t < x->text_count; t++)
			free((char *)x->texts[t].s.p);
		free(x->has);
		free(x->truth);
		free(x->memo);
		free(x->equals);
		free(x->picks);
		free(x->values);
		free(x->table);
		free(x->cuts);
		free(x->buckets);
		free(x->texts);
		free(x->below_number.v);
		free(x->below_text.v);
	}
	free(f->v);
	free(f->rows);
	free(f->mixed);
	free(f);
}
