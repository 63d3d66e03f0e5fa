/* What tells very many aggregates over the same events apart: the text that a member of
 * the event must have, as the product's code in count(event == 'buy' && props.product ==
 * 'F001').  So an event leads to those that its own text asks for. */
#ifndef CDP_MODEL_AGGKEYS_H
#define CDP_MODEL_AGGKEYS_H

#include "lang/agg.h"

struct cdp_aggkey {
	int slot; /* -1: none */
	const char *p;
	size_t n;
};

/* For each aggregate; caller frees.  Keys are for those alone of which CDP_AGGKEYS_MIN
 * differ by nothing but the text; of several members the one with most texts. */
enum { CDP_AGGKEYS_MIN = 32 };
struct cdp_aggkey *cdp_aggkeys_choose(const struct cdp_aggs *aggs);

#endif
