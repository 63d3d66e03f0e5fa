/* Operators, logic, equality and order (specification: Logical Operators, Equality,
 * Ordering, Overflow, Arithmetic Operators). */
#include "cel.h"
#include "tap.h"

static const struct cel_case arithmetic[] = {
	{ "40 + 2", "{\"type\":\"int\",\"value\":42}" },
	{ "-7 / 2", "{\"type\":\"int\",\"value\":-3}" },
	{ "-7 % 2", "{\"type\":\"int\",\"value\":-1}" },
	{ "7 % -2", "{\"type\":\"int\",\"value\":1}" },
	{ "2 + 3 * 4", "{\"type\":\"int\",\"value\":14}" },
	{ "(2 + 3) * 4", "{\"type\":\"int\",\"value\":20}" },
	{ "10 - 4 - 3", "{\"type\":\"int\",\"value\":3}" },
	{ "9223372036854775807 + 1", "error: integer overflow" },
	{ "-9223372036854775808 - 1", "error: integer overflow" },
	{ "-9223372036854775808", "{\"type\":\"int\",\"value\":-9223372036854775808}" },
	{ "-(-9223372036854775808)", "error: integer overflow" },
	{ "--9223372036854775808", "error: integer overflow" },
	{ "-9223372036854775808 / -1", "error: integer overflow" },
	{ "-9223372036854775808 % -1", "error: integer overflow" },
	{ "5000000000 * 5000000000", "error: integer overflow" },
	{ "9223372036854775808", "usage: 1:1: integer '9223372036854775808' does not" },
	{ "18446744073709551615u", "{\"type\":\"uint\",\"value\":18446744073709551615}" },
	{ "18446744073709551615u + 1u", "error: unsigned integer overflow" },
	{ "0u - 1u", "error: unsigned integer overflow" },
	{ "-(1u)", "error: no such overload" },
	{ "7u / 2u", "{\"type\":\"uint\",\"value\":3}" },
	{ "1 / 0", "error: division by zero" },
	{ "1 % 0", "error: modulus by zero" },
	{ "1u % 0u", "error: modulus by zero" },
	{ "1.0 / 0.0", "{\"type\":\"double\",\"value\":\"Infinity\"}" },
	{ "-1.0 / 0.0", "{\"type\":\"double\",\"value\":\"-Infinity\"}" },
	{ "0.0 / 0.0", "{\"type\":\"double\",\"value\":\"NaN\"}" },
	{ "-(0.0)", "{\"type\":\"double\",\"value\":-0.0}" },
	{ "5.5 % 2.0", "error: no such overload" },
	{ "1 + 1.5", "error: no such overload: int + double" },
	{ "1 + 1u", "error: no such overload" },
	{ "dyn(1) + 1.5", "error: no such overload" },
	{ "'a' + 'b'", "{\"type\":\"string\",\"value\":\"ab\"}" },
	{ "'a' + 1", "error: no such overload: string + int" },
	{ "b'a' + b'\\xff'", "{\"type\":\"bytes\",\"value\":\"Yf8=\"}" },
	{ "[1] + ['b']", "{\"type\":\"list\",\"value\":[{\"type\":\"int\",\"value\":1},"
			 "{\"type\":\"string\",\"value\":\"b\"}]}" },
	{ "'a' - 'a'", "error: no such overload" },
	{ "-'a'", "error: no such overload" },
	{ "true + true", "error: no such overload" },
};

#define T "{\"type\":\"bool\",\"value\":true}"
#define F "{\"type\":\"bool\",\"value\":false}"

static const struct cel_case logic[] = {
	{ "true && false", F },
	{ "true || false", T },
	{ "!true", F },
	{ "!!true", T },
	{ "!0", "error: no such overload" },
	/* an operand that decides makes the error of the other vanish, on either side */
	{ "1 / 0 > 1 || true", T },
	{ "true || 1 / 0 > 1", T },
	{ "1 / 0 > 1 && false", F },
	{ "false && 1 / 0 > 1", F },
	{ "1 / 0 > 1 && true", "error: division by zero" },
	{ "1 / 0 > 1 || false", "error: division by zero" },
	{ "'horse' && false", F },
	{ "'horse' || 1", "error: no such overload" },
	{ "true && true && true && 7", "error: no such overload" },
	{ "unknown || true", T },
	{ "f_unknown(17) || true", T },
	{ "a.package() || true", T },
	{ "unknown", "error: unknown name 'unknown'" },
	{ "true ? 1 : 1 / 0", "{\"type\":\"int\",\"value\":1}" },
	{ "false ? 1 / 0 : 2", "{\"type\":\"int\",\"value\":2}" },
	{ "1 / 0 > 0 ? 1 : 2", "error: division by zero" },
	{ "'x' ? 1 : 2", "error: no such overload" },
	{ "false ? 1 : true ? 2 : 3", "{\"type\":\"int\",\"value\":2}" },
	{ "1 < 2 == true", T },
	{ "true || false && false", T },
};

static const struct cel_case equality[] = {
	{ "1 == 1.0", T },
	{ "1u == 1", T },
	{ "-1 == 18446744073709551615u", F },
	{ "1 == '1'", F },
	{ "null == false", F },
	{ "null == null", T },
	{ "0.0 / 0.0 == 0.0 / 0.0", F },
	{ "0.0 / 0.0 != 0.0 / 0.0", T },
	{ "-0.0 == 0.0", T },
	{ "[1, 2.0] == [1.0, 2]", T },
	{ "[1, 2] == [2, 1]", F },
	{ "{'a': 1, 'b': 2} == {'b': 2.0, 'a': 1u}", T },
	{ "{'a': 1} == {'a': 1, 'b': 2}", F },
	{ "b'abc' == 'abc'", F },
	{ "type(1) == int", T },
	{ "type(1) == type(1.0)", F },
	{ "type(type(1)) == type", T },
	{ "'\\u00e9' == 'e\\u0301'", F },
	/* once in range, an int meets a double as a double */
	{ "9223372036854775807 == 9223372036854775808.0", T },
	{ "9223372036854775807 < 9223372036854777857.0", T },
};

static const struct cel_case order[] = {
	{ "-1 < 0u", T },
	{ "1 < 9223372036854775808u", T },
	{ "18446744073709551615u < -1.0", F },
	{ "1 <= 1.5 && 2u >= 1.5", T },
	{ "0.0 / 0.0 < 1.0 || 0.0 / 0.0 >= 1.0", F },
	{ "'abc' < 'abcd' && 'Abc' < 'aBC'", T },
	{ "'f' < '\\u1ebf'", T },
	{ "b'\\xff' > b'z'", T },
	{ "false < true", T },
	{ "[1] < [2]", "error: no such overload" },
	{ "null < null", "error: no such overload" },
	{ "'a' < 1", "error: no such overload" },
};

static const struct cel_case containers[] = {
	{ "[7, 8, 9][0]", "{\"type\":\"int\",\"value\":7}" },
	{ "[7, 8, 9][2u]", "{\"type\":\"int\",\"value\":9}" },
	{ "[7, 8, 9][1.0]", "{\"type\":\"int\",\"value\":8}" },
	{ "[7, 8, 9][1.5]", "error: invalid list index" },
	{ "[7][1]", "error: invalid list index" },
	{ "[7][-1]", "error: invalid list index" },
	{ "[7]['0']", "error: invalid list index" },
	{ "{'a': 1}.a", "{\"type\":\"int\",\"value\":1}" },
	{ "{'a': 1}['b']", "error: no such key: 'b'" },
	{ "{'a': 1}.b", "error: no such member 'b'" },
	{ "{1u: 'x'}[1.0]", "{\"type\":\"string\",\"value\":\"x\"}" },
	{ "{true: 'x'}[true]", "{\"type\":\"string\",\"value\":\"x\"}" },
	{ "{'a b': 1}.`a b`", "{\"type\":\"int\",\"value\":1}" },
	{ "{'as': 1}.as", "{\"type\":\"int\",\"value\":1}" },
	{ "{1.5: 1}", "error: unsupported key type" },
	{ "{null: 1}", "error: unsupported key type" },
	{ "{1: 1, 1u: 2}", "error: repeated key" },
	{ "5.a", "error: no member 'a' in a value of type int" },
	{ "2 in [1, 2.0]", T },
	{ "'a' in {'a': 1}", T },
	{ "'a' in []", F },
	{ "3.1 in {3: 1}", F },
	{ "'a' in 'abc'", "error: no such overload" },
	{ "'k' in ['a','b','c','d','e','f','g','h','i','j','k','l','m','n']", T },
	{ "5u in [1,2,3,4,5.0,6,7,8,9,10,11,12,13,14]", T },
	{ "15 in [1,2,3,4,5.0,6,7,8,9,10,11,12,13,14]", F },
	{ "{1:1,2:2,3:3,4:4,5:5,6:6,7:7,8:8,9:9,10:10,11:11,12:12,13:13}[13.0]",
	  "{\"type\":\"int\",\"value\":13}" },
	{ "{1:1,2:2,3:3,4:4,5:5,6:6,7:7,8:8,9:9,10:10,11:11,12:12,12.0==12?1:0:13}",
	  "error: repeated key" },
	{ "has({'a': null}.a)", T },
	{ "has({'a': 1}.b)", F },
	{ "has([1].b)", "error: no member 'b'" },
	{ "has(1)", "usage: 1:1: has() takes one member" },
};

static const struct cel_case macros[] = {
	{ "[1, 2, 3].all(x, x > 0)", T },
	{ "[].all(x, x > 0)", T },
	{ "[].exists(x, x > 0)", F },
	{ "[1, 2, 3].exists(x, x == 2)", T },
	{ "[1, 2, 3].all(e, 6 / (2 - e) == 6)", F },
	{ "[0, 1].exists(e, 1 / e == 1)", T },
	{ "[1, 0].all(e, 1 / e == 1)", "error: division by zero" },
	{ "[1, 'foo', 3].all(e, e % 2 == 1)", "error: no such overload" },
	{ "[1, 2, 2].exists_one(x, x == 1)", T },
	{ "[1, 2, 2].exists_one(x, x == 2)", F },
	{ "[1, 0].exists_one(x, 1 / x == 1)", "error: division by zero" },
	{ "[1, 2, 3].map(n, n * n) == [1, 4, 9]", T },
	{ "[1, 2, 3].map(n, n > 1, n * n) == [4, 9]", T },
	{ "{'a': 1, 'b': 2}.map(k, k) == ['a', 'b']", T },
	{ "[1, 2, 3].filter(n, n % 2 == 1) == [1, 3]", T },
	{ "{'a': 1, 'b': 2}.filter(k, k == 'b') == ['b']", T },
	{ "[[1, 2], [3]].map(x, x.map(y, y * size(x))) == [[2, 4], [3]]", T },
	{ "[1].all(x, [2].all(x, x == 2) && x == 1)", T },
	{ "1.all(x, true)", "error: no such overload: int.all()" },
	{ "[1].all(1, true)", "usage: 1:9: all() takes a variable name first" },
	{ "[1].map(x)", "error: unknown function 'map'" },
	/* what no program may do: run for ever or eat all memory */
	{ "[0,1,2,3,4,5,6,7,8,9].all(a, [0,1,2,3,4,5,6,7,8,9].all(b, "
	  "[0,1,2,3,4,5,6,7,8,9].all(c, [0,1,2,3,4,5,6,7,8,9].all(d, "
	  "[0,1,2,3,4,5,6,7,8,9].all(e, [0,1,2,3,4,5,6,7,8,9].all(f, "
	  "[0,1,2,3,4,5,6,7,8,9].all(g, [0,1,2,3,4,5,6,7,8,9].all(h, "
	  "a + b + c + d + e + f + g + h >= 0))))))))",
	  "error: expression takes too many steps" },
	{ "['aaaaaaaaaaaaaaaa'].map(x, x+x+x+x+x+x+x+x).map(x, x+x+x+x+x+x+x+x)"
	  ".map(x, x+x+x+x+x+x+x+x).map(x, x+x+x+x+x+x+x+x).map(x, x+x+x+x+x+x+x+x)"
	  ".map(x, x+x+x+x+x+x+x+x).map(x, x+x+x+x+x+x+x+x).map(x, x+x+x+x+x+x+x+x)",
	  "error: expression needs too much memory" },
};

/* Beyond the specification: a quotient of numbers of any type. */
static const struct cel_case ratios[] = {
	{ "ratio(1, 3)", "{\"type\":\"double\",\"value\":0.3333333333333333}" },
	{ "ratio(3u, 2.0)", "{\"type\":\"double\",\"value\":1.5}" },
	{ "ratio(0.3, 3)", "{\"type\":\"double\",\"value\":0.1}" },
	{ "ratio(-9223372036854775807, 9223372036854775807)",
	  "{\"type\":\"double\",\"value\":-1}" },
	{ "ratio(1.0 / 0.0, 2)", "{\"type\":\"double\",\"value\":\"Infinity\"}" },
	{ "ratio(1e300, 1e-300)", "{\"type\":\"double\",\"value\":\"Infinity\"}" },
	{ "ratio(1, 0)", "error: division by zero" },
	{ "ratio(1.0, 0.0)", "error: division by zero" },
	{ "ratio(null, 1)", "error: no such overload: ratio(null, int)" },
	{ "ratio('1', 1)", "error: no such overload: ratio(string, int)" },
	{ "ratio(1)", "error: ratio() takes 2 arguments, not 1" },
};

int main(void)
{
	CEL_PLAIN(ratios);
	CEL_PLAIN(arithmetic);
	CEL_PLAIN(logic);
	CEL_PLAIN(equality);
	CEL_PLAIN(order);
	CEL_PLAIN(containers);
	CEL_PLAIN(macros);
	return tap_done();
}
