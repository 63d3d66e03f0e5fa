/* What is done to records between reader and output. */
#include "base/zone.h"
#include "model/intake.h"
#include "tap.h"

#include <string.h>

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

int main(void)
{
	run.zone = cdp_zone_load("Asia/Shanghai", &err);
	cdp_buf_init(&out, CDP_BUF_NOMAX);
	skew();
	future();
	cdp_buf_release(&out);
	cdp_zone_free((struct cdp_zone *)run.zone);
	return tap_done();
}
