#include "base/base64.h"

#include <endian.h>
#include <string.h>

/* Values of digits, plus one; 0 is no digit. */
static const uint8_t digits_of[256] = {
	['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,
	['G'] = 7,  ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12,
	['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18,
	['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
	['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30,
	['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,
	['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
	['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
	['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54,
	['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60,
	['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64, ['-'] = 63, [' '] = 63,
	['_'] = 64,
};

static int digit(char c)
{
	return digits_of[(unsigned char)c] - 1;
}

static bool is_break(char c)
{
	return c == '\n' || c == '\r';
}

/* Four digits at a time while there are; returns how many bytes were taken. */
static size_t quads(struct cdp_buf *out, const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t i = 0;
	char *to;

	if (cdp_buf_reserve(out, n / 4 * 3 + 1) < 0)
		return 0;
	to = out->p + out->n;
	for (; n - i >= 4; i += 4) {
		/* What is no digit brings ones above the 24 bits. */
		uint32_t v = (digits_of[u[i]] - 1u) << 18 |
			     (digits_of[u[i + 1]] - 1u) << 12 |
			     (digits_of[u[i + 2]] - 1u) << 6 | (digits_of[u[i + 3]] - 1u);

		if (v >> 24)
			break;
		v = htobe32(v << 8);
		memcpy(to, &v, sizeof(v));
		to += 3;
	}
	out->n = (size_t)(to - out->p);
	return i;
}

int cdp_base64_decode(struct cdp_buf *out, const char *p, size_t n)
{
	size_t start = out->n;
	unsigned bits = 0;
	uint32_t v = 0;

	while (n && is_break(p[n - 1]))
		n--;
	for (int i = 0; i < 2 && n && p[n - 1] == '='; i++)
		n--;
	cdp_buf_reserve(out, n / 4 * 3 + 3);
	for (size_t i = 0; i < n; i++) {
		int d;

		if (bits == 0)
			i += quads(out, p + i, n - i);
		if (i == n)
			break;
		d = digit(p[i]);
		if (is_break(p[i]))
			continue;
		if (d < 0)
			goto bad;
		v = (v << 6 | (uint32_t)d) & 0xffffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			cdp_buf_addc(out, (char)(v >> bits));
		}
	}
	if (bits < 6 && (v & ((1u << bits) - 1)) == 0)
		return 0;
bad:
	out->n = start;
	return -1;
}

void cdp_base64_encode(struct cdp_buf *out, const void *data, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = data;

	for (size_t i = 0; i < n; i += 3) {
		size_t k = n - i < 3 ? n - i : 3;
		uint32_t v = (uint32_t)p[i] << 16;
		char t[4];

		if (k > 1)
			v |= (uint32_t)p[i + 1] << 8;
		if (k > 2)
			v |= p[i + 2];
		for (size_t j = 0; j < 4; j++)
			t[j] = j > k ? '=' : digits[v >> (18 - 6 * j) & 63];
		cdp_buf_add(out, t, 4);
	}
}
