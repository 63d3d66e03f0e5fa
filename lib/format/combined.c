#include "format/combined_priv.h"

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "format/stamp.h"
#include "record/json.h"

#include <inttypes.h>
#include <stdlib.h>

struct cdp_combined *cdp_combined_new(const struct cdp_format_opts *opts)
{
	struct cdp_combined *r = cdp_calloc(1, sizeof(*r));

	r->opts = opts;
	cdp_ids_init(&r->ids);
	cdp_buf_init(&r->request, CDP_BUF_NOMAX);
	cdp_buf_init(&r->text, CDP_BUF_NOMAX);
	cdp_buf_init(&r->value, CDP_BUF_NOMAX);
	cdp_buf_init(&r->names, CDP_BUF_NOMAX);
	cdp_buf_init(&r->query, CDP_BUF_NOMAX);
	cdp_buf_init(&r->event, CDP_BUF_NOMAX);
	cdp_buf_init(&r->json, CDP_BUF_NOMAX);
	cdp_buf_init(&r->more, CDP_BUF_NOMAX);
	cdp_buf_init(&r->other, CDP_BUF_NOMAX);
	return r;
}

void cdp_combined_free(struct cdp_combined *r)
{
	if (!r)
		return;
	cdp_ids_release(&r->ids);
	cdp_buf_release(&r->request);
	cdp_buf_release(&r->text);
	cdp_buf_release(&r->value);
	cdp_buf_release(&r->names);
	cdp_buf_release(&r->query);
	cdp_buf_release(&r->event);
	cdp_buf_release(&r->json);
	cdp_buf_release(&r->more);
	cdp_buf_release(&r->other);
	free(r);
}

/* --- taking a line apart --- */

/* Up to the next space; false at the end. */
static bool word(const char **p, const char *end, struct slice *s)
{
	const char *from = *p, *space = memchr(from, ' ', (size_t)(end - from));
	const char *to = space ? space : end;

	*s = (struct slice){ from, (size_t)(to - from) };
	*p = space ? space + 1 : end;
	return s->n > 0;
}

/* Between `open` and `close`, a backslash protecting what follows it. */
static bool enclosed(const char **p, const char *end, char open, char close,
		     struct slice *s)
{
	const char *from = *p, *q;

	if (from == end || *from != open)
		return false;
	for (q = ++from; q < end && *q != close; q++)
		if (*q == '\\')
			q++;
	if (q >= end)
		return false;
	*s = (struct slice){ from, (size_t)(q - from) };
	*p = q + 1;
	return true;
}

static bool space(const char **p, const char *end)
{
	if (*p == end || **p != ' ')
		return false;
	++*p;
	return true;
}

/* Up to " [", as a user's name may have spaces. */
static bool before_bracket(const char **p, const char *end, struct slice *s)
{
	const char *q = memmem(*p, (size_t)(end - *p), " [", 2);

	if (!q || q == *p)
		return false;
	*s = (struct slice){ *p, (size_t)(q - *p) };
	*p = q + 1;
	return true;
}

/* The name of the first field that is not as it should be, or NULL. */
static const char *split(struct access_fields *f, const char *p, const char *end)
{
	struct slice ident;

	*f = (struct access_fields){ 0 };
	if (!word(&p, end, &f->host))
		return "host";
	if (!word(&p, end, &ident))
		return "ident";
	if (!before_bracket(&p, end, &f->user))
		return "user";
	if (!enclosed(&p, end, '[', ']', &f->time) || !space(&p, end))
		return "time";
	if (!enclosed(&p, end, '"', '"', &f->request) || !space(&p, end))
		return "request";
	if (!word(&p, end, &f->status))
		return "status";
	if (!word(&p, end, &f->bytes))
		return "bytes";
	if (p == end)
		return NULL; /* common: no more than that */
	if (!enclosed(&p, end, '"', '"', &f->referer) || !space(&p, end))
		return "referer";
	if (!enclosed(&p, end, '"', '"', &f->agent))
		return "user_agent";
	if (p == end)
		return NULL;
	if (!space(&p, end) || !enclosed(&p, end, '"', '"', &f->forwarded) || p != end)
		return "forwarded_for";
	return NULL;
}

/* --- escapes --- */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Two digits at p as a byte, -1 if they are none. */
static int hex_byte(const char *p, const char *end)
{
	if (end - p < 2 || hex(p[0]) < 0 || hex(p[1]) < 0)
		return -1;
	return hex(p[0]) << 4 | hex(p[1]);
}

static void unescape(struct cdp_buf *b, struct slice s)
{
	static const char from[] = "nrtbv", to[] = "\n\r\t\b\v";
	const char *p = s.p, *end = s.p + s.n;

	while (p < end) {
		const char *c;
		int byte;

		if (*p != '\\' || p + 1 == end) {
			cdp_buf_addc(b, *p++);
			continue;
		}
		byte = p[1] == 'x' ? hex_byte(p + 2, end) : -1;
		if (byte >= 0) {
			cdp_buf_addc(b, (char)byte);
			p += 4;
			continue;
		}
		c = p[1] ? strchr(from, p[1]) : NULL;
		if (c)
			cdp_buf_addc(b, to[c - from]);
		else if (p[1] == '"' || p[1] == '\\')
			cdp_buf_addc(b, p[1]);
		else
			cdp_buf_add(b, p, 2);
		p += 2;
	}
}

static struct slice utf8_or(struct cdp_buf *b, struct slice otherwise)
{
	if (cdp_utf8_check(b->p, b->n) == b->n)
		return (struct slice){ b->p, b->n };
	return otherwise;
}

/* A quoted field as text, in `b` or the line itself. */
static struct slice text_of(const struct access_fields *f, struct cdp_buf *b,
			    struct slice s)
{
	if (f->plain || !memchr(s.p, '\\', s.n))
		return s;
	cdp_buf_reset(b);
	unescape(b, s);
	return utf8_or(b, s);
}

/* A part of a query: '+' is a space there, %HH a byte. */
static struct slice percent_decoded(struct cdp_buf *b, struct slice s)
{
	const char *p = s.p, *end = s.p + s.n;

	cdp_buf_reset(b);
	while (p < end) {
		int byte = *p == '%' ? hex_byte(p + 1, end) : -1;

		cdp_buf_addc(b, byte >= 0 ? (char)byte : *p == '+' ? ' ' : *p);
		p += byte >= 0 ? 3 : 1;
	}
	return utf8_or(b, s);
}

/* --- the query --- */

/* The next "name=value" between ampersands; false at the end. */
static bool next_param(struct slice *query, struct slice *name, struct slice *value)
{
	const char *end, *eq;
	size_t n;

	while (query->n && *query->p == '&') {
		query->p++;
		query->n--;
	}
	if (!query->n)
		return false;
	end = memchr(query->p, '&', query->n);
	n = end ? (size_t)(end - query->p) : query->n;
	eq = memchr(query->p, '=', n);
	*name = (struct slice){ query->p, eq ? (size_t)(eq - query->p) : n };
	*value = eq ? (struct slice){ eq + 1, n - name->n - 1 }
		    : (struct slice){ query->p + n, 0 };
	query->p += n;
	query->n -= n;
	return true;
}

/* The kind of id that a parameter is, NULL if it is none. */
static const char *id_kind(const struct cdp_format_opts *o, struct slice name)
{
	for (size_t i = 0; i < o->param_count; i++)
		if (strlen(o->params[i].name) == name.n &&
		    memcmp(o->params[i].name, name.p, name.n) == 0)
			return o->params[i].kind;
	return NULL;
}

/* The event that the query names, if it does, into r->event. */
static bool named_event(struct cdp_combined *r, struct slice query)
{
	const char *wanted = r->opts->event_param;
	struct slice name, value;
	bool found = false;

	while (wanted && next_param(&query, &name, &value)) {
		name = percent_decoded(&r->names, name);
		if (!value.n || strlen(wanted) != name.n ||
		    memcmp(wanted, name.p, name.n) != 0)
			continue;
		value = percent_decoded(&r->value, value);
		cdp_buf_reset(&r->event);
		cdp_buf_add(&r->event, value.p, value.n);
		found = true;
	}
	return found;
}

/* Properties that the line itself has.  A request that names its event is but a carrier:
 * its method, path, status and size say nothing of the event. */
bool combined_is_taken(struct slice name, bool carrier)
{
	static const char *const names[] = {
		"ip",     "referer", "user_agent", "forwarded_for", "query", "request",
		"method", "path",    "protocol",   "status",        "bytes",
	};
	size_t n = carrier ? 5 : sizeof(names) / sizeof(*names);

	for (size_t i = 0; i < n; i++)
		if (strlen(names[i]) == name.n && memcmp(names[i], name.p, name.n) == 0)
			return true;
	return false;
}

static void put_pair(struct cdp_buf *b, struct slice name, struct slice value)
{
	if (b->p[b->n - 1] != '{')
		cdp_buf_addc(b, ',');
	cdp_json_str(b, name.p, name.n);
	cdp_buf_addc(b, ':');
	cdp_json_str(b, value.p, value.n);
}

/* Parameters become ids or properties; those whose name is taken, members of "query". */
static int read_query(struct cdp_combined *r, struct slice query, bool carrier,
		      struct cdp_buf *b, struct cdp_err *err)
{
	struct slice name, value;
	const char *kind;

	cdp_buf_reset(&r->query);
	cdp_buf_addc(&r->query, '{');
	while (next_param(&query, &name, &value)) {
		name = percent_decoded(&r->names, name);
		value = percent_decoded(&r->value, value);
		kind = id_kind(r->opts, name);
		if (kind &&
		    cdp_ids_put(&r->ids, kind, strlen(kind), value.p, value.n, err) < 0)
			return -1;
		if (kind || (carrier && strlen(r->opts->event_param) == name.n &&
			     memcmp(r->opts->event_param, name.p, name.n) == 0))
			continue;
		put_pair(combined_is_taken(name, carrier) ? &r->query : b, name, value);
	}
	if (r->query.n > 1) {
		cdp_json_key(b, "query");
		cdp_buf_add(b, r->query.p, r->query.n);
		cdp_buf_addc(b, '}');
	}
	return 0;
}

/* --- writing --- */

static void put(struct cdp_buf *b, const char *key, struct slice s)
{
	cdp_json_key(b, key);
	cdp_json_str(b, s.p, s.n);
}

/* A quoted field; "-" says that there was none. */
static void put_quoted(struct cdp_combined *r, const struct access_fields *f,
		       struct cdp_buf *b, const char *key, struct slice s)
{
	if (s.p && !(s.n == 1 && *s.p == '-'))
		put(b, key, text_of(f, &r->value, s));
}

/* Of the form METHOD target PROTOCOL?  What browsers and robots send otherwise is kept
 * whole. */
static bool request_parts(struct slice request, struct slice *method,
			  struct slice *target, struct slice *protocol)
{
	const char *p = request.p, *end = request.p + request.n;
	const char *last = memrchr(request.p, ' ', request.n);

	if (!word(&p, end, method) || p == end || !last || last < p)
		return false;
	for (size_t i = 0; i < method->n; i++)
		if (method->p[i] < 'A' || method->p[i] > 'Z')
			return false;
	*target = (struct slice){ p, (size_t)(last - p) };
	*protocol = (struct slice){ last + 1, (size_t)(end - last - 1) };
	return target->n && protocol->n > 5 && memcmp(protocol->p, "HTTP/", 5) == 0;
}

static int put_parts(struct cdp_combined *r, struct slice method, struct slice target,
		     struct slice query, struct slice protocol, bool *carrier,
		     struct cdp_buf *b, struct cdp_err *err)
{
	const char *mark = target.n ? memchr(target.p, '?', target.n) : NULL;

	if (mark) {
		query = (struct slice){ mark + 1,
					(size_t)(target.p + target.n - mark - 1) };
		target.n = (size_t)(mark - target.p);
	}
	*carrier = query.n && named_event(r, query);
	if (!*carrier && method.p)
		put(b, "method", method);
	if (!*carrier && target.p)
		put(b, "path", target);
	if (query.n && read_query(r, query, *carrier, b, err) < 0)
		return -1;
	if (!*carrier && protocol.p)
		put(b, "protocol", protocol);
	return 0;
}

static int put_request(struct cdp_combined *r, const struct access_fields *f,
		       bool *carrier, struct cdp_buf *b, struct cdp_err *err)
{
	struct slice request, method, target, protocol, query = { "", 0 };

	*carrier = false;
	if (!f->request.p)
		return put_parts(r, f->method, f->target, f->query, f->protocol, carrier,
				 b, err);
	request = text_of(f, &r->request, f->request);
	if (request_parts(request, &method, &target, &protocol))
		return put_parts(r, method, target, query, protocol, carrier, b, err);
	put(b, "request", request);
	return 0;
}

static int put_number(struct cdp_buf *b, const char *key, struct slice s, uint64_t max,
		      bool write, struct cdp_err *err)
{
	uint64_t v;

	if (cdp_num_u64(&v, s.p, s.n, max, err) < 0)
		return cdp_canon_bad(err, key, "'%s' is not a number up to %" PRIu64,
				     cdp_excerpt(s.p, s.n).s, max);
	if (write) {
		cdp_json_key(b, key);
		cdp_buf_addu(b, v);
	}
	return 0;
}

static int put_props(struct cdp_combined *r, const struct access_fields *f,
		     struct cdp_buf *b, struct cdp_err *err)
{
	bool carrier;

	cdp_buf_addc(b, '{');
	put(b, "ip", f->host);
	if (put_request(r, f, &carrier, b, err) < 0)
		return -1;
	if (f->status.p && put_number(b, "status", f->status, 999, !carrier, err) < 0)
		return -1;
	if (f->bytes.p && (f->bytes.n != 1 || *f->bytes.p != '-') &&
	    put_number(b, "bytes", f->bytes, UINT64_MAX, !carrier, err) < 0)
		return -1;
	put_quoted(r, f, b, "referer", f->referer);
	put_quoted(r, f, b, "user_agent", f->agent);
	put_quoted(r, f, b, "forwarded_for", f->forwarded);
	if (f->more.n) {
		cdp_buf_addc(b, ',');
		cdp_buf_add(b, f->more.p, f->more.n);
	}
	cdp_buf_addc(b, '}');
	return 0;
}

static int read_ids(struct cdp_combined *r, const struct access_fields *f,
		    struct cdp_err *err)
{
	const char *kind = r->opts->login_kind;
	struct slice user;

	if (f->user.p && (f->user.n != 1 || *f->user.p != '-')) {
		user = text_of(f, &r->value, f->user);
		if (cdp_ids_put(&r->ids, kind, strlen(kind), user.p, user.n, err) < 0)
			return -1;
	}
	if (r->ids.n)
		return 0;
	return cdp_ids_put(&r->ids, "ip", 2, f->host.p, f->host.n, err);
}

/* Seconds with a fraction, as nginx writes $msec. */
static int read_seconds(struct slice s, int64_t *ms)
{
	const char *point = memchr(s.p, '.', s.n);
	size_t whole = point ? (size_t)(point - s.p) : s.n;
	struct cdp_err why;
	uint64_t v, f = 0;

	if (cdp_num_u64(&v, s.p, whole, (uint64_t)INT64_MAX / 1000 - 1, &why) < 0)
		return -1;
	for (size_t i = 0; i < 3; i++) {
		char c = whole + 1 + i < s.n ? s.p[whole + 1 + i] : '0';

		if (c < '0' || c > '9')
			return -1;
		f = f * 10 + (uint64_t)(c - '0');
	}
	*ms = (int64_t)(v * 1000 + f);
	return 0;
}

static bool is_digits(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

/* As logs have it, between brackets or alone; or, in JSON, as other programs do. */
static int read_time(struct cdp_combined *r, const struct access_fields *f, int64_t *ms,
		     struct cdp_err *err)
{
	bool is_local = !f->plain || memchr(f->time.p, '/', f->time.n);
	struct cdp_err why;
	struct cdp_time t;
	int rc;

	if (is_local) {
		rc = cdp_stamp_parse(&t, f->time.p, f->time.n, "%d/%b/%Y:%H:%M:%S %z",
				     NULL, &why);
		if (rc == 0)
			*ms = cdp_time_ms(t);
	} else if (f->time.n < 12 ||
		   memchr(f->time.p, '.', f->time.n < 12 ? f->time.n : 12)) {
		rc = read_seconds(f->time, ms);
		if (rc < 0)
			cdp_err_set(&why, CDP_ERR_DATA, "'%s' is no time",
				    cdp_excerpt(f->time.p, f->time.n).s);
	} else if (is_digits(f->time)) {
		rc = cdp_canon_time_ms(ms, f->time.p, f->time.n, &why);
	} else {
		rc = cdp_canon_time_text(ms, f->time.p, f->time.n, r->opts->zone, &why);
	}
	if (rc < 0)
		return cdp_canon_bad(err, "time", "%s", why.msg);
	return cdp_canon_future(r->opts, *ms, CDP_NO_TIME, err);
}

int combined_compose(struct cdp_combined *r, const struct access_fields *f,
		     struct cdp_buf *out, struct cdp_canon *info, struct cdp_err *err)
{
	const struct cdp_format_opts *o = r->opts;
	const char *source = o->source ? o->source : "access";
	size_t start = out->n;
	int64_t ms = 0;

	/* The properties come first, for what the query holds. */
	cdp_ids_reset(&r->ids);
	cdp_buf_reset(&r->text);
	cdp_buf_reset(&r->event);
	cdp_buf_adds(&r->event, o->event);
	if (put_props(r, f, &r->text, err) < 0 || read_ids(r, f, err) < 0 ||
	    cdp_canon_event(r->event.p, r->event.n, err) < 0 ||
	    read_time(r, f, &ms, err) < 0)
		return -1;
	*info = (struct cdp_canon){ .ms = ms };
	cdp_canon_open(out, ms, r->event.p, r->event.n, NULL);
	cdp_buf_adds(out, ",\"ids\":");
	cdp_ids_write(&r->ids, out);
	cdp_buf_adds(out, ",\"props\":");
	cdp_buf_add(out, r->text.p, r->text.n);
	info->source = cdp_canon_add_str(out, start, "source", source, strlen(source));
	if (o->received != CDP_NO_TIME)
		info->received = cdp_canon_add_time(out, start, "received", o->received);
	cdp_buf_addc(out, '}');
	return 0;
}

int cdp_combined_read(struct cdp_combined *r, const char *line, size_t n,
		      struct cdp_buf *out, struct cdp_canon *info, struct cdp_err *err)
{
	struct access_fields f;
	const char *bad;

	/* What the server did not escape may be anything. */
	if (cdp_utf8_check(line, n) != n)
		return cdp_canon_bad(err, "", "not valid UTF-8");
	bad = split(&f, line, line + n);
	if (bad)
		return cdp_canon_bad(err, bad, "no %s, or a malformed one", bad);
	return combined_compose(r, &f, out, info, err);
}
