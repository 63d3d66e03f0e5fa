/* sequence([a, b, c], '7d'): were there a, then b, then c, the last within the window of
 * the first?  A state holds the time of every event that is some step, and which steps;
 * the order is put right when asked. */
#include "lang/aggseq.h"

#include "base/varint.h"
#include "lang/prog.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

/* ---- compiling ---- */

static struct cdp_ast *new_ast(struct cdp_compiler *c, enum cdp_ast_kind kind,
			       const struct cdp_ast *at, uint32_t kids)
{
	struct cdp_ast *a = cdp_arena_alloc(&c->expr->arena, sizeof(*a));

	*a = (struct cdp_ast){ .kind = (uint8_t)kind, .pos = at->pos, .count = kids };
	a->kid = cdp_arena_alloc(&c->expr->arena, (kids + 1) * sizeof(*a->kid));
	return a;
}

/* A step written as a string is the name of an event. */
static struct cdp_ast *step_condition(struct cdp_compiler *c, struct cdp_ast *step)
{
	struct cdp_ast *name, *eq;

	if (step->kind != CDP_A_LITERAL || step->value.type != CDP_V_STRING)
		return step;
	name = new_ast(c, CDP_A_NAME, step, 0);
	name->name = "event";
	name->name_n = 5;
	eq = new_ast(c, CDP_A_OP, step, 2);
	eq->op = CDP_OP_EQ;
	eq->kid[0] = name;
	eq->kid[1] = step;
	return eq;
}

struct cdp_ast *cdp_sequence_steps(struct cdp_compiler *c, const struct cdp_ast *call)
{
	const struct cdp_ast *list = call->count ? call->kid[0] : NULL;
	struct cdp_ast *any;

	if (!list || list->kind != CDP_A_LIST || list->count < 2 ||
	    list->count > CDP_SEQUENCE_MAX) {
		cdp_compile_fail(c, call->pos,
				 "sequence() takes a list of 2 to %d steps, a window "
				 "and an optional condition",
				 CDP_SEQUENCE_MAX);
		return NULL;
	}
	any = new_ast(c, CDP_A_OR, list, list->count);
	for (uint32_t i = 0; i < list->count; i++)
		any->kid[i] = step_condition(c, list->kid[i]);
	return any;
}

bool cdp_sequence_window(struct cdp_compiler *c, const struct cdp_ast *call,
			 int64_t *span_ms)
{
	const struct cdp_ast *w = call->count > 1 ? call->kid[1] : NULL;
	struct cdp_err err;
	int64_t ns;

	*span_ms = INT64_MAX;
	if (!w || w->kind != CDP_A_LITERAL || w->value.type != CDP_V_STRING)
		return false;
	if (cdp_duration_parse(&ns, w->value.s.p, w->value.s.n, &err) < 0)
		cdp_compile_fail(c, w->pos, "%s", err.msg);
	else if (ns <= 0)
		cdp_compile_fail(c, w->pos, "the window must be above zero");
	else
		*span_ms = ns / 1000000;
	return true;
}

/* ---- states ---- */

static void push(struct cdp_moments **list, int64_t time_ms, uint32_t steps)
{
	struct cdp_moments *l = *list;

	if (!l || l->n == l->cap) {
		uint32_t n = l ? l->n : 0, cap = l ? l->cap * 2 : 4;

		l = *list = cdp_realloc(l, 1, sizeof(*l) + cap * sizeof(*l->at));
		l->n = n;
		l->cap = cap;
	}
	l->at[l->n++] = (struct cdp_moment){ time_ms, steps };
}

int cdp_sequence_add(const struct cdp_agg *a, struct cdp_moments **list,
		     struct cdp_eval *ev, struct cdp_rec *rec, int64_t time_ms)
{
	uint32_t steps = 0;

	/* The condition held, so one of the steps does; the others may fail. */
	for (unsigned i = 0; i < a->step_count; i++)
		if (cdp_expr_match(a->steps[i], ev, rec, NULL) == 1)
			steps |= 1u << i;
	if (steps)
		push(list, time_ms, steps);
	return steps != 0;
}

void cdp_sequence_merge(struct cdp_moments **into, struct cdp_moments **from)
{
	for (uint32_t i = 0; *from && i < (*from)->n; i++)
		push(into, (*from)->at[i].time_ms, (*from)->at[i].steps);
}

/* Of events at one time the one of the earlier step comes first, so that steps may follow
 * each other within a tick. */
static int by_time(const void *x, const void *y)
{
	const struct cdp_moment *a = x, *b = y;
	unsigned la = (unsigned)__builtin_ctz(a->steps),
		 lb = (unsigned)__builtin_ctz(b->steps);

	if (a->time_ms != b->time_ms)
		return a->time_ms < b->time_ms ? -1 : 1;
	if (la != lb)
		return la < lb ? -1 : 1;
	return (a->steps > b->steps) - (a->steps < b->steps);
}

static struct cdp_moment *sorted(const struct cdp_moments *list)
{
	struct cdp_moment *m = cdp_memdup(list->at, list->n * sizeof(*m));

	qsort(m, list->n, sizeof(*m), by_time);
	return m;
}

bool cdp_sequence_result(const struct cdp_agg *a, const struct cdp_moments *list)
{
	/* start[k]: the latest first step from which k + 1 steps were made */
	int64_t start[CDP_SEQUENCE_MAX];
	unsigned last = a->step_count - 1;
	struct cdp_moment *m = list ? sorted(list) : NULL;
	bool found = false;

	for (unsigned k = 0; k <= last; k++)
		start[k] = INT64_MIN;
	for (uint32_t i = 0; list && i < list->n && !found; i++) {
		/* From the last step down, so that one event is one step. */
		for (unsigned k = last + 1; k-- > 0;) {
			int64_t from = k ? start[k - 1] : m[i].time_ms;

			if ((m[i].steps >> k & 1) && from > start[k])
				start[k] = from;
		}
		found = start[last] != INT64_MIN &&
			m[i].time_ms - start[last] <= a->span_ms;
	}
	free(m);
	return found;
}

/* ---- partials ---- */

void cdp_sequence_write(const struct cdp_moments *list, struct cdp_buf *b)
{
	struct cdp_moment *m = list ? sorted(list) : NULL;
	int64_t last = 0;

	for (uint32_t i = 0; list && i < list->n; i++) {
		cdp_varint_add(b, cdp_zigzag(m[i].time_ms - last));
		cdp_varint_add(b, m[i].steps);
		last = m[i].time_ms;
	}
	free(m);
}

bool cdp_sequence_read(const struct cdp_agg *a, struct cdp_moments **list, const char *p,
		       const char *end)
{
	uint64_t time_ms = 0, steps;
	int64_t step;

	while (p < end) {
		if (!cdp_varint_get_signed(&step, &p, end) ||
		    !cdp_varint_get(&steps, &p, end) || steps == 0 ||
		    steps >> a->step_count)
			return false;
		time_ms += (uint64_t)step;
		push(list, (int64_t)time_ms, (uint32_t)steps);
	}
	return true;
}
