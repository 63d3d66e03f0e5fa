/* The endpoint of cdp-collect: requests of tracking libraries come in over HTTP, records
 * go to standard output or into files that others pick up, and a request is acknowledged
 * when its records are safe.
 *
 * A tool puts the rows of its option table on the members of struct cdp_listen, fills in
 * what is done to a record between its reader and the output, and calls
 * cdp_cli_listen().  Memory: `body`, twice `inflated` and a megabyte a thread, `bodies`
 * for all bodies that are coming in, `head` a connection (limits, see cdp-collect(1)). */
#ifndef CDP_CLI_LISTEN_H
#define CDP_CLI_LISTEN_H

#include "cli/cli.h"
#include "format/canon.h"

enum { CDP_ACK_WRITE, CDP_ACK_FSYNC };

/* What stands between reader and output; the functions of the path that reads files. */
struct cdp_listen_stages {
	void *ctx;
	bool serial;                /* one thread only */
	void *(*worker)(void *ctx); /* one a thread */
	void (*worker_free)(void *ctx, void *worker);
	/* A request is about to be read: what was noted of the one before counts no more.
	 */
	void (*begin)(void *worker);
	/* A record was appended to `out` from `at` on.  How many there are in its place,
	 * each with LF; -1 with *err: it is refused, and taken back (a data error), or
	 * nothing can be kept. */
	int (*record)(void *worker, struct cdp_buf *out, size_t at,
		      const struct cdp_canon *info, struct cdp_err *err);
	/* The records of a request are about to be written; never by two threads at once.
	 * May take some out of them, and says how many those are.  NULL: none. */
	int (*settle)(void *ctx, void *worker, struct cdp_buf *out, uint64_t *taken,
		      struct cdp_err *err);
	/* All that was settled so far is where it belongs, and as safe as asked for: it
	 * may be remembered beyond this process.  Now and then; never beside settle. */
	int (*remember)(void *ctx, struct cdp_err *err);
};

struct cdp_listen {
	/* options */
	const char *address, *port_file, *spool;
	int ack;
	struct cdp_strs origins, limits, rotate;
	/* the tool's */
	const struct cdp_format_opts *format; /* its `received`, if any, is that of all */
	struct cdp_listen_stages stages;
};
extern const char *const cdp_listen_acks[];

/* Rows of the option table. */
/* clang-format off */
#define CDP_LISTEN_OPTIONS(l)                                                            \
	{ 0, "listen", CDP_OPT_STR, &(l).address, "ADDRESS:PORT",                        \
	  "serve tracking libraries over HTTP; port 0: any" },                           \
	{ 0, "port-file", CDP_OPT_STR, &(l).port_file, "FILE",                           \
	  "listen: write the port there once it is open" },                              \
	{ 0, "spool", CDP_OPT_STR, &(l).spool, "DIR",                                    \
	  "listen: write files there instead of standard output" },                      \
	{ 0, "rotate", CDP_OPT_LIST, &(l).rotate, "SIZE|AGE",                            \
	  "listen: finish files of this size or age (64M and 1m)" },                     \
	{ 0, "ack", CDP_OPT_CHOICE, &(l).ack, "WHEN",                                    \
	  "listen: answer after write (default) or fsync", cdp_listen_acks },            \
	{ 0, "origin", CDP_OPT_LIST, &(l).origins, "ORIGIN",                             \
	  "listen: pages that may send; default all" },                                  \
	{ 0, "limit", CDP_OPT_LIST, &(l).limits, "NAME=VALUE",                           \
	  "listen: a bound on requests, see the manual" }
/* clang-format on */

/* Usage errors of the options; the process ends there. */
void cdp_listen_check(struct cdp_cli *cli, const struct cdp_listen *l);
/* Serves until SIGTERM or SIGINT, or until nobody reads the output any more.  Counts and
 * statuses are in `cli` then.  -1: something that was settled could not be written. */
int cdp_cli_listen(struct cdp_cli *cli, const struct cdp_listen *l);
void cdp_listen_release(struct cdp_listen *l);

#endif
