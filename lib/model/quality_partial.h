/* A day's quality as lines of JSON, so that parts can be computed apart and put together
 * (cdp-quality --partial, --merge).  A line is a source and event, a reason or a count;
 * the same line may come from many parts, their sum is the whole. */
#ifndef CDP_MODEL_QUALITY_PARTIAL_H
#define CDP_MODEL_QUALITY_PARTIAL_H

#include "base/buf.h"
#include "model/quality.h"

/* All of it, whole lines, in ascending order: `line` gets each with its LF and returns 0,
 * or -1 to stop.  `zone` is the name of the one that the days are of. */
int cdp_quality_put_partial(const struct cdp_quality *q, const char *zone,
			    int (*line)(void *ctx, const struct cdp_buf *text),
			    void *ctx);
/* Adds a line.  -1 with a data error: it is none, or of another day, other days before
 * it, another --on-time or zone; q may have got a part of it then. */
int cdp_quality_take_partial(struct cdp_quality *q, const char *zone, const char *p,
			     size_t n, struct cdp_err *err);

#endif
