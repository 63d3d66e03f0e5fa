#include "model/liverank.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct node {
	double value;
	uint32_t left, right; /* customers + 1 */
	uint32_t size;        /* of the tree below, with itself; 0: is not there */
};

struct cdp_liverank {
	const struct cdp_intern *keys;
	struct node *v; /* by customer */
	uint32_t count; /* of v */
	uint32_t root;
};

struct cdp_liverank *cdp_liverank_new(const struct cdp_intern *keys)
{
	struct cdp_liverank *r = cdp_calloc(1, sizeof(*r));

	r->keys = keys;
	return r;
}

void cdp_liverank_free(struct cdp_liverank *r)
{
	if (r)
		free(r->v);
	free(r);
}

static uint32_t size_of(const struct cdp_liverank *r, uint32_t t)
{
	return t ? r->v[t - 1].size : 0;
}

static void count(struct cdp_liverank *r, uint32_t t)
{
	struct node *n = &r->v[t - 1];

	n->size = 1 + size_of(r, n->left) + size_of(r, n->right);
}

/* Any order of numbers that is none of their values: a bijection (Murmur's last steps).
 */
static uint32_t weight(uint32_t t)
{
	t ^= t >> 16;
	t *= 0x85ebca6bu;
	t ^= t >> 13;
	t *= 0xc2b2ae35u;
	return t ^ t >> 16;
}

/* Whether a stands before b. */
static bool is_before(const struct cdp_liverank *r, uint32_t a, uint32_t b)
{
	const struct node *x = &r->v[a - 1], *y = &r->v[b - 1];
	size_t xn, yn;
	const char *xp, *yp;
	int c;

	if (x->value != y->value)
		return x->value > y->value;
	xp = cdp_intern_key(r->keys, a - 1, &xn);
	yp = cdp_intern_key(r->keys, b - 1, &yn);
	c = memcmp(xp, yp, xn < yn ? xn : yn);
	return c ? c < 0 : xn < yn;
}

/* A tree as what stands before `t` and the rest, `t` itself in the latter. */
static void split(struct cdp_liverank *r, uint32_t tree, uint32_t t, uint32_t *left,
		  uint32_t *right)
{
	if (!tree) {
		*left = *right = 0;
	} else if (is_before(r, tree, t)) {
		*left = tree;
		split(r, r->v[tree - 1].right, t, &r->v[tree - 1].right, right);
		count(r, tree);
	} else {
		*right = tree;
		split(r, r->v[tree - 1].left, t, left, &r->v[tree - 1].left);
		count(r, tree);
	}
}

static uint32_t join(struct cdp_liverank *r, uint32_t left, uint32_t right)
{
	if (!left || !right)
		return left ? left : right;
	if (weight(left) > weight(right)) {
		r->v[left - 1].right = join(r, r->v[left - 1].right, right);
		count(r, left);
		return left;
	}
	r->v[right - 1].left = join(r, left, r->v[right - 1].left);
	count(r, right);
	return right;
}

void cdp_liverank_put(struct cdp_liverank *r, uint32_t customer, double value)
{
	uint32_t left, right, t = customer + 1;

	if (customer >= r->count) {
		uint32_t n = customer + customer / 2 + 64;

		r->v = cdp_realloc(r->v, n, sizeof(*r->v));
		memset(r->v + r->count, 0, (n - r->count) * sizeof(*r->v));
		r->count = n;
	}
	r->v[customer] = (struct node){ .value = value, .size = 1 };
	split(r, r->root, t, &left, &right);
	r->root = join(r, join(r, left, t), right);
}

static uint32_t without(struct cdp_liverank *r, uint32_t tree, uint32_t t)
{
	struct node *n = &r->v[tree - 1];

	if (tree == t)
		return join(r, n->left, n->right);
	if (is_before(r, t, tree))
		n->left = without(r, n->left, t);
	else
		n->right = without(r, n->right, t);
	count(r, tree);
	return tree;
}

void cdp_liverank_remove(struct cdp_liverank *r, uint32_t customer)
{
	r->root = without(r, r->root, customer + 1);
	r->v[customer].size = 0;
}

uint32_t cdp_liverank_count(const struct cdp_liverank *r)
{
	return size_of(r, r->root);
}

bool cdp_liverank_value(const struct cdp_liverank *r, uint32_t customer, double *value)
{
	if (customer >= r->count || !r->v[customer].size)
		return false;
	*value = r->v[customer].value;
	return true;
}

uint32_t cdp_liverank_place(const struct cdp_liverank *r, uint32_t customer)
{
	uint32_t t = customer + 1, place = 0;

	for (uint32_t at = r->root; at;) {
		const struct node *n = &r->v[at - 1];

		if (at != t && is_before(r, t, at)) {
			at = n->left;
			continue;
		}
		place += size_of(r, n->left);
		if (at == t)
			break;
		place++;
		at = n->right;
	}
	return place;
}

uint32_t cdp_liverank_at(const struct cdp_liverank *r, uint32_t place)
{
	uint32_t at = r->root;

	for (;;) {
		const struct node *n = &r->v[at - 1];
		uint32_t left = size_of(r, n->left);

		if (place == left)
			return at - 1;
		if (place > left) {
			place -= left + 1;
			at = n->right;
		} else {
			at = n->left;
		}
	}
}
