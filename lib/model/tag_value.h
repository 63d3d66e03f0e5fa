/* The value of one tag, for a customer whom an evaluator stands before. */
#ifndef CDP_MODEL_TAG_VALUE_H
#define CDP_MODEL_TAG_VALUE_H

#include "model/tagset.h"

/* Of a tag that is an expression or layers of them; `zone` is the run's.  -1 with the
 * reason why it has no value of its own; *v is what it is in any case: `else`, or null.
 */
int cdp_tag_value(const struct cdp_tag *t, struct cdp_eval *ev,
		  const struct cdp_zone *zone, struct cdp_value *v, struct cdp_err *err);
/* The same for a value that is known: it is held against the tag's type. */
int cdp_tag_settle(const struct cdp_tag *t, struct cdp_eval *ev,
		   const struct cdp_zone *zone, struct cdp_value *v, struct cdp_err *err);

#endif
