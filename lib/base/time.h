/* Instants, durations and their texts (RFC 3339).  No zone state, no clock. */
#ifndef CDP_BASE_TIME_H
#define CDP_BASE_TIME_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* An instant: seconds since 1970-01-01T00:00:00Z (leap seconds not counted) and
 * 0..999999999 nanoseconds after it.  Range of every valid value: years 0001 to 9999. */
struct cdp_time {
	int64_t s;
	int32_t ns;
};

#define CDP_TIME_MIN_S (-62135596800LL) /* 0001-01-01T00:00:00Z */
#define CDP_TIME_MAX_S 253402300799LL   /* 9999-12-31T23:59:59Z */
enum { CDP_TIME_CANON = 24 };           /* bytes of "2024-04-25T06:59:46.123Z" */

/* Civil date and time of day; month and day count from 1. */
struct cdp_civil {
	int32_t year;
	int8_t month, day, hour, minute, second;
	int32_t ns;
};

/* RFC 3339 date-time: lower-case t/z and a space for T accepted, any number of fraction
 * digits (beyond nine are truncated), an offset is required; second 60 is accepted only
 * as 23:59:60 UTC (on June or December's last day) and clamped to :59.999999999.  0, or
 * -1 with a data error naming the cause. */
int cdp_time_parse(struct cdp_time *t, const char *p, size_t n, struct cdp_err *err);
/* The canonical 24 bytes only; 1 if they fit, 0 if not (then try cdp_time_parse). */
int cdp_time_parse_canon(struct cdp_time *t, const char *p, size_t n);
/* Milliseconds since the epoch of canonical 24 bytes, INT64_MIN if they do not fit.  The
 * hot path of every analysis. */
int64_t cdp_time_canon_ms(const char *p, size_t n);
/* Exactly 24 bytes, not terminated; nanoseconds below a millisecond are truncated.  A
 * time out of range, which no parser returns, is written as the nearest in range. */
void cdp_time_format(char out[CDP_TIME_CANON], struct cdp_time t);
/* RFC 3339 with as many decimals (0..9) as needed and Z; returns the length (at most 30).
 */
size_t cdp_time_format_ns(char out[32], struct cdp_time t);

/* The last minute met, by one who reads or writes many times that mostly follow each
 * other: what is of the same minute is told by its seconds alone.  Begins zeroed. */
struct cdp_minute {
	uint64_t text[3]; /* read: date, hour and minute, offset */
	int64_t ms;
	bool known;
	int64_t written, day; /* minutes since 1970; of the first one of its day */
	char canon[16];
};
/* Milliseconds since the epoch of "2024-04-25T06:59:46.123+08:00", as most producers
 * write it; INT64_MIN for any other form. */
int64_t cdp_minute_ms(struct cdp_minute *m, const char *p, size_t n);
/* As cdp_time_format() does. */
void cdp_minute_format(struct cdp_minute *m, char out[CDP_TIME_CANON], int64_t ms);
/* The milliseconds of such a text, or of canonical bytes, and its canonical bytes;
 * INT64_MIN for any other form. */
int64_t cdp_minute_canon(struct cdp_minute *m, char out[CDP_TIME_CANON], const char *p,
			 size_t n);

struct cdp_time cdp_time_from_ms(int64_t ms);
int64_t cdp_time_ms(struct cdp_time t); /* floor */
int cdp_time_cmp(struct cdp_time a, struct cdp_time b);

/* Proleptic Gregorian day number, 1970-01-01 = 0, and back. */
int64_t cdp_days_from_civil(int64_t year, unsigned month, unsigned day);
void cdp_civil_from_days(int64_t days, int32_t *year, int8_t *month, int8_t *day);
unsigned cdp_days_in_month(int64_t year, unsigned month);
unsigned cdp_weekday(int64_t days); /* ISO: Monday 1 .. Sunday 7 */

/* A duration as written by people: "90s", "30m", "7d", "2w", "1h30m", "1.5h", "500ms",
 * "1us", "1ns", "-2h", "0", with d = 24 h and w = 7 d.  Result in nanoseconds, truncated
 * (at most +-292 years).  0, or -1 with a usage error naming the cause. */
int cdp_duration_parse(int64_t *ns, const char *p, size_t n, struct cdp_err *err);

#endif
