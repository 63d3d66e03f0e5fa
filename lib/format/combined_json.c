/* Access logs in JSON. */
#include "format/combined_priv.h"

#include "record/json.h"

#include <string.h>

enum field {
	F_TIME,
	F_IP,
	F_USER,
	F_REQUEST,
	F_METHOD,
	F_URI,
	F_QUERY,
	F_PROTOCOL,
	F_STATUS,
	F_BYTES,
	F_REFERER,
	F_AGENT,
	F_FORWARDED,
	FIELDS,
};

static const char *const names[FIELDS] = {
	[F_TIME] = "time",
	[F_IP] = "ip",
	[F_USER] = "user",
	[F_REQUEST] = "request",
	[F_METHOD] = "method",
	[F_URI] = "uri",
	[F_QUERY] = "query",
	[F_PROTOCOL] = "protocol",
	[F_STATUS] = "status",
	[F_BYTES] = "bytes",
	[F_REFERER] = "referer",
	[F_AGENT] = "user_agent",
	[F_FORWARDED] = "forwarded_for",
};

/* nginx's variables; of several that are one field, the last in this list counts. */
static const struct {
	const char *member;
	enum field field;
} known[] = {
	{ "time_local", F_TIME },
	{ "time_iso8601", F_TIME },
	{ "msec", F_TIME },
	{ "remote_addr", F_IP },
	{ "remote_user", F_USER },
	{ "request", F_REQUEST },
	{ "request_method", F_METHOD },
	{ "uri", F_URI },
	{ "request_uri", F_URI },
	{ "args", F_QUERY },
	{ "query_string", F_QUERY },
	{ "server_protocol", F_PROTOCOL },
	{ "status", F_STATUS },
	{ "bytes_sent", F_BYTES },
	{ "body_bytes_sent", F_BYTES },
	{ "http_referer", F_REFERER },
	{ "http_user_agent", F_AGENT },
	{ "http_x_forwarded_for", F_FORWARDED },
};
enum { KNOWN = sizeof(known) / sizeof(*known) };

int cdp_combined_field(const char *name)
{
	for (int i = 0; i < FIELDS; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static bool is_key(const struct cdp_val *key, const char *name)
{
	return cdp_val_is(key, name, strlen(name));
}

/* Which field a member is, -1: none; and its place among those that are the same. */
static int field_of(const struct cdp_format_opts *o, const struct cdp_val *key,
		    unsigned *rank)
{
	for (size_t i = 0; i < o->log_field_count; i++)
		if (is_key(key, o->log_fields[i].member)) {
			*rank = KNOWN + 1;
			return o->log_fields[i].field;
		}
	for (unsigned i = 0; i < KNOWN; i++)
		if (is_key(key, known[i].member)) {
			*rank = i + 1;
			return (int)known[i].field;
		}
	return -1;
}

bool cdp_combined_knows(const struct cdp_val *object)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;
	bool has_address = false, has_request = false;

	while (cdp_val_member(object, &it, &key, &v)) {
		has_address = has_address || is_key(&key, "remote_addr");
		has_request = has_request || is_key(&key, "request") ||
			      is_key(&key, "request_uri");
	}
	return has_address && has_request;
}

/* A value as text in r->json, which has room for the whole line. */
static struct slice text_of(struct cdp_combined *r, const struct cdp_val *v)
{
	size_t at = r->json.n, n;
	const char *p = v->p;

	if (v->type != CDP_STRING && v->type != CDP_NUMBER)
		return (struct slice){ NULL, 0 };
	n = v->n;
	if (v->type == CDP_STRING)
		p = cdp_val_str(v, &r->value, &n);
	/* Variables that are not set are empty there. */
	if (!n || (n == 1 && *p == '-'))
		return (struct slice){ NULL, 0 };
	cdp_buf_add(&r->json, p, n);
	return (struct slice){ r->json.p + at, n };
}

static void add_member(struct cdp_buf *b, const struct cdp_val *key,
		       const struct cdp_val *v)
{
	if (b->n)
		cdp_buf_addc(b, ',');
	cdp_json_val(b, key);
	cdp_buf_addc(b, ':');
	cdp_canon_put_val(b, v);
}

/* A member that is none of the fields: a property, or one of "log". */
static void keep(struct cdp_combined *r, const struct cdp_val *key,
		 const struct cdp_val *v)
{
	struct slice name;

	name.p = cdp_val_str(key, &r->names, &name.n);
	add_member(combined_is_taken(name, false) ||
				   (name.n == 3 && memcmp(name.p, "log", 3) == 0)
			   ? &r->other
			   : &r->more,
		   key, v);
}

static void take_members(struct cdp_combined *r, const struct cdp_rec *rec,
			 struct slice *f)
{
	struct cdp_iter it = { 0 };
	struct cdp_val line, key, v;
	unsigned ranks[FIELDS] = { 0 }, rank;

	cdp_val_at(&line, rec->raw, rec->len);
	while (cdp_val_member(&line, &it, &key, &v)) {
		int i = field_of(r->opts, &key, &rank);

		if (i < 0)
			keep(r, &key, &v);
		else if (rank >= ranks[i]) {
			struct slice s = text_of(r, &v);

			if (!s.p)
				continue;
			f[i] = s;
			ranks[i] = rank;
		}
	}
	if (!r->other.n)
		return;
	cdp_buf_adds(&r->more, r->more.n ? ",\"log\":{" : "\"log\":{");
	cdp_buf_add(&r->more, r->other.p, r->other.n);
	cdp_buf_addc(&r->more, '}');
}

int cdp_combined_json(struct cdp_combined *r, const struct cdp_rec *rec,
		      struct cdp_buf *out, struct cdp_canon *info, struct cdp_err *err)
{
	struct slice f[FIELDS] = { 0 };
	struct access_fields a = { .plain = true };

	cdp_buf_reset(&r->json);
	cdp_buf_reset(&r->more);
	cdp_buf_reset(&r->other);
	/* A text is never longer than it is in JSON, so it stays where it is put. */
	if (cdp_buf_reserve(&r->json, rec->len) < 0)
		return cdp_canon_bad(err, "", "line is too long");
	take_members(r, rec, f);
	if (!f[F_TIME].p)
		return cdp_canon_bad(err, "time",
				     "no time, in none of the members for it");
	if (!f[F_IP].p)
		return cdp_canon_bad(err, "ip",
				     "no address, in none of the members for it");
	a.time = f[F_TIME];
	a.host = f[F_IP];
	a.user = f[F_USER];
	a.request = f[F_REQUEST];
	a.method = f[F_METHOD];
	a.target = f[F_URI];
	a.query = f[F_QUERY];
	a.protocol = f[F_PROTOCOL];
	a.status = f[F_STATUS];
	a.bytes = f[F_BYTES];
	a.referer = f[F_REFERER];
	a.agent = f[F_AGENT];
	a.forwarded = f[F_FORWARDED];
	a.more = (struct slice){ r->more.p, r->more.n };
	return combined_compose(r, &a, out, info, err);
}
