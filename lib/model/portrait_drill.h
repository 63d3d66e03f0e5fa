/* Drilling down: customers who pass one condition after the other.
 *
 *	TAG=V1,V2	the tag has one of the values, or a list one of them as an item
 *	LABEL:=EXPR	the condition holds; =EXPR without a label
 *
 * A value is what the tag shows: a number by its value, a string by its text, true,
 * false, [] for an empty list, null for a tag that is missing.  In double quotes it is a
 * JSON string: for commas, and for what would be something else. */
#ifndef CDP_MODEL_PORTRAIT_DRILL_H
#define CDP_MODEL_PORTRAIT_DRILL_H

#include "lang/step.h"
#include "model/portrait_guard.h"

enum { CDP_DRILL_MAX = 16 };

/* Lists are members by bits: level * CDP_PORTRAIT_GROUPS + group, the highest of a group
 * is how far the customer came. */
enum { CDP_DRILL_BITS = (CDP_DRILL_MAX + 1) * CDP_PORTRAIT_GROUPS };

struct cdp_drill {
	char *label;
	struct cdp_intern *keys; /* of the values; NULL: a condition */
	bool missing;            /* null is among them */
	int slot;                /* of the tag */
	struct cdp_step step;
};

/* 0, or -1 with a usage error. */
int cdp_drill_parse(struct cdp_drill *d, const char *text, const struct cdp_env *env,
		    struct cdp_err *err);
void cdp_drill_release(struct cdp_drill *d);
/* 1, 0, or -1 (evaluation error).  `key` and `tmp` are for its use. */
int cdp_drill_match(const struct cdp_drill *d, struct cdp_eval *ev, struct cdp_rec *rec,
		    struct cdp_buf *key, struct cdp_buf *tmp, struct cdp_err *err);

/* Customers by level and group; level 0: before the first condition. */
struct cdp_drill_level {
	uint64_t counts[CDP_PORTRAIT_GROUPS];
};
/* Which levels may not be told: those that are not safe, or that leave too few behind
 * when taken from the last level that may be told. */
void cdp_drill_hide(const struct cdp_guard_sums *guard,
		    const struct cdp_drill_level *levels, unsigned count, bool *hidden);

#endif
