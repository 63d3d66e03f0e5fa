/* Any bytes as a block of lines: the scanners agree with each other in all they say, and
 * with jansson about what is JSON and what stands at a path, but for known differences.
 */
#include "record/json.h"
#include "scan_pair.h"

#include <jansson.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cdp_paths *paths;
static struct cdp_scan *portable, *simd;
static int slots[PAIR_PATHS];

static void setup(void)
{
	paths = pair_paths_new(slots);
	portable = cdp_scan_new(paths);
	cdp_scan_set_impl(portable, CDP_SCAN_PORTABLE);
	simd = cdp_scan_new(paths);
	cdp_scan_set_impl(simd, CDP_SCAN_AUTO);
}

static void fail(const char *what, const struct cdp_rec *rec)
{
	fprintf(stderr, "%s: %.*s\n", what, (int)rec->len, rec->raw);
	abort();
}

/* jansson refuses numbers beyond a double or 64 bits, NUL in keys, escaped lone
 * surrogates and nothing else that is JSON. */
static bool may_refuse(const json_error_t *why)
{
	enum json_error_code code = json_error_code(why);

	return code == json_error_numeric_overflow ||
	       code == json_error_null_byte_in_key ||
	       strncmp(why->text, "invalid Unicode", 15) == 0;
}

/* It has no opinion about the outermost type, goes deeper, and overlooks a NUL after a
 * number. */
static bool may_accept(const struct cdp_rec *rec, const struct cdp_err *err)
{
	return memchr(rec->raw, '\0', rec->len) ||
	       strncmp(err->msg, "the record is", 13) == 0 ||
	       strcmp(err->msg, "nested deeper than 256") == 0;
}

static enum cdp_type type_of(const json_t *v)
{
	if (!v)
		return CDP_MISSING;
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return CDP_OBJECT;
	case JSON_ARRAY:
		return CDP_ARRAY;
	case JSON_STRING:
		return CDP_STRING;
	case JSON_INTEGER:
	case JSON_REAL:
		return CDP_NUMBER;
	case JSON_TRUE:
		return CDP_TRUE;
	case JSON_FALSE:
		return CDP_FALSE;
	default:
		return CDP_NULL;
	}
}

static void check_slots(struct cdp_rec *rec, const json_t *tree)
{
	static const char *const keys[PAIR_PATHS][4] = {
		{ "a" },
		{ "a", "b" },
		{ "a", "b", "c" },
		{ "props" },
		{ "props", "amount" },
		{ "props", "product_id" },
		{ "ids", "customer" },
		{ "ids", "device" },
		{ "ids", "x.y" },
		{ "" },
		{ "eight_by" },
		{ "nine_byte" },
		{ "sixteen_bytes_16" },
		{ "seventeen_bytes_1" },
		{ "props", "title" },
	};

	for (int i = 0; i < PAIR_PATHS; i++) {
		const struct cdp_val *v = cdp_rec_get(rec, slots[i]);
		const json_t *want = tree;

		for (int k = 0; k < 4 && keys[i][k]; k++)
			want = json_object_get(want, keys[i][k]);
		if (v->type != type_of(want))
			fail("another type", rec);
		if (v->type == CDP_STRING &&
		    !cdp_val_is(v, json_string_value(want), json_string_length(want)))
			fail("another text", rec);
		if (v->type == CDP_NUMBER && v->integral != json_is_integer(want))
			fail("another kind of number", rec);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned records = 0, bad = 0;
	struct cdp_rec rec;
	struct cdp_err err;
	const char *why;
	char *block;
	int r;

	if (!paths)
		setup();
	block = pair_block(data, size);
	cdp_scan_block(portable, block, size);
	cdp_scan_block(simd, block, size);
	why = pair_differs(portable, simd, cdp_paths_count(paths), &records, &bad);
	if (why) {
		fprintf(stderr, "%s\n", why);
		abort();
	}
	cdp_scan_block(simd, block, size);
	while ((r = cdp_scan_next(simd, &rec, &err))) {
		json_error_t reason;
		json_t *tree = json_loadb(rec.raw, rec.len,
					  JSON_DECODE_ANY | JSON_ALLOW_NUL, &reason);

		if (r > 0 && !tree && !may_refuse(&reason))
			fail("jansson refuses", &rec);
		if (r < 0 && tree && !may_accept(&rec, &err))
			fail("jansson accepts", &rec);
		if (r > 0 && tree)
			check_slots(&rec, tree);
		json_decref(tree);
	}
	free(block);
	return 0;
}
