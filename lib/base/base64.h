/* Base64 (RFC 4648). */
#ifndef CDP_BASE_BASE64_H
#define CDP_BASE_BASE64_H

#include "base/buf.h"

/* Appends what the text stands for.  Both alphabets (sections 4 and 5) are taken, padded
 * or not, broken into lines (section 3.1) or not, and a space for a plus sign, which it
 * becomes in a form that was not encoded with care.  -1, and nothing is appended, if it
 * is not Base64. */
int cdp_base64_decode(struct cdp_buf *out, const char *p, size_t n);
/* Appends the text of section 4, padded. */
void cdp_base64_encode(struct cdp_buf *out, const void *p, size_t n);

#endif
