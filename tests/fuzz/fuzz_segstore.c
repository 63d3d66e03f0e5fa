/* Files of the store of audiences.  The first byte says what the others are:
 *
 *	b, f	a bitmap in its portable, its frozen form
 *	k	a dictionary of customers
 *	r	a file of audiences
 *	a, t	entries of audiences, of tags, whose checksums are made right: a number,
 *the length of the name, two bytes of length of the data, name and data
 *
 * Whatever they are, they are read or refused. */
#include "base/mem.h"
#include "io/bundle.h"
#include "io/out.h"
#include "model/keyorder.h"
#include "model/portrait_table.h"
#include "model/tagstore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CUSTOMERS = 300, ENTRIES = 40 };

static char dir[] = "/tmp/fuzz_segstore.XXXXXX";
static uint64_t print;
static struct cdp_err err;

static const char *key_at(void *ctx, uint32_t i, size_t *n)
{
	char *text = ctx;

	*n = (size_t)snprintf(text, 8, "%03u", i);
	return text;
}

static void leave(void)
{
	char cmd[100];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd) != 0)
		fprintf(stderr, "%s stays\n", dir);
}

static void start(void)
{
	struct cdp_segstore *s;
	char text[8];

	if (!mkdtemp(dir))
		abort();
	atexit(leave);
	s = cdp_segstore_open(dir, true, &err);
	if (!s)
		abort();
	free(cdp_segstore_ordinals(s, &(struct cdp_keylist){ CUSTOMERS, key_at, text },
				   &err));
	cdp_keydict_fingerprint(cdp_segstore_dict(s), CUSTOMERS, &print);
	cdp_segstore_close(s);
}

static void use_bitmap(const struct cdp_bitmap *b)
{
	struct cdp_bitmap *few, *copy;
	struct cdp_buf out;

	if (!b)
		return;
	few = cdp_bitmap_range(3, 70000);
	cdp_buf_init(&out, CDP_BUF_NOMAX);
	cdp_bitmap_free(cdp_bitmap_and(b, few));
	cdp_bitmap_free(cdp_bitmap_or(b, few));
	cdp_bitmap_free(cdp_bitmap_xor(few, b));
	cdp_bitmap_and_count(few, b);
	copy = cdp_bitmap_andnot(b, few);
	cdp_bitmap_or_with(copy, b);
	cdp_bitmap_optimise(copy);
	if (!cdp_bitmap_equals(copy, b) || !cdp_bitmap_is_subset(copy, b))
		abort();
	cdp_bitmap_write(copy, &out);
	cdp_bitmap_free(copy);
	copy = cdp_bitmap_read(out.p, out.n, &err);
	if (!copy || !cdp_bitmap_equals(copy, b))
		abort();
	cdp_bitmap_free(copy);
	cdp_bitmap_free(few);
	cdp_buf_release(&out);
}

static void bitmap(const uint8_t *p, size_t n, bool frozen)
{
	void *copy = cdp_alloc_aligned(CDP_BITMAP_ALIGN, n);
	const struct cdp_bitmap *b;

	if (n)
		memcpy(copy, p, n);
	b = frozen ? cdp_bitmap_view(copy, n, &err) : cdp_bitmap_read(copy, n, &err);
	use_bitmap(b);
	cdp_bitmap_free(b);
	free(copy);
}

static void dictionary(const uint8_t *p, size_t n)
{
	char *path = cdp_asprintf("%s/other", dir), text[8];
	struct cdp_keydict *d;
	const char *key;
	size_t len;

	cdp_file_replace(path, p, n, &err);
	d = cdp_keydict_open(path, &err);
	for (uint32_t i = 0; d && i < cdp_keydict_count(d); i++)
		cdp_keydict_key(d, i, &key, &len, &err);
	cdp_keydict_close(d);
	d = cdp_keydict_open_writer(path, &err);
	if (d)
		free(cdp_keydict_put_all(d, &(struct cdp_keylist){ 3, key_at, text },
					 &err));
	cdp_keydict_close(d);
	free(path);
}

static int count_key(void *ctx, uint32_t ordinal, const char *key, size_t n)
{
	(void)ordinal;
	(void)key;
	*(size_t *)ctx += n;
	return 0;
}

static void use_audiences(struct cdp_segstore *s)
{
	struct cdp_keyorder *order = cdp_keyorder_new(cdp_segstore_dict(s), &err);
	struct cdp_segversion *v = NULL;
	struct cdp_segaudience a;
	size_t sum = 0;

	if (cdp_segversion_open(&v, s, 0, &err) > 0)
		for (uint32_t i = 0; i < cdp_segversion_count(v); i++) {
			const struct cdp_bitmap *b = cdp_segversion_load(v, i, &err);

			if (cdp_segversion_at(v, i, &a, &err) == 0)
				cdp_segversion_find(v, a.name, a.name_n);
			use_bitmap(b);
			if (b)
				cdp_keyorder_each(order, b, count_key, &sum, &err);
			cdp_bitmap_free(b);
		}
	cdp_segversion_close(v);
	cdp_keyorder_free(order);
}

static void use_portrait(const struct cdp_tagstore *t, const struct cdp_bitmap *half)
{
	static const struct cdp_portrait_spec specs[] = {
		{ .values = 3 },
		{ .values = 5, .bins = 3, .equal_width = true },
		{ .values = 4, .bins = 2, .min_cell = 3 },
	};
	const struct cdp_bitmap *groups[] = { cdp_tagstore_all(t), half };

	for (unsigned i = 0; i < 3; i++) {
		struct cdp_portrait *p =
			cdp_tagstore_portrait(t, groups + i % 2, 2 - i % 2, NULL, &err);
		struct cdp_portrait_tables *tables =
			p ? cdp_portrait_tables_new(p, &specs[i], &err) : NULL;

		cdp_portrait_tables_free(tables);
		cdp_portrait_free(p);
	}
}

static void use_tags(struct cdp_segstore *s)
{
	struct cdp_bitmap *half = cdp_bitmap_range(0, CUSTOMERS / 2);
	struct cdp_intern *keys = cdp_intern_new(0);
	struct cdp_tagstore *t = NULL;

	cdp_intern_put(keys, "sx", 2, NULL);
	if (cdp_tagstore_latest(&t, s, 0, &err) > 0) {
		use_portrait(t, half);
		cdp_bitmap_free(cdp_tagstore_match(t, "a", 1, keys, true, &err));
	}
	cdp_tagstore_close(t);
	cdp_intern_free(keys);
	cdp_bitmap_free(half);
}

/* Entries whose names do not ascend are passed over, as no writer makes them. */
static void entries(const char *path, const char *kind, const uint8_t *p, size_t n)
{
	const uint64_t numbers[CDP_BUNDLE_NUMBERS] = { 0, CUSTOMERS, print };
	struct cdp_bundle_out *o = cdp_bundle_create(path, kind, &err);
	struct cdp_bitmap *all = cdp_bitmap_range(0, CUSTOMERS - 7);
	struct cdp_buf first, last;
	int left = ENTRIES;

	if (!o)
		abort();
	cdp_buf_init(&first, CDP_BUF_NOMAX);
	cdp_buf_init(&last, CDP_BUF_NOMAX);
	cdp_bitmap_freeze(all, &first);
	cdp_bundle_add(o, &(struct cdp_bundle_item){ .data = first.p, .n = first.n },
		       &err);
	while (n >= 4 && left-- > 0) {
		struct cdp_bundle_item e = { .number = p[0], .name_n = p[1] };
		size_t same;
		int c;

		e.n = p[2] | (size_t)p[3] << 8;
		if (e.name_n + e.n > n - 4)
			break;
		e.name = (const char *)p + 4;
		e.data = p + 4 + e.name_n;
		p += 4 + e.name_n + e.n;
		n -= 4 + e.name_n + e.n;
		same = e.name_n < last.n ? e.name_n : last.n;
		c = memcmp(e.name, last.p, same);
		if (c < 0 || (c == 0 && e.name_n <= last.n))
			continue;
		cdp_buf_reset(&last);
		cdp_buf_add(&last, e.name, e.name_n);
		cdp_bundle_add(o, &e, &err);
	}
	if (cdp_bundle_finish(o, numbers, &err) < 0)
		abort();
	cdp_bitmap_free(all);
	cdp_buf_release(&first);
	cdp_buf_release(&last);
}

static void file(uint8_t what, const uint8_t *p, size_t n)
{
	struct cdp_segstore *s = cdp_segstore_open(dir, false, &err);
	const char *kind = what == 't' ? "tags" : "audiences";
	char *path;

	if (!s)
		abort();
	path = cdp_segstore_path(s, 0, kind);
	if (what == 'r')
		cdp_file_replace(path, p, n, &err);
	else
		entries(path, kind, p, n);
	if (what == 't')
		use_tags(s);
	else
		use_audiences(s);
	free(path);
	cdp_segstore_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!print)
		start();
	if (size == 0)
		return 0;
	switch (data[0]) {
	case 'b':
	case 'f':
		bitmap(data + 1, size - 1, data[0] == 'f');
		break;
	case 'k':
		dictionary(data + 1, size - 1);
		break;
	case 'r':
	case 'a':
	case 't':
		file(data[0], data + 1, size - 1);
		break;
	}
	return 0;
}
