/* Trading days: which civil days a bank's customers can act on.
 *
 * A calendar is a JSON file:
 *
 *	{"from": "2024-01-01", "to": "2024-12-31", "close": "15:00",
 *	 "weekend": ["saturday", "sunday"],
 *	 "closed": ["2024-01-01", "2024-02-09/2024-02-17"], "open": ["2024-02-18"]}
 *
 * Every day from `from` to `to` is a trading day unless it is a weekend day or closed;
 * days that are `open` are in any case.  What happens at `close` or later counts for the
 * next trading day (default: never).  Nothing is known outside of `from` and `to`.
 *
 * Trading days are counted, so that "three trading days ago" is a subtraction. */
#ifndef CDP_LANG_CALENDAR_H
#define CDP_LANG_CALENDAR_H

#include "base/err.h"
#include "base/zone.h"

#include <stdbool.h>
#include <stdint.h>

struct cdp_calendar;

/* NULL with the error; `zone` (borrowed) is that of the calendar's days and hours. */
struct cdp_calendar *cdp_calendar_load(const char *path, const struct cdp_zone *zone,
				       struct cdp_err *err);
struct cdp_calendar *cdp_calendar_parse(const char *text, size_t n, const char *name,
					const struct cdp_zone *zone, struct cdp_err *err);
void cdp_calendar_free(struct cdp_calendar *c);

/* Days are day numbers (cdp_days_from_civil).  All return 0, or -1 with an evaluation
 * error where the calendar does not reach. */

int cdp_calendar_is_trading(const struct cdp_calendar *c, struct cdp_time t, bool *yes,
			    struct cdp_err *err);
/* The number, counted from 0, of the trading day for which an instant counts: its own day
 * before the close, else the next one. */
int cdp_calendar_number(const struct cdp_calendar *c, struct cdp_time t, int64_t *number,
			struct cdp_err *err);
/* The instant at which the trading day of that number begins. */
int cdp_calendar_start(const struct cdp_calendar *c, int64_t number, struct cdp_time *t,
		       struct cdp_err *err);

#endif
