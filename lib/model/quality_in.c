#include "model/quality_in.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "record/head.h"
#include "record/json.h"

enum { RAW_MAX = 1024 * 1024 }; /* of a reject that is looked into */

int cdp_quality_paths(struct cdp_quality_slots *s, struct cdp_paths *paths,
		      struct cdp_err *err)
{
	const struct {
		int *slot;
		const char *path;
	} all[] = {
		{ &s->source, "source" },
		{ &s->sent, "sent" },
		{ &s->received, "received" },
		{ &s->props, "props" },
		{ &s->duplicate_of, "duplicate_of" },
		{ &s->violations, "violations" },
		{ &s->reason, "reject.reason" },
		{ &s->path, "reject.path" },
		{ &s->day, "day" },
		{ &s->count, "count" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		*all[i].slot =
			cdp_paths_add(paths, all[i].path, strlen(all[i].path), err);
		if (*all[i].slot < 0)
			return -1;
	}
	cdp_reject_paths(&s->raw, paths);
	return 0;
}

void cdp_quality_reader_init(struct cdp_quality_reader *r,
			     const struct cdp_quality_slots *slots,
			     const struct cdp_quality_days *days)
{
	char day[32];
	int32_t year;
	int8_t month, date;

	*r = (struct cdp_quality_reader){ .slots = slots };
	cdp_civil_from_days(days->day, &year, &month, &date);
	snprintf(day, sizeof(day), "%04" PRId32 "-%02d-%02d", year, month, date);
	memcpy(r->day, day, sizeof(r->day) - 1);
	r->to = cdp_quality_new(days);
	cdp_buf_init(&r->source, CDP_BUF_NOMAX);
	cdp_buf_init(&r->event, CDP_BUF_NOMAX);
	cdp_buf_init(&r->text, CDP_BUF_NOMAX);
}

void cdp_quality_reader_release(struct cdp_quality_reader *r)
{
	cdp_buf_release(&r->source);
	cdp_buf_release(&r->event);
	cdp_buf_release(&r->text);
}

/* The text of a string without NULs, which keep parts of keys apart. */
static const char *text_of(const struct cdp_val *v, struct cdp_buf *tmp, size_t *n)
{
	const char *p = cdp_val_str(v, tmp, n);
	char *nul = v->escaped ? memchr(tmp->p, '\0', *n) : NULL;

	for (; nul; nul = memchr(nul, '\0', *n - (size_t)(nul - tmp->p)))
		*nul = '?';
	return p;
}

/* What is no string is not known. */
static void name_of(struct cdp_quality_reader *r, const struct cdp_val *source,
		    const struct cdp_val *event, struct cdp_quality_name *name)
{
	*name = (struct cdp_quality_name){ "", "", 0, 0 };
	if (r->only)
		*name = (struct cdp_quality_name){ r->only, "", strlen(r->only), 0 };
	else if (source->type == CDP_STRING)
		name->source = text_of(source, &r->source, &name->source_n);
	if (event->type == CDP_STRING)
		name->event = text_of(event, &r->event, &name->event_n);
}

/* A member that is a time, if it is there. */
static int time_of(struct cdp_quality_reader *r, struct cdp_rec *rec, int slot,
		   const char *key, int64_t *ms, struct cdp_err *err)
{
	const struct cdp_val *v = cdp_rec_get(rec, slot);
	struct cdp_time t;
	const char *p;
	size_t n;

	*ms = CDP_QUALITY_NO_TIME;
	if (v->type == CDP_MISSING || v->type == CDP_NULL)
		return 0;
	if (v->type != CDP_STRING) {
		cdp_err_set(err, CDP_ERR_DATA, "expected a time");
		snprintf(err->path, sizeof(err->path), "%s", key);
		return -1;
	}
	p = cdp_val_str(v, &r->text, &n);
	if (!cdp_time_parse_canon(&t, p, n) && cdp_time_parse(&t, p, n, err) < 0) {
		snprintf(err->path, sizeof(err->path), "%s", key);
		return -1;
	}
	*ms = cdp_time_ms(t);
	return 0;
}

static void read_props(struct cdp_quality_reader *r, const struct cdp_val *props)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, value;

	while (cdp_val_member(props, &it, &key, &value)) {
		size_t n;
		const char *p = text_of(&key, &r->text, &n);

		cdp_quality_prop(r->to, p, n, &value);
	}
}

int cdp_quality_read_event(struct cdp_quality_reader *r, struct cdp_rec *rec,
			   struct cdp_err *err)
{
	const struct cdp_val *event = cdp_rec_get(rec, CDP_SLOT_EVENT), *props;
	struct cdp_quality_name name;
	struct cdp_quality_facts facts;

	if (event->type != CDP_STRING)
		return 0;
	if (cdp_rec_time_ms(rec, &facts.ms, err) < 0 ||
	    time_of(r, rec, r->slots->sent, "sent", &facts.sent_ms, err) < 0 ||
	    time_of(r, rec, r->slots->received, "received", &facts.received_ms, err) < 0)
		return -1;
	name_of(r, cdp_rec_get(rec, r->slots->source), event, &name);
	facts.same_id = cdp_rec_get(rec, r->slots->duplicate_of)->type != CDP_MISSING;
	facts.violating = cdp_rec_get(rec, r->slots->violations)->type != CDP_MISSING;
	if (!cdp_quality_event(r->to, &name, &facts))
		return 0;
	props = cdp_rec_get(rec, r->slots->props);
	if (props->type == CDP_OBJECT)
		read_props(r, props);
	return 0;
}

int cdp_quality_read_duplicate(struct cdp_quality_reader *r, struct cdp_rec *rec,
			       struct cdp_err *err)
{
	const struct cdp_val *event = cdp_rec_get(rec, CDP_SLOT_EVENT);
	struct cdp_quality_name name;
	int64_t ms;

	if (event->type != CDP_STRING)
		return 0;
	if (cdp_rec_time_ms(rec, &ms, err) < 0)
		return -1;
	name_of(r, cdp_rec_get(rec, r->slots->source), event, &name);
	cdp_quality_duplicate(r->to, &name, ms);
	return 0;
}

/* A quote opens after a blank or at the start, and closes before what ends a word. */
static const char *closing(const char *p, const char *end)
{
	for (; p < end; p++)
		if (*p == '\'' && (p + 1 == end || strchr(" ,:;)", p[1])))
			return p;
	return NULL;
}

void cdp_quality_reason(struct cdp_buf *out, const char *p, size_t n)
{
	const char *end = p + n, *start = p, *close;
	const char *column = memmem(p, n, " (column ", 9);

	if (column && end[-1] == ')')
		end = column;
	while (p < end) {
		bool opens = *p == '\'' && (p == start || strchr(" (", p[-1]));

		close = opens ? closing(p + 1, end) : NULL;
		if (close) {
			cdp_buf_adds(out, "'*'");
			p = close + 1;
		} else {
			cdp_buf_addc(out, *p++);
		}
	}
}

/* What the record that was set aside says of itself, if it is JSON. */
static void look_into(struct cdp_quality_reader *r, struct cdp_rec *rec,
		      struct cdp_quality_name *name)
{
	struct cdp_val v, key, value, source = { 0 }, event = { 0 };
	struct cdp_iter it = { 0 };
	struct cdp_err ignored;
	const char *p;
	size_t n;

	if (cdp_rec_get(rec, r->slots->raw.raw_file)->type == CDP_MISSING &&
	    cdp_reject_raw(&r->slots->raw, rec, RAW_MAX, &r->text, &p, &n, &ignored) ==
		    0 &&
	    cdp_json_check(p, n, &ignored) == 0) {
		cdp_val_at(&v, p, n);
		while (v.type == CDP_OBJECT && cdp_val_member(&v, &it, &key, &value)) {
			if (cdp_val_is(&key, "source", 6))
				source = value;
			else if (cdp_val_is(&key, "event", 5))
				event = value;
		}
	}
	name_of(r, &source, &event, name);
}

int cdp_quality_read_reject(struct cdp_quality_reader *r, struct cdp_rec *rec,
			    struct cdp_err *err)
{
	const struct cdp_val *reason = cdp_rec_get(rec, r->slots->reason);
	const struct cdp_val *path = cdp_rec_get(rec, r->slots->path);
	struct cdp_quality_name name;
	struct cdp_buf normal, tmp;
	const char *p;
	size_t n, path_n = 0;

	if (reason->type != CDP_STRING)
		return cdp_err_set(err, CDP_ERR_DATA, "no reject: it has no reason");
	look_into(r, rec, &name);
	cdp_buf_init(&normal, CDP_BUF_NOMAX);
	cdp_buf_init(&tmp, CDP_BUF_NOMAX);
	p = text_of(reason, &tmp, &n);
	cdp_quality_reason(&normal, p, n);
	p = path->type == CDP_STRING ? text_of(path, &tmp, &path_n) : "";
	cdp_quality_reject(r->to, &name, p, path_n, normal.p, normal.n);
	cdp_buf_release(&normal);
	cdp_buf_release(&tmp);
	return 0;
}

static int bad(struct cdp_err *err, const char *path, const char *msg)
{
	cdp_err_set(err, CDP_ERR_DATA, "%s", msg);
	snprintf(err->path, sizeof(err->path), "%s", path);
	return -1;
}

int cdp_quality_read_count(struct cdp_quality_reader *r, struct cdp_rec *rec,
			   struct cdp_err *err)
{
	const struct cdp_val *day = cdp_rec_get(rec, r->slots->day);
	const struct cdp_val *event = cdp_rec_get(rec, CDP_SLOT_EVENT);
	const struct cdp_val *count = cdp_rec_get(rec, r->slots->count);
	const struct cdp_val *source = cdp_rec_get(rec, r->slots->source);
	struct cdp_quality_name name;
	struct cdp_err ignored;
	uint64_t n;

	if (day->type != CDP_STRING)
		return bad(err, "day", "a row of counts has a day, such as 2024-04-30");
	if (event->type != CDP_STRING || !event->n)
		return bad(err, "event", "a row of counts has the name of an event");
	if (count->type != CDP_NUMBER ||
	    cdp_num_u64(&n, count->p, count->n, INT64_MAX / 1000, &ignored) < 0)
		return bad(err, "count", "a count is a whole number, not negative");
	if (source->type != CDP_MISSING && source->type != CDP_NULL &&
	    source->type != CDP_STRING)
		return bad(err, "source", "a source is a string");
	if (!cdp_val_is(day, r->day, sizeof(r->day) - 1))
		return 0;
	if (r->only && source->type == CDP_STRING &&
	    !cdp_val_is(source, r->only, strlen(r->only)))
		return 0;
	name_of(r, source, event, &name);
	cdp_quality_count(r->to, &name, (int64_t)n);
	return 0;
}
