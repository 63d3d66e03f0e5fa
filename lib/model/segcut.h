/* Audiences cut to the customers who rank highest by a value. */
#ifndef CDP_MODEL_SEGCUT_H
#define CDP_MODEL_SEGCUT_H

#include "model/audiences.h"
#include "model/segments.h"

/* A thread's values, by row and by number of cdp_segments.by; NaN: none. */
struct cdp_segcut;
struct cdp_segcut *cdp_segcut_new(const struct cdp_segments *s);
void cdp_segcut_free(struct cdp_segcut *c);
/* The next row is this profile.  The evaluator is reset. */
void cdp_segcut_add(struct cdp_segcut *c, struct cdp_rec *profile, struct cdp_eval *ev);
/* The value of a row; NaN: none. */
double cdp_segcut_row(const struct cdp_segcut *c, size_t row, unsigned by);
/* Cut what is to be cut of `wanted` audiences of a step; cuts[i] is of part i.  Of
 * several profiles of a customer the greatest value counts; without one a member comes
 * last; equal values come by key.  `odd` is told of those audiences that are left with
 * some who have no value, while others like them are not. */
void cdp_segcut_all(struct cdp_audiences *a, const struct cdp_segments *s, unsigned step,
		    const uint64_t *wanted, struct cdp_segcut *const *cuts,
		    unsigned count,
		    void (*odd)(void *ctx, uint32_t set, uint32_t without, uint32_t left),
		    void *ctx);

/* The value of one profile, NaN: none; the evaluator is not reset.  How many of n members
 * are left. */
double cdp_segcut_value(const struct cdp_expr *by, struct cdp_eval *ev,
			struct cdp_rec *profile);
uint32_t cdp_segcut_left(const struct cdp_segment *g, uint32_t n);

#endif
