/* Drilling down: values as they are written, and what they match. */
#include "model/portrait_drill.h"
#include "tap.h"

#include <string.h>

static struct cdp_err err;

/* 1, 0 or -1 for each profile, as text: "10-". */
static const char *matches(const char *step, const char *const *profiles)
{
	static char out[16];
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_env env = { .paths = paths, .members = cdp_profile_members };
	struct cdp_eval *ev = cdp_eval_new(&(struct cdp_run){ 0 });
	struct cdp_buf key, tmp;
	struct cdp_drill d;
	size_t n = 0;

	if (cdp_drill_parse(&d, step, &env, &err) < 0) {
		cdp_eval_free(ev);
		cdp_paths_free(paths);
		return err.msg;
	}
	cdp_buf_init(&key, CDP_BUF_NOMAX);
	cdp_buf_init(&tmp, CDP_BUF_NOMAX);
	for (; profiles[n]; n++) {
		char line[256] = "";
		struct cdp_scan *scan = cdp_scan_new(paths);
		struct cdp_rec rec;
		int hit;

		memcpy(line, profiles[n], strlen(profiles[n]));
		cdp_scan_block(scan, line, strlen(line));
		if (cdp_scan_next(scan, &rec, &err) != 1)
			return "bad profile";
		hit = cdp_drill_match(&d, ev, &rec, &key, &tmp, &err);
		out[n] = hit < 0 ? '-' : hit ? '1' : '0';
		cdp_scan_free(scan);
	}
	out[n] = '\0';
	cdp_drill_release(&d);
	cdp_buf_release(&key);
	cdp_buf_release(&tmp);
	cdp_eval_free(ev);
	cdp_paths_free(paths);
	return out;
}

static void values(void)
{
	static const char *const tags[] = {
		"{\"tags\":{\"t\":\"a\"}}",     "{\"tags\":{\"t\":5.0}}",
		"{\"tags\":{\"t\":\"5\"}}",     "{\"tags\":{\"t\":true}}",
		"{\"tags\":{\"t\":null}}",      "{\"tags\":{}}",
		"{\"tags\":{\"t\":[1,\"a\"]}}", "{\"tags\":{\"t\":[]}}",
		"{\"tags\":{\"t\":\"x,y\"}}",   NULL,
	};

	is_str(matches("t=a", tags), "100000100", "text, or an item of a list");
	is_str(matches("t=5", tags), "011000000", "a number by value, and its text");
	is_str(matches("t=0.5e1", tags), "010000000", "in any spelling");
	is_str(matches("t=\"5\"", tags), "001000000", "in quotes it is text alone");
	is_str(matches("t=true", tags), "000100000", "true");
	is_str(matches("t=null", tags), "000011000", "null is what is missing");
	is_str(matches("t=\"null\"", tags), "000000000", "but in quotes");
	is_str(matches("t=[]", tags), "000000010", "an empty list");
	is_str(matches("t=\"x,y\",1", tags), "000000101", "commas stand in quotes");
	is_str(matches("t=\"\\u0061\",null", tags), "100011100", "quotes are JSON");
	is_str(matches("big:=tags.t > 4", tags), "-1-------",
	       "a condition may end in an error");
}

static void errors(void)
{
	static const char *const none[] = { NULL };

	is_str(matches("t", none),
	       "'t' is neither TAG=VALUE,... nor a condition, which is written =EXPR or "
	       "LABEL:=EXPR",
	       "what is neither is refused");
	is_str(matches("tags.t==5", none),
	       "'tags.t==5' is neither TAG=VALUE,... nor a condition, which is written "
	       "=EXPR or LABEL:=EXPR",
	       "so is a condition without its sign");
	is_str(matches("t=a,", none),
	       "'t=a,' has an empty value; an empty string is written \"\"",
	       "and an empty value");
	is_str(matches("t=\"a", none), "'\"a' is no JSON string", "and an open quote");
	is_str(matches("t=\"a\"b", none), "'\"a\"b' is no JSON string",
	       "and text behind a quote");
}

int main(void)
{
	values();
	errors();
	return tap_done();
}
