#include "model/segcut.h"

#include "base/decimal.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

struct cdp_segcut {
	const struct cdp_segments *s;
	double *v; /* by row, then by number */
	size_t n, cap;
};

struct cdp_segcut *cdp_segcut_new(const struct cdp_segments *s)
{
	struct cdp_segcut *c = cdp_calloc(1, sizeof(*c));

	c->s = s;
	return c;
}

void cdp_segcut_free(struct cdp_segcut *c)
{
	if (!c)
		return;
	free(c->v);
	free(c);
}

static double number_of(const struct cdp_value *v)
{
	switch (v->type) {
	case CDP_V_INT:
		return (double)v->i;
	case CDP_V_UINT:
		return (double)v->u;
	case CDP_V_DOUBLE:
		return v->d;
	case CDP_V_DECIMAL:
		return cdp_decimal_double(*v->dec);
	default:
		return NAN;
	}
}

double cdp_segcut_value(const struct cdp_expr *by, struct cdp_eval *ev,
			struct cdp_rec *profile)
{
	struct cdp_value v;
	struct cdp_err err;

	return cdp_expr_value(by, ev, profile, &v, &err) < 0 ? NAN : number_of(&v);
}

void cdp_segcut_add(struct cdp_segcut *c, struct cdp_rec *profile, struct cdp_eval *ev)
{
	for (unsigned i = 0; i < c->s->by_count; i++) {
		CDP_GROW(c->v, c->n, c->cap);
		c->v[c->n++] = cdp_segcut_value(c->s->by[i], ev, profile);
	}
	cdp_eval_reset(ev);
}

double cdp_segcut_row(const struct cdp_segcut *c, size_t row, unsigned by)
{
	return c->v[row * c->s->by_count + by];
}

struct member {
	double v;
	uint32_t rank;
};

static int by_value(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->v != y->v)
		return x->v > y->v ? -1 : 1;
	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static int by_rank(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Each customer's value; who has none is below all. */
static double *values_of(const struct cdp_audiences *a, unsigned by,
			 struct cdp_segcut *const *cuts, unsigned count)
{
	uint32_t customers = cdp_audiences_customers(a), rows;
	double *v = cdp_alloc(customers * sizeof(*v));

	for (uint32_t i = 0; i < customers; i++)
		v[i] = -INFINITY;
	for (unsigned p = 0; p < count; p++) {
		const uint32_t *rank = cdp_audiences_rows(a, p, &rows);

		for (uint32_t i = 0; i < rows; i++) {
			double x = cdp_segcut_row(cuts[p], i, by);

			if (x > v[rank[i]])
				v[rank[i]] = x;
		}
	}
	return v;
}

uint32_t cdp_segcut_left(const struct cdp_segment *g, uint32_t n)
{
	uint32_t left = g->cut == CDP_CUT_TOP
				? g->top
				: (uint32_t)(((uint64_t)n * g->ppm + 999999) / 1000000);

	return left < n ? left : n;
}

/* How many of those *left have no value and were taken before others for their key. */
static uint32_t cut(struct cdp_audiences *a, uint32_t set, const struct cdp_segment *g,
		    const double *values, uint32_t *left_out)
{
	uint32_t *v = NULL, cap = 0, n = cdp_audiences_members(a, set, &v, &cap);
	uint32_t left = cdp_segcut_left(g, n), without = 0;
	struct member *m = cdp_alloc(n * sizeof(*m));

	for (uint32_t i = 0; i < n; i++)
		m[i] = (struct member){ values[v[i]], v[i] };
	if (n)
		qsort(m, n, sizeof(*m), by_value);
	for (uint32_t i = 0; i < left; i++) {
		v[i] = m[i].rank;
		without += m[i].v == -INFINITY;
	}
	if (left)
		qsort(v, left, sizeof(*v), by_rank);
	cdp_audiences_set(a, set, v, left);
	free(m);
	free(v);
	*left_out = left;
	return left < n ? without : 0;
}

void cdp_segcut_all(struct cdp_audiences *a, const struct cdp_segments *s, unsigned step,
		    const uint64_t *wanted, struct cdp_segcut *const *cuts,
		    unsigned count,
		    void (*odd)(void *ctx, uint32_t set, uint32_t without, uint32_t left),
		    void *ctx)
{
	for (unsigned by = 0; by < s->by_count; by++) {
		double *values = values_of(a, by, cuts, count);

		for (unsigned i = 0; i < s->defined; i++) {
			uint32_t without, left;

			if (s->v[i].cut <= CDP_CUT_SAMPLE || s->v[i].step != step ||
			    s->v[i].by != by || !cdp_bit(wanted, i))
				continue;
			without = cut(a, i, &s->v[i], values, &left);
			if (without)
				odd(ctx, i, without, left);
		}
		free(values);
	}
}
