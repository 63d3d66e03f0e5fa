/* Portraits: how the values of tags are distributed over audiences.
 *
 * Customers are counted in groups: group 0 is the base, the others are audiences.  Every
 * customer may be in any of them; a group mask says in which (bit g: group g).
 *
 * What a profile says of a tag:
 * - nothing or null: it is missing;
 * - a value: told apart by type and value, whatever the spelling (1.50 is 15e-1);
 * - a list: each of its different items counts once for the customer, an empty list as
 *   the value []; a null in it is nothing.
 * Of members that come twice the last counts.
 *
 * Counting is exact, in one pass; nothing depends on the order of profiles nor on how
 * they were spread over collectors.  Memory: the text of each different value of a tag,
 * about 16 bytes more (24 in lists), and 8 a group. */
#ifndef CDP_MODEL_PORTRAIT_H
#define CDP_MODEL_PORTRAIT_H

#include "base/buf.h"
#include "base/intern.h"
#include "record/scan.h"

enum { CDP_PORTRAIT_GROUPS = 5, CDP_PORTRAIT_REGIONS = 1 << CDP_PORTRAIT_GROUPS };

/* A value's key: its kind, then its text. */
enum cdp_portrait_kind {
	CDP_PORTRAIT_BOOL = 'b',   /* true, false */
	CDP_PORTRAIT_NUMBER = 'n', /* as cdp_numtext_add writes it */
	CDP_PORTRAIT_STRING = 's', /* decoded */
	CDP_PORTRAIT_JSON = 'j',   /* an object, a list in a list, []: minified */
};
/* Appends the key of a value that is not missing (and no list with items). */
void cdp_portrait_key(struct cdp_buf *b, const struct cdp_val *v, struct cdp_buf *tmp);

/* What a value or a list says, key by key, in *key: a null in a list is nothing, an empty
 * list [] (is_item is false for it).  Nothing for a null. */
void cdp_portrait_each_key(const struct cdp_val *v, struct cdp_buf *key,
			   struct cdp_buf *tmp, void (*each)(void *ctx, bool is_item),
			   void *ctx);

/* Keys that lie in memory of others, in the order of portraits (model/portrait_bins.h).
 */
struct cdp_portrait_keys {
	const char *text;
	const uint32_t *ends; /* of each in the text */
	uint32_t count;
};

struct cdp_portrait_tag {
	struct cdp_intern *values; /* by key */
	/* Instead of values, if it has a text: of these the ones that are counted, their
	 * numbers ascending, are the values. */
	struct cdp_portrait_keys keys;
	uint32_t *chosen, chosen_count;
	/* Of keys, all of them numbers: each times 10^scale; NULL: not known. */
	const int64_t *scaled;
	unsigned scale;
	bool borrowed;    /* counts and chosen are the loader's */
	uint64_t *counts; /* of value v in group g: [v * groups + g] */
	uint64_t *met;    /* of lists: the last customer who had the value */
	size_t cap, met_cap;
	uint64_t present[CDP_PORTRAIT_GROUPS]; /* customers who have the tag */
	bool list;                             /* some customer has several values */
};

/* How many values there are, and their keys by number. */
static inline uint32_t cdp_portrait_values(const struct cdp_portrait_tag *t)
{
	return t->keys.text ? t->chosen_count : cdp_intern_count(t->values);
}
static inline const char *cdp_portrait_value(const struct cdp_portrait_tag *t, uint32_t i,
					     size_t *n)
{
	uint32_t at, from;

	if (!t->keys.text)
		return cdp_intern_key(t->values, i, n);
	at = t->chosen[i];
	from = at ? t->keys.ends[at - 1] : 0;
	*n = t->keys.ends[at] - from;
	return t->keys.text + from;
}

struct cdp_portrait;

/* `only`: the tags to count, which need not occur; NULL: all that occur. */
struct cdp_portrait *cdp_portrait_new(unsigned groups, const struct cdp_intern *only);
void cdp_portrait_free(struct cdp_portrait *p);
/* A customer: `tags` is the object of tags.  With mask 0 there is nothing to count. */
void cdp_portrait_add(struct cdp_portrait *p, const struct cdp_val *tags, unsigned mask);
/* `from` is freed. */
void cdp_portrait_merge(struct cdp_portrait *into, struct cdp_portrait *from);

/* For who counts by other means: how many customers there are by mask, and tags, which
 * are added if they are not there; their values are counted when they are asked for. */
void cdp_portrait_set_regions(struct cdp_portrait *p, const uint64_t *regions);
struct cdp_portrait_tag *cdp_portrait_put_tag(struct cdp_portrait *p, const char *name,
					      size_t n, uint32_t *id);
/* The counts of the tag's value number `id`, by group. */
uint64_t *cdp_portrait_put_counts(const struct cdp_portrait *p,
				  struct cdp_portrait_tag *t, uint32_t id);
struct cdp_portrait_loader {
	/* Count tag number `tag`; 0 or -1. */
	int (*load)(void *ctx, const struct cdp_portrait *p, uint32_t tag,
		    struct cdp_portrait_tag *t, struct cdp_err *err);
	void (*release)(void *ctx); /* with the portrait */
	void *ctx;
};
void cdp_portrait_set_loader(struct cdp_portrait *p,
			     const struct cdp_portrait_loader *loader);

unsigned cdp_portrait_groups(const struct cdp_portrait *p);
/* Customers by mask: 1 << groups of them. */
const uint64_t *cdp_portrait_regions(const struct cdp_portrait *p);
/* Customers of a group. */
uint64_t cdp_portrait_size(const struct cdp_portrait *p, unsigned group);
unsigned cdp_portrait_tags(const struct cdp_portrait *p);
/* As far as it is known. */
const struct cdp_portrait_tag *cdp_portrait_tag_at(const struct cdp_portrait *p,
						   unsigned tag, const char **name,
						   size_t *n);
/* Counted; with a loader once, and until the next one is.  NULL with *err. */
const struct cdp_portrait_tag *cdp_portrait_load(const struct cdp_portrait *p,
						 unsigned tag, const char **name,
						 size_t *n, struct cdp_err *err);

#endif
