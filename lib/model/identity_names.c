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

static inline void propose(const struct cdp_identity *m, uint32_t *founder, uint32_t of,
			   uint32_t id)
{
	if (founder[of] == NONE || founds(m, id, founder[of]))
		founder[of] = id;
}

/* Who founded the person of each root.  One that is also the root of a group of joined
 * ids has the founder of that group; others were parted from the group of their strongest
 * id and have one of their own. */
static uint32_t *find_founders(struct cdp_identity *m, uint32_t *up, const uint32_t *root,
			       uint32_t n)
{
	uint32_t *founder = cdp_alloc(((size_t)n + 1) * sizeof(*founder));

	for (uint32_t i = 0; i < n; i++)
		founder[i] = NONE;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t r = root[i];

		if (r == NONE)
			continue;
		propose(m, founder, idm_find(up, i), i);
		if (up[r] != r)
			propose(m, founder, r, i);
	}
	/* All that is still to be known of the groups: which roots are none of one. */
	for (uint32_t i = 0; i < n; i++) {
		m->id[i].flags &= (unsigned)~ID_SPLIT;
		if (root[i] == i && up[i] != i)
			m->id[i].flags |= ID_SPLIT;
	}
	free(up);
	return founder;
}

/* --- names that two persons would have --- */

struct founder {
	uint32_t id;
	char how;
} __attribute__((packed));

struct taken {
	uint64_t name;
	uint32_t person, founder;
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

/* Rare: two hashes that meet. */
static void part_names(struct cdp_identity *m, struct naming *out,
		       const struct founder *founder)
{
	struct taken *all = cdp_alloc(((size_t)out->npersons + 1) * sizeof(*all));

	for (uint32_t p = 1; p <= out->npersons; p++)
		all[p - 1] = (struct taken){ out->names[p], p, founder[p].id };
	qsort_r(all, out->npersons, sizeof(*all), cmp_taken, m);
	for (uint32_t i = 1; i < out->npersons; i++) {
		const struct founder *f = &founder[all[i].person];
		uint64_t name = all[i].name;
		unsigned again = 0;

		if (name != all[i - 1].name)
			continue;
		while (is_taken(out, name))
			name = idm_name(m, f->id, f->how, ++again);
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

/* Numbers the persons of the roots, in `number`, which has their founders first. */
static struct founder *number_persons(const struct cdp_identity *m, const uint32_t *root,
				      uint32_t n, uint32_t *number, struct naming *out)
{
	struct founder *founder;
	uint32_t p = 0;

	out->npersons = 0;
	for (uint32_t i = 0; i < n; i++)
		out->npersons += root[i] == i;
	out->names = cdp_calloc((size_t)out->npersons + 1, sizeof(*out->names));
	founder = cdp_alloc(((size_t)out->npersons + 1) * sizeof(*founder));
	for (uint32_t i = 0; i < n; i++) {
		struct founder *f;

		if (root[i] != i)
			continue;
		f = &founder[++p];
		f->how = how_named(m, i);
		f->id = f->how == NAME_CONTESTED ? i : number[i];
		out->names[p] = idm_name(m, f->id, f->how, 0);
		number[i] = p;
	}
	return founder;
}

void idm_name_all(struct cdp_identity *m, uint32_t *up, uint32_t *root,
		  struct naming *out)
{
	uint32_t n = m->count, *number;
	struct founder *founder;

	number = find_founders(m, up, root, n);
	founder = number_persons(m, root, n, number, out);
	out->claim = gather_claims(m, root, n);
	for (uint32_t p = 1; p <= m->npersons; p++)
		if (out->claim[p] != NONE)
			out->claim[p] = number[out->claim[p]];
	out->person = root;
	for (uint32_t i = 0; i < n; i++)
		root[i] = root[i] == NONE ? 0 : number[root[i]];
	free(number);
	if (names_meet(out))
		part_names(m, out, founder);
	free(founder);
}
