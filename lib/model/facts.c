#include "model/facts.h"

#include <stdlib.h>
#include <string.h>

static struct cdp_arena *new_arena(struct cdp_facts *f)
{
	struct cdp_arena *a = cdp_alloc(sizeof(*a));

	cdp_arena_init(a);
	CDP_GROW(f->arenas, f->arena_count, f->arena_cap);
	f->arenas[f->arena_count++] = a;
	return a;
}

void cdp_facts_init(struct cdp_facts *f)
{
	memset(f, 0, sizeof(*f));
	new_arena(f);
}

void cdp_facts_release(struct cdp_facts *f)
{
	for (size_t i = 0; i < f->arena_count; i++) {
		cdp_arena_release(f->arenas[i]);
		free(f->arenas[i]);
	}
	free(f->arenas);
	free(f->first);
	free(f->v);
}

void cdp_facts_add(struct cdp_facts *f, const struct cdp_fact *fact)
{
	struct cdp_fact *to;

	CDP_GROW(f->v, f->n, f->cap);
	to = &f->v[f->n++];
	*to = *fact;
	to->key = cdp_arena_strndup(f->arenas[0], fact->key, fact->key_len);
	to->text = cdp_arena_strndup(f->arenas[0], fact->text, fact->text_len);
}

void cdp_facts_take(struct cdp_facts *f, struct cdp_facts *from)
{
	if (from->n) {
		f->v = cdp_realloc(f->v, f->n + from->n, sizeof(*f->v));
		memcpy(f->v + f->n, from->v, from->n * sizeof(*f->v));
		f->cap = f->n += from->n;
	}
	for (size_t i = 0; i < from->arena_count; i++) {
		CDP_GROW(f->arenas, f->arena_count, f->arena_cap);
		f->arenas[f->arena_count++] = from->arenas[i];
	}
	from->arena_count = 0;
	cdp_facts_release(from);
}

static int compare_bytes(const char *p, uint32_t n, const char *q, uint32_t m)
{
	int c = memcmp(p, q, n < m ? n : m);

	return c ? c : n < m ? -1 : n > m;
}

int cdp_fact_cmp(const void *a, const void *b)
{
	const struct cdp_fact *x = a, *y = b;
	int c;

	if (x->customer != y->customer)
		return x->customer < y->customer ? -1 : 1;
	if (x->subject != y->subject)
		return x->subject < y->subject ? -1 : 1;
	c = compare_bytes(x->key, x->key_len, y->key, y->key_len);
	if (c)
		return c;
	if (x->ms != y->ms)
		return x->ms < y->ms ? -1 : 1;
	if (x->what != y->what)
		return x->what < y->what ? -1 : 1;
	return compare_bytes(x->text, x->text_len, y->text, y->text_len);
}

/* Where the facts of each customer begin: they are asked for in another order, and one
 * by one. */
static void index_customers(struct cdp_facts *f)
{
	uint32_t c = 0;

	if (f->n == 0 || f->n > UINT32_MAX)
		return;
	f->customers = f->v[f->n - 1].customer + 1;
	f->first = cdp_alloc(((size_t)f->customers + 1) * sizeof(*f->first));
	for (size_t i = 0; i < f->n; i++)
		while (c <= f->v[i].customer)
			f->first[c++] = (uint32_t)i;
	f->first[c] = (uint32_t)f->n;
}

void cdp_facts_sort(struct cdp_facts *f)
{
	size_t sorted = 1;

	while (sorted < f->n && cdp_fact_cmp(&f->v[sorted - 1], &f->v[sorted]) <= 0)
		sorted++;
	if (sorted < f->n)
		qsort(f->v, f->n, sizeof(*f->v), cdp_fact_cmp);
	index_customers(f);
}

/* First fact at or after (customer, subject). */
static size_t lower_bound(const struct cdp_facts *f, uint32_t customer, uint64_t subject)
{
	size_t lo = 0, hi = f->n;

	if (f->first && customer >= f->customers)
		return f->n;
	if (f->first) {
		lo = f->first[customer];
		hi = f->first[customer + 1];
	}
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct cdp_fact *x = &f->v[mid];

		if (x->customer < customer ||
		    (x->customer == customer && x->subject < subject))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct cdp_fact *cdp_facts_of(const struct cdp_facts *f, uint32_t customer,
				    uint32_t subject, size_t *n)
{
	size_t from = lower_bound(f, customer, subject);

	*n = lower_bound(f, customer, (uint64_t)subject + 1) - from;
	return f->v + from;
}

const struct cdp_fact *cdp_facts_of_customer(const struct cdp_facts *f, uint32_t customer,
					     size_t *n)
{
	size_t from = lower_bound(f, customer, 0);

	*n = lower_bound(f, customer, (uint64_t)UINT32_MAX + 1) - from;
	return f->v + from;
}
