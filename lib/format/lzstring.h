/* Text packed by LZ-String, a JavaScript library (LZ78 over UTF-16 with codes of growing
 * width, least significant bit first), in two of its alphabets. */
#ifndef CDP_FORMAT_LZSTRING_H
#define CDP_FORMAT_LZSTRING_H

#include "base/buf.h"
#include "base/err.h"

/* compressToUint8Array(): words of 16 bits, big-endian.  Appends UTF-8, at most `max`
 * bytes of it.  0, or -1 with a data error. */
int cdp_lzstring_words(struct cdp_buf *out, const char *p, size_t n, size_t max,
		       struct cdp_err *err);
/* compressToEncodedURIComponent(): digits of six bits; a blank is a '+' that a form took
 * for one. */
int cdp_lzstring_uri(struct cdp_buf *out, const char *p, size_t n, size_t max,
		     struct cdp_err *err);

#endif
