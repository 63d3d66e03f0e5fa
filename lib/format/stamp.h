/* Times and dates written by a pattern, as banks' files have them.
 *
 * %Y four digits, %y two (1970 to 2069), %m %d %H %M %S one or two digits, exactly two
 * when a digit follows in the pattern; %b English month name of three letters; %f the
 * digits of a fraction of a second (one to nine, the point is written before it); %z an
 * offset (+0800, +08:00, Z); %s whole seconds since 1970, %L milliseconds, %U
 * microseconds; %% a percent sign.  A space stands for any white space, also none at the
 * ends.  All else is itself. */
#ifndef CDP_FORMAT_STAMP_H
#define CDP_FORMAT_STAMP_H

#include "base/zone.h"

/* Whether the pattern is one: a usage error says what is wrong.  With `date` it must hold
 * a whole date and nothing smaller. */
int cdp_stamp_check(const char *pattern, struct cdp_err *err, int date);
/* The instant, in `zone` where the text has no offset.  0, or -1 with a data error. */
int cdp_stamp_parse(struct cdp_time *t, const char *p, size_t n, const char *pattern,
		    const struct cdp_zone *zone, struct cdp_err *err);
/* Day number (cdp_days_from_civil) of a pattern that is a date. */
int cdp_stamp_date(int64_t *day, const char *p, size_t n, const char *pattern,
		   struct cdp_err *err);

#endif
