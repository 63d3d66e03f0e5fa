#include "record/paths.h"

#include "base/buf.h"
#include "base/mem.h"
#include "record/json.h"

#include <stdlib.h>

/* Nodes of more edges than FEW take what factor they have. */
enum { BUCKET_BITS_MIN = 5, FACTORS = 64, FEW = 256 };

static unsigned add_node(struct cdp_paths *p)
{
	struct cdp_node *n;

	CDP_GROW(p->nodes, p->node_count, p->node_cap);
	n = &p->nodes[p->node_count];
	*n = (struct cdp_node){ .factor = 0x9e3779b97f4a7c15u,
				.shift = 64 - BUCKET_BITS_MIN };
	n->bucket = cdp_calloc(1u << BUCKET_BITS_MIN, sizeof(*n->bucket));
	return p->node_count++;
}

/* Distributes the node's edges; returns how many share a bucket with an earlier one. */
static unsigned fill_buckets(struct cdp_paths *p, struct cdp_node *n)
{
	unsigned shared = 0;

	memset(n->bucket, 0, sizeof(*n->bucket) << (64 - n->shift));
	for (unsigned i = 0; i < n->count; i++) {
		struct cdp_edge *e = &p->edges[n->edges[i]];
		int32_t *head = &n->bucket[cdp_key_bucket(n, e->word, e->len)];

		shared += *head != CDP_NO_EDGE;
		e->next = *head;
		*head = n->edges[i];
	}
	return shared;
}

/* Eight buckets for an edge: most keys of a record are not asked for, and an empty bucket
 * answers at once.  Factors are tried until no two edges meet, or the best is kept. */
static void rebuild(struct cdp_paths *p, struct cdp_node *n)
{
	uint64_t factor = n->factor, best = factor;
	unsigned least = n->count, shared;

	while (n->count * 8 > 1u << (64 - n->shift))
		n->shift--;
	n->bucket =
		cdp_realloc(n->bucket, (size_t)1 << (64 - n->shift), sizeof(*n->bucket));
	for (int i = 0; i < FACTORS && least && n->count <= FEW; i++) {
		n->factor = factor;
		shared = fill_buckets(p, n);
		if (shared < least) {
			least = shared;
			best = factor;
		}
		/* any odd numbers do: Knuth's generator */
		factor = (factor * 6364136223846793005u + 1442695040888963407u) | 1;
	}
	n->factor = best;
	fill_buckets(p, n);
}

/* Where the node's newest edge goes. */
static void place(struct cdp_paths *p, struct cdp_node *n)
{
	int32_t at = n->edges[n->count - 1], *head;
	struct cdp_edge *e = &p->edges[at];

	if (n->count <= FEW || n->count * 8 > 1u << (64 - n->shift)) {
		rebuild(p, n);
		return;
	}
	head = &n->bucket[cdp_key_bucket(n, e->word, e->len)];
	e->next = *head;
	*head = at;
}

/* The edge of a key under a node, made if new. */
static int32_t edge_of(struct cdp_paths *p, unsigned node, const char *key, size_t len)
{
	struct cdp_node *n = &p->nodes[node];
	char head[8] = { 0 };
	struct cdp_edge *e;
	int32_t at;

	if (len)
		memcpy(head, key, len < 8 ? len : 8);
	at = n->bucket[cdp_key_bucket(n, cdp_load64(head), (uint32_t)len)];
	for (; at != CDP_NO_EDGE; at = p->edges[at].next)
		if (p->edges[at].len == len && memcmp(p->more[at].key, key, len) == 0)
			return at;
	CDP_GROW(p->edges, p->edge_count, p->edge_cap);
	CDP_GROW(p->more, p->edge_count, p->more_cap);
	e = &p->edges[p->edge_count];
	*e = (struct cdp_edge){ .word = cdp_load64(head),
				.tail = cdp_load64(len > 8 ? key + len - 8 : head),
				.len = (uint32_t)len,
				.slot = CDP_NO_SLOT,
				.node = -1 };
	p->more[p->edge_count] = (struct cdp_edge_more){ .key = cdp_strndup(key, len) };
	n->lengths |= (uint64_t)1 << len % 64;
	CDP_GROW(n->edges, n->count, n->cap);
	n->edges[n->count++] = (int32_t)p->edge_count++;
	place(p, n);
	return n->edges[n->count - 1];
}

const struct cdp_edge *cdp_key_chain(const struct cdp_paths *paths, int32_t edge,
				     const char *p, size_t n)
{
	while (edge != CDP_NO_EDGE &&
	       (paths->edges[edge].len != n || memcmp(paths->more[edge].key, p, n) != 0))
		edge = paths->edges[edge].next;
	return &paths->edges[edge];
}

static void add_below(struct cdp_edge_more *e, int32_t slot)
{
	e->below = cdp_realloc(e->below, e->below_count + 1, sizeof(*e->below));
	e->below[e->below_count++] = slot;
}

int cdp_paths_add_keys(struct cdp_paths *p, const char *const *keys, const size_t *lens,
		       size_t count)
{
	unsigned node = 0;
	int32_t edge = CDP_NO_EDGE;
	int slot;

	if (!count || count > CDP_DEPTH_MAX)
		CDP_BUG("a path of %zu keys", count);
	for (size_t i = 0; i < count; i++) {
		edge = edge_of(p, node, keys[i], lens[i]);
		if (i + 1 == count)
			break;
		if (p->edges[edge].node < 0)
			p->edges[edge].node = (int32_t)add_node(p);
		node = (unsigned)p->edges[edge].node;
	}
	if (p->edges[edge].slot >= 0)
		return p->edges[edge].slot;
	slot = (int)p->slot_count++;
	p->edges[edge].slot = slot;
	node = 0;
	for (size_t i = 0; i + 1 < count; i++) {
		edge = edge_of(p, node, keys[i], lens[i]);
		add_below(&p->more[edge], slot);
		node = (unsigned)p->edges[edge].node;
	}
	return slot;
}

/* A path's text is cut into keys one after the other in `keys`, whose ends are `ends`. */
struct cut {
	struct cdp_buf keys;
	size_t ends[CDP_DEPTH_MAX], count;
};

static int path_error(struct cdp_err *err, size_t at, const char *what)
{
	cdp_err_set(err, CDP_ERR_USAGE, "%s in a member path", what);
	err->column = at + 1;
	return -1;
}

/* A quoted key at text[*at] == '"': JSON string syntax. */
static int cut_quoted(struct cut *c, const char *text, size_t n, size_t *at,
		      struct cdp_err *err)
{
	size_t from = *at, i = from + 1, len;
	struct cdp_val v;
	struct cdp_buf tmp;
	const char *p;

	while (i < n && text[i] != '"')
		i += text[i] == '\\' ? 2 : 1;
	if (i >= n)
		return path_error(err, from, "unterminated quote");
	if (cdp_json_check(text + from, i + 1 - from, err) < 0) {
		err->kind = CDP_ERR_USAGE;
		err->column += from;
		return -1;
	}
	cdp_val_at(&v, text + from, i + 1 - from);
	cdp_buf_init(&tmp, CDP_BUF_NOMAX);
	p = cdp_val_str(&v, &tmp, &len);
	cdp_buf_add(&c->keys, p, len);
	cdp_buf_release(&tmp);
	*at = i + 1;
	return 0;
}

static int cut_bare(struct cut *c, const char *text, size_t n, size_t *at,
		    struct cdp_err *err)
{
	size_t i = *at;

	for (; i < n && text[i] != '.'; i++) {
		unsigned char b = (unsigned char)text[i];

		if (b <= ' ' || b == 0x7f || strchr("\"\\[]{}'", b))
			return path_error(err, i,
					  "a byte that must stand in double quotes");
	}
	if (i == *at)
		return path_error(err, i, "empty key");
	cdp_buf_add(&c->keys, text + *at, i - *at);
	*at = i;
	return 0;
}

static int cut_path(struct cut *c, const char *text, size_t n, struct cdp_err *err)
{
	size_t at = 0;

	for (;;) {
		int r = at < n && text[at] == '"' ? cut_quoted(c, text, n, &at, err)
						  : cut_bare(c, text, n, &at, err);

		if (r < 0)
			return -1;
		if (c->count == CDP_DEPTH_MAX)
			return path_error(err, at, "more than 256 keys");
		c->ends[c->count++] = c->keys.n;
		if (at == n)
			return 0;
		if (text[at] != '.')
			return path_error(err, at, "text after a quoted key");
		at++;
	}
}

int cdp_paths_add(struct cdp_paths *p, const char *text, size_t n, struct cdp_err *err)
{
	const char *keys[CDP_DEPTH_MAX];
	size_t lens[CDP_DEPTH_MAX];
	struct cut c = { .count = 0 };
	int slot = -1;

	cdp_buf_init(&c.keys, CDP_BUF_NOMAX);
	if (cut_path(&c, text, n, err) == 0) {
		for (size_t i = 0, from = 0; i < c.count; from = c.ends[i++]) {
			keys[i] = c.keys.p + from;
			lens[i] = c.ends[i] - from;
		}
		slot = cdp_paths_add_keys(p, keys, lens, c.count);
	}
	cdp_buf_release(&c.keys);
	return slot;
}

int cdp_path_parse(struct cdp_path *p, const char *text, size_t n, struct cdp_err *err)
{
	struct cut c = { .count = 0 };
	int status;

	*p = (struct cdp_path){ 0 };
	cdp_buf_init(&c.keys, CDP_BUF_NOMAX);
	status = cut_path(&c, text, n, err);
	if (status == 0 && memchr(c.keys.p, '\0', c.keys.n))
		status = path_error(err, 0, "a NUL");
	if (status == 0) {
		p->keys = cdp_calloc(c.count, sizeof(*p->keys));
		for (size_t from = 0; p->count < c.count; from = c.ends[p->count++])
			p->keys[p->count] =
				cdp_strndup(c.keys.p + from, c.ends[p->count] - from);
	}
	cdp_buf_release(&c.keys);
	return status;
}

void cdp_path_release(struct cdp_path *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->keys[i]);
	free(p->keys);
	*p = (struct cdp_path){ 0 };
}

static struct cdp_paths *new_paths(const char *key)
{
	const char *fixed[CDP_SLOT_FIXED] = { key ? key : "one_id", "time", "event",
					      "type" };
	struct cdp_paths *p = cdp_calloc(1, sizeof(*p));

	p->key = key ? cdp_strdup(key) : NULL;
	add_node(p);
	CDP_GROW(p->edges, 0, p->edge_cap);
	CDP_GROW(p->more, 0, p->more_cap);
	p->edges[0] =
		(struct cdp_edge){ .len = UINT32_MAX, .slot = CDP_NO_SLOT, .node = -1 };
	p->more[0] = (struct cdp_edge_more){ .key = NULL };
	p->edge_count = 1;
	for (int i = 0; i < CDP_SLOT_FIXED; i++) {
		size_t len = strlen(fixed[i]);

		if (cdp_paths_add_keys(p, &fixed[i], &len, 1) != i)
			CDP_BUG("fixed slots are out of order");
	}
	return p;
}

struct cdp_paths *cdp_paths_new(void)
{
	return new_paths(NULL);
}

struct cdp_paths *cdp_paths_new_of(const char *key)
{
	return new_paths(key && strcmp(key, "one_id") != 0 ? key : NULL);
}

const char *cdp_paths_key(const struct cdp_paths *p)
{
	return p->key ? p->key : "one_id";
}

void cdp_paths_free(struct cdp_paths *p)
{
	if (!p)
		return;
	free(p->key);
	for (unsigned i = 0; i < p->edge_count; i++) {
		free(p->more[i].key);
		free(p->more[i].below);
	}
	for (unsigned i = 0; i < p->node_count; i++) {
		free(p->nodes[i].bucket);
		free(p->nodes[i].edges);
	}
	free(p->edges);
	free(p->more);
	free(p->nodes);
	free(p);
}

unsigned cdp_paths_count(const struct cdp_paths *p)
{
	return p->slot_count;
}
