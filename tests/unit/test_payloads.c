/* Messages of the international protocols in the forms that their recorded clients do not
 * show (tests/fixtures has those). */
#include "collect.h"
#include "format/otlp_proto.h"

#include <stdio.h>

static struct collect_test t;

#define T "\"time\":\"2024-03-01T00:00:00.000Z\""
#define AT "\"timestamp\":\"2024-03-01T00:00:00Z\""

static void start(const char *protocol)
{
	collect_start(&t, CDP_FORMAT_NATIVE);
	cdp_reader_free(t.reader);
	cdp_format_plan_free(t.plan);
	t.plan = cdp_format_plan_protocol(cdp_protocol_find(protocol), &t.opts);
	t.reader = cdp_reader_new(t.plan);
}

static void becomes(const char *line, const char *want, const char *name)
{
	is_str(collect(&t, line), want, "%s", name);
}

static void segment(void)
{
	start("segment");
	becomes("{\"event\":\"buy\",\"userId\":1234567890123456789," AT "}",
		"{" T ",\"event\":\"buy\",\"ids\":{\"customer\":\"1234567890123456789\"},"
		"\"source\":\"segment\"}",
		"a message without a type is what its members make it; digits stay");
	becomes("{\"type\":\"track\",\"event\":\"e\",\"userId\":\"\",\"anonymousId\":"
		"\"a\","
		"\"originalTimestamp\":\"2024-03-01T08:00:00+08:00\",\"id\":5,"
		"\"segment\":"
		"{\"x\":1},\"name\":\"n\"}",
		"{" T
		",\"event\":\"e\",\"ids\":{\"anonymous\":\"a\"},\"source\":\"segment\","
		"\"name\":\"n\",\"segment\":{\"id\":5,\"segment\":{\"x\":1}}}",
		"members with names of ours go into an object of their own");
	becomes("{\"type\":\"page\",\"userId\":\"u\",\"name\":\"n\",\"category\":\"c\","
		"\"properties\":{\"name\":\"own\"}," AT "}",
		"{" T ",\"event\":\"page_view\",\"ids\":{\"customer\":\"u\"},\"props\":{"
		"\"name\":\"own\",\"category\":\"c\"},\"source\":\"segment\"}",
		"a page's name does not replace its property of that name");
	becomes("{\"type\":\"group\",\"userId\":\"u\",\"groupId\":7," AT "}",
		"{" T ",\"type\":\"relation\",\"ids\":{\"customer\":\"u\"},\"relation\":"
		"\"member_of\",\"to\":{\"group\":\"7\"},\"source\":\"segment\"}",
		"a group without traits is a relation alone");
	becomes("{\"batch\":[{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\"},7],"
		"\"sentAt\":\"2024-03-01T00:00:05Z\"}",
		"REJECT time: time is missing: {\"batch\":[{\"type\":\"track\","
		"\"event\":\"e\",\"userId\":\"u\"}],\"sentAt\":\"2024-03-01T00:00:05Z\"}"
		"\n"
		"REJECT : a message that is not an object: {\"batch\":[7],\"sentAt\":"
		"\"2024-03-01T00:00:05Z\"}",
		"each bad message is rejected alone, in its envelope");
	becomes("{\"batch\":{}}", "batch: not an array",
		"a bad envelope is bad as a whole");
	becomes("{\"type\":\"alias\",\"userId\":\"u\"," AT "}",
		"REJECT ids: a bind of fewer than two ids: "
		"{\"type\":\"alias\",\"userId\":"
		"\"u\"," AT "}",
		"an alias of nobody is none");
	t.opts.received = 1709251200000;
	becomes("{\"event\":\"e\",\"userId\":\"u\"}",
		"{" T
		",\"event\":\"e\",\"ids\":{\"customer\":\"u\"},\"source\":\"segment\","
		"\"received\":\"2024-03-01T00:00:00.000Z\"}",
		"a message written by hand has the time of receipt");
	collect_end(&t);
}

/* A line of enriched events with these columns, "number=text" each. */
static const char *enriched(const char *const *columns)
{
	static struct cdp_buf b;
	int at = 1;

	if (!b.p)
		cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_reset(&b);
	for (; *columns; columns++) {
		int n = atoi(*columns);

		for (; at < n; at++)
			cdp_buf_addc(&b, '\t');
		cdp_buf_adds(&b, strchr(*columns, '=') + 1);
	}
	for (; at < 131; at++)
		cdp_buf_addc(&b, '\t');
	return cdp_buf_str(&b);
}

static void snowplow(void)
{
	static const char *const view[] = { "1=bank",
					    "4=2024-03-01 00:00:02.5",
					    "5=2024-03-01 00:00:00.000",
					    "6=struct",
					    "7=e-1",
					    "10=js-4.1.0-beta",
					    "13=u",
					    "16=d",
					    "54=fund",
					    "55=buy",
					    "58=12.50",
					    "94=1",
					    "120=2024-03-01 00:00:01.000",
					    "127=event",
					    NULL };
	static const char *const known[] = { "5=2024-03-01 00:00:09.000",
					     "6=page_view",
					     "14=10.0.0.9",
					     "120=2024-03-01 00:00:10.000",
					     "131=2024-03-01 00:00:00.000",
					     NULL };
	static const char *const none[] = { "6=struct", "13=u", NULL };

	start("snowplow");
	becomes(enriched(view),
		"{" T ",\"event\":\"fund.buy\",\"ids\":{\"anonymous\":\"d\",\"customer\":"
		"\"u\"},"
		"\"props\":{\"se_category\":\"fund\",\"se_action\":\"buy\",\"se_value\":"
		"12.50,"
		"\"br_cookies\":true,\"$lib\":\"js\",\"$lib_version\":\"4.1.0-beta\"},"
		"\"event_id\":\"e-1\",\"source\":\"snowplow/js\",\"project\":\"bank\","
		"\"sent\":\"2024-03-01T00:00:01.000Z\",\"received\":"
		"\"2024-03-01T00:00:02.500Z\"}",
		"an enriched event has typed columns and all three times");
	becomes("{\"e\":\"se\",\"eid\":\"e-1\",\"dtm\":\"1709251200000\",\"stm\":"
		"\"1709251201000\",\"tv\":\"js-4.1.0-beta\",\"uid\":\"u\",\"duid\":\"d\","
		"\"se_ca\":\"fund\",\"se_ac\":\"buy\",\"se_va\":\"12.50\",\"cookie\":"
		"\"1\","
		"\"aid\":\"bank\"}",
		"{" T ",\"event\":\"fund.buy\",\"ids\":{\"anonymous\":\"d\",\"customer\":"
		"\"u\"},"
		"\"props\":{\"se_category\":\"fund\",\"se_action\":\"buy\",\"se_value\":"
		"12.50,"
		"\"br_cookies\":true,\"$lib\":\"js\",\"$lib_version\":\"4.1.0-beta\"},"
		"\"event_id\":\"e-1\",\"source\":\"snowplow/js\",\"project\":\"bank\","
		"\"sent\":\"2024-03-01T00:00:01.000Z\"}",
		"the same event from the tracker is the same record");
	becomes(enriched(known),
		"{" T ",\"event\":\"page_view\",\"ids\":{\"ip\":\"10.0.0.9\"},\"props\":{"
		"\"dvce_created_tstamp\":\"2024-03-01 00:00:09.000\",\"user_ipaddress\":"
		"\"10.0.0.9\",\"dvce_sent_tstamp\":\"2024-03-01 00:00:10.000\"},"
		"\"source\":\"snowplow\"}",
		"a time that the application knows is not to be corrected by a clock");
	becomes(enriched(none) + 1,
		"REJECT : 130 columns instead of 131: \t\t\t\tstruct"
		"\t\t\t\t\t\t\tu\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t"
		"\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t"
		"\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t"
		"\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t"
		"\t\t\t\t\t\t",
		"a line of another number of columns is rejected");
	becomes("{\"e\":\"ue\",\"uid\":\"u\",\"dtm\":\"1709251200000\",\"p\":\"web\","
		"\"ue_px\":"
		"\"eyJkYXRhIjp7InNjaGVtYSI6ImlnbHU6Yi92aWV3L2pzb25zY2hlbWEvMS0wL"
		"TAiLCJkYXRhIjp7InBsYXRmb3JtIjoieCJ9fX0\",\"cx\":\"W10=\",\"new\":[1]}",
		"{" T ",\"event\":\"view\",\"ids\":{\"customer\":\"u\"},\"props\":{"
		"\"platform\":"
		"\"x\"},\"source\":\"snowplow\",\"schema\":\"iglu:b/view/jsonschema/"
		"1-0-0\","
		"\"contexts\":[],\"snowplow\":{\"platform\":\"web\"},\"new\":[1]}",
		"packed data is unpacked, and what it named is not taken for a field");
	becomes("{\"e\":\"pv\",\"dtm\":\"1709251200000\",\"co\":\"{\\\"data\\\":[{"
		"\\\"schema\\\":\\\"iglu:c/client_session/jsonschema/"
		"1-0-2\\\",\\\"data\\\":"
		"{\\\"userId\\\":\\\"app-1\\\"}}]}\"}",
		"{" T
		",\"event\":\"page_view\",\"ids\":{\"anonymous\":\"app-1\"},\"source\":"
		"\"snowplow\",\"contexts\":[{\"schema\":\"iglu:c/client_session/"
		"jsonschema/"
		"1-0-2\",\"data\":{\"userId\":\"app-1\"}}]}",
		"an app has the id of its installation from its session");
	collect_end(&t);
}

/* --- OpenTelemetry --- */

static void otlp_json(void)
{
	start("otlp");
	becomes("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":"
		"\"0\","
		"\"observedTimeUnixNano\":1709251200000999999,\"eventName\":\"e\","
		"\"traceId\":"
		"\"ab\",\"attributes\":[{\"key\":\"user.id\",\"value\":{\"intValue\":"
		"\"7\"}},"
		"{\"key\":\"big\",\"value\":{\"intValue\":\"9007199254740993\"}},{"
		"\"key\":\"o\","
		"\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":{}}]}}}"
		"]}]}]}]}",
		"{" T ",\"event\":\"e\",\"ids\":{\"customer\":\"7\"},\"props\":{\"big\":"
		"9007199254740993,\"o\":{\"k\":null}},\"source\":\"otlp\",\"traceId\":"
		"\"ab\"}",
		"integers are strings or numbers and keep their digits, 0 is no time");
	becomes("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":"
		"\"1709251200000000000\",\"body\":{\"stringValue\":\"started\"}}]}]}]}",
		"REJECT eventName: a line of a log: it has no eventName: "
		"{\"resourceLogs\":[{"
		"\"resource\":null,\"scopeLogs\":[{\"scope\":null,\"logRecords\":[{"
		"\"timeUnixNano\":\"1709251200000000000\",\"body\":{\"stringValue\":"
		"\"started\"}}]}]}]}",
		"a line of a log is no event, and is kept with where it came from");
	collect_end(&t);
}

static const char *protobuf(const char *p, size_t n)
{
	static struct cdp_buf b;
	struct cdp_err err;

	if (!b.p)
		cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_reset(&b);
	if (cdp_otlp_json(&b, p, n, &err) < 0)
		cdp_buf_addf(&b, "%s%s", b.n ? "LEFT OVER " : "", err.msg);
	return cdp_buf_str(&b);
}
#define PROTOBUF(bytes) protobuf(bytes, sizeof(bytes) - 1)
#define NOT "no protocol buffer of OTLP logs: "

static void otlp_protobuf(void)
{
	struct cdp_buf b;
	unsigned mangled = 0, good = 0;
	/* one record: time 1 ns, severity -1, body bytes ff, attribute k of a double NaN,
	 * trace id ab cd, an unknown field 99, event name e */
	static const char all[] = "\x0a\x2d\x12\x2b\x12\x29"
				  "\x09\x01\0\0\0\0\0\0\0"
				  "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
				  "\x2a\x03\x3a\x01\xff"
				  "\x32\x0e\x0a\x01k\x12\x09\x21\0\0\0\0\0\0\xf8\x7f";

	is_str(PROTOBUF(""), "{}", "no bytes are a request of nothing");
	is_str(PROTOBUF(all),
	       "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":"
	       "\"1\","
	       "\"severityNumber\":-1,\"body\":{\"bytesValue\":\"/"
	       "w==\"},\"attributes\":[{"
	       "\"key\":\"k\",\"value\":{\"doubleValue\":\"NaN\"}}]}]}]}]}",
	       "fields are written as the JSON of protocol buffers has them");
	is_str(PROTOBUF("\x0a\x0d\x12\x0b\x12\x09\x4a\x02\xab\xcd\x9a\x06\x00\x62\x00"),
	       "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"traceId\":"
	       "\"abcd\","
	       "\"eventName\":\"\"}]}]}]}",
	       "ids of traces are hexadecimal, fields not known are left out");
	is_str(PROTOBUF("\x0a\x05\x12"), NOT "a field is longer than what it stands in",
	       "a length is not believed");
	is_str(PROTOBUF("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
	       NOT "a length is cut off", "a number has at most ten bytes");
	is_str(PROTOBUF("\x08\x01"), NOT "a field of another type",
	       "a field of another type is refused");
	is_str(PROTOBUF("\x0b"), NOT "a field of unknown wire type",
	       "groups, which are no more, are refused");
	is_str(PROTOBUF("\x0a\x06\x12\x04\x1a\x02\xc3\x28"),
	       NOT "a string that is not UTF-8", "strings are UTF-8");
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (size_t i = 0; i < sizeof(all) - 1; i++)
		for (int bit = 0; bit < 8; bit++) {
			const char *json;
			struct cdp_err err;

			cdp_buf_reset(&b);
			cdp_buf_add(&b, all, sizeof(all) - 1);
			b.p[i] = (char)(b.p[i] ^ 1 << bit);
			json = protobuf(b.p, b.n);
			if (*json == '{' && cdp_json_check(json, strlen(json), &err) < 0)
				mangled++;
			good += *json == '{';
		}
	ok(!mangled && good, "of a damaged request, JSON is made or nothing");
	cdp_buf_reset(&b);
	/* 100 arrays in each other, as a body: what is inside each is one length more */
	for (int depth = 0; depth < 100; depth++) {
		struct cdp_buf outer;
		const char tags[] = { 0x0a, 0x2a };

		for (int k = 0; k < 2; k++) {
			cdp_buf_init(&outer, CDP_BUF_NOMAX);
			cdp_buf_addc(&outer, tags[k]);
			if (b.n >= 128)
				cdp_buf_addc(&outer, (char)(b.n & 0x7f) | (char)0x80);
			cdp_buf_addc(&outer, (char)(b.n >= 128 ? b.n >> 7 : b.n));
			cdp_buf_add(&outer, b.p, b.n);
			cdp_buf_release(&b);
			b = outer;
		}
	}
	for (int k = 0; k < 4; k++) {
		static const char tags[] = { 0x2a, 0x12, 0x12, 0x0a };
		struct cdp_buf outer;

		cdp_buf_init(&outer, CDP_BUF_NOMAX);
		cdp_buf_addc(&outer, tags[k]);
		cdp_buf_addc(&outer, (char)((b.n & 0x7f) | 0x80));
		cdp_buf_addc(&outer, (char)(b.n >> 7));
		cdp_buf_add(&outer, b.p, b.n);
		cdp_buf_release(&b);
		b = outer;
	}
	is_str(protobuf(b.p, b.n), NOT "it is nested too deeply",
	       "nesting has a ceiling");
	cdp_buf_release(&b);
}

/* --- others --- */

static void posthog(void)
{
	start("posthog");
	becomes("[{\"event\":\"e\",\"properties\":{\"distinct_id\":\"d\",\"$device_id\":"
		"\"v\","
		"\"token\":\"k\"}," AT ",\"uuid\":\"i\",\"offset\":12}]",
		"{" T ",\"event\":\"e\",\"ids\":{\"anonymous\":\"d\",\"device\":\"v\"},"
		"\"event_id\":\"i\",\"source\":\"posthog\",\"project\":\"k\",\"offset\":"
		"12}",
		"an array of events is one, and an unmarked id is anonymous");
	becomes("{\"event\":\"e\",\"distinct_id\":\"u\",\"properties\":{\"$is_"
		"identified\":true,"
		"\"$device_id\":\"v\",\"$time\":1709251200}}",
		"{" T ",\"event\":\"e\",\"ids\":{\"customer\":\"u\",\"anonymous\":\"v\"},"
		"\"props\":{\"$is_identified\":true,\"$time\":1709251200},\"source\":"
		"\"posthog\"}",
		"an id is a login where the library says so");
	becomes("{\"event\":\"$groupidentify\",\"distinct_id\":\"u\",\"properties\":{"
		"\"$group_type\":\"company\"}," AT "}",
		"REJECT group id: a group without a name: {\"event\":\"$groupidentify\","
		"\"distinct_id\":\"u\",\"properties\":{\"$group_type\":\"company\"}," AT
		"}",
		"a group without a name is rejected");
	t.opts.received = 1709251200000;
	becomes("{\"event\":\"e\",\"distinct_id\":\"u\"}",
		"{" T
		",\"event\":\"e\",\"ids\":{\"anonymous\":\"u\"},\"source\":\"posthog\","
		"\"received\":\"2024-03-01T00:00:00.000Z\"}",
		"an event written by hand has the time of receipt");
	collect_end(&t);
}

static void mixpanel(void)
{
	start("mixpanel");
	becomes("{\"event\":\"e\",\"properties\":{\"distinct_id\":\"$device:x\",\"$"
		"device_id\":"
		"\"x\",\"$user_id\":\"u\",\"time\":1709251200.5,\"$insert_id\":\"i\"}}",
		"{\"time\":\"2024-03-01T00:00:00.500Z\",\"event\":\"e\",\"ids\":{"
		"\"customer\":"
		"\"u\",\"anonymous\":\"x\"},\"event_id\":\"i\",\"source\":\"mixpanel\"}",
		"a device's distinct_id is the anonymous id");
	becomes("{\"event\":\"e\",\"properties\":{\"distinct_id\":\"d\"}}",
		"REJECT time: time is missing: "
		"{\"event\":\"e\",\"properties\":{\"distinct_id\":"
		"\"d\"}}",
		"without a time and a time of receipt there is none");
	t.opts.received = 1709251200000;
	becomes("{\"$distinct_id\":\"d\",\"$set\":{\"a\":1},\"$remove\":{\"b\":1}}",
		"REJECT : an operation that is not known: '$remove': "
		"{\"$distinct_id\":\"d\","
		"\"$set\":{\"a\":1},\"$remove\":{\"b\":1}}",
		"an update is applied whole or not at all");
	becomes("{\"$distinct_id\":\"d\",\"$add\":{\"n\":\"1\"}}",
		"REJECT increment.n: not a number: "
		"{\"$distinct_id\":\"d\",\"$add\":{\"n\":\"1\"}}",
		"what is added is a number");
	becomes("{\"$group_key\":\"c\",\"$group_id\":\"g\",\"$union\":{\"l\":[1]}}",
		"REJECT $group_key: an operation that changes part of a row: "
		"{\"$group_key\":"
		"\"c\",\"$group_id\":\"g\",\"$union\":{\"l\":[1]}}",
		"a row of a group takes no part of a change");
	becomes("{\"$group_key\":\"c\",\"$group_id\":\"g\",\"$delete\":\"\"}",
		"{" T
		",\"type\":\"entity\",\"entity\":\"c\",\"id\":\"g\",\"deleted\":true,"
		"\"source\":\"mixpanel\",\"received\":\"2024-03-01T00:00:00.000Z\"}",
		"a group can be deleted");
	collect_end(&t);
}

static void amplitude(void)
{
	start("amplitude");
	becomes("{\"event_type\":\"$identify\",\"user_id\":\"u\",\"time\":1709251200000,"
		"\"insert_id\":\"i\",\"user_properties\":{\"$append\":{\"l\":[1,2],\"m\":"
		"3}},"
		"\"groups\":{\"team\":[\"a\",\"b\"]}}",
		"{" T ",\"type\":\"profile\",\"ids\":{\"customer\":\"u\"},\"append\":{"
		"\"l\":[1,2],"
		"\"m\":[3]},\"event_id\":\"i\",\"source\":\"amplitude\"}\n"
		"{" T ",\"type\":\"relation\",\"ids\":{\"customer\":\"u\"},\"relation\":"
		"\"member_of\",\"to\":{\"team\":\"a\"},\"event_id\":\"i#team=a\","
		"\"source\":"
		"\"amplitude\"}\n"
		"{" T ",\"type\":\"relation\",\"ids\":{\"customer\":\"u\"},\"relation\":"
		"\"member_of\",\"to\":{\"team\":\"b\"},\"event_id\":\"i#team=b\","
		"\"source\":"
		"\"amplitude\"}",
		"arrays are appended item by item, and each group is a relation");
	becomes("{\"event_type\":\"$groupidentify\",\"time\":1709251200000,\"groups\":{"
		"\"c\":"
		"\"x\"},\"group_properties\":{\"$set\":{\"n\":1}}}",
		"{" T
		",\"type\":\"entity\",\"entity\":\"c\",\"id\":\"x\",\"props\":{\"n\":1},"
		"\"source\":\"amplitude\"}",
		"a group's properties are an entity row");
	collect_end(&t);
}

static void matomo(void)
{
	start("matomo");
	becomes("{\"requests\":[\"?idsite=1&idgoal=0&ec_id=o&revenue=9.90&uid=u&cdt="
		"2024-03-01+00%3A00%3A00&ec_items=%5B%5B%22s%22%5D%5D&cvar=%7Bbad&token_"
		"auth="
		"x\",\"idsite=1&search=a%26b&_id=v&cdt=1709251200\",\"?uid=u\"],\"token_"
		"auth\":"
		"\"x\"}",
		"{" T ",\"event\":\"order\",\"ids\":{\"customer\":\"u\"},\"props\":{"
		"\"idgoal\":0,"
		"\"ec_id\":\"o\",\"revenue\":9.90,\"ec_items\":[[\"s\"]],\"cvar\":\"{"
		"bad\"},"
		"\"source\":\"matomo\",\"project\":\"1\"}\n"
		"{" T
		",\"event\":\"site_search\",\"ids\":{\"anonymous\":\"v\"},\"props\":{"
		"\"search\":\"a&b\"},\"source\":\"matomo\",\"project\":\"1\"}\n"
		"REJECT idsite: idsite is missing: "
		"{\"requests\":[\"?uid=u\"],\"token_auth\":"
		"\"x\"}",
		"requests of a bulk are queries, numbers and JSON in them unpacked");
	collect_end(&t);
}

static void countly(void)
{
	start("countly");
	becomes("{\"app_key\":\"k\",\"device_id\":\"d\",\"timestamp\":\"1709251200\","
		"\"end_session\":\"1\",\"session_duration\":\"30\",\"events\":\"[{"
		"\\\"key\\\":"
		"\\\"e\\\",\\\"count\\\":2,\\\"segmentation\\\":{\\\"count\\\":"
		"\\\"own\\\"}},{}]\"}",
		"{" T ",\"event\":\"e\",\"ids\":{\"device\":\"d\"},\"props\":{\"count\":"
		"\"own\"},"
		"\"source\":\"countly\",\"project\":\"k\"}\n"
		"REJECT event: event is empty: {\"app_key\":\"k\",\"device_id\":\"d\","
		"\"timestamp\":\"1709251200\",\"events\":[{}]}\n"
		"{" T ",\"event\":\"session_end\",\"ids\":{\"device\":\"d\"},\"props\":{"
		"\"duration\":30},\"source\":\"countly\",\"project\":\"k\"}",
		"parts of a request are records of their own, a bad one is kept alone");
	becomes("{\"app_key\":\"k\",\"device_id\":\"d\",\"timestamp\":\"1709251200\","
		"\"user_details\":\"{\\\"custom\\\":{\\\"n\\\":{\\\"$mul\\\":2}}}\"}",
		"REJECT user_details.custom: an operation that is not known: '$mul': {"
		"\"app_key\":\"k\",\"device_id\":\"d\",\"timestamp\":\"1709251200\","
		"\"user_details\":\"{\\\"custom\\\":{\\\"n\\\":{\\\"$mul\\\":2}}}\"}",
		"operations that a profile does not have are refused");
	becomes("{\"app_key\":\"k\",\"device_id\":\"d\",\"consent\":\"{}\"}",
		": a request that says nothing known",
		"a request that says nothing known is rejected whole");
	collect_end(&t);
}

static void formats(void)
{
	start("unomi");
	becomes("{\"sessionId\":\"s\",\"requiredProfileProperties\":[\"*\"]}", "",
		"a page that only asks for its visitor's segments records nothing");
	becomes("{\"sessionId\":\"s\",\"profileId\":\"p\",\"events\":[{\"eventType\":"
		"\"e\","
		"\"timeStamp\":\"2024-03-01T00:00:00Z\",\"properties\":{\"scope\":1},"
		"\"scope\":"
		"\"b\"}]}",
		"{" T ",\"event\":\"e\",\"ids\":{\"anonymous\":\"p\",\"session\":\"s\"},"
		"\"props\":"
		"{\"scope\":1},\"source\":\"unomi\"}",
		"an event's own property keeps its name");
	collect_end(&t);
	start("cloudevents");
	becomes("[{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/"
		"s\",\"type\":\"t\",\"time\":"
		"\"2024-03-01T00:00:00Z\",\"sessionid\":\"s\",\"data_base64\":"
		"\"eyJhIjoxfQ==\"},"
		"{\"specversion\":\"1.0\",\"id\":\"2\",\"source\":\"/"
		"s\",\"type\":\"t\",\"time\":"
		"\"2024-03-01T00:00:00Z\",\"subject\":\"u\",\"data_base64\":\"AQL/\"}]",
		"{" T
		",\"event\":\"t\",\"ids\":{\"anonymous\":\"s\"},\"props\":{\"a\":1},"
		"\"event_id\":\"1\",\"source\":\"/s\"}\n"
		"{" T ",\"event\":\"t\",\"ids\":{\"customer\":\"u\"},\"props\":{\"data_"
		"base64\":"
		"\"AQL/\"},\"event_id\":\"2\",\"source\":\"/s\"}",
		"data in Base64 is unpacked where it is JSON");
	becomes("{\"specversion\":\"1.0\",\"source\":\"/"
		"s\",\"type\":\"t\",\"subject\":\"u\"}",
		"REJECT id: id or source is missing: "
		"{\"specversion\":\"1.0\",\"source\":\"/s\","
		"\"type\":\"t\",\"subject\":\"u\"}",
		"an event that cannot be told from others is rejected");
	collect_end(&t);
	start("ga4");
	becomes("{\"event_name\":\"e\",\"event_timestamp\":1709251200000999,\"user_id\":"
		"null,"
		"\"user_pseudo_id\":\"p\",\"event_params\":[{\"key\":\"a\",\"value\":{"
		"\"string_value\":null,\"int_value\":null,\"double_value\":1.5}},{"
		"\"key\":\"b\","
		"\"value\":{}}]}",
		"{" T ",\"event\":\"e\",\"ids\":{\"device\":\"p\"},\"props\":{\"a\":1.5,"
		"\"b\":null},"
		"\"event_id\":\"a89619634afc3d42bc2828f85ac049ec\",\"source\":\"ga4\"}",
		"values may stand beside nulls of other types");
	becomes("{\"event_name\":\"e\",\"event_timestamp\":1709251200000,\"user_id\":"
		"\"u\"}",
		"REJECT event_timestamp: '1709251200000' is not a time in microseconds "
		"since "
		"1970: "
		"{\"event_name\":\"e\",\"event_timestamp\":1709251200000,\"user_id\":"
		"\"u\"}",
		"a time in milliseconds would be wrong in silence");
	collect_end(&t);
}

int main(void)
{
	segment();
	snowplow();
	otlp_json();
	otlp_protobuf();
	posthog();
	mixpanel();
	amplitude();
	matomo();
	countly();
	formats();
	return tap_done();
}
