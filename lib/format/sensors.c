#include "format/sensors_priv.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/num.h"
#include "record/json.h"

#include <stdlib.h>

static const struct sensors_type types[] = {
	{ "track", EVENT, NULL, false },
	{ "track_signup", EVENT, NULL, false },
	{ "track_id_bind", BIND, NULL, false },
	{ "track_id_unbind", UNBIND, NULL, false },
	{ "profile_set", PROFILE, "set", false },
	{ "profile_set_once", PROFILE, "set_once", false },
	{ "profile_increment", PROFILE, "increment", false },
	{ "profile_append", PROFILE, "append", false },
	{ "profile_unset", PROFILE, "unset", false },
	{ "profile_delete", PROFILE, NULL, true },
	{ "item_set", ENTITY, NULL, false },
	{ "item_delete", ENTITY, NULL, true },
	{ "detail_set", DETAIL, NULL, false },
	{ "detail_delete", DETAIL, NULL, true },
};

void cdp_sensors_paths(struct cdp_sensors_slots *slots, struct cdp_paths *paths)
{
	static const char *const names[][2] = {
		{ "distinct_id" },
		{ "_track_id" },
		{ "properties" },
		{ "lib", "$lib" },
		{ "lib" },
		{ "login_id" },
		{ "anonymous_id" },
		{ "original_id" },
		{ "identities" },
		{ "project" },
		{ "token" },
		{ "_flush_time" },
		{ "item_type" },
		{ "item_id" },
		{ "schema" },
		{ "id" },
		{ "properties", "$is_login_id" },
		{ "properties", "$time" },
		{ "properties", "$project" },
		{ "properties", "$token" },
		{ "properties", "identities" },
		{ "properties", "distinct_id" },
		{ "properties", "$timezone_offset" },
	};
	int *slot = &slots->distinct_id;

	_Static_assert(sizeof(*slots) == sizeof(names) / sizeof(*names) * sizeof(int),
		       "a slot for each name");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t n[2] = { strlen(names[i][0]),
				names[i][1] ? strlen(names[i][1]) : 0 };

		slot[i] = cdp_paths_add_keys(paths, names[i], n, names[i][1] ? 2 : 1);
	}
}

struct cdp_sensors *cdp_sensors_new(const struct cdp_format_opts *opts,
				    const struct cdp_sensors_slots *slots)
{
	struct cdp_sensors *r = cdp_calloc(1, sizeof(*r));

	r->opts = opts;
	r->slots = slots;
	sensors_know_members(r);
	cdp_ids_init(&r->ids);
	cdp_buf_init(&r->distinct_buf, CDP_BUF_NOMAX);
	cdp_buf_init(&r->event_buf, CDP_BUF_NOMAX);
	cdp_buf_init(&r->text, CDP_BUF_NOMAX);
	cdp_buf_init(&r->key, CDP_BUF_NOMAX);
	cdp_buf_init(&r->lib, CDP_BUF_NOMAX);
	cdp_buf_init(&r->source, CDP_BUF_NOMAX);
	return r;
}

void cdp_sensors_free(struct cdp_sensors *r)
{
	if (!r)
		return;
	cdp_ids_release(&r->ids);
	cdp_buf_release(&r->distinct_buf);
	cdp_buf_release(&r->event_buf);
	cdp_buf_release(&r->text);
	cdp_buf_release(&r->key);
	cdp_buf_release(&r->lib);
	cdp_buf_release(&r->source);
	free(r);
}

static const struct sensors_type *find_type(const struct cdp_val *type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (cdp_val_is(type, types[i].name, strlen(types[i].name)))
			return &types[i];
	return NULL;
}

bool cdp_sensors_knows(const struct cdp_val *type)
{
	return type->type == CDP_STRING && find_type(type) != NULL;
}

/* --- times and names --- */

static int read_distinct(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_err *err)
{
	const struct cdp_val *top = cdp_rec_get(rec, r->slots->distinct_id),
			     *below = cdp_rec_get(rec, r->slots->p_distinct_id);

	return cdp_id_text(top->type > CDP_NULL ? top : below, &r->distinct_buf,
			   &r->distinct, &r->distinct_len, "distinct_id", NULL, 0, err);
}

/* A `$time` among the properties is the event's; written as text it is in the zone of
 * the client, which $timezone_offset gives in minutes west of UTC. */
static int read_lifted_time(struct cdp_sensors *r, struct cdp_rec *rec,
			    const struct cdp_val *v, struct cdp_err *err)
{
	const struct cdp_val *zone = cdp_rec_get(rec, r->slots->p_timezone);
	int64_t west;

	if (v->type != CDP_STRING || zone->type != CDP_NUMBER ||
	    !cdp_num_json_i64(&west, zone->p, zone->n) || west < -1440 || west > 1440)
		return cdp_canon_time(&r->ms, v, r->opts->zone, "properties.$time", err);
	if (cdp_canon_time(&r->ms, v, NULL, "properties.$time", err) < 0)
		return -1;
	if (v->p[v->n - 1] >= '0' && v->p[v->n - 1] <= '9' &&
	    !memchr(v->p + 11, '+', v->n - 11) && !memchr(v->p + 11, '-', v->n - 11))
		r->ms += west * 60000;
	return 0;
}

static int read_times(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_err *err)
{
	const struct cdp_val *lifted = cdp_rec_get(rec, r->slots->p_time),
			     *flush = cdp_rec_get(rec, r->slots->flush_time);

	if (lifted->type > CDP_NULL) {
		if (read_lifted_time(r, rec, lifted, err) < 0)
			return -1;
	} else if (cdp_canon_time(&r->ms, cdp_rec_get(rec, CDP_SLOT_TIME), r->opts->zone,
				  "time", err) < 0) {
		return -1;
	}
	r->sent = CDP_NO_TIME;
	if (flush->type > CDP_NULL &&
	    cdp_canon_time(&r->sent, flush, r->opts->zone, "_flush_time", err) < 0)
		return -1;
	return cdp_canon_future(r->opts, r->ms, CDP_NO_TIME, err);
}

static int read_event(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_err *err)
{
	const struct cdp_val *event = cdp_rec_get(rec, CDP_SLOT_EVENT);

	r->event = NULL;
	r->event_len = 0;
	if (event->type == CDP_STRING)
		r->event = cdp_val_str(event, &r->event_buf, &r->event_len);
	if (r->type->kind != EVENT)
		return 0;
	if (event->type <= CDP_NULL)
		return cdp_canon_bad(err, "event", "event is missing");
	if (event->type != CDP_STRING)
		return cdp_canon_bad(err, "event", "not a string");
	if (!cdp_canon_is_text(event))
		return cdp_canon_bad(err, "event", "event has half a surrogate pair");
	return cdp_canon_event(r->event, r->event_len, err);
}

static int check_properties(struct cdp_sensors *r, struct cdp_rec *rec,
			    struct cdp_err *err)
{
	const struct cdp_val *p = cdp_rec_get(rec, r->slots->properties);
	const char *update = r->type->update;

	if (p->type > CDP_NULL && p->type != CDP_OBJECT)
		return cdp_canon_bad(err, "properties", "not an object");
	if (update && p->type != CDP_OBJECT)
		return cdp_canon_bad(err, "properties", "properties is missing");
	return 0;
}

static int check(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_err *err)
{
	const struct cdp_val *type = cdp_rec_get(rec, CDP_SLOT_TYPE);

	r->type = find_type(type);
	if (!r->type && type->type == CDP_MISSING)
		return cdp_canon_bad(err, "type", "type is missing");
	if (!r->type)
		return cdp_canon_bad(
			err, "type", "unknown type '%s'",
			type->type == CDP_STRING ? cdp_excerpt(type->p, type->n).s : "");
	if (read_times(r, rec, err) < 0 || read_event(r, rec, err) < 0 ||
	    check_properties(r, rec, err) < 0 || read_distinct(r, rec, err) < 0)
		return -1;
	return sensors_read_ids(r, rec, err);
}

/* --- writing --- */

/* Whether a property was lifted out, or only ever steered the server. */
static bool is_lifted(struct cdp_sensors *r, struct cdp_rec *rec,
		      const struct cdp_val *key)
{
	static const char *const always[] = { "$is_login_id", "$time" };
	const struct cdp_sensors_slots *s = r->slots;

	for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
		if (cdp_val_is(key, always[i], strlen(always[i])))
			return true;
	return (rec->slots[s->p_project].type == CDP_STRING &&
		cdp_val_is(key, "$project", 8)) ||
	       (rec->slots[s->p_token].type == CDP_STRING &&
		cdp_val_is(key, "$token", 6)) ||
	       (rec->slots[s->p_identities].type == CDP_OBJECT &&
		cdp_val_is(key, "identities", 10)) ||
	       (rec->slots[s->distinct_id].type <= CDP_NULL &&
		cdp_val_is(key, "distinct_id", 11));
}

static bool has_lifted(struct cdp_sensors *r, struct cdp_rec *rec)
{
	const struct cdp_sensors_slots *s = r->slots;
	const int slots[] = { s->p_is_login, s->p_time,       s->p_project,
			      s->p_token,    s->p_identities, s->p_distinct_id };

	for (size_t i = 0; i < sizeof(slots) / sizeof(*slots); i++)
		if (rec->slots[slots[i]].type != CDP_MISSING)
			return true;
	return false;
}

void sensors_put_value(const struct cdp_rec *rec, struct cdp_buf *out,
		       const struct cdp_val *v)
{
	if (rec->compact)
		cdp_json_val(out, v);
	else
		cdp_canon_put_val(out, v);
}

/* The properties but for what was lifted. */
static void put_properties(struct cdp_sensors *r, struct cdp_rec *rec,
			   struct cdp_buf *out)
{
	const struct cdp_val *p = &rec->slots[r->slots->properties];
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;
	bool more = false;

	if (!has_lifted(r, rec)) {
		sensors_put_value(rec, out, p);
		return;
	}
	cdp_buf_addc(out, '{');
	while (cdp_val_member(p, &it, &key, &v)) {
		if (is_lifted(r, rec, &key))
			continue;
		if (more)
			cdp_buf_addc(out, ',');
		more = true;
		cdp_json_val(out, &key);
		cdp_buf_addc(out, ':');
		sensors_put_value(rec, out, &v);
	}
	cdp_buf_addc(out, '}');
}

/* ---  names of tables and rows --- */

static int put_name(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_buf *out,
		    const char *name, int slot, int other, const char *path,
		    struct cdp_err *err)
{
	const struct cdp_val *v = cdp_rec_get(rec, slot);
	const char *p;
	size_t n;

	if (v->type <= CDP_NULL)
		v = cdp_rec_get(rec, other);
	if (cdp_id_text(v, &r->text, &p, &n, path, NULL, 0, err) < 0)
		return -1;
	if (!n)
		return cdp_canon_bad(err, path, "%s is missing", path);
	cdp_canon_add_str(out, 0, name, p, n);
	return 0;
}

/* One update: what `properties` mean by the type. */
static int put_update(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_buf *out,
		      struct cdp_err *err)
{
	const char *update = r->type->update;
	size_t at;
	struct cdp_val v;

	if (!update)
		return 0;
	cdp_buf_adds(out, ",\"");
	cdp_buf_adds(out, update);
	cdp_buf_adds(out, "\":");
	at = out->n;
	put_properties(r, rec, out);
	cdp_val_at(&v, out->p + at, out->n - at);
	if (strcmp(update, "increment") == 0)
		return cdp_canon_check_members(&v, "properties", CDP_NUMBER, "a number",
					       err);
	if (strcmp(update, "append") == 0)
		return cdp_canon_check_members(&v, "properties", CDP_ARRAY, "an array",
					       err);
	if (strcmp(update, "unset") != 0)
		return 0;
	cdp_buf_reset(&r->text);
	cdp_buf_add(&r->text, v.p, v.n);
	v.p = r->text.p;
	out->n = at - strlen(",\"unset\":");
	cdp_canon_put_unset(out, &v);
	return 0;
}

static int put_body(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_buf *out,
		    struct cdp_err *err)
{
	const struct cdp_sensors_slots *s = r->slots;

	switch (r->type->kind) {
	case PROFILE:
		if (put_update(r, rec, out, err) < 0)
			return -1;
		break;
	case ENTITY:
		if (put_name(r, rec, out, "entity", s->item_type, s->schema, "item_type",
			     err) < 0 ||
		    put_name(r, rec, out, "id", s->item_id, s->id, "item_id", err) < 0)
			return -1;
		break;
	case DETAIL:
		if (put_name(r, rec, out, "detail", s->schema, s->schema, "schema", err) <
			    0 ||
		    put_name(r, rec, out, "row", s->id, s->id, "id", err) < 0)
			return -1;
		break;
	default:
		break;
	}
	if (r->type->deleted) {
		cdp_buf_adds(out, ",\"deleted\":true");
	} else if (r->type->kind != PROFILE &&
		   rec->slots[s->properties].type == CDP_OBJECT) {
		cdp_buf_adds(out, ",\"props\":");
		put_properties(r, rec, out);
	}
	return 0;
}

/* The time in digits, as it mostly came. */
static void add_ms(struct cdp_sensors *r, struct cdp_rec *rec)
{
	const struct cdp_val *time = &rec->slots[CDP_SLOT_TIME];

	if (time->type == CDP_NUMBER && time->integral && *time->p != '-' &&
	    rec->slots[r->slots->p_time].type <= CDP_NULL)
		cdp_buf_add(&r->text, time->p, time->n);
	else
		cdp_buf_addi(&r->text, r->ms);
}

/* _track_id has nine digits, four of them of the clock: only with what it was given to
 * does it tell deliveries of one record from two records. */
static void put_event_id(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_buf *out,
			 size_t start, struct cdp_canon *info)
{
	const struct cdp_val *track = cdp_rec_get(rec, r->slots->track_id);
	char member[] = ",\"event_id\":\"0123456789abcdef0123456789abcdef\"";
	size_t at = sizeof(member) - 1 - 33;

	if (track->type != CDP_NUMBER && track->type != CDP_STRING)
		return;
	cdp_buf_reset(&r->text);
	cdp_buf_add(&r->text, r->distinct, r->distinct_len);
	cdp_buf_addc(&r->text, '\0');
	cdp_buf_add(&r->text, track->p, track->n);
	cdp_buf_addc(&r->text, '\0');
	add_ms(r, rec);
	cdp_buf_addc(&r->text, '\0');
	if (r->event)
		cdp_buf_add(&r->text, r->event, r->event_len);
	else
		cdp_buf_adds(&r->text, r->type->name);
	cdp_hex16(member + at, cdp_hash_stable(r->text.p, r->text.n, 0));
	cdp_hex16(member + at + 16, cdp_hash_stable(r->text.p, r->text.n, 1));
	info->event_id = (struct cdp_span){ out->n - start + at - 1, 34 };
	cdp_buf_add(out, member, sizeof(member) - 1);
}

/* `,"source":` and "sensors/" with the library's name in lower case. */
static void make_source(struct cdp_sensors *r, const struct cdp_val *lib)
{
	struct cdp_buf *b = &r->text;
	const char *p;
	size_t n;

	cdp_buf_reset(b);
	if (lib->n) {
		cdp_buf_adds(b, "sensors/");
		p = cdp_val_str(lib, &r->key, &n);
		for (size_t i = 0; i < n; i++)
			cdp_buf_addc(b, p[i] >= 'A' && p[i] <= 'Z' ? (char)(p[i] | 0x20)
								   : p[i]);
	} else {
		cdp_buf_adds(b, r->opts->source ? r->opts->source : "sensors");
	}
	cdp_buf_reset(&r->source);
	cdp_canon_add_str(&r->source, 0, "source", b->p, b->n);
	cdp_buf_reset(&r->lib);
	cdp_buf_add(&r->lib, lib->p, lib->n);
}

static void put_source(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_buf *out,
		       size_t start, struct cdp_canon *info)
{
	static const size_t key = sizeof(",\"source\":") - 1;
	const struct cdp_val *lib = cdp_rec_get(rec, r->slots->lib);
	struct cdp_val none = { .p = "" };

	if (lib->type != CDP_STRING)
		lib = &none;
	/* Mostly that of the last record. */
	if (!r->source.n || lib->n != r->lib.n || memcmp(lib->p, r->lib.p, lib->n) != 0)
		make_source(r, lib);
	info->source = (struct cdp_span){ out->n - start + key, r->source.n - key };
	cdp_buf_add(out, r->source.p, r->source.n);
}

/* `,"key":"text"` of the property or else the member. */
static void put_lifted(struct cdp_rec *rec, struct cdp_buf *out, const char *key,
		       int property, int member)
{
	const struct cdp_val *v = cdp_rec_get(rec, property);

	if (v->type != CDP_STRING)
		v = cdp_rec_get(rec, member);
	if (v->type != CDP_STRING)
		return;
	cdp_buf_addc(out, ',');
	cdp_json_cstr(out, key);
	cdp_buf_addc(out, ':');
	cdp_json_val(out, v);
}

static void put_rest(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_buf *out,
		     size_t start, struct cdp_canon *info)
{
	const struct cdp_sensors_slots *s = r->slots;

	put_lifted(rec, out, "project", s->p_project, s->project);
	put_lifted(rec, out, "token", s->p_token, s->token);
	sensors_put_members(r, rec, out);
	if (r->sent != CDP_NO_TIME)
		info->sent =
			cdp_canon_add_near(&r->sent_minute, out, start, "sent", r->sent);
	if (r->opts->received != CDP_NO_TIME)
		info->received = cdp_canon_add_near(&r->received_minute, out, start,
						    "received", r->opts->received);
}

/* As cdp_canon_open() does.  A name without escapes stays as it is written. */
static void open_event(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_buf *out)
{
	static const char time[] = "{\"time\":\"", event[] = "\",\"event\":";
	const struct cdp_val *name = &rec->slots[CDP_SLOT_EVENT];
	char *w;

	if (cdp_buf_reserve(out, sizeof(time) + CDP_TIME_CANON + sizeof(event)) < 0)
		return;
	w = out->p + out->n;
	memcpy(w, time, sizeof(time) - 1);
	w += sizeof(time) - 1;
	cdp_minute_format(&r->minute, w, r->ms);
	memcpy(w + CDP_TIME_CANON, event, sizeof(event) - 1);
	out->n = (size_t)(w - out->p) + CDP_TIME_CANON + sizeof(event) - 1;
	if (name->escaped)
		cdp_json_str(out, r->event, r->event_len);
	else
		cdp_json_val(out, name);
}

int cdp_sensors_read(struct cdp_sensors *r, struct cdp_rec *rec, struct cdp_buf *out,
		     struct cdp_canon *info, struct cdp_err *err)
{
	static const char *const names[] = {
		[BIND] = "bind",     [UNBIND] = "unbind", [PROFILE] = "profile",
		[ENTITY] = "entity", [DETAIL] = "detail",
	};
	size_t start = out->n;

	if (check(r, rec, err) < 0)
		return -1;
	cdp_canon_begin(info, r->ms);
	if (r->type->kind == EVENT)
		open_event(r, rec, out);
	else
		cdp_canon_open(out, r->ms, NULL, 0, names[r->type->kind]);
	sensors_write_ids(r, out);
	if (put_body(r, rec, out, err) < 0) {
		out->n = start;
		return -1;
	}
	put_event_id(r, rec, out, start, info);
	put_source(r, rec, out, start, info);
	put_rest(r, rec, out, start, info);
	cdp_buf_addc(out, '}');
	return 0;
}
