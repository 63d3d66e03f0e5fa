#include "format/reader.h"

#include "base/mem.h"
#include "format/combined.h"
#include "format/native.h"
#include "format/request.h"
#include "format/sensors.h"
#include "io/in.h"
#include "record/json.h"

#include <stdlib.h>

struct cdp_format_plan {
	enum cdp_format format;
	const struct cdp_protocol *protocol;
	const struct cdp_format_opts *opts;
	struct cdp_paths *paths;
	struct cdp_native_slots native;
	struct cdp_sensors_slots sensors;
};

struct cdp_reader {
	const struct cdp_format_plan *plan;
	struct cdp_native *native;
	struct cdp_sensors *sensors;
	struct cdp_combined *combined;
	/* Made when they are needed. */
	struct cdp_requests *requests;
	struct cdp_decoder *decoder;
	struct cdp_scan *scan; /* of lines that come alone */
	struct cdp_buf line;
};

static bool reads(const struct cdp_format_plan *p, enum cdp_format format)
{
	return p->format == CDP_FORMAT_AUTO || p->format == format;
}

struct cdp_format_plan *cdp_format_plan_new(enum cdp_format format,
					    const struct cdp_format_opts *opts)
{
	struct cdp_format_plan *p = cdp_calloc(1, sizeof(*p));

	p->format = format;
	p->opts = opts;
	p->paths = cdp_paths_new();
	if (reads(p, CDP_FORMAT_NATIVE))
		cdp_native_paths(&p->native, p->paths);
	if (reads(p, CDP_FORMAT_SENSORS))
		cdp_sensors_paths(&p->sensors, p->paths);
	return p;
}

struct cdp_format_plan *cdp_format_plan_protocol(const struct cdp_protocol *protocol,
						 const struct cdp_format_opts *opts)
{
	struct cdp_format_plan *p = cdp_format_plan_new(CDP_FORMAT_PROTOCOL, opts);

	p->protocol = protocol;
	return p;
}

void cdp_format_plan_free(struct cdp_format_plan *p)
{
	if (!p)
		return;
	cdp_paths_free(p->paths);
	free(p);
}

const struct cdp_paths *cdp_format_plan_paths(const struct cdp_format_plan *p)
{
	return p->paths;
}

struct cdp_reader *cdp_reader_new(const struct cdp_format_plan *p)
{
	struct cdp_reader *r = cdp_calloc(1, sizeof(*r));

	r->plan = p;
	cdp_buf_init(&r->line, CDP_BUF_NOMAX);
	if (reads(p, CDP_FORMAT_NATIVE))
		r->native = cdp_native_new(p->opts, &p->native);
	if (reads(p, CDP_FORMAT_SENSORS))
		r->sensors = cdp_sensors_new(p->opts, &p->sensors);
	if (reads(p, CDP_FORMAT_COMBINED))
		r->combined = cdp_combined_new(p->opts);
	return r;
}

void cdp_reader_free(struct cdp_reader *r)
{
	if (!r)
		return;
	cdp_native_free(r->native);
	cdp_sensors_free(r->sensors);
	cdp_combined_free(r->combined);
	cdp_requests_free(r->requests);
	if (r->decoder)
		cdp_decoder_release(r->decoder);
	free(r->decoder);
	cdp_scan_free(r->scan);
	cdp_buf_release(&r->line);
	free(r);
}

/* --- lines that may hold many records --- */

static int read_request(struct cdp_reader *r, const struct cdp_rec *rec,
			struct cdp_sink *sink, struct cdp_err *err)
{
	if (!r->requests)
		r->requests = cdp_requests_new(r->plan->opts, CDP_INFLATED_MAX);
	return cdp_requests_line(r->requests, rec, sink, err);
}

static struct cdp_decoder *decoder_of(struct cdp_reader *r)
{
	if (!r->decoder) {
		r->decoder = cdp_alloc(sizeof(*r->decoder));
		cdp_decoder_init(r->decoder, r->plan->opts);
	}
	return r->decoder;
}

static int read_protocol(struct cdp_reader *r, const struct cdp_protocol *p,
			 const struct cdp_val *payload, struct cdp_sink *sink,
			 struct cdp_err *err)
{
	struct cdp_arrival from = { .received = r->plan->opts->received,
				    .sent = CDP_NO_TIME };

	return cdp_protocol_read(decoder_of(r), p, payload, &from, sink, err);
}

/* --- which format --- */

static const struct cdp_protocol *ask_protocols(const struct cdp_val *payload)
{
	const struct cdp_protocol *const *p = cdp_protocols;

	while (*p && !(*p)->knows(payload))
		p++;
	return *p;
}

/* A record that is plainly ours or one of Sensors: they have their readers.  The
 * libraries of Sensors always give a type, and none of ours. */
static enum cdp_format plain_format(struct cdp_reader *r, struct cdp_rec *rec)
{
	const struct cdp_native_slots *native = &r->plan->native;
	const struct cdp_sensors_slots *s = &r->plan->sensors;
	const struct cdp_val *type = cdp_rec_get(rec, CDP_SLOT_TYPE);

	if (type->type == CDP_MISSING)
		return cdp_rec_get(rec, native->ids)->type == CDP_OBJECT
			       ? CDP_FORMAT_NATIVE
			       : CDP_FORMAT_AUTO;
	if (cdp_sensors_knows(type)) /* of these, others use `track` as well */
		return cdp_rec_get(rec, s->distinct_id)->type != CDP_MISSING ||
				       cdp_rec_get(rec, s->identities)->type !=
					       CDP_MISSING ||
				       cdp_rec_get(rec, s->p_distinct_id)->type !=
					       CDP_MISSING ||
				       cdp_rec_get(rec, s->p_identities)->type !=
					       CDP_MISSING ||
				       !cdp_val_is(type, "track", 5)
			       ? CDP_FORMAT_SENSORS
			       : CDP_FORMAT_AUTO;
	return cdp_native_knows(type) ? CDP_FORMAT_NATIVE : CDP_FORMAT_AUTO;
}

/* The first byte that is no blank, 0 without one. */
static char first_of(const char *p, size_t n)
{
	while (n && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	return n ? *p : 0;
}

static inline int read_one(struct cdp_reader *r, enum cdp_format f, struct cdp_rec *rec,
			   struct cdp_sink *sink, struct cdp_err *err)
{
	size_t at = sink->out->n;
	struct cdp_canon info;
	int rc;

	if (f == CDP_FORMAT_SENSORS)
		rc = cdp_sensors_read(r->sensors, rec, sink->out, &info, err);
	else if (f == CDP_FORMAT_COMBINED)
		rc = first_of(rec->raw, rec->len) == '{'
			     ? cdp_combined_json(r->combined, rec, sink->out, &info, err)
			     : cdp_combined_read(r->combined, rec->raw, rec->len,
						 sink->out, &info, err);
	else
		rc = cdp_native_read(r->native, rec, sink->out, &info, err);
	return rc < 0 ? -1 : sink->record(sink->ctx, at, &info, err);
}

int cdp_reader_record(struct cdp_reader *r, struct cdp_rec *rec, struct cdp_sink *sink,
		      struct cdp_err *err)
{
	enum cdp_format f = r->plan->format;
	const struct cdp_protocol *p = r->plan->protocol;
	struct cdp_val payload;

	if (f == CDP_FORMAT_AUTO)
		f = plain_format(r, rec);
	if (__builtin_expect(f == CDP_FORMAT_NATIVE, 1))
		return read_one(r, CDP_FORMAT_NATIVE, rec, sink, err);
	if (f == CDP_FORMAT_REQUESTS)
		return read_request(r, rec, sink, err);
	if (f != CDP_FORMAT_AUTO && f != CDP_FORMAT_PROTOCOL)
		return read_one(r, f, rec, sink, err);
	cdp_val_at(&payload, rec->raw, rec->len);
	if (!p && cdp_requests_knows(&payload))
		return read_request(r, rec, sink, err);
	if (!p)
		p = ask_protocols(&payload);
	if (p)
		return read_protocol(r, p, &payload, sink, err);
	f = cdp_sensors_knows(cdp_rec_get(rec, CDP_SLOT_TYPE)) ? CDP_FORMAT_SENSORS
	    : cdp_combined_knows(&payload)                     ? CDP_FORMAT_COMBINED
							       : CDP_FORMAT_NATIVE;
	return read_one(r, f, rec, sink, err);
}

/* What a file that is no lines of text looks like, line by line: the cause comes before
 * what it led to.  UTF-16 cut at its line feeds begins with a mark, or has a NUL in one
 * of its first two bytes; a file without line feeds is one line with CR inside. */
static void find_cause(const char *p, size_t n, struct cdp_err *err)
{
	bool mark = n >= 2 &&
		    (memcmp(p, "\xff\xfe", 2) == 0 || memcmp(p, "\xfe\xff", 2) == 0);

	if (mark || (n && memchr(p, '\0', n < 2 ? n : 2)))
		cdp_err_prefix(err, "this is UTF-16, which is read in tables only");
	else if (memchr(p, '\r', n))
		cdp_err_prefix(err, "a carriage return without a line feed ends lines in "
				    "tables only");
	else
		return;
	err->path[0] = '\0';
}

/* An array, which the scanner of records takes for none, may be an envelope. */
static int read_array(struct cdp_reader *r, const struct cdp_rec *rec,
		      struct cdp_sink *sink, struct cdp_err *err)
{
	const struct cdp_protocol *p = r->plan->protocol;
	struct cdp_val payload;

	if (r->plan->format == CDP_FORMAT_SENSORS)
		p = cdp_protocol_find("sensors");
	if (cdp_json_check(rec->raw, rec->len, err) < 0)
		return -1;
	cdp_val_at(&payload, rec->raw, rec->len);
	if (!p)
		p = ask_protocols(&payload);
	return p ? read_protocol(r, p, &payload, sink, err)
		 : cdp_err_set(err, CDP_ERR_DATA, "an array of no known protocol");
}

/* Who reads lines that are no JSON: by its name, or by the 130 tabs of an enriched event
 * of Snowplow. */
static const struct cdp_protocol *line_protocol(const struct cdp_reader *r,
						const struct cdp_rec *rec)
{
	enum { TABS = 130 };
	const struct cdp_protocol *p = r->plan->protocol;
	const char *at = rec->raw, *end = at + rec->len;
	unsigned tabs = 0;

	if (p)
		return p->line ? p : NULL;
	if (r->plan->format != CDP_FORMAT_AUTO)
		return NULL;
	for (; tabs <= TABS && (at = memchr(at, '\t', (size_t)(end - at))); at++)
		tabs++;
	return tabs == TABS ? cdp_protocol_find("snowplow") : NULL;
}

int cdp_reader_other(struct cdp_reader *r, const struct cdp_rec *rec,
		     struct cdp_sink *sink, struct cdp_err *err)
{
	enum cdp_format f = r->plan->format;
	const struct cdp_protocol *p = line_protocol(r, rec);
	char first = first_of(rec->raw, rec->len);

	if (p && first != '{' && first != '[') {
		struct cdp_arrival from = { .received = r->plan->opts->received };

		return cdp_protocol_read_line(decoder_of(r), p, rec->raw, rec->len, &from,
					      sink, err);
	}
	if (first == '[' &&
	    (f == CDP_FORMAT_AUTO || f == CDP_FORMAT_PROTOCOL || f == CDP_FORMAT_SENSORS))
		return read_array(r, rec, sink, err);
	if (r->combined && first != '{') {
		if (read_one(r, CDP_FORMAT_COMBINED, (struct cdp_rec *)rec, sink, err) ==
		    0)
			return 0;
		if (f == CDP_FORMAT_AUTO)
			cdp_err_prefix(err, "no JSON object; as a line of an access log");
	}
	find_cause(rec->raw, rec->len, err);
	return -1;
}

int cdp_reader_line(struct cdp_reader *r, const char *line, size_t n,
		    struct cdp_sink *sink, struct cdp_err *err)
{
	static const char pad[CDP_IN_PAD] = { 0 };
	struct cdp_rec rec = { 0 };
	int rc;

	if (!r->scan)
		r->scan = cdp_scan_new(r->plan->paths);
	cdp_buf_reset(&r->line);
	cdp_buf_add(&r->line, line, n);
	cdp_buf_addc(&r->line, '\n');
	cdp_buf_add(&r->line, pad, sizeof(pad));
	cdp_scan_block(r->scan, r->line.p, n + 1);
	rc = cdp_scan_next(r->scan, &rec, err);
	if (rc > 0)
		return cdp_reader_record(r, &rec, sink, err);
	if (rc < 0)
		return cdp_reader_other(r, &rec, sink, err);
	return cdp_err_set(err, CDP_ERR_DATA, "blank line");
}
