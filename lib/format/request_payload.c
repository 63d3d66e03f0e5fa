/* The payload of a request, wherever its library puts it. */
#include "base/base64.h"
#include "base/num.h"
#include "format/form.h"
#include "format/lzstring.h"
#include "format/otlp_proto.h"
#include "format/p_cloudevents.h"
#include "format/payload.h"
#include "format/request_priv.h"
#include "io/in.h"
#include "record/json.h"

/* Bytes of a payload that is scanned in a copy. */
enum { SCANNED_MAX = 1 << 20 };

static bool is_json(const char *p, size_t n)
{
	while (n && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')) {
		p++;
		n--;
	}
	return n && (*p == '{' || *p == '[');
}

/* Whether it is the text of an object or array on one line.  The scanner of records is
 * quicker than the one that can name faults; it takes objects alone. */
static bool is_one_line(struct cdp_requests *r, const char *p, size_t n)
{
	static const char pad[CDP_IN_PAD] = { 0 };
	const struct cdp_val *v;
	struct cdp_rec rec;
	struct cdp_err ignored;

	cdp_buf_reset(&r->line);
	cdp_buf_adds(&r->line, "{\"p\":");
	cdp_buf_add(&r->line, p, n);
	cdp_buf_adds(&r->line, "}\n");
	cdp_buf_add(&r->line, pad, sizeof(pad));
	cdp_scan_block(r->scan, r->line.p, n + 7);
	if (cdp_scan_next(r->scan, &rec, &ignored) <= 0)
		return false;
	/* What goes on after its end is not one text, though it may fit in here. */
	v = cdp_rec_get(&rec, r->payload_slot);
	return (v->type == CDP_OBJECT || v->type == CDP_ARRAY) && v->n == n &&
	       rec.len == n + 6;
}

static int take_json(struct cdp_requests *r, const char *p, size_t n, struct cdp_err *err)
{
	if ((n > SCANNED_MAX || !is_one_line(r, p, n)) && cdp_json_check(p, n, err) < 0) {
		cdp_err_prefix(err, "the payload is no JSON");
		return -1;
	}
	cdp_val_at(&r->payload, p, n);
	return 0;
}

/* JSON, or base64 of it, compressed or not. */
static int take_text(struct cdp_requests *r, const char *p, size_t n, struct cdp_err *err)
{
	if (is_json(p, n))
		return take_json(r, p, n, err);
	cdp_buf_reset(&r->tmp);
	if (cdp_base64_decode(&r->tmp, p, n) < 0)
		return cdp_err_set(err, CDP_ERR_DATA,
				   "the payload is neither JSON nor Base64");
	p = r->tmp.p;
	n = r->tmp.n;
	if (cdp_unpack_bytes(&p, &n, &r->text, r->inflated_max, err) < 0)
		return -1;
	return take_json(r, p, n, err);
}

/* A parameter of the query or the form. */
static bool find_param(struct cdp_requests *r, const char *name, struct cdp_buf *value)
{
	const struct cdp_request *q = r->q;

	return cdp_form_get(q->query, strlen(q->query), name, value) ||
	       cdp_form_get(r->body, r->body_n, name, value);
}

static int no_payload(struct cdp_err *err)
{
	return cdp_err_set(err, CDP_ERR_DATA, "the request carries no payload");
}

/* --- Sensors --- */

/* As Java's String.hashCode() of the base64 text. */
static int32_t sensors_crc(const struct cdp_buf *text)
{
	uint32_t h = 0;

	for (size_t i = 0; i < text->n; i++)
		h = 31 * h + (unsigned char)text->p[i];
	return (int32_t)h;
}

static int check_crc(struct cdp_requests *r, struct cdp_err *err)
{
	const char *p;
	int64_t crc;
	size_t n;

	if (find_param(r, "crc", &r->tmp)) {
		p = r->tmp.p;
		n = r->tmp.n;
	} else if (find_param(r, "ext", &r->tmp) && r->tmp.n > 4 &&
		   memcmp(r->tmp.p, "crc=", 4) == 0) {
		p = r->tmp.p + 4;
		n = r->tmp.n - 4;
	} else {
		return 0;
	}
	if (!cdp_num_json_i64(&crc, p, n) || crc == sensors_crc(&r->param))
		return 0;
	return cdp_err_set(err, CDP_ERR_DATA, "damaged on its way: crc is not %.*s",
			   (int)(n < 20 ? n : 20), p);
}

static int take_data(struct cdp_requests *r, struct cdp_err *err)
{
	if (find_param(r, "gzip", &r->tmp) && r->tmp.n && *r->tmp.p != '0' &&
	    (*r->tmp.p != '1' || r->tmp.n > 1))
		return cdp_err_set(err, CDP_ERR_DATA, "encrypted (gzip=%s)",
				   cdp_excerpt(r->tmp.p, r->tmp.n).s);
	if (!find_param(r, "data_list", &r->param) && !find_param(r, "data", &r->param))
		return no_payload(err);
	if (check_crc(r, err) < 0)
		return -1;
	return take_text(r, r->param.p, r->param.n, err);
}

/* --- others --- */

static int take_event(struct cdp_requests *r, struct cdp_err *err)
{
	if (find_param(r, "encrypt", &r->tmp) && r->tmp.n == 1 && *r->tmp.p == '1')
		return cdp_err_set(err, CDP_ERR_DATA, "encrypted (encrypt=1)");
	if (!find_param(r, "event", &r->param))
		return no_payload(err);
	return take_text(r, r->param.p, r->param.n, err);
}

static int take_body(struct cdp_requests *r, struct cdp_err *err)
{
	if (find_param(r, "data", &r->param))
		return take_text(r, r->param.p, r->param.n, err);
	if (!r->body_n)
		return no_payload(err);
	return take_text(r, r->body, r->body_n, err);
}

static int take_lz(struct cdp_requests *r, struct cdp_err *err)
{
	const struct cdp_request *q = r->q;

	if (q->header && (q->header(q->header_ctx, "x-crypt-codec") ||
			  q->header(q->header_ctx, "x-compress-codec")))
		return cdp_err_set(err, CDP_ERR_DATA, "encrypted (X-Crypt-Codec)");
	cdp_buf_reset(&r->text);
	if (r->body_n) {
		if (cdp_lzstring_words(&r->text, r->body, r->body_n, r->inflated_max,
				       err) < 0)
			return -1;
		return take_json(r, r->text.p, r->text.n, err);
	}
	if (!cdp_form_get(q->query, strlen(q->query), "data", &r->param))
		return no_payload(err);
	if (is_json(r->param.p, r->param.n))
		return take_json(r, r->param.p, r->param.n, err);
	if (cdp_lzstring_uri(&r->text, r->param.p, r->param.n, r->inflated_max, err) < 0)
		return -1;
	return take_json(r, r->text.p, r->text.n, err);
}

static int take_form(struct cdp_requests *r, struct cdp_err *err)
{
	cdp_buf_reset(&r->param);
	cdp_buf_adds(&r->param, r->q->query);
	cdp_buf_addc(&r->param, '&');
	cdp_buf_add(&r->param, r->body, r->body_n);
	cdp_buf_reset(&r->text);
	if (cdp_form_json(&r->text, r->param.p, r->param.n, err) < 0)
		return -1;
	return r->text.n == 2 ? no_payload(err) : take_json(r, r->text.p, r->text.n, err);
}

static int take_otlp(struct cdp_requests *r, struct cdp_err *err)
{
	r->protobuf = r->body_n > 0;
	if (!r->body_n)
		return no_payload(err);
	cdp_buf_reset(&r->text);
	if (cdp_otlp_json(&r->text, r->body, r->body_n, err) < 0)
		return -1;
	return take_json(r, r->text.p, r->text.n, err);
}

static int take_cloudevent(struct cdp_requests *r, struct cdp_err *err)
{
	cdp_buf_reset(&r->text);
	if (cdp_cloudevents_json(&r->text, r->q->header, r->q->header_ctx, r->body,
				 r->body_n, err) < 0)
		return -1;
	return take_json(r, r->text.p, r->text.n, err);
}

int request_payload(struct cdp_requests *r, struct cdp_err *err)
{
	enum cdp_carrier carrier = r->route       ? r->route->carrier
				   : r->q->body_n ? CDP_CARRY_BODY
						  : CDP_CARRY_FORM;

	r->body = r->q->body ? r->q->body : "";
	r->body_n = r->q->body_n;
	if (cdp_unpack_bytes(&r->body, &r->body_n, &r->unpacked, r->inflated_max, err) <
	    0)
		return -1;
	if (cdp_cloudevents_is_binary(r->q->header, r->q->header_ctx))
		return take_cloudevent(r, err);
	if (is_json(r->body, r->body_n))
		return take_json(r, r->body, r->body_n, err);
	switch (carrier) {
	case CDP_CARRY_DATA:
		return take_data(r, err);
	case CDP_CARRY_EVENT:
		return take_event(r, err);
	case CDP_CARRY_LZ:
		return take_lz(r, err);
	case CDP_CARRY_FORM:
		return take_form(r, err);
	case CDP_CARRY_OTLP:
		return take_otlp(r, err);
	default:
		return take_body(r, err);
	}
}
