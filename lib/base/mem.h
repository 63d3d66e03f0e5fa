/* Checked memory; the only caller of malloc.  Running out of memory ends the process with
 * status 4 and one message written without allocating, unless a handler is installed
 * (unit tests and fuzzers).  All sizes are overflow-checked. */
#ifndef CDP_BASE_MEM_H
#define CDP_BASE_MEM_H

#include <stddef.h>

void *cdp_alloc(size_t n);                   /* uninitialised; n may be 0 */
void *cdp_calloc(size_t count, size_t size); /* zeroed */
void *cdp_realloc(void *p, size_t count, size_t size);
void *cdp_alloc_aligned(size_t align, size_t n); /* free with free() */
void *cdp_memdup(const void *p, size_t n);
char *cdp_strndup(const char *p, size_t n); /* NUL-terminated copy of n bytes */
char *cdp_strdup(const char *s);
char *cdp_asprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Grow array `p` (element type from *p) so that index n fits; `cap` is updated. */
#define CDP_GROW(p, n, cap)                                                              \
	do {                                                                             \
		if ((n) >= (cap)) {                                                      \
			(cap) = (cap) ? (cap)*2 : 16;                                    \
			if ((cap) <= (n))                                                \
				(cap) = (n) + 1;                                         \
			(p) = cdp_realloc((p), (cap), sizeof(*(p)));                     \
		}                                                                        \
	} while (0)

/* For arrays that may become the most of a process and then are read all over: the same
 * array with room for n bytes, `old` of which it had before (p NULL: 0), kept; the others
 * are undefined.  Only grows, or ends with n = 0.  From 4 MiB on the array is a mapping
 * of whole huge pages that moves as they are: nothing is copied, and nothing is taken
 * that was not written to.  Not for free(). */
void *cdp_resize_large(void *p, size_t old, size_t n);

/* Whether memory is looked through for leaks when the process ends. */
#if defined(__SANITIZE_ADDRESS__)
#define CDP_MEM_CHECKED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CDP_MEM_CHECKED 1
#endif
#endif
#ifndef CDP_MEM_CHECKED
#define CDP_MEM_CHECKED 0
#endif

/* Called first when memory runs out; if it returns, the message and exit(4) follow. */
void cdp_mem_on_oom(void (*handler)(void));
/* The end, for libraries that allocate by themselves and fail for nothing else. */
_Noreturn void cdp_mem_exhausted(void);

/* Bump allocation for things that die together (one record, one definition file). `reset`
 * keeps the memory for reuse.  Pointers are 16-byte aligned. */
struct cdp_arena {
	struct cdp_arena_chunk *head; /* all chunks, current first */
	char *p, *end;
};
void cdp_arena_init(struct cdp_arena *a);
void cdp_arena_release(struct cdp_arena *a);
void cdp_arena_reset(struct cdp_arena *a);
void *cdp_arena_alloc(struct cdp_arena *a, size_t n);
char *cdp_arena_strndup(struct cdp_arena *a, const char *p, size_t n);

#endif
