#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "tap.h"

static struct cdp_err err;

static struct cdp_decimal dec(const char *text)
{
	struct cdp_decimal d = { -12345, 0 };

	if (cdp_decimal_parse(&d, text, strlen(text), &err) < 0)
		ok(false, "%s", err.msg);
	return d;
}

static const char *text(struct cdp_decimal d)
{
	static struct cdp_buf b;

	cdp_buf_release(&b);
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_decimal_add_text(&b, d);
	return cdp_buf_str(&b);
}

static const char max[] = "170141183460469231731687303715884105727"; /* 2^127 - 1 */

static void reading(void)
{
	static const char *const same[][2] = {
		{ "0", "0" },
		{ "-0", "0" },
		{ "-0.00", "0" },
		{ "5000.00", "5000" },
		{ "12.5", "12.5" },
		{ "-3", "-3" },
		{ "100", "100" },
		{ "-120.0500", "-120.05" },
		{ "999999999999999999", "999999999999999999" },
		{ "-9999999999999999.99", "-9999999999999999.99" },
		{ "9999999999999999999", "9999999999999999999" },
		{ "-0.123456789012345678", "-0.123456789012345678" },
		{ "0.05", "0.05" },
		{ "-0.05", "-0.05" },
		{ "1e3", "1000" },
		{ "1.25E+1", "12.5" },
		{ "125e-4", "0.0125" },
		{ "1000e-2", "10" },
		{ "0e999999999999999999999", "0" },
		{ "0.000000000000000001", "0.000000000000000001" },
		{ "1.100000000000000000000000000000000000000000000000000", "1.1" },
		{ "10000000000000000000000000000000000000000000000000e-48", "10" },
		{ "0.00000000000000000000000000000000000000000000000012e48", "0.12" },
		{ max, max },
		{ "123456789012345678901.123456789012345678",
		  "123456789012345678901.123456789012345678" },
	};
	static const char *const bad[] = { "",    "-",   "+1",   "01",  "1.",   ".5",
					   "1e",  "1e+", "0x1",  "1 ",  " 1",   "1,5",
					   "NaN", "inf", "1.e3", "--1", "1.2.3" };
	struct cdp_decimal d = { 7, 0 };

	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
		is_str(text(dec(same[i][0])), same[i][1], "%s is %s", same[i][0],
		       same[i][1]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(cdp_decimal_parse(&d, bad[i], strlen(bad[i]), &err) < 0 &&
			   d.unscaled == 7,
		   "'%s' is not a number", bad[i]);
	is_str(err.msg, "'1.2.3': not a number", "the message quotes the text");
	ok(err.kind == CDP_ERR_DATA, "it is a data error");
	is_int(dec("12.50").scale, 1, "zeros at the end of a fraction cost no scale");
#define REFUSED(t, why)                                                                  \
	ok(cdp_decimal_parse(&d, t, strlen(t), &err) < 0 && strstr(err.msg, why),        \
	   "%s: %s", t, why)
	REFUSED("0.0000000000000000001", "more than 18 fraction digits");
	REFUSED("1e-19", "more than 18 fraction digits");
	REFUSED("1e-99999999999999999999", "more than 18 fraction digits");
	REFUSED("1e39", "too large for an exact decimal");
	REFUSED("1e99999999999999999999", "too large for an exact decimal");
	REFUSED("170141183460469231731687303715884105728",
		"too large for an exact decimal");
	REFUSED("-1701411834604692317316873037158841057280",
		"too large for an exact decimal");
}

static void arithmetic(void)
{
	struct cdp_decimal s = dec("0.1"), huge = dec(max);

	ok(cdp_decimal_add(&s, dec("0.2")) == 0, "0.1 and 0.2 add");
	is_str(text(s), "0.3", "0.1 + 0.2 is 0.3");
	ok(cdp_decimal_cmp(s, dec("0.3")) == 0, "and equal to 0.3");
	ok(cdp_decimal_add(&s, dec("12345678901234567890.000000000001")) == 0,
	   "another scale adds");
	is_str(text(s), "12345678901234567890.300000000001",
	       "and keeps the larger scale");
	ok(cdp_decimal_sub(&s, dec("12345678901234567890.300000000001")) == 0,
	   "it subtracts");
	is_str(text(s), "0", "to nothing");
	ok(cdp_decimal_cmp(s, CDP_DECIMAL_ZERO) == 0, "zero is zero at every scale");
	ok(cdp_decimal_add(&huge, dec("1")) < 0 && cdp_decimal_cmp(huge, dec(max)) == 0,
	   "a sum past the range is refused and leaves the sum alone");
	ok(cdp_decimal_add(&huge, dec("0.1")) < 0,
	   "so is one whose scale no longer fits the digits");
	ok(cdp_decimal_add(&huge, dec("-1")) == 0 && cdp_decimal_cmp(huge, dec(max)) < 0,
	   "a sum that fits is not");
	huge = dec("-170141183460469231731687303715884105727");
	ok(cdp_decimal_sub(&huge, dec("1")) == 0, "the lowest value is reached");
	is_str(text(huge), "-170141183460469231731687303715884105728", "and printed");
	ok(cdp_decimal_sub(&huge, dec("1")) < 0, "and is the last");
}

static void comparing(void)
{
	static const char *const rising[] = { "-170141183460469231731687303715884105727",
					      "-1.000000000000000001",
					      "-1",
					      "-0.999999999999999999",
					      "-0.5",
					      "0",
					      "0.000000000000000001",
					      "0.01",
					      "0.1",
					      "1",
					      "1.5",
					      "9.99",
					      "10",
					      "170141183460469231731",
					      max };
	size_t n = sizeof(rising) / sizeof(*rising);
	bool good = true;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			good &= cdp_decimal_cmp(dec(rising[i]), dec(rising[k])) ==
				(i > k) - (i < k);
	ok(good, "values compare across scales that no common scale could hold");
	ok(cdp_decimal_cmp((struct cdp_decimal){ 100, 2 }, dec("1")) == 0,
	   "1.00 is equal to 1");
}

static uint64_t state = 88172645463325252ull;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

enum { AMOUNTS = 1000 };

/* Amounts of every scale up to 12, whose sum in units of 10^-12 is known. */
static void order(void)
{
	static struct cdp_decimal a[AMOUNTS];
	__int128 want = 0;
	bool good = true;

	for (int i = 0; i < AMOUNTS; i++) {
		__int128 unit = 1;

		a[i].scale = (uint32_t)(next_random() % 13);
		a[i].unscaled = (int64_t)next_random() >> 8;
		for (uint32_t k = a[i].scale; k < 12; k++)
			unit *= 10;
		want += a[i].unscaled * unit;
	}
	for (int round = 0; round < 50; round++) {
		struct cdp_decimal sum = CDP_DECIMAL_ZERO, half = CDP_DECIMAL_ZERO;

		for (int i = AMOUNTS - 1; i > 0; i--) {
			int k = (int)(next_random() % (uint64_t)(i + 1));
			struct cdp_decimal t = a[i];

			a[i] = a[k];
			a[k] = t;
		}
		for (int i = 0; i < AMOUNTS; i++)
			good &= cdp_decimal_add(i % 2 ? &sum : &half, a[i]) == 0;
		good &= cdp_decimal_add(&sum, half) == 0;
		good &= cdp_decimal_cmp(sum, (struct cdp_decimal){ want, 12 }) == 0;
	}
	ok(good, "1000 amounts sum to the same in 50 orders, halves merged");
}

static void quotient(const char *a, const char *b, unsigned digits, const char *want)
{
	struct cdp_decimal q = { 0, 0 };

	ok(cdp_decimal_div(&q, dec(a), dec(b), digits) == 0, "%s / %s fits", a, b);
	is_str(text(q), want, "%s / %s to %u digits is %s", a, b, digits, want);
}

static void division(void)
{
	struct cdp_decimal q = { 7, 0 };
	bool good = true;

	quotient("1", "3", 2, "0.33");
	quotient("2", "3", 2, "0.67");
	quotient("1", "8", 2, "0.12");
	quotient("3", "8", 2, "0.38");
	quotient("-1", "8", 2, "-0.12");
	quotient("3", "-8", 2, "-0.38");
	quotient("0.125", "1", 2, "0.12");
	quotient("0.1250000001", "1", 2, "0.13");
	quotient("5", "2", 0, "2");
	quotient("7", "2", 0, "4");
	quotient("1", "0.000000000000000001", 0, "1000000000000000000");
	quotient("0.000000000000000001", "2", 18, "0");
	quotient("0.000000000000000003", "2", 18, "0.000000000000000002");
	quotient(max, "1", 0, max);
	quotient(max, max, 18, "1");
	quotient(max, "7000000000000000000000", 2, "24305883351495604.53");
	quotient("1", max, 18, "0");
	ok(cdp_decimal_div(&q, dec("1"), dec("0.00"), 2) < 0, "nothing divides by zero");
	ok(cdp_decimal_div(&q, dec(max), dec("0.1"), 0) < 0 &&
		   cdp_decimal_div(&q, dec(max), dec("0.000000000000000001"), 18) < 0 &&
		   q.unscaled == 7,
	   "a quotient out of range is refused");
	for (int a = -60; a <= 60; a++)
		for (int b = 1; b <= 60; b++) {
			int n = (a < 0 ? -a : a) * 10, w = n / b, rest = n % b;

			w += rest * 2 > b || (rest * 2 == b && w % 2);
			good &= cdp_decimal_div(&q, (struct cdp_decimal){ a, 0 },
						(struct cdp_decimal){ b, 0 }, 1) == 0 &&
				q.scale == 1 && q.unscaled == (a < 0 ? -w : w);
		}
	ok(good, "small quotients round half to even");
}

static void doubles(void)
{
	ok(cdp_decimal_double(dec("0.1")) == 0.1, "0.1 becomes the nearest double");
	ok(cdp_decimal_double(dec("-12.5")) == -12.5, "signs stay");
	ok(cdp_decimal_double(dec("9007199254740993")) == 9007199254740992.0 &&
		   cdp_decimal_double(dec("9007199254740993.000000000000000001")) ==
			   9007199254740994.0,
	   "one rounding, to even, from all digits");
	ok(cdp_decimal_double(dec("0.123456789012345678")) == 0.123456789012345678,
	   "18 digits become the nearest double");
	ok(cdp_decimal_double(dec(max)) == 0x1p127,
	   "the largest value does not overflow");
}

/* Nearest doubles of the exact quotients. */
static void ratios(void)
{
	static const struct {
		const char *a, *b;
		double want;
	} cases[] = {
		{ "0.3", "3", 0x1.999999999999ap-4 },
		{ "1", "3", 0x1.5555555555555p-2 },
		{ "-2", "7", -0x1.2492492492492p-2 },
		{ "0", "-5", 0x0.0p+0 },
		{ "0.000000000000000001", "170141183460469231731687303715884105727",
		  0x1.2725dd1d243acp-187 },
		{ "170141183460469231731687303715884105727", "0.000000000000000001",
		  0x1.bc16d674ec800p+186 },
		{ "-170141183460469231731687303715884105727", "3",
		  -0x1.5555555555555p+125 },
		{ "9007199254740993", "1", 0x1.0000000000000p+53 },
		{ "9007199254740993", "2", 0x1.0000000000000p+52 },
		{ "9007199254740995", "1", 0x1.0000000000002p+53 },
		{ "9007199254740993.000000000000000001", "1", 0x1.0000000000001p+53 },
		{ "1000000.01", "3.000000000000000007", 0x1.4585558bf258cp+18 },
		{ "5167041396.6950553", "805801638710315562964873703934436.8",
		  0x1.f020acefa43acp-78 },
		{ "47730856.182", "5496909963556.277856258193780993",
		  0x1.235c41c575325p-17 },
		{ "7352.594099575458", "8828213401884.95006", 0x1.c9dd7b364cd67p-31 },
		{ "18188", "79368781308907875854338.448487", 0x1.0e8aca0fa92bbp-62 },
		{ "40712710.044172", "6308581589772205.70099", 0x1.bb7bf331a04b7p-28 },
		{ "67426422.78706", "6200301049497030.6589", 0x1.75a6e2b07e384p-27 },
		{ "47825268574584576", "8491239205.2689413509", 0x1.57c4cd34bb57fp+22 },
		{ "0.0000040626", "726489240512894752.78491", 0x1.b0aaf052a7b46p-78 },
		{ "568550808306312306.807809787381", "51541942939586818",
		  0x1.60fc9f628236ep+3 },
		{ "50027540695018081929958456280594627.8", "0.00008",
		  0x1.d674ec5fbb083p+128 },
		{ "0.06057889044279", "325669319094911346277060084742.707",
		  0x1.e2eb2d51daf6cp-103 },
		{ "44277643500843028.507991", "180600339056506449.6916723180",
		  0x1.f61b471efe5d9p-3 },
	};
	struct cdp_decimal d = dec("1.5");

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ok(cdp_decimal_ratio(dec(cases[i].a), dec(cases[i].b)) == cases[i].want,
		   "%s / %s is %.17g", cases[i].a, cases[i].b, cases[i].want);
	ok(cdp_decimal_mul(&d, dec("-0.20")) == 0, "products are exact");
	is_str(text(d), "-0.3", "1.5 * -0.20 is -0.3");
	ok(cdp_decimal_mul(&d, dec(max)) < 0, "one that does not fit is refused");
	ok(cdp_decimal_mul(&d, dec("0.0000000000000001")) == 0, "18 digits are fine");
	ok(cdp_decimal_mul(&d, dec("0.1")) < 0, "19 are refused");
	is_str(text(d), "-0.00000000000000003", "and leave it alone");
}

int main(void)
{
	reading();
	arithmetic();
	comparing();
	order();
	division();
	doubles();
	ratios();
	return tap_done();
}
