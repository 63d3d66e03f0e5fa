/* Apache Unomi, as recorded from apache-unomi-tracker 1.5: events for /eventcollector, or
 * a question about a page's visitor for /context.json, which may hold events too.
 *
 * An event is named by its eventType; its own properties are properties, and so are
 * scope, target and source, unless it has such itself.  Ids are profileId, or
 * without one sessionId (anonymous, else session), and of a target of type user its
 * itemId (login).  timeStamp, or
 * without one, as the tracker sends it, the time of receipt. */
#include "format/keep.h"
#include "format/protocols.h"

#include "record/json.h"

enum { TYPE, PROPERTIES, TARGET, SOURCE, SCOPE, TIME, SESSION, PROFILE, ID, MEMBERS };
static const char *const members[] = { "eventType", "properties", "target",
				       "source",    "scope",      "timeStamp",
				       "sessionId", "profileId",  "itemId",
				       NULL };

/* What an envelope says of all its events. */
struct visitor {
	struct cdp_val session, profile;
};

static int read_ids(struct cdp_decoder *d, const struct cdp_val *v,
		    const struct visitor *who, struct cdp_err *err)
{
	static const char *const names[] = { "itemType", "itemId", NULL };
	struct cdp_draft *r = &d->draft;
	struct cdp_val target[2];

	cdp_pick(&v[TARGET], names, target);
	if (cdp_draft_id(r, "anonymous", NULL,
			 cdp_given(&v[PROFILE]) ? &v[PROFILE] : &who->profile,
			 "profileId", err) < 0 ||
	    cdp_draft_id(r, "anonymous", "session",
			 cdp_given(&v[SESSION]) ? &v[SESSION] : &who->session,
			 "sessionId", err) < 0)
		return -1;
	return cdp_val_is(&target[0], "user", 4)
		       ? cdp_draft_id(r, d->opts->login_kind, NULL, &target[1],
				      "target.itemId", err)
		       : 0;
}

static int read_message(struct cdp_decoder *d, const struct cdp_val *message,
			const struct visitor *who, const struct cdp_arrival *from,
			struct cdp_err *err)
{
	const struct cdp_clock clock = { CDP_UNIT_MS, d->opts->zone, CDP_NO_OFFSET };
	struct cdp_draft *r = &d->draft;
	struct cdp_val v[MEMBERS];

	if (message->type != CDP_OBJECT)
		return cdp_canon_bad(err, "events", "an event that is not an object");
	cdp_pick(message, members, v);
	if (v[PROPERTIES].type > CDP_NULL && v[PROPERTIES].type != CDP_OBJECT)
		return cdp_canon_bad(err, "properties", "not an object");
	cdp_draft_reset(r, CDP_DRAFT_EVENT);
	r->received = from->received;
	r->ms = from->received;
	if ((cdp_given(&v[TIME]) &&
	     cdp_when(&r->ms, &v[TIME], &clock, "timeStamp", err) < 0) ||
	    read_ids(d, v, who, err) < 0 ||
	    cdp_draft_text(r, &r->event, &v[TYPE], "eventType", err) < 0 ||
	    cdp_draft_text(r, &r->event_id, &v[ID], "itemId", err) < 0)
		return -1;
	cdp_draft_all(r, CDP_PART_PROPS, &v[PROPERTIES], NULL);
	for (int i = TARGET; i <= SCOPE; i++)
		if (!cdp_draft_has(r, CDP_PART_PROPS, members[i], strlen(members[i])))
			cdp_draft_named(r, CDP_PART_PROPS, members[i], &v[i]);
	cdp_buf_adds(&r->source, d->opts->source ? d->opts->source : "unomi");
	cdp_keep_rest(d, message, members, "unomi");
	return 0;
}

enum { EVENTS, E_SESSION, E_PROFILE, WANTED, WANTED_SEGMENTS, SESSION_PROPERTIES };
static const char *const envelope[] = { "events",
					"sessionId",
					"profileId",
					"requiredProfileProperties",
					"requireSegments",
					"requiredSessionProperties",
					NULL };

static bool is_question(const struct cdp_val *e)
{
	return e[WANTED].type != CDP_MISSING || e[WANTED_SEGMENTS].type != CDP_MISSING ||
	       e[SESSION_PROPERTIES].type != CDP_MISSING;
}

static bool knows(const struct cdp_val *payload)
{
	struct cdp_val e[6];

	cdp_pick(payload, envelope, e);
	return e[E_SESSION].type == CDP_STRING &&
	       (e[EVENTS].type == CDP_ARRAY || is_question(e));
}

static int read_payload(struct cdp_decoder *d, const struct cdp_val *payload,
			const struct cdp_arrival *from, struct cdp_sink *sink,
			struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val e[6], raw;
	struct visitor who;
	int rc = 0;

	cdp_pick(payload, envelope, e);
	if (e[EVENTS].type <= CDP_NULL && is_question(e))
		return 0;
	if (e[EVENTS].type != CDP_ARRAY)
		return cdp_canon_bad(err, "events", "not an array");
	if (e[E_SESSION].n > CDP_EVENT_MAX || e[E_PROFILE].n > CDP_EVENT_MAX)
		return cdp_canon_bad(err, "sessionId", "an id of more than %d bytes",
				     CDP_EVENT_MAX);
	who = (struct visitor){ e[E_SESSION], e[E_PROFILE] };
	cdp_decoder_envelope(d, payload, &e[EVENTS]);
	while (rc == 0 && cdp_val_item(&e[EVENTS], &it, &raw)) {
		if (read_message(d, &raw, &who, from, err) < 0)
			rc = cdp_decoder_reject(d, sink, &raw, err);
		else
			rc = cdp_decoder_put(d, sink, &raw, err);
	}
	return rc;
}

const struct cdp_protocol cdp_p_unomi = { "unomi", knows, read_payload };
