#include "model/dedup.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"
#include "model/dedup_priv.h"

#include <stdlib.h>
#include <string.h>

/* Clusters of a table that is three quarters full are some hundreds long at most. */
enum { FIRST_CAP = 1024, TAIL = 1024 };

/* Thirty years ahead of all others is as good as any more. */
#define FAR_S ((int64_t)1 << 30)

static struct cdp_key *table_new(size_t cap)
{
	return cdp_calloc(cap + TAIL, sizeof(struct cdp_key));
}

struct cdp_dedup *cdp_dedup_open(const struct cdp_dedup_opts *opts, struct cdp_err *err)
{
	struct cdp_dedup *d = cdp_calloc(1, sizeof(*d));

	d->window_s = (opts->window_ms + 999) / 1000;
	if (d->window_s > INT32_MAX)
		d->window_s = INT32_MAX;
	d->latest_ms = opts->latest_ms;
	d->mark = INT64_MIN;
	d->lock = -1;
	d->cap = d->max_cap = FIRST_CAP;
	/* While it grows there is one of half the size beside it. */
	while (!opts->memory ? d->max_cap < (size_t)1 << 40
			     : d->max_cap * 2 * sizeof(*d->v) / 2 * 3 <= opts->memory)
		d->max_cap *= 2;
	d->v = table_new(d->cap);
	d->seed = cdp_hash("dedup", 5);
	if (!opts->dir || dedup_state_open(d, opts->dir, err) == 0)
		return d;
	cdp_dedup_close(d);
	return NULL;
}

void cdp_dedup_close(struct cdp_dedup *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < d->nruns; i++)
		cdp_keyrun_close(d->runs[i].keys);
	dedup_state_close(d);
	free(d->v);
	free(d);
}

uint64_t cdp_dedup_seed(const struct cdp_dedup *d)
{
	return d->seed;
}

static size_t home(const struct cdp_dedup *d, uint64_t id)
{
	return (size_t)((unsigned __int128)id * d->cap >> 64);
}

/* The place of the id, or the free one where it belongs; NULL: the tail is full. */
static struct cdp_key *place(const struct cdp_dedup *d, uint64_t id)
{
	struct cdp_key *e = d->v + home(d, id), *end = d->v + d->cap + TAIL;

	while (e < end && e->content && e->id != id)
		e++;
	return e < end ? e : NULL;
}

/* From left to right: the places before the present one are final, and each key finds a
 * free one there or its own. */
static void forget_old(struct cdp_dedup *d)
{
	d->n = 0;
	for (size_t i = 0; i < d->cap + TAIL; i++) {
		struct cdp_key e = d->v[i];

		d->v[i].content = 0;
		if (!e.content || !dedup_is_live(d, e.at))
			continue;
		*place(d, e.id) = e;
		d->n++;
	}
}

static void grow(struct cdp_dedup *d, size_t cap)
{
	struct cdp_key *old = d->v, *e;
	size_t old_size = d->cap + TAIL;

	for (;; cap *= 2) {
		size_t i = 0;

		d->cap = cap;
		d->v = table_new(cap);
		d->n = 0;
		for (; i < old_size; i++) {
			if (!old[i].content || !dedup_is_live(d, old[i].at))
				continue;
			e = place(d, old[i].id);
			if (!e)
				break;
			*e = old[i];
			d->n++;
		}
		if (i == old_size)
			break;
		free(d->v);
	}
	free(old);
}

/* At least half of the places are free afterwards: what is forgotten pays for the look at
 * all of them. */
static int make_room(struct cdp_dedup *d, struct cdp_err *err)
{
	size_t before = d->n;

	forget_old(d);
	if (d->n <= d->cap / 2 && d->n < before)
		return 0;
	if (d->cap == d->max_cap)
		return dedup_spill(d, err);
	grow(d, d->cap * 2);
	return 0;
}

int dedup_put(struct cdp_dedup *d, uint64_t id, uint32_t content, uint32_t at,
	      struct cdp_err *err)
{
	struct cdp_key *e;

	while (!(e = place(d, id)))
		if (make_room(d, err) < 0)
			return -1;
	d->n += !e->content;
	*e = (struct cdp_key){ id, content, at };
	if (d->dir)
		dedup_state_note(d, e);
	d->uncommitted++;
	return d->n > d->cap / 4 * 3 ? make_room(d, err) : 0;
}

/* What is known of an id: content 0 if nothing is. */
static struct cdp_key find(const struct cdp_dedup *d, uint64_t id)
{
	const struct cdp_key *e = place(d, id);

	/* A newer run knows better than an older one. */
	for (unsigned i = d->nruns; (!e || !e->content) && i > 0; i--)
		e = cdp_keyrun_find(d->runs[i - 1].keys, id);
	if (e && e->content && dedup_is_live(d, e->at))
		return *e;
	return (struct cdp_key){ 0 };
}

void cdp_dedup_ahead(const struct cdp_dedup *d, uint64_t id)
{
	__builtin_prefetch(&d->v[home(d, id)]);
	for (unsigned i = 0; i < d->nruns; i++)
		cdp_keyrun_ahead(d->runs[i].keys, id);
}

static int64_t second_of(int64_t ms)
{
	return ms / 1000 - (ms % 1000 < 0);
}

/* The first bearer of an id stands under the id, the others under ids of their own made
 * of id and content: so an id that a whole log bears makes no long chains.  The first
 * one's time is the latest of all, so that it is known for as long as any of them is. */
static int see_other(struct cdp_dedup *d, const struct cdp_key *first, uint32_t content,
		     uint32_t at, struct cdp_err *err)
{
	uint64_t id = cdp_mix64(first->id ^ cdp_mix64(content));
	struct cdp_key known = find(d, id);

	if (known.content == content)
		return CDP_SEEN_AGAIN;
	if (dedup_put(d, id, content, at, err) < 0)
		return -1;
	if ((int32_t)(at - first->at) > 0 &&
	    dedup_put(d, first->id, first->content, at, err) < 0)
		return -1;
	return CDP_SEEN_ID_ONLY;
}

int cdp_dedup_see(struct cdp_dedup *d, uint64_t id, uint32_t content, int64_t ms,
		  struct cdp_err *err)
{
	int64_t second = second_of(ms);
	struct cdp_key known;

	if (second > d->mark && (ms <= d->latest_ms || d->mark == INT64_MIN))
		d->mark = second_of(ms <= d->latest_ms ? ms : d->latest_ms);
	if (second < d->mark - d->window_s)
		return CDP_SEEN_TOO_OLD;
	if (second > d->mark + FAR_S)
		second = d->mark + FAR_S;
	content = content ? content : 1;
	known = find(d, id);
	if (known.content == content)
		return CDP_SEEN_AGAIN;
	if (known.content)
		return see_other(d, &known, content, (uint32_t)second, err);
	return dedup_put(d, id, content, (uint32_t)second, err) < 0 ? -1 : CDP_SEEN_NEW;
}

size_t cdp_dedup_memory(const struct cdp_dedup *d)
{
	return (d->cap + TAIL) * sizeof(*d->v);
}

uint64_t cdp_dedup_spilled(const struct cdp_dedup *d)
{
	uint64_t all = 0, n;

	for (unsigned i = 0; i < d->nruns; i++) {
		cdp_keyrun_keys(d->runs[i].keys, &n);
		all += n;
	}
	return all;
}

uint64_t cdp_dedup_uncommitted(const struct cdp_dedup *d)
{
	return d->uncommitted;
}
