/* Conditions over stored audiences alone: segments.NAME (or segments["any name"]) with
 * && || ! ?: and true, false, as sets.
 *
 * `!a` is who had a profile and is not in a. */
#ifndef CDP_MODEL_SEGALGEBRA_H
#define CDP_MODEL_SEGALGEBRA_H

#include "model/segstore.h"

struct cdp_segalgebra;

/* What is something else, and a name that the version does not have, is a usage error
 * that points.  The version must stay. */
struct cdp_segalgebra *cdp_segalgebra_compile(const char *text,
					      const struct cdp_segversion *v,
					      struct cdp_err *err);
void cdp_segalgebra_free(struct cdp_segalgebra *a); /* NULL is fine */
/* NAME of an expression that is segments.NAME, else NULL. */
const char *cdp_segalgebra_name(const struct cdp_segalgebra *a);
/* Who it holds for; caller frees before the version is closed.  NULL with *err where an
 * audience cannot be read. */
const struct cdp_bitmap *cdp_segalgebra_members(const struct cdp_segalgebra *a,
						struct cdp_err *err);

/* The unknown name's usage error, with one that is alike. */
int cdp_segalgebra_unknown(const struct cdp_segversion *v, const char *name,
			   struct cdp_err *err);

#endif
