#include "model/tagstore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/bundle.h"
#include "model/tagstore_priv.h"

struct cdp_tagstore {
	struct cdp_bundle *file;
	const struct cdp_bitmap *all;
	uint32_t limit; /* ordinals are below */
};

/* --- opening --- */

static const struct cdp_bitmap *load(const struct cdp_tagstore *t, uint32_t i,
				     struct cdp_err *err)
{
	struct cdp_bundle_item item;
	const struct cdp_bitmap *b;

	if (cdp_bundle_read(t->file, i, &item, err) < 0)
		return NULL;
	b = cdp_bitmap_view(item.data, item.n, err);
	if (!b)
		cdp_err_prefix(err, "'%s'", cdp_bundle_path(t->file));
	return b;
}

static int damaged(const struct cdp_tagstore *t, struct cdp_err *err)
{
	return cdp_tags_damaged(t->file, err);
}

static int check(struct cdp_tagstore *t, struct cdp_segstore *s, int64_t time,
		 struct cdp_err *err)
{
	uint64_t needed = cdp_bundle_number(t->file, CDP_TAGS_NEEDED), n;
	uint32_t last;

	if ((int64_t)cdp_bundle_number(t->file, CDP_TAGS_TIME) != time ||
	    needed >= UINT32_MAX || cdp_bundle_find(t->file, "", 0) != 0)
		return damaged(t, err);
	t->limit = (uint32_t)needed;
	if (cdp_segstore_check(s, t->limit, cdp_bundle_number(t->file, CDP_TAGS_PRINT),
			       err) < 0) {
		cdp_err_prefix(err, "'%s'", cdp_bundle_path(t->file));
		return -1;
	}
	t->all = load(t, 0, err);
	n = t->all ? cdp_bitmap_count(t->all) : 0;
	if (n && cdp_bitmap_select(t->all, (uint32_t)n - 1, &last) && last >= t->limit)
		return damaged(t, err);
	return t->all ? 0 : -1;
}

int cdp_tagstore_open(struct cdp_tagstore **out, struct cdp_segstore *s, int64_t time,
		      struct cdp_err *err)
{
	struct cdp_tagstore *t = cdp_calloc(1, sizeof(*t));
	char *path = cdp_segstore_path(s, time, CDP_TAGS_KIND);
	int rc = -1;

	if (access(path, F_OK) < 0 && errno == ENOENT) {
		rc = 0;
	} else {
		t->file = cdp_bundle_open(path, CDP_TAGS_KIND, err);
		rc = t->file && check(t, s, time, err) == 0 ? 1 : -1;
	}
	free(path);
	if (rc <= 0) {
		cdp_tagstore_close(t);
		t = NULL;
	}
	*out = t;
	return rc;
}

int cdp_tagstore_latest(struct cdp_tagstore **out, struct cdp_segstore *s, int64_t limit,
			struct cdp_err *err)
{
	size_t n;
	int64_t *times = cdp_segstore_times(s, CDP_TAGS_KIND, &n, err);
	int rc = 0;

	*out = NULL;
	if (!times)
		return -1;
	while (n && times[n - 1] > limit)
		n--;
	if (n)
		rc = cdp_tagstore_open(out, s, times[n - 1], err);
	free(times);
	return rc;
}

void cdp_tagstore_close(struct cdp_tagstore *t)
{
	if (!t)
		return;
	cdp_bitmap_free(t->all);
	cdp_bundle_close(t->file);
	free(t);
}

int64_t cdp_tagstore_time(const struct cdp_tagstore *t)
{
	return (int64_t)cdp_bundle_number(t->file, CDP_TAGS_TIME);
}

const struct cdp_bitmap *cdp_tagstore_all(const struct cdp_tagstore *t)
{
	return t->all;
}

/* --- the entries of a tag --- */

struct entries {
	const char *name;
	size_t n;
	uint32_t first, end; /* from the one that is always there */
};

/* The tag whose entries begin at *i, which goes to those of the next one.  1, or 0 at the
 * end. */
static int next_tag(const struct cdp_tagstore *t, uint32_t *i, struct entries *e,
		    struct cdp_err *err)
{
	struct cdp_bundle_item item, next;
	const unsigned char *len;

	if (*i >= cdp_bundle_count(t->file))
		return 0;
	if (cdp_bundle_at(t->file, *i, &item, err) < 0)
		return -1;
	len = (const unsigned char *)item.name;
	if (item.name_n < 5)
		return damaged(t, err);
	e->n = (size_t)len[0] << 24 | (size_t)len[1] << 16 | (size_t)len[2] << 8 | len[3];
	if (item.name_n != e->n + 5 || item.name[e->n + 4] != CDP_TAGS_NAMED)
		return damaged(t, err);
	e->name = item.name + 4;
	e->first = (*i)++;
	for (; *i < cdp_bundle_count(t->file); ++*i) {
		if (cdp_bundle_at(t->file, *i, &next, err) < 0)
			return -1;
		if (next.name_n < e->n + 5 || memcmp(next.name, item.name, e->n + 4) != 0)
			break;
	}
	e->end = *i;
	return 1;
}

int cdp_tagstore_each(const struct cdp_tagstore *t,
		      void (*each)(void *ctx, const char *name, size_t n,
				   uint64_t customers, uint64_t bytes),
		      void *ctx, struct cdp_err *err)
{
	struct entries e;
	uint32_t i = 1;
	int rc;

	while ((rc = next_tag(t, &i, &e, err)) > 0) {
		const struct cdp_bitmap *who = load(t, e.first, err);
		struct cdp_bundle_item item;
		uint64_t bytes = 0, customers;

		if (!who)
			return -1;
		customers = cdp_bitmap_count(who);
		cdp_bitmap_free(who);
		for (uint32_t k = e.first; k < e.end; k++) {
			if (cdp_bundle_at(t->file, k, &item, err) < 0)
				return -1;
			bytes += item.n;
		}
		each(ctx, e.name, e.n, customers, bytes);
	}
	return rc;
}

/* What an entry of the tag is, and the key of a value. */
static int entry_at(const struct cdp_tagstore *t, const struct entries *e, uint32_t i,
		    char *what, const char **key, size_t *n, struct cdp_err *err)
{
	struct cdp_bundle_item item;

	if (cdp_bundle_at(t->file, i, &item, err) < 0)
		return -1;
	*what = item.name[e->n + 4];
	*key = item.name + e->n + 5;
	*n = item.name_n - e->n - 5;
	return 0;
}

static int64_t find(const struct cdp_tagstore *t, const char *tag, size_t n,
		    enum cdp_tags_entry what, const char *key, size_t key_n)
{
	return cdp_tags_find(t->file, tag, n, what, key, key_n);
}

static int read_column(const struct cdp_tagstore *t, const char *tag, size_t n,
		       struct cdp_tags_column *c, struct cdp_err *err)
{
	return cdp_tags_read_column(t->file, t->limit, tag, n, c, err);
}

/* --- counting --- */

/* What is kept with a portrait, whose tags are counted one at a time. */
struct count {
	const struct cdp_tagstore *t;
	struct cdp_bitmap *groups[CDP_PORTRAIT_GROUPS]; /* within all */
	unsigned group_count;
	bool whole[CDP_PORTRAIT_GROUPS]; /* the group is all */
	uint8_t *masks;                  /* by ordinal */
	struct entries *tags;            /* by number in the portrait; first 0: none */
	size_t cap;
	/* of a column: counts by value and group, and the values that are met */
	uint64_t *counts;
	size_t counts_cap;
	uint32_t *chosen;
	size_t chosen_cap;
};

static uint64_t in_group(const struct count *c, const struct cdp_bitmap *b, unsigned g)
{
	return c->whole[g] ? cdp_bitmap_count(b) : cdp_bitmap_and_count(b, c->groups[g]);
}

/* Counts by value and mask where they fit into a cache, else at once by group. */
static int count_cells(const struct count *c, const struct cdp_tags_column *col,
		       uint64_t *counts)
{
	enum { SMALL = 4096 };
	unsigned groups = c->group_count, regions = 1u << groups;
	uint32_t n = col->keys.count + 1, *sums;
	size_t size = (size_t)n * regions;

	if (n <= SMALL) {
		sums = cdp_calloc(size, sizeof(*sums));
		for (uint32_t i = 0; i < c->t->limit; i++) {
			uint32_t x = cdp_tags_cell(col, i);

			sums[(x < n ? x : 0) * regions + c->masks[i]] += 1;
			if (x >= n) {
				free(sums);
				return -1;
			}
		}
		for (size_t k = 0; k < size; k++)
			for (unsigned g = 0; g < groups; g++)
				counts[k / regions * groups + g] +=
					k % regions >> g & 1 ? sums[k] : 0;
		free(sums);
		return 0;
	}
	for (uint32_t i = 0; i < c->t->limit; i++) {
		uint32_t x = cdp_tags_cell(col, i);
		unsigned mask = c->masks[i];

		if (x >= n)
			return -1;
		for (unsigned g = 0; mask; g++, mask >>= 1)
			counts[(size_t)x * groups + g] += mask & 1;
	}
	return 0;
}

static void reserve(struct count *c, size_t values)
{
	size_t n = values * c->group_count;

	if (n > c->counts_cap) {
		free(c->counts);
		c->counts = cdp_alloc(n * sizeof(*c->counts));
		c->counts_cap = n;
	}
	memset(c->counts, 0, n * sizeof(*c->counts));
	if (values > c->chosen_cap) {
		free(c->chosen);
		c->chosen = cdp_alloc(values * sizeof(*c->chosen));
		c->chosen_cap = values;
	}
}

/* Only what somebody in a group has is a value of the portrait. */
static int add_column(struct count *c, const struct cdp_tags_column *col,
		      struct cdp_portrait_tag *tag, struct cdp_err *err)
{
	unsigned groups = c->group_count;
	uint32_t n = 0;

	reserve(c, (size_t)col->keys.count + 1);
	if (count_cells(c, col, c->counts) < 0)
		return damaged(c->t, err);
	for (uint32_t x = 1; x <= col->keys.count; x++) {
		const uint64_t *of = c->counts + (size_t)x * groups;
		uint64_t any = 0;

		for (unsigned g = 0; g < groups; g++)
			any |= of[g];
		if (!any)
			continue;
		memmove(c->counts + (size_t)n * groups, of, groups * sizeof(*of));
		c->chosen[n++] = x - 1;
	}
	tag->keys = col->keys;
	tag->scaled = col->scaled;
	tag->scale = col->scale;
	tag->counts = c->counts;
	tag->chosen = c->chosen;
	tag->chosen_count = n;
	tag->borrowed = true;
	return 0;
}

static int add_value(const struct count *c, const struct cdp_portrait *p,
		     struct cdp_portrait_tag *tag, uint32_t at, const char *key, size_t n,
		     struct cdp_err *err)
{
	const struct cdp_bitmap *b = load(c->t, at, err);
	uint64_t counts[CDP_PORTRAIT_GROUPS], any = 0;

	if (!b)
		return -1;
	for (unsigned g = 0; g < c->group_count; g++)
		any |= counts[g] = in_group(c, b, g);
	cdp_bitmap_free(b);
	if (any)
		memcpy(cdp_portrait_put_counts(p, tag,
					       cdp_intern_put(tag->values, key, n, NULL)),
		       counts, c->group_count * sizeof(*counts));
	return 0;
}

/* The bitmap of an entry of its own, by group; whether anybody is in it. */
static int add_who(const struct count *c, uint32_t at, uint64_t *counts, bool *any,
		   struct cdp_err *err)
{
	const struct cdp_bitmap *b = load(c->t, at, err);

	if (!b)
		return -1;
	*any = false;
	for (unsigned g = 0; g < c->group_count; g++) {
		counts[g] = in_group(c, b, g);
		*any |= counts[g] != 0;
	}
	cdp_bitmap_free(b);
	return 0;
}

static int add_entry(const struct count *c, const struct cdp_portrait *p,
		     const struct entries *e, uint32_t i, struct cdp_portrait_tag *tag,
		     struct cdp_err *err)
{
	uint64_t counts[CDP_PORTRAIT_GROUPS];
	const char *key;
	char what;
	size_t n;

	if (entry_at(c->t, e, i, &what, &key, &n, err) < 0)
		return -1;
	switch (what) {
	case CDP_TAGS_PRESENT: {
		bool any;

		return add_who(c, i, tag->present, &any, err);
	}
	case CDP_TAGS_LISTS:
		return add_who(c, i, counts, &tag->list, err);
	case CDP_TAGS_VALUE:
		return n ? add_value(c, p, tag, i, key, n, err) : damaged(c->t, err);
	case CDP_TAGS_KEYS:
	case CDP_TAGS_CELLS:
	case CDP_TAGS_SCALED:
		return 0;
	default:
		return damaged(c->t, err);
	}
}

static int load_tag(void *ctx, const struct cdp_portrait *p, uint32_t id,
		    struct cdp_portrait_tag *tag, struct cdp_err *err)
{
	struct count *c = ctx;
	const struct entries *e = &c->tags[id];
	struct cdp_tags_column col;
	int rc;

	if (id >= c->cap || !e->first)
		return 0;
	rc = read_column(c->t, e->name, e->n, &col, err);
	if (rc > 0)
		rc = add_column(c, &col, tag, err);
	for (uint32_t i = e->first + 1; i < e->end && rc == 0; i++)
		rc = add_entry(c, p, e, i, tag, err);
	return rc;
}

/* A tag that nobody in a group has is none of the portrait, unless it was asked for. */
static int add_tag(struct count *c, struct cdp_portrait *p, const struct entries *e,
		   bool asked, struct cdp_err *err)
{
	uint64_t present[CDP_PORTRAIT_GROUPS];
	struct cdp_portrait_tag *tag;
	size_t before = c->cap;
	uint32_t id;
	bool any;

	if (add_who(c, e->first, present, &any, err) < 0)
		return -1;
	if (!any && !asked)
		return 0;
	tag = cdp_portrait_put_tag(p, e->name, e->n, &id);
	memcpy(tag->present, present, sizeof(*present) * c->group_count);
	CDP_GROW(c->tags, id, c->cap);
	memset(c->tags + before, 0, (c->cap - before) * sizeof(*c->tags));
	c->tags[id] = *e;
	return 0;
}

static int add_tags(struct count *c, struct cdp_portrait *p,
		    const struct cdp_intern *only, struct cdp_err *err)
{
	struct entries e;
	uint32_t i = 1;
	int rc = 0;

	for (uint32_t k = 0; only && k < cdp_intern_count(only) && rc == 0; k++) {
		size_t n;
		const char *name = cdp_intern_key(only, k, &n);
		int64_t at = find(c->t, name, n, CDP_TAGS_NAMED, NULL, 0);

		i = (uint32_t)at;
		if (at > 0 && (rc = next_tag(c->t, &i, &e, err)) > 0)
			rc = add_tag(c, p, &e, true, err);
	}
	while (!only && rc == 0 && (rc = next_tag(c->t, &i, &e, err)) > 0)
		rc = add_tag(c, p, &e, false, err);
	return rc;
}

/* --- groups --- */

static void mark(uint8_t *masks, const struct cdp_bitmap *b, unsigned g)
{
	uint32_t v[1024];
	uint64_t from = 0;
	size_t n;

	while ((n = cdp_bitmap_next(b, &from, v, 1024)))
		for (size_t i = 0; i < n; i++)
			masks[v[i]] |= (uint8_t)(1u << g);
}

static void count_regions(const struct count *c, struct cdp_portrait *p)
{
	uint64_t regions[CDP_PORTRAIT_REGIONS] = { 0 };

	for (uint32_t i = 0; i < c->t->limit; i++)
		regions[c->masks[i]]++;
	/* Who had no profile is in no group either. */
	regions[0] -= c->t->limit - cdp_bitmap_count(c->t->all);
	cdp_portrait_set_regions(p, regions);
}

static void release(void *ctx)
{
	struct count *c = ctx;

	for (unsigned g = 0; g < c->group_count; g++)
		cdp_bitmap_free(c->groups[g]);
	free(c->masks);
	free(c->tags);
	free(c->counts);
	free(c->chosen);
	free(c);
}

struct cdp_portrait *cdp_tagstore_portrait(const struct cdp_tagstore *t,
					   const struct cdp_bitmap *const *groups,
					   unsigned count, const struct cdp_intern *only,
					   struct cdp_err *err)
{
	struct cdp_portrait *p = cdp_portrait_new(count, only);
	struct count *c = cdp_calloc(1, sizeof(*c));

	c->t = t;
	c->group_count = count;
	c->masks = cdp_calloc((size_t)t->limit + 1, 1);
	cdp_portrait_set_loader(p, &(struct cdp_portrait_loader){ load_tag, release, c });
	for (unsigned g = 0; g < count; g++) {
		c->groups[g] = cdp_bitmap_and(groups[g], t->all);
		c->whole[g] = cdp_bitmap_equals(c->groups[g], t->all);
		mark(c->masks, c->groups[g], g);
	}
	count_regions(c, p);
	if (add_tags(c, p, only, err) == 0)
		return p;
	cdp_portrait_free(p);
	return NULL;
}

/* --- one tag's values --- */

static int match_cells(const struct cdp_tagstore *t, const struct cdp_tags_column *c,
		       const struct cdp_intern *keys, struct cdp_bitmap *into,
		       struct cdp_err *err)
{
	bool *wanted = cdp_calloc((size_t)c->keys.count + 1, sizeof(*wanted));
	int rc = 0;

	for (uint32_t i = 0; i < c->keys.count; i++) {
		uint32_t from = i ? c->keys.ends[i - 1] : 0;

		wanted[i + 1] = cdp_intern_get(keys, c->keys.text + from,
					       c->keys.ends[i] - from) != CDP_INTERN_NONE;
	}
	for (uint32_t i = 0; i < t->limit && rc == 0; i++) {
		uint32_t x = cdp_tags_cell(c, i);

		if (x > c->keys.count)
			rc = damaged(t, err);
		else if (wanted[x])
			cdp_bitmap_add(into, i);
	}
	free(wanted);
	return rc;
}

static int match_values(const struct cdp_tagstore *t, const char *tag, size_t n,
			const struct cdp_intern *keys, struct cdp_bitmap *into,
			struct cdp_err *err)
{
	for (uint32_t k = 0; k < cdp_intern_count(keys); k++) {
		size_t len;
		const char *key = cdp_intern_key(keys, k, &len);
		int64_t at = find(t, tag, n, CDP_TAGS_VALUE, key, len);
		const struct cdp_bitmap *b = at < 0 ? NULL : load(t, (uint32_t)at, err);

		if (at >= 0 && !b)
			return -1;
		if (b)
			cdp_bitmap_or_with(into, b);
		cdp_bitmap_free(b);
	}
	return 0;
}

static int match_missing(const struct cdp_tagstore *t, const char *tag, size_t n,
			 struct cdp_bitmap *into, struct cdp_err *err)
{
	int64_t at = find(t, tag, n, CDP_TAGS_PRESENT, NULL, 0);
	const struct cdp_bitmap *b;
	struct cdp_bitmap *missing;

	if (at < 0)
		at = find(t, tag, n, CDP_TAGS_NAMED, NULL, 0);
	if (at < 0) {
		cdp_bitmap_or_with(into, t->all);
		return 0;
	}
	b = load(t, (uint32_t)at, err);
	if (!b)
		return -1;
	missing = cdp_bitmap_andnot(t->all, b);
	cdp_bitmap_or_with(into, missing);
	cdp_bitmap_free(missing);
	cdp_bitmap_free(b);
	return 0;
}

struct cdp_bitmap *cdp_tagstore_match(const struct cdp_tagstore *t, const char *tag,
				      size_t n, const struct cdp_intern *keys,
				      bool missing, struct cdp_err *err)
{
	struct cdp_bitmap *into = cdp_bitmap_new();
	struct cdp_tags_column c;
	int rc = read_column(t, tag, n, &c, err);

	if (rc > 0)
		rc = match_cells(t, &c, keys, into, err);
	else if (rc == 0)
		rc = match_values(t, tag, n, keys, into, err);
	if (rc == 0 && missing)
		rc = match_missing(t, tag, n, into, err);
	if (rc == 0)
		return into;
	cdp_bitmap_free(into);
	return NULL;
}
