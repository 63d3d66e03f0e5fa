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

/* Rows of the option table. */
/* clang-format off */
#define CDP_LOG_OPTIONS(o)                                                               \
	{ 0, "id-param", CDP_OPT_LIST, &(o).params, "NAME=KIND",                         \
	  "combined: a query parameter that is an id" },                                 \
	{ 0, "log-field", CDP_OPT_LIST, &(o).fields, "MEMBER=FIELD",                     \
	  "combined, in JSON: what a member is, such as ts=time" }
/* clang-format on */

/* After parsing: into `format`, which borrows from `o`.  Usage errors end the process. */
void cdp_log_opts_read(struct cdp_cli *cli, struct cdp_log_opts *o,
		       struct cdp_format_opts *format);
void cdp_log_opts_release(struct cdp_log_opts *o);

#endif
