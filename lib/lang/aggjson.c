/* Partial states as JSON text: what a pass hands to the next. */
#include "lang/aggstate.h"

#include "base/num.h"
#include "lang/aggseq.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

static int by_text(const void *x, const void *y)
{
	const struct cdp_bag_item *a = x, *b = y;
	size_t n = a->n < b->n ? a->n : b->n;
	int c = memcmp(a->p, b->p, n);

	return c ? c : (a->n > b->n) - (a->n < b->n);
}

struct cdp_bag_item *cdp_bag_sorted(const struct cdp_bag *bag)
{
	size_t n = cdp_bag_size(bag);
	struct cdp_bag_item *items = cdp_alloc(n * sizeof(*items));

	for (size_t i = 0; i < n; i++)
		cdp_bag_at(bag, i, &items[i]);
	qsort(items, n, sizeof(*items), by_text);
	return items;
}

/* [["dtext",count],...] or ["dtext",...]. */
static void write_bag(const struct cdp_agg *a, const struct cdp_bag *bag,
		      struct cdp_buf *b)
{
	struct cdp_bag_item *items = cdp_bag_sorted(bag);

	cdp_buf_addc(b, '[');
	for (size_t i = 0; i < cdp_bag_size(bag); i++) {
		cdp_buf_adds(b, i ? "," : "");
		cdp_buf_adds(b, a->kind == CDP_AGG_TOP ? "[" : "");
		cdp_json_str(b, items[i].p, items[i].n);
		if (a->kind == CDP_AGG_TOP) {
			cdp_buf_addc(b, ',');
			cdp_buf_addu(b, items[i].count);
			cdp_buf_addc(b, ']');
		}
	}
	cdp_buf_addc(b, ']');
	free(items);
}

/* [time,"event_id","d","text"]. */
static void write_kept(const struct cdp_kept *k, struct cdp_buf *b)
{
	const char *text = cdp_kept_text(k);

	cdp_buf_addc(b, '[');
	if (k->tag) {
		cdp_buf_addi(b, k->time_ms);
		cdp_buf_addc(b, ',');
		cdp_json_str(b, text, k->id_n);
		cdp_buf_addc(b, ',');
		cdp_json_str(b, &k->tag, 1);
		cdp_buf_addc(b, ',');
		cdp_json_str(b, text + k->id_n, k->n);
	}
	cdp_buf_addc(b, ']');
}

/* ["time"]. */
static void write_instant(const struct cdp_instant *k, struct cdp_buf *b)
{
	char text[32];
	size_t n;

	cdp_buf_addc(b, '[');
	if (k->known) {
		n = cdp_time_format_ns(text, (struct cdp_time){ .s = k->s, .ns = k->ns });
		cdp_json_str(b, text, n);
	}
	cdp_buf_addc(b, ']');
}

/* ["sum",count]; null once it has left the range. */
static void write_total(const struct cdp_total *t, struct cdp_buf *b)
{
	if (t->failed) {
		cdp_buf_adds(b, "null");
		return;
	}
	cdp_buf_adds(b, "[\"");
	cdp_decimal_add_text(b, cdp_total_get(t));
	cdp_buf_adds(b, "\",");
	cdp_buf_addu(b, t->count);
	cdp_buf_addc(b, ']');
}

static void write_days(const struct cdp_days *d, struct cdp_buf *b)
{
	cdp_buf_addc(b, '[');
	for (uint32_t i = 0; d && i < d->n; i++) {
		cdp_buf_adds(b, i ? "," : "");
		cdp_buf_addi(b, d->day[i]);
	}
	cdp_buf_addc(b, ']');
}

void cdp_agg_write(const struct cdp_agg *a, const void *state, struct cdp_buf *b)
{
	switch (a->kind) {
	case CDP_AGG_COUNT:
		cdp_buf_addu(b, *(const uint64_t *)state);
		break;
	case CDP_AGG_SUM:
	case CDP_AGG_AVG:
		write_total(state, b);
		break;
	case CDP_AGG_DISTINCT:
	case CDP_AGG_TOP:
		write_bag(a, *(struct cdp_bag *const *)state, b);
		break;
	case CDP_AGG_DAYS:
		write_days(*(struct cdp_days *const *)state, b);
		break;
	case CDP_AGG_SEQUENCE:
		cdp_sequence_write(*(struct cdp_moments *const *)state, b);
		break;
	default:
		if (a->of_time)
			write_instant(state, b);
		else
			write_kept(state, b);
	}
}

/* ---- reading ---- */

static bool is_int(const struct cdp_val *v, int64_t *i)
{
	return v->type == CDP_NUMBER && v->integral && cdp_num_json_i64(i, v->p, v->n);
}

/* The items of an array of at most `max`; -1 if it is none or longer. */
static int items_of(const struct cdp_val *v, struct cdp_val *items, int max)
{
	struct cdp_iter it = { 0 };
	struct cdp_val x;
	int n = 0;

	if (v->type != CDP_ARRAY)
		return -1;
	while (cdp_val_item(v, &it, &x)) {
		if (n == max)
			return -1;
		items[n++] = x;
	}
	return n;
}

static bool read_count(uint64_t *n, const struct cdp_val *v)
{
	int64_t i;

	if (!is_int(v, &i) || i < 0)
		return false;
	*n = (uint64_t)i;
	return true;
}

static bool read_instant(struct cdp_instant *k, const struct cdp_val *v)
{
	struct cdp_val part;
	struct cdp_time t;
	struct cdp_err err;
	int n = items_of(v, &part, 1);

	if (n <= 0)
		return n == 0;
	if (part.type != CDP_STRING || part.escaped ||
	    cdp_time_parse(&t, part.p, part.n, &err) < 0)
		return false;
	*k = (struct cdp_instant){ .s = t.s, .ns = t.ns, .known = 1 };
	return true;
}

static bool read_total(struct cdp_total *t, const struct cdp_val *v)
{
	struct cdp_val part[2];
	struct cdp_decimal d;
	struct cdp_err err;
	uint64_t count;

	if (v->type == CDP_NULL) {
		t->failed = 1;
		return true;
	}
	if (items_of(v, part, 2) != 2 || part[0].type != CDP_STRING ||
	    cdp_decimal_parse(&d, part[0].p, part[0].n, &err) < 0)
		return false;
	cdp_total_set(t, d);
	if (!read_count(&count, &part[1]) || count >> 48)
		return false;
	t->count = count;
	return true;
}

/* One text of a bag: a tag and what it holds. */
static bool read_text(struct cdp_bag **bag, const struct cdp_val *v, uint64_t count,
		      struct cdp_buf *tmp)
{
	struct cdp_value ignored;
	struct cdp_arena arena;
	const char *p;
	bool fine;
	size_t n;

	if (v->type != CDP_STRING || count == 0)
		return false;
	p = cdp_val_str(v, tmp, &n);
	cdp_arena_init(&arena);
	fine = n > 0 && cdp_held_get(&ignored, p[0], p + 1, n - 1, &arena) == 0;
	cdp_arena_release(&arena);
	if (fine)
		cdp_bag_add(bag, p, n, count);
	return fine;
}

static bool read_bag(const struct cdp_agg *a, struct cdp_bag **bag,
		     const struct cdp_val *v)
{
	struct cdp_iter it = { 0 };
	struct cdp_val x, part[2];
	struct cdp_buf tmp;
	bool fine = v->type == CDP_ARRAY;

	cdp_buf_init(&tmp, CDP_BUF_NOMAX);
	while (fine && cdp_val_item(v, &it, &x)) {
		uint64_t count = 1;

		part[0] = x;
		if (a->kind == CDP_AGG_TOP)
			fine = items_of(&x, part, 2) == 2 && read_count(&count, &part[1]);
		fine = fine && read_text(bag, &part[0], count, &tmp);
	}
	cdp_buf_release(&tmp);
	return fine;
}

static bool read_kept(const struct cdp_agg *a, struct cdp_kept *k,
		      const struct cdp_val *v)
{
	bool ordered = a->kind == CDP_AGG_MIN || a->kind == CDP_AGG_MAX;
	struct cdp_buf id, text;
	struct cdp_arena arena;
	struct cdp_value value;
	struct cdp_val part[4];
	int n = items_of(v, part, 4);
	const char *p, *q;
	size_t id_n, text_n;
	bool fine;
	int64_t t;

	if (n <= 0)
		return n == 0;
	if (n != 4 || !is_int(&part[0], &t) || part[1].type != CDP_STRING ||
	    part[2].type != CDP_STRING || part[2].n != 1 || part[3].type != CDP_STRING)
		return false;
	cdp_buf_init(&id, CDP_BUF_NOMAX);
	cdp_buf_init(&text, CDP_BUF_NOMAX);
	cdp_arena_init(&arena);
	p = cdp_val_str(&part[1], &id, &id_n);
	q = cdp_val_str(&part[3], &text, &text_n);
	fine = cdp_held_get(&value, part[2].p[0], q, text_n, &arena) == 0 &&
	       (!ordered || cdp_value_cmp(&value, &value) == 0);
	if (fine)
		cdp_kept_set(k, t, p, id_n, part[2].p[0], q, text_n);
	cdp_arena_release(&arena);
	cdp_buf_release(&id);
	cdp_buf_release(&text);
	return fine;
}

static bool read_days(struct cdp_days **days, const struct cdp_val *v)
{
	struct cdp_iter it = { 0 };
	struct cdp_val x;
	int64_t d;

	if (v->type != CDP_ARRAY)
		return false;
	while (cdp_val_item(v, &it, &x)) {
		if (!is_int(&x, &d) || d < INT32_MIN || d > INT32_MAX)
			return false;
		cdp_days_add(days, (int32_t)d);
	}
	return true;
}

static bool read_moments(const struct cdp_agg *a, struct cdp_moments **list,
			 const struct cdp_val *v)
{
	struct cdp_iter it = { 0 };
	struct cdp_val x, part[2];
	int64_t t, steps;

	if (v->type != CDP_ARRAY)
		return false;
	while (cdp_val_item(v, &it, &x))
		if (items_of(&x, part, 2) != 2 || !is_int(&part[0], &t) ||
		    !is_int(&part[1], &steps) || !cdp_sequence_put(a, list, t, steps))
			return false;
	return true;
}

static bool read_state(const struct cdp_agg *a, void *state, const struct cdp_val *v)
{
	switch (a->kind) {
	case CDP_AGG_COUNT:
		return read_count(state, v);
	case CDP_AGG_SUM:
	case CDP_AGG_AVG:
		return read_total(state, v);
	case CDP_AGG_DISTINCT:
	case CDP_AGG_TOP:
		return read_bag(a, state, v);
	case CDP_AGG_DAYS:
		return read_days(state, v);
	case CDP_AGG_SEQUENCE:
		return read_moments(a, state, v);
	default:
		return a->of_time ? read_instant(state, v) : read_kept(a, state, v);
	}
}

int cdp_agg_read(const struct cdp_agg *a, void *state, const struct cdp_val *json,
		 struct cdp_err *err)
{
	if (read_state(a, state, json))
		return 0;
	cdp_agg_release(a, state);
	return cdp_err_set(err, CDP_ERR_DATA, "partial does not fit %.200s", a->text);
}
