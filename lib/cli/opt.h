/* Option tables: one table a tool feeds the parser, --help, completions, man page checks.
 */
#ifndef CDP_CLI_OPT_H
#define CDP_CLI_OPT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cdp_opt_type {
	CDP_OPT_END,
	CDP_OPT_FLAG,     /* bool: set true */
	CDP_OPT_STR,      /* const char *: last one counts */
	CDP_OPT_LIST,     /* struct cdp_strs: every occurrence, in order */
	CDP_OPT_INT,      /* int64_t, min..max of the row */
	CDP_OPT_SIZE,     /* uint64_t: 64K, 2M ... */
	CDP_OPT_DURATION, /* int64_t nanoseconds: 30m, 7d ... */
	CDP_OPT_CHOICE,   /* int: index into `choices` */
	CDP_OPT_TIME,     /* struct cdp_time, by cdp_opt_time */
};

struct cdp_strs {
	const char **v;
	size_t n, cap;
};

struct cdp_opt {
	char brief; /* 0: long only */
	const char *name;
	enum cdp_opt_type type;
	void *to;
	const char *arg;            /* "FILE"; NULL for flags */
	const char *help;           /* one line, lower case, no stop */
	const char *const *choices; /* NULL-ended, for CHOICE */
	int64_t min, max;           /* for INT; both 0: any */
};

/* Parse argv (getopt_long rules: permutation, `--`; abbreviations refused).  Operands are
 * moved to the end; returns the index of the first one, or -1 with a usage error. */
int cdp_opt_parse(const struct cdp_opt *const *tables, size_t ntables, int argc,
		  char **argv, struct cdp_err *err);
void cdp_strs_release(struct cdp_strs *s);

#endif
