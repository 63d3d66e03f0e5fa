/* Numbers as exact text: one text a value, and their order. */
#include "base/numtext.h"
#include "base/rand.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>

static const char *text(const char *number)
{
	static struct cdp_buf b;

	if (!b.p)
		cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_reset(&b);
	cdp_numtext_add(&b, number, strlen(number));
	return cdp_buf_str(&b);
}

static const char *cut(const char *number, unsigned digits)
{
	static struct cdp_buf b;

	if (!b.p)
		cdp_buf_init(&b, CDP_BUF_NOMAX);
	cdp_buf_reset(&b);
	cdp_numtext_add_cut(&b, number, strlen(number), digits);
	return cdp_buf_str(&b);
}

static int cmp(const char *a, const char *b)
{
	return cdp_numtext_cmp(a, strlen(a), b, strlen(b));
}

static void texts(void)
{
	static const char *const same[][2] = {
		{ "0", "0" },
		{ "-0", "0" },
		{ "0.000", "0" },
		{ "-0e5", "0" },
		{ "100", "100" },
		{ "100.0", "100" },
		{ "1e2", "100" },
		{ "1E+2", "100" },
		{ "12.50", "12.5" },
		{ "0.1", "0.1" },
		{ "10e-2", "0.1" },
		{ "0.00120", "0.0012" },
		{ "-1000.010", "-1000.01" },
		{ "123456789012345678901", "123456789012345678901" },
		{ "1234567890123456789012", "1.234567890123456789012e+21" },
		{ "1e21", "1e+21" },
		{ "10e19", "100000000000000000000" },
		{ "1e-7", "0.0000001" },
		{ "0.000000012", "1.2e-8" },
		{ "1e300", "1e+300" },
		{ "0.1000000000000000055511151231257827",
		  "0.1000000000000000055511151231257827" },
		{ "5e99999999999999999999", "5e+1000000000" },
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
		is_str(text(same[i][0]), same[i][1], "%s is written %s", same[i][0],
		       same[i][1]);
}

static void order(void)
{
	static const char *const up[] = { "-1e400",  "-200", "-20.5",  "-20",  "-0.3",
					  "0",       "1e-9", "0.0001", "0.09", "0.1",
					  "0.10001", "1",    "1.5",    "9",    "10",
					  "99.99",   "100",  "1e3",    "1e400" };
	enum { N = sizeof(up) / sizeof(*up) };
	bool good = true;

	for (int i = 0; i < N; i++)
		for (int k = 0; k < N; k++)
			good = good && cmp(up[i], up[k]) == (i > k) - (i < k);
	ok(good, "numbers are in the order of their values");
	ok(cmp("1.50", "15e-1") == 0 && cmp("-0", "0.0") == 0, "spelling does not count");
	ok(cmp("9007199254740993", "9007199254740992") > 0,
	   "what doubles cannot tell apart is told apart");
}

static void agrees_with_doubles(void)
{
	struct cdp_rand r;
	bool good = true;

	cdp_rand_seed(&r, 1, 0);
	for (int i = 0; i < 20000; i++) {
		char a[40], b[40];
		long long x = (long long)cdp_rand_below(&r, 2000000) - 1000000;
		long long y = (long long)cdp_rand_below(&r, 2000000) - 1000000;
		int e = (int)cdp_rand_below(&r, 5), f = (int)cdp_rand_below(&r, 5);
		/* In units of 10^-4: exact. */
		long long p = x, q = y;

		for (int k = e; k < 4; k++)
			p *= 10;
		for (int k = f; k < 4; k++)
			q *= 10;
		snprintf(a, sizeof(a), "%llde-%d", x, e);
		snprintf(b, sizeof(b), "%llde-%d", y, f);
		good = good && cmp(a, b) == (p > q) - (p < q);
		snprintf(a, sizeof(a), "%s", text(a));
		good = good && cmp(a, b) == (p > q) - (p < q);
	}
	ok(good, "random decimals compare as whole numbers of their last digit");
}

static void cuts(void)
{
	is_str(cut("123456.78", 2), "120000", "two digits stay");
	is_str(cut("-99.9", 2), "-99", "towards zero");
	is_str(cut("0.00987", 1), "0.009", "of a fraction, too");
	is_str(cut("7", 2), "7", "what is short stays");
	is_str(cut("1003", 2), "1000", "zeros go");
	is_str(cut("0", 2), "0", "zero stays");
}

int main(void)
{
	texts();
	order();
	agrees_with_doubles();
	cuts();
	return tap_done();
}
