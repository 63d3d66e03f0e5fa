/* Regular expressions: PCRE2 behind limits, so that no pattern and no text can hang or
 * exhaust memory.  A match is anywhere in the text; `$` is its very end, `.` any
 * character but a line feed, both texts are UTF-8. */
#ifndef CDP_LANG_REGEX_H
#define CDP_LANG_REGEX_H

#include "base/err.h"

#include <stddef.h>

struct cdp_regex;      /* compiled: shared by threads */
struct cdp_regex_work; /* match state: one a thread */

/* NULL with a usage error that says what is wrong and where. */
struct cdp_regex *cdp_regex_new(const char *pattern, size_t n, struct cdp_err *err);
void cdp_regex_free(struct cdp_regex *re);

struct cdp_regex_work *cdp_regex_work_new(void);
void cdp_regex_work_free(struct cdp_regex_work *w);

/* 1, 0, or -1 with an evaluation error (a limit was passed). */
int cdp_regex_match(const struct cdp_regex *re, struct cdp_regex_work *w, const char *p,
		    size_t n, struct cdp_err *err);

#endif
