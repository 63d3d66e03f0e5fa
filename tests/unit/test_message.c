#include "model/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/in.h"
#include "tap.h"

static struct cdp_message_paths paths;
static struct cdp_scan *scan;
static struct cdp_err err;
static char line[1024 + CDP_IN_PAD];

#define WHO "\"message_id\":\"m1\",\"one_id\":\"00000000000000aa\",\"channel\":\"sms\""

/* 0 and *m, or -1. */
static int read_message(struct cdp_message *m, const char *json)
{
	struct cdp_rec rec = { 0 };

	memset(line, 0, sizeof(line));
	snprintf(line, 1024, "%s\n", json);
	cdp_scan_block(scan, line, strlen(line));
	if (cdp_scan_next(scan, &rec, &err) <= 0)
		return -1;
	return cdp_message_read(m, &paths, &rec, &err);
}

static void reading(void)
{
	static const struct {
		const char *json, *path;
	} bad[] = {
		{ "{\"one_id\":\"00000000000000aa\",\"channel\":\"s\"}", "message_id" },
		{ "{\"message_id\":\"a b\"}", "message_id" },
		{ "{\"message_id\":\"m\",\"one_id\":\"00000000000000AA\"}", "one_id" },
		{ "{\"message_id\":\"m\",\"one_id\":\"00000000000000aa\"}", "channel" },
		{ "{" WHO "}", "template" },
		{ "{" WHO ",\"template\":\"x\",\"vars\":[]}", "vars" },
		{ "{" WHO ",\"template\":\"x\",\"to\":13800000000}", "to" },
		{ "{" WHO ",\"template\":\"x\",\"expires\":\"tomorrow\"}", "expires" },
		{ "{" WHO ",\"template\":\"x\",\"not_before\":5}", "not_before" },
	};
	struct cdp_message m;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ok(read_message(&m, bad[i].json) < 0 && err.kind == CDP_ERR_DATA,
		   "%s is refused", bad[i].json);
		is_str(err.path, bad[i].path, "for its %s", bad[i].path);
	}
	ok(read_message(&m, "{" WHO ",\"template\":\"x\"}") == 0 &&
		   m.expires == INT64_MAX && m.key.not_before == CDP_MESSAGE_ANY_TIME,
	   "a message without times is for any time");
	ok(read_message(&m, "{" WHO ",\"suppressed\":\"cap\"}") == 0,
	   "a suppressed row needs no template");
}

/* The rendered text, or "missing NAME" or the error. */
static const char *render(const char *template, const char *vars)
{
	static char text[512];
	struct cdp_buf out, missing;
	struct cdp_message m;
	char json[512];
	int rc;

	snprintf(json, sizeof(json), "{" WHO ",\"template\":\"%s\"%s%s}", template,
		 *vars ? ",\"vars\":" : "", vars);
	if (read_message(&m, json) < 0)
		return err.msg;
	cdp_buf_init(&out, CDP_BUF_NOMAX);
	cdp_buf_init(&missing, CDP_BUF_NOMAX);
	rc = cdp_message_render(&m, &out, &missing, &err);
	snprintf(text, sizeof(text), "%s%s", rc == 0 ? "missing " : "",
		 rc < 0    ? err.msg
		 : rc == 0 ? cdp_buf_str(&missing)
			   : cdp_buf_str(&out));
	cdp_buf_release(&out);
	cdp_buf_release(&missing);
	return text;
}

static void rendering(void)
{
	is_str(render("hi {{a}}{{b}}!", "{\"a\":\"X\",\"b\":\"Y\"}"), "hi XY!",
	       "every variable is replaced");
	is_str(render("{{a}}", "{\"a\":\"{{a}}\"}"), "{{a}}",
	       "a value is not looked into for variables");
	is_str(render("{{n}} {{t}}", "{\"n\":5000.00,\"t\":true}"), "5000.00 true",
	       "a number keeps its bytes");
	is_str(render("\\u4f60 {{a}}", "{\"a\":\"\\u597d\\n\"}"), "你 好\n",
	       "escapes are decoded in both");
	is_str(render("{{a}}", "{\"a\":1,\"a\":2}"), "2",
	       "of duplicate variables the last counts");
	is_str(render("{{a}}", "{\"a\":\"\"}"), "", "an empty text is a value");
	is_str(render("{{a}} {{b}}", "{\"a\":\"X\"}"), "missing b",
	       "a variable that is not there is missing");
	is_str(render("{{a}}", ""), "missing a", "also where there are none at all");
	is_str(render("{{a}}", "{\"a\":null}"), "missing a", "null is no value");
	is_str(render("{{a}}", "{\"a\":{\"b\":1}}"), "missing a", "nor is an object");
	is_str(render("{{ a }}", "{\"a\":1}"), "missing  a ",
	       "a name is what stands between the braces");
	is_str(render("{{a", "{\"a\":1}"), "'{{' without '}}'", "braces must be closed");
	is_str(render("a } {b} }}", ""), "a } {b} }}", "single braces are text");
}

static const char *receipt(enum cdp_send_state state, const char *reason, int64_t until)
{
	static char text[512];
	struct cdp_message m;
	struct cdp_buf props, out;
	struct cdp_receipt r = { .state = state, .reason = reason, .until = until };

	cdp_buf_init(&props, CDP_BUF_NOMAX);
	cdp_buf_init(&out, CDP_BUF_NOMAX);
	read_message(&m, "{" WHO
			 ",\"template\":\"x\",\"wave\":1.0,\"strategy\":\"\\u0061\"}");
	cdp_message_props(&props, &m);
	r.key = &m.key;
	r.props = props.p;
	r.props_n = props.n;
	cdp_receipt_put(&out, &r);
	snprintf(text, sizeof(text), "%s", cdp_buf_str(&out));
	cdp_buf_release(&props);
	cdp_buf_release(&out);
	return text;
}

#define HEAD(state)                                                                      \
	"{\"one_id\":\"00000000000000aa\",\"time\":\"1970-01-01T00:00:00.000Z\","        \
	"\"event\":\"message_" state "\",\"ids\":{},\"props\":{\"message_id\":\"m1\","   \
	"\"strategy\":\"\\u0061\",\"wave\":1.0,\"channel\":\"sms\""

static void receipts(void)
{
	is_str(receipt(CDP_SEND_ACCEPTED, NULL, 0),
	       HEAD("accepted") "},\"event_id\":\"m1-accepted\",\"source\":\"cdp-push\"}",
	       "a receipt is an event with the campaign's members as they came");
	is_str(receipt(CDP_SEND_HELD, "quiet_hours", 1000),
	       HEAD("held") ",\"reason\":\"quiet_hours\",\"until\":"
			    "\"1970-01-01T00:00:01.000Z\"},\"event_id\":"
			    "\"m1-held-1970-01-01T00:00:00.000Z\","
			    "\"source\":\"cdp-push\"}",
	       "one of a held message says why and until when");
	ok(strstr(receipt(CDP_SEND_AMBIGUOUS, NULL, 0), "message_held"),
	   "an ambiguous message is held");
}

int main(void)
{
	cdp_message_paths_init(&paths);
	scan = cdp_scan_new(paths.paths);
	reading();
	rendering();
	receipts();
	cdp_scan_free(scan);
	cdp_message_paths_release(&paths);
	return tap_done();
}
