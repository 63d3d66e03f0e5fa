/* Matomo's tracking API, as recorded from matomo-tracker 2.2 (queries and the bulk form
 * `{"requests":["?...",...]}`); a query is an object of strings.
 *
 *	e_c, e_a		event "<category>.<action>"
 *	search			event site_search
 *	download, link		events download, outlink
 *	c_n			event content_interaction with c_i, else
 *				content_impression
 *	idgoal			event goal; 0 is an order: event order with ec_id, else
 *				cart_update
 *	ping			event ping
 *	others			event page_view
 *
 * Ids are uid (login), _id and cid (anonymous); without any, cip or the address of the
 * client.  The time is cdt, in UTC, without it that of receipt, as with Matomo.  Other
 * parameters are properties (idsite is the project) by their own names, numbers as
 *numbers, JSON unpacked; the secret token_auth is dropped. */
#include "format/form.h"
#include "format/keep.h"
#include "format/protocols.h"

#include "base/num.h"
#include "record/json.h"

enum {
	USER,
	VISITOR,
	FORCED,
	TIME,
	ADDRESS,
	CATEGORY,
	ACTION,
	SEARCH,
	DOWNLOAD,
	LINK,
	CONTENT,
	INTERACTION,
	GOAL,
	ORDER,
	PING,
	MEMBERS
};
static const char *const members[] = { "uid",      "_id",   "cid",  "cdt",
				       "cip",      "e_c",   "e_a",  "search",
				       "download", "link",  "c_n",  "c_i",
				       "idgoal",   "ec_id", "ping", NULL };

/* Parameters that only steer the server. */
static const char *const dropped[] = { "idsite",     "uid",        "_id", "cid",
				       "cdt",        "token_auth", "rec", "rand",
				       "send_image", "apiv",       NULL };

static bool among(const struct cdp_val *key, const char *const *names)
{
	for (; *names; names++)
		if (cdp_val_is(key, *names, strlen(*names)))
			return true;
	return false;
}

static int read_name(struct cdp_decoder *d, const struct cdp_val *v, struct cdp_err *err)
{
	struct cdp_draft *r = &d->draft;
	const char *name = "page_view";

	if (cdp_given(&v[CATEGORY]) || cdp_given(&v[ACTION])) {
		if (cdp_draft_text(r, &r->event, &v[CATEGORY], "e_c", err) < 0 ||
		    cdp_draft_text(r, &d->a, &v[ACTION], "e_a", err) < 0)
			return -1;
		if (r->event.n && d->a.n)
			cdp_buf_addc(&r->event, '.');
		cdp_buf_add(&r->event, d->a.p, d->a.n);
		return 0;
	}
	if (cdp_val_is(&v[GOAL], "0", 1))
		name = cdp_given(&v[ORDER]) ? "order" : "cart_update";
	else if (cdp_given(&v[GOAL]))
		name = "goal";
	else if (cdp_given(&v[SEARCH]))
		name = "site_search";
	else if (cdp_given(&v[DOWNLOAD]))
		name = "download";
	else if (cdp_given(&v[LINK]))
		name = "outlink";
	else if (cdp_given(&v[CONTENT]))
		name = cdp_given(&v[INTERACTION]) ? "content_interaction"
						  : "content_impression";
	else if (cdp_given(&v[PING]))
		name = "ping";
	cdp_draft_event(r, name, strlen(name));
	return 0;
}

static int read_who(struct cdp_decoder *d, const struct cdp_val *v,
		    const struct cdp_arrival *from, struct cdp_err *err)
{
	const struct cdp_clock clock = { CDP_UNIT_S, NULL, 0 };
	struct cdp_draft *r = &d->draft;

	r->received = from->received;
	r->ms = from->received;
	if (cdp_given(&v[TIME]) && cdp_when(&r->ms, &v[TIME], &clock, "cdt", err) < 0)
		return -1;
	if (cdp_draft_id(r, "anonymous", NULL, &v[VISITOR], "_id", err) < 0 ||
	    cdp_draft_id(r, "anonymous", NULL, &v[FORCED], "cid", err) < 0 ||
	    cdp_draft_id(r, d->opts->login_kind, NULL, &v[USER], "uid", err) < 0)
		return -1;
	return cdp_keep_ip(r, &v[ADDRESS], from, err);
}

/* JSON that is none stays the text that it is. */
static bool put_json(struct cdp_decoder *d, const struct cdp_val *key,
		     const struct cdp_val *v)
{
	struct cdp_err ignored;
	struct cdp_val json;
	const char *p;
	size_t n;

	p = cdp_val_str(v, &d->b, &n);
	if (cdp_keep_json(&json, p, n, "", &ignored) < 0)
		return false;
	cdp_draft_val(&d->draft, CDP_PART_PROPS, key, &json);
	return true;
}

static void put_props(struct cdp_decoder *d, const struct cdp_val *message)
{
	static const char *const numbers[] = { "e_v",   "revenue", "ec_st",
					       "ec_tx", "ec_sh",   "ec_dt",
					       "gt_ms", "idgoal",  "search_count",
					       NULL };
	static const char *const json[] = { "cvar", "_cvar", "ec_items", "uadata", NULL };
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;
	struct cdp_err ignored;
	double number;

	while (cdp_val_member(message, &it, &key, &v)) {
		if (among(&key, dropped))
			continue;
		if (v.type == CDP_STRING && among(&key, json) && put_json(d, &key, &v))
			continue;
		if (v.type == CDP_STRING && among(&key, numbers) &&
		    cdp_num_double(&number, v.p, v.n, &ignored) == 0)
			v.type = CDP_NUMBER;
		cdp_draft_val(&d->draft, CDP_PART_PROPS, &key, &v);
	}
}

static int read_message(struct cdp_decoder *d, const struct cdp_val *raw,
			const struct cdp_arrival *from, struct cdp_err *err)
{
	struct cdp_val v[MEMBERS], message = *raw, site;
	const char *p;
	size_t n;

	if (raw->type == CDP_STRING) {
		p = cdp_val_str(raw, &d->a, &n);
		if (n && *p == '?') {
			p++;
			n--;
		}
		cdp_buf_reset(&d->c);
		if (cdp_form_json(&d->c, p, n, err) < 0)
			return -1;
		cdp_val_at(&message, d->c.p, d->c.n);
	}
	if (message.type != CDP_OBJECT)
		return cdp_canon_bad(err, "requests", "neither a query nor an object");
	cdp_pick(&message, members, v);
	site = cdp_pick_one(&message, "idsite");
	if (!cdp_given(&site))
		return cdp_canon_bad(err, "idsite", "idsite is missing");
	cdp_draft_reset(&d->draft, CDP_DRAFT_EVENT);
	if (read_name(d, v, err) < 0 || read_who(d, v, from, err) < 0)
		return -1;
	put_props(d, &message);
	cdp_keep_project(&d->draft, &site);
	cdp_buf_adds(&d->draft.source, d->opts->source ? d->opts->source : "matomo");
	return 0;
}

static int read_one(struct cdp_decoder *d, const struct cdp_val *raw,
		    const struct cdp_arrival *from, struct cdp_sink *sink,
		    struct cdp_err *err)
{
	if (read_message(d, raw, from, err) < 0)
		return cdp_decoder_reject(d, sink, raw, err);
	return cdp_decoder_put(d, sink, raw, err);
}

enum { REQUESTS, SITE, REC };
static const char *const envelope[] = { "requests", "idsite", "rec", NULL };

static bool knows(const struct cdp_val *payload)
{
	struct cdp_val e[3];

	cdp_pick(payload, envelope, e);
	return e[REQUESTS].type == CDP_ARRAY ||
	       (e[SITE].type == CDP_STRING && e[REC].type == CDP_STRING);
}

static int read_payload(struct cdp_decoder *d, const struct cdp_val *payload,
			const struct cdp_arrival *from, struct cdp_sink *sink,
			struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val e[3], raw;

	if (payload->type != CDP_OBJECT)
		return cdp_canon_bad(err, "", "not an object");
	cdp_pick(payload, envelope, e);
	if (e[REQUESTS].type == CDP_MISSING)
		return read_one(d, payload, from, sink, err);
	if (e[REQUESTS].type != CDP_ARRAY)
		return cdp_canon_bad(err, "requests", "not an array");
	cdp_decoder_envelope(d, payload, &e[REQUESTS]);
	while (cdp_val_item(&e[REQUESTS], &it, &raw))
		if (read_one(d, &raw, from, sink, err) < 0)
			return -1;
	return 0;
}

const struct cdp_protocol cdp_p_matomo = { "matomo", knows, read_payload };
