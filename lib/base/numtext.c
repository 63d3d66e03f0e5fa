#include "base/numtext.h"

#include <inttypes.h>

/* +-d.ddd... * 10^exp, where the first digit is not 0; `digits` are all from the first to
 * the last that is not 0, with a point perhaps among them. */
struct number {
	bool negative;
	int64_t exp;
	const char *p, *end; /* p == end: zero */
};

enum { EXP_MAX = 1000000000 }; /* more digits of an exponent make no difference */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int64_t parse_exp(const char *p, const char *end)
{
	bool negative = p < end && *p == '-';
	int64_t v = 0;

	for (; p < end; p++)
		if (is_digit(*p) && v < EXP_MAX)
			v = v * 10 + (*p - '0');
	if (v > EXP_MAX)
		v = EXP_MAX;
	return negative ? -v : v;
}

static struct number parse(const char *p, size_t n)
{
	const char *end = p + n, *mantissa, *point = NULL;
	struct number x = { .negative = n && *p == '-' };

	mantissa = p += x.negative;
	while (p < end && *p != 'e' && *p != 'E') {
		if (*p == '.')
			point = p;
		p++;
	}
	x.end = p;
	if (p < end)
		x.exp = parse_exp(p + 1, end);
	if (!point)
		point = x.end;
	while (mantissa < x.end && (*mantissa == '0' || *mantissa == '.'))
		mantissa++;
	while (x.end > mantissa && (x.end[-1] == '0' || x.end[-1] == '.'))
		x.end--;
	x.p = mantissa;
	x.exp += mantissa < point ? point - mantissa - 1 : point - mantissa;
	if (x.p == x.end)
		x = (struct number){ 0 };
	return x;
}

/* The next digit, or 0 past the last. */
static char next(const char **p, const char *end)
{
	if (*p < end && **p == '.')
		(*p)++;
	return *p < end ? *(*p)++ : '0';
}

static int cmp_sizes(const struct number *x, const struct number *y)
{
	const char *p = x->p, *q = y->p;

	if (x->exp != y->exp)
		return x->exp < y->exp ? -1 : 1;
	while (p < x->end || q < y->end) {
		char c = next(&p, x->end), d = next(&q, y->end);

		if (c != d)
			return c < d ? -1 : 1;
	}
	return 0;
}

static int sign(const struct number *x)
{
	return x->p == x->end ? 0 : x->negative ? -1 : 1;
}

int cdp_numtext_cmp(const char *a, size_t an, const char *b, size_t bn)
{
	struct number x = parse(a, an), y = parse(b, bn);
	int s = sign(&x), t = sign(&y);

	if (s != t)
		return s < t ? -1 : 1;
	return s == 0 ? 0 : s * cmp_sizes(&x, &y);
}

static void put(struct cdp_buf *b, const struct number *x)
{
	const char *p = x->p;
	int64_t exp = x->exp;

	if (x->p == x->end) {
		cdp_buf_addc(b, '0');
		return;
	}
	if (x->negative)
		cdp_buf_addc(b, '-');
	if (exp < -7 || exp >= 21) {
		cdp_buf_addc(b, next(&p, x->end));
		if (p < x->end)
			cdp_buf_addc(b, '.');
		while (p < x->end)
			cdp_buf_addc(b, next(&p, x->end));
		cdp_buf_adds(b, exp < 0 ? "e-" : "e+");
		cdp_buf_addu(b, (uint64_t)(exp < 0 ? -exp : exp));
		return;
	}
	for (int64_t i = 0; exp < 0 && i > exp; i--)
		cdp_buf_adds(b, i == 0 ? "0." : "0");
	for (; exp >= 0; exp--)
		cdp_buf_addc(b, next(&p, x->end));
	if (p < x->end && x->exp >= 0)
		cdp_buf_addc(b, '.');
	while (p < x->end)
		cdp_buf_addc(b, next(&p, x->end));
}

void cdp_numtext_add(struct cdp_buf *b, const char *p, size_t n)
{
	struct number x = parse(p, n);

	put(b, &x);
}

void cdp_numtext_add_cut(struct cdp_buf *b, const char *p, size_t n, unsigned digits)
{
	struct number x = parse(p, n);
	const char *at = x.p;

	while (at < x.end && digits-- > 0)
		next(&at, x.end);
	x.end = at;
	while (x.end > x.p && (x.end[-1] == '0' || x.end[-1] == '.'))
		x.end--;
	put(b, &x);
}
