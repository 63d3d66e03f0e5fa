#include "base/decimal.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/num.h"

enum { SCALE_MAX = 18, TEXT_MAX = 64 };

typedef unsigned __int128 u128;

static const u128 unscaled_max = ~(u128)0 >> 1;

static u128 magnitude(__int128 v)
{
	return v < 0 ? 0 - (u128)v : (u128)v;
}

/* ---- reading ---- */

/* value * 10^zeros * 10^-fraction.  Zeros wait until another digit follows: those at the
 * end of a number cost neither digits nor scale. */
struct digits {
	u128 value;
	int64_t zeros, fraction;
	bool over;
};

static bool is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

static bool times_ten(u128 *v, int64_t times)
{
	for (; times > 0; times--) {
		if (*v > unscaled_max / 10)
			return false;
		*v *= 10;
	}
	return true;
}

/* A run of at least one digit; its end, or NULL. */
static const char *take_digits(struct digits *x, const char *p, const char *end,
			       int fraction)
{
	const char *start = p;

	for (; p < end && is_digit(*p); p++) {
		unsigned d = (unsigned)(*p - '0');

		x->fraction += fraction;
		if (d == 0) {
			x->zeros += x->value != 0;
			continue;
		}
		x->over |= !times_ten(&x->value, x->zeros + 1);
		x->over |= x->value > unscaled_max - d;
		x->value += x->over ? 0 : d;
		x->zeros = 0;
	}
	return p > start ? p : NULL;
}

static const char *take_exponent(int64_t *e, const char *p, const char *end)
{
	bool neg = p < end && *p == '-';
	const char *start;

	if (p < end && (*p == '-' || *p == '+'))
		p++;
	start = p;
	for (; p < end && is_digit(*p); p++)
		if (*e < INT32_MAX)
			*e = *e * 10 + (*p - '0');
	if (neg)
		*e = -*e;
	return p > start ? p : NULL;
}

/* RFC 8259 section 6; false if the text is not all of one number. */
static bool take_number(struct digits *x, int64_t *e, const char *p, const char *end)
{
	bool zero = p < end && *p == '0';
	const char *start = p;

	p = take_digits(x, p, end, 0);
	if (!p || (zero && p > start + 1))
		return false;
	if (p < end && *p == '.')
		p = take_digits(x, p + 1, end, 1);
	if (p && p < end && (*p == 'e' || *p == 'E'))
		p = take_exponent(e, p + 1, end);
	return p == end;
}

/* Most numbers, as "-65000.00": no exponent and at most 18 digits; false: look again. */
static bool take_plain(struct cdp_decimal *d, const char *p, size_t n)
{
	const char *end = p + n, *start, *point = NULL;
	bool neg = n && *p == '-';
	uint64_t v = 0;

	p += neg;
	if (end - p > 19 || end - p < 1 || !is_digit(*p) || !is_digit(end[-1]))
		return false;
	start = p;
	if (*p == '0' && end - p > 1 && p[1] != '.')
		return false;
	for (; p < end; p++) {
		if (is_digit(*p))
			v = v * 10 + (unsigned)(*p - '0');
		else if (*p == '.' && !point)
			point = p;
		else
			return false;
	}
	if (end - start - (point != NULL) > SCALE_MAX)
		return false;
	d->scale = point ? (uint32_t)(end - point - 1) : 0;
	for (; d->scale && end[-1] == '0'; end--, d->scale--)
		v /= 10;
	d->unscaled = neg ? -(__int128)v : (__int128)v;
	return true;
}

int cdp_decimal_parse(struct cdp_decimal *d, const char *p, size_t n, struct cdp_err *err)
{
	bool neg = n && *p == '-';
	struct digits x = { 0 };
	const char *why = NULL;
	int64_t e = 0;

	if (take_plain(d, p, n))
		return 0;
	if (!take_number(&x, &e, p + neg, p + n))
		why = "not a number";
	else if (x.value == 0)
		e = 0;
	else if ((e += x.zeros - x.fraction) < -SCALE_MAX)
		why = "more than 18 fraction digits";
	else if (x.over || !times_ten(&x.value, e))
		why = "too large for an exact decimal";
	if (why)
		return cdp_err_set(err, CDP_ERR_DATA, "'%.*s': %s", n < 60 ? (int)n : 60,
				   p, why);
	d->unscaled = neg ? -(__int128)x.value : (__int128)x.value;
	d->scale = e < 0 ? (uint32_t)-e : 0;
	return 0;
}

/* ---- arithmetic ---- */

/* Bring both to the larger scale; -1 if one does not fit it. */
static int align(struct cdp_decimal *a, struct cdp_decimal *b)
{
	struct cdp_decimal *low = a->scale < b->scale ? a : b;
	uint32_t scale = low == a ? b->scale : a->scale;
	__int128 v;

	if (a->scale == b->scale)
		return 0;
	if (__builtin_mul_overflow(low->unscaled,
				   (__int128)cdp_pow10_u64[scale - low->scale], &v))
		return -1;
	low->unscaled = v;
	low->scale = scale;
	return 0;
}

int cdp_decimal_add(struct cdp_decimal *sum, struct cdp_decimal x)
{
	struct cdp_decimal s = *sum;

	if (align(&s, &x) < 0 ||
	    __builtin_add_overflow(s.unscaled, x.unscaled, &s.unscaled))
		return -1;
	*sum = s;
	return 0;
}

int cdp_decimal_sub(struct cdp_decimal *sum, struct cdp_decimal x)
{
	struct cdp_decimal s = *sum;

	if (align(&s, &x) < 0 ||
	    __builtin_sub_overflow(s.unscaled, x.unscaled, &s.unscaled))
		return -1;
	*sum = s;
	return 0;
}

int cdp_decimal_cmp(struct cdp_decimal a, struct cdp_decimal b)
{
	/* By whole and fraction part, which unlike a common scale always fit. */
	uint64_t ua = cdp_pow10_u64[a.scale], ub = cdp_pow10_u64[b.scale];
	__int128 x = a.unscaled / ua, y = b.unscaled / ub;

	if (x == y) {
		x = a.unscaled % ua * cdp_pow10_u64[SCALE_MAX - a.scale];
		y = b.unscaled % ub * cdp_pow10_u64[SCALE_MAX - b.scale];
	}
	return (x > y) - (x < y);
}

/* 256 bits, for quotients alone. */
struct wide {
	u128 hi, lo;
};

static struct wide times(struct wide a, uint64_t m)
{
	const u128 low = UINT64_MAX;
	u128 p0 = (a.lo & low) * m, p1 = (a.lo >> 64) * m + (p0 >> 64);

	return (struct wide){ a.hi * m + (p1 >> 64), p1 << 64 | (p0 & low) };
}

static bool less(struct wide a, struct wide b)
{
	return a.hi != b.hi ? a.hi < b.hi : a.lo < b.lo;
}

static struct wide doubled(struct wide a, unsigned bit)
{
	return (struct wide){ a.hi << 1 | a.lo >> 127, a.lo << 1 | bit };
}

static struct wide minus(struct wide a, struct wide b)
{
	return (struct wide){ a.hi - b.hi - (a.lo < b.lo), a.lo - b.lo };
}

/* n / d and what is left; false if it passes 128 bits.  d stays below 2^254. */
static bool divide_down(u128 *quotient, struct wide *left, struct wide n, struct wide d)
{
	struct wide rest = { 0, 0 };
	u128 q = 0;

	for (int i = 255; i >= 0; i--) {
		unsigned bit = (unsigned)((i < 128 ? n.lo >> i : n.hi >> (i - 128)) & 1);

		if (q >> 127)
			return false;
		rest = doubled(rest, bit);
		q <<= 1;
		if (!less(rest, d)) {
			rest = minus(rest, d);
			q |= 1;
		}
	}
	*quotient = q;
	*left = rest;
	return true;
}

/* Half to even. */
static bool divide(u128 *quotient, struct wide n, struct wide d)
{
	struct wide rest, twice;
	u128 q;

	if (!divide_down(&q, &rest, n, d))
		return false;
	twice = doubled(rest, 0);
	if (less(d, twice) || (!less(twice, d) && q & 1))
		if (++q == 0)
			return false;
	*quotient = q;
	return true;
}

int cdp_decimal_div(struct cdp_decimal *q, struct cdp_decimal a, struct cdp_decimal b,
		    unsigned digits)
{
	bool neg = (a.unscaled < 0) != (b.unscaled < 0);
	struct wide n = { 0, magnitude(a.unscaled) }, d = { 0, magnitude(b.unscaled) };
	u128 r;

	if (b.unscaled == 0 || digits > SCALE_MAX)
		return -1;
	/* 2^127 * 10^36 is below 2^247. */
	n = times(times(n, cdp_pow10_u64[b.scale]), cdp_pow10_u64[digits]);
	d = times(d, cdp_pow10_u64[a.scale]);
	if (!divide(&r, n, d) || r > unscaled_max)
		return -1;
	q->unscaled = neg ? -(__int128)r : (__int128)r;
	q->scale = digits;
	return 0;
}

static int bits(struct wide a)
{
	int n = 0;

	for (; a.hi; a.hi >>= 1, n++)
		;
	if (n)
		return n + 128;
	for (; a.lo; a.lo >>= 1, n++)
		;
	return n;
}

static struct wide shifted(struct wide a, int by)
{
	if (by >= 128)
		return (struct wide){ a.lo << (by - 128), 0 };
	return by ? (struct wide){ a.hi << by | a.lo >> (128 - by), a.lo << by } : a;
}

/* A quotient of 65 or 66 bits, its last one set if anything is left, is rounded once. */
double cdp_decimal_ratio(struct cdp_decimal a, struct cdp_decimal b)
{
	struct wide n =
		times((struct wide){ 0, magnitude(a.unscaled) }, cdp_pow10_u64[b.scale]);
	struct wide d =
		times((struct wide){ 0, magnitude(b.unscaled) }, cdp_pow10_u64[a.scale]);
	const u128 exact = (u128)1 << 53;
	int up = bits(d) + 65 - bits(n);
	struct wide rest;
	double r;
	u128 q;

	if (a.unscaled == 0)
		return 0;
	if (!n.hi && !d.hi && n.lo <= exact && d.lo <= exact) {
		r = (double)n.lo / (double)d.lo;
	} else {
		if (!divide_down(&q, &rest, shifted(n, up > 0 ? up : 0),
				 shifted(d, up < 0 ? -up : 0)))
			CDP_BUG("quotient of more than 66 bits");
		r = ldexp((double)(q | (rest.hi || rest.lo)), -up);
	}
	return (a.unscaled < 0) != (b.unscaled < 0) ? -r : r;
}

int cdp_decimal_mul(struct cdp_decimal *d, struct cdp_decimal x)
{
	__int128 v;

	if (d->scale + x.scale > SCALE_MAX ||
	    __builtin_mul_overflow(d->unscaled, x.unscaled, &v))
		return -1;
	d->unscaled = v;
	d->scale += x.scale;
	return 0;
}

/* ---- writing ---- */

/* The scale of the number without zeros at its end; most numbers have one word. */
static uint32_t without_zeros(u128 *v, uint32_t scale)
{
	uint64_t low = (uint64_t)*v;

	for (; scale && low % 10 == 0; scale--)
		low /= 10;
	*v = low;
	return scale;
}

static size_t format(char out[TEXT_MAX], struct cdp_decimal d)
{
	u128 v = magnitude(d.unscaled);
	uint32_t scale = d.scale;
	char *p = out + TEXT_MAX;
	uint32_t i = 0;
	size_t n;

	for (; scale && v > UINT64_MAX && v % 10 == 0; scale--)
		v /= 10;
	if (v <= UINT64_MAX)
		scale = without_zeros(&v, scale);
	for (; v > UINT64_MAX; i++, v /= 10) {
		if (i && i == scale)
			*--p = '.';
		*--p = (char)('0' + (int)(v % 10));
	}
	for (uint64_t low = (uint64_t)v; low || i <= scale; i++, low /= 10) {
		if (i && i == scale)
			*--p = '.';
		*--p = (char)('0' + (int)(low % 10));
	}
	if (d.unscaled < 0)
		*--p = '-';
	n = (size_t)(out + TEXT_MAX - p);
	memmove(out, p, n);
	return n;
}

void cdp_decimal_add_text(struct cdp_buf *b, struct cdp_decimal d)
{
	char t[TEXT_MAX];

	cdp_buf_add(b, t, format(t, d));
}

double cdp_decimal_double(struct cdp_decimal d)
{
	char t[TEXT_MAX];
	struct cdp_err ignored;
	double v = 0;

	/* Both operands exact: one rounding. */
	if (magnitude(d.unscaled) <= (u128)1 << 53)
		return (double)d.unscaled / (double)cdp_pow10_u64[d.scale];
	if (cdp_num_double(&v, t, format(t, d), &ignored) < 0)
		CDP_BUG("decimal of scale %u has no text", d.scale);
	return v;
}
