#include "tap.h"

#include "record/json.h"

#include <stdio.h>
#include <string.h>

static struct cdp_buf out;

static struct cdp_val val(const char *text)
{
	struct cdp_val v;

	cdp_val_at(&v, text, strlen(text));
	return v;
}

static const char *text_of(const struct cdp_val *v)
{
	static char text[2][200];
	static int turn;
	char *t = text[turn = !turn];

	snprintf(t, sizeof(text[0]), "%.*s", (int)v->n, v->p);
	return t;
}

static void is_decoded(const char *json, const char *want, size_t n, const char *name)
{
	struct cdp_val v = val(json);
	struct cdp_buf tmp;
	const char *p;
	size_t got;

	cdp_buf_init(&tmp, CDP_BUF_NOMAX);
	cdp_buf_adds(&tmp, "left over");
	p = cdp_val_str(&v, &tmp, &got);
	ok(got == n && memcmp(p, want, n) == 0, "%s", name);
	ok(cdp_val_is(&v, want, n), "%s, when compared too", name);
	ok(!cdp_val_is(&v, want, n + 1), "%s, and it is no longer text", name);
	cdp_buf_release(&tmp);
}

static void test_decode(void)
{
	struct cdp_val number = val("12");

	is_decoded("\"abc\"", "abc", 3, "plain text is itself");
	is_decoded("\"\"", "", 0, "an empty string is empty");
	is_decoded("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8,
		   "short escapes are decoded");
	is_decoded("\"a\\u0041\\u00e9\\u57fA\"", "aA\xc3\xa9\xe5\x9f\xba", 7,
		   "\\u escapes become UTF-8");
	is_decoded("\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", 4,
		   "a surrogate pair is one character");
	is_decoded("\"\\ud83dx\"", "\xef\xbf\xbdx", 4,
		   "a lone high surrogate becomes U+FFFD");
	is_decoded("\"\\ude00\"", "\xef\xbf\xbd", 3,
		   "a lone low surrogate becomes U+FFFD");
	is_decoded("\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80", 7,
		   "a high surrogate before a pair is alone");
	is_decoded("\"\\ud83d\\u0041\"",
		   "\xef\xbf\xbd"
		   "A",
		   4, "an escape that is no surrogate is kept after a lone one");
	is_decoded("\"a\\u0000b\"", "a\0b", 3, "\\u0000 becomes NUL");
	ok(!cdp_val_is(&number, "12", 2), "a number is no text");
}

static void test_iterate(void)
{
	struct cdp_val
		o = val(" { \"a\" : 1 , \"b\\n\":[1,{\"x\":\"]}\"}] ,\"c\":\"}\"} "),
		a = val("[ 1 ,[],\"x\\\"]\",{} , null,true,false,-1e5 ]"), k, v;
	static const enum cdp_type types[] = { CDP_NUMBER, CDP_ARRAY, CDP_STRING,
					       CDP_OBJECT, CDP_NULL,  CDP_TRUE,
					       CDP_FALSE,  CDP_NUMBER };
	static const char *const items[] = { "1",    "[]",   "x\\\"]", "{}",
					     "null", "true", "false",  "-1e5" };
	struct cdp_iter it = { 0 };
	int i = 0;

	is_int(cdp_val_member(&o, &it, &k, &v), 1, "an object has a first member");
	is_str(text_of(&k), "a", "its key");
	is_str(text_of(&v), "1", "and its value");
	ok(v.integral, "which is integral");
	is_int(cdp_val_member(&o, &it, &k, &v), 1, "a second one");
	is_str(text_of(&k), "b\\n", "its key is raw");
	ok(k.escaped, "and marked as escaped");
	is_str(text_of(&v), "[1,{\"x\":\"]}\"}]", "brackets in strings do not count");
	is_int(cdp_val_member(&o, &it, &k, &v), 1, "a third one");
	is_str(text_of(&v), "}", "its value");
	is_int(cdp_val_member(&o, &it, &k, &v), 0, "and no fourth");
	it = (struct cdp_iter){ 0 };
	while (cdp_val_item(&a, &it, &v)) {
		is_str(text_of(&v), items[i], "item %d has its text", i);
		is_int(v.type, types[i], "item %d has its type", i);
		i++;
	}
	is_int(i, 8, "an array has all its items");
	ok(!v.integral, "a number with an exponent is not integral");
	o = val("{ }");
	a = val("[\n]");
	it = (struct cdp_iter){ 0 };
	is_int(cdp_val_member(&o, &it, &k, &v), 0, "an empty object has no member");
	it = (struct cdp_iter){ 0 };
	is_int(cdp_val_item(&a, &it, &v), 0, "an empty array has no item");
}

/* A value that the scanner found is not read again, unless the slot is of another line.
 */
static void test_known(void)
{
	struct cdp_val o = val("{\"a\":{\"b\":1},\"c\":2}"), k, v;
	struct cdp_val slot = { .p = o.p + 5, .n = 7, .type = CDP_OBJECT };
	struct cdp_iter it = { .known = &slot };

	is_int(cdp_val_member(&o, &it, &k, &v), 1, "a known member is given");
	is_str(text_of(&v), "{\"b\":1}", "as it is known");
	is_int(cdp_val_member(&o, &it, &k, &v), 1, "and the one after it");
	is_str(text_of(&v), "2", "is read");
	slot.n = 3;
	slot.type = CDP_MISSING;
	it = (struct cdp_iter){ .known = &slot };
	cdp_val_member(&o, &it, &k, &v);
	is_str(text_of(&v), "{\"b\":1}", "an empty slot that points here knows nothing");
}

static void test_write(void)
{
	struct cdp_val missing = { .type = CDP_MISSING }, v = val("\"a\\n\"");

	cdp_buf_reset(&out);
	cdp_json_str(&out, "a\"\\/\b\t\n\f\r\v\0\x1f\x7f\xc3\xa9", 15);
	is_str(cdp_buf_str(&out),
	       "\"a\\\"\\\\/\\b\\t\\n\\f\\r\\u000b\\u0000\\u001f\x7f\xc3\xa9\"",
	       "what must be escaped is, all else is left");
	cdp_buf_reset(&out);
	cdp_buf_addc(&out, '{');
	cdp_json_key(&out, "a");
	cdp_json_val(&out, &v);
	cdp_json_key(&out, "b");
	cdp_buf_addc(&out, '[');
	cdp_json_cstr(&out, "x");
	cdp_buf_addc(&out, ']');
	cdp_json_key(&out, "c");
	cdp_json_val(&out, &missing);
	cdp_json_key(&out, "d");
	v = val("[1.50]");
	cdp_json_val(&out, &v);
	cdp_buf_addc(&out, '}');
	is_str(cdp_buf_str(&out),
	       "{\"a\":\"a\\n\",\"b\":[\"x\"],\"c\":null,\"d\":[1.50]}",
	       "keys bring their commas, values their bytes");
}

static const char *splice(const char *raw, bool first)
{
	cdp_buf_reset(&out);
	cdp_rec_splice(&out, raw, strlen(raw), "k", "\"v\"", 3, first);
	return cdp_buf_str(&out);
}

static void test_splice(void)
{
	is_str(splice("{\"a\":1}", true), "{\"k\":\"v\",\"a\":1}",
	       "a member goes in front");
	is_str(splice("{\"a\":1}", false), "{\"a\":1,\"k\":\"v\"}",
	       "or behind the others");
	is_str(splice("{}", true), "{\"k\":\"v\"}", "or alone");
	is_str(splice("{ }", false), "{\"k\":\"v\" }", "white space stays");
	is_str(splice(" { \"a\" : 1 } ", false), " { \"a\" : 1,\"k\":\"v\" } ",
	       "also around tokens");
	is_str(splice(" { \"a\" : 1 } ", true), " {\"k\":\"v\", \"a\" : 1 } ",
	       "and in front");
	is_str(splice("{\"k\":{\"x\":1},\"a\":1}", true), "{\"k\":\"v\",\"a\":1}",
	       "a member that is there is replaced in its place");
	is_str(splice("{\"k\":\"old\"}", false), "{\"k\":\"v\"}",
	       "a string with its quotes");
	is_str(splice("{\"\\u006b\":1}", true), "{\"\\u006b\":\"v\"}",
	       "an escaped key is recognised and kept");
	is_str(splice("{\"k\":1,\"k\":2,\"a\":{\"k\":3}}", true),
	       "{\"k\":1,\"k\":\"v\",\"a\":{\"k\":3}}", "of duplicates the last");
}

static void test_minify(void)
{
	static const char text[] =
		" { \"a b\" : [ 1 ,\t2 ] ,\r\n\"c\\\" \" : \" \\\\\" } ";

	cdp_buf_reset(&out);
	cdp_json_minify(&out, text, sizeof(text) - 1);
	is_str(cdp_buf_str(&out), "{\"a b\":[1,2],\"c\\\" \":\" \\\\\"}",
	       "white space goes between tokens only");
}

int main(void)
{
	cdp_buf_init(&out, CDP_BUF_NOMAX);
	test_decode();
	test_iterate();
	test_known();
	test_write();
	test_splice();
	test_minify();
	cdp_buf_release(&out);
	return tap_done();
}
