/* Arguments that name an event or hold a condition. */
#include "tap.h"

#include "lang/step.h"

#include <string.h>

static const char record[] =
	"{\"time\":\"2024-04-25T06:59:46.123Z\",\"event\":\"\xe7\x99\xbb\xe5\xbd\x95\","
	"\"props\":{\"n\":3}}\n";

/* label=LABEL event=EVENT match=0|1, or the message. */
static void check(const char *text, const char *want)
{
	struct cdp_env env = { .paths = cdp_paths_new(), .members = cdp_event_members };
	struct cdp_eval *ev = cdp_eval_new(NULL);
	static char block[512];
	struct cdp_scan *scan;
	struct cdp_step s;
	struct cdp_rec rec;
	struct cdp_err err;
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	if (cdp_step_parse(&s, text, &env, &err) < 0) {
		cdp_buf_adds(&b, err.msg);
	} else {
		scan = cdp_scan_new(env.paths);
		memcpy(block, record, sizeof(record));
		cdp_scan_block(scan, block, sizeof(record) - 1);
		cdp_scan_next(scan, &rec, &err);
		cdp_buf_addf(&b, "%s|%s|%d", s.label, s.event ? s.event : "-",
			     cdp_step_match(&s, ev, &rec, &err));
		cdp_step_release(&s);
		cdp_scan_free(scan);
	}
	is_str(cdp_buf_str(&b), want, "step '%s'", text);
	cdp_buf_release(&b);
	cdp_eval_free(ev);
	cdp_paths_free(env.paths);
}

int main(void)
{
	check("buy_fund", "buy_fund|buy_fund|0");
	check("\xe7\x99\xbb\xe5\xbd\x95", "\xe7\x99\xbb\xe5\xbd\x95|\xe7\x99\xbb\xe5\xbd"
					  "\x95|1");
	check("$AppStart", "$AppStart|$AppStart|0");
	check("2fa:web.v-1", "2fa:web.v-1|2fa:web.v-1|0");
	check("= props.n == 3 ", "props.n == 3|-|1");
	check("=props.n > 3", "props.n > 3|-|0");
	check("big buy := props.n >= 3 && event != 'x'", "big buy|-|1");
	check("a:=event == ':='", "a|-|0");
	check("=event == ':='", "event == ':='|-|0");
	check("l:=props.none == 1", "l|-|-1");
	check("buy fund", "'buy fund' is no event name; a condition is written =EXPR or "
			  "LABEL:=EXPR");
	check("event == 'a'", "'event == 'a'' is no event name; a condition is written "
			      "=EXPR or LABEL:=EXPR");
	check("", "'' is no event name; a condition is written =EXPR or LABEL:=EXPR");
	check(":=true", "label of ':=true' is empty");
	check("=", "label of '=' is empty");
	check("l:=evnt == 'a'", "1:1: unknown name 'evnt'; did you mean 'event'?");
	check("buy\xef\xbc\x8c",
	      "'buy\xef\xbc\x8c' is no event name; a condition is written "
	      "=EXPR or LABEL:=EXPR");
	return tap_done();
}
