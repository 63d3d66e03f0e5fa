/* Keys come in byte order, also those that zero-padded words cannot tell apart. */
#include "base/intern.h"
#include "base/mem.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t rng = 0x9e3779b97f4a7c15ULL;
static unsigned rnd(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned)((rng >> 11) % n);
}

/* Frees the order. */
static bool sorts(const struct cdp_intern *t, uint32_t *order)
{
	uint32_t n = cdp_intern_count(t);
	bool good = true;
	char *seen = cdp_calloc(n, 1);

	for (uint32_t i = 0; i < n; i++) {
		size_t a, b;
		const char *p, *q;
		int c;

		good = good && order[i] < n && !seen[order[i]]++;
		if (i == 0)
			continue;
		p = cdp_intern_key(t, order[i - 1], &a);
		q = cdp_intern_key(t, order[i], &b);
		c = memcmp(p, q, a < b ? a : b);
		good = good && (c < 0 || (c == 0 && a < b));
	}
	free(seen);
	free(order);
	return good;
}

static bool in_order(const struct cdp_intern *t)
{
	return sorts(t, cdp_intern_order(t));
}

/* Enough keys for several threads: begun alike, cut in few and in many words, and beyond
 * the greatest of a sample. */
static void many(void)
{
	static const char *const begin[] = { "C0007", "",
					     "\xff\xff\xff\xff\xff\xff\xff\xff",
					     "one word and more" };
	unsigned bad = 0;

	for (unsigned b = 0; b < 4; b++) {
		struct cdp_intern *t = cdp_intern_new(0);

		cdp_intern_put(t, begin[b], strlen(begin[b]), NULL);
		while (cdp_intern_count(t) < 200000) {
			char key[64];
			int n = rnd(9) ? snprintf(key, sizeof(key), "%s%x", begin[b],
						  rnd(b == 1 ? 1000000 : 100000000))
				       : snprintf(key, sizeof(key), "%s\xff\xff%u",
						  begin[b], rnd(100000));

			cdp_intern_put(t, key, (size_t)n, NULL);
		}
		for (unsigned jobs = 1; jobs < 9; jobs += 1 + jobs / 3)
			bad += !sorts(t, cdp_intern_order_jobs(
						 (const struct cdp_intern *const[]){ t },
						 1, jobs));
		cdp_intern_free(t);
	}
	is_int(bad, 0, "so they do by any number of threads");
}

/* Keys in several tables, of which one is empty, by fewer and by more threads. */
static void several(void)
{
	enum { TABLES = 5, KEYS = 100000 };
	struct cdp_intern *t[TABLES];
	unsigned bad = 0;

	for (unsigned k = 0; k < TABLES; k++)
		t[k] = cdp_intern_new(0);
	for (unsigned i = 0; i < KEYS; i++) {
		char key[16];
		int n = snprintf(key, sizeof(key), "m%06u", i);

		cdp_intern_put(t[rnd(TABLES - 1)], key, (size_t)n, NULL);
	}
	for (unsigned jobs = 1; jobs < 8; jobs += 3) {
		uint32_t *order = cdp_intern_order_jobs(
			(const struct cdp_intern *const *)t, TABLES, jobs);

		for (unsigned i = 0; i < KEYS; i++) {
			char key[16];
			int len = snprintf(key, sizeof(key), "m%06u", i);
			size_t n;
			const char *p = cdp_intern_key(t[order[i] % TABLES],
						       order[i] / TABLES, &n);

			bad += n != (size_t)len || memcmp(p, key, n) != 0;
		}
		free(order);
	}
	is_int(bad, 0, "and those of several tables");
	for (unsigned k = 0; k < TABLES; k++)
		cdp_intern_free(t[k]);
}

int main(void)
{
	struct cdp_intern *t;
	unsigned bad = 0;

	/* Few symbols, NUL and 0xff among them, and lengths around the word size: many
	 * shared prefixes and keys that differ by trailing NULs only. */
	for (unsigned round = 0; round < 60; round++) {
		t = cdp_intern_new(0);
		for (unsigned i = rnd(3000); i-- > 0;) {
			char key[40];
			size_t n = rnd(2) ? rnd(40) : 14 + rnd(5);

			for (size_t j = 0; j < n; j++)
				key[j] = round % 2 ? "\0\xff"
						     "a"[rnd(3)]
					 : j < 13  ? 'x'
						   : (char)rnd(2);
			cdp_intern_put(t, key, n, NULL);
		}
		bad += !in_order(t);
		cdp_intern_free(t);
	}
	is_int(bad, 0, "ids come once each and by key bytes");
	many();
	several();
	t = cdp_intern_new(0);
	ok(in_order(t), "an empty table has an empty order");
	cdp_intern_free(t);
	return tap_done();
}
