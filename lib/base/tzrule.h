/* The rule at the end of a time zone file: a POSIX TZ string (POSIX.1-2017 section 8.3)
 * as extended by RFC 8536 section 3.3.1: "EST5EDT,M3.2.0,M11.1.0", "<+03>-3",
 * "<-02>2<-01>,M3.5.0/-1,M10.5.0/0". */
#ifndef CDP_BASE_TZRULE_H
#define CDP_BASE_TZRULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A day of the year and the seconds after its midnight, which may be negative or more
 * than a day. */
struct cdp_tzdate {
	enum { CDP_TZDATE_JULIAN, CDP_TZDATE_ZERO, CDP_TZDATE_WEEK } kind;
	int day; /* J1..J365 without February 29, or 0..365 with it, or 0 Sunday .. 6 */
	int month, week; /* of kind WEEK: 1..12, and 1..5 with 5 the last */
	int32_t seconds;
};

struct cdp_tzrule {
	int32_t std, dst; /* seconds east of UTC */
	bool has_dst;
	struct cdp_tzdate start, end; /* of daylight saving, in the time then in force */
};

/* 1, or 0 if the text is no such rule. */
int cdp_tzrule_parse(struct cdp_tzrule *r, const char *p, size_t n);
/* The epoch seconds at which daylight saving starts and ends in a year.  has_dst only. */
void cdp_tzrule_year(const struct cdp_tzrule *r, int year, int64_t *start, int64_t *end);

#endif
