/* GrowingIO, as recorded from the web library 4.3.1: an array of messages, or one alone.
 *
 * CUSTOM is an event of its own name, the _ATTRIBUTES of a user or visitor are profile
 * updates; VISIT and PAGE are session_start and page_view, and all other types
 * (VIEW_CLICK
 * ...) events of that name in lower case.  The
 * attributes are the caller's, so their names come first; the other members stand beside
 * them.  `userKey` says what kind of id `userId` is. */
#include "format/keep.h"
#include "format/protocols.h"

#include "record/json.h"

enum { TYPE, NAME, TIME, DEVICE, USER, KEY, ATTRIBUTES, PLATFORM, VERSION, SESSION, SEQ };
static const char *const members[] = { "eventType",  "eventName",       "timestamp",
				       "deviceId",   "userId",          "userKey",
				       "attributes", "platform",        "sdkVersion",
				       "sessionId",  "eventSequenceId", NULL };
enum { MEMBERS = sizeof(members) / sizeof(*members) - 1 };

/* Words of `userKey` for kinds that all sources share; others are kinds themselves. */
static const struct {
	const char *key, *kind; /* NULL: that of login ids */
} keys[] = {
	{ "custno", NULL },      { "cust_no", NULL },      { "customer", NULL },
	{ "customer_id", NULL }, { "customerId", NULL },   { "userId", NULL },
	{ "user_id", NULL },     { "loginUserId", NULL },  { "phone", "phone" },
	{ "mobile", "phone" },   { "email", "email" },     { "openid", "openid" },
	{ "openId", "openid" },  { "unionid", "unionid" }, { "unionId", "unionid" },
};

static int put_user(struct cdp_decoder *d, const struct cdp_val *v, struct cdp_err *err)
{
	const char *kind = NULL;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (cdp_val_is(&v[KEY], keys[i].key, strlen(keys[i].key))) {
			kind = keys[i].kind ? keys[i].kind : d->opts->login_kind;
			break;
		}
	if (!kind) {
		if (cdp_draft_text(&d->draft, &d->a, &v[KEY], "userKey", err) < 0)
			return -1;
		kind = d->a.n && !memchr(d->a.p, '\0', d->a.n) ? cdp_buf_str(&d->a)
							       : d->opts->login_kind;
	}
	return cdp_draft_id(&d->draft, kind, NULL, &v[USER], "userId", err);
}

static void put_tuple(struct cdp_decoder *d, const struct cdp_val *v)
{
	static const int parts[] = { DEVICE, SESSION, SEQ };

	if (v[SEQ].type <= CDP_NULL || v[SESSION].type <= CDP_NULL)
		return;
	cdp_buf_reset(&d->a);
	for (int i = 0; i < 3; i++) {
		cdp_buf_add(&d->a, v[parts[i]].p, v[parts[i]].n);
		cdp_buf_addc(&d->a, '\0');
	}
	cdp_draft_tuple(&d->draft, d->a.p, d->a.n);
}

/* The name of an event that has none of its own. */
static int put_name(struct cdp_decoder *d, const struct cdp_val *type,
		    struct cdp_err *err)
{
	static const char *const names[][2] = { { "VISIT", "session_start" },
						{ "PAGE", "page_view" } };
	struct cdp_buf *b = &d->draft.event;

	if (cdp_draft_text(&d->draft, b, type, "eventType", err) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if (cdp_val_is(type, names[i][0], strlen(names[i][0]))) {
			cdp_draft_event(&d->draft, names[i][1], strlen(names[i][1]));
			return 0;
		}
	for (size_t i = 0; i < b->n; i++)
		if (b->p[i] >= 'A' && b->p[i] <= 'Z')
			b->p[i] |= 0x20;
	return 0;
}

static bool is_attributes(const struct cdp_val *type)
{
	return cdp_val_is(type, "LOGIN_USER_ATTRIBUTES", 21) ||
	       cdp_val_is(type, "VISITOR_ATTRIBUTES", 18);
}

static int read_message(struct cdp_decoder *d, const struct cdp_val *message,
			const struct cdp_arrival *from, struct cdp_err *err)
{
	static const char *const lifted[] = { "eventType",  "eventName",  "timestamp",
					      "deviceId",   "userId",     "userKey",
					      "attributes", "sdkVersion", NULL };
	struct cdp_clock c = { CDP_UNIT_MS, d->opts->zone, CDP_NO_OFFSET };
	struct cdp_draft *r = &d->draft;
	struct cdp_val v[MEMBERS];
	bool custom;

	cdp_pick(message, members, v);
	if (v[TYPE].type != CDP_STRING)
		return cdp_canon_bad(err, "eventType", "eventType is missing");
	custom = cdp_val_is(&v[TYPE], "CUSTOM", 6);
	cdp_draft_reset(r, is_attributes(&v[TYPE]) ? CDP_DRAFT_PROFILE : CDP_DRAFT_EVENT);
	r->sent = from->sent;
	if (cdp_when(&r->ms, &v[TIME], &c, "timestamp", err) < 0 ||
	    put_user(d, v, err) < 0 ||
	    cdp_draft_id(r, cdp_val_is(&v[PLATFORM], "web", 3) ? "anonymous" : "device",
			 "deviceId", &v[DEVICE], "deviceId", err) < 0 ||
	    (custom ? cdp_draft_text(r, &r->event, &v[NAME], "eventName", err)
		    : put_name(d, &v[TYPE], err)) < 0)
		return -1;
	if (r->kind == CDP_DRAFT_PROFILE) {
		cdp_draft_all(r, CDP_PART_SET, &v[ATTRIBUTES], NULL);
	} else {
		cdp_draft_all(r, CDP_PART_PROPS, &v[ATTRIBUTES], NULL);
		/* The type of a custom event says nothing more. */
		cdp_draft_beside(r, CDP_PART_PROPS, message, lifted + !custom);
		put_tuple(d, v);
	}
	cdp_draft_lib(r, d->opts, "growingio", &v[PLATFORM], &v[VERSION]);
	if (r->kind == CDP_DRAFT_PROFILE)
		cdp_keep_rest(d, message, lifted, "growingio");
	return 0;
}

static int read_one(struct cdp_decoder *d, const struct cdp_val *message,
		    const struct cdp_arrival *from, struct cdp_sink *sink,
		    struct cdp_err *err)
{
	if (read_message(d, message, from, err) < 0)
		return cdp_decoder_reject(d, sink, message, err);
	return cdp_decoder_put(d, sink, message, err);
}

static bool knows(const struct cdp_val *payload)
{
	struct cdp_val first = *payload;
	struct cdp_iter it = { 0 };

	if (payload->type == CDP_ARRAY && !cdp_val_item(payload, &it, &first))
		return false;
	return cdp_pick_one(&first, "eventType").type == CDP_STRING &&
	       cdp_pick_one(&first, "deviceId").type == CDP_STRING;
}

static int read_payload(struct cdp_decoder *d, const struct cdp_val *payload,
			const struct cdp_arrival *from, struct cdp_sink *sink,
			struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val message;

	if (payload->type == CDP_OBJECT)
		return read_one(d, payload, from, sink, err);
	if (payload->type != CDP_ARRAY)
		return cdp_canon_bad(err, "", "neither a message nor an array of them");
	while (cdp_val_item(payload, &it, &message))
		if (read_one(d, &message, from, sink, err) < 0)
			return -1;
	return 0;
}

const struct cdp_protocol cdp_p_growingio = { "growingio", knows, read_payload };
