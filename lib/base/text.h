/* UTF-8 text. */
#ifndef CDP_BASE_TEXT_H
#define CDP_BASE_TEXT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Offset of the first byte of the first ill-formed sequence (Unicode table 3-7), or n. */
size_t cdp_utf8_check(const char *p, size_t n);
/* Next code point at p (valid UTF-8, n > 0); returns its length 1..4. */
unsigned cdp_utf8_next(const char *p, size_t n, uint32_t *cp);
unsigned cdp_utf8_put(char out[4], uint32_t cp);
size_t cdp_utf8_count(const char *p, size_t n); /* code points */
/* Columns on a terminal (East Asian wide = 2, combining = 0). */
size_t cdp_utf8_width(const char *p, size_t n);
/* NFKC with full-width to half-width, for identifiers (utf8proc). */
int cdp_text_nfkc(struct cdp_buf *out, const char *p, size_t n);
/* True if every byte may be printed to a terminal; else use cdp_text_escape. */
void cdp_text_escape(struct cdp_buf *out, const char *p,
		     size_t n); /* \n -> \\n, ESC -> \x1b */
/* The nearest of `names` by edit distance, NULL if none is near ("did you mean"). */
const char *cdp_text_suggest(const char *p, size_t n, const char *const *names,
			     size_t count);

#endif
