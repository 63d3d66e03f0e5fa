/* What the files of lib/cli share; nobody else includes this. */
#ifndef CDP_CLI_PRIV_H
#define CDP_CLI_PRIV_H

#include <stdarg.h>
#include <stdatomic.h>
#include <time.h>

#include "cli/cli.h"
#include "lang/calendar.h"

enum { DATA_MESSAGES = 10, COMMON_ROWS = 24 };

struct cli_stat {
	const char *key;
	uint64_t value;
};

struct progress {
	bool on;
	atomic_bool drawn;
	struct timespec start, last;
};

struct cdp_cli_priv {
	struct cdp_opt basic[COMMON_ROWS]; /* the common options this tool takes */
	bool help, version, dump;
	struct cdp_opt_time as_of;
	char as_of_text[32];
	const char *max_rejects;
	uint64_t max_rejected;
	int64_t max_percent; /* -1: max_rejected is a number of records */
	struct cdp_zone *zone;
	struct cdp_calendar *calendar;
	struct cdp_out *out, *rejects, *longs;
	int rejects_fd, longs_fd;
	char *longs_name;
	uint64_t longs_size;
	bool out_failed, pipe; /* already reported; the reader went away */
	bool whole;            /* the output was ended, and all of it is there */
	int status;
	unsigned messages; /* data messages shown */
	char *eval_first;  /* place and text of the first evaluation error */
	struct cli_stat *stats;
	size_t nstats, stats_cap;
	struct progress progress;
};

/* A line set aside or skipped, kept until its place in the input is known. */
struct mishap {
	uint64_t line;                    /* in the block */
	size_t reason, path;              /* NUL-ended texts, offsets into emit text */
	size_t raw, raw_n;                /* bytes of the line, offset into emit text */
	size_t more;                      /* members of the reject object, likewise */
	bool bytes;                       /* raw is no text */
	const struct cdp_block *overlong; /* instead of raw */
};

struct cdp_emit_priv {
	struct cdp_cli *cli;
	const char *name;
	struct mishap *rejects;
	size_t nrejects, cap;
	struct cdp_buf text;
	uint64_t lines;     /* of the block, for the next one's base */
	uint64_t eval_line; /* of the first evaluation error, 0: none */
	struct cdp_err eval_err, fatal;
	bool failed; /* fatal is set: the run ends here */
};

/* diag.c */
void cli_message(const struct cdp_cli *cli, const char *prefix, const char *fmt,
		 va_list ap) CDP_PRINTF(3, 0);
void cli_say(const struct cdp_cli *cli, const char *fmt, ...) CDP_PRINTF(2, 3);
int cli_write_all(int fd, const char *p, size_t n);
/* From now on a SIGBUS is a message and status 4; `name` of the tool is borrowed. */
void cli_tell_sigbus(const char *name);
/* One message about a record, unless there were ten; counts it. */
void cli_data_message(struct cdp_cli *cli, const char *name, uint64_t line,
		      const char *path, const char *reason);
_Noreturn void cli_die_by_sigpipe(void);

/* common.c */
void cli_common_table(struct cdp_cli *cli);
int cli_common_check(struct cdp_cli *cli, struct cdp_err *err);
_Noreturn void cli_print_help(struct cdp_cli *cli);
_Noreturn void cli_print_version(struct cdp_cli *cli);
_Noreturn void cli_print_dump(struct cdp_cli *cli);

/* emit.c */
void cli_emit_init(struct cdp_emit *e, struct cdp_cli *cli, const char *name);
void cli_emit_reset(struct cdp_emit *e);
void cli_emit_release(struct cdp_emit *e);
void cli_emit_overlong(struct cdp_emit *e, const struct cdp_block *b);
/* Write what the block yielded.  `base`: lines of its input before it.  -1: stop. */
int cli_emit_commit(struct cdp_emit *e, uint64_t base);
/* Report a failed output once. */
void cli_out_failed(struct cdp_cli *cli, const struct cdp_err *err);

/* aside.c */
int cli_rejects_check(const struct cdp_cli *cli, struct cdp_err *err);
int cli_rejects_open(struct cdp_cli *cli, struct cdp_err *err);
void cli_reject_line(struct cdp_buf *b, const struct cdp_emit *e, const struct mishap *m,
		     uint64_t base);
/* A reject line of bytes that are no line of an input. */
void cli_reject_put(struct cdp_buf *b, const struct cdp_cli *cli,
		    const struct cdp_err *why, const char *at, const char *raw, size_t n);

/* progress.c: called with the state of the input now and then; draws on a terminal. */
void cli_progress(struct cdp_cli *cli, const struct cdp_in *in);
void cli_progress_clear(struct cdp_cli *cli);

#endif
