/* Functions over civil days, months and years, of the run's zone or the one that is their
 * last argument. */
#include "base/zone.h"
#include "lang/prog.h"

enum { AT_MOST = 4000000 }; /* days or months to add: beyond it no year is left */

/* The zone to count in; NULL with the error if the arguments are none that it takes. */
static const struct cdp_zone *takes(struct cdp_eval *ev, const struct cdp_node *n,
				    const struct cdp_value *args, unsigned second)
{
	if (args[0].type == CDP_V_TIMESTAMP && args[1].type == second)
		return cdp_call_zone(ev, n, args);
	cdp_eval_fail(ev, "no such overload: %s(%s, %s)", n->func->name,
		      cdp_type_word(args[0].type), cdp_type_word(args[1].type));
	return NULL;
}

/* The month `by` after that of the civil time; its day is the last one of a month that
 * has it no more. */
static void move_months(struct cdp_civil *c, int64_t by)
{
	int64_t month = (int64_t)c->year * 12 + c->month - 1 + by;
	int64_t year = month / 12 - (month % 12 < 0);
	unsigned last;

	c->year = (int32_t)year;
	c->month = (int8_t)(month - year * 12 + 1);
	last = cdp_days_in_month(year, (unsigned)c->month);
	if ((unsigned)c->day > last)
		c->day = (int8_t)last;
}

static int add(struct cdp_eval *ev, const struct cdp_node *n,
	       const struct cdp_value *args, bool months, struct cdp_value *out)
{
	const struct cdp_zone *zone = takes(ev, n, args, CDP_V_INT);
	struct cdp_civil c;

	if (!zone)
		return -1;
	if (args[1].i > AT_MOST || args[1].i < -AT_MOST)
		return cdp_eval_fail(ev, "timestamp out of range (years 1 to 9999)");
	cdp_zone_civil(zone, args[0].t, &c);
	if (months) {
		move_months(&c, args[1].i);
	} else {
		int64_t day =
			cdp_days_from_civil(c.year, (unsigned)c.month, (unsigned)c.day);

		cdp_civil_from_days(day + args[1].i, &c.year, &c.month, &c.day);
	}
	if (c.year < 1 || c.year > 9999)
		return cdp_eval_fail(ev, "timestamp out of range (years 1 to 9999)");
	*out = (struct cdp_value){ .from_record = args[0].from_record };
	return cdp_timestamp_from_ns(ev, cdp_time_ns(cdp_zone_instant(zone, &c)), out);
}

static int add_days(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
		    struct cdp_value *out)
{
	return add(ev, n, args, false, out);
}

static int add_months(struct cdp_eval *ev, const struct cdp_node *n,
		      struct cdp_value *args, struct cdp_value *out)
{
	return add(ev, n, args, true, out);
}

static void set_int(struct cdp_value *out, const struct cdp_value *args, int64_t i)
{
	*out = (struct cdp_value){ .type = CDP_V_INT,
				   .from_record =
					   args[0].from_record || args[1].from_record };
	out->i = i;
}

static int civil_days(struct cdp_eval *ev, const struct cdp_node *n,
		      struct cdp_value *args, struct cdp_value *out)
{
	const struct cdp_zone *zone = takes(ev, n, args, CDP_V_TIMESTAMP);

	if (!zone)
		return -1;
	set_int(out, args,
		cdp_zone_day(zone, args[1].t.s) - cdp_zone_day(zone, args[0].t.s));
	return 0;
}

static bool is_before(const struct cdp_civil *a, const struct cdp_civil *b)
{
	if (a->year != b->year)
		return a->year < b->year;
	return a->month != b->month ? a->month < b->month : a->day < b->day;
}

/* Whole months from the earlier of two days to the later one; below zero where that is
 * the first. */
static int64_t months_between(const struct cdp_zone *zone, struct cdp_time from,
			      struct cdp_time to)
{
	struct cdp_civil a, b, c;
	bool back = cdp_time_cmp(to, from) < 0;
	int64_t months;

	cdp_zone_civil(zone, back ? to : from, &a);
	cdp_zone_civil(zone, back ? from : to, &b);
	months = ((int64_t)b.year - a.year) * 12 + b.month - a.month;
	c = a;
	move_months(&c, months);
	if (is_before(&b, &c))
		months--;
	return back ? -months : months;
}

static int civil_months(struct cdp_eval *ev, const struct cdp_node *n,
			struct cdp_value *args, struct cdp_value *out)
{
	const struct cdp_zone *zone = takes(ev, n, args, CDP_V_TIMESTAMP);

	if (!zone)
		return -1;
	set_int(out, args, months_between(zone, args[0].t, args[1].t));
	return 0;
}

static int civil_years(struct cdp_eval *ev, const struct cdp_node *n,
		       struct cdp_value *args, struct cdp_value *out)
{
	const struct cdp_zone *zone = takes(ev, n, args, CDP_V_TIMESTAMP);

	if (!zone)
		return -1;
	set_int(out, args, months_between(zone, args[0].t, args[1].t) / 12);
	return 0;
}

#define MOVES                                                                            \
	{                                                                                \
		CDP_TAKES_TIME, CDP_TAKES_INT, CDP_TAKES_STRING                          \
	}
#define BETWEEN                                                                          \
	{                                                                                \
		CDP_TAKES_TIME, CDP_TAKES_TIME, CDP_TAKES_STRING                         \
	}
const struct cdp_func cdp_civil_funcs[] = {
	{ "addDays", CDP_F_GLOBAL, 2, 3, true, CDP_V_TIMESTAMP, add_days, MOVES },
	{ "addMonths", CDP_F_GLOBAL, 2, 3, true, CDP_V_TIMESTAMP, add_months, MOVES },
	{ "civilDays", CDP_F_GLOBAL, 2, 3, true, CDP_V_INT, civil_days, BETWEEN },
	{ "civilMonths", CDP_F_GLOBAL, 2, 3, true, CDP_V_INT, civil_months, BETWEEN },
	{ "civilYears", CDP_F_GLOBAL, 2, 3, true, CDP_V_INT, civil_years, BETWEEN },
	{ .name = NULL },
};
