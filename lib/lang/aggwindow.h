/* Windows of aggregates where they are compiled, for lib/lang alone. */
#ifndef CDP_LANG_AGGWINDOW_H
#define CDP_LANG_AGGWINDOW_H

#include "lang/agg.h"
#include "lang/ast.h"

struct cdp_compiler;

/* The call within(...); false with the error. */
bool cdp_agg_read_window(struct cdp_compiler *c, struct cdp_agg *g,
			 const struct cdp_ast *within);
/* The zone that is the last of the first *count arguments goes to *zone; there is one
 * less then.  Unchanged if there is none; false with the error if it is unknown. */
bool cdp_agg_take_zone(struct cdp_compiler *c, const struct cdp_ast *call,
		       uint32_t *count, const struct cdp_zone **zone);
/* A zone that lasts as long as the set; NULL with the error. */
const struct cdp_zone *cdp_aggs_zone(struct cdp_aggs *set, const char *name, size_t n,
				     struct cdp_err *err);

#endif
