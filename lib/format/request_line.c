/* Requests as lines of a file. */
#include "base/base64.h"
#include "base/text.h"
#include "format/form.h"
#include "format/request_priv.h"
#include "record/json.h"

#include <strings.h>

/* --- writing --- */

/* A JSON string; what is no UTF-8 is percent-encoded. */
static void put_text(struct cdp_buf *out, const char *p)
{
	size_t n = strlen(p), from = 0;
	struct cdp_buf safe;

	if (cdp_utf8_check(p, n) == n) {
		cdp_json_str(out, p, n);
		return;
	}
	cdp_buf_init(&safe, CDP_BUF_NOMAX);
	for (size_t i = 0; i <= n; i++) {
		if (i < n && (unsigned char)p[i] < 0x80)
			continue;
		cdp_buf_add(&safe, p + from, i - from);
		if (i < n)
			cdp_buf_addf(&safe, "%%%02X", (unsigned)(unsigned char)p[i]);
		from = i + 1;
	}
	cdp_json_str(out, safe.p, safe.n);
	cdp_buf_release(&safe);
}

static void put_member(struct cdp_buf *out, const char *key, const char *text)
{
	if (!text || !*text)
		return;
	cdp_json_key(out, key);
	put_text(out, text);
}

/* Those on which the reading of a request can depend. */
static void put_headers(struct cdp_requests *r, struct cdp_buf *out)
{
	static const char *const names[] = { "user-agent",       "content-type",
					     "content-encoding", "appid",
					     "compress",         "x-compress-codec",
					     "x-crypt-codec",    NULL };
	const struct cdp_request *q = r->q;
	bool any = false;

	if (!q->header)
		return;
	for (int i = 0; names[i]; i++) {
		const char *v = q->header(q->header_ctx, names[i]);

		if (!v)
			continue;
		if (!any)
			cdp_buf_adds(out, ",\"headers\":{");
		any = true;
		put_member(out, names[i], v);
	}
	if (any)
		cdp_buf_addc(out, '}');
}

static void put_body(struct cdp_buf *out, const char *p, size_t n)
{
	if (!n)
		return;
	if (cdp_utf8_check(p, n) == n && !memchr(p, '\0', n)) {
		cdp_json_key(out, "body");
		cdp_json_str(out, p, n);
		return;
	}
	cdp_json_key(out, "body_base64");
	cdp_buf_addc(out, '"');
	cdp_base64_encode(out, p, n);
	cdp_buf_addc(out, '"');
}

/* What a query says besides the payload, which is in `body` now. */
static void put_own_query(struct cdp_requests *r, struct cdp_buf *out)
{
	static const char *const names[] = { "project", "token", "stm" };
	struct cdp_buf *q = &r->scratch, *value = &r->header;
	const char *query = r->q->query;

	cdp_buf_reset(q);
	for (int i = 0; i < 3; i++) {
		if (!cdp_form_get(query, strlen(query), names[i], value) || !value->n ||
		    value->n > REQUEST_REPEATED_MAX)
			continue;
		if (q->n)
			cdp_buf_addc(q, '&');
		cdp_buf_adds(q, names[i]);
		cdp_buf_addc(q, '=');
		cdp_form_put(q, value->p, value->n);
	}
	put_member(out, "query", cdp_buf_str(q));
}

void request_write(struct cdp_requests *r, struct cdp_buf *out, const char *path,
		   const char *body, size_t n)
{
	const struct cdp_request *q = r->q;
	const char *agent = NULL;

	cdp_buf_adds(out, "{\"method\":");
	put_text(out, body ? "POST" : q->method);
	put_member(out, "path", *path ? path : "/");
	if (body) {
		put_own_query(r, out);
		if (q->header)
			agent = q->header(q->header_ctx, "user-agent");
		if (agent && strlen(agent) <= REQUEST_REPEATED_MAX) {
			cdp_buf_adds(out, ",\"headers\":{");
			put_member(out, "user-agent", agent);
			cdp_buf_addc(out, '}');
		}
		put_body(out, body, n);
	} else {
		put_member(out, "query", q->query);
		put_headers(r, out);
		put_body(out, q->body, q->body_n);
	}
	if (q->received != CDP_NO_TIME) {
		cdp_json_key(out, "received");
		cdp_canon_put_time(out, q->received);
	}
	put_member(out, "ip", q->ip);
	cdp_buf_addc(out, '}');
}

/* --- reading --- */

enum { METHOD, PATH, QUERY, HEADERS, BODY, BASE64, RECEIVED, IP };
static const char *const members[] = { "method",   "path", "query",
				       "headers",  "body", "body_base64",
				       "received", "ip",   NULL };

/* A text member as a C string. */
static int take_text(struct cdp_buf *to, const struct cdp_val *v, int member,
		     struct cdp_err *err)
{
	struct cdp_buf tmp;
	const char *p;
	size_t n;

	cdp_buf_reset(to);
	if (v[member].type <= CDP_NULL)
		return 0;
	if (v[member].type != CDP_STRING)
		return cdp_canon_bad(err, members[member], "not a string");
	cdp_buf_init(&tmp, CDP_BUF_NOMAX);
	p = cdp_val_str(&v[member], &tmp, &n);
	if (memchr(p, '\0', n))
		n = strlen(p);
	cdp_buf_add(to, p, n);
	cdp_buf_release(&tmp);
	return 0;
}

static const char *line_header(void *ctx, const char *name)
{
	struct cdp_requests *r = ctx;
	struct cdp_iter it = { 0 };
	struct cdp_val key, v;
	size_t n = strlen(name);

	if (r->headers.type != CDP_OBJECT)
		return NULL;
	while (cdp_val_member(&r->headers, &it, &key, &v)) {
		const struct cdp_val one = v;
		struct cdp_err ignored;

		if (key.escaped || key.n != n || strncasecmp(key.p, name, n) != 0 ||
		    take_text(&r->header, &one, 0, &ignored) < 0)
			continue;
		return cdp_buf_str(&r->header);
	}
	return NULL;
}

static int take_content(struct cdp_requests *r, const struct cdp_val *v,
			struct cdp_err *err)
{
	struct cdp_buf tmp;
	const char *p;
	size_t n;
	int rc = 0;

	cdp_buf_reset(&r->content);
	cdp_buf_init(&tmp, CDP_BUF_NOMAX);
	if (v[BASE64].type == CDP_STRING) {
		p = cdp_val_str(&v[BASE64], &tmp, &n);
		rc = cdp_base64_decode(&r->content, p, n);
		if (rc < 0)
			cdp_canon_bad(err, "body_base64", "not Base64");
	} else if (v[BODY].type == CDP_STRING) {
		p = cdp_val_str(&v[BODY], &tmp, &n);
		cdp_buf_add(&r->content, p, n);
	}
	cdp_buf_release(&tmp);
	return rc;
}

bool cdp_requests_knows(const struct cdp_val *line)
{
	struct cdp_val v[sizeof(members) / sizeof(*members) - 1];

	cdp_pick(line, members, v);
	return v[PATH].type == CDP_STRING && v[PATH].n && *v[PATH].p == '/' &&
	       (v[METHOD].type == CDP_STRING || v[QUERY].type == CDP_STRING ||
		v[BODY].type == CDP_STRING || v[BASE64].type == CDP_STRING ||
		v[HEADERS].type == CDP_OBJECT);
}

int cdp_requests_line(struct cdp_requests *r, const struct cdp_rec *rec,
		      struct cdp_sink *sink, struct cdp_err *err)
{
	struct cdp_request q = { .header = line_header,
				 .header_ctx = r,
				 .received = CDP_NO_TIME };
	struct cdp_val all, v[sizeof(members) / sizeof(*members) - 1];
	struct cdp_clock clock = { CDP_UNIT_MS, r->opts.zone, CDP_NO_OFFSET };
	struct cdp_answer answer;
	int rc;

	cdp_val_at(&all, rec->raw, rec->len);
	cdp_pick(&all, members, v);
	if (v[PATH].type != CDP_STRING)
		return cdp_canon_bad(err, "path", "path is missing");
	if (take_text(&r->method, v, METHOD, err) < 0 ||
	    take_text(&r->path, v, PATH, err) < 0 ||
	    take_text(&r->query, v, QUERY, err) < 0 ||
	    take_text(&r->ip, v, IP, err) < 0 || take_content(r, v, err) < 0 ||
	    cdp_when_any(&q.received, &v[RECEIVED], &clock, "received", err) < 0)
		return -1;
	r->headers = v[HEADERS];
	q.method = r->method.n ? cdp_buf_str(&r->method) : r->content.n ? "POST" : "GET";
	q.path = cdp_buf_str(&r->path);
	q.query = cdp_buf_str(&r->query);
	q.ip = r->ip.n ? cdp_buf_str(&r->ip) : NULL;
	q.body = r->content.p;
	q.body_n = r->content.n;
	cdp_buf_init(&answer.body, CDP_BUF_NOMAX);
	rc = cdp_requests_read(r, &q, sink, &answer, err);
	cdp_buf_release(&answer.body);
	return rc;
}
