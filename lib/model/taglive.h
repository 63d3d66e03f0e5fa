/* Tags while events arrive: what cdp-tag --state keeps (model/tagstate.h), and beside it,
 * in memory, what is new since the state was saved, customer by customer and pane by
 * pane.  A customer's profile is made of both, whenever it is asked for, and is at any
 * time what a pass over all that was read gives for the same base time.
 *
 *	l = cdp_taglive_new(&opts, &err);        opts.run has the base time
 *	cdp_taglive_turn(l, write, ctx, &err)    all profiles, or those that time changed
 *	loop:
 *		g = cdp_gather_new(cdp_taglive_fresh(l), run);
 *		cdp_taglive_touch(l, key, n), cdp_gather_event(g, key, n, ...) ...
 *		cdp_gather_settle(g), cdp_gather_share(g);
 *		cdp_taglive_changed(l, write, ctx, &err);
 *	cdp_gather_end(g); cdp_taglive_save(l, &err);
 *
 * Beside the state profiles are made of what is not heard of but read as a whole: entity
 * tables, and a lore (relations, the map of ids, imported ids that make customers) with
 * values that are given (model/given.h).  When that is read anew:
 *
 *	cdp_taglive_note(l, &err);           what was written of everybody
 *	... read
 *	cdp_taglive_renew(l, given, lore, write, ctx, &err);
 *
 * Functions over the population say what it was when it was surveyed last: at the first
 * turn, at every other, and at every renewal; somebody who came later is in no rank.
 * Programs are asked about those whose profiles are made.
 *
 * Tags with a schedule are computed while there is no value of theirs.  When a day ends,
 * those that were due since are computed as of then, and have that value from the turn on
 * until they are due again (model/tagkept.h, file `scheduled` of the state).
 *
 * What is written by cdp_taglive_changed() must be with its reader before
 * cdp_taglive_save(): a state that was saved holds nothing that was not told.  So whoever
 * dies goes on from the state saved last, tells again what it told since, and nothing is
 * missed or counted twice.
 *
 * Memory: of the new input its aggregates by customer and pane and 60 bytes a customer;
 * about 1/200 of the state's file, which is read through a mapping; with functions over
 * the population 4 bytes each and 30 a customer; 8 bytes a customer from a note to what
 * follows it. */
#ifndef CDP_MODEL_TAGLIVE_H
#define CDP_MODEL_TAGLIVE_H

#include "io/tail.h"
#include "model/profile.h"
#include "model/tagstate.h"

struct cdp_taglive;

struct cdp_taglive_opts {
	struct cdp_tagstate *state; /* borrowed, as all below */
	const struct cdp_tagset *set;
	const struct cdp_run
		*run;    /* its base time may change before cdp_taglive_turn() */
	const char *key; /* first member of profiles */
	bool nulls;
	/* Of everything else that profiles depend on, as definitions, never 0: if it is
	 * another one than of the state, all profiles are written. */
	uint64_t stamp;
	struct cdp_given *given; /* NULL: no tag's values are given */
	/* Finished, or NULL; who is in it has a profile. */
	const struct cdp_customers *lore;
};

struct cdp_taglive *cdp_taglive_new(const struct cdp_taglive_opts *o,
				    struct cdp_err *err);
void cdp_taglive_free(struct cdp_taglive *l); /* NULL is fine */

/* --- what arrives --- */

/* Where it is gathered, by one thread, until cdp_taglive_save(). */
struct cdp_customers *cdp_taglive_fresh(struct cdp_taglive *l);
/* Before an event, update or row of this customer is settled. */
void cdp_taglive_touch(struct cdp_taglive *l, const char *key, size_t n);
/* Whether anybody was touched since cdp_taglive_changed(), or cdp_taglive_save(). */
bool cdp_taglive_is_changed(const struct cdp_taglive *l);
bool cdp_taglive_is_new(const struct cdp_taglive *l);

/* --- profiles --- */

/* Gets whole lines, so many. */
typedef void cdp_taglive_write(void *ctx, const char *p, size_t n, uint64_t lines);
/* The profiles of those who were touched, where they differ from what was written of them
 * before. */
int cdp_taglive_changed(struct cdp_taglive *l, cdp_taglive_write *write, void *ctx,
			struct cdp_err *err);
/* The run's base time is another one, or this is the first call: the profiles that differ
 * from those of the last base time, or all if there was none.  With nothing new, just
 * after cdp_taglive_save() or at the start. */
int cdp_taglive_turn(struct cdp_taglive *l, cdp_taglive_write *write, void *ctx,
		     struct cdp_err *err);
/* Remembers what was written of everybody.  With nothing new, as before a turn. */
int cdp_taglive_note(struct cdp_taglive *l, struct cdp_err *err);
/* Profiles that differ from what was noted, of everybody, made with these from now on,
 * and who is no more, {"one_id":...,"as_of":...,"deleted":true}.  The former lore must
 * last until then, the former values no longer than the note. */
int cdp_taglive_renew(struct cdp_taglive *l, struct cdp_given *given,
		      const struct cdp_customers *lore, cdp_taglive_write *write,
		      void *ctx, struct cdp_err *err);
/* What was written depends on this by now (cdp_taglive_opts.stamp). */
void cdp_taglive_set_stamp(struct cdp_taglive *l, uint64_t stamp);
/* The base time up to which profiles are written, in epoch ms, INT64_MIN: none. */
int64_t cdp_taglive_base(const struct cdp_taglive *l);

/* --- the state --- */

/* The i-th input of which something was read; NULL after the last. */
const struct cdp_tail_place *cdp_taglive_place(const struct cdp_taglive *l, size_t i,
					       const char **name);
/* To be saved.  Files that are no more are forgotten. */
void cdp_taglive_set_places(struct cdp_taglive *l, const struct cdp_tail *tail);
/* The person `from` is `into` from now on (cdp_tagstate_join).  Writes at once that
 * `from` is gone, as above, if there was one; the profile of both is among those changed.
 * Where everything new was written. */
void cdp_taglive_join(struct cdp_taglive *l, const char *from, size_t from_n,
		      const char *into, size_t into_n, cdp_taglive_write *write,
		      void *ctx);
/* All that was gathered is in the state, on disk, with the places. */
int cdp_taglive_save(struct cdp_taglive *l, struct cdp_err *err);

#endif
