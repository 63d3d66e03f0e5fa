#include "base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum { LARGE = 4 << 20, HUGE_PAGE = 2 << 20 };

static void (*oom_handler)(void);

void cdp_mem_on_oom(void (*handler)(void))
{
	oom_handler = handler;
}

_Noreturn void cdp_mem_exhausted(void)
{
	static const char msg[] = ": out of memory\n";
	struct iovec line[] = {
		{ program_invocation_short_name, strlen(program_invocation_short_name) },
		{ (char *)msg, sizeof(msg) - 1 },
	};
	ssize_t ignored;

	if (oom_handler)
		oom_handler();
	ignored = writev(STDERR_FILENO, line, 2);
	(void)ignored;
	_exit(4);
}

/* Tables of that size are read all over: with huge pages fewer of the accesses that miss
 * the cache must look for their page as well.  From the start of the first page on, so
 * that a mapping stays one: the kernel moves no parts, and growing would be copying. */
static void prefer_huge(void *p, size_t n)
{
	enum { PAGE = 4096 };
	uintptr_t from = (uintptr_t)p / PAGE * PAGE;

	if (n >= LARGE)
		(void)madvise((void *)from, (uintptr_t)p + n - from, MADV_HUGEPAGE);
}

void *cdp_alloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (!p)
		cdp_mem_exhausted();
	prefer_huge(p, n);
	return p;
}

void *cdp_calloc(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);

	if (!p)
		cdp_mem_exhausted();
	prefer_huge(p, count * size);
	return p;
}

void *cdp_realloc(void *p, size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n))
		cdp_mem_exhausted();
	p = realloc(p, n ? n : 1);
	if (!p)
		cdp_mem_exhausted();
	prefer_huge(p, n);
	return p;
}

void *cdp_alloc_aligned(size_t align, size_t n)
{
	void *p;

	if (posix_memalign(&p, align, n ? n : align) != 0)
		cdp_mem_exhausted();
	return p;
}

static size_t whole_pages(size_t n)
{
	if (n > SIZE_MAX / 2)
		cdp_mem_exhausted();
	return (n + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

/* n whole huge pages of address space. */
static char *map_pages(size_t n)
{
	char *p = mmap(NULL, n + HUGE_PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t skip;

	if (p == MAP_FAILED)
		cdp_mem_exhausted();
	skip = (HUGE_PAGE - (uintptr_t)p % HUGE_PAGE) % HUGE_PAGE;
	if (skip)
		munmap(p, skip);
	munmap(p + skip + n, HUGE_PAGE - skip);
	return p + skip;
}

/* To where it can be longer; the kernel moves huge pages as such between places that are
 * multiples of their size. */
static void *move_pages(void *p, size_t old, size_t n)
{
	void *q = mremap(p, old, n, 0);

	if (q != MAP_FAILED)
		return q;
	q = mremap(p, old, n, MREMAP_MAYMOVE | MREMAP_FIXED, map_pages(n));
	if (q == MAP_FAILED)
		cdp_mem_exhausted();
	return q;
}

void *cdp_resize_large(void *p, size_t old, size_t n)
{
	void *q;

	if (old >= LARGE && n)
		return whole_pages(old) == whole_pages(n)
			       ? p
			       : move_pages(p, whole_pages(old), whole_pages(n));
	if (old >= LARGE) {
		munmap(p, whole_pages(old));
		return NULL;
	}
	if (n && n < LARGE)
		return cdp_realloc(p, n, 1);
	if (!n) {
		free(p);
		return NULL;
	}
	q = map_pages(whole_pages(n));
	madvise(q, whole_pages(n), MADV_HUGEPAGE);
	if (old)
		memcpy(q, p, old);
	free(p);
	return q;
}

void *cdp_memdup(const void *p, size_t n)
{
	void *q = cdp_alloc(n);

	if (n)
		memcpy(q, p, n);
	return q;
}

char *cdp_strndup(const char *p, size_t n)
{
	char *q = cdp_alloc(n + 1);

	if (n)
		memcpy(q, p, n);
	q[n] = '\0';
	return q;
}

char *cdp_strdup(const char *s)
{
	return cdp_strndup(s, strlen(s));
}

char *cdp_asprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		cdp_mem_exhausted();
	return s;
}

struct cdp_arena_chunk {
	struct cdp_arena_chunk *next;
	size_t size;
	_Alignas(16) char data[];
};

enum { ARENA_CHUNK = 1024 }; /* the first one; each that follows is twice as large */

void cdp_arena_init(struct cdp_arena *a)
{
	a->head = NULL;
	a->p = a->end = NULL;
}

void cdp_arena_release(struct cdp_arena *a)
{
	while (a->head) {
		struct cdp_arena_chunk *next = a->head->next;

		free(a->head);
		a->head = next;
	}
	a->p = a->end = NULL;
}

void cdp_arena_reset(struct cdp_arena *a)
{
	/* Keep the newest chunk only: it is the largest, so a steady state allocates
	 * nothing. */
	if (!a->head)
		return;
	while (a->head->next) {
		struct cdp_arena_chunk *old = a->head->next;

		a->head->next = old->next;
		free(old);
	}
	a->p = a->head->data;
	a->end = a->head->data + a->head->size;
}

void *cdp_arena_alloc(struct cdp_arena *a, size_t n)
{
	struct cdp_arena_chunk *c;
	size_t size;
	void *r;

	if (n > SIZE_MAX / 4)
		cdp_mem_exhausted();
	n = (n + 15) & ~(size_t)15;
	if ((size_t)(a->end - a->p) < n) {
		size = a->head ? a->head->size * 2 : ARENA_CHUNK;
		while (size < n)
			size *= 2;
		c = cdp_alloc(sizeof(*c) + size);
		c->next = a->head;
		c->size = size;
		a->head = c;
		a->p = c->data;
		a->end = c->data + size;
	}
	r = a->p;
	a->p += n;
	return r;
}

char *cdp_arena_strndup(struct cdp_arena *a, const char *p, size_t n)
{
	char *q = cdp_arena_alloc(a, n + 1);

	if (n)
		memcpy(q, p, n);
	q[n] = '\0';
	return q;
}
