#include "model/tagstore.h"

#include "base/mem.h"
#include "base/rand.h"
#include "model/portrait_bins.h"
#include "record/json.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CUSTOMERS = 3000, PARTS = 3, GROUPS = 3 };

static char dir[] = "/tmp/test_tagstore.XXXXXX";
static struct cdp_err err;
static char *profiles[CUSTOMERS];

static const char *const odd[] = { "null", "[]",   "[null,\"x\"]", "[1,\"x\",1.0]",
				   "true", "\"\"", "{\"a\": 1}",   "\"x\"" };

/* Tags of few values, of lists, of many numbers, times and texts, and of both kinds. */
static void draw(void)
{
	struct cdp_rand r;

	cdp_rand_seed(&r, 1, 1);
	for (int i = 0; i < CUSTOMERS; i++) {
		struct cdp_buf b;

		cdp_buf_init(&b, CDP_BUF_NOMAX);
		cdp_buf_addf(&b, "{\"number\":%u.%02u", cdp_rand_below(&r, 900),
			     cdp_rand_below(&r, 100));
		if (cdp_rand_below(&r, 2))
			cdp_buf_addf(&b, ",\"odd\":%s", odd[cdp_rand_below(&r, 8)]);
		if (cdp_rand_below(&r, 3))
			cdp_buf_addf(&b, ",\"text\":\"t%u\"", cdp_rand_below(&r, 300));
		if (cdp_rand_below(&r, 3))
			cdp_buf_addf(&b, ",\"day\":\"2024-%02u-%02u\"",
				     1 + cdp_rand_below(&r, 12),
				     1 + cdp_rand_below(&r, 28));
		if (cdp_rand_below(&r, 2))
			cdp_buf_addf(&b, ",\"both\":%s%u%s", i % 5 ? "" : "\"",
				     cdp_rand_below(&r, 500), i % 5 ? "" : "\"");
		if (cdp_rand_below(&r, 9) == 0)
			cdp_buf_adds(&b, ",\"big\":1e300,\"nil\":null,\"number\":7");
		cdp_buf_addc(&b, '}');
		profiles[i] = cdp_strdup(cdp_buf_str(&b));
		cdp_buf_release(&b);
	}
}

static struct cdp_val tags_of(int i)
{
	struct cdp_val v;

	cdp_val_at(&v, profiles[i], strlen(profiles[i]));
	return v;
}

/* Keys that are no numbers in their own order. */
static size_t key_of(char *text, int i)
{
	return (size_t)snprintf(text, 8, "%04d", i * 7 % CUSTOMERS);
}

static void save(void)
{
	struct cdp_segstore *s = cdp_segstore_open(dir, true, &err);
	struct cdp_tagstore_part *parts[PARTS];
	struct cdp_val none;
	char key[8];

	for (int k = 0; k < PARTS; k++)
		parts[k] = cdp_tagstore_part_new();
	for (int i = 0; i < CUSTOMERS; i++) {
		struct cdp_val tags = tags_of(i);

		cdp_tagstore_part_add(parts[i % PARTS], key, key_of(key, i), &tags);
	}
	ok(s && cdp_tagstore_save(s, cdp_time_from_ms(0), parts, PARTS, &err) == 0,
	   "tags are kept");
	none = tags_of(0);
	cdp_tagstore_part_add(parts[0], key, 4, &none);
	ok(cdp_tagstore_save(s, cdp_time_from_ms(1), parts, PARTS, &err) < 0 &&
		   strstr(err.msg, "one profile a customer"),
	   "a second profile of a customer is refused");
	for (int k = 0; k < PARTS; k++)
		cdp_tagstore_part_free(parts[k]);
	cdp_segstore_close(s);
}

/* Which groups a customer is in, by ordinal, which is the number of the key. */
static unsigned mask_of(uint32_t ordinal, bool whole)
{
	return (whole || ordinal % 3 == 0) | (ordinal % 5 == 0) << 1 |
	       (ordinal < 40 && ordinal % 2) << 2;
}

/* All that a tag says, value by value in their order. */
static void describe(struct cdp_buf *b, const struct cdp_portrait_tag *t)
{
	struct cdp_portrait_sorted s;

	cdp_portrait_sort(&s, t, GROUPS);
	cdp_buf_addf(b, "%d %d:", s.order, t->list);
	for (unsigned g = 0; g < GROUPS; g++)
		cdp_buf_addf(b, " %llu", (unsigned long long)t->present[g]);
	for (uint32_t i = 0; i < s.count; i++) {
		size_t n;
		const char *text = cdp_portrait_text(&s, i, &n);

		cdp_buf_addf(b, " %c%.*s", text[-1], (int)n, text);
		for (unsigned g = 0; g < GROUPS; g++)
			cdp_buf_addf(b, "/%llu",
				     (unsigned long long)cdp_portrait_count(&s, i, g));
	}
	cdp_portrait_sorted_release(&s);
}

static void compare(const struct cdp_portrait *want, const struct cdp_portrait *got)
{
	is_int(cdp_portrait_tags(got), cdp_portrait_tags(want), "as many tags are met");
	ok(memcmp(cdp_portrait_regions(got), cdp_portrait_regions(want),
		  sizeof(uint64_t) << GROUPS) == 0,
	   "as many customers are in each combination of groups");
	for (unsigned i = 0; i < cdp_portrait_tags(got); i++) {
		const char *name, *other;
		size_t n, m;
		const struct cdp_portrait_tag *t =
			cdp_portrait_load(got, i, &name, &n, &err);
		struct cdp_buf a, b;

		cdp_buf_init(&a, CDP_BUF_NOMAX);
		cdp_buf_init(&b, CDP_BUF_NOMAX);
		describe(&a, t);
		for (unsigned k = 0; k < cdp_portrait_tags(want); k++) {
			t = cdp_portrait_tag_at(want, k, &other, &m);
			if (n == m && memcmp(name, other, n) == 0)
				describe(&b, t);
		}
		is_str(cdp_buf_str(&a), cdp_buf_str(&b),
		       "tag '%.*s' is counted as in a pass", (int)n, name);
		cdp_buf_release(&a);
		cdp_buf_release(&b);
	}
}

static void portraits(bool whole)
{
	struct cdp_segstore *s = cdp_segstore_open(dir, false, &err);
	struct cdp_portrait *want = cdp_portrait_new(GROUPS, NULL), *got;
	struct cdp_bitmap *groups[GROUPS];
	struct cdp_tagstore *t = NULL;

	for (unsigned g = 0; g < GROUPS; g++)
		groups[g] = cdp_bitmap_new();
	for (int i = 0; i < CUSTOMERS; i++) {
		uint32_t ordinal = (uint32_t)(i * 7 % CUSTOMERS);
		unsigned mask = mask_of(ordinal, whole);
		struct cdp_val tags = tags_of(i);

		cdp_portrait_add(want, &tags, mask);
		for (unsigned g = 0; g < GROUPS; g++)
			if (mask >> g & 1)
				cdp_bitmap_add(groups[g], ordinal);
	}
	ok(cdp_tagstore_latest(&t, s, 5, &err) == 1, "the latest tags are found");
	got = cdp_tagstore_portrait(t, (const struct cdp_bitmap *const *)groups, GROUPS,
				    NULL, &err);
	compare(want, got);
	for (unsigned g = 0; g < GROUPS; g++)
		cdp_bitmap_free(groups[g]);
	cdp_portrait_free(want);
	cdp_portrait_free(got);
	cdp_tagstore_close(t);
	ok(cdp_tagstore_latest(&t, s, -1, &err) == 0, "before that there are none");
	cdp_segstore_close(s);
}

int main(void)
{
	char *cmd;

	if (!mkdtemp(dir))
		return 1;
	draw();
	save();
	portraits(true);
	portraits(false);
	for (int i = 0; i < CUSTOMERS; i++)
		free(profiles[i]);
	cmd = cdp_asprintf("rm -rf %s", dir);
	ok(system(cmd) == 0, "nothing stays");
	free(cmd);
	return tap_done();
}
