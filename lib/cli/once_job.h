/* Every record once, as part of a run: what cdp-collect --dedup does.
 *
 * A block is settled in its commit, before it is written.  What was seen is remembered
 * (with a directory) only once the records have left: when the output was flushed, while
 * the input waits and every hundred thousand records; where the output is a file that
 * appears when it is complete, after that.  So a record may come out twice when the
 * process dies in between, and none is lost. */
#ifndef CDP_CLI_ONCE_JOB_H
#define CDP_CLI_ONCE_JOB_H

#include "cli/cli.h"
#include "model/once.h"

struct cdp_once_job;

/* Starts with the default of `memory`, all else zero. */
struct cdp_once_job_opts {
	int64_t window_ns; /* 0: nothing is dropped */
	uint64_t memory;
	const char *duplicates; /* file that what came before goes to; NULL: nowhere */
};

/* Rows of the option table. */
/* clang-format off */
#define CDP_ONCE_OPTIONS(o)                                                              \
	{ 0, "dedup", CDP_OPT_DURATION, &(o).window_ns, "WINDOW",                        \
	  "drop records that came before within a window of their time" },               \
	{ 0, "dedup-memory", CDP_OPT_SIZE, &(o).memory, "SIZE",                          \
	  "memory for --dedup, beyond which it takes files (512M)" },                    \
	{ 0, "duplicates", CDP_OPT_STR, &(o).duplicates, "FILE",                         \
	  "keep what --dedup drops" }
/* clang-format on */

/* After parsing: a usage error ends the process. */
void cdp_once_job_check(struct cdp_cli *cli, const struct cdp_once_job_opts *opts);
/* What was seen is kept in the directory `state`, NULL: for this run alone. */
struct cdp_once_job *cdp_once_job_new(struct cdp_cli *cli,
				      const struct cdp_once_job_opts *opts,
				      const char *state, struct cdp_err *err);
/* For workers' notes (cdp_once_init). */
uint64_t cdp_once_job_seed(const struct cdp_once_job *j);

/* In a job's commit: notes of the block (NULL: none were made) against all before. */
int cdp_once_job_settle(struct cdp_once_job *j, struct cdp_once_notes *notes,
			struct cdp_emit *e, struct cdp_err *err);
/* The same for records that go elsewhere than into an emit: what came before is taken out
 * of them, and *taken says how many those were. */
int cdp_once_job_take(struct cdp_once_job *j, struct cdp_once_notes *notes,
		      struct cdp_buf *records, uint64_t *taken, struct cdp_err *err);
/* And all that was settled is where it belongs. */
int cdp_once_job_remember(struct cdp_once_job *j, struct cdp_err *err);
/* In a job's flushed. */
int cdp_once_job_flushed(struct cdp_once_job *j, struct cdp_err *err);
/* After the run, before cdp_cli_finish(): the counts go to --stats, the output is ended
 * and what was seen remembered.  Errors are told.  Frees `j`; NULL is fine. */
void cdp_once_job_finish(struct cdp_once_job *j);
/* On the way to cdp_cli_fail(). */
void cdp_once_job_abandon(struct cdp_once_job *j);

#endif
