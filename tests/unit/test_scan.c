#include "tap.h"

#include "base/buf.h"
#include "base/mem.h"
#include "record/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = { "portable", "avx2", "avx512" };
static const enum cdp_scan_impl impls[] = { CDP_SCAN_PORTABLE, CDP_SCAN_AVX2,
					    CDP_SCAN_AVX512 };

enum { IMPLS = 3, PAD = 64 };

static enum cdp_scan_impl impl; /* the one under test */

/* A block with its padding in memory of exactly that size, so that ASan sees overreads.
 */
static char *block(const char *text, size_t n)
{
	char *p = cdp_alloc(n + PAD);

	memcpy(p, text, n);
	memset(p + n, 'x', PAD);
	return p;
}

struct fixture {
	struct cdp_paths *paths;
	struct cdp_scan *scan;
	char *data;
	struct cdp_rec rec;
	struct cdp_err err;
};

static void open_block(struct fixture *f, const char *text, size_t n)
{
	f->scan = cdp_scan_new(f->paths);
	cdp_scan_set_impl(f->scan, impl);
	f->data = block(text, n);
	cdp_scan_block(f->scan, f->data, n);
}

static void close_block(struct fixture *f)
{
	cdp_scan_free(f->scan);
	free(f->data);
}

static int add(struct fixture *f, const char *path)
{
	return cdp_paths_add(f->paths, path, strlen(path), &f->err);
}

/* A slot as text: "s:abc", "n:12", "i:12" (integral), "-" if missing. */
static const char *show(struct fixture *f, int slot)
{
	static char text[4][300];
	static int turn;
	const struct cdp_val *v = cdp_rec_get(&f->rec, slot);
	char *t = text[turn = (turn + 1) % 4];

	if (v->type == CDP_MISSING)
		return "-";
	snprintf(t, sizeof(text[0]), "%c%s:%.*s",
		 v->type == CDP_NUMBER && v->integral ? 'i' : " 0ftns[{"[v->type],
		 v -> escaped ? "e" : "", (int)v->n, v->p);
	return t;
}

/* The only line of a text: slot of `path`, or the error. */
static const char *one(const char *text, const char *path)
{
	static char result[600];
	struct fixture f = { .paths = cdp_paths_new() };
	int slot = add(&f, path), r;

	open_block(&f, text, strlen(text));
	r = cdp_scan_next(f.scan, &f.rec, &f.err);
	if (r > 0)
		snprintf(result, sizeof(result), "%s", show(&f, slot));
	else if (r < 0)
		snprintf(result, sizeof(result), "%zu: %s", f.err.column, f.err.msg);
	else
		strcpy(result, "nothing");
	close_block(&f);
	cdp_paths_free(f.paths);
	return result;
}

static void test_values(void)
{
	is_str(one("{\"a\":\"x\"}\n", "a"), "s:x", "a string is its text without quotes");
	is_str(one("{\"a\":\"\"}\n", "a"), "s:", "an empty string is there");
	is_str(one("{\"a\":\"x\\n\"}\n", "a"), "se:x\\n",
	       "an escaped string stays escaped");
	is_str(one("{\"a\":-0.5e+3}\n", "a"), "n:-0.5e+3", "a number keeps its bytes");
	is_str(one("{\"a\":1234567890123456789}\n", "a"), "i:1234567890123456789",
	       "a number without fraction and exponent is integral");
	is_str(one("{\"a\":1e999}\n", "a"), "n:1e999",
	       "a number beyond a double is valid");
	is_str(one("{\"a\":true}\n", "a"), "t:true", "true is true");
	is_str(one("{\"a\":false}\n", "a"), "f:false", "false is false");
	is_str(one("{\"a\":null}\n", "a"), "0:null", "null is not missing");
	is_str(one("{\"a\":[1, {\"b\":2}]}\n", "a"), "[:[1, {\"b\":2}]",
	       "an array is its whole text");
	is_str(one("{\"a\":{\"b\":[]} }\n", "a"), "{:{\"b\":[]}",
	       "an object is its whole text");
	is_str(one("{}\n", "a"), "-", "an empty object has no member");
	is_str(one(" \t{ \"a\" : \r 1 , \"b\" : [ ] } \r\n", "a"), "i:1",
	       "white space may stand between tokens");
	is_str(one("{\"a\":\"\\ud800 \\u0000\"}", "a"), "se:\\ud800 \\u0000",
	       "lone surrogates and NUL may be escaped");
	is_str(one("{\"a\":\"\xe5\x9f\xba\xe9\x87\x91 \xf0\x9f\x92\xb0 \xc3\xa9\"}", "a"),
	       "s:\xe5\x9f\xba\xe9\x87\x91 \xf0\x9f\x92\xb0 \xc3\xa9",
	       "UTF-8 of two, three and four bytes is kept");
	is_str(one("{\"a\":\"\x7f\"}", "a"), "s:\x7f", "DEL may stand in a string");
}

static void test_paths(void)
{
	is_str(one("{\"p\":{\"a\":1,\"b\":{\"c\":\"deep\"}}}", "p.b.c"), "s:deep",
	       "a path leads to any depth");
	is_str(one("{\"p\":[{\"a\":1}]}", "p.a"), "-", "a path through an array ends");
	is_str(one("{\"p\":\"a\"}", "p.a"), "-", "a path through a string ends");
	is_str(one("{\"q\":{\"a\":1}}", "p.a"), "-", "another object's member is not it");
	is_str(one("{\"q\":{\"p\":{\"a\":1}}}", "p.a"), "-",
	       "a path begins at the record");
	is_str(one("{\"a.b\":1,\"a\":{\"b\":2}}", "\"a.b\""), "i:1",
	       "a quoted key may hold a dot");
	is_str(one("{\"a\":{\"\":7}}", "a.\"\""), "i:7", "a key may be empty");
	is_str(one("{\"\\u0061\\/\":1}", "\"a/\""), "i:1",
	       "an escaped key is compared decoded");
	is_str(one("{\"\\ud83d\\ude00\":1}", "\xf0\x9f\x98\x80"), "i:1",
	       "an escaped surrogate pair is one character of a key");
	is_str(one("{\"abcdefgh\":1,\"abcdefghi\":2}", "abcdefghi"), "i:2",
	       "keys that share eight bytes differ");
	is_str(one("{\"abcdefghij\":1,\"abcdefghik\":2}", "abcdefghik"), "i:2",
	       "keys that share eight bytes and the length differ");
	is_str(one("{\"aaaaaaaaaa\":1,\"aaaaaaaaa\":2}", "aaaaaaaaa"), "i:2",
	       "keys that differ in length alone differ");
	is_str(one("{\"a\\u0000\":1,\"a\":2}", "a"), "i:2",
	       "a key that ends in NUL is another key");
	is_str(one("{\"seventeen_bytes_1\":1,\"seventeen_bytes_2\":2}",
		   "seventeen_bytes_2"),
	       "i:2", "keys longer than sixteen bytes are told apart");
	is_str(one("{\"seven1een_bytes_x\":1,\"seven2een_bytes_x\":2}",
		   "seven2een_bytes_x"),
	       "i:2", "also where only their middle differs");
	is_str(one("{\"a\":1,\"a\":\"two\"}", "a"), "s:two",
	       "of duplicate keys the last counts");
	is_str(one("{\"p\":{\"a\":1},\"p\":{\"b\":2}}", "p.a"), "-",
	       "a second object takes the first one's members away");
	is_str(one("{\"p\":{\"a\":1},\"p\":3}", "p.a"), "-",
	       "a second value that is no object takes them away too");
	is_str(one("{\"p\":{\"q\":{\"a\":1}},\"p\":{\"q\":{}}}", "p.q.a"), "-",
	       "also two levels below");
	is_str(one("{\"p\":1,\"p\":{\"a\":1}}", "p.a"), "i:1",
	       "a second value that is an object brings its members");
}

static void test_path_texts(void)
{
	struct fixture f = { .paths = cdp_paths_new() };
	static const struct {
		const char *text;
		size_t column;
		const char *why;
	} bad[] = {
		{ "", 1, "empty key in a member path" },
		{ "a.", 3, "empty key in a member path" },
		{ ".a", 1, "empty key in a member path" },
		{ "a..b", 3, "empty key in a member path" },
		{ "a b", 2, "a byte that must stand in double quotes in a member path" },
		{ "a[0]", 2, "a byte that must stand in double quotes in a member path" },
		{ "a.\"b", 3, "unterminated quote in a member path" },
		{ "\"b\"c", 4, "text after a quoted key in a member path" },
		{ "x.\"\\q\"", 4, "invalid escape '\\q'" },
	};
	const char *keys[2] = { "props", "a.b" };
	size_t lens[2] = { 5, 3 };
	int a, b;

	is_int(add(&f, "one_id"), CDP_SLOT_ONE_ID, "one_id has its fixed slot");
	is_int(add(&f, "type"), CDP_SLOT_TYPE, "type has its fixed slot");
	a = add(&f, "props.amount");
	is_int(a, CDP_SLOT_FIXED, "new paths follow the fixed ones");
	b = add(&f, "props");
	is_int(b, CDP_SLOT_FIXED + 1, "a prefix of a path is a path of its own");
	is_int(add(&f, "\"props\".\"\\u0061mount\""), a,
	       "another spelling is the same slot");
	a = add(&f, "props.\"a.b\"");
	is_int(cdp_paths_add_keys(f.paths, keys, lens, 2), a,
	       "decoded keys give the same slot");
	is_int(cdp_paths_count(f.paths), CDP_SLOT_FIXED + 3, "slots are counted");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		is_int(add(&f, bad[i].text), -1, "'%s' is no path", bad[i].text);
		is_str(f.err.msg, bad[i].why, "'%s' has its reason", bad[i].text);
		is_int((int)f.err.column, (int)bad[i].column, "'%s' has its column",
		       bad[i].text);
		is_int(f.err.kind, CDP_ERR_USAGE, "'%s' is a usage error", bad[i].text);
	}
	cdp_paths_free(f.paths);
}

static void test_many_paths(void)
{
	struct fixture f = { .paths = cdp_paths_new() };
	struct cdp_buf b;
	char name[40];
	int wrong = 0;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_adds(&b, "{\"props\":{");
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "props.key_%d", i);
		wrong += add(&f, name) != CDP_SLOT_FIXED + i;
		cdp_buf_addf(&b, "%s\"key_%d\":%d", i ? "," : "", i, i);
	}
	cdp_buf_adds(&b, "}}\n");
	open_block(&f, b.p, b.n);
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), 1, "a wide record is read");
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "i:%d", i);
		wrong += strcmp(show(&f, CDP_SLOT_FIXED + i), name) != 0;
	}
	is_int(wrong, 0, "each of 500 paths finds its value");
	close_block(&f);
	cdp_paths_free(f.paths);
	cdp_buf_release(&b);
}

static void test_errors(void)
{
	static const struct {
		const char *text, *error;
	} t[] = {
		{ "{\"a\":1}}", "8: unexpected '}'" },
		{ "{\"a\":1", "7: unexpected end of line" },
		{ "{\"a\":}", "6: unexpected '}'" },
		{ "{\"a\" 1}", "6: unexpected '1'" },
		{ "{a:1}", "2: unexpected 'a'" },
		{ "{'a':1}", "2: unexpected \"'\"" },
		{ "{\"a\":1,}", "8: unexpected '}'" },
		{ "{\"a\":[1,]}", "9: unexpected ']'" },
		{ "{\"a\":[1}", "8: unexpected '}'" },
		{ "{\"a\":{]}", "7: unexpected ']'" },
		{ "{,}", "2: unexpected ','" },
		{ "{\"a\":[,]}", "7: unexpected ','" },
		{ "{\"a\":1 2}", "8: unexpected '2'" },
		{ "{\"a\":1}x", "8: unexpected 'x'" },
		{ "{\"a\":1}{\"b\":2}", "8: unexpected '{'" },
		{ "{\"a\":\"x", "6: unterminated string" },
		{ "{\"a\":\"x\\", "6: unterminated string" },
		{ "{\"a", "2: unterminated string" },
		{ "{\"a\":\"\\q\"}", "7: invalid escape '\\q'" },
		{ "{\"a\":\"\\u12g4\"}", "7: '\\u' without four hex digits" },
		{ "{\"a\":\"\\u12", "7: '\\u' without four hex digits" },
		{ "{\"a\":\"\t\"}", "7: control byte 0x09 in string" },
		{ "{\"a\":\"1234567\x01\"}", "14: control byte 0x01 in string" },
		{ "{\"a\":01}", "6: leading zero in number" },
		{ "{\"a\":-01}", "7: leading zero in number" },
		{ "{\"a\":-}", "7: no digit after '-'" },
		{ "{\"a\":-x}", "7: no digit after '-'" },
		{ "{\"a\":1.}", "8: no digit after '.'" },
		{ "{\"a\":.5}", "6: unexpected '.'" },
		{ "{\"a\":+1}", "6: unexpected '+'" },
		{ "{\"a\":1e}", "8: no digit in exponent" },
		{ "{\"a\":1e+}", "9: no digit in exponent" },
		{ "{\"a\":1x}", "7: unexpected 'x'" },
		{ "{\"a\":tru}", "6: expected 'true'" },
		{ "{\"a\":trux}", "6: expected 'true'" },
		{ "{\"a\":truex}", "10: unexpected 'x'" },
		{ "{\"a\":falsy}", "6: expected 'false'" },
		{ "{\"a\":nan}", "6: expected 'null'" },
		{ "{\"a\":NaN}", "6: unexpected 'N'" },
		{ "{\"a\":\"\xff\"}", "7: invalid UTF-8" },
		{ "{\"a\":\"\x80\"}", "7: invalid UTF-8" },
		{ "{\"a\":\"\xc0\x80\"}", "7: invalid UTF-8" },
		{ "{\"a\":\"\xc1\xbf\"}", "7: invalid UTF-8" },
		{ "{\"a\":\"\xe0\x9f\xbf\"}", "7: invalid UTF-8" },
		{ "{\"a\":\"\xed\xa0\x80\"}", "7: invalid UTF-8" },
		{ "{\"a\":\"\xf0\x8f\xbf\xbf\"}", "7: invalid UTF-8" },
		{ "{\"a\":\"\xf4\x90\x80\x80\"}", "7: invalid UTF-8" },
		{ "{\"a\":\"\xf5\x80\x80\x80\"}", "7: invalid UTF-8" },
		{ "{\"a\":\"\xe5\x9f\"}", "7: invalid UTF-8" },
		{ "{\"a\":\"\xe5\x9f", "7: invalid UTF-8" },
		{ "{\"a\":\"\xc3(\"}", "7: invalid UTF-8" },
		{ "{\xe5\x9f\xba:1}", "2: unexpected byte 0xe5" },
		{ "\xef\xbb\xbf{}", "1: unexpected byte 0xef" },
		{ "{\"\xff\":1}", "3: invalid UTF-8" },
		{ "[1]", "1: the record is an array, not an object" },
		{ "  [", "3: the record is an array, not an object" },
		{ "\"x\"", "1: the record is a string, not an object" },
		{ "12", "1: the record is a number, not an object" },
		{ "true", "1: the record is a boolean, not an object" },
		{ "null", "1: the record is null, not an object" },
		{ "hello", "1: unexpected 'h'" },
		{ "}", "1: unexpected '}'" },
		{ "{\"a\":1\v}", "7: unexpected byte 0x0b" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		is_str(one(t[i].text, "a"), t[i].error,
		       "%.30s is refused with its reason", t[i].text);
}

static void test_error_path(void)
{
	struct fixture f = { .paths = cdp_paths_new() };
	static const char text[] = "{\"props\":{\"items\":[1,{\"price\":01}]}}\n";

	open_block(&f, text, sizeof(text) - 1);
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), -1, "a bad line is an error");
	is_str(f.err.path, "props.items[1].price", "the error names the member at fault");
	is_int(f.err.kind, CDP_ERR_DATA, "it is a data error");
	close_block(&f);
	cdp_paths_free(f.paths);
}

static void test_nul(void)
{
	static const char in_string[] = "{\"a\":\"x\0y\"}\n", outside[] = "{\"a\":1\0}\n";
	struct fixture f = { .paths = cdp_paths_new() };

	open_block(&f, in_string, sizeof(in_string) - 1);
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), -1, "NUL in a string is refused");
	is_str(f.err.msg, "control byte 0x00 in string", "with its reason");
	close_block(&f);
	open_block(&f, outside, sizeof(outside) - 1);
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), -1, "NUL elsewhere is refused");
	is_str(f.err.msg, "unexpected byte 0x00", "with its reason");
	close_block(&f);
	cdp_paths_free(f.paths);
}

static void test_depth(void)
{
	struct fixture f = { .paths = cdp_paths_new() };

	for (int over = 0; over < 2; over++) {
		struct cdp_buf b;
		int depth = CDP_DEPTH_MAX - 1 + over;

		cdp_buf_init(&b, CDP_BUF_NOMAX);
		cdp_buf_adds(&b, "{\"a\":");
		for (int i = 0; i < depth; i++)
			cdp_buf_addc(&b, '[');
		for (int i = 0; i < depth; i++)
			cdp_buf_addc(&b, ']');
		cdp_buf_adds(&b, "}\n");
		open_block(&f, b.p, b.n);
		if (over) {
			is_int(cdp_scan_next(f.scan, &f.rec, &f.err), -1,
			       "257 nested is too deep");
			is_str(f.err.msg, "nested deeper than 256", "with its reason");
		} else {
			is_int(cdp_scan_next(f.scan, &f.rec, &f.err), 1,
			       "256 nested is allowed");
		}
		close_block(&f);
		cdp_buf_release(&b);
	}
	cdp_paths_free(f.paths);
}

static void test_lines(void)
{
	static const char text[] = "{\"n\":1}\n\n \t\r\n{\"n\":2}\r\n{\"n\":\"open}\n"
				   "{\"n\":4}\n{\"n\":5}  \n{\"n\":6}";
	struct fixture f = { .paths = cdp_paths_new() };
	int n = add(&f, "n");

	open_block(&f, text, sizeof(text) - 1);
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), 1, "the first line is a record");
	is_str(show(&f, n), "i:1", "it is the first");
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), 1, "blank lines are skipped");
	is_str(show(&f, n), "i:2", "the record after them is next");
	is_int((int64_t)f.rec.line, 4, "blank lines count as lines");
	is_int((int64_t)f.rec.len, 7, "CR before LF is dropped");
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), -1, "a bad line is an error");
	is_int((int64_t)f.rec.line, 5, "it has its number");
	ok(f.rec.len == 11 && memcmp(f.rec.raw, "{\"n\":\"open}", 11) == 0,
	   "and its bytes");
	is_str(show(&f, n), "-", "and no values");
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), 1,
	       "the line after it is untouched");
	is_str(show(&f, n), "i:4", "it is the one after it");
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), 1, "spaces may end a line");
	is_int((int64_t)f.rec.len, 9, "they belong to the record");
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), 1, "the last line may lack its LF");
	is_str(show(&f, n), "i:6", "it is the last");
	is_int((int64_t)f.rec.len, 7, "its length is right");
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), 0, "then the block ends");
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), 0, "and stays ended");
	is_int((int64_t)cdp_scan_lines(f.scan), 8, "all lines are counted");
	is_int((int64_t)cdp_scan_blanks(f.scan), 2, "blank ones too");
	cdp_scan_block(f.scan, f.data, 0);
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), 0, "an empty block has no lines");
	cdp_scan_block(f.scan, f.data, 8);
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), 1, "a scanner takes more blocks");
	is_int((int64_t)f.rec.line, 1, "lines count from 1 in each");
	close_block(&f);
	cdp_paths_free(f.paths);
}

static void test_seen(void)
{
	static const struct {
		const char *text;
		bool compact, twice;
	} t[] = {
		{ "{\"a\":1,\"p\":{\"x\":[1,{}]}}\n", true, false },
		{ "{\"a\":\"b c\"}\r\n", true, false },
		{ "{\"a\": 1}\n", false, false },
		{ "{\"a\" :1}\n", false, false },
		{ "{\"b\":[1, 2]}\n", false, false },
		{ "{\"b\":1, \"a\":1}\n", false, false },
		{ "{ }\n", false, false },
		{ "{\"a\":1} \n", false, false },
		{ " {\"a\":1}\n", false, false },
		{ "{\"a\":1}\r\r\n", false, false },
		{ "{\"a\":1,\"a\":1}\n", true, true },
		{ "{\"a\":1,\"b\":{\"a\":2}}\n", true, false },
		{ "{\"b\":1,\"b\":2}\n", true, false },
		{ "{\"a\":{},\"a\":[]}\n", true, true },
		{ "{\"p\":{\"x\":1},\"p\":{\"x\":2}}\n", true, true },
		{ "{\"p\":1}\n", true, false },
	};
	struct fixture f = { .paths = cdp_paths_new() };

	add(&f, "a");
	add(&f, "p.x");
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		open_block(&f, t[i].text, strlen(t[i].text));
		is_int(cdp_scan_next(f.scan, &f.rec, &f.err), 1, "record %zu is read", i);
		is_int(f.rec.compact, t[i].compact, "white space is seen");
		is_int(f.rec.twice, t[i].twice, "and what came twice");
		close_block(&f);
	}
	cdp_paths_free(f.paths);
}

static void test_unique(void)
{
	static const struct {
		const char *text, *error;
		size_t column;
	} t[] = {
		{ "{\"a\":1,\"b\":{\"a\":1},\"c\":[{\"a\":1},{\"a\":1}]}", NULL, 0 },
		{ "{\"a\":1,\"b\":2,\"a\":3}", "duplicate key \"a\"", 14 },
		{ "{\"x\":{\"a\":1,\"\\u0061\":3}}", "duplicate key \"a\"", 13 },
		{ "{\"x\":[{\"\":1,\"\":3}]}", "duplicate key \"\"", 13 },
		{ "{\"a\":\"a\",\"b\":[\"a\",\"a\"]}", NULL, 0 },
	};
	struct fixture f = { .paths = cdp_paths_new() };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		open_block(&f, t[i].text, strlen(t[i].text));
		cdp_scan_set_unique_keys(f.scan, true);
		is_int(cdp_scan_next(f.scan, &f.rec, &f.err), t[i].error ? -1 : 1,
		       "unique keys: %s", t[i].text);
		if (t[i].error) {
			is_str(f.err.msg, t[i].error, "the error names the key");
			is_int((int64_t)f.err.column, (int64_t)t[i].column,
			       "and where it comes again");
		}
		close_block(&f);
	}
	cdp_paths_free(f.paths);
}

#define HEAD                                                                             \
	"{\"one_id\":\"5e1c0d9a3b7f2c44\",\"time\":\"2024-04-25T06:59:46.123Z\","        \
	"\"event\":\"buy\",\"ids\":{"

/* Records that are kept while others follow: trusted and not, completed late. */
static void test_kept(void)
{
	static const char head[] = "{\"time\":\"2024-04-25T06:59:46.12%uZ\",\"event\":"
				   "\"e%u\",\"ids\":{},\"n\":%u}\n";
	struct fixture f = { .paths = cdp_paths_new() };
	struct cdp_rec kept[4];
	char text[2000], want[16];
	int n = add(&f, "n"), len = 0;
	bool right = true;

	for (unsigned i = 0; i < 9; i++) {
		char *to = text + len;
		size_t room = sizeof(text) - (size_t)len;

		len += i % 3 ? snprintf(to, room, head, i, i, i)
			     : snprintf(to, room, "{\"n\":%u, \"event\":\"e%u\"}\n", i,
					i);
	}
	open_block(&f, text, (size_t)len);
	cdp_scan_set_trusted(f.scan, true);
	cdp_scan_set_kept(f.scan, 4);
	for (unsigned i = 0; i < 9 + 3; i++) {
		if (i < 9)
			right &= cdp_scan_next(f.scan, &kept[i % 4], &f.err) == 1;
		if (i < 3)
			continue;
		f.rec = kept[(i - 3) % 4];
		snprintf(want, sizeof(want), "s:e%u", i - 3);
		right &= strcmp(show(&f, CDP_SLOT_EVENT), want) == 0;
		right &= f.rec.complete == ((i - 3) % 3 == 0);
		snprintf(want, sizeof(want), "i:%u", i - 3);
		right &= strcmp(show(&f, n), want) == 0;
		right &= strcmp(show(&f, CDP_SLOT_TYPE), "-") == 0;
	}
	ok(right, "records stay while three more are read, and are completed then");
	close_block(&f);
	cdp_paths_free(f.paths);
}

static void test_trusted(void)
{
	static const char text[] = HEAD "\"c\":\"1\"},\"props\":{\"x\":7}}\n" HEAD "}}\n"
					"{\"event\":\"late\",\"time\":1}\n" HEAD
					"\"c\":}}\n" HEAD "\n" HEAD "},\"type\":\"t\"}";
	struct fixture f = { .paths = cdp_paths_new() };
	int x = add(&f, "props.x");

	open_block(&f, text, sizeof(text) - 1);
	cdp_scan_set_trusted(f.scan, true);
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), 1, "a canonical line is read");
	is_int(f.rec.complete, false, "only its head is");
	is_str(show(&f, CDP_SLOT_ONE_ID), "s:5e1c0d9a3b7f2c44", "one_id is known");
	is_str(show(&f, CDP_SLOT_TIME), "s:2024-04-25T06:59:46.123Z", "time is known");
	is_str(show(&f, CDP_SLOT_EVENT), "s:buy", "event is known");
	is_int(f.rec.complete, false, "none of them completes the record");
	is_str(show(&f, x), "i:7", "another slot completes it");
	is_int(f.rec.complete, true, "then it is complete");
	is_str(show(&f, CDP_SLOT_TYPE), "-", "a missing slot is missing");
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), 1, "the next one");
	is_int(f.rec.complete, false, "is incomplete again");
	is_str(show(&f, x), "-", "and does not inherit values");
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), 1, "another head is read strictly");
	is_int(f.rec.complete, true, "so it is complete");
	is_str(show(&f, CDP_SLOT_TIME), "i:1", "with its values");
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), 1, "a damaged tail passes unseen");
	is_str(show(&f, CDP_SLOT_EVENT), "s:buy", "while its head is asked for");
	is_str(show(&f, x), "-", "else its slots are missing");
	is_str(show(&f, CDP_SLOT_EVENT), "-", "all of them");
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), -1,
	       "a line cut off in the middle does not pass");
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), 1, "the last one may lack its LF");
	is_str(show(&f, CDP_SLOT_TYPE), "s:t", "and is completed like any other");
	is_int(cdp_scan_next(f.scan, &f.rec, &f.err), 0, "then the block ends");
	close_block(&f);
	cdp_paths_free(f.paths);
}

static void test_check(void)
{
	struct cdp_err err;

	is_int(cdp_json_check(" [1,\n2] ", 8, &err), 0, "any value is a JSON text");
	is_int(cdp_json_check("3", 1, &err), 0, "a number too");
	is_int(cdp_json_check("", 0, &err), -1, "an empty text is none");
	is_str(err.msg, "unexpected end of text", "with its reason");
	is_int(cdp_json_check("[1]2", 3, &err), 0, "not a byte more is read");
	is_int(cdp_json_check("1 2", 3, &err), -1, "two values are no text");
}

static bool is_here(enum cdp_scan_impl which)
{
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_scan *s = cdp_scan_new(paths);
	bool here = cdp_scan_set_impl(s, which) == 0;

	cdp_scan_free(s);
	cdp_paths_free(paths);
	return here;
}

int main(void)
{
	test_path_texts();
	test_check();
	for (int i = 0; i < IMPLS; i++) {
		impl = impls[i];
		if (!is_here(impl)) {
			printf("# no %s on this processor\n", names[i]);
			continue;
		}
		printf("# %s\n", names[i]);
		test_values();
		test_paths();
		test_many_paths();
		test_errors();
		test_error_path();
		test_nul();
		test_depth();
		test_lines();
		test_seen();
		test_unique();
		test_trusted();
		test_kept();
	}
	return tap_done();
}
