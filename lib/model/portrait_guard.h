/* Counts that may be told without telling of fewer than `min` people.
 *
 * A count of 1 .. min-1 people is small; 0 is not: nobody is told of.  What was published
 * can be added up and subtracted: a count is safe if no sum of published counts with
 * factors 1 and -1 that is the size of a set of people (so it counts everyone 0 or 1
 * times) is small.  Which sets those are depends on how the groups lie in each other
 * alone, which is taken to be known.  (Threshold and complementary suppression:
 * Hundepool et al., Statistical Disclosure Control, 2012, chapter 4.) */
#ifndef CDP_MODEL_PORTRAIT_GUARD_H
#define CDP_MODEL_PORTRAIT_GUARD_H

#include "model/portrait.h"

enum {
	CDP_GUARD_SETS = 11,  /* the base, four audiences and the overlaps of each two */
	CDP_GUARD_SUMS = 243, /* 3^groups */
};

/* Sizes of sets: which may be published one after the other. */
struct cdp_guard {
	uint64_t min;
	const uint64_t *regions; /* customers by mask, borrowed */
	unsigned region_count;
	uint32_t sets[CDP_GUARD_SETS]; /* published: bit m, the customers of mask m */
	unsigned set_count;
};

void cdp_guard_init(struct cdp_guard *g, uint64_t min, const uint64_t *regions,
		    unsigned region_count);
/* True, and the set's size counts as published; else it must not be. */
bool cdp_guard_publish(struct cdp_guard *g, uint32_t set);

/* The customers of a group, and of both of two, as a set. */
uint32_t cdp_guard_group(unsigned group);
uint32_t cdp_guard_overlap(unsigned group, unsigned other);

/* Counts by group of those customers who have something in common (a value). */
struct cdp_guard_sums {
	uint64_t min; /* 0: everything is safe */
	unsigned groups;
	unsigned shown; /* groups whose sizes may be published: bit g */
	int8_t factor[CDP_GUARD_SUMS][CDP_PORTRAIT_GROUPS];
	unsigned count;
};

/* Publishes the sizes of the groups in their order.  min 0: no guard. */
void cdp_guard_sums_init(struct cdp_guard_sums *s, uint64_t min, const uint64_t *regions,
			 unsigned groups);
static inline bool cdp_guard_shows(const struct cdp_guard_sums *s, unsigned group)
{
	return s->shown >> group & 1;
}
/* True if the counts of all groups that are shown may be told. */
bool cdp_guard_is_safe(const struct cdp_guard_sums *s, const uint64_t *counts);

#endif
