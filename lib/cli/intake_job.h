/* What is done to records between reader and output (model/intake.h), as part of a run of
 * cdp-collect: its options, its counts, its files. */
#ifndef CDP_CLI_INTAKE_JOB_H
#define CDP_CLI_INTAKE_JOB_H

#include "cli/cli.h"
#include "model/intake.h"

/* Starts with future -1, all else zero. */
struct cdp_intake_job {
	/* options */
	int future; /* enum cdp_future, or -1: not said */
	int64_t skew_ns, late_ns;
	const char *late_file, *plan_file, *coverage_file, *virtual_file;
	bool infer;
	/* NULL unless an option asks for it: then a record costs nothing more. */
	struct cdp_intake_conf *conf;
	struct cdp_out *late, *coverage;
};

extern const char *const cdp_intake_futures[];

/* Rows of the option table. */
/* clang-format off */
#define CDP_INTAKE_OPTIONS(j)                                                            \
	{ 0, "future", CDP_OPT_CHOICE, &(j).future, "WHAT",                              \
	  "reject (default), keep or clamp what is an hour ahead of --received or "      \
	  "--as-of", cdp_intake_futures },                                               \
	{ 0, "skew", CDP_OPT_DURATION, &(j).skew_ns, "THRESHOLD",                        \
	  "correct device clocks that are off by more, such as 5m" },                    \
	{ 0, "late", CDP_OPT_DURATION, &(j).late_ns, "HORIZON",                          \
	  "count records received later than this" },                                    \
	{ 0, "late-days", CDP_OPT_STR, &(j).late_file, "FILE",                           \
	  "write the days that late records are of" },                                   \
	{ 'd', "definition", CDP_OPT_STR, &(j).plan_file, "PLAN",                        \
	  "hold events against this tracking plan" },                                    \
	{ 0, "coverage", CDP_OPT_STR, &(j).coverage_file, "FILE",                        \
	  "write what of the plan was seen, and what is not in it" },                    \
	{ 0, "infer-plan", CDP_OPT_FLAG, &(j).infer, NULL,                               \
	  "write no records, but a plan drafted from them" },                            \
	{ 0, "virtual", CDP_OPT_STR, &(j).virtual_file, "FILE",                          \
	  "name events by these rules after the fact" }
/* clang-format on */

/* After parsing: a usage error ends the process. */
void cdp_intake_job_check(struct cdp_cli *cli, const struct cdp_intake_job *j);
int cdp_intake_job_load(struct cdp_cli *cli, struct cdp_intake_job *j,
			struct cdp_err *err);
/* After the run: counts to --stats, rows to their files.  Errors are told. */
void cdp_intake_job_finish(struct cdp_cli *cli, struct cdp_intake_job *j);
void cdp_intake_job_release(struct cdp_intake_job *j);

#endif
