/* Time zones read from the system's TZif files (RFC 8536, version 2+, footer rule
 * included). Immutable after load: safe for threads; no tzset, no TZ. */
#ifndef CDP_BASE_ZONE_H
#define CDP_BASE_ZONE_H

#include "base/time.h"

struct cdp_zone;

/* Load "Asia/Shanghai", "UTC" or a fixed offset "+08:00".  NULL with a usage error for an
 * unknown name, a system error for a file that cannot be read or is damaged.  Directory:
 * $TZDIR or /usr/share/zoneinfo.  "UTC" and offsets need no file. */
struct cdp_zone *cdp_zone_load(const char *name, struct cdp_err *err);
void cdp_zone_free(struct cdp_zone *z);
const char *cdp_zone_name(const struct cdp_zone *z);
const char *cdp_zone_tzdata_version(void); /* "2024a", or "unknown"; for --version */

/* Seconds east of UTC in force at epoch second s. */
int32_t cdp_zone_offset(const struct cdp_zone *z, int64_t s);
/* Civil time at an instant. */
void cdp_zone_civil(const struct cdp_zone *z, struct cdp_time t, struct cdp_civil *out);
/* Instant of a civil time.  A time that occurs twice takes the first; one that is skipped
 * moves forward by the length of the gap.  Fields may be out of range (day 0, month 13
 * ...): they are normalised first, so day arithmetic is done on civil dates. */
struct cdp_time cdp_zone_instant(const struct cdp_zone *z, const struct cdp_civil *c);
/* Civil day number (cdp_days_from_civil) of epoch second s, and the epoch second at which
 * a civil day begins: the first instant with that date, midnight or not; of a date that
 * was skipped altogether, the first instant after it. */
int64_t cdp_zone_day(const struct cdp_zone *z, int64_t s);
int64_t cdp_zone_day_start(const struct cdp_zone *z, int64_t day);

/* The hot path: days of many times of one zone.  Remembers the last interval between
 * changes of offset. */
struct cdp_zone_cursor {
	const struct cdp_zone *z;
	int64_t from, to; /* [from, to) has offset */
	int32_t offset;
};
void cdp_zone_cursor_init(struct cdp_zone_cursor *c, const struct cdp_zone *z);
void cdp_zone_cursor_seek(struct cdp_zone_cursor *c, int64_t s); /* to s's interval */

static inline int32_t cdp_zone_cursor_offset(struct cdp_zone_cursor *c, int64_t s)
{
	if (s < c->from || s >= c->to)
		cdp_zone_cursor_seek(c, s);
	return c->offset;
}

static inline int64_t cdp_zone_cursor_day(struct cdp_zone_cursor *c, int64_t s)
{
	int64_t local = s + cdp_zone_cursor_offset(c, s);

	return local / 86400 - (local % 86400 < 0);
}

#endif
