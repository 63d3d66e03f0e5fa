#include "lang/held.h"

#include "base/decimal.h"
#include "base/hash.h"
#include "base/num.h"
#include "lang/view.h"
#include "record/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- values as text ---- */

/* A computed double keeps its type: 5 becomes "5.0". */
static void put_double(struct cdp_buf *b, double d)
{
	size_t start = b->n;

	cdp_num_add_double(b, d);
	if (isfinite(d) && !memchr(b->p + start, '.', b->n - start) &&
	    !memchr(b->p + start, 'e', b->n - start))
		cdp_buf_adds(b, ".0");
}

char cdp_held_put(struct cdp_buf *b, const struct cdp_value *v)
{
	char time[32];

	switch (v->type) {
	case CDP_V_NULL:
		return CDP_H_NULL;
	case CDP_V_BOOL:
		cdp_buf_adds(b, v->b ? "true" : "false");
		return CDP_H_BOOL;
	case CDP_V_INT:
	case CDP_V_DOUBLE:
		if (v->raw_n)
			cdp_buf_add(b, v->raw, v->raw_n);
		else if (v->type == CDP_V_INT)
			cdp_buf_addi(b, v->i);
		else
			put_double(b, v->d);
		return CDP_H_NUMBER;
	case CDP_V_DECIMAL:
		cdp_decimal_add_text(b, *v->dec);
		return CDP_H_NUMBER;
	case CDP_V_UINT:
		cdp_buf_addu(b, v->u);
		return CDP_H_UINT;
	case CDP_V_STRING:
		cdp_buf_add(b, v->s.p, v->s.n);
		return CDP_H_STRING;
	case CDP_V_TIMESTAMP:
		cdp_buf_add(b, time, cdp_time_format_ns(time, v->t));
		return CDP_H_TIME;
	case CDP_V_DURATION:
		cdp_duration_text(b, v->t);
		return CDP_H_DURATION;
	case CDP_V_LIST:
	case CDP_V_MAP:
		cdp_value_json(b, v);
		return CDP_H_JSON;
	default:
		return 0;
	}
}

char cdp_held_put_canonical(struct cdp_buf *b, const struct cdp_value *v)
{
	double d;

	switch (v->type) {
	case CDP_V_INT:
		cdp_buf_addi(b, v->i);
		return CDP_H_NUMBER;
	case CDP_V_UINT:
		cdp_buf_addu(b, v->u);
		return CDP_H_NUMBER;
	case CDP_V_DOUBLE:
	case CDP_V_DECIMAL:
		d = v->type == CDP_V_DOUBLE ? v->d : cdp_decimal_double(*v->dec);
		if (d == floor(d) && fabs(d) < 0x1p63)
			cdp_buf_addi(b, (int64_t)d);
		else
			cdp_num_add_double(b, d);
		return CDP_H_NUMBER;
	default:
		return cdp_held_put(b, v);
	}
}

static bool is(const char *p, size_t n, const char *s)
{
	return strlen(s) == n && memcmp(s, p, n) == 0;
}

static int get_number(struct cdp_value *out, const char *p, size_t n)
{
	struct cdp_err err;

	out->raw = p;
	out->raw_n = (uint32_t)n;
	if (cdp_num_json_i64(&out->i, p, n)) {
		out->type = CDP_V_INT;
		return 0;
	}
	out->type = CDP_V_DOUBLE;
	if (n && p[n - 1] >= '0' && p[n - 1] <= '9')
		return cdp_num_double(&out->d, p, n, &err);
	out->raw_n = 0; /* it is no JSON */
	out->d = is(p, n, "NaN")         ? NAN
		 : is(p, n, "Infinity")  ? INFINITY
		 : is(p, n, "-Infinity") ? -INFINITY
					 : 0;
	return out->d == 0 ? -1 : 0;
}

static int get_duration(struct cdp_value *out, const char *p, size_t n)
{
	struct cdp_err err;
	int64_t ns;

	out->type = CDP_V_DURATION;
	if (cdp_duration_parse(&ns, p, n, &err) < 0)
		return -1;
	out->t.s = ns / 1000000000 - (ns % 1000000000 < 0);
	out->t.ns = (int32_t)(ns - out->t.s * 1000000000);
	return 0;
}

int cdp_held_get(struct cdp_value *out, char tag, const char *p, size_t n,
		 struct cdp_arena *a)
{
	struct cdp_err err;
	struct cdp_val json;

	*out = (struct cdp_value){ .type = CDP_V_NULL, .from_record = true };
	switch (tag) {
	case CDP_H_NULL:
		return 0;
	case CDP_H_BOOL:
		out->type = CDP_V_BOOL;
		out->b = is(p, n, "true");
		return 0;
	case CDP_H_NUMBER:
		return get_number(out, p, n);
	case CDP_H_UINT:
		out->type = CDP_V_UINT;
		return cdp_num_u64(&out->u, p, n, UINT64_MAX, &err);
	case CDP_H_STRING:
		out->type = CDP_V_STRING;
		out->s.p = p;
		out->s.n = n;
		return 0;
	case CDP_H_TIME:
		out->type = CDP_V_TIMESTAMP;
		return cdp_time_parse(&out->t, p, n, &err);
	case CDP_H_DURATION:
		return get_duration(out, p, n);
	case CDP_H_JSON:
		if (cdp_json_check(p, n, &err) < 0)
			return -1;
		cdp_val_at(&json, p, n);
		cdp_value_from_json(out, &json, a);
		return 0;
	default:
		return -1;
	}
}

/* ---- bags ---- */

/* Few texts are searched in line; more get a table of 32 hash bits and position. */
enum { SEARCH_MAX = 8 };

struct item {
	uint64_t at; /* in the texts */
	uint64_t count;
	uint32_t n;
	uint32_t hash;
};

/* One piece of memory, as there may be many bags with few texts: items, then texts. */
struct cdp_bag {
	uint32_t n, cap;
	uint32_t mask;   /* 0: no table */
	uint32_t *table; /* position + 1; 0 free */
	size_t bytes_n, bytes_cap;
	struct item items[];
};

static char *texts(const struct cdp_bag *b)
{
	return (char *)(b->items + b->cap);
}

static struct item *find_in_line(struct cdp_bag *b, uint32_t hash, const char *p,
				 size_t n)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct item *it = &b->items[i];

		if (it->hash == hash && it->n == n &&
		    memcmp(texts(b) + it->at, p, n) == 0)
			return it;
	}
	return NULL;
}

static struct item *find_in_table(struct cdp_bag *b, uint32_t hash, const char *p,
				  size_t n)
{
	for (uint32_t at = hash & b->mask; b->table[at]; at = (at + 1) & b->mask) {
		struct item *it = &b->items[b->table[at] - 1];

		if (it->hash == hash && it->n == n &&
		    memcmp(texts(b) + it->at, p, n) == 0)
			return it;
	}
	return NULL;
}

static void link_item(struct cdp_bag *b, uint32_t i)
{
	uint32_t at = b->items[i].hash & b->mask;

	while (b->table[at])
		at = (at + 1) & b->mask;
	b->table[at] = i + 1;
}

static void make_table(struct cdp_bag *b)
{
	uint32_t size = 32;

	while (size < b->n * 3)
		size *= 2;
	free(b->table);
	b->table = cdp_calloc(size, sizeof(*b->table));
	b->mask = size - 1;
	for (uint32_t i = 0; i < b->n; i++)
		link_item(b, i);
}

/* Room for one more item with n bytes of text. */
static struct cdp_bag *with_room(struct cdp_bag *b, size_t n)
{
	uint32_t items = b ? b->n : 0, cap = b ? b->cap : 0;
	size_t used = b ? b->bytes_n : 0, bytes = b ? b->bytes_cap : 0;

	if (b && items < cap && bytes - used >= n)
		return b;
	if (items == cap)
		cap = cap ? cap * 2 : 2;
	if (bytes - used < n)
		bytes = (used + n) * 2;
	b = cdp_realloc(b, 1, sizeof(*b) + cap * sizeof(*b->items) + bytes);
	if (items == 0)
		*b = (struct cdp_bag){ 0 };
	memmove(b->items + cap, texts(b), used);
	b->cap = cap;
	b->bytes_cap = bytes;
	return b;
}

uint32_t cdp_bag_add(struct cdp_bag **bag, const char *p, size_t n, uint64_t count)
{
	uint32_t hash = (uint32_t)cdp_hash(p, n);
	struct cdp_bag *b = *bag;
	struct item *it = NULL;

	if (b)
		it = b->mask ? find_in_table(b, hash, p, n) : find_in_line(b, hash, p, n);
	if (it) {
		it->count += count;
		return (uint32_t)(it - b->items);
	}
	b = *bag = with_room(b, n);
	b->items[b->n] = (struct item){ b->bytes_n, count, (uint32_t)n, hash };
	memcpy(texts(b) + b->bytes_n, p, n);
	b->bytes_n += n;
	b->n++;
	if (b->n > SEARCH_MAX && (!b->mask || b->n * 2 > b->mask))
		make_table(b);
	else if (b->mask)
		link_item(b, b->n - 1);
	return b->n - 1;
}

void cdp_bag_free(struct cdp_bag *b)
{
	if (!b)
		return;
	free(b->table);
	free(b);
}

size_t cdp_bag_size(const struct cdp_bag *b)
{
	return b ? b->n : 0;
}

void cdp_bag_at(const struct cdp_bag *b, size_t i, struct cdp_bag_item *out)
{
	out->p = texts(b) + b->items[i].at;
	out->n = b->items[i].n;
	out->count = b->items[i].count;
	out->place = (uint32_t)i;
}

size_t cdp_bag_memory(const struct cdp_bag *b)
{
	return b ? sizeof(*b) + b->cap * sizeof(*b->items) + b->bytes_cap +
			       (b->mask ? (b->mask + 1) * sizeof(*b->table) : 0)
		 : 0;
}
