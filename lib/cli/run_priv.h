/* What run.c and run_block.c share: one thread's view of a run. */
#ifndef CDP_CLI_RUN_PRIV_H
#define CDP_CLI_RUN_PRIV_H

#include "cli/priv.h"

#include <pthread.h>

/* A block of input and what it yields. */
struct piece {
	struct cdp_block block;
	struct cdp_emit emit;
	uint64_t seq;
	bool unread; /* instead of a block: its input failed, as `err` says */
	struct cdp_err err;
	struct piece *next; /* in the list of free ones */
};

struct run;

struct worker {
	struct run *run;
	const struct cdp_job *job;
	pthread_t thread;
	struct cdp_scan *scan;
	struct cdp_rec *kept; /* if the job settles: those since it last did */
	void *state;
	struct piece *piece; /* being worked on */
};

/* Every record of the worker's piece is handled, into its emit. */
void cli_run_block(struct worker *w);

#endif
