#include "base/hex.h"

void cdp_hex16(char out[16], uint64_t v)
{
	for (int i = 15; i >= 0; i--, v >>= 4)
		out[i] = "0123456789abcdef"[v & 15];
}

int cdp_unhex16(uint64_t *v, const char *p, size_t n)
{
	uint64_t r = 0;

	if (n != 16)
		return 0;
	for (size_t i = 0; i < 16; i++) {
		unsigned digit = (unsigned char)(p[i] - '0');
		unsigned letter = (unsigned char)(p[i] - 'a');

		if (digit > 9 && letter > 5)
			return 0;
		r = r << 4 | (digit <= 9 ? digit : letter + 10);
	}
	*v = r;
	return 1;
}
