/* When a message may not go out: quiet hours and frequency caps.
 *
 * Times are milliseconds since the epoch.  The zone is that of the run (or of push.json),
 * not of the recipient. */
#ifndef CDP_MODEL_GATE_H
#define CDP_MODEL_GATE_H

#include "base/err.h"
#include "base/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Minutes of the civil day.  `from` is quiet, `to` is not any more; `to` before `from` is
 * a window over midnight.  They differ. */
struct cdp_quiet {
	int from, to;
};

/* "21:00", 00:00 to 23:59; -1 with a usage error. */
int cdp_quiet_minute(int *minute, const char *text, struct cdp_err *err);
/* By the clock on the wall: an hour that a change of offset repeats is quiet twice. */
bool cdp_quiet_has(const struct cdp_quiet *q, const struct cdp_zone *zone, int64_t ms);
/* The first instant from `ms` on that is not quiet: `ms` itself if that is none. */
int64_t cdp_quiet_end(const struct cdp_quiet *q, const struct cdp_zone *zone, int64_t ms);

struct cdp_cap {
	int channel;    /* index; -1: sends of all channels count together */
	int64_t per_ms; /* a rolling window; 0: the civil day */
	int64_t max;
};

/* Accepted sends at [*from, *to) count against one at `ms`.  A rolling window is open at
 * its far end (a send exactly `per_ms` ago counts no more) and looks ahead as far as
 * back: a run for an earlier base time must not squeeze a message in either. */
void cdp_cap_window(const struct cdp_cap *cap, const struct cdp_zone *zone, int64_t ms,
		    int64_t *from, int64_t *to);

#endif
