#include "model/quiet.h"

#include "base/decimal.h"
#include "base/mem.h"
#include "model/tag_value.h"

#include <stdlib.h>
#include <string.h>

struct cdp_quiet {
	unsigned *others, *shown;
	unsigned other_count, shown_count;
	struct cdp_value *values; /* by tag */
	/* Tags by aggregate: asking[from[a]] to asking[from[a + 1] - 1]. */
	unsigned *asking, *from;
	struct cdp_arena arena;
};

/* --- which tags are --- */

struct looking {
	const struct cdp_tagset *set;
	bool quiet;
	struct cdp_needs aggs; /* of the tag at hand */
};

static void look(void *ctx, enum cdp_use what, int number)
{
	struct looking *l = ctx;
	size_t events = 0;

	if (what != CDP_USE_AGG) {
		l->quiet = false;
		return;
	}
	cdp_agg_events(cdp_aggs_at(l->set->aggs, (unsigned)number), &events);
	l->quiet &= events > 0;
	cdp_needs_add(&l->aggs, (uint32_t)number);
}

static void look_at(struct looking *l, const struct cdp_tag *t)
{
	l->quiet = (t->value || t->layers) && !t->about.schedule; /* it may be kept */
	l->aggs.n = 0;
	if (t->value)
		cdp_expr_uses(t->value, look, l);
	for (size_t i = 0; i < t->layer_count; i++)
		cdp_expr_uses(t->layers[i].when, look, l);
	l->quiet &= l->aggs.n > 0;
}

/* --- what they are then --- */

struct nothing {
	const struct cdp_tagset *set;
	struct cdp_eval *ev;
	void *zeros;
};

static int fetch(void *host, unsigned agg, struct cdp_value *out, struct cdp_err *err)
{
	struct nothing *n = host;

	(void)err;
	cdp_agg_result(cdp_aggs_at(n->set->aggs, agg), n->zeros, n->ev, out);
	return 0;
}

/* False if it cannot be kept. */
static bool keep(struct cdp_quiet *q, struct cdp_value *to, const struct cdp_value *v)
{
	*to = *v;
	to->raw_n = 0;
	switch (v->type) {
	case CDP_V_NULL:
	case CDP_V_BOOL:
		return true;
	case CDP_V_INT:
	case CDP_V_DOUBLE:
		return v->raw_n == 0;
	case CDP_V_STRING:
		to->s.p = cdp_arena_strndup(&q->arena, v->s.p, v->s.n);
		return true;
	case CDP_V_DECIMAL: {
		struct cdp_decimal *d = cdp_arena_alloc(&q->arena, sizeof(*d));

		*d = *v->dec;
		to->dec = d;
		return true;
	}
	default:
		return false;
	}
}

/* --- all of it --- */

/* `pairs` are (aggregate, tag) in order of tags. */
static void index_by_agg(struct cdp_quiet *q, unsigned aggs, const unsigned (*pairs)[2],
			 size_t n)
{
	q->from = cdp_calloc((size_t)aggs + 2, sizeof(*q->from));
	q->asking = cdp_calloc(n, sizeof(*q->asking));
	for (size_t i = 0; i < n; i++)
		q->from[pairs[i][0] + 2]++;
	for (unsigned a = 2; a <= aggs; a++)
		q->from[a] += q->from[a - 1];
	for (size_t i = 0; i < n; i++)
		q->asking[q->from[pairs[i][0] + 1]++] = pairs[i][1];
}

static void *zeros_for(const struct cdp_aggs *aggs)
{
	size_t most = 1;

	for (unsigned a = 0; a < cdp_aggs_count(aggs); a++) {
		size_t size = cdp_agg_size(cdp_aggs_at(aggs, a));

		most = size > most ? size : most;
	}
	return cdp_calloc(most, 1);
}

static void find_quiet(struct cdp_quiet *q, const struct cdp_tagset *set,
		       struct cdp_eval *ev, const struct cdp_run *run, bool *is)
{
	struct looking l = { .set = set };
	unsigned(*pairs)[2] = NULL;
	size_t n = 0, cap = 0;
	struct cdp_value v;
	struct cdp_err ignored;

	for (unsigned i = 0; i < set->count; i++) {
		look_at(&l, &set->tags[i]);
		if (!l.quiet ||
		    cdp_tag_value(&set->tags[i], ev, run->zone, &v, &ignored) < 0 ||
		    !keep(q, &q->values[i], &v)) {
			q->values[i] = (struct cdp_value){ .type = CDP_V_NULL };
			continue;
		}
		is[i] = true;
		for (size_t k = 0; k < l.aggs.n; k++) {
			CDP_GROW(pairs, n, cap);
			pairs[n][0] = l.aggs.v[k];
			pairs[n++][1] = i;
		}
		cdp_eval_reset(ev);
	}
	index_by_agg(q, cdp_aggs_count(set->aggs), pairs, n);
	free(pairs);
	free(l.aggs.v);
}

struct cdp_quiet *cdp_quiet_new(const struct cdp_tagset *set, const struct cdp_run *run)
{
	struct cdp_quiet *q = cdp_calloc(1, sizeof(*q));
	bool *is = cdp_calloc(set->count, sizeof(*is));
	struct nothing n = { .set = set, .ev = cdp_eval_new(run) };

	n.zeros = zeros_for(set->aggs);
	cdp_eval_set_aggs(n.ev, fetch, &n);
	cdp_arena_init(&q->arena);
	q->values = cdp_calloc(set->count, sizeof(*q->values));
	q->others = cdp_calloc(set->count, sizeof(*q->others));
	q->shown = cdp_calloc(set->count, sizeof(*q->shown));
	find_quiet(q, set, n.ev, run, is);
	for (unsigned i = 0; i < set->count; i++) {
		if (!is[set->order[i]])
			q->others[q->other_count++] = set->order[i];
		if (!is[i] || q->values[i].type != CDP_V_NULL)
			q->shown[q->shown_count++] = i;
	}
	cdp_eval_free(n.ev);
	free(n.zeros);
	free(is);
	return q;
}

void cdp_quiet_free(struct cdp_quiet *q)
{
	if (!q)
		return;
	cdp_arena_release(&q->arena);
	free(q->others);
	free(q->shown);
	free(q->values);
	free(q->asking);
	free(q->from);
	free(q);
}

const unsigned *cdp_quiet_others(const struct cdp_quiet *q, unsigned *count)
{
	*count = q->other_count;
	return q->others;
}

const unsigned *cdp_quiet_shown(const struct cdp_quiet *q, unsigned *count)
{
	*count = q->shown_count;
	return q->shown;
}

const struct cdp_value *cdp_quiet_value(const struct cdp_quiet *q, unsigned tag)
{
	return &q->values[tag];
}

const unsigned *cdp_quiet_asking(const struct cdp_quiet *q, unsigned agg, unsigned *count)
{
	*count = q->from[agg + 1] - q->from[agg];
	return q->asking + q->from[agg];
}
