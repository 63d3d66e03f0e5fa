/* What a definition of an audience says beside its rule: for segments.c alone. */
#ifndef CDP_MODEL_SEGATTRS_H
#define CDP_MODEL_SEGATTRS_H

#include "model/segments.h"
#include "record/tree.h"

extern const char *const cdp_segment_members[]; /* of a definition, NULL-ended */
/* `classes`: those that there are, or NULL.  -1 with a usage error that names the
 * member. */
int cdp_segment_attrs(struct cdp_segments *s, struct cdp_segment *g, const json_t *o,
		      const json_t *classes, const struct cdp_env *env,
		      struct cdp_err *err);
/* `by`; `env` is that of rules.  -1 with a usage error. */
int cdp_segment_compile_by(struct cdp_expr **out, const char *text,
			   const struct cdp_env *env, struct cdp_err *err);

#endif
