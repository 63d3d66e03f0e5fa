/* Maps of tables: what they accept, and what rows become. */
#include "format/canon.h"
#include "format/csvmap.h"
#include "tap.h"

#include <string.h>

static struct cdp_zone *shanghai;
static struct cdp_buf out;

static struct cdp_csvmap *map(const char *text, struct cdp_err *err)
{
	return cdp_csvmap_parse(text, strlen(text), "m.json", shanghai, 1714003200000,
				err);
}

static size_t split(struct cdp_csv_field *f, const char *text)
{
	size_t n = 0;

	for (;;) {
		const char *comma = strchr(text, '|');

		f[n++] = (struct cdp_csv_field){ text, comma ? (size_t)(comma - text)
							     : strlen(text) };
		if (!comma)
			return n;
		text = comma + 1;
	}
}

static const char *row(struct cdp_csvmap *m, const char *text)
{
	struct cdp_csv_field f[16];
	struct cdp_err err;
	size_t n = split(f, text);

	cdp_buf_reset(&out);
	if (cdp_csvmap_row(m, f, n, &out, &err) < 0) {
		ok(out.n == 0, "a bad row leaves nothing behind");
		cdp_buf_addf(&out, "%s: %s", err.path, err.msg);
	}
	return cdp_buf_str(&out);
}

static int bind(struct cdp_csvmap *m, const char *header, struct cdp_err *err)
{
	struct cdp_csv_field f[16];
	size_t n = split(f, header);

	return cdp_csvmap_bind(m, f, n, err);
}

static void rows(void)
{
	struct cdp_err err;
	struct cdp_csvmap *m =
		map("{\"event\":\"pay\",\"source\":\"core\",\"nulls\":[\"\\\\N\"],"
		    "\"fields\":["
		    "{\"column\":\"amt\",\"to\":\"props.amount\",\"type\":\"decimal\"},"
		    "{\"column\":\"no\",\"to\":\"ids.customer\",\"required\":true},"
		    "{\"column\":\"at\",\"to\":\"time\",\"format\":\"%Y%m%d%H%M%S\"},"
		    "{\"to\":\"props.bank\",\"value\":\"0102\"},"
		    "{\"column\":\"tel\",\"to\":\"ids.phone\"}],\"rest\":\"props\"}",
		    &err);

	ok(m && cdp_csvmap_has_header(m), "a map of an event");
	is_int(bind(m, " no |tel|at|amt|note|", &err), 0, "its columns are found");
	is_str(row(m, "007|138 |20240425145946|5000.00|a\"b|x"),
	       "{\"time\":\"2024-04-25T06:59:46.000Z\",\"event\":\"pay\",\"ids\":{"
	       "\"customer\":"
	       "\"007\",\"phone\":\"138\"},\"source\":\"core\",\"props\":{\"amount\":"
	       "5000.00,"
	       "\"bank\":\"0102\",\"note\":\"a\\\"b\"}}",
	       "a row becomes an event in canonical order, ids keep their zeros");
	is_str(row(m, "7||20240425145946|\\N| |"),
	       "{\"time\":\"2024-04-25T06:59:46.000Z\",\"event\":\"pay\",\"ids\":{"
	       "\"customer\":"
	       "\"7\"},\"source\":\"core\",\"props\":{\"bank\":\"0102\",\"note\":\" \"}}",
	       "empty cells and those that say null are left out");
	is_str(row(m, " |1|20240425145946|1||"),
	       "ids.customer: column 'no': empty, and it is required",
	       "a required cell must not be empty");
	is_str(row(m, "7|1|20240425|1||"),
	       "time: column 'at': '20240425' is not written as '%Y%m%d%H%M%S'",
	       "a bad time names its column");
	is_str(row(m, "7|1|20240425145946|x||"),
	       "props.amount: column 'amt': 'x' is not a decimal",
	       "so does a bad amount");
	is_str(row(m, "7|1"), ": 2 fields, but 6 columns", "a short row is refused");
	ok(bind(m, "no|tel|at|note", &err) < 0 &&
		   strcmp(err.msg, "m.json: no column 'amt' in the input; did you mean "
				   "'at'?") == 0,
	   "a missing column is named: %s", err.msg);
	ok(bind(m, "no|tel|at|amt|at", &err) < 0 && strstr(err.msg, "stands twice"),
	   "one that stands twice, too");
	cdp_csvmap_free(m);
}

static void types(void)
{
	static const char entity[] =
		"{\"type\":\"entity\",\"entity\":\"fund\",\"columns\":[\"id\"],"
		"\"fields\":[{\"column\":\"id\",\"to\":\"id\"}]}";
	struct cdp_err err;
	struct cdp_csvmap *m =
		map("{\"type\":\"profile\",\"columns\":[\"no\",\"name\"],"
		    "\"fields\":[{\"column\":\"no\",\"to\":\"ids.customer\"},"
		    "{\"column\":\"name\",\"to\":\"set.name\"}]}",
		    &err);

	ok(m && !cdp_csvmap_has_header(m), "a map that names the columns");
	is_str(row(m, "1|Li"),
	       "{\"time\":\"2024-04-25T00:00:00.000Z\",\"type\":\"profile\",\"ids\":{"
	       "\"customer\":"
	       "\"1\"},\"set\":{\"name\":\"Li\"}}",
	       "a row without a time has the base time");
	cdp_csvmap_free(m);
	m = map("{\"type\":\"detail\",\"detail\":\"holding\",\"columns\":[\"no\",\"h\","
		"\"q\",\"d\"],"
		"\"fields\":[{\"column\":\"no\",\"to\":\"ids.customer\"},{\"column\":"
		"\"h\",\"to\":"
		"\"row\"},{\"column\":\"q\",\"to\":\"props.share\",\"type\":\"decimal\"},"
		"{\"column\":\"d\",\"to\":\"deleted\",\"type\":\"bool\"}]}",
		&err);
	is_str(row(m, "1|H1|2.50|0"),
	       "{\"time\":\"2024-04-25T00:00:00.000Z\",\"type\":\"detail\",\"ids\":{"
	       "\"customer\":"
	       "\"1\"},\"detail\":\"holding\",\"row\":\"H1\",\"deleted\":false,\"props\":"
	       "{\"share\":"
	       "2.50}}",
	       "a detail row");
	cdp_csvmap_free(m);
	m = cdp_csvmap_parse(entity, sizeof(entity) - 1, "m", shanghai, CDP_NO_TIME,
			     &err);
	is_str(m ? row(m, "F1") : err.msg,
	       "{\"type\":\"entity\",\"entity\":\"fund\",\"id\":\"F1\"}",
	       "an entity needs no time");
	cdp_csvmap_free(m);
}

static void updates(void)
{
	struct cdp_err err;
	struct cdp_csvmap *m = map(
		"{\"type\":\"profile\",\"fields\":["
		"{\"column\":\"no\",\"to\":\"ids.customer\"},"
		"{\"column\":\"nick\",\"to\":\"set.nick\",\"empty\":\"unset\"},"
		"{\"column\":\"born\",\"to\":\"set_once.born\",\"type\":\"date\"},"
		"{\"column\":\"visits\",\"to\":\"increment.visits\",\"type\":\"int\"},"
		"{\"column\":\"funds\",\"to\":\"append.funds\",\"split\":\"; \"},"
		"{\"column\":\"seen\",\"to\":\"append.seen\"},"
		"{\"column\":\"nums\",\"to\":\"set.nums\",\"split\":\";\",\"type\":"
		"\"int\"},"
		"{\"column\":\"left\",\"to\":\"unset.branch\",\"type\":\"bool\"}]}",
		&err);

	is_int(m ? bind(m, "no|nick|born|visits|funds|seen|nums|left", &err) : -1, 0,
	       "a map of all kinds of updates");
	is_str(row(m, "1|Li|1988-02-29|2|F1; F2; |a;b|1; 02|y"),
	       "{\"time\":\"2024-04-25T00:00:00.000Z\",\"type\":\"profile\",\"ids\":{"
	       "\"customer\":\"1\"},\"set\":{\"nick\":\"Li\",\"nums\":[1,2]},"
	       "\"set_once\":{\"born\":\"1988-02-29\"},\"increment\":{\"visits\":2},"
	       "\"append\":{\"funds\":[\"F1\",\"F2\"],\"seen\":[\"a;b\"]},"
	       "\"unset\":{\"branch\":true}}",
	       "lists are split where the map says so, a single value is a list of one");
	is_str(row(m, "1||||||| 0 "),
	       "{\"time\":\"2024-04-25T00:00:00.000Z\",\"type\":\"profile\",\"ids\":{"
	       "\"customer\":\"1\"},\"unset\":{\"nick\":true}}",
	       "an empty cell unsets if the map says so, a false one does not");
	is_str(row(m, "1|a||||||maybe"),
	       "unset.branch: column 'left': 'maybe' is not a bool",
	       "a cell of the wrong type is refused there, too");
	is_str(row(m, "1|a|||||1;x|"), "set.nums: column 'nums': 'x' is not an int",
	       "and in a list");
	is_int(cdp_csvmap_set_columns(m, "visits,left,no,nick,born,funds,seen,nums",
				      &err),
	       0, "columns can be named from outside");
	ok(!cdp_csvmap_has_header(m), "then there is no header");
	is_str(row(m, "3|n|1|a||||"),
	       "{\"time\":\"2024-04-25T00:00:00.000Z\",\"type\":\"profile\",\"ids\":{"
	       "\"customer\":\"1\"},\"set\":{\"nick\":\"a\"},\"increment\":{\"visits\":3}"
	       "}",
	       "and are read in that order");
	ok(cdp_csvmap_set_columns(m, "no,nik", &err) < 0 &&
		   strstr(err.msg, "did you mean 'nik'"),
	   "one that is missing there is named: %s", err.msg);
	ok(bind(m, "n", &err) < 0, "as it is in a header");
	ok(cdp_csvmap_bind(m, &(struct cdp_csv_field){ "n\0o", 3 }, 1, &err) < 0 &&
		   strstr(err.msg, "UTF-16"),
	   "a header with NUL bytes is told to be UTF-16");
	cdp_csvmap_free(m);
}

static void refused(const char *text, const char *want)
{
	struct cdp_err err;
	struct cdp_csvmap *m = map(text, &err);

	is_str(m ? "accepted" : err.msg, want, "a wrong map is refused: %s", want);
	cdp_csvmap_free(m);
}

#define ONE(field) "{\"fields\":[" field "]}"

static void wrong(void)
{
	struct cdp_err err;

	refused("[]", "m.json: expected an object");
	refused("{}", "m.json: fields: missing");
	refused("{\"fields\":[],\"feilds\":1}",
		"m.json: unknown member 'feilds'; did you mean 'fields'?");
	refused("{\"fields\":[],\"type\":\"x\"}", "m.json: type: unknown type 'x'");
	refused("{\"fields\":[],\"rest\":\"time\"}",
		"m.json: rest: 'time' takes no members");
	refused("{\"fields\":[],\"delimiter\":\"||\"}",
		"m.json: delimiter: expected one byte");
	refused("{\"fields\":[],\"columns\":[1]}",
		"m.json: columns[0]: expected a string");
	refused(ONE("{\"column\":\"a\"}"), "m.json: fields[0].to: missing");
	refused(ONE("{\"to\":\"ids.a\"}"), "m.json: fields[0].column: missing");
	refused(ONE("{\"column\":\"a\",\"to\":\"ids\"}"),
		"m.json: fields[0].to: 'ids' needs a member, as in 'ids.name'");
	refused(ONE("{\"column\":\"a\",\"to\":\"time.x\"}"),
		"m.json: fields[0].to: 'time.x' has no members");
	refused(ONE("{\"column\":\"a\",\"to\":\"foo\"}"),
		"m.json: fields[0].to: no member 'foo'");
	refused(ONE("{\"column\":\"a\",\"to\":\"time\",\"type\":\"x\"}"),
		"m.json: fields[0].type: unknown type 'x'");
	refused(ONE("{\"column\":\"a\",\"to\":\"props.a\",\"format\":\"%Y\"}"),
		"m.json: fields[0].format: only times and dates have one");
	refused(ONE("{\"column\":\"a\",\"to\":\"time\",\"format\":\"%H:%M\"}"),
		"m.json: fields[0].format: '%H:%M' has no whole date");
	refused(ONE("{\"column\":\"a\",\"to\":\"ids.a\",\"split\":\";\"}"),
		"m.json: fields[0].split: 'ids' takes no list");
	refused(ONE("{\"column\":\"a\",\"to\":\"append.a\",\"split\":\"\"}"),
		"m.json: fields[0].split: empty");
	refused(ONE("{\"column\":\"a\",\"to\":\"props.a\",\"empty\":\"unset\"}"),
		"m.json: fields[0].empty: only what is set can be unset");
	refused(ONE("{\"column\":\"a\",\"to\":\"set.a\",\"empty\":\"drop\"}"),
		"m.json: fields[0].empty: expected 'leave' or 'unset', not 'drop'");
	refused(ONE("{\"to\":\"props.a\",\"value\":1.5}"),
		"m.json: fields[0].value: a number with a fraction is not exact here; "
		"use a "
		"string");
	ok(!cdp_csvmap_parse("{\"fields\":[]}", 13, "m", shanghai, CDP_NO_TIME, &err) &&
		   strstr(err.msg, "--as-of"),
	   "a map without a time asks for a base time: %s", err.msg);
}

int main(void)
{
	struct cdp_err err;

	shanghai = cdp_zone_load("Asia/Shanghai", &err);
	cdp_buf_init(&out, CDP_BUF_NOMAX);
	rows();
	types();
	updates();
	wrong();
	cdp_buf_release(&out);
	cdp_zone_free(shanghai);
	return tap_done();
}
