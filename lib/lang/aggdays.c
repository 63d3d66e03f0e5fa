/* Sets of days.  Those of a few weeks, most of all sets, are a first day and a bit for
 * each from it on, so that adding one touches nothing but the state. */
#include "lang/aggstate.h"

#include <stdlib.h>
#include <string.h>

/* A word with its lowest bit set: the first day, and the map, whose lowest bit is that of
 * the first day.  Else the address of a list, NULL for none. */
enum { FIRST_BITS = 20, MAP_SHIFT = 1 + FIRST_BITS, MAP_BITS = 64 - MAP_SHIFT };

struct list {
	uint32_t n, cap;
	int32_t day[];
};

static bool is_map(uint64_t word)
{
	return word & 1;
}

static int32_t first_of(uint64_t word)
{
	return (int32_t)(word >> 1 & ((1u << FIRST_BITS) - 1));
}

static uint64_t make_map(int32_t first, uint64_t map)
{
	return map << MAP_SHIFT | (uint64_t)first << 1 | 1;
}

static struct list *list_of(uint64_t word)
{
	return (struct list *)(uintptr_t)word;
}

static struct list *list_add(struct list *l, int32_t day)
{
	uint32_t at = l ? l->n : 0;

	/* Events come mostly in order of time. */
	while (at > 0 && l->day[at - 1] > day)
		at--;
	if (at > 0 && l->day[at - 1] == day)
		return l;
	if (!l || l->n == l->cap) {
		uint32_t n = l ? l->n : 0, cap = l ? l->cap * 2 : 6;

		l = cdp_realloc(l, 1, sizeof(*l) + cap * sizeof(*l->day));
		l->n = n;
		l->cap = cap;
	}
	memmove(l->day + at + 1, l->day + at, (l->n - at) * sizeof(*l->day));
	l->day[at] = day;
	l->n++;
	return l;
}

/* The map with the day, 0 if it does not fit. */
static uint64_t map_add(uint64_t word, int32_t day)
{
	int32_t first = word ? first_of(word) : day;
	uint64_t map = word >> MAP_SHIFT;

	if (day < 0 || day >> FIRST_BITS)
		return 0;
	if (day < first) {
		if (first - day >= MAP_BITS || map >> (MAP_BITS - (first - day)))
			return 0;
		map <<= first - day;
		first = day;
	} else if (day - first >= MAP_BITS) {
		return 0;
	}
	return make_map(first, map | (uint64_t)1 << (day - first));
}

void cdp_days_add(uint64_t *days, int32_t day)
{
	uint64_t map = is_map(*days) || !*days ? map_add(*days, day) : 0;
	struct list *l = NULL;

	if (map) {
		*days = map;
		return;
	}
	if (!is_map(*days))
		l = list_of(*days);
	for (uint32_t i = 0; is_map(*days) && i < cdp_days_count(days); i++)
		l = list_add(l, cdp_days_at(days, i));
	*days = (uintptr_t)list_add(l, day);
}

uint32_t cdp_days_count(const uint64_t *days)
{
	if (is_map(*days))
		return (uint32_t)__builtin_popcountll(*days >> MAP_SHIFT);
	return *days ? list_of(*days)->n : 0;
}

int32_t cdp_days_at(const uint64_t *days, uint32_t i)
{
	uint64_t map = *days >> MAP_SHIFT;

	if (!is_map(*days))
		return list_of(*days)->day[i];
	while (i-- > 0)
		map &= map - 1;
	return first_of(*days) + __builtin_ctzll(map);
}

size_t cdp_days_memory(const uint64_t *days)
{
	const struct list *l = is_map(*days) ? NULL : list_of(*days);

	return l ? sizeof(*l) + l->cap * sizeof(*l->day) : 0;
}

void cdp_days_release(uint64_t *days)
{
	if (!is_map(*days))
		free(list_of(*days));
	*days = 0;
}
