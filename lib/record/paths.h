/* Inside of struct cdp_paths, for the scanners and explain.c only.
 *
 * The requested paths are a trie: a node is an object on a path, an edge one of its
 * members that somebody asked for.  Edge numbers are dense, so a scanner keeps its own
 * per-record notes beside them and the trie stays read-only. */
#ifndef CDP_RECORD_PATHS_H
#define CDP_RECORD_PATHS_H

#include "base/swar.h"
#include "record/scan.h"

#include <string.h>

struct cdp_edge {
	uint64_t word; /* the first eight key bytes, zero filled, little endian */
	uint64_t tail; /* the last eight; the same as `word` if there are no more */
	uint32_t len;  /* bytes of the key */
	int32_t next;  /* next edge of the bucket, or CDP_NO_EDGE */
	int32_t slot;  /* CDP_NO_SLOT: only a way to deeper ones */
	int32_t node;  /* -1: a leaf */
};

/* What a scanner seldom needs of it. */
struct cdp_edge_more {
	char *key;      /* decoded */
	int32_t *below; /* all slots under it */
	unsigned below_count;
};

/* Edge 0 stands for all members that nobody asked for. */
enum { CDP_NO_EDGE = 0, CDP_NO_SLOT = -1 };

struct cdp_node {
	int32_t *bucket; /* first edge or CDP_NO_EDGE; never empty */
	uint64_t
		factor; /* of the hash: one that keeps the edges apart, if there is one */
	unsigned shift; /* 64 - log2(buckets) */
	uint64_t lengths; /* bit n % 64: some key has n bytes */
	int32_t *edges;   /* in order of their making */
	unsigned count, cap;
};

struct cdp_paths {
	struct cdp_edge *edges;
	struct cdp_edge_more *more; /* by edge */
	unsigned edge_count, edge_cap, more_cap;
	struct cdp_node *nodes; /* nodes[0] is the record itself */
	unsigned node_count, node_cap;
	unsigned slot_count;
	char *key; /* of slot CDP_SLOT_ONE_ID; NULL: one_id */
};

/* The first eight bytes of a key of n, zero filled; eight bytes at p are readable. */
static inline uint64_t cdp_key_word(const char *p, size_t n)
{
	static const uint64_t mask[9] = { 0,
					  0xff,
					  0xffff,
					  0xffffff,
					  0xffffffff,
					  0xffffffffff,
					  0xffffffffffff,
					  0xffffffffffffff,
					  0xffffffffffffffff };

	return cdp_load64(p) & mask[n < 8 ? n : 8];
}

static inline unsigned cdp_key_bucket(const struct cdp_node *node, uint64_t word,
				      size_t n)
{
	return (unsigned)(((word + n) * node->factor) >> node->shift);
}

/* The rare end of cdp_key_edge: two edges in a bucket, or a key longer than 16. */
const struct cdp_edge *cdp_key_chain(const struct cdp_paths *paths, int32_t edge,
				     const char *p, size_t n);

/* The edge of a decoded key; edge 0 if nobody asked for it. */
static inline const struct cdp_edge *cdp_key_edge(const struct cdp_paths *paths,
						  const struct cdp_node *node,
						  const char *p, size_t n)
{
	uint64_t word = cdp_key_word(p, n);
	int32_t i = node->bucket[cdp_key_bucket(node, word, n)];
	const struct cdp_edge *e;

	if (!i)
		return paths->edges;
	e = &paths->edges[i];
	if (__builtin_expect(
		    e->word == word && e->len == n &&
			    (n <= 8 || (n <= 16 && cdp_load64(p + n - 8) == e->tail)),
		    1))
		return e;
	return cdp_key_chain(paths, i, p, n);
}

#endif
