/* How well the map does, as result rows: the whole, kinds, sizes of persons, the largest,
 * and links that alone hold two parts of a person together. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "model/identity_priv.h"
#include "record/json.h"

enum { LARGEST = 100, BRIDGES = 100 };

static void row_begin(struct cdp_buf *b, const char *of)
{
	cdp_buf_addc(b, '{');
	cdp_json_key(b, "result");
	cdp_json_cstr(b, "identity");
	cdp_json_key(b, "of");
	cdp_json_cstr(b, of);
}

static void row_end(struct cdp_buf *b)
{
	cdp_buf_adds(b, "}\n");
}

static void put_count(struct cdp_buf *b, const char *key, uint64_t v)
{
	cdp_json_key(b, key);
	cdp_buf_addu(b, v);
}

/* a / b with `digits` decimals, rounded half up; whole numbers, so the same everywhere.
 */
static void put_ratio(struct cdp_buf *b, const char *key, uint64_t a, uint64_t d,
		      unsigned digits)
{
	uint64_t one = 1, v;

	cdp_json_key(b, key);
	if (!d) {
		cdp_buf_adds(b, "null");
		return;
	}
	for (unsigned i = 0; i < digits; i++)
		one *= 10;
	v = (uint64_t)(((unsigned __int128)a * one * 2 + d) / ((unsigned __int128)d * 2));
	cdp_buf_addf(b, "%" PRIu64 ".%0*" PRIu64, v / one, (int)digits, v % one);
}

/* Ids of each person, of one kind or of all (NONE). */
static uint32_t *sizes_of(const struct cdp_identity *m, uint32_t kind)
{
	uint32_t *size = cdp_calloc((size_t)m->npersons + 1, sizeof(*size));

	for (uint32_t i = 0; i < m->count; i++)
		if (idm_person(m, i) && (kind == NONE || m->id[i].kind == kind))
			size[idm_person(m, i)]++;
	return size;
}

static int cmp_u32(const void *pa, const void *pb)
{
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

	return (a > b) - (a < b);
}

static void put_sizes(const struct cdp_identity *m, struct cdp_buf *b)
{
	uint32_t *size = sizes_of(m, NONE);

	qsort(size + 1, m->npersons, sizeof(*size), cmp_u32);
	for (uint32_t p = 1, q; p <= m->npersons; p = q) {
		for (q = p; q <= m->npersons && size[q] == size[p]; q++)
			;
		row_begin(b, "size");
		put_count(b, "ids", size[p]);
		put_count(b, "persons", q - p);
		row_end(b);
	}
	free(size);
}

static bool larger(const struct cdp_identity *m, const uint32_t *size, uint32_t p,
		   uint32_t q)
{
	return size[p] != size[q] ? size[p] > size[q] : m->names[p] < m->names[q];
}

static void put_largest(const struct cdp_identity *m, struct cdp_buf *b)
{
	uint32_t *size = sizes_of(m, NONE), top[LARGEST + 1];
	size_t n = 0;

	for (uint32_t p = 1; p <= m->npersons; p++) {
		size_t i = n;

		if (n == LARGEST && !larger(m, size, p, top[n - 1]))
			continue;
		for (; i > 0 && larger(m, size, p, top[i - 1]); i--)
			top[i] = top[i - 1];
		top[i] = p;
		n += n < LARGEST;
	}
	for (size_t i = 0; i < n; i++) {
		row_begin(b, "largest");
		idm_put_name(b, "one_id", m->names[top[i]]);
		put_count(b, "ids", size[top[i]]);
		row_end(b);
	}
	free(size);
}

static void put_kind(const struct cdp_identity *m, struct cdp_buf *b, unsigned kind,
		     uint64_t bridges)
{
	uint32_t *size = sizes_of(m, kind), max = 0;
	uint64_t ids = 0, persons = 0, contested = 0;

	for (uint32_t p = 1; p <= m->npersons; p++) {
		ids += size[p];
		persons += size[p] > 0;
		max = size[p] > max ? size[p] : max;
	}
	for (uint32_t i = 0; i < m->count; i++)
		contested += m->id[i].kind == kind && (m->id[i].flags & ID_CONTESTED);
	row_begin(b, "kind");
	cdp_json_key(b, "kind");
	cdp_json_cstr(b, m->kind[kind].name);
	put_count(b, "ids", ids);
	put_count(b, "persons", persons);
	put_ratio(b, "mean", ids, persons, 2);
	put_count(b, "max", max);
	put_count(b, "contested", contested);
	put_count(b, "blocked", m->kind[kind].blocked);
	put_count(b, "bridges", bridges);
	row_end(b);
	free(size);
}

/* In the order of rank, undeclared ones by name. */
static int cmp_kinds(const void *pa, const void *pb, void *ctx)
{
	const struct cdp_identity *m = ctx;
	const struct kind *a = &m->kind[*(const unsigned *)pa];
	const struct kind *b = &m->kind[*(const unsigned *)pb];

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void put_kinds(const struct cdp_identity *m, struct cdp_buf *b,
		      const struct bridge *v, size_t n)
{
	unsigned order[CDP_IDKINDS_MAX];
	uint64_t bridges[CDP_IDKINDS_MAX] = { 0 };

	for (size_t i = 0; i < n; i++) {
		const struct link *l = &m->links[v[i].link];

		bridges[m->id[l->a].kind]++;
		bridges[m->id[l->b].kind] += m->id[l->a].kind != m->id[l->b].kind;
	}
	for (unsigned i = 0; i < m->nkinds; i++)
		order[i] = i;
	qsort_r(order, m->nkinds, sizeof(*order), cmp_kinds, (void *)m);
	for (unsigned i = 0; i < m->nkinds; i++)
		if (m->kind[order[i]].role != KIND_OUT)
			put_kind(m, b, order[i], bridges[order[i]]);
}

/* The larger the smaller side, the worse. */
static int cmp_bridges(const void *pa, const void *pb, void *ctx)
{
	const struct cdp_identity *m = ctx;
	const struct bridge *a = pa, *b = pb;
	const struct link *la = &m->links[a->link], *lb = &m->links[b->link];
	bool fa, fb;
	int c;

	if (a->smaller != b->smaller)
		return a->smaller > b->smaller ? -1 : 1;
	if (a->larger != b->larger)
		return a->larger > b->larger ? -1 : 1;
	fa = idm_cmp(m, la->a, la->b) < 0;
	fb = idm_cmp(m, lb->a, lb->b) < 0;
	c = idm_cmp(m, fa ? la->a : la->b, fb ? lb->a : lb->b);
	return c ? c : idm_cmp(m, fa ? la->b : la->a, fb ? lb->b : lb->a);
}

static void put_bridges(const struct cdp_identity *m, struct cdp_buf *b, struct bridge *v,
			size_t n)
{
	if (n)
		qsort_r(v, n, sizeof(*v), cmp_bridges, (void *)m);
	for (size_t i = 0; i < n && i < BRIDGES; i++) {
		const struct link *l = &m->links[v[i].link];

		row_begin(b, "bridge");
		idm_put_name(b, "one_id", m->names[idm_person(m, l->a)]);
		idm_put_ids(m, b, l->a, l->b);
		idm_put_time(b, "time", idm_link_first(m, l));
		put_count(b, "smaller", v[i].smaller);
		put_count(b, "larger", v[i].larger);
		row_end(b);
	}
}

static uint64_t anonymous(const struct cdp_identity *m)
{
	uint8_t *firm = cdp_calloc((size_t)m->npersons + 1, 1);
	uint64_t n = m->npersons;

	for (uint32_t i = 0; i < m->count; i++) {
		if (!idm_person(m, i) || m->kind[m->id[i].kind].role != KIND_FIRM)
			continue;
		n -= !firm[idm_person(m, i)];
		firm[idm_person(m, i)] = 1;
	}
	free(firm);
	return n;
}

int cdp_identity_write_report(const struct cdp_identity *m, struct cdp_out *o)
{
	struct cdp_identity_counts c;
	struct bridge *bridges;
	struct cdp_buf b;
	size_t n;
	int rc;

	cdp_identity_count(m, &c);
	bridges = idm_bridges(m, &n);
	cdp_buf_init(&b, CDP_BUF_NOMAX);
	row_begin(&b, "map");
	put_count(&b, "records", c.records);
	put_count(&b, "identified", c.identified);
	put_ratio(&b, "share", c.identified, c.records, 4);
	put_count(&b, "persons", c.persons);
	put_count(&b, "anonymous", anonymous(m));
	put_count(&b, "ids", c.ids);
	put_count(&b, "links", c.links);
	put_count(&b, "bridges", n);
	put_count(&b, "merged", c.merged);
	put_count(&b, "parted", c.parted);
	put_count(&b, "contested", c.contested);
	put_count(&b, "conflicts", c.conflicts);
	put_count(&b, "blocked", c.blocked);
	put_count(&b, "invalid", c.invalid);
	put_count(&b, "undeclared", c.undeclared);
	row_end(&b);
	put_kinds(m, &b, bridges, n);
	put_sizes(m, &b);
	put_largest(m, &b);
	put_bridges(m, &b, bridges, n);
	free(bridges);
	rc = cdp_out_write(o, b.p, b.n);
	cdp_buf_release(&b);
	return rc;
}
