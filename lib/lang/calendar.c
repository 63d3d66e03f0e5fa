#include "lang/calendar.h"

#include "base/mem.h"
#include "base/time.h"
#include "lang/prog.h"
#include "record/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAYS_MAX = 100 * 366 };

struct cdp_calendar {
	const struct cdp_zone *zone;
	int64_t from, to; /* day numbers, both included */
	int64_t close_s;  /* seconds after midnight by the clock; 86400: never */
	/* By day from `from`: how many trading days came before it; one more entry for
	 * the whole. */
	int32_t *before;
	int32_t *days; /* by number: days after `from` */
};

/* A calendar while it is read: what each day is. */
struct draft {
	struct cdp_calendar *c;
	char *open; /* by day: 1 trading, 0 not */
	bool weekend[7];
};

static int bad(struct cdp_err *err, const char *name, const char *path, const char *what)
{
	return cdp_err_set(err, CDP_ERR_USAGE, "%s: %s: %s", name, path, what);
}

static int read_day(int64_t *day, const char *p, size_t n, const char *name,
		    const char *path, struct cdp_err *err)
{
	struct cdp_err why;

	if (cdp_lang_day(p, n, day, &why) == 0)
		return 0;
	return bad(err, name, path, why.msg);
}

static int read_bound(const json_t *o, const char *key, int64_t *day, const char *name,
		      struct cdp_err *err)
{
	const char *text;

	if (cdp_tree_str(o, key, &text, true, name, err) < 0)
		return -1;
	return read_day(day, text, strlen(text), name, key, err);
}

/* "15:00" */
static int read_close(const json_t *o, int64_t *s, const char *name, struct cdp_err *err)
{
	const char *t = NULL;

	*s = 86400;
	if (cdp_tree_str(o, "close", &t, false, name, err) < 0)
		return -1;
	if (!t)
		return 0;
	if (strlen(t) != 5 || strspn(t, "0123456789:") != 5 || t[2] != ':' ||
	    strchr(t + 3, ':') || strchr(t, ':') != t + 2)
		return bad(err, name, "close", "expected HH:MM");
	*s = ((t[0] - '0') * 10 + t[1] - '0') * 3600 +
	     ((t[3] - '0') * 10 + t[4] - '0') * 60;
	return *s > 86400 || t[3] > '5' ? bad(err, name, "close", "no time of day") : 0;
}

static int read_weekend(const json_t *o, bool weekend[7], const char *name,
			struct cdp_err *err)
{
	static const char *const names[7] = { "sunday",    "monday",   "tuesday",
					      "wednesday", "thursday", "friday",
					      "saturday" };
	const json_t *list = json_object_get(o, "weekend"), *v;
	size_t i;

	weekend[0] = weekend[6] = !list;
	if (list && !json_is_array(list))
		return bad(err, name, "weekend", "expected a list of days of the week");
	json_array_foreach(list, i, v)
	{
		int d = 0;

		while (d < 7 && (!json_is_string(v) ||
				 strcmp(names[d], json_string_value(v)) != 0))
			d++;
		if (d == 7)
			return bad(err, name, "weekend",
				   "expected days such as \"saturday\"");
		weekend[d] = true;
	}
	return 0;
}

/* One entry of a list: a day, or two with a slash between. */
static int set_days(struct draft *d, const char *text, char open, const char *name,
		    const char *path, struct cdp_err *err)
{
	const char *slash = strchr(text, '/');
	int64_t first, last;

	if (read_day(&first, text, slash ? (size_t)(slash - text) : strlen(text), name,
		     path, err) < 0)
		return -1;
	last = first;
	if (slash && read_day(&last, slash + 1, strlen(slash + 1), name, path, err) < 0)
		return -1;
	if (last < first)
		return bad(err, name, path, "the range ends before it begins");
	if (first < d->c->from || last > d->c->to)
		return bad(err, name, path, "outside of 'from' and 'to'");
	memset(d->open + (first - d->c->from), open, (size_t)(last - first) + 1);
	return 0;
}

static int set_list(struct draft *d, const json_t *o, const char *key, char open,
		    const char *name, struct cdp_err *err)
{
	const json_t *list = json_object_get(o, key), *v;
	size_t i;

	if (list && !json_is_array(list))
		return bad(err, name, key, "expected a list of days");
	json_array_foreach(list, i, v)
	{
		char path[32];

		snprintf(path, sizeof(path), "%s[%zu]", key, i);
		if (!json_is_string(v))
			return bad(err, name, path, "expected a day");
		if (set_days(d, json_string_value(v), open, name, path, err) < 0)
			return -1;
	}
	return 0;
}

static void count(struct draft *d)
{
	struct cdp_calendar *c = d->c;
	int64_t n = c->to - c->from + 1;
	int32_t k = 0;

	c->before = cdp_alloc((size_t)(n + 1) * sizeof(*c->before));
	c->days = cdp_alloc((size_t)n * sizeof(*c->days));
	for (int64_t i = 0; i < n; i++) {
		c->before[i] = k;
		if (d->open[i])
			c->days[k++] = (int32_t)i;
	}
	c->before[n] = k;
}

static int build(struct draft *d, const json_t *o, const char *name, struct cdp_err *err)
{
	static const char *const known[] = { "title",   "from",   "to",   "close",
					     "weekend", "closed", "open", NULL };
	struct cdp_calendar *c = d->c;

	if (!json_is_object(o))
		return cdp_err_set(err, CDP_ERR_USAGE, "%s: expected an object", name);
	if (cdp_tree_known(o, known, name, err) < 0 ||
	    read_bound(o, "from", &c->from, name, err) < 0 ||
	    read_bound(o, "to", &c->to, name, err) < 0 ||
	    read_close(o, &c->close_s, name, err) < 0 ||
	    read_weekend(o, d->weekend, name, err) < 0)
		return -1;
	if (c->to < c->from || c->to - c->from >= DAYS_MAX)
		return bad(err, name, "to",
			   "expected a day within a century after 'from'");
	d->open = cdp_alloc((size_t)(c->to - c->from) + 1);
	for (int64_t day = c->from; day <= c->to; day++)
		d->open[day - c->from] = !d->weekend[cdp_weekday(day) % 7];
	if (set_list(d, o, "closed", 0, name, err) < 0 ||
	    set_list(d, o, "open", 1, name, err) < 0)
		return -1;
	count(d);
	return 0;
}

static struct cdp_calendar *from_tree(json_t *o, const char *name,
				      const struct cdp_zone *zone, struct cdp_err *err)
{
	struct draft d = { 0 };
	int rc;

	if (!o)
		return NULL;
	d.c = cdp_calloc(1, sizeof(*d.c));
	d.c->zone = zone;
	rc = build(&d, o, name, err);
	free(d.open);
	json_decref(o);
	if (rc == 0)
		return d.c;
	cdp_calendar_free(d.c);
	return NULL;
}

struct cdp_calendar *cdp_calendar_load(const char *path, const struct cdp_zone *zone,
				       struct cdp_err *err)
{
	return from_tree(cdp_tree_load(path, err), path, zone, err);
}

struct cdp_calendar *cdp_calendar_parse(const char *text, size_t n, const char *name,
					const struct cdp_zone *zone, struct cdp_err *err)
{
	return from_tree(cdp_tree_parse(text, n, name, err), name, zone, err);
}

void cdp_calendar_free(struct cdp_calendar *c)
{
	if (!c)
		return;
	free(c->before);
	free(c->days);
	free(c);
}

/* --- asking --- */

/* The civil day of an instant as an index. */
static int day_of(const struct cdp_calendar *c, struct cdp_time t, int64_t *i,
		  struct cdp_err *err)
{
	int64_t day = cdp_zone_day(c->zone, t.s);
	int8_t month, mday;
	int32_t year;

	*i = day - c->from;
	if (day >= c->from && day <= c->to)
		return 0;
	cdp_civil_from_days(day, &year, &month, &mday);
	return cdp_err_set(err, CDP_ERR_EVAL,
			   "the calendar does not reach %04d-%02d-%02d", (int)year, month,
			   mday);
}

int cdp_calendar_is_trading(const struct cdp_calendar *c, struct cdp_time t, bool *yes,
			    struct cdp_err *err)
{
	int64_t i;

	if (day_of(c, t, &i, err) < 0)
		return -1;
	*yes = c->before[i + 1] > c->before[i];
	return 0;
}

int cdp_calendar_number(const struct cdp_calendar *c, struct cdp_time t, int64_t *number,
			struct cdp_err *err)
{
	struct cdp_civil civil;
	int64_t i;

	if (day_of(c, t, &i, err) < 0)
		return -1;
	cdp_zone_civil(c->zone, t, &civil);
	if (civil.hour * 3600 + civil.minute * 60 + civil.second >= c->close_s)
		i++;
	*number = c->before[i];
	return 0;
}

int cdp_calendar_start(const struct cdp_calendar *c, int64_t number, struct cdp_time *t,
		       struct cdp_err *err)
{
	if (number < 0 || number >= c->before[c->to - c->from + 1])
		return cdp_err_set(err, CDP_ERR_EVAL,
				   "the calendar does not reach that trading day");
	*t = (struct cdp_time){ .s = cdp_zone_day_start(c->zone,
							c->from + c->days[number]) };
	return 0;
}
