/* Events against tracking plans. */
#include "base/mem.h"
#include "base/zone.h"
#include "io/in.h"
#include "model/coverage.h"
#include "model/plan.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct cdp_zone *zone;
static struct cdp_plan *plan;
static struct cdp_coverage *seen;
static struct cdp_plan_check *check;
static struct cdp_paths *paths;
static struct cdp_scan *scan;
static struct cdp_buf line;
static struct cdp_err err;

/* The plan of this text; NULL, or what is wrong with it. */
static const char *load(const char *text)
{
	plan = cdp_plan_parse(text, strlen(text), "p", zone, &err);
	return plan ? NULL : err.msg + strlen("p: ");
}

static void begin(const char *text)
{
	const char *bad = load(text);

	if (bad) {
		ok(false, "the plan is refused: %s", bad);
		exit(1);
	}
	paths = cdp_paths_new();
	cdp_plan_paths(plan, paths);
	seen = cdp_coverage_new(plan);
	check = cdp_plan_check_new(plan, seen);
	scan = cdp_scan_new(paths);
}

static void end(void)
{
	cdp_plan_check_free(check);
	cdp_coverage_free(seen);
	cdp_scan_free(scan);
	cdp_plan_free(plan);
	cdp_paths_free(paths);
}

/* An event with these properties: "fits", what it becomes, or why it is refused with its
 * path in front. */
static const char *put_at(const char *event, const char *props, const char *more,
			  int64_t ms)
{
	static char why[600];
	const struct cdp_buf *edited;
	struct cdp_rec rec;
	int rc;

	cdp_buf_reset(&line);
	cdp_buf_addf(&line, "{\"event\":\"%s\",\"ids\":{\"a\":\"1\"},\"props\":%s%s}\n",
		     event, props, more);
	cdp_buf_reserve(&line, CDP_IN_PAD);
	memset(line.p + line.n, 0, CDP_IN_PAD);
	cdp_scan_block(scan, line.p, line.n);
	if (cdp_scan_next(scan, &rec, &err) < 0)
		return err.msg;
	rc = cdp_plan_check(check, &rec, ms, &edited, &err);
	if (rc == 0)
		return "fits";
	if (rc > 0)
		return strstr(cdp_buf_str((struct cdp_buf *)edited), "\"props\":") + 8;
	snprintf(why, sizeof(why), "%s: %s", err.path, err.msg);
	return why;
}

static const char *put(const char *props)
{
	return put_at("e", props, "", 0);
}

#define EVENT(props) "{\"version\":\"7\",\"events\":{\"e\":{\"properties\":{" props "}}}}"

static void types(void)
{
	static const struct {
		const char *type, *good[4], *bad[4];
	} cases[] = {
		{ "string", { "\"\"", "\"1\"", "\"\\u0000\"" }, { "1", "true", "[]" } },
		{ "int",
		  { "0", "-12", "123456789012345678901234567890" },
		  { "1.0", "1e3", "\"1\"", "null1" } },
		{ "number", { "1", "-1.5e300", "1e999" }, { "\"1\"", "false", "{}" } },
		{ "decimal", { "1", "0.10", "-3.5" }, { "1e3", "1.0E1", "\"1\"" } },
		{ "bool", { "true", "false" }, { "0", "\"true\"" } },
		{ "time",
		  { "\"2024-04-25T06:59:46Z\"", "\"2024-04-25 14:59:46.123\"" },
		  { "\"2024-04-25\"", "1714028386000", "\"2024-02-30T00:00:00Z\"" } },
		{ "date",
		  { "\"2024-02-29\"" },
		  { "\"2023-02-29\"", "\"2024-2-9x\"", "20240229" } },
		{ "list", { "[]", "[1,\"a\"]" }, { "{}", "\"[]\"" } },
		{ "object", { "{}", "{\"a\":1}" }, { "[]", "1" } },
		{ "any", { "1", "\"a\"", "[]", "{}" }, { NULL } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[200];
		bool all = true;

		snprintf(text, sizeof(text), EVENT("\"p\":{\"type\":\"%s\"}"),
			 cases[i].type);
		begin(text);
		for (size_t k = 0; k < 4 && cases[i].good[k]; k++) {
			snprintf(text, sizeof(text), "{\"p\":%s}", cases[i].good[k]);
			all = ok(strcmp(put(text), "fits") == 0, "%s is a %s",
				 cases[i].good[k], cases[i].type) &&
			      all;
		}
		for (size_t k = 0; k < 4 && cases[i].bad[k]; k++) {
			if (strcmp(cases[i].bad[k], "null1") == 0)
				continue;
			snprintf(text, sizeof(text), "{\"p\":%s}", cases[i].bad[k]);
			ok(strncmp(put(text), "props.p: Datatype-Mismatch: expected ",
				   37) == 0,
			   "%s is no %s", cases[i].bad[k], cases[i].type);
		}
		is_str(put("{\"p\":null}"), "fits", "null is no value");
		end();
	}
}

static void values(void)
{
	begin(EVENT("\"a\":{\"type\":\"decimal\",\"min\":0.1,\"max\":9007199254740993},"
		    "\"d\":{\"type\":\"date\",\"min\":\"2024-01-01\"},"
		    "\"s\":{\"type\":\"string\",\"pattern\":\"^F[0-9]+$\","
		    "\"min_length\":2,\"max_length\":3},"
		    "\"z\":{\"type\":\"string\",\"max_length\":2},"
		    "\"n\":{\"type\":\"int\",\"enum\":[3,6]},"
		    "\"c\":{\"type\":\"string\",\"enum\":[\"app\",\"\\u5317\"]}"));
	is_str(put("{\"a\":0.10}"), "fits", "a range has its ends, to the last digit");
	is_str(put("{\"a\":0.09999999999999999}"),
	       "props.a: Invalid-Value: '0.09999999999999999' is below 0.1 (plan 7)",
	       "what is below is told");
	is_str(put("{\"a\":9007199254740994}"),
	       "props.a: Invalid-Value: '9007199254740994' is above 9007199254740993 "
	       "(plan 7)",
	       "also where a double would not see it");
	is_str(put("{\"a\":1e3}"),
	       "props.a: Datatype-Mismatch: expected decimal, got the number '1e3' "
	       "(plan 7)",
	       "a value of another type is looked at no further");
	is_str(put("{\"d\":\"2023-12-31\"}"),
	       "props.d: Invalid-Value: '2023-12-31' is below 2024-01-01 (plan 7)",
	       "dates have a range");
	is_str(put("{\"s\":\"F01\"}"), "fits", "a pattern that matches");
	is_str(put("{\"s\":\"xF0\"}"),
	       "props.s: Invalid-Value: 'xF0' does not match the pattern (plan 7)",
	       "and one that does not");
	is_str(put("{\"s\":\"F0123\"}"),
	       "props.s: Invalid-Value: 5 characters are more than 3 (plan 7)",
	       "a length");
	is_str(put("{\"z\":\"\\u5317\xe4\xba\xac\"}"), "fits",
	       "is counted in characters");
	is_str(put("{\"n\":6.0}"),
	       "props.n: Datatype-Mismatch: expected int, got the number '6.0' (plan 7)",
	       "a fraction of zero is none");
	is_str(put("{\"n\":4}"),
	       "props.n: Invalid-Value: '4' is not in the enum (plan 7)",
	       "numbers of an enum");
	is_str(put("{\"c\":\"\xe5\x8c\x97\"}"), "fits", "texts of one, compared decoded");
	is_str(put("{\"c\":\"\\u0061pp\"}"), "fits", "in the record, too");
	is_str(put("{\"c\":\"App\",\"n\":4}"),
	       "props.c: Invalid-Value: 'App' is not in the enum (plan 7; 1 more)",
	       "case counts; the first of several reasons is told, and their number");
	end();
}

#define STRICT(actions)                                                                  \
	"{\"plan\":\"p\",\"version\":\"1\",\"additional\":false,\"actions\":{" actions   \
	"},\"events\":{\"e\":{\"properties\":{\"a\":{\"type\":\"int\",\"required\":"     \
	"true},"                                                                         \
	"\"o\":{\"type\":\"object\",\"additional\":false,\"properties\":{"               \
	"\"x\":{\"type\":\"int\"}}},"                                                    \
	"\"l\":{\"type\":\"list\",\"items\":{\"type\":\"int\",\"min\":0}}}}}}"

static void strip(void)
{
	begin(STRICT(
		"\"Additional-Properties\":\"strip\",\"Datatype-Mismatch\":\"strip\","
		"\"Invalid-Value\":\"strip\""));
	is_str(put("{\"a\":1}"), "fits", "an event as planned");
	is_str(put("{\"x\":9,\"a\":1}"), "{\"a\":1}}", "the first property goes");
	is_str(put("{\"a\":1,\"x\":\"}\",\"y\":[1]}"), "{\"a\":1}}", "the last ones go");
	is_str(put("{\"y\":{},\"a\":1,\"x\":null,\"l\":[2]}"), "{\"a\":1,\"l\":[2]}}",
	       "those between go");
	is_str(put("{\"a\":1,\"o\":{\"y\":1,\"x\":2,\"z\":3}}"),
	       "{\"a\":1,\"o\":{\"x\":2}}}", "a member of an object goes alone");
	is_str(put("{\"o\":{\"y\":1,\"x\":\"2\"},\"a\":1}"), "{\"o\":{},\"a\":1}}",
	       "all of them may");
	is_str(put("{\"a\":1,\"l\":[1,-1,2]}"), "{\"a\":1}}",
	       "a list with a bad item goes whole");
	is_str(put("{\"a\":\"1\"}"),
	       "props.a: Required-Missing: required, but missing (plan p 1)",
	       "what is stripped is missing where it is required");
	is_int((int64_t)cdp_plan_check_counts(check)->stripped, 10,
	       "stripped properties are counted");
	end();
}

static void mark(void)
{
	begin(STRICT("\"Additional-Properties\":\"mark\",\"Required-Missing\":\"mark\","
		     "\"Unplanned-Event\":\"mark\",\"Datatype-Mismatch\":\"allow\""));
#define MARK(k, p, m)                                                                    \
	"{\"kind\":\"" k "\",\"path\":\"" p "\",\"message\":\"" m "\",\"plan\":\"p 1\"}"
	is_str(put("{\"q\\\"\":1}"),
	       "{\"q\\\"\":1},\"violations\":[" MARK(
		       "Additional-Properties", "props.q\\\"",
		       "not in the plan") "," MARK("Required-Missing", "props.a",
						   "required, but missing") "]}",
	       "violations are listed");
	is_str(put_at("f", "{\"z\":1}", "", 0),
	       "{\"z\":1},\"violations\":[" MARK("Unplanned-Event", "event",
						 "'f' is not in the plan") "]}",
	       "of an event that nobody planned, no property is looked at");
	is_str(put_at("e", "{\"a\":1}", ",\"violations\":[1],\"z\":2", 0),
	       "{\"a\":1},\"z\":2}", "marks of another plan go when there is none");
	is_str(put_at("f", "{}", ",\"violations\":[1],\"z\":2", 0),
	       "{},\"violations\":[" MARK("Unplanned-Event", "event",
					  "'f' is not in the plan") "],\"z\":2}",
	       "or are replaced");
	is_str(put("{\"a\":\"x\"}"), "fits", "what is allowed is no violation");
	is_int((int64_t)cdp_plan_check_counts(check)->violations, 4,
	       "violations are counted");
	is_int((int64_t)cdp_plan_check_counts(check)->marked, 3, "so are marked records");
	end();
}

static void names(void)
{
	begin("{\"version\":\"1\",\"ids\":[\"a\"],\"events\":{\"e\\\"\":{\"aliases\":"
	      "[\"old\",\"older\"],\"properties\":{\"amount\":{\"type\":\"int\","
	      "\"required\":true,\"aliases\":[\"amt\"]},\"o\":{\"type\":\"object\","
	      "\"properties\":{\"x\":{\"aliases\":\"y\"}}}}}}}");
	is_str(put_at("older", "{\"amt\":5,\"o\":{\"y\":1}}", "", 0),
	       "{\"amount\":5,\"o\":{\"x\":1}}}", "aliases become the names of the plan");
	ok(strstr(line.p, "older") && put_at("old", "{\"amount\":5}", "", 0), "events");
	is_str(put_at("old", "{\"amt\":\"5\"}", "", 0),
	       "props.amt: Datatype-Mismatch: expected int, got the string '5' (plan 1)",
	       "and what is wrong is told under the name that it came with");
	end();
	begin("{\"version\":\"1\",\"ids\":\"customer\",\"events\":{\"e\":{}}}");
	is_str(put("{}"),
	       "ids.a: Unplanned-Id: a kind of id that is not in the plan (plan 1)",
	       "kinds of ids are planned, too");
	end();
}

/* 2024-05-01T00:00:00+08:00 */
#define MAY INT64_C(1714492800000)

static void periods(void)
{
	begin("{\"version\":\"1\",\"events\":{\"e\":{\"since\":\"2024-05-01\",\"until\":"
	      "\"2024-06-01T00:00:00+08:00\",\"properties\":{\"p\":{\"required\":true,"
	      "\"since\":\"2024-05-02\"}}}}}");
	is_str(put_at("e", "{}", "", MAY), "fits", "a period has its beginning");
	is_str(put_at("e", "{}", "", MAY - 1),
	       "event: Out-Of-Period: 'e' is not planned at this time (plan 1)",
	       "nothing before");
	is_str(put_at("e", "{\"p\":1}", "", MAY + 31 * INT64_C(86400000)),
	       "event: Out-Of-Period: 'e' is not planned at this time (plan 1)",
	       "and not its end");
	is_str(put_at("e", "{\"p\":1}", "", MAY),
	       "props.p: Out-Of-Period: not planned at this time (plan 1)",
	       "properties have periods of their own");
	is_str(put_at("e", "{}", "", MAY + 86400000),
	       "props.p: Required-Missing: required, but missing (plan 1)",
	       "in which they are required");
	end();
}

static void bad_plans(void)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "[]", "expected an object" },
		{ "{\"events\":{}}", "version: missing" },
		{ "{\"version\":\"1\"}", "events: missing" },
		{ "{\"version\":\"1\",\"events\":{\"\":{}}}", "events.: event is empty" },
		{ "{\"version\":\"1\",\"events\":{\"a\":{\"propertys\":{}}}}",
		  "events.a: unknown member 'propertys'; did you mean 'properties'?" },
		{ EVENT("\"p\":{\"type\":\"strng\"}"),
		  "events.e.properties.p.type: unknown type 'strng'; did you mean "
		  "'string'?" },
		{ EVENT("\"p\":{\"min\":1}"),
		  "events.e.properties.p.min: only numbers, times and dates have a "
		  "range" },
		{ EVENT("\"p\":{\"type\":\"string\",\"pattern\":\"(\"}"),
		  "events.e.properties.p.pattern: invalid pattern: missing closing "
		  "parenthesis (at character 1)" },
		{ EVENT("\"p\":{\"type\":\"int\",\"enum\":[\"1\"]}"),
		  "events.e.properties.p.enum: a value that is not of the type" },
		{ EVENT("\"p\":{\"aliases\":[\"q\"]},\"q\":{}"),
		  "events.e.properties.q: 'q' is taken" },
		{ EVENT("\"p\":{\"type\":\"list\",\"items\":{\"type\":\"nt\"}}"),
		  "events.e.properties.p.items.type: unknown type 'nt'; did you mean "
		  "'int'?" },
		{ "{\"version\":\"1\",\"events\":{},\"actions\":{\"Required-Missing\":"
		  "\"strip\"}}",
		  "actions.Required-Missing: there is no property to strip" },
		{ "{\"version\":\"1\",\"scenarios\":{\"a\":{}},\"events\":{\"e\":{"
		  "\"scenario\":\"b\"}}}",
		  "events.e.scenario: not among the plan's scenarios" },
		{ "{\"version\":\"1\",\"events\":{\"e\":{\"since\":\"2024-02-01\","
		  "\"until\":\"2024-01-01\"}}}",
		  "events.e.until: not after 'since'" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		is_str(load(cases[i].text), cases[i].why, "refused: %s", cases[i].why);
}

static void coverage(void)
{
	struct cdp_coverage *other;
	struct cdp_buf rows;

	begin("{\"version\":\"1\",\"scenarios\":{\"s\":{}},\"metrics\":{\"m\":{"
	      "\"scenario\":\"s\",\"events\":"
	      "[\"e\",\"n\",\"x\"]}},\"properties\":{\"c\":{}},\"actions\":{"
	      "\"Unplanned-Event\":\"mark\",\"Datatype-Mismatch\":\"mark\"},"
	      "\"events\":{\"e\":{\"properties\":{\"p\":{},\"q\":{\"type\":\"int\"}}},"
	      "\"n\":{\"scenario\":\"s\",\"properties\":{\"p\":{}}},"
	      "\"r\":{\"until\":\"2024-05-01\"},\"y\":{\"since\":\"2025-05-01\"}}}");
	put_at("e", "{\"p\":1,\"z\":1}", "", MAY + 5);
	put_at("e", "{\"p\":1,\"q\":\"\"}", "", MAY + 1);
	put_at("u", "{\"p\":1}", "", MAY);
	other = cdp_coverage_new(plan);
	cdp_coverage_add(other, seen);
	cdp_coverage_add(other, seen);
	cdp_buf_init(&rows, CDP_BUF_NOMAX);
	cdp_coverage_write(other, &rows);
#define ROW(e, p, s, n, f, l)                                                            \
	"{\"result\":\"coverage\",\"plan\":\"1\",\"event\":" e ",\"property\":" p        \
	",\"status\":\"" s "\",\"count\":" n ",\"first\":" f ",\"last\":" l "}\n"
#define T(ms) "\"2024-04-30T16:00:00.00" ms "Z\""
	is_str(cdp_buf_str(&rows),
	       ROW("\"e\"", "null", "seen", "4", T("1"),
		   T("5")) ROW("\"e\"", "\"p\"", "seen", "4", T("1"),
			       T("5")) ROW("\"e\"", "\"q\"", "seen", "2", T("1"), T("1"))
		       ROW("\"n\"", "null", "never_seen", "0", "null", "null") ROW(
			       "\"r\"", "null", "retired", "0", "null",
			       "null") ROW("\"y\"", "null", "not_yet", "0", "null",
					   "null") ROW("\"u\"", "null", "never_planned",
						       "2", T("0"), T("0"))
			       ROW("\"e\"", "\"z\"", "never_planned", "2", T("5"),
				   T("5")) "{\"result\":\"violation\",\"plan\":\"1\","
					   "\"event\":\"e\",\"kind\":"
					   "\"Datatype-Mismatch\",\"count\":2}\n"
					   "{\"result\":\"violation\",\"plan\":\"1\","
					   "\"event\":null,\"kind\":"
					   "\"Unplanned-Event\",\"count\":2}\n"
					   "{\"result\":\"scenario\",\"plan\":\"1\","
					   "\"scenario\":\"s\",\"events\":1,"
					   "\"never_seen\":[\"n\"]}\n"
					   "{\"result\":\"metric\",\"plan\":\"1\","
					   "\"metric\":\"m\",\"scenario\":\"s\","
					   "\"events\":3,\"never_seen\":[\"n\"],\"never_"
					   "planned\":[\"x\"]}\n",
	       "what was planned, what came, what was wrong, and what is missing");
	cdp_coverage_free(other);

	cdp_buf_reset(&rows);
	for (int i = 0; i <= CDP_COVERAGE_NAMES; i++) {
		char name[16];

		snprintf(name, sizeof(name), "x%d", i);
		put_at(name, "{}", "", MAY);
	}
	cdp_coverage_write(seen, &rows);
	ok(strstr(cdp_buf_str(&rows),
		  ROW("null", "null", "never_planned", "65538", "null", "null")) != NULL,
	   "of too many names only their number is told");
	cdp_buf_release(&rows);
	end();
}

int main(void)
{
	zone = cdp_zone_load("Asia/Shanghai", &err);
	cdp_buf_init(&line, CDP_BUF_NOMAX);
	types();
	values();
	strip();
	mark();
	names();
	periods();
	bad_plans();
	coverage();
	cdp_buf_release(&line);
	cdp_zone_free(zone);
	return tap_done();
}
