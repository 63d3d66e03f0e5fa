/* Numbers eight digits at a time; shared by the scanners. */
#ifndef CDP_RECORD_SCAN_NUMBER_H
#define CDP_RECORD_SCAN_NUMBER_H

#include "record/scan_impl.h"

/* Past the digits at p; p itself if there is none.  The high bit of the first byte that
 * is no digit, and perhaps of later ones, is set in the mask. */
static inline const char *cdp_skip_digits(const char *p)
{
	for (;;) {
		uint64_t d = cdp_load64(p) ^ CDP_ONES * '0';
		uint64_t m = ((d + CDP_ONES * 0x76) | d) & CDP_HIGH;

		if (__builtin_expect(m != 0, 1))
			return p + (unsigned)__builtin_ctzll(m) / 8;
		p += 8;
	}
}

/* Past the number at p ('-' or a digit), or NULL. */
static inline const char *cdp_skip_number(const char *p, bool *integral)
{
	const char *from = p += *p == '-';

	*integral = true;
	p = cdp_skip_digits(p);
	if (__builtin_expect(p == from || (*from == '0' && p != from + 1), 0))
		return NULL;
	if (*p == '.') {
		*integral = false;
		from = ++p;
		p = cdp_skip_digits(p);
		if (__builtin_expect(p == from, 0))
			return NULL;
	}
	if (__builtin_expect((*p | 0x20) == 'e', 0)) {
		*integral = false;
		p++;
		p += *p == '+' || *p == '-';
		from = p;
		p = cdp_skip_digits(p);
		if (p == from)
			return NULL;
	}
	return p;
}

#endif
