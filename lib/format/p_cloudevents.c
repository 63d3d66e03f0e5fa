/* CloudEvents 1.0 in the structured JSON form, one or an array of them; the binary form
 * over HTTP is brought into it first.
 *
 * An event named by `type` at `time`, without one that of receipt.  An event is told by
 * `source` and `id`, so the first is the source and the second the event id.  Ids are
 * subject (login) and the extensions userid (login), anonymousid (anonymous), deviceid
 * (device), sessionid (anonymous, beside anonymousid session).  `data` that is an object
 * is the properties, other data the property `data`; data_base64 is unpacked if it holds
 * such JSON.  Other attributes stay members. */
#include "format/p_cloudevents.h"

#include "base/base64.h"
#include "base/text.h"
#include "format/keep.h"
#include "format/protocols.h"
#include "record/json.h"

enum {
	VERSION,
	TYPE,
	ID,
	SOURCE,
	TIME,
	SUBJECT,
	DATA,
	BASE64,
	USER,
	ANONYMOUS,
	DEVICE,
	SESSION,
	MEMBERS
};
static const char *const members[] = { "specversion", "type",        "id",
				       "source",      "time",        "subject",
				       "data",        "data_base64", "userid",
				       "anonymousid", "deviceid",    "sessionid",
				       NULL };

static int read_ids(struct cdp_decoder *d, const struct cdp_val *v, struct cdp_err *err)
{
	const char *login = d->opts->login_kind;
	struct cdp_draft *r = &d->draft;

	if (cdp_draft_id(r, "anonymous", NULL, &v[ANONYMOUS], "anonymousid", err) < 0 ||
	    cdp_draft_id(r, "anonymous", "session", &v[SESSION], "sessionid", err) < 0 ||
	    cdp_draft_id(r, "device", NULL, &v[DEVICE], "deviceid", err) < 0 ||
	    cdp_draft_id(r, login, NULL, &v[USER], "userid", err) < 0)
		return -1;
	return cdp_draft_id(r, login, "subject", &v[SUBJECT], "subject", err);
}

/* JSON in Base64; anything else stays as it is. */
static bool unpacked(struct cdp_decoder *d, const struct cdp_val *text, struct cdp_val *v)
{
	struct cdp_err ignored;

	if (text->type != CDP_STRING || text->escaped)
		return false;
	cdp_buf_reset(&d->a);
	return cdp_base64_decode(&d->a, text->p, text->n) == 0 &&
	       cdp_keep_json(v, d->a.p, d->a.n, "", &ignored) == 0;
}

static void put_data(struct cdp_decoder *d, const struct cdp_val *v)
{
	struct cdp_draft *r = &d->draft;
	struct cdp_val data = v[DATA];

	if (data.type == CDP_MISSING && v[BASE64].type != CDP_MISSING &&
	    !unpacked(d, &v[BASE64], &data)) {
		cdp_draft_named(r, CDP_PART_PROPS, "data_base64", &v[BASE64]);
		return;
	}
	if (data.type == CDP_OBJECT)
		cdp_draft_all(r, CDP_PART_PROPS, &data, NULL);
	else if (data.type > CDP_NULL)
		cdp_draft_named(r, CDP_PART_PROPS, "data", &data);
}

static int read_event(struct cdp_decoder *d, const struct cdp_val *event,
		      const struct cdp_arrival *from, struct cdp_err *err)
{
	const struct cdp_clock clock = { CDP_UNIT_MS, d->opts->zone, CDP_NO_OFFSET };
	struct cdp_draft *r = &d->draft;
	struct cdp_val v[MEMBERS];

	if (event->type != CDP_OBJECT)
		return cdp_canon_bad(err, "", "an event that is not an object");
	cdp_pick(event, members, v);
	if (!cdp_given(&v[ID]) || !cdp_given(&v[SOURCE]))
		return cdp_canon_bad(err, cdp_given(&v[ID]) ? "source" : "id",
				     "id or source is missing");
	cdp_draft_reset(r, CDP_DRAFT_EVENT);
	r->received = from->received;
	r->ms = from->received;
	if ((cdp_given(&v[TIME]) &&
	     cdp_when(&r->ms, &v[TIME], &clock, "time", err) < 0) ||
	    read_ids(d, v, err) < 0 ||
	    cdp_draft_text(r, &r->event, &v[TYPE], "type", err) < 0 ||
	    cdp_draft_text(r, &r->event_id, &v[ID], "id", err) < 0 ||
	    cdp_draft_text(r, &r->source, &v[SOURCE], "source", err) < 0)
		return -1;
	put_data(d, v);
	cdp_keep_rest(d, event, members, "cloudevents");
	return 0;
}

static int read_one(struct cdp_decoder *d, const struct cdp_val *event,
		    const struct cdp_arrival *from, struct cdp_sink *sink,
		    struct cdp_err *err)
{
	if (read_event(d, event, from, err) < 0)
		return cdp_decoder_reject(d, sink, event, err);
	return cdp_decoder_put(d, sink, event, err);
}

static bool knows(const struct cdp_val *payload)
{
	struct cdp_val first = *payload, v[MEMBERS];
	struct cdp_iter it = { 0 };

	if (payload->type == CDP_ARRAY && !cdp_val_item(payload, &it, &first))
		return false;
	cdp_pick(&first, members, v);
	return v[VERSION].type == CDP_STRING && v[TYPE].type == CDP_STRING;
}

static int read_payload(struct cdp_decoder *d, const struct cdp_val *payload,
			const struct cdp_arrival *from, struct cdp_sink *sink,
			struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val event;

	if (payload->type == CDP_OBJECT)
		return read_one(d, payload, from, sink, err);
	if (payload->type != CDP_ARRAY)
		return cdp_canon_bad(err, "", "neither an event nor an array of them");
	cdp_decoder_envelope(d, payload, payload);
	while (cdp_val_item(payload, &it, &event))
		if (read_one(d, &event, from, sink, err) < 0)
			return -1;
	return 0;
}

const struct cdp_protocol cdp_p_cloudevents = { "cloudevents", knows, read_payload };

/* --- the binary form over HTTP --- */

static bool is_json_type(const char *type)
{
	const char *end = strchrnul(type, ';');
	size_t n = (size_t)(end - type);

	return (n >= 5 && memcmp(end - 5, "+json", 5) == 0) ||
	       (n == 16 && memcmp(type, "application/json", 16) == 0);
}

bool cdp_cloudevents_is_binary(const char *(*header)(void *ctx, const char *name),
			       void *ctx)
{
	return header && header(ctx, "ce-specversion") && header(ctx, "ce-type");
}

int cdp_cloudevents_json(struct cdp_buf *out,
			 const char *(*header)(void *ctx, const char *name), void *ctx,
			 const char *body, size_t n, struct cdp_err *err)
{
	static const char *const names[] = {
		"ce-specversion", "ce-type",         "ce-id",         "ce-source",
		"ce-time",        "ce-subject",      "ce-dataschema", "ce-userid",
		"ce-anonymousid", "ce-deviceid",     "ce-sessionid",  "ce-traceparent",
		"ce-tracestate",  "ce-partitionkey", "ce-sequence",   NULL
	};
	const char *type, *value; /* valid until the next is asked for */
	struct cdp_val json;

	cdp_buf_addc(out, '{');
	for (int i = 0; names[i]; i++) {
		value = header(ctx, names[i]);
		if (!value)
			continue;
		if (cdp_utf8_check(value, strlen(value)) < strlen(value))
			return cdp_canon_bad(err, names[i], "not UTF-8");
		cdp_json_key(out, names[i] + 3);
		cdp_json_str(out, value, strlen(value));
	}
	type = header(ctx, "content-type");
	if (type && cdp_utf8_check(type, strlen(type)) < strlen(type))
		return cdp_canon_bad(err, "content-type", "not UTF-8");
	if (type) {
		cdp_json_key(out, "datacontenttype");
		cdp_json_str(out, type, strlen(type));
	}
	if (n && (!type || is_json_type(type))) {
		if (cdp_keep_json(&json, body, n, "data", err) < 0)
			return -1;
		cdp_json_key(out, "data");
		cdp_buf_add(out, json.p, json.n);
	} else if (n) {
		cdp_json_key(out, "data_base64");
		cdp_buf_addc(out, '"');
		cdp_base64_encode(out, body, n);
		cdp_buf_addc(out, '"');
	}
	cdp_buf_addc(out, '}');
	return 0;
}
