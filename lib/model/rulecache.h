/* What was found out of a field's short values, by their text: most come again.
 *
 * Where most are new it is given up.  Memory: 64 bytes a value, 256 KiB at most.
 *
 * For lib/model/rule*.c alone. */
#ifndef CDP_MODEL_RULECACHE_H
#define CDP_MODEL_RULECACHE_H

#include "model/rulefields_priv.h"

struct cdp_rule_known;

/* Start with all 0. */
struct cdp_rule_cache {
	struct cdp_rule_known *v;
	uint32_t mask, count;
	uint32_t asked, found; /* since it was judged */
	bool off;
};

void cdp_rule_cache_release(struct cdp_rule_cache *c);
/* False: it is not kept here.  Text is read up to 16 bytes from the value's first.  What
 * it will be looked for in is fetched from memory. */
bool cdp_rule_cache_key(const struct cdp_rule_cache *c, uint64_t key[2],
			const struct cdp_val *v);
/* False: it is not there. */
bool cdp_rule_cache_get(struct cdp_rule_cache *c, const uint64_t key[2],
			struct cdp_rule_cell *cell);
/* After it was asked for and not there. */
void cdp_rule_cache_put(struct cdp_rule_cache *c, const uint64_t key[2],
			const struct cdp_rule_cell *cell);

#endif
