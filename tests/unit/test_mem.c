/* Memory: what callers of large arrays count on. */
#include "base/mem.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#ifdef __SANITIZE_ADDRESS__

static void large_arrays_grow_without_copying(void)
{
	ok(true, "the sanitizer's realloc copies: not asked # SKIP");
}

#else

static long faults(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return use.ru_minflt;
}

static void large_arrays_grow_without_copying(void)
{
	enum { LARGE = 64 << 20, PAGE = 4096 };
	char *p = cdp_alloc(LARGE);
	bool kept;
	long n;

	memset(p, 1, LARGE);
	n = faults();
	p = cdp_realloc(p, 2, LARGE);
	n = faults() - n;
	kept = p[0] == 1 && p[LARGE - 1] == 1;
	ok(kept && n < LARGE / PAGE / 8, "an array of 64 MiB grows in %ld page faults",
	   n);
	free(p);
}

#endif

/* Through sizes below and above that from which it is a mapping. */
static void large_arrays_keep_what_was_written(void)
{
	enum { STEP = 1 << 20, STEPS = 40 };
	size_t n = 0;
	char *p = NULL, *beside[2] = { NULL, NULL };
	bool kept = true;

	for (int i = 0; i < STEPS; i++) {
		p = cdp_resize_large(p, n, n + STEP);
		memset(p + n, i, STEP);
		n += STEP;
		/* Something in its way, so that it has to move. */
		beside[i % 2] = cdp_resize_large(beside[i % 2], (size_t)(i / 2) * STEP,
						 (size_t)(i / 2 + 1) * STEP);
		beside[i % 2][(size_t)(i / 2) * STEP] = (char)i;
	}
	for (size_t i = 0; i < n; i++)
		kept &= p[i] == (char)(i / STEP);
	for (int i = 0; i < STEPS; i++)
		kept &= beside[i % 2][(size_t)(i / 2) * STEP] == (char)i;
	ok(kept, "large arrays keep what was written as they grow");
	p = cdp_resize_large(p, n, 0);
	for (int i = 0; i < 2; i++)
		cdp_resize_large(beside[i], (size_t)STEPS / 2 * STEP, 0);
	ok(!p, "and end");
	p = cdp_resize_large(NULL, 0, 10);
	cdp_resize_large(p, 10, 0);
}

static void arrays_double(void)
{
	int *v = NULL;
	size_t cap = 0;

	for (size_t i = 0; i < 1000; i++) {
		CDP_GROW(v, i, cap);
		v[i] = (int)i;
	}
	ok(cap == 1024 && v[0] == 0 && v[999] == 999, "an array doubles as it fills");
	CDP_GROW(v, (size_t)5000, cap);
	ok(cap == 5001, "and takes an index far beyond at once");
	free(v);
}

static void arenas_are_aligned_and_reused(void)
{
	struct cdp_arena a;
	bool aligned = true;
	char *first, *s;

	cdp_arena_init(&a);
	for (size_t i = 1; i < 100; i++)
		aligned &= (size_t)cdp_arena_alloc(&a, i) % 16 == 0;
	ok(aligned, "pieces of an arena are aligned");
	cdp_arena_reset(&a);
	first = cdp_arena_alloc(&a, 1);
	cdp_arena_alloc(&a, 1000);
	cdp_arena_reset(&a);
	ok(cdp_arena_alloc(&a, 1) == first, "a reset arena starts over");
	s = cdp_arena_strndup(&a, "abcdef", 3);
	ok(strcmp(s, "abc") == 0, "text is copied with an end");
	cdp_arena_release(&a);
}

int main(void)
{
	large_arrays_grow_without_copying();
	large_arrays_keep_what_was_written();
	arrays_double();
	arenas_are_aligned_and_reused();
	return tap_done();
}
