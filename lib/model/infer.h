/* Drafts a tracking plan (cdp-plan(5)) from a sample of events: their names, properties,
 * types, what is always there, and the values of properties that have few.
 *
 * Memory grows with the number of names, and of properties times CDP_INFER_VALUES. */
#ifndef CDP_MODEL_INFER_H
#define CDP_MODEL_INFER_H

#include "base/buf.h"
#include "base/zone.h"
#include "record/scan.h"

/* A property with at most so many values, each seen so often on average, has an enum. */
enum { CDP_INFER_VALUES = 12, CDP_INFER_OFTEN = 5 };

struct cdp_infer;
/* Of text that is a time without a zone, `zone` is what it would be read in. */
struct cdp_infer *cdp_infer_new(const struct cdp_zone *zone);
void cdp_infer_free(struct cdp_infer *f);

/* One event; others are passed over.  The slots are those of ids and props. */
void cdp_infer_add(struct cdp_infer *f, struct cdp_rec *rec, int s_ids, int s_props);
/* All that the other one has seen. */
void cdp_infer_merge(struct cdp_infer *f, const struct cdp_infer *other);
/* The plan as JSON text, the same for any order of events. */
void cdp_infer_write(const struct cdp_infer *f, struct cdp_buf *out);

#endif
