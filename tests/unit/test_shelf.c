/* Profiles put aside by threads and taken back by customer. */
#include "base/buf.h"
#include "io/in.h"
#include "model/shelf.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static void put(struct cdp_shelf_part *p, uint32_t customer, const char *line)
{
	struct cdp_err err;

	if (cdp_shelf_part_add(p, customer, line, strlen(line), &err) < 0)
		ok(false, "%s", err.msg);
}

/* A customer's lines, one after the other; what may be read after them must be there. */
static const char *lines(const struct cdp_shelf *s, uint32_t customer)
{
	static char out[256];
	static volatile char sum;
	size_t at = 0, n;

	for (uint32_t i = 0; i < cdp_shelf_count(s, customer); i++) {
		const char *p = cdp_shelf_line(s, customer, i, &n);

		for (size_t k = 0; k < CDP_IN_PAD; k++)
			sum = (char)(sum + p[n + 1 + k]);
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%.*s%s", (int)n, p,
				       p[n] == '\n' ? ";" : "!");
	}
	out[at] = '\0';
	return out;
}

static void by_customer(void)
{
	struct cdp_shelf_part *a = cdp_shelf_part_new(), *b = cdp_shelf_part_new();
	struct cdp_shelf *s = cdp_shelf_new();
	struct cdp_err err;

	put(a, 7, "{\"b\":1}");
	put(a, 0, "{}");
	put(b, 7, "{\"b\":10}");
	put(b, 7, "{\"a\":2}");
	cdp_shelf_take(s, a);
	cdp_shelf_take(s, b);
	cdp_shelf_take(s, cdp_shelf_part_new());
	is_int(cdp_shelf_open(s, &err), 0, "a shelf opens, also with a part of nothing");
	is_str(lines(s, 7), "{\"a\":2};{\"b\":10};{\"b\":1};",
	       "a customer's lines come by bytes, whoever put them there");
	is_str(lines(s, 0), "{};", "the last line of a file can be read beyond");
	is_int(cdp_shelf_count(s, 3), 0, "a customer between others has none");
	is_int(cdp_shelf_count(s, 4000000000u), 0, "nor has one after all");
	cdp_shelf_free(s);
}

static void empty(void)
{
	struct cdp_shelf *s = cdp_shelf_new();
	struct cdp_err err;

	is_int(cdp_shelf_open(s, &err), 0, "an empty shelf opens");
	is_int(cdp_shelf_count(s, 0), 0, "and has nothing of anybody");
	cdp_shelf_free(s);
	cdp_shelf_free(NULL);
}

int main(void)
{
	by_customer();
	empty();
	return tap_done();
}
