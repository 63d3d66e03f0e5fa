/* Conditions over what was gathered of a customer alone, in the planes of
 * model/livecols.h: what they say of nobody they say of everybody who has nothing of what
 * they ask for, and only the others are evaluated; those over an entity's row always.
 *
 * For lib/model/live*.c alone. */
#ifndef CDP_MODEL_LIVEASKS_H
#define CDP_MODEL_LIVEASKS_H

#include "model/livecols.h"
#include "model/liveknown.h"

/* Which conditions ask for what. */
struct cdp_liveasks;
struct cdp_liveasks *cdp_liveasks_new(const struct cdp_livecols *cols,
				      const struct cdp_tagset *set);
void cdp_liveasks_free(struct cdp_liveasks *a); /* NULL is fine */

/* Of one evaluator, whose answers are those of `known`. */
struct cdp_liveasking;
struct cdp_liveasking *cdp_liveasking_new(const struct cdp_liveasks *a,
					  struct cdp_eval *ev,
					  struct cdp_liveknown *known);
void cdp_liveasking_free(struct cdp_liveasking *k); /* NULL is fine */
/* At another base time, `known` being nobody: what they say of nobody. */
void cdp_liveasking_turn(struct cdp_liveasking *k);
/* The bits of all, for the row that is known. */
void cdp_liveasking_fill(struct cdp_liveasking *k, uint64_t *planes);
/* Whether one that asks for any of these says something else of two rows; true of those
 * that are columns. */
bool cdp_liveasks_differ(const struct cdp_liveasks *a, const uint32_t *asks, size_t n,
			 struct cdp_liveasking *was, struct cdp_liveasking *is);

#endif
