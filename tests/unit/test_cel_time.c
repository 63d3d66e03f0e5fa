/* Timestamps, durations, zones and civil dates.  The run is 2024-05-01 00:00 in
 * Asia/Shanghai. */
#include "cel.h"
#include "tap.h"

#define T "{\"type\":\"bool\",\"value\":true}"
#define F "{\"type\":\"bool\",\"value\":false}"
#define I(v) "{\"type\":\"int\",\"value\":" #v "}"
#define S(text) "{\"type\":\"string\",\"value\":\"" text "\"}"
#define TS(text) "{\"type\":\"timestamp\",\"value\":\"" text "\"}"
#define D(text) "{\"type\":\"duration\",\"value\":\"" text "\"}"
#define Q "timestamp('2009-02-13T23:31:30Z')"

static const struct cel_case values[] = {
	{ "timestamp('2009-02-13T23:31:30Z')", TS("2009-02-13T23:31:30Z") },
	{ "timestamp('2009-02-14T07:31:30.5+08:00')", TS("2009-02-13T23:31:30.5Z") },
	{ "timestamp(1234567890)", TS("2009-02-13T23:31:30Z") },
	{ "timestamp('2009-02-13')", "error: " },
	{ "timestamp('0000-01-01T00:00:00Z')", "error: " },
	{ "timestamp(-62135596801)", "error: timestamp out of range" },
	{ "timestamp(253402300800)", "error: timestamp out of range" },
	{ "int(" Q ")", I(1234567890) },
	{ "string(timestamp('9999-12-31T23:59:59.999999999Z'))",
	  S("9999-12-31T23:59:59.999999999Z") },
	{ "type(" Q ")", "{\"type\":\"type\",\"value\":\"google.protobuf.Timestamp\"}" },
	{ "type(" Q ") == google.protobuf.Timestamp", T },
	{ "google.protobuf.Duration == type(duration('1s'))", T },
	{ "duration('1.5h')", D("5400s") },
	{ "duration('-1h0.5s')", D("-3600.5s") },
	{ "duration('0')", D("0s") },
	{ "duration('1ns')", D("0.000000001s") },
	{ "duration('30d') == duration('720h')", T },
	{ "duration('2w') == duration('14d')", T },
	{ "duration('10')", "error: " },
	{ "duration('320000000000s')", "error: " },
	{ "string(duration('1m1ms'))", S("60.001s") },
	{ "duration(" Q ")", "error: no such overload" },
};

static const struct cel_case arithmetic[] = {
	{ Q " + duration('1d')", TS("2009-02-14T23:31:30Z") },
	{ "duration('-1ns') + " Q, TS("2009-02-13T23:31:29.999999999Z") },
	{ Q " - duration('1h')", TS("2009-02-13T22:31:30Z") },
	{ Q " - timestamp('2009-02-13T23:31:30.25Z')", D("-0.25s") },
	{ "duration('1h') - duration('90m')", D("-1800s") },
	{ Q " + " Q, "error: no such overload: timestamp + timestamp" },
	{ "duration('1h') - " Q, "error: no such overload" },
	{ "duration('1h') * 2", "error: no such overload" },
	{ "timestamp('9999-12-31T23:59:59.999999999Z') + duration('1ns')",
	  "error: timestamp out of range" },
	{ "timestamp('0001-01-01T00:00:00Z') - duration('1ns')",
	  "error: timestamp out of range" },
	{ "timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z')",
	  "error: duration out of range" },
	{ "duration('290d') + duration('200000h') > duration('1s')", T },
	{ "duration('2000000h') + duration('2000000h')", "error: duration out of range" },
	{ Q " < timestamp('2009-02-13T23:31:30.000000001Z')", T },
	{ "timestamp('2009-02-14T07:31:30+08:00') == " Q, T },
	{ "duration('60m') == duration('1h') && duration('-1s') < duration('0')", T },
	{ Q " < 5", "error: no such overload" },
};

static const struct cel_case fields[] = {
	{ Q ".getFullYear()", I(2009) },
	{ Q ".getMonth()", I(1) },
	{ Q ".getDate()", I(13) },
	{ Q ".getDayOfMonth()", I(12) },
	{ Q ".getDayOfWeek()", I(5) },
	{ "timestamp('2024-03-03T12:00:00Z').getDayOfWeek()", I(0) },
	{ Q ".getDayOfYear()", I(43) },
	{ "timestamp('2024-12-31T00:00:00Z').getDayOfYear()", I(365) },
	{ Q ".getHours()", I(23) },
	{ Q ".getMinutes()", I(31) },
	{ Q ".getSeconds()", I(30) },
	{ "timestamp('2009-02-13T23:31:20.123456789Z').getMilliseconds()", I(123) },
	{ "timestamp('1969-12-31T23:59:59.5Z').getHours()", I(23) },
	{ Q ".getDate('Asia/Shanghai')", I(14) },
	{ Q ".getHours('+08:00')", I(7) },
	{ Q ".getHours('02:00')", I(1) },
	{ Q ".getDayOfMonth('-02:30')", I(12) },
	{ Q ".getMinutes('Asia/Kathmandu')", I(16) },
	{ "timestamp('1986-07-01T00:00:00Z').getHours('Asia/Shanghai')", I(9) },
	{ Q ".getHours('Nowhere/Land')", "error: unknown time zone" },
	{ Q ".getHours(8)", "error: time zone must be a string" },
	{ "['UTC', 'Asia/Tokyo', 'UTC'].map(z, " Q ".getHours(z)) == [23, 8, 23]", T },
	{ "duration('3730s').getMinutes()", I(62) },
	{ "duration('3730s').getHours()", I(1) },
	{ "duration('-90s').getMinutes()", I(-1) },
	{ "duration('123.321456789s').getMilliseconds()", I(321) },
	{ "duration('1h').getDate()", "error: no such overload" },
	{ "duration('1h').getHours('UTC')", "error: no such overload" },
	{ "'x'.getHours()", "error: no such overload" },
};

static const struct cel_case civil[] = {
	{ "as_of", TS("2024-04-30T16:00:00Z") },
	{ "date('2024-05-01') == as_of", T },
	{ "date('2024-05-01', 'UTC')", TS("2024-05-01T00:00:00Z") },
	{ "date('1986-05-05')", TS("1986-05-04T15:00:00Z") }, /* summer time */
	{ "date('2024-02-29') + duration('1d') == date('2024-03-01')", T },
	{ "date('2023-02-29')", "error: invalid date '2023-02-29'" },
	{ "date('2024-5-1')", "error: invalid date" },
	{ "date('2024-05-01T00')", "error: invalid date" },
	{ "date(5)", "error: no such overload" },
	{ "day(as_of)", S("2024-05-01") },
	{ "day(as_of, 'UTC')", S("2024-04-30") },
	{ "day(as_of - duration('1ns'))", S("2024-04-30") },
	{ "day(timestamp('0001-01-01T00:00:00Z'), 'UTC')", S("0001-01-01") },
	{ "day('2024-05-01')", "error: no such overload" },
};

/* 1986-05-04 and 1986-09-14 had 23 and 25 hours in Shanghai. */
static const struct cel_case between[] = {
	{ "civilDays(date('2024-02-28'), as_of)", I(63) },
	{ "civilDays(as_of, as_of)", I(0) },
	{ "civilDays(as_of - duration('1ms'), as_of)", I(1) },
	{ "civilDays(date('1986-05-04'), date('1986-05-05'))", I(1) },
	{ "civilDays(date('1986-05-03'), date('1986-05-05'))", I(2) },
	{ "civilDays(date('1986-09-15'), date('1986-09-13'))", I(-2) },
	{ "civilMonths(date('2024-01-31'), date('2024-02-29'))", I(1) },
	{ "civilMonths(date('2024-01-31'), date('2024-03-30'))", I(1) },
	{ "civilMonths(date('2024-01-31'), date('2024-03-31'))", I(2) },
	{ "civilMonths(date('2024-01-15'), date('2024-02-14'))", I(0) },
	{ "civilMonths(date('2023-12-15'), date('2024-02-15'))", I(2) },
	{ "civilMonths(date('2024-02-29'), date('2024-01-31'))", I(-1) },
	{ "civilMonths(as_of, as_of - duration('1h'))", I(0) },
	{ "civilYears(date('1990-05-01'), as_of)", I(34) },
	{ "civilYears(date('1990-05-02'), as_of)", I(33) },
	{ "civilYears(date('1990-12-31'), as_of)", I(33) },
	{ "civilYears(date('2000-02-29'), date('2001-02-28'))", I(1) },
	{ "civilYears(date('2000-02-29'), date('2004-02-28'))", I(3) },
	{ "civilYears(as_of, date('1990-05-02'))", I(-33) },
	{ "day(addDays(date('2024-02-28'), 2))", S("2024-03-01") },
	{ "addDays(date('1986-05-03'), 2) == date('1986-05-05')", T },
	{ "addDays(timestamp('1986-05-03T04:00:00Z'), 1)", TS("1986-05-04T03:00:00Z") },
	{ "addDays(as_of, -1) == date('2024-04-30')", T },
	{ "addMonths(date('2024-01-31'), 1) == date('2024-02-29')", T },
	{ "addMonths(date('2023-01-31'), 1) == date('2023-02-28')", T },
	{ "addMonths(date('2024-03-31'), -13) == date('2023-02-28')", T },
	{ "addMonths(as_of, 0) == as_of", T },
	{ "addMonths(as_of, 120000)", "error: timestamp out of range" },
	{ "addDays(as_of, -9223372036854775807)", "error: timestamp out of range" },
	{ "addDays(as_of, 1.5)", "error: no such overload: addDays(timestamp, double)" },
	{ "civilDays('2024-05-01', as_of)", "error: no such overload: civilDays(string" },
};

int main(void)
{
	CEL_PLAIN(values);
	CEL_PLAIN(arithmetic);
	CEL_PLAIN(fields);
	CEL_PLAIN(civil);
	CEL_PLAIN(between);
	return tap_done();
}
