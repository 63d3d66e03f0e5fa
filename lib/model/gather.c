/* Gathering what is known of customers: the half of customers.c that threads work on. */
#include "base/mem.h"
#include "model/customers_priv.h"
#include "model/pane.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

enum { TOGETHER = 64 }; /* events whose memory is fetched at once */

/* An event that was put off. */
struct event {
	struct cdp_rec *rec;
	const char *key;
	size_t n;
	uint64_t hash;
	int64_t ms;
	const struct cdp_aggroute *route;
};

struct cdp_gather {
	struct cdp_customers *customers;
	struct cdp_eval *ev;
	struct event events[CDP_GATHER_MAX];
	unsigned count;
	unsigned first; /* shard to settle first: not always the same */
	struct cdp_facts attributes, forgets, details, relations, ids;
	struct cdp_intern *kinds; /* of ids */
	struct cdp_buf name, key;
	struct cdp_pane pane;   /* the last event's */
	struct cdp_arena paned; /* keys with their panes, of events that are put off */
};

struct cdp_gather *cdp_gather_new(struct cdp_customers *c, const struct cdp_run *run)
{
	struct cdp_gather *g = cdp_calloc(1, sizeof(*g));

	g->customers = c;
	g->ev = cdp_eval_new(run);
	cdp_eval_set_entities(g->ev, cdp_entities_fetch, c->set->entities);
	g->kinds = cdp_intern_new(0);
	cdp_facts_init(&g->attributes);
	cdp_facts_init(&g->forgets);
	cdp_facts_init(&g->details);
	cdp_facts_init(&g->relations);
	cdp_facts_init(&g->ids);
	cdp_buf_init(&g->name, CDP_BUF_NOMAX);
	cdp_buf_init(&g->key, CDP_BUF_NOMAX);
	cdp_arena_init(&g->paned);
	return g;
}

void cdp_gather_end(struct cdp_gather *g)
{
	struct cdp_customers *c = g->customers;

	for (size_t i = 0; i < g->ids.n; i++) {
		size_t n;
		const char *kind = cdp_intern_key(g->kinds, g->ids.v[i].subject, &n);

		g->ids.v[i].subject = cdp_intern_put(c->kinds, kind, n, NULL);
	}
	cdp_facts_take(&c->attributes, &g->attributes);
	cdp_facts_take(&c->forgets, &g->forgets);
	cdp_facts_take(&c->details, &g->details);
	cdp_facts_take(&c->relations, &g->relations);
	cdp_facts_take(&c->ids, &g->ids);
	cdp_intern_free(g->kinds);
	cdp_buf_release(&g->name);
	cdp_buf_release(&g->key);
	cdp_arena_release(&g->paned);
	cdp_eval_free(g->ev);
	free(g);
}

static void copy_facts(struct cdp_facts *to, struct cdp_facts *from)
{
	for (size_t i = 0; i < from->n; i++)
		cdp_facts_add(to, &from->v[i]);
	from->n = 0;
	cdp_arena_reset(from->arenas[0]);
}

void cdp_gather_share(struct cdp_gather *g)
{
	copy_facts(&g->customers->attributes, &g->attributes);
	copy_facts(&g->customers->forgets, &g->forgets);
	copy_facts(&g->customers->details, &g->details);
}

/* The table's slots are found by the hash's high bits. */
static unsigned shard_of(const struct cdp_gather *g, uint64_t hash)
{
	return (unsigned)hash & (g->customers->shard_count - 1);
}

static const char *with_pane(struct cdp_gather *g, const char *key, size_t *n,
			     int64_t pane)
{
	char *p = cdp_arena_alloc(&g->paned, *n + CDP_PANE_BYTES);

	if (*n)
		memcpy(p, key, *n);
	memcpy(p + *n, &pane, CDP_PANE_BYTES);
	*n += CDP_PANE_BYTES;
	return p;
}

uint32_t cdp_gather_customer(struct cdp_gather *g, const char *key, size_t n)
{
	const char *k = g->customers->panes ? with_pane(g, key, &n, CDP_PANE_NONE) : key;
	uint64_t hash = cdp_hash(k, n);
	unsigned at = shard_of(g, hash);
	struct cdp_shard *s = &g->customers->shards[at];
	uint32_t local;

	pthread_mutex_lock(&s->lock);
	local = cdp_intern_put_hashed(s->keys, k, n, hash, NULL);
	pthread_mutex_unlock(&s->lock);
	return cdp_customer_number(g->customers, at, local);
}

/* --- events --- */

void cdp_gather_event(struct cdp_gather *g, const char *key, size_t n,
		      struct cdp_rec *rec, const struct cdp_val *event, int64_t ms)
{
	const struct cdp_panes *panes = g->customers->panes;
	struct event *e = &g->events[g->count++];

	if (panes)
		key = with_pane(g, key, &n, cdp_pane_of(panes, &g->pane, ms));
	*e = (struct event){
		.rec = rec,
		.key = key,
		.n = n,
		.hash = cdp_hash(key, n),
		.ms = ms,
		.route = cdp_aggplan_route(g->customers->plan, event),
	};
	/* In their order, and while no lock is held. */
	if (!rec->complete && cdp_aggplan_reads_on(g->customers->plan, e->route))
		cdp_rec_complete(rec);
}

/* Each step fetches what the one before has made known.  *guess: who it will be. */
static void fetch(const struct cdp_shard *s, const struct event *const *e, unsigned n,
		  uint32_t *guess)
{
	for (unsigned i = 0; i < n; i++)
		cdp_intern_prefetch(s->keys, e[i]->hash);
	for (unsigned i = 0; i < n; i++) {
		guess[i] = cdp_intern_guess(s->keys, e[i]->hash);
		if (guess[i] == CDP_INTERN_NONE)
			continue;
		cdp_intern_prefetch_where_id(s->keys, guess[i]);
		cdp_aggstore_prefetch(s->aggs, guess[i]);
	}
	for (unsigned i = 0; i < n; i++) {
		if (e[i]->n > CDP_INTERN_NEAR)
			cdp_intern_prefetch_key(s->keys, e[i]->hash);
		if (guess[i] != CDP_INTERN_NONE && e[i]->route)
			cdp_aggstore_prefetch_states(s->aggs, guess[i], e[i]->route);
	}
}

static void add(struct cdp_gather *g, struct cdp_shard *s, const struct event *e,
		uint32_t guess, uint64_t *eval_errors)
{
	uint32_t local = cdp_intern_put_guessed(s->keys, e->key, e->n, e->hash, guess);

	cdp_aggstore_add(s->aggs, local, e->route, g->ev, e->rec, e->ms, eval_errors);
	cdp_eval_reset(g->ev);
}

/* Of a shard whose lock is held, and then let go. */
static void settle_shard(struct cdp_gather *g, struct cdp_shard *s,
			 const struct event *const *e, unsigned n, uint64_t *eval_errors)
{
	for (unsigned from = 0; from < n; from += TOGETHER) {
		unsigned to = n - from < TOGETHER ? n : from + TOGETHER;
		uint32_t guess[TOGETHER];

		fetch(s, e + from, to - from, guess);
		for (unsigned i = from; i < to; i++)
			add(g, s, e[i], guess[i - from], eval_errors);
	}
	pthread_mutex_unlock(&s->lock);
}

void cdp_gather_settle(struct cdp_gather *g, uint64_t *eval_errors)
{
	const struct event *by_shard[CDP_GATHER_MAX];
	unsigned shards = g->customers->shard_count, first = g->first++;
	unsigned end[257] = { 0 }; /* of the shards before */
	bool done[256] = { 0 };

	for (unsigned i = 0; i < g->count; i++)
		end[shard_of(g, g->events[i].hash) + 1]++;
	for (unsigned s = 1; s <= shards; s++)
		end[s] += end[s - 1];
	for (unsigned i = 0; i < g->count; i++)
		by_shard[end[shard_of(g, g->events[i].hash)]++] = &g->events[i];
	for (unsigned turn = 0; turn < 2 * shards; turn++) {
		unsigned k = (first + turn) % shards, from = k ? end[k - 1] : 0;
		struct cdp_shard *s = &g->customers->shards[k];

		/* Those that another thread has are left for the second round. */
		if (done[k] || end[k] == from)
			continue;
		if (turn < shards && pthread_mutex_trylock(&s->lock) != 0)
			continue;
		if (turn >= shards)
			pthread_mutex_lock(&s->lock);
		settle_shard(g, s, by_shard + from, end[k] - from, eval_errors);
		done[k] = true;
	}
	g->count = 0;
	cdp_arena_reset(&g->paned);
}

/* --- all else --- */

void cdp_gather_attribute(struct cdp_gather *g, uint32_t customer, enum cdp_change what,
			  const struct cdp_val *name, const struct cdp_val *value,
			  int64_t ms)
{
	size_t n;
	const char *p = cdp_val_str(name, &g->name, &n);
	struct cdp_fact f = {
		.customer = customer, .ms = ms, .what = (uint8_t)what, .key = ""
	};

	f.subject = cdp_intern_get(g->customers->set->attributes, p, n);
	if (f.subject == CDP_INTERN_NONE)
		return;
	cdp_buf_reset(&g->key);
	if (value)
		cdp_json_val(&g->key, value);
	f.text = g->key.p;
	f.text_len = (uint32_t)g->key.n;
	cdp_facts_add(&g->attributes, &f);
}

void cdp_gather_forget(struct cdp_gather *g, uint32_t customer, int64_t ms)
{
	struct cdp_fact f = { .customer = customer, .ms = ms, .key = "", .text = "" };

	cdp_facts_add(&g->forgets, &f);
}

void cdp_gather_detail(struct cdp_gather *g, uint32_t customer,
		       const struct cdp_val *table, const struct cdp_val *row,
		       const struct cdp_val *props, int64_t ms)
{
	struct cdp_fact f = { .customer = customer, .ms = ms, .text = "" };
	size_t n;
	const char *p = cdp_val_str(table, &g->name, &n);

	f.subject = cdp_intern_get(g->customers->set->details, p, n);
	if (f.subject == CDP_INTERN_NONE)
		return;
	f.key = cdp_val_str(row, &g->key, &n);
	f.key_len = (uint32_t)n;
	if (props->type == CDP_OBJECT) {
		f.what = 1;
		f.text = props->p;
		f.text_len = props->n;
	}
	cdp_facts_add(&g->details, &f);
}

void cdp_gather_relation(struct cdp_gather *g, uint32_t customer, uint32_t relation,
			 const char *id, size_t n, const char *props, size_t props_n,
			 int64_t ms)
{
	struct cdp_fact f = { .customer = customer,
			      .subject = relation,
			      .ms = ms,
			      .key = id,
			      .key_len = (uint32_t)n,
			      .what = props != NULL,
			      .text = props ? props : "",
			      .text_len = (uint32_t)props_n };

	cdp_facts_add(&g->relations, &f);
}

void cdp_gather_id(struct cdp_gather *g, uint32_t customer, const struct cdp_val *kind,
		   const struct cdp_val *value)
{
	struct cdp_fact f = { .customer = customer, .text = "" };
	size_t n;
	const char *p = cdp_val_str(kind, &g->name, &n);

	f.subject = cdp_intern_put(g->kinds, p, n, NULL);
	f.key = cdp_val_str(value, &g->key, &n);
	f.key_len = (uint32_t)n;
	cdp_facts_add(&g->ids, &f);
}
