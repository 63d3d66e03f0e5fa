#include "model/quality_partial.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/quality_priv.h"
#include "record/json.h"
#include "record/tree.h"

/* The figures of a cell that are added up, in the order of "n". */
enum { SUMS = 9 };

static void sums_of(struct quality_cell *c, uint64_t *v[SUMS])
{
	v[0] = &c->events;
	v[1] = &c->before;
	v[2] = &c->duplicates;
	v[3] = &c->rejected;
	v[4] = &c->same_id;
	v[5] = &c->ahead;
	v[6] = &c->on_time;
	v[7] = &c->violating;
	v[8] = &c->implausible;
}

/* --- writing --- */

static void open_line(struct cdp_buf *b, const struct cdp_quality *q, const char *zone,
		      const char *what, const char *key, size_t n)
{
	cdp_buf_reset(b);
	cdp_buf_addf(b,
		     "{\"partial\":\"quality 1\",\"day\":%" PRId64
		     ",\"days\":%u,\"on_time_ms\":%" PRId64,
		     q->days->day, q->days->back, q->days->on_time_ms);
	cdp_json_key(b, "zone");
	cdp_json_cstr(b, zone);
	cdp_json_key(b, what);
	cdp_buf_addc(b, '[');
	for (size_t at = 0; at <= n;) {
		const char *nul = memchr(key + at, '\0', n - at);
		size_t len = nul ? (size_t)(nul - key) - at : n - at;

		if (at)
			cdp_buf_addc(b, ',');
		cdp_json_str(b, key + at, len);
		at += len + 1;
	}
	cdp_buf_addc(b, ']');
}

/* [a,b,n], of the second call on with a comma before it. */
static void put_triple(struct cdp_buf *b, uint64_t x, uint64_t y, uint64_t n)
{
	cdp_buf_addf(b, "%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]",
		     b->p[b->n - 1] == '[' ? "" : ",", x, y, n);
}

static void put_hours(struct cdp_buf *b, const struct cdp_quality *q,
		      const struct quality_cell *c)
{
	cdp_json_key(b, "hours");
	cdp_buf_addc(b, '[');
	for (unsigned d = 0; d <= q->days->back; d++)
		for (unsigned h = 0; c->hours[d] && h < QUALITY_HOURS; h++)
			if (c->hours[d][h])
				put_triple(b, d, h, c->hours[d][h]);
	cdp_buf_addc(b, ']');
}

static void put_delays(struct cdp_buf *b, const struct quality_cell *c)
{
	cdp_json_key(b, "delays");
	cdp_buf_addc(b, '[');
	for (unsigned p = 0; p < CDP_DELAY_PAGES; p++)
		for (unsigned i = 0; c->delays.page[p] && i < CDP_DELAY_PAGE; i++)
			if (c->delays.page[p][i])
				put_triple(b, p, i, c->delays.page[p][i]);
	cdp_buf_addc(b, ']');
	cdp_json_key(b, "max_delay");
	cdp_buf_addi(b, c->delays.max);
}

/* From, to and nothing more: runs of seconds. */
static void put_seconds(struct cdp_buf *b, const struct cdp_quality *q,
			const struct quality_cell *c)
{
	size_t n, k;
	uint32_t *s = quality_seconds_list(q, &c->seconds, &n);

	cdp_json_key(b, "seconds");
	cdp_buf_addc(b, '[');
	for (size_t i = 0; i < n; i = k) {
		for (k = i + 1; k < n && s[k] == s[k - 1] + 1;)
			k++;
		cdp_buf_addf(b, "%s[%u,%u]", i ? "," : "", s[i], s[k - 1]);
	}
	cdp_buf_addc(b, ']');
	free(s);
}

static void put_values(struct cdp_buf *b, const struct quality_values *v)
{
	cdp_buf_addf(b, ",[%" PRIu64 ",%" PRIu64, v->n, v->null);
	for (int t = 0; t < QUALITY_TYPES; t++)
		cdp_buf_addf(b, ",%" PRIu64, v->types[t]);
	cdp_buf_addc(b, ']');
}

static void put_props(struct cdp_buf *b, const struct quality_cell *c)
{
	uint32_t n = c->keys ? cdp_intern_count(c->keys) : 0;
	uint32_t *order = n ? cdp_intern_order(c->keys) : NULL;

	cdp_json_key(b, "props");
	cdp_buf_addc(b, '[');
	for (uint32_t i = 0; i < n; i++) {
		size_t len;
		const char *key = cdp_intern_key(c->keys, order[i], &len);

		cdp_buf_adds(b, i ? ",[" : "[");
		cdp_json_str(b, key, len);
		put_values(b, &c->props[order[i]].now);
		put_values(b, &c->props[order[i]].before);
		cdp_buf_addc(b, ']');
	}
	cdp_buf_addc(b, ']');
	free(order);
}

static void put_cell(struct cdp_buf *b, const struct cdp_quality *q,
		     struct quality_cell *c)
{
	uint64_t *sums[SUMS];

	sums_of(c, sums);
	cdp_json_key(b, "n");
	for (int i = 0; i < SUMS; i++)
		cdp_buf_addf(b, "%c%" PRIu64, i ? ',' : '[', *sums[i]);
	cdp_buf_addc(b, ']');
	if (c->events)
		cdp_buf_addf(b, ",\"first\":%" PRId64 ",\"last\":%" PRId64, c->first_ms,
			     c->last_ms);
	put_hours(b, q, c);
	put_delays(b, c);
	put_seconds(b, q, c);
	put_props(b, c);
}

int cdp_quality_put_partial(const struct cdp_quality *q, const char *zone,
			    int (*line)(void *ctx, const struct cdp_buf *text), void *ctx)
{
	const struct cdp_intern *tables[] = { q->names, q->reasons, q->checks };
	static const char *const what[] = { "name", "reason", "check" };
	struct cdp_buf b;
	int rc = 0;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (int t = 0; t < 3; t++) {
		uint32_t *order = cdp_intern_order(tables[t]);

		for (uint32_t k = 0; k < cdp_intern_count(tables[t]) && rc == 0; k++) {
			size_t n;
			uint32_t id = order[k];
			const char *key = cdp_intern_key(tables[t], id, &n);

			open_line(&b, q, zone, what[t], key, n);
			if (t == 0)
				put_cell(&b, q, &q->cells[id]);
			else
				cdp_buf_addf(&b, ",\"count\":%" PRIu64,
					     t == 1 ? q->reason_counts[id]
						    : (uint64_t)q->check_counts[id]);
			cdp_buf_adds(&b, "}\n");
			rc = line(ctx, &b);
		}
		free(order);
	}
	cdp_buf_release(&b);
	return rc;
}

/* --- reading --- */

/* An item of an array as a number from 0 on, less than `below`. */
static bool number_at(const json_t *array, size_t i, uint64_t below, uint64_t *v)
{
	const json_t *item = json_array_get(array, i);

	if (!json_is_integer(item) || json_integer_value(item) < 0)
		return false;
	*v = (uint64_t)json_integer_value(item);
	return *v < below;
}

static bool take_hours(const struct cdp_quality *q, struct quality_cell *c,
		       const json_t *hours)
{
	uint64_t d, h, n;

	for (size_t i = 0; i < json_array_size(hours); i++) {
		const json_t *t = json_array_get(hours, i);

		if (!number_at(t, 0, q->days->back + 1, &d) ||
		    !number_at(t, 1, QUALITY_HOURS, &h) ||
		    !number_at(t, 2, UINT32_MAX, &n))
			return false;
		quality_add_hour(c, (unsigned)d, (unsigned)h, (uint32_t)n);
	}
	return json_is_array(hours);
}

static bool take_delays(struct quality_cell *c, const json_t *delays, int64_t max)
{
	int64_t longest = c->delays.max > max ? c->delays.max : max;
	uint64_t p, k, n;

	for (size_t i = 0; i < json_array_size(delays); i++) {
		const json_t *t = json_array_get(delays, i);

		if (!number_at(t, 0, CDP_DELAY_PAGES, &p) ||
		    !number_at(t, 1, CDP_DELAY_PAGE, &k) ||
		    !number_at(t, 2, INT64_MAX, &n))
			return false;
		cdp_delays_add(&c->delays, cdp_delays_value((unsigned)p, (unsigned)k), n);
	}
	c->delays.max = longest;
	return json_is_array(delays);
}

static bool take_seconds(const struct cdp_quality *q, struct quality_cell *c,
			 const json_t *seconds)
{
	uint64_t from, to, day = quality_day_seconds(q);

	for (size_t i = 0; i < json_array_size(seconds); i++) {
		const json_t *t = json_array_get(seconds, i);

		if (!number_at(t, 0, day, &from) || !number_at(t, 1, day, &to))
			return false;
		for (; from <= to; from++)
			quality_add_second(q, &c->seconds, (uint32_t)from);
	}
	return json_is_array(seconds);
}

static bool take_values(struct quality_values *into, const json_t *array)
{
	struct quality_values v;
	uint64_t *to[2 + QUALITY_TYPES] = { &v.n, &v.null };

	for (int t = 0; t < QUALITY_TYPES; t++)
		to[2 + t] = &v.types[t];
	for (size_t i = 0; i < 2 + QUALITY_TYPES; i++)
		if (!number_at(array, i, INT64_MAX, to[i]))
			return false;
	quality_merge_values(into, &v);
	return true;
}

static bool take_props(struct quality_cell *c, const json_t *props)
{
	for (size_t i = 0; i < json_array_size(props); i++) {
		const json_t *t = json_array_get(props, i), *key = json_array_get(t, 0);
		struct quality_prop *p;

		if (!json_is_string(key))
			return false;
		p = quality_prop_of(c, json_string_value(key), json_string_length(key));
		if (!take_values(&p->now, json_array_get(t, 1)) ||
		    !take_values(&p->before, json_array_get(t, 2)))
			return false;
	}
	return json_is_array(props);
}

static bool take_cell(struct cdp_quality *q, struct quality_cell *c, const json_t *line)
{
	uint64_t *sums[SUMS], n;
	int64_t first, last;

	sums_of(c, sums);
	for (int i = 0; i < SUMS; i++) {
		if (!number_at(json_object_get(line, "n"), (size_t)i, INT64_MAX, &n))
			return false;
		*sums[i] += n;
	}
	if (json_object_get(line, "first")) {
		first = json_integer_value(json_object_get(line, "first"));
		last = json_integer_value(json_object_get(line, "last"));
		c->first_ms = first < c->first_ms ? first : c->first_ms;
		c->last_ms = last > c->last_ms ? last : c->last_ms;
	}
	return take_hours(q, c, json_object_get(line, "hours")) &&
	       take_delays(c, json_object_get(line, "delays"),
			   json_integer_value(json_object_get(line, "max_delay"))) &&
	       take_seconds(q, c, json_object_get(line, "seconds")) &&
	       take_props(c, json_object_get(line, "props"));
}

/* A key of `parts` texts, NULs between them; false: there is none. */
static bool key_of(struct cdp_buf *key, const json_t *line, const char *what,
		   size_t parts)
{
	const json_t *array = json_object_get(line, what);

	cdp_buf_reset(key);
	for (size_t i = 0; i < parts; i++) {
		const json_t *part = json_array_get(array, i);

		if (!json_is_string(part))
			return false;
		if (i)
			cdp_buf_addc(key, '\0');
		cdp_buf_add(key, json_string_value(part), json_string_length(part));
	}
	return true;
}

static bool take_line(struct cdp_quality *q, const json_t *line)
{
	const json_t *count = json_object_get(line, "count");
	uint64_t n = (uint64_t)json_integer_value(count);

	if (key_of(&q->key, line, "name", 2))
		return take_cell(q, quality_cell_of_key(q, q->key.p, q->key.n), line);
	if (!json_is_integer(count) || json_integer_value(count) < 0)
		return false;
	if (key_of(&q->key, line, "reason", 4))
		quality_add_reason(q, q->key.p, q->key.n, n);
	else if (key_of(&q->key, line, "check", 2))
		quality_add_check(q, q->key.p, q->key.n, (int64_t)n);
	else
		return false;
	return true;
}

static bool is(const json_t *line, const char *key, int64_t want)
{
	const json_t *v = json_object_get(line, key);

	return json_is_integer(v) && json_integer_value(v) == want;
}

static int check_line(const struct cdp_quality *q, const char *zone, const json_t *line,
		      struct cdp_err *err)
{
	const char *format = json_string_value(json_object_get(line, "partial"));
	const char *of = json_string_value(json_object_get(line, "zone"));

	if (!format || strcmp(format, "quality 1") != 0)
		return cdp_err_set(err, CDP_ERR_DATA, "no line of cdp-quality --partial");
	if (!is(line, "day", q->days->day) || !is(line, "days", q->days->back) ||
	    !is(line, "on_time_ms", q->days->on_time_ms) || !of || strcmp(of, zone) != 0)
		return cdp_err_set(err, CDP_ERR_DATA,
				   "made with another --as-of, --tz, --days or "
				   "--on-time");
	return 0;
}

int cdp_quality_take_partial(struct cdp_quality *q, const char *zone, const char *p,
			     size_t n, struct cdp_err *err)
{
	json_t *line = cdp_tree_parse(p, n, "line", err);
	int rc = -1;

	if (!line) {
		err->kind = CDP_ERR_DATA;
		return -1;
	}
	if (check_line(q, zone, line, err) == 0)
		rc = take_line(q, line)
			     ? 0
			     : cdp_err_set(err, CDP_ERR_DATA, "a damaged partial line");
	json_decref(line);
	return rc;
}
