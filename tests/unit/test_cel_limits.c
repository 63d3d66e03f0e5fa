/* What one evaluation may cost, whatever an expression or a record is made of. */
#include "cel.h"

#include "tap.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* {"props":{"l":[0,1,...],"s":"aaa..."}} */
static char *record_of(size_t items, size_t letters)
{
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_adds(&b, "{\"event\":\"e\",\"props\":{\"l\":[");
	for (size_t i = 0; i < items; i++)
		cdp_buf_addf(&b, "%s%zu", i ? "," : "", i);
	cdp_buf_adds(&b, "],\"s\":\"");
	for (size_t i = 0; i < letters; i++)
		cdp_buf_addc(&b, 'a');
	cdp_buf_adds(&b, "\"}}");
	cdp_buf_addc(&b, '\0');
	return b.p;
}

static const struct cel_case long_list[] = {
	{ "props.l.exists(x, x + 20000 in props.l)",
	  "error: expression takes too many steps" },
	{ "props.l.all(x, props.l == props.l)",
	  "error: expression takes too many steps" },
	{ "props.l.all(x, props in [props])", "error: expression takes too many steps" },
	/* Each at its place is cheap. */
	{ "props.l.all(x, x in [props.l[x]])", "{\"type\":\"bool\",\"value\":true}" },
	{ "9999 in props.l && props.l == props.l", "{\"type\":\"bool\",\"value\":true}" },
	/* Ten thousand times the list would be written. */
	{ "props.l.map(x, props.l)", "error: expression needs too much memory" },
	{ "size(props.l.map(x, {'k': props.l}))",
	  "error: expression needs too much memory" },
};

static const struct cel_case long_text[] = {
	{ "props.l.all(x, props.l.all(y, props.s <= props.s))",
	  "error: expression takes too many steps" },
	{ "props.l.all(x, props.l.all(y, props.s == props.s))",
	  "error: expression takes too many steps" },
	{ "props.l.all(x, props.l.all(y, props.s.startsWith(props.s)))",
	  "error: expression takes too many steps" },
	{ "props.l.all(x, props.l.all(y, props.s.endsWith(props.s)))",
	  "error: expression takes too many steps" },
	{ "props.l.all(x, props.l.all(y, [props.s, props.s].min() != 'a'))",
	  "error: expression takes too many steps" },
	{ "size(props.l.map(x, props.l.map(y, props.s)))",
	  "error: expression needs too much memory" },
	{ "props.l.all(x, props.s != 'b' && props.s.startsWith('a'))",
	  "{\"type\":\"bool\",\"value\":true}" },
};

/* Lists of constants have an index, in which equal values have to meet. */
static const struct cel_case indexed[] = {
	{ "{'b': 2, 'a': 1u} in [0,1,2,3,4,5,6,7,8,9,10,11,12,{'a': 1, 'b': 2.0}]",
	  "{\"type\":\"bool\",\"value\":true}" },
	{ "{'a': 2, 'b': 1} in [0,1,2,3,4,5,6,7,8,9,10,11,12,{'a': 1, 'b': 2}]",
	  "{\"type\":\"bool\",\"value\":false}" },
	{ "0.0/0.0 in [0.0/0.0,1,2,3,4,5,6,7,8,9,10,11,12,0.0/0.0]",
	  "{\"type\":\"bool\",\"value\":false}" },
	{ "12 in [0.0/0.0,1,2,3,4,5,6,7,8,9,10,11,0.0/0.0,12]",
	  "{\"type\":\"bool\",\"value\":true}" },
	{ "-0.0 in [0,1,2,3,4,5,6,7,8,9,10,11,12]",
	  "{\"type\":\"bool\",\"value\":true}" },
};

/* Parts that are shared: little memory, and a billion items to walk through. */
static void shared(void)
{
	struct cdp_env env = { .run = cel_run() };
	struct cdp_buf b;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	for (int depth = 0; depth < 3; depth++) {
		for (int i = 0; i < 1000; i++)
			cdp_buf_addf(&b, "%s%d", i ? "," : "[", i);
		cdp_buf_addf(&b, "].map(x%d, ", depth);
	}
	cdp_buf_adds(&b, "1)))");
	is_str(cel_answer(b.p, b.n, &env, NULL),
	       "error: expression needs too much memory",
	       "a list of shared lists has a size");
	/* What constants cost counts once for all of an expression. */
	cdp_buf_reset(&b);
	for (int i = 0; i < 40; i++) {
		cdp_buf_adds(&b, i ? " + " : "");
		cdp_buf_adds(&b, "size([0,1,2,3,4,5,6,7,8,9].map(a, "
				 "[0,1,2,3,4,5,6,7,8,9].filter(b, "
				 "[0,1,2,3,4,5,6,7,8,9].all(c, "
				 "[0,1,2,3,4,5,6,7,8,9].all(d, "
				 "[0,1,2,3,4,5,6,7,8,9].all(e, a + b + c + d + e >= "
				 "0))))))");
	}
	is_str(cel_answer(b.p, b.n, &env, NULL), "error: expression takes too many steps",
	       "many constants together take too many steps");
	cdp_buf_release(&b);
}

int main(void)
{
	char *list = record_of(10000, 0), *text = record_of(500, 40000);

	CEL_RECORD(long_list, list, NULL);
	CEL_RECORD(long_text, text, NULL);
	CEL_PLAIN(indexed);
	shared();
	free(list);
	free(text);
	return tap_done();
}
