#include "model/quality.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "model/quality_priv.h"

enum { LISTED = 2048 };

const char *const cdp_quality_types[QUALITY_TYPES] = { "string", "number", "boolean",
						       "array", "object" };

void cdp_quality_days_init(struct cdp_quality_days *d, const struct cdp_zone *zone,
			   int64_t as_of_s, unsigned back)
{
	*d = (struct cdp_quality_days){ .back = back };
	d->day = cdp_zone_day(zone, as_of_s) - 1;
	for (unsigned i = 0; i < back + 2; i++)
		d->start[i] = cdp_zone_day_start(zone, d->day + 1 - (int64_t)i);
}

struct cdp_quality *cdp_quality_new(const struct cdp_quality_days *days)
{
	struct cdp_quality *q = cdp_calloc(1, sizeof(*q));

	q->days = days;
	q->names = cdp_intern_new(0);
	q->reasons = cdp_intern_new(0);
	q->checks = cdp_intern_new(0);
	cdp_buf_init(&q->key, CDP_BUF_NOMAX);
	return q;
}

static void release_cell(const struct cdp_quality *q, struct quality_cell *c)
{
	for (unsigned i = 0; i <= q->days->back; i++)
		free(c->hours[i]);
	free(c->hours);
	cdp_delays_release(&c->delays);
	free(c->seconds.v);
	free(c->seconds.bits);
	cdp_intern_free(c->keys);
	free(c->props);
}

void cdp_quality_free(struct cdp_quality *q)
{
	if (!q)
		return;
	for (uint32_t i = 0; i < cdp_intern_count(q->names); i++)
		release_cell(q, &q->cells[i]);
	free(q->cells);
	free(q->reason_counts);
	free(q->check_counts);
	cdp_intern_free(q->names);
	cdp_intern_free(q->reasons);
	cdp_intern_free(q->checks);
	cdp_buf_release(&q->key);
	free(q);
}

/* --- where things belong --- */

static void name_key(struct cdp_quality *q, const struct cdp_quality_name *name)
{
	cdp_buf_reset(&q->key);
	cdp_buf_add(&q->key, name->source, name->source_n);
	cdp_buf_addc(&q->key, '\0');
	cdp_buf_add(&q->key, name->event, name->event_n);
}

struct quality_cell *quality_cell_of_key(struct cdp_quality *q, const char *p, size_t n)
{
	bool added;
	uint32_t id = cdp_intern_put(q->names, p, n, &added);

	CDP_GROW(q->cells, id, q->cells_cap);
	if (added) {
		q->cells[id] = (struct quality_cell){ .first_ms = INT64_MAX,
						      .last_ms = INT64_MIN };
		q->cells[id].hours =
			cdp_calloc(q->days->back + 1, sizeof(*q->cells[id].hours));
	}
	return &q->cells[id];
}

static struct quality_cell *cell_of(struct cdp_quality *q,
				    const struct cdp_quality_name *name)
{
	name_key(q, name);
	return quality_cell_of_key(q, q->key.p, q->key.n);
}

/* How many days back a second lies; -1: in none of them. */
static int days_back(const struct cdp_quality_days *d, int64_t s)
{
	int64_t k;

	if (s >= d->start[0] || s < d->start[d->back + 1])
		return -1;
	k = (d->start[0] - 1 - s) / 86400;
	k = k > (int64_t)d->back ? (int64_t)d->back : k;
	while (s < d->start[k + 1])
		k++;
	while (s >= d->start[k])
		k--;
	return (int)k;
}

static int64_t second_of(int64_t ms)
{
	return ms / 1000 - (ms % 1000 < 0);
}

/* --- the seconds of the day --- */

size_t quality_day_seconds(const struct cdp_quality *q)
{
	return (size_t)(q->days->start[0] - q->days->start[1]);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static size_t sort_once(uint32_t *v, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(v, n, sizeof(*v), by_number);
	for (size_t i = 0; i < n; i++)
		if (!kept || v[kept - 1] != v[i])
			v[kept++] = v[i];
	return kept;
}

static void set_bit(struct quality_seconds *s, uint32_t v)
{
	s->bits[v / 64] |= (uint64_t)1 << (v % 64);
}

static void to_bits(const struct cdp_quality *q, struct quality_seconds *s)
{
	s->bits = cdp_calloc(quality_day_seconds(q) / 64 + 1, sizeof(*s->bits));
	for (size_t i = 0; i < s->n; i++)
		set_bit(s, s->v[i]);
	free(s->v);
	s->v = NULL;
}

void quality_add_second(const struct cdp_quality *q, struct quality_seconds *s,
			uint32_t v)
{
	if (!s->bits && s->n && s->v[s->n - 1] == v)
		return;
	if (!s->bits && s->n == LISTED) {
		s->n = sort_once(s->v, s->n);
		if (s->n > LISTED / 2)
			to_bits(q, s);
	}
	if (s->bits) {
		set_bit(s, v);
		return;
	}
	CDP_GROW(s->v, s->n, s->cap);
	s->v[s->n++] = v;
}

uint32_t *quality_seconds_list(const struct cdp_quality *q,
			       const struct quality_seconds *s, size_t *n)
{
	uint32_t *v;

	*n = 0;
	if (!s->bits) {
		v = cdp_memdup(s->v, s->n * sizeof(*v));
		*n = sort_once(v, s->n);
		return v;
	}
	v = cdp_alloc(quality_day_seconds(q) * sizeof(*v));
	for (size_t i = 0; i < quality_day_seconds(q); i++)
		if (s->bits[i / 64] >> (i % 64) & 1)
			v[(*n)++] = (uint32_t)i;
	return v;
}

/* --- records --- */

void quality_add_hour(struct quality_cell *c, unsigned back, unsigned hour, uint32_t n)
{
	if (!c->hours[back])
		c->hours[back] = cdp_calloc(QUALITY_HOURS, sizeof(**c->hours));
	c->hours[back][hour] += n;
}

static void add_facts(const struct cdp_quality *q, struct quality_cell *c,
		      const struct cdp_quality_facts *f)
{
	int64_t until =
		f->received_ms != CDP_QUALITY_NO_TIME ? f->received_ms : f->sent_ms;
	bool known = until != CDP_QUALITY_NO_TIME;
	int64_t delay = known ? until - f->ms : 0;
	bool ahead = delay < -q->days->ahead_ms;

	if (known)
		cdp_delays_add(&c->delays, delay, 1);
	c->on_time += known && delay <= q->days->on_time_ms;
	c->ahead += ahead;
	c->same_id += f->same_id;
	c->violating += f->violating;
	c->implausible += ahead || f->same_id || f->violating;
	c->first_ms = f->ms < c->first_ms ? f->ms : c->first_ms;
	c->last_ms = f->ms > c->last_ms ? f->ms : c->last_ms;
}

bool cdp_quality_event(struct cdp_quality *q, const struct cdp_quality_name *name,
		       const struct cdp_quality_facts *facts)
{
	int64_t s = second_of(facts->ms);
	int back = days_back(q->days, s);
	struct quality_cell *c;
	int64_t in_day;

	if (back < 0)
		return false;
	c = q->cell = cell_of(q, name);
	q->now = back == 0;
	in_day = s - q->days->start[back + 1];
	/* A day of 25 hours has two of some hour; they are one here. */
	quality_add_hour(c, (unsigned)back,
			 in_day / 3600 < QUALITY_HOURS ? (unsigned)(in_day / 3600)
						       : QUALITY_HOURS - 1,
			 1);
	if (back > 0) {
		c->before++;
		return true;
	}
	c->events++;
	quality_add_second(q, &c->seconds, (uint32_t)in_day);
	add_facts(q, c, facts);
	return true;
}

struct quality_prop *quality_prop_of(struct quality_cell *c, const char *key, size_t n)
{
	bool added;
	uint32_t id;

	if (!c->keys)
		c->keys = cdp_intern_new(0);
	id = cdp_intern_put(c->keys, key, n, &added);
	CDP_GROW(c->props, id, c->props_cap);
	if (added)
		c->props[id] = (struct quality_prop){ 0 };
	return &c->props[id];
}

void cdp_quality_prop(struct cdp_quality *q, const char *key, size_t n,
		      const struct cdp_val *value)
{
	static const signed char kinds[] = {
		[CDP_TRUE] = 2,   [CDP_FALSE] = 2, [CDP_NUMBER] = 1,
		[CDP_STRING] = 0, [CDP_ARRAY] = 3, [CDP_OBJECT] = 4,
	};
	struct quality_prop *p = quality_prop_of(q->cell, key, n);
	struct quality_values *v = q->now ? &p->now : &p->before;

	v->n++;
	if (value->type == CDP_NULL || value->type == CDP_MISSING ||
	    (value->type == CDP_STRING && value->n == 0))
		v->null++;
	else
		v->types[(int)kinds[value->type]]++;
}

void cdp_quality_duplicate(struct cdp_quality *q, const struct cdp_quality_name *name,
			   int64_t ms)
{
	if (days_back(q->days, second_of(ms)) == 0)
		cell_of(q, name)->duplicates++;
}

void quality_add_reason(struct cdp_quality *q, const char *p, size_t n, uint64_t count)
{
	bool added;
	uint32_t id = cdp_intern_put(q->reasons, p, n, &added);

	CDP_GROW(q->reason_counts, id, q->reasons_cap);
	q->reason_counts[id] = count + (added ? 0 : q->reason_counts[id]);
}

void cdp_quality_reject(struct cdp_quality *q, const struct cdp_quality_name *name,
			const char *path, size_t path_n, const char *reason,
			size_t reason_n)
{
	cell_of(q, name)->rejected++;
	cdp_buf_addc(&q->key, '\0');
	cdp_buf_add(&q->key, path, path_n);
	cdp_buf_addc(&q->key, '\0');
	cdp_buf_add(&q->key, reason, reason_n);
	quality_add_reason(q, q->key.p, q->key.n, 1);
}

void quality_add_check(struct cdp_quality *q, const char *p, size_t n, int64_t count)
{
	bool added;
	uint32_t id = cdp_intern_put(q->checks, p, n, &added);

	CDP_GROW(q->check_counts, id, q->checks_cap);
	q->check_counts[id] = count + (added ? 0 : q->check_counts[id]);
}

void cdp_quality_count(struct cdp_quality *q, const struct cdp_quality_name *name,
		       int64_t count)
{
	name_key(q, name);
	quality_add_check(q, q->key.p, q->key.n, count);
}

/* --- merging --- */

void quality_merge_values(struct quality_values *into, const struct quality_values *from)
{
	into->n += from->n;
	into->null += from->null;
	for (int t = 0; t < QUALITY_TYPES; t++)
		into->types[t] += from->types[t];
}

static void merge_props(struct quality_cell *into, const struct quality_cell *from)
{
	uint32_t n = from->keys ? cdp_intern_count(from->keys) : 0;

	for (uint32_t i = 0; i < n; i++) {
		size_t len;
		const char *key = cdp_intern_key(from->keys, i, &len);
		struct quality_prop *p = quality_prop_of(into, key, len);

		quality_merge_values(&p->now, &from->props[i].now);
		quality_merge_values(&p->before, &from->props[i].before);
	}
}

static void merge_cell(struct cdp_quality *q, struct quality_cell *into,
		       const struct quality_cell *from)
{
	uint32_t *seconds;
	size_t n;

	for (unsigned d = 0; d <= q->days->back; d++)
		for (unsigned h = 0; from->hours[d] && h < QUALITY_HOURS; h++)
			quality_add_hour(into, d, h, from->hours[d][h]);
	into->events += from->events;
	into->before += from->before;
	into->duplicates += from->duplicates;
	into->rejected += from->rejected;
	into->same_id += from->same_id;
	into->ahead += from->ahead;
	into->violating += from->violating;
	into->implausible += from->implausible;
	into->on_time += from->on_time;
	if (from->first_ms < into->first_ms)
		into->first_ms = from->first_ms;
	if (from->last_ms > into->last_ms)
		into->last_ms = from->last_ms;
	cdp_delays_merge(&into->delays, &from->delays);
	seconds = quality_seconds_list(q, &from->seconds, &n);
	for (size_t i = 0; i < n; i++)
		quality_add_second(q, &into->seconds, seconds[i]);
	free(seconds);
	merge_props(into, from);
}

void cdp_quality_merge(struct cdp_quality *into, struct cdp_quality *from)
{
	const char *key;
	size_t n;

	for (uint32_t i = 0; i < cdp_intern_count(from->names); i++) {
		key = cdp_intern_key(from->names, i, &n);
		merge_cell(into, quality_cell_of_key(into, key, n), &from->cells[i]);
	}
	for (uint32_t i = 0; i < cdp_intern_count(from->reasons); i++) {
		key = cdp_intern_key(from->reasons, i, &n);
		quality_add_reason(into, key, n, from->reason_counts[i]);
	}
	for (uint32_t i = 0; i < cdp_intern_count(from->checks); i++) {
		key = cdp_intern_key(from->checks, i, &n);
		quality_add_check(into, key, n, from->check_counts[i]);
	}
	cdp_quality_free(from);
}
