/* Small numbers in few bytes: seven bits a byte, the lowest first, the high bit set in
 * all but the last (as LEB128); signed ones fold the sign into the lowest bit. */
#ifndef CDP_BASE_VARINT_H
#define CDP_BASE_VARINT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum { CDP_VARINT_MAX = 10 }; /* bytes */

/* Writes at most CDP_VARINT_MAX bytes; returns where they end. */
static inline char *cdp_varint_put(char *p, uint64_t v)
{
	while (v > 0x7f) {
		*p++ = (char)(v | 0x80);
		v >>= 7;
	}
	*p++ = (char)v;
	return p;
}

static inline void cdp_varint_add(struct cdp_buf *b, uint64_t v)
{
	if (cdp_buf_reserve(b, CDP_VARINT_MAX) == 0)
		b->n = (size_t)(cdp_varint_put(b->p + b->n, v) - b->p);
}

static inline uint64_t cdp_zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static inline int64_t cdp_unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

/* Reads one at *p and moves there; false, *p anywhere up to end, if there is none. */
static inline bool cdp_varint_get(uint64_t *v, const char **p, const char *end)
{
	uint64_t out = 0;

	for (unsigned shift = 0; *p < end && shift < 64; shift += 7) {
		unsigned char c = (unsigned char)*(*p)++;

		if (shift == 63 && c > 1)
			return false;
		out |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80) {
			*v = out;
			return true;
		}
	}
	return false;
}

static inline bool cdp_varint_get_signed(int64_t *v, const char **p, const char *end)
{
	uint64_t u;

	if (!cdp_varint_get(&u, p, end))
		return false;
	*v = cdp_unzigzag(u);
	return true;
}

/* n bytes that stand after their number; borrowed. */
static inline bool cdp_varint_get_bytes(const char **s, size_t *n, const char **p,
					const char *end)
{
	uint64_t len;

	if (!cdp_varint_get(&len, p, end) || len > (uint64_t)(end - *p))
		return false;
	*s = *p;
	*n = (size_t)len;
	*p += len;
	return true;
}

static inline void cdp_varint_add_bytes(struct cdp_buf *b, const void *p, size_t n)
{
	cdp_varint_add(b, n);
	cdp_buf_add(b, p, n);
}

#endif
