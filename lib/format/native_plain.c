#include "format/native_plain.h"

#include "base/hash.h"
#include "base/swar.h"
#include "format/cut.h"
#include "format/ids.h"

/* What was learned of the event. */
struct plain {
	int64_t ms;
	char time[CDP_TIME_CANON];
};

/* --- checks --- */

static uint64_t del_in(const char *p)
{
	uint64_t x = cdp_load64(p) ^ CDP_ONES * 0x7f;

	return (x - CDP_ONES) & ~x & CDP_HIGH;
}

/* A name as it is written: the scanner let no control byte but DEL through.  Its last
 * eight bytes are looked at first, so of a short one also what stands around it: the end
 * of its key, and after it what costs no more than the long way. */
static bool good_name(const struct cdp_val *v)
{
	const char *p = v->p, *last;
	uint64_t found;

	if (v->type != CDP_STRING || v->escaped || v->n - 1 >= CDP_EVENT_MAX)
		return false;
	last = p + v->n - 8;
	found = del_in(p) | del_in(last);
	for (p += 8; p < last; p += 8)
		found |= del_in(p);
	return !found;
}

/* Records are told from each other by such a text, so it has one form only. */
static bool good_text(const struct cdp_val *v)
{
	return v->type == CDP_STRING && !v->escaped;
}

static bool good_one_id(const struct cdp_val *v)
{
	uint64_t ignored;

	return v->type == CDP_STRING && cdp_unhex16(&ignored, v->p, v->n);
}

/* Apart, for the room that an error takes. */
__attribute__((noinline)) static bool other_time(struct plain *e,
						 struct cdp_minute *minute,
						 const struct cdp_val *v,
						 const struct cdp_zone *zone)
{
	struct cdp_err ignored;

	if (cdp_canon_time(&e->ms, v, zone, "time", &ignored) < 0)
		return false;
	cdp_minute_format(minute, e->time, e->ms);
	return true;
}

static inline bool good_time(struct plain *e, struct cdp_minute *minute,
			     const struct cdp_val *v, const struct cdp_zone *zone)
{
	e->ms = v->type == CDP_STRING ? cdp_minute_canon(minute, e->time, v->p, v->n)
				      : INT64_MIN;
	return e->ms != INT64_MIN || other_time(e, minute, v, zone);
}

/* Canonical, or missing. */
static inline bool good_delivery(int64_t *ms, const struct cdp_val *v)
{
	*ms = CDP_NO_TIME;
	if (v->type == CDP_MISSING)
		return true;
	*ms = v->type == CDP_STRING ? cdp_time_canon_ms(v->p, v->n) : INT64_MIN;
	return *ms != INT64_MIN;
}

static inline bool good_rest(const struct cdp_native_slots *s,
			     const struct cdp_format_opts *opts,
			     const struct cdp_rec *rec, int64_t ms)
{
	const struct cdp_val *v = rec->slots;
	struct cdp_plain_id id[CDP_PLAIN_MAX];
	int64_t sent, received;
	unsigned ids;

	if (v[s->props].type != CDP_OBJECT && v[s->props].type != CDP_MISSING)
		return false;
	if (v[s->event_id].type != CDP_MISSING &&
	    (!good_text(&v[s->event_id]) || !v[s->event_id].n))
		return false;
	if (v[s->source].type != CDP_MISSING && !good_text(&v[s->source]))
		return false;
	if (!good_delivery(&sent, &v[s->sent]) ||
	    !good_delivery(&received, &v[s->received]))
		return false;
	return cdp_ids_plain(rec, &v[s->ids], id, &ids) && ids &&
	       !cdp_canon_is_future(opts, ms, received);
}

/* --- one that is canonical --- */

/* Head first, nothing between its parts. */
static bool is_canonical(const struct cdp_rec *rec, const struct cdp_val *ids)
{
	static const char a[] = "{\"time\":\"", b[] = "\",\"event\":\"",
			  c[] = "\",\"ids\":", o[] = "{\"one_id\":\"",
			  t[] = "\",\"time\":\"";
	const struct cdp_val *one_id = &rec->slots[CDP_SLOT_ONE_ID];
	const struct cdp_val *time = &rec->slots[CDP_SLOT_TIME];
	const struct cdp_val *event = &rec->slots[CDP_SLOT_EVENT];
	const char *p = rec->raw;

	if (rec->len < 64 || time->type != CDP_STRING || time->n != CDP_TIME_CANON)
		return false;
	if (one_id->type != CDP_MISSING) {
		if (one_id->p != p + sizeof(o) - 1 || memcmp(p, o, sizeof(o) - 1) != 0)
			return false;
		p = one_id->p + one_id->n;
		if (memcmp(p, t, sizeof(t) - 1) != 0)
			return false;
		p += sizeof(t) - 1;
	} else {
		if (memcmp(p, a, sizeof(a) - 1) != 0)
			return false;
		p += sizeof(a) - 1;
	}
	/* A time of this length that was understood may end in an offset of minutes. */
	return time->p == p && cdp_time_canon_ms(time->p, time->n) != INT64_MIN &&
	       event->p == time->p + time->n + sizeof(b) - 1 &&
	       memcmp(time->p + time->n, b, sizeof(b) - 1) == 0 &&
	       ids->p == event->p + event->n + sizeof(c) - 1 &&
	       memcmp(event->p + event->n, c, sizeof(c) - 1) == 0;
}

static void copy(const struct cdp_native_slots *s, const struct cdp_rec *rec,
		 struct cdp_buf *out, struct cdp_canon *info)
{
	cdp_buf_add(out, rec->raw, rec->len);
	info->event_id = cdp_span_text(rec, &rec->slots[s->event_id]);
	info->source = cdp_span_text(rec, &rec->slots[s->source]);
	info->sent = cdp_span_member(rec, &rec->slots[s->sent], 4);
	info->received = cdp_span_member(rec, &rec->slots[s->received], 8);
}

/* --- one whose head is to be moved, without a look at the rest --- */

static bool cut(const struct cdp_native_slots *s, const struct cdp_rec *rec,
		const char time[CDP_TIME_CANON], struct cdp_buf *out,
		struct cdp_canon *info)
{
	const struct cdp_val *v = rec->slots;
	struct cdp_cut c;

	if (v[CDP_SLOT_ONE_ID].type != CDP_MISSING ||
	    !cdp_cut_event(&c, rec, &v[s->ids], time, out))
		return false;
	info->event_id = cdp_cut_value(&c, rec, &v[s->event_id]);
	info->source = cdp_cut_value(&c, rec, &v[s->source]);
	info->sent = cdp_cut_member(&c, rec, &v[s->sent], 4);
	info->received = cdp_cut_member(&c, rec, &v[s->received], 8);
	return true;
}

/* --- what it does not say itself --- */

static void complete(const struct cdp_native_slots *s, const struct cdp_format_opts *opts,
		     struct cdp_minute *minute, const struct cdp_val *v, size_t start,
		     struct cdp_buf *out, struct cdp_canon *info)
{
	bool source = opts->source && v[s->source].type == CDP_MISSING;
	bool received =
		opts->received != CDP_NO_TIME && v[s->received].type == CDP_MISSING;

	if (!source && !received)
		return;
	out->n--;
	if (source)
		info->source = cdp_canon_add_str(out, start, "source", opts->source,
						 strlen(opts->source));
	if (received)
		info->received = cdp_canon_add_near(minute, out, start, "received",
						    opts->received);
	cdp_buf_addc(out, '}');
}

bool cdp_native_plain(const struct cdp_native_slots *slots,
		      const struct cdp_format_opts *opts, struct cdp_native_minutes *m,
		      const struct cdp_rec *rec, struct cdp_buf *out,
		      struct cdp_canon *info)
{
	const struct cdp_val *v = rec->slots;
	size_t start = out->n;
	struct plain e;

	if (!rec->compact || v[CDP_SLOT_TYPE].type != CDP_MISSING ||
	    !good_name(&v[CDP_SLOT_EVENT]) ||
	    !good_time(&e, &m->time, &v[CDP_SLOT_TIME], opts->zone) ||
	    !good_rest(slots, opts, rec, e.ms) ||
	    (v[CDP_SLOT_ONE_ID].type != CDP_MISSING && !good_one_id(&v[CDP_SLOT_ONE_ID])))
		return false;
	cdp_canon_begin(info, e.ms);
	if (is_canonical(rec, &v[slots->ids]))
		copy(slots, rec, out, info);
	else if (!cut(slots, rec, e.time, out, info))
		return false;
	complete(slots, opts, &m->received, v, start, out, info);
	return true;
}
