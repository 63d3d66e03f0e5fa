/* Records of our own kinds: what is canonical stays, what is not becomes so, and what is
 * wrong is refused with its place. */
#include "collect.h"

#include <stdio.h>

#define T "\"time\":\"2024-04-25T06:59:46.123Z\""
#define HEAD "{" T ",\"event\":\"buy\",\"ids\":{\"customer\":\"C1\"}"

static struct collect_test t;

static void unchanged(const char *line, const char *name)
{
	is_str(collect(&t, line), line, "%s leaves byte for byte", name);
}

static void becomes(const char *line, const char *want, const char *name)
{
	is_str(collect(&t, line), want, "%s", name);
	/* Canonical means: reading it again changes nothing. */
	char *once = strdup(want);
	is_str(collect(&t, once), want, "%s, and stays so", name);
	free(once);
}

static void refused(const char *line, const char *want, const char *name)
{
	is_str(collect(&t, line), want, "%s", name);
}

static void canonical(void)
{
	unchanged(HEAD "}", "the shortest event");
	unchanged(HEAD
		  ",\"props\":{\"a\":5000.00,\"b\":1e999,\"c\":\"x y\\\" z\"},\"z\":[]}",
		  "an event with numbers, blanks and quotes in strings");
	unchanged(HEAD ",\"props\":{\"a\":1,\"a\":\"\\ud800\"},\"props\":{}}",
		  "an event with keys that occur twice and a lone surrogate");
	unchanged("{\"one_id\":\"00112233445566ff\"," T
		  ",\"event\":\"buy\",\"ids\":{\"customer\":"
		  "\"C1\"}}",
		  "an event with a person");
	unchanged(HEAD ",\"sent\":\"2024-04-25T07:00:00.000Z\",\"received\":"
		       "\"2024-04-25T07:00:01.000Z\"}",
		  "an event with its delivery times");
	unchanged(HEAD ",\"\xe4\xb8\xad\":\"\xe6\x96\x87\"}", "Chinese text");
}

static void normalised(void)
{
	becomes("{ \"ids\" : {\"customer\": 123456789012345678901} , \"event\":\"buy\" ,"
		" \"props\": {\"a\": [1, 2.50 , {\"b\" : null}], \"s\":\" x \"} ,"
		" \"time\":\"2024-04-25T14:59:46.123+08:00\" }",
		"{" T
		",\"event\":\"buy\",\"ids\":{\"customer\":\"123456789012345678901\"},"
		"\"props\":{\"a\":[1,2.50,{\"b\":null}],\"s\":\" x \"}}",
		"members are put in order, white space is dropped and ids become "
		"strings");
	becomes("{\"time\":\"2024-04-25 "
		"14:59:46.1\",\"event\":\"buy\",\"ids\":{\"a\":\"1\"}}",
		"{\"time\":\"2024-04-25T06:59:46.100Z\",\"event\":\"buy\",\"ids\":{\"a\":"
		"\"1\"}}",
		"a time without an offset is read in the zone of the run");
	becomes("{\"time\":1714028386123,\"event\":\"buy\",\"ids\":{\"a\":\"1\"}}",
		"{" T ",\"event\":\"buy\",\"ids\":{\"a\":\"1\"}}",
		"a number is a time in milliseconds");
	becomes("{\"time\":\"2024-04-25T06:59:46.123999Z\",\"event\":\"buy\",\"ids\":{"
		"\"a\":"
		"\"1\"}}",
		"{" T ",\"event\":\"buy\",\"ids\":{\"a\":\"1\"}}",
		"a finer time is cut to milliseconds");
	becomes("{" T
		",\"event\":\"\\u4e70\",\"ids\":{\"a\":\"x\\/y\",\"\\u0062\":\"2\"}}",
		"{" T ",\"event\":\"\xe4\xb9\xb0\",\"ids\":{\"a\":\"x/y\",\"b\":\"2\"}}",
		"escapes that need not be are undone in the name and the ids");
	becomes(HEAD ",\"event_id\":\"e\\u0031\",\"source\":\"\\u0061pp\"}",
		HEAD ",\"event_id\":\"e1\",\"source\":\"app\"}",
		"and in what tells a record from others, be it canonical else");
	unchanged(HEAD ",\"source\":\"\\ud800\"}", "a source that is no text");
	becomes("{" T ",\"event\":\"buy\",\"ids\":{\"a\":null,\"b\":\"\",\"c\":\"1\"}}",
		"{" T ",\"event\":\"buy\",\"ids\":{\"c\":\"1\"}}",
		"empty ids and null are left out");
	becomes("{" T ",\"event\":\"buy\",\"ids\":{\"a\":\"1\",\"b\":\"2\",\"a\":\"3\"}}",
		"{" T ",\"event\":\"buy\",\"ids\":{\"a\":\"3\",\"b\":\"2\"}}",
		"of an id that stands twice the last value counts");
	becomes("{\"time\":\"x\"," T ",\"event\":\"buy\",\"ids\":{\"a\":\"1\"}}",
		"{" T ",\"event\":\"buy\",\"ids\":{\"a\":\"1\"}}",
		"of a time that stands twice the last one counts");
	becomes(HEAD ",\"type\":\"event\",\"props\":null,\"event_id\":7,\"sent\":"
		     "1714028386123}",
		HEAD ",\"event_id\":\"7\",\"sent\":\"2024-04-25T06:59:46.123Z\"}",
		"the default type and empty members go, an event_id becomes a string");
	becomes("{\"ids\":{\"a\":\"1\"},\"one_id\":\"00112233445566ff\"," T
		",\"event\":\"buy\"}",
		"{\"one_id\":\"00112233445566ff\"," T
		",\"event\":\"buy\",\"ids\":{\"a\":\"1\"}}",
		"the person comes first");
}

static void other_types(void)
{
	becomes("{\"type\":\"profile\",\"ids\":{\"a\":1}," T ",\"set\":{\"n\": 1.0}}",
		"{" T ",\"type\":\"profile\",\"ids\":{\"a\":\"1\"},\"set\":{\"n\":1.0}}",
		"a profile update");
	becomes("{" T ",\"type\":\"profile\",\"ids\":{\"a\":\"1\"},\"unset\":{\"x\":true,"
		"\"y\":1}}",
		"{" T
		",\"type\":\"profile\",\"ids\":{\"a\":\"1\"},\"unset\":[\"x\",\"y\"]}",
		"what is to be unset becomes an array of names");
	becomes("{\"type\":\"detail\",\"detail\":\"holding\",\"row\":77,\"ids\":{\"a\":"
		"\"1\"},"
		"" T ",\"props\":{\"share\":1200.50}}",
		"{" T ",\"type\":\"detail\",\"ids\":{\"a\":\"1\"},\"detail\":\"holding\","
		"\"row\":"
		"\"77\",\"props\":{\"share\":1200.50}}",
		"a detail row");
	becomes("{\"type\":\"entity\",\"entity\":\"product\",\"id\":\"F1\",\"props\":{}}",
		"{\"type\":\"entity\",\"entity\":\"product\",\"id\":\"F1\",\"props\":{}}",
		"an entity row needs neither time nor ids");
	becomes("{" T
		",\"type\":\"relation\",\"ids\":{\"a\":\"1\"},\"relation\":\"manages\","
		"\"to\":{\"enterprise\":9}}",
		"{" T
		",\"type\":\"relation\",\"ids\":{\"a\":\"1\"},\"relation\":\"manages\","
		"\"to\":{\"enterprise\":\"9\"}}",
		"a relation");
	becomes("{\"type\":\"unbind\",\"ids\":{\"phone\":\"1\"}," T "}",
		"{" T ",\"type\":\"unbind\",\"ids\":{\"phone\":\"1\"}}",
		"an unbind of a single id");
	refused("{\"type\":\"bind\",\"ids\":{\"phone\":\"1\"}," T "}",
		"ids: a bind of fewer than two ids", "a bind needs two ids");
	refused("{\"type\":\"profile\",\"ids\":{\"a\":\"1\"}," T
		",\"increment\":{\"n\":\"2\"}}",
		"increment.n: not a number", "only numbers can be added");
	refused("{\"type\":\"profile\",\"ids\":{\"a\":\"1\"}," T
		",\"append\":{\"n\":\"2\"}}",
		"append.n: not an array", "only arrays can be appended");
	refused("{\"type\":\"profile\",\"ids\":{\"a\":\"1\"}," T "}",
		"set: an update of nothing: no set, set_once, increment, append, unset "
		"or "
		"deleted",
		"an update of nothing is refused");
	refused("{\"type\":\"detail\",\"detail\":\"h\",\"ids\":{\"a\":\"1\"}," T "}",
		"row: row is missing", "a detail row has a row");
	refused("{\"type\":\"x\"}", "type: unknown type 'x'",
		"an unknown type is refused");
	refused("{\"type\":1}", "type: not a string", "a type is a string");
}

static void wrong(void)
{
	refused("{\"event\":\"buy\",\"ids\":{\"a\":\"1\"}}", "time: time is missing",
		"an event has a time");
	refused("{\"time\":\"2024-13-01T00:00:00Z\",\"event\":\"b\",\"ids\":{\"a\":\"1\"}"
		"}",
		"time: invalid time '2024-13-01T00:00:00Z': month must be 01 to 12",
		"a month is one of twelve");
	refused("{\"time\":\"2024-02-30 "
		"00:00:00\",\"event\":\"b\",\"ids\":{\"a\":\"1\"}}",
		"time: '2024-02-30 00:00:00' is no day of the calendar",
		"a day without an offset is checked, too");
	refused("{\"time\":1714028386,\"event\":\"b\",\"ids\":{\"a\":\"1\"}}",
		"time: '1714028386' is not in milliseconds since 1970 but in seconds, it "
		"seems",
		"seconds are not taken for milliseconds");
	refused("{\"time\":true,\"event\":\"b\",\"ids\":{\"a\":\"1\"}}",
		"time: not a time", "true is no time");
	refused("{" T ",\"ids\":{\"a\":\"1\"}}", "event: event is missing",
		"an event has a name");
	refused("{" T ",\"event\":\"\",\"ids\":{\"a\":\"1\"}}", "event: event is empty",
		"a name is not empty");
	refused("{" T ",\"event\":\"a\\nb\",\"ids\":{\"a\":\"1\"}}",
		"event: event contains a control character", "a name has no controls");
	refused("{" T ",\"event\":\"b\"}", "ids: ids is missing", "an event has ids");
	refused("{" T ",\"event\":\"b\",\"ids\":[]}", "ids: not an object",
		"ids are an object");
	refused("{" T ",\"event\":\"b\",\"ids\":{\"a\":\"\",\"b\":null}}",
		"ids: no usable id", "empty ids are none");
	refused("{" T ",\"event\":\"b\",\"ids\":{\"a\":{}}}",
		"ids.a: not a string or a whole number", "an id is a string");
	refused("{" T ",\"event\":\"b\",\"ids\":{\"idcard\":1.1E+17}}",
		"ids.idcard: the number '1.1E+17' has a fraction or an exponent: its "
		"digits "
		"are not an id's",
		"a number that lost its digits is no id");
	refused("{" T ",\"event\":\"b\",\"ids\":{\"idcard\":\"4.40106E+17\"}}",
		"ids.idcard: '4.40106E+17' has lost its digits, as spreadsheets make of "
		"long "
		"numbers",
		"nor is it as a string");
	refused(HEAD ",\"props\":[]}", "props: not an object", "props are an object");
	refused(HEAD ",\"source\":1}", "source: not a string", "a source is a string");
	refused(HEAD ",\"one_id\":\"x\"}", "one_id: not 16 lower-case hex digits",
		"a person has 16 digits");
	refused(HEAD ",\"sent\":\"yesterday\"}",
		"sent: invalid time 'yesterday': expected YYYY-MM-DD", "sent is a time");
	refused("{\"a\":1", "a: unexpected end of line",
		"text that is no JSON is refused");
	refused("{" T ",\"event\":\"b\\udc00\",\"ids\":{\"a\":\"1\"}}",
		"event: event has half a surrogate pair", "a name is text");
	refused("{" T ",\"event\":\"b\",\"ids\":{\"a\":\"x\\uD83D\\u0041\"}}",
		"ids.a: half a surrogate pair", "an id, too: two such would be one");
	becomes("{" T ",\"event\":\"b\",\"ids\":{\"a\":\"\\\\ud800\\uD83D\\uDE00\"}}",
		"{" T ",\"event\":\"b\",\"ids\":{\"a\":\"\\\\ud800\xf0\x9f\x98\x80\"}}",
		"but whole pairs, and a backslash before u, are text");
	unchanged("{" T ",\"event\":\"b\",\"ids\":{\"product\":\"1E5\"}}",
		  "a code that looks like a number without a sign");
}

static void long_names(void)
{
	char line[600], name[300];

	memset(name, 'x', sizeof(name));
	name[255] = '\0';
	snprintf(line, sizeof(line), "{" T ",\"event\":\"%s\",\"ids\":{\"a\":\"1\"}}",
		 name);
	unchanged(line, "a name of 255 bytes");
	name[255] = 'x';
	name[256] = '\0';
	snprintf(line, sizeof(line), "{" T ",\"event\":\"%s\",\"ids\":{\"a\":\"1\"}}",
		 name);
	refused(line, "event: event has more than 255 bytes", "a name of 256 is refused");
}

/* Names are looked at eight bytes at a time. */
static void a_control_in_a_name(void)
{
	unsigned taken = 0, kept = 0;
	char line[600];

	for (int n = 1; n <= 20; n++)
		for (int at = 0; at <= n; at++) {
			char name[24] = "";

			memset(name, 'x', (size_t)n);
			if (at < n)
				name[at] = 0x7f;
			snprintf(line, sizeof(line),
				 "{" T ",\"event\":\"%s\",\"ids\":{\"a\":\"\x7f\"}}",
				 name);
			if (at < n)
				taken += *collect(&t, line) == '{';
			else
				kept += strcmp(collect(&t, line), line) == 0;
		}
	is_int(taken, 0, "a name with a control character anywhere is refused");
	is_int(kept, 20, "one beside it is none of its");
}

static void future(void)
{
	t.opts.future_ms = 1714028386123 + CDP_FUTURE_SLACK_MS;
	unchanged("{\"time\":\"2024-04-25T07:59:46.123Z\",\"event\":\"b\",\"ids\":{\"a\":"
		  "\"1\"}}",
		  "an event an hour ahead of the base time");
	refused("{\"time\":\"2024-04-25T07:59:46.124Z\",\"event\":\"b\",\"ids\":{\"a\":"
		"\"1\"}}",
		"time: future-time: more than an hour after the base time",
		"one further ahead is refused");
	unchanged("{\"time\":\"2024-05-25T07:59:46.124Z\",\"event\":\"b\",\"ids\":{\"a\":"
		  "\"1\"},"
		  "\"received\":\"2024-05-25T07:00:00.000Z\"}",
		  "one that was received about then");
	refused("{" T ",\"event\":\"b\",\"ids\":{\"a\":\"1\"},"
		"\"received\":\"2024-04-25T05:00:00.000Z\"}",
		"time: future-time: more than an hour after it was received",
		"one that was received well before it happened is refused");
	t.opts.future_keep = true;
	unchanged("{\"time\":\"2099-04-25T07:59:46.124Z\",\"event\":\"b\",\"ids\":{\"a\":"
		  "\"1\"}}",
		  "any with the policy to keep them");
	t.opts.future_keep = false;
	t.opts.future_ms = CDP_NO_TIME;
}

static void added(void)
{
	t.opts.received = 1714028386999;
	t.opts.source = "web";
	is_str(collect(&t, HEAD ",\"x\":1}"),
	       HEAD
	       ",\"x\":1,\"source\":\"web\",\"received\":\"2024-04-25T06:59:46.999Z\"}",
	       "source and time of receipt are added");
	unchanged(HEAD ",\"source\":\"app\",\"received\":\"2024-04-25T06:59:47.000Z\"}",
		  "an event that says both");
	t.opts.received = CDP_NO_TIME;
	t.opts.source = NULL;
}

/* What the remover of duplicates reads. */
static void told(void)
{
	struct cdp_span s;

	collect(&t, HEAD
		",\"event_id\":\"e1\",\"sent\":\"2024-04-25T06:59:47.000Z\",\"x\":1}");
	is_int(t.info.ms, 1714028386123, "the time is told");
	s = t.info.event_id;
	ok(s.n == 4 && memcmp(t.out.p + s.at, "\"e1\"", 4) == 0, "the event_id is told");
	s = t.info.sent;
	ok(s.n == 34 && memcmp(t.out.p + s.at, ",\"sent\":\"2024-04-25T06:59:47.000Z\"",
			       34) == 0,
	   "the place of sent is told, of a copied record");
	collect(&t, "{\"sent\":\"2024-04-25T06:59:47Z\", "
		    "\"event_id\":\"e1\",\"ids\":{\"a\":\"1\"},"
		    "\"event\":\"b\"," T "}");
	s = t.info.sent;
	ok(s.n == 34 && memcmp(t.out.p + s.at, ",\"sent\":\"2024-04-25T06:59:47.000Z\"",
			       34) == 0,
	   "and of a rewritten one");
	s = t.info.event_id;
	ok(s.n == 4 && memcmp(t.out.p + s.at, "\"e1\"", 4) == 0, "as is its event_id");
}

static bool same_span(struct cdp_span a, struct cdp_span b)
{
	return a.at == b.at && a.n == b.n;
}

/* A line without white space is cut and put together; with white space it is written
 * member by member.  Both must tell the same. */
static void either_way(const char *line)
{
	char spaced[600], *one;
	struct cdp_canon info;

	snprintf(spaced, sizeof(spaced), "{ %s", line + 1);
	one = strdup(collect(&t, line));
	info = t.info;
	is_str(collect(&t, spaced), one, "white space makes no difference to %s", line);
	ok(same_span(info.event_id, t.info.event_id) &&
		   same_span(info.source, t.info.source) &&
		   same_span(info.sent, t.info.sent) &&
		   same_span(info.received, t.info.received),
	   "nor to where its members went");
	free(one);
}

static void cut(void)
{
#define TIME "\"time\":\"2024-04-25T14:59:46.123+08:00\""
#define EVENT "\"event\":\"buy\""
#define IDS "\"ids\":{\"a\":\"1\",\"b\":\"2\"}"
#define EVENT_ID "\"event_id\":\"e1\""
#define SENT "\"sent\":\"2024-04-25T07:00:00.000Z\""
#define RECEIVED "\"received\":\"2024-04-25T07:00:01.000Z\""
#define PROPS "\"props\":{\"time\":\"x y\",\"ids\":{}}"
	becomes("{" EVENT_ID "," TIME "," EVENT "," PROPS "," IDS ",\"z\":1}",
		"{" T "," EVENT "," IDS "," EVENT_ID "," PROPS ",\"z\":1}",
		"the head is moved to the front");
	becomes("{" PROPS "," IDS "," EVENT "," TIME "}",
		"{" T "," EVENT "," IDS "," PROPS "}", "from the end as well");
	becomes("{" EVENT "," IDS "," TIME "}", "{" T "," EVENT "," IDS "}",
		"or it is all there is");
}

static void either_ways(void)
{
	either_way("{" EVENT "," SENT "," IDS "," EVENT_ID "," TIME "}");
	either_way("{" SENT "," TIME "," EVENT "," IDS "," RECEIVED "}");
	either_way("{" TIME "," RECEIVED "," EVENT "," IDS ",\"source\":\"s\"," SENT "}");
	either_way("{" IDS "," EVENT ",\"source\":\"s\"," EVENT_ID "," TIME "," PROPS
		   "}");
	either_way("{" TIME "," EVENT "," IDS ",\"time\":\"2024-04-25T06:59:46Z\"}");
	either_way("{" EVENT_ID "," TIME "," EVENT ",\"ids\":{\"c\":\"3\"}," IDS "}");
	either_way("{\"eve\\u006et\":\"x\"," TIME "," EVENT "," IDS "}");
	either_way("{" TIME "," IDS ",\"eve\\u006et\":\"x\"}");
	either_way("{" TIME "," EVENT "," IDS ",\"one_id\":\"00112233445566ff\"}");
	either_way("{" TIME "," EVENT ",\"ids\":{\"a\":1}," PROPS "}");
	either_way("{\"event_id\":\"e\\u0031\"," TIME "," EVENT "," IDS "}");
	either_way("{\"time\":1714028386123," EVENT "," IDS "}");
	either_way("{" IDS "," RECEIVED "," EVENT ",\"source\":\"s\"," TIME "}");
	either_way("{" T "," EVENT "," IDS "}");
	either_way("{" T "," EVENT "," IDS ",\"source\":null,\"received\":null}");
}

static void both_ways(void)
{
	either_ways();
	t.opts.received = 1714028386999;
	either_ways();
	t.opts.source = "we\"b";
	either_ways();
	t.opts.received = CDP_NO_TIME;
	either_ways();
	t.opts.source = NULL;
}

/* A head that stands together is copied in few steps, which differ by the lengths of what
 * is before it, of itself and of what follows. */
static void heads_in_a_row(void)
{
	char line[1500], want[1400], x[301];
	unsigned wrong = 0, same = 0;
	static const int lengths[] = {
		0, 1, 15, 16, 31, 40, 52, 53, 54, 55, 56, 90, 300
	};
	enum { N = sizeof(lengths) / sizeof(lengths[0]) };

	memset(x, 'x', sizeof(x) - 1);
	x[300] = '\0';
	for (int i = 0; i < N * N * N; i++) {
		int a = lengths[i % N], b = lengths[i / N % N], c = lengths[i / N / N];
		struct cdp_span s;

		snprintf(line, sizeof(line),
			 "{\"w\":\"%.*s\"," TIME "," EVENT ",\"ids\":{\"a\":\"1%.*s\"},"
			 "\"event_id\":\"e%.*s\"}",
			 a, x, b, x, c, x);
		snprintf(want, sizeof(want),
			 "{" T "," EVENT ",\"ids\":{\"a\":\"1%.*s\"},\"w\":\"%.*s\","
			 "\"event_id\":\"e%.*s\"}",
			 b, x, a, x, c, x);
		wrong += strcmp(collect(&t, line), want) != 0;
		s = t.info.event_id;
		wrong += s.n != (size_t)c + 3 || memcmp(t.out.p + s.at, "\"e", 2) != 0;
		snprintf(line, sizeof(line), "{" TIME "%s", want + sizeof(T));
		same += strcmp(collect(&t, line), want) == 0;
	}
	is_int(wrong, 0, "a head in a row is moved, and its members told, at any length");
	is_int(same, N * N * N, "one that stands in front already gets its time");
}

static uint64_t rng = 88172645463325252ULL;

static unsigned rnd(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned)((rng >> 8) % n);
}

/* Ids without white space between them are found by the scanner's tokens; they must mean
 * what they mean with a blank. */
static void ids_by_two_ways(void)
{
	static const char *const kinds[] = { "customer", "device",   "a",           "",
					     "a\\\"b",   "kkkkkkkk", "\xe5\x8f\xb7" };
	static const char *const values[] = {
		"\"0123456789012345678901234567890123456789\"",
		"\"a\"",
		"\"\"",
		"\"1.1E+17\"",
		"\"5E+1x\"",
		"12",
		"1.5",
		"null",
		"\"x\\u0041\"",
		"\"\\ud800\"",
		"\"1e5\"",
		"{\"a\":1}",
		"\"abcdefgh\"",
		"\"abcdefghi\"",
		"true"
	};
	unsigned differ = 0, good = 0;
	char line[1024], spaced[1024];

	for (unsigned i = 0; i < 5000; i++) {
		char ids[512] = "";
		size_t n = 0;

		for (unsigned k = rnd(10); k > 0; k--)
			n += (size_t)snprintf(ids + n, sizeof(ids) - n, "%s\"%s\":%s",
					      n ? "," : "", kinds[rnd(7)],
					      values[rnd(3) ? rnd(2) : rnd(15)]);
		snprintf(line, sizeof(line), "{" T ",\"event\":\"e\",\"ids\":{%s}}", ids);
		snprintf(spaced, sizeof(spaced), "{" T ",\"event\":\"e\", \"ids\":{%s}}",
			 ids);
		char *want = strdup(collect(&t, spaced));
		differ += strcmp(collect(&t, line), want) != 0;
		good += *want == '{';
		free(want);
	}
	is_int(differ, 0, "ids are the same with and without white space");
	ok(good > 500 && good < 4500, "some of them are good, some are not");
}

int main(void)
{
	collect_start(&t, CDP_FORMAT_NATIVE);
	canonical();
	normalised();
	other_types();
	wrong();
	long_names();
	a_control_in_a_name();
	future();
	added();
	told();
	cut();
	both_ways();
	heads_in_a_row();
	ids_by_two_ways();
	collect_end(&t);
	return tap_done();
}
