#include "model/gate.h"

#include <string.h>

static int two_digits(const char *p)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return -1;
	return (p[0] - '0') * 10 + p[1] - '0';
}

int cdp_quiet_minute(int *minute, const char *text, struct cdp_err *err)
{
	int h = -1, m = -1;

	if (strlen(text) == 5 && text[2] == ':') {
		h = two_digits(text);
		m = two_digits(text + 3);
	}
	if (h < 0 || h > 23 || m < 0 || m > 59)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'%s' is no time of day (00:00 to 23:59)", text);
	*minute = h * 60 + m;
	return 0;
}

static int64_t floor_seconds(int64_t ms)
{
	return ms / 1000 - (ms % 1000 < 0);
}

/* Seconds since midnight on the wall at offset `offset`. */
static int64_t wall(int64_t s, int32_t offset)
{
	int64_t of_day = (s + offset) % 86400;

	return of_day < 0 ? of_day + 86400 : of_day;
}

static bool has(const struct cdp_quiet *q, int64_t of_day)
{
	int64_t minute = of_day / 60;

	if (q->from < q->to)
		return minute >= q->from && minute < q->to;
	return minute >= q->from || minute < q->to;
}

bool cdp_quiet_has(const struct cdp_quiet *q, const struct cdp_zone *zone, int64_t ms)
{
	int64_t s = floor_seconds(ms);

	return has(q, wall(s, cdp_zone_offset(zone, s)));
}

/* From stretch to stretch of one offset: a change may lead out of the window, skip its
 * end or repeat it. */
int64_t cdp_quiet_end(const struct cdp_quiet *q, const struct cdp_zone *zone, int64_t ms)
{
	int64_t s = floor_seconds(ms), end, of_day;
	struct cdp_zone_cursor c;

	cdp_zone_cursor_init(&c, zone);
	of_day = wall(s, cdp_zone_cursor_offset(&c, s));
	if (!has(q, of_day))
		return ms;
	for (;;) {
		end = s + (q->to * 60 - of_day + 86400) % 86400;
		if (end < c.to)
			return end * 1000;
		s = c.to;
		of_day = wall(s, cdp_zone_cursor_offset(&c, s));
		if (!has(q, of_day))
			return s * 1000;
	}
}

void cdp_cap_window(const struct cdp_cap *cap, const struct cdp_zone *zone, int64_t ms,
		    int64_t *from, int64_t *to)
{
	int64_t day;

	if (cap->per_ms) {
		*from = ms - cap->per_ms + 1;
		*to = ms + cap->per_ms;
		return;
	}
	day = cdp_zone_day(zone, floor_seconds(ms));
	*from = cdp_zone_day_start(zone, day) * 1000;
	*to = cdp_zone_day_start(zone, day + 1) * 1000;
}
