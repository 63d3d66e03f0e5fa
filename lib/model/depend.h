/* Definitions that refer to each other by name: tags to tags, audiences to audiences. */
#ifndef CDP_MODEL_DEPEND_H
#define CDP_MODEL_DEPEND_H

#include "base/err.h"
#include "base/intern.h"

/* What one definition needs: numbers of others, each once. */
struct cdp_needs {
	uint32_t *v;
	size_t n, cap;
};
void cdp_needs_add(struct cdp_needs *d, uint32_t other);

/* All `count` definitions, each after those that it needs, in `order` (count of them).
 * `needs` of the i-th stands `stride` bytes after that of the one before.  0; or the
 * length of a cycle, which then stands in `order`: each needs the next, the last one the
 * first. */
unsigned cdp_depend_order(unsigned *order, unsigned count, const struct cdp_needs *needs,
			  size_t stride);
/* The usage error for it: "a: depends on itself: a -> b -> a".  Returns -1. */
int cdp_depend_cycle(const unsigned *cycle, unsigned n,
		     const char *(*name)(const void *ctx, unsigned i), const void *ctx,
		     struct cdp_err *err);

/* The usage error for a name that is none: "unknown tag 'x'; did you mean 'y'?".  Returns
 * -1. */
int cdp_depend_unknown(const struct cdp_intern *names, const char *what, const char *name,
		       struct cdp_err *err);

#endif
