/* What does not fit into memory: sorted runs, the small ones merged into the larger, so
 * that a key is rewritten as often as the whole has doubled since. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/dedup_priv.h"

char *dedup_run_path(const struct cdp_dedup *d, uint64_t number)
{
	if (!d->dir)
		return NULL;
	return cdp_asprintf("%s/run-%06llu", d->dir, (unsigned long long)number);
}

/* The full second of a time that is kept in 32 bits. */
static int64_t widen(const struct cdp_dedup *d, uint32_t at)
{
	return d->mark + (int32_t)(at - (uint32_t)d->mark);
}

/* A run in the making. */
struct making {
	struct cdp_keyrun_out *out;
	uint64_t number;
	int64_t newest;
};

static int start(struct making *m, struct cdp_dedup *d, uint64_t most,
		 struct cdp_err *err)
{
	char *path;

	*m = (struct making){ .number = d->next_file++, .newest = INT64_MIN };
	path = dedup_run_path(d, m->number);
	m->out = cdp_keyrun_create(path, most, err);
	free(path);
	return m->out ? 0 : -1;
}

static int add(struct making *m, const struct cdp_dedup *d, const struct cdp_key *key,
	       struct cdp_err *err)
{
	int64_t at = widen(d, key->at);

	if (!dedup_is_live(d, key->at))
		return 0;
	if (at > m->newest)
		m->newest = at;
	return cdp_keyrun_add(m->out, key, err);
}

static void drop(struct cdp_dedup *d, unsigned i)
{
	cdp_keyrun_close(d->runs[i].keys);
	if (d->dir) {
		CDP_GROW(d->garbage, d->ngarbage, d->garbage_cap);
		d->garbage[d->ngarbage++] = d->runs[i].number;
	}
	memmove(&d->runs[i], &d->runs[i + 1], (d->nruns - i - 1) * sizeof(d->runs[0]));
	d->nruns--;
}

/* Of an id that both have, the newer one's key is the one that lives longer. */
static int interleave(struct making *m, const struct cdp_dedup *d,
		      const struct cdp_keyrun *older, const struct cdp_keyrun *newer,
		      struct cdp_err *err)
{
	uint64_t na, nb, i = 0, j = 0;
	const struct cdp_key *a = cdp_keyrun_keys(older, &na);
	const struct cdp_key *b = cdp_keyrun_keys(newer, &nb);

	while (i < na || j < nb) {
		const struct cdp_key *key;

		if (j == nb || (i < na && a[i].id < b[j].id)) {
			key = &a[i++];
		} else {
			i += i < na && a[i].id == b[j].id;
			key = &b[j++];
		}
		if (add(m, d, key, err) < 0)
			return -1;
	}
	return 0;
}

/* The last two runs become one. */
static int merge(struct cdp_dedup *d, struct cdp_err *err)
{
	const struct cdp_keyrun *older = d->runs[d->nruns - 2].keys;
	const struct cdp_keyrun *newer = d->runs[d->nruns - 1].keys;
	struct cdp_keyrun *both;
	struct making m;
	uint64_t na, nb;

	cdp_keyrun_keys(older, &na);
	cdp_keyrun_keys(newer, &nb);
	if (start(&m, d, na + nb, err) < 0)
		return -1;
	if (interleave(&m, d, older, newer, err) < 0) {
		cdp_keyrun_abandon(m.out);
		return -1;
	}
	both = cdp_keyrun_finish(m.out, m.newest, err);
	if (!both)
		return -1;
	drop(d, d->nruns - 1);
	drop(d, d->nruns - 1);
	d->runs[d->nruns++] = (struct dedup_run){ both, m.number };
	return 0;
}

static int tidy(struct cdp_dedup *d, struct cdp_err *err)
{
	uint64_t na, nb;

	for (unsigned i = d->nruns; i > 0; i--)
		if (cdp_keyrun_note(d->runs[i - 1].keys) < d->mark - d->window_s)
			drop(d, i - 1);
	while (d->nruns > 1) {
		cdp_keyrun_keys(d->runs[d->nruns - 2].keys, &na);
		cdp_keyrun_keys(d->runs[d->nruns - 1].keys, &nb);
		if (na > 2 * nb)
			break;
		if (merge(d, err) < 0)
			return -1;
	}
	return 0;
}

/* Keys stand near their place: each moves but a little. */
static void sort_nearly_sorted(struct cdp_key *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct cdp_key e = v[i];
		size_t j = i;

		for (; j > 0 && v[j - 1].id > e.id; j--)
			v[j] = v[j - 1];
		v[j] = e;
	}
}

int dedup_spill(struct cdp_dedup *d, struct cdp_err *err)
{
	struct cdp_keyrun *keys = NULL;
	struct making m;
	size_t n = 0;

	for (size_t i = 0; n < d->n; i++)
		if (d->v[i].content)
			d->v[n++] = d->v[i];
	sort_nearly_sorted(d->v, n);
	if (start(&m, d, n, err) == 0) {
		int rc = 0;

		for (size_t i = 0; i < n && rc == 0; i++)
			rc = add(&m, d, &d->v[i], err);
		if (rc == 0)
			keys = cdp_keyrun_finish(m.out, m.newest, err);
		else
			cdp_keyrun_abandon(m.out);
	}
	memset(d->v, 0, cdp_dedup_memory(d));
	d->n = 0;
	if (!keys)
		return -1;
	d->runs[d->nruns++] = (struct dedup_run){ keys, m.number };
	d->npending = 0;
	d->overflow = false;
	d->new_runs = true;
	return tidy(d, err);
}
