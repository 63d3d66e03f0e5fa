/* Exact decimals for money: a 128-bit integer and a decimal scale.
 *
 * Sums of up to 2^60 amounts below 10^18 with at most 12 fraction digits are exact,
 * whatever the order, and mergeable.  A value that does not fit (|exponent| or digits too
 * large) is an error that the caller counts; it never rounds silently. */
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

/* From JSON number text, exponents included.  0 or -1 (data error). */
int cdp_decimal_parse(struct cdp_decimal *d, const char *p, size_t n,
		      struct cdp_err *err);
/* Exact: the larger scale is kept.  -1 on overflow. */
int cdp_decimal_add(struct cdp_decimal *sum, struct cdp_decimal x);
int cdp_decimal_sub(struct cdp_decimal *sum, struct cdp_decimal x);
int cdp_decimal_cmp(struct cdp_decimal a, struct cdp_decimal b);
double cdp_decimal_double(struct cdp_decimal d); /* nearest */
/* a / b to `digits` fraction digits, half to even.  -1 if b is 0 or it does not fit. */
int cdp_decimal_div(struct cdp_decimal *q, struct cdp_decimal a, struct cdp_decimal b,
		    unsigned digits);
/* Plain digits, no exponent, trailing fraction zeros removed ("12.5", "-3", "0"). */
void cdp_decimal_add_text(struct cdp_buf *b, struct cdp_decimal d);

#endif
