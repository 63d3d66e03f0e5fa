/* Character sets of input files, decoded to UTF-8 (iconv).
 *
 * What cannot be decoded is never replaced: it is an error with the exact byte offset.
 * Only character sets without shift states, and whose line feed cannot be a part of
 * another character, are known: lines can be found before they are decoded, delimiters
 * cannot (GB18030 has '|' and '\' as second bytes). */
#ifndef CDP_IO_CHARSET_H
#define CDP_IO_CHARSET_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cdp_charset;

/* By name, case, '-' and '_' ignored: UTF-8, GB18030 (also for GBK, GB2312, CP936: it
 * contains them), Big5, UTF-16LE (also for UTF-16), UTF-16BE, ISO-8859-1 (Latin1),
 * Windows-1252, Shift_JIS, EUC-JP, EUC-KR; and any other that iconv knows if ASCII text
 * is the same in it and its line feed is that of ASCII.  NULL with a usage error for
 * another. */
struct cdp_charset *cdp_charset_new(const char *name, struct cdp_err *err);
/* By the byte order mark a file begins with; 0 if it has none, else its length and *name.
 * -1: n bytes do not tell yet (never for n >= 4). */
int cdp_charset_of_bom(const char *p, size_t n, const char **name);
void cdp_charset_free(struct cdp_charset *cs);
const char *cdp_charset_name(const struct cdp_charset *cs);
/* Length of this charset's byte order mark at p, 0 if there is none; -1 as above. */
int cdp_charset_bom(const struct cdp_charset *cs, const char *p, size_t n);
/* Bytes of the smallest unit: 2 for UTF-16, else 1. */
unsigned cdp_charset_unit(const struct cdp_charset *cs);
/* Bytes up to and with the first `c`, an ASCII control, 0 if there is none; p is on a
 * unit. */
size_t cdp_charset_find(const struct cdp_charset *cs, const char *p, size_t n, char c);
/* Length of the line p, n without a final LF or CR LF; with `end` a CR: without that. */
size_t cdp_charset_chomp(const struct cdp_charset *cs, const char *p, size_t n, char end);
/* The ASCII character in the unit at p (as many bytes as it has), -1 if it is none. */
int cdp_charset_ascii(const struct cdp_charset *cs, const char *p);

/* Append n bytes at p, decoded, to out; `offset` is that of p, for messages.  *used bytes
 * were taken: all of them, but a piece of a character (at most 7 bytes) at the end if
 * not `last`: give it again with what follows.  -1: a data error naming the byte at p +
 * *used and its offset; what precedes it was appended, and decoding may go on after it.
 * There is no state between calls. */
int cdp_charset_decode(struct cdp_charset *cs, const char *p, size_t n, bool last,
		       uint64_t offset, size_t *used, struct cdp_buf *out,
		       struct cdp_err *err);

#endif
