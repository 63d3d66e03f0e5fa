#include "format/sensors_write.h"

#include "record/json.h"

#define ADD(b, lit) cdp_buf_add((b), (lit), sizeof(lit) - 1)

static void member(struct cdp_buf *out, const char *key, const char *value)
{
	if (!value)
		return;
	cdp_buf_addc(out, ',');
	cdp_buf_addc(out, '"');
	cdp_buf_adds(out, key);
	ADD(out, "\":");
	cdp_json_cstr(out, value);
}

/* The order of members is that of the mini program SDK 1.22. */
void cdp_sensors_write(struct cdp_buf *out, const struct cdp_sensors_rec *r)
{
	ADD(out, "{\"distinct_id\":");
	cdp_json_cstr(out, r->distinct_id);
	ADD(out, ",\"identities\":{");
	for (unsigned i = 0; i < r->nids; i++) {
		if (i)
			cdp_buf_addc(out, ',');
		cdp_json_cstr(out, r->ids[i].key);
		cdp_buf_addc(out, ':');
		cdp_json_cstr(out, r->ids[i].value);
	}
	ADD(out, "},\"lib\":{\"$lib\":");
	cdp_json_cstr(out, r->lib);
	ADD(out, ",\"$lib_method\":\"code\",\"$lib_version\":");
	cdp_json_cstr(out, r->lib_version);
	ADD(out, "},\"properties\":{");
	cdp_buf_add(out, r->props, r->nprops);
	cdp_buf_addc(out, '}');
	member(out, "login_id", r->login_id);
	member(out, "anonymous_id", r->anonymous_id);
	member(out, "original_id", r->original_id);
	member(out, "type", r->type);
	member(out, "event", r->event);
	ADD(out, ",\"_track_id\":");
	cdp_buf_addi(out, r->track_id);
	ADD(out, ",\"time\":");
	cdp_buf_addi(out, r->time_ms);
	ADD(out, ",\"_flush_time\":");
	cdp_buf_addi(out, r->flush_ms);
	ADD(out, "}\n");
}
