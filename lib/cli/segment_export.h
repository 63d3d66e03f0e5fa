/* Stored audiences handed over once, with batches that are acknowledged: --export, --ack
 * and --batches of cdp-segment. */
#ifndef CDP_CLI_SEGMENT_EXPORT_H
#define CDP_CLI_SEGMENT_EXPORT_H

#include "cli/cli.h"

struct cdp_segment_export_opts {
	const char *export; /* an audience */
	const char *ack;    /* a batch */
	bool again, batches;
};

/* Usage errors; whether one of the three is asked for. */
bool cdp_segment_export_check(struct cdp_cli *cli,
			      const struct cdp_segment_export_opts *o, const char *dir,
			      bool others);
/* The status is 1 where a list was handed over before and is not given again. */
int cdp_segment_export_run(struct cdp_cli *cli, const struct cdp_segment_export_opts *o,
			   const char *dir, struct cdp_err *err);

#endif
