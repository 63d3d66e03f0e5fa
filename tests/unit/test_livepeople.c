/* Classes of customers come back as they were put, whatever the numbers grow to. */
#include "base/mem.h"
#include "model/livepeople.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS = 5, PEOPLE = 3000 };

/* Some columns stay small, others outgrow one byte, and two. */
static uint32_t class_of(unsigned who, unsigned column, unsigned round)
{
	static const uint32_t most[COLUMNS] = { 1, 255, 256, 65536, UINT32_MAX };
	uint32_t n = (who * 2654435761u) ^ (column * 97 + round * 31);

	return round == 0 ? n % 200 : most[column] == UINT32_MAX ? n : n % most[column];
}

static void put(struct cdp_livepeople *p, unsigned who, unsigned round)
{
	uint32_t classes[COLUMNS];
	struct cdp_liveperson x = { who + round, (who + round) % 7 != 0, classes };
	char key[16];
	int n = snprintf(key, sizeof(key), "%u", who);

	for (unsigned i = 0; i < COLUMNS; i++)
		classes[i] = class_of(who, i, round);
	cdp_livepeople_put(p, key, (size_t)n, &x);
}

static int compare(const struct cdp_livepeople *p, unsigned who, unsigned round)
{
	uint32_t classes[COLUMNS] = { 0 };
	struct cdp_liveperson x = { .classes = classes };
	char key[16];
	int n = snprintf(key, sizeof(key), "%u", who), bad = 0;

	if (!cdp_livepeople_get(p, key, (size_t)n, &x))
		return 1;
	bad = x.as_of != who + round || x.there != ((who + round) % 7 != 0);
	for (unsigned i = 0; x.there && i < COLUMNS; i++)
		bad += classes[i] != class_of(who, i, round);
	return bad;
}

int main(void)
{
	struct cdp_livepeople *p = cdp_livepeople_new(COLUMNS);
	struct cdp_livepeople *none = cdp_livepeople_new(0);
	struct cdp_liveperson x = { 0 };
	int bad = 0;

	for (unsigned i = 0; i < PEOPLE; i++)
		put(p, i, 0);
	for (unsigned i = 0; i < PEOPLE; i++)
		bad += compare(p, i, 0);
	is_int(bad, 0, "small classes");
	for (unsigned i = 0; i < PEOPLE; i += 2)
		put(p, i, 1);
	for (unsigned i = 0; i < PEOPLE; i++)
		bad += compare(p, i, i % 2 == 0);
	is_int(bad, 0, "those that were put before others grew stay what they were");
	is_int(cdp_livepeople_count(p), PEOPLE, "one of a key");
	ok(!cdp_livepeople_get(p, "x", 1, &x), "who was not put is not known");
	x.there = true;
	cdp_livepeople_put(none, "a", 1, &x);
	ok(cdp_livepeople_get(none, "a", 1, &x) && x.there, "without columns");
	cdp_livepeople_free(p);
	cdp_livepeople_free(none);
	return tap_done();
}
