/* Exact decimals for money: a 128-bit integer and a decimal scale.
 *
 * Sums are exact and mergeable, whatever the order, while they stay below 1.7 * 10^38 in
 * units of their last fraction digit: with 12 digits that is 10^12 amounts below 10^14. A
 * value that does not fit is an error that the caller counts; it never rounds silently.
 */
#ifndef CDP_BASE_DECIMAL_H
#define CDP_BASE_DECIMAL_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

struct cdp_decimal {
	__int128 unscaled;
	uint32_t scale; /* value = unscaled / 10^scale, scale 0..18 */
};

#define CDP_DECIMAL_ZERO ((struct cdp_decimal){ 0, 0 })

/* From JSON number text, exponents included.  0, or -1 with a data error if it is none or
 * has more than 18 fraction digits (zeros at the end do not count) or is too large. */
int cdp_decimal_parse(struct cdp_decimal *d, const char *p, size_t n,
		      struct cdp_err *err);
/* Exact: the larger scale is kept.  -1 on overflow, which leaves the sum alone. */
int cdp_decimal_add(struct cdp_decimal *sum, struct cdp_decimal x);
int cdp_decimal_sub(struct cdp_decimal *sum, struct cdp_decimal x);
int cdp_decimal_cmp(struct cdp_decimal a, struct cdp_decimal b);
double cdp_decimal_double(struct cdp_decimal d); /* nearest */
/* a / b to `digits` (0..18) fraction digits, half to even.  -1 if b is 0 or it does not
 * fit. */
int cdp_decimal_div(struct cdp_decimal *q, struct cdp_decimal a, struct cdp_decimal b,
		    unsigned digits);
/* a / b as the nearest double; b is not 0. */
double cdp_decimal_ratio(struct cdp_decimal a, struct cdp_decimal b);
/* Exact; -1 if it does not fit, which leaves *d alone. */
int cdp_decimal_mul(struct cdp_decimal *d, struct cdp_decimal x);
/* Plain digits, no exponent, trailing fraction zeros removed ("12.5", "-3", "0"). */
void cdp_decimal_add_text(struct cdp_buf *b, struct cdp_decimal d);

#endif
