/* Strict, locale-free numbers: the whole text or an error. */
#ifndef CDP_BASE_NUM_H
#define CDP_BASE_NUM_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

/* Powers of ten, all that fit. */
extern const uint64_t cdp_pow10_u64[20];

/* "[+-]digits"; a usage error says what was expected and the range. */
int cdp_num_i64(int64_t *v, const char *p, size_t n, int64_t min, int64_t max,
		struct cdp_err *err);
int cdp_num_u64(uint64_t *v, const char *p, size_t n, uint64_t max, struct cdp_err *err);
/* Sizes: digits and an optional K, M, G or T (powers of 1024).  A usage error. */
int cdp_num_size(uint64_t *v, const char *p, size_t n, uint64_t max, struct cdp_err *err);
/* A JSON number (RFC 8259 section 6), correctly rounded; overflow gives an infinity.  A
 * data error if the text is not one. */
int cdp_num_double(double *v, const char *p, size_t n, struct cdp_err *err);
/* A JSON number without fraction or exponent that fits 64 bits: 1 and *v, else 0.  Needs
 * no terminator; the hot path. */
int cdp_num_json_i64(int64_t *v, const char *p, size_t n);
/* Shortest text that reads back the same double, of several the nearest, laid out as
 * ECMAScript does: plain digits from 1e-7 up to 1e21 ("5", "0.1", "-0"), else "1e+300",
 * "5e-324".  "NaN", "Infinity" and "-Infinity" are CEL's and no JSON: a writer of JSON
 * deals with them first.  Same bytes on every machine and locale. */
void cdp_num_add_double(struct cdp_buf *b, double v);

#endif
