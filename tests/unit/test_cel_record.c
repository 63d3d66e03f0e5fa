/* Expressions over records: members, their types, what is missing, what is refused. */
#include "cel.h"
#include "tap.h"

#include <string.h>
#include <time.h>

#define T "{\"type\":\"bool\",\"value\":true}"
#define F "{\"type\":\"bool\",\"value\":false}"
#define I(v) "{\"type\":\"int\",\"value\":" #v "}"
#define R(v) "{\"type\":\"double\",\"value\":" #v "}"
#define S(text) "{\"type\":\"string\",\"value\":\"" text "\"}"

static const char event[] =
	"{\"one_id\":\"5e1c0d9a3b7f2c44\",\"time\":\"2024-04-25T06:59:46.123Z\","
	"\"event\":\"buy_fund\",\"ids\":{\"customer\":\"C0001\"},"
	"\"props\":{\"amount\":5000.00,\"n\":3,\"big\":9223372036854775808,"
	"\"huge\":1e999,\"name\":\"\\u94f6\\u884c\",\"plain\":\"bank\","
	"\"nul\":null,\"yes\":true,\"list\":[1,2.5,\"x\",[4],{\"k\":[7]}],"
	"\"obj\":{\"a\":1,\"b\":{\"c\":\"deep\"},\"a\":2,\"x\\u0079\":9},\"a b\":1,"
	"\"cents\":0.10,\"neg\":-1.50,\"exp\":1.5e3,\"long\":1000000000000001,"
	"\"\xe9\x87\x91\xe9\xa2\x9d\":8,\"$lib\":\"js\",\"day\":\"2024-05-01\"},"
	"\"sent\":null,\"received\":\"yesterday\",\"list\":5}";

static const struct cel_case members[] = {
	{ "event", S("buy_fund") },
	{ "event == 'buy_fund'", T },
	{ "'buy_fund' == event", T },
	{ "event != 'buy_fund'", F },
	{ "event == 5", F },
	{ "time", "{\"type\":\"timestamp\",\"value\":\"2024-04-25T06:59:46.123Z\"}" },
	{ "props.amount", R(5000) },
	{ "props.n", I(3) },
	{ "props.big", R(9223372036854776000) },
	{ "props.huge", R("Infinity") },
	{ "props.name", S("\xe9\x93\xb6\xe8\xa1\x8c") },
	{ "props.name == '\xe9\x93\xb6\xe8\xa1\x8c'", T },
	{ "props.name.size()", I(2) },
	{ "props.nul", "{\"type\":\"null\",\"value\":null}" },
	{ "props.yes && props.plain == 'bank'", T },
	{ "props['a b'] + props[\"n\"]", I(4) },
	{ "props.`a b`", I(1) },
	{ "props.\xe9\x87\x91\xe9\xa2\x9d", I(8) },
	{ "props.$lib", S("js") },
	{ "props.obj.b.c", S("deep") },
	{ "props['o' + 'bj'].b['c']", S("deep") },
	{ "props.obj.a", I(2) },
	{ "props['o' + 'bj'].a", I(2) },
	{ "size(props['o' + 'bj'])", I(3) },
	{ "props.obj == {'a': 2, 'b': {'c': 'deep'}, 'xy': 9}", T },
	{ "props.obj.map(k, k) == ['a', 'b', 'xy']", T },
	{ "props.list[1]", R(2.5) },
	{ "props.list[4].k[0]", I(7) },
	{ "size(props.list)", I(5) },
	{ "props.list.exists(x, x == 'x')", T },
	{ "'x' in props.list && 2.5 in props.list", T },
	{ "props.list.filter(x, type(x) == int)",
	  "{\"type\":\"list\",\"value\":[{\"type\":\"int\",\"value\":1}]}" },
	{ "'amount' in props", T },
	{ "props.n.x", "error: no such member 'props.n.x'" },
	{ "ids.customer.startsWith('C')", T },
	{ "as_of", "{\"type\":\"timestamp\",\"value\":\"2024-04-30T16:00:00Z\"}" },
	{ "event in ['a', 'buy_fund']", T },
	{ "event in ['a', 'b']", F },
	{ "props.n in [1, 2, 3.0]", T },
};

static const struct cel_case missing[] = {
	{ "props.none", "error: no such member 'props.none'" },
	{ "props.none == 'x'", "error: no such member 'props.none'" },
	{ "props.none != 'x'", "error: no such member 'props.none'" },
	{ "props.none > 5", "error: no such member 'props.none'" },
	{ "props.none in [1]", "error: no such member 'props.none'" },
	{ "props.none > 5 || props.n == 3", T },
	{ "props.none > 5 && props.n == 4", F },
	{ "has(props.none)", F },
	{ "has(props.nul)", T },
	{ "has(props.obj.b.c)", T },
	{ "has(props.n.x)", F },
	{ "has(props.list[4].k)", T },
	{ "has(event_id)", F },
	{ "has(event) && !has(props['none']) && has(props['a b'])", T },
	{ "has(props['a' + 'b'])", "usage: 1:1: has() takes one member" },
	{ "event_id", "error: no such member 'event_id'" },
	{ "sent", "{\"type\":\"null\",\"value\":null}" },
	{ "sent == null", T },
	{ "sent < time", "error: no such overload: null < timestamp" },
	{ "received", "error: member 'received' is no timestamp" },
	{ "received < time || true", T },
};

/* An int and a double mix where one comes from a record; literals alone do not. */
static const struct cel_case mixing[] = {
	{ "props.n + 0.5", R(3.5) },
	{ "props.n * 2 + 0.5", R(6.5) },
	{ "props.amount / 2", R(2500) },
	{ "2 * props.amount", R(10000) },
	{ "props.n / 2", I(1) },
	{ "props.list.map(x, type(x) == int, x * 1.5)[0]", R(1.5) },
	{ "size(props.list) * 0.5", R(2.5) },
	{ "props.n + 1u", "error: no such overload: int + uint" },
	{ "props.n + 'a'", "error: no such overload: int + string" },
	{ "props.amount >= 5000", T },
	{ "5000 <= props.amount", T },
	{ "4999.5 < props.amount && props.amount < 5001", T },
	{ "props.amount == 5000 && props.n == 3.0", T },
	{ "props.plain == 5", F },
	{ "props.plain != 5.5", T },
	{ "props.plain > 5", "error: no such overload: string > int" },
	{ "as_of - duration('7d') < props.plain",
	  "error: no such overload: timestamp < string; timestamp(), date() and "
	  "duration() read texts" },
	{ "props.nul >= 1", "error: no such overload: null >= int" },
	{ "props.big > 9223372036854775807", F },
	{ "props.cents > 0.1 && props.cents < 0.3", F },
	{ "props.cents == 0.1", T },
	{ "props.cents * -1 < 0 && props.neg > -1.51 && props.neg < -1.49", T },
	{ "props.neg == -1.5 && props.neg < -1 && props.neg > -2", T },
	{ "props.exp == 1500 && props.exp > 1499", T },
	{ "props.long == 1000000000000001 && props.long > 1000000000000000", T },
	{ "-props.n", I(-3) },
	{ "-props.amount", R(-5000) },
	{ "int(props.amount) + props.n", I(5003) },
};

/* Amounts of a list add up as decimals: 0.1 + 0.2 is 0.3. */
static const struct cel_case lists[] = {
	{ "[props.cents, props.cents, props.cents].sum() == 0.3", T },
	{ "string([props.cents, props.cents, props.cents].sum())", S("0.3") },
	{ "[props.n, 4].sum()", I(7) },
	{ "[].sum()", I(0) },
	{ "[9223372036854775807, 1].sum()", "usage: 1:26: integer overflow" },
	{ "[0.1, 0.2].sum() == 0.1 + 0.2", T },
	{ "[props.n, 'a'].sum()", "error: sum() of a list with a string" },
	{ "props.n.sum()", "error: no such overload: int.sum()" },
	{ "[3, 1.5, 2u].min()", R(1.5) },
	{ "['b', 'c', 'a'].max()", S("c") },
	{ "[time, as_of].max() == as_of", T },
	{ "[event, 'a'].join(',')", "{\"type\":\"string\",\"value\":\"buy_fund,a\"}" },
	{ "[].max()", "usage: 1:4: max() of an empty list" },
	{ "[1, 'a'].min()", "usage: 1:10: min() of a list without an order" },
};

static const struct cel_case times[] = {
	{ "time < as_of", T },
	{ "time >= timestamp('2024-04-25T06:59:46.123Z')", T },
	{ "timestamp('2024-04-25T06:59:46.124Z') > time", T },
	{ "time == timestamp('2024-04-25T14:59:46.123+08:00')", T },
	{ "time == null", F },
	{ "as_of - time < duration('6d')", T },
	{ "time > as_of - duration('30d')", T },
	{ "time.getHours('Asia/Shanghai')", I(14) },
	{ "day(time)", S("2024-04-25") },
	{ "day(time) < props.day", T },
	{ "date(props.day) == as_of", T },
};

static const struct cel_case refused[] = {
	{ "prop.amount", "usage: 1:1: unknown name 'prop'; did you mean 'props'?" },
	{ "event == 'a' &&\n  evnt == 'b'", "usage: 2:3: unknown name 'evnt'; did you" },
	{ "[1].all(item, itm > 1)",
	  "usage: 1:15: unknown name 'itm'; did you mean 'item'" },
	{ "event.startWith('a')", "usage: 1:7: unknown function 'startWith'; did you" },
	{ "startsWith(event, 'a')", "usage: 1:1: startsWith() is a method; write x." },
	{ "props.n.int()", "usage: 1:9: int() is no method; write int(x)" },
	{ "size(1, 2)", "usage: 1:1: size() takes 1 argument, not 2" },
	{ "event.contains()", "usage: 1:7: contains() takes 1 argument, not 0" },
	{ "props.n > 1 / 0", "usage: 1:13: division by zero" },
	{ "event.matches('a(')", "usage: 1:15: invalid pattern: " },
	{ "time.getHours('Mars')", "usage: 1:15: " },
	{ "time > timestamp('2024')", "usage: 1:8: " },
	{ "time > duration('3 days')", "usage: 1:8: invalid duration" },
	{ "time > '2024-05-01'",
	  "usage: 1:6: no such overload: timestamp > string; write" },
	{ "time == '2024-05-01'", "usage: 1:6: no such overload: timestamp == string" },
	{ "time + 5", "usage: 1:6: no such overload: timestamp + int" },
	{ "as_of + time", "usage: 1:7: no such overload: timestamp + timestamp" },
	{ "size(event) && true", "usage: 1:1: expected a condition, not int" },
	{ "!day(time)", "usage: 1:2: expected a condition, not string" },
	{ "1 + 1.5", "usage: 1:3: no such overload: int + double" },
	{ "count(event == 'a') > 1", "usage: 1:1: " },
};

/* Where any name is a member, types stand before members, and a dot before both. */
static const struct cel_case any[] = {
	{ "whatever", "error: no such member 'whatever'" },
	{ "list", "{\"type\":\"type\",\"value\":\"list\"}" },
	{ ".list", I(5) },
	{ "type", "error: no such member 'type'" },
	{ "type(props.n) == int", T },
	{ "[1].all(event, event == 1)", T },
	{ "[1].all(event, .event == 'buy_fund')", T },
};

static void check_own_base_time(void)
{
	static const struct cel_case own[] = {
		{ "as_of",
		  "{\"type\":\"timestamp\",\"value\":\"2024-01-01T00:00:00Z\"}" },
		{ "has(as_of)", T },
		{ "as_of < date('2024-01-02')", T },
	};
	static const struct cel_case base[] = {
		{ "as_of",
		  "{\"type\":\"timestamp\",\"value\":\"2024-04-30T16:00:00Z\"}" },
	};
	const char *record = "{\"as_of\":\"2024-01-01T00:00:00.000Z\"}";

	CEL_RECORD(own, record, cdp_profile_members);
	CEL_RECORD(own, record, NULL);
	CEL_RECORD(base, "{}", cdp_profile_members);
	CEL_RECORD(base, record, cdp_event_members);
}

static void check_index(const char *text, const char *want, bool head_only)
{
	struct cdp_env env = { .paths = cdp_paths_new(), .members = cdp_event_members };
	struct cdp_expr *e;
	struct cdp_err err;
	char got[200] = "";
	size_t n;

	if (cdp_expr_compile(&e, text, strlen(text), &env, &err) < 0) {
		ok(false, "%s compiles: %s", text, err.msg);
		cdp_paths_free(env.paths);
		return;
	}
	const char *const *names = cdp_expr_events(e, &n);

	for (size_t i = 0; i < n; i++) {
		strcat(got, i ? " " : "");
		strcat(got, names[i]);
	}
	is_str(got, want, "events of %s", text);
	ok(cdp_expr_head_only(e) == head_only, "%s reads %s the head", text,
	   head_only ? "only" : "more than");
	cdp_expr_free(e);
	cdp_paths_free(env.paths);
}

static void check_indexes(void)
{
	check_index("event == 'a'", "a", true);
	check_index("event == 'b' || 'a' == event", "a b", true);
	check_index("event in ['c', 'a', 'c']", "a c", true);
	check_index("event == 'a' && props.x > 1", "a", false);
	check_index("props.x > 1 && event in ['a', 'b'] && event in ['b', 'c']", "b",
		    false);
	check_index("event == 'a' || props.x > 1", "", false);
	check_index("event != 'a'", "", true);
	check_index("!(event == 'a')", "", true);
	check_index("event == 'a' ? true : false", "", true);
	check_index("(event == 'a' && one_id > '5') || (event == 'b' && time < as_of)",
		    "a b", true);
	check_index("true", "", true);
	check_index("event.startsWith('a')", "", true);
	check_index("has(props.x) && event == 'a'", "a", false);
	check_index("event == 'a' + 'b'", "ab", true);
	check_index("[1].exists(x, event == 'a')", "", true);
}

static int fetch(void *host, int ref, struct cdp_value *out, struct cdp_err *err)
{
	(void)host;
	if (ref == 1)
		return cdp_err_set(err, CDP_ERR_EVAL, "no such tag");
	*out = (struct cdp_value){ .type = CDP_V_INT };
	out->i = 7;
	return 0;
}

static int resolve(void *host, const char *const *names, size_t count, size_t *used,
		   struct cdp_err *err)
{
	(void)host;
	*used = count < 2 ? count : 2;
	if (count < 2 || strcmp(names[1], "bad") == 0)
		return cdp_err_set(err, CDP_ERR_USAGE, "unknown tag '%s'",
				   count < 2 ? "" : names[1]);
	return strcmp(names[1], "none") == 0;
}

static int call(void *host, unsigned function, const struct cdp_value *args, size_t count,
		struct cdp_value *out, struct cdp_err *err)
{
	(void)host;
	(void)err;
	*out = (struct cdp_value){ .type = CDP_V_INT };
	out->i = (int64_t)(function * 100 + count * 10) + args[0].i;
	return 0;
}

static void check_host(const char *text, const char *want)
{
	static const char *const roots[] = { "tags", NULL };
	static const char *const functions[] = { "one", "two", NULL };
	struct cdp_env env = { .roots = roots,
			       .resolve = resolve,
			       .functions = functions };
	struct cdp_eval *ev = cdp_eval_new(NULL);
	struct cdp_expr *e;
	struct cdp_value v;
	struct cdp_err err;
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_eval_set_host(ev, fetch, NULL);
	cdp_eval_set_call(ev, call, NULL);
	if (cdp_expr_compile(&e, text, strlen(text), &env, &err) < 0) {
		is_str(err.msg, want, "%s is refused", text);
	} else {
		if (cdp_expr_value(e, ev, NULL, &v, &err) < 0)
			cdp_buf_adds(&b, err.msg);
		else
			cdp_value_json(&b, &v);
		is_str(cdp_buf_str(&b), want, "%s asks the tool", text);
		cdp_expr_free(e);
	}
	cdp_eval_free(ev);
	cdp_buf_release(&b);
}

/* tags.s is a string, tags.n an int, tags.m some number, tags.l a list, tags.t a
 * timestamp; all of them may be null. */
static int resolve_typed(void *host, const char *const *names, size_t count, size_t *used,
			 struct cdp_err *err)
{
	(void)host;
	*used = 2;
	return count > 1 ? names[1][0] : cdp_err_set(err, CDP_ERR_USAGE, "no name");
}

static int type_of(void *host, int ref)
{
	(void)host;
	switch (ref) {
	case 's':
		return CDP_V_STRING;
	case 'n':
		return CDP_V_INT;
	case 'm':
		return CDP_V_DOUBLE;
	case 'l':
		return CDP_V_LIST;
	case 't':
		return CDP_V_TIMESTAMP;
	default:
		return -1;
	}
}

/* What no value of the types that are known makes right. */
static void check_types(void)
{
	static const char *const wrong[][2] = {
		{ "tags.s.startsWith(1)",
		  "1:8: no such overload: startsWith(string, int)" },
		{ "tags.x.startsWith(1)", "1:8: no such overload: startsWith(..., int)" },
		{ "1 + size(tags.n)", "1:5: no such overload: size(int)" },
		{ "tags.s > 5", "1:8: no such overload: string > int" },
		{ "tags.n + 1 + 'a'", "1:12: no such overload: int + string" },
		{ "tags.n * 1.5 == 'a'", "1:14: no such overload: double == string" },
		{ "tags.t - tags.t > 5", "1:17: no such overload: duration > int" },
		{ "tags.t + duration('1d') > 5",
		  "1:25: no such overload: timestamp > int" },
		{ "tags.s + 'a' > 5", "1:14: no such overload: string > int" },
		{ "-tags.s", "1:1: no such overload: -string" },
		{ "-tags.n > 'a'", "1:9: no such overload: int > string" },
		{ "tags.s[0]", "1:7: no such overload: string[int]" },
		{ "tags.l['a']", "1:7: no member 'a' in a value of type list" },
		{ "tags.n.x", "1:8: no member 'x' in a value of type int" },
		{ "has(tags.n.x)", "1:12: no member 'x' in a value of type int" },
		{ "tags.n.exists(x, x > 1)",
		  "1:8: exists() needs a list or a map, not int" },
		{ "tags.l.exists(x, 5)", "1:18: expected a condition, not int" },
		{ "tags.l.map(x, 'a', x)", "1:15: expected a condition, not string" },
		{ "tags.n ? 1 : 2", "1:1: expected a condition, not int" },
		{ "tags.n in tags.s", "1:8: no such overload: int in string" },
		{ "duration(tags.n)", "1:1: no such overload: duration(int)" },
		{ "tags.t.getHours(5)",
		  "1:8: no such overload: getHours(timestamp, int)" },
		{ "ratio(tags.s, 1)", "1:1: no such overload: ratio(string, int)" },
		{ "tags.s.sum()", "1:8: no such overload: sum(string)" },
	};
	static const char *const fine[] = {
		"tags.n == null || tags.s != null",
		"tags.n + tags.m * 1.5 > 3",
		"tags.m % 2 == 0",
		"(tags.x ? 1 : 'a') == 1",
		"tags.l[0].y + 1 > 'a'",
		"tags.l[tags.m]",
		"tags.l.map(x, x.y).sum() > tags.n",
		"tags.x + 1 > 2 && tags.x.size() > 1",
		"string(tags.m) + tags.s",
		"tags.t - duration('1d') < timestamp(tags.n)",
	};
	static const char *const roots[] = { "tags", NULL };
	struct cdp_env env = { .roots = roots,
			       .resolve = resolve_typed,
			       .type_of = type_of };
	struct cdp_expr *e;
	struct cdp_err err;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		const char *text = wrong[i][0];
		bool fine_now = cdp_expr_compile(&e, text, strlen(text), &env, &err) == 0;

		is_str(fine_now ? "" : err.msg, wrong[i][1], "%s is refused", text);
		if (fine_now)
			cdp_expr_free(e);
	}
	for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); i++) {
		err.msg[0] = '\0';
		if (cdp_expr_compile(&e, fine[i], strlen(fine[i]), &env, &err) == 0)
			cdp_expr_free(e);
		is_str(err.msg, "", "%s may be right", fine[i]);
	}
}

/* Thousands of names, "START" NAME0 "MIDDLE" NAME1 ..., in time that grows as they do. */
static void check_many(const char *start, const char *middle, const char *end, int n)
{
	struct cdp_env env = { .paths = cdp_paths_new() };
	struct timespec a, b;
	struct cdp_expr *e;
	struct cdp_buf text;
	struct cdp_err err;
	bool fine;

	cdp_buf_init(&text, CDP_BUF_NOMAX);
	cdp_buf_adds(&text, start);
	for (int i = 0; i < n; i++)
		cdp_buf_addf(&text, "%sn%d", i ? middle : "", i);
	cdp_buf_adds(&text, end);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	fine = cdp_expr_compile(&e, text.p, text.n, &env, &err) == 0;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	ok(fine && b.tv_sec - a.tv_sec < 3, "%d names with '%s' are soon compiled", n,
	   middle);
	if (fine)
		cdp_expr_free(e);
	cdp_buf_release(&text);
	cdp_paths_free(env.paths);
}

static void check_hosts(void)
{
	check_host("tags.vip + 1", "8");
	check_host("tags['vip'] * 0.5", "3.5");
	check_host("tags.none", "no such tag");
	check_host("has(tags.none)", "false");
	check_host("has(tags.vip)", "true");
	check_host("tags.bad", "1:1: unknown tag 'bad'");
	check_host("tags.vip.deep", "no member 'deep' in a value of type int");
	check_host("two(3, 'x')", "123");
	check_host("thre(3)", "1:1: unknown function 'thre'");
	check_host("tgas.vip", "1:1: unknown name 'tgas'; did you mean 'tags'?");
	check_host("as_of", "as_of needs the base time of a run");
}

/* Numbers and containers leave with the bytes they came with. */
static void check_bytes_kept(const char *text, const char *want)
{
	struct cdp_env env = { .paths = cdp_paths_new() };
	static char block[2048];
	struct cdp_eval *ev = cdp_eval_new(NULL);
	struct cdp_expr *e;
	struct cdp_value v;
	struct cdp_scan *s;
	struct cdp_rec rec;
	struct cdp_err err;
	struct cdp_buf b;

	memcpy(block, event, sizeof(event));
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_expr_compile(&e, text, strlen(text), &env, &err);
	s = cdp_scan_new(env.paths);
	cdp_scan_block(s, block, sizeof(event) - 1);
	cdp_scan_next(s, &rec, &err);
	cdp_expr_value(e, ev, &rec, &v, &err);
	cdp_value_json(&b, &v);
	is_str(cdp_buf_str(&b), want, "%s as JSON", text);
	cdp_buf_release(&b);
	cdp_expr_free(e);
	cdp_eval_free(ev);
	cdp_scan_free(s);
	cdp_paths_free(env.paths);
}

int main(void)
{
	CEL_RECORD(members, event, cdp_event_members);
	CEL_RECORD(missing, event, cdp_event_members);
	CEL_RECORD(mixing, event, cdp_event_members);
	CEL_RECORD(lists, event, cdp_event_members);
	CEL_RECORD(times, event, cdp_event_members);
	CEL_RECORD(refused, event, cdp_event_members);
	CEL_RECORD(any, event, NULL);
	check_own_base_time();
	check_indexes();
	check_hosts();
	check_types();
	check_many("", " || ", "", 6500);
	check_many("has(x.", ") && has(x.", ")", 3000);
	check_many("event in ['", "','", "']", 7000);
	check_many("event == '", "' || event == '", "'", 3000);
	check_bytes_kept("props.amount", "5000.00");
	check_bytes_kept("props.amount * 1", "5000");
	check_bytes_kept("props.huge", "1e999");
	check_bytes_kept("[props.amount, props.n]", "[5000.00,3]");
	check_bytes_kept("props.list", "[1,2.5,\"x\",[4],{\"k\":[7]}]");
	check_bytes_kept("time", "\"2024-04-25T06:59:46.123Z\"");
	check_bytes_kept("time + duration('1us')", "\"2024-04-25T06:59:46.123001Z\"");
	check_bytes_kept("{1: props.name, true: 2.5}",
			 "{\"1\":\"\xe9\x93\xb6\xe8\xa1\x8c\",\"true\":2.5}");
	check_bytes_kept("[duration('1500ms'), int, b'\\x00', 1.0 / 0.0]",
			 "[\"1.5s\",\"int\",\"AA==\",\"Infinity\"]");
	return tap_done();
}
