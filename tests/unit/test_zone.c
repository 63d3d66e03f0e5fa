#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/tzrule.h"
#include "base/zone.h"
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

static int64_t utc(const char *text)
{
	struct cdp_time t = { 0, 0 };

	if (cdp_time_parse(&t, text, strlen(text), &err) < 0)
		ok(false, "%s", err.msg);
	return t.s;
}

static struct cdp_civil civil(const char *text)
{
	struct cdp_civil c = { 0 };
	int month, day, hour, minute;

	sscanf(text, "%d-%d-%d %d:%d", &c.year, &month, &day, &hour, &minute);
	c.month = (int8_t)month;
	c.day = (int8_t)day;
	c.hour = (int8_t)hour;
	c.minute = (int8_t)minute;
	return c;
}

static const char *text_utc(int64_t s)
{
	static char out[33];

	out[cdp_time_format_ns(out, (struct cdp_time){ s, 0 })] = '\0';
	return out;
}

static int64_t day_of(const char *text)
{
	struct cdp_civil c = civil(text);

	return cdp_days_from_civil(c.year, (unsigned)c.month, (unsigned)c.day);
}

static void instant(const char *zone, const char *local, const char *want)
{
	struct cdp_zone *z = load(zone);
	struct cdp_civil c = civil(local);

	is_str(text_utc(cdp_zone_instant(z, &c).s), want, "%s in %s is %s", local, zone,
	       want);
	cdp_zone_free(z);
}

static void local_time(const char *zone, const char *at, const char *want)
{
	struct cdp_zone *z = load(zone);
	struct cdp_civil c;
	char got[64];

	cdp_zone_civil(z, (struct cdp_time){ utc(at), 5 }, &c);
	snprintf(got, sizeof(got), "%04d-%02d-%02d %02d:%02d", c.year, c.month, c.day,
		 c.hour, c.minute);
	is_str(got, want, "%s is %s in %s", at, want, zone);
	cdp_zone_free(z);
}

/* A civil day begins at `want`, and the second before has another date. */
static void day_starts(const char *zone, const char *day, const char *want)
{
	struct cdp_zone *z = load(zone);
	int64_t n = day_of(day), s = cdp_zone_day_start(z, n);

	is_str(text_utc(s), want, "%s begins at %s in %s", day, want, zone);
	ok(cdp_zone_day(z, s) == n && cdp_zone_day(z, s - 1) < n,
	   "that instant is the first with the date");
	cdp_zone_free(z);
}

static void fixed(void)
{
	struct cdp_zone *z = load("+08:00");

	is_int(cdp_zone_offset(z, 0), 28800, "+08:00 is 8 hours east");
	is_str(cdp_zone_name(z), "+08:00", "a zone keeps its name");
	cdp_zone_free(z);
	z = load("-03:30");
	is_int(cdp_zone_offset(z, INT64_MAX / 2), -12600, "-03:30 is west, always");
	is_int(cdp_zone_day(z, 0), -1, "the epoch was still the day before there");
	cdp_zone_free(z);
	z = load("UTC");
	is_int(cdp_zone_offset(z, 1700000000), 0, "UTC is UTC");
	cdp_zone_free(z);
	for (const char **n =
		     (const char *[]){ "", "+8:00", "+24:00", "+08:60", "08:00", "+0800",
				       "Asia/Shangai", "Asia", "/etc/passwd", "../UTC",
				       "Asia//Shanghai", "Asia/", "tzdata.zi", "zone.tab",
				       "Asia/Shanghai ", NULL };
	     *n; n++)
		ok(!cdp_zone_load(*n, &err) && err.kind == CDP_ERR_USAGE,
		   "'%s' is an unknown zone", *n);
	is_str(err.msg, "unknown time zone 'Asia/Shanghai '", "the message names it");
	cdp_zone_free(NULL);
}

static void known_changes(void)
{
	struct cdp_zone *z = load("Asia/Shanghai");
	struct cdp_civil c = civil("1986-05-04 00:30");

	/* Clocks jumped that night: at 00:00 by tzdata up to 2020a, at 02:00 since, which
	 * found better sources.  The date is right by either. */
	is_int(cdp_zone_day(z, cdp_zone_instant(z, &c).s), day_of("1986-05-04 00:00"),
	       "1986-05-04 00:30 in Shanghai belongs to that date");
	is_int(cdp_zone_offset(z, utc("1986-06-01T00:00:00Z")), 32400,
	       "Shanghai had daylight saving in 1986");
	is_int(cdp_zone_offset(z, utc("2024-06-01T00:00:00Z")), 28800,
	       "and has none now");
	cdp_zone_free(z);
	day_starts("Asia/Shanghai", "2024-02-29 00:00", "2024-02-28T16:00:00Z");
	local_time("Asia/Shanghai", "2024-02-28T16:00:00Z", "2024-02-29 00:00");
	local_time("Asia/Shanghai", "9999-12-31T23:59:59Z", "10000-01-01 07:59");

	/* Egypt: clocks skip from midnight to one. */
	day_starts("Africa/Cairo", "2025-04-25 00:00", "2025-04-24T22:00:00Z");
	day_starts("Africa/Cairo", "2025-04-26 00:00", "2025-04-25T21:00:00Z");
	instant("Africa/Cairo", "2025-04-25 00:30", "2025-04-24T22:30:00Z");
	local_time("Africa/Cairo", "2025-04-24T22:00:00Z", "2025-04-25 01:00");
	/* And at midnight after 2025-10-30 they go back into that day. */
	day_starts("Africa/Cairo", "2025-10-31 00:00", "2025-10-30T22:00:00Z");
	local_time("Africa/Cairo", "2025-10-30T21:30:00Z", "2025-10-30 23:30");
	instant("Africa/Cairo", "2025-10-30 23:30", "2025-10-30T20:30:00Z");

	instant("America/New_York", "2024-03-10 01:59", "2024-03-10T06:59:00Z");
	instant("America/New_York", "2024-03-10 02:30", "2024-03-10T07:30:00Z");
	local_time("America/New_York", "2024-03-10T07:30:00Z", "2024-03-10 03:30");
	instant("America/New_York", "2024-03-10 03:00", "2024-03-10T07:00:00Z");
	instant("America/New_York", "2024-11-03 00:59", "2024-11-03T04:59:00Z");
	instant("America/New_York", "2024-11-03 01:30", "2024-11-03T05:30:00Z");
	instant("America/New_York", "2024-11-03 02:00", "2024-11-03T07:00:00Z");
	local_time("America/New_York", "2024-11-03T06:30:00Z", "2024-11-03 01:30");
	/* By the rule at the end of the file: March 14 and November 7, 2100. */
	local_time("America/New_York", "2100-03-14T06:59:59Z", "2100-03-14 01:59");
	local_time("America/New_York", "2100-03-14T07:00:00Z", "2100-03-14 03:00");
	local_time("America/New_York", "2100-11-07T05:59:00Z", "2100-11-07 01:59");
	local_time("America/New_York", "2100-11-07T06:00:00Z", "2100-11-07 01:00");
	local_time("America/New_York", "9999-07-01T00:00:00Z", "9999-06-30 20:00");

	/* Brazil changed at midnight too. */
	day_starts("America/Sao_Paulo", "2018-11-04 00:00", "2018-11-04T03:00:00Z");
	day_starts("America/Sao_Paulo", "2019-02-17 00:00", "2019-02-17T03:00:00Z");
	instant("America/Sao_Paulo", "2018-11-04 00:10", "2018-11-04T03:10:00Z");
	/* Newfoundland went back at 00:01, so a minute of the new day was lived before.
	 */
	day_starts("America/St_Johns", "2010-11-07 00:00", "2010-11-07T02:30:00Z");
	/* The east of UTC, with a quarter of an hour. */
	day_starts("Asia/Kathmandu", "2024-05-01 00:00", "2024-04-30T18:15:00Z");
}

static void skipped_day(void)
{
	struct cdp_zone *z = load("Pacific/Apia");
	int64_t s = cdp_zone_day_start(z, day_of("2011-12-30 00:00"));

	is_str(text_utc(s), "2011-12-30T10:00:00Z",
	       "a day that Samoa skipped begins after it");
	is_int(cdp_zone_day(z, s), day_of("2011-12-31 00:00"), "with the next one");
	cdp_zone_free(z);
}

static void normalised(void)
{
	struct cdp_zone *z = load("America/New_York");
	struct cdp_civil c = civil("2024-03-31 12:00");

	c.month = 2;
	is_str(text_utc(cdp_zone_instant(z, &c).s), "2024-03-02T17:00:00Z",
	       "the 31st of February 2024 is March 2");
	c = civil("2024-14-00 12:00");
	is_str(text_utc(cdp_zone_instant(z, &c).s), "2025-01-31T17:00:00Z",
	       "the day before month 14 is January 31");
	c = civil("2024-00-01 00:00");
	is_str(text_utc(cdp_zone_instant(z, &c).s), "2023-12-01T05:00:00Z",
	       "month 0 is December of the year before");
	c = civil("2024-03-09 12:00");
	c.day++;
	is_str(text_utc(cdp_zone_instant(z, &c).s), "2024-03-10T16:00:00Z",
	       "a day later is 23 hours later when clocks jump");
	c = civil("2024-03-01 00:00");
	c.second = -1;
	c.ns = -1;
	is_str(text_utc(cdp_zone_instant(z, &c).s), "2024-03-01T04:59:58Z",
	       "negative seconds and nanoseconds borrow");
	is_int(cdp_zone_instant(z, &c).ns, 999999999, "from the second before");
	cdp_zone_free(z);
}

/* The C library reads the same files by code of its own. */
static void against_libc(void)
{
	static const char *const names[] = {
		"Asia/Shanghai",     "America/New_York",    "Europe/London",
		"Europe/Dublin",     "Africa/Cairo",        "Africa/Casablanca",
		"America/Sao_Paulo", "America/St_Johns",    "America/Nuuk",
		"Australia/Sydney",  "Australia/Lord_Howe", "Asia/Tehran",
		"Asia/Kolkata",      "Asia/Kathmandu",      "Asia/Gaza",
		"Asia/Jerusalem",    "Asia/Pyongyang",      "Pacific/Apia",
		"Pacific/Chatham",   "Pacific/Kiritimati",  "America/Santiago",
		"Antarctica/Troll",  "Asia/Tokyo",          "Etc/GMT+5",
	};
	uint64_t r = 88172645463325252ull;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct cdp_zone *z = load(names[i]);
		struct cdp_zone_cursor cur;
		int bad = 0, changes = 0;

		cdp_zone_cursor_init(&cur, z);
		setenv("TZ", names[i], 1);
		tzset();
		/* 1902 to 2500: random, then every change of ours to the second. */
		for (int k = 0; k < 40000; k++) {
			struct tm tm;
			time_t t;

			r ^= r << 13;
			r ^= r >> 7;
			r ^= r << 17;
			t = -2145916800 + (time_t)(r % (598ull * 31556952));
			if (k >= 20000) {
				/* bisect towards a change, if that half year has one */
				time_t low = -2145916800 + (k - 20000) * 15778476ll %
								   (598ll * 31556952);
				time_t high = low + 15778476;
				int32_t from = cdp_zone_offset(z, low);

				if (cdp_zone_offset(z, high) == from)
					continue;
				while (high - low > 1) {
					time_t mid = low + (high - low) / 2;

					if (cdp_zone_offset(z, mid) == from)
						low = mid;
					else
						high = mid;
				}
				localtime_r(&low, &tm);
				bad += tm.tm_gmtoff != from;
				t = high;
				changes++;
			}
			localtime_r(&t, &tm);
			bad += tm.tm_gmtoff != cdp_zone_offset(z, t);
			bad += cdp_zone_cursor_day(&cur, t) !=
			       cdp_days_from_civil(tm.tm_year + 1900,
						   (unsigned)tm.tm_mon + 1,
						   (unsigned)tm.tm_mday);
		}
		is_int(bad, 0, "%s agrees with the C library, at %s", names[i],
		       changes ? "changes too" : "all times");
		cdp_zone_free(z);
	}
	unsetenv("TZ");
	tzset();
}

/* Local to UTC and back over the hours around every change of some years. */
static void round_trips(void)
{
	static const char *const names[] = { "Europe/London", "Africa/Cairo",
					     "Australia/Lord_Howe", "America/St_Johns" };
	bool back = true, first = true, days = true;

	for (size_t i = 0; i < 4; i++) {
		struct cdp_zone *z = load(names[i]);
		int64_t from = utc("2008-01-01T00:00:00Z"),
			to = utc("2012-01-01T00:00:00Z");

		for (int64_t s = from; s < to; s += 900) {
			struct cdp_civil c;
			struct cdp_time t = { s, 123 }, u;
			int64_t start = cdp_zone_day_start(z, cdp_zone_day(z, s));

			cdp_zone_civil(z, t, &c);
			u = cdp_zone_instant(z, &c);
			/* The same instant, or an earlier one that shows the same clock.
			 */
			back &= u.ns == 123 && u.s + cdp_zone_offset(z, u.s) ==
						       s + cdp_zone_offset(z, s);
			first &= u.s == s || (u.s < s && s - u.s <= 7200);
			days &= start <= s &&
				cdp_zone_day(z, start) == cdp_zone_day(z, s) &&
				cdp_zone_day(z, start - 1) < cdp_zone_day(z, start);
		}
		cdp_zone_free(z);
	}
	ok(back, "an instant's civil time leads back to that clock time");
	ok(first, "to the same instant, or the first of two");
	ok(days,
	   "every instant's day begins before it, at the first instant of the date");
}

static void rule(const char *text, int year, const char *start, const char *end)
{
	struct cdp_tzrule r;
	int64_t s, e;

	if (!cdp_tzrule_parse(&r, text, strlen(text))) {
		ok(false, "'%s' is a rule", text);
		return;
	}
	cdp_tzrule_year(&r, year, &s, &e);
	is_str(text_utc(s), start, "%s starts in %d", text, year);
	is_str(text_utc(e), end, "%s ends in %d", text, year);
}

static void rules(void)
{
	struct cdp_tzrule r;

#define PARSE(t) cdp_tzrule_parse(&r, t, strlen(t))
	ok(PARSE("<+03>-3") && r.std == 10800 && !r.has_dst,
	   "<+03>-3 is three hours east");
	ok(PARSE("<-0330>3:30") && r.std == -12600, "<-0330>3:30 is west");
	ok(PARSE("LMT-8:05:43") && r.std == 29143, "offsets may have seconds");
	ok(PARSE("IST-1GMT0,M10.5.0,M3.5.0/1") && r.std == 3600 && r.dst == 0,
	   "daylight saving may be negative, as in Ireland");
	rule("EST5EDT,M3.2.0,M11.1.0", 2024, "2024-03-10T07:00:00Z",
	     "2024-11-03T06:00:00Z");
	rule("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 2024, "2024-03-31T01:00:00Z",
	     "2024-10-27T01:00:00Z");
	rule("EET-2EEST,M3.4.4/50,M10.4.4/50", 2024, "2024-03-30T00:00:00Z",
	     "2024-10-25T23:00:00Z");
	rule("AAA0BBB,J59,J60", 2024, "2024-02-28T02:00:00Z", "2024-03-01T01:00:00Z");
	rule("AAA0BBB,J59,J60", 2023, "2023-02-28T02:00:00Z", "2023-03-01T01:00:00Z");
	rule("AAA0BBB,58,59", 2024, "2024-02-28T02:00:00Z", "2024-02-29T01:00:00Z");
	rule("AAA0BBB,58,59", 2023, "2023-02-28T02:00:00Z", "2023-03-01T01:00:00Z");
	rule("AAA0BBB-2,0/-167,J365/167:59:59", 2023, "2022-12-25T01:00:00Z",
	     "2024-01-06T21:59:59Z");
	rule("AAA0BBB,M2.5.4,M2.5.5", 2024, "2024-02-29T02:00:00Z",
	     "2024-02-23T01:00:00Z");
	for (const char **t = (const char *[]){ "",
						"A1",
						"EST",
						"EST5EDT",
						"EST25",
						"<+03-3",
						"<>3",
						"EST5EDT,M3.2.0",
						"EST5EDT,M3.2.0,M11.1.0,",
						"EST5EDT,M13.1.0,M11.1.0",
						"EST5EDT,M3.0.0,M11.1.0",
						"EST5EDT,M3.6.0,M11.1.0",
						"EST5EDT,M3.2.7,M11.1.0",
						"EST5EDT,J0,J5",
						"EST5EDT,J366,J5",
						"EST5EDT,366,5",
						"EST5EDT,M3.2.0/168,M11.1.0",
						"EST5:60",
						"EST5 ",
						NULL };
	     *t; t++)
		ok(!PARSE(*t), "'%s' is no rule", *t);
}

/* ---- files of our own making ---- */

static char dir[] = "/tmp/test_zone.XXXXXX";

struct file {
	unsigned char p[1000];
	size_t n;
};

static void put(struct file *f, uint64_t v, unsigned bytes)
{
	while (bytes--)
		f->p[f->n++] = bytes < 8 ? (unsigned char)(v >> (8 * bytes)) : 0;
}

static void header(struct file *f, char version, unsigned leaps, unsigned times,
		   unsigned types)
{
	memcpy(f->p + f->n, "TZif", 4);
	memset(f->p + f->n + 4, 0, 16);
	f->p[f->n + 4] = (unsigned char)version;
	f->n += 20;
	put(f, 0, 4);
	put(f, 0, 4);
	put(f, leaps, 4);
	put(f, times, 4);
	put(f, types, 4);
	put(f, 4, 4); /* bytes of names */
}

/* Types 0 (UTC+1) and 1 (UTC+2); `times` changes between them, 1000 s apart. */
static void build(struct file *f, char version, unsigned leaps, unsigned times,
		  const char *footer)
{
	f->n = 0;
	header(f, version, 0, 0, 1);
	put(f, 0, 6 + 4); /* the version 1 block: one type, its name */
	header(f, version, leaps, times, 2);
	for (unsigned i = 0; i < times; i++)
		put(f, 1000 * (i + 1), 8);
	for (unsigned i = 0; i < times; i++)
		put(f, (i + 1) % 2, 1);
	put(f, 3600, 4);
	put(f, 0, 2);
	put(f, 7200, 4);
	put(f, 0x0100, 2);
	put(f, 0x41414100, 4);
	put(f, 0, 12 * leaps);
	memcpy(f->p + f->n, footer, strlen(footer));
	f->n += strlen(footer);
}

static struct cdp_zone *store(const struct file *f, size_t n)
{
	char path[64];
	FILE *out;

	snprintf(path, sizeof(path), "%s/Own", dir);
	out = fopen(path, "w");
	fwrite(f->p, 1, n, out);
	fclose(out);
	return cdp_zone_load("Own", &err);
}

static void refused(struct file *f, const char *why)
{
	struct cdp_zone *z = store(f, f->n);

	ok(!z && err.kind == CDP_ERR_SYS && strstr(err.msg, why),
	   "a bad file is refused: %s", why);
	cdp_zone_free(z);
}

static void damaged_files(void)
{
	struct file f;
	bool good = true;

	build(&f, 0, 0, 2, "\n\n");
	refused(&f, "version 1");
	build(&f, '2', 1, 2, "\n\n");
	refused(&f, "leap seconds");
	build(&f, '2', 0, 2, "\nEST5EDT\n");
	refused(&f, "a footer that is no rule");
	build(&f, '2', 0, 2, "\nEST5");
	refused(&f, "no footer");
	build(&f, '2', 0, 2, "\n\n");
	f.p[44 + 10 + 44 + 2 * 8] = 2;
	refused(&f, "an unknown local time type");
	build(&f, '2', 0, 2, "\n\n");
	memcpy(f.p + 44 + 10 + 44, f.p + 44 + 10 + 44 + 8, 8);
	refused(&f, "transitions out of order");
	build(&f, '2', 0, 2, "\n\n");
	f.p[44 + 10 + 44 + 2 * 9] = 1;
	refused(&f, "an offset of more than a day");
	build(&f, '2', 0, 2, "\n\n");
	memset(f.p + 44 + 10 + 20, 0xff, 24);
	refused(&f, "cut short");
	build(&f, '2', 0, 2, "\nEST5EDT,M3.2.0,M11.1.0\n");
	for (size_t n = 0; n < f.n; n++) {
		struct cdp_zone *z = store(&f, n);

		good &= !z;
		cdp_zone_free(z);
	}
	ok(good, "a file cut anywhere is refused");
}

static void own_files(void)
{
	struct file f;
	struct cdp_zone *z;

	ok(mkdtemp(dir) && setenv("TZDIR", dir, 1) == 0, "zones come from $TZDIR");
	build(&f, '2', 0, 3, "\n\n");
	z = store(&f, f.n);
	ok(z && cdp_zone_offset(z, 999) == 3600 && cdp_zone_offset(z, 1000) == 7200 &&
		   cdp_zone_offset(z, 2000) == 3600 &&
		   cdp_zone_offset(z, 1ll << 40) == 7200,
	   "changes count from their second on, and without a rule the last stays");
	cdp_zone_free(z);
	build(&f, '3', 0, 0, "\n<+03>-3\n");
	z = store(&f, f.n);
	ok(z && cdp_zone_offset(z, 0) == 10800 &&
		   cdp_zone_offset(z, -(1ll << 40)) == 10800,
	   "without changes the rule holds for all times");
	cdp_zone_free(z);
	build(&f, '2', 0, 0, "\nEST5EDT,M3.2.0,M11.1.0\n");
	z = store(&f, f.n);
	ok(z && cdp_zone_offset(z, utc("1900-07-01T00:00:00Z")) == -14400 &&
		   cdp_zone_offset(z, utc("0001-01-02T00:00:00Z")) == -18000,
	   "a rule with daylight saving too");
	cdp_zone_free(z);
	build(&f, '2', 0, 2, "\nXXX3EDT4,0/0,J365/23\n");
	z = store(&f, f.n);
	ok(z && cdp_zone_offset(z, utc("2030-01-01T03:00:00Z")) == -14400 &&
		   cdp_zone_offset(z, utc("2030-01-01T02:59:59Z")) == -14400 &&
		   cdp_zone_offset(z, utc("2030-07-01T00:00:00Z")) == -14400,
	   "daylight saving all year has no gap between the years");
	cdp_zone_free(z);
	damaged_files();
	is_str(cdp_zone_tzdata_version(), "unknown",
	       "files of one's own have no version");
	f.n = (size_t)snprintf((char *)f.p, sizeof(f.p), "rm -r %s", dir);
	ok(system((const char *)f.p) == 0, "the files are removed");
	unsetenv("TZDIR");
}

int main(void)
{
	unsetenv("TZDIR");
	fixed();
	known_changes();
	skipped_day();
	normalised();
	against_libc();
	round_trips();
	rules();
	own_files();
	return tap_done();
}
