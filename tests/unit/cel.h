/* Tables of expressions and what they give, for the tests of the rule language. */
#ifndef CDP_TESTS_CEL_H
#define CDP_TESTS_CEL_H

#include "lang/expr.h"

struct cel_case {
	const char *expr;
	/* Typed JSON of the value; "error: TEXT" for an evaluation error whose message
	 * begins so; "usage: TEXT" for one when compiled. */
	const char *want;
};

/* The answer in the form of `want`, in a static buffer. */
const char *cel_answer(const char *expr, size_t n, const struct cdp_env *env,
		       const char *record);
/* Each case without a record and without checks, as --eval does. */
void cel_plain(const struct cel_case *cases, size_t count);
/* Each case against one record.  members NULL: any. */
void cel_record(const struct cel_case *cases, size_t count, const char *record,
		const char *const *members);
/* The run of these tests: 2024-05-01T00:00:00+08:00 in Asia/Shanghai. */
const struct cdp_run *cel_run(void);

#define CEL_PLAIN(cases) cel_plain(cases, sizeof(cases) / sizeof(*(cases)))
#define CEL_RECORD(cases, record, members)                                               \
	cel_record(cases, sizeof(cases) / sizeof(*(cases)), record, members)

#endif
