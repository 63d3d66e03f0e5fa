/* Options of a tool about what access logs say: which parameters of a query are ids,
 * which members of a log in JSON are which field. */
#ifndef CDP_CLI_LOG_OPTS_H
#define CDP_CLI_LOG_OPTS_H

#include "cli/cli.h"
#include "format/canon.h"

struct cdp_log_opts {
	struct cdp_strs params; /* NAME=KIND */
	struct cdp_strs fields; /* MEMBER=FIELD (cdp_combined_field) */
	struct cdp_id_param *param_list;
	struct cdp_log_field *field_list;
};

/* After parsing: into `format`, which borrows from `o`.  Usage errors end the process. */
void cdp_log_opts_read(struct cdp_cli *cli, struct cdp_log_opts *o,
		       struct cdp_format_opts *format);
void cdp_log_opts_release(struct cdp_log_opts *o);

#endif
