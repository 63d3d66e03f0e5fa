#include "cli/segment_merges.h"

#include <stdlib.h>

#include "base/intern.h"
#include "base/mem.h"
#include "record/json.h"

struct cdp_segment_merges {
	struct cdp_intern *keys;
	uint32_t *into; /* by key: who it became; itself if nobody */
	size_t cap;
	struct cdp_paths *paths;
	int merge, from, to;
	/* once placed */
	struct cdp_bitmap *gone;
	uint32_t *ordinals; /* by ordinal of the gone */
};

static uint32_t put(struct cdp_segment_merges *m, const struct cdp_val *v)
{
	bool added;
	uint32_t id = cdp_intern_put(m->keys, v->p, v->n, &added);

	if (added) {
		CDP_GROW(m->into, id, m->cap);
		m->into[id] = id;
	}
	return id;
}

static uint32_t find(struct cdp_segment_merges *m, uint32_t id)
{
	while (m->into[id] != id)
		id = m->into[id] = m->into[m->into[id]];
	return id;
}

/* Who merged and came back under their old name is who they were. */
static int add_row(void *ctx, struct cdp_rec *rec, struct cdp_emit *emit,
		   struct cdp_err *err)
{
	struct cdp_segment_merges *m = ctx;
	const struct cdp_val *merge = cdp_rec_get(rec, m->merge);
	const struct cdp_val *from = cdp_rec_get(rec, m->from);
	const struct cdp_val *to = cdp_rec_get(rec, m->to);
	uint32_t a, b;

	(void)emit;
	if (merge->type != CDP_STRING || from->type != CDP_STRING || from->escaped ||
	    to->type != CDP_STRING || to->escaped)
		return cdp_err_set(err, CDP_ERR_DATA, "not a row of a merge log");
	/* Only an id went; the person is still there. */
	if (cdp_val_is(merge, "moved", 5))
		return 0;
	a = put(m, from);
	b = put(m, to);
	m->into[b] = b;
	if (find(m, a) != b)
		m->into[find(m, a)] = b;
	return 0;
}

int cdp_segment_merges_read(struct cdp_cli *cli, struct cdp_segment_merges **out,
			    const char *path, struct cdp_err *err)
{
	struct cdp_segment_merges *m = *out = cdp_calloc(1, sizeof(*m));
	struct cdp_job job = { .ctx = m, .record = add_row, .serial = true };

	m->keys = cdp_intern_new(0);
	job.paths = m->paths = cdp_paths_new();
	m->merge = cdp_paths_add(m->paths, "merge", 5, err);
	m->from = cdp_paths_add(m->paths, "from", 4, err);
	m->to = cdp_paths_add(m->paths, "into", 4, err);
	return cdp_cli_run_whole(cli, &job, path, "of no merge log", err);
}

void cdp_segment_merges_free(struct cdp_segment_merges *m)
{
	if (!m)
		return;
	cdp_intern_free(m->keys);
	cdp_paths_free(m->paths);
	cdp_bitmap_free(m->gone);
	free(m->into);
	free(m->ordinals);
	free(m);
}

const char *cdp_segment_merges_key(struct cdp_segment_merges *m, const char *p, size_t n,
				   size_t *len)
{
	uint32_t id = cdp_intern_get(m->keys, p, n);

	if (id != CDP_INTERN_NONE)
		return cdp_intern_key(m->keys, find(m, id), len);
	*len = n;
	return p;
}

int cdp_segment_merges_place(struct cdp_segment_merges *m, struct cdp_keydict *d,
			     struct cdp_err *err)
{
	uint32_t n = cdp_intern_count(m->keys);

	m->gone = cdp_bitmap_new();
	m->ordinals = cdp_calloc((size_t)cdp_keydict_count(d) + 1, sizeof(*m->ordinals));
	for (uint32_t i = 0; i < n; i++) {
		uint32_t to = find(m, i), a, b;
		size_t an, bn;
		const char *p = cdp_intern_key(m->keys, i, &an),
			   *q = cdp_intern_key(m->keys, to, &bn);

		if (to == i)
			continue;
		if (cdp_keydict_find(d, p, an, &a, err) < 0 ||
		    cdp_keydict_find(d, q, bn, &b, err) < 0)
			return -1;
		if (a == CDP_INTERN_NONE || b == CDP_INTERN_NONE)
			continue;
		cdp_bitmap_add(m->gone, a);
		m->ordinals[a] = b;
	}
	return 0;
}

struct cdp_bitmap *cdp_segment_merges_apply(const struct cdp_segment_merges *m,
					    const struct cdp_bitmap *b)
{
	struct cdp_bitmap *gone = cdp_bitmap_and(b, m->gone),
			  *made = cdp_bitmap_andnot(b, gone);
	uint32_t v[256];
	uint64_t from = 0;
	size_t n;

	while ((n = cdp_bitmap_next(gone, &from, v, 256)))
		for (size_t i = 0; i < n; i++)
			cdp_bitmap_add(made, m->ordinals[v[i]]);
	cdp_bitmap_free(gone);
	return made;
}
