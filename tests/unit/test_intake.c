/* What is done to records between reader and output. */
#include "base/zone.h"
#include "io/out.h"
#include "model/intake.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct cdp_run run;
static struct cdp_intake_conf *conf;
static struct cdp_intake *intake;
static struct cdp_buf out;
static struct cdp_err err;

static void open_with(struct cdp_intake_opts opts)
{
	opts.run = &run;
	if (cdp_intake_conf_new(&conf, &opts, &err) < 0)
		ok(false, "configuration: %s", err.msg);
	intake = cdp_intake_new(conf);
}

static void close_all(void)
{
	cdp_intake_merge(intake);
	cdp_intake_conf_free(conf);
}

static struct cdp_span span_of(const char *line, const char *key, bool whole)
{
	const char *p = strstr(line, key), *end;

	if (!p)
		return (struct cdp_span){ 0 };
	end = strchr(p + strlen(key) + 1, '"') + 1;
	p += whole ? 0 : strlen(key);
	return (struct cdp_span){ (size_t)(p - line), (size_t)(end - p) };
}

/* The line as its reader would give it, at an odd place of a block. */
static const char *take(const char *line)
{
	struct cdp_canon info = {
		.ms = cdp_time_canon_ms(strstr(line, "\"time\":\"") + 8, CDP_TIME_CANON),
		.event_id = span_of(line, "\"event_id\":", false),
		.source = span_of(line, "\"source\":", false),
		.sent = span_of(line, ",\"sent\":", true),
		.received = span_of(line, ",\"received\":", true),
	};
	size_t at = 3;

	cdp_buf_reset(&out);
	cdp_buf_adds(&out, "..\n");
	cdp_buf_adds(&out, line);
	if (cdp_intake_record(intake, &out, at, &info, &err) < 0)
		return err.msg;
	return cdp_buf_str(&out) + at;
}

#define TIME(t) "{\"time\":\"2024-04-25T" t ".000Z\",\"event\":\"a\",\"ids\":{"
#define SENT(s, r)                                                                       \
	",\"sent\":\"2024-04-25T" s ".000Z\",\"received\":\"2024-04-25T" r ".000Z\""
#define WAS(t) ",\"time_original\":\"2024-04-25T" t ".000Z\"}"

static void skew(void)
{
#define PHONE "\"device\":\"d\",\"customer\":\"C1\"},\"props\":{\"$session_id\":7}"
	open_with((struct cdp_intake_opts){ .skew_ms = 300000, .base_ms = CDP_NO_TIME });
	ok(cdp_intake_conf_is_ordered(conf), "shifts depend on the order of records");
	is_str(take(TIME("08:00:00") PHONE SENT("08:01:00", "07:51:00") "}"),
	       TIME("07:50:00") PHONE SENT("08:01:00", "07:51:00") WAS("08:00:00"),
	       "a clock ten minutes fast is set back, and its time kept");
	is_str(take(TIME("08:00:02") PHONE SENT("08:01:00", "07:51:40") "}"),
	       TIME("07:50:02") PHONE SENT("08:01:00", "07:51:40") WAS("08:00:02"),
	       "by the same shift within the session, so that order stays");
	is_str(take(TIME("08:00:03") PHONE "}"), TIME("07:50:03") PHONE WAS("08:00:03"),
	       "also where a record does not say when it was sent");
	is_str(take(TIME("07:50:00") PHONE SENT("08:01:00", "07:51:00") WAS("08:00:00")),
	       TIME("07:50:00") PHONE SENT("08:01:00", "07:51:00") WAS("08:00:00"),
	       "a record that was corrected before stays");
#undef PHONE
#define OTHER "\"customer\":\"C1\",\"cookie\":\"k\"}"
	is_str(take(TIME("08:00:00") OTHER SENT("08:01:00", "08:06:00") "}"),
	       TIME("08:00:00") OTHER SENT("08:01:00", "08:06:00") "}",
	       "another device is off by no more than the threshold");
#undef OTHER
	cdp_intake_merge(intake);
	is_int((int64_t)cdp_intake_conf_counts(conf)->shifted, 3,
	       "the shifted records are counted");
	cdp_intake_conf_free(conf);
}

static void future(void)
{
#define WHO "\"a\":\"1\"}"
#define AHEAD TIME("09:00:01") WHO SENT("09:00:01", "08:00:00")
	open_with((struct cdp_intake_opts){ .base_ms = CDP_NO_TIME });
	is_str(take(AHEAD "}"), "future-time: more than an hour after it was received",
	       "what lies ahead is refused");
	is_str(err.path, "time", "for its time");
	is_str(take(TIME("09:00:00") WHO SENT("09:00:01", "08:00:00") "}"),
	       TIME("09:00:00") WHO SENT("09:00:01", "08:00:00") "}",
	       "but not for an hour exactly");
	close_all();
	open_with((struct cdp_intake_opts){ .future = CDP_FUTURE_CLAMP,
					    .base_ms = CDP_NO_TIME });
	is_str(take(AHEAD "}"),
	       TIME("08:00:00") WHO SENT("09:00:01", "08:00:00") WAS("09:00:01"),
	       "or gets the time when it was received");
	close_all();
	/* 2024-04-25T07:00:00Z */
	open_with((struct cdp_intake_opts){ .future = CDP_FUTURE_CLAMP,
					    .base_ms = 1714028400000 });
	is_str(take(TIME("08:00:01") WHO "}"), TIME("07:00:00") WHO WAS("08:00:01"),
	       "or the base time, if nobody says when that was");
	close_all();
	open_with((struct cdp_intake_opts){
		.skew_ms = 300000, .future = CDP_FUTURE_REJECT, .base_ms = CDP_NO_TIME });
	is_str(take(AHEAD "}"),
	       TIME("08:00:00") WHO SENT("09:00:01", "08:00:00") WAS("09:00:01"),
	       "a corrected clock is not ahead any more");
	close_all();
	open_with((struct cdp_intake_opts){
		.future = CDP_FUTURE_KEEP, .late_ms = 3600000, .base_ms = CDP_NO_TIME });
	is_str(take(AHEAD "}"), AHEAD "}", "or it is kept as it is");
	take(TIME("07:00:00") WHO SENT("07:00:00", "08:00:00") "}");
	take(TIME("06:59:59") WHO SENT("06:59:59", "08:00:00") "}");
	cdp_intake_merge(intake);
	is_int((int64_t)cdp_intake_conf_counts(conf)->future, 1,
	       "and counted in any case");
	is_int((int64_t)cdp_intake_conf_counts(conf)->late, 1,
	       "records past the horizon are counted as late");
	cdp_intake_conf_free(conf);
#undef AHEAD
#undef WHO
}

/* The configuration with these rules; NULL, or what is wrong with them after the name of
 * their file. */
static const char *open_rules(const char *text)
{
	char path[] = "/tmp/test_intake.XXXXXX";
	struct cdp_intake_opts opts = { .run = &run,
					.virtual_file = path,
					.base_ms = CDP_NO_TIME };
	int rc;

	close(mkstemp(path));
	rc = cdp_file_replace(path, text, strlen(text), &err);
	if (rc == 0)
		rc = cdp_intake_conf_new(&conf, &opts, &err);
	unlink(path);
	if (rc < 0)
		return err.msg + strlen(path) + 2;
	intake = cdp_intake_new(conf);
	return NULL;
}

/* The next record that was made of the last, or "". */
static const char *more(void)
{
	struct cdp_canon info = { 0 };
	size_t at = out.n;

	if (!cdp_intake_more(intake, &out, &info))
		return "";
	ok(info.event_id.n > 2 && out.p[at + info.event_id.at] == '"' &&
		   out.p[at + info.event_id.at + info.event_id.n - 1] == '"',
	   "its event_id is where it is said to be");
	return cdp_buf_str(&out) + at;
}

static void virtual_events(void)
{
#define CLICK(name, props) TIME2 name "\",\"ids\":{\"a\":\"1\"},\"props\":{" props "}"
#define TIME2 "{\"time\":\"2024-04-25T08:00:00.000Z\",\"event\":\""
#define OF2(name, id) ",\"virtual\":\"" name "\"" ID(id) "}"
#define ID(id) ",\"event_id\":\"" id "\""
#define OF(name) ",\"virtual\":\"" name "\"}"
	const char *bad = open_rules(
		"{\"virtual\":["
		"{\"name\":\"buy\",\"when\":\"event == '$AppClick' && props.el == 'b'\","
		"\"set\":{\"what\":\"props.t\",\"x\":\"1 + 1\"}},"
		"{\"name\":\"any\",\"when\":\"props.el == 'b'\"},"
		"{\"name\":\"ren\\\"1\",\"as\":\"rename\",\"when\":\"props.el in ['r', "
		"'b2']\"},"
		"{\"name\":\"ren2\",\"as\":\"rename\",\"when\":\"props.el == 'r'\"}]}");
	ok(!bad, "rules are read: %s", bad ? bad : "fine");
	if (bad)
		return;
	is_str(take(CLICK("$AppClick", "\"el\":\"b\",\"t\":\"T\"") ID("i") "}"),
	       CLICK("$AppClick", "\"el\":\"b\",\"t\":\"T\"") ID("i") "}",
	       "an event that others are made of stays");
	is_str(more(),
	       CLICK("buy", "\"el\":\"b\",\"t\":\"T\",\"what\":\"T\",\"x\":2") ID("i/buy")
		       OF("$AppClick"),
	       "what is made of it has its properties, others, and an id of its own");
	is_str(more(),
	       CLICK("any", "\"el\":\"b\",\"t\":\"T\"") ID("i/any") OF("$AppClick"),
	       "each rule that holds makes one, in their order");
	is_str(more(), "", "and no more");
	take(CLICK("$AppClick", "\"el\":\"b\"") ID("i") "}");
	is_str(more(), CLICK("buy", "\"el\":\"b\",\"x\":2") ID("i/buy") OF("$AppClick"),
	       "a value that cannot be had is left out");
	is_str(take(CLICK("v", "\"el\":\"r\"") "}"),
	       CLICK("ren\\\"1", "\"el\":\"r\"") OF("v"),
	       "the first rule that renames gives the name");
	is_str(more(), "", "and adds none");
	is_str(take(CLICK("v", "\"el\":\"r\"") OF("w")),
	       CLICK("v", "\"el\":\"r\"") OF("w"), "of what was made nothing is made");
	take(CLICK("z", "\"el\":\"b\"") "}");
	is_str(more(), CLICK("any", "\"el\":\"b\"") OF2("z", "4f59a6795c4692be/any"),
	       "without an event_id its content gives one, the same for ever");
	take(CLICK("z", "\"el\":1") "}");
	cdp_intake_merge(intake);
	is_int((int64_t)cdp_intake_conf_counts(conf)->made.added, 5, "added ones count");
	is_int((int64_t)cdp_intake_conf_counts(conf)->made.renamed, 1,
	       "so do renamed ones");
	is_int((int64_t)cdp_intake_conf_counts(conf)->made.errors, 1,
	       "and rules that ended in an error");
	cdp_intake_conf_free(conf);
	is_str(open_rules("{\"virtual\":[{\"name\":\"b\",\"when\":\"prop.x == 1\"}]}"),
	       "b: when: 1:1: unknown name 'prop'; did you mean 'props'?",
	       "errors in rules point");
	is_str(open_rules("{\"virtual\":[{\"name\":\"\",\"when\":\"true\"}]}"),
	       "virtual[0].name: event is empty", "a name is one of an event");
	is_str(open_rules("{\"virtual\":[{\"name\":\"b\",\"when\":\"true\",\"as\":\"a\"}"
			  "]}"),
	       "b: as: expected 'add' or 'rename', not 'a'", "there are two ways");
}

int main(void)
{
	run.zone = cdp_zone_load("Asia/Shanghai", &err);
	cdp_buf_init(&out, CDP_BUF_NOMAX);
	skew();
	future();
	virtual_events();
	cdp_buf_release(&out);
	cdp_zone_free((struct cdp_zone *)run.zone);
	return tap_done();
}
