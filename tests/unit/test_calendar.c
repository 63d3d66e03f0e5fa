/* Calendars of trading days against a walk from day to day. */
#include "base/mem.h"
#include "base/time.h"
#include "lang/calendar.h"
#include "tap.h"

#include <string.h>

static struct cdp_zone *zone;

static struct cdp_calendar *parse(const char *text)
{
	struct cdp_err err;

	return cdp_calendar_parse(text, strlen(text), "c", zone, &err);
}

static void refused(const char *text, const char *why)
{
	struct cdp_err err = { 0 };
	struct cdp_calendar *c = cdp_calendar_parse(text, strlen(text), "c", zone, &err);

	ok(!c, "%s is refused", text);
	is_str(err.msg, why, "and it is said why");
	cdp_calendar_free(c);
}

static struct cdp_time at(int64_t day, int64_t s)
{
	return (struct cdp_time){ .s = cdp_zone_day_start(zone, day) + s };
}

/* The walk: a day of the spring of 2024 by the rules of the file below. */
static bool trades(int64_t day)
{
	int64_t may1 = cdp_days_from_civil(2024, 5, 1);
	unsigned weekday = cdp_weekday(day);

	if (day == cdp_days_from_civil(2024, 4, 28))
		return true;
	return weekday <= 5 && !(day >= may1 && day <= may1 + 4);
}

static void test_walk(void)
{
	struct cdp_calendar *c = parse(
		"{\"from\":\"2024-04-01\",\"to\":\"2024-06-28\",\"close\":\"15:00\","
		"\"closed\":[\"2024-05-01/2024-05-05\"],\"open\":[\"2024-04-28\"]}");
	int64_t from = cdp_days_from_civil(2024, 4, 1);
	int64_t to = cdp_days_from_civil(2024, 6, 28), number = 0;
	unsigned wrong = 0, back = 0, late = 0;
	struct cdp_err err;

	for (int64_t day = from; day <= to; day++) {
		struct cdp_time t;
		int64_t n;
		bool yes;

		wrong += cdp_calendar_is_trading(c, at(day, 3600), &yes, &err) < 0 ||
			 yes != trades(day);
		wrong += cdp_calendar_number(c, at(day, 15 * 3600 - 1), &n, &err) < 0 ||
			 n != number;
		late += cdp_calendar_number(c, at(day, 15 * 3600), &n, &err) < 0 ||
			n != number + trades(day);
		if (!trades(day))
			continue;
		back += cdp_calendar_start(c, number++, &t, &err) < 0 ||
			t.s != at(day, 0).s;
	}
	is_int(wrong, 0, "each day is what it is and has the number of days before it");
	is_int(late, 0, "from the close on a day counts for the next trading day");
	is_int(back, 0, "a number leads back to the start of its day");
	ok(cdp_calendar_start(c, number, &(struct cdp_time){ 0 }, &err) < 0,
	   "there is no trading day after the last");
	is_int(err.kind, CDP_ERR_EVAL, "which is an evaluation error");
	ok(cdp_calendar_number(c, at(from - 1, 0), &number, &err) < 0,
	   "nothing is known of the day before the first");
	is_str(err.msg, "the calendar does not reach 2024-03-31", "and it is named");
	cdp_calendar_free(c);
}

int main(void)
{
	struct cdp_err err;

	zone = cdp_zone_load("Asia/Shanghai", &err);
	test_walk();
	refused("[]", "c: expected an object");
	refused("{\"from\":\"2024-02-30\",\"to\":\"2024-03-01\"}",
		"c: from: invalid date '2024-02-30', expected YYYY-MM-DD");
	refused("{\"from\":\"2024-03-02\",\"to\":\"2024-03-01\"}",
		"c: to: expected a day within a century after 'from'");
	refused("{\"from\":\"2024-03-01\",\"to\":\"2024-03-02\",\"close\":\"25:00\"}",
		"c: close: no time of day");
	refused("{\"from\":\"2024-03-01\",\"to\":\"2024-03-02\",\"close\":\"3pm\"}",
		"c: close: expected HH:MM");
	refused("{\"from\":\"2024-03-01\",\"to\":\"2024-03-02\",\"weekend\":[\"sun\"]}",
		"c: weekend: expected days such as \"saturday\"");
	refused("{\"from\":\"2024-03-01\",\"to\":\"2024-03-02\",\"closed\":[\"2024-03-"
		"03\"]}",
		"c: closed[0]: outside of 'from' and 'to'");
	refused("{\"from\":\"2024-03-01\",\"to\":\"2024-03-09\","
		"\"open\":[\"2024-03-05/2024-03-04\"]}",
		"c: open[0]: the range ends before it begins");
	cdp_zone_free(zone);
	return tap_done();
}
