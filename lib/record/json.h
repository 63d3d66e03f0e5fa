/* Reading single values out of a raw record, and writing JSON text. */
#ifndef CDP_RECORD_JSON_H
#define CDP_RECORD_JSON_H

#include "base/buf.h"
#include "record/scan.h"

/* --- reading; the text was validated by the scanner --- */

/* Decoded bytes of a string value: the slice itself if it has no escapes, else written to
 * `tmp` (reset first) and borrowed from it.  Lone surrogates become U+FFFD, \u0000 a NUL.
 */
const char *cdp_val_str(const struct cdp_val *v, struct cdp_buf *tmp, size_t *n);
/* True if v is a string whose decoded bytes are these. */
bool cdp_val_is(const struct cdp_val *v, const char *p, size_t n);

/* Members of an object / items of an array slice.  Start with *it = {0}. */
struct cdp_iter {
	const char *at;
	/* An object among the members' values that need not be read again, or NULL. */
	const struct cdp_val *known;
};
/* 1: *key (raw string value, may be escaped) and *val filled; 0: end. */
int cdp_val_member(const struct cdp_val *object, struct cdp_iter *it, struct cdp_val *key,
		   struct cdp_val *val);
int cdp_val_item(const struct cdp_val *array, struct cdp_iter *it, struct cdp_val *item);
/* The value at raw text p (white space skipped), e.g. a whole record. */
void cdp_val_at(struct cdp_val *v, const char *p, size_t n);

/* --- writing --- */

/* A string with quotes.  Bytes must be UTF-8; control bytes, quote and backslash are
 * escaped, all else is left as it is. */
void cdp_json_str(struct cdp_buf *b, const char *p, size_t n);
void cdp_json_cstr(struct cdp_buf *b, const char *s);
/* `"key":` preceded by a comma unless the buffer ends in '{' or '['. */
void cdp_json_key(struct cdp_buf *b, const char *key);
void cdp_json_val(struct cdp_buf *b,
		  const struct cdp_val *v); /* raw bytes; missing = null */

/* --- editing a raw record without re-serialising the rest --- */

/* Copy of `raw` with member `key` (top level, raw JSON text `value`) set: replaced in
 * place if it stands there (the last, if twice; the others stay), else spliced in as the
 * first member
 * (`first`) or the last. */
void cdp_rec_splice(struct cdp_buf *out, const char *raw, size_t len, const char *key,
		    const char *value, size_t value_len, bool first);
/* Copy of `raw` without white space between tokens. */
void cdp_json_minify(struct cdp_buf *out, const char *raw, size_t len);

#endif
