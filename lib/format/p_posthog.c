/* PostHog, as recorded from the node library 5.70 and the browser library 1.449: a batch,
 * an array of events, or one.
 *
 *	$set			profile update
 *	$create_alias		bind of distinct_id (login) and alias (anonymous)
 *	$groupidentify		relation member_of to {<$group_type>: $group_key} if it
 *				names a person, and an entity row with $group_set
 *	others			event; with $set, $set_once or $unset also a profile
 *				update
 *
 * distinct_id is a login id if $user_id, $is_identified, $is_server or an $identify says
 * so, the anonymous id if it equals $device_id, else of the kind of unmarked ids.
 * $device_id and $anon_distinct_id are anonymous ids.  uuid is the event id, api_key the
 * project.  An event without a time has that of receipt.  What other properties an
 * update, an entity or a relation came with is its member `context`. */
#include "format/keep.h"
#include "format/protocols.h"

#include "record/json.h"

enum { EVENT, DISTINCT, UUID, TIME, PROPERTIES, SET, ONCE, UNSET, SENT, KEY, MEMBERS };
static const char *const members[] = { "event",     "distinct_id", "uuid",
				       "timestamp", "properties",  "$set",
				       "$set_once", "$unset",      "sent_at",
				       "api_key",   NULL };
enum {
	P_DISTINCT,
	P_DEVICE,
	P_USER,
	P_ANONYMOUS,
	P_IDENTIFIED,
	P_SERVER,
	P_LIB,
	P_VERSION,
	P_SET,
	P_ONCE,
	P_UNSET,
	P_ALIAS,
	P_GROUP_TYPE,
	P_GROUP_KEY,
	P_GROUP_SET,
	P_TIME,
	P_TOKEN,
	PROPERTY_COUNT
};
static const char *const properties[] = {
	"distinct_id",    "$device_id", "$user_id",   "$anon_distinct_id",
	"$is_identified", "$is_server", "$lib",       "$lib_version",
	"$set",           "$set_once",  "$unset",     "alias",
	"$group_type",    "$group_key", "$group_set", "$time",
	"token",          NULL
};
/* Properties that became something else. */
static const char *const taken[] = {
	"distinct_id", "$device_id", "$user_id", "$anon_distinct_id", "$set", "$set_once",
	"$unset",      "token",      NULL
};

enum { BATCH, BATCH_SENT, BATCH_KEY, ONE, ONE_PROPERTIES };
static const char *const envelope[] = { "batch", "sent_at",    "api_key",
					"event", "properties", NULL };

enum kind { PLAIN, IDENTIFY, UPDATE, ALIAS, GROUPING };

struct message {
	struct cdp_val raw, v[MEMBERS], p[PROPERTY_COUNT];
	enum kind kind;
	struct cdp_val distinct;
	struct cdp_val set, once, unset; /* wherever they stand */
	struct cdp_val project;
};

static struct cdp_val either(struct cdp_val a, struct cdp_val b)
{
	return a.type > CDP_NULL ? a : b;
}

static int open_message(struct message *m, struct cdp_err *err)
{
	static const struct {
		const char *name;
		enum kind kind;
	} kinds[] = { { "$identify", IDENTIFY },
		      { "$set", UPDATE },
		      { "$create_alias", ALIAS },
		      { "$groupidentify", GROUPING } };

	if (m->raw.type != CDP_OBJECT)
		return cdp_canon_bad(err, "", "an event that is not an object");
	cdp_pick(&m->raw, members, m->v);
	if (m->v[EVENT].type != CDP_STRING)
		return cdp_canon_bad(err, "event", "event is missing or no string");
	if (m->v[PROPERTIES].type > CDP_NULL && m->v[PROPERTIES].type != CDP_OBJECT)
		return cdp_canon_bad(err, "properties", "not an object");
	cdp_pick(&m->v[PROPERTIES], properties, m->p);
	m->kind = PLAIN;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (cdp_val_is(&m->v[EVENT], kinds[i].name, strlen(kinds[i].name)))
			m->kind = kinds[i].kind;
	m->distinct = either(m->v[DISTINCT], m->p[P_DISTINCT]);
	m->set = either(m->v[SET], m->p[P_SET]);
	m->once = either(m->v[ONCE], m->p[P_ONCE]);
	m->unset = either(m->v[UNSET], m->p[P_UNSET]);
	return 0;
}

/* --- who and when --- */

static bool same(const struct cdp_val *a, const struct cdp_val *b)
{
	return a->type == CDP_STRING && b->type == CDP_STRING && a->n == b->n &&
	       memcmp(a->p, b->p, a->n) == 0;
}

static const char *distinct_kind(const struct cdp_decoder *d, const struct message *m)
{
	if (same(&m->distinct, &m->p[P_DEVICE]))
		return "anonymous";
	if (m->kind == IDENTIFY || m->kind == ALIAS ||
	    same(&m->distinct, &m->p[P_USER]) || m->p[P_IDENTIFIED].type == CDP_TRUE ||
	    m->p[P_SERVER].type == CDP_TRUE)
		return d->opts->login_kind;
	return d->opts->distinct_kind;
}

/* What stands for the person of a group's own event: "$company_corp-9". */
static bool is_group_itself(const struct message *m)
{
	return m->kind == GROUPING && m->distinct.type == CDP_STRING && m->distinct.n &&
	       *m->distinct.p == '$';
}

static int read_ids(struct cdp_decoder *d, const struct message *m, struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;

	if (is_group_itself(m))
		return 0;
	if (cdp_draft_id(r, distinct_kind(d, m), NULL, &m->distinct, "distinct_id", err) <
	    0)
		return -1;
	if (m->kind == ALIAS)
		return cdp_draft_id(r, "anonymous", "alias", &m->p[P_ALIAS],
				    "properties.alias", err);
	if (cdp_draft_id(r, d->opts->login_kind, "user_id", &m->p[P_USER],
			 "properties.$user_id", err) < 0 ||
	    cdp_draft_id(r, "anonymous", "anon_distinct_id", &m->p[P_ANONYMOUS],
			 "properties.$anon_distinct_id", err) < 0)
		return -1;
	return cdp_draft_id(r, "anonymous", "device", &m->p[P_DEVICE],
			    "properties.$device_id", err);
}

static int read_times(struct cdp_decoder *d, const struct message *m,
		      const struct cdp_val *e, const struct cdp_arrival *from,
		      struct cdp_err *err)
{
	struct cdp_clock clock = { CDP_UNIT_MS, d->opts->zone, CDP_NO_OFFSET };
	const struct cdp_val *sent =
		cdp_given(&m->v[SENT]) ? &m->v[SENT] : &e[BATCH_SENT];
	struct cdp_draft *r = &d->draft;

	r->received = from->received;
	if (cdp_given(sent) && cdp_when(&r->sent, sent, &clock, "sent_at", err) < 0)
		return -1;
	r->ms = from->received;
	if (cdp_given(&m->v[TIME]))
		return cdp_when(&r->ms, &m->v[TIME], &clock, "timestamp", err);
	if (!cdp_given(&m->p[P_TIME]))
		return 0;
	clock.unit = CDP_UNIT_S;
	return cdp_when(&r->ms, &m->p[P_TIME], &clock, "properties.$time", err);
}

/* --- what --- */

static void put_context(struct cdp_decoder *d, const struct message *m)
{
	cdp_keep_project(&d->draft, &m->project);
	cdp_keep_object(&d->draft.more, "context", &m->v[PROPERTIES], taken);
	cdp_keep_rest(d, &m->raw, members, "posthog");
}

static int start(struct cdp_decoder *d, const struct message *m, enum cdp_draft_kind kind,
		 const struct cdp_val *e, const struct cdp_arrival *from,
		 struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;

	cdp_draft_reset(r, kind);
	if (read_times(d, m, e, from, err) < 0 || read_ids(d, m, err) < 0)
		return -1;
	return cdp_draft_text(r, &r->event_id, &m->v[UUID], "uuid", err);
}

static int check_update(const struct message *m, struct cdp_err *err)
{
	if (m->set.type > CDP_NULL && m->set.type != CDP_OBJECT)
		return cdp_canon_bad(err, "$set", "not an object");
	if (m->once.type > CDP_NULL && m->once.type != CDP_OBJECT)
		return cdp_canon_bad(err, "$set_once", "not an object");
	return m->unset.type <= CDP_NULL || m->unset.type == CDP_ARRAY
		       ? 0
		       : cdp_canon_bad(err, "$unset", "not an array of names");
}

static bool is_update(const struct message *m)
{
	return cdp_has_members(&m->set) || cdp_has_members(&m->once) ||
	       cdp_has_members(&m->unset);
}

static void put_update(struct cdp_draft *r, const struct message *m)
{
	cdp_draft_all(r, CDP_PART_SET, &m->set, NULL);
	cdp_draft_all(r, CDP_PART_SET_ONCE, &m->once, NULL);
	cdp_keep_names(r, CDP_PART_UNSET, &m->unset);
}

/* The event itself, then the update that came with it. */
static int put_event(struct cdp_decoder *d, const struct message *m,
		     struct cdp_sink *sink, struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;
	uint64_t before = d->rejected;

	if (cdp_draft_text(r, &r->event, &m->v[EVENT], "event", err) < 0 ||
	    check_update(m, err) < 0)
		return cdp_decoder_reject(d, sink, &m->raw, err);
	cdp_draft_all(r, CDP_PART_PROPS, &m->v[PROPERTIES], taken);
	cdp_draft_lib(r, d->opts, "posthog", &m->p[P_LIB], &m->p[P_VERSION]);
	cdp_keep_project(r, &m->project);
	cdp_keep_rest(d, &m->raw, members, "posthog");
	if (cdp_decoder_put(d, sink, &m->raw, err) < 0)
		return -1;
	if (d->rejected > before || !is_update(m))
		return 0;
	cdp_keep_next(r, CDP_DRAFT_PROFILE, "profile", &m->project);
	put_update(r, m);
	return cdp_decoder_put(d, sink, &m->raw, err);
}

static int put_profile(struct cdp_decoder *d, const struct message *m,
		       struct cdp_sink *sink, struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;

	if (check_update(m, err) < 0)
		return cdp_decoder_reject(d, sink, &m->raw, err);
	put_update(r, m);
	cdp_draft_lib(r, d->opts, "posthog", &m->p[P_LIB], &m->p[P_VERSION]);
	put_context(d, m);
	return cdp_decoder_put(d, sink, &m->raw, err);
}

static int put_alias(struct cdp_decoder *d, const struct message *m,
		     struct cdp_sink *sink, struct cdp_err *err)
{
	cdp_draft_lib(&d->draft, d->opts, "posthog", &m->p[P_LIB], &m->p[P_VERSION]);
	put_context(d, m);
	return cdp_decoder_put(d, sink, &m->raw, err);
}

static int put_group(struct cdp_decoder *d, const struct message *m,
		     struct cdp_sink *sink, struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;
	uint64_t before = d->rejected;
	bool person = r->ids.n > 0;

	if (cdp_keep_group(d, &m->p[P_GROUP_TYPE], &m->p[P_GROUP_KEY], err) < 0)
		return cdp_decoder_reject(d, sink, &m->raw, err);
	cdp_draft_lib(r, d->opts, "posthog", &m->p[P_LIB], &m->p[P_VERSION]);
	put_context(d, m);
	if (person) {
		if (cdp_decoder_put(d, sink, &m->raw, err) < 0)
			return -1;
		if (d->rejected > before || !cdp_has_members(&m->p[P_GROUP_SET]))
			return 0;
	}
	if (cdp_keep_entity(d, person ? "entity" : NULL, &m->project, &m->p[P_GROUP_TYPE],
			    &m->p[P_GROUP_KEY], &m->p[P_GROUP_SET], err) < 0)
		return cdp_decoder_reject(d, sink, &m->raw, err);
	return cdp_decoder_put(d, sink, &m->raw, err);
}

static int read_one(struct cdp_decoder *d, const struct cdp_val *raw,
		    const struct cdp_val *e, const struct cdp_arrival *from,
		    struct cdp_sink *sink, struct cdp_err *err)
{
	static const enum cdp_draft_kind kinds[] = { [PLAIN] = CDP_DRAFT_EVENT,
						     [IDENTIFY] = CDP_DRAFT_EVENT,
						     [UPDATE] = CDP_DRAFT_PROFILE,
						     [ALIAS] = CDP_DRAFT_BIND,
						     [GROUPING] = CDP_DRAFT_RELATION };
	struct message m = { .raw = *raw };

	if (open_message(&m, err) < 0)
		return cdp_decoder_reject(d, sink, raw, err);
	m.project = either(either(m.v[KEY], e[BATCH_KEY]), m.p[P_TOKEN]);
	if (start(d, &m, kinds[m.kind], e, from, err) < 0)
		return cdp_decoder_reject(d, sink, raw, err);
	switch (m.kind) {
	case UPDATE:
		return put_profile(d, &m, sink, err);
	case ALIAS:
		return put_alias(d, &m, sink, err);
	case GROUPING:
		return put_group(d, &m, sink, err);
	default:
		return put_event(d, &m, sink, err);
	}
}

static bool knows(const struct cdp_val *payload)
{
	struct cdp_val e[5], first = *payload;
	struct cdp_iter it = { 0 };

	if (payload->type == CDP_ARRAY && !cdp_val_item(payload, &it, &first))
		return false;
	cdp_pick(&first, envelope, e);
	if (e[BATCH].type == CDP_ARRAY)
		return e[BATCH_KEY].type == CDP_STRING;
	return e[ONE].type == CDP_STRING && e[ONE_PROPERTIES].type == CDP_OBJECT &&
	       (e[BATCH_KEY].type == CDP_STRING ||
		cdp_pick_one(&e[ONE_PROPERTIES], "$lib").type == CDP_STRING);
}

static int read_payload(struct cdp_decoder *d, const struct cdp_val *payload,
			const struct cdp_arrival *from, struct cdp_sink *sink,
			struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val e[5], raw, list = *payload;

	cdp_pick(payload, envelope, e);
	if (e[BATCH].type != CDP_MISSING) {
		list = e[BATCH];
		cdp_decoder_envelope(d, payload, &list);
	} else if (payload->type == CDP_OBJECT) {
		return read_one(d, payload, e, from, sink, err);
	} else {
		cdp_decoder_envelope(d, payload, &list);
	}
	if (list.type != CDP_ARRAY)
		return cdp_canon_bad(err, "batch", "not an array");
	while (cdp_val_item(&list, &it, &raw))
		if (read_one(d, &raw, e, from, sink, err) < 0)
			return -1;
	return 0;
}

const struct cdp_protocol cdp_p_posthog = { "posthog", knows, read_payload };
