#include "rule_world.h"

static uint64_t state = 1;

unsigned world_pick(unsigned n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % n;
}

/* ---- random rules ---- */

static const char *const leaves[] = {
	"tags.a == 'x'",
	"tags.a != 'x'",
	"tags.a in ['x', 'yy', 'z']",
	"!(tags.a in ['x', 5, null])",
	"tags.a in []",
	"tags.n >= 5",
	"tags.n < 5",
	"tags.n <= 5.5",
	"tags.n > -1",
	"5 < tags.n",
	"tags.n == 5",
	"tags.n != 5.0",
	"tags.n in [1, 5, 7.5]",
	"tags.n > 9007199254740992",
	"tags.n == 9007199254740993",
	"tags.n > 9007199254740992.0",
	"tags.n < double('NaN')",
	"tags.n == double('NaN')",
	"tags.n == 5u",
	"tags.n > 1e300",
	"has(tags.a)",
	"has(tags.n)",
	"tags.b",
	"!tags.b",
	"tags.b == true",
	"tags.b == null",
	"tags.a >= 'x'",
	"tags.a < 'yz'",
	"'y' <= tags.a",
	"tags.a.startsWith('y')",
	"tags.a.startsWith('')",
	"tags.a.endsWith('y')",
	"tags.a.contains('z')",
	"tags.a.matches('^[xy]+$')",
	"size(tags.a) > 1",
	"tags.n % 2 == 0",
	"tags.l == [1, 2]",
	"'x' in tags.l",
	"tags.l.exists(i, i == 5)",
	"tags.n > tags.m",
	"tags.m + tags.n == 10",
	"tags.a == tags.c",
	"one_id.startsWith('0')",
	"tags.n / 0 == 1",
	"true",
	"false",
	"segments.g0",
	"segments.g1",
	"(segments.g0 == segments.g1)",
	"(segments.g1 ? tags.n : tags.m) > 3",
	"has(segments.g0)",
	"tags.o.p == 'x'",
	"has(tags.o.p)",
};

void world_rule(struct cdp_buf *b, unsigned depth, unsigned number)
{
	unsigned kind = depth == 0 ? 0 : world_pick(8), n = 2 + world_pick(3);

	if (kind < 3 && number && world_pick(6) == 0) {
		cdp_buf_addf(b, "segments.s%u", world_pick(number));
	} else if (kind < 3) {
		cdp_buf_adds(b, leaves[world_pick(sizeof(leaves) / sizeof(*leaves))]);
	} else if (kind == 3) {
		cdp_buf_adds(b, "!(");
		world_rule(b, depth - 1, number);
		cdp_buf_adds(b, ")");
	} else if (kind == 4) {
		cdp_buf_adds(b, "((");
		world_rule(b, depth - 1, number);
		cdp_buf_adds(b, ") ? (");
		world_rule(b, depth - 1, number);
		cdp_buf_adds(b, ") : (");
		world_rule(b, depth - 1, number);
		cdp_buf_adds(b, "))");
	} else {
		for (unsigned i = 0; i < n; i++) {
			cdp_buf_adds(b, i == 0 ? "(" : kind < 7 ? " && (" : " || (");
			world_rule(b, depth - 1, number);
			cdp_buf_adds(b, ")");
		}
	}
}

/* ---- random profiles ---- */

static void add_member(struct cdp_buf *b, const char *name, const char *const *values,
		       unsigned count)
{
	unsigned i = world_pick(count);

	if (!*values[i])
		return;
	if (b->p[b->n - 1] != '{')
		cdp_buf_addc(b, ',');
	cdp_buf_addf(b, "\"%s\":%s", name, values[i]);
}

void world_profile(struct cdp_buf *b, unsigned number)
{
	static const char *const texts[] = { "",        "null",     "\"x\"",
					     "\"yy\"",  "\"yzy\"",  "\"z\\u0079\"",
					     "\"\"",    "5",        "true",
					     "[\"x\"]", "\"\\\"\"", "\"x\"" };
	static const char *const numbers[] = { "",
					       "null",
					       "5",
					       "5.0",
					       "5.5",
					       "-1",
					       "7.5",
					       "\"5\"",
					       "true",
					       "1e400",
					       "9007199254740993",
					       "9007199254740992",
					       "4",
					       "6",
					       "0.1",
					       "-0",
					       "1e15",
					       "{}" };
	static const char *const bools[] = {
		"", "null", "true", "false", "1", "\"true\""
	};
	static const char *const lists[] = { "",        "[1,2]",     "[1.0,2]", "[]",
					     "[\"x\"]", "[5,\"x\"]", "\"x\"",   "7" };
	static const char *const objects[] = { "", "{\"p\":\"x\"}", "{}", "{\"p\":null}",
					       "5" };

	cdp_buf_addf(b, "{\"one_id\":\"%04u\",\"tags\":{", number);
	add_member(b, "a", texts, 12);
	add_member(b, "c", texts, 12);
	add_member(b, "n", numbers, 18);
	add_member(b, "m", numbers, 18);
	add_member(b, "b", bools, 6);
	add_member(b, "l", lists, 8);
	add_member(b, "o", objects, 5);
	cdp_buf_adds(b, "}}\n");
}
