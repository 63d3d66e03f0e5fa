/* The aggregate sequence(), for lib/lang alone. */
#ifndef CDP_LANG_AGGSEQ_H
#define CDP_LANG_AGGSEQ_H

#include "lang/agg.h"
#include "lang/ast.h"

struct cdp_compiler;

enum { CDP_SEQUENCE_MAX = 16 };

/* Events that are steps. */
struct cdp_moment {
	int64_t time_ms;
	uint32_t steps; /* bit i: step i */
};
struct cdp_moments {
	uint32_t n, cap;
	struct cdp_moment at[];
};

/* The steps of a call as the kids of an ||; NULL with the error. */
struct cdp_ast *cdp_sequence_steps(struct cdp_compiler *c, const struct cdp_ast *call);
/* Whether the second argument is a window; *span_ms INT64_MAX if there is none or it is
 * wrong (then *c->err is set). */
bool cdp_sequence_window(struct cdp_compiler *c, const struct cdp_ast *call,
			 int64_t *span_ms);

int cdp_sequence_add(const struct cdp_agg *a, struct cdp_moments **list,
		     struct cdp_eval *ev, struct cdp_rec *rec, int64_t time_ms);
void cdp_sequence_merge(struct cdp_moments **into, struct cdp_moments **from);
bool cdp_sequence_result(const struct cdp_agg *a, const struct cdp_moments *list);
void cdp_sequence_write(const struct cdp_moments *list, struct cdp_buf *b);
/* Moments written before are added; false if they are none of this sequence. */
bool cdp_sequence_read(const struct cdp_agg *a, struct cdp_moments **list, const char *p,
		       const char *end);

#endif
