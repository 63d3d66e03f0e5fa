#include "model/schedule.h"

#include "base/buf.h"
#include "base/text.h"
#include "base/time.h"

#include <stdio.h>
#include <string.h>

enum { WEEK = 7, MONTH = 31, DATES_MAX = 1000 };

struct cdp_schedule {
	uint32_t weekdays;  /* bit i: Monday is 0 */
	uint64_t monthdays; /* bit i: the i-th; bit 0: the last one */
	int64_t *dates;
	size_t date_count;
	const char *text;
};

static const char *const weekdays[WEEK] = { "monday", "tuesday",  "wednesday", "thursday",
					    "friday", "saturday", "sunday" };

/* --- parts --- */

static int none(struct cdp_err *err, const char *where, const json_t *j,
		const char *const *words, size_t n, const char *expected)
{
	const char *text = json_string_value(j);
	const char *near = text ? cdp_text_suggest(text, strlen(text), words, n) : NULL;

	return near ? cdp_err_set(err, CDP_ERR_USAGE,
				  "schedule%s: '%s' is none; did you mean '%s'?", where,
				  text, near)
		    : cdp_err_set(err, CDP_ERR_USAGE, "schedule%s: expected %s", where,
				  expected);
}

static int add_weekday(struct cdp_schedule *s, const json_t *j, struct cdp_err *err)
{
	const char *text = json_string_value(j);

	for (unsigned i = 0; text && i < WEEK; i++)
		if (strcmp(weekdays[i], text) == 0) {
			s->weekdays |= 1u << i;
			return 0;
		}
	return none(err, ".weekly", j, weekdays, WEEK,
		    "a day of the week, as in \"monday\", or a list of them");
}

static int add_monthday(struct cdp_schedule *s, const json_t *j, struct cdp_err *err)
{
	static const char *const last[] = { "last" };
	json_int_t day = json_integer_value(j);

	if (json_is_string(j) && strcmp(json_string_value(j), *last) == 0)
		day = 0;
	else if (!json_is_integer(j) || day < 1 || day > MONTH)
		return none(err, ".monthly", j, last, 1,
			    "a day from 1 to 31, \"last\", or a list of them");
	s->monthdays |= UINT64_C(1) << day;
	return 0;
}

static int add_date(struct cdp_schedule *s, const json_t *j, struct cdp_err *err)
{
	enum { DATE = 10 };
	const char *text = json_string_value(j);
	char midnight[32];
	struct cdp_err ignored;
	struct cdp_time t;

	if (text && strlen(text) == DATE) {
		snprintf(midnight, sizeof(midnight), "%sT00:00:00Z", text);
		if (cdp_time_parse(&t, midnight, strlen(midnight), &ignored) == 0) {
			s->dates[s->date_count++] = t.s / 86400 - (t.s % 86400 < 0);
			return 0;
		}
	}
	return none(err, ".dates", j, NULL, 0, "a list of dates, as in [\"2024-03-31\"]");
}

typedef int add_fn(struct cdp_schedule *s, const json_t *j, struct cdp_err *err);

/* One of something, or a list of them. */
static int add_all(struct cdp_schedule *s, const json_t *j, add_fn *add,
		   struct cdp_err *err)
{
	size_t n = json_array_size(j);

	if (!json_is_array(j) || n == 0)
		return add(s, json_is_array(j) ? NULL : j, err);
	for (size_t i = 0; i < n; i++)
		if (add(s, json_array_get(j, i), err) < 0)
			return -1;
	return 0;
}

/* --- text --- */

static const char *make_text(const struct cdp_schedule *s, const char *word,
			     struct cdp_arena *arena)
{
	struct cdp_buf b;
	const char *text = " ";

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_adds(&b, word);
	for (unsigned i = 0; i < WEEK; i++)
		if (s->weekdays >> i & 1) {
			cdp_buf_addf(&b, "%s%s", text, weekdays[i]);
			text = ", ";
		}
	for (unsigned i = 1; i <= MONTH; i++)
		if (s->monthdays >> i & 1) {
			cdp_buf_addf(&b, "%s%u", text, i);
			text = ", ";
		}
	if (s->monthdays & 1) {
		cdp_buf_addf(&b, "%slast", text);
		text = ", ";
	}
	for (size_t i = 0; i < s->date_count; i++) {
		int8_t month, day;
		int32_t year;

		cdp_civil_from_days(s->dates[i], &year, &month, &day);
		cdp_buf_addf(&b, "%s%04d-%02d-%02d", text, year, month, day);
		text = ", ";
	}
	text = cdp_arena_strndup(arena, b.p, b.n);
	cdp_buf_release(&b);
	return text;
}

/* --- the whole --- */

static int load_word(struct cdp_schedule *s, const json_t *j, struct cdp_err *err)
{
	static const char *const words[] = { "daily", "weekly", "monthly", "manual" };
	enum { COUNT = sizeof(words) / sizeof(*words) };
	const char *text = json_string_value(j);
	size_t i = 0;

	while (i < COUNT && strcmp(words[i], text) != 0)
		i++;
	if (i == COUNT)
		return none(err, "", j, words, COUNT,
			    "daily, weekly, monthly, manual or an object");
	s->weekdays = i == 1;
	s->monthdays = i == 2 ? 1 << 1 : 0;
	s->text = words[i];
	return 0;
}

static int load_object(struct cdp_schedule *s, const json_t *j, struct cdp_err *err)
{
	static const char *const known[] = { "weekly", "monthly", "dates", NULL };
	static add_fn *const adds[] = { add_weekday, add_monthday, add_date };
	size_t i = 0;

	if (cdp_tree_known(j, known, "schedule", err) < 0)
		return -1;
	if (json_object_size(j) != 1)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "schedule: expected one of weekly, monthly and dates");
	while (!json_object_get(j, known[i]))
		i++;
	s->text = known[i];
	j = json_object_get(j, known[i]);
	if (adds[i] == add_date && !json_is_array(j))
		j = NULL;
	if (json_array_size(j) > DATES_MAX)
		return cdp_err_set(err, CDP_ERR_USAGE, "schedule.%s: more than %d",
				   known[i], DATES_MAX);
	return add_all(s, j, adds[i], err);
}

int cdp_schedule_load(const struct cdp_schedule **out, const json_t *o,
		      struct cdp_arena *arena, struct cdp_err *err)
{
	const json_t *j = json_object_get(o, "schedule");
	struct cdp_schedule *s;

	*out = NULL;
	if (!j)
		return 0;
	if (!json_is_string(j) && !json_is_object(j))
		return none(err, "", NULL, NULL, 0,
			    "daily, weekly, monthly, manual or an object");
	s = cdp_arena_alloc(arena, sizeof(*s));
	*s = (struct cdp_schedule){ 0 };
	s->dates = cdp_arena_alloc(arena, json_array_size(json_object_get(j, "dates")) *
						  sizeof(*s->dates));
	if ((json_is_string(j) ? load_word : load_object)(s, j, err) < 0)
		return -1;
	if (strcmp(s->text, "daily") != 0) {
		s->text = make_text(s, s->text, arena);
		*out = s;
	}
	return 0;
}

const char *cdp_schedule_text(const struct cdp_schedule *s)
{
	return s->text;
}

static bool is_due(const struct cdp_schedule *s, int64_t day)
{
	int8_t month, mday;
	int32_t year;
	unsigned last;

	if (s->weekdays >> (cdp_weekday(day) - 1) & 1)
		return true;
	cdp_civil_from_days(day, &year, &month, &mday);
	last = cdp_days_in_month(year, (unsigned)month);
	if (s->monthdays >> mday & 1)
		return true;
	/* What the month does not have, and "last". */
	return (unsigned)mday == last &&
	       (s->monthdays & 1 || s->monthdays >> (last + 1) != 0);
}

bool cdp_schedule_due(const struct cdp_schedule *s, int64_t after, int64_t day)
{
	for (size_t i = 0; i < s->date_count; i++)
		if (s->dates[i] > after && s->dates[i] <= day)
			return true;
	/* What is due at all is due within two months. */
	if (after < day - 2 * MONTH)
		after = day - 2 * MONTH;
	for (; day > after; day--)
		if (is_due(s, day))
			return true;
	return false;
}
