/* Plans drafted from samples. */
#include "base/zone.h"
#include "io/in.h"
#include "model/infer.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static struct cdp_zone *zone;
static struct cdp_paths *paths;
static struct cdp_scan *scan;
static struct cdp_buf line, out;
static int s_ids, s_props;

static void see(struct cdp_infer *f, const char *event, const char *props)
{
	struct cdp_rec rec;
	struct cdp_err err;

	cdp_buf_reset(&line);
	cdp_buf_addf(&line, "{\"event\":\"%s\",\"ids\":{\"a\":\"1\"},\"props\":%s}\n",
		     event, props);
	cdp_buf_reserve(&line, CDP_IN_PAD);
	memset(line.p + line.n, 0, CDP_IN_PAD);
	cdp_scan_block(scan, line.p, line.n);
	if (cdp_scan_next(scan, &rec, &err) > 0)
		cdp_infer_add(f, &rec, s_ids, s_props);
	else
		ok(false, "%s", err.msg);
}

static const char *draft(const struct cdp_infer *f)
{
	cdp_buf_reset(&out);
	cdp_infer_write(f, &out);
	return cdp_buf_str(&out);
}

#define HEAD                                                                             \
	"{\n \"plan\": \"draft\",\n \"version\": \"1-0-0\",\n \"additional\": false,\n"  \
	" \"actions\": {\"Unplanned-Event\": \"mark\", \"Additional-Properties\": "      \
	"\"mark\"},\n"

static void types(void)
{
	static const struct {
		const char *values[3], *type;
	} cases[] = {
		{ { "1", "-20" }, "int" },
		{ { "1", "2.50" }, "decimal" },
		{ { "1", "2.5", "1e3" }, "number" },
		{ { "true", "false" }, "bool" },
		{ { "\"a\"", "\"2024-04-25\"" }, "string" },
		{ { "\"2024-04-25\"", "\"2024-02-29\"" }, "date" },
		{ { "\"2024-04-25T00:00:00Z\"", "\"2024-04-25 08:00:00\"" }, "time" },
		{ { "\"2024-04-25T00:00:00Z\"", "\"2024-04-25\"" }, "string" },
		{ { "[]", "[1]" }, "list" },
		{ { "{}" }, "object" },
		{ { "1", "\"1\"" }, "any" },
		{ { "null" }, "any" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cdp_infer *f = cdp_infer_new(zone);
		char text[200];

		for (size_t k = 0; k < 3 && cases[i].values[k]; k++) {
			snprintf(text, sizeof(text), "{\"p\":%s}", cases[i].values[k]);
			see(f, "e", text);
		}
		snprintf(text, sizeof(text), "\"p\": {\"type\": \"%s\"", cases[i].type);
		ok(strstr(draft(f), text) != NULL, "%s ... is %s", cases[i].values[0],
		   cases[i].type);
		cdp_infer_free(f);
	}
}

static void shape(void)
{
	struct cdp_infer *f = cdp_infer_new(zone), *g = cdp_infer_new(zone),
			 *both = cdp_infer_new(zone);
	char text[200];

	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof(text),
			 "{\"few\":\"%s\",\"many\":\"v%d\",\"$os\":\"x\"%s}",
			 i % 2 ? "b" : "a", i, i ? ",\"some\":1" : ",\"some\":null");
		see(i < 7 ? f : g, "e", text);
	}
	see(g, "d", "{\"a\":1,\"a\":2}");
	see(f, "d", "{}");
	see(f, "n", "{\"x\\u0000\":1}");
	cdp_infer_merge(both, g);
	cdp_infer_merge(both, f);
	is_str(draft(both),
	       HEAD " \"ids\": [\"a\"],\n \"properties\": {\n"
		    "  \"$os\": {\"type\": \"string\", \"enum\": [\"x\"]}},\n"
		    " \"events\": {\n"
		    "  \"d\": {\"properties\": {\n"
		    "   \"a\": {\"type\": \"int\"}}},\n"
		    "  \"e\": {\"properties\": {\n"
		    "   \"few\": {\"type\": \"string\", \"required\": true, \"enum\": "
		    "[\"a\", \"b\"]},\n"
		    "   \"many\": {\"type\": \"string\", \"required\": true},\n"
		    "   \"some\": {\"type\": \"int\"}}},\n"
		    "  \"n\": {\"additional\": true, \"properties\": {}}}\n}\n",
	       "what is always there is required, few values are an enum, and names that "
	       "begin with $ are those of all events");
	cdp_infer_merge(f, g);
	cdp_buf_reset(&line);
	cdp_buf_adds(&line, draft(both));
	ok(strcmp(draft(f), cdp_buf_str(&line)) == 0, "in whatever order it was seen");
	cdp_infer_free(f);
	cdp_infer_free(g);
	cdp_infer_free(both);
}

int main(void)
{
	struct cdp_err err;

	zone = cdp_zone_load("Asia/Shanghai", &err);
	paths = cdp_paths_new();
	s_ids = cdp_paths_add(paths, "ids", 3, &err);
	s_props = cdp_paths_add(paths, "props", 5, &err);
	scan = cdp_scan_new(paths);
	cdp_buf_init(&line, CDP_BUF_NOMAX);
	cdp_buf_init(&out, CDP_BUF_NOMAX);
	types();
	shape();
	cdp_buf_release(&line);
	cdp_buf_release(&out);
	cdp_scan_free(scan);
	cdp_paths_free(paths);
	cdp_zone_free(zone);
	return tap_done();
}
