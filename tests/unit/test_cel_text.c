/* Lexis, literals, strings, conversions and what the parser refuses (specification:
 * Syntax, String and Bytes Values, Types and Conversions). */
#include "cel.h"
#include "tap.h"

#include "lang/ast.h"

#include <stdlib.h>
#include <string.h>

#define T "{\"type\":\"bool\",\"value\":true}"
#define F "{\"type\":\"bool\",\"value\":false}"
#define S(text) "{\"type\":\"string\",\"value\":\"" text "\"}"

static const struct cel_case literals[] = {
	{ "0x1F", "{\"type\":\"int\",\"value\":31}" },
	{ "-0x55555555", "{\"type\":\"int\",\"value\":-1431655765}" },
	{ "0xfFu", "{\"type\":\"uint\",\"value\":255}" },
	{ "7U", "{\"type\":\"uint\",\"value\":7}" },
	{ "007", "{\"type\":\"int\",\"value\":7}" },
	{ ".5", "{\"type\":\"double\",\"value\":0.5}" },
	{ "1e3", "{\"type\":\"double\",\"value\":1000}" },
	{ "00.25e+1", "{\"type\":\"double\",\"value\":2.5}" },
	{ "-2.3e+1", "{\"type\":\"double\",\"value\":-23}" },
	{ "1e999", "{\"type\":\"double\",\"value\":\"Infinity\"}" },
	{ "12abc", "usage: 1:3: unexpected 'a' after a number" },
	{ "1.", "usage: 1:3: unexpected end" },
	{ "true", T },
	{ "null", "{\"type\":\"null\",\"value\":null}" },
	{ "[]", "{\"type\":\"list\",\"value\":[]}" },
	{ "{}", "{\"type\":\"map\",\"value\":[]}" },
	{ "[1, 2,]", "{\"type\":\"list\",\"value\":[{\"type\":\"int\",\"value\":1},"
		     "{\"type\":\"int\",\"value\":2}]}" },
	{ "{'k': 1u,}",
	  "{\"type\":\"map\",\"value\":[[{\"type\":\"string\",\"value\":\"k\"},"
	  "{\"type\":\"uint\",\"value\":1}]]}" },
	{ "int", "{\"type\":\"type\",\"value\":\"int\"}" },
	{ "type(null)", "{\"type\":\"type\",\"value\":\"null_type\"}" },
	{ "1 // one\n + // two\n 2", "{\"type\":\"int\",\"value\":3}" },
};

static const struct cel_case strings[] = {
	{ "'a\"b'", S("a\\\"b") },
	{ "\"it's\"", S("it's") },
	{ "'''x''y'''", S("x''y") },
	{ "\"\"\"a\nb\"\"\"", S("a\\nb") },
	{ "''", S("") },
	{ "r''''''", S("") },
	{ "'\\x41\\101\\u0041\\U00000041'", S("AAAA") },
	{ "'\\377'", S("\xc3\xbf") },
	{ "b'\\377'", "{\"type\":\"bytes\",\"value\":\"/w==\"}" },
	{ "b'\\xfe\\x01'", "{\"type\":\"bytes\",\"value\":\"/gE=\"}" },
	{ "b'\xc3\xbf'", "{\"type\":\"bytes\",\"value\":\"w78=\"}" },
	{ "r'\\n'", S("\\\\n") },
	{ "bR'\\n'", "{\"type\":\"bytes\",\"value\":\"XG4=\"}" },
	{ "'\\a\\b\\f\\n\\r\\t\\v\\?\\`' == '\\x07\\x08\\x0c\\x0a\\x0d\\x09\\x0b?`'", T },
	{ "'\\U0001F431'", S("\xf0\x9f\x90\xb1") },
	{ "'\\ud800'", "usage: 1:2: escape is no Unicode character" },
	{ "'\\U00110000'", "usage: 1:2: escape is no Unicode character" },
	{ "'\\s'", "usage: 1:2: invalid escape '\\s' in a string" },
	{ "'\\x4'", "usage: 1:2: expected 2 hexadecimal digits" },
	{ "'\\400'", "usage: 1:2: invalid escape" },
	{ "b'\\u0041'", "usage: 1:3: invalid escape '\\u' in a bytes literal" },
	{ "'abc", "usage: 1:1: string is not closed" },
	{ "'a\nb'", "usage: 1:1: string is not closed" },
	{ "'''abc''", "usage: 1:1: string is not closed" },
	{ "'abc\\", "usage: 1:5: string is not closed" },
};

static const struct cel_case functions[] = {
	{ "size('\xe9\x93\xb6\xe8\xa1\x8c')", "{\"type\":\"int\",\"value\":2}" },
	{ "'\xe9\x93\xb6'.size() + size(b'\xe9\x93\xb6')",
	  "{\"type\":\"int\",\"value\":4}" },
	{ "size([1, 2]) + size({1: 1})", "{\"type\":\"int\",\"value\":3}" },
	{ "size(1)", "error: no such overload: size(int)" },
	{ "'foobar'.startsWith('foo') && !'foobar'.startsWith('bar')", T },
	{ "'foobar'.endsWith('bar') && 'foobar'.endsWith('')", T },
	{ "'bar'.endsWith('foobar')", F },
	{ "'abababc'.contains('ababc') && ''.contains('')", T },
	{ "'a'.contains(1)", "error: no such overload" },
	{ "'banana'.matches('^ba(na)*$') && matches('abcd', 'bc')", T },
	{ "'abc\\n'.matches('c$')", F },
	{ "'a\\nb'.matches('a.b')", F },
	{ "'x'.matches('(')", "error: invalid pattern" },
	{ "['b', 'c'].map(p, 'abc'.matches(p)) == [true, true]", T },
	{ "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'.matches('(a+)+$')",
	  "error: pattern gave up" },
};

/* Text as CEL's strings extension has it; nfkc() is ours. */
#define CN "\xe5\x8c\x97\xe4\xba\xac" /* two characters */
static const struct cel_case cleaning[] = {
	{ "' \\t\u00a0\u3000a b\u2003\\n'.trim() == 'a b' && '  '.trim() == ''", T },
	{ "'ABc\u00c4'.lowerAscii() == 'abc\u00c4'", T },
	{ "'z{a`\u00e4'.upperAscii() == 'Z{A`\u00e4'", T },
	{ "'\uff11\uff13\uff18\uff21'.nfkc() == '138A'", T },
	{ "'" CN "x'.substring(1, 3) == '" CN "x'.substring(1)", T },
	{ "'" CN "'.substring(2) == '' && ''.substring(0, 0) == ''", T },
	{ "'ab'.substring(3)", "error: substring() of a range" },
	{ "'ab'.substring(-1)", "error: substring() of a range" },
	{ "'ab'.substring(2, 1)", "error: substring() of a range" },
	{ "'a-b-c'.replace('-', '') == 'abc' && 'aaa'.replace('aa', 'b') == 'ba'", T },
	{ "'a-b-c'.replace('-', '+', 1) == 'a+b-c'", T },
	{ "'aa'.replace('a', 'b', 0) == 'aa' && 'aa'.replace('a', 'b', -1) == 'bb'", T },
	{ "'a'.replace('', 'b')", "error: replace() of an empty string" },
	{ "'a'.replace(1, 'b')",
	  "error: no such overload: replace(string, int, string)" },
	{ "'a,b,,c'.split(',') == ['a', 'b', '', 'c'] && ''.split(',') == ['']", T },
	{ "'a,b,c'.split(',', 2) == ['a', 'b,c'] && 'a'.split(',', 0) == []", T },
	{ "',a,'.split(',') == ['', 'a', '']", T },
	{ "'" CN "'.split('').size() == 2 && ''.split('') == []", T },
	{ "['a', 'b'].join('-') == 'a-b' && [].join() == '' && ['a', 'b'].join() == 'ab'",
	  T },
	{ "['a', 1].join()", "error: join() of a list that has int in it" },
	{ "'a'.join()", "error: no such overload: join(string)" },
};

static const struct cel_case conversions[] = {
	{ "int('-987')", "{\"type\":\"int\",\"value\":-987}" },
	{ "int('9.5')", "error: cannot convert '9.5' to int" },
	{ "int('')", "error: cannot convert" },
	{ "int(' 1')", "error: cannot convert" },
	{ "int(-7.9)", "{\"type\":\"int\",\"value\":-7}" },
	{ "int(9223372036854775807.0)", "error: range error" },
	{ "int(-9223372036854775808.0)", "error: range error" },
	{ "int(0.0 / 0.0)", "error: range error" },
	{ "int(18446744073709551615u)", "error: range error" },
	{ "int(true)", "error: no such overload" },
	{ "uint(-1)", "error: range error" },
	{ "uint(25.5)", "{\"type\":\"uint\",\"value\":25}" },
	{ "uint(18446744073709551616.0)", "error: range error" },
	{ "uint('300')", "{\"type\":\"uint\",\"value\":300}" },
	{ "uint('-1')", "error: cannot convert" },
	{ "double('-84.32e7')", "{\"type\":\"double\",\"value\":-843200000}" },
	{ "double('-0.0')", "{\"type\":\"double\",\"value\":-0.0}" },
	{ "double('NaN')", "{\"type\":\"double\",\"value\":\"NaN\"}" },
	{ "double('-inf')", "{\"type\":\"double\",\"value\":\"-Infinity\"}" },
	{ "double('+007.')", "{\"type\":\"double\",\"value\":7}" },
	{ "double('.')", "error: cannot convert" },
	{ "double('1x')", "error: cannot convert" },
	{ "double('')", "error: cannot convert" },
	{ "double('--1')", "error: cannot convert" },
	{ "string(-4.5e-3)", S("-0.0045") },
	{ "string(9876u)", S("9876") },
	{ "string(true)", S("true") },
	{ "string(b'\\303\\277')", S("\xc3\xbf") },
	{ "string(b'\\000\\xff')", "error: invalid UTF-8" },
	{ "string([1])", "error: no such overload" },
	{ "bytes('\xc3\xbf') == b'\\303\\277'", T },
	{ "bool('t') && bool('1') && bool('True')", T },
	{ "bool('False')", F },
	{ "bool('TrUe')", "error: cannot convert 'TrUe' to bool" },
	{ "bool(1)", "error: no such overload" },
	{ "dyn(1.5)", "{\"type\":\"double\",\"value\":1.5}" },
	{ "int()", "error: int() takes 1 argument, not 0" },
};

static const struct cel_case refused[] = {
	{ "", "usage: 1:1: unexpected end, expected an expression" },
	{ "1 +", "usage: 1:4: unexpected end" },
	{ "(1", "usage: 1:3: unexpected end, expected ')'" },
	{ "1 2", "usage: 1:3: unexpected '2', expected an operator or the end" },
	{ "a = 1", "usage: 1:3: unexpected '='; did you mean '=='?" },
	{ "a & b", "usage: 1:3: unexpected '&'; did you mean '&&'?" },
	{ "[1,, 2]", "usage: 1:4: unexpected ','" },
	{ "f(1,)", "usage: 1:5: unexpected ')'" },
	{ "{1}", "usage: 1:3: unexpected '}', expected ':'" },
	{ "a.in", "usage: 1:3: unexpected 'in'" },
	{ "if", "usage: 1:1: 'if' is a reserved word" },
	{ "package.a", "usage: 1:1: 'package' is a reserved word" },
	{ "M{a: 1}", "usage: 1:2: messages are not supported" },
	{ "a.b.M{}", "usage: 1:6: messages are not supported" },
	{ "1 ? 2", "usage: 1:6: unexpected end, expected ':'" },
	{ "!-1", "usage: 1:2: unexpected '-'" },
	{ "1 \n+ \n \xe9\x93\xb6 +", "usage: 3:5: unexpected end" },
	{ "'\xe9\x93\xb6' # 1", "usage: 1:5: unexpected '#'" },
	{ "'a\xff'", "usage: 1:3: invalid UTF-8" },
	{ "\xe2\x80\x9c"
	  "a\xe2\x80\x9d",
	  "usage: 1:1: unexpected '\xe2\x80\x9c'" },
	{ "\x01", "usage: 1:1: unexpected control character" },
};

/* Text of `n` copies of `part`. */
static char *repeat(const char *head, const char *part, size_t n, const char *tail)
{
	struct cdp_buf b;
	size_t len;
	char *s;

	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_adds(&b, head);
	for (size_t i = 0; i < n; i++)
		cdp_buf_adds(&b, part);
	cdp_buf_adds(&b, tail);
	cdp_buf_str(&b);
	s = cdp_buf_detach(&b, &len);
	cdp_buf_release(&b);
	return s;
}

static void check_long(const char *head, const char *part, size_t n, const char *tail,
		       const char *want, const char *name)
{
	char *s = repeat(head, part, n, tail);
	struct cdp_env env = { 0 };
	const char *got = cel_answer(s, strlen(s), &env, NULL);

	ok(strncmp(got, want, strlen(want)) == 0, "%s: %.100s", name, got);
	free(s);
}

static void limits(void)
{
	check_long("", "(", 90, "1", "usage: 1:92: unexpected end", "90 brackets nest");
	check_long("", "(", 200, "1", "usage: 1:101: expression is nested too deeply",
		   "200 brackets are too many");
	check_long("", "[", 60000, "", "usage: 1:", "60000 brackets are too many");
	check_long("1", "+1", 900, "", "{\"type\":\"int\",\"value\":901}",
		   "a long sum is fine");
	check_long("1", "+1", 2000, "", "usage: 1:2002: expression is too long a chain",
		   "a sum may not be higher than the tree may be");
	check_long("true", "&&true", 10000, "", T, "a chain of && may be any length");
	check_long("", "!", 900, "true", T, "negations repeat");
	check_long("", "-", 1100, "1", "usage: 1:1001: expression is too long",
		   "1100 signs are too many");
	check_long("'", "a", 1048575, "'", "usage: expression is longer than 1024 KiB",
		   "text over 1 MiB is refused");
	check_long("'P0' in [", "'P123456',", 88000, "'P0']", T,
		   "a list may name 88000 products");
	check_long("", "[0].all(a, ", 17, "true", "usage: ", "17 macros do not nest");
	check_long("", "true ? true : ", 32, "false", T, "32 conditionals chain");
	check_long("[", "1,", 30000, "2][30000]", "{\"type\":\"int\",\"value\":2}",
		   "a list of 30001 items works");
}

static void canonical(const char *text, const char *want)
{
	struct cdp_arena arena;
	struct cdp_ast *a;
	struct cdp_err err;
	struct cdp_buf b;

	cdp_arena_init(&arena);
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	a = cdp_parse(text, strlen(text), &arena, &err);
	if (a)
		cdp_ast_text(&b, a);
	is_str(a ? cdp_buf_str(&b) : err.msg, want, "canonical text of %s", text);
	cdp_buf_release(&b);
	cdp_arena_release(&arena);
}

int main(void)
{
	CEL_PLAIN(literals);
	CEL_PLAIN(strings);
	CEL_PLAIN(functions);
	CEL_PLAIN(cleaning);
	CEL_PLAIN(conversions);
	CEL_PLAIN(refused);
	limits();
	canonical("a.b[\"c\"]==0x10&&!( x)", "(a.b['c'] == 16) && (!x)");
	canonical("1.0+2e30*-3", "1.0 + (2e+30 * (-3))");
	canonical("--1 + -(2)", "(-(-1)) + (-(2))");
	canonical("f(1u , b'\\x00').all(x,x>0?true:false)",
		  "f(1u, b'\\x00').all(x, (x > 0) ? true : false)");
	canonical("has(a.`b c`) || {'k':[null]}.k", "has(a.`b c`) || {'k': [null]}.k");
	return tap_done();
}
