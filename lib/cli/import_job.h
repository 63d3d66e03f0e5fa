/* Files that were imported before are passed over: what cdp-collect --state does with its
 * operands, and the position of a source of SQL.
 *
 * Remembered is what a run has read when its output is complete and safe: on disk where
 * that is a file.  So what a run brought in before it died comes again, and nothing is
 * lost. */
#ifndef CDP_CLI_IMPORT_JOB_H
#define CDP_CLI_IMPORT_JOB_H

#include "cli/cli.h"
#include "model/imports.h"
#include "model/intake_state.h"

struct cdp_import_job;

struct cdp_import_job_opts {
	struct cdp_intake_state *state; /* borrowed */
	const char *how; /* how the files are read, for cdp_imports_new() */
	size_t how_n;
	bool again; /* whatever was imported before */
};
struct cdp_import_job *cdp_import_job_new(struct cdp_cli *cli,
					  const struct cdp_import_job_opts *opts);
/* For positions. */
struct cdp_imports *cdp_import_job_imports(struct cdp_import_job *j);

/* Leaves in cli->operands those that are to be read: new files, and what cannot be known
 * again (pipes, standard input).  True if there are any; false if all were known: then
 * nothing must be read, and an output file stays as it is. */
bool cdp_import_job_choose(struct cdp_import_job *j);
/* After the run, before cdp_cli_finish(): the output is ended and, if the run was `whole`
 * and nothing failed, what it read is remembered.  Errors are told.  Frees `j`; NULL is
 * fine. */
void cdp_import_job_finish(struct cdp_import_job *j, bool whole);
/* On the way to cdp_cli_fail(). */
void cdp_import_job_abandon(struct cdp_import_job *j);

#endif
