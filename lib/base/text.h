/* UTF-8 text. */
#ifndef CDP_BASE_TEXT_H
#define CDP_BASE_TEXT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Offset of the first byte of the first ill-formed sequence (Unicode table 3-7), or n. */
size_t cdp_utf8_check(const char *p, size_t n);
/* Next code point at p (n > 0); returns its length 1..4.  A byte that begins no
 * well-formed sequence is U+FFFD of length 1. */
unsigned cdp_utf8_next(const char *p, size_t n, uint32_t *cp);
/* The sequence of a code point and its length; that of U+FFFD for what is none. */
unsigned cdp_utf8_put(char out[4], uint32_t cp);
size_t cdp_utf8_count(const char *p, size_t n); /* code points of valid UTF-8 */
/* A letter, mark or digit of any script (Unicode categories L, M, Nd, Nl). */
bool cdp_utf8_is_word(uint32_t cp);
/* Columns on a terminal (East Asian wide = 2, combining and controls = 0). */
size_t cdp_utf8_width(const char *p, size_t n);
/* Append the NFKC form, which has full-width letters and digits half-width, for
 * identifiers.  0, or -1 and nothing appended if p is not valid UTF-8. */
int cdp_text_nfkc(struct cdp_buf *out, const char *p, size_t n);
/* Append text that is safe to print, for people: controls, invisible marks that reorder
 * text and ill-formed bytes become \n, \r, \t, \x1b, \u202e; all else stays, backslashes
 * too. */
void cdp_text_escape(struct cdp_buf *out, const char *p, size_t n);
/* The nearest of `names` by edit distance in code points, the first of equals; NULL if
 * none is near ("did you mean"). */
const char *cdp_text_suggest(const char *p, size_t n, const char *const *names,
			     size_t count);

#endif
