/* Functions over the population in tags, pass by pass: before profiles are written every
 * customer is asked for the values that are ranked.
 *
 * A function is computed in the pass after all tags that stand in it can be: pass 0 are
 * functions over tags without such functions, pass 1 those over tags that need pass 0 ...
 * So it is with programs that give tags their values (model/given.h).
 *
 *	for (k = 0; k < cdp_population_passes(p); k++) {
 *		cdp_population_begin(p, k);
 *		cdp_profiler_survey(profiler, k, place);  for every place, any thread
 *		cdp_population_end(p, k);
 *	}
 *
 * Memory: that of the functions' censuses (lang/pop.h): 16 bytes a customer and function
 * of the pass under way (twice while one of them is sorted), 4 for those done. */
#ifndef CDP_MODEL_POPULATION_H
#define CDP_MODEL_POPULATION_H

#include "lang/pop.h"
#include "model/tagset.h"

struct cdp_population;

/* For customers with places 0 .. customers - 1, their order by key. */
struct cdp_population *cdp_population_new(const struct cdp_tagset *set,
					  uint32_t customers);
void cdp_population_free(struct cdp_population *p);
unsigned cdp_population_passes(const struct cdp_population *p);
void cdp_population_begin(struct cdp_population *p, unsigned pass);
void cdp_population_end(struct cdp_population *p, unsigned pass);
/* What a pass asks for: tags that must be computed, in order, then functions, and tags
 * whose programs are told then. */
const struct cdp_needs *cdp_population_tags(const struct cdp_population *p,
					    unsigned pass);
const struct cdp_needs *cdp_population_functions(const struct cdp_population *p,
						 unsigned pass);
const struct cdp_needs *cdp_population_programs(const struct cdp_population *p,
						unsigned pass);
/* The census of a function, once its pass has begun. */
struct cdp_census *cdp_population_census(const struct cdp_population *p,
					 unsigned function);

#endif
