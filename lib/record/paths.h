/* Inside of struct cdp_paths, for the scanners and explain.c only.
 *
 * The requested paths are a trie: a node is an object on a path, an edge one of its
 * members that somebody asked for.  Edge numbers are dense, so a scanner keeps its own
 * per-record notes beside them and the trie stays read-only. */
#ifndef CDP_RECORD_PATHS_H
#define CDP_RECORD_PATHS_H

#include "record/scan.h"

#include <string.h>

struct cdp_edge {
	uint64_t word;        /* the first eight key bytes, zero filled, little endian */
	uint32_t len;         /* bytes of the key */
	int32_t next;         /* next edge of the bucket, -1 */
	int32_t slot;         /* -1: only a way to deeper ones */
	int32_t node;         /* -1: a leaf */
	char *key;            /* decoded */
	int32_t *below;       /* all slots under it */
	unsigned below_count; /* and how many */
};

struct cdp_node {
	int32_t *bucket; /* first edge or -1; never empty */
	unsigned shift;  /* 64 - log2(buckets) */
	unsigned count;  /* edges */
};

struct cdp_paths {
	struct cdp_edge *edges;
	unsigned edge_count, edge_cap;
	struct cdp_node *nodes; /* nodes[0] is the record itself */
	unsigned node_count, node_cap;
	unsigned slot_count;
};

static inline uint64_t cdp_load64(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	w = __builtin_bswap64(w);
#endif
	return w;
}

/* The first eight bytes of a key of n, zero filled; eight bytes at p are readable. */
static inline uint64_t cdp_key_word(const char *p, size_t n)
{
	uint64_t w = cdp_load64(p);

	return n >= 8 ? w : w & ~(~(uint64_t)0 << (n * 8));
}

static inline unsigned cdp_key_bucket(const struct cdp_node *node, uint64_t word,
				      size_t n)
{
	return (unsigned)(((word + n) * 0x9e3779b97f4a7c15u) >> node->shift);
}

/* The edge of a decoded key, NULL if nobody asked for it. */
static inline const struct cdp_edge *cdp_key_edge(const struct cdp_paths *paths,
						  const struct cdp_node *node,
						  const char *p, size_t n)
{
	uint64_t w = cdp_key_word(p, n);
	int32_t i = node->bucket[cdp_key_bucket(node, w, n)];

	for (; i >= 0; i = paths->edges[i].next) {
		const struct cdp_edge *e = &paths->edges[i];

		if (e->word == w && e->len == n &&
		    (n <= 8 || memcmp(e->key + 8, p + 8, n - 8) == 0))
			return e;
	}
	return NULL;
}

#endif
