/* Where a step, touch or start event is expected: an argument made only of letters of any
 * script, digits and `_ $ . : -` is an event name, compared exactly; `LABEL:=EXPR` is a
 * labelled condition, `=EXPR` an unlabelled one (its label is the text of EXPR).  Spaces
 * around the label are dropped. */
#ifndef CDP_LANG_STEP_H
#define CDP_LANG_STEP_H

#include "lang/expr.h"

struct cdp_step {
	char *label;
	char *event; /* exact event name, or NULL */
	size_t event_n;
	struct cdp_expr *expr; /* condition, or NULL */
};

/* 0, or -1 with a usage error; places in it count from the start of EXPR. */
int cdp_step_parse(struct cdp_step *s, const char *text, const struct cdp_env *env,
		   struct cdp_err *err);
void cdp_step_release(struct cdp_step *s);
/* 1, 0, or -1 (evaluation error). */
int cdp_step_match(const struct cdp_step *s, struct cdp_eval *ev, struct cdp_rec *rec,
		   struct cdp_err *err);

#endif
