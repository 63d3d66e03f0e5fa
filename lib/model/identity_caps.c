/* Caps on how many values of a shared kind a person has.
 *
 * Among the ids that reach a person in the same step, those seen first stay (ties: the
 * bytes of the value), those beyond the cap are put aside: each is a person of its own
 * and joins nothing.  With "over":"old" those seen last stay instead; with "over":"all"
 * none does once there are too many. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/identity_priv.h"

struct caps {
	struct cdp_intern *of; /* by root and kind: */
	uint16_t *have;        /* values so far */
	size_t cap;
	struct entry *v;
	size_t n, v_cap;
};

struct entry {
	uint32_t root, id;
	int64_t when; /* the smaller, the better */
	uint8_t kind;
};

struct caps *idm_caps_new(const struct cdp_identity *m)
{
	struct caps *c;
	bool any = false;

	for (unsigned i = 0; i < m->nkinds; i++)
		any |= m->kind[i].role == KIND_SHARED && m->kind[i].def->max;
	if (!any)
		return NULL;
	c = cdp_calloc(1, sizeof(*c));
	c->of = cdp_intern_new(0);
	return c;
}

void idm_caps_free(struct caps *c)
{
	if (!c)
		return;
	cdp_intern_free(c->of);
	free(c->have);
	free(c->v);
	free(c);
}

static int cmp_entries(const void *pa, const void *pb, void *ctx)
{
	const struct entry *a = pa, *b = pb;

	if (a->root != b->root)
		return a->root < b->root ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->when != b->when)
		return a->when < b->when ? -1 : 1;
	return idm_cmp(ctx, a->id, b->id);
}

static void gather(struct caps *c, struct cdp_identity *m, const uint32_t *root,
		   const uint32_t *ids, size_t n)
{
	c->n = 0;
	for (size_t i = 0; i < n; i++) {
		const struct cdp_idkind *k = m->kind[m->id[ids[i]].kind].def;

		if (!k || !k->max)
			continue;
		CDP_GROW(c->v, c->n, c->v_cap);
		c->v[c->n++] = (struct entry){
			root[ids[i]],
			ids[i],
			k->over == CDP_OVER_OLD ? -1 - idm_last(m, ids[i])
						: idm_first(m, ids[i]),
			m->id[ids[i]].kind,
		};
	}
}

/* Values that the person has of the kind already. */
static uint16_t *had(struct caps *c, const struct entry *e)
{
	uint32_t key[2] = { e->root, e->kind }, i;
	bool added;

	i = cdp_intern_put(c->of, (const char *)key, sizeof(key), &added);
	CDP_GROW(c->have, i, c->cap);
	if (added)
		c->have[i] = 0;
	return &c->have[i];
}

void idm_caps_mark(struct caps *c, struct cdp_identity *m, const uint32_t *root,
		   const uint32_t *ids, size_t n)
{
	gather(c, m, root, ids, n);
	if (c->n)
		qsort_r(c->v, c->n, sizeof(*c->v), cmp_entries, m);
	for (size_t i = 0, k; i < c->n; i = k) {
		const struct cdp_idkind *kind = m->kind[c->v[i].kind].def;
		uint16_t *have = had(c, &c->v[i]);
		size_t room = *have < kind->max ? kind->max - *have : 0;

		for (k = i; k < c->n && c->v[k].root == c->v[i].root &&
			    c->v[k].kind == c->v[i].kind;
		     k++)
			;
		if (k - i <= room)
			room = k - i;
		else if (kind->over == CDP_OVER_ALL)
			room = 0;
		*have = (uint16_t)(*have + room);
		for (size_t x = i + room; x < k; x++)
			m->id[c->v[x].id].flags |= ID_CONTESTED | ID_OVER;
	}
}
