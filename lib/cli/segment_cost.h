/* What a run of cdp-segment costs, audience by audience. */
#ifndef CDP_CLI_SEGMENT_COST_H
#define CDP_CLI_SEGMENT_COST_H

#include "cli/segment_rows.h"

struct cdp_segment_cost {
	bool on; /* --cost */
	double load_ns;
};

/* Definitions are loaded, nothing is read yet: what the job takes will be charged. */
void cdp_segment_cost_begin(struct cdp_segment_cost *c, struct cdp_segment_job *job);
/* Rows of it, after the job. */
void cdp_segment_cost_write(const struct cdp_segment_cost *c,
			    const struct cdp_segment_rows *r);

#endif
