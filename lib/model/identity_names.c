/* From roots to persons with names. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "model/identity_priv.h"

/* A person published before. */
struct old {
	int64_t first;   /* of its ids, by all evidence */
	uint32_t strong; /* its strongest id; NONE if all are out */
};

static struct old *gather_old(const struct cdp_identity *m, uint32_t n)
{
	struct old *old = cdp_alloc(((size_t)m->npersons + 1) * sizeof(*old));

	for (uint32_t p = 0; p <= m->npersons; p++)
		old[p] = (struct old){ CDP_IDENTITY_NO_TIME, NONE };
	for (uint32_t i = 0; i < n; i++) {
		struct old *o = &old[m->person[i]];

		if (!m->person[i] || idm_is_out(m, i))
			continue;
		if (m->first[i] < o->first)
			o->first = m->first[i];
		if (o->strong == NONE || idm_stronger(m, i, o->strong))
			o->strong = i;
	}
	return old;
}

/* What names the person of a root: until persons are numbered, one word a root. */
enum { CLAIMED = 1u << 31 }; /* a published person, else the founding id */

/* The published person whose name each root keeps. */
static void claim(const struct cdp_identity *m, const uint32_t *root,
		  const struct old *old, uint32_t *by, uint32_t *claims)
{
	claims[0] = NONE;
	for (uint32_t p = 1; p <= m->npersons; p++) {
		uint32_t r = old[p].strong == NONE ? NONE : root[old[p].strong], q;

		claims[p] = r;
		if (r == NONE)
			continue;
		q = by[r] & ~(uint32_t)CLAIMED;
		if (by[r] == NONE || old[p].first < old[q].first ||
		    (old[p].first == old[q].first && m->names[p] < m->names[q]))
			by[r] = p | CLAIMED;
	}
}

/* For the other roots the id that founds the person. */
static void found(const struct cdp_identity *m, const uint32_t *root, uint32_t n,
		  uint32_t *by)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t r = root[i], f;

		if (r == NONE || (by[r] != NONE && (by[r] & CLAIMED)))
			continue;
		f = by[r];
		if (f == NONE || m->first[i] < m->first[f] ||
		    (m->first[i] == m->first[f] &&
		     idm_name(m, i, false, 0) < idm_name(m, f, false, 0)))
			by[r] = i;
	}
}

/* --- names that two persons would have --- */

struct taken {
	uint64_t name;
	uint32_t person;
	uint32_t founder; /* NONE: published before, keeps it */
};

struct order {
	const struct cdp_identity *m;
};

static int cmp_taken(const void *pa, const void *pb, void *ctx)
{
	const struct taken *a = pa, *b = pb;
	const struct order *o = ctx;

	if (a->name != b->name)
		return a->name < b->name ? -1 : 1;
	if (a->founder == b->founder)
		return 0;
	if (a->founder == NONE || b->founder == NONE)
		return a->founder == NONE ? -1 : 1;
	return idm_cmp(o->m, a->founder, b->founder);
}

static bool is_taken(const struct naming *out, uint64_t name)
{
	for (uint32_t p = 1; p <= out->npersons; p++)
		if (out->names[p] == name)
			return true;
	return false;
}

/* Rare: a founder whose name went to another person before, or two hashes that meet. */
static void part_names(const struct cdp_identity *m, struct naming *out,
		       const uint32_t *founder_of)
{
	struct taken *all = cdp_alloc(((size_t)out->npersons + 1) * sizeof(*all));
	struct order o = { m };

	for (uint32_t p = 1; p <= out->npersons; p++)
		all[p - 1] = (struct taken){ out->names[p], p, founder_of[p] };
	qsort_r(all, out->npersons, sizeof(*all), cmp_taken, &o);
	for (uint32_t i = 1; i < out->npersons; i++) {
		uint32_t f = all[i].founder, again = 0;
		bool contested = (m->flags[f == NONE ? 0 : f] & ID_CONTESTED) != 0;
		uint64_t name = all[i].name;

		if (name != all[i - 1].name || f == NONE)
			continue;
		while (is_taken(out, name))
			name = idm_name(m, f, contested, ++again);
		out->names[all[i].person] = name;
	}
	free(all);
}

static bool names_meet(const struct naming *out)
{
	unsigned bits = 4;
	uint32_t *seen; /* persons by name, 0: free */
	bool meet = false;
	size_t mask;

	while (((size_t)2 << bits) / 3 <= out->npersons)
		bits++;
	mask = ((size_t)1 << bits) - 1;
	seen = cdp_calloc(mask + 1, sizeof(*seen));
	for (uint32_t p = 1; p <= out->npersons && !meet; p++) {
		size_t i = out->names[p] & mask;

		while (seen[i] && out->names[seen[i]] != out->names[p])
			i = (i + 1) & mask;
		meet = seen[i] != 0;
		seen[i] = p;
	}
	free(seen);
	return meet;
}

/* --- */

/* Numbers the persons of the roots, in by[]; returns what founded each. */
static uint32_t *number_persons(const struct cdp_identity *m, const uint32_t *root,
				uint32_t n, uint32_t *by, struct naming *out)
{
	uint32_t *founder_of, p = 0;

	out->npersons = 0;
	for (uint32_t i = 0; i < n; i++)
		out->npersons += root[i] == i;
	out->names = cdp_calloc((size_t)out->npersons + 1, sizeof(*out->names));
	founder_of = cdp_alloc(((size_t)out->npersons + 1) * sizeof(*founder_of));
	for (uint32_t i = 0; i < n; i++) {
		bool claimed = (by[i] & CLAIMED) != 0;
		uint32_t f = by[i] & ~(uint32_t)CLAIMED;

		if (root[i] != i)
			continue;
		founder_of[++p] = claimed ? NONE : f;
		out->names[p] = claimed ? m->names[f]
					: idm_name(m, f, m->flags[f] & ID_CONTESTED, 0);
		by[i] = p;
	}
	return founder_of;
}

void idm_name_all(struct cdp_identity *m, uint32_t *root, struct naming *out)
{
	uint32_t n = cdp_intern_count(m->ids), *founder_of;
	uint32_t *by = cdp_alloc(((size_t)n + 1) * sizeof(*by));
	struct old *old = gather_old(m, n);

	for (uint32_t i = 0; i < n; i++)
		by[i] = NONE;
	out->claim = cdp_alloc(((size_t)m->npersons + 1) * sizeof(*out->claim));
	claim(m, root, old, by, out->claim);
	free(old);
	found(m, root, n, by);
	founder_of = number_persons(m, root, n, by, out);
	for (uint32_t p = 1; p <= m->npersons; p++)
		if (out->claim[p] != NONE)
			out->claim[p] = by[out->claim[p]];
	out->person = root;
	for (uint32_t i = 0; i < n; i++)
		root[i] = root[i] == NONE ? 0 : by[root[i]];
	free(by);
	if (names_meet(out))
		part_names(m, out, founder_of);
	free(founder_of);
}
