/* What a customer's new row is made of: the old row, those of persons that became this
 * one, and what was gathered. */
#include "model/tagstate_priv.h"

#include "base/varint.h"

#include <stdlib.h>
#include <string.h>

int tst_compare_texts(struct tst_text a, struct tst_text b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static int damaged(const struct tst_merger *m)
{
	return cdp_err_set(m->err, CDP_ERR_SYS, "'%s' is damaged", m->s->path);
}

/* --- sources --- */

bool tst_get_row(struct tst_old_row *row, const char **p, const char *end)
{
	size_t n;

	if (!cdp_varint_get_bytes(&row->key.p, &row->key.n, p, end) ||
	    !cdp_varint_get_bytes(&row->p, &n, p, end))
		return false;
	row->end = row->p + n;
	return true;
}

/* 1, 0 at the end, -1. */
static int read_old(struct tst_merger *m, struct tst_old_row *row)
{
	size_t n;
	int rc;

	while (m->p == m->end) {
		if (!m->s->old)
			return 0;
		rc = cdp_blocks_next(m->s->old, &m->p, &n, m->err);
		if (rc <= 0)
			return rc;
		m->end = m->p + n;
	}
	return tst_get_row(row, &m->p, m->end) ? 1 : damaged(m);
}

int tst_rewind_old(struct tst_merger *m)
{
	const char *p;
	size_t n;

	m->p = m->end = NULL;
	if (!m->s->old)
		return 0;
	cdp_blocks_rewind(m->s->old);
	return cdp_blocks_next(m->s->old, &p, &n, m->err) <= 0 ||
			       cdp_blocks_next(m->s->old, &p, &n, m->err) <= 0
		       ? -1
		       : 0;
}

int tst_read_relations(struct tst_merger *m)
{
	const struct cdp_tagstate *s = m->s;
	const char *p;
	size_t n;

	if (!s->old || !s->o.relations || s->relations_taken)
		return 0;
	cdp_blocks_rewind(s->old);
	if (cdp_blocks_next(s->old, &p, &n, m->err) <= 0 ||
	    cdp_blocks_next(s->old, &p, &n, m->err) <= 0)
		return -1;
	return cdp_relations_read(s->o.relations, p + 1, n - 1, s->relation_of,
				  s->head.relations.n)
		       ? 0
		       : damaged(m);
}

int cdp_tagstate_take_relations(struct cdp_tagstate *s, struct cdp_err *err)
{
	struct tst_merger m = { .s = s, .err = err };
	int rc = tst_read_relations(&m);

	s->relations_taken = true;
	return rc;
}

/* The next row whose customer is still called so. */
int tst_advance_old(struct tst_merger *m)
{
	bool any = cdp_intern_count(m->s->names) > 0;
	int rc;

	do
		rc = read_old(m, &m->next);
	while (rc > 0 && any &&
	       tst_compare_texts(m->next.key,
				 tst_resolve(m->s, m->next.key.p, m->next.key.n)) != 0);
	m->has_next = rc > 0;
	return rc < 0 ? -1 : 0;
}

static int by_old_key(const void *a, const void *b)
{
	const struct tst_old_row *x = a, *y = b;
	int c = tst_compare_texts(x->key, y->key);

	return c ? c : (x->p > y->p) - (x->p < y->p);
}

/* Rows of persons that became others. */
int tst_find_moved(struct tst_merger *m)
{
	struct tst_old_row row;
	int rc = 0;

	if (cdp_intern_count(m->s->names) == 0)
		return 0;
	while ((rc = read_old(m, &row)) > 0) {
		struct tst_text key = tst_resolve(m->s, row.key.p, row.key.n);

		if (tst_compare_texts(key, row.key) == 0)
			continue;
		row.key = key;
		CDP_GROW(m->moved, m->moved_count, m->moved_cap);
		m->moved[m->moved_count++] = row;
	}
	if (m->moved_count)
		qsort(m->moved, m->moved_count, sizeof(*m->moved), by_old_key);
	return rc < 0 ? -1 : tst_rewind_old(m);
}

static int by_fresh_key(const void *a, const void *b)
{
	const struct tst_fresh_row *x = a, *y = b;
	int c = tst_compare_texts(x->key, y->key);

	if (c)
		return c;
	if (x->pane != y->pane)
		return x->pane < y->pane ? -1 : 1;
	return (x->customer > y->customer) - (x->customer < y->customer);
}

void tst_find_fresh(struct tst_merger *m)
{
	uint32_t count = cdp_customers_count(m->fresh);

	m->fresh_rows = cdp_alloc(count * sizeof(*m->fresh_rows));
	m->fresh_count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct tst_fresh_row *row = &m->fresh_rows[i];
		const char *key;
		size_t n;

		row->customer = cdp_customers_at(m->fresh, i);
		key = cdp_customers_key(m->fresh, row->customer, &n);
		n -= CDP_PANE_BYTES;
		memcpy(&row->pane, key + n, CDP_PANE_BYTES);
		row->key = tst_resolve(m->s, key, n);
	}
	if (count)
		qsort(m->fresh_rows, count, sizeof(*m->fresh_rows), by_fresh_key);
}

/* --- panes of the new file --- */

static size_t place_of(const struct tst_merger *m, int64_t pane)
{
	size_t lo = 0, hi = m->pane_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->panes[mid] < pane)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void add_pane(struct tst_merger *m, int64_t pane)
{
	size_t at = place_of(m, pane);

	if (pane < cdp_panes_oldest(m->s->panes) ||
	    (at < m->pane_count && m->panes[at] == pane))
		return;
	CDP_GROW(m->panes, m->pane_count, m->pane_cap);
	memmove(m->panes + at + 1, m->panes + at, (m->pane_count - at) * sizeof(pane));
	m->panes[at] = pane;
	m->pane_count++;
}

void tst_find_panes(struct tst_merger *m)
{
	for (size_t i = 0; i < m->s->head.pane_count; i++)
		add_pane(m, m->s->head.panes[i]);
	for (size_t i = 0; i < m->fresh_count; i++)
		if (m->fresh_rows[i].pane != CDP_PANE_NONE)
			add_pane(m, m->fresh_rows[i].pane);
}

/* --- reading --- */

static void add_part(struct tst_merger *m, int64_t pane, uint32_t agg, const char *p,
		     size_t n)
{
	bool ever = m->keep_from[agg] == INT64_MIN && pane < m->floor_ms;
	struct tst_parts *parts = ever ? &m->ever : &m->parts;

	if (pane < m->keep_from[agg])
		return;
	if (ever)
		pane = CDP_PANE_ALL;
	CDP_GROW(parts->v, parts->n, parts->cap);
	parts->v[parts->n++] = (struct tst_part){ pane, agg, (uint32_t)n, p };
}

void tst_add_fact(struct tst_merger *m, enum tst_fact_kind kind, const struct cdp_fact *f)
{
	CDP_GROW(m->facts[kind], m->fact_count[kind], m->fact_cap[kind]);
	m->facts[kind][m->fact_count[kind]] = *f;
	m->facts[kind][m->fact_count[kind]++].customer = m->number;
}

static bool read_parts(struct tst_merger *m, const char *p, const char *end)
{
	const struct tst_head *h = &m->s->head;
	int64_t pane = CDP_PANE_ALL;

	while (p < end) {
		uint64_t agg, i;
		const char *text;
		size_t n;

		if (!cdp_varint_get(&agg, &p, end) || agg >> 1 >= h->aggs.n)
			return false;
		if (agg & 1) {
			if (!cdp_varint_get(&i, &p, end) || i > h->pane_count)
				return false;
			pane = i ? h->panes[i - 1] : CDP_PANE_ALL;
		}
		if (!cdp_varint_get_bytes(&text, &n, &p, end) || n > UINT32_MAX)
			return false;
		if (m->s->agg_of[agg >> 1] >= 0)
			add_part(m, pane, (uint32_t)m->s->agg_of[agg >> 1], text, n);
	}
	return true;
}

static bool read_facts(struct tst_merger *m, const char *p, const char *end)
{
	const struct tst_head *h = &m->s->head;

	while (p < end) {
		unsigned kind = (unsigned char)*p++;
		struct cdp_fact f = { .subject = 0 };
		uint64_t subject, what;
		int32_t to = 0;
		size_t key_n, text_n;

		if (kind >= TST_FACT_KINDS || !cdp_varint_get(&subject, &p, end) ||
		    !cdp_varint_get(&what, &p, end) ||
		    !cdp_varint_get_signed(&f.ms, &p, end) ||
		    !cdp_varint_get_bytes(&f.key, &key_n, &p, end) ||
		    !cdp_varint_get_bytes(&f.text, &text_n, &p, end) ||
		    key_n > UINT32_MAX || text_n > UINT32_MAX || what > CDP_APPEND)
			return false;
		if ((kind == TST_ATTRIBUTE && subject >= h->attributes.n) ||
		    (kind == TST_DETAIL && subject >= h->details.n))
			return false;
		if (kind != TST_FORGET)
			to = kind == TST_DETAIL ? m->s->detail_of[subject]
						: m->s->attribute_of[subject];
		f.subject = (uint32_t)to;
		f.what = (uint8_t)what;
		f.key_len = (uint32_t)key_n;
		f.text_len = (uint32_t)text_n;
		if (to >= 0)
			tst_add_fact(m, (enum tst_fact_kind)kind, &f);
	}
	return true;
}

int tst_take_old(struct tst_merger *m, const struct tst_old_row *row)
{
	const char *p = row->p, *parts;
	size_t n;

	if (!cdp_varint_get_bytes(&parts, &n, &p, row->end) ||
	    !read_parts(m, parts, parts + n) || !read_facts(m, p, row->end))
		return damaged(m);
	return 0;
}

/* `fill` by subject: what is wanted; NULL: all. */
static void take_facts(struct tst_merger *m, enum tst_fact_kind kind,
		       const struct cdp_facts *from, uint32_t customer, const bool *fill)
{
	size_t n;
	const struct cdp_fact *f = cdp_facts_of_customer(from, customer, &n);

	for (size_t i = 0; i < n; i++)
		if (!fill || fill[f[i].subject])
			tst_add_fact(m, kind, &f[i]);
}

static bool is_zero(const char *p, size_t n)
{
	return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

void tst_take_states(struct tst_merger *m, const struct cdp_customers *from,
		     uint32_t customer, int64_t pane)
{
	for (unsigned a = 0; a < cdp_aggs_count(m->s->o.set->aggs); a++) {
		const char *state = cdp_customers_state(from, customer, a);

		if ((m->s->fill_agg && !m->s->fill_agg[a]) ||
		    is_zero(state, cdp_agg_size(m->aggs[a])))
			continue;
		cdp_buf_reset(&m->text);
		cdp_agg_write(m->aggs[a], state, &m->text);
		add_part(m, pane, a, cdp_arena_strndup(&m->arena, m->text.p, m->text.n),
			 m->text.n);
	}
}

void tst_take_fresh(struct tst_merger *m, const struct tst_fresh_row *row)
{
	if (row->pane != CDP_PANE_NONE) {
		tst_take_states(m, m->fresh, row->customer, row->pane);
		return;
	}
	take_facts(m, TST_FORGET, &m->fresh->forgets, row->customer, NULL);
	take_facts(m, TST_ATTRIBUTE, &m->fresh->attributes, row->customer,
		   m->s->fill_attribute);
	take_facts(m, TST_DETAIL, &m->fresh->details, row->customer, m->s->fill_detail);
}
