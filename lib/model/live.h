/* Audiences decided profile by profile as they come: who entered and who left which, out
 * of what a customer's profile was and what it is.
 *
 * Conditions of all rules on one member are answered by one look at it, which tells the
 * value's class; conditions that turned are looked up in an index of the audiences they
 * are in, and of those no others than the ones that may have turned, too, are decided.
 * Memberships are not kept: they follow from the classes.
 *
 * Rules that ask for more than a profile need the customer's row (model/liverow.h), too.
 *
 * Who is in an audience that is cut by rank follows from all customers: it must be told
 * (model/livecut.h), and no condition may compute with it. */
#ifndef CDP_MODEL_LIVE_H
#define CDP_MODEL_LIVE_H

#include "model/liverow.h"
#include "model/segments.h"

struct cdp_live;

struct cdp_live_change {
	uint32_t set;
	bool entered; /* or left */
};

/* `wanted`: the audiences whose changes are told, a set of bits; `given` as in
 * cdp_segment_job.  All that is given must stay. */
struct cdp_live *cdp_live_new(const struct cdp_segments *s, const uint64_t *wanted,
			      const struct cdp_members *given, const struct cdp_run *run);
void cdp_live_free(struct cdp_live *l);
/* Rules ask for more than profiles: of rows of these, which must stay.  Before the first
 * customer; then cdp_live_turn(). */
void cdp_live_gather(struct cdp_live *l, struct cdp_liverows *rows);
/* The base time of rows is another one.  While `turning`, what was is what was before. */
void cdp_live_turn(struct cdp_live *l, bool turning);
/* How many classes tell of a profile. */
uint32_t cdp_live_columns(const struct cdp_live *l);

/* One customer: begin, then maybe what was, as a profile or as its classes, and what is;
 * who has no profile is in no audience.  The key must stay. */
void cdp_live_begin(struct cdp_live *l, const char *key, size_t n);
/* Next, where rules ask for rows: NULL is nobody's. */
int cdp_live_rows(struct cdp_live *l, struct cdp_liverow *was, struct cdp_liverow *is,
		  struct cdp_err *err);
/* Whether any condition that asks for one of these (model/rules.h) differs; if not, and
 * nothing else changed, there is nothing to be decided. */
bool cdp_live_may_differ(struct cdp_live *l, const uint32_t *asks, size_t n);
void cdp_live_was(struct cdp_live *l, struct cdp_rec *profile);
void cdp_live_was_classes(struct cdp_live *l, const uint32_t *classes);
void cdp_live_is(struct cdp_live *l, struct cdp_rec *profile);
/* After that, where audiences are cut by rank: whether the rule of one holds now, those
 * that it refers to being told; a value by which it is cut, NaN: none; who is told to be
 * in it. */
bool cdp_live_holds(struct cdp_live *l, uint32_t set);
double cdp_live_value(struct cdp_live *l, const struct cdp_expr *by,
		      struct cdp_rec *profile);
void cdp_live_cut(struct cdp_live *l, uint32_t set, bool was, bool is);
/* Of what is, to be kept as what was; borrowed until the next begin. */
const uint32_t *cdp_live_classes(const struct cdp_live *l);
/* What changed, in the order of the definitions; borrowed until the next begin. */
size_t cdp_live_decide(struct cdp_live *l, const struct cdp_live_change **v);

#endif
