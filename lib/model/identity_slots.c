/* Tables of numbers by a hash, kept in the order of the hashes (ordered hash tables:
 * Amble, Knuth 1974).
 *
 * Linear probing from a home that is the hash scaled to the size, so that all slots are
 * in order of the hash as well: who looks for one that is not there stops at a larger
 * one, also where the table is nearly full.  And growing is one pass from one end to the
 * other, within the same memory: the old slots are moved to its end and put back in their
 * order, never to a place that was not read yet. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/identity_priv.h"

/* TAIL: slots after the last home, the last one always free; at the loads here even 100
 * would be needed less than once in 10^14 tables. */
enum { FIRST = 1024, TAIL = 256, LARGE = 1 << 20, BLOCK = 512 };

static size_t full(size_t size)
{
	return size / 16 * 13;
}

static size_t bytes(size_t size)
{
	return (size + TAIL) * sizeof(uint64_t);
}

void idm_slots_init(struct slots *s, size_t expected)
{
	idm_slots_release(s);
	s->size = expected / 13 * 16 + FIRST;
	s->v = cdp_resize_large(NULL, 0, bytes(s->size));
	memset(s->v, 0, bytes(s->size));
}

void idm_slots_release(struct slots *s)
{
	if (s->v)
		cdp_resize_large(s->v, bytes(s->size), 0);
	*s = (struct slots){ 0 };
}

/* Those of the n slots at `from` that are not free; how many. */
static size_t gather(uint64_t *to, const uint64_t *from, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		to[k] = from[i];
		k += from[i] != 0;
	}
	return k;
}

/* Puts back what was gathered, in its order, into slots that are free; where it ended.
 * What decides about places are numbers, not branches, which nobody could foretell. */
static size_t put_back(struct slots *s, size_t to, const uint64_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t home = (size_t)((from[i] >> 32) * s->size >> 32);

		to = to < home ? home : to;
		s->v[to++] = from[i];
	}
	return to;
}

static void grow(struct slots *s)
{
	/* Large ones by less, for the sake of memory. */
	size_t old = s->size, more = old / (old < LARGE ? 1 : 7), to = 0, clean = 0;
	uint64_t block[BLOCK];
	uint64_t *v;

	if (old + more > UINT32_MAX)
		CDP_BUG("more than %zu ids or links", s->n);
	s->size += more;
	s->v = v = cdp_resize_large(s->v, bytes(old), bytes(s->size));
	memmove(v + more, v, bytes(old));
	for (size_t from = more, n; from < s->size + TAIL; from += n) {
		size_t full;

		n = s->size + TAIL - from < BLOCK ? s->size + TAIL - from : BLOCK;
		full = gather(block, v + from, n);
		memset(v + clean, 0, (from + n - clean) * sizeof(*v));
		clean = from + n;
		to = put_back(s, to, block, full);
	}
}

void idm_slots_add(struct slots *s, const uint64_t *place, uint64_t hash, uint32_t number)
{
	uint64_t e = (hash >> 32 << 32) | ((uint64_t)number + 1);
	uint64_t *p = s->v + (place - s->v);

	if (s->n >= full(s->size)) {
		grow(s);
		p = s->v + ((hash >> 32) * s->size >> 32);
		while (*p && *p < e)
			p++;
	}
	while (*p) {
		uint64_t next = *p;

		*p++ = e;
		e = next;
	}
	*p = e;
	s->n++;
	while (s->v[s->size + TAIL - 1])
		grow(s);
}
