#include "model/skew.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A generation holds three quarters of its slots. */
enum { SLOTS = CDP_SKEW_SESSIONS / 3 * 4, SLOT_BITS = 19 };
_Static_assert(SLOTS == 1 << SLOT_BITS, "slots are a power of two");

struct session {
	uint64_t key; /* 0: free */
	int64_t shift;
	int64_t last; /* time of its latest record */
};

struct generation {
	struct session *slots;
	size_t n;
};

struct cdp_skew {
	pthread_mutex_t lock;
	int64_t threshold;
	struct generation young, old;
};

struct cdp_skew *cdp_skew_new(int64_t threshold_ms)
{
	struct cdp_skew *s = cdp_calloc(1, sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	s->threshold = threshold_ms;
	s->young.slots = cdp_calloc(SLOTS, sizeof(*s->young.slots));
	s->old.slots = cdp_calloc(SLOTS, sizeof(*s->old.slots));
	return s;
}

void cdp_skew_free(struct cdp_skew *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s->young.slots);
	free(s->old.slots);
	free(s);
}

/* The slot of a key, or the free one where it belongs. */
static struct session *slot_of(const struct generation *g, uint64_t key)
{
	size_t i = (size_t)(key * 0x9e3779b97f4a7c15u >> (64 - SLOT_BITS));

	while (g->slots[i].key && g->slots[i].key != key)
		i = (i + 1) & (SLOTS - 1);
	return &g->slots[i];
}

static void retire(struct cdp_skew *s)
{
	struct generation empty = s->old;

	memset(empty.slots, 0, SLOTS * sizeof(*empty.slots));
	empty.n = 0;
	s->old = s->young;
	s->young = empty;
}

/* What is known of the session, in the young generation; key 0 if it is new. */
static struct session *find(struct cdp_skew *s, uint64_t key)
{
	struct session *at = slot_of(&s->young, key);
	const struct session *before;

	if (at->key)
		return at;
	if (s->young.n == CDP_SKEW_SESSIONS) {
		retire(s);
		at = slot_of(&s->young, key);
	}
	before = slot_of(&s->old, key);
	s->young.n++;
	if (before->key)
		*at = *before;
	return at;
}

int64_t cdp_skew_shift(struct cdp_skew *s, uint64_t key, bool named, int64_t ms,
		       int64_t late)
{
	struct session *at;
	int64_t shift;

	key += !key;
	pthread_mutex_lock(&s->lock);
	at = find(s, key);
	if (!at->key || (!named && (ms - at->last > CDP_SKEW_GAP_MS ||
				    at->last - ms > CDP_SKEW_GAP_MS)))
		*at = (struct session){
			.key = key,
			.shift = late > s->threshold || late < -s->threshold ? late : 0,
			.last = ms,
		};
	if (ms > at->last)
		at->last = ms;
	shift = at->shift;
	pthread_mutex_unlock(&s->lock);
	return shift;
}
