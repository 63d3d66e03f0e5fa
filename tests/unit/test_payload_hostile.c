/* Payloads of the protocols with every value in turn replaced by one of
 * another type.  Whatever comes: nothing crashes, what is written is a canonical record,
 * which reads back to the same bytes, and what is refused is refused again. */
#include "collect.h"
#include "record/json.h"

#include <stdio.h>

static const struct {
	const char *protocol, *text;
} payloads[] = {
	{ "sensors",
	  "[{\"type\":\"track\",\"event\":\"e\",\"time\":1709251200000,\"distinct"
	  "_id\":\"d\",\"_track_id\":-5,\"anonymous_id\":\"a\",\"login_id\":\"u\""
	  ",\"identities\":{\"$identity_login_id\":\"u\",\"$identity_mobile\":\"1"
	  "\"},\"lib\":{\"$lib\":\"js\"},\"project\":\"p\",\"_flush_time\":170925"
	  "1200001,\"properties\":{\"$time\":\"2024-03-01 08:00:00.0\",\"$timezon"
	  "e_offset\":-480,\"$is_login_id\":true,\"x\":[1]}},{\"type\":\"track_id"
	  "_bind\",\"event\":\"$BindID\",\"time\":1709251200000,\"identities\":{"
	  "\"a\":\"1\",\"b\":\"2\"}},{\"type\":\"profile_unset\",\"time\":1709251"
	  "200000,\"distinct_id\":\"d\",\"properties\":{\"a\":true}},{\"type\":\""
	  "item_set\",\"time\":1709251200000,\"item_type\":\"t\",\"item_id\":\"i"
	  "\",\"properties\":{\"n\":1}},{\"type\":\"detail_set\",\"version\":\"2."
	  "0\",\"schema\":\"s\",\"id\":\"i\",\"time\":1709251200000,\"properties"
	  "\":{\"distinct_id\":\"d\",\"identities\":{\"k\":\"v\"},\"n\":1}}]" },
	{ "zhuge",
	  "{\"ak\":\"k\",\"usr\":{\"did\":\"d\"},\"ut\":\"2024-3-1 8:00:01\",\"tz"
	  "\":28800000,\"pl\":\"and\",\"sdk\":\"zg\",\"sdkv\":\"2\",\"sln\":\"itn"
	  "\",\"data\":[{\"dt\":\"evt\",\"pr\":{\"$ct\":1709251200000,\"$cuid\":"
	  "\"u\",\"$eid\":\"e\",\"_a\":1,\"a\":2,\"_b\":[1]}},{\"dt\":\"usr\",\"p"
	  "r\":{\"$ct\":1709251200000,\"$cuid\":\"u\",\"_n\":\"x\"}},{\"dt\":\"ss"
	  "\",\"pr\":{\"$ct\":1709251200000}},{\"dt\":\"pl\",\"x\":1}]}" },
	{ "zhuge",
	  "{\"type\":\"statis\",\"ak\":\"k\",\"did\":\"d\",\"cuid\":\"u\",\"ts\":"
	  "1709251200.5,\"cn\":\"c\",\"vn\":\"v\",\"sdk\":\"web\",\"data\":[{\"et"
	  "\":\"cus\",\"eid\":\"e\",\"pr\":{\"a\":1,\"$sid\":2},\"sid\":3},{\"et"
	  "\":\"idf\",\"cuid\":\"u\",\"pr\":{\"n\":1}},{\"et\":\"pg\",\"pid\":\"p"
	  "\"}]}" },
	{ "growingio",
	  "[{\"eventType\":\"CUSTOM\",\"eventName\":\"e\",\"deviceId\":\"d\",\"us"
	  "erId\":\"u\",\"userKey\":\"phone\",\"sessionId\":\"s\",\"eventSequence"
	  "Id\":1,\"timestamp\":1709251200000,\"platform\":\"web\",\"sdkVersion\""
	  ":\"4\",\"attributes\":{\"title\":\"a\"},\"title\":\"t\"},{\"eventType"
	  "\":\"LOGIN_USER_ATTRIBUTES\",\"userId\":\"u\",\"timestamp\":1709251200"
	  "000,\"attributes\":{\"n\":\"x\"},\"path\":\"/\"},{\"eventType\":\"PAGE"
	  "\",\"deviceId\":\"d\",\"timestamp\":\"1709251200000\"}]" },
	{ "thinkingdata",
	  "[{\"#type\":\"track\",\"#time\":\"2024-03-01 08:00:00.000\",\"#distinc"
	  "t_id\":\"d\",\"#account_id\":\"u\",\"#event_name\":\"e\",\"#uuid\":\"i"
	  "\",\"#ip\":\"1.2.3.4\",\"properties\":{\"#lib\":\"l\",\"#lib_version\""
	  ":\"1\",\"#zone_offset\":8,\"#device_id\":\"v\",\"a\":1}},{\"#type\":\""
	  "track_update\",\"#time\":\"2024-03-01 08:00:00\",\"#account_id\":\"u\""
	  ",\"#event_name\":\"e\",\"#event_id\":\"r\",\"properties\":{\"a\":1}},{"
	  "\"#type\":\"user_add\",\"#time\":1709251200000,\"#account_id\":\"u\","
	  "\"properties\":{\"n\":1}},{\"#type\":\"user_append\",\"#time\":1709251"
	  "200000,\"#account_id\":\"u\",\"properties\":{\"l\":[1]}},{\"#type\":\""
	  "user_unset\",\"#time\":1709251200000,\"#account_id\":\"u\",\"propertie"
	  "s\":{\"n\":0}},{\"#type\":\"user_del\",\"#time\":1709251200000,\"#acco"
	  "unt_id\":\"u\",\"#x\":1}]" },
	{ "datarangers",
	  "[{\"events\":[{\"event\":\"e\",\"params\":\"{\\\"a\\\":1,\\\"event_ind"
	  "ex\\\":7}\",\"local_time_ms\":1709251200000,\"session_id\":\"s\",\"is_"
	  "bav\":1},{\"event\":\"__profile_append\",\"params\":\"{\\\"l\\\":\\\"x"
	  "\\\",\\\"m\\\":[1]}\",\"local_time_ms\":1709251200000},{\"event\":\"__"
	  "profile_increment\",\"params\":\"{\\\"n\\\":1}\",\"local_time_ms\":170"
	  "9251200000},{\"event\":\"__profile_unset\",\"params\":{\"n\":\"1\"},\""
	  "local_time_ms\":1709251200000}],\"user\":{\"user_unique_id\":\"u\",\"w"
	  "eb_id\":\"w\",\"device_id\":\"d\",\"ssid\":\"z\"},\"header\":{\"app_id"
	  "\":1,\"sdk_lib\":\"js\",\"sdk_version\":\"1\",\"custom\":\"{\\\"a\\\":"
	  "2}\",\"a\":3},\"local_time\":1709251200,\"verbose\":1}]" },
	{ "umeng",
	  "{\"h\":{\"ak\":\"k\",\"ts\":1709251200000,\"sv\":\"2\",\"sdt\":\"wxmp"
	  "\",\"os\":\"a\",\"itr\":{\"ud\":\"d\",\"puid\":\"u\",\"od\":\"o\",\"un"
	  "ionid\":\"n\"}},\"a\":{\"sn\":[{\"id\":\"s\",\"start_time\":1709251200"
	  "000,\"options\":{}},{\"id\":\"s\",\"start_time\":1709251200000,\"end_t"
	  "ime\":1709251200001,\"duration\":1}],\"e\":{\"s\":[{\"id\":\"e\",\"ts"
	  "\":1709251200000,\"os\":\"b\"}]},\"active_user\":{\"puid\":\"u\"}}}" },
	{ "segment",
	  "{\"batch\":[{\"type\":\"track\",\"event\":\"buy\",\"userId\":\"u\","
	  "\"anonymousId\":\"a\",\"messageId\":\"m\",\"timestamp\":\"2024-03-01T00:00:"
	  "00Z\","
	  "\"properties\":{\"x\":1},\"context\":{\"library\":{\"name\":\"n\",\"version\":"
	  "\"1\"},\"device\":{\"id\":\"d\"}},\"channel\":\"web\"}],\"sentAt\":"
	  "\"2024-03-01T00:00:01Z\",\"writeKey\":\"k\"}" },
	{ "segment",
	  "{\"batch\":[{\"type\":\"identify\",\"userId\":\"u\",\"messageId\":\"m\","
	  "\"originalTimestamp\":\"2024-03-01T00:00:00Z\",\"traits\":{\"email\":\"e@x\","
	  "\"phone\":\"1\"}},{\"type\":\"group\",\"userId\":\"u\",\"groupId\":\"g\","
	  "\"timestamp\":\"2024-03-01T00:00:00Z\",\"traits\":{\"n\":1}},{\"type\":"
	  "\"alias\","
	  "\"userId\":\"u\",\"previousId\":\"p\",\"timestamp\":\"2024-03-01T00:00:00Z\"},"
	  "{\"type\":\"page\",\"name\":\"n\",\"category\":\"c\",\"userId\":\"u\","
	  "\"timestamp\":\"2024-03-01T00:00:00Z\"}]}" },
	{ "snowplow",
	  "{\"schema\":\"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/"
	  "1-0-4\","
	  "\"data\":[{\"e\":\"ue\",\"eid\":\"i\",\"dtm\":\"1709251200000\",\"stm\":"
	  "\"1709251200005\",\"tv\":\"js-4.1\",\"duid\":\"d\",\"nuid\":\"n\",\"uid\":"
	  "\"u\","
	  "\"res\":\"1x2\",\"ue_pr\":\"{\\\"schema\\\":\\\"iglu:u/u/j/"
	  "1-0-0\\\",\\\"data\\\":"
	  "{\\\"schema\\\":\\\"iglu:b/view/jsonschema/"
	  "1-0-0\\\",\\\"data\\\":{\\\"a\\\":1,"
	  "\\\"platform\\\":2}}}\",\"co\":\"{\\\"data\\\":[]}\",\"p\":\"web\"},{\"e\":"
	  "\"se\","
	  "\"se_ca\":\"c\",\"se_ac\":\"a\",\"se_va\":\"1.5\",\"uid\":\"u\",\"ttm\":"
	  "\"1709251200000\"},{\"e\":\"ue\",\"ue_px\":\"e30\",\"uid\":\"u\",\"dtm\":"
	  "\"1709251200000\"}]}" },
	{ "otlp",
	  "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"s\",\"value\":"
	  "{\"stringValue\":\"v\"}}]},\"scopeLogs\":[{\"scope\":{\"name\":\"n\"},"
	  "\"logRecords\":[{\"timeUnixNano\":\"1709251200000000000\",\"eventName\":\"e\","
	  "\"body\":{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":{"
	  "\"arrayValue\":"
	  "{\"values\":[{\"intValue\":\"7\"},{\"doubleValue\":1.5}]}}}]}},\"attributes\":"
	  "[{\"key\":\"user.id\",\"value\":{\"stringValue\":\"u\"}},{\"key\":\"n\","
	  "\"value\":"
	  "{\"intValue\":7}}]}]}]}]}" },
	{ "posthog",
	  "{\"api_key\":\"k\",\"batch\":[{\"event\":\"e\",\"distinct_id\":\"d\",\"uuid\":"
	  "\"i\",\"timestamp\":\"2024-03-01T00:00:00Z\",\"properties\":{\"$device_id\":"
	  "\"d\","
	  "\"$user_id\":\"u\",\"$lib\":\"web\",\"$lib_version\":\"1\",\"$set\":{\"n\":1},"
	  "\"$set_once\":{\"o\":1},\"$unset\":[\"z\"]}},{\"event\":\"$create_alias\","
	  "\"distinct_id\":\"d\",\"timestamp\":\"2024-03-01T00:00:00Z\",\"properties\":"
	  "{\"alias\":\"a\"}},{\"event\":\"$groupidentify\",\"distinct_id\":\"d\","
	  "\"timestamp\":\"2024-03-01T00:00:00Z\",\"properties\":{\"$group_type\":\"t\","
	  "\"$group_key\":\"k\",\"$group_set\":{\"n\":1}}},{\"event\":\"$set\","
	  "\"distinct_id\":\"d\",\"properties\":{\"$time\":1709251200.5},\"$set\":{\"n\":"
	  "1}}],"
	  "\"sent_at\":\"2024-03-01T00:00:00Z\"}" },
	{ "mixpanel",
	  "[{\"event\":\"e\",\"properties\":{\"distinct_id\":\"d\",\"time\":1709251200,"
	  "\"token\":\"t\",\"$insert_id\":\"i\",\"mp_lib\":\"l\",\"$lib_version\":\"1\"}}"
	  ","
	  "{\"$token\":\"t\",\"$distinct_id\":\"d\",\"$time\":1709251200000,\"$set\":{"
	  "\"a\":1},"
	  "\"$set_once\":{\"a\":1},\"$add\":{\"n\":1},\"$append\":{\"l\":1},\"$union\":{"
	  "\"l\":"
	  "[1]},\"$unset\":[\"z\"],\"$delete\":\"\"},{\"$token\":\"t\",\"$group_key\":"
	  "\"k\","
	  "\"$group_id\":\"g\",\"$time\":1709251200,\"$set\":{\"n\":1}},{\"event\":"
	  "\"$create_alias\",\"properties\":{\"distinct_id\":\"d\",\"alias\":\"a\","
	  "\"time\":"
	  "1709251200}}]" },
	{ "amplitude",
	  "{\"api_key\":\"k\",\"events\":[{\"event_type\":\"e\",\"user_id\":\"u\","
	  "\"device_id\":\"d\",\"time\":1709251200000,\"insert_id\":\"i\",\"event_"
	  "properties\":"
	  "{\"a\":1},\"user_properties\":{\"b\":1},\"library\":\"l/1\",\"event_id\":0},"
	  "{\"event_type\":\"$identify\",\"user_id\":\"u\",\"time\":1709251200000,"
	  "\"user_properties\":{\"$set\":{\"a\":1},\"$setOnce\":{\"a\":1},\"$add\":{"
	  "\"n\":1},"
	  "\"$append\":{\"l\":1},\"$unset\":{\"z\":\"-\"},\"$clearAll\":\"-\"},"
	  "\"groups\":"
	  "{\"c\":\"x\",\"t\":[\"y\",\"z\"]}},{\"event_type\":\"$groupidentify\","
	  "\"groups\":"
	  "{\"c\":\"x\"},\"time\":1709251200000,\"group_properties\":{\"$set\":{\"n\":1}}"
	  "}],"
	  "\"client_upload_time\":\"2024-03-01T00:00:00Z\"}" },
	{ "matomo",
	  "{\"requests\":[\"?idsite=1&rec=1&uid=u&cdt=1709251200&e_c=c&e_a=a&e_v=1.5&"
	  "cvar=%7B"
	  "%7D\",{\"idsite\":\"1\",\"_id\":\"v\",\"cdt\":\"2024-03-01 "
	  "00:00:00\",\"idgoal\":"
	  "\"0\",\"ec_id\":\"o\",\"ec_items\":\"[]\"}],\"token_auth\":\"secret\"}" },
	{ "countly",
	  "{\"app_key\":\"k\",\"device_id\":\"d\",\"old_device_id\":\"o\",\"timestamp\":"
	  "\"1709251200000\",\"begin_session\":\"1\",\"metrics\":\"{\\\"_os\\\":"
	  "\\\"x\\\"}\","
	  "\"session_duration\":\"3\",\"end_session\":\"1\",\"events\":\"[{\\\"key\\\":"
	  "\\\"e\\\",\\\"count\\\":1,\\\"segmentation\\\":{\\\"a\\\":1}}]\",\"user_"
	  "details\":"
	  "\"{\\\"email\\\":\\\"e\\\",\\\"custom\\\":{\\\"n\\\":{\\\"$inc\\\":1}}}\","
	  "\"crash\":\"{}\",\"sdk_name\":\"s\",\"sdk_version\":\"1\"}" },
	{ "countly",
	  "{\"app_key\":\"k\",\"device_id\":\"d\",\"events\":[{\"key\":\"e\","
	  "\"timestamp\":"
	  "1709251200,\"count\":1,\"sum\":2,\"dur\":3,\"segmentation\":{\"a\":1}}],"
	  "\"user_details\":{\"name\":\"n\",\"custom\":{\"n\":{\"$inc\":1},\"l\":{\"$"
	  "push\":"
	  "[1]},\"o\":{\"$setOnce\":1},\"v\":1}},\"timestamp\":1709251200}" },
	{ "unomi",
	  "{\"events\":[{\"eventType\":\"e\",\"scope\":\"s\",\"target\":{\"itemId\":"
	  "\"u\","
	  "\"itemType\":\"user\"},\"source\":{\"itemId\":\"p\"},\"properties\":{\"a\":1},"
	  "\"timeStamp\":\"2024-03-01T00:00:00Z\"}],\"sessionId\":\"s\",\"profileId\":"
	  "\"p\"}" },
	{ "cloudevents", "{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"/"
			 "s\",\"id\":\"i\",\"time\":"
			 "\"2024-03-01T00:00:00Z\",\"subject\":\"u\",\"userid\":\"w\","
			 "\"deviceid\":\"d\","
			 "\"data\":{\"a\":1},\"data_base64\":\"e30=\",\"ext\":1}" },
	{ "ga4", "{\"event_timestamp\":\"1709251200123456\",\"event_name\":\"e\",\"event_"
		 "params\":"
		 "[{\"key\":\"k\",\"value\":{\"int_value\":\"1\"}}],\"user_properties\":["
		 "{\"key\":"
		 "\"k\",\"value\":{\"string_value\":\"v\"}}],\"user_id\":\"u\",\"user_"
		 "pseudo_id\":"
		 "\"p\",\"platform\":\"WEB\",\"items\":[]}" },
};

static const char *const values[] = {
	"null",
	"true",
	"0",
	"-1",
	"1.5e300",
	"1709251200000",
	"\"\"",
	"\"x\"",
	"[]",
	"[[[]]]",
	"[null,\"x\"]",
	"{}",
	"{\"a\":{\"b\":null}}",
	"\"\\ud800\"",
	"\"{\\\"\"",
	"{\"event_id\":1,\"one_id\":[],\"$x\":{}}",
	"{\"values\":7,\"attributes\":{},\"schema\":[],\"data\":0,\"value\":[]}",
};

static struct collect_test t, native;
static struct cdp_buf text, line;
static unsigned long records, rejects;
static const char *trouble; /* what went wrong first */

static int take(void *ctx, size_t at, const struct cdp_canon *info, struct cdp_err *err)
{
	struct cdp_buf *out = &t.out;
	const char *again;

	(void)ctx;
	(void)info;
	(void)err;
	cdp_buf_reset(&line);
	cdp_buf_add(&line, out->p + at, out->n - at);
	again = collect(&native, cdp_buf_str(&line));
	if (strcmp(again, cdp_buf_str(&line)) != 0 && !trouble) {
		printf("# %s\n# %s\n# from %s\n", cdp_buf_str(&line), again,
		       cdp_buf_str(&text));
		trouble = "a record that is not canonical";
	}
	records++;
	cdp_buf_reset(out);
	return 0;
}

static void put_aside(void *ctx, const char *raw, size_t n, const struct cdp_err *err)
{
	struct cdp_buf *aside = ctx;

	if (!err->msg[0])
		trouble = "a reject without a reason";
	rejects++;
	cdp_buf_reset(aside);
	cdp_buf_add(aside, raw, n);
}

static unsigned long read_text(const char *p, size_t n, struct cdp_buf *aside)
{
	struct cdp_sink sink = { &t.out, aside, take, put_aside };
	unsigned long before = rejects;
	struct cdp_err err;

	cdp_buf_reset(&t.out);
	if (cdp_reader_line(t.reader, p, n, &sink, &err) < 0) {
		if (err.kind != CDP_ERR_DATA)
			trouble = "an end of the run";
		rejects++;
	}
	return rejects - before;
}

/* The payload with the value at [from, to) replaced. */
static void mutate(const char *p, size_t from, size_t to, const char *value)
{
	static struct cdp_buf aside, copy;

	if (!aside.p) {
		cdp_buf_init(&aside, CDP_BUF_NOMAX);
		cdp_buf_init(&copy, CDP_BUF_NOMAX);
	}
	cdp_buf_reset(&text);
	cdp_buf_add(&text, p, from);
	cdp_buf_adds(&text, value);
	cdp_buf_adds(&text, p + to);
	cdp_buf_reset(&aside);
	if (!read_text(text.p, text.n, &aside) || !aside.n)
		return;
	cdp_buf_reset(&copy);
	cdp_buf_add(&copy, aside.p, aside.n);
	if (!read_text(copy.p, copy.n, &aside) && !trouble) {
		printf("# %s\n# of %s\n", cdp_buf_str(&copy), cdp_buf_str(&text));
		trouble = "a reject that is good when it comes again";
	}
}

static void walk(const char *p, const struct cdp_val *v)
{
	size_t quote = v->type == CDP_STRING, from = (size_t)(v->p - p) - quote;
	struct cdp_iter it = { 0 };
	struct cdp_val key, inner;

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		mutate(p, from, from + v->n + 2 * quote, values[i]);
	if (v->type == CDP_OBJECT)
		while (cdp_val_member(v, &it, &key, &inner))
			walk(p, &inner);
	else if (v->type == CDP_ARRAY)
		while (cdp_val_item(v, &it, &inner))
			walk(p, &inner);
}

static void start(const char *protocol)
{
	struct cdp_err err;

	memset(&t, 0, sizeof(t));
	t.zone = cdp_zone_load("Asia/Shanghai", &err);
	t.opts = native.opts;
	t.opts.zone = t.zone;
	t.plan = cdp_format_plan_protocol(cdp_protocol_find(protocol), &t.opts);
	t.reader = cdp_reader_new(t.plan);
	cdp_buf_init(&t.out, CDP_BUF_NOMAX);
}

int main(void)
{
	cdp_buf_init(&text, CDP_BUF_NOMAX);
	cdp_buf_init(&line, CDP_BUF_NOMAX);
	collect_start(&native, CDP_FORMAT_NATIVE);
	for (size_t i = 0; i < sizeof(payloads) / sizeof(*payloads); i++) {
		const char *p = payloads[i].text;
		struct cdp_val all;
		struct cdp_buf aside;

		start(payloads[i].protocol);
		cdp_buf_init(&aside, CDP_BUF_NOMAX);
		records = rejects = 0;
		trouble = NULL;
		read_text(p, strlen(p), &aside);
		ok(records > 0, "%s %zu: there is a good record to begin with",
		   payloads[i].protocol, i);
		cdp_val_at(&all, p, strlen(p));
		walk(p, &all);
		ok(!trouble && records > 10 && rejects > 10,
		   "%s %zu: a value of any type ends in records or rejects%s%s",
		   payloads[i].protocol, i, trouble ? ": " : "", trouble ? trouble : "");
		cdp_buf_release(&aside);
		collect_end(&t);
	}
	collect_end(&native);
	cdp_buf_release(&text);
	cdp_buf_release(&line);
	return tap_done();
}
