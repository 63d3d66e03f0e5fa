/* Values of all people for one function over the population, and what follows. */
#include "base/decimal.h"
#include "base/mem.h"
#include "lang/held.h"
#include "lang/pop.h"
#include "lang/prog.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Kinds in the order in which they are compared. */
enum kind { NOBODY, NUMBER, DURATION, TIMESTAMP };

/* One person's value, made so that the smaller key comes first. */
struct entry {
	uint64_t key;  /* number: bits of the double; time: seconds */
	uint32_t fine; /* kind << 30, and the nanoseconds of a time */
	uint32_t place;
};

/* population_mean: a decimal in 16 bytes. */
struct packed {
	uint64_t low;
	int64_t high; /* 56 bits and the scale; both 0 and `low` 0: also nobody */
};

enum { SCALE_BITS = 5, THERE = 1 << SCALE_BITS, TAG_BITS = SCALE_BITS + 1 };

struct cdp_census {
	const struct cdp_pop *pop;
	uint32_t places, size;
	struct entry *entries; /* by place until finished */
	struct packed *packed; /* population_mean, likewise */
	uint32_t *result;      /* rank or group by place; 0: not in the population */
	double mean;
};

struct cdp_census *cdp_census_new(const struct cdp_pop *p, uint32_t places)
{
	struct cdp_census *c = cdp_calloc(1, sizeof(*c));

	c->pop = p;
	c->places = places;
	if (p->kind == CDP_POP_MEAN)
		c->packed = cdp_calloc(places, sizeof(*c->packed));
	else
		c->entries = cdp_calloc(places, sizeof(*c->entries));
	return c;
}

void cdp_census_free(struct cdp_census *c)
{
	if (!c)
		return;
	free(c->entries);
	free(c->packed);
	free(c->result);
	free(c);
}

/* ---- values ---- */

static int fail(const struct cdp_census *c, struct cdp_err *err, const char *what)
{
	return cdp_err_set(err, CDP_ERR_EVAL, "%s in %.200s", what, c->pop->text);
}

/* Bits in the order of the numbers. */
static uint64_t ordered(double d)
{
	uint64_t u;

	d += 0.0; /* -0 is 0 */
	memcpy(&u, &d, sizeof(u));
	return u >> 63 ? ~u : u | UINT64_C(1) << 63;
}

static int put_number(const struct cdp_census *c, struct entry *e, double d,
		      struct cdp_err *err)
{
	if (isnan(d))
		return fail(c, err, "value has no order");
	e->key = ordered(d);
	e->fine = (uint32_t)NUMBER << 30;
	return 1;
}

static int put_entry(struct cdp_census *c, struct entry *e, const struct cdp_value *v,
		     struct cdp_err *err)
{
	int r = 1;

	switch (v->type) {
	case CDP_V_INT:
		r = put_number(c, e, (double)v->i, err);
		break;
	case CDP_V_UINT:
		r = put_number(c, e, (double)v->u, err);
		break;
	case CDP_V_DOUBLE:
		r = put_number(c, e, v->d, err);
		break;
	case CDP_V_DECIMAL:
		r = put_number(c, e, cdp_decimal_double(*v->dec), err);
		break;
	case CDP_V_TIMESTAMP:
	case CDP_V_DURATION:
		e->key = (uint64_t)v->t.s ^ UINT64_C(1) << 63;
		e->fine = (uint32_t)(v->type == CDP_V_TIMESTAMP ? TIMESTAMP : DURATION)
				  << 30 |
			  (uint32_t)v->t.ns;
		break;
	default:
		return fail(c, err, "value is no number, timestamp or duration");
	}
	return r;
}

/* Exact, so that a mean does not depend on the order in which it is summed. */
static int put_packed(struct cdp_census *c, struct packed *to, const struct cdp_value *v,
		      struct cdp_err *err)
{
	struct cdp_decimal d;
	struct cdp_buf b;
	bool fine;

	if (v->type != CDP_V_INT && v->type != CDP_V_UINT && v->type != CDP_V_DOUBLE &&
	    v->type != CDP_V_DECIMAL)
		return fail(c, err, "value is no number");
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_held_put(&b, v);
	fine = cdp_decimal_parse(&d, b.p, b.n, err) == 0 &&
	       d.unscaled >> (127 - TAG_BITS) == (d.unscaled < 0 ? -1 : 0);
	cdp_buf_release(&b);
	if (!fine)
		return fail(c, err, "number is no decimal");
	d.unscaled =
		(__int128)((unsigned __int128)d.unscaled << TAG_BITS) | THERE | d.scale;
	to->low = (uint64_t)d.unscaled;
	to->high = (int64_t)(d.unscaled >> 64);
	return 1;
}

int cdp_census_put(struct cdp_census *c, uint32_t place, const struct cdp_value *v,
		   struct cdp_err *err)
{
	if (v->type == CDP_V_NULL)
		return 0;
	if (c->packed)
		return put_packed(c, &c->packed[place], v, err);
	return put_entry(c, &c->entries[place], v, err);
}

int cdp_census_ask(struct cdp_census *c, uint32_t place, struct cdp_eval *ev,
		   struct cdp_rec *rec, struct cdp_err *err)
{
	struct cdp_value v;
	int r = 1;

	if (c->pop->cond)
		r = cdp_expr_match(c->pop->cond, ev, rec, err);
	if (r <= 0)
		return r;
	if (cdp_expr_value(c->pop->arg, ev, rec, &v, err) < 0)
		return -1;
	return cdp_census_put(c, place, &v, err);
}

/* ---- results ---- */

static void finish_mean(struct cdp_census *c)
{
	struct cdp_decimal sum = CDP_DECIMAL_ZERO;

	c->mean = NAN;
	for (uint32_t i = 0; i < c->places; i++) {
		__int128 all =
			(__int128)((unsigned __int128)(uint64_t)c->packed[i].high << 64 |
				   c->packed[i].low);
		struct cdp_decimal d = { .unscaled = all >> TAG_BITS,
					 .scale = (uint32_t)(all & (THERE - 1)) };

		if (!(all & THERE))
			continue;
		c->size++;
		if (cdp_decimal_add(&sum, d) < 0)
			return;
	}
	if (c->size)
		c->mean = cdp_decimal_double(sum) / c->size;
}

static bool same(const struct entry *a, const struct entry *b)
{
	return a->key == b->key && a->fine == b->fine;
}

static int compare(const struct entry *a, const struct entry *b)
{
	unsigned ka = a->fine >> 30, kb = b->fine >> 30;

	if (ka != kb)
		return ka < kb ? -1 : 1;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return (a->fine > b->fine) - (a->fine < b->fine);
}

static int by_place(const struct entry *a, const struct entry *b)
{
	return (a->place > b->place) - (a->place < b->place);
}

static int smallest_first(const void *x, const void *y)
{
	int r = compare(x, y);

	return r ? r : by_place(x, y);
}

static int largest_first(const void *x, const void *y)
{
	int r = compare(y, x);

	return r ? r : by_place(x, y);
}

/* Those in the population move to the front. */
static void gather(struct cdp_census *c)
{
	for (uint32_t i = 0; i < c->places; i++)
		if (c->entries[i].fine) {
			c->entries[c->size] = c->entries[i];
			c->entries[c->size++].place = i;
		}
}

static void give_ranks(struct cdp_census *c)
{
	uint32_t rank = 0;

	for (uint32_t i = 0; i < c->size; i++) {
		if (i == 0 || !same(&c->entries[i], &c->entries[i - 1]))
			rank = i + 1;
		c->result[c->entries[i].place] = rank;
	}
}

static void give_groups(struct cdp_census *c)
{
	uint32_t tiles = c->pop->tiles, base = c->size / tiles, more = c->size % tiles;
	uint32_t at = 0;

	for (uint32_t t = 1; at < c->size; t++) {
		uint32_t n = base + (t <= more);

		for (uint32_t i = 0; i < n; i++)
			c->result[c->entries[at++].place] = t;
	}
}

void cdp_census_finish(struct cdp_census *c)
{
	if (c->packed) {
		finish_mean(c);
		free(c->packed);
		c->packed = NULL;
		return;
	}
	gather(c);
	qsort(c->entries, c->size, sizeof(*c->entries),
	      c->pop->ascending ? smallest_first : largest_first);
	c->result = cdp_calloc(c->places, sizeof(*c->result));
	if (c->pop->kind == CDP_POP_NTILE)
		give_groups(c);
	else
		give_ranks(c);
	free(c->entries);
	c->entries = NULL;
}

uint32_t cdp_census_size(const struct cdp_census *c)
{
	return c->size;
}

void cdp_census_result(const struct cdp_census *c, uint32_t place, struct cdp_value *out)
{
	uint32_t r = c->result && place != CDP_NOT_SURVEYED ? c->result[place] : 0;

	*out = (struct cdp_value){ .type = CDP_V_NULL };
	if (c->pop->kind == CDP_POP_MEAN) {
		if (isnan(c->mean))
			return;
		out->type = CDP_V_DOUBLE;
		out->d = c->mean;
	} else if (r && c->pop->kind == CDP_POP_PERCENT_RANK) {
		out->type = CDP_V_DOUBLE;
		out->d = c->size > 1 ? (r - 1) / (double)(c->size - 1) : 0;
	} else if (r) {
		out->type = CDP_V_INT;
		out->i = r;
	}
}
