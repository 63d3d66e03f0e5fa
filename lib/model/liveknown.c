#include "model/liveknown.h"

#include "model/customers_priv.h"
#include "model/known.h"
#include "model/rules.h"

#include <stdlib.h>
#include <string.h>

struct cdp_liveknown {
	const struct cdp_liverows *rows;
	struct cdp_eval *ev;
	struct cdp_liverow *row;
	const struct cdp_livewindows *windows;
	/* Whose facts are the row's: there is one customer. */
	struct cdp_customers *shell;
	struct cdp_known *known;
	void **states;  /* by aggregate, made when it is asked for first */
	uint64_t *made; /* by aggregate: the turn its state is of */
	uint32_t *used, used_count, used_cap;
	uint64_t turn;
};

static size_t first_part(const struct cdp_liverow *row, uint32_t agg)
{
	size_t lo = 0, hi = row->part_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (row->parts[mid].agg < agg)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void *make(struct cdp_liveknown *k, const struct cdp_agg *a, uint32_t agg)
{
	const struct cdp_liverow *row = k->row;
	const struct cdp_livewindows *w = k->windows;
	struct cdp_err ignored; /* they are bytes that cdp_agg_write() made */

	if (!k->states[agg])
		k->states[agg] = cdp_calloc(1, cdp_agg_size(a));
	k->made[agg] = k->turn;
	CDP_GROW(k->used, k->used_count, k->used_cap);
	k->used[k->used_count++] = agg;
	for (size_t i = row ? first_part(row, agg) : 0;
	     row && i < row->part_count && row->parts[i].agg == agg; i++) {
		const struct cdp_livepart *t = &row->parts[i];

		if (t->pane == INT64_MIN ||
		    (t->pane >= w->from[agg] && t->pane < w->to[agg]))
			cdp_agg_read(a, k->states[agg], t->p, t->n, &ignored);
	}
	return k->states[agg];
}

static int fetch_agg(void *host, unsigned agg, struct cdp_value *out, struct cdp_err *err)
{
	struct cdp_liveknown *k = host;
	const struct cdp_agg *a = cdp_aggs_at(k->rows->set->aggs, agg);

	(void)err;
	cdp_agg_result(a, k->made[agg] == k->turn ? k->states[agg] : make(k, a, agg),
		       k->ev, out);
	return 0;
}

struct cdp_liveknown *cdp_liveknown_new(struct cdp_liverows *rows, struct cdp_eval *ev)
{
	struct cdp_liveknown *k = cdp_calloc(1, sizeof(*k));
	size_t n = (size_t)cdp_aggs_count(rows->set->aggs) + 1;

	k->rows = rows;
	k->ev = ev;
	k->windows = &rows->now;
	k->shell = cdp_customers_new(rows->set, 1);
	k->known = cdp_known_new(rows->set, k->shell, ev);
	k->states = cdp_calloc(n, sizeof(*k->states));
	k->made = cdp_calloc(n, sizeof(*k->made));
	k->turn = 1;
	cdp_eval_set_aggs(ev, fetch_agg, k);
	cdp_known_turn(k->known, 0);
	return k;
}

static void release_states(struct cdp_liveknown *k)
{
	for (uint32_t i = 0; i < k->used_count; i++) {
		const struct cdp_agg *a = cdp_aggs_at(k->rows->set->aggs, k->used[i]);

		cdp_agg_release(a, k->states[k->used[i]]);
		memset(k->states[k->used[i]], 0, cdp_agg_size(a));
	}
	k->used_count = 0;
}

void cdp_liveknown_free(struct cdp_liveknown *k)
{
	if (!k)
		return;
	release_states(k);
	for (unsigned i = 0; i < cdp_aggs_count(k->rows->set->aggs); i++)
		free(k->states[i]);
	cdp_known_free(k->known);
	cdp_customers_free(k->shell);
	free(k->states);
	free(k->made);
	free(k->used);
	free(k);
}

/* The row has them in the log's order. */
static void put_facts(struct cdp_facts *log, const struct cdp_liverow *row,
		      enum cdp_livefact kind)
{
	size_t n = row ? row->fact_count[kind] : 0;

	if (log->n == 0 && n == 0)
		return;
	log->n = 0;
	cdp_arena_reset(log->arenas[0]);
	free(log->first);
	log->first = NULL;
	log->customers = 0;
	for (size_t i = 0; i < n; i++)
		cdp_facts_add(log, &row->facts[kind][i]);
	cdp_facts_sort(log);
}

int cdp_liveknown_turn(struct cdp_liveknown *k, struct cdp_liverow *row,
		       const struct cdp_livewindows *w, struct cdp_err *err)
{
	struct cdp_customers *c = k->shell;

	if (row && cdp_liverow_see_facts(row, k->rows, err) < 0)
		return -1;
	release_states(k);
	k->turn++;
	k->row = row;
	k->windows = w;
	put_facts(&c->forgets, row, CDP_LIVE_FORGET);
	put_facts(&c->attributes, row, CDP_LIVE_ATTRIBUTE);
	put_facts(&c->details, row, CDP_LIVE_DETAIL);
	put_facts(&c->relations, row, CDP_LIVE_RELATION);
	cdp_known_turn(k->known, 0);
	return 0;
}

void cdp_liveknown_again(struct cdp_liveknown *k)
{
	cdp_known_turn(k->known, 0);
}

void cdp_liveknown_name(struct cdp_liveknown *k, const char *key, size_t n)
{
	cdp_known_name(k->known, key, n);
}

int cdp_liveknown_fetch(struct cdp_liveknown *k, int ref, struct cdp_value *out,
			struct cdp_err *err)
{
	return cdp_known_fetch(k->known, ref, out, err);
}

struct each {
	cdp_liverow_touched *call;
	void *ctx;
};

static void call_fact(void *ctx, int ref)
{
	const struct each *e = ctx;

	e->call(e->ctx, (uint32_t)ref);
}

void cdp_liveknown_each(const struct cdp_liveknown *k, cdp_liverow_touched *call,
			void *ctx)
{
	const struct cdp_liverow *row = k->row;
	struct each e = { call, ctx };

	for (size_t i = 0; row && i < row->part_count; i++)
		if (i == 0 || row->parts[i].agg != row->parts[i - 1].agg)
			call(ctx, (uint32_t)CDP_RULE_ASK_AGG << 24 | row->parts[i].agg);
	cdp_customers_each_fact(k->shell, 0, call_fact, &e);
}
