/* Growable bytes with a ceiling.
 *
 * b->p is never NULL after init and may contain NULs; it is not NUL-terminated unless
 * cdp_buf_str() is called.  An append that would pass b->max adds nothing and sets
 * b->over, which stays set until reset: a writer appends freely and checks once at the
 * end. */
#ifndef CDP_BASE_BUF_H
#define CDP_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cdp_buf {
	char *p;
	size_t n, cap, max;
	bool over;
};

#define CDP_BUF_NOMAX ((size_t)1 << 46) /* for buffers bounded by their use */

void cdp_buf_init(struct cdp_buf *b, size_t max);
void cdp_buf_release(struct cdp_buf *b);
char *cdp_buf_detach(struct cdp_buf *b, size_t *n); /* caller frees; b is empty again */
int cdp_buf_grow(struct cdp_buf *b,
		 size_t extra);             /* slow path of reserve; 0 or -1 (over) */
const char *cdp_buf_str(struct cdp_buf *b); /* NUL-terminated, borrowed */
void cdp_buf_addf(struct cdp_buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void cdp_buf_addu(struct cdp_buf *b, uint64_t v); /* decimal */
void cdp_buf_addi(struct cdp_buf *b, int64_t v);

static inline void cdp_buf_reset(struct cdp_buf *b)
{
	b->n = 0;
	b->over = false;
}

/* Room for `extra` bytes at b->p + b->n, which the caller may fill and add to b->n. */
static inline int cdp_buf_reserve(struct cdp_buf *b, size_t extra)
{
	return b->cap - b->n >= extra ? 0 : cdp_buf_grow(b, extra);
}

static inline void cdp_buf_add(struct cdp_buf *b, const void *p, size_t n)
{
	if (cdp_buf_reserve(b, n) == 0 && n) {
		memcpy(b->p + b->n, p, n);
		b->n += n;
	}
}

static inline void cdp_buf_addc(struct cdp_buf *b, char c)
{
	if (cdp_buf_reserve(b, 1) == 0)
		b->p[b->n++] = c;
}

static inline void cdp_buf_adds(struct cdp_buf *b, const char *s)
{
	cdp_buf_add(b, s, strlen(s));
}

#endif
