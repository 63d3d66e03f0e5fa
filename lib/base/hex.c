#include "base/hex.h"

#include "base/swar.h"

#include <endian.h>

/* Eight digits at once: each half byte in a byte of its own, the highest first. */
static uint64_t digits(uint32_t v)
{
	uint64_t x = v;

	x = (x | x << 16) & 0x0000ffff0000ffff;
	x = (x | x << 8) & 0x00ff00ff00ff00ff;
	x = (x | x << 4) & 0x0f0f0f0f0f0f0f0f;
	/* Ten and more carry into the next bit, and 'a' - '0' is ten and 39. */
	return x + 0x3030303030303030 + ((x + 0x0606060606060606) >> 4 & CDP_ONES) * 39;
}

void cdp_hex16(char out[16], uint64_t v)
{
	uint64_t high = htobe64(digits((uint32_t)(v >> 32))),
		 low = htobe64(digits((uint32_t)v));

	memcpy(out, &high, 8);
	memcpy(out + 8, &low, 8);
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
