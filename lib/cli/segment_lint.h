/* What is odd about audiences: cdp-segment --lint. */
#ifndef CDP_CLI_SEGMENT_LINT_H
#define CDP_CLI_SEGMENT_LINT_H

#include "cli/segment_rows.h"

struct cdp_segment_lint_opts {
	bool on;
	struct cdp_strs used_in; /* definition files of any kind */
};

/* A row for each finding.  Without a run (`r->job->members` NULL) what definitions alone
 * tell: those that are alike, expired, or used neither by a rule nor, if there are such
 * files, by any of these.  Else also those with nobody or everybody in them, with an
 * error for everyone, or with the members of another one. */
void cdp_segment_lint(const struct cdp_segment_rows *r,
		      const struct cdp_segment_lint_opts *o);

#endif
