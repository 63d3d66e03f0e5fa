/* A row: 1 if anything was gathered, else 0; how many partials; of each its aggregate,
 * pane and bytes; facts up to the end. */
#include "model/liverow.h"

#include "base/varint.h"
#include "model/customers_priv.h"
#include "model/pane.h"
#include "model/rules.h"

#include <stdlib.h>
#include <string.h>

#define ALL INT64_MIN
#define NO_NAME UINT32_MAX

void cdp_liverow_init(struct cdp_liverow *row)
{
	*row = (struct cdp_liverow){ 0 };
	cdp_arena_init(&row->arena);
}

void cdp_liverow_release(struct cdp_liverow *row)
{
	free(row->parts);
	for (int k = 0; k < CDP_LIVE_FACTS; k++)
		free(row->facts[k]);
	cdp_arena_release(&row->arena);
}

/* ---- what all rows share ---- */

uint32_t cdp_liverows_names(const struct cdp_liverows *r, enum cdp_livefact kind)
{
	switch (kind) {
	case CDP_LIVE_ATTRIBUTE:
		return cdp_intern_count(r->set->attributes);
	case CDP_LIVE_DETAIL:
		return cdp_intern_count(r->set->details);
	case CDP_LIVE_RELATION:
		return cdp_intern_count(r->set->relations);
	default:
		return cdp_aggs_count(r->set->aggs);
	}
}

const char *cdp_liverows_name(const struct cdp_liverows *r, enum cdp_livefact kind,
			      uint32_t i, size_t *n)
{
	const char *text;

	switch (kind) {
	case CDP_LIVE_ATTRIBUTE:
		return cdp_intern_key(r->set->attributes, i, n);
	case CDP_LIVE_DETAIL:
		return cdp_intern_key(r->set->details, i, n);
	case CDP_LIVE_RELATION:
		return cdp_intern_key(r->set->relations, i, n);
	default:
		text = cdp_aggs_at(r->set->aggs, i)->text;
		*n = strlen(text);
		return text;
	}
}

static void reserve_numbers(struct cdp_liverows *r, enum cdp_livefact kind, uint32_t n)
{
	if (n <= r->own_count[kind])
		return;
	r->own[kind] = cdp_realloc(r->own[kind], n, sizeof(*r->own[kind]));
	memset(r->own[kind] + r->own_count[kind], 0xff,
	       (n - r->own_count[kind]) * sizeof(*r->own[kind]));
	r->own_count[kind] = n;
}

void cdp_liverows_number(struct cdp_liverows *r, enum cdp_livefact kind, uint32_t i,
			 uint32_t number, bool new)
{
	uint32_t before = r->number[kind][i];

	r->new[kind][i] = new;

	if (before < r->own_count[kind] && r->own[kind][before] == i)
		r->own[kind][before] = NO_NAME;
	reserve_numbers(r, kind, number + 1);
	r->number[kind][i] = number;
	r->own[kind][number] = i;
}

void cdp_liverows_reserve(struct cdp_liverows *r, enum cdp_livefact kind, uint32_t n)
{
	reserve_numbers(r, kind, n);
}

void cdp_liverows_fill(struct cdp_liverows *r, bool fills)
{
	r->fills = fills;
}

static void find_always(struct cdp_liverows *r)
{
	uint32_t n = cdp_aggs_count(r->set->aggs);

	r->always = cdp_alloc((n + 1) * sizeof(*r->always));
	for (uint32_t i = 0; i < n; i++) {
		size_t events;

		cdp_agg_events(cdp_aggs_at(r->set->aggs, i), &events);
		if (!events)
			r->always[r->always_count++] = i;
	}
}

struct cdp_liverows *cdp_liverows_new(struct cdp_tagset *set, const struct cdp_zone *zone)
{
	struct cdp_liverows *r = cdp_calloc(1, sizeof(*r));
	size_t size = (cdp_aggs_count(set->aggs) + 1) * sizeof(int64_t);

	r->set = set;
	r->zone = zone;
	cdp_aggs_open(set->aggs);
	r->panes = cdp_panes_new(set->aggs, zone);
	r->now.from = cdp_alloc(size);
	r->now.to = cdp_alloc(size);
	r->before.from = cdp_alloc(size);
	r->before.to = cdp_alloc(size);
	find_always(r);
	for (int k = 0; k < CDP_LIVE_FACTS; k++) {
		uint32_t n = cdp_liverows_names(r, (enum cdp_livefact)k);

		r->number[k] = cdp_alloc((n + 1) * sizeof(*r->number[k]));
		r->new[k] = cdp_calloc((size_t)n + 1, sizeof(*r->new[k]));
		reserve_numbers(r, (enum cdp_livefact)k, n);
		for (uint32_t i = 0; i < n; i++)
			r->number[k][i] = r->own[k][i] = i;
	}
	cdp_buf_init(&r->text, CDP_BUF_NOMAX);
	return r;
}

void cdp_liverows_free(struct cdp_liverows *r)
{
	if (!r)
		return;
	cdp_customers_free(r->fresh);
	cdp_panes_free(r->panes);
	free(r->now.from);
	free(r->now.to);
	free(r->before.from);
	free(r->before.to);
	free(r->always);
	for (int k = 0; k < CDP_LIVE_FACTS; k++) {
		free(r->number[k]);
		free(r->own[k]);
		free(r->new[k]);
	}
	cdp_buf_release(&r->text);
	free(r);
}

void cdp_liverows_turn(struct cdp_liverows *r, int64_t base_ms)
{
	struct cdp_livewindows w = r->before;
	struct cdp_run run = { .as_of = cdp_time_from_ms(base_ms), .zone = r->zone };
	int64_t oldest = base_ms;

	r->before = r->now;
	w.base_ms = base_ms;
	for (unsigned i = 0; i < cdp_aggs_count(r->set->aggs); i++) {
		cdp_agg_window(cdp_aggs_at(r->set->aggs, i), &run, &w.from[i], &w.to[i]);
		if (w.from[i] != INT64_MIN && w.from[i] < oldest)
			oldest = w.from[i];
	}
	r->now = w;
	cdp_panes_set_oldest(r->panes, oldest);
}

struct cdp_customers *cdp_liverows_fresh(struct cdp_liverows *r)
{
	cdp_customers_free(r->fresh);
	r->fresh = cdp_customers_new(r->set, 1);
	return r->fresh;
}

/* ---- partials ---- */

/* Where a partial is, or would be. */
static size_t place_of(const struct cdp_liverow *row, uint32_t agg, int64_t pane)
{
	size_t lo = 0, hi = row->part_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct cdp_livepart *t = &row->parts[mid];

		if (t->agg < agg || (t->agg == agg && t->pane < pane))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int merge(struct cdp_liverow *row, const struct cdp_liverows *r,
		 struct cdp_livepart *into, const char *p, size_t n, struct cdp_err *err)
{
	const struct cdp_agg *a = cdp_aggs_at(r->set->aggs, into->agg);
	void *state = cdp_calloc(1, cdp_agg_size(a));
	struct cdp_buf text;
	int rc;

	cdp_buf_init(&text, CDP_BUF_NOMAX);
	rc = cdp_agg_read(a, state, into->p, into->n, err) < 0 ||
			     cdp_agg_read(a, state, p, n, err) < 0
		     ? -1
		     : 0;
	if (rc == 0) {
		cdp_agg_write(a, state, &text);
		into->p = cdp_arena_strndup(&row->arena, text.p, text.n);
		into->n = text.n;
	}
	cdp_agg_release(a, state);
	free(state);
	cdp_buf_release(&text);
	return rc;
}

/* What no window can part any more is of all time, what none can have is nothing. */
static int add_part(struct cdp_liverow *row, const struct cdp_liverows *r,
		    const struct cdp_livewindows *w, struct cdp_livepart t,
		    struct cdp_err *err)
{
	int64_t from = w->from[t.agg];
	size_t at;

	if (t.pane < from)
		return 0;
	if (from == INT64_MIN && t.pane < w->base_ms)
		t.pane = ALL;
	at = place_of(row, t.agg, t.pane);
	if (at < row->part_count && row->parts[at].agg == t.agg &&
	    row->parts[at].pane == t.pane)
		return merge(row, r, &row->parts[at], t.p, t.n, err);
	CDP_GROW(row->parts, row->part_count, row->part_cap);
	memmove(row->parts + at + 1, row->parts + at,
		(row->part_count++ - at) * sizeof(*row->parts));
	row->parts[at] = t;
	return 0;
}

struct taking {
	struct cdp_liverow *row;
	struct cdp_liverows *r;
	uint32_t customer;
	int64_t ms;
	cdp_liverow_touched *touched;
	void *ctx;
	struct cdp_err *err;
	int rc;
};

static bool is_zero(const char *p, size_t n)
{
	return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

static void take_agg(void *ctx, unsigned agg)
{
	struct taking *t = ctx;
	const struct cdp_agg *a = cdp_aggs_at(t->r->set->aggs, agg);
	const char *there = cdp_customers_state(t->r->fresh, t->customer, agg);
	struct cdp_pane pane = { 0 };
	struct cdp_livepart part = { .agg = agg };
	void *state;

	if (is_zero(there, cdp_agg_size(a)))
		return;
	state = cdp_aggstore_put(t->r->fresh->shards[0].aggs, t->customer, agg);
	cdp_buf_reset(&t->r->text);
	cdp_agg_write(a, state, &t->r->text);
	cdp_agg_release(a, state);
	memset(state, 0, cdp_agg_size(a));
	if (t->r->fills && !t->r->new[CDP_LIVE_FORGET][agg])
		return;
	part.pane = cdp_pane_of(t->r->panes, &pane, t->ms);
	part.p = cdp_arena_strndup(&t->row->arena, t->r->text.p, t->r->text.n);
	part.n = t->r->text.n;
	if (add_part(t->row, t->r, &t->r->now, part, t->err) < 0)
		t->rc = -1;
	t->touched(t->ctx, (uint32_t)CDP_RULE_ASK_AGG << 24 | agg);
}

/* ---- facts ---- */

static void add_fact(struct cdp_liverow *row, enum cdp_livefact kind,
		     const struct cdp_fact *f)
{
	CDP_GROW(row->facts[kind], row->fact_count[kind], row->fact_cap[kind]);
	row->facts[kind][row->fact_count[kind]] = *f;
	row->facts[kind][row->fact_count[kind]++].customer = 0;
}

static bool same_subject(const struct cdp_fact *a, const struct cdp_fact *b)
{
	return a->subject == b->subject && a->key_len == b->key_len &&
	       memcmp(a->key, b->key, a->key_len) == 0;
}

/* Of the n changes of one attribute the first that no later one hides, whatever may
 * still come in between. */
static size_t first_change(const struct cdp_fact *f, size_t n, int64_t forgotten)
{
	size_t from = n;

	while (from > 0 && f[from - 1].ms >= forgotten) {
		from--;
		if (f[from].what == CDP_UNSET || f[from].what == CDP_SET)
			break;
	}
	return from;
}

static void settle(struct cdp_liverow *row, enum cdp_livefact kind)
{
	struct cdp_fact *f = row->facts[kind];
	size_t count = row->fact_count[kind], left = 0;
	size_t forgets = row->fact_count[CDP_LIVE_FORGET];
	int64_t forgotten =
		forgets ? row->facts[CDP_LIVE_FORGET][forgets - 1].ms : INT64_MIN;

	if (count > 1)
		qsort(f, count, sizeof(*f), cdp_fact_cmp);
	for (size_t i = 0, n, from; i < count; i += n) {
		for (n = 1; i + n < count && same_subject(&f[i], &f[i + n]);)
			n++;
		from = kind == CDP_LIVE_ATTRIBUTE ? first_change(f + i, n, forgotten)
						  : n - 1;
		memmove(f + left, f + i + from, (n - from) * sizeof(*f));
		left += n - from;
	}
	row->fact_count[kind] = left;
}

static int damaged(struct cdp_err *err)
{
	return cdp_err_set(err, CDP_ERR_SYS,
			   "what was gathered of a customer is "
			   "damaged");
}

static bool read_fact(struct cdp_fact *f, const char **p, const char *end)
{
	uint64_t subject, what;
	size_t key_n, text_n;

	if (!cdp_varint_get(&subject, p, end) || !cdp_varint_get(&what, p, end) ||
	    !cdp_varint_get_signed(&f->ms, p, end) ||
	    !cdp_varint_get_bytes(&f->key, &key_n, p, end) ||
	    !cdp_varint_get_bytes(&f->text, &text_n, p, end) || key_n > UINT32_MAX ||
	    text_n > UINT32_MAX || what > CDP_APPEND || subject > UINT32_MAX)
		return false;
	f->subject = (uint32_t)subject;
	f->what = (uint8_t)what;
	f->key_len = (uint32_t)key_n;
	f->text_len = (uint32_t)text_n;
	return true;
}

int cdp_liverow_see_facts(struct cdp_liverow *row, const struct cdp_liverows *r,
			  struct cdp_err *err)
{
	const char *p = row->text, *end = row->end;

	row->text = row->end = NULL;
	while (p < end) {
		unsigned kind = (unsigned char)*p++;
		struct cdp_fact f = { 0 };

		if (kind >= CDP_LIVE_FACTS || !read_fact(&f, &p, end) ||
		    (kind && f.subject >= r->own_count[kind]))
			return damaged(err);
		if (kind)
			f.subject = r->own[kind][f.subject];
		if (f.subject != NO_NAME)
			add_fact(row, (enum cdp_livefact)kind, &f);
	}
	return 0;
}

static void write_facts(const struct cdp_liverow *row, const struct cdp_liverows *r,
			struct cdp_buf *out)
{
	cdp_buf_add(out, row->text, (size_t)(row->end - row->text));
	for (int k = 0; k < CDP_LIVE_FACTS; k++)
		for (size_t i = 0; i < row->fact_count[k]; i++) {
			const struct cdp_fact *f = &row->facts[k][i];

			cdp_buf_addc(out, (char)k);
			cdp_varint_add(out, k ? r->number[k][f->subject] : 0);
			cdp_varint_add(out, f->what);
			cdp_varint_add(out, cdp_zigzag(f->ms));
			cdp_varint_add_bytes(out, f->key, f->key_len);
			cdp_varint_add_bytes(out, f->text, f->text_len);
		}
}

static void touch_fact(struct taking *t, enum cdp_livefact kind, uint32_t subject)
{
	static const uint8_t refs[] = { [CDP_LIVE_ATTRIBUTE] = CDP_TAG_REF_ATTRIBUTE,
					[CDP_LIVE_DETAIL] = CDP_TAG_REF_DETAIL,
					[CDP_LIVE_RELATION] = CDP_TAG_REF_RELATION };

	if (kind == CDP_LIVE_FORGET) {
		for (uint32_t i = 0; i < cdp_intern_count(t->r->set->attributes); i++)
			touch_fact(t, CDP_LIVE_ATTRIBUTE, i);
		return;
	}
	t->touched(t->ctx, (uint32_t)refs[kind] << 24 | subject);
	if (kind == CDP_LIVE_RELATION)
		t->touched(t->ctx, (uint32_t)CDP_TAG_REF_LINK << 24 | subject);
}

static int take_facts(struct taking *t, enum cdp_livefact kind, struct cdp_facts *log)
{
	if (log->n == 0)
		return 0;
	if (cdp_liverow_see_facts(t->row, t->r, t->err) < 0)
		return -1;
	for (size_t i = 0; i < log->n; i++) {
		struct cdp_fact f = log->v[i];

		if (f.customer != t->customer ||
		    (kind && t->r->fills && !t->r->new[kind][f.subject]))
			continue;
		f.key = cdp_arena_strndup(&t->row->arena, f.key, f.key_len);
		f.text = cdp_arena_strndup(&t->row->arena, f.text, f.text_len);
		add_fact(t->row, kind, &f);
		touch_fact(t, kind, f.subject);
	}
	log->n = 0;
	cdp_arena_reset(log->arenas[0]);
	settle(t->row, kind);
	if (kind == CDP_LIVE_FORGET)
		settle(t->row, CDP_LIVE_ATTRIBUTE);
	return 0;
}

/* ---- rows ---- */

static int read_parts(struct cdp_liverow *row, const struct cdp_liverows *r,
		      const struct cdp_livewindows *w, uint64_t count, const char **p,
		      const char *end, struct cdp_err *err)
{
	for (uint64_t i = 0; i < count; i++) {
		struct cdp_livepart t;
		uint64_t number;

		if (!cdp_varint_get(&number, p, end) ||
		    number >= r->own_count[CDP_LIVE_FORGET] ||
		    !cdp_varint_get_signed(&t.pane, p, end) ||
		    !cdp_varint_get_bytes(&t.p, &t.n, p, end))
			return damaged(err);
		t.agg = r->own[CDP_LIVE_FORGET][number];
		if (t.agg != NO_NAME && add_part(row, r, w, t, err) < 0)
			return -1;
	}
	return 0;
}

int cdp_liverow_read(struct cdp_liverow *row, const struct cdp_liverows *r,
		     const struct cdp_livewindows *w, const char *p, size_t n,
		     struct cdp_err *err)
{
	const char *end = p + n;
	uint64_t parts;

	row->part_count = 0;
	row->gathered = false;
	row->text = row->end = NULL;
	memset(row->fact_count, 0, sizeof(row->fact_count));
	cdp_arena_reset(&row->arena);
	if (!p)
		return 0;
	if (n < 2)
		return damaged(err);
	row->gathered = *p++ != 0;
	if (!cdp_varint_get(&parts, &p, end) ||
	    read_parts(row, r, w, parts, &p, end, err) < 0)
		return damaged(err);
	row->text = p;
	row->end = end;
	return 0;
}

void cdp_liverow_write(struct cdp_liverow *row, const struct cdp_liverows *r,
		       struct cdp_buf *out)
{
	cdp_buf_addc(out, row->gathered);
	cdp_varint_add(out, row->part_count);
	for (size_t i = 0; i < row->part_count; i++) {
		const struct cdp_livepart *t = &row->parts[i];

		cdp_varint_add(out, r->number[CDP_LIVE_FORGET][t->agg]);
		cdp_varint_add(out, cdp_zigzag(t->pane));
		cdp_varint_add_bytes(out, t->p, t->n);
	}
	write_facts(row, r, out);
}

int cdp_liverow_take(struct cdp_liverow *row, struct cdp_liverows *r, const char *key,
		     size_t n, int64_t ms, cdp_liverow_touched *touched, void *ctx,
		     struct cdp_err *err)
{
	struct cdp_customers *c = r->fresh;
	struct taking t = { row, r, 0, ms, touched, ctx, err, 0 };

	t.customer = cdp_intern_get(c->shards[0].keys, key, n);
	row->gathered = true;
	if (t.customer == CDP_INTERN_NONE)
		return 0;
	cdp_customers_each_agg(c, t.customer, take_agg, &t);
	for (uint32_t i = 0; i < r->always_count; i++)
		take_agg(&t, r->always[i]);
	if (t.rc < 0 || take_facts(&t, CDP_LIVE_FORGET, &c->forgets) < 0 ||
	    take_facts(&t, CDP_LIVE_ATTRIBUTE, &c->attributes) < 0 ||
	    take_facts(&t, CDP_LIVE_DETAIL, &c->details) < 0 ||
	    take_facts(&t, CDP_LIVE_RELATION, &c->relations) < 0)
		return -1;
	return 0;
}
