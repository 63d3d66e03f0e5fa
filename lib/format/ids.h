/* The ids of one record while it is read. */
#ifndef CDP_FORMAT_IDS_H
#define CDP_FORMAT_IDS_H

#include "base/buf.h"
#include "record/scan.h"

enum { CDP_IDS_MAX = 64 };

/* Kinds and values as plain text in `text`; reset and fill again for each record. */
struct cdp_ids {
	struct cdp_buf text;
	struct {
		uint32_t kind, kind_len, value, value_len; /* offsets in text */
	} v[CDP_IDS_MAX];
	unsigned n;
	struct cdp_buf tmp, key;
};

/* Whether it looks like 1.1E+17, which a spreadsheet makes of a long number: whose digits
 * are gone. */
bool cdp_id_is_spoilt(const char *p, size_t n);

void cdp_ids_init(struct cdp_ids *s);
void cdp_ids_release(struct cdp_ids *s);
void cdp_ids_reset(struct cdp_ids *s);

/* Adds an id; an empty value adds none.  A value such as 1.1E+17, which a spreadsheet
 * makes of a long number, is an error; so are an empty kind and too many ids.  A kind
 * that is there already gets the new value. */
int cdp_ids_put(struct cdp_ids *s, const char *kind, size_t kind_len, const char *p,
		size_t n, struct cdp_err *err);
/* The same, but a kind that is there with another value stays, and the new value goes
 * under `other`. */
int cdp_ids_add(struct cdp_ids *s, const char *kind, const char *other, size_t other_len,
		const char *p, size_t n, struct cdp_err *err);
/* The text of a JSON value used as an id: a string or a whole number; *n is 0 for null
 * and "". */
int cdp_id_text(const struct cdp_val *v, struct cdp_buf *tmp, const char **p, size_t *n,
		const char *path, const char *key, size_t key_len, struct cdp_err *err);
/* All members of the object at `path` ("ids").  *plain (may be NULL): the object's text
 * is canonical but for white space. */
int cdp_ids_read(struct cdp_ids *s, const struct cdp_val *object, const char *path,
		 bool *plain, struct cdp_err *err);
/* A kind and its value in such an object. */
struct cdp_plain_id {
	const char *kind, *kind_end, *value, *value_end;
};
enum { CDP_PLAIN_MAX = 8 };
/* Whether an object of a record without white space between tokens is good as it stands:
 * strings without escapes, none empty, none spoilt, no kind twice, and few.  *count of
 * them, in id. */
bool cdp_ids_plain(const struct cdp_rec *rec, const struct cdp_val *object,
		   struct cdp_plain_id id[CDP_PLAIN_MAX], unsigned *count);
/* The value of a kind, or NULL. */
const char *cdp_ids_get(const struct cdp_ids *s, const char *kind, size_t kind_len,
			size_t *n);
bool cdp_ids_has_value(const struct cdp_ids *s, const char *p, size_t n);
void cdp_ids_write(struct cdp_ids *s, struct cdp_buf *out); /* {"kind":"value"} */

#endif
