/* ThinkingData (数数), as recorded from the Node library 1.5.0: an array of messages, or
 * one alone.
 *
 * `#type` track is an event; track_update and track_overwrite change an event that was
 * sent before, so they are a detail row of which the latest counts: the table is the
 * event's name and the row its `#event_id`.  The user_ types are profile updates.  Ids
 * are `#account_id` (login), `#distinct_id` (as the library leaves it open what that is,
 * of the kind of unmarked ids) and `#device_id`; `#uuid` is the event id.  `#time` is in
 * the zone that `#zone_offset` says in hours, else in the default one. */
#include "format/keep.h"
#include "format/protocols.h"

#include "base/num.h"
#include "record/json.h"

enum { TYPE, TIME, DISTINCT, ACCOUNT, NAME, UUID, ID, PROPERTIES };
static const char *const members[] = { "#type",       "#time",       "#distinct_id",
				       "#account_id", "#event_name", "#uuid",
				       "#event_id",   "properties",  NULL };
enum { LIB, VERSION, ZONE, DEVICE };
static const char *const below[] = { "#lib", "#lib_version", "#zone_offset", "#device_id",
				     NULL };

static const struct {
	const char *name;
	enum cdp_draft_kind kind;
	enum cdp_part part;
} types[] = {
	{ "track", CDP_DRAFT_EVENT, CDP_PART_PROPS },
	{ "track_update", CDP_DRAFT_DETAIL, CDP_PART_PROPS },
	{ "track_overwrite", CDP_DRAFT_DETAIL, CDP_PART_PROPS },
	{ "user_set", CDP_DRAFT_PROFILE, CDP_PART_SET },
	{ "user_setOnce", CDP_DRAFT_PROFILE, CDP_PART_SET_ONCE },
	{ "user_add", CDP_DRAFT_PROFILE, CDP_PART_INCREMENT },
	{ "user_append", CDP_DRAFT_PROFILE, CDP_PART_APPEND },
	{ "user_uniq_append", CDP_DRAFT_PROFILE, CDP_PART_APPEND },
	{ "user_unset", CDP_DRAFT_PROFILE, CDP_PART_UNSET },
	{ "user_del", CDP_DRAFT_PROFILE, CDP_PARTS },
};

static int find_type(const struct cdp_val *v)
{
	for (int i = 0; i < (int)(sizeof(types) / sizeof(*types)); i++)
		if (cdp_val_is(v, types[i].name, strlen(types[i].name)))
			return i;
	return -1;
}

static struct cdp_clock clock_of(const struct cdp_decoder *d, const struct cdp_val *zone)
{
	struct cdp_clock c = { CDP_UNIT_MS, d->opts->zone, CDP_NO_OFFSET };
	struct cdp_err ignored;
	double hours;

	if (zone->type == CDP_NUMBER &&
	    cdp_num_double(&hours, zone->p, zone->n, &ignored) == 0 && hours >= -24 &&
	    hours <= 24)
		c.east = (int32_t)(hours * 3600);
	return c;
}

static int read_ids(struct cdp_decoder *d, const struct cdp_val *v,
		    const struct cdp_val *device, struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;

	if (cdp_draft_id(r, d->opts->login_kind, NULL, &v[ACCOUNT], "#account_id", err) <
		    0 ||
	    cdp_draft_id(r, d->opts->distinct_kind, "distinct_id", &v[DISTINCT],
			 "#distinct_id", err) < 0)
		return -1;
	return cdp_draft_id(r, "device", "#device_id", device, "properties.#device_id",
			    err);
}

/* Members of ours that are no properties. */
static void keep_rest(struct cdp_draft *r, const struct cdp_val *message, int type)
{
	static const char *const event[] = { "#type",       "#time",       "#distinct_id",
					     "#account_id", "#event_name", "#uuid",
					     "properties",  NULL };

	if (types[type].kind == CDP_DRAFT_EVENT)
		cdp_draft_all(r, CDP_PART_PROPS, message, event);
	else if (types[type].kind == CDP_DRAFT_DETAIL)
		cdp_draft_all(r, CDP_PART_PROPS, message, members);
}

static int read_message(struct cdp_decoder *d, const struct cdp_val *message,
			struct cdp_err *err)
{
	static const char *const lib[] = { "#lib", "#lib_version", NULL };
	struct cdp_val v[sizeof(members) / sizeof(*members) - 1];
	struct cdp_val p[sizeof(below) / sizeof(*below) - 1];
	struct cdp_draft *r = &d->draft;
	struct cdp_clock c;
	int type;

	cdp_pick(message, members, v);
	cdp_pick(&v[PROPERTIES], below, p);
	type = find_type(&v[TYPE]);
	if (type < 0)
		return cdp_canon_bad(err, "#type", "unknown type '%s'",
				     cdp_excerpt(v[TYPE].p, v[TYPE].n).s);
	if (v[PROPERTIES].type > CDP_NULL && v[PROPERTIES].type != CDP_OBJECT)
		return cdp_canon_bad(err, "properties", "not an object");
	cdp_draft_reset(r, types[type].kind);
	c = clock_of(d, &p[ZONE]);
	if (cdp_when(&r->ms, &v[TIME], &c, "#time", err) < 0 ||
	    read_ids(d, v, &p[DEVICE], err) < 0 ||
	    cdp_draft_text(r, &r->event_id, &v[UUID], "#uuid", err) < 0 ||
	    cdp_draft_text(r, types[type].kind == CDP_DRAFT_DETAIL ? &r->name : &r->event,
			   &v[NAME], "#event_name", err) < 0 ||
	    (types[type].kind == CDP_DRAFT_DETAIL &&
	     cdp_draft_text(r, &r->id, &v[ID], "#event_id", err) < 0))
		return -1;
	if (types[type].part < CDP_PARTS)
		cdp_draft_all(r, types[type].part, &v[PROPERTIES], lib);
	else
		r->deleted = true;
	keep_rest(r, message, type);
	cdp_draft_lib(r, d->opts, "thinkingdata", &p[LIB], &p[VERSION]);
	if (r->kind == CDP_DRAFT_PROFILE)
		cdp_keep_rest(d, message, members, "thinkingdata");
	return 0;
}

static int read_one(struct cdp_decoder *d, const struct cdp_val *message,
		    struct cdp_sink *sink, struct cdp_err *err)
{
	if (read_message(d, message, err) < 0)
		return cdp_decoder_reject(d, sink, message, err);
	return cdp_decoder_put(d, sink, message, err);
}

static bool knows(const struct cdp_val *payload)
{
	struct cdp_val first = *payload;
	struct cdp_iter it = { 0 };

	if (payload->type == CDP_ARRAY && !cdp_val_item(payload, &it, &first))
		return false;
	return cdp_pick_one(&first, "#type").type == CDP_STRING;
}

static int read_payload(struct cdp_decoder *d, const struct cdp_val *payload,
			const struct cdp_arrival *from, struct cdp_sink *sink,
			struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val message;

	(void)from;
	if (payload->type == CDP_OBJECT)
		return read_one(d, payload, sink, err);
	if (payload->type != CDP_ARRAY)
		return cdp_canon_bad(err, "", "neither a message nor an array of them");
	while (cdp_val_item(payload, &it, &message))
		if (read_one(d, &message, sink, err) < 0)
			return -1;
	return 0;
}

const struct cdp_protocol cdp_p_thinkingdata = { "thinkingdata", knows, read_payload };
