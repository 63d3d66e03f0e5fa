/* Profiles, and what else rules ask for, followed as they come: cdp-segment --follow. */
#ifndef CDP_CLI_SEGMENT_FOLLOW_H
#define CDP_CLI_SEGMENT_FOLLOW_H

#include "cli/cli.h"
#include "cli/tag_reading.h"
#include "model/segments.h"

struct cdp_segment_follow {
	bool on;
	const char *profiles; /* --profiles: what there was, or NULL */
	const char *feed;     /* --feed: the name of what comes, or NULL */
	bool fills; /* --fill: --profiles has the history of what is new in rules */
	/* With `on`: */
	const char *dir; /* of a store that keeps what there was, or NULL */
	const struct cdp_segments *set;
	const uint64_t *wanted; /* audiences whose changes are written, a set of bits */
	bool chosen;            /* by name: one that cannot be followed is an error */
	const struct cdp_members *given; /* as in struct cdp_segment_job */
	struct cdp_paths *paths;
	int tags_slot;
	/* Where rules ask for more than profiles: what they ask for, the files of
	 * entities and the map of ids (NULL: none). */
	struct cdp_tag_reading *reading;
	const struct cdp_strs *entities;
	const char *map;
};

/* Writes who enters and leaves with each record that comes, until there are no more.  0,
 * also when the run ended early (told), or -1. */
int cdp_segment_follow(struct cdp_cli *cli, const struct cdp_segment_follow *f,
		       struct cdp_err *err);

#endif
