/* Tags that say the same of everybody whom none of the events they ask for concerns.
 *
 * A tag is quiet if it is made of nothing but aggregates over certain events, such as
 * count(event == 'a').  Its value for someone without such events is computed once; of a
 * customer only those quiet tags need to be computed whose events occurred.  So a file of
 * tens of thousands of event codes costs what a customer did, not what there is. */
#ifndef CDP_MODEL_QUIET_H
#define CDP_MODEL_QUIET_H

#include "model/customers.h"

/* Shared by threads. */
struct cdp_quiet;

struct cdp_quiet *cdp_quiet_new(const struct cdp_tagset *set, const struct cdp_run *run);
void cdp_quiet_free(struct cdp_quiet *q);

/* The tags that must be computed for everybody, in order. */
const unsigned *cdp_quiet_others(const struct cdp_quiet *q, unsigned *count);
/* All tags but the quiet ones that are null, ascending. */
const unsigned *cdp_quiet_shown(const struct cdp_quiet *q, unsigned *count);
/* What a tag is as long as nothing occurred; null for the others. */
const struct cdp_value *cdp_quiet_value(const struct cdp_quiet *q, unsigned tag);
/* The quiet tags that ask for an aggregate. */
const unsigned *cdp_quiet_asking(const struct cdp_quiet *q, unsigned agg,
				 unsigned *count);

#endif
