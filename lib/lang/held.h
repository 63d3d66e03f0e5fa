/* Values that outlive their record, as a tag and text: what aggregates keep. */
#ifndef CDP_LANG_HELD_H
#define CDP_LANG_HELD_H

#include "lang/value.h"

/* Tags in the order in which kinds are compared. */
enum cdp_held {
	CDP_H_NULL = 'a',
	CDP_H_NUMBER = 'b', /* as JSON has it; NaN, Infinity, -Infinity */
	CDP_H_UINT = 'c',
	CDP_H_STRING = 'd',
	CDP_H_BOOL = 'e',
	CDP_H_TIME = 'f',     /* RFC 3339 */
	CDP_H_DURATION = 'g', /* "3.5s" */
	CDP_H_JSON = 'h',     /* a list or map */
};

/* Append the text of v; returns its tag, or 0 if it cannot be kept (bytes, types). */
char cdp_held_put(struct cdp_buf *b, const struct cdp_value *v);
/* The same so that equal values have equal text: 5, 5.0 and 5u are "5". */
char cdp_held_put_canonical(struct cdp_buf *b, const struct cdp_value *v);
/* The value again; its text is borrowed from p. 0, or -1 if it is no such text. */
int cdp_held_get(struct cdp_value *out, char tag, const char *p, size_t n,
		 struct cdp_arena *a);

/* A bag of tagged texts with counts.  NULL is an empty one. */
struct cdp_bag;
struct cdp_bag_item {
	const char *p; /* the tag, then the text */
	size_t n;
	uint64_t count;
	uint32_t place;
};
/* Returns its place, which stays: 0, 1, 2 ... in order of first appearance. */
uint32_t cdp_bag_add(struct cdp_bag **bag, const char *p, size_t n, uint64_t count);
void cdp_bag_free(struct cdp_bag *bag);
size_t cdp_bag_size(const struct cdp_bag *bag); /* different texts */
void cdp_bag_at(const struct cdp_bag *bag, size_t i, struct cdp_bag_item *out);
size_t cdp_bag_memory(const struct cdp_bag *bag);

#endif
