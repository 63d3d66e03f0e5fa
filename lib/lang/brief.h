/* Conditions that need no evaluator: comparisons of members of the record with constants,
 * all of which must hold.  For lib/lang alone. */
#ifndef CDP_LANG_BRIEF_H
#define CDP_LANG_BRIEF_H

#include "lang/expr.h"

struct cdp_node;

/* "-65000.00" as an integer and the power of ten below it, both exact as doubles: at most
 * 15 digits.  False for other forms. */
bool cdp_brief_number(const struct cdp_val *v, double *digits, double *scale);
/* Such a number against one below 1e15: -1, 0, 1. */
int cdp_brief_cmp(double digits, double scale, double number);
/* Whether it is this text; what is missing is not. */
bool cdp_brief_is(const struct cdp_val *v, const char *p, size_t n);

enum { CDP_BRIEF_MAX = 4 };

struct cdp_brief {
	unsigned count; /* 0: ask the evaluator */
	const struct cdp_node *part[CDP_BRIEF_MAX];
};

/* Of events that have one of the names of the expression, where it has any; parts stay
 * the expression's. */
struct cdp_brief cdp_brief_of(const struct cdp_expr *e);
/* 1, 0, -1 (an error: nobody asks which), or 2: ask the evaluator. */
int cdp_brief_test(const struct cdp_brief *b, struct cdp_rec *rec);

#endif
