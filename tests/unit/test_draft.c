/* Records put together from pieces. */
#include "base/zone.h"
#include "format/draft.h"
#include "record/json.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static struct cdp_format_opts opts = { .future_ms = CDP_NO_TIME,
				       .received = CDP_NO_TIME,
				       .login_kind = "customer" };
static struct cdp_draft d;
static struct cdp_buf out;
static struct cdp_canon info;
static struct cdp_err err;

static struct cdp_val json(const char *text)
{
	struct cdp_val v;

	cdp_val_at(&v, text, strlen(text));
	return v;
}

static void begin(enum cdp_draft_kind kind)
{
	cdp_draft_reset(&d, kind);
	d.ms = 1713999586123;
	cdp_draft_event(&d, "buy", 3);
	cdp_ids_put(&d.ids, "customer", 8, "C1", 2, &err);
}

/* The record, or "path: message". */
static const char *written(void)
{
	cdp_buf_reset(&out);
	if (cdp_draft_write(&d, &opts, &out, &info, &err) < 0) {
		if (out.n)
			cdp_buf_adds(&out, "LEFT OVER ");
		cdp_buf_addf(&out, "%s: %s", err.path, err.msg);
	}
	return cdp_buf_str(&out);
}

#define TIME "{\"time\":\"2024-04-24T22:59:46.123Z\","

static void test_event(void)
{
	struct cdp_val o = json("{ \"a\" : [1, 2], \"b\":null,\"c\":\"\\u00e9\" }"),
		       number = json("7"), lib = json("\"JS\""),
		       version = json("\"1.2\"");
	static const char *const without[] = { "b", NULL };

	begin(CDP_DRAFT_EVENT);
	cdp_draft_all(&d, CDP_PART_PROPS, &o, without);
	cdp_draft_lib(&d, &opts, "x", &lib, &version);
	cdp_draft_member(&d, "project", &number);
	cdp_draft_text(&d, &d.event_id, &number, "id", &err);
	d.sent = 1713999587000;
	d.received = 1713999588000;
	is_str(written(),
	       TIME
	       "\"event\":\"buy\",\"ids\":{\"customer\":\"C1\"},\"props\":{\"a\":[1,2],"
	       "\"c\":\"\\u00e9\",\"$lib\":\"JS\",\"$lib_version\":\"1.2\"},"
	       "\"event_id\":\"7\",\"source\":\"x/js\",\"project\":\"7\","
	       "\"sent\":\"2024-04-24T22:59:47.000Z\","
	       "\"received\":\"2024-04-24T22:59:48.000Z\"}",
	       "an event has its members in order, values as they came");
	ok(info.event_id.n == 3 && memcmp(out.p + info.event_id.at, "\"7\"", 3) == 0,
	   "it is told where its id stands");
	ok(out.p[info.sent.at] == ',' && info.sent.n == 34, "and where `sent` does");
	begin(CDP_DRAFT_EVENT);
	is_str(written(), TIME "\"event\":\"buy\",\"ids\":{\"customer\":\"C1\"}}",
	       "nothing of one record is in the next");
}

static void test_beside(void)
{
	struct cdp_val own = json("{\"title\":\"a\",\"x\":1}"),
		       other = json("{\"title\":\"b\",\"t\\u0069tle\":\"c\",\"y\":2}");

	begin(CDP_DRAFT_EVENT);
	cdp_draft_all(&d, CDP_PART_PROPS, &own, NULL);
	ok(cdp_draft_has(&d, CDP_PART_PROPS, "x", 1) &&
		   !cdp_draft_has(&d, CDP_PART_PROPS, "y", 1),
	   "a draft knows what it has");
	cdp_draft_beside(&d, CDP_PART_PROPS, &other, NULL);
	is_str(written(),
	       TIME
	       "\"event\":\"buy\",\"ids\":{\"customer\":\"C1\"},\"props\":{\"title\":"
	       "\"a\",\"x\":1,\"$title\":\"b\",\"$t\\u0069tle\":\"c\",\"y\":2}}",
	       "a name that is taken gets a mark, also one with escapes");
}

static void test_profile(void)
{
	struct cdp_val one = json("{\"n\":1}"), list = json("{\"l\":[1]}"),
		       names = json("{\"a\":0,\"b\":0}");

	begin(CDP_DRAFT_PROFILE);
	cdp_draft_all(&d, CDP_PART_UNSET, &names, NULL);
	cdp_draft_all(&d, CDP_PART_APPEND, &list, NULL);
	cdp_draft_all(&d, CDP_PART_INCREMENT, &one, NULL);
	cdp_draft_str(&d, CDP_PART_SET, "s", "\"", 1);
	is_str(written(),
	       TIME
	       "\"type\":\"profile\",\"ids\":{\"customer\":\"C1\"},\"set\":{\"s\":"
	       "\"\\\"\"}"
	       ",\"increment\":{\"n\":1},\"append\":{\"l\":[1]},\"unset\":[\"a\",\"b\"]}",
	       "an update has its parts in order");
	begin(CDP_DRAFT_PROFILE);
	is_str(written(),
	       TIME "\"type\":\"profile\",\"ids\":{\"customer\":\"C1\"},\"set\":{}}",
	       "one of nothing still says whose ids these are");
	begin(CDP_DRAFT_PROFILE);
	d.deleted = true;
	is_str(written(),
	       TIME
	       "\"type\":\"profile\",\"ids\":{\"customer\":\"C1\"},\"deleted\":true}",
	       "and one may end them");
	begin(CDP_DRAFT_PROFILE);
	cdp_draft_all(&d, CDP_PART_INCREMENT, &list, NULL);
	is_str(written(), "increment.l: not a number", "only numbers are added");
	begin(CDP_DRAFT_PROFILE);
	cdp_draft_all(&d, CDP_PART_APPEND, &one, NULL);
	is_str(written(), "append.n: not an array", "only items are appended");
}

static void test_others(void)
{
	begin(CDP_DRAFT_DETAIL);
	cdp_buf_adds(&d.name, "holding");
	is_str(written(), "row: row is missing", "a detail row has a name");
	cdp_buf_adds(&d.id, "H1");
	cdp_draft_raw(&d, CDP_PART_PROPS, "n", "1.50", 4);
	is_str(written(),
	       TIME
	       "\"type\":\"detail\",\"ids\":{\"customer\":\"C1\"},\"detail\":\"holding\","
	       "\"row\":\"H1\",\"props\":{\"n\":1.50}}",
	       "and its columns");
	begin(CDP_DRAFT_RELATION);
	cdp_buf_adds(&d.name, "member_of");
	cdp_buf_adds(&d.id, "{\"group\":\"G\"}");
	d.ms = CDP_NO_TIME;
	is_str(written(),
	       "{\"type\":\"relation\",\"ids\":{\"customer\":\"C1\"},\"relation\":"
	       "\"member_of\","
	       "\"to\":{\"group\":\"G\"}}",
	       "a relation may have no time");
	cdp_draft_reset(&d, CDP_DRAFT_ENTITY);
	cdp_buf_adds(&d.name, "fund");
	cdp_buf_adds(&d.id, "F1");
	is_str(written(), "{\"type\":\"entity\",\"entity\":\"fund\",\"id\":\"F1\"}",
	       "a thing has no ids of a person");
	begin(CDP_DRAFT_BIND);
	is_str(written(), "ids: a bind of fewer than two ids", "a bind has two ids");
}

static void test_checks(void)
{
	struct cdp_buf deep;
	struct cdp_val v;

	begin(CDP_DRAFT_EVENT);
	d.ms = CDP_NO_TIME;
	is_str(written(), "time: time is missing", "an event has a time");
	begin(CDP_DRAFT_EVENT);
	cdp_draft_event(&d, "", 0);
	is_str(written(), "event: event is empty", "a name");
	begin(CDP_DRAFT_EVENT);
	cdp_ids_reset(&d.ids);
	is_str(written(), "ids: no usable id", "and an id");
	opts.future_ms = 1713999586122;
	begin(CDP_DRAFT_EVENT);
	is_str(written(), "time: future-time: more than an hour after the base time",
	       "it is not ahead of its time");
	opts.future_ms = CDP_NO_TIME;
	v = json("1.5");
	ok(cdp_draft_id(&d, "device", NULL, &v, "dev", &err) < 0,
	   "a number with a fraction is no id: %s", err.msg);
	cdp_buf_init(&deep, CDP_BUF_NOMAX);
	for (int i = 0; i < 255; i++)
		cdp_buf_addc(&deep, '[');
	for (int i = 0; i < 255; i++)
		cdp_buf_addc(&deep, ']');
	begin(CDP_DRAFT_EVENT);
	cdp_draft_raw(&d, CDP_PART_PROPS, "x", deep.p + 1, deep.n - 2);
	ok(written()[0] == '{' && cdp_json_check(out.p, out.n, &err) == 0,
	   "a record may be as deep as a scanner goes");
	begin(CDP_DRAFT_EVENT);
	cdp_draft_raw(&d, CDP_PART_PROPS, "x", deep.p, deep.n);
	is_str(written(), ": nested deeper than 256 levels", "and not deeper");
	cdp_buf_release(&deep);
}

int main(void)
{
	cdp_draft_init(&d);
	cdp_buf_init(&out, CDP_BUF_NOMAX);
	test_event();
	test_beside();
	test_profile();
	test_others();
	test_checks();
	cdp_draft_release(&d);
	cdp_buf_release(&out);
	return tap_done();
}
