/* What cdp-segment found, as membership lines, differences or counts. */
#ifndef CDP_CLI_SEGMENT_ROWS_H
#define CDP_CLI_SEGMENT_ROWS_H

#include "cli/memberships.h"
#include "cli/segment_job.h"

/* Memberships of an earlier run, in audiences that are defined. */
struct cdp_earlier {
	struct cdp_intern *keys; /* who is in them */
	struct cdp_earlier_pair {
		uint32_t who, set; /* key, later its rank; number of the audience */
	} * v;
	size_t n;
};
void cdp_earlier_init(struct cdp_earlier *e, const struct cdp_memberships *m,
		      const struct cdp_segments *set);
void cdp_earlier_release(struct cdp_earlier *e);

struct cdp_segment_rows {
	struct cdp_cli *cli;
	const struct cdp_segments *set;
	struct cdp_segment_job *job;
	const uint32_t *sets; /* to be written, ascending */
	uint32_t set_count;
	struct cdp_earlier *before; /* write what changed since; NULL: write who is in */
};
/* Lines by customer, then by audience. */
void cdp_segment_write_members(const struct cdp_segment_rows *r);
/* A row for each audience. */
void cdp_segment_write_counts(const struct cdp_segment_rows *r);
/* Tells of audiences whose rule never came to an end. */
void cdp_segment_tell_vain(const struct cdp_segment_rows *r);

#endif
