/* From roots to persons with names. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "model/identity_priv.h"

/* True if a founds rather than b: the older, of equals the one with the smaller name; an
 * id that was somebody else's before is as young as can be, so that its old name does not
 * come to a new person. */
static bool founds(const struct cdp_identity *m, uint32_t a, uint32_t b)
{
	int64_t fa = idm_first(m, a), fb = idm_first(m, b);

	if (m->id[a].freed != m->id[b].freed)
		return m->id[b].freed;
	return fa != fb ? fa < fb
			: idm_name(m, a, NAME_OF, 0) < idm_name(m, b, NAME_OF, 0);
}

/* Who founded the person of each root, in its place of `up`.  One that is also the root
 * of a group of joined ids has the founder of that group; others were parted from the
 * group of their strongest id and have one of their own. */
static void find_founders(struct cdp_identity *m, uint32_t *up, const uint32_t *root,
			  uint32_t n)
{
	/* Roots of groups are marked, as up[] of one becomes its founder. */
	for (uint32_t i = 0; i < n; i++) {
		m->id[i].flags &= (unsigned)~(ID_SPLIT | ID_PENDING);
		if (up[i] == i)
			m->id[i].flags |= ID_PENDING;
		else
			up[i] = idm_find(up, i);
	}
	for (uint32_t i = 0; i < n; i++) {
		if (n - i > IDM_AHEAD) {
			idm_fetch(&up[up[i + IDM_AHEAD]]);
			idm_fetch_all(&m->id[up[i + IDM_AHEAD]], sizeof(*m->id));
		}
		if (!(m->id[i].flags & ID_PENDING) && root[i] != NONE &&
		    founds(m, i, up[up[i]]))
			up[up[i]] = i;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (root[i] != i || m->id[i].flags & ID_PENDING)
			continue;
		m->id[i].flags |= ID_SPLIT;
		up[i] = i;
	}
	for (uint32_t i = 0; i < n; i++) {
		m->id[i].flags &= (unsigned)~ID_PENDING;
		if (root[i] != NONE && root[i] != i && m->id[root[i]].flags & ID_SPLIT &&
		    founds(m, i, up[root[i]]))
			up[root[i]] = i;
	}
}

/* --- names that two persons would have --- */

struct taken {
	uint64_t name;
	uint32_t person, founder;
	char how;
};

static int cmp_taken(const void *pa, const void *pb, void *ctx)
{
	const struct taken *a = pa, *b = pb;

	if (a->name != b->name)
		return a->name < b->name ? -1 : 1;
	return idm_cmp(ctx, a->founder, b->founder);
}

static bool is_taken(const struct naming *out, uint64_t name)
{
	for (uint32_t p = 1; p <= out->npersons; p++)
		if (out->names[p] == name)
			return true;
	return false;
}

/* How the name of the person of root r is made. */
static char how_named(const struct cdp_identity *m, uint32_t r)
{
	if (m->id[r].flags & ID_CONTESTED)
		return NAME_CONTESTED;
	return m->id[r].flags & ID_SPLIT ? NAME_PARTED : NAME_OF;
}

static uint32_t founder_of(const struct cdp_identity *m, const uint32_t *up, uint32_t r)
{
	return m->id[r].flags & ID_CONTESTED ? r : up[r];
}

/* Rare: two hashes that meet. */
static void part_names(struct cdp_identity *m, struct naming *out, const uint32_t *up,
		       const uint32_t *root, uint32_t n)
{
	struct taken *all = cdp_alloc(((size_t)out->npersons + 1) * sizeof(*all));
	uint32_t persons = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (root[i] != i)
			continue;
		all[persons] = (struct taken){ out->names[persons + 1], persons + 1,
					       founder_of(m, up, i), how_named(m, i) };
		persons++;
	}
	qsort_r(all, persons, sizeof(*all), cmp_taken, m);
	for (uint32_t i = 1; i < persons; i++) {
		uint64_t name = all[i].name;
		unsigned again = 0;

		if (name != all[i - 1].name)
			continue;
		while (is_taken(out, name))
			name = idm_name(m, all[i].founder, all[i].how, ++again);
		out->names[all[i].person] = name;
	}
	free(all);
}

static bool names_meet(const struct naming *out)
{
	enum { AHEAD = 16 };
	uint32_t *seen; /* persons by name, 0: free */
	bool meet = false;
	unsigned bits = 4;
	size_t mask;

	while (((size_t)2 << bits) / 3 <= out->npersons)
		bits++;
	mask = ((size_t)1 << bits) - 1;
	seen = cdp_calloc(mask + 1, sizeof(*seen));
	for (uint32_t p = 1; p <= out->npersons && !meet; p++) {
		size_t i = out->names[p] & mask;

		if (p + AHEAD <= out->npersons)
			idm_fetch(&seen[out->names[p + AHEAD] & mask]);
		while (seen[i] && out->names[seen[i]] != out->names[p])
			i = (i + 1) & mask;
		meet = seen[i] != 0;
		seen[i] = p;
	}
	free(seen);
	return meet;
}

/* --- persons published before --- */

/* Where the strongest id of each is now, as a root. */
static uint32_t *gather_claims(const struct cdp_identity *m, const uint32_t *root,
			       uint32_t n)
{
	uint32_t *strong = cdp_alloc(((size_t)m->npersons + 1) * sizeof(*strong));

	for (uint32_t p = 0; p <= m->npersons; p++)
		strong[p] = NONE;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t p = idm_person(m, i);

		if (p && !idm_is_out(m, i) &&
		    (strong[p] == NONE || idm_stronger(m, i, strong[p])))
			strong[p] = i;
	}
	for (uint32_t p = 0; p <= m->npersons; p++)
		strong[p] = strong[p] == NONE ? NONE : root[strong[p]];
	return strong;
}

/* --- */

/* Names the persons of the roots, in their order. */
static void name_persons(struct cdp_identity *m, const uint32_t *up, const uint32_t *root,
			 uint32_t n, struct naming *out)
{
	uint32_t p = 0;

	out->npersons = 0;
	for (uint32_t i = 0; i < n; i++)
		out->npersons += root[i] == i;
	out->names = cdp_calloc((size_t)out->npersons + 1, sizeof(*out->names));
	for (uint32_t i = 0; i < n; i++)
		if (root[i] == i)
			out->names[++p] =
				idm_name(m, founder_of(m, up, i), how_named(m, i), 0);
	if (names_meet(out))
		part_names(m, out, up, root, n);
}

void idm_name_all(struct cdp_identity *m, uint32_t *up, uint32_t *root,
		  struct naming *out)
{
	uint32_t n = m->count, *number = up, p = 0;

	find_founders(m, up, root, n);
	name_persons(m, up, root, n, out);
	for (uint32_t i = 0; i < n; i++)
		if (root[i] == i)
			number[i] = ++p;
	out->claim = gather_claims(m, root, n);
	for (p = 1; p <= m->npersons; p++)
		if (out->claim[p] != NONE)
			out->claim[p] = number[out->claim[p]];
	out->person = root;
	for (uint32_t i = 0; i < n; i++)
		root[i] = root[i] == NONE ? 0 : number[root[i]];
	free(number);
}
