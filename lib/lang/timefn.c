/* Timestamps, durations and civil dates. */
#include "base/zone.h"
#include "lang/prog.h"

#include <stdio.h>
#include <string.h>

#define NS 1000000000

__int128 cdp_time_ns(struct cdp_time t)
{
	return (__int128)t.s * NS + t.ns;
}

static struct cdp_time from_ns(__int128 ns)
{
	__int128 s = ns / NS, rest = ns % NS;

	if (rest < 0) {
		rest += NS;
		s--;
	}
	return (struct cdp_time){ (int64_t)s, (int32_t)rest };
}

int cdp_duration_from_ns(struct cdp_eval *ev, __int128 ns, struct cdp_value *out)
{
	if (ns < INT64_MIN || ns > INT64_MAX)
		return cdp_eval_fail(ev, "duration out of range (292 years)");
	out->type = CDP_V_DURATION;
	out->t = from_ns(ns);
	return 0;
}

int cdp_timestamp_from_ns(struct cdp_eval *ev, __int128 ns, struct cdp_value *out)
{
	if (ns < (__int128)CDP_TIME_MIN_S * NS ||
	    ns >= ((__int128)CDP_TIME_MAX_S + 1) * NS)
		return cdp_eval_fail(ev, "timestamp out of range (years 1 to 9999)");
	out->type = CDP_V_TIMESTAMP;
	out->t = from_ns(ns);
	return 0;
}

/* The conformance suite writes offsets without a sign as well: '02:00'. */
struct cdp_zone *cdp_lang_zone(const char *name, size_t n, struct cdp_err *err)
{
	char z[64];
	bool digit = n && name[0] >= '0' && name[0] <= '9';

	if (n + 2 > sizeof(z) || memchr(name, '\0', n)) {
		cdp_err_set(err, CDP_ERR_USAGE, "unknown time zone");
		return NULL;
	}
	snprintf(z, sizeof(z), "%s%.*s", digit ? "+" : "", (int)n, name);
	return cdp_zone_load(z, err);
}

/* The zone of a call's argument: prepared when it was constant, else looked up and the
 * last one remembered. */
static const struct cdp_zone *zone_arg(struct cdp_eval *ev, const struct cdp_node *n,
				       const struct cdp_value *v)
{
	struct cdp_zone *z;
	struct cdp_err err;

	if (n->zone)
		return n->zone;
	if (v->type != CDP_V_STRING) {
		cdp_eval_fail(ev, "time zone must be a string, not %s",
			      cdp_type_word(v->type));
		return NULL;
	}
	if (ev->zone && strlen(ev->zone_name) == v->s.n &&
	    memcmp(ev->zone_name, v->s.p, v->s.n) == 0)
		return ev->zone;
	z = cdp_lang_zone(v->s.p, v->s.n, &err);
	if (!z) {
		cdp_eval_fail(ev, "%s", err.msg);
		return NULL;
	}
	cdp_zone_free(ev->zone);
	ev->zone = z;
	memcpy(ev->zone_name, v->s.p, v->s.n);
	ev->zone_name[v->s.n] = '\0';
	return z;
}

const struct cdp_zone *cdp_call_zone(struct cdp_eval *ev, const struct cdp_node *n,
				     const struct cdp_value *args)
{
	if (n->count == n->func->max)
		return zone_arg(ev, n, &args[n->count - 1]);
	if (!ev->has_run)
		cdp_eval_fail(ev, "%s() needs the time zone of a run", n->func->name);
	return ev->has_run ? ev->run.zone : NULL;
}

/* Broken-down time of args[0] in the zone of args[1], default UTC. */
static int civil_arg(struct cdp_eval *ev, const struct cdp_node *n,
		     const struct cdp_value *args, struct cdp_civil *c)
{
	const struct cdp_zone *z;
	int64_t day, rest;

	if (n->count > 1) {
		z = zone_arg(ev, n, &args[1]);
		if (!z)
			return -1;
		cdp_zone_civil(z, args[0].t, c);
		return 0;
	}
	day = args[0].t.s / 86400;
	rest = args[0].t.s % 86400;
	if (rest < 0) {
		rest += 86400;
		day--;
	}
	cdp_civil_from_days(day, &c->year, &c->month, &c->day);
	c->hour = (int8_t)(rest / 3600);
	c->minute = (int8_t)(rest / 60 % 60);
	c->second = (int8_t)(rest % 60);
	c->ns = args[0].t.ns;
	return 0;
}

enum field {
	FULL_YEAR,
	MONTH,
	DATE,
	DAY_OF_MONTH,
	DAY_OF_WEEK,
	DAY_OF_YEAR,
	HOURS,
	MINUTES,
	SECONDS,
	MILLISECONDS,
};

static int64_t civil_field(const struct cdp_civil *c, enum field f)
{
	int64_t day = cdp_days_from_civil(c->year, (unsigned)c->month, (unsigned)c->day);

	switch (f) {
	case FULL_YEAR:
		return c->year;
	case MONTH:
		return c->month - 1;
	case DATE:
		return c->day;
	case DAY_OF_MONTH:
		return c->day - 1;
	case DAY_OF_WEEK:
		return cdp_weekday(day) % 7;
	case DAY_OF_YEAR:
		return day - cdp_days_from_civil(c->year, 1, 1);
	case HOURS:
		return c->hour;
	case MINUTES:
		return c->minute;
	case SECONDS:
		return c->second;
	default:
		return c->ns / 1000000;
	}
}

/* Whole hours, minutes or seconds of a duration, but only its part below a second in
 * milliseconds; toward zero. */
static int64_t duration_field(struct cdp_time t, enum field f)
{
	__int128 ns = cdp_time_ns(t);

	switch (f) {
	case HOURS:
		return (int64_t)(ns / NS / 3600);
	case MINUTES:
		return (int64_t)(ns / NS / 60);
	case SECONDS:
		return (int64_t)(ns / NS);
	default:
		return (int64_t)(ns % NS / 1000000);
	}
}

static int get_field(struct cdp_eval *ev, const struct cdp_node *n,
		     struct cdp_value *args, struct cdp_value *out, enum field f)
{
	struct cdp_civil c;
	int64_t v;

	if (args[0].type == CDP_V_DURATION && f >= HOURS && n->count == 1) {
		v = duration_field(args[0].t, f);
	} else if (args[0].type == CDP_V_TIMESTAMP) {
		if (civil_arg(ev, n, args, &c) < 0)
			return -1;
		v = civil_field(&c, f);
	} else {
		return cdp_eval_fail(ev, "no such overload: %s.%s()",
				     cdp_type_word(args[0].type), n->func->name);
	}
	*out = (struct cdp_value){ .type = CDP_V_INT,
				   .from_record = args[0].from_record };
	out->i = v;
	return 0;
}

#define GETTER(name, f)                                                                  \
	static int name(struct cdp_eval *ev, const struct cdp_node *n,                   \
			struct cdp_value *args, struct cdp_value *out)                   \
	{                                                                                \
		return get_field(ev, n, args, out, f);                                   \
	}

GETTER(get_full_year, FULL_YEAR)
GETTER(get_month, MONTH)
GETTER(get_date, DATE)
GETTER(get_day_of_month, DAY_OF_MONTH)
GETTER(get_day_of_week, DAY_OF_WEEK)
GETTER(get_day_of_year, DAY_OF_YEAR)
GETTER(get_hours, HOURS)
GETTER(get_minutes, MINUTES)
GETTER(get_seconds, SECONDS)
GETTER(get_milliseconds, MILLISECONDS)

/* ---- civil dates ---- */

int cdp_lang_day(const char *p, size_t n, int64_t *day, struct cdp_err *err)
{
	unsigned v[3] = { 0, 0, 0 }, part = 0;

	for (size_t i = 0; i < n && n == 10; i++) {
		if (i == 4 || i == 7) {
			part += p[i] == '-' ? 1 : 3;
		} else if (p[i] >= '0' && p[i] <= '9' && part < 3) {
			v[part] = v[part] * 10 + (unsigned)(p[i] - '0');
		} else {
			part = 3;
		}
	}
	if (part != 2 || v[0] < 1 || v[1] < 1 || v[1] > 12 || v[2] < 1 ||
	    v[2] > cdp_days_in_month(v[0], v[1]))
		return cdp_err_set(err, CDP_ERR_EVAL,
				   "invalid date '%.*s', expected YYYY-MM-DD",
				   n < 40 ? (int)n : 40, p);
	*day = cdp_days_from_civil(v[0], v[1], v[2]);
	return 0;
}

static int date(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
		struct cdp_value *out)
{
	const struct cdp_zone *z;
	struct cdp_err err;
	int64_t day;

	if (args[0].type != CDP_V_STRING)
		return cdp_eval_fail(ev, "no such overload: date(%s)",
				     cdp_type_word(args[0].type));
	if (cdp_lang_day(args[0].s.p, args[0].s.n, &day, &err) < 0)
		return cdp_eval_fail(ev, "%s", err.msg);
	z = cdp_call_zone(ev, n, args);
	if (!z)
		return -1;
	*out = (struct cdp_value){ .from_record = args[0].from_record };
	return cdp_timestamp_from_ns(ev, (__int128)cdp_zone_day_start(z, day) * NS, out);
}

static void put_digits(char *p, unsigned v, unsigned n)
{
	while (n > 0) {
		p[--n] = (char)('0' + v % 10);
		v /= 10;
	}
}

static int day(struct cdp_eval *ev, const struct cdp_node *n, struct cdp_value *args,
	       struct cdp_value *out)
{
	const struct cdp_zone *z;
	int8_t month, mday;
	int32_t year;
	char *text;

	if (args[0].type != CDP_V_TIMESTAMP)
		return cdp_eval_fail(ev, "no such overload: day(%s)",
				     cdp_type_word(args[0].type));
	z = cdp_call_zone(ev, n, args);
	text = z ? cdp_eval_alloc(ev, 10) : NULL;
	if (!text)
		return -1;
	cdp_civil_from_days(z == ev->days.z ? cdp_zone_cursor_day(&ev->days, args[0].t.s)
					    : cdp_zone_day(z, args[0].t.s),
			    &year, &month, &mday);
	put_digits(text, (unsigned)year, 4);
	text[4] = text[7] = '-';
	put_digits(text + 5, (unsigned)month, 2);
	put_digits(text + 8, (unsigned)mday, 2);
	*out = (struct cdp_value){ .type = CDP_V_STRING,
				   .from_record = args[0].from_record };
	out->s.p = text;
	out->s.n = 10;
	return 0;
}

#define M CDP_F_METHOD
#define G CDP_F_GLOBAL
const struct cdp_func cdp_time_funcs[] = {
	{ "getFullYear",
	  M,
	  1,
	  2,
	  false,
	  CDP_V_INT,
	  get_full_year,
	  { CDP_TAKES_TIME, CDP_TAKES_STRING } },
	{ "getMonth",
	  M,
	  1,
	  2,
	  false,
	  CDP_V_INT,
	  get_month,
	  { CDP_TAKES_TIME, CDP_TAKES_STRING } },
	{ "getDate",
	  M,
	  1,
	  2,
	  false,
	  CDP_V_INT,
	  get_date,
	  { CDP_TAKES_TIME, CDP_TAKES_STRING } },
	{ "getDayOfMonth",
	  M,
	  1,
	  2,
	  false,
	  CDP_V_INT,
	  get_day_of_month,
	  { CDP_TAKES_TIME, CDP_TAKES_STRING } },
	{ "getDayOfWeek",
	  M,
	  1,
	  2,
	  false,
	  CDP_V_INT,
	  get_day_of_week,
	  { CDP_TAKES_TIME, CDP_TAKES_STRING } },
	{ "getDayOfYear",
	  M,
	  1,
	  2,
	  false,
	  CDP_V_INT,
	  get_day_of_year,
	  { CDP_TAKES_TIME, CDP_TAKES_STRING } },
	{ "getHours",
	  M,
	  1,
	  2,
	  false,
	  CDP_V_INT,
	  get_hours,
	  { CDP_TAKES_TIME | CDP_TAKES_DURATION, CDP_TAKES_STRING } },
	{ "getMinutes",
	  M,
	  1,
	  2,
	  false,
	  CDP_V_INT,
	  get_minutes,
	  { CDP_TAKES_TIME | CDP_TAKES_DURATION, CDP_TAKES_STRING } },
	{ "getSeconds",
	  M,
	  1,
	  2,
	  false,
	  CDP_V_INT,
	  get_seconds,
	  { CDP_TAKES_TIME | CDP_TAKES_DURATION, CDP_TAKES_STRING } },
	{ "getMilliseconds",
	  M,
	  1,
	  2,
	  false,
	  CDP_V_INT,
	  get_milliseconds,
	  { CDP_TAKES_TIME | CDP_TAKES_DURATION, CDP_TAKES_STRING } },
	{ "date",
	  G,
	  1,
	  2,
	  true,
	  CDP_V_TIMESTAMP,
	  date,
	  { CDP_TAKES_STRING, CDP_TAKES_STRING } },
	{ "day", G, 1, 2, true, CDP_V_STRING, day, { CDP_TAKES_TIME, CDP_TAKES_STRING } },
	{ .name = NULL },
};
