#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "tap.h"

static struct cdp_err err;

static const char *shortest(double v)
{
	static struct cdp_buf b;

	cdp_buf_release(&b);
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_num_add_double(&b, v);
	return cdp_buf_str(&b);
}

static void prints(double v, const char *want)
{
	is_str(shortest(v), want, "%a prints as %s", v, want);
}

static double parsed(const char *text)
{
	double v = -12345;

	return cdp_num_double(&v, text, strlen(text), &err) < 0 ? NAN : v;
}

static void integers(void)
{
	int64_t i = 7;
	uint64_t u = 7;

#define I64(t, min, max) cdp_num_i64(&i, t, strlen(t), min, max, &err)
	ok(I64("-9223372036854775808", INT64_MIN, INT64_MAX) == 0 && i == INT64_MIN,
	   "the smallest 64-bit integer is read");
	ok(I64("+9223372036854775807", INT64_MIN, INT64_MAX) == 0 && i == INT64_MAX,
	   "the largest 64-bit integer is read, with a plus sign");
	i = 7;
	ok(I64("9223372036854775808", INT64_MIN, INT64_MAX) < 0 && i == 7,
	   "one more is an error and leaves the result alone");
	ok(I64("-9223372036854775809", INT64_MIN, INT64_MAX) < 0, "one less is an error");
	for (const char **t = (const char *[]){ "", "-", "+", "1 ", " 1", "1x", "--1",
						"0x1", "1.0", "1e3", NULL };
	     *t; t++)
		ok(I64(*t, -9, 9) < 0, "'%s' is not an integer", *t);
	ok(I64("10", -9, 9) < 0 && err.kind == CDP_ERR_USAGE,
	   "out of range is a usage error");
	is_str(err.msg, "'10' is not an integer from -9 to 9",
	       "the message names the range");
	ok(I64("007", 0, 9) == 0 && i == 7, "leading zeros are fine in an option");
#define U64(t, max) cdp_num_u64(&u, t, strlen(t), max, &err)
	ok(U64("18446744073709551615", UINT64_MAX) == 0 && u == UINT64_MAX,
	   "the largest unsigned integer is read");
	ok(U64("18446744073709551616", UINT64_MAX) < 0, "one more is an error");
	ok(U64("-0", UINT64_MAX) < 0, "an unsigned integer has no minus sign");
	ok(U64("6", 5) < 0, "an unsigned integer above the limit is an error");
#define SIZE(t, max) cdp_num_size(&u, t, strlen(t), max, &err)
	ok(SIZE("64K", UINT64_MAX) == 0 && u == 65536, "64K is 65536");
	ok(SIZE("3T", UINT64_MAX) == 0 && u == 3ull << 40, "3T is 3 * 2^40");
	ok(SIZE("12", UINT64_MAX) == 0 && u == 12, "a size without unit counts bytes");
	ok(SIZE("16777216T", UINT64_MAX) < 0, "a size of 2^64 is an error");
	ok(SIZE("2G", 1ull << 30) < 0, "a size above the limit is an error");
	ok(SIZE("K", UINT64_MAX) < 0 && SIZE("", UINT64_MAX) < 0 &&
		   SIZE("1KK", UINT64_MAX) < 0 && SIZE("1k", UINT64_MAX) < 0 &&
		   SIZE("-1K", UINT64_MAX) < 0,
	   "a unit alone, twice, in lower case or with a sign is an error");
}

static void json_integers(void)
{
	int64_t i = 7;

#define J(t) cdp_num_json_i64(&i, t, strlen(t))
	ok(J("0") && i == 0, "0 is an integer");
	ok(J("-0") && i == 0, "-0 is the integer 0");
	ok(J("9223372036854775807") && i == INT64_MAX, "the largest integer fits");
	ok(J("-9223372036854775808") && i == INT64_MIN, "the smallest integer fits");
	i = 7;
	for (const char **t =
		     (const char *[]){ "", "-", "+1", "01", "-01", "1.0", "1e2", "1x",
				       "9223372036854775808", "-9223372036854775809",
				       "18446744073709551616", "10000000000000000000",
				       NULL };
	     *t; t++)
		ok(!J(*t) && i == 7, "'%s' is not a 64-bit JSON integer", *t);
	ok(cdp_num_json_i64(&i, "123456", 3) && i == 123, "no terminator is needed");
}

/* They are read eight digits at a time. */
static void digits_at_once(void)
{
	static const char odd[] = "/:x -.\x80\xff";
	unsigned wrong = 0, taken = 0;
	char text[40];
	int64_t i;

	for (size_t n = 1; n <= 19; n++) {
		for (size_t k = 0; k < n; k++)
			text[k] = (char)('1' + (k * 7 + n) % 8);
		text[n] = '\0';
		strcpy(text + 20, "99999999");
		wrong += !cdp_num_json_i64(&i, text, n) || i != strtoll(text, NULL, 10);
		for (size_t k = 0; k < n; k++)
			for (const char *c = odd; *c; c++) {
				char was = text[k];

				text[k] = *c;
				taken +=
					(k || *c != '-') && cdp_num_json_i64(&i, text, n);
				text[k] = was;
			}
	}
	is_int(wrong, 0, "numbers of every length are what they are");
	is_int(taken, 0, "a byte that is no digit spoils them wherever it stands");
}

static void doubles(void)
{
	char longest[1200];

	ok(parsed("0.1") == 0.1 && parsed("-2.5e3") == -2500 && parsed("1E+2") == 100,
	   "plain numbers are read");
	ok(parsed("-0") == 0 && signbit(parsed("-0")), "minus zero keeps its sign");
	ok(isinf(parsed("1e400")) && parsed("-1e999999999999") == -INFINITY,
	   "overflow gives an infinity");
	ok(parsed("1e-400") == 0 && parsed("0e999999999999") == 0,
	   "underflow gives zero");
	ok(parsed("4.9e-324") == DBL_TRUE_MIN, "the smallest subnormal is read");
	ok(parsed("2.2250738585072011e-308") == 0x1.ffffffffffffep-1023,
	   "the largest subnormal is read");
	ok(parsed("9007199254740993") == 9007199254740992.0 &&
		   parsed("9007199254740993.00000000000000000001") == 9007199254740994.0,
	   "ties go to even and a late digit breaks them");
	ok(parsed("1.7976931348623157e308") == DBL_MAX &&
		   isinf(parsed("1.7976931348623159e308")),
	   "the edge of overflow is exact");
	ok(parsed("123456789012345678901234567890") == 123456789012345678901234567890.0,
	   "more digits than 64 bits are read");
	/* 0.1 exactly half way between two doubles takes 1074 digits; a long text must
	 * not be cut. */
	memset(longest, '0', sizeof(longest));
	memcpy(longest, "0.5", 3);
	longest[1198] = '1';
	longest[1199] = '\0';
	ok(parsed(longest) == 0.5, "a text of 1199 digits is read");
	for (const char **t = (const char *[]){ "", "-", "+1", ".5", "5.", "01", "1e",
						"1e+", "1.e3", "0x1", "inf", "nan", "NaN",
						" 1", "1 ", "1,5", NULL };
	     *t; t++)
		ok(isnan(parsed(*t)) && err.kind == CDP_ERR_DATA, "'%s' is not a number",
		   *t);
	is_str(err.msg, "'1,5' is not a number", "the message quotes the text");
}

static void shortest_texts(void)
{
	prints(5.0, "5");
	prints(0.1, "0.1");
	prints(-0.0, "-0");
	prints(0.0, "0");
	prints(0.1 + 0.2, "0.30000000000000004");
	prints(1.0 / 3, "0.3333333333333333");
	prints(2.0 / 3, "0.6666666666666666");
	prints(-123.456, "-123.456");
	prints(1e300, "1e+300");
	prints(1e21, "1e+21");
	prints(1e20, "100000000000000000000");
	prints(1.5e-7, "1.5e-7");
	prints(1e-6, "0.000001");
	prints(1.25e-6, "0.00000125");
	prints(1e-7, "1e-7");
	prints(9007199254740992.0, "9007199254740992");
	prints(9007199254740994.0, "9007199254740994");
	prints(0x1p63, "9223372036854776000");
	prints(DBL_MAX, "1.7976931348623157e+308");
	prints(DBL_MIN, "2.2250738585072014e-308");
	prints(DBL_TRUE_MIN, "5e-324");
	prints(0x1.ffffffffffffep-1023, "2.225073858507201e-308");
	/* Below a power of two the doubles stand closer: the nearest 16 digits read back
	 * as the neighbour, the next ones up as v. */
	prints(0x1p-44, "5.684341886080802e-14");
	prints(1125899906842624.25, "1125899906842624.2");
	prints(1e23, "1e+23");
	prints(9.5367431640625e-07, "9.5367431640625e-7");
	prints(123456789012345680.0, "123456789012345680");
	prints(NAN, "NaN");
	prints(INFINITY, "Infinity");
	prints(-INFINITY, "-Infinity");
}

static uint64_t state = 88172645463325252ull;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static size_t digits_of(const char *t)
{
	size_t n = 0, zeros = 0;

	for (; *t && *t != 'e'; t++) {
		if (*t < '0' || *t > '9' || (n == 0 && *t == '0'))
			continue;
		n++;
		zeros = *t == '0' ? zeros + 1 : 0;
	}
	return n - zeros;
}

/* The text reads back, and printf with one digit less does not. */
static bool is_shortest(double v)
{
	const char *t = shortest(v);
	size_t n = digits_of(t);
	char shorter[64];

	if (strtod(t, NULL) != v || parsed(t) != v)
		return false;
	if (n < 2)
		return true;
	snprintf(shorter, sizeof(shorter), "%.*e", (int)n - 2, v);
	return strtod(shorter, NULL) != v;
}

static void many(void)
{
	bool good = true, few = true, ratios = true, powers = true;

	for (int i = 0; i < 100000; i++) {
		uint64_t bits = next_random();
		double v, dec;
		char want[32];

		memcpy(&v, &bits, sizeof(v));
		if (isfinite(v) && i < 30000)
			good &= is_shortest(v);
		ratios &= is_shortest((double)(next_random() % 100000 + 1) /
				      (double)(next_random() % 10000000 + 1));
		snprintf(want, sizeof(want), "%" PRIu64 ".%02u",
			 next_random() % 10000000000000,
			 (unsigned)(next_random() % 99 + 1));
		if (want[strlen(want) - 1] == '0')
			want[strlen(want) - 1] = '\0';
		dec = strtod(want, NULL);
		few &= strcmp(shortest(dec), want) == 0;
	}
	for (int e = -1074; e < 1024; e++)
		powers &= is_shortest(ldexp(1, e)) &&
			  is_shortest(ldexp(1 - 0x1p-53, e)) &&
			  is_shortest(ldexp(1 + 0x1p-52, e));
	ok(good, "30000 random doubles print shortest and read back");
	ok(ratios, "100000 ratios print shortest and read back");
	ok(few, "100000 amounts with two decimals print as they were written");
	ok(powers, "powers of two and their neighbours print shortest and read back");
}

int main(void)
{
	integers();
	json_integers();
	digits_at_once();
	doubles();
	shortest_texts();
	many();
	return tap_done();
}
