/* When definitions were last used, told by when those were that read them: what is used
 * at a time uses what it reads, and what that reads.  Definitions may read each other in
 * a circle.
 *
 * Numbers are below `count`; times are milliseconds.  Memory: about 50 bytes a
 * definition and 16 for each that it reads. */
#ifndef CDP_MODEL_USAGE_H
#define CDP_MODEL_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#define CDP_USAGE_NEVER INT64_MIN /* or it is not known */
#define CDP_USAGE_YOUNG INT64_MAX /* it is younger than all that is known */

struct cdp_usage;
/* `files`: those that may name definitions. */
struct cdp_usage *cdp_usage_new(uint32_t count, unsigned files);
void cdp_usage_free(struct cdp_usage *u); /* NULL is fine */

/* --- what is known of each by itself; by default nothing --- */

void cdp_usage_reads(struct cdp_usage *u, uint32_t reader, uint32_t read);
/* It was used itself then. */
void cdp_usage_at(struct cdp_usage *u, uint32_t i, int64_t used);
/* It is known to have been there from then on. */
void cdp_usage_there(struct cdp_usage *u, uint32_t i, int64_t from);
void cdp_usage_names(struct cdp_usage *u, unsigned file, uint32_t i);
/* All is known: what follows may be asked. */
void cdp_usage_settle(struct cdp_usage *u);

/* --- what follows --- */

/* When it, or one that reads it in however many steps, was last used itself; *by is that
 * one, of several the first.  CDP_USAGE_NEVER: *by is undefined. */
int64_t cdp_usage_last(const struct cdp_usage *u, uint32_t i, uint32_t *by);
/* Since when it is not used: what cdp_usage_last() has, or where that is never, since it
 * is there; of those that read it whichever is later.  So those of whom it is some time
 * or earlier are read by such alone: they can go together. */
int64_t cdp_usage_idle(const struct cdp_usage *u, uint32_t i);
/* Whether the file names it, or one that reads it. */
bool cdp_usage_named(const struct cdp_usage *u, unsigned file, uint32_t i);
/* Those that read it themselves, ascending. */
const uint32_t *cdp_usage_readers(const struct cdp_usage *u, uint32_t i, uint32_t *n);
/* Those that read it in however many steps, itself apart, near ones first; borrowed until
 * the next call. */
const uint32_t *cdp_usage_affected(struct cdp_usage *u, uint32_t i, uint32_t *n);

#endif
