/* Tags that are not due keep the values they had in an earlier version of the profiles.
 *
 * Its lines say what its base time was and, of tags with a schedule, as of when each was
 * computed: {"one_id":...,"as_of":...,"computed":{"favourite":"..."},"tags":{...}}.  Such
 * a tag is carried if that version knows it and no due day has begun since. */
#ifndef CDP_MODEL_CARRY_H
#define CDP_MODEL_CARRY_H

#include "model/customers.h"
#include "model/given.h"

struct cdp_carry;

struct cdp_carry_opts {
	const char *path; /* profiles, sorted or not, plain or compressed */
	const char *key;  /* the member that tells customers apart */
	const struct cdp_run *run;
	/* Tags that are computed in any case; borrowed. */
	const char *const *due;
	size_t due_count;
	/* What carried tags ask for is gathered all the same, for a state. */
	bool history;
};
/* Reads the first profile.  NULL with *err: the file cannot be read (system kind), holds
 * no profiles or ones that are not older than the run (usage kind). */
struct cdp_carry *cdp_carry_new(const struct cdp_carry_opts *o, struct cdp_err *err);
void cdp_carry_free(struct cdp_carry *c); /* NULL is fine */

/* While definitions are loaded: if the tag is carried, as of when it was computed
 * (canonical time, borrowed), else NULL. */
const char *cdp_carry_since(const struct cdp_carry *c, const struct cdp_tag *t);
bool cdp_carry_history(const struct cdp_carry *c);

/* After cdp_given_place(): the values of all carried tags.  `became` (may be NULL) tells
 * whom the person with a key became, or the key itself; what was known of that one comes
 * first.  -1 with *err. */
struct cdp_carry_became {
	const char *(*key)(void *ctx, const char *key, size_t n, size_t *len);
	void *ctx;
};
int cdp_carry_read(const struct cdp_carry *c, struct cdp_tagset *set,
		   const struct cdp_customers *all, struct cdp_given *given,
		   const struct cdp_carry_became *became, struct cdp_err *err);

#endif
