/* The dialect of Segment, RudderStack and Jitsu, as recorded from Segment node 3.1 and
 * browser 1.84, Rudder node 3.0 and browser 3.34, Jitsu 1.11: a message, or a batch.
 *
 *	track			event `event`
 *	page, screen		event page_view, screen_view; name and category are
 *				properties
 *	identify		profile update: `set` has the traits
 *	group			relation member_of to {"group": groupId}, and with traits
 *				an entity row of the table group
 *	alias			bind of previousId (anonymous) and userId
 *
 * A message without a type, as one may write oneself for /v1/track, is what its members
 * make it.  Ids are anonymousId, userId (login), context.device.id, and in an identify
 * the traits email and phone.  The time is `timestamp`, else `originalTimestamp`, else
 * that of receipt, as with Segment; sentAt of the message counts before that of the
 *batch, and so does writeKey, the project.  messageId is the event id.  The context stays
 * without the library, which becomes the source. */
#include "format/keep.h"
#include "format/protocols.h"

#include "record/json.h"

enum {
	TYPE,
	EVENT,
	USER,
	ANONYMOUS,
	MESSAGE,
	TIME,
	ORIGINAL,
	SENT,
	PROPERTIES,
	TRAITS,
	CONTEXT,
	GROUP,
	PREVIOUS,
	NAME,
	CATEGORY,
	KEY,
	MEMBERS
};
static const char *const members[] = { "type",
				       "event",
				       "userId",
				       "anonymousId",
				       "messageId",
				       "timestamp",
				       "originalTimestamp",
				       "sentAt",
				       "properties",
				       "traits",
				       "context",
				       "groupId",
				       "previousId",
				       "name",
				       "category",
				       "writeKey",
				       NULL };

enum { E_BATCH, E_SENT, E_KEY, E_API_KEY, ENVELOPE };
static const char *const envelope[] = { "batch", "sentAt", "writeKey", "api_key", NULL };

enum kind { TRACK, PAGE, SCREEN, IDENTIFY, GROUPING, ALIAS, KINDS };
static const struct {
	const char *name;
	enum cdp_draft_kind kind;
	const char *event;
} kinds[KINDS] = {
	[TRACK] = { "track", CDP_DRAFT_EVENT, NULL },
	[PAGE] = { "page", CDP_DRAFT_EVENT, "page_view" },
	[SCREEN] = { "screen", CDP_DRAFT_EVENT, "screen_view" },
	[IDENTIFY] = { "identify", CDP_DRAFT_PROFILE, NULL },
	[GROUPING] = { "group", CDP_DRAFT_RELATION, NULL },
	[ALIAS] = { "alias", CDP_DRAFT_BIND, NULL },
};

/* All groups are of one type. */
static const struct cdp_val group_type = { .p = "group", .n = 5, .type = CDP_STRING };

/* A message being read. */
struct message {
	struct cdp_val raw, v[MEMBERS];
	enum kind kind;
	struct cdp_val traits, library, project;
};

static int find_kind(const struct cdp_val *v)
{
	for (int i = 0; i < KINDS; i++)
		if (cdp_val_is(&v[TYPE], kinds[i].name, strlen(kinds[i].name)))
			return i;
	if (v[TYPE].type != CDP_MISSING)
		return -1;
	if (v[EVENT].type == CDP_STRING)
		return TRACK;
	if (v[PREVIOUS].type > CDP_NULL)
		return ALIAS;
	if (v[GROUP].type > CDP_NULL)
		return GROUPING;
	return v[TRAITS].type == CDP_OBJECT ? IDENTIFY : -1;
}

static int check_object(const struct cdp_val *v, const char *path, struct cdp_err *err)
{
	return v->type <= CDP_NULL || v->type == CDP_OBJECT
		       ? 0
		       : cdp_canon_bad(err, path, "not an object");
}

static int open_message(struct message *m, const struct cdp_val *raw, struct cdp_err *err)
{
	int kind;

	m->raw = *raw;
	if (raw->type != CDP_OBJECT)
		return cdp_canon_bad(err, "", "a message that is not an object");
	cdp_pick(raw, members, m->v);
	kind = find_kind(m->v);
	if (kind < 0 && m->v[TYPE].type == CDP_MISSING)
		return cdp_canon_bad(err, "type", "type is missing");
	if (kind < 0)
		return cdp_canon_bad(err, "type", "unknown type '%s'",
				     cdp_excerpt(m->v[TYPE].p, m->v[TYPE].n).s);
	m->kind = (enum kind)kind;
	if (check_object(&m->v[PROPERTIES], "properties", err) < 0 ||
	    check_object(&m->v[TRAITS], "traits", err) < 0 ||
	    check_object(&m->v[CONTEXT], "context", err) < 0)
		return -1;
	m->library = cdp_pick_one(&m->v[CONTEXT], "library");
	m->traits = m->v[TRAITS];
	if (m->traits.type != CDP_OBJECT && m->kind == IDENTIFY) {
		m->traits = cdp_pick_one(&m->v[CONTEXT], "traits");
		return check_object(&m->traits, "context.traits", err);
	}
	return 0;
}

/* --- who and when --- */

static int read_alias(struct cdp_decoder *d, const struct message *m, struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;

	if (cdp_draft_id(r, "anonymous", NULL, &m->v[PREVIOUS], "previousId", err) < 0)
		return -1;
	return cdp_draft_id(r, d->opts->login_kind, "userId", &m->v[USER], "userId", err);
}

static int read_traits(struct cdp_draft *r, const struct cdp_val *traits,
		       struct cdp_err *err)
{
	static const char *const names[] = { "email", "phone", NULL };
	struct cdp_val v[2];

	cdp_pick(traits, names, v);
	if (v[0].type == CDP_STRING &&
	    cdp_draft_id(r, "email", "email", &v[0], "traits.email", err) < 0)
		return -1;
	return v[1].type == CDP_STRING || v[1].type == CDP_NUMBER
		       ? cdp_draft_id(r, "phone", "phone", &v[1], "traits.phone", err)
		       : 0;
}

static int read_ids(struct cdp_decoder *d, const struct message *m, struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;
	struct cdp_val device = cdp_pick_one(&m->v[CONTEXT], "device"),
		       id = cdp_pick_one(&device, "id");

	if (m->kind == ALIAS)
		return read_alias(d, m, err);
	if (cdp_draft_id(r, "anonymous", NULL, &m->v[ANONYMOUS], "anonymousId", err) <
		    0 ||
	    cdp_draft_id(r, d->opts->login_kind, "userId", &m->v[USER], "userId", err) <
		    0 ||
	    cdp_draft_id(r, "device", NULL, &id, "context.device.id", err) < 0)
		return -1;
	return m->kind == IDENTIFY ? read_traits(r, &m->traits, err) : 0;
}

static int read_times(struct cdp_decoder *d, const struct message *m,
		      const struct cdp_val *e, const struct cdp_arrival *from,
		      struct cdp_err *err)
{
	const struct cdp_clock clock = { CDP_UNIT_MS, d->opts->zone, CDP_NO_OFFSET };
	struct cdp_draft *r = &d->draft;
	const struct cdp_val *sent = cdp_given(&m->v[SENT]) ? &m->v[SENT] : &e[E_SENT];
	const struct cdp_val *when = &m->v[cdp_given(&m->v[TIME]) ? TIME : ORIGINAL];

	r->received = from->received;
	r->ms = from->received;
	if (cdp_given(when) && cdp_when(&r->ms, when, &clock, "timestamp", err) < 0)
		return -1;
	return cdp_given(sent) ? cdp_when(&r->sent, sent, &clock, "sentAt", err) : 0;
}

/* --- what --- */

static int read_event(struct cdp_decoder *d, const struct message *m, struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;
	const char *event = kinds[m->kind].event;

	cdp_draft_all(r, CDP_PART_PROPS, &m->v[PROPERTIES], NULL);
	if (!event) {
		if (m->v[EVENT].type > CDP_NULL && m->v[EVENT].type != CDP_STRING)
			return cdp_canon_bad(err, "event", "not a string");
		if (!cdp_canon_is_text(&m->v[EVENT]))
			return cdp_canon_bad(err, "event",
					     "event has half a surrogate pair");
		return cdp_draft_text(r, &r->event, &m->v[EVENT], "event", err);
	}
	cdp_draft_event(r, event, strlen(event));
	if (!cdp_draft_has(r, CDP_PART_PROPS, "name", 4))
		cdp_draft_named(r, CDP_PART_PROPS, "name", &m->v[NAME]);
	if (!cdp_draft_has(r, CDP_PART_PROPS, "category", 8))
		cdp_draft_named(r, CDP_PART_PROPS, "category", &m->v[CATEGORY]);
	return 0;
}

/* Names of members that were taken by a message of this kind. */
static void put_rest(struct cdp_decoder *d, const struct message *m)
{
	static const char *const library[] = { "library", NULL };
	const char *done[MEMBERS + 1];
	size_t n = 0;

	for (int i = 0; i < MEMBERS; i++) {
		bool taken = true;

		if (i == PROPERTIES || i == NAME || i == CATEGORY)
			taken = kinds[m->kind].kind == CDP_DRAFT_EVENT &&
				(i == PROPERTIES || m->kind != TRACK);
		else if (i == EVENT)
			taken = m->kind == TRACK;
		else if (i == TRAITS)
			taken = m->kind == IDENTIFY || m->kind == GROUPING;
		else if (i == GROUP)
			taken = m->kind == GROUPING;
		else if (i == PREVIOUS)
			taken = m->kind == ALIAS;
		else if (i == ANONYMOUS)
			taken = m->kind != ALIAS;
		else if (i == ORIGINAL)
			taken = !cdp_given(&m->v[TIME]);
		if (taken)
			done[n++] = members[i];
	}
	done[n] = NULL;
	cdp_keep_object(&d->draft.more, "context", &m->v[CONTEXT], library);
	cdp_keep_rest(d, &m->raw, done, "segment");
}

/* Jitsu writes its key as "k:***" where all can see it. */
static struct cdp_val project_of(struct cdp_val key)
{
	if (key.type == CDP_STRING && key.n > 4 &&
	    memcmp(key.p + key.n - 4, ":***", 4) == 0)
		key.n -= 4;
	return key;
}

static int read_message(struct cdp_decoder *d, struct message *m, const struct cdp_val *e,
			const struct cdp_arrival *from, struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;
	struct cdp_val name, version;

	if (open_message(m, &m->raw, err) < 0)
		return -1;
	cdp_draft_reset(r, kinds[m->kind].kind);
	if (read_times(d, m, e, from, err) < 0 || read_ids(d, m, err) < 0 ||
	    cdp_draft_text(r, &r->event_id, &m->v[MESSAGE], "messageId", err) < 0)
		return -1;
	if (m->kind == IDENTIFY)
		cdp_draft_all(r, CDP_PART_SET, &m->traits, NULL);
	else if (m->kind == GROUPING &&
		 cdp_keep_group(d, &group_type, &m->v[GROUP], err) < 0)
		return -1;
	else if (kinds[m->kind].kind == CDP_DRAFT_EVENT && read_event(d, m, err) < 0)
		return -1;
	name = cdp_pick_one(&m->library, "name");
	version = cdp_pick_one(&m->library, "version");
	cdp_draft_lib(r, d->opts, "segment", &name, &version);
	m->project = project_of(cdp_given(&m->v[KEY]) ? m->v[KEY] : e[E_KEY]);
	cdp_keep_project(r, &m->project);
	put_rest(d, m);
	return 0;
}

static int read_one(struct cdp_decoder *d, const struct cdp_val *raw,
		    const struct cdp_val *e, const struct cdp_arrival *from,
		    struct cdp_sink *sink, struct cdp_err *err)
{
	struct message m = { .raw = *raw };
	uint64_t before = d->rejected;

	if (read_message(d, &m, e, from, err) < 0)
		return cdp_decoder_reject(d, sink, raw, err);
	if (cdp_decoder_put(d, sink, raw, err) < 0)
		return -1;
	if (m.kind != GROUPING || d->rejected > before || !cdp_has_members(&m.traits))
		return 0;
	if (cdp_keep_entity(d, "entity", &m.project, &group_type, &m.v[GROUP], &m.traits,
			    err) < 0)
		return cdp_decoder_reject(d, sink, raw, err);
	return cdp_decoder_put(d, sink, raw, err);
}

static bool knows(const struct cdp_val *payload)
{
	struct cdp_val e[ENVELOPE], v[MEMBERS];

	cdp_pick(payload, envelope, e);
	if (e[E_BATCH].type == CDP_ARRAY)
		return e[E_API_KEY].type == CDP_MISSING;
	cdp_pick(payload, members, v);
	return find_kind(v) >= 0 &&
	       (v[MESSAGE].type == CDP_STRING || v[ANONYMOUS].type == CDP_STRING ||
		v[USER].type == CDP_STRING);
}

static int read_payload(struct cdp_decoder *d, const struct cdp_val *payload,
			const struct cdp_arrival *from, struct cdp_sink *sink,
			struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val e[ENVELOPE], raw;

	if (payload->type != CDP_OBJECT)
		return cdp_canon_bad(err, "", "neither a message nor a batch");
	cdp_pick(payload, envelope, e);
	if (e[E_BATCH].type == CDP_MISSING)
		return read_one(d, payload, e, from, sink, err);
	if (e[E_BATCH].type != CDP_ARRAY)
		return cdp_canon_bad(err, "batch", "not an array");
	cdp_decoder_envelope(d, payload, &e[E_BATCH]);
	while (cdp_val_item(&e[E_BATCH], &it, &raw))
		if (read_one(d, &raw, e, from, sink, err) < 0)
			return -1;
	return 0;
}

const struct cdp_protocol cdp_p_segment = { "segment", knows, read_payload };
