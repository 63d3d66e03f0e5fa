/* Countly, as recorded from countly-sdk-nodejs 24.10: the query or form of a request as
 *an object of strings.  One may say several things:
 *
 *	begin_session		event session_start with the metrics
 *	session_duration	event session_update with `duration`; with end_session
 *				event session_end
 *	events			an event each, named by `key`; properties are its
 *				segmentation, count, sum and dur
 *	user_details		profile update: members and those of `custom` are set, but
 *				{"$inc":n} (increment), {"$push":[]}, {"$addToSet":[]}
 *				(append), {"$setOnce":v}
 *	crash			event crash
 *	old_device_id		binds of device_id, by which a person is called from then
 *				on, as login, to the old device and to itself as device
 *
 * Ids are device_id (device), and in user_details email, phone and username (login).
 * Times are in seconds or milliseconds, told apart by size, of an event its own, else
 * that of the request, else that of receipt.  app_key is the project. */
#include "format/keep.h"
#include "format/protocols.h"

#include "base/num.h"
#include "record/json.h"

/* What stands beside the events is written into each: bytes that this may make. */
enum { COPIES_MAX = 64 << 20 };

enum {
	KEY,
	DEVICE,
	OLD,
	TIME,
	SDK,
	VERSION,
	BEGIN,
	METRICS,
	DURATION,
	END,
	EVENTS,
	DETAILS,
	CRASH,
	ADDRESS,
	MEMBERS
};
static const char *const members[] = { "app_key",       "device_id",  "old_device_id",
				       "timestamp",     "sdk_name",   "sdk_version",
				       "begin_session", "metrics",    "session_duration",
				       "end_session",   "events",     "user_details",
				       "crash",         "ip_address", NULL };

/* A request while it is read. */
struct request {
	struct cdp_val v[MEMBERS];
	struct cdp_val common; /* what is beside its parts, an object in d->b */
	struct cdp_buf part;   /* the same with one part, which a reject holds */
	const struct cdp_arrival *from;
	struct cdp_sink *sink;
};

static bool is_part(int member)
{
	return member == OLD || (member >= BEGIN && member <= CRASH);
}

static void read_common(struct cdp_decoder *d, struct request *q,
			const struct cdp_val *raw)
{
	const char *parts[MEMBERS + 1];
	size_t n = 0;

	for (int i = 0; i < MEMBERS; i++)
		if (is_part(i))
			parts[n++] = members[i];
	parts[n] = NULL;
	cdp_buf_reset(&d->b);
	cdp_keep_object(&d->b, "", raw, parts); /* ,"":{...} */
	if (d->b.n)
		cdp_val_at(&q->common, d->b.p + 4, d->b.n - 4);
	else
		q->common = (struct cdp_val){ .p = "{}", .n = 2, .type = CDP_OBJECT };
}

/* What is common with these members, and `json` for the last unless it is NULL. */
static struct cdp_val part_of(struct request *q, int first, int last, const char *json)
{
	struct cdp_val v;

	cdp_buf_reset(&q->part);
	cdp_buf_add(&q->part, q->common.p, q->common.n - 1);
	for (int i = first; i <= last; i++) {
		if (q->v[i].type == CDP_MISSING)
			continue;
		cdp_json_key(&q->part, members[i]);
		if (json && i == last)
			cdp_buf_adds(&q->part, json);
		else
			cdp_json_val(&q->part, &q->v[i]);
	}
	cdp_buf_addc(&q->part, '}');
	cdp_val_at(&v, q->part.p, q->part.n);
	return v;
}

/* The end of a part: its record, unless reading it failed. */
static int put_part(struct cdp_decoder *d, struct request *q, int first, int last, int rc,
		    struct cdp_err *err)
{
	struct cdp_val raw = part_of(q, first, last, NULL);

	return rc < 0 ? cdp_decoder_reject(d, q->sink, &raw, err)
		      : cdp_decoder_put(d, q->sink, &raw, err);
}

/* --- what all parts have --- */

static int read_time(struct cdp_decoder *d, const struct request *q,
		     const struct cdp_val *own, struct cdp_err *err)
{
	const struct cdp_clock clock = { CDP_UNIT_S_OR_MS, d->opts->zone, CDP_NO_OFFSET };
	struct cdp_draft *r = &d->draft;
	const struct cdp_val *v = cdp_given(own) ? own : &q->v[TIME];

	r->received = q->from->received;
	r->ms = q->from->received;
	return cdp_given(v) ? cdp_when(&r->ms, v, &clock, "timestamp", err) : 0;
}

static int start(struct cdp_decoder *d, const struct request *q, enum cdp_draft_kind kind,
		 const struct cdp_val *time, struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;

	cdp_draft_reset(r, kind);
	if (read_time(d, q, time, err) < 0)
		return -1;
	return cdp_draft_id(r, "device", NULL, &q->v[DEVICE], "device_id", err);
}

static void finish(struct cdp_decoder *d, const struct request *q)
{
	static const char *const done[] = { "app_key",     "device_id",   "timestamp",
					    "sdk_name",    "sdk_version", "hour",
					    "dow",         "rr",          "checksum",
					    "checksum256", NULL };

	cdp_draft_lib(&d->draft, d->opts, "countly", &q->v[SDK], &q->v[VERSION]);
	cdp_keep_project(&d->draft, &q->v[KEY]);
	cdp_keep_rest(d, &q->common, done, "countly");
}

/* JSON within a string, into d->a. */
static int unpack(struct cdp_decoder *d, const struct request *q, int member,
		  struct cdp_val *v, struct cdp_err *err)
{
	const struct cdp_val *text = &q->v[member];
	struct cdp_buf tmp;
	const char *p;
	size_t n;

	*v = *text;
	if (text->type != CDP_STRING)
		return 0;
	cdp_buf_init(&tmp, CDP_BUF_NOMAX);
	p = cdp_val_str(text, &tmp, &n);
	cdp_buf_reset(&d->a);
	cdp_buf_add(&d->a, p, n);
	cdp_buf_release(&tmp);
	return cdp_keep_json(v, d->a.p, d->a.n, members[member], err);
}

/* --- sessions and crashes --- */

static int open_event(struct cdp_decoder *d, struct request *q, const char *name,
		      struct cdp_err *err)
{
	static const struct cdp_val none = { 0 };

	if (start(d, q, CDP_DRAFT_EVENT, &none, err) < 0)
		return -1;
	cdp_draft_event(&d->draft, name, strlen(name));
	return 0;
}

static int read_packed(struct cdp_decoder *d, struct request *q, const char *name,
		       int member, struct cdp_err *err)
{
	struct cdp_val v;

	if (open_event(d, q, name, err) < 0 || unpack(d, q, member, &v, err) < 0)
		return -1;
	cdp_draft_all(&d->draft, CDP_PART_PROPS, &v, NULL);
	finish(d, q);
	return 0;
}

static int read_duration(struct cdp_decoder *d, struct request *q, const char *name,
			 struct cdp_err *err)
{
	struct cdp_val seconds = q->v[DURATION];
	struct cdp_err ignored;
	double number;

	if (open_event(d, q, name, err) < 0)
		return -1;
	if (seconds.type == CDP_STRING &&
	    cdp_num_double(&number, seconds.p, seconds.n, &ignored) == 0)
		seconds.type = CDP_NUMBER;
	cdp_draft_named(&d->draft, CDP_PART_PROPS, "duration", &seconds);
	finish(d, q);
	return 0;
}

/* --- events --- */

static int read_event(struct cdp_decoder *d, const struct request *q,
		      const struct cdp_val *event, struct cdp_err *err)
{
	static const char *const names[] = { "key", "segmentation", "timestamp", NULL };
	static const char *const beside[] = { "count", "sum", "dur", NULL };
	struct cdp_draft *r = &d->draft;
	struct cdp_val v[3], b[3];

	if (event->type != CDP_OBJECT)
		return cdp_canon_bad(err, "events", "an event that is not an object");
	cdp_pick(event, names, v);
	cdp_pick(event, beside, b);
	if (v[1].type > CDP_NULL && v[1].type != CDP_OBJECT)
		return cdp_canon_bad(err, "segmentation", "not an object");
	if (start(d, q, CDP_DRAFT_EVENT, &v[2], err) < 0 ||
	    cdp_draft_text(r, &r->event, &v[0], "key", err) < 0)
		return -1;
	cdp_draft_all(r, CDP_PART_PROPS, &v[1], NULL);
	for (int i = 0; beside[i]; i++)
		if (!cdp_draft_has(r, CDP_PART_PROPS, beside[i], strlen(beside[i])))
			cdp_draft_named(r, CDP_PART_PROPS, beside[i], &b[i]);
	finish(d, q);
	return 0;
}

static int check_events(const struct request *q, const struct cdp_val *events,
			struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val event;
	uint64_t copies = 0;

	if (events->type != CDP_ARRAY)
		return cdp_canon_bad(err, "events", "not an array");
	while (cdp_val_item(events, &it, &event))
		copies += q->common.n;
	return copies <= COPIES_MAX
		       ? 0
		       : cdp_canon_bad(err, "events",
				       "too many for what stands beside them");
}

static int put_events(struct cdp_decoder *d, struct request *q, struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val events, event, all, list;
	int rc = 0;

	if (unpack(d, q, EVENTS, &events, err) < 0 || check_events(q, &events, err) < 0)
		return put_part(d, q, EVENTS, EVENTS, -1, err);
	/* In a reject, events are an array and no string. */
	all = part_of(q, EVENTS, EVENTS, "[]");
	cdp_val_at(&list, all.p + all.n - 3, 2);
	cdp_decoder_envelope(d, &all, &list);
	while (rc == 0 && cdp_val_item(&events, &it, &event)) {
		if (read_event(d, q, &event, err) < 0)
			rc = cdp_decoder_reject(d, q->sink, &event, err);
		else
			rc = cdp_decoder_put(d, q->sink, &event, err);
	}
	cdp_decoder_envelope(d, NULL, NULL);
	return rc;
}

/* --- who it is --- */

/* `{"$inc":1}`; false: no operation, a value. */
static bool operation(const struct cdp_val *v, struct cdp_val *name, struct cdp_val *with)
{
	struct cdp_iter it = { 0 };

	return v->type == CDP_OBJECT && cdp_val_member(v, &it, name, with) && name->n &&
	       *name->p == '$';
}

static int put_custom(struct cdp_decoder *d, const struct cdp_val *key,
		      const struct cdp_val *v, struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;
	struct cdp_val name, with;

	if (!operation(v, &name, &with)) {
		cdp_draft_val(r, CDP_PART_SET, key, v);
	} else if (cdp_val_is(&name, "$inc", 4)) {
		cdp_draft_val(r, CDP_PART_INCREMENT, key, &with);
	} else if (cdp_val_is(&name, "$setOnce", 8)) {
		cdp_draft_val(r, CDP_PART_SET_ONCE, key, &with);
	} else if (cdp_val_is(&name, "$push", 5) || cdp_val_is(&name, "$addToSet", 9)) {
		if (with.type != CDP_ARRAY)
			return cdp_canon_bad(err, "user_details.custom", "not an array");
		cdp_draft_val(r, CDP_PART_APPEND, key, &with);
	} else {
		return cdp_canon_bad(err, "user_details.custom",
				     "an operation that is not known: '%s'",
				     cdp_excerpt(name.p, name.n).s);
	}
	return 0;
}

static int read_details(struct cdp_decoder *d, struct request *q, struct cdp_err *err)
{
	static const struct cdp_val none = { 0 };
	static const char *const custom[] = { "custom", NULL };
	static const char *const ids[][2] = { { "email", "email" },
					      { "phone", "phone" },
					      { "username", "login" } };
	struct cdp_draft *r = &d->draft;
	struct cdp_iter it = { 0 };
	struct cdp_val all, below, key, v;

	if (start(d, q, CDP_DRAFT_PROFILE, &none, err) < 0 ||
	    unpack(d, q, DETAILS, &all, err) < 0)
		return -1;
	below = cdp_pick_one(&all, "custom");
	if (all.type != CDP_OBJECT || (below.type > CDP_NULL && below.type != CDP_OBJECT))
		return cdp_canon_bad(err, "user_details", "not an object");
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		v = cdp_pick_one(&all, ids[i][0]);
		if ((v.type == CDP_STRING || v.type == CDP_NUMBER) &&
		    cdp_draft_id(r, ids[i][1], NULL, &v, ids[i][0], err) < 0)
			return -1;
	}
	cdp_draft_all(r, CDP_PART_SET, &all, custom);
	while (below.type == CDP_OBJECT && cdp_val_member(&below, &it, &key, &v))
		if (put_custom(d, &key, &v, err) < 0)
			return -1;
	finish(d, q);
	return 0;
}

/* An object of ids has one of a kind, so that two binds say it: the person, called by the
 * new device_id, has the old device; and has itself for a device. */
static int put_binds(struct cdp_decoder *d, struct request *q, struct cdp_err *err)
{
	static const struct cdp_val none = { 0 };
	struct cdp_draft *r = &d->draft;
	uint64_t before = d->rejected;

	for (int i = 0; i < 2; i++) {
		int rc = start(d, q, CDP_DRAFT_BIND, &none, err);

		if (rc == 0)
			rc = cdp_draft_id(r, "device", NULL, &q->v[i ? DEVICE : OLD],
					  members[i ? DEVICE : OLD], err);
		if (rc == 0)
			rc = cdp_draft_id(r, d->opts->login_kind, "person", &q->v[DEVICE],
					  "device_id", err);
		if (rc == 0)
			finish(d, q);
		if (put_part(d, q, OLD, OLD, rc, err) < 0)
			return -1;
		if (d->rejected > before)
			return 0;
	}
	return 0;
}

/* --- requests --- */

static int put_parts(struct cdp_decoder *d, struct request *q, struct cdp_err *err)
{
	bool ends = cdp_given(&q->v[END]);
	int rc = 0, parts = 0;

	if (cdp_given(&q->v[OLD]) && ++parts)
		rc = put_binds(d, q, err);
	if (rc == 0 && cdp_given(&q->v[BEGIN]) && ++parts)
		rc = put_part(d, q, BEGIN, METRICS,
			      read_packed(d, q, "session_start", METRICS, err), err);
	if (rc == 0 && q->v[DETAILS].type > CDP_NULL && ++parts)
		rc = put_part(d, q, DETAILS, DETAILS, read_details(d, q, err), err);
	if (rc == 0 && q->v[EVENTS].type > CDP_NULL && ++parts)
		rc = put_events(d, q, err);
	if (rc == 0 && q->v[CRASH].type > CDP_NULL && ++parts)
		rc = put_part(d, q, CRASH, CRASH, read_packed(d, q, "crash", CRASH, err),
			      err);
	if (rc == 0 && (ends || cdp_given(&q->v[DURATION])) && ++parts)
		rc = put_part(
			d, q, DURATION, END,
			read_duration(d, q, ends ? "session_end" : "session_update", err),
			err);
	if (parts)
		return rc;
	return cdp_canon_bad(err, "", "a request that says nothing known");
}

enum { E_KEY, E_DEVICE };
static const char *const envelope[] = { "app_key", "device_id", NULL };

static bool knows(const struct cdp_val *payload)
{
	struct cdp_val e[2];

	cdp_pick(payload, envelope, e);
	return e[E_KEY].type == CDP_STRING && e[E_DEVICE].type == CDP_STRING;
}

static int read_payload(struct cdp_decoder *d, const struct cdp_val *payload,
			const struct cdp_arrival *from, struct cdp_sink *sink,
			struct cdp_err *err)
{
	struct request q = { .from = from, .sink = sink };
	int rc;

	if (payload->type != CDP_OBJECT)
		return cdp_canon_bad(err, "", "not an object");
	cdp_pick(payload, members, q.v);
	read_common(d, &q, payload);
	cdp_buf_init(&q.part, CDP_BUF_NOMAX);
	rc = put_parts(d, &q, err);
	cdp_buf_release(&q.part);
	return rc;
}

const struct cdp_protocol cdp_p_countly = { "countly", knows, read_payload };
