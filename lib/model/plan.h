/* Tracking plans (cdp-plan(5)): which events are meant to come, with which properties,
 * and what becomes of those that are otherwise. */
#ifndef CDP_MODEL_PLAN_H
#define CDP_MODEL_PLAN_H

#include "base/buf.h"
#include "base/zone.h"
#include "record/scan.h"

/* In what a record may differ; in the order in which coverage rows name them. */
enum cdp_violation {
	CDP_UNPLANNED_EVENT,
	CDP_OUT_OF_PERIOD,
	CDP_REQUIRED_MISSING,
	CDP_DATATYPE_MISMATCH,
	CDP_INVALID_VALUE,
	CDP_ADDITIONAL_PROPERTIES,
	CDP_UNPLANNED_ID,
	CDP_VIOLATIONS,
};
extern const char *const cdp_violation_names[CDP_VIOLATIONS]; /* "Unplanned-Event" ... */

/* Loaded once, then shared read-only. */
struct cdp_plan;
/* NULL with a usage or system error.  `zone`, of times without one, outlives it. */
struct cdp_plan *cdp_plan_load(const char *path, const struct cdp_zone *zone,
			       struct cdp_err *err);
/* The same from text; `name` is for messages. */
struct cdp_plan *cdp_plan_parse(const char *text, size_t n, const char *name,
				const struct cdp_zone *zone, struct cdp_err *err);
void cdp_plan_free(struct cdp_plan *p);
/* "bank-app 1-0-0", or the version alone. */
const char *cdp_plan_title(const struct cdp_plan *p);
/* The members that a check looks at; before any scanner is made. */
void cdp_plan_paths(struct cdp_plan *p, struct cdp_paths *paths);

/* What was seen; see model/coverage.h. */
struct cdp_coverage;

/* A thread's own state. */
struct cdp_plan_check;
/* `seen` (may be NULL) is told of all that comes. */
struct cdp_plan_check *cdp_plan_check_new(const struct cdp_plan *p,
					  struct cdp_coverage *seen);
void cdp_plan_check_free(struct cdp_plan_check *c);

struct cdp_plan_counts {
	uint64_t violations; /* of records that go on, and of those that do not */
	uint64_t marked;     /* records */
	uint64_t stripped;   /* properties */
};
const struct cdp_plan_counts *cdp_plan_check_counts(const struct cdp_plan_check *c);

/* An event whose time is `ms`.  0: it fits; 1: *edited is what it is to be replaced by,
 * valid until the next call; -1 with a data error: it is refused.  Records that are no
 * events fit. */
int cdp_plan_check(struct cdp_plan_check *c, struct cdp_rec *rec, int64_t ms,
		   const struct cdp_buf **edited, struct cdp_err *err);
/* An event that is not checked, as it was made here, is seen. */
void cdp_plan_check_saw(struct cdp_plan_check *c, struct cdp_rec *rec, int64_t ms);

#endif
