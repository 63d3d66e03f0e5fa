#include "model/tagstate_view.h"

#include <stdlib.h>
#include <string.h>

enum { RANGE = 4096 };

/* --- the index --- */

static int damaged(const struct cdp_tagstate *s, struct cdp_err *err)
{
	return cdp_err_set(err, CDP_ERR_SYS, "'%s' is damaged", s->path);
}

/* The rows of a block; -1: they are none. */
static int add_block(struct tst_index *x, const char *p, const char *end)
{
	struct tst_old_row row;

	while (p < end) {
		const char *from = p;

		do
			if (!tst_get_row(&row, &p, end))
				return -1;
		while (p < end && p - from < RANGE);
		CDP_GROW(x->ranges, x->n, x->cap);
		x->ranges[x->n++] = (struct tst_range){ from, p };
	}
	return 0;
}

int tst_index_make(struct tst_index *x, struct cdp_tagstate *s, struct cdp_err *err)
{
	const char *p;
	size_t n;
	int rc;

	x->n = 0;
	if (!s->old)
		return 0;
	cdp_blocks_rewind(s->old);
	for (int i = 0; i < 2; i++) { /* head and relations */
		rc = cdp_blocks_next(s->old, &p, &n, err);
		if (rc <= 0)
			return rc < 0 ? -1 : damaged(s, err);
	}
	while ((rc = cdp_blocks_next(s->old, &p, &n, err)) > 0)
		if (add_block(x, p, p + n) < 0)
			return damaged(s, err);
	return rc;
}

void tst_index_release(struct tst_index *x)
{
	free(x->ranges);
}

static struct tst_text first_key(const struct tst_range *r)
{
	const char *p = r->p;
	struct tst_old_row row;

	tst_get_row(&row, &p, r->end);
	return row.key;
}

bool tst_index_find(const struct tst_index *x, struct tst_text key,
		    struct tst_old_row *row)
{
	size_t lo = 0, hi = x->n; /* the last range that does not begin after it */
	const char *p;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (tst_compare_texts(first_key(&x->ranges[mid]), key) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return false;
	p = x->ranges[lo - 1].p;
	while (p < x->ranges[lo - 1].end) {
		int c;

		tst_get_row(row, &p, x->ranges[lo - 1].end);
		c = tst_compare_texts(row->key, key);
		if (c >= 0)
			return c == 0;
	}
	return false;
}

bool tst_index_next(const struct tst_index *x, size_t *at, const char **p,
		    struct tst_old_row *row)
{
	if (!*p && x->n)
		*p = x->ranges[0].p;
	if (*at < x->n && *p == x->ranges[*at].end && ++*at < x->n)
		*p = x->ranges[*at].p;
	return *at < x->n && tst_get_row(row, p, x->ranges[*at].end);
}

/* --- what is new --- */

struct cdp_facts *tst_facts_of(struct cdp_customers *c, enum tst_fact_kind kind)
{
	return kind == TST_FORGET      ? &c->forgets
	       : kind == TST_ATTRIBUTE ? &c->attributes
				       : &c->details;
}

void tst_new_release(struct tst_new *n)
{
	free(n->next);
	for (int k = 0; k < TST_FACT_KINDS; k++)
		free(n->facts[k].next);
}

void tst_take_new(struct tst_merger *m, const struct tst_new *n,
		  const struct tst_chains *c)
{
	for (uint32_t i = c->number; i; i = n->next[i - 1]) {
		int64_t pane;
		size_t len;
		const char *key = cdp_customers_key(n->fresh, i - 1, &len);

		memcpy(&pane, key + len - CDP_PANE_BYTES, CDP_PANE_BYTES);
		if (pane != CDP_PANE_NONE)
			tst_take_states(m, n->fresh, i - 1, pane);
	}
	for (int k = 0; k < TST_FACT_KINDS; k++) {
		const struct cdp_facts *f = tst_facts_of((struct cdp_customers *)n->fresh,
							 (enum tst_fact_kind)k);

		for (uint32_t i = c->facts[k]; i; i = n->facts[k].next[i - 1])
			tst_add_fact(m, (enum tst_fact_kind)k, &f->v[i - 1]);
	}
}
