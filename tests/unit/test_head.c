#include "tap.h"

#include "base/mem.h"
#include "record/head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID "\"one_id\":\"5e1c0d9a3b7f2c44\","
#define TIME "\"time\":\"2024-04-25T06:59:46.123Z\","
#define EVENT "\"event\":\"buy\","

/* In memory of exactly the promised size, so that ASan sees overreads. */
static int match(struct cdp_head *h, const char *line, const char **rest)
{
	size_t n = strlen(line);
	char *p = cdp_alloc(n + 1 + 64);
	int r;

	memcpy(p, line, n);
	p[n] = '\n';
	memset(p + n + 1, '0', 64);
	r = cdp_head_match(h, p);
	if (r)
		*rest = line + (h->rest - p);
	free(p);
	return r;
}

static void test_match(void)
{
	struct cdp_head h;
	const char *rest;

	is_int(match(&h, "{" ID TIME EVENT "\"ids\":{}}", &rest), 1,
	       "a head with one_id is canonical");
	is_str(rest, "}}", "the rest follows the ids' brace");
	is_int(h.one_id.n, 16, "one_id has 16 bytes");
	is_int(h.time.n, 24, "time has 24 bytes");
	is_int(h.event.n, 3, "the event has its length");
	is_int(match(&h, "{" TIME EVENT "\"ids\":{\"a\":\"b\"}}", &rest), 1,
	       "a head without one_id is canonical");
	is_int(h.one_id.type, CDP_MISSING, "then one_id is missing");
	is_int(match(&h, "{" TIME "\"event\":\"\",\"ids\":{}}", &rest), 1,
	       "an event name may be empty here");
	is_int(match(&h, "{" TIME "\"event\":\"\xe5\x9f\xba\",\"ids\":{}}", &rest), 1,
	       "or have any script");
}

static void test_mismatch(void)
{
	static const char *const lines[] = {
		"",
		"{}",
		"{" ID,
		"{\"one_id\":\"",
		"{\"one_id\":\"5e1c0d9a3b7f2c4\"," TIME EVENT "\"ids\":{}}",
		"{\"one_id\":\"5E1c0d9a3b7f2c44\"," TIME EVENT "\"ids\":{}}",
		"{\"one_id\":\"5e1c0d9a3b7f2c4g\"," TIME EVENT "\"ids\":{}}",
		"{" ID "\"time\":\"2024-04-25 06:59:46.123Z\"," EVENT "\"ids\":{}}",
		"{" ID "\"time\":\"2024-04-25T06:59:46Z\"," EVENT "\"ids\":{}}",
		"{" ID "\"time\":\"2024-04-25T06:59:46.12:Z\"," EVENT "\"ids\":{}}",
		"{" ID "\"time\":\"2024-04-25T06:59:46.12\xb0Z\"," EVENT "\"ids\":{}}",
		"{" ID "\"time\":\"/024-04-25T06:59:46.123Z\"," EVENT "\"ids\":{}}",
		"{" ID "\"time\":\"2024-04-25T06:59:46.1230Z\"," EVENT "\"ids\":{}}",
		"{" ID TIME "\"event\":\"b\\u0075y\",\"ids\":{}}",
		"{" ID TIME "\"event\":\"buy",
		"{" ID TIME "\"event\":\"b\ty\",\"ids\":{}}",
		"{" ID TIME "\"event\":\"buy\",\"props\":{}}",
		"{" ID TIME "\"event\":\"buy\",\"ids\":[]}",
		"{" ID TIME "\"event\":12,\"ids\":{}}",
		"{ " ID TIME EVENT "\"ids\":{}}",
		"{" TIME ID EVENT "\"ids\":{}}",
	};
	struct cdp_head h;
	const char *rest;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		is_int(match(&h, lines[i], &rest), 0, "no canonical head: %s", lines[i]);
}

static void test_put(void)
{
	struct cdp_head h;
	struct cdp_buf b;
	const char *rest;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_head_put(&b, "5e1c0d9a3b7f2c44", "2024-04-25T06:59:46.123Z", "buy", 3);
	is_str(cdp_buf_str(&b), "{" ID TIME EVENT, "a head is written in its order");
	cdp_buf_adds(&b, "\"ids\":{}}");
	is_int(match(&h, cdp_buf_str(&b), &rest), 1, "and recognised");
	cdp_buf_reset(&b);
	cdp_head_put(&b, NULL, "2024-04-25T06:59:46.123Z", "a\"b", 3);
	is_str(cdp_buf_str(&b), "{" TIME "\"event\":\"a\\\"b\",",
	       "one_id may be absent and the event is quoted");
	cdp_buf_release(&b);
}

static void test_put_one_id(void)
{
	static const char line[] = "{" TIME EVENT "\"ids\":{}}\n",
			  spaced[] = " {\"a\":1}";
	static const char other[] = "{\"a\":1,\"one_id\":null,\"b\":2}\n";
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_line_put_one_id(&b, line, sizeof(line) - 1, 0, 0, 0x5e1c0d9a3b7f2c44);
	is_str(cdp_buf_str(&b), "{" ID TIME EVENT "\"ids\":{}}\n",
	       "one_id is spliced in front");
	cdp_buf_reset(&b);
	cdp_line_put_one_id(&b, spaced, sizeof(spaced) - 1, 0, 0, 1);
	is_str(cdp_buf_str(&b), " {\"one_id\":\"0000000000000001\",\"a\":1}",
	       "behind the brace, wherever that is");
	cdp_buf_reset(&b);
	cdp_line_put_one_id(&b, other, sizeof(other) - 1, 16, 4, 0xabc);
	is_str(cdp_buf_str(&b), "{\"a\":1,\"one_id\":\"0000000000000abc\",\"b\":2}\n",
	       "or takes the place of another value");
	cdp_buf_release(&b);
}

int main(void)
{
	test_match();
	test_mismatch();
	test_put();
	test_put_one_id();
	return tap_done();
}
