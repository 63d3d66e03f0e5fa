/* When a tag is computed: on which civil days a base time is due. */
#ifndef CDP_MODEL_SCHEDULE_H
#define CDP_MODEL_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "record/tree.h"

struct cdp_schedule;

/* Of a definition's member `schedule`: "daily", "weekly" (Mondays), "monthly" (the
 * first), "manual" (never), {"weekly":["monday","friday"]}, {"monthly":[1,"last"]}, a day
 * that a month does not have being its last one, {"dates":["2024-03-31"]}.  Lives in the
 * arena.  *out is NULL for what is computed every day, also if there is none. */
int cdp_schedule_load(const struct cdp_schedule **out, const json_t *o,
		      struct cdp_arena *arena, struct cdp_err *err);
/* "weekly monday, friday" */
const char *cdp_schedule_text(const struct cdp_schedule *s);
/* Whether some day after `after`, up to `day`, is due (day numbers of base/time.h). */
bool cdp_schedule_due(const struct cdp_schedule *s, int64_t after, int64_t day);

#endif
