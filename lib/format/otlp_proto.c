/* A reader of protocol buffers (the encoding as published by Google) for the messages of
 * opentelemetry/proto/logs/v1 alone, by a table of their fields.  Bounded: nothing is
 * allocated but the output, nesting has a ceiling, and a length never passes the end of
 * what it stands in. */
#include "format/otlp_proto.h"

#include "base/base64.h"
#include "base/num.h"
#include "base/text.h"
#include "format/canon.h"
#include "record/json.h"

#include <inttypes.h>
#include <math.h>

enum { DEPTH = 64, FIELDS = 12 };

enum shape { TEXT, BYTES, HEX, BOOL, INT, UINT, FIXED32, FIXED64, DOUBLE, MESSAGE };
enum wire { VARINT, EIGHT, LENGTH, FOUR = 5 };

struct message;
struct field {
	unsigned number;
	const char *name; /* NULL: end of the table */
	enum shape shape;
	bool repeated;
	const struct message *message;
};
struct message {
	struct field fields[FIELDS];
};

static const struct message any, key_value, array, list, resource, scope, record,
	scope_logs, resource_logs, request;

static const struct message any = { {
	{ 1, "stringValue", TEXT },
	{ 2, "boolValue", BOOL },
	{ 3, "intValue", INT },
	{ 4, "doubleValue", DOUBLE },
	{ 5, "arrayValue", MESSAGE, false, &array },
	{ 6, "kvlistValue", MESSAGE, false, &list },
	{ 7, "bytesValue", BYTES },
} };
static const struct message key_value = { {
	{ 1, "key", TEXT },
	{ 2, "value", MESSAGE, false, &any },
} };
static const struct message array = { { { 1, "values", MESSAGE, true, &any } } };
static const struct message list = { { { 1, "values", MESSAGE, true, &key_value } } };
static const struct message resource = { {
	{ 1, "attributes", MESSAGE, true, &key_value },
	{ 2, "droppedAttributesCount", UINT },
} };
static const struct message scope = { {
	{ 1, "name", TEXT },
	{ 2, "version", TEXT },
	{ 3, "attributes", MESSAGE, true, &key_value },
	{ 4, "droppedAttributesCount", UINT },
} };
static const struct message record = { {
	{ 1, "timeUnixNano", FIXED64 },
	{ 2, "severityNumber", INT },
	{ 3, "severityText", TEXT },
	{ 5, "body", MESSAGE, false, &any },
	{ 6, "attributes", MESSAGE, true, &key_value },
	{ 7, "droppedAttributesCount", UINT },
	{ 8, "flags", FIXED32 },
	{ 9, "traceId", HEX },
	{ 10, "spanId", HEX },
	{ 11, "observedTimeUnixNano", FIXED64 },
	{ 12, "eventName", TEXT },
} };
static const struct message scope_logs = { {
	{ 1, "scope", MESSAGE, false, &scope },
	{ 2, "logRecords", MESSAGE, true, &record },
	{ 3, "schemaUrl", TEXT },
} };
static const struct message resource_logs = { {
	{ 1, "resource", MESSAGE, false, &resource },
	{ 2, "scopeLogs", MESSAGE, true, &scope_logs },
	{ 3, "schemaUrl", TEXT },
} };
static const struct message request = { {
	{ 1, "resourceLogs", MESSAGE, true, &resource_logs },
} };

/* One field as it stands: its number, and its value, which is `bits` or a slice. */
struct item {
	uint64_t number;
	enum wire wire;
	uint64_t bits;
	const char *p;
	size_t n;
};

static int bad(struct cdp_err *err, const char *what)
{
	return cdp_err_set(err, CDP_ERR_DATA, "no protocol buffer of OTLP logs: %s",
			   what);
}

static bool varint(uint64_t *v, const char **p, const char *end)
{
	*v = 0;
	for (unsigned shift = 0; *p < end && shift < 64; shift += 7) {
		unsigned char c = (unsigned char)*(*p)++;

		*v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			return true;
	}
	return false;
}

static uint64_t little(const char *p, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)(unsigned char)p[i] << (8 * i);
	return v;
}

/* The next field: 1, 0 at the end, -1 with *err. */
static int next(struct item *f, const char **p, const char *end, struct cdp_err *err)
{
	uint64_t tag, n;

	if (*p == end)
		return 0;
	if (!varint(&tag, p, end) || tag >> 3 == 0)
		return bad(err, "a field without a number");
	f->number = tag >> 3;
	f->wire = (enum wire)(tag & 7);
	switch (f->wire) {
	case VARINT:
		return varint(&f->bits, p, end) ? 1 : bad(err, "a number is cut off");
	case EIGHT:
	case FOUR:
		n = f->wire == EIGHT ? 8 : 4;
		break;
	case LENGTH:
		if (!varint(&n, p, end))
			return bad(err, "a length is cut off");
		break;
	default:
		return bad(err, "a field of unknown wire type");
	}
	if (n > (uint64_t)(end - *p))
		return bad(err, "a field is longer than what it stands in");
	f->p = *p;
	f->n = (size_t)n;
	if (f->wire != LENGTH)
		f->bits = little(f->p, (unsigned)n);
	*p += n;
	return 1;
}

static enum wire wire_of(enum shape shape)
{
	switch (shape) {
	case BOOL:
	case INT:
	case UINT:
		return VARINT;
	case FIXED64:
	case DOUBLE:
		return EIGHT;
	case FIXED32:
		return FOUR;
	default:
		return LENGTH;
	}
}

static int put_message(struct cdp_buf *out, const struct message *m, const char *p,
		       size_t n, unsigned depth, struct cdp_err *err);

static void put_double(struct cdp_buf *out, uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof(v));
	if (!isfinite(v))
		cdp_buf_addc(out, '"'); /* as the JSON of protocol buffers has them */
	cdp_num_add_double(out, v);
	if (!isfinite(v))
		cdp_buf_addc(out, '"');
}

static int put_value(struct cdp_buf *out, const struct field *f, const struct item *v,
		     unsigned depth, struct cdp_err *err)
{
	static const char digits[] = "0123456789abcdef";

	switch (f->shape) {
	case TEXT:
		if (cdp_utf8_check(v->p, v->n) < v->n)
			return bad(err, "a string that is not UTF-8");
		cdp_json_str(out, v->p, v->n);
		return 0;
	case BYTES:
	case HEX:
		cdp_buf_addc(out, '"');
		if (f->shape == BYTES)
			cdp_base64_encode(out, v->p, v->n);
		for (size_t i = 0; f->shape == HEX && i < v->n; i++) {
			cdp_buf_addc(out, digits[(unsigned char)v->p[i] >> 4]);
			cdp_buf_addc(out, digits[(unsigned char)v->p[i] & 15]);
		}
		cdp_buf_addc(out, '"');
		return 0;
	case BOOL:
		cdp_buf_adds(out, v->bits ? "true" : "false");
		return 0;
	case INT:
		cdp_buf_addi(out, (int64_t)v->bits);
		return 0;
	case UINT:
	case FIXED32:
		cdp_buf_addu(out, v->bits);
		return 0;
	case FIXED64:
		cdp_buf_addf(out, "\"%" PRIu64 "\"", v->bits);
		return 0;
	case DOUBLE:
		put_double(out, v->bits);
		return 0;
	default:
		return put_message(out, f->message, v->p, v->n, depth + 1, err);
	}
}

/* All values of one field; of one that is not repeated the last, as the encoding has it.
 */
static int put_field(struct cdp_buf *out, const struct field *f, const char *p, size_t n,
		     unsigned depth, struct cdp_err *err)
{
	const char *end = p + n;
	size_t start = out->n, values;
	struct item v = { 0 };
	int rc;

	cdp_json_key(out, f->name);
	if (f->repeated)
		cdp_buf_addc(out, '[');
	values = out->n;
	while ((rc = next(&v, &p, end, err)) > 0) {
		if (v.number != f->number)
			continue;
		if (v.wire != wire_of(f->shape))
			return bad(err, "a field of another type");
		if (!f->repeated)
			out->n = values;
		else if (out->n > values)
			cdp_buf_addc(out, ',');
		if (put_value(out, f, &v, depth, err) < 0)
			return -1;
	}
	if (out->n == values)
		out->n = start;
	else if (f->repeated)
		cdp_buf_addc(out, ']');
	return rc;
}

static int put_message(struct cdp_buf *out, const struct message *m, const char *p,
		       size_t n, unsigned depth, struct cdp_err *err)
{
	if (depth == DEPTH)
		return bad(err, "it is nested too deeply");
	cdp_buf_addc(out, '{');
	for (const struct field *f = m->fields; f < m->fields + FIELDS && f->name; f++)
		if (put_field(out, f, p, n, depth, err) < 0)
			return -1;
	cdp_buf_addc(out, '}');
	return 0;
}

int cdp_otlp_json(struct cdp_buf *out, const char *p, size_t n, struct cdp_err *err)
{
	size_t start = out->n;

	if (put_message(out, &request, p, n, 0, err) == 0)
		return 0;
	out->n = start;
	return -1;
}
