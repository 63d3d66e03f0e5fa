/* Partial states as bytes: what a pass hands to the next.  Numbers are varints. */
#include "lang/aggstate.h"

#include "base/varint.h"
#include "lang/aggbag.h"
#include "lang/aggseq.h"

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

/* Each text by its length, where it matters its count before it. */
static void write_bag(const struct cdp_agg *a, const struct cdp_bag *bag,
		      struct cdp_buf *b)
{
	struct cdp_bag_item *items = cdp_bag_sorted(bag);

	for (size_t i = 0; i < cdp_bag_size(bag); i++) {
		if (cdp_agg_counts(a))
			cdp_varint_add(b, items[i].count);
		cdp_varint_add_bytes(b, items[i].p, items[i].n);
	}
	free(items);
}

/* Tag, time, event_id; the rest is the text. */
static void write_kept(const struct cdp_kept *k, struct cdp_buf *b)
{
	const char *text = cdp_kept_text(k);

	if (!k->tag)
		return;
	cdp_buf_addc(b, k->tag);
	cdp_varint_add(b, cdp_zigzag(k->time_ms));
	cdp_varint_add_bytes(b, text, k->id_n);
	cdp_buf_add(b, text + k->id_n, k->n);
}

static void write_instant(const struct cdp_instant *k, struct cdp_buf *b)
{
	if (!k->known)
		return;
	cdp_varint_add(b, cdp_zigzag(k->s));
	cdp_varint_add(b, (uint64_t)k->ns);
}

/* Scale, count, and the number's two halves, the upper only if it is more than a sign;
 * the scale is all there is of a sum that left the range. */
enum { FAILED = 255 };

static void write_total(const struct cdp_total *t, struct cdp_buf *b)
{
	int64_t low = (int64_t)t->low;

	if (t->failed) {
		cdp_varint_add(b, FAILED);
		return;
	}
	cdp_varint_add(b, t->scale);
	cdp_varint_add(b, t->count);
	cdp_varint_add(b, cdp_zigzag(low));
	if (t->high != low >> 63)
		cdp_varint_add(b, cdp_zigzag(t->high));
}

/* Each text by its length, then its total by its length. */
static void write_tally(const struct cdp_tally *t, struct cdp_buf *b)
{
	const struct cdp_bag *bag = t ? t->bag : NULL;
	struct cdp_bag_item *items = cdp_bag_sorted(bag);
	struct cdp_buf total;

	cdp_buf_init(&total, CDP_BUF_NOMAX);
	for (size_t i = 0; i < cdp_bag_size(bag); i++) {
		struct cdp_total x = t->at[items[i].place];

		x.count = items[i].count;
		cdp_buf_reset(&total);
		write_total(&x, &total);
		cdp_varint_add_bytes(b, items[i].p, items[i].n);
		cdp_varint_add_bytes(b, total.p, total.n);
	}
	cdp_buf_release(&total);
	free(items);
}

static void write_days(const uint64_t *days, struct cdp_buf *b)
{
	int64_t last = 0;

	for (uint32_t i = 0; i < cdp_days_count(days); i++) {
		int32_t day = cdp_days_at(days, i);

		cdp_varint_add(b, cdp_zigzag(day - last));
		last = day;
	}
}

void cdp_agg_write(const struct cdp_agg *a, const void *state, struct cdp_buf *b)
{
	switch (a->kind) {
	case CDP_AGG_COUNT:
		cdp_varint_add(b, *(const uint64_t *)state);
		break;
	case CDP_AGG_SUM:
	case CDP_AGG_AVG:
		write_total(state, b);
		break;
	case CDP_AGG_DISTINCT:
	case CDP_AGG_TOP:
	case CDP_AGG_VALUES:
	case CDP_AGG_TOP_N:
		write_bag(a, *(struct cdp_bag *const *)state, b);
		break;
	case CDP_AGG_TOP_BY_SUM:
	case CDP_AGG_TOP_BY_MAX:
		write_tally(*(struct cdp_tally *const *)state, b);
		break;
	case CDP_AGG_DAYS:
		write_days(state, b);
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

static bool read_instant(const struct cdp_agg *a, struct cdp_instant *k, const char *p,
			 const char *end)
{
	int64_t s;
	uint64_t ns;

	if (p == end)
		return true;
	if (!cdp_varint_get_signed(&s, &p, end) || !cdp_varint_get(&ns, &p, end) ||
	    ns > 999999999 || p != end)
		return false;
	cdp_instant_offer(a, k, (struct cdp_time){ .s = s, .ns = (int32_t)ns });
	return true;
}

static bool read_total(struct cdp_total *t, const char *p, const char *end)
{
	enum { SCALE_MAX = 18 };
	struct cdp_decimal d;
	uint64_t scale, count;
	int64_t low, high;

	if (!cdp_varint_get(&scale, &p, end))
		return false;
	if (scale == FAILED && p == end) {
		t->failed = 1;
		return true;
	}
	if (scale > SCALE_MAX || !cdp_varint_get(&count, &p, end) || count >> 48 ||
	    !cdp_varint_get_signed(&low, &p, end))
		return false;
	high = low >> 63;
	if (p != end && !cdp_varint_get_signed(&high, &p, end))
		return false;
	d.scale = (uint32_t)scale;
	d.unscaled = (__int128)((unsigned __int128)(uint64_t)high << 64 | (uint64_t)low);
	cdp_total_add(t, d, count);
	return p == end;
}

static bool read_bag(const struct cdp_agg *a, struct cdp_bag **bag, const char *p,
		     const char *end)
{
	while (p < end) {
		uint64_t count = 1;
		const char *text;
		size_t n;

		if (cdp_agg_counts(a) && !cdp_varint_get(&count, &p, end))
			return false;
		if (!cdp_varint_get_bytes(&text, &n, &p, end) || n == 0 || count == 0)
			return false;
		cdp_bag_add(bag, text, n, count);
	}
	return true;
}

static bool read_tally(const struct cdp_agg *a, struct cdp_tally **t, const char *p,
		       const char *end)
{
	while (p < end) {
		const char *text, *total;
		struct cdp_total x = { 0 };
		size_t n, total_n;

		if (!cdp_varint_get_bytes(&text, &n, &p, end) || n == 0 ||
		    !cdp_varint_get_bytes(&total, &total_n, &p, end) ||
		    !read_total(&x, total, total + total_n) ||
		    (x.count == 0 && !x.failed))
			return false;
		cdp_tally_put(a, t, text, n, &x);
	}
	return true;
}

static bool read_kept(const struct cdp_agg *a, struct cdp_kept *k, const char *p,
		      const char *end)
{
	const char *id;
	int64_t time_ms;
	size_t id_n;
	char tag;

	if (p == end)
		return true;
	tag = *p++;
	if (tag < CDP_H_NULL || tag > CDP_H_JSON ||
	    !cdp_varint_get_signed(&time_ms, &p, end) ||
	    !cdp_varint_get_bytes(&id, &id_n, &p, end))
		return false;
	cdp_kept_offer(a, k, time_ms, id, id_n, tag, p, (size_t)(end - p));
	return true;
}

static bool read_days(uint64_t *days, const char *p, const char *end)
{
	int64_t day = 0, step;

	while (p < end) {
		if (!cdp_varint_get_signed(&step, &p, end) || step < INT32_MIN ||
		    step > INT32_MAX)
			return false;
		day += step;
		if (day < INT32_MIN || day > INT32_MAX)
			return false;
		cdp_days_add(days, (int32_t)day);
	}
	return true;
}

static bool read_state(const struct cdp_agg *a, void *state, const char *p,
		       const char *end)
{
	uint64_t n;

	switch (a->kind) {
	case CDP_AGG_COUNT:
		if (!cdp_varint_get(&n, &p, end))
			return false;
		*(uint64_t *)state += n;
		return p == end;
	case CDP_AGG_SUM:
	case CDP_AGG_AVG:
		return read_total(state, p, end);
	case CDP_AGG_DISTINCT:
	case CDP_AGG_TOP:
	case CDP_AGG_VALUES:
	case CDP_AGG_TOP_N:
		return read_bag(a, state, p, end);
	case CDP_AGG_TOP_BY_SUM:
	case CDP_AGG_TOP_BY_MAX:
		return read_tally(a, state, p, end);
	case CDP_AGG_DAYS:
		return read_days(state, p, end);
	case CDP_AGG_SEQUENCE:
		return cdp_sequence_read(a, state, p, end);
	default:
		return a->of_time ? read_instant(a, state, p, end)
				  : read_kept(a, state, p, end);
	}
}

int cdp_agg_read(const struct cdp_agg *a, void *state, const char *p, size_t n,
		 struct cdp_err *err)
{
	if (read_state(a, state, p, p + n))
		return 0;
	return cdp_err_set(err, CDP_ERR_DATA, "partial does not fit %.200s", a->text);
}
