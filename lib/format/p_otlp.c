/* OpenTelemetry logs (OTLP/HTTP), as recorded from the JavaScript exporter 0.223 in JSON;
 * requests in protocol buffers are brought into that form first (format/otlp_proto.h).
 *
 * A log record with a name, `eventName` or the attribute event.name, is an event; one
 * without is a line of a log and refused.  Attributes are properties by their own names,
 * and so are the body and other members of the record; the attributes of the resource and
 * the scope are the members `resource` and `scope`.  Ids are the attributes of record or
 * resource user.id and enduser.id (login), app.installation.id or else session.id
 * (anonymous), device.id (device) and user.email (email); without any, client.address.
 * The time is timeUnixNano, else observedTimeUnixNano.  log.record.uid is the event id.
 * The source is telemetry.sdk.language. */
#include "format/keep.h"
#include "format/protocols.h"

#include "base/num.h"
#include "record/json.h"

/* Resource and scope are written into each of their records: bytes that this may make of
 * one payload. */
enum { COPIES_MAX = 64 << 20 };

enum { RESOURCE, SCOPES, SCOPE, RECORDS };
static const char *const envelope[] = { "resource", "scopeLogs", "scope", "logRecords",
					NULL };
enum { TIME, OBSERVED, NAME, BODY, ATTRIBUTES, DROPPED, MEMBERS };
static const char *const members[] = {
	"timeUnixNano", "observedTimeUnixNano",   "eventName", "body",
	"attributes",   "droppedAttributesCount", NULL
};

/* --- values --- */

/* An AnyValue as JSON of our own.  Its nesting is that of the text, which is bounded. */
static void put_any(struct cdp_buf *out, const struct cdp_val *any);

static void put_pairs(struct cdp_buf *out, const struct cdp_val *pairs,
		      const char *const *without)
{
	static const char *const names[] = { "key", "value", NULL };
	struct cdp_iter it = { 0 };
	struct cdp_val pair, v[2];

	cdp_buf_addc(out, '{');
	while (pairs->type == CDP_ARRAY && cdp_val_item(pairs, &it, &pair)) {
		bool taken = false;

		cdp_pick(&pair, names, v);
		for (int i = 0; without && without[i]; i++)
			taken = taken ||
				cdp_val_is(&v[0], without[i], strlen(without[i]));
		if (taken || v[0].type != CDP_STRING)
			continue;
		if (out->p[out->n - 1] != '{')
			cdp_buf_addc(out, ',');
		cdp_json_val(out, &v[0]);
		cdp_buf_addc(out, ':');
		put_any(out, &v[1]);
	}
	cdp_buf_addc(out, '}');
}

static void put_list(struct cdp_buf *out, const struct cdp_val *values)
{
	struct cdp_iter it = { 0 };
	struct cdp_val v;
	bool more = false;

	cdp_buf_addc(out, '[');
	while (values->type == CDP_ARRAY && cdp_val_item(values, &it, &v)) {
		if (more)
			cdp_buf_addc(out, ',');
		more = true;
		put_any(out, &v);
	}
	cdp_buf_addc(out, ']');
}

/* 64-bit integers come as strings or as numbers. */
static void put_int(struct cdp_buf *out, const struct cdp_val *v)
{
	int64_t ignored;

	if (v->type == CDP_STRING && cdp_num_json_i64(&ignored, v->p, v->n))
		cdp_buf_add(out, v->p, v->n);
	else
		cdp_canon_put_val(out, v);
}

static void put_any(struct cdp_buf *out, const struct cdp_val *any)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, v, values;

	if (any->type != CDP_OBJECT || !cdp_val_member(any, &it, &key, &v)) {
		cdp_buf_adds(out, "null"); /* an empty value */
		return;
	}
	values = cdp_pick_one(&v, "values");
	if (cdp_val_is(&key, "arrayValue", 10))
		put_list(out, &values);
	else if (cdp_val_is(&key, "kvlistValue", 11))
		put_pairs(out, &values, NULL);
	else if (cdp_val_is(&key, "intValue", 8))
		put_int(out, &v);
	else
		cdp_canon_put_val(out, &v);
}

/* The value of an attribute, if it is a string or a number. */
static struct cdp_val attribute(const struct cdp_val *list, const char *name)
{
	static const char *const names[] = { "key", "value", NULL };
	struct cdp_iter it = { 0 };
	struct cdp_val pair, v[2], key, value;

	while (list->type == CDP_ARRAY && cdp_val_item(list, &it, &pair)) {
		struct cdp_iter inner = { 0 };

		cdp_pick(&pair, names, v);
		if (cdp_val_is(&v[0], name, strlen(name)) && v[1].type == CDP_OBJECT &&
		    cdp_val_member(&v[1], &inner, &key, &value) &&
		    (value.type == CDP_STRING || value.type == CDP_NUMBER))
			return value;
	}
	return (struct cdp_val){ 0 };
}

/* --- a record --- */

/* Where a record stands. */
struct place {
	struct cdp_val resource, scope; /* objects, or missing */
	struct cdp_val attributes;      /* of the resource */
};

/* Attributes that become ids, then others that are no properties. */
static const char *const id_names[] = {
	"user.id",    "enduser.id", "app.installation.id", "session.id", "device.id",
	"user.email", "event.name", "log.record.uid",      NULL
};

static int read_ids(struct cdp_decoder *d, const struct place *at,
		    const struct cdp_val *attributes, const struct cdp_arrival *from,
		    struct cdp_err *err)
{
	const char *const kinds[] = { d->opts->login_kind,
				      d->opts->login_kind,
				      "anonymous",
				      "anonymous",
				      "device",
				      "email" };
	static const char *const others[] = { "user",    "enduser", "installation",
					      "session", "device",  "email" };
	struct cdp_val v;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		v = attribute(attributes, id_names[i]);
		if (v.type == CDP_MISSING)
			v = attribute(&at->attributes, id_names[i]);
		if (cdp_draft_id(&d->draft, kinds[i], others[i], &v, id_names[i], err) <
		    0)
			return -1;
	}
	v = attribute(attributes, "client.address");
	return cdp_keep_ip(&d->draft, &v, from, err);
}

static bool is_zero(const struct cdp_val *v)
{
	return !cdp_given(v) || (v->n == 1 && *v->p == '0');
}

static int read_time(struct cdp_draft *r, const struct cdp_val *v, struct cdp_err *err)
{
	const struct cdp_clock clock = { CDP_UNIT_NS, NULL, CDP_NO_OFFSET };
	int at = is_zero(&v[TIME]) ? OBSERVED : TIME;

	return cdp_when(&r->ms, &v[at], &clock, members[at], err);
}

static int read_name(struct cdp_draft *r, const struct cdp_val *v, struct cdp_err *err)
{
	struct cdp_val name = v[NAME];

	if (!cdp_given(&name))
		name = attribute(&v[ATTRIBUTES], "event.name");
	if (!cdp_given(&name))
		return cdp_canon_bad(err, "eventName",
				     "a line of a log: it has no eventName");
	return cdp_draft_text(r, &r->event, &name, "eventName", err);
}

/* Attributes but for those that are taken, then what else is said. */
static const char *const kept[] = { "timeUnixNano", "observedTimeUnixNano", "eventName",
				    "body",         "attributes",           NULL };

static void put_props(struct cdp_decoder *d, const struct cdp_val *record,
		      const struct cdp_val *v)
{
	struct cdp_draft *r = &d->draft;
	struct cdp_val all;

	cdp_buf_reset(&d->a);
	put_pairs(&d->a, &v[ATTRIBUTES], id_names);
	cdp_val_at(&all, d->a.p, d->a.n);
	cdp_draft_all(r, CDP_PART_PROPS, &all, NULL);
	cdp_buf_reset(&d->a);
	if (v[BODY].type == CDP_OBJECT && !cdp_draft_has(r, CDP_PART_PROPS, "body", 4)) {
		put_any(&d->a, &v[BODY]);
		cdp_draft_raw(r, CDP_PART_PROPS, "body", d->a.p, d->a.n);
	}
	cdp_keep_rest(d, record, is_zero(&v[DROPPED]) ? members : kept, "otlp");
}

/* `,"name":{...}` of a resource or scope: its attributes by their names, with its other
 * members beside them. */
static void put_place(struct cdp_buf *more, const char *name, const struct cdp_val *v)
{
	struct cdp_val attributes = cdp_pick_one(v, "attributes");
	struct cdp_iter it = { 0 };
	struct cdp_val key, value;
	size_t start = more->n, at;

	if (v->type != CDP_OBJECT)
		return;
	cdp_buf_addf(more, ",\"%s\":", name);
	at = more->n;
	put_pairs(more, &attributes, NULL);
	more->n--;
	while (cdp_val_member(v, &it, &key, &value)) {
		if (cdp_val_is(&key, "attributes", 10) || is_zero(&value))
			continue;
		if (more->n > at + 1)
			cdp_buf_addc(more, ',');
		cdp_json_val(more, &key);
		cdp_buf_addc(more, ':');
		cdp_canon_put_val(more, &value);
	}
	if (more->n == at + 1)
		more->n = start;
	else
		cdp_buf_addc(more, '}');
}

static int read_record(struct cdp_decoder *d, const struct place *at,
		       const struct cdp_val *record, const struct cdp_arrival *from,
		       struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;
	struct cdp_val v[MEMBERS], id, language, version;

	if (record->type != CDP_OBJECT)
		return cdp_canon_bad(err, "logRecords", "a record that is not an object");
	cdp_pick(record, members, v);
	cdp_draft_reset(r, CDP_DRAFT_EVENT);
	r->received = from->received;
	id = attribute(&v[ATTRIBUTES], "log.record.uid");
	if (read_time(r, v, err) < 0 || read_name(r, v, err) < 0 ||
	    read_ids(d, at, &v[ATTRIBUTES], from, err) < 0 ||
	    cdp_draft_text(r, &r->event_id, &id, "log.record.uid", err) < 0)
		return -1;
	put_props(d, record, v);
	language = attribute(&at->attributes, "telemetry.sdk.language");
	version = attribute(&at->attributes, "telemetry.sdk.version");
	cdp_draft_lib(r, d->opts, "otlp", &language, &version);
	put_place(&r->more, "resource", &at->resource);
	put_place(&r->more, "scope", &at->scope);
	return 0;
}

/* --- envelopes --- */

/* An envelope of this place alone, for rejects; d->b holds it. */
static void open_envelope(struct cdp_decoder *d, const struct place *at)
{
	struct cdp_buf *b = &d->b;
	struct cdp_val all, list;
	size_t from;

	cdp_buf_reset(b);
	cdp_buf_adds(b, "{\"resourceLogs\":[{\"resource\":");
	cdp_json_val(b, &at->resource);
	cdp_buf_adds(b, ",\"scopeLogs\":[{\"scope\":");
	cdp_json_val(b, &at->scope);
	cdp_buf_adds(b, ",\"logRecords\":");
	from = b->n;
	cdp_buf_adds(b, "[]}]}]}");
	cdp_val_at(&all, b->p, b->n);
	cdp_val_at(&list, b->p + from, 2);
	cdp_decoder_envelope(d, &all, &list);
}

static int read_scope(struct cdp_decoder *d, const struct place *at,
		      const struct cdp_val *records, const struct cdp_arrival *from,
		      struct cdp_sink *sink, struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val record;
	int rc = 0;

	open_envelope(d, at);
	while (rc == 0 && records->type == CDP_ARRAY &&
	       cdp_val_item(records, &it, &record)) {
		if (read_record(d, at, &record, from, err) < 0)
			rc = cdp_decoder_reject(d, sink, &record, err);
		else
			rc = cdp_decoder_put(d, sink, &record, err);
	}
	return rc;
}

static struct cdp_val object_or_none(struct cdp_val v)
{
	return v.type == CDP_OBJECT ? v : (struct cdp_val){ 0 };
}

static int read_resource(struct cdp_decoder *d, const struct cdp_val *logs,
			 const struct cdp_arrival *from, struct cdp_sink *sink,
			 struct cdp_err *err)
{
	struct cdp_val v[4], scope, s[4];
	struct cdp_iter it = { 0 };
	struct place at = { 0 };

	cdp_pick(logs, envelope, v);
	at.resource = object_or_none(v[RESOURCE]);
	at.attributes = cdp_pick_one(&at.resource, "attributes");
	while (v[SCOPES].type == CDP_ARRAY && cdp_val_item(&v[SCOPES], &it, &scope)) {
		cdp_pick(&scope, envelope, s);
		at.scope = object_or_none(s[SCOPE]);
		if (read_scope(d, &at, &s[RECORDS], from, sink, err) < 0)
			return -1;
	}
	return 0;
}

/* Records in all scopes of a resource; what is copied into them is added to *copies. */
static int check_resource(const struct cdp_val *logs, uint64_t *copies,
			  struct cdp_err *err)
{
	struct cdp_val v[4], scope, s[4], record;
	struct cdp_iter it = { 0 };

	cdp_pick(logs, envelope, v);
	if (v[SCOPES].type > CDP_NULL && v[SCOPES].type != CDP_ARRAY)
		return cdp_canon_bad(err, "scopeLogs", "not an array");
	while (v[SCOPES].type == CDP_ARRAY && cdp_val_item(&v[SCOPES], &it, &scope)) {
		struct cdp_iter inner = { 0 };

		cdp_pick(&scope, envelope, s);
		if (s[RECORDS].type > CDP_NULL && s[RECORDS].type != CDP_ARRAY)
			return cdp_canon_bad(err, "logRecords", "not an array");
		while (s[RECORDS].type == CDP_ARRAY &&
		       cdp_val_item(&s[RECORDS], &inner, &record))
			*copies += v[RESOURCE].n + s[SCOPE].n;
	}
	return 0;
}

/* Before anything is written. */
static int check(const struct cdp_val *all, struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val logs;
	uint64_t copies = 0;

	while (cdp_val_item(all, &it, &logs))
		if (check_resource(&logs, &copies, err) < 0)
			return -1;
	if (copies > COPIES_MAX)
		return cdp_canon_bad(err, "resource",
				     "too large for so many records: more than %d bytes "
				     "in all of them",
				     COPIES_MAX);
	return 0;
}

static bool knows(const struct cdp_val *payload)
{
	return cdp_pick_one(payload, "resourceLogs").type == CDP_ARRAY;
}

static int read_payload(struct cdp_decoder *d, const struct cdp_val *payload,
			const struct cdp_arrival *from, struct cdp_sink *sink,
			struct cdp_err *err)
{
	struct cdp_val all = cdp_pick_one(payload, "resourceLogs"), logs;
	struct cdp_iter it = { 0 };

	if (all.type != CDP_ARRAY)
		return cdp_canon_bad(err, "resourceLogs", "not an array");
	if (check(&all, err) < 0)
		return -1;
	while (cdp_val_item(&all, &it, &logs))
		if (read_resource(d, &logs, from, sink, err) < 0)
			return -1;
	return 0;
}

const struct cdp_protocol cdp_p_otlp = { "otlp", knows, read_payload };
