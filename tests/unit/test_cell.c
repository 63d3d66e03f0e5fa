/* Cells of tables as JSON values, and times by patterns. */
#include "format/cell.h"
#include "format/stamp.h"
#include "tap.h"

#include <string.h>

static struct cdp_buf out, tmp;
static struct cdp_zone *shanghai;

static const char *cell(enum cdp_cell_type type, const char *format, const char *text)
{
	struct cdp_cell c = { .type = type, .format = format, .zone = shanghai };
	struct cdp_err err;

	cdp_buf_reset(&out);
	if (cdp_cell_put(&c, &out, &tmp, text, strlen(text), &err) < 0) {
		ok(out.n == 0, "a bad cell leaves nothing behind");
		return "bad";
	}
	return cdp_buf_str(&out);
}

struct pair {
	const char *text, *want;
};

static void all(enum cdp_cell_type type, const char *what, const struct pair *p)
{
	for (; p->text; p++)
		is_str(cell(type, NULL, p->text), p->want, "%s '%s'", what, p->text);
}

static void numbers(void)
{
	static const struct pair ints[] = {
		{ "0", "0" },
		{ "007", "7" },
		{ "-12", "-12" },
		{ "+5", "5" },
		{ "-0", "-0" },
		{ " 8 ", "8" },
		{ "\xe3\x80\x80"
		  "9",
		  "9" },
		{ "\xef\xbc\x91\xef\xbc\x92", "12" }, /* full-width */
		{ "123456789012345678901234567890", "123456789012345678901234567890" },
		{ "", "bad" },
		{ "-", "bad" },
		{ "1.0", "bad" },
		{ "1e3", "bad" },
		{ "1,000", "bad" },
		{ "0x1", "bad" },
		{ "1 2", "bad" },
		{ 0 },
	};
	static const struct pair decimals[] = {
		{ "5000.00", "5000.00" }, { ".5", "0.5" },
		{ "-.5", "-0.5" },        { "5.", "5" },
		{ "00.10", "0.10" },      { "1.1E+17", "bad" },
		{ ".", "bad" },           { "1.2.3", "bad" },
		{ "--1", "bad" },         { 0 },
	};
	static const struct pair floats[] = {
		{ "1.1E+17", "1.1e+17" }, { "1e5", "1e5" },  { "2.50", "2.50" },
		{ "1e", "bad" },          { "1e+", "bad" },  { "e5", "bad" },
		{ "NaN", "bad" },         { "1e5x", "bad" }, { 0 },
	};
	struct cdp_cell grouped = { .type = CDP_CELL_DECIMAL, .thousands = true };
	struct cdp_err err;

	all(CDP_CELL_INT, "integer", ints);
	all(CDP_CELL_DECIMAL, "decimal", decimals);
	all(CDP_CELL_NUMBER, "number", floats);
	cdp_buf_reset(&out);
	ok(cdp_cell_put(&grouped, &out, &tmp, "1,234,567.89", 12, &err) == 0 &&
		   out.n == 10 && memcmp(out.p, "1234567.89", 10) == 0,
	   "groups of digits are joined where they are allowed");
	ok(cdp_cell_put(&grouped, &out, &tmp, "1,", 2, &err) < 0 &&
		   cdp_cell_put(&grouped, &out, &tmp, ",1", 2, &err) < 0 &&
		   cdp_cell_put(&grouped, &out, &tmp, "1.2,3", 5, &err) < 0,
	   "a comma stands between digits before the point");
}

static void others(void)
{
	static const struct pair bools[] = {
		{ "1", "true" },
		{ "N", "false" },
		{ " Yes ", "true" },
		{ "FALSE", "false" },
		{ "\xe6\x98\xaf", "true" },
		{ "\xe5\x90\xa6", "false" },
		{ "2", "bad" },
		{ 0 },
	};
	static const struct pair dates[] = {
		{ "2024-02-29", "\"2024-02-29\"" },
		{ "2023-02-29", "bad" },
		{ "2024-2-9", "\"2024-02-09\"" },
		{ "2024-02-29 00:00:00", "bad" },
		{ 0 },
	};
	static const struct pair times[] = {
		{ "2024-04-25 14:59:46", "\"2024-04-25T06:59:46.000Z\"" },
		{ "2024-04-25T14:59:46+09:00", "\"2024-04-25T05:59:46.000Z\"" },
		{ "2024-04-25", "bad" },
		{ 0 },
	};
	static const struct pair strings[] = {
		{ " a\"\n", "\" a\\\"\\n\"" },
		{ "", "\"\"" },
		{ 0 },
	};

	all(CDP_CELL_BOOL, "truth", bools);
	all(CDP_CELL_DATE, "date", dates);
	all(CDP_CELL_TIME, "time", times);
	all(CDP_CELL_STRING, "string", strings);
	is_str(cell(CDP_CELL_DATE, "%Y%m%d", "20240229"), "\"2024-02-29\"",
	       "a date of eight digits");
	is_str(cell(CDP_CELL_DATE, "%d/%m/%y", "1/2/99"), "\"1999-02-01\"",
	       "a year of two digits is one from 1970 to 2069");
	is_str(cell(CDP_CELL_DATE, "%Y%m%d", "2024229"), "bad",
	       "each field has its width");
}

static const char *stamp(const char *pattern, const char *text)
{
	static char t[CDP_TIME_CANON + 1];
	struct cdp_time x;
	struct cdp_err err;

	if (cdp_stamp_parse(&x, text, strlen(text), pattern, shanghai, &err) < 0)
		return "bad";
	cdp_time_format(t, x);
	return t;
}

static void stamps(void)
{
	struct cdp_err err;

	is_str(stamp("%d/%b/%Y:%H:%M:%S %z", "22/Nov/2026:02:49:43 -0330"),
	       "2026-11-22T06:19:43.000Z", "an offset in the text counts");
	is_str(stamp("%Y%m%d%H%M%S", "20240425145946"), "2024-04-25T06:59:46.000Z",
	       "fields may stand without anything between");
	is_str(stamp("%Y-%m-%d %H:%M:%S.%f", "2024-04-25 14:59:46.123456789"),
	       "2024-04-25T06:59:46.123Z", "a fraction has up to nine digits");
	is_str(stamp("%Y-%m-%d %H:%M:%S.%f", "2024-04-25 14:59:46.1234567890"), "bad",
	       "and no more");
	is_str(stamp("%Y-%m-%d %H:%M", "2024-04-25   7:5 "), "2024-04-24T23:05:00.000Z",
	       "a blank stands for several, and the ends may have some");
	is_str(stamp("%L", "1709251200000"), "2024-03-01T00:00:00.000Z",
	       "milliseconds since 1970");
	is_str(stamp("%s", "-1"), "1969-12-31T23:59:59.000Z", "seconds before it");
	is_str(stamp("%U", "-1"), "1969-12-31T23:59:59.999Z", "microseconds before it");
	is_str(stamp("%Y-%m-%d", "1986-05-04"), "1986-05-03T16:00:00.000Z",
	       "the day on which China's summer time began in 1986");
	is_str(stamp("%Y-%m-%d %H:%M:%S", "1986-07-01 00:00:00"),
	       "1986-06-30T15:00:00.000Z", "a time in that summer");
	is_str(stamp("%H:%M %Y-%m-%d", "24:00 2024-01-01"), "bad", "there is no hour 24");
	is_str(stamp("%Y-%m-%d", "2024-01-0x"), "bad", "digits are digits");
	is_str(stamp("%Y-%m-%d", ""), "bad", "nothing is no time");
	is_str(stamp("100%% %Y-%m-%d", "100% 2024-01-02"), "2024-01-01T16:00:00.000Z",
	       "two percent signs are one");
	ok(cdp_stamp_check("%Y-%m-%d", &err, 1) == 0 &&
		   cdp_stamp_check("%L", &err, 0) == 0,
	   "good patterns are good");
	ok(cdp_stamp_check("%Y-%m-%d %H", &err, 1) < 0 &&
		   cdp_stamp_check("%L", &err, 1) < 0,
	   "a date has no hour");
	ok(cdp_stamp_check("%Y-%m", &err, 0) < 0, "a time has a whole date");
	ok(cdp_stamp_check("%Y-%m-%d %q", &err, 0) < 0 &&
		   cdp_stamp_check("%Y-%m-%d %", &err, 0) < 0,
	   "unknown fields are named");
}

int main(void)
{
	struct cdp_err err;

	shanghai = cdp_zone_load("Asia/Shanghai", &err);
	cdp_buf_init(&out, CDP_BUF_NOMAX);
	cdp_buf_init(&tmp, CDP_BUF_NOMAX);
	numbers();
	others();
	stamps();
	cdp_buf_release(&out);
	cdp_buf_release(&tmp);
	cdp_zone_free(shanghai);
	return tap_done();
}
