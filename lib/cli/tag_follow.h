/* cdp-tag --follow: tags while events arrive.
 *
 * One loop in one thread: it takes what there is to be read, writes the profiles that
 * changed, saves the state now and then, and moves the base time on, always the end of
 * the day that is under way.  What was written has left before the state is saved. */
#ifndef CDP_CLI_TAG_FOLLOW_H
#define CDP_CLI_TAG_FOLLOW_H

#include "cli/tag_reading.h"

struct cdp_tag_follow_opts {
	const char *dir;    /* of the state */
	const char *batch;  /* name of standard input, or NULL */
	const char *merges; /* merge log, or NULL */
	const char *map;    /* of ids, or NULL */
	const struct cdp_strs *definitions, *entities;
	int64_t every_ns, save_ns;
	int64_t survey_ns; /* 0: at the end of a day alone */
	uint64_t memory;
	bool nulls;
	bool begin; /* what is new to the state begins with this process */
};

/* Ends the process where options do not fit each other.  Until standard input ends, or
 * SIGTERM or SIGINT comes: 0, or -1 with *err, or -1 and told (*err is of no kind). */
int cdp_tag_follow(struct cdp_cli *cli, struct cdp_tag_reading *t,
		   const struct cdp_tag_follow_opts *o, struct cdp_err *err);

#endif
