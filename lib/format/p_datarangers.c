/* DataRangers (火山引擎), as recorded from the web library 0.1.6: an array of envelopes,
 *or one alone,
 *
 *	[{"events":[{"event":name,"params":"<JSON>","local_time_ms":ms,"session_id":..}],
 *	  "user":{"user_unique_id":..,"web_id":..},
 *	  "header":{"app_id":..,"sdk_lib":..,"custom":"<JSON>"},"local_time":s}]
 *
 * An event `__profile_<operation>` is a profile update.  `user_unique_id` is a login id
 * once it differs from the ids of the device.  Before the properties of an event come its
 * parameters, then the caller's common ones (`custom`), then the rest of the header. */
#include "format/keep.h"
#include "format/protocols.h"

#include "record/json.h"

enum { EVENTS, USER, HEADER, SENT, ENVELOPE };
static const char *const members[] = { "events", "user", "header", "local_time", NULL };
enum { NAME, PARAMS, TIME, SESSION, EVENT };
static const char *const event_members[] = { "event", "params", "local_time_ms",
					     "session_id", NULL };

/* What is the same for the events of an envelope. */
struct common {
	struct cdp_val v[ENVELOPE];
	struct cdp_val login, web, device, app, lib, version, custom;
	int64_t sent;
};

static const struct {
	const char *name;
	enum cdp_part part;
} profiles[] = {
	{ "__profile_set", CDP_PART_SET },
	{ "__profile_set_once", CDP_PART_SET_ONCE },
	{ "__profile_increment", CDP_PART_INCREMENT },
	{ "__profile_append", CDP_PART_APPEND },
	{ "__profile_unset", CDP_PART_UNSET },
};

static int read_common(struct cdp_decoder *d, const struct cdp_val *envelope,
		       struct common *c, struct cdp_err *err)
{
	static const char *const user[] = { "user_unique_id", "web_id", "device_id",
					    NULL };
	static const char *const header[] = { "app_id",    "sdk_lib", "sdk_version",
					      "device_id", "custom",  "user_unique_id",
					      NULL };
	struct cdp_clock clock = { CDP_UNIT_S, d->opts->zone, CDP_NO_OFFSET };
	struct cdp_val u[3], h[6];

	cdp_pick(envelope, members, c->v);
	if (c->v[EVENTS].type != CDP_ARRAY)
		return cdp_canon_bad(err, "events", "events is no array");
	cdp_pick(&c->v[USER], user, u);
	cdp_pick(&c->v[HEADER], header, h);
	c->login = u[0].type > CDP_NULL ? u[0] : h[5];
	c->web = u[1];
	c->device = u[2].type > CDP_NULL ? u[2] : h[3];
	c->app = h[0];
	c->lib = h[1];
	c->version = h[2];
	c->custom = (struct cdp_val){ 0 };
	if (h[4].type == CDP_OBJECT)
		c->custom = h[4];
	else if (h[4].type == CDP_STRING && h[4].n &&
		 cdp_inner_json(&c->custom, &h[4], &d->b, "header.custom", err) < 0)
		return -1;
	c->sent = CDP_NO_TIME;
	return cdp_when_any(&c->sent, &c->v[SENT], &clock, "local_time", err);
}

/* --- one event --- */

static bool same(const struct cdp_val *a, const struct cdp_val *b)
{
	return a->n == b->n && a->n && memcmp(a->p, b->p, a->n) == 0;
}

static int put_ids(struct cdp_decoder *d, const struct common *c, struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;

	if (!same(&c->login, &c->web) && !same(&c->login, &c->device) &&
	    cdp_draft_id(r, d->opts->login_kind, NULL, &c->login, "user.user_unique_id",
			 err) < 0)
		return -1;
	if (cdp_draft_id(r, "device", NULL, &c->device, "user.device_id", err) < 0)
		return -1;
	return cdp_draft_id(r, "anonymous", NULL, &c->web, "user.web_id", err);
}

/* Items to append; the library gives one alone for an array of it. */
static void put_appends(struct cdp_draft *r, const struct cdp_val *params)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, v, list;
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	while (params->type == CDP_OBJECT && cdp_val_member(params, &it, &key, &v)) {
		cdp_buf_reset(&b);
		if (v.type != CDP_ARRAY)
			cdp_buf_addc(&b, '[');
		cdp_json_val(&b, &v);
		if (v.type != CDP_ARRAY)
			cdp_buf_addc(&b, ']');
		cdp_val_at(&list, b.p, b.n);
		cdp_draft_val(r, CDP_PART_APPEND, &key, &list);
	}
	cdp_buf_release(&b);
}

static void put_properties(struct cdp_draft *r, const struct cdp_val *event,
			   const struct cdp_val *params, const struct common *c)
{
	static const char *const lifted[] = { "event", "params", "local_time_ms", NULL };
	static const char *const header[] = { "app_id", "sdk_lib",   "sdk_version",
					      "custom", "device_id", "user_unique_id",
					      NULL };
	static const char *const user[] = { "user_unique_id", "web_id", "device_id",
					    NULL };

	cdp_draft_all(r, CDP_PART_PROPS, params, NULL);
	cdp_draft_beside(r, CDP_PART_PROPS, &c->custom, NULL);
	cdp_draft_beside(r, CDP_PART_PROPS, event, lifted);
	cdp_draft_beside(r, CDP_PART_PROPS, &c->v[HEADER], header);
	cdp_draft_beside(r, CDP_PART_PROPS, &c->v[USER], user);
}

static void put_tuple(struct cdp_decoder *d, const struct cdp_val *v,
		      const struct cdp_val *params, const struct common *c)
{
	struct cdp_val parts[] = { c->web, c->device, v[SESSION],
				   cdp_pick_one(params, "event_index") };

	if (parts[2].type <= CDP_NULL || parts[3].type <= CDP_NULL)
		return;
	cdp_buf_reset(&d->c);
	for (int i = 0; i < 4; i++) {
		cdp_buf_add(&d->c, parts[i].n ? parts[i].p : "", parts[i].n);
		cdp_buf_addc(&d->c, '\0');
	}
	cdp_draft_tuple(&d->draft, d->c.p, d->c.n);
}

/* The part of a profile that an event is an operation on, CDP_PARTS for a plain event. */
static enum cdp_part profile_part(const struct cdp_val *name)
{
	for (size_t i = 0; i < sizeof(profiles) / sizeof(*profiles); i++)
		if (cdp_val_is(name, profiles[i].name, strlen(profiles[i].name)))
			return profiles[i].part;
	return CDP_PARTS;
}

static int read_params(struct cdp_decoder *d, const struct cdp_val *v,
		       struct cdp_val *params, struct cdp_err *err)
{
	*params = v[PARAMS];
	if (params->type == CDP_STRING && params->n &&
	    cdp_inner_json(params, &v[PARAMS], &d->a, "events.params", err) < 0)
		return -1;
	if (params->type > CDP_NULL && params->type != CDP_OBJECT && params->n)
		return cdp_canon_bad(err, "events.params", "not an object");
	return 0;
}

static int read_event(struct cdp_decoder *d, const struct cdp_val *event,
		      const struct common *c, struct cdp_err *err)
{
	struct cdp_clock clock = { CDP_UNIT_MS, d->opts->zone, CDP_NO_OFFSET };
	struct cdp_draft *r = &d->draft;
	struct cdp_val v[EVENT], params;
	enum cdp_part part;

	cdp_pick(event, event_members, v);
	part = profile_part(&v[NAME]);
	cdp_draft_reset(r, part < CDP_PARTS ? CDP_DRAFT_PROFILE : CDP_DRAFT_EVENT);
	r->sent = c->sent;
	if (cdp_when(&r->ms, &v[TIME], &clock, "events.local_time_ms", err) < 0 ||
	    put_ids(d, c, err) < 0 ||
	    cdp_draft_text(r, &r->event, &v[NAME], "events.event", err) < 0 ||
	    read_params(d, v, &params, err) < 0)
		return -1;
	if (part == CDP_PART_APPEND)
		put_appends(r, &params);
	else if (part < CDP_PARTS)
		cdp_draft_all(r, part, &params, NULL);
	else
		put_properties(r, event, &params, c);
	put_tuple(d, v, &params, c);
	cdp_draft_lib(r, d->opts, "datarangers", &c->lib, &c->version);
	cdp_keep_project(r, &c->app);
	cdp_keep_again(d);
	return 0;
}

/* --- envelopes --- */

static int read_envelope(struct cdp_decoder *d, const struct cdp_val *envelope,
			 struct cdp_sink *sink, struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val event;
	struct common c;
	int rc = 0;

	if (read_common(d, envelope, &c, err) < 0)
		return -1;
	cdp_keep_envelope(d, envelope, members, "datarangers");
	cdp_decoder_envelope(d, envelope, &c.v[EVENTS]);
	while (rc == 0 && cdp_val_item(&c.v[EVENTS], &it, &event))
		rc = read_event(d, &event, &c, err) < 0
			     ? cdp_decoder_reject(d, sink, &event, err)
			     : cdp_decoder_put(d, sink, &event, err);
	cdp_decoder_envelope(d, NULL, NULL);
	return rc;
}

static bool knows(const struct cdp_val *payload)
{
	struct cdp_val first = *payload, v[ENVELOPE];
	struct cdp_iter it = { 0 };

	if (payload->type == CDP_ARRAY && !cdp_val_item(payload, &it, &first))
		return false;
	cdp_pick(&first, members, v);
	return v[EVENTS].type == CDP_ARRAY && v[HEADER].type == CDP_OBJECT &&
	       v[USER].type == CDP_OBJECT;
}

static int read_payload(struct cdp_decoder *d, const struct cdp_val *payload,
			const struct cdp_arrival *from, struct cdp_sink *sink,
			struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val envelope;

	(void)from;
	if (payload->type == CDP_OBJECT)
		return read_envelope(d, payload, sink, err);
	if (payload->type != CDP_ARRAY)
		return cdp_canon_bad(err, "", "neither an envelope nor an array of them");
	while (cdp_val_item(payload, &it, &envelope))
		if (read_envelope(d, &envelope, sink, err) < 0 &&
		    cdp_decoder_reject(d, sink, &envelope, err) < 0)
			return -1;
	return 0;
}

const struct cdp_protocol cdp_p_datarangers = { "datarangers", knows, read_payload };
