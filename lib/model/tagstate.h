/* What cdp-tag --state keeps from night to night, so that a night reads one day of events
 * and gives the profiles of a pass over all history.
 *
 * One file, sorted by customer, is read and written anew by each run: the partials of
 * every aggregate by pane (model/pane.h), merged into one where no later base time parts
 * them; changes of attributes as far as later ones do not hide them; the latest detail
 * rows and relations.  With it in the same file, and so changed in one step (rename): the
 * definitions it was made with, what input it holds, and whom persons became.
 *
 * The base time of a run is the start of a civil day.  It may be any later than the last
 * one's and up to CDP_TAGSTATE_BACK days earlier: what the state holds by now is then
 * seen as of that day, as a full pass would see it.
 *
 * A state serves only definitions it was made for.  What an aggregate is, its canonical
 * text says: one that is new has no history, and that is an error that names it, unless
 * it is filled from all history or begins without (enum cdp_tagstate_new).  The same for
 * attributes, detail tables and relations.  Another zone, zone rules that changed,
 * another key, and aggregates that cannot be kept (cdp_agg_fickle) are errors.
 *
 * Memory: all customers, as in a full pass; of the input its aggregates by customer and
 * pane. */
#ifndef CDP_MODEL_TAGSTATE_H
#define CDP_MODEL_TAGSTATE_H

#include "model/customers.h"
#include "model/relations.h"

enum { CDP_TAGSTATE_BACK = 7 };

struct cdp_tagstate;

/* What becomes of an aggregate, attribute, table or relation that the state has no
 * history of: it is an error; it has what the input of this run says, which is all of
 * history and is for nothing else; or it begins with this run, which the state remembers
 * until it is filled. */
enum cdp_tagstate_new { CDP_TAGSTATE_REFUSE, CDP_TAGSTATE_FILL, CDP_TAGSTATE_BEGIN };

struct cdp_tagstate_opts {
	const char *dir;
	const struct cdp_tagset *set; /* borrowed; its windows are opened */
	const struct cdp_run *run;
	const char *key;    /* member that tells customers apart */
	const char *entity; /* what they are: "person" */
	/* Relations of the run, borrowed; they get what the state has of them. */
	struct cdp_relations *relations;
	/* The same run, if it is to be followed (model/taglive.h), else NULL: its base
	 * time becomes the one that the state was followed to, if that is later. */
	struct cdp_run *followed;
	enum cdp_tagstate_new new;
};
/* Makes the directory if it is missing (not its parent) and locks it.  NULL with a usage
 * error if the state does not fit the definitions or the run. */
struct cdp_tagstate *cdp_tagstate_open(const struct cdp_tagstate_opts *o,
				       struct cdp_err *err);
void cdp_tagstate_close(struct cdp_tagstate *s); /* without a commit; NULL is fine */
bool cdp_tagstate_is_new(const struct cdp_tagstate *s); /* there was none */
const char *cdp_tagstate_path(const struct cdp_tagstate *s, const char *file,
			      struct cdp_buf *b);
/* The i-th aggregate, attribute, detail table or relation that the state has and the
 * definitions do not ask for: kept no longer.  NULL after the last. */
const char *cdp_tagstate_dropped(const struct cdp_tagstate *s, size_t i);

/* The i-th that was new to this run; and that has no history from before *since_ms, which
 * are as well those that began with this one. */
const char *cdp_tagstate_new(const struct cdp_tagstate *s, size_t i);
const char *cdp_tagstate_young(const struct cdp_tagstate *s, size_t i, int64_t *since_ms);

/* --- each input once --- */

/* Reads the regular file PATH and looks for its content (what it holds when it is not
 * compressed) among what the state has and what this run has looked at.  1: known, and
 * *before is the name that it had then; 0: new, and to be part of the state; -1. */
int cdp_tagstate_look(struct cdp_tagstate *s, const char *path, const char **before,
		      struct cdp_err *err);
/* What the state is filled from: reads PATH likewise.  1: the state has it, 0: not as
 * such, 2: this run has looked at it before; -1. */
int cdp_tagstate_look_back(struct cdp_tagstate *s, const char *path, struct cdp_err *err);
/* The i-th input of the state that cdp_tagstate_look_back() has not met; NULL: no more.
 */
const char *cdp_tagstate_unmet(const struct cdp_tagstate *s, size_t i);
/* The same as cdp_tagstate_look() for an input that is known by a name alone. */
int cdp_tagstate_batch(struct cdp_tagstate *s, const char *name);
bool cdp_tagstate_has_batch(const struct cdp_tagstate *s, const char *name);

/* --- a run --- */

/* The person `from` is `into` from now on, also in later runs: what is known of both
 * becomes one.  What one run says may come in any order, unless two became each other. */
void cdp_tagstate_join(struct cdp_tagstate *s, const char *from, size_t from_n,
		       const char *into, size_t into_n);
/* Whom the person with this key has become by what is known, or the key itself.
 * Borrowed. */
const char *cdp_tagstate_became(const struct cdp_tagstate *s, const char *key, size_t n,
				size_t *len);
/* Before the first merge, of a state that is followed: its relations go to those of the
 * run now, and no merge brings them any more. */
int cdp_tagstate_take_relations(struct cdp_tagstate *s, struct cdp_err *err);
/* Where the new input is gathered. */
struct cdp_customers *cdp_tagstate_fresh(struct cdp_tagstate *s, unsigned threads);
/* The state with what was gathered (consumed): all customers, not finished yet, so that
 * ids can be gathered; NULL with *err.  The new state is written, and not yet in its
 * place. */
struct cdp_customers *cdp_tagstate_merge(struct cdp_tagstate *s,
					 struct cdp_customers *fresh,
					 struct cdp_err *err);
/* The new state is in place and on disk. */
int cdp_tagstate_commit(struct cdp_tagstate *s, struct cdp_err *err);

#endif
