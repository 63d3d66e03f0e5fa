/* Access logs of nginx and Apache. */
#include "collect.h"
#include "format/combined.h"

#define T "\"time\":\"2026-11-22T02:49:43.000Z\",\"event\":\"page_request\""
#define AT "[22/Nov/2026:10:49:43 +0800]"

static struct collect_test t;

static void becomes(const char *line, const char *want, const char *name)
{
	is_str(collect(&t, line), want, "%s", name);
}

static void lines(void)
{
	becomes("10.0.0.1 - - " AT
		" \"GET /f/1?utm_source=wechat&kw=%E7%90%86%E8%B4%A2&e= "
		"HTTP/1.1\" 200 1234 \"https://m.bank.test/\\xE9\\xA6\\x96\" \"UA "
		"\\x22q\\x22 "
		"\\x5Cx\"",
		"{" T ",\"ids\":{\"ip\":\"10.0.0.1\"},\"props\":{\"ip\":\"10.0.0.1\","
		"\"method\":"
		"\"GET\",\"path\":\"/f/1\",\"utm_source\":\"wechat\",\"kw\":"
		"\"\xe7\x90\x86\xe8\xb4\xa2\",\"e\":\"\",\"protocol\":\"HTTP/"
		"1.1\",\"status\":200,"
		"\"bytes\":1234,\"referer\":\"https://m.bank.test/"
		"\xe9\xa6\x96\",\"user_agent\":"
		"\"UA \\\"q\\\" \\\\x\"},\"source\":\"access\"}",
		"escapes of nginx are undone and the query is taken apart");
	becomes("::1 - C1 " AT
		" \"POST /a HTTP/2.0\" 302 - \"-\" \"say \\\"hi\\\" \\\\ \\n\"",
		"{" T ",\"ids\":{\"customer\":\"C1\"},\"props\":{\"ip\":\"::1\","
		"\"method\":\"POST\","
		"\"path\":\"/a\",\"protocol\":\"HTTP/2.0\",\"status\":302,\"user_agent\":"
		"\"say \\\"hi\\\" \\\\ \\n\"},\"source\":\"access\"}",
		"those of Apache, too; the user is an id, '-' is nothing");
	becomes("h - - " AT " \"GARBAGE\" 400 157 \"-\" \"-\"",
		"{" T
		",\"ids\":{\"ip\":\"h\"},\"props\":{\"ip\":\"h\",\"request\":\"GARBAGE\","
		"\"status\":400,\"bytes\":157},\"source\":\"access\"}",
		"a request that is none is kept whole");
	becomes("h - - " AT " \"\" 400 0 \"-\" \"-\"",
		"{" T ",\"ids\":{\"ip\":\"h\"},\"props\":{\"ip\":\"h\",\"request\":\"\","
		"\"status\":400,\"bytes\":0},\"source\":\"access\"}",
		"so is an empty one");
	becomes("h - a b " AT " \"GET / HTTP/1.0\" 200 5",
		"{" T ",\"ids\":{\"customer\":\"a "
		"b\"},\"props\":{\"ip\":\"h\",\"method\":\"GET\","
		"\"path\":\"/\",\"protocol\":\"HTTP/1.0\",\"status\":200,\"bytes\":5},"
		"\"source\":\"access\"}",
		"the common form, and a user with a blank");
	becomes("h - - " AT
		" \"GET /a b?x=1&status=new&ip=&x=2 HTTP/1.1\" 200 5 \"r\" \"u\" "
		"\"1.2.3.4, 5.6.7.8\"",
		"{" T
		",\"ids\":{\"ip\":\"h\"},\"props\":{\"ip\":\"h\",\"method\":\"GET\","
		"\"path\":\"/a b\",\"x\":\"1\",\"x\":\"2\",\"query\":{\"status\":\"new\","
		"\"ip\":\"\"},\"protocol\":\"HTTP/1.1\",\"status\":200,\"bytes\":5,"
		"\"referer\":\"r\",\"user_agent\":\"u\","
		"\"forwarded_for\":\"1.2.3.4, 5.6.7.8\"},\"source\":\"access\"}",
		"a path with a blank, parameters whose names are taken, and the "
		"forwarded "
		"address");
	becomes("h - - " AT
		" \"GET /?kw=%C0%ED&a+b=c+d%zz&&=v HTTP/1.1\" 200 5 \"\\xC0\" \"-\"",
		"{" T
		",\"ids\":{\"ip\":\"h\"},\"props\":{\"ip\":\"h\",\"method\":\"GET\","
		"\"path\":\"/\",\"kw\":\"%C0%ED\",\"a b\":\"c d%zz\",\"\":\"v\","
		"\"protocol\":\"HTTP/1.1\",\"status\":200,\"bytes\":5,\"referer\":"
		"\"\\\\xC0\"},\"source\":\"access\"}",
		"what does not decode to UTF-8 stays as it is written");
}

static void parameters(void)
{
	static const struct cdp_id_param params[] = { { "uid", "customer" },
						      { "ck", "cookie" } };

	t.opts.params = params;
	t.opts.param_count = 2;
	t.opts.event = "pv";
	t.opts.event_param = "e";
	becomes("h - - " AT " \"GET /?ck=c%2B1&uid=&z=1&e= HTTP/1.1\" 200 5 \"-\" \"-\"",
		"{\"time\":\"2026-11-22T02:49:43.000Z\",\"event\":\"pv\",\"ids\":{"
		"\"cookie\":"
		"\"c+1\"},\"props\":{\"ip\":\"h\",\"method\":\"GET\",\"path\":\"/"
		"\",\"z\":"
		"\"1\",\"e\":\"\",\"protocol\":\"HTTP/1.1\",\"status\":200,\"bytes\":5},"
		"\"source\":\"access\"}",
		"named parameters are ids unless empty");
	becomes("h - - " AT " \"GET /e.gif?e=buy&ck=1&amount=5.00&path=a&ip=b HTTP/1.1\" "
		"200 5",
		"{\"time\":\"2026-11-22T02:49:43.000Z\",\"event\":\"buy\",\"ids\":{"
		"\"cookie\":"
		"\"1\"},\"props\":{\"ip\":\"h\",\"amount\":\"5.00\",\"path\":\"a\","
		"\"query\":"
		"{\"ip\":\"b\"}},\"source\":\"access\"}",
		"one of them may name the event");
	becomes("h - - " AT " \"GET /e.gif?e=a%0Ab HTTP/1.1\" 200 5",
		"event: event contains a control character", "but not just as anything");
	becomes("h - - " AT " \"GET /?ck=4.4E%2B17 HTTP/1.1\" 200 5",
		"ids.cookie: '4.4E+17' has lost its digits, as spreadsheets make of long "
		"numbers",
		"an id is checked here, too");
	t.opts.params = NULL;
	t.opts.param_count = 0;
	t.opts.event = "page_request";
	t.opts.event_param = NULL;
}

/* As nginx, told so by log_format escape=json, and others write them. */
static void json(void)
{
	static const struct cdp_log_field fields[] = { { "t", 0 }, { "from", 1 } };

	is_int(cdp_combined_field("time"), 0, "fields have numbers");
	is_int(cdp_combined_field("ip"), 1, "by their names");
	is_int(cdp_combined_field("nonsense"), -1, "others do not");
	becomes("{\"time_local\":\"22/Nov/2026:10:49:43 +0800\",\"remote_addr\":\"::1\","
		"\"remote_user\":\"C1\",\"request\":\"GET /f?a=\\\"b&status=x HTTP/1.1\","
		"\"status\":\"200\",\"body_bytes_sent\":\"12\",\"http_referer\":\"\","
		"\"http_user_agent\":\"say \\\"hi\\\" \\\\x22 \xe4\xb8\xad\","
		"\"upstream_time\":0.010,\"path\":[1, 2]}",
		"{" T ",\"ids\":{\"customer\":\"C1\"},\"props\":{\"ip\":\"::1\","
		"\"method\":\"GET\",\"path\":\"/"
		"f\",\"a\":\"\\\"b\",\"query\":{\"status\":"
		"\"x\"},\"protocol\":\"HTTP/1.1\",\"status\":200,\"bytes\":12,"
		"\"user_agent\":\"say \\\"hi\\\" \\\\x22 \xe4\xb8\xad\","
		"\"upstream_time\":0.010,\"log\":{\"path\":[1,2]}},\"source\":"
		"\"access\"}",
		"only the escapes of JSON are undone; other members are kept");
	becomes("{\"time_iso8601\":\"2026-11-22T10:49:43+08:00\",\"remote_addr\":\"h\","
		"\"request\":\"GARBAGE\",\"status\":400}",
		"{" T ",\"ids\":{\"ip\":\"h\"},\"props\":{\"ip\":\"h\",\"request\":"
		"\"GARBAGE\",\"status\":400},\"source\":\"access\"}",
		"a request that is none is kept whole there, too");
	becomes("{\"msec\":1795315783.000,\"time_local\":\"x/\",\"remote_addr\":\"h\","
		"\"request_method\":\"GET\",\"uri\":\"/a\",\"args\":\"x=1\","
		"\"server_protocol\":\"HTTP/2.0\"}",
		"{" T
		",\"ids\":{\"ip\":\"h\"},\"props\":{\"ip\":\"h\",\"method\":\"GET\","
		"\"path\":\"/a\",\"x\":\"1\",\"protocol\":\"HTTP/2.0\"},\"source\":"
		"\"access\"}",
		"the request may come in parts, the time in seconds");
	becomes("{\"remote_addr\":\"h\"}", "time: no time, in none of the members for it",
		"a time is needed");
	becomes("{\"msec\":\"1795315783.1\",\"remote_addr\":\"-\"}",
		"ip: no address, in none of the members for it", "and an address");
	becomes("{\"msec\":\"1795315783.x\",\"remote_addr\":\"h\"}",
		"time: '1795315783.x' is no time", "a time that is one");
	becomes("{\"remote_addr\":\"h\"", "remote_addr: unexpected end of line",
		"an object that is cut is no line of another form");
	t.opts.log_fields = fields;
	t.opts.log_field_count = 2;
	becomes("{\"t\":1795315783000,\"from\":\"h\",\"remote_addr\":\"g\"}",
		"{" T ",\"ids\":{\"ip\":\"h\"},\"props\":{\"ip\":\"h\"},"
		"\"source\":\"access\"}",
		"members named by hand come first");
	t.opts.log_field_count = 0;
}

static void wrong(void)
{
	becomes("h - - " AT " \"GET / HTTP/1.1\" 200",
		"bytes: no bytes, or a malformed one",
		"a line that ends early is refused");
	becomes("h - - " AT " \"GET / HTTP/1.1 200 5",
		"request: no request, or a malformed one", "so is an open quote");
	becomes("h - - " AT " \"GET / HTTP/1.1\\\"",
		"request: no request, or a malformed one", "and a backslash at the end");
	becomes("h - - " AT " \"GET / HTTP/1.1\" ok 5 \"-\" \"-\"",
		"status: 'ok' is not a number up to 999", "a status is a number");
	becomes("h - - [31/Feb/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"",
		"time: '31/Feb/2026:00:00:00 +0000' is no day of the calendar",
		"a day is one of the calendar");
	becomes("h - - " AT " \"GET / HTTP/1.1\" 200 5 \"-\" \"-\" x",
		"forwarded_for: no forwarded_for, or a malformed one",
		"text after the last field is refused");
	becomes("h - - " AT " \"GET /\xff HTTP/1.1\" 200 5 \"-\" \"-\"",
		": not valid UTF-8", "so is a line that is no UTF-8");
	becomes("x", "ident: no ident, or a malformed one", "and anything else");
	t.opts.future_ms = 0;
	becomes("h - - " AT " \"GET / HTTP/1.1\" 200 5",
		"time: future-time: more than an hour after the base time",
		"requests of the future are refused");
	t.opts.future_ms = CDP_NO_TIME;
}

int main(void)
{
	collect_start(&t, CDP_FORMAT_COMBINED);
	lines();
	parameters();
	json();
	wrong();
	collect_end(&t);
	return tap_done();
}
