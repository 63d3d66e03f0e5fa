/* Snowplow, as recorded from the node tracker 4.8 and the browser tracker 4.10: the
 * tracker protocol (`{"schema":"iglu:...payload_data...","data":[{...}]}`, or one event
 * as an object of strings, which is also what a GET's query becomes), and lines of
 * enriched events, 131 columns between tabs.
 *
 *	page_view (pv), page_ping (pp)	event of that name
 *	struct (se)			event "<category>.<action>"
 *	unstruct (ue)			event named as its schema; properties are its data
 *	others				event of that name
 *
 * Ids are user_id (login), domain_userid and the userId of a client_session entity
 * (anonymous), network_userid (cookie); without any, the address.  The time is
 * true_tstamp, which the application set, else dvce_created_tstamp; dvce_sent_tstamp is
 * `sent` of the latter alone, as the former needs no correction.  event_id is the event
 * id, app_id the project.  Entities are the members `contexts` and `derived_contexts`;
 *all other fields are properties by the names of enriched events. */
#include "format/p_snowplow.h"

#include "base/base64.h"
#include "base/text.h"
#include "format/keep.h"
#include "format/protocols.h"
#include "format/stamp.h"
#include "record/json.h"

enum { PARAMS = 80 };

/* Parameters that are not fields as they stand. */
static const char *const packed[] = { "ue_px", "cx", "res", "vp", "ds", NULL };

static void set(struct cdp_snowplow_event *e, const char *name, const char *p, size_t n)
{
	int i = cdp_snowplow_column(name);

	e->field[i].p = p;
	e->field[i].n = n;
}

/* --- times --- */

static int read_times(struct cdp_decoder *d, struct cdp_snowplow_event *e,
		      struct cdp_err *err)
{
	static const char *const names[] = { "true_tstamp", "dvce_created_tstamp",
					     "dvce_sent_tstamp", "collector_tstamp" };
	int64_t ms[4] = { CDP_NO_TIME, CDP_NO_TIME, CDP_NO_TIME, CDP_NO_TIME };
	/* Enriched events are in UTC. */
	const struct cdp_clock clock = { CDP_UNIT_MS, NULL, 0 };
	bool own;

	(void)d;
	for (int i = 0; i < 4; i++) {
		int k = cdp_snowplow_column(names[i]);
		struct cdp_val v = { .p = e->field[k].p,
				     .n = (uint32_t)e->field[k].n,
				     .type = CDP_STRING };

		if (v.n && cdp_when(&ms[i], &v, &clock, names[i], err) < 0)
			return -1;
	}
	own = ms[0] != CDP_NO_TIME;
	e->ms = own ? ms[0] : ms[1];
	e->sent = own ? CDP_NO_TIME : ms[2];
	e->received = ms[3];
	set(e, own ? names[0] : names[1], NULL, 0);
	if (!own)
		set(e, names[2], NULL, 0);
	set(e, names[3], NULL, 0);
	return 0;
}

static int put(struct cdp_decoder *d, struct cdp_snowplow_event *e,
	       const struct cdp_arrival *from, struct cdp_err *err)
{
	return read_times(d, e, err) < 0 ? -1 : cdp_snowplow_draft(d, e, from, err);
}

/* --- the tracker protocol --- */

/* "1280x720" */
static void set_size(struct cdp_snowplow_event *e, const char *width, const char *height,
		     const char *p, size_t n)
{
	const char *x = memchr(p, 'x', n);

	if (!x)
		return;
	set(e, width, p, (size_t)(x - p));
	set(e, height, x + 1, n - (size_t)(x - p) - 1);
}

static int set_base64(struct cdp_decoder *d, struct cdp_snowplow_event *e,
		      const char *name, const char *param, const char *p, size_t n,
		      struct cdp_err *err)
{
	size_t at = d->a.n;

	if (cdp_base64_decode(&d->a, p, n) < 0)
		return cdp_canon_bad(err, param, "not Base64");
	set(e, name, d->a.p + at, d->a.n - at);
	return 0;
}

static const struct cdp_snowplow_field *find_param(const struct cdp_val *key)
{
	for (int i = 0; i < CDP_SNOWPLOW_FIELDS; i++) {
		const struct cdp_snowplow_field *f = &cdp_snowplow_fields[i];

		if (f->param && cdp_val_is(key, f->param, strlen(f->param)))
			return f;
	}
	return NULL;
}

static int take_packed(struct cdp_decoder *d, struct cdp_snowplow_event *e,
		       const struct cdp_val *key, const char *p, size_t n,
		       struct cdp_err *err)
{
	if (cdp_val_is(key, "ue_px", 5))
		return set_base64(d, e, "unstruct_event", "ue_px", p, n, err);
	if (cdp_val_is(key, "cx", 2))
		return set_base64(d, e, "contexts", "cx", p, n, err);
	if (cdp_val_is(key, "res", 3))
		set_size(e, "dvce_screenwidth", "dvce_screenheight", p, n);
	else if (cdp_val_is(key, "vp", 2))
		set_size(e, "br_viewwidth", "br_viewheight", p, n);
	else if (cdp_val_is(key, "ds", 2))
		set_size(e, "doc_width", "doc_height", p, n);
	return 0;
}

/* The text of a parameter, decoded behind what d->a holds, which has the room. */
static const char *param_text(struct cdp_decoder *d, const struct cdp_val *v, size_t *n)
{
	const char *p = cdp_val_str(v, &d->b, n);

	if (v->type != CDP_STRING || !v->escaped)
		return p;
	cdp_buf_add(&d->a, p, *n);
	return d->a.p + d->a.n - *n;
}

static int take(struct cdp_decoder *d, struct cdp_snowplow_event *e,
		const struct cdp_val *key, const struct cdp_val *v, struct cdp_err *err)
{
	const struct cdp_snowplow_field *f = find_param(key);
	const char *p;
	size_t n;

	if (v->type == CDP_NULL)
		return 0;
	if (f && v->type != CDP_STRING && v->type != CDP_NUMBER)
		return cdp_canon_bad(err, f->param, "not a string");
	if (v->type != CDP_STRING && v->type != CDP_NUMBER)
		return 0;
	if (!cdp_canon_is_text(v))
		return cdp_canon_bad(err, f ? f->param : "", "half a surrogate pair");
	p = param_text(d, v, &n);
	if (!f)
		return take_packed(d, e, key, p, n, err);
	e->field[f - cdp_snowplow_fields].p = p;
	e->field[f - cdp_snowplow_fields].n = n;
	return 0;
}

/* The short names of events. */
static void set_event(struct cdp_snowplow_event *e)
{
	static const char *const names[][2] = {
		{ "pv", "page_view" },   { "pp", "page_ping" },
		{ "se", "struct" },      { "ue", "unstruct" },
		{ "tr", "transaction" }, { "ti", "transaction_item" },
	};
	int i = cdp_snowplow_column("event");

	for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++)
		if (e->field[i].n == 2 && memcmp(e->field[i].p, names[k][0], 2) == 0) {
			set(e, "event", names[k][1], strlen(names[k][1]));
			return;
		}
}

static int read_message(struct cdp_decoder *d, struct cdp_snowplow_event *e,
			const struct cdp_arrival *from, struct cdp_err *err)
{
	const char *done[PARAMS + 1];
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;
	size_t n = 0;

	if (e->raw.type != CDP_OBJECT)
		return cdp_canon_bad(err, "data", "an event that is not an object");
	cdp_buf_reset(&d->a);
	cdp_buf_reserve(&d->a, e->raw.n); /* slices of it stay where they are */
	while (cdp_val_member(&e->raw, &it, &key, &v))
		if (take(d, e, &key, &v, err) < 0)
			return -1;
	set_event(e);
	if (put(d, e, from, err) < 0)
		return -1;
	for (int i = 0; i < CDP_SNOWPLOW_FIELDS && n < PARAMS; i++)
		if (cdp_snowplow_fields[i].param)
			done[n++] = cdp_snowplow_fields[i].param;
	for (int i = 0; packed[i] && n < PARAMS; i++)
		done[n++] = packed[i];
	done[n] = NULL;
	cdp_keep_rest(d, &e->raw, done, "snowplow");
	return 0;
}

static int read_one(struct cdp_decoder *d, const struct cdp_val *raw,
		    const struct cdp_arrival *from, struct cdp_sink *sink,
		    struct cdp_err *err)
{
	struct cdp_snowplow_event e = { .raw = *raw };

	if (read_message(d, &e, from, err) < 0)
		return cdp_decoder_reject(d, sink, raw, err);
	return cdp_decoder_put(d, sink, raw, err);
}

enum { SCHEMA, DATA, E, EID, DTM, TV };
static const char *const members[] = { "schema", "data", "e", "eid", "dtm", "tv", NULL };

static bool knows(const struct cdp_val *payload)
{
	struct cdp_val v[6];

	cdp_pick(payload, members, v);
	if (v[SCHEMA].type == CDP_STRING)
		return v[DATA].type == CDP_ARRAY &&
		       memmem(v[SCHEMA].p, v[SCHEMA].n, "/payload_data/", 14);
	return v[E].type == CDP_STRING &&
	       (v[EID].type == CDP_STRING || v[DTM].type == CDP_STRING ||
		v[TV].type == CDP_STRING);
}

static int read_payload(struct cdp_decoder *d, const struct cdp_val *payload,
			const struct cdp_arrival *from, struct cdp_sink *sink,
			struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val v[6], raw;

	if (payload->type != CDP_OBJECT)
		return cdp_canon_bad(err, "", "not an object");
	cdp_pick(payload, members, v);
	if (v[DATA].type == CDP_MISSING)
		return read_one(d, payload, from, sink, err);
	if (v[DATA].type != CDP_ARRAY)
		return cdp_canon_bad(err, "data", "not an array");
	cdp_decoder_envelope(d, payload, &v[DATA]);
	while (cdp_val_item(&v[DATA], &it, &raw))
		if (read_one(d, &raw, from, sink, err) < 0)
			return -1;
	return 0;
}

/* --- enriched events --- */

static int split(struct cdp_snowplow_event *e, const char *line, size_t n,
		 struct cdp_err *err)
{
	const char *p = line, *end = line + n;
	unsigned columns = 0;

	for (;;) {
		const char *tab = memchr(p, '\t', (size_t)(end - p));
		const char *to = tab ? tab : end;

		if (columns < CDP_SNOWPLOW_FIELDS) {
			e->field[columns].p = p;
			e->field[columns].n = (size_t)(to - p);
		}
		columns++;
		if (!tab)
			break;
		p = tab + 1;
	}
	if (columns != CDP_SNOWPLOW_FIELDS)
		return cdp_canon_bad(err, "", "%u columns instead of %d", columns,
				     CDP_SNOWPLOW_FIELDS);
	if (cdp_utf8_check(line, n) < n)
		return cdp_canon_bad(err, "", "not UTF-8");
	return 0;
}

static int read_line(struct cdp_decoder *d, const char *line, size_t n,
		     const struct cdp_arrival *from, struct cdp_sink *sink,
		     struct cdp_err *err)
{
	struct cdp_snowplow_event e = { 0 };
	struct cdp_val raw = { .p = line, .n = (uint32_t)n, .type = CDP_OBJECT };

	if (split(&e, line, n, err) < 0 || put(d, &e, from, err) < 0)
		return cdp_decoder_reject(d, sink, &raw, err);
	return cdp_decoder_put(d, sink, &raw, err);
}

const struct cdp_protocol cdp_p_snowplow = { "snowplow", knows, read_payload, read_line };
