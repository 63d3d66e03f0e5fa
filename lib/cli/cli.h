/* The life of a tool: options, diagnostics, the record loop, statuses.
 *
 *	int main(int argc, char **argv)
 *	{
 *		struct cdp_cli cli;
 *
 *		cdp_cli_start(&cli, &tool, argc, argv);	ends here for help, bad usage
 *		...load definitions before any input is read; when that fails:
 *			return cdp_cli_fail(&cli, &err);
 *		if (cdp_cli_run(&cli, &job) == 0)
 *			...rows that come at the end go to cdp_cli_out(&cli)
 *		...free what is yours
 *		return cdp_cli_finish(&cli);		flush, close, check, sum up
 *	}
 *
 * The driver owns reading, -j, rejects, ordering, flushing, progress and statistics, so
 * that all tools behave alike.  Of several statuses the most severe is given: 4, 5, 2, 3,
 * 1.  Unless said otherwise, functions that take the cli belong to the main thread and to
 * commit hooks (which never run beside each other); workers only touch their emit. */
#ifndef CDP_CLI_CLI_H
#define CDP_CLI_CLI_H

#include "base/buf.h"
#include "base/err.h"
#include "base/zone.h"
#include "cli/opt.h"
#include "io/in.h"
#include "io/out.h"
#include "lang/expr.h"
#include "record/scan.h"

/* Groups of common options a tool takes. */
enum {
	CDP_COMMON_INPUT = 1,     /* operands, --rejects --max-rejects --strict --trusted
				     --unique-keys --line-max --progress --stats */
	CDP_COMMON_JOBS = 2,      /* -j */
	CDP_COMMON_TIME = 4,      /* --as-of --tz */
	CDP_COMMON_ROWS = 8,      /* --table --csv */
	CDP_COMMON_OUTPUT = 16,   /* -o */
	CDP_COMMON_OPERANDS = 32, /* operands that are no record inputs */
};

/* When output comes: the suite-wide latency property reads this from --dump-options. */
enum cdp_answers { CDP_ANSWERS_AS_IT_GOES, CDP_ANSWERS_AT_END, CDP_ANSWERS_NO_INPUT };

struct cdp_tool {
	const char *name;           /* "cdp-filter" */
	const char *purpose;        /* one sentence, lower case, no stop */
	const char *synopsis;       /* "[-e EXPR] [FILE...]" */
	const char *example;        /* up to three lines */
	const struct cdp_opt *opts; /* ended by { 0 } */
	unsigned common;
	enum cdp_answers answers;
};

struct cdp_common {
	const char *output;  /* NULL or "-": standard output */
	const char *rejects; /* NULL: rejected lines are not kept */
	const char *tz;
	const char *calendar; /* NULL: none */
	int64_t jobs;         /* 0: by the kind of input */
	uint64_t line_max;
	bool verbose, quiet, strict, trusted, unique_keys, table, csv, progress, stats;
	struct cdp_run run; /* as_of (default: now, a whole second) and zone */
	bool as_of_given;
	const char *as_of_text; /* as given, else RFC 3339 */
};

struct cdp_counts {
	uint64_t in, out, rejected, blank, eval_errors;
};

struct cdp_cli {
	const struct cdp_tool *tool;
	struct cdp_common opt;
	char **operands; /* NULL-ended */
	struct cdp_counts counts;
	/* Set by tools that answer in rows: nothing was found to count. */
	bool in_vain;
	struct cdp_cli_priv *priv;
};

/* Parses, and opens -o, so that a bad name fails before anything is read.  Ends the
 * process for --help, --version and errors. */
void cdp_cli_start(struct cdp_cli *cli, const struct cdp_tool *tool, int argc,
		   char **argv);

/* --- diagnostics: "cdp-tag: ..." on stderr, control bytes escaped, one write each --- */
void cdp_cli_warn(struct cdp_cli *cli, const char *fmt, ...) CDP_PRINTF(2, 3);
void cdp_cli_note(struct cdp_cli *cli, const char *fmt, ...)
	CDP_PRINTF(2, 3); /* not with -q */
void cdp_cli_verbose(struct cdp_cli *cli, const char *fmt, ...)
	CDP_PRINTF(2, 3); /* only with -v */
/* Report *err, remember its status. */
void cdp_cli_report(struct cdp_cli *cli, const struct cdp_err *err);
/* Report and finish without flushing more output: the value for return in main. */
int cdp_cli_fail(struct cdp_cli *cli, const struct cdp_err *err);
/* A usage error found after parsing: message, the Try line, exits 2. */
_Noreturn void cdp_cli_usage(struct cdp_cli *cli, const char *fmt, ...) CDP_PRINTF(2, 3);
void cdp_cli_set_status(struct cdp_cli *cli, int status); /* keeps the more severe one */
/* Extra members of the --stats line: `"merged":3`, in order of first mention. */
void cdp_cli_stat(struct cdp_cli *cli, const char *key, uint64_t value);

/* --- the record loop --- */

/* What one block yields, written in input order whatever the number of jobs. */
struct cdp_emit {
	struct cdp_buf out; /* whole lines; append with the calls below or directly */
	struct cdp_counts counts;
	void *user; /* the tool's own per-block data, see `commit`; at first NULL */
	struct cdp_emit_priv *priv;
};
void cdp_emit_rec(struct cdp_emit *e,
		  const struct cdp_rec *rec); /* as it came, with LF */
/* out was appended by hand up to a line end: count one record. */
void cdp_emit_line(struct cdp_emit *e);
/* Set the record aside: to --rejects with err's message and path; counted; status 3. */
void cdp_emit_reject(struct cdp_emit *e, const struct cdp_rec *rec,
		     const struct cdp_err *err);
/* The same where the line alone does not say how it was read. */
struct cdp_reject_form {
	const char *more; /* members of the reject object, `"row":{...}`, or NULL */
	bool bytes;       /* no text: always kept as raw_b64 */
};
void cdp_emit_reject_as(struct cdp_emit *e, const struct cdp_rec *rec,
			const struct cdp_err *err, const struct cdp_reject_form *form);
/* And of a line over the ceiling, whose bytes went to cdp_cli_keep_long(); `b` (to be
 * kept until the commit) tells of them as one of an input does. */
void cdp_emit_reject_long(struct cdp_emit *e, uint64_t line, const struct cdp_block *b,
			  const struct cdp_err *err, const struct cdp_reject_form *form);
/* Count an expression that ended in an error; the first of a run is shown with -v.  For
 * tools that go on with the record; else return the error from record(). */
void cdp_emit_eval_error(struct cdp_emit *e, const struct cdp_rec *rec,
			 const struct cdp_err *err);
/* The same for what is only known after the record's block was committed, which gave no
 * such error: the first of the run, at a line of an input, or with line 0 as `name` says.
 * The tool adds to cli->counts.eval_errors itself. */
void cdp_cli_eval_first(struct cdp_cli *cli, const char *name, uint64_t line,
			const struct cdp_err *err);
/* "events.ndjson", for the place of a record in a tool's own words. */
const char *cdp_emit_name(const struct cdp_emit *e);
/* For a commit hook: the lines of the block, blank ones included. */
uint64_t cdp_emit_lines(const struct cdp_emit *e);

enum { CDP_JOB_BATCH = 256 };

struct cdp_job {
	void *ctx; /* shared, read-only while workers run (but see commit) */
	/* What to look for; NULL: nothing, records are only validated. */
	const struct cdp_paths *paths;
	/* Per-thread state, made on the main thread; NULL: record() gets ctx itself. */
	void *(*worker)(void *ctx);
	/* One record.  0: done (what it emitted counts); -1 with *err: a data error
	 * rejects the record, an evaluation error is counted, any other ends the run;
	 * what it had appended to emit->out is taken back. */
	int (*record)(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
		      struct cdp_err *err);
	/* After at most CDP_JOB_BATCH records and before a block ends: record() may have
	 * put off what is better done for many at once; all records since the last call
	 * are still as they were.  NULL: none, and a record lasts as long as record(). */
	void (*settle)(void *worker, struct cdp_emit *emit);
	/* A line that is no valid record, with the reason in *err.  0: it was read by
	 * other means (what it emitted counts); -1: rejected, for what *err says now.
	 * NULL: always rejected. */
	int (*refused)(void *worker, struct cdp_rec *rec, struct cdp_emit *emit,
		       struct cdp_err *err);
	/* Raw lines that are not (yet) JSON: rec->raw, len, line only; blank lines
	 * skipped. */
	bool lines;
	/* Called in input order, never by two threads at once, before the block is
	 * written: the place for order-dependent state.  May edit emit->out and reject.
	 * NULL: none. */
	int (*commit)(void *ctx, struct cdp_emit *emit, struct cdp_err *err);
	/* With commit(): it needs nothing of a worker's but the emit, so a worker goes on
	 * before its block is committed, and may be so many blocks ahead of a slower one.
	 * 0: it waits. */
	unsigned ahead;
	/* After the output has been flushed because the input waits, under the same lock
	 * as commit: what it committed has left.  0, or -1 with *err, which ends the
	 * run.  NULL: none. */
	int (*flushed)(void *ctx, struct cdp_err *err);
	/* For how many milliseconds the input may be waited for until the output is
	 * flushed again, -1: for ever.  NULL: so. */
	int (*wait_ms)(void *ctx);
	/* Once for each worker state after the last record, on the main thread, also when
	 * the run failed: add it to ctx and free it.  NULL: free() is called. */
	int (*merge)(void *ctx, void *worker, struct cdp_err *err);
	/* The operands were read before, to learn from them: what was counted, reported
	 * and set aside then is passed over now. */
	bool again;
	/* More than the head of every event is read: --trusted spares nothing, and what
	 * is read is checked. */
	bool whole;
	bool serial; /* never more than one job (order-dependent record()) */
};

/* Runs over the operands.  0, or -1 when the run ended early (already reported; finish
 * gives the status). */
int cdp_cli_run(struct cdp_cli *cli, const struct cdp_job *job);
/* The same over other operands (a second input such as --profiles FILE). */
int cdp_cli_run_files(struct cdp_cli *cli, const struct cdp_job *job,
		      char *const *operands);
/* The same over one file of which every record must be good; what its records are to be
 * ("membership") is told if not.  0, -1 with a usage error, 1 when the run ended early
 * (already reported). */
int cdp_cli_run_whole(struct cdp_cli *cli, const struct cdp_job *job, const char *path,
		      const char *what, struct cdp_err *err);

/* How many threads a run has at most. */
unsigned cdp_cli_jobs(const struct cdp_cli *cli);

/* For loops of a tool's own (CSV, sockets): an input that flushes this tool's output
 * before it waits, and emits committed by hand, whose records carry line numbers of the
 * whole input. */
struct cdp_in *cdp_cli_in_new(struct cdp_cli *cli, char *const *operands);
struct cdp_emit *cdp_cli_emit_new(struct cdp_cli *cli, const char *input_name);
/* For loops without such an input, first of all: --rejects can be written.  -1: told. */
int cdp_cli_open_rejects(struct cdp_cli *cli);
/* Written and emptied.  -1: output failed or --strict met a bad record; stop, finish. */
int cdp_cli_emit_commit(struct cdp_emit *e);
void cdp_cli_emit_free(struct cdp_emit *e);
/* Bytes of a line over the ceiling, on to where rejects have theirs (nowhere without
 * --rejects); how many are there already. */
int cdp_cli_keep_long(struct cdp_cli *cli, const char *p, size_t n, struct cdp_err *err);
uint64_t cdp_cli_long_size(const struct cdp_cli *cli);
/* Everything committed so far reaches its reader now. */
int cdp_cli_flush(struct cdp_cli *cli);

/* -o or standard output; NULL once it was ended. */
struct cdp_out *cdp_cli_out(struct cdp_cli *cli);
/* Ends the output before cdp_cli_finish() does, for what may only be done once all of it
 * is with its reader, or in its place.  0, or -1 (told) if it is not; the same when it is
 * called again. */
int cdp_cli_close_out(struct cdp_cli *cli);
/* There is nothing new to be written: a file of -o that exists stays what it is. */
void cdp_cli_leave_out(struct cdp_cli *cli);
/* The status so far. */
int cdp_cli_status(const struct cdp_cli *cli);
/* The exit status; frees everything.  -o FILE is replaced unless the status is 2 or 4. */
int cdp_cli_finish(struct cdp_cli *cli);

#endif
