/* Profiles decided against audiences, many at a time: the record loop of cdp-segment. */
#ifndef CDP_CLI_SEGMENT_JOB_H
#define CDP_CLI_SEGMENT_JOB_H

#include "cli/cli.h"
#include "cli/tag_reading.h"
#include "model/audiences.h"
#include "model/segments.h"

struct cdp_segment_job {
	/* in */
	const struct cdp_segments *set;
	const uint64_t *wanted; /* audiences whose members are kept, a set of bits */
	/* Who is in those that streams gave: bit i is audience set->defined + i. */
	const struct cdp_members *given;
	const struct cdp_intern
		*more; /* customers to be there without a profile, or NULL */
	struct cdp_paths *paths;
	int tags_slot;
	/* What was read before (cli/segment_gather.h), profiles among it; NULL: profiles
	 * are all that is read, and it is done here. */
	const struct cdp_tag_reading *gathered;
	bool counts; /* how many members there are is all that is asked for */
	/* out */
	struct cdp_audiences *members; /* NULL if the run failed */
	uint64_t *errors;              /* by audience: profiles whose rule ended in one */
	uint64_t profiles;
	/* NULL: nobody asks what it costs.  Else the job adds to it; nanoseconds of CPU
	 * time, of the process until the job was done, and of putting customers in order.
	 */
	struct cdp_rule_cost *cost;
	double all_ns, join_ns;
};

/* 0, or -1 when the run ended early (told). */
int cdp_segment_job_run(struct cdp_cli *cli, struct cdp_segment_job *job);
/* CPU time of the process so far, in nanoseconds. */
double cdp_segment_job_clock(void);
/* A profile for a customer who has none: {"one_id":KEY,"tags":{}}, or by the key of these
 * paths, with an LF, and CDP_IN_PAD zeros after it. */
void cdp_segment_no_profile(struct cdp_buf *line, const struct cdp_paths *paths,
			    const char *key, size_t n);
void cdp_segment_job_release(struct cdp_segment_job *job);

#endif
