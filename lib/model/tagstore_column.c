#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/mem.h"
#include "model/portrait_bins.h"
#include "model/tagstore_priv.h"

static void add_keys(const struct cdp_portrait_sorted *s, struct cdp_buf *keys)
{
	uint32_t end = 0;
	size_t n;

	cdp_buf_add(keys, &s->count, sizeof(s->count));
	for (uint32_t i = 0; i < s->count; i++) {
		cdp_portrait_text(s, i, &n);
		end += (uint32_t)n + 1;
		cdp_buf_add(keys, &end, sizeof(end));
	}
	for (uint32_t i = 0; i < s->count; i++) {
		const char *text = cdp_portrait_text(s, i, &n);

		cdp_buf_add(keys, text - 1, n + 1);
	}
}

/* The largest scale of all; false if one is no such number. */
static bool parse_all(const struct cdp_portrait_sorted *s, struct cdp_decimal *v,
		      unsigned *scale)
{
	*scale = 0;
	for (uint32_t i = 0; i < s->count; i++) {
		struct cdp_err ignored;
		size_t n;
		const char *text = cdp_portrait_text(s, i, &n);

		if (cdp_decimal_parse(&v[i], text, n, &ignored) < 0)
			return false;
		if (v[i].scale > *scale)
			*scale = v[i].scale;
	}
	return true;
}

static void add_scaled(const struct cdp_portrait_sorted *s, struct cdp_buf *scaled,
		       unsigned *scale)
{
	struct cdp_decimal *v = cdp_alloc(((size_t)s->count + 1) * sizeof(*v));
	bool fits = s->order == CDP_PORTRAIT_NUMBERS && parse_all(s, v, scale);

	for (uint32_t i = 0; i < s->count && fits; i++) {
		int64_t x = 0;

		fits = !__builtin_add_overflow(v[i].unscaled, 0, &x);
		for (unsigned k = v[i].scale; k < *scale && fits; k++)
			fits = !__builtin_mul_overflow(x, 10, &x);
		cdp_buf_add(scaled, &x, sizeof(x));
	}
	if (!fits)
		cdp_buf_reset(scaled);
	free(v);
}

void cdp_tags_make_column(const struct cdp_intern *values, uint32_t *number,
			  struct cdp_buf *keys, struct cdp_buf *scaled, unsigned *scale)
{
	const struct cdp_portrait_tag t = { .values = (struct cdp_intern *)values };
	struct cdp_portrait_sorted s;

	cdp_portrait_sort(&s, &t, 0);
	cdp_buf_reset(keys);
	add_keys(&s, keys);
	cdp_buf_reset(scaled);
	add_scaled(&s, scaled, scale);
	number[0] = 0;
	for (uint32_t i = 0; i < s.count; i++)
		number[1 + s.ids[i]] = i + 1;
	cdp_portrait_sorted_release(&s);
}

/* --- reading --- */

int cdp_tags_damaged(const struct cdp_bundle *file, struct cdp_err *err)
{
	return cdp_err_set(err, CDP_ERR_SYS, "'%s': damaged", cdp_bundle_path(file));
}

int64_t cdp_tags_find(const struct cdp_bundle *file, const char *tag, size_t n,
		      enum cdp_tags_entry what, const char *key, size_t key_n)
{
	struct cdp_buf name;
	int64_t i;

	cdp_buf_init(&name, CDP_BUF_NOMAX);
	cdp_tags_name(&name, tag, n, what);
	cdp_buf_add(&name, key, key_n);
	i = cdp_bundle_find(file, name.p, name.n);
	cdp_buf_release(&name);
	return i;
}

static int read_keys(const struct cdp_bundle *file, uint32_t at,
		     struct cdp_tags_column *c, struct cdp_err *err)
{
	struct cdp_bundle_item item;
	struct cdp_portrait_keys *k = &c->keys;
	uint32_t before = 0;
	size_t room;

	if (cdp_bundle_read(file, at, &item, err) < 0)
		return -1;
	if (item.n < 4)
		return cdp_tags_damaged(file, err);
	memcpy(&k->count, item.data, 4);
	if (k->count > (item.n - 4) / 4)
		return cdp_tags_damaged(file, err);
	k->ends = (const uint32_t *)item.data + 1;
	k->text = (const char *)(k->ends + k->count);
	room = item.n - 4 - (size_t)k->count * 4;
	for (uint32_t i = 0; i < k->count; i++) {
		if (k->ends[i] <= before || k->ends[i] > room)
			return cdp_tags_damaged(file, err);
		before = k->ends[i];
	}
	return 0;
}

static int read_cells(const struct cdp_bundle *file, uint32_t limit, uint32_t at,
		      struct cdp_tags_column *c, struct cdp_err *err)
{
	struct cdp_bundle_item item;

	if (cdp_bundle_read(file, at, &item, err) < 0)
		return -1;
	c->cells = item.data;
	c->width = (unsigned)item.number;
	if ((item.number != 1 && item.number != 2 && item.number != 4) ||
	    item.n != (size_t)limit * c->width)
		return cdp_tags_damaged(file, err);
	return 0;
}

static int read_scaled(const struct cdp_bundle *file, uint32_t at,
		       struct cdp_tags_column *c, struct cdp_err *err)
{
	struct cdp_bundle_item item;

	if (cdp_bundle_read(file, at, &item, err) < 0)
		return -1;
	c->scaled = item.data;
	c->scale = (unsigned)item.number;
	if (item.n != (size_t)c->keys.count * 8 || item.number > 18)
		return cdp_tags_damaged(file, err);
	return 0;
}

int cdp_tags_read_column(const struct cdp_bundle *file, uint32_t limit, const char *tag,
			 size_t n, struct cdp_tags_column *c, struct cdp_err *err)
{
	int64_t keys = cdp_tags_find(file, tag, n, CDP_TAGS_KEYS, NULL, 0),
		cells = cdp_tags_find(file, tag, n, CDP_TAGS_CELLS, NULL, 0),
		scaled = cdp_tags_find(file, tag, n, CDP_TAGS_SCALED, NULL, 0);

	*c = (struct cdp_tags_column){ 0 };
	if (keys < 0 && cells < 0)
		return 0;
	if (keys < 0 || cells < 0)
		return cdp_tags_damaged(file, err);
	if (read_keys(file, (uint32_t)keys, c, err) < 0 ||
	    read_cells(file, limit, (uint32_t)cells, c, err) < 0)
		return -1;
	return scaled >= 0 && read_scaled(file, (uint32_t)scaled, c, err) < 0 ? -1 : 1;
}
