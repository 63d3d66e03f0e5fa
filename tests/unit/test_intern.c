#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "tap.h"

static void small(void)
{
	struct cdp_intern *t = cdp_intern_new(0);
	const char *k, *first;
	bool added = false;
	size_t n;

	is_int(cdp_intern_get(t, "a", 1), CDP_INTERN_NONE, "an empty table knows no key");
	is_int(cdp_intern_put(t, "buy", 3, &added), 0, "the first key is 0");
	ok(added, "a new key is said to be added");
	first = cdp_intern_key(t, 0, &n);
	is_int(cdp_intern_put(t, "open", 4, NULL), 1, "the second key is 1");
	is_int(cdp_intern_put(t, "buy", 3, &added), 0, "a key keeps its id");
	ok(!added, "a known key is not added");
	is_int(cdp_intern_put(t, "", 0, &added), 2, "the empty key is a key");
	is_int(cdp_intern_put(t, NULL, 0, &added), 2, "the empty key needs no pointer");
	is_int(cdp_intern_put(t, "a\0b", 3, &added), 3, "a key may hold a NUL");
	is_int(cdp_intern_put(t, "a\0c", 3, &added), 4, "bytes after a NUL count");
	is_int(cdp_intern_put(t, "a", 1, &added), 5, "a prefix is another key");
	is_int(cdp_intern_get(t, "a\0c", 3), 4, "get finds a key");
	is_int(cdp_intern_get(t, "b", 1), CDP_INTERN_NONE, "get does not add");
	is_int(cdp_intern_count(t), 6, "count counts different keys");
	k = cdp_intern_key(t, 3, &n);
	ok(n == 3 && memcmp(k, "a\0b", 3) == 0, "key gives the bytes back");
	cdp_intern_key(t, 2, &n);
	is_int((int64_t)n, 0, "the empty key comes back empty");
	ok(cdp_intern_key(t, 0, &n) == first, "keys do not move");
	cdp_intern_free(t);
	cdp_intern_free(NULL);
}

/* Keys in place, at the edge of that, and apart; alike but for one byte. */
static void lengths(void)
{
	struct cdp_intern *t = cdp_intern_new(0);
	bool good = true, guessed = true;
	uint32_t id = 0;
	char k[40];

	for (int round = 0; round < 2; round++) {
		id = 0;
		for (size_t n = 0; n <= CDP_INTERN_NEAR + 4; n++)
			for (size_t at = 0; at <= n; at++) {
				memset(k, 'x', sizeof(k));
				k[at] = 'y'; /* behind the end: all are x */
				good &= cdp_intern_put_hashed(t, k, n, n, NULL) == id;
				for (uint32_t g = id - 2; g != id + 3; g++)
					guessed &= cdp_intern_put_guessed(t, k, n, n,
									  g) == id;
				id++;
			}
	}
	ok(good && cdp_intern_count(t) == id, "one byte tells keys of any length apart");
	ok(guessed, "a guess that is wrong changes nothing");
	cdp_intern_free(t);
}

/* Keys of every hash in one home slot, at the end of the table: probing must wrap round,
 * and keys with the same 32 stored bits must be told apart by their bytes. */
static void collisions(void)
{
	struct cdp_intern *t = cdp_intern_new(0);
	bool good = true;
	char k[16];

	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 500; i++) {
			int n = snprintf(k, sizeof(k), "k%u", i);

			good &= cdp_intern_put_hashed(t, k, (size_t)n, UINT64_MAX - i % 3,
						      NULL) == i;
		}
	ok(good && cdp_intern_count(t) == 500, "500 keys with one hash stay apart");
	cdp_intern_free(t);
}

enum { MANY = 1200000 };

static void many(void)
{
	struct cdp_intern *t = cdp_intern_new(0), *sized = cdp_intern_new(MANY);
	bool ids = true, keys = true, batch = true;
	const char *first, *k;
	char want[32], *big;
	size_t n, memory;

	memory = cdp_intern_memory(t);
	cdp_intern_put(t, "C0", 2, NULL);
	first = cdp_intern_key(t, 0, &n);
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < MANY; i++)
			ids &= cdp_intern_put(
				       t, want,
				       (size_t)snprintf(want, sizeof(want), "C%u", i),
				       NULL) == i;
	ok(ids, "1.2 million keys get dense ids and keep them while the table grows");
	is_int(cdp_intern_count(t), MANY, "they are counted once");
	for (uint32_t i = 0; i < MANY; i++) {
		int len = snprintf(want, sizeof(want), "C%u", i);
		uint64_t h = cdp_hash(want, (size_t)len);

		k = cdp_intern_key(t, i, &n);
		keys &= n == (size_t)len && memcmp(k, want, n) == 0;
		cdp_intern_prefetch(sized, h);
		batch &= cdp_intern_put_hashed(sized, want, n, h, NULL) == i;
	}
	ok(keys, "every key comes back");
	ok(batch, "a table sized beforehand and fed with hashes gives the same ids");
	ok(cdp_intern_key(t, 0, &n) == first, "the first key has not moved");
	ok(cdp_intern_memory(t) > memory + MANY * (sizeof(void *) + 8),
	   "memory is accounted for");
	is_int(cdp_intern_get(t, "C1200000", 8), CDP_INTERN_NONE,
	       "an absent key is absent");
	cdp_intern_free(sized);
	n = 5u << 20;
	big = calloc(1, n);
	is_int(cdp_intern_put(t, big, n, NULL), MANY, "a key of 5 MiB is a key");
	is_int(cdp_intern_put(t, big, n - 1, NULL), MANY + 1, "one byte less is another");
	is_int(cdp_intern_get(t, big, n), MANY, "and it is found again");
	free(big);
	cdp_intern_free(t);
}

/* Keys 0..n-1 and their odd or even halves in two tables, put together. */
static void together(void)
{
	struct cdp_intern *all = cdp_intern_new(0), *some = cdp_intern_new(0);
	bool right = true, guessed = true;
	uint32_t *map;
	char key[16];
	size_t n;

	map = cdp_intern_put_all(all, some);
	is_int(cdp_intern_count(all), 0, "no keys add none");
	free(map);
	for (uint32_t i = 0; i < 3000; i++) {
		int len = snprintf(key, sizeof(key), "k%u", i);

		cdp_intern_put(i % 3 ? some : all, key, (size_t)len, NULL);
		if (i % 5 == 0)
			cdp_intern_put(all, key, (size_t)len, NULL);
	}
	map = cdp_intern_put_all(all, some);
	for (uint32_t i = 0; i < cdp_intern_count(some); i++) {
		const char *k = cdp_intern_key(some, i, &n);
		uint32_t id = cdp_intern_get(all, k, n);

		right &= map[i] == id && id != CDP_INTERN_NONE;
		guessed &= cdp_intern_guess(all, cdp_hash(k, n)) == id;
	}
	ok(right, "all keys of one table are put into another");
	is_int(cdp_intern_count(all), 3000, "those of both once");
	/* Of 3000 keys two share 32 hash bits once in a thousand runs. */
	ok(guessed, "the slot tells the id of a key that is there");
	is_int(cdp_intern_guess(some, cdp_hash("absent", 6)), CDP_INTERN_NONE,
	       "and of an absent one that it is absent");
	free(map);
	cdp_intern_free(all);
	cdp_intern_free(some);
}

int main(void)
{
	small();
	together();
	lengths();
	collisions();
	many();
	return tap_done();
}
