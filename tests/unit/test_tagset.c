/* Definitions of tags: what is accepted, what is refused and with which words. */
#include "base/buf.h"
#include "io/out.h"
#include "model/tagset.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/test_tagset.XXXXXX";
static struct cdp_run run;
static struct cdp_paths *paths;

static struct cdp_tagset *load_of(const char *entity, const char *text,
				  struct cdp_err *err)
{
	const char *files[] = { path };

	if (cdp_file_replace(path, text, strlen(text), err) < 0)
		return NULL;
	return cdp_tagset_load(files, 1, entity, paths, &run, err);
}

static struct cdp_tagset *load(const char *text, struct cdp_err *err)
{
	return load_of(NULL, text, err);
}

/* The message behind the file's name for the one tag {"name":"t", MEMBERS}. */
static const char *refused(const char *members)
{
	static struct cdp_err err;
	struct cdp_tagset *s;
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_addf(&b, "{\"tags\":[{\"name\":\"t\",%s}]}", members);
	s = load(cdp_buf_str(&b), &err);
	cdp_buf_release(&b);
	if (!s)
		return err.msg + strlen(path) + 2;
	cdp_tagset_free(s);
	return "accepted";
}

static void mistakes(void)
{
	static const struct {
		const char *members, *message;
	} cases[] = {
		{ "\"value\":\"1\",\"valeu\":2",
		  "t: unknown member 'valeu'; did you mean 'value'?" },
		{ "\"title\":\"x\"",
		  "t: nothing says how it is made: value, layers, metric ..." },
		{ "\"value\":\"1\",\"metric\":{\"aggregate\":\"count\"}",
		  "t: has both value and metric: expected one of them" },
		{ "\"value\":1", "t: value: expected an expression" },
		{ "\"value\":\"count(evnt == 1)\"",
		  "t: value: 1:7: unknown name 'evnt'; did you mean 'event'?" },
		{ "\"value\":\"tags.x\"", "t: value: 1:1: unknown tag 'x'" },
		{ "\"value\":\"tags.t\"", "t: depends on itself" },
		/* attributes */
		{ "\"value\":\"1\",\"type\":\"itn\"",
		  "t: type: unknown type 'itn'; did you mean 'int'?" },
		{ "\"value\":\"1\",\"type\":7", "t: type: expected a string" },
		{ "\"value\":\"1\",\"status\":\"stoped\"",
		  "t: status: 'stoped' is none; did you mean 'stopped'?" },
		{ "\"value\":\"1\",\"status\":\"zzzzzzzz\"",
		  "t: status: 'zzzzzzzz' is none: active, new, stopped or archived" },
		{ "\"value\":\"1\",\"owner\":[]", "t: owner: expected a string" },
		{ "\"value\":\"1\",\"entity\":\"\"", "t: entity: is empty" },
		{ "\"value\":\"1\",\"keep\":0", "t: keep: expected 1 to 10000 versions" },
		{ "\"value\":\"1\",\"keep\":\"7\"", "t: keep: expected an integer" },
		{ "\"value\":\"1\",\"labels\":\"a\"",
		  "t: labels: expected a list of at most 64 words" },
		{ "\"value\":\"1\",\"labels\":[\"a\",\"\"]",
		  "t: labels[1]: expected a string of 1 to 128 bytes" },
		{ "\"value\":\"1\",\"type\":\"int\",\"else\":\"none\"",
		  "t: else: is no int" },
		{ "\"value\":\"1\",\"status\":\"stopped\",\"valeu\":1",
		  "t: unknown member 'valeu'; did you mean 'value'?" },
		{ "\"value\":\"1\",\"type\":\"int\",\"nullif\":\"none\"",
		  "t: nullif: is no int" },
		{ "\"value\":\"1\",\"alarm\":0.5",
		  "t: alarm: expected an object with min or max" },
		{ "\"value\":\"1\",\"alarm\":{\"min\":20}",
		  "t: alarm.min: expected a share from 0 to 1" },
		{ "\"value\":\"1\",\"alarm\":{\"min\":0.5,\"max\":0.4}",
		  "t: alarm: min is above max" },
		/* layers */
		{ "\"layers\":[]", "t: layers: expected a list of at most 1000 layers" },
		{ "\"layers\":[1]", "t: layers[0]: expected an object" },
		{ "\"layers\":[{\"when\":\"true\"}]", "t: layers[0].value: missing" },
		{ "\"layers\":[{\"value\":1}]",
		  "t: layers[0].when: expected a condition" },
		{ "\"layers\":[{\"value\":1,\"when\":\"1 +\"}]",
		  "t: layers[0].when: 1:4: unexpected end, expected an expression" },
		{ "\"type\":\"string\",\"layers\":[{\"value\":1,\"when\":\"true\"}]",
		  "t: layers[0].value: is no string" },
		{ "\"layers\":[{\"value\":1,\"when\":\"true\",\"wehn\":1}]",
		  "t: layers[0]: unknown member 'wehn'; did you mean 'when'?" },
		{ "\"layers\":[{\"value\":1,\"when\":\"true\"}],\"buckets\":[1]",
		  "t: buckets: not with layers" },
		/* metrics */
		{ "\"metric\":7", "t: metric: expected an object" },
		{ "\"metric\":{}", "t: metric.aggregate: missing" },
		{ "\"metric\":{\"aggregate\":\"median\"}",
		  "t: metric.aggregate: 'median' is none: count, days, sum, avg, min, "
		  "max or distinct" },
		{ "\"metric\":{\"aggregate\":\"sum\"}", "t: metric.of: missing" },
		{ "\"metric\":{\"aggregate\":\"count\",\"of\":\"1\"}",
		  "t: metric.of: not with count" },
		{ "\"metric\":{\"aggregate\":\"sum\",\"of\":\"prop.x\"}",
		  "t: metric.of: 1:1: unknown name 'prop'; did you mean 'props'?" },
		{ "\"metric\":{\"aggregate\":\"count\",\"event\":7}",
		  "t: metric.event: expected the name of an event or a list of them" },
		{ "\"metric\":{\"aggregate\":\"count\",\"event\":[\"a\",7]}",
		  "t: metric.event[1]: expected the name of an event" },
		{ "\"metric\":{\"aggregate\":\"count\",\"where\":\"true) || (true\"}",
		  "t: metric.where: 1:5: unexpected ')', expected an operator or the "
		  "end" },
		{ "\"metric\":{\"aggregate\":\"count\",\"within\":\"soon\"}",
		  "t: metric.within: invalid duration 'soon': expected digits and a unit "
		  "(ns, us, ms, s, m, h, d, w)" },
		{ "\"metric\":{\"aggregate\":\"count\",\"within\":\"-7d\"}",
		  "t: metric.within: must be above zero" },
		{ "\"metric\":{\"aggregate\":\"count\",\"wihtin\":\"7d\"}",
		  "t: metric: unknown member 'wihtin'; did you mean 'within'?" },
		/* buckets */
		{ "\"value\":\"1\",\"buckets\":7",
		  "t: buckets: expected a list of numbers or an object" },
		{ "\"value\":\"1\",\"buckets\":[]",
		  "t: buckets: expected a list of 1 to 64 numbers" },
		{ "\"value\":\"1\",\"buckets\":[1,\"2\"]",
		  "t: buckets[1]: expected a number" },
		{ "\"value\":\"1\",\"buckets\":[1,1]",
		  "t: buckets[1]: not above the one before" },
		{ "\"value\":\"1\",\"buckets\":{\"at\":[1,2],\"labels\":[\"a\",\"b\"]}",
		  "t: buckets.labels: expected a list of 3, one more than bounds" },
		{ "\"value\":\"1\",\"buckets\":{\"at\":[1],\"labels\":[\"a\",{}]}",
		  "t: buckets.labels[1]: expected null, true, false, a number or a "
		  "string" },
		{ "\"value\":\"1\",\"buckets\":{\"at\":[2,1]}",
		  "t: buckets.at[1]: not above the one before" },
		{ "\"value\":\"1\",\"buckets\":{\"at\":[1],\"closed\":\"both\"}",
		  "t: buckets.closed: expected 'left' or 'right'" },
		/* percent */
		{ "\"value\":\"1\",\"buckets\":[1],\"percent\":[1]",
		  "t: has both buckets and percent: expected one of them" },
		{ "\"layers\":[{\"value\":1,\"when\":\"true\"}],\"percent\":[1]",
		  "t: percent: not with layers" },
		{ "\"value\":\"1\",\"percent\":[10,100]",
		  "t: percent[1]: not between 0 and 100" },
		{ "\"value\":\"1\",\"percent\":{\"at\":[10],\"order\":\"up\"}",
		  "t: percent.order: expected 'descending' or 'ascending'" },
		{ "\"value\":\"1\",\"percent\":{\"at\":[10],\"filter\":\"after\"}",
		  "t: percent.filter: there is no 'among' to filter by" },
		{ "\"value\":\"1\",\"percent\":{\"at\":[10],\"among\":\"tag.x\"}",
		  "t: percent.among: 1:1: unknown name 'tag'; did you mean 'tags'?" },
		/* RFM */
		{ "\"rfm\":{\"r\":\"1\",\"f\":\"1\"}", "t: rfm.m: missing" },
		{ "\"rfm\":{\"r\":\"1\",\"f\":\"1\",\"m\":{\"value\":\"1\",\"cut\":"
		  "\"men\"}}",
		  "t: rfm.m.cut: expected 'mean', a number, {\"top\":N} or "
		  "{\"top_percent\":N}" },
		{ "\"rfm\":{\"r\":{\"value\":\"1\",\"cut\":{\"top\":0}}}",
		  "t: rfm.r.cut.top: expected a number of people" },
		{ "\"rfm\":{\"r\":{\"value\":\"1\",\"cut\":{\"top_percent\":100}}}",
		  "t: rfm.r.cut.top_percent: not between 0 and 100" },
		{ "\"rfm\":{\"r\":{\"value\":\"1\",\"high\":\"up\"}}",
		  "t: rfm.r.high: expected 'above' or 'below'" },
		{ "\"rfm\":{\"r\":\"1\",\"f\":\"1\",\"m\":\"1\",\"names\":{\"HHX\":\"a\"}"
		  "}",
		  "t: rfm.names: unknown member 'HHX'; did you mean 'HHH'?" },
		/* preference, drift */
		{ "\"preference\":{}", "t: preference.property: missing" },
		{ "\"preference\":{\"property\":\"prop.x\"}",
		  "t: preference.property: 1:1: unknown name 'prop'; did you mean "
		  "'props'?" },
		{ "\"preference\":{\"property\":\"event\",\"by\":\"min\"}",
		  "t: preference.by: 'min' is none: count, sum or max" },
		{ "\"preference\":{\"property\":\"event\",\"of\":\"1\"}",
		  "t: preference.of: not with count" },
		{ "\"preference\":{\"property\":\"event\",\"by\":\"sum\"}",
		  "t: preference.of: missing" },
		{ "\"preference\":{\"property\":\"event\",\"top\":0}",
		  "t: preference.top: expected 1 to 100" },
		{ "\"preference\":{\"property\":\"event\",\"at_least\":1.5}",
		  "t: preference.at_least: expected an integer" },
		{ "\"drift\":{\"within\":\"7d\"}",
		  "t: drift: expected either property or aggregate" },
		{ "\"drift\":{\"aggregate\":\"count\"}", "t: drift.within: missing" },
		{ "\"drift\":{\"aggregate\":\"count\",\"within\":\"36h\"}",
		  "t: drift.within: expected whole days, 1 to 36600" },
		{ "\"drift\":{\"aggregate\":\"count\",\"within\":\"7d\",\"periods\":1}",
		  "t: drift.periods: expected 2 to 12" },
		{ "\"drift\":{\"aggregate\":\"count\",\"within\":\"7d\",\"by\":\"sum\"}",
		  "t: drift.by: not with aggregate" },
		/* imports */
		{ "\"import\":\"\"",
		  "t: import: expected the name of a file or an object" },
		{ "\"import\":{\"files\":[]}",
		  "t: import.files: expected a list of 1 to 64 strings" },
		{ "\"import\":{\"files\":[\"a\",7]}",
		  "t: import.files[1]: expected a string" },
		{ "\"import\":{\"files\":[\"a\"],\"mode\":\"add\"}",
		  "t: import.mode: 'add' is none: overwrite, increment or "
		  "increment-and-overwrite" },
		{ "\"import\":{\"files\":[\"a\"],\"unknown\":\"drop\"}",
		  "t: import.unknown: expected 'leave' or 'add'" },
		{ "\"import\":{\"files\":[\"a\"],\"unknown\":\"add\",\"key\":\"phone\"}",
		  "t: import.unknown: who has an unknown 'phone' cannot be added" },
		{ "\"import\":{\"file\":[\"a\"]}",
		  "t: import: unknown member 'file'; did you mean 'files'?" },
		/* programs */
		{ "\"program\":\"./x\"",
		  "t: program: expected a list of words or an object" },
		{ "\"program\":[]", "t: program: expected a list of 1 to 256 strings" },
		{ "\"program\":{\"inputs\":{}}",
		  "t: program.run: expected a list of 1 to 256 strings" },
		{ "\"program\":{\"run\":[\"x\"],\"inputs\":{\"a\":\"tags.y\"}}",
		  "t: program.inputs.a: 1:1: unknown tag 'y'" },
		{ "\"program\":{\"run\":[\"x\"],\"inputs\":{\"one_id\":\"1\"}}",
		  "t: program.inputs.one_id: is there in any case" },
		{ "\"program\":{\"run\":[\"x\"],\"among\":true}",
		  "t: program.among: expected a condition" },
		{ "\"program\":{\"run\":[\"x\"],\"timeout\":\"0s\"}",
		  "t: program.timeout: expected 1ms to 24d" },
		{ "\"program\":{\"run\":[\"x\"],\"inputs\":{\"a\":\"tags.t\"}}",
		  "t: depends on itself" },
		/* models */
		{ "\"value\":\"1\",\"model\":{\"name\":\"m\"}",
		  "t: model.version: missing" },
		{ "\"value\":\"1\",\"model\":{\"name\":\"m\",\"version\":\"1\",\"date\":"
		  "\"May\"}",
		  "t: model.date: expected a day as 2024-05-01" },
		/* first, last, matrix */
		{ "\"last\":{\"give\":\"props.\"}",
		  "t: last.give: 1:7: unexpected end, expected a member name" },
		{ "\"matrix\":{\"axes\":[\"1\"]}",
		  "t: matrix.axes: expected a list of 2 to 8 expressions" },
		{ "\"matrix\":{\"axes\":[\"1\",\"tags.y\"]}",
		  "t: matrix.axes[1]: 1:1: unknown tag 'y'" },
		{ "\"matrix\":{\"axes\":[\"1\",\"2\"],\"names\":{\"1/2\":3}}",
		  "t: matrix.names.1/2: expected a string" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		is_str(refused(cases[i].members), cases[i].message, "{%s} is refused",
		       cases[i].members);
}

static void names(void)
{
	struct cdp_err err;
	struct cdp_buf b;

	ok(!load("{\"tags\":[{\"name\":\"\",\"value\":\"1\"}]}", &err),
	   "a name is needed");
	is_str(err.msg + strlen(path) + 2, "tags[0].name: is empty", "and told");
	ok(!load("{\"tags\":[{\"name\":\"a\",\"value\":\"1\"},"
		 "{\"name\":\"a\",\"status\":\"stopped\",\"value\":\"2\"}]}",
		 &err),
	   "one name is one tag, computed or not");
	is_str(err.msg + strlen(path) + 2, "tags[1].name: 'a' stands twice", "and told");
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_addf(&b, "{\"tags\":[{\"name\":\"%0129d\",\"value\":\"1\"}]}", 7);
	ok(!load(cdp_buf_str(&b), &err), "names have a length");
	is_str(err.msg + strlen(path) + 2, "tags[0].name: is longer than 128 bytes",
	       "and told");
	cdp_buf_release(&b);
}

static void stopped(void)
{
	struct cdp_err err;
	struct cdp_tagset *s;

	s = load("{\"tags\":[{\"name\":\"a\",\"status\":\"stopped\",\"value\":"
		 "\"count(event == 'x') + profile.p + tags.b\"},"
		 "{\"name\":\"b\",\"value\":\"1\"}]}",
		 &err);
	ok(s, "a stopped tag may use one that is computed");
	if (s) {
		is_int(s->count, 1, "it is no part of the set");
		is_str(s->tags[0].name, "b", "the other one is");
		is_int(cdp_aggs_count(s->aggs), 0, "nothing is gathered for it");
		is_int(cdp_intern_count(s->attributes), 0, "and no attribute kept");
	}
	cdp_tagset_free(s);
	s = load("{\"tags\":[{\"name\":\"a\",\"status\":\"archived\",\"value\":\"1\"},"
		 "{\"name\":\"b\",\"value\":\"tags.a\"}]}",
		 &err);
	ok(!s, "no tag can use one that is not computed");
	is_str(err.msg + strlen(path) + 2,
	       "b: value: 1:1: tag 'a' is not computed, see its status",
	       "and it is told");
}

static void attributes(void)
{
	static const char both[] =
		"{\"tags\":[{\"name\":\"a\",\"value\":\"1\",\"title\":\"T\",\"owner\":"
		"\"O\",\"class\":\"C\",\"source\":\"S\",\"version\":\"2\",\"entity\":"
		"\"product\",\"labels\":[\"x\",\"y\"],\"keep\":7},"
		"{\"name\":\"a\",\"value\":\"profile.x\"}]}";
	struct cdp_err err;
	struct cdp_tagset *s;
	const struct cdp_tag_about *a;

	s = load_of("product", both, &err);
	ok(s, "all attributes are taken");
	if (!s)
		return;
	a = &s->tags[0].about;
	is_str(a->title, "T", "title");
	is_str(a->owner, "O", "owner");
	is_str(a->class, "C", "class");
	is_str(a->source, "S", "source");
	is_str(a->version, "2", "version");
	is_str(a->entity, "product", "entity");
	ok(a->label_count == 2 && strcmp(a->labels[1], "y") == 0, "labels");
	is_int(a->keep, 7, "keep");
	is_str(s->tags[0].file, path, "the file is known");
	is_str(s->tags[0].kind, "value", "so is the kind");
	is_int(s->count, 1, "tags of another entity are none of the set");
	ok(s->own != NULL, "what is no person has its row");
	cdp_tagset_free(s);
	s = load(both, &err);
	ok(s && s->count == 1, "the same name may be that of a person's tag");
	if (!s)
		return;
	ok(!s->own, "a person has no row");
	a = &s->tags[0].about;
	is_str(a->entity, "person", "a tag is one of persons by default");
	is_int(a->keep, 100, "100 versions are kept by default");
	cdp_tagset_free(s);
}

static const char *fits(enum cdp_tag_type type, struct cdp_value v)
{
	static struct cdp_buf b;
	struct cdp_arena arena;
	bool fine;

	if (!b.p)
		cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_reset(&b);
	cdp_arena_init(&arena);
	fine = cdp_tag_type_fit(type, &v, run.zone, &arena);
	if (fine)
		cdp_value_json(&b, &v);
	cdp_arena_release(&arena);
	return fine ? cdp_buf_str(&b) : "no";
}

static struct cdp_value text(const char *s)
{
	return (struct cdp_value){ .type = CDP_V_STRING, .s = { s, strlen(s) } };
}

static struct cdp_value number(double d, const char *raw)
{
	struct cdp_value v = { .type = CDP_V_DOUBLE, .d = d };

	if (raw) {
		v.raw = raw;
		v.raw_n = (uint32_t)strlen(raw);
	}
	return v;
}

static void types(void)
{
	struct cdp_value time = { .type = CDP_V_TIMESTAMP, .t = { 1714492800, 0 } };
	struct cdp_value seven = { .type = CDP_V_INT, .i = 7 };

	is_str(fits(CDP_TAG_INT, seven), "7", "an int is one");
	is_str(fits(CDP_TAG_INT, number(7.0, NULL)), "7", "a whole double is an int");
	is_str(fits(CDP_TAG_INT, number(7.5, NULL)), "no", "another one is not");
	is_str(fits(CDP_TAG_INT, number(1e20, "100000000000000000000")), "no",
	       "an int has 64 bits");
	is_str(fits(CDP_TAG_BIGINT, number(1e20, "100000000000000000000")),
	       "100000000000000000000", "a bigint has more and keeps its digits");
	is_str(fits(CDP_TAG_NUMBER, text("7")), "no", "digits in quotes are no number");
	is_str(fits(CDP_TAG_STRING, seven), "no", "a number is no string");
	is_str(fits(CDP_TAG_BOOL, seven), "no", "nor a bool");
	/* 2024-04-30T16:00Z is midnight in Shanghai. */
	is_str(fits(CDP_TAG_DATE, time), "\"2024-05-01\"",
	       "the date of an instant is the civil day in the zone");
	is_str(fits(CDP_TAG_DATE, text("2024-02-29")), "\"2024-02-29\"", "a leap day");
	is_str(fits(CDP_TAG_DATE, text("2023-02-29")), "no", "is none in other years");
	is_str(fits(CDP_TAG_DATE, text("2024-2-29")), "no", "a date has ten bytes");
	is_str(fits(CDP_TAG_DATETIME, text("2024-05-01T00:00:00+08:00")),
	       "\"2024-04-30T16:00:00.000Z\"", "a datetime is canonical");
	is_str(fits(CDP_TAG_DATETIME, text("2024-05-01")), "no", "a day is no instant");
	is_str(fits(CDP_TAG_LIST, seven), "no", "a number is no list");
	is_str(fits(CDP_TAG_MAP, seven), "no", "nor a map");
	is_str(fits(CDP_TAG_INT, (struct cdp_value){ 0 }), "null",
	       "null is a value of any type");
}

int main(void)
{
	struct cdp_err err;

	close(mkstemp(path));
	paths = cdp_paths_new();
	run.zone = cdp_zone_load("Asia/Shanghai", &err);
	mistakes();
	names();
	stopped();
	attributes();
	types();
	cdp_paths_free(paths);
	unlink(path);
	return tap_done();
}
