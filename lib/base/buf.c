#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void cdp_buf_init(struct cdp_buf *b, size_t max)
{
	b->cap = max < 256 ? max : 256;
	b->p = cdp_alloc(b->cap);
	b->n = 0;
	b->max = max;
	b->over = false;
}

void cdp_buf_release(struct cdp_buf *b)
{
	free(b->p);
	b->p = NULL;
	b->n = b->cap = 0;
}

char *cdp_buf_detach(struct cdp_buf *b, size_t *n)
{
	char *p = b->p;

	*n = b->n;
	cdp_buf_init(b, b->max);
	return p;
}

int cdp_buf_grow(struct cdp_buf *b, size_t extra)
{
	size_t need, cap = b->cap;

	if (__builtin_add_overflow(b->n, extra, &need) || need > b->max) {
		b->over = true;
		return -1;
	}
	while (cap < need)
		cap = cap < 64 ? 64 : cap * 2;
	if (cap > b->max)
		cap = b->max;
	b->p = cdp_realloc(b->p, cap, 1);
	b->cap = cap;
	return 0;
}

const char *cdp_buf_str(struct cdp_buf *b)
{
	/* The terminator may stand one past max: it is not content. */
	if (b->n == b->cap) {
		b->cap = b->n + 1;
		b->p = cdp_realloc(b->p, b->cap, 1);
	}
	b->p[b->n] = '\0';
	return b->p;
}

void cdp_buf_addf(struct cdp_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || cdp_buf_reserve(b, (size_t)n + 1) < 0)
		return;
	va_start(ap, fmt);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

void cdp_buf_addu(struct cdp_buf *b, uint64_t v)
{
	char t[20];
	size_t i = sizeof(t);

	for (; v > 99; v /= 100) {
		unsigned two = (unsigned)(v % 100);

		t[--i] = (char)('0' + two % 10);
		t[--i] = (char)('0' + two / 10);
	}
	t[--i] = (char)('0' + v % 10);
	if (v > 9)
		t[--i] = (char)('0' + v / 10);
	cdp_buf_add(b, t + i, sizeof(t) - i);
}

void cdp_buf_addi(struct cdp_buf *b, int64_t v)
{
	if (v < 0)
		cdp_buf_addc(b, '-');
	cdp_buf_addu(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}
