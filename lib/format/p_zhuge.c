/* Zhuge (诸葛), recorded from the C++ library and from the web library 1.2; that of apps
 *and of web 2.0 by their sources.  One envelope for the libraries of today,
 *
 *	{"ak":key,"usr":{"did":device},"ut":"2024-4-25 6:59:46","tz":ms,"pl":..,"sdk":..,
 *	 "sdkv":..,"data":[{"dt":"evt","pr":{"$ct":ms,"$eid":event,"_amount":1}}]}
 *
 * and one for web 1.2, whose messages share the time of the envelope:
 *
 *	{"type":"statis","ak":..,"did":..,"cuid":..,"ts":s,
 *	 "data":[{"et":"cus","eid":event,"pr":{..}}]}
 *
 * A property `_x` is the customer's x; `$x` is the library's and keeps its name, as
 *members that stand beside `pr` get one ($sid ...). */
#include "base/num.h"
#include "format/keep.h"
#include "format/protocols.h"
#include "record/json.h"

enum { AK, USR, UT, TZ, PL, SDK, SDKV, DATA, TYPE, DID, CUID, TS, CN, VN, ENVELOPE };
static const char *const members[] = { "ak",   "usr",  "ut",   "tz",   "pl",
				       "sdk",  "sdkv", "data", "type", "did",
				       "cuid", "ts",   "cn",   "vn",   NULL };

/* Kinds of messages, `dt` or `et`; an event without a name of its own gets this one. */
static const struct {
	const char *name, *event;
	enum cdp_draft_kind kind;
} kinds[] = {
	{ "evt", NULL, CDP_DRAFT_EVENT },
	{ "cus", NULL, CDP_DRAFT_EVENT },
	{ "usr", NULL, CDP_DRAFT_PROFILE },
	{ "idf", NULL, CDP_DRAFT_PROFILE },
	{ "ss", "session_start", CDP_DRAFT_EVENT },
	{ "se", "session_end", CDP_DRAFT_EVENT },
	{ "pg", "page_view", CDP_DRAFT_EVENT },
	{ "pl", "device_info", CDP_DRAFT_EVENT },
	{ "info", "device_info", CDP_DRAFT_EVENT },
	{ "abp", "auto", CDP_DRAFT_EVENT },
	{ "um", "push_id", CDP_DRAFT_EVENT },
	{ "mrecv", "push_received", CDP_DRAFT_EVENT },
	{ "mread", "push_opened", CDP_DRAFT_EVENT },
	{ "zgsee", "recording", CDP_DRAFT_EVENT },
};

struct message {
	struct cdp_val all, kind, pr;
	/* of `pr` in the envelope of today, beside it in that of web 1.2 */
	struct cdp_val time, user, event;
	int k;
};

static bool is_old(const struct cdp_val *v)
{
	return cdp_val_is(&v[TYPE], "statis", 6);
}

static bool is_web(const struct cdp_val *v)
{
	return is_old(v) || cdp_val_is(&v[SDK], "zg-js", 5);
}

static int32_t zone_east(const struct cdp_val *tz)
{
	int64_t ms;

	if (tz->type != CDP_NUMBER || !cdp_num_json_i64(&ms, tz->p, tz->n) ||
	    ms < -86400000 || ms > 86400000)
		return CDP_NO_OFFSET;
	return (int32_t)(ms / 1000);
}

static int find_kind(const struct cdp_val *v)
{
	for (int i = 0; i < (int)(sizeof(kinds) / sizeof(*kinds)); i++)
		if (cdp_val_is(v, kinds[i].name, strlen(kinds[i].name)))
			return i;
	return -1;
}

/* --- one message --- */

static int pick_message(struct message *m, const struct cdp_val *v, struct cdp_err *err)
{
	static const char *const now[] = { "dt", "pr", NULL };
	static const char *const old[] = { "et", "pr", "eid", "cuid", NULL };
	static const char *const below[] = { "$ct", "$cuid", "$eid", NULL };
	struct cdp_val t[4];

	if (is_old(v)) {
		cdp_pick(&m->all, old, t);
		m->event = t[2];
		m->user = t[3].type > CDP_NULL ? t[3] : v[CUID];
		m->time = v[TS];
	} else {
		cdp_pick(&m->all, now, t);
	}
	m->kind = t[0];
	m->pr = t[1];
	if (!is_old(v)) {
		cdp_pick(&m->pr, below, t);
		m->time = t[0];
		m->user = t[1];
		m->event = t[2];
	}
	m->k = find_kind(&m->kind);
	if (m->k < 0)
		return cdp_canon_bad(err, is_old(v) ? "data.et" : "data.dt",
				     "unknown type '%s'",
				     cdp_excerpt(m->kind.p, m->kind.n).s);
	if (m->pr.type > CDP_NULL && m->pr.type != CDP_OBJECT)
		return cdp_canon_bad(err, "data.pr", "not an object");
	return 0;
}

static bool is_one_of(const struct cdp_val *key, const char *const *names)
{
	while (*names && !cdp_val_is(key, *names, strlen(*names)))
		names++;
	return *names != NULL;
}

/* The library's properties; then the customer's, where `_x` becomes x, unless there is
 * an x. */
static void put_properties(struct cdp_draft *r, enum cdp_part part,
			   const struct cdp_val *pr)
{
	static const char *const lifted[] = { "$ct", "$cuid", "$eid", NULL };
	struct cdp_iter first = { 0 }, second = { 0 };
	struct cdp_val key, v;
	struct cdp_names taken;

	if (pr->type != CDP_OBJECT)
		return;
	while (cdp_val_member(pr, &first, &key, &v))
		if ((!key.n || *key.p != '_') && !is_one_of(&key, lifted))
			cdp_draft_val(r, part, &key, &v);
	cdp_draft_names(r, part, &taken);
	while (cdp_val_member(pr, &second, &key, &v)) {
		if (!key.n || *key.p != '_')
			continue;
		if (key.n > 1 && !key.escaped &&
		    !cdp_names_have(&taken, key.p + 1, key.n - 1)) {
			key.p++;
			key.n--;
		}
		cdp_draft_val(r, part, &key, &v);
	}
}

/* Members that stand beside the properties, as the library's. */
static void put_beside(struct cdp_draft *r, const struct cdp_val *object,
		       const char *const *without)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;
	struct cdp_names taken;
	struct cdp_buf *name = &r->tmp;

	cdp_draft_names(r, CDP_PART_PROPS, &taken);
	while (object->type == CDP_OBJECT && cdp_val_member(object, &it, &key, &v)) {
		if (is_one_of(&key, without))
			continue;
		cdp_buf_reset(name);
		cdp_buf_addc(name, '$');
		cdp_buf_add(name, key.p, key.n);
		if (cdp_names_have(&taken, name->p, name->n))
			continue;
		key.p = name->p;
		key.n = (uint32_t)name->n;
		cdp_draft_val(r, CDP_PART_PROPS, &key, &v);
	}
}

static void put_all(struct cdp_draft *r, const struct message *m, const struct cdp_val *v)
{
	static const char *const message[] = { "et", "dt", "pr", "eid", "cuid", NULL };
	static const char *const names[] = { "$pl", "$cn", "$vn" };
	static const int slots[] = { PL, CN, VN };
	struct cdp_names taken;

	if (r->kind != CDP_DRAFT_EVENT) {
		put_properties(r, CDP_PART_SET, &m->pr);
		return;
	}
	put_properties(r, CDP_PART_PROPS, &m->pr);
	put_beside(r, &m->all, message);
	cdp_draft_names(r, CDP_PART_PROPS, &taken);
	for (int i = 0; i < 3; i++)
		if (v[slots[i]].type > CDP_NULL && !cdp_names_have(&taken, names[i], 3))
			cdp_draft_named(r, CDP_PART_PROPS, names[i], &v[slots[i]]);
}

static int put_ids(struct cdp_decoder *d, const struct message *m,
		   const struct cdp_val *v, struct cdp_err *err)
{
	struct cdp_val did = cdp_pick_one(&v[USR], "did");

	if (did.type == CDP_MISSING)
		did = v[DID];
	if (cdp_draft_id(&d->draft, d->opts->login_kind, NULL, &m->user, "data.pr.$cuid",
			 err) < 0)
		return -1;
	return cdp_draft_id(&d->draft, is_web(v) ? "anonymous" : "device", "did", &did,
			    "usr.did", err);
}

/* `ut` is local time, and `tz` has been seen to be of another place than the clock: a
 * library that sent a message before it happened does not tell when it sent it. */
static void check_sent(struct cdp_draft *r, const struct cdp_val *ut)
{
	if (r->sent == CDP_NO_TIME || r->sent >= r->ms - 60000)
		return;
	r->sent = CDP_NO_TIME;
	if (r->kind == CDP_DRAFT_EVENT && !cdp_draft_has(r, CDP_PART_PROPS, "$ut", 3))
		cdp_draft_named(r, CDP_PART_PROPS, "$ut", ut);
}

static int read_message(struct cdp_decoder *d, const struct cdp_val *message,
			const struct cdp_val *v, struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;
	struct message m = { .all = *message };
	struct cdp_clock event = { is_old(v) ? CDP_UNIT_S : CDP_UNIT_MS, d->opts->zone,
				   zone_east(&v[TZ]) },
			 sent = { CDP_UNIT_MS, d->opts->zone, zone_east(&v[TZ]) };

	if (pick_message(&m, v, err) < 0)
		return -1;
	cdp_draft_reset(r, kinds[m.k].kind);
	if (cdp_when(&r->ms, &m.time, &event, is_old(v) ? "ts" : "data.pr.$ct", err) <
		    0 ||
	    cdp_when_any(&r->sent, &v[UT], &sent, "ut", err) < 0 ||
	    put_ids(d, &m, v, err) < 0)
		return -1;
	if (r->kind == CDP_DRAFT_EVENT &&
	    cdp_draft_text(r, &r->event, &m.event, "data.pr.$eid", err) < 0)
		return -1;
	if (!r->event.n && kinds[m.k].event)
		cdp_draft_event(r, kinds[m.k].event, strlen(kinds[m.k].event));
	put_all(r, &m, v);
	check_sent(r, &v[UT]);
	cdp_draft_lib(r, d->opts, "zhuge", &v[SDK], &v[SDKV]);
	cdp_keep_project(r, &v[AK]);
	cdp_keep_again(d);
	return 0;
}

/* --- the envelope --- */

static bool knows(const struct cdp_val *payload)
{
	struct cdp_val v[ENVELOPE];

	cdp_pick(payload, members, v);
	return v[AK].type == CDP_STRING && v[DATA].type == CDP_ARRAY &&
	       (v[USR].type == CDP_OBJECT || is_old(v));
}

static int read_payload(struct cdp_decoder *d, const struct cdp_val *payload,
			const struct cdp_arrival *from, struct cdp_sink *sink,
			struct cdp_err *err)
{
	struct cdp_val v[ENVELOPE], message;
	struct cdp_iter it = { 0 };
	int rc = 0;

	(void)from;
	cdp_pick(payload, members, v);
	if (v[DATA].type != CDP_ARRAY)
		return cdp_canon_bad(err, "data", "data is no array of messages");
	cdp_keep_envelope(d, payload, members, "zhuge");
	cdp_decoder_envelope(d, payload, &v[DATA]);
	while (rc == 0 && cdp_val_item(&v[DATA], &it, &message))
		rc = read_message(d, &message, v, err) < 0
			     ? cdp_decoder_reject(d, sink, &message, err)
			     : cdp_decoder_put(d, sink, &message, err);
	return rc;
}

const struct cdp_protocol cdp_p_zhuge = { "zhuge", knows, read_payload };
