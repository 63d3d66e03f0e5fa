/* The rows of a state: old and new ones of a customer become one, which is written and
 * put before the profiler.
 *
 * A row: key; length of the rest; length of the partials, those, and facts up to the end.
 * A partial: twice its aggregate, plus 1 and followed by the pane's number (0: all time
 * up to the floor) if that is not the one of the partial before; its bytes.  Partials are
 * in order of pane and aggregate, facts in that of their kind and cdp_fact_cmp(). */
#include "model/tagstate_priv.h"

#include "base/varint.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 20 };

/* --- writing --- */

static int by_pane(const void *a, const void *b)
{
	const struct tst_part *x = a, *y = b;

	if (x->pane != y->pane)
		return x->pane < y->pane ? -1 : 1;
	return (x->agg > y->agg) - (x->agg < y->agg);
}

static void write_part(struct tst_merger *m, const struct tst_part *t)
{
	bool same = t->pane == m->last_pane;
	struct cdp_buf *out = &m->parts_out;
	char *to;

	/* They come in order, and so do their places. */
	if (!same && t->pane != CDP_PANE_ALL)
		while (m->pane_at == 0 || m->panes[m->pane_at - 1] != t->pane)
			m->pane_at++;
	m->last_pane = t->pane;
	cdp_buf_reserve(out, 3 * CDP_VARINT_MAX + t->n);
	to = cdp_varint_put(out->p + out->n, (uint64_t)t->agg << 1 | !same);
	if (!same)
		to = cdp_varint_put(to, m->pane_at);
	to = cdp_varint_put(to, t->n);
	memcpy(to, t->p, t->n);
	out->n = (size_t)(to - out->p) + t->n;
}

static int put_part(struct tst_merger *m, const struct tst_part *t)
{
	if (m->writes)
		write_part(m, t);
	if (!m->whole)
		return 0;
	if (t->pane != CDP_PANE_ALL &&
	    (t->pane < m->count_from[t->agg] || t->pane >= m->count_to[t->agg]))
		return 0;
	if (m->state_of[t->agg].number != m->number + 1) {
		m->state_of[t->agg].number = m->number + 1;
		m->state_of[t->agg].state =
			cdp_aggstore_put(m->whole->shards[0].aggs, m->number, t->agg);
	}
	return cdp_agg_read(m->aggs[t->agg], m->state_of[t->agg].state, t->p, t->n,
			    m->err);
}

/* Several partials of one aggregate and pane. */
static int put_merged(struct tst_merger *m, const struct tst_part *t, size_t n)
{
	const struct cdp_agg *agg = cdp_aggs_at(m->s->o.set->aggs, t->agg);
	struct tst_part one = *t;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = cdp_agg_read(agg, m->state, t[i].p, t[i].n, m->err);
	cdp_buf_reset(&m->text);
	cdp_agg_write(agg, m->state, &m->text);
	cdp_agg_release(agg, m->state);
	one.p = m->text.p;
	one.n = (uint32_t)m->text.n;
	return rc < 0 ? -1 : put_part(m, &one);
}

static int put_sorted(struct tst_merger *m, struct tst_parts *parts)
{
	struct tst_part *v = parts->v;
	size_t sorted = 1;
	int rc = 0;

	while (sorted < parts->n && by_pane(&v[sorted - 1], &v[sorted]) <= 0)
		sorted++;
	if (sorted < parts->n)
		qsort(v, parts->n, sizeof(*v), by_pane);
	for (size_t i = 0, n; i < parts->n && rc == 0; i += n) {
		n = 1;
		while (i + n < parts->n && by_pane(&v[i], &v[i + n]) == 0)
			n++;
		rc = n == 1 ? put_part(m, &v[i]) : put_merged(m, &v[i], n);
	}
	return rc;
}

int tst_put_parts(struct tst_merger *m)
{
	m->last_pane = CDP_PANE_NONE;
	m->pane_at = 0;
	return put_sorted(m, &m->ever) < 0 ? -1 : put_sorted(m, &m->parts);
}

static void put_fact(struct tst_merger *m, enum tst_fact_kind kind,
		     const struct cdp_fact *f)
{
	struct cdp_customers *whole = m->whole;

	if (whole)
		cdp_facts_add(kind == TST_FORGET      ? &whole->forgets
			      : kind == TST_ATTRIBUTE ? &whole->attributes
						      : &whole->details,
			      f);
	if (!m->writes)
		return;
	cdp_buf_addc(&m->body, (char)kind);
	cdp_varint_add(&m->body, f->subject);
	cdp_varint_add(&m->body, f->what);
	cdp_varint_add(&m->body, cdp_zigzag(f->ms));
	cdp_varint_add_bytes(&m->body, f->key, f->key_len);
	cdp_varint_add_bytes(&m->body, f->text, f->text_len);
}

static bool same_subject(const struct cdp_fact *a, const struct cdp_fact *b)
{
	return a->subject == b->subject && a->key_len == b->key_len &&
	       memcmp(a->key, b->key, a->key_len) == 0;
}

/* Of the n changes of one attribute, those that no later one hides, whatever may still
 * come in between. */
static void put_changes(struct tst_merger *m, const struct cdp_fact *f, size_t n,
			int64_t forgotten)
{
	size_t from = n;

	while (from > 0 && f[from - 1].ms >= forgotten) {
		from--;
		if (f[from].what == CDP_UNSET || f[from].what == CDP_SET)
			break;
	}
	for (size_t i = from; i < n; i++)
		put_fact(m, TST_ATTRIBUTE, &f[i]);
}

void tst_put_facts(struct tst_merger *m)
{
	int64_t forgotten = INT64_MIN;

	for (int k = 0; k < TST_FACT_KINDS; k++)
		if (m->fact_count[k] > 1)
			qsort(m->facts[k], m->fact_count[k], sizeof(struct cdp_fact),
			      cdp_fact_cmp);
	if (m->fact_count[TST_FORGET]) {
		const struct cdp_fact *f =
			&m->facts[TST_FORGET][m->fact_count[TST_FORGET] - 1];

		forgotten = f->ms;
		put_fact(m, TST_FORGET, f);
	}
	for (int k = TST_ATTRIBUTE; k < TST_FACT_KINDS; k++) {
		const struct cdp_fact *f = m->facts[k];

		for (size_t i = 0, n; i < m->fact_count[k]; i += n) {
			n = 1;
			while (i + n < m->fact_count[k] && same_subject(&f[i], &f[i + n]))
				n++;
			if (k == TST_DETAIL)
				put_fact(m, TST_DETAIL, &f[i + n - 1]);
			else
				put_changes(m, f + i, n, forgotten);
		}
	}
}

/* --- one customer after the other --- */

static void flush(struct tst_merger *m)
{
	if (m->block.n)
		cdp_blocks_add(m->s->out, m->block.p, m->block.n);
	cdp_buf_reset(&m->block);
}

static int put_row(struct tst_merger *m, struct tst_text key)
{
	struct cdp_buf *parts = &m->parts_out;

	cdp_buf_reset(parts);
	cdp_buf_reset(&m->body);
	if (tst_put_parts(m) < 0)
		return -1;
	tst_put_facts(m);
	cdp_varint_add_bytes(&m->block, key.p, key.n);
	cdp_buf_reset(&m->text);
	cdp_varint_add(&m->text, parts->n);
	cdp_varint_add(&m->block, m->text.n + parts->n + m->body.n);
	cdp_buf_add(&m->block, m->text.p, m->text.n);
	cdp_buf_add(&m->block, parts->p, parts->n);
	cdp_buf_add(&m->block, m->body.p, m->body.n);
	if (m->block.n >= BLOCK)
		flush(m);
	return 0;
}

/* False at the end. */
static bool next_key(const struct tst_merger *m, struct tst_text *key)
{
	bool any = m->has_next;

	if (any)
		*key = m->next.key;
	if (m->moved_at < m->moved_count &&
	    (!any || tst_compare_texts(m->moved[m->moved_at].key, *key) < 0)) {
		*key = m->moved[m->moved_at].key;
		any = true;
	}
	if (m->fresh_at < m->fresh_count &&
	    (!any || tst_compare_texts(m->fresh_rows[m->fresh_at].key, *key) < 0)) {
		*key = m->fresh_rows[m->fresh_at].key;
		any = true;
	}
	return any;
}

void tst_begin_customer(struct tst_merger *m, struct tst_text key)
{
	if (m->whole)
		m->number = cdp_intern_put(m->whole->shards[0].keys, key.p, key.n, NULL);
	m->ever.n = m->parts.n = 0;
	memset(m->fact_count, 0, sizeof(m->fact_count));
	cdp_arena_reset(&m->arena);
}

static int merge_customer(struct tst_merger *m, struct tst_text key)
{
	tst_begin_customer(m, key);
	if (m->has_next && tst_compare_texts(m->next.key, key) == 0 &&
	    (tst_take_old(m, &m->next) < 0 || tst_advance_old(m) < 0))
		return -1;
	for (; m->moved_at < m->moved_count &&
	       tst_compare_texts(m->moved[m->moved_at].key, key) == 0;
	     m->moved_at++)
		if (tst_take_old(m, &m->moved[m->moved_at]) < 0)
			return -1;
	for (; m->fresh_at < m->fresh_count &&
	       tst_compare_texts(m->fresh_rows[m->fresh_at].key, key) == 0;
	     m->fresh_at++)
		tst_take_fresh(m, &m->fresh_rows[m->fresh_at]);
	return put_row(m, key);
}

static void resolve(void *ctx, const char **p, size_t *n)
{
	struct tst_text t = tst_resolve(ctx, *p, *n);

	*p = t.p;
	*n = t.n;
}

static void put_relations(struct tst_merger *m)
{
	struct cdp_relations *r = m->s->o.relations;

	cdp_buf_addc(&m->block, 'r');
	if (r && cdp_intern_count(m->s->names))
		cdp_relations_rename(r, resolve, m->s);
	if (r)
		cdp_relations_write(r, &m->block);
	flush(m);
}

static int merge_all(struct tst_merger *m)
{
	struct tst_text key;

	if (tst_read_relations(m) < 0 || tst_rewind_old(m) < 0 || tst_find_moved(m) < 0)
		return -1;
	tst_find_fresh(m);
	tst_find_panes(m);
	tst_head_write(m->s, m->panes, m->pane_count, &m->block);
	flush(m);
	put_relations(m);
	if (tst_advance_old(m) < 0)
		return -1;
	while (next_key(m, &key))
		if (merge_customer(m, key) < 0)
			return -1;
	flush(m);
	return 0;
}

/* --- mergers --- */

void tst_set_windows(struct tst_merger *m, int64_t as_of_ms, int64_t floor_ms)
{
	const struct cdp_tagstate *s = m->s;

	m->floor_ms = floor_ms;
	for (unsigned i = 0; i < cdp_aggs_count(s->o.set->aggs); i++) {
		int64_t ignored;

		tst_window(s, m->aggs[i], floor_ms, &m->keep_from[i], &ignored);
		tst_window(s, m->aggs[i], as_of_ms, &m->count_from[i], &m->count_to[i]);
	}
}

void tst_merger_init(struct tst_merger *m, struct cdp_tagstate *s, struct cdp_err *err)
{
	unsigned n = cdp_aggs_count(s->o.set->aggs);

	*m = (struct tst_merger){ .s = s, .err = err };
	cdp_arena_init(&m->arena);
	cdp_buf_init(&m->text, CDP_BUF_NOMAX);
	cdp_buf_init(&m->parts_out, CDP_BUF_NOMAX);
	cdp_buf_init(&m->body, CDP_BUF_NOMAX);
	cdp_buf_init(&m->block, CDP_BUF_NOMAX);
	m->aggs = cdp_alloc(n * sizeof(*m->aggs));
	m->state_of = cdp_calloc(n, sizeof(*m->state_of));
	m->keep_from = cdp_alloc(n * sizeof(*m->keep_from));
	m->count_from = cdp_alloc(n * sizeof(*m->count_from));
	m->count_to = cdp_alloc(n * sizeof(*m->count_to));
	for (unsigned i = 0; i < n; i++) {
		size_t size;

		m->aggs[i] = cdp_aggs_at(s->o.set->aggs, i);
		size = cdp_agg_size(m->aggs[i]);
		m->state_size = size > m->state_size ? size : m->state_size;
	}
	m->state = cdp_calloc(m->state_size + 1, 1);
	tst_set_windows(m, s->as_of_ms, s->floor_ms);
}

void tst_merger_release(struct tst_merger *m)
{
	free(m->fresh_rows);
	free(m->moved);
	free(m->aggs);
	free(m->state_of);
	free(m->keep_from);
	free(m->count_from);
	free(m->count_to);
	free(m->panes);
	free(m->ever.v);
	free(m->parts.v);
	for (int k = 0; k < TST_FACT_KINDS; k++)
		free(m->facts[k]);
	free(m->state);
	cdp_arena_release(&m->arena);
	cdp_buf_release(&m->text);
	cdp_buf_release(&m->parts_out);
	cdp_buf_release(&m->body);
	cdp_buf_release(&m->block);
}

int tst_merge(struct cdp_tagstate *s, struct cdp_customers *fresh,
	      struct cdp_customers *whole, struct cdp_err *err)
{
	struct tst_merger m;
	int rc = -1;

	cdp_customers_finish(fresh);
	tst_merger_init(&m, s, err);
	m.fresh = fresh;
	m.whole = whole;
	m.writes = true;
	s->out = cdp_blocks_create(s->path, tst_magic, err);
	if (s->out)
		rc = merge_all(&m);
	tst_merger_release(&m);
	cdp_customers_free(fresh);
	return rc;
}

struct cdp_customers *cdp_tagstate_merge(struct cdp_tagstate *s,
					 struct cdp_customers *fresh, struct cdp_err *err)
{
	struct cdp_customers *whole = cdp_customers_new(s->o.set, 1);

	s->stamp = TST_UNTOLD; /* of this, by whoever follows */
	if (tst_merge(s, fresh, whole, err) == 0)
		return whole;
	cdp_customers_free(whole);
	return NULL;
}
