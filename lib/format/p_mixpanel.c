/* Mixpanel, as recorded from the node library 0.24: one message or an array of them, told
 * apart by their members, not by the path they came to.
 *
 *	event, properties	event; $create_alias is a bind
 *	$distinct_id, $set ...	profile update: $set, $set_once, $add (increment),
 *$append, $union (both append), $unset, $delete $group_key, $set ...	entity row of that
 *table: $set, $set_once, $delete
 *
 * $user_id is a login id, $device_id the anonymous id, a distinct_id of the form
 * "$device:<id>" too; others are of the kind of unmarked ids.  An alias has the other one
 * of the kinds login and anonymous.  `time` is in seconds or milliseconds, told apart by
 * size; messages without it get the time of receipt, as with Mixpanel.  $insert_id is the
 * event id, which the library does not send; the token is the project. */
#include "format/keep.h"
#include "format/protocols.h"

#include "record/json.h"

enum { EVENT, PROPERTIES, DISTINCT, GROUP_KEY, GROUP_ID, TIME, TOKEN, DEVICE, USER };
static const char *const members[] = { "event",      "properties", "$distinct_id",
				       "$group_key", "$group_id",  "$time",
				       "$token",     "$device_id", "$user_id",
				       NULL };
enum { MEMBERS = 9 };
enum {
	P_DISTINCT,
	P_TIME,
	P_INSERT,
	P_DEVICE,
	P_USER,
	P_LIB,
	P_VERSION,
	P_ALIAS,
	P_TOKEN
};
static const char *const properties[] = {
	"distinct_id", "time",         "$insert_id", "$device_id", "$user_id",
	"mp_lib",      "$lib_version", "alias",      "token",      NULL
};
enum { PROPERTY_COUNT = 9 };

static const struct {
	const char *name;
	enum cdp_part part; /* CDP_PARTS: the profile is deleted */
} operations[] = {
	{ "$set", CDP_PART_SET },       { "$set_once", CDP_PART_SET_ONCE },
	{ "$add", CDP_PART_INCREMENT }, { "$append", CDP_PART_APPEND },
	{ "$union", CDP_PART_APPEND },  { "$unset", CDP_PART_UNSET },
	{ "$delete", CDP_PARTS },
};
enum { OPERATIONS = sizeof(operations) / sizeof(*operations) };

/* --- who and when --- */

static int read_time(struct cdp_decoder *d, const struct cdp_val *v,
		     const struct cdp_arrival *from, struct cdp_err *err)
{
	const struct cdp_clock clock = { CDP_UNIT_S_OR_MS, d->opts->zone, CDP_NO_OFFSET };
	struct cdp_draft *r = &d->draft;

	r->received = from->received;
	if (cdp_given(v))
		return cdp_when(&r->ms, v, &clock, "time", err);
	r->ms = from->received;
	return 0;
}

static int put_distinct(struct cdp_decoder *d, const struct cdp_val *v,
			struct cdp_err *err)
{
	static const char device[] = "$device:";
	struct cdp_draft *r = &d->draft;
	struct cdp_val id = *v;

	if (v->type == CDP_STRING && v->n > 8 && memcmp(v->p, device, 8) == 0) {
		id.p += 8;
		id.n -= 8;
		return cdp_draft_id(r, "anonymous", "distinct_id", &id, "distinct_id",
				    err);
	}
	if (cdp_draft_text(r, &d->a, v, "distinct_id", err) < 0)
		return -1;
	if (!d->a.n || cdp_ids_has_value(&r->ids, d->a.p, d->a.n))
		return 0;
	return cdp_draft_id(r, d->opts->distinct_kind, "distinct_id", v, "distinct_id",
			    err);
}

static int read_ids(struct cdp_decoder *d, const struct cdp_val *user,
		    const struct cdp_val *device, const struct cdp_val *distinct,
		    struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;

	if (cdp_draft_id(r, d->opts->login_kind, NULL, user, "$user_id", err) < 0 ||
	    cdp_draft_id(r, "anonymous", NULL, device, "$device_id", err) < 0)
		return -1;
	return put_distinct(d, distinct, err);
}

/* --- events --- */

static int read_event(struct cdp_decoder *d, const struct cdp_val *message,
		      const struct cdp_val *v, const struct cdp_arrival *from,
		      struct cdp_err *err)
{
	static const char *const taken[] = { "distinct_id",  "time",     "$insert_id",
					     "$device_id",   "$user_id", "mp_lib",
					     "$lib_version", "token",    NULL };
	static const char *const done[] = { "event", "properties", NULL };
	struct cdp_val p[PROPERTY_COUNT];
	struct cdp_draft *r = &d->draft;
	bool alias = cdp_val_is(&v[EVENT], "$create_alias", 13);

	if (v[EVENT].type != CDP_STRING)
		return cdp_canon_bad(err, "event", "not a string");
	if (v[PROPERTIES].type > CDP_NULL && v[PROPERTIES].type != CDP_OBJECT)
		return cdp_canon_bad(err, "properties", "not an object");
	cdp_pick(&v[PROPERTIES], properties, p);
	cdp_draft_reset(r, alias ? CDP_DRAFT_BIND : CDP_DRAFT_EVENT);
	if (read_time(d, &p[P_TIME], from, err) < 0 ||
	    read_ids(d, &p[P_USER], &p[P_DEVICE], &p[P_DISTINCT], err) < 0 ||
	    cdp_draft_text(r, &r->event_id, &p[P_INSERT], "$insert_id", err) < 0 ||
	    cdp_draft_text(r, &r->event, &v[EVENT], "event", err) < 0)
		return -1;
	if (alias) {
		bool login = strcmp(d->opts->distinct_kind, d->opts->login_kind) == 0;

		if (cdp_draft_id(r, login ? "anonymous" : d->opts->login_kind, "alias",
				 &p[P_ALIAS], "alias", err) < 0)
			return -1;
	}
	cdp_draft_all(r, CDP_PART_PROPS, &v[PROPERTIES], taken);
	cdp_draft_lib(r, d->opts, "mixpanel", &p[P_LIB], &p[P_VERSION]);
	cdp_keep_project(r, &p[P_TOKEN]);
	cdp_keep_rest(d, message, done, "mixpanel");
	return 0;
}

/* --- updates --- */

static int apply(struct cdp_decoder *d, int operation, const struct cdp_val *v,
		 struct cdp_err *err)
{
	const char *name = operations[operation].name;
	enum cdp_part part = operations[operation].part;
	struct cdp_draft *r = &d->draft;

	if (part == CDP_PARTS) {
		r->deleted = true;
		return 0;
	}
	if (part == CDP_PART_UNSET) {
		if (v->type != CDP_ARRAY)
			return cdp_canon_bad(err, name, "not an array of names");
		cdp_keep_names(r, part, v);
		return 0;
	}
	if (v->type != CDP_OBJECT)
		return cdp_canon_bad(err, name, "not an object");
	if (strcmp(name, "$append") == 0)
		cdp_keep_append(d, v, false);
	else
		cdp_draft_all(r, part, v, NULL);
	return 0;
}

static bool among(const struct cdp_val *key, const char *const *names)
{
	for (; *names; names++)
		if (cdp_val_is(key, *names, strlen(*names)))
			return true;
	return false;
}

/* Members that are operations are applied, or the message is refused; others stay. */
static int read_operations(struct cdp_decoder *d, const struct cdp_val *message,
			   struct cdp_err *err)
{
	static const char *const beside[] = { "$ip", "$ignore_time", "$ignore_alias",
					      NULL };
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;
	int done = 0;

	while (cdp_val_member(message, &it, &key, &v)) {
		int i = 0;

		if (among(&key, members) || among(&key, beside) || !key.n ||
		    *key.p != '$')
			continue;
		while (i < OPERATIONS &&
		       !cdp_val_is(&key, operations[i].name, strlen(operations[i].name)))
			i++;
		if (i == OPERATIONS)
			return cdp_canon_bad(err, "",
					     "an operation that is not known: '%s'",
					     cdp_excerpt(key.p, key.n).s);
		if (apply(d, i, &v, err) < 0)
			return -1;
		done++;
	}
	return done ? 0 : cdp_canon_bad(err, "", "an update of nothing");
}

static void put_rest(struct cdp_decoder *d, const struct cdp_val *message)
{
	const char *done[MEMBERS + OPERATIONS + 1];
	int n = 0;

	for (int i = 0; i < MEMBERS; i++)
		done[n++] = members[i];
	for (int i = 0; i < OPERATIONS; i++)
		done[n++] = operations[i].name;
	done[n] = NULL;
	cdp_buf_adds(&d->draft.source, d->opts->source ? d->opts->source : "mixpanel");
	cdp_keep_rest(d, message, done, "mixpanel");
}

static int read_profile(struct cdp_decoder *d, const struct cdp_val *message,
			const struct cdp_val *v, const struct cdp_arrival *from,
			struct cdp_err *err)
{
	cdp_draft_reset(&d->draft, CDP_DRAFT_PROFILE);
	if (read_time(d, &v[TIME], from, err) < 0 ||
	    read_ids(d, &v[USER], &v[DEVICE], &v[DISTINCT], err) < 0 ||
	    read_operations(d, message, err) < 0)
		return -1;
	cdp_keep_project(&d->draft, &v[TOKEN]);
	put_rest(d, message);
	return 0;
}

/* A row takes all its values at once. */
static int read_group(struct cdp_decoder *d, const struct cdp_val *message,
		      const struct cdp_val *v, const struct cdp_arrival *from,
		      struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;
	struct cdp_val set = cdp_pick_one(message, "$set");
	bool deleted;

	cdp_draft_reset(r, CDP_DRAFT_ENTITY);
	if (read_operations(d, message, err) < 0)
		return -1;
	if (r->part[CDP_PART_INCREMENT].n || r->part[CDP_PART_APPEND].n ||
	    r->part[CDP_PART_UNSET].n)
		return cdp_canon_bad(err, "$group_key",
				     "an operation that changes part of a row");
	if (set.type == CDP_MISSING)
		set = cdp_pick_one(message, "$set_once");
	deleted = r->deleted;
	if (read_time(d, &v[TIME], from, err) < 0 ||
	    cdp_keep_entity(d, NULL, &v[TOKEN], &v[GROUP_KEY], &v[GROUP_ID], &set, err) <
		    0)
		return -1;
	r->deleted = deleted;
	put_rest(d, message);
	return 0;
}

static int read_one(struct cdp_decoder *d, const struct cdp_val *message,
		    const struct cdp_arrival *from, struct cdp_sink *sink,
		    struct cdp_err *err)
{
	struct cdp_val v[MEMBERS];
	int rc;

	cdp_pick(message, members, v);
	if (message->type != CDP_OBJECT)
		rc = cdp_canon_bad(err, "", "a message that is not an object");
	else if (v[EVENT].type != CDP_MISSING)
		rc = read_event(d, message, v, from, err);
	else if (v[GROUP_KEY].type != CDP_MISSING)
		rc = read_group(d, message, v, from, err);
	else
		rc = read_profile(d, message, v, from, err);
	return rc < 0 ? cdp_decoder_reject(d, sink, message, err)
		      : cdp_decoder_put(d, sink, message, err);
}

static bool knows(const struct cdp_val *payload)
{
	struct cdp_val v[MEMBERS], first = *payload;
	struct cdp_iter it = { 0 };

	if (payload->type == CDP_ARRAY && !cdp_val_item(payload, &it, &first))
		return false;
	cdp_pick(&first, members, v);
	if (v[EVENT].type == CDP_STRING && v[PROPERTIES].type == CDP_OBJECT)
		return cdp_pick_one(&v[PROPERTIES], "token").type == CDP_STRING;
	return v[TOKEN].type == CDP_STRING &&
	       (v[DISTINCT].type > CDP_NULL || v[GROUP_KEY].type == CDP_STRING);
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
	cdp_decoder_envelope(d, payload, payload);
	while (cdp_val_item(payload, &it, &message))
		if (read_one(d, &message, from, sink, err) < 0)
			return -1;
	return 0;
}

const struct cdp_protocol cdp_p_mixpanel = { "mixpanel", knows, read_payload };
