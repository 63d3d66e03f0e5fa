/* Records with fewer, or changed, members.  Values keep their bytes. */
#ifndef CDP_RECORD_FIELDS_H
#define CDP_RECORD_FIELDS_H

#include "base/buf.h"
#include "record/scan.h"

/* A list of member paths: "time,event,props.amount", commas between. */
struct cdp_fields;

/* NULL with a usage error if a path is none.  With `paths` (for cdp_fields_keep) each
 * gets a slot there. */
struct cdp_fields *cdp_fields_new(const char *list, struct cdp_paths *paths,
				  struct cdp_err *err);
void cdp_fields_free(struct cdp_fields *f);

/* The members of the list that the record has, in the order of the list, nested as they
 * were. */
void cdp_fields_keep(const struct cdp_fields *f, struct cdp_buf *out,
		     struct cdp_rec *rec);
/* The record without the members of the list; true if that made a difference (if not, out
 * holds an equal record, but perhaps not the same bytes). */
bool cdp_fields_omit(const struct cdp_fields *f, struct cdp_buf *out, const char *raw,
		     size_t len);

/* A copy of `raw` with the member at `path` set to JSON text `value`; objects on the way
 * that are missing are made.  -1 with a data error where one of them is no object. */
int cdp_rec_set(struct cdp_buf *out, const char *raw, size_t len,
		const struct cdp_path *path, const char *value, size_t n,
		struct cdp_err *err);

#endif
