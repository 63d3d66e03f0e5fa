/* Sets of ordinals by the bytes of their keys. */
#ifndef CDP_MODEL_KEYORDER_H
#define CDP_MODEL_KEYORDER_H

#include "base/bitmap.h"
#include "model/keydict.h"

/* 8 bytes for each key of the dictionary, and 16 more while it is made; the dictionary
 * must stay. */
struct cdp_keyorder;
struct cdp_keyorder *cdp_keyorder_new(struct cdp_keydict *d, struct cdp_err *err);
void cdp_keyorder_free(struct cdp_keyorder *o); /* NULL is fine */
/* each() returns 0, or -1 to stop, which is passed on. */
int cdp_keyorder_each(struct cdp_keyorder *o, const struct cdp_bitmap *b,
		      int (*each)(void *ctx, uint32_t ordinal, const char *key, size_t n),
		      void *ctx, struct cdp_err *err);

#endif
