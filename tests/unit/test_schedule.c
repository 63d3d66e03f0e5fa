/* Which days are due. */
#include "model/schedule.h"

#include "base/time.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static struct cdp_arena arena;

static const struct cdp_schedule *load(const char *json, struct cdp_err *err)
{
	char *text = cdp_asprintf("{\"schedule\":%s}", json);
	json_t *o = cdp_tree_parse(text, strlen(text), "x", err);
	const struct cdp_schedule *s = NULL;
	int rc = cdp_schedule_load(&s, o, &arena, err);

	if (rc == 0)
		cdp_err_set(err, CDP_ERR_USAGE, "fine");
	json_decref(o);
	free(text);
	return s;
}

/* Days of a year and month that are due, as text. */
static const char *due(const char *json, int year, unsigned month)
{
	static char out[256];
	struct cdp_err err;
	const struct cdp_schedule *s = load(json, &err);
	size_t n = 0;

	out[0] = '\0';
	for (unsigned d = 1; s && d <= cdp_days_in_month(year, month); d++) {
		int64_t day = cdp_days_from_civil(year, month, d);

		if (cdp_schedule_due(s, day - 1, day))
			n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%u",
					      n ? " " : "", d);
	}
	return out;
}

static void check_days(void)
{
	is_str(due("\"weekly\"", 2024, 4), "1 8 15 22 29", "weekly is on Mondays");
	is_str(due("{\"weekly\":\"sunday\"}", 2024, 3), "3 10 17 24 31", "on Sundays");
	is_str(due("{\"weekly\":[\"tuesday\",\"friday\"]}", 2024, 2),
	       "2 6 9 13 16 20 23 27", "on two days of a week");
	is_str(due("\"monthly\"", 2024, 4), "1", "monthly is on the first");
	is_str(due("{\"monthly\":[15,\"last\"]}", 2024, 2), "15 29", "on a leap day");
	is_str(due("{\"monthly\":30}", 2023, 2), "28", "a day that is not is the last");
	is_str(due("{\"monthly\":30}", 2023, 3), "30", "and itself where it is");
	is_str(due("{\"monthly\":31}", 2023, 4), "30", "so for a month of thirty");
	is_str(due("{\"monthly\":28}", 2024, 2), "28",
	       "the day before the last is no last");
	is_str(due("{\"dates\":[\"2024-02-29\",\"2024-02-01\"]}", 2024, 2), "1 29",
	       "on certain dates");
	is_str(due("\"manual\"", 2024, 2), "", "never");
}

static void check_spans(void)
{
	int64_t monday = cdp_days_from_civil(2024, 4, 1), old = monday - 100000;
	struct cdp_err err;
	const struct cdp_schedule *weekly = load("\"weekly\"", &err),
				  *monthly = load("{\"monthly\":\"last\"}", &err),
				  *dates = load("{\"dates\":[\"2020-01-01\"]}", &err),
				  *manual = load("\"manual\"", &err);

	ok(!cdp_schedule_due(weekly, monday, monday + 6), "until Sunday nothing is due");
	ok(cdp_schedule_due(weekly, monday, monday + 7), "next Monday it is");
	ok(cdp_schedule_due(weekly, monday - 1, monday + 3), "and still on Thursday");
	ok(cdp_schedule_due(monthly, old, monday), "after a long time it is due");
	ok(cdp_schedule_due(dates, old, monday), "a date may be long ago");
	ok(!cdp_schedule_due(dates, monday - 1, monday), "and over");
	ok(!cdp_schedule_due(manual, old, monday), "what is manual never is");
	ok(!cdp_schedule_due(weekly, monday, monday), "nor is anything between nothing");
	is_str(cdp_schedule_text(load("{\"weekly\":[\"friday\",\"monday\"]}", &err)),
	       "weekly monday, friday", "days of a week as text");
	is_str(cdp_schedule_text(load("{\"monthly\":[\"last\",15]}", &err)),
	       "monthly 15, last", "days of a month as text");
	is_str(cdp_schedule_text(dates), "dates 2020-01-01", "dates as text");
	is_str(cdp_schedule_text(manual), "manual", "a word is itself");
}

static void check_errors(void)
{
	static const char *const bad[][2] = {
		{ "\"daily\"", "fine" },
		{ "7", "schedule: expected daily, weekly, monthly, manual or an object" },
		{ "\"weakly\"", "schedule: 'weakly' is none; did you mean 'weekly'?" },
		{ "{}", "schedule: expected one of weekly, monthly and dates" },
		{ "{\"weekly\":\"monday\",\"monthly\":1}",
		  "schedule: expected one of weekly, monthly and dates" },
		{ "{\"weekly\":\"munday\"}",
		  "schedule.weekly: 'munday' is none; did you mean 'monday'?" },
		{ "{\"weekly\":[]}", "schedule.weekly: expected a day of the week, as in "
				     "\"monday\", or a list of them" },
		{ "{\"weekly\":1}", "schedule.weekly: expected a day of the week, as in "
				    "\"monday\", or a list of them" },
		{ "{\"monthly\":0}", "schedule.monthly: expected a day from 1 to 31, "
				     "\"last\", or a list of them" },
		{ "{\"monthly\":32}", "schedule.monthly: expected a day from 1 to 31, "
				      "\"last\", or a list of them" },
		{ "{\"monthly\":\"lst\"}",
		  "schedule.monthly: 'lst' is none; did you mean 'last'?" },
		{ "{\"dates\":\"2024-01-01\"}",
		  "schedule.dates: expected a list of dates, as in [\"2024-03-31\"]" },
		{ "{\"dates\":[\"2023-02-29\"]}",
		  "schedule.dates: expected a list of dates, as in [\"2024-03-31\"]" },
		{ "{\"yearly\":1}", "schedule: unknown member 'yearly'" },
	};
	struct cdp_err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ok(load(bad[i][0], &err) == NULL, "%s is none", bad[i][0]);
		ok(strncmp(err.msg, bad[i][1], strlen(bad[i][1])) == 0, "%s", err.msg);
	}
}

int main(void)
{
	cdp_arena_init(&arena);
	check_days();
	check_spans();
	check_errors();
	cdp_arena_release(&arena);
	return tap_done();
}
