/* Which profiles are others than in the last run, and who is gone: a digest of each
 * profile is kept, one file a base time (DIR/profiles-2024-05-01), sorted by customer.
 *
 * A run is held against the latest base time before its own, so that it may be repeated;
 * files before that one are removed then.  The base time itself is no difference.  24
 * bytes a customer beside the key, on disk; 16 in memory. */
#ifndef CDP_MODEL_CHANGES_H
#define CDP_MODEL_CHANGES_H

#include "model/customers.h"

struct cdp_changes;

/* The run before is looked for in `dir`.  `customers` are finished, and borrowed; `key`
 * names the first member of profiles. */
struct cdp_changes *cdp_changes_new(const char *dir, const struct cdp_run *run,
				    const char *key,
				    const struct cdp_customers *customers,
				    struct cdp_err *err);
void cdp_changes_free(struct cdp_changes *c);        /* NULL is fine */
bool cdp_changes_first(const struct cdp_changes *c); /* there was no run before */

/* The profile, a whole line, of the customer in this place; whether it is another one
 * than before.  From any thread, each place once. */
bool cdp_changes_line(struct cdp_changes *c, uint32_t place, const char *line, size_t n);
/* Appends lines for those of the run before who would stand in places [from, to) and are
 * there no more, {"one_id":...,"as_of":...,"deleted":true}; returns how many.  The last
 * place is the number of customers. */
uint64_t cdp_changes_gone(const struct cdp_changes *c, uint32_t from, uint32_t to,
			  struct cdp_buf *out);
/* Once every place has had its profile and the lines are where they belong: this run is
 * what a later one is held against. */
int cdp_changes_commit(struct cdp_changes *c, struct cdp_err *err);

#endif
