#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "tap.h"

static struct cdp_err err;

/* As text with nanoseconds, or the error. */
static const char *parsed(const char *text)
{
	static char out[500];
	struct cdp_time t;
	if (cdp_time_parse(&t, text, strlen(text), &err) < 0) {
		snprintf(out, sizeof(out), "%s", err.msg);
		return out;
	}
	out[cdp_time_format_ns(out, t)] = '\0';
	return out;
}

static void accepts(const char *text, const char *want)
{
	is_str(parsed(text), want, "'%s' is %s", text, want);
}

static void refuses(const char *text, const char *why)
{
	char want[500];

	snprintf(want, sizeof(want), "invalid time '%.40s': %s", text, why);
	is_str(parsed(text), want, "'%.60s' is refused: %s", text, why);
}

static void valid(void)
{
	accepts("2024-04-25T06:59:46.123Z", "2024-04-25T06:59:46.123Z");
	accepts("1963-06-19T08:30:06Z", "1963-06-19T08:30:06Z");
	accepts("1963-06-19t08:30:06.283185z", "1963-06-19T08:30:06.283185Z");
	accepts("2024-04-25 06:59:46+08:00", "2024-04-24T22:59:46Z");
	accepts("1937-01-01T12:00:27.87+00:20", "1937-01-01T11:40:27.87Z");
	accepts("1990-12-31T15:59:50.123-08:00", "1990-12-31T23:59:50.123Z");
	accepts("1990-12-31T15:59:50.123-00:00", "1990-12-31T15:59:50.123Z");
	accepts("1985-04-12T00:59:59.999999999999999Z", "1985-04-12T00:59:59.999999999Z");
	accepts("2024-01-01T00:00:00.0000000019Z", "2024-01-01T00:00:00.000000001Z");
	accepts("2024-01-01T00:00:00.1+23:59", "2023-12-31T00:01:00.1Z");
	accepts("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z");
	accepts("2000-02-29T00:00:00.000Z", "2000-02-29T00:00:00Z");
	accepts("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z");
	accepts("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z");
	accepts("9999-12-31T23:59:59.5+00:01", "9999-12-31T23:58:59.5Z");
	/* Leap seconds: only where one can be, clamped into the second before. */
	accepts("1998-12-31T23:59:60Z", "1998-12-31T23:59:59.999999999Z");
	accepts("1998-12-31T15:59:60.123-08:00", "1998-12-31T23:59:59.999999999Z");
	accepts("2015-07-01T07:59:60.25+08:00", "2015-06-30T23:59:59.999999999Z");
}

static void invalid(void)
{
	const char *date = "expected YYYY-MM-DD";
	const char *clock = "expected HH:MM:SS after the date";
	const char *zone = "expected an offset, Z or +HH:MM";
	const char *leap = "second 60 only ends June or December, UTC";

	refuses("", date);
	refuses("06/19/1963 08:30:06 PST", date);
	refuses("2013-350T01:01:01", date);
	refuses("1963-6-19T08:30:06.283185Z", date);
	refuses("1963-06-1T08:30:06.283185Z", date);
	refuses("1963-06-1\u09eaT00:00:00Z", date);
	refuses("+11963-06-19T08:30:06.283185Z", date);
	refuses("-001-06-19T08:30:06Z", date);
	refuses("1963-06-19", "expected T after the date");
	refuses("1963-06-19_08:30:06Z", "expected T after the date");
	refuses("1963-06-11T0\u09ea:00:00Z", clock);
	refuses("1963-06-11T00:00Z", clock);
	refuses("1963-06-11T", clock);
	refuses("1963-06-11T00:00:00.Z", "expected digits after the decimal point");
	refuses("1963-06-11T00:00:00,5Z", zone);
	refuses("1985-04-12T23:20:50", zone);
	refuses("1985-04-12T23:20:50+01", zone);
	refuses("1985-04-12T23:20:50+0100", zone);
	refuses("1985-04-12T23:20:50 Z", zone);
	refuses("1990-12-31T15:59:59-24:00", "offset must be 00:00 to 23:59");
	refuses("1990-12-31T10:00:00+10:60", "offset must be 00:00 to 23:59");
	ok(strstr(parsed("1985-04-12T23:20:50Z\n"), "trailing characters"),
	   "a trailing newline is refused");
	refuses("1963-06-19T08:30:06.28123+01:00Z", "trailing characters");
	refuses("2024-04-25T06:59:46.123Z ", "trailing characters");
	refuses("0000-01-01T00:00:00Z", "there is no year 0000");
	refuses("2024-00-01T00:00:00Z", "month must be 01 to 12");
	refuses("2024-13-01T00:00:00.000Z", "month must be 01 to 12");
	refuses("2024-01-00T00:00:00.000Z", "the month has no such day");
	refuses("1990-02-31T15:59:59.123-08:00", "the month has no such day");
	refuses("2023-02-29T00:00:00.000Z", "the month has no such day");
	refuses("1900-02-29T00:00:00.000Z", "the month has no such day");
	refuses("2024-04-31T00:00:00.000Z", "the month has no such day");
	refuses("1990-12-31T24:00:00Z", "hour must be 00 to 23");
	refuses("2016-12-31T24:59:60+01:00", "hour must be 00 to 23");
	refuses("1990-12-31T15:60:00Z", "minute must be 00 to 59");
	refuses("1998-12-31T23:59:61Z", "second must be 00 to 59");
	refuses("1998-12-31T23:58:60Z", leap);
	refuses("1998-12-31T22:59:60Z", leap);
	refuses("1998-11-30T23:59:60Z", leap);
	refuses("1998-12-30T23:59:60Z", leap);
	refuses("0001-01-01T00:00:00+00:01", "outside the years 0001 to 9999 in UTC");
	refuses("9999-12-31T23:59:59-00:01", "outside the years 0001 to 9999 in UTC");
	ok(err.kind == CDP_ERR_DATA, "a bad time is a data error");
}

/* Every day of the years 1 to 9999, against a calendar that only counts. */
static void every_day(void)
{
	bool canon = true, civil = true, back = true, week = true;
	int64_t days = CDP_TIME_MIN_S / 86400;
	unsigned weekday = 1; /* 0001-01-01 was a Monday */

	for (int y = 1; y <= 9999; y++)
		for (unsigned m = 1; m <= 12; m++)
			for (unsigned d = 1; d <= cdp_days_in_month(y, m); d++, days++) {
				char text[64], out[25] = { 0 };
				int64_t ms = (days * 86400 + 86399) * 1000 + 7;
				int8_t month, day;
				int32_t year;

				snprintf(text, sizeof(text),
					 "%04d-%02u-%02uT23:59:59.007Z", y, m, d);
				canon &= cdp_time_canon_ms(text, 24) == ms;
				cdp_time_format(out, cdp_time_from_ms(ms));
				back &= strcmp(out, text) == 0;
				cdp_civil_from_days(days, &year, &month, &day);
				civil &= year == y && month == (int)m && day == (int)d &&
					 cdp_days_from_civil(y, m, d) == days;
				week &= cdp_weekday(days) == weekday;
				weekday = weekday % 7 + 1;
			}
	is_int(days * 86400 - 1, CDP_TIME_MAX_S,
	       "the years 1 to 9999 have that many days");
	ok(canon, "the canonical text of every day is read");
	ok(back, "the canonical text of every day is written");
	ok(civil, "day numbers and civil dates agree both ways");
	ok(week, "weekdays follow each other from Monday 1 to Sunday 7");
}

/* One byte changed anywhere: the fast reader must say what the full one says, or no. */
static void mutations(void)
{
	const char *base[] = { "2024-02-29T06:59:46.123Z", "1900-02-28T00:00:00.000Z",
			       "9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00.000Z",
			       "2100-10-10T10:10:10.010Z" };
	bool same = true;
	int accepted = 0;

	for (size_t b = 0; b < 5; b++)
		for (int at = 0; at < 24; at++)
			for (int c = 0; c < 256; c++) {
				char text[25];
				struct cdp_time t, u;
				int64_t ms;

				strcpy(text, base[b]);
				text[at] = (char)c;
				ms = cdp_time_canon_ms(text, 24);
				text[23] = text[23] == 'Z' ? 'z' : '?';
				/* now only the full reader can take it */
				bool full = cdp_time_parse(&t, text, 24, &err) == 0 &&
					    (c == 'T' || at != 10);

				text[23] = text[23] == 'z' ? 'Z' : '?';
				accepted += full;
				same &= full ? ms == cdp_time_ms(t) : ms == INT64_MIN;
				if (full)
					same &= cdp_time_parse_canon(&u, text, 24) &&
						cdp_time_cmp(t, u) == 0;
			}
	ok(same && accepted > 500,
	   "the fast and the full reader agree on every changed byte");
	ok(cdp_time_canon_ms("2024-02-29T06:59:46.123Z", 23) == INT64_MIN,
	   "23 bytes are not canonical");
	ok(cdp_time_canon_ms("2024-02-29T06:59:46.1234Z", 25) == INT64_MIN,
	   "25 bytes are not canonical");
}

static void instants(void)
{
	char out[33] = { 0 };
	struct cdp_time t = cdp_time_from_ms(-1);

	ok(t.s == -1 && t.ns == 999000000,
	   "a millisecond before the epoch is in second -1");
	is_int(cdp_time_ms(t), -1, "milliseconds round down, and back");
	is_int(cdp_time_ms((struct cdp_time){ -2, 999999999 }), -1001,
	       "also before the epoch");
	ok(cdp_time_cmp(t, cdp_time_from_ms(0)) < 0 && cdp_time_cmp(t, t) == 0 &&
		   cdp_time_cmp(cdp_time_from_ms(2), cdp_time_from_ms(1)) > 0,
	   "times compare by second, then nanosecond");
	cdp_time_format(out, (struct cdp_time){ -1, 999999999 });
	is_str(out, "1969-12-31T23:59:59.999Z",
	       "the canonical form truncates to milliseconds");
	memset(out, 0, sizeof(out));
	is_int((int64_t)cdp_time_format_ns(out, (struct cdp_time){ 0, 100 }), 28,
	       "the length of a time is returned");
	is_str(out, "1970-01-01T00:00:00.0000001Z",
	       "only the decimals needed are written");
	memset(out, 0, sizeof(out));
	cdp_time_format(out, (struct cdp_time){ INT64_MAX, 0 });
	is_str(out, "9999-12-31T23:59:59.000Z",
	       "a time out of range is written as the last");
	cdp_time_format(out, (struct cdp_time){ INT64_MIN, 0 });
	is_str(out, "0001-01-01T00:00:00.000Z", "or the first");
	is_int(cdp_weekday(-1), 3, "the day before the epoch was a Wednesday");
	is_int(cdp_days_from_civil(-1, 12, 31), -719529, "years before 1 are proleptic");
}

static void duration(const char *text, int64_t want)
{
	int64_t ns = -12345;

	ok(cdp_duration_parse(&ns, text, strlen(text), &err) == 0, "'%s' is a duration",
	   text);
	is_int(ns, want, "'%s' has its length", text);
}

static void durations(void)
{
	const int64_t s = 1000000000;
	int64_t ns = 7;

	duration("90s", 90 * s);
	duration("30m", 1800 * s);
	duration("7d", 7 * 86400 * s);
	duration("2w", 14 * 86400 * s);
	duration("1h30m", 5400 * s);
	duration("1.5h", 5400 * s);
	duration("-1.5h", -5400 * s);
	duration("+1d", 86400 * s);
	duration("500ms", s / 2);
	duration("1us", 1000);
	duration("1ns", 1);
	duration("0", 0);
	duration("0.1s", s / 10);
	duration("1.0000000009s", s);
	duration("0.00000000000000000000000001w", 0);
	duration("1m1ms", 60 * s + s / 1000);
	duration("9223372036854775807ns", INT64_MAX);
	duration("106751d23h47m16.854775807s", INT64_MAX);
	for (const char **t =
		     (const char *[]){ "", "-", "5", "s", "1.s", ".5s", "1x", "1 h",
				       "1h ", "1h30", "--1s", "1h-30m",
				       "9223372036854775808ns",
				       "99999999999999999999999999999999999999999999w",
				       "9000000000s9000000000s", "1M", "1mo", NULL };
	     *t; t++)
		ok(cdp_duration_parse(&ns, *t, strlen(*t), &err) < 0 && ns == 7 &&
			   err.kind == CDP_ERR_USAGE,
		   "'%s' is not a duration", *t);
	cdp_duration_parse(&ns, "1h30", 4, &err);
	is_str(err.msg,
	       "invalid duration '1h30': expected a unit (ns, us, ms, s, m, h, d, w)",
	       "the message says what is missing");
}

/* A time read and written at once, after another: as one after the other. */
static bool both_at_once(const char *before, const char *text)
{
	struct cdp_minute m = { 0 }, fresh = { 0 };
	char got[CDP_TIME_CANON], want[CDP_TIME_CANON];
	size_t n = strlen(text);
	int64_t ms, want_ms = n == 24 ? cdp_time_canon_ms(text, n)
				      : cdp_minute_ms(&fresh, text, n);

	cdp_minute_canon(&m, got, before, strlen(before));
	ms = cdp_minute_canon(&m, got, text, n);
	if (ms != want_ms || ms == INT64_MIN)
		return ms == want_ms;
	cdp_time_format(want, cdp_time_from_ms(ms));
	return memcmp(got, want, sizeof(got)) == 0;
}

/* By the general ways, whatever was met before. */
static void minutes(void)
{
	static const char *const texts[] = {
		"2024-04-25T06:59:46.123+08:00", "2024-04-25T06:59:59.999+08:00",
		"2024-04-25T06:59:60.000+08:00", "2024-04-25T06:59:46.123+05:30",
		"2024-04-25T06:59:46.123-08:00", "2024-04-25T06:59:4x.123+08:00",
		"2024-04-25T06:59:46,123+08:00", "2024-04-25T06:59:46.12/+08:00",
		"2024-04-25T06:60:46.123+08:00", "2024-02-30T06:59:46.123+08:00",
		"0001-01-01T00:00:00.000+00:01", "9999-12-31T23:59:59.999-00:01",
		"9999-12-31T23:59:59.999+00:00", "2024-04-25 06:59:46.12345678Z",
		"2024-04-25T06:59:46.123+24:00", "2024-04-25T06:59:46.123Z",
	};
	enum { N = sizeof(texts) / sizeof(*texts) };
	static const int64_t ms[] = { 0,
				      59999,
				      60000,
				      -1,
				      -60000,
				      -60001,
				      1714000000000,
				      CDP_TIME_MAX_S * 1000 + 999,
				      CDP_TIME_MIN_S * 1000,
				      CDP_TIME_MAX_S * 1000 };
	enum { M = sizeof(ms) / sizeof(*ms) };
	unsigned wrong = 0;

	for (unsigned i = 0; i < N * N; i++) {
		struct cdp_minute m = { 0 };
		int64_t want = INT64_MIN;
		struct cdp_time t;
		const char *text = texts[i / N];

		cdp_minute_ms(&m, texts[i % N], strlen(texts[i % N]));
		/* Seconds of 60 and fractions of eight digits are the general parser's.
		 */
		if (strlen(text) == 29 && text[10] == 'T' && text[17] != '6' &&
		    cdp_time_parse(&t, text, 29, &err) == 0)
			want = cdp_time_ms(t);
		wrong += cdp_minute_ms(&m, text, strlen(text)) != want;
		wrong += !both_at_once(texts[i % N], text);
	}
	is_int(wrong, 0, "a time read after another is what it is alone");
	wrong = 0;
	for (unsigned i = 0; i < M * M; i++) {
		struct cdp_minute m = { 0 };
		char got[CDP_TIME_CANON], want[CDP_TIME_CANON];

		cdp_minute_format(&m, got, ms[i % M]);
		cdp_minute_format(&m, got, ms[i / M]);
		cdp_time_format(want, cdp_time_from_ms(ms[i / M]));
		wrong += memcmp(got, want, sizeof(got)) != 0;
	}
	is_int(wrong, 0, "a time written after another is what it is alone");
}

int main(void)
{
	minutes();
	valid();
	invalid();
	every_day();
	mutations();
	instants();
	durations();
	return tap_done();
}
