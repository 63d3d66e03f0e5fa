#include "model/gate.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

static struct cdp_err err;

static struct cdp_zone *load(const char *name)
{
	struct cdp_zone *z = cdp_zone_load(name, &err);

	if (!z) {
		ok(false, "%s", err.msg);
		exit(tap_done());
	}
	return z;
}

static int64_t ms(const char *text)
{
	struct cdp_time t = { 0, 0 };

	if (cdp_time_parse(&t, text, strlen(text), &err) < 0)
		ok(false, "%s: %s", text, err.msg);
	return cdp_time_ms(t);
}

static const char *text(int64_t t)
{
	static char s[CDP_TIME_CANON + 1];

	cdp_time_format(s, cdp_time_from_ms(t));
	return s;
}

static struct cdp_quiet window(const char *from, const char *to)
{
	struct cdp_quiet q = { 0, 0 };

	if (cdp_quiet_minute(&q.from, from, &err) < 0 ||
	    cdp_quiet_minute(&q.to, to, &err) < 0)
		ok(false, "%s", err.msg);
	return q;
}

static void over_midnight(void)
{
	struct cdp_zone *z = load("Asia/Shanghai");
	struct cdp_quiet q = window("21:00", "08:00");

	ok(!cdp_quiet_has(&q, z, ms("2024-04-25T20:59:59.999+08:00")),
	   "the last millisecond before the window is not quiet");
	ok(cdp_quiet_has(&q, z, ms("2024-04-25T21:00:00+08:00")),
	   "the window has its first instant");
	ok(cdp_quiet_has(&q, z, ms("2024-04-26T00:00:00+08:00")), "and midnight");
	ok(cdp_quiet_has(&q, z, ms("2024-04-26T07:59:59.999+08:00")),
	   "and its last millisecond");
	ok(!cdp_quiet_has(&q, z, ms("2024-04-26T08:00:00+08:00")),
	   "but not the end itself");
	is_str(text(cdp_quiet_end(&q, z, ms("2024-04-25T21:00:00+08:00"))),
	       "2024-04-26T00:00:00.000Z", "before midnight it ends the next morning");
	is_str(text(cdp_quiet_end(&q, z, ms("2024-04-26T00:30:00+08:00"))),
	       "2024-04-26T00:00:00.000Z", "after midnight the same morning");
	is_str(text(cdp_quiet_end(&q, z, ms("2024-04-26T07:59:59.999+08:00"))),
	       "2024-04-26T00:00:00.000Z", "a fraction of a second before its end, then");
	is_str(text(cdp_quiet_end(&q, z, ms("2024-04-26T12:00:00.5+08:00"))),
	       "2024-04-26T04:00:00.500Z", "outside it ends at once");
	cdp_zone_free(z);
}

static void within_a_day(void)
{
	struct cdp_zone *z = load("+08:00");
	struct cdp_quiet q = window("12:00", "14:00"), all = window("00:00", "23:59");

	ok(!cdp_quiet_has(&q, z, ms("2024-04-25T11:59:00+08:00")) &&
		   cdp_quiet_has(&q, z, ms("2024-04-25T12:00:00+08:00")) &&
		   !cdp_quiet_has(&q, z, ms("2024-04-25T14:00:00+08:00")) &&
		   !cdp_quiet_has(&q, z, ms("2024-04-25T02:00:00+08:00")),
	   "a window within the day has its from and not its to");
	ok(cdp_quiet_has(&q, z, ms("1969-12-31T12:30:00+08:00")),
	   "times before the epoch are civil times too");
	is_str(text(cdp_quiet_end(&all, z, ms("2024-04-25T00:00:00+08:00"))),
	       "2024-04-25T15:59:00.000Z", "a window of a whole day but a minute ends");
	cdp_zone_free(z);
}

/* New York: 2024-03-10 02:00 -> 03:00, 2024-11-03 02:00 -> 01:00. */
static void changes_of_offset(void)
{
	struct cdp_zone *z = load("America/New_York");
	struct cdp_quiet night = window("22:00", "07:00"), gap = window("22:00", "02:30"),
			 fold = window("22:00", "01:30"), late = window("01:30", "01:45");

	is_str(text(cdp_quiet_end(&night, z, ms("2024-03-09T23:00:00-05:00"))),
	       "2024-03-10T11:00:00.000Z", "seven o'clock is an hour nearer in spring");
	is_str(text(cdp_quiet_end(&night, z, ms("2024-11-02T23:00:00-04:00"))),
	       "2024-11-03T12:00:00.000Z", "and an hour farther in autumn");
	is_str(text(cdp_quiet_end(&gap, z, ms("2024-03-09T23:00:00-05:00"))),
	       "2024-03-10T07:00:00.000Z",
	       "an end that is skipped is the end of the gap");
	is_str(text(cdp_quiet_end(&fold, z, ms("2024-11-02T23:00:00-04:00"))),
	       "2024-11-03T05:30:00.000Z", "of an end that comes twice the first counts");
	ok(cdp_quiet_has(&fold, z, ms("2024-11-03T01:10:00-05:00")),
	   "the repeated hour is quiet again");
	is_str(text(cdp_quiet_end(&fold, z, ms("2024-11-03T01:10:00-05:00"))),
	       "2024-11-03T06:30:00.000Z", "until its own half");
	is_str(text(cdp_quiet_end(&late, z, ms("2024-11-03T01:40:00-04:00"))),
	       "2024-11-03T05:45:00.000Z", "a window in the first pass ends in it");
	cdp_zone_free(z);
}

static void times_of_day(void)
{
	static const char *const bad[] = { "24:00", "8:00",  "08:60", "08-00",
					   "",      "08:0a", "080:0", "08:000" };
	int m = -1;

	ok(cdp_quiet_minute(&m, "00:00", &err) == 0 && m == 0, "00:00 is a time of day");
	ok(cdp_quiet_minute(&m, "23:59", &err) == 0 && m == 1439, "and 23:59");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(cdp_quiet_minute(&m, bad[i], &err) < 0 && err.kind == CDP_ERR_USAGE,
		   "'%s' is none", bad[i]);
}

static void cap_windows(void)
{
	struct cdp_zone *shanghai = load("Asia/Shanghai");
	struct cdp_zone *york = load("America/New_York");
	struct cdp_cap week = { .per_ms = 7 * 86400000LL }, day = { 0 };
	int64_t from, to, now = ms("2024-04-25T10:00:00+08:00");

	cdp_cap_window(&week, shanghai, now, &from, &to);
	ok(from > now - week.per_ms, "a send exactly a window ago does not count");
	is_int(from, now - week.per_ms + 1, "one a millisecond later does");
	is_int(to, now + week.per_ms, "a later send counts as far ahead as back");
	cdp_cap_window(&day, shanghai, ms("2024-04-25T00:30:00+08:00"), &from, &to);
	is_str(text(from), "2024-04-24T16:00:00.000Z",
	       "a calendar day begins at midnight of the zone");
	is_str(text(to), "2024-04-25T16:00:00.000Z", "and ends at the next");
	cdp_cap_window(&day, york, ms("2024-11-03T12:00:00-05:00"), &from, &to);
	is_int((to - from) / 3600000, 25, "a day of 25 hours counts as one");
	cdp_zone_free(shanghai);
	cdp_zone_free(york);
}

int main(void)
{
	over_midnight();
	within_a_day();
	changes_of_offset();
	times_of_day();
	cap_windows();
	return tap_done();
}
