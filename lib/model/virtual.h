/* Virtual events: business names for what a page or an element tracked by itself, given
 * after the fact by rules.
 *
 *	{"virtual":[{"name":"click_buy","when":"event == '$AppClick' && ...",
 *	             "as":"add","set":{"product":"props['$title']"}}]}
 *
 * `as` is "add" (the default: one more event) or "rename" (the event itself gets the name
 * of the first such rule that holds).  `set` gives properties by expressions; one that
 * ends in an error sets nothing.  A made event has `virtual`, the name of the event it
 * was made of, and no rule is asked about it; an added one has the `event_id` of its
 * origin (or 16 digits of a hash of time, event, ids, props and source) with "/" and its
 * name. */
#ifndef CDP_MODEL_VIRTUAL_H
#define CDP_MODEL_VIRTUAL_H

#include "base/buf.h"
#include "lang/expr.h"

/* Loaded once, then shared read-only. */
struct cdp_virtual;
/* Slots are added to `paths`.  NULL with a usage or system error. */
struct cdp_virtual *cdp_virtual_load(const char *path, const struct cdp_run *run,
				     struct cdp_paths *paths, struct cdp_err *err);
void cdp_virtual_free(struct cdp_virtual *v);

struct cdp_virtual_counts {
	uint64_t added, renamed, errors;
};

/* One a thread. */
struct cdp_virtual_work;
struct cdp_virtual_work *cdp_virtual_work_new(const struct cdp_virtual *v);
void cdp_virtual_work_free(struct cdp_virtual_work *w);
const struct cdp_virtual_counts *
cdp_virtual_work_counts(const struct cdp_virtual_work *w);

/* Asks the rules about a record.  1: *renamed is what it is to be replaced by, valid
 * until the next call; 0: it stays.  What is added waits for cdp_virtual_next. */
int cdp_virtual_apply(struct cdp_virtual_work *w, struct cdp_rec *rec,
		      const struct cdp_buf **renamed);
/* 1: the next added record is appended to `out`, without LF; 0: there is none. */
int cdp_virtual_next(struct cdp_virtual_work *w, struct cdp_buf *out);

#endif
