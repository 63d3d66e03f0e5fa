/* Sensors Data (神策) in requests and arrays: what the records mean is said in
 * format/sensors.h; here they come in envelopes of JSON instead of lines.  `project` and
 * `token` of a request are those of its records that name none. */
#include "format/p_sensors.h"

#include "base/mem.h"
#include "format/protocols.h"
#include "format/sensors.h"
#include "io/in.h"
#include "record/json.h"

#include <stdlib.h>

struct cdp_sensors_lines {
	struct cdp_paths *paths;
	struct cdp_sensors_slots slots;
	int ekey; /* the slot of what only encrypted records have */
	struct cdp_sensors *reader;
	struct cdp_scan *scan;
	struct cdp_buf line;
};

static struct cdp_sensors_lines *lines_new(const struct cdp_format_opts *opts)
{
	static const char *const key[] = { "ekey" };
	static const size_t len[] = { 4 };
	struct cdp_sensors_lines *s = cdp_calloc(1, sizeof(*s));

	s->paths = cdp_paths_new();
	cdp_sensors_paths(&s->slots, s->paths);
	s->ekey = cdp_paths_add_keys(s->paths, key, len, 1);
	s->reader = cdp_sensors_new(opts, &s->slots);
	s->scan = cdp_scan_new(s->paths);
	cdp_buf_init(&s->line, CDP_BUF_NOMAX);
	return s;
}

void cdp_sensors_lines_free(struct cdp_sensors_lines *s)
{
	if (!s)
		return;
	cdp_sensors_free(s->reader);
	cdp_scan_free(s->scan);
	cdp_paths_free(s->paths);
	cdp_buf_release(&s->line);
	free(s);
}

/* The message as a line. */
static int scan(struct cdp_sensors_lines *s, const struct cdp_val *message,
		struct cdp_rec *rec, struct cdp_err *err)
{
	static const char pad[CDP_IN_PAD] = { 0 };
	size_t n;

	if (message->type != CDP_OBJECT)
		return cdp_canon_bad(err, "", "not an object");
	cdp_buf_reset(&s->line);
	cdp_json_minify(&s->line, message->p, message->n);
	cdp_buf_addc(&s->line, '\n');
	n = s->line.n;
	cdp_buf_add(&s->line, pad, sizeof(pad));
	cdp_scan_block(s->scan, s->line.p, n);
	return cdp_scan_next(s->scan, rec, err) > 0 ? 0 : -1;
}

/* A member of the request, at the end of a record that has none of its own. */
static void add_own(struct cdp_rec *rec, struct cdp_buf *out, const char *key,
		    const char *value, int property, int member)
{
	if (!value || !*value || cdp_rec_get(rec, property)->type == CDP_STRING ||
	    cdp_rec_get(rec, member)->type == CDP_STRING)
		return;
	out->n--;
	cdp_canon_add_str(out, 0, key, value, strlen(value));
	cdp_buf_addc(out, '}');
}

static int read_one(struct cdp_decoder *d, const struct cdp_val *message, bool alone,
		    const struct cdp_arrival *from, struct cdp_sink *sink,
		    struct cdp_err *err)
{
	struct cdp_sensors_lines *s = d->sensors;
	struct cdp_rec rec = { 0 };
	struct cdp_canon info;
	size_t at = sink->out->n;
	int rc = scan(s, message, &rec, err);

	if (rc == 0 && alone && cdp_rec_get(&rec, s->ekey)->type != CDP_MISSING)
		return cdp_canon_bad(err, "ekey", "encrypted");
	if (rc < 0 || cdp_sensors_read(s->reader, &rec, sink->out, &info, err) < 0)
		return cdp_decoder_reject(d, sink, message, err);
	add_own(&rec, sink->out, "project", from->project, s->slots.p_project,
		s->slots.project);
	add_own(&rec, sink->out, "token", from->token, s->slots.p_token, s->slots.token);
	if (sink->record(sink->ctx, at, &info, err) < 0)
		return cdp_decoder_reject(d, sink, message, err);
	return 0;
}

/* Of their types, others use `track` as well. */
static bool knows(const struct cdp_val *payload)
{
	static const char *const names[] = { "type",       "distinct_id", "identities",
					     "properties", "ekey",        NULL };
	struct cdp_val first = *payload, v[5];
	struct cdp_iter it = { 0 };

	if (payload->type == CDP_ARRAY && !cdp_val_item(payload, &it, &first))
		return false;
	cdp_pick(&first, names, v);
	if (!cdp_sensors_knows(&v[0]))
		return v[4].type == CDP_STRING;
	return v[1].type != CDP_MISSING || v[2].type != CDP_MISSING ||
	       !cdp_val_is(&v[0], "track", 5) ||
	       cdp_pick_one(&v[3], "distinct_id").type != CDP_MISSING ||
	       cdp_pick_one(&v[3], "identities").type != CDP_MISSING;
}

static int read_payload(struct cdp_decoder *d, const struct cdp_val *payload,
			const struct cdp_arrival *from, struct cdp_sink *sink,
			struct cdp_err *err)
{
	struct cdp_iter it = { 0 };
	struct cdp_val message;

	if (!d->sensors)
		d->sensors = lines_new(d->opts);
	if (payload->type == CDP_OBJECT)
		return read_one(d, payload, true, from, sink, err);
	if (payload->type != CDP_ARRAY)
		return cdp_canon_bad(err, "", "neither a record nor an array of them");
	while (cdp_val_item(payload, &it, &message))
		if (read_one(d, &message, false, from, sink, err) < 0)
			return -1;
	return 0;
}

const struct cdp_protocol cdp_p_sensors = { "sensors", knows, read_payload };
