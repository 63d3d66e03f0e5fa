/* Why a customer is in an audience or not: cdp-segment --explain. */
#ifndef CDP_CLI_SEGMENT_EXPLAIN_H
#define CDP_CLI_SEGMENT_EXPLAIN_H

#include "cli/segment_job.h"

/* Reads profiles until the end; for each of this customer a row for the audience and each
 * part of its rule.  `job` as for cdp_segment_job_run(). */
void cdp_segment_explain(struct cdp_cli *cli, const struct cdp_segment_job *job,
			 const char *one_id, const uint32_t *sets, uint32_t set_count);

/* Whether others count for these, as one of them or of those that they refer to is cut by
 * rank; then what was gathered has to be that of everybody. */
bool cdp_segment_explain_reads_all(const struct cdp_segments *s, const uint32_t *sets,
				   uint32_t set_count);

#endif
