/* The identity map's rows, read back.
 *
 * Rows come in order, but the places in memory that they lead to do not: each row waits
 * for some that come after it, while these are fetched. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/identity_rows.h"

enum { WAITING = 16, HALF = WAITING / 2 };

struct waiting_id {
	struct idkey key;
	uint64_t hash;
	char packed[CDP_ID_VALUE_MAX];
	struct id_row row; /* without its value */
};

struct waiting_link {
	uint32_t a, b;
	struct link_row row;
};

struct loader {
	struct cdp_identity *m;
	struct idm_stored *s;
	uint32_t next;   /* number of the row to come */
	uint32_t *slots; /* of persons by name: index, 0: free */
	unsigned bits;
	size_t names_cap, persons_cap;
	struct waiting_id ids[WAITING]; /* by number */
	struct waiting_link links[WAITING];
	size_t nlinks; /* rows so far */
};

static uint32_t number_at(const void *p)
{
	const unsigned char *b = p;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

int idm_damaged(struct cdp_err *err)
{
	return cdp_err_set(err, CDP_ERR_SYS, "state that no run has written");
}

static int load_kind(void *ctx, struct cdp_bytes key, struct cdp_bytes value,
		     struct cdp_err *err)
{
	struct loader *l = ctx;
	struct idm_stored *s = l->s;
	uint32_t kind;

	if (key.n != 4 || number_at(key.p) != l->next || l->next >= CDP_IDKINDS_MAX)
		return idm_damaged(err);
	kind = idm_kind(l->m, value.p, value.n);
	if (kind == NONE)
		return cdp_err_set(err, CDP_ERR_USAGE,
				   "more than %d kinds of ids with those seen before",
				   CDP_IDKINDS_MAX);
	s->runtime_kind = cdp_realloc(s->runtime_kind, l->next + 1, 1);
	s->runtime_kind[l->next] = (uint8_t)kind;
	s->store_kind[kind] = (uint8_t)l->next;
	l->next++;
	return 0;
}

static int load_source(void *ctx, struct cdp_bytes key, struct cdp_bytes value,
		       struct cdp_err *err)
{
	struct loader *l = ctx;

	if (key.n != 4 || number_at(key.p) != l->next ||
	    idm_source(l->m, value.p, value.n) != l->next)
		return idm_damaged(err);
	l->next++;
	return 0;
}

static void grow_persons(struct loader *l)
{
	struct cdp_identity *m = l->m;
	size_t mask;

	free(l->slots);
	l->slots = cdp_calloc((size_t)1 << ++l->bits, sizeof(*l->slots));
	mask = ((size_t)1 << l->bits) - 1;
	for (uint32_t p = 1; p <= m->npersons; p++) {
		size_t i = m->names[p] & mask;

		while (l->slots[i])
			i = (i + 1) & mask;
		l->slots[i] = p;
	}
}

static uint32_t person_named(struct loader *l, uint64_t name)
{
	struct cdp_identity *m = l->m;
	size_t mask, i;

	if (!name)
		return 0;
	if ((size_t)m->npersons + 1 >= ((size_t)2 << l->bits) / 3)
		grow_persons(l);
	mask = ((size_t)1 << l->bits) - 1;
	for (i = name & mask; l->slots[i]; i = (i + 1) & mask)
		if (m->names[l->slots[i]] == name)
			return l->slots[i];
	if ((size_t)m->npersons + 1 >= l->names_cap) {
		l->names_cap = l->names_cap + l->names_cap / 2 + 1024;
		m->names = cdp_realloc(m->names, l->names_cap, sizeof(*m->names));
	}
	m->names[++m->npersons] = name;
	l->slots[i] = m->npersons;
	return m->npersons;
}

/* What row i - HALF leads to after its first step. */
static void fetch_name(const struct loader *l, uint32_t i)
{
	uint64_t name = l->ids[i % WAITING].row.one_id;
	uint32_t p = l->slots[name & (((size_t)1 << l->bits) - 1)];

	if (p)
		idm_fetch(&l->m->names[p]);
}

static int settle_id(struct loader *l, uint32_t i, struct cdp_err *err)
{
	struct cdp_identity *m = l->m;
	const struct waiting_id *w = &l->ids[i % WAITING];
	uint32_t id = idm_add_key(m, &w->key, w->hash);

	if (id != i)
		return idm_damaged(err);
	idm_set_times(&m->id[id], w->row.first, w->row.last);
	m->id[id].source = w->row.source & 0x1fffff;
	CDP_GROW(m->person, id, l->persons_cap);
	m->person[id] = person_named(l, w->row.one_id);
	m->npublished = id + 1;
	m->id[id].flags &= (unsigned)~ID_DIRTY;
	m->id[id].flags |= w->row.aside & ID_ASIDE;
	m->id[id].flags |= (unsigned)(w->row.aside & ID_ASIDE) << ID_STORED_SHIFT;
	return 0;
}

static int load_id(void *ctx, struct cdp_bytes key, struct cdp_bytes value,
		   struct cdp_err *err)
{
	struct loader *l = ctx;
	struct waiting_id *w = &l->ids[l->next % WAITING];
	size_t n = value.n - sizeof(w->row);

	if (l->next >= WAITING && settle_id(l, l->next - WAITING, err) < 0)
		return -1;
	if (key.n != 4 || value.n <= sizeof(w->row) || n > CDP_ID_VALUE_MAX)
		return idm_damaged(err);
	memcpy(&w->row, value.p, sizeof(w->row));
	if (w->row.kind >= l->s->kinds || number_at(key.p) != l->next ||
	    w->row.source >= cdp_intern_count(l->m->sources))
		return idm_damaged(err);
	idm_pack(&w->key, l->s->runtime_kind[w->row.kind],
		 (const char *)value.p + sizeof(w->row), n, w->packed);
	/* Rows may move before it is its turn. */
	if (w->key.p != w->packed)
		w->key.p = memcpy(w->packed, w->key.p, n);
	w->hash = idm_hash(&w->key);
	idm_slots_prefetch(&l->m->table, w->hash);
	idm_fetch(&l->slots[w->row.one_id & (((size_t)1 << l->bits) - 1)]);
	if (l->next >= HALF)
		fetch_name(l, l->next - HALF);
	l->next++;
	return 0;
}

static int load_ids(struct loader *l, struct cdp_txn *t, struct cdp_err *err)
{
	int rc = cdp_txn_each(t, "ids", NULL, load_id, l, err);

	for (uint32_t i = l->next < WAITING ? 0 : l->next - WAITING;
	     i < l->next && rc == 0; i++)
		rc = settle_id(l, i, err);
	return rc;
}

static void settle_link(struct loader *l, size_t i)
{
	const struct waiting_link *w = &l->links[i % WAITING];

	idm_link(l->m, w->a, w->b, w->row.first, w->row.last);
	l->m->links[l->m->nlinks - 1].flags = 0;
}

static int load_link(void *ctx, struct cdp_bytes key, struct cdp_bytes value,
		     struct cdp_err *err)
{
	struct loader *l = ctx;
	struct waiting_link *w = &l->links[l->nlinks % WAITING];

	if (l->nlinks >= WAITING)
		settle_link(l, l->nlinks - WAITING);
	if (key.n != 8 || value.n != sizeof(w->row))
		return idm_damaged(err);
	w->a = number_at(key.p);
	w->b = number_at((const char *)key.p + 4);
	if (w->a >= w->b || w->b >= l->m->count)
		return idm_damaged(err);
	memcpy(&w->row, value.p, sizeof(w->row));
	idm_fetch(idm_own(l->m, w->b));
	l->nlinks++;
	return 0;
}

static int load_links(struct loader *l, struct cdp_txn *t, struct cdp_err *err)
{
	int rc = cdp_txn_each(t, "links", NULL, load_link, l, err);

	for (size_t i = l->nlinks < WAITING ? 0 : l->nlinks - WAITING;
	     i < l->nlinks && rc == 0; i++)
		settle_link(l, i);
	return rc;
}

static int load_part(void *ctx, struct cdp_bytes key, struct cdp_bytes value,
		     struct cdp_err *err)
{
	struct loader *l = ctx;
	struct cdp_identity *m = l->m;
	uint32_t a, b, ids = m->count;
	int64_t ms;

	if (key.n != 16 || value.n != 0)
		return idm_damaged(err);
	a = number_at(key.p);
	b = number_at((const char *)key.p + 4);
	ms = (int64_t)((uint64_t)number_at((const char *)key.p + 8) << 32 |
		       number_at((const char *)key.p + 12));
	if (a >= b || a >= ids || (b >= ids && b != NONE))
		return idm_damaged(err);
	idm_part(m, a, b, ms);
	m->stored_parts++;
	return 0;
}

static int load_tables(struct loader *l, struct cdp_txn *t, struct cdp_err *err)
{
	int rc = cdp_txn_each(t, "kinds", NULL, load_kind, l, err);

	l->s->kinds = l->next;
	l->next = 1; /* source 0 is none */
	if (rc == 0)
		rc = cdp_txn_each(t, "sources", NULL, load_source, l, err);
	l->s->sources = l->next;
	l->next = 0;
	if (rc == 0)
		rc = load_ids(l, t, err);
	if (rc == 0)
		rc = load_links(l, t, err);
	return rc < 0 ? -1 : cdp_txn_each(t, "parts", NULL, load_part, l, err);
}

int idm_load(struct cdp_identity *m, struct idm_stored *s, struct cdp_txn *t,
	     struct cdp_err *err)
{
	struct loader *l = cdp_calloc(1, sizeof(*l));
	int rc;

	l->m = m;
	l->s = s;
	l->bits = 10;
	l->slots = cdp_calloc((size_t)1 << l->bits, sizeof(*l->slots));
	rc = load_tables(l, t, err);
	free(l->slots);
	free(l);
	m->nfixed = m->nkinds;
	return rc;
}
