#include "format/request.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/form.h"
#include "format/request_priv.h"
#include "record/json.h"

#include <inttypes.h>
#include <stdlib.h>

enum { BUFFERS = 14 };

static void list_buffers(struct cdp_requests *r, struct cdp_buf *v[BUFFERS])
{
	struct cdp_buf *all[BUFFERS] = {
		&r->unpacked, &r->text,    &r->param,  &r->tmp,    &r->line,
		&r->scratch,  &r->project, &r->token,  &r->method, &r->path,
		&r->query,    &r->content, &r->header, &r->ip,
	};

	memcpy(v, all, sizeof(all));
}

struct cdp_requests *cdp_requests_new(const struct cdp_format_opts *opts,
				      size_t inflated_max)
{
	static const char *const key[] = { "p" };
	static const size_t len[] = { 1 };
	struct cdp_requests *r = cdp_calloc(1, sizeof(*r));
	struct cdp_buf *v[BUFFERS];

	r->paths = cdp_paths_new();
	r->payload_slot = cdp_paths_add_keys(r->paths, key, len, 1);
	r->scan = cdp_scan_new(r->paths);
	r->opts = *opts;
	r->received = opts->received;
	r->inflated_max = inflated_max;
	cdp_decoder_init(&r->decoder, &r->opts);
	list_buffers(r, v);
	for (int i = 0; i < BUFFERS; i++)
		cdp_buf_init(v[i], CDP_BUF_NOMAX);
	return r;
}

void cdp_requests_free(struct cdp_requests *r)
{
	struct cdp_buf *v[BUFFERS];

	if (!r)
		return;
	cdp_decoder_release(&r->decoder);
	cdp_scan_free(r->scan);
	cdp_paths_free(r->paths);
	list_buffers(r, v);
	for (int i = 0; i < BUFFERS; i++)
		cdp_buf_release(v[i]);
	free(r);
}

/* --- which protocol --- */

/* The protocol whose name is the first segment of the path; *rest is what follows. */
static const struct cdp_protocol *named_protocol(const char *path, const char **rest)
{
	const struct cdp_protocol *const *p;
	const char *end;

	*rest = path;
	if (*path != '/')
		return NULL;
	end = strchrnul(path + 1, '/');
	for (p = cdp_protocols; *p; p++) {
		size_t n = strlen((*p)->name);

		if ((size_t)(end - path - 1) == n &&
		    memcmp(path + 1, (*p)->name, n) == 0) {
			*rest = end;
			return *p;
		}
	}
	return NULL;
}

static void find_route(struct cdp_requests *r)
{
	const char *rest;

	r->forced = named_protocol(r->q->path, &rest);
	r->route = cdp_route_find(rest, r->forced ? r->forced->name : NULL);
	if (!r->route && r->forced)
		r->route = cdp_route_first(r->forced->name);
}

/* Who reads the payload: the protocol of the path, unless only another knows it. */
static const struct cdp_protocol *find_reader(struct cdp_requests *r)
{
	const struct cdp_protocol *own = r->forced;
	const struct cdp_route *route;

	if (own)
		return own;
	if (r->route)
		own = cdp_protocol_find(r->route->protocol);
	if (own && own->knows(&r->payload))
		return own;
	for (const struct cdp_protocol *const *p = cdp_protocols; *p; p++) {
		if (*p == own || !(*p)->knows(&r->payload))
			continue;
		route = cdp_route_find(r->q->path, (*p)->name);
		r->route = route ? route : cdp_route_first((*p)->name);
		return *p;
	}
	return own;
}

/* --- rejects --- */

static int pass_record(void *ctx, size_t at, const struct cdp_canon *info,
		       struct cdp_err *err)
{
	struct cdp_requests *r = ctx;

	return r->outer->record(r->outer->ctx, at, info, err);
}

/* A bad message becomes a request of its own, to a path that means the same. */
static void wrap_reject(void *ctx, const char *raw, size_t n, const struct cdp_err *err)
{
	struct cdp_requests *r = ctx;
	const char *path = r->q->path;

	cdp_buf_reset(&r->line);
	if (strlen(path) > REQUEST_REPEATED_MAX) {
		cdp_buf_reset(&r->scratch);
		cdp_buf_addf(&r->scratch, "/%s", r->reader->name);
		path = cdp_buf_str(&r->scratch);
	}
	request_write(r, &r->line, path, raw, n);
	r->outer->reject(r->outer->ctx, r->line.p, r->line.n, err);
}

static void reject_whole(struct cdp_requests *r, const struct cdp_err *err)
{
	cdp_buf_reset(&r->line);
	request_write(r, &r->line, r->q->path, NULL, 0);
	r->outer->reject(r->outer->ctx, r->line.p, r->line.n, err);
}

/* --- reading --- */

/* A parameter that every record repeats; too long a one is none. */
static const char *param(struct cdp_requests *r, const char *name, struct cdp_buf *to)
{
	const struct cdp_request *q = r->q;

	if (!cdp_form_get(q->query, strlen(q->query), name, to) || !to->n ||
	    to->n > REQUEST_REPEATED_MAX || cdp_utf8_check(to->p, to->n) != to->n)
		return NULL;
	return cdp_buf_str(to);
}

/* `stm`, as GrowingIO has it. */
static int64_t sent_time(struct cdp_requests *r)
{
	struct cdp_clock clock = { CDP_UNIT_MS, NULL, CDP_NO_OFFSET };
	struct cdp_val v = { .type = CDP_STRING };
	int64_t ms = CDP_NO_TIME;
	struct cdp_err ignored;

	v.p = param(r, "stm", &r->scratch);
	v.n = (uint32_t)r->scratch.n;
	if (!v.p || cdp_when(&ms, &v, &clock, "stm", &ignored) < 0)
		return CDP_NO_TIME;
	return ms;
}

static int read_payload(struct cdp_requests *r, struct cdp_err *err)
{
	struct cdp_sink inner = { r->outer->out, r, pass_record, wrap_reject };
	struct cdp_arrival from = {
		.received = r->opts.received,
		.sent = sent_time(r),
		.project = param(r, "project", &r->project),
		.token = param(r, "token", &r->token),
		.ip = r->q->ip,
	};

	if (request_payload(r, err) < 0)
		return -1;
	if (r->q->header)
		from.agent = r->q->header(r->q->header_ctx, "user-agent");
	r->reader = find_reader(r);
	if (!r->reader)
		return cdp_err_set(err, CDP_ERR_DATA,
				   "neither the path nor the payload tells a protocol");
	return cdp_protocol_read(&r->decoder, r->reader, &r->payload, &from, &inner, err);
}

/* Configuration, and questions whether we are there: nothing that could be lost. */
static bool keeps_nothing(struct cdp_requests *r)
{
	const struct cdp_request *q = r->q;

	if (strcmp(q->method, "OPTIONS") == 0 || strcmp(q->method, "HEAD") == 0)
		return true;
	if (r->route && r->route->carrier == CDP_CARRY_NONE)
		return true;
	/* A dry run only asks whether the data is valid. */
	if (r->route && strcmp(r->route->path, "/debug") == 0 && q->header &&
	    q->header(q->header_ctx, "dry-run"))
		return true;
	return !r->route && !q->body_n && !*q->query;
}

/* --- answers --- */

static void put_web_id(struct cdp_requests *r, struct cdp_buf *out)
{
	uint64_t seed[3] = { (uint64_t)r->opts.received, r->ids++, (uintptr_t)r };

	cdp_buf_addf(out, "{\"e\":0,\"web_id\":\"7%018" PRIu64 "\"}",
		     cdp_hash(seed, sizeof(seed)) % 1000000000000000000);
}

/* What Unomi's tracker asks of a page: who it is, and of which segments. */
static void put_context(struct cdp_requests *r, struct cdp_buf *out)
{
	struct cdp_val id = cdp_pick_one(&r->payload, "sessionId");
	const char *p = "";
	size_t n = 0;

	if (id.type == CDP_STRING)
		p = cdp_val_str(&id, &r->scratch, &n);
	cdp_buf_addf(out, "{\"profileId\":\"%016" PRIx64 "\",\"sessionId\":",
		     cdp_hash_stable(p, n, 0));
	cdp_json_str(out, p, n);
	cdp_buf_adds(out, ",\"profileProperties\":{},\"sessionProperties\":{},"
			  "\"profileSegments\":[],\"filteringResults\":{},"
			  "\"processedEvents\":0,\"personalizations\":{},"
			  "\"trackedConditions\":[],\"anonymousBrowsing\":false,"
			  "\"consents\":{}}");
}

static void put_answer(struct cdp_requests *r, struct cdp_answer *a)
{
	static const char gif[] = "GIF89a\1\0\1\0\x80\0\0\0\0\0\0\0\0!\xf9\4\1\0\0\0\0,"
				  "\0\0\0\0\1\0\1\0\0\2\2D\1\0;";
	const struct cdp_route *route = r->route;

	if (!route)
		return;
	switch (route->kind) {
	case CDP_REPLY_EMPTY:
		return;
	case CDP_REPLY_NONE:
		a->status = 204;
		return;
	case CDP_REPLY_GIF:
		a->type = "image/gif";
		cdp_buf_add(&a->body, gif, sizeof(gif) - 1);
		return;
	case CDP_REPLY_TEXT:
		a->type = "text/plain";
		cdp_buf_adds(&a->body, route->reply);
		return;
	default:
		break;
	}
	a->type = r->protobuf ? "application/x-protobuf" : "application/json";
	if (r->protobuf)
		return; /* a message without fields has no bytes */
	if (route->kind == CDP_REPLY_WEB_ID)
		put_web_id(r, &a->body);
	else if (route->kind == CDP_REPLY_CONTEXT)
		put_context(r, &a->body);
	else
		cdp_buf_adds(&a->body, route->reply);
}

int cdp_requests_read(struct cdp_requests *r, const struct cdp_request *q,
		      struct cdp_sink *sink, struct cdp_answer *answer,
		      struct cdp_err *err)
{
	r->q = q;
	r->outer = sink;
	r->payload = (struct cdp_val){ 0 };
	r->protobuf = false;
	r->opts.received = q->received != CDP_NO_TIME ? q->received : r->received;
	find_route(r);
	cdp_buf_reset(&answer->body);
	answer->type = NULL;
	answer->status = 200;
	answer->nothing = keeps_nothing(r);
	if (!answer->nothing && read_payload(r, err) < 0) {
		if (err->kind != CDP_ERR_DATA)
			return -1;
		reject_whole(r, err);
	}
	if (strcmp(q->method, "OPTIONS") == 0)
		answer->status = 204;
	else if (answer->nothing && !r->route)
		answer->status = strcmp(q->path, "/") == 0 ? 200 : 404;
	else
		put_answer(r, answer);
	return 0;
}
