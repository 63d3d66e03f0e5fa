/* The tags of a night in the store of audiences: portraits without profiles.
 *
 * TIME.tags (io/bundle.h) beside TIME.audiences has, by ordinals of customers,
 *
 *	for each tag	who has it, who has it with a value, who has a list
 *	for each value	who has it, where there are few values, or lists
 *	otherwise	the values in the order of portraits, and for each customer the
 *number of theirs, in as few bytes as it takes
 *
 * Names of entries are the length of the tag's name (4 bytes, the highest first), the
 *name, a letter for what it is, and for a value its key (model/portrait.h). */
#ifndef CDP_MODEL_TAGSTORE_H
#define CDP_MODEL_TAGSTORE_H

#include "model/portrait.h"
#include "model/segstore.h"

/* --- keeping --- */

/* What a thread has read.  Memory: a customer's key and about 40 bytes; for each tag the
 * texts of its values, and for each customer 1, 2 or 4 bytes, as its values are many. */
struct cdp_tagstore_part;
struct cdp_tagstore_part *cdp_tagstore_part_new(void);
void cdp_tagstore_part_free(struct cdp_tagstore_part *p);
void cdp_tagstore_part_add(struct cdp_tagstore_part *p, const char *key, size_t n,
			   const struct cdp_val *tags);

/* The tags of a base time.  A customer with two profiles is a usage error: portraits
 * count each.  Parts are not freed. */
int cdp_tagstore_save(struct cdp_segstore *s, struct cdp_time as_of,
		      struct cdp_tagstore_part *const *parts, unsigned count,
		      struct cdp_err *err);

/* --- reading --- */

struct cdp_tagstore;
/* The latest one up to `limit`: 1, or 0 if there is none, or -1. */
int cdp_tagstore_latest(struct cdp_tagstore **t, struct cdp_segstore *s, int64_t limit,
			struct cdp_err *err);
/* That of a base time: the same. */
int cdp_tagstore_open(struct cdp_tagstore **t, struct cdp_segstore *s, int64_t time,
		      struct cdp_err *err);
void cdp_tagstore_close(struct cdp_tagstore *t); /* NULL is fine */
int64_t cdp_tagstore_time(const struct cdp_tagstore *t);
/* Each tag, the shorter names first, then by their bytes: of how many customers it is,
 * and how many bytes it takes in the file. */
int cdp_tagstore_each(const struct cdp_tagstore *t,
		      void (*each)(void *ctx, const char *name, size_t n,
				   uint64_t customers, uint64_t bytes),
		      void *ctx, struct cdp_err *err);
/* Who had a profile, borrowed. */
const struct cdp_bitmap *cdp_tagstore_all(const struct cdp_tagstore *t);

/* What counting all profiles gives, of customers by group; `only` as there.  The tags'
 * texts are borrowed: `t` must outlive it.  NULL with *err. */
struct cdp_portrait *cdp_tagstore_portrait(const struct cdp_tagstore *t,
					   const struct cdp_bitmap *const *groups,
					   unsigned count, const struct cdp_intern *only,
					   struct cdp_err *err);
/* Who has one of these values (keys), or, with `missing`, none; caller frees. */
struct cdp_bitmap *cdp_tagstore_match(const struct cdp_tagstore *t, const char *tag,
				      size_t n, const struct cdp_intern *keys,
				      bool missing, struct cdp_err *err);

#endif
