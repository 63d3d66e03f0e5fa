/* Two scanners over the same block must agree in everything. */
#ifndef CDP_FUZZ_SCAN_PAIR_H
#define CDP_FUZZ_SCAN_PAIR_H

#include "base/mem.h"
#include "record/json.h"
#include "record/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Paths that meet what mutated records are made of: prefixes of each other, keys of eight
 * and sixteen bytes and around them, an empty one, one with a dot. */
static const char *const pair_paths[] = {
	"a",
	"a.b",
	"a.b.c",
	"props",
	"props.amount",
	"props.product_id",
	"ids.customer",
	"ids.device",
	"ids.\"x.y\"",
	"\"\"",
	"eight_by",
	"nine_byte",
	"sixteen_bytes_16",
	"seventeen_bytes_1",
	"props.title",
};

enum { PAIR_PATHS = sizeof(pair_paths) / sizeof(pair_paths[0]) };

static inline struct cdp_paths *pair_paths_new(int slots[PAIR_PATHS])
{
	struct cdp_paths *paths = cdp_paths_new();
	struct cdp_err err;

	for (int i = 0; i < PAIR_PATHS; i++)
		slots[i] =
			cdp_paths_add(paths, pair_paths[i], strlen(pair_paths[i]), &err);
	return paths;
}

/* A block with its padding and not a byte more. */
static inline char *pair_block(const void *text, size_t n)
{
	char *p = cdp_alloc(n + 64);

	if (n)
		memcpy(p, text, n);
	memset(p + n, '"', 64); /* what a careless scanner would trip over */
	return p;
}

static inline bool same_slot(const struct cdp_rec *a, const struct cdp_rec *b, unsigned i)
{
	const struct cdp_val *x = &a->slots[i], *y = &b->slots[i];

	return x->type == y->type &&
	       (x->type == CDP_MISSING ||
		(x->n == y->n && x->escaped == y->escaped && x->integral == y->integral &&
		 x->p - a->raw == y->p - b->raw));
}

static unsigned pair_lists; /* of tokens, that were looked at */

/* The tokens of an object, where there is a list of them, lead to its members. */
static inline bool tokens_fit(const struct cdp_rec *rec, const struct cdp_val *v)
{
	struct cdp_iter it = { 0 };
	struct cdp_val key, val;
	struct cdp_tokens t;

	if (v->type != CDP_OBJECT || !cdp_rec_tokens(rec, v, &t))
		return true;
	pair_lists++;
	if (t.base + *t.at != v->p || memchr(v->p, '\\', v->n))
		return false;
	for (const uint32_t *at = t.at; cdp_val_member(v, &it, &key, &val); at += 2) {
		const char *p = val.p - (val.type == CDP_STRING);

		if (t.base + at[0] + 2 != key.p || t.base + at[1] != key.p + key.n + 1 ||
		    t.base + at[1] + 1 != p)
			return false;
		if (val.type == CDP_OBJECT || val.type == CDP_ARRAY)
			break;
		if (t.base + at[2] != val.p + val.n + (val.type == CDP_STRING))
			return false;
	}
	return true;
}

/* NULL, or how they differ on the block they were both given; *records and *bad are
 * increased. */
static inline const char *pair_differs(struct cdp_scan *a, struct cdp_scan *b,
				       unsigned slots, unsigned *records, unsigned *bad)
{
	static char why[600];
	struct cdp_rec x, y;
	struct cdp_err ex, ey;
	int rx, ry;

	for (;;) {
		rx = cdp_scan_next(a, &x, &ex);
		ry = cdp_scan_next(b, &y, &ey);
		if (rx != ry) {
			snprintf(why, sizeof(why), "line %d: %s says %d, %s says %d: %s",
				 (int)cdp_scan_lines(a), cdp_scan_impl_name(a), rx,
				 cdp_scan_impl_name(b), ry,
				 rx < 0   ? ex.msg
				 : ry < 0 ? ey.msg
					  : "");
			return why;
		}
		if (rx == 0)
			break;
		++*(rx < 0 ? bad : records);
		if (x.line != y.line || x.len != y.len ||
		    memcmp(x.raw, y.raw, x.len) != 0)
			return "the lines differ";
		if (rx < 0 && (strcmp(ex.msg, ey.msg) != 0 || ex.column != ey.column))
			return "the reasons differ";
		if (x.compact != y.compact || x.twice != y.twice)
			return "what was seen differs";
		for (unsigned i = 0; i < slots; i++)
			if (!same_slot(&x, &y, i) || !tokens_fit(&x, &x.slots[i]) ||
			    !tokens_fit(&y, &y.slots[i])) {
				snprintf(why, sizeof(why), "slot %u differs: %.*s", i,
					 x.len < 500 ? (int)x.len : 500, x.raw);
				return why;
			}
	}
	if (cdp_scan_lines(a) != cdp_scan_lines(b) ||
	    cdp_scan_blanks(a) != cdp_scan_blanks(b))
		return "the counts differ";
	return NULL;
}

#endif
