#include "base/intern.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

/* A slot is 0 when empty, else the upper 32 bits of the key's hash and below them id + 1.
 * A key's home is the top bits of its hash, so a table that doubles is read and written
 * front to back. */
enum { FIRST_KEYS = 32, SEGMENTS = 28 };

/* Most keys lie where their id leads, so that to find one is two steps. */
struct key {
	uint32_t n;
	union {
		char near[CDP_INTERN_NEAR]; /* if it fits */
		struct {
			char gap[4];
			const char *far;
		} __attribute__((packed));
	};
} __attribute__((aligned(8)));

struct cdp_intern {
	uint64_t *slots;
	unsigned bits; /* 1 << bits slots */
	uint32_t count;
	size_t full; /* count at which the table doubles: two thirds */
	/* By id: the first FIRST_KEYS, then as many again as there were before. */
	struct key *keys[SEGMENTS];
	size_t keys_cap;
	struct chunk *chunks; /* of keys that are longer; newest first */
	char *p, *end;        /* free part of the newest */
	size_t chunk_bytes;
};

struct chunk {
	struct chunk *next;
	char data[];
};

enum {
	MIN_BITS = 4,
	MAX_BITS = 32,
	FIRST_CHUNK = 1 << 10,
	LAST_CHUNK = 8 << 20,
};

static void set_bits(struct cdp_intern *t, unsigned bits)
{
	t->bits = bits;
	t->slots = cdp_calloc((size_t)1 << bits, sizeof(*t->slots));
	t->full = ((size_t)2 << bits) / 3;
	if (bits == MAX_BITS || t->full >= CDP_INTERN_NONE)
		t->full = CDP_INTERN_NONE;
}

struct cdp_intern *cdp_intern_new(size_t expected)
{
	struct cdp_intern *t = cdp_calloc(1, sizeof(*t));
	unsigned bits = MIN_BITS;

	while (bits < MAX_BITS && ((size_t)2 << bits) / 3 < expected)
		bits++;
	set_bits(t, bits);
	return t;
}

void cdp_intern_free(struct cdp_intern *t)
{
	if (!t)
		return;
	while (t->chunks) {
		struct chunk *next = t->chunks->next;

		free(t->chunks);
		t->chunks = next;
	}
	for (unsigned i = 0; i < SEGMENTS; i++)
		free(t->keys[i]);
	free(t->slots);
	free(t);
}

static inline size_t home_of(const struct cdp_intern *t, uint64_t tag)
{
	return (size_t)(tag >> (64 - t->bits));
}

static void grow(struct cdp_intern *t)
{
	uint64_t *old = t->slots;
	size_t n = (size_t)1 << t->bits;

	set_bits(t, t->bits + 1);
	for (size_t k = 0; k < n; k++) {
		size_t i, mask = ((size_t)1 << t->bits) - 1;

		if (!old[k])
			continue;
		for (i = home_of(t, old[k]); t->slots[i]; i = (i + 1) & mask)
			;
		t->slots[i] = old[k];
	}
	free(old);
}

/* Room for n bytes that stay where they are. */
static char *place(struct cdp_intern *t, size_t n)
{
	char *p;

	if ((size_t)(t->end - t->p) < n) {
		size_t size = t->chunk_bytes < FIRST_CHUNK  ? FIRST_CHUNK
			      : t->chunk_bytes > LAST_CHUNK ? LAST_CHUNK
							    : t->chunk_bytes;
		struct chunk *c;

		if (size < n)
			size = n;
		c = cdp_alloc(sizeof(*c) + size);
		c->next = t->chunks;
		t->chunks = c;
		t->chunk_bytes += sizeof(*c) + size;
		t->p = c->data;
		t->end = c->data + size;
	}
	p = t->p;
	t->p += n;
	return p;
}

/* Segment 0 ends at FIRST_KEYS, each other one at twice where it begins. */
static inline unsigned segment_of(uint32_t id)
{
	return (unsigned)__builtin_clz(FIRST_KEYS - 1) -
	       (unsigned)__builtin_clz(id | (FIRST_KEYS - 1));
}

static inline struct key *key_at(const struct cdp_intern *t, uint32_t id)
{
	unsigned s = segment_of(id);

	return &t->keys[s][s ? id - (FIRST_KEYS / 2 << s) : id];
}

static inline const char *text_of(const struct key *k)
{
	return k->n <= CDP_INTERN_NEAR ? k->near : k->far;
}

static uint32_t add_key(struct cdp_intern *t, const char *p, size_t n)
{
	struct key *k;
	char *text;

	if (n > UINT32_MAX)
		CDP_BUG("key of %zu bytes", n);
	if (t->count == t->keys_cap) {
		size_t more = t->keys_cap ? t->keys_cap : FIRST_KEYS;

		t->keys[segment_of(t->count)] = cdp_alloc(more * sizeof(*k));
		t->keys_cap += more;
	}
	k = key_at(t, t->count);
	text = n <= CDP_INTERN_NEAR ? k->near : place(t, n);
	if (n)
		memcpy(text, p, n);
	k->n = (uint32_t)n;
	if (n > CDP_INTERN_NEAR)
		k->far = text;
	return t->count++;
}

static inline uint64_t differ(const char *a, const char *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x ^ y;
}

static inline bool same_key(const struct key *k, const char *p, size_t n)
{
	if (k->n != n)
		return false;
	/* Most keys, by words of which the last may lie over the one before. */
	if (n >= 8 && n <= CDP_INTERN_NEAR)
		return !(differ(k->near, p) | differ(k->near + n - 8, p + n - 8) |
			 (n > 16 ? differ(k->near + 8, p + 8) : 0));
	return n == 0 || memcmp(text_of(k), p, n) == 0;
}

/* The slot that holds the key, or the empty one where it belongs. */
static inline size_t find(const struct cdp_intern *t, const char *p, size_t n,
			  uint64_t hash)
{
	size_t mask = ((size_t)1 << t->bits) - 1;
	size_t i = home_of(t, hash);

	for (; t->slots[i]; i = (i + 1) & mask) {
		if (((t->slots[i] ^ hash) >> 32) == 0 &&
		    same_key(key_at(t, (uint32_t)t->slots[i] - 1), p, n))
			break;
	}
	return i;
}

uint32_t cdp_intern_put_hashed(struct cdp_intern *t, const char *p, size_t n,
			       uint64_t hash, bool *added)
{
	size_t i = find(t, p, n, hash);
	uint32_t id;

	if (added)
		*added = !t->slots[i];
	if (t->slots[i])
		return (uint32_t)t->slots[i] - 1;
	if (t->count >= t->full) {
		if (t->full == CDP_INTERN_NONE)
			CDP_BUG("more than 2^32 - 1 different keys");
		grow(t);
		i = find(t, p, n, hash);
	}
	id = add_key(t, p, n);
	t->slots[i] = (hash & ~(uint64_t)UINT32_MAX) | (id + 1);
	return id;
}

uint32_t cdp_intern_put_guessed(struct cdp_intern *t, const char *p, size_t n,
				uint64_t hash, uint32_t guess)
{
	return guess < t->count && same_key(key_at(t, guess), p, n)
		       ? guess
		       : cdp_intern_put_hashed(t, p, n, hash, NULL);
}

uint32_t cdp_intern_put(struct cdp_intern *t, const char *p, size_t n, bool *added)
{
	return cdp_intern_put_hashed(t, p, n, cdp_hash(p, n), added);
}

void cdp_intern_prefetch(const struct cdp_intern *t, uint64_t hash)
{
	__builtin_prefetch(&t->slots[home_of(t, hash)]);
}

void cdp_intern_prefetch_where(const struct cdp_intern *t, uint64_t hash)
{
	uint64_t slot = t->slots[home_of(t, hash)];

	if (slot)
		cdp_intern_prefetch_where_id(t, (uint32_t)slot - 1);
}

void cdp_intern_prefetch_key(const struct cdp_intern *t, uint64_t hash)
{
	uint64_t slot = t->slots[home_of(t, hash)];

	if (slot)
		cdp_intern_prefetch_id(t, (uint32_t)slot - 1);
}

void cdp_intern_prefetch_where_id(const struct cdp_intern *t, uint32_t id)
{
	const struct key *k = key_at(t, id);

	__builtin_prefetch(k);
	__builtin_prefetch((const char *)(k + 1) - 1); /* it may end on the next line */
}

void cdp_intern_prefetch_id(const struct cdp_intern *t, uint32_t id)
{
	const struct key *k = key_at(t, id);

	if (k->n > CDP_INTERN_NEAR)
		__builtin_prefetch(k->far);
}

uint32_t cdp_intern_get_hashed(const struct cdp_intern *t, const char *p, size_t n,
			       uint64_t hash)
{
	size_t i = find(t, p, n, hash);

	return t->slots[i] ? (uint32_t)t->slots[i] - 1 : CDP_INTERN_NONE;
}

uint32_t cdp_intern_guess(const struct cdp_intern *t, uint64_t hash)
{
	size_t mask = ((size_t)1 << t->bits) - 1;

	for (size_t i = home_of(t, hash); t->slots[i]; i = (i + 1) & mask)
		if (((t->slots[i] ^ hash) >> 32) == 0)
			return (uint32_t)t->slots[i] - 1;
	return CDP_INTERN_NONE;
}

uint32_t cdp_intern_get(const struct cdp_intern *t, const char *p, size_t n)
{
	return cdp_intern_get_hashed(t, p, n, cdp_hash(p, n));
}

const char *cdp_intern_key(const struct cdp_intern *t, uint32_t id, size_t *n)
{
	const struct key *k;

	if (id >= t->count)
		CDP_BUG("id %u of %u", id, t->count);
	k = key_at(t, id);
	*n = k->n;
	return text_of(k);
}

uint32_t cdp_intern_count(const struct cdp_intern *t)
{
	return t->count;
}

/* Their keys lie in the order of their ids, so only the slots of `into` and its keys are
 * far apart. */
uint32_t *cdp_intern_put_all(struct cdp_intern *into, const struct cdp_intern *from)
{
	enum { NEAR = 8, FAR = 16, KEPT = 32 };
	uint32_t *map = cdp_alloc(from->count * sizeof(*map));
	uint64_t hash[KEPT];
	size_t n;

	for (uint64_t i = 0; i < (uint64_t)from->count + FAR; i++) {
		if (i < from->count) {
			const char *key = cdp_intern_key(from, (uint32_t)i, &n);

			hash[i % KEPT] = cdp_hash(key, n);
			cdp_intern_prefetch(into, hash[i % KEPT]);
		}
		if (i >= NEAR && i - NEAR < from->count)
			cdp_intern_prefetch_where(into, hash[(i - NEAR) % KEPT]);
		if (i >= FAR) {
			const char *key = cdp_intern_key(from, (uint32_t)(i - FAR), &n);

			map[i - FAR] = cdp_intern_put_hashed(
				into, key, n, hash[(i - FAR) % KEPT], NULL);
		}
	}
	return map;
}

void cdp_intern_seal(struct cdp_intern *t)
{
	free(t->slots);
	t->slots = NULL;
}

size_t cdp_intern_memory(const struct cdp_intern *t)
{
	return sizeof(*t) + (t->slots ? sizeof(*t->slots) << t->bits : 0) +
	       t->keys_cap * sizeof(struct key) + t->chunk_bytes;
}
