/* Customers in order while they come and go: as if sorted anew. */
#include "model/liverank.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEOPLE = 300, STEPS = 4000 };

static struct {
	bool in;
	double value;
} now[PEOPLE];
static struct cdp_intern *keys;

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	size_t xn, yn;
	const char *xp, *yp;

	if (now[x].value != now[y].value)
		return now[x].value > now[y].value ? -1 : 1;
	xp = cdp_intern_key(keys, x, &xn);
	yp = cdp_intern_key(keys, y, &yn);
	return strcmp(xp, yp);
}

/* Everybody's place, and who is at it. */
static bool is_sorted(const struct cdp_liverank *r)
{
	uint32_t v[PEOPLE], n = 0;
	double value;

	for (uint32_t i = 0; i < PEOPLE; i++)
		if (now[i].in)
			v[n++] = i;
		else if (cdp_liverank_value(r, i, &value))
			return false;
	qsort(v, n, sizeof(*v), by_value);
	for (uint32_t i = 0; i < n; i++)
		if (cdp_liverank_at(r, i) != v[i] || cdp_liverank_place(r, v[i]) != i ||
		    !cdp_liverank_value(r, v[i], &value) || value != now[v[i]].value)
			return false;
	return cdp_liverank_count(r) == n;
}

int main(void)
{
	struct cdp_liverank *r;
	unsigned wrong = 0;

	srand(7);
	keys = cdp_intern_new(0);
	/* Not in the order of their numbers, some the beginning of others. */
	for (unsigned i = 0; i < PEOPLE; i++) {
		char key[16];
		int n = snprintf(key, sizeof(key), "%u", i * 7919u % 1009u);

		cdp_intern_put(keys, key, (size_t)n + 1, NULL);
	}
	r = cdp_liverank_new(keys);
	ok(is_sorted(r), "nobody is in order");
	for (unsigned i = 0; i < STEPS; i++) {
		uint32_t who = (uint32_t)rand() % PEOPLE;

		if (now[who].in)
			cdp_liverank_remove(r, who);
		now[who].in = rand() % 3 > 0;
		now[who].value = rand() % 20;
		if (now[who].in)
			cdp_liverank_put(r, who, now[who].value);
		if (i % 16 == 0)
			wrong += !is_sorted(r);
	}
	is_int(wrong, 0,
	       "who comes and goes stands where sorting would put him, ties by key");
	for (uint32_t i = 0; i < PEOPLE; i++) {
		if (now[i].in)
			cdp_liverank_remove(r, i);
		now[i].in = false;
	}
	ok(is_sorted(r), "all are gone");
	cdp_liverank_free(r);
	cdp_intern_free(keys);
	return tap_done();
}
