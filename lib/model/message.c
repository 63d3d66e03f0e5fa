#include "model/message.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/time.h"
#include "io/csv.h"
#include "record/head.h"
#include "record/json.h"

/* --- reading --- */

void cdp_message_paths_init(struct cdp_message_paths *p)
{
	const struct {
		const char *name;
		int *slot;
	} all[] = {
		{ "message_id", &p->message_id },
		{ "strategy", &p->strategy },
		{ "version", &p->version },
		{ "node", &p->node },
		{ "wave", &p->wave },
		{ "channel", &p->channel },
		{ "to", &p->to },
		{ "template", &p->template },
		{ "vars", &p->vars },
		{ "not_before", &p->not_before },
		{ "expires", &p->expires },
		{ "suppressed", &p->suppressed },
	};

	p->paths = cdp_paths_new();
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		size_t n = strlen(all[i].name);

		*all[i].slot = cdp_paths_add_keys(p->paths, &all[i].name, &n, 1);
	}
}

void cdp_message_paths_release(struct cdp_message_paths *p)
{
	cdp_paths_free(p->paths);
}

static int bad(struct cdp_err *err, const char *path, const char *what)
{
	cdp_err_set(err, CDP_ERR_DATA, "%s", what);
	snprintf(err->path, sizeof(err->path), "%s", path);
	return -1;
}

static int read_id(struct cdp_ledger_key *k, const struct cdp_val *v, struct cdp_err *err)
{
	if (v->type != CDP_STRING || v->escaped || v->n == 0 || v->n > CDP_MESSAGE_ID_MAX)
		return bad(err, "message_id", "expected a string of 1 to 128 characters");
	for (size_t i = 0; i < v->n; i++) {
		char c = v->p[i];

		/* So that it needs no quotes in any format. */
		if ((c < '0' || c > '9') && (c < 'a' || c > 'z') &&
		    (c < 'A' || c > 'Z') && !strchr("-_.:", c))
			return bad(err, "message_id",
				   "expected letters, digits, '-', '_', '.' and ':'");
	}
	k->n = v->n;
	memcpy(k->id, v->p, v->n);
	return 0;
}

static int read_one_id(struct cdp_ledger_key *k, const struct cdp_val *v,
		       struct cdp_err *err)
{
	uint64_t ignored;

	if (v->type != CDP_STRING || !cdp_unhex16(&ignored, v->p, v->n))
		return bad(err, "one_id", "expected 16 lower-case hex digits");
	memcpy(k->one_id, v->p, CDP_ONE_ID);
	return 0;
}

static int read_time(int64_t *ms, const struct cdp_val *v, const char *path,
		     struct cdp_err *err)
{
	struct cdp_time t;

	if (v->type == CDP_MISSING || v->type == CDP_NULL)
		return 0;
	if (v->type != CDP_STRING || v->escaped)
		return bad(err, path, "expected a time");
	if (cdp_time_parse(&t, v->p, v->n, err) < 0) {
		snprintf(err->path, sizeof(err->path), "%s", path);
		return -1;
	}
	*ms = cdp_time_ms(t);
	return 0;
}

/* Absent, or one of the types that fit the member. */
static int check(const struct cdp_val *v, const char *path, unsigned types,
		 const char *what, struct cdp_err *err)
{
	if (v->type == CDP_MISSING || v->type == CDP_NULL || (types >> v->type & 1))
		return 0;
	return bad(err, path, what);
}

#define SCALAR (1u << CDP_STRING | 1u << CDP_NUMBER)

int cdp_message_read(struct cdp_message *m, const struct cdp_message_paths *p,
		     struct cdp_rec *rec, struct cdp_err *err)
{
	const struct cdp_val *channel = cdp_rec_get(rec, p->channel);

	*m = (struct cdp_message){
		.key.not_before = CDP_MESSAGE_ANY_TIME,
		.channel = channel->p,
		.channel_n = channel->n,
		.strategy = cdp_rec_get(rec, p->strategy),
		.version = cdp_rec_get(rec, p->version),
		.node = cdp_rec_get(rec, p->node),
		.wave = cdp_rec_get(rec, p->wave),
		.to = cdp_rec_get(rec, p->to),
		.template = cdp_rec_get(rec, p->template),
		.vars = cdp_rec_get(rec, p->vars),
		.suppressed = cdp_rec_get(rec, p->suppressed),
		.expires = INT64_MAX,
	};
	if (read_id(&m->key, cdp_rec_get(rec, p->message_id), err) < 0 ||
	    read_one_id(&m->key, cdp_rec_get(rec, CDP_SLOT_ONE_ID), err) < 0)
		return -1;
	if (channel->type != CDP_STRING)
		return bad(err, "channel", "expected a string");
	if (check(m->strategy, "strategy", 1u << CDP_STRING, "expected a string", err) <
		    0 ||
	    check(m->version, "version", SCALAR, "expected a number", err) < 0 ||
	    check(m->node, "node", 1u << CDP_STRING, "expected a string", err) < 0 ||
	    check(m->wave, "wave", SCALAR, "expected a number", err) < 0 ||
	    check(m->to, "to", 1u << CDP_STRING, "expected a string", err) < 0 ||
	    check(m->vars, "vars", 1u << CDP_OBJECT, "expected an object", err) < 0 ||
	    check(m->suppressed, "suppressed", 1u << CDP_STRING, "expected a string",
		  err) < 0 ||
	    read_time(&m->key.not_before, cdp_rec_get(rec, p->not_before), "not_before",
		      err) < 0 ||
	    read_time(&m->expires, cdp_rec_get(rec, p->expires), "expires", err) < 0)
		return -1;
	if (m->suppressed->type != CDP_STRING && m->template->type != CDP_STRING)
		return bad(err, "template", "expected a string");
	return 0;
}

/* --- rendering --- */

/* Appends the text of variable `name`; false if it has none. */
static bool add_var(struct cdp_buf *text, const struct cdp_val *vars, const char *name,
		    size_t n)
{
	struct cdp_val key, val, found = { .type = CDP_MISSING };
	struct cdp_iter it = { 0 };
	struct cdp_buf tmp;

	while (vars->type == CDP_OBJECT && cdp_val_member(vars, &it, &key, &val))
		if (cdp_val_is(&key, name, n))
			found = val; /* of duplicates the last counts */
	switch (found.type) {
	case CDP_NUMBER:
	case CDP_TRUE:
	case CDP_FALSE:
		cdp_buf_add(text, found.p, found.n);
		return true;
	case CDP_STRING:
		cdp_buf_init(&tmp, CDP_BUF_NOMAX);
		name = cdp_val_str(&found, &tmp, &n);
		cdp_buf_add(text, name, n);
		cdp_buf_release(&tmp);
		return true;
	default:
		return false; /* nothing that could stand in a text */
	}
}

int cdp_message_render(const struct cdp_message *m, struct cdp_buf *text,
		       struct cdp_buf *missing, struct cdp_err *err)
{
	const char *p, *end, *open, *close;
	struct cdp_buf tmp;
	size_t n;
	int ret = 1;

	cdp_buf_init(&tmp, CDP_BUF_NOMAX);
	p = cdp_val_str(m->template, &tmp, &n);
	end = p + n;
	while (ret == 1 && (open = memmem(p, (size_t)(end - p), "{{", 2))) {
		cdp_buf_add(text, p, (size_t)(open - p));
		open += 2;
		close = memmem(open, (size_t)(end - open), "}}", 2);
		if (!close) {
			ret = bad(err, "template", "'{{' without '}}'");
		} else if (!add_var(text, m->vars, open, (size_t)(close - open))) {
			cdp_buf_reset(missing);
			cdp_buf_add(missing, open, (size_t)(close - open));
			ret = 0;
		} else {
			p = close + 2;
		}
	}
	if (ret == 1)
		cdp_buf_add(text, p, (size_t)(end - p));
	cdp_buf_release(&tmp);
	return ret;
}

/* --- writing --- */

/* A member as it came, if it is there. */
static void pass(struct cdp_buf *b, const char *key, const struct cdp_val *v)
{
	if (v->type == CDP_MISSING)
		return;
	cdp_json_key(b, key);
	cdp_json_val(b, v);
}

static void pass_campaign(struct cdp_buf *b, const struct cdp_message *m)
{
	pass(b, "strategy", m->strategy);
	pass(b, "version", m->version);
	pass(b, "node", m->node);
	pass(b, "wave", m->wave);
}

static void put_str(struct cdp_buf *b, const char *key, const char *p, size_t n)
{
	cdp_json_key(b, key);
	cdp_json_str(b, p, n);
}

/* Text that stands in a record: escaped as it came. */
static void put_raw(struct cdp_buf *b, const char *key, const char *p, size_t n)
{
	cdp_json_key(b, key);
	cdp_buf_addc(b, '"');
	cdp_buf_add(b, p, n);
	cdp_buf_addc(b, '"');
}

static void put_time(struct cdp_buf *b, const char *key, int64_t ms)
{
	char t[CDP_TIME_CANON];

	cdp_time_format(t, cdp_time_from_ms(ms));
	put_str(b, key, t, sizeof(t));
}

void cdp_message_props(struct cdp_buf *b, const struct cdp_message *m)
{
	cdp_buf_addc(b, '{');
	put_str(b, "message_id", m->key.id, m->key.n);
	pass_campaign(b, m);
	put_raw(b, "channel", m->channel, m->channel_n);
}

void cdp_message_json(struct cdp_buf *b, const struct cdp_message *m, const char *text,
		      size_t n, int64_t time_ms)
{
	cdp_buf_addc(b, '{');
	put_str(b, "message_id", m->key.id, m->key.n);
	put_str(b, "one_id", m->key.one_id, CDP_ONE_ID);
	put_raw(b, "channel", m->channel, m->channel_n);
	pass(b, "to", m->to);
	put_str(b, "text", text, n);
	pass_campaign(b, m);
	put_time(b, "time", time_ms);
	cdp_buf_adds(b, "}\n");
}

/* The text of a string or number; nothing where there is none. */
static void csv_val(struct cdp_buf *b, size_t column, const struct cdp_val *v)
{
	struct cdp_buf tmp;
	const char *p = v->p;
	size_t n = v->n;

	cdp_buf_init(&tmp, CDP_BUF_NOMAX);
	if (v->type == CDP_STRING)
		p = cdp_val_str(v, &tmp, &n);
	else if (v->type != CDP_NUMBER)
		n = 0;
	cdp_csv_add_field(b, ',', column, n ? p : "", n);
	cdp_buf_release(&tmp);
}

void cdp_message_csv_header(struct cdp_buf *b)
{
	cdp_buf_adds(
		b, "message_id,one_id,channel,to,text,strategy,version,node,wave,time\n");
}

void cdp_message_csv(struct cdp_buf *b, const struct cdp_message *m, const char *text,
		     size_t n, int64_t time_ms)
{
	char t[CDP_TIME_CANON];

	cdp_time_format(t, cdp_time_from_ms(time_ms));
	cdp_csv_add_field(b, ',', 0, m->key.id, m->key.n);
	cdp_csv_add_field(b, ',', 1, m->key.one_id, CDP_ONE_ID);
	cdp_csv_add_field(b, ',', 2, m->channel, m->channel_n);
	csv_val(b, 3, m->to);
	cdp_csv_add_field(b, ',', 4, text, n);
	csv_val(b, 5, m->strategy);
	csv_val(b, 6, m->version);
	csv_val(b, 7, m->node);
	csv_val(b, 8, m->wave);
	cdp_csv_add_field(b, ',', 9, t, sizeof(t));
	cdp_csv_end_row(b);
}

/* --- receipts --- */

const char *cdp_send_name(enum cdp_send_state state)
{
	switch (state) {
	case CDP_SEND_ACCEPTED:
		return "accepted";
	case CDP_SEND_FAILED:
		return "failed";
	case CDP_SEND_SUPPRESSED:
		return "suppressed";
	default:
		return "held";
	}
}

static void put_event_id(struct cdp_buf *b, const struct cdp_receipt *r, const char *name,
			 const char time[CDP_TIME_CANON])
{
	cdp_json_key(b, "event_id");
	cdp_buf_addc(b, '"');
	cdp_buf_add(b, r->key->id, r->key->n);
	cdp_buf_addc(b, '-');
	cdp_buf_adds(b, name);
	if (strcmp(name, "held") == 0) {
		cdp_buf_addc(b, '-');
		cdp_buf_add(b, time, CDP_TIME_CANON);
	}
	cdp_buf_addc(b, '"');
}

void cdp_receipt_put(struct cdp_buf *b, const struct cdp_receipt *r)
{
	const char *name = cdp_send_name(r->state);
	char time[CDP_TIME_CANON], event[32];

	snprintf(event, sizeof(event), "message_%s", name);
	cdp_time_format(time, cdp_time_from_ms(r->time));
	cdp_head_put(b, r->key->one_id, time, event, strlen(event));
	cdp_buf_adds(b, "\"ids\":{},\"props\":");
	cdp_buf_add(b, r->props, r->props_n);
	if (r->reason)
		put_str(b, "reason", r->reason, strlen(r->reason));
	if (r->detail_n)
		put_str(b, "detail", r->detail, r->detail_n);
	if (r->until)
		put_time(b, "until", r->until);
	cdp_buf_addc(b, '}');
	put_event_id(b, r, name, time);
	cdp_json_key(b, "source");
	cdp_json_cstr(b, "cdp-push");
	cdp_buf_addc(b, '}');
}
