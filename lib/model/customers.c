#include "model/customers.h"

#include "base/decimal.h"
#include "base/mem.h"
#include "model/customers_priv.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

/* Threads that settle at the same time seldom want the same of four times as many shards;
 * one alone does best with tables as large as can be, which get huge pages. */
static unsigned shards_for(unsigned threads)
{
	unsigned n = 1;

	while (threads > 1 && n < 4 * threads && n < 256)
		n *= 2;
	return n;
}

struct cdp_customers *cdp_customers_new(const struct cdp_tagset *set, unsigned threads)
{
	struct cdp_customers *c = cdp_calloc(1, sizeof(*c));
	unsigned n = shards_for(threads);

	c->set = set;
	c->plan = cdp_aggplan_new(set->aggs);
	c->kinds = cdp_intern_new(0);
	c->shard_count = n;
	c->threads = threads;
	c->shards = aligned_alloc(_Alignof(struct cdp_shard), n * sizeof(*c->shards));
	if (!c->shards)
		cdp_mem_exhausted();
	for (unsigned i = 0; i < n; i++) {
		pthread_mutex_init(&c->shards[i].lock, NULL);
		c->shards[i].keys = cdp_intern_new(0);
		c->shards[i].aggs = cdp_aggstore_new(c->plan);
	}
	cdp_facts_init(&c->attributes);
	cdp_facts_init(&c->forgets);
	cdp_facts_init(&c->details);
	cdp_facts_init(&c->relations);
	cdp_facts_init(&c->ids);
	return c;
}

void cdp_customers_free(struct cdp_customers *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->shard_count; i++) {
		pthread_mutex_destroy(&c->shards[i].lock);
		cdp_intern_free(c->shards[i].keys);
		cdp_aggstore_free(c->shards[i].aggs);
	}
	free(c->shards);
	cdp_aggplan_free(c->plan);
	cdp_intern_free(c->kinds);
	cdp_facts_release(&c->attributes);
	cdp_facts_release(&c->forgets);
	cdp_facts_release(&c->details);
	cdp_facts_release(&c->relations);
	cdp_facts_release(&c->ids);
	free(c->order);
	free(c);
}

void cdp_customers_by_pane(struct cdp_customers *c, const struct cdp_panes *panes)
{
	c->panes = panes;
}

bool cdp_customers_read_all(const struct cdp_customers *c)
{
	return cdp_aggplan_reads_on(c->plan, NULL);
}

/* Kinds are numbered as they came; by name they are the same for any order. */
static void renumber_kinds(struct cdp_customers *c)
{
	uint32_t n = cdp_intern_count(c->kinds);
	uint32_t *order = cdp_intern_order(c->kinds),
		 *rank = cdp_alloc(n * sizeof(*rank));
	struct cdp_intern *sorted = cdp_intern_new(n);

	for (uint32_t i = 0; i < n; i++) {
		size_t len;
		const char *kind = cdp_intern_key(c->kinds, order[i], &len);

		rank[order[i]] = i;
		cdp_intern_put(sorted, kind, len, NULL);
	}
	for (size_t i = 0; i < c->ids.n; i++)
		c->ids.v[i].subject = rank[c->ids.v[i].subject];
	cdp_intern_free(c->kinds);
	c->kinds = sorted;
	free(order);
	free(rank);
}

void cdp_customers_finish(struct cdp_customers *c)
{
	const struct cdp_intern **keys = cdp_alloc(c->shard_count * sizeof(*keys));

	for (unsigned i = 0; i < c->shard_count; i++) {
		cdp_intern_seal(c->shards[i].keys);
		keys[i] = c->shards[i].keys;
		c->count += cdp_intern_count(keys[i]);
	}
	renumber_kinds(c);
	cdp_facts_sort(&c->attributes);
	cdp_facts_sort(&c->forgets);
	cdp_facts_sort(&c->details);
	cdp_facts_sort(&c->relations);
	cdp_facts_sort(&c->ids);
	c->order = cdp_intern_order_jobs(keys, c->shard_count, c->threads);
	free(keys);
}

uint32_t cdp_customers_count(const struct cdp_customers *c)
{
	return c->count;
}

static const struct cdp_shard *shard_of(const struct cdp_customers *c, uint32_t customer)
{
	return &c->shards[customer & (c->shard_count - 1)];
}

static uint32_t local_of(const struct cdp_customers *c, uint32_t customer)
{
	return customer / c->shard_count;
}

uint32_t cdp_customers_at(const struct cdp_customers *c, uint32_t i)
{
	enum { NEAR = 8, FAR = 16 };

	if (i + FAR < c->count) {
		uint32_t near = c->order[i + NEAR], far = c->order[i + FAR];

		cdp_intern_prefetch_id(shard_of(c, near)->keys, local_of(c, near));
		cdp_aggstore_prefetch_states(shard_of(c, near)->aggs, local_of(c, near),
					     NULL);
		cdp_intern_prefetch_where_id(shard_of(c, far)->keys, local_of(c, far));
		cdp_aggstore_prefetch(shard_of(c, far)->aggs, local_of(c, far));
	}
	return c->order[i];
}

const char *cdp_customers_key(const struct cdp_customers *c, uint32_t customer, size_t *n)
{
	return cdp_intern_key(shard_of(c, customer)->keys, local_of(c, customer), n);
}

const void *cdp_customers_state(const struct cdp_customers *c, uint32_t customer,
				unsigned agg)
{
	return cdp_aggstore_state(shard_of(c, customer)->aggs, local_of(c, customer),
				  agg);
}

void cdp_customers_each_agg(const struct cdp_customers *c, uint32_t customer,
			    void (*call)(void *ctx, unsigned agg), void *ctx)
{
	cdp_aggstore_each(shard_of(c, customer)->aggs, local_of(c, customer), call, ctx);
}

void cdp_customers_each_fact(const struct cdp_customers *c, uint32_t customer,
			     void (*call)(void *ctx, int ref), void *ctx)
{
	const struct {
		const struct cdp_facts *facts;
		enum cdp_tag_ref kind;
	} all[] = { { &c->attributes, CDP_TAG_REF_ATTRIBUTE },
		    { &c->details, CDP_TAG_REF_DETAIL },
		    { &c->relations, CDP_TAG_REF_RELATION },
		    { &c->relations, CDP_TAG_REF_LINK } };

	for (size_t k = 0; k < sizeof(all) / sizeof(*all); k++) {
		size_t n;
		const struct cdp_fact *f =
			cdp_facts_of_customer(all[k].facts, customer, &n);

		for (size_t i = 0; i < n; i++)
			if (i == 0 || f[i].subject != f[i - 1].subject)
				call(ctx,
				     (int)((uint32_t)all[k].kind << 24 | f[i].subject));
	}
}

size_t cdp_customers_state_bytes(const struct cdp_customers *c, uint32_t customer,
				 unsigned agg)
{
	return cdp_aggstore_bytes(shard_of(c, customer)->aggs, local_of(c, customer),
				  agg);
}

/* --- attributes: the changes applied by time --- */

/* `out` += number, exactly; what is no number is replaced. */
static void increment(struct cdp_buf *out, size_t from, const struct cdp_fact *f)
{
	struct cdp_decimal sum = CDP_DECIMAL_ZERO, by;
	struct cdp_err ignored;

	if (cdp_decimal_parse(&by, f->text, f->text_len, &ignored) < 0)
		return;
	if (out->n > from &&
	    cdp_decimal_parse(&sum, out->p + from, out->n - from, &ignored) < 0)
		sum = CDP_DECIMAL_ZERO;
	if (cdp_decimal_add(&sum, by) < 0)
		return; /* beyond 38 digits: the attribute stays as it is */
	out->n = from;
	cdp_decimal_add_text(out, sum);
}

static bool has_item(const struct cdp_val *array, const struct cdp_val *item)
{
	struct cdp_iter it = { 0 };
	struct cdp_val v;

	while (cdp_val_item(array, &it, &v))
		if (v.type == item->type && v.n == item->n &&
		    memcmp(v.p, item->p, v.n) == 0)
			return true;
	return false;
}

/* Add those items of the array in the fact that the attribute does not have yet. */
static void append(struct cdp_buf *out, size_t from, const struct cdp_fact *f)
{
	struct cdp_val added, item, now;
	struct cdp_iter it = { 0 };
	struct cdp_buf list;

	cdp_val_at(&added, f->text, f->text_len);
	if (added.type != CDP_ARRAY)
		return;
	cdp_buf_init(&list, CDP_BUF_NOMAX);
	if (out->n > from && out->p[from] == '[')
		cdp_buf_add(&list, out->p + from, out->n - from);
	else
		cdp_buf_adds(&list, "[]");
	while (cdp_val_item(&added, &it, &item)) {
		cdp_val_at(&now, list.p, list.n);
		if (has_item(&now, &item))
			continue;
		list.n--;
		if (list.n > 1)
			cdp_buf_addc(&list, ',');
		cdp_json_val(&list, &item);
		cdp_buf_addc(&list, ']');
	}
	out->n = from;
	cdp_buf_add(out, list.p, list.n);
	cdp_buf_release(&list);
}

static void apply(struct cdp_buf *out, size_t from, const struct cdp_fact *f)
{
	switch ((enum cdp_change)f->what) {
	case CDP_UNSET:
		out->n = from;
		break;
	case CDP_SET:
		out->n = from;
		cdp_buf_add(out, f->text, f->text_len);
		break;
	case CDP_SET_ONCE:
		if (out->n == from)
			cdp_buf_add(out, f->text, f->text_len);
		break;
	case CDP_INCREMENT:
		increment(out, from, f);
		break;
	case CDP_APPEND:
		append(out, from, f);
		break;
	}
}

bool cdp_customers_get_attribute(const struct cdp_customers *c, uint32_t customer,
				 uint32_t attribute, struct cdp_buf *out)
{
	size_t from = out->n, n, forgets;
	const struct cdp_fact *f = cdp_facts_of(&c->attributes, customer, attribute, &n);
	const struct cdp_fact *g = cdp_facts_of_customer(&c->forgets, customer, &forgets);

	for (size_t i = 0, k = 0; i < n; i++) {
		for (; k < forgets && g[k].ms <= f[i].ms; k++)
			out->n = from;
		apply(out, from, &f[i]);
	}
	/* Forgotten after the last change. */
	if (n && forgets && g[forgets - 1].ms > f[n - 1].ms)
		out->n = from;
	return out->n > from;
}

/* Of facts sorted by key, then time: the last of the first key if it is there, else that
 * of the next one; NULL: no more.  *f and *n go on behind it. */
static const struct cdp_fact *next_row(const struct cdp_fact **f, size_t *n)
{
	while (*n) {
		const struct cdp_fact *last = (*f)++;

		--*n;
		if (*n && last->key_len == (*f)->key_len &&
		    memcmp(last->key, (*f)->key, last->key_len) == 0)
			continue;
		if (last->what)
			return last;
	}
	return NULL;
}

void cdp_customers_get_details(const struct cdp_customers *c, uint32_t customer,
			       uint32_t table, struct cdp_buf *out)
{
	size_t n;
	const struct cdp_fact *f = cdp_facts_of(&c->details, customer, table, &n);

	cdp_buf_addc(out, '[');
	for (const struct cdp_fact *row; (row = next_row(&f, &n));) {
		if (out->p[out->n - 1] != '[')
			cdp_buf_addc(out, ',');
		cdp_buf_add(out, row->text, row->text_len);
	}
	cdp_buf_addc(out, ']');
}

void cdp_customers_get_relations(const struct cdp_customers *c, uint32_t customer,
				 uint32_t relation, bool props, struct cdp_buf *out)
{
	size_t n;
	const struct cdp_fact *f = cdp_facts_of(&c->relations, customer, relation, &n);

	cdp_buf_addc(out, '[');
	for (const struct cdp_fact *row; (row = next_row(&f, &n));) {
		if (out->p[out->n - 1] != '[')
			cdp_buf_addc(out, ',');
		if (props)
			cdp_buf_adds(out, "{\"id\":");
		cdp_json_str(out, row->key, row->key_len);
		if (props && row->text_len > 2) { /* more than {} */
			cdp_buf_addc(out, ',');
			cdp_buf_add(out, row->text + 1, row->text_len - 1);
		} else if (props) {
			cdp_buf_addc(out, '}');
		}
	}
	cdp_buf_addc(out, ']');
}

const char *cdp_customers_next_id(const struct cdp_customers *c, uint32_t customer,
				  const char *kind, size_t *at, size_t *n)
{
	uint32_t subject = cdp_intern_get(c->kinds, kind, strlen(kind));
	const struct cdp_fact *f;
	size_t count;

	if (subject == CDP_INTERN_NONE)
		return NULL;
	f = cdp_facts_of(&c->ids, customer, subject, &count);
	if (*at >= count)
		return NULL;
	f += (*at)++;
	*n = f->key_len;
	return f->key;
}

bool cdp_customers_get_ids(const struct cdp_customers *c, uint32_t customer,
			   struct cdp_buf *out)
{
	size_t n, len;
	const struct cdp_fact *f = cdp_facts_of_customer(&c->ids, customer, &n);

	for (size_t i = 0; i < n; i++) {
		bool same = i > 0 && f[i].subject == f[i - 1].subject;

		if (same && f[i].key_len == f[i - 1].key_len &&
		    memcmp(f[i].key, f[i - 1].key, f[i].key_len) == 0)
			continue;
		if (!same) {
			const char *kind = cdp_intern_key(c->kinds, f[i].subject, &len);

			cdp_buf_adds(out, i ? "]," : "{");
			cdp_json_str(out, kind, len);
			cdp_buf_adds(out, ":[");
		} else {
			cdp_buf_addc(out, ',');
		}
		cdp_json_str(out, f[i].key, f[i].key_len);
	}
	if (n)
		cdp_buf_adds(out, "]}");
	return n > 0;
}
