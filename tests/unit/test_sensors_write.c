#include "format/sensors_write.h"
#include "record/scan.h"
#include "tap.h"

int main(void)
{
	static const struct cdp_sensors_id ids[] = { { "$identity_login_id", "C\"1" },
						     { "$identity_mobile", "139" } };
	struct cdp_sensors_rec r = { .type = "track",
				     .event = "购买",
				     .distinct_id = "C\"1",
				     .login_id = "C\"1",
				     .ids = ids,
				     .nids = 2,
				     .lib = "iOS",
				     .lib_version = "4.5",
				     .time_ms = 1711900800123,
				     .flush_ms = 1711900801000,
				     .track_id = -5,
				     .props = "\"a\":1",
				     .nprops = 5 };
	struct cdp_buf out;
	struct cdp_err err;

	cdp_buf_init(&out, CDP_BUF_NOMAX);
	cdp_sensors_write(&out, &r);
	is_str(cdp_buf_str(&out),
	       "{\"distinct_id\":\"C\\\"1\",\"identities\":{\"$identity_login_id\":"
	       "\"C\\\"1\",\"$identity_mobile\":\"139\"},\"lib\":{\"$lib\":\"iOS\","
	       "\"$lib_method\":\"code\",\"$lib_version\":\"4.5\"},\"properties\":{\"a\":"
	       "1},"
	       "\"login_id\":\"C\\\"1\",\"type\":\"track\",\"event\":\"购买\","
	       "\"_track_id\":-5,\"time\":1711900800123,\"_flush_time\":1711900801000}\n",
	       "a record has the members of the SDK's, strings escaped");
	ok(cdp_json_check(out.p, out.n - 1, &err) == 0, "it is JSON");
	cdp_buf_reset(&out);
	r = (struct cdp_sensors_rec){ .type = "profile_set",
				      .distinct_id = "x",
				      .anonymous_id = "x",
				      .original_id = "y",
				      .lib = "js",
				      .lib_version = "1" };
	cdp_sensors_write(&out, &r);
	is_str(cdp_buf_str(&out),
	       "{\"distinct_id\":\"x\",\"identities\":{},\"lib\":{\"$lib\":\"js\","
	       "\"$lib_method\":\"code\",\"$lib_version\":\"1\"},\"properties\":{},"
	       "\"anonymous_id\":\"x\",\"original_id\":\"y\",\"type\":\"profile_set\","
	       "\"_track_id\":0,\"time\":0,\"_flush_time\":0}\n",
	       "what is not given is left out");
	cdp_buf_release(&out);
	return tap_done();
}
