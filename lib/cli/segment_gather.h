/* What rules of audiences ask for besides profiles: events, updates, rows of details and
 * relations, read together with the profiles before anything is decided; and entities. */
#ifndef CDP_CLI_SEGMENT_GATHER_H
#define CDP_CLI_SEGMENT_GATHER_H

#include "cli/segment_job.h"

struct cdp_segment_gather {
	struct cdp_strs entities; /* --entities */
	struct cdp_tag_reading reading;
};

/* Before definitions are loaded (`key` as in given): where they put together what they
 * ask for. */
int cdp_segment_gather_begin(struct cdp_cli *cli, struct cdp_segment_gather *g,
			     struct cdp_segments_given *given, struct cdp_err *err);
/* When they were, and rules ask for more than profiles say: what is read is known. */
int cdp_segment_gather_bind(struct cdp_tag_reading *t, struct cdp_err *err);
/* After that: reads what is asked for, so that the job can be run; of `only` (NULL: all)
 * alone, and for relations the map of --ids, or NULL.  0; 1: could not be read, which was
 * told; -1 with *err.  A usage error of the options ends here. */
int cdp_segment_gather_run(struct cdp_cli *cli, struct cdp_segment_gather *g,
			   struct cdp_segments *set, struct cdp_segment_job *job,
			   const char *map, const char *only, struct cdp_err *err);
void cdp_segment_gather_release(struct cdp_segment_gather *g);

#endif
