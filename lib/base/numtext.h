/* JSON numbers as exact decimal text, whatever their size: for values that are told
 * apart, sorted and shown, not computed with. */
#ifndef CDP_BASE_NUMTEXT_H
#define CDP_BASE_NUMTEXT_H

#include "base/buf.h"

/* Appends the one text of the number's value: equal values, equal bytes ("1e2", "100.0"
 * and "100" are "100"; "-0" is "0").  Every digit is kept.  Laid out as ECMAScript does:
 * plain from 1e-7 up to 1e21, else "1.5e+300".  `p` is a JSON number. */
void cdp_numtext_add(struct cdp_buf *b, const char *p, size_t n);
/* Order of two JSON numbers by value: -1, 0, 1. */
int cdp_numtext_cmp(const char *a, size_t an, const char *b, size_t bn);
/* Appends the number with its first `digits` (1 or more) significant digits, those after
 * them being zero: it goes towards zero and keeps the order of any two. */
void cdp_numtext_add_cut(struct cdp_buf *b, const char *p, size_t n, unsigned digits);

#endif
