/* Text for systems that want GB18030, the Chinese national encoding (Unicode in one, two
 * or four bytes; GBK is a part of it). */
#ifndef CDP_FORMAT_GB18030_WRITE_H
#define CDP_FORMAT_GB18030_WRITE_H

#include "base/buf.h"
#include "base/err.h"

struct cdp_gb18030;

/* NULL with a system error if the machine's iconv(3) does not know the encoding. */
struct cdp_gb18030 *cdp_gb18030_new(struct cdp_err *err);
void cdp_gb18030_free(struct cdp_gb18030 *g);
/* Append valid UTF-8 text p..p+n in GB18030. */
void cdp_gb18030_add(struct cdp_gb18030 *g, struct cdp_buf *out, const char *p, size_t n);

#endif
