/* What each tag costs: cdp-tag --cost.
 *
 * Measured is, on samples of this run and in one thread, what a tag's aggregates take for
 * an event (condition, argument and addition, where an event of this name can concern
 * them at all; reading and scanning are no tag's) and what its own expression takes for a
 * customer, when the tags that it reads have been computed.  The clock's own time is
 * taken off, and the slowest hundredth left out, in which the machine did other things.
 * Counted are bytes of the aggregates' states and of the tag in the profiles.
 *
 * An aggregate that several tags read is split evenly among them, so that rows add up. */
#ifndef CDP_CLI_TAG_COST_H
#define CDP_CLI_TAG_COST_H

#include "cli/cli.h"
#include "model/profile.h"

/* Events, evenly spread over all that were added; some thousand at most. */
struct cdp_tag_sample;
struct cdp_tag_sample *cdp_tag_sample_new(void);
void cdp_tag_sample_free(struct cdp_tag_sample *s);
void cdp_tag_sample_add(struct cdp_tag_sample *s, const struct cdp_rec *rec);
/* All of `from`, which is freed. */
void cdp_tag_sample_take(struct cdp_tag_sample *s, struct cdp_tag_sample *from);

struct cdp_tag_cost {
	struct cdp_cli *cli;
	const struct cdp_tag_sample *events;
	/* CPU time that loading, reading and joining took in this run. */
	uint64_t load_ns, read_ns, join_ns;
};
/* A result row a tag, and rows of what is no tag's, so that all are the CPU time of a run
 * that writes profiles: what reading took beside the tags' aggregates, and what lines
 * take beside their values.  For cdp_cli_after_passes(). */
void cdp_tag_cost_write(void *cost, const struct cdp_profile_spec *spec);

#endif
