/* What of a tracking plan was seen, and what else was: counts a thread, added up at the
 * end and written as result rows.
 *
 * Names that nobody planned take memory: beyond CDP_COVERAGE_NAMES of them only their
 * number of occurrences is kept. */
#ifndef CDP_MODEL_COVERAGE_H
#define CDP_MODEL_COVERAGE_H

#include "base/buf.h"
#include "model/plan.h"

enum { CDP_COVERAGE_NAMES = 1 << 16 };

/* `p` outlives it. */
struct cdp_coverage *cdp_coverage_new(const struct cdp_plan *p);
void cdp_coverage_free(struct cdp_coverage *c);

struct plan_event;
struct plan_prop;
/* An event came, or one of its properties: by what the plan has of it, or else (NULL) by
 * its name; `path` is that below props. */
void cdp_coverage_event(struct cdp_coverage *c, const struct plan_event *e,
			const char *name, size_t n, int64_t ms);
void cdp_coverage_prop(struct cdp_coverage *c, const struct plan_event *e,
		       const struct plan_prop *p, const char *path, size_t n, int64_t ms);
void cdp_coverage_violation(struct cdp_coverage *c, const struct plan_event *e,
			    enum cdp_violation kind);

void cdp_coverage_add(struct cdp_coverage *c, const struct cdp_coverage *other);
/* The rows of cdp-plan(5), each with LF; the same for any order of what was counted. */
void cdp_coverage_write(const struct cdp_coverage *c, struct cdp_buf *out);

#endif
