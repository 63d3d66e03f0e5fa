/* Memory: what callers of large arrays count on. */
#include "base/mem.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static long faults(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return use.ru_minflt;
}

static void large_arrays_grow_without_copying(void)
{
#ifdef __SANITIZE_ADDRESS__
	ok(true, "the sanitizer's realloc copies: not asked # SKIP");
#else
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
#endif
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
	arrays_double();
	arenas_are_aligned_and_reused();
	return tap_done();
}
