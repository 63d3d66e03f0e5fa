/* Option tables: one table of a tool feeds the parser, --help, completions and the checks
 * of its manual page. */
#ifndef CDP_CLI_OPT_H
#define CDP_CLI_OPT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cdp_opt_type {
	CDP_OPT_END,
	CDP_OPT_FLAG,     /* bool: set true */
	CDP_OPT_STOP,     /* bool: set true, and nothing after it is looked at (--help) */
	CDP_OPT_STR,      /* const char *: last one counts */
	CDP_OPT_LIST,     /* struct cdp_strs: every occurrence, in order */
	CDP_OPT_INT,      /* int64_t, min..max of the row */
	CDP_OPT_SIZE,     /* uint64_t: 64K, 2M ... */
	CDP_OPT_DURATION, /* int64_t nanoseconds: 30m, 7d ... */
	CDP_OPT_CHOICE,   /* int: index into `choices` */
	CDP_OPT_TIME, /* struct cdp_opt_time: RFC 3339, or a date: its start in --tz */
};

struct cdp_strs {
	const char **v;
	size_t n, cap;
};

/* An instant given as an option.  text is NULL if it was not given; t is known once the
 * zone is (before cdp_cli_start returns). */
struct cdp_opt_time {
	const char *text;
	struct cdp_time t;
};

struct cdp_opt {
	char brief;       /* 0: long only */
	const char *name; /* without dashes; NULL ends nothing: the type does */
	enum cdp_opt_type type;
	void *to;
	const char *arg;            /* "FILE"; NULL for flags */
	const char *help;           /* one line, lower case, no stop */
	const char *const *choices; /* NULL-ended, for CHOICE */
	int64_t min, max;           /* for INT; both 0: any */
	bool hidden;                /* parsed, but neither in --help nor in a dump */
};

/* Parse argv by the rules of getopt_long (permutation, clusters, `--`, `--name=value`),
 * but abbreviations are refused.  Operands are moved to the end; returns the index of the
 * first one, or -1 with a usage error. */
int cdp_opt_parse(const struct cdp_opt *const *tables, size_t ntables, int argc,
		  char **argv, struct cdp_err *err);
/* The second half of parsing CDP_OPT_TIME rows, once the zone is known. */
int cdp_opt_times(const struct cdp_opt *table, const struct cdp_zone *zone,
		  struct cdp_err *err);
/* "2024-04-25T00:00:00Z" (any RFC 3339 offset) or "2024-04-25", the start of that civil
 * day in `zone`; a usage error says what was expected. */
int cdp_opt_time(struct cdp_time *t, const char *text, const struct cdp_zone *zone,
		 struct cdp_err *err);
void cdp_strs_release(struct cdp_strs *s);

/* The rows of a table, sorted by name, laid out in 80 columns. */
void cdp_opt_help(struct cdp_buf *b, const struct cdp_opt *table);
/* Text wrapped at word ends into 80 columns; following lines are indented. */
void cdp_opt_wrap(struct cdp_buf *b, const char *text, size_t column, size_t indent);
/* The rows of a table, sorted by name, one a line: short, long, argument, text, with tabs
 * between. */
void cdp_opt_dump(struct cdp_buf *b, const struct cdp_opt *table);

#endif
