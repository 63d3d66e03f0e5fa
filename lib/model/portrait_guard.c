#include "model/portrait_guard.h"

#include <string.h>

void cdp_guard_init(struct cdp_guard *g, uint64_t min, const uint64_t *regions,
		    unsigned region_count)
{
	*g = (struct cdp_guard){ .min = min,
				 .regions = regions,
				 .region_count = region_count };
}

uint32_t cdp_guard_group(unsigned group)
{
	uint32_t set = 0;

	for (unsigned m = 0; m < CDP_PORTRAIT_REGIONS; m++)
		set |= (m >> group & 1u) << m;
	return set;
}

uint32_t cdp_guard_overlap(unsigned group, unsigned other)
{
	return cdp_guard_group(group) & cdp_guard_group(other);
}

/* How often each region is counted by a sum. */
struct times {
	int8_t v[CDP_PORTRAIT_REGIONS];
};

static void add(struct times *t, uint32_t set, int factor)
{
	for (unsigned m = 0; m < CDP_PORTRAIT_REGIONS; m++)
		t->v[m] = (int8_t)(t->v[m] + factor * (int)(set >> m & 1));
}

/* 1 if the sum is the size of a set that is not empty, and *size. */
static bool is_set(const struct times *t, const uint64_t *regions, unsigned count,
		   uint64_t *size)
{
	*size = 0;
	for (unsigned m = 0; m < count; m++) {
		if (!regions[m])
			continue;
		if (t->v[m] != 0 && t->v[m] != 1)
			return false;
		*size += t->v[m] ? regions[m] : 0;
	}
	return *size > 0;
}

/* A small size among the sums of t and any of the sets from number i on. */
static bool gives_small(const struct cdp_guard *g, struct times t, unsigned i)
{
	uint64_t size;

	if (i == g->set_count)
		return is_set(&t, g->regions, g->region_count, &size) && size < g->min;
	for (int f = -1; f <= 1; f++) {
		struct times u = t;

		add(&u, g->sets[i], f);
		if (gives_small(g, u, i + 1))
			return true;
	}
	return false;
}

bool cdp_guard_publish(struct cdp_guard *g, uint32_t set)
{
	for (int f = -1; f <= 1; f += 2) {
		struct times t = { { 0 } };

		add(&t, set, f);
		if (gives_small(g, t, 0))
			return false;
	}
	g->sets[g->set_count++] = set;
	return true;
}

/* Every sum of groups that is the size of some set. */
static void collect(struct cdp_guard_sums *s, const uint64_t *regions, struct times t,
		    int8_t *factor, unsigned group)
{
	uint64_t size;

	if (group == s->groups) {
		if (is_set(&t, regions, 1u << s->groups, &size))
			memcpy(s->factor[s->count++], factor, CDP_PORTRAIT_GROUPS);
		return;
	}
	for (int f = -1; f <= 1; f++) {
		struct times u = t;

		if (f && !cdp_guard_shows(s, group))
			continue;
		add(&u, cdp_guard_group(group), f);
		factor[group] = (int8_t)f;
		collect(s, regions, u, factor, group + 1);
	}
}

void cdp_guard_sums_init(struct cdp_guard_sums *s, uint64_t min, const uint64_t *regions,
			 unsigned groups)
{
	int8_t factor[CDP_PORTRAIT_GROUPS] = { 0 };
	struct cdp_guard g;

	*s = (struct cdp_guard_sums){ .min = min,
				      .groups = groups,
				      .shown = (1u << groups) - 1 };
	if (!min)
		return;
	cdp_guard_init(&g, min, regions, 1u << groups);
	for (unsigned i = 0; i < groups; i++)
		if (!cdp_guard_publish(&g, cdp_guard_group(i)))
			s->shown &= ~(1u << i);
	collect(s, regions, (struct times){ { 0 } }, factor, 0);
}

bool cdp_guard_is_safe(const struct cdp_guard_sums *s, const uint64_t *counts)
{
	for (unsigned i = 0; i < s->count; i++) {
		int64_t sum = 0;

		for (unsigned g = 0; g < s->groups; g++)
			sum += s->factor[i][g] * (int64_t)counts[g];
		if (sum > 0 && (uint64_t)sum < s->min)
			return false;
	}
	return true;
}
