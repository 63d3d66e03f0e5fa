/* Times as the protocols write them. */
#include "base/zone.h"
#include "format/protocol.h"
#include "record/json.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static const struct cdp_zone *shanghai;

/* A JSON value read as a time: milliseconds, or the error. */
static const char *when(enum cdp_unit unit, int32_t east, const char *json)
{
	static char text[600];
	struct cdp_clock clock = { unit, shanghai, east };
	struct cdp_val v;
	struct cdp_err err;
	int64_t ms;

	cdp_val_at(&v, json, strlen(json));
	if (cdp_when(&ms, &v, &clock, "t", &err) < 0)
		snprintf(text, sizeof(text), "%s: %s", err.path, err.msg);
	else
		snprintf(text, sizeof(text), "%lld", (long long)ms);
	return text;
}

int main(void)
{
	static const struct {
		enum cdp_unit unit;
		const char *json, *want, *name;
	} cases[] = {
		{ CDP_UNIT_MS, "1709251200123", "1709251200123", "milliseconds" },
		{ CDP_UNIT_MS, "\"1709251200123\"", "1709251200123",
		  "digits in a string" },
		{ CDP_UNIT_MS, "1709251200123.9", "1709251200123",
		  "a fraction of a millisecond is dropped" },
		{ CDP_UNIT_MS, "1709251200",
		  "t: '1709251200' is not a time in milliseconds since 1970",
		  "seconds where milliseconds are due are refused" },
		{ CDP_UNIT_MS, "0", "t: '0' is not a time in milliseconds since 1970",
		  "nought is no time" },
		{ CDP_UNIT_S, "1795312307.003", "1795312307003",
		  "seconds with a fraction keep their milliseconds" },
		{ CDP_UNIT_S, "1795312307", "1795312307000", "whole seconds" },
		{ CDP_UNIT_S, "1709251200123",
		  "t: '1709251200123' is not a time in seconds since 1970",
		  "milliseconds where seconds are due are refused" },
		{ CDP_UNIT_S, "-1.0005", "-1000", "before 1970, to the nearest" },
		{ CDP_UNIT_S_OR_MS, "1709251200", "1709251200000",
		  "the size tells: seconds" },
		{ CDP_UNIT_S_OR_MS, "1709251200000", "1709251200000", "or milliseconds" },
		{ CDP_UNIT_US, "\"1709251200123456\"", "1709251200123", "microseconds" },
		{ CDP_UNIT_NS, "\"1709251200123456789\"", "1709251200123",
		  "nanoseconds" },
		{ CDP_UNIT_NS, "\"17092512001234567890\"",
		  "t: '17092512001234567890' is not a time in nanoseconds since 1970",
		  "more digits than there are" },
		{ CDP_UNIT_MS, "1e400",
		  "t: '1e400' is not a time in milliseconds since 1970", "infinity" },
		{ CDP_UNIT_MS, "\"2024-03-01T00:00:00Z\"", "1709251200000", "RFC 3339" },
		{ CDP_UNIT_MS, "\"2024-03-01T08:00:00.5+08:00\"", "1709251200500",
		  "with an offset" },
		{ CDP_UNIT_MS, "\"2024-03-01 08:00:00.0\"", "1709251200000",
		  "local time with one decimal" },
		{ CDP_UNIT_MS, "\"2024-03-01 08:00:00.69\"", "1709251200690",
		  "with two" },
		{ CDP_UNIT_MS, "\"2024-03-01 08:00:00.696\"", "1709251200696",
		  "with three" },
		{ CDP_UNIT_MS, "\"2024-03-01 08:00:00\"", "1709251200000", "with none" },
		{ CDP_UNIT_MS, "\"2024-3-1 8:0:5\"", "1709251205000",
		  "local time without leading zeros" },
		{ CDP_UNIT_MS, "\"2024-03-01T08:00:00\"", "1709251200000",
		  "a T and no zone is local, too" },
		{ CDP_UNIT_MS, "\"2024-02-30 08:00:00\"",
		  "t: '2024-02-30 08:00:00' is no day of the calendar",
		  "a day that is none" },
		{ CDP_UNIT_MS, "true", "t: not a time", "a truth" },
		{ CDP_UNIT_MS, "\"\"", NULL, "an empty text is refused" },
		{ CDP_UNIT_MS, "\"soon\"", NULL, "a word is refused" },
		{ CDP_UNIT_MS, "\"-\"", NULL, "a sign is refused" },
		{ CDP_UNIT_MS, "\"1.2.3\"", NULL, "two points are refused" },
	};
	struct cdp_clock clock = { CDP_UNIT_MS, NULL, CDP_NO_OFFSET };
	struct cdp_val missing = { .type = CDP_MISSING };
	struct cdp_err err;
	int64_t ms = 7;

	shanghai = cdp_zone_load("Asia/Shanghai", &err);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *got = when(cases[i].unit, CDP_NO_OFFSET, cases[i].json);

		if (cases[i].want)
			is_str(got, cases[i].want, "%s", cases[i].name);
		else
			ok(strncmp(got, "t: ", 3) == 0, "%s: %s", cases[i].name, got);
	}
	is_str(when(CDP_UNIT_MS, -3600, "\"2024-03-01 08:00:00\""), "1709283600000",
	       "an offset of the message comes before the zone");
	is_str(when(CDP_UNIT_MS, -3600, "\"2024-03-01T08:00:00Z\""), "1709280000000",
	       "and after that of the text");
	ok(cdp_when_any(&ms, &missing, &clock, "t", &err) == 0 && ms == 7,
	   "a time that may be missing leaves what was there");
	ok(cdp_when(&ms, &missing, &clock, "t", &err) < 0,
	   "one that may not is an error");
	cdp_zone_free((struct cdp_zone *)(uintptr_t)shanghai);
	return tap_done();
}
