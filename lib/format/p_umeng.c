/* Umeng (友盟) in mini programs, as its library 2.8.0 sends:
 *
 *	{"h":{"ak":key,"ts":ms,"sv":version,"sdt":library,
 *	      "itr":{"ud":device,"puid":login,"od":open id}, ...},
 *	 "a":{"sn":[{"id":session,"start_time":ms,"end_time":ms,"duration":ms}],
 *	      "e":{session:[{"id":event,"ts":ms,"x":"y"}]}}}
 *
 * A session is an event `session_start`, and one `session_end` once it has ended.  What
 * else the head says of the device stands beside the properties. */
#include "format/keep.h"
#include "format/protocols.h"

#include "record/json.h"

enum { AK, TS, VERSION, LIB, ITR, HEAD };
static const char *const head[] = { "ak", "ts", "sv", "sdt", "itr", NULL };
enum { UD, PUID, OD, UNION, IDS };
static const char *const itr[] = { "ud", "puid", "od", "unionid", NULL };

static const char *const lists[] = { "sn", "e", NULL };

struct delivery {
	struct cdp_val all, a, h[HEAD], ids[IDS];
	int64_t sent;
};

static const struct cdp_clock clock_ms = { CDP_UNIT_MS, NULL, CDP_NO_OFFSET };

static int start(struct cdp_decoder *d, const struct delivery *c,
		 const struct cdp_val *time, const char *path, struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;

	cdp_draft_reset(r, CDP_DRAFT_EVENT);
	r->sent = c->sent;
	if (cdp_when(&r->ms, time, &clock_ms, path, err) < 0 ||
	    cdp_draft_id(r, d->opts->login_kind, NULL, &c->ids[PUID], "h.itr.puid", err) <
		    0 ||
	    cdp_draft_id(r, "device", NULL, &c->ids[UD], "h.itr.ud", err) < 0 ||
	    cdp_draft_id(r, "openid", NULL, &c->ids[OD], "h.itr.od", err) < 0)
		return -1;
	return cdp_draft_id(r, "unionid", NULL, &c->ids[UNION], "h.itr.unionid", err);
}

static void finish(struct cdp_decoder *d, const struct delivery *c)
{
	struct cdp_draft *r = &d->draft;

	cdp_draft_beside(r, CDP_PART_PROPS, &c->all, head);
	cdp_draft_lib(r, d->opts, "umeng", &c->h[LIB], &c->h[VERSION]);
	cdp_keep_project(r, &c->h[AK]);
	cdp_keep_again(d);
}

/* The delivery with nothing but this in it. */
static int put_or_reject(struct cdp_decoder *d, const struct delivery *c, int rc,
			 const char *open, const struct cdp_val *key,
			 const struct cdp_val *message, struct cdp_sink *sink,
			 struct cdp_err *err)
{
	struct cdp_buf *b = &d->c;
	struct cdp_val raw;

	cdp_buf_reset(b);
	cdp_buf_adds(b, "{\"h\":");
	cdp_json_val(b, &c->all);
	cdp_buf_adds(b, ",\"a\":{");
	cdp_buf_add(b, d->b.p, d->b.n);
	cdp_buf_adds(b, open);
	if (key) {
		cdp_json_val(b, key);
		cdp_buf_adds(b, ":[");
	}
	cdp_json_val(b, message);
	cdp_buf_adds(b, key ? "]}}}" : "]}}");
	cdp_val_at(&raw, b->p, b->n);
	return rc < 0 ? cdp_decoder_reject(d, sink, &raw, err)
		      : cdp_decoder_put(d, sink, &raw, err);
}

static int read_event(struct cdp_decoder *d, const struct delivery *c,
		      const struct cdp_val *session, const struct cdp_val *message,
		      struct cdp_err *err)
{
	static const char *const names[] = { "id", "ts", NULL };
	struct cdp_val v[2];

	cdp_pick(message, names, v);
	if (start(d, c, &v[1], "a.e.ts", err) < 0 ||
	    cdp_draft_text(&d->draft, &d->draft.event, &v[0], "a.e.id", err) < 0)
		return -1;
	cdp_draft_all(&d->draft, CDP_PART_PROPS, message, names);
	cdp_draft_named(&d->draft, CDP_PART_PROPS, "$session_id", session);
	finish(d, c);
	return 0;
}

static int read_session(struct cdp_decoder *d, const struct delivery *c,
			const struct cdp_val *message, bool end, struct cdp_err *err)
{
	static const char *const names[] = { "id", "start_time", "end_time", NULL };
	static const char *const events[] = { "session_start", "session_end" };
	struct cdp_val v[3];

	cdp_pick(message, names, v);
	if (start(d, c, &v[1 + end], end ? "a.sn.end_time" : "a.sn.start_time", err) < 0)
		return -1;
	cdp_draft_event(&d->draft, events[end], strlen(events[end]));
	cdp_draft_named(&d->draft, CDP_PART_PROPS, "$session_id", &v[0]);
	cdp_draft_all(&d->draft, CDP_PART_PROPS, message, names);
	finish(d, c);
	return 0;
}

static int read_sessions(struct cdp_decoder *d, const struct delivery *c,
			 const struct cdp_val *list, struct cdp_sink *sink,
			 struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val message;
	int rc = 0;

	while (rc == 0 && list->type == CDP_ARRAY && cdp_val_item(list, &it, &message)) {
		bool end = cdp_pick_one(&message, "end_time").type > CDP_NULL;

		rc = put_or_reject(d, c, read_session(d, c, &message, end, err),
				   "\"sn\":[", NULL, &message, sink, err);
	}
	return rc;
}

static int read_events(struct cdp_decoder *d, const struct delivery *c,
		       const struct cdp_val *sessions, struct cdp_sink *sink,
		       struct cdp_err *err)
{
	struct cdp_iter outer = { 0 };
	struct cdp_val session, list, message;
	int rc = 0;

	while (rc == 0 && sessions->type == CDP_OBJECT &&
	       cdp_val_member(sessions, &outer, &session, &list)) {
		struct cdp_iter it = { 0 };

		if (list.type != CDP_ARRAY)
			continue;
		while (rc == 0 && cdp_val_item(&list, &it, &message))
			rc = put_or_reject(d, c,
					   read_event(d, c, &session, &message, err),
					   "\"e\":{", &session, &message, sink, err);
	}
	return rc;
}

/* Members beside the lists, for rejects, into d->b: `"k":v,`. */
static void keep_beside(struct cdp_decoder *d, const struct cdp_val *a)
{
	struct cdp_iter it = { 0 };
	struct cdp_val name, v;

	cdp_buf_reset(&d->b);
	while (a->type == CDP_OBJECT && cdp_val_member(a, &it, &name, &v)) {
		if (cdp_val_is(&name, "sn", 2) || cdp_val_is(&name, "e", 1))
			continue;
		cdp_json_val(&d->b, &name);
		cdp_buf_addc(&d->b, ':');
		cdp_json_val(&d->b, &v);
		cdp_buf_addc(&d->b, ',');
	}
}

static bool knows(const struct cdp_val *payload)
{
	static const char *const names[] = { "h", "a", NULL };
	struct cdp_val v[2];

	cdp_pick(payload, names, v);
	return v[1].type == CDP_OBJECT && cdp_pick_one(&v[0], "itr").type == CDP_OBJECT;
}

static int read_payload(struct cdp_decoder *d, const struct cdp_val *payload,
			const struct cdp_arrival *from, struct cdp_sink *sink,
			struct cdp_err *err)
{
	static const char *const names[] = { "h", "a", NULL };
	struct delivery c = { .sent = CDP_NO_TIME };
	struct cdp_val v[2], a[2];

	(void)from;
	cdp_pick(payload, names, v);
	cdp_pick(&v[1], lists, a);
	c.all = v[0];
	c.a = v[1];
	cdp_pick(&v[0], head, c.h);
	cdp_pick(&c.h[ITR], itr, c.ids);
	if (v[0].type != CDP_OBJECT)
		return cdp_canon_bad(err, "h", "h is missing");
	cdp_keep_envelope(d, &c.a, lists, "umeng");
	keep_beside(d, &c.a);
	if (cdp_when_any(&c.sent, &c.h[TS], &clock_ms, "h.ts", err) < 0 ||
	    read_sessions(d, &c, &a[0], sink, err) < 0)
		return -1;
	return read_events(d, &c, &a[1], sink, err);
}

const struct cdp_protocol cdp_p_umeng = { "umeng", knows, read_payload };
