#include "record/fields.h"

#include "io/in.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static char line[4096 + CDP_IN_PAD];

/* What keep (or omit) makes of one record. */
static const char *keep(const char *list, const char *raw)
{
	static struct cdp_buf b;
	static struct cdp_err err;
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_fields *f = cdp_fields_new(list, paths, &err);
	struct cdp_scan *scan = cdp_scan_new(paths);
	struct cdp_rec rec;

	memset(line, 0, sizeof(line));
	memcpy(line, raw, strlen(raw));
	cdp_scan_block(scan, line, strlen(raw));
	free(b.p);
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	if (f && cdp_scan_next(scan, &rec, &err) == 1)
		cdp_fields_keep(f, &b, &rec);
	cdp_scan_free(scan);
	cdp_fields_free(f);
	cdp_paths_free(paths);
	return f ? cdp_buf_str(&b) : err.msg;
}

static const char *omit(const char *list, const char *raw, bool *changed)
{
	static struct cdp_buf b;
	struct cdp_err err;
	struct cdp_fields *f = cdp_fields_new(list, NULL, &err);

	free(b.p);
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	*changed = cdp_fields_omit(f, &b, raw, strlen(raw));
	cdp_fields_free(f);
	return cdp_buf_str(&b);
}

static const char *set(const char *text, const char *raw, const char *value)
{
	static struct cdp_buf b;
	struct cdp_path path;
	struct cdp_err err = { 0 };

	free(b.p);
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	if (cdp_path_parse(&path, text, strlen(text), &err) < 0)
		return "no path";
	if (cdp_rec_set(&b, raw, strlen(raw), &path, value, strlen(value), &err) < 0)
		cdp_buf_addf(&b, "%s: %s", err.path, err.msg);
	cdp_path_release(&path);
	return cdp_buf_str(&b);
}

static void test_keep(void)
{
	is_str(keep("event,time", "{\"time\":\"t\",\"x\":1,\"event\":\"e\"}"),
	       "{\"event\":\"e\",\"time\":\"t\"}",
	       "members come in the order of the list");
	is_str(keep("a,b", "{\"c\":1}"), "{}", "members the record lacks are left out");
	is_str(keep("p.x,a,p.y.z",
		    "{\"p\":{\"x\":1.50,\"y\":{\"z\":[ 1 ]}},\"a\":\"\\u00e9\"}"),
	       "{\"p\":{\"x\":1.50,\"y\":{\"z\":[ 1 ]}},\"a\":\"\\u00e9\"}",
	       "nesting and bytes of values stay");
	is_str(keep("p.x,a", "{\"p\":{\"y\":1},\"a\":2}"), "{\"a\":2}",
	       "an object of which nothing is left goes");
	is_str(keep("p,p.x", "{\"p\":{\"x\":1,\"y\":2}}"), "{\"p\":{\"x\":1,\"y\":2}}",
	       "a whole member wins over a part of it");
	is_str(keep("ids.\"a.b,c\"", "{\"ids\":{\"a.b,c\":\"1\",\"d\":\"2\"}}"),
	       "{\"ids\":{\"a.b,c\":\"1\"}}", "a quoted key may hold dots and commas");
	is_str(keep("a", "{\"a\":1,\"a\":2}"), "{\"a\":2}",
	       "of duplicates the last counts");
	ok(strstr(keep("a,,b", "{}"), "empty key"), "an empty path is refused");
}

static void test_omit(void)
{
	bool changed;

	is_str(omit("b", "{\"a\":1.0,\"b\":2,\"c\":\"x\"}", &changed),
	       "{\"a\":1.0,\"c\":\"x\"}", "a member is left out");
	ok(changed, "and it is told");
	is_str(omit("a", "{\"a\":1,\"a\":2}", &changed), "{}", "duplicates go as well");
	is_str(omit("p.x", "{\"p\":{\"x\":1,\"y\":2},\"q\":{\"x\":1}}", &changed),
	       "{\"p\":{\"y\":2},\"q\":{\"x\":1}}", "only the path named is left out");
	omit("z,p.x", "{\"a\":1,\"p\":[1]}", &changed);
	ok(!changed, "nothing left out is told as well");
}

static void test_set(void)
{
	is_str(set("b", "{\"a\":1}", "2"), "{\"a\":1,\"b\":2}",
	       "a new member comes last");
	is_str(set("a", "{ \"a\" : 1 , \"b\":2}", "9"), "{ \"a\" : 9 , \"b\":2}",
	       "a member is replaced in its place");
	is_str(set("p.x", "{\"p\":{\"y\":1.50}}", "true"),
	       "{\"p\":{\"y\":1.50,\"x\":true}}", "a path reaches into an object");
	is_str(set("p.q.x", "{}", "1"), "{\"p\":{\"q\":{\"x\":1}}}",
	       "objects on the way are made");
	is_str(set("p.x", "{\"p\":3}", "1"), "p: expected an object",
	       "a number cannot get members");
	is_str(set("a..b", "{}", "1"), "no path", "a bad path is refused");
}

int main(void)
{
	test_keep();
	test_omit();
	test_set();
	return tap_done();
}
