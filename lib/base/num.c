#include "base/num.h"

#include <locale.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/swar.h"

static const double pow10_exact[23] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
					1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
					1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

const uint64_t cdp_pow10_u64[20] = {
	1ull,
	10ull,
	100ull,
	1000ull,
	10000ull,
	100000ull,
	1000000ull,
	10000000ull,
	100000000ull,
	1000000000ull,
	10000000000ull,
	100000000000ull,
	1000000000000ull,
	10000000000000ull,
	100000000000000ull,
	1000000000000000ull,
	10000000000000000ull,
	100000000000000000ull,
	1000000000000000000ull,
	10000000000000000000ull,
};

static bool is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

/* All n bytes as digits, n > 0; false on anything else or above UINT64_MAX. */
static bool parse_digits(uint64_t *v, const char *p, size_t n)
{
	uint64_t r = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_digit(p[i]) || __builtin_mul_overflow(r, 10, &r) ||
		    __builtin_add_overflow(r, (uint64_t)(p[i] - '0'), &r))
			return false;
	}
	*v = r;
	return n > 0;
}

/* How much of a bad text a message quotes. */
static int quoted(size_t n)
{
	return n < 60 ? (int)n : 60;
}

int cdp_num_i64(int64_t *v, const char *p, size_t n, int64_t min, int64_t max,
		struct cdp_err *err)
{
	bool neg = n && p[0] == '-';
	size_t sign = n && (p[0] == '-' || p[0] == '+');
	uint64_t u;
	int64_t r = 0;
	bool good = parse_digits(&u, p + sign, n - sign) &&
		    u <= (uint64_t)INT64_MAX + (neg ? 1 : 0);

	if (good)
		r = neg ? (int64_t)(0 - u) : (int64_t)u;
	if (!good || r < min || r > max)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'%.*s' is not an integer from %lld to %lld",
				   quoted(n), p, (long long)min, (long long)max);
	*v = r;
	return 0;
}

int cdp_num_u64(uint64_t *v, const char *p, size_t n, uint64_t max, struct cdp_err *err)
{
	size_t sign = n && p[0] == '+';
	uint64_t u;

	if (!parse_digits(&u, p + sign, n - sign) || u > max)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "'%.*s' is not an integer from 0 to %llu", quoted(n),
				   p, (unsigned long long)max);
	*v = u;
	return 0;
}

int cdp_num_size(uint64_t *v, const char *p, size_t n, uint64_t max, struct cdp_err *err)
{
	static const char units[] = "KMGT";
	const char *unit = n ? memchr(units, p[n - 1], 4) : NULL;
	unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
	uint64_t u;

	if (!parse_digits(&u, p, unit ? n - 1 : n) || u > UINT64_MAX >> shift ||
	    u << shift > max)
		return cdp_err_set(
			err, CDP_ERR_USAGE,
			"'%.*s' is not a size from 0 to %llu (digits and K, M, G or T)",
			quoted(n), p, (unsigned long long)max);
	*v = u << shift;
	return 0;
}

/* The number that eight digits are, given xor '0'.  False if one is no digit.  Neighbours
 * are added up: two, four, eight of them. */
static inline bool eight_digits(uint64_t *v, uint64_t w)
{
	if (((w + CDP_ONES * 0x76) | w) & CDP_HIGH)
		return false;
	w = (w * 10 + (w >> 8)) & 0x00ff00ff00ff00ff;
	w = (w * 100 + (w >> 16)) & 0x0000ffff0000ffff;
	*v = (w * 10000 + (w >> 32)) & 0xffffffff;
	return true;
}

/* Eight digits or more, those before the last full eights with zeros before them. */
static bool many_digits(uint64_t *u, const char *p, size_t n)
{
	size_t head = (n - 1) % 8 + 1;
	uint64_t more = 0;

	if (!eight_digits(u, (cdp_load64(p) ^ CDP_ONES * '0') << (8 - head) * 8))
		return false;
	for (p += head, n -= head; n; p += 8, n -= 8) {
		if (!eight_digits(&more, cdp_load64(p) ^ CDP_ONES * '0'))
			return false;
		*u = *u * 100000000 + more; /* 19 digits fit 64 bits */
	}
	return true;
}

int cdp_num_json_i64(int64_t *v, const char *p, size_t n)
{
	size_t i = n && p[0] == '-';
	size_t digits = n - i;
	uint64_t u = 0;

	if (digits - 1 > 18) /* none, or more than 19 */
		return 0;
	if (p[i] == '0' && digits > 1)
		return 0;
	if (digits >= 8 && !many_digits(&u, p + i, digits))
		return 0;
	for (size_t k = i; k < n && digits < 8; k++) {
		unsigned d = (unsigned char)(p[k] - '0');

		if (d > 9)
			return 0;
		u = u * 10 + d;
	}
	if (u > (uint64_t)INT64_MAX + i)
		return 0;
	*v = i ? (int64_t)(0 - u) : (int64_t)u;
	return 1;
}

/* The parts of a JSON number: up to 19 significant digits and a decimal exponent. */
struct parts {
	uint64_t mant;
	int64_t exp10;
	bool neg, cut; /* cut: more digits than mant holds */
};

static size_t scan_digits(struct parts *x, const char *p, size_t i, size_t n, bool frac)
{
	for (; i < n && is_digit(p[i]); i++) {
		if (x->mant < UINT64_MAX / 10 - 1) {
			x->mant = x->mant * 10 + (uint64_t)(p[i] - '0');
			x->exp10 -= frac;
		} else {
			x->cut |= p[i] != '0';
			x->exp10 += !frac;
		}
	}
	return i;
}

/* The grammar of RFC 8259 section 6; false if the text is not all of one number. */
static bool scan_number(struct parts *x, const char *p, size_t n)
{
	size_t i, start;

	*x = (struct parts){ .neg = n && p[0] == '-' };
	start = x->neg;
	i = scan_digits(x, p, start, n, false);
	if (i == start || (p[start] == '0' && i > start + 1))
		return false;
	if (i < n && p[i] == '.') {
		start = i + 1;
		i = scan_digits(x, p, start, n, true);
		if (i == start)
			return false;
	}
	if (i < n && (p[i] == 'e' || p[i] == 'E')) {
		bool neg = i + 1 < n && p[i + 1] == '-';
		int64_t e = 0;

		i++;
		i += i < n && (p[i] == '+' || p[i] == '-');
		start = i;
		for (; i < n && is_digit(p[i]); i++)
			e = e < 1000000000 ? e * 10 + (p[i] - '0') : e;
		if (i == start)
			return false;
		x->exp10 += neg ? -e : e;
	}
	return i == n;
}

/* The C locale, made once and kept: strtod must not depend on the process's locale. */
static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void)
{
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (!c_locale)
		CDP_BUG("no C locale");
}

static double slow_double(const char *p, size_t n)
{
	char small[128], *heap = NULL, *text = small;
	double v;

	if (n < sizeof(small)) {
		memcpy(small, p, n);
		small[n] = '\0';
	} else {
		text = heap = cdp_strndup(p, n);
	}
	pthread_once(&c_locale_once, make_c_locale);
	v = strtod_l(text, NULL, c_locale);
	free(heap);
	return v;
}

int cdp_num_double(double *v, const char *p, size_t n, struct cdp_err *err)
{
	struct parts x;

	if (!scan_number(&x, p, n))
		return cdp_err_set(err, CDP_ERR_DATA, "'%.*s' is not a number", quoted(n),
				   p);
	/* Clinger 1990: both operands are exact, so the one operation rounds correctly.
	 */
	if (!x.cut && x.mant <= 1ull << 53 && x.exp10 >= -22 && x.exp10 <= 22) {
		double d = (double)x.mant;

		d = x.exp10 < 0 ? d / pow10_exact[-x.exp10] : d * pow10_exact[x.exp10];
		*v = x.neg ? -d : d;
	} else {
		*v = slow_double(p, n);
	}
	return 0;
}

/* Digits and exponent as text, by the rule of ECMAScript's Number.prototype.toString:
 * value = digits * 10^exp10, plain from 1e-7 up to 1e21. */
static void add_digits(struct cdp_buf *b, uint64_t digits, int exp10)
{
	char t[20];
	int n = 0, point;

	while (digits % 10 == 0) {
		digits /= 10;
		exp10++;
	}
	for (; digits; digits /= 10)
		t[sizeof(t) - (size_t)++n] = (char)('0' + digits % 10);
	const char *d = t + sizeof(t) - (size_t)n;

	point = n + exp10; /* where the decimal point stands after the first digit */
	if (point > 21 || point < -5) {
		cdp_buf_addc(b, d[0]);
		if (n > 1) {
			cdp_buf_addc(b, '.');
			cdp_buf_add(b, d + 1, (size_t)n - 1);
		}
		cdp_buf_adds(b, point > 0 ? "e+" : "e-");
		cdp_buf_addu(b, (uint64_t)(point > 0 ? point - 1 : 1 - point));
	} else if (point <= 0) {
		cdp_buf_add(b, "0.0000000", (size_t)(2 - point));
		cdp_buf_add(b, d, (size_t)n);
	} else if (n <= point) {
		cdp_buf_add(b, d, (size_t)n);
		cdp_buf_add(b, "00000000000000000000", (size_t)(point - n));
	} else {
		cdp_buf_add(b, d, (size_t)point);
		cdp_buf_addc(b, '.');
		cdp_buf_add(b, d + point, (size_t)(n - point));
	}
}

/* Any decimal of up to 15 digits survives the way to a double and back, so one that reads
 * back as v is the only and hence the shortest one.  With v = D / 10^k (1 + e) the
 * product v * 10^k misses D < 10^15 by less than a quarter, so rounding finds D if it
 * exists. */
static bool add_15(struct cdp_buf *b, double v)
{
	int k = 0;
	uint64_t d;

	if (v < 1e-7 || v >= 1e15)
		return false;
	while (v * pow10_exact[k] < 1e14 && k < 22)
		k++;
	d = (uint64_t)(v * pow10_exact[k] + 0.5);
	if (d >= cdp_pow10_u64[15] || (double)d / pow10_exact[k] != v)
		return false;
	add_digits(b, d, -k);
	return true;
}

/* A double's neighbourhood in exact integers, for decimals of `k` fraction digits:
 * v = m / 2^s, value = m * 10^k, and the unit of the k-th decimal is 2^s. */
struct exact {
	unsigned __int128 value, ten_k;
	int s;
};

/* units * 2^s is read back as v if it lies within half of v's last place, 10^k / 2.  The
 * bound itself is never met: before it ends it has 17 digits.  Below a power of two it is
 * nearer, but of those in add_17's range none has a decimal between (the test tries all).
 */
static bool reads_back(const struct exact *x, uint64_t units)
{
	unsigned __int128 c = (unsigned __int128)units << x->s;

	return (c < x->value ? x->value - c : c - x->value) * 2 < x->ten_k;
}

/* The nearest integer to value / 2^s / step, ties to even. */
static uint64_t nearest(const struct exact *x, unsigned step)
{
	unsigned __int128 unit = (unsigned __int128)step << x->s;
	uint64_t q = (uint64_t)(x->value >> x->s) / step;
	unsigned __int128 rest = x->value - ((unsigned __int128)(q * step) << x->s);

	return q + (rest * 2 > unit || (rest * 2 == unit && q % 2 == 1));
}

/* 16 or 17 digits, the nearest that read back.  From 1e-6 to 2^53 everything fits 127
 * bits. */
static bool add_17(struct cdp_buf *b, double v)
{
	struct exact x;
	uint64_t bits, m, d;
	int k = 0;

	memcpy(&bits, &v, sizeof(bits));
	m = (bits & ((1ull << 52) - 1)) | 1ull << 52;
	x.s = 1075 - (int)(bits >> 52);
	if (v < 1e-6 || x.s < 0)
		return false;
	while (k < 22 && v * pow10_exact[k] < 1e16)
		k++;
	x.ten_k = cdp_pow10_u64[k < 19 ? k : 19];
	x.ten_k *= cdp_pow10_u64[k < 19 ? 0 : k - 19];
	x.value = m * x.ten_k;
	d = nearest(&x, 10);
	if (reads_back(&x, d * 10))
		add_digits(b, d, 1 - k);
	else
		add_digits(b, nearest(&x, 1), -k);
	return true;
}

/* Very large and very small values, through the C library.  Subnormals have fewer digits
 * than 15, so there the first that reads back is sought from one digit on. */
static void add_slow(struct cdp_buf *b, double v)
{
	char t[48];
	int n;

	for (int prec = v < 0x1p-1022 ? 0 : 14;; prec++) {
		uint64_t d = 0;
		int e;
		char *p = t;

		snprintf(t, sizeof(t), "%.*e", prec, v);
		for (; *p != 'e'; p++) /* the point may be any byte: the locale's */
			d = is_digit(*p) ? d * 10 + (uint64_t)(*p - '0') : d;
		e = atoi(p + 1) - prec;
		/* Below a power of two the bound is nearer, so that the nearest decimal
		 * may miss it and the next one up not. */
		for (int up = 0; up < 2; up++, d++) {
			n = snprintf(t, sizeof(t), "%llue%d", (unsigned long long)d, e);
			if (slow_double(t, (size_t)n) == v) {
				add_digits(b, d, e);
				return;
			}
		}
	}
}

void cdp_num_add_double(struct cdp_buf *b, double v)
{
	if (v != v) {
		cdp_buf_adds(b, "NaN");
		return;
	}
	if (__builtin_signbit(v)) {
		cdp_buf_addc(b, '-');
		v = -v;
	}
	if (v > 1.7976931348623157e308)
		cdp_buf_adds(b, "Infinity");
	else if (v <= 9007199254740992.0 && v == (double)(uint64_t)v)
		cdp_buf_addu(b, (uint64_t)v);
	else if (!add_15(b, v) && !add_17(b, v))
		add_slow(b, v);
}
