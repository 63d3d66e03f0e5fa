/* What a store of audiences remembers of each audience and each tag: in which of the
 * versions that are kept it is, and what was handed over of it.
 *
 * Memory: for each of them about 100 bytes, its name and what the catalogue has of it;
 * for each batch 60 bytes and its name. */
#ifndef CDP_MODEL_PAST_H
#define CDP_MODEL_PAST_H

#include "model/batches.h"
#include "model/segstore.h"

struct cdp_past_of {
	const char *name;    /* borrowed, NUL after it */
	uint32_t versions;   /* 0: it was handed over, but none is kept that has it */
	int64_t first, last; /* their base times in milliseconds */
	uint32_t alike;      /* the first one of the same members in the latest version */
	uint64_t customers;  /* in `last` */
	uint64_t bytes;      /* in all versions */
	/* Of audiences: what the catalogue has of it in `last`, a JSON object; and the
	 * latest batch of it, or NULL. */
	char *note;
	const struct cdp_batch *batch;
};

struct cdp_past;
/* Of versions and batches whose base time is `limit` or earlier. */
struct cdp_past *cdp_past_read(struct cdp_segstore *s, const char *dir, int64_t limit,
			       struct cdp_err *err);
void cdp_past_free(struct cdp_past *p); /* NULL is fine */

enum cdp_past_kind { CDP_PAST_AUDIENCES, CDP_PAST_TAGS };
/* By the version they are first in, then by name; tags with shorter names first; at the
 * end audiences that were handed over and are in no version. */
uint32_t cdp_past_count(const struct cdp_past *p, enum cdp_past_kind kind);
const struct cdp_past_of *cdp_past_at(const struct cdp_past *p, enum cdp_past_kind kind,
				      uint32_t i);
/* NULL: neither a version nor a batch has it. */
const struct cdp_past_of *cdp_past_find(const struct cdp_past *p, enum cdp_past_kind kind,
					const char *name);

#endif
