/* A canonical record while a reader puts it together from pieces in any order.
 *
 *	cdp_draft_reset(&d, CDP_DRAFT_EVENT);
 *	d.ms = ...; cdp_draft_event(&d, name, n); cdp_ids_put(&d.ids, ...);
 *	cdp_draft_val(&d, CDP_PART_PROPS, &key, &value);
 *	cdp_draft_write(&d, opts, out, &info, &err);
 *
 * Memory is kept from record to record.  One a thread. */
#ifndef CDP_FORMAT_DRAFT_H
#define CDP_FORMAT_DRAFT_H

#include "format/canon.h"
#include "format/ids.h"

enum cdp_draft_kind {
	CDP_DRAFT_EVENT,
	CDP_DRAFT_PROFILE,
	CDP_DRAFT_DETAIL,
	CDP_DRAFT_ENTITY,
	CDP_DRAFT_RELATION,
	CDP_DRAFT_BIND,
	CDP_DRAFT_UNBIND,
};

/* Objects of a record that are filled member by member; UNSET is an array of names. */
enum cdp_part {
	CDP_PART_PROPS,
	CDP_PART_SET,
	CDP_PART_SET_ONCE,
	CDP_PART_INCREMENT,
	CDP_PART_APPEND,
	CDP_PART_UNSET,
	CDP_PARTS,
};

struct cdp_draft {
	enum cdp_draft_kind kind;
	int64_t ms, sent, received; /* CDP_NO_TIME: none */
	bool deleted;
	struct cdp_ids ids;
	/* Plain texts, without meaning if empty. */
	struct cdp_buf event, event_id, source;
	struct cdp_buf name,
		id; /* detail and row, entity and id, relation and its `to` */
	struct cdp_buf part[CDP_PARTS]; /* members `"k":v,"k":v`, without braces */
	struct cdp_buf more;            /* other members of the record, `,"k":v` */
};

void cdp_draft_init(struct cdp_draft *d);
void cdp_draft_release(struct cdp_draft *d);
void cdp_draft_reset(struct cdp_draft *d, enum cdp_draft_kind kind);

/* A member of a part.  Values as they came, without white space between tokens; a member
 * whose value is missing is none.  Keys are not looked at again: a reader that may give
 * one twice asks cdp_draft_has() first. */
void cdp_draft_val(struct cdp_draft *d, enum cdp_part part, const struct cdp_val *key,
		   const struct cdp_val *v);
void cdp_draft_named(struct cdp_draft *d, enum cdp_part part, const char *key,
		     const struct cdp_val *v);
void cdp_draft_str(struct cdp_draft *d, enum cdp_part part, const char *key,
		   const char *p, size_t n);
void cdp_draft_raw(struct cdp_draft *d, enum cdp_part part, const char *key,
		   const char *json, size_t n);
/* All members of an object but those named in `without` (NULL-ended, or NULL). */
void cdp_draft_all(struct cdp_draft *d, enum cdp_part part, const struct cdp_val *object,
		   const char *const *without);
bool cdp_draft_has(const struct cdp_draft *d, enum cdp_part part, const char *key,
		   size_t n);

/* Appends the record, head first, without LF, and tells *info; or nothing, and -1 with
 * the data error (no or an empty event name, a time that is missing or in the future, no
 * ids ...): the checks that every reader makes. */
int cdp_draft_write(struct cdp_draft *d, const struct cdp_format_opts *opts,
		    struct cdp_buf *out, struct cdp_canon *info, struct cdp_err *err);

#endif
