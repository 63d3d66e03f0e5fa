#include "format/segment_write.h"

#include "format/canon.h"
#include "record/json.h"

#define ADD(b, lit) cdp_buf_add((b), (lit), sizeof(lit) - 1)

static void member(struct cdp_buf *out, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	cdp_json_key(out, key);
	cdp_json_cstr(out, value);
}

static void traits(struct cdp_buf *out, const struct cdp_segment_rec *r)
{
	ADD(out, ",\"traits\":{");
	member(out, "phone", r->phone);
	cdp_buf_addc(out, '}');
}

void cdp_segment_write(struct cdp_buf *out, const struct cdp_segment_rec *r)
{
	cdp_buf_addc(out, '{');
	member(out, "type", r->type);
	member(out, "event", r->event);
	ADD(out, ",\"timestamp\":");
	cdp_canon_put_time(out, r->time_ms);
	member(out, "anonymousId", r->anonymous);
	member(out, "userId", r->user);
	ADD(out, ",\"messageId\":\"");
	cdp_buf_add(out, r->message_id, sizeof(r->message_id));
	cdp_buf_addc(out, '"');
	if (r->event) {
		ADD(out, ",\"properties\":{");
		cdp_buf_add(out, r->props, r->nprops);
		cdp_buf_addc(out, '}');
	} else {
		traits(out, r);
	}
	ADD(out, ",\"context\":{\"library\":{\"name\":");
	cdp_json_cstr(out, r->lib);
	ADD(out, ",\"version\":");
	cdp_json_cstr(out, r->lib_version);
	cdp_buf_addc(out, '}');
	if (r->device && *r->device) {
		ADD(out, ",\"device\":{\"id\":");
		cdp_json_cstr(out, r->device);
		cdp_buf_addc(out, '}');
	}
	if (r->event && r->phone && *r->phone)
		traits(out, r);
	ADD(out, "},\"sentAt\":");
	cdp_canon_put_time(out, r->sent_ms);
	ADD(out, "}\n");
}
