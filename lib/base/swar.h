/* Eight bytes at a time in a register. */
#ifndef CDP_BASE_SWAR_H
#define CDP_BASE_SWAR_H

#include <stdint.h>
#include <string.h>

#define CDP_ONES 0x0101010101010101u
#define CDP_HIGH 0x8080808080808080u

static inline uint64_t cdp_load64(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	return w;
}

/* The first quote, backslash or control byte from p on, all before it being what JSON
 * calls a plain string.  There is one; up to seven bytes behind it are read. */
static inline const char *cdp_plain_end(const char *p)
{
	for (;; p += 8) {
		uint64_t w = cdp_load64(p), quote = w ^ CDP_ONES * '"',
			 slash = w ^ CDP_ONES * '\\';
		/* High bits mark such bytes; those above the lowest mark may be wrong. */
		uint64_t mark = ((quote - CDP_ONES) & ~quote) |
				((slash - CDP_ONES) & ~slash) |
				((w - CDP_ONES * ' ') & ~w);

		if (mark & CDP_HIGH)
			return p + (__builtin_ctzll(mark & CDP_HIGH) >> 3);
	}
}

#endif
