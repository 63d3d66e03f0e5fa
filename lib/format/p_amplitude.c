/* Amplitude, as recorded from the node library 1.5: an envelope of events.
 *
 *	$identify		profile update: $set, $setOnce, $add (increment), $append,
 *				$prepend, $preInsert, $postInsert (all append), $unset,
 *				$clearAll (deleted); with `groups` relations to them too
 *	$groupidentify		entity row of each group with group_properties.$set
 *	others			event; with user_properties also a profile update
 *
 * Ids are user_id (login) and device_id (device); insert_id is the event id.  The time is
 * `time`, without it that of receipt, as with Amplitude; client_upload_time is `sent`,
 * api_key the project. */
#include "format/keep.h"
#include "format/protocols.h"

#include "record/json.h"

enum {
	TYPE,
	USER,
	DEVICE,
	TIME,
	INSERT,
	PROPERTIES,
	USER_PROPERTIES,
	GROUPS,
	GROUP_PROPERTIES,
	LIBRARY,
	KEY,
	MEMBERS
};
static const char *const members[] = {
	"event_type",       "user_id",          "device_id",       "time",
	"insert_id",        "event_properties", "user_properties", "groups",
	"group_properties", "library",          "api_key",         NULL
};

static const struct {
	const char *name;
	enum cdp_part part; /* CDP_PARTS: the profile is deleted */
} operations[] = {
	{ "$set", CDP_PART_SET },           { "$setOnce", CDP_PART_SET_ONCE },
	{ "$add", CDP_PART_INCREMENT },     { "$append", CDP_PART_APPEND },
	{ "$prepend", CDP_PART_APPEND },    { "$preInsert", CDP_PART_APPEND },
	{ "$postInsert", CDP_PART_APPEND }, { "$unset", CDP_PART_UNSET },
	{ "$clearAll", CDP_PARTS },
};
enum { OPERATIONS = sizeof(operations) / sizeof(*operations) };

struct message {
	struct cdp_val raw, v[MEMBERS];
	const struct cdp_val *e; /* of the envelope */
};

enum { E_KEY, E_EVENTS, E_UPLOAD, E_ONE };
static const char *const envelope[] = { "api_key", "events", "client_upload_time",
					"event_type", NULL };

static const struct cdp_val *project_of(const struct message *m)
{
	return cdp_given(&m->v[KEY]) ? &m->v[KEY] : &m->e[E_KEY];
}

static int check_object(const struct message *m, int member, struct cdp_err *err)
{
	return m->v[member].type <= CDP_NULL || m->v[member].type == CDP_OBJECT
		       ? 0
		       : cdp_canon_bad(err, members[member], "not an object");
}

/* "amplitude-node-ts/1.5.73" */
static void put_library(struct cdp_decoder *d, const struct cdp_val *library)
{
	struct cdp_val name = *library, version = { 0 };
	const char *slash;

	if (name.type == CDP_STRING && !name.escaped &&
	    (slash = memchr(name.p, '/', name.n))) {
		version = (struct cdp_val){ .p = slash + 1,
					    .n = (uint32_t)(name.p + name.n - slash - 1),
					    .type = CDP_STRING };
		name.n = (uint32_t)(slash - name.p);
	}
	cdp_draft_lib(&d->draft, d->opts, "amplitude", &name, &version);
}

static int start(struct cdp_decoder *d, const struct message *m,
		 const struct cdp_arrival *from, struct cdp_err *err)
{
	const struct cdp_val *sent = &m->e[E_UPLOAD];
	const struct cdp_clock clock = { CDP_UNIT_MS, d->opts->zone, CDP_NO_OFFSET };
	struct cdp_draft *r = &d->draft;

	cdp_draft_reset(r, CDP_DRAFT_EVENT);
	r->received = from->received;
	r->ms = from->received;
	if ((cdp_given(&m->v[TIME]) &&
	     cdp_when(&r->ms, &m->v[TIME], &clock, "time", err) < 0) ||
	    (cdp_given(sent) &&
	     cdp_when(&r->sent, sent, &clock, "client_upload_time", err) < 0))
		return -1;
	if (cdp_draft_id(r, d->opts->login_kind, NULL, &m->v[USER], "user_id", err) < 0 ||
	    cdp_draft_id(r, "device", NULL, &m->v[DEVICE], "device_id", err) < 0)
		return -1;
	return cdp_draft_text(r, &r->event_id, &m->v[INSERT], "insert_id", err);
}

/* --- updates --- */

static int find_operation(const struct cdp_val *key)
{
	for (int i = 0; i < OPERATIONS; i++)
		if (cdp_val_is(key, operations[i].name, strlen(operations[i].name)))
			return i;
	return -1;
}

/* Operations, or, of an ordinary event, properties to be set as they stand. */
static int read_update(struct cdp_decoder *d, const struct cdp_val *object,
		       struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;

	while (object->type == CDP_OBJECT && cdp_val_member(object, &it, &key, &v)) {
		int i = find_operation(&key);

		if (i < 0 && key.n && *key.p == '$')
			return cdp_canon_bad(err, "user_properties",
					     "an operation that is not known: '%s'",
					     cdp_excerpt(key.p, key.n).s);
		if (i < 0)
			cdp_draft_val(r, CDP_PART_SET, &key, &v);
		else if (operations[i].part == CDP_PARTS)
			r->deleted = true;
		else if (v.type != CDP_OBJECT)
			return cdp_canon_bad(err, operations[i].name, "not an object");
		else if (operations[i].part == CDP_PART_APPEND)
			cdp_keep_append(d, &v, true);
		else
			cdp_draft_all(r, operations[i].part, &v, NULL);
	}
	return 0;
}

static void put_rest(struct cdp_decoder *d, const struct message *m, bool groups)
{
	static const char *const plain[] = { "event_type",      "user_id",
					     "device_id",       "time",
					     "insert_id",       "event_properties",
					     "user_properties", "library",
					     "api_key",         NULL };

	cdp_keep_project(&d->draft, project_of(m));
	cdp_keep_rest(d, &m->raw, groups ? members : plain, "amplitude");
}

static int put_event(struct cdp_decoder *d, const struct message *m,
		     struct cdp_sink *sink, struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;
	uint64_t before = d->rejected;

	if (cdp_draft_text(r, &r->event, &m->v[TYPE], "event_type", err) < 0)
		return cdp_decoder_reject(d, sink, &m->raw, err);
	cdp_draft_all(r, CDP_PART_PROPS, &m->v[PROPERTIES], NULL);
	put_library(d, &m->v[LIBRARY]);
	put_rest(d, m, false);
	if (cdp_decoder_put(d, sink, &m->raw, err) < 0)
		return -1;
	if (d->rejected > before || !cdp_has_members(&m->v[USER_PROPERTIES]))
		return 0;
	cdp_keep_next(r, CDP_DRAFT_PROFILE, "profile", project_of(m));
	if (read_update(d, &m->v[USER_PROPERTIES], err) < 0)
		return cdp_decoder_reject(d, sink, &m->raw, err);
	return cdp_decoder_put(d, sink, &m->raw, err);
}

/* --- groups --- */

typedef int put_group(struct cdp_decoder *d, const struct message *m,
		      const struct cdp_val *type, const struct cdp_val *id,
		      const char *mark, struct cdp_sink *sink, struct cdp_err *err);

static int put_relation(struct cdp_decoder *d, const struct message *m,
			const struct cdp_val *type, const struct cdp_val *id,
			const char *mark, struct cdp_sink *sink, struct cdp_err *err)
{
	cdp_keep_next(&d->draft, CDP_DRAFT_RELATION, mark, project_of(m));
	if (cdp_keep_group(d, type, id, err) < 0)
		return cdp_decoder_reject(d, sink, &m->raw, err);
	return cdp_decoder_put(d, sink, &m->raw, err);
}

static int put_entity(struct cdp_decoder *d, const struct message *m,
		      const struct cdp_val *type, const struct cdp_val *id,
		      const char *mark, struct cdp_sink *sink, struct cdp_err *err)
{
	struct cdp_val set = cdp_pick_one(&m->v[GROUP_PROPERTIES], "$set");

	if (set.type == CDP_MISSING)
		set = m->v[GROUP_PROPERTIES];
	if (cdp_keep_entity(d, mark, project_of(m), type, id, &set, err) < 0)
		return cdp_decoder_reject(d, sink, &m->raw, err);
	return cdp_decoder_put(d, sink, &m->raw, err);
}

/* {"company":"corp-9","team":["a","b"]} */
static int put_groups(struct cdp_decoder *d, const struct message *m, put_group *put,
		      struct cdp_sink *sink, struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val type, v, id;
	size_t own = d->draft.event_id.n;

	while (m->v[GROUPS].type == CDP_OBJECT &&
	       cdp_val_member(&m->v[GROUPS], &it, &type, &v)) {
		struct cdp_iter inner = { 0 };
		bool many = v.type == CDP_ARRAY;

		id = v;
		while (!many || cdp_val_item(&v, &inner, &id)) {
			/* One mark a group, so that each is a record of its own. */
			cdp_buf_reset(&d->a);
			cdp_buf_add(&d->a, type.p, type.n);
			cdp_buf_addc(&d->a, '=');
			cdp_buf_add(&d->a, id.p, id.n);
			d->draft.event_id.n = own;
			if (put(d, m, &type, &id, cdp_buf_str(&d->a), sink, err) < 0)
				return -1;
			if (!many)
				break;
		}
	}
	return 0;
}

static int put_identify(struct cdp_decoder *d, const struct message *m,
			struct cdp_sink *sink, struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;
	uint64_t before = d->rejected;

	r->kind = CDP_DRAFT_PROFILE;
	if (read_update(d, &m->v[USER_PROPERTIES], err) < 0)
		return cdp_decoder_reject(d, sink, &m->raw, err);
	put_library(d, &m->v[LIBRARY]);
	put_rest(d, m, true);
	cdp_keep_object(&r->more, "context", &m->v[PROPERTIES], NULL);
	if (cdp_decoder_put(d, sink, &m->raw, err) < 0)
		return -1;
	return d->rejected > before ? 0 : put_groups(d, m, put_relation, sink, err);
}

static int put_groupidentify(struct cdp_decoder *d, const struct message *m,
			     struct cdp_sink *sink, struct cdp_err *err)
{
	if (!cdp_has_members(&m->v[GROUPS])) {
		cdp_canon_bad(err, "groups", "no group is named");
		return cdp_decoder_reject(d, sink, &m->raw, err);
	}
	d->draft.kind = CDP_DRAFT_ENTITY;
	put_library(d, &m->v[LIBRARY]);
	return put_groups(d, m, put_entity, sink, err);
}

static int read_one(struct cdp_decoder *d, const struct cdp_val *raw,
		    const struct cdp_val *e, const struct cdp_arrival *from,
		    struct cdp_sink *sink, struct cdp_err *err)
{
	struct message m = { .raw = *raw, .e = e };

	cdp_pick(raw, members, m.v);
	if (raw->type != CDP_OBJECT) {
		cdp_canon_bad(err, "events", "an event that is not an object");
		return cdp_decoder_reject(d, sink, raw, err);
	}
	if (check_object(&m, PROPERTIES, err) < 0 ||
	    check_object(&m, USER_PROPERTIES, err) < 0 ||
	    check_object(&m, GROUPS, err) < 0 ||
	    check_object(&m, GROUP_PROPERTIES, err) < 0 || start(d, &m, from, err) < 0)
		return cdp_decoder_reject(d, sink, raw, err);
	if (cdp_val_is(&m.v[TYPE], "$identify", 9))
		return put_identify(d, &m, sink, err);
	if (cdp_val_is(&m.v[TYPE], "$groupidentify", 14))
		return put_groupidentify(d, &m, sink, err);
	return put_event(d, &m, sink, err);
}

static bool knows(const struct cdp_val *payload)
{
	struct cdp_val e[4], v[MEMBERS];

	cdp_pick(payload, envelope, e);
	cdp_pick(payload, members, v);
	if (e[E_ONE].type == CDP_STRING)
		return v[USER].type > CDP_NULL || v[DEVICE].type > CDP_NULL;
	return e[E_KEY].type == CDP_STRING && e[E_EVENTS].type == CDP_ARRAY;
}

static int read_payload(struct cdp_decoder *d, const struct cdp_val *payload,
			const struct cdp_arrival *from, struct cdp_sink *sink,
			struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val e[4], raw;

	if (payload->type != CDP_OBJECT)
		return cdp_canon_bad(err, "", "not an object");
	cdp_pick(payload, envelope, e);
	if (e[E_ONE].type != CDP_MISSING)
		return read_one(d, payload, e, from, sink, err);
	if (e[E_EVENTS].type != CDP_ARRAY)
		return cdp_canon_bad(err, "events", "not an array");
	cdp_decoder_envelope(d, payload, &e[E_EVENTS]);
	while (cdp_val_item(&e[E_EVENTS], &it, &raw))
		if (read_one(d, &raw, e, from, sink, err) < 0)
			return -1;
	return 0;
}

const struct cdp_protocol cdp_p_amplitude = { "amplitude", knows, read_payload };
