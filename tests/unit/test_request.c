/* Requests: which protocol they speak, how their payload is found, what is answered. */
#include "base/base64.h"
#include "base/zone.h"
#include "format/form.h"
#include "format/request.h"
#include "io/compress.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct cdp_format_opts opts;
static struct cdp_requests *requests;
static struct cdp_buf out, records, rejects, tmp;
static struct cdp_answer answer;
static unsigned recorded, rejected;
static const char *reason;
static char reason_text[500];
static bool full; /* the sink can take no more */

static int take(void *ctx, size_t at, const struct cdp_canon *info, struct cdp_err *err)
{
	(void)ctx;
	(void)info;
	if (full)
		return cdp_err_set(err, CDP_ERR_SYS, "no space left");
	cdp_buf_add(&records, out.p + at, out.n - at);
	cdp_buf_addc(&records, '\n');
	recorded++;
	return 0;
}

static void set_aside(void *ctx, const char *raw, size_t n, const struct cdp_err *err)
{
	(void)ctx;
	cdp_buf_add(&rejects, raw, n);
	cdp_buf_addc(&rejects, '\n');
	snprintf(reason_text, sizeof(reason_text), "%s", err->msg);
	reason = reason_text;
	rejected++;
}

static const char *no_header(void *ctx, const char *name)
{
	return ctx && strcmp(ctx, name) == 0 ? "true" : NULL;
}

/* Reads a request; `header` is the name of one that says "true", or NULL. */
static int request_with(const char *method, const char *path, const char *query,
			const char *body, size_t n, const char *header)
{
	struct cdp_request q = { .method = method,
				 .path = path,
				 .query = query,
				 .body = body,
				 .body_n = n,
				 .header = no_header,
				 .header_ctx = (void *)(uintptr_t)header,
				 .received = CDP_NO_TIME };
	struct cdp_sink sink = { &out, NULL, take, set_aside };
	struct cdp_err err;

	cdp_buf_reset(&out);
	cdp_buf_reset(&records);
	cdp_buf_reset(&rejects);
	recorded = rejected = 0;
	reason = "";
	return cdp_requests_read(requests, &q, &sink, &answer, &err);
}

static int request(const char *method, const char *path, const char *query,
		   const char *body)
{
	return request_with(method, path, query, body, strlen(body), NULL);
}

/* --- payloads --- */

#define SENSORS                                                                          \
	"{\"type\":\"track\",\"event\":\"buy\",\"time\":1713999586123,"                  \
	"\"distinct_id\":\"a1\",\"properties\":{\"n\":1}}"

/* `name=<Base64>` in `tmp`, percent-encoded or in the URL-safe alphabet. */
static const char *form(const char *name, const char *data, size_t n, bool url_safe)
{
	struct cdp_buf text;

	cdp_buf_init(&text, CDP_BUF_NOMAX);
	cdp_base64_encode(&text, data, n);
	cdp_buf_reset(&tmp);
	cdp_buf_adds(&tmp, name);
	cdp_buf_addc(&tmp, '=');
	for (size_t i = 0; url_safe && i < text.n; i++)
		text.p[i] = (char)(text.p[i] == '+'   ? '-'
				   : text.p[i] == '/' ? '_'
						      : text.p[i]);
	while (url_safe && text.n && text.p[text.n - 1] == '=')
		text.n--;
	cdp_form_put(&tmp, text.p, text.n);
	cdp_buf_release(&text);
	return cdp_buf_str(&tmp);
}

static struct cdp_buf packed(const char *p, size_t n)
{
	struct cdp_pack *k = cdp_pack_new(CDP_CODEC_GZIP);
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_pack_add(k, p, n, &b);
	cdp_pack_end(k, &b);
	cdp_pack_free(k);
	return b;
}

static void test_sensors(void)
{
	static const char record[] =
		"{\"time\":\"2024-04-24T22:59:46.123Z\",\"event\":\"buy\",\"ids\":"
		"{\"anonymous\":\"a1\"},\"props\":{\"n\":1},\"source\":\"sensors\","
		"\"project\":\"bank\"}\n";
	struct cdp_buf gz = packed("[" SENSORS "]", strlen("[" SENSORS "]"));

	request("POST", "/sa", "project=bank",
		form("data", SENSORS, strlen(SENSORS), false));
	is_str(cdp_buf_str(&records), record,
	       "a record comes as `data` of a form, and its project from the query");
	request("GET", "/any/prefix/sa.gif",
		form("project=bank&data", SENSORS, strlen(SENSORS), false), "");
	is_str(cdp_buf_str(&records), record, "or of a query, below any prefix");
	request("POST", "/sa", "project=bank",
		form("gzip=1&data_list", gz.p, gz.n, false));
	is_str(cdp_buf_str(&records), record, "or compressed in a list");
	request("POST", "/sa", "project=bank", form("data_list", gz.p, gz.n, true));
	is_str(cdp_buf_str(&records), record,
	       "URL-safe Base64 without padding is known, and gzip by its magic");
	request_with("POST", "/sa", "project=bank", gz.p, gz.n, NULL);
	is_str(cdp_buf_str(&records), record, "a body may be compressed JSON");
	request("POST", "/elsewhere", "project=bank", "[" SENSORS "]");
	is_str(cdp_buf_str(&records), record, "what the path does not say, the bytes do");
	cdp_buf_release(&gz);
}

static void test_checksums(void)
{
	/* Java: "eyJ...".hashCode() of the Base64 text that is sent. */
	struct cdp_buf text;
	uint32_t h = 0;
	char tail[64];

	cdp_buf_init(&text, CDP_BUF_NOMAX);
	cdp_base64_encode(&text, SENSORS, strlen(SENSORS));
	for (size_t i = 0; i < text.n; i++)
		h = 31 * h + (unsigned char)text.p[i];
	form("data", SENSORS, strlen(SENSORS), false);
	snprintf(tail, sizeof(tail), "&ext=crc%%3D%d", (int32_t)h);
	cdp_buf_adds(&tmp, tail);
	request("GET", "/sa.gif", cdp_buf_str(&tmp), "");
	is_int(recorded, 1, "a checksum that fits is no hindrance");
	snprintf(tail, sizeof(tail), "&crc=%d", (int32_t)(h + 1));
	form("data", SENSORS, strlen(SENSORS), false);
	cdp_buf_adds(&tmp, tail);
	request("POST", "/sa", "", cdp_buf_str(&tmp));
	ok(recorded == 0 && rejected == 1 && strstr(reason, "damaged"),
	   "one that does not is a reject: %s", reason);
	is_int(answer.status, 200, "and still answered as a success");
	cdp_buf_release(&text);
}

static void test_zhuge(void)
{
	static const char zlib[] = "event=eNotjsEOgjAQRH%2FFbDgW0haKba9%"
				   "2BhjGmWmIICgRaEiH9dwfinnbezu7sRq4jSx0"
				   "xivNEdiPfegAvKAEFtJLLKq9yqU61VcYqDm9YyUqt%"
				   "2BV6MxjdsrvcYzH4%2Ft75yyGlo%2F2"
				   "gBK4uqEDW0d8GRvSJpv94sAWw8orMniDiL0hijdC1kycDi8dAFSQL"
				   "OrDnkI34h7u4zxB5LKqV"
				   "b%2BgFGoTZo";

	request("POST", "/apipool", "",
		form("method=event_statis_srv.upload&compress=1&x", "", 0, false));
	ok(rejected == 1 && recorded == 0, "an upload without its event is a reject");
	cdp_buf_reset(&tmp);
	cdp_buf_adds(&tmp, "method=event_statis_srv.upload&compress=1&");
	cdp_buf_adds(&tmp, zlib);
	request("POST", "/APIPOOL/", "", cdp_buf_str(&tmp));
	is_str(cdp_buf_str(&records),
	       "{\"time\":\"2024-04-24T22:59:46.123Z\",\"event\":\"buy\",\"ids\":"
	       "{\"customer\":\"C0001\",\"device\":\"d1\"},\"props\":{\"amount\":5,\"$"
	       "pl\":"
	       "\"and\",\"$lib\":\"zg-android\",\"$lib_version\":\"3.4.16\"},\"source\":"
	       "\"zhuge/"
	       "zg-android\",\"project\":\"k\",\"sent\":\"2024-04-24T22:59:50.000Z\"}"
	       "\n",
	       "an app's upload is Base64 of zlib, its local time without leading zeros");
	is_str(cdp_buf_str(&answer.body),
	       "{\"return_code\":0,\"return_message\":\"success\"}", "it waits for this");
	request("POST", "/apipool", "", "encrypt=1&type=2&key=AAAA&event=BBBB");
	ok(rejected == 1 && strstr(reason, "encrypted"),
	   "what is encrypted is kept as it came: %s", reason);
	is_str(cdp_buf_str(&rejects),
	       "{\"method\":\"POST\",\"path\":\"/apipool\","
	       "\"body\":\"encrypt=1&type=2&key=AAAA&event=BBBB\"}\n",
	       "whole, as a line that can be read again");
}

static void test_bounds(void)
{
	enum { BIG = 3 << 20 };
	char *zeros = calloc(1, BIG);
	struct cdp_buf bomb = packed(zeros, BIG), twice = packed(bomb.p, bomb.n);

	request_with("POST", "/sync_server", "", bomb.p, bomb.n, NULL);
	ok(rejected == 1 && strstr(reason, "inflates to more than 1048576 bytes"),
	   "a body may not inflate to more than its bound: %s", reason);
	request_with("POST", "/sync_server", "", twice.p, twice.n, NULL);
	ok(rejected == 1 && recorded == 0, "nor one within another");
	request("POST", "/sa", "", form("data_list", bomb.p, bomb.n, false));
	ok(rejected == 1 && strstr(reason, "inflates"), "nor what a form carries");
	request_with("POST", "/sync_server", "", bomb.p, bomb.n / 2, NULL);
	is_int(rejected, 1, "half a stream is a reject");
	is_int(answer.status, 200, "all of them are answered as a success");
	free(zeros);
	cdp_buf_release(&bomb);
	cdp_buf_release(&twice);
}

/* --- answers --- */

static void test_answers(void)
{
	static const struct {
		const char *method, *path;
		unsigned status;
		const char *type, *body; /* NULL: not looked at */
	} cases[] = {
		{ "POST", "/sa", 200, NULL, "" },
		{ "GET", "/sa.gif", 200, NULL, "" },
		{ "POST", "/debug", 200, NULL, "" },
		{ "GET", "/config/Android.conf", 200, "application/json",
		  "{\"v\":\"1\",\"configs\":{}}" },
		{ "POST", "/apipool", 200, "application/json",
		  "{\"return_code\":0,\"return_message\":\"success\"}" },
		{ "GET", "/web_event/web.gif", 200, "image/gif", NULL },
		{ "GET", "/web_event/", 200, "application/json", "{\"success\":true}" },
		{ "POST", "/v3/projects/p1/collect", 204, NULL, "" },
		{ "POST", "/list", 200, "application/json", "{\"e\":0}" },
		{ "POST", "/profile/list", 200, "application/json", "{\"e\":0}" },
		{ "POST", "/sync_server", 200, "application/json", "{\"code\":0}" },
		{ "POST", "/v1/batch", 200, "application/json", "{\"success\":true}" },
		{ "GET", "/sourceConfig/", 200, "application/json", NULL },
		{ "POST", "/api/s/track", 200, "application/json", "{\"success\":true}" },
		{ "POST", "/com.snowplowanalytics.snowplow/tp2", 200, NULL, "" },
		{ "POST", "/e/", 200, "application/json", "{\"status\":\"Ok\"}" },
		{ "GET", "/array/phc_key/config.js", 200, "application/json", NULL },
		{ "GET", "/track", 200, "text/plain", "1" },
		{ "POST", "/2/httpapi", 200, "application/json", NULL },
		{ "POST", "/v1/logs", 200, "application/json", "{}" },
		{ "GET", "/matomo.php", 200, "image/gif", NULL },
		{ "GET", "/favicon.ico", 404, NULL, "" },
		{ "GET", "/", 200, NULL, "" },
		{ "OPTIONS", "/v1/batch", 204, NULL, "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *want = cases[i].type ? cases[i].type : "none";

		request(cases[i].method, cases[i].path, "", "");
		is_int(answer.status, cases[i].status, "%s %s is answered with %u",
		       cases[i].method, cases[i].path, cases[i].status);
		is_str(answer.type ? answer.type : "none", want, "as %s", want);
		if (cases[i].body)
			is_str(cdp_buf_str(&answer.body), cases[i].body,
			       "in the words that its library waits for");
	}
}

static void test_configuration(void)
{
	char first[64];

	request("OPTIONS", "/sa", "", "");
	ok(answer.nothing && !rejected, "a preflight has nothing to keep");
	request("POST", "/webid", "", "{\"app_id\":1}");
	ok(answer.nothing && !rejected, "nor has a request for an id");
	snprintf(first, sizeof(first), "%s", cdp_buf_str(&answer.body));
	ok(strncmp(first, "{\"e\":0,\"web_id\":\"7", 17) == 0 && strlen(first) == 38,
	   "which is given: %s", first);
	request("POST", "/webid", "", "{\"app_id\":1}");
	ok(strcmp(first, cdp_buf_str(&answer.body)) != 0, "another one each time");
	request_with("POST", "/debug", "", "data=x", 6, "dry-run");
	ok(answer.nothing && !rejected, "a dry run is not kept");
	request("GET", "/web_event/web.gif", "", "");
	ok(answer.body.n == 43 && memcmp(answer.body.p, "GIF89a", 6) == 0 &&
		   answer.body.p[42] == ';',
	   "a GIF is whole");
}

static void test_protobuf(void)
{
	request_with("POST", "/v1/logs", "", "\x0a\x00", 2, NULL);
	is_str(answer.type, "application/x-protobuf",
	       "what came in protocol buffers is answered in them");
	is_int((int64_t)answer.body.n, 0, "by a message without fields");
	request("POST", "/v1/logs", "", "{\"resourceLogs\":[]}");
	is_str(cdp_buf_str(&answer.body), "{}", "and JSON in JSON");
}

/* --- paths and rejects --- */

static void test_paths(void)
{
	static const char td[] =
		"[{\"#type\":\"track\",\"#time\":\"2024-04-25 06:59:46\","
		"\"#distinct_id\":\"a\",\"#event_name\":\"e\"}]";

	request("POST", "/thinkingdata/sync_server", "", td);
	is_int(recorded, 1, "a protocol has a path of its own");
	is_str(cdp_buf_str(&answer.body), "{\"code\":0}", "with its answer");
	request("POST", "/thinkingdata", "", td);
	is_int(recorded, 1, "of which its name is enough");
	request("POST", "/sensors/sync_server", "", td);
	ok(!recorded && rejected == 1, "and what comes there is of no other protocol");
	request("POST", "/sync_server", "", "{\"batch\":[}");
	ok(!recorded && rejected == 1 && strstr(reason, "no JSON"),
	   "a broken envelope is one reject: %s", reason);
	request("POST", "/nowhere", "", "hello world");
	ok(rejected == 1, "a body that nobody understands is kept");
	full = true;
	ok(request("POST", "/sync_server", "", td) < 0,
	   "a sink that can take no more is a failure of the request");
	full = false;
}

/* One bad message of three, then its reject read alone. */
static void test_messages(void)
{
	static const char zg[] =
		"{\"ak\":\"k\",\"usr\":{\"did\":\"d1\"},\"data\":["
		"{\"dt\":\"evt\",\"pr\":{\"$ct\":1713999586123,\"$eid\":\"a\"}},"
		"{\"dt\":\"nonsense\"},"
		"{\"dt\":\"evt\",\"pr\":{\"$ct\":1713999586123,\"$eid\":\"b\"}}]}";
	struct cdp_buf q;

	cdp_buf_init(&q, CDP_BUF_NOMAX);
	cdp_buf_adds(&q, "project=p%26q&stm=1713999587000&event=");
	cdp_form_put(&q, zg, strlen(zg));
	request("GET", "/web_event/web.gif", cdp_buf_str(&q), "");
	ok(recorded == 2 && rejected == 1, "a bad message costs none of the others");
	is_str(cdp_buf_str(&rejects),
	       "{\"method\":\"POST\",\"path\":\"/web_event/web.gif\","
	       "\"query\":\"project=p%26q&stm=1713999587000\",\"body\":"
	       "\"{\\\"ak\\\":\\\"k\\\",\\\"usr\\\":{\\\"did\\\":\\\"d1\\\"},"
	       "\\\"data\\\":"
	       "[{\\\"dt\\\":\\\"nonsense\\\"}]}\"}\n",
	       "and is kept in its envelope, as a request of its own");
	cdp_buf_release(&q);
	request_with("POST", "/sa", "", "\xff\x00x", 3, NULL);
	is_str(cdp_buf_str(&rejects),
	       "{\"method\":\"POST\",\"path\":\"/sa\",\"body_base64\":\"/wB4\"}\n",
	       "a body that is no text is kept in Base64");
	request("GET", "/sa", "data=\xe4&x=%E4", "");
	is_str(cdp_buf_str(&rejects),
	       "{\"method\":\"GET\",\"path\":\"/sa\",\"query\":\"data=%E4&x=%E4\"}\n",
	       "and a query that is none with escapes");
}

int main(void)
{
	struct cdp_err err;

	opts = (struct cdp_format_opts){ .zone = cdp_zone_load("Asia/Shanghai", &err),
					 .future_ms = CDP_NO_TIME,
					 .received = CDP_NO_TIME,
					 .login_kind = "customer",
					 .distinct_kind = "anonymous",
					 .event = "page_request" };
	requests = cdp_requests_new(&opts, 1 << 20);
	cdp_buf_init(&out, CDP_BUF_NOMAX);
	cdp_buf_init(&records, CDP_BUF_NOMAX);
	cdp_buf_init(&rejects, CDP_BUF_NOMAX);
	cdp_buf_init(&tmp, CDP_BUF_NOMAX);
	cdp_buf_init(&answer.body, CDP_BUF_NOMAX);
	test_sensors();
	test_checksums();
	test_zhuge();
	test_bounds();
	test_answers();
	test_configuration();
	test_protobuf();
	test_paths();
	test_messages();
	cdp_requests_free(requests);
	cdp_buf_release(&out);
	cdp_buf_release(&records);
	cdp_buf_release(&rejects);
	cdp_buf_release(&tmp);
	cdp_buf_release(&answer.body);
	cdp_zone_free((struct cdp_zone *)(uintptr_t)opts.zone);
	return tap_done();
}
