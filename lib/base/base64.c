#include "base/base64.h"

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-' || c == ' ')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

static bool is_break(char c)
{
	return c == '\n' || c == '\r';
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
		int d = digit(p[i]);

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
