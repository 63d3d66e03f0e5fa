/* Output made by several threads, written in order. */
#ifndef CDP_CLI_ORDERED_H
#define CDP_CLI_ORDERED_H

#include "cli/cli.h"

struct cdp_ordered {
	void *ctx;
	uint64_t chunks; /* 0, 1 ... chunks - 1 */
	/* Per-thread state, made on the main thread. */
	void *(*worker)(void *ctx);
	/* Appends the text of a chunk, whole lines, to `out`; returns how many. */
	uint64_t (*make)(void *worker, uint64_t chunk, struct cdp_buf *out);
	/* Once for each worker after the last chunk, on the main thread; frees it. */
	void (*done)(void *ctx, void *worker);
};

/* Writes all chunks to cdp_cli_out(cli) in order, with as many threads as -j says
 * (default: one a core) but no more than chunks; counts lines as output.  A write error
 * stops it; it sticks to the output, cdp_cli_finish reports it.  Memory: two chunks a
 * thread. */
void cdp_cli_write_ordered(struct cdp_cli *cli, const struct cdp_ordered *o);

#endif
