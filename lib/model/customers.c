#include "model/customers.h"

#include "base/decimal.h"
#include "base/mem.h"
#include "model/aggstore.h"
#include "model/facts.h"
#include "record/json.h"

#include <stdlib.h>
#include <string.h>

struct cdp_customers {
	const struct cdp_tagset *set;
	struct cdp_intern *keys, *kinds; /* kinds of ids */
	struct cdp_aggstore *aggs;
	struct cdp_facts attributes, forgets, details, ids;
	struct cdp_buf name, key;
	uint32_t *order;
};

struct cdp_customers *cdp_customers_new(const struct cdp_tagset *set)
{
	struct cdp_customers *c = cdp_calloc(1, sizeof(*c));

	c->set = set;
	c->keys = cdp_intern_new(0);
	c->kinds = cdp_intern_new(0);
	c->aggs = cdp_aggstore_new(set->aggs);
	cdp_facts_init(&c->attributes);
	cdp_facts_init(&c->forgets);
	cdp_facts_init(&c->details);
	cdp_facts_init(&c->ids);
	cdp_buf_init(&c->name, CDP_BUF_NOMAX);
	cdp_buf_init(&c->key, CDP_BUF_NOMAX);
	return c;
}

void cdp_customers_free(struct cdp_customers *c)
{
	if (!c)
		return;
	cdp_intern_free(c->keys);
	cdp_intern_free(c->kinds);
	cdp_aggstore_free(c->aggs);
	cdp_facts_release(&c->attributes);
	cdp_facts_release(&c->forgets);
	cdp_facts_release(&c->details);
	cdp_facts_release(&c->ids);
	cdp_buf_release(&c->name);
	cdp_buf_release(&c->key);
	free(c->order);
	free(c);
}

uint32_t cdp_customers_put(struct cdp_customers *c, const char *key, size_t n,
			   uint64_t hash)
{
	return cdp_intern_put_hashed(c->keys, key, n, hash ? hash : cdp_hash(key, n),
				     NULL);
}

void cdp_customers_ahead(const struct cdp_customers *c, uint64_t hash, unsigned step)
{
	uint32_t guess;

	if (step == 0) {
		cdp_intern_prefetch(c->keys, hash);
		return;
	}
	guess = cdp_intern_guess(c->keys, hash);
	if (guess == CDP_INTERN_NONE)
		return;
	if (step == 1)
		cdp_intern_prefetch_where(c->keys, hash);
	else
		cdp_intern_prefetch_key(c->keys, hash);
	cdp_aggstore_ahead(c->aggs, guess, step);
}

void cdp_customers_event(struct cdp_customers *c, uint32_t customer, struct cdp_eval *ev,
			 struct cdp_rec *rec, const struct cdp_val *event, int64_t ms,
			 uint64_t *eval_errors)
{
	cdp_aggstore_add(c->aggs, customer, ev, rec, event, ms, eval_errors);
}

void cdp_customers_attribute(struct cdp_customers *c, uint32_t customer,
			     enum cdp_change what, const struct cdp_val *name,
			     const struct cdp_val *value, int64_t ms)
{
	size_t n;
	const char *p = cdp_val_str(name, &c->name, &n);
	struct cdp_fact f = {
		.customer = customer, .ms = ms, .what = (uint8_t)what, .key = ""
	};

	f.subject = cdp_intern_get(c->set->attributes, p, n);
	if (f.subject == CDP_INTERN_NONE)
		return;
	cdp_buf_reset(&c->key);
	if (value)
		cdp_json_val(&c->key, value);
	f.text = c->key.p;
	f.text_len = (uint32_t)c->key.n;
	cdp_facts_add(&c->attributes, &f);
}

void cdp_customers_forget(struct cdp_customers *c, uint32_t customer, int64_t ms)
{
	struct cdp_fact f = { .customer = customer, .ms = ms, .key = "", .text = "" };

	cdp_facts_add(&c->forgets, &f);
}

void cdp_customers_detail(struct cdp_customers *c, uint32_t customer,
			  const struct cdp_val *table, const struct cdp_val *row,
			  const struct cdp_val *props, int64_t ms)
{
	struct cdp_fact f = { .customer = customer, .ms = ms, .text = "" };
	size_t n;
	const char *p = cdp_val_str(table, &c->name, &n);

	f.subject = cdp_intern_get(c->set->details, p, n);
	if (f.subject == CDP_INTERN_NONE)
		return;
	f.key = cdp_val_str(row, &c->key, &n);
	f.key_len = (uint32_t)n;
	if (props->type == CDP_OBJECT) {
		f.what = 1;
		f.text = props->p;
		f.text_len = props->n;
	}
	cdp_facts_add(&c->details, &f);
}

void cdp_customers_id(struct cdp_customers *c, uint32_t customer,
		      const struct cdp_val *kind, const struct cdp_val *value)
{
	struct cdp_fact f = { .customer = customer, .text = "" };
	size_t n;
	const char *p = cdp_val_str(kind, &c->name, &n);

	f.subject = cdp_intern_put(c->kinds, p, n, NULL);
	f.key = cdp_val_str(value, &c->key, &n);
	f.key_len = (uint32_t)n;
	cdp_facts_add(&c->ids, &f);
}

void cdp_customers_merge(struct cdp_customers *into, struct cdp_customers *from)
{
	uint32_t n = cdp_intern_count(from->keys);
	uint32_t *map = cdp_intern_put_all(into->keys, from->keys);

	for (size_t i = 0; i < from->ids.n; i++) {
		size_t len;
		const char *kind =
			cdp_intern_key(from->kinds, from->ids.v[i].subject, &len);

		from->ids.v[i].subject = cdp_intern_put(into->kinds, kind, len, NULL);
	}
	cdp_aggstore_merge(into->aggs, from->aggs, map, n);
	from->aggs = NULL;
	cdp_facts_take(&into->attributes, &from->attributes, map);
	cdp_facts_take(&into->forgets, &from->forgets, map);
	cdp_facts_take(&into->details, &from->details, map);
	cdp_facts_take(&into->ids, &from->ids, map);
	free(map);
	cdp_customers_free(from);
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
	renumber_kinds(c);
	cdp_facts_sort(&c->attributes);
	cdp_facts_sort(&c->forgets);
	cdp_facts_sort(&c->details);
	cdp_facts_sort(&c->ids);
	c->order = cdp_intern_order(c->keys);
}

uint32_t cdp_customers_count(const struct cdp_customers *c)
{
	return cdp_intern_count(c->keys);
}

uint32_t cdp_customers_at(const struct cdp_customers *c, uint32_t i)
{
	return c->order[i];
}

const char *cdp_customers_key(const struct cdp_customers *c, uint32_t customer, size_t *n)
{
	return cdp_intern_key(c->keys, customer, n);
}

const void *cdp_customers_state(const struct cdp_customers *c, uint32_t customer,
				unsigned agg)
{
	return cdp_aggstore_state(c->aggs, customer, agg);
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

void cdp_customers_get_details(const struct cdp_customers *c, uint32_t customer,
			       uint32_t table, struct cdp_buf *out)
{
	size_t n;
	const struct cdp_fact *f = cdp_facts_of(&c->details, customer, table, &n);

	cdp_buf_addc(out, '[');
	for (size_t i = 0; i < n; i++) {
		/* Sorted by row, then time: the last of each row is its state. */
		if (i + 1 < n && f[i + 1].key_len == f[i].key_len &&
		    memcmp(f[i + 1].key, f[i].key, f[i].key_len) == 0)
			continue;
		if (!f[i].what)
			continue;
		if (out->p[out->n - 1] != '[')
			cdp_buf_addc(out, ',');
		cdp_buf_add(out, f[i].text, f[i].text_len);
	}
	cdp_buf_addc(out, ']');
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
