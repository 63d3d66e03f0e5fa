#include "model/segalgebra.h"

#include "base/mem.h"
#include "base/rand.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/test_segalgebra.XXXXXX";

enum { CUSTOMERS = 200, NAMES = 4 };

/* Customers' keys: "000" ... */
static const char *key_at(void *ctx, uint32_t i, size_t *n)
{
	char *text = ctx;

	*n = (size_t)snprintf(text, 8, "%03u", i);
	return text;
}

static const char *const names[NAMES] = { "a", "b", "c", "\xe9\xab\x98 d" };
static bool in[NAMES][CUSTOMERS], known[CUSTOMERS];

/* Customers in no version come first, so that "not" could meet them. */
static int fill(struct cdp_segstore *s, struct cdp_err *err)
{
	char text[8];
	uint32_t *ids = cdp_segstore_ordinals(
		s, &(struct cdp_keylist){ CUSTOMERS, key_at, text }, err);
	struct cdp_bitmap *all = cdp_bitmap_new();
	struct cdp_segstore_out *o;
	struct cdp_rand r;
	int rc;

	cdp_rand_seed(&r, 1, 1);
	for (uint32_t i = 0; i < CUSTOMERS; i++) {
		known[i] = i >= 20 && cdp_rand_below(&r, 10) > 0;
		if (known[i])
			cdp_bitmap_add(all, ids[i]);
	}
	o = cdp_segstore_begin(s, cdp_time_from_ms(0), all, err);
	for (unsigned k = 0; k < NAMES; k++) {
		struct cdp_bitmap *b = cdp_bitmap_new();

		for (uint32_t i = 0; i < CUSTOMERS; i++) {
			in[k][i] = known[i] && cdp_rand_below(&r, 2);
			if (in[k][i])
				cdp_bitmap_add(b, ids[i]);
		}
		cdp_segstore_put(o, names[k], strlen(names[k]), b, "{}", 2, err);
		cdp_bitmap_free(b);
	}
	rc = cdp_segstore_commit(o, err);
	cdp_bitmap_free(all);
	free(ids);
	return rc;
}

#define A in[0][i]
#define B in[1][i]
#define C in[2][i]
#define D in[3][i]

/* Bit k: the k-th expression for customer i. */
static const char *const exprs[] = {
	"segments.a",
	"segments.a && segments.b",
	"segments.a || segments.b || segments.c",
	"!segments.a",
	"!segments.a && !segments.b",
	"segments.a && !(segments.b || segments.c)",
	"!segments.a || segments.b",
	"segments.b || !segments.a",
	"!(!segments.a || !segments.b) && segments[\"\\u9ad8 d\"]",
	"segments.a ? segments.b : segments.c",
	"segments.a ? !segments.b : !segments['c']",
	"true",
	"false",
	"segments.a && true || false",
	"!!segments.a",
	"!(segments.a ? segments.b : true)",
};

static uint32_t want(uint32_t i)
{
	const bool v[] = {
		A,           A && B,
		A || B || C, !A,
		!A && !B,    A && !(B || C),
		!A || B,     B || !A,
		A && B && D, A ? B : C,
		A ? !B : !C, true,
		false,       A,
		A,           !(A ? B : true),
	};
	uint32_t bits = 0;

	for (unsigned k = 0; k < sizeof(v); k++)
		bits |= (uint32_t)(known[i] && v[k]) << k;
	return bits;
}

static void sets(const struct cdp_segversion *v)
{
	for (unsigned k = 0; k < sizeof(exprs) / sizeof(*exprs); k++) {
		struct cdp_err err = { 0 };
		struct cdp_segalgebra *s = cdp_segalgebra_compile(exprs[k], v, &err);
		const struct cdp_bitmap *b = s ? cdp_segalgebra_members(s, &err) : NULL;
		int good = 0;

		for (uint32_t i = 0; i < CUSTOMERS && b; i++)
			good += cdp_bitmap_has(b, i) == (want(i) >> k & 1);
		is_int(good, CUSTOMERS, "'%s' holds for whom it holds alone%s", exprs[k],
		       err.msg);
		cdp_bitmap_free(b);
		cdp_segalgebra_free(s);
	}
}

static const char *message(const char *text, const struct cdp_segversion *v)
{
	static struct cdp_err err;
	struct cdp_segalgebra *s;

	err = (struct cdp_err){ 0 };
	s = cdp_segalgebra_compile(text, v, &err);
	cdp_segalgebra_free(s);
	return err.kind == CDP_ERR_USAGE ? err.msg : "no usage error";
}

static void errors(const struct cdp_segversion *v)
{
	ok(strncmp(message("!segments.x", v), "1:11: unknown segment 'x'", 25) == 0,
	   "an unknown audience is told with its place");
	ok(strstr(message("segments.a && tags.x > 5", v), "stored audiences answer"),
	   "what needs profiles is refused");
	ok(strstr(message("segments", v), "stored audiences answer"),
	   "a name alone is no audience");
	ok(strstr(message("segments[a]", v), "stored audiences answer"),
	   "nor is an index that is no text");
	ok(strstr(message("1", v), "stored audiences answer"), "nor a number");
	ok(strncmp(message("segments.a &&", v), "1:", 2) == 0, "syntax errors point");
}

static void labels(const struct cdp_segversion *v)
{
	struct cdp_err err;
	struct cdp_segalgebra *s = cdp_segalgebra_compile("segments.a", v, &err),
			      *t = cdp_segalgebra_compile("!segments.a", v, &err);

	is_str(cdp_segalgebra_name(s), "a", "an audience alone has its name");
	ok(!cdp_segalgebra_name(t), "others have none");
	cdp_segalgebra_free(s);
	cdp_segalgebra_free(t);
}

int main(void)
{
	struct cdp_err err = { 0 };
	struct cdp_segstore *s;
	struct cdp_segversion *v = NULL;
	char *cmd;

	if (!mkdtemp(dir))
		return 1;
	s = cdp_segstore_open(dir, true, &err);
	if (!ok(s && fill(s, &err) == 0 && cdp_segversion_open(&v, s, 0, &err) == 1,
		"a version is there: %s", err.msg))
		return tap_done();
	sets(v);
	errors(v);
	labels(v);
	cdp_segversion_close(v);
	cdp_segstore_close(s);
	cmd = cdp_asprintf("rm -rf %s", dir);
	ok(system(cmd) == 0, "nothing stays");
	free(cmd);
	return tap_done();
}
