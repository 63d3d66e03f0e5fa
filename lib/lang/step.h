/* Where a step, touch or start event is expected: an argument made only of letters of any
 * script, digits and `_ $ . : -` is an event name, compared exactly; `LABEL:=EXPR` is a
 * labelled condition, `=EXPR` an unlabelled one (its label is the text of EXPR).  Spaces
 * around the label are dropped. */
#ifndef CDP_LANG_STEP_H
#define CDP_LANG_STEP_H

#include "lang/expr.h"
#include "record/json.h"

#include <string.h>

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
/* A step that is an event name: whether the event has it. */
static inline bool cdp_step_named(const struct cdp_step *s, const struct cdp_val *event)
{
	if (event->type != CDP_STRING || event->escaped)
		return cdp_val_is(event, s->event, s->event_n);
	return event->n == s->event_n && memcmp(event->p, s->event, s->event_n) == 0;
}
/* Any step: 1, 0, or -1 (evaluation error). */
int cdp_step_match(const struct cdp_step *s, struct cdp_eval *ev, struct cdp_rec *rec,
		   struct cdp_err *err);

#endif
