/* What one customer's row (model/liverow.h) says, as values for expressions: aggregates
 * in their windows before a base time, attributes, details, relations, entities. */
#ifndef CDP_MODEL_LIVEKNOWN_H
#define CDP_MODEL_LIVEKNOWN_H

#include "model/liverow.h"

/* For one evaluator, whose aggregates and entities it answers from now on. */
struct cdp_liveknown;
struct cdp_liveknown *cdp_liveknown_new(struct cdp_liverows *rows, struct cdp_eval *ev);
void cdp_liveknown_free(struct cdp_liveknown *k); /* NULL is fine */
/* From now on it is this row (NULL: of nobody), which must stay, with these windows.
 * After the evaluator was reset cdp_liveknown_again() comes first. */
int cdp_liveknown_turn(struct cdp_liveknown *k, struct cdp_liverow *row,
		       const struct cdp_livewindows *w, struct cdp_err *err);
void cdp_liveknown_again(struct cdp_liveknown *k);
/* Whose key this is, which must stay, as cdp_known_name(). */
void cdp_liveknown_name(struct cdp_liveknown *k, const char *key, size_t n);
/* For the host of the evaluator, as cdp_known_fetch(). */
int cdp_liveknown_fetch(struct cdp_liveknown *k, int ref, struct cdp_value *out,
			struct cdp_err *err);
/* Calls for all (model/rules.h, asks) of which the row has something. */
void cdp_liveknown_each(const struct cdp_liveknown *k, cdp_liverow_touched *call,
			void *ctx);

#endif
