/* Steps: event names, labelled and unlabelled conditions. */
#include "lang/step.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static struct cdp_paths *paths;

/* "label|event" or "label|=" for a condition, "error: ..." */
static const char *parsed(const char *text)
{
	static char out[512];
	const struct cdp_env env = { .paths = paths, .members = cdp_event_members };
	struct cdp_step s;
	struct cdp_err err;

	if (cdp_step_parse(&s, text, &env, &err) < 0) {
		snprintf(out, sizeof(out), "error: %s", err.msg);
		return out;
	}
	snprintf(out, sizeof(out), "%s|%s", s.label, s.event ? s.event : "=");
	cdp_step_release(&s);
	return out;
}

static int matches(const char *step, const char *record)
{
	const struct cdp_env env = { .paths = paths, .members = cdp_event_members };
	char line[256] = "";
	struct cdp_step s;
	struct cdp_scan *scan;
	struct cdp_eval *ev = cdp_eval_new(&(struct cdp_run){ 0 });
	struct cdp_rec rec;
	struct cdp_err err;
	int hit = -9;

	memcpy(line, record, strlen(record)); /* the zeros after it are the padding */
	if (cdp_step_parse(&s, step, &env, &err) < 0)
		return -8;
	scan = cdp_scan_new(paths);
	cdp_scan_block(scan, line, strlen(record));
	if (cdp_scan_next(scan, &rec, &err) == 1)
		hit = cdp_step_match(&s, ev, &rec, &err);
	cdp_scan_free(scan);
	cdp_eval_free(ev);
	cdp_step_release(&s);
	return hit;
}

int main(void)
{
	paths = cdp_paths_new();
	is_str(parsed("buy_fund"), "buy_fund|buy_fund",
	       "letters and underscores are a name");
	is_str(parsed("$AppStart"), "$AppStart|$AppStart", "so are Sensors' own events");
	is_str(parsed("a.b:c-d"), "a.b:c-d|a.b:c-d", "dots, colons and dashes are, too");
	is_str(parsed("\xe8\xb4\xad\xe4\xb9\xb0"),
	       "\xe8\xb4\xad\xe4\xb9\xb0|\xe8\xb4\xad\xe4\xb9\xb0",
	       "letters of any script");
	is_str(parsed("big:=props.amount > 5"),
	       "big|=", "LABEL:=EXPR is a labelled condition");
	is_str(parsed("=event == 'x'"), "event == 'x'|=", "=EXPR is its own label");
	is_str(parsed("buy fund"),
	       "error: 'buy fund' is neither an event name nor LABEL:=EXPR nor =EXPR",
	       "what is none of them is refused");
	is_str(parsed(""), "error: '' is neither an event name nor LABEL:=EXPR nor =EXPR",
	       "an empty step is refused");
	is_str(parsed("big:=prop.amount > 5"),
	       "error: big: 1:1: unknown name 'prop'; did you mean 'props'?",
	       "an error in a condition points, behind its label");
	is_int(matches("buy", "{\"event\":\"buy\"}"), 1, "a name matches its event");
	is_int(matches("buy", "{\"event\":\"b\\u0075y\"}"), 1,
	       "also one written with escapes");
	is_int(matches("buy", "{\"event\":\"buy2\"}"), 0, "but no longer one");
	is_int(matches("big:=props.amount > 5",
		       "{\"event\":\"e\",\"props\":{\"amount\":6}}"),
	       1, "a condition is evaluated");
	is_int(matches("big:=props.amount > 5", "{\"event\":\"e\"}"), -1,
	       "a member it needs that is missing is an error");
	cdp_paths_free(paths);
	return tap_done();
}
