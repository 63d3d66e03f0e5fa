/* The map, the merges and the conflicts as rows. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "model/identity_priv.h"
#include "record/json.h"

enum { PERSONS_NAMED = 10, FLUSH_AT = 64 * 1024 };

/* --- the map, in the byte order of its lines --- */

struct entry {
	uint64_t head; /* first bytes of the value as it is written, big-endian */
	uint32_t id;
};

struct sorter {
	const struct cdp_identity *m;
	struct cdp_buf a, b; /* values with escapes */
};

/* The value as it is written, with the closing quote (which sorts before digits and
 * letters, but not before a space). */
static const char *written(const struct cdp_identity *m, uint32_t id, struct cdp_buf *b,
			   size_t *n)
{
	char text[CDP_ID_VALUE_MAX];
	const char *value = idm_value(m, id, text, n);

	cdp_buf_reset(b);
	cdp_json_str(b, value, *n);
	*n = b->n - 1;
	return b->p + 1;
}

static int cmp_bytes(const char *a, size_t na, const char *b, size_t nb)
{
	int c = memcmp(a, b, na < nb ? na : nb);

	return c ? c : (na > nb) - (na < nb);
}

static int cmp_entries(const void *pa, const void *pb, void *ctx)
{
	const struct entry *a = pa, *b = pb;
	struct sorter *s = ctx;
	const char *ta, *tb;
	size_t na, nb;

	if (a->head != b->head)
		return a->head < b->head ? -1 : 1;
	ta = written(s->m, a->id, &s->a, &na);
	tb = written(s->m, b->id, &s->b, &nb);
	return cmp_bytes(ta, na, tb, nb);
}

static uint64_t head_of(struct sorter *s, uint32_t id)
{
	size_t n;
	const char *p = written(s->m, id, &s->a, &n);
	uint64_t head = 0;

	for (size_t i = 0; i < 8; i++)
		head = head << 8 | (i < n ? (unsigned char)p[i] : 0);
	return head;
}

static void put_map_row(const struct cdp_identity *m, struct cdp_buf *b, uint32_t id)
{
	const char *source;
	char text[CDP_ID_VALUE_MAX];
	size_t n;
	const char *value = idm_value(m, id, text, &n);

	cdp_buf_addc(b, '{');
	cdp_json_key(b, "kind");
	cdp_json_cstr(b, m->kind[m->id[id].kind].name);
	cdp_json_key(b, "value");
	cdp_json_str(b, value, n);
	idm_put_name(b, "one_id", m->names[idm_person(m, id)]);
	idm_put_time(b, "first_seen", idm_first(m, id));
	idm_put_time(b, "last_seen",
		     idm_last(m, id) > m->known_at ? CDP_IDENTITY_NO_TIME
						   : idm_last(m, id));
	cdp_json_key(b, "source");
	source = cdp_intern_key(m->sources, m->id[id].source, &n);
	if (m->id[id].source)
		cdp_json_str(b, source, n);
	else
		cdp_buf_adds(b, "null");
	cdp_buf_adds(b, "}\n");
}

static int write_kind(struct sorter *s, unsigned kind, struct cdp_out *o)
{
	const struct cdp_identity *m = s->m;
	struct entry *v = NULL;
	size_t n = 0, cap = 0;
	struct cdp_buf line;
	int rc = 0;

	for (uint32_t i = 0; i < m->count; i++) {
		if (m->id[i].kind != kind || !idm_person(m, i) || idm_unknown(m, i))
			continue;
		CDP_GROW(v, n, cap);
		v[n++] = (struct entry){ head_of(s, i), i };
	}
	if (n)
		qsort_r(v, n, sizeof(*v), cmp_entries, s);
	cdp_buf_init(&line, CDP_BUF_NOMAX);
	for (size_t i = 0; i < n && rc == 0; i++) {
		put_map_row(m, &line, v[i].id);
		if (line.n >= FLUSH_AT || i + 1 == n) {
			rc = cdp_out_write(o, line.p, line.n);
			cdp_buf_reset(&line);
		}
	}
	cdp_buf_release(&line);
	free(v);
	return rc;
}

static int cmp_kinds(const void *pa, const void *pb, void *ctx)
{
	struct sorter *s = ctx;

	cdp_buf_reset(&s->a);
	cdp_buf_reset(&s->b);
	cdp_json_cstr(&s->a, s->m->kind[*(const unsigned *)pa].name);
	cdp_json_cstr(&s->b, s->m->kind[*(const unsigned *)pb].name);
	return cmp_bytes(s->a.p, s->a.n, s->b.p, s->b.n);
}

int cdp_identity_write_map(const struct cdp_identity *m, struct cdp_out *o)
{
	struct sorter s = { .m = m };
	unsigned order[CDP_IDKINDS_MAX];
	int rc = 0;

	cdp_buf_init(&s.a, CDP_BUF_NOMAX);
	cdp_buf_init(&s.b, CDP_BUF_NOMAX);
	for (unsigned i = 0; i < m->nkinds; i++)
		order[i] = i;
	qsort_r(order, m->nkinds, sizeof(*order), cmp_kinds, &s);
	for (unsigned i = 0; i < m->nkinds && rc == 0; i++)
		rc = write_kind(&s, order[i], o);
	cdp_buf_release(&s.a);
	cdp_buf_release(&s.b);
	return rc;
}

/* --- rows that are few: sorted as text --- */

struct rows {
	struct cdp_buf text;
	size_t *at; /* starts; at[n] is the end */
	size_t n, cap;
};

static void rows_init(struct rows *r)
{
	*r = (struct rows){ 0 };
	cdp_buf_init(&r->text, CDP_BUF_NOMAX);
}

static struct cdp_buf *row_begin(struct rows *r)
{
	CDP_GROW(r->at, r->n, r->cap);
	r->at[r->n++] = r->text.n;
	cdp_buf_addc(&r->text, '{');
	return &r->text;
}

static void row_end(struct rows *r)
{
	cdp_buf_adds(&r->text, "}\n");
}

static int cmp_rows(const void *pa, const void *pb, void *ctx)
{
	const struct rows *r = ctx;
	const char *a = r->text.p + *(const size_t *)pa;
	const char *b = r->text.p + *(const size_t *)pb;

	size_t na = (size_t)((const char *)rawmemchr(a, '\n') - a) + 1;
	size_t nb = (size_t)((const char *)rawmemchr(b, '\n') - b) + 1;

	return cmp_bytes(a, na, b, nb);
}

static int rows_write(struct rows *r, struct cdp_out *o)
{
	int rc = 0;

	if (r->n)
		qsort_r(r->at, r->n, sizeof(*r->at), cmp_rows, r);
	for (size_t i = 0; i < r->n && rc == 0; i++) {
		const char *p = r->text.p + r->at[i];

		rc = cdp_out_write(o, p, (size_t)((char *)rawmemchr(p, '\n') - p) + 1);
	}
	cdp_buf_release(&r->text);
	free(r->at);
	return rc;
}

int cdp_identity_write_merges(const struct cdp_identity *m, struct cdp_out *o)
{
	struct rows r;

	rows_init(&r);
	for (size_t i = 0; i < m->nmerges; i++) {
		const struct merge *g = &m->merges[i];
		const struct link *l = g->link == NONE ? NULL : &m->links[g->link];
		struct cdp_buf *b = row_begin(&r);

		cdp_json_key(b, "merge");
		cdp_json_cstr(b, l               ? "link"
				 : g->renamed    ? "renamed"
				 : g->id != NONE ? "moved"
						 : "stream");
		idm_put_time(b, "time", l ? idm_link_first(m, l) : CDP_IDENTITY_NO_TIME);
		idm_put_name(b, "from", g->from);
		idm_put_name(b, "into", g->into);
		if (l)
			idm_put_ids(m, b, l->a, l->b);
		else if (g->id != NONE)
			idm_put_ids(m, b, g->id, NONE);
		row_end(&r);
	}
	return rows_write(&r, o);
}

/* --- conflicts --- */

struct touch { /* a contested id and a person it was seen with */
	uint32_t id;
	uint64_t name;
	int64_t first;
};

struct touches {
	struct touch *v;
	size_t n, cap;
};

static int cmp_touches(const void *pa, const void *pb)
{
	const struct touch *a = pa, *b = pb;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	if (a->name != b->name)
		return a->name < b->name ? -1 : 1;
	return a->first != b->first ? (a->first < b->first ? -1 : 1) : 0;
}

static const char *why_aside(const struct cdp_identity *m, uint32_t id)
{
	return m->id[id].flags & ID_CROWDED ? "degree"
	       : m->id[id].flags & ID_OVER  ? "over"
					    : "contested";
}

/* One row of the n touches of one id: whom, and since when there are two of them. */
static void put_contested(const struct cdp_identity *m, struct rows *r,
			  const struct touch *v, size_t n)
{
	int64_t first = INT64_MAX, second = INT64_MAX;
	struct cdp_buf *b = row_begin(r);
	size_t persons = 0;

	for (size_t i = 0; i < n; i++) {
		if (i && v[i].name == v[i - 1].name)
			continue;
		persons++;
		if (v[i].first < first) {
			second = first;
			first = v[i].first;
		} else if (v[i].first < second) {
			second = v[i].first;
		}
	}
	cdp_json_key(b, "conflict");
	cdp_json_cstr(b, why_aside(m, v[0].id));
	idm_put_time(b, "time", second);
	idm_put_ids(m, b, v[0].id, NONE);
	idm_put_name(b, "one_id", m->names[idm_person(m, v[0].id)]);
	cdp_json_key(b, "persons");
	cdp_buf_addu(b, persons);
	cdp_json_key(b, "one_ids");
	cdp_buf_addc(b, '[');
	persons = 0;
	for (size_t i = 0; i < n && persons < PERSONS_NAMED; i++) {
		char hex[16];

		if (i && v[i].name == v[i - 1].name)
			continue;
		cdp_hex16(hex, v[i].name);
		cdp_buf_adds(b, persons++ ? "," : "");
		cdp_json_str(b, hex, sizeof(hex));
	}
	cdp_buf_addc(b, ']');
	row_end(r);
}

static void put_apart(const struct cdp_identity *m, struct rows *r, const struct link *l,
		      const char *why)
{
	bool swap = idm_cmp(m, l->b, l->a) < 0;
	struct cdp_buf *b = row_begin(r);

	cdp_json_key(b, "conflict");
	cdp_json_cstr(b, why);
	idm_put_time(b, "time", idm_link_first(m, l));
	idm_put_ids(m, b, l->a, l->b);
	idm_put_name(b, "one_id", m->names[idm_person(m, swap ? l->b : l->a)]);
	idm_put_name(b, "other", m->names[idm_person(m, swap ? l->a : l->b)]);
	row_end(r);
}

static bool is_firm(const struct cdp_identity *m, uint32_t id)
{
	return m->kind[m->id[id].kind].role == KIND_FIRM;
}

/* True if the other end of a link says whom a contested id was seen with. */
static void touch(const struct cdp_identity *m, struct touches *t, uint32_t id,
		  uint32_t other, int64_t first)
{
	if (!(m->id[id].flags & ID_CONTESTED) || (m->id[other].flags & ID_CONTESTED))
		return;
	CDP_GROW(t->v, t->n, t->cap);
	t->v[t->n++] = (struct touch){ id, m->names[idm_person(m, other)], first };
}

uint64_t idm_conflicts(const struct cdp_identity *m,
		       void (*each)(void *ctx, const struct link *l, bool wall),
		       void *ctx)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->nlinks; i++) {
		const struct link *l = &m->links[i];
		uint32_t a = idm_person(m, l->a), b = idm_person(m, l->b);

		if (!a || !b || a == b || l->flags & LINK_CUT ||
		    (m->id[l->a].flags | m->id[l->b].flags) & ID_CONTESTED)
			continue;
		n++;
		if (each)
			each(ctx, l, is_firm(m, l->a) && is_firm(m, l->b));
	}
	return n;
}

struct conflict_ctx {
	const struct cdp_identity *m;
	struct rows *r;
};

static void put_conflict(void *ctx, const struct link *l, bool wall)
{
	struct conflict_ctx *c = ctx;

	put_apart(c->m, c->r, l, wall ? "wall" : "apart");
}

int cdp_identity_write_conflicts(const struct cdp_identity *m, struct cdp_out *o)
{
	struct touches t = { 0 };
	struct rows r;
	struct conflict_ctx c = { m, &r };

	rows_init(&r);
	idm_conflicts(m, put_conflict, &c);
	for (size_t i = 0; i < m->nlinks; i++) {
		const struct link *l = &m->links[i];

		if (!idm_person(m, l->a) || !idm_person(m, l->b) || l->flags & LINK_CUT)
			continue;
		touch(m, &t, l->a, l->b, idm_link_first(m, l));
		touch(m, &t, l->b, l->a, idm_link_first(m, l));
	}
	if (t.n)
		qsort(t.v, t.n, sizeof(*t.v), cmp_touches);
	for (size_t i = 0, k; i < t.n; i = k) {
		for (k = i; k < t.n && t.v[k].id == t.v[i].id; k++)
			;
		put_contested(m, &r, t.v + i, k - i);
	}
	free(t.v);
	return rows_write(&r, o);
}
