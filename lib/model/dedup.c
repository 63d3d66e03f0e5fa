#include "model/dedup.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>

enum { SLICES = 1024, FIRST_CAP = 1024 };

/* Times are kept as numbers of slices of 1/1024 of the window; 32 bits of them suffice,
 * as what lives is at most a window (and what a wrong clock adds) apart. */
struct entry {
	uint64_t id;
	uint32_t content; /* 0: free */
	uint32_t slice;
};

struct cdp_dedup {
	struct entry *v;
	size_t cap, n; /* cap: a power of two */
	int64_t slice_ms, latest_ms;
	int64_t mark; /* slice of the latest time, INT64_MIN before the first */
};

struct cdp_dedup *cdp_dedup_new(int64_t window_ms, int64_t latest_ms)
{
	struct cdp_dedup *d = cdp_calloc(1, sizeof(*d));

	d->slice_ms = window_ms < SLICES ? 1 : window_ms / SLICES;
	d->latest_ms = latest_ms;
	d->mark = INT64_MIN;
	d->cap = FIRST_CAP;
	d->v = cdp_calloc(d->cap, sizeof(*d->v));
	return d;
}

void cdp_dedup_free(struct cdp_dedup *d)
{
	if (!d)
		return;
	free(d->v);
	free(d);
}

static bool is_live(const struct cdp_dedup *d, uint32_t slice)
{
	return (int32_t)((uint32_t)d->mark - slice) <= SLICES;
}

static struct entry *find_free(struct entry *v, size_t cap, uint64_t id)
{
	size_t i = id & (cap - 1);

	while (v[i].content)
		i = (i + 1) & (cap - 1);
	return &v[i];
}

/* Into a table that fits what still lives. */
static void rebuild(struct cdp_dedup *d)
{
	struct entry *old = d->v;
	size_t old_cap = d->cap, live = 0;

	for (size_t i = 0; i < old_cap; i++)
		live += old[i].content && is_live(d, old[i].slice);
	for (d->cap = FIRST_CAP; d->cap / 16 * 9 < live;)
		d->cap *= 2;
	d->v = cdp_calloc(d->cap, sizeof(*d->v));
	for (size_t i = 0; i < old_cap; i++)
		if (old[i].content && is_live(d, old[i].slice))
			*find_free(d->v, d->cap, old[i].id) = old[i];
	d->n = live;
	free(old);
}

static int64_t slice_of(const struct cdp_dedup *d, int64_t ms)
{
	return ms / d->slice_ms - (ms % d->slice_ms < 0);
}

enum cdp_seen cdp_dedup_see(struct cdp_dedup *d, uint64_t id, uint32_t content,
			    int64_t ms)
{
	int64_t slice = slice_of(d, ms);
	bool id_known = false;
	size_t i;

	if (slice > d->mark && (ms <= d->latest_ms || d->mark == INT64_MIN))
		d->mark = slice_of(d, ms <= d->latest_ms ? ms : d->latest_ms);
	if (slice < d->mark - SLICES)
		return CDP_SEEN_TOO_OLD;
	content = content ? content : 1;
	for (i = id & (d->cap - 1); d->v[i].content; i = (i + 1) & (d->cap - 1)) {
		if (d->v[i].id != id || !is_live(d, d->v[i].slice))
			continue;
		if (d->v[i].content == content)
			return CDP_SEEN_AGAIN;
		id_known = true;
	}
	d->v[i] = (struct entry){ id, content, (uint32_t)slice };
	if (++d->n > d->cap / 4 * 3)
		rebuild(d);
	return id_known ? CDP_SEEN_ID_ONLY : CDP_SEEN_NEW;
}

size_t cdp_dedup_memory(const struct cdp_dedup *d)
{
	return d->cap * sizeof(*d->v);
}
