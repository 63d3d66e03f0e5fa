/* Records of the Sensors libraries.  The shapes are those that the Java, JavaScript,
 * Python, Node and mini program libraries send; the people in them are made up. */
#include "collect.h"

#include <stdio.h>

#define L "\"lib\":{\"$lib\":\"js\",\"$lib_version\":\"1.27\"}"
#define TM "\"time\":1709251200000"
#define T "\"time\":\"2024-03-01T00:00:00.000Z\""

static struct collect_test t;

static void becomes(const char *line, const char *want, const char *name)
{
	is_str(collect(&t, line), want, "%s", name);
}

static void events(void)
{
	becomes("{\"type\":\"track\"," TM
		",\"distinct_id\":\"an-1\",\"properties\":{\"amt\":"
		"100.25, \"s\":\"a b\"}," L ",\"event\":\"ViewFund\"}",
		"{" T ",\"event\":\"ViewFund\",\"ids\":{\"anonymous\":\"an-1\"},"
		"\"props\":{\"amt\":"
		"100.25,\"s\":\"a b\"},\"source\":\"sensors/js\"," L "}",
		"a bare event has an anonymous id, and no event_id without _track_id");
	becomes("{\"type\":\"track\"," TM
		",\"distinct_id\":\"C1\",\"properties\":{\"$is_login_id\":"
		"true,\"p\":1},\"event\":\"Login\"}",
		"{" T
		",\"event\":\"Login\",\"ids\":{\"customer\":\"C1\"},\"props\":{\"p\":1},"
		"\"source\":\"sensors\"}",
		"a distinct_id marked as login id is one, and the mark goes");
	becomes("{\"identities\":{\"$identity_cookie_id\":\"ck-1\",\"$identity_login_"
		"id\":\"C1\","
		"\"$identity_anonymous_id\":\"an-1\"},\"distinct_id\":\"C1\"," L
		",\"properties\":{\"$timezone_offset\":-480},\"login_id\":\"C1\","
		"\"anonymous_id\":\"an-1\",\"original_id\":\"an-1\",\"type\":\"track_"
		"signup\","
		"\"event\":\"$SignUp\"," TM ",\"_flush_time\":1709251200517}",
		"{" T
		",\"event\":\"$SignUp\",\"ids\":{\"cookie\":\"ck-1\",\"customer\":\"C1\","
		"\"anonymous\":\"an-1\"},\"props\":{\"$timezone_offset\":-480},"
		"\"source\":"
		"\"sensors/js\"," L ",\"sent\":\"2024-03-01T00:00:00.517Z\"}",
		"a sign-up binds the login id to those of the browser");
	becomes("{\"type\":\"track_signup\",\"event\":\"$SignUp\"," TM
		",\"distinct_id\":\"C9\","
		"\"original_id\":\"an-9\",\"properties\":{}}",
		"{" T ",\"event\":\"$SignUp\",\"ids\":{\"customer\":\"C9\",\"anonymous\":"
		"\"an-9\"},"
		"\"props\":{},\"source\":\"sensors\"}",
		"a sign-up of a server knows both by their places");
	becomes("{\"type\":\"track\"," TM
		",\"identities\":{\"$identity_mobile\":\"13800000000\"},"
		"\"distinct_id\":\"$identity_mobile+13800000000\",\"event\":\"Buy\","
		"\"properties\":{}}",
		"{" T
		",\"event\":\"Buy\",\"ids\":{\"phone\":\"13800000000\"},\"props\":{},"
		"\"source\":\"sensors\"}",
		"a distinct_id joined of key and value is that identity");
	becomes("{\"distinct_id\":\"oA1\",\"identities\":{\"$identity_mp_id\":\"mp-1\","
		"\"$identity_mp_wx12_openid\":\"oA1\",\"$identity_anonymous_id\":\"oA1\"}"
		","
		"\"type\":\"track\",\"event\":\"V\"," TM "}",
		"{" T ",\"event\":\"V\",\"ids\":{\"device\":\"mp-1\",\"openid\":\"oA1\","
		"\"anonymous\":\"oA1\"},\"source\":\"sensors\"}",
		"a mini program has a device and an openid");
	becomes("{\"distinct_id\":\"d1\",\"identities\":{\"$identity_android_id\":\"a1\","
		"\"$identity_android_uuid\":\"u1\",\"$identity_card\":\"77\",\"own "
		"key\":\"k\"},"
		"\"type\":\"track\",\"event\":\"V\"," TM "}",
		"{" T ",\"event\":\"V\",\"ids\":{\"device\":\"a1\",\"android_uuid\":"
		"\"u1\",\"card\":"
		"\"77\",\"own key\":\"k\",\"anonymous\":\"d1\"},\"source\":\"sensors\"}",
		"a second id of a kind goes under its own name, unknown keys are kinds");
	becomes("{\"schema\":\"events\",\"time\":1709251200000,\"type\":\"track\","
		"\"event\":\"Buy\","
		"\"version\":\"2.0\",\"properties\":{\"identities\":{\"$identity_login_"
		"id\":\"C1\"},"
		"\"distinct_id\":\"C1\",\"amt\":9}}",
		"{" T
		",\"event\":\"Buy\",\"ids\":{\"customer\":\"C1\"},\"props\":{\"amt\":9},"
		"\"source\":\"sensors\"}",
		"of schema 2.0 the ids stand among the properties");
	becomes("{\"type\":\"track\"," TM
		",\"distinct_id\":\"d\",\"event\":\"E\",\"project\":\"p0\","
		"\"properties\":{\"$project\":\"bank\",\"$token\":\"tk\",\"$time\":"
		"1709251201000}}",
		"{\"time\":\"2024-03-01T00:00:01.000Z\",\"event\":\"E\",\"ids\":{"
		"\"anonymous\":\"d\"},"
		"\"props\":{},\"source\":\"sensors\",\"project\":\"bank\",\"token\":"
		"\"tk\"}",
		"$time, $project and $token are lifted out of the properties");
	becomes("{\"type\":\"track\"," TM ",\"distinct_id\":\"d\",\"event\":\"E\","
		"\"properties\":{\"$time\":\"2024-03-01 "
		"09:00:00.5\",\"$timezone_offset\":-540}}",
		"{\"time\":\"2024-03-01T00:00:00.500Z\",\"event\":\"E\",\"ids\":{"
		"\"anonymous\":\"d\"},"
		"\"props\":{\"$timezone_offset\":-540},\"source\":\"sensors\"}",
		"a $time in text is in the zone of the client");
	becomes("{\"type\":\"track\"," TM ",\"distinct_id\":\"d\",\"event\":\"E\","
		"\"properties\":{\"$time\":\"2024-03-01 08:00:00\"}}",
		"{" T ",\"event\":\"E\",\"ids\":{\"anonymous\":\"d\"},\"props\":{},"
		"\"source\":\"sensors\"}",
		"or of the run when the client does not say");
}

static void others(void)
{
	becomes("{\"type\":\"track\"," TM
		",\"distinct_id\":\"d\",\"event\":\"E\",\"source\":\"gw\", "
		"\"time_free\" : true,\"id\":7,\"x\":{ \"y\" : [ 1 ] }}",
		"{" T
		",\"event\":\"E\",\"ids\":{\"anonymous\":\"d\"},\"source\":\"sensors\","
		"\"time_free\":true,\"x\":{\"y\":[1]},\"sensors\":{\"source\":\"gw\","
		"\"id\":7}}",
		"unknown members stay; those whose names are ours go into an object");
}

static void binds(void)
{
	becomes("{\"identities\":{\"$identity_mobile\":\"138\",\"$identity_login_id\":"
		"\"C1\"},"
		"\"distinct_id\":\"C1\",\"type\":\"track_id_bind\",\"event\":\"$"
		"BindID\"," TM ",\"properties\":{\"$is_login_id\":true}}",
		"{" T
		",\"type\":\"bind\",\"ids\":{\"phone\":\"138\",\"customer\":\"C1\"},"
		"\"props\":{},\"source\":\"sensors\"}",
		"a bind");
	becomes("{\"identities\":{\"$identity_mobile\":\"138\"},\"distinct_id\":\"C1\","
		"\"type\":\"track_id_unbind\",\"event\":\"$UnbindID\"," TM "}",
		"{" T ",\"type\":\"unbind\",\"ids\":{\"phone\":\"138\"},\"source\":"
		"\"sensors\"}",
		"an unbind parts its identity, whatever distinct_id is");
	becomes("{\"type\":\"track_id_bind\",\"distinct_id\":\"C1\"," TM "}",
		"distinct_id: a bind of fewer than two ids",
		"a bind of one id is refused");
}

static void profiles(void)
{
	const char *head =
		"\"distinct_id\":\"C1\"," TM ",\"properties\":{\"$is_login_id\":true,";
	const char *ids = T ",\"type\":\"profile\",\"ids\":{\"customer\":\"C1\"},";
	static const struct {
		const char *type, *prop, *want;
	} cases[] = {
		{ "set", "\"name\":\"L\"", "\"set\":{\"name\":\"L\"}" },
		{ "set_once", "\"first\":1", "\"set_once\":{\"first\":1}" },
		{ "increment", "\"n\":2", "\"increment\":{\"n\":2}" },
		{ "append", "\"f\":[\"x\"]", "\"append\":{\"f\":[\"x\"]}" },
		{ "unset", "\"n\":true,\"m\":true", "\"unset\":[\"n\",\"m\"]" },
		{ "delete", "\"n\":1", "\"deleted\":true" },
	};
	char line[400], want[400];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(line, sizeof(line), "{\"type\":\"profile_%s\",%s%s}}",
			 cases[i].type, head, cases[i].prop);
		snprintf(want, sizeof(want), "{%s%s,\"source\":\"sensors\"}", ids,
			 cases[i].want);
		is_str(collect(&t, line), want, "profile_%s becomes an update",
		       cases[i].type);
	}
	becomes("{\"type\":\"profile_increment\",\"distinct_id\":\"d\"," TM
		",\"properties\":{\"n\":\"2\"}}",
		"properties.n: not a number", "text cannot be added");
	becomes("{\"type\":\"profile_append\",\"distinct_id\":\"d\"," TM
		",\"properties\":{\"n\":\"2\"}}",
		"properties.n: not an array", "only arrays can be appended");
	becomes("{\"type\":\"profile_set\",\"distinct_id\":\"d\"," TM "}",
		"properties: properties is missing", "an update needs properties");
}

static void tables(void)
{
	becomes("{\"type\":\"item_set\"," TM ",\"item_type\":\"fund\",\"item_id\":\"F1\","
		"\"properties\":{\"name\":\"x\"}}",
		"{" T ",\"type\":\"entity\",\"entity\":\"fund\",\"id\":\"F1\",\"props\":{"
		"\"name\":"
		"\"x\"},\"source\":\"sensors\"}",
		"an item is an entity");
	becomes("{\"type\":\"item_delete\"," TM
		",\"item_type\":\"fund\",\"item_id\":\"F1\","
		"\"properties\":{}}",
		"{" T
		",\"type\":\"entity\",\"entity\":\"fund\",\"id\":\"F1\",\"deleted\":true,"
		"\"source\":\"sensors\"}",
		"a deleted one, too");
	becomes("{\"schema\":\"product\"," TM
		",\"id\":\"F1\",\"type\":\"item_set\",\"version\":"
		"\"2.0\",\"properties\":{\"name\":\"x\"}}",
		"{" T ",\"type\":\"entity\",\"entity\":\"product\",\"id\":\"F1\","
		"\"props\":{\"name\":"
		"\"x\"},\"source\":\"sensors\"}",
		"an item of schema 2.0");
	becomes("{\"schema\":\"holding\"," TM
		",\"id\":\"H1\",\"type\":\"detail_set\",\"version\":"
		"\"2.0\",\"properties\":{\"nav\":1.02,\"identities\":{\"$identity_login_"
		"id\":"
		"\"C1\"},\"distinct_id\":\"C1\"}}",
		"{" T ",\"type\":\"detail\",\"ids\":{\"customer\":\"C1\"},\"detail\":"
		"\"holding\","
		"\"row\":\"H1\",\"props\":{\"nav\":1.02},\"source\":\"sensors\"}",
		"a detail row of schema 2.0");
	becomes("{\"type\":\"item_set\"," TM ",\"item_type\":\"fund\"}",
		"item_id: item_id is missing", "an item has an id");
}

/* A record by the five values that its identity may depend on. */
static const char *tracked(const char *const v[4], const char *sent)
{
	static char line[300];

	snprintf(
		line, sizeof(line),
		"{\"type\":\"track\",\"event\":\"%s\",\"time\":%s,\"distinct_id\":\"%s\","
		"\"_track_id\":%s,\"_flush_time\":%s}",
		v[0], v[1], v[2], v[3], sent);
	return line;
}

static void event_ids(void)
{
	static const char *const same[] = { "E", "1709251200000", "d", "-5" };
	char first[400];

	snprintf(first, sizeof(first), "%s", collect(&t, tracked(same, "1709251200001")));
	ok(strstr(first, "\"event_id\":\"3a6d3d6091720d10a09a934985c25aca\""),
	   "an event_id is the same on every machine: %s", first);
	ok(strncmp(first, collect(&t, tracked(same, "1709251299999")),
		   strlen(first) - 35) == 0,
	   "it does not depend on when the record was sent");
	ok(t.info.sent.n == 34 &&
		   strncmp(t.out.p + t.info.sent.at, ",\"sent\":\"2024-", 14) == 0,
	   "the member that tells deliveries apart is known");
	for (int i = 0; i < 4; i++) {
		const char *v[4] = { same[0], same[1], same[2], same[3] };
		static const char *const other[] = { "F", "1709251200001", "e", "5" };
		struct cdp_span s;
		char id[40];

		v[i] = other[i];
		collect(&t, tracked(v, "1709251200001"));
		s = t.info.event_id;
		snprintf(id, sizeof(id), "%.*s", (int)s.n, t.out.p + s.at);
		ok(s.n == 34 && !strstr(first, id), "it depends on %s",
		   (const char *[]){ "the name", "the time", "the person",
				     "the number" }[i]);
	}
}

static void wrong(void)
{
	becomes("{\"type\":\"track\"," TM ",\"event\":\"E\",\"distinct_id\":\"\\ud800\"}",
		"distinct_id: half a surrogate pair", "an id is text");
	becomes("{\"type\":\"track\",\"event\":\"E\",\"distinct_id\":\"d\"}",
		"time: time is missing", "an event has a time");
	becomes("{\"type\":\"track\"," TM ",\"distinct_id\":\"d\"}",
		"event: event is missing", "and a name");
	becomes("{\"type\":\"track\"," TM ",\"event\":\"E\",\"distinct_id\":\"\"}",
		"distinct_id: no usable id", "and a person");
	becomes("{\"type\":\"track\"," TM ",\"event\":\"E\",\"distinct_id\":[]}",
		"distinct_id: not a string or a whole number", "which is a string");
	becomes("{\"type\":\"track\"," TM
		",\"event\":\"E\",\"distinct_id\":\"d\",\"properties\":1}",
		"properties: not an object", "properties are an object");
	becomes("{\"type\":\"track\"," TM ",\"event\":\"E\",\"identities\":\"d\"}",
		"identities: not an object", "identities, too");
	becomes("{\"type\":\"trick\"}", "type: unknown type 'trick'",
		"an unknown type is refused");
	becomes("{\"event\":\"E\"}", "type: type is missing", "a type there must be");
	t.opts.login_kind = "login";
	t.opts.distinct_kind = "device";
	becomes("{\"type\":\"track\"," TM
		",\"event\":\"E\",\"distinct_id\":\"d\",\"login_id\":\"C\"}",
		"{" T ",\"event\":\"E\",\"ids\":{\"login\":\"C\",\"device\":\"d\"},"
		"\"source\":\"sensors\"}",
		"the kinds of login and distinct ids can be chosen");
	t.opts.login_kind = "customer";
	t.opts.distinct_kind = "anonymous";
}

static uint64_t rng = 88172645463325252ULL;

static unsigned rnd(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned)((rng >> 8) % n);
}

static const char *const values[] = {
	"\"an-1\"",
	"\"C1\"",
	"\"C2\"",
	"\"C1\"",
	"\"an-1\"",
	"\"\xe5\x8f\xb7\"",
	"\"a\x7f\"",
	"\"\"",
	"null",
	"123456789012345678",
	"1.5",
	"\"1.1E+17\"",
	"\"5E1\"",
	"\"x\\u0041\"",
	"\"\\ud800\"",
	"\"$identity_email+a@b\"",
	"\"cookie+an-1\"",
	"\"+\"",
	"\"x+\"",
	"true",
	"{}",
};

static const char *value(void)
{
	return values[rnd(3) ? rnd(7) : rnd(sizeof(values) / sizeof(*values))];
}

static size_t add_identities(char *to, size_t room)
{
	static const char *const keys[] = {
		"$identity_cookie_id",
		"$identity_login_id",
		"$identity_anonymous_id",
		"$identity_idfv",
		"$identity_ios_id",
		"$identity_mp_x_openid",
		"$identity_x_unionid",
		"$identity_x",
		"openid",
		"cookie",
		"$identity_",
		"",
		"login_id",
		"distinct_id",
		"anonymous_id",
		"k\\u0041",
		"$identity_distinct_id",
		"customer",
	};
	size_t n = (size_t)snprintf(to, room, ",\"identities\":{");

	for (unsigned k = rnd(6), i = 0; i < k; i++)
		n += (size_t)snprintf(
			to + n, room - n, "%s\"%s\":%s", i ? "," : "",
			keys[rnd(4) ? rnd(9) : rnd(sizeof(keys) / sizeof(*keys))],
			value());
	return n + (size_t)snprintf(to + n, room - n, "}");
}

/* Ids of a record without white space are mostly only pointed at; they must become what
 * they become with a blank. */
static void ids_by_two_ways(void)
{
	static const char *const types[] = { "track",       "track", "track_signup",
					     "profile_set", "track", "track_id_bind" };
	static const char *const members[] = { "distinct_id", "login_id", "anonymous_id",
					       "original_id" };
	static const char *const kinds[] = { "customer", "anonymous", "k\"", "cookie" };
	unsigned differ = 0, good = 0;
	char line[1200], spaced[1300];

	for (unsigned i = 0; i < 20000; i++) {
		char ids[1000] = "";
		size_t n = 0;

		if (i % 500 == 0) {
			t.opts.login_kind = kinds[i / 500 % 4];
			t.opts.distinct_kind = kinds[i / 2000 % 4];
		}
		for (unsigned m = 0; m < 4; m++)
			if (rnd(2))
				n += (size_t)snprintf(ids + n, sizeof(ids) - n,
						      ",\"%s\":%s", members[m], value());
		if (rnd(4))
			n += add_identities(ids + n, sizeof(ids) - n);
		snprintf(line, sizeof(line),
			 "{\"type\":\"%s\",\"event\":\"E\"%s," TM ",\"properties\":{%s}}",
			 types[rnd(6)], ids,
			 rnd(8)   ? "\"a\":1"
			 : rnd(2) ? "\"$is_login_id\":true"
				  : "\"identities\":{\"$identity_email\":\"a@b\"}");
		snprintf(spaced, sizeof(spaced), "{ %s", line + 1);
		char *want = strdup(collect(&t, spaced));
		differ += strcmp(collect(&t, line), want) != 0;
		good += *want == '{';
		free(want);
	}
	is_int(differ, 0, "ids are the same with and without white space");
	ok(good > 4000 && good < 19000, "some of them are good, some are not");
	t.opts.login_kind = "customer";
	t.opts.distinct_kind = "anonymous";
}

int main(void)
{
	collect_start(&t, CDP_FORMAT_SENSORS);
	events();
	others();
	binds();
	profiles();
	tables();
	event_ids();
	wrong();
	ids_by_two_ways();
	collect_end(&t);
	return tap_done();
}
